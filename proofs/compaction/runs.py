"""Whole runs of compaction: both sides take the same steps, whatever happens meanwhile.

A case is a machine, its frames, a request, how its luck goes (whether pages move, locks
are busy, others have isolated too much), and what others do meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle, product
from typing import Any

from mmoracle.checkers.bind.compaction import COMPACTION as SUBSYSTEM
from mmoracle.checkers.bind.compaction_configs import CONFIGS
from mmoracle.checkers.lemma import Lemma, Mistake, Sweep, Values
from mmoracle.checkers.mutants import compaction_targets as mistakes
from mmoracle.impl.compaction.sources import Sources
from mmoracle.impl.compaction.targets import Targets
from mmoracle.proofs.alike import alike
from mmoracle.spec.compaction import deferral as asked
from mmoracle.spec.compaction import sources, zone_run
from mmoracle.spec.compaction.meanwhile import Drain, Free, Kill, Take
from mmoracle.spec.compaction.ops import Lay
from mmoracle.spec.compaction.parts import Config, Memory, Phase
from mmoracle.spec.compaction.requests import (
    Kcompactd,
    Return,
    TryToCompact,
    WakeupKcompactd,
)
from mmoracle.spec.compaction.rounds import BeginZone, EndZone, Finished, Settle
from mmoracle.spec.compaction.scanners import (
    IsolateFreepages,
    IsolateMigratepages,
    MigratePage,
)
from mmoracle.spec.linux import AllocFlags, CompactPriority

MACHINES = tuple(name for name in CONFIGS if name.startswith("tiny"))
STEPS = 60  # of a run at most

# how often pages move, locks are busy, others have isolated too much
LUCK = ((1,), (0, 1, 1), (1, 0), (0,))

# ------------------------------------------------------------------ a run

Told = Callable[[Memory], Any]


def next_step(luck: Iterator[int], s: Memory) -> Any:
    """Return the step of the run that is next, none where no run is going."""
    run = s.run
    if run is None:
        return None
    hurries = run.prio is CompactPriority.ASYNC
    busy = hurries and not run.cc.contended and not next(luck)
    match run.phase:
        case Phase.ZONE:
            return BeginZone()
        case Phase.FINISHED:
            return Finished()
        case Phase.SOURCE:
            crowded = (hurries or run.fatal) and not next(luck)
            return IsolateMigratepages(crowded, busy)
        case Phase.MOVE if run.cc.freepages:
            return MigratePage(bool(next(luck)))
        case Phase.MOVE:
            return IsolateFreepages(busy)
        case Phase.DRAIN:
            return Settle()
        case Phase.END:
            return EndZone(hurries and not next(luck))
    return Return()


def others(cfg: Config, kind: int, s: Memory) -> Any:
    """Return what others do in the middle of a run."""
    if s.run is None or not kind:
        return None
    if kind == 1:
        return Kill() if s.run.prio is not None and not s.run.fatal else None
    if kind == 2:
        held = sorted((mark, i) for i, mark in enumerate(s.pages) if mark in "uC")
        return Free(cfg.first + held[0][1], s.run.prio is not None) if held else None
    return Drain(s.run.at) if kind == 3 else Take(s.run.at, cfg.taken[-1], 1)


def questions(cfg: Config, order: int) -> list[Any]:
    """Return what may be asked of each zone, and the counters that may be told."""
    told: list[Any] = []
    for at in range(len(cfg.zones)):
        told += [asked.FragmentationIndex(at, order), asked.Deferred(at, order)]
        told += [asked.Suitable(at, order, flags) for flags in cfg.flags]
        told += [asked.Suitable(at, 0, AllocFlags.WMARK_LOW), asked.Served(at, order)]
        told += [asked.Restarting(at, order), asked.Defer(at, order)]
        told += [asked.Deferred(at, order), asked.Restarting(at, order)]
        told += [asked.DeferReset(at, order, served) for served in (False, True)]
    return told


def one_run(cfg: Config, begin: list[Any], luck: int, meanwhile: int) -> list[Any]:
    """Return the operations of one run, from its beginning to its end."""
    step = partial(next_step, cycle(LUCK[luck]))
    step_of_others = partial(others, cfg, meanwhile)
    few = [step] * (3 + meanwhile)
    return [*begin, *few, step_of_others, *few, step_of_others, *[step] * STEPS]


def begun(cfg: Config, which: int) -> list[Any]:
    """Return how a run begins: a request's, or kcompactd's."""
    highest = len(cfg.zones) - 1
    if "Kcompactd" in cfg.ops:
        order = cfg.asked[which % len(cfg.asked)]
        return [WakeupKcompactd(0, 0), WakeupKcompactd(order, highest), Kcompactd()]
    kinds = [*product(cfg.asked, cfg.gfps, cfg.prios, cfg.flags)]
    return [TryToCompact(*kinds[which % len(kinds)], highest)]


def both_sides_compact_alike(
    top: Any, machine: int, layout: int, request: int, luck: int, meanwhile: int
) -> Any:
    """Each step answers and changes the same; afterwards all questions do."""
    cfg = CONFIGS[MACHINES[machine]]
    told: list[Any] = [Lay(layout, layout % 2 == 0)]
    if request == 0 and luck == 0:
        told += questions(cfg, cfg.asked[-1])
    for again in range(min(cfg.runs, 2)):
        told += one_run(cfg, begun(cfg, request + again), luck, meanwhile)
    told += [asked.ResetIsolation(), *questions(cfg, cfg.asked[0])]
    return alike(SUBSYSTEM, cfg, told) is not None


def runs_of(machine: int, top: int) -> Iterator[Values]:
    """Yield a few layouts with each request, each luck, and what others may do."""
    cfg = CONFIGS[MACHINES[machine]]
    every = cfg.layouts or range(len(cfg.patterns) ** cfg.nr_blocks)
    few = [*every][:: max(1, len(every) // 24)]
    kinds = len([*product(cfg.asked, cfg.gfps, cfg.prios, cfg.flags)])
    for at, (layout, request) in enumerate(product(few, range(kinds))):
        yield machine, layout, request, 0, 0
        yield machine, layout, request, 1 + at % 3, 0
        yield machine, layout, request, at % 2, 1 + at // 2 % 4


# ------------------------------------------------------------------ mistakes


def moves_what_stays(cfg: Config, s: Memory, moves: bool) -> Any:
    """Move a page that cannot be unmapped."""
    return right_migrate(cfg, s, True)


def takes_pinned_ones(cc: Any, mark: str) -> bool:
    """Try to take pinned pages as well."""
    return mark in "mbu"


def leaves_the_scanner(self: Sources, pfn: int, end: int, busy: bool) -> int:
    """Leave the scanner where it is."""
    return pfn


right_migrate = zone_run.migrate

# ------------------------------------------------------------------ the lemmas

RUNS = (
    Lemma(
        claim=both_sides_compact_alike,
        slow=True,
        provers=tuple(
            Sweep(cases=partial(runs_of, at), scope=f"the machine {name}")
            for at, name in enumerate(MACHINES)
        ),
        mistakes=(
            Mistake(Targets, "__init__", mistakes.start_below_the_zone, bug="P16"),
            Mistake(
                Targets,
                "fast_search",
                mistakes.search_on_with_a_stale_candidate,
                bug="P72",
            ),
            Mistake(zone_run, "migrate", moves_what_stays),
            Mistake(sources, "takes", takes_pinned_ones),
            Mistake(Sources, "isolate_migratepages_block", leaves_the_scanner),
        ),
        size="zones of up to 9 page blocks of 4 frames",
    ),
)
