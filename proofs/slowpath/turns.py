"""Turns: whatever is answered to any question, less is left to try (LIVE, inductively).

A step of the induction: a state with any counters and any zone, one question, one reply
that may be given.  The requests are one of each class, with the usual alloc flags; how
a round ends that has compacted is said in `rounds`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Symbolic, Values
from mmoracle.checkers.word import Whole, one_of
from mmoracle.spec.linux import (
    GFP_KERNEL,
    AllocFlags,
    Gfp,
)
from mmoracle.spec.slowpath import path, replies, retry
from mmoracle.spec.slowpath.path import Turn
from mmoracle.spec.slowpath.request import (
    COMPACTS,
    FREELISTS,
    LOOKS,
    At,
    Config,
    Left,
    Reclaim,
    Reply,
    State,
    Zone,
)

from .retries import ANSWERED

CFG = Config((), (), cpusets=True, hotremove=True)  # with the kernel's retries
KINDS = (
    (0, GFP_KERNEL),
    (1, GFP_KERNEL),
    (4, GFP_KERNEL | Gfp.RETRY_MAYFAIL),
    (0, GFP_KERNEL | Gfp.NOFAIL),
)
COUNTS = ("retries", "loops", "free", "reclaimable", "changes", "kills")
WORDS = ("at", "kind", "reply", "gained", *COUNTS)
QUESTIONS = tuple(each for each in At if each not in (At.IDLE, At.COMPACTED))
COMPACTIONS = tuple(Reply[each.name] for each in ANSWERED)
RECLAIMS = (Reply.NO_PROGRESS, Reply.READY, Reply.PAGES)
GAINED = (Reclaim.READY, Reclaim.PAGES, Reclaim.NO_PROGRESS)
AFTER_RECLAIM = (At.RECLAIMED, At.DRAINED, At.COMPACT)
OF_NOFAIL = (At.OOM_CPUSET, At.OOM_ANY, At.HARDER_CPUSET, At.HARDER_ANY)


def replies_to(at: int) -> tuple[Reply, ...]:
    """Return what may be replied to a question, but for a page, which is the end."""
    if at in FREELISTS:
        return (Reply.NO_PAGE,)
    if at in COMPACTS:
        return COMPACTIONS
    if at in LOOKS:
        return (Reply.UNCHANGED, Reply.CPUSET)
    others = {At.RECLAIM: RECLAIMS, At.OOM_LOCK: (Reply.LOCKED, Reply.BUSY)}
    return others.get(At(at), (Reply.NOBODY, Reply.KILLED))


def told(words: tuple[Any, ...]) -> tuple[State, Reply | None]:
    """Return the state and the reply that words stand for, a path for each shape."""
    at, kind, reply, gained, *counts = words
    where = QUESTIONS[one_of(at, range(len(QUESTIONS)))]
    order, gfp = KINDS[one_of(kind, range(len(KINDS)))]
    options = replies_to(where)
    gain = Reclaim.NO_PROGRESS
    if where in AFTER_RECLAIM:
        gain = GAINED[one_of(gained, range(len(GAINED)))]
    retries, loops, free, reclaimable, changes, kills = counts
    s = State(
        at=where,
        order=order,
        gfp=gfp,
        flags=AllocFlags.CPUSET | AllocFlags.KSWAPD,
        retries=retries,
        loops=loops,
        gained=gain,
        zone=Zone(free, reclaimable),
        left=Left(changes, kills, 0),
    )
    said = one_of(reply, range(len(options)))
    return s, options[said] if isinstance(said, int) and said < len(options) else None


def may_be(top: Any, at: Any, kind: Any, reply: Any, gained: Any, *rest: Any) -> Any:
    """Assume a question, a request, a reply and a gain that each have their number."""
    known = at < len(QUESTIONS), kind < len(KINDS), gained < len(GAINED)
    return (*known, reply < len(ANSWERED))


def is_given(s: State, reply: Reply) -> Any:
    """Say whether a reply may be given: of what there is, and by a coherent zone."""
    if s.at in OF_NOFAIL and Gfp.NOFAIL not in s.gfp:
        return False
    ready = s.gained is Reclaim.READY or reply is Reply.READY
    if ready and (reply is Reply.SKIPPED or not s.costly):
        return False
    if reply is Reply.PAGES:
        return s.zone.reclaimable > 0
    if reply in (Reply.BUSY, Reply.KILLED):
        return s.left.kills > 0
    return s.left.changes > 0 if reply is Reply.CPUSET else True


def each_answer_leaves_less_to_try(top: Any, *words: Any) -> Any:
    """The measure of LIVE falls, but for the round of a request that must not fail."""
    s, reply = told(words)
    if reply is None or not is_given(s, reply):
        return True
    turn = replies.follow(CFG, s, reply)
    if turn.state.at is At.IDLE or retry.may_go_round(s, turn.state):
        return True
    return retry.falls(retry.rank(CFG, s), retry.rank(CFG, turn.state))


# ------------------------------------------------------------------ mistakes

right_reclaimed, right_locked = path.reclaimed, path.locked


def reclaim_again(cfg: Config, s: State, answer: Reclaim) -> Turn:
    """Reclaim again and again while nothing is freed."""
    if answer is Reclaim.NO_PROGRESS:
        return path.ask(s, At.RECLAIM)
    return right_reclaimed(cfg, s, answer)


def a_lock_that_is_always_busy(cfg: Config, s: State, busy: bool) -> Turn:
    """Take a busy lock for progress that nobody has to make."""
    if busy:
        return path.retry(cfg, replace(s, loops=0))
    return right_locked(cfg, s, busy)


def changes_without_end(cfg: Config, s: State, reply: Reply) -> Turn:
    """Begin again although nothing has changed."""
    return path.restart(cfg, s)


def near(top: int, values: Values) -> Values:
    """Bend words into a shape, and counters near their bounds."""
    at, kind, reply, gained, *counts = values
    shape = at % len(QUESTIONS), kind % len(KINDS), reply % 6, gained % len(GAINED)
    return *shape, *(word % 20 for word in counts)


TURNS = (
    Lemma(
        claim=each_answer_leaves_less_to_try,
        given=may_be,
        names=WORDS,
        provers=(Symbolic(Whole), Sampled(near)),
        mistakes=(
            Mistake(path, "locked", a_lock_that_is_always_busy),
            Mistake(path, "looked", changes_without_end),
            Mistake(path, "reclaimed", reclaim_again),
        ),
        assumes=("a zone that is ready for compaction is not skipped by it",),
    ),
)
