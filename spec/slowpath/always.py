"""What holds of every state of the slow path, and of every step.

A request ends (LIVE), asks nothing that it must not ask, and fails only where it may.

Source: mm/page_alloc.c:__alloc_pages_slowpath (v5.10).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps

from ..core import Complaints, Contract, Invariant, Law, Step
from ..linux import AllocFlags, CompactPriority, Gfp
from .flags import reserve_of
from .ops import Answer, Begin, PfmemallocAllowed
from .path import may_kill
from .request import (
    COMPACTS,
    INTERRUPT,
    SLEEPS,
    At,
    Config,
    Context,
    Event,
    Nodemask,
    Reply,
    State,
    can_reclaim,
    is_barred,
    must_not_fail,
)
from .retry import falls, has_hope, least_priority, may_go_round, rank

Moment = Step[Config, State]
Check = Callable[[Config, Moment], Complaints]

# ------------------------------------------------------------------ states


def tasks_are_marked_while_they_reclaim(cfg: Config, s: State) -> Complaints:
    """PF_MEMALLOC is set during reclaim and compaction, else as the task came."""
    due = s.at is At.RECLAIM or s.at in COMPACTS or Context.MEMALLOC in s.context
    if s.memalloc != due:
        yield f"at {s.at.name} PF_MEMALLOC is {s.memalloc}"


def priorities_are_in_range(cfg: Config, s: State) -> Complaints:
    """Compaction tries as hard as the order allows at most, and not less than usual.

    A costly request that is not to be retried stays at the least effort.
    """
    usual = CompactPriority.SYNC_LIGHT
    if s.costly and Gfp.NORETRY in s.gfp:
        usual = CompactPriority.ASYNC
    if not least_priority(s.costly) <= s.priority <= usual:
        yield f"order {s.order} compacts at priority {int(s.priority)}"


def counters_are_in_range(cfg: Config, s: State) -> Complaints:
    """Retries are counted to their bounds, and on in rounds that are begun for others.

    A request that must not fail is tried for ever, and counts for ever.
    """
    most = cfg.compact_retries + 1 + cfg.kills
    if s.retries < 0 or (s.retries > most and not must_not_fail(s)):
        yield f"compaction_retries is {s.retries}, at most {most} are possible"
    most = cfg.reclaim_retries + 1 + most_rounds_for_others(cfg)
    if s.loops < 0 or (s.loops > most and not must_not_fail(s)):
        yield f"no_progress_loops is {s.loops}, at most {most} are possible"


def most_rounds_for_others(cfg: Config) -> int:
    """Return how many rounds there are for compaction, for pages and for page blocks.

    For compaction: each time it may succeed in vain, and the one that is too much or
    fails, at each priority.
    """
    compactions = len(CompactPriority) * (cfg.compact_retries + 1)
    pages = max(zone.reclaimable for zone in cfg.zones)
    return compactions + pages + max(zone.highatomic for zone in cfg.zones)


def rights_are_earned(cfg: Config, s: State) -> Complaints:
    """Alloc flags reach into the reserves only as far as the request has a right to."""
    reserve, flags = reserve_of(s), s.flags
    for flag in (AllocFlags.NO_WATERMARKS, AllocFlags.OOM):
        if flag in flags and reserve != flag:
            yield f"{flag.name} without a right to it, gfp {int(s.gfp):#x}"
    realtime = Context.REALTIME in s.context and not s.context & INTERRUPT
    atomic = Gfp.ATOMIC in s.gfp and Gfp.NOMEMALLOC not in s.gfp
    if AllocFlags.HARDER in flags and not (realtime or atomic):
        yield f"HARDER without a right to it, gfp {int(s.gfp):#x}"
    if AllocFlags.HIGH in flags and Gfp.HIGH not in s.gfp:
        yield f"HIGH without a right to it, gfp {int(s.gfp):#x}"


def only_those_who_may_sleep_do(cfg: Config, s: State) -> Complaints:
    """Reclaim, compaction and the OOM killer are asked by requests that may sleep."""
    if s.at in SLEEPS and not can_reclaim(s):
        yield f"{s.at.name} is asked for gfp {int(s.gfp):#x}, which must not sleep"


def reclaim_does_not_recurse(cfg: Config, s: State) -> Complaints:
    """A task that reclaims already does not reclaim again."""
    if s.at is At.RECLAIM and Context.MEMALLOC in s.context:
        yield "reclaim is asked by a task with PF_MEMALLOC"


def nobody_dies_in_vain(cfg: Config, s: State) -> Complaints:
    """The OOM killer is not asked where a kill helps little, or failure is welcome."""
    if s.at is At.OOM_KILL and not may_kill(s):
        why = f"order {s.order}, gfp {int(s.gfp):#x}, context {int(s.context):#x}"
        yield f"the OOM killer is asked for {why}"


INVARIANTS = (
    Invariant("SP-MEMALLOC", tasks_are_marked_while_they_reclaim),
    Invariant("SP-PRIORITY", priorities_are_in_range),
    Invariant("SP-COUNT", counters_are_in_range),
    Invariant("SP-RIGHTS", rights_are_earned),
    Invariant("SP-SLEEP", only_those_who_may_sleep_do),
    Invariant("SP-RECURSE", reclaim_does_not_recurse),
    Invariant("SP-OOM", nobody_dies_in_vain),
)

# ------------------------------------------------------------------ steps

ROUND = (At.RETRY, At.RECLAIM, At.RECLAIMED, At.DRAINED, At.COMPACT, At.COMPACTED)
NEW_ROUND = (At.LOOK_RETRY, At.RETRY)
OOM_BEGINS = (At.LOOK_OOM, At.OOM_LOCK)
CHANGES = (Reply.CPUSET, Reply.ZONELIST, Reply.NODEMASK)


def reply_of(step: Moment) -> Reply | None:
    """Return what was replied, if a question was answered."""
    return step.op.reply if isinstance(step.op, Answer) else None


def asker(step: Moment) -> State:
    """Return the request of a step, as it was before the answer."""
    op = step.op
    if not isinstance(op, Begin):
        return step.before
    asked = op.request
    return State(
        order=asked.order,
        gfp=asked.gfp,
        context=asked.context,
        nodemask=asked.nodemask,
        zone=op.zone,
    )


def a_request_comes_to_an_end(cfg: Config, step: Moment) -> Complaints:
    """Without help from others each question leaves less to try, so that some is last.

    Only a request that must not fail goes round for ever: from the last help for it,
    the free lists without regard to the cpuset, back to the next round.
    """
    before, after = step.before, step.after
    if before.at is At.IDLE or after.at is At.IDLE or may_go_round(before, after):
        return
    old, new = rank(cfg, before), rank(cfg, after)
    if not falls(old, new):
        way = f"{before.at.name} to {after.at.name}"
        yield f"{way} uses nothing up, it may go on for ever: {old} became {new}"


def pages_come_from_those_asked(cfg: Config, step: Moment) -> Complaints:
    """A page is returned exactly where the one who was asked gave one."""
    given = reply_of(step) in (Reply.PAGE, Reply.CAPTURED)
    if (step.result.page is True) != given:
        yield f"page={step.result.page} is returned, one was given: {given}"


def some_requests_never_fail(cfg: Config, step: Moment) -> Complaints:
    """A request that must not fail, and may sleep, does not fail."""
    if step.result.page is False and must_not_fail(asker(step)):
        yield f"NOFAIL fails at {step.before.at.name}"


def small_requests_fail_only_for_want(cfg: Config, step: Moment) -> Complaints:
    """A request gives up only if its flags let it, or nothing could be killed for it.

    Flags that let it: it may not sleep, is not to be retried, is costly, comes from
    reclaim, names no node, keeps to a cpuset without a zone for it, is a victim's, or
    excludes kills.
    """
    s, gives_up = asker(step), step.after.at is At.LOOK_FAIL
    gives_up |= step.result.page is False and s.at is not At.LOOK_FAIL
    if not gives_up or not can_reclaim(s) or Gfp.NORETRY in s.gfp or s.costly:
        return
    excused = s.context & (Context.MEMALLOC | Context.VICTIM) or not may_kill(s)
    excused = excused or s.nodemask is Nodemask.EMPTY or is_barred(s)
    over = reply_of(step) in (Reply.NOBODY, Reply.CHOSEN)
    if not excused and not over:
        yield f"order {s.order}, gfp {int(s.gfp):#x} gives up at {s.at.name}"


def no_retry_means_once(cfg: Config, step: Moment) -> Complaints:
    """A request with NORETRY asks reclaim and compaction once, and kills nobody."""
    before, after = step.before, step.after
    if before.at not in ROUND[1:] or Gfp.NORETRY not in before.gfp:
        return
    if after.at in (*NEW_ROUND, *OOM_BEGINS, At.OOM_KILL):
        yield f"with NORETRY {after.at.name} follows {before.at.name}"


def kills_come_last(cfg: Config, step: Moment) -> Complaints:
    """The OOM killer is turned to where reclaim has no hope left, and not before."""
    before, after = step.before, step.after
    if before.at not in ROUND or after.at not in OOM_BEGINS:
        return
    if cfg.patience == "less" or after.loops > cfg.reclaim_retries:
        return
    s = replace(before, loops=after.loops)
    if has_hope(cfg, s):
        yield f"after {after.loops} rounds the OOM killer, though reclaim may help"


def kills_follow_a_last_look(cfg: Config, step: Moment) -> Complaints:
    """Before a kill the free lists are asked at the high mark, without waiting."""
    asked, at = step.result, step.after.at
    if at is At.OOM_KILL and step.before.at is not At.OOM_FREELIST:
        yield f"a kill is asked for straight after {step.before.at.name}"
    due = AllocFlags.WMARK_HIGH | AllocFlags.CPUSET
    waits = Gfp.DIRECT_RECLAIM in asked.gfp or Gfp.HARDWALL not in asked.gfp
    if at is At.OOM_FREELIST and (asked.flags != due or waits):
        yield f"the last look before a kill is {asked}, gfp {int(asked.gfp):#x}"


def all_marks_fall_for_those_who_must_not_fail(cfg: Config, step: Moment) -> Complaints:
    """Free lists are asked without marks by right, or for NOFAIL after the OOM killer.

    The reserve for harder cases alone is opened for NOFAIL in the end.
    """
    asked, s = step.result, step.after
    if s.at not in (At.OOM_CPUSET, At.OOM_ANY, At.HARDER_CPUSET, At.HARDER_ANY):
        return
    most = AllocFlags.CPUSET | AllocFlags.HARDER
    if s.at in (At.OOM_CPUSET, At.OOM_ANY):
        most = AllocFlags.CPUSET | AllocFlags.NO_WATERMARKS
    if asked.flags & ~most or not must_not_fail(s):
        yield f"{asked} for gfp {int(s.gfp):#x}"


def drains_follow_reclaim(cfg: Config, step: Moment) -> Complaints:
    """Pagesets are drained after a reclaim with progress that gave no page."""
    due = step.before.at is At.RECLAIMED and step.result.page is None
    if (Event.DRAIN in step.result.events) != due:
        yield f"after {step.before.at.name}: {step.result}"


def kswapd_is_kept_awake(cfg: Config, step: Moment) -> Complaints:
    """Each round of a request that may wakes kswapd."""
    s = step.after
    if s.at not in (At.FIRST, At.RETRY) or AllocFlags.KSWAPD not in s.flags:
        return
    if Event.WAKE_KSWAPD not in step.result.events:
        yield f"kswapd may sleep through {s.at.name}"


def changes_begin_again(cfg: Config, step: Moment) -> Complaints:
    """After a change of cpuset or zonelists nothing counts as tried."""
    change, s = reply_of(step), step.after
    if change not in CHANGES:
        return
    empty = s.nodemask is Nodemask.EMPTY or is_barred(s)
    if s.at not in ((At.LOOK_FAIL, At.IDLE) if empty else (At.FIRST,)):
        yield f"{change.name} leads to {s.at.name}"
    if s.loops or s.retries or s.priority is not CompactPriority.SYNC_LIGHT:
        yield f"after {change.name}: {s.loops} loops, {s.retries} retries"


def nodes_are_kept(cfg: Config, step: Moment) -> Complaints:
    """A nodemask is dropped by right only: to the reserves, or to be atomic."""
    before, s = step.before, step.after
    if s.nodemask is before.nodemask or At.IDLE in (before.at, s.at):
        return
    stale = reply_of(step) is Reply.NODEMASK
    if not stale and not reserve_of(s) and AllocFlags.CPUSET in s.flags:
        yield f"the nodemask is dropped at {s.at.name}"


def of_turns(check: Check) -> Check:
    """Return a rule of those steps in which a request goes on.

    A question from outside has another answer, and changes nothing.
    """

    @wraps(check)
    def rule(cfg: Config, step: Moment) -> Complaints:
        if not isinstance(step.op, PfmemallocAllowed):
            yield from check(cfg, step)

    return rule


LAWS = (
    Law("LIVE", of_turns(a_request_comes_to_an_end)),
    Law("SP-SOURCE", of_turns(pages_come_from_those_asked)),
    Law("SP-NOFAIL", of_turns(some_requests_never_fail)),
    Law("SP-FAIL", of_turns(small_requests_fail_only_for_want)),
    Law("SP-NORETRY", of_turns(no_retry_means_once)),
    Law("SP-HOPE", of_turns(kills_come_last)),
    Law("SP-HIGH", of_turns(kills_follow_a_last_look)),
    Law("SP-RIGHTS", of_turns(all_marks_fall_for_those_who_must_not_fail)),
    Law("SP-DRAIN", of_turns(drains_follow_reclaim)),
    Law("SP-KSWAPD", of_turns(kswapd_is_kept_awake)),
    Law("SP-RESTART", of_turns(changes_begin_again)),
    Law("SP-NODES", of_turns(nodes_are_kept)),
)
CONTRACTS = (
    Contract("RET-CODE", "After an answer the question that is due is asked."),
)
