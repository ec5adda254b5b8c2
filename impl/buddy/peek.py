"""Which block a request would be given, found without taking it.

It lets a machine judge somebody else's answer and stay as it was if that is wrong.

Source: mm/page_alloc.c:__rmqueue, steal_suitable_fallback (v5.10).
"""

from __future__ import annotations

from mmoracle.spec.linux import MIGRATE_HIGHATOMIC, AllocFlags

from .manage import PageAllocator
from .migrate import Mobility
from .zone import SHIFT, Zone, frames_from

HARDER, CMA = int(AllocFlags.HARDER), int(AllocFlags.CMA)


def peek(m: PageAllocator, cpu: int, at: int, order: int, mt: int, flags: int) -> int:
    """Return the block that Linux would hand out, or -1. O(max_order)."""
    if order >= m.orders:
        return -1
    zone = m.zones[at]
    if m.uses_pageset(at, order, mt, flags):
        line = zone.pagesets[cpu].lists[mt]
        if line:
            return line[0]
    elif order and flags & HARDER:
        pfn = first(zone, order, MIGRATE_HIGHATOMIC)
        if pfn >= 0:
            return pfn
    return peek_zone(m.mobility[at], order, mt, flags)


def first(zone: Zone, order: int, mt: int) -> int:
    """Return the first block of the lowest order that will do, or -1. O(max_order)."""
    for high in range(order, zone.max_order + 1):
        line = zone.lists[high << SHIFT | mt]
        if line:
            return next(iter(line))
    return -1


def peek_zone(mobility: Mobility, order: int, mt: int, flags: int) -> int:
    """Return what the zone's lists would give, or -1. O(max_order)."""
    zone = mobility.zone
    kinds = [mt]
    if flags & CMA:
        balance = zone.nr_free_cma > zone.nr_free_pages // 2
        kinds = [zone.cma, mt] if balance else [mt, zone.cma]
    for kind in kinds:
        pfn = first(zone, order, kind)
        if pfn >= 0:
            return pfn
    high, other = mobility.fallback_block(order, mt, flags)
    if high < order:  # smaller blocks may be moved, they will not do
        return -1
    pfn = next(iter(zone.lists[high << SHIFT | other]))
    alone = not mobility.can_steal_fallback(high, mt)
    if alone or high >= zone.pageblock_order:
        return pfn
    if zone.type_of(pfn) == MIGRATE_HIGHATOMIC:
        return pfn
    return smallest_moved(mobility, pfn, order)


def smallest_moved(mobility: Mobility, pfn: int, order: int) -> int:
    """Return what is taken first once a page block's free blocks moved. O(block)."""
    zone = mobility.zone
    start, end = mobility.block_range(pfn)
    if end > zone.end:
        return pfn
    frames = frames_from(start, end - start)
    inside = [(zone.place[p] >> SHIFT, p) for p in frames if p in zone.place]
    return min(each for each in inside if each[0] >= order)[1]
