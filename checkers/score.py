"""How strongly the theorems hold the shipped functions: operator mutants and a score.

Every function of a specification or machine that a theorem runs is changed by one
operator at a time; a change that turns no theorem red survives.  Each mutant lives in
a process of its own, so that nothing that was remembered outlives it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import Connection
from time import monotonic
from types import FunctionType
from typing import Any

from .forks import Job, processes
from .ledger import subsystem_of
from .lemma import Lemma
from .operators import Mutant, mutants, title
from .proving import closure, draw
from .registry import SUBSYSTEMS
from .shipped import SIDES, functions, heard, key_of, owners
from .verdict import Verdict

SLOWEST = 600.0  # seconds for one prover of unchanged code
SLOWER, GRACE = 10, 20.0  # a prover that takes longer than this does not end
UNTRIED = 0.05  # how many kills a prover is given in advance
RED = (Verdict.VIOLATED, Verdict.INCONCLUSIVE, Verdict.NOTHING)


@dataclass(frozen=True)
class Use:
    """One prover of one lemma, how long it takes, and which functions it runs."""

    lemma: int
    prover: int
    seconds: float
    functions: Mapping[str, FunctionType]  # by title


@dataclass(frozen=True)
class Fate:
    """What became of a mutant; who killed it, or nobody."""

    mutant: Mutant
    killer: str = ""
    excuse: str = ""  # why it is equivalent, where it is

    @property
    def survives(self) -> bool:
        """Say whether the mutant lives and no reason is given."""
        return not self.killer and not self.excuse


# ------------------------------------------------------------------ what runs


def observe(lemma: Lemma, pipe: Connection) -> None:
    """Send (seconds, code) of each prover of a lemma."""
    for prover in lemma.provers:
        began = monotonic()
        with heard() as codes:
            prover(lemma)
        pipe.send((monotonic() - began, {key_of(each) for each in codes}))


def uses(lemmas: Sequence[Lemma], workers: int) -> list[Use]:
    """Return what each prover runs, the quickest first."""
    owner = owners()
    found = []
    draw(lemmas)
    jobs = [(observe, (lemma,)) for lemma in lemmas]
    for at, replies, _ in processes(jobs, workers, lambda at, n: SLOWEST):
        for prover, (seconds, keys) in enumerate(replies):
            run = {title(owner[key]): owner[key] for key in keys if key in owner}
            found.append(Use(at, prover, seconds, run))
    return sorted(found, key=lambda use: use.seconds)


# ------------------------------------------------------------------ the score


def attempt(
    mutant: Mutant, lemmas: Sequence[Lemma], todo: Sequence[Use], pipe: Connection
) -> None:
    """Send the verdict of one prover after the other until one turns red."""
    mutant.install()
    for use in todo:
        lemma = lemmas[use.lemma]
        try:
            red = lemma.provers[use.prover](lemma).verdict in RED
        except Exception:
            red = True  # the run ends with an error, which is not green either
        pipe.send(red)
        if red:
            return


def price(use: Use, kills: Mapping[tuple[int, int], int]) -> float:
    """Return what a prover costs for each mutant that it is likely to kill."""
    return use.seconds / (kills.get((use.lemma, use.prover), 0) + UNTRIED)


def fates(
    lemmas: Sequence[Lemma],
    wanted: Callable[[FunctionType], bool],
    excuses: Mapping[str, str],
    workers: int,
    within: float = SLOWEST,
) -> Iterator[Fate]:
    """Yield what becomes of every mutant of the functions that the lemmas run."""
    run: dict[str, list[Use]] = {}
    by_title: dict[str, FunctionType] = {}
    for use in uses(lemmas, workers):
        for name, each in use.functions.items():
            if wanted(each) and use.seconds <= within:
                by_title[name] = each
                run.setdefault(name, []).append(use)
    changed = [
        (each, run[name]) for name in sorted(run) for each in mutants(by_title[name])
    ]
    yield from (
        Fate(each, excuse=excuses[each.name])
        for each, _ in changed
        if each.name in excuses
    )
    tried = [(each, todo) for each, todo in changed if each.name not in excuses]
    killed_by: dict[str, Counter[tuple[int, int]]] = defaultdict(Counter)
    orders: list[list[Use]] = []  # in which the provers of each mutant are run

    def jobs() -> Iterator[Job]:
        for mutant, todo in tried:
            kills = killed_by[title(mutant.function)]
            orders.append(sorted(todo, key=lambda use: price(use, kills)))
            yield attempt, (mutant, lemmas, orders[-1])

    def limit(at: int, n: int) -> float:
        todo = orders[at]
        return GRACE + SLOWER * (todo[n].seconds if n < len(todo) else 0.0)

    for at, said, ended in processes(jobs(), workers, limit):
        (mutant, _), todo = tried[at], orders[at]
        killed = not ended or len(said) < len(todo) or True in said
        last = todo[min(len(said) - (1 if True in said else 0), len(todo) - 1)]
        if killed:
            killed_by[title(mutant.function)][last.lemma, last.prover] += 1
        killer = lemmas[last.lemma].name if killed else ""
        yield Fate(mutant, killer if ended else f"{killer} (does not end)")


def untouched(
    lemmas: Sequence[Lemma], wanted: Callable[[FunctionType], bool], workers: int
) -> list[tuple[str, int]]:
    """Return the functions that no lemma runs, with the number of their mutants."""
    run = {name for use in uses(lemmas, workers) for name in use.functions}
    rest = {title(each): each for each in functions() if wanted(each)}
    left = {name: each for name, each in rest.items() if name not in run}
    return [(name, n) for name, each in left.items() if (n := len([*mutants(each)]))]


# ------------------------------------------------------------------ the report

Record = dict[str, Any]
BOTH = ("spec", "impl")
ENOUGH = 0.95  # of the mutants that are not equivalent


@cache
def stepping() -> frozenset[str]:
    """Return the modules that operations are made of: rules import these."""
    ops = {op.__module__ for sub in SUBSYSTEMS.values() for op in sub.ops}
    return frozenset(each for module in ops for each in closure(module))


def works(each: FunctionType) -> bool:
    """Say whether a function makes steps; others judge them, offer or write some."""
    offers = each.__annotations__.get("return") in ("Domains", "OneOf", "Ints")
    judges = each.__module__.startswith(SIDES[0]) and each.__module__ not in stepping()
    return not (offers or judges or each.__name__ == "__str__")


def wanted_by(prefixes: Sequence[str]) -> Callable[[FunctionType], bool]:
    """Return what says whether a function of a subsystem, module or name is counted."""
    heads = tuple(prefixes)

    def wanted(each: FunctionType) -> bool:
        name = title(each).split(".", 1)[1]
        return works(each) and (not heads or name.startswith(heads))

    return wanted


def near(lemmas: Sequence[Lemma], prefixes: Sequence[str]) -> list[Lemma]:
    """Return the lemmas of these subsystems, or that import what several share."""
    heads = {each.split(".")[0] for each in prefixes}
    shared = heads - {subsystem_of(each) for each in lemmas}

    def imports(each: Lemma) -> bool:
        modules = closure(each.claim.__module__)
        return any(
            f"mmoracle.{side}.{head}" in modules for head in shared for side in BOTH
        )

    return [
        each
        for each in lemmas
        if not heads or subsystem_of(each) in heads or imports(each)
    ]


def tally(found: Sequence[Fate]) -> Record:
    """Return how many mutants there are, what became of them, and the score."""
    counted = Counter(
        "equivalent" if each.excuse else "survived" if each.survives else "killed"
        for each in found
    )
    rest = len(found) - counted["equivalent"]
    return {
        "mutants": len(found),
        **{name: counted[name] for name in ("killed", "equivalent", "survived")},
        "score": round(counted["killed"] / rest, 4) if rest else None,
    }


def by_part(found: Sequence[Fate]) -> dict[str, list[Fate]]:
    """Return the mutants of each side of each subsystem."""
    parts: dict[str, list[Fate]] = {}
    for each in sorted(found, key=lambda fate: fate.mutant.name):
        name = ".".join(title(each.mutant.function).split(".")[:2])
        parts.setdefault(name, []).append(each)
    return parts


def report(found: Sequence[Fate]) -> Record:
    """Return the whole as JSON; it holds if every part has enough killed."""
    parts = {name: tally(fates) for name, fates in by_part(found).items()}
    scores = [each["score"] for each in parts.values() if each["score"] is not None]
    holds = Verdict.BOUNDED if min(scores, default=0.0) >= ENOUGH else Verdict.VIOLATED
    return {
        "verdict": (holds if found else Verdict.NOTHING).value,
        "parts": parts,
        **tally(found),
        "survivors": [
            {"mutant": each.mutant.name, "line": each.mutant.line}
            for each in found
            if each.survives
        ],
        "equivalents": {each.mutant.name: each.excuse for each in found if each.excuse},
    }


def lines_of(told: Record) -> list[str]:
    """Return the report for a reader: a line for each part, and the whole."""
    lines = []
    for name, part in [*told["parts"].items(), ("all", told)]:
        score = "-" if part["score"] is None else f"{part['score']:.1%}"
        lines.append(
            f"{name:<18} {score:>6}  {part['mutants']:>5} mutants:"
            f" {part['killed']:>5} killed, {part['equivalent']:>3} equivalent,"
            f" {part['survived']:>3} survived"
        )
    return lines
