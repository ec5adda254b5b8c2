"""How far each zone of each node reaches, and how many frames are there.

An architecture says where each zone type must end; a node's zone is what the node and
the type's limits have in common, ZONE_MOVABLE cut off at the top.  `spanned` counts all
frames of that range, `present` those that are memory.

Source: mm/page_alloc.c:free_area_init, zone_spanned_pages_in_node,
zone_absent_pages_in_node, calculate_node_totalpages, free_area_init_core (v5.10).
"""

from __future__ import annotations

from ..core import value
from .layout import Layout, Range, node_range, of_node

Limits = tuple[tuple[int, int], ...]  # of each zone type: lowest, end pfn


@value
class Extent:
    """Where a node's zone lies; the start is 0 where it spans nothing."""

    start: int = 0
    spanned: int = 0
    present: int = 0

    @property
    def end(self) -> int:
        """Return zone_end_pfn()."""
        return self.start + self.spanned


def clamp(pfn: int, low: int, high: int) -> int:
    """Return a pfn moved into low..high; `high` wins where they are crossed."""
    return min(max(pfn, low), high)


def zone_limits(
    layout: Layout,
    max_zone_pfns: tuple[int, ...],
    ranges: tuple[Range, ...],
    descending: bool = False,
) -> Limits:
    """Return the pfns that each zone type may have, (0, 0) for ZONE_MOVABLE.

    `max_zone_pfns` is the end of each type as the architecture says, in zone order;
    `descending` where higher types lie lower (ARC with HIGHMEM).
    """
    at = min((r.start for r in ranges if r.start < r.end), default=0)
    limits = [(0, 0)] * layout.count
    order = range(layout.count)
    for zone in reversed(order) if descending else order:
        if zone != layout.movable:
            end = max(max_zone_pfns[zone], at)
            limits[zone] = (at, end)
            at = end
    return tuple(limits)


def zone_for_movable(layout: Layout, limits: Limits) -> int:
    """Return the zone type that ZONE_MOVABLE takes from, -1 if there is no memory.

    Source: mm/page_alloc.c:find_usable_zone_for_movable (v5.10).
    """
    for zone in reversed(range(layout.count)):
        low, high = limits[zone]
        if zone != layout.movable and low < high:
            return zone
    return -1


def give_to_movable(
    start: int, end: int, movable_pfn: int, mirrored: bool = False
) -> tuple[int, int]:
    """Return what is left of a zone's range where ZONE_MOVABLE begins at a pfn."""
    if not mirrored and start < movable_pfn < end:
        return start, movable_pfn
    if start >= movable_pfn:
        return end, end
    return start, end


def zone_range(
    layout: Layout,
    zone: int,
    limits: Limits,
    node: tuple[int, int],
    movable_pfn: int,
    mirrored: bool = False,
) -> tuple[int, int]:
    """Return the range of a zone before it is moved into its node.

    `movable_pfn` is where ZONE_MOVABLE begins on the node, 0 without; with it the end
    may lie below the start.  Source: adjust_zone_range_for_zone_movable().
    """
    low, high = limits[zone]
    start, end = clamp(node[0], low, high), clamp(node[1], low, high)
    if not movable_pfn:
        return start, end
    if zone == layout.movable:
        top = limits[zone_for_movable(layout, limits)][1]
        return movable_pfn, min(node[1], top)
    return give_to_movable(start, end, movable_pfn, mirrored)


def spanned_in_node(start: int, end: int, node: tuple[int, int]) -> tuple[int, int]:
    """Return (start, spanned pages) of a zone's range on its node."""
    if end < node[0] or start > node[1]:
        return 0, 0
    start, end = max(start, node[0]), min(end, node[1])
    return (start, end - start) if end != start else (0, 0)


def absent_in_range(ranges: tuple[Range, ...], nid: int, start: int, end: int) -> int:
    """Return the pages of [start, end) that are no memory of a node.

    Below 0 for a range that ends before it starts.
    """
    present = sum(
        clamp(r.end, start, end) - clamp(r.start, start, end)
        for r in of_node(ranges, nid)
    )
    return end - start - present


def of_other_kind(
    layout: Layout, zone: int, ranges: tuple[Range, ...], start: int, end: int
) -> int:
    """Return the pages of a range that, with mirrored memory, are another zone's.

    Those of ZONE_MOVABLE that are mirrored, those of ZONE_NORMAL that are not.
    """
    if zone not in (layout.movable, layout.normal):
        return 0
    return sum(
        clamp(r.end, start, end) - clamp(r.start, start, end)
        for r in ranges
        if r.mirror == (zone == layout.movable)
    )


def zone_extent(
    layout: Layout,
    zone: int,
    limits: Limits,
    ranges: tuple[Range, ...],
    nid: int,
    movable_pfn: int = 0,
    mirrored: bool = False,
) -> Extent:
    """Return start, spanned and present pages of a node's zone."""
    node = node_range(ranges, nid)
    if node == (0, 0):
        return Extent()
    start, end = zone_range(layout, zone, limits, node, movable_pfn, mirrored)
    absent = absent_in_range(ranges, nid, start, end)
    if mirrored and movable_pfn:
        absent += of_other_kind(layout, zone, ranges, start, end)
    first, spanned = spanned_in_node(start, end, node)
    return Extent(first, spanned, spanned - absent)


def node_extents(
    layout: Layout,
    limits: Limits,
    ranges: tuple[Range, ...],
    nid: int,
    movable_pfn: int = 0,
    mirrored: bool = False,
) -> tuple[Extent, ...]:
    """Return the extents of all zones of a node: calculate_node_totalpages()."""
    return tuple(
        zone_extent(layout, zone, limits, ranges, nid, movable_pfn, mirrored)
        for zone in range(layout.count)
    )


# ------------------------------------------------------------------ page descriptors


def memmap_pages(
    spanned: int,
    present: int,
    sparsemem: bool = True,
    page_struct: int = 64,
    page_shift: int = 12,
) -> int:
    """Return the pages that the descriptors of a zone are reckoned to take.

    `page_struct` is sizeof(struct page).  Source: calc_memmap_size().
    """
    pages = spanned
    if sparsemem and spanned > present + (present >> 4):
        pages = present
    page_size = 1 << page_shift
    return (pages * page_struct + page_size - 1) >> page_shift


def provisional(
    present: int, memmap: int, first: bool, highmem: bool = False, dma_reserve: int = 0
) -> int:
    """Return a zone's managed pages as they are reckoned before any page is free.

    `first` is the zone with index 0, which `dma_reserve` is taken from.  The "LIFO
    batch" of the boot log is the batch of this number.  Source: free_area_init_core().
    """
    free = present
    if not highmem and free >= memmap:
        free -= memmap
    if first and free > dma_reserve:
        free -= dma_reserve
    return free


def first_deferred(
    ranges: tuple[Range, ...], nid: int, zone: Extent, node_end: int, section: int
) -> int:
    """Return the first pfn of a node whose descriptor waits until late in boot, or -1.

    Only the zone at the end of the node waits, from a border between sections on, when
    it has a section's worth of pages already.  Source: defer_init().
    """
    if not zone.spanned or zone.end < node_end:
        return -1
    ready = 0
    for r in of_node(ranges, nid):
        start, end = max(r.start, zone.start), min(r.end, zone.end)
        if start >= end:
            continue
        border = (max(start, start + section - ready) + section - 1) // section
        if border * section < end:
            return border * section
        ready += end - start
    return -1
