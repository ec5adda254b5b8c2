"""A node's kswapd: woken when a zone runs low, it frees pages until one is balanced.

    asleep --woken--> runs: balance, again and again --balanced or hopeless--+
       ^                 ^                                                  |
       |                 +--woken early, or no longer balanced--+           v
       +--nobody came, still balanced----------------------- naps 100 ms ---+

After a boost of the marks it frees as many pages as they were boosted by, without
writing or swapping.  A node from which 16 runs got nothing is left to direct reclaim.

Source: mm/vmscan.c:wakeup_kswapd, kswapd, kswapd_try_to_sleep, prepare_kswapd_sleep,
balance_pgdat, kswapd_shrink_node (v5.10).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..linux import GFP_KERNEL, Gfp
from . import shrink
from .direct import allow_direct_reclaim, is_idle, rouse, with_node
from .events import (
    Events,
    Naps,
    Shrink,
    Sleeps,
    WakesKcompactd,
    WakesKswapd,
    WakesThrottled,
    Went,
)
from .marks import balanced, boosted, high_mark
from .state import Balance, Config, Control, Direct, Kswapd, Label, Node, State

# ------------------------------------------------------------------ waking it


def asked_more(cfg: Config, node: Node, order: int, highest: int) -> Node:
    """Note the largest order and the highest zone that were asked for."""
    if node.highest == cfg.max_zones or node.highest < highest:
        node = replace(node, highest=highest)
    return replace(node, order=max(node.order, order))


def wakeup_kswapd(
    cfg: Config, s: State, at: int, order: int, gfp: Gfp, highest: int
) -> Went:
    """Wake a zone's kswapd unless it runs, is hopeless or has nothing to do.

    Then compaction is woken in its place, if the request cannot compact by itself.
    """
    which = cfg.zones[at].node
    s = with_node(s, which, asked_more(cfg, s.nodes[which], order, highest))
    if not is_idle(s, which):
        return s, ()
    calm = balanced(cfg, s, which, order, highest)
    calm = calm and not boosted(cfg, s, which, highest)
    if not calm and s.nodes[which].failures < cfg.retries:
        return rouse(s, which), (WakesKswapd(which),)
    if gfp & Gfp.DIRECT_RECLAIM:
        return s, ()
    return s, (WakesKcompactd(which, order, highest),)


# ------------------------------------------------------------------ sleeping


def let_go(s: State, node: int) -> Went:
    """Wake the tasks that wait on a node, if any do and were not woken yet."""
    task = s.task
    if not isinstance(task, Direct) or task.waits != node or task.woken:
        return s, ()
    return replace(s, task=replace(task, woken=True)), (WakesThrottled(node),)


def may_sleep(cfg: Config, s: State, node: int) -> bool:
    """Say whether a kswapd may sleep: prepare_kswapd_sleep()."""
    it = s.nodes[node].kswapd
    hopeless = s.nodes[node].failures >= cfg.retries
    return hopeless or balanced(cfg, s, node, it.reclaim_order, it.highest)


def with_kswapd(s: State, at: int, it: Kswapd) -> State:
    """Return the state with one kswapd replaced."""
    return with_node(s, at, replace(s.nodes[at], kswapd=it))


def try_to_sleep(cfg: Config, s: State, node: int) -> Went:
    """Nap if nothing is to be done, with compaction woken; else go on."""
    s, woken = let_go(s, node)
    it = s.nodes[node].kswapd
    if not may_sleep(cfg, s, node):
        return proceed(cfg, s, node, woken)
    s = with_kswapd(s, node, replace(it, label=Label.NAPPING))
    return s, (*woken, WakesKcompactd(node, it.alloc_order, it.highest), Naps(node))


def nap_is_over(cfg: Config, s: State, node: int) -> Went:
    """Sleep if nobody came and nothing is to be done still; else go on."""
    s, woken = let_go(s, node)
    if not may_sleep(cfg, s, node):
        return proceed(cfg, s, node, woken)
    it = replace(s.nodes[node].kswapd, label=Label.ASLEEP)
    return with_kswapd(s, node, it), (*woken, Sleeps(node))


def roused(cfg: Config, s: State, at: int) -> Went:
    """Go on after a nap cut short; what was asked before it is asked still."""
    node = s.nodes[at]
    node = replace(
        node,
        highest=highest_asked(cfg, node),
        order=max(node.order, node.kswapd.reclaim_order),
    )
    return proceed(cfg, with_node(s, at, node), at)


def highest_asked(cfg: Config, node: Node) -> int:
    """Return the highest zone asked for, that of the last run where nobody asked."""
    return node.kswapd.highest if node.highest == cfg.max_zones else node.highest


def run(cfg: Config, s: State, node: int) -> Went:
    """Let a kswapd run up to where it stops next."""
    match s.nodes[node].kswapd.label:
        case Label.RESTLESS:
            return try_to_sleep(cfg, s, node)
        case Label.NAPPING:
            return nap_is_over(cfg, s, node)
        case Label.ROUSED:
            return roused(cfg, s, node)
    return proceed(cfg, s, node)


# ------------------------------------------------------------------ balancing


def proceed(cfg: Config, s: State, at: int, events: Events = ()) -> Went:
    """Take the order and zone that were asked for, and begin to balance."""
    node = s.nodes[at]
    highest = highest_asked(cfg, node)
    zones = cfg.zones_of(at, highest)
    boosts = tuple(s.zones[each].boost for each in zones)
    sc = Control(node.order, highest, GFP_KERNEL, 0, cfg.priority, False)
    it = Kswapd(Label.SCANNING, node.order, node.order, highest)
    node = replace(node, order=0, highest=cfg.max_zones, kswapd=it)
    b = Balance(sc, boosts, sum(boosts))
    s, more = begin_round(cfg, with_node(s, at, node), at, b)
    return s, (*events, *more)


def begin_round(cfg: Config, s: State, node: int, b: Balance) -> Went:
    """Have the node scanned, unless a zone is balanced and no boost is left.

    In need, the boost is forgotten, and all begins again.
    """
    it = s.nodes[node].kswapd
    calm = balanced(cfg, s, node, b.sc.order, it.highest)
    if not calm and b.boost_left:
        sc = replace(b.sc, priority=cfg.priority)
        b = replace(b, sc=sc, boost_left=0)
    if calm and not b.boost_left:
        return out(cfg, s, node, b)
    b = replace(b, sc=harder(cfg, s, node, b), before=b.sc.reclaimed)
    b = replace(b, scan=shrink.begin(node, b.sc))
    return with_kswapd(s, node, replace(it, run=b)), (Shrink(node),)


def harder(cfg: Config, s: State, node: int, b: Balance) -> Control:
    """Return what a round wants: as many pages as the zones' high marks.

    For a boost nothing is written or swapped.
    """
    goal = sum(
        max(high_mark(cfg.zones[at], s.zones[at]), cfg.cluster)
        for at in cfg.zones_of(node, b.sc.highest)
    )
    writes = not cfg.laptop and not b.boost_left
    return replace(
        b.sc,
        goal=goal,
        scanned=0,
        may_writepage=writes or shrink.in_trouble(cfg, b.sc.priority),
        may_swap=not b.boost_left,
    )


def order_left(order: Any, reclaimed: Any, gap: Any) -> Any:
    """Return the order still to balance for: 0 once twice its pages are reclaimed."""
    return 0 if order and reclaimed >= gap else order


def raises_priority(cfg: Config, b: Balance, got: int) -> bool:
    """Say whether the next round scans harder.

    Not while enough is scanned and something is got; nor, for a boost, from the third
    round on, where that would begin to write.
    """
    gentle = b.boost_left > 0 and b.sc.priority == cfg.priority - shrink.TROUBLE
    return not got or not (gentle or b.sc.scanned >= b.sc.goal)


def scanned(cfg: Config, s: State, node: int, b: Balance) -> Went:
    """Go on after the node was scanned: the second half of a round."""
    sc = b.sc
    order = order_left(sc.order, sc.reclaimed, shrink.compact_gap(sc.order))
    woken: Events = ()
    if allow_direct_reclaim(cfg, s, node):
        s, woken = let_go(s, node)
    got = sc.reclaimed - b.before
    priority = sc.priority - raises_priority(cfg, b, got)
    left = b.boost_left - min(b.boost_left, got)
    b = replace(b, sc=replace(sc, order=order), boost_left=left)
    if (left and not got) or not priority:
        s, more = failed(cfg, s, node, b)
    else:
        b = replace(b, sc=replace(b.sc, priority=priority))
        s, more = begin_round(cfg, s, node, b)
    return s, (*woken, *more)


def failed(cfg: Config, s: State, at: int, b: Balance) -> Went:
    """Count a run that got nothing at all, and end it."""
    node = s.nodes[at]
    if not b.sc.reclaimed:
        s = with_node(s, at, replace(node, failures=node.failures + 1))
    return out(cfg, s, at, b)


def out(cfg: Config, s: State, at: int, b: Balance) -> Went:
    """End a run: take back the boosts it began with, and look for what to do next.

    If it gave the order up it tries to sleep for less; else it sees who asked since.
    """
    node = s.nodes[at]
    it, order = node.kswapd, node.order
    if b.sc.order < it.alloc_order:
        after = replace(it, label=Label.RESTLESS, reclaim_order=b.sc.order, run=None)
    else:
        after = Kswapd(Label.RESTLESS, order, order, highest_asked(cfg, node))
    s = with_kswapd(unboost(cfg, s, at, b.boosts), at, after)
    if not any(b.boosts):
        return s, ()
    return s, (WakesKcompactd(at, cfg.pageblock_order, it.highest),)


def unboost(cfg: Config, s: State, node: int, boosts: tuple[int, ...]) -> State:
    """Take back as much of each zone's boost as there was when the run began."""
    zones = list(s.zones)
    usable = cfg.zones_of(node, s.nodes[node].kswapd.highest)
    for at, boost in zip(usable, boosts, strict=True):
        zones[at] = replace(zones[at], boost=max(0, zones[at].boost - boost))
    return replace(s, zones=tuple(zones))
