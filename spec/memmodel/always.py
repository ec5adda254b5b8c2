"""What holds of every memory map, and of every step.

Frames are looked at one by one on small machines, at the borders of banks, sections and
page blocks on real ones.

Source: include/asm-generic/memory_model.h, mm/sparse.c (v5.10).
"""

from __future__ import annotations

from itertools import pairwise

from ..core import Complaints, Invariant
from . import words
from .agree import others, seen
from .layout import page_to_section, page_zonenum
from .lookup import (
    bank_of,
    edges,
    is_set_up,
    links_at,
    node_of,
    page_to_nid,
    page_to_pfn,
    pfn_to_page,
    pfn_valid,
    reads_flags,
    valid_frames,
)
from .state import (
    SPARSE,
    UNSET,
    VMEMMAP,
    Bank,
    Config,
    MemMap,
    Phase,
    Section,
    layout,
    zone_of,
)
from .words import (
    EARLY,
    HAS_MEM_MAP,
    PRESENT,
    align_down,
    align_up,
    is_set,
)

# ------------------------------------------------------------------ frames


def is_up(s: MemMap) -> bool:
    """Say whether boot has initialised the descriptors."""
    return s.phase is Phase.UP


def valid_frames_have_descriptors(cfg: Config, s: MemMap) -> Complaints:
    """A valid frame has a descriptor that is there, whole."""
    for pfn in valid_frames(cfg, s):
        page = pfn_to_page(cfg, s, pfn)
        last = words.wrapped(page + cfg.sizeof_page - 1, cfg.width)
        if links_at(s, page) is None or links_at(s, last) is None:
            yield f"frame {pfn} is valid, and nothing is at {page:#x}"


def page_blocks_have_all_descriptors(cfg: Config, s: MemMap) -> Complaints:
    """A page block with memory in it has the descriptors of all its frames.

    What walks over frames adds to pointers within a page block.
    """
    for bank in s.banks if is_up(s) else ():
        for pfn in (bank.start, bank.end - 1):
            size = cfg.block_pages * cfg.sizeof_page
            first = align_down(pfn, cfg.block_pages)
            at = int(pfn_to_page(cfg, s, pfn))
            at -= (pfn - first) * cfg.sizeof_page
            there = runs_within(s, at, at + size)
            if there < size and not bank.fresh and pfn_valid(cfg, s, pfn):
                lost = (size - there) // cfg.sizeof_page
                yield f"the page block of frame {pfn} lacks {lost} descriptors"


def runs_within(s: MemMap, start: int, end: int) -> int:
    """Return how many bytes of a range are descriptors that are there."""
    parts = (min(run.end, end) - max(run.start, start) for run in s.memmap)
    return sum(max(0, part) for part in parts)


def memory_is_valid(cfg: Config, s: MemMap) -> Complaints:
    """Once boot is over, every frame of memory is valid."""
    for pfn in edges(cfg, s) if is_up(s) else ():
        if bank_of(s, pfn) is not None and not pfn_valid(cfg, s, pfn):
            yield f"frame {pfn} is memory, and not valid"


def descriptors_name_zone_and_node(cfg: Config, s: MemMap) -> Complaints:
    """A frame of memory has its zone, node and section in its descriptor's flags.

    Frames of early sections that are no memory have the links of some memory near.
    """
    lay = layout(cfg)
    for pfn in valid_frames(cfg, s) if is_up(s) else ():
        bank = bank_of(s, pfn)
        links = links_at(s, pfn_to_page(cfg, s, pfn))
        if links is None or (bank is not None and bank.fresh):
            continue
        if links == UNSET:
            if bank is not None or cfg.is_sparse:
                yield f"the descriptor of frame {pfn} is not initialised"
            continue
        got = page_zonenum(lay, links), page_to_nid(cfg, s, links)
        if bank is not None and got != (zone_of(cfg, pfn), bank.nid):
            due = f"zone {zone_of(cfg, pfn)}, node {bank.nid}"
            yield f"frame {pfn} is linked to zone {got[0]}, node {got[1]}, not {due}"
        nr = words.pfn_to_section_nr(pfn, cfg.shift)
        if cfg.model == SPARSE and page_to_section(lay, links) != nr:
            yield f"frame {pfn} is linked to section {page_to_section(lay, links)}"


def frames_and_descriptors_lead_to_each_other(cfg: Config, s: MemMap) -> Complaints:
    """A frame's descriptor leads back to the frame, and no two descriptors overlap."""
    places = list[tuple[int, int]]()
    for pfn in valid_frames(cfg, s):
        page = pfn_to_page(cfg, s, pfn)
        places.append((page, pfn))
        if reads_flags(cfg) and not is_set_up(cfg, s, pfn):
            continue
        back = page_to_pfn(cfg, s, page)
        if back != pfn:
            yield f"the descriptor of frame {pfn} at {page:#x} leads to frame {back}"
    for (at, pfn), (behind, other) in pairwise(sorted(places)):
        if behind - at < cfg.sizeof_page:
            yield f"the descriptors of frames {pfn} and {other} overlap at {behind:#x}"


def descriptors_of_a_block_follow_each_other(cfg: Config, s: MemMap) -> Complaints:
    """In a block of the largest order each frame's descriptor follows the one before.

    So pointers to descriptors may be added to within a block, not beyond a section or
    a node.
    """
    for pfn, other in pairwise(valid_frames(cfg, s)):
        near = align_down(pfn, cfg.order_pages) == align_down(other, cfg.order_pages)
        page, behind = pfn_to_page(cfg, s, pfn), pfn_to_page(cfg, s, other)
        step = words.wrapped(behind - page, cfg.width)
        near = near and node_of(s, pfn) == node_of(s, other)
        if near and step != (other - pfn) * cfg.sizeof_page:
            yield f"from frame {pfn} to {other} descriptors are {step} bytes apart"


def models_agree(cfg: Config, s: MemMap) -> Complaints:
    """Every memory model says the same of a frame: itself, its zone and its node."""
    if not is_up(s) or not s.banks or any(bank.fresh for bank in s.banks):
        return
    if any(bank.end > cfg.limit for bank in s.banks):
        return
    frames = tuple(pfn for pfn in edges(cfg, s) if bank_of(s, pfn) is not None)
    mine = {pfn: seen(cfg, s, pfn) for pfn in frames}
    for model, pfn, its in others(cfg, s.banks, frames):
        if mine[pfn] != its:
            yield f"frame {pfn} is {mine[pfn]} here, {its} with {model}"


# ------------------------------------------------------------------ sections


def map_at(cfg: Config, section: Section) -> int:
    """Return the first descriptor that a section's word leads to."""
    return words.decode_mem_map(
        section.word, section.nr, cfg.shift, cfg.sizeof_page, cfg.width
    )


def section_words_decode(cfg: Config, s: MemMap) -> Complaints:
    """A section's word is its map, moved back by its first frame, and known flags.

    With VMEMMAP the map is the same of all sections.
    """
    for each in s.sections:
        if not is_set(each.word, HAS_MEM_MAP):
            continue
        name = f"section {each.nr}, word {each.word:#x}"
        if not is_set(each.word, PRESENT):
            yield f"{name}: it has a map and is not present"
        if cfg.model == VMEMMAP and words.map_of(each.word) != cfg.vmemmap:
            yield f"{name}: its map is not the virtual one at {cfg.vmemmap:#x}"
        if is_set(each.word, EARLY) and links_at(s, map_at(cfg, each)) is None:
            yield f"{name}: nothing is at its map, {map_at(cfg, each):#x}"
        if is_set(each.word, EARLY) and not each.bootmem:
            yield f"{name}: it is of boot, and its usage record is not"


def present_sections_wait_for_their_map(cfg: Config, s: MemMap) -> Complaints:
    """A section is present without a map only before its run is initialised.

    Until then its word has its first node; sections of boot are marked as such.
    """
    booting = s.phase in (Phase.MEMORY, Phase.MAPS)
    for each in s.sections:
        name = f"section {each.nr}, word {each.word:#x},"
        waits = booting and each.nr >= s.at
        if is_set(each.word, HAS_MEM_MAP) == waits and each.word:
            yield f"{name} has {'a map already' if waits else 'no map'}"
        if waits and each.word != words.early_word(first_nid(cfg, s, each.nr)):
            yield f"{name} should wait for node {first_nid(cfg, s, each.nr)}"
        early = s.phase is Phase.UP or is_set(each.word, EARLY)
        if is_set(each.word, HAS_MEM_MAP) and not early:
            yield f"{name} is not marked as one of boot"


def memory_has_sections(cfg: Config, s: MemMap) -> Complaints:
    """All memory that is told has sections, which have tables, and no other has."""
    if cfg.is_sparse and s.phase is Phase.MEMORY:
        due = {nr for bank in s.banks for nr in sections_of(cfg, bank)}
        odd = due ^ {each.nr for each in s.sections}
        yield from (f"section {nr} is present, or should be" for nr in sorted(odd))
    for each in s.sections:
        if cfg.extreme and each.nr // cfg.per_root not in s.roots:
            yield f"section {each.nr} has no table"
        if each.word and each.nr > s.highest:
            yield f"section {each.nr} is above the highest one, {s.highest}"


def sections_of(cfg: Config, bank: Bank) -> range:
    """Return the sections of a bank, as far as there are such."""
    last = (min(bank.end, cfg.limit) - 1) >> cfg.shift
    return range(bank.start >> cfg.shift, last + 1)


def maps_of_nodes_begin_with_their_first_frame(cfg: Config, s: MemMap) -> Complaints:
    """A node's map is whole MAX_ORDER blocks, the first frame in its place."""
    for node in s.nodes:
        page = pfn_to_page(cfg, s, node.start)
        if page != node.node_mem_map:
            yield f"node {node.nid} begins at {node.node_mem_map:#x}, not at {page:#x}"
        first = align_down(node.start, cfg.order_pages)
        at = node.node_mem_map - (node.start - first) * cfg.sizeof_page
        pages = align_up(node.end, cfg.order_pages) - first
        lost = pages * cfg.sizeof_page
        lost -= runs_within(s, at, at + pages * cfg.sizeof_page)
        if lost and not s.trimmed:
            yield f"node {node.nid} lacks {lost} bytes of its map"


def first_nid(cfg: Config, s: MemMap, nr: int) -> int:
    """Return the node of the first bank with memory in a section, -1 without one."""
    low, high = nr << cfg.shift, (nr + 1) << cfg.shift
    found = (b.nid for b in s.banks if b.start < high and low < b.end)
    return next(found, -1)


def usage_records_are_apart(cfg: Config, s: MemMap) -> Complaints:
    """Every section that has a map has a usage record, which no other section has."""
    used = sorted((x.usage, x.nr) for x in s.sections if x.usage)
    for (at, nr), (behind, other) in pairwise(used):
        if behind - at < cfg.usage_bytes:
            yield f"usage records of sections {nr} and {other} overlap at {behind:#x}"
    for each in s.sections:
        if is_set(each.word, HAS_MEM_MAP) and not each.usage:
            yield f"section {each.nr} has a map and no usage record"


def parts_cover_their_memory(cfg: Config, s: MemMap) -> Complaints:
    """The parts of a section that are marked are those with memory in them."""
    if cfg.model != VMEMMAP or not is_up(s):
        return
    for each in s.sections:
        due, first = 0, each.nr << cfg.shift
        for bank in s.banks:
            low, high = max(bank.start, first), min(bank.end, first + cfg.section_pages)
            if low < high:
                due |= words.subsection_mask(low, high - low, cfg.shift, cfg.sub_shift)
        if each.subsections != due:
            told = each.subsections
            yield f"section {each.nr} has parts {told:#x}, memory in {due:#x}"


def no_buffer_is_kept(cfg: Config, s: MemMap) -> Complaints:
    """No buffer is kept when a run of sections is done."""
    if s.buffer is not None and s.phase is not Phase.MEMORY:
        yield f"the buffer at {s.buffer.start:#x} never went back"


INVARIANTS = (
    Invariant("MM-VALID", valid_frames_have_descriptors),
    Invariant("MM-VALID", page_blocks_have_all_descriptors),
    Invariant("BOOT-HANDOFF", no_buffer_is_kept),
    Invariant("MM-ENCODE", section_words_decode),
    Invariant("MM-PRESENT", memory_has_sections),
    Invariant("MM-PRESENT", present_sections_wait_for_their_map),
    Invariant("MM-NODE", maps_of_nodes_begin_with_their_first_frame),
    Invariant("MM-USAGE", usage_records_are_apart),
    Invariant("MM-PARTS", parts_cover_their_memory),
    Invariant("MM-MEMORY", memory_is_valid),
    Invariant("MM-INIT", descriptors_name_zone_and_node),
    Invariant("MM-CONTIG", descriptors_of_a_block_follow_each_other),
    Invariant("MM-BIJECTION", frames_and_descriptors_lead_to_each_other),
    Invariant("MM-AGREE", models_agree),
)
