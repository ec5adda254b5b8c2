"""Suitability, the fragmentation index and deferral, on plain integers.

Source: mm/compaction.c, mm/vmstat.c, include/linux/compaction.h (v5.10).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mmoracle.spec.linux import CompactResult

from ..watermark import CMA, WMARK_MASK, zone_watermark_ok

WMARK_MIN, WMARK_LOW = 0, 1


class Counters(Protocol):
    """The fields of struct zone that deferral uses."""

    compact_considered: int
    compact_defer_shift: int
    compact_order_failed: int


def compact_gap(order: int) -> int:
    """Return the free pages above a mark that a run may need. O(1)."""
    return 1 << (order + 1)


def fragmentation_index(order: int, nr_free: Sequence[int]) -> int:
    """Return why a block of an order is missing, in thousandths. O(orders)."""
    blocks = sum(nr_free)
    if blocks == 0:
        return 0
    pages, size = 0, 1
    for i, count in enumerate(nr_free):
        if count and i >= order:
            return -1000
        pages += count * size
        size += size
    return missing_block(pages, blocks, order)


def missing_block(pages: int, blocks: int, order: int) -> int:
    """Return the index where all blocks are too small. O(1)."""
    return 1000 - (1000 + ((pages * 1000) >> order)) // blocks


def suitable_with(
    free: int,
    available: int,
    order: int,
    marks: Sequence[int],
    boost: int,
    reserve: int,
    flags: int,
    lists: list[int] | tuple[int, ...],
    free_cma: int = 0,
    cma: int = -1,
    costly: int = 3,
) -> CompactResult:
    """Return __compaction_suitable() if `available` pages could be had. O(orders)."""
    mark = marks[flags & WMARK_MASK] + boost
    if zone_watermark_ok(free, order, mark, reserve, flags, lists, 0, free_cma, cma):
        return CompactResult.SUCCESS
    mark = marks[WMARK_LOW if order > costly else WMARK_MIN] + boost
    mark += compact_gap(order)
    if zone_watermark_ok(available, 0, mark, reserve, CMA, lists, 0, free_cma, cma):
        return CompactResult.CONTINUE
    return CompactResult.SKIPPED


def only_fragmented(order: int, nr_free: Sequence[int], threshold: int) -> bool:
    """Say whether a costly order is missing for fragmentation. O(orders)."""
    index = fragmentation_index(order, nr_free)
    return index < 0 or index > threshold


def compaction_deferred(zone: Counters, order: int) -> bool:
    """Say whether to put compaction off, and count the question. O(1)."""
    if order < zone.compact_order_failed:
        return False
    limit = 1 << zone.compact_defer_shift
    zone.compact_considered += 1
    if zone.compact_considered < limit:
        return True
    zone.compact_considered = limit
    return False


def defer_compaction(zone: Counters, order: int, most: int) -> None:
    """Put compaction off for twice as many requests. O(1)."""
    zone.compact_considered = 0
    zone.compact_defer_shift += 1
    if zone.compact_defer_shift > most:
        zone.compact_defer_shift = most
    if zone.compact_order_failed > order:
        zone.compact_order_failed = order


def compaction_defer_reset(zone: Counters, order: int, alloc_success: bool) -> None:
    """Note that an order works. O(1)."""
    if alloc_success:
        zone.compact_considered = zone.compact_defer_shift = 0
    if zone.compact_order_failed <= order:
        zone.compact_order_failed = order + 1


def compaction_restarting(zone: Counters, order: int, most: int) -> bool:
    """Say whether the longest deferral has run out. O(1)."""
    full = zone.compact_considered >= 1 << zone.compact_defer_shift
    return (
        order >= zone.compact_order_failed and zone.compact_defer_shift == most and full
    )
