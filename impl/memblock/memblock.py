"""memblock's interface to boot: ranges, flags, nodes, blocks, limits, the hand-over.

m is the number of memory regions, n that of the array at hand, g the number of gaps
that a search passes; "shift" is one move of list slots, n at worst.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from mmoracle.spec.linux import (
    MAX_NUMNODES,
    MAX_ORDER,
    MEMBLOCK_ALLOC_KASAN,
    NUMA_NO_NODE,
    Bug,
    Errno,
)

from .answers import Answers
from .ranges import HOLDS_ARRAY, NOT_ZERO
from .regions import MemblockType, Part
from .search import HOTPLUG, MIRROR, NO_MIRROR, NOMAP, NONE, FreeRange

OBJECT = "object"  # a block of the slab allocator, wherever it is
WRAPS_OVER = Bug("trimming would wrap the last region over lower ones")
DUMMY = (0, 0, NONE, MAX_NUMNODES)


class Memblock(Answers):
    """struct memblock with everything that boot calls."""

    __slots__ = ()

    def array(self, kind: str) -> MemblockType:
        """Return one of the two arrays by name. O(1)."""
        return self.memory if kind == self.memory.name else self.reserved

    def touches_array(self, base: int, end: int) -> bool:
        """Say whether a range meets an array that memblock itself placed. O(1)."""
        return any(
            t.array and base < t.array + self.array_bytes(t.max) and t.array < end
            for t in (self.memory, self.reserved)
        )

    # ------------------------------------------------------- ranges

    def memblock_add_node(self, base: int, size: int, nid: int) -> Errno | None:
        """Add memory; MAX_NUMNODES while no node is known. O(log n + shift)."""
        return self.memblock_add_range(self.memory, base, size, nid, NONE)

    def memblock_remove(self, base: int, size: int) -> Errno | None:
        """Take memory away. O(log n + shift)."""
        return self.memblock_remove_range(self.memory, base, size)

    def memblock_free_early(self, base: int, size: int) -> Errno | Bug | None:
        """Free a range for a caller: not one with an array. O(log n + shift)."""
        if self.touches_array(base, base + self.cap_size(base, size)):
            return HOLDS_ARRAY
        return self.memblock_free(base, size)

    def memblock_setclr_flag(
        self, base: int, size: int, set_: bool, flag: int
    ) -> Errno | None:
        """Set or clear a flag of the memory in a range. O(log n + k + shift)."""
        self.system_has_some_mirror |= set_ and flag == MIRROR
        on, off = (flag, NONE) if set_ else (NONE, flag)
        return self.change(self.memory, base, size, on, off, None)

    def memblock_set_node(
        self, base: int, size: int, t: MemblockType, nid: int
    ) -> Errno | None:
        """Give a range of one array a node. O(log n + k + shift)."""
        return self.change(t, base, size, NONE, NONE, nid)

    def change(
        self, t: MemblockType, base: int, size: int, on: int, off: int, nid: int | None
    ) -> Errno | None:
        """Isolate a range, change flags or node inside, merge. O(log n + k + shift)."""
        found = self.memblock_isolate_range(t, base, size)
        if found is None:
            return Errno.ENOMEM
        i, j = found
        first, behind = (max(0, i - 1), j + 1) if i < j else (0, 0)
        rows = t.rows(first, behind)
        for at in range(i - first, j - first):
            low, high, flags, own = rows[at]
            node = own if nid is None else nid
            rows[at] = (low, high, (flags | on) & ~off, node)
        t.merge_regions(first, first + len(rows), rows)
        return None

    def early_init_dt_reserve_memory_arch(
        self, base: int, size: int, nomap: bool
    ) -> Errno | None:
        """Reserve for a device tree; memory in use never leaves the map.

        O(log n + k + shift).
        """
        if not nomap:
            return self.memblock_reserve(base, size)
        end = base + self.cap_size(base, size)
        arrays = (self.memory, self.reserved)
        if all(t.memblock_overlaps_region(base, end) for t in arrays):
            return Errno.EBUSY
        return self.memblock_setclr_flag(base, size, True, NOMAP)

    # ------------------------------------------------------- whole memory

    def trim_region(self, base: int, end: int, align: int) -> Part:
        """Return one region cut to whole units; the lower border may wrap. O(1)."""
        start = self.round_up(base, align)
        if start < base and not self.trim_wraps:
            start = self.top
        return start, self.round_down(end, align)

    def memblock_trim_memory(self, align: int) -> Bug | None:
        """Cut every memory region to whole `align` units. O(n)."""
        t, kept, lost = self.memory, [], 0
        for base, end, flags, nid in t.rows(0, len(t.bases)):
            start, stop = self.trim_region(base, end, align)
            if start < stop:
                kept.append((start, stop, flags, nid))
            if start >= stop or not self.trim_keeps_total:
                lost += end - base - max(0, stop - start)
        if any(lower[1] > upper[0] for lower, upper in pairwise(kept)):
            return WRAPS_OVER
        t.add_size(-lost)
        if t.bases and not kept and t.total_size:
            self.warn(NOT_ZERO)
        t.splice(0, len(t.bases), kept)
        return None

    def remove_map(self, i: int, j: int) -> None:
        """Forget the memory outside the regions i to j, but for NOMAP ones. O(n)."""
        t = self.memory
        rows = list(enumerate(t.rows(0, len(t.bases))))
        kept = [row for at, row in rows if i <= at < j or row[2] & NOMAP]
        t.add_size(sum(row[1] - row[0] for row in kept))
        t.add_size(-sum(row[1] - row[0] for _, row in rows))
        t.splice(0, len(rows), kept)
        if not kept and t.total_size:  # an empty array loses its dummy, and warns too
            self.warn(NOT_ZERO)

    def memblock_cap_memory_range(self, base: int, size: int) -> Bug | None:
        """Keep memory in a range and NOMAP outside; free reservations outside. O(n)."""
        if not size:
            return None
        if not self.cap_wraps:
            size = self.cap_size(base, size)
        end = (base + size) & self.top
        if self.touches_array(0, base) or self.touches_array(end, self.top):
            return HOLDS_ARRAY
        found = self.memblock_isolate_range(self.memory, base, size)
        if found is None:
            return None
        self.remove_map(*found)
        self.memory.seams |= {base, base + self.cap_size(base, size)}
        self.memblock_remove_range(self.reserved, 0, base)
        self.memblock_remove_range(self.reserved, end, self.top)
        return None

    def find_max_addr(self, limit: int) -> int:
        """Return the address behind the first `limit` bytes of memory. O(m)."""
        memory = self.memory
        for base, end in zip(memory.bases, memory.ends, strict=True):
            if limit <= end - base:
                return base + limit
            limit -= end - base
        return self.top

    def memblock_enforce_memory_limit(self, limit: int) -> Bug | None:
        """Use only the first `limit` bytes of memory. O(m + shift)."""
        end = self.find_max_addr(limit)
        if not limit or end == self.top:
            return None
        if self.touches_array(end, self.top):
            return HOLDS_ARRAY
        self.memblock_remove_range(self.memory, end, self.top)
        self.memblock_remove_range(self.reserved, end, self.top)
        return None

    def memblock_mem_limit_remove_map(self, limit: int) -> Bug | None:
        """Use only the first `limit` bytes of memory; NOMAP regions stay. O(n)."""
        end = self.find_max_addr(limit)
        if not limit or end == self.top:
            return None
        return self.memblock_cap_memory_range(0, end)

    # ------------------------------------------------------- allocating

    def memblock_find_in_range(
        self, start: int, end: int, size: int, align: int
    ) -> int:
        """Look for a block and reserve nothing; 0 for none. O(log n + g)."""
        return self.find_in_range(self.place_block, start, end, size, align)

    def fallback_nodes(self, nid: int, exact: bool) -> tuple[int, ...]:
        """Return the nodes to try, in order. O(1)."""
        if nid == NUMA_NO_NODE or exact:
            return (nid,)
        return (nid, NUMA_NO_NODE)

    def memblock_alloc_range_nid(
        self, size: int, align: int, start: int, end: int, nid: int, exact: bool
    ) -> int:
        """Find and reserve a block; mirror, then node, are given up. O(log n + g)."""
        if nid == MAX_NUMNODES:
            self.warn("MAX_NUMNODES is not a node")
            nid = NUMA_NO_NODE
        if not align:
            self.warn("no alignment")
            align = self.cache_bytes
        flags = self.choose_memblock_flags()
        while True:
            for node in self.fallback_nodes(nid, exact):
                found = self.place_block(size, align, start, end, node, flags)
                if found and self.memblock_reserve(found, size) is None:
                    if end != MEMBLOCK_ALLOC_KASAN:
                        self.events.append(("leak_alloc", found, size))
                    return found
            if not flags & MIRROR:
                return 0
            self.warn(NO_MIRROR)
            flags &= ~MIRROR

    def memblock_alloc_internal(
        self, size: int, align: int, low: int, high: int, nid: int, exact: bool
    ) -> int:
        """Allocate below the limit; the lower bound is only a wish. O(log n + g)."""
        high = min(high, self.current_limit)
        addr = self.memblock_alloc_range_nid(size, align, low, high, nid, exact)
        if not addr and low:
            addr = self.memblock_alloc_range_nid(size, align, 0, high, nid, exact)
        return addr

    def memblock_alloc_try_nid(
        self,
        size: int,
        align: int,
        low: int,
        high: int,
        nid: int,
        exact: bool,
        raw: bool,
    ) -> int | str:
        """Allocate and clear, or poison, a block; the slab's if it is up.

        O(log n + g).
        """
        if self.slab_is_up:
            self.warn("slab is up")
            self.events.append(("kzalloc", size, nid))
            return OBJECT if self.kmalloc else 0
        addr = self.memblock_alloc_internal(size, align, low, high, nid, exact)
        if addr and (size or not raw):
            self.events.append(("fill", "poison" if raw else "zero", addr, size))
        return addr

    # ------------------------------------------------------- the hand-over

    def memblock_free_late(self, base: int, size: int) -> None:
        """Give whole pages to the buddy allocator, one by one. O(pages)."""
        self.events.append(("leak_free", base, size))
        end = (base + size) & self.top
        for pfn in range(self.pfn_up(base), self.pfn_down(end)):
            self.events.append(("free_pages", pfn, 0))

    def largest_order(self, start: int, end: int) -> int:
        """Return the order of the largest aligned block at the start. O(1)."""
        order = MAX_ORDER - 1
        while start & ((1 << order) - 1) or start + (1 << order) > end:
            order -= 1
        return order

    def free_pages_memory(self, start: int, end: int) -> None:
        """Give pages to the buddy allocator in the largest blocks. O(blocks)."""
        while start < end:
            order = self.largest_order(start, end)
            self.events.append(("free_pages", start, order))
            start += 1 << order

    def free_page_ranges(self) -> Iterator[Part]:
        """Yield the whole free pages below max_low_pfn, range by range. O(m + n)."""
        for start, end, _ in self.for_each_free_mem_range(NUMA_NO_NODE, NONE):
            first = self.pfn_up(start)
            behind = min(self.pfn_down(end), self.max_low_pfn)
            if first < behind:
                yield first, behind

    def note_reserved(self, base: int, end: int, *nid: int) -> None:
        """Record that pages are initialised as reserved. O(1)."""
        self.events.append(
            ("reserve_pages", self.pfn_down(base), self.pfn_up(end), *nid)
        )

    def memblock_free_all(self) -> int:
        """Clear hotplug marks, note what is reserved, free the rest. O(m + n + blocks).

        Return the number of pages freed.
        """
        self.memblock_setclr_flag(0, self.top, False, HOTPLUG)
        for base, end, _, _ in self.reserved.rows(0, len(self.reserved.bases)):
            self.note_reserved(base, end)
        count = 0
        for first, behind in self.free_page_ranges():
            self.free_pages_memory(first, behind)
            count += behind - first
        return count

    def memmap_init_reserved_pages(self) -> None:
        """Give reservations their memory's node, and note them (6.6).

        Once more when the array has doubled: its block is reserved, and new.
        O(m (log n + shift)).
        """
        memory, reserved, slots = self.memory, self.reserved, 0
        while slots != reserved.max:
            slots = reserved.max
            for base, end, _, nid in memory.rows(0, len(memory.bases)):
                self.memblock_set_node(base, end - base, reserved, nid)
        for base, end, _, nid in reserved.rows(0, len(reserved.bases)):
            self.note_reserved(base, end, 0 if nid == MAX_NUMNODES else nid)

    # ------------------------------------------------------- questions

    def memblock_is_map_memory(self, addr: int) -> bool:
        """Say whether an address is memory that the kernel maps. O(log n)."""
        i = self.memory.memblock_search(addr)
        return i >= 0 and not self.memory.flags[i] & NOMAP

    def memblock_is_region_memory(self, base: int, size: int) -> bool:
        """Say whether one memory region holds a whole range. O(log n)."""
        i = self.memory.memblock_search(base)
        return i >= 0 and self.memory.ends[i] >= base + self.cap_size(base, size)

    def memblock_overlaps(self, t: MemblockType, base: int, size: int) -> bool:
        """Say whether a range meets an array. O(log n)."""
        return t.memblock_overlaps_region(base, base + self.cap_size(base, size))

    def extents(self) -> tuple[int, int, int, int]:
        """Return where memory starts and ends, and both totals. O(1)."""
        memory = self.memory
        start, end = (memory.bases[0], memory.ends[-1]) if memory.bases else (0, 0)
        return start, end, memory.total_size, self.reserved.total_size

    def memblock_search_pfn_nid(self, pfn: int) -> tuple[int, int, int] | None:
        """Return the node and page range of the region of a page. O(log n)."""
        memory = self.memory
        i = memory.memblock_search(pfn * self.page_size)
        if i < 0:
            return None
        start, end = self.pfn_down(memory.bases[i]), self.pfn_down(memory.ends[i])
        return memory.nids[i], start, end

    def for_each_region(self, t: MemblockType) -> Iterator[FreeRange]:
        """Yield the regions of one array, or its dummy. O(n)."""
        hidden = NOMAP if t is self.memory else NONE
        for base, end, flags, nid in t.rows(0, len(t.bases)) or [DUMMY]:
            if not flags & hidden:
                yield base, end, nid

    def for_each_mem_pfn_range(self, nid: int) -> Iterator[FreeRange]:
        """Yield the whole pages of each region of a node. O(m)."""
        for base, end, _, own in self.memory.rows(0, len(self.memory.bases)):
            first, behind = self.pfn_up(base), self.pfn_down(end)
            if first < behind and nid in (MAX_NUMNODES, own):
                yield first, behind, own

    def walk(self, which: str, nid: int, flags: int) -> tuple[FreeRange, ...]:
        """Return what an iterator meets, by its name. O(m + n)."""
        name, _, reverse = which.partition("_")
        walks = {
            "free": lambda: self.for_each_free_mem_range(nid, flags),
            "memory": lambda: self.for_each_region(self.memory),
            "reserved": lambda: self.for_each_region(self.reserved),
            "pfn": lambda: self.for_each_mem_pfn_range(nid),
        }
        ranges = tuple(walks[name]())
        return ranges[::-1] if reverse else ranges
