"""Symbolic numbers: each stands for any value at all.

`Exact` words compute as Python does: their terms grow, so that nothing ever wraps.
`Whole` words are the integers from 0 up, without a bound; `Bounded` ones start below
2**bits and never wrap either, `Wrapping` ones compute as unsigned words of C do.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import z3  # type: ignore[import-untyped]

from .symbolic import Paths, Truth, Unsupported


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
        bits = min(divisor.bit_length() - 1, self.term.size() - 1)
        return self.like(self.term >> bits)  # arithmetic: floor


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
        paths.bound(word.term >= 0)
        if kind is not Whole:
            paths.bound(word.term < 1 << bits)
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
