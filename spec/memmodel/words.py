"""Arithmetic of the memory models: on plain numbers, and on words of any kind.

A descriptor is a `struct page`; pointers and section words are unsigned words of
`width` bits and wrap there.  Sections and their parts are powers of two of frames.

Source: include/asm-generic/memory_model.h, include/linux/mmzone.h, mm/sparse.c (v5.10).
"""

from __future__ import annotations

# The low bits of section_mem_map; the rest is the map, or at first the node.
PRESENT = 1  # SECTION_MARKED_PRESENT
HAS_MEM_MAP = 2  # SECTION_HAS_MEM_MAP
ONLINE = 4  # SECTION_IS_ONLINE
EARLY = 8  # SECTION_IS_EARLY
LAST_BIT = 16  # SECTION_MAP_LAST_BIT: bits below it are no part of the map
NID_SHIFT = 3  # SECTION_NID_SHIFT: so the node overlaps EARLY


def wrapped(x: int, width: int) -> int:
    """Return a number as an unsigned word."""
    return x & ((1 << width) - 1)


def align_down(x: int, align: int) -> int:
    """Return the multiple of a power of two at or below."""
    return x & -align


def align_up(x: int, align: int) -> int:
    """Return the multiple of a power of two at or above."""
    return (x + align - 1) & -align


def round_up(x: int, step: int) -> int:
    """Return the multiple of any step at or above: roundup()."""
    return (x + step - 1) // step * step


# ------------------------------------------------------------------ descriptors


def page_at(base: int, index: int, size: int, width: int) -> int:
    """Return the address of a descriptor: a pointer plus an index."""
    return wrapped(base + index * size, width)


def index_of(page: int, base: int, size: int, width: int) -> int:
    """Return a descriptor's index: the signed difference of two pointers, as a word."""
    difference = wrapped(page - base, width)
    if difference >= 1 << (width - 1):
        difference = difference - (1 << width)
    return wrapped(difference // size, width)


# ------------------------------------------------------------------ sections


def pfn_to_section_nr(pfn: int, shift: int) -> int:
    """Return the number of the section of a frame."""
    return pfn >> shift


def section_nr_to_pfn(nr: int, shift: int) -> int:
    """Return the first frame of a section."""
    return nr << shift


def subsection_index(pfn: int, shift: int, sub_shift: int) -> int:
    """Return which part of its section a frame is in: subsection_map_index()."""
    return (pfn & ((1 << shift) - 1)) >> sub_shift


def subsection_mask(pfn: int, pages: int, shift: int, sub_shift: int) -> int:
    """Return the bits of the parts that frames of one section touch.

    Source: mm/sparse.c:subsection_mask_set (v5.10).
    """
    first = subsection_index(pfn, shift, sub_shift)
    last = subsection_index(pfn + pages - 1, shift, sub_shift)
    return (1 << (last + 1)) - (1 << first)


def encode_mem_map(page: int, nr: int, shift: int, size: int, width: int) -> int:
    """Return the map of a section, moved back by its first frame, as it is stored.

    So that map + pfn is the descriptor.  Source: mm/sparse.c:sparse_encode_mem_map.
    """
    return wrapped(page - section_nr_to_pfn(nr, shift) * size, width)


def map_of(word: int) -> int:
    """Return what a section word says of its map: __section_mem_map_addr()."""
    return word & -LAST_BIT


def decode_mem_map(word: int, nr: int, shift: int, size: int, width: int) -> int:
    """Return the first descriptor of a section: sparse_decode_mem_map()."""
    return wrapped(map_of(word) + section_nr_to_pfn(nr, shift) * size, width)


def initialised(word: int, encoded: int, flags: int) -> int:
    """Return a section word with a map in it: sparse_init_one_section().

    The low bits stay as they are, but for the flags that are added.
    """
    return (word & (LAST_BIT - 1)) | encoded | HAS_MEM_MAP | flags


def early_word(nid: int) -> int:
    """Return the word of a section that is present and has no map: its node is in it.

    Source: mm/sparse.c:memory_present (v5.10).
    """
    return (nid << NID_SHIFT) | ONLINE | PRESENT


def early_nid(word: int) -> int:
    """Return the node in a section word that has no map yet: sparse_early_nid()."""
    return word >> NID_SHIFT


def is_set(word: int, flag: int) -> bool:
    """Say whether a section word has a flag."""
    return (word & flag) != 0
