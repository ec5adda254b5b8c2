"""First steps of tiny machines as exploration takes them, and random walks of all."""

from __future__ import annotations

from typing import Any

from mmoracle.checkers.bind.buddy import BUDDY
from mmoracle.checkers.lemma import Mistake
from mmoracle.checkers.mutants.buddy_lists import look_at_the_wrong_buddy
from mmoracle.impl.buddy.zone import Zone
from mmoracle.proofs.exploring import explored, is_explored, is_walked
from mmoracle.spec.buddy import blocks

from .lists import likely_if_the_buddy


def small_zones_take_every_first_step_alike(top: Any, config: Any) -> bool:
    """Both sides answer alike, reach the same state, and break no rule."""
    return is_explored(BUDDY, config)


def zones_walk_alike(top: Any, config: Any, seed: Any) -> bool:
    """Both sides answer alike, reach the same state, and break no rule."""
    return is_walked(BUDDY, config, seed)


EXPLORED = explored(
    BUDDY,
    small_zones_take_every_first_step_alike,
    zones_walk_alike,
    Mistake(Zone, "merge_likely", look_at_the_wrong_buddy),
    Mistake(blocks, "merge_is_likely", likely_if_the_buddy),
)
