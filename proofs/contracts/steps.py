"""Contracts of retries, and of the steps that mend red-black trees."""

from __future__ import annotations

from mmoracle.checkers.crosshair import Contract
from mmoracle.impl import rbtree as linked
from mmoracle.spec.rbtree import tree
from mmoracle.spec.rbtree.tree import Branch
from mmoracle.spec.slowpath import retry

# ------------------------------------------------------------------ retries


def the_priority_of_compaction_never_rises(
    result: int, priority: int, retries: int, costly: bool, most: int, fit: bool
) -> retry.Compaction:
    """It falls by one, with the retries counted anew, or stays, as it does for reclaim.

    pre: 0 <= priority <= 2 and retries >= 0 and most >= 0
    post: _.priority == priority or (_.priority == priority - 1 and _.retries == 0)
    post: result != 1 or (_.again, _.priority, _.retries) == (fit, priority, retries)
    """
    return retry.compaction_again(result, priority, retries, costly, most, fit)


def only_small_requests_make_progress(loops: int, gained: bool, costly: bool) -> int:
    """Rounds are counted on, but for a small request that gained pages.

    pre: loops >= 0
    post: _ == (0 if gained and not costly else loops + 1)
    """
    return int(retry.no_progress(loops, gained, costly))


# ------------------------------------------------------------------ trees


def a_painted_node_is_the_same_node(key: int, was: bool, is_red: bool) -> Branch:
    """Only the colour is new.

    post: (_.key, _.red, _.value, _.kids) == (key, is_red, 7, (None, None))
    """
    return tree.paint(Branch(key, was, 7), is_red)


def a_node_hung_on_one_side_leaves_the_other(key: int, right: bool) -> Branch:
    """The child is where it was hung, and only there.

    post: _.kids[right].key == key and _.kids[not right].key == -1 - (not right)
    """
    kids = (Branch(-1, False, 0), Branch(-2, False, 0))
    return tree.hang(Branch(0, False, 0, kids), int(right), Branch(key, True, 0))


def in_order(b: Branch | None) -> list[int]:
    """Return the keys of a branch from left to right."""
    return [*in_order(b.kids[0]), b.key, *in_order(b.kids[1])] if b else []


def turning_keeps_the_order(
    top: int, riser: int, inner: int, right: bool, was: bool, is_red: bool
) -> Branch:
    """The riser is above the node now, in its colour, and the order is what it was.

    pre: top < inner < riser if not right else riser < inner < top
    post: in_order(_) == sorted((top, riser, inner))
    post: _.key == riser and _.red == was and _.kids[right].red == is_red
    """
    side = int(right)
    below = tree.hang(Branch(riser, True, 0), side, Branch(inner, False, 0))
    node = tree.hang(Branch(top, was, 0), 1 - side, below)
    return tree.rotate(node, side, is_red, [])


def a_summary_is_the_greatest_below(own: int, left: int, right: int) -> int:
    """Of the node's own number and the summaries of its children.

    post: _ == max(own, left, right)
    """
    node = linked.RbNode(0, own)
    node.left, node.right = linked.RbNode(1), linked.RbNode(2)
    node.left.summary, node.right.summary = left, right
    return linked.Augment().compute(node)


STEPS = (
    Contract(the_priority_of_compaction_never_rises, (retry.compaction_again,)),
    Contract(only_small_requests_make_progress, (retry.no_progress,)),
    Contract(a_painted_node_is_the_same_node, (tree.paint,)),
    Contract(a_node_hung_on_one_side_leaves_the_other, (tree.hang,)),
    Contract(turning_keeps_the_order, (tree.rotate, tree.hang)),
    Contract(a_summary_is_the_greatest_below, (linked.Augment.compute,)),
)
