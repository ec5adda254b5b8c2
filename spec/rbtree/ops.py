"""The operations on a red-black tree: what Linux answers, and what anybody may.

A caller's mistake, such as erasing a node that is not linked, is diagnosed and changes
nothing.

Source: lib/rbtree.c, include/linux/rbtree.h (v5.10).
"""

from __future__ import annotations

from ..core import Domains, Ints, OneOf, nothing, require, value
from ..linux import Bug
from .tree import (
    Branch,
    Call,
    Config,
    Tree,
    branch_of,
    descend,
    erase,
    graft,
    has,
    insert,
    keys,
    postorder,
    seen,
    tree_of,
)

ABSENT = Bug("not in the tree")
PRESENT = Bug("already in the tree")
MISPLACED = Bug("not between the neighbours of the victim")
NOT_FIRST = Bug("the leftmost flag disagrees with the descent")


def answers(result: object, refusal: Bug | None, what: str, rule: str) -> None:
    """Require that a change is refused exactly when it must be, for the named cause."""
    done = isinstance(result, tuple)
    if refusal is None:
        require(done, rule, f"{what} was refused: {result}")
    else:
        require(result == refusal, rule, f"{what} is {refusal.why}, got {result}")


@value
class Insert:
    """rb_link_node() then rb_insert_color(), or their augmented and cached twins."""

    key: int
    value: int = 0
    leftmost: bool = False  # what the caller's descent tells a cached tree

    @classmethod
    def domain(cls, cfg: Config, t: Tree) -> Domains:
        if len(t.nodes) >= cfg.nodes:
            return nothing()
        flags = OneOf((False, True) if cfg.cached else (False,))
        return {
            "key": Ints(0, cfg.keys),
            "value": Ints(0, cfg.values),
            "leftmost": flags,
        }

    def refusal(self, cfg: Config, t: Tree) -> Bug | None:
        """Return why the caller may not do this, if so."""
        if has(t, self.key):
            return PRESENT
        first = all(self.key < key for key in keys(t))
        return NOT_FIRST if cfg.cached and self.leftmost != first else None

    def choose(self, cfg: Config, t: Tree) -> tuple[Call, ...] | Bug:
        no = self.refusal(cfg, t)
        return no or seen(cfg, insert(cfg, t, self.key, self.value)[1])

    def after(self, cfg: Config, t: Tree, result: tuple[Call, ...] | Bug) -> Tree:
        no = self.refusal(cfg, t)
        answers(result, no, f"inserting {self.key}", "CONTRACT-INSERT")
        return t if no else insert(cfg, t, self.key, self.value)[0]


@value
class Erase:
    """rb_erase(), rb_erase_augmented() or rb_erase_cached()."""

    key: int

    @classmethod
    def domain(cls, cfg: Config, t: Tree) -> Domains:
        return {"key": Ints(0, cfg.keys)}

    def choose(self, cfg: Config, t: Tree) -> tuple[Call, ...] | Bug:
        if not has(t, self.key):
            return ABSENT
        return seen(cfg, erase(cfg, t, self.key)[1])

    def after(self, cfg: Config, t: Tree, result: tuple[Call, ...] | Bug) -> Tree:
        no = None if has(t, self.key) else ABSENT
        answers(result, no, f"erasing {self.key}", "CONTRACT-ERASE")
        return t if no else erase(cfg, t, self.key)[0]


@value
class Replace:
    """rb_replace_node(): `new` takes the place, links and colour of `victim`.

    The owner must keep its order: `new` fits strictly between victim's neighbours.
    """

    victim: int
    new: int

    @classmethod
    def domain(cls, cfg: Config, t: Tree) -> Domains:
        if cfg.summary == "gap":  # no owner of a gap tree replaces nodes (mm/mmap.c)
            return nothing()
        absent = next(key for key in range(len(t.nodes) + 1) if not has(t, key))
        return {"victim": OneOf((*keys(t), absent)), "new": Ints(0, cfg.keys)}

    def refusal(self, t: Tree) -> Bug | None:
        """Return why the caller may not do this, if so."""
        if not has(t, self.victim):
            return ABSENT
        low, high = sorted((self.victim, self.new))
        between = [k for k in keys(t) if low <= k <= high and k != self.victim]
        return MISPLACED if between else None

    def choose(self, cfg: Config, t: Tree) -> tuple[Call, ...] | Bug:
        return self.refusal(t) or ()

    def after(self, cfg: Config, t: Tree, result: tuple[Call, ...] | Bug) -> Tree:
        no = self.refusal(t)
        what = f"replacing {self.victim} by {self.new}"
        answers(result, no, what, "CONTRACT-INSERT")
        if no:
            return t
        path, b = descend(branch_of(t), self.victim)
        assert b is not None
        return tree_of(cfg, graft(path, Branch(self.new, b.red, b.value, b.kids)))


@value
class First:
    """rb_first(), or rb_first_cached()."""

    @classmethod
    def domain(cls, cfg: Config, t: Tree) -> Domains:
        return {}

    def choose(self, cfg: Config, t: Tree) -> int | None:
        return keys(t)[0] if t.nodes else None

    def after(self, cfg: Config, t: Tree, result: int | None) -> Tree:
        expected = self.choose(cfg, t)
        require(result == expected, "ITER-EXACT", f"first is {expected}, got {result}")
        return t


@value
class Last:
    """rb_last()."""

    @classmethod
    def domain(cls, cfg: Config, t: Tree) -> Domains:
        return {}

    def choose(self, cfg: Config, t: Tree) -> int | None:
        return keys(t)[-1] if t.nodes else None

    def after(self, cfg: Config, t: Tree, result: int | None) -> Tree:
        expected = self.choose(cfg, t)
        require(result == expected, "ITER-EXACT", f"last is {expected}, got {result}")
        return t


@value
class Next:
    """rb_next(): the next node in order; none after the last and for an empty node."""

    key: int

    @classmethod
    def domain(cls, cfg: Config, t: Tree) -> Domains:
        return {"key": Ints(0, cfg.keys)}

    def choose(self, cfg: Config, t: Tree) -> int | None:
        if not has(t, self.key):
            return None
        return min((k for k in keys(t) if k > self.key), default=None)

    def after(self, cfg: Config, t: Tree, result: int | None) -> Tree:
        expected = self.choose(cfg, t)
        why = f"after {self.key} comes {expected}, got {result}"
        require(result == expected, "ITER-EXACT", why)
        return t


@value
class Prev:
    """rb_prev(): the node before in order; none before the first."""

    key: int

    @classmethod
    def domain(cls, cfg: Config, t: Tree) -> Domains:
        return {"key": Ints(0, cfg.keys)}

    def choose(self, cfg: Config, t: Tree) -> int | None:
        if not has(t, self.key):
            return None
        return max((k for k in keys(t) if k < self.key), default=None)

    def after(self, cfg: Config, t: Tree, result: int | None) -> Tree:
        expected = self.choose(cfg, t)
        why = f"before {self.key} comes {expected}, got {result}"
        require(result == expected, "ITER-EXACT", why)
        return t


@value
class Postorder:
    """rbtree_postorder_for_each_entry_safe(): the whole walk, children first.

    Another tree may have another shape, so any order that meets each node once passes.
    """

    @classmethod
    def domain(cls, cfg: Config, t: Tree) -> Domains:
        return {}

    def choose(self, cfg: Config, t: Tree) -> tuple[int, ...]:
        return postorder(branch_of(t))

    def after(self, cfg: Config, t: Tree, result: tuple[int, ...]) -> Tree:
        once = sorted(result, key=repr) == sorted(keys(t), key=repr)
        why = f"visited {list(result)} of the nodes {list(keys(t))}"
        require(once, "ITER-EXACT", why)
        return t


OPS = (Insert, Erase, Replace, First, Last, Next, Prev, Postorder)
