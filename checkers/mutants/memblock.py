"""Mistakes in memblock, met elsewhere or made up; each names its complaint.

Those in one array, in making room and in searching are here; those in what boot does
with memory as a whole are in `memblock_boot`.
"""

from __future__ import annotations

from functools import cmp_to_key
from typing import Any

from mmoracle.impl.memblock import Memblock, MemblockType, Row, Stop
from mmoracle.impl.memblock.ranges import Ranges
from mmoracle.impl.memblock.search import Find, Search
from mmoracle.spec.linux import MAX_NUMNODES, NUMA_NO_NODE, MemblockFlags

from ..bind import memblock as binding
from ..zoo import Line, tabled
from . import memblock_boot

Part = tuple[int, int]  # base, end

_place_array, _fill = Ranges.place_array, binding.fill
_fit_top_down = Search.fit_top_down
_alloc_try_nid = Memblock.memblock_alloc_try_nid
EVERY_FLAG = int(MemblockFlags.HOTPLUG | MemblockFlags.MIRROR | MemblockFlags.NOMAP)

# ------------------------------------------------------------------ one array


def end_with_the_next(t: MemblockType, base: int, end: int) -> list[Part]:
    """Let a new part end where the region above it ends, not where that begins."""
    parts = []
    for i in range(t.first_above(base), t.first_from(end)):
        if t.bases[i] > base:
            parts.append((base, min(t.ends[i], end)))
        base = min(t.ends[i], end)
    return [*parts, (base, end)] if base < end else parts


def sort_by_word(t: MemblockType, parts: list[Part], flags: int, nid: int) -> None:
    """Sort new regions in by the difference of two bases, taken for a signed word."""
    if t.cnt + len(parts) > t.max:
        raise Stop("no slot is left for the region")
    half = (t.top + 1) // 2

    def compare(one: Row, other: Row) -> int:
        return (one[0] - other[0] + half & t.top) - half

    i = max(0, t.first_above(parts[0][0]) - 1)
    j = t.first_from(parts[-1][1]) + 1
    new = [(base, end, flags, nid) for base, end in parts]
    t.add_size(sum(end - base for base, end in parts))
    t.merge_regions(i, j, sorted(t.rows(i, j) + new, key=cmp_to_key(compare)))


def merge_nothing(t: MemblockType, rows: list[Row]) -> list[Row]:
    """Leave regions that touch and agree as they are."""
    return rows


def merge_any_nodes(t: MemblockType, this: Row, next_: Row) -> bool:
    """Join regions that touch and have the same flags, whatever their nodes."""
    return this[1] == next_[0] and this[2] == next_[2]


def keep_the_total(t: MemblockType, i: int, j: int) -> bool:
    """Delete regions, and count their bytes as before."""
    t.splice(i, j, [])
    return False


def number_of_the_last(t: MemblockType) -> int:
    """Take the number of the last slot in use for the number of slots in use."""
    return max(1, len(t.bases) - 1)


def cut_below_only(t: MemblockType, base: int, end: int) -> Part:
    """Cut at the lower border of a range; what crosses the upper one goes along."""
    i, j = t.first_above(base), t.first_from(end)
    if i < len(t.bases) and t.bases[i] < base:
        t.split(i, base)
        i, j = i + 1, j + 1
    return (i, j) if i < j else (0, 0)


def split_off_a_stranger(t: MemblockType, i: int, at: int) -> None:
    """Give the upper half of a region that is cut neither flags nor node."""
    base, end, flags, nid = t.rows(i, i + 1)[0]
    t.splice(i, i + 1, [(base, at, flags, nid), (at, end, 0, MAX_NUMNODES)])


def look_behind_the_last(t: MemblockType, addr: int) -> int:
    """Look at the region that the search ended at, even if there is none."""
    i = t.first_above(addr)
    return i if t.bases[i] <= addr else -1


def wrap_over_the_top(m: Memblock, t: MemblockType, base: int, size: int) -> bool:
    """Compare a range with the regions without cutting it at the top of the word."""
    return t.memblock_overlaps_region(base, (base + size) & m.top)


# ------------------------------------------------------------------ room and ranges


def double_into_the_hand(m: Ranges, t: MemblockType, nr_bytes: int) -> int | None:
    """Look for a doubled reserved array in the range to be reserved as well."""
    if m.slab_is_up or t is m.memory:
        return _place_array(m, t, nr_bytes)
    find, limit = m.memblock_find_in_range_node, m.current_limit
    return m.find_in_range(find, 0, limit, nr_bytes, m.page_size) or None


def forget_the_new_array(m: Ranges, t: MemblockType) -> None:
    """Use the new array, and do not reserve its block."""


def keep_the_old_array(m: Ranges, old: int, slots: int) -> None:
    """Leave the block of an array that has moved reserved for ever."""


def free_like_kfree(m: Ranges, base: int, size: int) -> None:
    """Free the whole region that the range begins in, whatever the size."""
    m.events.append(("leak_free", base, size))
    i = m.reserved.memblock_search(base)
    if i >= 0:
        m.reserved.remove_regions(i, i + 1)


def clear_every_flag(
    m: Memblock, base: int, size: int, set_: bool, flag: int
) -> object:
    """Clear all flags of a range where one was to be cleared."""
    on, off = (flag, 0) if set_ else (0, EVERY_FLAG)
    return m.change(m.memory, base, size, on, off, None)


def keep_the_mirror_secret(
    m: Memblock, base: int, size: int, set_: bool, flag: int
) -> object:
    """Mark memory as mirrored, and let searches go on as if none was."""
    on, off = (flag, 0) if set_ else (0, flag)
    return m.change(m.memory, base, size, on, off, None)


def warn_of_nothing(
    m: Ranges, t: MemblockType, parts: list[Part], end: int, flags: int, nid: int
) -> None:
    """Pass over a region of another node in silence."""


def load_without_array(t: MemblockType, told: Any) -> None:
    """Load an array, and forget where it lives."""
    _fill(t, told)
    t.array = 0


# ------------------------------------------------------------------ searches


def forget_to_align(m: Search, start: int, end: int, size: int, align: int) -> Any:
    """Return the last bytes of a range, aligned or not."""
    return end - size if end - size >= start else None


def take_the_second(m: Search, start: int, end: int, size: int, align: int) -> Any:
    """Return the second highest place in a range that has two."""
    first = _fit_top_down(m, start, end, size, align)
    return first - align if first and first - align >= start else first


def want_one_more(m: Search, start: int, end: int, size: int, align: int) -> Any:
    """Refuse a range that fits exactly, on the way up."""
    addr = m.round_up(start, align)
    return addr if addr < end and end - addr > size else None


def insist_on_mirror(
    m: Search, find: Find, start: int, end: int, size: int, align: int
) -> int:
    """Find nothing where mirrored memory does not do."""
    flags = m.choose_memblock_flags()
    return find(size, align, start, end, NUMA_NO_NODE, flags)


def help_out_anyway(m: Memblock, nid: int, exact: bool) -> tuple[int, ...]:
    """Go to other nodes even for a caller who wants just one."""
    return (nid, NUMA_NO_NODE)


def never_clear(
    m: Memblock,
    size: int,
    align: int,
    low: int,
    high: int,
    nid: int,
    exact: bool,
    raw: bool,
) -> int | str:
    """Poison a new block that was to be cleared."""
    return _alloc_try_nid(m, size, align, low, high, nid, exact, True)


def stay_behind(t: MemblockType, start: int, end: int) -> None:
    """Free a range, and let repeated searches pass it as before."""


def take_any_block(
    m: Search,
    addr: int,
    size: int,
    align: int,
    start: int,
    end: int,
    nid: int,
    flags: int,
) -> bool:
    """Believe whoever says that a block was free, if only it is aligned."""
    return addr > 0 and not addr & (align - 1)


# ------------------------------------------------------------------ the zoo


SOURCES = {
    "P02": "Linux v3.5, fix overlapping allocation when doubling reserved array",
    "P18": "seL4 PR #1317",
    "P50": "Linux 5.10.92, ensure there is no overflow in memblock_overlaps_region()",
    "P51": "Linux 6.12.29, repeat setting reserved region nid if array is doubled",
    "P52": "Linux v3.7, the loop in memblock_trim_memory()",
    "P53": "Linux 5.10.70, make for_each_mem_range() traverse MEMBLOCK_HOTPLUG regions",
    "P54": "Linux 6.6.15, fix crash when reserved memory is not added to memory",
    "P55": "Linux 6.1.82, Fix the sort compare func used in numa_fill_memblks()",
    "P56": "unikraft issue #688",
    "P57": "Linux 5.10.24, Make sure no-map does not remove already reserved regions",
}

Type, FREE = MemblockType, "memblock_free"
SETCLR, OVERLAPS, SEEK = "memblock_setclr_flag", "memblock_overlaps", "memblock_search"
DISAGREE, TRY_NID, NOTE = (
    "warn_disagreements",
    "memblock_alloc_try_nid",
    "reserve_array",
)
SETS, NODES, FLAGS, HANDOVER = "tiny", "tiny-nodes", "tiny-flags", "tiny-handover"
RESIZE, DOUBLE, SLAB = "tiny-resize", "tiny-double", "tiny-slab"
SEARCH, ALLOC, MIRROR = "tiny-search", "tiny-alloc", "tiny-mirror"
TABLE: tuple[Line, ...] = (
    ("P02", "MB-META", SLAB, Ranges, "place_array", double_into_the_hand),
    ("P50", "MB-OVERLAP", SETS, Memblock, OVERLAPS, wrap_over_the_top),
    ("P55", "MB-SORTED", HANDOVER, Type, "insert_parts", sort_by_word),
    ("add-ends-late", "MB-DISJOINT", SETS, Type, "uncovered", end_with_the_next),
    ("add-merges-nothing", "MB-MINIMAL", SETS, Type, "merged", merge_nothing),
    ("add-merges-nodes", "MB-NID", NODES, Type, "can_merge", merge_any_nodes),
    ("add-no-warning", "EXACT-ANSWER", NODES, Ranges, DISAGREE, warn_of_nothing),
    ("remove-keeps-total", "MB-SUM", SETS, Type, "remove_regions", keep_the_total),
    ("remove-too-much", "MB-SET", SETS, Type, "isolate", cut_below_only),
    ("free-like-kfree", "MB-SET", SETS, Ranges, FREE, free_like_kfree),
    ("seek-too-far", "NO-CRASH", SETS, Type, SEEK, look_behind_the_last),
    ("slots-miscounted", "MB-CAP", RESIZE, Type, "cnt", property(number_of_the_last)),
    ("array-not-noted", "MB-SET", DOUBLE, Ranges, NOTE, forget_the_new_array),
    ("array-leaks", "MB-META", DOUBLE, Ranges, "free_array", keep_the_old_array),
    ("array-not-loaded", "INVERSE", DOUBLE, binding, "fill", load_without_array),
    ("split-loses-node", "MB-NID", NODES, Type, "split", split_off_a_stranger),
    ("clear-all-flags", "MB-NID", FLAGS, Memblock, SETCLR, clear_every_flag),
    ("mirror-secret", "EXACT-STATE", MIRROR, Memblock, SETCLR, keep_the_mirror_secret),
    ("mirror-only", "MB-COMPLETE", MIRROR, Search, "find_in_range", insist_on_mirror),
    ("fit-unaligned", "MB-ALLOC", SEARCH, Search, "fit_top_down", forget_to_align),
    ("fit-second", "EXACT-ANSWER", SEARCH, Search, "fit_top_down", take_the_second),
    ("fit-not-exact", "MB-COMPLETE", MIRROR, Search, "fit_bottom_up", want_one_more),
    ("node-not-exact", "RET-CODE", SEARCH, Memblock, "fallback_nodes", help_out_anyway),
    ("accept-any-block", "REFUSAL", SEARCH, Search, "fits", take_any_block),
    ("block-not-clear", "EXACT-ANSWER", ALLOC, Memblock, TRY_NID, never_clear),
)
WALKED: tuple[Line, ...] = (  # only one machine, used again and again, shows these
    ("search-stays-behind", "MB-COMPLETE", SEARCH, Type, "reopen", stay_behind),
)

MEMBLOCK_MUTANTS = (
    *tabled("memblock", TABLE, SOURCES),
    *tabled("memblock", memblock_boot.TABLE, SOURCES),
    *tabled("memblock", WALKED, SOURCES, "walk"),
)
