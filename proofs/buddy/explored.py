"""The first steps of tiny machines, as exploration takes them."""

from __future__ import annotations

from typing import Any

from mmoracle.checkers.bind.buddy import BUDDY
from mmoracle.checkers.lemma import Lemma, Mistake
from mmoracle.impl.buddy.zone import Zone
from mmoracle.proofs.exploring import is_explored, machines
from mmoracle.spec.buddy import blocks


def small_zones_take_every_first_step_alike(top: Any, config: Any) -> bool:
    """Both sides answer alike, reach the same state, and break no rule."""
    return is_explored(BUDDY, config)


def likely(m: Any, pfn: int, order: int) -> bool:
    """Expect that every block merges soon."""
    return True


def never_likely(*args: Any) -> bool:
    """Expect that no block merges soon."""
    return False


EXPLORED = (
    Lemma(
        claim=small_zones_take_every_first_step_alike,
        provers=(machines(BUDDY),),
        mistakes=(
            Mistake(Zone, "merge_likely", likely),
            Mistake(blocks, "merge_is_likely", never_likely),
        ),
        slow=True,
    ),
)
