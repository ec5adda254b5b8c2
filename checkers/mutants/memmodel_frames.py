"""Mistakes in node maps, descriptors, what is unused, and lookups."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mmoracle.impl.memmodel import Descriptors, MemoryModel, PageFlags, boot

from ..zoo import Line

Part = tuple[int, int, int]

_alloc_node_mem_map, _free_area_init = boot.alloc_node_mem_map, boot.free_area_init
_free_unused_memmap, _zone_parts = boot.free_unused_memmap, boot.zone_parts
_init_unavailable_range = boot.init_unavailable_range
_subsection_map_init = boot.subsection_map_init
_set_links = MemoryModel.set_links
_pfn_valid, _pfn_to_page = MemoryModel.pfn_valid, MemoryModel.pfn_to_page
_page_to_pfn = MemoryModel.page_to_pfn


def built(m: MemoryModel, do: Any, *args: Any, **constants: Any) -> Any:
    """Do something as a kernel with other constants does it."""
    k = m.k
    m.k = replace(k, **constants)
    try:
        return do(m, *args)
    finally:
        m.k = k


# ------------------------------------------------------------------ nodes


def begin_with_the_node(m: MemoryModel, nid: int, at: int) -> Any:
    """Begin a node's map with its first frame, aligned or not."""
    got = _alloc_node_mem_map(m, nid, at)
    node = m.nodes[-1] if m.nodes and at else None
    if node is not None:
        node.node_mem_map = at
    return got


def align_by_blocks(m: MemoryModel, nid: int, at: int) -> Any:
    """Align the ends of a node's map to page blocks only."""
    return built(m, _alloc_node_mem_map, nid, at, order_pages=m.k.block_pages)


def leave_mem_map(m: MemoryModel, nid: int, at: int) -> Any:
    """Leave mem_map where the node's map begins."""
    got = _alloc_node_mem_map(m, nid, at)
    m.mem_map = m.nodes[-1].node_mem_map if at else 0
    return got


# ------------------------------------------------------------------ descriptors


def end_zones_late(m: MemoryModel, start: int, end: int) -> list[Part]:
    """Give a zone the first frame of the next one."""
    ends = tuple(each + 1 for each in m.k.zone_ends)
    return list(built(m, _zone_parts, start, end, zone_ends=ends))


def leave_holes(m: MemoryModel, start: int, end: int, zone: int, nid: int) -> None:
    """Leave the descriptors of frames between banks as they are."""


def leave_small_holes(
    m: MemoryModel, start: int, end: int, zone: int, nid: int
) -> None:
    """Leave the frames of a last page block that is not whole."""
    _init_unavailable_range(m, start, end - end % m.k.block_pages, zone, nid)


def link_to_the_first_node(
    m: MemoryModel, start: int, end: int, zone: int, nid: int
) -> None:
    """Link every frame to node 0."""
    _set_links(m, start, end, zone, 0)


def link_one_section(m: MemoryModel, start: int, end: int, zone: int, nid: int) -> None:
    """Link all frames of a bank to the section in which it begins."""
    nr = start >> m.k.section_shift
    while start < end:
        page = m.pfn_to_page(start)
        m.memmap.fill(page, page + m.k.sizeof_page, m.k.flags.links(zone, nid, nr))
        start += 1


def mark_whole_parts(m: MemoryModel, pfn: int, end: int) -> None:
    """Mark only parts of sections that are memory as a whole."""
    part = 1 << m.k.sub_shift
    _subsection_map_init(m, pfn, end - end % part)


def forget_the_last_frame(m: MemoryModel) -> Any:
    """Count one frame less than there is."""
    got = _free_area_init(m)
    m.max_mapnr -= m.max_mapnr > 0
    return got


def take_a_frame_for_a_count(m: MemoryModel) -> Any:
    """Set max_mapnr to the last frame, though memory begins elsewhere."""
    return built(m, _free_area_init, mapnr_absolute=True)


def believe_in_maps(m: MemoryModel, start: int, end: int) -> bool:
    """Go on where memory has no map."""
    return False


# ------------------------------------------------------------------ unused


def round_to_largest_blocks(m: MemoryModel) -> Any:
    """Round what is freed to largest blocks, or not at all, not to page blocks."""
    return built(m, _free_unused_memmap, rounds_to_max_order=True)


def free_up_to_the_frame(m: MemoryModel) -> Any:
    """Free the map right behind a bank's last frame."""
    return built(m, _free_unused_memmap, block_pages=1)


def free_partial_pages(m: MemoryModel, start_pfn: int, end_pfn: int) -> None:
    """Round what is freed outwards to whole pages."""
    size = m.k.page_size
    pg = m.pfn_to_page(start_pfn - 1) + m.k.sizeof_page
    pgend = m.pfn_to_page(end_pfn - 1) + m.k.sizeof_page
    pg, pgend = pg - pg % size, pgend + -pgend % size
    m.events.append(("freed", "map", pg, pgend - pg))
    m.memmap.erase(pg, pgend)


def keep_what_is_freed(m: MemoryModel, start_pfn: int, end_pfn: int) -> None:
    """Count on descriptors that went back."""
    held, m.memmap = m.memmap, Descriptors()
    _free_memmap(m, start_pfn, end_pfn)
    m.memmap = held


_free_memmap = boot.free_memmap


# ------------------------------------------------------------------ lookups


def end_with_the_last_frame(m: MemoryModel, pfn: int) -> bool:
    """Count the frame behind the last one in."""
    return _pfn_valid(m, pfn) or (pfn > 0 and _pfn_valid(m, pfn - 1))


def believe_in_memory_only(m: MemoryModel, pfn: int) -> bool:
    """Ask for memory even in a section of boot."""
    return _pfn_valid(m, pfn) and m.bank(pfn) is not None


def add_a_frame(m: MemoryModel, pfn: int) -> int:
    """Return the descriptor of the next frame."""
    return _pfn_to_page(m, pfn + 1)


def deny_holes(m: MemoryModel, pfn: int) -> int:
    """Return no descriptor of a frame that is no memory."""
    return _pfn_to_page(m, pfn) if m.bank(pfn) is not None else 0


def divide_by_nothing(m: MemoryModel, page: int) -> int:
    """Return the distance in bytes."""
    return _page_to_pfn(m, page) * m.k.sizeof_page & m.mask


def read_the_node_elsewhere(m: MemoryModel, page: int) -> int:
    """Read the node in the flags although it has no place there."""
    return m.k.flags.page_to_nid(m.links(page))


def read_the_zone_one_up(flags: PageFlags, word: int) -> int:
    """Read the zone a bit too high."""
    return word >> (flags.zone[0] + 1) & flags.zone[1]


FRAMES: tuple[Line, ...] = (
    (
        "node-start",
        "MM-NODE",
        "tiny-discontig",
        boot,
        "alloc_node_mem_map",
        begin_with_the_node,
    ),
    ("node-mem-map", "MM-NODE", "tiny-flat", boot, "alloc_node_mem_map", leave_mem_map),
    (
        "node-blocks",
        "MM-NODE",
        "tiny-flat",
        boot,
        "alloc_node_mem_map",
        align_by_blocks,
    ),
    ("links-zone", "MM-INIT", "tiny-flat", boot, "zone_parts", end_zones_late),
    (
        "links-holes",
        "MM-INIT",
        "tiny-vmemmap",
        boot,
        "init_unavailable_range",
        leave_holes,
    ),
    (
        "links-last-hole",
        "MM-INIT",
        "tiny-sparse-static",
        boot,
        "init_unavailable_range",
        leave_small_holes,
    ),
    (
        "links-node",
        "MM-INIT",
        "tiny-discontig",
        MemoryModel,
        "set_links",
        link_to_the_first_node,
    ),
    (
        "links-section",
        "MM-INIT",
        "tiny-sparse-static",
        MemoryModel,
        "set_links",
        link_one_section,
    ),
    (
        "parts-whole",
        "MM-PARTS",
        "tiny-vmemmap",
        boot,
        "subsection_map_init",
        mark_whole_parts,
    ),
    (
        "mapnr-one-less",
        "MM-MEMORY",
        "tiny-flat",
        boot,
        "free_area_init",
        forget_the_last_frame,
    ),
    (
        "mapnr-absolute",
        "MM-VALID",
        "tiny-flat",
        boot,
        "free_area_init",
        take_a_frame_for_a_count,
    ),
    ("lost-map", "NO-CRASH", "tiny-vmemmap-runs", boot, "lacks_a_map", believe_in_maps),
    (
        "P63",
        "MM-VALID",
        "tiny-unused-sparse",
        boot,
        "free_unused_memmap",
        round_to_largest_blocks,
    ),
    (
        "unused-frames",
        "MM-VALID",
        "tiny-unused",
        boot,
        "free_unused_memmap",
        free_up_to_the_frame,
    ),
    (
        "unused-partial",
        "MM-VALID",
        "tiny-unused",
        boot,
        "free_memmap",
        free_partial_pages,
    ),
    ("unused-kept", "MM-FREE", "tiny-unused", boot, "free_memmap", keep_what_is_freed),
    (
        "valid-behind",
        "MM-LOOKUP",
        "tiny-flat",
        MemoryModel,
        "pfn_valid",
        end_with_the_last_frame,
    ),
    (
        "valid-early",
        "MM-INIT",
        "tiny-vmemmap",
        MemoryModel,
        "pfn_valid",
        believe_in_memory_only,
    ),
    (
        "page-next",
        "MM-LOOKUP",
        "tiny-discontig",
        MemoryModel,
        "page_to_pfn",
        divide_by_nothing,
    ),
    (
        "page-one-off",
        "MM-INIT",
        "tiny-sparse-static",
        MemoryModel,
        "pfn_to_page",
        add_a_frame,
    ),
    (
        "nid-in-flags",
        "MM-LOOKUP",
        "tiny-sparse-narrow",
        MemoryModel,
        "page_to_nid",
        read_the_node_elsewhere,
    ),
    (
        "zone-shift",
        "MM-LOOKUP",
        "tiny-discontig",
        PageFlags,
        "page_zonenum",
        read_the_zone_one_up,
    ),
    ("page-hole", "MM-LOOKUP", "tiny-flat", MemoryModel, "pfn_to_page", deny_holes),
)
