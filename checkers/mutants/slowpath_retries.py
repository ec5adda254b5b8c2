"""Mistakes in whether another round is worth it, for reclaim or for compaction."""

from __future__ import annotations

from typing import Any

from mmoracle.impl.slowpath import decisions, machine, variables
from mmoracle.impl.slowpath.machine import SlowPath
from mmoracle.impl.slowpath.variables import Variables

_again, _no_progress = decisions.should_compact_retry, decisions.count_no_progress
_reclaim_retry, _unreserve = SlowPath.should_reclaim_retry, SlowPath.unreserve
_suitable, _decide = SlowPath.compaction_zonelist_suitable, SlowPath.decide

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
    return m.watermark_ok(0, mark, 0x80, m.free + m.zone_reclaimable_pages())


def costly_at_the_least_mark(m: SlowPath) -> bool:
    """Ask for no more pages around compaction of a costly block than of a small one."""
    mark = m.marks[0] + (2 << m.order)
    pages = m.zone_reclaimable_pages()
    return m.watermark_ok(0, mark, 0x80, m.free + pages // m.order)


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
    counted, pages = m.counts_free, m.reclaimable
    m.counts_free, m.reclaimable = False, 0
    again = _reclaim_retry(m)
    m.counts_free, m.reclaimable = counted, pages
    return again


def free_never_counts(lru: int, free: int, counts: bool) -> int:
    """Count what is reclaimable alone, as before 5.10.233."""
    return lru


def free_counts_early(lru: int, free: int, counts: bool) -> int:
    """Count free pages in kernels before 5.10.233 as well."""
    return lru if lru else free


def free_always_counts(lru: int, free: int, counts: bool) -> int:
    """Count free pages whether or not anything is reclaimable."""
    return lru + free if counts else lru


def few_pages_are_none(lru: int, free: int, counts: bool) -> int:
    """Take the last reclaimable page for none."""
    return free if counts and lru <= 1 else lru


def wait_for_what_is_left(m: SlowPath) -> bool:
    """Compare what is under writeback with the reclaimable pages alone."""
    again = _reclaim_retry(m)
    waits = again and not m.progress and 2 * m.write_pending > m.reclaimable
    if waits and m.no_progress_loops <= m.reclaim_retries and "WAIT" not in m.events:
        m.events.append("WAIT")
    return again


def no_room_in_what_is_free(m: SlowPath) -> bool:
    """Ask for room around compaction without free pages that count twice."""
    counted, m.counts_free = m.counts_free, False
    fits = _suitable(m)
    m.counts_free = counted
    return fits


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


# ------------------------------------------------------------------ the zoo

KERNEL, BLOCKS = "tiny-kernel", "tiny-blocks"
AGAIN, PATIENT = "tiny-again", "tiny-mayfail"
FREE, BEFORE, ZRP = "tiny-free", "tiny-free-5.10.232", "zone_reclaimable_pages"
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
    ("free-never", "SP-HOPE", FREE, variables, ZRP, free_never_counts),
    ("free-early", "RET-CODE", BEFORE, variables, ZRP, free_counts_early),
    ("free-always", "RET-CODE", FREE, variables, ZRP, free_always_counts),
    ("free-for-few", "RET-CODE", FREE, variables, ZRP, few_pages_are_none),
    (
        "free-no-room",
        "RET-CODE",
        FREE,
        SlowPath,
        "compaction_zonelist_suitable",
        no_room_in_what_is_free,
    ),
    ("wait-early", "RET-CODE", FREE, SlowPath, SRR, wait_for_what_is_left),
    ("order-0-only", "RET-CODE", PATIENT, SlowPath, SRR, single_pages_only),
    ("reserve-last", "EXACT-STATE", KERNEL, SlowPath, "unreserve", no_last_reserve),
    ("reserve-endless", "LIVE", KERNEL, SlowPath, "unreserve", endless_reserve),
    ("wait-never", "RET-CODE", KERNEL, SlowPath, SRR, never_wait),
)
