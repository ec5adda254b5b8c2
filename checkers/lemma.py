"""Lemmas: one claim about shipped functions, its hypotheses, provers and mistakes.

A claim is an expression over words that means the same on integers and on symbolic
words, so one statement feeds every prover.  A lemma whose hypotheses nothing meets,
or that no mistake refutes, proves nothing and is reported as worthless.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from inspect import signature
from itertools import product
from time import monotonic
from typing import Any, Protocol

from mmoracle.spec.core import sentence

from .goal import Goal
from .symbolic import Paths, Ruled, Truth, Undecided, Unsupported, every
from .verdict import Verdict
from .word import Bounded, Exact, Whole, Word, Wrapping, fresh, value_of

Values = tuple[Any, ...]
TOP = (1 << 64) - 1
Aim = Callable[[int, Values], Values]


@dataclass(frozen=True)
class Mistake:
    """One broken replacement of one function; its docstring says what is wrong."""

    target: Any  # the class or module
    name: str  # its attribute
    broken: Any
    bug: str = ""  # the card of a bug that shipped somewhere: "P50"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one prover found; `values` meet the hypotheses, or refute the claim."""

    prover: str
    scope: str
    verdict: Verdict
    cases: int  # paths, or values
    kind: str  # what is counted
    values: Values | None = None
    why: str = ""
    goal: Goal | None = None  # what another solver may decide as well
    seconds: float = 0.0


class Prover(Protocol):
    """One way to decide a claim."""

    def __call__(self, lemma: Lemma) -> Outcome:
        """Decide the claim."""
        ...


def no_hypothesis(*values: Any) -> Iterable[Any]:
    """Assume nothing."""
    return ()


@dataclass(frozen=True, kw_only=True)
class Lemma:
    """A claim; the provers come strongest first, and refute the mistakes in turn."""

    claim: Callable[..., Any]
    given: Callable[..., Iterable[Any]] = no_hypothesis
    provers: tuple[Prover, ...]
    mistakes: tuple[Mistake, ...]
    names: tuple[str, ...] = ()  # of the words, where the signature leaves them open
    size: str = ""  # "up to 3 regions", where sizes are bounded
    assumes: tuple[str, ...] = ()
    slow: bool = False  # takes more than some two seconds: not in the fast half
    history: Callable[..., Any] | None = None  # of values: a config and operations

    @property
    def name(self) -> str:
        """Return the claim's name, which is a sentence."""
        return self.claim.__name__

    @property
    def about(self) -> str:
        """Return the claim in one sentence."""
        return sentence(self.claim)

    @property
    def words(self) -> tuple[str, ...]:
        """Return the names of the words that the claim is about, after the top one."""
        return self.names or tuple(signature(self.claim).parameters)[1:]

    def meets(self, *values: Any) -> bool:
        """Say whether plain values meet the hypotheses."""
        return all(self.given(*values))

    def holds(self, *values: Any) -> bool:
        """Say whether the claim holds; code that ends with an error breaks it."""
        try:
            said = self.claim(*values)
            if isinstance(said, Truth):
                return bool(said)
        except (AssertionError, ZeroDivisionError):
            return False
        if said not in (True, False):
            raise Unsupported(f"a claim is true or false, not {said!r}")
        return bool(said)

    def stands(self, *values: Any) -> bool:
        """Say whether the claim holds, or does not speak of these values."""
        try:
            return self.holds(*values)
        except Ruled:
            return True


# ------------------------------------------------------------------ provers


NAMES: dict[type[Word], str] = {
    Exact: "z3 words",
    Wrapping: "z3 wrapping integers",
    Bounded: "z3 64-bit integers",
    Whole: "z3 integers",
}


@dataclass(frozen=True)
class Symbolic:
    """Z3 on every path: over words of 64 bits, or over integers without a bound."""

    kind: type[Word] = Exact
    bits: int = 64

    @property
    def name(self) -> str:
        """Return the prover's name."""
        return NAMES[self.kind]

    @property
    def scope(self) -> str:
        """Return what a proof of this kind is about."""
        return "unbounded" if self.kind is Whole else f"{self.bits}-bit words"

    def __call__(self, lemma: Lemma) -> Outcome:
        """Follow every path of the claim until one is refuted."""
        paths = Paths(self.kind.logic)
        words = [fresh(self.kind, paths, name, self.bits) for name in lemma.words]
        top: Any = (1 << self.bits) - 1
        if self.kind is Whole:
            top = fresh(Whole, paths, "top", self.bits)

        def once() -> bool:
            try:
                paths.assume(every(*lemma.given(top, *words)))
                return lemma.holds(top, *words)
            except (TypeError, AttributeError) as error:  # no such operator on words
                raise Unsupported(str(error)) from error

        def values() -> Values:
            model = paths.model
            first = value_of(model, top) if isinstance(top, Word) else top
            return (first, *(value_of(model, word) for word in words))

        return self.replayed(lemma, self.outcome(paths, once, values))

    def replayed(self, lemma: Lemma, outcome: Outcome) -> Outcome:
        """Confirm on plain numbers that values refute the claim, where none wraps."""
        values = outcome.values
        if outcome.verdict is not Verdict.VIOLATED or values is None:
            return outcome
        if self.kind is Wrapping:
            return outcome
        with suppress(Ruled):
            if lemma.meets(*values) and not lemma.holds(*values):
                return outcome
        why = f"values that should refute the claim do not: {values}"
        return replace(outcome, verdict=Verdict.INCONCLUSIVE, why=why)

    def outcome(
        self, paths: Paths, once: Callable[[], bool], values: Callable[[], Values]
    ) -> Outcome:
        """Count the paths; the first one is the witness unless one is refuted."""
        count, witness, verdict, why = 0, None, Verdict.COMPLETE, ""
        began = monotonic()
        try:
            for holds in paths.follow(once):
                count += 1
                if not holds:
                    witness, verdict = values(), Verdict.VIOLATED
                    break
                witness = witness or values()
        except (Undecided, Unsupported) as stopped:
            verdict, why = Verdict.INCONCLUSIVE, str(stopped)
        return Outcome(
            prover=self.name,
            scope=self.scope,
            verdict=verdict,
            cases=count,
            kind="paths",
            values=witness,
            why=why,
            goal=paths.goal() if verdict is Verdict.COMPLETE else None,
            seconds=monotonic() - began,
        )


def tried(
    lemma: Lemma, cases: Iterable[Values], prover: str, scope: str, held: Verdict
) -> Outcome:
    """Decide the claim on each of these values that meets the hypotheses."""
    count, witness, verdict = 0, None, held
    began = monotonic()
    for values in cases:
        with suppress(Ruled):  # within the claim, where it speaks of other values
            if not lemma.meets(*values):
                continue
            holds = lemma.holds(*values)
            count += 1
            if not holds:
                witness, verdict = values, Verdict.VIOLATED
                break
            witness = witness or values
    return Outcome(
        prover=prover,
        scope=scope,
        verdict=verdict,
        cases=count,
        kind="cases",
        values=witness,
        seconds=monotonic() - began,
    )


@dataclass(frozen=True)
class Sweep:
    """Every value of every word, at a small width."""

    bits: int = 4
    cases: Callable[[int], Iterable[Values]] | None = None  # of the words, by top
    scope: str = ""

    def __call__(self, lemma: Lemma) -> Outcome:
        """Try them all."""
        top = (1 << self.bits) - 1
        every_value = product(range(top + 1), repeat=len(lemma.words))
        cases = self.cases(top) if self.cases else every_value
        told = ((top, *values) for values in cases)
        scope = self.scope or f"{self.bits}-bit words"
        return tried(lemma, told, "sweep", scope, Verdict.BOUNDED)


@dataclass(frozen=True)
class Shapes:
    """Every one of finitely many shapes; where their parts are opaque, of any size.

    With a scope the shapes are no more than that says; `all_there_are` of these.
    """

    cases: Callable[[], Iterable[Values]]
    scope: str = "unbounded"
    all_there_are: bool = True

    def __call__(self, lemma: Lemma) -> Outcome:
        """Try them all."""
        held = Verdict.COMPLETE if self.all_there_are else Verdict.BOUNDED
        return tried(lemma, self.cases(), "shapes", self.scope, held)


@dataclass(frozen=True)
class Sampled:
    """Hypothesis: random words, bent by `aim` to meet the hypotheses more often."""

    aim: Aim
    bits: int = 64
    examples: int = 200

    def __call__(self, lemma: Lemma) -> Outcome:
        """Draw the same examples each time."""
        top = (1 << self.bits) - 1
        found = drawn(len(lemma.words), self.bits, self.examples)
        told = ((top, *self.aim(top, values)) for values in found)
        scope = f"samples of {self.bits}-bit words"
        return tried(lemma, told, "hypothesis", scope, Verdict.BOUNDED)


@cache
def drawn(count: int, bits: int, examples: int) -> tuple[Values, ...]:
    """Return what Hypothesis draws: the same in every run, so once is enough."""
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import strategies as st

    top = (1 << bits) - 1
    small, word = st.integers(0, min(top, 64)), st.integers(0, top)
    near = small.map(lambda n: top - n)
    found: list[Values] = []

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.tuples(*([small | word | near] * count)))
    def note(values: Values) -> None:
        found.append(values)

    note()
    return tuple(found)


# ------------------------------------------------------------------ mistakes


@contextmanager
def mistaken(mistake: Mistake) -> Iterator[None]:
    """Put a mistake in the place of the function; take it away whatever happens."""
    right = vars(mistake.target)[mistake.name]
    setattr(mistake.target, mistake.name, mistake.broken)
    try:
        yield
    finally:
        setattr(mistake.target, mistake.name, right)


def is_wide(prover: Prover) -> bool:
    """Say whether a prover covers every 64-bit word."""
    return isinstance(prover, Symbolic) and prover.kind is not Whole


def refuter(lemma: Lemma, mistake: Mistake) -> Outcome | None:
    """Return the first outcome that refutes the lemma about a mistake.

    A bug that shipped somewhere is refuted at 64 bits, where a prover has them.
    """
    provers = lemma.provers
    if mistake.bug:
        provers = tuple(sorted(provers, key=lambda each: not is_wide(each)))
    with mistaken(mistake):
        for prover in provers:
            outcome = prover(lemma)
            if outcome.verdict is Verdict.VIOLATED:
                return outcome
    return None
