"""Contracts of memblock's arithmetic and of the memory models."""

from __future__ import annotations

from mmoracle.checkers.bind.memblock import machine
from mmoracle.checkers.crosshair import Contract
from mmoracle.spec.linux import Addr
from mmoracle.spec.memblock import change, regions
from mmoracle.spec.memblock.regions import Config, Region
from mmoracle.spec.memmodel import words

CFG = Config()
TOP = CFG.top
MEMBLOCK = machine(CFG)
PAGE = CFG.page_size

# ------------------------------------------------------------------ memblock


def a_capped_range_does_not_wrap(base: int, size: int) -> int:
    """The size is cut at the top of the address space and nowhere else.

    pre: 0 <= base <= TOP and 0 <= size <= TOP
    post: _ == (size if size <= TOP - base else TOP - base)
    """
    return regions.cap_size(CFG, base, size)


def ranges_that_share_an_address_overlap(
    base: int, end: int, start: int, size: int, addr: int
) -> bool:
    """A range and a region with an address in common overlap.

    pre: base <= addr < end and start <= addr < start + size
    post: _
    """
    return regions.overlaps(base, end, Region(Addr(start), Addr(size)))


def ranges_that_overlap_share_a_base(
    base: int, end: int, start: int, size: int
) -> bool:
    """Of two ranges that are not empty and overlap, one holds the base of the other.

    pre: base < end and size > 0
    post: not _ or base <= start < end or start <= base < start + size
    """
    return regions.overlaps(base, end, Region(Addr(start), Addr(size)))


def bytes_are_rounded_up_to_whole_pages(nr_bytes: int) -> int:
    """The result is a number of whole pages, and less than a page more.

    pre: 0 <= nr_bytes
    post: _ % PAGE == 0 and 0 <= _ - nr_bytes < PAGE
    """
    return regions.page_up(CFG, nr_bytes)


def the_page_above_starts_at_the_address_or_behind(addr: int) -> int:
    """It is the first page that does.

    pre: 0 <= addr
    post: (_ - 1) * PAGE < addr <= _ * PAGE
    """
    return change.pfn_up(CFG, addr)


def the_page_below_holds_the_address(addr: int) -> int:
    """It starts at the address or before, and the next one behind.

    pre: 0 <= addr
    post: _ * PAGE <= addr < (_ + 1) * PAGE
    """
    return change.pfn_down(CFG, addr)


def rounding_down_stays_below(addr: int, bit: int) -> int:
    """A small address is rounded down to the multiple that is nearest.

    pre: 0 <= addr < 8 and 0 <= bit < 4
    post: _ % 2 ** bit == 0 and 0 <= addr - _ < 2 ** bit
    """
    return regions.round_down(addr, 1 << bit)


def rounding_any_address_down_gives_a_page(addr: int) -> int:
    """Any address is rounded down to the page that holds it.

    pre: 0 <= addr <= TOP
    post: _ % PAGE == 0 and 0 <= addr - _ < PAGE
    """
    return regions.round_down(addr, PAGE)


def a_clamped_address_is_the_nearest_in_the_window(
    addr: int, low: int, high: int
) -> int:
    """An address in the window stays, any other goes to the border next to it.

    pre: low <= high
    post: _ == (low if addr < low else high if addr > high else addr)
    """
    return int(MEMBLOCK.clamp(addr, low, high))


# ------------------------------------------------------------------ memory models


def a_descriptor_leads_back_to_its_index(base: int, index: int) -> int:
    """Any index below 2**52 is found again from the pointer, though that may wrap.

    pre: 0 <= base <= TOP and 0 <= index < 1 << 52
    post: words.index_of(_, base, 64, 64) == index
    """
    return words.page_at(base, index, 64, 64)


def a_frame_is_in_its_section(pfn: int) -> int:
    """The section of a frame begins at it or before, less than a section away.

    pre: pfn >= 0
    post: 0 <= pfn - words.section_nr_to_pfn(_, 15) < 1 << 15
    """
    return words.pfn_to_section_nr(pfn, 15)


MEMORY = (
    Contract(a_capped_range_does_not_wrap, (regions.cap_size,)),
    Contract(ranges_that_share_an_address_overlap, (regions.overlaps,)),
    Contract(ranges_that_overlap_share_a_base, (regions.overlaps,)),
    Contract(bytes_are_rounded_up_to_whole_pages, (regions.page_up,)),
    Contract(the_page_above_starts_at_the_address_or_behind, (change.pfn_up,)),
    Contract(the_page_below_holds_the_address, (change.pfn_down,)),
    Contract(rounding_down_stays_below, (regions.round_down,)),
    Contract(rounding_any_address_down_gives_a_page, (regions.round_down,)),
    Contract(a_clamped_address_is_the_nearest_in_the_window, (type(MEMBLOCK).clamp,)),
    Contract(a_descriptor_leads_back_to_its_index, (words.page_at, words.index_of)),
    Contract(
        a_frame_is_in_its_section, (words.pfn_to_section_nr, words.section_nr_to_pfn)
    ),
)
