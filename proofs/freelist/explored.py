"""The first steps of tiny machines, as exploration takes them."""

from __future__ import annotations

from typing import Any

from mmoracle.checkers.bind.freelist import FREELIST
from mmoracle.checkers.lemma import Lemma, Mistake
from mmoracle.impl.freelist.zone import Zone
from mmoracle.proofs.exploring import is_explored, machines
from mmoracle.spec import watermark

from .marks import always_given


def small_walks_take_every_first_step_alike(top: Any, config: Any) -> bool:
    """Both sides answer alike, reach the same state, and break no rule."""
    return is_explored(FREELIST, config)


def keep_the_rest(m: Any, *args: Any) -> None:
    """Lose what is split off a block."""


EXPLORED = (
    Lemma(
        claim=small_walks_take_every_first_step_alike,
        provers=(machines(FREELIST),),
        mistakes=(
            Mistake(watermark, "watermark_ok", always_given),
            Mistake(Zone, "expand", keep_the_rest),
        ),
        slow=True,
    ),
)
