"""Mistakes in what the slow path asks, of whom, and with which rights."""

from __future__ import annotations

from typing import Any

from mmoracle.impl.slowpath import decisions, machine, variables
from mmoracle.impl.slowpath.machine import SlowPath
from mmoracle.impl.slowpath.variables import Question, Variables
from mmoracle.spec.linux import Gfp

NO_WATERMARKS, OOM, HARDER, CPUSET, KSWAPD = 0x4, 0x8, 0x10, 0x40, 0x800
HIGH_ATOMIC = int(Gfp.HIGH | Gfp.ATOMIC)

_flags, _reserves = decisions.gfp_to_alloc_flags, decisions.gfp_pfmemalloc_flags
_ask, _asked, _got_pg = Variables.ask, Variables.asked, Variables.got_pg
_round, _restart, _begin = SlowPath.round, SlowPath.restart, SlowPath.begin
_freelist, _drain, _may_kill = SlowPath.freelist, SlowPath.drain, SlowPath.may_kill
_reclaimed, _compacted = SlowPath.reclaimed, SlowPath.compacted
_out_of_memory, _checked = SlowPath.out_of_memory, SlowPath.checked

# ------------------------------------------------------------------ rights


def harder_for_all_atomic(gfp: Any, who: Any) -> Any:
    """Give the harder part of the reserve in spite of NOMEMALLOC."""
    flags = _flags(gfp, who)
    return flags | HARDER if gfp & Gfp.ATOMIC else flags


def harder_in_interrupts(gfp: Any, who: Any) -> Any:
    """Take an interrupt of a real-time task for the task."""
    return _flags(gfp, who & ~0x6)


def not_harder_for_real_time(gfp: Any, who: Any) -> Any:
    """Forget real-time tasks."""
    return _flags(gfp, who & ~0x8)


def atomic_in_its_cpuset(gfp: Any, who: Any) -> Any:
    """Keep atomic requests to their cpuset, where they may have to fail."""
    return _flags(gfp, who) | CPUSET


def high_for_all(gfp: Any, who: Any) -> Any:
    """Let every request as near to the mark as one with HIGH."""
    return _flags(gfp, who) | int(Gfp.HIGH)


def without_kswapd(gfp: Any, who: Any) -> Any:
    """Forget that kswapd is to be woken."""
    return _flags(gfp, who) & ~KSWAPD


def reserves_for_nomemalloc(gfp: Any, who: Any) -> int:
    """Look at the task before NOMEMALLOC."""
    return _reserves(gfp & ~int(Gfp.NOMEMALLOC), who)


def all_reserves_for_victims(gfp: Any, who: Any) -> int:
    """Give a victim all of the reserves."""
    return NO_WATERMARKS if _reserves(gfp, who) else 0


def reserves_for_atomic(gfp: Any, who: Any) -> int:
    """Give atomic requests the reserves as well."""
    atomic = gfp & HIGH_ATOMIC == HIGH_ATOMIC
    return NO_WATERMARKS if atomic else _reserves(gfp, who)


def reserves_in_hard_interrupts(gfp: Any, who: Any) -> int:
    """Take a hard interrupt of a task that reclaims for the task."""
    return NO_WATERMARKS if who & 0x1 else _reserves(gfp, who)


def no_reserves_in_soft_interrupts(gfp: Any, who: Any) -> int:
    """Forget that a soft interrupt may have taken the task's right."""
    return 0 if who & 0x2 and not gfp & Gfp.MEMALLOC else _reserves(gfp, who)


def no_reserves_for_memalloc(gfp: Any, who: Any) -> int:
    """Forget the flag that asks for the reserves."""
    return _reserves(gfp & ~int(Gfp.MEMALLOC), who)


def cma_for_all(m: Variables, flags: int) -> int:
    """Let every request have CMA's pages."""
    return flags | 0x80 if m.cma else flags


def cma_for_nocma(m: Variables, flags: int) -> int:
    """Let a task that must not have CMA's pages have them."""
    return flags | 0x80 if m.cma and m.is_movable() else flags


# ------------------------------------------------------------------ questions


def marked_for_ever(m: Variables, pc: int) -> None:
    """Leave PF_MEMALLOC set after reclaim and compaction."""
    before = m.noreclaim
    _ask(m, pc)
    m.noreclaim |= before


def never_marked(m: Variables, pc: int) -> None:
    """Reclaim without PF_MEMALLOC, which lets reclaim reclaim."""
    _ask(m, pc)
    m.noreclaim = bool(m.who & 0x1)


def unmarked_afterwards(m: Variables, pc: int) -> None:
    """Clear PF_MEMALLOC after reclaim, whoever had set it."""
    _ask(m, pc)
    if pc in (variables.RECLAIMED, variables.COMPACTED, variables.EARLY_FREELIST):
        m.noreclaim = False


def compact_softly(m: Variables) -> Question:
    """Compact at the usual priority each time, whatever was decided."""
    pc, gfp, flags, priority, events, page = _asked(m)
    priority = 1 if pc == variables.COMPACT else priority
    return pc, gfp, flags, priority, events, page


def compact_hard_at_once(m: Variables) -> Question:
    """Compact synchronously before any reclaim."""
    pc, gfp, flags, priority, events, page = _asked(m)
    return pc, gfp, flags, 1 if priority == 2 else priority, events, page


def last_look_at_the_low_mark(m: Variables) -> Question:
    """Look at the low mark before a kill, where little pressure is enough."""
    pc, gfp, flags, *rest = _asked(m)
    if pc == variables.OOM_FREELIST:
        flags = 1 | CPUSET
    return pc, gfp, flags, *rest  # type: ignore[return-value]


def last_look_that_waits(m: Variables) -> Question:
    """Let the last look wait for reclaim, under the lock of the OOM killer."""
    pc, gfp, *rest = _asked(m)
    if pc == variables.OOM_FREELIST:
        gfp = m.gfp | Gfp.HARDWALL
    return pc, int(gfp), *rest  # type: ignore[return-value]


def everything_for_nofail(m: Variables) -> Question:
    """Open all reserves for a request that must not fail, at every end of a round."""
    pc, gfp, flags, *rest = _asked(m)
    if pc in (variables.HARDER_CPUSET, variables.HARDER_ANY):
        flags = flags & ~HARDER | NO_WATERMARKS
    return pc, gfp, flags, *rest  # type: ignore[return-value]


def no_reserves_at_retry(m: SlowPath) -> None:
    """Ask for the reserves without a right to them."""
    _round(m)
    m.alloc_flags |= NO_WATERMARKS


def keep_the_nodes(m: SlowPath) -> None:
    """Keep the nodemask of a request that may ignore it."""
    nodes = m.nodemask
    _round(m)
    m.nodemask = nodes


def drop_the_nodes(m: SlowPath) -> None:
    """Drop the nodemask of every request that tries again."""
    _round(m)
    m.nodemask = variables.ANY_NODE


def let_kswapd_sleep(m: SlowPath) -> None:
    """Wake kswapd at the start only."""
    m.wake_all_kswapds = lambda: None  # type: ignore[method-assign]
    _round(m)
    del m.wake_all_kswapds


def wake_after_the_reserves(m: SlowPath) -> None:
    """Wake kswapd by the flags that the reserves have left."""
    events = list(m.events)
    _round(m)
    m.events = events
    m.wake_all_kswapds()


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


_early, _after_early = SlowPath.try_compaction_early, SlowPath.after_early


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
MUST, BLOCKS, COSTLY = "tiny-nofail", "tiny-blocks", "tiny-costly"
CHANGES = "tiny-changes"
GFP, PF = "gfp_to_alloc_flags", "gfp_pfmemalloc_flags"
EARLY = "try_compaction_early"
TABLE: tuple[tuple[str, str, str, Any, str, Any], ...] = (
    ("harder-nomemalloc", "SP-RIGHTS", ATOMIC, machine, GFP, harder_for_all_atomic),
    ("harder-interrupt", "SP-RIGHTS", ATOMIC, machine, GFP, harder_in_interrupts),
    ("harder-forgotten", "RET-CODE", ATOMIC, machine, GFP, not_harder_for_real_time),
    ("atomic-cpuset", "RET-CODE", ATOMIC, machine, GFP, atomic_in_its_cpuset),
    ("high-for-all", "SP-RIGHTS", ATOMIC, machine, GFP, high_for_all),
    ("kswapd-forgotten", "RET-CODE", ATOMIC, machine, GFP, without_kswapd),
    ("reserves-nomemalloc", "RET-CODE", ATOMIC, machine, PF, reserves_for_nomemalloc),
    ("reserves-victim", "SP-RIGHTS", ATOMIC, machine, PF, all_reserves_for_victims),
    ("reserves-atomic", "RET-CODE", ATOMIC, machine, PF, reserves_for_atomic),
    ("reserves-hardirq", "RET-CODE", ATOMIC, machine, PF, reserves_in_hard_interrupts),
    (
        "reserves-softirq",
        "RET-CODE",
        ATOMIC,
        machine,
        PF,
        no_reserves_in_soft_interrupts,
    ),
    ("reserves-memalloc", "RET-CODE", ATOMIC, machine, PF, no_reserves_for_memalloc),
    ("cma-for-all", "RET-CODE", ATOMIC, Variables, "current_alloc_flags", cma_for_all),
    ("cma-nocma", "RET-CODE", ATOMIC, Variables, "current_alloc_flags", cma_for_nocma),
    ("marked-for-ever", "SP-MEMALLOC", KERNEL, Variables, "ask", marked_for_ever),
    ("never-marked", "SP-MEMALLOC", KERNEL, Variables, "ask", never_marked),
    ("mark-lost", "SP-MEMALLOC", COSTLY, Variables, "ask", unmarked_afterwards),
    ("compact-softly", "RET-CODE", BLOCKS, Variables, "asked", compact_softly),
    ("compact-hard", "RET-CODE", BLOCKS, Variables, "asked", compact_hard_at_once),
    ("last-look-low", "SP-HIGH", KERNEL, Variables, "asked", last_look_at_the_low_mark),
    ("last-look-waits", "SP-HIGH", KERNEL, Variables, "asked", last_look_that_waits),
    ("nofail-takes-all", "SP-RIGHTS", MUST, Variables, "asked", everything_for_nofail),
    ("no-right", "SP-RIGHTS", KERNEL, SlowPath, "round", no_reserves_at_retry),
    ("nodes-kept", "EXACT-STATE", ATOMIC, SlowPath, "round", keep_the_nodes),
    ("nodes-dropped", "SP-NODES", CHANGES, SlowPath, "round", drop_the_nodes),
    ("kswapd-sleeps", "SP-KSWAPD", ATOMIC, SlowPath, "round", let_kswapd_sleep),
    ("kswapd-late", "RET-CODE", KERNEL, SlowPath, "round", wake_after_the_reserves),
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
