"""What reclaim answers: what it asks next, what it returns, whom it wakes on the way.

An operation answers with these in order; the last one is the question that is open, or
the end.

Source: mm/vmscan.c (v5.10).
"""

from __future__ import annotations

from typing import TypeAlias

from ..core import value
from .state import State


@value
class Shrink:
    """A scan of a node is asked for."""

    node: int


@value
class Suits:
    """Compaction is asked whether a zone suits it."""

    zone: int


@value
class Waits:
    """The task waits until a node has more free pages; `timed` for a second at most."""

    node: int
    timed: bool


@value
class Returns:
    """A reclaim returns a number."""

    number: int


@value
class Naps:
    """A kswapd sleeps for a tenth of a second."""

    node: int


@value
class Sleeps:
    """A kswapd sleeps until it is woken."""

    node: int


@value
class WakesKswapd:
    """A kswapd is woken."""

    node: int


@value
class WakesKcompactd:
    """wakeup_kcompactd() is called, which does nothing for order 0."""

    node: int
    order: int
    highest: int


@value
class WakesThrottled:
    """The tasks that wait for a node's free pages are woken."""

    node: int


Event: TypeAlias = (
    Shrink
    | Suits
    | Waits
    | Returns
    | Naps
    | Sleeps
    | WakesKswapd
    | WakesKcompactd
    | WakesThrottled
)
Events: TypeAlias = tuple[Event, ...]
Went: TypeAlias = tuple[State, Events]
