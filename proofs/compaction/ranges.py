"""Numbers of a range as words."""

from __future__ import annotations

from typing import Any

from mmoracle.checkers.word import Word


def among(word: Any, numbers: range) -> Any:
    """Return the plain number that a word is, with a path for each, else the first."""
    if isinstance(word, Word):
        return next((number for number in numbers if word == number), numbers[0])
    return word if word in numbers else numbers[0]
