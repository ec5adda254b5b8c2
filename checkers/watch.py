"""A machine that does not come back: an operation that takes too long is a crash.

A timer looks from time to time whether the machine is still at the same call.  If so
an exception ends it there, and the engine reports it as any other that it raises.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from mmoracle.spec.core import C, S

from .subsystem import M, Subsystem

PATIENCE = 10.0  # seconds for one call of a machine; most take microseconds
CALLS = ("build", "load", "abstract", "apply", "accept")


class Hung(Exception):  # noqa: N818  (a verdict, not an error)
    """The machine did not answer."""


class Watch:
    """Counts the calls of a machine, and knows which one lasts."""

    def __init__(self, patience: float) -> None:
        self.patience = patience
        self.calls = 0  # begun
        self.inside = False
        self.seen = -1  # the call that the timer met last

    def over(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function of a machine that is watched."""

        def watched(*args: Any) -> Any:
            self.calls += 1
            self.inside = True
            try:
                return call(*args)
            finally:
                self.inside = False

        return watched

    def look(self, *_: object) -> None:
        """End a call that was met before."""
        if self.inside and self.seen == self.calls:
            self.seen = -1
            raise Hung(f"no answer within {self.patience:g} seconds")
        self.seen = self.calls


@contextmanager
def watched(
    sub: Subsystem[C, S, M], patience: float = PATIENCE
) -> Iterator[Subsystem[C, S, M]]:
    """Yield the subsystem with a machine whose every call ends.

    Only where the system has timers, and in the main thread: they need it.
    """
    main = threading.current_thread() is threading.main_thread()
    if not main or not hasattr(signal, "setitimer"):
        yield sub
        return
    watch = Watch(patience)
    calls: dict[str, Any] = {name: watch.over(getattr(sub, name)) for name in CALLS}
    before = signal.signal(signal.SIGALRM, watch.look)
    signal.setitimer(signal.ITIMER_REAL, patience, patience)
    try:
        yield replace(sub, **calls)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
