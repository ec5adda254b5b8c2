"""Boot: memory is told, its sections or nodes get their maps, descriptors their links.

Memory comes in address order; each section belongs to the node that came first, and
runs of sections of one node are initialised together.

Source: mm/sparse.c, mm/page_alloc.c:alloc_node_mem_map, memmap_init (v5.10).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..core import Domains, OneOf, nothing, require, value
from ..linux import Addr, Bug
from . import words
from .change import (
    places,
    section_at,
    with_memory,
    with_run,
    with_section,
)
from .layout import set_page_links
from .lookup import pfn_to_page, pfn_valid, word_of
from .state import (
    DISCONTIG,
    FLAT,
    MAPNR_ABSOLUTE,
    SPARSE,
    STOPPED,
    VMEMMAP,
    Asked,
    Bank,
    Config,
    Event,
    MemMap,
    Node,
    Outcome,
    Phase,
    Section,
    layout,
    longs,
    zone_of,
)
from .words import align_down, align_up, is_set, page_at

NO_MEMORY = Bug("panic: no memory")
NULL = Bug("a frame of memory has no descriptor")

# ------------------------------------------------------------------ present


def may_follow(cfg: Config, s: MemMap, bank: Bank) -> bool:
    """Say whether memblock's memory may go on with a bank on this machine.

    Banks of one node that touch are one.  Nodes are in order where each has one map,
    and do not share a section where a table by section says the node.
    """
    last = s.banks[-1] if s.banks else None
    if last is None:
        first = align_down(cfg.pfn_offset, cfg.order_pages) + cfg.order_pages
        return cfg.model != FLAT or cfg.pfn_offset <= bank.start < first
    if bank.start < last.end or (bank.start, bank.nid) == (last.end, last.nid):
        return False
    if cfg.model == DISCONTIG:
        return bank.nid >= last.nid
    if cfg.is_sparse and not layout(cfg).node_in_flags and bank.nid != last.nid:
        return last.end <= align_down(bank.start, cfg.section_pages)
    return True


def next_banks(cfg: Config, s: MemMap) -> Iterator[Bank]:
    """Yield the banks that memblock's memory may go on with."""
    for start in cfg.frames:
        for end in cfg.frames:
            for nid in cfg.nids:
                bank = Bank(nid, start, end)
                if start < end and may_follow(cfg, s, bank):
                    yield bank


@value
class MemoryPresent:
    """memory_present(): note the sections of one bank; tables are allocated at need.

    `granted` says whether memblock has room for tables; without room the kernel panics.
    Without sections only memblock knows of the bank.
    """

    bank: Bank
    granted: bool = True

    @classmethod
    def domain(cls, cfg: Config, s: MemMap) -> Domains:
        if s.phase is not Phase.MEMORY or len(s.banks) >= cfg.most_banks:
            return nothing()
        some = cfg.is_sparse and cfg.extreme and cfg.failing
        granted = (True, False) if some else (True,)
        return {"bank": OneOf(tuple(next_banks(cfg, s))), "granted": OneOf(granted)}

    def run(self, cfg: Config, s: MemMap) -> tuple[MemMap, Outcome]:
        """Return the next state and what happened."""
        bank, events = self.bank, list[Event]()
        s = replace(s, banks=with_memory(s.banks, bank.start, bank.end, bank))
        if not cfg.is_sparse:
            return s, Outcome()
        if cfg.extreme and not s.root_array:
            events.append(root_array(cfg))
            if not self.granted:
                return STOPPED, Outcome(NO_MEMORY, tuple(events))
            s = replace(s, root_array=True)
        start = align_down(bank.start, cfg.section_pages)
        for pfn in range(start, min(bank.end, cfg.limit), cfg.section_pages):
            nr = words.pfn_to_section_nr(pfn, cfg.shift)
            s, asked = with_root(cfg, s, nr, bank.nid, granted=self.granted)
            events += asked
            if asked and not self.granted:
                return STOPPED, Outcome(NO_MEMORY, tuple(events))
            s = mark_present(cfg, s, nr, bank.nid)
        return s, Outcome(None, tuple(events))

    def choose(self, cfg: Config, s: MemMap) -> Outcome:
        return self.run(cfg, s)[1]

    def after(self, cfg: Config, s: MemMap, result: Outcome) -> MemMap:
        following, due = self.run(cfg, s)
        require(result == due, "RET-CODE", f"{due} is due")
        return following


def root_array(cfg: Config) -> Asked:
    """Return the request for the array of tables."""
    roots = -(-(1 << cfg.sections_shift) // cfg.per_root)
    return Asked("roots", Addr(roots * cfg.width // 8), cfg.cache_bytes, -1)


def with_root(
    cfg: Config, s: MemMap, nr: int, nid: int, *, granted: bool
) -> tuple[MemMap, list[Event]]:
    """Return the state with the table of a section: sparse_index_init()."""
    root = nr // cfg.per_root
    if not cfg.extreme or root in s.roots:
        return s, []
    size = Addr(cfg.per_root * cfg.sizeof_section)
    if granted:
        s = replace(s, roots=tuple(sorted((*s.roots, root))))
    return s, [Asked("root", size, cfg.cache_bytes, nid)]


def with_nid(cfg: Config, s: MemMap, nr: int, nid: int) -> MemMap:
    """Return the state with a section's node in the table: set_section_nid()."""
    if layout(cfg).node_in_flags:
        return s
    return replace(s, nids=tuple(sorted((dict(s.nids) | {nr: nid}).items())))


def mark_present(cfg: Config, s: MemMap, nr: int, nid: int) -> MemMap:
    """Return the state with a section present, if it is new: the first node wins."""
    s = with_nid(cfg, s, nr, nid)
    old = section_at(s, nr)
    if old is not None and old.word:
        return s
    word = Addr(words.early_word(nid))
    s = with_section(s, replace(old or Section(nr), word=word))
    return replace(s, highest=max(s.highest, nr))


# ------------------------------------------------------------------ one map a node


def node_spans(s: MemMap) -> dict[int, tuple[int, int]]:
    """Return the first frame and the end of each node: get_pfn_range_for_nid()."""
    spans: dict[int, tuple[int, int]] = {}
    for bank in s.banks:
        start, end = spans.get(bank.nid, (bank.start, bank.end))
        spans[bank.nid] = min(start, bank.start), max(end, bank.end)
    return spans


def flat_base(cfg: Config, start: int, node_mem_map: int) -> int:
    """Return mem_map, moved back to a frame that is MAX_ORDER aligned if need be."""
    if cfg.pfn_offset == start:
        return node_mem_map
    moved = start - align_down(start, cfg.order_pages)
    return page_at(node_mem_map, -moved, cfg.sizeof_page, cfg.width)


@value
class AllocNodeMemMap:
    """alloc_node_mem_map(): the map of a whole node, its ends MAX_ORDER aligned.

    `at` is memblock's answer, 0 for none, which is a panic.
    """

    nid: int
    at: Addr

    @classmethod
    def domain(cls, cfg: Config, s: MemMap) -> Domains:
        todo = node_spans(s).keys() - {node.nid for node in s.nodes}
        if cfg.is_sparse or s.phase not in (Phase.MEMORY, Phase.MAPS) or not todo:
            return nothing()
        nid = min(todo)
        found = places(cfg, s, cls(nid, Addr(0)).request(cfg, s).size, cfg.cache_bytes)
        failed = (Addr(0),) if cfg.failing else ()
        return {"nid": OneOf((nid,)), "at": OneOf((*found, *failed))}

    def request(self, cfg: Config, s: MemMap) -> Asked:
        """Return the request for the map."""
        start, end = node_spans(s)[self.nid]
        first = align_down(start, cfg.order_pages)
        size = (align_up(end, cfg.order_pages) - first) * cfg.sizeof_page
        return Asked("node map", Addr(size), cfg.cache_bytes, self.nid)

    def choose(self, cfg: Config, s: MemMap) -> Outcome:
        asked = self.request(cfg, s)
        return Outcome(None if self.at else NO_MEMORY, (asked,))

    def after(self, cfg: Config, s: MemMap, result: Outcome) -> MemMap:
        due = self.choose(cfg, s)
        require(result == due, "RET-CODE", f"{due} is due")
        if not self.at:
            return STOPPED
        start, end = node_spans(s)[self.nid]
        skipped = start - align_down(start, cfg.order_pages)
        base = page_at(self.at, skipped, cfg.sizeof_page, cfg.width)
        s = with_run(s, self.at, self.at + self.request(cfg, s).size)
        s = replace(s, nodes=(*s.nodes, Node(self.nid, start, end, Addr(base))))
        if cfg.model == FLAT:
            s = replace(s, mem_map=Addr(flat_base(cfg, start, base)))
        done = len(s.nodes) == len(node_spans(s))
        return replace(s, phase=Phase.MAPPED if done else Phase.MAPS)


# ------------------------------------------------------------------ the descriptors


def links_of(cfg: Config, zone: int, nid: int, nr: int) -> int:
    """Return the links of a descriptor; the section only where it has a place."""
    return set_page_links(layout(cfg), 0, zone, nid, nr)


def with_links(
    cfg: Config, s: MemMap, start: int, end: int, zone: int, nid: int
) -> MemMap:
    """Return the state with the links of frames written, section by section."""
    while start < end:
        border = align_up(start + 1, cfg.section_pages)
        stop = min(end, border) if cfg.model == SPARSE else end
        nr = words.pfn_to_section_nr(start, cfg.shift)
        at = pfn_to_page(cfg, s, start)
        size = (stop - start) * cfg.sizeof_page
        s = with_run(s, at, at + size, links_of(cfg, zone, nid, nr))
        start = stop
    return s


def zone_parts(cfg: Config, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield (zone, first frame, end) of the parts of a range."""
    below = start
    for zone, above in enumerate((*cfg.zone_ends, end)):
        if max(start, below) < min(end, above):
            yield zone, max(start, below), min(end, above)
        below = above


def with_hole(
    cfg: Config, s: MemMap, start: int, end: int, zone: int, nid: int
) -> MemMap:
    """Return the state with the links of frames between banks: init_unavailable_range.

    Page blocks whose first frame is not valid are passed over; machines without
    sections do nothing.
    """
    if not cfg.is_sparse:
        return s
    for section in s.sections:
        first = words.section_nr_to_pfn(section.nr, cfg.shift)
        for block in range(first, first + cfg.section_pages, cfg.block_pages):
            low, high = max(block, start), min(block + cfg.block_pages, end)
            if low < high and pfn_valid(cfg, s, block):
                s = with_links(cfg, s, low, high, zone, nid)
    return s


def with_subsections(cfg: Config, s: MemMap, start: int, end: int) -> MemMap:
    """Return the state with the parts that have memory: subsection_map_init().

    Only with VMEMMAP.
    """
    while cfg.model == VMEMMAP and start < end:
        stop = min(end, align_up(start + 1, cfg.section_pages))
        nr = words.pfn_to_section_nr(start, cfg.shift)
        section = section_at(s, nr) or Section(nr)
        bits = words.subsection_mask(start, stop - start, cfg.shift, cfg.sub_shift)
        bits |= section.subsections
        s = with_section(s, replace(section, subsection_map=longs(bits)))
        start = stop
    return s


def is_missing(cfg: Config, s: MemMap, bank: Bank) -> bool:
    """Say whether a frame of a bank has no section with a map."""
    if not cfg.is_sparse:
        return False
    starts = range(
        align_down(bank.start, cfg.section_pages), bank.end, cfg.section_pages
    )
    words_of = (word_of(cfg, s, pfn) for pfn in starts)
    return not all(is_set(word, words.HAS_MEM_MAP) for word in words_of)


@value
class FreeAreaInit:
    """free_area_init(): zone and node for the descriptors of memory and of holes.

    Memory whose section has no map is a null pointer: the kernel stops.
    """

    @classmethod
    def domain(cls, cfg: Config, s: MemMap) -> Domains:
        return {} if s.phase is Phase.MAPPED else nothing()

    def choose(self, cfg: Config, s: MemMap) -> Outcome:
        lost = any(is_missing(cfg, s, bank) for bank in s.banks)
        return Outcome(NULL if lost else None)

    def after(self, cfg: Config, s: MemMap, result: Outcome) -> MemMap:
        due = self.choose(cfg, s)
        require(result == due, "RET-CODE", f"{due} is due")
        if due.value is not None:
            return STOPPED
        hole = zone = nid = 0
        for bank in s.banks:
            s = with_subsections(cfg, s, bank.start, bank.end)
            nid = bank.nid
            for zone, start, end in zone_parts(cfg, bank.start, bank.end):
                s = with_links(cfg, s, start, end, zone, nid)
                s = with_hole(cfg, s, hole, start, zone, nid)
                hole = end
        last = max(zone_of(cfg, b.end - 1) for b in s.banks if b.nid == nid)
        s = with_hole(cfg, s, hole, align_up(hole, cfg.section_pages), last, nid)
        top = hole if MAPNR_ABSOLUTE in cfg.quirks else hole - cfg.pfn_offset
        most = top if cfg.model == FLAT else 0
        return replace(s, phase=Phase.UP, max_mapnr=most)
