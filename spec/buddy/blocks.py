"""Blocks merge with their buddies when they are freed and are split when asked for.

The lists are kept in the kernel's order: what is split off goes to the head, what is
freed to the head, or to the tail when its next merge is likely.

Source: mm/page_alloc.c:__free_one_page, expand, __rmqueue_smallest (v5.10).
"""

from __future__ import annotations

from dataclasses import replace

from ..linux import MIGRATE_PCPTYPES
from .zones import (
    MERGES_RESERVED,
    Config,
    Memory,
    Zone,
    count,
    put,
    type_of,
    with_zone,
    zone_of,
)


def buddy_of(pfn: int, order: int) -> int:
    """Return the other half of the block that two buddies form: __find_buddy_pfn()."""
    return pfn ^ (1 << order)


def joined(pfn: int, order: int) -> int:
    """Return the first frame of the block that a block and its buddy form."""
    return pfn & ~(1 << order)


# ------------------------------------------------------------------ lists


def push(zone: Zone, pfn: int, order: int, mt: int, *, tail: bool) -> Zone:
    """Put a block on a list: add_to_free_list(), add_to_free_list_tail()."""
    line = zone.free[order][mt]
    line = (*line, pfn) if tail else (pfn, *line)
    free = put(zone.free, order, put(zone.free[order], mt, line))
    nr = put(zone.nr_free, order, zone.nr_free[order] + 1)
    return replace(zone, free=free, nr_free=nr)


def pull(zone: Zone, pfn: int, order: int) -> Zone:
    """Take a block off its list: del_page_from_free_list()."""
    lists = tuple(tuple(p for p in line if p != pfn) for line in zone.free[order])
    nr = put(zone.nr_free, order, zone.nr_free[order] - 1)
    return replace(zone, free=put(zone.free, order, lists), nr_free=nr)


def move(zone: Zone, pfn: int, order: int, mt: int) -> Zone:
    """Take a block to the tail of another type's list: move_to_free_list()."""
    return push(pull(zone, pfn, order), pfn, order, mt, tail=True)


def is_free(zone: Zone, pfn: int, order: int) -> bool:
    """Say whether a block of exactly this order is on a list (PageBuddy)."""
    return any(pfn in line for line in zone.free[order])


def enlist(
    s: Memory, at: int, pfn: int, order: int, mt: int, *, tail: bool = False
) -> Memory:
    """Put a block on a list of a zone, its order in its first page."""
    s = with_zone(s, at, push(s.zones[at], pfn, order, mt, tail=tail))
    return unnamed(s, pfn)


def unnamed(s: Memory, pfn: int) -> Memory:
    """Forget page->private of a page that had to hold an order: set_buddy_order()."""
    if not s.private:
        return s
    return replace(s, private=tuple(p for p in s.private if p[0] != pfn))


# ------------------------------------------------------------------ freeing


def is_buddy(cfg: Config, s: Memory, at: int, pfn: int, order: int) -> bool:
    """Say whether a block can be merged with: page_is_buddy().

    It is free or a guard, of the same order, and in the same zone.
    """
    if zone_of(cfg, pfn) != at:
        return False
    return is_free(s.zones[at], pfn, order) or (pfn, order) in s.guards


def merges(cfg: Config, s: Memory, at: int, pfn: int, order: int, mt: int) -> bool:
    """Say whether a free block of a type joins its buddy: the loop's condition."""
    buddy = buddy_of(pfn, order)
    if order >= cfg.max_order or cfg.merging == "lazy":
        return False
    if not is_buddy(cfg, s, at, buddy, order):
        return False
    if order < cfg.pageblock_order:
        return True  # both are in one page block
    other = type_of(cfg, s, buddy)
    return other == mt or not keeps_apart(cfg, s, at, mt, other)


def keeps_apart(cfg: Config, s: Memory, at: int, mt: int, other: int) -> bool:
    """Say whether page blocks of two different types must not share a free block."""
    if MERGES_RESERVED in cfg.quirks:
        return bool(s.zones[at].nr_isolate) and cfg.isolate in (mt, other)
    return max(mt, other) >= MIGRATE_PCPTYPES


def absorb(cfg: Config, s: Memory, at: int, pfn: int, order: int, mt: int) -> Memory:
    """Take a buddy that is merged with out of where it was."""
    if (pfn, order) not in s.guards:
        return with_zone(s, at, pull(s.zones[at], pfn, order))
    s = replace(s, guards=tuple(g for g in s.guards if g != (pfn, order)))
    return s if mt == cfg.isolate else count(cfg, s, at, 1 << order, mt)


def join_buddy(
    cfg: Config, s: Memory, at: int, pfn: int, order: int, mt: int
) -> tuple[Memory, int, int]:
    """Join a block with its buddy; return (state, pfn, order): the loop's body."""
    s = absorb(cfg, s, at, buddy_of(pfn, order), order, mt)
    return s, joined(pfn, order), order + 1


def merge_is_likely(cfg: Config, s: Memory, pfn: int, order: int) -> bool:
    """Say whether the buddy one order up is free: buddy_merge_likely().

    Then the block goes to the tail, to be handed out late and have time to merge.  What
    the two would form may begin before the zone; its zone is the one that is asked.
    """
    if order >= cfg.max_order - 1:
        return False
    whole = joined(pfn, order)
    homes = [i for i, span in enumerate(cfg.zones) if span.start <= whole < span.end]
    above = buddy_of(whole, order + 1)
    return any(is_buddy(cfg, s, home, above, order + 1) for home in homes)


def free_one_page(
    cfg: Config,
    s: Memory,
    at: int,
    pfn: int,
    order: int,
    mt: int,
    *,
    to_tail: bool = False,
) -> Memory:
    """Give a block back to its zone, merged as far as it can be: __free_one_page()."""
    if mt != cfg.isolate:
        s = count(cfg, s, at, 1 << order, mt)
    while merges(cfg, s, at, pfn, order, mt):
        s, pfn, order = join_buddy(cfg, s, at, pfn, order, mt)
    tail = to_tail or merge_is_likely(cfg, s, pfn, order)
    return enlist(s, at, pfn, order, mt, tail=tail)


# ------------------------------------------------------------------ taking


def expand(
    cfg: Config, s: Memory, at: int, pfn: int, low: int, high: int, mt: int
) -> Memory:
    """Give back the upper halves of a block until `low` is left."""
    while high > low:
        s, high = split_off(cfg, s, at, pfn, high, mt)
    return s


def split_off(
    cfg: Config, s: Memory, at: int, pfn: int, high: int, mt: int
) -> tuple[Memory, int]:
    """Give back the upper half of a block; return (state, order left)."""
    half = high - 1
    return set_aside(cfg, s, at, pfn + (1 << half), half, mt), half


def set_aside(cfg: Config, s: Memory, at: int, pfn: int, order: int, mt: int) -> Memory:
    """Put what was split off on a list, or make it a guard: set_page_guard()."""
    if order >= cfg.guard_minorder:
        return enlist(s, at, pfn, order, mt)
    s = replace(s, guards=tuple(sorted((*s.guards, (pfn, order)))))
    return unnamed(count(cfg, s, at, -(1 << order), mt), pfn)


def rmqueue_smallest(
    cfg: Config, s: Memory, at: int, order: int, mt: int
) -> tuple[Memory, int | None]:
    """Take the first block of the lowest order that is enough: __rmqueue_smallest()."""
    for high in range(order, cfg.orders):
        line = s.zones[at].free[high][mt]
        if line:
            s = with_zone(s, at, pull(s.zones[at], line[0], high))
            return expand(cfg, s, at, line[0], order, high, mt), line[0]
    return s, None
