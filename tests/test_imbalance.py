"""The second reading of red-black trees gives Linux's tree; its literal form cannot."""

from collections import Counter
from functools import cache
from itertools import product

import pytest

from mmoracle.checkers.bind.rbtree import plain
from mmoracle.spec import imbalance
from mmoracle.spec.imbalance import at, placed, red, second_reading, spin
from mmoracle.spec.rbtree import (
    EMPTY,
    INVARIANTS,
    Branch,
    Config,
    Erase,
    First,
    Insert,
    Replace,
    has,
    tree_of,
)

NODES = 7
CFG = plain(NODES + 1)  # the i-th node is 2i+1, so that every gap has one free key


def branches(first, nodes, black, may_be_red):
    """Yield every branch of `nodes` nodes from the key `first` on, coloured by rule."""
    if nodes == 0 and black == 0:
        yield None
    for is_red, left in product((False, True)[: 1 + may_be_red], range(nodes)):
        below, key = black - (not is_red), first + 2 * left
        if below >= 0:
            for kids in product(
                branches(first, left, below, not is_red),
                branches(key + 2, nodes - 1 - left, below, not is_red),
            ):
                yield Branch(key, is_red, 0, kids)


def trees(nodes):
    """Return every red-black tree of this size, whether histories reach it or not."""
    return [
        tree_of(CFG, b) for black in range(4) for b in branches(1, nodes, black, False)
    ]


def broken(t):
    """Return the ids of the invariants that a tree breaks."""
    return [each.id for each in INVARIANTS for _ in each.check(CFG, t)]


@cache
def steps():
    """Return every insertion and erasure in every tree of up to seven nodes."""
    found = []
    for t in (t for nodes in range(NODES + 1) for t in trees(nodes)):
        for key in range(CFG.keys):
            op = Erase(key) if has(t, key) else Insert(key)
            found.append((t, op, op.after(CFG, t, op.choose(CFG, t))))
    return found


def test_every_red_black_tree_of_up_to_seven_nodes_is_looked_at():
    assert [len(trees(nodes)) for nodes in range(NODES + 1)] == [
        1,
        1,
        2,
        2,
        4,
        8,
        16,
        33,
    ]
    invalid = [t for n in range(NODES + 1) for t in trees(n) for _ in broken(t)]
    assert not invalid


def test_the_second_reading_is_linux_on_every_step_of_every_small_tree():
    """One unit of imbalance, moved and borrowed, gives the tree that Linux gives.

    |  every insertion and every erasure of every tree of up to seven nodes  |
    """
    erasures = sum(isinstance(op, Erase) for _, op, _ in steps())
    assert (len(steps()), erasures) == (1139, 394)
    for t, op, after in steps():
        assert second_reading(CFG, t, op) == after, op


def test_the_second_reading_keeps_owners_numbers():
    cfg = Config(keys=9, nodes=9, values=9, summary="max")
    ops = [Insert(k, 8 - k) for k in (1, 3, 5, 2, 4)] + [
        Erase(k) for k in (3, 1, 5, 2, 4)
    ]
    t = EMPTY
    for op in ops:
        after = op.after(cfg, t, op.choose(cfg, t))
        assert second_reading(cfg, t, op) == after
        t = after
    assert t == EMPTY


@pytest.mark.parametrize("op", [Insert(3), Erase(4), Replace(3, 4), First()], ids=repr)
def test_the_second_reading_says_nothing_of_mistakes_and_other_operations(op):
    three = tree_of(CFG, Branch(3, False, 0))
    assert second_reading(CFG, three, op) is None
    assert second_reading(CFG, EMPTY, Erase(3)) is None


# ------------------------------------------------------------------ the literal reading

careful = imbalance.redden


def literal(b, way):
    """Borrow down as the notes' words have it: no turn of the sibling comes first.

    The far child, an empty leaf or black, is called red, and the two move up.
    """
    if way:
        above, side = way[:-1], way[-1]
        p = at(b, above)
        s = p.kids[1 - side]
        if not s.red and red(s.kids[side]) and not red(s.kids[1 - side]):
            return placed(b, above, spin(p, side)), (*above, side, side)
    return careful(b, way)


def test_borrowing_down_literally_breaks_the_smallest_tree_that_needs_it(monkeypatch):
    r"""Without turning the sibling first, the far side loses a black node.

    |     3b                 7b       |            5b      |
    |    /  \      -1       /         |           /  \     |
    |   1b   7b    ->     3b          |   and not 3b   7b  |
    |       /               \         |                    |
    |      5r                5r       |                    |
    """
    monkeypatch.setattr(imbalance, "redden", literal)
    wrong = [
        (t, op, got)
        for t, op, after in steps()
        if (got := second_reading(CFG, t, op)) != after
    ]
    assert all(broken(got) == ["RB-BLACK"] for _, _, got in wrong)
    smallest = [(keys_of(t), op) for t, op, _ in wrong if len(t.nodes) <= 4]
    assert smallest == [
        ("1b 3b 5r 7b", Erase(1)),
        ("1b 3r 5b 7b", Erase(5)),  # its successor, the leaf 7, goes in its place
        ("1b 3r 5b 7b", Erase(7)),
    ]
    assert Counter(len(t.nodes) for t, *_ in wrong) == {4: 3, 6: 10, 7: 20}


def keys_of(t):
    """Return the keys and colours of a tree in order."""
    return " ".join(f"{node.key}{'r' if node.red else 'b'}" for node in t.nodes)
