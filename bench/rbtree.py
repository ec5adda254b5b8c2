"""The red-black tree machine against sortedcontainers.SortedDict, and its growth."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from math import log2
from random import Random
from time import perf_counter

from sortedcontainers import SortedDict
from table import Table, Times, factor, fastest, spread

from mmoracle.impl.rbtree import RbNode, RbRoot

SIZES = (100, 1_000, 10_000, 100_000)
AT_LEAST = 10_000  # operations in one repetition: small trees are built again
FEW = 16  # keys whose way down stays in the processor's caches
PEER = {
    "insert": "`d[key] = 0`",
    "descend to a key": "`d.bisect_left(key)`",
    "descend to 16 keys in turn": "`d.bisect_left(key)`",
    "find a key": "`d[key]`, a hash look-up",
    "walk, for each node": "`for key in d`",
    "erase": "`del d[key]`",
}


def descend(node: RbNode | None, key: int) -> RbNode | None:
    """Search as every owner of a kernel tree writes it."""
    while node is not None and node.key != key:
        node = node.left if key < node.key else node.right
    return node


def mean_depth(n: int) -> float:
    """Return how many nodes a descent visits, on average over all keys."""
    root, visited = RbRoot(), 0
    for key in shuffles(n)[0]:
        root.insert(key)
    for node in root.nodes:
        up: RbNode | None = node
        while up is not None:
            visited, up = visited + 1, up.parent
    return visited / n


def shuffles(n: int) -> list[list[int]]:
    """Return three orders of the same keys: to insert, to look up, to erase."""
    dice = Random(n)
    return [dice.sample(range(n), n) for _ in range(3)]


def per_key(marks: list[float], n: int) -> Times:
    """Return the seconds for each key between the marks, in the order of `PEER`."""
    took = [after - before for before, after in pairwise(marks)]
    return {name: s / n for name, s in zip(PEER, took, strict=True)}


def machine_round(orders: list[list[int]]) -> list[float]:
    """Fill, search, walk and empty one tree; return the times between."""
    put, look, drop = orders
    few = [look[i % FEW] for i in range(len(look))]
    root, marks = RbRoot(), [perf_counter()]
    for key in put:
        root.insert(key)
    marks.append(perf_counter())
    for key in look:
        descend(root.rb_node, key)
    marks.append(perf_counter())
    for key in few:
        descend(root.rb_node, key)
    marks.append(perf_counter())
    for key in look:
        descend(root.rb_node, key)
    marks.append(perf_counter())
    node = root.rb_first()
    while node is not None:
        node = root.rb_next(node)
    marks.append(perf_counter())
    for key in drop:
        root.erase(key)
    return [*marks, perf_counter()]


def peer_round(orders: list[list[int]]) -> list[float]:
    """Do the same on a SortedDict."""
    put, look, drop = orders
    few = [look[i % FEW] for i in range(len(look))]
    d, marks = SortedDict(), [perf_counter()]
    for key in put:
        d[key] = 0
    marks.append(perf_counter())
    for key in look:
        d.bisect_left(key)
    marks.append(perf_counter())
    for key in few:
        d.bisect_left(key)
    marks.append(perf_counter())
    for key in look:
        d[key]
    marks.append(perf_counter())
    for _ in d:
        pass
    marks.append(perf_counter())
    for key in drop:
        del d[key]
    return [*marks, perf_counter()]


def repetition(side: str, n: int) -> Times:
    """Return the mean seconds for each operation over enough rounds of one side."""
    orders, rounds = shuffles(n), max(1, AT_LEAST // n)
    once = machine_round if side == "machine" else peer_round
    found = [per_key(once(orders), n) for _ in range(rounds)]
    return {name: sum(each[name] for each in found) / rounds for name in PEER}


def tables(quick: bool) -> list[Table]:
    """Return the ratios to the peer and the growth with the size of the tree."""
    sizes = SIZES[:-1] if quick else SIZES
    sides = {(s, n): partial(repetition, s, n) for n in sizes for s in ("machine", "p")}
    took = fastest(sides, repeats=3 if quick else 9)
    return [against(took, sizes), growth(took, sizes)]


def against(took: dict[tuple[str, int], Times], sizes: tuple[int, ...]) -> Table:
    """Return our time divided by the peer's."""
    ratios = {
        name: [took["machine", n][name] / took["p", n][name] for n in sizes]
        for name in PEER
    }
    cells = [x for row in ratios.values() for x in row]
    note = (
        f"The machine is {spread(cells)}: a SortedDict keeps flat lists, which suit"
        " CPython, and the machine keeps the kernel's nodes because their shape is"
        " what is checked."
    )
    return Table(
        "Time divided by that of `sortedcontainers.SortedDict`",
        ["operation", "peer", *(f"n = {n:,}" for n in sizes)],
        [[name, PEER[name], *map(factor, row)] for name, row in ratios.items()],
        note,
    )


def growth(took: dict[tuple[str, int], Times], sizes: tuple[int, ...]) -> Table:
    """Return our time for each operation relative to the smallest tree."""
    first, last = sizes[0], sizes[-1]
    rows = {
        name: [took["machine", n][name] / took["machine", first][name] for n in sizes]
        for name in PEER
        if name != "find a key"  # the same descent
    }
    depth = [mean_depth(n) for n in sizes]
    visits = [each / depth[0] for each in depth]
    walks = rows["walk, for each node"][-1]
    few = rows["descend to 16 keys in turn"][-1]
    note = (
        f"{last // first:,} times as many nodes put {factor(visits[-1])} times as many"
        f" on the way down, as log n says; descending to a few keys costs"
        f" {factor(few)} times as much, to keys all over the tree"
        f" {factor(rows['descend to a key'][-1])} times, as the processor's caches"
        f" no longer hold the way, and a walk {factor(walks)} times, presumably for the"
        " same reason."
    )
    rows["(nodes on the way down, counted)"] = visits
    rows["(log n)"] = [log2(n) / log2(first) for n in sizes]
    return Table(
        f"Growth of one operation, relative to n = {first}",
        ["operation", *(f"n = {n:,}" for n in sizes)],
        [[name, *map(factor, row)] for name, row in rows.items()],
        note,
    )
