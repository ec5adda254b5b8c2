"""Judging one operation from one state: both halves of the machine, right and wrong.

`apply` must do what the specification does, `accept` must take the right answer to
the same state, and must refuse exactly the answers that the specification refuses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Generic

from mmoracle.spec.core import C, Disallowed, Op, Result, S, Step

from .answers import Pool
from .session import (
    CHOICE,
    EXACT_STATE,
    INVERSE,
    NO_CRASH,
    REFUSAL,
    Divergence,
    Entry,
    difference,
    do,
)
from .subsystem import Fidelity, M, Subsystem, number, words

SHOWN = 3  # examples kept where a second formulation differs
IN_TURN = 2  # wrong answers for an operation that changes nothing


@dataclass
class Judge(Generic[C, S, M]):
    """The two sides under judgement, and what has been counted so far.

    `limit` is in operations judged; with `only` no other rule ends a search.
    """

    sub: Subsystem[C, S, M]
    cfg: C
    fidelity: Fidelity
    pool: Pool = field(default_factory=Pool)
    limit: int | None = None
    only: str | None = None
    steps: int = 0
    refusals: int = 0
    ops: Counter[str] = field(default_factory=Counter)
    reached: dict[str, None] = field(default_factory=dict)
    second: Counter[str] = field(default_factory=Counter)
    declared: Counter[str] = field(default_factory=Counter)
    differing: list[dict[str, str]] = field(default_factory=list)
    foreign: set[tuple[type[Any], str, Any]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.machine = self.sub.build(self.cfg)  # kept while nothing changes it
        self.wanted = list(self.sub.witnesses)

    def count(self, step: Step[C, S]) -> None:
        """Count a step, the witnesses it reaches and what a second reading says."""
        self.steps += 1
        self.ops[type(step.op).__name__] += 1
        self.pool.add(step.op, step.result)
        for witness in tuple(self.wanted):
            if witness(self.cfg, step):
                self.reached[witness.__name__] = None
                self.wanted.remove(witness)
        if self.sub.second is not None:
            self.compare_second(step)
        if self.sub.declared is not None:
            self.declared.update(self.sub.declared(self.cfg, step))

    def compare_second(self, step: Step[C, S]) -> None:
        """Compare the next state with a second formulation's, where it has one."""
        assert self.sub.second is not None
        other = self.sub.second(self.cfg, step.before, step.op)
        if other is None:
            return
        same = other == step.after
        self.second["same" if same else "differs"] += 1
        if not same and len(self.differing) < SHOWN:
            shown = {"before": str(step.before), "op": words(step.op)}
            shown["difference"] = difference(step.after, other)
            self.differing.append(shown)

    def agree(self, expected: S, got: S) -> bool:
        """Say whether two states are the same as far as this fidelity compares."""
        if expected is got or expected == got:
            return True
        view = self.sub.view
        return self.fidelity is Fidelity.ALLOWED and view(expected) == view(got)


def crashed(part: str, crash: Exception) -> str:
    """Return the sentence for a part that raised."""
    return f"the {part} raised {type(crash).__name__}: {crash}"


def fresh(x: Judge[C, S, M], state: S) -> M:
    """Return a machine that holds this state, having read it back (INVERSE)."""
    try:
        machine = x.sub.load(x.cfg, state)
        got = x.sub.abstract(machine)
    except Exception as crash:
        raise Divergence(NO_CRASH, crashed("machine's load", crash), None) from crash
    if got != state:
        raise Divergence(INVERSE, difference(state, got), None)
    return machine


def offer(x: Judge[C, S, M], state: S, machine: M, op: Op[C, S], answer: Result) -> M:
    """Offer an answer to both sides; return a machine that holds `state` again.

    After a refusal the caller reads the machine back to see that nothing changed.
    """
    told = (Entry(op, answer),)
    following: S | None = None
    no: Disallowed | None = None
    try:
        following = op.after(x.cfg, state, answer)
    except Disallowed as refusal:
        no = refusal
    except Exception as crash:
        why = crashed("specification, on this answer,", crash)
        raise Divergence(NO_CRASH, why, op, told) from crash
    try:
        x.sub.accept(machine, op, answer)
        refused = None
    except Disallowed as refusal:
        refused = refusal
    except Exception as crash:
        raise Divergence(
            NO_CRASH, crashed("machine's accept", crash), op, told
        ) from crash
    if (no is None) is not (refused is None):
        why = f"the machine takes {number(answer)}, which is refused: {no}"
        if refused is not None:
            why = f"the machine refuses {number(answer)}, which is right: {refused}"
        raise Divergence(REFUSAL, why, op, told)
    if following is None:
        x.refusals += 1
        return machine
    if following is state:
        return machine
    got = x.sub.abstract(machine)
    if not x.agree(following, got):
        why = f"taking {number(answer)}: {difference(following, got)}"
        raise Divergence(EXACT_STATE, why, op, told)
    return x.sub.load(x.cfg, state)


def untouched(
    x: Judge[C, S, M], state: S, machine: M, op: Op[C, S], answer: Result
) -> None:
    """Raise `Divergence` if refusing an answer, or asking, has changed the machine."""
    got = x.sub.abstract(machine)
    if got != state:
        why = f"after {number(answer)} was judged, {difference(state, got)}"
        raise Divergence(REFUSAL, why, op, (Entry(op, answer),))


def closely(
    x: Judge[C, S, M], state: S, op: Op[C, S], offered: Iterable[Result] = ()
) -> Step[C, S]:
    """Judge one operation with a fresh machine for each trial; return the step."""
    sub, cfg = x.sub, x.cfg
    step = do(sub, cfg, x.fidelity, state, sub.load(cfg, state), op)
    if x.fidelity is Fidelity.ALLOWED:
        answer = op.choose(cfg, state)
        try:
            if answer != step.result:
                op.after(cfg, state, answer)
        except Disallowed as no:
            raise Divergence(CHOICE, f"{no.rule}: {no.why}", op) from no
    machine = sub.load(cfg, state)
    for answer in (step.result, *offered):
        offered_to = machine
        machine = offer(x, state, machine, op, answer)
        if machine is offered_to:
            untouched(x, state, machine, op, answer)
    return step


def quickly(
    x: Judge[C, S, M], state: S, op: Op[C, S], answer: Result
) -> Step[C, S] | None:
    """Judge an operation that should change nothing, on the machine that is kept.

    None means that something is odd: look closely.
    """
    try:
        if x.sub.apply(x.machine, op) != answer:
            return None
        for each in (answer, *x.pool.others(op, answer, IN_TURN)):
            x.machine = offer(x, state, x.machine, op, each)
        if x.sub.abstract(x.machine) != state:
            return None
        step = Step(state, op, answer, state)
        for law in x.sub.laws:
            if any(law.check(x.cfg, step)):
                return None
    except Exception:  # whatever it is, a close look will meet it and name it
        return None
    return step


def sound(x: Judge[C, S, M], state: S) -> None:
    """Raise `Divergence` for the first invariant that a state breaks by itself."""
    for invariant in x.sub.invariants:
        for why in invariant.check(x.cfg, state):
            raise Divergence(invariant.id, why, None)
