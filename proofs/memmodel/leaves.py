"""Leaves of the memory models alone: sizes, fields of a word, and what may come next.

Each claim says in another way what the specification's function does, on small numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from math import ceil, log2
from typing import Any

from mmoracle.checkers.bind.memmodel_configs import tiny
from mmoracle.checkers.lemma import Lemma, Mistake, Sweep, Values
from mmoracle.impl.memmodel import PageFlags
from mmoracle.impl.memmodel import words as machine
from mmoracle.spec.memmodel import boot, buffer, hotplug, layout, state, words
from mmoracle.spec.memmodel.layout import Layout
from mmoracle.spec.memmodel.state import (
    DISCONTIG,
    FLAT,
    MODELS,
    SPARSE,
    VMEMMAP,
    Bank,
    Config,
    MemMap,
    Phase,
)

# ------------------------------------------------------------------ page->flags

WORD, KINDS = 16, "snzck"  # a bit of section, node, zone, last cpu, or tag


def drawn(word: str, kind: str) -> int:
    """Return where a field begins, by its letter in a word; 0 without one."""
    return WORD - 1 - word.rindex(kind) if kind in word else 0


def fields_are_in_page_flags_in_order_as_far_as_they_fit(
    top: Any, pageflags: int, sections: int, nodes: int, nr_zones: int, rest: Any
) -> bool:
    """Node and last cpu are there if all fit, or the kernel does not build.

    Section, node, zone, last cpu and tag follow each other from the highest bit on.
    """
    zones, room = ceil(log2(nr_zones)) if nr_zones else 0, WORD - pageflags
    count = dict(zip(KINDS, (sections, nodes, zones, *rest), strict=True))
    if len("".join(each * count[each] for each in "snz")) > room:
        count["n"] = 0
    if sections + nodes + zones + sum(rest) > room:
        count["c"] = 0
    word = "".join(each * count[each] for each in KINDS)
    try:
        lay = layout.layout_of(WORD, pageflags, sections, nodes, nr_zones, *rest)
    except ValueError:
        return len(word) > room
    where = lay.sections_at, lay.nodes_at, lay.zones_at, lay.last_cpupid_at
    wide = lay.sections, lay.nodes, lay.zones, lay.last_cpupid, lay.kasan_tag
    m = PageFlags(WORD, room, sections, nodes, nr_zones)
    masks = [(at, (1 << n) - 1) for at, n in zip(where, wide, strict=False)]
    return (
        len(word) <= room
        and where == tuple(drawn(word, kind) for kind in KINDS[:4])
        and wide == tuple(map(word.count, KINDS))
        and lay.node_in_flags == (count["n"] == nodes)
        and m.node_in_flags == lay.node_in_flags
        and [m.section, m.node, m.zone] == masks[:3]
    )


def fields(top: int) -> Iterator[Values]:
    """Yield page flags, bits of section and node, zones, and bits of the rest."""
    rests = ((0, 0), (3, 0), (2, 1), (0, 2))
    return product((7, 10), (0, 2, 4), (0, 1, 3), range(9), rests)


def a_field_is_replaced_and_no_other_bit(
    top: Any, flags: int, at: int, bits: int, number: int
) -> bool:
    """Only its bits change, and what does not fit is cut off."""
    got = layout.with_field(flags, at, bits, number)
    return all(
        got >> i & 1
        == (number >> (i - at) & 1 if at <= i < at + bits else flags >> i & 1)
        for i in range(12)
    )


def words_with_a_field(top: int) -> Iterator[Values]:
    """Yield flags, where a field is, its bits, and a number."""
    return product((0, 0x5A5, 0xFFF), (0, 3, 8), range(4), (0, 1, 5, 15))


# ------------------------------------------------------------------ pointers


def descriptors_half_a_word_apart_count_backwards(
    top: Any, base: int, index: int, size: int
) -> bool:
    """A descriptor's index is found on both sides, from -half a word to below half."""
    page, mask = (base + index * size) % 256, 255
    there = machine.pointer_sub(page, base, size, mask)
    return words.index_of(page, base, size, 8) == there == index % 256


def pointers(top: int) -> Iterator[Values]:
    """Yield a map, an index and the bytes of a descriptor."""
    for base, size in product((0, 3, 200), (1, 4, 16, 24)):
        for index in range(-(128 // size), (127 // size) + 1):
            yield base, index, size


# ------------------------------------------------------------------ sizes


def a_usage_record_is_two_pointers_and_whole_longs_of_bits(
    top: Any, width: int, shift: int, sub: int, order: int, which: int
) -> bool:
    """Each page block has four bits, and with VMEMMAP each part has one."""
    model = MODELS[which]
    cfg = tiny(
        model,
        width=width,
        section_bits=4 + shift,
        subsection_bits=4 + sub,
        pageblock_order=order,
    )
    blocks = range(0, cfg.section_pages, cfg.block_pages)
    parts = range(0, cfg.section_pages, 2**sub) if model == VMEMMAP else ()
    longs = [*range(0, 4 * len(blocks), width), *range(0, len(parts), width)]
    return cfg.usage_bytes * 8 == sum(width for _ in ("next", "func", *longs))


def records(top: int) -> Iterator[Values]:
    """Yield widths of a word, a section, a part and a page block, and models."""
    shifts = ((3, 1, 1), (6, 0, 3), (6, 1, 0), (7, 2, 5), (4, 0, 4))
    for width, each, which in product((16, 32, 64), shifts, range(4)):
        yield width, *each, which


def a_map_of_a_section_has_whole_pages(
    top: Any, sizeof: int, pmd: int, which: int
) -> bool:
    """It has room for all descriptors, and no page more; with VMEMMAP large pages."""
    cfg = tiny(MODELS[which], sizeof_page=sizeof, pmd_bits=pmd)
    page = 2**pmd if cfg.model == VMEMMAP else cfg.page_size
    return cfg.map_bytes == page * len(range(0, cfg.section_pages * sizeof, page))


def maps(top: int) -> Iterator[Values]:
    """Yield bytes of a descriptor, bits of a large page, and models."""
    return product((1, 3, 4, 8, 20), (4, 5, 7), range(4))


def a_subsection_map_has_longs_up_to_its_last_bit(top: Any, bits: int) -> bool:
    """No long is behind the last bit, none of them is larger than a word."""
    got = state.longs(bits)
    digits = [format(each, "064b") for each in reversed(got)]
    whole = "".join(digits)
    return all(len(each) == 64 for each in digits) and (
        int(whole or "0", 2) == bits and (not got or got[-1] > 0)
    )


def subsections(top: int) -> Iterator[Values]:
    """Yield numbers of up to three longs."""
    for at in (0, 1, 5, 63, 64, 65, 127, 128, 130):
        yield from (((1 << at) - 1,), (1 << at,), (5 << at,))


# ------------------------------------------------------------------ ranges and phases


def the_parts_of_a_range_are_its_frames_by_section(
    top: Any, pfn: int, pages: int
) -> bool:
    """Frames of one section are in one part, in order, and none is left out."""
    cfg, parts = tiny(SPARSE), dict[int, list[int]]()
    for frame in range(pfn, pfn + pages):
        parts.setdefault(frame // 8, []).append(frame)
    due = [(each[0], len(each)) for each in parts.values()]
    return list(hotplug.parts_of(cfg, pfn, pages)) == due


def the_buffer_is_tried_alone_while_memory_is_told(
    top: Any, which: int, phase: int
) -> bool:
    """Only a machine with sections has a buffer, and only before the first map."""
    cfg, s = tiny(MODELS[which]), MemMap(Phase(phase))
    due = (MODELS[which], phase) in {("sparse", 0), ("vmemmap", 0)}
    return buffer.has_buffer(cfg, s) == due


# ------------------------------------------------------------------ the next bank

FOLLOWED: tuple[tuple[Bank, ...], ...] = (
    (),
    (Bank(1, 4, 7),),
    (Bank(1, 0, 8),),
    (Bank(0, 0, 3), Bank(2, 5, 11)),
    (Bank(1, 0, 3), Bank(0, 8, 10)),
)
FOLLOWING = tuple(
    replace(cfg, pfn_offset=offset)
    for offset in (0, 4, 6)
    for cfg in (
        tiny(FLAT),
        tiny(DISCONTIG),
        tiny(SPARSE),
        tiny(SPARSE, nr_pageflags=13),
        tiny(VMEMMAP, nr_pageflags=13),
    )
)


def a_bank_may_follow_if_it_is_higher_and_fits_the_model(
    top: Any, which: int, told: int, nid: int, start: int
) -> bool:
    """It is behind the last bank, and does not go on with it, nor mix what must not.

    A flat map begins in the largest block of the first frame; nodes are in order where
    each has one map; where a table by section says the node no section has two.
    """
    cfg, banks, bank = FOLLOWING[which], FOLLOWED[told], Bank(nid, start, start + 3)
    due = follows(cfg, banks, bank) if banks else begins(cfg, bank.start)
    return boot.may_follow(cfg, MemMap(banks=banks), bank) == due


def begins(cfg: Config, start: int) -> bool:
    """Say whether memory may begin with a frame."""
    passed = range(cfg.pfn_offset + 1, start + 1)
    block = all(frame % 4 for frame in passed)
    return cfg.model != FLAT or (start >= cfg.pfn_offset and block)


def follows(cfg: Config, banks: tuple[Bank, ...], bank: Bank) -> bool:
    """Say whether memory may go on with a bank."""
    nids = {frame: each.nid for each in banks for frame in range(each.start, each.end)}
    if bank.start <= max(nids) or nids.get(bank.start - 1) == bank.nid:
        return False
    last = nids[max(nids)]
    if cfg.model == DISCONTIG:
        return sorted((last, bank.nid)) == [last, bank.nid]
    # Two bits for the node, one for the zone, and for SPARSE two for the section.
    narrow = cfg.model == SPARSE and cfg.width - cfg.nr_pageflags < 2 + 1 + 2
    shares = bank.start // 8 == max(nids) // 8
    return not (narrow and shares and bank.nid != last)


def banks(top: int) -> Iterator[Values]:
    """Yield a machine, the banks before, a node and a first frame."""
    return product(range(len(FOLLOWING)), range(len(FOLLOWED)), range(3), range(18))


# ------------------------------------------------------------------ mistakes


def zones_for_the_tag(self: Layout) -> int:
    """Let the zone begin where no zone is, too."""
    return self.width - self.sections - self.nodes - self.zones


def zones_by_their_count(nr_zones: int) -> int:
    """Take the bits of the number of zones, not of the last of them."""
    return nr_zones.bit_length()


def whatever_fits(flags: int, at: int, bits: int, number: int) -> int:
    """Cut nothing off."""
    return (flags & ~(((1 << bits) - 1) << at)) | (number << at)


def forwards(page: int, base: int, size: int, width: int) -> int:
    """Take every distance for one forwards."""
    return words.wrapped(page - base, width) // size


def one_long(self: Config) -> int:
    """Have one long for the flags of page blocks, however many there are."""
    return 3 * self.width // 8


def as_used(self: Config) -> int:
    """Leave a map's last page out if it is not full."""
    return self.section_pages * self.sizeof_page


def one_more(bits: int) -> Any:
    """Add a long that is empty."""
    return (*right_longs(bits), 0)


def whole_sections(cfg: Config, pfn: int, pages: int) -> Any:
    """Begin each part at a section's border."""
    for first, count in right_parts(cfg, pfn, pages):
        yield words.align_down(first, cfg.section_pages), count


def always_a_buffer(cfg: Config, s: MemMap) -> bool:
    """Have a buffer as long as there are sections."""
    return cfg.is_sparse


def whoever_is_behind(cfg: Config, s: MemMap, bank: Bank) -> bool:
    """Take any bank that is behind the last one."""
    return not s.banks or bank.start >= s.banks[-1].end


right_longs, right_parts = state.longs, hotplug.parts_of

LEAVES = (
    Lemma(
        claim=fields_are_in_page_flags_in_order_as_far_as_they_fit,
        provers=(Sweep(cases=fields, scope="words of 16 bits, up to 8 zones"),),
        mistakes=(
            Mistake(Layout, "zones_at", property(zones_for_the_tag)),
            Mistake(layout, "zones_shift", zones_by_their_count),
        ),
    ),
    Lemma(
        claim=a_field_is_replaced_and_no_other_bit,
        provers=(Sweep(cases=words_with_a_field, scope="words of 12 bits"),),
        mistakes=(Mistake(layout, "with_field", whatever_fits),),
    ),
    Lemma(
        claim=descriptors_half_a_word_apart_count_backwards,
        provers=(Sweep(cases=pointers, scope="words of 8 bits"),),
        mistakes=(Mistake(words, "index_of", forwards),),
    ),
    Lemma(
        claim=a_usage_record_is_two_pointers_and_whole_longs_of_bits,
        provers=(Sweep(cases=records, scope="up to 128 frames"),),
        mistakes=(Mistake(Config, "usage_bytes", property(one_long)),),
    ),
    Lemma(
        claim=a_map_of_a_section_has_whole_pages,
        provers=(Sweep(cases=maps, scope="eight frames"),),
        mistakes=(Mistake(Config, "map_bytes", property(as_used)),),
    ),
    Lemma(
        claim=a_subsection_map_has_longs_up_to_its_last_bit,
        provers=(Sweep(cases=subsections, scope="up to three longs"),),
        mistakes=(Mistake(state, "longs", one_more),),
    ),
    Lemma(
        claim=the_parts_of_a_range_are_its_frames_by_section,
        provers=(
            Sweep(
                cases=lambda top: product(range(10), range(20)),
                scope="sections of eight frames",
            ),
        ),
        mistakes=(Mistake(hotplug, "parts_of", whole_sections),),
    ),
    Lemma(
        claim=the_buffer_is_tried_alone_while_memory_is_told,
        provers=(
            Sweep(
                cases=lambda top: product(range(len(MODELS)), range(len(Phase))),
                scope="all models and phases",
            ),
        ),
        mistakes=(Mistake(buffer, "has_buffer", always_a_buffer),),
    ),
    Lemma(
        claim=a_bank_may_follow_if_it_is_higher_and_fits_the_model,
        provers=(Sweep(cases=banks, scope="sections of eight frames"),),
        mistakes=(Mistake(boot, "may_follow", whoever_is_behind),),
    ),
)
