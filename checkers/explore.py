"""Breadth first over every operation from every state, until nothing new is left.

Each state is visited once up to symmetry, so an empty frontier means that every
history of any length has been judged at this size.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from time import monotonic
from typing import Generic

from mmoracle.spec.core import C, Disallowed, Op, Result, S, Step

from .judge import Judge, closely, fresh, quickly, sound
from .session import EXACT_STATE, Divergence, Entry, take
from .subsystem import Fidelity, M, Subsystem, answers, bounds, moves
from .trail import Links, blame
from .verdict import Failure, Run, Verdict

Progress = Callable[[dict[str, int]], None]

BETWEEN_REPORTS = 0.1  # seconds
WHERE_IT_CHANGES = 4  # wrong answers for an operation that changes the state


class Cut(Exception):  # noqa: N818  (not an error)
    """A limit is reached; the text says which."""


@dataclass
class Found(Generic[S]):
    """The states that a search has met, and how each was met first.

    `leads` says where each leads, where somebody wants to know.
    """

    links: Links[S]
    depth: dict[S, int]
    frontier: deque[S]
    leads: dict[S, dict[S, None]] | None = None

    @property
    def state(self) -> S:
        """Return the state that is visited."""
        return self.frontier[0]

    def meet(self, told: Entry, following: S) -> None:
        """Note where a step from the state that is visited leads."""
        if self.leads is not None:
            self.leads.setdefault(self.state, {})[following] = None
        if following not in self.links:
            self.links[following] = (self.state, told)
            self.depth[following] = self.depth[self.state] + 1
            self.frontier.append(following)


def begin(x: Judge[C, S, M], *, leads: bool = False) -> Found[S]:
    """Return a search that has met the first state only."""
    first = x.sub.canonical(x.cfg, x.sub.initial(x.cfg))
    return Found({first: None}, {first: 0}, deque([first]), {} if leads else None)


def explore(
    sub: Subsystem[C, S, M],
    cfg: C,
    *,
    config: str,
    fidelity: Fidelity = Fidelity.EXACT,
    limit: int | None = None,
    deepest: int | None = None,
    only: str | None = None,
    progress: Progress | None = None,
) -> Run:
    """Judge every operation from every state, with every answer that may be given.

    `limit` is in operations judged, `deepest` the length of the longest history;
    with `only` no other rule ends the search.
    """
    started = monotonic()
    x = Judge(sub, cfg, fidelity, limit=limit, only=only)
    found = begin(x)
    failure, cut = None, ""
    try:
        search(x, found, deepest, progress)
    except Cut as reason:
        cut = f"{reason}: {left(found)}"
    except Divergence as fault:
        failure = blame(x, found.links, found.state, fault)
    run = judged(x, cut, failure)
    return replace(
        run,
        config=config,
        states=len(found.links),
        depth=max(found.depth.values()),
        seconds=monotonic() - started,
    )


def search(
    x: Judge[C, S, M],
    found: Found[S],
    deepest: int | None = None,
    progress: Progress | None = None,
) -> None:
    """Visit the states that were met, and those met on the way, until none is left."""
    told = monotonic()
    while found.frontier:
        state = found.state
        if deepest is not None and found.depth[state] >= deepest:
            raise Cut(f"at depth {deepest}")
        for step in visit(x, state):
            entry = Entry(step.op, step.result)
            found.meet(entry, x.sub.canonical(x.cfg, step.after))
        found.frontier.popleft()
        if progress is not None and monotonic() - told > BETWEEN_REPORTS:
            told = monotonic()
            depth = found.depth[state]
            progress(tally(x.steps, len(found.links), len(found.frontier), depth))


def left(found: Found[S]) -> str:
    """Return where a search that was cut stands."""
    depth = found.depth[found.state]
    return f"{len(found.frontier)} states not expanded, depth {depth}"


def judged(x: Judge[C, S, M], cut: str, failure: Failure | None) -> Run:
    """Return the record of what a search has judged."""
    which = "histories" if cut or failure else "every history"
    return Run(
        subsystem=x.sub.name,
        engine="explore",
        config="",
        fidelity=x.fidelity.value,
        verdict=verdict_on(x, failure is not None, cut),
        scope=f"{which}: {bounds(x.cfg)}",
        steps=x.steps,
        refusals=x.refusals,
        ops=dict(x.ops),
        witnesses=tuple(x.reached),
        witnesses_missed=tuple(each.__name__ for each in x.wanted),
        second=dict(x.second),
        declared=dict(x.declared),
        cut=cut,
        failure=failure,
        extra={"differs": x.differing} if x.differing else {},
    )


def verdict_on(x: Judge[C, S, M], failed: bool, cut: str) -> Verdict:
    """Return what a finished exploration may conclude."""
    if failed:
        return Verdict.VIOLATED
    if not x.steps:
        return Verdict.NOTHING
    return Verdict.BOUNDED if cut else Verdict.COMPLETE


def tally(steps: int, states: int, queue: int, depth: int) -> dict[str, int]:
    """Return what a progress line shows."""
    return {"states": states, "steps": steps, "queue": queue, "depth": depth}


def visit(x: Judge[C, S, M], state: S) -> Iterator[Step[C, S]]:
    """Judge every operation from one state; yield the steps that lead elsewhere."""
    sound(x, state)
    x.machine = fresh(x, state)
    for op in moves(x.sub, x.cfg, state):
        for step in policies(x, state, op):
            x.count(step)
            if step.after is not state and step.after != state:
                yield step


def policies(x: Judge[C, S, M], state: S, op: Op[C, S]) -> Iterator[Step[C, S]]:
    """Judge one operation as the machine answers it, then as any other policy may."""
    first = tried(x, state, lambda: chosen(x, state, op))
    if first is not None:
        yield first
    for answer in answers(x.sub, x.cfg, x.fidelity, state, op):
        if first is None or answer != first.result:
            step = tried(x, state, partial(granted, x, state, op, answer))
            if step is not None:
                yield step


def tried(
    x: Judge[C, S, M], state: S, judge: Callable[[], Step[C, S]]
) -> Step[C, S] | None:
    """Return a step, none where it breaks a rule that nobody asks about."""
    if x.limit is not None and x.steps >= x.limit:
        raise Cut(f"after {x.limit} steps")
    try:
        return judge()
    except Divergence as found:
        if x.only in (None, found.rule):
            raise
        x.machine = x.sub.load(x.cfg, state)
        return None


def chosen(x: Judge[C, S, M], state: S, op: Op[C, S]) -> Step[C, S]:
    """Judge one operation as the machine answers it.

    With every wrong answer if it changes nothing although something was odd.
    """
    answer, changes = foreseen(x, state, op)
    step = quickly(x, state, op, answer) if changes is False else None
    if step is None:
        some = WHERE_IT_CHANGES if changes else None
        step = closely(x, state, op, x.pool.others(op, answer, some))
        x.machine = kept(x, state, step)
    return step


def foreseen(x: Judge[C, S, M], state: S, op: Op[C, S]) -> tuple[Result, bool | None]:
    """Return what the specification answers, and whether that changes the state.

    None where it refuses its own answer.
    """
    answer = op.choose(x.cfg, state)
    try:
        following = op.after(x.cfg, state, answer)
    except Disallowed:
        return answer, None
    return answer, following is not state and following != state


def granted(x: Judge[C, S, M], state: S, op: Op[C, S], answer: Result) -> Step[C, S]:
    """Judge one operation with an answer that another policy may give."""
    machine = x.sub.load(x.cfg, state)
    return take(x.sub, x.cfg, x.fidelity, state, machine, Entry(op, answer))


def kept(x: Judge[C, S, M], state: S, step: Step[C, S]) -> M:
    """Return a machine to go on with after a close look that found nothing."""
    if x.fidelity is Fidelity.EXACT and step.after == state:
        why = "it is right on a fresh machine, not after others that change nothing"
        raise Divergence(EXACT_STATE, why, step.op)
    return x.machine if x.sub.abstract(x.machine) == state else fresh(x, state)
