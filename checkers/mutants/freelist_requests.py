"""Mistakes in what a request asks for, how its page is prepared, whose turn it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmoracle.impl.freelist import alloc
from mmoracle.impl.freelist.alloc import Asked, FreeLists, Settled
from mmoracle.impl.freelist.request import (
    HARDWALL,
    NOFRAGMENT,
    ZONES_SHIFT,
    alloc_flags_nofragment,
    current_alloc_flags,
    current_gfp_context,
    gfp_migratetype,
    gfp_zone,
    gfp_zone_table,
)
from mmoracle.impl.freelist.walk import Context

DMA, HIGHMEM, DMA32, MOVABLE = 1, 2, 4, 8

# ------------------------------------------------------------------ zones and types


def entry(table: int, bits: int, index: int) -> int:
    """Return a table with one entry replaced."""
    place = bits * ZONES_SHIFT
    return table & ~(7 << place) | index << place


def movable_alone(kinds: Sequence[int]) -> int:
    """Take a request that can be moved for one that may use ZONE_MOVABLE."""
    return entry(gfp_zone_table(kinds), MOVABLE, len(kinds) - 1)


def movable_not_at_all(kinds: Sequence[int]) -> int:
    """Take a movable request of high memory for one of high memory."""
    table = gfp_zone_table(kinds)
    return entry(table, MOVABLE | HIGHMEM, table >> HIGHMEM * ZONES_SHIFT & 7)


def highmem_is_movable(kinds: Sequence[int]) -> int:
    """Give high memory that cannot be moved from ZONE_MOVABLE."""
    return entry(gfp_zone_table(kinds), HIGHMEM, len(kinds) - 1)


def dma_is_zero(kinds: Sequence[int]) -> int:
    """Take the lowest zone for ZONE_DMA32."""
    return entry(gfp_zone_table(kinds), DMA32, 0)


def dma_is_above(kinds: Sequence[int]) -> int:
    """Give memory for DMA from one zone above."""
    table = gfp_zone_table(kinds)
    return entry(table, DMA, (table >> DMA * ZONES_SHIFT & 7) + 1)


def movable_dma_is_normal(kinds: Sequence[int]) -> int:
    """Forget the entry of a movable request for DMA."""
    table = gfp_zone_table(kinds)
    return entry(table, MOVABLE | DMA, table & 7)


def movable_dma32_is_normal(kinds: Sequence[int]) -> int:
    """Forget the entry of a movable request for 32-bit DMA."""
    table = gfp_zone_table(kinds)
    return entry(table, MOVABLE | DMA32, table & 7)


def any_zones(gfp: int, table: int) -> int:
    """Serve a request for two zones at once from the lower one."""
    bits = gfp & 7
    return gfp_zone(bits & -bits | gfp & MOVABLE, table)


def any_types(gfp: int, grouping: bool) -> int:
    """Take a request that is movable and reclaimable for a movable one."""
    mt = gfp_migratetype(gfp, grouping)
    return 1 if mt < 0 else mt


def types_ungrouped(gfp: int, grouping: bool) -> int:
    """Tell types apart on a machine that is too small for it."""
    return gfp_migratetype(gfp, True)


def types_swapped(gfp: int, grouping: bool) -> int:
    """Take movable for reclaimable."""
    return (0, 2, 1)[mt] if (mt := gfp_migratetype(gfp, grouping)) >= 0 else mt


# ------------------------------------------------------------------ alloc flags


def cma_for_all(gfp: int, flags: int, has_cma: bool, nocma: bool) -> int:
    """Let every request use CMA, those as well that cannot be moved."""
    return current_alloc_flags(gfp | MOVABLE, flags, has_cma, nocma)


def cma_for_the_pinned(gfp: int, flags: int, has_cma: bool, nocma: bool) -> int:
    """Let a task use CMA that pins its pages."""
    return current_alloc_flags(gfp, flags, has_cma, False)


def cma_for_none(gfp: int, flags: int, has_cma: bool, nocma: bool) -> int:
    """Let no request use CMA."""
    return flags


def fragment_at_once(*args: Any) -> int:
    """Mix migrate types in the first walk."""
    return _nofragment(*args) & ~NOFRAGMENT


def fragment_nowhere(*args: Any) -> int:
    """Avoid fragments whatever the preferred zone is."""
    return _nofragment(*args) | NOFRAGMENT


def fragment_unlike_uma(
    gfp: int, index: int, normal: int, dma32: bool, nodes: int, below: bool
) -> int:
    """Avoid fragments although a node has no other zone."""
    return _nofragment(gfp, index, normal, dma32, nodes, True)


def fragment_without_dma32(
    gfp: int, index: int, normal: int, dma32: bool, nodes: int, below: bool
) -> int:
    """Avoid fragments although there is no ZONE_DMA32."""
    return _nofragment(gfp, index, normal, True, nodes, below)


_nofragment = alloc_flags_nofragment


def low_is_min(self: FreeLists, asked: Asked, ac: Context) -> int:
    """Let the first attempt go down to the lowest mark."""
    return _prepare(self, asked, ac) & ~3


def walls_of_the_slow_path(self: FreeLists, asked: Asked, ac: Context, gfp: int) -> Any:
    """Hand the hard wall of the first attempt over."""
    return _slow_path(self, asked, ac, gfp | (HARDWALL if self.cpusets else 0))


_prepare, _slow_path = FreeLists.prepare_alloc_pages, FreeLists.slow_path

# ------------------------------------------------------------------ answered at once


def largest_is_too_large(self: FreeLists, asked: Asked) -> Settled:
    """Refuse the largest order there is."""
    return None if asked.order >= self.orders - 1 else _settle(self, asked)


def too_large_is_slow(self: FreeLists, asked: Asked) -> Settled:
    """Hand a request that is too large to the slow path."""
    settled = _settle(self, asked._replace(order=min(asked.order, self.orders - 1)))
    if asked.order >= self.orders and isinstance(settled, tuple):
        settled[0].preferred = None
    return settled


def faults_ignored(self: FreeLists, asked: Asked) -> Settled:
    """Serve a request that was to fail."""
    return _settle(self, asked._replace(lower=asked.lower._replace(fails=False)))


def boot_ignored(self: FreeLists, asked: Asked) -> Settled:
    """Let a request at boot do what it must not do yet."""
    allowed, self.allowed = self.allowed, -1
    try:
        return _settle(self, asked)
    finally:
        self.allowed = allowed


_settle = FreeLists.settle


def scope_keeps_files(gfp: int, noio: bool, nofs: bool) -> int:
    """Take only what a scope without IO names, not what it implies."""
    return gfp & ~0x40 if noio else current_gfp_context(gfp, noio, nofs)


def scope_of_files_ignored(gfp: int, noio: bool, nofs: bool) -> int:
    """Forget a scope without file systems."""
    return current_gfp_context(gfp, noio, False)


def scope_forgotten(gfp: int, noio: bool, nofs: bool) -> int:
    """Forget a task's scope."""
    return gfp


def scope_from_the_start(gfp: int, noio: bool, nofs: bool) -> int:
    """Take away a request's IO although only files are out of bounds."""
    return gfp & ~0xC0 if noio or nofs else gfp


GO, STATE, RET = "ZL-ORDER", "EXACT-STATE", "RET-CODE"
CURRENT = "settle_current"
TABLE_OF, GIVES = "gfp_zone_table", "gfp_migratetype"
CMA, FRAGMENT = "current_alloc_flags", "alloc_flags_nofragment"
SCOPE, COUNTED = "current_gfp_context", "count_interleaved"
PREPARE, NEXT, BY = "prepare_alloc_pages", "next_node_in", "offset_il_node"

TABLE = (
    ("gfp-movable-alone", "ZL-RANGE", "tiny-zones", alloc, TABLE_OF, movable_alone),
    ("gfp-movable", GO, "tiny-zones", alloc, TABLE_OF, movable_not_at_all),
    ("gfp-highmem", "ZL-RANGE", "tiny-zones", alloc, TABLE_OF, highmem_is_movable),
    ("gfp-dma32", GO, "tiny-zones", alloc, TABLE_OF, dma_is_zero),
    ("gfp-dma", "ZL-RANGE", "tiny-zones", alloc, TABLE_OF, dma_is_above),
    (
        "gfp-movable-dma",
        "ZL-RANGE",
        "tiny-zones",
        alloc,
        TABLE_OF,
        movable_dma_is_normal,
    ),
    (
        "gfp-movable-dma32",
        "ZL-RANGE",
        "tiny-zones",
        alloc,
        TABLE_OF,
        movable_dma32_is_normal,
    ),
    ("gfp-two-zones", RET, "tiny-zones", alloc, "gfp_zone", any_zones),
    ("type-both", RET, "tiny-zones", alloc, GIVES, any_types),
    ("type-ungrouped", GO, "tiny-ungrouped", alloc, GIVES, types_ungrouped),
    ("type-swapped", GO, "tiny-types", alloc, GIVES, types_swapped),
    ("cma-all", "WM-DECIDE", "tiny-cma", alloc, CMA, cma_for_all),
    ("cma-pinned", "WM-DECIDE", "tiny-cma", alloc, CMA, cma_for_the_pinned),
    ("cma-none", "WM-DECIDE", "tiny-cma", alloc, CMA, cma_for_none),
    ("fragment-at-once", GO, "tiny", alloc, FRAGMENT, fragment_at_once),
    ("fragment-nowhere", GO, "tiny", alloc, FRAGMENT, fragment_nowhere),
    ("fragment-uneven", GO, "tiny-uneven", alloc, FRAGMENT, fragment_unlike_uma),
    ("fragment-no-dma32", GO, "tiny-scope", alloc, FRAGMENT, fragment_without_dma32),
    ("low-is-min", "WM-DECIDE", "tiny", FreeLists, PREPARE, low_is_min),
    ("slow-wall", RET, "tiny-cpuset", FreeLists, "slow_path", walls_of_the_slow_path),
    ("order-largest", GO, "tiny-init", FreeLists, "settle", largest_is_too_large),
    ("order-too-large", RET, "tiny", FreeLists, "settle", too_large_is_slow),
    ("fault-ignored", RET, "tiny", FreeLists, "settle", faults_ignored),
    ("boot-ignored", RET, "tiny-boot", FreeLists, "settle", boot_ignored),
    ("scope-files", RET, "tiny-scope", alloc, SCOPE, scope_keeps_files),
    ("scope-nofs", RET, "tiny-scope", alloc, SCOPE, scope_of_files_ignored),
    ("scope-none", RET, "tiny-scope", alloc, SCOPE, scope_forgotten),
    ("scope-io", RET, "tiny-scope", alloc, SCOPE, scope_from_the_start),
)
