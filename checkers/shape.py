"""The types that operations and answers declare, read from their annotations.

The codec decodes by them; exploration draws answers of the right type from them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import is_dataclass, replace
from enum import Enum, Flag
from functools import cache
from types import NoneType, UnionType
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints

INTS = (-1, 0)  # answers that are rarely right


@cache
def fields_of(cls: Any) -> dict[str, Any]:
    """Return the type of each field of a dataclass, in order."""
    hints = get_type_hints(cls)
    return {name: hints[name] for name in cls.__dataclass_fields__}


@cache
def answer_of(op: Any) -> Any:
    """Return the type of an operation's answers: what its `choose` returns."""
    return get_type_hints(op.choose)["return"]


def arms(hint: Any) -> tuple[Any, ...]:
    """Return the members of a union, or the type itself."""
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def samples(hint: Any) -> Iterator[Any]:
    """Yield a few values of a type, chosen without regard to what is true."""
    if isinstance(hint, NewType):
        hint = hint.__supertype__
    if len(arms(hint)) > 1:
        for arm in arms(hint):
            yield from samples(arm)
    elif hint is NoneType:
        yield None
    elif hint is bool:
        yield from (False, True)
    elif hint is int:
        yield from INTS
    elif hint is str:
        yield "?"
    elif get_origin(hint) is tuple:
        yield from sample_tuples(get_args(hint))
    elif isinstance(hint, type) and issubclass(hint, Enum):
        yield from [hint(0)] if issubclass(hint, Flag) else list(hint)[:2]
    elif isinstance(hint, type) and is_dataclass(hint):
        yield from sample_records(hint)


def sample_records(cls: Any) -> Iterator[Any]:
    """Yield one value of a dataclass, and others that differ in one field each."""
    kinds = {name: tuple(samples(each)) for name, each in fields_of(cls).items()}
    if all(kinds.values()):
        first = cls(**{name: each[0] for name, each in kinds.items()})
        yield first
        for name, each in kinds.items():
            for other in each[1:]:
                yield replace(first, **{name: other})


def sample_tuples(members: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """Yield an empty tuple and one of a single member, or one of a fixed shape."""
    if members[-1:] == (...,):
        yield ()
        for one in samples(members[0]):
            yield (one,)
            return
    else:
        yield tuple(next(samples(each), None) for each in members)
