"""Mistakes in one scan of a node."""

from __future__ import annotations

from typing import Any

from mmoracle.impl.reclaim.pgdat import ScanControl, ShrinkNode
from mmoracle.impl.reclaim.vmscan import Nodes

_shrink_lists = Nodes.shrink_lists
_onwards = Nodes.should_continue_reclaim


def free_twice(nodes: Nodes, at: ShrinkNode, sc: ScanControl, *told: Any) -> None:
    """Free each page of the first zone twice."""
    _shrink_lists(nodes, at, sc, *told)
    zone = nodes.nodes[at.nid].zones[0]
    zone.free += sum(told[0][:1])


def free_elsewhere(nodes: Nodes, at: ShrinkNode, sc: ScanControl, *told: Any) -> None:
    """Take all pages from the node's first zone."""
    file = (sum(told[0]),) if told[0] else ()
    _shrink_lists(nodes, at, sc, file, *told[1:])


def count_the_cache_only(
    nodes: Nodes, at: ShrinkNode, sc: ScanControl, *told: Any
) -> None:
    """Forget the anonymous pages that were freed."""
    _shrink_lists(nodes, at, sc, *told)
    sc.nr_reclaimed -= sum(told[1])


def forget_the_scanned(
    nodes: Nodes, at: ShrinkNode, sc: ScanControl, *told: Any
) -> None:
    """Do not count what was scanned."""
    _shrink_lists(nodes, at, sc, told[0], told[1], 0, *told[3:])


def go_on_in_vain(nodes: Nodes, at: ShrinkNode, sc: ScanControl, inactive: int) -> bool:
    """Scan again for compaction although nothing was freed."""
    at.inactive = inactive
    at.reclaimable |= sc.nr_reclaimed > at.nr_reclaimed
    if nodes.in_reclaim_compaction(sc):
        return nodes.should_continue_reclaim(at, sc)
    return nodes.leave_node(at)


def go_on_when_equal(nodes: Nodes, at: ShrinkNode, sc: ScanControl) -> bool:
    """Scan again although the inactive lists hold no more than the gap."""
    at.inactive += 1
    again = _onwards(nodes, at, sc)
    at.inactive -= 1
    return again


def ask_one_zone(nodes: Nodes, at: ShrinkNode, sc: ScanControl) -> bool:
    """Ask compaction about the first zone only."""
    if at.zone >= 0:
        at.zone = len(nodes.zones)
    return _onwards(nodes, at, sc)


def ask_every_zone(nodes: Nodes, at: ShrinkNode, sc: ScanControl) -> bool:
    """Ask compaction about zones above those that may serve the request."""
    highest, sc.reclaim_idx = sc.reclaim_idx, nodes.max_zones
    again = _onwards(nodes, at, sc)
    sc.reclaim_idx = highest
    return again


def go_on_in_spite(nodes: Nodes, at: ShrinkNode, sc: ScanControl, suits: int) -> bool:
    """Scan again although compaction could begin."""
    return nodes.should_continue_reclaim(at, sc)


def go_on_always(nodes: Nodes, sc: ScanControl) -> bool:
    """Free pages for compaction from the first round on."""
    return sc.order > 0 and nodes.gfp_compaction_allowed(sc.gfp)


def stay_hopeless(nodes: Nodes, at: ShrinkNode) -> bool:
    """Leave a node given up although pages of it were freed."""
    return False


def revive_in_vain(nodes: Nodes, at: ShrinkNode) -> bool:
    """Take a node that gave nothing for one with hope."""
    nodes.nodes[at.nid].kswapd_failures = 0
    return False


# ------------------------------------------------------------------ the zoo

TINY, COSTLY, TROUBLE = "tiny-direct", "tiny-costly", "tiny-trouble"
THROTTLE = "tiny-throttle"
STATE, ORDER, RESULT = "EXACT-STATE", "RCL-ORDER", "RCL-RESULT"
ON, PAGES = "should_continue_reclaim", "shrink_lists"
TABLE: tuple[tuple[str, str, str, Any, str, Any], ...] = (
    ("free-twice", "RCL-CONSERVE", TINY, Nodes, PAGES, free_twice),
    ("free-elsewhere", STATE, COSTLY, Nodes, PAGES, free_elsewhere),
    ("count-cache-only", STATE, TINY, Nodes, PAGES, count_the_cache_only),
    ("count-no-scan", ORDER, THROTTLE, Nodes, PAGES, forget_the_scanned),
    ("on-in-vain", "LIVE", COSTLY, Nodes, "shrunk", go_on_in_vain),
    ("on-when-equal", RESULT, TROUBLE, Nodes, ON, go_on_when_equal),
    ("on-one-zone", ORDER, COSTLY, Nodes, ON, ask_one_zone),
    ("on-every-zone", ORDER, COSTLY, Nodes, ON, ask_every_zone),
    ("on-in-spite", RESULT, TROUBLE, Nodes, "suited", go_on_in_spite),
    ("on-always", ORDER, TROUBLE, Nodes, "in_reclaim_compaction", go_on_always),
    ("hope-none", STATE, THROTTLE, Nodes, "leave_node", stay_hopeless),
    ("hope-all", STATE, THROTTLE, Nodes, "leave_node", revive_in_vain),
)
