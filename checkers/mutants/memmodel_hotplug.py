"""Mistakes in memory that comes and goes."""

from __future__ import annotations

from typing import Any

from mmoracle.impl.memmodel import MemoryModel, boot, hotplug, words
from mmoracle.impl.memmodel.hotplug import Slab
from mmoracle.spec.linux import Errno

from ..zoo import Line

_add_pages, _remove_pages = hotplug.add_pages, hotplug.remove_pages
_section_activate = hotplug.section_activate
_section_deactivate = hotplug.section_deactivate
_reset_section, _free_map = hotplug.reset_section, hotplug.free_map
_init_section = boot.sparse_init_one_section
_online_section, _offline_section = hotplug.online_section, hotplug.offline_section


# ------------------------------------------------------------------ adding


def add_any_range(m: MemoryModel, nid: int, pfn: int, nr_pages: int, slab: Slab) -> Any:
    """Add what does not begin at a part's border, as if it did."""
    unit = hotplug.unit_of(m)
    return _add_pages(m, nid, pfn - pfn % unit, nr_pages, slab)


def add_beyond(m: MemoryModel, nid: int, pfn: int, nr_pages: int, slab: Slab) -> Any:
    """Call a range that is too high badly aligned."""
    got = _add_pages(m, nid, pfn, nr_pages, slab)
    return Errno.EINVAL if got is Errno.E2BIG else got


def add_again(m: MemoryModel, pfn: int, nr_pages: int) -> bool:
    """Add memory that is there already."""
    ms = m.section(pfn >> m.k.section_shift)
    bits = words.subsection_map(pfn, nr_pages, m.k.section_shift, m.k.sub_shift)
    ms.subsection_map |= bits
    return True


def add_as_boot(m: MemoryModel, nr: int, page: int, usage: int, flags: int) -> None:
    """Mark a section that was added as one of boot."""
    _init_section(m, nr, page, usage, words.SECTION_IS_EARLY)


def map_from_the_part(
    m: MemoryModel, nr: int, page: int, usage: int, flags: int
) -> None:
    """Store the first descriptor of the part, not that of the section."""
    _init_section(m, nr, page + 2 * m.k.sizeof_page, usage, flags)


def keep_the_parts(
    m: MemoryModel, nid: int, pfn: int, nr_pages: int, slab: Slab
) -> Any:
    """Leave parts marked that got no map."""
    got = _section_activate(m, nid, pfn, nr_pages, slab)
    ms = m.section(pfn >> m.k.section_shift)
    if got is Errno.ENOMEM and ms.usage:
        ms.subsection_map |= 1
    return got


# ------------------------------------------------------------------ removing


def keep_the_word(m: MemoryModel, nr: int) -> None:
    """Keep the map's address and mark when a section is gone."""


def forget_the_next(m: MemoryModel, nr: int) -> None:
    """Forget the section behind the one that is gone, too."""
    _reset_section(m, nr)
    if nr + 1 in m.sections:
        _reset_section(m, nr + 1)


def keep_descriptors(m: MemoryModel, at: int, size: int) -> None:
    """Say that a map is freed, and keep it."""
    m.events.append(("freed", "map", at, size))


def free_the_record(m: MemoryModel, pfn: int, nr_pages: int) -> bool:
    """Free a usage record that boot allocated."""
    ms = m.section(pfn >> m.k.section_shift)
    ms.bootmem = False
    return _section_deactivate(m, pfn, nr_pages)


def remove_whole_sections(m: MemoryModel, pfn: int, nr_pages: int) -> None:
    """Take the whole section away when a part of it goes."""
    per = 1 << m.k.section_shift
    _remove_pages(m, pfn, nr_pages)
    nr = pfn // per
    if nr in m.sections and not pfn % per and nr_pages < per:
        m.sections[nr].subsection_map = 0


def forget_the_memory(m: MemoryModel, pfn: int, nr_pages: int) -> None:
    """Leave the map of memory as it was."""
    banks = [list(bank) for bank in m.banks]
    _remove_pages(m, pfn, nr_pages)
    m.banks = banks


# ------------------------------------------------------------------ online


def link_and_do_not_mark(m: MemoryModel, nr: int) -> None:
    """Forget the mark of a section that is put online."""
    word = m.sections[nr].word if nr in m.sections else 0
    _online_section(m, nr)
    if nr in m.sections:
        m.sections[nr].word = word & ~words.SECTION_IS_ONLINE


def mark_and_do_not_link(m: MemoryModel, nr: int) -> None:
    """Mark a section online without initialising its descriptors."""
    held, m.memmap = m.memmap, type(m.memmap)()
    _online_section(m, nr)
    m.memmap = held


def put_all_offline(m: MemoryModel, nr: int) -> None:
    """Take every mark of a section away."""
    _offline_section(m, nr)
    if nr in m.sections:
        m.sections[nr].word &= ~7


# ------------------------------------------------------------------ lookups


def count_every_part(m: MemoryModel, pfn: int) -> bool:
    """Take a section for valid as a whole although it is none of boot."""
    return True


def count_parts_from_the_top(m: MemoryModel, pfn: int) -> bool:
    """Look for a part of a section at the other end of its map."""
    k, ms = m.k, m.sections[pfn >> m.k.section_shift]
    parts = 1 << (k.section_shift - k.sub_shift)
    idx = pfn % (1 << k.section_shift) >> k.sub_shift
    return ms.subsection_map >> (parts - 1 - idx) & 1 == 1


HOTPLUG: tuple[Line, ...] = (
    (
        "valid-parts",
        "MM-LOOKUP",
        "tiny-hotplug",
        MemoryModel,
        "pfn_section_valid",
        count_every_part,
    ),
    (
        "valid-other-end",
        "MM-LOOKUP",
        "tiny-hotplug",
        MemoryModel,
        "pfn_section_valid",
        count_parts_from_the_top,
    ),
    ("P60", "MM-VALID", "tiny-hotplug-sparse", hotplug, "reset_section", keep_the_word),
    ("add-misaligned", "RET-CODE", "tiny-hotplug", hotplug, "add_pages", add_any_range),
    ("add-beyond", "RET-CODE", "tiny-hotplug", hotplug, "add_pages", add_beyond),
    (
        "add-again",
        "RET-CODE",
        "tiny-hotplug",
        hotplug,
        "fill_subsection_map",
        add_again,
    ),
    (
        "add-early",
        "MM-VALID",
        "tiny-hotplug",
        hotplug,
        "sparse_init_one_section",
        add_as_boot,
    ),
    (
        "add-part-map",
        "MM-ENCODE",
        "tiny-hotplug",
        hotplug,
        "sparse_init_one_section",
        map_from_the_part,
    ),
    (
        "add-undo",
        "MM-VALID",
        "tiny-hotplug-fails",
        hotplug,
        "section_activate",
        keep_the_parts,
    ),
    (
        "remove-next",
        "MM-LOCAL",
        "tiny-hotplug-sparse",
        hotplug,
        "reset_section",
        forget_the_next,
    ),
    (
        "remove-map",
        "MM-FREE",
        "tiny-hotplug-sparse",
        hotplug,
        "free_map",
        keep_descriptors,
    ),
    (
        "remove-usage",
        "RET-CODE",
        "tiny-hotplug-sparse",
        hotplug,
        "section_deactivate",
        free_the_record,
    ),
    (
        "remove-whole",
        "MM-PARTS",
        "tiny-hotplug",
        hotplug,
        "remove_pages",
        remove_whole_sections,
    ),
    (
        "remove-memory",
        "MM-MEMORY",
        "tiny-hotplug-sparse",
        hotplug,
        "remove_pages",
        forget_the_memory,
    ),
    (
        "online-mark",
        "MM-ONLINE",
        "tiny-hotplug-sparse",
        hotplug,
        "online_section",
        link_and_do_not_mark,
    ),
    (
        "online-links",
        "MM-INIT",
        "tiny-hotplug-sparse",
        hotplug,
        "online_section",
        mark_and_do_not_link,
    ),
    (
        "offline-all",
        "MM-ONLINE",
        "tiny-hotplug-sparse",
        hotplug,
        "offline_section",
        put_all_offline,
    ),
)
