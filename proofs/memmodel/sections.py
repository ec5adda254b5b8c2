"""Section words: the map and the marks in them, and the parts of a section."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Sweep, Symbolic, Values
from mmoracle.checkers.symbolic import either, every
from mmoracle.checkers.word import one_of
from mmoracle.impl.memmodel import words as machine
from mmoracle.spec.memmodel import words

from .constants import FRAMES, MASK, REAL, SHIFTS, SIZE, WIDTH

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


# ------------------------------------------------------------------ parts of sections


def ranges_of_a_section(top: int) -> Iterator[Values]:
    """Yield every range of a section of 32 frames in 8 parts."""
    for pfn in range(32):
        yield from ((pfn, pages) for pages in range(1, 33 - pfn))


def within_a_section(top: Any, pfn: Any, pages: Any) -> Iterable[Any]:
    """Assume a range that is not empty and lies in a section of 32 frames."""
    return (pages >= 1, pfn + pages <= 32)


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


# ------------------------------------------------------------------ the lemmas

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
        given=within_a_section,
        provers=(Sweep(cases=ranges_of_a_section, scope="sections of 32 frames"),),
        mistakes=(
            Mistake(words, "subsection_mask", mask_without_the_last),
            Mistake(words, "subsection_mask", mask_with_the_end),
        ),
    ),
)
