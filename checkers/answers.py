"""Wrong answers: what is offered to both sides to see whether they refuse alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any

from mmoracle.spec.core import C, Op, Result, S

from .shape import answer_of, samples
from .terms import fits

KEPT = 6  # answers remembered for each operation


def looks(answer: Result) -> tuple[Any, ...]:
    """Return what makes an answer of another kind than others."""
    if isinstance(answer, tuple):
        return ("tuple", min(len(answer), 3), *map(type, answer[:3]))
    if isinstance(answer, int) and not isinstance(answer, bool | Enum):
        return (type(answer), answer < 0, answer == 0)
    return (type(answer), answer)


def near(answer: Result) -> Iterator[Result]:
    """Yield values that differ in one place, not all of them of the same type."""
    if isinstance(answer, tuple) and answer:
        yield answer[:-1]
        for last in near(answer[-1]):
            yield (*answer[:-1], last)
    elif isinstance(answer, int) and not isinstance(answer, bool | Enum):
        yield answer + 1
    elif is_dataclass(answer) and not isinstance(answer, type):
        for each in fields(answer):
            for other in near(getattr(answer, each.name)):
                yield replace(answer, **{each.name: other})
                return


class Pool:
    """The most varied answers that each operation has given so far."""

    def __init__(self) -> None:
        self.seen: dict[type[Any], dict[tuple[Any, ...], Result]] = {}
        self.offers: dict[type[Any], tuple[Result, ...]] = {}
        self.turn = 0

    def add(self, op: Op[C, S], answer: Result) -> None:
        """Remember an answer if it is of a new kind and there is room."""
        kind = type(op)
        seen = self.seen.setdefault(kind, {})
        if len(seen) < KEPT and looks(answer) not in seen:
            seen[looks(answer)] = answer
            foreign = tuple(samples(answer_of(kind)))
            self.offers[kind] = (*seen.values(), *foreign)

    def others(
        self, op: Op[C, S], answer: Result, most: int | None = None
    ) -> list[Result]:
        """Return answers to offer in place of the right one; `most` takes some in turn.

        Taking turns meets every answer at some argument without the full product.
        """
        hint = answer_of(type(op))
        close = [each for each in near(answer) if fits(each, hint)]
        offers = (*self.offers.get(type(op), ()), *close)
        if most is not None and len(offers) > most:
            self.turn += most
            start = self.turn % len(offers)
            offers = (*offers[start:], *offers[:start])[:most]
        return [each for each in offers if each != answer]
