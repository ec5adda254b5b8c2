"""Values as JSON and back, by the type that their place declares."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum, Flag
from functools import cache
from types import NoneType
from typing import Any, Literal, NewType, get_args, get_origin

from mmoracle.spec.linux import Addr

from .shape import arms, fields_of

SAFE = 1 << 53  # integers below it survive every reader of JSON
HEX = re.compile(r"-?0x[0-9a-fA-F]{1,32}")
SHOWN = 40  # characters of a wrong value that a message repeats


class Wrong(Exception):  # noqa: N818  (becomes one sentence)
    """A value that its place cannot hold: which place, and why.

    `lines` counts the lines of the text before the place, where it spans several.
    """

    def __init__(self, place: str, why: str, lines: int = 0) -> None:
        super().__init__(f"{place}: {why}")
        self.lines = lines


def encode(thing: Any, hint: Any) -> Any:
    """Return a value as JSON, by the type that its place declares."""
    members = arms(hint)
    if len(members) > 1:
        return encode_arm(thing, members)
    if isinstance(thing, Flag):
        return thing.value
    if isinstance(thing, Enum):
        return thing.name
    if isinstance(thing, bool | str | None):
        return thing
    if isinstance(thing, int):
        return hex(thing) if hint is Addr or abs(thing) >= SAFE else thing
    if isinstance(thing, tuple):
        hints = members_of(hint, len(thing))
        return [encode(each, hints[i]) for i, each in enumerate(thing)]
    return encode_fields(thing)


def encode_arm(thing: Any, members: tuple[Any, ...]) -> Any:
    """Return a member of a union as JSON; a dataclass says its name there."""
    for arm in members:
        if fits(thing, arm):
            named = {"$": type(thing).__name__} if is_record(arm) else {}
            form = encode(thing, arm)
            return named | form if named else form
    raise TypeError(f"{thing!r} is none of {members}")


def encode_fields(thing: Any) -> dict[str, Any]:
    """Return a dataclass value as a JSON object."""
    cls: Any = type(thing)
    hints = fields_of(cls)
    return {name: encode(getattr(thing, name), hints[name]) for name in hints}


def is_record(hint: Any) -> bool:
    """Say whether a type is a dataclass."""
    return isinstance(hint, type) and is_dataclass(hint)


def members_of(hint: Any, length: int) -> Sequence[Any]:
    """Return the types of a tuple's members."""
    given = get_args(hint)
    return given[:1] * length if given[-1:] == (...,) else given


def fits(thing: Any, hint: Any) -> bool:
    """Say whether a value is of a declared type."""
    if isinstance(hint, NewType):
        return fits(thing, hint.__supertype__)
    if len(arms(hint)) > 1:
        return any(fits(thing, arm) for arm in arms(hint))
    if get_origin(hint) is Literal:
        return any(
            thing == each and type(thing) is type(each) for each in get_args(hint)
        )
    if get_origin(hint) is tuple:
        if not isinstance(thing, tuple):
            return False
        hints = members_of(hint, len(thing))
        return len(hints) == len(thing) and all(map(fits, thing, hints))
    if hint is int:
        return type(thing) is int
    return hint is not Any and isinstance(thing, hint)


# ------------------------------------------------------------------ decoding


def decode(form: Any, hint: Any, place: str) -> Any:
    """Return the value that a piece of JSON stands for, or raise `Wrong`."""
    if hint is Addr or hint is int:
        return decode_int(form, place)
    members = arms(hint)
    if len(members) > 1:
        return decode_arm(form, members, place)
    if get_origin(hint) is tuple:
        return decode_tuple(form, hint, place)
    if get_origin(hint) is Literal:
        options = get_args(hint)
        return known(form, {each: each for each in options}, place)
    if isinstance(hint, NewType):
        return decode(form, hint.__supertype__, place)
    if hint is NoneType:
        return None if form is None else mismatch("null", form, place)
    if hint is bool or hint is str:
        right = type(form) is hint
        return form if right else mismatch(TEXTS[hint], form, place)
    if issubclass(hint, Flag):
        return decode_flags(form, hint, place)
    if issubclass(hint, Enum):
        return known(form, {each.name: each for each in hint}, place)
    return decode_fields(form, hint, place)


TEXTS: dict[Any, str] = {bool: "true or false", str: "a string"}


def mismatch(expected: str, form: Any, place: str) -> Any:
    """Raise `Wrong` for a value of another type."""
    text = "null" if form is None else repr(form)
    text = text if len(text) <= SHOWN else text[:SHOWN] + "…"
    raise Wrong(place, f"{expected} was expected, got {text}")


def decode_int(form: Any, place: str) -> int:
    """Return an integer from a number or a hexadecimal string."""
    if type(form) is int:
        return form
    if isinstance(form, str) and HEX.fullmatch(form):
        return int(form, 16)
    mismatch("an integer or a hexadecimal string", form, place)
    raise AssertionError


def known(form: Any, options: dict[Any, Any], place: str) -> Any:
    """Return the option that a name stands for."""
    for name, each in options.items():
        if type(form) is type(name) and form == name:
            return each
    return mismatch("one of " + ", ".join(map(str, options)), form, place)


def decode_flags(form: Any, hint: type[Flag], place: str) -> Any:
    """Return flags from the number of their bits."""
    bits = decode_int(form, place)
    every = 0
    for each in hint:
        every |= int(each.value)
    if bits & ~every:
        mismatch(f"bits of {every:#x}", form, place)
    return hint(bits)


def decode_tuple(form: Any, hint: Any, place: str) -> tuple[Any, ...]:
    """Return a tuple from a list."""
    if not isinstance(form, list):
        mismatch("a list", form, place)
    hints = members_of(hint, len(form))
    if len(hints) != len(form):
        mismatch(f"a list of {len(hints)}", form, place)
    return tuple(decode(each, hints[i], f"{place}[{i}]") for i, each in enumerate(form))


def decode_arm(form: Any, members: tuple[Any, ...], place: str) -> Any:
    """Return the value of the member of a union that the JSON fits."""
    named = form.get("$") if isinstance(form, dict) else None
    last = None
    for arm in members:
        if is_record(arm):
            if named == arm.__name__:
                rest = {name: each for name, each in form.items() if name != "$"}
                return decode_fields(rest, arm, place)
            continue
        try:
            return decode(form, arm, place)
        except Wrong as wrong:
            last = wrong if isinstance(form, list) else last
    if last is not None:
        raise last
    names = ", ".join(getattr(arm, "__name__", str(arm)) for arm in members)
    return mismatch(f"one of {names}", form, place)


@cache
def wanted(cls: Any) -> frozenset[str]:
    """Return the names of the fields that have no default."""
    return frozenset(
        each.name
        for each in fields(cls)
        if each.default is MISSING and each.default_factory is MISSING
    )


def decode_fields(form: Any, cls: Any, place: str) -> Any:
    """Return a dataclass value from a JSON object."""
    if not isinstance(form, dict):
        mismatch(f"the fields of {cls.__name__}", form, place)
    hints = fields_of(cls)
    dot = f"{place}." if place else ""
    for name in form.keys() - hints.keys():
        raise Wrong(f"{dot}{name}", f"{cls.__name__} has no such field")
    for name in sorted(wanted(cls) - form.keys()):
        raise Wrong(f"{dot}{name}", f"{cls.__name__} needs it, it is missing")
    values = {k: decode(v, hints[k], f"{dot}{k}") for k, v in form.items()}
    return cls(**values)
