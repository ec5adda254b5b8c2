"""Scans of nodes, for whoever asks: the part that tasks and kswapds share.

A machine runs up to a question and stops there; the answer goes on from that place.

Source: mm/vmscan.c:shrink_node, should_continue_reclaim, allow_direct_reclaim (v5.10).
"""

from __future__ import annotations

from collections.abc import Sequence

from mmoracle.spec.linux import PAGE_ALLOC_COSTLY_ORDER, CompactResult, Gfp

from .pgdat import (
    ASLEEP,
    NAPPING,
    ROUSED,
    WOKEN,
    Event,
    Pgdat,
    ScanControl,
    ShrinkNode,
    Zone,
)

IO = int(Gfp.IO)
GOES = (int(CompactResult.SUCCESS), int(CompactResult.CONTINUE))
AGAIN, OVER = True, False


def compact_gap(order: int) -> int:
    """Return twice the pages of a block.  O(1)."""
    return 1 << order + 1


def may_reclaim(failures: int, most: int, reserve: int, free: int) -> bool:
    """Say whether tasks need not wait for a node's kswapd.  O(1)."""
    if failures >= most:
        return True
    return not reserve or free > reserve >> 1


class Nodes:
    """The zones and nodes, and the facts that every reclaim looks at."""

    def __init__(
        self,
        zones: list[Zone],
        *,
        max_zones: int,
        normal: int,
        priority: int,
        cluster: int,
        retries: int,
        laptop: bool,
        swap: bool,
        noio: bool,
    ) -> None:
        self.zones = zones
        self.max_zones, self.normal, self.retries = max_zones, normal, retries
        self.def_priority, self.cluster = priority, cluster
        self.laptop, self.swap, self.noio = laptop, swap, noio
        count = 1 + max(z.nid for z in zones)
        self.nodes = [
            Pgdat(nid, [z for z in zones if z.nid == nid], max_zones)
            for nid in range(count)
        ]
        self.waits, self.woken = -1, False  # the task on a node's pfmemalloc_wait
        self.events: list[Event] = []

    def gfp_compaction_allowed(self, gfp: int) -> bool:
        """Say whether a request may count on compaction.  O(1)."""
        return self.noio or gfp & IO != 0

    # -------------------------------------------------------------- waiting

    def allow_direct_reclaim(self, pgdat: Pgdat) -> bool:
        """Say whether tasks may reclaim on a node; else wake its kswapd.  O(zones)."""
        reserve, free = pgdat.reserve(self.normal, self.swap)
        if may_reclaim(pgdat.kswapd_failures, self.retries, reserve, free):
            return True
        if pgdat.label in (ASLEEP, NAPPING):
            if pgdat.kswapd_highest_zoneidx > self.normal:
                pgdat.kswapd_highest_zoneidx = self.normal
            self.wake(pgdat)
        return False

    def wake(self, pgdat: Pgdat) -> None:
        """Have a sleeping kswapd run.  O(1)."""
        pgdat.label = WOKEN if pgdat.label == ASLEEP else ROUSED
        self.events.append(("wakes-kswapd", pgdat.nid))

    def wake_throttled(self, pgdat: Pgdat) -> None:
        """Wake the task that waits on a node, if it sleeps still.  O(1)."""
        if self.waits == pgdat.nid and not self.woken:
            self.woken = True
            self.events.append(("wakes-throttled", pgdat.nid))

    # -------------------------------------------------------------- one scan

    def shrink_node(self, nid: int, sc: ScanControl) -> ShrinkNode:
        """Ask for a scan of a node.  O(1)."""
        self.events.append(("shrink", nid))
        return ShrinkNode(nid, sc.nr_reclaimed)

    def shrink_lists(
        self,
        at: ShrinkNode,
        sc: ScanControl,
        file: Sequence[int],
        anon: Sequence[int],
        scanned: int,
        skipped: bool,
        low: bool,
    ) -> None:
        """Free the pages that a scan has found.  O(zones)."""
        zones = self.nodes[at.nid].upto(self.max_zones)
        for zone, pages in zip(zones, file, strict=False):
            zone.file -= pages
            zone.free += pages
            sc.nr_reclaimed += pages
        for zone, pages in zip(zones, anon, strict=False):
            zone.anon -= pages
            zone.free += pages
            sc.nr_reclaimed += pages
        sc.nr_scanned += scanned
        sc.skipped_deactivate |= skipped
        sc.memcg_low_skipped |= low

    def in_reclaim_compaction(self, sc: ScanControl) -> bool:
        """Say whether pages are freed for compaction to work with.  O(1)."""
        if not sc.order or not self.gfp_compaction_allowed(sc.gfp):
            return False
        late = sc.priority < self.def_priority - 2
        return late or sc.order > PAGE_ALLOC_COSTLY_ORDER

    def shrunk(self, at: ShrinkNode, sc: ScanControl, inactive: int) -> bool:
        """Say whether a scan goes on after a pass, having asked if so.  O(zones)."""
        at.inactive = inactive
        got = sc.nr_reclaimed - at.nr_reclaimed
        if got:
            at.reclaimable = True
        if got and self.in_reclaim_compaction(sc):
            return self.should_continue_reclaim(at, sc)
        return self.leave_node(at)

    def should_continue_reclaim(self, at: ShrinkNode, sc: ScanControl) -> bool:
        """Ask about the next zone, else scan again or leave.  O(zones)."""
        for zone in self.nodes[at.nid].upto(sc.reclaim_idx):
            if zone.at > at.zone:
                at.zone = zone.at
                self.events.append(("suits", zone.at))
                return AGAIN
        if at.inactive <= compact_gap(sc.order):
            return self.leave_node(at)
        at.zone, at.nr_reclaimed = -1, sc.nr_reclaimed
        self.events.append(("shrink", at.nid))
        return AGAIN

    def suited(self, at: ShrinkNode, sc: ScanControl, suits: int) -> bool:
        """Say whether a scan goes on after a zone was asked about.  O(zones)."""
        if suits in GOES:
            return self.leave_node(at)
        return self.should_continue_reclaim(at, sc)

    def leave_node(self, at: ShrinkNode) -> bool:
        """End a scan; if it freed pages, kswapd may try the node again.  O(1)."""
        if at.reclaimable:
            self.nodes[at.nid].kswapd_failures = 0
        return OVER
