"""Mistakes in watermarks and reserves."""

from __future__ import annotations

from typing import Any

from mmoracle.impl.zones import marks
from mmoracle.impl.zones.boot import Boot
from mmoracle.impl.zones.machine import System
from mmoracle.impl.zones.nodes import Pgdat, Zone

_zone_wmarks = marks.zone_wmarks
_init = System.init_per_zone_wmark_min
_ratio, _start = System.lowmem_reserve_ratio_sysctl, System.start_khugepaged

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


SYS, BST, HUGE = "tiny-sysctl", "tiny-boost", "tiny-hugepages"
HIGH, TINY, NUMA = "tiny-highmem", "tiny", "tiny-numa"
WMARKS, GAP, RESERVE = "zone_wmarks", "mark_gap", "lowmem_reserve"
INIT, FREE = "init_per_zone_wmark_min", "nr_free_zone_pages"
START = "start_khugepaged"
RATIO = "lowmem_reserve_ratio_sysctl"
ROOT, SHARE, SANE = "WM-ROOT", "WM-SHARE", "WM-SANE"
KEEP, SORTED = "RES-LOWMEM", "MB-SORTED"

TABLE: tuple[tuple[str, str, str, Any, str, Any], ...] = (
    ("wm-root-up", ROOT, HIGH, marks, "int_sqrt", square_root_up),
    ("wm-root-strict", ROOT, SYS, marks, "sqrt_step", strict_step),
    ("wm-no-least", ROOT, "tiny-holes", System, INIT, pick_without_least),
    ("wm-no-most", ROOT, HUGE, System, INIT, pick_without_most),
    ("wm-over-user", ROOT, SYS, System, INIT, pick_over_the_user),
    ("wm-user-always", ROOT, SYS, System, INIT, pick_what_the_user_wrote),
    ("wm-all-zones", ROOT, HIGH, System, INIT, pick_by_all_zones),
    ("wm-plain-marks", ROOT, BST, Boot, FREE, free_above_plain_marks),
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
)
