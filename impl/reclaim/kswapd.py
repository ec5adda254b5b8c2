"""The nodes' kswapds: woken, balancing, napping, asleep.

Source: mm/vmscan.c:wakeup_kswapd, balance_pgdat, kswapd_try_to_sleep, kswapd (v5.10).
"""

from __future__ import annotations

from mmoracle.spec.linux import GFP_KERNEL, Gfp

from .pgdat import (
    ASLEEP,
    NAPPING,
    RESTLESS,
    ROUSED,
    SCANNING,
    Pgdat,
    ScanControl,
    Zone,
)
from .vmscan import Nodes, compact_gap

DIRECT_RECLAIM = int(Gfp.DIRECT_RECLAIM)
KERNEL = int(GFP_KERNEL)


def raises_priority(
    got: int, scanned: int, goal: int, boost: int, priority: int, gentle: int
) -> bool:
    """Say whether kswapd scans harder next; no boost goes beyond `gentle`.  O(1)."""
    if got == 0:
        return True
    if boost and priority == gentle:
        return False
    return scanned < goal


def wakeup_kswapd(m: Nodes, zone: Zone, gfp: int, order: int, highest: int) -> None:
    """Note what is asked, and wake the zone's kswapd if it has to do.  O(zones)."""
    pgdat = m.nodes[zone.nid]
    if pgdat.kswapd_highest_zoneidx in range(highest) or (
        pgdat.kswapd_highest_zoneidx == m.max_zones
    ):
        pgdat.kswapd_highest_zoneidx = highest
    if order > pgdat.kswapd_order:
        pgdat.kswapd_order = order
    if pgdat.label not in (ASLEEP, NAPPING):
        return
    if pgdat.kswapd_failures < m.retries and (
        pgdat.watermark_boosted(highest) or not pgdat.balanced(order, highest)
    ):
        m.wake(pgdat)
    elif not gfp & DIRECT_RECLAIM:
        wakeup_kcompactd(m, pgdat, order, highest)


def wakeup_kcompactd(m: Nodes, pgdat: Pgdat, order: int, highest: int) -> None:
    """Call for the node's compaction.  O(1)."""
    m.events.append(("wakes-kcompactd", pgdat.nid, order, highest))


def kswapd_highest_zoneidx(m: Nodes, pgdat: Pgdat) -> int:
    """Return the highest zone asked for, else the one before.  O(1)."""
    asked = pgdat.kswapd_highest_zoneidx
    return pgdat.highest_zoneidx if asked == m.max_zones else asked


def prepare_kswapd_sleep(m: Nodes, pgdat: Pgdat) -> bool:
    """Wake who waits, and say whether the kswapd may sleep.  O(zones)."""
    m.wake_throttled(pgdat)
    if pgdat.kswapd_failures >= m.retries:
        return True
    return pgdat.balanced(pgdat.reclaim_order, pgdat.highest_zoneidx)


def run(m: Nodes, pgdat: Pgdat, orders: int) -> None:
    """Let a kswapd run from where it stopped; `orders` is a page block's.  O(zones)."""
    if pgdat.label == RESTLESS and prepare_kswapd_sleep(m, pgdat):
        pgdat.label = NAPPING
        wakeup_kcompactd(m, pgdat, pgdat.alloc_order, pgdat.highest_zoneidx)
        m.events.append(("naps", pgdat.nid))
        return
    if pgdat.label == NAPPING and prepare_kswapd_sleep(m, pgdat):
        pgdat.label = ASLEEP
        m.events.append(("sleeps", pgdat.nid))
        return
    if pgdat.label == ROUSED:
        pgdat.kswapd_highest_zoneidx = kswapd_highest_zoneidx(m, pgdat)
        pgdat.kswapd_order = max(pgdat.kswapd_order, pgdat.reclaim_order)
    balance_pgdat(m, pgdat, orders)


def balance_pgdat(m: Nodes, pgdat: Pgdat, orders: int) -> None:
    """Take what was asked, and begin to balance the node for it.  O(zones)."""
    highest = kswapd_highest_zoneidx(m, pgdat)
    order = pgdat.alloc_order = pgdat.reclaim_order = pgdat.kswapd_order
    pgdat.highest_zoneidx = highest
    pgdat.kswapd_order, pgdat.kswapd_highest_zoneidx = 0, m.max_zones
    pgdat.label = SCANNING
    pgdat.sc = ScanControl(order, highest, KERNEL, 0, m.def_priority)
    pgdat.zone_boosts = [zone.boost for zone in pgdat.upto(highest)]
    pgdat.nr_boost_reclaim = sum(pgdat.zone_boosts)
    balance_round(m, pgdat, pgdat.sc, orders)


def balance_round(m: Nodes, pgdat: Pgdat, sc: ScanControl, orders: int) -> None:
    """Scan the node, or end when a zone is balanced.  O(zones)."""
    if pgdat.balanced(sc.order, pgdat.highest_zoneidx):
        if not pgdat.nr_boost_reclaim:
            finish(m, pgdat, sc, orders)
            return
    elif pgdat.nr_boost_reclaim:
        pgdat.nr_boost_reclaim, sc.priority = 0, m.def_priority
    sc.may_swap = pgdat.nr_boost_reclaim == 0
    sc.may_writepage = sc.may_swap and not m.laptop
    if sc.priority < m.def_priority - 2:
        sc.may_writepage = True
    sc.nr_scanned, sc.nr_to_reclaim = 0, 0
    for zone in pgdat.upto(sc.reclaim_idx):
        sc.nr_to_reclaim += max(zone.high_wmark_pages(), m.cluster)
    pgdat.nr_before = sc.nr_reclaimed
    pgdat.shrink = m.shrink_node(pgdat.nid, sc)


def balance_scanned(m: Nodes, pgdat: Pgdat, sc: ScanControl, orders: int) -> None:
    """Go on after the node was scanned.  O(zones)."""
    pgdat.shrink = None
    if sc.order and sc.nr_reclaimed >= compact_gap(sc.order):
        sc.order = 0
    if m.allow_direct_reclaim(pgdat):
        m.wake_throttled(pgdat)
    got, boost = sc.nr_reclaimed - pgdat.nr_before, pgdat.nr_boost_reclaim
    pgdat.nr_boost_reclaim = max(0, boost - got)
    harder = raises_priority(
        got, sc.nr_scanned, sc.nr_to_reclaim, boost, sc.priority, m.def_priority - 2
    )
    stuck = pgdat.nr_boost_reclaim > 0 and got == 0
    if not stuck and sc.priority - harder >= 1:
        sc.priority -= harder
        balance_round(m, pgdat, sc, orders)
        return
    if sc.nr_reclaimed == 0:
        pgdat.kswapd_failures += 1
    finish(m, pgdat, sc, orders)


def finish(m: Nodes, pgdat: Pgdat, sc: ScanControl, orders: int) -> None:
    """End a run, take its boosts back and see what was asked since.  O(zones)."""
    highest, boosts = pgdat.highest_zoneidx, pgdat.zone_boosts
    for zone, boost in zip(pgdat.upto(highest), boosts, strict=True):
        zone.boost -= min(zone.boost, boost)
    if any(boosts):
        wakeup_kcompactd(m, pgdat, orders, highest)
    pgdat.label, pgdat.sc, pgdat.shrink = RESTLESS, None, None
    pgdat.zone_boosts, pgdat.nr_boost_reclaim, pgdat.nr_before = [], 0, 0
    if sc.order < pgdat.alloc_order:
        pgdat.reclaim_order = sc.order
        return
    pgdat.alloc_order = pgdat.reclaim_order = pgdat.kswapd_order
    pgdat.highest_zoneidx = kswapd_highest_zoneidx(m, pgdat)
