"""Exploring what is too large to explore: a state is two halves that do not touch.

The half is explored completely, on both sides.  A state of the whole is a pair of its
states, and goes where either goes; the few that are no pair, and the first, are run
whole.  That this is so is checked: on every state of the half, as two quarters, and on
a sample of the whole, where every operation is really done and compared.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from random import Random
from time import monotonic
from typing import Any, Generic, TypeAlias

from mmoracle.spec.core import C, S

from .explore import (
    BETWEEN_REPORTS,
    Cut,
    Progress,
    begin,
    judged,
    left,
    search,
    tally,
    visit,
)
from .judge import Judge
from .session import COMPOSED, Divergence, Entry
from .subsystem import Fidelity, Halves, M, Subsystem
from .trail import Links, blame, path, reach
from .trial import attempt
from .verdict import NOT_SHOWN, Failure, Run

SAMPLE = 2_000  # states of the whole on which both sides are run, to compare
SEED = 0
AT_ONCE = 4_096  # pairs expanded between two looks at the limit

Code: TypeAlias = int  # i * n + j for the pair (i, j); from n * n on, for no pair


class Broken(Exception):  # noqa: N818  (a verdict, not an error)
    """A rule is broken, and this is the failure to tell."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.why)
        self.failure = failure


@dataclass(frozen=True)
class Graph(Generic[S]):
    """A configuration explored: its states by number, and where each leads."""

    links: Links[S]
    number: dict[S, int]
    states: tuple[S, ...]
    leads: tuple[tuple[int, ...], ...]


@dataclass
class Whole(Generic[C, S, M]):
    """A configuration as pairs of the states of its half.

    `odd` are the states that are no pair; `seams` says where those, and the first,
    really lead: they are run, not composed.
    """

    x: Judge[C, S, M]
    halves: Halves[C, S]
    smaller: C
    half: Graph[S]
    odd: dict[S, Code] = field(default_factory=dict)
    links: Links[S] = field(default_factory=dict)  # to the odd ones
    seams: dict[Code, tuple[Code, ...]] = field(default_factory=dict)
    seen: bytearray = field(default_factory=bytearray)
    states: int = 0
    depth: int = 0
    moves: int = 0  # that were composed
    compared: int = 0  # states that lead where their halves lead, as was seen

    def __post_init__(self) -> None:
        self.size = len(self.half.states)
        self.swaps = self.halves.swaps(self.x.cfg)

    # -------------------------------------------------------------- states and codes

    def pair(self, i: int, j: int) -> Code:
        """Return the code of two halves."""
        return j * self.size + i if self.swaps and j < i else i * self.size + j

    def joined(self, one: S, other: S) -> S:
        """Return the state that two halves make, up to symmetry."""
        whole = self.halves.join(self.x.cfg, one, other)
        return self.x.sub.canonical(self.x.cfg, whole)

    def code(self, state: S) -> Code:
        """Return the code of a state, a new one if it is no pair."""
        parts = self.halves.split(self.x.cfg, state)
        if parts is None:
            return self.odd.setdefault(state, self.size**2 + len(self.odd))
        one, other = (self.x.sub.canonical(self.smaller, each) for each in parts)
        for each in (one, other):
            if each not in self.half.number:
                raise Divergence(
                    COMPOSED, f"no history of a half leads to {each}", None
                )
        return self.pair(self.half.number[one], self.half.number[other])

    def state(self, code: Code) -> S:
        """Return the state of a code."""
        if code >= self.size**2:
            return list(self.odd)[code - self.size**2]
        i, j = divmod(code, self.size)
        return self.joined(self.half.states[i], self.half.states[j])

    def composed(self, code: Code) -> set[Code]:
        """Return where a state leads according to its halves."""
        if code >= self.size**2:
            return set()
        i, j = divmod(code, self.size)
        moved = {self.pair(k, j) for k in self.half.leads[i]}
        return (moved | {self.pair(i, k) for k in self.half.leads[j]}) - {code}

    def way_to(self, code: Code) -> Links[S]:
        """Return the links of one history to a state: its left half, then its right."""
        here = self.joined(self.half.states[0], self.half.states[0])
        links: Links[S] = {here: None, **self.links}
        if code >= self.size**2:
            return links
        one, other = (self.half.states[each] for each in divmod(code, self.size))
        steps = [
            (entry, self.joined(each, self.half.states[0]))
            for entry, each in path(self.half.links, one)
        ]
        steps += [
            (entry, self.joined(one, each))
            for entry, each in path(self.half.links, other)
        ]
        for entry, there in steps:
            links.setdefault(there, (here, entry))
            here = there
        return links

    # -------------------------------------------------------------- running it whole

    def run(self, code: Code) -> dict[Code, Entry]:
        """Judge every operation from a state on both sides; return where they lead."""
        state, found = self.state(code), dict[Code, Entry]()
        try:
            for step in visit(self.x, state):
                following = self.x.sub.canonical(self.x.cfg, step.after)
                entry = Entry(step.op, step.result)
                if following != state:
                    found.setdefault(self.code(following), entry)
                    if following in self.odd:
                        self.links.setdefault(following, (state, entry))
        except Divergence as fault:
            if fault.rule == COMPOSED:
                raise self.broken(code, fault.why) from fault
            failure = blame(self.x, self.way_to(code), state, fault)
            raise Broken(replace(failure, minimal=NOT_SHOWN)) from fault
        return found

    def compare(self, code: Code, real: Collection[Code]) -> None:
        """Raise `Broken` where a state does not lead where its halves lead.

        Those that are run whole may lead elsewhere as well.
        """
        due, state = self.composed(code), self.state(code)
        if self.code(state) != code:
            raise self.broken(code, "two halves are not the pair that was joined")
        view = self.x.sub.view
        for each in sorted(due.difference(real)):
            where = view(self.state(each))
            raise self.broken(code, f"a half leads to {where}, the whole does not")
        for each in sorted(set(real) - due if code not in self.seams else ()):
            where = view(self.state(each))
            raise self.broken(code, f"the whole leads to {where}, no half does")
        self.compared += 1

    def broken(self, code: Code, why: str) -> Broken:
        """Return the violation at a state, with a history that leads there."""
        state = self.state(code)
        entries = reach(self.x, self.way_to(code), state)
        return Broken(Failure(COMPOSED, f"after this, {why}", entries, NOT_SHOWN))

    def stitch(self) -> None:
        """Run the first state whole, and all that are no pair."""
        first = self.x.sub.canonical(self.x.cfg, self.x.sub.initial(self.x.cfg))
        if self.code(first) != 0:
            raise self.broken(0, f"the halves begin, not at {first}")
        todo = [0]
        for code in todo:
            try:
                real = self.run(code)
            except Cut:
                raise Cut("the states that are no pairs not run") from None
            self.seams[code] = tuple(real)
            todo += [each for each in real if each >= self.size**2 and each not in todo]
            self.compare(code, real)

    # -------------------------------------------------------------- composing

    def spread(self, progress: Progress | None) -> None:
        """Go from the first pair to all others, breadth first."""
        self.seen = bytearray(self.size**2 + len(self.odd))
        level, self.seen[0], told = [0], 1, monotonic()
        self.states = 1
        while level:
            following: list[Code] = []
            for at in range(0, len(level), AT_ONCE):
                waiting = len(level) - at + len(following)
                if self.x.limit is not None and self.made >= self.x.limit:
                    raise Cut(f"{waiting} pairs not expanded, depth {self.depth}")
                if progress is not None and monotonic() - told > BETWEEN_REPORTS:
                    told, met = monotonic(), self.states + len(following)
                    progress(tally(self.x.steps, met, waiting, self.depth))
                self.moves += beyond(self, level[at : at + AT_ONCE], following)
            self.states += len(following)
            self.depth += bool(following)
            level = following

    @property
    def made(self) -> int:
        """Return how many steps were judged or composed."""
        return self.x.steps + self.moves

    def sample(self, most: int) -> list[Code]:
        """Return states to compare: all if few, else some and all next to the first."""
        if self.states <= most:
            return [code for code, met in enumerate(self.seen) if met]
        border = {
            self.pair(k, 0) for k, leads in enumerate(self.half.leads) if 0 in leads
        }
        drawn, at = dict.fromkeys(sorted(border)), Random(SEED)
        while len(drawn) < most:
            code = at.randrange(len(self.seen))
            if self.seen[code]:
                drawn[code] = None
        return list(drawn)


def beyond(w: Whole[C, S, M], level: list[Code], following: list[Code]) -> int:
    """Append what lies next to these states and was not seen; return the moves made.

    This is where the time goes: `Whole.composed` says the same at leisure.
    """
    size, leads, seen, swaps, moves = w.size, w.half.leads, w.seen, w.swaps, 0
    for code in level:
        if code in w.seams:
            there = list(w.seams[code])
        else:
            i, j = divmod(code, size)
            if swaps:
                there = [k * size + j if k <= j else j * size + k for k in leads[i]]
                there += [k * size + i if k < i else i * size + k for k in leads[j]]
            else:
                there = [k * size + j for k in leads[i]]
                there += [i * size + k for k in leads[j]]
        moves += len(there)
        for each in there:
            if not seen[each]:
                seen[each] = 1
                following.append(each)
    return moves


# ------------------------------------------------------------------ the engine


def compose(
    sub: Subsystem[C, S, M],
    cfg: C,
    *,
    config: str,
    fidelity: Fidelity = Fidelity.ALLOWED,
    limit: int | None = None,
    sample: int = SAMPLE,
    progress: Progress | None = None,
) -> Run:
    """Explore a configuration by exploring its half, and compare `sample` states.

    `limit` is in operations judged or composed.
    """
    started = monotonic()
    assert sub.halves is not None
    smaller = sub.halves.half(cfg)
    assert smaller is not None
    x, w = Judge(sub, smaller, fidelity, limit=limit), None
    failure, cut = None, ""
    try:
        half = explored(x, progress)
        x = quarters(x, sub.halves, half, progress)
        x = going_on(x, cfg)
        w = Whole(x, sub.halves, smaller, half)
        w.stitch()
        w.spread(progress)
        verify(w, sample, progress)
    except Cut as where:
        cut = f"after {limit} steps: {where}"
    except Broken as found:
        failure = found.failure if w else of_whole(x, cfg, found.failure)
    except Divergence as found:
        failure = Failure(found.rule, found.why, (), NOT_SHOWN)
    run = judged(going_on(x, cfg) if w is None else x, cut, failure)
    run = replace(run, config=config, seconds=monotonic() - started)
    return run if w is None else counted(run, w)


def counted(run: Run, w: Whole[C, S, M]) -> Run:
    """Return the run with what was run on both sides told from what was composed."""
    size, rest = w.size, w.states - w.compared
    how = (
        f"{w.compared:,} states run on both sides, {rest:,} composed of the {size:,} "
        f"of a half, which were all run (sample seed {SEED})"
    )
    extra: dict[str, Any] = {"half": size, "compared": w.compared, "composed": w.moves}
    return replace(
        run,
        states=w.states,
        depth=w.depth,
        scope=f"{run.scope}; {how}",
        extra={**run.extra, **extra},
    )


def going_on(x: Judge[C, S, M], cfg: C) -> Judge[C, S, M]:
    """Return a judge of another configuration that goes on counting."""
    return replace(x, cfg=cfg, reached={}, foreign=set())


def explored(x: Judge[C, S, M], progress: Progress | None) -> Graph[S]:
    """Explore a configuration on both sides; return what was met."""
    found = begin(x, leads=True)
    try:
        search(x, found, progress=progress)
    except Cut:
        raise Cut(f"{left(found)}, in a half") from None
    except Divergence as fault:
        raise Broken(blame(x, found.links, found.state, fault)) from fault
    number = {state: i for i, state in enumerate(found.links)}
    assert found.leads is not None
    leads = tuple(
        tuple(number[each] for each in found.leads.get(state, ()) if each != state)
        for state in number
    )
    return Graph(found.links, number, tuple(number), leads)


def quarters(
    x: Judge[C, S, M], halves: Halves[C, S], half: Graph[S], progress: Progress | None
) -> Judge[C, S, M]:
    """Compare every state of the half with two quarters, where there are such."""
    smaller = halves.half(x.cfg)
    if smaller is None:
        return x
    quarter = going_on(x, smaller)
    w = Whole(x, halves, smaller, explored(quarter, progress))
    codes = [w.code(state) for state in half.states]
    for i, code in enumerate(codes):
        if w.state(code) != half.states[i]:
            raise w.broken(code, f"the pair is not {half.states[i]}")
        real = [codes[k] for k in half.leads[i]]
        if i == 0 or code >= w.size**2:
            w.seams[code] = tuple(real)
        w.compare(code, real)
    return quarter


def verify(w: Whole[C, S, M], most: int, progress: Progress | None) -> None:
    """Run a sample of the states whole, and compare where they lead."""
    todo = [code for code in w.sample(most) if code not in w.seams]
    if w.x.limit is not None:
        w.x.limit = max(w.x.steps, w.x.limit - w.moves)
    told = monotonic()
    for i, code in enumerate(todo):
        try:
            w.compare(code, w.run(code))
        except Cut:
            raise Cut(f"{len(todo) - i} states not compared") from None
        if progress is not None and monotonic() - told > BETWEEN_REPORTS:
            told = monotonic()
            progress(tally(w.x.steps, w.states, len(todo) - i, w.depth))


def of_whole(x: Judge[C, S, M], cfg: C, failure: Failure) -> Failure:
    """Return a failure of the half as one of the whole, where it is one as well."""
    again = attempt(Judge(x.sub, cfg, x.fidelity), failure.trace, failure.rule)
    why = f"{failure.why} (in a half of it)"
    return again or replace(failure, why=why, minimal=NOT_SHOWN)
