"""Exploration as a prover: the first steps of the tiny machines, on both sides.

It proves nothing for all words; it holds the decisions that no theorem about words
reaches, for example what an operation does when an array is full.
"""

from __future__ import annotations

from typing import Any

from mmoracle.checkers.explore import explore
from mmoracle.checkers.lemma import Sweep
from mmoracle.checkers.subsystem import Subsystem

STEPS = 300  # of each machine
TINY = f"the first {STEPS} steps of each tiny machine"


def is_explored(sub: Subsystem[Any, Any, Any], config: str) -> bool:
    """Say whether both sides agree, and break no rule, in the first steps."""
    return explore(sub, sub.configs[config], config=config, limit=STEPS).failure is None


def machines(sub: Subsystem[Any, Any, Any]) -> Sweep:
    """Return the prover that runs every tiny machine."""
    tiny = [(name,) for name in sub.configs if name.startswith("tiny")]
    return Sweep(cases=lambda top: tiny, scope=TINY)
