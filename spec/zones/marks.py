"""Watermarks, the memory kept for lower zones, and the boost against fragmentation.

All counts are pages, except min_free_kbytes.  Divisions round down, as in the kernel.

Source: mm/page_alloc.c:init_per_zone_wmark_min, __setup_per_zone_wmarks,
setup_per_zone_lowmem_reserve, calculate_totalreserve_pages, boost_watermark (v5.10).
"""

from __future__ import annotations

from math import isqrt

from ..linux import MIGRATE_PCPTYPES, SWAP_CLUSTER_MAX

LEAST_KBYTES, MOST_KBYTES = 128, 262144  # of min_free_kbytes, as the kernel picks it
SCALE_UNIT = 10000  # watermark_scale_factor and watermark_boost_factor count these


def beyond_high(managed: int, high: int) -> int:
    """Return the pages of a zone above its high mark.

    Summed over zones that is nr_free_zone_pages().
    """
    return managed - high if managed > high else 0


def square_root(x: int) -> int:
    """Return the integer square root: int_sqrt()."""
    return isqrt(x)


def clamp_kbytes(kbytes: int) -> int:
    """Return min_free_kbytes between its bounds."""
    return min(max(kbytes, LEAST_KBYTES), MOST_KBYTES)


def root_kbytes(lowmem_pages: int, page_shift: int = 12) -> int:
    """Return 4 * sqrt(lowmem_kbytes), what min_free_kbytes grows with.

    `lowmem_pages` are those above the high marks of the zones up to ZONE_NORMAL,
    nr_free_buffer_pages().
    """
    return square_root((lowmem_pages << (page_shift - 10)) * 16)


def picked_kbytes(root: int, user_kbytes: int, old_kbytes: int) -> int:
    """Return min_free_kbytes as the kernel picks it; a greater value of a user stays.

    `user_kbytes` is user_min_free_kbytes, -1 where no user wrote one.
    """
    return clamp_kbytes(root) if root > user_kbytes else old_kbytes


def pages_min(min_free_kbytes: int, page_shift: int = 12) -> int:
    """Return the pages that all lowmem zones together keep at the lowest mark."""
    return min_free_kbytes >> (page_shift - 10)


def hugepage_kbytes(
    free: int, zones: int, block: int, old_kbytes: int, page_shift: int = 12
) -> int:
    """Return min_free_kbytes after khugepaged started: it may raise it.

    `free` is nr_free_buffer_pages(), `zones` counts the populated zones up to
    ZONE_NORMAL, `block` is pageblock_nr_pages.  Two blocks a zone for compaction, and
    two for each pair of the three types that a request can have, but at most 5 %.
    Source: mm/khugepaged.c:set_recommended_min_free_kbytes (v5.10).
    """
    wanted = block * zones * (2 + MIGRATE_PCPTYPES * MIGRATE_PCPTYPES)
    return max(old_kbytes, min(wanted, free // 20) << (page_shift - 10))


def share(pages: int, managed: int, lowmem: int) -> int:
    """Return a zone's part of `pages`, by its size: `lowmem` is that of all lowmem."""
    return pages * managed // lowmem


def mult_frac(x: int, numerator: int, denominator: int) -> int:
    """Return x * numerator / denominator as the kernel takes it, without overflow."""
    whole, rest = x // denominator, x % denominator
    return whole * numerator + rest * numerator // denominator


def capped_min(managed: int) -> int:
    """Return the lowest mark of a highmem zone."""
    return min(max(managed // 1024, SWAP_CLUSTER_MAX), 128)


def mark_gap(part: int, managed: int, scale: int = 10) -> int:
    """Return the pages between two marks; `scale` is watermark_scale_factor."""
    return max(part // 4, mult_frac(managed, scale, SCALE_UNIT))


def zone_marks(
    pages: int, managed: int, lowmem: int, scale: int = 10, capped: bool = False
) -> tuple[int, int, int]:
    """Return the marks MIN, LOW, HIGH of a zone.

    `pages` is pages_min(), `lowmem` the managed pages of all zones that are not
    highmem; `capped` for highmem (and, in releases after 5.10, ZONE_MOVABLE).
    """
    return marks_by_share(share(pages, managed, lowmem), managed, scale, capped)


def marks_by_share(
    part: int, managed: int, scale: int = 10, capped: bool = False
) -> tuple[int, int, int]:
    """Return the marks of a zone that has this part of what lowmem keeps."""
    least = capped_min(managed) if capped else part
    gap = mark_gap(part, managed, scale)
    return least, least + gap, least + 2 * gap


# ------------------------------------------------------------------ reserves


def reserve(above: int, ratio: int, managed: int) -> int:
    """Return the pages a zone keeps from requests that have `above` pages higher up."""
    return above // ratio if ratio and managed else 0


def lowmem_reserve(
    managed: tuple[int, ...], ratios: tuple[int, ...], zone: int
) -> tuple[int, ...]:
    """Return lowmem_reserve of a zone, by the highest zone of the request.

    `managed` are the managed pages of all zones of the node.
    """
    row = [0] * len(managed)
    above = 0
    for higher in range(zone + 1, len(managed)):
        above += managed[higher]
        row[higher] = reserve(above, ratios[zone], managed[zone])
    return tuple(row)


def kept(managed: int, reserves: tuple[int, ...], zone: int, high: int) -> int:
    """Return the pages of a zone that are not for the page cache.

    Summed over all zones that is totalreserve_pages.
    """
    return min(managed, max((*reserves[zone:], 0)) + high)


# ------------------------------------------------------------------ boost


def most_boost(high: int, factor: int, block: int) -> int:
    """Return the highest boost of a zone, 0 where its marks are not set yet.

    `factor` is watermark_boost_factor, `block` pageblock_nr_pages.
    """
    most = mult_frac(high, factor, SCALE_UNIT)
    return max(most, block) if most else 0


def may_boost(managed: int, high: int, factor: int, block: int) -> bool:
    """Say whether a zone may be boosted: it has four page blocks, and marks."""
    return factor != 0 and 4 * block <= managed and most_boost(high, factor, block) > 0


def boosted(boost: int, managed: int, high: int, factor: int, block: int) -> int:
    """Return a zone's boost after one more request took a block of another type."""
    if not may_boost(managed, high, factor, block):
        return boost
    return min(boost + block, most_boost(high, factor, block))
