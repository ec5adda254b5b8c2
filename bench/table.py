"""Measuring several sides in one run, and writing what came out as Markdown."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import TypeVar

K = TypeVar("K")
Times = dict[str, float]  # seconds for each operation, by its name
Side = Callable[[], Times]  # one repetition


@dataclass(frozen=True)
class Table:
    """One table of a report, with one sentence on what it shows."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str

    def markdown(self) -> str:
        """Return the table as Markdown, numbers to the right."""
        rule = ["---"] + ["---:"] * (len(self.head) - 1)
        lines = [line(self.head), line(rule), *(line(row) for row in self.rows)]
        return "\n".join([f"### {self.title}", "", *lines, "", self.note, ""])


def line(cells: Iterable[str]) -> str:
    """Return one row of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def fastest(sides: Mapping[K, Side], repeats: int) -> dict[K, Times]:
    """Return the fastest of each side's repetitions; the sides take turns.

    The garbage collector runs between repetitions and never inside one.
    """
    best: dict[K, Times] = {key: {} for key in sides}
    for _ in range(repeats):
        for key, side in sides.items():
            for name, seconds in undisturbed(side).items():
                least = best[key].get(name, seconds)
                best[key][name] = min(least, seconds)
    return best


def undisturbed(side: Side) -> Times:
    """Return the times of one repetition without garbage collection in between."""
    gc.collect()
    gc.disable()
    try:
        return side()
    finally:
        gc.enable()


def factor(number: float) -> str:
    """Return a ratio with two or three digits that mean something."""
    if isnan(number):
        return "none held"
    if number >= 100:
        return f"{number:,.0f}"
    return f"{number:.1f}" if number >= 1 else f"{number:.2f}"


def span(numbers: Iterable[float]) -> str:
    """Return the smallest and the greatest of some ratios."""
    found = sorted(numbers)
    return f"{factor(found[0])} to {factor(found[-1])}"


def spread(ratios: Iterable[float]) -> str:
    """Return, in words, how ratios of our time to a peer's compare with one."""
    found = list(ratios)
    slower, faster = [x for x in found if x > 1], [x for x in found if x <= 1]
    if not faster:
        return f"always slower than the peer, {span(slower)} times"
    if not slower:
        return f"never slower than the peer, {span(faster)} of its time"
    share = f"{len(slower)} of {len(found)} cells"
    return f"slower than the peer in {share} (up to {factor(max(slower))} times)"
