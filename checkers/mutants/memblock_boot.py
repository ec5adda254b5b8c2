"""Mistakes in what boot does with memory: trims, limits, the hand-over, questions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mmoracle.impl.memblock import Memblock, MemblockType
from mmoracle.impl.memblock.search import Search
from mmoracle.spec.linux import (
    MAX_NUMNODES,
    MAX_ORDER,
    MemblockFlags,
)
from mmoracle.spec.memblock import ops

from ..bind import memblock as binding

Part = tuple[int, int]  # base, end; or first page, page behind
FreeRange = tuple[int, int, int]  # start, end, nid
HOTPLUG, NOMAP = int(MemblockFlags.HOTPLUG), int(MemblockFlags.NOMAP)

_switch = binding.switch
_free_page_ranges = Memblock.free_page_ranges
_for_each_region = Memblock.for_each_region
_should_skip_region = Search.should_skip_region

# ------------------------------------------------------------------ whole memory


def skip_the_next(m: Memblock, align: int) -> None:
    """Trim memory, and pass over the region behind one that vanished."""
    t, kept, vanished = m.memory, [], False
    rows = t.rows(0, len(t.bases))
    for base, end, flags, nid in rows:
        start, stop = (base, end) if vanished else m.trim_region(base, end, align)
        vanished = start >= stop
        if not vanished:
            kept.append((start, stop, flags, nid))
    t.add_size(sum(row[1] - row[0] for row in kept))
    t.add_size(-sum(row[1] - row[0] for row in rows))
    t.splice(0, len(rows), kept)


def forget_nomap_too(m: Memblock, i: int, j: int) -> None:
    """Forget all memory outside a range, NOMAP or not."""
    t = m.memory
    t.remove_regions(j, len(t.bases))
    t.remove_regions(0, i)


def count_from_zero(m: Memblock, limit: int) -> int:
    """Count the holes as memory when looking where the first bytes of it end."""
    ends = m.memory.ends
    return limit if ends and limit <= ends[-1] else m.top


def keep_below_the_limit(m: Memblock, limit: int) -> object:
    """Take an amount of memory for an address."""
    return m.memblock_cap_memory_range(0, limit)


def unmap_what_is_in_use(m: Memblock, base: int, size: int, nomap: bool) -> object:
    """Take a no-map range out of the map without asking whether it is reserved."""
    if not nomap:
        return m.memblock_reserve(base, size)
    return m.memblock_setclr_flag(base, size, True, NOMAP)


# ------------------------------------------------------------------ the hand-over


def pages(m: Memblock, start: int, end: int) -> Iterator[Part]:
    """Yield the whole low pages of a range, if it has some."""
    first, behind = m.pfn_up(start), min(m.pfn_down(end), m.max_low_pfn)
    if first < behind:
        yield first, behind


def advance_too_early(m: Memblock) -> Iterator[Part]:
    """Leave a reservation behind with the first memory region that it meets."""
    held, at = m.reserved, 0
    for start, end, _, _ in m.memory.rows(0, len(m.memory.bases)):
        while at < len(held.bases) and held.bases[at] < end:
            if held.ends[at] > start:
                yield from pages(m, start, held.bases[at])
                start = held.ends[at]
            at += 1
        yield from pages(m, start, end)


def free_the_arrays(m: Memblock) -> Iterator[Part]:
    """Count region arrays as free pages; BOOT-HANDOFF sees it, as no buddy is here."""
    yield from _free_page_ranges(m)
    for t in (m.memory, m.reserved):
        if t.array:
            yield from pages(m, t.array, t.array + m.array_bytes(t.max))


def hand_over_nomap(m: Search, i: int, nid: int, flags: int) -> bool:
    """Look at NOMAP memory whether it was asked for or not."""
    return _should_skip_region(m, i, nid, flags | NOMAP)


def ignore_alignment(m: Memblock, start: int, end: int) -> int:
    """Choose the order of a block by what is left, not by where it starts."""
    return min(MAX_ORDER, (end - start).bit_length()) - 1


def free_partial_pages(m: Memblock, base: int, size: int) -> None:
    """Give pages to the buddy allocator that a range covers only in part."""
    m.events.append(("leak_free", base, size))
    end = (base + size) & m.top
    for pfn in range(m.pfn_down(base), m.pfn_up(end)):
        m.events.append(("free_pages", pfn, 0))


def give_nodes_once(m: Memblock) -> None:
    """Give reservations their nodes just once, though the array has doubled."""
    for base, end, _, nid in m.memory.rows(0, len(m.memory.bases)):
        m.memblock_set_node(base, end - base, m.reserved, nid)
    for base, end, _, nid in m.reserved.rows(0, len(m.reserved.bases)):
        m.note_reserved(base, end, 0 if nid == MAX_NUMNODES else nid)


def trust_every_node(m: Memblock) -> None:
    """Initialise reserved pages on their node although there is none outside memory."""
    slots = 0
    while slots != m.reserved.max:
        slots = m.reserved.max
        for base, end, _, nid in m.memory.rows(0, len(m.memory.bases)):
            m.memblock_set_node(base, end - base, m.reserved, nid)
    for base, end, _, nid in m.reserved.rows(0, len(m.reserved.bases)):
        m.note_reserved(base, end, nid)


# ------------------------------------------------------------------ questions


def hide_hotplug(m: Memblock, t: MemblockType) -> Iterator[FreeRange]:
    """Pass over hot-pluggable memory where movable nodes are wanted."""
    for i, each in enumerate(_for_each_region(m, t)):
        hidden = t is m.memory and m.movable_node and t.bases
        if not (hidden and t.flags[i] & HOTPLUG):
            yield each


def map_everything(m: Memblock, addr: int) -> bool:
    """Say that all memory is mapped, NOMAP or not."""
    return m.memory.memblock_search(addr) >= 0


def end_where_the_last_begins(m: Memblock) -> tuple[int, int, int, int]:
    """Return the base of the last region as the end of memory."""
    bases = m.memory.bases or [0]
    return bases[0], bases[-1], m.memory.total_size, m.reserved.total_size


def take_the_next_region(m: Memblock, pfn: int) -> tuple[int, int, int] | None:
    """Return the region above a page that lies in a hole."""
    t = m.memory
    i = t.first_above(pfn * m.page_size)
    if i == len(t.bases):
        return None
    return t.nids[i], m.pfn_down(t.bases[i]), m.pfn_down(t.ends[i])


# ------------------------------------------------------------------ switches


def allow_one_byte_more(m: Memblock, op: binding.Move) -> None:
    """Take the limit for the last byte that may be used."""
    _switch(m, op)
    if isinstance(op, ops.SetCurrentLimit):
        m.current_limit += 1


def stay_bottom_up(m: Memblock, op: binding.Move) -> None:
    """Go on from the bottom although searches are to start at the top again."""
    up = m.bottom_up
    _switch(m, op)
    m.bottom_up |= up


def wait_for_the_slab(m: Memblock, op: binding.Move) -> None:
    """Let arrays grow only once the slab is up."""
    _switch(m, op)
    m.can_resize &= m.slab_is_up or not isinstance(op, ops.AllowResize)


def freeze_with_the_slab(m: Memblock, op: binding.Move) -> None:
    """Let no array grow any more once the slab is up."""
    _switch(m, op)
    m.can_resize &= not m.slab_is_up


# ------------------------------------------------------------------ the zoo


TRIM, INIT = "memblock_trim_memory", "memmap_init_reserved_pages"
DT, LIMIT = "early_init_dt_reserve_memory_arch", "memblock_mem_limit_remove_map"
PFN, PAGES, SKIP = "memblock_search_pfn_nid", "free_page_ranges", "should_skip_region"
TOP, HANDOVER, FLAGS, NO_MAP = "tiny-top", "tiny-handover", "tiny-flags", "tiny-nomap"
BOOT, SETS, NODES, ALLOC = "tiny-boot", "tiny", "tiny-nodes", "tiny-alloc"
RESIZE, SLAB, MIRROR = "tiny-resize", "tiny-slab", "tiny-mirror"
ORDER, LATE, MAP = "largest_order", "memblock_free_late", "memblock_is_map_memory"
TABLE: tuple[tuple[str, str, str, Any, str, Any], ...] = (
    ("P18", "BOOT-HANDOFF", HANDOVER, Memblock, PAGES, advance_too_early),
    ("P51", "MB-NID", HANDOVER, Memblock, INIT, give_nodes_once),
    ("P52", "MB-ALIGN", TOP, Memblock, TRIM, skip_the_next),
    ("P53", "MB-ITER", FLAGS, Memblock, "for_each_region", hide_hotplug),
    ("P54", "MB-NID", HANDOVER, Memblock, INIT, trust_every_node),
    ("P56", "BOOT-HANDOFF", HANDOVER, Memblock, PAGES, free_the_arrays),
    ("P57", "MB-RESV", NO_MAP, Memblock, DT, unmap_what_is_in_use),
    ("cap-forgets-nomap", "MB-CUT", NO_MAP, Memblock, "remove_map", forget_nomap_too),
    ("limit-counts-holes", "MB-CUT", BOOT, Memblock, "find_max_addr", count_from_zero),
    ("limit-is-address", "MB-CUT", NO_MAP, Memblock, LIMIT, keep_below_the_limit),
    ("hand-over-nomap", "BOOT-HANDOFF", FLAGS, Search, SKIP, hand_over_nomap),
    ("order-unaligned", "EXACT-ANSWER", FLAGS, Memblock, ORDER, ignore_alignment),
    ("late-partial", "BOOT-HANDOFF", BOOT, Memblock, LATE, free_partial_pages),
    ("nomap-mapped", "MB-OVERLAP", FLAGS, Memblock, MAP, map_everything),
    ("extent-short", "MB-SUM", SETS, Memblock, "extents", end_where_the_last_begins),
    ("pfn-in-hole", "MB-NID", NODES, Memblock, PFN, take_the_next_region),
    ("limit-one-more", "EXACT-STATE", ALLOC, binding, "switch", allow_one_byte_more),
    ("bottom-up-stays", "EXACT-STATE", MIRROR, binding, "switch", stay_bottom_up),
    ("resize-waits", "EXACT-STATE", RESIZE, binding, "switch", wait_for_the_slab),
    ("slab-freezes", "EXACT-STATE", SLAB, binding, "switch", freeze_with_the_slab),
)
