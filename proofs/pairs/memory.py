"""Pairs of memblock's arithmetic and of the memory models."""

from __future__ import annotations

from mmoracle.checkers.bind.memblock import machine
from mmoracle.checkers.crosshair import Pair
from mmoracle.impl.memmodel import words as words_machine
from mmoracle.spec.linux import Addr
from mmoracle.spec.memblock import change, regions
from mmoracle.spec.memblock.regions import Config, Region
from mmoracle.spec.memmodel import words

CFG = Config()
MEMBLOCK = machine(CFG)
ARRAY = type(MEMBLOCK.memory)
MASK = (1 << 64) - 1
SMALL = 8

# ------------------------------------------------------------------ memblock


def size_capped(base: int, size: int) -> int:
    """Cut a size at the top, as specified."""
    return regions.cap_size(CFG, base, size)


def size_capped_by_machine(base: int, size: int) -> int:
    """Cut a size at the top, as the machine does."""
    return int(MEMBLOCK.cap_size(base, size))


def page_above(addr: int) -> int:
    """Return the first page at or above an address, as specified."""
    return change.pfn_up(CFG, addr)


def page_above_by_machine(addr: int) -> int:
    """Return it as the machine does."""
    return int(MEMBLOCK.pfn_up(addr))


def page_below(addr: int) -> int:
    """Return the page that holds an address, as specified."""
    return change.pfn_down(CFG, addr)


def page_below_by_machine(addr: int) -> int:
    """Return it as the machine does."""
    return int(MEMBLOCK.pfn_down(addr))


def overlap(base: int, end: int, start: int, size: int) -> bool:
    """Say whether a range and a region overlap, as specified."""
    return regions.overlaps(base, end, Region(Addr(start), Addr(size)))


def overlap_by_machine(base: int, end: int, start: int, size: int) -> bool:
    """Say it as the machine does."""
    array = ARRAY("memory", 4, CFG.top)
    array.splice(0, 0, [(start, start + size, 0, 0)])
    return bool(array.addrs_overlap(base, end, 0))


def rounded_down(addr: int, bit: int) -> int:
    """Round a small address down, as specified."""
    return regions.round_down(addr % SMALL, 1 << bit % 4)


def rounded_down_by_machine(addr: int, bit: int) -> int:
    """Round it as the machine does."""
    return int(MEMBLOCK.round_down(addr % SMALL, 1 << bit % 4))


def rounded_up(addr: int, bit: int) -> int:
    """Round one of the last addresses up, which may wrap, as specified."""
    return regions.round_up(CFG, CFG.top - addr % SMALL, 1 << bit % 4)


def rounded_up_by_machine(addr: int, bit: int) -> int:
    """Round it as the machine does."""
    return int(MEMBLOCK.round_up(CFG.top - addr % SMALL, 1 << bit % 4))


# ------------------------------------------------------------------ memory models


def pointer(base: int, index: int) -> int:
    """Return the address of a descriptor of 64 bytes, as specified."""
    return words.page_at(base, index, 64, 64)


def pointer_by_machine(base: int, index: int) -> int:
    """Return it as the machine does."""
    return words_machine.pointer_add(base, index, 64, MASK)


def distance(page: int, base: int) -> int:
    """Return how many descriptors lie between two pointers, as specified."""
    return words.index_of(page, base, 64, 64)


def distance_by_machine(page: int, base: int) -> int:
    """Return it as the machine does."""
    return words_machine.pointer_sub(page, base, 64, MASK)


def stored_map(page: int, nr: int) -> int:
    """Return the map of a section as its word keeps it, as specified."""
    return words.encode_mem_map(page, nr, 15, 64, 64)


def stored_map_by_machine(page: int, nr: int) -> int:
    """Return it as the machine does."""
    return words_machine.sparse_encode_mem_map(page, nr, 15, 64, MASK)


def early_word(nid: int) -> int:
    """Return the word of a present section of one of 8 nodes, as specified."""
    return words.early_word(nid % SMALL)


def early_word_by_machine(nid: int) -> int:
    """Return it as the machine does."""
    return words_machine.sparse_encode_early_nid(nid % SMALL)


MEMORY = (
    Pair(
        size_capped, size_capped_by_machine, (regions.cap_size, type(MEMBLOCK).cap_size)
    ),
    Pair(page_above, page_above_by_machine, (change.pfn_up, type(MEMBLOCK).pfn_up)),
    Pair(page_below, page_below_by_machine, (change.pfn_down, type(MEMBLOCK).pfn_down)),
    Pair(
        overlap,
        overlap_by_machine,
        (regions.overlaps, ARRAY.addrs_overlap),
    ),
    Pair(
        rounded_down,
        rounded_down_by_machine,
        (regions.round_down, type(MEMBLOCK).round_down),
    ),
    Pair(
        rounded_up, rounded_up_by_machine, (regions.round_up, type(MEMBLOCK).round_up)
    ),
    Pair(pointer, pointer_by_machine, (words.page_at, words_machine.pointer_add)),
    Pair(distance, distance_by_machine, (words.index_of, words_machine.pointer_sub)),
    Pair(
        stored_map,
        stored_map_by_machine,
        (words.encode_mem_map, words_machine.sparse_encode_mem_map),
    ),
    Pair(
        early_word,
        early_word_by_machine,
        (words.early_word, words_machine.sparse_encode_early_nid),
    ),
)
