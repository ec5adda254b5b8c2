"""First steps of tiny machines as exploration takes them, and random walks of all."""

from __future__ import annotations

from typing import Any

from mmoracle.checkers.bind.freelist import FREELIST
from mmoracle.checkers.lemma import Mistake
from mmoracle.impl.freelist.zone import Zone
from mmoracle.proofs.exploring import explored, is_explored, is_walked
from mmoracle.spec import watermark

from .marks import always_given


def small_walks_take_every_first_step_alike(top: Any, config: Any) -> bool:
    """Both sides answer alike, reach the same state, and break no rule."""
    return is_explored(FREELIST, config)


def zone_choices_walk_alike(top: Any, config: Any, seed: Any) -> bool:
    """Both sides answer alike, reach the same state, and break no rule."""
    return is_walked(FREELIST, config, seed)


def keep_the_rest(m: Any, *args: Any) -> None:
    """Lose what is split off a block."""


EXPLORED = explored(
    FREELIST,
    small_walks_take_every_first_step_alike,
    zone_choices_walk_alike,
    Mistake(watermark, "watermark_ok", always_given),
    Mistake(Zone, "expand", keep_the_rest),
)
