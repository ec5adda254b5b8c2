"""What users see: one line a run, few lines a failure, one object as JSON."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from time import monotonic
from typing import Any

import mmoracle

from .codec import line_of
from .plan import Job, Report, sentence_of, witness_of
from .registry import SUBSYSTEMS
from .subsystem import number, words
from .verdict import INTERRUPTED, NOT_SHOWN, Failure, Run, Verdict

HISTORY = 8  # operations of a failure that are shown
COLOURS = {
    Verdict.COMPLETE: "32",
    Verdict.BOUNDED: "32",
    Verdict.VIOLATED: "1;31",
    Verdict.INCONCLUSIVE: "33",
    Verdict.NOTHING: "33",
}


def emit(answer: dict[str, Any]) -> None:
    """Print one JSON object, all that a machine reader gets."""
    print(json.dumps(answer, ensure_ascii=False), flush=True)


def say(*lines: str) -> None:
    """Print lines for a human reader."""
    for line in lines:
        print(line, flush=True)


def coloured() -> bool:
    """Say whether the standard output takes colours."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def verdict_word(verdict: Verdict, width: int = 0) -> str:
    """Return a verdict in its colour."""
    word = verdict.value.ljust(width)
    return f"\033[{COLOURS[verdict]}m{word}\033[0m" if coloured() else word


def count(things: int, name: str) -> str:
    """Return a number with its noun."""
    return f"{things:,} {name}{'s' * (things != 1)}"


# ------------------------------------------------------------------ progress


class Ticker:
    """One line on a terminal for a run that takes longer than a second."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.began = monotonic()
        self.status: Any = None
        self.shown = sys.stderr.isatty() and not os.environ.get("CI")

    def __call__(self, tally: dict[str, int]) -> None:
        """Show how far the run is, after a second and on a terminal only."""
        seconds = monotonic() - self.began
        if not self.shown or seconds < 1:
            return
        facts = ", ".join(f"{name} {each:,}" for name, each in tally.items())
        if "steps" in tally:
            facts += f", {tally['steps'] / seconds:,.0f} steps/s"
        from rich.console import Console
        from rich.text import Text

        text = Text(f"{self.name}: {facts}", no_wrap=True, overflow="ellipsis")
        if self.status is None:
            self.status = Console(stderr=True).status(text)
            self.status.start()
        self.status.update(text)

    def stop(self) -> None:
        """Take the line away."""
        if self.status is not None:
            self.status.stop()
            self.status = None


class Teller:
    """Tells each run as it ends, and shows the one that goes on."""

    def __init__(self, plain: bool) -> None:
        self.plain = plain  # nothing but JSON goes to the standard output
        self.ticker: Ticker | None = None

    def started(self, job: Job) -> Ticker:
        """Return what shows the progress of a run."""
        self.ticker = Ticker(f"{job.sub.name} {job.engine} {job.config}")
        return self.ticker

    def told(self, run: Run) -> None:
        """Tell one run."""
        self.quiet()
        if not self.plain:
            say(run_line(run))

    def quiet(self) -> None:
        """Take the progress away."""
        if self.ticker is not None:
            self.ticker.stop()


# ------------------------------------------------------------------ runs


def run_line(run: Run) -> str:
    """Return one run on one line: what it concludes, about what."""
    reached = len(run.witnesses)
    wanted = reached + len(run.witnesses_missed)
    facts = [
        count(run.states, "state") if run.states else "",
        count(run.steps, "step"),
        f"witnesses {reached}/{wanted}" if wanted else "",
        f"{run.seconds:.1f} s",
        *(f"{name} used {count(n, 'time')}" for name, n in run.declared.items()),
    ]
    what = f"{run.subsystem:<10} {run.engine:<8} {run.config:<15}"
    if run.fidelity != "exact":
        what += f"{run.fidelity} "
    rule = f"{run.failure.rule}; " if run.failure else ""
    cut = f"; cut {run.cut}" if run.cut else ""
    text = f"{what} {rule}{', '.join(filter(None, facts))}; {run.scope}{cut}"
    return f"{verdict_word(run.verdict, 15)} {text}"


def failure_lines(run: Run, file: str | None) -> list[str]:
    """Return a failure: rule, reason, history, and how to see it again."""
    found = run.failure
    assert found is not None
    return [
        f"  {claim(run.subsystem, found.rule)}",
        f"  why: {found.why}",
        *history(found),
        *([] if run.engine == "replay" else [f"  {shortest(found)}"]),
        f"reproduce: {command(run, file)}",
    ]


def claim(subsystem: str, rule: str) -> str:
    """Return a rule's id with what it states, where that is known."""
    return f"{rule}: {sentence_of(subsystem, rule)}".removesuffix(": ")


def shortest(found: Failure) -> str:
    """Return what is known about a shorter history."""
    if found.minimal == NOT_SHOWN:
        return f"{NOT_SHOWN}: a shorter history may exist"
    return found.minimal


def command(run: Run, file: str | None) -> str:
    """Return the command that shows a failure again."""
    if file is not None:
        return f"mmoracle replay {shlex.quote(file)}"
    seed = "" if run.seed is None else f" --seed {run.seed}"
    what = f"{run.subsystem} --engine {run.engine} --config {run.config}"
    return f"mmoracle check {what} --fidelity {run.fidelity}{seed}"


def history(found: Failure) -> list[str]:
    """Return the numbered operations with their answers, the middle left out."""
    last = len(found.trace)
    lines = []
    for i, entry in enumerate(found.trace, 1):
        answer = f"-> {number(entry.result)}"
        if i == last:
            told = f"{answer} " if entry.result is not None else ""
            answer = f"{told}<- breaks {found.rule}"
        lines.append(f"  {i:>3}. {words(entry.op)} {answer}")
    if last > HISTORY:
        head, tail = HISTORY // 2 - 1, HISTORY // 2
        gap = f"       … {last - head - tail} more"
        lines = [*lines[:head], gap, *lines[-tail:]]
    return lines


def summary(report: Report) -> list[str]:
    """Return what all runs say together; the last line of a failure reproduces it."""
    runs, lines = report.runs, list[str]()
    broken = any(run.failure is not None for run in runs)
    for name in dict.fromkeys(run.subsystem for run in runs if not broken):
        same, differs = (
            sum(run.second.get(key, 0) for run in runs if run.subsystem == name)
            for key in ("same", "differs")
        )
        if same or differs:
            what = "its second formulation reaches the same state in"
            lines.append(f"{name}: {what} {same:,} of {same + differs:,} steps")
    for name, witnesses in report.missed.items():
        wanted = len(SUBSYSTEMS[name].witnesses)
        if not broken:
            reached = wanted - len(witnesses)
            lines.append(f"{name}: {reached} of {wanted} witnesses reached")
        for each in witnesses:
            cut = any(run.cut for run in runs if run.subsystem == name)
            how = "before the cut" if cut else "at any point"
            why = f"witness {each} was not reached {how} in {name}"
            lines.append(f"vacuous: {why}: {witness_of(name, each)}")
    for rule in report.settings.disable:
        lines.append(f"not judged: {rule.id} ({rule.reason})")
    steps = sum(run.steps for run in runs)
    made = count(len(runs), "run")
    if report.left:
        made += f" of {len(runs) + report.left}"
        made += " (interrupted)" if report.interrupted else " (the first that failed)"
    facts = f"{made}, {count(steps, 'step')}, {report.seconds:.1f} s"
    verdict = verdict_word(report.verdict)
    lines.append(f"{verdict}: {facts}, seed {report.settings.seed}")
    return lines + worst(report)


def worst(report: Report) -> list[str]:
    """Return the shortest failure of each subsystem, shown whole."""
    shown: dict[str, int] = {}
    for i, run in enumerate(report.runs):
        best = shown.get(run.subsystem)
        if run.failure is not None and (
            best is None or len(run.failure.trace) < length(report.runs[best])
        ):
            shown[run.subsystem] = i
    return [
        line
        for i in shown.values()
        for line in failure_lines(report.runs[i], report.files.get(i))
    ]


def length(run: Run) -> int:
    """Return the number of operations of a failing history."""
    return len(run.failure.trace) if run.failure is not None else 0


# ------------------------------------------------------------------ JSON


def failure_json(run: Run, file: str | None = None) -> dict[str, Any] | None:
    """Return a failure as plain data."""
    found = run.failure
    if found is None:
        return None
    return {
        "rule": found.rule,
        "sentence": sentence_of(run.subsystem, found.rule),
        "why": found.why,
        "minimal": found.minimal,
        "trace": [json.loads(line_of(entry)) for entry in found.trace],
        "file": file,
    }


def run_json(run: Run, file: str | None = None) -> dict[str, Any]:
    """Return one run as plain data."""
    return {
        "subsystem": run.subsystem,
        "engine": run.engine,
        "config": run.config,
        "fidelity": run.fidelity,
        "verdict": run.verdict.value,
        "scope": run.scope,
        "states": run.states,
        "steps": run.steps,
        "refusals": run.refusals,
        "depth": run.depth,
        "seconds": round(run.seconds, 3),
        "seed": run.seed,
        "ops": run.ops,
        "witnesses": list(run.witnesses),
        "witnesses_missed": list(run.witnesses_missed),
        "second": run.second,
        "declared": run.declared,
        "cut": run.cut,
        "failure": failure_json(run, file),
    }


def report_json(report: Report) -> dict[str, Any]:
    """Return all runs as plain data."""
    asked = report.settings
    answer: dict[str, Any] = {
        "verdict": report.verdict.value,
        "runs": [run_json(r, report.files.get(i)) for i, r in enumerate(report.runs)],
        "witnesses_missed": {k: list(v) for k, v in report.missed.items()},
        "not_made": report.left,
        "seed": asked.seed,
        "disabled": [{"id": d.id, "reason": d.reason} for d in asked.disable],
        "tool": "mmoracle",
        "version": mmoracle.__version__,
    }
    if report.interrupted:
        answer |= {"error": "interrupted", "exit": INTERRUPTED}
    return answer


# ------------------------------------------------------------------ other commands


def replay_lines(run: Run, file: str) -> list[str]:
    """Return the verdict on a recorded history, its first bad entry named."""
    lines = [run_line(run)]
    if run.failure is None:
        return lines
    bad = run.extra.get("first_bad", len(run.failure.trace) - 1)
    return [
        *lines,
        f"  entry {bad + 1} is the first bad one",
        *failure_lines(run, file),
    ]


def log_lines(run: Run, again: Sequence[str]) -> list[str]:
    """Return the verdict on a kernel's record; `again` are the arguments given."""
    extra, found = run.extra, run.failure
    lines = [f"{verdict_word(run.verdict)}: {run.scope}, {run.seconds:.1f} s"]
    lines += [f"  {label:<11} {fact}" for label, fact in extra.get("told", ())]
    lines += [f"  note: {note}" for note in extra.get("notes", [])]
    lines += [f"  cut {run.cut}"] if run.cut else []
    if found is not None:
        what = extra.get("sentence") or sentence_of(run.subsystem, found.rule)
        lines.append(f"  {found.rule}: {what}")
        lines.append(f"  why: {found.why}")
    bad = extra.get("first_bad") or {}
    shown = bad.keys() - ({"rule", "why"} if found else set())
    facts = [f"{name} {each}" for name, each in bad.items() if name in shown and each]
    lines += [f"  first bad: {', '.join(facts)}"] if facts else []
    if run.verdict is Verdict.VIOLATED:
        lines.append(f"reproduce: mmoracle {shlex.join(again)}")
    return lines


def log_json(run: Run) -> dict[str, Any]:
    """Return the verdict on a kernel's record as plain data."""
    hidden = ("told", "sentence")
    answer: dict[str, Any] = {"verdict": run.verdict.value}
    answer |= {key: each for key, each in run.extra.items() if key not in hidden}
    answer |= {"cut": run.cut, "seconds": round(run.seconds, 3), "failure": None}
    found = run.failure
    if found is not None:
        what = run.extra.get("sentence") or sentence_of(run.subsystem, found.rule)
        answer["failure"] = {"rule": found.rule, "sentence": what, "why": found.why}
    return answer


def proc_lines(run: Run, again: Sequence[str], every: bool) -> list[str]:
    """Return the verdict on /proc/zoneinfo, with its table."""
    from .kernel.proc_table import lines_of

    table = lines_of(run.extra["found"], every)
    lines = log_lines(replace(run, extra=run.extra | {"first_bad": None}), again)
    return [lines[0], *table, *lines[1:]]


def proc_json(run: Run) -> dict[str, Any]:
    """Return the verdict on /proc/zoneinfo as plain data."""
    from .kernel.proc_table import plain

    return log_json(replace(run, extra=plain(run.extra)))
