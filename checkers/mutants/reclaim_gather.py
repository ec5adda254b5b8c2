"""Mistakes in whom an answer is for, in how hard a scan is, and in its goal."""

from __future__ import annotations

from typing import Any

from mmoracle.impl.reclaim import kswapd
from mmoracle.impl.reclaim.direct import Asked, Task
from mmoracle.impl.reclaim.machine import TASK, Reclaim
from mmoracle.impl.reclaim.pgdat import Pgdat, ScanControl, Zone
from mmoracle.impl.reclaim.vmscan import Nodes

_round, _start, _suitable = kswapd.balance_round, Task.start_local, Reclaim.suitable
_allow, _ok = Nodes.allow_direct_reclaim, Zone.watermark_ok


def answer_the_task(m: Reclaim, who: int, suits: int) -> None:
    """Hand what compaction says to the task, whoever has asked."""
    _suitable(m, TASK, suits)


def spare_the_disk(m: Nodes, pgdat: Pgdat, sc: ScanControl, orders: int) -> None:
    """Write no pages on a laptop, even late."""
    _round(m, pgdat, sc, orders)
    if pgdat.sc is not None and m.laptop:
        sc.may_writepage = False


def content_with_scanning(
    got: int, scanned: int, goal: int, boost: int, priority: int, gentle: int
) -> bool:
    """Scan no harder where enough was scanned, even if nothing is got."""
    return scanned < goal and not (boost and priority == gentle)


def a_cluster_at_most(task: Task, nid: int, asked: Asked, mode: int) -> None:
    """Scan for a cluster at a time, though the request is larger."""
    _start(task, nid, asked, mode)
    task.sc.nr_to_reclaim = task.nodes.cluster


def forget_lower_zones(m: Nodes, pgdat: Pgdat) -> bool:
    """Ask kswapd for the normal zone although a lower one was asked for."""
    asked = pgdat.kswapd_highest_zoneidx
    may = _allow(m, pgdat)
    if not may and asked < m.normal:
        pgdat.kswapd_highest_zoneidx = m.normal
    return may


def keep_the_last_block(zone: Zone, order: int, mark: int, highest: int) -> bool:
    """Refuse the block that is all a zone has."""
    return _ok(zone, order, mark, highest) and zone.free != 1 << zone.block


def all_zones(pgdat: Pgdat, highest: int) -> list[Zone]:
    """Look at zones that manage no page, too."""
    return [zone for zone in pgdat.zones if zone.index <= highest]


def count_only_cache(zone: Zone, swap: bool) -> int:
    """Count no pages that can be swapped."""
    return zone.file or zone.free


GATHER, LAPTOP, BALANCE, LOCAL = (
    f"tiny-{each}" for each in ("gather", "laptop", "balance", "local")
)
STATE, HARDER, PAGES = "EXACT-STATE", "raises_priority", "reclaimable_pages"
ALLOW = "allow_direct_reclaim"
TABLE: tuple[tuple[str, str, str, Any, str, Any], ...] = (
    ("gather-for-tasks", "LIVE", GATHER, Reclaim, "suitable", answer_the_task),
    ("late-on-laptops", STATE, LAPTOP, kswapd, "balance_round", spare_the_disk),
    ("harder-in-vain", "LIVE", BALANCE, kswapd, HARDER, content_with_scanning),
    ("wait-not-lower", STATE, "tiny-noted", Nodes, ALLOW, forget_lower_zones),
    (
        "balanced-last",
        "KSW-NEEDED",
        "tiny-bare",
        Zone,
        "watermark_ok",
        keep_the_last_block,
    ),
    ("balanced-empty", "KSW-NEEDED", LAPTOP, Pgdat, "upto", all_zones),
    ("reserve-swappable", "KSW-WAKE", "tiny-anon", Zone, PAGES, count_only_cache),
    ("local-a-cluster", STATE, LOCAL, Task, "start_local", a_cluster_at_most),
)
