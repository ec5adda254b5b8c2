"""When compaction of a zone is worth a try: suitability, fragmentation and deferral.

After a failure compaction is put off for twice as many requests as before, up to 64.
All of it is arithmetic on plain numbers, for anybody to ask.

Source: mm/compaction.c:compaction_suitable, compaction_deferred, defer_compaction,
compaction_defer_reset, compaction_restarting; mm/vmstat.c:__fragmentation_index;
include/linux/compaction.h:compact_gap (v5.10).
"""

from __future__ import annotations

from dataclasses import replace

from ..linux import (
    PAGE_ALLOC_COSTLY_ORDER,
    WMARK_LOW,
    WMARK_MIN,
    AllocFlags,
    CompactResult,
)
from ..watermark import Level, mark_of, watermark_ok
from .parts import Zone

WOULD_SUCCEED = -1000  # fragmentation_index() where a block is there

# ------------------------------------------------------------------ suitability


def compact_gap(order: int) -> int:
    """Return how many free pages above the mark a run may need: twice the block."""
    return 2 << order


def fragmentation_index(order: int, nr_free: tuple[int, ...]) -> int:
    """Return why a block is missing: towards 0 lack of memory, 1000 fragmentation.

    `nr_free[order]` counts blocks.  -1000 where a block is there, 0 where nothing is
    free; a single small block gives 0 or less.
    """
    blocks = pages = 0
    for each, count in enumerate(nr_free):
        blocks += count
        pages += count << each
    if blocks == 0:
        return 0
    if any(count > 0 for count in nr_free[order:]):
        return WOULD_SUCCEED
    return index_of(pages, blocks, 1 << order)


def index_of(pages: int, blocks: int, requested: int) -> int:
    """Return the index of so many free pages in so many blocks, all too small."""
    return 1000 - (1000 + pages * 1000 // requested) // blocks


def low_on_memory(
    z: Level,
    order: int,
    highest: int,
    free: int,
    cma: int = -1,
    costly: int = PAGE_ALLOC_COSTLY_ORDER,
) -> bool:
    """Say whether single pages are too few for the scanners to work with.

    `free` are the pages to count on; costly orders must meet the low mark.
    """
    mark = z.marks[WMARK_LOW if order > costly else WMARK_MIN] + z.boost
    due = mark + compact_gap(order)
    return not watermark_ok(z, 0, due, highest, AllocFlags.CMA, free, cma)


def suitable_with(
    z: Level,
    order: int,
    flags: AllocFlags,
    highest: int,
    free: int,
    cma: int = -1,
    costly: int = PAGE_ALLOC_COSTLY_ORDER,
) -> CompactResult:
    """Return what __compaction_suitable() says if so many pages were free.

    SUCCESS says that there is no need, SKIPPED that reclaim must come first.
    """
    if watermark_ok(z, order, mark_of(z, flags), highest, flags, z.free, cma):
        return CompactResult.SUCCESS
    if low_on_memory(z, order, highest, free, cma, costly):
        return CompactResult.SKIPPED
    return CompactResult.CONTINUE


def compaction_suitable(
    z: Level,
    order: int,
    flags: AllocFlags,
    highest: int,
    nr_free: tuple[int, ...],
    cma: int = -1,
    costly: int = PAGE_ALLOC_COSTLY_ORDER,
    threshold: int = 500,
) -> CompactResult:
    """Return whether to compact a zone now, and why not.

    A costly order is not tried where memory is short rather than fragmented.
    """
    verdict = suitable_with(z, order, flags, highest, z.free, cma, costly)
    if verdict is not CompactResult.CONTINUE or order <= costly:
        return verdict
    short = 0 <= fragmentation_index(order, nr_free) <= threshold
    return CompactResult.SKIPPED if short else verdict


# ------------------------------------------------------------------ deferral


def puts_off(considered: int, shift: int) -> bool:
    """Say whether one more request, counted already, is still put off."""
    return considered < 1 << shift


def deferred(zone: Zone, order: int) -> tuple[Zone, bool]:
    """Ask whether to put compaction off, which counts: compaction_deferred()."""
    if order < zone.order_failed:
        return zone, False
    if puts_off(zone.considered + 1, zone.defer_shift):
        return replace(zone, considered=zone.considered + 1), True
    return replace(zone, considered=1 << zone.defer_shift), False


def defer(zone: Zone, order: int, most: int) -> Zone:
    """Put compaction off for twice as long after a failure: defer_compaction()."""
    return replace(
        zone,
        considered=0,
        defer_shift=min(zone.defer_shift + 1, most),
        order_failed=min(zone.order_failed, order),
    )


def defer_reset(zone: Zone, order: int, served: bool) -> Zone:
    """Note that an order works; all is forgiven once somebody was served.

    Source: mm/compaction.c:compaction_defer_reset (v5.10).
    """
    if served:
        zone = replace(zone, considered=0, defer_shift=0)
    return replace(zone, order_failed=max(zone.order_failed, order + 1))


def restarting(zone: Zone, order: int, most: int) -> bool:
    """Say whether the longest deferral is over: compaction_restarting()."""
    if order < zone.order_failed:
        return False
    return zone.defer_shift == most and zone.considered >= 1 << zone.defer_shift


def served(zone: Zone, order: int) -> Zone:
    """Note that the request got its block: __alloc_pages_direct_compact()."""
    return replace(defer_reset(zone, order, True), flush=False)
