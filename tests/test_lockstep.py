"""One Hypothesis machine for every subsystem."""

import pytest

from mmoracle.checkers.lockstep import lockstep
from mmoracle.checkers.registry import SUBSYSTEMS
from mmoracle.checkers.subsystem import Fidelity
from mmoracle.checkers.verdict import Verdict
from mmoracle.impl.rbtree import RbRoot

EVERY = [  # but for those that break a law as real 5.10 does
    (sub, name)
    for sub in SUBSYSTEMS.values()
    for name, cfg in sub.configs.items()
    if not getattr(cfg, "quirks", ())
]


def like(sub, word):
    """Return the first configuration whose name starts so."""
    return next(cfg for name, cfg in sub.configs.items() if name.startswith(word))


@pytest.mark.parametrize("fidelity", Fidelity)
@pytest.mark.parametrize(("sub", "name"), EVERY, ids=lambda x: getattr(x, "name", x))
def test_lockstep_holds(sub, name, fidelity):
    cfg = sub.configs[name]
    run = lockstep(
        sub, cfg, config=name, examples=4, steps=15, seed=1, fidelity=fidelity
    )
    assert run.verdict is Verdict.BOUNDED
    assert run.steps == sum(run.ops.values()) > 0


@pytest.mark.parametrize("sub", SUBSYSTEMS.values(), ids=lambda x: x.name)
def test_lockstep_is_the_same_by_seed(sub):
    cfg = like(sub, "small")
    runs = [
        lockstep(sub, cfg, config="small", examples=5, steps=20, seed=seed)
        for seed in (3, 3, 4)
    ]
    assert runs[0].ops == runs[1].ops
    assert runs[0].ops != runs[2].ops


@pytest.mark.parametrize("shorten", [False, True])
def test_a_failure_carries_its_history(monkeypatch, shorten):
    monkeypatch.setattr(
        RbRoot, "erase", lambda self, key: self.rb_erase(self.find(key))
    )
    sub = SUBSYSTEMS["rbtree"]
    run = lockstep(
        sub,
        sub.configs["tiny"],
        config="tiny",
        examples=20,
        steps=20,
        seed=1,
        shorten=shorten,
    )
    assert run.verdict is Verdict.VIOLATED
    assert run.failure.rule == "NO-CRASH"
    assert type(run.failure.trace[-1].op).__name__ == "Erase"
    assert not shorten or len(run.failure.trace) == 1
