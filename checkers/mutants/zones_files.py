"""Mistakes in pagesets, in files of /proc/sys/vm, boosts and blocks of nodes."""

from __future__ import annotations

from typing import Any

from mmoracle.impl.zones import fill, marks
from mmoracle.impl.zones.fill import Block
from mmoracle.impl.zones.machine import System
from mmoracle.impl.zones.nodes import Zone

_kbytes = System.min_free_kbytes_sysctl
_fraction = "percpu_pagelist_fraction_sysctl"
_write_fraction = System.percpu_pagelist_fraction_sysctl
_factor, _boost = System.watermark_boost_factor_sysctl, marks.boost_watermark
_fill = fill.numa_fill_memblks

# ------------------------------------------------------------------ pagesets


def batch_of_a_quarter(managed: int, mmu: bool, page_shift: int) -> int:
    """Round the batch down without adding half."""
    batch = min(managed >> 10, 256) // 4 or 1
    return (1 << batch.bit_length() - 1) - 1 if mmu else 0


def batch_without_mmu(managed: int, mmu: bool, page_shift: int) -> int:
    """Batch on a machine without an MMU."""
    return _batchsize(managed, True, page_shift)


_batchsize = marks.zone_batchsize


def batch_of_zero(
    managed: int, fraction: int, mmu: bool, page_shift: int
) -> tuple[int, int]:
    """Let a pageset move no page at once."""
    high, batch = _limits(managed, fraction, mmu, page_shift)
    return high, 0 if not high else batch


_limits = marks.pageset_limits


def batch_without_end(
    managed: int, fraction: int, mmu: bool, page_shift: int
) -> tuple[int, int]:
    """Let a pageset move a quarter of what it holds, however much."""
    high, batch = _limits(managed, fraction, mmu, page_shift)
    return (high, max(1, high // 4)) if fraction else (high, batch)


def fraction_of_default(
    managed: int, fraction: int, mmu: bool, page_shift: int
) -> tuple[int, int]:
    """Ignore percpu_pagelist_fraction."""
    return _limits(managed, 0, mmu, page_shift)


def fraction_noted_only(m: System, fraction: int) -> bool:
    """Note the fraction and leave the pagesets."""
    if not m.takes_fraction(fraction):
        return False
    m.fraction = fraction
    return True


def fraction_kept_on_refusal(m: System, fraction: int) -> bool:
    """Refuse a fraction, and keep it."""
    taken = _write_fraction(m, fraction)
    m.fraction = fraction
    return taken


def fraction_of_seven(m: System, fraction: int) -> bool:
    """Take a fraction that would let a pageset hold more than an eighth of a zone."""
    return 0 <= fraction < 1 << 31


# ------------------------------------------------------------------ files


def any_kbytes(m: System, kbytes: int) -> bool:
    """Take less than nothing."""
    return kbytes < 1 << 31


def any_scale(m: System, scale: int) -> bool:
    """Take marks that lie on top of each other."""
    return scale <= m.most_scale


def large_scale(m: System, scale: int) -> bool:
    """Take marks that are too far apart."""
    return scale >= 1


def any_factor(m: System, factor: int) -> bool:
    """Take a factor below 0."""
    return factor < 1 << 31


def kbytes_bent(m: System, kbytes: int) -> bool:
    """Bend a user's value as the kernel's own."""
    taken = _kbytes(m, kbytes)
    if taken:
        m.min_free_kbytes = min(max(kbytes, 128), 262144)
        m.setup_per_zone_wmarks()
    return taken


def kbytes_noted_only(m: System, kbytes: int) -> bool:
    """Note min_free_kbytes and leave the marks."""
    if not m.takes_kbytes(kbytes):
        return False
    m.min_free_kbytes = m.user_kbytes = kbytes
    return True


def scale_noted_only(m: System, scale: int) -> bool:
    """Note the scale and leave the marks."""
    if not m.takes_scale(scale):
        return False
    m.scale = scale
    return True


def factor_takes_boosts(m: System, factor: int) -> bool:
    """Take boosts back when the factor is written."""
    taken = _factor(m, factor)
    for zone in m.all_zones() if taken else ():
        zone.boost = 0
    return taken


# ------------------------------------------------------------------ boosts


def small_zones_too(zone: Zone, factor: int, block: int) -> bool:
    """Boost a zone of less than four page blocks."""
    return factor > 0 and marks.most_boost(zone.wmark[2], factor, block) > 0


def four_blocks_exactly(zone: Zone, factor: int, block: int) -> bool:
    """Leave a zone of just four page blocks without a boost."""
    large = zone.managed > 4 * block
    return large and factor > 0 and marks.most_boost(zone.wmark[2], factor, block) > 0


def boost_without_marks(high: int, factor: int, block: int) -> int:
    """Boost a zone by a block before its marks are there."""
    return max(marks.mult_frac(high, factor, 10000), block)


def boost_by_the_factor(high: int, factor: int, block: int) -> int:
    """Bound the boost by the factor alone, however little that is."""
    return marks.mult_frac(high, factor, 10000)


def boost_without_end(zone: Zone, factor: int, block: int) -> bool:
    """Add a page block each time."""
    if not marks.may_boost(zone, factor, block):
        return False
    zone.boost += block
    return True


def boost_at_its_end(zone: Zone, factor: int, block: int) -> bool:
    """Say that nothing was to do where the boost is at its bound."""
    before = zone.boost
    return _boost(zone, factor, block) and zone.boost != before


def unboost_all(m: System, nid: int, index: int, pages: int) -> None:
    """Take the whole boost back, with what came meanwhile."""
    m.pgdat[nid].zones[index].boost = 0


def unboost_below_zero(m: System, nid: int, index: int, pages: int) -> None:
    """Take more back than there is."""
    zone = m.pgdat[nid].zones[index]
    zone.boost -= pages if zone.boost else 0


# ------------------------------------------------------------------ blocks


def word(x: int, bits: int = 4) -> int:
    """Return a number as a signed word of few bits."""
    half = 1 << (bits - 1)
    return (x + half) % (1 << bits) - half


def compare_in_a_word(a: Block, b: Block) -> int:
    """Return the difference of two starts, cut to a word."""
    return word(a[0] - b[0])


def compare_ends(a: Block, b: Block) -> int:
    """Put blocks in falling order."""
    return b[0] - a[0]


def gaps_stay(m: System, start: int, end: int) -> bool:
    """Grow the first and the last block only."""
    met = sorted(b for b in m.blocks if start < b[1] and b[0] < end)
    if met:
        met[0][0], met[-1][1] = min(met[0][0], start), max(met[-1][1], end)
    return bool(met)


def blocks_shrink(m: System, start: int, end: int) -> bool:
    """Cut the first block to where the window begins."""
    if not _fill(m.blocks, start, end):
        return False
    first = min(b for b in m.blocks if start < b[1] and b[0] < end)
    first[0] = start
    return True


def always_filled(m: System, start: int, end: int) -> bool:
    """Say that a window was filled that no block meets."""
    _fill(m.blocks, start, end)
    return True


SYS, BST = "tiny-sysctl", "tiny-boost"
TINY, FILL = "tiny", "tiny-fill"
LIMITS = "pageset_limits"
KBYTES, MAY = "min_free_kbytes_sysctl", "may_boost"
ROOT, SHARE, SANE = "WM-ROOT", "WM-SHARE", "WM-SANE"
SIZE, SORTED = "PCP-LIMIT", "MB-SORTED"

TABLE: tuple[tuple[str, str, str, Any, str, Any], ...] = (
    ("pcp-no-half", SIZE, SYS, marks, "zone_batchsize", batch_of_a_quarter),
    ("pcp-no-mmu", SIZE, "tiny-no-mmu", marks, "zone_batchsize", batch_without_mmu),
    ("pcp-batch-zero", SIZE, TINY, marks, LIMITS, batch_of_zero),
    ("pcp-batch-end", SIZE, SYS, marks, LIMITS, batch_without_end),
    ("pcp-no-fraction", SIZE, SYS, marks, LIMITS, fraction_of_default),
    ("pcp-noted", SIZE, SYS, System, _fraction, fraction_noted_only),
    ("pcp-refused", "ZONE-KEPT", SYS, System, _fraction, fraction_kept_on_refusal),
    ("pcp-seven", "RET-CODE", SYS, System, "takes_fraction", fraction_of_seven),
    ("file-kbytes", SANE, SYS, System, "takes_kbytes", any_kbytes),
    ("file-scale-low", "RET-CODE", SYS, System, "takes_scale", any_scale),
    ("file-scale-high", "RET-CODE", SYS, System, "takes_scale", large_scale),
    ("file-factor", "RET-CODE", BST, System, "takes_factor", any_factor),
    ("file-kbytes-bent", "EXACT-STATE", SYS, System, KBYTES, kbytes_bent),
    ("file-kbytes-noted", SHARE, SYS, System, KBYTES, kbytes_noted_only),
    (
        "file-scale-noted",
        SHARE,
        SYS,
        System,
        "watermark_scale_factor_sysctl",
        scale_noted_only,
    ),
    (
        "file-factor-boosts",
        SANE,
        BST,
        System,
        "watermark_boost_factor_sysctl",
        factor_takes_boosts,
    ),
    ("P70-zone", SANE, BST, marks, MAY, small_zones_too),
    ("boost-four-blocks", "RET-BOOL", BST, marks, MAY, four_blocks_exactly),
    ("boost-no-marks", "BOOT-ORDER", BST, marks, "most_boost", boost_without_marks),
    ("boost-factor", SANE, BST, marks, "most_boost", boost_by_the_factor),
    ("boost-no-end", SANE, BST, marks, "boost_watermark", boost_without_end),
    ("boost-at-end", "RET-BOOL", BST, marks, "boost_watermark", boost_at_its_end),
    ("unboost-all", SANE, BST, System, "unboost", unboost_all),
    ("unboost-below", SANE, BST, System, "unboost", unboost_below_zero),
    ("P55-zones", SORTED, FILL, fill, "cmp_memblk", compare_in_a_word),
    ("fill-falling", SORTED, FILL, fill, "cmp_memblk", compare_ends),
    ("fill-gaps", SORTED, FILL, System, "fill_memblks", gaps_stay),
    ("fill-shrinks", SORTED, FILL, System, "fill_memblks", blocks_shrink),
    ("fill-always", SORTED, FILL, System, "fill_memblks", always_filled),
)
