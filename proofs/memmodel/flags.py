"""page->flags: zone, node and section are read as they were written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Symbolic
from mmoracle.checkers.symbolic import every
from mmoracle.checkers.word import one_of
from mmoracle.impl.memmodel import PageFlags
from mmoracle.spec.memmodel import layout
from mmoracle.spec.memmodel.layout import Layout, layout_of

from .constants import WIDTH

# ------------------------------------------------------------------ page flags

# (SECTIONS_SHIFT with SPARSE alone, NODES_SHIFT, MAX_NR_ZONES, LAST_CPUPID_SHIFT)
LAYOUTS = (
    (0, 10, 5, 21),  # x86_64, VMEMMAP
    (19, 10, 5, 0),  # x86_64, SPARSE
    (25, 10, 5, 0),  # x86_64 with five levels, SPARSE
    (18, 4, 4, 0),  # arm64, SPARSE
    (29, 2, 3, 0),  # riscv64, SPARSE
    (0, 0, 1, 0),  # one node, one zone
)
NR_PAGEFLAGS = 23


def laid_out(which: int) -> tuple[Layout, PageFlags]:
    """Return one of the layouts on both sides."""
    sections, nodes, zones, cpupid = LAYOUTS[which]
    lay = layout_of(WIDTH, NR_PAGEFLAGS, sections, nodes, zones, cpupid)
    return lay, PageFlags(WIDTH, WIDTH - NR_PAGEFLAGS, sections, nodes, zones)


def some_links(
    top: Any, flags: Any, zone: Any, nid: Any, nr: Any, which: Any
) -> Iterable[Any]:
    """Assume a zone, a node and a section that the kernel has."""
    if which >= len(LAYOUTS):
        return (False,)
    sections, nodes, zones, _ = LAYOUTS[one_of(which, range(len(LAYOUTS)))]
    fit = every(zone < zones, nid < 1 << nodes, nr < 1 << (sections or 19))
    return (flags <= top, fit)


def page_flags_keep_their_links(
    top: Any, flags: Any, zone: Any, nid: Any, nr: Any, which: Any
) -> Any:
    """Zone, node and section are read as written, and no page flag is touched."""
    lay, shipped = laid_out(one_of(which, range(len(LAYOUTS))))
    word = layout.set_page_links(lay, flags, zone, nid, nr)
    clean = layout.set_page_links(lay, 0, zone, nid, nr)
    low = (1 << (WIDTH - lay.sections - lay.nodes - lay.zones)) - 1
    return every(
        layout.page_zonenum(lay, word) == zone,
        layout.flags_nid(lay, word) == nid,
        layout.page_to_section(lay, word) == (nr if lay.sections else 0),
        word & low == flags & low,
        word <= top,
        shipped.links(zone, nid, nr) == clean,
        shipped.page_zonenum(word) == zone,
        shipped.page_to_nid(word) == nid,
        shipped.page_to_section(word) == (nr if lay.sections else 0),
    )


def field_not_cleared(flags: int, at: int, bits: int, number: int) -> int:
    """Put a field over what was there."""
    return flags | ((number & ((1 << bits) - 1)) << at)


def field_not_masked(flags: int, at: int, bits: int, number: int) -> int:
    """Let a number that has no place go over its neighbour."""
    mask = (1 << bits) - 1
    return (flags & ~(mask << at)) | (number << at)


def field_one_up(flags: int, at: int, bits: int) -> int:
    """Read a field one bit too high."""
    return (flags >> (at + 1)) & ((1 << bits) - 1)


def links_over_each_other(self: PageFlags, zone: int, nid: int, section: int) -> int:
    """Shift a section that has no place into the flags."""
    return zone << self.zone[0] | nid << self.node[0] | section << self.section[0]


# ------------------------------------------------------------------ the lemmas

FLAGS = (
    Lemma(
        claim=page_flags_keep_their_links,
        given=some_links,
        provers=(Symbolic(),),
        mistakes=(
            Mistake(layout, "with_field", field_not_cleared),
            Mistake(layout, "with_field", field_not_masked),
            Mistake(layout, "field", field_one_up),
            Mistake(PageFlags, "links", links_over_each_other),
        ),
        size=f"{len(LAYOUTS)} layouts",
    ),
)
