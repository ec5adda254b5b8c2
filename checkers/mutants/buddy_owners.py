"""Mistakes in handing blocks out, taking them back, and judging who owns what."""

from __future__ import annotations

from typing import Any

from mmoracle.impl.buddy.allocator import NOT_RESERVED, WORD, Blocks
from mmoracle.impl.buddy.held import (
    COMPOUND,
    DOUBLE_FREE,
    FOREIGN,
    ORDER,
    REF,
    RESERVED,
    WRONG_ORDER,
    Frames,
)
from mmoracle.impl.buddy.zone import frames_from
from mmoracle.spec.linux import Bug

_free_pages, _free_core, _mistake = Blocks.free_pages, Blocks.free_core, Frames.mistake
_own, _split_page = Blocks.own, Blocks.split_page
_free_prepare, _free_commit = Blocks.free_prepare, Blocks.free_commit
_free_reserved, _zone_of = Blocks.free_reserved, Frames.zone_of

# ------------------------------------------------------------------ freeing


def lose_the_tail(b: Blocks, cpu: int, at: int, pfn: int, order: int) -> None:
    """Free nothing of a block whose first page somebody else holds."""


def break_compound_blocks(b: Blocks, cpu: int, pfn: int, order: int) -> Bug | None:
    """Free the tail of a compound block while somebody else holds it."""
    code = b.held.get(pfn, 0)
    if code >= 2 * REF:
        b.held[pfn] = code & ~COMPOUND
    return _free_pages(b, cpu, pfn, order)


def forget_other_references(b: Blocks, cpu: int, pfn: int, order: int) -> Bug | None:
    """Free a block although somebody else holds it."""
    if b.held.get(pfn, 0) >= 2 * REF:
        b.held[pfn] -= REF
    return _free_pages(b, cpu, pfn, order)


def free_what_the_caller_says(b: Blocks, cpu: int, pfn: int, order: int) -> Bug | None:
    """Free as many frames as the caller says, not as many as he was given."""
    no = b.frames.mistake(pfn, order)
    if no != WRONG_ORDER:
        return _free_pages(b, cpu, pfn, order)
    del b.held[pfn]
    b.free_the_page(cpu, b.frames.zone_of(pfn), pfn, order)
    return None


def free_twice(b: Blocks, cpu: int, pfn: int, order: int) -> Bug | None:
    """Free a page that is free already."""
    if b.frames.mistake(pfn, order) != DOUBLE_FREE:
        return _free_pages(b, cpu, pfn, order)
    b.free_the_page(cpu, b.frames.zone_of(pfn), pfn, order)
    return None


def free_strangers(b: Blocks, cpu: int, pfn: int, order: int) -> Bug | None:
    """Free a frame that the allocator was never given."""
    if b.frames.mistake(pfn, order) != FOREIGN:
        return _free_pages(b, cpu, pfn, order)
    b.free_the_page(cpu, b.frames.zone_of(pfn), pfn, order)
    return None


def take_any_order(frames: Frames, pfn: int, order: int) -> Bug | None:
    """Find nothing wrong with a free of another order than the allocation's."""
    return _mistake(frames, pfn, -1)


def call_it_a_double_free(frames: Frames, pfn: int, order: int) -> Bug | None:
    """Take a frame inside a held block for one that is free."""
    no = _mistake(frames, pfn, order)
    return DOUBLE_FREE if no is not None and frames.holder_of(pfn) >= 0 else no


def keep_private(frames: Frames, pfn: int, order: int) -> None:
    """Leave what an owner wrote into its pages for the next one."""


def clear_the_first_page(frames: Frames, pfn: int, order: int) -> None:
    """Clear what an owner wrote into the first page of its block, and no other."""
    frames.private.pop(pfn, None)


def leave_the_order(b: Blocks, pfn: int, order: int, mt: int, compound: bool) -> None:
    """Leave in a block's first page the order that free blocks have there."""
    _own(b, pfn, order, mt, compound)
    if order:
        b.frames.private[pfn] = order


# ------------------------------------------------------------------ freeing as a list


def prepare_and_keep(b: Blocks, pfn: int) -> Bug | None:
    """Prepare a page to be freed, and leave it to its owner too."""
    code = b.held.get(pfn, 0)
    no = _free_prepare(b, pfn)
    if no is None:
        b.held[pfn] = code
    return no


def commit_and_keep(b: Blocks, cpu: int, pfn: int) -> Bug | None:
    """Put a prepared page on a list, and leave it prepared."""
    mt = b.frames.prepared.get(pfn, -1)
    no = _free_commit(b, cpu, pfn)
    if no is None:
        b.frames.prepared[pfn] = mt
    return no


def read_the_type_again(b: Blocks, cpu: int, pfn: int) -> Bug | None:
    """Free a prepared page as the type that its page block has by now."""
    if pfn in b.frames.prepared:
        zone = b.zones[b.frames.zone_of(pfn)]
        b.frames.prepared[pfn] = zone.type_of(pfn)
    return _free_commit(b, cpu, pfn)


def prepare_in_use(b: Blocks, pfn: int) -> Bug | None:
    """Prepare a page to be freed although somebody else holds it."""
    return b.frames.mistake(pfn, 0)


# ------------------------------------------------------------------ boot


def push_without_merging(b: Blocks, start: int, end: int) -> Bug | None:
    """Put the blocks of a range that boot releases on the lists as they are."""
    no = b.why_not_release(start, end)
    if no is not None:
        return no
    while start < end:
        order = b.orders - 1
        while start & ((1 << order) - 1) or start + (1 << order) > end:
            order -= 1
        zone = b.zones[b.frames.zone_of(start)]
        zone.managed += 1 << order
        zone.nr_free_pages += 1 << order
        zone.push(start, order, zone.type_of(start), True)
        start += 1 << order
    return None


def release_both_edges(b: Blocks, start: int, end: int) -> Bug | None:
    """Release the two frames at the ends of a range, even if they are the same."""
    no = b.why_not_release(start, end)
    if no is not None:
        return no
    for edge in (start, end - 1):
        zone = b.zones[b.frames.zone_of(edge)]
        zone.managed += 1
        zone.free_one_page(edge, 0, zone.type_of(edge), True)
    return _free_core(b, start + 1, end - 1)


def look_at_the_ends(b: Blocks, start: int, end: int) -> Bug | None:
    """Release a range of which the first and the last frame are reserved."""
    ends = b.frames.is_reserved(start) and b.frames.is_reserved(end - 1)
    return None if ends else NOT_RESERVED


def span_a_zone_for_all(frames: Frames, pfn: int) -> int:
    """Take every frame between the first and the last one for the first zone's."""
    return min(_zone_of(frames, pfn), 0)


def manage_no_more(b: Blocks, cpu: int, pfn: int) -> Bug | None:
    """Free a reserved page, and manage as many as before."""
    no = _free_reserved(b, cpu, pfn)
    if no is None:
        b.zones[b.frames.zone_of(pfn)].managed -= 1
    return no


def reserve_for_ever(b: Blocks, cpu: int, pfn: int) -> Bug | None:
    """Free a reserved page, and take it for reserved still."""
    no = _free_reserved(b, cpu, pfn)
    if no is None:
        b.frames.state[pfn - b.frames.base] = RESERVED
    return no


# ------------------------------------------------------------------ owners


def keep_one_page_too_many(b: Blocks, cpu: int, at: int, pfn: int, pages: int) -> None:
    """Give one page too few back after a request for an exact number."""
    end = pfn + (1 << (b.held[pfn] & ORDER))
    b.split_page(pfn)
    for each in frames_from(pfn + pages + 1, end - pfn - pages - 1):
        del b.held[each]
        b.free_the_page(cpu, at, each, 0)


def free_from_the_end(b: Blocks, cpu: int, at: int, pfn: int, pages: int) -> None:
    """Give the pages behind an exact number back, the last one first."""
    end = pfn + (1 << (b.held[pfn] & ORDER))
    b.split_page(pfn)
    for each in reversed([*frames_from(pfn + pages, end - pfn - pages)]):
        del b.held[each]
        b.free_the_page(cpu, at, each, 0)


def own_unmovable(b: Blocks, pfn: int, order: int, mt: int, compound: bool) -> None:
    """Forget that a block was asked for as movable."""
    _own(b, pfn, order, 0, compound)


def own_compound(b: Blocks, pfn: int, order: int, mt: int, compound: bool) -> None:
    """Make a compound block of a single page."""
    _own(b, pfn, order, mt, compound)
    b.held[pfn] |= COMPOUND * compound


def saturate_never(b: Blocks, pfn: int) -> Bug | None:
    """Give another reference whatever their number."""
    return b.frames.mistake(pfn, -1)


def get_nothing(b: Blocks, pfn: int) -> Bug | None:
    """Say that another reference was taken, and count none."""
    return b.why_not_get(pfn)


def split_compound_blocks(b: Blocks, pfn: int) -> Bug | None:
    """Make single pages of a compound block."""
    return b.frames.mistake(pfn, -1)


def split_and_keep_the_order(b: Blocks, pfn: int) -> Bug | None:
    """Make single pages of a block, and leave its order in the first."""
    code = b.held.get(pfn, 0)
    no = _split_page(b, pfn)
    if no is None:
        b.held[pfn] = code
    return no


def share_the_references(b: Blocks, pfn: int) -> Bug | None:
    """Give every page of a block that is split the references of the first."""
    no = b.why_not_split(pfn)
    if no is not None:
        return no
    code = b.held[pfn]
    for each in frames_from(pfn, 1 << (code & ORDER)):
        b.held[each] = code & ~ORDER
    return None


def mark_the_first_page(b: Blocks, pfn: int) -> Bug | None:
    """Leave the word in the first page of a block."""
    no = b.frames.mistake(pfn, -1)
    if no is None:
        b.frames.private[pfn] = WORD
    return no


# ------------------------------------------------------------------ the zoo


HELD, ZONES, LISTED = "tiny-held", "tiny-zones", "tiny-pcp-list"
PRIVATE = "tiny-private"
TABLE: tuple[tuple[str, str, str, Any, str, Any], ...] = (
    ("P01", "BUD-CONSERVE", HELD, Blocks, "free_tail", lose_the_tail),
    ("P67", "EXACT-STATE", PRIVATE, Frames, "clear_private", keep_private),
    ("P67-tail", "EXACT-STATE", PRIVATE, Frames, "clear_private", clear_the_first_page),
    ("P67-order", "BUD-CLEAN", PRIVATE, Blocks, "own", leave_the_order),
    ("P73", "BUD-ZONE", ZONES, Frames, "zone_of", span_a_zone_for_all),
    ("P75", "BUD-COALESCE", ZONES, Blocks, "free_core", push_without_merging),
    ("P76", "BUD-CONSERVE", ZONES, Blocks, "free_core", release_both_edges),
    ("free-compound", "BUD-OWN", HELD, Blocks, "free_pages", break_compound_blocks),
    ("free-shared", "BUD-OWN", HELD, Blocks, "free_pages", forget_other_references),
    ("free-any-order", "RET-CODE", HELD, Frames, "mistake", take_any_order),
    (
        "free-callers-order",
        "BUD-DISJOINT",
        HELD,
        Blocks,
        "free_pages",
        free_what_the_caller_says,
    ),
    ("free-twice", "BUD-DISJOINT", HELD, Blocks, "free_pages", free_twice),
    ("free-strangers", "BUD-ZONE", ZONES, Blocks, "free_pages", free_strangers),
    ("free-tail-page", "RET-CODE", HELD, Frames, "mistake", call_it_a_double_free),
    ("prepare-keeps", "BUD-OWN", LISTED, Blocks, "free_prepare", prepare_and_keep),
    ("commit-keeps", "BUD-DISJOINT", LISTED, Blocks, "free_commit", commit_and_keep),
    (
        "commit-rereads",
        "EXACT-STATE",
        "tiny-isolate-list",
        Blocks,
        "free_commit",
        read_the_type_again,
    ),
    ("release-ends", "BUD-ZONE", ZONES, Blocks, "why_not_release", look_at_the_ends),
    (
        "reserved-unmanaged",
        "BUD-CONSERVE",
        ZONES,
        Blocks,
        "free_reserved",
        manage_no_more,
    ),
    ("exact-keeps-one", "BUD-OWN", HELD, Blocks, "cut", keep_one_page_too_many),
    ("own-unmovable", "EXACT-STATE", HELD, Blocks, "own", own_unmovable),
    ("own-compound", "EXACT-STATE", HELD, Blocks, "own", own_compound),
    ("get-unbounded", "RET-CODE", HELD, Blocks, "why_not_get", saturate_never),
    ("get-nothing", "EXACT-STATE", HELD, Blocks, "get_page", get_nothing),
    (
        "split-compound",
        "RET-CODE",
        HELD,
        Blocks,
        "why_not_split",
        split_compound_blocks,
    ),
    (
        "split-keeps-order",
        "BUD-OWN",
        HELD,
        Blocks,
        "split_page",
        split_and_keep_the_order,
    ),
    ("split-shares", "EXACT-STATE", HELD, Blocks, "split_page", share_the_references),
    (
        "private-first",
        "EXACT-STATE",
        PRIVATE,
        Blocks,
        "set_private",
        mark_the_first_page,
    ),
)
WALKED: tuple[tuple[str, str, str, Any, str, Any], ...] = (  # for larger blocks
    ("exact-from-end", "EXACT-STATE", "small", Blocks, "cut", free_from_the_end),
    (
        "reserved-for-ever",
        "BUD-CONSERVE",
        ZONES,
        Blocks,
        "free_reserved",
        reserve_for_ever,
    ),
    ("prepare-in-use", "BUD-OWN", "linux", Blocks, "why_not_prepare", prepare_in_use),
)
