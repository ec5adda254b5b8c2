"""Per-cpu pagesets, case by case, as mm/page_alloc.c (v5.10) treats them.

A picture of a pageset is `U 7 | M 3 4`, heads first; of free lists `0M 1 | 1M 2` (see
conftest.py).  Every history runs on the specification and on the machine at once.
"""

from dataclasses import replace

import pytest

from mmoracle.impl.buddy import pcp as machine
from mmoracle.spec.buddy import pcp
from mmoracle.spec.buddy.alloc import AllocPages
from mmoracle.spec.buddy.free import FreeCommit, FreePages, FreePrepare
from mmoracle.spec.buddy.manage import Drain, Isolate, SetupPagesets, Unisolate
from mmoracle.spec.buddy.zones import Config, Drained, Locked, Span
from mmoracle.spec.linux import MIGRATE_HIGHATOMIC as H
from mmoracle.spec.linux import MIGRATE_MOVABLE as M
from mmoracle.spec.linux import MIGRATE_RECLAIMABLE as R
from mmoracle.spec.linux import MIGRATE_UNMOVABLE as U
from mmoracle.spec.linux import AllocFlags

C, CMA = H + 1, AllocFlags.CMA
SETS = Config(zones=(Span(0, 16),), orders=5, pageblock_order=4, cpus=1)
SETS = replace(SETS, high=4, batch=2)
BOOT = replace(SETS, booted=False)
AREA = replace(  # frames 8 to 16 are CMA's
    SETS,
    orders=4,
    pageblock_order=3,
    start=(Span(0, 8), Span(8, 16)),
    blocks=(M, C),
    has_cma=True,
)
ISOLATED = replace(SETS, orders=4, pageblock_order=3)


def take(order=0, mt=M, flags=AllocFlags.NONE, cpu=0):
    """Return a request to the first zone."""
    return AllocPages(cpu, 0, order, mt, flags)


def give(pfn, order=0, cpu=0):
    """Return a free."""
    return FreePages(cpu, (pfn, order))


# ------------------------------------------------------------------ sizes


@pytest.mark.parametrize(
    ("managed", "batch", "high"),
    [
        (1, 0, 0),
        (4096, 0, 0),
        (8191, 0, 0),
        (8192, 1, 6),
        (12288, 3, 18),
        (16384, 3, 18),
        (24576, 7, 42),
        (32768, 7, 42),
        (65536, 15, 90),
        (131072, 31, 186),
        (262144, 63, 378),
        (1 << 24, 63, 378),
    ],
)
def test_a_pageset_grows_with_its_zone_up_to_a_point(managed, batch, high):
    """zone_batchsize() is 2**n - 1, and the high mark six times that.

    |  zone of 32 MiB: 1, 6    of 128 MiB: 7, 42    from 1 GiB on: 63, 378  |
    """
    assert pcp.zone_batchsize(managed) == batch
    assert machine.zone_batchsize(managed) == batch
    real = pcp.real_pageset(Config(), managed)
    assert (real.high, real.batch) == (high, max(1, batch))


def test_real_pagesets_replace_those_of_boot(buddy):
    """setup_per_cpu_pageset() sets high and batch by the size of each zone.

    |  zones of 16384 and 4096 frames:  high 18, batch 3  and  high 0, batch 1  |
    """
    zones = (Span(0, 16384), Span(16384, 20480))
    cfg = Config(zones=zones, cpus=2, booted=False)
    history = buddy(cfg)
    marks = lambda: [(p.high, p.batch) for z in history.state.zones for p in z.pagesets]
    assert marks() == [(0, 1)] * 4
    history.do(SetupPagesets())
    assert marks() == [(18, 3)] * 2 + [(0, 1)] * 2


def test_a_boot_pageset_keeps_nothing(buddy):
    """With high 0 and batch 1 each free drains the page that came, each request one.

    |  4M 0  take a page, -0 ->  4M 0,  and nothing waits  |
    """
    history = buddy(BOOT, take())
    assert (history.events, history.waiting()) == ((Locked(0, 0, M),), "")
    history.do(give(0))
    assert history.events == (Drained(0, M),)
    assert (history.free(), history.waiting()) == ("4M 0", "")


# ------------------------------------------------------------------ draining

U1, U2, U3, U4, M1, M2, M3, R1, R2, R3 = range(1, 20, 2)
FULL = {"U": [U1, U2, U3, U4], "M": [M1, M2, M3], "R": [R1, R2, R3]}


@pytest.mark.parametrize(
    ("lengths", "pages", "left"),
    [
        ((3, 3, 3), 7, [M3, R3, U3, M2, R2, U2, M1]),
        ((4, 1, 3), 8, [M1, R3, U4, R2, R1, U3, U2, U1]),
        ((2, 0, 3), 4, [R3, R2, U2, R1]),
        ((3, 0, 0), 2, [U3, U2]),
        ((0, 3, 0), 3, [M3, M2, M1]),
        ((0, 0, 1), 9, [R1]),
        ((0, 0, 0), 4, []),
    ],
)
def test_pages_leave_from_the_tails_of_the_lists_in_turn(buddy, lengths, pages, left):
    """free_pcppages_bulk(): movable first; a list met after n empty ones gives n more.

    |  U u1 u2 u3 | M m1 m2 m3 | R r1 r2 r3   7 leave:  m3 r3 u3 m2 r2 u2 m1  |
    """
    lists = [line[:n] for line, n in zip(FULL.values(), lengths, strict=True)]
    drawn = " | ".join(
        f"{name} {' '.join(map(str, line))}"
        for name, line in zip("UMR", lists, strict=True)
    )
    cfg = replace(SETS, zones=(Span(0, 20),), orders=3, pageblock_order=2)
    cfg = replace(cfg, high=99, batch=pages)
    history = buddy(cfg, Drain(0, 0, False), free="", waiting=drawn)
    assert [each.pfn for each in history.events] == left
    assert history.zone().nr_free_pages == len(left)
    for side in (pcp, machine):
        order = side.round_robin(list(lengths), min(pages, sum(lengths)))
        assert [order.count(mt) for mt in (U, M, R)] == [
            len([pfn for pfn in left if pfn in line]) for line in FULL.values()
        ]


def test_a_list_that_runs_empty_leaves_its_turns_to_the_next(buddy):
    """What is left of n when a list runs empty is carried over.

    |  U u1 u2 | M m1 | R r1 r2 r3   all leave:  m1 r3 u2 r2 r1 u1  |
    """
    waiting = "U 1 3 | M 5 | R 7 9 11"
    history = buddy(SETS, Drain(0, 0, True), free="", waiting=waiting)
    assert [each.pfn for each in history.events] == [5, 11, 3, 9, 7, 1]
    assert history.waiting() == ""


def test_a_drain_takes_at_most_a_batch_where_asked(buddy):
    """drain_zone_pages() takes min(count, batch), drain_pages_zone() all.

    |  M 1 3 5, batch 2:  5 and 3 leave, then 1  |
    """
    history = buddy(SETS, Drain(0, 0, False), free="", waiting="M 1 3 5")
    assert history.waiting() == "M 1"
    assert history.do(Drain(0, 0, False)).waiting() == ""
    assert history.do(Drain(0, 0, True)).events == ()


def test_a_cpu_drains_its_own_pageset(buddy):
    """Pages wait on the cpu that freed them, not on the one that took them.

    |  cpu 0: M 1   cpu 1: M 0   drain cpu 1 ->  0M 0   cpu 0: M 1  |
    """
    cfg = replace(SETS, zones=(Span(0, 2),), orders=2, pageblock_order=1, cpus=2)
    history = buddy(cfg, take(cpu=0), give(0, cpu=1))
    assert (history.waiting(0), history.waiting(1)) == ("M 1", "M 0")
    history.do(Drain(1, 0, True))
    assert (history.free(), history.waiting(0)) == ("0M 0", "M 1")
    assert history.do(take(cpu=1)).last == 0


# ------------------------------------------------------------------ freeing


def test_a_freed_page_is_the_next_to_be_handed_out(buddy):
    """It goes to the head of the list, hot in the cache.

    |  M 1, 0 held:  -0 ->  M 0 1  |
    """
    history = buddy(SETS, take(), give(0))
    assert history.waiting() == "M 0 1"
    assert history.do(take()).last == 0


def test_at_the_high_mark_a_batch_leaves(buddy):
    """So a pageset never holds as many as its mark after a free.

    |  M 2 1 0, high 4, batch 2:  -3 ->  M 3 2   0M 0 1 merge to 1M 0  |
    """
    history = buddy(SETS, give(3), free="", waiting="M 2 1 0")
    assert history.events == (Drained(0, M), Drained(1, M))
    assert (history.waiting(), history.free()) == ("M 3 2", "1M 0")


def test_the_mark_is_of_all_lists_together(buddy):
    """Pages of one type can push those of another out.

    |  U 1 3 | R 5, high 4:  -7 ->  U 1 3   (7 and 5 left)  |
    """
    history = buddy(SETS, give(7), free="", waiting="U 1 3 | R 5")
    assert history.events == (Drained(7, M), Drained(5, R))
    assert history.waiting() == "U 1 3"


def test_pages_that_wait_do_not_merge(buddy):
    """They are not in NR_FREE_PAGES, and a large request fails until they are drained.

    |  0 and 1 wait:  take order 4: none   drain:  4M 0  take order 4: 0  |
    """
    history = buddy(SETS, take(), give(0), take(4))
    assert (history.last, history.zone().nr_free_pages) == (None, 14)
    history.do(Drain(0, 0, True))
    assert history.free() == "4M 0"
    assert history.do(take(4)).last == 0


def test_larger_blocks_do_not_wait(buddy):
    """Only single pages have pagesets.

    |  order 1 at 0:  -0 ->  4M 0  |
    """
    history = buddy(SETS, take(1), give(0, 1))
    assert (history.free(), history.waiting()) == ("4M 0", "")


def test_a_page_goes_back_as_the_type_it_was_freed_with(buddy):
    """The type of its page block may be another one by then.

    |  two page blocks M M: 0 waits as M, a U request takes the block, drain ->  0M 0  |
    """
    cfg = replace(SETS, zones=(Span(0, 4),), orders=2, pageblock_order=1, high=9)
    cfg = replace(cfg, batch=1)
    history = buddy(cfg, take(), give(0), take(mt=U))
    assert (history.free(), history.blocks) == ("0U 3 | 0M 1", "MU")
    history.do(give(2), take(mt=U), take(mt=U), take(mt=U))
    assert history.free() == ""


def test_the_type_is_read_when_a_list_is_prepared(buddy):
    """free_unref_page_list() reads all types first, then puts the pages on lists.

    |  0 held in a U block:  prepare 0, the block becomes M, commit 0 ->  U 0  |
    """
    cfg = replace(SETS, orders=3, pageblock_order=2, blocks=(U,))
    ops = (FreePrepare(0), take(1, R), FreeCommit(0, 0))
    history = buddy(cfg, *ops, free="1U 2")
    assert (history.blocks[0], history.waiting()) == ("R", "U 0")
    assert history.do(Drain(0, 0, True)).events == (Drained(0, U),)
    assert history.free() == "0U 0"


@pytest.mark.parametrize(("blocks", "name"), [((H,), "H"), ((C,), "C")])
def test_special_pages_wait_as_movable_ones(buddy, blocks, name):
    """A high-atomic or CMA page keeps its type while it waits on the movable list.

    |  page block H:  -0 ->  M 0   drain:  0H 0  |
    """
    cfg = replace(AREA, blocks=blocks)
    history = buddy(cfg, give(0), free="")
    assert history.waiting() == "M 0"
    assert history.do(Drain(0, 0, True)).free() == f"0{name} 0"


def test_an_isolated_page_does_not_wait(buddy):
    """It goes to the zone at once, where nobody takes it from.

    |  page block isolated, 1 held by a movable request:  -1 ->  0I 1  |
    """
    ops = (Isolate(0), give(1))
    history = buddy(ISOLATED, *ops, free="3M 8", movable=range(8))
    assert (history.free(), history.waiting()) == ("0I 1 | 3M 8", "")
    assert history.zone().nr_free_pages == 8


def test_under_isolation_a_page_goes_back_as_its_page_block(buddy):
    """free_pcppages_bulk() reads the type again where the zone has isolated blocks.

    |  prepare 1 as M, isolate 0-8, commit 1: waits as M,  drain ->  0I 1  |
    """
    ops = (FreePrepare(1), Isolate(0), FreeCommit(0, 1))
    history = buddy(ISOLATED, *ops, free="3M 8", movable=range(8))
    assert history.waiting() == "M 1"
    assert history.do(Drain(0, 0, True)).events == (Drained(1, ISOLATED.isolate),)
    assert history.free() == "0I 1 | 3M 8"


def test_a_page_that_was_prepared_under_isolation_is_read_again(buddy):
    """free_one_page() asks for the type of an isolated page once more.

    |  isolate 0-8, prepare 1 as I, end of isolation, commit 1 ->  0M 1  |
    """
    ops = (Isolate(0), FreePrepare(1), Unisolate(0, M), FreeCommit(0, 1))
    history = buddy(ISOLATED, *ops, free="3M 8", movable=range(8))
    assert (history.free(), history.waiting()) == ("0M 1 | 3M 8", "")
    assert history.zone().nr_free_pages == 9


# ------------------------------------------------------------------ filling


def test_an_empty_list_is_filled_with_a_batch(buddy):
    """rmqueue_bulk(): the pages wait in the order in which they were taken.

    |  4M 0, batch 4:  take a page: 0 ->  M 1 2 3 | free 2M 4 | 3M 8  |
    """
    history = buddy(replace(SETS, batch=4), take())
    assert (history.last, history.waiting()) == (0, "M 1 2 3")
    assert history.events == tuple(Locked(pfn, 0, M) for pfn in range(4))
    assert (history.free(), history.zone().nr_free_pages) == ("2M 4 | 3M 8", 12)
    assert [history.do(take()).last for _ in range(3)] == [1, 2, 3]


def test_a_batch_may_be_short(buddy):
    """Filling stops at the first page that the zone does not have.

    |  0M 5, batch 4:  take a page: 5,  another one: none  |
    """
    cfg = replace(SETS, batch=4)
    history = buddy(cfg, take(), take(), free="0M 5")
    assert history.values == [5, None]
    assert history.zone().nr_free_pages == 0


def test_only_the_list_asked_for_is_filled(buddy):
    """A page that waits as another type is no help, however few are free.

    |  M 3 waits, nothing is free:  take U: none,  take M: 3  |
    """
    history = buddy(SETS, take(mt=U), take(), free="", waiting="M 3")
    assert history.values == [None, 3]


def test_a_movable_request_that_may_not_use_cma_goes_past_the_pageset(buddy):
    """Pages of CMA may wait on the movable list; the request must not get one.

    |  CMA page 8 waits as M:  take M without ALLOC_CMA: 0,  with it: 8  |
    """
    history = buddy(AREA, give(8), take(), free="3M 0")
    assert (history.last, history.waiting()) == (0, "M 8")
    assert history.do(take(flags=CMA)).last == 8
    assert history.do(take(mt=U)).waiting() == "U 2"


def test_pages_of_cma_are_counted_out_one_by_one(buddy):
    """NR_FREE_PAGES falls after the batch only, so that CMA seems less than half early.

    |  1M 0 | 3C 8, batch 4:  8 > 5, 7 > 5, 6 > 5, 5 = 10 / 2 ->  8, M 9 10 0  |
    """
    history = buddy(replace(AREA, batch=4), take(flags=CMA), free="1M 0 | 3C 8")
    assert (history.last, history.waiting()) == (8, "M 9 10 0")
    zone = history.zone()
    assert (zone.nr_free_pages, zone.nr_free_cma) == (6, 5)
