"""Watermark tests of a zone, as the machines ask them: plain integers, O(orders).

Source: mm/page_alloc.c:__zone_watermark_ok, zone_watermark_fast (v5.10).
"""

from __future__ import annotations

from mmoracle.spec.linux import AllocFlags, Gfp

OOM = int(AllocFlags.OOM)
HARDER = int(AllocFlags.HARDER)
HIGH = int(AllocFlags.HIGH)
CMA = int(AllocFlags.CMA)
ATOMIC = int(Gfp.ATOMIC)
WMARK_MASK = 3
PCP_TYPES = 0b0111  # lists that every request may use, as bits
HIGHATOMIC = 0b1000


def zone_watermark_ok(
    free: int,
    order: int,
    mark: int,
    reserve: int,
    flags: int,
    lists: list[int] | tuple[int, ...],
    highatomic: int = 0,
    free_cma: int = 0,
    cma: int = -1,
) -> bool:
    """Say whether a zone may serve a request: __zone_watermark_ok().  O(orders).

    `reserve` is lowmem_reserve of the request's highest zone; `lists[order]` has a bit
    for each migrate type with a free block; `cma` is MIGRATE_CMA, -1 without.
    """
    harder = flags & (HARDER | OOM)
    free -= (1 << order) - 1
    if not harder:
        free -= highatomic
    if cma >= 0 and not flags & CMA:
        free -= free_cma
    least = mark
    if flags & HIGH:
        least -= least // 2
    if harder:
        least -= least // 2 if flags & OOM else least // 4
    if free <= least + reserve:
        return False
    if order == 0:
        return True
    usable = PCP_TYPES
    if harder:
        usable |= HIGHATOMIC
    if cma >= 0 and flags & CMA:
        usable |= 1 << cma
    return any(lists[each] & usable for each in range(order, len(lists)))


def zone_watermark_fast(
    free: int,
    order: int,
    marks: list[int] | tuple[int, ...],
    boost: int,
    reserve: int,
    flags: int,
    gfp: int,
    lists: list[int] | tuple[int, ...],
    highatomic: int = 0,
    free_cma: int = 0,
    cma: int = -1,
    unsigned_bits: int = 0,
) -> bool:
    """Say so for the walk over the zones, zone_watermark_fast.  O(orders).

    `unsigned_bits` is the width of a word before 5.10.136, where a negative count was
    compared as unsigned, and 0 since.
    """
    mark = marks[flags & WMARK_MASK] + boost
    if order == 0:
        reserved = 0 if flags & (HARDER | OOM) else highatomic
        if cma >= 0 and not flags & CMA:
            reserved += free_cma
        if unsigned_bits:
            if (free - reserved) & ((1 << unsigned_bits) - 1) > mark + reserve:
                return True
        elif free - min(free, reserved) > mark + reserve:
            return True
    if zone_watermark_ok(
        free, order, mark, reserve, flags, lists, highatomic, free_cma, cma
    ):
        return True
    if order or not boost or flags & WMARK_MASK or not gfp & ATOMIC:
        return False
    return zone_watermark_ok(
        free, 0, marks[0], reserve, flags, lists, highatomic, free_cma, cma
    )
