"""Where memblock finds room: free ranges, and the first fit in the direction in force.

m is the number of memory regions, n that of reservations, g the number of gaps that a
search passes before it finds room; a search that is repeated passes each gap once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mmoracle.spec.linux import (
    MAX_NUMNODES,
    MEMBLOCK_ALLOC_ACCESSIBLE,
    MEMBLOCK_ALLOC_KASAN,
    NUMA_NO_NODE,
    PAGE_SIZE,
    SMP_CACHE_BYTES,
    MemblockFlags,
)

from .regions import MemblockType, Part, Sought, Undo

NONE, HOTPLUG = int(MemblockFlags.NONE), int(MemblockFlags.HOTPLUG)
MIRROR, NOMAP = int(MemblockFlags.MIRROR), int(MemblockFlags.NOMAP)

NO_MIRROR = "no mirrored memory"

FreeRange = tuple[int, int, int]  # start, end, nid
Find = Callable[[int, int, int, int, int, int], int]


class Answer:
    """What somebody else answered: a value, and where each array was put, in order."""

    __slots__ = ("doubled", "value")

    def __init__(self, value: object, doubled: list[tuple[str, int]]) -> None:
        self.value = value
        self.doubled = doubled


class Search:
    """struct memblock, and what only looks at it; `events` tells what happened."""

    __slots__ = (
        "answer",
        "bottom_up",
        "cache_bytes",
        "can_resize",
        "cap_wraps",
        "current_limit",
        "double_into_range",
        "events",
        "free_first",
        "hands",
        "journal",
        "kmalloc",
        "max_low_pfn",
        "memory",
        "movable_node",
        "page_size",
        "region_bytes",
        "reserved",
        "slab_is_up",
        "stopped",
        "system_has_some_mirror",
        "top",
        "trim_keeps_total",
        "trim_wraps",
    )

    def __init__(
        self,
        *,
        width: int = 64,
        page_size: int = PAGE_SIZE,
        region_bytes: int = 24,
        init_regions: int = 128,
        cache_bytes: int = SMP_CACHE_BYTES,
        movable_node: bool = False,
        max_low_pfn: int = 1 << 64,
        double_into_range: bool = True,
        free_first: bool = True,
        trim_keeps_total: bool = True,
        trim_wraps: bool = True,
        cap_wraps: bool = True,
    ) -> None:
        self.top = (1 << width) - 1  # PHYS_ADDR_MAX
        self.page_size = page_size
        self.region_bytes = region_bytes
        self.cache_bytes = cache_bytes
        self.movable_node = movable_node
        self.max_low_pfn = max_low_pfn
        self.double_into_range = double_into_range
        self.free_first = free_first
        self.trim_keeps_total = trim_keeps_total
        self.trim_wraps = trim_wraps
        self.cap_wraps = cap_wraps
        self.memory = MemblockType("memory", init_regions, self.top)
        self.reserved = MemblockType("reserved", init_regions, self.top)
        self.bottom_up = False
        self.current_limit = self.top
        self.can_resize = False
        self.slab_is_up = False
        self.system_has_some_mirror = False
        self.stopped = False
        self.kmalloc = True  # what the slab allocator answers from now on
        self.hands: list[tuple[int, int]] = []  # ranges being worked on, inmost last
        self.events: list[tuple[object, ...]] = []
        self.answer: Answer | None = None  # whose choices count; None is Linux
        self.journal: list[Undo] | None = None

    def warn(self, what: str) -> None:
        """Record a warning. O(1)."""
        self.events.append(("warn", what))

    # ------------------------------------------------------- words

    def cap_size(self, base: int, size: int) -> int:
        """Return the size cut so that base + size does not wrap. O(1)."""
        return min(size, self.top - base)

    def round_up(self, addr: int, align: int) -> int:
        """Return the next multiple of a power of two, wrapping. O(1)."""
        return (addr + align - 1) & -align & self.top

    def round_down(self, addr: int, align: int) -> int:
        """Return the multiple of a power of two at or below `addr`. O(1)."""
        return addr & -align

    def clamp(self, addr: int, low: int, high: int) -> int:
        """Return the nearest address in [low, high]. O(1)."""
        return min(max(addr, low), high)

    def pfn_up(self, addr: int) -> int:
        """Return the first page that starts at or above an address. O(1)."""
        return (addr + self.page_size - 1) // self.page_size

    def pfn_down(self, addr: int) -> int:
        """Return the page that holds an address. O(1)."""
        return addr // self.page_size

    # ------------------------------------------------------- free ranges

    def should_skip_region(self, i: int, nid: int, flags: int) -> bool:
        """Say whether a memory region is not looked at. O(1)."""
        own = self.memory.flags[i]
        if nid not in (NUMA_NO_NODE, self.memory.nids[i]):
            return True
        if self.movable_node and own & HOTPLUG and not flags & HOTPLUG:
            return True
        if flags & MIRROR and not own & MIRROR:
            return True
        return bool(own & NOMAP and not flags & NOMAP)

    def for_each_free_mem_range(self, nid: int, flags: int) -> Iterator[FreeRange]:
        """Yield the overlaps of memory regions and gaps, ascending. O(m log n + n)."""
        nid = NUMA_NO_NODE if nid == MAX_NUMNODES else nid
        memory, reserved = self.memory, self.reserved
        for i in range(len(memory.bases)):
            if not self.should_skip_region(i, nid, flags):
                start, end = memory.bases[i], memory.ends[i]
                for low, high in reserved.wide_gaps(start, end, 0, down=False):
                    yield low, high, memory.nids[i]

    def candidates(
        self, low: int, high: int, size: int, nid: int, flags: int, down: bool
    ) -> Iterator[Part]:
        """Yield the free ranges that a search looks at, from its border inward.

        Only a block of no size may lie in a range outside the window.
        O(log n) and O(1) for each range.
        """
        memory = self.memory
        if not size:
            low, high = 0, self.top
        first, behind = memory.first_above(low), memory.first_from(high)
        for i in range(behind - 1, first - 1, -1) if down else range(first, behind):
            if not self.should_skip_region(i, nid, flags):
                start, end = max(memory.bases[i], low), min(memory.ends[i], high)
                yield from self.reserved.wide_gaps(start, end, size, down)

    def window(self, start: int, end: int) -> Part:
        """Return the bounds of a search: never the first page. O(1)."""
        if end in (MEMBLOCK_ALLOC_ACCESSIBLE, MEMBLOCK_ALLOC_KASAN):
            end = self.current_limit
        start = max(start, self.page_size)
        return start, max(start, end)

    # ------------------------------------------------------- the first fit

    def fit_bottom_up(self, start: int, end: int, size: int, align: int) -> int | None:
        """Return the lowest fit in one range; None sends the search on. O(1)."""
        addr = self.round_up(start, align)
        return addr if addr < end and end - addr >= size else None

    def fit_top_down(self, start: int, end: int, size: int, align: int) -> int | None:
        """Return the highest fit in one range; None sends the search on. O(1)."""
        if end < size:
            return None
        addr = self.round_down(end - size, align)
        return addr if addr >= start else None

    def memblock_find_in_range_node(
        self, size: int, align: int, start: int, end: int, nid: int, flags: int
    ) -> int:
        """Return the first fit in the direction in force, 0 for none. O(log n + g)."""
        down = not self.bottom_up
        sought = (down, size, align, *self.window(start, end), nid, flags)
        addr = self.first_fit(sought, *self.resume(sought))
        if size and align & -align == align:
            passed = self.reserved.passed
            passed[sought] = addr or (sought[3] if down else sought[4])
        return addr

    def resume(self, sought: Sought) -> Part:
        """Return the window without what the same search passed before. O(1).

        Reserving more cannot make room there; freeing calls `reopen`.
        """
        down, size, _, low, high, _, _ = sought
        reserved = self.reserved
        if reserved.seen != self.memory.edits or len(reserved.passed) > 64:
            reserved.passed.clear()
            reserved.seen = self.memory.edits
        at = reserved.passed.get(sought)
        if at is None:
            return low, high
        return (low, min(high, at + size)) if down else (max(low, at), high)

    def first_fit(self, sought: Sought, low: int, high: int) -> int:
        """Walk the free ranges to the first fit, 0 for none. O(log n + g)."""
        down, size, align, _, _, nid, flags = sought
        fit = self.fit_top_down if down else self.fit_bottom_up
        for first, last in self.candidates(low, high, size, nid, flags, down):
            first, last = self.clamp(first, low, high), self.clamp(last, low, high)
            addr = fit(first, last, size, align)
            if addr is not None:
                return addr
        return 0

    def choose_memblock_flags(self) -> int:
        """Return the flags to search with first. O(1)."""
        return MIRROR if self.system_has_some_mirror else NONE

    def find_in_range(
        self, find: Find, start: int, end: int, size: int, align: int
    ) -> int:
        """Find on any node; mirrored memory first, where there is any. O(log n + g)."""
        flags = self.choose_memblock_flags()
        addr = find(size, align, start, end, NUMA_NO_NODE, flags)
        if not addr and flags & MIRROR:
            self.warn(NO_MIRROR)
            addr = find(size, align, start, end, NUMA_NO_NODE, flags & ~MIRROR)
        return addr

    def fits(
        self,
        addr: int,
        size: int,
        align: int,
        start: int,
        end: int,
        nid: int,
        flags: int,
    ) -> bool:
        """Say whether a block satisfies a search, wherever Linux would look.

        O(log n), and O(m log n + n) for a block of no size.
        """
        if addr == 0 or addr & (align - 1):
            return False
        low, high = self.window(start, end)
        if not size:
            return any(
                self.clamp(first, low, high) <= addr <= self.clamp(last, low, high)
                for first, last, _ in self.for_each_free_mem_range(nid, flags)
            )
        i, stop = self.memory.memblock_search(addr), addr + size
        return (
            i >= 0
            and low <= addr
            and stop <= min(high, self.memory.ends[i])
            and not self.should_skip_region(i, nid, flags)
            and not self.reserved.memblock_overlaps_region(addr, stop)
        )
