"""Red-black trees: both sides on symbolic keys and values, whole operations, few nodes.

Keys are any integers from 0 up.  Whatever the code asks of them is followed both ways,
so that every order of the keys is covered, and every tree that so many make.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise, permutations, product
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Sweep, Symbolic
from mmoracle.checkers.mutants.rbtree import (
    diagnose_nothing,
    erase_without_looking,
    insert_twice,
    judge_the_erased_colour,
    keep_the_old_parent,
    link_anywhere,
    mend_once,
    recolour_too_early,
    start_from_nothing,
    take_prev,
    turn_inner,
)
from mmoracle.checkers.symbolic import either
from mmoracle.checkers.word import Bounded, Whole, one_of
from mmoracle.impl.rbtree import (
    RbRoot,
    RbTree,
)
from mmoracle.spec import rbtree as spec
from mmoracle.spec.rbtree import Config, ops
from mmoracle.spec.rbtree import tree as rbtree

from .machine import without_fault
from .pairs import CACHED, PLAIN, Pair, dressed, grown, planted, trees
from .steps import rotate_in_colour


def apart(top: Any, *keys: Any) -> Iterable[Any]:
    """Assume that no two keys are the same."""
    return (a != b for at, a in enumerate(keys) for b in keys[:at])


def in_order(top: Any, *words: Any) -> Iterable[Any]:
    """Assume one of the trees, and that its keys rise."""
    tree, *keys = words
    yield tree < len(TREES)
    yield from (a < b for a, b in pairwise(keys[:NODES]))


def some_tree(tree: Any, keys: Sequence[Any]) -> Pair:
    """Return both sides of one of the trees."""
    _, skeleton = TREES[one_of(tree, range(len(TREES)))]
    return planted(PLAIN, dressed(skeleton, iter(keys)))


NODES, LINE = 7, 8
TREES = trees(NODES)[::-1]  # the large ones first: they refute more


# ------------------------------------------------------------------ the theorems


@without_fault
def five_keys_in_any_order_grow_the_same_tree(top: Any, *keys: Any) -> bool:
    """After each insertion both have the same shape, colours, links and first node."""
    return grown(CACHED, keys) is not None


@without_fault
def inserting_any_key_into_any_tree_leaves_the_same_tree(
    top: Any, tree: Any, *words: Any
) -> bool:
    """Into every tree of the rules and every gap; a key that is there is refused."""
    *keys, key = words
    return some_tree(tree, keys).do(spec.Insert(key))


@without_fault
def erasing_any_key_of_any_tree_leaves_the_same_tree(
    top: Any, tree: Any, *words: Any
) -> bool:
    """From every tree of the rules, every node; a key that is absent is refused."""
    *keys, key = words
    return some_tree(tree, keys).do(spec.Erase(key))


def in_line(top: Any, n: Any, *words: Any) -> Iterable[Any]:
    """Assume so many keys, each greater than the one before."""
    yield n <= LINE
    yield from (a < b for a, b in pairwise(words[:LINE]))


@without_fault
def erasing_any_of_the_keys_that_came_in_line_leaves_the_same_tree(
    top: Any, n: Any, *words: Any
) -> bool:
    """After up to eight rising keys any is unlinked alike, and any other refused."""
    *keys, key = words
    pair = grown(PLAIN, keys[: one_of(n, range(LINE + 1))])
    return pair is not None and pair.do(spec.Erase(key))


@without_fault
def three_keys_in_any_order_come_and_go_alike(top: Any, *words: Any) -> bool:
    """After each of three insertions and three erasures both are the same."""
    keys, gone = words[:3], words[3:]
    pair = grown(PLAIN, keys)
    return pair is not None and all(pair.do(spec.Erase(key)) for key in gone)


def some_are_erased(top: Any, *words: Any) -> Iterable[Any]:
    """Assume that no two keys are the same, and that the very same ones are erased."""
    keys, gone = words[:3], words[3:]
    yield from apart(top, *keys)
    yield from apart(top, *gone)
    yield from (either(*(each == key for key in keys)) for each in gone)


# ------------------------------------------------------------------ histories

History = tuple[Config, list[Any]]  # what values stand for


def line_history(top: int, n: int, *words: int) -> History:
    """Return the insertions and the erasure."""
    *keys, key = words
    return PLAIN, [*map(spec.Insert, keys[:n]), spec.Erase(key)]


# ------------------------------------------------------------------ small numbers


def orders(n: int, more: int) -> Any:
    """Return what yields every order of n keys with every few words more."""

    def cases(top: int) -> Iterator[tuple[int, ...]]:
        for keys in permutations(range(1, 2 * n, 2)):
            for rest in product(range(2 * n + 1), repeat=more):
                yield (*keys, *rest)

    return cases


# ------------------------------------------------------------------ mistakes


def settle_once(path: Any, b: Any, calls: Any) -> Any:
    """Leave the red pair that a grandparent may make."""
    if len(path) < 2 or not path[-1][0].red:
        return right_settle(path, b, calls)
    *above, (g, p_side), (p, side) = path
    uncle = g.kids[1 - p_side]
    if uncle is None or not uncle.red:
        return right_settle(path, b, calls)
    p = rbtree.hang(rbtree.paint(p, False), side, b)
    other = rbtree.paint(uncle, False)
    g = rbtree.hang(rbtree.hang(g, p_side, p), 1 - p_side, other)
    return rbtree.graft(above, rbtree.paint(g, True))


def never_replenish(path: Any, b: Any, calls: Any) -> Any:
    """Leave a side that is one black node short."""
    return rbtree.graft(path, b)


def lose_every_child(root: Any, key: Any) -> Any:
    """Unlink a node with all that is below it."""
    node = root.find(key)
    if node is None:
        return ops.ABSENT
    root.nodes.remove(node)
    root._change_child(node, None, node.parent)
    return None


def drop_the_child(path: Any, child: Any, was_red: bool, calls: Any) -> Any:
    """Let nothing take the place of a node with one child."""
    return rbtree.graft(path, None)


right_settle = rbtree.settle
EIGHT = tuple(f"k{at}" for at in range(LINE))
SEVEN, KEYS = EIGHT[:NODES], EIGHT[:5]

WORDS = (
    Lemma(
        claim=five_keys_in_any_order_grow_the_same_tree,
        names=KEYS,
        given=apart,
        provers=(Symbolic(Whole), Sweep(4, orders(5, 0))),
        mistakes=(
            Mistake(RbTree, "rb_link_node", link_anywhere),
            Mistake(rbtree, "rotate", rotate_in_colour),
        ),
        size="up to 5 nodes",
    ),
    Lemma(
        claim=inserting_any_key_into_any_tree_leaves_the_same_tree,
        names=("tree", *SEVEN, "key"),
        given=in_order,
        provers=(Symbolic(Whole),),
        mistakes=(
            Mistake(RbRoot, "insert", insert_twice),
            Mistake(RbTree, "rb_insert_color", mend_once),
            Mistake(RbTree, "_rotate_left", keep_the_old_parent),
            Mistake(rbtree, "settle", settle_once),
        ),
        size=f"up to {NODES} nodes and the new one",
        slow=True,
    ),
    Lemma(
        claim=erasing_any_key_of_any_tree_leaves_the_same_tree,
        names=("tree", *SEVEN, "key"),
        given=in_order,
        provers=(Symbolic(Whole),),
        mistakes=(
            Mistake(RbTree, "_erase_step", turn_inner),
            Mistake(RbTree, "_relink_successor", take_prev),
            Mistake(rbtree, "replenish", never_replenish),
        ),
        size=f"up to {NODES} nodes",
        slow=True,
    ),
    Lemma(
        claim=erasing_any_of_the_keys_that_came_in_line_leaves_the_same_tree,
        names=("n", *EIGHT, "key"),
        given=in_line,
        provers=(Symbolic(Whole), Symbolic(Bounded)),
        mistakes=(
            Mistake(RbRoot, "erase", erase_without_looking, bug="P26"),
            Mistake(RbRoot, "erase", diagnose_nothing, bug="P26"),
            Mistake(RbTree, "_erase_color", start_from_nothing, bug="P22"),
            Mistake(RbTree, "_erase_step", recolour_too_early, bug="P11"),
            Mistake(RbTree, "_relink_successor", judge_the_erased_colour, bug="P23"),
            Mistake(rbtree, "replenish", never_replenish),
        ),
        size=f"up to {LINE} nodes",
        history=line_history,
    ),
    Lemma(
        claim=three_keys_in_any_order_come_and_go_alike,
        names=(*KEYS[:3], "first", "second", "third"),
        given=some_are_erased,
        provers=(Symbolic(Whole),),
        mistakes=(
            Mistake(RbRoot, "erase", lose_every_child),
            Mistake(rbtree, "take_place", drop_the_child),
        ),
        size="3 nodes, 3 erasures",
    ),
)
