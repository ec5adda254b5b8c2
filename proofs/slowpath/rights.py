"""Rights: alloc flags and reserves, for every word of gfp flags."""

from __future__ import annotations

from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Symbolic, Values
from mmoracle.checkers.symbolic import every
from mmoracle.impl.slowpath import decisions as machine
from mmoracle.spec.linux import (
    AllocFlags,
    Gfp,
)
from mmoracle.spec.slowpath import flags
from mmoracle.spec.slowpath.request import Context

HARDER, CPUSET = int(AllocFlags.HARDER), int(AllocFlags.CPUSET)
NO_WATERMARKS, OOM = int(AllocFlags.NO_WATERMARKS), int(AllocFlags.OOM)
SHARED = int(flags.SHARED)
ATOMIC, MEMALLOC, NOMEMALLOC = 0x200, int(Gfp.MEMALLOC), int(Gfp.NOMEMALLOC)
IN_INTERRUPT = int(Context.SOFTIRQ | Context.HARDIRQ)
right_flags, right_reserves = flags.alloc_flags, flags.reserve_flags


def bit(word: Any, mask: int) -> Any:
    """Say whether a word has a bit of the mask."""
    return word & mask != 0


def same(a: Any, b: Any) -> Any:
    """Say whether two truth values agree."""
    return bool(a) == bool(b)


def alloc_flags_have_the_bits_that_gfp_and_task_give(
    top: Any, gfp: Any, who: Any
) -> Any:
    """HARDER, CPUSET, HIGH, KSWAPD for their reasons, no other bit; on both sides."""
    got = flags.alloc_flags(gfp, who)
    atomic = bool(bit(gfp, ATOMIC))
    eager = bool(bit(who, Context.REALTIME)) and not bit(who, IN_INTERRUPT)
    harder = not bit(gfp, NOMEMALLOC) if atomic else eager
    return every(
        same(bit(got, HARDER), harder),
        same(bit(got, CPUSET), not atomic),
        got & SHARED == gfp & SHARED,
        got & ~(SHARED | HARDER | CPUSET) == 0,
        machine.gfp_to_alloc_flags(gfp, who) == got,
    )


def harder_whatever(gfp: Any, who: Any) -> Any:
    """Ignore NOMEMALLOC."""
    more = HARDER if gfp & ATOMIC else 0
    return right_flags(gfp, who) | more


def harder_in_interrupts(gfp: Any, who: Any) -> Any:
    """Take an interrupt for the task below it."""
    return right_flags(gfp, who & ~IN_INTERRUPT)


def cpuset_for_all(gfp: Any, who: Any) -> Any:
    """Keep atomic requests to their cpuset."""
    return right_flags(gfp, who) | CPUSET


def reserves_are_opened_by_right_only(top: Any, gfp: Any, who: Any) -> Any:
    """None with NOMEMALLOC; all for who frees memory; half for victims; both sides."""
    got = flags.reserve_flags(gfp, who)
    soft, hard = bool(bit(who, Context.SOFTIRQ)), bool(bit(who, Context.HARDIRQ))
    frees = bool(bit(who, Context.MEMALLOC)) and (soft or not hard)
    everything = bool(bit(gfp, MEMALLOC)) or frees
    half = bool(bit(who, Context.VICTIM)) and not (soft or hard)
    due = NO_WATERMARKS if everything else OOM if half else 0
    if bit(gfp, NOMEMALLOC):
        due = 0
    return every(got == due, machine.gfp_pfmemalloc_flags(gfp, who) == due)


def nomemalloc_last(gfp: Any, who: Any) -> int:
    """Look at MEMALLOC before NOMEMALLOC."""
    return NO_WATERMARKS if gfp & MEMALLOC else right_reserves(gfp, who)


def victims_in_interrupts(gfp: Any, who: Any) -> int:
    """Give an interrupt of a victim its right."""
    return right_reserves(gfp, who & ~IN_INTERRUPT)


def victims_first(gfp: Any, who: Any) -> int:
    """Look at victims before those who free memory."""
    got = right_reserves(gfp, who)
    return OOM if got and who & int(Context.VICTIM) else got


def near_flags(top: int, values: Values) -> Values:
    """Bend words into flag words: gfp flags and who asks."""
    gfp, who = values
    return gfp & 0x3FFFFF, who & 0xFF


RIGHTS = (
    Lemma(
        claim=alloc_flags_have_the_bits_that_gfp_and_task_give,
        provers=(Symbolic(), Sampled(near_flags)),
        mistakes=(
            Mistake(flags, "alloc_flags", harder_whatever),
            Mistake(flags, "alloc_flags", cpuset_for_all),
            Mistake(machine, "gfp_to_alloc_flags", harder_in_interrupts),
        ),
    ),
    Lemma(
        claim=reserves_are_opened_by_right_only,
        provers=(Symbolic(), Sampled(near_flags)),
        mistakes=(
            Mistake(flags, "reserve_flags", nomemalloc_last),
            Mistake(flags, "reserve_flags", victims_in_interrupts),
            Mistake(machine, "gfp_pfmemalloc_flags", victims_first),
        ),
    ),
)
