"""Long random histories, for sizes that cannot be explored."""

from __future__ import annotations

from collections import deque
from random import Random
from time import monotonic
from typing import Any

from mmoracle.spec.core import C, Disallowed, Op, Result, S

from .draw import RECENT, code, draw
from .explore import BETWEEN_REPORTS, Progress
from .session import (
    EXACT_STATE,
    REFUSAL,
    Divergence,
    Entry,
    Session,
    difference,
)
from .subsystem import Fidelity, M, Subsystem, bounds
from .verdict import Failure, Run, Verdict


def walk(
    sub: Subsystem[C, S, M],
    cfg: C,
    *,
    config: str,
    steps: int,
    seed: int,
    fidelity: Fidelity = Fidelity.EXACT,
    every: int = 64,
    progress: Progress | None = None,
) -> Run:
    """Do random operations; compare answers at each, whole states at one in `every`.

    A second machine takes each answer with `accept` and is compared as often.
    """
    started = told = monotonic()
    dice, recent = Random(seed), deque[int](maxlen=RECENT)
    session = Session(sub, cfg, fidelity)
    twin = sub.build(cfg)
    failure = None
    try:
        for i in range(1, steps + 1):
            whole = i % every == 0 or i == steps
            op = draw(sub, cfg, session.state, code(sub, cfg, dice), recent)
            if op is not None:
                answer = session.do(op, whole=whole)
                take(session, twin, op, answer)
            if whole:
                compare(session, twin)
            if progress is not None and monotonic() - told > BETWEEN_REPORTS:
                told = monotonic()
                progress({"steps": i, "of": steps})
    except Divergence as found:
        found = pinpoint(session, found, every)
        failure = Failure(found.rule, found.why, found.trace)
    done = len(session.trace)
    return Run(
        subsystem=sub.name,
        engine="walk",
        config=config,
        fidelity=fidelity.value,
        verdict=verdict_on(failure, done),
        scope=f"{steps} random steps: {bounds(cfg)}",
        steps=done,
        depth=done,
        seconds=monotonic() - started,
        seed=seed,
        ops=dict(session.counts),
        witnesses=tuple(session.reached),
        witnesses_missed=missed(sub, session.reached),
        failure=failure,
    )


def pinpoint(session: Session[C, S, M], found: Divergence, every: int) -> Divergence:
    """Run the end of a failing history again, comparing whole states at each step."""
    again = Session(session.sub, session.cfg, session.fidelity)
    last = len(found.trace) - 1
    try:
        for i, entry in enumerate(found.trace):
            again.do(entry.op, whole=i > last - 2 * every)
    except Divergence as earlier:
        return earlier
    return found


def walked(sub: Subsystem[C, S, M], cfg: C, *, steps: int, seed: int) -> list[Entry]:
    """Return a random history with Linux's answers, from the specification alone."""
    dice, recent = Random(seed), deque[int](maxlen=RECENT)
    state, entries = sub.initial(cfg), list[Entry]()
    for _ in range(steps):
        op = draw(sub, cfg, state, code(sub, cfg, dice), recent)
        if op is not None:
            answer = op.choose(cfg, state)
            state = op.after(cfg, state, answer)
            entries.append(Entry(op, answer))
    return entries


def verdict_on(failure: Failure | None, steps: int) -> Verdict:
    """Return what a sampled run may conclude."""
    if failure is not None:
        return Verdict.VIOLATED
    return Verdict.BOUNDED if steps else Verdict.NOTHING


def missed(sub: Subsystem[C, S, M], reached: Any) -> tuple[str, ...]:
    """Return the names of the witnesses that were not reached."""
    names = [each.__name__ for each in sub.witnesses]
    return tuple(name for name in names if name not in reached)


def take(session: Session[C, S, M], twin: M, op: Op[C, S], answer: Result) -> None:
    """Let the second machine take the answer, which is right."""
    try:
        session.sub.accept(twin, op, answer)
    except Disallowed as no:
        why = f"the machine refuses its own answer {answer}: {no}"
        raise Divergence(REFUSAL, why, op, tuple(session.trace)) from no


def compare(session: Session[C, S, M], twin: M) -> None:
    """Raise `Divergence` if either machine is not in the specification's state."""
    last = session.trace[-1].op if session.trace else None
    for machine in (session.machine, twin):
        got = session.sub.abstract(machine)
        if got != session.state and (
            session.fidelity is Fidelity.EXACT
            or session.sub.view(got) != session.sub.view(session.state)
        ):
            why = difference(session.state, got)
            raise Divergence(EXACT_STATE, why, last, tuple(session.trace))
