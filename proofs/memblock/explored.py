"""The first steps of tiny machines, as exploration takes them."""

from __future__ import annotations

from typing import Any

from mmoracle.checkers.bind.memblock import MEMBLOCK
from mmoracle.checkers.lemma import Lemma, Mistake
from mmoracle.checkers.mutants import memblock as mutants
from mmoracle.impl.memblock.regions import MemblockType
from mmoracle.proofs.exploring import is_explored, machines
from mmoracle.spec.memblock import arrays

from .arrays import inside_by_base


def small_memblocks_take_every_first_step_alike(top: Any, config: Any) -> bool:
    """Both sides answer alike, reach the same state, and break no rule."""
    return is_explored(MEMBLOCK, config)


EXPLORED = (
    Lemma(
        claim=small_memblocks_take_every_first_step_alike,
        provers=(machines(MEMBLOCK),),
        mistakes=(
            Mistake(arrays, "inside", inside_by_base),
            Mistake(MemblockType, "merged", mutants.merge_nothing),
        ),
        slow=True,
    ),
)
