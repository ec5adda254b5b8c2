"""Breadth first over every operation from every state, until nothing new is left.

Each state is visited once up to symmetry, so an empty frontier means that every
history of any length has been judged at this size.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from time import monotonic

from mmoracle.spec.core import C, Disallowed, Op, S, Step

from .judge import Judge, closely, fresh, quickly, sound
from .session import EXACT_STATE, Divergence
from .subsystem import Fidelity, M, Subsystem, bounds, moves
from .trail import Links, blame
from .verdict import Failure, Run, Verdict

Progress = Callable[[dict[str, int]], None]

BETWEEN_REPORTS = 0.1  # seconds
WHERE_IT_CHANGES = 4  # wrong answers for an operation that changes the state


class Cut(Exception):  # noqa: N818  (not an error)
    """A limit is reached; the text says which."""


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
    """Judge every operation from every state.

    `limit` is in operations judged, `deepest` the length of the longest history;
    with `only` no other rule ends the search.
    """
    started = told = monotonic()
    x = Judge(sub, cfg, fidelity)
    first = state = sub.canonical(cfg, sub.initial(cfg))
    links: Links[S, C] = {first: None}
    depth = {first: 0}
    frontier = deque([first])
    failure, cut = None, ""
    try:
        while frontier:
            state = frontier[0]
            if deepest is not None and depth[state] >= deepest:
                raise Cut(f"at depth {deepest}")
            for step in visit(x, state, limit, only):
                following = sub.canonical(cfg, step.after)
                if following not in links:
                    links[following] = (state, step.op)
                    depth[following] = depth[state] + 1
                    frontier.append(following)
            frontier.popleft()
            if progress is not None and monotonic() - told > BETWEEN_REPORTS:
                told = monotonic()
                progress(tally(x, len(links), len(frontier), depth[state]))
    except Cut as reason:
        cut = f"{reason}: {len(frontier)} states not expanded, depth {depth[state]}"
    except Divergence as found:
        failure = blame(x, links, state, found)
    run = judged(x, cut, failure)
    return replace(
        run,
        config=config,
        states=len(links),
        depth=max(depth.values()),
        seconds=monotonic() - started,
    )


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


def tally(x: Judge[C, S, M], states: int, queue: int, depth: int) -> dict[str, int]:
    """Return what a progress line shows."""
    return {"states": states, "steps": x.steps, "queue": queue, "depth": depth}


def visit(
    x: Judge[C, S, M], state: S, limit: int | None, only: str | None
) -> Iterator[Step[C, S]]:
    """Judge every operation from one state; yield the steps that lead elsewhere."""
    sound(x, state)
    x.machine = fresh(x, state)
    for op in moves(x.sub, x.cfg, state):
        if limit is not None and x.steps >= limit:
            raise Cut(f"after {limit} steps")
        step = quickly(x, state, op)
        if step is None:
            try:
                step = look(x, state, op)
                x.machine = kept(x, state, step)
            except Divergence as found:
                if only in (None, found.rule):
                    raise
                x.machine = x.sub.load(x.cfg, state)
                continue
        x.count(step)
        if step.after is not state and step.after != state:
            yield step


def kept(x: Judge[C, S, M], state: S, step: Step[C, S]) -> M:
    """Return a machine to go on with after a close look that found nothing."""
    if x.fidelity is Fidelity.EXACT and step.after == state:
        why = "it is right on a fresh machine, not after others that change nothing"
        raise Divergence(EXACT_STATE, why, step.op)
    return x.machine if x.sub.abstract(x.machine) == state else fresh(x, state)


def look(x: Judge[C, S, M], state: S, op: Op[C, S]) -> Step[C, S]:
    """Judge one operation closely: with some wrong answers if it changes the state.

    If it does not, something was odd already, and every wrong answer is offered.
    """
    answer = op.choose(x.cfg, state)
    try:
        changes = op.after(x.cfg, state, answer) != state
    except Disallowed:
        changes = False
    some = WHERE_IT_CHANGES if changes else None
    return closely(x, state, op, x.pool.others(op, answer, some))
