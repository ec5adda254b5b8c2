"""The marks of a zoneinfo, for each course that min_free_kbytes may have taken.

Source: mm/page_alloc.c:init_per_zone_wmark_min, __setup_per_zone_wmarks,
boost_watermark; mm/khugepaged.c:set_recommended_min_free_kbytes (v5.10).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from mmoracle.spec.zones import marks

from .boot_log import PAGE_SHIFT
from .proc_course import Bounds, Candidate, Look, Name, fits
from .proc_machine import Key, Pages
from .zoneinfo import Zone

MARKS = ("min", "low", "high", "promo")
BLOCK = 1 << 9  # pageblock_nr_pages
HUGE_FROM = 512 << 20 - PAGE_SHIFT  # pages of RAM from which huge pages are on
ADDED = 1 << 27 - PAGE_SHIFT  # pages of a block of memory that is added


def mark_candidates(x: Look) -> Iterator[Candidate]:
    """Yield the courses that the marks may have taken, likeliest first."""
    huge = huge_by_default(x)
    yield booted(x, huge)
    if (kbytes := x.settings.min_free_kbytes) is not None or x.settings.scale:
        shown = boot_kbytes(x, huge)[1] if kbytes is None else kbytes
        scale = x.settings.scale or 10
        how = f"watermark_scale_factor {scale}, as {x.settings.source} says"
        yield marked(x, x.at.now, shown, scale, how)
    if x.hot:
        yield added_candidate(x)
    why = "khugepaged did not start" if huge else "khugepaged was started"
    yield replace(booted(x, not huge), why=why)
    for each in (huge, not huge):
        why = "the marks were computed again, from the managed pages of now"
        why += ", with huge pages" if each and not huge else ""
        how = "setup_per_zone_wmarks, managed pages of now"
        kbytes = next_kbytes(x, x.at.now, each, None)
        yield marked(x, x.at.now, kbytes, 10, how, why)


def booted(x: Look, huge: bool) -> Candidate:
    """Return the marks after a boot, in which khugepaged may start."""
    how = "init_per_zone_wmark_min, managed pages as they were then"
    how += ", min_free_kbytes raised for huge pages" if huge else ""
    return marked(x, *boot_kbytes(x, huge), 10, how)


def huge_by_default(x: Look) -> bool:
    """Say whether khugepaged starts at boot: hugepage_init()."""
    if x.machine.log.option("transparent_hugepage") == "never":
        return False
    return sum(x.at.huge.values()) >= HUGE_FROM


def boot_kbytes(x: Look, huge: bool) -> tuple[Pages, int]:
    """Return the managed pages and min_free_kbytes that a boot's marks come from.

    khugepaged starts later than the marks are first computed; gigantic pages that the
    command line reserves are managed by then.
    """
    kbytes = next_kbytes(x, x.at.marks, False, None)
    if not huge:
        return x.at.marks, kbytes
    first = marked(x, x.at.marks, kbytes, 10, "")
    free, zones = buffer_pages(x, x.at.huge, first)
    return x.at.huge, marks.hugepage_kbytes(free, zones, BLOCK, kbytes)


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
        high = number_of(by, key, "high") if by is not None else 0
        free += marks.beyond_high(pages, high)
        zones += x.present(key) > 0
    return free, zones


def added_candidate(x: Look) -> Candidate:
    """Return the course of marks when memory is added, one block after the other.

    Source: mm/memory_hotplug.c:online_pages (v5.10).
    """
    huge = huge_by_default(x)
    how = "init_per_zone_wmark_min, once more for each block that was added"
    by = booted(x, huge)
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


# ------------------------------------------------------------------ boost


def boost_allowed(boost: int, managed: int, high: int, factor: int) -> bool:
    """Say whether marks may be raised by so much against fragmentation.

    A boost grows by page blocks up to its bound, and shrinks by what it was.
    """
    most = marks.most_boost(high, factor, BLOCK)
    if not factor or managed < 4 * BLOCK or not 0 < boost <= most:
        return False
    return boost % BLOCK == 0 or (most - boost) % BLOCK == 0


def choose_marks(
    x: Look, candidates: Sequence[Candidate]
) -> tuple[Candidate, dict[Key, int]]:
    """Return the course of the marks, and by how much each zone's are raised."""
    seen = marks_seen(x.zones)
    best: tuple[int, Candidate, dict[Key, int]] | None = None
    for each in candidates:
        boosts = raised_by(x, each)
        due = with_boosts(each, boosts).due
        count = sum(name in due and fits(due[name], n) for name, n in seen.items())
        count = 2 * count - len(boosts)
        if best is None or count > best[0]:
            best = count, each, boosts
    assert best is not None
    return best[1], best[2]


def marks_seen(zones: Sequence[Zone]) -> dict[Name, int]:
    """Return the marks that a snapshot shows."""
    return {
        (zone.node, zone.name, fact): zone.facts[fact].value
        for zone in zones
        for fact in MARKS
        if fact in zone.facts
    }


def raised_by(x: Look, by: Candidate) -> dict[Key, int]:
    """Return the zones most of whose marks are higher by one permitted boost."""
    found: dict[Key, int] = {}
    for zone in x.zones:
        key = (zone.node, zone.name)
        due = {fact: number_of(by, key, fact) for fact in MARKS}
        over = Counter(
            zone.facts[fact].value - due[fact] for fact in MARKS if fact in zone.facts
        )
        ((boost, count),) = over.most_common(1)
        managed, factor = x.at.now.get(key, 0), x.settings.boost_factor
        if count > 1 and boost_allowed(boost, managed, due["high"], factor):
            found[key] = boost
    return found


def number_of(by: Candidate, key: Key, fact: str) -> int:
    """Return one mark of a course."""
    number = by.due[(*key, fact)]
    assert isinstance(number, int)
    return number


def with_boosts(by: Candidate, boosts: dict[Key, int]) -> Candidate:
    """Return a course with the marks of some zones raised."""
    due: dict[Name, int | Bounds] = {}
    for (node, zone, fact), number in by.due.items():
        assert isinstance(number, int)
        due[node, zone, fact] = number + boosts.get((node, zone), 0)
    return replace(by, due=due)
