"""How strongly the theorems hold the shipped functions: operator mutants and a score.

Every function of a specification or machine that a theorem runs is changed by one
operator at a time; a change that turns no theorem red survives.  Each mutant lives in
a process of its own, so that nothing that was remembered outlives it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from time import monotonic
from types import CodeType, FrameType, FunctionType
from typing import Any

import click

from .forks import Job, processes
from .lemma import Lemma
from .operators import Mutant, mutants, title
from .verdict import Verdict

SIDES = ("mmoracle.spec.", "mmoracle.impl.")
SLOWER, GRACE = 10, 20.0  # a prover that takes longer than this does not end
RED = (Verdict.VIOLATED, Verdict.INCONCLUSIVE, Verdict.NOTHING)


@dataclass(frozen=True)
class Use:
    """One prover of one lemma, how long it takes, and which code it runs."""

    lemma: int
    prover: int
    seconds: float
    codes: frozenset[CodeType] = field(repr=False)


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


def functions() -> Iterator[FunctionType]:
    """Yield every function and method of the specifications and machines, once."""
    met: set[int] = set()
    for name, module in sorted(sys.modules.items()):
        if name.startswith(SIDES):
            for thing in list(vars(module).values()):
                for each in unwrapped(thing):
                    if each.__module__ == name and id(each) not in met:
                        met.add(id(each))
                        yield each


def unwrapped(thing: Any) -> Iterator[FunctionType]:
    """Yield the functions behind a name: of a class, a property, a cache."""
    if isinstance(thing, type):
        for each in list(vars(thing).values()):
            if not isinstance(each, type):
                yield from unwrapped(each)
        return
    for name in ("fget", "func", "__func__", "__wrapped__"):
        inner = getattr(thing, name, None)
        if inner is not None and not isinstance(thing, FunctionType):
            yield from unwrapped(inner)
            return
    inner = getattr(thing, "__wrapped__", thing)
    if isinstance(inner, FunctionType):
        yield inner


def codes_in(code: CodeType) -> Iterator[CodeType]:
    """Yield a code object and all that are defined within it."""
    yield code
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from codes_in(each)


@contextmanager
def heard() -> Iterator[set[CodeType]]:
    """Collect the code that runs meanwhile."""
    codes: set[CodeType] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            codes.add(frame.f_code)

    sys.setprofile(note)
    try:
        yield codes
    finally:
        sys.setprofile(None)


Key = tuple[str, str, int]


def key_of(code: CodeType) -> Key:
    """Return what identifies code in another process."""
    return code.co_filename, code.co_qualname, code.co_firstlineno


def observe(lemma: Lemma, pipe: Connection) -> None:
    """Send (seconds, code) of each prover of a lemma."""
    for prover in lemma.provers:
        began = monotonic()
        with heard() as codes:
            prover(lemma)
        pipe.send((monotonic() - began, {key_of(each) for each in codes}))


def uses(
    lemmas: Sequence[Lemma], workers: int, told: Callable[[str], None]
) -> tuple[list[Use], dict[Key, FunctionType]]:
    """Return what each prover runs, and the functions that code belongs to."""
    owner: dict[Key, FunctionType] = {}
    code: dict[Key, CodeType] = {}
    for each in functions():
        for inner in codes_in(each.__code__):
            owner[key_of(inner)], code[key_of(inner)] = each, inner
    found = []
    jobs = [(observe, (lemma,)) for lemma in lemmas]
    for at, replies, _ in processes(jobs, workers, lambda at, n: 600.0):
        for prover, (seconds, keys) in enumerate(replies):
            known = frozenset(code[key] for key in keys if key in code)
            found.append(Use(at, prover, seconds, known))
        told(lemmas[at].name)
    return found, owner


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
    told: Callable[[str], None] = lambda line: None,
    within: float = 60.0,
) -> Iterator[Fate]:
    """Yield what becomes of every mutant of the functions that the lemmas run."""
    found, owner = uses(lemmas, workers, told)
    run: dict[str, list[Use]] = {}
    by_title: dict[str, FunctionType] = {}
    for use in sorted(found, key=lambda use: use.seconds):
        if use.seconds > within:
            break
        for name, each in {title(f): f for f in owners(use, owner)}.items():
            if wanted(each):
                by_title[name] = each
                run.setdefault(name, []).append(use)
    tried = [
        (mutant, run[name])
        for name in sorted(run)
        for mutant in mutants(by_title[name])
        if mutant.name not in excuses
    ]
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


def owners(use: Use, owner: Mapping[Key, FunctionType]) -> Iterable[FunctionType]:
    """Yield the functions whose code a prover runs."""
    return (owner[key_of(code)] for code in use.codes)


def untouched(
    lemmas: Sequence[Lemma], wanted: Callable[[FunctionType], bool], workers: int
) -> list[tuple[FunctionType, int]]:
    """Return the functions that no lemma runs, with the number of their mutants."""
    found, owner = uses(lemmas, workers, lambda line: None)
    run = {title(f) for use in found for f in owners(use, owner)}
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
