"""A machine as its boot log has it: zones, and the managed pages at several moments.

`pagesets` is the moment at which the pagesets get their sizes, `marks` that at which
the marks and reserves are computed, `huge` that at which khugepaged starts, `now` that
of a running system, in which memory that only the boot needed is free.

Source: mm/page_alloc.c:free_area_init, page_alloc_init_late, init_per_zone_wmark_min;
mm/cma.c:cma_init_reserved_areas; init/main.c:kernel_init (v5.10).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice, product

from mmoracle.spec.linux import MAX_NUMNODES
from mmoracle.spec.zones.layout import Layout
from mmoracle.spec.zones.layout import Range as Memory
from mmoracle.spec.zones.movable import Movable, movable_starts
from mmoracle.spec.zones.spans import Extent, Limits, node_extents

from .boot_log import PAGE_SHIFT, BootLog, K, Span
from .proc_free import Early, Frames
from .zoneinfo import Number

Key = tuple[int, str]  # node, zone
Pages = dict[Key, int]
WAYS = 256  # assignments of freed memory to zones that are tried

MULTIPLES = {"K": 10, "M": 20, "G": 30, "T": 40, "P": 50, "E": 60}


@dataclass(frozen=True)
class Release:
    """What one kernel release does in its own way."""

    name: str
    high_by_low: bool = False  # a pageset's high follows the low mark
    high_moves: bool = False  # and moves up to an eighth of the zone by itself
    capped_movable: bool = False  # ZONE_MOVABLE is no lowmem, its lowest mark capped
    memmap_counts: bool = True  # page descriptors are reckoned out of Total pages


V5_10 = Release("5.10")
V6_1 = Release("6.1", high_by_low=True)
V6_12 = Release(
    "6.12", high_by_low=True, high_moves=True, capped_movable=True, memmap_counts=False
)
RELEASES = {(5, 10): V5_10, (6, 1): V6_1, (6, 12): V6_12}


def release_of(log: BootLog) -> tuple[Release, bool]:
    """Return the release whose formulas hold for a log, and whether they are its own.

    A release that is not modelled is taken for the last one before it that is.
    """
    if log.release is None:
        return V5_10, False
    said = log.release
    nearest = max((each for each in RELEASES if each <= said), default=(5, 10))
    return RELEASES[nearest], said in RELEASES


PAGESETS, MARKS, HUGE, NOW = range(1, 5)  # the moments after mem_init, in order


@dataclass
class Later:
    """Memory that becomes managed after mem_init, and the zones that may get it."""

    what: str
    line: int
    since: int  # the first moment at which it is managed
    ways: list[Pages]


@dataclass
class Machine:
    """What a boot log says of a machine's zones, computed."""

    log: BootLog
    early: Early
    release: Release
    own: bool  # the release's formulas are known
    layout: Layout
    memory: tuple[Memory, ...]
    limits: Limits
    extents: dict[Key, Extent] = field(default_factory=dict)
    base: Pages | None = None  # managed at mem_init; none where no line tells
    base_from: str = ""
    free_said: Number | None = None  # free at mem_init, by the line of mem_init
    later: list[Later] = field(default_factory=list)
    cma: Pages = field(default_factory=dict)

    @property
    def nids(self) -> tuple[int, ...]:
        """Return the nodes with memory."""
        return tuple(sorted({r.nid for r in self.memory}))

    @property
    def highmem(self) -> frozenset[int]:
        """Return the zone types that the kernel has no fixed mapping of.

        Without NUMA, ZONE_MOVABLE is one of them where it comes after ZONE_HIGHMEM.
        """
        high, movable = self.layout.highmem, self.layout.movable
        if high < 0:
            return frozenset()
        return frozenset({high, movable} if movable == high + 1 else {high})

    def extent(self, key: Key) -> Extent:
        """Return where a zone lies; nothing for one of a node without memory."""
        return self.extents.get(key, Extent())


def machine_of(log: BootLog, early: Early) -> Machine:
    """Return the machine of a log that has zone ranges and memory ranges."""
    release, own = release_of(log)
    names = [name for name in log.zones if name != "Movable"]
    names.insert(names.index("Device") if "Device" in names else len(names), "Movable")
    layout = Layout(tuple(names))
    memory = tuple(
        Memory(nid, span.start, span.end, hotplug=is_in(early.hotplug, span.start))
        for nid, span in log.nodes
    )
    limits = tuple(
        (log.zones[name].start, log.zones[name].end) if name in log.zones else (0, 0)
        for name in names
    )
    machine = Machine(log, early, release, own, layout, memory, limits)
    starts = {nid: number.value for nid, number in log.movable.items()}
    for nid in machine.nids:
        row = node_extents(layout, limits, memory, nid, starts.get(nid, 0))
        machine.extents |= {(nid, n): e for n, e in zip(names, row, strict=True)}
    set_base(machine)
    set_later(machine)
    return machine


def is_in(frames: list[Frames], pfn: int) -> bool:
    """Say whether a frame is in one of some ranges."""
    return any(start <= pfn < end for start, end in frames)


# ------------------------------------------------------------------ where frames lie


def by_zone(machine: Machine, frames: list[Frames]) -> Pages:
    """Return how many of some frames each zone has."""
    found: Pages = {}
    for key, start, end in pieces(machine):
        pages = sum(max(0, min(b, end) - max(a, start)) for a, b in frames)
        if pages:
            found[key] = found.get(key, 0) + pages
    return found


def pieces(machine: Machine) -> Iterator[tuple[Key, int, int]]:
    """Yield each zone's ranges of memory."""
    for key, extent in machine.extents.items():
        for r in machine.memory:
            start, end = max(r.start, extent.start), min(r.end, extent.end)
            if r.nid == key[0] and start < end:
                yield key, start, end


# ------------------------------------------------------------------ managed pages


def set_base(machine: Machine) -> None:
    """Set what each zone manages when the page allocator takes over."""
    early, said = machine.early, machine.log.memory
    if early.known:
        found = by_zone(machine, early.free)
        machine.base = {key: found.get(key, 0) for key in machine.extents}
        machine.base_from = "memblock's lines"
    elif "reserved" in said and "cma-reserved" in said:
        kept = said["reserved"].value + said["cma-reserved"].value
        line = said["total"].line
        free = (said["total"].value - kept) // K
        free -= sum(e.pages for e in machine.log.freed if e.line < line)
        machine.free_said = Number(free, line)
        set_base_by_lines(machine, free, line)


def set_base_by_lines(machine: Machine, free: int, line: int) -> None:
    """Set it from the log's own counts, where one zone alone is left to be counted."""
    base: Pages = {}
    for key, reckoned in machine.log.reckoned.items():
        if reckoned.reserved is not None and machine.log.x86_64:
            base[key] = machine.extent(key).present - reckoned.reserved.value
    left = [key for key in populated(machine) if key not in base]
    if len(left) == 1 and free >= sum(base.values()):
        base[left[0]] = free - sum(base.values())
        machine.base = {key: base.get(key, 0) for key in machine.extents}
        machine.base_from = f"the log's own line {line}"


def set_later(machine: Machine) -> None:
    """List what becomes managed later, with the zones that may get it."""
    log, early = machine.log, machine.early
    image = image_zones(machine)
    for freed in log.freed:
        since = MARKS if freed.line < log.drivers_up else NOW
        since = PAGESETS if freed.what == "SMP alternatives" else since
        ways = ways_of(machine, freed.what, freed.pages, image)
        machine.later.append(Later(freed.what, freed.line, since, ways))
    for span in early.late:
        since = MARKS if span.line < log.drivers_up else NOW
        machine.later.append(placed(machine, "memblock", span, since))
    for span in early.gigantic:
        machine.later.append(placed(machine, "gigantic page", span, HUGE))
    for span in log.cma:
        area = placed(machine, "cma", span, MARKS)
        machine.later.append(area)
        for key, count in area.ways[0].items():
            machine.cma[key] = machine.cma.get(key, 0) + count


def placed(machine: Machine, what: str, span: Span, since: int) -> Later:
    """Return later memory whose frames are known."""
    pages = by_zone(machine, [(span.start, span.end)])
    return Later(what, span.line, since, [pages])


def image_zones(machine: Machine) -> list[Key]:
    """Return the zones in which the kernel's image may lie.

    It is the smallest of the first reservations that its sections fit into.
    """
    sizes = ("kernel", "rwdata", "rodata", "init", "bss")
    said = machine.log.memory
    pages = sum(said[name].value for name in sizes if name in said) // 4
    fitting = [f for f in machine.early.image if f[1] - f[0] >= pages > 0]
    fitting.sort(key=lambda f: f[1] - f[0])
    return list(by_zone(machine, fitting[:1])) or populated(machine)


def populated(machine: Machine) -> list[Key]:
    """Return the zones that have memory, the largest first."""
    found = [key for key, extent in machine.extents.items() if extent.present]
    return sorted(found, key=lambda key: -machine.extents[key].present)


def ways_of(machine: Machine, what: str, pages: int, image: list[Key]) -> list[Pages]:
    """Return how freed memory may be shared out: what the log says, or any one zone."""
    if what != "initrd":
        return [{key: pages} for key in image] or [{}]
    for span in reversed(machine.log.ramdisk):
        found = by_zone(machine, [(span.start, span.end)])
        if sum(found.values()) == pages:
            return [found]
    held = [f for f in machine.early.reserved if f[1] - f[0] >= pages]
    keys = {key: None for f in held for key in by_zone(machine, [f])}
    return [{key: pages} for key in keys or populated(machine)] or [{}]


def assignments(machine: Machine) -> Iterator[tuple[Pages, ...]]:
    """Yield the ways in which later memory may go to zones, likeliest first.

    All that lies in the kernel's image goes to one zone.
    """
    kinds = {kind_of(each): len(each.ways) for each in machine.later}
    for picks in islice(product(*map(range, kinds.values())), WAYS):
        pick = dict(zip(kinds, picks, strict=True))
        yield tuple(each.ways[pick[kind_of(each)]] for each in machine.later)


def kind_of(later: Later) -> tuple[bool, tuple[tuple[Key, ...], ...]]:
    """Return what tells apart memory that may go to different zones."""
    return later.what == "initrd", tuple(tuple(way) for way in later.ways)


@dataclass(frozen=True)
class Moments:
    """The managed pages of every zone at each moment."""

    plain: Pages  # mem_init, before anything else is freed
    pagesets: Pages
    marks: Pages
    huge: Pages  # khugepaged starts
    now: Pages


def moments(machine: Machine, base: Pages, way: tuple[Pages, ...]) -> Moments:
    """Return the managed pages at each moment, one way of sharing out."""
    found = [dict(base) for _ in range(NOW + 1)]
    for later, pages in zip(machine.later, way, strict=True):
        for into in found[later.since :]:
            for key, count in pages.items():
                into[key] = into.get(key, 0) + count
    return Moments(*found)


# ------------------------------------------------------------------ ZONE_MOVABLE


def asked(log: BootLog) -> Movable:
    """Return what the command line asks of ZONE_MOVABLE."""
    core, core_percent, mirror = amount(log.option("kernelcore"))
    movable, movable_percent, _ = amount(log.option("movablecore"))
    node = log.option("movable_node") is not None
    return Movable(core, movable, core_percent, movable_percent, mirror, node)


def amount(text: str | None) -> tuple[int, int, bool]:
    """Return pages, a percentage, and whether memory is mirrored."""
    if text is None or text == "mirror":
        return 0, 0, text == "mirror"
    match = re.match(r"(0x[0-9a-f]{1,16}|[0-9]{1,20})([KMGTPE%]?)", text, re.I)
    if match is None:
        return 0, 0, False
    if match[2] == "%":
        return 0, min(int(match[1], 0), 100), False
    return (
        int(match[1], 0) << MULTIPLES.get(match[2].upper(), 0) >> PAGE_SHIFT,
        0,
        False,
    )


def due_starts(machine: Machine) -> dict[int, int]:
    """Return where ZONE_MOVABLE begins on each node by the command line."""
    nodes = min(max(machine.nids, default=0) + 1, MAX_NUMNODES)
    starts = movable_starts(
        machine.layout, machine.limits, machine.memory, asked(machine.log), nodes
    )
    return {nid: start for nid, start in enumerate(starts) if start}
