"""One step of merging and of splitting, at any order: the loops' inductions.

What a loop knows before a step it knows after it: the block is aligned, shares no
frame with a free one, and its frames and the free ones are what they were.  Merging
goes up one order in each step and ends at the largest; splitting goes down one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Symbolic, Values
from mmoracle.checkers.mutants.buddy_lists import (
    forget_nr_free,
    forget_to_count,
    leave_guards_alone,
    leave_the_child_listed,
    merge_isolated,
    take_smaller_for_buddy,
)
from mmoracle.checkers.symbolic import agree, denied, either, every
from mmoracle.checkers.word import Bounded, Whole
from mmoracle.impl.buddy.zone import SHIFT, Zone
from mmoracle.spec.buddy import blocks
from mmoracle.spec.buddy.zones import (
    MERGES_RESERVED,
    Config,
    Memory,
    Span,
    count,
    put,
    with_zone,
)
from mmoracle.spec.linux import MIGRATE_MOVABLE, MIGRATE_PCPTYPES

from . import histories
from .halves import joined_above, joined_here
from .scales import REST, Types, alike, mirror, nth_block, scaled, with_lists

MT = MIGRATE_MOVABLE
TYPES = range(6)  # with CMA and isolation

# ------------------------------------------------------------------ a merge


def zone_of_any_size(
    order: Any, highest: Any, first: Any, last: Any, **more: Any
) -> Config:
    """Return a zone whose largest order, first and last block are any."""
    span = Span(nth_block(first, order), nth_block(last, order))
    return Config(zones=(span,), orders=highest + 1, has_cma=True, **more)


def other_half(n: Any) -> Any:
    """Return the number of the block that forms a larger one with the n-th."""
    return n + 1 - n % 2 - n % 2


def beside(
    cfg: Config, order: Any, b: Any, size: Any, is_guard: bool, **more: Any
) -> tuple[Memory, Any]:
    """Return both sides with one more block: on a list, a guard, or out of sight."""
    listed = not is_guard and bool(size == order)
    there, start = nth_block(b, order), scaled(order)
    lists: Any = ([there] if listed else [], [], [], [])
    s = with_lists(cfg, order, lists, MT, **more)
    if is_guard:
        s = replace(s, guards=((there, start if size == order else size),))
    zone = mirror(cfg, order, s)
    if not is_guard and not listed:
        zone.place[there] = size << SHIFT | MT if isinstance(size, int) else size * 8
    return s, zone


def apart(kept: bool, isolated: Any, mt: Any, other: Any, isolate: int) -> Any:
    """Say by the rule whether page blocks of two types share no free block."""
    if kept:
        return every(isolated > 0, mt != other, either(mt == isolate, other == isolate))
    return every(mt != other, either(mt >= MIGRATE_PCPTYPES, other >= MIGRATE_PCPTYPES))


def a_block_joins_its_free_buddy_of_one_size_and_no_other(
    top: Any,
    n: Any,
    order: Any,
    highest: Any,
    first: Any,
    last: Any,
    b: Any,
    size: Any,
    guard: Any,
    pageblock: Any,
    mt: Any,
    other: Any,
    isolated: Any,
    quirk: Any,
) -> Any:
    """It does below the largest order if types allow it; then both form one, aligned.

    The buddy leaves its list or ceases to be a guard, all else stays, the order is
    one more; the machine takes the same step.
    """
    quirks = (MERGES_RESERVED,) if quirk == 1 else ()
    cfg = zone_of_any_size(
        order, highest, first, last, pageblock_order=pageblock, quirks=quirks
    )
    pfn, at = nth_block(n, order), scaled(order)
    buddy = nth_block(other_half(n), order)
    free = nth_block(9, order), nth_block(5, order)
    s, zone = beside(
        cfg,
        order,
        b,
        size,
        bool(guard == 1),
        nr_free_pages=free[0],
        nr_free_cma=free[1],
        nr_isolate=isolated,
    )
    where = (buddy >> pageblock) - cfg.first_block
    types: Any = Types(where, other)
    s, zone.types = replace(s, types=types), types
    due = every(
        order < highest,
        b == other_half(n),
        size == order,
        either(
            order < pageblock,
            denied(apart(bool(quirks), isolated, mt, other, cfg.isolate)),
        ),
    )
    near = agree(zone.is_buddy(buddy, at), bool(blocks.is_buddy(cfg, s, 0, buddy, at)))
    joins = blocks.merges(cfg, s, 0, pfn, at, mt)
    whole = zone.join(pfn, at, mt)
    if not joins:
        return every(near, denied(due), whole == -1, alike(cfg, s, zone))
    after, parent, up = blocks.join_buddy(cfg, s, 0, pfn, at, mt)
    return every(
        near,
        due,
        up == order + 1,
        whole == parent,
        parent == nth_block(n - n % 2, order),
        alike(cfg, after, zone),
        is_left_out(cfg, s, after, at, mt),
    )


def is_left_out(cfg: Config, s: Memory, after: Memory, at: Any, mt: Any) -> Any:
    """Say that the block is gone from where it was, is counted, and all else stays."""
    due = s
    if s.guards:
        due = replace(s, guards=())
        if mt != cfg.isolate:
            due = count(cfg, due, 0, 1 << at, mt)
    else:
        zone = s.zones[0]
        row = tuple(tuple(p for p in x if p in REST) for x in zone.free[at])
        free = put(zone.free, at, row)
        nr = put(zone.nr_free, at, zone.nr_free[at] - 1)
        due = with_zone(s, 0, replace(zone, free=free, nr_free=nr))
    return after == due


def a_block_beside_another(
    top: Any,
    n: Any,
    order: Any,
    highest: Any,
    first: Any,
    last: Any,
    b: Any,
    size: Any,
    guard: Any,
    pageblock: Any,
    mt: Any,
    other: Any,
    isolated: Any,
    quirk: Any,
) -> Iterable[Any]:
    """Assume two blocks of a zone, one of them free, types, and two bits."""
    yield from (first <= n, n < last, first <= b, b < last, n != b)
    yield from (order <= highest, mt < len(TYPES), other < len(TYPES))
    yield from (guard <= 1, quirk <= 1)
    if isinstance(top, int):  # numbers of frames are words
        yield from (highest < top.bit_length(), size < top.bit_length())
        yield from (last <= top, pageblock < top.bit_length())


# ------------------------------------------------------------------ mistakes


def merges_at_the_top(
    cfg: Config, s: Memory, at: int, pfn: int, order: int, mt: int
) -> bool:
    """Join blocks of the largest order too: P74."""
    return blocks.is_buddy(cfg, s, at, blocks.buddy_of(pfn, order), order)


def join_at_the_top(zone: Zone, pfn: int, order: int, mt: int) -> int:
    """Join blocks of the largest order too, on the machine: P74."""
    if zone.absorb(pfn ^ (1 << order), order, mt):
        return pfn & ~(1 << order)
    return -1


def join_here(zone: Zone, pfn: int, order: int, mt: int) -> int:
    """Let what two buddies form begin at the block that was freed."""
    joins = order < zone.max_order and zone.absorb(pfn ^ (1 << order), order, mt)
    return pfn if joins else -1


def apart_by_name(cfg: Config, s: Memory, at: int, mt: int, other: int) -> bool:
    """Keep isolated page blocks apart only while nothing is isolated."""
    return not s.zones[at].nr_isolate and cfg.isolate in (mt, other)


def absorb_and_count_on(
    cfg: Config, s: Memory, at: int, pfn: int, order: int, mt: int
) -> Memory:
    """Make a guard free again without counting it: P65."""
    if (pfn, order) in s.guards:
        return replace(s, guards=())
    return right_absorb(cfg, s, at, pfn, order, mt)


right_absorb = blocks.absorb


def orders_of(top: int, values: Values) -> Values:
    """Bend words into blocks near each other, buddies as a rule, and small orders."""
    n, order, highest, first, last, b, size, guard, pageblock, mt, other, *rest = values
    order, n = order % 60, n % (1 << 40)
    highest = min(order + highest % 4, top.bit_length() - 1)
    first, b = max(0, n - first % 4), n ^ 1 if b % 4 else max(0, n + b // 4 % 5 - 2)
    first, last = min(first, b), max(n, b) + 1 + last % 4
    size = order if size % 4 else order + size // 4 % 2
    pageblock = max(0, order - pageblock % 3 + 1)
    bits = (word % 2 for word in (guard, *rest))
    kinds = (mt % len(TYPES), other % len(TYPES))
    guard, *more = bits
    return n, order, highest, first, last, b, size, guard, pageblock, *kinds, *more


ANY_LIST = (
    "any order: of a zone the lists of the order at hand and of the next are in sight,"
    " and numbers of frames are told in blocks of that order"
)

INDUCTION = (
    "page allocator: that steps which hold make a loop that holds, of merging, of"
    " splitting and of a drain, is induction, told in proofs/buddy and checked by no"
    " solver"
)

MERGING = (
    Lemma(
        claim=a_block_joins_its_free_buddy_of_one_size_and_no_other,
        history=histories.joining,
        given=a_block_beside_another,
        provers=(Symbolic(Bounded), Symbolic(Whole), Sampled(orders_of)),
        mistakes=(
            Mistake(Zone, "keeps_apart", merge_isolated, bug="P06"),
            Mistake(Zone, "clear_guard", forget_to_count, bug="P65"),
            Mistake(blocks, "absorb", absorb_and_count_on, bug="P65"),
            Mistake(blocks, "merges", merges_at_the_top),
            Mistake(Zone, "join", join_at_the_top, bug="P74"),
            Mistake(Zone, "absorb", leave_the_child_listed, bug="P84"),
            Mistake(Zone, "join", join_here),
            Mistake(Zone, "absorb", leave_guards_alone),
            Mistake(Zone, "absorb", take_smaller_for_buddy),
            Mistake(Zone, "absorb", forget_nr_free),
            Mistake(blocks, "joined", joined_here),
            Mistake(blocks, "joined", joined_above),
            Mistake(blocks, "keeps_apart", apart_by_name),
        ),
        size="one step",
        assumes=(ANY_LIST, INDUCTION),
        slow=True,
    ),
)
