"""Nodes where memory is odd: one frame, no frame, or frames above all zones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from itertools import product
from typing import Any

from mmoracle.checkers.bind.zones import ZONES, pgdat
from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Sweep, Symbolic, Values
from mmoracle.checkers.symbolic import either, every
from mmoracle.checkers.word import Whole
from mmoracle.impl.zones import nodes
from mmoracle.impl.zones.boot import Boot
from mmoracle.impl.zones.nodes import Frames, Pgdat
from mmoracle.spec.zones import layout, spans, state
from mmoracle.spec.zones.layout import Layout, Range
from mmoracle.spec.zones.movable import Movable
from mmoracle.spec.zones.nodes import FreeAreaInit
from mmoracle.spec.zones.spans import Extent
from mmoracle.spec.zones.state import (
    MOVABLE_BEYOND,
    Config,
    Node,
    Zone,
    unbooted,
)

from ..sides import both_do_alike

# ------------------------------------------------------------------ nodes are made

LAYOUT = Layout(("DMA", "Normal", "Movable"))
CONFIGS = tuple(
    Config(
        maps=(),
        ends=(),
        layout=LAYOUT,
        online=(0, 1),
        orders=3,
        page_struct=0,
        deferred=True,
        section=4,
        quirks=quirks,
    )
    for quirks in ((), (MOVABLE_BEYOND,))
)
MAPS = (
    (Range(0, 0, 1),),
    (Range(0, 0, 1), Range(1, 1, 2)),
    (Range(0, 0, 16), Range(1, 5, 5, hotplug=True)),
    (Range(0, 0, 16), Range(1, 16, 16)),
    (Range(0, 3, 3), Range(0, 5, 12), Range(0, 14, 23)),
    (Range(0, 0, 9), Range(0, 9, 16, hotplug=True), Range(1, 17, 32, hotplug=True)),
    (Range(0, 0, 9), Range(0, 13, 16, hotplug=True), Range(1, 16, 32)),
)
ENDS = ((0, 32, 0), (4, 32, 0), (0, 16, 0), (0, 8, 0), (8, 8, 0))
ASKS = (
    *(Movable(kernelcore=pages) for pages in (0, 4, 6, 11)),
    Movable(movable_node=True),
)


@cache
def boots() -> tuple[tuple[Config, FreeAreaInit], ...]:
    """Return every boot."""
    told = product(MAPS, ENDS, ASKS)
    ops = [FreeAreaInit(ranges, ends, ask) for ranges, ends, ask in told]
    return tuple(product(CONFIGS, ops))


def numbers(top: int) -> Iterator[Values]:
    """Yield the number of each boot."""
    return ((at,) for at in range(len(boots())))


def odd_memory_is_made_into_nodes_alike(top: Any, at: Any) -> Any:
    """From one frame, none, or frames above all zones both sides make the same nodes.

    A range without a frame may still be where ZONE_MOVABLE would begin.
    """
    cfg, op = boots()[at]
    return both_do_alike(ZONES, cfg, unbooted(cfg), op)


def a_node_has_memory_if_a_range_has_a_frame(top: Any, a: Any, b: Any, c: Any) -> Any:
    """Nodes are named once, rising, and not for a range that ends where it begins."""
    ranges = (Range(2, a, b), Range(0, c, c), Range(2, b, b), Range(1, b, b + 1))
    return layout.memory_nodes(ranges) == ((1, 2) if a < b else (1,))


def a_range_or_none(top: Any, a: Any, b: Any, c: Any) -> Iterable[Any]:
    """Assume a range, which may be empty."""
    return (a <= b,)


# ------------------------------------------------------------------ the last zone


def the_zone_at_the_end_of_a_node_is_named_alike(
    top: Any, a: Any, one: Any, b: Any, two: Any
) -> Any:
    """It ends last of those that span a frame, the first of equals; -1 is for none."""
    node = Node(0, 0, 0, 0, (Zone(a, one), Zone(b, two)))
    found = state.last_zone(node)
    if found < 0:
        due = every(found == -1, one == 0, two == 0)
    elif found == 0:
        due = every(one != 0, either(two == 0, a + one >= b + two))
    else:
        due = every(two != 0, either(one == 0, b + two > a + one))
    return every(due, pgdat(node).last == found)


def descriptors_wait_from_the_first_border_behind_a_section(
    top: Any, gaps: Any, low: int, high: int, section: int
) -> bool:
    """It is the first frame at a border of sections with a section's frames below it.

    Only frames of the zone count; both sides say -1 where there is none.
    """
    told = ranges_of(gaps)
    frames = [pfn for a, b in told for pfn in range(max(a, low), min(b, high))]
    due = [pfn for pfn in frames[section:] if pfn % section == 0]
    zone, ranges = Extent(low, high - low), tuple(Range(0, *each) for each in told)
    found = spans.first_deferred(ranges, 0, zone, high, section)
    got = Frames(told).first_deferred(low, high, section)
    return found == got == (due[0] if due else -1)


def ranges_of(gaps: tuple[int, ...]) -> list[tuple[int, int]]:
    """Return two ranges by the distances between their borders."""
    a, b, c, d = (sum(gaps[: at + 1]) for at in range(4))
    return [(a, b), (c, d)]


def few_sections(top: int) -> Iterator[Values]:
    """Yield two ranges, a zone, and the size of a section."""
    gaps = product((0, 1, 4), (1, 2, 5), (0, 1, 3), (1, 4, 7))
    return product(gaps, (0, 3), (3, 8, 20), (2, 3, 4))


# ------------------------------------------------------------------ mistakes


def never_a_lone_frame(told: Layout, zone: int, *where: Any) -> Extent:
    """Take a zone of one frame for an empty one."""
    extent = right_extent(told, zone, *where)
    return Extent() if extent.end == 1 else extent


def moved_by_a_range_without_frames(
    self: Boot, node: Pgdat, frames: Frames, index: int
) -> Any:
    """Let a node without memory have the zone that its empty range would begin."""
    if node.end == 0:
        return nodes.Zone(node.movable_pfn, 0, 0, self.count)
    return right_pages(self, node, frames, index)


def named_by_any_range(ranges: Any) -> tuple[int, ...]:
    """Name nodes whose ranges are all empty, too."""
    return tuple(sorted({r.nid for r in ranges}))


def last_of_equals(node: Node) -> int:
    """Name the higher of two zones that end together."""
    found = [i for i, z in enumerate(node.zones) if z.spanned]
    return max(found, key=lambda i: (node.zones[i].end, i), default=-1)


def last_of_all(self: Pgdat) -> int:
    """Name a zone that spans nothing, on the machine."""
    return max(range(len(self.zones)), key=lambda i: self.zones[i].end)


def from_a_border_of_the_zone(self: Frames, start: int, end: int, section: int) -> int:
    """Let descriptors wait from the first border behind a section of the zone on."""
    border = start + section + -(start + section) % section
    return border if border < end else -1


def border_without_frame(
    ranges: Any, nid: int, zone: Extent, node_end: int, section: int
) -> int:
    """Round up into a hole."""
    found = right_deferred(ranges, nid, zone, node_end, 1)
    return found if found < 0 else found + -found % section


right_extent, right_pages = spans.zone_extent, Boot.calculate_pages
right_deferred = spans.first_deferred

# ------------------------------------------------------------------ the lemmas


def some_ranges(top: int, values: Values) -> Values:
    """Bend words into a range, or none, and a frame."""
    a, b, c = (word % 9 for word in values)
    return min(a, b), max(a, b), c


def some_zones(top: int, values: Values) -> Values:
    """Bend words into small zones."""
    return tuple(word % 5 for word in values)


CORNERS = (
    Lemma(
        claim=odd_memory_is_made_into_nodes_alike,
        provers=(Sweep(cases=numbers, scope="2 nodes, up to 32 frames"),),
        mistakes=(
            Mistake(spans, "zone_extent", never_a_lone_frame),
            Mistake(Boot, "calculate_pages", moved_by_a_range_without_frames),
        ),
    ),
    Lemma(
        claim=a_node_has_memory_if_a_range_has_a_frame,
        given=a_range_or_none,
        size="4 ranges",
        provers=(Symbolic(Whole), Sampled(some_ranges)),
        mistakes=(Mistake(layout, "memory_nodes", named_by_any_range),),
    ),
    Lemma(
        claim=the_zone_at_the_end_of_a_node_is_named_alike,
        size="2 zones",
        provers=(Symbolic(Whole), Sampled(some_zones)),
        mistakes=(
            Mistake(state, "last_zone", last_of_equals),
            Mistake(Pgdat, "last", property(last_of_all)),
        ),
    ),
    Lemma(
        claim=descriptors_wait_from_the_first_border_behind_a_section,
        provers=(Sweep(cases=few_sections, scope="2 ranges of up to 7 frames"),),
        mistakes=(
            Mistake(spans, "first_deferred", border_without_frame),
            Mistake(Frames, "first_deferred", from_a_border_of_the_zone),
        ),
    ),
)
