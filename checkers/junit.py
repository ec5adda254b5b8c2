"""Runs as a JUnit report, for the machines that collect test results."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as Xml

from .plan import Report, sentence_of
from .subsystem import number, words
from .verdict import Run, Verdict

ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def text(words: str) -> str:
    """Return words with the characters that XML cannot hold replaced."""
    return ILLEGAL.sub("\ufffd", words)


def junit(report: Report) -> bytes:
    """Return the report as XML: one test case for each run, and one for vacuity."""
    runs = report.runs
    vacuous = [(name, each) for name, each in report.missed.items() if each]
    suite = Xml.Element(
        "testsuite",
        name="mmoracle",
        tests=str(len(runs) + len(vacuous)),
        failures=str(sum(run.verdict is Verdict.VIOLATED for run in runs)),
        errors=str(len(vacuous) + sum(missing(run) for run in runs)),
        skipped="0",
        time=f"{sum(run.seconds for run in runs):.3f}",
    )
    properties(suite, seed=report.settings.seed, scope=report.settings.scope or "")
    for i, run in enumerate(runs):
        case(suite, run, report.files.get(i))
    for name, witnesses in vacuous:
        vacuity = Xml.SubElement(suite, "testcase", classname=name, name="witnesses")
        why = f"never reached: {', '.join(witnesses)}"
        Xml.SubElement(vacuity, "error", type="nothing-checked", message=why)
    root = Xml.Element("testsuites")
    root.append(suite)
    Xml.indent(root)
    return bytes(Xml.tostring(root, encoding="utf-8", xml_declaration=True))


def missing(run: Run) -> bool:
    """Say whether a run ended without an answer."""
    return run.verdict in (Verdict.INCONCLUSIVE, Verdict.NOTHING)


def properties(parent: Xml.Element, **values: object) -> None:
    """Append what a reader needs to make the same run again."""
    group = Xml.SubElement(parent, "properties")
    for name, each in values.items():
        Xml.SubElement(group, "property", name=name, value=text(str(each)))


def case(suite: Xml.Element, run: Run, file: str | None) -> None:
    """Append one run."""
    one = Xml.SubElement(
        suite,
        "testcase",
        classname=f"mmoracle.{run.subsystem}",
        name=f"{run.engine} {run.config} {run.fidelity}",
        time=f"{run.seconds:.3f}",
    )
    properties(
        one,
        verdict=run.verdict.value,
        scope=run.scope,
        states=run.states,
        steps=run.steps,
        seed="" if run.seed is None else run.seed,
        cut=run.cut,
    )
    if run.failure is not None:
        why = text(f"{run.failure.rule}: {run.failure.why}")
        kind = run.failure.rule
        Xml.SubElement(one, "failure", type=kind, message=why).text = text(
            "\n".join(history(run, file))
        )
    elif missing(run):
        Xml.SubElement(one, "error", type=run.verdict.value, message=text(run.cut))


def history(run: Run, file: str | None) -> Sequence[str]:
    """Return the failing history, an operation a line."""
    found = run.failure
    assert found is not None
    lines = [f"{found.rule}: {sentence_of(run.subsystem, found.rule)}", found.why]
    for i, entry in enumerate(found.trace, 1):
        answer = "" if entry.result is None else f" -> {number(entry.result)}"
        lines.append(f"{i}. {words(entry.op)}{answer}")
    lines.append(found.minimal)
    return [*lines, f"mmoracle replay {file}"] if file else lines


def write_junit(report: Report, path: str) -> None:
    """Write the report to a file; raises `OSError` where that is not possible."""
    place = Path(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(junit(report))
