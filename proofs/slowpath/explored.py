"""First steps of tiny machines as exploration takes them, and random walks of all."""

from __future__ import annotations

from typing import Any

from mmoracle.checkers.bind.slowpath import SLOWPATH
from mmoracle.checkers.lemma import Mistake
from mmoracle.checkers.mutants import slowpath_rounds as mistakes
from mmoracle.impl.slowpath import SlowPath
from mmoracle.proofs.exploring import explored, is_explored, is_walked


def small_requests_take_every_first_step_alike(top: Any, config: Any) -> bool:
    """Both sides answer alike, reach the same state, and break no rule."""
    return is_explored(SLOWPATH, config)


def requests_walk_alike(top: Any, config: Any, seed: Any) -> bool:
    """Both sides answer alike, reach the same state, and break no rule."""
    return is_walked(SLOWPATH, config, seed)


EXPLORED = explored(
    SLOWPATH,
    small_requests_take_every_first_step_alike,
    requests_walk_alike,
    Mistake(SlowPath, "fail_or_help", mistakes.fail_silently),
    Mistake(SlowPath, "fail_or_help", mistakes.nofail_without_help),
)
