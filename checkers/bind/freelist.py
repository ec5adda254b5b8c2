"""The walk over a zonelist: the specification and the machine, side by side."""

from __future__ import annotations

from typing import Any

from mmoracle.impl.freelist import FreeLists
from mmoracle.impl.freelist.alloc import Asked
from mmoracle.impl.freelist.answers import why_not
from mmoracle.impl.freelist.walk import Lower as MachineLower
from mmoracle.impl.freelist.walk import Task as MachineTask
from mmoracle.impl.freelist.zone import Zone as MachineZone
from mmoracle.spec.core import Disallowed, Op, Result
from mmoracle.spec.freelist import answers, others
from mmoracle.spec.freelist.alloc import (
    AllocInterleaved,
    AllocOnNode,
    AllocPages,
    GetPageFromFreelist,
    Settled,
)
from mmoracle.spec.freelist.always import CONTRACTS, INVARIANTS, LAWS
from mmoracle.spec.freelist.answers import Outcome, Page, SlowPath
from mmoracle.spec.freelist.change import Free, SetBoost, SetReserve, Take
from mmoracle.spec.freelist.ops import OPS
from mmoracle.spec.freelist.policy import AllocCurrent
from mmoracle.spec.freelist.request import Nodemask
from mmoracle.spec.freelist.sometimes import WITNESSES
from mmoracle.spec.freelist.zones import (
    Config,
    Lower,
    Memory,
    Task,
    Zone,
    initial,
)
from mmoracle.spec.linux import Bug, Gfp, NodeReclaim

from ..subsystem import Subsystem
from . import refuse
from .freelist_configs import CONFIGS

Move = Op[Config, Memory]

EVENTS: dict[object, Any] = {
    "skipped": answers.Skipped,
    "dirty": answers.DirtyLimit,
    "mark": answers.Mark,
    "reclaimed": lambda nid, got: answers.Reclaimed(nid, NodeReclaim(got)),
    "grew": answers.Grew,
    "took": answers.Took,
    "pageset": answers.Pageset,
    "none": answers.NoPage,
    "woke": answers.Woke,
    "reserve": answers.Reserve,
    "again": answers.Again,
}


# ------------------------------------------------------------------ states


def build(cfg: Config) -> FreeLists:
    """Return a machine as it is at the beginning."""
    return load(cfg, initial(cfg))


def load(cfg: Config, s: Memory) -> FreeLists:
    """Return a machine that holds this state."""
    zones = [
        MachineZone(at, p.nid, p.index, p.marks, p.reserve, cfg.orders, cfg.cma)
        for at, p in enumerate(cfg.zones)
    ]
    for zone, told in zip(zones, s.zones, strict=True):
        fill(zone, told)
    m = FreeLists(
        zones,
        cfg.fallback,
        cfg.own,
        cfg.kinds,
        grouping=cfg.grouping,
        allowed=cfg.allowed,
        memoryless=cfg.memoryless,
        linux=cfg.is_linux,
        orders=cfg.orders,
        pageblock_order=cfg.pageblock_order,
        cma=cfg.cma,
        most=cfg.most,
        numa=cfg.numa,
        counts=cfg.numa and cfg.counts,
        cpusets=cfg.cpusets,
        distance=cfg.distance,
        reclaim_distance=cfg.reclaim_distance,
        reclaim_mode=cfg.reclaim_mode,
        deferred=cfg.deferred,
        unsigned_bits=cfg.unsigned_bits,
        init=(cfg.init_on_alloc, cfg.init_on_free, cfg.poisoned, cfg.poisoned_zero),
    )
    m.il_prev = s.il_prev
    return m


def fill(zone: MachineZone, told: Zone) -> None:
    """Put a zone's lists and counters into the machine's zone."""
    for order, row in enumerate(told.blocks):
        for mt, number in enumerate(row):
            zone.add(order, mt, number)
    zone.free, zone.free_cma = told.free, told.free_cma
    zone.boost, zone.boosted = told.boost, told.boosted
    zone.highatomic, zone.stats = told.highatomic, list(told.stats)
    zone.deferred = told.deferred


def read(zone: MachineZone) -> Zone:
    """Return a zone of the machine as a value."""
    return Zone(
        tuple(map(tuple, zone.nr)),
        zone.free,
        zone.free_cma,
        zone.boost,
        zone.boosted,
        zone.highatomic,
        tuple(zone.stats),
        zone.deferred,
    )


def abstract(m: FreeLists) -> Memory:
    """Return the machine's state as a value."""
    return Memory(tuple(map(read, m.zones)), m.il_prev)


# ------------------------------------------------------------------ operations


def asked(
    gfp: Gfp, order: int, nid: int, mask: Nodemask, task: Task, lower: Lower
) -> Asked:
    """Return a request in the machine's words."""
    who = MachineTask(
        task.node,
        task.mems,
        task.above,
        task.interrupt,
        task.victim,
        task.exiting,
        task.nocma,
        task.noio,
        task.nofs,
    )
    told = tuple((int(r.answer), r.order, r.blocks) for r in lower.reclaims)
    below = MachineLower(
        lower.fails, lower.dirty, lower.lost, lower.cached, lower.boosts, told
    )
    given = mask is not None
    return Asked(int(gfp), order, nid, -1 if mask is None else mask, given, who, below)


def do(m: FreeLists, op: Move) -> Result:
    """Do what Linux does; return the machine's value."""
    match op:
        case AllocPages(gfp, order, nid, mask, task, lower):
            return m.alloc_pages_nodemask(asked(gfp, order, nid, mask, task, lower))
        case AllocOnNode(gfp, order, nid, task, lower):
            return m.alloc_pages_node(asked(gfp, order, nid, None, task, lower))
        case AllocInterleaved(gfp, order, policy, offset, task, lower):
            request = asked(gfp, order, 0, None, task, lower)
            return m.alloc_page_interleave(request, policy, offset)
        case AllocCurrent(gfp, order, mode, nodes, task, lower):
            request = asked(gfp, order, 0, None, task, lower)
            return m.alloc_pages_current(request, int(mode), nodes)
        case GetPageFromFreelist(gfp, order, flags, nid, mask, task, lower):
            request = asked(gfp, order, nid, mask, task, lower)
            return m.walk_with(request, int(flags))
    return change(m, op)


def change(m: FreeLists, op: Move) -> Result:
    """Do what others do meanwhile."""
    match op:
        case Free((at, order, mt)):
            m.free_block(at, order, mt)
        case Take((at, order, mt)):
            m.take_block(at, order, mt)
        case SetBoost(at, boost):
            m.set_boost(at, boost)
        case SetReserve(at, pages):
            m.set_reserve(at, pages)
        case _:
            raise TypeError(op)
    return None


def valued(got: Result) -> Page | SlowPath | Bug | None:
    """Return the machine's value in the specification's words."""
    if not isinstance(got, tuple):
        return got  # type: ignore[no-any-return]
    if got[-1] == "slow":
        return SlowPath(Gfp(got[0]), *got[1:4])
    return Page(*got)


def apply(m: FreeLists, op: Move) -> Outcome:
    """Do what Linux does, or what the declared policy does."""
    got = valued(do(m, op))
    events = tuple(EVENTS[name](*rest) for name, *rest in m.events)
    m.events.clear()
    return Outcome(got, events)


# ------------------------------------------------------------------ answers


def accept(m: FreeLists, op: Move, result: Result) -> None:
    """Take somebody else's answer, or raise `Disallowed` and change nothing."""
    if not isinstance(result, Outcome):
        raise Disallowed("RET-CODE", f"{result} is no outcome")
    if not m.linux and not isinstance(op, Free | Take | SetBoost | SetReserve):
        take(m, op, result)
        return
    saved = m.save()
    due = apply(m, op)
    if result != due:
        m.restore(saved)
        raise Disallowed("RET-CODE", f"{due} is due, got {result}")


def take(m: FreeLists, op: Move, result: Outcome) -> None:
    """Take the answer of a policy that is not Linux's."""
    if isinstance(op, AllocCurrent) and op.turn is not None:
        take(m, op.turn, result)
        return
    if result.events:
        raise Disallowed("RET-CODE", "no events are due")
    got: Result = result.value
    if isinstance(got, Page):
        got = (got.at, got.zeroed, got.compound, got.pfmemalloc)
    elif isinstance(got, SlowPath):
        got = (int(got.gfp), got.preferred, got.highest, got.mt, "slow")
    match op:
        case AllocPages(gfp, order, nid, mask, task, lower):
            request = asked(gfp, order, nid, mask, task, lower)
            settled = m.settle(request)
        case AllocOnNode(gfp, order, nid, task, lower):
            request = asked(gfp, order, nid, None, task, lower)
            settled = m.settle_node(request)
        case AllocCurrent(gfp, order, _, nodes, task, lower):
            request = asked(gfp, order, 0, None, task, lower)
            settled = m.settle_current(request, int(op.heeded), nodes)
        case AllocInterleaved(gfp, order, policy, offset, task, lower):
            nid = m.interleave_nid(policy, offset, task.node)
            settled = m.settle(asked(gfp, order, nid, None, task, lower))
        case GetPageFromFreelist(gfp, order, flags, nid, mask, task, lower):
            request = asked(gfp, order, nid, mask, task, lower)
            settled = m.settle_walk(request, int(flags))
        case _:
            raise TypeError(op)
    refuse(why_not(m, settled, got))
    if isinstance(op, AllocInterleaved):
        m.turn(op.offset, nid)
    if isinstance(settled, tuple) and isinstance(result.value, Page):
        m.serve(settled[0], m.zones[result.value.at], settled[1])
        if isinstance(op, AllocInterleaved):
            m.count_interleaved(got, nid)


def permitted(cfg: Config, s: Memory, op: Move) -> list[Outcome]:
    """Return every answer to a request that a policy other than Linux's may give."""
    if cfg.is_linux or isinstance(op, Free | Take | SetBoost | SetReserve):
        return []
    ready = op.settled(cfg, s)  # type: ignore[attr-defined]
    if not isinstance(ready, Settled):
        return [ready]
    return others.permitted(cfg, s, ready.ac, ready.flags, ready.failed)


FREELIST = Subsystem(
    name="freelist",
    about="which zone a request falls into, and when it may (mm/page_alloc.c)",
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
    permitted=permitted,
    faithful=lambda cfg: cfg.is_linux,
)
