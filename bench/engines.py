"""What each engine costs: rates, the two sides alone, log judging, the mutants."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from functools import partial
from math import nan
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import hypothesis.stateful  # noqa: F401  (loaded here, so that no rate includes it)
from table import Side, Table, Times, factor, fastest, span

from mmoracle.checkers.bind.memblock import MEMBLOCK
from mmoracle.checkers.bind.rbtree import RBTREE
from mmoracle.checkers.explore import explore
from mmoracle.checkers.kernel.judge import judge_log
from mmoracle.checkers.kernel.memblock_log import read_log
from mmoracle.checkers.kernel.text import read_lines
from mmoracle.checkers.lockstep import lockstep
from mmoracle.checkers.session import Divergence, Entry, Session
from mmoracle.checkers.subsystem import Subsystem
from mmoracle.checkers.verdict import Run, Verdict
from mmoracle.checkers.walk import walk, walked
from mmoracle.spec.core import Disallowed

TRACES = Path(__file__).parent.parent / "tests" / "data" / "traces"
EXAMPLES = 10  # histories that Hypothesis draws in one run
HISTORY = 50  # operations in one history: a kernel that stops must begin again

AnySub = Subsystem[Any, Any, Any]
Case = tuple[AnySub, Any, str]  # a subsystem with one of its configurations


def cases() -> list[Case]:
    """Return the subsystems at their tiny size."""
    subs = (RBTREE, MEMBLOCK)
    return [(sub, sub.configs["tiny"], f"{sub.name} tiny") for sub in subs]


# ------------------------------------------------------------------ engines


def per_step(runs: Iterable[Run]) -> Times:
    """Return the mean seconds for one judged operation, nan where no run holds.

    A run that ends in a violation also looks for its shortest history: not counted.
    """
    held = [run for run in runs if run.verdict is not Verdict.VIOLATED]
    steps = sum(run.steps for run in held)
    return {"step": sum(run.seconds for run in held) / steps if steps else nan}


def explored(case: Case, steps: int) -> Times:
    """Explore until so many operations are judged."""
    sub, cfg, name = case
    return per_step([explore(sub, cfg, config=name, limit=steps)])


def random_walks(case: Case, steps: int) -> Times:
    """Walk so many operations, in histories of bounded length."""
    sub, cfg, name = case
    seeds = range(steps // HISTORY)
    return per_step(
        walk(sub, cfg, config=name, steps=HISTORY, seed=seed) for seed in seeds
    )


def hypothesis_drives(case: Case, steps: int) -> Times:
    """Let Hypothesis drive both sides for so many operations."""
    sub, cfg, name = case
    seeds = range(steps // HISTORY // EXAMPLES)
    return per_step(
        lockstep(sub, cfg, config=name, examples=EXAMPLES, steps=HISTORY, seed=seed)
        for seed in seeds
    )


ENGINES = {"explore": explored, "walk": random_walks, "lockstep": hypothesis_drives}


def rates(quick: bool) -> Table:
    """Return the operations that each engine judges in a second."""
    steps = 1_000 if quick else 5_000
    sides: dict[tuple[str, str], Side] = {
        (name, case[2]): partial(engine, case, steps)
        for case in cases()
        for name, engine in ENGINES.items()
    }
    took = fastest(sides, repeats=2 if quick else 3)
    names = [case[2] for case in cases()]
    rows = []
    for engine in ENGINES:
        cells = []
        for name in names:
            seconds = took[engine, name]["step"]
            slower = took["lockstep", name]["step"] / seconds
            cells += [f"{1 / seconds:,.0f}", factor(slower)]
        rows.append([engine, *cells])
    gain = [took["lockstep", n]["step"] / took["walk", n]["step"] for n in names]
    note = (
        f"`walk` judges {span(gain)} times as many operations in a second as"
        " `lockstep`, where Hypothesis draws; `explore` does more for each operation:"
        " it also offers wrong answers, and compares whole states each time."
        " Runs that end in a violation are left out."
    )
    title = f"Steps judged by each engine (explore: its first {steps:,})"
    head = [x for name in names for x in (f"{name}, steps/s", "times lockstep")]
    return Table(title, ["engine", *head], rows, note)


# ------------------------------------------------------------------ sides alone


def histories_of(case: Case, times: int) -> list[list[Entry]]:
    """Return random histories that hold on both sides."""
    sub, cfg, _ = case
    held = []
    for seed in range(times):
        try:
            entries = walked(sub, cfg, steps=HISTORY, seed=seed)
            together(True, case, [entries])
        except (Disallowed, Divergence):
            continue
        held.append(entries)
    return held


def machine_alone(case: Case, histories: list[list[Entry]]) -> None:
    """Apply every operation to the machine and judge nothing."""
    sub, cfg, _ = case
    for entries in histories:
        machine = sub.build(cfg)
        for entry in entries:
            sub.apply(machine, entry.op)


def spec_alone(case: Case, histories: list[list[Entry]]) -> None:
    """Answer and judge every operation by the specification."""
    sub, cfg, _ = case
    for entries in histories:
        state = sub.initial(cfg)
        for entry in entries:
            state = entry.op.after(cfg, state, entry.op.choose(cfg, state))


def together(whole: bool, case: Case, histories: list[list[Entry]]) -> None:
    """Do every operation on both sides; compare answers, or `whole` states too."""
    sub, cfg, _ = case
    for entries in histories:
        session = Session(sub, cfg)
        for entry in entries:
            session.do(entry.op, whole=whole)


WAYS: dict[str, Callable[[Case, list[list[Entry]]], None]] = {
    "machine alone": machine_alone,
    "specification alone": spec_alone,
    "both, answers compared": partial(together, False),
    "both, states compared and invariants checked": partial(together, True),
}


def timed(way: str, case: Case, histories: list[list[Entry]]) -> Times:
    """Return the mean seconds for one operation."""
    begun = perf_counter()
    WAYS[way](case, histories)
    return {"step": (perf_counter() - begun) / sum(map(len, histories))}


def halves(quick: bool) -> Table:
    """Return what each side costs alone and what comparing adds."""
    sides: dict[tuple[str, str], Side] = {}
    for case in cases():
        found = histories_of(case, 20 if quick else 100)
        for way in WAYS:
            sides[way, case[2]] = partial(timed, way, case, found)
    took = fastest(sides, repeats=3 if quick else 5)
    names = [case[2] for case in cases()]
    ratios = {
        way: [took[way, n]["step"] / took["machine alone", n]["step"] for n in names]
        for way in WAYS
    }
    spec, answers, whole = (ratios[way] for way in list(WAYS)[1:])
    note = (
        "The specification, which answers and then judges its answer, takes"
        f" {span(spec)} times as long as the machine; comparing"
        f" answers costs {span(answers)} times the machine alone, and comparing whole"
        f" states after each step {span(whole)} times, which is why long walks do it"
        " only now and then."
    )
    rows = [[way, *map(factor, row)] for way, row in ratios.items()]
    title = "Time for the same histories, relative to the machine alone"
    return Table(title, ["what is run", *names], rows, note)


# ------------------------------------------------------------------ logs


def seconds_of(work: Callable[[], object]) -> Times:
    """Return the seconds that one piece of work takes."""
    begun = perf_counter()
    work()
    return {"log": perf_counter() - begun}


def split_lines(path: Path) -> int:
    """Read a log and split its lines into words: the least that a judge must do."""
    return sum(len(line.split()) for line in read_lines(path))


def parse(path: Path) -> int:
    """Read a log into entries without judging one."""
    return sum(1 for _ in read_log(read_lines(path)))


def logs(quick: bool) -> Table:
    """Return what parsing and judging a boot log cost, relative to splitting it."""
    paths = sorted(TRACES.glob("*/dmesg.txt.xz"))
    ways: dict[str, Callable[[Path], object]] = {
        "split": split_lines,
        "parse": parse,
        "judge": judge_log,
    }
    sides: dict[tuple[str, str], Side] = {
        (way, path.parent.name): partial(seconds_of, partial(work, path))
        for path in paths
        for way, work in ways.items()
    }
    took = fastest(sides, repeats=3 if quick else 10)
    rows, ratios = [], []
    for path in paths:
        name, lines = path.parent.name, sum(1 for _ in read_lines(path))
        split = took["split", name]["log"]
        cost = [took[way, name]["log"] / split for way in ("parse", "judge")]
        ratios.append(cost[1])
        events = f"{judge_log(path).steps:,}"
        rows.append([f"`{name}`", f"{lines:,}", events, *map(factor, cost)])
    head = ["log", "lines", "memblock events", "parsed", "parsed and judged"]
    judged = span(ratios) if ratios else "no log was found, so no"
    note = (
        f"Judging a boot costs {judged} times what reading and splitting its lines"
        " costs: every call is done on the specification's state, which is the price"
        " of predicting each address before the log tells it."
    )
    title = "Time for a kernel log, relative to reading and splitting its lines"
    return Table(title, head, rows, note)


# ------------------------------------------------------------------ mutants


def trials() -> list[dict[str, Any]]:
    """Return what `mmoracle mutants --json` says of each mutant, none if it fails."""
    command = [sys.executable, "-m", "mmoracle", "mutants", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        found: list[dict[str, Any]] = json.loads(done.stdout)["mutants"]
    except (ValueError, KeyError):
        return []
    return found


def mutants() -> Table:
    """Return how soon known mistakes are found."""
    found, rows = trials(), []
    for name in dict.fromkeys(each["subsystem"] for each in found):
        mine = [each for each in found if each["subsystem"] == name]
        killed = [each for each in mine if each["killed"]]
        row = [name, f"{len(killed)} of {len(mine)}"]
        for key, form in (("steps", ",.0f"), ("length", ".0f"), ("seconds", ".2f")):
            worth = [each[key] for each in killed] or [0]
            row += [format(median(worth), form), format(max(worth), form)]
        rows.append(row)
    head = ["subsystem", "killed", "steps judged, median", "most"]
    head += ["history, median", "longest", "seconds, median", "longest"]
    lived = sum(not each["killed"] for each in found)
    note = (
        f"{lived} of {len(found)} mutants survive; the exhaustive search finds a"
        " shortest history, so its length says how deep a mistake lies (survivors have"
        " no history and are not in the medians)."
    )
    return Table("Known mistakes, put into the machine one at a time", head, rows, note)


def tables(quick: bool) -> list[Table]:
    """Return every table about the engines; the mutants are left out of a quick run."""
    found = [rates(quick), halves(quick), logs(quick)]
    return found if quick else [*found, mutants()]
