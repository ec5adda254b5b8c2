"""Judging /proc/zoneinfo by the boot log: every number is computed and compared.

DIR is a record of one machine: a boot log and any number of zoneinfo files below it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import Any

from ..verdict import Failure, Run, Verdict
from .boot_log import BootLog, name_kernel, read_boot_log
from .proc_free import Early, early_of
from .proc_log import cpu_rows, log_rows
from .proc_machine import Machine, machine_of
from .proc_own import own_rows
from .proc_row import EQUAL, EXPLAINED, UNKNOWN, WRONG, Row, shown
from .proc_rows import Snapshot, read_snapshot, snapshot_rows
from .text import BadText, read_lines

RULES = {
    "PROC-ZONES": "a snapshot shows the nodes and zones that the boot log names",
    "PROC-SPAN": "a zone spans what its type's limits and its node have in common",
    "PROC-MANAGED": "a zone manages what memblock left free and what was freed since",
    "PROC-MARKS": "the marks follow from min_free_kbytes and the managed pages",
    "PROC-RESERVE": "the reserves follow from the managed pages of higher zones",
    "PROC-PAGESET": "the pagesets' sizes follow from the managed pages",
    "PROC-USE": "numbers that count use do not contradict each other",
    "PROC-LOG": "the boot log's own numbers follow from its memory ranges",
}
_RULE_OF = {
    "zones": "PROC-ZONES",
    "start_pfn": "PROC-SPAN",
    "spanned": "PROC-SPAN",
    "present": "PROC-SPAN",
    "managed": "PROC-MANAGED",
    "cma": "PROC-MANAGED",
    "cpu": "PROC-PAGESET",
}
SPANS = ("zones", "start_pfn", "spanned", "present")
_MARKS = ("min", "low", "high", "promo", "boost")


@dataclass
class Found:
    """All rows about one record, and what the log lacks."""

    folder: Path
    snapshots: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)  # what zoneinfo says, computed
    log: list[Row] = field(default_factory=list)  # what the log says of itself
    own: list[Row] = field(default_factory=list)  # what zoneinfo says of use
    machine: Machine | None = None
    cut: str = ""
    nothing: bool = False
    notes: list[str] = field(default_factory=list)

    @property
    def all(self) -> list[Row]:
        """Return all rows; those about the log first, as they may be the cause."""
        return [*self.log, *self.rows, *self.own]


def judge_proc(
    folder: Path, progress: Callable[[dict[str, int]], None] = lambda tally: None
) -> Run:
    """Judge one record; raise `BadText` where a file is not what it should be."""
    begun = perf_counter()
    found = Found(folder)
    log_file, infos = files_of(folder)
    if log_file is None or not infos:
        what = "boot log (dmesg*)" if log_file is None else "zoneinfo"
        found.nothing, found.cut = True, f"{folder}: there is no {what} in it"
        return run_of(found, None, perf_counter() - begun)
    log = read_boot_log(log_file)
    if not log.banner:
        take_version(log, folder)
    shots = [read_snapshot(path, folder) for path in infos]
    found.snapshots = [shot.name for shot in shots]
    early = judge_rows(found, log, shots, progress)
    return run_of(found, early, perf_counter() - begun)


def take_version(log: BootLog, folder: Path) -> None:
    """Take the release from a /proc/version, where the log has lost its first line."""
    for path in sorted(folder.rglob("version")):
        first = next(iter(read_lines(path)), "").strip() if path.is_file() else ""
        if first.startswith("Linux version "):
            name_kernel(log, 0, first.removeprefix("Linux version "))


def files_of(folder: Path) -> tuple[Path | None, list[Path]]:
    """Return the boot log of a record, and its zoneinfo files in order."""
    if not folder.is_dir():
        why = "it is no folder" if folder.exists() else "there is no such folder"
        raise BadText(folder, 0, why)
    logs = [path for path in folder.glob("dmesg*") if path.is_file()]
    infos = [path for path in folder.rglob("zoneinfo*") if path.is_file()]
    log = min(logs, key=lambda path: (len(path.name), path.name), default=None)
    return log, sorted(infos, key=natural)


def natural(path: Path) -> list[tuple[int, str]]:
    """Return what to sort paths by, so that s10 comes after s9."""
    return [
        (int(part), "") if part.isdecimal() else (-1, part)
        for part in re.split(r"([0-9]+)", str(path))
    ]


def judge_rows(
    found: Found,
    log: BootLog,
    shots: Sequence[Snapshot],
    progress: Callable[[dict[str, int]], None],
) -> Early | None:
    """Compute all rows, as far as the log goes."""
    if not log.zones or not log.nodes:
        what = "zone ranges" if not log.zones else "memory of the nodes"
        found.cut = f"{log.path}: it does not say the {what}"
        found.nothing = not log.zones and not log.nodes
        return None
    early = early_of(Path(log.path), log, progress)
    machine = found.machine = machine_of(log, early)
    found.cut, lost = lacking(log, early)
    for shot in shots:
        progress({"snapshots": len(found.rows)})
        found.rows += snapshot_rows(machine, shot)
    found.log = list(log_rows(machine))
    found.log += cpu_rows(machine, shots)
    found.own = list(own_rows(machine, shots))
    if found.cut:
        found.rows = [doubted(row, found.cut, lost) for row in found.rows]
        found.log = [doubted(row, found.cut, lost) for row in found.log]
    if not machine.own:
        said = "the log does not name its release"
        if log.banner:
            said = f"Linux {log.banner.split()[0]} is not modelled"
        note = f"{said}; the formulas of {machine.release.name}"
        found.notes.append(f"{note} are used, and what differs is not judged")
    if machine.base is None:
        found.notes.append("managed pages are zoneinfo's own, the log has none to tell")
    if early.course is not None:
        found.notes += early.course.notes
    return early


def lacking(log: BootLog, early: Early) -> tuple[str, bool]:
    """Return why a log does not say everything, and whether any line may be lost."""
    if len(log.boots) > 1:
        return f"{log.path}:{log.boots[1]}: a second boot begins here", True
    torn = early.torn or (early.course.torn if early.course else None)
    if torn is not None:
        return f"{log.path}:{torn.line}: {torn.why}", True
    if not log.complete:
        return f"{log.path}: it ends before the kernel's init memory is freed", False
    return "", False


def doubted(row: Row, why: str, lost: bool) -> Row:
    """Return a row as unknown where a line that is lost may be why it differs."""
    if row.status != WRONG or (not lost and row.fact in SPANS):
        return row
    return replace(row, status=UNKNOWN, why=f"{row.why}, but {why}")


# ------------------------------------------------------------------ the record


def run_of(found: Found, early: Early | None, seconds: float) -> Run:
    """Return the record of what was found."""
    failure, first = failure_of(found, early)
    tally = counts(found.rows)
    verdict = Verdict.BOUNDED
    if found.nothing or not found.rows:
        verdict = Verdict.NOTHING if found.nothing else Verdict.INCONCLUSIVE
    elif failure is not None:
        verdict = Verdict.VIOLATED
    elif found.cut or any(row.status == UNKNOWN for row in found.all):
        verdict = Verdict.INCONCLUSIVE
    extra: dict[str, Any] = {
        "rows": tally,
        "log": counts(found.log),
        "use": counts(found.own),
        "snapshots": found.snapshots,
        "machine": described(found.machine),
        "wrong": [row_json(row) for row in found.all if row.status == WRONG],
        "explained": [row_json(row) for row in found.all if row.status == EXPLAINED],
        "unknown": [row_json(row) for row in found.all if row.status == UNKNOWN],
        "first_bad": first,
        "notes": found.notes,
        "found": found,
        "sentence": RULES.get(failure.rule, "") if failure else "",
    }
    return Run(
        subsystem="zones" if failure is None or failure.rule in RULES else "memblock",
        engine="proc",
        config=found.machine.release.name if found.machine else "",
        fidelity="exact",
        verdict=verdict,
        scope=str(found.folder),
        steps=len(found.all),
        seconds=seconds,
        cut=found.cut,
        failure=failure,
        extra=extra,
    )


def failure_of(
    found: Found, early: Early | None
) -> tuple[Failure | None, dict[str, Any] | None]:
    """Return the first fault: of the log's memblock lines, else of a row."""
    course = early.course if early is not None else None
    if course is not None and course.bad is not None and not found.cut:
        bad, assumed = course.bad, found.machine.log.path if found.machine else ""
        file = bad.file or assumed
        first = {"file": file, "line": bad.line, "rule": bad.rule, "why": bad.why}
        return Failure(bad.rule, f"{file}:{bad.line}: {bad.why}", ()), first
    wrong = next((row for row in found.all if row.status == WRONG), None)
    if wrong is None:
        return None, None
    rule = rule_of(found, wrong)
    where = f"node {wrong.node} zone {wrong.zone}".removesuffix(" zone ")
    what = f"{wrong.fact} is {wrong.seen}, " if wrong.due is not None else ""
    how = f" ({wrong.how})" if wrong.how else ""
    why = f"{wrong.place}: {where}: {what}{wrong.why}{how}"
    return Failure(rule, why, ()), {"rule": rule, **row_json(wrong)}


def rule_of(found: Found, row: Row) -> str:
    """Return the rule that a row is about."""
    if row in found.log:
        return "PROC-LOG"
    if row in found.own:
        return "PROC-USE"
    if row.fact in _MARKS:
        return "PROC-MARKS"
    if row.fact.startswith("protection"):
        return "PROC-RESERVE"
    return _RULE_OF.get(row.fact.split()[0], "PROC-USE")


def counts(rows: Sequence[Row]) -> dict[str, int]:
    """Return how many rows there are of each status."""
    tally = Counter(row.status for row in rows)
    named = {name: tally[name] for name in (EQUAL, EXPLAINED, UNKNOWN, WRONG)}
    return {"seen": len(rows), **named}


def row_json(row: Row) -> dict[str, Any]:
    """Return a row as plain data."""
    due: Any = list(row.due) if isinstance(row.due, tuple) else row.due
    return {
        "place": row.place,
        "file": row.file,
        "line": row.line,
        "snapshot": row.snapshot,
        "node": row.node,
        "zone": row.zone,
        "fact": row.fact,
        "expected": due,
        "seen": row.seen,
        "how": row.how,
        "why": row.why or shown(row.due),
    }


def described(machine: Machine | None) -> dict[str, Any]:
    """Return what kind of machine it is."""
    if machine is None:
        return {}
    log = machine.log
    pages = sum(extent.present for extent in machine.extents.values())
    return {
        "kernel": log.banner.split()[0] if log.banner else "",
        "formulas": machine.release.name,
        "nodes": len(machine.nids),
        "cpus": log.cpus.value if log.cpus else 0,
        "present_pages": pages,
        "managed_from": machine.base_from or "zoneinfo",
    }
