"""Compaction: the specification and the machine, side by side."""

from __future__ import annotations

from mmoracle.impl.compaction import Compaction
from mmoracle.impl.compaction import defer as machine
from mmoracle.impl.compaction.control import Control as Cc
from mmoracle.impl.compaction.control import Request
from mmoracle.impl.compaction.frames import SHIFT
from mmoracle.impl.compaction.frames import Zone as Area
from mmoracle.spec.compaction import always, ops, sometimes
from mmoracle.spec.compaction.answers import migratetype
from mmoracle.spec.compaction.deferral import (
    Defer,
    Deferred,
    DeferReset,
    FragmentationIndex,
    ResetIsolation,
    Restarting,
    Served,
    Suitable,
)
from mmoracle.spec.compaction.meanwhile import Drain, Free, Kill, Take
from mmoracle.spec.compaction.ops import Lay
from mmoracle.spec.compaction.parts import (
    KEEPS_HIGH_PFN,
    LOSES_CAPTURED,
    STARTS_BELOW,
    Config,
    Control,
    Memory,
    Mode,
    Phase,
    Run,
    Zone,
)
from mmoracle.spec.compaction.requests import (
    Compacted,
    Kcompactd,
    Return,
    TryToCompact,
    WakeupKcompactd,
)
from mmoracle.spec.compaction.rounds import BeginZone, EndZone, Finished, Settle
from mmoracle.spec.compaction.scanners import (
    IsolateFreepages,
    IsolateMigratepages,
    MigratePage,
)
from mmoracle.spec.compaction.sources import Isolated
from mmoracle.spec.core import Op, Result
from mmoracle.spec.linux import AllocFlags, CompactPriority, CompactResult, Gfp

from ..subsystem import Subsystem
from . import refuse
from .compaction_configs import CONFIGS

Move = Op[Config, Memory]


def build(cfg: Config) -> Compaction:
    """Return a machine on which nothing is free yet."""
    return load(cfg, ops.initial(cfg))


# ------------------------------------------------------------------ to the machine


def load(cfg: Config, s: Memory) -> Compaction:
    """Return a machine that holds this state."""
    m = Compaction(
        [(z.start, z.end) for z in cfg.zones],
        cfg.marks,
        cfg.reserve,
        orders=cfg.orders,
        pageblock_order=cfg.pageblock_order,
        costly_order=cfg.costly_order,
        cluster=cfg.cluster,
        defer_max=cfg.defer_max,
        threshold=cfg.threshold,
        high=cfg.high,
        batch=cfg.batch,
        cma=cfg.cma,
        patterns=cfg.patterns,
        starts_below=STARTS_BELOW in cfg.quirks,
        keeps_high_pfn=KEEPS_HIGH_PFN in cfg.quirks,
        loses_captured=LOSES_CAPTURED in cfg.quirks,
    )
    m.m.page[:] = s.pages.encode()
    m.m.types[:], m.m.skip[:] = s.types, bytes(s.skip)
    for area, zone in zip(m.zones, s.zones, strict=True):
        load_zone(area, zone)
    if s.run is not None:
        load_run(m, s.run)
    m.runs, m.laid = s.runs, s.laid
    m.kcompactd_max_order = s.kcompactd_order
    m.kcompactd_highest_zoneidx = s.kcompactd_highest
    return m


def load_zone(area: Area, zone: Zone) -> None:
    """Put the lists and counters of a zone into the machine."""
    for order, lists in enumerate(zone.free):
        for mt, line in enumerate(lists):
            for pfn in line:
                area.push(pfn, order, mt, True)
    area.nr_free_pages, area.nr_free_cma = zone.nr_free_pages, zone.nr_free_cma
    for deck, waiting in zip(area.pcp, zone.pcp, strict=True):
        deck.extend(waiting)
    area.pcp_count = sum(map(len, zone.pcp))
    area.compact_cached_free_pfn = zone.cached_free
    area.compact_cached_migrate_pfn = list(zone.cached_migrate)
    area.compact_init_migrate_pfn = zone.init_migrate
    area.compact_init_free_pfn = zone.init_free
    area.compact_considered = zone.considered
    area.compact_defer_shift = zone.defer_shift
    area.compact_order_failed = zone.order_failed
    area.compact_blockskip_flush = zone.flush


def load_run(m: Compaction, run: Run) -> None:
    """Put a run that is going into the machine."""
    prio = None if run.prio is None else int(run.prio)
    r = Request(prio, run.highest, int(run.flags), run.at)
    r.phase, r.rc, r.captured = run.phase.value, run.result, run.captured
    c = run.cc
    cc = Cc(m.zones[run.at], c.order, c.mt, c.fs, prio)
    cc.whole_zone, cc.ignore_skip_hint = c.whole_zone, c.ignore_skip
    cc.migrate_pfn, cc.free_pfn = c.migrate_pfn, c.free_pfn
    cc.freepages, cc.migratepages = list(c.freepages[::-1]), list(c.migratepages[::-1])
    cc.nr_migratepages = c.nr_migratepages
    cc.fast_start_pfn, cc.fast_search_fail = c.fast_start_pfn, c.fast_search_fail
    cc.search_order, cc.contended, cc.rescan = c.search_order, c.contended, c.rescan
    cc.last_migrated_pfn, cc.update_cached = c.last_migrated, c.update_cached
    cc.nr_failed, cc.enomem = int(c.failed), c.starved
    cc.ret, cc.fatal = c.status, run.fatal
    m.request, m.cc = r, cc
    if prio is not None and run.phase not in (Phase.ZONE, Phase.RETURN):
        m.show_capture()
        r.page = c.captured


# ------------------------------------------------------------------ and back


def abstract(m: Compaction) -> Memory:
    """Return the state that the machine is in."""
    return Memory(
        pages=m.m.page.decode(),
        types=tuple(m.m.types),
        skip=tuple(map(bool, m.m.skip)),
        zones=tuple(zone_of(m, area) for area in m.zones),
        run=run_of(m),
        runs=m.runs,
        kcompactd_order=m.kcompactd_max_order,
        kcompactd_highest=m.kcompactd_highest_zoneidx,
        laid=m.laid,
    )


def zone_of(m: Compaction, area: Area) -> Zone:
    """Return a zone of the machine as a value."""
    types = 5 if m.m.cma > 0 else 4
    return Zone(
        free=tuple(free_of(area, order, types) for order in range(len(area.nr_free))),
        nr_free_pages=area.nr_free_pages,
        nr_free_cma=area.nr_free_cma,
        pcp=pcp_of(area),
        cached_free=area.compact_cached_free_pfn,
        cached_migrate=(
            area.compact_cached_migrate_pfn[0],
            area.compact_cached_migrate_pfn[1],
        ),
        init_migrate=area.compact_init_migrate_pfn,
        init_free=area.compact_init_free_pfn,
        considered=area.compact_considered,
        defer_shift=area.compact_defer_shift,
        order_failed=area.compact_order_failed,
        flush=area.compact_blockskip_flush,
    )


def free_of(area: Area, order: int, types: int) -> tuple[tuple[int, ...], ...]:
    """Return the lists of an order; -1 stands for each block counted wrongly."""
    lists = tuple(tuple(area.lists[order << SHIFT | mt]) for mt in range(types))
    wrong = area.nr_free[order] - sum(map(len, lists))
    return lists if wrong == 0 else ((-1,) * abs(wrong), *lists[1:])


def pcp_of(area: Area) -> tuple[tuple[tuple[int, int], ...], ...]:
    """Return the pageset; -1 stands for each page counted wrongly."""
    lists = tuple(map(tuple, area.pcp))
    wrong = area.pcp_count - sum(map(len, lists))
    return lists if wrong == 0 else (((-1, -1),) * abs(wrong), *lists[1:])


def run_of(m: Compaction) -> Run | None:
    """Return the run that is going as a value."""
    r, cc = m.request, m.cc
    if r is None or cc is None:
        return None
    return Run(
        cc=control_of(cc, r.page),
        prio=None if r.prio is None else CompactPriority(r.prio),
        highest=r.highest,
        at=r.at,
        flags=AllocFlags(r.flags),
        phase=Phase(r.phase),
        result=CompactResult(r.rc),
        captured=r.captured,
        fatal=cc.fatal,
    )


def control_of(cc: Cc, captured: int) -> Control:
    """Return the control of a run as a value."""
    return Control(
        order=cc.order,
        mt=cc.migratetype,
        mode=Mode(cc.mode),
        direct=cc.direct_compaction,
        fs=cc.fs,
        whole_zone=cc.whole_zone,
        ignore_skip=cc.ignore_skip_hint,
        ignore_block=cc.ignore_block_suitable,
        migrate_pfn=cc.migrate_pfn,
        free_pfn=cc.free_pfn,
        freepages=tuple(cc.freepages[::-1]),
        migratepages=tuple(cc.migratepages[::-1]),
        nr_migratepages=cc.nr_migratepages,
        fast_start_pfn=cc.fast_start_pfn,
        fast_search_fail=cc.fast_search_fail,
        search_order=cc.search_order,
        contended=cc.contended,
        rescan=cc.rescan,
        last_migrated=cc.last_migrated_pfn,
        update_cached=cc.update_cached,
        failed=cc.nr_failed > 0,
        starved=cc.enomem,
        status=cc.ret,
        captured=captured,
    )


# ------------------------------------------------------------------ doing


def apply(m: Compaction, op: Move) -> Result:
    """Do what Linux does."""
    match op:
        case Lay(layout, downwards):
            return m.lay(layout, downwards)
        case Suitable(at, order, flags):
            return m.compaction_suitable(m.zones[at], order, int(flags), at)
        case FragmentationIndex(at, order):
            return machine.fragmentation_index(order, m.zones[at].nr_free)
        case Restarting(at, order):
            return machine.compaction_restarting(m.zones[at], order, m.defer_max)
        case Deferred(at, order):
            return machine.compaction_deferred(m.zones[at], order)
        case Defer(at, order):
            return machine.defer_compaction(m.zones[at], order, m.defer_max)
        case DeferReset(at, order, served):
            return machine.compaction_defer_reset(m.zones[at], order, served)
        case Served(at, order):
            return m.served(m.zones[at], order)
        case ResetIsolation():
            for zone in m.zones:
                m.reset_isolation_suitable(zone)
            return None
        case TryToCompact(order, gfp, prio, flags, highest):
            if not gfp & Gfp.IO:
                return CompactResult.SKIPPED
            told = (order, migratetype(gfp), bool(gfp & Gfp.FS), int(prio))
            return m.try_to_compact_pages(*told, int(flags), highest)
        case WakeupKcompactd(order, highest):
            return m.wakeup_kcompactd(order, highest)
        case Kcompactd():
            return m.kcompactd_do_work()
        case Drain(at):
            return m.m.drain_pages_zone(m.zones[at], False)
        case Take(at, order, mt):
            pfn = m.m.rmqueue_smallest(m.zones[at], order, mt)
            return pfn if pfn >= 0 else None
        case Free(pfn, ours):
            return m.free(pfn, ours)
    return step(m, op)


def step(m: Compaction, op: Move) -> Result:
    """Do one step of the run."""
    match op:
        case BeginZone():
            return m.begin_zone()
        case Finished():
            return m.compact_finished()
        case IsolateMigratepages(crowded, busy):
            pages, on = m.isolate_migratepages(crowded, busy)
            return Isolated(tuple(pages), m.running()[1].migrate_pfn, not on)
        case IsolateFreepages(busy):
            return tuple(m.isolate_freepages(busy))
        case MigratePage(moves):
            return m.unmap_and_move(moves)
        case Settle():
            return m.check_drain()
        case EndZone(resched):
            return m.end_zone(resched)
        case Return():
            return Compacted(*m.end_request())
        case Kill():
            return m.kill()
    raise TypeError(op)


def differs(truth: Result, result: Result) -> tuple[str, str] | None:
    """Return a complaint unless an answer is the one that 5.10 gives."""
    if result == truth and type(result) is type(truth):
        return None
    return "CMP-DECIDE", f"the answer is {truth}, got {result}"


def accept(m: Compaction, op: Move, result: Result) -> None:
    """Take the one answer that 5.10 gives, or raise `Disallowed` and change nothing."""
    tried = m.fork()
    truth = apply(tried, op)
    refuse(differs(truth, result))
    vars(m).update(vars(tried))


COMPACTION = Subsystem(
    name="compaction",
    about="compaction: two scanners, deferral, capture (mm/compaction.c)",
    configs=CONFIGS,
    initial=ops.initial,
    ops=ops.OPS,
    invariants=always.INVARIANTS,
    laws=always.LAWS,
    contracts=always.CONTRACTS,
    witnesses=sometimes.WITNESSES,
    build=build,
    load=load,
    abstract=abstract,
    apply=apply,
    accept=accept,
)
