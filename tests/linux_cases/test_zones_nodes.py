"""Spans, holes, ZONE_MOVABLE, deferred memory and the order of nodes, case by case.

A map is a list of (node, first pfn, end pfn).  Histories run on the specification and
on the machine at once.
"""

from dataclasses import replace

import pytest

from mmoracle.checkers.bind.zones import ZONES
from mmoracle.checkers.bind.zones_configs import (
    BEYOND,
    DEFERRED,
    DESCENDING,
    FILL,
    FLAT,
    HIGHMEM,
    HOLES,
    HOTPLUG,
    MIRROR,
    MOVABLE,
    NUMA,
    TINY,
    TURNS,
    UMA,
    mem,
)
from mmoracle.checkers.session import Divergence, Session
from mmoracle.impl.zones import fill as machine_fill
from mmoracle.spec.linux import Errno
from mmoracle.spec.zones import fill, marks, movable, spans, zonelists
from mmoracle.spec.zones.always import INVARIANTS
from mmoracle.spec.zones.boot import (
    BuildZonelists,
    Built,
    FillMemblks,
    FinishInit,
    FreeAreaInit,
    FreeReserved,
    GrowZone,
    MemblockFreeAll,
    SetupPagesets,
)
from mmoracle.spec.zones.fill import Block
from mmoracle.spec.zones.hotplug import OnlinePages
from mmoracle.spec.zones.layout import Layout, Range, memory_nodes, node_range
from mmoracle.spec.zones.movable import Movable
from mmoracle.spec.zones.state import Part, Phase, last_zone
from mmoracle.spec.zones.tune import InitWmarks

NONE = Movable()
X86 = Layout()


def after(cfg, *ops):
    """Return the session after operations that both sides did alike."""
    session = Session(ZONES, cfg)
    for op in ops:
        before = session.state
        answer = session.do(op)
        other = ZONES.load(cfg, before)
        ZONES.accept(other, op, answer)
        assert ZONES.abstract(other) == session.state
    return session


def node(session, nid=0):
    """Return a node."""
    return next(n for n in session.state.nodes if n.nid == nid)


def spanned(session, nid=0):
    """Return (start, end, present) of each zone of a node."""
    return [(z.start, z.end, z.present) for z in node(session, nid).zones]


# ------------------------------------------------------------------ limits


def test_a_zone_begins_where_the_one_below_ends():
    """Limits that coincide make an empty zone; the first begins at the first frame."""
    ranges = mem((0, 5, 50))
    limits = spans.zone_limits(X86, (10, 10, 60, 0, 0), ranges)
    assert limits == ((5, 10), (10, 10), (10, 60), (0, 0), (60, 60))
    assert spans.zone_for_movable(X86, limits) == 2
    assert spans.zone_for_movable(X86, ((0, 0),) * 5) == -1
    assert spans.zone_limits(X86, (0,) * 5, ()) == ((0, 0),) * 5


def test_limits_below_the_first_frame_are_moved_up():
    """riscv64 at 2 GiB: DMA32 begins there, and not at 0."""
    limits = spans.zone_limits(X86, (10, 30, 60, 0, 0), mem((0, 20, 50)))
    assert limits[:3] == ((20, 20), (20, 30), (30, 60))


def test_zones_may_lie_in_falling_order():
    """ARC has HIGHMEM below NORMAL."""
    run = after(
        DESCENDING, FreeAreaInit(mem((0, 4096, 40960)), DESCENDING.ends[0], NONE)
    )
    assert spanned(run) == [
        (0, 0, 0),
        (8192, 40960, 32768),
        (4096, 8192, 4096),
        (0, 0, 0),
    ]


def test_memory_above_all_limits_is_in_no_zone():
    """The node ends behind its last zone."""
    run = after(TINY, FreeAreaInit(mem((0, 0, 49152)), (4096, 16384, 0), NONE))
    assert run.trace[-1].result == (16384,)
    assert node(run).end == 49152


def test_a_node_without_memory_has_no_frames():
    """Its range is (0, 0), and its zones are empty."""
    assert node_range((), 0) == (0, 0)
    assert memory_nodes(mem((3, 4, 4), (1, 0, 9))) == (1,)
    assert spans.spanned_in_node(0, 8, (0, 0)) == (0, 0)
    assert spans.spanned_in_node(0, 4, (8, 16)) == (0, 0)


# ------------------------------------------------------------------ holes


def test_holes_are_spanned_and_not_present():
    """Two zones, cut at 16.

    frames  0 1 2 . . . . . 8 . .. 15 | 16 .. 31
    """
    ranges = mem((0, 0, 3), (0, 8, 9), (0, 15, 17), (0, 31, 32))
    run = after(HOLES, FreeAreaInit(ranges, (16, 32, 0), NONE))
    assert spanned(run) == [(0, 16, 5), (16, 32, 2), (0, 0, 0)]


@pytest.mark.parametrize(
    ("spanned", "present", "sparse", "pages"),
    [
        (65536, 65536, True, 1024),
        (65537, 65537, True, 1025),
        (68, 64, True, 2),
        (69, 64, True, 1),
        (69, 64, False, 2),
        (0, 0, True, 0),
    ],
)
def test_descriptors_are_reckoned_by_span_unless_holes_are_large(
    spanned, present, sparse, pages
):
    """With SPARSEMEM, more than a sixteenth of holes; 64 bytes a page."""
    assert spans.memmap_pages(spanned, present, sparse) == pages


@pytest.mark.parametrize(
    ("present", "memmap", "first", "highmem", "reserve", "pages"),
    [
        (100, 10, False, False, 5, 90),
        (100, 10, True, False, 5, 85),
        (100, 10, True, True, 5, 95),
        (9, 10, False, False, 0, 9),
        (10, 10, False, False, 0, 0),
        (15, 10, True, False, 5, 5),
    ],
)
def test_what_a_zone_is_reckoned_to_manage(
    present, memmap, first, highmem, reserve, pages
):
    """What exceeds a zone is not subtracted, nor is a reserve that takes all of it."""
    assert spans.provisional(present, memmap, first, highmem, reserve) == pages


# ------------------------------------------------------------------ ZONE_MOVABLE


def starts(ranges, ask, ends=(0, 50, 0), **more):
    """Return zone_movable_pfn of two nodes; a largest block is 8 pages."""
    layout = Layout(("DMA", "Normal", "Movable"))
    limits = spans.zone_limits(layout, ends, ranges)
    return movable.movable_starts(layout, limits, ranges, ask, 2, 8, **more)


BOTH = mem((0, 0, 16), (1, 16, 32))


@pytest.mark.parametrize(
    ("ask", "due"),
    [
        (NONE, (0, 0)),
        (Movable(kernelcore=32), (0, 0)),  # all of it
        (Movable(kernelcore=16), (8, 24)),
        (Movable(kernelcore=17), (8, 24)),  # 8 each; 1 is not more than the nodes left
        (Movable(kernelcore=18), (0, 0)),  # 9 each: the next border is the node's end
        (Movable(movablecore=16), (8, 24)),
        (Movable(movablecore=9), (8, 24)),  # rounded up to 16
        (Movable(movablecore=100), (0, 0)),  # no kernel memory would be left
        (Movable(kernelcore_percent=50), (8, 24)),
        (Movable(kernelcore=31, kernelcore_percent=50), (8, 24)),
        (Movable(movablecore_percent=50), (8, 24)),
        (Movable(kernelcore=2, movablecore=16), (8, 24)),  # the greater core wins
    ],
)
def test_kernel_memory_is_spread_evenly(ask, due):
    """Two nodes of 16 pages, blocks of 8."""
    assert starts(BOTH, ask) == due


def test_a_small_node_leaves_its_part_to_others():
    """Node 0 has 6 pages: node 1 keeps 18 of 24, rounded up.

    node 0  [0, 6)     all of it
    node 1  [8, 48)    18 pages, to 26; the next border is 32
    """
    assert starts(mem((0, 0, 6), (1, 8, 48)), Movable(kernelcore=24)) == (0, 32)


def test_low_zones_are_kernel_memory_anyway():
    """Below the highest zone type nothing can be movable, and it counts."""
    ranges = mem((0, 0, 24), (1, 24, 48))
    assert starts(ranges, Movable(kernelcore=16), (16, 50, 0)) == (16, 24)
    assert starts(ranges, Movable(kernelcore=2), (16, 50, 0)) == (16, 24)
    assert starts(ranges, Movable(kernelcore=2), (32, 50, 0)) == (0, 32)


def test_what_is_still_required_is_taken_in_another_pass():
    """26 pages, 16 of them low: a pass for both nodes, and one for what it leaves.

    pass 1   node 0 [0, 16) low, 10 left; node 1 half of that, to 37
    pass 2   node 0 the last 5, to 21
    """
    ranges = mem((0, 0, 32), (1, 32, 56))
    assert starts(ranges, Movable(kernelcore=26), (16, 60, 0)) == (24, 40)


def test_the_zone_below_movable_is_cut_and_one_above_its_start_is_empty():
    """Kernelcore of 8 pages on one node of 32, in two ways."""
    cut = after(MOVABLE, FreeAreaInit(mem((0, 0, 32)), (0, 50, 0), Movable(8)))
    assert spanned(cut) == [(0, 0, 0), (0, 8, 8), (8, 32, 24)]
    whole = after(MOVABLE, FreeAreaInit(mem((0, 0, 32)), (8, 50, 0), Movable(8)))
    assert spanned(whole) == [(0, 8, 8), (0, 0, 0), (8, 32, 24)]


def test_before_5_10_113_a_rounded_start_lies_behind_the_node():
    """Node [0, 10), blocks of 8, 9 pages of kernel memory: present without a span."""
    op = FreeAreaInit(mem((0, 0, 10)), (0, 50, 0), Movable(9))
    fixed = after(replace(BEYOND, quirks=()), op)
    assert spanned(fixed) == [(0, 0, 0), (0, 10, 10), (0, 0, 0)]
    with pytest.raises(Divergence, match="ZONE-SPAN: node 0 zone Movable has 6 pages"):
        after(BEYOND, op)


HOT = (
    Range(0, 0, 16),
    Range(0, 17, 20, hotplug=True),
    Range(0, 20, 40, hotplug=True),
    *mem((1, 40, 48)),
)


def test_hotpluggable_memory_is_movable():
    """movable_node goes before kernelcore; the start is rounded up as always."""
    assert starts(HOT, Movable(kernelcore=8, movable_node=True)) == (24, 0)


def test_memory_without_a_mirror_is_movable_above_4_gib():
    """kernelcore=mirror: mirrored frames of ZONE_MOVABLE's span are ZONE_NORMAL's.

    frames  0 .. 16 mirrored | 16 .. 32 | 32 .. 48 mirrored
    """
    ranges = (
        Range(0, 0, 16, mirror=True),
        Range(0, 16, 32),
        Range(0, 32, 48, mirror=True),
        *mem((1, 48, 50)),
    )
    ask = Movable(kernelcore=3, mirror=True)
    assert starts(ranges, ask, below=10) == (16, 48)
    assert starts(ranges, ask, below=20) == (0, 48)
    run = after(MIRROR, FreeAreaInit(ranges, (0, 60, 0), ask))
    assert spanned(run) == [(0, 0, 0), (0, 48, 32), (16, 48, 16)]
    assert run.trace[-1].result == (48, 2)


def test_a_node_of_highmem_gives_it_to_movable():
    """ZONE_MOVABLE is highmem too where it takes from highmem."""
    ranges = mem((0, 0, 16384), (0, 20480, 40960))
    ask = Movable(kernelcore=24000)
    run = after(HIGHMEM, FreeAreaInit(ranges, HIGHMEM.ends[0], ask))
    *_, high, moved = node(run).zones
    assert (high.start, high.end) == (24576, 28672)
    assert (moved.start, moved.managed) == (28672, 12288)  # no descriptors taken
    layout = HIGHMEM.layout
    assert [layout.is_highmem(z, 2) for z in range(4)] == [False, False, True, True]
    assert [layout.is_highmem(z, 1) for z in range(4)] == [False, False, True, False]


# ------------------------------------------------------------------ deferred memory


@pytest.mark.parametrize(
    ("ranges", "node_end", "first"),
    [
        (((0, 0, 100),), 100, 16),
        (((0, 5, 100),), 100, 32),  # 11 pages to the border are less than a section
        (((0, 0, 16),), 16, -1),  # nothing is left
        (((0, 0, 17),), 17, 16),
        (((0, 0, 10), (0, 15, 40)), 40, 32),  # 11 pages at 16
        (((0, 0, 16), (0, 40, 60)), 60, 48),  # no border at 40
        (((0, 0, 100),), 120, -1),  # another zone ends the node
        ((), 0, -1),
    ],
)
def test_descriptors_wait_from_a_border_of_sections_on(ranges, node_end, first):
    """Sections of 16 pages; one section's worth is there at once."""
    ranges = mem(*ranges)
    end = max((r.end for r in ranges), default=0)
    zone = spans.Extent(0, end, 0)
    assert spans.first_deferred(ranges, 0, zone, node_end, 16) == first


def test_only_frames_of_the_zone_count():
    """Memory below the last zone is there anyway."""
    zone = spans.Extent(32, 64, 64)
    assert spans.first_deferred(mem((0, 0, 32), (0, 32, 96)), 0, zone, 96, 16) == 48


def test_pagesets_grow_when_deferred_memory_is_there():
    """Of 65904 pages 28672 are there at once; limits follow the rest at the end.

    The zone is at 4096; a section's worth is there at 20480, the next border is 32768.
    Pagesets made for 28672 pages have batch 7, those for 65903 have 15.
    """
    ranges = mem((0, 0, 70000))
    run = after(
        DEFERRED,
        FreeAreaInit(ranges, (4096, 140000, 0), NONE),
        BuildZonelists((0,), ((10, 20), (20, 10))),
    )
    assert node(run).deferred == 70000 - 32768
    more = (
        MemblockFreeAll(((4096, 28672, 0), (0, 0, 0))),
        SetupPagesets(),
        GrowZone(0, 1),
        GrowZone(1, 1),
    )
    for op in more:
        run.do(op)
    assert [e.result for e in run.trace[-2:]] == [True, False]
    normal = node(run).zones[1]
    assert (normal.managed, normal.limits) == (28672 + 16383, (42, 7))
    run.do(FinishInit(0))
    normal = node(run).zones[1]
    assert (normal.managed, normal.limits) == (65903, (90, 15))
    assert (node(run).deferred, run.state.phase) == (0, Phase.LATE)


def test_boot_gives_up_no_page_without_a_descriptor():
    """What is deferred is not held."""
    ranges = mem((0, 0, 36864))
    run = after(
        DEFERRED,
        FreeAreaInit(ranges, (4096, 140000, 0), NONE),
        BuildZonelists((0,), ((10, 20), (20, 10))),
        MemblockFreeAll(((4000, 16000, 0), (0, 0, 0))),
        FreeReserved(0, 1, 0),
        FreeReserved(0, 0, 50),
    )
    assert [e.result for e in run.trace[-2:]] == [12672, 50]
    assert last_zone(node(run)) == 1
    assert last_zone(node(run, 1)) == -1


# ------------------------------------------------------------------ zonelists


def lists(cfg, ranges, ends, cpus, distance):
    """Return the order of nodes in each node's list."""
    build = BuildZonelists(cpus, distance)
    run = after(cfg, FreeAreaInit(ranges, ends, NONE), build)
    return {
        n.nid: list(dict.fromkeys(nid for nid, _ in n.fallback))
        for n in run.state.nodes
    }


FOUR = NUMA.maps[0]
ENDS = NUMA.ends[0]


def test_near_nodes_come_before_far_ones_and_later_before_earlier():
    """All as far: the nodes behind a node go before those in front of it."""
    due = {0: [0, 1, 2, 3], 1: [1, 2, 3, 0], 2: [2, 3, 0, 1], 3: [3, 0, 1, 2]}
    every = (0, 1, 2, 3)
    assert lists(NUMA, FOUR, ENDS, every, FLAT) == due


def test_equally_near_nodes_take_turns():
    """Nodes 2 and 3 are as far from 0 as from 1: each begins with another one."""
    found = lists(NUMA, FOUR, ENDS, (0, 1, 2, 3), TURNS)
    assert found[0] == [0, 2, 3, 1]
    assert found[1] == [1, 3, 2, 0]


def test_a_node_without_processors_is_preferred():
    """By as much as a step of distance, no more."""
    distance = ((10, 20, 20), (20, 10, 20), (20, 20, 10))
    cfg = replace(NUMA, online=(0, 1, 2))
    found = lists(cfg, mem((0, 0, 9), (1, 9, 18), (2, 18, 27)), ENDS, (0, 1), distance)
    assert found[0] == [0, 2, 1]
    assert found[2] == [2, 0, 1]


def test_a_node_without_memory_has_a_list_and_is_in_none():
    """Node 1 has no memory; node 0 began with 2, so it begins with 3."""
    run = after(
        NUMA,
        FreeAreaInit(mem((0, 0, 4096), (2, 4096, 8192), (3, 8192, 9000)), ENDS, NONE),
        BuildZonelists((0,), FLAT),
    )
    memoryless = node(run, 1)
    assert memoryless.thisnode == ()
    assert [nid for nid, _ in memoryless.fallback] == [3, 2, 0]
    assert zonelists.local_memory_node(memoryless.fallback, 1) == 3
    assert zonelists.local_memory_node((), 1) == -1
    assert all(nid != 1 for n in run.state.nodes for nid, _ in n.fallback)


def test_inside_a_node_the_highest_zone_is_first():
    """Node 0 has DMA and Normal; the list for itself alone names no other node."""
    run = after(NUMA, FreeAreaInit(FOUR, ENDS, NONE), BuildZonelists((0,), FLAT))
    first = node(run)
    assert first.fallback[:3] == ((0, 1), (0, 0), (1, 1))
    assert first.thisnode == ((0, 1), (0, 0))


def test_without_numa_the_nodes_go_round():
    """The own node, those above, then those below; there is one list a node."""
    found = lists(UMA, FOUR, ENDS, (0,), FLAT)
    assert found[2] == [2, 3, 0, 1]
    run = after(UMA, FreeAreaInit(FOUR, ENDS, NONE), BuildZonelists((0,), FLAT))
    assert {n.thisnode for n in run.state.nodes} == {()}


@pytest.mark.parametrize(("pages", "is_off"), [(2559, True), (2560, False)])
def test_grouping_needs_a_page_block_for_each_migrate_type(pages, is_off):
    """Five types of 512 pages."""
    assert zonelists.grouping_off(pages, 512, 5) is is_off
    run = after(
        replace(TINY, dma_reserve=0, page_struct=0),
        FreeAreaInit(mem((0, 0, pages)), (4096, 4096, 0), NONE),
    )
    assert run.do(BuildZonelists((0,), ((10,),))) == Built(1, is_off, pages)
    assert run.state.grouping_off is is_off


# ------------------------------------------------------------------ hotplug


def hot(*parts):
    """Return the session after boot of 2048 pages, and these parts."""
    boot = (
        FreeAreaInit(mem((0, 4096, 6144)), (4096, 6144, 0), NONE),
        BuildZonelists((0,), HOTPLUG.distances[0]),
        MemblockFreeAll(((0, 2048, 0), (0, 0, 0))),
        SetupPagesets(),
        FinishInit(0),
        InitWmarks(),
    )
    return after(HOTPLUG, *boot, *(OnlinePages(Part(*each)) for each in parts))


def test_a_node_that_gets_memory_is_in_all_lists():
    """Node 1 had none; grouping by mobility is worth while from 2560 pages on."""
    run = hot()
    assert run.state.grouping_off
    assert node(run).fallback == node(run, 1).fallback == ((0, 1),)
    run = hot((1, 1, 49152, 9216))
    assert (node(run, 1).start, node(run, 1).end) == (49152, 58368)
    assert node(run, 1).fallback == ((1, 1), (0, 1))
    assert node(run).fallback == ((0, 1), (1, 1))
    assert not run.state.grouping_off


def test_a_zone_that_grows_gets_larger_pagesets_and_marks():
    """2048 pages and 16384: batch 3; its marks are a share of the new root."""
    run = hot((0, 1, 8192, 16384))
    zone = node(run).zones[1]
    assert (zone.start, zone.end, zone.present) == (4096, 24576, 18432)
    assert zone.limits == (18, 3)
    kept = run.state.tunables.min_free_kbytes
    assert zone.marks[0] == kept // 4
    assert kept == marks.root_kbytes(18432 - 137)  # the old high mark of 2048 pages


def test_a_zone_grows_downwards_and_a_hole_stays_absent():
    """ZONE_MOVABLE from 4096 on, then from 1024."""
    run = hot((0, 2, 8192, 1024), (0, 2, 7168, 1024), (0, 0, 1024, 1024))
    dma, normal, moved = node(run).zones
    assert (dma.start, dma.end) == (1024, 2048)
    assert (moved.start, moved.end, moved.present) == (7168, 9216, 2048)
    assert node(run).start == 1024
    assert [r.start for r in run.state.memory] == [1024, 4096, 7168, 8192]
    assert dma.reserve == (0, normal.managed // 256, (2048 + 2048) // 256)


@pytest.mark.parametrize(("start", "pages"), [(8192, 1000), (8193, 1024), (8192, 0)])
def test_only_whole_sections_come(start, pages):
    """A section is 1024 pages here."""
    run = hot((0, 1, start, pages))
    assert run.trace[-1].result is Errno.EINVAL
    assert run.state == hot().state


# ------------------------------------------------------------------ blocks


def test_blocks_grow_over_the_gaps_of_a_window():
    """The part above a gap takes it.

    window   [-------------------)
    before     [--)     [--)
    after    [----)[-------------)
    """
    blocks = (Block(8, 10, 1), Block(2, 4, 0))
    assert fill.fill_range(blocks, 0, 16) == (Block(4, 16, 1), Block(0, 4, 0))
    assert fill.fill_range(blocks, 4, 8) is None
    inside = (Block(0, 9), Block(2, 4), Block(6, 12))
    assert fill.fill_range(inside, 0, 12) == inside


def test_far_starts_are_compared_as_they_are():
    """Starts 0 and 8 differ by the sign bit of a word of four bits."""
    assert [fill.compare(a, b) for a, b in ((0, 8), (8, 0), (8, 8))] == [-1, 1, 0]
    assert machine_fill.cmp_memblk([0, 1, 0], [8, 9, 0]) == -1
    assert machine_fill.cmp_memblk([8, 1, 0], [8, 9, 0]) == 0
    run = after(FILL, FillMemblks((0, 16)), FillMemblks((4, 5)))
    assert run.trace[0].result is True
    assert run.state.blocks[0].start == 5


# ------------------------------------------------------------------ rules


def broken(s, **fields):
    """Return a state whose first node's first zone differs."""
    first = s.nodes[0]
    zone = replace(first.zones[0], **fields)
    return replace(s, nodes=(replace(first, zones=(zone, *first.zones[1:])),))


def complaints(cfg, s):
    """Return the rules that a state breaks."""
    return {i.id for i in INVARIANTS if any(i.check(cfg, s))}


RUN = (
    FreeAreaInit(mem((0, 0, 16384)), (4096, 16384, 0), NONE),
    BuildZonelists((0,), ((10,),)),
    MemblockFreeAll(((4096, 12288, 0),)),
    SetupPagesets(),
    FinishInit(0),
    InitWmarks(),
)
"""Boot of one node of 64 MiB."""
