"""Nodes and zones from a memory map: a table of each node's frames, asked by bisection.

Source: mm/page_alloc.c:free_area_init and below (v5.10).
"""

from __future__ import annotations

from bisect import bisect_right


class Zone:
    """struct zone: pages, marks and reserves; high and batch of its pagesets."""

    __slots__ = (
        "batch",
        "boost",
        "high",
        "managed",
        "present",
        "reserve",
        "spanned",
        "start",
        "wmark",
    )

    def __init__(self, start: int, spanned: int, present: int, zones: int) -> None:
        self.start, self.spanned, self.present = start, spanned, present
        self.managed = self.boost = 0
        self.wmark = [0, 0, 0]
        self.reserve = [0] * zones
        self.high, self.batch = 0, 1  # boot_pageset

    def copy(self) -> Zone:
        """Return another zone that is the same.  O(zones)."""
        other = Zone(self.start, self.spanned, self.present, len(self.reserve))
        other.managed, other.boost = self.managed, self.boost
        other.wmark, other.reserve = self.wmark[:], self.reserve[:]
        other.high, other.batch = self.high, self.batch
        return other

    @property
    def end(self) -> int:
        """Return zone_end_pfn.  O(1)."""
        return self.start + self.spanned


class Pgdat:
    """struct pglist_data: the zones of a node and the order in which it asks others."""

    __slots__ = (
        "deferred",
        "end",
        "fallback",
        "movable_pfn",
        "nid",
        "start",
        "thisnode",
        "totalreserve",
        "zones",
    )

    def __init__(self, nid: int, start: int, end: int, movable_pfn: int) -> None:
        self.nid, self.start, self.end = nid, start, end
        self.movable_pfn = movable_pfn
        self.zones: list[Zone] = []
        self.deferred = self.totalreserve = 0
        self.fallback: list[tuple[int, int]] = []
        self.thisnode: list[tuple[int, int]] = []

    def copy(self) -> Pgdat:
        """Return another node that is the same; its lists are shared.  O(zones)."""
        other = Pgdat(self.nid, self.start, self.end, self.movable_pfn)
        other.zones = [zone.copy() for zone in self.zones]
        other.deferred, other.totalreserve = self.deferred, self.totalreserve
        other.fallback, other.thisnode = self.fallback, self.thisnode
        return other

    @property
    def last(self) -> int:
        """Return the index of the zone that ends the node, -1 if none.  O(zones)."""
        found, top = -1, -1
        for i, zone in enumerate(self.zones):
            if zone.spanned and zone.end > top:
                found, top = i, zone.end
        return found

    @property
    def has_memory(self) -> bool:
        """Say whether a page is present: N_MEMORY.  O(zones)."""
        return any(zone.present for zone in self.zones)


class Frames:
    """The ranges of one node by rising pfn, with the frames below each of them."""

    __slots__ = ("below", "ends", "starts")

    def __init__(self, ranges: list[tuple[int, int]]) -> None:
        self.starts = [start for start, _ in ranges]
        self.ends = [end for _, end in ranges]
        self.below = [0]
        for start, end in ranges:
            self.below.append(self.below[-1] + end - start)

    @property
    def bounds(self) -> tuple[int, int]:
        """Return first and end pfn, (0, 0) without memory.  O(1)."""
        return (self.starts[0], self.ends[-1]) if self.starts else (0, 0)

    def count_below(self, pfn: int) -> int:
        """Return how many frames of the node lie below a pfn.  O(log ranges)."""
        at = bisect_right(self.starts, pfn) - 1
        if at < 0:
            return 0
        return self.below[at] + min(pfn, self.ends[at]) - self.starts[at]

    def absent(self, start: int, end: int) -> int:
        """Return the frames of [start, end) that are not there.  O(log ranges).

        A range that ends before it starts counts below 0, as in the kernel.
        """
        if end <= start:
            return end - start
        return end - start - (self.count_below(end) - self.count_below(start))

    def first_deferred(self, start: int, end: int, section: int) -> int:
        """Return where descriptors begin to wait in a zone, or -1.  O(ranges).

        The zone first gets a section's worth, then goes on to a border of sections.
        """
        ready = 0
        for first, last in zip(self.starts, self.ends, strict=True):
            low, high = max(first, start), min(last, end)
            if low >= high:
                continue
            due = max(low, low + section - ready)
            border = due + -due % section
            if border < high:
                return border
            ready += high - low
        return -1


def zone_limits(
    zones: int, movable: int, ends: tuple[int, ...], first: int, descending: bool
) -> list[tuple[int, int]]:
    """Return lowest and end pfn of each zone type.  O(zones)."""
    limits = [(0, 0)] * zones
    order = [z for z in range(zones) if z != movable]
    if descending:
        order.reverse()
    for zone in order:
        limits[zone] = (first, max(ends[zone], first))
        first = limits[zone][1]
    return limits


def movable_source(limits: list[tuple[int, int]], movable: int) -> int:
    """Return movable_zone: the highest type with room, -1 if none.  O(zones)."""
    found = -1
    for zone, (low, high) in enumerate(limits):
        if zone != movable and high > low:
            found = zone
    return found


def zone_bounds(
    zone: int,
    limits: list[tuple[int, int]],
    movable: int,
    node: tuple[int, int],
    movable_pfn: int,
    mirrored: bool,
) -> tuple[int, int]:
    """Return a zone's range, ZONE_MOVABLE taken into account.  O(zones)."""
    low, high = limits[zone]
    start = min(max(node[0], low), high)
    end = min(max(node[1], low), high)
    if movable_pfn and zone == movable:
        top = limits[movable_source(limits, movable)][1]
        return movable_pfn, min(node[1], top)
    if movable_pfn and not mirrored and start < movable_pfn:
        return start, min(end, movable_pfn)
    if movable_pfn and start >= movable_pfn:
        return end, end
    return start, end


def spanned(start: int, end: int, node: tuple[int, int]) -> tuple[int, int]:
    """Return the part of a zone's range that is the node's, (0, 0) if none.  O(1)."""
    if end < node[0] or start > node[1]:
        return 0, 0
    start, end = max(start, node[0]), min(end, node[1])
    return (start, end) if start != end else (0, 0)


def calc_memmap_size(
    span: int, present: int, sparse: bool, page_struct: int, page_shift: int
) -> int:
    """Return the pages that a zone's descriptors are reckoned to take.  O(1)."""
    pages = present if sparse and span > present + present // 16 else span
    return -(-pages * page_struct // (1 << page_shift))
