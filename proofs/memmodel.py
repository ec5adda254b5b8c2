"""Memory models: frames and descriptors lead to each other, words keep what is put in.

The constants are those of x86_64, arm64 and riscv64 in 5.10; words have 64 bits and
wrap, as the kernel's pointers do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Sweep, Symbolic, Values
from mmoracle.checkers.symbolic import agree, either, every
from mmoracle.checkers.word import Whole, one_of
from mmoracle.impl.memmodel import PageFlags, boot
from mmoracle.impl.memmodel import words as machine
from mmoracle.spec.memmodel import buffer, layout, unused, words
from mmoracle.spec.memmodel.layout import Layout, layout_of
from mmoracle.spec.memmodel.state import SPARSE, Config, Span

WIDTH, SIZE = 64, 64  # bits of a word, bytes of a descriptor
MASK = (1 << WIDTH) - 1
SHIFTS = (15, 18)  # PFN_SECTION_SHIFT of x86_64 and riscv64, of arm64
FRAMES = 1 << 52  # a physical address has 64 bits at most
REAL = "descriptors of 64 bytes, sections of 2**15 and 2**18 frames"

# ------------------------------------------------------------------ one array


def some_index(top: Any, base: Any, index: Any) -> Iterable[Any]:
    """Assume any base, and an index that a frame may have."""
    return (base <= top, index < FRAMES)


def a_descriptor_of_an_array_leads_back_to_its_index(
    top: Any, base: Any, index: Any
) -> Any:
    """FLATMEM, DISCONTIGMEM, VMEMMAP: wherever the array lies, wrapped or not."""
    page = words.page_at(base, index, SIZE, WIDTH)
    return every(
        words.index_of(page, base, SIZE, WIDTH) == index,
        machine.pointer_add(base, index, SIZE, MASK) == page,
        machine.pointer_sub(page, base, SIZE, MASK) == index,
        page <= top,
    )


def a_pointer_before_another_is_a_negative_distance(
    top: Any, base: Any, index: Any
) -> Any:
    """The difference of two pointers is signed, and then a word."""
    page = words.page_at(base, index, SIZE, WIDTH)
    back = words.wrapped(0 - index, WIDTH)
    return every(
        words.index_of(base, page, SIZE, WIDTH) == back,
        machine.pointer_sub(base, page, SIZE, MASK) == back,
    )


def two_indices(top: Any, base: Any, index: Any, other: Any) -> Iterable[Any]:
    """Assume two different frames."""
    return (base <= top, index < FRAMES, other < index)


def descriptors_do_not_overlap(top: Any, base: Any, index: Any, other: Any) -> Any:
    """Two frames' descriptors are at least one descriptor apart, both ways round."""
    one = words.page_at(base, index, SIZE, WIDTH)
    two = words.page_at(base, other, SIZE, WIDTH)
    apart = words.wrapped(one - two, WIDTH)
    return every(apart >= SIZE, apart <= MASK + 1 - SIZE)


def page_by_bytes(base: int, index: int, size: int, width: int) -> int:
    """Add an index as if descriptors had one byte."""
    return words.wrapped(base + index, width)


def page_unwrapped(base: int, index: int, size: int, width: int) -> int:
    """Let a pointer grow beyond the largest word."""
    return base + index * size


def page_by_half(base: int, index: int, size: int, width: int) -> int:
    """Count descriptors of half the size."""
    return words.wrapped(base + index * (size // 2), width)


def index_unsigned(page: int, base: int, size: int, width: int) -> int:
    """Divide the difference as an unsigned word."""
    return words.wrapped(page - base, width) // size


def index_in_bytes(page: int, base: int, size: int, width: int) -> int:
    """Return the distance in bytes."""
    return words.wrapped(page - base, width)


def add_bytes(base: int, pages: int, size: int, mask: int) -> int:
    """Add descriptors as if they were bytes."""
    return (base + pages) & mask


def sub_unsigned(page: int, base: int, size: int, mask: int) -> int:
    """Divide the distance of two pointers as an unsigned word."""
    return ((page - base) & mask) // size


# ------------------------------------------------------------------ sections


def a_section(top: Any, page: Any, pfn: Any, word: Any, shift: Any) -> Iterable[Any]:
    """Assume a map at a page's border, a frame, and a word of early boot."""
    plain = one_of(shift, SHIFTS)
    known = every(page <= top, page % 4096 == 0, pfn < FRAMES, word <= top)
    return (either(*(shift == each for each in SHIFTS)), known, plain in SHIFTS)


def a_section_word_keeps_map_and_marks(
    top: Any, page: Any, pfn: Any, word: Any, shift: Any
) -> Any:
    """What is encoded is decoded, and the marks are the old ones and the new."""
    plain = one_of(shift, SHIFTS)
    nr = words.pfn_to_section_nr(pfn, plain)
    coded = words.encode_mem_map(page, nr, plain, SIZE, WIDTH)
    new = words.initialised(word, coded, words.EARLY)
    marks = (word & 15) | words.HAS_MEM_MAP | words.EARLY
    return every(
        words.decode_mem_map(new, nr, plain, SIZE, WIDTH) == page,
        new & 15 == marks,
        new <= top,
        machine.sparse_encode_mem_map(page, nr, plain, SIZE, MASK) == coded,
        machine.sparse_init_word(word, coded, words.EARLY) == new,
        machine.sparse_decode_mem_map(new, nr, plain, SIZE, MASK) == page,
    )


def a_frame_of_a_section_leads_to_its_descriptor_and_back(
    top: Any, page: Any, pfn: Any, word: Any, shift: Any
) -> Any:
    """SPARSEMEM: the word's map plus the frame is the section's map plus the rest."""
    plain = one_of(shift, SHIFTS)
    nr = words.pfn_to_section_nr(pfn, plain)
    coded = words.encode_mem_map(page, nr, plain, SIZE, WIDTH)
    base = words.map_of(words.initialised(word, coded, words.EARLY))
    found = words.page_at(base, pfn, SIZE, WIDTH)
    rest = pfn - words.section_nr_to_pfn(nr, plain)
    return every(
        found == words.page_at(page, rest, SIZE, WIDTH),
        words.index_of(found, base, SIZE, WIDTH) == pfn,
        rest >= 0,
        rest < 1 << plain,
    )


def encode_the_page(page: int, nr: int, shift: int, size: int, width: int) -> int:
    """Store the map as it is."""
    return page


def encode_forward(page: int, nr: int, shift: int, size: int, width: int) -> int:
    """Move the map by its first frame the wrong way."""
    return words.wrapped(page + words.section_nr_to_pfn(nr, shift) * size, width)


def keep_what_was_there(word: int, encoded: int, flags: int) -> int:
    """Put the map over the node that was in the word."""
    return word | encoded | words.HAS_MEM_MAP | flags


def drop_the_marks(word: int, encoded: int, flags: int) -> int:
    """Forget that the section is present and online."""
    return encoded | words.HAS_MEM_MAP | flags


def map_with_marks(word: int) -> int:
    """Take the marks for a part of the map."""
    return word


def map_without_a_bit_more(word: int) -> int:
    """Mask one bit too many, as with a later kernel's fifth mark."""
    return word & -(words.LAST_BIT * (1 << 12))


# ------------------------------------------------------------------ the virtual map


def a_virtual_map(top: Any, base: Any, nr: Any, shift: Any) -> Iterable[Any]:
    """Assume a virtual memory map at a page's border, and a section."""
    plain = one_of(shift, SHIFTS)
    known = every(base <= top, base % 4096 == 0, nr < 1 << 34)
    return (either(*(shift == each for each in SHIFTS)), known, plain in SHIFTS)


def every_section_of_a_virtual_map_stores_the_same_base(
    top: Any, base: Any, nr: Any, shift: Any
) -> Any:
    """VMEMMAP: the map of a section, moved back by its first frame, is the base."""
    plain = one_of(shift, SHIFTS)
    page = words.page_at(base, words.section_nr_to_pfn(nr, plain), SIZE, WIDTH)
    return every(
        words.encode_mem_map(page, nr, plain, SIZE, WIDTH) == base,
        machine.sparse_encode_mem_map(page, nr, plain, SIZE, MASK) == base,
    )


# ------------------------------------------------------------------ early words


def a_node(top: Any, nid: Any) -> Iterable[Any]:
    """Assume a node that a kernel may have."""
    return (nid < 1 << 10,)


def a_present_section_says_its_node(top: Any, nid: Any) -> Any:
    """Before there is a map, the node is in the word: present, online, no map."""
    word = words.early_word(nid)
    return every(
        words.early_nid(word) == nid,
        word & 7 == words.PRESENT | words.ONLINE,
        machine.sparse_encode_early_nid(nid) == word,
        machine.sparse_early_nid(word) == nid,
    )


def node_over_a_mark(nid: int) -> int:
    """Put the node where the online mark is."""
    return (nid << 2) | words.ONLINE | words.PRESENT


def node_without_marks(nid: int) -> int:
    """Forget that a present section is online."""
    return (nid << words.NID_SHIFT) | words.PRESENT


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


# ------------------------------------------------------------------ parts of sections


def ranges_of_a_section(top: int) -> Iterator[Values]:
    """Yield every range of a section of 32 frames in 8 parts."""
    for pfn in range(32):
        yield from ((pfn, pages) for pages in range(1, 33 - pfn))


def marks_are_the_parts_that_a_range_touches(top: Any, pfn: Any, pages: Any) -> Any:
    """A part is marked exactly if a frame of the range is in it."""
    due = sum(
        1 << part
        for part in range(8)
        if any(pfn <= each < pfn + pages for each in range(4 * part, 4 * part + 4))
    )
    return every(
        words.subsection_mask(pfn + 96, pages, 5, 2) == due,
        machine.subsection_map(pfn + 96, pages, 5, 2) == due,
    )


def mask_without_the_last(pfn: int, pages: int, shift: int, sub_shift: int) -> int:
    """Leave out the last part, as if the end were in it."""
    first = words.subsection_index(pfn, shift, sub_shift)
    last = words.subsection_index(pfn + pages - 1, shift, sub_shift)
    return (1 << last) - (1 << first)


def mask_with_the_end(pfn: int, pages: int, shift: int, sub_shift: int) -> int:
    """Count the part behind in where a range ends at its border."""
    first = words.subsection_index(pfn, shift, sub_shift)
    last = words.subsection_index(pfn + pages, shift, sub_shift)
    return (1 << (last + 1)) - (1 << first)


# ------------------------------------------------------------------ the buffer

PIECES = (12, 21)  # a page, and a large page


class Events:
    """As much of a machine as the buffer needs."""

    def __init__(self, start: Any, end: Any) -> None:
        self.buffer = start, end
        self.events: list[Any] = []


def a_buffer(top: Any, start: Any, size: Any, bits: Any) -> Iterable[Any]:
    """Assume a buffer that does not wrap, and a piece's size."""
    plain = one_of(bits, PIECES)
    known = every(start > 0, size >= 0)
    return (either(*(bits == each for each in PIECES)), known, plain in PIECES)


def a_piece_of_the_buffer_is_the_first_aligned_one(
    top: Any, start: Any, size: Any, bits: Any
) -> Any:
    """A piece is aligned, in the buffer, less than its size away; else none fits."""
    piece, end = 1 << one_of(bits, PIECES), start + size
    at = buffer.first_piece(start, end, piece)
    shipped = Events(start, end)
    same = boot.sparse_buffer_alloc(shipped, piece) == at  # type: ignore[arg-type]
    if at == 0:
        return every(same, start // piece * piece + piece > end - piece)
    rest = buffer.sparse_buffer_alloc(Span(start, end), piece)[2]
    if rest is None:
        return False
    return every(
        same,
        at % piece == 0,
        at >= start,
        at - start < piece,
        at + piece <= end,
        rest.start == at + piece,
        shipped.buffer[0] == rest.start,
    )


def piece_unaligned(start: int, end: int, size: int) -> int:
    """Hand out what comes first."""
    return start if start + size <= end else 0


def piece_too_long(start: int, end: int, size: int) -> int:
    """Ask only whether the piece begins in the buffer."""
    at = words.round_up(start, size)
    return at if at < end else 0


# ------------------------------------------------------------------ what is unused

ARM = Config(model=SPARSE, valid="memory", pageblock_order=9, section_bits=30)


def a_gap(top: Any, end: Any, start: Any, pfn: Any) -> Iterable[Any]:
    """Assume two banks, one behind the other, and a frame between."""
    return (end > 0, end < start, start < FRAMES, pfn < FRAMES)


def what_is_freed_shares_no_page_block_with_memory(
    top: Any, end: Any, start: Any, pfn: Any
) -> Any:
    """A frame whose descriptor goes back is in no page block with memory in it."""
    before = words.align_up(end, unused.unused_unit(ARM))
    behind = unused.unused_start(ARM, start, before)
    freed = every(before <= pfn, pfn < behind)
    block = words.align_down(pfn, ARM.block_pages)
    apart = every(block >= end, block + ARM.block_pages <= start)
    return agree(either(apart, freed), apart)


def start_as_it_is(cfg: Config, start: int, before: int) -> int:
    """Free up to the next bank, wherever it begins: 5.10 before 5.10.92."""
    return min(start, words.align_up(before, cfg.section_pages))


def unit_of_one(cfg: Config) -> int:
    """Free right behind the last frame of a bank."""
    return 1


# ------------------------------------------------------------------ the lemmas


def few_frames(top: int, values: Values) -> Values:
    """Bend words into a base and an index."""
    return (values[0], *(each % FRAMES for each in values[1:]))


ARRAYS = (
    Lemma(
        claim=a_descriptor_of_an_array_leads_back_to_its_index,
        given=some_index,
        provers=(Symbolic(), Sampled(few_frames)),
        mistakes=(
            Mistake(words, "page_at", page_by_bytes),
            Mistake(words, "page_at", page_unwrapped),
            Mistake(words, "index_of", index_in_bytes),
            Mistake(machine, "pointer_add", add_bytes),
        ),
        size="descriptors of 64 bytes",
    ),
    Lemma(
        claim=a_pointer_before_another_is_a_negative_distance,
        given=some_index,
        provers=(Symbolic(), Sampled(few_frames)),
        mistakes=(
            Mistake(words, "index_of", index_unsigned),
            Mistake(machine, "pointer_sub", sub_unsigned),
        ),
        size="descriptors of 64 bytes",
    ),
    Lemma(
        claim=descriptors_do_not_overlap,
        given=two_indices,
        provers=(Symbolic(),),
        mistakes=(
            Mistake(words, "page_at", page_by_bytes),
            Mistake(words, "page_at", page_by_half),
        ),
        size="descriptors of 64 bytes",
    ),
)
SECTIONS = (
    Lemma(
        claim=a_section_word_keeps_map_and_marks,
        given=a_section,
        provers=(Symbolic(),),
        mistakes=(
            Mistake(words, "initialised", keep_what_was_there),
            Mistake(words, "initialised", drop_the_marks),
            Mistake(words, "map_of", map_with_marks),
            Mistake(words, "map_of", map_without_a_bit_more),
        ),
        size=REAL,
    ),
    Lemma(
        claim=a_frame_of_a_section_leads_to_its_descriptor_and_back,
        given=a_section,
        provers=(Symbolic(),),
        mistakes=(
            Mistake(words, "encode_mem_map", encode_the_page),
            Mistake(words, "encode_mem_map", encode_forward),
            Mistake(words, "map_of", map_with_marks),
        ),
        size=REAL,
    ),
    Lemma(
        claim=every_section_of_a_virtual_map_stores_the_same_base,
        given=a_virtual_map,
        provers=(Symbolic(),),
        mistakes=(
            Mistake(words, "encode_mem_map", encode_the_page),
            Mistake(words, "encode_mem_map", encode_forward),
        ),
        size=REAL,
    ),
    Lemma(
        claim=a_present_section_says_its_node,
        given=a_node,
        provers=(Symbolic(),),
        mistakes=(
            Mistake(words, "early_word", node_over_a_mark),
            Mistake(words, "early_word", node_without_marks),
        ),
    ),
    Lemma(
        claim=marks_are_the_parts_that_a_range_touches,
        provers=(Sweep(cases=ranges_of_a_section, scope="sections of 32 frames"),),
        mistakes=(
            Mistake(words, "subsection_mask", mask_without_the_last),
            Mistake(words, "subsection_mask", mask_with_the_end),
        ),
    ),
)
OTHERS = (
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
    Lemma(
        claim=a_piece_of_the_buffer_is_the_first_aligned_one,
        given=a_buffer,
        provers=(Symbolic(Whole),),
        mistakes=(
            Mistake(buffer, "first_piece", piece_unaligned),
            Mistake(buffer, "first_piece", piece_too_long),
        ),
        size="pieces of 4 KiB and 2 MiB",
    ),
    Lemma(
        claim=what_is_freed_shares_no_page_block_with_memory,
        given=a_gap,
        provers=(Symbolic(),),
        mistakes=(
            Mistake(unused, "unused_start", start_as_it_is),
            Mistake(unused, "unused_unit", unit_of_one),
        ),
        size="page blocks of 2 MiB, sections of 1 GiB",
    ),
)
MEMMODEL = (*ARRAYS, *SECTIONS, *OTHERS)
