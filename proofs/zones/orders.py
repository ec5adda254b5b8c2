"""The order of nodes and zones, and blocks of nodes that grow to cover a window."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cmp_to_key
from typing import Any

from mmoracle.checkers.bind.zones import ZONES
from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Symbolic, Values
from mmoracle.checkers.mutants.zones_borders import load_twice
from mmoracle.checkers.symbolic import agree, denied, either, every
from mmoracle.checkers.word import Bounded, Whole, one_of
from mmoracle.impl.zones import fill as machine_fill
from mmoracle.impl.zones import lists, machine
from mmoracle.impl.zones.nodes import Pgdat
from mmoracle.spec.zones import boot, fill, zonelists
from mmoracle.spec.zones.fill import Block
from mmoracle.spec.zones.layout import Layout
from mmoracle.spec.zones.nodes import FillMemblks
from mmoracle.spec.zones.state import Config, Node, Phase, System, Zone, unbooted

from ..sides import both_do_alike, equal
from .nodes import blocks_in_a_word, compare_in_a_word

LAYOUT = Layout(("DMA", "Normal", "Movable"))
THREE = Config(maps=(), ends=(), layout=LAYOUT, online=(0, 1, 2), max_numnodes=4)
ONE = replace(THREE, online=(0,))

# ------------------------------------------------------------------ nodes


def every_node_of_three_goes_to_the_others_in_one_order(
    top: Any, near: Any, far: Any, other: Any, one: Any, two: Any
) -> Any:
    """Whatever the distances, with processors or without: both sides, for each node.

    A node comes first in its own list, and the others follow by distance.
    """
    away = ((10, near, far), (near, 10, other), (far, other, 10))
    cpus = tuple(n for n, bit in ((0, one), (1, two)) if bit == 1)
    m = zonelists.Machine((0, 1, 2), (0, 1, 2), cpus, away, 4)
    orders = lists.Orders((0, 1, 2), [0, 1, 2], cpus, away, 4)
    claims = []
    for local, due in enumerate(zonelists.numa_orders(m)):
        got = orders.numa(local)
        first, second, third = due
        claims += [list(due) == got, first == local]
        claims.append(away[local][second] <= away[local][third] + 1)
    return every(*claims)


def distances_and_bits(
    top: Any, near: Any, far: Any, other: Any, one: Any, two: Any
) -> Iterable[Any]:
    """Assume that other nodes are farther than the node itself, and two bits."""
    return (near > 10, far > 10, other > 10, one < 2, two < 2)


def unloaded(
    m: zonelists.Machine, local: int, load: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Forget which nodes led a distance in other lists."""
    return right_order(m, local, load)[0], load


right_order = zonelists.node_order


def present(*pages: Any) -> tuple[Zone, ...]:
    """Return zones with so many present pages, half of them managed and marked."""
    return tuple(
        Zone(0, each, each, each // 2, (0, 0, 5), 3, (0, 0, 0)) for each in pages
    )


def a_zone_with_pages_is_listed_once_and_the_pages_are_counted(
    top: Any, one: Any, two: Any, three: Any, numa: Any
) -> Any:
    """Both sides list the zones with pages, high ones of a node first, and group alike.

    Whether mobility is worth while follows from the pages above the high marks.
    """
    cfg = replace(THREE, online=(0, 1), numa=bool(numa == 1))
    zones = (present(one, two, 0), present(0, three, 0))
    nodes = tuple(Node(nid, 0, 0, 0, zones[nid]) for nid in (0, 1))
    s = replace(unbooted(cfg), phase=Phase.MAPPED, nodes=nodes)
    s = replace(s, cpus=(0,), distance=((10, 20), (20, 10)))
    m = ZONES.load(cfg, s)
    pages, due = m.build_zonelists(), boot.free_pages_up_to(s, LAYOUT.movable)
    after = boot.with_zonelists(cfg, s)
    fallback = after.nodes[0].fallback
    refs = ((0, 0), (0, 1), (1, 1))
    listed = [
        either(*(ref == each for each in fallback)) if fallback else False
        for ref in refs
    ]
    there = [pages != 0 for pages in (one, two, three)]
    return every(
        equal(ZONES.abstract(m).nodes, after.nodes),
        pages == due,
        agree(m.grouping_off, zonelists.grouping_off(due, cfg.block, 5)),
        len(fallback) == len(set(fallback)),
        *(bool(a) == bool(b) for a, b in zip(listed, there, strict=True)),
    )


def a_bit(top: Any, *words: Any) -> Iterable[Any]:
    """Assume a bit at the end."""
    return (words[-1] < 2,)


def low_first(nid: int, pages: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """List the lowest zone of a node first."""
    return tuple(reversed(right_refs(nid, pages)))


def listed_empty(pgdat: Pgdat) -> list[tuple[int, int]]:
    """List zones without pages, on the machine."""
    return [(pgdat.nid, z) for z in reversed(range(len(pgdat.zones)))]


def boosts_count(s: System, highest: int) -> int:
    """Count the pages above the high marks without their boost."""
    return sum(
        max(0, z.managed - z.marks[2])
        for n in s.nodes
        for i, z in enumerate(n.zones)
        if i <= highest
    )


right_refs = zonelists.zonerefs


def the_order_without_numa_is_a_circle(top: Any, at: Any, mask: Any) -> Any:
    """From the node upwards, then from the lowest one on, on both sides."""
    plain = one_of(mask, range(1, 16))
    online = tuple(n for n in range(4) if plain >> n & 1)
    local = online[one_of(at, range(4)) % len(online)]
    due = zonelists.uma_order(online, local)
    above = sorted(online, key=lambda n: (n < local, n))
    return list(due) == lists.uma(online, local) == above


def some_nodes(top: Any, at: Any, mask: Any) -> Iterable[Any]:
    """Assume one of four nodes, some of them online."""
    return (at < 4, mask >= 1, mask < 16)


def falling_circle(online: tuple[int, ...], local: int) -> tuple[int, ...]:
    """Go down from the node."""
    return tuple(sorted(online, key=lambda n: (n > local, -n)))


def from_the_lowest(online: tuple[int, ...], local: int) -> list[int]:
    """Begin with the lowest node, on the machine."""
    return list(online)


def a_memoryless_node_takes_the_first_low_zone_for_its_own(
    top: Any, one: Any, two: Any, highest: Any
) -> Any:
    """The node is that of the first zone that is not too high; -1 without one."""
    zonelist = ((3, one), (5, two))
    got = zonelists.local_memory_node(zonelist, highest)
    if one <= highest:
        return got == 3
    return got == (5 if two <= highest else -1)


def strictly_lower(zonelist: Any, highest: Any) -> int:
    """Take a zone for too high that is just high enough."""
    return next((nid for nid, zone in zonelist if zone < highest), -1)


def any_height(zonelist: Any, highest: Any) -> int:
    """Take the first zone there is."""
    return next((nid for nid, zone in zonelist), -1)


# ------------------------------------------------------------------ blocks


def a_window_is_covered_by_the_blocks_it_meets(
    top: Any, a: Any, b: Any, c: Any, d: Any, start: Any, end: Any, addr: Any
) -> Any:
    """Both sides grow the same blocks; each address of the window is in one of them.

    A window that meets no block leaves them as they are.
    """
    blocks = (Block(a, b), Block(c, d, 1))
    s = replace(unbooted(ONE), blocks=blocks)
    grown = fill.fill_range(blocks, start, end)
    same = both_do_alike(ZONES, ONE, s, FillMemblks((start, end)))
    met = either(*(every(start < x.end, x.start < end) for x in blocks))
    alike = machine_fill.meets_any([[a, b, 0], [c, d, 1]], start, end)
    if grown is None:
        return every(same, not alike, every(either(b <= start, end <= a)))
    inside = every(start <= addr, addr < end)
    covered = either(*(every(x.start <= addr, addr < x.end) for x in grown))
    return every(same, alike, met, either(covered, denied(inside)))


def blocks_and_window(
    top: Any, a: Any, b: Any, c: Any, d: Any, start: Any, end: Any, addr: Any
) -> Iterable[Any]:
    """Assume two blocks, in any order, and a window."""
    return (a < b, c < d, start < end)


def blocks_and_their_window(top: int, *words: int) -> Any:
    """Return a machine with these blocks, and the window that they are to cover."""
    a, b, c, d, start, end, _ = words
    cfg = replace(ONE, blocks=(Block(a, b), Block(c, d, 1)), fills=((start, end),))
    return cfg, [FillMemblks((start, end))]


def first_alone(blocks: Any, start: Any, end: Any) -> list[int]:
    """Put blocks in the order in which they are listed."""
    return [i for i, block in enumerate(blocks) if fill.meets(block, start, end)]


def gaps_stay(blocks: list[list[Any]], start: Any, end: Any) -> bool:
    """Grow the first and the last block only, on the machine."""
    met = [b for b in blocks if start < b[1] and b[0] < end]
    met.sort(key=cmp_to_key(machine_fill.cmp_memblk))
    if met:
        met[0][0] = min(met[0][0], start)
        met[-1][1] = max(met[-1][1], end)
    return bool(met)


# ------------------------------------------------------------------ the lemmas


def bent_distances(top: int, values: Values) -> Values:
    """Bend words into distances and two bits."""
    return (*(11 + x % 9 for x in values[:3]), *(x % 2 for x in values[3:]))


def bent_pages(top: int, values: Values) -> Values:
    """Bend words into pages and a bit."""
    return (*(x % 9000 for x in values[:3]), values[3] % 2)


def bent_nodes(top: int, values: Values) -> Values:
    """Bend words into a node and nodes."""
    return values[0] % 4, values[1] % 15 + 1


def bent_blocks(top: int, values: Values) -> Values:
    """Bend words into two blocks, and a window."""
    a, b, c, d = sorted(x % 40 for x in values[:4])
    start, end = sorted(x % 50 for x in values[4:6])
    one, two = (a, b + 1), (c + 1, d + 2)
    first, last = (one, two) if values[6] % 2 else (two, one)
    return *first, *last, start, end + 1, values[6] % 50


def as_they_are(top: int, values: Values) -> Values:
    """Leave words as they were drawn."""
    return values


ORDERS = (
    Lemma(
        claim=every_node_of_three_goes_to_the_others_in_one_order,
        given=distances_and_bits,
        size="3 nodes",
        provers=(Symbolic(Whole), Sampled(bent_distances)),
        mistakes=(
            Mistake(zonelists, "node_order", unloaded),
            Mistake(lists.Orders, "numa", load_twice),
        ),
    ),
    Lemma(
        claim=a_zone_with_pages_is_listed_once_and_the_pages_are_counted,
        given=a_bit,
        size="2 nodes of 3 zones",
        provers=(Symbolic(Whole), Sampled(bent_pages)),
        mistakes=(
            Mistake(zonelists, "zonerefs", low_first),
            Mistake(lists, "build_zonerefs_node", listed_empty),
            Mistake(boot, "free_pages_up_to", boosts_count),
        ),
    ),
    Lemma(
        claim=the_order_without_numa_is_a_circle,
        given=some_nodes,
        size="4 nodes",
        provers=(Symbolic(Whole), Sampled(bent_nodes)),
        mistakes=(
            Mistake(zonelists, "uma_order", falling_circle),
            Mistake(lists, "uma", from_the_lowest),
        ),
    ),
    Lemma(
        claim=a_memoryless_node_takes_the_first_low_zone_for_its_own,
        size="2 zones",
        provers=(Symbolic(Whole), Sampled(as_they_are)),
        mistakes=(
            Mistake(zonelists, "local_memory_node", strictly_lower),
            Mistake(zonelists, "local_memory_node", any_height),
        ),
    ),
    Lemma(
        claim=a_window_is_covered_by_the_blocks_it_meets,
        given=blocks_and_window,
        size="2 blocks",
        provers=(Symbolic(Bounded), Sampled(bent_blocks)),
        mistakes=(
            Mistake(fill, "compare", compare_in_a_word, bug="P55"),
            Mistake(machine_fill, "cmp_memblk", blocks_in_a_word, bug="P55"),
            Mistake(fill, "in_order", first_alone),
            Mistake(machine, "numa_fill_memblks", gaps_stay),
        ),
        history=blocks_and_their_window,
    ),
)
