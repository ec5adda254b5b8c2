"""Red-black trees as Linux keeps them, with an optional summary and a cached first.

A tree is a table of `Node` rows, one for each linked ``struct rb_node``, and a root.
The library never compares keys: a key here is the node's place in its owner's order,
so exploring every insertion tries every empty link of every tree.  New nodes are
red; `settle` mends a red pair, `replenish` mends a side that lacks one black node,
both by the cases of the kernel and both told once, with `side` for left or right.

Source: lib/rbtree.c, include/linux/rbtree_augmented.h (v5.10).
Letters: t tree, b branch (a subtree), p parent, g grandparent, s sibling, side 0|1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from .core import (
    Complaints,
    Contract,
    Domains,
    Ints,
    Invariant,
    Law,
    OneOf,
    Step,
    nothing,
    require,
    value,
)
from .linux import Bug

# ------------------------------------------------------------------ state


@value
class Node:
    """One linked rb_node: its links by key, its colour and its owner's numbers."""

    key: int
    parent: int | None
    red: bool
    left: int | None
    right: int | None
    value: int = 0  # the owner's number, 0 where the tree has no summary
    summary: int = 0  # what the node stores about its whole subtree


@value
class Tree:
    """rb_root or rb_root_cached, with every linked node in key order."""

    root: int | None = None
    leftmost: int | None = None  # None as well where the tree is not cached
    nodes: tuple[Node, ...] = ()


@value
class Config:
    """The bounds of the trees to look at, and which kind of tree they are."""

    keys: int  # keys are 0..keys-1
    nodes: int  # at most so many at once
    values: int = 1  # owners' numbers are 0..values-1
    summary: str = ""  # "" plain, "max" of the values, "gap" to the node before
    cached: bool = False
    ops: tuple[str, ...] = ()  # the operations on offer; empty: all


EMPTY = Tree()  # RB_ROOT

# ------------------------------------------------- branches: trees as plain values


@value
class Branch:
    """A subtree as a value: no parent links, no summaries, both derived."""

    key: int
    red: bool
    value: int
    kids: tuple[Branch | None, Branch | None] = (None, None)


Sub: TypeAlias = "Branch | None"
Path: TypeAlias = "list[tuple[Branch, int]]"  # from the root down, with sides taken
Call: TypeAlias = "tuple[str, int | None, int | None]"  # callback name, two nodes


CALLBACKS = ("propagate", "copy", "rotate")  # struct rb_augment_callbacks


def seen(cfg: Config, calls: list[Call]) -> tuple[Call, ...]:
    """Return the calls that the owner of an augmented tree sees, in order."""
    augmented = cfg.summary != ""
    return tuple(call for call in calls if augmented and call[0] in CALLBACKS)


def red(b: Sub) -> bool:
    """Say whether there is a node and it is red; no node counts as black."""
    return b is not None and b.red


def hang(p: Branch, side: int, b: Sub) -> Branch:
    """Return `p` with `b` as its child on `side`."""
    kids = (b, p.kids[1]) if side == 0 else (p.kids[0], b)
    return Branch(p.key, p.red, p.value, kids)


def paint(b: Branch, is_red: bool) -> Branch:
    """Return `b` in this colour."""
    return Branch(b.key, is_red, b.value, b.kids)


def rotate(top: Branch, side: int, is_red: bool, calls: list[Call]) -> Branch:
    """Turn `top` down to `side`; the riser takes its colour, it becomes `is_red`."""
    riser = top.kids[1 - side]
    assert riser is not None
    calls.append(("rotate", top.key, riser.key))
    down = hang(paint(top, is_red), 1 - side, riser.kids[side])
    return hang(paint(riser, top.red), side, down)


def graft(path: Path, b: Sub) -> Sub:
    """Rebuild the tree above `b`."""
    for p, side in reversed(path):
        b = hang(p, side, b)
    return b


def branch_of(t: Tree) -> Sub:
    """Return the whole tree as a value."""
    rows = {node.key: node for node in t.nodes}

    def grow(key: int | None) -> Sub:
        if key is None:
            return None
        node = rows[key]
        return Branch(key, node.red, node.value, (grow(node.left), grow(node.right)))

    return grow(t.root)


def tree_of(cfg: Config, b: Sub) -> Tree:
    """Return the table of a tree, with parents, summaries and first node derived."""
    rows: list[Node] = []
    last = [0]  # the key before in order: a gap counts from there, or from 0

    def visit(b: Sub, parent: int | None) -> int:
        if b is None:
            return 0
        left, right = b.kids
        low = visit(left, b.key)
        own = b.key - last[0] if cfg.summary == "gap" else b.value
        last[0] = b.key
        high = visit(right, b.key)
        summary = max(own, low, high) if cfg.summary else 0
        links = (left.key if left else None, right.key if right else None)
        rows.append(Node(b.key, parent, b.red, *links, b.value, summary))
        return summary

    visit(b, None)
    rows.sort(key=lambda node: node.key)
    first = rows[0].key if cfg.cached and rows else None
    return Tree(b.key if b else None, first, tuple(rows))


def walk(b: Sub) -> list[Branch]:
    """Return the nodes of a branch in order."""
    return [*walk(b.kids[0]), b, *walk(b.kids[1])] if b else []


def descend(b: Sub, key: int) -> tuple[Path, Sub]:
    """Return the way from the root to `key`, or to the empty link where it belongs."""
    path: Path = []
    while b is not None and b.key != key:
        side = int(key > b.key)
        path.append((b, side))
        b = b.kids[side]
    return path, b


# ------------------------------------------------------------------ insertion


def settle(path: Path, b: Branch, calls: list[Call]) -> Sub:
    """Put the red branch `b` under `path` and mend a red pair (__rb_insert)."""
    if not path:
        return paint(b, False)
    *above, (p, side) = path
    if not p.red:
        return graft(path, b)
    *above, (g, p_side) = above
    uncle = g.kids[1 - p_side]
    if uncle is not None and uncle.red:  # case 1: recolour, go on at the grandparent
        calls.append(("recolour", g.key, None))
        p = hang(paint(p, False), side, b)
        g = hang(hang(g, p_side, p), 1 - p_side, paint(uncle, False))
        return settle(above, paint(g, True), calls)
    p = hang(p, side, b)
    if side != p_side:  # case 2: the inner grandchild first goes to the outside
        p = rotate(p, p_side, True, calls)
    g = hang(g, p_side, p)  # case 3
    return graft(above, rotate(g, 1 - p_side, True, calls))


def insert(cfg: Config, t: Tree, key: int, own: int) -> tuple[Tree, list[Call]]:
    """Link a new red node and rebalance; return the tree and the callbacks in order."""
    calls: list[Call] = []
    b = branch_of(t)
    path, _ = descend(b, key)
    if cfg.summary == "gap":  # mm/mmap.c:__vma_link_rb refreshes the next node first
        after = [node.key for node in walk(b) if node.key > key]
        calls += [("propagate", after[0], None)] if after else []
        calls.append(("propagate", key, None))
    grown = settle(path, Branch(key, True, own), calls)
    return tree_of(cfg, grown), calls


# ------------------------------------------------------------------ erasure


def replenish(path: Path, b: Sub, calls: list[Call]) -> Sub:
    """Put `b`, one black node short, under `path` and mend it (____rb_erase_color)."""
    if not path:
        return b
    *above, (p, side) = path
    p = hang(p, side, b)
    s = p.kids[1 - side]
    assert s is not None
    if s.red:  # case 1: a red sibling rises and leaves a black one
        calls.append(("red sibling", s.key, None))
        p = rotate(p, side, True, calls)
        above = [*above, (p, side)]
        lower = p.kids[side]
        assert lower is not None
        p = lower
        s = p.kids[1 - side]
        assert s is not None
    if not red(s.kids[0]) and not red(s.kids[1]):  # case 2: recolour the sibling
        calls.append(("recolour", s.key, None))
        short = hang(p, 1 - side, paint(s, True))
        if p.red:
            return graft(above, paint(short, False))
        return replenish(above, short, calls)
    if not red(s.kids[1 - side]):  # case 3: the inner nephew first goes to the outside
        calls.append(("inner nephew", s.key, None))
        s = rotate(s, 1 - side, True, calls)
    outer = s.kids[1 - side]
    assert outer is not None
    p = hang(p, 1 - side, hang(s, 1 - side, paint(outer, False)))  # case 4
    return graft(above, rotate(p, side, False, calls))


def erase(cfg: Config, t: Tree, key: int) -> tuple[Tree, list[Call]]:
    """Unlink `key` and rebalance; the successor takes an inner node's place."""
    calls: list[Call] = []
    path, b = descend(branch_of(t), key)
    assert b is not None
    left, right = b.kids
    following = [node.key for node in t.nodes if node.key > key]
    if left is None or right is None:
        child = left or right
        calls.append(("propagate", path[-1][0].key if path else None, None))
        shrunk = take_place(path, child, b.red, calls)
    else:
        shrunk = promote_successor(path, b, calls)
    if cfg.summary == "gap" and following:  # mm/mmap.c:detach_vmas_to_be_unmapped
        calls.append(("propagate", following[0], None))
    return tree_of(cfg, shrunk), calls


def take_place(path: Path, child: Sub, was_red: bool, calls: list[Call]) -> Sub:
    """Let an only child, or nothing, take the place of a node that had this colour."""
    if child is not None:
        return graft(path, paint(child, False))  # an only child is red under a black
    return graft(path, None) if was_red else replenish(path, None, calls)


def promote_successor(path: Path, b: Branch, calls: list[Call]) -> Sub:
    """Relink the next node in order into the place and colour of `b`."""
    below: Path = []
    s = b.kids[1]
    assert s is not None
    while s.kids[0] is not None:
        below.append((s, 0))
        s = s.kids[0]
    calls.append(("copy", b.key, s.key))
    if below:
        calls.append(("propagate", below[-1][0].key, s.key))
    calls.append(("propagate", s.key, None))
    stand_in = Branch(s.key, b.red, s.value, b.kids)
    return take_place([*path, (stand_in, 1), *below], s.kids[1], s.red, calls)


def postorder(b: Sub) -> tuple[int, ...]:
    """Return the keys of a branch, children before their parent."""
    return (*postorder(b.kids[0]), *postorder(b.kids[1]), b.key) if b else ()


def keys(t: Tree) -> tuple[int, ...]:
    """Return the keys of the table in order."""
    return tuple(node.key for node in t.nodes)


def has(t: Tree, key: int) -> bool:
    """Say whether `key` is linked."""
    return any(node.key == key for node in t.nodes)


ABSENT = Bug("not in the tree")
PRESENT = Bug("already in the tree")
MISPLACED = Bug("not between the neighbours of the victim")
NOT_FIRST = Bug("the leftmost flag disagrees with the descent")

# ------------------------------------------------------------------ operations


def answers(result: object, refusal: Bug | None, what: str) -> None:
    """Require that a change is refused exactly when it must be, for the named cause."""
    done = isinstance(result, tuple)
    if refusal is None:
        require(done, "CONTRACT-INSERT", f"{what} was refused: {result}")
    else:
        rule = "CONTRACT-ERASE" if refusal == ABSENT else "CONTRACT-INSERT"
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
        answers(result, no, f"inserting {self.key}")
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
        answers(result, no, f"erasing {self.key}")
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
        answers(result, no, f"replacing {self.victim} by {self.new}")
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

# ------------------------------------------------------------------ always


def rows_of(t: Tree) -> dict[int | None, Node]:
    """Return the table by key, for looking up links that may be wrong."""
    return {node.key: node for node in t.nodes}


def in_order(t: Tree) -> list[int]:
    """Return the keys met by walking the links in order; a second visit ends a way."""
    rows, met, way = rows_of(t), set[int](), list[Node]()
    order: list[int] = []
    node = rows.get(t.root)
    while node is not None or way:
        while node is not None and node.key not in met:
            met.add(node.key)
            way.append(node)
            node = rows.get(node.left)
        if not way:
            break
        here = way.pop()
        order.append(here.key)
        node = rows.get(here.right)
    return order


def the_walk_meets_each_node_in_order(cfg: Config, t: Tree) -> Complaints:
    """Walking the links in order meets every linked node once, by rising key."""
    order = in_order(t)
    if order != list(keys(t)):
        yield f"the walk meets {order} of the nodes {list(keys(t))}"


def links_are_mutual(cfg: Config, t: Tree) -> Complaints:
    """A node is the child of its parent, and the root of nobody."""
    rows = rows_of(t)
    for node in t.nodes:
        p = rows.get(node.parent)
        if node.key == t.root and node.parent is not None:
            yield f"root {node.key} has parent {node.parent}"
        elif node.key != t.root and (p is None or node.key not in (p.left, p.right)):
            yield f"{node.key} has parent {node.parent}, which is not above it"
        for kid in (node.left, node.right):
            if kid is not None and (kid not in rows or rows[kid].parent != node.key):
                yield f"{node.key} has child {kid}, which does not point back"


def the_root_is_black(cfg: Config, t: Tree) -> Complaints:
    """The root is black."""
    root = rows_of(t).get(t.root)
    if root is not None and root.red:
        yield f"root {root.key} is red"


def no_red_node_has_a_red_child(cfg: Config, t: Tree) -> Complaints:
    """A red node has no red child."""
    rows = rows_of(t)
    for node in t.nodes:
        for kid in (rows.get(node.left), rows.get(node.right)):
            if node.red and kid is not None and kid.red:
                yield f"red {node.key} has red child {kid.key}"


def heights(t: Tree) -> Iterator[tuple[int, int, int]]:
    """Yield (key, black nodes, nodes) above each empty link, walking from the root."""
    rows, met, todo = rows_of(t), set[int](), [(t.root, 0, 0)]
    while todo:
        key, black, depth = todo.pop()
        node = rows.get(key)
        if node is None or node.key in met:
            continue
        met.add(node.key)
        black, depth = black + (not node.red), depth + 1
        for kid in (node.right, node.left):
            if kid is None:
                yield node.key, black, depth
            todo.append((kid, black, depth))


def every_path_has_as_many_black_nodes(cfg: Config, t: Tree) -> Complaints:
    """Every way from the root to an empty link meets the same number of black nodes."""
    ends = list(heights(t))
    for key, black, _ in ends[1:]:
        if black != ends[0][1]:
            first = f"{ends[0][1]} black nodes down to {ends[0][0]}"
            yield f"{first} but {black} down to {key}"
            return


def the_tree_is_low(cfg: Config, t: Tree) -> Complaints:
    """No way is longer than twice the logarithm of the number of nodes plus one."""
    for key, _, depth in heights(t):
        if 1 << depth > (len(t.nodes) + 1) ** 2:
            yield f"{key} is {depth} deep in a tree of {len(t.nodes)} nodes"


def summary_complaints(cfg: Config, t: Tree) -> Complaints:
    """Compare each stored summary with the one its node and children give."""
    rows, before = rows_of(t), 0
    for node in t.nodes:
        own = node.key - before if cfg.summary == "gap" else node.value
        before = node.key
        kids = [rows[kid].summary for kid in (node.left, node.right) if kid in rows]
        if node.summary != max(own, *kids, 0):
            why = f"its own is {own}, its children's are {kids}"
            yield f"{node.key} stores the summary {node.summary}, but {why}"


def summaries_are_maxima(cfg: Config, t: Tree) -> Complaints:
    """A node stores the greatest of its own value and its children's summaries."""
    if cfg.summary == "max":
        yield from summary_complaints(cfg, t)


def gaps_are_exact(cfg: Config, t: Tree) -> Complaints:
    """A node stores the widest gap before any node of its subtree."""
    if cfg.summary == "gap":
        yield from summary_complaints(cfg, t)


def the_cached_node_is_first(cfg: Config, t: Tree) -> Complaints:
    """A cached tree remembers its first node, and none when it is empty."""
    first = min(keys(t), default=None) if cfg.cached else None
    if t.leftmost != first:
        yield f"leftmost is {t.leftmost}, the first node is {first}"


INVARIANTS = (
    Invariant("RB-PARENT", links_are_mutual),
    Invariant("RB-ORDER", the_walk_meets_each_node_in_order),
    Invariant("RB-ROOT", the_root_is_black),
    Invariant("RB-RED", no_red_node_has_a_red_child),
    Invariant("RB-BLACK", every_path_has_as_many_black_nodes),
    Invariant("RB-HEIGHT", the_tree_is_low),
    Invariant("RB-AUG", summaries_are_maxima),
    Invariant("VMA-GAP", gaps_are_exact),
    Invariant("RB-CACHED", the_cached_node_is_first),
)


def the_set_changes_as_asked(cfg: Config, step: Step[Config, Tree]) -> Complaints:
    """Insert adds its key, erase removes it, replace swaps two, nothing else moves."""
    before, after = set(keys(step.before)), set(in_order(step.after))
    match step.op:
        case Insert(key) if isinstance(step.result, tuple):
            before |= {key}
        case Erase(key) if isinstance(step.result, tuple):
            before -= {key}
        case Replace(victim, new) if isinstance(step.result, tuple):
            before = before - {victim} | {new}
    if after != before:
        yield f"the tree holds {sorted(after)}, the set is {sorted(before)}"


LAWS = (Law("RB-SET", the_set_changes_as_asked),)

CONTRACTS = (
    Contract("CONTRACT-INSERT", "A new node is linked; a wrong one is diagnosed."),
    Contract("CONTRACT-ERASE", "A node that is absent is diagnosed, not walked into."),
    Contract("ITER-EXACT", "Each walk meets each node once, in its order."),
)

# ------------------------------------------------------------------ sometimes


def calls_of(cfg: Config, step: Step[Config, Tree]) -> list[str]:
    """Return the names of what an insertion or erasure went through."""
    match step.op:
        case Insert(key, own) if isinstance(step.result, tuple):
            return [call[0] for call in insert(cfg, step.before, key, own)[1]]
        case Erase(key) if isinstance(step.result, tuple):
            return [call[0] for call in erase(cfg, step.before, key)[1]]
    return []


def insert_recolours(cfg: Config, step: Step[Config, Tree]) -> bool:
    """A red uncle is recoloured (insert, case 1)."""
    return isinstance(step.op, Insert) and "recolour" in calls_of(cfg, step)


def insert_rotates_twice(cfg: Config, step: Step[Config, Tree]) -> bool:
    """An inner grandchild is turned outside first (insert, cases 2 and 3)."""
    return isinstance(step.op, Insert) and calls_of(cfg, step).count("rotate") == 2


def insert_rotates_once(cfg: Config, step: Step[Config, Tree]) -> bool:
    """An outer grandchild needs one rotation (insert, case 3)."""
    return isinstance(step.op, Insert) and calls_of(cfg, step).count("rotate") == 1


def erase_meets_a_red_sibling(cfg: Config, step: Step[Config, Tree]) -> bool:
    """A red sibling rises (erase, case 1)."""
    return isinstance(step.op, Erase) and "red sibling" in calls_of(cfg, step)


def erase_recolours_a_sibling(cfg: Config, step: Step[Config, Tree]) -> bool:
    """A black sibling with black children is recoloured (erase, case 2)."""
    return isinstance(step.op, Erase) and "recolour" in calls_of(cfg, step)


def erase_turns_an_inner_nephew(cfg: Config, step: Step[Config, Tree]) -> bool:
    """A red inner nephew is turned outside first (erase, cases 3 and 4)."""
    return isinstance(step.op, Erase) and "inner nephew" in calls_of(cfg, step)


def erase_promotes_a_successor(cfg: Config, step: Step[Config, Tree]) -> bool:
    """The in-order successor takes the place of an inner node."""
    return isinstance(step.op, Erase) and "copy" in calls_of(cfg, step)


def the_tree_empties(cfg: Config, step: Step[Config, Tree]) -> bool:
    """The last node is erased."""
    return bool(step.before.nodes) and not step.after.nodes


def a_mistake_is_diagnosed(cfg: Config, step: Step[Config, Tree]) -> bool:
    """A caller's mistake is answered with a diagnosis."""
    return isinstance(step.result, Bug)


WITNESSES = (
    insert_recolours,
    insert_rotates_once,
    insert_rotates_twice,
    erase_meets_a_red_sibling,
    erase_recolours_a_sibling,
    erase_turns_an_inner_nephew,
    erase_promotes_a_successor,
    the_tree_empties,
    a_mistake_is_diagnosed,
)
