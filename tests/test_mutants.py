"""Every known mistake is found, by the rule that it breaks, and nothing else is."""

from __future__ import annotations

from functools import cache

import pytest

from mmoracle.checkers.explore import explore
from mmoracle.checkers.registry import SUBSYSTEMS
from mmoracle.checkers.session import CHOICE, GENERIC_RULES
from mmoracle.checkers.verdict import Verdict
from mmoracle.checkers.zoo import Mutant, Obsolete, Trial, load_mutants, patched, trial

MUTANTS = {each.id: each for zoo in load_mutants().values() for each in zoo}
EXPLORED = sorted(
    {(m.subsystem, m.config) for m in MUTANTS.values() if m.engine == "explore"}
)
PATIENCE = 10  # times the longest kill, in steps, for the unmutated model
MOST = 5_000  # of these steps here; `make check` goes on to the end


@cache
def tried(label: str) -> Trial:
    mutant = MUTANTS[label]
    return trial(mutant, SUBSYSTEMS[mutant.subsystem])


@pytest.mark.parametrize("label", MUTANTS)
def test_a_mutant_is_killed_by_its_rule(label: str) -> None:
    found = tried(label)
    assert found.rule == MUTANTS[label].rule, found.why
    assert found.killed
    assert found.length > 0


@pytest.mark.parametrize("label", MUTANTS)
def test_a_mutant_names_a_rule_and_says_what_is_wrong(label: str) -> None:
    mutant = MUTANTS[label]
    sub = SUBSYSTEMS[mutant.subsystem]
    assert mutant.rule in sub.rules | GENERIC_RULES
    assert mutant.about.endswith(".")
    assert mutant.source


def test_mutant_ids_are_unique() -> None:
    assert len(MUTANTS) == sum(map(len, load_mutants().values()))


@pytest.mark.parametrize(("name", "config"), EXPLORED)
def test_the_unmutated_model_passes_ten_times_the_budget(
    name: str, config: str
) -> None:
    kin = [m for m in MUTANTS.values() if (m.subsystem, m.config) == (name, config)]
    budget = PATIENCE * max(tried(m.id).steps for m in kin if m.engine == "explore")
    sub = SUBSYSTEMS[name]
    limit = min(max(budget, 1_000), MOST)
    run = explore(sub, sub.configs[config], config=config, limit=limit)
    assert run.failure is None
    assert run.verdict in (Verdict.COMPLETE, Verdict.BOUNDED)


@pytest.mark.parametrize("name", load_mutants())
def test_every_rule_has_a_mutant_that_it_kills(name: str) -> None:
    sub = SUBSYSTEMS[name]
    rules = {m.rule for m in MUTANTS.values() if m.subsystem == name}
    assert set(sub.rules) - set(sub.implied) - rules == set()


def test_every_generic_rule_about_machines_has_a_mutant() -> None:
    rules = {m.rule for m in MUTANTS.values()}
    assert set(GENERIC_RULES) - {CHOICE} - rules == set()


@pytest.mark.parametrize("name", load_mutants())
def test_every_operation_has_a_mutant_that_it_reveals(name: str) -> None:
    trials = [tried(m.id) for m in MUTANTS.values() if m.subsystem == name]
    ends = {type(each.trace[-1].op).__name__ for each in trials if each.trace}
    assert {op.__name__ for op in SUBSYSTEMS[name].ops} - ends == set()


class Thing:
    """Something to put a mistake into."""

    here = 1


def on(attribute: str) -> Mutant:
    return Mutant(
        id="X",
        subsystem="-",
        target=Thing,
        name=attribute,
        broken=2,
        rule="-",
        config="tiny",
    )


def test_a_mistake_is_taken_away_again() -> None:
    with patched(on("here")):
        assert Thing.here == 2
    assert Thing.here == 1


def test_a_mutant_that_no_longer_applies_says_so() -> None:
    with (
        pytest.raises(Obsolete, match="mutant X no longer applies: Thing has no gone"),
        patched(on("gone")),
    ):
        pass
