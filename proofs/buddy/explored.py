"""The first steps of tiny machines, as exploration takes them."""

from __future__ import annotations

from typing import Any

from mmoracle.checkers.bind.buddy import BUDDY
from mmoracle.checkers.lemma import Lemma, Mistake
from mmoracle.checkers.mutants.buddy_lists import look_at_the_wrong_buddy
from mmoracle.impl.buddy.zone import Zone
from mmoracle.proofs.exploring import is_explored, machines
from mmoracle.spec.buddy import blocks

from .lists import likely_if_the_buddy


def small_zones_take_every_first_step_alike(top: Any, config: Any) -> bool:
    """Both sides answer alike, reach the same state, and break no rule."""
    return is_explored(BUDDY, config)


EXPLORED = (
    Lemma(
        claim=small_zones_take_every_first_step_alike,
        provers=(machines(BUDDY),),
        mistakes=(
            Mistake(Zone, "merge_likely", look_at_the_wrong_buddy),
            Mistake(blocks, "merge_is_likely", likely_if_the_buddy),
        ),
        slow=True,
    ),
)
