"""Running a Python function on symbolic words, and following every one of its paths.

A `Word` stands for any value at all.  The function under proof runs as it is shipped;
whenever it asks whether a comparison of words is true, `Paths` answers: one side now,
the other side in a later run, no side that the solver shows to be impossible.

`Exact` words compute as Python does: their terms grow, so that nothing ever wraps.
`Whole` words are the integers from 0 up, without a bound; `Bounded` ones start below
2**bits and never wrap either, `Wrapping` ones compute as unsigned words of C do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import z3  # type: ignore[import-untyped]

T = TypeVar("T")

RLIMIT = 40_000_000  # the solver's own unit of work, for one question
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


class Paths:
    """The answers of one path over one solver, and which of them to change next.

    A path is followed again from its start, so the function must be deterministic;
    that it asks the same questions again is checked.
    """

    def __init__(self, logic: str, rlimit: int = RLIMIT) -> None:
        self.solver = z3.SolverFor(logic)
        self.solver.set("rlimit", rlimit)
        self.choices: list[Choice] = []
        self.at = 0
        self.model: Any = None  # of the path so far
        self.questions = 0

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
        self.solver.add(choice.term if choice.taken else z3.Not(choice.term))
        choice.pushed = True

    def decide(self, term: Any) -> bool:
        """Return the side of a comparison that this path takes."""
        plain = z3.simplify(term)
        if z3.is_true(plain) or z3.is_false(plain):
            return bool(z3.is_true(plain))
        before = self.again(term)
        if before is not None:
            return before
        here = bool(z3.is_true(self.model.eval(term, model_completion=True)))
        choice = Choice(term, here, self.ask(z3.Not(term) if here else term))
        if choice.other is not None:
            self.push(choice)
        self.choices.append(choice)
        self.at += 1
        return here

    def assume(self, claim: Any) -> None:
        """Keep to the values for which a hypothesis is true, or leave the path."""
        if not isinstance(claim, Truth):
            if not claim:
                raise Ruled
            return
        if self.again(claim.term) is not None:
            return
        choice = Choice(claim.term, taken=True)
        self.push(choice)
        self.choices.append(choice)
        self.at += 1
        self.model = self.ask()
        if self.model is None:
            raise Ruled

    def turn(self) -> bool:
        """Change the last answer that has another side; say whether there was one."""
        while self.choices:
            choice = self.choices[-1]
            if choice.pushed:
                self.solver.pop()
            if choice.other is not None:
                self.model, choice.other = choice.other, None
                choice.taken = not choice.taken
                self.push(choice)
                return True
            self.choices.pop()
        return False

    def follow(self, function: Callable[[], T]) -> Iterator[T]:
        """Yield what the function returns on each path within the hypotheses."""
        self.model = self.ask()
        for _ in range(MOST_PATHS):
            self.at = 0
            with suppress(Ruled):
                yield function()
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


def every(*claims: Any) -> Any:
    """Say that all claims are true, without a path for each; on bools, `all`."""
    words = [each for each in claims if isinstance(each, Truth)]
    if not all(each for each in claims if not isinstance(each, Truth)):
        return False
    if not words:
        return True
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


# ------------------------------------------------------------------ words


class Word:
    """A symbolic number; operators build terms, `bool` and comparisons ask the path."""

    __slots__ = ("paths", "term")
    logic: ClassVar[str]

    def __init__(self, paths: Paths, term: Any) -> None:
        self.paths = paths
        self.term = term

    def pair(self, other: Any, carry: int = 0) -> tuple[Any, Any]:
        """Return both terms in one sort, with room for `carry` more bits."""
        raise NotImplementedError

    def less(self, a: Any, b: Any) -> Any:
        """Return the term that says a < b."""
        return a < b

    def like(self, term: Any) -> Word:
        """Return a word of this kind."""
        return type(self)(self.paths, term)

    def __add__(self, other: Any) -> Word:
        a, b = self.pair(other, 1)
        return self.like(a + b)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Word:
        a, b = self.pair(other, 1)
        return self.like(a - b)

    def __rsub__(self, other: Any) -> Word:
        a, b = self.pair(other, 1)
        return self.like(b - a)

    def __neg__(self) -> Word:
        return 0 - self

    def __mul__(self, factor: int) -> Word:
        a, b = self.pair(factor, factor.bit_length())
        return self.like(a * b)

    __rmul__ = __mul__

    def __and__(self, other: Any) -> Word:
        a, b = self.pair(other)
        return self.like(a & b)

    __rand__ = __and__

    def __or__(self, other: Any) -> Word:
        a, b = self.pair(other)
        return self.like(a | b)

    __ror__ = __or__

    def __invert__(self) -> Word:
        return self.like(~self.term)

    def __lshift__(self, bits: int) -> Word:
        return self * (1 << bits)

    def __rshift__(self, bits: int) -> Word:
        return self // (1 << bits)

    def __floordiv__(self, divisor: int) -> Word:
        raise NotImplementedError

    def __mod__(self, divisor: int) -> Word:
        return self - self // divisor * divisor

    def __lt__(self, other: Any) -> Truth:
        a, b = self.pair(other)
        return Truth(self.paths, self.less(a, b))

    def __gt__(self, other: Any) -> Truth:
        a, b = self.pair(other)
        return Truth(self.paths, self.less(b, a))

    def __le__(self, other: Any) -> Truth:
        a, b = self.pair(other)
        return Truth(self.paths, z3.Not(self.less(b, a)))

    def __ge__(self, other: Any) -> Truth:
        a, b = self.pair(other)
        return Truth(self.paths, z3.Not(self.less(a, b)))

    def __eq__(self, other: object) -> Truth:  # type: ignore[override]
        if not isinstance(other, (int, Word)):
            return NotImplemented
        a, b = self.pair(other)
        return Truth(self.paths, a == b)

    def __ne__(self, other: object) -> Truth:  # type: ignore[override]
        if not isinstance(other, (int, Word)):
            return NotImplemented
        a, b = self.pair(other)
        return Truth(self.paths, a != b)

    def __hash__(self) -> int:
        return 0  # sets and dictionaries then compare, and so ask the path

    def __bool__(self) -> bool:
        return bool(self != 0)


class Exact(Word):
    """A Python integer that started as a word: signed, as wide as it must be."""

    __slots__ = ()
    logic = "QF_BV"

    def pair(self, other: Any, carry: int = 0) -> tuple[Any, Any]:
        """Return both terms sign-extended to one width."""
        a = self.term
        b = other.term if isinstance(other, Word) else literal(other)
        width = max(a.size(), b.size()) + carry
        return z3.SignExt(width - a.size(), a), z3.SignExt(width - b.size(), b)

    def __floordiv__(self, divisor: int) -> Word:
        if divisor <= 0 or divisor & (divisor - 1):
            raise Unsupported("words are divided by powers of two only")
        return self.like(self.term >> (divisor.bit_length() - 1))  # arithmetic: floor


class Whole(Word):
    """An integer without a bound; only masks of low or of high bits are known."""

    __slots__ = ()
    logic = "QF_LIA"

    def pair(self, other: Any, carry: int = 0) -> tuple[Any, Any]:
        """Return both terms as integers."""
        b = other.term if isinstance(other, Word) else z3.IntVal(other)
        return self.term, b

    def __and__(self, other: Any) -> Word:
        if isinstance(other, int) and other >= 0 and not other & (other + 1):
            return self % (other + 1)
        if isinstance(other, int) and other < 0 and not -other & (-other - 1):
            return self - self % -other
        raise Unsupported("integers are masked at one power of two only")

    def __or__(self, other: Any) -> Word:
        raise Unsupported("an integer without a bound has no bits here")

    __rand__, __ror__ = __and__, __or__

    def __invert__(self) -> Word:
        return -1 - self

    def __floordiv__(self, divisor: int) -> Word:
        if divisor <= 0:
            raise Unsupported("integers are divided by positive numbers only")
        return self.like(self.term / z3.IntVal(divisor))  # floor, for these


class Bounded(Whole):
    """An integer that started as a word; never wraps, and is quicker than `Exact`."""

    __slots__ = ()


class Wrapping(Whole):
    """An unsigned word of C as an integer: every sum and difference wraps."""

    __slots__ = ()
    SIZE: ClassVar[int] = 1 << 64

    def pair(self, other: Any, carry: int = 0) -> tuple[Any, Any]:
        """Return both terms as integers; numbers wrap as well."""
        return super().pair(other % self.SIZE if isinstance(other, int) else other)

    def wrapped(self, term: Any) -> Word:
        """Return a sum or a difference of two words as a word."""
        low = z3.If(term < 0, term + self.SIZE, term)
        return self.like(z3.If(term >= self.SIZE, term - self.SIZE, low))

    def __add__(self, other: Any) -> Word:
        a, b = self.pair(other)
        return self.wrapped(a + b)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Word:
        a, b = self.pair(other)
        return self.wrapped(a - b)

    def __rsub__(self, other: Any) -> Word:
        a, b = self.pair(other)
        return self.wrapped(b - a)

    def __mul__(self, factor: int) -> Word:
        raise Unsupported("products of wrapping words are not known")

    __rmul__ = __mul__

    def __mod__(self, divisor: int) -> Word:
        return self.like(self.term % z3.IntVal(divisor))


def literal(number: int) -> Any:
    """Return a number as a signed term just wide enough."""
    return z3.BitVecVal(number, number.bit_length() + 1)


def fresh(kind: type[Word], paths: Paths, name: str, bits: int) -> Word:
    """Return a word of any value: 0 to 2**bits - 1, or any integer from 0 up."""
    if issubclass(kind, Whole):
        word = kind(paths, z3.Int(name))
        paths.solver.add(word.term >= 0)
        if kind is not Whole:
            paths.solver.add(word.term < 1 << bits)
        return word
    term = z3.BitVec(name, bits)
    return kind(paths, z3.ZeroExt(1, term) if kind is Exact else term)


def one_of(word: Any, numbers: Iterable[int]) -> Any:
    """Return the plain number that a word is, following a path for each of these."""
    if isinstance(word, Word):
        return next((number for number in numbers if word == number), word)
    return word


def value_of(model: Any, word: Word) -> int:
    """Return the number that a model gives to a fresh word."""
    number = model.eval(word.term, model_completion=True)
    return int(number.as_long())
