"""The mutant runner: put one mistake into the machine and see which rule complains.

A mutant replaces one attribute of one class or module.  It is killed when the rule
that it names is the first to complain; a mutant that nobody notices, or that another
rule notices first, survives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from time import monotonic
from typing import Any

from mmoracle.spec.core import sentence

from .session import Entry
from .settings import Unusable, nearest
from .subsystem import Subsystem
from .verdict import Run
from .watch import watched

LIMIT = 200_000  # operations judged before a mutant counts as a survivor
WALK = 20_000  # operations of one random history
SEED = 1


class Obsolete(Exception):  # noqa: N818  (the mutant is wrong, not the program)
    """A mutant no longer applies: what it replaces is gone."""


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One mistake: what is replaced by what, and the rule that must complain."""

    id: str
    subsystem: str
    source: str = "ours"  # where the mistake was met
    target: Any  # the class or module to patch
    name: str  # its attribute
    broken: Any  # what stands there instead
    rule: str
    config: str
    engine: str = "explore"
    quirks: tuple[str, ...] = ()  # the configuration's quirks, where they matter

    @property
    def about(self) -> str:
        """Return the mistake in one sentence: what the replacement says of itself."""
        return sentence(self.broken)


# id, rule, configuration, what is patched, its attribute, the mistake
Line = tuple[str, str, str, Any, str, Any]


def tabled(
    subsystem: str,
    lines: Iterable[Line],
    sources: Mapping[str, str],
    engine: str = "explore",
) -> tuple[Mutant, ...]:
    """Return the mutants of a table; what precedes the dash in an id is its source."""
    return tuple(
        Mutant(
            id=label,
            subsystem=subsystem,
            source=sources.get(label.partition("-")[0], "ours"),
            target=target,
            name=name,
            broken=broken,
            rule=rule,
            config=config,
            engine=engine,
        )
        for label, rule, config, target, name, broken in lines
    )


@dataclass(frozen=True)
class Trial:
    """What became of one mutant; `rule` is the one that complained first, if any."""

    mutant: Mutant
    killed: bool
    rule: str | None
    why: str
    steps: int
    states: int
    seconds: float
    length: int
    trace: tuple[Entry, ...] = ()


@contextmanager
def patched(mutant: Mutant) -> Iterator[None]:
    """Put the mistake in place; take it away again whatever happens."""
    there = vars(mutant.target)
    if mutant.name not in there:
        where = getattr(mutant.target, "__name__", repr(mutant.target))
        why = f"{where} has no {mutant.name}"
        raise Obsolete(f"mutant {mutant.id} no longer applies: {why}")
    right = there[mutant.name]
    setattr(mutant.target, mutant.name, mutant.broken)
    try:
        yield
    finally:
        setattr(mutant.target, mutant.name, right)


def trial(mutant: Mutant, sub: Subsystem[Any, Any, Any]) -> Trial:
    """Run the mutant's engine on its configuration until the first complaint."""
    started = monotonic()
    with patched(mutant), watched(sub) as sub:
        run = hunt(mutant, sub)
    seconds = monotonic() - started
    found = run.failure
    if found is None:
        return Trial(mutant, False, None, "", run.steps, run.states, seconds, 0)
    return Trial(
        mutant=mutant,
        killed=found.rule == mutant.rule,
        rule=found.rule,
        why=found.why,
        steps=run.steps,
        states=run.states,
        seconds=seconds,
        length=len(found.trace),
        trace=found.trace,
    )


def hunt(mutant: Mutant, sub: Subsystem[Any, Any, Any]) -> Run:
    """Run the engine that the mutant names."""
    if mutant.config not in sub.configs:
        why = f"{sub.name} has no configuration {mutant.config}"
        raise Obsolete(f"mutant {mutant.id} no longer applies: {why}")
    cfg = sub.configs[mutant.config]
    if mutant.quirks:
        cfg = replace(cfg, quirks=mutant.quirks)
    if mutant.engine == "walk":
        from .walk import walk

        return walk(sub, cfg, config=mutant.config, steps=WALK, seed=SEED)
    from .explore import explore

    return explore(sub, cfg, config=mutant.config, limit=LIMIT)


def picked(subsystems: Sequence[str], ids: Sequence[str]) -> list[Mutant]:
    """Return the mutants of these subsystems, or those of these ids."""
    known = [
        each
        for name, mutants in load_mutants().items()
        if name in subsystems
        for each in mutants
    ]
    names = [each.id for each in known]
    for one in ids:
        if one not in names:
            raise Unusable(f"there is no mutant {one}, {nearest(one, names)}")
    return [each for each in known if not ids or each.id in ids]


def load_mutants() -> dict[str, tuple[Mutant, ...]]:
    """Return the mutants of each subsystem x: X_MUTANTS in mutants/x.py."""
    found: dict[str, tuple[Mutant, ...]] = {}
    for name in import_module(".registry", __package__).SUBSYSTEMS:
        place = f"{__package__}.mutants.{name}"
        if find_spec(place) is not None:
            found[name] = getattr(import_module(place), f"{name.upper()}_MUTANTS")
    return found


# ------------------------------------------------------------------ telling


def line_of(trial: Trial) -> str:
    """Return one mutant on one line."""
    mutant = trial.mutant
    facts = f"{trial.steps:,} steps, {trial.seconds:.1f} s"
    if trial.killed:
        fate = f"killed by {trial.rule} with {trial.length} operations"
        return f"killed    {mutant.id:<25} {fate}, {facts}"
    fate = (
        f"{trial.rule} complained: {trial.why}" if trial.rule else "nobody complained"
    )
    expected = f"{mutant.rule} was to complain"
    return f"SURVIVED  {mutant.id:<25} {fate}, {expected}, {facts}; {mutant.about}"


def trials_json(trials: Sequence[Trial]) -> dict[str, Any]:
    """Return the fate of every mutant as plain data."""
    return {
        "killed": sum(each.killed for each in trials),
        "total": len(trials),
        "mutants": [
            {
                "id": each.mutant.id,
                "subsystem": each.mutant.subsystem,
                "killed": each.killed,
                "by": each.mutant.engine,
                "invariant": each.rule,
                "expected": each.mutant.rule,
                "about": each.mutant.about,
                "source": each.mutant.source,
                "steps": each.steps,
                "states": each.states,
                "seconds": round(each.seconds, 3),
                "length": each.length,
            }
            for each in trials
        ],
    }
