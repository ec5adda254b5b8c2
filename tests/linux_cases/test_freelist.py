"""Which zone a request falls into, case by case, as mm/page_alloc.c (v5.10) decides.

A picture is the free pages of each zone in the order of the walk: `Normal 5 | DMA32 3`.
Every history runs on the specification and on the machine at once.
"""

from dataclasses import replace

import pytest

from mmoracle.checkers.bind.freelist import FREELIST
from mmoracle.checkers.session import Session
from mmoracle.spec.freelist.alloc import (
    BAD_NODE,
    AllocInterleaved,
    AllocOnNode,
    AllocPages,
    GetPageFromFreelist,
)
from mmoracle.spec.freelist.answers import (
    Again,
    DirtyLimit,
    Grew,
    Mark,
    NoPage,
    Page,
    Pageset,
    Reclaimed,
    Reserve,
    Skipped,
    SlowPath,
    Took,
    Woke,
)
from mmoracle.spec.freelist.change import Free, SetBoost, SetReserve, Take
from mmoracle.spec.freelist.policy import AllocCurrent, Mode
from mmoracle.spec.freelist.zones import Config, Lower, Place, Reclaim, Stat, Task
from mmoracle.spec.linux import (
    GFP_ATOMIC,
    GFP_BOOT_MASK,
    GFP_HIGHUSER_MOVABLE,
    GFP_KERNEL,
    MIGRATE_HIGHATOMIC,
    MIGRATE_MOVABLE,
    MIGRATE_RECLAIMABLE,
    MIGRATE_UNMOVABLE,
    AllocFlags,
    Bug,
    Gfp,
    NodeReclaim,
    ZoneType,
)

U, M, R = MIGRATE_UNMOVABLE, MIGRATE_MOVABLE, MIGRATE_RECLAIMABLE
H, C = MIGRATE_HIGHATOMIC, MIGRATE_HIGHATOMIC + 1
MIN, LOW = AllocFlags.NONE, AllocFlags.WMARK_LOW
HIGH, HARDER, OOM = AllocFlags.HIGH, AllocFlags.HARDER, AllocFlags.OOM
NO_WATERMARKS, CPUSET = AllocFlags.NO_WATERMARKS, AllocFlags.CPUSET

PLAIN = (ZoneType.NORMAL, ZoneType.MOVABLE)
RISCV = (ZoneType.DMA32, *PLAIN)
DMA32, NORMAL = 0, 1  # places below


def filled(cfg, *lists):
    """Return both sides with blocks in each zone: {(order, type): number}."""
    rows = []
    for place, blocks in zip(cfg.zones, lists, strict=True):
        table = [[0] * cfg.migrate_types for _ in range(cfg.orders)]
        for (order, mt), number in blocks.items():
            table[order][mt] = number
        rows.append(replace(place, blocks=tuple(map(tuple, table))))
    return Session(FREELIST, replace(cfg, zones=tuple(rows)))


def pages(cfg, *numbers, mt=M):
    """Return both sides with single free pages in each zone."""
    return filled(cfg, *({(0, mt): number} for number in numbers))


def events(session, op):
    """Do an operation on both sides; return what was asked on the way."""
    return session.do(op).events


def value(session, op):
    """Do an operation on both sides; return its value."""
    return session.do(op).value


def free(session):
    """Return the free pages of each zone."""
    return [zone.free for zone in session.state.zones]


ONE = Config(kinds=PLAIN, zones=(Place(0, 0, (4, 5, 6), (1, 3)),))
TWO = Config(
    kinds=RISCV,
    zones=(Place(0, 0, (4, 5, 6), (0, 2, 2)), Place(0, 1, (4, 5, 6), (0, 0, 1))),
    fallback=(((0, 1), (0, 0)),),
    pageblock_order=2,
    orders=4,
)

# ------------------------------------------------------------------ marks


@pytest.mark.parametrize(
    ("flags", "least"),
    [  # mark 8: HIGH takes half, then OOM half or HARDER a quarter of what is left
        (MIN, 10),
        (MIN | HIGH, 6),
        (MIN | HARDER, 8),
        (MIN | OOM, 6),
        (MIN | HARDER | OOM, 6),
        (MIN | HIGH | HARDER, 5),
        (MIN | HIGH | OOM, 4),
        (LOW, 11),
        (AllocFlags.WMARK_HIGH, 12),
        (NO_WATERMARKS, 1),
    ],
)
def test_a_page_leaves_only_above_mark_and_reserve(flags, least):
    """__zone_watermark_ok(): `free <= min + lowmem_reserve` refuses.

    |  mark 8, reserve 1: 9 pages stay, 10 give one  |
    """
    cfg = replace(ONE, zones=(Place(0, 0, (8, 9, 10), (1, 3)),))
    op = GetPageFromFreelist(GFP_KERNEL, 0, flags)
    assert value(pages(cfg, least), op) == Page(0, pfmemalloc=flags == NO_WATERMARKS)
    assert value(pages(cfg, least - 1), op) is None


def test_the_reserve_is_that_of_the_highest_zone_asked_for():
    """A request that could use ZONE_NORMAL leaves more of ZONE_DMA32.

    |  Normal 0 | DMA32 7: low mark 5 and 2 for those that need DMA32  |
    """
    low = pages(TWO, 7, 0)
    assert events(low, AllocPages(GFP_KERNEL)) == (
        Mark(NORMAL, False),
        Mark(DMA32, False),
        Again(),
        Mark(NORMAL, False),
        Mark(DMA32, False),
    )
    assert value(low, AllocPages(GFP_KERNEL | Gfp.DMA32)) == Page(DMA32)
    enough = pages(TWO, 8, 0)
    assert value(enough, AllocPages(GFP_KERNEL)) == Page(DMA32)
    assert free(enough) == [7, 0]


def test_a_boost_counts_for_all_marks_but_not_for_an_atomic_page_at_the_lowest():
    """zone_watermark_fast(): order 0, __GFP_ATOMIC, ALLOC_WMARK_MIN.

    |  free 6, mark 4, boost 3, reserve 1  |
    """
    cfg = replace(ONE, boosts=(0, 3))
    for gfp, flags, gives in (
        (GFP_ATOMIC, MIN, True),
        (GFP_KERNEL, MIN, False),
        (GFP_ATOMIC, LOW, False),
    ):
        session = pages(cfg, 6)
        session.do(SetBoost(0, 3))
        got = value(session, GetPageFromFreelist(gfp, 0, flags))
        assert (got is not None) is gives


def test_pages_that_are_not_in_one_block_do_not_serve_a_larger_request():
    """Watermarks of order 1 and above want a block on a list that may be used.

    |  twelve single pages, then one pair  |
    """
    session = filled(ONE, {(0, M): 12})
    op = AllocPages(GFP_KERNEL | Gfp.COMP, 1)
    assert isinstance(value(session, op), SlowPath)
    session = filled(ONE, {(0, M): 12, (2, U): 1})
    got = session.do(op)
    assert got.value == Page(0, compound=True)
    assert got.events[-1] == Took(0, 2, U)
    assert session.state.zones[0].blocks[1][U] == 1  # half of the block is back


def test_the_high_atomic_reserve_is_for_those_that_try_harder():
    """Its pages do not count, and its blocks are no blocks, for anybody else."""
    cfg = replace(ONE, orders=2, pageblock_order=1, reserves=(0, 8))
    session = filled(cfg, {(0, M): 1, (1, H): 4})
    session.do(SetReserve(0, 8))
    plain = GetPageFromFreelist(GFP_KERNEL, 1, MIN)
    assert value(session, plain) is None
    got = session.do(GetPageFromFreelist(GFP_ATOMIC, 1, MIN | HARDER))
    assert got.events == (Mark(0, True), Took(0, 1, H), Reserve(0))
    assert value(session, GetPageFromFreelist(GFP_ATOMIC, 1, MIN | OOM)) is None
    session = filled(cfg, {(0, M): 2, (1, H): 4})
    session.do(SetReserve(0, 8))
    got = session.do(GetPageFromFreelist(GFP_ATOMIC, 0, MIN | HARDER | HIGH))
    assert got.events == (Mark(0, True), Took(0, 0, M))  # single pages stay out of it


def test_pages_of_cma_count_only_for_what_can_be_moved():
    """ALLOC_CMA: a movable request, and a task that does not pin its pages.

    |  one page, and a pair of CMA's: mark 1  |
    """
    cfg = replace(ONE, zones=(Place(0, 0, (0, 1, 2), (0, 0)),), has_cma=True)
    blocks = {(0, M): 1, (1, C): 1}
    movable = GFP_KERNEL | Gfp.MOVABLE
    assert value(filled(cfg, blocks), AllocPages(movable)) == Page(0)
    assert isinstance(value(filled(cfg, blocks), AllocPages(GFP_KERNEL)), SlowPath)
    pinned = AllocPages(movable, task=Task(nocma=True))
    assert isinstance(value(filled(cfg, blocks), pinned), SlowPath)
    session = filled(cfg, {(1, C): 2})
    assert events(session, AllocPages(movable, 1))[-1] == Took(0, 1, C)
    assert session.state.zones[0].free_cma == 2


# ------------------------------------------------------------------ the order of zones


def test_a_zone_below_its_mark_is_passed_over():
    """The highest zone is asked first; ZONE_DMA32 helps out.

    |  Normal 5 | DMA32 9  |
    """
    session = pages(TWO, 9, 5, mt=U)
    assert events(session, AllocPages(GFP_KERNEL)) == (
        Mark(NORMAL, False),
        Mark(DMA32, True),
        Took(DMA32, 0, U),
    )


def test_no_zone_above_the_highest_is_asked():
    """GFP_DMA32 sees nothing of ZONE_NORMAL."""
    session = pages(TWO, 2, 90)
    got = session.do(AllocPages(GFP_KERNEL | Gfp.DMA32))
    assert got.value == SlowPath(GFP_KERNEL | Gfp.DMA32, DMA32, 0, U)
    assert got.events == (Mark(DMA32, False),)


def test_what_can_be_moved_and_is_of_high_memory_may_use_every_zone():
    session = pages(TWO, 2, 90)
    assert value(session, AllocPages(GFP_HIGHUSER_MOVABLE)) == Page(NORMAL)


def test_a_request_for_two_zones_or_two_types_is_a_bug():
    session = pages(ONE, 90)
    for gfp in (Gfp.DMA | Gfp.DMA32, Gfp.MOVABLE | Gfp.RECLAIMABLE):
        assert isinstance(value(session, AllocPages(gfp)), Bug)
        assert isinstance(value(session, GetPageFromFreelist(gfp, 0, MIN)), Bug)


def test_a_request_that_is_too_large_fails_at_once():
    """Even with __GFP_NOFAIL: order >= MAX_ORDER."""
    session = pages(ONE, 90)
    got = session.do(AllocPages(GFP_KERNEL | Gfp.NOFAIL, 11))
    assert (got.value, got.events) == (None, ())
    assert value(session, AllocPages(GFP_KERNEL, lower=Lower(fails=True))) is None


def test_a_zone_may_have_lost_its_pages_by_the_time_it_is_asked():
    """rmqueue() finds none: the next zone, then the slow path."""
    session = pages(TWO, 9, 9)
    got = session.do(AllocPages(GFP_KERNEL, lower=Lower(lost=0b10)))
    assert got.events[:3] == (Mark(NORMAL, True), NoPage(NORMAL), Mark(DMA32, True))


def test_a_pageset_serves_single_pages():
    """A page of a pageset left the lists long ago; a block is never in one."""
    session = pages(ONE, 20)
    cached = Lower(cached=1)
    assert events(session, AllocPages(GFP_KERNEL, lower=cached))[1] == Pageset(0)
    assert free(session) == [20]
    assert isinstance(value(session, AllocPages(GFP_KERNEL, 1, lower=cached)), SlowPath)


# ------------------------------------------------------------------ fragments


def test_the_first_walk_takes_no_small_block_of_another_type():
    """ALLOC_NOFRAGMENT: another zone comes first, then the walk begins anew.

    |  Normal 20 movable pages | DMA32 nothing: an unmovable request  |
    """
    session = pages(TWO, 0, 20)
    assert events(session, AllocPages(GFP_KERNEL)) == (
        Mark(NORMAL, True),
        NoPage(NORMAL),
        Mark(DMA32, False),
        Again(),
        Mark(NORMAL, True),
        Took(NORMAL, 0, M),
    )
    session = filled(TWO, {(0, U): 20}, {(0, M): 20})
    assert value(session, AllocPages(GFP_KERNEL)) == Page(DMA32)


def test_a_whole_page_block_of_another_type_may_be_taken_at_once():
    session = filled(TWO, {}, {(3, M): 2})
    assert events(session, AllocPages(GFP_KERNEL)) == (
        Mark(NORMAL, True),
        Took(NORMAL, 3, M),
    )
    blocks = session.state.zones[NORMAL].blocks
    assert [row[U] for row in blocks] == [1, 1, 1, 0]  # the rest is the request's type


def test_without_dma32_or_for_another_zone_types_are_mixed_at_once():
    session = pages(ONE, 20)
    assert events(session, AllocPages(GFP_KERNEL)) == (Mark(0, True), Took(0, 0, M))
    session = pages(TWO, 20, 0)
    only = AllocPages(GFP_KERNEL | Gfp.DMA32)
    assert events(session, only) == (Mark(DMA32, True), Took(DMA32, 0, M))


def test_other_types_are_robbed_in_turn_of_their_largest_blocks():
    """Unmovable from reclaimable, then from movable blocks; without grouping all is."""
    session = filled(ONE, {(0, M): 9, (2, M): 3, (1, R): 1, (2, R): 1})
    assert events(session, AllocPages(GFP_KERNEL))[-1] == Took(0, 2, R)
    reclaimable = AllocPages(GFP_KERNEL | Gfp.RECLAIMABLE, 2)
    assert events(session, reclaimable)[-1] == Took(0, 2, M)
    ungrouped = filled(replace(ONE, grouping=False), {(0, M): 9, (0, U): 9})
    got = events(ungrouped, AllocPages(GFP_KERNEL | Gfp.MOVABLE))
    assert got[-1] == Took(0, 0, U)


# ------------------------------------------------------------------ nodes


def nodes(*order, **fields):
    """Return machines with one zone on each node, zonelists in these orders."""
    own = tuple(((nid, 0),) for nid in range(len(order)))
    usual = {
        "kinds": PLAIN,
        "zones": tuple(Place(nid, 0, (0, 1, 2), (0, 0)) for nid in range(len(order))),
        "fallback": tuple(tuple((nid, 0) for nid in each) for each in order),
        "own": own,
        "numa": True,
    }
    return Config(**{**usual, **fields})


PAIR = nodes((0, 1), (1, 0))
THREE = nodes((0, 1, 2), (1, 2, 0), (2, 1, 0))


def test_another_node_helps_out_in_the_order_of_the_zonelist():
    session = pages(THREE, 9, 1, 9)
    assert events(session, AllocPages(GFP_KERNEL, nid=1)) == (
        Mark(1, False),
        Mark(2, True),
        Took(2, 0, M),
    )


def test_one_node_alone_is_never_left():
    session = pages(THREE, 9, 1, 9)
    got = value(session, AllocPages(GFP_KERNEL | Gfp.THISNODE, nid=1))
    assert got == SlowPath(GFP_KERNEL | Gfp.THISNODE, 1, 0, U)


def test_a_nodemask_leaves_other_nodes_out():
    session = pages(THREE, 9, 9, 9)
    assert value(session, AllocPages(GFP_KERNEL, mask=0b100)) == Page(2)
    got = value(session, AllocPages(GFP_KERNEL, mask=0b1000))
    assert got == SlowPath(GFP_KERNEL, -1, 0, U)  # no zone is eligible


def test_mixing_types_is_better_than_another_node():
    """The walk begins anew before a zone of another node is looked at.

    |  node 0: DMA32 0, Normal 9 movable | node 1: 9 unmovable  |
    """
    zones = tuple(Place(n, i, (0, 1, 2), (0, 0, 0)) for n in (0, 1) for i in (0, 1))
    cfg = Config(
        kinds=RISCV,
        zones=zones,
        fallback=(((0, 1), (0, 0), (1, 1), (1, 0)), ((1, 1), (1, 0), (0, 1), (0, 0))),
        own=(((0, 1), (0, 0)), ((1, 1), (1, 0))),
        numa=True,
    )
    session = filled(cfg, {}, {(0, M): 9}, {}, {(0, U): 9})
    assert events(session, AllocPages(GFP_KERNEL)) == (
        Mark(1, True),
        NoPage(1),
        Mark(0, False),
        Again(),
        Mark(1, True),
        Took(1, 0, M),
    )
    lonely = replace(  # no ZONE_DMA32 on node 0: types are mixed at once
        cfg,
        zones=zones[1:],
        fallback=(((0, 1), (1, 1), (1, 0)), ((1, 1), (1, 0), (0, 1))),
        own=(((0, 1),), ((1, 1), (1, 0))),
    )
    session = filled(lonely, {(0, M): 9}, {}, {(0, U): 9})
    assert events(session, AllocPages(GFP_KERNEL)) == (Mark(0, True), Took(0, 0, M))


def test_a_task_without_memory_near_it_is_served_by_the_nearest_node():
    """alloc_pages_node(NUMA_NO_NODE): numa_mem_id(), the first of the zonelist.

    |  the cpu is on node 1, memory on nodes 0 and 2; node 3 is not there  |
    """
    cfg = Config(
        kinds=PLAIN,
        zones=(Place(0, 0, (0, 0, 0), (0, 0)), Place(2, 0, (0, 0, 0), (0, 0))),
        fallback=(((0, 0), (2, 0)), ((2, 0), (0, 0)), ((2, 0), (0, 0)), ()),
        own=(((0, 0),), (), ((2, 0),), ()),
        numa=True,
    )
    session = pages(cfg, 9, 9)
    assert value(session, AllocOnNode(GFP_KERNEL, task=Task(node=1))) == Page(1)
    assert value(session, AllocOnNode(GFP_KERNEL, nid=0)) == Page(0)
    for nid in (3, 4, -2):
        assert value(session, AllocOnNode(GFP_KERNEL, nid=nid)) == BAD_NODE
    assert value(session, AllocPages(GFP_KERNEL, nid=3)) == BAD_NODE
    got = value(session, AllocOnNode(GFP_KERNEL | Gfp.THISNODE, nid=1))
    assert got == SlowPath(GFP_KERNEL | Gfp.THISNODE, -1, 0, U)
    near = pages(replace(cfg, memoryless=False), 9, 9)
    assert value(near, AllocOnNode(GFP_KERNEL, task=Task(node=2))) == Page(1)


def test_a_task_goes_round_the_nodes_of_its_policy():
    """interleave_nodes(): 0, 2, 0, 2 of nodes 0 and 2; by offset 0, 2, 0."""
    session = pages(THREE, 9, 9, 9)
    turns = [value(session, AllocInterleaved(GFP_KERNEL, 0, 0b101)) for _ in range(4)]
    assert [got.at for got in turns] == [0, 2, 0, 2]
    byoffset = [
        value(session, AllocInterleaved(GFP_KERNEL, 0, 0b101, n)).at for n in range(3)
    ]
    assert byoffset == [0, 2, 0]
    assert session.state.il_prev == 2
    here = AllocInterleaved(GFP_KERNEL, 0, 0, 5, Task(node=1))
    assert value(session, here) == Page(1)
    assert value(session, AllocInterleaved(GFP_KERNEL, 0, 0)) == BAD_NODE


def test_a_policy_binds_what_could_use_the_highest_zone():
    """policy_nodemask(): lower zones are not bound; the cpuset must have a node.

    |  nodes 0, 1, 2; a task on node 0 with a policy for node 2  |
    """
    session, two = pages(THREE, 9, 9, 9), 0b100
    for mode, at in ((Mode.DEFAULT, 0), (Mode.PREFERRED, 2), (Mode.BIND, 2)):
        assert value(session, AllocCurrent(GFP_KERNEL, 0, mode, two)) == Page(at)
        irq = AllocCurrent(GFP_KERNEL, 0, mode, two, Task(interrupt=True))
        assert value(session, irq) == Page(0)
        exact = AllocCurrent(GFP_KERNEL | Gfp.THISNODE, 0, mode, two)
        assert value(session, exact) == Page(0)
    assert value(session, AllocCurrent(GFP_KERNEL, 0, Mode.PREFERRED, 0)) == Page(0)
    turns = AllocCurrent(GFP_KERNEL, 0, Mode.INTERLEAVE, 0b110)
    assert [value(session, turns).at for _ in range(3)] == [1, 2, 1]
    assert isinstance(value(session, AllocCurrent(Gfp(3), 0, Mode.BIND, two)), Bug)
    sets = pages(replace(THREE, cpusets=True), 9, 9, 9)
    for mems, at in ((0b101, 2), (0b011, 0)):
        bound = AllocCurrent(GFP_KERNEL, 0, Mode.BIND, two, Task(mems=mems))
        assert value(sets, bound) == Page(at)


def test_a_policy_for_movable_memory_binds_movable_requests_alone():
    """apply_policy_zone(): node 1 has nothing but ZONE_MOVABLE."""
    zones = (Place(0, 0, (0, 1, 2), (0, 0)), Place(1, 1, (0, 1, 2), (0, 0)))
    lists = (((0, 0), (1, 1)), ((1, 1), (0, 0)))
    cfg = Config(
        kinds=PLAIN,
        zones=zones,
        fallback=lists,
        own=tuple(each[:1] for each in lists),
        numa=True,
    )
    session = pages(cfg, 9, 9)
    for gfp, at in ((GFP_KERNEL, 0), (GFP_HIGHUSER_MOVABLE, 1)):
        assert value(session, AllocCurrent(gfp, 0, Mode.BIND, 0b10)) == Page(at)


def test_pages_are_counted_where_they_were_to_come_from_and_where_they_went():
    """zone_statistics(): HIT; or MISS there and FOREIGN here; LOCAL or OTHER."""
    session = pages(replace(PAIR, counts=True), 2, 9)
    session.do(AllocPages(GFP_KERNEL))  # from node 0
    session.do(AllocPages(GFP_KERNEL))  # node 0 is low: from node 1
    session.do(AllocInterleaved(GFP_KERNEL, 0, 0b10, None, Task(node=1)))
    session.do(AllocInterleaved(GFP_KERNEL, 0, 0b01))  # not from node 0
    session.do(AllocInterleaved(GFP_KERNEL, 0, 0b01, 0, Task(), Lower(lost=0b10)))
    first, second = (zone.stats for zone in session.state.zones)
    assert first == (1, 0, 2, 0, 1, 0)
    assert second == (1, 2, 0, 1, 1, 2)
    assert second[Stat.MISS] == first[Stat.FOREIGN]


# ------------------------------------------------------------------ reclaim, dirty


@pytest.mark.parametrize(
    ("answer", "blocks", "gives"),
    [
        (NodeReclaim.NOSCAN, 0, False),
        (NodeReclaim.FULL, 8, False),
        (NodeReclaim.SOME, 1, False),
        (NodeReclaim.SOME, 2, True),
        (NodeReclaim.SUCCESS, 8, True),
    ],
)
def test_a_node_is_asked_to_reclaim_before_the_next_one(answer, blocks, gives):
    """node_reclaim_mode: the mark is tested again if pages were looked for.

    |  node 0: 1 page, mark 1 | node 1: 9 pages  |
    """
    told = Lower(reclaims=(Reclaim(answer, 0, blocks),))
    session = pages(replace(PAIR, reclaim_mode=1, most=(9,)), 0, 9)
    got = session.do(AllocPages(GFP_KERNEL, lower=told))
    assert got.value == Page(0 if gives else 1)
    assert got.events[:2] == (Mark(0, False), Reclaimed(0, answer))
    assert free(session)[0] == blocks - gives


def test_nodes_that_are_far_are_not_asked_to_reclaim():
    """zone_allows_reclaim(): no farther than node_reclaim_distance."""
    cfg = replace(PAIR, reclaim_mode=1, distance=((10, 31), (31, 10)))
    got = events(pages(cfg, 1, 1), AllocPages(GFP_KERNEL))
    assert got == (Mark(0, False), Reclaimed(0, NodeReclaim.NOSCAN), Mark(1, False))
    alone = replace(ONE, reclaim_mode=1)  # without NUMA there is no such mode
    assert events(pages(alone, 1), AllocPages(GFP_KERNEL)) == (Mark(0, False),)


def test_a_page_for_writing_comes_from_a_node_with_few_dirty_pages():
    """spread_dirty_pages: the first attempt only, and one question for each node."""
    zones = (*(Place(0, i, (0, 1, 2), (0, 0, 0)) for i in (0, 1)), PAIR.zones[1])
    cfg = replace(
        PAIR,
        kinds=RISCV,
        zones=(*zones[:2], replace(zones[2], reserve=(0, 0, 0))),
        fallback=(((0, 1), (0, 0), (1, 0)), ((1, 0), (0, 1), (0, 0))),
    )
    session = pages(cfg, 9, 9, 9)
    op = AllocPages(GFP_KERNEL | Gfp.WRITE, lower=Lower(dirty=0b01))
    assert events(session, op)[:2] == (DirtyLimit(0, False), Skipped(0, "dirty"))
    assert free(session) == [9, 9, 8]
    walk = GetPageFromFreelist(op.gfp, 0, MIN, lower=op.lower)
    assert events(session, walk) == (Mark(1, True), Took(1, 0, M))


def test_a_node_over_its_dirty_limit_is_not_asked_again_by_the_second_walk():
    """last_pgdat_dirty_limit outlives the retry.

    |  node 0: over its limit, both zones | node 1: nothing  |
    """
    cfg = replace(FREELIST.configs["tiny-dirty"], fallback=(((0, 1), (0, 0)), ()))
    session = pages(cfg, 2, 2, 0, 0)
    op = AllocPages(GFP_KERNEL | Gfp.WRITE, lower=Lower(dirty=0b01))
    skipped = Skipped(1, "dirty"), Skipped(0, "dirty")
    assert events(session, op) == (DirtyLimit(0, False), skipped[1], Again(), *skipped)


def test_a_zone_grows_while_memory_of_it_is_still_to_be_initialised():
    """deferred_grow_zone(): below the mark, or without a page; then once more in vain.

    |  mark 2: one block of 2 is left, and the zone is tried without its watermark  |
    """
    cfg = replace(ONE, zones=(Place(0, 0, (1, 2, 3), (0, 0)),), orders=2)
    cfg = replace(cfg, deferred=True, pageblock_order=1)
    place = replace(cfg.zones[0], deferred=1)
    session = pages(replace(cfg, zones=(place,)), 0)
    got = session.do(AllocPages(GFP_KERNEL))
    assert got.events == (Mark(0, False), Grew(0, True), Took(0, 1, M))
    assert got.value == Page(0)
    assert events(session, AllocPages(GFP_KERNEL, 1)) == (
        Mark(0, False),
        Grew(0, True),
        NoPage(0),
        Grew(0, False),
    )
    assert events(session, AllocPages(GFP_KERNEL, 1)) == (
        Mark(0, False),
        Grew(0, False),
    )
    lost = AllocPages(GFP_KERNEL, lower=Lower(lost=1))
    assert events(pages(replace(cfg, zones=(place,)), 9), lost) == (
        Mark(0, True),
        NoPage(0),
        Grew(0, True),
        NoPage(0),
        Grew(0, True),
        NoPage(0),
        Grew(0, False),
    )


# ------------------------------------------------------------------ tasks


def test_a_cpuset_is_a_nodemask_in_the_first_attempt():
    """prepare_alloc_pages(): cpuset_current_mems_allowed where no mask was given."""
    cfg = replace(PAIR, cpusets=True)
    session = pages(cfg, 9, 9)
    assert value(session, AllocPages(GFP_KERNEL, task=Task(mems=0b10))) == Page(1)
    masked = AllocPages(GFP_KERNEL, mask=0b11, task=Task(mems=0b10))
    assert events(session, masked)[0] == Skipped(0, "cpuset")
    irq = AllocPages(GFP_KERNEL, task=Task(mems=0b10, interrupt=True))
    assert value(session, irq) == Page(0)


@pytest.mark.parametrize(
    ("gfp", "task", "node"),
    [
        (GFP_KERNEL, Task(mems=0b10, above=0b11), 0),
        (GFP_KERNEL, Task(mems=0b10, above=0b10), 1),
        (GFP_KERNEL | Gfp.HARDWALL, Task(mems=0b10, above=0b11), 1),
        (GFP_KERNEL | Gfp.HARDWALL, Task(mems=0b10, victim=True), 0),
        (GFP_KERNEL, Task(mems=0b10, above=0b10, exiting=True), 0),
        (GFP_KERNEL | Gfp.HARDWALL, Task(mems=0b10, exiting=True), 1),
        (GFP_KERNEL, Task(mems=0b11), 0),
    ],
)
def test_who_may_leave_a_cpuset(gfp, task, node):
    """__cpuset_node_allowed(), in the slow path, with ALLOC_CPUSET."""
    session = pages(replace(PAIR, cpusets=True), 9, 9)
    walk = GetPageFromFreelist(gfp, 0, MIN | CPUSET, task=task)
    assert value(session, walk) == Page(node)
    free_walk = GetPageFromFreelist(gfp, 0, MIN, task=task)
    assert value(session, free_walk) == Page(0)


def test_the_slow_path_gets_what_the_scope_of_the_task_leaves():
    """current_gfp_context(): the first attempt needs none of it."""
    session = pages(ONE, 0)
    for task, gfp in (
        (Task(), GFP_KERNEL),
        (Task(noio=True), GFP_KERNEL & ~(Gfp.IO | Gfp.FS)),
        (Task(nofs=True), GFP_KERNEL & ~Gfp.FS),
    ):
        got = value(session, AllocPages(GFP_KERNEL, task=task))
        assert got == SlowPath(gfp, 0, 0, U)


def test_a_booting_kernel_does_not_wait():
    """gfp_allowed_mask is GFP_BOOT_MASK: no reclaim, no IO, no files."""
    session = pages(replace(ONE, allowed=GFP_BOOT_MASK), 0)
    assert value(session, AllocPages(GFP_KERNEL)) == SlowPath(Gfp.NONE, 0, 0, U)


# ------------------------------------------------------------------ the page


@pytest.mark.parametrize(
    ("fields", "gfp", "zeroed"),
    [
        ({}, GFP_KERNEL, False),
        ({}, GFP_KERNEL | Gfp.ZERO, True),
        ({"init_on_alloc": True}, GFP_KERNEL, True),
        ({"init_on_alloc": True, "init_on_free": True}, GFP_KERNEL | Gfp.ZERO, False),
        ({"init_on_alloc": True, "poisoned": True}, GFP_KERNEL, False),
        ({"poisoned": True, "poisoned_zero": True}, GFP_KERNEL | Gfp.ZERO, False),
        ({"poisoned_zero": True}, GFP_KERNEL | Gfp.ZERO, True),
    ],
)
def test_a_page_is_filled_with_zeros_once(fields, gfp, zeroed):
    """prep_new_page(): want_init_on_alloc() unless free_pages_prezeroed()."""
    got = value(pages(replace(ONE, **fields), 9), AllocPages(gfp))
    assert got == Page(0, zeroed=zeroed)


def test_kswapd_learns_of_a_boost_with_the_next_page():
    """ZONE_BOOSTED_WATERMARK: woken once, even if a pageset stays empty."""
    cfg = replace(ONE, boosts=(0, 2))
    session = pages(cfg, 20)
    session.do(SetBoost(0, 2))
    lost = AllocPages(GFP_KERNEL, lower=Lower(lost=1))
    assert events(session, lost) == (Mark(0, True), NoPage(0), Woke(0))
    assert events(session, AllocPages(GFP_KERNEL)) == (Mark(0, True), Took(0, 0, M))
    blocks = filled(cfg, {(1, M): 9})
    blocks.do(SetBoost(0, 2))
    lost = AllocPages(GFP_KERNEL, 1, lower=Lower(lost=1))
    assert events(blocks, lost) == (Mark(0, True), NoPage(0))
    blocks.do(SetBoost(0, 0))
    assert events(blocks, AllocPages(GFP_KERNEL, 1))[-1] == Woke(0)


def test_a_steal_that_boosts_the_watermark_wakes_kswapd_itself():
    """steal_suitable_fallback(): if the request has __GFP_KSWAPD_RECLAIM."""
    session, told = pages(ONE, 20), Lower(boosts=1)
    assert events(session, AllocPages(GFP_KERNEL, lower=told))[-1] == Woke(0)
    quiet = GFP_KERNEL & ~Gfp.KSWAPD_RECLAIM
    assert events(session, AllocPages(quiet, lower=told))[-1] == Took(0, 0, M)


def test_others_fill_and_empty_the_lists():
    session = pages(replace(ONE, most=(4, 2)), 2)
    session.do(Free((0, 1, U)))
    assert free(session) == [4]
    session.do(Take((0, 0, M)))
    assert free(session) == [3]


# ------------------------------------------------------------------ real machines


def test_a_machine_of_256_mib_falls_back_to_its_lowest_zone_last():
    """x86_64, 256 MiB: ZONE_DMA keeps 181 pages for requests that need it.

    |  DMA32: low 516 | DMA: low 43, 181 for others  |
    """
    cfg = FREELIST.configs["linux-x86_64"]
    session = pages(cfg, 225, 517)
    dma, dma32 = 0, 1
    assert value(session, AllocPages(GFP_HIGHUSER_MOVABLE)) == Page(dma32)
    assert value(session, AllocPages(GFP_HIGHUSER_MOVABLE)) == Page(dma)
    got = value(session, AllocPages(GFP_HIGHUSER_MOVABLE))
    assert got == SlowPath(GFP_HIGHUSER_MOVABLE, dma32, 3, M)
    left = [value(session, AllocPages(GFP_KERNEL | Gfp.DMA)) for _ in range(182)]
    assert left[:181] == [Page(dma)] * 181
    assert isinstance(left[181], SlowPath)
