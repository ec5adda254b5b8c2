"""The oracle: a fold over a recorded history that says whether it is permitted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Generic

from mmoracle.spec.core import C, Disallowed, S, Step

from .draw import outside
from .session import (
    EXACT_ANSWER,
    EXACT_STATE,
    NO_CRASH,
    REFUSAL,
    Divergence,
    Entry,
    difference,
    judge_states,
)
from .shape import answer_of
from .subsystem import Fidelity, M, Subsystem, number, words
from .terms import fits
from .verdict import Failure, Run, Verdict
from .walk import missed


class Unasked(Exception):  # noqa: N818  (neither right nor wrong)
    """An operation cannot be judged; the text says why."""


@dataclass
class Reading(Generic[C, S, M]):
    """How far a recorded history has been judged, on which sides."""

    sub: Subsystem[C, S, M]
    cfg: C
    fidelity: Fidelity
    every: int
    state: S
    machine: M | None
    trace: list[Entry] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    reached: dict[str, None] = field(default_factory=dict)


def replay(
    sub: Subsystem[C, S, M],
    cfg: C,
    entries: Iterable[Entry],
    *,
    config: str = "",
    fidelity: Fidelity = Fidelity.EXACT,
    machine: bool = True,
    every: int = 64,
    start: S | None = None,
) -> Run:
    """Judge a recorded history; `extra["first_bad"]` is the index of a bad entry.

    The specification judges every answer; with `machine` the machine's `accept` takes
    them too, and its state is compared at one entry in `every` and at the end.
    """
    started = monotonic()
    state = sub.initial(cfg) if start is None else start
    loaded = sub.load(cfg, state) if machine else None
    r = Reading(sub, cfg, fidelity, every, state, loaded)
    failure, cut, extra = None, "", dict[str, Any]()
    try:
        for entry in entries:
            r.trace.append(entry)
            judge(r, entry)
        compare(r)
    except Divergence as found:
        failure = Failure(found.rule, found.why, tuple(r.trace))
        extra["first_bad"] = len(r.trace) - 1
    except Unasked as why:
        cut = f"entry {len(r.trace) - 1}: {why}"
        extra["first_unasked"] = len(r.trace) - 1
    return Run(
        subsystem=sub.name,
        engine="replay",
        config=config,
        fidelity=fidelity.value,
        verdict=verdict_on(r, failure, cut),
        scope=f"one history of {r.counts.total()} steps",
        steps=r.counts.total(),
        depth=r.counts.total(),
        seconds=monotonic() - started,
        ops=dict(r.counts),
        witnesses=tuple(r.reached),
        witnesses_missed=missed(sub, r.reached),
        cut=cut,
        failure=failure,
        extra=extra,
    )


def verdict_on(r: Reading[C, S, M], failure: Failure | None, cut: str) -> Verdict:
    """Return what a replay may conclude: all of this one history, or less."""
    if failure is not None:
        return Verdict.VIOLATED
    if cut:
        return Verdict.INCONCLUSIVE
    return Verdict.BOUNDED if r.counts else Verdict.NOTHING


def judge(r: Reading[C, S, M], entry: Entry) -> None:
    """Judge one entry on both sides and go on to the next state."""
    op, answer = entry.op, entry.result
    if outside(r.sub, r.cfg, r.state, op) is None:
        raise Unasked(f"{words(op)} is not enabled in this configuration's state")
    if not fits(answer, answer_of(type(op))):
        raise Unasked(f"{words(op)} has no answer of its type on record")
    following = permitted(r, entry)
    if r.machine is not None:
        take(r, r.machine, entry)
    step = Step(r.state, op, answer, following)
    r.state = following
    r.counts[type(op).__name__] += 1
    for witness in r.sub.witnesses:
        if witness.__name__ not in r.reached and witness(r.cfg, step):
            r.reached[witness.__name__] = None
    if len(r.trace) % r.every == 0:
        judge_states(r.sub, r.cfg, step)
        compare(r)


def permitted(r: Reading[C, S, M], entry: Entry) -> S:
    """Return the next state if the specification permits the answer."""
    op, answer = entry.op, entry.result
    try:
        following: S = op.after(r.cfg, r.state, answer)
        exact = r.fidelity is Fidelity.EXACT
        expected = op.choose(r.cfg, r.state) if exact else answer
    except Disallowed as no:
        raise Divergence(no.rule, no.why, op) from no
    except Exception as crash:
        why = f"{words(op)} is beyond the specification: {type(crash).__name__}"
        raise Unasked(f"{why}: {crash}") from crash
    if answer != expected:
        why = f"Linux answers {number(expected)}, the record has {number(answer)}"
        raise Divergence(EXACT_ANSWER, why, op)
    return following


def take(r: Reading[C, S, M], machine: M, entry: Entry) -> None:
    """Let the machine take an answer that the specification permits."""
    try:
        r.sub.accept(machine, entry.op, entry.result)
    except Disallowed as no:
        why = f"the machine refuses {number(entry.result)}, which is right: {no}"
        raise Divergence(REFUSAL, why, entry.op) from no
    except Exception as crash:
        why = f"the machine's accept raised {type(crash).__name__}: {crash}"
        raise Divergence(NO_CRASH, why, entry.op) from crash


def compare(r: Reading[C, S, M]) -> None:
    """Raise `Divergence` if the machine is not in the specification's state."""
    if r.machine is None:
        return
    got = r.sub.abstract(r.machine)
    exact = r.fidelity is Fidelity.EXACT
    if got != r.state and (exact or r.sub.view(got) != r.sub.view(r.state)):
        last = r.trace[-1].op if r.trace else None
        raise Divergence(EXACT_STATE, difference(r.state, got), last)
