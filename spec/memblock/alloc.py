"""Searches and allocations.

Source: mm/memblock.c (v5.10).
"""

from __future__ import annotations

from ..core import Domains, OneOf, nothing, value
from ..linux import (
    NUMA_NO_NODE,
    Addr,
    Bug,
    Errno,
)
from .change import BOTH, Change, aligned, with_kmalloc
from .regions import (
    MIRROR,
    NO_MIRROR,
    NONE,
    Config,
    Done,
    Events,
    Fill,
    Kzalloc,
    Memblock,
    Places,
    Request,
    Slab,
    Warn,
)
from .search import alloc_internal, alloc_range_nid, flag_choices


@value
class FindInRange(Change):
    """memblock_find_in_range(): look, and reserve nothing."""

    start: Addr
    end: Addr
    size: Addr
    align: int
    kmalloc: bool = True

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        if s.stopped:
            return nothing()
        limits = OneOf(cfg.limits)
        more = {"size": OneOf(cfg.sizes), "align": aligned(cfg)}
        return {"start": limits, "end": limits, **more, "kmalloc": OneOf((True,))}

    def run(self, cfg: Config, s: Memblock, places: Places) -> Done:
        events: Events = ()
        for flags in flag_choices(s):
            search = Request(
                self.size, self.align, self.start, self.end, NUMA_NO_NODE, flags
            )
            addr = places.block(cfg, s, search)
            if addr:
                return s, Addr(addr), events
            if flags is MIRROR:
                events += (NO_MIRROR,)
        return s, Addr(0), events


@value
class PhysAlloc(Change):
    """memblock_phys_alloc_range(), _try_nid() and memblock_alloc_range_nid().

    The default bounds are those of memblock_phys_alloc().
    """

    size: Addr
    align: int
    start: Addr = Addr(0)
    end: Addr = Addr(0)
    nid: int = NUMA_NO_NODE
    exact: bool = False
    kmalloc: bool = True

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        if s.stopped:
            return nothing()
        return {
            "size": OneOf(cfg.sizes),
            "align": OneOf(cfg.aligns),
            "start": OneOf(cfg.limits),
            "end": OneOf(cfg.limits),
            "nid": OneOf(cfg.nids),
            "exact": OneOf(BOTH if len(cfg.nids) > 1 else (False,)),
            "kmalloc": with_kmalloc(s),
        }

    def run(self, cfg: Config, s: Memblock, places: Places) -> Done:
        request = Request(self.size, self.align, self.start, self.end, self.nid, NONE)
        return alloc_range_nid(cfg, s, request, self.exact, self.kmalloc, places)


@value
class AllocTryNid(Change):
    """memblock_alloc_try_nid(), its _raw twin, and memblock_alloc_exact_nid_raw().

    memblock_alloc(), _from(), _low(), _node() are this with some bounds left open.
    After the slab is up a warning is printed and kzalloc_node() is asked.
    """

    size: Addr
    align: int
    min_addr: Addr = Addr(0)
    max_addr: Addr = Addr(0)
    nid: int = NUMA_NO_NODE
    exact: bool = False
    raw: bool = False
    kmalloc: bool = True

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        if s.stopped:
            return nothing()
        return {
            "size": OneOf(cfg.sizes),
            "align": OneOf(cfg.aligns),
            "min_addr": OneOf(cfg.limits),
            "max_addr": OneOf(cfg.limits),
            "nid": OneOf(cfg.nids),
            "exact": OneOf(BOTH if len(cfg.nids) > 1 else (False,)),
            "raw": OneOf(BOTH),
            "kmalloc": OneOf(BOTH if s.slab_is_up else (True,)),
        }

    def run(self, cfg: Config, s: Memblock, places: Places) -> Done:
        bounds = (self.min_addr, self.max_addr)
        request = Request(self.size, self.align, *bounds, self.nid, NONE)
        addr: Addr | Slab | Errno | Bug | None
        if s.slab_is_up:
            addr = Slab.OBJECT if self.kmalloc else Addr(0)
            return s, addr, (Warn("slab is up"), Kzalloc(self.size, self.nid))
        s, addr, events = alloc_internal(
            cfg, s, request, self.exact, self.kmalloc, places
        )
        if isinstance(addr, int) and addr and not self.raw:
            events += (Fill("zero", addr, self.size),)
        elif isinstance(addr, int) and addr and self.size:
            events += (Fill("poison", addr, self.size),)
        return s, addr, events
