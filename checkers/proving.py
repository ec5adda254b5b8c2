"""Proving many lemmas at once, and keeping what was proved.

A result is kept under the hash of everything that it depends on: the lemma, the source
of every module that its own imports lead to, the solvers and their versions.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from hashlib import sha256
from multiprocessing.connection import Connection
from pathlib import Path
from time import monotonic
from typing import Any

from . import crosshair, ledger
from .forks import Job, processes
from .goal import installed
from .ledger import Record
from .lemma import Lemma, Sampled, drawn
from .prove import prove
from .settings import Unusable, nearest

KEPT = Path(".mmoracle") / "proofs"
LIMIT = 120.0  # seconds for one lemma with all that it refutes
PATIENT, SHORT = 3, 20.0  # so many may take that long; then code that hangs is likely
PACKAGES = ("z3-solver", "cvc5", "bitwuzla", "hypothesis", "crosshair-tool")
ENGINE = "mmoracle.checkers.proving"  # whose imports every proof depends on
DECIDED = ("PROVED", "HOLDS")
CROSSHAIR = "crosshair"  # the name of its record
ATTACKS = 60.0  # seconds of processor time for all of them


# ------------------------------------------------------------------ what is kept


@cache
def source_of(module: str) -> str | None:
    """Return the file of one of our modules, none if there is no such module."""
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
    return spec.origin if spec is not None else None


@cache
def imports_of(module: str) -> frozenset[str]:
    """Return which of our modules one of them imports, anywhere in it."""
    path = source_of(module)
    if path is None:
        return frozenset()
    package = module if path.endswith("__init__.py") else module.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(Path(path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            base = importlib.util.resolve_name(base, package) if node.level else base
            found |= {base, *(f"{base}.{each.name}" for each in node.names)}
    ours = {each for each in found if each.startswith("mmoracle.")}
    return frozenset(each for each in ours if source_of(each))


@cache
def closure(module: str) -> tuple[str, ...]:
    """Return a module and all of ours that its imports lead to, in order."""
    met, todo = {module}, [module]
    while todo:
        for each in imports_of(todo.pop()) - met:
            met.add(each)
            todo.append(each)
    return tuple(sorted(met))


@cache
def digest(module: str) -> bytes:
    """Return the hash of a module's source."""
    path = source_of(module)
    return sha256(Path(path).read_bytes() if path else b"").digest()


def key_of(name: str, module: str) -> str:
    """Return the hash of a name, of the source it depends on and of the solvers."""
    modules = {*closure(module), *closure(ENGINE)}
    told = sha256()
    for each in (name, sys.version, sys.flags, *(installed(each) for each in PACKAGES)):
        told.update(f"{each}\n".encode())
    for each in sorted(modules):
        told.update(each.encode() + digest(each))
    return told.hexdigest()


def kept(task: Task) -> Record | None:
    """Return a result that was kept under this key."""
    with suppress(OSError, ValueError):
        told = json.loads((KEPT / f"{task.name}.json").read_text(encoding="utf-8"))
        if isinstance(told, dict) and told.pop("key", None) == task.key:
            return told | {"cached": True}
    return None


def keep(told: Record, key: str) -> None:
    """Keep a result that is decided; a directory that cannot be written keeps none."""
    if told["verdict"] in DECIDED:
        with suppress(OSError):
            KEPT.mkdir(parents=True, exist_ok=True)
            file = KEPT / f"{told['id']}.json"
            file.write_text(json.dumps(told | {"key": key}), encoding="utf-8")


# ------------------------------------------------------------------ what is asked


def chosen(words: Sequence[str], fast: bool) -> list[Lemma]:
    """Return the lemmas of these subsystems, names, parts of names or bugs."""
    try:
        from mmoracle.proofs.catalogue import LEMMAS
    except ImportError as no:
        raise Unusable(f"nothing is proved without {no.name}: pip install it") from no
    found = {word: [each for each in LEMMAS if is_meant(each, word)] for word in words}
    for word, lemmas in found.items():
        if not lemmas:
            names = {ledger.subsystem_of(each) for each in LEMMAS}
            hint = nearest(word, [*sorted(names), *(each.name for each in LEMMAS)])
            raise Unusable(f"there is no theorem {word}, {hint}")
    wanted = {each.name for lemmas in found.values() for each in lemmas}
    return [
        each
        for each in LEMMAS
        if (not words or each.name in wanted) and not (fast and each.slow)
    ]


def left_out(words: Sequence[str], fast: bool) -> list[str]:
    """Return one line on what was not proved because it takes long, if anything."""
    n = len(chosen(words, False)) - len(chosen(words, fast))
    return [f"{n} slow theorems were left out; make prove has them"] if n else []


def reasons(words: Sequence[str]) -> dict[str, str]:
    """Return the operator mutants that change nothing, of what was asked for."""
    from mmoracle.proofs.catalogue import EQUIVALENT

    names = {ledger.subsystem_of(each) for each in chosen(words, False)}
    return {
        name: why
        for name, why in EQUIVALENT.items()
        if not words or name.split(".")[1] in names
    }


def is_meant(lemma: Lemma, word: str) -> bool:
    """Say whether a word names a lemma, its subsystem or a bug that it refutes."""
    bugs = {each.bug for each in lemma.mistakes}
    return (
        word in lemma.name or word == ledger.subsystem_of(lemma) or word in bugs - {""}
    )


def directory(name: str) -> Path:
    """Return a directory to write to; make it if there is none."""
    path = Path(name)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as no:
        raise Unusable(f"--export: {name} cannot be made: {no.strerror}") from no
    return path


# ------------------------------------------------------------------ proving


def work(lemma: Lemma, second: bool, export: Path | None, pipe: Connection) -> None:
    """Prove one lemma in a process of its own, and send its record."""
    began = monotonic()
    try:
        proof = prove(lemma, second)
    except Exception as crash:  # of shipped code, or of the statement
        why = f"{type(crash).__name__}: {crash}"
        pipe.send(ledger.undecided(lemma, why, monotonic() - began))
        return
    if export is not None:
        for each in proof.outcomes:
            if each.goal is not None:
                name = each.prover.replace(" ", "-")
                file = export / f"{lemma.name}.{name}.smt2"
                file.write_text(each.goal.text, encoding="utf-8")
    pipe.send(ledger.record(proof))


def attack(pipe: Connection) -> None:
    """Let CrossHair attack contracts, pairs and lemmas, and send what it says."""
    pipe.send(ledger.attacked(crosshair.attacks(ATTACKS)))


@dataclass(frozen=True)
class Task:
    """Something to prove or attack, the key of its result, and how long it may take."""

    name: str
    key: str
    job: Job
    limit: float
    lost: Callable[[str], Record]  # the record if its process says nothing

    def record(self, said: Sequence[Any], ended: bool) -> Record:
        """Return what came of it."""
        if said:
            told: Record = said[0]
            return told
        why = f"no answer in {self.limit:.0f} s"
        return self.lost("its process ended early" if ended else why)


def tasks(
    lemmas: Sequence[Lemma], second: bool, attacks: bool, export: Path | None
) -> Iterator[Task]:
    """Yield what there is to do, what takes long first."""
    if attacks:
        key = key_of(CROSSHAIR, "mmoracle.proofs.attacked")
        lost = lambda why: ledger.attacked([], why)
        yield Task(CROSSHAIR, key, (attack, ()), 10 * ATTACKS, lost)
    for each in sorted(lemmas, key=lambda lemma: not lemma.slow):
        key = key_of(f"{each.name} {second}", each.claim.__module__)
        lost = partial(ledger.undecided, each)
        yield Task(each.name, key, (work, (each, second, export)), LIMIT, lost)


def draw(lemmas: Sequence[Lemma]) -> None:
    """Draw samples once, for all processes that are made later."""
    for lemma in lemmas:
        for prover in lemma.provers:
            if isinstance(prover, Sampled):
                drawn(len(lemma.words), prover.bits, prover.examples)


def records(
    lemmas: Sequence[Lemma],
    *,
    workers: int,
    second: bool = True,
    attacks: bool = False,
    use_kept: bool = True,
    export: Path | None = None,
) -> Iterator[Record]:
    """Yield the record of every lemma as it is decided, and that of the attacks."""
    todo = []
    for task in tasks(lemmas, second, attacks, export):
        told = kept(task) if use_kept and not export else None
        if told is not None:
            yield told
        else:
            todo.append(task)
    jobs = [task.job for task in todo]
    draw(lemmas)
    late = 0

    def limit(at: int, n: int) -> float:
        return todo[at].limit if late < PATIENT else SHORT

    for at, said, ended in processes(jobs, workers, limit):
        late += not ended
        told = todo[at].record(said, ended)
        keep(told, todo[at].key)
        yield told
