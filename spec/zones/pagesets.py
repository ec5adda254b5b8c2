"""How many pages a pageset may hold, and how many it moves at once.

Source: mm/page_alloc.c:zone_batchsize, pageset_set_high_and_batch,
percpu_pagelist_fraction_sysctl_handler (v5.10).
"""

from __future__ import annotations

BOOT_LIMITS = (0, 1)  # high and batch of the pagesets that serve before the real ones
MIN_FRACTION = 8  # MIN_PERCPU_PAGELIST_FRACTION


def rounddown_pow_of_two(x: int) -> int:
    """Return the greatest power of two that is not above x, for 1 <= x < 2**16."""
    for shift in (1, 2, 4, 8):
        x |= x >> shift
    return x - (x >> 1)


def zone_batchsize(managed: int, mmu: bool = True, page_shift: int = 12) -> int:
    """Return the batch of a zone by its size: 2**k - 1, and 0 without an MMU."""
    if not mmu:
        return 0
    most = (1 << 20) >> page_shift  # a MiB
    batch = max(min(managed // 1024, most) // 4, 1)
    return rounddown_pow_of_two(batch + batch // 2) - 1


def limits_by_batch(batchsize: int) -> tuple[int, int]:
    """Return high and batch of a pageset by a batch size."""
    return 6 * batchsize, max(1, batchsize)


def limits_by_high(high: int, page_shift: int = 12) -> tuple[int, int]:
    """Return high and batch of a pageset by the pages it may hold."""
    return high, min(max(1, high // 4), page_shift * 8)


def pageset_limits(
    managed: int, fraction: int = 0, mmu: bool = True, page_shift: int = 12
) -> tuple[int, int]:
    """Return high and batch of a zone's pagesets.

    `fraction` is percpu_pagelist_fraction, 0 where no user wrote one.
    """
    if fraction:
        return limits_by_high(managed // fraction, page_shift)
    return limits_by_batch(zone_batchsize(managed, mmu, page_shift))


def fraction_allowed(fraction: int) -> bool:
    """Say whether percpu_pagelist_fraction may be set so."""
    return fraction == 0 or fraction >= MIN_FRACTION
