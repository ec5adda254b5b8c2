"""lib/rbtree.c: linking, unlinking, and mending in place by rotations and colours."""

from __future__ import annotations

from .augment import Augment
from .node import RbNode
from .walks import RbWalks


class RbTree(RbWalks):
    """struct rb_root for those who change it, with the callbacks of its owner.

    Each loop asks one step, a method of its own, until there is nothing left to mend.
    """

    __slots__ = ("augment",)

    def __init__(self, augment: Augment | None, cached: bool = False) -> None:
        super().__init__(cached)
        self.augment = augment

    def rb_link_node(self, node: RbNode, parent: RbNode | None) -> None:
        """Hang a red node at its empty link. O(1)."""
        node.parent = parent
        if parent is None:
            self.rb_node = node
        elif node.key < parent.key:
            parent.left = node
        else:
            parent.right = node

    def _change_child(
        self, old: RbNode, new: RbNode | None, parent: RbNode | None
    ) -> None:
        """Let the link to `old` point to `new`. O(1)."""
        if parent is None:
            self.rb_node = new
        elif parent.left is old:
            parent.left = new
        else:
            parent.right = new

    def _rotate_left(self, top: RbNode, riser: RbNode) -> None:
        """Turn `top` down to the left of its right child. O(1)."""
        inner = top.right = riser.left
        if inner is not None:
            inner.parent = top
        self._rise(top, riser)
        riser.left = top

    def _rotate_right(self, top: RbNode, riser: RbNode) -> None:
        """Turn `top` down to the right of its left child. O(1)."""
        inner = top.left = riser.right
        if inner is not None:
            inner.parent = top
        self._rise(top, riser)
        riser.right = top

    def _rise(self, top: RbNode, riser: RbNode) -> None:
        """Give the riser the place of `top`; the owner recomputes later. O(1)."""
        parent = top.parent
        riser.parent = parent
        top.parent = riser
        self._change_child(top, riser, parent)

    def rb_insert_color(self, node: RbNode) -> None:
        """Mend a red node under a red parent, going up. O(log n)."""
        while (parent := node.parent) is not None and parent.red:
            going_up = self._insert_step(node, parent)
            if going_up is None:
                return
            node = going_up
        if parent is None:
            node.red = False

    def _insert_step(self, node: RbNode, parent: RbNode) -> RbNode | None:
        """Mend one red pair; return the node to go on from, if any. O(1)."""
        gparent = parent.parent
        assert gparent is not None  # a red node is never the root
        augment = self.augment
        on_left = parent is gparent.left
        uncle = gparent.right if on_left else gparent.left
        if uncle is not None and uncle.red:  # case 1
            uncle.red = parent.red = False
            gparent.red = True
            return gparent
        if on_left:
            if node is parent.right:  # case 2
                self._rotate_left(parent, node)
                if augment is not None:
                    augment.rotate(parent, node)
                parent = node
            self._rotate_right(gparent, parent)  # case 3
        else:
            if node is parent.left:
                self._rotate_right(parent, node)
                if augment is not None:
                    augment.rotate(parent, node)
                parent = node
            self._rotate_left(gparent, parent)
        parent.red, gparent.red = gparent.red, True
        if augment is not None:
            augment.rotate(gparent, parent)
        return None

    def rb_erase(self, node: RbNode) -> None:
        """Unlink a node, relinking its successor if it has two children. O(log n)."""
        above, short = self._unlink(node)
        if self.augment is not None:
            self.augment.propagate(above, None)
        if short is not None:
            self._erase_color(short)

    def _unlink(self, node: RbNode) -> tuple[RbNode | None, RbNode | None]:
        """Take a node out; return what to refresh, and what has a short side."""
        left, right, parent = node.left, node.right, node.parent
        if left is not None and right is not None:
            return self._relink_successor(node, right)
        child = left if right is None else right
        self._change_child(node, child, parent)
        if child is None:
            return parent, None if node.red else parent
        child.parent, child.red = parent, node.red
        return parent, None

    def _relink_successor(
        self, node: RbNode, child: RbNode
    ) -> tuple[RbNode, RbNode | None]:
        """Put the next node in order into the place of `node`. O(log n)."""
        augment, successor = self.augment, self._leftmost(child)
        parent, orphan = successor, successor.right
        if successor is not child:
            assert successor.parent is not None
            parent = successor.parent
            parent.left = orphan
            successor.right = child
            child.parent = successor
        if augment is not None:
            augment.copy(node, successor)
            if successor is not child:
                augment.propagate(parent, successor)
        successor.left = node.left
        assert node.left is not None
        node.left.parent = successor
        self._change_child(node, successor, node.parent)
        short = None
        if orphan is not None:
            orphan.parent, orphan.red = parent, False
        elif not successor.red:
            short = parent
        successor.parent, successor.red = node.parent, node.red
        return successor, short

    def _erase_color(self, parent: RbNode) -> None:
        """Mend a side that is one black node short, going up. O(log n)."""
        node: RbNode | None = None
        up: RbNode | None = parent
        while up is not None and self._erase_step(node, up):
            node, up = up, up.parent

    def _erase_step(self, node: RbNode | None, parent: RbNode) -> bool:
        """Mend one level; return whether the parent's side is now short. O(1)."""
        augment = self.augment
        on_left = parent.right is not node
        sibling = parent.right if on_left else parent.left
        assert sibling is not None  # the other side has a black node more
        if sibling.red:  # case 1
            self._rotate_at(parent, sibling, on_left)
            sibling.red, parent.red = False, True
            if augment is not None:
                augment.rotate(parent, sibling)
            sibling = parent.right if on_left else parent.left
            assert sibling is not None
        outer = sibling.right if on_left else sibling.left
        if outer is None or not outer.red:
            inner = sibling.left if on_left else sibling.right
            if inner is None or not inner.red:  # case 2
                sibling.red = True
                if parent.red:
                    parent.red = False
                    return False
                return True
            self._rotate_at(sibling, inner, not on_left)  # case 3
            if augment is not None:
                augment.rotate(sibling, inner)
            outer, sibling = sibling, inner
        self._rotate_at(parent, sibling, on_left)  # case 4
        sibling.red = parent.red
        parent.red = outer.red = False
        if augment is not None:
            augment.rotate(parent, sibling)
        return False

    def _rotate_at(self, top: RbNode, riser: RbNode, leftward: bool) -> None:
        """Rotate toward the short side. O(1)."""
        if leftward:
            self._rotate_left(top, riser)
        else:
            self._rotate_right(top, riser)

    def rb_replace_node(self, victim: RbNode, new: RbNode) -> None:
        """Let `new` take the links and colour of `victim`. O(1)."""
        new.parent, new.red = victim.parent, victim.red
        new.left, new.right = victim.left, victim.right
        if new.left is not None:
            new.left.parent = new
        if new.right is not None:
            new.right.parent = new
        self._change_child(victim, new, victim.parent)
