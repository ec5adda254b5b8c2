"""Both sides of a tree on symbolic keys, and every small tree that keeps the rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from mmoracle.checkers.bind import rbtree as binding
from mmoracle.impl.rbtree import RbNode
from mmoracle.spec import rbtree as spec
from mmoracle.spec.rbtree import Branch, Config, Tree
from mmoracle.spec.rbtree import tree as rbtree

PLAIN = Config(keys=0, nodes=9)
CACHED = Config(keys=0, nodes=9, cached=True)
MAX = Config(keys=0, nodes=9, summary="max")
GAP = Config(keys=0, nodes=9, summary="gap")


class Pair:
    """Both sides of one tree; what they answer and hold is compared at each step."""

    def __init__(self, cfg: Config) -> None:
        self.cfg = cfg
        self.t: Tree = spec.EMPTY
        self.root = binding.build(cfg)

    def do(self, op: Any) -> bool:
        """Do an operation on both; say whether they agree."""
        answer = op.choose(self.cfg, self.t)
        self.t = op.after(self.cfg, self.t, answer)
        return bool(same(answer, binding.apply(self.root, op))) and self.agrees()

    def agrees(self) -> bool:
        """Say whether both hold the same tree: links, colours, numbers, and no more."""
        rows = list(walked(self.root.rb_node))
        return (
            len(rows) == len(self.t.nodes) == len(self.root.nodes)
            and self.root.rb_node is next((r for r in rows if r.parent is None), None)
            and same(self.t.leftmost, binding.key_of(self.root.rb_leftmost))
            and all(map(same_row, self.t.nodes, rows))
        )


def walked(node: Any, most: int = 9) -> Iterator[Any]:
    """Yield the machine's nodes as its links have them; it may be no tree."""
    if node is not None and most:
        yield from walked(node.left, most - 1)
        yield node
        yield from walked(node.right, most - 1)


def same_row(row: Any, node: Any) -> bool:
    """Say whether a row of the table is this node of the machine."""
    links = [binding.key_of(each) for each in (node.parent, node.left, node.right)]
    return (
        row.red == node.red
        and same((row.parent, row.left, row.right), tuple(links))
        and same(
            (row.key, row.value, row.summary), (node.key, node.value, node.summary)
        )
    )


def same(one: Any, two: Any) -> bool:
    """Say whether two answers are the same; the very same word asks no path."""
    if one is two:
        return True
    if isinstance(one, tuple) and isinstance(two, tuple):
        return len(one) == len(two) and all(map(same, one, two))
    if one is None or two is None:
        return False
    return bool(one == two)


def grown(cfg: Config, keys: Sequence[Any], values: Sequence[Any] = ()) -> Pair | None:
    """Insert keys one by one on both sides; none if they ever disagree."""
    pair = Pair(cfg)
    for at, key in enumerate(keys):
        first = cfg.cached and all(key < before for before in keys[:at])
        value = values[at] if values else 0
        if not pair.do(spec.Insert(key, value, bool(first))):
            return None
    return pair


# ------------------------------------------------------------------ every tree


Skeleton = tuple[bool, Any, Any]  # red, left, right; None where no node is


@cache
def skeletons(n: int) -> tuple[tuple[int, Skeleton | None], ...]:
    """Return every subtree of n nodes that keeps the rules, with its black height."""
    if not n:
        return ((0, None),)
    pairs = [
        (height, left, right)
        for before in range(n)
        for height, left in skeletons(before)
        for other, right in skeletons(n - 1 - before)
        if height == other
    ]
    blacks = [(height + 1, (False, left, right)) for height, left, right in pairs]
    reds = [
        (height, (True, left, right))
        for height, left, right in pairs
        if not any(kid and kid[0] for kid in (left, right))
    ]
    return (*blacks, *reds)


def trees(most: int) -> tuple[tuple[int, Skeleton | None], ...]:
    """Return every tree of so many nodes and fewer, each with its number of nodes."""
    return tuple(
        (n, tree)
        for n in range(most + 1)
        for _, tree in skeletons(n)
        if not (tree and tree[0])
    )


def dressed(skeleton: Skeleton | None, keys: Iterator[Any]) -> Any:
    """Return the branch of a skeleton, the keys in order."""
    if skeleton is None:
        return None
    red, left, right = skeleton
    low, key, high = dressed(left, keys), next(keys), dressed(right, keys)
    return Branch(key, red, 0, (low, high))


def planted(cfg: Config, b: Any) -> Pair:
    """Return both sides of a tree as they hold it."""
    pair = Pair(cfg)
    rows, _ = rbtree.table(cfg, b, None, 0)
    pair.t = Tree(rbtree.key_of(b), None, rows)
    pair.root.rb_node = machine_of(b, None, pair.root.nodes)
    assert pair.agrees(), "both start from the same tree"
    return pair


def machine_of(b: Any, parent: Any, linked: set[Any]) -> Any:
    """Return the machine's node of a branch, and all below it."""
    if b is None:
        return None
    node = RbNode(b.key, b.value)
    linked.add(node)
    node.red, node.parent = b.red, parent
    node.left, node.right = (machine_of(kid, node, linked) for kid in b.kids)
    return node
