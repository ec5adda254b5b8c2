"""Mistakes in what the slow path asks, of whom, and with which rights."""

from __future__ import annotations

from typing import Any

from mmoracle.impl.slowpath import decisions, machine, variables
from mmoracle.impl.slowpath.machine import SlowPath
from mmoracle.impl.slowpath.variables import Question, Variables
from mmoracle.spec.linux import Gfp

_flags, _reserves = decisions.gfp_to_alloc_flags, decisions.gfp_pfmemalloc_flags
_ask, _asked = Variables.ask, Variables.asked
_round = SlowPath.round


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


# ------------------------------------------------------------------ the zoo

NO_WATERMARKS, HARDER, CPUSET, KSWAPD = 0x4, 0x10, 0x40, 0x800
HIGH_ATOMIC = int(Gfp.HIGH | Gfp.ATOMIC)
ATOMIC, KERNEL = "tiny-atomic", "tiny-kernel"
MUST, BLOCKS, COSTLY = "tiny-nofail", "tiny-blocks", "tiny-costly"
CHANGES = "tiny-changes"
GFP, PF = "gfp_to_alloc_flags", "gfp_pfmemalloc_flags"
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
)
