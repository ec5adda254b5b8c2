"""A specification and a machine in lockstep, one operation at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic

from mmoracle.spec.core import C, Disallowed, Op, Result, S, Step

from .subsystem import Fidelity, M, Subsystem, answers

NO_CRASH = "NO-CRASH"
EXACT_ANSWER = "EXACT-ANSWER"
EXACT_STATE = "EXACT-STATE"
REFUSAL = "REFUSAL"
CHOICE = "CHOICE"
INVERSE = "INVERSE"

GENERIC_RULES = {
    NO_CRASH: "The machine answers every legal operation without an exception.",
    EXACT_ANSWER: "An answer is the one that Linux gives.",
    EXACT_STATE: "The machine reaches the state that the specification reaches.",
    REFUSAL: "The machine accepts an answer exactly when the specification does.",
    CHOICE: "What Linux answers is permitted.",
    INVERSE: "Reading back a loaded machine gives the state that was loaded.",
}
COMPOSED = "COMPOSED"
RULES_OF_ENGINES = {
    COMPOSED: "A large state goes where its two halves go, and nowhere else.",
}


@dataclass(frozen=True)
class Entry:
    """One line of a history: what was asked and what was answered."""

    op: Op[Any, Any]
    result: Result


class Divergence(Exception):  # noqa: N818  (a verdict, not an error)
    """A rule is broken: its id, the reason, and the history that leads there."""

    def __init__(
        self,
        rule: str,
        why: str,
        op: Op[Any, Any] | None,
        trace: tuple[Entry, ...] = (),
    ) -> None:
        super().__init__(f"{rule}: {why}")
        self.rule = rule
        self.why = why
        self.op = op
        self.trace = trace
        self.answer: Result = None  # what the machine answered, where it did


def judge_states(sub: Subsystem[C, S, M], cfg: C, step: Step[C, S]) -> None:
    """Raise `Divergence` for the first law or invariant that the step breaks."""
    for law in sub.laws:
        for why in law.check(cfg, step):
            raise Divergence(law.id, why, step.op)
    for invariant in sub.invariants:
        for why in invariant.check(cfg, step.after):
            raise Divergence(invariant.id, why, step.op)


def do(
    sub: Subsystem[C, S, M],
    cfg: C,
    fidelity: Fidelity,
    state: S,
    machine: M,
    op: Op[C, S],
    *,
    whole: bool = True,
) -> Step[C, S]:
    """Apply one operation to the machine and judge it; return the step.

    `whole` compares the whole states and checks the invariants; without it only the
    answer is compared, and the step's `after` is the specification's.
    """
    try:
        answer = sub.apply(machine, op)
        observed = sub.abstract(machine) if whole else None
    except Exception as crash:
        why = f"the machine raised {type(crash).__name__}: {crash}"
        raise Divergence(NO_CRASH, why, op) from crash
    try:
        following = judge_step(sub, cfg, fidelity, state, op, answer, observed)
    except Divergence as found:
        found.answer = answer
        raise
    return Step(state, op, answer, following)


def take(
    sub: Subsystem[C, S, M],
    cfg: C,
    fidelity: Fidelity,
    state: S,
    machine: M,
    told: Entry,
) -> Step[C, S]:
    """Have both sides take an answer that may be given, and judge what they reach."""
    op, answer = told.op, told.result
    try:
        sub.accept(machine, op, answer)
        following = judge_step(
            sub, cfg, fidelity, state, op, answer, sub.abstract(machine)
        )
    except Disallowed as no:
        why = f"the machine refuses {answer}, which may be given: {no}"
        raise given(Divergence(REFUSAL, why, op, (told,)), answer) from no
    except Divergence as found:
        why = f"taking {answer}: {found.why}"
        raise given(Divergence(found.rule, why, op, (told,)), answer) from found
    except Exception as crash:
        why = f"taking {answer} raised {type(crash).__name__}: {crash}"
        raise given(Divergence(NO_CRASH, why, op, (told,)), answer) from crash
    return Step(state, op, answer, following)


def given(found: Divergence, answer: Result) -> Divergence:
    """Return a divergence that knows which answer was taken."""
    found.answer = answer
    return found


def judge_step(
    sub: Subsystem[C, S, M],
    cfg: C,
    fidelity: Fidelity,
    state: S,
    op: Op[C, S],
    answer: Result,
    observed: S | None,
) -> S:
    """Judge an answer and, if observed, the state after it; return the next state."""
    if observed is not None:
        judge_states(sub, cfg, Step(state, op, answer, observed))
    try:
        following = op.after(cfg, state, answer)
    except Disallowed as no:
        raise Divergence(no.rule, no.why, op) from no
    if fidelity is Fidelity.EXACT:
        expected = op.choose(cfg, state)
        if answer != expected:
            why = f"Linux answers {expected}, the machine {answer}"
            raise Divergence(EXACT_ANSWER, why, op)
        if observed is not None and observed != following:
            raise Divergence(EXACT_STATE, difference(following, observed), op)
    elif observed is not None and sub.view(observed) != sub.view(following):
        raise Divergence(EXACT_STATE, difference(following, observed), op)
    return following


def difference(expected: object, got: object, place: str = "state") -> str:
    """Return one sentence: the first place where two values of a kind differ."""
    names = getattr(type(expected), "__dataclass_fields__", {})
    if type(expected) is type(got) and names:
        for name in names:
            one, other = getattr(expected, name), getattr(got, name)
            if one != other:
                return difference(one, other, f"{place}.{name}")
    if isinstance(expected, tuple) and isinstance(got, tuple):
        if len(expected) != len(got):
            return f"{place} should be {expected}, it is {got}"
        for i, (one, other) in enumerate(zip(expected, got, strict=True)):
            if one != other:
                return difference(one, other, f"{place}[{i}]")
    return f"{place} should be {expected}, it is {got}"


@dataclass
class Session(Generic[C, S, M]):
    """Owns a state, a machine and the history that led to both."""

    sub: Subsystem[C, S, M]
    cfg: C
    fidelity: Fidelity = Fidelity.EXACT
    trace: list[Entry] = field(default_factory=list)
    reached: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.state = self.sub.initial(self.cfg)
        self.machine = self.sub.build(self.cfg)

    def follow(self, told: Entry) -> Result:
        """Do what an entry says; take its answer if it is another that may be given."""
        op, sides = told.op, (self.sub, self.cfg, self.fidelity, self.state)
        may_be = told.result in answers(*sides, op)
        if may_be and told.result != op.choose(self.cfg, self.state):
            return self.record(op, lambda: take(*sides, self.machine, told))
        return self.do(op)

    def do(self, op: Op[C, S], *, whole: bool = True) -> Result:
        """Do one operation on both; raise `Divergence` where they part."""
        sides = self.sub, self.cfg, self.fidelity, self.state, self.machine
        return self.record(op, lambda: do(*sides, op, whole=whole))

    def record(self, op: Op[C, S], judge: Callable[[], Step[C, S]]) -> Result:
        """Make a step, and go on from where it leads."""
        try:
            step = judge()
        except Divergence as found:
            trace = (*self.trace, Entry(op, found.answer))
            raise Divergence(found.rule, found.why, op, trace) from found
        self.trace.append(Entry(op, step.result))
        self.counts[type(op).__name__] += 1
        for witness in self.sub.witnesses:
            if witness.__name__ not in self.reached and witness(self.cfg, step):
                self.reached[witness.__name__] += 1
        self.state = step.after
        return step.result
