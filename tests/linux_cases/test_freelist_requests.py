"""What a request asks for: include/linux/gfp.h (v5.10), bit by bit."""

import pytest

from mmoracle.spec.freelist.request import (
    BAD_TYPE,
    BAD_ZONE,
    alloc_flags_nofragment,
    fast_flags,
    gfp_migratetype,
    gfp_zone,
    gfp_zonelist,
    max_nr_zones,
    max_zonelists,
    next_node_in,
    offset_il_node,
    zone_of_request,
)
from mmoracle.spec.linux import (
    GFP_ATOMIC,
    GFP_HIGHUSER_MOVABLE,
    GFP_KERNEL,
    ZONELIST_FALLBACK,
    ZONELIST_NOFALLBACK,
    AllocFlags,
    Gfp,
    ZoneType,
)

DMA, DMA32, NORMAL, HIGHMEM, MOVABLE, DEVICE = ZoneType
X86_64 = (DMA, DMA32, NORMAL, MOVABLE, DEVICE)
X86_32 = (DMA, NORMAL, HIGHMEM, MOVABLE)
RISCV64 = (DMA32, NORMAL, MOVABLE)
LEAST = (NORMAL, MOVABLE)


@pytest.mark.parametrize(
    ("gfp", "x86_64", "x86_32", "riscv64", "least"),
    [
        (0x0, NORMAL, NORMAL, NORMAL, NORMAL),
        (0x1, DMA, DMA, NORMAL, NORMAL),
        (0x2, NORMAL, HIGHMEM, NORMAL, NORMAL),
        (0x4, DMA32, NORMAL, DMA32, NORMAL),
        (0x8, NORMAL, NORMAL, NORMAL, NORMAL),
        (0x9, DMA, DMA, NORMAL, NORMAL),
        (0xA, MOVABLE, MOVABLE, MOVABLE, MOVABLE),
        (0xC, DMA32, NORMAL, DMA32, NORMAL),
    ],
)
def test_gfp_zone_names_a_zone_that_is_configured(gfp, x86_64, x86_32, riscv64, least):
    """MOVABLE needs HIGHMEM as well; what is not configured is ZONE_NORMAL.

    |  GFP_HIGHUSER_MOVABLE is zone 3 of x86_64, 2 of riscv64  |
    """
    for kinds, kind in (
        (X86_64, x86_64),
        (X86_32, x86_32),
        (RISCV64, riscv64),
        (LEAST, least),
    ):
        assert kinds[gfp_zone(gfp, kinds)] is kind


@pytest.mark.parametrize("gfp", [0x3, 0x5, 0x6, 0x7, 0xB, 0xD, 0xE, 0xF])
def test_two_zones_at_once_are_a_bug(gfp):
    for kinds in (X86_64, X86_32, RISCV64, LEAST):
        assert gfp_zone(gfp, kinds) == BAD_ZONE
    assert zone_of_request(gfp, ((), ()), X86_64) == BAD_ZONE


def test_there_are_as_many_zones_and_zonelists_as_are_configured():
    """MAX_NR_ZONES: 5 on x86_64 with ZONE_DEVICE, 3 on riscv64; MAX_ZONELISTS."""
    assert [max_nr_zones(kinds) for kinds in (X86_64, X86_32, RISCV64)] == [5, 4, 3]
    assert [max_zonelists(numa) for numa in (False, True)] == [1, 2]


def test_mobility_names_the_lists():
    """(gfp & GFP_MOVABLE_MASK) >> 3; all is unmovable without grouping."""
    bits = (Gfp.NONE, Gfp.MOVABLE, Gfp.RECLAIMABLE)
    assert [gfp_migratetype(GFP_KERNEL | each) for each in bits] == [0, 1, 2]
    assert [gfp_migratetype(each, grouping=False) for each in bits] == [0, 0, 0]
    assert gfp_migratetype(Gfp.MOVABLE | Gfp.RECLAIMABLE) == BAD_TYPE


def test_the_preferred_zone_is_the_first_of_the_list_that_may_be_used():
    """first_zones_zonelist(): not above the highest, and on a node of the mask.

    |  node 0 has DMA32 and Normal, node 1 Normal  |
    """
    fallback, own = ((0, 1), (0, 0), (1, 1)), ((0, 1), (0, 0))
    lists = (fallback, own)
    assert zone_of_request(GFP_KERNEL, lists, RISCV64) == (0, 1)
    assert zone_of_request(Gfp.DMA32, lists, RISCV64) == (0, 0)
    assert zone_of_request(GFP_KERNEL, lists, RISCV64, 0b10) == (1, 1)
    assert zone_of_request(Gfp.DMA32, lists, RISCV64, 0b10) is None
    exact = GFP_KERNEL | Gfp.THISNODE
    assert zone_of_request(exact, lists, RISCV64, 0b10) is None
    assert zone_of_request(exact, (fallback,), RISCV64, 0b10, numa=False) == (1, 1)
    assert gfp_zonelist(exact) == ZONELIST_NOFALLBACK
    assert gfp_zonelist(exact, numa=False) == ZONELIST_FALLBACK
    assert zone_of_request(GFP_HIGHUSER_MOVABLE, lists, RISCV64) == (0, 1)


def test_fragments_are_avoided_in_zone_normal_above_a_zone_dma32():
    """alloc_flags_nofragment(): one node asks nothing of the zone below."""
    avoids = AllocFlags.NOFRAGMENT | AllocFlags.KSWAPD
    for preferred, kinds, nodes, below, due in (
        (1, RISCV64, 1, False, avoids),
        (1, RISCV64, 2, True, avoids),
        (1, RISCV64, 2, False, AllocFlags.KSWAPD),
        (0, RISCV64, 1, True, AllocFlags.KSWAPD),
        (2, RISCV64, 1, True, AllocFlags.KSWAPD),
        (None, RISCV64, 1, True, AllocFlags.KSWAPD),
        (0, LEAST, 1, True, AllocFlags.KSWAPD),
        (2, X86_64, 1, True, avoids),
    ):
        assert alloc_flags_nofragment(GFP_KERNEL, preferred, kinds, nodes, below) == due
    assert alloc_flags_nofragment(Gfp.NONE, 0, LEAST) == 0


def test_the_first_attempt_leaves_the_low_mark():
    low = AllocFlags.WMARK_LOW | AllocFlags.KSWAPD
    assert fast_flags(GFP_ATOMIC, 0, LEAST) == low
    cma = {"has_cma": True, "nocma": False}
    movable = fast_flags(GFP_HIGHUSER_MOVABLE, 1, LEAST, cpuset=True, **cma)
    assert movable == low | AllocFlags.CMA | AllocFlags.CPUSET
    assert fast_flags(GFP_KERNEL, 0, LEAST, **cma) == low
    assert fast_flags(GFP_HIGHUSER_MOVABLE, 1, LEAST, has_cma=True, nocma=True) == low


def test_interleaving_visits_the_nodes_of_a_mask_in_turn():
    """next_node_in() wraps; MAX_NUMNODES for an empty mask."""
    at, met = 3, []
    for _ in range(5):
        at = next_node_in(at, 0b1011, 4)
        met.append(at)
    assert met == [0, 1, 3, 0, 1]
    assert next_node_in(0, 0, 4) == 4
    assert [offset_il_node(n, 0b1011, 4, 2) for n in range(4)] == [0, 1, 3, 0]
    assert offset_il_node(7, 0, 4, 2) == 2
