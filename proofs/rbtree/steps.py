"""Red-black trees: one fix-up step keeps what it must, and the machine takes the same.

Each step either ends or passes the same hypotheses to the step above, so mending any
tree follows by induction on the length of the path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Shapes
from mmoracle.checkers.mutants.rbtree import (
    keep_the_old_parent,
    recolour_too_early,
    turn_inner,
)
from mmoracle.impl.rbtree import Augment, RbTree
from mmoracle.spec.rbtree import tree as rbtree
from mmoracle.spec.rbtree.tree import Branch, Call, Path, Sub

from .machine import INDUCTION, called, names_of, plant, table_of, without_fault
from .shapes import (
    ABOVE,
    LEFT,
    RIGHT,
    Opaque,
    Shape,
    erasures,
    heights,
    hung,
    insertions,
    is_red,
    order,
    red_pairs,
)


@dataclass(frozen=True)
class Ended:
    """How a step ended: with this branch, or by passing one on to the step above."""

    passed_on: bool
    branch: Any
    untouched: bool  # the path above is what it was
    calls: list[Call] = field(default_factory=list)


@contextmanager
def intercepted(name: str, heard: list[Ended], at_root: bool) -> Iterator[None]:
    """Hear what is passed on and what is grafted below the opaque path."""
    step, graft = getattr(rbtree, name), rbtree.graft

    def note(path: Path, b: Sub, passed_on: bool) -> None:
        opaque: list[Any] = [] if at_root else [ABOVE]
        within = path[len(opaque) :]
        untouched = path[: len(opaque)] == opaque and not (passed_on and within)
        heard.append(Ended(passed_on, hung(within, b), untouched))

    def pass_on(path: Path, b: Sub, calls: list[Call]) -> Sub:
        note(path, b, passed_on=True)
        return None

    def end(path: Path, b: Sub) -> Sub:
        note(path, b, passed_on=False)
        return None

    setattr(rbtree, name, pass_on)
    rbtree.graft = end
    try:
        yield
    finally:
        setattr(rbtree, name, step)
        rbtree.graft = graft


def ending(name: str, shape: Shape) -> Ended:
    """Run the shipped step once on a shape; the step above is only heard."""
    step: Callable[..., Any] = getattr(rbtree, name)
    heard: list[Ended] = []
    calls: list[Call] = []
    with intercepted(name, heard, shape.at_root):
        got = step(shape.way(), shape.branch, calls)
    if heard:
        assert len(heard) == 1, "a step ends once"
        return replace(heard[0], calls=calls)
    return Ended(False, got, True, calls)  # the path was empty


# ------------------------------------------------------------------ insertion


def settling_keeps_order_colours_and_black_height(shape: Shape) -> bool:
    """A step of insertion keeps order and height, and a red pair ends or moves up."""
    before, ended = hung(shape.path, shape.branch), ending("settle", shape)
    after = ended.branch
    if not ended.untouched or order(after) != order(before) or red_pairs(after):
        return False
    if ended.passed_on:
        return heights(after) == heights(before) and is_red(after)
    if not shape.path:  # the new root, in black, adds one everywhere
        return not is_red(after) and len(heights(after)) == 1
    return heights(after) == heights(before) and is_red(after) <= before.red


# ------------------------------------------------------------------ erasure


def replenishing_keeps_order_colours_and_black_height(shape: Shape) -> bool:
    """A step of erasure makes up for the missing node, or passes it on upward."""
    before, ended = hung(shape.path, shape.branch), ending("replenish", shape)
    after = ended.branch
    if not ended.untouched or order(after) != order(before) or red_pairs(after):
        return False
    if not shape.path:  # every way is one shorter
        return heights(after) == heights(before)
    full = heights(hung(shape.path, Opaque("full", height=1)))
    assert len(full) == 1, "a shape is even but for the side that lacks a node"
    if ended.passed_on:
        return heights(after) == {next(iter(full)) - 1} and not is_red(after)
    return heights(after) == full and is_red(after) <= before.red


# ------------------------------------------------------------------ the machine


def the_machine_steps(name: str, step: str, shape: Shape, result: Any) -> bool:
    """Say whether the machine's step leaves what the specification's does.

    The same links up and down, the same colours, the same callbacks in the same order,
    summaries that are exact if they were; `result` says what the step should return.
    """
    ended = ending(step, shape)
    before = hung(shape.path, shape.branch)
    for side, kind in product((LEFT, RIGHT), ("", "max")):
        names = names_of(before, side)
        bed = plant(before, names, shape.at_root, side, kind)
        b, p = bed.get(shape.branch), bed[shape.path[-1][0].key]
        with bed.sealed():
            answer = getattr(bed.root, name)(b, p)
        calls = bed.root.augment.calls if kind else []
        if (
            answer is not result(bed, ended)
            or bed.table() != table_of(ended.branch, names, shape.at_root, side)
            or tuple(calls) != called(ended.calls, names, kind)
            or not bed.all_exact()
        ):
            return False
    return True


@without_fault
def the_machine_takes_the_same_step_of_insertion(shape: Shape) -> bool:
    """The machine's step leaves the links, colours and summaries that it must."""

    def going_on(bed: Any, ended: Ended) -> Any:
        return bed[ended.branch.key] if ended.passed_on else None

    return the_machine_steps("_insert_step", "settle", shape, going_on)


@without_fault
def the_machine_takes_the_same_step_of_erasure(shape: Shape) -> bool:
    """The machine's step leaves the links, colours and summaries that it must."""

    def is_short(bed: Any, ended: Ended) -> bool:
        return ended.passed_on

    return the_machine_steps("_erase_step", "replenish", shape, is_short)


def red_pairs_only() -> Iterator[tuple[Shape]]:
    """Yield the shapes of insertion in which the machine takes a step."""
    return ((shape,) for (shape,) in insertions() if len(shape.path) == 2)


def with_a_parent() -> Iterator[tuple[Shape]]:
    """Yield the shapes of erasure in which the machine takes a step."""
    return ((shape,) for (shape,) in erasures() if shape.path)


# ------------------------------------------------------------------ mistakes

right_rotate, right_paint = rbtree.rotate, rbtree.paint


def rotate_and_lose(top: Branch, side: int, is_red: bool, calls: list[Call]) -> Branch:
    """Drop the inner subtree."""
    riser = top.kids[1 - side]
    assert riser is not None
    down = rbtree.hang(right_paint(top, is_red), 1 - side, None)
    return rbtree.hang(right_paint(riser, top.red), side, down)


def rotate_in_colour(top: Branch, side: int, is_red: bool, calls: list[Call]) -> Branch:
    """Let both nodes keep their colours."""
    riser = top.kids[1 - side]
    assert riser is not None
    turned = right_rotate(top, side, top.red, calls)
    return right_paint(turned, riser.red)


def rotate_only_outer(
    top: Branch, side: int, is_red: bool, calls: list[Call]
) -> Branch:
    """Skip the first of two rotations: a node that stays red is not turned."""
    return top if top.red and is_red else right_rotate(top, side, is_red, calls)


def see_no_red(b: Sub) -> bool:
    """Take every nephew for a black one."""
    return False


def leave_the_link_above(root: Any, top: Any, riser: Any) -> None:
    """Turn without telling the parent."""
    riser.parent, top.parent = top.parent, riser


def turn_the_other_way(root: Any, top: Any, riser: Any, leftward: bool) -> None:
    """Rotate leftward always."""
    root._rotate_left(top, riser)


def rotate_in_silence(augment: Augment, old: Any, new: Any) -> None:
    """Refresh both summaries without telling the owner."""
    new.summary, old.summary = old.summary, augment.compute(old)


def rotate_and_keep(augment: Augment, old: Any, new: Any) -> None:
    """Give the riser its summary, and leave that of the node which goes down."""
    augment.calls.append(("rotate", old.key, new.key))
    new.summary = old.summary


STEP = "one step, any subtrees"

STEPS = (
    Lemma(
        claim=settling_keeps_order_colours_and_black_height,
        provers=(Shapes(insertions),),
        mistakes=(
            Mistake(rbtree, "rotate", rotate_and_lose),
            Mistake(rbtree, "rotate", rotate_in_colour),
            Mistake(rbtree, "rotate", rotate_only_outer),
        ),
        size=STEP,
        assumes=INDUCTION,
    ),
    Lemma(
        claim=replenishing_keeps_order_colours_and_black_height,
        provers=(Shapes(erasures),),
        mistakes=(
            Mistake(rbtree, "rotate", rotate_and_lose),
            Mistake(rbtree, "rotate", rotate_in_colour),
            Mistake(rbtree, "red", see_no_red),
        ),
        size=STEP,
        assumes=INDUCTION,
    ),
    Lemma(
        claim=the_machine_takes_the_same_step_of_insertion,
        provers=(Shapes(red_pairs_only),),
        size=STEP,
        assumes=INDUCTION,
        mistakes=(
            Mistake(RbTree, "_rise", leave_the_link_above),
            Mistake(RbTree, "_rotate_left", keep_the_old_parent),
            Mistake(Augment, "rotate", rotate_in_silence),
            Mistake(Augment, "rotate", rotate_and_keep),
            Mistake(rbtree, "rotate", rotate_in_colour),
        ),
    ),
    Lemma(
        claim=the_machine_takes_the_same_step_of_erasure,
        provers=(Shapes(with_a_parent),),
        size=STEP,
        assumes=INDUCTION,
        mistakes=(
            Mistake(RbTree, "_rise", leave_the_link_above),
            Mistake(RbTree, "_rotate_at", turn_the_other_way),
            Mistake(RbTree, "_erase_step", recolour_too_early, bug="P11"),
            Mistake(RbTree, "_erase_step", turn_inner),
            Mistake(Augment, "rotate", rotate_and_keep),
            Mistake(rbtree, "red", see_no_red),
        ),
    ),
)
