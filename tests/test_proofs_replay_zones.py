"""What refutes a theorem is a history on which a mutant parts, and what ships not."""

from collections.abc import Iterator

import pytest

z3 = pytest.importorskip("z3", reason="z3-solver is not installed")

from mmoracle.checkers.bind.freelist import FREELIST  # noqa: E402
from mmoracle.checkers.bind.zones import ZONES  # noqa: E402
from mmoracle.checkers.lemma import Lemma, Mistake, mistaken  # noqa: E402
from mmoracle.checkers.session import EXACT_STATE, Divergence, Session  # noqa: E402
from mmoracle.checkers.verdict import Verdict  # noqa: E402
from mmoracle.proofs import freelist, zones  # noqa: E402

SUBSYSTEMS = ((FREELIST, freelist.FREELIST), (ZONES, zones.ZONES))
BUGS = [
    (sub, lemma, mistake)
    for sub, lemmas in SUBSYSTEMS
    for lemma in lemmas
    for mistake in lemma.mistakes
    if lemma.history and mistake.bug
]
RULES = {"P09": "WM-DECIDE", "P55": "MB-SORTED", "P66": "ZONE-SPAN"}


def refuted(lemma: Lemma, mistake: Mistake) -> Iterator[tuple[int, ...]]:
    """Yield the values of 64 bits with which z3 refutes the lemma."""
    with mistaken(mistake):
        for prover in lemma.provers:
            if getattr(prover, "bits", 0) == 64:
                outcome = prover(lemma)
                if outcome.verdict is Verdict.VIOLATED:
                    yield outcome.values


def replayed(sub, lemma, values):
    """Follow the history of values, on what is shipped or on a mutant of it."""
    cfg, ops = lemma.history(*values)
    session = Session(sub, cfg)
    for op in ops:
        session.do(op)


def told(value):
    return getattr(getattr(value, "broken", value), "__name__", None) or value.name


@pytest.mark.parametrize(("sub", "lemma", "mistake"), BUGS, ids=told)
def test_what_refutes_a_theorem_about_a_public_bug_is_a_history(sub, lemma, mistake):
    found = list(refuted(lemma, mistake))
    assert found
    for values in found:
        replayed(sub, lemma, values)
        with mistaken(mistake), pytest.raises(Divergence) as parted:
            replayed(sub, lemma, values)
        assert parted.value.rule


@pytest.mark.parametrize("bug", RULES)
def test_a_mutant_machine_breaks_the_rule_that_the_bug_is_about(bug):
    tried = [
        (sub, lemma, each)
        for sub, lemma, each in BUGS
        if each.bug == bug and ".impl." in module_of(each)
    ]
    assert tried
    for sub, lemma, mistake in tried:
        for values in refuted(lemma, mistake):
            with mistaken(mistake), pytest.raises(Divergence) as parted:
                replayed(sub, lemma, values)
            assert parted.value.rule in (RULES[bug], EXACT_STATE)  # as values fall


def module_of(mistake: Mistake) -> str:
    """Return the module that a mistake changes."""
    return getattr(mistake.target, "__module__", mistake.target.__name__)
