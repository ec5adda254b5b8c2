"""The four memory models: from any frame to its descriptor and back, on both sides."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from mmoracle.checkers.bind.memmodel import load
from mmoracle.checkers.lemma import Lemma, Mistake
from mmoracle.checkers.symbolic import either, every
from mmoracle.checkers.word import one_of
from mmoracle.impl.memmodel import model
from mmoracle.impl.memmodel.model import MemoryModel
from mmoracle.impl.memmodel.words import PageFlags, pointer_add, pointer_sub
from mmoracle.spec.memmodel import agree as models
from mmoracle.spec.memmodel import layout, lookup, state, words
from mmoracle.spec.memmodel.state import FLAT, SPARSE, VMEMMAP, Config, MemMap, Run

from .constants import FRAMES, SIZE
from .fields import OnFields
from .states import (
    ARM64,
    UP,
    X86,
    flat,
    is_valid_alike,
    leads_back,
    mapped,
    nodes,
    sections,
    virtual,
)

EARLY = words.EARLY
BEHIND = 1 << 64  # the first address that no word holds

# ------------------------------------------------------------------ FLATMEM


def a_flat_map(top: Any, base: Any, offset: Any, pages: Any, pfn: Any) -> Iterable[Any]:
    """Assume any address, and frames that a physical address may name."""
    return (base <= top, offset < FRAMES, pages < FRAMES, pfn < FRAMES)


def flatmem_finds_the_frames_of_its_array_and_leads_back(
    top: Any, base: Any, offset: Any, pages: Any, pfn: Any
) -> Any:
    """A frame is valid exactly if the array has it, wherever it lies, wrapped or not.

    Both sides find the same descriptor, and from it the frame again.
    """
    cfg, s = flat(base, offset, pages)
    there = every(offset <= pfn, pfn < offset + pages)
    same = is_valid_alike(cfg, s, pfn, there)
    return every(same, leads_back(cfg, s, pfn)) if there else same


# ------------------------------------------------------------------ DISCONTIGMEM


def two_nodes(
    top: Any, one: Any, more: Any, gap: Any, two: Any, near: Any, far: Any, pfn: Any
) -> Iterable[Any]:
    """Assume two nodes, one behind the other, with maps that do not overlap."""
    start = one + more + gap
    frames = every(more > 0, two > 0, start + two < FRAMES, pfn < FRAMES)
    room = every(near + more * SIZE <= BEHIND, far + two * SIZE <= BEHIND)
    apart = either(near + more * SIZE <= far, far + two * SIZE <= near)
    return (frames, room, apart)


def discontigmem_finds_the_frames_of_each_node_and_leads_back(
    top: Any, one: Any, more: Any, gap: Any, two: Any, near: Any, far: Any, pfn: Any
) -> Any:
    """A frame is valid exactly if a node spans it, and has its descriptor in its map.

    Both sides agree, and read the node in the descriptor to lead back.
    """
    start = one + more + gap
    cfg, s = nodes((one, more, near), (start, two, far))
    first = every(one <= pfn, pfn < one + more)
    second = every(start <= pfn, pfn < start + two)
    same = is_valid_alike(cfg, s, pfn, either(first, second))
    return every(same, leads_back(cfg, s, pfn)) if either(first, second) else same


# ------------------------------------------------------------------ SPARSEMEM

MACHINES = (X86, ARM64)


def machine(which: Any) -> Config:
    """Return the sizes of x86_64 or of arm64."""
    return MACHINES[one_of(which, range(len(MACHINES)))]


def two_sections(
    top: Any, which: Any, nr: Any, more: Any, page: Any, other: Any, pfn: Any
) -> Iterable[Any]:
    """Assume two sections, and two maps at pages' borders that do not overlap."""
    if which >= len(MACHINES):
        return (False,)
    cfg = machine(which)
    pages, all_pages = cfg.map_bytes // cfg.page_size, BEHIND // cfg.page_size
    known = every(more > 0, nr + more < 1 << cfg.sections_shift, pfn < FRAMES)
    room = every(page + pages <= all_pages, other + pages <= all_pages)
    return (known, room, either(page + pages <= other, other + pages <= page))


def sparsemem_finds_the_frames_of_each_section_and_leads_back(
    top: Any, which: Any, nr: Any, more: Any, page: Any, other: Any, pfn: Any
) -> Any:
    """A frame is valid exactly if its section has a map, of boot or not; both agree.

    The way back is by the section's number in the descriptor.
    """
    cfg = machine(which)
    near, far = page << cfg.page_shift, other << cfg.page_shift
    cfg, s = sections(cfg, 1, 3, (nr, near, EARLY), (nr + more, far, 0))
    mine = words.pfn_to_section_nr(pfn, cfg.shift)
    there = either(mine == nr, mine == nr + more)
    same = is_valid_alike(cfg, s, pfn, there)
    return every(same, leads_back(cfg, s, pfn)) if there else same


# ------------------------------------------------------------------ VMEMMAP


def some_parts(top: Any, nr: Any, more: Any, parts: Any, pfn: Any) -> Iterable[Any]:
    """Assume two sections, and any parts of the second."""
    known = every(more > 0, nr + more < 1 << X86.sections_shift, pfn < FRAMES)
    return (known, parts <= top)


def vmemmap_has_the_frames_of_the_parts_that_are_there(
    top: Any, nr: Any, more: Any, parts: Any, pfn: Any
) -> Any:
    """A section of boot is valid as a whole, another one part by part; both agree."""
    cfg, s = virtual(X86.vmemmap, (nr, EARLY, 0), (nr + more, 0, parts))
    mine = words.pfn_to_section_nr(pfn, cfg.shift)
    if mine != nr + more:
        return is_valid_alike(cfg, s, pfn, mine == nr)
    part = one_of((pfn - (nr + more << cfg.shift)) // 512, range(64))
    return is_valid_alike(cfg, s, pfn, parts // (1 << part) % 2 == 1)


def a_virtual_map(top: Any, base: Any, pfn: Any) -> Iterable[Any]:
    """Assume a map anywhere, and a frame that a physical address may name."""
    return (base <= top, pfn < FRAMES)


def a_virtual_map_leads_back_wherever_it_lies(top: Any, base: Any, pfn: Any) -> Any:
    """VMEMMAP: both sides find one descriptor, and the frame again, wrapped or not."""
    return leads_back(*virtual(base), pfn)


# ------------------------------------------------------------------ all of them

MODELS = state.MODELS
ZONES, NODES = X86.nr_zones, 1 << X86.nodes_shift


def a_bank(
    top: Any, which: Any, nr: Any, skip: Any, pages: Any, at: Any, *rest: Any
) -> Iterable[Any]:
    """Assume a bank within two sections, a map for it, and a frame of it."""
    zone, nid, pfn = rest
    per = X86.section_pages
    start = nr * per + skip
    inside = every(skip < per, skip + pages <= per + per, start <= pfn)
    known = every(nr + 1 < 1 << X86.sections_shift, pfn < start + pages)
    room = (at << X86.page_shift) + SIZE * (per + per) <= BEHIND
    return (which < len(MODELS), inside, known, room, zone < ZONES, nid < NODES)


def map_of(
    which: int, nr: Any, skip: Any, pages: Any, at: Any, zone: Any, nid: Any
) -> tuple[Config, MemMap]:
    """Return the state of a model whose memory is this bank, with a map at `at`."""
    first, at = words.section_nr_to_pfn(nr, X86.shift), at << X86.page_shift
    start = first + skip
    if MODELS[which] == SPARSE:
        more = at + (SIZE << X86.shift)
        return sections(X86, zone, nid, (nr, at, EARLY), (nr + 1, more, EARLY))
    if MODELS[which] == VMEMMAP:
        cfg, s = X86, replace(UP, sections=both_of(nr))
    elif MODELS[which] == FLAT:
        moved = words.wrapped(at - first * SIZE, X86.width)
        cfg, s = flat(moved, 0, start + pages)
    else:
        cfg, s = nodes((start, pages, at))
        s = replace(s, nodes=(replace(s.nodes[0], nid=nid),))
    links = layout.set_page_links(state.layout(cfg), 0, zone, nid, 0)
    low = lookup.pfn_to_page(cfg, s, start)
    run = Run(low, low + pages * SIZE, links)
    return cfg, replace(s, memmap=(run,))


def both_of(nr: Any) -> tuple[Any, ...]:
    """Return two sections of a virtual map, one behind the other."""
    each = []
    for one in (nr, nr + 1):
        first = words.section_nr_to_pfn(one, X86.shift)
        page = words.page_at(X86.vmemmap, first, SIZE, X86.width)
        each.append(mapped(X86, one, page, EARLY))
    return tuple(each)


def all_models_say_the_same_of_a_frame_of_memory(
    top: Any, which: Any, nr: Any, skip: Any, pages: Any, at: Any, *rest: Any
) -> Any:
    """In FLATMEM, DISCONTIGMEM, SPARSEMEM, VMEMMAP it is valid, itself, in its zone.

    On both sides, and in its node: whatever the model, as the answers are fixed.
    """
    zone, nid, pfn = rest
    cfg, s = map_of(one_of(which, range(len(MODELS))), nr, skip, pages, at, zone, nid)
    told, m = models.seen(cfg, s, pfn), load(cfg, s)
    if told is None or not m.pfn_valid(pfn) or not m.is_set_up(pfn):
        return False
    in_zone, of_node, _ = m.page_links(pfn)
    same = told.pfn == pfn and m.page_to_pfn(m.pfn_to_page(pfn)) == pfn
    return same and every(
        told.zone == zone, told.nid == nid, in_zone == zone, of_node == nid
    )


# ------------------------------------------------------------------ mistakes


def count_from_frame_0(cfg: Config, s: MemMap, pfn: Any) -> Any:
    """Take the number of frames for the last one."""
    return every(cfg.pfn_offset <= pfn, pfn < s.max_mapnr)


def index_by_frame(self: MemoryModel, pfn: Any) -> Any:
    """Index the array by the frame, wherever memory begins."""
    k = self.k
    if k.model == FLAT:
        return pointer_add(self.mem_map, pfn, k.sizeof_page, self.mask)
    return right_page(self, pfn)


def span_with_its_end(s: MemMap, pfn: Any) -> Any:
    """Count the frame behind a node as its own."""
    return next((node for node in s.nodes if node.start <= pfn <= node.end), None)


def first_node_for_all(self: MemoryModel, page: Any) -> Any:
    """Lead back through the first node's map."""
    if self.nodes:
        node = self.nodes[0]
        size = self.k.sizeof_page
        return pointer_sub(page, node.node_mem_map, size, self.mask) + node.start_pfn
    return right_pfn(self, page)


def any_section(self: MemoryModel, pfn: Any) -> Any:
    """Take any section with a word for one with a map."""
    return pfn < self.k.limit and self.word(pfn + self.k.block_pages) != 0


def map_with_its_marks(cfg: Config, s: MemMap, pfn: Any) -> Any:
    """Take the marks for a part of the map."""
    if cfg.model == SPARSE:
        word = lookup.word_of(cfg, s, pfn)
        return words.page_at(word, pfn, cfg.sizeof_page, cfg.width)
    return right_spec_page(cfg, s, pfn)


def every_part(cfg: Config, s: MemMap, pfn: Any) -> bool:
    """Take a section for valid as a whole although it is none of boot."""
    return True


def parts_from_the_top(self: MemoryModel, pfn: Any) -> Any:
    """Look for a part of a section at the other end of its map."""
    k = self.k
    per = 1 << k.section_shift
    return right_part(self, pfn - pfn % per + (per - 1 - pfn % per))


def by_bytes(base: Any, index: Any, size: int, width: int) -> Any:
    """Add an index as if descriptors had one byte."""
    return words.wrapped(base + index, width)


def a_descriptor_less(page: Any, base: Any, size: int, mask: int) -> Any:
    """Lead to the frame before."""
    return pointer_sub(page, base, size, mask) - 1


def zone_above_its_field(lay: layout.Layout, flags: Any) -> Any:
    """Read the zone with the lowest bit of the node."""
    return layout.field(flags, lay.zones_at, lay.zones + 1)


def the_section_for_the_node(self: PageFlags, flags: Any) -> Any:
    """Read the section where the node is asked for."""
    return flags >> self.section[0] & self.section[1]


right_page, right_pfn = MemoryModel.pfn_to_page, MemoryModel.page_to_pfn
right_part, right_spec_page = MemoryModel.pfn_section_valid, lookup.pfn_to_page

# ------------------------------------------------------------------ the lemmas

MODEL = (
    Lemma(
        claim=flatmem_finds_the_frames_of_its_array_and_leads_back,
        given=a_flat_map,
        provers=(OnFields(),),
        mistakes=(
            Mistake(lookup, "spans", count_from_frame_0),
            Mistake(MemoryModel, "pfn_to_page", index_by_frame),
            Mistake(lookup, "page_at", by_bytes),
        ),
        size="descriptors of 64 bytes",
    ),
    Lemma(
        claim=discontigmem_finds_the_frames_of_each_node_and_leads_back,
        given=two_nodes,
        provers=(OnFields(),),
        mistakes=(
            Mistake(lookup, "node_of", span_with_its_end),
            Mistake(MemoryModel, "page_to_pfn", first_node_for_all),
        ),
        size="2 nodes, descriptors of 64 bytes",
    ),
    Lemma(
        claim=sparsemem_finds_the_frames_of_each_section_and_leads_back,
        given=two_sections,
        provers=(OnFields(),),
        mistakes=(
            Mistake(MemoryModel, "pfn_valid", any_section),
            Mistake(lookup, "pfn_to_page", map_with_its_marks),
        ),
        size="2 sections, with the sizes of x86_64 and of arm64",
        slow=True,
    ),
    Lemma(
        claim=vmemmap_has_the_frames_of_the_parts_that_are_there,
        given=some_parts,
        provers=(OnFields(),),
        mistakes=(
            Mistake(lookup, "pfn_section_valid", every_part),
            Mistake(MemoryModel, "pfn_section_valid", parts_from_the_top),
        ),
        size="2 sections of 64 parts",
        slow=True,
    ),
    Lemma(
        claim=a_virtual_map_leads_back_wherever_it_lies,
        given=a_virtual_map,
        provers=(OnFields(),),
        mistakes=(
            Mistake(lookup, "page_at", by_bytes),
            Mistake(model, "pointer_sub", a_descriptor_less),
        ),
        size="descriptors of 64 bytes",
    ),
    Lemma(
        claim=all_models_say_the_same_of_a_frame_of_memory,
        given=a_bank,
        provers=(OnFields(),),
        mistakes=(
            Mistake(models, "page_zonenum", zone_above_its_field),
            Mistake(PageFlags, "page_to_nid", the_section_for_the_node),
            Mistake(lookup, "page_at", by_bytes),
        ),
        names=("model", "nr", "skip", "pages", "at", "zone", "nid", "pfn"),
        size="1 bank within 2 sections, with the sizes of x86_64",
        slow=True,
    ),
)
