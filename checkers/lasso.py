"""A history that never ends: a stem, and a loop that can be gone round for ever.

Every operation from every state is done on the machine, breadth first, and the steps
are searched for a loop that does not pass through rest.  Where there is none, every
history returns to rest.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic

from mmoracle.spec.core import C, S, Step

from .session import Entry
from .subsystem import M, Subsystem, moves


@dataclass(frozen=True)
class Lasso:
    """The shortest way into a loop, and the shortest way round it."""

    stem: tuple[Entry, ...]
    loop: tuple[Entry, ...]


@dataclass
class Graph(Generic[S]):
    """Where each state leads, and how each was met first."""

    first: S
    edges: dict[S, dict[S, Entry]]
    met: dict[S, tuple[S, Entry]]

    def way_to(self, state: S) -> tuple[Entry, ...]:
        """Return the shortest history that leads to a state."""
        way: list[Entry] = []
        while state != self.first:
            state, entry = self.met[state]
            way.append(entry)
        return tuple(reversed(way))


def lasso(
    sub: Subsystem[C, S, M],
    cfg: C,
    *,
    rests: Callable[[S], bool],
    meant: Callable[[Step[C, S]], bool] = lambda step: False,
) -> Lasso | None:
    """Return the first loop that avoids states at rest and steps that are meant to."""
    graph = walk_all(sub, cfg, meant)
    for state in on_loops(graph, rests):
        loop = way_round(graph, state, rests)
        if loop is not None:
            return Lasso(graph.way_to(state), loop)
    return None


def walk_all(
    sub: Subsystem[C, S, M], cfg: C, meant: Callable[[Step[C, S]], bool]
) -> Graph[S]:
    """Do everything from every state; steps that may go round are left out after."""
    first = sub.canonical(cfg, sub.initial(cfg))
    graph: Graph[S] = Graph(first, {first: {}}, {})
    frontier = deque([first])
    while frontier:
        state = frontier.popleft()
        for op in moves(sub, cfg, state):
            machine = sub.load(cfg, state)
            result = sub.apply(machine, op)
            after = sub.abstract(machine)
            entry, name = Entry(op, result), sub.canonical(cfg, after)
            if name not in graph.edges:
                graph.edges[name] = {}
                graph.met[name] = (state, entry)
                frontier.append(name)
            if not meant(Step(state, op, result, after)):
                graph.edges[state].setdefault(name, entry)
    return graph


def on_loops(graph: Graph[S], rests: Callable[[S], bool]) -> list[S]:
    """Return states that may be on a loop, in the order in which they were met.

    States that lead only to rest, or to such states, are taken away until none is left.
    """
    leads = {s: {t for t in to if not rests(t)} for s, to in graph.edges.items()}
    comes: dict[S, list[S]] = {}
    for state, to in leads.items():
        for each in to:
            comes.setdefault(each, []).append(state)
    ends = [state for state, to in leads.items() if not to]
    gone = set(ends)
    while ends:
        for state in comes.get(ends.pop(), ()):
            if state not in gone and not leads[state] - gone:
                gone.add(state)
                ends.append(state)
    return [state for state in graph.edges if state not in gone and not rests(state)]


def way_round(
    graph: Graph[S], start: S, rests: Callable[[S], bool]
) -> tuple[Entry, ...] | None:
    """Return the shortest way from a state back to it, none if there is none."""
    ways: dict[S, tuple[Entry, ...]] = {}
    frontier: deque[tuple[S, tuple[Entry, ...]]] = deque([(start, ())])
    while frontier:
        state, way = frontier.popleft()
        for following, entry in graph.edges[state].items():
            if following == start:
                return (*way, entry)
            if following not in ways and not rests(following):
                ways[following] = (*way, entry)
                frontier.append((following, ways[following]))
    return None
