"""Random walks: the same by seed, long, and able to find what is rare."""

from random import Random

import pytest

from mmoracle.checkers.draw import code, draw, earlier, holds, outside, width
from mmoracle.checkers.registry import SUBSYSTEMS
from mmoracle.checkers.subsystem import Fidelity, moves
from mmoracle.checkers.verdict import Verdict
from mmoracle.checkers.walk import walk
from mmoracle.impl.rbtree import RbRoot
from mmoracle.spec.core import Ints, OneOf

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
def test_walks_hold_and_are_the_same_by_seed(sub, name, fidelity):
    runs = [
        walk(sub, sub.configs[name], config=name, steps=300, seed=5, fidelity=fidelity)
        for _ in range(2)
    ]
    assert runs[0].verdict is Verdict.BOUNDED
    assert runs[0].ops == runs[1].ops
    assert 0 < runs[0].steps <= 300


@pytest.mark.parametrize("sub", SUBSYSTEMS.values(), ids=lambda x: x.name)
def test_what_is_drawn_is_a_move(sub):
    cfg = like(sub, "tiny")
    state, dice = sub.initial(cfg), Random(1)
    legal_here = set(moves(sub, cfg, state))
    for _ in range(200):
        op = draw(
            sub, cfg, state, code(sub, cfg, dice), __import__("collections").deque()
        )
        assert op is None or (op in legal_here and not outside(sub, cfg, state, op))


def test_a_difference_between_whole_comparisons_is_pinned_to_its_step(monkeypatch):
    right = RbRoot._insert_step

    def leaves_the_grandparent_black(self, node, parent):
        going_on = right(self, node, parent)
        if going_on is not None:
            going_on.red = False
        return going_on

    monkeypatch.setattr(RbRoot, "_insert_step", leaves_the_grandparent_black)
    sub = SUBSYSTEMS["rbtree"]
    run = walk(sub, sub.configs["small"], config="small", steps=5_000, seed=1)
    assert run.verdict is Verdict.VIOLATED
    assert run.failure.rule == "RB-BLACK"
    assert type(run.failure.trace[-1].op).__name__ == "Insert"


def test_domains_are_read_without_counting():
    huge = Ints(0, 1 << 80, 4096)
    assert width(huge) == 1 << 68
    assert holds(huge, 4096)
    assert not holds(huge, 1)
    assert not holds(huge, 1 << 80)
    assert earlier(huge, 8192) == [0, 4096]
    assert earlier(OneOf(("a", "b")), "b") == ["a"]
    assert earlier(OneOf(("a", "b")), "c") == []
