"""When a zone may give memory away: the three marks, and what they do not count.

A zone may be used for a request if, without what the request may not touch, more free
pages stay than a mark and the reserve for requests of lower zones ask for; a block of
several pages must also be there.  All counts are pages.  The kernel computes in signed
words; a count may be below 0 and must stay so.

Source: mm/page_alloc.c:__zone_watermark_ok, zone_watermark_fast (v5.10).
"""

from __future__ import annotations

from .core import value
from .linux import (
    MIGRATE_HIGHATOMIC,
    MIGRATE_PCPTYPES,
    WMARK_MIN,
    AllocFlags,
    Gfp,
)

MASK = AllocFlags.NO_WATERMARKS - 1  # ALLOC_WMARK_MASK
EAGER = AllocFlags.HARDER | AllocFlags.OOM  # may use the high-atomic reserve

# Behaviour of 5.10 before 5.10.136: a usable count below 0 is compared as unsigned.
FAST_UNSIGNED = "fast-unsigned"


@value
class Level:
    """What a watermark test looks at in a zone.

    `lists[order]` are the migrate types, as bits, of the lists that are not empty.
    """

    free: int  # NR_FREE_PAGES
    marks: tuple[int, int, int]  # _watermark: MIN, LOW, HIGH
    lowmem_reserve: tuple[int, ...]  # by the highest zone of the request
    lists: tuple[int, ...] = ()
    boost: int = 0  # watermark_boost
    highatomic: int = 0  # nr_reserved_highatomic
    free_cma: int = 0  # NR_FREE_CMA_PAGES


def mark_of(z: Level, flags: AllocFlags) -> int:
    """Return the mark that alloc flags name, boosted: wmark_pages()."""
    return z.marks[flags & MASK] + z.boost


def unusable(
    order: int, flags: AllocFlags, highatomic: int, free_cma: int, has_cma: bool = True
) -> int:
    """Return the free pages that must not count: __zone_watermark_unusable_free()."""
    pages = (1 << order) - 1
    if not flags & EAGER:
        pages += highatomic
    if has_cma and not flags & AllocFlags.CMA:
        pages += free_cma
    return pages


def lowered(mark: int, flags: AllocFlags) -> int:
    """Return a mark as requests that are let nearer to it see it."""
    if flags & AllocFlags.HIGH:
        mark -= mark // 2
    if flags & AllocFlags.OOM:
        mark -= mark // 2
    elif flags & AllocFlags.HARDER:
        mark -= mark // 4
    return mark


def has_block(lists: tuple[int, ...], order: int, flags: AllocFlags, cma: int) -> bool:
    """Say whether a block of the order or above is on a list that may be used."""
    usable = (1 << MIGRATE_PCPTYPES) - 1
    if cma >= 0 and flags & AllocFlags.CMA:
        usable |= 1 << cma
    if flags & EAGER:
        usable |= 1 << MIGRATE_HIGHATOMIC
    return any(each & usable for each in lists[order:])


def watermark_ok(
    z: Level,
    order: int,
    mark: int,
    highest: int,
    flags: AllocFlags,
    free: int,
    cma: int = -1,
) -> bool:
    """Say whether a request may be served: __zone_watermark_ok().

    `highest` is the highest zone that the request may use, `cma` is MIGRATE_CMA or -1.
    """
    free -= unusable(order, flags, z.highatomic, z.free_cma, cma >= 0)
    if free <= lowered(mark, flags) + z.lowmem_reserve[highest]:
        return False
    return order == 0 or has_block(z.lists, order, flags, cma)


def plenty(
    z: Level,
    mark: int,
    highest: int,
    flags: AllocFlags,
    cma: int = -1,
    unsigned_bits: int = 0,
) -> bool:
    """Say whether a single page may be had, at the first look.

    With `unsigned_bits` the count is compared as an unsigned word of that width, and
    may wrap: FAST_UNSIGNED.
    """
    reserved = unusable(0, flags, z.highatomic, z.free_cma, cma >= 0)
    due = mark + z.lowmem_reserve[highest]
    if unsigned_bits:
        return (z.free - reserved) % (1 << unsigned_bits) > due
    return z.free - min(z.free, reserved) > due


def watermark_fast(
    z: Level,
    order: int,
    highest: int,
    flags: AllocFlags,
    gfp: Gfp,
    cma: int = -1,
    unsigned_bits: int = 0,
) -> bool:
    """Say whether the walk over the zones may use this one: zone_watermark_fast().

    An atomic request for one page does not see the boost at the lowest mark.
    """
    mark = mark_of(z, flags)
    if order == 0 and plenty(z, mark, highest, flags, cma, unsigned_bits):
        return True
    if watermark_ok(z, order, mark, highest, flags, z.free, cma):
        return True
    if order or not gfp & Gfp.ATOMIC or not z.boost or flags & MASK != WMARK_MIN:
        return False
    return watermark_ok(z, 0, z.marks[WMARK_MIN], highest, flags, z.free, cma)
