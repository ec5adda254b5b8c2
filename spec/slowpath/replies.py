"""What may be answered to each question, and where the request goes on then.

What a lower layer may answer depends on the zone: pages come only where the watermarks
let them, and where nothing can be reclaimed none is.

Source: mm/page_alloc.c:__alloc_pages_slowpath (v5.10).
"""

from __future__ import annotations

from collections.abc import Callable

from ..linux import (
    WMARK_HIGH,
    WMARK_MIN,
    AllocFlags,
    CompactPriority,
    CompactResult,
    Gfp,
)
from ..watermark import mark_of, watermark_ok
from . import path
from .path import Turn
from .request import (
    COMPACTS,
    FREELISTS,
    At,
    Config,
    Event,
    Nodemask,
    Reclaim,
    Reply,
    State,
    is_shut_out,
    level,
)
from .retry import gap, suitability

SCANNED = (  # what compaction may answer where it has room to work
    CompactResult.COMPLETE,
    CompactResult.PARTIAL_SKIPPED,
    CompactResult.CONTENDED,
    CompactResult.SUCCESS,
)
AFTER_COMPACTION = (At.EARLY_FREELIST, At.COMPACTED)
AFTER_NONE: dict[At, Callable[[Config, State], Turn]] = {
    At.FIRST: path.first_failed,
    At.EARLY_FREELIST: path.early_failed,
    At.RETRY: path.retry_failed,
    At.RECLAIMED: path.reclaimed_in_vain,
    At.DRAINED: path.drained_in_vain,
    At.COMPACTED: path.decide,
    At.OOM_FREELIST: path.kill_or_not,
    At.OOM_CPUSET: lambda cfg, s: path.ask(s, At.OOM_ANY),
    At.OOM_ANY: lambda cfg, s: path.after_oom(cfg, s, True),
    At.HARDER_CPUSET: lambda cfg, s: path.ask(s, At.HARDER_ANY),
    At.HARDER_ANY: path.retry,
}


# ------------------------------------------------------------------ what may be told


def may_say(cfg: Config, s: State) -> tuple[Reply, ...]:
    """Return the replies to the question that waits, none while there is none."""
    if s.at in FREELISTS:
        return (Reply.NO_PAGE, Reply.PAGE)[: 1 + may_serve(cfg, s)]
    if s.at in COMPACTS:
        results = compaction_may_say(cfg, s)
        caught = (Reply.CAPTURED,) if CompactResult.COMPLETE in results else ()
        return (*(Reply[each.name] for each in results), *caught)
    match s.at:
        case At.IDLE:
            return ()
        case At.RECLAIM:
            return tuple(Reply[each.name] for each in reclaim_may_say(cfg, s))
        case At.OOM_LOCK:
            return (Reply.LOCKED, Reply.BUSY)[: 1 + (s.left.kills > 0)]
        case At.OOM_KILL:
            kills = (Reply.KILLED, Reply.CHOSEN) if s.left.kills else ()
            return (Reply.NOBODY, *kills)
    return changes_may_be(cfg, s)


def may_serve(cfg: Config, s: State) -> bool:
    """Say whether the free lists may give a page to the question that waits."""
    if s.nodemask is Nodemask.EMPTY:
        return False
    z, flags = level(cfg, s, may_be_made(cfg, s)), path.flags_of(s)
    if AllocFlags.CPUSET in flags and is_shut_out(s, path.gfp_of(s)):
        return False
    if AllocFlags.NO_WATERMARKS not in flags:
        return watermark_ok(z, s.order, mark_of(z, flags), 0, flags, z.free)
    if s.order == 0:
        return True  # a pageset may have a page where the lists have none
    return z.free >= 1 << s.order and z.lists[s.order] > 0


def may_be_made(cfg: Config, s: State) -> bool:
    """Say whether there may be a block that the zone does not tell of.

    Pages merge as compaction moves others, as pagesets are drained, and as the memory
    of a task that was killed comes free.
    """
    compacted = s.at in AFTER_COMPACTION and s.compacted is CompactResult.SUCCESS
    return compacted or s.at is At.DRAINED or s.left.kills < cfg.kills


def compaction_may_say(cfg: Config, s: State) -> tuple[CompactResult, ...]:
    """Return what compaction may answer, by what the zone has and how it is asked.

    A costly request is also turned away where memory is short rather than fragmented;
    if reclaim has stepped back for compaction, that was asked already.
    """
    if Gfp.IO not in s.gfp or s.nodemask is Nodemask.EMPTY:
        return (CompactResult.SKIPPED,)
    found = suitability(cfg, s, s.zone.free)
    options = SCANNED if found is CompactResult.CONTINUE else (found,)
    if options is SCANNED and s.costly and s.gained is not Reclaim.READY:
        options = (CompactResult.SKIPPED, *options)
    early = s.at is At.EARLY_COMPACT
    if early or s.priority > CompactPriority.SYNC_FULL:
        options = (*options, CompactResult.DEFERRED)
    return options


def reclaim_may_say(cfg: Config, s: State) -> tuple[Reclaim, ...]:
    """Return what reclaim may answer, by what the zone has left."""
    options = [Reclaim.NO_PROGRESS]
    if s.nodemask is Nodemask.EMPTY:
        return (Reclaim.NO_PROGRESS,)
    if is_shut_out(s, s.gfp | Gfp.HARDWALL):
        return (Reclaim.NO_PROGRESS, Reclaim.SIGNAL)[: 1 + (s.left.signals > 0)]
    if cfg.compaction and s.costly and is_ready(cfg, s):
        options.append(Reclaim.READY)
    if s.left.signals:
        options.append(Reclaim.SIGNAL)
    if s.zone.reclaimable:
        options.append(Reclaim.PAGES)
        if s.order and not s.zone.block:
            options.append(Reclaim.BLOCK)
    return tuple(options)


def is_ready(cfg: Config, s: State) -> bool:
    """Say whether reclaim steps back for compaction: compaction_ready().

    That compaction may not run for the request is asked by compaction only.
    """
    z = level(cfg, s)
    if watermark_ok(z, s.order, z.marks[WMARK_MIN], 0, AllocFlags.NONE, z.free):
        return True
    mark = z.marks[WMARK_HIGH] + gap(s.order)
    return watermark_ok(z, 0, mark, 0, AllocFlags.NONE, z.free)


def changes_may_be(cfg: Config, s: State) -> tuple[Reply, ...]:
    """Return what may have changed."""
    options = [Reply.UNCHANGED]
    if s.left.changes and cfg.cpusets:
        options.append(Reply.CPUSET)
        if s.nodemask is not Nodemask.ABSENT:
            options.append(Reply.NODEMASK)
    if s.left.changes and cfg.hotremove:
        options.append(Reply.ZONELIST)
    return tuple(options)


# ------------------------------------------------------------------ what follows


def follow(cfg: Config, s: State, reply: Reply) -> Turn:
    """Return where the request goes on after a reply."""
    if s.at in FREELISTS:
        return looked_for(cfg, s, reply is Reply.PAGE)
    if s.at in COMPACTS:
        if reply is Reply.CAPTURED:
            return path.end(True, Event.DEFER_RESET)
        return path.compacted(cfg, s, CompactResult[reply.name])
    match s.at:
        case At.RECLAIM:
            return path.reclaimed(cfg, s, Reclaim[reply.name])
        case At.OOM_LOCK:
            return path.locked(cfg, s, reply is Reply.BUSY)
        case At.OOM_KILL:
            return path.killed(cfg, s, reply)
    return path.looked(cfg, s, reply)


def looked_for(cfg: Config, s: State, page: bool) -> Turn:
    """Return a page to the caller; go on without."""
    if page:
        useful = s.at in AFTER_COMPACTION
        return path.end(True, *((Event.DEFER_RESET,) if useful else ()))
    return AFTER_NONE[s.at](cfg, s)
