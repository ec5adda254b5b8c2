"""What must be seen at least once in the page allocator, or a model is vacuous."""

from __future__ import annotations

from ..core import Step
from ..linux import MIGRATE_HIGHATOMIC, AllocFlags, Bug, Errno
from .alloc import AllocExact, AllocPages
from .change import DOUBLE_FREE, FOREIGN, NOT_A_HEAD, WRONG_ORDER
from .free import FreeCommit, FreeCore, FreePages, FreeReserved
from .manage import Isolate, TakePageOff, Unisolate, Unreserve
from .zones import (
    Config,
    Drained,
    Locked,
    Memory,
    Stole,
    Woke,
    held_at,
    type_of,
)

Moment = Step[Config, Memory]
HIGH = MIGRATE_HIGHATOMIC


def blocks(s: Memory, order: int) -> int:
    """Return how many free blocks of an order there are."""
    return sum(zone.nr_free[order] for zone in s.zones)


def seen(step: Moment, kind: type) -> list[object]:
    """Return a step's events of one kind."""
    return [e for e in step.result.events if isinstance(e, kind)]


def a_free_block_merges_to_the_top(cfg: Config, step: Moment) -> bool:
    """The last free page of a largest block makes it whole."""
    top, freed = cfg.max_order, isinstance(step.op, FreePages)
    return freed and blocks(step.after, top) > blocks(step.before, top)


def the_largest_block_is_split(cfg: Config, step: Moment) -> bool:
    """A small request splits a largest block."""
    top = cfg.max_order
    small = isinstance(step.op, AllocPages) and step.op.order < top
    return small and blocks(step.after, top) < blocks(step.before, top)


def memory_is_exhausted(cfg: Config, step: Moment) -> bool:
    """A request for one page finds none."""
    small = isinstance(step.op, AllocPages) and step.op.order == 0
    return small and step.result.value is None


def fragments_fail_a_request(cfg: Config, step: Moment) -> bool:
    """A request fails although enough single frames are free."""
    op = step.op
    if not isinstance(op, AllocPages) or step.result.value is not None:
        return False
    enough = step.before.zones[op.at].nr_free_pages >= 1 << op.order
    return enough and op.order <= cfg.max_order


def a_freed_block_goes_to_the_tail(cfg: Config, step: Moment) -> bool:
    """A freed block goes behind another one, as its next merge is likely."""
    if not isinstance(step.op, FreePages) or step.op.block[1] or cfg.cpus:
        return False
    pfn, _ = step.op.block
    lines = [line for zone in step.after.zones for line in zone.free[0]]
    return any(len(line) > 1 and line[-1] == pfn for line in lines)


def a_double_free_is_diagnosed(cfg: Config, step: Moment) -> bool:
    """A double free is diagnosed."""
    return bool(step.result.value == DOUBLE_FREE)


def a_wrong_order_is_diagnosed(cfg: Config, step: Moment) -> bool:
    """A free with another order than the allocation's is diagnosed."""
    return bool(step.result.value == WRONG_ORDER)


def a_foreign_frame_is_diagnosed(cfg: Config, step: Moment) -> bool:
    """A frame that is not the allocator's is diagnosed."""
    return bool(step.result.value == FOREIGN)


def a_tail_page_is_diagnosed(cfg: Config, step: Moment) -> bool:
    """A frame inside a block is diagnosed."""
    return bool(step.result.value == NOT_A_HEAD)


def a_tail_is_freed_while_the_head_is_kept(cfg: Config, step: Moment) -> bool:
    """A block is freed while another holds its first page: only the tail goes."""
    if not isinstance(step.op, FreePages) or isinstance(step.result.value, Bug):
        return False
    pfn, order = step.op.block
    left = held_at(step.after, pfn)
    return order > 0 and left is not None and left.order == 0


def a_compound_block_is_kept_whole(cfg: Config, step: Moment) -> bool:
    """A compound block is freed while another holds it: nothing goes."""
    if not isinstance(step.op, FreePages) or isinstance(step.result.value, Bug):
        return False
    left = held_at(step.after, step.op.block[0])
    return left is not None and left.compound


def an_exact_request_gives_pages_back(cfg: Config, step: Moment) -> bool:
    """A request for an exact number of pages frees the rest of its block."""
    op, got = step.op, step.result.value
    trimmed = isinstance(op, AllocExact) and op.pages & (op.pages - 1)
    return bool(trimmed) and got is not None


def a_pageset_is_refilled(cfg: Config, step: Moment) -> bool:
    """An empty list takes more than one page from the zone."""
    single = isinstance(step.op, AllocPages) and step.op.order == 0
    return single and len(seen(step, Locked)) > 1


def a_pageset_reaches_its_mark(cfg: Config, step: Moment) -> bool:
    """A freed page makes a batch leave, and others stay."""
    freed = isinstance(step.op, FreePages | FreeCommit)
    waits = any(ps.count for zone in step.after.zones for ps in zone.pagesets)
    return freed and bool(seen(step, Drained)) and waits


def a_drain_takes_from_two_lists(cfg: Config, step: Moment) -> bool:
    """Pages of two types leave a pageset in turn."""
    return len({e.mt for e in step.result.events if isinstance(e, Drained)}) > 1


def a_boot_pageset_keeps_nothing(cfg: Config, step: Moment) -> bool:
    """Before there are real pagesets, a freed page leaves at once."""
    sets = [ps for zone in step.after.zones for ps in zone.pagesets]
    freed = isinstance(step.op, FreePages) and bool(seen(step, Drained))
    return freed and all(ps.high == 0 and ps.count == 0 for ps in sets)


def a_page_drains_as_another_type(cfg: Config, step: Moment) -> bool:
    """A page goes back as the type that it was freed with, not its page block's."""
    drained = [e for e in step.result.events if isinstance(e, Drained)]
    return any(e.mt != type_of(cfg, step.before, e.pfn) for e in drained)


def a_whole_page_block_changes_type(cfg: Config, step: Moment) -> bool:
    """A request takes a page block or more from another type."""
    stole = [e for e in step.result.events if isinstance(e, Stole)]
    return any(e.fallback_order >= cfg.pageblock_order for e in stole)


def most_of_a_page_block_changes_type(cfg: Config, step: Moment) -> bool:
    """A request takes the free half of a page block, and the page block with it."""
    stole = [e for e in step.result.events if isinstance(e, Stole)]
    return any(e.fallback_order < cfg.pageblock_order and e.changed for e in stole)


def a_block_is_stolen_alone(cfg: Config, step: Moment) -> bool:
    """A request takes one block of another type, whose page block stays as it is."""
    return any(isinstance(e, Stole) and not e.changed for e in step.result.events)


def no_fragmenting_is_obeyed(cfg: Config, step: Moment) -> bool:
    """A request that must not mix types fails although another type has a block."""
    op = step.op
    if not isinstance(op, AllocPages) or AllocFlags.NOFRAGMENT not in op.flags:
        return False
    return step.result.value is None and step.before.zones[op.at].nr_free_pages > 0


def kswapd_is_woken_for_a_boost(cfg: Config, step: Moment) -> bool:
    """Mixing types boosts a watermark, and kswapd is woken."""
    return bool(seen(step, Woke))


def a_page_block_is_reserved(cfg: Config, step: Moment) -> bool:
    """An urgent large request reserves its page block."""
    return HIGH in step.after.types and HIGH not in step.before.types


def a_reserve_serves_a_request(cfg: Config, step: Moment) -> bool:
    """An urgent large request is served from a reserved page block."""
    got = step.result.value
    if not isinstance(step.op, AllocPages) or not isinstance(got, int):
        return False
    return type_of(cfg, step.before, got) == HIGH and step.op.order > 0


def a_reserve_is_given_up(cfg: Config, step: Moment) -> bool:
    """A reserved page block is given to a type."""
    return isinstance(step.op, Unreserve) and step.result.value is None


def a_page_block_is_isolated(cfg: Config, step: Moment) -> bool:
    """A page block with free and held frames is isolated."""
    return isinstance(step.op, Isolate) and step.result.value is None


def an_unmovable_page_forbids_isolation(cfg: Config, step: Moment) -> bool:
    """A page block with unmovable frames is not isolated."""
    return isinstance(step.op, Isolate) and step.result.value is Errno.EBUSY


def isolation_keeps_buddies_apart(cfg: Config, step: Moment) -> bool:
    """A page block becomes free beside a free one, and does not merge with it."""
    order = cfg.pageblock_order
    if not isinstance(step.op, FreePages) or order == cfg.max_order:
        return False
    return any(
        p ^ (1 << order) in [q for other in zone.free[order] for q in other]
        for zone in step.after.zones
        for line in zone.free[order]
        for p in line
    )


def the_end_of_isolation_merges(cfg: Config, step: Moment) -> bool:
    """A page block that was kept apart merges when it is in use again."""
    top = cfg.max_order
    ended = isinstance(step.op, Unisolate)
    return ended and blocks(step.after, top) > blocks(step.before, top)


def half_of_what_is_free_is_cma(cfg: Config, step: Moment) -> bool:
    """A movable request is served from CMA although its own lists have a block."""
    op, got = step.op, step.result.value
    if not isinstance(op, AllocPages) or not isinstance(got, int):
        return False
    own = any(row[op.mt] for row in step.before.zones[op.at].free[op.order :])
    return own and type_of(cfg, step.before, got) == cfg.cma


def cma_is_the_last_resort(cfg: Config, step: Moment) -> bool:
    """A movable request is served from CMA because its own lists are empty."""
    op, got = step.op, step.result.value
    if not isinstance(op, AllocPages) or not isinstance(got, int):
        return False
    own = any(row[op.mt] for row in step.before.zones[op.at].free[op.order :])
    return not own and type_of(cfg, step.before, got) == cfg.cma


def a_guard_is_set(cfg: Config, step: Moment) -> bool:
    """Splitting leaves a guard."""
    return len(step.after.guards) > len(step.before.guards)


def a_guard_merges_back(cfg: Config, step: Moment) -> bool:
    """A freed block merges with a guard."""
    return len(step.after.guards) < len(step.before.guards)


def a_zone_border_forbids_merging(cfg: Config, step: Moment) -> bool:
    """Two free buddies of one order stay apart as they are in two zones."""
    if not isinstance(step.op, FreePages) or len(cfg.zones) < 2:
        return False
    one, two = (
        {(p, o) for o, row in enumerate(z.free) for line in row for p in line}
        for z in step.after.zones[:2]
    )
    return any((p ^ (1 << o), o) in two for p, o in one)


def a_range_is_released_in_parts(cfg: Config, step: Moment) -> bool:
    """Boot releases a range beside what is free, and they merge."""
    if not isinstance(step.op, FreeCore) or isinstance(step.result.value, Bug):
        return False
    total = [sum(zone.nr_free) for s in (step.before, step.after) for zone in s.zones]
    return sum(total[: len(total) // 2]) >= sum(total[len(total) // 2 :])


def a_reserved_page_is_freed(cfg: Config, step: Moment) -> bool:
    """A page that boot kept becomes the allocator's."""
    return isinstance(step.op, FreeReserved) and step.result.value is None


def a_bad_frame_leaves_a_larger_block(cfg: Config, step: Moment) -> bool:
    """A bad frame is cut out of a larger free block."""
    single = blocks(step.before, 0) <= blocks(step.after, 0)
    taken = len(step.after.taken) > len(step.before.taken)
    return isinstance(step.op, TakePageOff) and single and taken


WITNESSES = (
    a_free_block_merges_to_the_top,
    the_largest_block_is_split,
    memory_is_exhausted,
    fragments_fail_a_request,
    a_freed_block_goes_to_the_tail,
    a_double_free_is_diagnosed,
    a_wrong_order_is_diagnosed,
    a_foreign_frame_is_diagnosed,
    a_tail_page_is_diagnosed,
    a_tail_is_freed_while_the_head_is_kept,
    a_compound_block_is_kept_whole,
    an_exact_request_gives_pages_back,
    a_pageset_is_refilled,
    a_pageset_reaches_its_mark,
    a_drain_takes_from_two_lists,
    a_boot_pageset_keeps_nothing,
    a_page_drains_as_another_type,
    a_whole_page_block_changes_type,
    most_of_a_page_block_changes_type,
    a_block_is_stolen_alone,
    no_fragmenting_is_obeyed,
    kswapd_is_woken_for_a_boost,
    a_page_block_is_reserved,
    a_reserve_serves_a_request,
    a_reserve_is_given_up,
    a_page_block_is_isolated,
    an_unmovable_page_forbids_isolation,
    isolation_keeps_buddies_apart,
    the_end_of_isolation_merges,
    half_of_what_is_free_is_cma,
    cma_is_the_last_resort,
    a_guard_is_set,
    a_guard_merges_back,
    a_zone_border_forbids_merging,
    a_range_is_released_in_parts,
    a_reserved_page_is_freed,
    a_bad_frame_leaves_a_larger_block,
)
