"""Red-black trees: the ways down and up, one node at a time, for trees of any size.

Each function of the specification that goes on below or above calls itself.  Here the
inner call is only heard, and what it would answer is opaque: what a node does and what
it passes on is then all there is, by induction on the height or on the path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Shapes, Sweep, Symbolic
from mmoracle.checkers.word import Whole
from mmoracle.impl.rbtree import RbNode, RbRoot
from mmoracle.spec.rbtree import tree as rbtree
from mmoracle.spec.rbtree.tree import Branch, Path, Sub

from .machine import INDUCTION, replaced, without_fault
from .shapes import ABOVE, LEFT, RIGHT, Opaque, heights, is_red, node, order, red_pairs

WAY: Any = ("the way", "below")
FOUND: Any = Opaque("found")


def one_round(name: str, answer: Any, *given: Any) -> tuple[Any, list[Any]]:
    """Run a function that calls itself; return its answer and what it passed on."""
    function: Callable[..., Any] = getattr(rbtree, name)
    heard: list[Any] = []

    def inner(*passed: Any) -> Any:
        heard.append(passed)
        return answer

    with replaced((rbtree, name, inner)):
        return function(*given), heard


# ------------------------------------------------------------------ down


def descending_one_node_goes_to_the_side_of_the_key(top: Any, at: Any, key: Any) -> Any:
    """A smaller key is sought on the left, a greater one on the right, its own here."""
    kids = (Opaque("a"), Opaque("b"))
    b = Branch(at, False, 0, kids)  # type: ignore[arg-type]
    (path, found), heard = one_round("descend", ([WAY], FOUND), b, key)
    if key == at:
        return path == [] and found is b and not heard
    side = LEFT if key < at else RIGHT
    return (
        [each is want for each, want in zip(heard[0], (kids[side], key), strict=True)]
        == [True, True]
        and len(heard) == 1
        and len(path) == 2
        and path[0][0] is b
        and path[0][1] is side
        and path[1] is WAY
        and found is FOUND
    )


def descending_nothing_finds_the_empty_link(top: Any, key: Any) -> Any:
    """Where no node is, the way ends with none."""
    return one_round("descend", None, None, key) == (([], None), [])


def the_machine_descends_as_specified(top: Any, n: Any, at: Any, key: Any) -> Any:
    """The machine takes the same side of a node, and stops where the key is."""
    root, here = RbRoot(), RbNode(at)
    root.rb_node = here
    there = [RbNode(key) if n == 1 else None for _ in (LEFT, RIGHT)]
    here.left, here.right = there
    parent, found = root.descend(key)
    if key == at:
        return parent is None and found is here and root.find(key) is here
    side = LEFT if key < at else RIGHT
    return parent is here and found is there[side] and root.find(key) is found


@without_fault
def the_first_below_is_as_far_to_the_left_as_can_be(left: Any) -> bool:
    """A node without a left child is first; else the first of its left child is."""
    b = node(1, False, left, Opaque("r"))
    (path, first), heard = one_round("first_below", ([WAY], FOUND), b)
    if left is None:
        return path == [] and first is b and not heard
    return heard == [(left,)] and path == [(b, LEFT), WAY] and first is FOUND


# ------------------------------------------------------------------ up


@without_fault
def grafting_puts_a_branch_back_and_changes_nothing_else(
    path: Any, old: Any, new: Any
) -> bool:
    """Above a branch as high and no redder than the old one, all rules stay."""
    answer, heard = one_round("graft", FOUND, path, new)
    if not path:
        return answer is new and not heard
    *above, (p, side) = path
    before = with_kid(p, side, old)
    ((way, after),) = heard
    other = after.kids[1 - side]
    return (
        answer is FOUND
        and list(way) == above
        and after.kids[side] is new
        and other is p.kids[1 - side]
        and (after.key, after.red, after.value) == (p.key, p.red, p.value)
        and heights(after) == heights(before)
        and not red_pairs(after)
        and order(after) == order(with_kid(p, side, new))
    )


def with_kid(p: Any, side: int, b: Any) -> Any:
    """Return a node with that child, its number kept."""
    kids = (b, p.kids[1]) if side == LEFT else (p.kids[0], b)
    return Branch(p.key, p.red, p.value, kids)


def leftward() -> Iterator[tuple[Any]]:
    """Yield an empty link and a branch."""
    yield from ((None,), (Opaque("l"),))


def grafts() -> Iterator[tuple[Any, Any, Any]]:
    """Yield a branch for another under every node, and under none."""
    trees = [Opaque(token, red) for token, red in product("ab", (False, True))]
    pairs = [(old, new) for old, new in product(trees, trees) if new.red <= old.red]
    for old, new in pairs:
        yield (), old, new
        for red, side, above in product(
            (False, True), (LEFT, RIGHT), ((), (ABOVE,), (ABOVE, ABOVE))
        ):
            other = Opaque("c")
            kids = (old, other) if side == LEFT else (other, old)
            if not (red and is_red(old)):
                yield (*above, (Branch(7, red, 5, kids), side)), old, new  # type: ignore[arg-type]


# ------------------------------------------------------------------ mistakes


def descend_left_of_equals(b: Sub, key: int) -> tuple[Path, Sub]:
    """Walk past the node that is sought."""
    if b is None:
        return [], None
    side = 1 if key > b.key else 0
    path, found = rbtree.descend(b.kids[side], key)
    return [(b, side), *path], found


def descend_the_wrong_way(b: Sub, key: int) -> tuple[Path, Sub]:
    """Seek greater keys on the left."""
    if b is None or b.key == key:
        return [], b
    side = 1 if key < b.key else 0
    path, found = rbtree.descend(b.kids[side], key)
    return [(b, side), *path], found


def find_nothing(b: Sub, key: int) -> tuple[Path, Sub]:
    """Find a node where there is none."""
    return [], FOUND


def descend_for_ever(b: Sub, key: int) -> tuple[Path, Sub]:
    """Go on where no node is."""
    return rbtree.descend(b, key)


def pass_by(root: RbRoot, key: int) -> tuple[RbNode | None, RbNode | None]:
    """Go right from the node that is sought, as the descent of an insertion may."""
    parent, node = None, root.rb_node
    while node is not None:
        parent, node = node, node.left if key < node.key else node.right
    return parent, node


def forget_the_parent(root: RbRoot, key: int) -> tuple[RbNode | None, RbNode | None]:
    """Find the node and not the one above it."""
    return None, right_descend(root, key)[1]


def first_at_once(b: Branch) -> tuple[Path, Branch]:
    """Take any node for the first below."""
    return [], b


def first_of_the_right(b: Branch) -> tuple[Path, Branch]:
    """Go right for the first."""
    right = b.kids[1]
    if right is None:
        return [], b
    path, first = rbtree.first_below(right)
    return [(b, 1), *path], first


def graft_in_black(path: Path, b: Sub) -> Sub:
    """Paint what stands above."""
    if not path:
        return b
    *above, (p, side) = path
    return rbtree.graft(above, rbtree.hang(rbtree.paint(p, False), side, b))


def graft_once(path: Path, b: Sub) -> Sub:
    """Put the branch back and forget what stands higher up."""
    if not path:
        return b
    p, side = path[-1]
    return rbtree.graft([], rbtree.hang(p, side, b))


def hang_twice(p: Branch, side: int, b: Sub) -> Branch:
    """Hang a branch on both sides."""
    return Branch(p.key, p.red, p.value, (b, b))


right_descend = RbRoot.descend
ONE_NODE = "one node of any way"

DESCENTS = (
    Lemma(
        claim=descending_one_node_goes_to_the_side_of_the_key,
        provers=(Symbolic(Whole), Symbolic(), Sweep(4)),
        mistakes=(
            Mistake(rbtree, "descend", descend_left_of_equals),
            Mistake(rbtree, "descend", descend_the_wrong_way),
        ),
        size=ONE_NODE,
        assumes=INDUCTION,
    ),
    Lemma(
        claim=descending_nothing_finds_the_empty_link,
        provers=(Symbolic(Whole), Sweep(4)),
        mistakes=(
            Mistake(rbtree, "descend", find_nothing),
            Mistake(rbtree, "descend", descend_for_ever),
        ),
        size=ONE_NODE,
        assumes=INDUCTION,
    ),
    Lemma(
        claim=the_machine_descends_as_specified,
        provers=(Symbolic(Whole), Symbolic(), Sweep(3)),
        mistakes=(
            Mistake(RbRoot, "descend", pass_by),
            Mistake(RbRoot, "descend", forget_the_parent),
        ),
        size=ONE_NODE,
        assumes=INDUCTION,
    ),
    Lemma(
        claim=the_first_below_is_as_far_to_the_left_as_can_be,
        provers=(Shapes(leftward),),
        mistakes=(
            Mistake(rbtree, "first_below", first_at_once),
            Mistake(rbtree, "first_below", first_of_the_right),
        ),
        size=ONE_NODE,
        assumes=INDUCTION,
    ),
    Lemma(
        claim=grafting_puts_a_branch_back_and_changes_nothing_else,
        provers=(Shapes(grafts),),
        mistakes=(
            Mistake(rbtree, "graft", graft_in_black),
            Mistake(rbtree, "graft", graft_once),
            Mistake(rbtree, "hang", hang_twice),
        ),
        size=ONE_NODE,
        assumes=INDUCTION,
    ),
)
