"""Blocks of the page allocator, case by case, as mm/page_alloc.c (v5.10) treats them.

A picture is the free lists of a zone, `0M 1 | 1M 2 6` (see conftest.py); `-3` frees
what begins at frame 3.  Every history runs on the specification and on the machine.
"""

import pytest

from mmoracle.spec.buddy.alloc import AllocExact, AllocPages
from mmoracle.spec.buddy.change import (
    COMPOUND,
    DOUBLE_FREE,
    FOREIGN,
    IN_USE,
    NOT_A_HEAD,
    NOT_PREPARED,
    NOT_RESERVED,
    SATURATED,
    WRONG_ORDER,
)
from mmoracle.spec.buddy.free import (
    FreeCommit,
    FreeCore,
    FreePages,
    FreePrepare,
    FreeReserved,
)
from mmoracle.spec.buddy.manage import GetPage, SetPrivate, SplitPage, TakePageOff
from mmoracle.spec.buddy.ops import empty
from mmoracle.spec.buddy.zones import (
    COUNTS_TAKEN,
    DONE,
    KEEPS_PRIVATE,
    Config,
    Locked,
    Span,
)
from mmoracle.spec.linux import MIGRATE_MOVABLE as M
from mmoracle.spec.linux import Errno

REAL = Config(zones=(Span(0, 1024),))  # one block of the largest order
HALVES = "0M 1 | 1M 2 | 2M 4 | 3M 8 | 4M 16 | 5M 32 | 6M 64 | 7M 128 | 8M 256 | 9M 512"


def zone(pages, **fields):
    """Return one zone, whose largest block and page block is all of it."""
    order = (pages - 1).bit_length()
    usual = {"zones": (Span(0, pages),), "orders": order + 1, "pageblock_order": order}
    return Config(**{**usual, **fields})


EIGHT, SIXTEEN = zone(8), zone(16)
PAIR = zone(4, compound=(False, True))


def take(order=0, mt=M, at=0, *, compound=False):
    """Return a request to a zone."""
    return AllocPages(0, at, order, mt, compound=compound)


def give(pfn, order=0):
    """Return a free."""
    return FreePages(0, (pfn, order))


# ------------------------------------------------------------------ splitting


def test_a_page_comes_from_the_start_of_the_largest_block(buddy):
    """The upper half of each order is left over.

    |  10M 0  take a page ->  0M 1 | 1M 2 | 2M 4 | ... | 9M 512  |
    """
    history = buddy(REAL)
    assert history.free() == "10M 0"
    history.do(take())
    assert (history.last, history.free()) == (0, HALVES)
    assert history.events == (Locked(0, 0, M),)
    assert history.zone().nr_free == (*[1] * 10, 0)
    assert history.zone().nr_free_pages == 1023


def test_freeing_the_page_makes_the_largest_block_whole(buddy):
    """Merging goes on from order 0 to order 10.

    |  0M 1 | 1M 2 | ... | 9M 512  -0 ->  10M 0  |
    """
    history = buddy(REAL, take(), give(0))
    assert history.free() == "10M 0"
    assert history.zone().nr_free_pages == 1024


@pytest.mark.parametrize("order", range(11))
def test_a_block_of_each_order_is_the_lower_part(buddy, order):
    """What is left of 2**10 frames after 2**n is one block of each order from n on.

    |  10M 0  take order 8 ->  8M 256 | 9M 512  |
    """
    history = buddy(REAL, take(order))
    left = HALVES.split(" | ")[order:]
    assert (history.last, history.free()) == (0, " | ".join(left))


def test_the_lowest_order_that_is_enough_is_split(buddy):
    """A larger block stays whole while a smaller one will do.

    |  1M 2 | 3M 8  take a page ->  0M 3 | 3M 8  |
    """
    history = buddy(SIXTEEN, take(), free="1M 2 | 3M 8")
    assert (history.last, history.free()) == (2, "0M 3 | 3M 8")


def test_the_first_block_of_a_list_is_taken(buddy):
    """The head is the block that was put there last, hot in the cache.

    |  0M 12 2 8  take a page ->  0M 2 8  |
    """
    history = buddy(SIXTEEN, take(), free="0M 12 2 8")
    assert (history.last, history.free()) == (12, "0M 2 8")


@pytest.mark.parametrize("order", [11, 12])
def test_a_request_above_the_largest_order_fails_at_once(buddy, order):
    """alloc_pages(11) finds nothing, however much is free, and nothing is seen of it.

    |  10M 0  take order 11 ->  none,  10M 0  |
    """
    history = buddy(REAL, take(order))
    assert (history.last, history.events, history.free()) == (None, (), "10M 0")
    assert history.state == buddy(REAL).state


def test_a_request_fails_where_only_fragments_are_free(buddy):
    """Two free pages are no pair.

    |  0M 1 2  take order 1 ->  none  |
    """
    history = buddy(zone(4), take(1), free="0M 1 2")
    assert (history.last, history.free()) == (None, "0M 1 2")
    assert buddy(zone(4), take(2), take()).last is None


# ------------------------------------------------------------------ merging


def test_only_buddies_merge(buddy):
    """Frames 1 and 2 touch, but are no halves of one block.

    |  0M 1  -2 ->  0M 2 1   (3 is held)  |
    """
    history = buddy(zone(4), give(2), free="0M 1")
    assert history.free() == "0M 2 1"


def test_a_buddy_of_another_order_does_not_merge(buddy):
    """The order of a buddy must be equal: half of it is free is not enough.

    |  0M 2  -0 order 1 ->  0M 2 | 1M 0  -3 ->  2M 0  |
    """
    ops = (take(1), take(), take(), give(2), give(0, 1))
    history = buddy(zone(4), *ops)
    assert history.free() == "0M 2 | 1M 0"
    history.do(give(3))
    assert history.free() == "2M 0"


def test_a_freed_block_goes_to_the_head(buddy):
    """What was freed last is handed out next.

    |  0M 6  -0 ->  0M 0 6   (1, 2 and 7 are held)  |
    """
    history = buddy(EIGHT, give(0), free="0M 6")
    assert history.free() == "0M 0 6"
    assert history.do(take()).last == 0


def test_a_freed_block_goes_to_the_tail_when_its_next_merge_is_likely(buddy):
    """Were 5 freed as well, both would merge with 6-8: so 4 is handed out last.

    |  0M 0 | 1M 6  -4 ->  0M 0 4 | 1M 6  |
    """
    history = buddy(EIGHT, give(4), free="0M 0 | 1M 6")
    assert history.free() == "0M 0 4 | 1M 6"


def test_the_two_largest_orders_go_to_the_head(buddy):
    """buddy_merge_likely() says no from MAX_ORDER - 2 on: here from order 3 of 0..4.

    |  2M 32 | 3M 8   -0 order 2 ->  2M 32 0 | 3M 8   |
    |  3M 32 | 4M 16  -0 order 3 ->  3M 0 32 | 4M 16  |
    """
    cfg = zone(64, orders=5, pageblock_order=4)
    history = buddy(cfg, give(0, 2), free="2M 32 | 3M 8", held="2 0")
    assert history.free() == "2M 32 0 | 3M 8"
    history = buddy(cfg, give(0, 3), free="3M 32 | 4M 16", held="3 0")
    assert history.free() == "3M 0 32 | 4M 16"


def test_the_type_of_a_free_is_that_of_its_page_block(buddy):
    """An unmovable request that took a movable block's page frees a movable page.

    |  order 1 at 0, taken as U from a block that stays M:  -0 ->  0M 0  |
    """
    history = buddy(zone(4), give(0), free="1M 2")
    assert history.free() == "0M 0 | 1M 2"


# ------------------------------------------------------------------ borders


def test_buddies_in_two_zones_stay_apart(buddy):
    """page_is_buddy() asks for the zone: a border may cut a block in half.

    |  zones 0-6 and 6-8:  4 order 1 and 6 order 1 are free and apart  |
    """
    cfg = zone(8, zones=(Span(0, 6), Span(6, 8)))
    history = buddy(cfg, take(1, at=1), give(6, 1))
    assert (history.free(0), history.free(1)) == ("1M 4 | 2M 0", "1M 6")
    history = buddy(cfg, take(2))
    assert history.do(give(0, 2)).free(0) == "1M 4 | 2M 0"


def test_the_zone_of_the_joined_block_is_asked_whether_a_merge_is_likely(buddy):
    """buddy_merge_likely() looks from the joined block, whose zone may be another.

    |  zones 0-7 and 7-16:  1M 4 in the first;  0M 9  -7 ->  0M 9 7 in the second  |
    """
    spans = (Span(0, 7), Span(7, 16))
    cfg = zone(16, zones=spans, start=(Span(4, 6), Span(9, 10)))
    history = buddy(cfg, FreeReserved(0, 7))
    assert (history.free(0), history.free(1)) == ("1M 4", "0M 9 7")


def test_alignment_counts_from_frame_zero(buddy):
    """A zone that begins at frame 3 has its first pair at 4.

    |  zone 3-8  ->  0M 3 | 2M 4  |
    """
    assert buddy(zone(8, zones=(Span(3, 8),))).free() == "0M 3 | 2M 4"


def test_nothing_merges_with_a_hole(buddy):
    """A frame that is not there is never free.

    |  zone 0-8 without 2-3:  0M 3 | 1M 0 | 2M 4  |
    """
    cfg = zone(8, holes=(Span(2, 3),), start=(Span(0, 2), Span(3, 8)))
    history = buddy(cfg, take(), give(3))
    assert history.free() == "0M 3 | 1M 0 | 2M 4"
    assert history.zone().managed == 7


# ------------------------------------------------------------------ boot


def test_a_range_is_released_in_the_largest_aligned_blocks(buddy):
    """__free_pages_memory(1, 2048): what is missing at the start costs all orders.

    |  +1-2048 ->  0M 1 | 1M 2 | 2M 4 | ... | 9M 512 | 10M 1024  |
    """
    cfg = Config(zones=(Span(0, 2048),))
    history = buddy(cfg, FreeCore((1, 2048)), state=empty(cfg))
    assert history.free() == f"{HALVES} | 10M 1024"
    assert history.zone().managed == history.zone().nr_free_pages == 2047


def test_the_end_of_a_range_costs_small_blocks_too(buddy):
    """__free_pages_memory(0, 3).

    |  +0-3 ->  0M 2 | 1M 0  |
    """
    history = buddy(REAL, FreeCore((0, 3)), state=empty(REAL))
    assert history.free() == "0M 2 | 1M 0"


def test_boot_frees_to_the_tails(buddy):
    """Memory is handed out in the order in which boot released it.

    |  +0-1 +2-3 +4-5 ->  0M 0 2 4  |
    """
    ops = [FreeCore((pfn, pfn + 1)) for pfn in (0, 2, 4)]
    assert buddy(EIGHT, *ops, state=empty(EIGHT)).free() == "0M 0 2 4"


def test_ranges_that_boot_releases_merge(buddy):
    """The border between two ranges leaves no trace.

    |  +0-3 +3-8 ->  3M 0  |
    """
    ops = (FreeCore((0, 3)), FreeCore((3, 8)))
    assert buddy(EIGHT, *ops, state=empty(EIGHT)).free() == "3M 0"


def test_a_page_that_boot_kept_may_be_freed_later(buddy):
    """free_reserved_page(): the zone manages one frame more.

    |  1M 0  +3 ->  0M 3 | 1M 0   managed 2 -> 3  |
    """
    cfg = zone(4, start=(Span(0, 2),))
    history = buddy(cfg, FreeReserved(0, 3))
    assert (history.free(), history.zone().managed) == ("0M 3 | 1M 0", 3)
    assert history.do(FreeReserved(0, 3)).last == NOT_RESERVED
    assert history.do(FreeCore((2, 4))).last == NOT_RESERVED
    assert history.do(FreeReserved(0, 2)).free() == "2M 0"


# ------------------------------------------------------------------ references


def test_a_block_with_another_reference_loses_its_tail_only(buddy):
    """__free_pages() of a block whose first page somebody keeps: 4 to 7, 2 3, then 1.

    |  3M 0 taken, get 0, -0 order 3 ->  0M 1 | 1M 2 | 2M 4,  page 0 is held  |
    """
    history = buddy(EIGHT, take(3), GetPage(0), give(0, 3))
    assert history.free() == "0M 1 | 1M 2 | 2M 4"
    assert history.held == [(0, 0)]
    assert history.do(give(0, 3)).last == WRONG_ORDER
    assert history.do(give(0)).free() == "3M 0"


def test_the_largest_part_of_a_tail_is_freed_first(buddy):
    """So 12-16 is free when 10-12 is freed, whose next merge is likely then.

    |  order 3 at 8, got:  1M 0  -8 ->  1M 0 10 | 2M 12,  page 9 waits in the pageset  |
    """
    cfg = zone(16, cpus=1, high=4, batch=1)
    history = buddy(cfg, GetPage(8), give(8, 3), free="1M 0", held="3 8")
    assert (history.free(), history.waiting()) == ("1M 0 10 | 2M 12", "M 9")


def test_a_compound_block_goes_as_a_whole(buddy):
    """The references of all its pages are those of its head.

    |  2M 0 taken, get 0, -0 ->  nothing is free,  -0 ->  2M 0  |
    """
    history = buddy(PAIR, take(2, compound=True), GetPage(0), give(0, 2))
    assert (history.free(), history.held) == ("", [(0, 2)])
    assert history.do(give(0, 2)).free() == "2M 0"


def test_a_single_page_with_another_reference_stays(buddy):
    """There is no tail; and a single page is no compound one.

    |  0M 1 | 1M 2  get 0, -0 ->  the same,  -0 ->  2M 0  |
    """
    history = buddy(PAIR, take(compound=True), GetPage(0), give(0))
    assert (history.free(), history.held) == ("0M 1 | 1M 2", [(0, 0)])
    assert history.do(give(0)).free() == "2M 0"


def test_as_many_references_as_there_is_room_for(buddy):
    """The model bounds them; the kernel's own bound is that of an int.

    |  get 0  get 0:  no room  |
    """
    history = buddy(PAIR, take(), GetPage(0), GetPage(0))
    assert history.values == [0, None, SATURATED]


# ------------------------------------------------------------------ parts of blocks


@pytest.mark.parametrize(
    ("pages", "held", "free"),
    [
        (1, 1, "0M 1 | 1M 2 | 2M 4"),
        (3, 3, "0M 3 | 2M 4"),
        (4, 4, "2M 4"),
        (5, 5, "0M 5 | 1M 6"),
        (7, 7, "0M 7"),
    ],
)
def test_an_exact_request_gives_back_what_is_too_much(buddy, pages, held, free):
    """alloc_pages_exact(): single pages, as many as were asked for.

    |  3M 0  take 5 pages ->  0M 5 | 1M 6,  0 to 4 are held one by one  |
    """
    history = buddy(EIGHT, AllocExact(0, 0, pages, M))
    assert (history.last, history.free()) == (0, free)
    assert history.held == [(pfn, 0) for pfn in range(held)]


def test_what_is_too_much_goes_by_way_of_the_pageset(buddy):
    """The pages are freed from the lowest on, so the highest is the head.

    |  take 5 of 8 pages ->  pageset  M 7 6 5  |
    """
    cfg = zone(8, cpus=1, high=6, batch=1)
    history = buddy(cfg, AllocExact(0, 0, 5, M))
    assert (history.free(), history.waiting()) == ("", "M 7 6 5")


def test_an_exact_request_that_finds_nothing_leaves_all_as_it_is(buddy):
    """Three pages need a block of four.

    |  0M 0 | 1M 2  take 3 pages ->  none  |
    """
    history = buddy(zone(4), AllocExact(0, 0, 3, M), free="0M 0 | 1M 2")
    assert (history.last, history.free()) == (None, "0M 0 | 1M 2")


def test_a_split_block_is_freed_page_by_page(buddy):
    """split_page(): each page has a reference of its own.

    |  2M 0 taken and split:  -2 ->  0M 2,  -3 ->  1M 2,  -0 order 2: wrong order  |
    """
    history = buddy(zone(4), take(2), SplitPage(0), give(2))
    assert history.free() == "0M 2"
    assert history.do(give(3)).free() == "1M 2"
    assert history.do(give(0, 2)).last == WRONG_ORDER
    assert history.held == [(0, 0), (1, 0)]


def test_a_split_leaves_the_other_references_at_the_first_page(buddy):
    """Only the tail pages get a reference.

    |  order 1 at 0, got twice, split:  -1 ->  0M 1,  -0 -0 ->  0M 1 | 1M 2 merges  |
    """
    history = buddy(PAIR, take(1), GetPage(0), SplitPage(0))
    assert [h.refs for h in history.state.held] == [2, 1]
    assert history.do(give(1), give(0)).free() == "0M 1 | 1M 2"
    assert history.do(give(0)).free() == "2M 0"


def test_a_compound_block_is_not_split(buddy):
    """split_page() insists on it.

    |  2M 0 taken as a compound block:  split 0:  a bug  |
    """
    history = buddy(PAIR, take(2, compound=True), SplitPage(0))
    assert history.last == COMPOUND


# ------------------------------------------------------------------ mistakes


@pytest.mark.parametrize("op", [lambda p, o: give(p, o), GetPage, SplitPage])
def test_no_mistake_of_a_caller_changes_anything(buddy, op):
    """A double free, a wrong order, a page inside a block, a frame of nobody's.

    |  0-2 held, zone 0-8 without 4, 5 and 7 reserved  |
    """
    cfg = zone(8, holes=(Span(4, 5),), start=(Span(0, 4), Span(6, 7)))
    pfns = (2, 1, 4, 5, 7, 8, 99)
    ops = [op(pfn, 0) if op not in (GetPage, SplitPage) else op(pfn) for pfn in pfns]
    history = buddy(cfg, take(1), *ops)
    why = [DOUBLE_FREE, NOT_A_HEAD, *[FOREIGN] * 5]
    assert history.values == [0, *why]
    assert history.state == buddy(cfg, take(1)).state


def test_the_order_of_a_free_must_be_that_of_the_request(buddy):
    """Both too small and too large an order would free what is not the caller's.

    |  order 1 at 0:  -0 order 0: wrong order,  -0 order 2: wrong order  |
    """
    history = buddy(EIGHT, take(1), give(0, 0), give(0, 2), give(0, 1), give(0, 1))
    assert history.values == [0, WRONG_ORDER, WRONG_ORDER, None, DOUBLE_FREE]
    assert history.free() == "3M 0"


def test_a_page_is_prepared_once_and_then_committed(buddy):
    """Between the two halves of a list free the page is nobody's.

    |  prepare 0, prepare 0: double free, -0: double free, commit 0, commit 0: a bug  |
    """
    cfg = zone(4, cpus=1, high=4, batch=1)
    ops = (FreePrepare(0), FreePrepare(0), give(0), FreeCommit(0, 0), FreeCommit(0, 0))
    history = buddy(cfg, take(), *ops)
    assert history.values == [0, None, DOUBLE_FREE, DOUBLE_FREE, None, NOT_PREPARED]
    assert history.waiting() == "M 0"
    history = buddy(cfg, take(), GetPage(0), FreePrepare(0))
    assert history.last == IN_USE
    history = buddy(cfg, take(1), FreePrepare(0))
    assert history.last == WRONG_ORDER


# ------------------------------------------------------------------ guards


def test_what_is_split_off_below_the_guard_order_is_nobodys(buddy):
    """debug_guardpage_minorder: the page beside is neither free nor counted.

    |  2M 0, guards below order 1: take a page ->  guard 1, 1M 2,  2 pages free  |
    """
    history = buddy(zone(4, guard_minorder=1), take())
    assert (history.free(), history.state.guards) == ("1M 2", ((1, 0),))
    assert history.zone().nr_free_pages == 2
    assert history.do(take(1), take()).last is None


def test_a_freed_block_merges_with_its_guard(buddy):
    """clear_page_guard() counts it again.

    |  guard 1, 1M 2  -0 ->  2M 0,  4 pages free  |
    """
    history = buddy(zone(4, guard_minorder=1), take(), give(0))
    assert (history.free(), history.state.guards) == ("2M 0", ())
    assert history.zone().nr_free_pages == 4


def test_a_guard_makes_a_merge_likely_as_a_free_block_does(buddy):
    """page_is_buddy() takes guards for buddies.

    |  guards 2-4, 0-2 held page by page, 0M 6:  -0 ->  0M 6 0  |
    """
    cfg = zone(8, guard_minorder=2)
    ops = (take(1), SplitPage(0), give(0))
    history = buddy(cfg, *ops)
    assert history.state.guards == ((2, 1),)
    history.do(take(2), SplitPage(4), give(6), give(0))
    assert history.free() == "0M 6 0"


# ------------------------------------------------------------------ bad frames


def test_a_bad_frame_is_cut_out_of_its_block(buddy):
    """take_page_off_buddy(): the parts around it go to the heads.

    |  0M 10 | 1M 12 | 3M 0  5 is bad ->  0M 4 10 | 1M 6 12 | 2M 0  |
    """
    history = buddy(SIXTEEN, TakePageOff(5), free="0M 10 | 1M 12 | 3M 0")
    assert history.free() == "0M 4 10 | 1M 6 12 | 2M 0"
    assert history.state.taken == (5,)
    assert history.zone().nr_free_pages == 10


def test_a_bad_frame_never_comes_back(buddy):
    """Its neighbours merge as far as they can without it.

    |  3M 0  5 is bad, take 4, -4 ->  0M 4 | 1M 6 | 2M 0  |
    """
    history = buddy(EIGHT, TakePageOff(5), take())
    assert history.last == 4
    history.do(give(4), take(2), give(0, 2), TakePageOff(5), give(5))
    assert history.free() == "0M 4 | 1M 6 | 2M 0"
    assert history.values[-2:] == [Errno.EBUSY, DOUBLE_FREE]


def test_only_what_is_free_can_be_taken_off(buddy):
    """A held page is busy, and so is one in a pageset; a hole is no frame.

    |  0 held, 1 in a pageset, 4 behind the zone  |
    """
    cfg = zone(4, cpus=1, high=4, batch=2)
    ops = [TakePageOff(pfn) for pfn in (0, 1, 4)]
    history = buddy(cfg, take(), *ops)
    assert history.values == [0, Errno.EBUSY, Errno.EBUSY, FOREIGN]


def test_a_part_that_is_split_off_a_bad_frame_may_be_a_guard(buddy):
    """break_down_buddy_pages() asks set_page_guard() first.

    |  2M 0, guards below order 1: 1 is bad ->  guard 0, 1M 2  |
    """
    history = buddy(zone(4, guard_minorder=1), TakePageOff(1))
    assert (history.free(), history.state.guards) == ("1M 2", ((0, 0),))
    assert history.zone().nr_free_pages == 2


# ------------------------------------------------------------------ quirks of 5.10


def test_real_kernels_count_a_bad_frame_as_free(buddy):
    """v5.10 forgot NR_FREE_PAGES (a quirk); later stable releases do not.

    |  2M 0  1 is bad ->  0M 0 | 1M 2,  4 pages are said to be free  |
    """
    op = TakePageOff(1)
    after = op.after(zone(4, quirks=(COUNTS_TAKEN,)), buddy(zone(4)).state, DONE)
    assert after.zones[0].nr_free_pages == 4
    assert op.after(zone(4), buddy(zone(4)).state, DONE).zones[0].nr_free_pages == 3


def test_real_kernels_keep_the_private_word_of_tail_pages(buddy):
    """Freeing does not clear page->private, and only the head is cleared later.

    |  order 1 at 0, private of 1 set:  -0, take order 1:  7 is still there (a quirk)  |
    """
    ops = (take(1), SetPrivate(0), give(0, 1))
    fixed = buddy(zone(4), *ops)
    assert fixed.state.private == ()
    real = buddy(zone(4, quirks=(KEEPS_PRIVATE,)), *ops)
    assert real.state.private == ((1, 7),)


def test_an_order_takes_the_place_of_a_private_word(buddy):
    """page->private of the first page of a free block is its order.

    |  page 0 with a word in private:  -0, take 0 ->  no word  |
    """
    cfg = zone(4, quirks=(KEEPS_PRIVATE,))
    history = buddy(cfg, take(), SetPrivate(0))
    assert history.state.private == ((0, 7),)
    assert history.do(give(0)).state.private == ()
    assert buddy(zone(4), SetPrivate(0)).last == DOUBLE_FREE
