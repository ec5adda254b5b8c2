"""Red-black trees: the machine's loops, each proved as one round that goes on.

At every round the loop calls its step, or reads the next link.  There the frame of the
shipped function is looked at: the line and its local names are all the state that a
loop has.  Those which move are what the round before passed on, and the others stay, so
that a loop in its second round is a loop that begins there, and what is proved of a
step holds of any number of them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise, product
from types import FrameType
from typing import Any

from mmoracle.checkers.bind.rbtree import key_of
from mmoracle.checkers.lemma import Lemma, Mistake, Shapes
from mmoracle.checkers.mutants.rbtree import (
    leave_red,
    mend_once,
    propagate_nothing,
    start_from_nothing,
    stop_at_the_first,
)
from mmoracle.impl.rbtree import Augment, RbNode, RbTree

from .machine import INDUCTION, replaced, without_fault

ROUNDS = 3
FEW = "every chain of up to 3 rounds"
TOO_MANY = 4 * ROUNDS


@dataclass
class Watch:
    """What a loop's frame shows at each round; all other names must stay."""

    live: tuple[str, ...]  # the local names that the next round needs
    dead: tuple[str, ...] = ()  # those that each round sets before it reads them
    rest: dict[str, Any] = field(default_factory=dict)
    states: list[tuple[Any, ...]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)

    def note(self, frame: FrameType | None) -> None:
        """Note the state of a round; a loop that does not end is wrong."""
        assert frame is not None, "somebody calls"
        assert len(self.states) < TOO_MANY, "this does not end"
        names = dict(frame.f_locals)
        self.lines.append(frame.f_lineno)
        self.states.append(tuple(names.pop(name, None) for name in self.live))
        rest = {name: names[name] for name in names.keys() - self.dead}
        self.rest = self.rest or rest
        assert rest.keys() == self.rest.keys(), "a round leaves a name behind"
        assert all(rest[name] is self.rest[name] for name in rest), "a name is moved"

    def saw(self, *states: tuple[Any, ...]) -> bool:
        """Say whether these were the states, all at one place of the function."""
        pairs = zip(self.states, states, strict=False)
        return (
            len(self.states) == len(states)
            and len(set(self.lines)) <= 1
            and all(a is b for one, two in pairs for a, b in zip(one, two, strict=True))
        )


def climb(n: int) -> list[RbNode]:
    """Return n nodes, each the parent of the one before it."""
    nodes = [RbNode(key) for key in range(n)]
    for below, above in pairwise(nodes):
        below.parent = above
    return nodes


def rounds() -> Iterator[tuple[int]]:
    """Yield how many rounds a loop goes."""
    return ((n,) for n in range(ROUNDS + 1))


# ------------------------------------------------------------------ refreshing upward


@without_fault
def refreshing_goes_up_until_the_stop_or_no_change(n: int, stops: bool) -> bool:
    """Each round refreshes what the round before returned; the owner hears of it."""
    watch, augment, nodes = Watch(("node", "stop")), Augment(), climb(ROUNDS + 1)
    stop = nodes[n] if stops else None
    way: list[Any] = nodes[: n + stops]

    def refresh(augment: Any, node: Any) -> Any:
        watch.note(sys._getframe(1))
        at = node.key + 1
        return way[at] if at < len(way) else None

    first = way[0] if way else None
    with replaced((Augment, "refresh", refresh)):
        augment.propagate(first, stop)
    told = ("propagate", key_of(first), key_of(stop))
    return augment.calls == [told] and watch.saw(*((each, stop) for each in nodes[:n]))


@without_fault
def announcing_goes_up_while_it_is_news(n: int) -> bool:
    """Each round lifts what the round before returned, by the new leaf's value."""
    watch, augment, nodes = Watch(("node", "parent")), Augment(), climb(ROUNDS)
    leaf, values = RbNode(9, value=7), []

    def lift(augment: Any, node: Any, value: Any) -> Any:
        watch.note(sys._getframe(1))
        values.append(value)
        return nodes[node.key + 1] if node.key + 1 < n else None

    with replaced((Augment, "lift", lift)):
        augment.announce(leaf, nodes[0] if n else None)
    states = [(leaf, each) for each in nodes[:n]]
    return leaf.summary == 7 and values == [7] * n and watch.saw(*states)


# ------------------------------------------------------------------ mending upward


@without_fault
def mending_an_insertion_goes_on_where_the_step_ends(n: int, end: str) -> bool:
    """Each round has a red parent; a node that rises to the root becomes black."""
    watch, nodes = Watch(("node", "parent"), ("going_up",)), climb(2 * ROUNDS + 2)
    reds = [True] * (2 * n) + [end != "black"] * 2
    for each, red in zip(nodes, reds, strict=False):
        each.red = red
    last = nodes[2 * n]
    if end != "black":
        last.parent = None
    if end == "black":
        last.red = True
        nodes[2 * n + 1].red = False

    def step(root: Any, node: Any, parent: Any) -> Any:
        watch.note(sys._getframe(1))
        assert parent is node.parent and parent.red, "the pair is red"  # noqa: PT018
        at = node.key + 2
        return None if end == "step" and at == 2 * n else nodes[at]

    if end == "step" and not n:
        return True
    with replaced((RbTree, "_insert_step", step)):
        RbTree(None).rb_insert_color(nodes[0])
    states = [(nodes[2 * at], nodes[2 * at + 1]) for at in range(n)]
    return watch.saw(*states) and last.red is (end != "root")


@without_fault
def mending_an_erasure_goes_on_where_the_step_ends(n: int, ends: bool) -> bool:
    """The first round has no node below; each goes on above until a step ends it."""
    watch, nodes = Watch(("node", "up")), climb(ROUNDS + 1)
    if not ends:
        nodes[n].parent = None

    def step(root: Any, node: Any, parent: Any) -> bool:
        watch.note(sys._getframe(1))
        return not (ends and parent is nodes[n])

    with replaced((RbTree, "_erase_step", step)):
        RbTree(None)._erase_color(nodes[0])
    return watch.saw(*zip([None, *nodes], nodes[: n + 1], strict=False))


# ------------------------------------------------------------------ the whole erasure


@without_fault
def an_erasure_unlinks_refreshes_and_mends(kind: str, above: str, short: str) -> bool:
    """In this order, from where the unlinking said; nothing is mended if none is short.

    Without summaries nothing is refreshed.
    """
    root = RbTree(Augment() if kind else None)
    done: list[Any] = []
    told = {"": None, "above": RbNode(1), "short": RbNode(2)}

    def unlink(root: Any, node: Any) -> Any:
        done.append(("unlink", node))
        return told[above], told[short]

    node = RbNode(3)
    with replaced(
        (RbTree, "_unlink", unlink),
        (Augment, "propagate", lambda augment, *way: done.append(("refresh", *way))),
        (RbTree, "_erase_color", lambda root, of: done.append(("mend", of))),
    ):
        root.rb_erase(node)
    refreshed = [("refresh", told[above], None)] if kind else []
    mended = [("mend", told[short])] if short else []
    return done == [("unlink", node), *refreshed, *mended]


def orders() -> Iterator[tuple[str, str, str]]:
    """Yield every answer of an unlinking, with summaries and without."""
    return product(("", "max"), ("", "above"), ("", "short"))


# ------------------------------------------------------------------ mistakes


def refresh_the_stop(
    augment: Augment, node: RbNode | None, stop: RbNode | None
) -> None:
    """Refresh the node at which to stop as well."""
    last = stop.key if stop is not None else None
    augment.calls.append(("propagate", node.key if node is not None else None, last))
    while node is not None:
        at_stop = node is stop
        node = augment.refresh(node)
        if at_stop:
            return


def announce_once(augment: Augment, node: RbNode, parent: RbNode | None) -> None:
    """Lift the parent's summary, and none above."""
    node.summary = node.value
    if parent is not None:
        augment.lift(parent, node.value)


def announce_to_all(augment: Augment, node: RbNode, parent: RbNode | None) -> None:
    """Lift every summary above, whether it is news or not."""
    node.summary = node.value
    while parent is not None:
        augment.lift(parent, node.value)
        parent = parent.parent


def mend_twice(root: RbTree, parent: RbNode) -> None:
    """Go on above although the step has ended it."""
    node: RbNode | None = None
    up: RbNode | None = parent
    while up is not None:
        root._erase_step(node, up)
        node, up = up, up.parent


def forget_what_is_below(root: RbTree, parent: RbNode) -> None:
    """Take the short side for an empty one at every round."""
    up: RbNode | None = parent
    while up is not None and root._erase_step(None, up):
        up = up.parent


def mend_before_refreshing(root: RbTree, node: RbNode) -> None:
    """Rotate while summaries are stale."""
    above, short = root._unlink(node)
    if short is not None:
        root._erase_color(short)
    if root.augment is not None:
        root.augment.propagate(above, None)


def refresh_nothing(root: RbTree, node: RbNode) -> None:
    """Refresh no summary above the place."""
    _, short = root._unlink(node)
    if short is not None:
        root._erase_color(short)


def both(*ends: Any) -> Callable[[], Iterator[tuple[Any, ...]]]:
    """Return what yields every number of rounds with every end."""
    return lambda: product(range(ROUNDS + 1), ends)


LOOPS = (
    Lemma(
        claim=refreshing_goes_up_until_the_stop_or_no_change,
        provers=(Shapes(both(False, True), FEW, False),),
        mistakes=(
            Mistake(Augment, "propagate", propagate_nothing, bug="P24"),
            Mistake(Augment, "propagate", stop_at_the_first),
            Mistake(Augment, "propagate", refresh_the_stop),
        ),
        assumes=INDUCTION,
    ),
    Lemma(
        claim=announcing_goes_up_while_it_is_news,
        provers=(Shapes(rounds, FEW, False),),
        mistakes=(
            Mistake(Augment, "announce", announce_once),
            Mistake(Augment, "announce", announce_to_all),
        ),
        assumes=INDUCTION,
    ),
    Lemma(
        claim=mending_an_insertion_goes_on_where_the_step_ends,
        provers=(Shapes(both("step", "black", "root"), FEW, False),),
        mistakes=(
            Mistake(RbTree, "rb_insert_color", leave_red),
            Mistake(RbTree, "rb_insert_color", mend_once),
        ),
        assumes=INDUCTION,
    ),
    Lemma(
        claim=mending_an_erasure_goes_on_where_the_step_ends,
        provers=(Shapes(both(False, True), FEW, False),),
        mistakes=(
            Mistake(RbTree, "_erase_color", start_from_nothing, bug="P22"),
            Mistake(RbTree, "_erase_color", mend_twice),
            Mistake(RbTree, "_erase_color", forget_what_is_below),
        ),
        assumes=INDUCTION,
    ),
    Lemma(
        claim=an_erasure_unlinks_refreshes_and_mends,
        provers=(Shapes(orders, FEW, False),),
        mistakes=(
            Mistake(RbTree, "rb_erase", mend_before_refreshing),
            Mistake(RbTree, "rb_erase", refresh_nothing, bug="P24"),
        ),
        size="any answers of its parts",
    ),
)
