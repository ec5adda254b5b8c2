"""Red-black trees: one fix-up step keeps what it must, and the machine takes the same.

Each step either ends or passes the same hypotheses to the step above, so mending any
tree follows by induction on the length of the path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from mmoracle.checkers.bind.rbtree import abstract, load
from mmoracle.checkers.lemma import Lemma, Mistake, Shapes
from mmoracle.spec.rbtree import tree as rbtree
from mmoracle.spec.rbtree.tree import Branch, Call, Config, Path, Sub

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
    node,
    order,
    red_pairs,
    swap,
)


@dataclass(frozen=True)
class Ended:
    """How a step ended: with this branch, or by passing one on to the step above."""

    passed_on: bool
    branch: Any
    untouched: bool  # the path above is what it was


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
    with intercepted(name, heard, shape.at_root):
        got = step(shape.way(), shape.branch, [])
    if heard:
        assert len(heard) == 1, "a step ends once"
        return heard[0]
    return Ended(False, got, untouched=True)  # the path was empty


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

PLAIN = Config(keys=0, nodes=0)


def seen_by_machine(b: Any) -> Any:
    """Return a branch with a childless node for each token, its key a letter's."""
    if b is None:
        return None
    if isinstance(b, Opaque):
        return node(-ord(b.token), b.red, None, None)
    return node(b.key, b.red, *(seen_by_machine(kid) for kid in b.kids))


def tree_at(b: Any, shape: Shape, side: int) -> rbtree.Tree:
    """Return the tree of a branch in its place: the root, or below some node."""
    grown = seen_by_machine(b)
    if not shape.at_root:
        grown = swap(node(ABOVE_KEY, False, None, None), side, grown, None)
    return rbtree.tree_of(PLAIN, grown)


ABOVE_KEY = 99


@contextmanager
def sealed(root: Any) -> Iterator[None]:
    """Take away what a step must not read: it would raise an error."""
    hidden = [(each, name) for each in root.nodes for name in secrets(each)]
    kept = [(each, name, getattr(each, name)) for each, name in hidden]
    for each, name, _ in kept:
        delattr(each, name)
    try:
        yield
    finally:
        for each, name, was in kept:
            setattr(each, name, was)


def secrets(each: Any) -> tuple[str, ...]:
    """Return what is opaque of a node: below a token, and all above the path."""
    if each.key == ABOVE_KEY:
        return ("red", "parent")
    return ("left", "right") if each.key < 0 else ()


def linked(root: Any, key: int) -> Any:
    """Return the node of a key, without following links."""
    return next(each for each in root.nodes if each.key == key)


def machine_step(name: str, shape: Shape, side: int) -> tuple[Any, rbtree.Tree]:
    """Run the machine's step; return its answer and the tree that it leaves."""
    root = load(PLAIN, tree_at(hung(shape.path, shape.branch), shape, side))
    given = seen_by_machine(shape.branch)
    b = linked(root, given.key) if given is not None else None
    p = linked(root, shape.path[-1][0].key)
    with sealed(root):
        answer = getattr(root, name)(b, p)
    return answer, abstract(root)


def the_machine_takes_the_same_step_of_insertion(shape: Shape) -> bool:
    """The machine's step leaves the links and colours that the specification's does."""
    ended = ending("settle", shape)
    expected = ended.branch.key if ended.passed_on else None
    for side in (LEFT, RIGHT):
        answer, tree = machine_step("_insert_step", shape, side)
        going_on = answer.key if answer is not None else None
        if (going_on, tree) != (expected, tree_at(ended.branch, shape, side)):
            return False
    return True


def the_machine_takes_the_same_step_of_erasure(shape: Shape) -> bool:
    """The machine's step leaves the links and colours that the specification's does."""
    ended = ending("replenish", shape)
    for side in (LEFT, RIGHT):
        is_short, tree = machine_step("_erase_step", shape, side)
        expected = tree_at(ended.branch, shape, side)
        if (is_short, tree) != (ended.passed_on, expected):
            return False
    return True


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


MACHINE = type(load(PLAIN, rbtree.EMPTY))
INDUCTION = (
    "red-black: what surrounds one step, that is the induction over the path, graft,"
    " the descent, the unlinking and the loops, is not part of the lemmas",
)
STEP = "one step, any subtrees"

RBTREE = (
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
            Mistake(MACHINE, "_rise", leave_the_link_above),
            Mistake(rbtree, "rotate", rotate_in_colour),
        ),
    ),
    Lemma(
        claim=the_machine_takes_the_same_step_of_erasure,
        provers=(Shapes(with_a_parent),),
        size=STEP,
        assumes=INDUCTION,
        mistakes=(
            Mistake(MACHINE, "_rise", leave_the_link_above),
            Mistake(MACHINE, "_rotate_at", turn_the_other_way),
        ),
    ),
)
