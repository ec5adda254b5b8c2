"""What follows each answer: the order in which the kernel asks.

Every function returns where the request then is and what is asked next.  Those named
like labels of the kernel may be come to from several answers.

Source: mm/page_alloc.c:__alloc_pages_slowpath, __alloc_pages_may_oom,
__alloc_pages_direct_reclaim, __alloc_pages_direct_compact (v5.10).
"""

from __future__ import annotations

from dataclasses import replace

from ..core import value
from ..linux import (
    AllocFlags,
    CompactPriority,
    CompactResult,
    Gfp,
)
from .flags import LOW_ZONES, first_flags, movable, reserve_of, with_cma
from .request import (
    COMPACTS,
    At,
    Config,
    Context,
    Event,
    Next,
    Nodemask,
    Reclaim,
    Reply,
    State,
    can_reclaim,
    is_barred,
    tries_compaction,
)
from .retry import compact_again, reclaim_again, unreserve

ASYNC, SYNC_LIGHT = CompactPriority.ASYNC, CompactPriority.SYNC_LIGHT
KILLS_DO_NOT_HELP = Context.DUMPCORE | Context.SUSPENDED
RATHER_FAIL = Gfp.RETRY_MAYFAIL | Gfp.THISNODE  # than have somebody killed


@value
class Turn:
    """Where an answer leads, and what is asked there."""

    state: State
    next: Next


def ask(s: State, at: At, *events: Event) -> Turn:
    """Wait for an answer; whoever reclaims or compacts is marked as doing so."""
    works = at is At.RECLAIM or at in COMPACTS
    marked = works or Context.MEMALLOC in s.context
    s = replace(s, at=at, memalloc=marked)
    priority = None
    if at in COMPACTS:
        priority = ASYNC if at is At.EARLY_COMPACT else s.priority
    return Turn(s, Next(at, gfp_of(s), flags_of(s), priority, events))


def end(page: bool, *events: Event) -> Turn:
    """Return to the caller, with a page or without."""
    return Turn(State(), Next(At.IDLE, events=events, page=page))


def gfp_of(s: State) -> Gfp:
    """Return the gfp flags of a question; the last look before an OOM never waits."""
    if s.at is At.OOM_FREELIST:
        return (s.gfp | Gfp.HARDWALL) & ~Gfp.DIRECT_RECLAIM
    return s.gfp


def flags_of(s: State) -> AllocFlags:
    """Return the alloc flags of a question."""
    match s.at:
        case At.OOM_FREELIST:
            return AllocFlags.WMARK_HIGH | AllocFlags.CPUSET
        case At.OOM_CPUSET:
            return AllocFlags.NO_WATERMARKS | AllocFlags.CPUSET
        case At.OOM_ANY:
            return AllocFlags.NO_WATERMARKS
        case At.HARDER_CPUSET:
            return AllocFlags.HARDER | AllocFlags.CPUSET
        case At.HARDER_ANY:
            return AllocFlags.HARDER
    return s.flags


def wake(s: State) -> tuple[Event, ...]:
    """Wake kswapd for a request that may."""
    return (Event.WAKE_KSWAPD,) if AllocFlags.KSWAPD in s.flags else ()


# ------------------------------------------------------------------ beginning


def begin(cfg: Config, s: State) -> Turn:
    """Begin; a request that may sleep is not atomic, whatever it says."""
    if Gfp.ATOMIC in s.gfp and can_reclaim(s):
        s = replace(s, gfp=s.gfp & ~Gfp.ATOMIC)
        return restart(cfg, s, Event.WARN_ATOMIC)
    return restart(cfg, s)


def restart(cfg: Config, s: State, *events: Event) -> Turn:
    """Forget what was tried, and look at the free lists with flags of its own."""
    s = replace(
        s,
        flags=first_flags(cfg, s),
        priority=SYNC_LIGHT,
        compacted=CompactResult.SKIPPED,
        retries=0,
        loops=0,
        gained=Reclaim.NO_PROGRESS,
    )
    if s.nodemask is Nodemask.EMPTY or is_barred(s):
        return nopage(cfg, s, *events)
    return ask(s, At.FIRST, *events, *wake(s))


def first_failed(cfg: Config, s: State) -> Turn:
    """Compact at once where reclaim would help little, or would fragment memory."""
    early = s.costly or (s.order > 0 and not movable(s))
    if early and can_reclaim(s) and tries_compaction(cfg, s) and not reserve_of(s):
        return compact(cfg, s, At.EARLY_COMPACT)
    return retry(cfg, s)


def early_failed(cfg: Config, s: State) -> Turn:
    """Let a costly request that is not to be retried go no further in vain."""
    if s.costly and Gfp.NORETRY in s.gfp:
        hopeless = s.compacted in (CompactResult.SKIPPED, CompactResult.DEFERRED)
        if hopeless or Gfp.THISNODE in s.gfp:
            return nopage(cfg, s)
        s = replace(s, priority=ASYNC)
    return retry(cfg, s)


# ------------------------------------------------------------------ one round


def look(cfg: Config, s: State, at: At, *events: Event) -> Turn:
    """Ask for changes where there may be some, else go on as if there were none."""
    if cfg.cpusets or cfg.hotremove:
        return ask(s, at, *events)
    return go_on(cfg, s, at, *events)


def looked(cfg: Config, s: State, reply: Reply) -> Turn:
    """Begin again after a change, else do what the look was before.

    A cpuset that has changed has a zone for the request, if it had none.
    """
    if reply is Reply.UNCHANGED:
        return go_on(cfg, s, s.at)
    s = replace(s, left=replace(s.left, changes=s.left.changes - 1))
    if reply is Reply.NODEMASK:
        s = replace(s, nodemask=Nodemask.ABSENT)
    if reply is Reply.CPUSET:
        s = replace(s, context=s.context & ~Context.BARRED)
    return restart(cfg, s)


def go_on(cfg: Config, s: State, at: At, *events: Event) -> Turn:
    """Do what a look for changes was before."""
    if at is At.LOOK_RETRY:
        return go_round(cfg, s, *events)
    if at is At.LOOK_OOM:
        return ask(s, At.OOM_LOCK, *events)
    return give_up(s, *events)


def retry(cfg: Config, s: State, *events: Event) -> Turn:
    """Begin a round."""
    return look(cfg, spent(s), At.LOOK_RETRY, *events)


def spent(s: State) -> State:
    """Forget what the last reclaim gained; nobody reads it again."""
    return replace(s, gained=Reclaim.NO_PROGRESS) if s.gained else s


def go_round(cfg: Config, s: State, *events: Event) -> Turn:
    """Look at the free lists with the reserves, if the request has a right to them."""
    events = (*events, *wake(s))
    reserve = reserve_of(s)
    if reserve:
        s = replace(s, flags=with_cma(cfg, s, reserve))
    if reserve or AllocFlags.CPUSET not in s.flags:
        s = replace(s, nodemask=Nodemask.ABSENT)
    return ask(s, At.RETRY, *events)


def retry_failed(cfg: Config, s: State) -> Turn:
    """Reclaim, if the request may and does not come from reclaim itself."""
    if not can_reclaim(s) or Context.MEMALLOC in s.context:
        return nopage(cfg, s)
    return ask(s, At.RECLAIM)


def reclaimed(cfg: Config, s: State, answer: Reclaim) -> Turn:
    """Look at the free lists after any progress, else compact."""
    zone, left = s.zone, s.left
    if answer is Reclaim.SIGNAL:
        left = replace(left, signals=left.signals - 1)
    if answer in (Reclaim.PAGES, Reclaim.BLOCK):
        pages = min(cfg.cluster, zone.reclaimable)
        block = zone.block or answer is Reclaim.BLOCK
        free, reclaimable = zone.free + pages, zone.reclaimable - pages
        zone = replace(zone, free=free, reclaimable=reclaimable, block=block)
    s = replace(s, gained=answer, zone=zone, left=left)
    if answer is Reclaim.NO_PROGRESS:
        return compact(cfg, s, At.COMPACT)
    return ask(s, At.RECLAIMED)


def reclaimed_in_vain(cfg: Config, s: State) -> Turn:
    """Drain the pagesets, give back what was held for others, look once more."""
    return ask(unreserve(s, keep=1), At.DRAINED, Event.UNRESERVE, Event.DRAIN)


def drained_in_vain(cfg: Config, s: State) -> Turn:
    """Compact."""
    return compact(cfg, s, At.COMPACT)


def compact(cfg: Config, s: State, at: At) -> Turn:
    """Ask for compaction, which is for blocks of several pages, where there is any."""
    if s.order and cfg.compaction:
        return ask(s, at)
    if s.order:
        s = replace(s, compacted=CompactResult.SKIPPED)
    return early_failed(cfg, s) if at is At.EARLY_COMPACT else decide(cfg, s)


def compacted(cfg: Config, s: State, answer: CompactResult) -> Turn:
    """Look at the free lists after compaction, whatever it answers."""
    s = replace(s, compacted=answer)
    early = s.at is At.EARLY_COMPACT
    return ask(s, At.EARLY_FREELIST if early else At.COMPACTED)


def decide(cfg: Config, s: State) -> Turn:
    """Choose between another round, the OOM killer and failure."""
    if Gfp.NORETRY in s.gfp:
        return nopage(cfg, s)
    may_retry = Gfp.RETRY_MAYFAIL in s.gfp and tries_compaction(cfg, s)
    if s.costly and not may_retry:
        return nopage(cfg, s)
    s, again, events = reclaim_again(cfg, s)
    if not again and s.gained and tries_compaction(cfg, s):
        s, again = compact_again(cfg, s)
    if again and cfg.patience != "none":
        return retry(cfg, s, *events)
    return look(cfg, spent(s), At.LOOK_OOM, *events)


# ------------------------------------------------------------------ the OOM killer


def locked(cfg: Config, s: State, busy: bool) -> Turn:
    """Look once more, unless somebody else is at it, which counts as progress."""
    if busy:
        s = replace(s, left=replace(s.left, kills=s.left.kills - 1))
        return after_oom(cfg, s, True, Event.SLEEP)
    return ask(s, At.OOM_FREELIST)


def kill_or_not(cfg: Config, s: State) -> Turn:
    """Have a task killed, unless it would not help or the request may as well fail."""
    if may_kill(s):
        return ask(s, At.OOM_KILL)
    return after_oom(cfg, s, False)


def may_kill(s: State) -> bool:
    """Say whether a request is worth a task's life."""
    excused = s.context & KILLS_DO_NOT_HELP or s.gfp & (RATHER_FAIL | LOW_ZONES)
    return not s.costly and not excused


def killed(cfg: Config, s: State, reply: Reply) -> Turn:
    """Count a kill as progress; help a request that must not fail in any case."""
    if reply is not Reply.NOBODY:
        zone = replace(s.zone, free=s.zone.free + cfg.cluster)
        left = replace(s.left, kills=s.left.kills - 1)
        s = replace(s, zone=zone, left=left)
    if reply is Reply.CHOSEN:
        s = replace(s, context=s.context | Context.VICTIM)
    if Gfp.NOFAIL in s.gfp:
        warns = (Event.WARN_OOM,) if reply is Reply.NOBODY else ()
        return ask(s, At.OOM_CPUSET, *warns)
    return after_oom(cfg, s, reply is not Reply.NOBODY)


def after_oom(cfg: Config, s: State, progress: bool, *events: Event) -> Turn:
    """Go on after any progress, but not as a victim that had its share."""
    had_reserves = AllocFlags.OOM in s.flags or Gfp.NOMEMALLOC in s.gfp
    if progress and not (Context.VICTIM in s.context and had_reserves):
        return retry(cfg, replace(s, loops=0), *events)
    return nopage(cfg, s, *events)


# ------------------------------------------------------------------ failing


def nopage(cfg: Config, s: State, *events: Event) -> Turn:
    """Prepare to fail, unless something has changed meanwhile."""
    return look(cfg, spent(s), At.LOOK_FAIL, *events)


def give_up(s: State, *events: Event) -> Turn:
    """Fail, or help a request that must not."""
    if Gfp.NOFAIL not in s.gfp:
        return fail(s, *events)
    if not can_reclaim(s):
        return fail(s, *events, Event.WARN_NOWAIT)
    if Context.MEMALLOC in s.context:
        events = (*events, Event.WARN_RECURSION)
    if s.costly:
        events = (*events, Event.WARN_COSTLY)
    return ask(s, At.HARDER_CPUSET, *events)


def fail(s: State, *events: Event) -> Turn:
    """Return nothing, and say so in the log if the caller lets it."""
    warns = () if Gfp.NOWARN in s.gfp else (Event.WARN_FAILURE,)
    return end(False, *events, *warns)
