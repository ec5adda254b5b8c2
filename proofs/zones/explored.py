"""The first steps of tiny machines, as exploration takes them."""

from __future__ import annotations

from typing import Any

from mmoracle.checkers.bind.zones import ZONES
from mmoracle.checkers.lemma import Lemma, Mistake
from mmoracle.impl.zones import marks as machine
from mmoracle.proofs.exploring import is_explored, machines
from mmoracle.spec.zones import marks

from .marks import equal_marks, smaller_gap


def small_nodes_take_every_first_step_alike(top: Any, config: Any) -> bool:
    """Both sides answer alike, reach the same state, and break no rule."""
    return is_explored(ZONES, config)


EXPLORED = (
    Lemma(
        claim=small_nodes_take_every_first_step_alike,
        provers=(machines(ZONES),),
        mistakes=(
            Mistake(marks, "mark_gap", smaller_gap),
            Mistake(machine, "three_marks", equal_marks),
        ),
        slow=True,
    ),
)
