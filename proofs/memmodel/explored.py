"""First steps of tiny machines as exploration takes them, and random walks of all."""

from __future__ import annotations

from typing import Any

from mmoracle.checkers.bind.memmodel import MEMMODEL
from mmoracle.checkers.lemma import Mistake
from mmoracle.checkers.mutants import memmodel as mutants
from mmoracle.impl.memmodel import boot, words
from mmoracle.proofs.exploring import explored, is_explored, is_walked


def small_memory_models_take_every_first_step_alike(top: Any, config: Any) -> bool:
    """Both sides answer alike, reach the same state, and break no rule."""
    return is_explored(MEMMODEL, config)


def memory_models_walk_alike(top: Any, config: Any, seed: Any) -> bool:
    """Both sides answer alike, reach the same state, and break no rule."""
    return is_walked(MEMMODEL, config, seed)


EXPLORED = explored(
    MEMMODEL,
    small_memory_models_take_every_first_step_alike,
    memory_models_walk_alike,
    Mistake(boot, "memory_present", mutants.forget_where_a_bank_begins),
    Mistake(words, "sparse_encode_early_nid", mutants.have_no_section_online),
)
