"""Watermarks, reserves and limits of pagesets, in integers as the kernel computes them.

Source: mm/page_alloc.c:__setup_per_zone_wmarks and others (v5.10).
"""

from __future__ import annotations

from .nodes import Pgdat, Zone


def int_sqrt(x: int) -> int:
    """Return the integer square root, bit by bit: lib/math/int_sqrt.c.  O(bits)."""
    if x <= 1:
        return x
    root, bit = 0, 1 << ((x.bit_length() - 1) & ~1)
    while bit:
        x, root = sqrt_step(x, root, bit)
        bit >>= 2
    return root


def sqrt_step(x: int, root: int, bit: int) -> tuple[int, int]:
    """Decide one bit of a root; return what is left of x and the root.  O(1)."""
    tried = root + bit
    root >>= 1
    if x >= tried:
        return x - tried, root + bit
    return x, root


def mult_frac(x: int, numerator: int, denominator: int) -> int:
    """Return x * numerator / denominator, the quotient first.  O(1)."""
    quotient = x // denominator
    rest = x - quotient * denominator
    return quotient * numerator + rest * numerator // denominator


def picked_kbytes(root: int, user: int, old: int) -> int:
    """Return min_free_kbytes by its root, unless a user wrote no less.  O(1)."""
    return min(max(root, 128), 262144) if root > user else old


def divisor(lowmem: int, low_bits: bool) -> int:
    """Return what a zone's share is divided by: 5.10 takes the low 32 bits.  O(1)."""
    return lowmem & 0xFFFFFFFF if low_bits else lowmem


def mark_gap(part: int, managed: int, scale: int) -> int:
    """Return the distance of two marks.  O(1)."""
    gap = mult_frac(managed, scale, 10000)
    return gap if gap > part >> 2 else part >> 2


def zone_wmarks(zone: Zone, pages: int, lowmem: int, scale: int, highmem: bool) -> None:
    """Set the three marks of a zone and forget its boost.  O(1)."""
    part = pages * zone.managed // lowmem
    zone.boost = 0
    zone.wmark = three_marks(part, zone.managed, scale, highmem)


def three_marks(part: int, managed: int, scale: int, highmem: bool) -> list[int]:
    """Return the marks of a zone by its part of what lowmem keeps.  O(1)."""
    least = part
    if highmem:
        least = min(max(managed >> 10, 32), 128)
    gap = mark_gap(part, managed, scale)
    return [least, least + gap, least + gap * 2]


def lowmem_reserve(zones: list[Zone], ratios: list[int]) -> None:
    """Set lowmem_reserve of a node's zones, from each type downwards.  O(zones^2)."""
    for j in range(1, len(zones)):
        above = zones[j].managed
        for i in range(j - 1, -1, -1):
            lower = zones[i]
            none = ratios[i] < 1 or not lower.managed
            lower.reserve[j] = 0 if none else above // ratios[i]
            above += lower.managed


def totalreserve(pgdat: Pgdat) -> int:
    """Return the pages of a node that are not for the page cache.  O(zones^2)."""
    pages = 0
    for i, zone in enumerate(pgdat.zones):
        kept = max(0, *zone.reserve[i:]) + zone.wmark[2] + zone.boost
        pages += kept if kept < zone.managed else zone.managed
    return pages


def hugepage_min(free: int, zones: int, block: int) -> int:
    """Return the pages that khugepaged wants free.  O(1)."""
    return min(block * zones * 11, free // 20)


def most_boost(high: int, factor: int, block: int) -> int:
    """Return the highest boost, 0 while there are no marks.  O(1)."""
    most = mult_frac(high, factor, 10000)
    return max(most, block) if most else 0


def may_boost(zone: Zone, factor: int, block: int) -> bool:
    """Say whether a zone has four page blocks, marks, and a factor to go by.  O(1)."""
    large = zone.managed >= 4 * block
    return large and factor > 0 and most_boost(zone.wmark[2], factor, block) > 0


def boost_watermark(zone: Zone, factor: int, block: int) -> bool:
    """Boost a zone if it is large enough.  O(1)."""
    if not may_boost(zone, factor, block):
        return False
    zone.boost = min(zone.boost + block, most_boost(zone.wmark[2], factor, block))
    return True


def zone_batchsize(managed: int, mmu: bool, page_shift: int) -> int:
    """Return the batch of a zone by its size.  O(1)."""
    if not mmu:
        return 0
    batch = managed >> 10
    if batch << page_shift > 1 << 20:
        batch = (1 << 20) >> page_shift
    batch = batch // 4 or 1
    power = 2
    while power <= batch + batch // 2:
        power *= 2
    return power // 2 - 1


def pageset_limits(
    managed: int, fraction: int, mmu: bool, page_shift: int
) -> tuple[int, int]:
    """Return high and batch of a zone's pagesets.  O(1)."""
    if fraction:
        high = managed // fraction
        return high, min(high // 4 or 1, 8 * page_shift)
    batch = zone_batchsize(managed, mmu, page_shift)
    return 6 * batch, batch or 1
