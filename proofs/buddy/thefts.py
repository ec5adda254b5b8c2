"""A request that takes from another type, in a page block at any place: both sides.

Which frames of the page block are free, which are in movable use, where the zone cuts
it and what type it has are any.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Symbolic
from mmoracle.checkers.mutants.buddy_reserves import (
    give_to_movable,
    keep_the_last_reserve,
    lower_never,
    lower_without_looking,
    reserve_one_more,
    reserve_the_type_only,
    reserve_uncounted,
)
from mmoracle.checkers.mutants.buddy_types import (
    boost_never,
    change_by,
    change_the_first_type,
    fall_back_nowhere,
    move_one_block,
    move_over_the_border,
    steal_alone,
    wake_for_anybody,
)
from mmoracle.checkers.symbolic import either, every
from mmoracle.checkers.word import Bounded, one_of
from mmoracle.impl.buddy.migrate import Mobility
from mmoracle.spec.buddy import blocks, manage, migrate
from mmoracle.spec.buddy.alloc import AllocPages
from mmoracle.spec.buddy.manage import Unreserve
from mmoracle.spec.buddy.zones import Config, Held, Memory, Span, Zone
from mmoracle.spec.linux import MIGRATE_HIGHATOMIC, MIGRATE_MOVABLE, AllocFlags

from . import histories
from .places import place
from .small import both_do, frames_of, free_now, is_one, merged
from .stealing import STARTS, bent, preferred

FOUR = range(4)  # frames
ORDERS = range(3)

# ------------------------------------------------------------------ a page block


def cut_zone(nth: Any, low: int, high: int, pageblock: int, **more: Any) -> Config:
    """Return a zone of four frames, or of less where it is cut at an end."""
    span = Span(place(nth, low), place(nth, len(FOUR) - high))
    cfg = Config(zones=(span,), orders=len(ORDERS), pageblock_order=pageblock)
    return replace(cfg, **more)


def filled(
    cfg: Config, nth: Any, free: set[int], movable: int, mt: int, old: Any, **more: Any
) -> Memory:
    """Return a zone with frames free on the lists of one type; others are held.

    The first of the held ones are in movable use; every page block has one type.
    """
    lists = ((),) * cfg.migrate_types
    zone = Zone((lists,) * cfg.orders, (0,) * cfg.orders)
    for offset, order in merged(free, ORDERS):
        zone = blocks.push(zone, place(nth, offset), order, mt, tail=True)
    inside = [f for f in FOUR if cfg.zones[0].start <= place(nth, f) < cfg.zones[0].end]
    used = [offset for offset in inside if offset not in free]
    held = [Held(place(nth, f), 0, movable=i < movable) for i, f in enumerate(used)]
    zone = replace(zone, **{"nr_free_pages": len(free), "managed": 4, **more})
    types = (old,) * (len(FOUR) >> cfg.pageblock_order)
    return Memory((zone,), types, tuple(held))


def both_sides_take_from_another_type_alike(
    top: Any,
    nth: Any,
    start: Any,
    reserved: Any,
    order: Any,
    pageblock: Any,
    low: Any,
    high: Any,
    movable: Any,
    grouping: Any,
    *bits: Any,
) -> Any:
    """The block taken, what moves with it and the types that change are the same.

    No frame but those of the block ceases to be free.
    """
    asks = one_of(start, STARTS)
    cut = one_of(low, (0, 1)), one_of(high, (0, 1))
    free = {f for f in FOUR[cut[0] : len(FOUR) - cut[1]] if is_one(bits[f])}
    cfg = cut_zone(nth, *cut, one_of(pageblock, (1, 2)), grouping=grouping == 1)
    mt = preferred(asks)[cfg.pageblock_order - 1]
    old = MIGRATE_HIGHATOMIC if is_one(reserved) else mt
    s = filled(cfg, nth, free, one_of(movable, range(5)), mt, old)
    op = AllocPages(0, 0, one_of(order, (0, 1)), asks)
    same, after, got = both_do(cfg, s, op, op.linux)
    if not same or got is None:
        return same and free_now(nth, after) == sorted(free)
    gone = frames_of(got - place(nth, 0), op.order)
    return free >= gone and free_now(nth, after) == sorted(free - gone)


def a_request_of_another_type(
    top: Any,
    nth: Any,
    start: Any,
    reserved: Any,
    order: Any,
    pageblock: Any,
    low: Any,
    high: Any,
    movable: Any,
    grouping: Any,
    *bits: Any,
) -> Iterable[Any]:
    """Assume a type of requests, sizes, bits, and not more movable frames than used."""
    yield from (start < len(STARTS), pageblock >= 1, pageblock <= 2)
    yield from (bit <= 1 for bit in (reserved, order, low, high, grouping))
    yield from (bit <= 1 for bit in bits)
    yield either(low == 0, every(bits[0] == 0, pageblock == 2))
    yield either(high == 0, every(bits[3] == 0, pageblock == 2))
    yield movable + sum(bits) + low + high <= len(FOUR)
    yield sum(bits) >= 1
    yield either(order == 0, reserved + low + high + movable == 0)


# ------------------------------------------------------------------ a boost


class Wakes:
    """Flags of which one is known when it is asked for: whether kswapd may be woken."""

    def __init__(self, bit: Any) -> None:
        self.bit = bit

    def __contains__(self, flag: AllocFlags) -> bool:
        return flag == AllocFlags.KSWAPD and is_one(self.bit)

    def __and__(self, flags: int) -> int:
        return flags if AllocFlags(flags) in self else 0

    def __int__(self) -> Any:
        return int(AllocFlags.KSWAPD) * is_one(self.bit)


def a_theft_boosts_watermarks_and_wakes_kswapd_alike(
    top: Any, nth: Any, wakes: Any, managed: Any, boost: Any, boosted: Any, large: Any
) -> Any:
    """Whatever pages the zone has and whatever boost, both sides raise it by as much.

    A whole page block is no theft. Kswapd is woken once, if the request may wake it.
    """
    cfg = cut_zone(nth, 0, 0, 2, high_wmark=9)
    more = {"managed": managed, "boost": boost, "boosted": is_one(boosted)}
    whole = is_one(large)
    s = filled(cfg, nth, {0, 1, 2, 3} if whole else {0, 2, 3}, 0, 2, 2, **more)
    flags = AllocFlags.KSWAPD if is_one(wakes) else AllocFlags.NONE
    op = AllocPages(0, 0, 0, MIGRATE_MOVABLE, flags)
    same, after, got = both_do(cfg, s, op, op.linux)
    zone = after.zones[0]
    raised = either(zone.boost == boost + 4, zone.boost == 13)
    fits = every(managed >= 16, raised, not whole)
    return every(
        same,
        got is not None,
        zone.boosted is False,
        either(fits, every(either(managed < 16, whole), zone.boost == boost)),
    )


def bits_of(
    top: Any, nth: Any, wakes: Any, managed: Any, boost: Any, boosted: Any, large: Any
) -> Iterable[Any]:
    """Assume bits."""
    return (wakes <= 1, boosted <= 1, large <= 1)


# ------------------------------------------------------------------ reserves


def both_sides_reserve_alike(
    top: Any, nth: Any, old: Any, reserved: Any, managed: Any, order: Any, low: Any
) -> Any:
    """An urgent large request reserves its page block up to a hundredth of the zone."""
    cut = one_of(low, (0, 1))
    cfg = cut_zone(nth, cut, 0, 2, has_cma=True)
    mt = one_of(old, range(cfg.migrate_types))
    free = {2, 3} if cut else {0, 1, 2, 3}
    more = {"managed": managed, "highatomic": reserved}
    s = filled(cfg, nth, free, 0, MIGRATE_MOVABLE, mt, **more)
    op = AllocPages(0, 0, one_of(order, (0, 1)), MIGRATE_MOVABLE, AllocFlags.HARDER)
    same, after, got = both_do(cfg, s, op, op.linux)
    special = mt in (MIGRATE_HIGHATOMIC, cfg.isolate, cfg.cma) or op.order == 0
    grown = after.zones[0].highatomic
    full = reserved >= managed // 100 + 4
    due = reserved if special or full else reserved + 4
    return every(same, got is not None, grown == due)


def a_type_and_bits(
    top: Any, nth: Any, old: Any, reserved: Any, managed: Any, order: Any, low: Any
) -> Iterable[Any]:
    """Assume a type and two bits."""
    return (old < 6, order <= 1, low <= 1)


def both_sides_give_up_a_reserve_alike(
    top: Any,
    nth: Any,
    old: Any,
    reserved: Any,
    force: Any,
    low: Any,
    high: Any,
    *bits: Any,
) -> Any:
    """The reserve's counter falls by a page block if that is one of the reserve still.

    It never falls below 0, and a last one is kept unless it is wanted urgently.
    """
    cut = one_of(low, (0, 1)), one_of(high, (0, 1))
    free = {f for f in FOUR[cut[0] : len(FOUR) - cut[1]] if is_one(bits[f])}
    cfg = cut_zone(nth, *cut, 2)
    mt = one_of(old, (MIGRATE_MOVABLE, MIGRATE_HIGHATOMIC))
    s = filled(cfg, nth, free, 0, MIGRATE_HIGHATOMIC, mt, highatomic=reserved)
    op = Unreserve(0, 0, is_one(force))
    same, after, _ = both_do(cfg, s, op, op.run)
    zone = after.zones[0]
    kept = not free or (not op.force and reserved <= 4) or mt == MIGRATE_MOVABLE
    left = reserved if kept else max(reserved - 4, 0)
    if cut[1] and not kept:  # nothing moves, and each list is tried in turn
        return same and zone.highatomic <= left
    return same and zone.highatomic == left


def a_reserve(
    top: Any,
    nth: Any,
    old: Any,
    reserved: Any,
    force: Any,
    low: Any,
    high: Any,
    *bits: Any,
) -> Iterable[Any]:
    """Assume one of two types, and bits."""
    yield from (old >= 1, old <= 3, old != 2)
    yield from (bit <= 1 for bit in (force, low, high, *bits))
    yield either(low == 0, bits[0] == 0)
    yield either(high == 0, bits[3] == 0)


# ------------------------------------------------------------------ mistakes


def lower_twice(
    cfg: Config, s: Memory, at: int, mt: int, force: bool
) -> tuple[Memory, bool]:
    """Lower the reserve's counter whatever type the page block has by now: P68."""
    types, s = s.types, replace(s, types=(MIGRATE_HIGHATOMIC,) * len(s.types))
    after, moved = right_unreserve(cfg, s, at, mt, force)
    return (after if moved else replace(after, types=types)), moved


def count_movable_twice(cfg: Config, s: Memory, at: int, pfn: int) -> int:
    """Count the movable frames of all page blocks."""
    return sum(1 for h in s.held if h.movable) + 1


def move_across(
    cfg: Config, s: Memory, at: int, pfn: int, mt: int
) -> tuple[Memory, int]:
    """Move the free blocks of a page block that ends behind the zone."""
    zones = (replace(cfg.zones[at], end=cfg.zones[at].end + 4),)
    return right_move(replace(cfg, zones=zones), s, at, pfn, mt)


right_unreserve, right_move = migrate.unreserve_highatomic, migrate.move_freepages_block

# ------------------------------------------------------------------ the lemmas

BLOCK = "a page block of up to 4 frames, any of them free"
STOLEN = ("nth", "start", "reserved", "order", "pageblock")
PARTS = ("low", "high", "movable", "grouping", "f0", "f1", "f2", "f3")
GIVEN = ("nth", "old", "reserved", "force", "low", "high", "f0", "f1", "f2", "f3")

THEFTS = (
    Lemma(
        claim=both_sides_take_from_another_type_alike,
        given=a_request_of_another_type,
        names=(*STOLEN, *PARTS),
        provers=(
            Symbolic(Bounded),
            Sampled(bent(0, 3, 2, 2, -2, 2, 2, 3)),
        ),
        mistakes=(
            Mistake(Mobility, "steal", steal_alone),
            Mistake(Mobility, "steal", change_the_first_type),
            Mistake(Mobility, "steal_page_block", change_by("right", "more than")),
            Mistake(Mobility, "steal_page_block", change_by("none")),
            Mistake(Mobility, "steal_page_block", change_by("others")),
            Mistake(Mobility, "steal_page_block", change_by("free too")),
            Mistake(Mobility, "move_freepages_block", move_over_the_border),
            Mistake(Mobility, "move_freepages_block", move_one_block),
            Mistake(Mobility, "rmqueue_fallback", fall_back_nowhere),
            Mistake(migrate, "movable_pages", count_movable_twice),
            Mistake(migrate, "move_freepages_block", move_across),
        ),
        size=BLOCK,
        slow=True,
    ),
    Lemma(
        claim=a_theft_boosts_watermarks_and_wakes_kswapd_alike,
        given=bits_of,
        provers=(Symbolic(Bounded), Sampled(bent(0, 2, 40, 40))),
        mistakes=(
            Mistake(Mobility, "boost_watermark", boost_never),
            Mistake(Mobility, "steal", wake_for_anybody),
        ),
        size="one page block of 4 frames, a high watermark of 9",
    ),
    Lemma(
        claim=both_sides_reserve_alike,
        given=a_type_and_bits,
        provers=(Symbolic(Bounded), Sampled(bent(0, 6, 20, 1000))),
        mistakes=(
            Mistake(Mobility, "reserve_highatomic", reserve_one_more),
            Mistake(Mobility, "reserve_highatomic", reserve_uncounted),
            Mistake(Mobility, "reserve_highatomic", reserve_the_type_only),
        ),
        size="one page block of up to 4 frames",
    ),
    Lemma(
        claim=both_sides_give_up_a_reserve_alike,
        history=histories.giving_up,
        given=a_reserve,
        names=GIVEN,
        provers=(Symbolic(Bounded), Sampled(bent(0, -3, 12))),
        mistakes=(
            Mistake(Mobility, "unreserve_highatomic", lower_without_looking, bug="P68"),
            Mistake(manage, "unreserve_highatomic", lower_twice, bug="P68"),
            Mistake(Mobility, "unreserve_highatomic", lower_never),
            Mistake(Mobility, "unreserve_highatomic", keep_the_last_reserve),
            Mistake(Mobility, "unreserve_highatomic", give_to_movable),
        ),
        size=BLOCK,
    ),
)
