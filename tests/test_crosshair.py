"""CrossHair: what it is asked, that it refutes what is broken, and that it may fail."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable
from dataclasses import replace
from importlib import util
from pathlib import Path
from time import monotonic
from types import FunctionType

import pytest

from mmoracle.checkers import crosshair
from mmoracle.checkers.attacker import MARK
from mmoracle.checkers.crosshair import (
    Attack,
    Question,
    about_contract,
    about_lemma,
    about_pair,
    asked,
    attacks,
    lines,
    summary,
    written,
)
from mmoracle.checkers.operators import mutants
from mmoracle.proofs.attacked import ATTACKED, CONTRACTS, PAIRS, lemmas

needed = pytest.mark.skipif(
    util.find_spec("crosshair") is None, reason=f"CrossHair is {crosshair.ABSENT}"
)
MOST = 6  # changes that are tried on a contract
BRIEF = 0.4  # seconds for a question whose answer is to be a counterexample


# ------------------------------------------------------------------ what is asked


def test_there_are_contracts_and_pairs_on_many_functions():
    functions = {each for contract in CONTRACTS for each in contract.about}
    assert (len(CONTRACTS) >= 20, len(functions) >= 12, len(PAIRS) >= 12) == (True,) * 3
    assert len(ATTACKED) == len(set(ATTACKED)) == len(lemmas()) >= 15
    names = [each.statement.__name__ for each in CONTRACTS]
    assert len(names) == len(set(names))


def names_in(function: Callable) -> set[str]:
    return set(function.__code__.co_names)


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.statement.__name__)
def test_a_contract_calls_the_shipped_functions_that_it_names(contract):
    text = contract.statement.__doc__ or ""
    assert text.count("post: ") >= 1
    called = names_in(contract.statement)
    outer = contract.about[0].__name__
    assert outer in called
    for each in contract.about:
        assert each.__module__.startswith(("mmoracle.spec.", "mmoracle.impl."))
        inside = any(each.__name__ in names_in(other) for other in contract.about)
        assert each.__name__ in called or inside or each.__name__ in text


@pytest.mark.parametrize("pair", PAIRS, ids=lambda p: p.one.__name__)
def test_a_pair_is_one_function_of_each_side(pair):
    one, two = pair.about or (pair.one, pair.two)
    assert one.__module__.startswith("mmoracle.spec.")
    assert two.__module__.startswith("mmoracle.impl.")
    if pair.about:
        assert one.__name__ in names_in(pair.one)
        assert two.__name__ in names_in(pair.two)


def test_the_version_that_is_asked_for_is_the_one_that_is_declared():
    project = Path(__file__).parents[1] / "pyproject.toml"
    declared = tomllib.loads(project.read_text())["project"]["optional-dependencies"]
    assert crosshair.NEEDED in declared["prove"]


def test_a_lemma_is_written_as_a_contract_of_the_same_words():
    lemma = lemmas()[0]
    text = crosshair.attack(lemma)
    assert f"def {lemma.name}({', '.join(f'{w}: int' for w in lemma.words)})" in text
    assert f"pre: BY_NAME[{lemma.name!r}].meets(TOP, " in text
    assert "    post: _\n" in text


# ------------------------------------------------------------------ what it may say


def told(kind: str, *said: str) -> tuple[str, str]:
    question = Question(kind, "x", (), ())
    script = said_by(said)
    (attack,) = asked([question], 5, command=script)
    return attack.answer, attack.why


def said_by(said: tuple[str, ...], then: str = "") -> list[str]:
    """Return a command that answers one question so, and does something more."""
    body = [f"print({MARK + '0'!r})", *(f"print({line!r})" for line in said)]
    end = then or f"print({MARK + '0 0 0.1'!r})"
    text = "\n".join(["import subprocess, sys, time", *body, "sys.stdout.flush()", end])
    return [sys.executable, "-c", text]


@pytest.mark.parametrize(
    ("kind", "said", "answer", "why"),
    [
        ("check", "f.py:9: info: Confirmed over all paths.", "confirmed", "all paths"),
        ("check", "f.py:9: info: Not confirmed.", "open", "not every path"),
        ("check", "f.py:9: info: Unable to meet precondition.", "open", "no values"),
        ("check", "f.py:9: error: false when calling f(1)", "refuted", "f(1)"),
        ("check", "f.py:9: error: invalid syntax", "open", "invalid syntax"),
        ("lemma", "WARNING: no checkable functions.", "open", "no checkable"),
        ("lemma", "", "open", "it said nothing"),
        ("diffbehavior", "All paths exhausted, the same!", "confirmed", "all paths"),
        ("diffbehavior", "No differences found. (attempted 3)", "open", "not every"),
        ("diffbehavior", "Given: (a=1),", "refuted", "a=1"),
        ("diffbehavior", "Unable to load", "open", "Unable to load"),
    ],
)
def test_answers_are_read(kind, said, answer, why):
    found = told(kind, said)
    assert found[0] == answer
    assert why in found[1]


def test_the_worst_of_several_postconditions_counts():
    good = "f.py:9: info: Confirmed over all paths."
    assert told("check", good, "f.py:10: info: Not confirmed.")[0] == "open"
    assert told("check", "f.py:8: error: false when calling f(1)", good)[0] == "refuted"


# ------------------------------------------------------------------ how it may fail


def test_a_program_that_hangs_is_ended_with_all_that_it_started(tmp_path):
    noted = tmp_path / "child"
    child = f"import os, time; open({str(noted)!r}, 'w').write(str(os.getpid()))"
    hangs = f"subprocess.run([sys.executable, '-c', {child + '; time.sleep(99)'!r}])"
    (attack,) = asked(
        [Question("check", "x", (), ())],
        5,
        wall=3,
        command=said_by(("so far so good",), hangs),
    )
    assert attack.answer == "open"
    assert attack.why == "no answer in 3 s; it had said: so far so good"
    assert ends(int(noted.read_text()))


def ends(pid: int) -> bool:
    """Say whether a process is gone within seconds."""
    late = monotonic() + 5
    while monotonic() < late:
        status = Path(f"/proc/{pid}/stat")
        if (
            not status.exists()
            or status.read_text().rpartition(")")[2].split()[0] == "Z"
        ):
            return True
    return False


def test_a_program_that_ends_too_early_leaves_the_question_open():
    (attack,) = asked(
        [Question("check", "x", (), ())], 5, command=said_by(("half",), "sys.exit(1)")
    )
    assert (attack.answer, attack.why) == (
        "open",
        "it ended without an answer; it had said: half",
    )


def test_a_program_that_does_not_start_leaves_everything_open():
    command = [sys.executable, "-c", "raise SystemExit('no such thing')"]
    found = asked(
        [Question("check", name, (), ()) for name in "ab"], 5, command=command
    )
    assert [each.answer for each in found] == ["open", "open"]
    assert {each.why for each in found} == {"it did not start: no such thing"}


def test_what_the_budget_does_not_reach_is_named():
    both = [Question("check", name, (), ()) for name in "ab"]
    found = asked(both, 0.05, command=said_by(("x.py:1: info: Not confirmed.",)))
    assert [each.why for each in found][1] == "not asked: 0.05 s were used up"


def test_what_is_not_installed_is_open_by_name(monkeypatch):
    monkeypatch.setattr(util, "find_spec", lambda name: None)
    found = attacks(1)
    assert {each.answer for each in found} == {"open"}
    assert {each.why for each in found} == {crosshair.ABSENT}
    assert len(found) == len(CONTRACTS) + len(PAIRS) + len(ATTACKED)


def test_lines_are_aligned_and_summed_up():
    found = [
        Attack("check", "short", ("f",), "confirmed", 1.0, "over all paths"),
        Attack("diffbehavior", "a_longer_name", ("f", "g"), "open", 12.0, "late"),
    ]
    first, second = lines(found)
    assert first.index(" s  over") == second.index(" s  late")
    assert second.startswith("OPEN ")
    assert second.endswith("late; f, g")
    assert "1 by check: 1 confirmed; 1 by diffbehavior: 1 open; 13.0 s" in summary(
        found
    )


# ------------------------------------------------------------------ what it refutes

UNDO = """
import sys
undo = sys.__dict__.setdefault("undo_what_is_broken", [])
while undo:
    undo.pop()()
"""
MUTANT = """
from importlib import import_module
from mmoracle.checkers.operators import mutants
function = import_module({module!r})
for part in {name!r}.split("."):
    function = getattr(function, part)
code = function.__code__
undo.append(lambda: setattr(function, "__code__", code))
[*mutants(function)][{number}].install()
"""
MISTAKE = """
from mmoracle.proofs.catalogue import LEMMAS
wrong = next(each for each in LEMMAS if each.name == {lemma!r}).mistakes[{number}]
right = vars(wrong.target)[wrong.name]
undo.append(lambda: setattr(wrong.target, wrong.name, right))
setattr(wrong.target, wrong.name, wrong.broken)
"""


def broken(question: Question, text: str, folder: Path, **names: object) -> Question:
    """Return the question about code in which something is broken."""
    plugin = folder / f"plugin{len(list(folder.iterdir()))}.py"
    undone = "".join(f"    {line}\n" for line in text.format(**names).splitlines())
    called = f"def breaks(undo):\n{undone}\nbreaks(undo)\n"
    plugin.write_text(UNDO + called)
    return replace(question, words=(*question.words, "--extra_plugin", str(plugin)))


def mutated(question: Question, function: Callable, number: int, folder: Path):
    where = {"module": function.__module__, "name": function.__qualname__}
    return broken(question, MUTANT, folder, number=number, **where)


def called_by(function: Callable) -> list[Callable]:
    """Return the functions of its own module that a function names."""
    around = [function.__globals__.get(name) for name in sorted(names_in(function))]
    found = [each for each in around if isinstance(each, FunctionType)]
    return [each for each in found if each.__module__ == function.__module__]


def next_of(waiting: dict[str, list[Question]]) -> list[Question]:
    """Take the next two changes of each."""
    now = [each for tried in waiting.values() for each in tried[:2]]
    for tried in waiting.values():
        del tried[:2]
    return now


@needed
def test_every_contract_is_refuted_for_a_change_of_one_operator(tmp_path):
    waiting = {
        contract.statement.__name__: [
            mutated(about_contract(contract, BRIEF), function, number, tmp_path)
            for outer in contract.about
            for function in (outer, *called_by(outer))
            for number, _ in enumerate(mutants(function))
        ][:MOST]
        for contract in CONTRACTS
    }
    waiting = {name: tried for name, tried in waiting.items() if tried}
    assert len(waiting) >= len(CONTRACTS) - 1, "only painting has no operator"
    while any(waiting.values()):
        for each in asked(next_of(waiting), 200, wall=10):
            if each.answer == "refuted":
                assert " when calling " in each.why
                waiting.pop(each.name, None)
    assert waiting == {}


@needed
def test_every_attacked_lemma_is_refuted_for_a_mistake(tmp_path):
    written(lemmas(), tmp_path)
    waiting = {
        lemma.name: [
            broken(
                about_lemma(lemma, 2 * BRIEF),
                MISTAKE,
                tmp_path,
                lemma=lemma.name,
                number=number,
            )
            for number, _ in enumerate(lemma.mistakes)
        ]
        for lemma in lemmas()
    }
    while any(waiting.values()):
        for each in asked(next_of(waiting), 200, wall=20, path=str(tmp_path)):
            if each.answer == "refuted":
                waiting.pop(each.name, None)
    assert waiting == {}


@needed
def test_two_functions_that_differ_are_told_apart(tmp_path):
    pairs = {each.one.__name__: each for each in PAIRS}
    found = asked(
        [
            mutated(
                about_pair(pairs[name], BRIEF), pairs[name].about[side], 0, tmp_path
            )
            for name, side in (("size_capped", 0), ("page_below", 1), ("settled", 1))
        ],
        60,
    )
    assert [each.answer for each in found] == ["refuted"] * 3, found
    assert "Given: (base=" in found[0].why


@needed
def test_what_it_cannot_follow_within_its_time_is_open():
    contract = next(c for c in CONTRACTS if "any_address_down" in c.statement.__name__)
    pair = next(p for p in PAIRS if p.one.__name__ == "compaction_again")
    found = asked(
        [about_contract(contract, 0.3), about_pair(replace(pair, patience=0.0), 0.1)],
        20,
    )
    assert [each.answer for each in found] == ["open", "open"]
    assert all("not every path" in each.why for each in found)


@needed
def test_crosshair_itself_is_ended_when_it_takes_too_long():
    contract = next(c for c in CONTRACTS if "any_address_down" in c.statement.__name__)
    other = CONTRACTS[0]
    late, soon = asked(
        [about_contract(contract, 60.0), about_contract(other)], 60, wall=4
    )
    assert (late.answer, soon.answer) == ("open", "confirmed")
    assert late.why.startswith("no answer in")
