"""What a theorem refutes at 64 bits happens in the subsystem too, and only there."""

from __future__ import annotations

import pytest

pytest.importorskip("z3", reason="z3-solver is not installed")

from mmoracle.checkers.lemma import Lemma, Mistake, mistaken
from mmoracle.checkers.registry import SUBSYSTEMS
from mmoracle.checkers.session import Divergence, Session
from mmoracle.checkers.verdict import Verdict
from mmoracle.proofs.catalogue import LEMMAS

TOP = (1 << 64) - 1
WHOLE = [
    (lemma, mistake)
    for lemma in LEMMAS
    for mistake in lemma.mistakes
    if lemma.history and mistake.bug
]


def told(value: object) -> str:
    if isinstance(value, Mistake):
        return f"{value.bug}-{value.broken.__name__}"
    return str(getattr(value, "name", value))


def subsystem_of(lemma: Lemma) -> str:
    return lemma.claim.__module__.split(".")[2]


def replayed(lemma: Lemma, values: tuple[int, ...]) -> list[object]:
    assert lemma.history is not None
    cfg, operations = lemma.history(*values)
    session = Session(SUBSYSTEMS[subsystem_of(lemma)], cfg)
    return [session.do(op) for op in operations]


@pytest.mark.parametrize(("lemma", "mistake"), WHOLE, ids=told)
def test_values_that_refute_a_theorem_break_the_subsystem(
    lemma: Lemma, mistake: Mistake
) -> None:
    with mistaken(mistake):
        outcome = lemma.provers[0](lemma)
        assert outcome.verdict is Verdict.VIOLATED
        assert outcome.values is not None
        with pytest.raises(Divergence) as found:
            replayed(lemma, outcome.values)
        assert found.value.trace
    assert replayed(lemma, outcome.values)


def test_both_bugs_that_need_a_wide_word_are_replayed() -> None:
    bugs = {
        mistake.bug for lemma, mistake in WHOLE if subsystem_of(lemma) == "memblock"
    }
    assert bugs >= {"P50", "P55"}
