"""Red-black trees: the machine's walks, each loop as one round that goes on.

A node here notes every link that is read of it, with the frame of the reader, so that
the state of a loop is seen at each round, as in `loops`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import pairwise, product
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Shapes
from mmoracle.checkers.mutants.rbtree import (
    go_down,
    go_right_only,
    go_up_once,
    one_step_left,
    one_step_right,
    stop_before_the_root,
    walk_from_nothing,
)
from mmoracle.impl.rbtree import RbNode, RbRoot, RbWalks

from .loops import FEW, ROUNDS, Watch
from .machine import INDUCTION, replaced, without_fault


class Noted:
    """A node of which every link is noted when it is read."""

    def __init__(self, watch: Watch, reads: str, **links: Any) -> None:
        self.watch = watch
        self.reads = reads
        self.links: dict[str, Any] = links

    def __getattr__(self, name: str) -> Any:
        if name == self.reads:
            self.watch.note(sys._getframe(1))
        return self.links.get(name)


def way(watch: Watch, reads: str, down: list[str], n: int) -> list[Any]:
    """Return n nodes, each a child of the one before it, on that side and no other."""
    nodes: list[Any] = [Noted(watch, reads) for _ in range(n)]
    for (above, below), side in zip(pairwise(nodes), down, strict=False):
        above.links[side] = below
        below.links["parent"] = above
    return nodes


# ------------------------------------------------------------------ down


@without_fault
def going_down_ends_at_the_last_node_of_its_side(n: int, name: str, side: str) -> bool:
    """Each round goes on from the child on that side; the last node has none there."""
    watch = Watch(("node",), ("below",))
    nodes = way(watch, side, [side] * n, n + 1)
    nodes[-1].links["right" if side == "left" else "left"] = "the other side"
    found = getattr(RbWalks(), name)(nodes[0])
    return found is nodes[-1] and watch.saw(*((each,) for each in nodes))


@without_fault
def going_deepest_ends_at_a_node_without_children(down: str) -> bool:
    """Each round goes on from the left child, or from the right one without a left."""
    watch = Watch(("node",), ("below",))
    sides = [{"l": "left", "r": "right"}[step] for step in down.lower()]
    nodes = way(watch, "left", sides, len(down) + 1)
    for each, step in zip(nodes, down, strict=False):
        if step == "L":  # with a right child as well
            each.links["right"] = "not this way"
    found = RbWalks()._deepest(nodes[0])
    return found is nodes[-1] and watch.saw(*((each,) for each in nodes))


@without_fault
def descending_goes_on_below_until_the_key_or_no_node(down: str, found: bool) -> bool:
    """Each round has the node and the one above it, by the side of the key."""
    watch = Watch(("parent", "node"))
    sides = [{"l": "left", "r": "right"}[step] for step in down]
    nodes = way(watch, "key", sides, len(down) + found)
    for each, side in zip(nodes, sides, strict=False):
        each.links["key"] = 6 if side == "left" else 4
    if found:
        nodes[-1].links["key"] = 5
    root = RbRoot()
    root.rb_node = nodes[0] if nodes else None
    parent, there = root.descend(5)
    ends = ([None, *nodes][len(down)], nodes[-1] if found else None)
    states = list(zip([None, *nodes], nodes, strict=False))
    twice = [each for state in states for each in (state, state)]  # is it, which side
    watch.lines = watch.lines[::2]
    return (parent, there) == ends and watch.saw(*twice[: len(twice) - found])


# ------------------------------------------------------------------ up


@without_fault
def the_neighbour_is_below_or_where_the_way_up_turns(
    n: int, end: str, name: str, side: str
) -> bool:
    """With a child there it is asked of that child; else the way up turns there."""
    other = "right" if side == "left" else "left"
    going = {"right": "_leftmost", "left": "_rightmost"}[side]
    watch = Watch(("node", "parent"))
    nodes = way(watch, side, [side] * n, n + 1)[::-1]  # from below
    if end == "turns":
        nodes.append(Noted(watch, side, **{other: nodes[-1]}))
        nodes[-2].links["parent"] = nodes[-1]
    if end == "below":
        nodes[0].links[side] = "child"
    with replaced((RbWalks, going, lambda walks, of: (going, of))):
        found = getattr(RbWalks(), name)(nodes[0])
    if end == "below":
        return found == (going, "child")  # type: ignore[no-any-return]
    watch.lines = watch.lines[1:]  # the child is asked for first
    ups = [(nodes[at], nodes[at + 1]) for at in range(len(nodes) - 1)]
    expected = nodes[-1] if end == "turns" else None
    return found is expected and watch.saw((nodes[0], None), *ups)


# ------------------------------------------------------------------ ends, postorder


@without_fault
def an_empty_tree_has_no_first_and_any_other_is_asked(name: str, going: str) -> bool:
    """None without a root; else as far down as can be, which is asked of the root."""
    walks = RbWalks()
    with replaced((RbWalks, going, lambda walks, of: (going, of))):
        if getattr(walks, name)() is not None:
            return False
        walks.rb_node = RbNode(1)
        return bool(getattr(walks, name)() == (going, walks.rb_node))


@without_fault
def a_cached_tree_has_its_first_at_hand(empty: bool) -> bool:
    """No link is followed to the first node of a cached tree."""
    walks = RbWalks(cached=True)
    walks.rb_leftmost = None if empty else RbNode(1)
    walks.rb_node = RbNode(2)
    return walks.rb_first() is walks.rb_leftmost


@without_fault
def after_a_left_child_comes_the_deepest_on_the_right(
    below: str, left: bool, right: bool
) -> bool:
    """After any other child, and where nothing is on the right, comes the parent."""
    walks, node, sibling = RbWalks(), RbNode(1), RbNode(2)
    if below:
        parent = node.parent = RbNode(3)
        parent.left = node if below == "left" else sibling if left else None
        parent.right = node if below == "right" else sibling if right else None
    with replaced((RbWalks, "_deepest", lambda walks, of: ("deepest", of))):
        found: Any = walks.rb_next_postorder(node)
    if below == "left" and right:
        return bool(found == ("deepest", sibling))
    return found is node.parent


@without_fault
def the_postorder_walk_ends_where_nothing_follows(n: int) -> bool:
    """Each node is met once, and the next one is known before the body has this one."""
    watch = Watch(("node",), ("following",))
    nodes = [RbNode(key) for key in range(n)]

    def following(walks: Any, node: Any) -> Any:
        watch.note(sys._getframe(1))
        return nodes[node.key + 1] if node.key + 1 < n else None

    with replaced(
        (RbWalks, "rb_first_postorder", lambda walks: nodes[0] if n else None),
        (RbWalks, "rb_next_postorder", following),
    ):
        met = [(node, len(watch.states)) for node in RbWalks().postorder()]
    early = [(node, at + 1) for at, node in enumerate(nodes)]
    return met == early and watch.saw(*((each,) for each in nodes))


# ------------------------------------------------------------------ every shape


def downs() -> Iterator[tuple[int, str, str]]:
    """Yield every way straight down."""
    for n in range(ROUNDS + 1):
        yield n, "_leftmost", "left"
        yield n, "_rightmost", "right"


def zigzags(letters: str) -> Iterator[str]:
    """Yield every way down of so many rounds."""
    for n in range(ROUNDS + 1):
        yield from map("".join, product(letters, repeat=n))


def deepest() -> Iterator[tuple[str]]:
    """Yield every way of first children."""
    return ((down,) for down in zigzags("lLr"))


def descents() -> Iterator[tuple[str, bool]]:
    """Yield every way to a node, and to an empty link."""
    return product(zigzags("lr"), (False, True))


def ups() -> Iterator[tuple[int, str, str, str]]:
    """Yield every way up, and none where there is a child."""
    names = (("rb_next", "right"), ("rb_prev", "left"))
    for n, end, (name, side) in product(
        range(ROUNDS + 1), ("turns", "ends", "below"), names
    ):
        yield n, end, name, side


def ends() -> Iterator[tuple[str, str]]:
    """Yield the walks that start at the root."""
    yield "rb_first", "_leftmost"
    yield "rb_last", "_rightmost"
    yield "rb_first_postorder", "_deepest"


def children() -> Iterator[tuple[str, bool, bool]]:
    """Yield every place of a node below its parent, and none."""
    return product(("", "left", "right"), (False, True), (False, True))


# ------------------------------------------------------------------ mistakes


def stay(walks: RbWalks, node: RbNode) -> RbNode:
    """Go nowhere."""
    return node


def go_one_down(walks: RbWalks, node: RbNode) -> RbNode:
    """Go one node down, whatever is below it."""
    return node.left or node.right or node


def go_left_only(walks: RbWalks, node: RbNode) -> RbNode:
    """Stop at a node without a left child, though it has a right one."""
    while node.left is not None:
        node = node.left
    return node


def forget_the_cache(walks: RbWalks) -> RbNode | None:
    """Go down to the first although it is cached."""
    return walks._leftmost(walks.rb_node) if walks.rb_node is not None else None


def always_the_parent(walks: RbWalks, node: RbNode) -> RbNode | None:
    """Forget the subtree on the right."""
    return node.parent


def descend_to_the_left(root: RbRoot, key: int) -> tuple[Any, Any]:
    """Go left at every node."""
    parent, node = None, root.rb_node
    while node is not None and key != node.key:
        parent, node = node, node.left
    return parent, node


def descend_two_nodes(root: RbRoot, key: int) -> tuple[Any, Any]:
    """Stop below the root."""
    node = root.rb_node
    if node is None or key == node.key:
        return None, node
    return node, node.left if key < node.key else node.right


WALKS = (
    Lemma(
        claim=descending_goes_on_below_until_the_key_or_no_node,
        provers=(Shapes(descents, FEW, False),),
        mistakes=(
            Mistake(RbRoot, "descend", descend_to_the_left),
            Mistake(RbRoot, "descend", descend_two_nodes),
        ),
        assumes=INDUCTION,
    ),
    Lemma(
        claim=going_down_ends_at_the_last_node_of_its_side,
        provers=(Shapes(downs, FEW, False),),
        mistakes=(
            Mistake(RbWalks, "_leftmost", stay),
            Mistake(RbWalks, "_rightmost", go_one_down),
        ),
        assumes=INDUCTION,
    ),
    Lemma(
        claim=going_deepest_ends_at_a_node_without_children,
        provers=(Shapes(deepest, FEW, False),),
        mistakes=(
            Mistake(RbWalks, "_deepest", go_one_down),
            Mistake(RbWalks, "_deepest", go_left_only),
        ),
        assumes=INDUCTION,
    ),
    Lemma(
        claim=the_neighbour_is_below_or_where_the_way_up_turns,
        provers=(Shapes(ups, FEW, False),),
        mistakes=(
            Mistake(RbWalks, "rb_next", go_right_only),
            Mistake(RbWalks, "rb_prev", go_up_once),
        ),
        assumes=INDUCTION,
    ),
    Lemma(
        claim=an_empty_tree_has_no_first_and_any_other_is_asked,
        provers=(Shapes(ends, FEW, False),),
        mistakes=(
            Mistake(RbWalks, "rb_first", one_step_left),
            Mistake(RbWalks, "rb_last", one_step_right),
        ),
        size="any tree",
    ),
    Lemma(
        claim=a_cached_tree_has_its_first_at_hand,
        provers=(Shapes(lambda: iter(((False,), (True,))), FEW, False),),
        mistakes=(
            Mistake(RbWalks, "rb_first", forget_the_cache),
            Mistake(RbWalks, "rb_first", one_step_left),
        ),
        size="any tree",
    ),
    Lemma(
        claim=after_a_left_child_comes_the_deepest_on_the_right,
        provers=(Shapes(children, FEW, False),),
        mistakes=(
            Mistake(RbWalks, "rb_next_postorder", always_the_parent),
            Mistake(RbWalks, "rb_next_postorder", RbWalks.rb_next),
        ),
        size="any tree",
    ),
    Lemma(
        claim=the_postorder_walk_ends_where_nothing_follows,
        provers=(Shapes(lambda: ((n,) for n in range(ROUNDS + 1)), FEW, False),),
        mistakes=(
            Mistake(RbWalks, "postorder", stop_before_the_root, bug="P25"),
            Mistake(RbWalks, "postorder", walk_from_nothing, bug="P25"),
            Mistake(RbWalks, "postorder", go_down),
        ),
        assumes=INDUCTION,
    ),
)
