"""What holds of every red-black tree and step, and what must be seen at least once.

The checks look at the table of links as it is, so that a broken tree, with links that
lead nowhere or in a circle, gets a complaint and not an endless walk.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..core import Complaints, Contract, Invariant, Law, Step
from ..linux import Bug
from .ops import Erase, Insert, Replace
from .tree import Config, Node, Tree, erase, insert, keys


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
        if node.left is not None and node.left == node.right:
            yield f"{node.key} has {node.left} on both sides"
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
    for key, black, _ in ends:
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
        if node.summary != max([own, *kids]):
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
