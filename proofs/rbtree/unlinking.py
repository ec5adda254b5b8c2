"""Red-black trees: an erasure as a whole, up to the mending, for trees of any size.

The shipped `erase` of both sides runs on every place of a node.  The descent, the way
to the successor, the refreshing upward and the mending stand for what is proved of
them elsewhere: `descents`, `summaries`, `loops` and `steps`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mmoracle.checkers.bind.rbtree import key_of
from mmoracle.checkers.lemma import Lemma, Mistake, Shapes
from mmoracle.checkers.mutants.rbtree import (
    copy_in_silence,
    forget_the_first,
    judge_the_erased_colour,
    lose_the_node,
    take_prev,
)
from mmoracle.impl.rbtree import Augment, GapAugment, RbNode, RbRoot, RbTree, RbWalks
from mmoracle.spec.rbtree import tree as rbtree
from mmoracle.spec.rbtree.tree import Branch, Call, Config, Path, Sub, Tree

from .machine import (
    ABOVE_NAME,
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
from .places import ERASED, LAST, STRETCH, SUCCESSOR, Place, unlinkings
from .shapes import LEFT, Opaque, heights, hung, is_red, order, red_pairs

SOMEWHERE: Any = object()  # a tree, a branch that no one may look into


@dataclass(frozen=True)
class Above:
    """The node above, of which nothing but the key may be known."""

    key: int


@dataclass(frozen=True)
class Unlinked:
    """What the specification leaves: a branch, and whether one side is short below."""

    branch: Any
    short: Any  # the node whose side is short, or the whole tree
    is_short: bool
    filled: Any  # the branch with a black node for what is missing
    calls: list[Call]


def part(b: Any, name: int) -> Any:
    """Return the node of a number in a branch, if it is there."""
    if b is None or isinstance(b, Opaque):
        return None
    if b.key == name:
        return b
    return next((found for kid in b.kids if (found := part(kid, name))), None)


def way_to(place: Place, names: Names) -> tuple[Any, ...]:
    """Return the path above a place: of its last node alone the key may be known."""
    if place.at_root:
        return ()
    return SOMEWHERE, (Above(names[ABOVE_NAME]), place.side)


def specified(place: Place, names: Names) -> Unlinked:
    """Run the specification's erasure on a place, up to the mending."""
    b = numbered(place.branch, names)
    above = way_to(place, names)
    t = table_of(place.branch, names, place.at_root, place.side)
    stretch = part(b, names[STRETCH]) if STRETCH in names else None
    cfg = KINDS[place.kind]
    heard: list[tuple[bool, list[Any], Sub]] = []
    first_below = rbtree.first_below

    def end(passed_on: bool) -> Callable[..., Any]:
        def note(path: Path, b: Sub, *calls: Any) -> Any:
            heard.append((passed_on, list(path), b))
            return SOMEWHERE

        return note

    def first(of: Branch) -> tuple[Any, Branch]:
        if stretch is None or of is not stretch:
            return first_below(of)
        last, successor = part(b, names[LAST]), part(b, names[SUCCESSOR])
        return [SOMEWHERE, (last, LEFT)], successor

    with replaced(
        (rbtree, "branch_of", lambda t: SOMEWHERE),
        (rbtree, "descend", lambda tree, key: (list(above), b)),
        (rbtree, "first_below", first),
        (rbtree, "graft", end(False)),
        (rbtree, "replenish", end(True)),
        (rbtree, "tree_of", lambda of, b: b if of is cfg else None),
    ):
        whole, calls = rbtree.erase(cfg, t, names[ERASED])
    assert whole is SOMEWHERE, "what is mended is the whole tree"
    ((is_short, path, rest),) = heard
    assert path[: len(above)] == list(above), "what stands above is untouched"
    assert not is_short or rest is None, "nothing is short but a side without a node"
    below = path[len(above) :]
    below = [(stretch, LEFT) if each is SOMEWHERE else each for each in below]
    return Unlinked(
        branch=hung(below, rest),
        short=path[-1][0].key if path else None,
        is_short=is_short,
        filled=hung(below, Opaque("filled", height=1) if is_short else rest),
        calls=calls,
    )


@without_fault
def unlinking_keeps_order_colours_and_all_heights_but_one(place: Place) -> bool:
    """Only the node is gone; a side that lacks a black node is where it is mended."""
    names = names_of(place.branch, place.side)
    before, after = numbered(place.branch, names), specified(place, names)
    left = [each for each in order(before) if each != names[ERASED]]
    return (
        order(after.branch) == left
        and not red_pairs(after.branch)
        and heights(after.filled) == heights(before)
        and is_red(after.branch) <= before.red
    )


# ------------------------------------------------------------------ the machine


def erased(bed: Bed, place: Place, first: bool) -> list[Any]:
    """Run the machine's erasure; return what it mends, and if all was exact then.

    The node is the cached first one, or not.
    """
    root, node = bed.root, bed[ERASED]
    other = RbNode(-1)
    root.rb_leftmost = node if first else other
    mended: list[Any] = []

    def mend(root: Any, parent: Any) -> None:
        bed.show()
        root.nodes.discard(node)
        mended.append((key_of(parent), bed.all_exact()))
        bed.hide()

    def leftmost(root: Any, start: Any) -> Any:
        assert start is node.right, "the successor is sought below the right child"
        return bed[SUCCESSOR] if SUCCESSOR in bed.names else start

    with bed.sealed(
        (RbRoot, "descend", lambda root, key: (None, node)),
        (RbWalks, "_leftmost", leftmost),
        (RbWalks, "rb_next", lambda root, of: ("after", of)),
        (RbTree, "_erase_color", mend),
        (Augment, "propagate", lambda *way: bed.propagate(*way)),
    ):
        assert root.erase(bed.names[ERASED]) is None, "it is linked"
    assert node not in root.nodes, "the owner knows that it is gone"
    assert root.rb_leftmost == (("after", node) if first else other)
    root.rb_leftmost = None
    return mended


def listed(bed: Bed) -> bool:
    """Say whether the list holds all nodes in order."""
    rows = sorted(bed.root.nodes, key=lambda each: each.key)
    befores, afters = [None, *rows][:-1], [*rows, None][1:]
    return [each.prev for each in rows] == befores and (
        [each.next for each in rows] == afters
    )


@without_fault
def the_machine_unlinks_as_specified(place: Place) -> bool:
    """The same links, colours and callbacks, the same side to mend, summaries exact."""
    names = names_of(place.branch, place.side)
    after = specified(place, names)
    expected = table_of(renamed(after.branch, names), names, place.at_root, place.side)
    short = [after.short] if after.is_short and after.short is not None else []
    for first in (False, True):
        bed = plant(place.branch, names, place.at_root, place.side, place.kind)
        bed.secrets[names.get(STRETCH)] = ("red", "left", "right", "parent")
        mended = erased(bed, place, first)
        calls = bed.root.augment.calls if place.kind else []
        if (
            mended != [(each, True) for each in short]
            or bed.table() != expected
            or tuple(calls) != rbtree.seen(KINDS[place.kind], after.calls)
            or not bed.all_exact()
            or (place.kind == "gap" and not listed(bed))
        ):
            return False
    return True


def renamed(b: Any, names: Names) -> Any:
    """Return a numbered branch with its names."""
    told = {number: name for name, number in names.items()}
    return numbered(b, told)


# ------------------------------------------------------------------ mistakes


def keep_the_successors_colour(path: Path, b: Branch, calls: list[Call]) -> Sub:
    """Let the successor keep its colour in its new place."""
    below, s = rbtree.first_below(b.kids[1])  # type: ignore[arg-type]
    stand_in = Branch(s.key, s.red, s.value, b.kids)
    whole = [*path, (stand_in, 1), *below]
    return rbtree.take_place(whole, s.kids[1], s.red, calls)


def mend_red_leaves(path: Path, child: Sub, was_red: bool, calls: list[Call]) -> Sub:
    """Mend a side that has lost a red node only."""
    if child is not None:
        return rbtree.graft(path, rbtree.paint(child, False))
    return rbtree.replenish(path, None, calls)


def leave_the_child_red(
    path: Path, child: Sub, was_red: bool, calls: list[Call]
) -> Sub:
    """Let an only child keep its colour in the place of a black node."""
    if child is not None or was_red:
        return rbtree.graft(path, child)
    return rbtree.replenish(path, None, calls)


def forget_to_unlist(augment: GapAugment, node: RbNode) -> None:
    """Leave the node that is gone on the list, and the gap after it as it was."""


def refresh_the_far_one(cfg: Config, t: Tree, key: int) -> tuple[Tree, list[Call]]:
    """Say that the owner hears of the erased node, not of the one above it."""
    shrunk, calls = right_erase(cfg, t, key)
    return shrunk, [("propagate", key, None) if c[2] is None else c for c in calls]


right_erase = rbtree.erase
ANY_SIZE = "one erasure up to the mending, any tree"

UNLINKING = (
    Lemma(
        claim=unlinking_keeps_order_colours_and_all_heights_but_one,
        provers=(Shapes(unlinkings),),
        mistakes=(
            Mistake(rbtree, "promote_successor", keep_the_successors_colour),
            Mistake(rbtree, "take_place", mend_red_leaves),
            Mistake(rbtree, "take_place", leave_the_child_red),
        ),
        size=ANY_SIZE,
        assumes=INDUCTION,
    ),
    Lemma(
        claim=the_machine_unlinks_as_specified,
        provers=(Shapes(unlinkings),),
        mistakes=(
            Mistake(RbTree, "_relink_successor", judge_the_erased_colour, bug="P23"),
            Mistake(RbTree, "_relink_successor", take_prev),
            Mistake(RbTree, "rb_erase", lose_the_node),
            Mistake(RbRoot, "erase", forget_the_first),
            Mistake(Augment, "copy", copy_in_silence),
            Mistake(GapAugment, "unlist", forget_to_unlist),
            Mistake(rbtree, "promote_successor", keep_the_successors_colour),
            Mistake(rbtree, "erase", refresh_the_far_one),
        ),
        size=ANY_SIZE,
        assumes=INDUCTION,
    ),
)
