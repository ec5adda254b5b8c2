"""Turns: whatever is answered to any question, less is left to try (LIVE, inductively).

A step of the induction: any request, any counters and any zone, one question, one reply
that may be given.  Rights, and what the zone lets a request have, are oracles here: the
functions that say them may answer anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from mmoracle.checkers.lemma import (
    Lemma,
    Mistake,
    Sampled,
    Symbolic,
    Values,
    mistaken,
)
from mmoracle.checkers.symbolic import Ruled, either
from mmoracle.checkers.word import Whole, one_of
from mmoracle.spec.linux import AllocFlags, CompactPriority, CompactResult, Gfp
from mmoracle.spec.slowpath import path, replies, retry
from mmoracle.spec.slowpath.path import Turn
from mmoracle.spec.slowpath.request import (
    COMPACTS,
    FREELISTS,
    LOOKS,
    SLEEPS,
    At,
    Config,
    Left,
    Nodemask,
    Reclaim,
    Reply,
    State,
    Zone,
    can_reclaim,
    must_not_fail,
)

from .classes import Bits
from .retries import ANSWERED, retries_forgotten, rounds_forgotten

CFG = Config((), (), cpusets=True, hotremove=True)  # with the kernel's retries
ORDERS = (0, 1, 4)  # of single pages, of blocks, of costly blocks
NODES = (Nodemask.FITS, Nodemask.EMPTY)  # nobody asks whether there is a nodemask
COUNTS = (
    "retries",
    "loops",
    "reclaimable",
    "highatomic",
    "changes",
    "kills",
    "signals",
)
FLAGS = ("gfp", "context", "flags")
ORACLES = ("hope", "helps", "fine", "right")
NO_WATERMARKS = int(AllocFlags.NO_WATERMARKS)
SHAPE = ("at", "order", "nodes", "reply", "gained", "prio", "result")
WORDS = (*SHAPE, *FLAGS, *ORACLES, *COUNTS)

GAINED = (At.RECLAIMED, At.DRAINED, At.COMPACT, At.COMPACTED)  # or not, by reclaim
ANSWERS = tuple(int(each) for each in ANSWERED)
READY, SKIPPED, DEFERRED = Reclaim.READY, CompactResult.SKIPPED, CompactResult.DEFERRED
OF_NOFAIL = (At.OOM_CPUSET, At.OOM_ANY, At.HARDER_CPUSET, At.HARDER_ANY)
AFTER_RECLAIM = (*GAINED, *SLEEPS)
OTHERS = {
    At.RECLAIM: tuple(Reply[each.name] for each in Reclaim),
    At.OOM_LOCK: (Reply.LOCKED, Reply.BUSY),
    At.OOM_KILL: (Reply.NOBODY, Reply.KILLED, Reply.CHOSEN),
}
QUESTIONS = tuple(each for each in At if each is not At.IDLE)
BEGINNING = (At.FIRST, At.EARLY_COMPACT, At.EARLY_FREELIST)
RECLAIMING = (At.RETRY, At.RECLAIM, At.RECLAIMED, At.DRAINED, At.COMPACT)
ENDING = (At.OOM_LOCK, At.OOM_FREELIST, At.OOM_KILL, *OF_NOFAIL)
DECIDING = (At.COMPACTED,)


# ------------------------------------------------------------------ what is asked


def replies_to(at: At) -> tuple[Reply, ...]:
    """Return what may be replied to a question, but for a page, which is the end."""
    if at in FREELISTS:
        return (Reply.NO_PAGE,)
    if at in COMPACTS:
        return tuple(Reply[each.name] for each in ANSWERED)
    looks = (Reply.UNCHANGED, Reply.CPUSET, Reply.ZONELIST, Reply.NODEMASK)
    return OTHERS.get(at, looks)


def pick(word: Any, options: tuple[Any, ...]) -> Any:
    """Return the option that a word stands for, none where it is none."""
    which = one_of(word, range(len(options)))
    known = isinstance(which, int) and which < len(options)
    return options[which] if known else None


def told(asked: tuple[At, ...], words: tuple[Any, ...]) -> tuple[State, Reply] | None:
    """Return the state and the reply that words stand for, a path for each shape."""
    at, size, nodes, reply, gained, prio, result, gfp, context, flags, *_ = words
    retries, loops, reclaimable, highatomic, changes, kills, signals = words[-7:]
    where, order = pick(at, asked), pick(size, ORDERS)
    if where is None or order is None:
        return None
    compacts = where in (At.EARLY_FREELIST, At.COMPACTED)
    tries = where in (At.COMPACT, At.COMPACTED)
    said, mask = pick(reply, replies_to(where)), pick(nodes, NODES)
    if said is None or mask is None:
        return None
    s = State(
        at=where,
        order=order,
        gfp=Bits(gfp),  # type: ignore[arg-type]
        context=Bits(context),  # type: ignore[arg-type]
        nodemask=mask,
        flags=Bits(flags, ~3),  # type: ignore[arg-type]
        priority=prio if tries else CompactPriority.SYNC_LIGHT,
        compacted=result if compacts else SKIPPED,
        retries=retries,
        loops=loops,
        gained=gained if where in GAINED else Reclaim.NO_PROGRESS,
        zone=Zone(0, reclaimable, highatomic),
        left=Left(changes, kills, signals),
    )
    return (s, said) if is_reached(s) and is_given(s, said) else None


def is_reached(s: State) -> bool:
    """Say whether a state is coherent: as the rules SP-* say of every state."""
    if s.at in OF_NOFAIL and not must_not_fail(s):
        return False
    if s.at in (At.COMPACT, At.COMPACTED) and not s.order:
        return False
    if s.at in (At.RECLAIMED, At.DRAINED) and s.gained == Reclaim.NO_PROGRESS:
        return False
    if s.at in GAINED and s.gained == READY:
        skipped = s.at is At.COMPACTED and s.compacted == SKIPPED
        if not s.costly or (skipped and Gfp.IO in s.gfp):
            return False
    return s.at not in AFTER_RECLAIM or can_reclaim(s)


NEEDS: dict[Reply, Callable[[State], Any]] = {
    Reply.PAGES: lambda s: s.zone.reclaimable,
    Reply.BLOCK: lambda s: s.zone.reclaimable,
    Reply.SIGNAL: lambda s: s.left.signals,
    Reply.BUSY: lambda s: s.left.kills,
    Reply.KILLED: lambda s: s.left.kills,
    Reply.CHOSEN: lambda s: s.left.kills,
    Reply.CPUSET: lambda s: s.left.changes,
    Reply.ZONELIST: lambda s: s.left.changes,
    Reply.NODEMASK: lambda s: s.left.changes,
}


def is_given(s: State, reply: Reply) -> bool:
    """Say whether a reply may be given: of what there is, and by a coherent zone."""
    if reply is Reply.READY and not s.costly:
        return False
    if reply is Reply.SKIPPED and s.gained == READY and Gfp.IO in s.gfp:
        return False
    return bool(NEEDS[reply](s) > 0) if reply in NEEDS else True


def any_answer(words: tuple[Any, ...]) -> Iterator[Mistake]:
    """Yield what lets the predicates about rights and zone answer as the oracles do."""
    flags, hope, helps, fine, right = words[9:14]
    yield Mistake(path, "first_flags", lambda cfg, s: Bits(flags, ~3))
    yield Mistake(path, "reserve_of", lambda s: NO_WATERMARKS if right == 1 else 0)
    yield Mistake(retry, "has_hope", lambda cfg, s: bool(hope == 1))
    yield Mistake(retry, "reclaim_would_help", lambda cfg, s: bool(helps == 1))
    yield Mistake(retry, "order_0_is_fine", lambda cfg, s: bool(fine == 1))


def may_be(top: Any, *words: Any) -> Any:
    """Assume words that are flags, or name a shape."""
    at, size, nodes, reply, gained, prio, result, gfp, context, flags = words[:10]
    few = at < 6, size < len(ORDERS), nodes < 2, reply < 6, gained < 5, prio < 3
    answered = either(*(result == each for each in ANSWERS))
    return (*few, answered, gfp < 1 << 23, context < 1 << 9, flags < 1 << 12)


def less_is_left(cfg: Config, asked: tuple[At, ...], words: tuple[Any, ...]) -> Any:
    """Say that the measure falls, but for the round of a request that must not fail."""
    found = told(asked, words)
    if found is None:
        raise Ruled
    s, reply = found
    with ExitStack() as oracles:
        for each in any_answer(words):
            oracles.enter_context(mistaken(each))
        turn = replies.follow(cfg, s, reply)
    if turn.state.at is At.IDLE or retry.may_go_round(s, turn.state):
        raise Ruled
    return retry.falls(retry.rank(cfg, s), retry.rank(cfg, turn.state))


# ------------------------------------------------------------------ the claims


def before_a_round_each_answer_leaves_less_to_try(top: Any, *words: Any) -> Any:
    """Any request, at its beginning: fewer questions are left."""
    return less_is_left(CFG, BEGINNING, words)


def a_change_leaves_fewer_changes_and_no_change_fewer_questions(
    top: Any, *words: Any
) -> Any:
    """Any request, where cpuset and zonelists are looked at: less is left to try."""
    return less_is_left(CFG, LOOKS, words)


def while_it_reclaims_each_answer_leaves_less_to_try(top: Any, *words: Any) -> Any:
    """Any request: pages, tries, or questions of the round become fewer."""
    return less_is_left(CFG, RECLAIMING, words)


def a_round_is_repeated_only_if_something_is_used_up(top: Any, *words: Any) -> Any:
    """Any request that has compacted: whatever its counters, the measure falls."""
    return less_is_left(CFG, DECIDING, words)


def after_a_round_each_answer_leaves_less_to_try(top: Any, *words: Any) -> Any:
    """Any request, at the OOM killer or failing; NOFAIL alone goes round."""
    return less_is_left(CFG, ENDING, words)


def without_compaction_each_answer_leaves_less_to_try(top: Any, *words: Any) -> Any:
    """Likewise where the kernel has no compaction, for reclaim decides alone."""
    cfg = replace(CFG, compaction=False)
    return less_is_left(cfg, (At.RECLAIM, At.DRAINED), words)


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


def nothing_given_back(s: State, *, keep: int) -> State:
    """Claim that a page block was given back, and keep it."""
    return replace(s, zone=replace(s.zone, block=True))


def kills_are_not_counted(cfg: Config, s: State, reply: Reply) -> Turn:
    """Take it for progress that nobody could be killed."""
    return path.after_oom(cfg, s, True)


def count_on_compaction(cfg: Config, s: State) -> bool:
    """Count on compaction whether it may run or not: 5.10 before 5.10.216."""
    return True


def compact_early_again(cfg: Config, s: State, answer: CompactResult) -> Turn:
    """Compact once more before any reclaim, while compaction is put off."""
    if answer is DEFERRED and s.at is At.EARLY_COMPACT:
        return path.ask(s, At.EARLY_COMPACT)
    return right_compacted(cfg, s, answer)


def look_again(cfg: Config, s: State, at: At) -> Turn:
    """Look at the free lists again before anything is compacted."""
    return path.ask(s, At.FIRST)


def look_twice(cfg: Config, s: State, *events: Any) -> Turn:
    """Ask for changes again although there was none."""
    return path.ask(s, At.LOOK_RETRY, *events)


right_compacted = path.compacted


def near(asked: tuple[At, ...]) -> Callable[[int, Values], Values]:
    """Return what bends words into a shape, and counters near their bounds."""

    def aim(top: int, values: Values) -> Values:
        at, *shape = values[:7]
        few = (3, 2, 6, 5, 3)
        bent = [word % n for word, n in zip(shape[:5], few, strict=True)]
        bent.append(ANSWERS[shape[5] % len(ANSWERS)])
        flags = [word & mask for word, mask in zip(values[7:10], BITS, strict=True)]
        oracles = [word % 2 for word in values[10:14]]
        counts = [word % 20 for word in values[14:]]
        return at % len(asked), *bent, *flags, *oracles, *counts

    return aim


BITS = (0x7FFFFF, 0x1FF, 0xFFC)

# ------------------------------------------------------------------ the lemmas

COHERENT = "compaction that may run does not skip a zone that is ready for it"
INDUCTION = (
    "slow path: ranks are counts, none below 0, and what falls at each step ends, by"
    " induction, told in proofs/slowpath and checked by no solver"
)
SIZE = "orders 0, 1 and 4; every gfp flag, context and alloc flag"


def turns(
    claim: Callable[..., Any], asked: tuple[At, ...], *mistakes: Mistake
) -> Lemma:
    """Return the step of the induction for some questions."""
    return Lemma(
        claim=claim,
        given=may_be,
        names=WORDS,
        provers=(Symbolic(Whole), Sampled(near(asked))),
        mistakes=mistakes,
        size=SIZE,
        assumes=(COHERENT, INDUCTION),
        slow=True,
    )


TURNS = (
    turns(
        before_a_round_each_answer_leaves_less_to_try,
        BEGINNING,
        Mistake(path, "compacted", compact_early_again),
        Mistake(path, "compact", look_again),
    ),
    turns(
        a_change_leaves_fewer_changes_and_no_change_fewer_questions,
        LOOKS,
        Mistake(path, "looked", changes_without_end),
        Mistake(path, "go_round", look_twice),
    ),
    turns(
        while_it_reclaims_each_answer_leaves_less_to_try,
        RECLAIMING,
        Mistake(path, "reclaimed", reclaim_again),
        Mistake(retry, "no_progress", rounds_forgotten),
    ),
    turns(
        a_round_is_repeated_only_if_something_is_used_up,
        DECIDING,
        Mistake(retry, "compaction_again", retries_forgotten),
        Mistake(retry, "no_progress", rounds_forgotten),
        Mistake(retry, "unreserve", nothing_given_back),
        Mistake(path, "tries_compaction", count_on_compaction, bug="P21"),
    ),
    turns(
        after_a_round_each_answer_leaves_less_to_try,
        ENDING,
        Mistake(path, "locked", a_lock_that_is_always_busy),
        Mistake(path, "killed", kills_are_not_counted),
    ),
    turns(
        without_compaction_each_answer_leaves_less_to_try,
        (At.RECLAIM, At.DRAINED),
        Mistake(path, "reclaimed", reclaim_again),
        Mistake(retry, "no_progress", rounds_forgotten),
    ),
)
