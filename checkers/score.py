"""How strongly the theorems hold the shipped functions: operator mutants and a score.

Every function of a specification or machine that a theorem runs is changed by one
operator at a time; a change that turns no theorem red survives.  Each mutant lives in
a process of its own, so that nothing that was remembered outlives it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from time import monotonic
from types import FunctionType

import click

from .forks import Job, processes
from .lemma import Lemma
from .operators import Mutant, mutants, title
from .shipped import functions, heard, key_of, owners
from .verdict import Verdict

SLOWEST = 600.0  # seconds for one prover of unchanged code
SLOWER, GRACE = 10, 20.0  # a prover that takes longer than this does not end
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
    jobs: list[Job] = [(attempt, (mutant, lemmas, todo)) for mutant, todo in tried]

    def limit(at: int, n: int) -> float:
        todo = tried[at][1]
        return GRACE + SLOWER * (todo[n].seconds if n < len(todo) else 0.0)

    for at, said, ended in processes(jobs, workers, limit):
        mutant, todo = tried[at]
        killed = not ended or len(said) < len(todo) or True in said
        last = todo[min(len(said) - (1 if True in said else 0), len(todo) - 1)]
        killer = lemmas[last.lemma].name if killed else ""
        yield Fate(mutant, killer if ended else f"{killer} (does not end)")


def untouched(
    lemmas: Sequence[Lemma], wanted: Callable[[FunctionType], bool], workers: int
) -> list[tuple[FunctionType, int]]:
    """Return the functions that no lemma runs, with the number of their mutants."""
    run = {name for use in uses(lemmas, workers) for name in use.functions}
    rest = [each for each in functions() if wanted(each) and title(each) not in run]
    return [(each, n) for each in rest if (n := sum(1 for _ in mutants(each)))]


@click.command()
@click.argument("prefix", nargs=-1)
@click.option("--unproved", is_flag=True, help="List functions that no theorem runs.")
@click.option("--within", type=float, default=60.0, help="Leave out slower provers.")
def main(prefix: tuple[str, ...], unproved: bool, within: float) -> None:
    """Change one operator at a time in functions that theorems run; list survivors.

    A prefix is a subsystem or more of a name: memblock, memblock.regions.round_up.
    """
    from mmoracle.proofs.catalogue import LEMMAS

    from .pool import cores

    def wanted(each: FunctionType) -> bool:
        return not prefix or title(each).split(".", 1)[1].startswith(prefix)

    heads = {each.split(".")[0] for each in prefix}
    parts = [set(each.claim.__module__.split(".")) for each in LEMMAS]
    near = [
        each
        for each, its in zip(LEMMAS, parts, strict=True)
        if not heads or heads & its or "watermark" in heads
    ]
    if unproved:
        for each, n in untouched(near, wanted, cores()):
            click.echo(f"{n:4} {title(each)}")
        return
    killed = total = 0
    for fate in fates(near, wanted, {}, cores(), within=within):
        total += 1
        killed += not fate.survives
        if fate.survives:
            click.echo(f"SURVIVES line {fate.mutant.line}: {fate.mutant.name}")
    click.echo(f"{killed} of {total} operator mutants killed")


if __name__ == "__main__":
    main()
