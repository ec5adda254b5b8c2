"""Proving one lemma: every prover, other solvers, and all that it must refute."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from inspect import unwrap
from itertools import islice
from time import monotonic
from typing import Any

from mmoracle.spec.core import sentence

from .goal import SAT, Opinion, opinions
from .lemma import Lemma, Mistake, Outcome, Values, mistaken, refuter
from .operators import Mutant, mutants, title
from .registry import SUBSYSTEMS
from .session import Divergence, Session
from .shipped import heard, key_of, owners
from .verdict import Verdict, overall

QUICK = 0.5  # seconds of a prover that runs again to see what it runs
SLIPS = 4  # operator mutants of a statement that are tried until one is refuted


@dataclass(frozen=True, kw_only=True)
class Kill:
    """Something wrong that the lemma refutes: who does, and with which values."""

    mutant: str  # what is wrong
    of: str  # spec, machine or statement
    prover: str
    values: Values | None = None
    bug: str = ""
    replay: str = ""  # what these values do in a history of operations
    failed: str = ""  # why the history shows nothing


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What became of one lemma, and what it refutes when something is wrong."""

    lemma: Lemma
    outcomes: tuple[Outcome, ...]
    kills: tuple[Kill, ...]
    survivors: tuple[Mistake, ...]
    seconds: float
    opinions: tuple[tuple[Outcome, Opinion], ...] = ()
    functions: tuple[str, ...] = ()  # shipped ones that it runs

    @property
    def worthless(self) -> str:
        """Return why the lemma proves nothing although it holds, if so."""
        if any(not each.cases for each in self.outcomes):
            return "nothing meets its hypotheses"
        if self.survivors:
            return f"not refuted by: {sentence(self.survivors[0].broken)}"
        failed = [f"{each.bug}: {each.failed}" for each in self.kills if each.failed]
        if failed:
            return failed[0]
        if all(each.of == "statement" for each in self.kills):
            return "no mistake of specification or machine is tried on it"
        return ""

    @property
    def disputed(self) -> str:
        """Return which solver has a model of what Z3 says has none."""
        said = [by.solver for _, by in self.opinions if by.answer == SAT]
        return f"{said[0]} disagrees with z3" if said else ""

    @property
    def verdict(self) -> Verdict:
        """Return the verdict; complete only if some prover left nothing out."""
        found = [each.verdict for each in self.outcomes]
        worst = Verdict.VIOLATED if self.disputed else overall(found)
        if worst in (Verdict.VIOLATED, Verdict.INCONCLUSIVE):
            return worst
        if self.worthless:
            return Verdict.NOTHING
        return Verdict.COMPLETE if Verdict.COMPLETE in found else Verdict.BOUNDED


def prove(lemma: Lemma, second: bool = False) -> Proof:
    """Ask every prover, other solvers if `second`, then try everything wrong."""
    began = monotonic()
    outcomes = tuple(prover(lemma) for prover in lemma.provers)
    said = [
        (each, one)
        for each in outcomes
        if each.goal is not None and second
        for one in opinions(each.goal)
    ]
    found = [(each, refuter(lemma, each)) for each in lemma.mistakes]
    kills = [kill(lemma, each, by) for each, by in found if by]
    if all(each.verdict is not Verdict.VIOLATED for each in outcomes):
        kills += slips(lemma, outcomes)
    return Proof(
        lemma=lemma,
        outcomes=outcomes,
        opinions=tuple(said),
        kills=tuple(kills),
        survivors=tuple(each for each, by in found if not by),
        functions=run_by(lemma, outcomes),
        seconds=monotonic() - began,
    )


def run_by(lemma: Lemma, outcomes: tuple[Outcome, ...]) -> tuple[str, ...]:
    """Return the shipped functions that a lemma runs, seen on plain values."""
    plain = [
        prover
        for prover, each in zip(lemma.provers, outcomes, strict=True)
        if each.kind == "cases" and each.seconds < QUICK
    ]
    until = monotonic() + QUICK
    with heard() as codes:
        for prover in plain:
            if monotonic() < until:
                prover(lemma)
        for each in outcomes:
            if each.values is not None:
                with suppress(Exception):  # a top of any size may fit no configuration
                    lemma.holds(*each.values)
    owner = owners()
    keys = {key_of(code) for code in codes} & owner.keys()
    return tuple(sorted({title(owner[key]) for key in keys}))


def kill(lemma: Lemma, mistake: Mistake, by: Outcome) -> Kill:
    """Return what is known of a mistake that was refuted."""
    shown, failed = "", ""
    if lemma.history is not None and by.values is not None and mistake.bug:
        shown, failed = replayed(lemma, mistake, by.values)
    return Kill(
        mutant=sentence(mistake.broken),
        of=side_of(mistake.target),
        prover=by.prover,
        values=by.values,
        bug=mistake.bug,
        replay=shown,
        failed=failed,
    )


def side_of(target: Any) -> str:
    """Return whose code a mistake changes."""
    module = getattr(target, "__module__", None) or target.__name__
    sides = {"spec": "spec", "impl": "machine"}
    return sides.get(module.split(".")[1], "statement")


# ------------------------------------------------------------------ the statement


@contextmanager
def installed(mutant: Mutant) -> Iterator[None]:
    """Let a function have the changed code for a while."""
    right = mutant.function.__code__
    mutant.install()
    try:
        yield
    finally:
        mutant.function.__code__ = right


def slips(lemma: Lemma, outcomes: tuple[Outcome, ...]) -> Iterator[Kill]:
    """Yield a change of the statement itself that its quickest prover refutes."""
    speed = [each.seconds for each in outcomes]
    prover = lemma.provers[speed.index(min(speed))]
    for mutant in islice(mutants(unwrap(lemma.claim)), SLIPS):
        outcome = None
        with installed(mutant), suppress(Exception):  # a change may be no statement
            outcome = prover(lemma)
        if outcome is not None and outcome.verdict is Verdict.VIOLATED:
            yield Kill(
                mutant=mutant.change,
                of="statement",
                prover=outcome.prover,
                values=outcome.values,
            )
            return


# ------------------------------------------------------------------ histories


def replayed(lemma: Lemma, mistake: Mistake, values: Values) -> tuple[str, str]:
    """Return what the history shows that values stand for, or why it shows nothing."""
    assert lemma.history is not None, "only lemmas with a history are replayed"
    cfg, ops = lemma.history(*values)
    with mistaken(mistake):
        found = broken(cfg, ops)
    if not found:
        return "", "its history breaks no rule"
    if broken(cfg, ops):
        return "", "the shipped code breaks its history as well"
    return found, ""


def broken(cfg: Any, ops: Any) -> str:
    """Return which rule a history of operations breaks, and where."""
    sub = next(
        each
        for each in SUBSYSTEMS.values()
        if any(type(cfg) is type(one) for one in each.configs.values())
    )
    session = Session(sub, cfg)
    for n, op in enumerate(ops, 1):
        try:
            session.do(op)
        except Divergence as found:
            return f"operation {n} of {len(ops)} breaks {found.rule}: {found.why}"
    return ""
