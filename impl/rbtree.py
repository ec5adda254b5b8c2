"""Red-black trees, fast: linked nodes, repaired in place as lib/rbtree.c does.

`RbRoot` plays the tree and its owner: the owner's descent by key, a summary kept by
callbacks, a cached first node.  Kernel names; left and right are written out.
"""

from __future__ import annotations

from collections.abc import Iterator

from mmoracle.spec.linux import Bug

ABSENT = Bug("not in the tree")
PRESENT = Bug("already in the tree")
MISPLACED = Bug("not between the neighbours of the victim")
NOT_FIRST = Bug("the leftmost flag disagrees with the descent")


class RbNode:
    """struct rb_node with its owner's key and numbers; prev and next are the list."""

    __slots__ = (
        "key",
        "left",
        "next",
        "parent",
        "prev",
        "red",
        "right",
        "summary",
        "value",
    )

    def __init__(self, key: int, value: int = 0) -> None:
        self.key = key
        self.value = value
        self.summary = 0
        self.red = True
        self.parent: RbNode | None = None
        self.left: RbNode | None = None
        self.right: RbNode | None = None
        self.prev: RbNode | None = None
        self.next: RbNode | None = None


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
        self.calls.append(("propagate", node.key if node else None, last))
        while node is not stop and node is not None:
            summary = self.compute(node)
            if node.summary == summary:
                break
            node.summary = summary
            node = node.parent

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


class RbRoot:
    """struct rb_root_cached with the owner's index of its nodes by key."""

    __slots__ = ("augment", "cached", "nodes", "rb_leftmost", "rb_node")

    def __init__(self, summary: str = "", cached: bool = False) -> None:
        makers = {"": None, "max": Augment, "gap": GapAugment}
        make = makers[summary]
        self.rb_node: RbNode | None = None
        self.rb_leftmost: RbNode | None = None
        self.cached = cached
        self.augment = make() if make is not None else None
        self.nodes: dict[int, RbNode] = {}

    # ------------------------------------------------------- the owner's part

    def why_not_insert(self, key: int, leftmost: bool) -> Bug | None:
        """Return why the caller may not link this node, if so. O(1)."""
        if key in self.nodes:
            return PRESENT
        if self.cached:
            first = self.rb_leftmost
            if leftmost != (first is None or key < first.key):
                return NOT_FIRST
        return None

    def insert(self, key: int, value: int = 0, leftmost: bool = False) -> Bug | None:
        """Descend to the empty link of `key`, link a node, rebalance. O(log n)."""
        refused = self.why_not_insert(key, leftmost)
        if refused is not None:
            return refused
        parent, node = None, self.rb_node
        before: RbNode | None = None  # the nearest node on either side
        behind: RbNode | None = None
        while node is not None:
            parent = node
            if key < node.key:
                behind, node = node, node.left
            else:
                before, node = node, node.right
        node = RbNode(key, value)
        self.nodes[key] = node
        if self.augment is not None:
            self._refresh_before_link(node, parent, before, behind)
        self.rb_link_node(node, parent)
        if isinstance(self.augment, GapAugment):
            self.augment.propagate(node, None)
        if self.cached and leftmost:
            self.rb_leftmost = node
        self.rb_insert_color(node)
        return None

    def _refresh_before_link(
        self,
        node: RbNode,
        parent: RbNode | None,
        before: RbNode | None,
        behind: RbNode | None,
    ) -> None:
        """Bring the summaries above the new node up to date. O(log n)."""
        augment = self.augment
        if isinstance(augment, GapAugment):  # mm/mmap.c:__vma_link_rb
            node.prev, node.next = before, behind
            if before is not None:
                before.next = node
            if behind is not None:
                behind.prev = node
                augment.propagate(behind, None)
            return
        node.summary = node.value  # lib/rbtree_test.c:insert_augmented
        while parent is not None and parent.summary < node.value:
            parent.summary = node.value
            parent = parent.parent

    def why_not_erase(self, key: int) -> Bug | None:
        """Return why the caller may not unlink this node, if so. O(1)."""
        return None if key in self.nodes else ABSENT

    def erase(self, key: int) -> Bug | None:
        """Unlink the node of `key`. O(log n)."""
        refused = self.why_not_erase(key)
        if refused is not None:
            return refused
        node = self.nodes.pop(key)
        if self.rb_leftmost is node:
            self.rb_leftmost = self.rb_next(node)
        self.rb_erase(node)
        if isinstance(self.augment, GapAugment):
            self._unlist(node)
        return None

    def _unlist(self, node: RbNode) -> None:
        """Take a node off the list and refresh the next one's gap. O(log n)."""
        if node.prev is not None:
            node.prev.next = node.next
        if node.next is not None and self.augment is not None:
            node.next.prev = node.prev
            self.augment.propagate(node.next, None)

    def why_not_replace(self, victim: int, new: int) -> Bug | None:
        """Return why the caller may not put `new` there, if so. O(log n)."""
        old = self.nodes.get(victim)
        if old is None:
            return ABSENT
        prev, after = self.rb_prev(old), self.rb_next(old)
        if (prev and new <= prev.key) or (after and new >= after.key):
            return MISPLACED
        return None

    def replace(self, victim: int, new: int) -> Bug | None:
        """Put a new node exactly where the victim is. O(1) after the order test."""
        refused = self.why_not_replace(victim, new)
        if refused is not None:
            return refused
        old = self.nodes.pop(victim)
        node = self.nodes[new] = RbNode(new, old.value)
        node.summary = old.summary
        if self.rb_leftmost is old:
            self.rb_leftmost = node
        self.rb_replace_node(old, node)
        return None

    # ------------------------------------------------------- lib/rbtree.c

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
        child, parent, augment = node.right, node.parent, self.augment
        rebalance: RbNode | None = None
        if node.left is None or child is None:
            child = child or node.left
            self._change_child(node, child, parent)
            if child is not None:
                child.parent, child.red = parent, node.red
            elif not node.red:
                rebalance = parent
            above = parent
        else:
            above, rebalance = self._relink_successor(node, child)
        if augment is not None:
            augment.propagate(above, None)
        if rebalance is not None:
            self._erase_color(rebalance)

    def _relink_successor(
        self, node: RbNode, child: RbNode
    ) -> tuple[RbNode, RbNode | None]:
        """Put the next node in order into the place of `node`. O(log n)."""
        augment = self.augment
        successor = parent = child
        while successor.left is not None:
            parent, successor = successor, successor.left
        orphan = successor.right
        if successor is not child:
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
        rebalance = None
        if orphan is not None:
            orphan.parent, orphan.red = parent, False
        elif not successor.red:
            rebalance = parent
        successor.parent, successor.red = node.parent, node.red
        return successor, rebalance

    def _erase_color(self, parent: RbNode) -> None:
        """Mend a side that is one black node short, going up. O(log n)."""
        node: RbNode | None = None
        up: RbNode | None = parent
        while up is not None:
            parent = up
            if not self._erase_step(node, parent):
                return
            node, up = parent, parent.parent

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

    # ------------------------------------------------------- walks

    def rb_first(self) -> RbNode | None:
        """Return the first node in order. O(log n), O(1) when cached."""
        if self.cached:
            return self.rb_leftmost
        node = self.rb_node
        while node is not None and node.left is not None:
            node = node.left
        return node

    def rb_last(self) -> RbNode | None:
        """Return the last node in order. O(log n)."""
        node = self.rb_node
        while node is not None and node.right is not None:
            node = node.right
        return node

    def rb_next(self, node: RbNode) -> RbNode | None:
        """Return the node after in order. O(log n), amortised O(1)."""
        if node.right is not None:
            node = node.right
            while node.left is not None:
                node = node.left
            return node
        parent = node.parent
        while parent is not None and node is parent.right:
            node, parent = parent, parent.parent
        return parent

    def rb_prev(self, node: RbNode) -> RbNode | None:
        """Return the node before in order. O(log n), amortised O(1)."""
        if node.left is not None:
            node = node.left
            while node.right is not None:
                node = node.right
            return node
        parent = node.parent
        while parent is not None and node is parent.left:
            node, parent = parent, parent.parent
        return parent

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

    def __len__(self) -> int:
        return len(self.nodes)

    def __bool__(self) -> bool:
        return True

    def __contains__(self, key: int) -> bool:
        return key in self.nodes
