"""The operations of others, during a run or before: signals, frees, allocations.

Source: mm/page_alloc.c:__free_pages_ok, free_unref_page, drain_all_pages (v5.10).
"""

from __future__ import annotations

from dataclasses import replace

from ..core import Domains, OneOf, nothing, value
from . import blocks
from .answers import BOTH, NO, migratetype, told, zones
from .parts import (
    HEAD,
    PINNED,
    Config,
    Memory,
    compound_order,
    letter,
    type_of,
    zone_of,
)


@value
class Kill:
    """A fatal signal reaches the task that compacts."""

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        running = s.run is not None and s.run.prio is not None
        return {} if running and s.run is not None and not s.run.fatal else nothing()

    def choose(self, cfg: Config, s: Memory) -> None:
        return None

    def after(self, cfg: Config, s: Memory, result: None) -> Memory:
        told(None, result)
        assert s.run is not None
        return replace(s, run=replace(s.run, fatal=True))


@value
class Free:
    """An owner frees a page or a compound page; `ours`: an interrupt of our task."""

    pfn: int
    ours: bool

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        if not s.laid:
            return nothing()
        held = (i for i, each in enumerate(s.pages) if each in (PINNED, HEAD))
        ours = BOTH if s.run is not None and s.run.prio is not None else NO
        return {"pfn": OneOf(tuple(cfg.first + i for i in held)), "ours": ours}

    def choose(self, cfg: Config, s: Memory) -> None:
        return None

    def after(self, cfg: Config, s: Memory, result: None) -> Memory:
        told(None, result)
        order = compound_order(cfg, s, self.pfn)
        if letter(cfg, s, self.pfn) == PINNED:
            return blocks.free_page(cfg, s, self.pfn, self.ours)
        at, mt = zone_of(cfg, self.pfn), type_of(cfg, s, self.pfn)
        return blocks.free_one_page(cfg, s, at, self.pfn, order, mt, self.ours)


@value
class Take:
    """Meanwhile somebody allocates the first block that is enough, of one type."""

    at: int
    order: int
    mt: int

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        if s.run is None:
            return nothing()
        types = tuple(dict.fromkeys(map(migratetype, cfg.gfps)))
        return {"at": zones(cfg), "order": OneOf(cfg.taken), "mt": OneOf(types)}

    def choose(self, cfg: Config, s: Memory) -> int | None:
        return blocks.take(cfg, s, self.at, self.order, self.mt)[1]

    def after(self, cfg: Config, s: Memory, result: int | None) -> Memory:
        following, pfn = blocks.take(cfg, s, self.at, self.order, self.mt)
        told(pfn, result)
        return following


@value
class Drain:
    """drain_all_pages(): another task empties the pageset of a zone."""

    at: int

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        return {"at": zones(cfg)} if s.laid else nothing()

    def choose(self, cfg: Config, s: Memory) -> None:
        return None

    def after(self, cfg: Config, s: Memory, result: None) -> Memory:
        told(None, result)
        return blocks.drain_all(cfg, s, self.at, ours=False)
