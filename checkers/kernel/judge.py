"""Judging a kernel's boot by its own log: every memblock call is replayed.

The first printed table is the start.  From there every call is followed, every
request's address is predicted, and every later table must be the state reached.

Source: mm/memblock.c (v5.10).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

from mmoracle.spec.memblock.regions import V5_10, Config
from mmoracle.spec.memblock.sets import spans

from ..verdict import Failure, Run, Verdict
from .memblock_acts import Act, acts_of, torn_in
from .memblock_course import Course, blame, compare, follow
from .memblock_log import (
    Entry,
    Table,
    Torn,
    Width,
    read_debugfs,
    read_log,
    read_state,
)
from .memblock_tables import UNBOUNDED, difference, early_fault, state_of, table_fault
from .text import read_lines


def judge_log(
    path: Path,
    *,
    debugfs: Path | None = None,
    state: Path | None = None,
    progress: Callable[[dict[str, int]], None] = lambda tally: None,
) -> Run:
    """Replay one log, and compare its end with the final dumps where they are given."""
    begun = perf_counter()
    acts, course = started(list(read_log(read_lines(path))))
    if course is None:
        return without_table(path, acts, perf_counter() - begun)
    course = follow(course, acts, progress=progress)
    if course.bad is None and not course.blind:
        compare_dumps(course, debugfs, state)
    blame(course, acts)
    return run_of(path, course, perf_counter() - begun)


def started(entries: list[Entry]) -> tuple[list[Act], Course | None]:
    """Return the calls of a log, and the way through it up to its first table."""
    bits = next((e.bits for e in entries if isinstance(e, Width)), 64)
    acts = list(acts_of(entries))
    first = next((i for i, a in enumerate(acts) if isinstance(a.entry, Table)), None)
    if first is None:
        return acts, None
    table = acts[first].entry
    assert isinstance(table, Table)
    cfg = Config(width=bits, quirks=V5_10, init_regions=UNBOUNDED)
    course = Course(cfg, state_of(cfg, table), at=first + 1, events=first + 1)
    course.torn = torn_in(acts[:first])
    if any(isinstance(act.entry, Torn) for act in acts[:first]):
        course.notes.append(f"nothing before the table in line {table.line} counts")
        course.bad = table_fault(table)
    else:
        course.bad = table_fault(table) or early_fault(acts[:first], table)
    return acts, course


def compare_dumps(course: Course, debugfs: Path | None, state: Path | None) -> None:
    """Compare the end of the log with what the running kernel shows."""
    if debugfs is not None:
        for name in ("memory", "reserved"):
            file = debugfs / name
            rows = read_debugfs(read_lines(file), file)
            due = spans(getattr(course.s, name))
            course.seen += 1
            bad = difference(name, due, rows, 1)
            course.equal += bad is None
            if bad is not None and course.bad is None:
                course.bad = replace(bad, file=str(file))
    if state is not None and course.bad is None:
        compare(course, read_state(state), str(state))


def without_table(path: Path, acts: list[Act], seconds: float) -> Run:
    """Return the verdict on a log that shows no table to start from."""
    torn = torn_in(acts)
    if torn is not None:
        why = f"{path}:{torn.line}: {torn.why}"
        return record(Verdict.INCONCLUSIVE, path, seconds, cut=why)
    if acts:
        why = f"{path}:{acts[0].entry.line}: no MEMBLOCK configuration to start from"
        return record(Verdict.INCONCLUSIVE, path, seconds, cut=why)
    why = f"{path}: no memblock lines; was the kernel booted with memblock=debug?"
    return record(Verdict.NOTHING, path, seconds, cut=why)


def run_of(path: Path, course: Course, seconds: float) -> Run:
    """Return the record of a log that was followed."""
    cut, verdict, failure = "", Verdict.BOUNDED, None
    if course.torn is not None:
        cut = f"{path}:{course.torn.line}: {course.torn.why}"
        verdict = Verdict.INCONCLUSIVE
    bad = course.bad if course.torn is None else None
    if bad is not None:
        place = f"{bad.file or path}:{bad.line}" if bad.line else bad.file
        failure = Failure(bad.rule, f"{place}: {bad.why}", ())
        verdict = Verdict.VIOLATED
    return record(verdict, path, seconds, course, cut=cut, failure=failure)


def record(
    verdict: Verdict,
    path: Path,
    seconds: float,
    course: Course | None = None,
    *,
    cut: str = "",
    failure: Failure | None = None,
) -> Run:
    """Return a run with what a log's report shows."""
    bad = course.bad if course is not None and failure is not None else None
    place = {"file": bad.file or str(path), "line": bad.line} if bad else {}
    hint: dict[str, Any] = {}
    if bad and bad.suspects:
        hint = {"suspect": bad.suspects[0], "suspects": list(bad.suspects)}
    extra: dict[str, Any] = {
        "events": course.events if course else 0,
        "tables": tally(course, "seen", "equal"),
        "predicted": tally(course, "asked", "exact"),
        "first_bad": {**place, "rule": bad.rule, "why": bad.why, **hint}
        if bad
        else None,
        "notes": course.notes if course else [],
    }
    extra["told"] = [
        ("events", f"{extra['events']:,}"),
        ("tables", "{equal} of {seen} equal".format(**extra["tables"])),
        ("predictions", "{exact} of {asked} exact".format(**extra["predicted"])),
    ]
    return Run(
        subsystem="memblock",
        engine="trace",
        config="linux",
        fidelity="exact",
        verdict=verdict,
        scope=str(path),
        steps=course.events if course else 0,
        seconds=seconds,
        cut=cut,
        failure=failure,
        extra=extra,
    )


def tally(course: Course | None, of: str, good: str) -> dict[str, int]:
    """Return a pair of counters by name."""
    return {name: getattr(course, name, 0) for name in (of, good)}
