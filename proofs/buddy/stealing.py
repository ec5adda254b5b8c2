"""Fallbacks: which list a request turns to, what it takes along, what then changes.

Lists are known by whether they are empty; the rules are stated anew, and both sides
follow them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from mmoracle.checkers.bind.buddy import machine
from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Sweep, Symbolic, Values
from mmoracle.checkers.mutants.buddy_types import (
    boost_small_zones,
    boost_without_bound,
    find_one_type_only,
    fragment_freely,
    group_always,
    prefer_the_worse,
    steal_above_the_half,
    steal_as_unmovable_only,
    take_the_largest_always,
    take_the_smallest_always,
)
from mmoracle.checkers.symbolic import agree, denied, either, every
from mmoracle.checkers.word import Bounded, Whole, one_of
from mmoracle.impl.buddy.migrate import Mobility
from mmoracle.impl.buddy.zone import SHIFT
from mmoracle.spec.buddy import migrate
from mmoracle.spec.buddy.zones import Config, Span, Zone
from mmoracle.spec.linux import (
    MIGRATE_MOVABLE,
    MIGRATE_RECLAIMABLE,
    MIGRATE_UNMOVABLE,
    AllocFlags,
)

from . import histories
from .places import somewhere

STARTS = (MIGRATE_UNMOVABLE, MIGRATE_MOVABLE, MIGRATE_RECLAIMABLE)
FEW = 4  # orders
FIRST = (MIGRATE_RECLAIMABLE, MIGRATE_RECLAIMABLE, MIGRATE_UNMOVABLE)  # preferred
ONE = Config(zones=(Span(0, 1),), orders=FEW, pageblock_order=FEW)

# ------------------------------------------------------------------ both sides


def mobility(cfg: Config) -> Mobility:
    """Return the machine's rules for one zone without frames."""
    plain = replace(cfg, zones=(Span(0, 1),), pageblock_order=1, high_wmark=0)
    m = machine(plain, [MIGRATE_MOVABLE]).mobility[0]
    m.zone.pageblock_order, m.grouping = cfg.pageblock_order, cfg.grouping
    return m


def preferred(start: int) -> tuple[int, int]:
    """Return the two types that a request turns to, by the rule, in order."""
    (second,) = (mt for mt in STARTS if mt not in (start, FIRST[start]))
    return FIRST[start], second


def known_by_size(cfg: Config, start: int, told: Sequence[Any]) -> tuple[Any, Mobility]:
    """Return both sides with lists that are known by their lengths only.

    There are two for each order, of the two types that may be taken from.
    """
    rows = [[0] * cfg.migrate_types for _ in range(cfg.orders)]
    m = mobility(cfg)
    for at, length in enumerate(told):
        mt = preferred(start)[at % 2]
        rows[at // 2][mt] = length
        m.zone.lists[at // 2 << SHIFT | mt] = length
    free: Any = tuple(map(tuple, rows))
    return Zone(free, (0,) * cfg.orders), m


# ------------------------------------------------------------------ which type


def a_request_turns_to_the_preferred_type_that_has_a_block(
    top: Any, start: Any, one: Any, two: Any, other: Any
) -> Any:
    """The first by the rule whose list of the order is not empty, none if both are."""
    plain = one_of(start, STARTS)
    zone, m = known_by_size(ONE, plain, (other, other, one, two, other, other))
    first, second = preferred(plain)
    due = first if one > 0 else second if two > 0 else None
    got = migrate.find_suitable_fallback(zone, 1, plain)
    low = m.find_suitable_fallback(1, plain)
    return got == due and low == (-1 if due is None else due)


def a_type_that_asks(top: Any, start: Any, *told: Any) -> Iterable[Any]:
    """Assume a type of requests."""
    return (start < len(STARTS),)


# ------------------------------------------------------------------ what is taken along


def only_a_small_movable_request_leaves_the_rest_of_a_page_block(
    top: Any, start: Any, order: Any, pageblock: Any, grouping: Any
) -> Any:
    """The rest may be taken unless it is movable, below half the order, and grouped."""
    plain = one_of(start, STARTS)
    cfg = replace(ONE, pageblock_order=pageblock, grouping=grouping == 1)
    small = every(order + order + 2 <= pageblock, plain == MIGRATE_MOVABLE)
    due = denied(every(small, grouping == 1))
    m = mobility(cfg)
    return every(
        agree(migrate.can_steal_fallback(cfg, order, plain), due),
        agree(m.can_steal_fallback(order, plain), due),
    )


# ------------------------------------------------------------------ which block


def a_request_takes_the_largest_block_or_the_smallest_if_it_leaves_the_rest(
    top: Any,
    start: Any,
    order: Any,
    pageblock: Any,
    nofragment: Any,
    grouping: Any,
    *told: Any,
) -> Any:
    """The smallest that will do where it may take that alone; else the largest of all.

    A request that is not to fragment memory takes a page block or more, even if it
    asks for more: so does 5.10.
    """
    plain, low = one_of(start, STARTS), one_of(order, range(FEW))
    large = one_of(pageblock, range(1, FEW + 1))
    flags = AllocFlags.NOFRAGMENT if nofragment == 1 else AllocFlags.NONE
    cfg = replace(ONE, pageblock_order=large, grouping=grouping == 1)
    zone, m = known_by_size(cfg, plain, told)
    got = migrate.fallback_block(cfg, zone, low, plain, flags)
    found = m.fallback_block(low, plain, int(flags))
    least = large if flags else low

    def filled(at: int) -> bool:
        return bool(told[2 * at] > 0 or told[2 * at + 1] > 0)

    due = next(filter(filled, reversed(range(least, FEW))), None)
    if due is None:
        return got is None and found == (-1, -1)
    if plain == MIGRATE_MOVABLE and due < large // 2 and cfg.grouping:
        due = next(filter(filled, range(low, FEW)))
    mt = preferred(plain)[0 if told[2 * due] > 0 else 1]
    return got == (due, mt) and found == (due, mt)


def a_request_with_orders(
    top: Any, start: Any, order: Any, pageblock: Any, *told: Any
) -> Iterable[Any]:
    """Assume a type of requests, an order, that of page blocks, and two bits."""
    yield from (start < len(STARTS), order < FEW, pageblock >= 1, pageblock <= FEW)
    yield from (bit <= 1 for bit in told[:2])


# ------------------------------------------------------------------ the page block


def a_page_block_changes_its_type_if_half_of_it_is_free_or_alike(
    top: Any, pageblock: Any, start: Any, old: Any, free: Any, movable: Any, group: Any
) -> Any:
    """What is in use is alike if it is movable as the request, or neither of them is.

    Without grouping it always changes.
    """
    cfg = replace(
        ONE, pageblock_order=one_of(pageblock, range(11)), grouping=group == 1
    )
    m = mobility(cfg)
    pages = 1 << cfg.pageblock_order
    if start == MIGRATE_MOVABLE:
        alike = free + movable
    else:  # frames that are neither free nor movable; unknown unless it was movable
        alike = pages - movable if old == MIGRATE_MOVABLE else free
    due = either(alike >= pages // 2, group == 0)
    return every(
        agree(migrate.mostly_alike(cfg, start, old, free, movable), due),
        agree(m.mostly_alike(start, old, free, movable), due),
    )


def a_page_block(
    top: Any, pageblock: Any, start: Any, old: Any, free: Any, movable: Any, group: Any
) -> Iterable[Any]:
    """Assume types, a bit, and an order of page blocks that there is."""
    yield from (start < len(STARTS), old < 6, group <= 1, pageblock < 11)


# ------------------------------------------------------------------ watermarks


def a_boost_is_one_page_block_more_and_never_beyond_its_bound(
    top: Any, pageblock: Any, managed: Any, boost: Any, high: Any, factor: Any
) -> Any:
    """No zone of fewer than four page blocks is boosted, nor one without watermarks.

    The bound is the factor times the high watermark, or one page block.
    """
    share = one_of(factor, range(3)) * 7500
    order = one_of(pageblock, range(11))
    cfg = replace(ONE, pageblock_order=order, high_wmark=high, boost_factor=share)
    zone = Zone((), (), managed=managed, boost=boost)
    m = mobility(replace(cfg, high_wmark=0))
    m.zone.managed, m.zone.boost = managed, boost
    m.boost_top = high * share // 10000
    pages, after = 1 << order, migrate.boost_watermark(cfg, zone)
    grown = m.boost_watermark()
    if managed < 4 * pages or high * share < 10000:
        return every(after is None, not grown, m.zone.boost == boost)
    if after is None or not grown:
        return False
    bound = max(pages, high * share // 10000)
    due = either(after.boost == boost + pages, after.boost == bound)
    return every(
        due,
        after.boost <= boost + pages,
        after.boost <= bound,
        m.zone.boost == after.boost,
        either(boost > managed - pages, after.boost <= managed, high > managed),
    )


def a_zone_with_marks(
    top: Any, pageblock: Any, managed: Any, boost: Any, high: Any, factor: Any
) -> Iterable[Any]:
    """Assume one of three factors, and an order of page blocks that there is."""
    return (factor < 3, pageblock < 11)


def boost_small(cfg: Config, zone: Zone) -> Zone | None:
    """Boost the watermarks of a zone of fewer than four page blocks, too: P70."""
    top = cfg.high_wmark * cfg.boost_factor // 10000
    if not top:
        return None
    most = max(cfg.block_pages, top)
    return replace(zone, boost=min(zone.boost + cfg.block_pages, most))


# ------------------------------------------------------------------ mistakes


def prefer_the_second(zone: Zone, order: int, start: int) -> int | None:
    """Try the types to take from in the opposite order."""
    types = reversed(migrate.FALLBACKS[start])
    return next((mt for mt in types if zone.free[order][mt]), None)


def steal_from_the_half_on(cfg: Config, order: int, start: int) -> bool:
    """Take a page block along only for a block of more than half its order."""
    large = order > cfg.pageblock_order // 2
    return large or start != MIGRATE_MOVABLE or not cfg.grouping


def largest_always(
    cfg: Config, zone: Zone, order: int, start: int, flags: AllocFlags
) -> tuple[int, int] | None:
    """Take the largest block for a movable request that may take that alone."""
    least = cfg.pageblock_order if AllocFlags.NOFRAGMENT in flags else order
    for high in range(cfg.max_order, least - 1, -1):
        mt = migrate.find_suitable_fallback(zone, high, start)
        if mt is not None:
            return high, mt
    return None


def alike_above_half(
    cfg: Config, start: int, old: int, free: int, movable: int
) -> bool:
    """Change the type of a page block only if more than half of it is alike."""
    return right_alike(cfg, start, old, free - 1, movable)


def alike_if_free(m: Mobility, start: int, old: int, free: int, movable: int) -> bool:
    """Count only free pages when a page block of the machine is to change its type."""
    return free >= (1 << m.zone.pageblock_order) // 2 or not m.grouping


right_alike = migrate.mostly_alike

# ------------------------------------------------------------------ the lemmas


def bent(*sizes: int) -> Any:
    """Return what bends words into numbers below these; a negative one counts from 1.

    A size of 0 lets a word be, or makes it 0; words beyond the sizes are made bits.
    """

    def one(word: int, size: int) -> int:
        if size < 0:
            return 1 + word % -size
        return word % size if size else somewhere(word)

    def aim(top: int, values: Values) -> Values:
        told = (*sizes, *(2 for _ in values[len(sizes) :]))
        return tuple(one(word, size) for word, size in zip(values, told, strict=True))

    return aim


LENGTHS = tuple(f"{name}{at}" for at in range(FEW) for name in ("one", "two"))
STEP = ("start", "order", "pageblock", "nofragment", "grouping", *LENGTHS)

STEALING = (
    Lemma(
        claim=a_request_turns_to_the_preferred_type_that_has_a_block,
        given=a_type_that_asks,
        provers=(Symbolic(Whole), Sampled(bent(3, 2, 2))),
        mistakes=(
            Mistake(migrate, "find_suitable_fallback", prefer_the_second),
            Mistake(Mobility, "find_suitable_fallback", prefer_the_worse),
            Mistake(Mobility, "find_suitable_fallback", find_one_type_only),
        ),
        size="one order, lists of any length",
    ),
    Lemma(
        claim=only_a_small_movable_request_leaves_the_rest_of_a_page_block,
        given=a_type_that_asks,
        provers=(Symbolic(Whole), Sweep(3), Sampled(bent(3, 11, 11))),
        mistakes=(
            Mistake(migrate, "can_steal_fallback", steal_from_the_half_on),
            Mistake(Mobility, "can_steal_fallback", steal_above_the_half),
            Mistake(Mobility, "can_steal_fallback", steal_as_unmovable_only),
            Mistake(Mobility, "can_steal_fallback", group_always),
        ),
    ),
    Lemma(
        claim=a_request_takes_the_largest_block_or_the_smallest_if_it_leaves_the_rest,
        given=a_request_with_orders,
        names=STEP,
        provers=(Symbolic(Whole), Sampled(bent(3, FEW, -FEW))),
        mistakes=(
            Mistake(migrate, "fallback_block", largest_always),
            Mistake(Mobility, "fallback_block", take_the_largest_always),
            Mistake(Mobility, "fallback_block", take_the_smallest_always),
            Mistake(Mobility, "fallback_block", fragment_freely),
        ),
        size=f"{FEW} orders, lists of any length",
    ),
    Lemma(
        claim=a_page_block_changes_its_type_if_half_of_it_is_free_or_alike,
        given=a_page_block,
        provers=(Symbolic(Whole), Sampled(bent(11, 3, 4, 1024, 1024))),
        mistakes=(
            Mistake(migrate, "mostly_alike", alike_above_half),
            Mistake(Mobility, "mostly_alike", alike_if_free),
        ),
        size="page blocks of order 0 to 10",
    ),
    Lemma(
        claim=a_boost_is_one_page_block_more_and_never_beyond_its_bound,
        history=histories.boosting,
        given=a_zone_with_marks,
        provers=(Symbolic(Bounded), Sampled(bent(11, 1 << 14, 1 << 14, 1 << 14, 3))),
        mistakes=(
            Mistake(Mobility, "boost_watermark", boost_small_zones, bug="P70"),
            Mistake(migrate, "boost_watermark", boost_small, bug="P70"),
            Mistake(Mobility, "boost_watermark", boost_without_bound),
        ),
        size="page blocks of order 0 to 10, factors of 0, 75 and 150 %",
    ),
)
