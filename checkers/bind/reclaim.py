"""Reclaim: the specification and the machine, side by side."""

from __future__ import annotations

from typing import Any

from mmoracle.impl.reclaim import Reclaim
from mmoracle.impl.reclaim.direct import Asked, Cached
from mmoracle.impl.reclaim.pgdat import Pgdat, ScanControl, ShrinkNode
from mmoracle.impl.reclaim.pgdat import Zone as MachineZone
from mmoracle.impl.reclaim.vmscan import Nodes
from mmoracle.spec.core import Disallowed, Op, Result
from mmoracle.spec.linux import Gfp
from mmoracle.spec.reclaim import events, state
from mmoracle.spec.reclaim.always import CONTRACTS, INVARIANTS, LAWS
from mmoracle.spec.reclaim.counts import Count
from mmoracle.spec.reclaim.levels import Boost, Free, Merge, ScanCount, Take
from mmoracle.spec.reclaim.ops import (
    OPS,
    Cause,
    NodeReclaim,
    Resume,
    RunKswapd,
    Shrunk,
    Suitable,
    TryToFree,
    WakeKswapd,
    judge,
)
from mmoracle.spec.reclaim.sometimes import WITNESSES
from mmoracle.spec.reclaim.state import (
    Aim,
    Balance,
    Cache,
    Config,
    Control,
    Direct,
    Kswapd,
    Label,
    Local,
    Node,
    Request,
    Scan,
    State,
    Use,
    Zone,
    initial,
)

from ..subsystem import Subsystem
from .reclaim_configs import CONFIGS

Move = Op[Config, State]
LABELS = tuple(Label)
EVENTS: dict[object, Any] = {
    "shrink": events.Shrink,
    "suits": events.Suits,
    "waits": events.Waits,
    "returns": events.Returns,
    "naps": events.Naps,
    "sleeps": events.Sleeps,
    "wakes-kswapd": events.WakesKswapd,
    "wakes-kcompactd": events.WakesKcompactd,
    "wakes-throttled": events.WakesThrottled,
}


def machine(cfg: Config) -> Reclaim:
    """Return a machine whose zones are empty."""
    orders = cfg.pageblock_order + 2
    nodes = Nodes(
        [
            MachineZone(at, z.node, z.index, z.managed, z.marks, z.reserve, orders)
            for at, z in enumerate(cfg.zones)
        ],
        max_zones=cfg.max_zones,
        normal=cfg.normal,
        priority=cfg.priority,
        cluster=cfg.cluster,
        retries=cfg.retries,
        laptop=cfg.laptop,
        swap=cfg.swap,
        noio=state.COMPACTS_NOIO in cfg.quirks,
    )
    return Reclaim(
        nodes,
        cfg.zonelist,
        local_priority=cfg.local_priority,
        pageblock_order=cfg.pageblock_order,
        mask=(1 << cfg.word) - 1,
        notes_low=state.LOW_UNNOTED not in cfg.quirks,
    )


def build(cfg: Config) -> Reclaim:
    """Return a machine with the zones as they are at first."""
    return load(cfg, initial(cfg))


# ------------------------------------------------------------------ loading


def load(cfg: Config, s: State) -> Reclaim:
    """Return a machine that holds this state."""
    m = machine(cfg)
    for zone, z in zip(m.zones, s.zones, strict=True):
        zone.free, zone.file, zone.anon = z.free, z.file, z.anon
        zone.boost, zone.block = z.boost, z.block
    for pgdat, node in zip(m.nodes.nodes, s.nodes, strict=True):
        load_node(pgdat, node)
    if s.task is not None:
        load_task(m, s.task)
    m.task.memalloc = s.memalloc
    return m


def load_node(pgdat: Pgdat, node: Node) -> None:
    """Put a node and its kswapd into the machine."""
    it = node.kswapd
    pgdat.kswapd_order, pgdat.kswapd_highest_zoneidx = node.order, node.highest
    pgdat.kswapd_failures, pgdat.label = node.failures, LABELS.index(it.label)
    pgdat.alloc_order, pgdat.reclaim_order = it.alloc_order, it.reclaim_order
    pgdat.highest_zoneidx = it.highest
    if it.run is not None:
        pgdat.sc, pgdat.shrink = control_in(it.run.sc), scan_in(it.run.scan)
        pgdat.zone_boosts = list(it.run.boosts)
        pgdat.nr_boost_reclaim, pgdat.nr_before = it.run.boost_left, it.run.before


def load_task(m: Reclaim, told: Direct | Local) -> None:
    """Put a task into the machine."""
    task = m.task
    task.asked = asked(told.request)
    task.sc, task.shrink = control_in(told.sc), scan_in(told.scan)
    if isinstance(told, Local):
        task.local = told.node
    else:
        task.pos, task.last = told.at, told.last
        m.nodes.waits, m.nodes.woken = told.waits, told.woken


def asked(r: Request) -> Asked:
    """Return a request as the machine has it."""
    return Asked(
        r.order,
        int(r.gfp),
        r.highest,
        r.nodes,
        r.allowed,
        r.kthread,
        r.fatal,
        r.memalloc,
    )


def control_in(told: Control) -> ScanControl:
    """Return a scan's wishes as the machine has them."""
    sc = ScanControl(told.order, told.highest, int(told.gfp), told.goal, told.priority)
    sc.may_writepage, sc.may_swap = told.may_writepage, told.may_swap
    sc.nr_reclaimed, sc.nr_scanned = told.reclaimed, told.scanned
    sc.force_deactivate = told.force_deactivate
    sc.skipped_deactivate = told.skipped_deactivate
    sc.memcg_low_reclaim, sc.memcg_low_skipped = told.low_reclaim, told.low_skipped
    sc.compaction_ready = told.compaction_ready
    return sc


def scan_in(told: Scan | None) -> ShrinkNode | None:
    """Return a scan as the machine has it."""
    if told is None:
        return None
    at = ShrinkNode(told.node, told.base)
    at.reclaimable, at.zone, at.inactive = told.progress, told.asking, told.inactive
    return at


# ------------------------------------------------------------------ reading


def abstract(m: Reclaim) -> State:
    """Return the machine's state as a value."""
    return State(
        tuple(Zone(z.free, z.file, z.anon, z.boost, z.block) for z in m.zones),
        tuple(node_out(pgdat) for pgdat in m.nodes.nodes),
        task_out(m),
        m.task.memalloc,
    )


def node_out(pgdat: Pgdat) -> Node:
    """Return a node of the machine as a value."""
    run = None
    if pgdat.sc is not None:
        run = Balance(
            control_out(pgdat.sc),
            tuple(pgdat.zone_boosts),
            pgdat.nr_boost_reclaim,
            pgdat.nr_before,
            scan_out(pgdat.shrink),
        )
    it = Kswapd(
        LABELS[pgdat.label],
        pgdat.alloc_order,
        pgdat.reclaim_order,
        pgdat.highest_zoneidx,
        run,
    )
    order, highest = pgdat.kswapd_order, pgdat.kswapd_highest_zoneidx
    return Node(order, highest, pgdat.kswapd_failures, it)


def task_out(m: Reclaim) -> Direct | Local | None:
    """Return the machine's task as a value."""
    task = m.task
    if task.asked is None:
        return None
    request = request_out(task.asked)
    sc, scan = control_out(task.sc), scan_out(task.shrink)
    if task.local >= 0:
        return Local(request, sc, task.local, scan)
    waits, woken = m.nodes.waits, m.nodes.woken
    return Direct(request, sc, task.pos, task.last, scan, waits, woken)


def request_out(r: Asked) -> Request:
    """Return a request as a value."""
    who = (r.kthread, r.fatal, r.memalloc)
    return Request(r.order, Gfp(r.gfp), r.highest, r.nodes, r.allowed, *who)


def control_out(sc: ScanControl) -> Control:
    """Return a scan's wishes as a value."""
    return Control(
        order=sc.order,
        highest=sc.reclaim_idx,
        gfp=Gfp(sc.gfp),
        goal=sc.nr_to_reclaim,
        priority=sc.priority,
        may_writepage=sc.may_writepage,
        may_swap=sc.may_swap,
        reclaimed=sc.nr_reclaimed,
        scanned=sc.nr_scanned,
        force_deactivate=sc.force_deactivate,
        skipped_deactivate=sc.skipped_deactivate,
        low_reclaim=sc.memcg_low_reclaim,
        low_skipped=sc.memcg_low_skipped,
        compaction_ready=sc.compaction_ready,
    )


def scan_out(at: ShrinkNode | None) -> Scan | None:
    """Return a scan as a value."""
    if at is None:
        return None
    return Scan(at.nid, at.nr_reclaimed, at.reclaimable, at.zone, at.inactive)


# ------------------------------------------------------------------ operations


def apply(m: Reclaim, op: Move) -> Result:
    """Do what Linux does."""
    match op:
        case ScanCount(is_file, size, low, least, usage, online, aim, priority, again):
            facts = facts_of(aim)
            group = (low, least, usage, online)
            return Count(
                *m.get_scan_count(is_file, size, *group, facts, priority, again)
            )
        case Take(zone, pages, use):
            return m.take(zone, pages, use is Use.FILE, use is Use.ANON)
        case Free(zone, pages):
            return m.free(zone, pages)
        case Boost(zone, pages):
            return m.boost(zone, pages)
        case Merge(zone, order):
            return m.merge(zone, order)
    do(m, op)
    told = tuple(EVENTS[name](*rest) for name, *rest in m.nodes.events)
    m.nodes.events.clear()
    return told


def do(m: Reclaim, op: Move) -> None:
    """Do an operation that answers with events."""
    match op:
        case TryToFree(request):
            m.try_to_free_pages(asked(request))
        case Resume(cause):
            m.resume(cause is Cause.WOKEN, cause is Cause.FATAL)
        case NodeReclaim(node, request, mode, cache, away, locked):
            m.node_reclaim(node, asked(request), mode, cached(cache), away, locked)
        case Shrunk((who, told)):
            facts = (told.scanned, told.inactive, told.skipped, told.low)
            m.shrunk(who, told.file, told.anon, *facts)
        case Suitable(who, suits):
            m.suitable(who, int(suits))
        case WakeKswapd(zone, (order, gfp), highest, allowed):
            m.wakeup_kswapd(zone, order, int(gfp), highest, allowed)
        case RunKswapd(node):
            m.run_kswapd(node)
        case _:
            raise TypeError(op)


def cached(c: Cache) -> Cached:
    """Return a node's cache as the machine has it."""
    limits = (c.slab, c.min_unmapped, c.min_slab)
    return Cached(c.file, c.lru, c.mapped, c.dirty, *limits)


def facts_of(a: Aim) -> tuple[int, int, int, bool, bool, bool, bool]:
    """Return what decides a scan's balance as the machine has it."""
    costs = (a.swappiness, a.anon_cost, a.file_cost)
    return (*costs, a.swap, a.cgroup, a.tiny, a.trim)


def accept(m: Reclaim, op: Move, result: Result) -> None:
    """Take somebody else's answer, or raise `Disallowed` and change nothing."""
    saved = m.save()
    due = apply(m, op)
    if due != result:
        m.restore(saved)
        refuse_other(due, result)


def refuse_other(due: Result, result: Result) -> None:
    """Raise `Disallowed` for an answer that is not due, by the rule that it breaks."""
    if isinstance(due, tuple):
        judge(due, result)
    rule = "RCL-SILENT" if due is None else "SCAN-COUNT"
    raise Disallowed(rule, f"{due} is due, got {result}")


RECLAIM = Subsystem(
    name="reclaim",
    about="direct reclaim, node reclaim and kswapd's decisions (mm/vmscan.c)",
    configs=CONFIGS,
    initial=initial,
    ops=OPS,
    invariants=INVARIANTS,
    laws=LAWS,
    contracts=CONTRACTS,
    witnesses=WITNESSES,
    build=build,
    load=load,
    abstract=abstract,
    apply=apply,
    accept=accept,
)
