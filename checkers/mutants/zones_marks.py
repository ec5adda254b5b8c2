"""Mistakes in watermarks, reserves, pagesets, boosts, sysctls and blocks of nodes."""

from __future__ import annotations

from typing import Any

from mmoracle.impl.zones import fill, marks
from mmoracle.impl.zones.fill import Block
from mmoracle.impl.zones.machine import System
from mmoracle.impl.zones.nodes import Pgdat, Zone

_zone_wmarks, _hugepage_min = marks.zone_wmarks, marks.hugepage_min
_init, _kbytes = System.init_per_zone_wmark_min, System.min_free_kbytes_sysctl
_scale, _fraction = (
    System.watermark_scale_factor_sysctl,
    "percpu_pagelist_fraction_sysctl",
)
_write_fraction = System.percpu_pagelist_fraction_sysctl
_factor, _boost = System.watermark_boost_factor_sysctl, marks.boost_watermark
_ratio, _start = System.lowmem_reserve_ratio_sysctl, System.start_khugepaged
_fill = fill.numa_fill_memblks

# ------------------------------------------------------------------ min_free_kbytes


def square_root_up(x: int) -> int:
    """Round a root up."""
    root = _int_sqrt(x)
    return root + (root * root < x)


_int_sqrt = marks.int_sqrt


def strict_step(x: int, root: int, bit: int) -> tuple[int, int]:
    """Leave a bit out where it fits exactly."""
    tried = root + bit
    root >>= 1
    return (x - tried, root + bit) if x > tried else (x, root)


def pick_without_least(m: System) -> int:
    """Let a small machine keep less than 128 kB."""
    return picked(m, 0, 262144)


def pick_without_most(m: System) -> int:
    """Let a large machine keep more than 256 MB."""
    return picked(m, 128, 1 << 40)


def picked(m: System, least: int, most: int) -> int:
    """Pick min_free_kbytes between other bounds."""
    root = marks.int_sqrt(m.nr_free_zone_pages(m.normal) * 4 * 16)
    _init(m)
    if root > m.user_kbytes and not m.hugepages:
        m.min_free_kbytes = min(max(root, least), most)
        m.setup_per_zone_wmarks()
    return m.min_free_kbytes


def pick_over_the_user(m: System) -> int:
    """Forget what a user wrote."""
    m.user_kbytes, user = -1, m.user_kbytes
    _init(m)
    m.user_kbytes = user
    return m.min_free_kbytes


def pick_what_the_user_wrote(m: System) -> int:
    """Keep what a user wrote, however little."""
    user, m.user_kbytes = m.user_kbytes, m.user_kbytes if m.user_kbytes < 0 else 1 << 40
    _init(m)
    m.user_kbytes = user
    return m.min_free_kbytes


def pick_by_all_zones(m: System) -> int:
    """Take the root of all memory, highmem too."""
    normal, m.normal = m.normal, m.movable
    _init(m)
    m.normal = normal
    return m.min_free_kbytes


def free_above_plain_marks(m: System, highest: int) -> int:
    """Count free pages above the high marks without their boost."""
    pages = 0
    for nid, index in m.pgdat[m.online[0]].fallback:
        zone = m.pgdat[nid].zones[index]
        pages += max(0, zone.managed - zone.wmark[2]) if index <= highest else 0
    return pages


def tells_the_user(m: System) -> int:
    """Tell the user's value as the one in force."""
    kbytes = _init(m)
    return m.user_kbytes if m.user_kbytes >= 0 else kbytes


def reserves_forgotten(m: System) -> int:
    """Leave what zones keep for lower requests as it was."""
    old = [(z, z.reserve[:]) for z in m.all_zones()]
    kbytes = _init(m)
    for zone, reserve in old:
        zone.reserve = reserve
    m.calculate_totalreserve_pages()
    return kbytes


def hugepages_replace(m: System) -> int:
    """Set min_free_kbytes to what khugepaged wants, higher or lower."""
    m.min_free_kbytes = 0
    return _start(m)


def hugepages_without_types(free: int, zones: int, block: int) -> int:
    """Want two blocks a zone, and none for the pairs of types."""
    return min(block * zones * 2, free // 20)


def hugepages_without_end(free: int, zones: int, block: int) -> int:
    """Want more than a twentieth of lowmem."""
    return block * zones * 11


def hugepages_unmarked(m: System) -> int:
    """Raise min_free_kbytes and leave the marks."""
    old = [(z, z.wmark[:]) for z in m.all_zones()]
    kbytes = _start(m)
    for zone, wmark in old:
        zone.wmark = wmark
    return kbytes


# ------------------------------------------------------------------ marks


def narrow_gap(part: int, managed: int, scale: int) -> int:
    """Take the smaller of the two distances."""
    return min(part >> 2, marks.mult_frac(managed, scale, 10000))


def gap_of_a_quarter(part: int, managed: int, scale: int) -> int:
    """Forget watermark_scale_factor."""
    return part >> 2


def rest_forgotten(x: int, numerator: int, denominator: int) -> int:
    """Drop the remainder before it is multiplied."""
    return x // denominator * numerator


def equal_shares(
    zone: Zone, pages: int, lowmem: int, scale: int, highmem: bool
) -> None:
    """Give every zone all of min_free_kbytes."""
    _zone_wmarks(zone, pages, zone.managed or lowmem, scale, highmem)


def highmem_like_others(
    zone: Zone, pages: int, lowmem: int, scale: int, highmem: bool
) -> None:
    """Let a highmem zone keep as much as a lowmem zone."""
    _zone_wmarks(zone, pages, lowmem, scale, False)


def boost_stays(zone: Zone, pages: int, lowmem: int, scale: int, highmem: bool) -> None:
    """Leave a boost on top of new marks."""
    boost = zone.boost
    _zone_wmarks(zone, pages, lowmem, scale, highmem)
    zone.boost = boost


def three_gaps(zone: Zone, pages: int, lowmem: int, scale: int, highmem: bool) -> None:
    """Put the high mark three distances above the lowest."""
    _zone_wmarks(zone, pages, lowmem, scale, highmem)
    least, low, _ = zone.wmark
    zone.wmark[2] = least + 3 * (low - least)


# ------------------------------------------------------------------ reserves


def reserve_of_one(zones: list[Zone], ratios: list[int]) -> None:
    """Keep a share of the next zone only, not of all between."""
    for i, zone in enumerate(zones):
        for j in range(i + 1, len(zones)):
            above = zones[j].managed if ratios[i] >= 1 and zone.managed else 0
            zone.reserve[j] = above // max(1, ratios[i])


def reserve_by_the_upper_ratio(zones: list[Zone], ratios: list[int]) -> None:
    """Use the ratio of the zone of the request."""
    _lowmem_reserve(zones, [*ratios[1:], ratios[0]])


_lowmem_reserve = marks.lowmem_reserve


def reserve_of_empty_zones(zones: list[Zone], ratios: list[int]) -> None:
    """Let a zone keep pages that it does not manage."""
    for i, zone in enumerate(zones):
        for j in range(i + 1, len(zones)):
            above = sum(z.managed for z in zones[i + 1 : j + 1])
            zone.reserve[j] = above // ratios[i] if ratios[i] >= 1 else 0


def reserve_from_itself(zones: list[Zone], ratios: list[int]) -> None:
    """Keep pages from requests for the zone itself."""
    _lowmem_reserve(zones, ratios)
    for i, zone in enumerate(zones):
        if ratios[i] >= 1:
            zone.reserve[i] = zone.managed // ratios[i]


def ratios_below_zero(m: System, ratios: tuple[int, ...]) -> None:
    """Take a negative ratio as it is."""
    _ratio(m, ratios)
    m.ratios = list(ratios)


def ratios_noted_only(m: System, ratios: tuple[int, ...]) -> None:
    """Note the ratios and leave what is kept."""
    m.ratios = [max(ratio, 0) for ratio in ratios]


def total_of_reserves(pgdat: Pgdat) -> int:
    """Forget the high marks in what is not for the page cache."""
    return sum(
        min(z.managed, max(0, *z.reserve[i:])) for i, z in enumerate(pgdat.zones)
    )


def total_above_all(pgdat: Pgdat) -> int:
    """Reserve more of a zone than there is."""
    return sum(
        max(0, *z.reserve[i:]) + z.wmark[2] + z.boost for i, z in enumerate(pgdat.zones)
    )


def total_of_the_last(m: System) -> None:
    """Let the last node alone count."""
    for pgdat in m.pgdat.values():
        pgdat.totalreserve = marks.totalreserve(pgdat)
        m.totalreserve = pgdat.totalreserve


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


SYS, BST, HUGE = "tiny-sysctl", "tiny-boost", "tiny-hugepages"
HIGH, TINY, NUMA, FILL = "tiny-highmem", "tiny", "tiny-numa", "tiny-fill"
WMARKS, GAP, RESERVE = "zone_wmarks", "mark_gap", "lowmem_reserve"
INIT, LIMITS, FREE = "init_per_zone_wmark_min", "pageset_limits", "nr_free_zone_pages"
KBYTES, START, MAY = "min_free_kbytes_sysctl", "start_khugepaged", "may_boost"
RATIO = "lowmem_reserve_ratio_sysctl"
ROOT, SHARE, SANE = "WM-ROOT", "WM-SHARE", "WM-SANE"
KEEP, SIZE, SORTED = "RES-LOWMEM", "PCP-LIMIT", "MB-SORTED"

TABLE: tuple[tuple[str, str, str, Any, str, Any], ...] = (
    ("wm-root-up", ROOT, HIGH, marks, "int_sqrt", square_root_up),
    ("wm-root-strict", ROOT, SYS, marks, "sqrt_step", strict_step),
    ("wm-no-least", ROOT, "tiny-holes", System, INIT, pick_without_least),
    ("wm-no-most", ROOT, HUGE, System, INIT, pick_without_most),
    ("wm-over-user", ROOT, SYS, System, INIT, pick_over_the_user),
    ("wm-user-always", ROOT, SYS, System, INIT, pick_what_the_user_wrote),
    ("wm-all-zones", ROOT, HIGH, System, INIT, pick_by_all_zones),
    ("wm-plain-marks", ROOT, BST, System, FREE, free_above_plain_marks),
    ("wm-tells-user", "RET-PAGES", SYS, System, INIT, tells_the_user),
    ("wm-reserves-old", KEEP, TINY, System, INIT, reserves_forgotten),
    ("huge-replaces", ROOT, HUGE, System, START, hugepages_replace),
    (
        "huge-no-types",
        "RET-PAGES",
        HUGE,
        marks,
        "hugepage_min",
        hugepages_without_types,
    ),
    ("huge-no-end", "RET-PAGES", HUGE, marks, "hugepage_min", hugepages_without_end),
    ("huge-unmarked", SHARE, HUGE, System, START, hugepages_unmarked),
    ("wm-gap-narrow", SHARE, SYS, marks, GAP, narrow_gap),
    ("wm-gap-quarter", SHARE, SYS, marks, GAP, gap_of_a_quarter),
    ("wm-rest-lost", SHARE, SYS, marks, "mult_frac", rest_forgotten),
    ("wm-equal-shares", SHARE, TINY, marks, WMARKS, equal_shares),
    ("wm-highmem-min", SHARE, HIGH, marks, WMARKS, highmem_like_others),
    ("wm-boost-stays", SHARE, BST, marks, WMARKS, boost_stays),
    ("wm-three-gaps", SANE, TINY, marks, WMARKS, three_gaps),
    ("res-one-zone", KEEP, HIGH, marks, RESERVE, reserve_of_one),
    ("res-upper-ratio", KEEP, TINY, marks, RESERVE, reserve_by_the_upper_ratio),
    ("res-empty-zone", KEEP, TINY, marks, RESERVE, reserve_of_empty_zones),
    ("res-own-zone", KEEP, TINY, marks, RESERVE, reserve_from_itself),
    ("res-negative", KEEP, SYS, System, RATIO, ratios_below_zero),
    ("res-noted", KEEP, SYS, System, RATIO, ratios_noted_only),
    ("res-no-marks", "RES-TOTAL", TINY, marks, "totalreserve", total_of_reserves),
    ("res-above-all", "RES-TOTAL", SYS, marks, "totalreserve", total_above_all),
    (
        "res-last-node",
        "RES-TOTAL",
        NUMA,
        System,
        "calculate_totalreserve_pages",
        total_of_the_last,
    ),
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
