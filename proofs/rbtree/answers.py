"""Red-black trees: which answers of another implementation are taken, by both sides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mmoracle.checkers.bind import rbtree as binding
from mmoracle.checkers.lemma import Lemma, Mistake, Sweep
from mmoracle.checkers.mutants.rbtree import see_and_take
from mmoracle.spec.core import Disallowed
from mmoracle.spec.rbtree import (
    Erase,
    First,
    Insert,
    Last,
    Next,
    Postorder,
    Prev,
    Replace,
    ops,
)
from mmoracle.spec.rbtree.ops import ABSENT, MISPLACED, NOT_FIRST, PRESENT
from mmoracle.spec.rbtree.tree import tree_of

from .machine import without_fault
from .rules import MAX, some_coloured
from .shapes import heights, order, red_pairs

CALLS = ((), (("propagate", 1, None),))
BUGS = (ABSENT, PRESENT, MISPLACED, NOT_FIRST)


def is_permitted(op: Any, held: list[Any], answer: Any) -> bool:
    """Say whether anybody may answer this, told from the keys alone."""
    below = [key for key in held if key < getattr(op, "key", 0)]
    above = [key for key in held if key > getattr(op, "key", 0)]
    match op:
        case Insert(key, _, leftmost):
            wrong = NOT_FIRST if leftmost != (not below) else None
            refusal = PRESENT if key in held else wrong
        case Erase(key):
            refusal = None if key in held else ABSENT
        case Replace(victim, new):
            rest = [key for key in held if key != victim]
            moved = [key <= new for key in rest] != [key < victim for key in rest]
            refusal = (MISPLACED if moved else None) if victim in held else ABSENT
            refusal = MISPLACED if refusal is None and new in rest else refusal
        case Postorder():
            return sorted(answer) == held
        case _:
            ends = {First: held[:1], Last: held[-1:]}
            ways = {Next: above[:1], Prev: below[-1:]}
            absent = type(op) in ways and op.key not in held
            found = [] if absent else (ends | ways)[type(op)]
            return bool(answer == (found[0] if found else None))
    return bool(answer == refusal) if refusal else isinstance(answer, tuple)


@without_fault
def both_take_the_answers_that_are_permitted_and_no_other(top: Any, b: Any) -> bool:
    """Any other answer is refused, and a refusal leaves the machine as it was."""
    t = tree_of(MAX, b)
    held: list[Any] = order(b)
    for op in asked():
        for answer in answers_to(op, tuple(held)):
            machine = binding.load(MAX, t)
            ours, theirs = True, True
            try:
                op.after(MAX, t, answer)
            except Disallowed:
                ours = False
            try:
                binding.accept(machine, op, answer)
            except Disallowed:
                theirs = False
            permitted = is_permitted(op, held, answer)
            if not ours is theirs is permitted:
                return False
            if not permitted and binding.abstract(machine) != t:
                return False
    return True


def answers_to(op: Any, held: tuple[int, ...]) -> tuple[Any, ...]:
    """Return answers of the kind that an operation has."""
    if isinstance(op, (Insert, Erase, Replace)):
        return (*CALLS, *BUGS)
    if isinstance(op, Postorder):
        return held, held[::-1], held[1:], (*held, 1), (*held, 9)
    return (None, 1, 3, 5, *held)


def asked() -> Iterator[Any]:
    """Yield operations with few keys."""
    for key in range(7):
        yield from (Insert(key, 0, first) for first in (False, True))
        yield from (Erase(key), Next(key), Prev(key), Replace(1, key), Replace(key, 3))
    yield from (First(), Last(), Postorder())


def legal(top: int) -> Iterator[tuple[Any]]:
    """Yield every tree of up to three nodes that keeps the rules."""
    for (b,) in some_coloured():
        if b is None or not (b.red or red_pairs(b) or len(heights(b)) > 1):
            yield (b,)


# ------------------------------------------------------------------ mistakes


def require_nothing(holds: bool, rule: str, why: str) -> None:
    """Take every answer."""


def take_any_change(result: Any, refusal: Any, what: str, rule: str) -> None:
    """Take every answer to a change that is not refused."""
    if refusal is not None:
        right_answers(result, refusal, what, rule)


right_answers = ops.answers

ANSWERED = (
    Lemma(
        claim=both_take_the_answers_that_are_permitted_and_no_other,
        provers=(Sweep(cases=legal, scope="up to 3 nodes"),),
        mistakes=(
            Mistake(ops, "require", require_nothing),
            Mistake(ops, "answers", take_any_change),
            Mistake(binding, "refuse", see_and_take),
        ),
        size="every tree, some answers",
    ),
)
