"""The shipped functions of specifications and machines, and which of them run.

Code objects are compared by identity: what a proof runs is what a user runs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType, FrameType, FunctionType
from typing import Any

SIDES = ("mmoracle.spec.", "mmoracle.impl.")


def functions() -> Iterator[FunctionType]:
    """Yield every function and method of the specifications and machines, once."""
    met: set[int] = set()
    for name, module in sorted(sys.modules.items()):
        if name.startswith(SIDES):
            for thing in list(vars(module).values()):
                for each in unwrapped(thing):
                    written = each.__code__.co_filename != "<string>"
                    if each.__module__ == name and written and id(each) not in met:
                        met.add(id(each))
                        yield each


def unwrapped(thing: Any) -> Iterator[FunctionType]:
    """Yield the functions behind a name: of a class, a property, a cache."""
    if isinstance(thing, type):
        for each in list(vars(thing).values()):
            if not isinstance(each, type):
                yield from unwrapped(each)
        return
    for name in ("fget", "func", "__func__", "__wrapped__"):
        inner = getattr(thing, name, None)
        if inner is not None and not isinstance(thing, FunctionType):
            yield from unwrapped(inner)
            return
    inner = getattr(thing, "__wrapped__", thing)
    if isinstance(inner, FunctionType):
        yield inner


def codes_in(code: CodeType) -> Iterator[CodeType]:
    """Yield a code object and all that are defined within it."""
    yield code
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from codes_in(each)


@contextmanager
def heard() -> Iterator[set[CodeType]]:
    """Collect the code that runs meanwhile."""
    codes: set[CodeType] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            codes.add(frame.f_code)

    sys.setprofile(note)
    try:
        yield codes
    finally:
        sys.setprofile(None)


Key = tuple[str, str, int]


def key_of(code: CodeType) -> Key:
    """Return what identifies code in another process."""
    return code.co_filename, code.co_qualname, code.co_firstlineno


def owners() -> dict[Key, FunctionType]:
    """Return the shipped function that each code belongs to."""
    return {
        key_of(code): each for each in functions() for code in codes_in(each.__code__)
    }
