"""The functions that theorems are about are the objects that the engines run."""

from functools import cache

import pytest

pytest.importorskip("z3", reason="z3-solver is not installed")

from mmoracle.checkers.ledger import subsystem_of
from mmoracle.checkers.lemma import Symbolic
from mmoracle.checkers.registry import SUBSYSTEMS
from mmoracle.checkers.shipped import (
    codes_in,
    functions,
    heard,
    key_of,
)
from mmoracle.checkers.walk import walk
from mmoracle.proofs.catalogue import LEMMAS

OURS = ("/spec/", "/impl/")


def ours(codes):
    """Return the code of specifications and machines, whoever made it."""
    return {
        each
        for each in codes
        if any(f"mmoracle{part}" in each.co_filename for part in OURS)
    }


@cache
def shipped():
    """Return every code object that a shipped function consists of."""
    return {id(code) for each in functions() for code in codes_in(each.__code__)}


def run_by(lemma):
    """Return the code that the quickest kind of prover runs."""
    plain = [each for each in lemma.provers if not isinstance(each, Symbolic)]
    with heard() as codes:
        (plain or lemma.provers)[-1](lemma)
    return ours(codes)


LAMBDAS = {"<lambda>"}  # those in tables have no name to be found by
PLAIN = [
    lemma
    for lemma in LEMMAS
    if not lemma.slow or any(not isinstance(each, Symbolic) for each in lemma.provers)
]


@pytest.mark.parametrize("lemma", PLAIN, ids=lambda lemma: lemma.name)
def test_a_theorem_runs_shipped_objects_only(lemma):
    codes = run_by(lemma)
    assert codes, "it is about nothing that is shipped"
    strange = {each.co_qualname for each in codes if id(each) not in shipped()}
    assert strange <= LAMBDAS


@pytest.mark.parametrize("name", SUBSYSTEMS)
def test_an_engine_runs_the_objects_that_are_proved(name):
    sub = SUBSYSTEMS[name]
    tiny = [each for each in sub.configs if each.startswith("tiny")]
    with heard() as codes:
        for config in tiny[:8]:
            walk(sub, sub.configs[config], config=config, steps=100, seed=0)
    engine = ours(codes)
    strange = {each.co_qualname for each in engine if id(each) not in shipped()}
    assert strange <= LAMBDAS
    proved = {
        key_of(code)
        for lemma in PLAIN
        if subsystem_of(lemma) == name
        for code in run_by(lemma)
    }
    both = proved & {key_of(each) for each in engine}
    assert both, "no function is proved that the engine runs"
