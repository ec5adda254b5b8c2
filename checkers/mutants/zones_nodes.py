"""Mistakes in nodes, spans, ZONE_MOVABLE and deferred memory."""

from __future__ import annotations

from typing import Any

from mmoracle.impl.zones import movable, nodes
from mmoracle.impl.zones.boot import Boot
from mmoracle.impl.zones.machine import System
from mmoracle.impl.zones.nodes import Frames, Pgdat, Zone

_zone_bounds, _wanted_core = nodes.zone_bounds, movable.wanted_core
_grow = System.deferred_grow_zone
_calculate = System.calculate_pages
_other_kind = System.of_other_kind

Limits = list[tuple[int, int]]

# ------------------------------------------------------------------ spans


def limits_from_the_bottom(
    zones: int, movable: int, ends: tuple[int, ...], first: int, descending: bool
) -> Limits:
    """Let every zone type begin at the lowest pfn."""
    return [
        (0, 0) if z == movable else (first, max(ends[z], first)) for z in range(zones)
    ]


def limits_ascending(
    zones: int, movable: int, ends: tuple[int, ...], first: int, descending: bool
) -> Limits:
    """Take the limits in rising order where they fall."""
    return _zone_limits(zones, movable, ends, first, False)


_zone_limits = nodes.zone_limits


def limits_below_memory(
    zones: int, movable: int, ends: tuple[int, ...], first: int, descending: bool
) -> Limits:
    """Let limits begin at 0, and not at the first frame there is."""
    return _zone_limits(zones, movable, ends, 0, descending)


def source_from_below(limits: Limits, movable: int) -> int:
    """Take ZONE_MOVABLE from the lowest zone type with room."""
    rows = [z for z, (a, b) in enumerate(limits) if z != movable and a < b]
    return rows[0] if rows else -1


def movable_and_lower(
    zone: int,
    limits: Limits,
    movable: int,
    node: tuple[int, int],
    movable_pfn: int,
    mirrored: bool,
) -> tuple[int, int]:
    """Leave the zone below ZONE_MOVABLE as it was."""
    at = movable_pfn if zone == movable else 0
    return _zone_bounds(zone, limits, movable, node, at, mirrored)


def whole_zone_stays(
    zone: int,
    limits: Limits,
    movable: int,
    node: tuple[int, int],
    movable_pfn: int,
    mirrored: bool,
) -> tuple[int, int]:
    """Cut a zone that holds the start of ZONE_MOVABLE, not one wholly above it."""
    low = limits[zone][0]
    at = movable_pfn if zone == movable or low < movable_pfn else 0
    return _zone_bounds(zone, limits, movable, node, at, mirrored)


def holes_are_memory(frames: Frames, start: int, end: int) -> int:
    """Count no frame as absent between two ranges."""
    low, high = frames.bounds
    return max(0, low - start) + max(0, end - high) if end > start else end - start


def holes_count_twice(frames: Frames, start: int, end: int) -> int:
    """Count the pages that are there as absent."""
    return frames.count_below(end) - frames.count_below(start)


def beyond_the_range(frames: Frames, pfn: int) -> int:
    """Go on counting behind the end of a range."""
    at = sum(start <= pfn for start in frames.starts) - 1
    return frames.below[at] + pfn - frames.starts[at] if at >= 0 else 0


def leaves_the_node(start: int, end: int, node: tuple[int, int]) -> tuple[int, int]:
    """Let a zone end where its range ends, a page behind the node."""
    first, last = _spanned(start, end, node)
    return (first, last + 1) if last == node[1] and first else (first, last)


_spanned = nodes.spanned


def keeps_the_start(m: System, pgdat: Pgdat, frames: Frames, index: int) -> Zone:
    """Leave the start of an empty zone where its type begins."""
    zone = _calculate(m, pgdat, frames, index)
    if not zone.spanned:
        zone.start = m.limits[index][0]
    return zone


def memmap_of_all(
    span: int, present: int, sparse: bool, page_struct: int, page_shift: int
) -> int:
    """Reckon descriptors for holes too, where sections without memory have none."""
    return -(-span * page_struct // (1 << page_shift))


def memmap_rounded_down(
    span: int, present: int, sparse: bool, page_struct: int, page_shift: int
) -> int:
    """Round the pages of descriptors down."""
    pages = present if sparse and span > present + present // 16 else span
    return pages * page_struct // (1 << page_shift)


def memmap_at_any_hole(
    span: int, present: int, sparse: bool, page_struct: int, page_shift: int
) -> int:
    """Reckon by present pages for the smallest hole."""
    pages = present if sparse and span > present else span
    return -(-pages * page_struct // (1 << page_shift))


def reserve_below_nothing(m: System, zone: Zone, index: int) -> int:
    """Take the reserve from a zone that is no larger."""
    pages = _free_core(m, zone, index)
    reserve = m.dma_reserve
    return pages - reserve if index == 0 and pages == reserve else pages


def reserve_everywhere(m: System, zone: Zone, index: int) -> int:
    """Take the reserve of the first zone from every zone."""
    return _free_core(m, zone, 0)


_free_core = System.free_area_init_core


def all_kinds(m: System, index: int, low: int, high: int) -> int:
    """Take what is not mirrored for what is."""
    return _other_kind(m, m.normal + m.movable - index, low, high)


# ------------------------------------------------------------------ ZONE_MOVABLE


def start_beyond_the_node(pfn: int, node_end: int, block: int, beyond: bool) -> int:
    """Round the start of ZONE_MOVABLE up, over the end of the node."""
    return pfn + -pfn % block


def start_at_the_end(pfn: int, node_end: int, block: int, beyond: bool) -> int:
    """Let ZONE_MOVABLE begin at the node's very end."""
    pfn += -pfn % block
    return pfn if beyond or pfn <= node_end else 0


def start_as_it_is(pfn: int, node_end: int, block: int, beyond: bool) -> int:
    """Let ZONE_MOVABLE begin anywhere in a largest block."""
    return pfn if beyond or pfn < node_end else 0


def one_pass_only(
    frames: dict[int, Frames], starts: dict[int, int], required: int, usable: int
) -> None:
    """Give up what a small node could not take."""
    known = [nid for nid in sorted(frames) if frames[nid].starts]
    for nid in known:
        ranges = list(zip(frames[nid].starts, frames[nid].ends, strict=True))
        part = required // len(known)
        starts[nid], _ = movable.walk_node(ranges, starts[nid], part, part, usable)


def low_memory_is_free(
    ranges: list[tuple[int, int]], at: int, part: int, required: int, usable: int
) -> tuple[int, int]:
    """Count nothing for frames that ZONE_MOVABLE could not have anyway."""
    cut = [(max(start, usable), end) for start, end in ranges]
    return _walk_node(cut, at, part, required, usable)


_walk_node = movable.walk_node


def movable_rounded_down(
    kernelcore: int,
    movablecore: int,
    core_percent: int,
    movable_percent: int,
    total: int,
    block: int,
) -> int:
    """Make ZONE_MOVABLE smaller than was asked."""
    down = movablecore - movablecore % block
    return _wanted_core(kernelcore, down, core_percent, movable_percent, total, block)


def smaller_of_both(
    kernelcore: int,
    movablecore: int,
    core_percent: int,
    movable_percent: int,
    total: int,
    block: int,
) -> int:
    """Let movablecore win where both are given."""
    alone = 0 if movablecore or movable_percent else kernelcore
    percent = 0 if movable_percent else core_percent
    return _wanted_core(alone, movablecore, percent, movable_percent, total, block)


def pages_before_percents(
    kernelcore: int,
    movablecore: int,
    core_percent: int,
    movable_percent: int,
    total: int,
    block: int,
) -> int:
    """Prefer a number of pages to a percentage."""
    percent = 0 if kernelcore else core_percent
    return _wanted_core(kernelcore, movablecore, percent, movable_percent, total, block)


def highest_hotplug(
    ranges: tuple[tuple[int, int, int, bool, bool], ...],
    starts: dict[int, int],
    mirror: bool,
    below: int,
) -> None:
    """Begin at the last range that the kernel must not use."""
    for nid, start, _, hotplug, mirrored in ranges:
        if (not mirrored and start >= below) if mirror else hotplug:
            starts[nid] = start


def low_mirrors(
    ranges: tuple[tuple[int, int, int, bool, bool], ...],
    starts: dict[int, int],
    mirror: bool,
    below: int,
) -> None:
    """Count memory without a mirror below 4 GiB too."""
    _lowest(ranges, starts, mirror, 0)


_lowest = movable.lowest

# ------------------------------------------------------------------ deferred memory


def deferred_in_every_zone(m: System, pgdat: Pgdat, frames: Frames) -> None:
    """Defer in the last zone although the node ends elsewhere."""
    zone = pgdat.zones[pgdat.last]
    first = frames.first_deferred(zone.start, zone.end, m.section // 2)
    if first >= 0:
        pgdat.deferred = zone.end - first - frames.absent(first, zone.end)


def deferred_at_once(frames: Frames, start: int, end: int, section: int) -> int:
    """Defer from the first border of sections on."""
    border = start + -start % section
    return border if border < end else -1


def finish_without_limits(m: System, kept: int) -> None:
    """Leave pagesets as they were made for a zone of which most was deferred."""
    m.phase += 1
    for pgdat in m.pgdat.values():
        if pgdat.deferred:
            m.deferred_init(pgdat, pgdat.deferred, kept)


def finish_one_node(m: System, kept: int) -> None:
    """Make the rest of the descriptors of the first node only."""
    m.phase += 1
    for pgdat in m.pgdat.values():
        if pgdat.deferred:
            m.deferred_init(pgdat, pgdat.deferred, kept)
            break
    m.zone_pcp_update()


def deferred_twice(m: System, pgdat: Pgdat, pages: int, kept: int) -> None:
    """Free deferred pages and let them wait still."""
    pgdat.zones[pgdat.last].managed += max(0, pages - kept)


def grown_and_sized(m: System, nid: int, kept: int) -> bool:
    """Compute limits of pagesets as soon as a zone grows."""
    grown = _grow(m, nid, kept)
    if grown:
        m.zone_pcp_update()
    return grown


def always_grown(m: System, nid: int, kept: int) -> bool:
    """Say that a zone grew although nothing was left."""
    _grow(m, nid, kept)
    return True


MOV, DEF, HOLES = "tiny-movable", "tiny-deferred", "tiny-holes"
MIR, TINY, DESC = "tiny-mirror", "tiny", "tiny-descending"
BOUNDS, LIMITS, MEMMAP = "zone_bounds", "zone_limits", "calc_memmap_size"
WANTED, ALIGNED = "wanted_core", "aligned"
CORE = "free_area_init_core"
LATE, GROW = "page_alloc_init_late", "deferred_grow_zone"
STATE, SPAN, ZL = "EXACT-STATE", "ZONE-SPAN", "ZL-COMPLETE"

TABLE: tuple[tuple[str, str, str, Any, str, Any], ...] = (
    ("P66-movable", SPAN, MOV, movable, ALIGNED, start_beyond_the_node),
    ("zone-movable-at-end", SPAN, MOV, movable, ALIGNED, start_at_the_end),
    ("zone-movable-unaligned", STATE, MOV, movable, ALIGNED, start_as_it_is),
    ("zone-limits-bottom", "ZONE-ORDER", TINY, nodes, LIMITS, limits_from_the_bottom),
    ("zone-limits-rising", STATE, DESC, nodes, LIMITS, limits_ascending),
    ("zone-limits-zero", STATE, TINY, nodes, LIMITS, limits_below_memory),
    ("zone-source-low", "ZONE-EXACT", MOV, nodes, "movable_source", source_from_below),
    ("zone-movable-shared", "ZONE-ORDER", MOV, nodes, BOUNDS, movable_and_lower),
    ("zone-movable-whole", "ZONE-ORDER", MOV, nodes, BOUNDS, whole_zone_stays),
    ("zone-holes-memory", "ZONE-EXACT", HOLES, Frames, "absent", holes_are_memory),
    ("zone-holes-twice", "ZONE-EXACT", HOLES, Frames, "absent", holes_count_twice),
    ("zone-holes-on", SPAN, HOLES, Frames, "count_below", beyond_the_range),
    ("zone-leaves-node", SPAN, TINY, nodes, "spanned", leaves_the_node),
    ("zone-empty-start", SPAN, TINY, Boot, "calculate_pages", keeps_the_start),
    ("zone-memmap-all", STATE, HOLES, nodes, MEMMAP, memmap_of_all),
    ("zone-memmap-down", STATE, HOLES, nodes, MEMMAP, memmap_rounded_down),
    ("zone-memmap-hole", STATE, HOLES, nodes, MEMMAP, memmap_at_any_hole),
    ("zone-reserve-all", STATE, HOLES, Boot, CORE, reserve_everywhere),
    ("zone-reserve-equal", STATE, HOLES, Boot, CORE, reserve_below_nothing),
    ("zone-mirror-kind", "RET-PAGES", MIR, Boot, "of_other_kind", all_kinds),
    ("zone-mirror-low", "RET-PAGES", MIR, movable, "lowest", low_mirrors),
    ("zone-hotplug-last", "RET-PAGES", MIR, movable, "lowest", highest_hotplug),
    ("zone-core-one-pass", STATE, MOV, movable, "spread", one_pass_only),
    ("zone-core-low", STATE, MOV, movable, "walk_node", low_memory_is_free),
    ("zone-movable-down", STATE, MOV, movable, WANTED, movable_rounded_down),
    ("zone-movable-wins", STATE, MOV, movable, WANTED, smaller_of_both),
    ("zone-pages-win", STATE, MOV, movable, WANTED, pages_before_percents),
    ("zone-deferred-part", STATE, DEF, Boot, "defer_init", deferred_in_every_zone),
    ("zone-deferred-soon", STATE, DEF, Frames, "first_deferred", deferred_at_once),
    ("P59-deferred", "PCP-LIMIT", DEF, System, LATE, finish_without_limits),
    ("zone-finish-one", "ZONE-MANAGED", DEF, System, LATE, finish_one_node),
    (
        "zone-deferred-kept",
        "ZONE-MANAGED",
        DEF,
        System,
        "deferred_init",
        deferred_twice,
    ),
    ("zone-grow-sizes", "PCP-LIMIT", DEF, System, GROW, grown_and_sized),
    ("zone-grow-always", "RET-BOOL", DEF, System, GROW, always_grown),
)
