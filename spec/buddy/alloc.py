"""Allocation: a block of 2**order frames of one zone, or exactly so many pages.

Source: mm/page_alloc.c:rmqueue, prep_new_page, make_alloc_exact (v5.10).
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from ..core import Domains, Ints, OneOf, require, value
from ..linux import MIGRATE_HIGHATOMIC, MIGRATE_MOVABLE, AllocFlags
from .blocks import rmqueue_smallest
from .change import (
    Done,
    free_the_page,
    judge_value,
    some_cpus,
    some_zones,
)
from .migrate import Entry, Taken, reserve_highatomic, rmqueue
from .others import (
    carve,
    judge_block,
    judge_failure,
    judge_pick,
    pick,
    used_order,
)
from .pcp import rmqueue_pcplist
from .zones import (
    Config,
    Event,
    Held,
    Locked,
    Memory,
    Outcome,
    Woke,
    count,
    disown,
    frames_from,
    held_at,
    own,
    with_zone,
)


def uses_pageset(cfg: Config, order: int, mt: int, flags: AllocFlags) -> bool:
    """Say whether a cpu's list serves a request; movable pages there may be CMA's."""
    free_of_cma = cfg.has_cma and AllocFlags.CMA not in flags
    return order == 0 < cfg.cpus and not (free_of_cma and mt == MIGRATE_MOVABLE)


def from_zone(
    cfg: Config, s: Memory, cpu: int, at: int, order: int, mt: int, flags: AllocFlags
) -> Taken:
    """Take a block from a zone, a single page by way of a cpu's list: rmqueue()."""
    if uses_pageset(cfg, order, mt, flags):
        return rmqueue_pcplist(cfg, s, cpu, at, mt, flags)
    page: Entry | None = None
    events: tuple[Event, ...] = ()
    if order > 0 and AllocFlags.HARDER in flags:
        s, pfn = rmqueue_smallest(cfg, s, at, order, MIGRATE_HIGHATOMIC)
        if pfn is not None:
            page, events = (pfn, MIGRATE_HIGHATOMIC), (Locked(pfn, order, mt),)
    if page is None:
        s, page, events = rmqueue(cfg, s, at, order, mt, flags)
    if page is None:
        return s, None, events
    return count(cfg, s, at, -(1 << order), page[1]), page, events


def wake_kswapd(s: Memory, at: int) -> tuple[Memory, tuple[Event, ...]]:
    """Wake kswapd once for a watermark that was boosted."""
    zone = s.zones[at]
    if not zone.boosted:
        return s, ()
    return with_zone(s, at, replace(zone, boosted=False)), (Woke(at),)


@value
class AllocPages:
    """alloc_pages(), once the zone and the flags are settled."""

    cpu: int
    at: int
    order: int
    mt: int
    flags: AllocFlags = AllocFlags.NONE
    compound: bool = False

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        return {
            "cpu": some_cpus(cfg),
            "at": some_zones(cfg),
            "order": OneOf(cfg.sizes) if cfg.sizes else Ints(0, cfg.orders + 1),
            "mt": OneOf(cfg.types),
            "flags": OneOf(cfg.flags),
            "compound": OneOf(cfg.compound),
        }

    def block(self, cfg: Config, pfn: int) -> Held:
        """Return the block as its owner gets it."""
        order = used_order(cfg, self.order)
        compound = self.compound and order > 0
        return Held(pfn, order, 1, compound, self.mt == MIGRATE_MOVABLE)

    def linux(self, cfg: Config, s: Memory) -> Done:
        """Return what Linux does."""
        order, at, mt = self.order, self.at, self.mt
        s, got, events = from_zone(cfg, s, self.cpu, at, order, mt, self.flags)
        if got is not None or uses_pageset(cfg, order, mt, self.flags):
            s, woke = wake_kswapd(s, at)
            events = (*events, *woke)
        if got is None:
            return s, Outcome(None, events)
        s = own(s, self.block(cfg, got[0]))
        s = replace(s, private=tuple(p for p in s.private if p[0] != got[0]))
        if order > 0 and AllocFlags.HARDER in self.flags:
            s = reserve_highatomic(cfg, s, at, got[0])
        return s, Outcome(got[0], events)

    def choose(self, cfg: Config, s: Memory) -> Outcome:
        if self.order > cfg.max_order:
            return Outcome(None)
        if cfg.is_linux:
            return self.linux(cfg, s)[1]
        return Outcome(pick(cfg, s, self.at, used_order(cfg, self.order)))

    def after(self, cfg: Config, s: Memory, result: Outcome) -> Memory:
        if self.order > cfg.max_order:
            judge_value(result, Outcome(None))
            return s
        require(isinstance(result, Outcome), "RET-CODE", f"{result} is no outcome")
        order, got = used_order(cfg, self.order), result.value
        if type(got) is int:
            judge_block(cfg, s, self.at, order, got)
        if cfg.is_linux:
            after, due = self.linux(cfg, s)
            judge_value(result, due)
            return after
        if got is None:
            judge_failure(cfg, s, self.at, order)
            return s
        require(type(got) is int, "RET-CODE", f"{got} is no frame")
        assert isinstance(got, int)
        judge_pick(cfg, s, self.at, order, got)
        return own(carve(cfg, s, self.at, got, order), self.block(cfg, got))


@value
class AllocExact:
    """alloc_pages_exact(): the pages that a block has too many are freed again."""

    cpu: int
    at: int
    pages: int
    mt: int

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        return {
            "cpu": some_cpus(cfg),
            "at": some_zones(cfg),
            "pages": OneOf(cfg.exact),
            "mt": OneOf(cfg.types),
        }

    def whole(self, cfg: Config) -> AllocPages:
        """Return the request for the block that is large enough: get_order()."""
        order = (self.pages - 1).bit_length()
        return AllocPages(self.cpu, self.at, order, self.mt)

    def choose(self, cfg: Config, s: Memory) -> Outcome:
        whole = self.whole(cfg)
        got = whole.choose(cfg, s)
        s = whole.after(cfg, s, got)
        return Outcome(got.value, (*got.events, *self.cut(cfg, s, got)[1]))

    def after(self, cfg: Config, s: Memory, result: Outcome) -> Memory:
        return self.cut(cfg, self.whole(cfg).after(cfg, s, result), result)[0]

    def cut(
        self, cfg: Config, s: Memory, got: Outcome
    ) -> tuple[Memory, tuple[Event, ...]]:
        """Make the block single pages and free those at its end: make_alloc_exact()."""
        events: tuple[Event, ...] = ()
        if got.value is None:
            return s, events
        block = held_at(s, cast(int, got.value))
        assert block is not None, "what was handed out is held"
        end, kept = block.pfn + self.pages, frames_from(block.pfn, self.pages)
        pages = (replace(block, pfn=pfn, order=0) for pfn in kept)
        s = own(disown(s, block.pfn), *pages)
        for pfn in frames_from(end, block.end - end):
            s, seen = free_the_page(cfg, s, self.cpu, self.at, pfn, 0)
            events += seen
        return s, events
