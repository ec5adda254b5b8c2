"""Operator mutants of red-black trees that change nothing, and why."""

EITHER = "Where both are the same it does not matter which of them is stored."
REFUSED = "A key that is linked already is refused before."
FOUND = "A node with this very key ends the descent before."

EQUIVALENT = {
    "impl.rbtree.augment.Augment.compute:"
    " left.summary > summary -> left.summary >= summary": EITHER,
    "impl.rbtree.augment.Augment.compute:"
    " right.summary > summary -> right.summary >= summary": EITHER,
    "impl.rbtree.augment.GapAugment.enlist:"
    " node.key < parent.key -> node.key <= parent.key": REFUSED,
    "impl.rbtree.balance.RbTree.rb_link_node:"
    " node.key < parent.key -> node.key <= parent.key": REFUSED,
    "impl.rbtree.root.RbRoot._refusal: key < first.key -> key <= first.key": REFUSED,
    "spec.rbtree.ops.Insert.refusal: self.key < key -> self.key <= key": REFUSED,
    "impl.rbtree.root.RbRoot.descend: key < node.key -> key <= node.key": FOUND,
    "spec.rbtree.tree.descend: key > b.key -> key >= b.key": FOUND,
}
