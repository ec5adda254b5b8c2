"""What the numbers of a zoneinfo must be, for each course that a boot may have taken.

A candidate is one course: all marks of all zones, or all reserves, or all pagesets.
The first is what Linux does by itself; the others need a reason, which the row gives.

Source: mm/page_alloc.c:init_per_zone_wmark_min, setup_per_zone_lowmem_reserve,
pageset_set_high_and_batch; mm/khugepaged.c:set_recommended_min_free_kbytes;
mm/vmstat.c:refresh_zone_stat_thresholds (v5.10), zone_highsize (v6.12).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from mmoracle.spec.zones import marks, pagesets

from .boot_log import PAGE_SHIFT
from .proc_machine import Key, Machine, Moments, Pages
from .proc_settings import Settings
from .zoneinfo import Zone

Bounds: TypeAlias = tuple[int, int]  # any number from the first to the second
Name: TypeAlias = tuple[int, str, str]  # node, zone, fact

BLOCK = 1 << 9  # pageblock_nr_pages
HUGE_FROM = 512 << 20 - PAGE_SHIFT  # pages of RAM from which huge pages are on
MOST_THRESHOLD = 125
ADDED = 1 << 27 - PAGE_SHIFT  # pages of a block of memory that is added


@dataclass(frozen=True)
class Candidate:
    """One course: how its numbers come about, why it needs a reason, the numbers."""

    how: str
    why: str = ""  # nothing: Linux does so by itself
    due: dict[Name, int | Bounds] = field(default_factory=dict)


@dataclass(frozen=True)
class Look:
    """One snapshot beside the machine: all that the formulas read."""

    machine: Machine
    zones: Sequence[Zone]
    at: Moments
    settings: Settings
    hot: Pages = field(default_factory=dict)  # added while the machine ran

    @property
    def lowmem(self) -> tuple[int, ...]:
        """Return the zone types that ordinary kernel memory may come from."""
        normal = self.machine.layout.normal
        return tuple(range(normal + 1))

    def pages(self, managed: Pages, types: Sequence[int]) -> Iterator[tuple[Key, int]]:
        """Yield the managed pages of each zone of some types."""
        names = self.machine.layout.names
        for zone in self.zones:
            if zone.name in [names[each] for each in types]:
                yield (zone.node, zone.name), managed.get((zone.node, zone.name), 0)

    def present(self, key: Key) -> int:
        """Return the present pages of a zone."""
        return self.machine.extent(key).present + self.hot.get(key, 0)


def fits(due: int | Bounds, seen: int) -> bool:
    """Say whether a number is the one that is due, or within its bounds."""
    return due[0] <= seen <= due[1] if isinstance(due, tuple) else due == seen


# ------------------------------------------------------------------ marks


def mark_candidates(x: Look) -> Iterator[Candidate]:
    """Yield the courses that the marks may have taken, likeliest first."""
    huge = huge_by_default(x)
    booted = "init_per_zone_wmark_min, managed pages as they were then"
    raised = f"{booted}, min_free_kbytes raised for huge pages"
    scale = x.settings.scale or 10
    at = x.at.marks
    yield marked(x, at, boot_kbytes(x, at, huge), 10, raised if huge else booted)
    if (kbytes := x.settings.min_free_kbytes) is not None or x.settings.scale:
        shown = boot_kbytes(x, at, huge) if kbytes is None else kbytes
        how = f"min_free_kbytes {shown}, watermark_scale_factor {scale}"
        yield marked(x, x.at.now, shown, scale, f"{how} as {x.settings.source} says")
    if x.hot:
        yield added_candidate(x)
    why = "khugepaged did not start" if huge else "khugepaged was started"
    kbytes = boot_kbytes(x, at, not huge)
    yield marked(x, at, kbytes, 10, raised if not huge else booted, why)
    for each in (huge, not huge):
        why = "the marks were computed again, from the managed pages of now"
        why += ", with huge pages" if each and not huge else ""
        how = "setup_per_zone_wmarks, managed pages of now"
        yield marked(x, x.at.now, boot_kbytes(x, x.at.now, each), 10, how, why)


def huge_by_default(x: Look) -> bool:
    """Say whether khugepaged starts at boot: hugepage_init()."""
    if x.machine.log.option("transparent_hugepage") == "never":
        return False
    return sum(x.at.marks.values()) >= HUGE_FROM


def boot_kbytes(x: Look, managed: Pages, huge: bool) -> int:
    """Return min_free_kbytes as the kernel picks it for the first time."""
    return next_kbytes(x, managed, huge, None)


def next_kbytes(x: Look, managed: Pages, huge: bool, before: Candidate | None) -> int:
    """Return min_free_kbytes as the kernel picks it, where it had marks before."""
    free, _ = buffer_pages(x, managed, before)
    kbytes = marks.picked_kbytes(marks.root_kbytes(free), -1, 0)
    if not huge:
        return kbytes
    free, zones = buffer_pages(x, managed, marked(x, managed, kbytes, 10, ""))
    return marks.hugepage_kbytes(free, zones, BLOCK, kbytes)


def buffer_pages(x: Look, managed: Pages, by: Candidate | None) -> tuple[int, int]:
    """Return nr_free_buffer_pages(), and how many populated zones it looks at."""
    free, zones = 0, 0
    for key, pages in x.pages(managed, x.lowmem):
        high = by.due[(*key, "high")] if by is not None else 0
        assert isinstance(high, int)
        free += marks.beyond_high(pages, high)
        zones += x.present(key) > 0
    return free, zones


def added_candidate(x: Look) -> Candidate:
    """Return the course of marks when memory is added, one block after the other.

    Source: mm/memory_hotplug.c:online_pages (v5.10).
    """
    huge = huge_by_default(x)
    how = "init_per_zone_wmark_min, once more for each block that was added"
    by = marked(x, x.at.marks, boot_kbytes(x, x.at.marks, huge), 10, how)
    managed = {key: pages - x.hot.get(key, 0) for key, pages in x.at.now.items()}
    for key, pages in x.hot.items():
        for _ in range(pages // ADDED):
            managed[key] = managed.get(key, 0) + ADDED
            kbytes = next_kbytes(x, managed, huge, by)
            by = marked(x, managed, kbytes, 10, how, "memory was added")
    return by


def marked(
    x: Look, managed: Pages, kbytes: int, scale: int, how: str, why: str = ""
) -> Candidate:
    """Return all marks as min_free_kbytes makes them."""
    layout, release = x.machine.layout, x.machine.release
    capped = set(x.machine.highmem)
    if release.capped_movable:
        capped.add(layout.movable)
    types = [each for each in range(layout.count) if each not in capped]
    lowmem = sum(pages for _, pages in x.pages(managed, types))
    due: dict[Name, int | Bounds] = {}
    for key, pages in x.pages(managed, range(layout.count)):
        cap = layout.index(key[1]) in capped
        least, low, high = marks.zone_marks(
            marks.pages_min(kbytes), pages, max(lowmem, 1), scale, cap
        )
        numbers = {"min": least, "low": low, "high": high, "promo": 2 * high - low}
        due |= {(*key, fact): number for fact, number in numbers.items()}
    how = f"min_free_kbytes {kbytes}: {how}"
    return Candidate(how, why, due)


def boost_allowed(boost: int, managed: int, high: int, factor: int) -> bool:
    """Say whether marks may be raised by so much against fragmentation.

    A boost grows by page blocks up to its bound, and shrinks by what it was.
    """
    most = marks.most_boost(high, factor, BLOCK)
    if not factor or managed < 4 * BLOCK or not 0 < boost <= most:
        return False
    return boost % BLOCK == 0 or (most - boost) % BLOCK == 0


# ------------------------------------------------------------------ reserves


def reserve_candidates(x: Look) -> Iterator[Candidate]:
    """Yield the courses that the reserves may have taken."""
    how = "setup_per_zone_lowmem_reserve"
    ratios = x.settings.ratios or x.machine.layout.ratios
    own = x.machine.layout.ratios
    yield reserved(x, x.at.marks, own, f"{how}, managed pages as at the marks")
    if ratios != own:
        what = f"{how}, managed pages of now, ratios as {x.settings.source} says"
        yield reserved(x, x.at.now, ratios, what)
    why = "computed again when lowmem_reserve_ratio was read or written"
    why = "memory was added" if x.hot else why
    yield reserved(x, x.at.now, own, f"{how}, managed pages of now", why)


def reserved(
    x: Look, managed: Pages, ratios: tuple[int, ...], how: str, why: str = ""
) -> Candidate:
    """Return all reserves, by the highest zone of a request."""
    names = x.machine.layout.names
    due: dict[Name, int | Bounds] = {}
    for zone in x.zones:
        row = tuple(managed.get((zone.node, name), 0) for name in names)
        index = x.machine.layout.index(zone.name)
        for at, pages in enumerate(marks.lowmem_reserve(row, ratios, index)):
            due[zone.node, zone.name, f"protection[{at}]"] = pages
    return Candidate(how, why, due)


# ------------------------------------------------------------------ pagesets


def pageset_candidates(x: Look) -> Iterator[Candidate]:
    """Yield the courses that the pagesets' sizes may have taken."""
    if x.machine.release.high_by_low:
        yield from tuned_candidates(x)
        return
    how = "zone_batchsize, managed pages"
    yield sized(x, x.at.pagesets, 0, f"{how} at page_alloc_init_late")
    if x.settings.fraction:
        said = f"percpu_pagelist_fraction {x.settings.fraction}"
        what = f"{said} as {x.settings.source} says, managed pages of now"
        yield sized(x, x.at.now, x.settings.fraction, what)
    if x.hot:
        managed = {k: (x.at.now if k in x.hot else x.at.pagesets)[k] for k in x.at.now}
        yield sized(x, managed, 0, f"{how} when memory was added", "memory was added")
    why = "a kernel without deferred page descriptors"
    yield sized(x, x.at.plain, 0, f"{how} at mem_init", why)
    why = "computed again when percpu_pagelist_fraction was written"
    yield sized(x, x.at.now, 0, f"{how} of now", why)


def sized(x: Look, managed: Pages, fraction: int, how: str, why: str = "") -> Candidate:
    """Return high and batch of every pageset."""
    due: dict[Name, int | Bounds] = {}
    for zone in x.zones:
        pages = managed.get((zone.node, zone.name), 0)
        high, batch = pagesets.pageset_limits(pages, fraction)
        for each in zone.pagesets:
            due[zone.node, zone.name, f"cpu {each.cpu} high"] = high
            due[zone.node, zone.name, f"cpu {each.cpu} batch"] = batch
    return Candidate(how, why, due)


def tuned_candidates(x: Look) -> Iterator[Candidate]:
    """Yield the courses of kernels in which high follows the low mark.

    From 6.7 on it moves by itself between that and an eighth of the zone.
    """
    best = choose(list(mark_candidates(x)), marks_seen(x))
    how = f"zone_highsize and zone_batchsize of {x.machine.release.name}"
    yield tuned(x, best, 0, how)
    if fraction := x.settings.one("percpu_pagelist_high_fraction"):
        said = f"percpu_pagelist_high_fraction {fraction} as {x.settings.source} says"
        yield tuned(x, best, fraction, f"{how}, {said}")


def tuned(x: Look, by: Candidate, fraction: int, how: str) -> Candidate:
    """Return high and batch of every pageset; `by` are the marks they follow."""
    due: dict[Name, int | Bounds] = {}
    for zone in x.zones:
        key = (zone.node, zone.name)
        pages = (x.at.now if fraction or x.hot else x.at.marks).get(key, 0)
        batch = max(1, pagesets.zone_batchsize(pages))
        cpus = x.settings.cpus_of(zone.node, len(zone.pagesets))
        low = by.due[(*key, "low")]
        assert isinstance(low, int)
        least = max((pages // fraction if fraction else low) // cpus, 4 * batch)
        moves = x.machine.release.high_moves and not fraction
        most = max(pages // pagesets.MIN_FRACTION // cpus, 4 * batch)
        most = most if moves else least
        for each in zone.pagesets:
            name = f"cpu {each.cpu}"
            due[(*key, f"{name} high")] = (least, most) if moves else least
            due[(*key, f"{name} high_min")] = least
            due[(*key, f"{name} high_max")] = most
            due[(*key, f"{name} batch")] = batch
    return Candidate(how, "", due)


def threshold_candidates(x: Look, zone: Zone, gap: int) -> Iterator[Candidate]:
    """Yield the courses of one zone's counter thresholds; `gap` is low - min."""
    cpus = max(1, len(zone.pagesets))
    how = "refresh_zone_stat_thresholds"
    why = "computed again, by kswapd or for added memory, from the pages of now"
    for managed, reason in ((x.at.marks, ""), (x.at.now, why)):
        pages = managed.get((zone.node, zone.name), 0)
        number = normal_threshold(pages, cpus)
        yield Candidate(how, reason, every_cpu(zone, number))
    number = min(MOST_THRESHOLD, max(1, gap // cpus))
    why = "kswapd is awake: calculate_pressure_threshold"
    yield Candidate(how, why, every_cpu(zone, number))


def normal_threshold(managed: int, cpus: int) -> int:
    """Return how far a CPU's counters may drift: calculate_normal_threshold()."""
    blocks = managed >> 27 - PAGE_SHIFT
    return min(MOST_THRESHOLD, 2 * cpus.bit_length() * (1 + blocks.bit_length()))


def every_cpu(zone: Zone, number: int) -> dict[Name, int | Bounds]:
    """Return one number for all pagesets of a zone."""
    return {
        (zone.node, zone.name, f"cpu {each.cpu} vm stats threshold"): number
        for each in zone.pagesets
    }


# ------------------------------------------------------------------ choosing


def marks_seen(x: Look) -> dict[Name, int]:
    """Return the marks that a snapshot shows, without a boost that is printed."""
    found: dict[Name, int] = {}
    for zone in x.zones:
        boost = zone.facts["boost"].value if "boost" in zone.facts else 0
        for fact in ("min", "low", "high", "promo"):
            if fact in zone.facts:
                name = (zone.node, zone.name, fact)
                found[name] = zone.facts[fact].value - boost
    return found


def choose(candidates: Sequence[Candidate], seen: dict[Name, int]) -> Candidate:
    """Return the course that most numbers agree with, the first of several."""
    return max(
        candidates,
        key=lambda each: sum(
            name in each.due and fits(each.due[name], n) for name, n in seen.items()
        ),
    )


def choose_marks(
    candidates: Sequence[Candidate],
    zones: Sequence[Zone],
    allowed: Callable[[Zone, int, int], bool],
    seen: dict[Name, int],
) -> tuple[Candidate, dict[Key, int]]:
    """Return the course of the marks, and by how much each zone's are raised."""
    best: tuple[int, Candidate, dict[Key, int]] | None = None
    for each in candidates:
        boosts = raised_by(each, zones, allowed, seen)
        lifted = with_boosts(each, boosts)
        count = sum(
            name in lifted.due and fits(lifted.due[name], n) for name, n in seen.items()
        )
        count = 2 * count - len(boosts)
        if best is None or count > best[0]:
            best = count, lifted, boosts
    assert best is not None
    return best[1], best[2]


def raised_by(
    candidate: Candidate,
    zones: Sequence[Zone],
    allowed: Callable[[Zone, int, int], bool],
    seen: dict[Name, int],
) -> dict[Key, int]:
    """Return the zones all of whose marks are higher by one permitted boost."""
    found: dict[Key, int] = {}
    for zone in zones:
        key = (zone.node, zone.name)
        over = set()
        for fact in ("min", "low", "high"):
            due = candidate.due[(*key, fact)]
            assert isinstance(due, int)
            over.add(seen[(*key, fact)] - due)
        high = candidate.due[(*key, "high")]
        assert isinstance(high, int)
        if len(over) == 1 and (boost := over.pop()) and allowed(zone, boost, high):
            found[key] = boost
    return found


def with_boosts(candidate: Candidate, boosts: dict[Key, int]) -> Candidate:
    """Return a course with the marks of some zones raised."""
    due: dict[Name, int | Bounds] = {}
    for name, number in candidate.due.items():
        assert isinstance(number, int)
        due[name] = number + boosts.get((name[0], name[1]), 0)
    return replace(candidate, due=due)
