"""Sections that come and go on a running machine.

Source: mm/sparse.c, mm/memory_hotplug.c (v5.10).
"""

from __future__ import annotations

from mmoracle.spec.linux import Errno

from . import words
from .boot import sparse_init_one_section, zone_parts
from .descriptors import ABSENT
from .model import VMEMMAP, MemoryModel
from .words import SECTION_HAS_MEM_MAP, SECTION_IS_EARLY, SECTION_IS_ONLINE

DEACTIVATED = "section already deactivated"
NOT_VALID = "the section is not valid"


class Slab:
    """The slab and memblock of a running machine: so many requests are granted."""

    __slots__ = ("at", "left", "m", "usage")

    def __init__(self, m: MemoryModel, left: int, usage: int, at: int) -> None:
        self.m = m
        self.left = left
        self.usage = usage
        self.at = at

    def grants(self) -> bool:
        """Say whether the next request is granted, and count it.  O(1)."""
        self.left -= 1
        return self.left != -1

    def ask(self, what: str, size: int, nid: int) -> bool:
        """Ask for memory.  O(1)."""
        self.m.ask(what, size, 1, nid)
        return self.grants()


def add_pages(
    m: MemoryModel, nid: int, pfn: int, nr_pages: int, slab: Slab
) -> Errno | None:
    """Add a range of memory, section by section.  O(sections)."""
    k, end, unit = m.k, pfn + nr_pages, unit_of(m)
    if end > k.limit:
        return Errno.E2BIG
    if pfn % unit or nr_pages % unit:
        return Errno.EINVAL
    per = 1 << k.section_shift
    while pfn < end:
        pages = min(end - pfn, per - pfn % per)
        err = sparse_add_section(m, nid, pfn, pages, slab)
        if err:
            return err
        m.set_memory(pfn, pfn + pages, [pfn, pfn + pages, nid, 1])
        slab.usage += k.usage_bytes
        slab.at += k.map_bytes
        pfn += pages
    return None


def unit_of(m: MemoryModel) -> int:
    """Return the least frames that may be added.  O(1)."""
    k = m.k
    return 1 << (k.sub_shift if k.model == VMEMMAP else k.section_shift)


def sparse_add_section(
    m: MemoryModel, nid: int, pfn: int, nr_pages: int, slab: Slab
) -> Errno | None:
    """Add what lies in one section.  O(n)."""
    nr = pfn >> m.k.section_shift
    known = m.sparse_index_init(nr, nid, slab.left != 0)
    if known is not None:
        slab.grants()
    if known is False:
        return Errno.ENOMEM
    err = section_activate(m, nid, pfn, nr_pages, slab)
    m.settle(nr)
    if err:
        return err
    m.set_section_nid(nr, nid)
    ms = m.section(nr)
    m.section_mark_present(nr, ms)
    first = nr << m.k.section_shift
    page = m.pfn_to_page(first) if m.k.model == VMEMMAP else slab.at
    sparse_init_one_section(m, nr, page, ms.usage, 0)
    return None


def section_activate(
    m: MemoryModel, nid: int, pfn: int, nr_pages: int, slab: Slab
) -> Errno | None:
    """Give a part of a section its usage record and map.  O(n)."""
    k, ms = m.k, m.section(pfn >> m.k.section_shift)
    if not ms.usage:
        if not slab.ask("usage", k.usage_bytes, -1):
            return Errno.ENOMEM
        ms.usage, ms.bootmem, ms.subsection_map = slab.usage, False, 0
    if not fill_subsection_map(m, pfn, nr_pages):
        return Errno.EEXIST
    if nr_pages < 1 << k.section_shift and ms.word & SECTION_IS_EARLY:
        return None
    if not slab.ask("map", nr_pages * k.sizeof_page, nid):
        section_deactivate(m, pfn, nr_pages)
        return Errno.ENOMEM
    page = m.pfn_to_page(pfn) if k.model == VMEMMAP else slab.at
    m.memmap.fill(page, page + nr_pages * k.sizeof_page, -1)
    return None


def fill_subsection_map(m: MemoryModel, pfn: int, nr_pages: int) -> bool:
    """Mark parts of a section; say whether none of them was marked.  O(1)."""
    k = m.k
    if k.model != VMEMMAP:
        return True
    ms = m.section(pfn >> k.section_shift)
    bits = words.subsection_map(pfn, nr_pages, k.section_shift, k.sub_shift)
    if ms.subsection_map & bits:
        return False
    ms.subsection_map |= bits
    return True


def clear_subsection_map(m: MemoryModel, pfn: int, nr_pages: int) -> bool:
    """Unmark parts of a section; say whether all of them were marked.  O(1)."""
    k = m.k
    if k.model != VMEMMAP:
        return True
    ms = m.section(pfn >> k.section_shift)
    bits = words.subsection_map(pfn, nr_pages, k.section_shift, k.sub_shift)
    if not ms.usage or bits & ~ms.subsection_map:
        return False
    ms.subsection_map ^= bits
    return True


def section_deactivate(m: MemoryModel, pfn: int, nr_pages: int) -> bool:
    """Take a part from its section; say whether it was there.  O(n)."""
    k, nr = m.k, pfn >> m.k.section_shift
    ms = m.section(nr)
    early, had_map = ms.word & SECTION_IS_EARLY, ms.word & SECTION_HAS_MEM_MAP
    if not clear_subsection_map(m, pfn, nr_pages):
        m.events.append(("warned", DEACTIVATED))
        return False
    empty = ms.subsection_map == 0
    memmap = words.sparse_decode_mem_map(
        ms.word, nr, k.section_shift, k.sizeof_page, m.mask
    )
    if empty and not ms.bootmem:
        m.events.append(("freed", "usage", ms.usage, k.usage_bytes))
        ms.usage = 0
    if early and empty:
        free_map(m, memmap, k.sizeof_page << k.section_shift)
    elif not early and (had_map or k.frees_no_map or k.model == VMEMMAP):
        depopulate_section_memmap(m, pfn, nr_pages)
    if empty:
        reset_section(m, nr)
    return True


def reset_section(m: MemoryModel, nr: int) -> None:
    """Forget the map of a section that is gone.  O(1)."""
    m.sections[nr].word = 0
    m.settle(nr)


def depopulate_section_memmap(m: MemoryModel, pfn: int, nr_pages: int) -> None:
    """Give the map of a part back, as far as there is one.  O(n)."""
    at = m.pfn_to_page(pfn)
    if m.k.model != VMEMMAP or m.memmap.at(at) != ABSENT:
        free_map(m, at, nr_pages * m.k.sizeof_page)


def free_map(m: MemoryModel, at: int, size: int) -> None:
    """Give descriptors back.  O(n)."""
    m.events.append(("freed", "map", at, size))
    m.memmap.erase(at, at + size)


def remove_pages(m: MemoryModel, pfn: int, nr_pages: int) -> None:
    """Take a range of memory away, section by section.  O(sections)."""
    k, end, unit = m.k, pfn + nr_pages, unit_of(m)
    if pfn % unit or nr_pages % unit:
        m.events.append(("warned", "misaligned __remove_pages"))
        return
    per = 1 << k.section_shift
    while pfn < end:
        pages = min(end - pfn, per - pfn % per)
        if not m.word(pfn) & SECTION_HAS_MEM_MAP:
            m.events.append(("warned", NOT_VALID))
        elif section_deactivate(m, pfn, pages):
            m.set_memory(pfn, pfn + pages)
        pfn += pages


def online_section(m: MemoryModel, nr: int) -> None:
    """Initialise the descriptors of a section's memory, and mark it.  O(n)."""
    first, per = nr << m.k.section_shift, 1 << m.k.section_shift
    if not m.word(first) & SECTION_HAS_MEM_MAP:
        m.events.append(("warned", NOT_VALID))
        return
    for start, end, nid, _ in list(m.banks):
        low, high = max(start, first), min(end, first + per)
        for zone, part, stop in zone_parts(m, low, high):
            m.set_links(part, stop, zone, nid)
        if low < high:
            m.set_memory(low, high, [low, high, nid, 0])
    m.sections[nr].word |= SECTION_IS_ONLINE


def offline_section(m: MemoryModel, nr: int) -> None:
    """Take the mark of a section away.  O(1)."""
    if not m.word(nr << m.k.section_shift) & SECTION_HAS_MEM_MAP:
        m.events.append(("warned", NOT_VALID))
        return
    m.sections[nr].word &= ~SECTION_IS_ONLINE
