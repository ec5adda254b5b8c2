"""Judging a saved trace again: what is recorded, and what the machine does today."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic

from .codec import BadInput, Header, Trace, read_trace
from .judge import Judge
from .minimize import shrink
from .oracle import replay
from .plan import keep
from .session import EXACT_STATE, NO_CRASH, REFUSAL, Divergence, Entry, Session
from .settings import Unusable
from .subsystem import Fidelity
from .trial import attempt
from .verdict import NOT_SHOWN, Failure, Run, Verdict
from .watch import watched

SHORT = 10_000  # entries up to which whole states are compared at each
EVERY = 64
OF_MACHINES = (NO_CRASH, EXACT_STATE, REFUSAL)  # the record itself is right


def judge_file(path: str | Path, fidelity: str | None = None) -> tuple[Header, Run]:
    """Return the verdict on a trace file; raise `BadInput` where it does not parse.

    A saved failure is done again on the machine.  Any other trace is judged as it is
    recorded and, at exact fidelity, done again after that.
    """
    with opened(path) as trace:
        return judge_record(trace, path, Fidelity(fidelity or trace.header.fidelity))


@contextmanager
def opened(path: str | Path) -> Iterator[Trace]:
    """Yield a trace whose machine is watched: each of its calls ends."""
    trace = read_trace(path)
    with watched(trace.sub) as sub:
        yield replace(trace, sub=sub)


def judge_record(trace: Trace, path: str | Path, faith: Fidelity) -> tuple[Header, Run]:
    """Return the verdict on a trace that was read."""
    entries = list(trace.entries)
    if trace.header.rule is not None and entries:
        from_the_first(trace, path)
        return trace.header, again(trace, entries, faith)
    run = replay(
        trace.sub,
        trace.cfg,
        entries,
        config=trace.header.config,
        fidelity=faith,
        start=trace.start,
    )
    judged = entries[: run.extra.get("first_bad", len(entries)) + 1]
    right = run.failure is None or run.failure.rule in OF_MACHINES
    if right and not run.cut and faith is Fidelity.EXACT:
        run = redo(trace, judged, run)
    return trace.header, replace(run, seed=trace.header.seed)


def from_the_first(trace: Trace, path: str | Path) -> None:
    """Raise `BadInput` for a trace that begins in the middle of a history."""
    if trace.start is not None:
        why = "state: only a history from the initial state can be done again"
        raise BadInput(str(path), 1, why)


def again(trace: Trace, entries: list[Entry], fidelity: Fidelity) -> Run:
    """Do a failing history again; it holds once the machine is mended."""
    started = monotonic()
    x = Judge(trace.sub, trace.cfg, fidelity)
    failure = attempt(x, entries, trace.header.rule) or attempt(x, entries)
    run = Run(
        subsystem=trace.sub.name,
        engine="replay",
        config=trace.header.config,
        fidelity=fidelity.value,
        verdict=Verdict.VIOLATED if failure else Verdict.BOUNDED,
        scope=f"one history of {len(entries)} steps",
        steps=len(failure.trace) if failure else len(entries),
        depth=len(entries),
        seconds=monotonic() - started,
        seed=trace.header.seed,
        failure=failure,
    )
    if failure is not None:
        run.extra["first_bad"] = len(failure.trace) - 1
    return run


def redo(trace: Trace, entries: list[Entry], run: Run) -> Run:
    """Do a recorded history on the machine as well; return the run with what is met."""
    session = Session(trace.sub, trace.cfg, Fidelity.EXACT)
    if trace.start is not None:
        session.state = trace.start
        session.machine = trace.sub.load(trace.cfg, trace.start)
    whole = len(entries) <= SHORT
    try:
        for i, entry in enumerate(entries):
            session.do(entry.op, whole=whole or i % EVERY == 0)
    except Divergence as found:
        failure = Failure(found.rule, found.why, found.trace, NOT_SHOWN)
        extra = {**run.extra, "first_bad": len(found.trace) - 1}
        return replace(run, verdict=Verdict.VIOLATED, failure=failure, extra=extra)
    return run


def write_failure(run: Run, output: str | None) -> str | None:
    """Save a run's failure, under a name of its own if none is given; return it."""
    if run.failure is None:
        return None
    saved = keep(run.failure, run, Path(output) if output else None)
    if saved is None and output is not None:
        raise Unusable(f"--output: {output} cannot be written")
    return saved


def shrink_file(
    path: str | Path, fidelity: str | None = None
) -> tuple[Header, Run, int]:
    """Return the shortest failure found for a trace file, and how long it was."""
    with opened(path) as trace:
        faith = Fidelity(fidelity or trace.header.fidelity)
        from_the_first(trace, path)
        entries = list(trace.entries)
        started = monotonic()
        rule = trace.header.rule
        found = shrink(trace.sub, trace.cfg, entries, fidelity=faith, rule=rule)
    verdict = Verdict.VIOLATED if found else Verdict.BOUNDED
    run = Run(
        subsystem=trace.sub.name,
        engine="shrink",
        config=trace.header.config,
        fidelity=faith.value,
        verdict=verdict if entries else Verdict.NOTHING,
        scope=f"one history of {len(entries)} steps",
        steps=len(found.trace) if found else len(entries),
        depth=len(found.trace) if found else len(entries),
        seconds=monotonic() - started,
        seed=trace.header.seed,
        failure=found,
    )
    return trace.header, run, len(entries)
