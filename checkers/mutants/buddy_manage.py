"""Mistakes in isolation, and in taking bad frames off the lists."""

from __future__ import annotations

from typing import Any

from mmoracle.impl.buddy.manage import PageAllocator
from mmoracle.impl.buddy.zone import Zone, frames_from
from mmoracle.spec.linux import Bug, Errno

_isolate, _unisolate = PageAllocator.isolate, PageAllocator.unisolate
_has_unmovable_pages = PageAllocator.has_unmovable_pages
_take_page_off, _put_back = PageAllocator.take_page_off, PageAllocator.put_back


# ------------------------------------------------------------------ isolation


def isolate_without_draining(m: PageAllocator, pfn: int) -> Errno | None:
    """Isolate a page block while pages of it wait in pagesets."""
    cpus, m.cpus = m.cpus, 0
    no = _isolate(m, pfn)
    m.cpus = cpus
    return no


def isolate_and_count(m: PageAllocator, pfn: int) -> Errno | None:
    """Isolate a page block, and count its free pages as free still."""
    zone = m.zones[m.frames.zone_of(pfn)]
    free = zone.nr_free_pages
    no = _isolate(m, pfn)
    zone.nr_free_pages = free
    return no


def isolate_unnoticed(m: PageAllocator, pfn: int) -> Errno | None:
    """Isolate a page block, and do not count it as isolated."""
    no = _isolate(m, pfn)
    m.zones[m.frames.zone_of(pfn)].nr_isolate -= no is None
    return no


def isolate_the_type_only(m: PageAllocator, pfn: int) -> Errno | None:
    """Isolate a page block, and leave its free blocks on the lists they are on."""
    no = m.why_not_isolate(pfn)
    if no is None:
        at = m.frames.zone_of(pfn)
        m.zones[at].set_type(pfn, m.zones[at].isolate)
        m.zones[at].nr_isolate += 1
        for cpu in range(m.cpus):
            m.drain(cpu, at, True)
    return no


def isolate_unmovable_pages(m: PageAllocator, pfn: int) -> bool:
    """Find nothing in a page block that cannot be moved."""
    return False


def isolate_reserved_frames(m: PageAllocator, pfn: int) -> bool:
    """Take frames that boot reserved for movable ones."""
    zone = m.zones[m.frames.zone_of(pfn)]
    pages = frames_from(pfn, 1 << zone.pageblock_order)
    known = all(map(m.frames.is_known, pages))
    return known and _has_unmovable_pages(m, pfn)


def unisolate_in_parts(m: PageAllocator, pfn: int, mt: int) -> None:
    """Hand out a page block again, and leave it apart from its buddy."""
    at = m.frames.zone_of(pfn)
    zone = m.zones[at]
    if zone.type_of(pfn) == zone.isolate:
        zone.count(m.mobility[at].move_freepages_block(pfn, mt), mt)
        zone.set_type(pfn, mt)
        zone.nr_isolate -= 1


def unisolate_unnoticed(m: PageAllocator, pfn: int, mt: int) -> None:
    """Hand out a page block again, and count it as isolated still."""
    zone = m.zones[m.frames.zone_of(pfn)]
    isolated = zone.nr_isolate
    _unisolate(m, pfn, mt)
    zone.nr_isolate = isolated


def unisolate_uncounted(m: PageAllocator, pfn: int, mt: int) -> None:
    """Hand out a page block again, and do not count its pages as free."""
    zone = m.zones[m.frames.zone_of(pfn)]
    free = zone.nr_free_pages
    _unisolate(m, pfn, mt)
    zone.nr_free_pages = free


def put_back_beside(m: PageAllocator, zone: Zone, pfn: int, mt: int) -> None:
    """Free a block again, and leave it on the list of isolated ones."""
    code = zone.place[pfn]
    _put_back(m, zone, pfn, mt)
    zone.lists[code][pfn] = None


def put_back_as_it_was(m: PageAllocator, zone: Zone, pfn: int, mt: int) -> None:
    """Free a block again, and leave the type of its other page blocks."""
    order = zone.pull(pfn)
    zone.set_type(pfn, mt)
    zone.free_one_page(pfn, order, mt, True)


# ------------------------------------------------------------------ bad frames


def take_and_count_on(m: PageAllocator, pfn: int) -> Errno | Bug | None:
    """Take a bad frame off the lists, and count it as free still."""
    m.counts_taken = True
    return _take_page_off(m, pfn)


def keep_the_wrong_half(m: PageAllocator, pfn: int) -> Errno | Bug | None:
    """Put the half back that has the bad frame, and go on with the other one."""
    no = m.why_not_take_off(pfn)
    if no is not None:
        return no
    at = m.frames.zone_of(pfn)
    zone, head = m.zones[at], m.cover(at, pfn, 0)[0]
    mt = zone.type_of(head)
    order = zone.pull(head)
    while order > 0:
        order -= 1
        upper = head + (1 << order)
        head, rest = (head, upper) if pfn >= upper else (upper, head)
        zone.set_aside(rest, order, mt)
    zone.count(-1, mt)
    m.frames.taken.add(pfn)
    return None


def take_the_whole_block(m: PageAllocator, pfn: int) -> Errno | Bug | None:
    """Take the whole block off the lists that a bad frame is in."""
    no = m.why_not_take_off(pfn)
    if no is None:
        at = m.frames.zone_of(pfn)
        zone, head = m.zones[at], m.cover(at, pfn, 0)[0]
        mt = zone.type_of(head)
        zone.count(-1 << zone.pull(head), mt)
        m.frames.taken.add(pfn)
    return no


def take_heads_only(m: PageAllocator, pfn: int) -> Errno | Bug | None:
    """Find a bad frame only where it is the first one of a free block."""
    at = m.frames.zone_of(pfn)
    there = at >= 0 and pfn in m.zones[at].place
    return None if there else Errno.EBUSY


# ------------------------------------------------------------------ the zoo


ISOLATE, PCP, LISTED = "tiny-isolate", "tiny-isolate-pcp", "tiny-isolate-list"
TAKEN, Whole, OFF = "tiny-taken", PageAllocator, "take_page_off"
UNMOVABLE = "has_unmovable_pages"
TABLE: tuple[tuple[str, str, str, Any, str, Any], ...] = (
    ("P64", "BUD-NRFREE", TAKEN, Whole, OFF, take_and_count_on),
    (
        "isolate-undrained",
        "EXACT-ANSWER",
        PCP,
        Whole,
        "isolate",
        isolate_without_draining,
    ),
    ("isolate-counts", "BUD-NRFREE", PCP, Whole, "isolate", isolate_and_count),
    ("isolate-unnoticed", "EXACT-STATE", PCP, Whole, "isolate", isolate_unnoticed),
    ("isolate-type-only", "BUD-MT", PCP, Whole, "isolate", isolate_the_type_only),
    (
        "isolate-anything",
        "RET-CODE",
        ISOLATE,
        Whole,
        UNMOVABLE,
        isolate_unmovable_pages,
    ),
    ("isolate-reserved", "RET-CODE", LISTED, Whole, UNMOVABLE, isolate_reserved_frames),
    ("unisolate-apart", "BUD-COALESCE", PCP, Whole, "unisolate", unisolate_in_parts),
    (
        "unisolate-unnoticed",
        "EXACT-STATE",
        PCP,
        Whole,
        "unisolate",
        unisolate_unnoticed,
    ),
    ("unisolate-uncounted", "BUD-NRFREE", PCP, Whole, "unisolate", unisolate_uncounted),
    ("unisolate-beside", "BUD-DISJOINT", ISOLATE, Whole, "put_back", put_back_beside),
    ("take-wrong-half", "BUD-DISJOINT", TAKEN, Whole, OFF, keep_the_wrong_half),
    ("take-whole-block", "BUD-CONSERVE", TAKEN, Whole, OFF, take_the_whole_block),
    ("take-heads-only", "RET-CODE", TAKEN, Whole, "why_not_take_off", take_heads_only),
)
WALKED: tuple[tuple[str, str, str, Any, str, Any], ...] = (  # with more types
    (
        "unisolate-keeps-type",
        "EXACT-STATE",
        "small",
        Whole,
        "put_back",
        put_back_as_it_was,
    ),
)
