"""Isolated page blocks, case by case, as mm/page_isolation.c (v5.10) treats them.

A picture is the free lists of a zone, `1I 0 | 1M 2 6`, page blocks are 8 frames (see
conftest.py).  Every history runs on the specification and on the machine at once.
"""

from dataclasses import replace

import pytest

from mmoracle.spec.buddy.alloc import AllocPages
from mmoracle.spec.buddy.free import FreePages
from mmoracle.spec.buddy.manage import Drain, GetPage, Isolate, SplitPage, Unisolate
from mmoracle.spec.buddy.zones import Config, Drained, Span
from mmoracle.spec.linux import MIGRATE_HIGHATOMIC as H
from mmoracle.spec.linux import MIGRATE_MOVABLE as M
from mmoracle.spec.linux import MIGRATE_UNMOVABLE as U
from mmoracle.spec.linux import Errno

FOUR = Config(zones=(Span(0, 32),), orders=6, pageblock_order=3)


def take(order=0, mt=M, cpu=0):
    """Return a request."""
    return AllocPages(cpu, 0, order, mt)


def give(pfn, order=0):
    """Return a free."""
    return FreePages(0, (pfn, order))


def test_what_is_free_in_an_isolated_page_block_is_not_handed_out(buddy):
    """It is moved to lists that nobody takes from, and is not counted.

    |  2M 0 | 3M 8 of page blocks of 8:  isolate 0 ->  2I 0 | 3M 8,  8 pages free  |
    """
    ops = (Isolate(0), take(3), take())
    history = buddy(FOUR, *ops, free="2M 0 | 3M 8", movable=range(8))
    assert history.values == [None, 8, None]
    assert (history.free(), history.zone().nr_free_pages) == ("2I 0", 0)


def test_pages_that_wait_are_drained(buddy):
    """So that those of the page block reach its isolated lists.

    |  pagesets M 2 9:  isolate 0 ->  0M 9 | 0I 2  |
    """
    cfg = replace(FOUR, cpus=1, high=4, batch=2)
    history = buddy(cfg, Isolate(0), free="", waiting="M 2 9", movable=range(8))
    assert history.events == (Drained(9, M), Drained(2, cfg.isolate))
    assert (history.free(), history.waiting()) == ("0M 9 | 0I 2", "")


@pytest.mark.parametrize(
    ("fields", "laid"),
    [
        ({}, {"movable": range(1, 8)}),  # page 0 is unmovable
        ({}, {"held": "2 4", "movable": range(4)}),
        ({"start": (Span(4, 32),), "holes": (Span(3, 4),)}, {"movable": range(8)}),
        ({"blocks": (H + 1,), "has_cma": True}, {"movable": range(8)}),
    ],
    ids=["unmovable", "block", "hole", "cma"],
)
def test_a_page_block_with_pages_that_stay_is_not_isolated(buddy, fields, laid):
    """has_unmovable_pages(): one frame that cannot be moved away is enough.

    |  page 0 is of an unmovable request:  isolate 0 ->  EBUSY  |
    """
    history = buddy(replace(FOUR, **fields), Isolate(0), free="3M 8", **laid)
    assert (history.last, history.zone().nr_isolate) == (Errno.EBUSY, 0)


def test_only_one_can_isolate_a_page_block(buddy):
    """The second is told so; and to end what is not is no error.

    |  isolate 0, isolate 0: EBUSY, end, end  |
    """
    ops = (Isolate(0), Isolate(0), Unisolate(0, M), Unisolate(0, M))
    history = buddy(FOUR, *ops, free="3M 0")
    assert history.values == [None, Errno.EBUSY, None, None]
    assert (history.free(), history.zone().nr_isolate) == ("3M 0", 0)


def test_a_free_page_block_does_not_merge_with_an_isolated_one(buddy):
    """Above pageblock_order only, as below both are in one page block.

    |  0-8 isolated, 8-16 held:  -8 order 3 ->  3M 8 beside 3I 0  |
    """
    laid = {"held": "2 0 4 | 3 8", "movable": range(16)}
    ops = (Isolate(0), give(0, 2), give(4, 2), give(8, 3))
    history = buddy(FOUR, *ops, free="", **laid)
    assert history.free() == "3M 8 | 3I 0"
    assert history.zone().nr_free_pages == 8


def test_an_isolated_page_block_does_not_merge_with_a_free_one(buddy):
    """Nor the other way round.

    |  3M 8, 0-8 isolated and held:  -0 order 3 ->  3I 0 | 3M 8  |
    """
    laid = {"held": "3 0", "movable": range(8)}
    history = buddy(FOUR, Isolate(0), give(0, 3), free="3M 8", **laid)
    assert history.free() == "3M 8 | 3I 0"


def test_other_types_merge_while_something_is_isolated(buddy):
    """Only a border of an isolated page block keeps buddies apart.

    |  0-8 isolated, 3U 16, 24-32 M:  -24 order 3 ->  4M 16  |
    """
    cfg = replace(FOUR, blocks=(M, M, U))
    laid = {"held": "3 24", "movable": range(32)}
    history = buddy(cfg, Isolate(0), give(24, 3), free="3U 16", **laid)
    assert history.free() == "4M 16"


def test_the_end_of_isolation_merges_what_was_kept_apart(buddy):
    """A whole page block is taken off and freed again, to the tail.

    |  3I 0 | 3M 8 24  end of 0 ->  3M 24 | 4M 0  |
    """
    ops = (Isolate(0), give(8, 3), Unisolate(0, M))
    history = buddy(FOUR, *ops, free="3M 0 24", held="3 8", movable=range(32))
    assert history.free() == "3M 24 | 4M 0"
    assert (history.blocks, history.zone().nr_isolate) == ("MMMM", 0)
    assert history.zone().nr_free_pages == 24


def test_the_end_of_isolation_puts_what_cannot_merge_back(buddy):
    """Where the buddy is not free, the block is at the tail of its list.

    |  3I 0, 8-16 held, 3M 24  end of 0 ->  3M 24 0  |
    """
    ops = (Isolate(0), Unisolate(0, M))
    assert buddy(FOUR, *ops, free="3M 0 24").free() == "3M 24 0"


def test_smaller_free_blocks_are_moved_back(buddy):
    """They are merged as far as they can be, and counted again.

    |  1I 2 | 2I 4  end of 0 as U ->  1U 2 | 2U 4,  U  |
    """
    ops = (Isolate(0), Unisolate(0, U))
    history = buddy(FOUR, *ops, free="1M 2 | 2M 4", movable=range(8))
    assert (history.free(), history.blocks) == ("1U 2 | 2U 4", "UMMM")
    assert history.zone().nr_free_pages == 6


def test_page_blocks_that_end_isolation_together_stay_apart(buddy):
    """The buddy is isolated still when the first ends, so it is moved only.

    |  3I 0 8  end of 0, end of 8 ->  4M 0  |
    """
    laid = {"held": "3 0 8", "movable": range(16)}
    ops = (Isolate(0), Isolate(8), give(0, 3), Unisolate(0, M), give(8, 3))
    history = buddy(FOUR, *ops, free="", **laid)
    assert history.free() == "3M 0 | 3I 8"
    assert history.do(Unisolate(8, M)).free() == "4M 0"


def test_page_blocks_of_one_block_take_a_type_each(buddy):
    """__isolate_free_page() makes the other page blocks movable ones.

    |  4I 16 of two page blocks U U, 16 is ended last and merges ->  M  |
    """
    cfg = replace(FOUR, blocks=(M, M, U, U))
    ops = (Isolate(16), Unisolate(16, U))
    history = buddy(cfg, *ops, free="4U 16", movable=range(16))
    assert (history.free(), history.blocks) == ("4U 16", "MMUM")


def test_a_block_beside_an_isolated_one_is_moved_as_it_is(buddy):
    """It cannot merge yet, so its other page blocks keep their types.

    |  0-8 isolated, 4I 16 of two page blocks U U, 16 is ended as U ->  U U  |
    """
    cfg = replace(FOUR, blocks=(M, M, U, U))
    ops = (Isolate(0), Isolate(16), Unisolate(16, U))
    history = buddy(cfg, *ops, free="4U 16", movable=range(16))
    assert (history.free(), history.blocks) == ("4U 16", "IMUU")


def test_the_tail_of_a_block_that_is_not_compound_is_no_obstacle(buddy):
    """Its pages have no references, so they look free; of a compound block they do not.

    |  order 4 at 0:  isolate 8 ->  done;  as a compound block: EBUSY  |
    """
    block = AllocPages(0, 0, 4, U, compound=True)
    assert buddy(FOUR, block, Isolate(8), free="4M 0").last is Errno.EBUSY
    assert buddy(FOUR, take(4, U), Isolate(8), free="4M 0").last is None
    ops = (take(4, U), SplitPage(0), GetPage(8), Isolate(8))
    assert buddy(FOUR, *ops, free="4M 0").last is Errno.EBUSY


def test_a_pageset_filled_before_isolation_is_empty_after(buddy):
    """drain_all_pages() reaches every cpu.

    |  cpu 0 and cpu 1 hold pages:  isolate 0 ->  none does  |
    """
    cfg = replace(FOUR, cpus=2, high=9, batch=3)
    ops = (take(), take(cpu=1), Isolate(0), Drain(1, 0, True))
    history = buddy(cfg, *ops)
    assert (history.waiting(0), history.waiting(1), history.events) == ("", "", ())
    assert history.held == [(0, 0), (3, 0)]
