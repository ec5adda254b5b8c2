"""One zone's run: where the scanners start, whether to go on, and what is left behind.

Source: mm/compaction.c:compact_zone, __compact_finished;
mm/page_alloc.c:find_suitable_fallback (v5.10).
"""

from __future__ import annotations

from dataclasses import replace

from ..linux import (
    MIGRATE_MOVABLE,
    MIGRATE_RECLAIMABLE,
    MIGRATE_UNMOVABLE,
    AllocFlags,
    CompactPriority,
    CompactResult,
)
from .blocks import drain_all, free_page, held, level_of
from .defer import (
    compaction_suitable,
    defer,
    defer_reset,
    deferred,
    restarting,
    served,
)
from .hints import last_block, reset_isolation
from .parts import (
    LOSES_CAPTURED,
    NOBODY,
    Config,
    Control,
    Memory,
    Mode,
    Phase,
    Run,
    Zone,
    block_end,
    block_start,
    letter,
    once,
    painted,
    with_run,
    with_zone,
)

FALLBACKS = {
    MIGRATE_UNMOVABLE: (MIGRATE_RECLAIMABLE, MIGRATE_MOVABLE),
    MIGRATE_MOVABLE: (MIGRATE_RECLAIMABLE, MIGRATE_UNMOVABLE),
    MIGRATE_RECLAIMABLE: (MIGRATE_UNMOVABLE, MIGRATE_MOVABLE),
}
FULL = (CompactResult.COMPLETE, CompactResult.PARTIAL_SKIPPED)


def nr_free(zone: Zone) -> tuple[int, ...]:
    """Return how many blocks of each order are free: free_area.nr_free."""
    return tuple(sum(map(len, area)) for area in zone.free)


def suitable(
    cfg: Config, s: Memory, at: int, order: int, flags: AllocFlags, highest: int
) -> CompactResult:
    """Ask compaction_suitable() about a zone as it is."""
    z, blocks = level_of(cfg, s, at), nr_free(s.zones[at])
    told = (cfg.cma, cfg.costly_order, cfg.threshold)
    return compaction_suitable(z, order, flags, highest, blocks, *told)


# ------------------------------------------------------------------ the beginning


def place_scanners(
    cfg: Config, zone: Zone, at: int, cc: Control
) -> tuple[Zone, Control]:
    """Set the scanners to where the last run left them, or to the ends of the zone."""
    span, last = cfg.zones[at], last_block(cfg, at)
    if cc.whole_zone:
        return zone, replace(cc, migrate_pfn=span.start, free_pfn=last)
    migrate, free = zone.cached_migrate[cc.mode is not Mode.ASYNC], zone.cached_free
    if not span.start <= free < span.end:
        free = last
        zone = replace(zone, cached_free=free)
    if not span.start <= migrate < span.end:
        migrate = span.start
        zone = replace(zone, cached_migrate=(migrate, migrate))
    whole = migrate <= zone.init_migrate
    return zone, replace(cc, migrate_pfn=migrate, free_pfn=free, whole_zone=whole)


def compact_zone(cfg: Config, s: Memory, run: Run) -> tuple[Memory, CompactResult]:
    """Set the scanners of a zone that is suitable; say whether it is."""
    at, cc = run.at, replace(run.cc, captured=NOBODY, status=CompactResult.CONTINUE)
    verdict = suitable(cfg, s, at, cc.order, run.flags, run.highest)
    if verdict is not CompactResult.CONTINUE:
        return with_run(s, run, replace(cc, status=verdict), Phase.END), verdict
    if restarting(s.zones[at], cc.order, cfg.defer_max):
        s = reset_isolation(cfg, s, at)
    cc = replace(cc, fast_start_pfn=0, last_migrated=0)
    zone, cc = place_scanners(cfg, s.zones[at], at, cc)
    same = zone.cached_migrate[0] == zone.cached_migrate[1]
    cc = replace(cc, update_cached=cc.mode is Mode.ASYNC and same)
    return with_run(with_zone(s, at, zone), run, cc, Phase.FINISHED), verdict


@once
def begin_zone(cfg: Config, s: Memory) -> tuple[Memory, CompactResult]:
    """Take up the zone in turn, unless it is put off or not suitable."""
    run = s.run
    assert run is not None
    at, order = run.at, run.cc.order
    if run.prio is not CompactPriority.SYNC_FULL:
        zone, off = deferred(s.zones[at], order)
        s = with_zone(s, at, zone)
        if off:
            told = max(run.result, CompactResult.DEFERRED)
            return onward(s, replace(run, result=told)), CompactResult.DEFERRED
    if run.prio is None:
        verdict = suitable(cfg, s, at, order, AllocFlags.NONE, at)
        if verdict is not CompactResult.CONTINUE:
            return onward(s, run), verdict
    return compact_zone(cfg, s, run)


def onward(s: Memory, run: Run) -> Memory:
    """Go on with the next zone: downwards on request, upwards in kcompactd.

    A request has a control for each zone, kcompactd one for all.
    """
    at = run.at - 1 if run.prio is not None else run.at + 1
    if not 0 <= at <= run.highest:
        return over(s, run)
    cc = run.cc if run.prio is None else fresh(run)
    return replace(s, run=replace(run, cc=cc, at=at, phase=Phase.ZONE))


def over(s: Memory, run: Run) -> Memory:
    """Look at no further zone."""
    return replace(s, run=replace(run, cc=fresh(run), phase=Phase.RETURN))


def fresh(run: Run) -> Control:
    """Return the control of a run as it is before a zone."""
    return control(run.cc.order, run.cc.mt, run.cc.fs, run.prio)


def control(order: int, mt: int, fs: bool, prio: CompactPriority | None) -> Control:
    """Return the control of a request, or of kcompactd, before a zone is begun.

    Source: mm/compaction.c:compact_zone_order, kcompactd_do_work (v5.10).
    """
    hardest = prio is CompactPriority.SYNC_FULL
    return Control(
        order=order,
        mt=mt,
        mode=Mode.ASYNC if prio is CompactPriority.ASYNC else Mode.SYNC_LIGHT,
        direct=prio is not None,
        fs=fs,
        whole_zone=hardest,
        ignore_skip=hardest,
        ignore_block=hardest,
        search_order=order,
    )


# ------------------------------------------------------------------ whether to go on


def met(cfg: Config, cc: Control) -> bool:
    """Say whether the free scanner is at or below the migrate scanner's page block."""
    return cc.free_pfn >> cfg.pageblock_order <= cc.migrate_pfn >> cfg.pageblock_order


def can_steal(order: int, mt: int, pageblock_order: int) -> bool:
    """Say whether a request may steal more than it needs: can_steal_fallback()."""
    return order >= pageblock_order // 2 or mt != MIGRATE_MOVABLE


def would_serve(cfg: Config, zone: Zone, order: int, mt: int) -> bool:
    """Say whether a block for the request is there, of its own or to be stolen."""
    for each in range(order, cfg.orders):
        area = zone.free[each]
        if area[mt] or (mt == MIGRATE_MOVABLE and cfg.has_cma and area[cfg.cma]):
            return True
        stolen = any(area[other] for other in FALLBACKS[mt])
        if stolen and can_steal(each, mt, cfg.pageblock_order):
            return True
    return False


def verdict_of(cfg: Config, zone: Zone, run: Run) -> CompactResult:
    """Return whether the run is over, before its end is noted: __compact_finished()."""
    cc = run.cc
    if met(cfg, cc):
        return FULL[0] if cc.whole_zone else FULL[1]
    if cc.migrate_pfn % cfg.block_pages:
        return CompactResult.CONTINUE
    if would_serve(cfg, zone, cc.order, cc.mt):
        return CompactResult.SUCCESS
    if cc.contended or run.fatal:
        return CompactResult.CONTENDED
    return CompactResult.CONTINUE


@once
def finished(cfg: Config, s: Memory) -> tuple[Memory, CompactResult]:
    """Decide whether to go on: compact_finished(), and the head of the loop."""
    run = s.run
    assert run is not None
    cc, at = run.cc, run.at
    verdict = verdict_of(cfg, s.zones[at], run)
    if verdict in FULL:
        s = with_zone(s, at, anew(cfg, s.zones[at], at, cc.direct))
    if verdict is not CompactResult.CONTINUE:
        return with_run(s, run, replace(cc, status=verdict), Phase.END), verdict
    order = cfg.pageblock_order
    again = cc.last_migrated >> order == cc.migrate_pfn >> order
    cc = replace(cc, rescan=again, failed=False, starved=False)
    return with_run(s, run, cc, Phase.SOURCE), verdict


def anew(cfg: Config, zone: Zone, at: int, direct: bool) -> Zone:
    """Let the next run begin at the ends of the zone: reset_cached_positions().

    Only a request asks for the skip hints to be cleared.
    """
    start = cfg.zones[at].start
    return replace(
        zone,
        cached_migrate=(start, start),
        cached_free=last_block(cfg, at),
        flush=zone.flush or direct,
    )


# ------------------------------------------------------------------ moving


@once
def migrate(cfg: Config, s: Memory, moves: bool) -> tuple[Memory, int | None]:
    """Try to move the page in turn to the next free page; say where it went.

    A page that moves leaves its frame to the pageset; a target that is not used comes
    back to the head.  Source: mm/migrate.c:unmap_and_move (v5.10).
    """
    run = s.run
    assert run is not None
    cc, pfn, new = run.cc, run.cc.migratepages[0], run.cc.freepages[0]
    rest = cc.migratepages[1:]
    if moves:
        s = painted(cfg, s, new, 1, letter(cfg, s, pfn))
        cc = replace(cc, migratepages=rest, freepages=cc.freepages[1:])
    else:
        cc = replace(cc, migratepages=rest, failed=True)
    s = with_run(s, run, cc, Phase.MOVE if rest else Phase.DRAIN)
    if not moves:
        return s, None
    return free_page(cfg, s, pfn, ours=True), new


@once
def settle(cfg: Config, s: Memory) -> tuple[Memory, CompactResult]:
    """End a round: put back what did not move, drain behind a block, look at capture.

    Without free pages the run ends, unless the scanners have met.
    """
    run = s.run
    assert run is not None
    cc = replace(run.cc, migratepages=(), nr_migratepages=0)
    if cc.starved and not met(cfg, cc):
        cc = replace(cc, status=CompactResult.CONTENDED)
        return with_run(s, run, cc, Phase.END), cc.status
    if (cc.failed or cc.starved) and cc.direct and cc.mode is Mode.ASYNC:
        past = block_end(cc.migrate_pfn - 1, cc.order)
        cc = replace(cc, migrate_pfn=past, last_migrated=0)
    s = with_run(s, run, cc, Phase.FINISHED)
    if cc.last_migrated and cc.last_migrated < block_start(cc.migrate_pfn, cc.order):
        s = with_run(s, run, replace(cc, last_migrated=0), Phase.FINISHED)
        s = drain_all(cfg, s, run.at, ours=True)
    return look_at_capture(s)


def look_at_capture(s: Memory) -> tuple[Memory, CompactResult]:
    """End the run if a block was captured."""
    assert s.run is not None
    cc = s.run.cc
    if cc.captured == NOBODY:
        return s, CompactResult.CONTINUE
    cc = replace(cc, status=CompactResult.SUCCESS)
    return with_run(s, s.run, cc, Phase.END), cc.status


# ------------------------------------------------------------------ the end


def release(cfg: Config, s: Memory) -> Memory:
    """Give the free pages back that were not used: release_freepages().

    The next run begins no lower than the page block of the highest of them.
    """
    run = s.run
    assert run is not None
    pages = run.cc.freepages
    if not pages:
        return s
    s = replace(s, run=replace(run, cc=replace(run.cc, freepages=())))
    for pfn in pages:
        s = free_page(cfg, s, pfn, ours=True)
    zone, high = s.zones[run.at], block_start(max(pages), cfg.pageblock_order)
    zone = replace(zone, cached_free=max(zone.cached_free, high))
    return with_zone(s, run.at, zone)


@once
def end_zone(cfg: Config, s: Memory, resched: bool) -> tuple[Memory, CompactResult]:
    """End a zone's run, note how it went, and say how.

    `resched` says that another task should run, which ends an asynchronous request.
    """
    s = release(cfg, s)
    run = s.run
    assert run is not None
    status = run.cc.status
    if run.cc.captured != NOBODY and LOSES_CAPTURED not in cfg.quirks:
        status = CompactResult.SUCCESS
    s = with_zone(s, run.at, after_run(cfg, s.zones[run.at], run, status))
    if run.prio is None:
        if status in FULL:
            s = drain_all(cfg, s, run.at, ours=False)
        return onward(s, run), status
    run = replace(run, captured=run.cc.captured, result=max(status, run.result))
    tired = run.prio is CompactPriority.ASYNC and resched
    if status is CompactResult.SUCCESS or tired or run.fatal:
        return over(s, run), status
    return onward(s, run), status


def after_run(cfg: Config, zone: Zone, run: Run, status: CompactResult) -> Zone:
    """Put compaction off after a full run in vain, but for an asynchronous one."""
    if status is CompactResult.SUCCESS:
        return defer_reset(zone, run.cc.order, False)
    if status in FULL and run.prio is not CompactPriority.ASYNC:
        return defer(zone, run.cc.order, cfg.defer_max)
    return zone


def returned(cfg: Config, s: Memory) -> Memory:
    """Hand over a captured block, or let kcompactd sleep; nothing runs any more."""
    run = s.run
    assert run is not None
    if run.prio is None:
        return asleep(cfg, replace(s, run=None), run)
    s = replace(s, run=None)
    if run.captured == NOBODY:
        return s
    at = next(i for i, z in enumerate(cfg.zones) if run.captured < z.end)
    s = with_zone(s, at, served(s.zones[at], run.cc.order))
    return held(cfg, s, run.captured, run.cc.order)


def asleep(cfg: Config, s: Memory, run: Run) -> Memory:
    """Forget what kcompactd was woken for, unless it was asked for more meanwhile."""
    if s.kcompactd_order <= run.cc.order:
        s = replace(s, kcompactd_order=0)
    if s.kcompactd_highest >= run.highest:
        s = replace(s, kcompactd_highest=len(cfg.zones) - 1)
    return s
