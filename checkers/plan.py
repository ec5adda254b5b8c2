"""Which runs `mmoracle check` makes, and what they conclude together."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import Any

from mmoracle.spec.core import sentence

from .codec import Header, trace_lines, write_trace
from .compose import compose
from .explore import Progress, explore
from .lockstep import lockstep
from .minimize import shrink
from .pool import Pool
from .registry import SUBSYSTEMS
from .session import GENERIC_RULES, RULES_OF_ENGINES
from .settings import Disabled, Settings, Unusable, nearest
from .subsystem import Fidelity, Subsystem
from .verdict import MINIMAL, Failure, Run, Verdict, overall
from .walk import walk
from .watch import watched

ENGINES = ("explore", "lockstep", "walk")
EXPLORED = ("tiny", "deep")  # scopes small enough to be complete
HISTORY = 50  # operations in one history of lockstep
SHARE = 8  # lockstep makes one step where walk makes so many
FAILURES = Path(".mmoracle") / "failures"

AnySub = Subsystem[Any, Any, Any]


@dataclass(frozen=True)
class Job:
    """One run that is to be made."""

    sub: AnySub
    config: str
    engine: str
    fidelity: Fidelity


@dataclass
class Report:
    """What has been run, and what it says; `left` runs were not made."""

    settings: Settings
    runs: list[Run] = field(default_factory=list)
    files: dict[int, str] = field(default_factory=dict)  # run -> saved failure
    missed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    left: int = 0
    seconds: float = 0.0  # from first to last, on however many cores
    interrupted: bool = False

    @property
    def verdict(self) -> Verdict:
        """Return the verdict on everything, vacuity and interruption included."""
        verdicts = [run.verdict for run in self.runs]
        if self.interrupted:
            verdicts.append(Verdict.INCONCLUSIVE)
        if any(self.missed.values()):
            verdicts.append(Verdict.NOTHING)
        return overall(verdicts)


# ------------------------------------------------------------------ choosing


def chosen(names: Sequence[str]) -> list[AnySub]:
    """Return the subsystems of these names, all where none is named."""
    for name in names:
        if name not in SUBSYSTEMS:
            why = f"there is no subsystem {name}, {nearest(name, SUBSYSTEMS)}"
            raise Unusable(why)
    return [each for name, each in SUBSYSTEMS.items() if not names or name in names]


def owes_witnesses(scope: str | None) -> bool:
    """Say whether a scope must reach every witness: the tiny one, alone or by default.

    A larger size may look at fewer operations, and is complete in those all the same.
    """
    return scope in (None, "tiny")


def of_scope(config: str, scope: str) -> bool:
    """Say whether a configuration belongs to a scope."""
    return config == scope or config.startswith(f"{scope}-")


def engines_for(config: str) -> tuple[str, ...]:
    """Return the engines that suit a configuration, by the scope in its name."""
    explored = config.partition("-")[0] in EXPLORED
    return ("explore",) if explored else ("lockstep", "walk")


def jobs(
    subs: Sequence[AnySub],
    settings: Settings,
    engine: str | None,
    config: str | None,
    each_must: bool = False,
) -> list[Job]:
    """Return the runs to make, the exhaustive ones first in each subsystem."""
    named = config or settings.scope
    known = sorted({each for sub in subs for each in sub.configs})
    scopes = sorted({each.partition("-")[0] for each in known} | set(known))
    if config is not None and config not in known:
        raise Unusable(f"there is no configuration {config}, {nearest(config, known)}")
    if named is not None and named not in scopes:
        raise Unusable(f"there is no scope {named}, {nearest(named, scopes)}")
    for sub in subs if each_must and config is not None else ():
        if config not in sub.configs:
            raise Unusable(f"{sub.name} has no configuration {config}")
    fidelities = [
        each for each in Fidelity if settings.fidelity in (each.value, "both")
    ]
    return [
        Job(sub, name, each, fidelity)
        for sub in subs
        for each, name in wanted(sub, settings.scope, engine, config)
        for fidelity in applicable(sub, name, fidelities)
    ]


def applicable(sub: AnySub, config: str, asked: list[Fidelity]) -> list[Fidelity]:
    """Return the fidelities asked for; what is not Linux is only judged as ALLOWED."""
    return asked if sub.faithful(sub.configs[config]) else [Fidelity.ALLOWED]


def wanted(
    sub: AnySub, scope: str | None, engine: str | None, config: str | None
) -> Iterator[tuple[str, str]]:
    """Yield (engine, configuration) for one subsystem, in the order to run them."""
    for each in ENGINES:
        for name in sub.configs:
            if config is not None:
                inside = name == config
            elif scope is not None:
                inside = of_scope(name, scope)
            else:
                inside = of_scope(name, "tiny" if each == "explore" else "small")
            named = scope is not None or config is not None
            fits = each in engines_for(name)
            asked = engine in (each, "all") if engine else fits
            if inside and asked and (named or fits):
                yield each, name


def of_states(sub: AnySub) -> set[str]:
    """Return the ids of the rules that are judged on states and steps."""
    return {each.id for each in sub.invariants} | {each.id for each in sub.laws}


def judging(sub: AnySub, only: Sequence[str], disabled: Sequence[Disabled]) -> AnySub:
    """Return the subsystem with only these rules judged, or without the disabled."""
    ids = of_states(sub)
    drop = {each.id for each in disabled}
    kept = (ids & set(only) if only else ids) - drop
    return replace(
        sub,
        invariants=tuple(each for each in sub.invariants if each.id in kept),
        laws=tuple(each for each in sub.laws if each.id in kept),
    )


def known_rules(
    subs: Sequence[AnySub], only: Sequence[str], disabled: Sequence[Disabled]
) -> None:
    """Raise `Unusable` for a rule that does not exist or cannot be turned off."""
    everywhere = SUBSYSTEMS.values()
    rules = {rule for sub in subs for rule in sub.rules} | set(GENERIC_RULES)
    for each in only:
        if each not in rules:
            raise Unusable(f"there is no rule {each}, {nearest(each, sorted(rules))}")
    rules |= {rule for sub in everywhere for rule in sub.rules}
    states = {rule for sub in everywhere for rule in of_states(sub)}
    for off in disabled:
        if off.id not in rules:
            hint = nearest(off.id, sorted(rules))
            raise Unusable(f"disable: there is no rule {off.id}, {hint}")
        if off.id not in states:
            why = f"{off.id} cannot be disabled, as no history could go on without it"
            raise Unusable(f"disable: {why}")


# ------------------------------------------------------------------ running


def perform(job: Job, settings: Settings, progress: Progress | None = None) -> Run:
    """Make one run; its failure is shrunk as far as a bounded time allows."""
    with watched(job.sub) as sub:
        return perform_watched(replace(job, sub=sub), settings, progress)


def perform_watched(job: Job, settings: Settings, progress: Progress | None) -> Run:
    """Make one run, and shrink its failure."""
    sub, cfg = job.sub, job.sub.configs[job.config]
    if job.engine == "explore":
        by_halves = sub.halves is not None and sub.halves.due(cfg)
        run = (compose if by_halves else explore)(
            sub,
            cfg,
            config=job.config,
            fidelity=job.fidelity,
            limit=settings.limit,
            progress=progress,
        )
    elif job.engine == "lockstep":
        run = lockstep(
            sub,
            cfg,
            config=job.config,
            examples=max(1, settings.steps // SHARE // HISTORY),
            steps=HISTORY,
            seed=settings.seed,
            fidelity=job.fidelity,
        )
    else:
        run = walk(
            sub,
            cfg,
            config=job.config,
            steps=settings.steps,
            seed=settings.seed,
            fidelity=job.fidelity,
            progress=progress,
        )
    return shortened(job, run)


def shortened(job: Job, run: Run) -> Run:
    """Return the run with its failure shrunk, where it has one not known minimal."""
    found = run.failure
    if found is None or found.minimal == MINIMAL:
        return run
    cfg = job.sub.configs[job.config]
    shorter = shrink(job.sub, cfg, found.trace, fidelity=job.fidelity, rule=found.rule)
    return replace(run, failure=shorter) if shorter is not None else run


def check(
    todo: Sequence[Job],
    settings: Settings,
    *,
    whole: bool,
    keep_going: bool = False,
    exit_first: bool = False,
    workers: int = 1,
    started: Callable[[Job], Progress | None] = lambda job: None,
    told: Callable[[Run], None] = lambda run: None,
) -> Report:
    """Make the runs in turn; a subsystem's first violation ends its part.

    `whole` says that each subsystem's explored configurations are all there, so that
    a witness none of them reached means that the model is vacuous.
    """
    report, broken = Report(settings), set[str]()
    began = monotonic()

    def needless(at: int) -> bool:
        mine = todo[at].sub.name in broken and not keep_going
        return mine or bool(broken and exit_first)

    made = 0
    try:
        for at, run in results(todo, settings, workers, needless, started):
            made = at + 1
            if run is None:
                report.left += 1
                continue
            report.runs.append(run)
            if run.failure is not None:
                broken.add(run.subsystem)
                saved = keep(run.failure, run)
                if saved is not None:
                    report.files[len(report.runs) - 1] = saved
            told(run)
    except KeyboardInterrupt:
        report.left, report.interrupted = report.left + len(todo) - made, True
    report.seconds = monotonic() - began
    if whole and not report.interrupted:
        report.missed = never_reached(report.runs)
    return report


def results(
    todo: Sequence[Job],
    settings: Settings,
    workers: int,
    needless: Callable[[int], bool],
    started: Callable[[Job], Progress | None],
) -> Iterator[tuple[int, Run | None]]:
    """Yield each run in order, None for one that is needless by then."""
    if workers > 1 and len(todo) > 1:
        pool = Pool(lambda job: perform(job, settings), todo, min(workers, len(todo)))
        yield from pool.results(needless)
        return
    for at, job in enumerate(todo):
        yield at, None if needless(at) else perform(job, settings, started(job))


def never_reached(runs: Sequence[Run]) -> dict[str, tuple[str, ...]]:
    """Return, for each subsystem explored without a failure, what none reached."""
    missed: dict[str, tuple[str, ...]] = {}
    for name in dict.fromkeys(run.subsystem for run in runs):
        mine = [run for run in runs if run.subsystem == name]
        explored = [run for run in mine if run.engine == "explore"]
        if explored and all(run.failure is None for run in mine):
            met = {each for run in explored for each in run.witnesses}
            wanted = [each.__name__ for each in SUBSYSTEMS[name].witnesses]
            missed[name] = tuple(each for each in wanted if each not in met)
    return missed


# ------------------------------------------------------------------ failures


def keep(failure: Failure, run: Run, path: Path | None = None) -> str | None:
    """Save a failing history and return its file, or none where it cannot be."""
    header = Header(run.subsystem, run.config, run.fidelity, run.seed, failure.rule)
    if path is None:
        text = "\n".join(list(trace_lines(header, failure.trace))[1:])
        digest = hashlib.sha256(f"{run.config}\n{text}".encode()).hexdigest()[:4]
        path = FAILURES / f"{run.subsystem}-{failure.rule}-{digest}.mmt.jsonl"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_trace(path, header, failure.trace)
    except OSError:
        return None
    return str(path)


def sentence_of(subsystem: str, rule: str) -> str:
    """Return what a rule states."""
    sub = SUBSYSTEMS.get(subsystem)
    rules = GENERIC_RULES | RULES_OF_ENGINES | (sub.rules if sub is not None else {})
    return rules.get(rule, "")


def witness_of(subsystem: str, name: str) -> str:
    """Return what a witness states."""
    found = [each for each in SUBSYSTEMS[subsystem].witnesses if each.__name__ == name]
    return sentence(found[0]) if found else ""
