"""Mistakes in red-black trees, met elsewhere or made up; each names its complaint."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from mmoracle.impl.rbtree import (
    ABSENT,
    PRESENT,
    Augment,
    GapAugment,
    RbNode,
    RbRoot,
    RbTree,
    RbWalks,
)
from mmoracle.spec.linux import Bug

from ..bind import rbtree as binding
from ..zoo import tabled

_insert, _replace, _erase_step = RbRoot.insert, RbRoot.replace, RbTree._erase_step
_relink_successor, _rb_erase = RbTree._relink_successor, RbTree.rb_erase
_postorder, _propagate = RbWalks.postorder, Augment.propagate

# ------------------------------------------------------------------ insertion


def insert_twice(
    root: RbRoot, key: int, value: int = 0, leftmost: bool = False
) -> Bug | None:
    """Say that a node was linked although its key is there already."""
    return None if key in root else _insert(root, key, value, leftmost)


def trust_flag(
    root: RbRoot, there: RbNode | None, key: int, leftmost: bool
) -> Bug | None:
    """Believe the caller that the new node is the first, or is not."""
    return PRESENT if there is not None else None


def link_anywhere(root: RbTree, node: RbNode, parent: RbNode | None) -> None:
    """Hang a node at the left link where that is free, whatever its key."""
    node.parent = parent
    if parent is None:
        root.rb_node = node
    elif parent.left is None:
        parent.left = node
    else:
        parent.right = node


def leave_red(root: RbTree, node: RbNode) -> None:
    """Go up as Linux does, and stop at the root without making it black."""
    here: RbNode | None = node
    while here is not None and here.parent is not None and here.parent.red:
        here = root._insert_step(here, here.parent)


def mend_once(root: RbTree, node: RbNode) -> None:
    """Mend the first red pair, and forget that the grandparent may make another."""
    if node.parent is not None and node.parent.red:
        root._insert_step(node, node.parent)
    if root.rb_node is not None:
        root.rb_node.red = False


def keep_the_old_parent(root: RbTree, top: RbNode, riser: RbNode) -> None:
    """Rotate left and leave the parent link of the inner child as it was."""
    top.right = riser.left
    root._rise(top, riser)
    riser.left = top


def refresh_too_early(augment: GapAugment, node: RbNode, parent: RbNode | None) -> None:
    """Refresh the next node's gap while it still counts from the old neighbour."""
    if parent is not None:
        behind = parent if node.key < parent.key else parent.next
        if behind is not None:
            augment.propagate(behind, None)
    augment.enlist(node, parent)


# ------------------------------------------------------------------ erasure


def recolour_too_early(root: RbTree, node: RbNode | None, parent: RbNode) -> bool:
    """Take a black sibling with one red child for one with none."""
    sibling = parent.right if parent.right is not node else parent.left
    if sibling is None or sibling.red:
        return _erase_step(root, node, parent)
    left, right = sibling.left, sibling.right
    if left is not None and left.red and right is not None and right.red:
        return _erase_step(root, node, parent)
    sibling.red = True
    short, parent.red = not parent.red, False
    return short


def turn_inner(root: RbTree, node: RbNode | None, parent: RbNode) -> bool:
    """Turn a red inner nephew outside although the outer one is red as well."""
    on_left = parent.right is not node
    sibling = parent.right if on_left else parent.left
    outer = inner = None
    if sibling is not None and not sibling.red:
        outer, inner = sibling.right, sibling.left
        if not on_left:
            outer, inner = inner, outer
    if outer is None or inner is None or not (outer.red and inner.red):
        return _erase_step(root, node, parent)
    outer.red = False
    short = _erase_step(root, node, parent)
    outer.red = True
    return short


def start_from_nothing(root: RbTree, parent: RbNode) -> None:
    """Ask the replacement for its parent: none replaces a leaf, nothing is mended."""


def judge_the_erased_colour(
    root: RbTree, node: RbNode, child: RbNode
) -> tuple[RbNode, RbNode | None]:
    """Mend nothing when the erased node was red, whatever its successor was."""
    above, short = _relink_successor(root, node, child)
    return above, None if node.red else short


def take_prev(
    root: RbTree, node: RbNode, child: RbNode
) -> tuple[RbNode, RbNode | None]:
    """Let the node before in order take the place, as many textbooks do."""
    heir = parent = node.left
    assert heir is not None and parent is not None  # noqa: PT018
    while heir.right is not None:
        parent, heir = heir, heir.right
    orphan = heir.left
    if heir is not node.left:
        parent.right, heir.left = orphan, node.left
        node.left.parent = heir  # type: ignore[union-attr]
    heir.right, child.parent = child, heir
    root._change_child(node, heir, node.parent)
    short = parent if orphan is None and not heir.red else None
    if orphan is not None:
        orphan.parent, orphan.red = parent, False
    heir.parent, heir.red = node.parent, node.red
    return heir, short


def erase_without_looking(root: RbRoot, key: int) -> Bug | None:
    """Unlink what is there and say that it was done, whether it was or not."""
    node = root.find(key)
    if node is not None:
        root.nodes.remove(node)
        if root.rb_leftmost is node:
            root.rb_leftmost = root.rb_next(node)
        root.rb_erase(node)
    return None


def forget_the_first(root: RbRoot, key: int) -> Bug | None:
    """Erase, and leave the cached first node as it was."""
    node = root.find(key)
    if node is None:
        return ABSENT
    root.nodes.remove(node)
    root.rb_erase(node)
    return None


def lose_the_node(root: RbTree, node: RbNode) -> None:
    """Drop the subtree of a leaf's parent together with the leaf."""
    if node.left is None and node.right is None and node.parent is not None:
        root._change_child(node.parent, None, node.parent.parent)
    else:
        _rb_erase(root, node)


# ------------------------------------------------------------------ replacement


def leave_link(root: RbTree, victim: RbNode, new: RbNode) -> None:
    """Fill in the new node, and leave the link above pointing to the victim."""
    new.parent, new.red = victim.parent, victim.red
    new.left, new.right = victim.left, victim.right
    for child in (new.left, new.right):
        if child is not None:
            child.parent = new
    if victim is root.rb_node:
        root.rb_node = new


def keep_victim(root: RbRoot, victim: int, new: int) -> Bug | None:
    """Replace the first node, and remember the victim as first."""
    first = root.rb_leftmost
    refused = _replace(root, victim, new)
    root.rb_leftmost = first
    return refused


# ------------------------------------------------------------------ summaries


def drop_the_left_child(augment: Augment, node: RbNode) -> int:
    """Compute a summary from the node and its right child alone."""
    own, right = augment.own(node), node.right
    return max(own, right.summary) if right is not None else own


def propagate_nothing(
    augment: Augment, node: RbNode | None, stop: RbNode | None
) -> None:
    """Tell the owner, and refresh no summary above the place."""
    last = stop.key if stop is not None else None
    augment.calls.append(("propagate", node.key if node else None, last))


def stop_at_the_first(
    augment: Augment, node: RbNode | None, stop: RbNode | None
) -> None:
    """Refresh one node, and go no further up."""
    _propagate(augment, node, node.parent if node is not None else stop)


def copy_in_silence(augment: Augment, old: RbNode, new: RbNode) -> None:
    """Copy the summary of the erased node without telling the owner."""
    new.summary = old.summary


# ------------------------------------------------------------------ walks


def one_step_left(root: RbWalks) -> RbNode | None:
    """Take the root's left child for the first node."""
    node = root.rb_node
    return node.left or node if node is not None else None


def one_step_right(root: RbWalks) -> RbNode | None:
    """Take the root's right child for the last node."""
    node = root.rb_node
    return node.right or node if node is not None else None


def go_right_only(root: RbWalks, node: RbNode) -> RbNode | None:
    """Go right, and forget to go down left from there."""
    if node.right is not None:
        return node.right
    while node.parent is not None and node is node.parent.right:
        node = node.parent
    return node.parent


def go_up_once(root: RbWalks, node: RbNode) -> RbNode | None:
    """Go up once, from whichever side."""
    below = node.left
    while below is not None and below.right is not None:
        below = below.right
    return below or node.parent


def walk_from_nothing(root: RbWalks) -> Iterator[RbNode]:
    """Run the body once for an empty tree."""
    if root.rb_node is None:
        yield root.rb_node  # type: ignore[misc]
    yield from _postorder(root)


def stop_before_the_root(root: RbWalks) -> Iterator[RbNode]:
    """Test the next node instead of this one, and miss the last."""
    node = root.rb_first_postorder()
    while node is not None and (following := root.rb_next_postorder(node)) is not None:
        yield node
        node = following


def go_down(root: RbWalks) -> Iterator[RbNode]:
    """Meet each node once, but a parent before its children."""
    todo = [root.rb_node]
    while todo:
        node = todo.pop()
        if node is not None:
            yield node
            todo += [node.right, node.left]


# ------------------------------------------------------------------ the two halves


def diagnose_nothing(root: RbRoot, key: int) -> Bug | None:
    """Erase an absent node by following a link that is not there."""
    node: Any = root.find(key)
    root.rb_erase(node)
    root.nodes.remove(node)
    return None


def measure_from_zero(augment: GapAugment, node: RbNode) -> int:
    """Measure a gap from zero, not from the node before."""
    return node.key


def see_and_take(complaint: tuple[str, str] | None) -> None:
    """See that an answer is wrong, and take it all the same."""


def load_without_value(key: int, value: int = 0) -> RbNode:
    """Load a tree without its owners' numbers."""
    return RbNode(key)


# ------------------------------------------------------------------ the zoo


SOURCES = {
    "P11": "radare2 PR #8381",
    "P17": "Linux v3.8, ensure safe rb_subtree_gap update when inserting new VMA",
    "P22": "FastLED PR #2032",
    "P23": "5cript interval-tree issue #66",
    "P24": "5cript interval-tree issue #2 and PR #4",
    "P25": "Linux v3.14, fix rbtree_postorder_for_each_entry_safe() iterator",
    "P26": "jemalloc PR #2433",
}

PLAIN, CACHED, GAP, MAX = "tiny", "tiny-cached", "tiny-gap", "tiny-augmented"
TABLE: tuple[tuple[str, str, str, Any, str, Callable[..., Any]], ...] = (
    ("P11", "RB-RED", PLAIN, RbTree, "_erase_step", recolour_too_early),
    ("P17", "VMA-GAP", GAP, GapAugment, "announce", refresh_too_early),
    ("P22", "RB-BLACK", PLAIN, RbTree, "_erase_color", start_from_nothing),
    ("P23", "RB-BLACK", PLAIN, RbTree, "_relink_successor", judge_the_erased_colour),
    ("P24-rotate", "RB-AUG", MAX, Augment, "compute", drop_the_left_child),
    ("P24-erase", "RB-AUG", MAX, Augment, "propagate", propagate_nothing),
    ("P25", "ITER-EXACT", PLAIN, RbWalks, "postorder", stop_before_the_root),
    ("P25-empty", "NO-CRASH", PLAIN, RbWalks, "postorder", walk_from_nothing),
    ("P26", "CONTRACT-ERASE", PLAIN, RbRoot, "erase", erase_without_looking),
    ("P26-null", "NO-CRASH", PLAIN, RbRoot, "erase", diagnose_nothing),
    ("insert-twice", "CONTRACT-INSERT", PLAIN, RbRoot, "insert", insert_twice),
    ("insert-trusts-flag", "RB-CACHED", CACHED, RbRoot, "_refusal", trust_flag),
    ("insert-wrong-link", "RB-ORDER", PLAIN, RbTree, "rb_link_node", link_anywhere),
    ("insert-red-root", "RB-ROOT", PLAIN, RbTree, "rb_insert_color", leave_red),
    ("insert-mends-once", "RB-RED", PLAIN, RbTree, "rb_insert_color", mend_once),
    ("rotate-parent", "RB-PARENT", PLAIN, RbTree, "_rotate_left", keep_the_old_parent),
    ("erase-predecessor", "EXACT-STATE", PLAIN, RbTree, "_relink_successor", take_prev),
    ("erase-inner-nephew", "EXACT-STATE", PLAIN, RbTree, "_erase_step", turn_inner),
    ("erase-too-much", "RB-SET", PLAIN, RbTree, "rb_erase", lose_the_node),
    ("erase-keeps-first", "RB-CACHED", CACHED, RbRoot, "erase", forget_the_first),
    ("erase-silent-copy", "EXACT-ANSWER", MAX, Augment, "copy", copy_in_silence),
    ("gap-stops-early", "VMA-GAP", GAP, Augment, "propagate", stop_at_the_first),
    ("gap-from-zero", "VMA-GAP", GAP, GapAugment, "own", measure_from_zero),
    ("replace-loses-link", "RB-SET", PLAIN, RbTree, "rb_replace_node", leave_link),
    ("replace-keeps-first", "RB-CACHED", CACHED, RbRoot, "replace", keep_victim),
    ("first-one-left", "ITER-EXACT", PLAIN, RbWalks, "rb_first", one_step_left),
    ("last-one-right", "ITER-EXACT", PLAIN, RbWalks, "rb_last", one_step_right),
    ("next-right-only", "ITER-EXACT", GAP, RbWalks, "rb_next", go_right_only),
    ("prev-up-once", "ITER-EXACT", GAP, RbWalks, "rb_prev", go_up_once),
    ("postorder-preorder", "EXACT-ANSWER", PLAIN, RbWalks, "postorder", go_down),
    ("accept-anything", "REFUSAL", PLAIN, binding, "refuse", see_and_take),
    ("load-forgets", "INVERSE", MAX, binding, "RbNode", load_without_value),
)

RBTREE_MUTANTS = tabled("rbtree", TABLE, SOURCES)
