"""Frame to descriptor and back, and which frames have one.

FLATMEM has one array, DISCONTIGMEM one for each node, SPARSEMEM one for each section;
with VMEMMAP all of them lie in one virtual array.

Source: include/asm-generic/memory_model.h, include/linux/mmzone.h:pfn_valid (v5.10).
"""

from __future__ import annotations

from ..core import Domains, OneOf, nothing, require, value
from ..linux import Addr
from . import words
from .change import section_at
from .layout import flags_nid, page_to_section, page_zonenum
from .state import (
    DISCONTIG,
    FLAT,
    SPARSE,
    UNSET,
    VMEMMAP,
    Bank,
    Config,
    MemMap,
    Node,
    Phase,
    layout,
)
from .words import EARLY, HAS_MEM_MAP, align_down, index_of, is_set, map_of, page_at

# ------------------------------------------------------------------ frames


def node_of(s: MemMap, pfn: int) -> Node | None:
    """Return the node with a map whose span has a frame: pfn_to_nid()."""
    return next((node for node in s.nodes if node.start <= pfn < node.end), None)


def bank_of(s: MemMap, pfn: int) -> Bank | None:
    """Return the range of memory that a frame is in."""
    return next((bank for bank in s.banks if bank.start <= pfn < bank.end), None)


def word_of(cfg: Config, s: MemMap, pfn: int) -> int:
    """Return the section word of a frame, 0 where there is no section."""
    if pfn >= cfg.limit:
        return 0
    section = section_at(s, words.pfn_to_section_nr(pfn, cfg.shift))
    return section.word if section is not None else 0


def pfn_section_valid(cfg: Config, s: MemMap, pfn: int) -> bool:
    """Say whether the part of its section that a frame is in is there."""
    section = section_at(s, words.pfn_to_section_nr(pfn, cfg.shift))
    if cfg.model == SPARSE:
        return True
    part = words.subsection_index(pfn, cfg.shift, cfg.sub_shift)
    return section is not None and bool(section.subsections >> part & 1)


def pfn_valid(cfg: Config, s: MemMap, pfn: int) -> bool:
    """Say whether a frame has a descriptor, memory or not.

    Source: include/linux/mmzone.h, arch/{riscv,alpha,arm64,arm} (v5.10, 5.10.92).
    """
    if cfg.is_sparse:
        word = word_of(cfg, s, pfn)
        if not is_set(word, HAS_MEM_MAP):
            return False
        if not is_set(word, EARLY):
            return pfn_section_valid(cfg, s, pfn)
    if cfg.valid == "generic":
        return spans(cfg, s, pfn)
    return is_mapped_memory(cfg, s, pfn)


def spans(cfg: Config, s: MemMap, pfn: int) -> bool:
    """Say whether the map of a machine without sections reaches to a frame."""
    if cfg.model == FLAT:
        return cfg.pfn_offset <= pfn and pfn - cfg.pfn_offset < s.max_mapnr
    return cfg.is_sparse or node_of(s, pfn) is not None


def is_mapped_memory(cfg: Config, s: MemMap, pfn: int) -> bool:
    """Say whether a frame is memory, or with "block" its page block has some."""
    if cfg.valid == "memory":
        return bank_of(s, pfn) is not None
    start = align_down(pfn, cfg.block_pages)
    end = start + cfg.block_pages
    return any(bank.start < end and start < bank.end for bank in s.banks)


def pfn_to_page(cfg: Config, s: MemMap, pfn: int) -> Addr:
    """Return the address of a frame's descriptor."""
    size, width = cfg.sizeof_page, cfg.width
    if cfg.model == FLAT:
        return Addr(page_at(s.mem_map, pfn - cfg.pfn_offset, size, width))
    if cfg.model == VMEMMAP:
        return Addr(page_at(cfg.vmemmap, pfn, size, width))
    if cfg.model == SPARSE:
        return Addr(page_at(map_of(word_of(cfg, s, pfn)), pfn, size, width))
    node = node_of(s, pfn)
    if node is None:
        return Addr(0)
    return Addr(page_at(node.node_mem_map, pfn - node.start, size, width))


# ------------------------------------------------------------------ descriptors


def links_at(s: MemMap, page: int) -> int | None:
    """Return the links in a descriptor's flags; none where there is no descriptor."""
    return next((x.links for x in s.memmap if x.start <= page < x.end), None)


def page_to_nid(cfg: Config, s: MemMap, links: int) -> int:
    """Return the node that a descriptor's links name, by its section if need be."""
    lay = layout(cfg)
    if lay.node_in_flags:
        return flags_nid(lay, links)
    return dict(s.nids).get(page_to_section(lay, links), 0)


def page_to_pfn(cfg: Config, s: MemMap, page: int) -> int:
    """Return the frame of a descriptor; SPARSE and DISCONTIG read its flags."""
    size, width = cfg.sizeof_page, cfg.width
    if cfg.model == FLAT:
        return index_of(page, s.mem_map, size, width) + cfg.pfn_offset
    if cfg.model == VMEMMAP:
        return index_of(page, cfg.vmemmap, size, width)
    links = links_at(s, page) or 0
    if cfg.model == SPARSE:
        nr = page_to_section(layout(cfg), links)
        section = section_at(s, nr)
        base = map_of(section.word) if section is not None else 0
        return index_of(page, base, size, width)
    nid = page_to_nid(cfg, s, links)
    node = next((each for each in s.nodes if each.nid == nid), None)
    if node is None:
        return 0
    return index_of(page, node.node_mem_map, size, width) + node.start


def reads_flags(cfg: Config) -> bool:
    """Say whether page_to_pfn() needs a descriptor that is initialised."""
    return cfg.model in (SPARSE, DISCONTIG)


def is_set_up(cfg: Config, s: MemMap, pfn: int) -> bool:
    """Say whether a valid frame's descriptor is there and has its links."""
    return links_at(s, pfn_to_page(cfg, s, pfn)) not in (None, UNSET)


# ------------------------------------------------------------------ which frames


def edges(cfg: Config, s: MemMap) -> list[int]:
    """Return the frames to look at: all of a small machine, else those at borders."""
    last = max((*cfg.frames, *(bank.end for bank in s.banks)), default=0)
    top = min(cfg.limit, last + cfg.section_pages) + 2
    if top <= 256:
        return list(range(top))
    ends = {*cfg.zone_ends, cfg.limit, cfg.pfn_offset}
    ends |= {end for bank in s.banks for end in (bank.start, bank.end)}
    steps = (
        (cfg.section_pages, cfg.block_pages) if cfg.is_sparse else (cfg.block_pages,)
    )
    ends |= {align_down(end, step) for end in tuple(ends) for step in steps}
    ends |= {end + step for end in tuple(ends) for step in steps}
    return sorted({pfn for end in ends for pfn in (end - 1, end) if pfn >= 0})


def valid_frames(cfg: Config, s: MemMap) -> list[int]:
    """Return those of the frames to look at that are valid, once there are maps."""
    if not cfg.is_sparse and s.phase in (Phase.MEMORY, Phase.MAPS):
        return []
    return [pfn for pfn in edges(cfg, s) if pfn_valid(cfg, s, pfn)]


# ------------------------------------------------------------------ questions


def asked(s: MemMap, frames: list[int]) -> Domains:
    """Return the frames that a question may be about."""
    return nothing() if s.phase is Phase.STOPPED else {"pfn": OneOf(tuple(frames))}


@value
class PfnValid:
    """pfn_valid(): whether a frame has a descriptor."""

    pfn: int

    @classmethod
    def domain(cls, cfg: Config, s: MemMap) -> Domains:
        return asked(s, edges(cfg, s))

    def choose(self, cfg: Config, s: MemMap) -> bool:
        return pfn_valid(cfg, s, self.pfn)

    def after(self, cfg: Config, s: MemMap, result: bool) -> MemMap:
        due = self.choose(cfg, s)
        require(result is due, "MM-LOOKUP", f"frame {self.pfn} valid: {due}")
        return s


@value
class PfnToPage:
    """pfn_to_page() of a valid frame: the address of its descriptor."""

    pfn: int

    @classmethod
    def domain(cls, cfg: Config, s: MemMap) -> Domains:
        return asked(s, valid_frames(cfg, s))

    def choose(self, cfg: Config, s: MemMap) -> Addr:
        return pfn_to_page(cfg, s, self.pfn)

    def after(self, cfg: Config, s: MemMap, result: Addr) -> MemMap:
        due = self.choose(cfg, s)
        why = f"frame {self.pfn} has its descriptor at {due:#x}"
        require(result == due and type(result) is int, "MM-LOOKUP", why)
        return s


@value
class PageToPfn:
    """page_to_pfn(): the frame of a descriptor, named here by the frame it stands for.

    Only of descriptors that are set up, where the model reads their flags.
    """

    pfn: int

    @classmethod
    def domain(cls, cfg: Config, s: MemMap) -> Domains:
        frames = valid_frames(cfg, s)
        if reads_flags(cfg):
            frames = [pfn for pfn in frames if is_set_up(cfg, s, pfn)]
        return asked(s, frames)

    def choose(self, cfg: Config, s: MemMap) -> int:
        return page_to_pfn(cfg, s, pfn_to_page(cfg, s, self.pfn))

    def after(self, cfg: Config, s: MemMap, result: int) -> MemMap:
        due = self.choose(cfg, s)
        why = f"the descriptor of frame {self.pfn} is frame {due}"
        require(result == due and type(result) is int, "MM-LOOKUP", why)
        return s


@value
class PageLinks:
    """page_zonenum(), page_to_nid() and page_to_section() of a frame's descriptor."""

    pfn: int

    @classmethod
    def domain(cls, cfg: Config, s: MemMap) -> Domains:
        frames = [p for p in valid_frames(cfg, s) if is_set_up(cfg, s, p)]
        return asked(s, frames)

    def choose(self, cfg: Config, s: MemMap) -> tuple[int, int, int]:
        links = links_at(s, pfn_to_page(cfg, s, self.pfn)) or 0
        lay = layout(cfg)
        nid = page_to_nid(cfg, s, links)
        return page_zonenum(lay, links), nid, page_to_section(lay, links)

    def after(self, cfg: Config, s: MemMap, result: tuple[int, int, int]) -> MemMap:
        due = self.choose(cfg, s)
        require(result == due, "MM-LOOKUP", f"frame {self.pfn} is linked to {due}")
        return s
