"""Words that are multiplied and divided by words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mmoracle.checkers.lemma import Symbolic
from mmoracle.checkers.word import Whole, Word, one_of


class Ratio(Whole):
    """An integer that started as a word, and is multiplied and divided by others."""

    __slots__ = ()
    logic = "QF_NIA"

    def __mul__(self, factor: Any) -> Word:
        a, b = self.pair(factor)
        return self.like(a * b)

    __rmul__ = __mul__

    def __floordiv__(self, divisor: Any) -> Word:
        if isinstance(divisor, int):
            return super().__floordiv__(divisor)
        assert divisor > 0, "a divisor is 0"
        return self.like(self.term / divisor.term)  # floor, for these


@dataclass(frozen=True)
class Ratios(Symbolic):
    """Z3 over integers that start as words, with products and quotients of them."""

    kind: type[Word] = Ratio

    @property
    def name(self) -> str:
        """Return the prover's name."""
        return "z3 64-bit integers"


def is_on(word: Any) -> bool:
    """Return a flag that is a word, with a path for each side."""
    return bool(one_of(word, (0, 1)))
