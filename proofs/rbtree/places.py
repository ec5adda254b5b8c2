"""The places where a node is linked and unlinked, with opaque surroundings.

What hangs beside the way is opaque, and so is what stands above.  The successor of a
node with two children is its right child, or that one's left child, or further down:
then a stretch of the way, of any length, is a node that nothing may look into.

The node that is unlinked has number 1, its right child 2, the successor 4 and the one
above it 3, the stretch 5, an only child or the successor's right child 6.  A node that
is linked has number 7, its parent 8 and the parent's other child 9.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from .shapes import LEFT, RIGHT, Opaque, heights, node, red_pairs, swap, text

ERASED, CHILD, LAST, SUCCESSOR, STRETCH, ORPHAN, NEW, PARENT, OTHER = range(1, 10)
BOTH = (False, True)


@dataclass(frozen=True)
class Place:
    """A branch, where it stands, and what the tree around it is for."""

    branch: Any
    at_root: bool
    side: int  # of the node above it
    kind: str  # of summary

    def __str__(self) -> str:
        """Return the place in brackets."""
        where = "root" if self.at_root else f"above/{'LR'[self.side]}"
        return f"{where} {text(self.branch)} {self.kind or 'plain'}"


def everywhere(branches: Iterator[Any]) -> Iterator[tuple[Place]]:
    """Yield each branch at the root and on both sides of a node, for each summary."""
    corners = [(True, LEFT), (False, LEFT), (False, RIGHT)]
    for b, (at_root, side), kind in product(branches, corners, ("", "max", "gap")):
        yield (Place(b, at_root, side, kind),)


def beside(token: str, b: Any, red: bool) -> Opaque:
    """Return an opaque subtree as high as a branch is."""
    (height,) = heights(b)
    return Opaque(token, red, height)


def leaf(key: int) -> Any:
    """Return a red node without children."""
    return node(key, True, None, None)


# ------------------------------------------------------------------ to unlink


def unlinkings() -> Iterator[tuple[Place]]:
    """Yield every place of a node that is unlinked."""
    branches = [*low_ones(), *(b for b in high_ones() if not red_pairs(b))]
    return everywhere(iter(branches))


def low_ones() -> Iterator[Any]:
    """Yield a node without children, or with one: that is red, and the node black."""
    yield node(ERASED, False, None, None)
    yield leaf(ERASED)
    yield node(ERASED, False, leaf(ORPHAN), None)
    yield node(ERASED, False, None, leaf(ORPHAN))


def high_ones() -> Iterator[Any]:
    """Yield a node with two children, in all colours, also such as no tree has."""
    for red, left_red, right in product(BOTH, BOTH, right_children()):
        yield node(ERASED, red, beside("l", right, left_red), right)


def right_children() -> Iterator[Any]:
    """Yield a right child that is the successor, near it or far from it."""
    for red, orphan in product(BOTH, (None, leaf(ORPHAN))):
        yield node(CHILD, red, None, orphan)
    for red, beside_red, first in product(BOTH, BOTH, successors()):
        yield node(CHILD, red, first, beside("x", first, beside_red))
        last = node(LAST, red, first, beside("y", first, beside_red))
        for child_red, far_red in product(BOTH, BOTH):
            stretch = node(STRETCH, False, last, beside("z", last, red=False))
            yield node(CHILD, child_red, stretch, beside("x", stretch, far_red))


def successors() -> Iterator[Any]:
    """Yield a node without a left child."""
    for red, orphan in product(BOTH, (None, leaf(ORPHAN))):
        yield node(SUCCESSOR, red, None, orphan)


# ------------------------------------------------------------------ to link


def linkings() -> Iterator[tuple[Place]]:
    """Yield every place of a new node: below its parent, or the root alone."""
    for (place,) in everywhere(leaves()):
        if place.at_root or place.branch.key == PARENT:
            yield (place,)


def leaves() -> Iterator[Any]:
    """Yield the new node alone, and on either side of its parent."""
    new = leaf(NEW)
    yield new
    for red, side, other in product(BOTH, (LEFT, RIGHT), (None, leaf(OTHER))):
        if not (red and other):
            yield swap(node(PARENT, red, None, None), side, new, other)
