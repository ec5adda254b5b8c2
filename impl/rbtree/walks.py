"""Walking a red-black tree: in order, backwards, children first."""

from __future__ import annotations

from collections.abc import Iterator

from .node import RbNode


class RbWalks:
    """struct rb_root, or rb_root_cached, for those who only read it."""

    __slots__ = ("cached", "rb_leftmost", "rb_node")

    def __init__(self, cached: bool = False) -> None:
        self.rb_node: RbNode | None = None
        self.rb_leftmost: RbNode | None = None
        self.cached = cached

    def rb_first(self) -> RbNode | None:
        """Return the first node in order. O(log n), O(1) when cached."""
        if self.cached:
            return self.rb_leftmost
        return self._leftmost(self.rb_node) if self.rb_node is not None else None

    def rb_last(self) -> RbNode | None:
        """Return the last node in order. O(log n)."""
        return self._rightmost(self.rb_node) if self.rb_node is not None else None

    def rb_next(self, node: RbNode) -> RbNode | None:
        """Return the node after in order. O(log n), amortised O(1)."""
        if node.right is not None:
            return self._leftmost(node.right)
        parent = node.parent
        while parent is not None and node is parent.right:
            node, parent = parent, parent.parent
        return parent

    def rb_prev(self, node: RbNode) -> RbNode | None:
        """Return the node before in order. O(log n), amortised O(1)."""
        if node.left is not None:
            return self._rightmost(node.left)
        parent = node.parent
        while parent is not None and node is parent.left:
            node, parent = parent, parent.parent
        return parent

    def _leftmost(self, node: RbNode) -> RbNode:
        """Go down to the left. O(log n)."""
        while (below := node.left) is not None:
            node = below
        return node

    def _rightmost(self, node: RbNode) -> RbNode:
        """Go down to the right. O(log n)."""
        while (below := node.right) is not None:
            node = below
        return node

    def rb_first_postorder(self) -> RbNode | None:
        """Return the first node of the post-order walk. O(log n)."""
        return self._deepest(self.rb_node) if self.rb_node is not None else None

    def rb_next_postorder(self, node: RbNode) -> RbNode | None:
        """Return the next node, children first. O(log n), amortised O(1)."""
        parent = node.parent
        if parent is not None and node is parent.left and parent.right is not None:
            return self._deepest(parent.right)
        return parent

    def _deepest(self, node: RbNode) -> RbNode:
        """Go down, left where possible. O(log n)."""
        while (below := node.left or node.right) is not None:
            node = below
        return node

    def postorder(self) -> Iterator[RbNode]:
        """Walk the tree, children first; the body may forget each node. O(n)."""
        node = self.rb_first_postorder()
        while node is not None:
            following = self.rb_next_postorder(node)
            yield node
            node = following
