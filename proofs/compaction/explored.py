"""First steps of tiny machines as exploration takes them, and random walks of all."""

from __future__ import annotations

from typing import Any

from mmoracle.checkers.bind.compaction import COMPACTION
from mmoracle.checkers.lemma import Mistake
from mmoracle.impl.compaction import defer as machine
from mmoracle.proofs.exploring import explored, is_explored, is_walked
from mmoracle.spec.compaction import defer

from .deferral import counts_on, off_by_one


def small_scanners_take_every_first_step_alike(top: Any, config: Any) -> bool:
    """Both sides answer alike, reach the same state, and break no rule."""
    return is_explored(COMPACTION, config)


def scanners_walk_alike(top: Any, config: Any, seed: Any) -> bool:
    """Both sides answer alike, reach the same state, and break no rule."""
    return is_walked(COMPACTION, config, seed)


EXPLORED = explored(
    COMPACTION,
    small_scanners_take_every_first_step_alike,
    scanners_walk_alike,
    Mistake(defer, "puts_off", off_by_one),
    Mistake(machine, "defer_compaction", counts_on),
)
