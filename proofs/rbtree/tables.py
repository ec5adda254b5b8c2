"""Red-black trees: the table of a tree, one node at a time, for trees of any size.

The table is where parents, summaries and the first node of the specification come
from; `grow` gives the tree back.  Both call themselves below; the inner calls are only
heard, and answer with rows that stand for any rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import product
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Shapes, Sweep, Symbolic
from mmoracle.checkers.symbolic import either, every
from mmoracle.checkers.word import Whole, Word, one_of
from mmoracle.spec.rbtree import tree as rbtree
from mmoracle.spec.rbtree.tree import Branch, Config, Node, Sub, Tree

from .machine import INDUCTION, KINDS, replaced, without_fault

CASES = tuple(product(KINDS, (False, True), (False, True)))  # and which children
GIVEN = ("case", "key", "low", "high", "before", "own", "low_summary", "high_summary")
PARENT = 99


def kid(key: Any) -> Any:
    """Return a subtree of which only the key of its root is known."""
    return Branch(key, False, 0)


def row_of(key: Any) -> Any:
    """Return a row that stands for all the rows of a subtree."""
    return Node(key, None, False, None, None)


def in_order(top: Any, *words: Any) -> Iterable[Any]:
    """Assume that the keys rise, and one of the cases."""
    case, key, low, high, before, *_ = words
    yield case < len(CASES)
    yield from (before <= low, low < key, key < high)


def the_table_has_a_row_for_each_node(top: Any, *words: Any) -> Any:
    """A node stands between its subtrees, with its links and the greatest number."""
    case, key, low, high, before, own, low_summary, high_summary = words
    kind, has_left, has_right = CASES[one_of(case, range(len(CASES)))]
    cfg = KINDS[kind]
    left, right = (kid(low) if has_left else None, kid(high) if has_right else None)
    b = Branch(key, True, own, (left, right))
    answers = {
        id(left): ((row_of(before), row_of(low)), low_summary),
        id(right): ((row_of(high),), high_summary),
    }
    heard: list[Any] = []

    def inner(*passed: Any) -> Any:
        heard.append(passed)
        return ((), 0) if passed[1] is None else answers[id(passed[1])]

    table = rbtree.table
    with replaced((rbtree, "table", inner)):
        rows, summary = table(cfg, b, PARENT, before)
    went = [(cfg, left, key, before), (cfg, right, key, key)]
    asked = sorted(heard, key=lambda passed: passed[1] is right)
    lows, (row, *highs) = rows[: 2 * has_left], rows[2 * has_left :]
    expected = ([before, low] if has_left else [], [high] if has_right else [])
    links = (row.parent, row.red, row.value is own, row.summary is summary)
    return every(
        same_items(asked, went),
        [each.key for each in lows] == expected[0],
        [each.key for each in highs] == expected[1],
        row.key is key,
        links == (PARENT, True, True, True),
        row.left is (low if has_left else None),
        row.right is (high if has_right else None),
        stored(kind, summary, *numbers(words, kind, has_left, has_right)),
    )


def same_items(one: list[Any], two: list[Any]) -> bool:
    """Say whether calls passed the very same things."""
    pairs = zip(one, two, strict=True)
    return all(
        a is b or (isinstance(a, int | Word) and isinstance(b, int | Word) and a == b)
        for calls in pairs
        for a, b in zip(calls[0], calls[1], strict=True)
    )


def numbers(words: Any, kind: str, has_left: bool, has_right: bool) -> list[Any]:
    """Return what a node's summary is the greatest of, its own number first."""
    _, key, low, _, before, own, low_summary, high_summary = words
    gap = key - (low if has_left else before)
    return [
        gap if kind == "gap" else own,
        low_summary if has_left else 0,
        high_summary if has_right else 0,
    ]


def stored(kind: str, summary: Any, *of: Any) -> Any:
    """Say whether a number is the greatest of these, or 0 without a summary."""
    if not kind:
        return summary == 0
    return every(
        either(*(summary == each for each in of)), *(summary >= each for each in of)
    )


@without_fault
def where_no_node_is_the_table_has_no_row(kind: str, before: int) -> bool:
    """An empty link has no rows, and adds nothing to any summary."""
    return rbtree.table(KINDS[kind], None, PARENT, before) == ((), 0)


@without_fault
def the_table_gives_the_tree_back(lows: int, highs: int, root: int | None) -> bool:
    """From its rows a node grows with its number, its colour and both subtrees."""
    rows = tuple(row_of(10 * n) for n in range(lows + 1 + highs))
    own = Node(rows[lows].key, None, True, 3 if lows else None, 4 if highs else None, 6)
    whole = (*rows[:lows], own, *rows[lows + 1 :])
    heard: list[Any] = []

    def inner(*passed: Any) -> Any:
        heard.append(passed)
        return kid(passed[1])

    grow = rbtree.grow
    with replaced((rbtree, "grow", inner)):
        if root is None:
            return grow(whole, None) is None and not heard
        got = grow(whole, own.key)
    went = [(rows[:lows], own.left), (rows[lows + 1 :], own.right)]
    kids = (kid(own.left), kid(own.right))
    return sorted(heard, key=went.index) == went and (
        got == Branch(own.key, True, 6, kids)
    )


@without_fault
def a_tree_has_its_table_root_and_first_node(top: Any, rows: int, cached: bool) -> bool:
    """The rows come in order, the first of them is cached if any is, and the root."""
    told = tuple(row_of(10 * n) for n in range(rows))
    cfg = replace(KINDS["max"], cached=cached)
    b = kid(20) if rows else None
    heard: list[Any] = []

    def table(*passed: Any) -> Any:
        heard.append(passed)
        return told[::-1], 7

    with replaced((rbtree, "table", table), (rbtree, "grow", lambda *told: told)):
        t = rbtree.tree_of(cfg, b)
        back: Any = rbtree.branch_of(t)
    first = 0 if cached and rows else None
    return (
        heard == [(cfg, b, None, 0)]
        and t == Tree(20 if rows else None, first, told)
        and back == (told, t.root)
    )


@without_fault
def postorder_is_both_subtrees_then_the_node(left: Any, right: Any) -> bool:
    """The keys below come first, the left ones before the right ones."""
    postorder = rbtree.postorder
    told = {None: (), "l": (1, 2), "r": (3,)}
    with replaced((rbtree, "postorder", lambda b: told[b])):
        return (
            postorder(Branch(9, False, 0, (left, right)))
            == (*told[left], *told[right], 9)
            and postorder(None) == ()
        )


def tables() -> Iterator[tuple[int, int, int | None]]:
    """Yield how many rows come before a node and after it, and whether it is there."""
    for lows, highs in product(range(4), range(4)):
        yield lows, highs, 0
        yield lows, highs, None


def few_rows() -> Iterator[tuple[int, bool]]:
    """Yield how many rows there are, and whether the first is cached."""
    return product(range(5), (False, True))


def both_kids() -> Iterator[tuple[Any, Any]]:
    """Yield every pair of subtrees, or none."""
    return product((None, "l"), (None, "r"))


def small_rows(top: int) -> Iterator[tuple[int, ...]]:
    """Yield small numbers in order for every case."""
    few = range(3)
    for case in range(len(CASES)):
        for before, low, own, one, two in product((0, 1), (1, 2), few, few, few):
            for key in (low + 1, low + 2):
                yield case, key, low, key + 1, before, own, one, two


# ------------------------------------------------------------------ mistakes

right_table, right_grow = rbtree.table, rbtree.grow


def count_from_zero(
    cfg: Config, b: Sub, parent: int | None, before: int
) -> tuple[tuple[Node, ...], int]:
    """Count every gap from where the whole tree begins."""
    return right_table(cfg, b, parent, 0)


def forget_the_right(
    cfg: Config, b: Sub, parent: int | None, before: int
) -> tuple[tuple[Node, ...], int]:
    """Leave the right subtree out of the summary."""
    if b is None:
        return (), 0
    left, right = b.kids
    low, summary = rbtree.table(cfg, left, b.key, before)
    high, _ = rbtree.table(cfg, right, b.key, b.key)
    own = b.key - (low[-1].key if low else before) if cfg.summary == "gap" else b.value
    summary = max(own, summary) if cfg.summary else 0
    links = (rbtree.key_of(left), rbtree.key_of(right))
    return (*low, Node(b.key, parent, b.red, *links, b.value, summary), *high), summary


def adopt(
    cfg: Config, b: Sub, parent: int | None, before: int
) -> tuple[tuple[Node, ...], int]:
    """Give the subtrees the parent of their parent."""
    rows, summary = right_table(cfg, b, parent, before)
    return tuple(replace(row, parent=None) for row in rows), summary


def a_row_for_nothing(
    cfg: Config, b: Sub, parent: int | None, before: int
) -> tuple[tuple[Node, ...], int]:
    """Give an empty link a row."""
    return (Node(before, parent, False, None, None),), 0


def sum_up_the_way(
    cfg: Config, b: Sub, parent: int | None, before: int
) -> tuple[tuple[Node, ...], int]:
    """Let an empty link count as a gap."""
    return (), 1


def grow_in_black(rows: tuple[Node, ...], key: int | None) -> Sub:
    """Forget the colour."""
    b = right_grow(rows, key)
    return b if b is None else rbtree.paint(b, False)


def grow_the_first(rows: tuple[Node, ...], key: int | None) -> Sub:
    """Take the first row for the one that is sought."""
    return right_grow(rows, key if key is None else rows[0].key)


def last_is_first(cfg: Config, b: Sub) -> Tree:
    """Cache the last node."""
    rows, _ = rbtree.table(cfg, b, None, 0)
    ordered = tuple(sorted(rows, key=lambda row: row.key))
    first = ordered[-1].key if cfg.cached and ordered else None
    return Tree(rbtree.key_of(b), first, ordered)


def as_they_come(cfg: Config, b: Sub) -> Tree:
    """Leave the rows as they come."""
    rows, _ = rbtree.table(cfg, b, None, 0)
    first = min((row.key for row in rows), default=None) if cfg.cached else None
    return Tree(rbtree.key_of(b), first, rows)


def preorder(b: Any) -> tuple[int, ...]:
    """Meet a node before its children."""
    return (b.key, *(key for kid in b.kids for key in rbtree.postorder(kid)))


def right_first(b: Any) -> tuple[int, ...]:
    """Meet the right subtree first."""
    left, right = b.kids if b is not None else (None, None)
    own = (b.key,) if b is not None else ()
    return (*rbtree.postorder(right), *rbtree.postorder(left), *own)


ONE_NODE = "one node of any tree"

TABLES = (
    Lemma(
        claim=the_table_has_a_row_for_each_node,
        names=GIVEN,
        given=in_order,
        provers=(Symbolic(Whole), Sweep(4, small_rows)),
        mistakes=(
            Mistake(rbtree, "table", count_from_zero),
            Mistake(rbtree, "table", forget_the_right),
            Mistake(rbtree, "table", adopt),
        ),
        size=ONE_NODE,
        assumes=INDUCTION,
    ),
    Lemma(
        claim=where_no_node_is_the_table_has_no_row,
        provers=(Shapes(lambda: product(KINDS, (0, 7))),),
        mistakes=(
            Mistake(rbtree, "table", a_row_for_nothing),
            Mistake(rbtree, "table", sum_up_the_way),
        ),
        size="any way to it",
    ),
    Lemma(
        claim=the_table_gives_the_tree_back,
        provers=(Shapes(tables),),
        mistakes=(
            Mistake(rbtree, "grow", grow_in_black),
            Mistake(rbtree, "grow", grow_the_first),
        ),
        size=ONE_NODE,
        assumes=INDUCTION,
    ),
    Lemma(
        claim=a_tree_has_its_table_root_and_first_node,
        provers=(Sweep(cases=lambda top: few_rows(), scope="up to 4 rows"),),
        mistakes=(
            Mistake(rbtree, "tree_of", last_is_first),
            Mistake(rbtree, "tree_of", as_they_come),
        ),
        size="any tree",
    ),
    Lemma(
        claim=postorder_is_both_subtrees_then_the_node,
        provers=(Shapes(both_kids),),
        mistakes=(
            Mistake(rbtree, "postorder", preorder),
            Mistake(rbtree, "postorder", right_first),
        ),
        size=ONE_NODE,
        assumes=INDUCTION,
    ),
)
