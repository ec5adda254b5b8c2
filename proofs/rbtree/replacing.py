"""Red-black trees: a replacement as a whole, for trees of any size.

The shipped `replace` of the machine and `Replace` of the specification run on every
place of a node, above opaque subtrees; whether it is allowed is proved apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Shapes, Symbolic
from mmoracle.checkers.mutants.rbtree import keep_victim, leave_link
from mmoracle.checkers.word import Whole, one_of
from mmoracle.impl.rbtree import MISPLACED, RbNode, RbRoot, RbTree, RbWalks
from mmoracle.spec.rbtree import ops
from mmoracle.spec.rbtree.tree import Branch, Node, Path, Sub, Tree

from .machine import (
    KINDS,
    Names,
    names_of,
    numbered,
    plant,
    replaced,
    table_of,
    without_fault,
)
from .places import BOTH, ERASED, NEW, Place, everywhere
from .shapes import Opaque, node
from .unlinking import SOMEWHERE, way_to


def specified(place: Place, names: Names) -> Any:
    """Run the specification's replacement on a place; return what it grafts."""
    b = numbered(place.branch, names)
    above = way_to(place, names)
    heard: list[tuple[list[Any], Sub]] = []

    def end(path: Path, b: Sub) -> Any:
        heard.append((list(path), b))
        return SOMEWHERE

    cfg = KINDS[place.kind]
    with replaced(
        (ops, "branch_of", lambda t: SOMEWHERE),
        (ops, "descend", lambda tree, key: (list(above), b)),
        (ops, "graft", end),
        (ops, "tree_of", lambda of, b: b if of is cfg else None),
        (ops.Replace, "refusal", lambda op, t: None),
    ):
        t = ops.Replace(names[ERASED], names[NEW]).after(cfg, Tree(), ())
    ((path, new),) = heard
    assert t is SOMEWHERE, "the whole tree is what is grafted"
    assert path == list(above), "what stands above is untouched"
    return new


@without_fault
def the_machine_replaces_as_specified(place: Place) -> bool:
    """The new node has the links, colour, number and summary of the old one."""
    names = names_of(place.branch, place.side, NEW)
    number = {**names, names[NEW]: names[NEW]}
    new = specified(place, names)
    kids = tuple(numbered(place.branch, names).kids)
    if (new.key, new.red, new.kids) != (names[NEW], place.branch.red, kids):
        return False
    told = node(NEW, new.red, *place.branch.kids)
    expected = table_of(told, number, place.at_root, place.side)
    for first in BOTH:
        bed = plant(place.branch, names, place.at_root, place.side, place.kind)
        root, old, other = bed.root, bed[ERASED], RbNode(-1)
        root.rb_leftmost = old if first else other
        with bed.sealed(
            (RbRoot, "find", lambda root, key, old=old: old),
            (RbRoot, "why_not_replace", lambda root, victim, new: None),
        ):
            refused = root.replace(names[ERASED], names[NEW])
        here = bed[NEW]
        kept = (here.value, here.summary) == (old.value, old.summary)
        if refused or not kept or root.rb_leftmost is not (here if first else other):
            return False
        root.rb_leftmost = None
        if bed.table() != expected:
            return False
    return True


def nodes() -> Iterator[tuple[Place]]:
    """Yield every node with its children, by colour and by what is below."""
    lefts, rights = (None, Opaque("l")), (None, Opaque("r"))
    branches = [
        node(ERASED, red, left, right)
        for red, left, right in product(BOTH, lefts, rights)
    ]
    return ((place,) for (place,) in everywhere(iter(branches)) if place.kind != "gap")


# ------------------------------------------------------------------ whether it may be


def in_order(top: Any, n: Any, prev: Any, victim: Any, after: Any, new: Any) -> Any:
    """Assume that the keys rise, and which of them there are."""
    return (n < 4, prev < victim, victim < after)


def a_new_key_fits_between_the_neighbours(
    top: Any, n: Any, prev: Any, victim: Any, after: Any, new: Any
) -> bool:
    """Both refuse a key that is not strictly between the victim's neighbours."""
    which = one_of(n, range(4))
    low, high = which % 2 == 1, which >= 2
    keys = [*([prev] if low else []), victim, *([after] if high else [])]
    t = Tree(None, None, tuple(Node(key, None, False, None, None) for key in keys))
    with replaced(
        (RbRoot, "find", lambda root, key: RbNode(key)),
        (RbWalks, "rb_prev", lambda walks, of: RbNode(prev) if low else None),
        (RbWalks, "rb_next", lambda walks, of: RbNode(after) if high else None),
    ):
        refused = RbRoot().why_not_replace(victim, new)
    between = not (low and new <= prev) and not (high and new >= after)
    expected = None if between else MISPLACED
    return refused == expected and ops.Replace(victim, new).refusal(t) == expected


# ------------------------------------------------------------------ mistakes


def replace_in_red(key: int, red: bool, value: int, kids: Any) -> Branch:
    """Give the new node a colour of its own."""
    return Branch(key, True, value, kids)


def fit_above(root: RbRoot, victim: int, new: int) -> Any:
    """Look at the neighbour before alone."""
    old = root.find(victim)
    assert old is not None
    prev = root.rb_prev(old)
    return MISPLACED if prev and new <= prev.key else None


def fit_anywhere(op: ops.Replace, t: Tree) -> Any:
    """Let a new node stand anywhere."""
    return None


REPLACING = (
    Lemma(
        claim=the_machine_replaces_as_specified,
        provers=(Shapes(nodes),),
        mistakes=(
            Mistake(RbTree, "rb_replace_node", leave_link),
            Mistake(RbRoot, "replace", keep_victim),
            Mistake(ops, "Branch", replace_in_red),
        ),
        size="one replacement, any tree",
    ),
    Lemma(
        claim=a_new_key_fits_between_the_neighbours,
        given=in_order,
        provers=(Symbolic(Whole),),
        mistakes=(
            Mistake(RbRoot, "why_not_replace", fit_above),
            Mistake(ops.Replace, "refusal", fit_anywhere),
        ),
        size="any tree",
    ),
)
