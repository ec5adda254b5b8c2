"""Red-black trees as Linux keeps them, with an optional summary and a cached first.

A tree is a table of `Node` rows, one for each linked ``struct rb_node``, and a root.
The library never compares keys: a key here is the node's place in its owner's order,
so exploring every insertion tries every empty link of every tree.  New nodes are
red; `settle` mends a red pair, `replenish` mends a side that lacks one black node,
both by the cases of the kernel and both told once, with `side` for left or right.

Source: lib/rbtree.c, include/linux/rbtree_augmented.h (v5.10).
Letters: t tree, b branch (a subtree), p parent, g grandparent, s sibling, side 0|1.
"""

from __future__ import annotations

from typing import TypeAlias

from ..core import value


@value
class Node:
    """One linked rb_node: its links by key, its colour and its owner's numbers."""

    key: int
    parent: int | None
    red: bool
    left: int | None
    right: int | None
    value: int = 0  # the owner's number, 0 where the tree has no summary
    summary: int = 0  # what the node stores about its whole subtree


@value
class Tree:
    """rb_root or rb_root_cached, with every linked node in key order."""

    root: int | None = None
    leftmost: int | None = None  # None as well where the tree is not cached
    nodes: tuple[Node, ...] = ()


@value
class Config:
    """The bounds of the trees to look at, and which kind of tree they are."""

    keys: int  # keys are 0..keys-1
    nodes: int  # at most so many at once
    values: int = 1  # owners' numbers are 0..values-1
    summary: str = ""  # "" plain, "max" of the values, "gap" to the node before
    cached: bool = False
    ops: tuple[str, ...] = ()  # the operations on offer; empty: all


EMPTY = Tree()  # RB_ROOT


@value
class Branch:
    """A subtree as a value: no parent links, no summaries, both derived."""

    key: int
    red: bool
    value: int
    kids: tuple[Branch | None, Branch | None] = (None, None)


Sub: TypeAlias = "Branch | None"


Path: TypeAlias = "list[tuple[Branch, int]]"  # from the root down, with sides taken


Call: TypeAlias = "tuple[str, int | None, int | None]"  # callback name, two nodes


CALLBACKS = ("propagate", "copy", "rotate")  # struct rb_augment_callbacks


def seen(cfg: Config, calls: list[Call]) -> tuple[Call, ...]:
    """Return the calls that the owner of an augmented tree sees, in order."""
    augmented = cfg.summary != ""
    return tuple(call for call in calls if augmented and call[0] in CALLBACKS)


def red(b: Sub) -> bool:
    """Say whether there is a node and it is red; no node counts as black."""
    return b is not None and b.red


def hang(p: Branch, side: int, b: Sub) -> Branch:
    """Return `p` with `b` as its child on `side`."""
    kids = (b, p.kids[1]) if side == 0 else (p.kids[0], b)
    return Branch(p.key, p.red, p.value, kids)


def paint(b: Branch, is_red: bool) -> Branch:
    """Return `b` in this colour."""
    return Branch(b.key, is_red, b.value, b.kids)


def rotate(top: Branch, side: int, is_red: bool, calls: list[Call]) -> Branch:
    """Turn `top` down to `side`; the riser takes its colour, it becomes `is_red`."""
    riser = top.kids[1 - side]
    assert riser is not None
    calls.append(("rotate", top.key, riser.key))
    down = hang(paint(top, is_red), 1 - side, riser.kids[side])
    return hang(paint(riser, top.red), side, down)


def graft(path: Path, b: Sub) -> Sub:
    """Rebuild the tree above `b`."""
    if not path:
        return b
    *above, (p, side) = path
    return graft(above, hang(p, side, b))


def branch_of(t: Tree) -> Sub:
    """Return the whole tree as a value."""
    return grow(t.nodes, t.root)


def grow(rows: tuple[Node, ...], key: int | None) -> Sub:
    """Return the branch under `key`; the rows in order before it are to its left."""
    if key is None:
        return None
    at = next(i for i, row in enumerate(rows) if row.key == key)
    row = rows[at]
    kids = (grow(rows[:at], row.left), grow(rows[at + 1 :], row.right))
    return Branch(row.key, row.red, row.value, kids)


def tree_of(cfg: Config, b: Sub) -> Tree:
    """Return the table of a tree, with parents, summaries and first node derived."""
    rows, _ = table(cfg, b, None, 0)
    rows = tuple(sorted(rows, key=lambda node: node.key))
    first = rows[0].key if cfg.cached and rows else None
    return Tree(key_of(b), first, rows)


def table(
    cfg: Config, b: Sub, parent: int | None, before: int
) -> tuple[tuple[Node, ...], int]:
    """Return the rows of a branch in order, and its summary.

    `before` is the key before in order, from which a gap counts: 0 before the first.
    """
    if b is None:
        return (), 0
    left, right = b.kids
    low, low_summary = table(cfg, left, b.key, before)
    high, high_summary = table(cfg, right, b.key, b.key)
    own = b.value
    if cfg.summary == "gap":
        own = b.key - (low[-1].key if low else before)
    summary = max(own, low_summary, high_summary) if cfg.summary else 0
    links = (key_of(left), key_of(right))
    row = Node(b.key, parent, b.red, *links, b.value, summary)
    return (*low, row, *high), summary


def key_of(b: Sub) -> int | None:
    """Return the key of a branch, if there is one."""
    return b.key if b is not None else None


def descend(b: Sub, key: int) -> tuple[Path, Sub]:
    """Return the way from the root to `key`, or to the empty link where it belongs."""
    if b is None or b.key == key:
        return [], b
    side = 1 if key > b.key else 0
    path, found = descend(b.kids[side], key)
    return [(b, side), *path], found


def first_below(b: Branch) -> tuple[Path, Branch]:
    """Return the first node of a branch in order, and the way to it."""
    left, _ = b.kids
    if left is None:
        return [], b
    path, first = first_below(left)
    return [(b, 0), *path], first


def following(t: Tree, key: int) -> int | None:
    """Return the next key of the table after `key`, if there is one."""
    return next((node.key for node in t.nodes if node.key > key), None)


def settle(path: Path, b: Branch, calls: list[Call]) -> Sub:
    """Put the red branch `b` under `path` and mend a red pair (__rb_insert)."""
    if not path:
        return paint(b, False)
    *above, (p, side) = path
    if not p.red:
        return graft(path, b)
    *above, (g, p_side) = above
    uncle = g.kids[1 - p_side]
    if uncle is not None and uncle.red:  # case 1: recolour, go on at the grandparent
        calls.append(("recolour", g.key, None))
        p = hang(paint(p, False), side, b)
        g = hang(hang(g, p_side, p), 1 - p_side, paint(uncle, False))
        return settle(above, paint(g, True), calls)
    p = hang(p, side, b)
    if side != p_side:  # case 2: the inner grandchild first goes to the outside
        p = rotate(p, p_side, True, calls)
    g = hang(g, p_side, p)  # case 3
    return graft(above, rotate(g, 1 - p_side, True, calls))


def insert(cfg: Config, t: Tree, key: int, own: int) -> tuple[Tree, list[Call]]:
    """Link a new red node and rebalance; return the tree and the callbacks in order."""
    calls: list[Call] = []
    path, _ = descend(branch_of(t), key)
    if cfg.summary == "gap":  # mm/mmap.c:__vma_link_rb refreshes the next node first
        after = following(t, key)
        calls += [("propagate", after, None)] if after is not None else []
        calls.append(("propagate", key, None))
    grown = settle(path, Branch(key, True, own), calls)
    return tree_of(cfg, grown), calls


def replenish(path: Path, b: Sub, calls: list[Call]) -> Sub:
    """Put `b`, one black node short, under `path` and mend it (____rb_erase_color)."""
    if not path:
        return b
    *above, (p, side) = path
    p = hang(p, side, b)
    s = p.kids[1 - side]
    assert s is not None
    if s.red:  # case 1: a red sibling rises and leaves a black one
        calls.append(("red sibling", s.key, None))
        p = rotate(p, side, True, calls)
        above = [*above, (p, side)]
        lower = p.kids[side]
        assert lower is not None
        p = lower
        s = p.kids[1 - side]
        assert s is not None
    if not red(s.kids[0]) and not red(s.kids[1]):  # case 2: recolour the sibling
        calls.append(("recolour", s.key, None))
        short = hang(p, 1 - side, paint(s, True))
        if p.red:
            return graft(above, paint(short, False))
        return replenish(above, short, calls)
    if not red(s.kids[1 - side]):  # case 3: the inner nephew first goes to the outside
        calls.append(("inner nephew", s.key, None))
        s = rotate(s, 1 - side, True, calls)
    outer = s.kids[1 - side]
    assert outer is not None
    p = hang(p, 1 - side, hang(s, 1 - side, paint(outer, False)))  # case 4
    return graft(above, rotate(p, side, False, calls))


def erase(cfg: Config, t: Tree, key: int) -> tuple[Tree, list[Call]]:
    """Unlink `key` and rebalance; the successor takes an inner node's place."""
    calls: list[Call] = []
    path, b = descend(branch_of(t), key)
    assert b is not None
    left, right = b.kids
    if left is None or right is None:
        child = right if left is None else left
        calls.append(("propagate", path[-1][0].key if path else None, None))
        shrunk = take_place(path, child, b.red, calls)
    else:
        shrunk = promote_successor(path, b, calls)
    after = following(t, key) if cfg.summary == "gap" else None
    if after is not None:  # mm/mmap.c:detach_vmas_to_be_unmapped
        calls.append(("propagate", after, None))
    return tree_of(cfg, shrunk), calls


def take_place(path: Path, child: Sub, was_red: bool, calls: list[Call]) -> Sub:
    """Let an only child, or nothing, take the place of a node that had this colour."""
    if child is not None:
        return graft(path, paint(child, False))  # an only child is red under a black
    return graft(path, None) if was_red else replenish(path, None, calls)


def promote_successor(path: Path, b: Branch, calls: list[Call]) -> Sub:
    """Relink the next node in order into the place and colour of `b`."""
    right = b.kids[1]
    assert right is not None
    below, s = first_below(right)
    calls.append(("copy", b.key, s.key))
    if below:
        calls.append(("propagate", below[-1][0].key, s.key))
    calls.append(("propagate", s.key, None))
    stand_in = Branch(s.key, b.red, s.value, b.kids)
    return take_place([*path, (stand_in, 1), *below], s.kids[1], s.red, calls)


def postorder(b: Sub) -> tuple[int, ...]:
    """Return the keys of a branch, children before their parent."""
    return (*postorder(b.kids[0]), *postorder(b.kids[1]), b.key) if b else ()


def keys(t: Tree) -> tuple[int, ...]:
    """Return the keys of the table in order."""
    return tuple(node.key for node in t.nodes)


def has(t: Tree, key: int) -> bool:
    """Say whether `key` is linked."""
    return any(node.key == key for node in t.nodes)
