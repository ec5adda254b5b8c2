"""Mistakes in whether the slow path goes round again, kills or fails."""

from __future__ import annotations

from typing import Any

from mmoracle.impl.slowpath import decisions, variables
from mmoracle.impl.slowpath.machine import SlowPath
from mmoracle.impl.slowpath.variables import Variables

_may_kill, _locked = SlowPath.may_kill, SlowPath.locked
_killed, _after_oom, _decide = (
    SlowPath.out_of_memory,
    SlowPath.after_oom,
    SlowPath.decide,
)
_early = SlowPath.try_compaction_early
_fail, _checked, _retry = SlowPath.fail_or_help, SlowPath.checked, SlowPath.retry

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


def ignore_changes(m: SlowPath, changed: bool, *which: bool) -> None:
    """Go on with an old cpuset."""
    m.changes -= changed
    _checked(m, False)


def keep_a_stale_nodemask(
    m: SlowPath, changed: bool, stale: bool = False, moved: bool = False
) -> None:
    """Begin again with the nodemask that names no node."""
    _checked(m, changed, False, moved)


def keep_an_insane_cpuset(m: SlowPath, changed: bool, *which: bool) -> None:
    """Begin again with the cpuset as it was."""
    _checked(m, changed, *which[:1])


def any_change_helps(
    m: SlowPath, changed: bool, stale: bool = False, moved: bool = False
) -> None:
    """Believe after any change that the cpuset has a zone now."""
    _checked(m, changed, stale, changed)


def trust_cpusets(m: SlowPath) -> bool:
    """Believe that every cpuset has a zone for every request, as 5.10.0 did."""
    return False


def keep_all_to_cpusets(m: SlowPath) -> bool:
    """Let requests fail as well that need not keep to the cpuset."""
    return m.who & 0x100 != 0


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

INSANE = "tiny-insane"
KERNEL, EXCUSED, MUST = "tiny-kernel", "tiny-excused", "tiny-nofail"
ATOMIC, COSTLY, CHANGES = "tiny-atomic", "tiny-costly", "tiny-changes"
TABLE: tuple[tuple[str, str, str, Any, str, Any], ...] = (
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
    ("insane-kept", "RET-CODE", INSANE, SlowPath, "checked", keep_an_insane_cpuset),
    ("insane-any", "RET-CODE", INSANE, SlowPath, "checked", any_change_helps),
    (
        "insane-trusted",
        "RET-CODE",
        INSANE,
        Variables,
        "cpuset_has_no_zone",
        trust_cpusets,
    ),
    (
        "insane-for-all",
        "SP-FAIL",
        INSANE,
        Variables,
        "cpuset_has_no_zone",
        keep_all_to_cpusets,
    ),
    ("look-at-end", "RET-CODE", CHANGES, SlowPath, "retry", look_at_the_end_only),
)
