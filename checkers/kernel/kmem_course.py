"""How a trace of page events was followed, and what is told of that."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..bind.buddy import BUDDY
from ..verdict import Failure, Run, Verdict
from .kmem_end import Comparison
from .kmem_facts import Bad, Tally

SENTENCES = {
    "EXACT-ANSWER": "The frame handed out is the one that Linux would hand out.",
    "EXACT-EVENTS": "Every refill, drain and steal is the one that Linux would make.",
    "EXACT-STATE": "The lists that the trace leads to are those of the later image.",
    "BUD-DISJOINT": "A frame that somebody holds is not handed out or listed as free.",
    "BUD-OWN": "A free gives back a block as it was handed out, once.",
    "BUD-ALIGN": "A block is aligned to its size.",
    "BUD-ZONE": "A block lies in one zone, which the request may use.",
    "ZL-ORDER": "A request falls into the first zone of its list that may serve it.",
    "RECORD": "An entry's frame number and its page pointer name the same frame.",
    "PROC": "What /proc showed is a state that was passed through meanwhile.",
}


@dataclass
class Course:
    """How a trace was followed, and how that ended."""

    path: Path
    fidelity: str
    tally: Tally
    bad: Bad | None = None
    cut: str = ""
    cut_entry: int | None = None
    compared: Comparison | None = None
    snapshots: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    beside: list[str] = field(default_factory=list)  # files that were found unasked


def run_of(course: Course) -> Run:
    """Return the record of a trace that was followed."""
    tally, bad = course.tally, course.bad
    verdict, failure = Verdict.BOUNDED, None
    if bad is not None:
        place = f"{course.path}: entry {bad.entry}"
        failure = Failure(bad.rule, f"{place}: {bad.why}", ())
        verdict = Verdict.VIOLATED
    elif course.cut:
        verdict = Verdict.INCONCLUSIVE
    elif not tally.events:
        verdict = Verdict.NOTHING
    return Run(
        subsystem=BUDDY.name,
        engine="trace",
        config="linux",
        fidelity=course.fidelity,
        verdict=verdict,
        scope=str(course.path),
        steps=tally.events,
        seconds=course.seconds,
        cut=cut_of(course),
        failure=failure,
        extra=facts(course),
    )


def cut_of(course: Course) -> str:
    """Return where a trace stopped to say enough, and why."""
    if not course.cut:
        return "" if course.tally.events else "the trace has no page events"
    if course.cut_entry is None:
        return course.cut
    return f"inconclusive from entry {course.cut_entry}: {course.cut}"


def facts(course: Course) -> dict[str, Any]:
    """Return what was found out, for reports: JSON values by name."""
    tally, c = course.tally, course.compared or Comparison()
    bad = course.bad
    return {
        "fidelity": course.fidelity,
        "entries": tally.entries,
        "events": tally.events,
        "predicted": {"asked": tally.asked, "exact": tally.exact},
        "zones": {"asked": tally.zoned, "exact": tally.placed},
        "internal": {"seen": tally.seen, "exact": tally.internal},
        "frees": tally.freed,
        "lists": {"seen": c.lists, "equal": c.lists_equal},
        "page_blocks": {"seen": c.blocks, "equal": c.blocks_equal},
        "counters": {"seen": c.counters, "equal": c.counters_equal},
        "snapshots": {
            "seen": course.snapshots.get("seen", 0),
            "equal": course.snapshots.get("equal", 0),
        },
        "first_bad": bad_json(bad) if bad is not None else None,
        "inconclusive_from": course.cut_entry,
        "notes": [f"{what}: {many:,}" for what, many in tally.notes.items()],
        "told": told(course),
        "sentence": SENTENCES.get(bad.rule) if bad is not None else None,
    }


def told(course: Course) -> list[tuple[str, str]]:
    """Return what was found out, for a reader: a label and a fact a line."""
    tally, c = course.tally, course.compared
    exactly = course.fidelity == "exact"
    lines = [("entries", f"{tally.entries:,}, {tally.events:,} page events judged")]
    if exactly:
        lines.append(("frames", f"{tally.exact:,} of {tally.asked:,} as predicted"))
        lines.append(("zones", zones_told(tally)))
        lines.append(("internal", f"{tally.internal:,} of {tally.seen:,} as predicted"))
    else:
        lines.append(
            ("handed out", f"{tally.exact:,} of {tally.asked:,} blocks rightly")
        )
        lines.append(("freed", f"{tally.freed:,} as they were handed out"))
    if c is not None:
        same = "ordered lists equal to the later image's"
        lines.append(("lists", f"{c.lists_equal} of {c.lists} {same}"))
        lines.append(("page blocks", f"{c.blocks_equal} of {c.blocks} types equal"))
    if course.snapshots:
        seen, equal = course.snapshots["seen"], course.snapshots["equal"]
        lines.append(("/proc", f"{equal} of {seen} lines and numbers passed through"))
    lines += [("beside", each) for each in course.beside]
    return lines


def zones_told(tally: Tally) -> str:
    """Return how many allocations fell into the zone that they had to fall into."""
    placed, rest = tally.placed, tally.zoned - tally.placed
    more = f", {rest:,} into one that they may" if rest else ""
    return f"{placed:,} of {tally.zoned:,} by zonelist and watermarks{more}"


def bad_json(bad: Bad) -> dict[str, Any]:
    """Return what is wrong with an entry as plain data."""
    return {
        "entry": bad.entry,
        "rule": bad.rule,
        "why": bad.why,
        "expected": bad.expected,
        "got": bad.got,
        "text": bad.text,
    }
