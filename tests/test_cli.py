"""The command line: exit codes, one JSON object, one sentence for each mistake."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mmoracle.checkers import cli, plan
from mmoracle.checkers.registry import SUBSYSTEMS
from mmoracle.checkers.zoo import load_mutants, patched

MUTANTS = {each.id: each for zoo in load_mutants().values() for each in zoo}
HEAVY = ("hypothesis", "rich", "sortedcontainers", "tomllib", "mmoracle.spec")

Shell = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run in an empty directory, without settings from outside."""
    monkeypatch.chdir(tmp_path)
    for name in [each for each in os.environ if each.startswith("MMORACLE_")]:
        monkeypatch.delenv(name)
    return


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str]) -> Shell:
    def run(*args: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = cli.run(args)
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def answer(shell: Shell) -> Callable[..., tuple[int, dict[str, Any]]]:
    def run(*args: str) -> tuple[int, dict[str, Any]]:
        code, out, err = shell(*args, "--json")
        assert err == ""
        assert out.count("\n") == 1
        return code, json.loads(out)

    return run


def process(*args: str, **env: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "mmoracle", *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | env,
    )


# ------------------------------------------------------------------ check


def test_a_sound_model_holds_completely(answer: Any) -> None:
    code, found = answer("check", "rbtree", "--config", "tiny-gap")
    assert (code, found["verdict"]) == (0, "holds-complete")
    (run,) = found["runs"]
    assert run["engine"] == "explore"
    assert run["states"] > 100
    assert run["failure"] is None
    assert found["tool"] == "mmoracle"


def test_scopes_choose_configurations_and_engines() -> None:
    from mmoracle.checkers.settings import Settings

    sub = SUBSYSTEMS["rbtree"]

    def pairs(scope: str | None, engine: str | None = None) -> set[tuple[str, str]]:
        jobs = plan.jobs([sub], Settings(scope=scope), engine, None)
        return {(job.engine, job.config) for job in jobs}

    assert {c for e, c in pairs(None) if e == "explore"} == {
        c for c in sub.configs if c.startswith("tiny")
    }
    assert {c.partition("-")[0] for e, c in pairs(None) if e != "explore"} == {"small"}
    assert {e for e, _ in pairs("linux")} == {"lockstep", "walk"}
    assert {e for e, _ in pairs("deep")} == {"explore"}
    assert pairs("tiny-gap") == {("explore", "tiny-gap")}
    assert {e for e, _ in pairs("tiny-gap", "all")} == set(plan.ENGINES)
    assert {e for e, _ in pairs(None, "walk")} == {"walk"}


def test_random_engines_say_their_seed(shell: Shell) -> None:
    args = ("--engine", "walk", "--config", "small-gap", "--steps", "200")
    code, out, err = shell("check", "rbtree", *args, "--seed", "7")
    assert (code, err) == (0, "")
    assert out.splitlines()[-1].endswith("seed 7")


def test_lockstep_prints_nothing_of_its_own(answer: Any) -> None:
    args = ("--engine", "lockstep", "--config", "tiny", "--steps", "4000")
    with patched(MUTANTS["insert-red-root"]):
        code, found = answer("check", "rbtree", *args)
    assert (code, found["runs"][0]["failure"]["rule"]) == (1, "RB-ROOT")


def test_a_cut_exploration_is_vacuous_and_says_so(shell: Shell) -> None:
    code, out, _ = shell("check", "rbtree", "--scope", "tiny", "--limit", "50")
    assert code == 5
    assert "cut after 50 steps" in out
    assert "vacuous: witness insert_recolours was not reached before the cut" in out
    assert out.splitlines()[-1].startswith("nothing-checked")


def test_a_violation_is_short_saved_and_reproduced(shell: Shell) -> None:
    with patched(MUTANTS["P11"]):
        code, out, _ = shell("check", "rbtree")
        lines = out.splitlines()
        assert code == 1
        block = lines[2:]
        assert len(block) <= 12
        assert block[0].startswith("  RB-RED: A red node has no red child.")
        assert block[-2] == "  minimal: no shorter history exists at this scope"
        command = block[-1].removeprefix("reproduce: ").split()
        assert shell(*command[1:])[0] == 1
        again = shell(*command[1:])[1].splitlines()
        assert again[-1] == block[-1]
    assert shell(*command[1:])[0] == 0


def test_only_the_first_violation_of_a_subsystem_unless_asked(answer: Any) -> None:
    args = ("check", "rbtree", "--scope", "tiny")
    with patched(MUTANTS["insert-red-root"]):
        assert len(answer(*args)[1]["runs"]) == 1
        code, found = answer(*args, "--keep-going")
    assert code == 1
    assert len(found["runs"]) == 4
    assert found["not_made"] == 0


def test_one_rule_can_be_judged_alone(answer: Any) -> None:
    args = ("check", "rbtree", "--config", "tiny-cached", "--fidelity", "allowed")
    with patched(MUTANTS["erase-keeps-first"]):
        assert answer(*args, "--invariant", "RB-CACHED")[0] == 1
        assert answer(*args, "--invariant", "RB-BLACK")[0] == 0


def test_junit_is_written_for_passes_and_failures(shell: Shell, tmp_path: Path) -> None:
    from xml.etree import ElementTree

    report = tmp_path / "deep" / "junit.xml"
    args = ("check", "rbtree", "--config", "tiny-gap", "--report", f"junit={report}")
    assert shell(*args)[0] == 0
    suite = ElementTree.parse(report).getroot()[0]
    assert suite.get("tests") == "1"
    assert suite.find("testcase/failure") is None
    with patched(MUTANTS["gap-from-zero"]):
        assert shell(*args)[0] == 1
    failure = ElementTree.parse(report).getroot()[0].find("testcase/failure")
    assert failure is not None
    assert failure.get("type") == "VMA-GAP"
    assert "1. Insert(" in (failure.text or "")


# ------------------------------------------------------------------ files


@pytest.fixture
def saved(shell: Shell) -> str:
    with patched(MUTANTS["erase-predecessor"]):
        shell("check", "rbtree", "--config", "tiny")
    (path,) = plan.FAILURES.iterdir()
    assert path.name.startswith("rbtree-EXACT-STATE-")
    return str(path)


def test_explain_tells_the_change_and_the_rule(saved: str, shell: Shell) -> None:
    with patched(MUTANTS["erase-predecessor"]):
        code, out, _ = shell("explain", saved)
    assert code == 1
    assert "1. Insert(key=" in out
    assert "is gone" in out
    assert "EXACT-STATE is broken: The machine reaches the state" in out
    assert "what is still to be done (rb_erase()" in out


def test_explain_holds_once_mended(saved: str, answer: Any) -> None:
    code, found = answer("explain", saved)
    assert (code, found["rule"]) == (0, None)
    assert len(found["steps"]) == found["length"]


def test_shrink_writes_the_shortest(saved: str, shell: Shell, tmp_path: Path) -> None:
    out = tmp_path / "out.mmt.jsonl"
    with patched(MUTANTS["erase-predecessor"]):
        code, text, _ = shell("shrink", saved, "-o", str(out))
        assert code == 1
        assert "minimal: no shorter history exists at this scope" in text
        assert shell("replay", str(out))[0] == 1
    assert shell("shrink", saved)[0] == 0


HEADER = {
    "format": "mmoracle-trace",
    "version": 1,
    "subsystem": "rbtree",
    "config": "tiny",
}


def trace_of(*entries: dict[str, Any], **header: Any) -> str:
    lines = [HEADER | header, *entries]
    Path("t.mmt.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines))
    return "t.mmt.jsonl"


def test_a_recorded_answer_that_is_wrong_is_named(answer: Any) -> None:
    right = {"op": "Insert", "args": {"key": 1}, "result": []}
    wrong = {"op": "First", "args": {}, "result": 3}
    assert answer("replay", trace_of(right))[0] == 0
    code, found = answer("replay", trace_of(right, wrong))
    assert (code, found["first_bad"]) == (1, 1)
    assert found["run"]["failure"]["rule"] == "ITER-EXACT"


def test_a_recorded_history_is_done_on_the_machine_too(answer: Any) -> None:
    one = {"op": "Insert", "args": {"key": 1}, "result": []}
    with patched(MUTANTS["insert-red-root"]):
        code, found = answer("replay", trace_of(one))
    assert (code, found["run"]["failure"]["rule"]) == (1, "RB-ROOT")


def test_an_empty_history_checks_nothing(answer: Any) -> None:
    assert answer("replay", trace_of())[0] == 5
    assert answer("shrink", trace_of())[0] == 5
    assert answer("explain", trace_of())[0] == 5


BAD = {
    "an empty file": b"",
    "a binary file": bytes(range(256)),
    "no trace": b"hello\n",
    "another version": json.dumps(HEADER | {"version": 9}).encode(),
    "an unknown subsystem": json.dumps(HEADER | {"subsystem": "x"}).encode(),
    "an unknown operation": json.dumps(HEADER).encode() + b'\n{"op":"X","result":1}\n',
    "a cut line": json.dumps(HEADER).encode() + b'\n{"op":"Fir',
}


@pytest.mark.parametrize("command", ["replay", "shrink", "explain"])
@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_one_sentence(
    what: str, command: str, shell: Shell, answer: Any
) -> None:
    Path("bad.mmt.jsonl").write_bytes(BAD[what])
    code, out, err = shell(command, "bad.mmt.jsonl")
    assert (code, out) == (4, "")
    assert err.startswith("mmoracle: bad.mmt.jsonl:")
    assert err.count("\n") == 1
    code, found = answer(command, "bad.mmt.jsonl")
    assert (code, found["exit"]) == (4, 4)
    assert found["error"] in err


@pytest.mark.parametrize("command", ["replay", "shrink", "explain", "trace"])
def test_a_missing_file_is_bad_input(command: str, answer: Any) -> None:
    assert answer(command, "nowhere")[0] == 4


# ------------------------------------------------------------------ usage

USAGE = [
    (("check", "rbtre"), "did you mean rbtree?"),
    (("chek",), "did you mean check?"),
    (("check", "--config", "tny"), "did you mean tiny?"),
    (("check", "--scope", "smal"), "did you mean small?"),
    (("check", "--invariant", "RB-BLAK"), "did you mean RB-BLACK?"),
    (("check", "--seeds", "1"), "--seed"),
    (("check", "--seed", "x"), "'x' is not a valid integer"),
    (("check", "--engine", "fast"), "'fast' is not one of"),
    (("check", "--report", "pdf=x"), "there is junit"),
    (("mutants", "--id", "P2"), "did you mean P"),
    (("replay",), "Missing argument"),
]


@pytest.mark.parametrize(("args", "hint"), USAGE)
def test_usage_errors_suggest(
    args: tuple[str, ...], hint: str, shell: Shell, answer: Any
) -> None:
    code, out, err = shell(*args)
    assert (code, out) == (2, "")
    assert hint in err
    assert err.count("\n") == 1
    code, found = answer(*args)
    assert (code, found["verdict"]) == (2, "nothing-checked")


def test_an_internal_error_is_one_sentence(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object) -> None:
        raise ZeroDivisionError("of the tool's own")

    monkeypatch.setattr(plan, "jobs", broken)
    code, out, err = shell("check")
    assert (code, out) == (70, "")
    assert err.startswith("mmoracle: internal error: ZeroDivisionError: of the tool's")
    assert "MMORACLE_DEBUG=1" in err
    monkeypatch.setenv("MMORACLE_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        shell("check")


def test_an_interruption_tells_what_was_done(
    answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, perform = [], plan.perform

    def stop(*args: Any) -> Any:
        if made:
            raise KeyboardInterrupt
        made.append(perform(*args))
        return made[0]

    monkeypatch.setattr(plan, "perform", stop)
    args = ("--scope", "small", "--steps", "100", "-n", "1")
    code, found = answer("check", "rbtree", *args)
    assert (code, found["verdict"]) == (130, "inconclusive")
    assert len(found["runs"]) == 1
    assert found["not_made"] > 0


# ------------------------------------------------------------------ settings


def test_the_nearest_file_is_read_and_the_command_line_wins(
    answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("pyproject.toml").write_text(
        '[tool.mmoracle]\nseed = 5\nsteps = 100\nscope = "small"\n'
        'disable = [{ id = "RB-RED", reason = "not ours" }]\n'
    )
    Path("below").mkdir()
    monkeypatch.chdir("below")
    found = answer("check", "rbtree")[1]
    assert found["seed"] == 5
    assert found["disabled"] == [{"id": "RB-RED", "reason": "not ours"}]
    assert {run["config"].partition("-")[0] for run in found["runs"]} == {"small"}
    monkeypatch.setenv("MMORACLE_SEED", "6")
    assert answer("check", "rbtree")[1]["seed"] == 6
    assert answer("check", "rbtree", "--seed", "7")[1]["seed"] == 7


WRONG = [
    ('sede = 1\nscope = "tiny"', "there is no setting sede, did you mean seed?"),
    ('seed = "x"', "seed: a whole number from 0 was expected"),
    ("steps = 0", "steps: a whole number from 1 was expected"),
    ('fidelity = "both-ways"', "fidelity: exact, allowed or both was expected"),
    ('disable = [{ id = "RB-RED" }]', "RB-RED is disabled without a reason"),
    ('disable = [{ id = "RB-REDD", reason = "x" }]', "did you mean RB-RED?"),
    ('disable = [{ id = "REFUSAL", reason = "x" }]', "cannot be disabled"),
    ('report = { pdf = "x" }', "no report is called pdf"),
    ("seed = ", "not TOML"),
]


@pytest.mark.parametrize(("text", "hint"), WRONG)
def test_a_wrong_setting_is_a_usage_error(text: str, hint: str, shell: Shell) -> None:
    Path("mmoracle.toml").write_text(text)
    code, out, err = shell("check", "rbtree")
    assert (code, out) == (2, "")
    assert hint in err
    assert err.count("\n") == 1


# ------------------------------------------------------------------ the others


def test_list_names_everything(answer: Any) -> None:
    code, found = answer("list")
    assert code == 0
    assert [sub["name"] for sub in found["subsystems"]] == list(SUBSYSTEMS)
    for each in found["subsystems"]:
        sub = SUBSYSTEMS[each["name"]]
        named = [
            rule["id"]
            for kind in ("laws", "invariants", "contracts")
            for rule in each[kind]
        ]
        assert list(dict.fromkeys(named)) == list(sub.rules)
        assert each["configs"].keys() == sub.configs.keys()
        for kind in ("operations", "witnesses"):
            assert all(one["name"] for one in each[kind])


def test_list_is_text_for_people(shell: Shell) -> None:
    out = shell("list")[1]
    assert "RB-BLACK           Every way from the root" in out
    assert "the_tree_empties" in out


def test_mutants_say_who_was_killed_by_what(answer: Any, shell: Shell) -> None:
    code, found = answer("mutants", "--id", "P26", "--id", "P25-empty")
    assert (code, found["killed"], found["total"]) == (0, 2, 2)
    assert {each["invariant"] for each in found["mutants"]} == {
        "NO-CRASH",
        "CONTRACT-ERASE",
    }
    assert shell("mutants", "--id", "P26")[1].endswith("1 of 1 mutants killed\n")


def test_doctor_measures_and_proposes(answer: Any, shell: Shell) -> None:
    code, found = answer("doctor")
    assert code == 0
    assert found["scope"] in ("tiny", "deep")
    assert found["speed"]["rbtree"]["steps_per_second"] > 0
    assert "suits this machine" in shell("doctor")[1]


def test_help_is_fast_as_nothing_heavy_is_imported() -> None:
    code = "import sys, mmoracle.checkers.cli as c; c.run(['--help'])\n"
    code += f"sys.exit(any(name in sys.modules for name in {HEAVY!r}))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0
    assert b"Commands:" in done.stdout


def test_the_version_is_told(shell: Shell) -> None:
    import mmoracle

    assert shell("--version") == (0, f"mmoracle {mmoracle.__version__}\n", "")


def test_a_closed_pipe_is_silent() -> None:
    running = process("list")
    assert running.stdout is not None
    assert running.stderr is not None
    running.stdout.close()
    assert running.stderr.read() == b""
    running.stderr.close()
    assert running.wait() == -signal.SIGPIPE


def test_a_signal_interrupts_with_130() -> None:
    # a job in the background may have inherited that it ignores the signal
    inherited = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        running = process("check", "rbtree", "--config", "deep", "--json")
    finally:
        signal.signal(signal.SIGINT, inherited)
    try:
        running.communicate(timeout=1.5)
    except subprocess.TimeoutExpired:
        running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=30)
    assert (running.returncode, err) == (130, b"")
    assert json.loads(out)["verdict"] == "inconclusive"
