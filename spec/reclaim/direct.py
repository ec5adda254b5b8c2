"""Direct reclaim: a task that finds no memory frees some itself, round by round.

Each round scans the nodes of the zonelist harder, until enough pages are free, or
compaction can take over, or the lists have been scanned as a whole.  If nothing came
of it, it begins again: first with active pages deactivated by force, then with the
pages that memory.low protects.

    priority   12  11  10  9 ... 0     at most 13 rounds, and three more times 13
                           |
                           from here on dirty pages are written

Source: mm/vmscan.c:try_to_free_pages, do_try_to_free_pages, shrink_zones,
compaction_ready, throttle_direct_reclaim; mm/page_alloc.c:__perform_reclaim (v5.10).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..linux import PAGE_ALLOC_COSTLY_ORDER, CompactResult, Gfp
from . import shrink
from .events import Returns, Shrink, Suits, Waits, WakesKswapd, Went
from .marks import high_mark, level_ok, min_mark, reclaimable_pages
from .state import Config, Control, Direct, Label, Node, Request, State

FATAL = 1  # what a throttled task with a fatal signal returns; it counts no pages

# ------------------------------------------------------------------ throttling


def enough_for_emergencies(failures: Any, most: int, reserve: Any, free: Any) -> Any:
    """Say whether tasks may reclaim: more than half of the reserve is free.

    Where kswapd has given up, or there is no reserve, nobody waits for it.
    """
    if failures >= most or reserve == 0:
        return True
    return free > reserve // 2


def allow_direct_reclaim(cfg: Config, s: State, node: int) -> bool:
    """Say whether tasks may reclaim on a node; zones with nothing do not count."""
    reserve = free = 0
    for at in cfg.zones_of(node, cfg.normal):
        zone = s.zones[at]
        if reclaimable_pages(zone.file, zone.anon, cfg.swap, zone.free):
            reserve += min_mark(cfg.zones[at], zone)
            free += zone.free
    failures = s.nodes[node].failures
    return bool(enough_for_emergencies(failures, cfg.retries, reserve, free))


def rouse(s: State, at: int) -> State:
    """Return the state with a kswapd made to run, if it sleeps or naps."""
    node = s.nodes[at]
    roused = {Label.ASLEEP: Label.WOKEN, Label.NAPPING: Label.ROUSED}
    label = roused.get(node.kswapd.label, node.kswapd.label)
    return with_node(s, at, replace(node, kswapd=replace(node.kswapd, label=label)))


def is_idle(s: State, node: int) -> bool:
    """Say whether a kswapd sleeps or naps: it is on its wait queue."""
    return s.nodes[node].kswapd.label in (Label.ASLEEP, Label.NAPPING)


def with_node(s: State, at: int, node: Node) -> State:
    """Return the state with one node replaced."""
    return replace(s, nodes=(*s.nodes[:at], node, *s.nodes[at + 1 :]))


def needs_kswapd(cfg: Config, s: State, at: int) -> Went:
    """Wake the kswapd that a waiting task needs: allow_direct_reclaim() said no."""
    if not is_idle(s, at):
        return s, ()
    node = s.nodes[at]
    if node.highest > cfg.normal:
        s = with_node(s, at, replace(node, highest=cfg.normal))
    return rouse(s, at), (WakesKswapd(at),)


def first_lowmem_node(cfg: Config, request: Request) -> int | None:
    """Return the node whose reserve counts for a request, if one does."""
    for at in cfg.zonelist:
        if may_serve(cfg, request, at) and cfg.zones[at].index <= cfg.normal:
            return cfg.zones[at].node
    return None


def throttled_on(cfg: Config, s: State, request: Request) -> int | None:
    """Return the node on which a task must wait: throttle_direct_reclaim().

    Kernel threads and tasks that are to die never wait.
    """
    node = first_lowmem_node(cfg, request)
    if request.kthread or request.fatal or node is None:
        return None
    return None if allow_direct_reclaim(cfg, s, node) else node


def wait(cfg: Config, s: State, task: Direct, node: int) -> Went:
    """Wait on a node until more of its pages are free; without FS a second at most."""
    s, woken = needs_kswapd(cfg, s, node)
    s = replace(s, task=replace(task, waits=node, woken=False))
    timed = not task.request.gfp & Gfp.FS
    return s, (*woken, Waits(node, timed))


# ------------------------------------------------------------------ a round


def may_serve(cfg: Config, request: Request, at: int) -> bool:
    """Say whether a zone is one that the request may use."""
    place = cfg.zones[at]
    return place.index <= request.highest and bool(request.nodes >> place.node & 1)


def leaves_to_compaction(suits: CompactResult, above_the_gap: bool) -> bool:
    """Say whether a zone has enough free pages for compaction: compaction_ready()."""
    if suits == CompactResult.SUCCESS:
        return True
    return suits != CompactResult.SKIPPED and above_the_gap


def compaction_ready(
    cfg: Config, s: State, sc: Control, at: int, suits: CompactResult
) -> bool:
    """Say so for a zone, which must be above its high mark and the gap."""
    mark = high_mark(cfg.zones[at], s.zones[at]) + shrink.compact_gap(sc.order)
    return leaves_to_compaction(suits, level_ok(cfg, s, at, 0, mark, sc.highest))


def is_asked(cfg: Config, task: Direct, at: int) -> bool:
    """Say whether compaction is asked about a zone before its node is scanned."""
    costly = task.sc.order > PAGE_ALLOC_COSTLY_ORDER
    return costly and shrink.compaction_allowed(cfg, task.sc.gfp)


def walk(cfg: Config, s: State, task: Direct) -> Went:
    """Go along the zonelist up to the next question, or to the end of the round.

    A zone that the cpuset forbids is passed over; so is one whose node came last.
    """
    while task.at < len(cfg.zonelist):
        at = cfg.zonelist[task.at]
        node = cfg.zones[at].node
        allowed = bool(task.request.allowed >> node & 1)
        if may_serve(cfg, task.request, at) and allowed:
            if is_asked(cfg, task, at):
                return replace(s, task=task), (Suits(at),)
            if node != task.last:
                return scan(s, task, node)
        task = replace(task, at=task.at + 1)
    return round_over(cfg, s, task)


def scan(s: State, task: Direct, node: int) -> Went:
    """Have a node scanned."""
    task = replace(task, last=node, scan=shrink.begin(node, task.sc))
    return replace(s, task=task), (Shrink(node),)


def told(cfg: Config, s: State, task: Direct, suits: CompactResult) -> Went:
    """Go on after compaction was asked about the zone that the walk is at."""
    at = cfg.zonelist[task.at]
    node = cfg.zones[at].node
    if compaction_ready(cfg, s, task.sc, at, suits):
        task = replace(task, sc=replace(task.sc, compaction_ready=True))
    elif node != task.last:
        return scan(s, task, node)
    return walk(cfg, s, replace(task, at=task.at + 1))


def scanned(cfg: Config, s: State, task: Direct) -> Went:
    """Go on after the node of the zone that the walk is at was scanned."""
    return walk(cfg, s, replace(task, at=task.at + 1, scan=None))


# ------------------------------------------------------------------ the rounds


def round_over(cfg: Config, s: State, task: Direct) -> Went:
    """End with enough pages or for compaction; else scan harder, or look what came."""
    sc = task.sc
    if sc.reclaimed >= sc.goal or sc.compaction_ready:
        return finish(cfg, s, task)
    writes = sc.may_writepage or shrink.in_trouble(cfg, sc.priority)
    sc = replace(sc, may_writepage=writes)
    if not sc.priority:
        return finish(cfg, s, replace(task, sc=sc))
    return begin_round(cfg, s, replace(task, sc=replace(sc, priority=sc.priority - 1)))


def begin_round(cfg: Config, s: State, task: Direct) -> Went:
    """Begin a round at the head of the zonelist."""
    sc = replace(task.sc, scanned=0)
    return walk(cfg, s, replace(task, sc=sc, at=0, last=-1))


def verdict(reclaimed: Any, compaction_ready: Any) -> Any:
    """Return what came of it: pages, 1 for compaction, or 0."""
    return reclaimed or int(compaction_ready)


def again(cfg: Config, sc: Control) -> Control | None:
    """Return how to begin again after nothing was reclaimed, none if not at all."""
    if sc.skipped_deactivate:
        sc = replace(sc, skipped_deactivate=False, force_deactivate=True)
    elif sc.low_skipped:
        sc = replace(sc, low_skipped=False, low_reclaim=True, force_deactivate=False)
    else:
        return None
    return replace(sc, priority=cfg.priority)


def finish(cfg: Config, s: State, task: Direct) -> Went:
    """Return what came of the rounds, or begin again."""
    number = verdict(task.sc.reclaimed, task.sc.compaction_ready)
    sc = again(cfg, task.sc)
    if number or sc is None:
        return done(s, task, number)
    return begin_round(cfg, s, replace(task, sc=sc))


def done(s: State, task: Direct, number: int) -> Went:
    """Return a number; the task is what it was before."""
    memalloc = task.request.memalloc
    return replace(s, task=None, memalloc=memalloc), (Returns(number),)


# ------------------------------------------------------------------ from its begin


def control(cfg: Config, request: Request) -> Control:
    """Return what a task wants at first."""
    return Control(
        order=request.order,
        highest=request.highest,
        gfp=request.gfp,
        goal=cfg.cluster,
        priority=cfg.priority,
        may_writepage=not cfg.laptop,
    )


def try_to_free_pages(cfg: Config, s: State, request: Request) -> Went:
    """Begin; a task that must wait does, all others start their first round.

    While it lasts the task has PF_MEMALLOC.
    """
    task = Direct(request, control(cfg, request))
    s = replace(s, memalloc=True)
    node = throttled_on(cfg, s, request)
    if node is not None:
        return wait(cfg, s, task, node)
    return begin_round(cfg, s, task)


def go_on(cfg: Config, s: State, task: Direct, fatal: bool) -> Went:
    """Go on after a wait; with a fatal signal claim progress, so no oom follows."""
    task = replace(task, waits=-1, woken=False)
    return done(s, task, FATAL) if fatal else begin_round(cfg, s, task)
