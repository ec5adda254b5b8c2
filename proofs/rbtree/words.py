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
    drop_the_left_child,
    erase_without_looking,
    insert_twice,
    judge_the_erased_colour,
    keep_the_old_parent,
    keep_victim,
    leave_link,
    link_anywhere,
    mend_once,
    propagate_nothing,
    recolour_too_early,
    refresh_too_early,
    start_from_nothing,
    take_prev,
    trust_flag,
    walk_from_nothing,
)
from mmoracle.checkers.symbolic import either
from mmoracle.checkers.word import Whole, one_of
from mmoracle.impl.rbtree import (
    Augment,
    GapAugment,
    RbRoot,
    RbTree,
    RbWalks,
)
from mmoracle.spec import rbtree as spec
from mmoracle.spec.rbtree import ops
from mmoracle.spec.rbtree import tree as rbtree

from .machine import without_fault
from .pairs import CACHED, GAP, MAX, PLAIN, Pair, dressed, grown, planted, trees
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


NODES = 7
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


def apart_but_the_last(top: Any, *words: Any) -> Iterable[Any]:
    """Assume that no two keys are the same, but maybe the last."""
    return apart(top, *words[:-1])


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


@without_fault
def any_values_are_summed_up_alike(top: Any, *words: Any) -> bool:
    """With any values, after three insertions and any erasure: the same maxima."""
    keys, values, key = words[:3], words[3:6], words[6]
    pair = grown(MAX, keys, values)
    return pair is not None and pair.do(spec.Erase(key))


def three_keys_and_one_of_them(top: Any, *words: Any) -> Iterable[Any]:
    """Assume that no two of the first three words are the same."""
    return apart(top, *words[:3])


@without_fault
def any_gaps_are_kept_alike(top: Any, *words: Any) -> bool:
    """With any keys, after three insertions and any erasure: the same widest gaps."""
    *keys, key = words
    pair = grown(GAP, keys)
    return pair is not None and pair.do(spec.Erase(key))


@without_fault
def both_refuse_the_same_insertions(top: Any, a: Any, b: Any, key: Any, f: Any) -> bool:
    """A key that is there, and a wrong word about the first node, are refused alike."""
    pair = grown(CACHED, (a, b))
    return pair is not None and pair.do(spec.Insert(key, 0, bool(f == 1)))


def two_keys(top: Any, a: Any, b: Any, *rest: Any) -> Iterable[Any]:
    """Assume that the first two keys differ."""
    return (a != b,)


@without_fault
def replacing_leaves_the_same_tree(top: Any, *words: Any) -> bool:
    """Any key by any other: refused alike, or the new node takes place and number."""
    *keys, victim, new = words
    pair = grown(CACHED, keys)
    return pair is not None and pair.do(spec.Replace(victim, new))


def three_keys(top: Any, *words: Any) -> Iterable[Any]:
    """Assume that no two of the first three words are the same."""
    return apart(top, *words[:3])


@without_fault
def walks_meet_the_same_nodes(top: Any, *words: Any) -> bool:
    """The first, the last, the neighbours of any key, and all, children first."""
    *keys, key = words
    pair = Pair(PLAIN)
    if not pair.do(spec.Postorder()) or not pair.do(spec.First()):
        return False
    whole = grown(PLAIN, keys)
    walks = (spec.First(), spec.Last(), spec.Postorder())
    ways = (*walks, spec.Next(key), spec.Prev(key))
    return whole is not None and all(whole.do(op) for op in ways)


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


def refuse_nothing(t: Any, key: Any) -> bool:
    """Take every key for one that is not linked."""
    return False


def the_first_after(t: Any, key: Any) -> Any:
    """Take the first key for the one that follows."""
    return t.nodes[0].key if t.nodes else None


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
SEVEN = tuple(f"k{at}" for at in range(NODES))
KEYS = SEVEN[:5]

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
            Mistake(RbRoot, "erase", erase_without_looking, bug="P26"),
            Mistake(RbTree, "_erase_color", start_from_nothing, bug="P22"),
            Mistake(RbTree, "_erase_step", recolour_too_early, bug="P11"),
            Mistake(RbTree, "_relink_successor", judge_the_erased_colour, bug="P23"),
            Mistake(RbTree, "_relink_successor", take_prev),
            Mistake(rbtree, "replenish", never_replenish),
        ),
        size=f"up to {NODES} nodes",
        slow=True,
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
    Lemma(
        claim=any_values_are_summed_up_alike,
        names=(*KEYS[:3], "v0", "v1", "v2", "key"),
        given=three_keys,
        provers=(Symbolic(Whole),),
        mistakes=(
            Mistake(Augment, "compute", drop_the_left_child, bug="P24"),
            Mistake(Augment, "propagate", propagate_nothing, bug="P24"),
        ),
        size="3 nodes",
    ),
    Lemma(
        claim=any_gaps_are_kept_alike,
        names=(*KEYS[:3], "key"),
        given=apart_but_the_last,
        provers=(Symbolic(Whole), Sweep(4, orders(3, 1))),
        mistakes=(
            Mistake(GapAugment, "announce", refresh_too_early, bug="P17"),
            Mistake(rbtree, "following", the_first_after),
        ),
        size="3 nodes",
    ),
    Lemma(
        claim=both_refuse_the_same_insertions,
        given=two_keys,
        provers=(Symbolic(Whole),),
        mistakes=(
            Mistake(RbRoot, "_refusal", trust_flag),
            Mistake(RbRoot, "insert", insert_twice),
        ),
        size="2 nodes",
    ),
    Lemma(
        claim=replacing_leaves_the_same_tree,
        names=(*KEYS[:3], "victim", "new"),
        given=three_keys,
        provers=(Symbolic(Whole),),
        mistakes=(
            Mistake(RbTree, "rb_replace_node", leave_link),
            Mistake(RbRoot, "replace", keep_victim),
        ),
        size="3 nodes",
    ),
    Lemma(
        claim=walks_meet_the_same_nodes,
        names=(*KEYS[:4], "key"),
        given=apart_but_the_last,
        provers=(Symbolic(Whole),),
        mistakes=(
            Mistake(RbWalks, "postorder", walk_from_nothing, bug="P25"),
            Mistake(ops, "has", refuse_nothing),
        ),
        size="4 nodes",
    ),
)
