"""memblock's two arrays of regions, and how a range is added, cut out or doubled.

Early in boot there is no allocator: memory is one sorted array of regions, what is
in use is another, and both grow by doubling into memory that they describe
themselves.  A range that is added fills only what is not covered yet; a range that
is taken out first cuts the regions at its borders.

Source: mm/memblock.c (v5.10).  Letters: s state, t an array, r a region.
Addresses are bytes; ranges are half-open; words wrap at `cfg.width` bits.
"""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from ..core import value
from ..linux import (
    INIT_MEMBLOCK_REGIONS,
    MAX_NUMNODES,
    PAGE_SIZE,
    SMP_CACHE_BYTES,
    Addr,
    Bug,
    Errno,
    MemblockFlags,
)

NONE, HOTPLUG = MemblockFlags.NONE, MemblockFlags.HOTPLUG
MIRROR, NOMAP = MemblockFlags.MIRROR, MemblockFlags.NOMAP
MEMORY, RESERVED = "memory", "reserved"
STATIC = Addr(0)  # where an array lives that was never doubled

# Behaviours of real 5.10 that the `fixed` profile leaves out.
DOUBLE_INTO_RANGE = "an array doubles into the range in hand"
FREE_FIRST = "memory array is freed before its double is reserved"
TRIM_KEEPS_TOTAL = "trim leaves total_size as it was"
TRIM_WRAPS = "trim rounds the last region up to address 0"
CAP_WRAPS = "cap_memory_range wraps at the top"
V5_10 = (DOUBLE_INTO_RANGE, FREE_FIRST, TRIM_KEEPS_TOTAL, TRIM_WRAPS, CAP_WRAPS)


@value
class Region:
    """struct memblock_region; nid is MAX_NUMNODES while no node is known."""

    base: Addr
    size: Addr
    flags: MemblockFlags = NONE
    nid: int = MAX_NUMNODES

    @property
    def end(self) -> int:
        """Return the first byte behind the region."""
        return self.base + self.size


@value
class Regions:
    """struct memblock_type; the dummy of an empty one shows only in `cnt`."""

    regions: tuple[Region, ...] = ()
    max: int = INIT_MEMBLOCK_REGIONS
    total_size: Addr = Addr(0)
    array: Addr = STATIC
    in_slab: bool = False

    @property
    def cnt(self) -> int:
        """Return the number of slots in use; an empty array uses one for its dummy."""
        return max(1, len(self.regions))


@value
class Memblock:
    """struct memblock and the file's static variables."""

    memory: Regions
    reserved: Regions
    bottom_up: bool = False
    current_limit: Addr = Addr(0)
    can_resize: bool = False
    slab_is_up: bool = False
    has_mirror: bool = False  # system_has_some_mirror
    stopped: bool = False  # the kernel met a BUG_ON; nothing else counts any more


STOPPED = Memblock(Regions(), Regions(), stopped=True)


class Stop(Exception):  # noqa: N818  (an outcome of the modelled kernel)
    """BUG_ON(): the kernel stops here."""


@value
class Config:
    """The machine that is booted, and the arguments that exploration offers."""

    width: int = 64  # bits of phys_addr_t
    page_size: int = PAGE_SIZE
    region_bytes: int = 24  # sizeof(struct memblock_region)
    init_regions: int = INIT_MEMBLOCK_REGIONS
    cache_bytes: int = SMP_CACHE_BYTES
    movable_node: bool = False
    release: str = "5.10"  # "6.6": reserved regions get nodes before the hand-over
    quirks: tuple[str, ...] = ()
    start: tuple[Region, ...] = ()  # memory at the beginning
    can_resize: bool = False
    slab_is_up: bool = False
    bases: tuple[int, ...] = ()
    sizes: tuple[int, ...] = ()
    aligns: tuple[int, ...] = (1,)
    nids: tuple[int, ...] = (-1,)
    flags: tuple[MemblockFlags, ...] = (HOTPLUG,)
    limits: tuple[int, ...] = (0,)
    max_low_pfn: int = 1 << 64
    ops: tuple[str, ...] = ()

    @property
    def top(self) -> int:
        """Return PHYS_ADDR_MAX, the last byte, which no region can cover."""
        return (1 << self.width) - 1


def initial(cfg: Config) -> Memblock:
    """Return memblock as the kernel image holds it, with the memory of `cfg.start`."""
    total = Addr(sum(r.size for r in cfg.start))
    memory = Regions(cfg.start, cfg.init_regions, total)
    return Memblock(
        memory,
        Regions((), cfg.init_regions),
        current_limit=Addr(cfg.top),
        can_resize=cfg.can_resize,
        slab_is_up=cfg.slab_is_up,
    )


# ------------------------------------------------------------------ events


@value
class Doubled:
    """memblock_double_array() moved an array; addr is 0 when kmalloc() placed it."""

    kind: str
    max: int
    addr: Addr


@value
class LeakAlloc:
    """kmemleak_alloc_phys()."""

    base: Addr
    size: Addr


@value
class LeakFree:
    """kmemleak_free_part_phys()."""

    base: Addr
    size: Addr


@value
class Warn:
    """WARN_ON(), pr_warn() or dump_stack()."""

    what: str


@value
class Fill:
    """The new block was zeroed, or poisoned by page_init_poison()."""

    how: str
    base: Addr
    size: Addr


@value
class Kzalloc:
    """kzalloc_node() was asked instead: the slab allocator is up."""

    size: Addr
    nid: int


@value
class FreePages:
    """memblock_free_pages(): this block went to the buddy allocator."""

    pfn: int
    order: int


@value
class ReservePages:
    """reserve_bootmem_region(): these pages are initialised as reserved."""

    start_pfn: int
    end_pfn: int
    nid: int = MAX_NUMNODES


Event = (
    Doubled | LeakAlloc | LeakFree | Warn | Fill | Kzalloc | FreePages | ReservePages
)
Events = tuple[Event, ...]


class Slab(Enum):
    """An object of the slab allocator: where it is, is not memblock's business."""

    OBJECT = "object"


@value
class Outcome:
    """What an operation returned, and what it did on the way, in order.

    The value is None or an address on success; address 0 is the kernel's "none".
    """

    value: Addr | Slab | Errno | Bug | None = None
    events: Events = ()


@value
class Request:
    """One search for a block: memblock_find_in_range_node()."""

    size: int
    align: int
    start: int
    end: int
    nid: int
    flags: MemblockFlags

    def __str__(self) -> str:
        where = f"[{self.start:#x}, {self.end:#x})" if self.end > 1 else "anywhere"
        node = f" of node {self.nid}" if self.nid >= 0 else ""
        return f"{self.size:#x} bytes aligned to {self.align:#x}, {where}{node}"


class Places(Protocol):
    """Where new things go: the one choice that memblock makes."""

    def array(
        self,
        cfg: Config,
        s: Memblock,
        kind: str,
        hands: tuple[Range, ...],
        nr_bytes: int,
    ) -> tuple[int | None, Events]:
        """Return the address of a doubled array, 0 in the slab, None for nowhere.

        The events are the warnings of the search.  `hands` are the ranges that are
        being worked on, the innermost last.
        """
        ...

    def block(self, cfg: Config, s: Memblock, request: Request) -> int:
        """Return the address of a block for this search, 0 for none."""
        ...


NO_MIRROR = Warn("no mirrored memory")
NOT_ZERO = Warn("an empty array has a total_size")

Range = tuple[int, int]  # base, size
Done = tuple[Memblock, "Addr | Slab | Errno | Bug | None", Events]


# ------------------------------------------------------------------ words


def cap_size(cfg: Config, base: int, size: int) -> int:
    """Return the size cut so that base + size does not wrap (memblock_cap_size)."""
    return min(size, cfg.top - base)


def round_up(cfg: Config, addr: int, align: int) -> int:
    """Return the next multiple of a power of two, wrapping as the word does."""
    return (addr + align - 1) & ~(align - 1) & cfg.top


def round_down(addr: int, align: int) -> int:
    """Return the multiple of a power of two at or below `addr`."""
    return addr & ~(align - 1)


def page_up(cfg: Config, nr_bytes: int) -> int:
    """Return a size in bytes rounded up to whole pages."""
    return -(-nr_bytes // cfg.page_size) * cfg.page_size


def array_bytes(cfg: Config, t: Regions) -> int:
    """Return how many bytes a doubled array takes, in whole pages."""
    return page_up(cfg, t.max * cfg.region_bytes)


def overlaps(base: int, end: int, r: Region) -> bool:
    """Say whether [base, end) and a region intersect (memblock_addrs_overlap)."""
    return base < r.end and r.base < end
