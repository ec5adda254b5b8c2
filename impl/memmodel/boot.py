"""What boot does to a machine: sections are marked, maps are made, links are written.

Source: mm/sparse.c, mm/page_alloc.c (v5.10).
"""

from __future__ import annotations

from mmoracle.spec.linux import Bug

from . import words
from .model import FLAT, MAPPED, MAPS, SPARSE, UP, VMEMMAP, MemoryModel, Node
from .words import SECTION_HAS_MEM_MAP, SECTION_IS_EARLY, SECTION_MARKED_PRESENT

PANIC = Bug("panic: no memory")
NULL = Bug("a frame of memory has no descriptor")

# ------------------------------------------------------------------ present


def memory_present(
    m: MemoryModel, nid: int, start: int, end: int, granted: bool
) -> Bug | None:
    """Note a bank of memory and its sections.  O(sections)."""
    k = m.k
    m.set_memory(start, end, [start, end, nid, 0])
    if not m.is_sparse:
        return None
    if k.extreme and not m.root_array:
        roots = -(-(1 << k.sections_shift) // k.per_root)
        m.ask("roots", roots * k.width // 8, k.cache_bytes, -1)
        if not granted:
            return m.stop(PANIC)
        m.root_array = True
    shift = k.section_shift
    last = (min(end, k.limit) - 1) >> shift
    for nr in range(start >> shift, last + 1):
        if m.sparse_index_init(nr, nid, granted) is False:
            return m.stop(PANIC)
        m.set_section_nid(nr, nid)
        ms = m.section(nr)
        if not ms.word:
            ms.word = words.sparse_encode_early_nid(nid)
            m.section_mark_present(nr, ms)
    return None


# ------------------------------------------------------------------ the buffer


def sparse_buffer_alloc(m: MemoryModel, size: int) -> int:
    """Return the next aligned piece of the buffer, 0 if there is none.  O(1)."""
    if m.buffer is None:
        return 0
    start, end = m.buffer
    at = -(-start // size) * size
    if at + size > end:
        return 0
    if at > start:
        m.events.append(("freed", "buffer", start, at - start))
    m.events.append(("took", at, size))
    m.buffer = at + size, end
    return at


def sparse_buffer_fini(m: MemoryModel) -> None:
    """Give back what is left of the buffer.  O(1)."""
    if m.buffer is not None:
        start, end = m.buffer
        if start < end:
            m.events.append(("freed", "buffer", start, end - start))
    m.buffer = None


def sparse_buffer_init(m: MemoryModel, size: int, nid: int, at: int) -> None:
    """Take a buffer from memblock.  O(1)."""
    if m.buffer is not None:
        m.events.append(("warned", "forgot to call sparse_buffer_fini()?"))
    m.ask("buffer", size, m.k.map_bytes, nid)
    if at:
        hold_buffer(m, at, size)
    else:
        m.buffer = None


def hold_buffer(m: MemoryModel, at: int, size: int) -> None:
    """Hold the buffer that memblock gave.  O(1)."""
    m.buffer = at, at + size


# ------------------------------------------------------------------ sections


class Supply:
    """Where maps come from when the buffer has none: one place after the other."""

    __slots__ = ("failing", "spare")

    def __init__(self, spare: int, failing: int) -> None:
        self.spare = spare
        self.failing = failing

    def next(self, size: int) -> int:
        """Return the next place, 0 for none.  O(1)."""
        at = self.spare
        if at:
            self.spare += size
        return at


def populate_section_memmap(m: MemoryModel, nr: int, nid: int, supply: Supply) -> int:
    """Return the first descriptor of a section's new map, 0 if it fails.  O(pages)."""
    k = m.k
    if k.model == VMEMMAP:
        return vmemmap_populate(m, nr, nid, supply)
    at = sparse_buffer_alloc(m, k.map_bytes)
    if not at:
        m.ask("map", k.map_bytes, k.map_bytes, nid)
        at = supply.next(k.map_bytes)
    if at:
        m.memmap.fill(at, at + k.map_bytes, -1)
    return at


def vmemmap_populate(m: MemoryModel, nr: int, nid: int, supply: Supply) -> int:
    """Map the descriptors of a section page by page.  O(pages)."""
    k = m.k
    start = m.pfn_to_page(nr << k.section_shift)
    end = start + (k.sizeof_page << k.section_shift)
    for at in range(start, end, k.piece):
        if supply.failing == 0:
            m.ask("piece", k.piece, k.piece, nid)
            return 0
        supply.failing -= 1
        if not sparse_buffer_alloc(m, k.piece):
            m.ask("piece", k.piece, k.piece, nid)
        m.memmap.fill(at, at + k.piece, -1)
    return start


def present_run(m: MemoryModel) -> tuple[int, list[int]]:
    """Return the next run of present sections of one node.  O(n log n)."""
    nid, run = -1, list[int]()
    for nr in sorted(nr for nr in m.sections if nr >= m.at):
        word = m.sections[nr].word
        if word & SECTION_MARKED_PRESENT:
            if run and words.sparse_early_nid(word) != nid:
                break
            nid = words.sparse_early_nid(word)
            run.append(nr)
    return nid, run


def sparse_init_one_section(
    m: MemoryModel, nr: int, page: int, usage: int, flags: int
) -> None:
    """Write a section's word and usage record.  O(1)."""
    k, ms = m.k, m.section(nr)
    coded = words.sparse_encode_mem_map(
        page, nr, k.section_shift, k.sizeof_page, m.mask
    )
    ms.word = words.sparse_init_word(ms.word, coded, flags)
    ms.usage = usage


def sparse_init_nid(
    m: MemoryModel, usage: int, buffer: int, spare: int, failing: int
) -> Bug | None:
    """Give the next run of sections its maps.  O(n)."""
    k = m.k
    nid, run = present_run(m)
    m.ask("usage", len(run) * k.usage_bytes, k.cache_bytes, nid)
    m.at = run[-1] + 1
    if not usage:
        drop(m, run)
        return None
    sparse_buffer_init(m, len(run) * k.map_bytes, nid, buffer)
    supply = Supply(spare, failing)
    for i, nr in enumerate(run):
        page = populate_section_memmap(m, nr, nid, supply)
        if not page and k.model == SPARSE:
            return m.stop(PANIC)
        if not page:
            if not k.keeps_buffer:
                sparse_buffer_fini(m)
            drop(m, run[i:])
            return None
        sparse_init_one_section(m, nr, page, usage, SECTION_IS_EARLY)
        m.sections[nr].bootmem = True
        usage += k.usage_bytes
    sparse_buffer_fini(m)
    drop(m, [])
    return None


def drop(m: MemoryModel, run: list[int]) -> None:
    """Drop sections that got no map, and go on to the next run.  O(n log n)."""
    for nr in run:
        m.sections[nr].word = 0
        m.settle(nr)
    m.phase = MAPS if present_run(m)[1] else MAPPED


# ------------------------------------------------------------------ nodes


def node_spans(m: MemoryModel) -> dict[int, list[int]]:
    """Return the first frame and the end of each node's memory.  O(n)."""
    spans: dict[int, list[int]] = {}
    for start, end, nid, _ in m.banks:
        span = spans.setdefault(nid, [start, end])
        span[0], span[1] = min(span[0], start), max(span[1], end)
    return spans


def alloc_node_mem_map(m: MemoryModel, nid: int, at: int) -> Bug | None:
    """Allocate the map of a node.  O(n)."""
    k, spans = m.k, node_spans(m)
    node_start, node_end = spans[nid]
    offset = node_start % k.order_pages
    end = -(-node_end // k.order_pages) * k.order_pages
    size = (end - node_start + offset) * k.sizeof_page
    m.ask("node map", size, k.cache_bytes, nid)
    if not at:
        return m.stop(PANIC)
    m.memmap.fill(at, at + size, -1)
    node_mem_map = words.pointer_add(at, offset, k.sizeof_page, m.mask)
    m.nodes.append(Node(nid, node_start, node_end, node_mem_map))
    if k.model == FLAT:
        m.mem_map = node_mem_map
        if m.page_to_pfn(node_mem_map) != node_start:
            back = offset * k.sizeof_page
            m.mem_map = (node_mem_map - back) & m.mask
    m.phase = MAPPED if len(m.nodes) == len(spans) else MAPS
    return None


# ------------------------------------------------------------------ the descriptors


def zone_parts(m: MemoryModel, start: int, end: int) -> list[tuple[int, int, int]]:
    """Return (zone, start, end) of the parts of a range.  O(zones)."""
    parts, ends = list[tuple[int, int, int]](), m.k.zone_ends
    for zone in range(len(ends) + 1):
        stop = min(end, ends[zone]) if zone < len(ends) else end
        if start < stop:
            parts.append((zone, start, stop))
            start = stop
    return parts


def init_unavailable_range(
    m: MemoryModel, start: int, end: int, zone: int, nid: int
) -> None:
    """Initialise the descriptors of frames between banks.  O(page blocks)."""
    k, step = m.k, m.k.block_pages
    if not m.is_sparse:
        return
    per = 1 << k.section_shift
    while start < end:
        if not m.word(start):  # no section: nothing is valid up to the next one
            start += per - start % per
            continue
        stop = min(end, start - start % step + step)
        if m.pfn_valid(start - start % step):
            m.set_links(start, stop, zone, nid)
        start = stop


def subsection_map_init(m: MemoryModel, pfn: int, end: int) -> None:
    """Mark the parts of sections with memory in them.  O(sections)."""
    k = m.k
    while k.model == VMEMMAP and pfn < end:
        nr = pfn >> k.section_shift
        pfns = min(end, (nr + 1) << k.section_shift) - pfn
        bits = words.subsection_map(pfn, pfns, k.section_shift, k.sub_shift)
        m.sections[nr].subsection_map |= bits
        pfn += pfns


def lacks_a_map(m: MemoryModel, start: int, end: int) -> bool:
    """Say whether a frame of a bank is in no section with a map.  O(sections)."""
    shift = m.k.section_shift
    return any(
        not m.word(nr << shift) & SECTION_HAS_MEM_MAP
        for nr in range(start >> shift, ((end - 1) >> shift) + 1)
    )


def free_area_init(m: MemoryModel) -> Bug | None:
    """Initialise the descriptors of all memory and of the holes.  O(page blocks)."""
    k = m.k
    if m.is_sparse and any(lacks_a_map(m, bank[0], bank[1]) for bank in m.banks):
        return m.stop(NULL)
    hole = nid = 0
    top = dict[int, int]()  # the highest zone of each node
    for start, end, nid, _ in m.banks:
        subsection_map_init(m, start, end)
        for zone, low, high in zone_parts(m, start, end):
            top[nid] = max(zone, top.get(nid, 0))
            m.set_links(low, high, zone, nid)
            init_unavailable_range(m, hole, low, zone, nid)
            hole = high
    per = 1 << k.section_shift
    init_unavailable_range(m, hole, -(-hole // per) * per, top[nid], nid)
    if k.model == FLAT:
        m.max_mapnr = hole if k.mapnr_absolute else hole - k.pfn_offset
    m.phase = UP
    return None


# ------------------------------------------------------------------ unused


def free_unused_memmap(m: MemoryModel) -> None:
    """Give back whole pages of descriptors between banks.  O(n)."""
    k, prev_end = m.k, 0
    unit = k.order_pages if k.rounds_to_max_order else k.block_pages
    per = 1 << k.section_shift
    for bank_start, bank_end, _, _ in m.banks:
        start = bank_start
        if k.model == SPARSE:
            start = min(start, -(-prev_end // per) * per)
        if k.model != SPARSE or not k.rounds_to_max_order:
            start -= start % unit
        if prev_end and prev_end < start:
            free_memmap(m, prev_end, start)
        prev_end = -(-bank_end // unit) * unit
    if k.model == SPARSE and prev_end % per:
        free_memmap(m, prev_end, -(-prev_end // per) * per)
    m.trimmed = True


def free_memmap(m: MemoryModel, start_pfn: int, end_pfn: int) -> None:
    """Give back the whole pages of the descriptors of a range.  O(n)."""
    k = m.k
    pg = m.pfn_to_page(start_pfn - 1) + k.sizeof_page
    pgend = m.pfn_to_page(end_pfn - 1) + k.sizeof_page
    pg += -pg % k.page_size
    pgend -= pgend % k.page_size
    if pg < pgend:
        m.events.append(("freed", "map", pg, pgend - pg))
        m.memmap.erase(pg, pgend)
