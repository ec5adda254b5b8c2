"""From a failing history to the shortest one, and whether it is known to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic

from mmoracle.spec.core import C, S

from .draw import width
from .explore import explore
from .judge import Judge
from .session import INVERSE, Entry
from .subsystem import Fidelity, M, Subsystem
from .trial import attempt, lower
from .verdict import MINIMAL, Failure

BUDGET = 100_000  # operations, for deleting and again for searching


@dataclass
class Reruns(Generic[C, S, M]):
    """Reruns of parts of a history, as long as the budget lasts."""

    x: Judge[C, S, M]
    rule: str
    left: int

    def fails(self, entries: Sequence[Entry]) -> Failure | None:
        """Return how these entries fail by the same rule, if they do."""
        if self.left <= 0:
            return None
        self.left -= len(entries) + 1
        return attempt(self.x, entries, self.rule, strict=True)


def shrink(
    sub: Subsystem[C, S, M],
    cfg: C,
    entries: Sequence[Entry],
    *,
    fidelity: Fidelity = Fidelity.EXACT,
    rule: str | None = None,
    budget: int = BUDGET,
) -> Failure | None:
    """Return the shortest failure found for the same rule; None if nothing fails.

    Whole states are compared here, so another rule may break before the one named.
    Entries are deleted while the rule still breaks, numbers are made smaller, and all
    shorter histories are searched: an empty search makes the result minimal.
    """
    x = Judge(sub, cfg, fidelity)
    failure = attempt(x, entries, rule) or attempt(x, entries)
    if failure is None:
        return None
    failure = delete(Reruns(x, failure.rule, budget), failure)
    return search(x, lower(x, failure), budget)


def delete(reruns: Reruns[C, S, M], failure: Failure) -> Failure:
    """Delete runs of entries, halving their length down to one, until none can go."""
    length = max(1, len(failure.trace) // 2)
    while True:
        shorter = without(reruns, failure, length)
        if shorter is not None:
            failure = shorter
        elif length == 1:
            return failure
        else:
            length //= 2
        length = max(1, min(length, len(failure.trace) // 2))


def without(reruns: Reruns[C, S, M], failure: Failure, length: int) -> Failure | None:
    """Return a failure with some run of this length deleted, the latest first."""
    trace = failure.trace
    for end in range(len(trace), 0, -length):
        found = reruns.fails((*trace[: max(0, end - length)], *trace[end:]))
        if found is not None and len(found.trace) < len(trace):
            return found
    return None


def search(x: Judge[C, S, M], failure: Failure, budget: int) -> Failure:
    """Search every shorter history for one that breaks the same rule."""
    first = x.sub.initial(x.cfg)
    if ways(x, first) > budget:
        return failure
    length = len(failure.trace) - (failure.rule != INVERSE)
    run = explore(
        x.sub,
        x.cfg,
        config="",
        fidelity=x.fidelity,
        limit=budget,
        deepest=length,
        only=failure.rule,
    )
    if run.failure is not None and len(run.failure.trace) < len(failure.trace):
        return run.failure
    complete = not run.cut or run.cut.startswith("at depth")
    return replace(failure, minimal=MINIMAL) if complete else failure


def ways(x: Judge[C, S, M], state: S) -> int:
    """Return how many operations there are to try in a state."""
    total = 0
    for op in x.sub.offers(x.cfg):
        product = 1
        for each in op.domain(x.cfg, state).values():
            product *= width(each)
        total += product
    return total
