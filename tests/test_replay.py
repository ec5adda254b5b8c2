"""The oracle: a recorded history is permitted, or its first bad entry is named."""

from dataclasses import replace

import pytest

from mmoracle.checkers.oracle import replay
from mmoracle.checkers.registry import SUBSYSTEMS
from mmoracle.checkers.session import Entry
from mmoracle.checkers.subsystem import Fidelity
from mmoracle.checkers.verdict import Verdict
from mmoracle.checkers.walk import walked

SUBS = pytest.mark.parametrize("sub", SUBSYSTEMS.values(), ids=lambda x: x.name)


def like(sub, word):
    """Return the first configuration whose name starts so."""
    return next(cfg for name, cfg in sub.configs.items() if name.startswith(word))


@SUBS
@pytest.mark.parametrize("machine", [False, True])
@pytest.mark.parametrize("fidelity", Fidelity)
def test_a_recorded_walk_is_permitted(sub, machine, fidelity):
    cfg = like(sub, "small")
    entries = walked(sub, cfg, steps=300, seed=2)
    run = replay(
        sub, cfg, entries, config="small", fidelity=fidelity, machine=machine, every=50
    )
    assert run.verdict is Verdict.BOUNDED
    assert run.steps == len(entries)


@SUBS
def test_a_replay_may_start_from_any_state(sub):
    cfg = like(sub, "small")
    entries = walked(sub, cfg, steps=200, seed=2)
    state = sub.initial(cfg)
    for entry in entries[:100]:
        state = entry.op.after(cfg, state, entry.result)
    run = replay(sub, cfg, entries[100:], start=state)
    assert run.verdict is Verdict.BOUNDED


@SUBS
def test_the_first_bad_entry_is_named(sub):
    cfg = like(sub, "small")
    entries = walked(sub, cfg, steps=200, seed=2)
    state, bad = sub.initial(cfg), None
    for i, entry in enumerate(entries):
        others = [e.result for e in entries if type(e.op) is type(entry.op)]
        wrong = [r for r in others if r != entry.result]
        if i > 50 and wrong:
            bad = (i, Entry(entry.op, wrong[0]))
            break
        state = entry.op.after(cfg, state, entry.result)
    index, entry = bad
    run = replay(sub, cfg, [*entries[:index], entry, *entries[index + 1 :]])
    assert run.verdict is Verdict.VIOLATED
    assert run.extra["first_bad"] == index
    assert len(run.failure.trace) == index + 1
    assert run.failure.rule == "EXACT-ANSWER" or run.failure.rule in sub.rules


def test_an_answer_that_was_not_recorded_is_inconclusive():
    sub = SUBSYSTEMS["rbtree"]
    cfg = sub.configs["tiny"]
    insert = sub.op_named("Insert")
    run = replay(sub, cfg, [Entry(insert(0), ()), Entry(insert(1), None)])
    assert run.verdict is Verdict.INCONCLUSIVE
    assert run.cut.startswith("entry 1: Insert(key=1)")


def test_an_operation_outside_the_configuration_is_inconclusive():
    sub = SUBSYSTEMS["rbtree"]
    cfg = sub.configs["tiny"]
    insert = sub.op_named("Insert")
    run = replay(sub, cfg, [Entry(insert(i), ()) for i in range(30)])
    assert run.verdict is Verdict.INCONCLUSIVE
    assert run.steps == cfg.nodes
    assert run.cut.startswith(f"entry {cfg.nodes}: ")
    assert "not enabled" in run.cut


def test_arguments_need_not_be_those_that_exploration_offers():
    sub = SUBSYSTEMS["rbtree"]
    insert = sub.op_named("Insert")
    run = replay(sub, sub.configs["tiny"], [Entry(insert(1 << 60), ())])
    assert run.verdict is Verdict.BOUNDED


def test_an_empty_history_checks_nothing():
    sub = SUBSYSTEMS["rbtree"]
    assert replay(sub, sub.configs["tiny"], []).verdict is Verdict.NOTHING


@SUBS
def test_a_machine_that_disagrees_is_not_believed(sub):
    cfg = like(sub, "small")
    entries = walked(sub, cfg, steps=50, seed=2)
    deaf = replace(sub, accept=lambda machine, op, result: None)
    run = replay(deaf, cfg, entries, every=1)
    assert run.verdict is Verdict.VIOLATED
    assert run.failure.rule == "EXACT-STATE"
