"""From a state that exploration reached back to a history that really leads there.

Exploration goes on from representatives, whose names differ from those of the history
before.  A concrete history is found by walking the same representatives from the
initial state, smallest names first, going back where names run out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeAlias, TypeVar

from mmoracle.spec.core import C, Disallowed, Op, S

from .judge import Judge
from .session import Divergence, Entry
from .subsystem import Fidelity, M, answers, moves
from .trial import attempt, lower
from .verdict import MINIMAL, NOT_SHOWN, Failure

T = TypeVar("T")

AT_THE_END = 100  # what trying every last operation costs, in single operations

Links: TypeAlias = dict[S, tuple[S, Entry] | None]
Order: TypeAlias = Callable[[Sequence[Any]], Sequence[Any]]


def middle_out(found: Sequence[Any]) -> Sequence[Any]:
    """Return the same things, those in the middle first."""
    middle = len(found) // 2
    places = sorted(range(len(found)), key=lambda i: abs(i - middle))
    return [found[i] for i in places]


ORDERS: tuple[tuple[int, Order], ...] = (  # operations to try, and in which order
    (3_000, lambda found: found),
    (3_000, lambda found: found[::-1]),
    (100_000, middle_out),
)


@dataclass(frozen=True)
class Way(Generic[S]):
    """A concrete history and the state it leads to."""

    state: S
    entries: tuple[Entry, ...] = ()


def path(links: Links[S], state: S) -> list[tuple[Entry, S]]:
    """Return (entry, representative after it) from the first state to this one."""
    back = []
    while (link := links[state]) is not None:
        back.append((link[1], state))
        state = link[0]
    return back[::-1]


def of_kind(x: Judge[C, S, M], state: S, op: Op[C, S]) -> list[Op[C, S]]:
    """Return the moves in this state that are the same operation."""
    return [each for each in moves(x.sub, x.cfg, state) if type(each) is type(op)]


def taken(x: Judge[C, S, M], state: S, op: Op[C, S]) -> Way[S] | None:
    """Take one step as this fidelity would, or none where it cannot be taken."""
    if x.fidelity is Fidelity.EXACT:
        answer = op.choose(x.cfg, state)
    else:
        answer = x.sub.apply(x.sub.load(x.cfg, state), op)
    return answered(x, state, Entry(op, answer))


def answered(x: Judge[C, S, M], state: S, told: Entry) -> Way[S] | None:
    """Take one step with this answer, or none where it may not be given."""
    try:
        return Way(told.op.after(x.cfg, state, told.result), (told,))
    except Disallowed:
        return None


def ways(x: Judge[C, S, M], state: S, op: Op[C, S]) -> Iterator[Way[S] | None]:
    """Yield the step that this fidelity takes, then those of all other policies."""
    yield taken(x, state, op)
    for answer in answers(x.sub, x.cfg, x.fidelity, state, op):
        yield answered(x, state, Entry(op, answer))


def realise(
    x: Judge[C, S, M],
    steps: list[tuple[Entry, S]],
    budget: int,
    order: Order,
    goal: Callable[[Way[S]], T | None],
) -> T | None:
    """Search depth first for a concrete history through these that meets the goal."""
    dead: set[tuple[int, S]] = set()

    def go_on(way: Way[S], i: int) -> T | None:
        nonlocal budget
        if i == len(steps):
            budget -= AT_THE_END
            return goal(way)
        told, target = steps[i]
        here = order(of_kind(x, way.state, told.op))
        for step in (step for each in here for step in ways(x, way.state, each)):
            budget -= 1
            if budget < 0:
                return None
            if step is None or x.sub.canonical(x.cfg, step.state) != target:
                continue
            if (i, step.state) in dead:
                continue
            found = go_on(Way(step.state, way.entries + step.entries), i + 1)
            if found is not None:
                return found
            dead.add((i, step.state))
        return None

    return go_on(Way(x.sub.initial(x.cfg)), 0)


def blame(x: Judge[C, S, M], links: Links[S], state: S, found: Divergence) -> Failure:
    """Turn a divergence at a representative into a concrete, replayable failure."""
    x = Judge(x.sub, x.cfg, x.fidelity, x.pool)
    steps = path(links, state)
    ways: list[Way[S]] = []

    def goal(way: Way[S]) -> Failure | None:
        ways.append(way)
        return ending(x, way, found)

    for budget, order in ORDERS:
        failure = realise(x, steps, budget, order, goal)
        if failure is not None:
            return lower(x, failure)
    for way in ways[:1]:
        return lasting(x, way, found)
    return unnamed(found, tuple(entry for entry, _ in steps))


def reach(x: Judge[C, S, M], links: Links[S], state: S) -> tuple[Entry, ...]:
    """Return a concrete history to a representative; its own names if none is found."""
    steps = path(links, state)
    for budget, order in ORDERS:
        way = realise(x, steps, budget, order, lambda way: way)
        if way is not None:
            return way.entries
    return tuple(entry for entry, _ in steps)


def unnamed(found: Divergence, trace: tuple[Entry, ...]) -> Failure:
    """Return a failure for which no concrete history was found."""
    last = () if found.op is None else found.trace or (Entry(found.op, None),)
    why = f"{found.why} (in the names of a representative)"
    return Failure(found.rule, why, trace + last, NOT_SHOWN)


def ending(x: Judge[C, S, M], way: Way[S], found: Divergence) -> Failure | None:
    """Return the failure at the end of a concrete history, if it is the same."""
    if found.op is None:
        failure = attempt(x, way.entries, found.rule)
        return replace(failure, minimal=MINIMAL) if failure else None
    for last in endings(x, way.state, found):
        failure = attempt(x, (*way.entries, last), found.rule)
        if failure is not None and len(failure.trace) > len(way.entries):
            return replace(failure, minimal=MINIMAL)
    return None


def endings(x: Judge[C, S, M], state: S, found: Divergence) -> Iterator[Entry]:
    """Yield the entries that may be the culprit here, by whatever name."""
    told = found.trace[0].result if found.trace else None
    for op in of_kind(x, state, found.op) if found.op is not None else ():
        yield Entry(op, told)
        if found.trace:
            others = answers(x.sub, x.cfg, x.fidelity, state, op)
            yield from (Entry(op, each) for each in others if each != told)


def lasting(x: Judge[C, S, M], way: Way[S], found: Divergence) -> Failure:
    """Do everything that changes nothing, on one machine, until it parts."""
    ops = [each.op for each in way.entries]
    for op in moves(x.sub, x.cfg, way.state):
        step = taken(x, way.state, op)
        if step is not None and step.state == way.state:
            ops.append(op)
    failure = attempt(x, [Entry(op, None) for op in ops])
    return failure or unnamed(found, way.entries)
