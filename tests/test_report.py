"""What reports say: short failures, honest words, no colour where none is wanted."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from mmoracle.checkers import explain, junit, report
from mmoracle.checkers.plan import Report
from mmoracle.checkers.session import Entry
from mmoracle.checkers.settings import Settings
from mmoracle.checkers.verdict import MINIMAL, Failure, Run, Verdict
from mmoracle.spec.linux import Bug
from mmoracle.spec.rbtree import Erase, First, Insert, Node, Tree


def run_of(verdict: Verdict, failure: Failure | None = None, cut: str = "") -> Run:
    return Run(
        subsystem="rbtree",
        engine="explore",
        config="tiny",
        fidelity="exact",
        verdict=verdict,
        scope="every history",
        states=3,
        steps=1234,
        witnesses=("the_tree_empties",),
        witnesses_missed=("insert_recolours",),
        failure=failure,
        cut=cut,
    )


def failing(length: int) -> Run:
    entries = [Entry(Insert(key), ()) for key in range(length - 1)]
    trace = (*entries, Entry(Erase(0), None))
    return run_of(Verdict.VIOLATED, Failure("RB-RED", "red 1 has red child 0", trace))


def test_a_run_is_one_line() -> None:
    line = report.run_line(run_of(Verdict.COMPLETE))
    assert "\n" not in line
    assert line.startswith("holds-complete")
    assert "3 states, 1,234 steps, witnesses 1/2, 0.0 s; every history" in line


def test_a_cut_run_says_where() -> None:
    line = report.run_line(run_of(Verdict.BOUNDED, cut="after 7 steps"))
    assert line.endswith("; cut after 7 steps")


@pytest.mark.parametrize("length", [1, 2, 8, 9, 500])
def test_a_failure_is_at_most_twelve_lines(length: int) -> None:
    lines = report.failure_lines(failing(length), "f.mmt.jsonl")
    assert len(lines) <= 12
    assert lines[0] == "  RB-RED: A red node has no red child."
    assert lines[1] == "  why: red 1 has red child 0"
    assert lines[-3].strip() == f"{length}. Erase(key=0) <- breaks RB-RED"
    assert lines[-2] == "  not shown minimal: a shorter history may exist"
    assert lines[-1] == "reproduce: mmoracle replay f.mmt.jsonl"
    if length > 8:
        assert f"… {length - 7} more" in "\n".join(lines)


def test_a_minimal_failure_says_so() -> None:
    failure = Failure("RB-RED", "why", (Entry(Erase(0), Bug("no")),), MINIMAL)
    lines = report.failure_lines(run_of(Verdict.VIOLATED, failure), None)
    assert MINIMAL in lines[-2]
    assert "Erase(key=0) -> Bug(why='no') <- breaks RB-RED" in lines[2]
    assert lines[-1].startswith("reproduce: mmoracle check rbtree --engine explore")


def test_the_worst_verdict_counts() -> None:
    whole = Report(Settings(), [run_of(Verdict.COMPLETE), run_of(Verdict.BOUNDED)])
    assert whole.verdict is Verdict.BOUNDED
    whole.missed = {"rbtree": ("insert_recolours",)}
    assert whole.verdict is Verdict.NOTHING
    assert "vacuous: witness insert_recolours" in "\n".join(report.summary(whole))
    whole.runs.append(failing(3))
    assert whole.verdict is Verdict.VIOLATED
    assert Report(Settings()).verdict is Verdict.NOTHING


def test_only_the_shortest_failure_is_shown() -> None:
    both = Report(Settings(), [failing(5), failing(2)])
    lines = report.summary(both)
    assert sum("reproduce:" in line for line in lines) == 1
    assert "2. Erase(key=0)" in "\n".join(lines)


def test_colour_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\033[" in report.verdict_word(Verdict.VIOLATED)
    monkeypatch.setenv("NO_COLOR", "1")
    assert report.verdict_word(Verdict.VIOLATED) == "violated"


def test_progress_is_for_terminals_only(capsys: pytest.CaptureFixture[str]) -> None:
    ticker = report.Ticker("x")
    ticker.began -= 10
    ticker({"steps": 5})
    ticker.stop()
    assert capsys.readouterr() == ("", "")
    ticker.shown = True
    ticker({"steps": 5})
    assert ticker.status is not None
    ticker.stop()
    assert ticker.status is None
    assert capsys.readouterr().out == ""


# ------------------------------------------------------------------ differences


@dataclass(frozen=True)
class Pair:
    """A record that is no table."""

    low: int
    high: int


def test_changes_name_fields_and_rows() -> None:
    one, two = Node(1, None, False, None, None), Node(2, 1, True, None, None)
    before = Tree(1, None, (one,))
    after = Tree(1, None, (Node(1, None, False, None, 2), two))
    assert list(explain.changes(before, after)) == [
        "nodes[key=1]: right: None -> 2",
        "nodes: Node(key=2, parent=1, red=True, left=None, right=None) is new",
    ]
    assert next(explain.changes(after, before)).endswith("is gone")
    assert list(explain.changes(before, before)) == []
    assert list(explain.changes(Pair(1, 2), Pair(1, 3))) == ["high: 2 -> 3"]
    assert list(explain.changes((1, 2), (1, 3))) == ["state: (1, 2) -> (1, 3)"]


def test_the_objects_of_a_complaint_are_its_rows() -> None:
    rows = (Node(1, None, False, None, 4096), Node(4096, 1, True, None, None))
    found = list(explain.named("red 0x1000 has no node 7", Tree(1, None, rows)))
    assert found == ["Node(key=0x1000, parent=1, red=True, left=None, right=None)"]


# ------------------------------------------------------------------ JUnit


def test_junit_holds_any_character() -> None:
    failure = Failure("RB-RED", "a \x00 b ]]> <c>", (Entry(First(), None),))
    text = junit.junit(Report(Settings(), [run_of(Verdict.VIOLATED, failure)]))
    from xml.etree import ElementTree

    suite = ElementTree.fromstring(text)[0]
    assert suite.get("failures") == "1"
    found = suite.find("testcase/failure")
    assert found is not None
    assert found.get("message") == "RB-RED: a \ufffd b ]]> <c>"


def test_junit_counts_vacuity_as_an_error() -> None:
    vacuous = Report(Settings(), [run_of(Verdict.COMPLETE)])
    vacuous.missed = {"rbtree": ("insert_recolours",)}
    text = junit.junit(vacuous).decode()
    assert 'errors="1"' in text
    assert "never reached: insert_recolours" in text
