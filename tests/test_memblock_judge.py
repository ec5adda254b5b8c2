"""Judging boot logs: real ones hold, a changed digit is found, a torn log is not blamed.

The synthetic kernel at the end prints random histories of the specification as 5.10
prints them (mm/memblock.c); the judge must follow every one of them.
"""

import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random

import pytest

from mmoracle.checkers.kernel.judge import judge_log
from mmoracle.checkers.kernel.text import read_lines
from mmoracle.checkers.verdict import Verdict
from mmoracle.spec.linux import MAX_NUMNODES
from mmoracle.spec.memblock import regions
from mmoracle.spec.memblock.ops import (
    Add,
    AllocTryNid,
    Free,
    PhysAlloc,
    Remove,
    Reserve,
    SetNode,
    TrimMemory,
)
from mmoracle.spec.memblock.regions import V5_10, Config, initial
from mmoracle.spec.memblock.search import Linux

TRACES = Path(__file__).parent / "data" / "traces"
LOGS = {  # how many addresses are predicted, and how many tables and dumps compared
    "arm64-5.10-512M": (24, 2),
    "riscv64-6.12-512M": (25, 2),
    "x86_64-5.10-256M": (49, 2),
    "x86_64-5.10-256M-pressure": (49, 2),
    "x86_64-5.10-256M-smp2": (49, 1),
}


@cache
def log(name):
    """Return the lines of a real log."""
    return tuple(text.rstrip("\n") for text in read_lines(TRACES / name / "dmesg.txt.xz"))


@pytest.fixture
def judge(tmp_path):
    """Return a function that judges lines, with the dumps of a real log if named."""

    def judged(lines, name=""):
        path = tmp_path / "dmesg.txt"
        path.write_text("".join(f"{line}\n" for line in lines))
        home = TRACES / name
        debugfs, state = home / "memblock", home / "state-te.json.xz"
        return judge_log(
            path,
            debugfs=debugfs if name and debugfs.exists() else None,
            state=state if name and state.exists() else None,
        )

    return judged


def counts(run):
    """Return (equal, seen) tables and (exact, asked) predictions."""
    tables, predicted = run.extra["tables"], run.extra["predicted"]
    return (
        (tables["equal"], tables["seen"]),
        (predicted["exact"], predicted["asked"]),
    )


def lines_of(lines, pattern):
    """Return the index of each line that matches, with the match."""
    found = ((at, re.search(pattern, text)) for at, text in enumerate(lines))
    return [(at, match) for at, match in found if match]


def with_digit(lines, at, place, digit):
    """Return the lines with one character of one line replaced."""
    text = lines[at]
    text = text[:place] + digit + text[place + 1 :]
    return [*lines[:at], text, *lines[at + 1 :]]


def another(dice, digit):
    """Return another hexadecimal digit."""
    return dice.choice([each for each in "0123456789abcdef" if each != digit])


def blames(run, at):
    """Say whether a verdict names the line at an index, as bad or as suspect."""
    bad = run.extra["first_bad"]
    return bad is not None and at + 1 in (bad["line"], bad.get("suspect"))


ADDRESS = r"0x([0-9a-f]{16})"
SPAN = rf"\[{ADDRESS}-{ADDRESS}\]"
ANSWER = rf"memblock_reserve: {SPAN} memblock_alloc_range_nid"
REQUEST = r"memblock_alloc\w*: [0-9]+ bytes align=0x([0-9a-f]+)"
ROW = rf" (?:memory|reserved)\[0x[0-9a-f]+\]\s{SPAN}, {ADDRESS} bytes"
FREE = rf"memblock_(?:phys_)?free: {SPAN}"
SIZES = rf"memory size = {ADDRESS} reserved size = {ADDRESS}"


# ------------------------------------------------------------------ real logs


@pytest.mark.parametrize("name", LOGS)
def test_a_real_log_holds_and_every_address_is_predicted(name, judge):
    run = judge(log(name), name)
    asked, tables = LOGS[name]
    assert run.verdict is Verdict.BOUNDED
    assert counts(run) == ((tables, tables), (asked, asked))
    assert (run.extra["first_bad"], run.failure, run.cut) == (None, None, "")


@pytest.mark.parametrize("name", LOGS)
def test_a_log_that_was_filtered_for_memblock_holds(name, judge):
    table = r"\] (?: ?(?:memory|reserved)(?:\[| size|\.cnt))|MEMBLOCK"
    kept = [text for text in log(name) if "memblock_" in text or re.search(table, text)]
    run = judge(kept, name)
    assert run.verdict is Verdict.BOUNDED
    assert counts(run) == counts(judge(log(name), name))
    assert len(kept) < len(log(name))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("what", ["answer", "row", "free", "sizes"])
@pytest.mark.parametrize("name", LOGS)
def test_a_changed_digit_is_found_where_it_is(name, what, seed, judge):
    lines, dice = log(name), Random(f"{name} {what} {seed}")
    pattern = {"answer": ANSWER, "row": ROW, "free": FREE, "sizes": SIZES}[what]
    for at, match in lines_of(lines, pattern):
        place = match.start(dice.randint(1, match.re.groups)) + dice.randrange(16)
        digit = another(dice, lines[at][place])
        run = judge(with_digit(lines, at, place, digit), name)
        where = f"line {at + 1}, {lines[at]}, {lines[at][place]} to {digit} at {place}"
        if run.verdict is not Verdict.VIOLATED: print("MISS", where, run.verdict, run.cut)
        elif not blames(run, at): print("BLAME", where, run.extra["first_bad"])
    assert 0
