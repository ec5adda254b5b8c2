"""The slow path: the specification and the machine, side by side."""

from __future__ import annotations

from collections.abc import Hashable
from copy import copy

from mmoracle.impl.slowpath import Question, SlowPath
from mmoracle.spec.core import Disallowed, Op, Result
from mmoracle.spec.linux import AllocFlags, CompactPriority, CompactResult, Gfp
from mmoracle.spec.slowpath import ops
from mmoracle.spec.slowpath.always import CONTRACTS, INVARIANTS, LAWS
from mmoracle.spec.slowpath.ops import Answer, Answered, Begin, PfmemallocAllowed
from mmoracle.spec.slowpath.request import (
    COMPACTS_WITHOUT_IO,
    At,
    Config,
    Context,
    Event,
    Left,
    Next,
    Nodemask,
    Reclaim,
    Reply,
    State,
    Zone,
)
from mmoracle.spec.slowpath.sometimes import WITNESSES

from ..subsystem import Subsystem
from .slowpath_configs import CONFIGS

Move = Op[Config, State]


def build(cfg: Config) -> SlowPath:
    """Return a machine that nobody uses yet."""
    m = SlowPath(
        marks=cfg.marks,
        reserve=cfg.reserve,
        cluster=cfg.cluster,
        block_pages=cfg.block_pages,
        reclaim_retries=cfg.reclaim_retries,
        compact_retries=cfg.compact_retries,
        compaction=cfg.compaction,
        recheck=cfg.cpusets or cfg.hotremove,
        cma=cfg.cma,
        may_compact_unasked=COMPACTS_WITHOUT_IO in cfg.quirks,
        counts_free=cfg.counts_free,
        budget=(cfg.changes, cfg.kills, cfg.signals),
    )
    m.may_hurry = cfg.patience == "less"
    return m


def load(cfg: Config, s: State) -> SlowPath:
    """Return a machine where this request is under way."""
    m = build(cfg)
    m.pc, m.order, m.gfp, m.who = int(s.at), s.order, int(s.gfp), int(s.context)
    m.nodemask, m.noreclaim = int(s.nodemask), s.memalloc
    m.alloc_flags, m.compact_priority = int(s.flags), int(s.priority)
    m.compact_result, m.compaction_retries = int(s.compacted), s.retries
    m.no_progress_loops, m.progress = s.loops, int(s.gained)
    m.free, m.reclaimable, m.highatomic = numbers_of(s.zone)[:3]
    m.block, m.write_pending = s.zone.block, s.zone.write_pending
    m.changes, m.kills, m.signals = s.left.changes, s.left.kills, s.left.signals
    return m


def numbers_of(zone: Zone) -> tuple[int, ...]:
    """Return a zone as the machine takes it."""
    counts = (zone.free, zone.reclaimable, zone.highatomic)
    return (*counts, int(zone.block), zone.write_pending)


def abstract(m: SlowPath) -> State:
    """Return the request that is under way, with its zone."""
    return State(
        at=At(m.pc),
        order=m.order,
        gfp=Gfp(m.gfp),
        context=Context(m.who),
        nodemask=Nodemask(m.nodemask),
        memalloc=m.noreclaim,
        flags=AllocFlags(m.alloc_flags),
        priority=CompactPriority(m.compact_priority),
        compacted=CompactResult(m.compact_result),
        retries=m.compaction_retries,
        loops=m.no_progress_loops,
        gained=Reclaim(m.progress),
        zone=Zone(m.free, m.reclaimable, m.highatomic, m.block, m.write_pending),
        left=Left(m.changes, m.kills, m.signals),
    )


def told(question: Question) -> Next:
    """Return what the machine asks in the words of the specification."""
    pc, gfp, flags, priority, events, page = question
    return Next(
        asks=At(pc),
        gfp=Gfp(gfp),
        flags=AllocFlags(flags),
        priority=None if priority < 0 else CompactPriority(priority),
        events=tuple(Event[each] for each in events),
        page=None if page < 0 else bool(page),
    )


def tell(m: SlowPath, reply: Reply) -> None:
    """Give the machine an answer in its own words."""
    match reply:
        case Reply.NO_PAGE | Reply.PAGE:
            m.freelist(reply is Reply.PAGE)
        case Reply.CAPTURED:
            m.captured()
        case Reply.LOCKED | Reply.BUSY:
            m.locked(reply is Reply.BUSY)
        case Reply.NOBODY | Reply.KILLED | Reply.CHOSEN:
            m.out_of_memory(reply is not Reply.NOBODY, reply is Reply.CHOSEN)
        case Reply.UNCHANGED | Reply.CPUSET | Reply.ZONELIST | Reply.NODEMASK:
            changed, stale = reply is not Reply.UNCHANGED, reply is Reply.NODEMASK
            m.checked(changed, stale, reply is Reply.CPUSET)
        case _ if reply.name in Reclaim.__members__:
            m.reclaimed(int(Reclaim[reply.name]))
        case _:
            m.compacted(int(CompactResult[reply.name]))


def apply(m: SlowPath, op: Move) -> Result:
    """Do what Linux does."""
    match op:
        case Begin(asked, zone):
            who, nodes = int(asked.context), int(asked.nodemask)
            m.begin(asked.order, int(asked.gfp), who, nodes, numbers_of(zone))
        case Answer(reply):
            tell(m, reply)
        case PfmemallocAllowed(gfp, context):
            return m.gfp_pfmemalloc_allowed(int(gfp), int(context))
        case _:
            raise TypeError(op)
    return told(m.asked())


def accept(m: SlowPath, op: Move, result: Result) -> None:
    """Take somebody else's answer, or raise `Disallowed` and change nothing."""
    for stubborn in (True, False)[: 1 + m.may_hurry]:
        trial = copy(m)
        trial.events, trial.stubborn = [], stubborn
        if apply(trial, op) == result:
            trial.stubborn = True
            vars(m).update(vars(trial))
            return
    raise Disallowed("RET-CODE", f"{result} does not follow {op}")


def view(s: State) -> Hashable:
    """Return what any slow path must agree on: the question, the zone, the task."""
    task = s.order, s.gfp, s.context, s.nodemask, s.memalloc
    return s.at, *task, s.flags, s.zone, s.left


def permitted(cfg: Config, s: State, op: Move) -> list[Next]:
    """Return what may be asked next where an implementation may give up sooner."""
    if cfg.patience == "linux" or isinstance(op, PfmemallocAllowed):
        return []
    assert isinstance(op, Answered)
    return list(dict.fromkeys(turn.next for turn in ops.permitted(cfg, s, op)))


SLOWPATH = Subsystem(
    name="slowpath",
    about="the slow path of an allocation, from retry to OOM (mm/page_alloc.c)",
    configs=CONFIGS,
    initial=ops.initial,
    ops=ops.OPS,
    invariants=INVARIANTS,
    laws=LAWS,
    contracts=CONTRACTS,
    witnesses=WITNESSES,
    build=build,
    load=load,
    abstract=abstract,
    apply=apply,
    accept=accept,
    view=view,
    canonical=ops.canonical,
    permitted=permitted,
    declared=ops.used,
    faithful=lambda cfg: cfg.patience == "linux",
)
