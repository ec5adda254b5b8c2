"""The summaries of augmented trees, kept right by the callbacks of the library."""

from __future__ import annotations

from .node import RbNode


class Augment:
    """struct rb_augment_callbacks as RB_DECLARE_CALLBACKS_MAX makes them.

    `calls` records each callback with the keys of its two nodes.
    """

    __slots__ = ("calls",)

    def __init__(self) -> None:
        self.calls: list[tuple[str, int | None, int | None]] = []

    def own(self, node: RbNode) -> int:
        """Return what the node adds to the summary of its subtree. O(1)."""
        return node.value

    def compute(self, node: RbNode) -> int:
        """Return the summary that a node and its children give. O(1)."""
        summary = self.own(node)
        left, right = node.left, node.right
        if left is not None and left.summary > summary:
            summary = left.summary
        if right is not None and right.summary > summary:
            summary = right.summary
        return summary

    def propagate(self, node: RbNode | None, stop: RbNode | None) -> None:
        """Refresh from `node` upward until `stop` or no change. O(log n)."""
        last = stop.key if stop is not None else None
        self.calls.append(("propagate", node.key if node is not None else None, last))
        while node is not None and node is not stop:
            node = self.refresh(node)

    def refresh(self, node: RbNode) -> RbNode | None:
        """Recompute one summary; return the parent if it changed. O(1)."""
        summary = self.compute(node)
        if node.summary == summary:
            return None
        node.summary = summary
        return node.parent

    def announce(self, node: RbNode, parent: RbNode | None) -> None:
        """Tell the summaries above of a new leaf to be linked there. O(log n).

        lib/rbtree_test.c:insert_augmented
        """
        node.summary = node.value
        while parent is not None:
            parent = self.lift(parent, node.value)

    def lift(self, node: RbNode, value: int) -> RbNode | None:
        """Raise one summary to a value; return the parent if it was lower. O(1)."""
        if node.summary >= value:
            return None
        node.summary = value
        return node.parent

    def copy(self, old: RbNode, new: RbNode) -> None:
        """Let `new` stand for the subtree of `old`. O(1)."""
        self.calls.append(("copy", old.key, new.key))
        new.summary = old.summary

    def rotate(self, old: RbNode, new: RbNode) -> None:
        """Let `new` rise above `old`. O(1)."""
        self.calls.append(("rotate", old.key, new.key))
        new.summary = old.summary
        old.summary = self.compute(old)


class GapAugment(Augment):
    """The summary of mm/mmap.c: the widest gap before any node of the subtree."""

    __slots__ = ()

    def own(self, node: RbNode) -> int:
        """Return the distance to the node before in the list. O(1)."""
        return node.key - node.prev.key if node.prev is not None else node.key

    def announce(self, node: RbNode, parent: RbNode | None) -> None:
        """List a new leaf, and refresh the node after it. O(log n).

        mm/mmap.c:__vma_link_rb
        """
        self.enlist(node, parent)
        if node.next is not None:
            self.propagate(node.next, None)

    def enlist(self, node: RbNode, parent: RbNode | None) -> None:
        """Put a new leaf beside its parent in the list. O(1)."""
        if parent is None:
            return
        if node.key < parent.key:
            node.prev, node.next = parent.prev, parent
        else:
            node.prev, node.next = parent, parent.next
        if node.prev is not None:
            node.prev.next = node
        if node.next is not None:
            node.next.prev = node

    def unlist(self, node: RbNode) -> None:
        """Take a node off the list, and refresh the one after it. O(log n).

        mm/mmap.c:detach_vmas_to_be_unmapped
        """
        if node.prev is not None:
            node.prev.next = node.next
        if node.next is not None:
            node.next.prev = node.prev
            self.propagate(node.next, None)
