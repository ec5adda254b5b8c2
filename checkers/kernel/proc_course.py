"""Courses that a boot may have taken, and the choice between them.

A course gives all marks of all zones, or all reserves, or all pagesets.  The first of
several is what Linux does by itself; the others need a reason, which the row gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from .proc_machine import Key, Machine, Moments, Pages
from .proc_settings import Settings
from .zoneinfo import Zone

Bounds: TypeAlias = tuple[int, int]  # any number from the first to the second
Name: TypeAlias = tuple[int, str, str]  # node, zone, fact


@dataclass(frozen=True)
class Candidate:
    """One course: how its numbers come about, why it needs a reason, the numbers."""

    how: str
    why: str = ""  # nothing: Linux does so by itself
    due: dict[Name, int | Bounds] = field(default_factory=dict)


@dataclass(frozen=True)
class Look:
    """One snapshot beside the machine: all that the formulas read."""

    machine: Machine
    zones: Sequence[Zone]
    at: Moments
    settings: Settings
    hot: Pages = field(default_factory=dict)  # added while the machine ran

    @property
    def lowmem(self) -> tuple[int, ...]:
        """Return the zone types that ordinary kernel memory may come from."""
        normal = self.machine.layout.normal
        return tuple(range(normal + 1))

    def pages(self, managed: Pages, types: Sequence[int]) -> Iterator[tuple[Key, int]]:
        """Yield the managed pages of each zone of some types."""
        names = self.machine.layout.names
        for zone in self.zones:
            if zone.name in [names[each] for each in types]:
                yield (zone.node, zone.name), managed.get((zone.node, zone.name), 0)

    def present(self, key: Key) -> int:
        """Return the present pages of a zone."""
        return self.machine.extent(key).present + self.hot.get(key, 0)


def fits(due: int | Bounds, seen: int) -> bool:
    """Say whether a number is the one that is due, or within its bounds."""
    return due[0] <= seen <= due[1] if isinstance(due, tuple) else due == seen


def choose(candidates: Sequence[Candidate], seen: dict[Name, int]) -> Candidate:
    """Return the course that most numbers agree with, the first of several."""
    return max(
        candidates,
        key=lambda each: sum(
            name in each.due and fits(each.due[name], n) for name, n in seen.items()
        ),
    )
