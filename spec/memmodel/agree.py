"""All four memory models over the same memory: they must say the same of each frame.

`booted` boots one of them with allocations that all succeed; what the models share of a
frame is what a caller can see: whether it is valid, its zone and node, and that its
descriptor leads back to it.

Source: include/asm-generic/memory_model.h (v5.10).
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from ..core import value
from ..linux import Addr
from .boot import AllocNodeMemMap, FreeAreaInit, MemoryPresent
from .change import places
from .layout import page_zonenum
from .lookup import (
    is_set_up,
    links_at,
    page_to_nid,
    page_to_pfn,
    pfn_to_page,
    pfn_valid,
)
from .sparse import SparseInitNid, next_run
from .state import (
    DISCONTIG,
    FLAT,
    MODELS,
    VMEMMAP,
    Bank,
    Config,
    MemMap,
    Phase,
    layout,
)


@value
class Seen:
    """What a caller sees of a valid frame that is memory."""

    pfn: int  # what its descriptor leads back to
    zone: int
    nid: int


def booted(cfg: Config, banks: tuple[Bank, ...]) -> MemMap:
    """Return a machine that is up, with these banks and room for every allocation."""
    s = MemMap()
    for bank in banks:
        s = MemoryPresent(bank).run(cfg, s)[0]
    size = sum(bank.end - bank.start for bank in banks) + 4 * cfg.order_pages
    room = 2 * size * cfg.sizeof_page
    while s.phase in (Phase.MEMORY, Phase.MAPS):
        at = places(cfg, s, room, max(cfg.map_bytes, cfg.cache_bytes))[0]
        if cfg.is_sparse:
            _, run = next_run(cfg, s)
            spare = cfg.map_bytes if cfg.model != VMEMMAP else 0
            below = len(run) * cfg.usage_bytes + cfg.cache_bytes
            maps = Addr((at + below + cfg.map_bytes) // cfg.map_bytes * cfg.map_bytes)
            op = SparseInitNid(at, maps, Addr(maps if spare else 0))
            s = op.run(cfg, s)[0]
        else:
            nid = AllocNodeMemMap.domain(cfg, s)["nid"][0]
            node = AllocNodeMemMap(nid, at)
            s = node.after(cfg, s, node.choose(cfg, s))
    op_up = FreeAreaInit()
    return op_up.after(cfg, s, op_up.choose(cfg, s))


def fits(cfg: Config, model: str, banks: tuple[Bank, ...]) -> bool:
    """Say whether a model can hold these banks: FLATMEM has one node only.

    DISCONTIGMEM keeps the spans of its nodes apart.
    """
    nids = [bank.nid for bank in banks]
    if model == FLAT:
        return set(nids) == {0} and banks[0].start < cfg.pfn_offset + cfg.order_pages
    return model != DISCONTIG or nids == sorted(nids)


@lru_cache(maxsize=4096)
def others(
    cfg: Config, banks: tuple[Bank, ...], frames: tuple[int, ...]
) -> tuple[tuple[str, int, Seen | None], ...]:
    """Return (model, frame, what is seen) of the other models that can hold banks."""
    found = list[tuple[str, int, Seen | None]]()
    for model in MODELS:
        if model != cfg.model and fits(cfg, model, banks):
            other = replace(cfg, model=model, valid="generic", quirks=(), huge=False)
            s = booted(other, banks)
            found += [(model, pfn, seen(other, s, pfn)) for pfn in frames]
    return tuple(found)


def seen(cfg: Config, s: MemMap, pfn: int) -> Seen | None:
    """Return what a caller sees of a frame; none of one without a descriptor set up."""
    if not pfn_valid(cfg, s, pfn) or not is_set_up(cfg, s, pfn):
        return None
    page = pfn_to_page(cfg, s, pfn)
    links = links_at(s, page) or 0
    zone, nid = page_zonenum(layout(cfg), links), page_to_nid(cfg, s, links)
    return Seen(page_to_pfn(cfg, s, page), zone, nid)
