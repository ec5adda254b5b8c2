"""The first steps of tiny machines, as exploration takes them."""

from __future__ import annotations

from typing import Any

from mmoracle.checkers.bind.memblock import MEMBLOCK
from mmoracle.checkers.lemma import Lemma, Mistake
from mmoracle.impl.memblock.regions import MemblockType
from mmoracle.proofs.exploring import is_explored, machines
from mmoracle.spec.memblock import arrays


def small_memblocks_take_every_first_step_alike(top: Any, config: Any) -> bool:
    """Both sides answer alike, reach the same state, and break no rule."""
    return is_explored(MEMBLOCK, config)


def always_inside(cfg: Any, r: Any, base: int, size: int) -> bool:
    """Take every region for one inside the range."""
    return True


def merge_nothing(t: Any, rows: list[Any]) -> list[Any]:
    """Leave the machine's regions as they are."""
    return rows


EXPLORED = (
    Lemma(
        claim=small_memblocks_take_every_first_step_alike,
        provers=(machines(MEMBLOCK),),
        mistakes=(
            Mistake(arrays, "inside", always_inside),
            Mistake(MemblockType, "merged", merge_nothing),
        ),
        slow=True,
    ),
)
