"""A specification and its machine taken through the same operations, step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from mmoracle.checkers.subsystem import Subsystem

Told = Callable[[Any, Any], None]


def alike(
    sub: Subsystem[Any, Any, Any],
    cfg: Any,
    operations: Iterable[Any],
    state: Any = None,
) -> Any:
    """Return the state that both sides come to, none where they part.

    An operation may be a function of the state; one that is none is passed over.
    """
    s = sub.initial(cfg) if state is None else state
    m = sub.load(cfg, s)
    for told in operations:
        op = told(s) if callable(told) else told
        if op is None:
            continue
        due = op.choose(cfg, s)
        s = op.after(cfg, s, due)
        got = sub.apply(m, op)
        if got != due or type(got) is not type(due) or sub.abstract(m) != s:
            return None
    return s
