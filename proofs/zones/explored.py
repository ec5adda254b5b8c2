"""First steps of tiny machines as exploration takes them, and random walks of all."""

from __future__ import annotations

from typing import Any

from mmoracle.checkers.bind.zones import ZONES
from mmoracle.checkers.lemma import Mistake
from mmoracle.impl.zones import marks as machine
from mmoracle.proofs.exploring import explored, is_explored, is_walked
from mmoracle.spec.zones import marks

from .marks import equal_marks, smaller_gap


def small_nodes_take_every_first_step_alike(top: Any, config: Any) -> bool:
    """Both sides answer alike, reach the same state, and break no rule."""
    return is_explored(ZONES, config)


def nodes_walk_alike(top: Any, config: Any, seed: Any) -> bool:
    """Both sides answer alike, reach the same state, and break no rule."""
    return is_walked(ZONES, config, seed)


EXPLORED = explored(
    ZONES,
    small_nodes_take_every_first_step_alike,
    nodes_walk_alike,
    Mistake(marks, "mark_gap", smaller_gap),
    Mistake(machine, "three_marks", equal_marks),
)
