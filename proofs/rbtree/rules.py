"""Red-black trees: the rules that are checked are the ones that the lemmas speak of.

A rule complains of a table of links; a lemma speaks of a branch.  On every small tree,
legal or not, both say the same, and no changed link or number goes unnoticed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import product
from math import log2
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Sweep
from mmoracle.spec.core import Step
from mmoracle.spec.rbtree import Erase, First, Insert, Replace, always
from mmoracle.spec.rbtree.ops import PRESENT
from mmoracle.spec.rbtree.tree import Branch, Config, Node, Tree, keys, tree_of

from .shapes import heights, red_pairs

MAX = Config(keys=0, nodes=9, summary="max", cached=True)
GAP = Config(keys=0, nodes=9, summary="gap")
RULES = (
    "links_are_mutual",
    "the_walk_meets_each_node_in_order",
    "the_root_is_black",
    "no_red_node_has_a_red_child",
    "every_path_has_as_many_black_nodes",
    "the_tree_is_low",
    "summaries_are_maxima",
    "gaps_are_exact",
    "the_cached_node_is_first",
)


def broken(cfg: Config, t: Tree) -> set[str]:
    """Return the rules that complain of a tree."""
    return {name for name in RULES if any(getattr(always, name)(cfg, t))}


def depths(b: Any) -> int:
    """Return how many nodes are on the longest way down."""
    return 1 + max(map(depths, b.kids)) if b is not None else 0


def size(b: Any) -> int:
    """Return how many nodes there are."""
    return 1 + sum(map(size, b.kids)) if b is not None else 0


def rules_complain_exactly_of_what_the_lemmas_deny(top: Any, b: Any) -> bool:
    """A red root, a red pair, uneven heights, a way too long; and nothing else."""
    expected = {
        "the_root_is_black": b is not None and b.red,
        "no_red_node_has_a_red_child": red_pairs(b) > 0,
        "every_path_has_as_many_black_nodes": len(heights(b)) > 1,
        "the_tree_is_low": depths(b) > 2 * log2(size(b) + 1),
    }
    wrong = {name for name, is_so in expected.items() if is_so}
    return all(broken(cfg, tree_of(cfg, b)) == wrong for cfg in (MAX, GAP))


def an_uneven_tree_is_told_by_two_of_its_ways(top: Any, b: Any) -> bool:
    """Every way down is counted, and the complaint names two that differ."""
    t, told = tree_of(MAX, b), ways(b, 0, 0)
    complaints = list(always.every_path_has_as_many_black_nodes(MAX, t))
    sentences = {
        f"{one} black nodes down to {key} but {two} down to {other}"
        for key, one, _ in told
        for other, two, _ in told
        if one != two
    }
    return (
        sorted(always.heights(t)) == sorted(told)
        and len(complaints) == bool(sentences)
        and sentences.issuperset(complaints)
    )


def ways(b: Any, black: int, depth: int) -> list[tuple[int, int, int]]:
    """Return (key, black nodes, nodes) above each empty link."""
    if b is None:
        return []
    black, depth = black + (not b.red), depth + 1
    ends = [(b.key, black, depth) for kid in b.kids if kid is None]
    return ends + [way for kid in b.kids for way in ways(kid, black, depth)]


def no_changed_link_or_number_goes_unnoticed(top: Any, b: Any) -> bool:
    """One link, number or first node that is another breaks the rule about it."""
    return all(
        rule in broken(cfg, other)
        for cfg in (MAX, GAP)
        for rule, other in changed(cfg, tree_of(cfg, b))
    )


def a_step_that_changes_another_set_is_told(top: Any, b: Any) -> bool:
    """An insertion adds its key, an erasure removes it, a replacement swaps two."""
    t = tree_of(GAP, b)
    held = set(keys(t))
    return all(
        bool(list(always.the_set_changes_as_asked(GAP, Step(t, op, result, after))))
        is (set(keys(after)) != expected)
        for op, result, expected in asked(held)
        for after in (t, *others(b))
    )


def asked(held: set[int]) -> Iterator[tuple[Any, Any, set[int]]]:
    """Yield operations, done or refused, with the set that they should leave."""
    for key in range(8):
        yield Insert(key), (), held | {key}
        yield Erase(key), (), held - {key}
        yield Replace(1, key), (), held - {1} | {key}
    for op in (Insert(1), Erase(2), Replace(1, 3)):
        yield op, PRESENT, held
    yield First(), 1, held


def others(b: Any) -> Iterator[Tree]:
    """Yield trees with one node less and one more."""
    if b is not None:
        yield from (tree_of(GAP, kid) for kid in b.kids)
        for key in (0, 2, 7):
            if key not in keys(tree_of(GAP, b)):
                yield tree_of(GAP, Branch(b.key, b.red, 0, (leaf(key), b.kids[1])))


def leaf(key: int) -> Any:
    """Return a node without children."""
    return Branch(key, True, 0)


def changed(cfg: Config, t: Tree) -> Iterator[tuple[str, Tree]]:
    """Yield the tree with one link, number or the first node changed, and its rule."""
    names = [None, *keys(t)]
    summed = "gaps_are_exact" if cfg is GAP else "summaries_are_maxima"
    for at, row in enumerate(t.nodes):
        links = [
            *(replace(row, parent=key) for key in names),
            *(replace(row, left=key) for key in names),
            *(replace(row, right=key) for key in names),
        ]
        sums = [replace(row, summary=row.summary + by) for by in (1, -1)]
        told = [("links_are_mutual", each) for each in links if each != row]
        for rule, other in (*told, *((summed, each) for each in sums)):
            yield rule, replace(t, nodes=(*t.nodes[:at], other, *t.nodes[at + 1 :]))
    if cfg.cached:
        for key in names:
            if key != t.leftmost:
                yield "the_cached_node_is_first", replace(t, leftmost=key)


@cache
def coloured(n: int, low: int) -> tuple[Any, ...]:
    """Return every tree of n nodes in every colour, its keys and values rising."""
    if not n:
        return (None,)
    return tuple(
        Branch(low + 2 * before, red, before, (left, right))
        for before in range(n)
        for left in coloured(before, low)
        for right in coloured(n - 1 - before, low + 2 * before + 2)
        for red in (False, True)
    )


def chain(n: int, side: int) -> Any:
    """Return a tree that is one way down."""
    b: Any = None
    for key in range(n, 0, -1) if side else range(1, n + 1):
        b = Branch(key, False, 1, (None, b) if side else (b, None))
    return b


def all_coloured() -> Iterator[tuple[Any]]:
    """Yield every tree of up to four nodes in every colour, and some that are long.

    The last has seven nodes and is as deep as it may be.
    """
    for n, low in product(range(5), (0, 1)):
        yield from ((b,) for b in coloured(n, low))
    for n, side in product(range(5, 9), (0, 1)):
        yield (chain(n, side),)
    yield (Branch(9, False, 1, (chain(5, 0), Branch(10, False, 1))),)


def some_coloured() -> Iterator[tuple[Any]]:
    """Yield every tree of up to three nodes in every colour."""
    for n in range(4):
        yield from ((b,) for b in coloured(n, 1))


# ------------------------------------------------------------------ mistakes


def see_no_pair(cfg: Config, t: Tree) -> Iterator[str]:
    """Complain of no red pair."""
    return iter(())


def see_only_the_first(t: Tree) -> Iterator[tuple[int, int, int]]:
    """Look at one way down."""
    yield from list(right_heights(t))[:1]


def see_no_children(cfg: Config, t: Tree) -> Iterator[str]:
    """Compare a summary with the node's own number alone."""
    rows: list[Node] = [row for row in t.nodes if row.left is row.right is None]
    yield from right_summaries(cfg, replace(t, nodes=tuple(rows)))


right_heights, right_summaries = always.heights, always.summary_complaints


def count_from_one(t: Tree) -> Iterator[tuple[int, int, int]]:
    """Count a black node too many."""
    yield from ((key, black + 1, depth) for key, black, depth in right_heights(t))


def name_the_same_way_twice(cfg: Config, t: Tree) -> Iterator[str]:
    """Say that a way differs from itself."""
    ends = list(always.heights(t))
    if len({black for _, black, _ in ends}) > 1:
        key, black, _ = ends[0]
        yield f"{black} black nodes down to {key} but {black} down to {key}"


def look_at_nothing(cfg: Config, step: Any) -> Iterator[str]:
    """Complain of no change."""
    return iter(())


def forget_what_was_asked(cfg: Config, step: Any) -> Iterator[str]:
    """Let no operation change the set."""
    if set(keys(step.before)) != set(keys(step.after)):
        yield "the set changes"


KEPT = (
    Lemma(
        claim=a_step_that_changes_another_set_is_told,
        provers=(Sweep(cases=lambda top: some_coloured(), scope="up to 3 nodes"),),
        mistakes=(
            Mistake(always, "the_set_changes_as_asked", look_at_nothing),
            Mistake(always, "the_set_changes_as_asked", forget_what_was_asked),
        ),
        size="every tree, legal or not",
    ),
    Lemma(
        claim=an_uneven_tree_is_told_by_two_of_its_ways,
        provers=(Sweep(cases=lambda top: all_coloured(), scope="up to 4 nodes"),),
        mistakes=(
            Mistake(always, "heights", count_from_one),
            Mistake(
                always, "every_path_has_as_many_black_nodes", name_the_same_way_twice
            ),
        ),
        size="every tree, legal or not",
    ),
    Lemma(
        claim=rules_complain_exactly_of_what_the_lemmas_deny,
        provers=(Sweep(cases=lambda top: all_coloured(), scope="up to 4 nodes"),),
        mistakes=(
            Mistake(always, "no_red_node_has_a_red_child", see_no_pair),
            Mistake(always, "heights", see_only_the_first),
        ),
        size="every tree, legal or not",
    ),
    Lemma(
        claim=no_changed_link_or_number_goes_unnoticed,
        provers=(Sweep(cases=lambda top: some_coloured(), scope="up to 3 nodes"),),
        mistakes=(
            Mistake(always, "links_are_mutual", see_no_pair),
            Mistake(always, "summary_complaints", see_no_children),
        ),
        size="every tree, legal or not",
    ),
)
