"""The owner of a red-black tree: it descends by key, and says what it refuses.

Keys are compared and never hashed, so that the same code runs on any ordered keys.
"""

from __future__ import annotations

from mmoracle.spec.linux import Bug

from .augment import Augment, GapAugment
from .balance import RbTree
from .node import RbNode

ABSENT = Bug("not in the tree")
PRESENT = Bug("already in the tree")
MISPLACED = Bug("not between the neighbours of the victim")
NOT_FIRST = Bug("the leftmost flag disagrees with the descent")

MAKERS = {"": None, "max": Augment, "gap": GapAugment}


class RbRoot(RbTree):
    """struct rb_root_cached with its owner, who knows which nodes are linked."""

    __slots__ = ("nodes",)

    def __init__(self, summary: str = "", cached: bool = False) -> None:
        make = MAKERS[summary]
        super().__init__(make() if make is not None else None, cached)
        self.nodes: set[RbNode] = set()  # as objects, whatever the links say

    def descend(self, key: int) -> tuple[RbNode | None, RbNode | None]:
        """Return the node above the place of `key`, and the one there. O(log n)."""
        parent, node = None, self.rb_node
        while node is not None and key != node.key:
            parent, node = node, node.left if key < node.key else node.right
        return parent, node

    def find(self, key: int) -> RbNode | None:
        """Return the node of `key`, if it is linked. O(log n)."""
        return self.descend(key)[1]

    # ------------------------------------------------------- insertion

    def why_not_insert(self, key: int, leftmost: bool) -> Bug | None:
        """Return why the caller may not link this node, if so. O(log n)."""
        return self._refusal(self.find(key), key, leftmost)

    def _refusal(self, there: RbNode | None, key: int, leftmost: bool) -> Bug | None:
        """Return why a node may not be linked where this one is. O(1)."""
        if there is not None:
            return PRESENT
        first = self.rb_leftmost
        if self.cached and leftmost is not bool(first is None or key < first.key):
            return NOT_FIRST
        return None

    def insert(self, key: int, value: int = 0, leftmost: bool = False) -> Bug | None:
        """Descend to the empty link of `key`, link a node, rebalance. O(log n)."""
        parent, there = self.descend(key)
        refused = self._refusal(there, key, leftmost)
        if refused is not None:
            return refused
        node, augment = RbNode(key, value), self.augment
        self.nodes.add(node)
        if augment is not None:
            augment.announce(node, parent)
        self.rb_link_node(node, parent)
        if isinstance(augment, GapAugment):
            augment.propagate(node, None)
        if self.cached and leftmost:
            self.rb_leftmost = node
        self.rb_insert_color(node)
        return None

    # ------------------------------------------------------- erasure

    def why_not_erase(self, key: int) -> Bug | None:
        """Return why the caller may not unlink this node, if so. O(log n)."""
        return ABSENT if self.find(key) is None else None

    def erase(self, key: int) -> Bug | None:
        """Unlink the node of `key`. O(log n)."""
        node = self.find(key)
        if node is None:
            return ABSENT
        self.nodes.remove(node)
        if self.rb_leftmost is node:
            self.rb_leftmost = self.rb_next(node)
        self.rb_erase(node)
        if isinstance(self.augment, GapAugment):
            self.augment.unlist(node)
        return None

    # ------------------------------------------------------- replacement

    def why_not_replace(self, victim: int, new: int) -> Bug | None:
        """Return why the caller may not put `new` there, if so. O(log n)."""
        old = self.find(victim)
        if old is None:
            return ABSENT
        prev, after = self.rb_prev(old), self.rb_next(old)
        if (prev and new <= prev.key) or (after and new >= after.key):
            return MISPLACED
        return None

    def replace(self, victim: int, new: int) -> Bug | None:
        """Put a new node exactly where the victim is. O(log n) for finding it."""
        refused = self.why_not_replace(victim, new)
        if refused is not None:
            return refused
        old, node = self.find(victim), RbNode(new)
        assert old is not None  # or it would have been refused
        node.value, node.summary = old.value, old.summary
        self.nodes.remove(old)
        self.nodes.add(node)
        if self.rb_leftmost is old:
            self.rb_leftmost = node
        self.rb_replace_node(old, node)
        return None

    def __len__(self) -> int:
        return len(self.nodes)

    def __bool__(self) -> bool:
        return True

    def __contains__(self, key: int) -> bool:
        return self.find(key) is not None
