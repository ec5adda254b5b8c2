"""A machine's sections, maps and descriptors, and the lookups of its memory model.

Source: include/asm-generic/memory_model.h, include/linux/mmzone.h (v5.10).
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field, fields

from mmoracle.spec.linux import Bug

from .descriptors import ABSENT, UNSET, Descriptors
from .words import (
    SECTION_HAS_MEM_MAP,
    SECTION_IS_EARLY,
    SECTION_MARKED_PRESENT,
    PageFlags,
    pointer_add,
    pointer_sub,
)

MEMORY, MAPS, MAPPED, UP, STOPPED = range(5)
FLAT, DISCONTIG, SPARSE, VMEMMAP = "flat", "discontig", "sparse", "vmemmap"


@dataclass(frozen=True, kw_only=True)
class Constants:
    """What a kernel was built for, and how its architecture behaves."""

    model: str
    extreme: bool
    width: int
    section_shift: int  # of frames
    sub_shift: int
    sections_shift: int
    page_size: int
    sizeof_page: int
    sizeof_section: int
    per_root: int
    cache_bytes: int
    map_bytes: int
    usage_bytes: int
    piece: int
    order_pages: int
    block_pages: int
    limit: int
    zone_ends: tuple[int, ...]
    pfn_offset: int
    vmemmap: int
    valid: str
    flags: PageFlags
    frees_unused: bool = False
    keeps_buffer: bool = False
    rounds_to_max_order: bool = False
    frees_no_map: bool = False
    mapnr_absolute: bool = False


class MemSection:
    """struct mem_section with its usage record."""

    __slots__ = ("bootmem", "subsection_map", "usage", "word")

    def __init__(self) -> None:
        self.word = 0
        self.usage = 0
        self.bootmem = False
        self.subsection_map = 0


@dataclass(slots=True)
class Node:
    """A node's map."""

    nid: int
    start_pfn: int
    end_pfn: int
    node_mem_map: int


Bank = list[int]  # start, end, nid, fresh


@dataclass(slots=True)
class MemoryModel:
    """The machine."""

    k: Constants
    phase: int = MEMORY
    banks: list[Bank] = field(default_factory=list)
    root_array: bool = False
    roots: set[int] = field(default_factory=set)
    sections: dict[int, MemSection] = field(default_factory=dict)
    highest: int = 0
    section_to_node_table: dict[int, int] = field(default_factory=dict)
    at: int = 0
    buffer: tuple[int, int] | None = None
    nodes: list[Node] = field(default_factory=list)
    mem_map: int = 0
    max_mapnr: int = 0
    memmap: Descriptors = field(default_factory=Descriptors)
    trimmed: bool = False
    events: list[tuple[object, ...]] = field(default_factory=list)

    @property
    def mask(self) -> int:
        """Return the largest word."""
        return (1 << self.k.width) - 1

    @property
    def is_sparse(self) -> bool:
        """Say whether there are sections."""
        return self.k.model in (SPARSE, VMEMMAP)

    def stop(self, why: Bug) -> Bug:
        """Stop the machine: nothing of its state counts any more.  O(1)."""
        self.phase = STOPPED
        return why

    # -------------------------------------------------------------- frames

    def section(self, nr: int) -> MemSection:
        """Return a section, made at need.  O(1)."""
        return self.sections.setdefault(nr, MemSection())

    def settle(self, nr: int) -> None:
        """Forget a section with nothing in it.  O(1)."""
        ms = self.sections.get(nr)
        if ms is not None and not ms.word and not ms.usage:
            del self.sections[nr]

    def word(self, pfn: int) -> int:
        """Return the section word of a frame, 0 without one.  O(1)."""
        if pfn >= self.k.limit:
            return 0
        ms = self.sections.get(pfn >> self.k.section_shift)
        return ms.word if ms is not None else 0

    def bank(self, pfn: int) -> Bank | None:
        """Return the bank of memory with a frame.  O(log n)."""
        place = bisect_right(self.banks, pfn, key=lambda bank: bank[0]) - 1
        if place >= 0 and pfn < self.banks[place][1]:
            return self.banks[place]
        return None

    def set_memory(self, start: int, end: int, *new: Bank) -> None:
        """Take a range from the banks, put another one in, join like ones.  O(n)."""
        parts = [*map(list, new)]
        for low, high, nid, fresh in self.banks:
            parts += [[low, min(high, start), nid, fresh]]
            parts += [[max(low, end), high, nid, fresh]]
        self.banks = []
        for part in sorted(part for part in parts if part[0] < part[1]):
            last = self.banks[-1] if self.banks else None
            if last and last[1] == part[0] and last[2:] == part[2:]:
                last[1] = part[1]
            else:
                self.banks.append(part)

    def pfn_to_nid(self, pfn: int) -> Node | None:
        """Return the node whose span has a frame.  O(nodes)."""
        for node in self.nodes:
            if node.start_pfn <= pfn < node.end_pfn:
                return node
        return None

    def pfn_valid(self, pfn: int) -> bool:
        """Say whether a frame has a descriptor.  O(log banks), O(nodes)."""
        k = self.k
        if self.is_sparse:
            word = self.word(pfn)
            if not word & SECTION_HAS_MEM_MAP:
                return False
            if not word & SECTION_IS_EARLY:
                return self.pfn_section_valid(pfn)
        if k.valid == "memory":
            return self.bank(pfn) is not None
        if k.valid == "block":
            return self.block_has_memory(pfn)
        if k.model == FLAT:
            return 0 <= pfn - k.pfn_offset < self.max_mapnr
        return k.model != DISCONTIG or self.pfn_to_nid(pfn) is not None

    def pfn_section_valid(self, pfn: int) -> bool:
        """Say whether the part of its section with a frame is there.  O(1)."""
        k = self.k
        if k.model == SPARSE:
            return True
        ms = self.sections[pfn >> k.section_shift]
        idx = pfn % (1 << k.section_shift) >> k.sub_shift
        return ms.subsection_map >> idx & 1 == 1

    def block_has_memory(self, pfn: int) -> bool:
        """Say whether the page block of a frame has memory in it.  O(log banks)."""
        start = pfn - pfn % self.k.block_pages
        behind = bisect_right(self.banks, start, key=lambda bank: bank[0])
        if self.bank(start) is not None:
            return True
        return (
            behind < len(self.banks)
            and self.banks[behind][0] < start + self.k.block_pages
        )

    def pfn_to_page(self, pfn: int) -> int:
        """Return the address of a frame's descriptor.  O(1), O(nodes)."""
        k = self.k
        if k.model == FLAT:
            base, pages = self.mem_map, pfn - k.pfn_offset
        elif k.model == VMEMMAP:
            base, pages = k.vmemmap, pfn
        elif k.model == SPARSE:
            base, pages = self.word(pfn) & ~15, pfn
        else:
            node = self.pfn_to_nid(pfn)
            if node is None:
                return 0
            base, pages = node.node_mem_map, pfn - node.start_pfn
        return pointer_add(base, pages, k.sizeof_page, self.mask)

    # -------------------------------------------------------------- descriptors

    def links(self, page: int) -> int:
        """Return a descriptor's links, 0 where there is none.  O(log n)."""
        return max(self.memmap.at(page), 0)

    def is_set_up(self, pfn: int) -> bool:
        """Say whether a frame's descriptor is there and initialised.  O(log n)."""
        return self.memmap.at(self.pfn_to_page(pfn)) not in (ABSENT, UNSET)

    def page_to_nid(self, page: int) -> int:
        """Return the node that a descriptor names.  O(log n)."""
        flags = self.links(page)
        if self.k.flags.node_in_flags:
            return self.k.flags.page_to_nid(flags)
        nr = self.k.flags.page_to_section(flags)
        return self.section_to_node_table.get(nr, 0)

    def page_to_pfn(self, page: int) -> int:
        """Return the frame of a descriptor.  O(log n)."""
        k, size, mask = self.k, self.k.sizeof_page, self.mask
        if k.model == FLAT:
            return pointer_sub(page, self.mem_map, size, mask) + k.pfn_offset
        if k.model == VMEMMAP:
            return pointer_sub(page, k.vmemmap, size, mask)
        if k.model == SPARSE:
            ms = self.sections.get(k.flags.page_to_section(self.links(page)))
            base = ms.word & ~15 if ms is not None else 0
            return pointer_sub(page, base, size, mask)
        nid = self.page_to_nid(page)
        for node in self.nodes:
            if node.nid == nid:
                pages = pointer_sub(page, node.node_mem_map, size, mask)
                return pages + node.start_pfn
        return 0

    def page_links(self, pfn: int) -> tuple[int, int, int]:
        """Return zone, node and section that a frame's descriptor names.  O(log n)."""
        page = self.pfn_to_page(pfn)
        flags = self.links(page)
        zone = self.k.flags.page_zonenum(flags)
        section = self.k.flags.page_to_section(flags)
        return zone, self.page_to_nid(page), section

    def set_links(self, start: int, end: int, zone: int, nid: int) -> None:
        """Initialise the descriptors of frames.  O(sections of them)."""
        k = self.k
        while start < end:
            nr = start >> k.section_shift
            stop = min(end, (nr + 1) << k.section_shift) if k.model == SPARSE else end
            page = self.pfn_to_page(start)
            behind = page + (stop - start) * k.sizeof_page
            self.memmap.fill(page, behind, k.flags.links(zone, nid, nr))
            start = stop

    # -------------------------------------------------------------- sections

    def section_mark_present(self, nr: int, ms: MemSection) -> None:
        """Mark a section present.  O(1)."""
        ms.word |= SECTION_MARKED_PRESENT
        if nr > self.highest:
            self.highest = nr

    def set_section_nid(self, nr: int, nid: int) -> None:
        """Note the node of a section where page->flags has no room.  O(1)."""
        if not self.k.flags.node_in_flags:
            self.section_to_node_table[nr] = nid

    def sparse_index_init(self, nr: int, nid: int, granted: bool) -> bool | None:
        """Allocate the table of a section; none where it is there already.  O(1)."""
        k, root = self.k, nr // self.k.per_root
        if not k.extreme or root in self.roots:
            return None
        self.ask("root", k.per_root * k.sizeof_section, k.cache_bytes, nid)
        if granted:
            self.roots.add(root)
        return granted

    def ask(self, what: str, size: int, align: int, nid: int) -> None:
        """Note a request for memory.  O(1)."""
        self.events.append(("asked", what, size, align, nid))


def fork(m: MemoryModel) -> MemoryModel:
    """Return a copy of a machine that shares nothing which changes.  O(n)."""
    other = MemoryModel(m.k)
    take(other, m)
    other.banks = [list(bank) for bank in m.banks]
    other.roots = set(m.roots)
    other.sections = {nr: copied(ms) for nr, ms in m.sections.items()}
    other.section_to_node_table = dict(m.section_to_node_table)
    other.nodes = list(m.nodes)
    other.events = list(m.events)
    other.memmap = Descriptors()
    other.memmap.borders = list(m.memmap.borders)
    other.memmap.links = list(m.memmap.links)
    return other


def copied(ms: MemSection) -> MemSection:
    """Return a copy of a section.  O(1)."""
    twin = MemSection()
    twin.word, twin.usage = ms.word, ms.usage
    twin.bootmem, twin.subsection_map = ms.bootmem, ms.subsection_map
    return twin


def take(m: MemoryModel, other: MemoryModel) -> None:
    """Become another machine.  O(1)."""
    for each in fields(other):
        setattr(m, each.name, getattr(other, each.name))
