"""Running a Python function on symbolic words, and following every one of its paths.

The function under proof runs as it is shipped; whenever it asks whether a comparison
of words is true, `Paths` answers: one side now, the other side in a later run, no side
that the solver shows to be impossible.  The words themselves are in `word`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import z3  # type: ignore[import-untyped]

from .goal import Goal

T = TypeVar("T")

RLIMIT = 10_000_000  # the solver's own unit of work, for one question
MOST_PATHS = 20_000


class Undecided(Exception):  # noqa: N818  (an outcome, not an error)
    """A budget ran out before the question was answered."""


class Unsupported(Exception):  # noqa: N818
    """A function asks of a symbolic word what this executor cannot answer."""


class Ruled(Exception):  # noqa: N818
    """No value meets the hypotheses on this path."""


@dataclass
class Choice:
    """One answer that was given: to what, which, and a model of the other one."""

    term: Any
    taken: bool
    other: Any = None  # a model, while the other side is still to be followed
    pushed: bool = False
    hypothesis: bool = False
    both: bool = False  # the other side was followed before
    first: Any = None  # what that side left open

    @property
    def side(self) -> Any:
        """Return the term that says that this side is taken."""
        return self.term if self.taken else z3.Not(self.term)

    def left_open(self, below: Any) -> Any:
        """Return the term of what escapes here, given what escapes on this side.

        Nothing may: that a side is impossible is part of what was proved.
        """
        this = None if below is None else z3.And(self.side, below)
        if self.hypothesis:
            return this
        if not self.both:
            return (
                z3.Not(self.side) if below is None else z3.Or(z3.Not(self.side), below)
            )
        that = None if self.first is None else z3.And(z3.Not(self.side), self.first)
        return that if this is None else this if that is None else z3.Or(that, this)


class Paths:
    """The answers of one path over one solver, and which of them to change next.

    A path is followed again from its start, so the function must be deterministic;
    that it asks the same questions again is checked.
    """

    def __init__(self, logic: str, rlimit: int = RLIMIT) -> None:
        self.logic = logic
        self.domain: list[Any] = []  # what each fresh word is
        self.solver = z3.SolverFor(logic)
        self.solver.set("rlimit", rlimit)
        self.choices: list[Choice] = []
        self.known: dict[int, int] = {}  # where on the path a term was answered
        self.at = 0
        self.model: Any = None  # of the path so far
        self.questions = 0
        self.escape: Any = None  # what no path covers, once all are followed

    def bound(self, *terms: Any) -> None:
        """Keep every path to these terms."""
        self.domain += terms
        self.solver.add(*terms)

    def ask(self, *terms: Any) -> Any:
        """Return a model of the path so far and these terms, None if there is none."""
        self.questions += 1
        answer = self.solver.check(*terms)
        if answer == z3.unknown:
            raise Undecided(f"the solver gave up: {self.solver.reason_unknown()}")
        return self.solver.model() if answer == z3.sat else None

    def again(self, term: Any) -> bool | None:
        """Return what was answered at this place of the path before, if anything."""
        if self.at == len(self.choices):
            return None
        choice = self.choices[self.at]
        if not choice.term.eq(term):
            raise Unsupported("the function asks something else when it runs again")
        self.at += 1
        return choice.taken

    def push(self, choice: Choice) -> None:
        """Take one side from here on."""
        self.solver.push()
        self.solver.add(choice.side)
        choice.pushed = True

    def decide(self, term: Any) -> bool:
        """Return the side of a comparison that this path takes."""
        told = self.known.get(term.get_id(), self.at)
        if told < self.at and self.choices[told].term.eq(term):
            return self.choices[told].taken
        before = self.again(term)
        if before is not None:
            return before
        plain = z3.simplify(term)
        if z3.is_true(plain) or z3.is_false(plain):
            choice = Choice(term, bool(z3.is_true(plain)))
        else:
            here = bool(z3.is_true(self.model.eval(term, model_completion=True)))
            choice = Choice(term, here, self.ask(z3.Not(term) if here else term))
        if choice.other is not None:
            self.push(choice)
        self.known[term.get_id()] = self.at
        self.choices.append(choice)
        self.at += 1
        return choice.taken

    def assume(self, claim: Any) -> None:
        """Keep to the values for which a hypothesis is true, or leave the path."""
        if not isinstance(claim, Truth):
            if not claim:
                raise Ruled
            return
        if self.again(claim.term) is not None:
            return
        choice = Choice(claim.term, taken=True, hypothesis=True)
        self.push(choice)
        self.choices.append(choice)
        self.at += 1
        self.model = self.ask()
        if self.model is None:
            raise Ruled

    def turn(self) -> bool:
        """Change the last answer that has another side; say whether there was one."""
        below = None  # the path that ends here is covered,
        if self.model is None:  # or its hypotheses were found impossible
            below = z3.BoolVal(True)
        while self.choices:
            choice = self.choices[-1]
            if choice.pushed:
                self.solver.pop()
            if choice.other is not None:
                self.model, choice.other = choice.other, None
                choice.both, choice.first = True, below
                choice.taken = not choice.taken
                self.push(choice)
                return True
            below = self.choices.pop().left_open(below)
        self.escape = below
        return False

    def goal(self) -> Goal:
        """Return what has no model if every value is covered; all paths are followed.

        A model of it escapes them, by a side that was found to be impossible.
        """
        escape = z3.BoolVal(False) if self.escape is None else self.escape
        return Goal(self.logic, tuple(self.domain), escape)

    def ended(self) -> None:
        """Raise `Unsupported` if a path ended before its last answer was asked for."""
        if self.at < len(self.choices):
            raise Unsupported("the function asks less when it runs again")

    def follow(self, function: Callable[[], T]) -> Iterator[T]:
        """Yield what the function returns on each path within the hypotheses."""
        self.model = self.ask()
        for _ in range(MOST_PATHS):
            self.at = 0
            with suppress(Ruled):
                result = function()
                self.ended()
                yield result
            self.ended()
            if not self.turn():
                return
        raise Undecided(f"more than {MOST_PATHS:,} paths")


# ------------------------------------------------------------------ truth values


class Truth:
    """A comparison of words; asked for its truth, it asks the path."""

    __slots__ = ("paths", "term")

    def __init__(self, paths: Paths, term: Any) -> None:
        self.paths = paths
        self.term = term

    def __bool__(self) -> bool:
        return self.paths.decide(self.term)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, bool | Truth):
            return bool(self) is bool(other)
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]


def every(*claims: Any) -> Any:
    """Say that all claims are true, without a path for each; on bools, `all`."""
    words = [each for each in claims if isinstance(each, Truth)]
    if not all(each for each in claims if not isinstance(each, Truth)):
        return False
    if not words:
        return True
    if len(words) == 1:
        return words[0]
    return Truth(words[0].paths, z3.And([each.term for each in words]))


def denied(claim: Any) -> Any:
    """Say that a claim is false, without asking it."""
    if isinstance(claim, Truth):
        return Truth(claim.paths, z3.Not(claim.term))
    return not claim


def either(*claims: Any) -> Any:
    """Say that some claim is true, without a path for each; on bools, `any`."""
    return denied(every(*(denied(each) for each in claims)))


def agree(one: Any, two: Any) -> Any:
    """Say that both claims are true or both false."""
    return every(either(one, denied(two)), either(two, denied(one)))
