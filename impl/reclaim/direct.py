"""Tasks that reclaim: try_to_free_pages() in rounds, and node_reclaim().

Source: mm/vmscan.c:do_try_to_free_pages, shrink_zones, throttle_direct_reclaim,
node_reclaim; mm/page_alloc.c:__perform_reclaim (v5.10).
"""

from __future__ import annotations

from typing import NamedTuple

from mmoracle.spec.linux import (
    PAGE_ALLOC_COSTLY_ORDER,
    RECLAIM_UNMAP,
    RECLAIM_WRITE,
    CompactResult,
    Gfp,
    NodeReclaim,
)

from .pgdat import ScanControl, ShrinkNode, Zone
from .vmscan import Nodes, compact_gap

FS, DIRECT_RECLAIM = int(Gfp.FS), int(Gfp.DIRECT_RECLAIM)
FULL, NOSCAN = int(NodeReclaim.FULL), int(NodeReclaim.NOSCAN)
SUCCESS, SKIPPED = int(CompactResult.SUCCESS), int(CompactResult.SKIPPED)


class Asked(NamedTuple):
    """A request, and what of its task counts."""

    order: int
    gfp: int
    highest: int
    nodes: int
    allowed: int
    kthread: bool
    fatal: bool
    memalloc: bool


class Cached(NamedTuple):
    """A node's page cache and slab, in pages."""

    file: int
    lru: int
    mapped: int
    dirty: int
    slab: int
    min_unmapped: int
    min_slab: int


def is_ready(suits: int, above: bool) -> bool:
    """Say whether a zone is left to compaction.  O(1)."""
    return suits == SUCCESS or (suits != SKIPPED and above)


def node_pagecache_reclaimable(mode: int, c: Cached) -> int:
    """Return the page cache that may be freed in a mode.  O(1)."""
    pages = c.file if mode & RECLAIM_UNMAP else max(0, c.lru - c.mapped)
    if not mode & RECLAIM_WRITE:
        pages -= min(pages, c.dirty)
    return pages


class Task:
    """The task that reclaims at present, if any does."""

    def __init__(self, nodes: Nodes, zonelist: tuple[int, ...], local: int) -> None:
        self.nodes = nodes
        self.zonelist = [nodes.zones[at] for at in zonelist]
        self.local_priority = local
        self.asked: Asked | None = None
        self.sc = ScanControl(0, 0, 0, 0, 0)
        self.shrink: ShrinkNode | None = None
        self.pos, self.last, self.local = 0, -1, -1
        self.memalloc = False

    # -------------------------------------------------------------- begin, end

    def leave(self, asked: Asked, number: int) -> None:
        """Return a number, with PF_MEMALLOC as it was.  O(1)."""
        self.asked, self.shrink = None, None
        self.pos, self.last, self.local = 0, -1, -1
        self.memalloc = asked.memalloc
        self.nodes.waits, self.nodes.woken = -1, False
        self.nodes.events.append(("returns", number))

    def try_to_free_pages(self, asked: Asked) -> None:
        """Reclaim for a request, or wait for kswapd first.  O(zonelist)."""
        m = self.nodes
        self.asked, self.memalloc = asked, True
        sc = ScanControl(
            asked.order, asked.highest, asked.gfp, m.cluster, m.def_priority
        )
        sc.may_writepage = not m.laptop
        self.sc, self.pos, self.last, self.local = sc, 0, -1, -1
        if not self.throttle_direct_reclaim(asked):
            self.start_round(asked)

    def throttle_direct_reclaim(self, asked: Asked) -> bool:
        """Say whether the task waits on the first low zone's node.  O(zonelist)."""
        if asked.kthread or asked.fatal:
            return False
        for zone in self.zonelist:
            if self.may_use(asked, zone) and zone.index <= self.nodes.normal:
                return self.wait(asked, zone.nid)
        return False

    def wait(self, asked: Asked, nid: int) -> bool:
        """Say whether the task waits on a node.  O(zones)."""
        m = self.nodes
        if m.allow_direct_reclaim(m.nodes[nid]):
            return False
        m.waits, m.woken = nid, False
        m.events.append(("waits", nid, not asked.gfp & FS))
        return True

    def resume(self, woken: bool, fatal: bool) -> None:
        """Go on after a wait, wait again, or give up with a claim.  O(zonelist)."""
        m, asked = self.nodes, self.asked
        if asked is None or (woken and self.wait(asked, m.waits)):
            return
        if fatal:
            self.leave(asked, 1)
            return
        m.waits, m.woken = -1, False
        self.start_round(asked)

    # -------------------------------------------------------------- rounds

    def may_use(self, asked: Asked, zone: Zone) -> bool:
        """Say whether a zone may serve the request.  O(1)."""
        return zone.index <= asked.highest and asked.nodes >> zone.nid & 1 == 1

    def start_round(self, asked: Asked) -> None:
        """Begin at the head of the zonelist.  O(zonelist)."""
        self.sc.nr_scanned = 0
        self.last = -1
        self.shrink_zones(asked, 0)

    def shrink_zones(self, asked: Asked, pos: int) -> None:
        """Look at the zones from one on, up to the next question.  O(zonelist)."""
        sc = self.sc
        compacts = sc.order > PAGE_ALLOC_COSTLY_ORDER
        compacts = compacts and self.nodes.gfp_compaction_allowed(sc.gfp)
        while pos < len(self.zonelist):
            zone = self.zonelist[pos]
            self.pos = pos
            pos += 1
            if not self.may_use(asked, zone) or not asked.allowed >> zone.nid & 1:
                continue
            if compacts:
                self.nodes.events.append(("suits", zone.at))
                return
            if self.scan(zone):
                return
        self.end_round(asked)

    def scan(self, zone: Zone) -> bool:
        """Have a zone's node scanned, unless that was the last one.  O(1)."""
        if zone.nid == self.last:
            return False
        self.last = zone.nid
        self.shrink = self.nodes.shrink_node(zone.nid, self.sc)
        return True

    def compaction_ready(self, zone: Zone, suits: int) -> bool:
        """Say whether a zone is left to compaction.  O(orders)."""
        mark = zone.high_wmark_pages() + compact_gap(self.sc.order)
        return is_ready(suits, zone.watermark_ok(0, mark, self.sc.reclaim_idx))

    def end_round(self, asked: Asked) -> None:
        """Stop with enough, else scan harder.  O(zonelist)."""
        m, sc = self.nodes, self.sc
        if sc.nr_reclaimed < sc.nr_to_reclaim and not sc.compaction_ready:
            if sc.priority < m.def_priority - 2:
                sc.may_writepage = True
            if sc.priority > 0:
                sc.priority -= 1
                self.start_round(asked)
                return
        self.stop(asked)

    def stop(self, asked: Asked) -> None:
        """Return what was reclaimed, or begin anew by harder rules.  O(zonelist)."""
        sc = self.sc
        if sc.nr_reclaimed or sc.compaction_ready:
            self.leave(asked, sc.nr_reclaimed or 1)
        elif self.retry(sc):
            sc.priority = self.nodes.def_priority
            self.start_round(asked)
        else:
            self.leave(asked, 0)

    def retry(self, sc: ScanControl) -> bool:
        """Say whether harder rules are left, and put them in force.  O(1)."""
        if sc.skipped_deactivate:
            sc.skipped_deactivate, sc.force_deactivate = False, True
            return True
        if sc.memcg_low_skipped:
            sc.memcg_low_skipped, sc.memcg_low_reclaim = False, True
            sc.force_deactivate = False
            return True
        return False

    # -------------------------------------------------------------- answers

    def suited(self, suits: int) -> None:
        """Go on after compaction was asked about a zone.  O(zonelist)."""
        asked, at = self.asked, self.shrink
        if asked is None:
            return
        if at is not None:
            if not self.nodes.suited(at, self.sc, suits):
                self.node_done(asked)
            return
        zone = self.zonelist[self.pos]
        if self.compaction_ready(zone, suits):
            self.sc.compaction_ready = True
        elif self.scan(zone):
            return
        self.shrink_zones(asked, self.pos + 1)

    def node_done(self, asked: Asked) -> None:
        """Go on after a node was scanned.  O(zonelist)."""
        self.shrink = None
        if self.local < 0:
            self.shrink_zones(asked, self.pos + 1)
            return
        sc = self.sc
        enough = sc.nr_reclaimed >= 1 << sc.order
        if enough or sc.priority == 0:
            self.leave(asked, int(enough))
        else:
            sc.priority -= 1
            self.shrink = self.nodes.shrink_node(self.local, sc)

    # -------------------------------------------------------------- one's own node

    def node_reclaim(
        self, nid: int, asked: Asked, mode: int, c: Cached, away: bool, locked: bool
    ) -> None:
        """Reclaim on a node where that is worth while and allowed.  O(1)."""
        cache = node_pagecache_reclaimable(mode, c)
        if cache <= c.min_unmapped and c.slab <= c.min_slab:
            self.leave(asked, FULL)
        elif not asked.gfp & DIRECT_RECLAIM or asked.memalloc or away or locked:
            self.leave(asked, NOSCAN)
        elif cache <= c.min_unmapped:
            self.leave(asked, 0)
        else:
            self.start_local(nid, asked, mode)

    def start_local(self, nid: int, asked: Asked, mode: int) -> None:
        """Begin to scan a node for a request.  O(1)."""
        goal = max(1 << asked.order, self.nodes.cluster)
        sc = ScanControl(
            asked.order, asked.highest, asked.gfp, goal, self.local_priority
        )
        sc.may_writepage = mode & RECLAIM_WRITE != 0
        self.asked, self.memalloc = asked, True
        self.sc, self.local, self.pos, self.last = sc, nid, 0, -1
        self.shrink = self.nodes.shrink_node(nid, sc)
