"""One operation on both sides: the same answer, and the same state after it.

The specification's operation and the machine's run as they are shipped, through the
binding that every engine uses; numbers in the state and in the arguments may be words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from mmoracle.checkers.subsystem import Subsystem
from mmoracle.checkers.symbolic import every
from mmoracle.checkers.word import Word
from mmoracle.spec.core import Disallowed, Op


def parts(one: Any, two: Any) -> Iterator[Any]:
    """Yield what must be true for two values to be the same, number by number."""
    if isinstance(one, Word) or isinstance(two, Word):
        yield one == two
    elif is_dataclass(one) and type(one) is type(two):
        for each in fields(one):
            yield from parts(getattr(one, each.name), getattr(two, each.name))
    elif isinstance(one, (tuple, list)) and isinstance(two, (tuple, list)):
        yield len(one) == len(two)
        for a, b in zip(one, two, strict=False):
            yield from parts(a, b)
    else:
        yield one == two


def equal(one: Any, two: Any) -> Any:
    """Say that two values are the same, in one claim."""
    return every(*parts(one, two))


def both_do_alike(
    sub: Subsystem[Any, Any, Any], cfg: Any, state: Any, op: Op[Any, Any]
) -> Any:
    """Say that an operation gives one answer, and leads to one state."""
    machine = sub.load(cfg, state)
    answer, due = sub.apply(machine, op), op.choose(cfg, state)
    return every(
        equal(answer, due), equal(sub.abstract(machine), op.after(cfg, state, due))
    )


def both_judge_alike(
    sub: Subsystem[Any, Any, Any], cfg: Any, state: Any, op: Op[Any, Any], answer: Any
) -> bool:
    """Say that both sides refuse an answer by the same rule, or go on alike from it."""
    machine = sub.load(cfg, state)
    rule, taken = "", state
    try:
        taken = op.after(cfg, state, answer)
    except Disallowed as no:
        rule = no.rule
    try:
        sub.accept(machine, op, answer)
    except Disallowed as no:
        return rule == no.rule and bool(sub.abstract(machine) == state)
    return not rule and bool(sub.abstract(machine) == taken)
