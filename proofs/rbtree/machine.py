"""The machine on a shape: opaque subtrees, summaries as sets, contracts for its loops.

A summary is a set of names here, and two are joined by union.  The greatest of numbers
is commutative, associative and idempotent, as union is, so what holds of such sets
holds of every maximum.  A node is exact if it stores the union of its own name and its
children's summaries; that `compute`, `refresh` and `lift` do on numbers what they are
taken for here is proved in `summaries`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any

from mmoracle.checkers.bind.rbtree import abstract, key_of, load
from mmoracle.impl.rbtree import Augment, GapAugment
from mmoracle.spec.rbtree import tree as rbtree
from mmoracle.spec.rbtree.tree import Call, Config

from .shapes import LEFT, Opaque, node, order, swap

PLAIN = Config(keys=0, nodes=0)
KINDS = {
    kind: Config(keys=0, nodes=0, summary=kind, cached=True)
    for kind in ("", "max", "gap")
}
ABOVE_NAME = "above"
INDUCTION = (
    "red-black: that parts proved of any tree add up to whole operations is induction,"
    " told in proofs/rbtree and checked by no solver",
)
Secrets = dict[Any, tuple[str, ...]]
Names = dict[Any, int]  # the number of each key and token, in order
Faults = (
    AssertionError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


@contextmanager
def replaced(*changes: tuple[Any, str, Any]) -> Iterator[None]:
    """Let other functions stand for some, each (owner, name, function)."""
    kept = [(owner, name, vars(owner)[name]) for owner, name, _ in changes]
    for owner, name, other in changes:
        setattr(owner, name, other)
    try:
        yield
    finally:
        for owner, name, was in kept:
            setattr(owner, name, was)


def without_fault(claim: Callable[..., bool]) -> Callable[..., bool]:
    """Let a claim be false if the code runs into what it must not touch."""

    @wraps(claim)
    def guarded(*values: Any) -> bool:
        try:
            return claim(*values)
        except Faults:
            return False

    return guarded


# ------------------------------------------------------------------ numbers for names


def names_of(b: Any, side: int, *more: Any) -> Names:
    """Return a number for each name, rising in order; more names come anywhere."""
    told = [*order(b), *more]
    whole = [*told, ABOVE_NAME] if side == LEFT else [ABOVE_NAME, *told]
    return {name: 10 * (at + 1) for at, name in enumerate(whole)}


def numbered(b: Any, names: Names) -> Any:
    """Return a branch with numbers for keys; what is opaque stays so."""
    if b is None or isinstance(b, Opaque):
        return b
    kids = (numbered(kid, names) for kid in b.kids)
    return node(names[b.key], b.red, *kids)


def flat(b: Any, names: Names) -> Any:
    """Return a branch with a childless node for each token."""
    if b is None:
        return None
    if isinstance(b, Opaque):
        return node(names[b.token], b.red, None, None)
    return node(names[b.key], b.red, *(flat(kid, names) for kid in b.kids))


def table_of(b: Any, names: Names, at_root: bool, side: int) -> rbtree.Tree:
    """Return the tree of a branch in its place: the root, or below some node."""
    grown = flat(b, names)
    if not at_root:
        above = node(names[ABOVE_NAME], False, None, None)
        grown = swap(above, side, grown, None)
    return rbtree.tree_of(PLAIN, grown)


def called(calls: list[Call], names: Names, kind: str) -> tuple[Call, ...]:
    """Return the callbacks of the specification that the owner hears, by number."""
    told = rbtree.seen(KINDS[kind], calls)
    return tuple((what, names.get(a), names.get(b)) for what, a, b in told)


# ------------------------------------------------------------------ the machine


def joined(augment: Any, each: Any) -> frozenset[Any]:
    """Return the union of a node's own name and its children's summaries."""
    found = frozenset(augment.own(each))
    for kid in (each.left, each.right):
        if kid is not None:
            found |= kid.summary or frozenset()  # 0 joins nothing
    return found


def gap_named(augment: Any, each: Any) -> frozenset[Any]:
    """Return the name of the gap between a node and the one before it in the list."""
    return frozenset({(key_of(each.prev), each.key)})


@dataclass
class Bed:
    """A machine that holds a shape, some of it out of reach for the code under proof.

    A token's links are out of reach, and of the node above all but its child's link.
    """

    root: Any
    names: Names
    secrets: Secrets  # by number
    tokens: frozenset[int]
    hidden: list[tuple[Any, str, Any]] = field(default_factory=list)

    def __getitem__(self, name: Any) -> Any:
        """Return the node of a name, without following links."""
        number = self.names[name]
        return next(each for each in self.root.nodes if each.key == number)

    def get(self, b: Any) -> Any:
        """Return the node of a branch or a token, if there is one."""
        if b is None:
            return None
        return self[b.token if isinstance(b, Opaque) else b.key]

    def hide(self) -> None:
        """Take away what the code under proof must not read."""
        for each in self.root.nodes:
            for name in self.secrets.get(each.key, ()):
                self.hidden.append((each, name, getattr(each, name)))
        for each, name, _ in self.hidden:
            delattr(each, name)

    def show(self) -> None:
        """Give it back."""
        for each, name, was in self.hidden:
            setattr(each, name, was)
        self.hidden.clear()

    @contextmanager
    def sealed(self, *changes: tuple[Any, str, Any]) -> Iterator[None]:
        """Run the code under proof on what it may read, with contracts for some."""
        contracts = ((Augment, "compute", joined), (GapAugment, "own", gap_named))
        with ExitStack() as stack:
            stack.enter_context(replaced(*contracts, *changes))
            self.hide()
            stack.callback(self.show)
            yield

    def is_exact(self, each: Any) -> bool:
        """Say whether a node stores what it must; a token's is taken as it is."""
        return each.key in self.tokens or (each.summary or frozenset()) == joined(
            self.root.augment, each
        )

    def all_exact(self) -> bool:
        """Say whether every node that is linked stores what it must."""
        if self.root.augment is None:
            return True
        with replaced((GapAugment, "own", gap_named)):
            return all(self.is_exact(each) for each in self.root.nodes)

    def table(self) -> rbtree.Tree:
        """Return the links and colours of the machine, and its first node."""
        t = abstract(self.root)
        rows = tuple(replace(row, value=0, summary=0) for row in t.nodes)
        return replace(t, nodes=rows)

    # ------------------------------------------------- contracts, beyond the seal

    def propagate(self, augment: Any, start: Any, stop: Any) -> None:
        """Make all from a node upward exact; all but that node must have been."""
        augment.calls.append(("propagate", key_of(start), key_of(stop)))
        self.show()
        way = []
        while start is not None and start is not stop:
            way.append(start)
            start = start.parent
        assert all(self.is_exact(each) for each in way[1:]), "stale before a refresh"
        for each in way:
            each.summary = joined(augment, each)
        self.hide()

    def lift(self, augment: Any, each: Any, value: Any) -> Any:
        """Join a value to the summary of a node, and go on above."""
        self.show()
        each.summary |= value
        above = each.parent
        self.hide()
        return above


def plant(b: Any, names: Names, at_root: bool, side: int, kind: str) -> Bed:
    """Return a machine that holds a branch, with a node above it unless at the root."""
    t = table_of(b, names, at_root, side)
    root: Any = load(KINDS[kind], t)
    tokens = frozenset(names[each] for each in order(b) if isinstance(each, str))
    secrets: Secrets = dict.fromkeys(tokens, ("left", "right"))
    secrets[names[ABOVE_NAME]] = ("red", "parent")
    bed = Bed(root, names, secrets, tokens)
    for each in root.nodes:  # sets of names stand for numbers
        each.value = frozenset({each.key})
        each.summary = frozenset({("below", each.key)})
    if kind:
        with replaced((GapAugment, "own", gap_named)):
            refresh_below(root.augment, root.rb_node, tokens)
    return bed


def refresh_below(augment: Any, each: Any, tokens: frozenset[int]) -> None:
    """Make every summary of a branch exact, children first."""
    if each is not None and each.key not in tokens:
        refresh_below(augment, each.left, tokens)
        refresh_below(augment, each.right, tokens)
        each.summary = joined(augment, each)
