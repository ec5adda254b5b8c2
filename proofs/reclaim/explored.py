"""First steps of tiny machines as exploration takes them, and random walks of all."""

from __future__ import annotations

from typing import Any

from mmoracle.checkers.bind.reclaim import RECLAIM
from mmoracle.checkers.lemma import Mistake
from mmoracle.impl.reclaim import count as machine
from mmoracle.proofs.exploring import explored, is_explored, is_walked
from mmoracle.spec.reclaim import counts

from .counts import machine_without_one_more, without_one_more


def small_reclaimers_take_every_first_step_alike(top: Any, config: Any) -> bool:
    """Both sides answer alike, reach the same state, and break no rule."""
    return is_explored(RECLAIM, config)


def reclaimers_walk_alike(top: Any, config: Any, seed: Any) -> bool:
    """Both sides answer alike, reach the same state, and break no rule."""
    return is_walked(RECLAIM, config, seed)


EXPLORED = explored(
    RECLAIM,
    small_reclaimers_take_every_first_step_alike,
    reclaimers_walk_alike,
    Mistake(counts, "unprotected", without_one_more),
    Mistake(machine, "protected_scan", machine_without_one_more),
)
