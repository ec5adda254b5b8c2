"""What a request asks for, by tables and bits.

Mirrors `spec/freelist/request.py`; the highest zone is looked up in one word, as the
kernel does it.

Source: include/linux/gfp.h, mm/page_alloc.c, mm/mempolicy.c (v5.10).
"""

from __future__ import annotations

from collections.abc import Sequence

from mmoracle.spec.linux import AllocFlags, Bug, Gfp, ZoneType

DMA, HIGHMEM, DMA32, MOVABLE = 1, 2, 4, 8
ZONE_BITS = 15  # GFP_ZONEMASK
THISNODE, KSWAPD = int(Gfp.THISNODE), int(Gfp.KSWAPD_RECLAIM)
HARDWALL, ZERO = int(Gfp.HARDWALL), int(Gfp.ZERO)
IO_FS, FS = int(Gfp.IO | Gfp.FS), int(Gfp.FS)
ALLOC_CMA, NOFRAGMENT = int(AllocFlags.CMA), int(AllocFlags.NOFRAGMENT)
ZONES_SHIFT = 3
BAD = sum(1 << bits for bits in range(16) if (bits & 7).bit_count() > 1)
BAD_ZONE = Bug("more than one zone is asked for")
BAD_TYPE = Bug("movable and reclaimable at once")


def gfp_zone_table(kinds: Sequence[int]) -> int:
    """Return GFP_ZONE_TABLE: three bits for each of the 16 combinations. O(1)."""
    place = {int(kind): i for i, kind in enumerate(kinds)}
    normal = place[ZoneType.NORMAL]
    row = {
        0: normal,
        DMA: place.get(ZoneType.DMA, normal),
        HIGHMEM: place.get(ZoneType.HIGHMEM, normal),
        DMA32: place.get(ZoneType.DMA32, normal),
    }
    row |= {bits | MOVABLE: index for bits, index in row.items()}
    row[MOVABLE | HIGHMEM] = place.get(ZoneType.MOVABLE, normal)
    return sum(index << bits * ZONES_SHIFT for bits, index in row.items())


def gfp_zone(gfp: int, table: int) -> int:
    """Return the index of the highest zone, -1 for a combination that is none. O(1)."""
    bits = gfp & ZONE_BITS
    if BAD >> bits & 1:
        return -1
    return table >> bits * ZONES_SHIFT & 7


def gfp_migratetype(gfp: int, grouping: bool) -> int:
    """Return the migrate type of a request, -1 for both bits at once. O(1)."""
    mt = gfp >> 3 & 3
    if mt == 3:
        return -1
    return mt if grouping else 0


def current_alloc_flags(gfp: int, flags: int, has_cma: bool, nocma: bool) -> int:
    """Add ALLOC_CMA for a movable request. O(1)."""
    if has_cma and not nocma and gfp >> 3 & 3 == 1:
        return flags | ALLOC_CMA
    return flags


def alloc_flags_nofragment(
    gfp: int, index: int, normal: int, dma32: bool, nodes: int, below: bool
) -> int:
    """Return ALLOC_KSWAPD and ALLOC_NOFRAGMENT as they are due. O(1).

    `index` is the preferred zone's, -1 without one; `normal` is ZONE_NORMAL.
    """
    flags = gfp & KSWAPD
    if dma32 and index == normal and (nodes <= 1 or below):
        flags |= NOFRAGMENT
    return flags


def current_gfp_context(gfp: int, noio: bool, nofs: bool) -> int:
    """Return what a task's scope leaves of a request. O(1)."""
    if noio:
        return gfp & ~IO_FS
    return gfp & ~FS if nofs else gfp


def is_zeroed(
    gfp: int, on_alloc: bool, on_free: bool, poisoned: bool, poisoned_zero: bool
) -> bool:
    """Say whether a new block is filled with zeros. O(1)."""
    prezeroed = on_free or (poisoned and poisoned_zero)
    wanted = (on_alloc and not poisoned) or gfp & ZERO != 0
    return wanted and not prezeroed


def next_node_in(nid: int, mask: int, nodes: int) -> int:
    """Return the next node of a mask, `nodes` for an empty one. O(1)."""
    above = mask >> (nid + 1) << (nid + 1)
    mask = above or mask
    return (mask & -mask).bit_length() - 1 if mask else nodes


def offset_il_node(offset: int, mask: int, here: int) -> int:
    """Return the node of the page at an offset. O(nodes)."""
    if not mask:
        return here
    for _ in range(offset % mask.bit_count()):
        mask &= mask - 1
    return (mask & -mask).bit_length() - 1
