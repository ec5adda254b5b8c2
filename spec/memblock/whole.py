"""Operations on memory as a whole, and memblock's switches.

Source: mm/memblock.c (v5.10).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from itertools import pairwise

from ..core import Domains, OneOf, nothing, require, value
from ..linux import Addr, Bug
from .arrays import inside, isolate_range, keep, remove_range, with_array
from .change import (
    BOTH,
    HOLDS_ARRAY,
    Change,
    aligned,
    on_ranges,
    touches_array,
    with_kmalloc,
)
from .regions import (
    CAP_WRAPS,
    MEMORY,
    NOMAP,
    NOT_ZERO,
    RESERVED,
    TRIM_KEEPS_TOTAL,
    TRIM_WRAPS,
    Config,
    Done,
    Memblock,
    Outcome,
    Places,
    cap_size,
    round_down,
    round_up,
)

WRAPS_OVER = Bug("trimming would wrap the last region over lower ones")


@value
class TrimMemory(Change):
    """memblock_trim_memory(): cut every memory region to whole `align` units.

    5.10 counts in total_size what it trims, and wraps at the top (both quirks).  A
    region that would wrap over others, and so ruin the order, is diagnosed.
    """

    align: int
    kmalloc: bool = True

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        if s.stopped:
            return nothing()
        return {"align": aligned(cfg), "kmalloc": OneOf((True,))}

    def run(self, cfg: Config, s: Memblock, places: Places) -> Done:
        trimmed, total = [], s.memory.total_size
        for r in s.memory.regions:
            start = round_up(cfg, r.base, self.align)
            if start < r.base and TRIM_WRAPS not in cfg.quirks:
                start = cfg.top
            end = round_down(r.end, self.align)
            left = Addr(max(0, end - start))
            if left:
                trimmed.append(replace(r, base=Addr(start), size=left))
            if not left or TRIM_KEEPS_TOTAL not in cfg.quirks:
                total = Addr((total - r.size + left) & cfg.top)
        if any(lower.end > upper.base for lower, upper in pairwise(trimmed)):
            return s, WRAPS_OVER, ()
        t = replace(s.memory, regions=tuple(trimmed), total_size=total)
        odd = s.memory.regions and not trimmed and total
        return with_array(s, MEMORY, t), None, (NOT_ZERO,) if odd else ()


@value
class CapMemoryRange(Change):
    """memblock_cap_memory_range(): forget memory outside a range, but for NOMAP.

    Like the two limits below it belongs before memblock_allow_resize(): later it might
    cut off an array that it has just made grow.
    """

    base: Addr
    size: Addr
    kmalloc: bool = True

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        if s.can_resize:
            return nothing()
        return on_ranges(cfg, s, kmalloc=with_kmalloc(s))

    def run(self, cfg: Config, s: Memblock, places: Places) -> Done:
        return cap_range(cfg, s, self.base, self.size, self.kmalloc, places)


def cap_range(
    cfg: Config, s: Memblock, base: int, size: int, kmalloc: bool, places: Places
) -> Done:
    """Keep memory inside a range and NOMAP outside; keep reservations inside."""
    if not size:
        return s, None, ()
    if CAP_WRAPS not in cfg.quirks:
        size = cap_size(cfg, base, size)
    end = (base + size) & cfg.top
    if touches_array(cfg, s, 0, base) or touches_array(cfg, s, end, cfg.top):
        return s, HOLDS_ARRAY, ()
    s, fit, events = isolate_range(cfg, s, MEMORY, (base, size), kmalloc, places)
    if not fit:
        return s, None, events
    was = s.memory
    s, _, events = keep(
        cfg,
        s,
        MEMORY,
        events,
        lambda r: NOMAP in r.flags or inside(cfg, r, base, size),
    )
    if not was.regions and was.total_size:
        events += (NOT_ZERO,)  # the loop removes even the dummy
    s, _, low = remove_range(cfg, s, RESERVED, (0, base), kmalloc, places)
    s, _, high = remove_range(cfg, s, RESERVED, (end, cfg.top), kmalloc, places)
    return s, None, events + low + high


def limit_address(cfg: Config, s: Memblock, limit: int) -> int:
    """Return the address behind the first `limit` bytes of memory, top if fewer."""
    for r in s.memory.regions:
        if limit <= r.size:
            return r.base + limit
        limit -= r.size
    return cfg.top


def on_limits(cfg: Config, s: Memblock) -> Domains:
    """Return the domains of a limit, which belongs before the arrays may grow."""
    if s.stopped or s.can_resize:
        return nothing()
    return {"limit": OneOf(cfg.limits), "kmalloc": with_kmalloc(s)}


@value
class EnforceMemoryLimit(Change):
    """memblock_enforce_memory_limit(): use only the first `limit` bytes of memory."""

    limit: int
    kmalloc: bool = True

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        return on_limits(cfg, s)

    def run(self, cfg: Config, s: Memblock, places: Places) -> Done:
        end = limit_address(cfg, s, self.limit)
        if not self.limit or end == cfg.top:
            return s, None, ()
        if touches_array(cfg, s, end, cfg.top):
            return s, HOLDS_ARRAY, ()
        above = (end, cfg.top)
        s, _, events = remove_range(cfg, s, MEMORY, above, self.kmalloc, places)
        s, _, more = remove_range(cfg, s, RESERVED, above, self.kmalloc, places)
        return s, None, events + more


@value
class MemLimitRemoveMap(Change):
    """memblock_mem_limit_remove_map(): as above, but NOMAP regions stay."""

    limit: int
    kmalloc: bool = True

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        return on_limits(cfg, s)

    def run(self, cfg: Config, s: Memblock, places: Places) -> Done:
        end = limit_address(cfg, s, self.limit)
        if not self.limit or end == cfg.top:
            return s, None, ()
        return cap_range(cfg, s, 0, end, self.kmalloc, places)


class Switch(ABC):
    """A switch of memblock: it answers nothing and never fails."""

    __slots__ = ()

    @abstractmethod
    def turned(self, s: Memblock) -> Memblock:
        """Return the state with the switch thrown."""
        ...

    def choose(self, cfg: Config, s: Memblock) -> Outcome:
        """Return what Linux answers."""
        return Outcome()

    def after(self, cfg: Config, s: Memblock, result: Outcome) -> Memblock:
        """Return the next state, if nothing was answered."""
        require(result == Outcome(), "RET-CODE", f"nothing is due, got {result}")
        return self.turned(s)


@value
class SetCurrentLimit(Switch):
    """memblock_set_current_limit(): no search goes above it."""

    limit: Addr

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        return nothing() if s.stopped else {"limit": OneOf(cfg.limits)}

    def turned(self, s: Memblock) -> Memblock:
        return replace(s, current_limit=self.limit)


@value
class SetBottomUp(Switch):
    """memblock_set_bottom_up()."""

    on: bool

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        return nothing() if s.stopped else {"on": OneOf(BOTH)}

    def turned(self, s: Memblock) -> Memblock:
        return replace(s, bottom_up=self.on)


@value
class AllowResize(Switch):
    """memblock_allow_resize(): from now on the arrays may grow."""

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        return nothing() if s.stopped else {}

    def turned(self, s: Memblock) -> Memblock:
        return replace(s, can_resize=True)


@value
class SlabIsUp(Switch):
    """slab_is_available() turns true: arrays and blocks come from kmalloc now."""

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        return nothing() if s.stopped else {}

    def turned(self, s: Memblock) -> Memblock:
        return replace(s, slab_is_up=True)
