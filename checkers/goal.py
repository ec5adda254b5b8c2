"""A proof as one goal in SMT-LIB 2, and what other solvers say of it.

The executor covers every value by its paths.  The goal says that some value escapes:
by a side of a comparison that was found to be impossible.  It is unsatisfiable exactly
if the paths are complete, so a second solver that says so confirms all of the proof.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from heapq import heappop, heappush
from importlib.metadata import PackageNotFoundError, version
from itertools import count
from time import monotonic
from typing import Any

import z3  # type: ignore[import-untyped]

WHOLE, PART, ALL = 1.0, 1.0, 3.0  # seconds: in one piece, for one part, for all parts
MOST_PARTS = 64
UNSAT, SAT, TIME_OUT, UNKNOWN, MISSING = (
    "unsat",
    "sat",
    "time-out",
    "unknown",
    "not installed",
)


@dataclass(frozen=True)
class Goal:
    """What must have no model: the words' domain, and the ways to escape the paths."""

    logic: str
    domain: tuple[Any, ...]
    escape: Any

    def text_of(self, term: Any) -> str:
        """Return SMT-LIB 2 that asks for a model of one term within the domain."""
        solver = z3.SolverFor(self.logic)
        solver.add(*self.domain, term)
        return f"(set-logic {self.logic})\n{solver.to_smt2()}"

    @cached_property
    def text(self) -> str:
        """Return the goal in SMT-LIB 2; `unsat` confirms the proof."""
        return self.text_of(self.escape)

    def parts(self) -> Iterator[str]:
        """Yield goals that together are this one, split at its first decisions."""
        ties = count()
        heap: list[tuple[int, int, list[Any], Any]] = []

        def push(before: list[Any], term: Any) -> None:
            heappush(heap, (-size(term), next(ties), before, term))

        push([], self.escape)
        done: list[Any] = []
        while heap and len(heap) + len(done) < MOST_PARTS:
            _, _, before, term = heappop(heap)
            if z3.is_or(term):
                for each in term.children():
                    push(before, each)
            elif z3.is_and(term) and term.num_args() == 2:
                push([*before, term.arg(0)], term.arg(1))
            else:
                done.append(z3.And(*before, term))
        rest = [z3.And(*before, term) for _, _, before, term in heap]
        return map(self.text_of, [*done, *rest])


def size(term: Any) -> int:
    """Return how many different terms a term consists of."""
    met, todo = set(), [term]
    while todo:
        each = todo.pop()
        if each.get_id() not in met:
            met.add(each.get_id())
            todo.extend(each.children())
    return len(met)


# ------------------------------------------------------------------ other solvers


@dataclass(frozen=True)
class Opinion:
    """What one solver says of one goal."""

    solver: str
    version: str
    answer: str  # unsat, sat, time-out, unknown or not installed
    seconds: float = 0.0
    parts: int = 1


def cvc5_says(text: str, seconds: float) -> str:
    """Return what cvc5 answers."""
    import cvc5  # type: ignore[import-untyped, import-not-found, unused-ignore]

    solver = cvc5.Solver(cvc5.TermManager())
    solver.setOption("tlimit-per", str(int(seconds * 1000)))
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, text, "goal")
    symbols = parser.getSymbolManager()
    told = ""
    while not (command := parser.nextCommand()).isNull():
        told += str(command.invoke(solver, symbols)).strip()
    return told


def bitwuzla_says(text: str, seconds: float) -> str:
    """Return what bitwuzla answers."""
    import bitwuzla  # type: ignore[import-untyped, import-not-found, unused-ignore]

    options = bitwuzla.Options()
    options.set(bitwuzla.Option.TIME_LIMIT_PER, int(seconds * 1000))
    parser = bitwuzla.Parser(bitwuzla.TermManager(), options)
    parser.parse(text.replace("(check-sat)", ""), True, False)
    return str(parser.bitwuzla().check_sat()).rpartition(".")[2].lower()


SOLVERS: dict[str, tuple[Callable[[str, float], str], tuple[str, ...]]] = {
    "cvc5": (cvc5_says, ("QF_BV", "QF_LIA", "QF_NIA", "QF_LIRA")),
    "bitwuzla": (bitwuzla_says, ("QF_BV",)),
}


def installed(package: str) -> str:
    """Return the version of a package, empty where there is none."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def answered(says: Callable[[str, float], str], text: str, seconds: float) -> str:
    """Return one of the five answers."""
    began = monotonic()
    told = says(text, seconds)
    if told in (UNSAT, SAT):
        return told
    is_late = "TIMEOUT" in told.upper() or monotonic() - began > seconds * 0.9
    return TIME_OUT if is_late else UNKNOWN


def opinion(name: str, goal: Goal) -> Opinion:
    """Ask one solver: for the whole goal, then for its parts one after another."""
    says, _ = SOLVERS[name]
    told = installed(name)
    if not told:
        return Opinion(name, "", MISSING)
    began = monotonic()
    answer = answered(says, goal.text, WHOLE)
    if answer in (UNSAT, SAT):
        return Opinion(name, told, answer, monotonic() - began)
    parts = 0
    for text in goal.parts():
        parts += 1
        answer = answered(says, text, PART)
        if answer != UNSAT:
            break
        if monotonic() - began > WHOLE + ALL:
            answer = TIME_OUT
            break
    return Opinion(name, told, answer, monotonic() - began, parts)


def opinions(goal: Goal) -> tuple[Opinion, ...]:
    """Return what each solver says that knows the goal's logic."""
    asked = [name for name, (_, logics) in SOLVERS.items() if goal.logic in logics]
    return tuple(opinion(name, goal) for name in asked)
