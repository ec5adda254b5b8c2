"""Migrate types, case by case, as mm/page_alloc.c (v5.10) treats them.

A picture is the free lists of a zone, `0M 1 | 1M 2 6`, and the types of its page
blocks, `UMH` (see conftest.py).  Every history runs on both sides at once.
"""

from dataclasses import replace

import pytest

from mmoracle.checkers.bind.buddy import machine
from mmoracle.spec.buddy.alloc import AllocPages
from mmoracle.spec.buddy.free import FreeCommit, FreePages, FreePrepare
from mmoracle.spec.buddy.manage import Drain, Unreserve
from mmoracle.spec.buddy.migrate import (
    can_steal_fallback,
    find_suitable_fallback,
)
from mmoracle.spec.buddy.zones import (
    DONE,
    MERGES_RESERVED,
    Config,
    Locked,
    Span,
    Stole,
    Woke,
)
from mmoracle.spec.linux import MIGRATE_HIGHATOMIC as H
from mmoracle.spec.linux import MIGRATE_MOVABLE as M
from mmoracle.spec.linux import MIGRATE_RECLAIMABLE as R
from mmoracle.spec.linux import MIGRATE_UNMOVABLE as U
from mmoracle.spec.linux import AllocFlags, Errno

C, CMA = H + 1, AllocFlags.CMA
NONE, HARDER = AllocFlags.NONE, AllocFlags.HARDER
KSWAPD, NOFRAGMENT = AllocFlags.KSWAPD, AllocFlags.NOFRAGMENT
REAL = Config(zones=(Span(0, 2048),))
# Page blocks of 16 frames; half of one is 8, movable requests steal from order 2 on.
TWO = Config(zones=(Span(0, 32),), orders=6, pageblock_order=4)
FOUR = Config(zones=(Span(0, 32),), orders=6, pageblock_order=3)
AREA = Config(  # frames 8 to 16 are CMA's
    zones=(Span(0, 16),),
    start=(Span(0, 8), Span(8, 16)),
    orders=4,
    pageblock_order=3,
    blocks=(M, C),
    has_cma=True,
)
EACH = Config(zones=(Span(0, 16),), orders=5, pageblock_order=2)


def take(order=0, mt=M, flags=NONE):
    """Return a request to the first zone."""
    return AllocPages(0, 0, order, mt, flags)


def give(pfn, order=0):
    """Return a free."""
    return FreePages(0, (pfn, order))


# ------------------------------------------------------------------ whom to take from


@pytest.mark.parametrize(
    ("start", "first", "second"), [(U, R, M), (M, R, U), (R, U, M)], ids="UMR"
)
def test_each_type_has_an_order_of_fallbacks(buddy, start, first, second):
    """The table fallbacks[]: movable pages are taken from only when all else is gone.

    |  U -> R M    M -> R U    R -> U M  |
    """
    names = {U: "U", M: "M", R: "R"}
    both = f"2{names[first]} 0 | 2{names[second]} 8"
    cfg = replace(EACH, blocks=(first, M, second, M))
    history = buddy(cfg, take(2, start), take(2, start), free=both)
    assert history.values == [0, 8]
    zone = buddy(cfg, free=both).zone()
    assert find_suitable_fallback(zone, 2, start) == first
    assert find_suitable_fallback(zone, 1, start) is None


@pytest.mark.parametrize("order", range(11))
@pytest.mark.parametrize("grouping", [True, False])
def test_a_movable_request_takes_a_page_block_along_from_half_its_order(
    order, grouping
):
    """can_steal_fallback() with pageblock_order 9: order 4 does, order 3 does not.

    |  M: orders 4 to 10    U and R: all    without grouping: all  |
    """
    cfg = replace(REAL, grouping=grouping)
    sides = machine(cfg, [M] * 4).mobility[0].can_steal_fallback
    for start in (U, M, R):
        due = start != M or order >= 4 or not grouping
        assert can_steal_fallback(cfg, order, start) is due
        assert sides(order, start) is due


def test_the_largest_block_is_taken(buddy):
    """So that as few page blocks as possible get mixed.

    |  0M 4 | 2M 8 | 3M 16  take U: 16 ->  its page block's rest is U's too  |
    """
    history = buddy(TWO, take(mt=U), free="0M 4 | 2M 8 | 3M 16")
    assert (history.last, history.free()) == (16, "0U 17 | 0M 4 | 1U 18 | 2U 20 | 2M 8")
    assert history.events[0] == Stole(16, 0, 3, U, M, True)


def test_a_movable_request_that_cannot_steal_takes_the_smallest(buddy):
    """find_smallest: it leaves the page block as it is, so less is better.

    |  0U 4 | 1U 8  take M: 4, alone ->  1U 8  |
    """
    cfg = replace(TWO, blocks=(U, U))
    history = buddy(cfg, take(), free="0U 4 | 1U 8")
    assert (history.last, history.free(), history.blocks) == (4, "1U 8", "UU")
    assert history.events == (Stole(4, 0, 0, M, U, False), Locked(4, 0, M))


def test_the_smallest_may_be_of_another_type(buddy):
    """Each order is looked through in the order of fallbacks again.

    |  0U 20 | 1R 8  take M: 20, though 1R 8 is the largest  |
    """
    cfg = replace(TWO, blocks=(R, U))
    history = buddy(cfg, take(), free="0U 20 | 1R 8")
    assert history.last == 20


def test_a_movable_request_steals_from_half_the_order_on(buddy):
    """With pageblock_order 4, order 2 is large enough; all that is free is moved.

    |  0U 4 | 2U 8  take M: 4, the lowest order of what was moved ->  2M 8  |
    """
    cfg = replace(TWO, blocks=(U, M))
    history = buddy(cfg, take(), free="0U 4 | 2U 8")
    assert (history.last, history.free(), history.blocks) == (4, "2M 8", "UM")
    assert history.events == (Stole(8, 0, 2, M, U, False), Locked(4, 0, M))


# ------------------------------------------------------------------ what is taken


def test_half_a_page_block_changes_its_type(buddy):
    """8 of 16 frames are free, which is enough to claim the page block.

    |  3M 8 in a page block of 16:  take U ->  UM,  0U 9 | 1U 10 | 2U 12  |
    """
    history = buddy(TWO, take(mt=U), free="3M 8", movable=range(8))
    assert (history.blocks, history.free()) == ("UM", "0U 9 | 1U 10 | 2U 12")
    assert history.events == (Stole(8, 0, 3, U, M, True), Locked(8, 0, U))


def test_less_than_half_does_not(buddy):
    """7 of 16 frames: they are moved, the page block stays movable.

    |  0M 1 | 1M 2 | 2M 4:  take U order 2 ->  MM,  0U 1 | 1U 2  |
    """
    history = buddy(TWO, take(2, U), free="0M 1 | 1M 2 | 2M 4", movable=range(16))
    assert (history.last, history.blocks, history.free()) == (4, "MM", "0U 1 | 1U 2")


@pytest.mark.parametrize(
    ("start", "old", "movable", "block"),
    [
        (U, M, 12, "M"),  # 4 free, 12 movable, nothing like it
        (U, M, 8, "U"),  # 4 free and 4 unmovable
        (U, M, 9, "M"),  # 4 free and 3 unmovable
        (R, M, 8, "R"),
        (U, R, 0, "R"),  # whose the others are cannot be told
        (M, U, 4, "M"),  # 4 free and 4 movable
        (M, U, 3, "U"),
    ],
)
def test_frames_in_use_of_a_like_kind_count_as_free_ones(
    buddy, start, old, movable, block
):
    """Movable frames for M; for U and R those of a movable block that are not movable.

    |  2M 0, 4 of 12 held frames are unmovable:  take U ->  the page block is U  |
    """
    cfg = replace(TWO, blocks=(old,))
    free = f"2{'UMR'[old]} 0"
    history = buddy(cfg, take(mt=start), free=free, movable=range(4, 4 + movable))
    assert history.blocks[0] == block


def test_movable_frames_are_counted_in_their_page_block_only(buddy):
    """A held block may be larger than a page block, or lie beside it.

    |  2U 0, movable 4-8 held as one block, 8-16 unmovable ->  M  |
    """
    cfg = replace(TWO, blocks=(U,))
    history = buddy(cfg, take(), free="2U 0", held="2 4", movable={4, *range(16, 32)})
    assert history.blocks == "MM"


def test_a_whole_page_block_always_changes_its_type(buddy):
    """From pageblock_order on all page blocks of the block are the request's.

    |  5M 0 with page blocks of 8:  take U ->  UUUU  |
    """
    history = buddy(FOUR, take(mt=U))
    assert (history.last, history.blocks) == (0, "UUUU")
    assert history.free() == "0U 1 | 1U 2 | 2U 4 | 3U 8 | 4U 16"
    assert history.events == (Stole(0, 0, 5, U, M, True), Locked(0, 0, U))


def test_what_is_moved_goes_to_the_tails_by_rising_frame(buddy):
    """move_freepages_block(): also what is on the right list already.

    |  0U 21 3 | 0M 24 16 | 1M 18  take U order 1: 18 ->  0U 3 16 21 24  |
    """
    history = buddy(TWO, take(1, U), free="0U 21 3 | 0M 24 16 | 1M 18")
    assert (history.last, history.free()) == (18, "0U 3 16 21 24")


def test_the_lowest_order_of_what_was_moved_is_taken(buddy):
    """The search begins anew after a steal, so that the block chosen may stay whole.

    |  0M 1 | 3M 8:  take U: 1, 3M 8 was chosen and moved  |
    """
    history = buddy(TWO, take(mt=U), free="0M 1 | 3M 8")
    assert (history.last, history.free()) == (1, "3U 8")
    assert history.events == (Stole(8, 0, 3, U, M, True), Locked(1, 0, U))


def test_without_grouping_any_page_block_changes_its_type(buddy):
    """page_group_by_mobility_disabled: nothing is worth being kept together.

    |  0U 4:  take M ->  the page block is M, though 15 frames are unmovable  |
    """
    cfg = replace(TWO, blocks=(U,), grouping=False)
    history = buddy(cfg, take(), free="0U 4")
    assert history.blocks == "MM"


def test_a_page_block_that_the_zone_cuts_short_is_left(buddy):
    """move_freepages_block() moves nothing where the page block ends behind the zone.

    |  zone 0-12, page blocks of 8:  1M 8 | 0M 10  take U order 1 ->  0M 10  |
    """
    cfg = replace(FOUR, zones=(Span(0, 12),))
    history = buddy(cfg, take(1, U), free="0M 10 | 1M 8")
    assert (history.last, history.free(), history.blocks) == (8, "0M 10", "MM")


def test_a_page_block_that_begins_before_the_zone_is_moved_in_part(buddy):
    """It is moved from the block that was chosen on.

    |  zone 2-16, page blocks of 8:  0M 2 6 | 1M 4:  take U order 1 ->  0U 6 | 0M 2  |
    """
    cfg = replace(FOUR, zones=(Span(2, 16),))
    history = buddy(cfg, take(1, U), free="0M 2 6 | 1M 4", movable=range(2, 8))
    assert (history.last, history.free()) == (4, "0U 6 | 0M 2")


def test_frames_before_the_block_do_not_count_where_the_zone_begins(buddy):
    """Neither as free nor as movable ones, as the page block is looked at from there.

    |  zone 2-16, page blocks of 8:  1U 6, 2 and 3 movable:  take M ->  U stays  |
    """
    cfg = replace(FOUR, zones=(Span(2, 16),), blocks=(U,))
    history = buddy(cfg, take(), free="1U 6", movable=(2, 3))
    assert (history.last, history.free(), history.blocks) == (6, "0M 7", "UM")


def test_a_block_of_a_reserved_page_block_is_stolen_alone(buddy):
    """Its type stays, so that the reserve is counted right.

    |  H:  2M 0, freed before the page block was reserved:  take U ->  H  |
    """
    cfg = replace(FOUR, blocks=(H,))
    history = buddy(cfg, take(mt=U), free="1M 0 | 1M 4", movable=range(8))
    assert (history.free(), history.blocks[0]) == ("0U 1 | 1M 4", "H")


# ------------------------------------------------------------------ no mixing


def test_no_fragment_takes_whole_page_blocks_only(buddy):
    """ALLOC_NOFRAGMENT: less than a page block of another type is not touched.

    |  3M 0 with page blocks of 16:  take U ->  none;  4M 16: 16  |
    """
    history = buddy(TWO, take(mt=U, flags=NOFRAGMENT), free="3M 0")
    assert (history.last, history.events, history.free()) == (None, (), "3M 0")
    history = buddy(TWO, take(mt=U, flags=NOFRAGMENT), free="3M 0 | 4M 16")
    assert (history.last, history.blocks) == (16, "MU")


def test_no_fragment_turns_page_blocks_that_are_too_small(buddy):
    """For a request above pageblock_order all page blocks change type, in vain.

    |  3M 0 16 with page blocks of 8:  take U order 4 ->  none, UMUM  3U 0 16  |
    """
    history = buddy(FOUR, take(4, U, NOFRAGMENT), free="3M 0 16")
    assert (history.last, history.blocks, history.free()) == (None, "UMUM", "3U 0 16")
    assert history.events == (Stole(0, 4, 3, U, M, True), Stole(16, 4, 3, U, M, True))


# ------------------------------------------------------------------ boosts

BOOSTS = replace(FOUR, high_wmark=16)  # at most 16 * 1.5 = 24 pages


def test_mixing_raises_the_watermarks_by_a_page_block_at_a_time(buddy):
    """boost_watermark(): up to half again of the high watermark.

    |  high 16, page blocks of 8:  boosts of 8, 16, 24, 24  |
    """
    ops = [take(mt=U) for _ in range(4)]
    history = buddy(BOOSTS, free="1M 0 8 16 24", movable=range(32))
    boosts = []
    for op in (*ops, *ops[:4]):
        history.do(op)
        boosts.append(history.zone().boost)
    assert boosts == [8, 8, 16, 16, 24, 24, 24, 24]


@pytest.mark.parametrize(
    ("fields", "boost"),
    [
        ({"high_wmark": 3}, 8),  # a page block at least
        ({"high_wmark": 0}, 0),  # not set up yet
        ({"boost_factor": 0}, 0),  # turned off
        ({"zones": (Span(0, 31),)}, 0),  # less than four page blocks
    ],
)
def test_some_zones_are_not_boosted(buddy, fields, boost):
    """Reclaim would not help them.

    |  high 3, factor 1.5: 4, which is less than a page block of 8:  8  |
    """
    history = buddy(replace(BOOSTS, **fields), take(mt=U), free="1M 0")
    assert history.zone().boost == boost


def test_a_whole_page_block_is_no_mixing(buddy):
    """Nothing is boosted where a page block changes hands as a whole.

    |  3M 0 with page blocks of 8:  take U ->  boost 0  |
    """
    history = buddy(BOOSTS, take(mt=U, flags=KSWAPD), free="3M 0")
    assert (history.zone().boost, Woke(0) in history.events) == (0, False)


def test_kswapd_is_woken_once_for_a_boost(buddy):
    """ALLOC_KSWAPD sets the zone's flag; who takes a page next clears it and wakes.

    |  1M 0:  take U, KSWAPD: woken;  without KSWAPD: boosted, not woken  |
    """
    history = buddy(BOOSTS, take(mt=U, flags=KSWAPD), take(mt=U), free="1M 0")
    assert history.session.trace[0].result.events[-1] == Woke(0)
    assert Woke(0) not in history.events
    history = buddy(BOOSTS, take(mt=U), free="1M 0")
    assert (history.zone().boost, Woke(0) in history.events) == (8, False)


def test_a_failed_request_wakes_from_the_pageset_only(buddy):
    """rmqueue() of a zone leaves at once without a page; of a pageset it does not.

    |  boosted, nothing free:  take order 1: not woken,  take a page: woken  |
    """
    cfg = replace(BOOSTS, cpus=1)
    state = buddy(cfg, free="").state
    zone = replace(state.zones[0], boost=8, boosted=True)
    history = buddy(cfg, take(1, U), state=replace(state, zones=(zone,)))
    assert (history.last, history.events) == (None, ())
    assert history.do(take(mt=U)).events == (Woke(0),)
    assert not history.zone().boosted


# ------------------------------------------------------------------ high-atomic


def test_an_urgent_large_request_reserves_its_page_block(buddy):
    """Its free blocks go to the high-atomic lists.

    |  3M 0 of page blocks of 8:  take order 1 HARDER ->  H,  1H 2 | 2H 4  |
    """
    history = buddy(FOUR, take(1, flags=HARDER), free="3M 0")
    assert (history.free(), history.blocks) == ("1H 2 | 2H 4", "HMMM")
    assert history.zone().highatomic == 8
    assert history.zone().nr_free_pages == 6


@pytest.mark.parametrize(("order", "flags"), [(0, HARDER), (1, NONE)])
def test_other_requests_reserve_nothing(buddy, order, flags):
    """A single page is easily found, and who is not urgent can wait.

    |  3M 0:  take a page HARDER, take order 1 ->  M  |
    """
    assert buddy(FOUR, take(order, flags=flags), free="3M 0").blocks == "MMMM"


def test_the_reserve_serves_urgent_large_requests_only(buddy):
    """They look there first; others do not look there at all.

    |  H: 2H 4   1M 8:  take order 1: 8, HARDER: 4, a page HARDER: none  |
    """
    cfg = replace(FOUR, blocks=(H,))
    laid = {"free": "1M 8 | 2H 4", "movable": range(32)}
    assert buddy(cfg, take(1), **laid).last == 8
    history = buddy(cfg, take(1, flags=HARDER), **laid)
    assert (history.last, history.events) == (4, (Locked(4, 1, M),))
    ops = (take(1), take(flags=HARDER), take(flags=HARDER), take(1, flags=HARDER))
    assert buddy(cfg, *ops, **laid).values == [8, None, None, 4]


@pytest.mark.parametrize(
    ("managed", "reserved"), [(96, 8), (104, 16), (800, 16), (904, 24)]
)
def test_a_hundredth_of_a_zone_and_a_page_block_are_reserved(buddy, managed, reserved):
    """reserve_highatomic_pageblock(): nothing once managed / 100 + 8 are reserved.

    |  page blocks of 8, four requests of order 3:  96 / 100 + 8: one,  104: two  |
    """
    cfg = replace(FOUR, zones=(Span(0, managed),), orders=4)
    history = buddy(cfg, *[take(3, flags=HARDER)] * 4)
    assert history.zone().highatomic == reserved
    assert history.blocks[:4] == ("H" * (reserved // 8)).ljust(4, "M")


def test_a_reserve_is_given_up_page_block_by_page_block(buddy):
    """unreserve_highatomic_pageblock(): the last one only by force.

    |  H H:  give up: U H,  give up: no,  by force: U U  |
    """
    cfg = replace(FOUR, blocks=(H, H))
    ops = (Unreserve(0, U, False), Unreserve(0, U, False), Unreserve(0, U, True))
    history = buddy(cfg, ops[0], free="1H 2 | 2H 8")
    assert (history.last, history.free()) == (None, "1U 2 | 2H 8")
    assert (history.blocks, history.zone().highatomic) == ("UHMM", 8)
    assert history.do(ops[1]).last is Errno.ENOENT
    history.do(ops[2])
    assert (history.blocks, history.zone().highatomic) == ("UUMM", 0)
    assert history.do(ops[2]).last is Errno.ENOENT


def test_a_reserve_without_a_free_page_stays(buddy):
    """Only what is free can be found.

    |  H, all of it held:  give up by force: no  |
    """
    cfg = replace(FOUR, blocks=(H,))
    history = buddy(cfg, Unreserve(0, M, True), free="3M 8")
    assert (history.last, history.blocks) == (Errno.ENOENT, "HMMM")


def test_a_reserve_that_the_zone_cuts_short_is_looked_for_further(buddy):
    """Where nothing moved the search goes on; the type is lost all the same.

    |  zone 0-12, H H:  0H 8 moves nothing, 1H 2 does ->  M M  |
    """
    cfg = replace(FOUR, zones=(Span(0, 12),), blocks=(H, H))
    history = buddy(cfg, Unreserve(0, U, True), free="0H 8 | 1H 2")
    assert (history.last, history.free()) == (None, "0H 8 | 1U 2")
    assert (history.blocks, history.zone().highatomic) == ("UU", 0)


def test_a_page_that_was_reserved_once_is_not_counted_twice(buddy):
    """A page freed to the reserve may wait while its page block is given up.

    |  H: 1H 2, 0 prepared:  give up: M,  commit 0, drain: 0H 0,  give up: 0M 0  |
    """
    cfg = replace(FOUR, blocks=(H,), cpus=1, high=4, batch=2)
    ops = (FreePrepare(0), Unreserve(0, M, True), FreeCommit(0, 0), Drain(0, 0, True))
    history = buddy(cfg, *ops, free="1H 2")
    assert (history.free(), history.blocks) == ("0H 0 | 1M 2", "MMMM")
    history.do(Unreserve(0, U, True))
    assert (history.last, history.free()) == (None, "0U 0 | 1U 2")
    assert (history.blocks, history.zone().highatomic) == ("UMMM", 0)


def test_reserved_page_blocks_do_not_merge_with_others(buddy):
    """They would be handed out by the other's list, in real 5.10 they are (a quirk).

    |  H M of 2:  0H 1 | 1M 2  -0 ->  1M 2 | 1H 0;  as shipped  2H 0  |
    """
    cfg = Config(zones=(Span(0, 4),), orders=3, pageblock_order=1, blocks=(H, M))
    history = buddy(cfg, give(0), free="0H 1 | 1M 2")
    assert history.free() == "1M 2 | 1H 0"
    before = buddy(cfg, free="0H 1 | 1M 2").state
    after = give(0).after(replace(cfg, quirks=(MERGES_RESERVED,)), before, DONE)
    assert after.zones[0].free[2][H] == (0,)


# ------------------------------------------------------------------ CMA


def test_movable_requests_are_balanced_between_cma_and_the_rest(buddy):
    """From CMA while more than half of what is free is CMA's.

    |  1M 0 | 3C 8:  8 > 5: 8,  7 > 4: 9,  6 > 4: 10,  ... 3 > 2: 13,  2 = 4 / 2: 0  |
    """
    ops = [take(flags=CMA) for _ in range(10)]
    history = buddy(AREA, *ops, free="1M 0 | 3C 8")
    assert history.values == [8, 9, 10, 11, 12, 13, 0, 14, 1, 15]
    assert history.zone().nr_free_cma == history.zone().nr_free_pages == 0


def test_without_the_flag_cma_is_not_touched(buddy):
    """Neither as a half nor as a last resort.

    |  1M 0 | 3C 8:  take 2 pages: 0 1,  another: none  |
    """
    history = buddy(AREA, *[take()] * 3, free="1M 0 | 3C 8")
    assert history.values == [0, 1, None]
    assert history.do(take(flags=CMA)).last == 8


def test_cma_comes_before_other_types(buddy):
    """A movable request takes from CMA before it takes from unmovable blocks.

    |  2U 0 | 0C 8:  take M with CMA: 8,  again: 0  |
    """
    cfg = replace(AREA, blocks=(U, C))
    history = buddy(cfg, *[take(flags=CMA)] * 2, free="2U 0 | 0C 8")
    assert history.values == [8, 0]


def test_half_of_the_memory_in_pieces_too_small_is_passed_over(buddy):
    """__rmqueue_cma_fallback() finds no block large enough, the own lists have one.

    |  1M 0 | 0C 8 10 12 14:  take M order 1 with CMA: 0  |
    """
    history = buddy(AREA, take(1, flags=CMA), free="1M 0 | 0C 8 10 12 14")
    assert history.last == 0
