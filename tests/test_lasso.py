"""Histories that never end are found, as a stem and a loop; those that end are not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mmoracle.checkers.bind.slowpath import SLOWPATH
from mmoracle.checkers.bind.slowpath_configs import CONFIGS
from mmoracle.checkers.lasso import Lasso, lasso
from mmoracle.checkers.session import Divergence, Session
from mmoracle.checkers.zoo import load_mutants, patched
from mmoracle.spec.core import Step
from mmoracle.spec.linux import Gfp
from mmoracle.spec.slowpath.ops import PfmemallocAllowed
from mmoracle.spec.slowpath.request import At, Config, Reply, State
from mmoracle.spec.slowpath.retry import may_go_round

TINY = [name for name in CONFIGS if name.startswith("tiny")]
MUTANTS = {each.id: each for each in load_mutants()["slowpath"]}


def is_idle(s: State) -> bool:
    return s.at is At.IDLE


def is_meant(step: Step[Config, State]) -> bool:
    """Say whether a step may be on a loop: NOFAIL's, or a question from outside."""
    outside = isinstance(step.op, PfmemallocAllowed)
    return outside or may_go_round(step.before, step.after)


def is_outside(step: Step[Config, State]) -> bool:
    return isinstance(step.op, PfmemallocAllowed)


def endless(config: str, **changes: object) -> Lasso | None:
    """Return a loop that is not meant, and does not pass through rest."""
    cfg = replace(CONFIGS[config], **changes)
    return lasso(SLOWPATH, cfg, rests=is_idle, meant=is_meant)


@pytest.mark.parametrize("config", TINY)
def test_every_request_comes_to_an_end(config: str) -> None:
    assert endless(config) is None


def test_only_requests_that_must_not_fail_go_round_for_ever() -> None:
    found = lasso(SLOWPATH, CONFIGS["tiny-nofail"], rests=is_idle, meant=is_outside)
    assert found is not None
    assert Gfp.NOFAIL in found.stem[0].op.request.gfp
    for cfg in (CONFIGS[config] for config in TINY):
        if not any(Gfp.NOFAIL in each.gfp for each in cfg.requests):
            assert lasso(SLOWPATH, cfg, rests=is_idle, meant=is_outside) is None


def test_a_costly_request_without_io_goes_round_for_ever_in_5_10_0() -> None:
    found = endless("v5.10-costly-noio")
    assert found is not None
    asked = [entry.result.asks.name for entry in (*found.stem, *found.loop)]
    assert asked[: len(found.stem)][-1] == asked[-1]
    names = "RETRY RECLAIM RECLAIMED DRAINED COMPACT COMPACTED"
    assert sorted(asked[-len(found.loop) :]) == sorted(names.split())
    told = {entry.op.reply for entry in found.loop}
    assert told == {Reply.NO_PAGE, Reply.READY, Reply.SKIPPED}


def test_the_loop_can_be_gone_round_again_and_again() -> None:
    found = endless("v5.10-costly-noio")
    assert found is not None
    lawless = replace(SLOWPATH, laws=(), invariants=())
    session = Session(lawless, CONFIGS["v5.10-costly-noio"])
    for entry in (*found.stem, *found.loop * 20):
        session.do(entry.op)
    assert session.state.loops >= 20


def test_the_law_complains_while_the_loop_is_gone_round() -> None:
    found = endless("v5.10-costly-noio")
    assert found is not None
    session = Session(SLOWPATH, CONFIGS["v5.10-costly-noio"])
    told = [entry.op for entry in (*found.stem, *found.loop)]
    with pytest.raises(Divergence, match="LIVE"):
        list(map(session.do, told))


@pytest.mark.parametrize("label", ["P21", "loop-for-ever", "drain-each-time"])
def test_a_mistake_that_loops_is_found_with_its_loop(label: str) -> None:
    with patched(MUTANTS[label]):
        found = endless(MUTANTS[label].config)
    assert found is not None
    assert found.loop


def test_a_loop_through_rest_is_none() -> None:
    cfg = CONFIGS["tiny-atomic"]
    assert lasso(SLOWPATH, cfg, rests=is_idle, meant=is_outside) is None
    through = lasso(SLOWPATH, cfg, rests=lambda s: False, meant=is_outside)
    assert through is not None
    assert through.stem == ()
