"""Red-black trees: one fix-up step, on every local shape, with opaque subtrees.

A step looks at a bounded part of the tree.  What hangs below that part is opaque: a
token with a colour and a black height, in which any other attribute raises an error;
what stands above is a token too.  Finitely many shapes are then all shapes, for trees
of any size, and as each step either ends or passes the same hypotheses to the step
above, mending any tree follows by induction on the length of the path.

Heights are relative: an opaque black subtree has height 0, which stands for any h; in
the shapes called bare h is 0 and each such subtree is an empty link.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any

from mmoracle.checkers.bind.rbtree import abstract, load
from mmoracle.checkers.lemma import Lemma, Mistake, Shapes
from mmoracle.spec import rbtree
from mmoracle.spec.core import value
from mmoracle.spec.rbtree import Branch, Call, Config, Path, Sub

# ------------------------------------------------------------------ opaque parts


@value
class Opaque:
    """A subtree of which only the colour of its root and its height are known."""

    token: str
    red: bool = False
    height: int = 0  # black nodes on every way down, relative to h


@value
class Above:
    """The part of the path that a step must not look at, colour and all."""


ABOVE: Any = Above()
LEFT, RIGHT = 0, 1


@dataclass(frozen=True)
class Shape:
    """The path that a step sees, bottom last, and the branch that it is given."""

    path: tuple[tuple[Any, int], ...]
    branch: Any
    at_root: bool  # nothing stands above the path

    def __str__(self) -> str:
        """Return the shape in brackets: a red node in lower case."""
        told = [f"{text(p)}/{'LR'[side]}" for p, side in self.path]
        return " ".join([*told, text(self.branch)])

    def way(self) -> list[Any]:
        """Return the path as the step gets it."""
        return [*([] if self.at_root else [ABOVE]), *self.path]


def text(b: Any) -> str:
    """Return a branch in brackets."""
    if b is None:
        return "-"
    if isinstance(b, Opaque):
        return b.token
    name = f"r{b.key}" if b.red else f"B{b.key}"
    return f"({text(b.kids[0])} {name} {text(b.kids[1])})"


def node(key: int, red: bool, left: Any, right: Any) -> Any:
    """Return a node with these children."""
    return Branch(key, red, 0, (left, right))


def swap(b: Any, side: int, here: Any, there: Any) -> Any:
    """Return a node with `here` on a side and `there` on the other."""
    return rbtree.hang(rbtree.hang(b, side, here), 1 - side, there)


# ------------------------------------------------------------------ what is kept


def order(b: Any) -> list[object]:
    """Return what the branch holds from left to right."""
    if b is None:
        return []
    if isinstance(b, Opaque):
        return [b.token]
    return [*order(b.kids[0]), b.key, *order(b.kids[1])]


def heights(b: Any) -> set[int]:
    """Return the black nodes on every way down; one number if the tree is even."""
    if b is None:
        return {0}
    if isinstance(b, Opaque):
        return {b.height}
    return {height + (not b.red) for kid in b.kids for height in heights(kid)}


def red_pairs(b: Any) -> int:
    """Return how many red nodes have a red parent."""
    if b is None or isinstance(b, Opaque):
        return 0
    own = sum(b.red and rbtree.red(kid) for kid in b.kids)
    return own + sum(red_pairs(kid) for kid in b.kids)


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
        heard.append(Ended(passed_on, graft(within, b), untouched))

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


def whole(shape: Shape) -> Any:
    """Return the branch under its path, before the step."""
    return rbtree.graft(list(shape.path), shape.branch)


# ------------------------------------------------------------------ insertion


def settling_keeps_order_colours_and_black_height(shape: Shape) -> bool:
    """A step of insertion keeps order and height, and a red pair ends or moves up."""
    before, ended = whole(shape), ending("settle", shape)
    after = ended.branch
    if not ended.untouched or order(after) != order(before) or red_pairs(after):
        return False
    if ended.passed_on:
        return heights(after) == heights(before) and rbtree.red(after)
    if not shape.path:  # the new root, in black, adds one everywhere
        return not rbtree.red(after) and len(heights(after)) == 1
    return heights(after) == heights(before) and rbtree.red(after) <= before.red


def insertions() -> Iterator[tuple[Shape]]:
    """Yield every shape that a step of insertion may meet: b red, no other red pair."""
    for bare in (False, True):
        b = node(9, True, *empty_or_opaque(bare, "ab"))
        yield (Shape((), b, at_root=True),)
        for side, at_root, sibling in product(
            (LEFT, RIGHT), (False, True), red_or_black(bare, 5, "c", "d")
        ):
            p = swap(node(8, False, None, None), side, None, sibling)
            yield (Shape(((p, side),), b, at_root),)
        black = empty_or_opaque(bare, "c")[0]
        for side, p_side, at_root, uncle in product(
            (LEFT, RIGHT),
            (LEFT, RIGHT),
            (False, True),
            red_or_black(bare, 5, "d", "e"),
        ):
            p = swap(node(8, True, None, None), side, None, black)
            g = swap(node(7, False, None, None), p_side, p, uncle)
            yield (Shape(((g, p_side), (p, side)), b, at_root),)


def empty_or_opaque(bare: bool, tokens: str) -> list[Any]:
    """Return black subtrees of height h, one for each letter."""
    return [None if bare else Opaque(token) for token in tokens]


def red_or_black(bare: bool, key: int, *tokens: str) -> list[Any]:
    """Return a black subtree of height h, and a red node over two of them."""
    black, *_ = empty_or_opaque(bare, tokens[0])
    return [black, node(key, True, *empty_or_opaque(bare, "".join(tokens)))]


# ------------------------------------------------------------------ erasure


def replenishing_keeps_order_colours_and_black_height(shape: Shape) -> bool:
    """A step of erasure makes up for the missing node, or passes it on upward."""
    before, ended = whole(shape), ending("replenish", shape)
    after = ended.branch
    if not ended.untouched or order(after) != order(before) or red_pairs(after):
        return False
    if not shape.path:  # every way is one shorter
        return heights(after) == heights(before)
    full = heights(rbtree.hang(*shape.path[-1], Opaque("full", height=1)))
    assert len(full) == 1, "a shape is even but for the side that lacks a node"
    if ended.passed_on:
        return heights(after) == {next(iter(full)) - 1} and not rbtree.red(after)
    return heights(after) == full and rbtree.red(after) <= before.red


def erasures() -> Iterator[tuple[Shape]]:
    """Yield every shape that a step of erasure may meet: b black, h where h + 1 was.

    The sibling has height h + 1: it is black, or red over two such black nodes.
    """
    for bare in (False, True):
        b = empty_or_opaque(bare, "b")[0]
        yield (Shape((), b, at_root=True),)
        for side, at_root, red, near in product(
            (LEFT, RIGHT), (False, True), (False, True), siblings(bare, 5, "cdef")
        ):
            p = swap(node(8, red, None, None), side, None, near)
            yield (Shape(((p, side),), b, at_root),)
        for side, at_root, near, far in product(
            (LEFT, RIGHT),
            (False, True),
            siblings(bare, 5, "cdef"),
            far_siblings(bare),
        ):
            s = swap(node(4, True, None, None), side, near, far)
            p = swap(node(8, False, None, None), side, None, s)
            yield (Shape(((p, side),), b, at_root),)


def siblings(bare: bool, key: int, tokens: str) -> list[Any]:
    """Return every black node of height h + 1, its children red or black."""
    lefts = red_or_black(bare, key + 10, tokens[0], tokens[1])
    rights = red_or_black(bare, key + 20, tokens[2], tokens[3])
    return [node(key, False, left, right) for left, right in product(lefts, rights)]


def far_siblings(bare: bool) -> list[Any]:
    """Return what hangs outside a red sibling: no step looks into it."""
    return [Opaque("x", height=1)]


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
    hidden = [(each, name) for each in root.nodes.values() for name in secrets(each)]
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


def machine_step(name: str, shape: Shape, side: int) -> tuple[Any, rbtree.Tree]:
    """Run the machine's step; return its answer and the tree that it leaves."""
    root = load(PLAIN, tree_at(whole(shape), shape, side))
    given = seen_by_machine(shape.branch)
    b = root.nodes[given.key] if given is not None else None
    p = root.nodes[shape.path[-1][0].key]
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
    "red-black steps: the induction over the path, the descent, the unlinking"
    " and the loops that repeat the step are not part of the lemmas",
)

RBTREE = (
    Lemma(
        claim=settling_keeps_order_colours_and_black_height,
        provers=(Shapes(insertions),),
        mistakes=(
            Mistake(rbtree, "rotate", rotate_and_lose),
            Mistake(rbtree, "rotate", rotate_in_colour),
            Mistake(rbtree, "rotate", rotate_only_outer),
        ),
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
        assumes=INDUCTION,
    ),
    Lemma(
        claim=the_machine_takes_the_same_step_of_insertion,
        provers=(Shapes(red_pairs_only),),
        mistakes=(
            Mistake(MACHINE, "_rise", leave_the_link_above),
            Mistake(rbtree, "rotate", rotate_in_colour),
        ),
    ),
    Lemma(
        claim=the_machine_takes_the_same_step_of_erasure,
        provers=(Shapes(with_a_parent),),
        mistakes=(
            Mistake(MACHINE, "_rise", leave_the_link_above),
            Mistake(MACHINE, "_rotate_at", turn_the_other_way),
        ),
    ),
)
