"""Frame numbers that are a known offset above an unknown base.

The base is any multiple of 2**ALIGN.  Whatever the page allocator asks of such numbers
follows from their offsets, or is asked of the solver, or is not answered at all.
"""

from __future__ import annotations

from typing import Any

import z3  # type: ignore[import-untyped]

from mmoracle.checkers.symbolic import Unsupported
from mmoracle.checkers.word import Whole, Word

ALIGN = 3


class Place(Whole):
    """The number base // 2**shift + offset, as an integer without a bound."""

    __slots__ = ("nth", "offset", "shift")

    def __init__(self, nth: Word, offset: int, shift: int = 0) -> None:
        whole = nth.term * z3.IntVal(1 << ALIGN - shift) + offset
        super().__init__(nth.paths, whole)
        self.nth, self.offset, self.shift = nth, offset, shift

    @property
    def room(self) -> int:
        """Return the number of which the base is a multiple."""
        return 1 << ALIGN - self.shift

    def moved(self, offset: int) -> Place:
        """Return a number with another offset above the same base."""
        return Place(self.nth, offset, self.shift)

    def is_near(self, other: Any) -> bool:
        """Say whether two numbers have one base."""
        alike = isinstance(other, Place) and other.shift == self.shift
        return alike and other.nth.term.eq(self.nth.term)

    def fits(self, mask: int) -> int:
        """Return a mask or a power of two, if the base has no bits there."""
        if not -self.room <= mask < self.room:
            raise Unsupported("the base has bits where a mask has some")
        return mask

    # -------------------------------------------------------------- arithmetic

    def __add__(self, other: Any) -> Any:
        return self.moved(self.offset + other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        if self.is_near(other):
            return self.offset - other.offset
        return self.moved(self.offset - other)

    def __xor__(self, bit: int) -> Any:
        if bit < self.room:
            return self.moved(self.offset ^ bit)
        step = bit // self.room  # the base has this bit
        high = self.nth + self.offset // self.room
        is_set = high // step % 2 == 1
        other = self.term + z3.If(is_set.term, -bit, z3.IntVal(bit))
        return Elsewhere(self.paths, other)

    def __or__(self, bit: int) -> Any:
        return self.moved(self.offset | self.fits(bit))

    def __and__(self, mask: Any) -> Any:
        low = self.offset & self.fits(mask)
        return low if mask >= 0 else self.moved(low)

    def __mod__(self, divisor: int) -> Any:
        return self & divisor - 1

    def __rshift__(self, bits: int) -> Any:
        self.fits((1 << bits) - 1)
        return Place(self.nth, self.offset >> bits, self.shift + bits)

    # -------------------------------------------------------------- comparisons

    def __eq__(self, other: object) -> Any:
        if isinstance(other, Place) and self.is_near(other):
            return self.offset == other.offset
        if isinstance(other, int) and other < self.offset:
            return False  # the base is not negative
        return super().__eq__(other)

    def __ne__(self, other: object) -> Any:
        if isinstance(other, Place) and self.is_near(other):
            return self.offset != other.offset
        return super().__ne__(other)

    def __lt__(self, other: Any) -> Any:
        if self.is_near(other):
            return self.offset < other.offset
        if isinstance(other, int) and other <= self.offset:
            return False
        return super().__lt__(other)

    def __gt__(self, other: Any) -> Any:
        if self.is_near(other):
            return self.offset > other.offset
        return super().__gt__(other)

    def __le__(self, other: Any) -> Any:
        if self.is_near(other):
            return self.offset <= other.offset
        return super().__le__(other)

    def __ge__(self, other: Any) -> Any:
        if self.is_near(other):
            return self.offset >= other.offset
        if isinstance(other, int) and other <= self.offset:
            return True
        return super().__ge__(other)

    def __hash__(self) -> int:
        return hash((self.offset, self.shift))


class Elsewhere(Whole):
    """A number above another base: it can be compared, but not looked up."""

    __slots__ = ()

    def __hash__(self) -> int:
        raise Unsupported("a number above another base is looked up")


def place(nth: Any, offset: int) -> Any:
    """Return a frame by the number of its largest block and its offset in there."""
    return Place(nth, offset) if isinstance(nth, Word) else (nth << ALIGN) + offset


def somewhere(word: int) -> int:
    """Return a number of a largest block, which is often the first of all."""
    return word if word % 3 else 0
