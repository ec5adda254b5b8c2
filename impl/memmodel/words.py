"""Words of the memory models as the machine computes them: plain integers, O(1).

Source: include/linux/mmzone.h, include/linux/mm.h, mm/sparse.c (v5.10).
"""

from __future__ import annotations

SECTION_MARKED_PRESENT = 1
SECTION_HAS_MEM_MAP = 2
SECTION_IS_ONLINE = 4
SECTION_IS_EARLY = 8
FLAG_BITS = 15  # ~SECTION_MAP_MASK
SECTION_NID_SHIFT = 3


def pointer_add(base: int, pages: int, size: int, mask: int) -> int:
    """Return a pointer so many descriptors on.  O(1)."""
    return (base + pages * size) & mask


def pointer_sub(page: int, base: int, size: int, mask: int) -> int:
    """Return how many descriptors lie between two pointers, as an unsigned word.  O(1).

    A distance of half the words or more counts backwards.
    """
    behind = (page - base) & mask
    if behind <= mask >> 1:
        return behind // size
    return -((base - page) & mask) // size & mask


def sparse_encode_mem_map(
    page: int, pnum: int, shift: int, size: int, mask: int
) -> int:
    """Return a section's map as its word keeps it.  O(1)."""
    return (page - (pnum << shift) * size) & mask


def sparse_decode_mem_map(
    word: int, pnum: int, shift: int, size: int, mask: int
) -> int:
    """Return the first descriptor of a section from its word.  O(1)."""
    return ((word & ~FLAG_BITS) + (pnum << shift) * size) & mask


def sparse_init_word(word: int, coded: int, flags: int) -> int:
    """Return a section's word once it has a map.  O(1)."""
    return word % 16 | coded | SECTION_HAS_MEM_MAP | flags


def sparse_encode_early_nid(nid: int) -> int:
    """Return the word of a present section that waits for its map.  O(1)."""
    return nid * 8 | SECTION_IS_ONLINE | SECTION_MARKED_PRESENT


def sparse_early_nid(word: int) -> int:
    """Return the node in such a word.  O(1)."""
    return word >> SECTION_NID_SHIFT


def subsection_map(pfn: int, nr_pages: int, shift: int, sub_shift: int) -> int:
    """Return the parts of a section that frames of it touch, as bits.  O(1)."""
    offset = pfn % (1 << shift)
    idx, end = offset >> sub_shift, (offset + nr_pages - 1) >> sub_shift
    return ((1 << (end - idx + 1)) - 1) << idx


class PageFlags:
    """The layout of page->flags: shifts and masks, computed once."""

    __slots__ = ("node", "node_in_flags", "section", "zone")

    def __init__(
        self, width: int, room: int, sections: int, nodes: int, nr_zones: int
    ) -> None:
        zones = max(nr_zones - 1, 0).bit_length()
        self.node_in_flags = sections + zones + nodes <= room
        nodes = nodes if self.node_in_flags else 0
        at = width - sections
        self.section = at if sections else 0, (1 << sections) - 1
        at -= nodes
        self.node = at if nodes else 0, (1 << nodes) - 1
        at -= zones
        self.zone = at if zones else 0, (1 << zones) - 1

    def links(self, zone: int, nid: int, section: int) -> int:
        """Return clean flags with zone, node and section in them.  O(1)."""
        flags = 0
        for (at, mask), number in (
            (self.zone, zone),
            (self.node, nid),
            (self.section, section),
        ):
            flags |= (number & mask) << at
        return flags

    def page_zonenum(self, flags: int) -> int:
        """Return the zone.  O(1)."""
        return flags >> self.zone[0] & self.zone[1]

    def page_to_nid(self, flags: int) -> int:
        """Return the node, 0 where the flags have no room for it.  O(1)."""
        return flags >> self.node[0] & self.node[1]

    def page_to_section(self, flags: int) -> int:
        """Return the section, 0 where the flags have none.  O(1)."""
        return flags >> self.section[0] & self.section[1]
