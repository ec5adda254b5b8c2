"""Rounds: whatever the zone, each that is repeated has used something up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Symbolic, Values
from mmoracle.checkers.symbolic import either
from mmoracle.checkers.word import Whole, one_of
from mmoracle.spec.linux import (
    GFP_KERNEL,
    AllocFlags,
    CompactPriority,
    CompactResult,
    Gfp,
)
from mmoracle.spec.slowpath import path, retry
from mmoracle.spec.slowpath.request import At, Config, Reclaim, State, Zone

from .retries import ANSWERED, retries_forgotten, rounds_forgotten

SKIPPED = int(CompactResult.SKIPPED)
AGAIN = "compaction_again"
CFG = Config((), ())  # with the kernel's numbers of retries
COUNTS = ("retries", "loops", "free", "reclaimable", "reserved")
WORDS = ("result", "gained", "prio", *COUNTS, "block")
GAINED = (Reclaim.NO_PROGRESS, Reclaim.READY, Reclaim.PAGES)


def a_costly_round(top: Any, result: Any, gained: Any, prio: Any, *rest: Any) -> Any:
    """Assume the usual priority, and room for compaction where reclaim makes way."""
    coherent = either(gained != int(Reclaim.READY), result != SKIPPED)
    return (*answered(result, gained), prio == 1, coherent)


def a_small_round(top: Any, result: Any, gained: Any, prio: Any, *rest: Any) -> Any:
    """Assume that reclaim makes way for costly requests only."""
    return (*answered(result, gained), prio <= 1, gained != int(Reclaim.READY))


def answered(result: Any, gained: Any) -> tuple[Any, Any]:
    """Say that compaction and reclaim gave answers that they have."""
    compacted = either(*(result == int(each) for each in ANSWERED))
    return compacted, either(*(gained == int(each) for each in GAINED))


def uses_something_up(order: int, gfp: Gfp, words: tuple[Any, ...]) -> Any:
    """Say that a round which ends in another one has made the measure less."""
    result, gained, prio, retries, loops, free, reclaimable, reserved, block = words
    s = State(
        at=At.COMPACTED,
        order=order,
        gfp=gfp,
        flags=AllocFlags.CPUSET | AllocFlags.KSWAPD,
        priority=CompactPriority(one_of(prio, range(2))),
        compacted=CompactResult(one_of(result, map(int, ANSWERED))),
        retries=retries,
        loops=loops,
        gained=Reclaim(one_of(gained, map(int, GAINED))),
        zone=Zone(free, reclaimable, reserved, bool(block)),
    )
    turn = path.decide(CFG, s)
    if turn.state.at is not At.RETRY:
        return True
    return retry.falls(retry.rank(CFG, s), retry.rank(CFG, turn.state))


def a_costly_round_is_repeated_only_if_something_is_used_up(
    top: Any, *words: Any
) -> Any:
    """Whatever its counters and its zone, the measure of LIVE is less afterwards."""
    return uses_something_up(4, GFP_KERNEL | Gfp.RETRY_MAYFAIL, words)


def a_small_round_is_repeated_only_if_something_is_used_up(
    top: Any, *words: Any
) -> Any:
    """Whatever its counters and its zone, the measure of LIVE is less afterwards."""
    return uses_something_up(1, GFP_KERNEL, words)


def nothing_given_back(s: State, *, keep: int) -> State:
    """Claim that a page block was given back, and keep it."""
    return replace(s, zone=replace(s.zone, block=True))


def near_rounds(top: int, values: Values) -> Values:
    """Bend words into a round near the bounds of retries and of watermarks."""
    result, gained, prio, retries, loops, free, reclaimable, reserved, block = values
    answer = int(ANSWERED[result % len(ANSWERED)])
    kind = int(GAINED[gained % len(GAINED)])
    counts = retries % 6, loops % 20, free % 64, reclaimable % 64, reserved % 3
    return answer, kind, prio % 2, *counts, block % 2


ROUNDS = (
    Lemma(
        claim=a_costly_round_is_repeated_only_if_something_is_used_up,
        given=a_costly_round,
        names=WORDS,
        provers=(Symbolic(Whole), Sampled(near_rounds)),
        mistakes=(
            Mistake(retry, AGAIN, retries_forgotten),
            Mistake(retry, "no_progress", rounds_forgotten),
            Mistake(retry, "unreserve", nothing_given_back),
        ),
        assumes=("a zone that is ready for compaction is not skipped by it",),
    ),
    Lemma(
        claim=a_small_round_is_repeated_only_if_something_is_used_up,
        given=a_small_round,
        names=WORDS,
        provers=(Symbolic(Whole), Sampled(near_rounds)),
        mistakes=(
            Mistake(retry, "no_progress", rounds_forgotten),
            Mistake(retry, "unreserve", nothing_given_back),
        ),
    ),
)
