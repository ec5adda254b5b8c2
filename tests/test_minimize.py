"""Shrinking: the same rule, fewer steps, smaller numbers, and honesty about it."""

import pytest

from mmoracle.checkers.minimize import shrink
from mmoracle.checkers.registry import SUBSYSTEMS
from mmoracle.checkers.session import Entry
from mmoracle.checkers.subsystem import words
from mmoracle.checkers.verdict import MINIMAL, NOT_SHOWN
from mmoracle.checkers.walk import walk, walked
from mmoracle.impl.rbtree import RbRoot

RBTREE = SUBSYSTEMS["rbtree"]


def like(sub, word):
    """Return the first configuration whose name starts so."""
    return next(cfg for name, cfg in sub.configs.items() if name.startswith(word))


@pytest.mark.parametrize("sub", SUBSYSTEMS.values(), ids=lambda x: x.name)
def test_a_history_that_holds_shrinks_to_nothing(sub):
    cfg = like(sub, "small")
    assert shrink(sub, cfg, walked(sub, cfg, steps=100, seed=1)) is None


def breaks_replace(monkeypatch):
    def forgets_the_right_child(self, victim, new):
        new.parent, new.red = victim.parent, victim.red
        new.left, new.right = victim.left, victim.right
        if new.left is not None:
            new.left.parent = new
        self._change_child(victim, new, victim.parent)

    monkeypatch.setattr(RbRoot, "rb_replace_node", forgets_the_right_child)


@pytest.mark.parametrize("config", ["tiny", "small"])
def test_a_long_failing_walk_becomes_three_steps(monkeypatch, config):
    breaks_replace(monkeypatch)
    cfg = RBTREE.configs[config]
    run = walk(RBTREE, cfg, config=config, steps=2_000, seed=3)
    failure = shrink(RBTREE, cfg, run.failure.trace, rule=run.failure.rule)
    assert failure.rule == run.failure.rule == "RB-PARENT"
    assert failure.minimal == MINIMAL
    assert [words(each.op) for each in failure.trace] == [
        "Insert(key=0)",
        "Insert(key=2)",
        "Replace(victim=0, new=1)",
    ] or len(failure.trace) == 3


def test_without_budget_it_is_not_shown_minimal(monkeypatch):
    breaks_replace(monkeypatch)
    cfg = RBTREE.configs["small"]
    run = walk(RBTREE, cfg, config="small", steps=2_000, seed=3)
    failure = shrink(RBTREE, cfg, run.failure.trace, budget=500)
    assert failure.minimal == NOT_SHOWN


def test_arguments_from_elsewhere_are_kept_or_made_smaller(monkeypatch):
    breaks_replace(monkeypatch)
    cfg = RBTREE.configs["tiny"]
    insert, replaced = map(RBTREE.op_named, ("Insert", "Replace"))
    far = 1 << 60
    ops = [insert(far), insert(far + 9), insert(5), replaced(far, far + 3)]
    failure = shrink(RBTREE, cfg, [Entry(op, None) for op in ops])
    assert failure.rule == "RB-PARENT"
    assert max(each.op.key for each in failure.trace[:2]) < 9
    assert len(failure.trace) == 3


def test_a_shorter_history_by_other_steps_is_found(monkeypatch):
    right = RbRoot.rb_first
    monkeypatch.setattr(
        RbRoot, "rb_first", lambda self: right(self) if len(self) < 2 else None
    )
    cfg = RBTREE.configs["tiny"]
    insert, replaced, first = map(RBTREE.op_named, ("Insert", "Replace", "First"))
    ops = [insert(4), insert(9), replaced(9, 12), insert(7), first()]
    failure = shrink(RBTREE, cfg, [Entry(op, None) for op in ops])
    assert [words(each.op) for each in failure.trace] == [
        "Insert(key=0)",
        "Insert(key=1)",
        "First()",
    ]
    assert failure.rule == "ITER-EXACT"
    assert failure.minimal == MINIMAL
