"""Walks: both sides take the same steps on small machines, whatever comes next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from mmoracle.checkers.bind.reclaim import RECLAIM as SUBSYSTEM
from mmoracle.checkers.bind.reclaim_configs import CONFIGS
from mmoracle.checkers.lemma import Lemma, Mistake, Sweep, Values
from mmoracle.checkers.mutants import reclaim_counts as of_counts
from mmoracle.checkers.mutants import reclaim_kswapd as of_kswapd
from mmoracle.checkers.mutants import reclaim_tasks as of_tasks_mistakes
from mmoracle.impl.reclaim import count
from mmoracle.impl.reclaim import kswapd as background
from mmoracle.impl.reclaim.direct import Task
from mmoracle.proofs.alike import alike
from mmoracle.spec.reclaim import counts, direct, kswapd, shrink
from mmoracle.spec.reclaim.levels import Boost, Free, Merge, ScanCount, Take
from mmoracle.spec.reclaim.ops import (
    TASK,
    NodeReclaim,
    Resume,
    RunKswapd,
    Shrunk,
    Suitable,
    TryToFree,
    WakeKswapd,
    causes,
    is_walking,
    scans,
)
from mmoracle.spec.reclaim.state import Config, Direct, Label, State

from .counts import halved
from .rounds import as_hard_as_before, forced_again

MACHINES = tuple(each for each in CONFIGS if each.startswith(("tiny", "v5.10")))
WALKS_OF_EACH, STEPS = 40, 60
COUNTERS = tuple(each for each in MACHINES if CONFIGS[each].aims)

# ------------------------------------------------------------------ what may be next


def of_tasks(cfg: Config, s: State) -> Iterator[Any]:
    """Yield what a task may do, or begin."""
    if s.task is None:
        yield from map(TryToFree, cfg.requests)
        for at, cache in enumerate(cfg.caches):
            request = cfg.requests[at % len(cfg.requests)]
            for mode in cfg.modes:
                yield NodeReclaim(cfg.nodes - 1, request, mode, cache, False, at == 5)
                yield NodeReclaim(0, request, mode, cache, at % 7 == 3, False)
    elif isinstance(s.task, Direct) and s.task.waits >= 0:
        yield from map(Resume, causes(s.task))
    elif is_walking(s):
        yield from (Suitable(TASK, suits) for suits in shrink.SUITS)


def of_scans(cfg: Config, s: State) -> Iterator[Any]:
    """Yield what the scans under way may answer."""
    for who, (scan, sc) in scans(s).items():
        if scan.asking >= 0:
            yield from (Suitable(who, suits) for suits in shrink.SUITS)
        else:
            for told in cfg.passes:
                if shrink.possible(cfg, s, scan, sc, told):
                    yield Shrunk((who, told))


def of_kswapds(cfg: Config, s: State) -> Iterator[Any]:
    """Yield who may be woken, and the kswapds that may run."""
    for at, node in enumerate(s.nodes):
        if node.kswapd.label not in (Label.ASLEEP, Label.SCANNING):
            yield RunKswapd(at)
    for at, by in enumerate(cfg.wakes):
        for zone, place in enumerate(cfg.zones):
            yield WakeKswapd(zone, by, cfg.zones[-1].index, True)
            yield WakeKswapd(zone, by, place.index, zone != at)


def of_pages(cfg: Config, s: State) -> Iterator[Any]:
    """Yield what others may do with pages."""
    for zone in cfg.moving:
        yield from (Take(zone, cfg.steps[-1], use) for use in cfg.uses)
        yield from (Free(zone, pages) for pages in cfg.steps)
        yield from (Boost(zone, pages) for pages in cfg.boosts)
        yield from (Merge(zone, order) for order in cfg.blocks)


KINDS = (of_scans, of_tasks, of_kswapds, of_pages)


class Walk:
    """Choices of what is next: the same for the same number."""

    def __init__(self, cfg: Config, seed: int) -> None:
        self.cfg = cfg
        self.state = seed * 2654435761 + 12345

    def among(self, count: int) -> int:
        """Return a number below another."""
        self.state = (self.state * 1103515245 + 12345) % (1 << 31)
        return (self.state >> 8) % count

    def __call__(self, s: State) -> Any:
        """Return what is next: mostly answers, and now and then something else."""
        first = self.among(8)
        kinds = KINDS if first < 4 else (*KINDS[first - 4 :], *KINDS)
        for kind in kinds:
            offered = self.cfg.ops
            options = [
                op
                for op in kind(self.cfg, s)
                if not offered or type(op).__name__ in offered
            ]
            if options:
                return options[self.among(len(options))]
        return None


def walks(machine: int, top: int) -> Iterator[Values]:
    """Yield the numbers of a few walks on a machine."""
    yield from ((machine, seed) for seed in range(WALKS_OF_EACH))


def both_sides_reclaim_alike(top: Any, machine: int, seed: int) -> Any:
    """At each of the steps both sides ask the same, and are in the same state."""
    cfg = CONFIGS[MACHINES[machine]]
    return alike(SUBSYSTEM, cfg, [Walk(cfg, seed)] * STEPS) is not None


# ------------------------------------------------------------------ counts of a scan


def scan_counts(machine: int, top: int) -> Iterator[Values]:
    """Yield lists and groups of a few sizes."""
    few = range(len(sizes_of(machine)))
    for size in few:
        for low in few:
            yield from ((machine, size, low, least, low) for least in few)
            yield from ((machine, size, low, least, least) for least in few)


def sizes_of(machine: int) -> tuple[int, ...]:
    """Return a few sizes of lists on a machine."""
    cfg = CONFIGS[COUNTERS[machine]]
    every = cfg.sizes or tuple(range(1 << cfg.widest))
    return every[:: max(1, len(every) // 8)]


def both_sides_count_alike(
    top: Any, machine: int, size: int, low: int, least: int, usage: int
) -> Any:
    """A scan looks at the same number of pages, whatever is weighed or protected."""
    cfg, sizes = CONFIGS[COUNTERS[machine]], sizes_of(machine)
    told = sizes[size], sizes[low], sizes[least], sizes[usage]
    counted = []
    for at, aim in enumerate(cfg.aims):
        for prio in cfg.priorities:
            flags = (size + at) % 2 == 0, (low + at + prio) % 3 > 0, least % 2 == at % 2
            is_file, online, again = flags
            counted.append(ScanCount(is_file, *told, online, aim, prio, again))
            other = ScanCount(not is_file, *told, not online, aim, prio, not again)
            counted.append(other)
    return alike(SUBSYSTEM, cfg, counted) is not None


def freed_twice(cfg: Config, s: State, scan: Any, sc: Any, told: Any) -> Any:
    """Count the pages that a scan freed twice."""
    s, sc = right_passed(cfg, s, scan, sc, told)
    freed = sum(told.file) + sum(told.anon)
    return s, replace(sc, reclaimed=sc.reclaimed + freed)


right_passed = shrink.passed

# ------------------------------------------------------------------ the lemmas


def each(
    machines: tuple[str, ...], cases: Callable[[int, int], Iterator[Values]]
) -> tuple[Sweep, ...]:
    """Return a sweep for each machine."""
    return tuple(
        Sweep(cases=partial(cases, at), scope=f"the machine {name}")
        for at, name in enumerate(machines)
    )


WALKS = (
    Lemma(
        claim=both_sides_reclaim_alike,
        slow=True,
        provers=each(MACHINES, walks),
        mistakes=(
            Mistake(Task, "leave", of_tasks_mistakes.return_the_goal),
            Mistake(Task, "scan", of_tasks_mistakes.twice_in_a_row),
            Mistake(background, "wakeup_kswapd", of_kswapd.wake_for_the_asked),
            Mistake(kswapd, "raises_priority", as_hard_as_before),
            Mistake(direct, "again", forced_again),
            Mistake(shrink, "passed", freed_twice),
        ),
        size=f"walks of {STEPS} steps",
    ),
    Lemma(
        claim=both_sides_count_alike,
        provers=each(COUNTERS, scan_counts),
        mistakes=(
            Mistake(count, "protected_scan", of_counts.divide_by_usage, bug="P71"),
            Mistake(counts, "aged", halved),
        ),
        size="a few sizes of lists",
    ),
)
