"""Contracts of watermarks, buddies, pagesets and zones."""

from __future__ import annotations

from mmoracle.checkers.crosshair import Contract
from mmoracle.impl.buddy import pcp as buddy_machine
from mmoracle.impl.zones import marks as zone_machine
from mmoracle.spec import watermark
from mmoracle.spec.buddy import blocks, pcp
from mmoracle.spec.linux import AllocFlags
from mmoracle.spec.watermark import Level
from mmoracle.spec.zones import fill, marks, movable, pagesets, zonelists

UNIT = marks.SCALE_UNIT

# ------------------------------------------------------------------ watermarks


def rights(high: bool, oom: bool, harder: bool) -> AllocFlags:
    """Return the alloc flags that let a request nearer to a mark."""
    flags = AllocFlags.NONE
    for has, flag in (
        (high, AllocFlags.HIGH),
        (oom, AllocFlags.OOM),
        (harder, AllocFlags.HARDER),
    ):
        if has:
            flags |= flag
    return flags


def a_mark_is_lowered_by_right_and_to_a_quarter_at_most(
    mark: int, high: bool, oom: bool, harder: bool
) -> int:
    """No right raises a mark, none leaves less than a quarter, and without it stays.

    pre: mark >= 0
    post: mark <= 4 * _ and _ <= mark
    post: high or oom or harder or _ == mark
    """
    return watermark.lowered(mark, rights(high, oom, harder))


def what_a_request_may_not_touch_does_not_count(
    order: int, highatomic: int, free_cma: int, oom: bool, cma: bool
) -> int:
    """The reserve counts for victims only, CMA for those that may use it.

    pre: 0 <= order <= 10 and highatomic >= 0 and free_cma >= 0
    post: _ == 2 ** order - 1 + (0 if oom else highatomic) + (0 if cma else free_cma)
    """
    flags = rights(False, oom, False) | (AllocFlags.CMA if cma else AllocFlags.NONE)
    return watermark.unusable(order, flags, highatomic, free_cma)


def a_page_is_given_above_mark_and_reserve(
    free: int, mark: int, reserve: int, highatomic: int
) -> bool:
    """A plain request for one page needs more free pages than all that is kept.

    pre: mark >= 0 and reserve >= 0 and highatomic >= 0
    post: _ == (free > mark + reserve + highatomic)
    """
    level = Level(free, (mark, mark, mark), (reserve,), highatomic=highatomic)
    return watermark.watermark_ok(level, 0, mark, 0, AllocFlags.NONE, free)


def a_first_look_trusts_no_count_below_0(
    free: int, mark: int, reserve: int, highatomic: int
) -> bool:
    """It lets go what is above all that is kept, and never by a count that wrapped.

    pre: mark >= 0 and reserve >= 0 and highatomic >= 0
    post: _ == (free > mark + reserve + highatomic)
    """
    level = Level(free, (mark, mark, mark), (reserve,), highatomic=highatomic)
    return watermark.plenty(level, mark, 0, AllocFlags.NONE)


# ------------------------------------------------------------------ buddies


def a_buddy_is_the_other_half(pfn: int, order: int) -> int:
    """The buddy is a block away, on the side that the two make an aligned block.

    pre: 0 <= pfn < 16 and 0 <= order < 3
    post: abs(_ - pfn) == 2 ** order and _ // 2 ** order // 2 == pfn // 2 ** order // 2
    """
    return blocks.buddy_of(pfn, order)


def two_buddies_form_the_block_of_the_lower_one(pfn: int, order: int) -> int:
    """A block and its buddy join to one that starts where the lower one does.

    pre: 0 <= pfn < 16 and 0 <= order < 3
    post: _ == pfn - pfn // 2 ** order % 2 * 2 ** order
    """
    return blocks.joined(pfn, order)


def pages_leave_each_list_that_has_them(
    first: int, second: int, third: int, pages: int
) -> list[int]:
    """As many leave as are asked for, no list gives more than it has, in turn from 1.

    pre: 0 <= first <= 2 and 0 <= second <= 2 and 0 <= third <= 2
    pre: 0 <= pages <= first + second + third
    post: len(_) == pages and _.count(0) <= first and _.count(1) <= second
    post: not _ or _[0] == (1 if second else 2 if third else 0)
    """
    return pcp.round_robin((first, second, third), pages)


def a_batch_is_one_below_a_power_of_two(managed: int) -> int:
    """A zone of any size moves 0, 1, 3, 7, 15, 31 or 63 pages at once.

    pre: managed >= 0
    post: _ in (0, 1, 3, 7, 15, 31, 63)
    """
    return pcp.zone_batchsize(managed)


def the_machine_moves_one_below_a_power_of_two(managed: int) -> int:
    """The machine computes one of these batches as well.

    pre: managed >= 0
    post: _ in (0, 1, 3, 7, 15, 31, 63)
    """
    return buddy_machine.zone_batchsize(managed)


# ------------------------------------------------------------------ zones


def a_fraction_is_rounded_once(x: int, numerator: int) -> int:
    """Taking the quotient first loses nothing.

    pre: x >= 0 and numerator >= 0
    post: _ == x * numerator // UNIT
    """
    return marks.mult_frac(x, numerator, UNIT)


def marks_rise_in_equal_steps(part: int, managed: int, highmem: bool) -> list[int]:
    """Low and high mark are each a gap above the one before, and no less than it.

    pre: part >= 0 and managed >= 0
    post: _[0] <= _[1] <= _[2] and _[2] - _[1] == _[1] - _[0]
    post: _[0] == (marks.capped_min(managed) if highmem else part)
    """
    return zone_machine.three_marks(part, managed, 10, highmem)


def a_highmem_zone_keeps_32_to_128_pages(managed: int) -> int:
    """However large it is.

    pre: managed >= 0
    post: 32 <= _ <= 128
    """
    return marks.capped_min(managed)


def no_zone_keeps_more_than_it_has(
    managed: int, reserve: int, higher: int, high: int
) -> int:
    """What a zone keeps from the page cache is part of its pages.

    pre: managed >= 0 and high >= 0
    post: 0 <= _ <= managed
    post: _ == managed or _ >= high
    """
    return marks.kept(managed, (0, reserve, higher), 1, high)


def a_boost_grows_to_its_bound_and_no_further(
    boost: int, managed: int, high: int, block: int
) -> int:
    """A boost below its bound stays there, and never falls.

    pre: block > 0 and high >= 0 and managed >= 0
    pre: 0 <= boost <= marks.most_boost(high, 15000, block)
    post: boost <= _ <= marks.most_boost(high, 15000, block)
    """
    return marks.boosted(boost, managed, high, 15000, block)


def a_users_greater_value_stays(root: int, user: int, old: int) -> int:
    """min_free_kbytes is picked anew only where the kernel wants more than a user.

    pre: user >= -1
    post: _ == old if root <= user else 128 <= _ <= 262144
    """
    return marks.picked_kbytes(root, user, old)


def a_pageset_moves_at_least_one_page(managed: int, fraction: int) -> tuple[int, int]:
    """Whatever a user asks for; it holds six times as many, or the part asked for.

    pre: managed >= 0 and fraction in (0, 8, 16, 1000)
    post: 1 <= _[1] and (_[0] < 4 or _[1] <= _[0])
    post: _[0] == managed // fraction if fraction else _[0] in (0, 6 * _[1])
    """
    return pagesets.pageset_limits(managed, fraction)


def ranges_meet_where_both_have_an_address(
    start: int, end: int, low: int, high: int, addr: int
) -> bool:
    """A block meets every range that has one of its addresses.

    pre: start <= addr < end and low <= addr < high
    post: _
    """
    return fill.meets(fill.Block(start, end), low, high)


def zone_movable_begins_aligned_and_in_its_node(pfn: int, node_end: int) -> int:
    """It begins at a multiple of the block in the node, or nowhere.

    pre: 0 < pfn and 0 < node_end
    post: _ == 0 or (_ % 1024 == 0 and pfn <= _ < node_end and _ - pfn < 1024)
    """
    return movable.align_start(pfn, node_end, 1024)


def a_node_before_the_local_one_is_a_step_farther(distance: int, load: int) -> int:
    """A step outweighs the load of all nodes: four of 1024.

    pre: distance >= 0 and load >= 0
    post: _ == (distance + 1) * 4 * 1024 + load
    """
    return zonelists.node_cost(0, 1, distance, False, load, 4)


PAGES = (
    Contract(a_mark_is_lowered_by_right_and_to_a_quarter_at_most, (watermark.lowered,)),
    Contract(what_a_request_may_not_touch_does_not_count, (watermark.unusable,)),
    Contract(a_page_is_given_above_mark_and_reserve, (watermark.watermark_ok,)),
    Contract(a_first_look_trusts_no_count_below_0, (watermark.plenty,)),
    Contract(a_buddy_is_the_other_half, (blocks.buddy_of,)),
    Contract(two_buddies_form_the_block_of_the_lower_one, (blocks.joined,)),
    Contract(pages_leave_each_list_that_has_them, (pcp.round_robin,)),
    Contract(a_batch_is_one_below_a_power_of_two, (pcp.zone_batchsize,)),
    Contract(
        the_machine_moves_one_below_a_power_of_two, (buddy_machine.zone_batchsize,)
    ),
    Contract(a_fraction_is_rounded_once, (marks.mult_frac,)),
    Contract(marks_rise_in_equal_steps, (zone_machine.three_marks,)),
    Contract(a_highmem_zone_keeps_32_to_128_pages, (marks.capped_min,)),
    Contract(no_zone_keeps_more_than_it_has, (marks.kept,)),
    Contract(a_boost_grows_to_its_bound_and_no_further, (marks.boosted,)),
    Contract(a_users_greater_value_stays, (marks.picked_kbytes,)),
    Contract(
        a_pageset_moves_at_least_one_page,
        (pagesets.pageset_limits, pagesets.limits_by_batch, pagesets.limits_by_high),
    ),
    Contract(ranges_meet_where_both_have_an_address, (fill.meets,)),
    Contract(zone_movable_begins_aligned_and_in_its_node, (movable.align_start,)),
    Contract(a_node_before_the_local_one_is_a_step_farther, (zonelists.node_cost,)),
)
