"""Operations on a range: add, reserve, remove, free, flags, nodes, no-map.

Source: mm/memblock.c, drivers/of/fdt.c (v5.10).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..core import Domains, OneOf, value
from ..linux import (
    MAX_NUMNODES,
    Addr,
    Errno,
    MemblockFlags,
)
from .arrays import (
    add_range,
    free,
    inside,
    isolate_range,
    merged,
    of,
    remove_range,
    with_array,
)
from .change import BOTH, HOLDS_ARRAY, Change, on_ranges, touches_array, with_kmalloc
from .regions import (
    HOTPLUG,
    MEMORY,
    MIRROR,
    NOMAP,
    NONE,
    RESERVED,
    Config,
    Done,
    Memblock,
    Places,
    Range,
    Region,
    Regions,
    cap_size,
    overlaps,
)


@value
class Add(Change):
    """memblock_add(), or memblock_add_node() when a node is given."""

    base: Addr
    size: Addr
    nid: int = MAX_NUMNODES
    kmalloc: bool = True

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        nids = OneOf((MAX_NUMNODES, *(n for n in cfg.nids if n >= 0)))
        return on_ranges(cfg, s, nid=nids, kmalloc=with_kmalloc(s))

    def run(self, cfg: Config, s: Memblock, places: Places) -> Done:
        range_ = (self.base, self.size)
        return add_range(cfg, s, MEMORY, range_, self.nid, NONE, self.kmalloc, places)


@value
class Reserve(Change):
    """memblock_reserve()."""

    base: Addr
    size: Addr
    kmalloc: bool = True

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        return on_ranges(cfg, s, kmalloc=with_kmalloc(s))

    def run(self, cfg: Config, s: Memblock, places: Places) -> Done:
        range_, nid = (self.base, self.size), MAX_NUMNODES
        return add_range(cfg, s, RESERVED, range_, nid, NONE, self.kmalloc, places)


@value
class Remove(Change):
    """memblock_remove()."""

    base: Addr
    size: Addr
    kmalloc: bool = True

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        return on_ranges(cfg, s, kmalloc=with_kmalloc(s))

    def run(self, cfg: Config, s: Memblock, places: Places) -> Done:
        range_ = (self.base, self.size)
        return remove_range(cfg, s, MEMORY, range_, self.kmalloc, places)


@value
class Free(Change):
    """memblock_free() and its aliases free_early, free_early_nid.

    Freeing what was never reserved is legal; freeing a region array is diagnosed.
    """

    base: Addr
    size: Addr
    kmalloc: bool = True

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        return on_ranges(cfg, s, kmalloc=with_kmalloc(s))

    def run(self, cfg: Config, s: Memblock, places: Places) -> Done:
        end = self.base + cap_size(cfg, self.base, self.size)
        if touches_array(cfg, s, self.base, end):
            return s, HOLDS_ARRAY, ()
        return free(cfg, s, (self.base, self.size), self.kmalloc, places)


HOW = {
    "mark_hotplug": (HOTPLUG, True),
    "clear_hotplug": (HOTPLUG, False),
    "mark_mirror": (MIRROR, True),
    "mark_nomap": (NOMAP, True),
    "clear_nomap": (NOMAP, False),
}


@value
class SetFlag(Change):
    """memblock_mark_hotplug/mirror/nomap() and memblock_clear_hotplug/nomap().

    Marking mirrored memory also makes every later search prefer it.
    """

    base: Addr
    size: Addr
    how: str
    kmalloc: bool = True

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        how = OneOf(tuple(name for name, (flag, _) in HOW.items() if flag in cfg.flags))
        return on_ranges(cfg, s, how=how, kmalloc=with_kmalloc(s))

    def run(self, cfg: Config, s: Memblock, places: Places) -> Done:
        if self.how not in HOW:
            return s, Errno.EINVAL, ()
        flag, on = HOW[self.how]
        s = replace(s, has_mirror=s.has_mirror or flag is MIRROR)
        return set_flag(cfg, s, (self.base, self.size), flag, on, self.kmalloc, places)


def set_flag(
    cfg: Config,
    s: Memblock,
    range_: Range,
    flag: MemblockFlags,
    on: bool,
    kmalloc: bool,
    places: Places,
) -> Done:
    """memblock_setclr_flag(): isolate, change, merge."""

    def changed(r: Region) -> Region:
        return replace(r, flags=r.flags | flag if on else r.flags & ~flag)

    return edit(cfg, s, MEMORY, range_, changed, kmalloc, places)


def edit(
    cfg: Config,
    s: Memblock,
    kind: str,
    range_: Range,
    changed: Callable[[Region], Region],
    kmalloc: bool,
    places: Places,
) -> Done:
    """Isolate a range, change the regions inside, merge."""
    s, fit, events = isolate_range(cfg, s, kind, range_, kmalloc, places)
    if not fit:
        return s, Errno.ENOMEM, events
    regions = tuple(
        changed(r) if inside(cfg, r, *range_) else r for r in of(s, kind).regions
    )
    t = replace(of(s, kind), regions=merged(regions))
    return with_array(s, kind, t), None, events


@value
class SetNode(Change):
    """memblock_set_node() on one of the two arrays."""

    base: Addr
    size: Addr
    kind: str
    nid: int
    kmalloc: bool = True

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        nids = OneOf(tuple(n for n in cfg.nids if n >= 0))
        kinds = OneOf((MEMORY, RESERVED))
        return on_ranges(cfg, s, kind=kinds, nid=nids, kmalloc=with_kmalloc(s))

    def run(self, cfg: Config, s: Memblock, places: Places) -> Done:
        range_ = (self.base, self.size)
        return set_node(cfg, s, self.kind, range_, self.nid, self.kmalloc, places)


def set_node(
    cfg: Config,
    s: Memblock,
    kind: str,
    range_: Range,
    nid: int,
    kmalloc: bool,
    places: Places,
) -> Done:
    """Give a range of one array a node."""

    def moved(r: Region) -> Region:
        return replace(r, nid=nid)

    return edit(cfg, s, kind, range_, moved, kmalloc, places)


@value
class ReserveDt(Change):
    """early_init_dt_reserve_memory_arch(): a device tree's reservation, maybe no-map.

    Memory that is in use is never taken out of the map.
    """

    base: Addr
    size: Addr
    nomap: bool
    kmalloc: bool = True

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        return on_ranges(cfg, s, nomap=OneOf(BOTH), kmalloc=with_kmalloc(s))

    def run(self, cfg: Config, s: Memblock, places: Places) -> Done:
        range_ = (self.base, self.size)
        if not self.nomap:
            nid = MAX_NUMNODES
            return add_range(cfg, s, RESERVED, range_, nid, NONE, self.kmalloc, places)
        if meets(cfg, s.memory, *range_) and meets(cfg, s.reserved, *range_):
            return s, Errno.EBUSY, ()
        return set_flag(cfg, s, range_, NOMAP, True, self.kmalloc, places)


def meets(cfg: Config, t: Regions, base: int, size: int) -> bool:
    """Say whether a range intersects an array (memblock_overlaps_region)."""
    end = base + cap_size(cfg, base, size)
    return any(overlaps(base, end, r) for r in t.regions)
