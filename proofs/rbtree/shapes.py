"""The shapes that a fix-up step of a red-black tree may meet, with opaque subtrees.

A step looks at a bounded part of the tree.  What hangs below that part is opaque: a
token with a colour and a black height, in which any other attribute raises an error;
what stands above is a token too.  Finitely many shapes are then all shapes, for trees
of any size, and as each step either ends or passes the same hypotheses to the step
above, mending any tree follows by induction on the length of the path.

Heights are relative: an opaque black subtree has height 0, which stands for any h; in
the shapes called bare h is 0 and each such subtree is an empty link.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from mmoracle.spec.core import value
from mmoracle.spec.rbtree.tree import Branch

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
    left, right = (here, there) if side == LEFT else (there, here)
    return node(b.key, b.red, left, right)


def hung(path: Sequence[tuple[Any, int]], b: Any) -> Any:
    """Return the branch under its path, without the functions under proof."""
    for p, side in reversed(path):
        b = swap(p, side, b, p.kids[1 - side])
    return b


def is_red(b: Any) -> bool:
    """Say whether there is a node and it is red."""
    return b is not None and bool(b.red)


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
    own = sum(is_red(b) and is_red(kid) for kid in b.kids)
    return own + sum(red_pairs(kid) for kid in b.kids)


# ------------------------------------------------------------------ every shape


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
