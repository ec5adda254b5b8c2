"""Spans of zones, kernel memory of nodes, and the order of nodes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Sweep, Symbolic, Values
from mmoracle.checkers.symbolic import either, every
from mmoracle.checkers.word import Bounded, Whole
from mmoracle.impl.zones import fill as machine_fill
from mmoracle.impl.zones import lists
from mmoracle.impl.zones import movable as machine_movable
from mmoracle.impl.zones import nodes as machine
from mmoracle.spec.zones import fill, movable, spans, zonelists
from mmoracle.spec.zones.layout import Layout
from mmoracle.spec.zones.movable import Spread

LAYOUT = Layout(("DMA", "Normal", "Movable"))
UNIT = 4 * 1024  # nodes online, MAX_NUMNODES

# ------------------------------------------------------------------ ranges


def in_order(
    top: Any, border: Any, end: Any, first: Any, last: Any, at: Any, pfn: Any
) -> Iterable[Any]:
    """Assume two zone types up to an end, and a node with memory in it."""
    inside = every(first < last, last <= end, border <= end)
    return (inside, either(at == 0, every(first <= at, at < last, border <= at)))


def a_frame_of_a_node_is_in_one_zone(
    top: Any, border: Any, end: Any, first: Any, last: Any, at: Any, pfn: Any
) -> Any:
    """With ZONE_MOVABLE or without, zones tile the node; the machine has the same.

    `at` is where ZONE_MOVABLE begins, in the highest type, or 0.
    """
    limits, node = ((0, border), (border, end), (0, 0)), (first, last)
    rows = [spans.zone_range(LAYOUT, z, limits, node, at) for z in range(3)]
    told = [machine.zone_bounds(z, list(limits), 2, node, at, False) for z in range(3)]
    kept = [spans.spanned_in_node(a, b, node) for a, b in rows]
    owners = sum(1 for a, pages in kept if a <= pfn and pfn < a + pages)
    here = 1 if first <= pfn and pfn < last else 0
    return owners == here and every(
        *(a == c and b == d for (a, b), (c, d) in zip(rows, told, strict=True))
    )


def movable_alone(
    start: int, end: int, movable_pfn: int, mirrored: bool = False
) -> tuple[int, int]:
    """Leave lower zones as they were."""
    return start, end


def movable_one_late(
    start: int, end: int, movable_pfn: int, mirrored: bool = False
) -> tuple[int, int]:
    """Let the lower zone keep the first frame of ZONE_MOVABLE."""
    if start < movable_pfn < end:
        return start, movable_pfn + 1
    return (end, end) if start >= movable_pfn else (start, end)


def bounds_of_the_type(
    zone: int,
    limits: list[tuple[int, int]],
    movable: int,
    node: tuple[int, int],
    movable_pfn: int,
    mirrored: bool,
) -> tuple[int, int]:
    """Take the limits of the type for those of the node's zone."""
    return limits[zone]


# ------------------------------------------------------------------ kernel memory


def the_machine_takes_as_much_kernel_memory(
    top: Any, required: Any, part: Any, at: Any, start: Any, end: Any, usable: Any
) -> Any:
    """Both sides take the same from a range; never more than is there or is due."""
    s = movable.take_range(Spread(required, part, at), start, end, usable)
    found, left = machine_movable.walk_node([(start, end)], at, part, required, usable)
    return every(
        s.movable_pfn == found,
        s.required == left,
        s.remaining <= part,
        s.required <= required,
        either(s.movable_pfn == at, s.movable_pfn <= end),
        s.movable_pfn >= at,
    )


def take_all(s: Spread, start: int, end: int, usable: int) -> Spread:
    """Take the range up to its end, whatever is due."""
    return Spread(movable.less(s.required, end - start), 0, end, True)


def take_again(s: Spread, start: int, end: int, usable: int) -> Spread:
    """Count again what an earlier pass took."""
    return right_take(Spread(s.required, s.remaining, 0, s.done), start, end, usable)


right_take = movable.take_range


def walk_above_only(
    ranges: list[tuple[int, int]], at: int, part: int, required: int, usable: int
) -> tuple[int, int]:
    """Count nothing for frames below the lowest start."""
    cut = [(max(start, usable), end) for start, end in ranges]
    return right_walk(cut, at, part, required, usable)


right_walk = machine_movable.walk_node


def an_aligned_start_is_in_the_node(top: Any, pfn: Any, end: Any) -> Any:
    """ZONE_MOVABLE begins at a largest block's border, in its node or nowhere."""
    at = movable.align_start(pfn, end, 1024)
    return every(
        at % 1024 == 0,
        either(at == 0, every(pfn <= at, at < end, at < pfn + 1024)),
        machine_movable.aligned(pfn, end, 1024, False) == at,
    )


def beyond_the_end(pfn: int, node_end: int, block: int, clamped: bool = True) -> int:
    """Round up over the node's end."""
    return movable.round_up(pfn, block)


def at_the_end(pfn: int, node_end: int, block: int, beyond: bool) -> int:
    """Let ZONE_MOVABLE begin where the node ends."""
    pfn += -pfn % block
    return pfn if pfn <= node_end else 0


# ------------------------------------------------------------------ order of nodes


def loads(
    top: Any, near: Any, far: Any, light: Any, heavy: Any, at: Any
) -> Iterable[Any]:
    """Assume two distances in order, and loads below one step of distance."""
    return (near < far, light < UNIT, heavy < UNIT)


def no_load_outweighs_a_step_of_distance(
    top: Any, near: Any, far: Any, light: Any, heavy: Any, at: Any
) -> Any:
    """Of two nodes alike but for their distance, the nearer one costs less.

    So does one without processors, and one behind the local node, as far away.
    """

    def cost(node: Any, away: Any, cpus: bool, load: Any) -> Any:
        told = lists.node_cost(node, at, away, cpus, load, UNIT)
        mine = zonelists.node_cost(node, at, away, cpus, load, 4, 1024)
        return mine if mine == told else -1

    return every(
        cost(at, near, False, heavy) < cost(at, far, False, light),
        cost(at, near, False, heavy) < cost(at, near, True, light),
        cost(at + 1, near, True, heavy) < cost(at - 1, near, True, light),
        cost(at, near, True, light) >= 0,
    )


def cost_of_load(
    node: int,
    local: int,
    distance: int,
    has_cpus: bool,
    load: int,
    online: int,
    max_numnodes: int = 1024,
) -> int:
    """Add load to distance as it is."""
    cost = distance + (1 if node < local else 0) + (1 if has_cpus else 0)
    return cost + load


def cost_of_lower(
    n: int, local: int, away: int, cpus: bool, load: int, unit: int
) -> int:
    """Prefer the nodes below the local one."""
    away += 1 if n > local else 0
    away += 1 if cpus else 0
    return away * unit + load


# ------------------------------------------------------------------ blocks


def starts_are_compared_as_numbers(top: Any, a: Any, b: Any) -> Any:
    """However far apart they are, the lower of two starts comes first."""
    told = fill.compare(a, b), machine_fill.cmp_memblk([a, 0, 0], [b, 0, 0])
    if a < b:
        return told == (-1, -1)
    return told == ((0, 0) if a == b else (1, 1))


def compare_in_a_word(a: int, b: int) -> int:
    """Return the difference as a signed word of 32 bits."""
    half = 1 << 31
    return (a - b + half) % (1 << 32) - half


def blocks_in_a_word(a: list[int], b: list[int]) -> int:
    """Return the sign of a difference that was cut to 32 bits."""
    told = compare_in_a_word(a[0], b[0])
    if told == 0:
        return 0
    return 1 if told > 0 else -1


# ------------------------------------------------------------------ the lemmas


def as_they_are(top: int, values: Values) -> Values:
    """Leave words as they were drawn."""
    return values


def nodes_in_limits(top: int, values: Values) -> Values:
    """Bend words into limits and a node between them."""
    border, end, first, last, at, pfn = (word % 64 for word in values)
    end = max(border, end, 2)
    first, last = sorted((first % end, last % end + 1))
    low = max(first, border)
    return border, end, first, last, at if low <= at < last else 0, pfn


NODES = (
    Lemma(
        claim=a_frame_of_a_node_is_in_one_zone,
        given=in_order,
        provers=(Symbolic(Whole), Sampled(nodes_in_limits)),
        mistakes=(
            Mistake(spans, "give_to_movable", movable_alone),
            Mistake(spans, "give_to_movable", movable_one_late),
            Mistake(machine, "zone_bounds", bounds_of_the_type),
        ),
    ),
    Lemma(
        claim=the_machine_takes_as_much_kernel_memory,
        provers=(Symbolic(Whole), Sampled(as_they_are)),
        mistakes=(
            Mistake(movable, "take_range", take_all),
            Mistake(movable, "take_range", take_again),
            Mistake(machine_movable, "walk_node", walk_above_only),
        ),
    ),
    Lemma(
        claim=an_aligned_start_is_in_the_node,
        provers=(Symbolic(Whole), Sampled(as_they_are)),
        mistakes=(
            Mistake(movable, "align_start", beyond_the_end),
            Mistake(machine_movable, "aligned", at_the_end),
        ),
    ),
    Lemma(
        claim=no_load_outweighs_a_step_of_distance,
        given=loads,
        provers=(Symbolic(Whole), Sweep(3)),
        mistakes=(
            Mistake(zonelists, "node_cost", cost_of_load),
            Mistake(lists, "node_cost", cost_of_lower),
        ),
    ),
    Lemma(
        claim=starts_are_compared_as_numbers,
        provers=(Symbolic(Bounded), Sampled(as_they_are)),
        mistakes=(
            Mistake(fill, "compare", compare_in_a_word, bug="P55"),
            Mistake(machine_fill, "cmp_memblk", blocks_in_a_word, bug="P55"),
        ),
    ),
)
