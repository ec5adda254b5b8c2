"""Mistakes in memory models: sections, their maps, the buffer, and lookups."""

from __future__ import annotations

from typing import Any

from mmoracle.impl.memmodel import MemoryModel, boot, words
from mmoracle.impl.memmodel.boot import Supply

from ..zoo import Line, tabled
from .memmodel_frames import FRAMES, built
from .memmodel_hotplug import HOTPLUG

_memory_present, _present_run = boot.memory_present, boot.present_run
_sparse_init_nid, _drop = boot.sparse_init_nid, boot.drop
_sparse_init_one_section = boot.sparse_init_one_section
_mark = MemoryModel.section_mark_present


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
    *FRAMES,
    *HOTPLUG,
)
SOURCES = {"P60": "Linux 5.4.19", "P61": "Linux 5.10.38", "P63": "Linux 5.10.92"}
MEMMODEL_MUTANTS = tabled("memmodel", LINES, SOURCES)
