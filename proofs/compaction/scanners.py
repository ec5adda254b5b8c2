"""The scanners: where the fast search looks, and what a scan of a page block takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import product
from typing import Any

from mmoracle.checkers.bind.compaction import load
from mmoracle.checkers.bind.compaction_configs import TINY
from mmoracle.checkers.lemma import Lemma, Mistake, Sweep, Symbolic, Values
from mmoracle.checkers.symbolic import every
from mmoracle.checkers.word import Whole
from mmoracle.impl.compaction.control import Control as Cc
from mmoracle.impl.compaction.sources import Sources
from mmoracle.impl.compaction.targets import Targets
from mmoracle.spec.compaction import sources, targets
from mmoracle.spec.compaction.ops import initial
from mmoracle.spec.compaction.parts import Run, Zone
from mmoracle.spec.compaction.zone_run import control
from mmoracle.spec.linux import (
    MAX_ORDER,
    MIGRATE_MOVABLE,
    CompactPriority,
)


def in_order(top: Any, migrate: Any, free: Any) -> Iterable[Any]:
    """Assume that the scanners have not passed each other."""
    return migrate <= free, free <= 1 << 52


def the_fast_search_looks_between_the_scanners(
    top: Any, migrate: Any, free: Any
) -> Any:
    """The limits are page block starts, in order, none below the migrate scanner's."""
    cc = control(3, MIGRATE_MOVABLE, True, CompactPriority.SYNC_LIGHT)
    cc = replace(cc, migrate_pfn=migrate, free_pfn=free, search_order=3)
    cfg = replace(TINY, pageblock_order=9)
    b = targets.bounds_of(cfg, Zone(free=()), cc)
    return every(
        b.least % 512 == 0,
        b.low % 512 == 0,
        migrate < b.least + 512,
        b.least <= b.low,
        b.low <= free,
        b.deep,
    )


def from_the_bottom(cfg: Any, zone: Any, cc: Any) -> targets.Bounds:
    """Measure the distance from the migrate scanner up."""
    low = cc.migrate_pfn - (cc.free_pfn - cc.migrate_pfn) // 4
    return targets.Bounds(low // 512 * 512, low // 512 * 512, 1, True)


def inside_a_block(cfg: Any, zone: Any, cc: Any) -> targets.Bounds:
    """Forget to round down to a page block."""
    distance = cc.free_pfn - cc.migrate_pfn
    low, least = cc.free_pfn - distance // 4, cc.free_pfn - distance // 2
    return targets.Bounds(low, least, 1, True)


def some_orders(top: Any, order: int, search: int) -> Iterable[Any]:
    """Assume an order that is asked for."""
    return order >= 1, order < MAX_ORDER


def every_order_is_searched_once_in_turn(top: Any, order: int, search: int) -> Any:
    """Both sides search all orders below the one asked for, each once."""
    cc = control(order, MIGRATE_MOVABLE, True, CompactPriority.SYNC_LIGHT)
    orders = targets.orders_in_turn(replace(cc, search_order=search))
    m = load(TINY, initial(TINY))
    other = Cc(m.zones[0], order, MIGRATE_MOVABLE, True, 1)
    other.search_order = min(order - 1, search)
    turn = Targets(m.m, other, 2, starts_below=False, keeps_high_pfn=False)
    found = list[int]()
    at = other.search_order
    while at >= 0 and len(found) <= order:
        found.append(at)
        at = turn.next_search_order(at)
    return sorted(orders) == list(range(order)) and orders == tuple(found)


def downwards_only(cc: Any) -> tuple[int, ...]:
    """Search no order above the first one."""
    return tuple(range(min(cc.order - 1, cc.search_order), -1, -1))


def stops_at_zero(self: Targets, order: int) -> int:
    """End the search at order 0."""
    return order - 1


LETTERS = "fmbzuCc"


def page_block(*marks: int) -> str:
    """Return four frames of these kinds."""
    return "".join(LETTERS[mark] for mark in marks)


def whole(
    top: Any, one: int, two: int, three: int, four: int, prio: int, order: int
) -> Iterable[Any]:
    """Assume a page block with whole compound pages of two frames, and a request."""
    body = page_block(one, two, three, four).replace("Cc", "..")
    return "C" not in body, "c" not in body, prio in (1, 2), order in (1, 2)


def a_scan_comes_forward_and_both_sides_take_the_same(
    top: Any, one: int, two: int, three: int, four: int, prio: int, order: int
) -> Any:
    """The migrate scanner leaves its place, and takes movable pages from behind it."""
    pages = page_block(one, two, three, four)
    s = replace(initial(TINY), pages=pages + "u" * 8, laid=True, types=(1, 1, 1))
    cc = control(order, MIGRATE_MOVABLE, True, CompactPriority(prio))
    run = Run(cc, CompactPriority(prio), 0, 0)
    _, scan = sources.scan_block(TINY, s, run, 4, 8, False)
    m = load(TINY, s)
    other = Cc(m.zones[0], order, MIGRATE_MOVABLE, True, prio)
    pfn = Sources(m.m, other, 1, TINY.cluster).isolate_migratepages_block(4, 8, False)
    return every(
        4 < scan.pfn <= 8,
        all(4 <= each < scan.pfn and pages[each - 4] in "mz" for each in scan.pages),
        (pfn, other.migratepages[::-1]) == (scan.pfn, list(scan.pages)),
    )


def takes_busy_ones(cc: Any, mark: str) -> bool:
    """Try to take pinned pages as well."""
    return mark in "mbu"


def stays(self: Sources, pfn: int, end: int, busy: bool) -> int:
    """Leave the scanner where it is."""
    return pfn


def blocks_of_frames(top: int) -> Iterator[Values]:
    """Yield every page block, with every request."""
    for marks in product(range(len(LETTERS)), repeat=4):
        yield from ((*marks, prio, order) for prio in (1, 2) for order in (1, 2))


# ------------------------------------------------------------------ the lemmas

SCANNERS = (
    Lemma(
        claim=the_fast_search_looks_between_the_scanners,
        given=in_order,
        provers=(Symbolic(Whole), Sweep(5)),
        mistakes=(
            Mistake(targets, "bounds_of", from_the_bottom),
            Mistake(targets, "bounds_of", inside_a_block),
        ),
    ),
    Lemma(
        claim=every_order_is_searched_once_in_turn,
        given=some_orders,
        provers=(Sweep(4),),
        mistakes=(
            Mistake(targets, "orders_in_turn", downwards_only),
            Mistake(Targets, "next_search_order", stops_at_zero),
        ),
    ),
    Lemma(
        claim=a_scan_comes_forward_and_both_sides_take_the_same,
        given=whole,
        provers=(
            Sweep(cases=blocks_of_frames, scope="every page block of four frames"),
        ),
        mistakes=(
            Mistake(sources, "takes", takes_busy_ones),
            Mistake(Sources, "isolate_migratepages_block", stays),
        ),
    ),
)
