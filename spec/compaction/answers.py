"""What the operations share: one answer is right, and when each may be asked.

What a lower layer decides comes as an argument: whether a lock is contended, whether a
page moves, whether a signal came.  Given these, 5.10 leaves no choice.

Source: mm/compaction.c (v5.10).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..core import Ints, OneOf, require
from ..linux import Gfp
from .parts import Config, Memory, Phase, Zone, with_zone

R = TypeVar("R")
DECIDE = "CMP-DECIDE"
BOTH = OneOf((False, True))
NO = OneOf((False,))


def told(truth: R, result: R, rule: str = DECIDE) -> None:
    """Require the one answer that 5.10 gives."""
    same = result == truth and type(result) is type(truth)
    require(same, rule, f"the answer is {truth}, got {result}")


def idle(s: Memory) -> bool:
    """Say whether memory is arranged and no run is going."""
    return s.laid and s.run is None


def at_phase(s: Memory, phase: Phase) -> bool:
    """Say whether a run is going and this is its next step."""
    return s.run is not None and s.run.phase is phase


def zones(cfg: Config) -> Ints:
    """Return the indices of the zones."""
    return Ints(0, len(cfg.zones))


def changed(s: Memory, at: int, change: Callable[[Zone], Zone]) -> Memory:
    """Return the state with one zone changed by a function."""
    return with_zone(s, at, change(s.zones[at]))


def migratetype(gfp: Gfp) -> int:
    """Return the migrate type of a request: gfp_migratetype()."""
    return int(gfp & (Gfp.MOVABLE | Gfp.RECLAIMABLE)) >> 3
