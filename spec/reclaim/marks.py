"""How much is free: the marks of zones, and what of a node is balanced.

Source: mm/vmscan.c:pgdat_balanced, pgdat_watermark_boosted, zone_reclaimable_pages
(v5.10).
"""

from __future__ import annotations

from ..linux import WMARK_HIGH, WMARK_MIN, AllocFlags
from ..watermark import Level, watermark_ok
from .state import Config, Place, State, Zone


def min_mark(place: Place, zone: Zone) -> int:
    """Return min_wmark_pages()."""
    return place.marks[WMARK_MIN] + zone.boost


def high_mark(place: Place, zone: Zone) -> int:
    """Return high_wmark_pages()."""
    return place.marks[WMARK_HIGH] + zone.boost


def reclaimable_pages(file: int, anon: int, swap: bool, free: int) -> int:
    """Return zone_reclaimable_pages(): the free pages where there are no others."""
    pages = file + anon if swap else file
    return pages if pages else free


def level_ok(
    cfg: Config, s: State, at: int, order: int, mark: int, highest: int
) -> bool:
    """Say whether a zone is above a mark for a request without privileges."""
    zone, place = s.zones[at], cfg.zones[at]
    largest = min(zone.block, zone.free.bit_length() - 1)
    lists = tuple(int(order <= largest) for order in range(cfg.pageblock_order + 2))
    level = Level(zone.free, place.marks, place.reserve, lists, zone.boost)
    return watermark_ok(level, order, mark, highest, AllocFlags.NONE, zone.free)


def balanced(cfg: Config, s: State, node: int, order: int, highest: int) -> bool:
    """Say whether some zone is above its high mark, or none has pages at all.

    Source: mm/vmscan.c:pgdat_balanced (v5.10).
    """
    zones = cfg.zones_of(node, highest)
    return not zones or any(
        level_ok(cfg, s, at, order, high_mark(cfg.zones[at], s.zones[at]), highest)
        for at in zones
    )


def boosted(cfg: Config, s: State, node: int, highest: int) -> bool:
    """Say whether some zone's marks are boosted: pgdat_watermark_boosted()."""
    return any(s.zones[at].boost for at in cfg.zones_of(node, highest))
