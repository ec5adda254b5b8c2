"""Memory maps with words in them: one state for each memory model, on both sides."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mmoracle.checkers.bind.memmodel import load
from mmoracle.checkers.symbolic import agree, every
from mmoracle.spec.memmodel import layout, lookup, state, words
from mmoracle.spec.memmodel.state import (
    DISCONTIG,
    FLAT,
    SPARSE,
    VMEMMAP,
    Config,
    MemMap,
    Node,
    Phase,
    Run,
    Section,
)

X86 = Config()
ARM64 = replace(X86, section_bits=30, physmem_bits=48, nodes_shift=4, nr_zones=4)
UP = MemMap(Phase.UP)
NO_LINKS = 0


# ------------------------------------------------------------------ one map


def flat(base: Any, offset: Any, pages: Any) -> tuple[Config, MemMap]:
    """Return one array for all of memory, which begins at a frame."""
    cfg = replace(X86, model=FLAT, pfn_offset=offset)
    return cfg, replace(UP, mem_map=base, max_mapnr=pages)


def nodes(*told: tuple[Any, Any, Any]) -> tuple[Config, MemMap]:
    """Return an array for each node, of (first frame, frames, address)."""
    cfg = replace(X86, model=DISCONTIG)
    each = [Node(i, start, start + n, at) for i, (start, n, at) in enumerate(told)]
    lay = state.layout(cfg)
    runs = [
        Run(at, at + n * cfg.sizeof_page, layout.set_page_links(lay, 0, 1, i, 0))
        for i, (_, n, at) in enumerate(told)
    ]
    return cfg, replace(UP, nodes=tuple(each), memmap=tuple(runs))


def mapped(cfg: Config, nr: Any, page: Any, marks: int, parts: Any = 0) -> Section:
    """Return a section with its map; a section of boot where the marks say so."""
    coded = words.encode_mem_map(page, nr, cfg.shift, cfg.sizeof_page, cfg.width)
    word = words.initialised(words.PRESENT | words.ONLINE, coded, marks)
    return Section(nr, word, usage=64, subsection_map=(parts,))  # type: ignore[arg-type]


def sections(
    cfg: Config, zone: Any, nid: Any, *told: tuple[Any, Any, int]
) -> tuple[Config, MemMap]:
    """Return sections of (number, map, marks), with all of their descriptors."""
    cfg = replace(cfg, model=SPARSE)
    lay, size = state.layout(cfg), cfg.sizeof_page << cfg.shift
    runs = [
        Run(page, page + size, layout.set_page_links(lay, 0, zone, nid, nr))
        for nr, page, _ in told
    ]
    each = tuple(mapped(cfg, *one) for one in told)
    return cfg, replace(UP, sections=each, memmap=tuple(runs))


def virtual(base: Any, *told: tuple[Any, int, Any]) -> tuple[Config, MemMap]:
    """Return a virtual map with sections of (number, marks, parts that are there)."""
    cfg = replace(X86, model=VMEMMAP, vmemmap=base)
    each = []
    for nr, marks, parts in told:
        first = words.section_nr_to_pfn(nr, cfg.shift)
        page = words.page_at(base, first, cfg.sizeof_page, cfg.width)
        each.append(mapped(cfg, nr, page, marks, parts))
    return cfg, replace(UP, sections=tuple(each))


# ------------------------------------------------------------------ both sides


def is_valid_alike(cfg: Config, s: MemMap, pfn: Any, due: Any) -> Any:
    """Say that pfn_valid() is what is due, on both sides."""
    here = lookup.pfn_valid(cfg, s, pfn)
    there = load(cfg, s).pfn_valid(pfn)
    return every(agree(here, due), agree(there, due))


def leads_back(cfg: Config, s: MemMap, pfn: Any) -> Any:
    """Say that both sides find one descriptor, and from it the frame again."""
    m = load(cfg, s)
    page = lookup.pfn_to_page(cfg, s, pfn)
    return every(
        page >= 0,
        page <= (1 << cfg.width) - 1,
        m.pfn_to_page(pfn) == page,
        lookup.page_to_pfn(cfg, s, page) == pfn,
        m.page_to_pfn(page) == pfn,
    )
