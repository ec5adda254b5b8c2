"""What is proved about compaction: fragmentation, suitability, deferral, scanners."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import product
from typing import Any

from mmoracle.checkers.bind.compaction import load
from mmoracle.checkers.bind.compaction_configs import TINY
from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Sweep, Symbolic, Values
from mmoracle.checkers.symbolic import either, every
from mmoracle.checkers.word import Whole, Word
from mmoracle.impl.compaction import defer as machine
from mmoracle.impl.compaction.control import Control as Cc
from mmoracle.impl.compaction.sources import Sources
from mmoracle.impl.compaction.targets import Targets
from mmoracle.spec.compaction import defer, sources, targets
from mmoracle.spec.compaction.ops import initial
from mmoracle.spec.compaction.parts import Run, Zone
from mmoracle.spec.compaction.zone_run import control
from mmoracle.spec.linux import (
    COMPACT_MAX_DEFER_SHIFT,
    MAX_ORDER,
    MIGRATE_MOVABLE,
    PAGE_ALLOC_COSTLY_ORDER,
    AllocFlags,
    CompactPriority,
    CompactResult,
)
from mmoracle.spec.watermark import Level

ORDERS = range(1, MAX_ORDER)
SHIFTS = range(COMPACT_MAX_DEFER_SHIFT + 1)
FEW = range(1, 9)
MOST = COMPACT_MAX_DEFER_SHIFT


def among(word: Any, numbers: range) -> Any:
    """Return the plain number that a word is, with a path for each, else the first."""
    if isinstance(word, Word):
        return next((number for number in numbers if word == number), numbers[0])
    return word if word in numbers else numbers[0]


# ------------------------------------------------------------------ the index


def too_small(top: Any, pages: Any, blocks: Any, order: Any) -> Iterable[Any]:
    """Assume a few free blocks, each at most half of what is asked for."""
    few, size = among(blocks, FEW), 1 << among(order, ORDERS)
    return (
        blocks >= 1,
        blocks < FEW.stop,
        order >= 1,
        order < MAX_ORDER,
        few <= pages,
        2 * pages <= few * size,
    )


def the_index_is_the_exact_fraction_rounded_once(
    top: Any, pages: Any, blocks: Any, order: Any
) -> Any:
    """1000 - 1000 (1 + pages / size) / blocks, on both sides, for all its roundings."""
    few, size = among(blocks, FEW), 1 << among(order, ORDERS)
    lack = 1000 - defer.index_of(pages, few, size)
    exact = 1000 * size + pages * 1000
    return every(
        lack * few * size <= exact,
        exact < (lack + 1) * few * size,
        machine.missing_block(pages, few, among(order, ORDERS)) == 1000 - lack,
    )


def the_index_of_a_missing_block_is_at_least_minus_500_and_below_1000(
    top: Any, pages: Any, blocks: Any, order: Any
) -> Any:
    """One small block gives 0 or less: memory is not what is missing."""
    few, size = among(blocks, FEW), 1 << among(order, ORDERS)
    index = defer.index_of(pages, few, size)
    return every(index >= -500, index < 1000, either(few > 1, index <= 0))


def rounded_up(pages: Any, blocks: int, requested: int) -> Any:
    """Round the share of the pages up."""
    share = (pages * 1000 + requested - 1) // requested
    return 1000 - (1000 + share) // blocks


def of_blocks_alone(pages: Any, blocks: int, requested: int) -> Any:
    """Forget the one block that is asked for."""
    return 1000 - (pages * 1000 // requested) // blocks


def in_hundredths(pages: Any, blocks: int, requested: int) -> Any:
    """Give a tenth of the index."""
    return 100 - (100 + pages * 100 // requested) // blocks


def always_fragmented(pages: Any, blocks: int, requested: int) -> int:
    """Blame fragmentation alone."""
    return 1000


def of_all_pages(pages: Any, blocks: int, order: int) -> Any:
    """Divide the pages by the blocks alone."""
    return 1000 - (1000 + pages * 1000) // blocks


def small_blocks(top: int) -> Iterator[Values]:
    """Yield every few blocks up to order 6, with every number of pages in them."""
    for order in range(1, 7):
        for blocks in FEW:
            most = blocks << (order - 1)
            yield from ((pages, blocks, order) for pages in range(blocks, most + 1))


def few_blocks(top: int, values: Values) -> Values:
    """Bend words into a few blocks and the pages in them."""
    order, blocks = values[2] % 10 + 1, values[1] % 8 + 1
    return blocks + values[0] % ((blocks << (order - 1)) - blocks + 1), blocks, order


# ------------------------------------------------------------------ suitability


def some_order(top: Any, free: Any, low: Any, step: Any, order: Any) -> Iterable[Any]:
    """Assume an order of the kernel's."""
    return (order < MAX_ORDER,)


def a_zone_is_compacted_if_and_only_if_pages_are_there_and_no_block_is(
    top: Any, free: Any, low: Any, step: Any, order: Any
) -> Any:
    """CONTINUE needs 2 << order pages above the mark, which is higher for costly ones.

    The zone has single pages only, so that no block is there; both sides agree.
    """
    plain = among(order, range(MAX_ORDER))
    marks = (low, low + step, low + step + step)
    z = Level(free=free, marks=marks, lowmem_reserve=(0,), lists=(1,))
    found = defer.suitable_with(z, plain, AllocFlags.NONE, 0, free)
    mark = marks[plain > PAGE_ALLOC_COSTLY_ORDER]
    if plain == 0 and free > low:
        due = CompactResult.SUCCESS
    elif free > mark + (1 << plain) + (1 << plain):
        due = CompactResult.CONTINUE
    else:
        due = CompactResult.SKIPPED
    other = machine.suitable_with(free, free, plain, marks, 0, 0, 0, (1,))
    return every(found is due, other is due)


def half_the_gap(order: int) -> int:
    """Ask for as many pages as the block has."""
    return 1 << order


def low_for_all(
    z: Level,
    order: int,
    highest: int,
    free: int,
    cma: int = -1,
    costly: int = PAGE_ALLOC_COSTLY_ORDER,
) -> bool:
    """Compare with the low mark, whatever the order."""
    return right_low(z, max(order, 4), highest, free - (2 << order) + 32, cma, costly)


def min_for_all(*told: Any) -> CompactResult:
    """Compare with the MIN mark, whatever the order."""
    return right_suitable(*(*told, 0, -1, 1 << 10))


right_low, right_suitable = defer.low_on_memory, machine.suitable_with

# ------------------------------------------------------------------ deferral


class Counts:
    """The counters of the machine's zone."""

    def __init__(self, considered: Any, shift: int, failed: Any) -> None:
        self.compact_considered = considered
        self.compact_defer_shift = shift
        self.compact_order_failed = failed


def zone_with(considered: Any, shift: Any, failed: Any) -> Zone:
    """Return a zone of the specification with these counters."""
    return Zone(free=(), considered=considered, defer_shift=shift, order_failed=failed)


def same(zone: Zone, counts: Counts) -> Any:
    """Say whether both sides have the same counters."""
    return every(
        zone.considered == counts.compact_considered,
        zone.defer_shift == counts.compact_defer_shift,
        zone.order_failed == counts.compact_order_failed,
    )


def bounded(
    top: Any, considered: Any, shift: Any, failed: Any, order: Any
) -> Iterable[Any]:
    """Assume counters that the kernel can reach."""
    plain = among(shift, SHIFTS)
    return shift < SHIFTS.stop, considered <= 1 << plain


def a_request_is_put_off_or_lets_the_deferral_end(
    top: Any, considered: Any, shift: Any, failed: Any, order: Any
) -> Any:
    """Each one put off is counted below 2**shift, so there are at most that many."""
    plain = among(shift, SHIFTS)
    zone, off = defer.deferred(zone_with(considered, plain, failed), order)
    counts = Counts(considered, plain, failed)
    told = machine.compaction_deferred(counts, order)
    left = every(
        considered < zone.considered, zone.considered < 1 << plain, order >= failed
    )
    ended = either(order < failed, zone.considered == 1 << plain)
    return every(left if off else ended, told is off, same(zone, counts))


def a_failure_doubles_the_deferral_up_to_64(
    top: Any, considered: Any, shift: Any, failed: Any, order: Any
) -> Any:
    """The count starts again, the shift grows to 6, the order failed falls."""
    plain = among(shift, SHIFTS)
    zone = defer.defer(zone_with(considered, plain, failed), order, MOST)
    counts = Counts(considered, plain, failed)
    machine.defer_compaction(counts, order, MOST)
    return every(
        zone.considered == 0,
        zone.defer_shift == min(plain + 1, MOST),
        zone.order_failed <= order,
        zone.order_failed <= failed,
        either(zone.order_failed == order, zone.order_failed == failed),
        same(zone, counts),
    )


def a_success_lets_the_order_and_all_below_it_through(
    top: Any, considered: Any, shift: Any, failed: Any, order: Any
) -> Any:
    """After a reset no request of the order is put off; it says so on both sides."""
    plain, agreed = among(shift, SHIFTS), []
    for served in (False, True):
        zone = defer.defer_reset(zone_with(considered, plain, failed), order, served)
        counts = Counts(considered, plain, failed)
        machine.compaction_defer_reset(counts, order, served)
        off = defer.deferred(zone, order)[1]
        kept = every(zone.considered == considered, zone.defer_shift == plain)
        gone = every(zone.considered == 0, zone.defer_shift == 0)
        agreed += [not off, gone if served else kept, same(zone, counts)]
    return every(*agreed)


def off_by_one(considered: Any, shift: int) -> Any:
    """Put one more request off."""
    return considered <= 1 << shift


def never_ending(zone: Any, order: Any) -> bool:
    """Put off whatever was failed before, without a count."""
    return bool(order >= zone.compact_order_failed)


def without_an_end(zone: Zone, order: Any, most: int) -> Zone:
    """Let the shift grow for ever."""
    return replace(right_defer(zone, order, 64), defer_shift=zone.defer_shift + 1)


def counts_on(zone: Any, order: Any, most: int) -> None:
    """Go on counting after a failure."""
    considered = zone.compact_considered
    right_defer_compaction(zone, order, most)
    zone.compact_considered = considered


def one_order_less(zone: Zone, order: Any, served: bool) -> Zone:
    """Let the orders below through, but not the one that works."""
    reset = right_reset(zone, order, served)
    return replace(reset, order_failed=max(zone.order_failed, order))


def forgives_always(zone: Any, order: Any, alloc_success: bool) -> None:
    """Forget all failures although nobody was served."""
    right_machine_reset(zone, order, True)


right_defer, right_reset = defer.defer, defer.defer_reset
right_defer_compaction = machine.defer_compaction
right_machine_reset = machine.compaction_defer_reset


def counters(top: int) -> Iterator[Values]:
    """Yield every counter with every pair of orders."""
    for shift in SHIFTS:
        for considered in range((1 << shift) + 1):
            for failed, order in product(range(4), repeat=2):
                yield considered, shift, failed, order


def at_reach(top: int, values: Values) -> Values:
    """Bend words into counters that the kernel can reach."""
    shift = values[1] % SHIFTS.stop
    return values[0] % ((1 << shift) + 1), shift, values[2] % 12, values[3] % 11


# ------------------------------------------------------------------ the scanners


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

COUNTERS = "every counter up to 64, 4 orders"
COMPACTION = (
    Lemma(
        claim=the_index_is_the_exact_fraction_rounded_once,
        given=too_small,
        size="up to 8 blocks",
        provers=(
            Symbolic(Whole),
            Sweep(cases=small_blocks, scope="up to 8 blocks below order 6"),
            Sampled(few_blocks),
        ),
        mistakes=(
            Mistake(defer, "index_of", rounded_up),
            Mistake(defer, "index_of", of_blocks_alone),
            Mistake(machine, "missing_block", of_all_pages),
        ),
    ),
    Lemma(
        claim=the_index_of_a_missing_block_is_at_least_minus_500_and_below_1000,
        given=too_small,
        size="up to 8 blocks",
        provers=(
            Symbolic(Whole),
            Sweep(cases=small_blocks, scope="up to 8 blocks below order 6"),
            Sampled(few_blocks),
        ),
        mistakes=(
            Mistake(defer, "index_of", of_blocks_alone),
            Mistake(defer, "index_of", always_fragmented),
        ),
    ),
    Lemma(
        claim=a_zone_is_compacted_if_and_only_if_pages_are_there_and_no_block_is,
        given=some_order,
        provers=(Symbolic(Whole), Sweep(3)),
        mistakes=(
            Mistake(defer, "compact_gap", half_the_gap),
            Mistake(machine, "compact_gap", half_the_gap),
            Mistake(defer, "low_on_memory", low_for_all),
            Mistake(machine, "suitable_with", min_for_all),
        ),
    ),
    Lemma(
        claim=a_request_is_put_off_or_lets_the_deferral_end,
        given=bounded,
        provers=(
            Symbolic(Whole),
            Sweep(cases=counters, scope=COUNTERS),
            Sampled(at_reach),
        ),
        mistakes=(
            Mistake(defer, "puts_off", off_by_one),
            Mistake(machine, "compaction_deferred", never_ending),
        ),
    ),
    Lemma(
        claim=a_failure_doubles_the_deferral_up_to_64,
        given=bounded,
        provers=(
            Symbolic(Whole),
            Sweep(cases=counters, scope=COUNTERS),
            Sampled(at_reach),
        ),
        mistakes=(
            Mistake(defer, "defer", without_an_end),
            Mistake(machine, "defer_compaction", counts_on),
        ),
    ),
    Lemma(
        claim=a_success_lets_the_order_and_all_below_it_through,
        given=bounded,
        provers=(
            Symbolic(Whole),
            Sweep(cases=counters, scope=COUNTERS),
            Sampled(at_reach),
        ),
        mistakes=(
            Mistake(defer, "defer_reset", one_order_less),
            Mistake(machine, "compaction_defer_reset", forgives_always),
        ),
    ),
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
