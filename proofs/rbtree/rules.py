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
from mmoracle.spec.rbtree import always
from mmoracle.spec.rbtree.tree import Branch, Config, Node, Tree, tree_of

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


def no_changed_link_or_number_goes_unnoticed(top: Any, b: Any) -> bool:
    """One link, number or first node that is another breaks a rule that was kept."""
    return all(
        broken(cfg, other) - broken(cfg, t)
        for cfg in (MAX, GAP)
        for t in (tree_of(cfg, b),)
        for other in changed(cfg, t)
    )


def changed(cfg: Config, t: Tree) -> Iterator[Tree]:
    """Yield the tree with one link, number or the first node changed."""
    keys = [None, *(row.key for row in t.nodes)]
    for at, row in enumerate(t.nodes):
        for other in (
            *(replace(row, parent=key) for key in keys),
            *(replace(row, left=key) for key in keys),
            *(replace(row, right=key) for key in keys),
            replace(row, summary=row.summary + 1),
            replace(row, summary=row.summary - 1),
        ):
            if other != row:
                yield replace(t, nodes=(*t.nodes[:at], other, *t.nodes[at + 1 :]))
    if cfg.cached:
        yield from (replace(t, leftmost=key) for key in keys if key != t.leftmost)


@cache
def coloured(n: int, low: int = 1) -> tuple[Any, ...]:
    """Return every tree of n nodes in every colour, its keys and values rising."""
    if not n:
        return (None,)
    return tuple(
        Branch(low + 2 * before, red, before + 1, (left, right))
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
    """Yield every tree of up to four nodes in every colour, and some that are long."""
    for n in range(5):
        yield from ((b,) for b in coloured(n))
    for n, side in product(range(5, 9), (0, 1)):
        yield (chain(n, side),)


def some_coloured() -> Iterator[tuple[Any]]:
    """Yield every tree of up to three nodes in every colour."""
    for n in range(4):
        yield from ((b,) for b in coloured(n))


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

KEPT = (
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
