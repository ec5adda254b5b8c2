"""What a request asks for: its highest zone, migrate type, zonelist and alloc flags.

Zones of a node are numbered as they are configured: `kinds` are the configured types in
the order of the enumeration, and a zone's index is its type's place there.  A zonelist
is a tuple of (nid, index) in the order of the walk; a nodemask is an integer with a bit
for each node, or none where every node will do.  Everything here is plain numbers.

Source: include/linux/gfp.h, include/linux/mmzone.h, mm/page_alloc.c (v5.10).
"""

from __future__ import annotations

from collections.abc import Iterator

from ..linux import (
    MIGRATE_MOVABLE,
    MIGRATE_UNMOVABLE,
    ZONELIST_FALLBACK,
    ZONELIST_NOFALLBACK,
    AllocFlags,
    Bug,
    Gfp,
    ZoneType,
)

Ref = tuple[int, int]  # (nid, index of the zone in the node): a struct zoneref
Zonelist = tuple[Ref, ...]
Nodemask = int | None

DMA_BITS = Gfp.DMA | Gfp.HIGHMEM | Gfp.DMA32
MOBILITY = Gfp.MOVABLE | Gfp.RECLAIMABLE  # GFP_MOVABLE_MASK
MOBILITY_SHIFT = 3
BAD_ZONE = Bug("more than one zone is asked for")
BAD_TYPE = Bug("movable and reclaimable at once")


def max_nr_zones(kinds: tuple[ZoneType, ...]) -> int:
    """Return MAX_NR_ZONES, the number of zone types that are configured."""
    return len(kinds)


def max_zonelists(numa: bool) -> int:
    """Return MAX_ZONELISTS of a node: one for all nodes, with NUMA one for its own."""
    return ZONELIST_NOFALLBACK + 1 if numa else ZONELIST_FALLBACK + 1


# ------------------------------------------------------------------ the highest zone


def index_of(kind: ZoneType, kinds: tuple[ZoneType, ...]) -> int:
    """Return a zone type's index, that of ZONE_NORMAL where it is not configured."""
    return kinds.index(kind if kind in kinds else ZoneType.NORMAL)


def gfp_zone(gfp: int, kinds: tuple[ZoneType, ...]) -> int | Bug:
    """Return the index of the highest zone that a request may use.

    At most one of the bits DMA, HIGHMEM and DMA32 may be set.  MOVABLE names a zone
    only together with HIGHMEM: alone it says that the page can be moved.
    """
    asked = gfp & DMA_BITS
    if asked == 0:
        return index_of(ZoneType.NORMAL, kinds)
    if asked == Gfp.DMA:
        return index_of(ZoneType.DMA, kinds)
    if asked == Gfp.DMA32:
        return index_of(ZoneType.DMA32, kinds)
    if asked == Gfp.HIGHMEM:
        movable = gfp & Gfp.MOVABLE
        return index_of(ZoneType.MOVABLE if movable else ZoneType.HIGHMEM, kinds)
    return BAD_ZONE


def gfp_migratetype(gfp: int, grouping: bool = True) -> int | Bug:
    """Return the type of the lists that a request is served from first.

    Without grouping, on a machine too small for it, everything is unmovable.
    """
    if gfp & MOBILITY == MOBILITY:
        return BAD_TYPE
    if not grouping:
        return MIGRATE_UNMOVABLE
    return (gfp & MOBILITY) >> MOBILITY_SHIFT


# ------------------------------------------------------------------ the zonelist


def gfp_zonelist(gfp: int, numa: bool = True) -> int:
    """Return which of a node's two zonelists a request walks; UMA has only one."""
    return ZONELIST_NOFALLBACK if numa and gfp & Gfp.THISNODE else ZONELIST_FALLBACK


def in_mask(mask: Nodemask, nid: int) -> bool:
    """Say whether a nodemask has a node."""
    return mask is None or mask >> nid & 1 == 1


def is_eligible(nid: int, index: int, highest: int, mask: Nodemask) -> bool:
    """Say whether a request may look at a zone at all."""
    return index <= highest and in_mask(mask, nid)


def eligible(zonelist: Zonelist, highest: int, mask: Nodemask) -> Iterator[Ref]:
    """Yield the zones that a request may look at, in order: for_each_zone_zonelist."""
    for nid, index in zonelist:
        if is_eligible(nid, index, highest, mask):
            yield nid, index


def first_zone(zonelist: Zonelist, highest: int, mask: Nodemask) -> Ref | None:
    """Return the preferred zone of a request: first_zones_zonelist()."""
    return next(eligible(zonelist, highest, mask), None)


def zone_of_request(
    gfp: int,
    zonelists: tuple[Zonelist, ...],
    kinds: tuple[ZoneType, ...],
    mask: Nodemask = None,
    numa: bool = True,
) -> Ref | None | Bug:
    """Return the preferred zone of a request, given both zonelists of its node."""
    highest = gfp_zone(gfp, kinds)
    if isinstance(highest, Bug):
        return highest
    return first_zone(zonelists[gfp_zonelist(gfp, numa)], highest, mask)


# ------------------------------------------------------------------ alloc flags


def current_alloc_flags(gfp: int, flags: int, has_cma: bool, nocma: bool) -> int:
    """Add ALLOC_CMA for a movable request, unless the task forbids it.

    `nocma` is PF_MEMALLOC_NOCMA.
    """
    movable = gfp & MOBILITY == MIGRATE_MOVABLE << MOBILITY_SHIFT
    return flags | AllocFlags.CMA if has_cma and movable and not nocma else flags


def avoids_fragments(
    preferred: int | None, kinds: tuple[ZoneType, ...], nodes: int, below: bool
) -> bool:
    """Say whether the first pass may not mix migrate types in a page block.

    Only where there is another zone to go to: the preferred one, given by its index, is
    ZONE_NORMAL and ZONE_DMA32 is configured; with several nodes online the node's own
    must have memory (`below`), which with one node nobody asks.
    """
    if ZoneType.DMA32 not in kinds or preferred is None:
        return False
    if preferred != kinds.index(ZoneType.NORMAL):
        return False
    return nodes <= 1 or below


def alloc_flags_nofragment(
    gfp: int,
    preferred: int | None,
    kinds: tuple[ZoneType, ...],
    nodes: int = 1,
    below: bool = True,
) -> int:
    """Return ALLOC_KSWAPD as the request has it, and ALLOC_NOFRAGMENT if it is due."""
    flags = gfp & Gfp.KSWAPD_RECLAIM
    if avoids_fragments(preferred, kinds, nodes, below):
        flags |= AllocFlags.NOFRAGMENT
    return flags


def fast_flags(
    gfp: int,
    preferred: int | None,
    kinds: tuple[ZoneType, ...],
    *,
    nodes: int = 1,
    below: bool = True,
    has_cma: bool = False,
    nocma: bool = False,
    cpuset: bool = False,
) -> int:
    """Return the alloc flags of the first attempt, which must leave the low mark."""
    flags: int = AllocFlags.WMARK_LOW | (AllocFlags.CPUSET if cpuset else 0)
    flags = current_alloc_flags(gfp, flags, has_cma, nocma)
    return flags | alloc_flags_nofragment(gfp, preferred, kinds, nodes, below)


def gfp_of_context(gfp: int, noio: bool, nofs: bool) -> int:
    """Return what a task's scope leaves of a request: current_gfp_context()."""
    if noio:
        return gfp & ~int(Gfp.IO | Gfp.FS)
    return gfp & ~int(Gfp.FS) if nofs else gfp


# ------------------------------------------------------------------ the page itself


def is_zeroed(
    gfp: int, on_alloc: bool, on_free: bool, poisoned: bool, poisoned_zero: bool
) -> bool:
    """Say whether the allocator fills a new block with zeros: prep_new_page().

    `on_alloc` and `on_free` are init_on_alloc and init_on_free; pages that are zero
    since they were freed are not filled again.
    """
    if on_free or (poisoned and poisoned_zero):
        return False
    return bool(gfp & Gfp.ZERO) or (on_alloc and not poisoned)


# ------------------------------------------------------------------ interleaving


def next_node_in(nid: int, mask: int, nodes: int) -> int:
    """Return the next node of a mask after one, starting again at the end.

    `nodes` is MAX_NUMNODES, and the answer for an empty mask.
    """
    after = [n for n in range(nid + 1, nodes) if mask >> n & 1]
    return (after or [n for n in range(nodes) if mask >> n & 1] or [nodes])[0]


def offset_il_node(offset: int, mask: int, nodes: int, here: int) -> int:
    """Return the node that the page at an offset belongs to, `here` for no mask."""
    members = [n for n in range(nodes) if mask >> n & 1]
    return members[offset % len(members)] if members else here
