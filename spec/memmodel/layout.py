"""Where page->flags keeps a descriptor's section, node and zone.

The fields lie at the top of the word: section, node, zone, last cpu and process, tag;
page flags at the bottom.  Without room for the node, a table by section has it.

Source: include/linux/page-flags-layout.h, include/linux/mm.h:set_page_links (v5.10).
"""

from __future__ import annotations

from ..core import value
from .words import wrapped


@value
class Layout:
    """The widths of the fields, in bits, and the width of the word."""

    width: int
    sections: int
    nodes: int
    zones: int
    last_cpupid: int
    kasan_tag: int
    node_in_flags: bool

    @property
    def sections_at(self) -> int:
        """Return where the section begins: SECTIONS_PGSHIFT, 0 without one."""
        return (self.width - self.sections) * (self.sections != 0)

    @property
    def nodes_at(self) -> int:
        """Return where the node begins: NODES_PGSHIFT, 0 without one."""
        return (self.width - self.sections - self.nodes) * (self.nodes != 0)

    @property
    def zones_at(self) -> int:
        """Return where the zone begins: ZONES_PGSHIFT, 0 without one."""
        above = self.sections + self.nodes + self.zones
        return (self.width - above) * (self.zones != 0)

    @property
    def last_cpupid_at(self) -> int:
        """Return where the last cpu and process begin: LAST_CPUPID_PGSHIFT."""
        above = self.sections + self.nodes + self.zones + self.last_cpupid
        return (self.width - above) * (self.last_cpupid != 0)


def zones_shift(nr_zones: int) -> int:
    """Return the bits that a zone's number takes: ZONES_SHIFT.  At most 8 zones."""
    if nr_zones < 2:
        return 0
    if nr_zones <= 2:
        return 1
    return 2 if nr_zones <= 4 else 3


def layout_of(
    width: int,
    nr_pageflags: int,
    sections: int,
    nodes_shift: int,
    nr_zones: int,
    last_cpupid: int = 0,
    kasan_tag: int = 0,
) -> Layout:
    """Return the layout that fits; raise `ValueError` where the kernel does not build.

    `sections` is SECTIONS_SHIFT for SPARSEMEM without VMEMMAP, else 0.  The node goes
    first to make room, then the last cpu.
    """
    room, zones = width - nr_pageflags, zones_shift(nr_zones)
    nodes = nodes_shift if sections + zones + nodes_shift <= room else 0
    wanted = sections + zones + nodes_shift + last_cpupid + kasan_tag
    cpupid = last_cpupid if wanted <= room else 0
    if sections + nodes + zones + cpupid + kasan_tag > room:
        raise ValueError(f"not enough bits in page flags: {room}")
    return Layout(
        width, sections, nodes, zones, cpupid, kasan_tag, nodes > 0 or nodes_shift == 0
    )


def field(flags: int, at: int, bits: int) -> int:
    """Return a field of page->flags."""
    return (flags >> at) & ((1 << bits) - 1)


def with_field(flags: int, at: int, bits: int, number: int) -> int:
    """Return page->flags with one field replaced; what does not fit is cut off."""
    mask = (1 << bits) - 1
    return (flags & ~(mask << at)) | ((number & mask) << at)


def page_zonenum(lay: Layout, flags: int) -> int:
    """Return the zone in page->flags."""
    return field(flags, lay.zones_at, lay.zones)


def flags_nid(lay: Layout, flags: int) -> int:
    """Return the node in page->flags; 0 where it has no place there."""
    return field(flags, lay.nodes_at, lay.nodes)


def page_to_section(lay: Layout, flags: int) -> int:
    """Return the section in page->flags; 0 where it has no place there."""
    return field(flags, lay.sections_at, lay.sections)


def set_page_links(lay: Layout, flags: int, zone: int, nid: int, section: int) -> int:
    """Return page->flags with zone, node and section, as far as they have a place."""
    flags = with_field(flags, lay.zones_at, lay.zones, zone)
    flags = with_field(flags, lay.nodes_at, lay.nodes, nid)
    flags = with_field(flags, lay.sections_at, lay.sections, section)
    return wrapped(flags, lay.width)
