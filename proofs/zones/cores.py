"""Where ZONE_MOVABLE begins: memory for the kernel, spread, mirrored, or hot-pluggable.

The whole of free_area_init() runs on both sides, for memory of any place and size.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from mmoracle.checkers.bind.zones import ZONES, unbooted
from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Symbolic, Values
from mmoracle.checkers.mutants.zones_nodes import (
    highest_hotplug,
    low_memory_is_free,
    movable_rounded_down,
    smaller_of_both,
    start_beyond_the_node,
)
from mmoracle.checkers.symbolic import either, every
from mmoracle.checkers.word import Bounded, Whole, one_of
from mmoracle.impl.zones import movable as machine
from mmoracle.impl.zones.nodes import Frames
from mmoracle.spec.zones import movable
from mmoracle.spec.zones.layout import Layout, Range
from mmoracle.spec.zones.movable import Movable
from mmoracle.spec.zones.nodes import FreeAreaInit
from mmoracle.spec.zones.state import Config
from mmoracle.spec.zones.state import unbooted as off

from ..sides import equal
from .nodes import beyond_the_end
from .spans import within_node

LAYOUT = Layout(("Normal", "Movable"))
ALONE = Config(maps=(), ends=(), layout=LAYOUT, page_struct=0)
BLOCK = ALONE.max_order_pages

# ------------------------------------------------------------------ P66


def plugged(pfn: Any, end: Any) -> FreeAreaInit:
    """Return the boot of a machine whose memory may be taken out from a frame on."""
    ranges = (Range(0, 0, pfn), Range(0, pfn, end, hotplug=True))
    return FreeAreaInit(ranges, (end, 0), Movable(movable_node=True))


def zone_movable_begins_in_its_node_or_nowhere(top: Any, pfn: Any, end: Any) -> Any:
    """Rounded up to a largest block, it starts below the node's end, or not at all.

    No zone leaves the node, and the machine has the same zones.
    """
    s = off(ALONE)
    op = plugged(pfn, end)
    m = unbooted(ALONE)
    got = ZONES.apply(m, op)
    after = op.after(ALONE, s, op.choose(ALONE, s))
    node, seen = after.nodes[0], ZONES.abstract(m).nodes[0]
    claims = [equal(got, op.choose(ALONE, s)), equal(seen, node)]
    for each in (node, seen):
        at = each.movable_pfn
        claims += [either(at == 0, every(pfn <= at, at < end))]
        claims += [at % BLOCK == 0, within_node(each)]
    return every(*claims)


def a_part_to_plug(top: Any, pfn: Any, end: Any) -> Iterable[Any]:
    """Assume memory up to an end, of which a part may be taken out."""
    return (pfn >= 1, pfn < end)


def a_part_at_the_end(top: int, pfn: int, end: int) -> Any:
    """Return the machine and its boot, which makes the zones."""
    op = plugged(pfn, end)
    return replace(ALONE, maps=(op.ranges,), ends=(op.ends,)), [op]


# ------------------------------------------------------------------ kernelcore


def kernel_memory_is_spread_alike_over_two_nodes(
    top: Any, one: Any, two: Any, gap: Any, usable: Any, core: Any
) -> Any:
    """Each node gives an equal part or all it has, in as many passes on both sides.

    What is below the lowest frame of ZONE_MOVABLE counts, and counts once.
    """
    ranges = (Range(0, 0, one), Range(1, one + gap, one + gap + two))
    starts = movable.spread_core(ranges, (0, 0), core, usable)
    frames = {r.nid: Frames([(r.start, r.end)]) for r in ranges}
    told = {0: 0, 1: 0}
    machine.spread(frames, told, core, usable)
    first, second = starts
    return every(
        first == told[0],
        second == told[1],
        first <= one,
        either(second == 0, every(one + gap <= second, second <= one + gap + two)),
    )


def less_than_all(
    top: Any, one: Any, two: Any, gap: Any, usable: Any, core: Any
) -> Iterable[Any]:
    """Assume two nodes, and kernel memory of less than all."""
    return (one >= 1, two >= 1, core >= 1, core < one + two)


def the_command_line_comes_to_the_same_on_both_sides(
    top: Any, core: Any, moved: Any, total: Any, percent: Any, other: Any
) -> Any:
    """A percentage wins over pages, and the larger of both wishes for the kernel."""
    hundredths, rest = one_of(percent, range(4)) * 30, one_of(other, range(4)) * 25
    ask = Movable(core, moved, hundredths, rest)
    return movable.required_core(ask, total, BLOCK) == machine.wanted_core(
        core, moved, hundredths, rest, total, BLOCK
    )


def two_percentages(
    top: Any, core: Any, moved: Any, total: Any, percent: Any, other: Any
) -> Iterable[Any]:
    """Assume one of four percentages for each."""
    return (percent < 4, other < 4)


def the_first_frame_not_for_the_kernel_is_found_alike(
    top: Any, a: Any, b: Any, below: Any, *bits: Any
) -> Any:
    """Of two ranges of a node the lower start counts, if the kernel must leave both."""
    hot, plug, twice, again, mirror = (bool(bit == 1) for bit in bits)
    ranges = (Range(0, a, a + 1, hot, twice), Range(0, b, b + 1, plug, again))
    told = {0: 0}
    rows = tuple((r.nid, r.start, r.end, r.hotplug, r.mirror) for r in ranges)
    machine.lowest(rows, told, mirror, below)
    return movable.lowest_of(ranges, (0,), mirror, below)[0] == told[0]


def five_bits(top: Any, *words: Any) -> Iterable[Any]:
    """Assume five bits at the end."""
    return (bit < 2 for bit in words[-5:])


# ------------------------------------------------------------------ mistakes


def one_pass_over_all(
    ranges: Any, starts: Any, required: Any, usable: Any
) -> tuple[Any, ...]:
    """Give up what a small node could not take."""
    moved, _ = movable.one_pass(ranges, starts, required, 2, usable)
    return moved


def percent_of_kernelcore(ask: Movable, total: Any, block: int) -> Any:
    """Take the percentage of movablecore for one of kernelcore."""
    percent = max(ask.kernelcore_percent, ask.movablecore_percent)
    return right_required(
        replace(ask, kernelcore_percent=percent, movablecore_percent=0), total, block
    )


def first_of_the_list(ranges: Any, starts: Any, mirror: bool, below: Any) -> Any:
    """Take the first range that is not for the kernel, however high it starts."""
    for r in ranges:
        if (not r.mirror and r.start >= below) if mirror else r.hotplug:
            return (r.start,)
    return starts


right_required = movable.required_core

# ------------------------------------------------------------------ the lemmas


def parts_in_order(top: int, values: Values) -> Values:
    """Bend two words into a frame and an end above it."""
    pfn, end = sorted(word % 5000 for word in values)
    return pfn + 1, end + 2


def two_nodes(top: int, values: Values) -> Values:
    """Bend words into two nodes and kernel memory of less than both have."""
    one, two, gap, usable, core = values
    one, two = one % 50 + 1, two % 50 + 1
    return one, two, gap % 9, usable % 80, core % (one + two - 1) + 1


def bent_percents(top: int, values: Values) -> Values:
    """Bend the last two words into percentages."""
    return (*values[:3], values[3] % 4, values[4] % 4)


def bent_bits(top: int, values: Values) -> Values:
    """Bend words into small frames and five bits."""
    return (*(x % 8 for x in values[:3]), *(x % 2 for x in values[3:]))


CORES = (
    Lemma(
        claim=zone_movable_begins_in_its_node_or_nowhere,
        given=a_part_to_plug,
        size="1 node, 2 ranges",
        provers=(Symbolic(Whole), Symbolic(Bounded), Sampled(parts_in_order)),
        mistakes=(
            Mistake(machine, "aligned", start_beyond_the_node, bug="P66"),
            Mistake(movable, "align_start", beyond_the_end, bug="P66"),
        ),
        history=a_part_at_the_end,
    ),
    Lemma(
        claim=kernel_memory_is_spread_alike_over_two_nodes,
        given=less_than_all,
        size="2 nodes of 1 range",
        provers=(Symbolic(Whole), Sampled(two_nodes)),
        mistakes=(
            Mistake(movable, "spread_core", one_pass_over_all),
            Mistake(machine, "walk_node", low_memory_is_free),
        ),
    ),
    Lemma(
        claim=the_command_line_comes_to_the_same_on_both_sides,
        given=two_percentages,
        size="4 percentages each",
        provers=(Symbolic(Whole), Sampled(bent_percents)),
        mistakes=(
            Mistake(movable, "required_core", percent_of_kernelcore),
            Mistake(machine, "wanted_core", movable_rounded_down),
            Mistake(machine, "wanted_core", smaller_of_both),
        ),
    ),
    Lemma(
        claim=the_first_frame_not_for_the_kernel_is_found_alike,
        given=five_bits,
        names=("a", "b", "below", "hot", "plug", "twice", "again", "mirror"),
        size="2 ranges",
        provers=(Symbolic(Whole), Sampled(bent_bits)),
        mistakes=(
            Mistake(movable, "lowest_of", first_of_the_list),
            Mistake(machine, "lowest", highest_hotplug),
        ),
    ),
)
