"""Red-black trees: an insertion as a whole, up to the mending, for trees of any size.

The shipped `insert` of both sides runs on every place for a new node.  The descent,
the refreshing upward and the mending stand for what is proved of them elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Shapes
from mmoracle.checkers.mutants.rbtree import link_anywhere, refresh_too_early
from mmoracle.impl.rbtree import Augment, GapAugment, RbNode, RbRoot, RbTree
from mmoracle.spec.rbtree import tree as rbtree
from mmoracle.spec.rbtree.tree import Branch, Call, Config, Path, Tree

from .machine import (
    INDUCTION,
    KINDS,
    Bed,
    Names,
    names_of,
    numbered,
    plant,
    replaced,
    table_of,
    without_fault,
)
from .places import NEW, PARENT, Place, linkings
from .shapes import LEFT, RIGHT, heights, hung, is_red, order, red_pairs, swap
from .unlinking import SOMEWHERE, listed, way_to

VALUE: Any = "value"  # of the new node, an owner's number


@dataclass(frozen=True)
class Linked:
    """What the specification gives to the mending."""

    branch: Any  # the new node below its parent
    new: Any
    calls: list[Call]


def without(b: Any, side: int) -> Any:
    """Return a parent without the new node on that side, and none without it."""
    return None if b.key == NEW else swap(b, side, None, b.kids[1 - side])


def side_of(b: Any) -> int:
    """Return the side of its parent on which the new node is."""
    left, _ = b.kids
    return LEFT if left is not None and left.key == NEW else RIGHT


def specified(place: Place, names: Names) -> Linked:
    """Run the specification's insertion on a place, up to the mending."""
    b, side = place.branch, side_of(place.branch)
    above = way_to(place, names)
    parent = numbered(without(b, side), names)
    path = [*above, *([(parent, side)] if parent is not None else [])]
    t = table_of(without(b, side), names, place.at_root, place.side)
    cfg = KINDS[place.kind]
    heard: list[tuple[list[Any], Branch]] = []

    def settle(path: Path, b: Branch, calls: list[Call]) -> Any:
        heard.append((list(path), b))
        return SOMEWHERE

    with replaced(
        (rbtree, "branch_of", lambda t: SOMEWHERE),
        (rbtree, "descend", lambda tree, key: (list(path), None)),
        (rbtree, "settle", settle),
        (rbtree, "tree_of", lambda of, b: b if of is cfg else None),
    ):
        whole, calls = rbtree.insert(cfg, t, names[NEW], VALUE)
    assert whole is SOMEWHERE, "what is mended is the whole tree"
    ((way, new),) = heard
    assert way[: len(above)] == list(above), "what stands above is untouched"
    assert new.value is VALUE, "the owner's number is kept"
    return Linked(hung(way[len(above) :], new), new, calls)


def as_number(name: Any) -> int:
    """Return a key for sorting: here all are numbers."""
    return int(name)


@without_fault
def linking_adds_one_red_leaf_where_it_belongs(place: Place) -> bool:
    """The new node is a red leaf at its empty link; all else and all heights stay."""
    names = names_of(place.branch, place.side)
    after = specified(place, names)
    before = numbered(without(place.branch, side_of(place.branch)), names)
    pairs = red_pairs(after.branch)
    return (
        order(after.branch) == sorted([*order(before), names[NEW]], key=as_number)
        and after.new.kids == (None, None)
        and is_red(after.new)
        and heights(after.branch) == heights(before)
        and pairs == (before is not None and before.red)
    )


# ------------------------------------------------------------------ the machine


def inserted(bed: Bed, place: Place, leftmost: bool) -> list[Any]:
    """Run the machine's insertion; return what it mends, and if all was exact then."""
    root = bed.root
    parent = bed[PARENT] if place.branch.key == PARENT else None
    first = root.rb_leftmost = RbNode(0)
    mended: list[Any] = []

    def mend(root: Any, node: Any) -> None:
        bed.show()
        mended.append((node.key, node.value, bed.all_exact()))
        bed.hide()

    new = bed.names[NEW]
    with bed.sealed(
        (RbRoot, "descend", lambda root, key: (parent, None)),
        (RbRoot, "_refusal", lambda root, there, key, flag: there),
        (RbTree, "rb_insert_color", mend),
        (Augment, "propagate", lambda *way: bed.propagate(*way)),
        (Augment, "lift", lambda *how: bed.lift(*how)),
    ):
        assert root.insert(new, frozenset({new}), leftmost) is None, "it is not linked"
    assert root.rb_leftmost is (bed[NEW] if leftmost else first)
    root.rb_leftmost = None
    return mended


@without_fault
def the_machine_links_as_specified(place: Place) -> bool:
    """The same links, colours and callbacks, the new node to mend, summaries exact."""
    names = names_of(place.branch, place.side)
    after, side = specified(place, names), side_of(place.branch)
    expected = table_of(place.branch, names, place.at_root, place.side)
    own = frozenset({names[NEW]})
    for leftmost in (False, True):
        b = without(place.branch, side)
        bed = plant(b, names, place.at_root, place.side, place.kind)
        mended = inserted(bed, place, leftmost)
        calls = bed.root.augment.calls if place.kind else []
        if (
            mended != [(names[NEW], own, True)]
            or bed.table() != expected
            or tuple(calls) != rbtree.seen(KINDS[place.kind], after.calls)
            or (place.kind == "gap" and not listed(bed))
        ):
            return False
    return True


# ------------------------------------------------------------------ mistakes


def insert_black(cfg: Config, t: Tree, key: int, own: int) -> tuple[Tree, list[Call]]:
    """Link a black node."""
    calls: list[Call] = []
    path, _ = rbtree.descend(rbtree.branch_of(t), key)
    grown = rbtree.settle(path, Branch(key, False, own), calls)
    return rbtree.tree_of(cfg, grown), calls


def insert_over(cfg: Config, t: Tree, key: int, own: int) -> tuple[Tree, list[Call]]:
    """Put the new node into the place of its parent."""
    calls: list[Call] = []
    path, _ = rbtree.descend(rbtree.branch_of(t), key)
    grown = rbtree.settle(path[:-1], Branch(key, True, own), calls)
    return rbtree.tree_of(cfg, grown), calls


def announce_nothing(augment: Augment, node: Any, parent: Any) -> None:
    """Set the summary of the new leaf, and leave those above it."""
    node.summary = node.value


def list_backwards(augment: GapAugment, node: RbNode, parent: RbNode | None) -> None:
    """Put a new leaf on the wrong side of its parent in the list."""
    if parent is not None:
        node.prev, node.next = parent, parent.next
        if parent.next is not None:
            parent.next.prev = node
        parent.next = node


ANY_SIZE = "one insertion up to the mending, any tree"

LINKING = (
    Lemma(
        claim=linking_adds_one_red_leaf_where_it_belongs,
        provers=(Shapes(linkings),),
        mistakes=(
            Mistake(rbtree, "insert", insert_black),
            Mistake(rbtree, "insert", insert_over),
        ),
        size=ANY_SIZE,
        assumes=INDUCTION,
    ),
    Lemma(
        claim=the_machine_links_as_specified,
        provers=(Shapes(linkings),),
        mistakes=(
            Mistake(RbTree, "rb_link_node", link_anywhere),
            Mistake(GapAugment, "announce", refresh_too_early, bug="P17"),
            Mistake(GapAugment, "enlist", list_backwards),
            Mistake(Augment, "announce", announce_nothing),
            Mistake(rbtree, "insert", insert_over),
        ),
        size=ANY_SIZE,
        assumes=INDUCTION,
    ),
)
