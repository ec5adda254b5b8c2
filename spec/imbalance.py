"""A second reading of red-black trees: red is one unit of imbalance.

The founding notes read the algorithm without cases.  A new node is red: its side is
one longer.  Two red children under a black node may *move up* (不平衡上移) and become
one red above; the inverse is to *move down* (下移).  Moving up is *delayed* (上移延迟)
until two reds meet.  An erased node must be red, so a black leaf is *pre-balanced*
(预平衡): it borrows a red from a sibling by rotation (左右旋借), after borrowing down
(下借) when the near nephew holds it, or from the parent, which borrows up (上借).
The root and the empty leaves are red and black at once (红黑节点) and lend for free.

This module shares the tree's shape with `rbtree` and none of its algorithm.
"""

from __future__ import annotations

from .core import Op
from .rbtree import (
    Branch,
    Config,
    Erase,
    Insert,
    Sub,
    Tree,
    branch_of,
    hang,
    has,
    paint,
    red,
    tree_of,
)

Way = tuple[int, ...]  # the sides taken from the root


def lift(p: Branch, side: int, is_red: bool) -> Branch:
    """Let the child on `side` rise into p's place and colour; p becomes `is_red`."""
    riser = p.kids[side]
    assert riser is not None
    lowered = hang(paint(p, is_red), side, riser.kids[1 - side])
    return hang(paint(riser, p.red), 1 - side, lowered)


def tint(b: Sub, is_red: bool) -> Sub:
    """Return `b` in this colour; an empty leaf stays red and black at once."""
    return paint(b, is_red) if b is not None else None


def move_up(b: Branch) -> Branch:
    """Turn two reds below a black node into one red: 不平衡上移."""
    return Branch(
        b.key, True, b.value, (tint(b.kids[0], False), tint(b.kids[1], False))
    )


def move_down(b: Branch) -> Branch:
    """Turn one red above two black nodes into two reds: 不平衡下移."""
    return Branch(b.key, False, b.value, (tint(b.kids[0], True), tint(b.kids[1], True)))


# ------------------------------------------------------------------ insertion


def plant(b: Sub, key: int, own: int) -> Branch:
    """Add a red leaf; a red above a red child is left for the parent to mend."""
    if b is None:
        return Branch(key, True, own)
    side = int(key > b.key)
    return even_out(hang(b, side, plant(b.kids[side], key, own)), side)


def even_out(b: Branch, side: int) -> Branch:
    """Spread an imbalance of two on `side` over both sides, or move it up."""
    p = b.kids[side]
    if b.red or p is None or not p.red or not (red(p.kids[0]) or red(p.kids[1])):
        return b
    if red(b.kids[1 - side]):
        return move_up(b)
    if not red(p.kids[side]):
        b = hang(b, side, lift(p, 1 - side, True))
    return lift(b, side, True)


# ------------------------------------------------------------------ erasure


def at(b: Branch, way: Way) -> Branch:
    """Return the node at the end of a way."""
    for side in way:
        kid = b.kids[side]
        assert kid is not None
        b = kid
    return b


def put(b: Sub, way: Way, new: Sub) -> Sub:
    """Return the tree with `new` at the end of a way."""
    if not way or b is None:
        return new
    return hang(b, way[0], put(b.kids[way[0]], way[1:], new))


def placed(b: Branch, way: Way, new: Branch) -> Branch:
    """Return the tree, which is not empty, with `new` at the end of a way."""
    tree = put(b, way, new)
    assert tree is not None
    return tree


def redden(b: Branch, way: Way) -> tuple[Branch, Way]:
    """Make the black node at the end of `way` red: 预平衡; it may have moved."""
    if not way:
        return paint(b, True), way  # the root lends for free
    above, side = way[:-1], way[-1]
    p = at(b, above)
    s = p.kids[1 - side]
    assert s is not None
    if s.red:  # 左右旋借 from a red sibling: the parent becomes red, one level lower
        return redden(placed(b, above, lift(p, 1 - side, True)), (*above, side, side))
    near, far = s.kids[side], s.kids[1 - side]
    if red(near) or red(far):
        if not red(far):  # 下借: the near red goes to the far side first
            p = hang(p, 1 - side, lift(s, side, True))
        return placed(b, above, spin(p, side)), (*above, side, side)
    if not p.red:  # 上借
        b, above = redden(b, above)
        p = at(b, above)
    return placed(b, above, move_down(p)), (*above, side)


def spin(p: Branch, side: int) -> Branch:
    """Carry a red from the far side over to `side`: move up, rotate, move down.

    A near nephew that is black lends its place and gets its colour back.
    """
    s = p.kids[1 - side]
    assert s is not None
    near = s.kids[side]
    top = lift(hang(p, 1 - side, move_up(s)), 1 - side, True)
    p_low = top.kids[side]
    assert p_low is not None
    return hang(top, side, hang(move_down(p_low), 1 - side, near))


def uproot(b: Sub, key: int) -> Sub:
    """Exchange the node with its successor down to a leaf, redden it, remove it."""
    assert b is not None
    way: Way = ()
    while at(b, way).key != key:
        way = (*way, int(key > at(b, way).key))
    victim = at(b, way)
    while victim.kids != (None, None):
        lower = substitute(victim, way)
        b = exchange(b, way, lower)
        way, victim = lower, at(b, lower)
    if not victim.red:
        b, way = redden(b, way)
    return put(b, way, None)


def substitute(victim: Branch, way: Way) -> Way:
    """Return the way to the successor below `victim`, or to its only, left child."""
    kid = victim.kids[1]
    if kid is None:
        return (*way, 0)
    lower = (*way, 1)
    while kid.kids[0] is not None:
        kid, lower = kid.kids[0], (*lower, 0)
    return lower


def exchange(b: Branch, one: Way, other: Way) -> Branch:
    """Let two nodes trade places; colours belong to places."""
    here, there = at(b, one), at(b, other)
    b = placed(b, other, Branch(here.key, there.red, here.value, there.kids))
    return placed(b, one, Branch(there.key, here.red, there.value, at(b, one).kids))


def second_reading(cfg: Config, t: Tree, op: Op[Config, Tree]) -> Tree | None:
    """Return the tree that this reading reaches, or None where it says nothing."""
    match op:
        case Insert(key, own) if op.refusal(cfg, t) is None:
            return tree_of(cfg, paint(plant(branch_of(t), key, own), False))
        case Erase(key) if has(t, key):
            return tree_of(cfg, tint(uproot(branch_of(t), key), False))
    return None
