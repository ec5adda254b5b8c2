"""Pairs of watermarks, zones and pagesets."""

from __future__ import annotations

from mmoracle.checkers.crosshair import Pair
from mmoracle.impl import watermark as marks_machine
from mmoracle.impl.buddy import pcp as buddy_machine
from mmoracle.impl.zones import fill as fill_machine
from mmoracle.impl.zones import lists as lists_machine
from mmoracle.impl.zones import marks as zone_machine
from mmoracle.impl.zones import movable as movable_machine
from mmoracle.spec import watermark
from mmoracle.spec.buddy import pcp
from mmoracle.spec.linux import AllocFlags, Gfp
from mmoracle.spec.watermark import Level
from mmoracle.spec.zones import fill, marks, movable, pagesets, zonelists

# ------------------------------------------------------------------ watermarks


def rights(high: bool, oom: bool, harder: bool, cma: bool) -> AllocFlags:
    """Return alloc flags with these bits."""
    bits = (
        (high, AllocFlags.HIGH),
        (oom, AllocFlags.OOM),
        (harder, AllocFlags.HARDER),
        (cma, AllocFlags.CMA),
    )
    told = AllocFlags.NONE
    for has, flag in bits:
        told |= flag if has else AllocFlags.NONE
    return told


def page_given(
    free: int, mark: int, reserve: int, reserved: int, high: bool, oom: bool, cma: bool
) -> bool:
    """Say whether a zone gives a page, as specified; 9 pages of it are in CMA."""
    level = Level(free, (mark,) * 3, (reserve,), highatomic=reserved, free_cma=9)
    told = rights(high, oom, False, cma)
    return watermark.watermark_ok(level, 0, mark, 0, told, free, 4)


def page_given_by_machine(
    free: int, mark: int, reserve: int, reserved: int, high: bool, oom: bool, cma: bool
) -> bool:
    """Say it as the machine does."""
    told = int(rights(high, oom, False, cma))
    return marks_machine.zone_watermark_ok(
        free, 0, mark, reserve, told, [], reserved, 9, 4
    )


def first_look(free: int, mark: int, reserve: int, boost: int) -> bool:
    """Say whether the first look lets an atomic request through, as specified."""
    level = Level(free, (mark,) * 3, (reserve,), boost=boost, highatomic=7)
    told = rights(True, False, True, False)
    return watermark.watermark_fast(level, 0, 0, told, Gfp.ATOMIC)


def first_look_by_machine(free: int, mark: int, reserve: int, boost: int) -> bool:
    """Say it as the machine does."""
    told, atomic = int(rights(True, False, True, False)), int(Gfp.ATOMIC)
    return marks_machine.zone_watermark_fast(
        free, 0, (mark,) * 3, boost, reserve, told, atomic, [], 7
    )


# ------------------------------------------------------------------ zones


def root(x: int) -> int:
    """Return the integer square root of a small number, as specified."""
    return marks.square_root(x % 32)


def root_by_machine(x: int) -> int:
    """Return it as the machine does."""
    return zone_machine.int_sqrt(x % 32)


def batch(managed: int) -> int:
    """Return the batch of a zone by its size, as specified."""
    return pagesets.zone_batchsize(managed)


def batch_by_machine(managed: int) -> int:
    """Return it as the machine does."""
    return zone_machine.zone_batchsize(managed, True, 12)


def fraction(x: int, numerator: int) -> int:
    """Return ten-thousandths of a number, as specified."""
    return marks.mult_frac(x, numerator, marks.SCALE_UNIT)


def fraction_by_machine(x: int, numerator: int) -> int:
    """Return them as the machine does."""
    return zone_machine.mult_frac(x, numerator, marks.SCALE_UNIT)


def gap(part: int, managed: int) -> int:
    """Return the pages between two marks at boot, as specified."""
    return marks.mark_gap(part, managed)


def gap_by_machine(part: int, managed: int) -> int:
    """Return them as the machine does."""
    return zone_machine.mark_gap(part, managed, 10)


def bound_of_boost(high: int) -> int:
    """Return the highest boost of a zone at boot, as specified."""
    return marks.most_boost(high, 15000, 512)


def bound_of_boost_by_machine(high: int) -> int:
    """Return it as the machine does."""
    return zone_machine.most_boost(high, 15000, 512)


def cost(n: int, local: int, away: int, cpus: bool, load: int) -> int:
    """Return what speaks against a node, one of four of 1024, as specified."""
    return zonelists.node_cost(n, local, away, cpus, load, 4)


def cost_by_machine(n: int, local: int, away: int, cpus: bool, load: int) -> int:
    """Return it as the machine does."""
    return lists_machine.node_cost(n, local, away, cpus, load, 4 * 1024)


def order_of_starts(one: int, two: int) -> int:
    """Compare where two blocks start, as specified."""
    return fill.compare(one, two)


def order_of_starts_by_machine(one: int, two: int) -> int:
    """Compare them as the machine does."""
    return fill_machine.cmp_memblk([one, 0, 0], [two, 0, 0])


def movable_start(pfn: int, node_end: int, beyond: bool) -> int:
    """Return where ZONE_MOVABLE begins, in blocks of 1024 frames, as specified."""
    return movable.align_start(pfn, node_end, 1024, clamped=not beyond)


def movable_start_by_machine(pfn: int, node_end: int, beyond: bool) -> int:
    """Return it as the machine does."""
    return movable_machine.aligned(pfn, node_end, 1024, beyond)


# ------------------------------------------------------------------ pagesets


def leaving(first: bool, second: bool, third: bool, pages: int) -> list[int]:
    """Return which of lists of 3, 2 and 1 pages each page leaves, as specified."""
    lengths = 3 * int(first), 2 * int(second), int(third)
    return pcp.round_robin(lengths, min(max(pages, 0), sum(lengths)))


def leaving_by_machine(first: bool, second: bool, third: bool, pages: int) -> list[int]:
    """Return it as the machine does."""
    lengths = [3 * int(first), 2 * int(second), int(third)]
    return buddy_machine.round_robin(lengths, min(max(pages, 0), sum(lengths)))


PAGES = (
    Pair(
        page_given,
        page_given_by_machine,
        (watermark.watermark_ok, marks_machine.zone_watermark_ok),
    ),
    Pair(
        first_look,
        first_look_by_machine,
        (watermark.watermark_fast, marks_machine.zone_watermark_fast),
    ),
    Pair(pcp.zone_batchsize, buddy_machine.zone_batchsize),
    Pair(
        batch,
        batch_by_machine,
        (pagesets.zone_batchsize, zone_machine.zone_batchsize),
    ),
    Pair(fraction, fraction_by_machine, (marks.mult_frac, zone_machine.mult_frac)),
    Pair(gap, gap_by_machine, (marks.mark_gap, zone_machine.mark_gap)),
    Pair(
        bound_of_boost,
        bound_of_boost_by_machine,
        (marks.most_boost, zone_machine.most_boost),
    ),
    Pair(root, root_by_machine, (marks.square_root, zone_machine.int_sqrt)),
    Pair(cost, cost_by_machine, (zonelists.node_cost, lists_machine.node_cost)),
    Pair(
        order_of_starts,
        order_of_starts_by_machine,
        (fill.compare, fill_machine.cmp_memblk),
    ),
    Pair(
        movable_start,
        movable_start_by_machine,
        (movable.align_start, movable_machine.aligned),
    ),
    Pair(
        leaving,
        leaving_by_machine,
        (pcp.round_robin, buddy_machine.round_robin),
    ),
)
