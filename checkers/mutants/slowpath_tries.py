"""Mistakes in what the slow path tries: compaction early, reclaim, pages it gets."""

from __future__ import annotations

from typing import Any

from mmoracle.impl.slowpath import decisions, variables
from mmoracle.impl.slowpath.machine import SlowPath
from mmoracle.impl.slowpath.variables import Variables

_flags = decisions.gfp_to_alloc_flags
_got_pg = Variables.got_pg
_restart, _begin = SlowPath.restart, SlowPath.begin
_freelist, _drain = SlowPath.freelist, SlowPath.drain
_reclaimed, _compacted = SlowPath.reclaimed, SlowPath.compacted
_early, _after_early = SlowPath.try_compaction_early, SlowPath.after_early


# ------------------------------------------------------------------ beginning


def trust_atomic(m: SlowPath, order: int, gfp: int, *rest: Any) -> None:
    """Take a request for atomic that may sleep."""
    _begin(m, order, gfp & ~0x200, *rest)
    if gfp & 0x200 and gfp & 0x400:
        m.gfp = gfp
        m.alloc_flags = m.current_alloc_flags(_flags(gfp, m.who))


def begin_without_a_zone(m: SlowPath) -> None:
    """Look at the free lists of no zone at all."""
    nodes, m.nodemask = m.nodemask, variables.ANY_NODE
    _restart(m)
    m.nodemask = nodes


def restart_counting_on(m: SlowPath) -> None:
    """Keep the counters where everything begins again."""
    counts = m.compaction_retries, m.no_progress_loops
    _restart(m)
    m.compaction_retries, m.no_progress_loops = counts


def restart_trying_harder(m: SlowPath) -> None:
    """Keep the priority of compaction where everything begins again."""
    priority = m.compact_priority
    _restart(m)
    m.compact_priority = priority


def restart_with_an_old_answer(m: SlowPath) -> None:
    """Keep what compaction answered before everything began again."""
    answer = m.compact_result
    _restart(m)
    m.compact_result = answer


def early_for_all_blocks(m: SlowPath) -> None:
    """Compact early for movable blocks as well."""
    if m.order and m.can_direct_reclaim() and m.can_compact() and m.compaction:
        m.ask(variables.EARLY_COMPACT)
    else:
        m.retry()


def early_for_costly_only(m: SlowPath) -> None:
    """Forget that unmovable blocks fragment memory."""
    if m.costly():
        _early(m)
    else:
        m.retry()


def early_in_atomic_context(m: SlowPath) -> None:
    """Compact for a request that must not sleep."""
    if m.order and m.compaction:
        m.ask(variables.EARLY_COMPACT)
    else:
        m.retry()


def early_without_io(m: SlowPath) -> None:
    """Ask compaction that must not run, as 5.10.0 does."""
    m.may_compact_unasked = True
    _early(m)
    m.may_compact_unasked = False


def costly_goes_on(m: SlowPath) -> None:
    """Reclaim for a costly request with NORETRY although compaction cannot begin."""
    m.compact_priority = 2 if m.costly() and m.gfp & 0x10000 else 1
    m.retry()


def costly_stays_usual(m: SlowPath) -> None:
    """Compact synchronously for a costly request with NORETRY."""
    _after_early(m)
    if m.pc == variables.RETRY:
        m.compact_priority = 1


# ------------------------------------------------------------------ reclaim


def reclaim_for_all(m: SlowPath) -> None:
    """Reclaim for a request that must not sleep."""
    if m.who & 0x1:
        m.nopage()
    else:
        m.ask(variables.RECLAIM)


def reclaim_inside_reclaim(m: SlowPath) -> None:
    """Reclaim for a task that reclaims already."""
    if m.can_direct_reclaim():
        m.ask(variables.RECLAIM)
    else:
        m.nopage()


def drain_each_time(m: SlowPath, page: bool) -> None:
    """Drain again and again while there is no page."""
    if m.pc == variables.DRAINED and not page:
        m.drain()
    else:
        _freelist(m, page)


def never_drain(m: SlowPath) -> None:
    """Go on to compaction without a look at what pagesets keep."""
    m.try_compaction()


def drain_the_last(m: SlowPath) -> None:
    """Give the last page block back at the first drain."""
    if m.highatomic == 1:
        m.unreserve()
    _drain(m)


def look_without_progress(m: SlowPath, kind: int) -> None:
    """Look at the free lists after a reclaim that freed nothing."""
    _reclaimed(m, kind)
    if not kind:
        m.ask(variables.RECLAIMED)


def forget_the_gain(m: SlowPath, kind: int) -> None:
    """Forget that reclaim made progress."""
    _reclaimed(m, kind)
    m.progress = 0


def forget_the_result(m: SlowPath, result: int) -> None:
    """Keep what compaction answered the first time."""
    before = m.compact_result
    _compacted(m, result)
    m.compact_result = before


# ------------------------------------------------------------------ pages


def lose_the_page(m: SlowPath) -> None:
    """Lose a page that compaction caught."""
    m.ask(variables.COMPACTED)


def invent_a_page(m: Variables, page: bool) -> None:
    """Return a page although nobody gave one."""
    _got_pg(m, True)


def forget_compaction_helped(m: SlowPath, page: bool) -> None:
    """Leave compaction deferred although it was good for something."""
    _freelist(m, page)
    m.events = [each for each in m.events if each != "DEFER_RESET"]


def reserves_for_all(m: SlowPath, gfp: int, who: int) -> bool:
    """Promise the reserves to everybody who does not refuse them."""
    return not gfp & 0x80000


# ------------------------------------------------------------------ the zoo

ATOMIC, KERNEL, EXCUSED = "tiny-atomic", "tiny-kernel", "tiny-excused"
BLOCKS, COSTLY = "tiny-blocks", "tiny-costly"
CHANGES = "tiny-changes"
EARLY = "try_compaction_early"
TABLE: tuple[tuple[str, str, str, Any, str, Any], ...] = (
    ("atomic-trusted", "RET-CODE", KERNEL, SlowPath, "begin", trust_atomic),
    ("no-zone", "RET-CODE", CHANGES, SlowPath, "restart", begin_without_a_zone),
    (
        "counts-kept",
        "SP-RESTART",
        CHANGES,
        SlowPath,
        "restart",
        restart_counting_on,
    ),
    (
        "priority-kept",
        "SP-RESTART",
        CHANGES,
        SlowPath,
        "restart",
        restart_trying_harder,
    ),
    (
        "answer-kept",
        "EXACT-STATE",
        CHANGES,
        SlowPath,
        "restart",
        restart_with_an_old_answer,
    ),
    ("early-movable", "RET-CODE", BLOCKS, SlowPath, EARLY, early_for_all_blocks),
    ("early-costly-only", "RET-CODE", BLOCKS, SlowPath, EARLY, early_for_costly_only),
    ("early-atomic", "SP-SLEEP", ATOMIC, SlowPath, EARLY, early_in_atomic_context),
    ("early-without-io", "RET-CODE", COSTLY, SlowPath, EARLY, early_without_io),
    ("costly-goes-on", "RET-CODE", COSTLY, SlowPath, "after_early", costly_goes_on),
    (
        "costly-usual",
        "EXACT-STATE",
        COSTLY,
        SlowPath,
        "after_early",
        costly_stays_usual,
    ),
    ("atomic-reclaims", "SP-SLEEP", ATOMIC, SlowPath, "try_reclaim", reclaim_for_all),
    (
        "reclaim-recurses",
        "SP-RECURSE",
        EXCUSED,
        SlowPath,
        "try_reclaim",
        reclaim_inside_reclaim,
    ),
    ("drain-each-time", "LIVE", KERNEL, SlowPath, "freelist", drain_each_time),
    ("drain-never", "SP-DRAIN", KERNEL, SlowPath, "drain", never_drain),
    (
        "drain-last-block",
        "EXACT-STATE",
        KERNEL,
        SlowPath,
        "drain",
        drain_the_last,
    ),
    ("look-in-vain", "RET-CODE", KERNEL, SlowPath, "reclaimed", look_without_progress),
    ("gain-forgotten", "EXACT-STATE", KERNEL, SlowPath, "reclaimed", forget_the_gain),
    ("result-kept", "EXACT-STATE", BLOCKS, SlowPath, "compacted", forget_the_result),
    ("page-lost", "SP-SOURCE", BLOCKS, SlowPath, "captured", lose_the_page),
    (
        "reserves-promised",
        "RET-CODE",
        ATOMIC,
        SlowPath,
        "gfp_pfmemalloc_allowed",
        reserves_for_all,
    ),
    ("page-invented", "SP-SOURCE", ATOMIC, Variables, "got_pg", invent_a_page),
    (
        "deferred-still",
        "RET-CODE",
        BLOCKS,
        SlowPath,
        "freelist",
        forget_compaction_helped,
    ),
)
