"""A machine that never comes back is ended, and named."""

from dataclasses import replace
from threading import Thread

import pytest

from mmoracle.checkers.explore import explore
from mmoracle.checkers.registry import SUBSYSTEMS
from mmoracle.checkers.verdict import Verdict
from mmoracle.checkers.walk import walk
from mmoracle.checkers.watch import Hung, watched

RBTREE = SUBSYSTEMS["rbtree"]


def endless(machine, op):
    """Answer, but for one operation."""
    while type(op).__name__ == "Erase":
        pass
    return RBTREE.apply(machine, op)


@pytest.mark.parametrize("engine", ["explore", "walk"])
def test_an_endless_operation_is_a_crash_with_its_history(engine):
    with watched(replace(RBTREE, apply=endless), 0.05) as sub:
        cfg = sub.configs["tiny-cached"]
        if engine == "explore":
            run = explore(sub, cfg, config="tiny-cached")
        else:
            run = walk(sub, cfg, config="tiny-cached", steps=500, seed=1)
    assert run.verdict is Verdict.VIOLATED
    assert run.failure.rule == "NO-CRASH"
    assert "Hung: no answer within 0.05 seconds" in run.failure.why
    assert type(run.failure.trace[-1].op).__name__ == "Erase"


def test_a_long_run_of_short_calls_is_none():
    with watched(RBTREE, 0.01) as sub:
        run = explore(sub, sub.configs["tiny-cached"], config="tiny-cached")
    assert run.verdict is Verdict.COMPLETE


def test_the_timer_is_gone_afterwards():
    with (
        pytest.raises(Hung),
        watched(replace(RBTREE, build=endless_build), 0.01) as sub,
    ):
        sub.build(None)
    for _ in range(10**6):  # longer than two ticks
        pass


def endless_build(cfg):
    while True:
        pass


def test_other_threads_go_unwatched():
    """Signals reach the main thread only."""
    seen = []

    def look():
        with watched(RBTREE) as sub:
            seen.append(sub is RBTREE)

    thread = Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [True]
