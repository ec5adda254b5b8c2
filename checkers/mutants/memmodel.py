"""Mistakes in memory models: sections, their maps, the buffer, and lookups."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mmoracle.impl.memmodel import Descriptors, MemoryModel, PageFlags, boot, words
from mmoracle.impl.memmodel.boot import Supply

from ..zoo import Line, tabled
from .memmodel_hotplug import HOTPLUG

Part = tuple[int, int, int]

_memory_present, _present_run = boot.memory_present, boot.present_run
_sparse_init_nid = boot.sparse_init_nid
_sparse_init_one_section = boot.sparse_init_one_section
_alloc_node_mem_map, _free_area_init = boot.alloc_node_mem_map, boot.free_area_init
_free_unused_memmap, _zone_parts = boot.free_unused_memmap, boot.zone_parts
_init_unavailable_range = boot.init_unavailable_range
_subsection_map_init, _drop = boot.subsection_map_init, boot.drop
_set_links, _settle = MemoryModel.set_links, MemoryModel.settle
_pfn_valid, _pfn_to_page = MemoryModel.pfn_valid, MemoryModel.pfn_to_page
_page_to_pfn, _page_links = MemoryModel.page_to_pfn, MemoryModel.page_links
_links, _init_word = PageFlags.links, words.sparse_init_word
_mark = MemoryModel.section_mark_present


def built(m: MemoryModel, do: Any, *args: Any, **constants: Any) -> Any:
    """Do something as a kernel with other constants does it."""
    k = m.k
    m.k = replace(k, **constants)
    try:
        return do(m, *args)
    finally:
        m.k = k


# ------------------------------------------------------------------ present


def forget_where_a_bank_begins(
    m: MemoryModel, nid: int, start: int, end: int, granted: bool
) -> Any:
    """Begin with the first whole section of a bank."""
    per = 1 << m.k.section_shift
    got = _memory_present(m, nid, -(-start // per) * per, end, granted)
    m.set_memory(start, end, [start, end, nid, 0])
    return got


def let_the_last_node_win(
    m: MemoryModel, nid: int, start: int, end: int, granted: bool
) -> Any:
    """Give a section that two nodes share to the second one."""
    nr = start >> m.k.section_shift
    if nr in m.sections:
        m.sections[nr].word = 0
    return _memory_present(m, nid, start, end, granted)


def believe_every_frame(
    m: MemoryModel, nid: int, start: int, end: int, granted: bool
) -> Any:
    """Make sections beyond the last one that there can be."""
    limit = m.k.limit + (2 << m.k.section_shift)
    return built(m, _memory_present, nid, start, end, granted, limit=limit)


def have_no_section_online(nid: int) -> int:
    """Leave the online mark out of a present section."""
    return nid * 8 | 1


def shift_the_node_by_two(nid: int) -> int:
    """Put the node where the online mark is."""
    return nid * 4 | 5


def share_a_table(m: MemoryModel, nr: int, nid: int, granted: bool) -> Any:
    """Believe that one table holds all sections."""
    if m.roots:
        return None
    m.ask("root", m.k.per_root * m.k.sizeof_section, m.k.cache_bytes, nid)
    m.roots |= {nr // m.k.per_root} if granted else set()
    return granted


def mark_without_the_highest(m: MemoryModel, nr: int, ms: Any) -> None:
    """Forget how far the present sections reach."""
    highest = m.highest
    _mark(m, nr, ms)
    m.highest = highest


def go_on_without_tables(
    m: MemoryModel, nid: int, start: int, end: int, granted: bool
) -> Any:
    """Go on where memblock has no room for a table."""
    return _memory_present(m, nid, start, end, True)


# ------------------------------------------------------------------ the buffer


def forget_the_gap(m: MemoryModel, size: int) -> int:
    """Lose the bytes that an aligned piece passes over."""
    count = len(m.events)
    at = _buffer_alloc(m, size)
    m.events[count:] = [x for x in m.events[count:] if x[0] != "freed"]
    return at


_buffer_alloc = boot.sparse_buffer_alloc


def leave_the_last_byte(m: MemoryModel, size: int) -> int:
    """Refuse a piece that would use the buffer up."""
    if m.buffer is not None and -(-m.buffer[0] // size) * size + size >= m.buffer[1]:
        return 0
    return _buffer_alloc(m, size)


def overrun_the_buffer(m: MemoryModel, size: int) -> int:
    """Take a piece whose end is behind the buffer's."""
    if m.buffer is None:
        return 0
    start, end = m.buffer
    m.buffer = start, end + size
    at = _buffer_alloc(m, size)
    m.buffer = min(m.buffer[0], end), end
    return at


def align_no_piece(m: MemoryModel, size: int) -> int:
    """Hand out what comes next, aligned or not."""
    if m.buffer is None or m.buffer[0] + size > m.buffer[1]:
        return 0
    at, end = m.buffer
    m.events.append(("took", at, size))
    m.buffer = at + size, end
    return at


def keep_the_rest(m: MemoryModel) -> None:
    """Forget the buffer without giving the rest of it back."""
    m.buffer = None


def hold_a_page_less(m: MemoryModel, at: int, size: int) -> None:
    """Hold less of the buffer than there is."""
    m.buffer = at, at + size - m.k.page_size


def keep_the_buffer(m: MemoryModel, *args: int) -> Any:
    """Skip sparse_buffer_fini() where a run fails half way."""
    return built(m, _sparse_init_nid, *args, keeps_buffer=True)


# ------------------------------------------------------------------ maps


def run_over_nodes(m: MemoryModel) -> tuple[int, list[int]]:
    """Take sections of all nodes for one run."""
    nid, _ = _present_run(m)
    return nid, [nr for nr in sorted(m.sections) if nr >= m.at and m.sections[nr].word]


def drop_one_section(m: MemoryModel, run: list[int]) -> None:
    """Drop only the section that got no map, not those behind it."""
    _drop(m, run[:1])


def share_a_record(m: MemoryModel, nr: int, page: int, usage: int, flags: int) -> None:
    """Give all sections of a run the same usage record."""
    first = min((x.usage for x in m.sections.values() if x.usage), default=usage)
    _sparse_init_one_section(m, nr, page, first, flags)


def forget_boot(m: MemoryModel, nr: int, page: int, usage: int, flags: int) -> None:
    """Leave the mark of boot out."""
    _sparse_init_one_section(m, nr, page, usage, 0)


def store_the_map_itself(page: int, pnum: int, shift: int, size: int, mask: int) -> int:
    """Store where the map is, not where that of frame 0 would be."""
    return page


def move_the_map_by_bytes(
    page: int, pnum: int, shift: int, size: int, mask: int
) -> int:
    """Move the map back by frames, as if they were bytes."""
    return (page - (pnum << shift)) & mask


def keep_the_node(word: int, coded: int, flags: int) -> int:
    """Leave the node in the word where the map goes."""
    return word | coded | 2 | flags


def forget_the_marks(word: int, coded: int, flags: int) -> int:
    """Write a new word, without the marks of the old one."""
    return coded | 2 | flags


def spare_one_place(supply: Supply, size: int) -> int:
    """Hand out the same place again and again."""
    return supply.spare


def map_a_piece_less(m: MemoryModel, nr: int, nid: int, supply: Supply) -> int:
    """Leave the last page of a section's virtual map unmapped."""
    start = _vmemmap_populate(m, nr, nid, supply)
    if start:
        end = start + (m.k.sizeof_page << m.k.section_shift)
        m.memmap.erase(end - m.k.page_size, end)
    return start


_vmemmap_populate = boot.vmemmap_populate


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


LINES: tuple[Line, ...] = (
    (
        "present-start",
        "MM-PRESENT",
        "tiny-sparse",
        boot,
        "memory_present",
        forget_where_a_bank_begins,
    ),
    (
        "present-last-node",
        "MM-FIRST",
        "tiny-sparse",
        boot,
        "memory_present",
        let_the_last_node_win,
    ),
    (
        "present-no-clamp",
        "MM-PRESENT",
        "tiny-sparse",
        boot,
        "memory_present",
        believe_every_frame,
    ),
    (
        "present-offline",
        "MM-PRESENT",
        "tiny-sparse",
        words,
        "sparse_encode_early_nid",
        have_no_section_online,
    ),
    (
        "present-nid-shift",
        "MM-PRESENT",
        "tiny-sparse",
        words,
        "sparse_encode_early_nid",
        shift_the_node_by_two,
    ),
    (
        "present-one-table",
        "MM-PRESENT",
        "tiny-sparse",
        MemoryModel,
        "sparse_index_init",
        share_a_table,
    ),
    (
        "present-highest",
        "MM-PRESENT",
        "tiny-sparse",
        MemoryModel,
        "section_mark_present",
        mark_without_the_highest,
    ),
    (
        "present-no-panic",
        "RET-CODE",
        "tiny-sparse-runs",
        boot,
        "memory_present",
        go_on_without_tables,
    ),
    (
        "P61",
        "BOOT-HANDOFF",
        "tiny-vmemmap-runs",
        boot,
        "sparse_init_nid",
        keep_the_buffer,
    ),
    (
        "buffer-gap",
        "BOOT-HANDOFF",
        "tiny-buffer",
        boot,
        "sparse_buffer_alloc",
        forget_the_gap,
    ),
    (
        "buffer-last",
        "RET-CODE",
        "tiny-buffer",
        boot,
        "sparse_buffer_alloc",
        leave_the_last_byte,
    ),
    (
        "buffer-overrun",
        "BOOT-HANDOFF",
        "tiny-buffer",
        boot,
        "sparse_buffer_alloc",
        overrun_the_buffer,
    ),
    (
        "buffer-unaligned",
        "RET-CODE",
        "tiny-buffer",
        boot,
        "sparse_buffer_alloc",
        align_no_piece,
    ),
    (
        "buffer-rest",
        "BOOT-HANDOFF",
        "tiny-buffer",
        boot,
        "sparse_buffer_fini",
        keep_the_rest,
    ),
    (
        "buffer-init",
        "EXACT-STATE",
        "tiny-buffer",
        boot,
        "hold_buffer",
        hold_a_page_less,
    ),
    ("run-nodes", "BOOT-HANDOFF", "tiny-sparse", boot, "present_run", run_over_nodes),
    ("run-drop-one", "MM-PRESENT", "tiny-vmemmap-runs", boot, "drop", drop_one_section),
    (
        "map-usage",
        "MM-USAGE",
        "tiny-sparse",
        boot,
        "sparse_init_one_section",
        share_a_record,
    ),
    (
        "map-not-early",
        "MM-PRESENT",
        "tiny-sparse",
        boot,
        "sparse_init_one_section",
        forget_boot,
    ),
    (
        "map-itself",
        "MM-ENCODE",
        "tiny-vmemmap",
        words,
        "sparse_encode_mem_map",
        store_the_map_itself,
    ),
    (
        "map-bytes",
        "MM-VALID",
        "tiny-sparse",
        words,
        "sparse_encode_mem_map",
        move_the_map_by_bytes,
    ),
    (
        "map-node-stays",
        "MM-ENCODE",
        "tiny-vmemmap",
        words,
        "sparse_init_word",
        keep_the_node,
    ),
    (
        "map-marks",
        "MM-ENCODE",
        "tiny-sparse",
        words,
        "sparse_init_word",
        forget_the_marks,
    ),
    ("map-same-place", "MM-BIJECTION", "tiny-sparse", Supply, "next", spare_one_place),
    (
        "map-short",
        "MM-VALID",
        "tiny-vmemmap",
        boot,
        "vmemmap_populate",
        map_a_piece_less,
    ),
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
    *HOTPLUG,
)
SOURCES = {"P60": "Linux 5.4.19", "P61": "Linux 5.10.38", "P63": "Linux 5.10.92"}
MEMMODEL_MUTANTS = tabled("memmodel", LINES, SOURCES)
