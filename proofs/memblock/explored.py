"""First steps of tiny machines as exploration takes them, and random walks of all."""

from __future__ import annotations

from typing import Any

from mmoracle.checkers.bind.memblock import MEMBLOCK
from mmoracle.checkers.lemma import Mistake
from mmoracle.checkers.mutants import memblock as mutants
from mmoracle.impl.memblock.regions import MemblockType
from mmoracle.proofs.exploring import explored, is_explored, is_walked
from mmoracle.spec.memblock import arrays

from .arrays import inside_by_base


def small_memblocks_take_every_first_step_alike(top: Any, config: Any) -> bool:
    """Both sides answer alike, reach the same state, and break no rule."""
    return is_explored(MEMBLOCK, config)


def memblocks_walk_alike(top: Any, config: Any, seed: Any) -> bool:
    """Both sides answer alike, reach the same state, and break no rule."""
    return is_walked(MEMBLOCK, config, seed)


EXPLORED = explored(
    MEMBLOCK,
    small_memblocks_take_every_first_step_alike,
    memblocks_walk_alike,
    Mistake(arrays, "inside", inside_by_base),
    Mistake(MemblockType, "merged", mutants.merge_nothing),
)
