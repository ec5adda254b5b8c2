"""The page about proofs names theorems that exist, and calls proved what is proved."""

import re
from pathlib import Path

import pytest

pytest.importorskip("z3", reason="z3-solver is not installed")

from mmoracle.checkers.lemma import Shapes, Symbolic
from mmoracle.proofs.catalogue import LEMMAS

PAGE = Path(__file__).parent.parent / "docs" / "proofs.md"
BY_NAME = {each.name: each for each in LEMMAS}
ROWS = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
THEOREM = re.compile(r"`([a-z0-9]+(?:_[a-z0-9]+){3,})`")
NAMED = [(row, name) for row in ROWS for name in THEOREM.findall(row)]


def test_the_page_has_rows():
    assert len(NAMED) > 40


@pytest.mark.parametrize(("row", "name"), NAMED, ids=[name for _, name in NAMED])
def test_each_theorem_of_the_page_exists_and_is_a_proof(row, name):
    lemma = BY_NAME[name]
    assert any(
        isinstance(each, Symbolic) or (isinstance(each, Shapes) and each.all_there_are)
        for each in lemma.provers
    )


BUGS = [
    (bug, name)
    for row in ROWS
    for bug in re.findall(r"^\| (P\d+):", row)
    for name in THEOREM.findall(row)
]


@pytest.mark.parametrize(("bug", "name"), BUGS)
def test_each_bug_of_the_page_is_refuted_by_its_theorem_and_replayed(bug, name):
    lemma = BY_NAME[name]
    assert bug in {each.bug for each in lemma.mistakes}
    assert lemma.history is not None


def test_every_bug_of_the_page_is_there():
    assert {bug for bug, _ in BUGS} == {"P09", "P50", "P55", "P66"}
