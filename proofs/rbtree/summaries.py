"""Red-black trees: what a node stores of its subtree, one node at a time.

If every node but one is exact, and that one is refreshed, then all are exact but the
one above it, and all if nothing changed: so refreshing upward makes any tree exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Sweep, Symbolic
from mmoracle.checkers.mutants.rbtree import drop_the_left_child, measure_from_zero
from mmoracle.checkers.symbolic import either, every
from mmoracle.checkers.word import Whole, one_of
from mmoracle.impl.rbtree import Augment, GapAugment, RbNode

from .machine import INDUCTION
from .tables import stored

MAKERS = (Augment, GapAugment)
CASES = tuple(product(MAKERS, *[(False, True)] * 3))  # left, right, and one before
NUMBERS = ("case", "key", "gap", "own", "low", "high", "old")


def one_case(top: Any, case: Any, *words: Any) -> Iterable[Any]:
    """Assume one of the cases."""
    yield case < len(CASES)


def of_summary(summary: Any) -> RbNode:
    """Return a child of which only the summary is known."""
    node = RbNode(0)
    node.summary = summary
    return node


def placed(case: Any, *words: Any) -> tuple[Any, RbNode, list[Any]]:
    """Return the callbacks, a node, and the numbers of which it stores the greatest."""
    make, has_left, has_right, has_prev = CASES[one_of(case, range(len(CASES)))]
    before, gap, own, low, high, old = words
    node = RbNode(before + gap, own)
    node.summary = old
    node.left = of_summary(low) if has_left else None
    node.right = of_summary(high) if has_right else None
    node.prev = RbNode(before) if has_prev else None
    distance = gap if has_prev else before + gap
    kids = [low if has_left else 0, high if has_right else 0]
    return make(), node, [distance if make is GapAugment else own, *kids]


def a_summary_is_the_greatest_of_three(top: Any, *words: Any) -> Any:
    """A node's own number or gap and its children's summaries: the greatest of them."""
    augment, node, numbers = placed(*words)
    return stored("max", augment.compute(node), *numbers)


def refreshing_makes_a_node_exact_and_goes_on_above_a_change(
    top: Any, *words: Any
) -> Any:
    """Afterwards the node is exact; the one above comes next unless nothing changed."""
    augment, node, numbers = placed(*words)
    above = node.parent = RbNode(0)
    going_on = augment.refresh(node)
    same = node.summary == words[-1]
    return every(
        stored("max", node.summary, *numbers),
        same if going_on is None else node.summary != words[-1],
        going_on in (None, above),
    )


def rising(top: Any, summary: Any, above: Any, value: Any) -> Iterable[Any]:
    """Assume that the node above stores at least what this one does."""
    yield summary <= above


def lifting_joins_a_value_and_stops_where_it_is_no_news(
    top: Any, summary: Any, above: Any, value: Any
) -> Any:
    """The greater is stored; it ends only where all above is as great already."""
    node, parent = of_summary(summary), of_summary(above)
    node.parent = parent
    going_on = Augment().lift(node, value)
    greatest = every(
        either(node.summary == summary, node.summary == value),
        node.summary >= summary,
        node.summary >= value,
    )
    if going_on is None:
        return every(greatest, node.summary == summary, parent.summary >= value)
    return every(greatest, going_on is parent, node.summary == value, summary < value)


# ------------------------------------------------------------------ mistakes


def greatest_child(augment: Augment, node: RbNode) -> int:
    """Forget the node's own number."""
    kids = [kid.summary for kid in (node.left, node.right) if kid is not None]
    return max(kids, default=augment.own(node))


def refresh_and_stop(augment: Augment, node: RbNode) -> RbNode | None:
    """Go no further up, whatever changed."""
    node.summary = augment.compute(node)
    return None


def refresh_upward_only(augment: Augment, node: RbNode) -> RbNode | None:
    """Let a summary grow and never shrink."""
    summary = augment.compute(node)
    if node.summary >= summary:
        return None
    node.summary = summary
    return node.parent


def lift_blindly(augment: Augment, node: RbNode, value: int) -> RbNode | None:
    """Store the value although a greater one is there."""
    node.summary = value
    return node.parent


def lift_and_stop(augment: Augment, node: RbNode, value: int) -> RbNode | None:
    """Store the value and tell no one above."""
    node.summary = max(node.summary, value)
    return None


def small(top: int) -> Iterator[tuple[int, ...]]:
    """Yield small numbers for every case."""
    for case in range(len(CASES)):
        yield from ((case, *each) for each in product(range(3), repeat=6))


LOCAL = "one node of any tree"

SUMMARIES = (
    Lemma(
        claim=a_summary_is_the_greatest_of_three,
        names=NUMBERS,
        given=one_case,
        provers=(Symbolic(Whole), Sweep(1, small)),
        mistakes=(
            Mistake(Augment, "compute", drop_the_left_child, bug="P24"),
            Mistake(Augment, "compute", greatest_child),
            Mistake(GapAugment, "own", measure_from_zero),
        ),
        size=LOCAL,
        assumes=INDUCTION,
    ),
    Lemma(
        claim=refreshing_makes_a_node_exact_and_goes_on_above_a_change,
        names=NUMBERS,
        given=one_case,
        provers=(Symbolic(Whole), Sweep(1, small)),
        mistakes=(
            Mistake(Augment, "refresh", refresh_and_stop),
            Mistake(Augment, "refresh", refresh_upward_only),
            Mistake(Augment, "compute", drop_the_left_child, bug="P24"),
        ),
        size=LOCAL,
        assumes=INDUCTION,
    ),
    Lemma(
        claim=lifting_joins_a_value_and_stops_where_it_is_no_news,
        given=rising,
        provers=(Symbolic(Whole), Symbolic(), Sweep(3)),
        mistakes=(
            Mistake(Augment, "lift", lift_blindly),
            Mistake(Augment, "lift", lift_and_stop),
        ),
        size=LOCAL,
        assumes=INDUCTION,
    ),
)
