"""A machine's memory, its sections, and its memory map: the frozen state.

The memory map is told as runs of descriptors that are there and alike, by address.
Frames count pages, descriptors and allocations have addresses; ranges are half-open.

Source: include/linux/mmzone.h:struct mem_section, pglist_data (v5.10).
"""

from __future__ import annotations

from enum import Enum
from functools import lru_cache

from ..core import value
from ..linux import Addr, Bug, Errno
from .layout import Layout, layout_of
from .words import align_up

FLAT, DISCONTIG, SPARSE, VMEMMAP = "flat", "discontig", "sparse", "vmemmap"
MODELS = (FLAT, DISCONTIG, SPARSE, VMEMMAP)
LONG = 64  # bits of a subsection map's long
UNSET = -1  # the links of a descriptor that nobody has written yet

# Behaviour of real 5.10 that breaks a law.
KEEPS_BUFFER = "keeps-buffer"  # until 5.10.38: P61
ROUNDS_TO_MAX_ORDER = "rounds-to-max-order"  # arm until 5.10.92, arm64: P63
FREES_NO_MAP = "frees-no-map"  # a failed hot-add frees the map that it did not get
MAPNR_ABSOLUTE = "mapnr-absolute"  # riscv: max_mapnr is a frame, not a count


class Phase(Enum):
    """How far boot has come."""

    MEMORY = 0  # ranges of memory are told
    MAPS = 1  # some runs of sections, or nodes, have their maps
    MAPPED = 2  # all have
    UP = 3  # the descriptors are initialised
    STOPPED = 4  # panic, or a null pointer


@value
class Bank:
    """A range of memory frames of one node; `fresh` until it is put online."""

    nid: int
    start: int
    end: int
    fresh: bool = False


@value
class Section:
    """struct mem_section, and the subsection map of its usage record.

    `usage` is the record's address, 0 without one; `bootmem` says that boot allocated
    it, so that it is never freed.  `subsection_map` are longs, none for an empty map.
    """

    nr: int
    word: Addr = Addr(0)  # section_mem_map
    usage: Addr = Addr(0)
    bootmem: bool = False
    subsection_map: tuple[Addr, ...] = ()

    @property
    def subsections(self) -> int:
        """Return the subsection map as bits of one number."""
        return sum(each << LONG * i for i, each in enumerate(self.subsection_map))


def longs(bits: int) -> tuple[Addr, ...]:
    """Return a subsection map from the bits of one number."""
    count = -(-bits.bit_length() // LONG)
    return tuple(Addr(bits >> LONG * i & (1 << LONG) - 1) for i in range(count))


@value
class Node:
    """The map of a node, for FLATMEM and DISCONTIGMEM."""

    nid: int
    start: int  # node_start_pfn
    end: int
    node_mem_map: Addr


@value
class Run:
    """Descriptors at [start, end) that are there, with the same links in flags."""

    start: Addr
    end: Addr
    links: int = UNSET


@value
class Span:
    """A range of addresses."""

    start: Addr
    end: Addr


@value
class MemMap:
    """The state; `sections` and `memmap` are in order, empty sections left out."""

    phase: Phase = Phase.MEMORY
    banks: tuple[Bank, ...] = ()
    root_array: bool = False
    roots: tuple[int, ...] = ()  # tables of sections that were allocated
    sections: tuple[Section, ...] = ()
    highest: int = 0  # __highest_present_section_nr
    nids: tuple[tuple[int, int], ...] = ()  # section_to_node_table: (section, node)
    at: int = 0  # sections below it are initialised, or will never be
    buffer: Span | None = None  # sparsemap_buf
    nodes: tuple[Node, ...] = ()
    mem_map: Addr = Addr(0)
    max_mapnr: int = 0
    memmap: tuple[Run, ...] = ()
    trimmed: bool = False  # free_unused_memmap() is done


STOPPED = MemMap(Phase.STOPPED)


# ------------------------------------------------------------------ machines


@value
class Config:
    """A machine, a kernel's constants, and what exploration may try on them.

    `frames` are the borders of banks that boot may meet; `arena` is where memblock and
    the slab find room.  `valid` is how the architecture answers pfn_valid():
    "generic", "memory" (arm64) or "block" (arm).
    """

    model: str = VMEMMAP
    extreme: bool = True
    width: int = 64
    page_shift: int = 12
    section_bits: int = 27
    physmem_bits: int = 46
    subsection_bits: int = 21
    sizeof_page: int = 64
    sizeof_section: int = 16
    cache_bytes: int = 64
    pmd_bits: int = 21
    huge: bool = True  # the virtual memory map is made of PMD_SIZE pages
    max_order: int = 11
    pageblock_order: int = 9
    nodes_shift: int = 10
    nr_zones: int = 5
    nr_pageflags: int = 23
    last_cpupid: int = 0
    zone_ends: tuple[int, ...] = (1 << 12, 1 << 20)  # the last zone has no end
    pfn_offset: int = 0  # ARCH_PFN_OFFSET
    vmemmap: Addr = Addr(0xFFFF_EA00_0000_0000)
    arena: tuple[Addr, Addr] = (
        Addr(0xFFFF_8880_0000_1000),
        Addr(0xFFFF_C000_0000_0000),
    )
    places: int = 2  # how many places an allocation may get
    frames: tuple[int, ...] = ()
    nids: tuple[int, ...] = (0,)
    most_banks: int = 2
    failing: bool = True  # whether allocations may fail
    valid: str = "generic"
    frees_unused: bool = False
    hot: tuple[tuple[int, int], ...] = ()  # (frame, pages) that may come and go
    quirks: tuple[str, ...] = ()
    ops: tuple[str, ...] = ()

    @property
    def is_sparse(self) -> bool:
        """Say whether there are sections."""
        return self.model in (SPARSE, VMEMMAP)

    @property
    def shift(self) -> int:
        """Return PFN_SECTION_SHIFT."""
        return self.section_bits - self.page_shift

    @property
    def sub_shift(self) -> int:
        """Return PFN_SUBSECTION_SHIFT."""
        return self.subsection_bits - self.page_shift

    @property
    def section_pages(self) -> int:
        """Return PAGES_PER_SECTION."""
        return 1 << self.shift

    @property
    def block_pages(self) -> int:
        """Return pageblock_nr_pages."""
        return 1 << self.pageblock_order

    @property
    def order_pages(self) -> int:
        """Return MAX_ORDER_NR_PAGES."""
        return 1 << (self.max_order - 1)

    @property
    def page_size(self) -> int:
        """Return PAGE_SIZE."""
        return 1 << self.page_shift

    @property
    def limit(self) -> int:
        """Return the first frame that no section can have."""
        return 1 << (self.physmem_bits - self.page_shift)

    @property
    def sections_shift(self) -> int:
        """Return SECTIONS_SHIFT."""
        return self.physmem_bits - self.section_bits

    @property
    def per_root(self) -> int:
        """Return SECTIONS_PER_ROOT."""
        return self.page_size // self.sizeof_section if self.extreme else 1

    @property
    def map_bytes(self) -> int:
        """Return section_map_size()."""
        used = self.section_pages * self.sizeof_page
        whole = 1 << self.pmd_bits if self.model == VMEMMAP else self.page_size
        return align_up(used, whole)

    @property
    def piece(self) -> int:
        """Return the bytes of one page of the virtual memory map."""
        return 1 << self.pmd_bits if self.huge else self.page_size

    @property
    def usage_bytes(self) -> int:
        """Return mem_section_usage_size(): two pointers, the bits, the block flags."""
        bits = 4 << (self.shift - self.pageblock_order)
        longs = 2 + -(-bits // self.width)
        if self.model == VMEMMAP:
            longs += -(-(1 << (self.shift - self.sub_shift)) // self.width)
        return longs * self.width // 8

    @property
    def unit(self) -> int:
        """Return the least frames that may be added or removed: check_pfn_span()."""
        return 1 << self.sub_shift if self.model == VMEMMAP else self.section_pages


@lru_cache(maxsize=64)
def layout(cfg: Config) -> Layout:
    """Return where page->flags keeps its links."""
    sections = cfg.sections_shift if cfg.model == SPARSE else 0
    return layout_of(
        cfg.width,
        cfg.nr_pageflags,
        sections,
        cfg.nodes_shift,
        cfg.nr_zones,
        cfg.last_cpupid,
    )


def zone_of(cfg: Config, pfn: int) -> int:
    """Return the zone of a frame by the architecture's borders."""
    return sum(1 for end in cfg.zone_ends if pfn >= end)


# ------------------------------------------------------------------ answers


@value
class Asked:
    """An allocation that was asked for, in order; whether it was had is an argument."""

    what: str
    size: Addr
    align: int
    nid: int


@value
class Took:
    """A part of the buffer became part of the memory map."""

    at: Addr
    size: Addr


@value
class Freed:
    """Bytes went back to where they came from; `what` they were."""

    what: str
    at: Addr
    size: Addr


@value
class Warned:
    """A warning was printed."""

    why: str


Event = Asked | Took | Freed | Warned
Value = Addr | Errno | Bug | None


@value
class Outcome:
    """What an operation returned, and what happened meanwhile."""

    value: Value = None
    events: tuple[Event, ...] = ()
