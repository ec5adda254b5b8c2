"""memblock's two arrays of regions, and how a range is added, cut out or doubled.

Early in boot there is no allocator: memory is one sorted array of regions, what is
in use is another, and both grow by doubling into memory that they describe
themselves.  A range that is added fills only what is not covered yet; a range that
is taken out first cuts the regions at its borders.

Source: mm/memblock.c (v5.10).  Letters: s state, t an array, r a region.
Addresses are bytes; ranges are half-open; words wrap at `cfg.width` bits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from typing import Protocol

from ..core import value
from ..linux import (
    INIT_MEMBLOCK_REGIONS,
    MAX_NUMNODES,
    PAGE_SIZE,
    SMP_CACHE_BYTES,
    Addr,
    Bug,
    Errno,
    MemblockFlags,
)

NONE, HOTPLUG = MemblockFlags.NONE, MemblockFlags.HOTPLUG
MIRROR, NOMAP = MemblockFlags.MIRROR, MemblockFlags.NOMAP
MEMORY, RESERVED = "memory", "reserved"
STATIC = Addr(0)  # where an array lives that was never doubled

# Behaviours of real 5.10 that the `fixed` profile leaves out.
DOUBLE_INTO_RANGE = "an array doubles into the range in hand"
FREE_FIRST = "memory array is freed before its double is reserved"
TRIM_KEEPS_TOTAL = "trim leaves total_size as it was"
TRIM_WRAPS = "trim rounds the last region up to address 0"
CAP_WRAPS = "cap_memory_range wraps at the top"
V5_10 = (DOUBLE_INTO_RANGE, FREE_FIRST, TRIM_KEEPS_TOTAL, TRIM_WRAPS, CAP_WRAPS)


@value
class Region:
    """struct memblock_region; nid is MAX_NUMNODES while no node is known."""

    base: Addr
    size: Addr
    flags: MemblockFlags = NONE
    nid: int = MAX_NUMNODES

    @property
    def end(self) -> int:
        """Return the first byte behind the region."""
        return self.base + self.size


@value
class Regions:
    """struct memblock_type; the dummy of an empty one shows only in `cnt`."""

    regions: tuple[Region, ...] = ()
    max: int = INIT_MEMBLOCK_REGIONS
    total_size: Addr = Addr(0)
    array: Addr = STATIC
    in_slab: bool = False

    @property
    def cnt(self) -> int:
        """Return the number of slots in use; an empty array uses one for its dummy."""
        return max(1, len(self.regions))


@value
class Memblock:
    """struct memblock and the file's static variables."""

    memory: Regions
    reserved: Regions
    bottom_up: bool = False
    current_limit: Addr = Addr(0)
    can_resize: bool = False
    slab_is_up: bool = False
    has_mirror: bool = False  # system_has_some_mirror
    stopped: bool = False  # the kernel met a BUG_ON; nothing else counts any more


STOPPED = Memblock(Regions(), Regions(), stopped=True)


class Stop(Exception):  # noqa: N818  (an outcome of the modelled kernel)
    """BUG_ON(): the kernel stops here."""


@value
class Config:
    """The machine that is booted, and the arguments that exploration offers."""

    width: int = 64  # bits of phys_addr_t
    page_size: int = PAGE_SIZE
    region_bytes: int = 24  # sizeof(struct memblock_region)
    init_regions: int = INIT_MEMBLOCK_REGIONS
    cache_bytes: int = SMP_CACHE_BYTES
    movable_node: bool = False
    release: str = "5.10"  # "6.6": reserved regions get nodes before the hand-over
    quirks: tuple[str, ...] = ()
    start: tuple[Region, ...] = ()  # memory at the beginning
    can_resize: bool = False
    slab_is_up: bool = False
    bases: tuple[int, ...] = ()
    sizes: tuple[int, ...] = ()
    aligns: tuple[int, ...] = (1,)
    nids: tuple[int, ...] = (-1,)
    flags: tuple[MemblockFlags, ...] = (HOTPLUG,)
    limits: tuple[int, ...] = (0,)
    max_low_pfn: int = 1 << 64
    ops: tuple[str, ...] = ()

    @property
    def top(self) -> int:
        """Return PHYS_ADDR_MAX, the last byte, which no region can cover."""
        return (1 << self.width) - 1


def initial(cfg: Config) -> Memblock:
    """Return memblock as the kernel image holds it, with the memory of `cfg.start`."""
    total = Addr(sum(r.size for r in cfg.start))
    memory = Regions(cfg.start, cfg.init_regions, total)
    return Memblock(
        memory,
        Regions((), cfg.init_regions),
        current_limit=Addr(cfg.top),
        can_resize=cfg.can_resize,
        slab_is_up=cfg.slab_is_up,
    )


# ------------------------------------------------------------------ events


@value
class Doubled:
    """memblock_double_array() moved an array; addr is 0 when kmalloc() placed it."""

    kind: str
    max: int
    addr: Addr


@value
class LeakAlloc:
    """kmemleak_alloc_phys()."""

    base: Addr
    size: Addr


@value
class LeakFree:
    """kmemleak_free_part_phys()."""

    base: Addr
    size: Addr


@value
class Warn:
    """WARN_ON(), pr_warn() or dump_stack()."""

    what: str


@value
class Fill:
    """The new block was zeroed, or poisoned by page_init_poison()."""

    how: str
    base: Addr
    size: Addr


@value
class Kzalloc:
    """kzalloc_node() was asked instead: the slab allocator is up."""

    size: Addr
    nid: int


@value
class FreePages:
    """memblock_free_pages(): this block went to the buddy allocator."""

    pfn: int
    order: int


@value
class ReservePages:
    """reserve_bootmem_region(): these pages are initialised as reserved."""

    start_pfn: int
    end_pfn: int
    nid: int = MAX_NUMNODES


Event = (
    Doubled | LeakAlloc | LeakFree | Warn | Fill | Kzalloc | FreePages | ReservePages
)
Events = tuple[Event, ...]


class Slab(Enum):
    """An object of the slab allocator: where it is, is not memblock's business."""

    OBJECT = "object"


@value
class Outcome:
    """What an operation returned, and what it did on the way, in order.

    The value is None or an address on success; address 0 is the kernel's "none".
    """

    value: Addr | Slab | Errno | Bug | None = None
    events: Events = ()


@value
class Request:
    """One search for a block: memblock_find_in_range_node()."""

    size: int
    align: int
    start: int
    end: int
    nid: int
    flags: MemblockFlags


class Places(Protocol):
    """Where new things go: the one choice that memblock makes."""

    def array(
        self,
        cfg: Config,
        s: Memblock,
        kind: str,
        hands: tuple[Range, ...],
        nr_bytes: int,
    ) -> tuple[int | None, Events]:
        """Return the address of a doubled array, 0 in the slab, None for nowhere.

        The events are the warnings of the search.  `hands` are the ranges that are
        being worked on, the innermost last.
        """
        ...

    def block(self, cfg: Config, s: Memblock, request: Request) -> int:
        """Return the address of a block for this search, 0 for none."""
        ...


NO_MIRROR = Warn("no mirrored memory")
NOT_ZERO = Warn("an empty array has a total_size")

Range = tuple[int, int]  # base, size
Done = tuple[Memblock, "Addr | Slab | Errno | Bug | None", Events]


# ------------------------------------------------------------------ words


def cap_size(cfg: Config, base: int, size: int) -> int:
    """Return the size cut so that base + size does not wrap (memblock_cap_size)."""
    return min(size, cfg.top - base)


def round_up(cfg: Config, addr: int, align: int) -> int:
    """Return the next multiple of a power of two, wrapping as the word does."""
    return (addr + align - 1) & ~(align - 1) & cfg.top


def round_down(addr: int, align: int) -> int:
    """Return the multiple of a power of two at or below `addr`."""
    return addr & ~(align - 1)


def page_up(cfg: Config, nr_bytes: int) -> int:
    """Return a size in bytes rounded up to whole pages."""
    return -(-nr_bytes // cfg.page_size) * cfg.page_size


def array_bytes(cfg: Config, t: Regions) -> int:
    """Return how many bytes a doubled array takes, in whole pages."""
    return page_up(cfg, t.max * cfg.region_bytes)


def overlaps(base: int, end: int, r: Region) -> bool:
    """Say whether [base, end) and a region intersect (memblock_addrs_overlap)."""
    return base < r.end and r.base < end


# ------------------------------------------------------------------ one array


def of(s: Memblock, kind: str) -> Regions:
    """Return one of the two arrays."""
    return s.memory if kind == MEMORY else s.reserved


def with_array(s: Memblock, kind: str, t: Regions) -> Memblock:
    """Return the state with one of its arrays replaced."""
    return replace(s, memory=t) if kind == MEMORY else replace(s, reserved=t)


def holding(cfg: Config, t: Regions, regions: tuple[Region, ...]) -> Regions:
    """Return the array with other regions; the total moves by what they add or lose.

    It wraps as the word does.
    """
    change = sum(r.size for r in regions) - sum(r.size for r in t.regions)
    return replace(
        t, regions=regions, total_size=Addr((t.total_size + change) & cfg.top)
    )


def merged(regions: tuple[Region, ...]) -> tuple[Region, ...]:
    """Join neighbours that touch and agree in node and flags (merge_regions)."""
    out: list[Region] = []
    for r in regions:
        if out and out[-1].end == r.base and alike(out[-1], r):
            out[-1] = replace(out[-1], size=Addr(out[-1].size + r.size))
        else:
            out.append(r)
    return tuple(out)


def alike(a: Region, b: Region) -> bool:
    """Say whether two regions have the same node and flags."""
    return (a.nid, a.flags) == (b.nid, b.flags)


def uncovered(t: Regions, base: int, end: int) -> list[Range]:
    """Return the parts of [base, end) that no region covers, as (base, end)."""
    parts: list[tuple[int, int]] = []
    for r in t.regions:
        if r.end > base and r.base < end:
            if r.base > base:
                parts.append((base, r.base))
            base = min(r.end, end)
    return [*parts, (base, end)] if base < end else parts


def cut(t: Regions, at: int) -> tuple[Region, ...]:
    """Return the regions with the one that crosses `at` split there."""
    out: list[Region] = []
    for r in t.regions:
        if r.base < at < r.end:
            out.append(replace(r, size=Addr(at - r.base)))
            r = replace(r, base=Addr(at), size=Addr(r.end - at))
        out.append(r)
    return tuple(out)


# ------------------------------------------------------------------ growing


def double_array(
    cfg: Config,
    s: Memblock,
    kind: str,
    hands: tuple[Range, ...],
    kmalloc: bool,
    places: Places,
) -> tuple[Memblock, bool, Events]:
    """Double one array, away from the ranges in hand; return whether it is done.

    5.10 frees the old memory array before it reserves the new one: if the reserved
    array doubles meanwhile, it may take the same place (a quirk).
    """
    if not s.can_resize:
        return s, False, ()
    t = of(s, kind)
    nr_bytes = page_up(cfg, 2 * t.max * cfg.region_bytes)
    addr, events = places.array(cfg, s, kind, hands, nr_bytes)
    if addr is None:
        return s, False, events
    place = Addr(addr)
    grown = replace(t, max=2 * t.max, array=place, in_slab=s.slab_is_up)
    s = with_array(s, kind, grown)
    outer = () if DOUBLE_INTO_RANGE in cfg.quirks else hands
    late = kind == RESERVED or FREE_FIRST in cfg.quirks
    events += (Doubled(kind, grown.max, place),)
    for freeing in (late, not late):
        if freeing and t.array != STATIC:  # not the first array, nor kfree()d
            old = (t.array, Addr(array_bytes(cfg, t)))
            s, _, more = free(cfg, s, old, kmalloc, places, outer)
            events += more
        elif not freeing and not s.slab_is_up:
            new = (place, nr_bytes)
            s, got, more = add_range(
                cfg, s, RESERVED, new, MAX_NUMNODES, NONE, kmalloc, places, outer
            )
            if got is not None:
                raise Stop
            events += more
    return s, True, events


def make_room(
    cfg: Config,
    s: Memblock,
    kind: str,
    slots: int,
    hands: tuple[Range, ...],
    kmalloc: bool,
    places: Places,
) -> tuple[Memblock, bool, Events]:
    """Double until `slots` more regions fit; return the state, success, events."""
    events: Events = ()
    while of(s, kind).cnt + slots > of(s, kind).max:
        s, grown, more = double_array(cfg, s, kind, hands, kmalloc, places)
        events += more
        if not grown:
            return s, False, events
    return s, True, events


def add_range(
    cfg: Config,
    s: Memblock,
    kind: str,
    range_: Range,
    nid: int,
    flags: MemblockFlags,
    kmalloc: bool,
    places: Places,
    outer: tuple[Range, ...] = (),
) -> Done:
    """Cover a range; what is covered already keeps its node and flags.

    `outer` are the ranges of the operations that wait for this one.
    """
    base, size = range_[0], cap_size(cfg, *range_)
    if not size:
        return s, None, ()
    t, end = of(s, kind), base + size
    if not t.regions:  # the dummy's slot is taken without a look at the room
        only = Region(Addr(base), Addr(size), flags, nid)
        events: Events = (NOT_ZERO,) if t.total_size else ()
        t = replace(t, regions=(only,), total_size=Addr(size))
        return with_array(s, kind, t), None, events
    parts = uncovered(t, base, end)
    counting = disagreements(t, parts, end, nid, flags)
    if not parts:
        return s, None, ()
    s, fits, events = make_room(
        cfg, s, kind, len(parts), (*outer, (base, size)), kmalloc, places
    )
    if not fits:
        return s, Errno.ENOMEM, counting + events
    t = of(s, kind)  # the second pass looks again: a new array may have joined in
    parts = uncovered(t, base, end)
    if t.cnt + len(parts) > t.max:
        raise Stop
    new = [Region(Addr(a), Addr(b - a), flags, nid) for a, b in parts]
    together = tuple(sorted((*t.regions, *new), key=lambda r: r.base))
    inserting = disagreements(t, parts, end, nid, flags)
    s = with_array(s, kind, holding(cfg, t, merged(together)))
    return s, None, counting + events + inserting


def disagreements(
    t: Regions, parts: list[Range], end: int, nid: int, flags: MemblockFlags
) -> Events:
    """Return a warning for each overlapped region that ends a part and differs."""
    events: list[Event] = []
    above: dict[int, Region] = {r.base: r for r in t.regions if r.base < end}
    for r in (above[stop] for _, stop in parts if stop in above):
        events += [Warn("nid differs")] if r.nid != nid else []
        events += [Warn("flags differ")] if r.flags != flags else []
    return tuple(events)


def isolate_range(
    cfg: Config,
    s: Memblock,
    kind: str,
    range_: Range,
    kmalloc: bool,
    places: Places,
    outer: tuple[Range, ...] = (),
) -> tuple[Memblock, bool, Events]:
    """Cut the regions at both borders of a range; room is made before it is needed."""
    base, size = range_[0], cap_size(cfg, *range_)
    if not size:
        return s, True, ()
    hands = (*outer, (base, size))
    s, fits, events = make_room(cfg, s, kind, 2, hands, kmalloc, places)
    if fits:
        t = replace(of(s, kind), regions=cut(of(s, kind), base))
        t = replace(t, regions=cut(t, base + size))
        s = with_array(s, kind, t)
    return s, fits, events


def inside(cfg: Config, r: Region, base: int, size: int) -> bool:
    """Say whether an isolated region lies inside the range."""
    return base <= r.base and r.end <= base + cap_size(cfg, base, size)


def remove_range(
    cfg: Config,
    s: Memblock,
    kind: str,
    range_: Range,
    kmalloc: bool,
    places: Places,
    outer: tuple[Range, ...] = (),
) -> Done:
    """Uncover a range."""
    s, fits, events = isolate_range(cfg, s, kind, range_, kmalloc, places, outer)
    if not fits:
        return s, Errno.ENOMEM, events
    return keep(cfg, s, kind, events, lambda r: not inside(cfg, r, *range_))


def keep(
    cfg: Config,
    s: Memblock,
    kind: str,
    events: Events,
    wanted: Callable[[Region], bool],
) -> Done:
    """Delete every region that is not wanted (memblock_remove_region)."""
    before = of(s, kind)
    t = holding(cfg, before, tuple(r for r in before.regions if wanted(r)))
    if before.regions and not t.regions and t.total_size:
        events += (NOT_ZERO,)
    return with_array(s, kind, t), None, events


def free(
    cfg: Config,
    s: Memblock,
    range_: Range,
    kmalloc: bool,
    places: Places,
    outer: tuple[Range, ...] = (),
) -> Done:
    """memblock_free(): tell kmemleak, then uncover the range in `reserved`."""
    s, got, events = remove_range(cfg, s, RESERVED, range_, kmalloc, places, outer)
    return s, got, (LeakFree(Addr(range_[0]), Addr(range_[1])), *events)
