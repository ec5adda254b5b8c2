"""Leaves that few theorems ask alone: orders, what boot releases, what overlaps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import permutations, product
from typing import Any

from mmoracle.checkers.bind.zones import unbooted as unbooted_machine
from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Sweep, Symbolic, Values
from mmoracle.checkers.symbolic import either, every
from mmoracle.checkers.word import Exact, Whole
from mmoracle.impl.zones import lists, nodes
from mmoracle.impl.zones.boot import Boot
from mmoracle.spec.zones import boot, hotplug, pagesets, state, zonelists
from mmoracle.spec.zones.layout import Layout, Range
from mmoracle.spec.zones.state import (
    Config,
    Node,
    Part,
    System,
    Zone,
)

# ------------------------------------------------------------------ the next node

THREE, MOST = (0, 1, 2), 4  # nodes, MAX_NUMNODES
UNIT = len(THREE) * MOST


def the_nearest_node_comes_next_and_then_the_least_loaded(
    top: Any, one: Any, two: Any, light: Any, heavy: Any
) -> Any:
    """Of equals it is the lower one; the node itself comes first, and -1 is the end.

    Any load below MAX_NUMNODES times the nodes is less than a step of distance.
    """
    away, load = ((10, one, two),), (0, light, heavy)
    m = zonelists.Machine(THREE, THREE, (), away, MOST)
    orders = lists.Orders(THREE, [*THREE], (), away, MOST)
    orders.load = dict(enumerate(load))
    found = zonelists.next_best(m, 0, (0,), load)
    first = either(one < two, every(one == two, light <= heavy))
    return every(
        found == (1 if first else 2),
        orders.find_next_best_node(0, [1, 2]) == found,
        zonelists.next_best(m, 0, (), load) == 0,
        zonelists.next_best(m, 0, (0, 1, 2), load) == -1,
    )


def small_loads(top: Any, one: Any, two: Any, light: Any, heavy: Any) -> Iterable[Any]:
    """Assume loads below one step of distance."""
    return (light < UNIT, heavy < UNIT)


# ------------------------------------------------------------------ pages and numbers

PERCENTS = ((100,), (75, 100), (0, 50, 33))


def boot_releases_a_percentage_of_each_zone_in_turn(
    top: Any, pages: Any, waits: int, which: int
) -> bool:
    """A zone without pages has no turn; frames whose descriptors wait do not count."""
    percents, turn, due = PERCENTS[which], 0, []
    for at, present in enumerate(pages):
        ready = present - (waits if at == 1 else 0)
        due.append(ready * percents[turn % len(percents)] // 100 if present else 0)
        turn += 1 if present else 0
    near, far = (Zone(0, 1, pages[0]), Zone(1, 9, pages[1])), pages[2:]
    there = (
        Node(0, 0, 10, 0, near, deferred=waits),
        Node(1, 0, 0, 0, tuple(Zone(0, each, each) for each in far)),
    )
    s = System(state.Phase.LISTED, state.Tunables(), nodes=there)
    return boot.released_by(s, percents) == (tuple(due[:2]), tuple(due[2:]))


def few_pages(top: int) -> Iterator[Values]:
    """Yield the pages of four zones, those that wait, and percentages."""
    return product(product((0, 5, 200), repeat=4), (0, 3), range(len(PERCENTS)))


def a_part_overlaps_memory_if_a_frame_is_in_both(
    top: Any, a: Any, b: Any, start: Any, pages: Any
) -> Any:
    """The higher of both starts is below both ends, or the two have nothing in common.

    Memory elsewhere makes no difference.
    """
    part, far = Part(0, 0, start, pages), start + pages
    s = System(state.Phase.RUNNING, state.Tunables(), memory=(Range(0, a, b),))
    first = a if a > start else start
    due = every(first < b, first < far)
    beyond = (*s.memory, Range(1, far, far + 1))
    more = System(s.phase, s.tunables, memory=beyond)
    return hotplug.overlaps(s, part) == hotplug.overlaps(more, part) == bool(due)


def two_parts(top: Any, a: Any, b: Any, start: Any, pages: Any) -> Iterable[Any]:
    """Assume memory, and a part with a page."""
    return (a < b, pages >= 1)


def the_next_lower_power_of_two_is_found(top: Any, x: Any) -> Any:
    """It has one bit, is not above the number, and its double is."""
    got = pagesets.rounddown_pow_of_two(x)
    return every(got & (got - 1) == 0, got >= 1, got <= x, x < got * 2)


def short(top: Any, x: Any) -> Iterable[Any]:
    """Assume a number of 1 to 16 bits."""
    return (x >= 1, x < 1 << 16)


def only_zones_without_a_fixed_mapping_are_highmem(
    top: Any, names: tuple[str, ...], source: int, index: int
) -> bool:
    """ZONE_HIGHMEM is, and ZONE_MOVABLE where it takes from it; both sides agree.

    Where the kernel has no ZONE_HIGHMEM its index is -1, and no zone is highmem, though
    there is no memory that ZONE_MOVABLE could take from.
    """
    told = Layout(names)
    cfg = Config(maps=(), ends=(), layout=told)
    m = unbooted_machine(cfg)
    m.limits = [(0, 1 if at == source else 0) for at in range(told.count)]
    found = nodes.movable_source(m.limits, m.movable)
    name = names[found] if found >= 0 else ""
    due = "HighMem" in (names[index], name if names[index] == "Movable" else "")
    got = told.is_highmem(index, found), m.is_highmem(index)
    has = "HighMem" in names
    return got == (due, due) and (has or told.index("HighMem") == -1)


def layouts(top: int) -> Iterator[Values]:
    """Yield zone types in any order, which has memory, if any, and one to ask for."""
    for told in (("Normal", "Movable"), ("Normal", "Movable", "HighMem")):
        for names in permutations(told):
            yield from product((names,), range(-1, len(told)), range(len(told)))


def a_config_counts_the_pages_of_its_blocks(top: Any, order: int) -> bool:
    """The largest block is one order below their number, a page block of its order."""
    cfg = Config(maps=(), ends=(), orders=order + 1, pageblock_order=order)
    return bool(cfg.max_order_pages == cfg.block == 2**order)


# ------------------------------------------------------------------ mistakes


def least_loaded(m: Any, local: int, used: Any, load: Any) -> int:
    """Ask for the load first."""
    left = [n for n in m.memory if n not in used]
    away = m.distance[local]
    return min(left, key=lambda n: (load[n], away[n]), default=-1)


def light_distances(self: lists.Orders, *told: Any) -> None:
    """Weigh a step of distance as many as there are nodes, on the machine."""
    right_orders(self, *told)
    self.unit = self.online


def a_turn_for_all(s: System, percents: Any) -> Any:
    """Give zones without pages a turn."""
    rows, turn = [], 0
    for node in s.nodes:
        row = []
        for at in range(len(node.zones)):
            percent = percents[turn % len(percents)]
            row.append(state.ready(node, at) * percent // 100)
            turn += 1
        rows.append(tuple(row))
    return tuple(rows)


def touching(s: System, part: Part) -> bool:
    """Take memory that ends where a part begins for some of the part."""
    return any(r.start < part.end and part.start <= r.end for r in s.memory)


def three_shifts(x: Any) -> Any:
    """Fill up eight bits below the highest one."""
    for shift in (1, 2, 4):
        x |= x >> shift
    return x - (x >> 1)


def movable_from_nowhere(self: Layout, zone: int, movable_zone: int) -> bool:
    """Take ZONE_MOVABLE for highmem where neither zone is there."""
    return zone == self.highmem or (
        zone == self.movable and movable_zone == self.highmem
    )


def movable_never(self: Boot, index: int) -> bool:
    """Take ZONE_HIGHMEM alone for highmem, on the machine."""
    return index == self.high


def all_orders(self: Config) -> int:
    """Count the orders as the highest of them."""
    return 1 << self.orders


right_orders = lists.Orders.__init__

# ------------------------------------------------------------------ the lemmas


def some_loads(top: int, values: Values) -> Values:
    """Bend words into distances that are near to each other, and loads."""
    one, two, light, heavy = values
    return one % 3, two % 3, light % UNIT, heavy % UNIT


def small_parts(top: int, values: Values) -> Values:
    """Bend words into memory, and a part."""
    a, b, start, pages = (word % 9 for word in values)
    return min(a, b), max(a, b) + 1, start, pages + 1


def some_bits(top: int, values: Values) -> Values:
    """Bend words into a number of up to 16 bits."""
    return ((values[0] % (1 << 16)) or 1,)


LEAVES = (
    Lemma(
        claim=the_nearest_node_comes_next_and_then_the_least_loaded,
        given=small_loads,
        size="3 nodes",
        provers=(Symbolic(Whole), Sampled(some_loads)),
        mistakes=(
            Mistake(zonelists, "next_best", least_loaded),
            Mistake(lists.Orders, "__init__", light_distances),
        ),
    ),
    Lemma(
        claim=boot_releases_a_percentage_of_each_zone_in_turn,
        provers=(Sweep(cases=few_pages, scope="2 nodes of 2 zones"),),
        mistakes=(Mistake(boot, "released_by", a_turn_for_all),),
    ),
    Lemma(
        claim=a_part_overlaps_memory_if_a_frame_is_in_both,
        given=two_parts,
        size="2 ranges",
        provers=(Symbolic(Whole), Sampled(small_parts)),
        mistakes=(Mistake(hotplug, "overlaps", touching),),
    ),
    Lemma(
        claim=the_next_lower_power_of_two_is_found,
        given=short,
        provers=(Symbolic(Exact), Sampled(some_bits)),
        mistakes=(Mistake(pagesets, "rounddown_pow_of_two", three_shifts),),
    ),
    Lemma(
        claim=only_zones_without_a_fixed_mapping_are_highmem,
        provers=(Sweep(cases=layouts, scope="2 or 3 zone types"),),
        mistakes=(
            Mistake(Layout, "is_highmem", movable_from_nowhere),
            Mistake(Boot, "is_highmem", movable_never),
        ),
    ),
    Lemma(
        claim=a_config_counts_the_pages_of_its_blocks,
        provers=(
            Sweep(cases=lambda top: ((n,) for n in range(20)), scope="20 orders"),
        ),
        mistakes=(Mistake(Config, "max_order_pages", property(all_orders)),),
    ),
)
