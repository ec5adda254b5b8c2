"""Mistakes in whether the slow path goes round again, kills or fails."""

from __future__ import annotations

from typing import Any

from mmoracle.impl.slowpath import decisions, machine, variables
from mmoracle.impl.slowpath.machine import SlowPath
from mmoracle.impl.slowpath.variables import Variables

_again, _no_progress = decisions.should_compact_retry, decisions.count_no_progress
_reclaim_retry, _compact_retry = SlowPath.should_reclaim_retry, SlowPath.compact_retry
_unreserve, _may_kill, _locked = (
    SlowPath.unreserve,
    SlowPath.may_kill,
    SlowPath.locked,
)
_killed, _after_oom, _decide = (
    SlowPath.out_of_memory,
    SlowPath.after_oom,
    SlowPath.decide,
)
_early = SlowPath.try_compaction_early
_fail, _checked, _retry = SlowPath.fail_or_help, SlowPath.checked, SlowPath.retry

Verdict = tuple[Any, Any, Any]

# ------------------------------------------------------------------ compaction


def always_able(m: SlowPath) -> bool:
    """Count on compaction although the request must not start IO."""
    return True


def go_on_without_io(m: SlowPath) -> None:
    """Retry for compaction where reclaim would help it, though it must not run."""
    waits = m.costly() and m.gfp & 0x4000 and not m.gfp & 0x40
    if waits and m.progress and m.compact_retry():
        m.retry()
    else:
        _decide(m)


def one_retry_more(result: Any, prio: Any, retries: Any, *rest: Any) -> Verdict:
    """Let compaction succeed in vain once more than it may."""
    again, priority, after = _again(result, prio, retries - 1, *rest)
    return again, priority, after + (after == retries)


def one_retry_less(
    result: Any, prio: Any, retries: Any, costly: Any, most: int, suitable: Any
) -> Verdict:
    """Stop one success short of the bound."""
    return _again(result, prio, retries, costly, most - 1, suitable)


def costly_like_others(
    result: Any, prio: Any, retries: Any, costly: Any, most: int, suitable: Any
) -> Verdict:
    """Let costly requests compact as often as small ones."""
    return _again(result, prio, retries, costly, 4 * most if costly else most, suitable)


def priority_stays(result: Any, prio: Any, retries: Any, *rest: Any) -> Verdict:
    """Try again without trying harder."""
    again, _, after = _again(result, prio, retries, *rest)
    return again, prio, after


def retries_kept(result: Any, prio: Any, retries: Any, *rest: Any) -> Verdict:
    """Try harder with the retries of the lower effort counted already."""
    again, priority, after = _again(result, prio, retries, *rest)
    return again, priority, retries if priority < prio else after


def retries_forgotten(result: Any, prio: Any, retries: Any, *rest: Any) -> Verdict:
    """Count from 0 each time."""
    return _again(result, prio, 0, *rest)


def beyond_the_least(result: Any, prio: Any, retries: Any, *rest: Any) -> Verdict:
    """Try a costly request as hard as a small one."""
    return _again(result, prio, retries, False, *rest[1:])


def complete_is_success(result: Any, prio: Any, retries: Any, *rest: Any) -> Verdict:
    """Go on after a scan of everything as if it had made a block."""
    return _again(8 if result == 5 else result, prio, retries, *rest)


def contended_is_failure(result: Any, prio: Any, retries: Any, *rest: Any) -> Verdict:
    """Give up where compaction gave way to others."""
    if result == 7:
        return False, prio, retries
    return _again(result, prio, retries, *rest)


def skipped_is_deferred(result: Any, prio: Any, retries: Any, *rest: Any) -> Verdict:
    """Try harder where compaction has no room to begin."""
    return _again(2 if result == 1 else result, prio, retries, *rest)


def skipped_is_hopeless(result: Any, prio: Any, retries: Any, *rest: Any) -> Verdict:
    """Give up where reclaim could make room for compaction."""
    costly, most, _ = rest
    return _again(result, prio, retries, costly, most, False)


def always_suitable(m: SlowPath) -> bool:
    """Believe that reclaim can always make room for compaction."""
    return True


def all_is_reclaimable(m: SlowPath) -> bool:
    """Count on everything that may be reclaimed, whatever the order."""
    mark = m.marks[1 if m.costly() else 0] + (2 << m.order)
    return m.watermark_ok(0, mark, 0x80, m.free + m.reclaimable)


def costly_at_the_least_mark(m: SlowPath) -> bool:
    """Ask for no more pages around compaction of a costly block than of a small one."""
    mark = m.marks[0] + (2 << m.order)
    return m.watermark_ok(0, mark, 0x80, m.free + m.reclaimable // m.order)


def compact_without_progress(m: SlowPath) -> bool:
    """Retry for compaction although reclaim made no progress."""
    return m.should_reclaim_retry() or (m.can_compact() and m.compact_retry())


# ------------------------------------------------------------------ reclaim


def costly_progress_counts(loops: Any, progress: Any, costly: Any) -> Any:
    """Count from 0 after progress for a costly request."""
    return _no_progress(loops, progress, False)


def loops_kept(loops: Any, progress: Any, costly: Any) -> Any:
    """Count rounds with progress like those without."""
    return loops + 1


def loops_forgotten(loops: Any, progress: Any, costly: Any) -> Any:
    """Count from 0 in every round."""
    return 0


def a_round_is_many(loops: Any, progress: Any, costly: Any) -> Any:
    """Count a round without progress as a hundred."""
    return loops + 100 if costly or not progress else 0


def one_loop_more(m: SlowPath) -> bool:
    """Go round once more than is allowed: > for >=."""
    m.reclaim_retries += 1
    again = _reclaim_retry(m)
    m.reclaim_retries -= 1
    return again


def one_loop_less(m: SlowPath) -> bool:
    """Go round once less than is allowed."""
    m.reclaim_retries -= 1
    again = _reclaim_retry(m)
    m.reclaim_retries += 1
    return again


def for_ever(m: SlowPath) -> bool:
    """Go round as long as the zone looks well: no bound at all."""
    most, m.reclaim_retries = m.reclaim_retries, 1 << 30
    again = _reclaim_retry(m)
    m.reclaim_retries = most
    return again


def free_pages_only(m: SlowPath) -> bool:
    """Judge by what is free now, not by what reclaim may add."""
    pages, m.reclaimable = m.reclaimable, 0
    again = _reclaim_retry(m)
    m.reclaimable = pages
    return again


def single_pages_only(m: SlowPath) -> bool:
    """Judge by single pages, whatever the order."""
    order, m.order = m.order, 0
    again = _reclaim_retry(m)
    m.order = order
    return again


def no_last_reserve(m: SlowPath) -> bool:
    """Kill somebody before the high-atomic reserve is given back."""
    return False


def endless_reserve(m: SlowPath) -> bool:
    """Believe that there was a page block to give back."""
    _unreserve(m)
    return True


def never_wait(m: SlowPath) -> bool:
    """Go round at once although most of the rest is under writeback."""
    again = _reclaim_retry(m)
    m.events = [each for each in m.events if each != "WAIT"]
    return again


# ------------------------------------------------------------------ decisions


def retry_whatever_was_asked(m: SlowPath) -> None:
    """Ignore NORETRY."""
    if m.gfp & 0x10000 and m.retries():
        m.retry()
    else:
        _decide(m)


def costly_goes_round(m: SlowPath) -> None:
    """Retry every costly request, not only those that ask for it."""
    if m.costly() and not m.gfp & 0x10000 and m.retries():
        m.retry()
    else:
        _decide(m)


def kill_at_once(m: SlowPath) -> None:
    """Turn to the OOM killer after the first round."""
    if m.gfp & 0x10000 or m.costly():
        _decide(m)
    else:
        m.progress = 0
        m.check_retry(variables.LOOK_OOM)


def never_kill(m: SlowPath) -> None:
    """Fail where the OOM killer is to be asked."""
    _decide(m)
    if m.pc == variables.OOM_LOCK:
        m.nopage()


def no_look_before_a_kill(m: SlowPath, busy: bool) -> None:
    """Have somebody killed without a last look at the free lists."""
    _locked(m, busy)
    if not busy:
        m.oom_or_not()


def busy_is_no_progress(m: SlowPath, busy: bool) -> None:
    """Fail while somebody else is killing."""
    if busy:
        m.kills -= 1
        m.events.append("SLEEP")
        m.after_oom(False)
    else:
        _locked(m, busy)


def kill_for_all(m: SlowPath) -> bool:
    """Kill for every request."""
    return True


def kill_for_may_fail(m: SlowPath) -> bool:
    """Kill for a request that would rather fail."""
    gfp, m.gfp = m.gfp, m.gfp & ~0x4000
    kills = _may_kill(m)
    m.gfp = gfp
    return kills


def kill_for_one_node(m: SlowPath) -> bool:
    """Kill for a request of one node."""
    gfp, m.gfp = m.gfp, m.gfp & ~0x200000
    kills = _may_kill(m)
    m.gfp = gfp
    return kills


def kill_for_low_zones(m: SlowPath) -> bool:
    """Kill for a request of low zones."""
    gfp, m.gfp = m.gfp, m.gfp & ~0x5
    kills = _may_kill(m)
    m.gfp = gfp
    return kills


def kill_without_storage(m: SlowPath) -> bool:
    """Kill while storage is suspended."""
    who, m.who = m.who, m.who & ~0x80
    kills = _may_kill(m)
    m.who = who
    return kills


def nobody_helps_nofail(m: SlowPath, killed: bool, chosen: bool) -> None:
    """Leave NOFAIL without the reserves after a kill."""
    if m.gfp & 0x8000:
        gfp, m.gfp = m.gfp, m.gfp & ~0x8000
        _killed(m, killed, chosen)
        m.gfp = gfp
    else:
        _killed(m, killed, chosen)


def victims_go_round(m: SlowPath, progress: bool) -> None:
    """Let a victim that had its share of the reserve go round."""
    who, m.who = m.who, m.who & ~0x10
    _after_oom(m, progress)
    if m.pc != variables.IDLE:
        m.who = who


def go_round_without_kills(m: SlowPath, progress: bool) -> None:
    """Go round although the OOM killer found nothing to kill."""
    _after_oom(m, True)


def loops_after_a_kill(m: SlowPath, progress: bool) -> None:
    """Count on after a kill, as if it had not been progress."""
    loops = m.no_progress_loops
    _after_oom(m, progress)
    if m.pc in (variables.RETRY, variables.LOOK_RETRY):
        m.no_progress_loops = loops


def nofail_fails(m: SlowPath) -> None:
    """Let a request fail that must not."""
    m.got_pg(False)


def nofail_fails_inside_reclaim(m: SlowPath) -> None:
    """Let it fail inside reclaim."""
    if m.who & 0x1:
        m.got_pg(False)
    else:
        _fail(m)


def nofail_spins(m: SlowPath) -> None:
    """Let a request go round for ever that must neither fail nor sleep."""
    if m.gfp & 0x8000:
        m.ask(variables.HARDER_CPUSET)
    else:
        _fail(m)


def nofail_without_help(m: SlowPath) -> None:
    """Go round with NOFAIL without a look at the reserves."""
    if m.gfp & 0x8000 and m.can_direct_reclaim():
        m.retry()
    else:
        _fail(m)


def fail_silently(m: SlowPath) -> None:
    """Fail without a word in the log."""
    m.gfp |= 0x2000
    _fail(m)


def ignore_changes(m: SlowPath, changed: bool, stale: bool = False) -> None:
    """Go on with an old cpuset."""
    m.changes -= changed
    _checked(m, False)


def keep_a_stale_nodemask(m: SlowPath, changed: bool, stale: bool = False) -> None:
    """Begin again with the nodemask that names no node."""
    _checked(m, changed)


def look_at_the_end_only(m: SlowPath) -> None:
    """Go round without a look for changes."""
    _retry(m)
    if m.pc == variables.LOOK_RETRY:
        m.round()


def served_as_victims(m: SlowPath, progress: bool) -> None:
    """Refuse whoever may use no reserves as if it were a victim."""
    if m.gfp & decisions.NOMEMALLOC:
        m.nopage()
    else:
        _after_oom(m, progress)


def compact_without_sleep(m: SlowPath) -> None:
    """Compact early for a request that cannot sleep."""
    if m.order and not m.is_movable() and m.can_compact() and not m.who:
        m.ask(variables.EARLY_COMPACT)
    else:
        _early(m)


# ------------------------------------------------------------------ the zoo

KERNEL, EXCUSED, MUST = "tiny-kernel", "tiny-excused", "tiny-nofail"
BLOCKS, COSTLY, CHANGES = "tiny-blocks", "tiny-costly", "tiny-changes"
ATOMIC, AGAIN, PATIENT = "tiny-atomic", "tiny-again", "tiny-mayfail"
SCR, SRR = "should_compact_retry", "should_reclaim_retry"
TABLE: tuple[tuple[str, str, str, Any, str, Any], ...] = (
    ("P21", "LIVE", PATIENT, SlowPath, "decide", go_on_without_io),
    (
        "compact-always",
        "RET-CODE",
        PATIENT,
        Variables,
        "can_compact",
        always_able,
    ),
    ("compact-once-more", "EXACT-STATE", AGAIN, machine, SCR, one_retry_more),
    ("compact-once-less", "EXACT-STATE", AGAIN, machine, SCR, one_retry_less),
    ("compact-costly-often", "LIVE", PATIENT, machine, SCR, costly_like_others),
    ("priority-stays", "EXACT-STATE", AGAIN, machine, SCR, priority_stays),
    ("retries-kept", "EXACT-STATE", AGAIN, machine, SCR, retries_kept),
    ("retries-forgotten", "EXACT-STATE", AGAIN, machine, SCR, retries_forgotten),
    ("priority-below", "SP-PRIORITY", PATIENT, machine, SCR, beyond_the_least),
    ("complete-succeeds", "EXACT-STATE", AGAIN, machine, SCR, complete_is_success),
    ("contended-fails", "RET-CODE", AGAIN, machine, SCR, contended_is_failure),
    ("skipped-deferred", "EXACT-STATE", BLOCKS, machine, SCR, skipped_is_deferred),
    ("skipped-hopeless", "RET-CODE", BLOCKS, machine, SCR, skipped_is_hopeless),
    (
        "always-suitable",
        "RET-CODE",
        BLOCKS,
        SlowPath,
        "compaction_zonelist_suitable",
        always_suitable,
    ),
    (
        "all-reclaimable",
        "RET-CODE",
        PATIENT,
        SlowPath,
        "compaction_zonelist_suitable",
        all_is_reclaimable,
    ),
    (
        "costly-low-mark",
        "RET-CODE",
        PATIENT,
        SlowPath,
        "compaction_zonelist_suitable",
        costly_at_the_least_mark,
    ),
    (
        "compact-no-progress",
        "RET-CODE",
        BLOCKS,
        SlowPath,
        "retries",
        compact_without_progress,
    ),
    (
        "costly-progress",
        "EXACT-STATE",
        PATIENT,
        machine,
        "count_no_progress",
        costly_progress_counts,
    ),
    ("loops-kept", "EXACT-STATE", KERNEL, machine, "count_no_progress", loops_kept),
    (
        "loops-forgotten",
        "LIVE",
        KERNEL,
        machine,
        "count_no_progress",
        loops_forgotten,
    ),
    ("loops-leap", "SP-COUNT", KERNEL, machine, "count_no_progress", a_round_is_many),
    ("loop-more", "LIVE", KERNEL, SlowPath, SRR, one_loop_more),
    ("loop-less", "SP-HOPE", KERNEL, SlowPath, SRR, one_loop_less),
    ("loop-for-ever", "LIVE", "tiny", SlowPath, SRR, for_ever),
    ("free-only", "SP-HOPE", KERNEL, SlowPath, SRR, free_pages_only),
    ("order-0-only", "RET-CODE", PATIENT, SlowPath, SRR, single_pages_only),
    ("reserve-last", "EXACT-STATE", KERNEL, SlowPath, "unreserve", no_last_reserve),
    ("reserve-endless", "LIVE", KERNEL, SlowPath, "unreserve", endless_reserve),
    ("wait-never", "RET-CODE", KERNEL, SlowPath, SRR, never_wait),
    (
        "noretry-retries",
        "SP-NORETRY",
        EXCUSED,
        SlowPath,
        "decide",
        retry_whatever_was_asked,
    ),
    ("costly-goes-round", "RET-CODE", COSTLY, SlowPath, "decide", costly_goes_round),
    ("kill-at-once", "SP-HOPE", KERNEL, SlowPath, "decide", kill_at_once),
    ("kill-never", "SP-FAIL", KERNEL, SlowPath, "decide", never_kill),
    ("kill-unseen", "SP-HIGH", KERNEL, SlowPath, "locked", no_look_before_a_kill),
    ("busy-fails", "SP-FAIL", KERNEL, SlowPath, "locked", busy_is_no_progress),
    ("kill-for-all", "SP-OOM", EXCUSED, SlowPath, "may_kill", kill_for_all),
    ("kill-for-mayfail", "SP-OOM", EXCUSED, SlowPath, "may_kill", kill_for_may_fail),
    ("kill-for-node", "SP-OOM", EXCUSED, SlowPath, "may_kill", kill_for_one_node),
    ("kill-for-dma", "SP-OOM", EXCUSED, SlowPath, "may_kill", kill_for_low_zones),
    ("kill-suspended", "SP-OOM", EXCUSED, SlowPath, "may_kill", kill_without_storage),
    (
        "nofail-no-reserve",
        "SP-NOFAIL",
        MUST,
        SlowPath,
        "out_of_memory",
        nobody_helps_nofail,
    ),
    ("victim-or-not", "SP-FAIL", EXCUSED, SlowPath, "after_oom", served_as_victims),
    (
        "early-sleepless",
        "SP-SLEEP",
        ATOMIC,
        SlowPath,
        "try_compaction_early",
        compact_without_sleep,
    ),
    ("victim-goes-round", "RET-CODE", KERNEL, SlowPath, "after_oom", victims_go_round),
    ("kill-in-vain", "LIVE", KERNEL, SlowPath, "after_oom", go_round_without_kills),
    (
        "kill-no-progress",
        "EXACT-STATE",
        KERNEL,
        SlowPath,
        "after_oom",
        loops_after_a_kill,
    ),
    ("nofail-fails", "SP-NOFAIL", MUST, SlowPath, "fail_or_help", nofail_fails),
    (
        "nofail-fails-inside",
        "SP-NOFAIL",
        MUST,
        SlowPath,
        "fail_or_help",
        nofail_fails_inside_reclaim,
    ),
    ("nofail-spins", "SP-RIGHTS", ATOMIC, SlowPath, "fail_or_help", nofail_spins),
    ("nofail-no-help", "LIVE", MUST, SlowPath, "fail_or_help", nofail_without_help),
    ("fail-silent", "RET-CODE", ATOMIC, SlowPath, "fail_or_help", fail_silently),
    ("changes-ignored", "SP-RESTART", CHANGES, SlowPath, "checked", ignore_changes),
    ("nodemask-stale", "RET-CODE", CHANGES, SlowPath, "checked", keep_a_stale_nodemask),
    ("look-at-end", "RET-CODE", CHANGES, SlowPath, "retry", look_at_the_end_only),
)
