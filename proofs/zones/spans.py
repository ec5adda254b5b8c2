"""Nodes and their zones from a memory map: limits, spans, holes, and what is managed.

Both sides make a whole node from ranges of any place and size.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from mmoracle.checkers.bind.zones import read, unbooted
from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Symbolic, Values
from mmoracle.checkers.mutants.zones_nodes import (
    all_kinds,
    deferred_at_once,
    holes_count_twice,
    leaves_the_node,
    memmap_at_any_hole,
    memmap_rounded_down,
)
from mmoracle.checkers.symbolic import either, every
from mmoracle.checkers.word import Whole, one_of
from mmoracle.impl.zones import nodes as machine
from mmoracle.impl.zones.boot import Boot
from mmoracle.impl.zones.nodes import Frames
from mmoracle.spec.zones import nodes, spans
from mmoracle.spec.zones.layout import Layout, Range
from mmoracle.spec.zones.movable import Movable
from mmoracle.spec.zones.state import Config, Node, System
from mmoracle.spec.zones.state import unbooted as off

from ..sides import equal

LAYOUT = Layout(("DMA", "Normal", "Movable"))
BASE = Config(maps=(), ends=(), layout=LAYOUT)

# ------------------------------------------------------------------ limits


def zone_types_have_the_same_limits_and_tile_memory(
    top: Any, first: Any, end: Any, low: Any, high: Any, falling: Any
) -> Any:
    """From the first frame on each type begins where the one before it ends.

    So it is for types at falling addresses too, and ZONE_MOVABLE has no limits.
    """
    descending = bool(falling == 1)
    ends = (low, high, 0)
    ranges = (Range(0, first, end),)
    limits = spans.zone_limits(LAYOUT, ends, ranges, descending)
    told = machine.zone_limits(3, 2, ends, first, descending)
    lower, upper, none = limits
    if descending:
        lower, upper = upper, lower
    return every(
        equal(list(limits), told),
        lower[0] == first,
        lower[1] == upper[0],
        upper[0] <= upper[1],
        none == (0, 0),
        equal(
            spans.zone_for_movable(LAYOUT, limits),
            machine.movable_source(told, 2),
        ),
    )


def one_range(top: Any, first: Any, end: Any, *words: Any) -> Iterable[Any]:
    """Assume a range of memory, and a bit."""
    return (first < end, words[-1] < 2)


def overlapping(zones: int, movable: int, ends: Any, first: Any, falling: bool) -> Any:
    """Let every type begin at the first frame."""
    limits = [(first, max(ends[z], first)) for z in range(zones)]
    limits[movable] = (0, 0)
    return limits


def from_nothing(
    layout: Layout, ends: Any, ranges: Any, descending: bool = False
) -> Any:
    """Let the lowest type begin at frame 0."""
    return right_limits(layout, ends, (Range(0, 0, 1),), descending)


right_limits = spans.zone_limits

# ------------------------------------------------------------------ nodes


def state(
    cfg: Config, limits: Any, ranges: tuple[Range, ...], mirror: bool = False
) -> tuple[System, Any]:
    """Return a state with this memory, and a machine."""
    s = replace(off(cfg), limits=limits, memory=ranges, ask=Movable(mirror=mirror))
    m = unbooted(cfg)
    m.limits = list(limits)
    m.memory = tuple((r.nid, r.start, r.end, r.hotplug, r.mirror) for r in ranges)
    m.ask = (0, 0, 0, 0, mirror, False)
    return s, m


def made_alike(cfg: Config, limits: Any, ranges: Any, at: Any, mirror: bool) -> Any:
    """Say that both sides make the same node; return its claim, and the node."""
    s, m = state(cfg, limits, ranges, mirror)
    node = nodes.make_node(cfg, s, 0, at)
    m.free_area_init_node(0, Frames([(r.start, r.end) for r in ranges]), at)
    got = m.pgdat[0]
    same = every(
        equal(tuple(map(read, got.zones)), node.zones),
        got.start == node.start,
        got.end == node.end,
        got.deferred == node.deferred,
    )
    return same, node


def within_node(node: Node) -> Any:
    """Say that zones lie in their node and have no more pages than they span."""
    inside = []
    for z in node.zones:
        placed = every(node.start <= z.start, z.start + z.spanned <= node.end)
        inside.append(either(z.spanned == 0, placed))
        inside += [z.present >= 0, z.present <= z.spanned]
        inside += [z.managed >= 0, z.managed <= z.present]
    return every(*inside)


def a_node_with_a_hole_is_made_alike_and_keeps_its_frames(
    top: Any, a: Any, b: Any, c: Any, d: Any, border: Any, end: Any, at: Any
) -> Any:
    """Zones span frames of the node only, and together have all of its memory."""
    limits = ((0, border), (border, end), (0, 0))
    ranges = (Range(0, a, b), Range(0, c, d))
    cfg = replace(BASE, page_struct=0)
    same, node = made_alike(cfg, limits, ranges, at, False)
    present = sum((z.present for z in node.zones), start=0)
    return every(same, within_node(node), present == (b - a) + (d - c))


def two_ranges(
    top: Any, a: Any, b: Any, c: Any, d: Any, border: Any, end: Any, at: Any
) -> Iterable[Any]:
    """Assume two ranges in order below the end, and a start of ZONE_MOVABLE or none."""
    here = every(border <= at, a <= at, at < d)
    return (a < b, b <= c, c < d, d <= end, border < end, either(at == 0, here))


def a_node_with_mirrored_memory_is_made_alike(
    top: Any, a: Any, b: Any, c: Any, d: Any, end: Any, at: Any, one: Any, two: Any
) -> Any:
    """ZONE_NORMAL and ZONE_MOVABLE lie in each other's holes, on both sides alike."""
    limits = ((0, 0), (0, end), (0, 0))
    ranges = (
        Range(0, a, b, mirror=bool(one == 1)),
        Range(0, c, d, mirror=bool(two == 1)),
    )
    return made_alike(replace(BASE, page_struct=0), limits, ranges, at, True)[0]


def two_mirrors(
    top: Any, a: Any, b: Any, c: Any, d: Any, end: Any, at: Any, one: Any, two: Any
) -> Iterable[Any]:
    """Assume two ranges in order below the end, and a bit for each."""
    return (a < b, b <= c, c < d, d <= end, at < d, one < 2, two < 2)


MACHINES = (
    BASE,
    replace(BASE, sparsemem=False, page_struct=56, dma_reserve=21),
    replace(BASE, layout=Layout(("DMA", "HighMem", "Movable", "Normal"))),
    replace(BASE, dma_reserve=21, page_shift=14),
)


def a_node_is_reckoned_to_manage_the_same_pages(
    top: Any, a: Any, b: Any, c: Any, border: Any, which: Any
) -> Any:
    """Descriptors and the reserve of DMA come off alike, and never more than there is.

    Holes count where descriptors are one array, or where they are small.
    """
    cfg = MACHINES[one_of(which, range(len(MACHINES)))]
    limits = ((0, border), (border, top), *((0, 0),) * (cfg.layout.count - 2))
    ranges = (Range(0, a, b), Range(0, c, c + 1))
    same, node = made_alike(cfg, limits, ranges, 0, False)
    return every(same, within_node(node))


def hole_and_machine(
    top: Any, a: Any, b: Any, c: Any, border: Any, which: Any
) -> Iterable[Any]:
    """Assume a range of memory, a frame behind it, and a machine."""
    return (a < b, b <= c, c < top, border < top, which < len(MACHINES))


SECTION = 1 << 15


def descriptors_wait_alike_from_a_border_of_sections_on(
    top: Any, a: Any, b: Any, c: Any, d: Any, border: Any
) -> Any:
    """The last zone gets a section's worth at once; the rest of its frames wait.

    There is never more that waits than the zone has.
    """
    cfg = replace(BASE, deferred=True, page_struct=0, section=SECTION)
    limits = ((0, border), (border, d), (0, 0))
    ranges = (Range(0, a, b), Range(0, c, d))
    same, node = made_alike(cfg, limits, ranges, 0, False)
    last = node.zones[1] if d > border else node.zones[0]
    waits = node.deferred
    ready = last.present - waits
    return every(same, waits >= 0, either(waits == 0, ready >= SECTION))


def two_in_order(
    top: Any, a: Any, b: Any, c: Any, d: Any, border: Any
) -> Iterable[Any]:
    """Assume two ranges in order."""
    return (a < b, b <= c, c < d)


# ------------------------------------------------------------------ mistakes


def holes_forgotten(ranges: Any, nid: int, start: Any, end: Any) -> Any:
    """Count no frame as absent."""
    return 0


def to_the_border(start: Any, end: Any, node: tuple[Any, Any]) -> tuple[Any, Any]:
    """Let a zone end a page behind its node."""
    first, pages = right_spanned(start, end, node)
    return first, pages + (1 if pages and end == node[1] else 0)


def kinds_confused(layout: Layout, zone: int, ranges: Any, *limits: Any) -> Any:
    """Take what is not mirrored for what is."""
    turned = tuple(replace(r, mirror=not r.mirror) for r in ranges)
    return right_kinds(layout, zone, turned, *limits)


def reserve_at_the_border(
    present: Any, memmap: Any, first: bool, highmem: bool = False, dma_reserve: int = 0
) -> Any:
    """Take the reserve from a zone that is no larger."""
    if first and present == dma_reserve:
        return 0
    return right_provisional(present, memmap, first, highmem, dma_reserve)


def waits_at_once(ranges: Any, nid: int, zone: Any, node_end: Any, section: int) -> Any:
    """Let descriptors wait from the first border of sections on."""
    border = (zone.start + section - 1) // section * section
    return border if zone.spanned and border < zone.end else -1


right_spanned, right_kinds = spans.spanned_in_node, spans.of_other_kind
right_provisional = spans.provisional

# ------------------------------------------------------------------ the lemmas


def in_two_ranges(top: int, values: Values) -> Values:
    """Bend words into two ranges, limits around them, and a place in them."""
    a, b, c, d, *rest = values
    a, b, c, d = sorted((a % 100, b % 100, c % 100 + 100, d % 100 + 100))
    border, end = rest[0] % 190, d + rest[1] % 9
    at = max(border, a) + rest[2] % 16
    return a, b + 1, c + 1, d + 1, border, end + 1, at if at <= d else 0


def mirrored_ranges(top: int, values: Values) -> Values:
    """Bend words into two ranges, an end, a place below it, and bits."""
    a, b, c, d, *rest = values
    a, b, c, d = sorted((a % 100, b % 100, c % 100 + 100, d % 100 + 100))
    end, at, one, two = rest
    return a, b + 1, c + 1, d + 1, d + 1 + end % 9, at % (d + 1), one % 2, two % 2


def large_zones(top: int, values: Values) -> Values:
    """Bend words into a range, a frame behind it, a border, and a machine."""
    a, b, c, border, which = values
    a, b, c = sorted((a % 100, b % 10_000, c % 12_000))
    return a, b + 1, c + 1, border % 9_000, which % len(MACHINES)


def sections(top: int, values: Values) -> Values:
    """Bend words into two ranges of some sections."""
    a, b, c, d = sorted(word % (5 * SECTION) for word in values[:4])
    return a, b + 1, c + 1, d + 2, values[4] % (5 * SECTION)


def bent_range(top: int, values: Values) -> Values:
    """Bend words into a range and a bit."""
    first, end, low, high, falling = values
    return min(first, end), max(first, end) + 1, low, high, falling % 2


SPANS = (
    Lemma(
        claim=zone_types_have_the_same_limits_and_tile_memory,
        given=one_range,
        provers=(Symbolic(Whole), Sampled(bent_range)),
        mistakes=(
            Mistake(machine, "zone_limits", overlapping),
            Mistake(spans, "zone_limits", from_nothing),
        ),
    ),
    Lemma(
        claim=a_node_with_a_hole_is_made_alike_and_keeps_its_frames,
        given=two_ranges,
        size="2 ranges, 3 zone types",
        provers=(Symbolic(Whole), Sampled(in_two_ranges)),
        mistakes=(
            Mistake(spans, "absent_in_range", holes_forgotten),
            Mistake(spans, "spanned_in_node", to_the_border),
            Mistake(machine, "spanned", leaves_the_node),
            Mistake(Frames, "absent", holes_count_twice),
        ),
        slow=True,
    ),
    Lemma(
        claim=a_node_with_mirrored_memory_is_made_alike,
        given=two_mirrors,
        size="2 ranges, 3 zone types",
        provers=(Symbolic(Whole), Sampled(mirrored_ranges)),
        mistakes=(
            Mistake(spans, "of_other_kind", kinds_confused),
            Mistake(Boot, "of_other_kind", all_kinds),
        ),
    ),
    Lemma(
        claim=a_node_is_reckoned_to_manage_the_same_pages,
        given=hole_and_machine,
        size="2 ranges, 4 machines",
        provers=(Symbolic(Whole), Sampled(large_zones)),
        mistakes=(
            Mistake(spans, "provisional", reserve_at_the_border),
            Mistake(machine, "calc_memmap_size", memmap_rounded_down),
            Mistake(machine, "calc_memmap_size", memmap_at_any_hole),
        ),
        slow=True,
    ),
    Lemma(
        claim=descriptors_wait_alike_from_a_border_of_sections_on,
        given=two_in_order,
        size="2 ranges, 2 zone types, sections of 32768 pages",
        provers=(Symbolic(Whole), Sampled(sections)),
        mistakes=(
            Mistake(spans, "first_deferred", waits_at_once),
            Mistake(Frames, "first_deferred", deferred_at_once),
        ),
        slow=True,
    ),
)
