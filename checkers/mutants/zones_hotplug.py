"""Mistakes where memory comes when the machine runs."""

from __future__ import annotations

from typing import Any

from mmoracle.impl.zones import marks
from mmoracle.impl.zones.machine import System
from mmoracle.impl.zones.nodes import Pgdat, Zone

_online, _build, _resize = System.online_pages, System.build_zonelists, System.resize
_init = System.init_per_zone_wmark_min


def online_unlisted(m: System, nid: int, index: int, start: int, pages: int) -> bool:
    """Leave a zone out of all lists that was empty before."""
    old = {n: (p.fallback, p.thisnode) for n, p in m.pgdat.items()}
    taken = _online(m, nid, index, start, pages)
    for n, p in m.pgdat.items():
        p.fallback, p.thisnode = old[n]
    return taken


def online_unsized(m: System, nid: int, index: int, start: int, pages: int) -> bool:
    """Leave the pagesets of a grown zone as they were."""
    zone = m.pgdat[nid].zones[index]
    high, batch = zone.high, zone.batch
    taken = _online(m, nid, index, start, pages)
    zone.high, zone.batch = high, batch
    return taken


def online_all_sized(m: System, nid: int, index: int, start: int, pages: int) -> bool:
    """Forget percpu_pagelist_fraction for the zone that grew."""
    taken = _online(m, nid, index, start, pages)
    if taken:
        zone = m.pgdat[nid].zones[index]
        limits = marks.pageset_limits(zone.managed, 0, m.mmu, m.page_shift)
        zone.high, zone.batch = limits
    return taken


def online_unmarked(m: System, nid: int, index: int, start: int, pages: int) -> bool:
    """Leave all marks as they were."""
    old = [z.wmark[:] for z in m.all_zones()]
    taken = _online(m, nid, index, start, pages)
    for zone, wmark in zip(m.all_zones(), old, strict=True):
        zone.wmark = wmark
    m.calculate_totalreserve_pages()
    return taken


def online_unmanaged(m: System, nid: int, index: int, start: int, pages: int) -> bool:
    """Count pages as present that nobody may have."""
    taken = _online(m, nid, index, start, pages)
    if taken:
        m.pgdat[nid].zones[index].managed -= pages
        m.init_per_zone_wmark_min()
    return taken


def any_pages(m: System, start: int, pages: int) -> bool:
    """Take parts of sections."""
    return pages > 0


def no_pages(m: System, start: int, pages: int) -> bool:
    """Take nothing as memory."""
    return start % m.section == 0 and pages % m.section == 0


def grows_upwards(m: System, pgdat: Pgdat, zone: Zone, start: int, end: int) -> None:
    """Leave the start of a zone where it was."""
    first = zone.start if zone.spanned else start
    _resize(m, pgdat, zone, start, end)
    zone.spanned -= first - zone.start
    zone.start = first


def node_stays(m: System, pgdat: Pgdat, zone: Zone, start: int, end: int) -> None:
    """Leave the node's end where it was."""
    last = pgdat.end
    _resize(m, pgdat, zone, start, end)
    pgdat.end = last


def grouping_stays(m: System) -> int:
    """Leave grouping by mobility off once it was."""
    off = m.grouping_off
    pages = _build(m)
    m.grouping_off = off or m.grouping_off
    return pages


def unsorted(m: System, new: Any) -> None:
    """Put memory that came last to the end of the map."""
    m.memory = (*m.memory, new)


HOT, ONLINE = "tiny-hotplug", "online_pages"

TABLE: tuple[tuple[str, str, str, Any, str, Any], ...] = (
    ("hot-unlisted", "ZL-COMPLETE", HOT, System, ONLINE, online_unlisted),
    ("hot-unsized", "PCP-LIMIT", HOT, System, ONLINE, online_unsized),
    ("hot-fraction", "PCP-LIMIT", HOT, System, ONLINE, online_all_sized),
    ("hot-unmarked", "WM-SHARE", HOT, System, ONLINE, online_unmarked),
    ("hot-unmanaged", "ZONE-MANAGED", HOT, System, ONLINE, online_unmanaged),
    ("hot-parts", "RET-CODE", HOT, System, "takes_pages", any_pages),
    ("hot-nothing", "ZONE-SPAN", HOT, System, "takes_pages", no_pages),
    ("hot-upwards", "ZONE-SPAN", HOT, System, "resize", grows_upwards),
    ("hot-node", "ZONE-SPAN", HOT, System, "resize", node_stays),
    ("hot-grouping", "EXACT-STATE", HOT, System, "build_zonelists", grouping_stays),
    ("hot-unsorted", "EXACT-STATE", HOT, System, "memory_add", unsorted),
)
