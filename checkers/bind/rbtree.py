"""Red-black trees: the specification and the machine, side by side."""

from __future__ import annotations

from itertools import pairwise

from mmoracle.impl.rbtree import RbNode, RbRoot
from mmoracle.spec import imbalance, rbtree
from mmoracle.spec.core import Op, Result
from mmoracle.spec.linux import Bug
from mmoracle.spec.rbtree import (
    Config,
    Erase,
    First,
    Insert,
    Last,
    Next,
    Node,
    Postorder,
    Prev,
    Replace,
    Tree,
)

from ..subsystem import Subsystem
from . import refuse

Move = Op[Config, Tree]


def build(cfg: Config) -> RbRoot:
    """Return an empty tree of the configured kind."""
    return RbRoot(cfg.summary, cfg.cached)


def load(cfg: Config, t: Tree) -> RbRoot:
    """Return a machine that holds this tree."""
    root = build(cfg)
    made = {row.key: RbNode(row.key, row.value) for row in t.nodes}
    for row in t.nodes:
        node = made[row.key]
        node.red, node.summary = row.red, row.summary
        node.parent = made.get(row.parent) if row.parent is not None else None
        node.left = made.get(row.left) if row.left is not None else None
        node.right = made.get(row.right) if row.right is not None else None
    if cfg.summary == "gap":
        chain = list(made.values())
        for before, after in pairwise(chain):
            before.next, after.prev = after, before
    root.nodes = set(made.values())
    root.rb_node = made[t.root] if t.root is not None else None
    root.rb_leftmost = made[t.leftmost] if t.leftmost is not None else None
    return root


def key_of(node: RbNode | None) -> int | None:
    """Return the key of a node, if there is one."""
    return node.key if node is not None else None


def in_order(root: RbRoot) -> list[RbNode]:
    """Return every node that is linked by rising key, without following links."""
    return sorted(root.nodes, key=lambda node: node.key)


def abstract(root: RbRoot) -> Tree:
    """Return the table of everything that is linked, without following links."""
    return Tree(
        key_of(root.rb_node),
        key_of(root.rb_leftmost),
        tuple(
            Node(
                node.key,
                key_of(node.parent),
                node.red,
                key_of(node.left),
                key_of(node.right),
                node.value,
                node.summary,
            )
            for node in in_order(root)
        ),
    )


def done(root: RbRoot, refused: Bug | None) -> Result:
    """Return the refusal, or the callbacks since the last operation."""
    calls: tuple[Result, ...] = ()
    if root.augment is not None:
        calls = tuple(root.augment.calls)
        root.augment.calls.clear()
    return refused or calls


def apply(root: RbRoot, op: Move) -> Result:
    """Do what Linux does."""
    match op:
        case Insert(key, own, leftmost):
            return done(root, root.insert(key, own, leftmost))
        case Erase(key):
            return done(root, root.erase(key))
        case Replace(victim, new):
            return done(root, root.replace(victim, new))
        case First():
            return key_of(root.rb_first())
        case Last():
            return key_of(root.rb_last())
        case Next(key):
            node = root.find(key)
            return key_of(root.rb_next(node)) if node is not None else None
        case Prev(key):
            node = root.find(key)
            return key_of(root.rb_prev(node)) if node is not None else None
        case Postorder():
            return tuple(node.key for node in root.postorder())
    raise TypeError(op)


def accept(root: RbRoot, op: Move, result: Result) -> None:
    """Take somebody else's answer, or raise `Disallowed` and change nothing."""
    match op:
        case Insert(key, _, leftmost):
            refused, rule = root.why_not_insert(key, leftmost), "CONTRACT-INSERT"
        case Erase(key):
            refused, rule = root.why_not_erase(key), "CONTRACT-ERASE"
        case Replace(victim, new):
            refused, rule = root.why_not_replace(victim, new), "CONTRACT-INSERT"
        case Postorder():
            once = sorted(result) == [node.key for node in in_order(root)]
            refuse(None if once else ("ITER-EXACT", f"the walk met {result}"))
            return
        case _:
            truth = apply(root, op)
            why = f"the answer is {truth}, got {result}"
            refuse(None if result == truth else ("ITER-EXACT", why))
            return
    agreed = result == refused if refused else isinstance(result, tuple)
    refuse(None if agreed else (rule, f"the answer {result} is wrong"))
    apply(root, op)


def view(t: Tree) -> tuple[int, ...]:
    """Return what any ordered set must agree on: its members in order."""
    return rbtree.keys(t)


def canonical(cfg: Config, t: Tree) -> Tree:
    """Name the i-th node 2i+1, so that every gap has one free key.

    The library never compares keys, so trees that differ only in their names behave
    alike.  A gap tree measures its keys and keeps them.
    """
    if cfg.summary == "gap":
        return t
    name: dict[int | None, int | None] = {None: None}
    name |= {row.key: 2 * i + 1 for i, row in enumerate(t.nodes)}
    rows = tuple(
        Node(
            2 * i + 1,
            name[row.parent],
            row.red,
            name[row.left],
            name[row.right],
            row.value,
            row.summary,
        )
        for i, row in enumerate(t.nodes)
    )
    return Tree(name[t.root], name[t.leftmost], rows)


def plain(nodes: int, keys: int = 0) -> Config:
    """Return a plain tree's bounds, with room for a name in every gap."""
    return Config(keys=keys or 2 * nodes + 1, nodes=nodes)


CONFIGS = {
    "tiny": plain(9),
    "tiny-augmented": Config(keys=11, nodes=5, values=2, summary="max"),
    "tiny-cached": Config(keys=11, nodes=5, cached=True),
    "tiny-gap": Config(keys=7, nodes=5, summary="gap"),
    "small": plain(64),
    "small-augmented": Config(keys=129, nodes=64, values=16, summary="max"),
    "small-cached": Config(keys=129, nodes=64, cached=True),
    "small-gap": Config(keys=4096, nodes=64, summary="gap"),
    "deep": plain(14),
    "deep-augmented": Config(keys=11, nodes=5, values=3, summary="max"),
    "linux": Config(keys=1 << 20, nodes=1 << 16),
}

RBTREE = Subsystem(
    name="rbtree",
    about="red-black trees: plain, augmented and cached (lib/rbtree.c)",
    configs=CONFIGS,
    initial=lambda cfg: rbtree.EMPTY,
    ops=rbtree.OPS,
    invariants=rbtree.INVARIANTS,
    laws=rbtree.LAWS,
    contracts=rbtree.CONTRACTS,
    witnesses=rbtree.WITNESSES,
    build=build,
    load=load,
    abstract=abstract,
    apply=apply,
    accept=accept,
    view=view,
    canonical=canonical,
    second=imbalance.second_reading,
    implied={"RB-HEIGHT": "It follows from RB-RED and RB-BLACK together."},
)
