"""Integers of fields: words that are put together and taken apart by bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mmoracle.checkers.lemma import Symbolic
from mmoracle.checkers.symbolic import Paths, Unsupported
from mmoracle.checkers.word import Bounded, Word, one_of

LONG = 64


class Fields(Bounded):
    """An integer that started as a word, and what is known of its bits.

    The lowest `known` bits are those of `low`, and it is less than 1 << `above` where
    that is not none.  A union is said only of fields that cannot lie over each other;
    it keeps both, the lower one first.
    """

    __slots__ = ("above", "known", "low", "union")

    def __init__(
        self,
        paths: Paths,
        term: Any,
        known: int = 0,
        low: int = 0,
        above: int | None = None,
        union: tuple[Fields, Fields] | None = None,
    ) -> None:
        super().__init__(paths, term)
        self.known = known
        self.low = low & ((1 << known) - 1)
        self.above = above
        self.union = union

    def bits_of(self, other: Any) -> tuple[int, int]:
        """Return how many low bits of both are known, and those of the other one."""
        if isinstance(other, Fields):
            return min(self.known, other.known), other.low
        return self.known, int(other)

    def __add__(self, other: Any) -> Word:
        known, low = self.bits_of(other)
        term = super().__add__(other).term
        return Fields(self.paths, term, known, self.low + low)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Word:
        known, low = self.bits_of(other)
        term = super().__sub__(other).term
        return Fields(self.paths, term, known, self.low - low)

    def __rsub__(self, other: Any) -> Word:
        known, low = self.bits_of(other)
        term = super().__rsub__(other).term
        return Fields(self.paths, term, known, low - self.low)

    def __mul__(self, factor: int) -> Word:
        bits = (factor & -factor).bit_length() - 1  # of zeros
        term = super().__mul__(factor).term
        return Fields(self.paths, term, self.known + bits, self.low * factor)

    __rmul__ = __mul__

    def __lshift__(self, bits: int) -> Word:
        above = None if self.above is None else self.above + bits
        term = super().__mul__(1 << bits).term
        return Fields(self.paths, term, self.known + bits, self.low << bits, above)

    def __rshift__(self, bits: Any) -> Any:
        plain = one_of(bits, range(LONG))
        if plain == 0:
            return self
        if self.above is not None and self.above <= plain:
            return 0
        if self.union and self.union[1].known >= plain:
            return (self.union[0] >> plain) | (self.union[1] >> plain)
        above = None if self.above is None else max(0, self.above - plain)
        term = super().__rshift__(plain).term
        known = max(0, self.known - plain)
        return Fields(self.paths, term, known, self.low >> plain, above)

    def __mod__(self, divisor: int) -> Word:
        bits = divisor.bit_length() - 1
        if divisor != 1 << bits:
            return super().__mod__(divisor)
        if self.above is not None and self.above <= bits:
            return self
        if self.union and self.union[1].known >= bits:
            return self.union[0] % divisor
        term = super().__mod__(divisor).term
        return Fields(self.paths, term, min(self.known, bits), self.low, bits)

    def __and__(self, other: Any) -> Any:
        if not isinstance(other, int):
            raise Unsupported("words are masked by numbers only")
        mask = other if other >= 0 else ~other
        at, ones = run_of(mask)
        if mask.bit_length() <= self.known:
            field: Any = self.low & mask
        else:
            field = ((self >> at) % (ones + 1)) << at
        if other >= 0:
            return field
        if not mask or (self.above is not None and self.above <= at):
            return self
        rest = self - field
        return Fields(self.paths, rest.term, self.known, self.low & other)

    __rand__ = __and__

    def __or__(self, other: Any) -> Word:
        if isinstance(other, int):
            if other >> self.known:
                raise Unsupported("bits are set only where all are known")
            return self + (other & ~self.low) if other else self
        if not isinstance(other, Fields):
            return NotImplemented
        one, two = sorted((self, other), key=lambda each: each.known)
        if one.above is None or one.above > two.known or two.low:
            raise Unsupported("fields that may lie over each other are not united")
        term = one.term + two.term
        return Fields(self.paths, term, one.known, one.low, two.above, (one, two))

    __ror__ = __or__


def run_of(mask: int) -> tuple[int, int]:
    """Return where the ones of a mask begin, and these ones."""
    at = max(0, (mask & -mask).bit_length() - 1)
    ones = mask >> at
    if ones & (ones + 1):
        raise Unsupported("a mask has one run of bits only")
    return at, ones


@dataclass(frozen=True)
class OnFields(Symbolic):
    """Z3 over integers that start as words, and are put together by bits."""

    kind: type[Word] = Fields

    @property
    def name(self) -> str:
        """Return the prover's name."""
        return "z3 64-bit integers"
