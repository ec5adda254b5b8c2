"""Zones and nodes as reclaim sees them: plain counters, in pages.

Source: include/linux/mmzone.h, mm/vmscan.c (v5.10).
"""

from __future__ import annotations

from mmoracle.impl.watermark import zone_watermark_ok

WMARK_MIN, WMARK_HIGH = 0, 2

ASLEEP, NAPPING, ROUSED, WOKEN, RESTLESS, SCANNING = range(6)  # where a kswapd is

Event = tuple[str | int, ...]  # a name and its numbers


class Zone:
    """A zone's counters; `at` is its place among all zones."""

    __slots__ = (
        "anon",
        "at",
        "block",
        "boost",
        "file",
        "free",
        "index",
        "managed",
        "marks",
        "nid",
        "orders",
        "reserve",
    )

    def __init__(
        self,
        at: int,
        nid: int,
        index: int,
        managed: int,
        marks: tuple[int, ...],
        reserve: tuple[int, ...],
        orders: int,
    ) -> None:
        self.at, self.nid, self.index, self.managed = at, nid, index, managed
        self.marks, self.reserve, self.orders = marks, reserve, orders
        self.free = self.file = self.anon = self.boost = self.block = 0

    def min_wmark_pages(self) -> int:
        """Return the lowest mark.  O(1)."""
        return self.marks[WMARK_MIN] + self.boost

    def high_wmark_pages(self) -> int:
        """Return the mark up to which kswapd reclaims.  O(1)."""
        return self.marks[WMARK_HIGH] + self.boost

    def watermark_ok(self, order: int, mark: int, highest: int) -> bool:
        """Say whether a request without privileges may be served.  O(orders)."""
        largest = self.block
        while largest > 0 and 1 << largest > self.free:
            largest -= 1
        lists = [1] * (largest + 1) + [0] * (self.orders - largest - 1)
        if not self.free:
            lists = [0] * self.orders
        reserve = self.reserve[highest]
        return zone_watermark_ok(self.free, order, mark, reserve, 0, lists)

    def reclaimable_pages(self, swap: bool) -> int:
        """Return what may be reclaimed, else what is free.  O(1)."""
        return self.file + (self.anon if swap else 0) or self.free


class ScanControl:
    """What a reclaim wants and has got: struct scan_control."""

    __slots__ = (
        "compaction_ready",
        "force_deactivate",
        "gfp",
        "may_swap",
        "may_writepage",
        "memcg_low_reclaim",
        "memcg_low_skipped",
        "nr_reclaimed",
        "nr_scanned",
        "nr_to_reclaim",
        "order",
        "priority",
        "reclaim_idx",
        "skipped_deactivate",
    )

    def __init__(
        self, order: int, reclaim_idx: int, gfp: int, goal: int, priority: int
    ) -> None:
        self.order, self.reclaim_idx, self.gfp = order, reclaim_idx, gfp
        self.nr_to_reclaim, self.priority = goal, priority
        self.may_writepage, self.may_swap = False, True
        self.nr_reclaimed = self.nr_scanned = 0
        self.force_deactivate = self.skipped_deactivate = False
        self.memcg_low_reclaim = self.memcg_low_skipped = False
        self.compaction_ready = False


class ShrinkNode:
    """Where a scan of a node is; `zone` is the one compaction is asked about, or -1."""

    __slots__ = ("inactive", "nid", "nr_reclaimed", "reclaimable", "zone")

    def __init__(self, nid: int, nr_reclaimed: int) -> None:
        self.nid, self.nr_reclaimed = nid, nr_reclaimed
        self.reclaimable, self.zone, self.inactive = False, -1, 0


class Pgdat:
    """A node, with where its kswapd is."""

    __slots__ = (
        "alloc_order",
        "highest_zoneidx",
        "kswapd_failures",
        "kswapd_highest_zoneidx",
        "kswapd_order",
        "label",
        "nid",
        "nr_before",
        "nr_boost_reclaim",
        "reclaim_order",
        "sc",
        "shrink",
        "zone_boosts",
        "zones",
    )

    def __init__(self, nid: int, zones: list[Zone], nowhere: int) -> None:
        self.nid, self.zones = nid, zones
        self.kswapd_order, self.kswapd_highest_zoneidx = 0, nowhere
        self.kswapd_failures, self.label = 0, ASLEEP
        self.alloc_order = self.reclaim_order = 0
        self.highest_zoneidx = nowhere - 1
        self.sc: ScanControl | None = None  # of a run of balance_pgdat
        self.shrink: ShrinkNode | None = None
        self.zone_boosts: list[int] = []
        self.nr_boost_reclaim = self.nr_before = 0

    def upto(self, highest: int) -> list[Zone]:
        """Return the zones with pages up to an index.  O(zones)."""
        return [z for z in self.zones if z.index <= highest and z.managed]

    def balanced(self, order: int, highest: int) -> bool:
        """Say whether some zone is above its high mark.  O(zones * orders)."""
        zones = self.upto(highest)
        for zone in zones:
            if zone.watermark_ok(order, zone.high_wmark_pages(), highest):
                return True
        return len(zones) == 0

    def watermark_boosted(self, highest: int) -> bool:
        """Say whether some zone's marks are boosted.  O(zones)."""
        return any(zone.boost for zone in self.upto(highest))

    def reserve(self, normal: int, swap: bool) -> tuple[int, int]:
        """Return the emergency reserve of the low zones and their free pages."""
        low = [z for z in self.upto(normal) if z.reclaimable_pages(swap)]
        return sum(z.min_wmark_pages() for z in low), sum(z.free for z in low)
