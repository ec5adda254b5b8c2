"""Memory maps where they are rare: no section, no node, a full arena, odd banks.

Each claim asks both sides, or says in another way what the specification's function
does, frame by frame or address by address.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

from mmoracle.checkers.bind.memmodel import load
from mmoracle.checkers.bind.memmodel_configs import tiny
from mmoracle.checkers.lemma import Lemma, Mistake, Sweep, Values
from mmoracle.impl.memmodel import MemoryModel
from mmoracle.spec.linux import Addr
from mmoracle.spec.memmodel import change, layout, lookup, state
from mmoracle.spec.memmodel.state import (
    DISCONTIG,
    FLAT,
    MODELS,
    SPARSE,
    VMEMMAP,
    Bank,
    Config,
    MemMap,
    Node,
    Phase,
    Run,
    Section,
    Span,
)
from mmoracle.spec.memmodel.words import EARLY, HAS_MEM_MAP, ONLINE, PRESENT

THERE, PER = PRESENT | HAS_MEM_MAP, 8  # frames of a section
UP = MemMap(Phase.UP)


def section(nr: int, marks: int, parts: int = 0) -> Section:
    """Return a section with marks in its word, and parts that are there."""
    return Section(nr, Addr(marks), Addr(0x800), False, state.longs(parts))


# ------------------------------------------------------------------ frames to look at

LARGE = tiny(
    SPARSE, physmem_bits=13, pageblock_order=2, zone_ends=(100,), pfn_offset=37
)
NEAR_256 = tuple(tuple(range(last, 0, -100)) for last in (*range(244, 250), 400, 504))


def all_frames_of_a_small_machine_are_looked_at(
    top: Any, which: int, told: int, end: int
) -> bool:
    """They go a section and two frames beyond what there is, or two beyond the limit.

    Of a large machine it is the frames at borders: of memory and zones, and where the
    section or page block of one begins, or ends.
    """
    cfg = replace(
        LARGE, model=MODELS[which], frames=NEAR_256[told] if told >= 0 else ()
    )
    s = replace(UP, banks=(Bank(0, 3, end),) if end else ())
    ends = {3, end} if end else set()
    behind = max({0, *cfg.frames, end}) + PER
    whole = range((behind if behind < 512 else 512) + 2)
    if len(whole) <= 256:
        return lookup.edges(cfg, s) == [*whole]
    ends |= {100, 512, 37}
    steps = (PER, 4) if cfg.is_sparse else (4,)
    starts = {pfn for pfn in range(520) if begins(pfn, ends, steps)}
    starts |= {pfn for pfn in range(530) if any(pfn - each in starts for each in steps)}
    due = [pfn for pfn in range(530) if pfn in starts or pfn + 1 in starts]
    return lookup.edges(cfg, s) == due


def begins(pfn: int, ends: set[int], steps: tuple[int, ...]) -> bool:
    """Say whether a frame is a border, or the first in its block with one."""
    blocks = (range(pfn, pfn + step) for step in steps if pfn % step == 0)
    return pfn in ends or any(ends & {*block} for block in blocks)


def borders(top: int) -> Iterator[Values]:
    """Yield a model, borders of banks to be, and the end of a bank."""
    return product(range(len(MODELS)), range(-1, len(NEAR_256)), (0, 6, 300))


def frames_are_valid_once_there_are_maps(top: Any, which: int, phase: int) -> bool:
    """With sections those that have a map are valid at once, others when all have."""
    cfg, told = tiny(MODELS[which]), Phase(phase)
    each = (section(0, THERE | EARLY), section(2, PRESENT | ONLINE))
    s = MemMap(
        told,
        sections=each if cfg.is_sparse else (),
        nodes=(Node(0, 0, PER, Addr(0x40)),) if cfg.model == DISCONTIG else (),
        max_mapnr=PER if cfg.model == FLAT else 0,
    )
    early = told in (Phase.MEMORY, Phase.MAPS) and not cfg.is_sparse
    return lookup.valid_frames(cfg, s) == ([] if early else [*range(PER)])


# ------------------------------------------------------------------ lookups

LOOKED = (
    (tiny(FLAT, pfn_offset=4), UP),
    (
        tiny(DISCONTIG),
        replace(
            UP,
            nodes=(Node(0, 0, 5, Addr(0x40)), Node(3, 8, 11, Addr(0x88))),
            memmap=(
                Run(Addr(0x40), Addr(0x68), 0),
                Run(Addr(0x80), Addr(0xA0), 1 << 14),
            ),
        ),
    ),
    (
        tiny(SPARSE, nr_pageflags=13),
        replace(
            UP,
            sections=(section(0, THERE | EARLY | 0x40), section(4, THERE | EARLY)),
            nids=((0, 3),),
            memmap=(
                Run(Addr(0x40), Addr(0x80), 0),
                Run(Addr(0x80), Addr(0xC0), 3 << 14),
            ),
        ),
    ),
    (tiny(VMEMMAP), replace(UP, sections=(section(1, THERE, 5),))),
)


def both_sides_look_up_frames_and_descriptors_anywhere(
    top: Any, which: int, pfn: int
) -> bool:
    """Where there is no section or node both answer alike, and no word is found."""
    cfg, s = LOOKED[which]
    m, page = load(cfg, s), 0x30 + 7 * pfn
    links = lookup.links_at(s, page) or 0
    nr = layout.page_to_section(state.layout(cfg), links)
    words = {each.nr: each.word for each in s.sections if each.nr < 4}
    return (
        lookup.word_of(cfg, s, pfn) == m.word(pfn) == words.get(pfn // PER, 0)
        and lookup.pfn_to_page(cfg, s, pfn) == m.pfn_to_page(pfn)
        and (cfg.model != DISCONTIG or pfn < 11 or m.pfn_to_page(pfn) == 0)
        and lookup.page_to_pfn(cfg, s, page) == m.page_to_pfn(page)
        and lookup.page_to_nid(cfg, s, links) == m.page_to_nid(page)
        and (nr == 0 or cfg.model != SPARSE or m.page_to_nid(page) == 0)
    )


def anywhere(top: int) -> Iterator[Values]:
    """Yield a memory map and a frame, or the place of a descriptor."""
    return product(range(len(LOOKED)), range(42))


# ------------------------------------------------------------------ free places

ARENA = 16, 32
USED = (
    (),
    ((16, 32),),
    ((20, 32),),
    ((16, 19),),
    ((16, 18), (22, 24), (31, 32)),
    ((18, 20), (26, 28)),
    ((32, 40),),
    ((24, 36),),
)


def an_allocation_may_lie_at_the_lowest_and_highest_free_place(
    top: Any, told: int, kind: int, size: int, align: int, count: int
) -> bool:
    """An aligned address is free if runs, records and the buffer use no byte there."""
    low, high = ARENA
    cfg = tiny(VMEMMAP, arena=(Addr(low), Addr(high)), places=count)
    s, taken = using(cfg, USED[told], kind)
    free = [
        at
        for at in range(low, high - size + 1)
        if at % align == 0 and not taken & {*range(at, at + size)}
    ]
    due = dict.fromkeys((*free[:1], *free[len(free) - 1 :]))
    return change.places(cfg, s, size, align) == (*due,)[:count]


def using(
    cfg: Config, used: tuple[tuple[int, int], ...], kind: int
) -> tuple[MemMap, set[int]]:
    """Return a state in which runs use ranges, or something else the first."""
    runs = tuple(Run(Addr(a), Addr(b)) for a, b in used)
    taken = {at for a, b in used for at in range(a, b)}
    if kind == 0 or not used:
        return MemMap(memmap=runs), taken
    if kind == 1:
        return MemMap(memmap=runs[1:], buffer=Span(runs[0].start, runs[0].end)), taken
    record = Section(1, usage=runs[0].start)
    taken -= {*range(*used[0])}
    taken |= {*range(runs[0].start, runs[0].start + cfg.usage_bytes)}
    return MemMap(memmap=runs[1:], sections=(record,)), taken


def requests(top: int) -> Iterator[Values]:
    """Yield what is used, how, a size, an alignment, and how many places count."""
    sizes = (1, 2, 3, 4, 7, 16)
    return product(range(len(USED)), range(3), sizes, (1, 2, 4), (1, 2, 3))


# ------------------------------------------------------------------ mistakes


def only_borders(cfg: Config, s: MemMap) -> list[int]:
    """Look at borders of memory alone."""
    return sorted({pfn for b in s.banks for pfn in (b.start, b.end)})


def all_valid(cfg: Config, s: MemMap) -> list[int]:
    """Take frames for valid before there are maps."""
    return [pfn for pfn in lookup.edges(cfg, s) if lookup.pfn_valid(cfg, s, pfn)]


def no_limit(cfg: Config, s: MemMap, pfn: int) -> int:
    """Read the word of a section that no frame can have."""
    found = change.section_at(s, pfn // PER)
    return found.word if found else 0


def far_word(self: MemoryModel, pfn: int) -> int:
    """Read the word of a section that no frame can have, on the machine."""
    found = self.sections.get(pfn >> self.k.section_shift)
    return found.word if found else 0


def the_first_node(self: MemoryModel, pfn: int) -> Any:
    """Take a frame that no node has for one of the first."""
    return right_node(self, pfn) or self.nodes[0]


def the_lowest(cfg: Config, s: MemMap, size: int, align: int) -> Any:
    """Forget the highest place."""
    return right_places(cfg, s, size, align)[:1]


right_node, right_places = MemoryModel.pfn_to_nid, change.places

CORNERS = (
    Lemma(
        claim=all_frames_of_a_small_machine_are_looked_at,
        provers=(Sweep(cases=borders, scope="512 frames"),),
        mistakes=(Mistake(lookup, "edges", only_borders),),
    ),
    Lemma(
        claim=frames_are_valid_once_there_are_maps,
        provers=(
            Sweep(
                cases=lambda top: product(range(len(MODELS)), range(4)),
                scope="eight frames",
            ),
        ),
        mistakes=(Mistake(lookup, "valid_frames", all_valid),),
    ),
    Lemma(
        claim=both_sides_look_up_frames_and_descriptors_anywhere,
        provers=(Sweep(cases=anywhere, scope="42 frames"),),
        mistakes=(
            Mistake(lookup, "word_of", no_limit),
            Mistake(MemoryModel, "word", far_word),
            Mistake(MemoryModel, "pfn_to_nid", the_first_node),
        ),
    ),
    Lemma(
        claim=an_allocation_may_lie_at_the_lowest_and_highest_free_place,
        provers=(Sweep(cases=requests, scope="an arena of 16 bytes"),),
        mistakes=(Mistake(change, "places", the_lowest),),
    ),
)
