"""Exploration as a prover: first steps and random walks of machines, on both sides.

It proves nothing for all words; it holds the decisions that no theorem about words
reaches, for example what an operation does when an array is full.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mmoracle.checkers.explore import explore
from mmoracle.checkers.lemma import Lemma, Mistake, Sweep
from mmoracle.checkers.subsystem import Subsystem
from mmoracle.checkers.walk import walk

STEPS = 300  # of each machine
WALK, SEEDS, LOOK = 100, 2, 10
TINY = f"the first {STEPS} steps of each tiny machine"


def is_explored(sub: Subsystem[Any, Any, Any], config: str) -> bool:
    """Say whether both sides agree, and break no rule, in the first steps."""
    return explore(sub, sub.configs[config], config=config, limit=STEPS).failure is None


def machines(sub: Subsystem[Any, Any, Any]) -> Sweep:
    """Return the prover that runs every tiny machine."""
    tiny = [(name,) for name in sub.configs if name.startswith("tiny")]
    return Sweep(cases=lambda top: tiny, scope=TINY)


def is_walked(sub: Subsystem[Any, Any, Any], config: str, seed: int) -> bool:
    """Say whether both sides agree, and break no rule, on a random walk."""
    cfg = sub.configs[config]
    run = walk(sub, cfg, config=config, steps=WALK, seed=seed, every=LOOK)
    return run.failure is None


def walks(sub: Subsystem[Any, Any, Any]) -> Sweep:
    """Return the prover that walks every machine but those with a release's bug."""
    sound = [name for name in sub.configs if not name.startswith("v5")]
    cases = [(name, seed) for seed in range(SEEDS) for name in sound]
    scope = f"{SEEDS} walks of {WALK} steps by each of {len(sound)} machines"
    return Sweep(cases=lambda top: cases, scope=scope)


def explored(
    sub: Subsystem[Any, Any, Any],
    first: Callable[..., bool],
    walked: Callable[..., bool],
    *mistakes: Mistake,
) -> tuple[Lemma, Lemma]:
    """Return the theorems about first steps and walks, with the same mistakes."""
    return (
        Lemma(claim=first, provers=(machines(sub),), mistakes=mistakes, slow=True),
        Lemma(claim=walked, provers=(walks(sub),), mistakes=mistakes, slow=True),
    )
