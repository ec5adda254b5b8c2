"""Mistakes in what a request asks for, how its page is prepared, whose turn it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmoracle.impl.freelist import alloc, walk
from mmoracle.impl.freelist.alloc import Asked, FreeLists, Settled, Value
from mmoracle.impl.freelist.request import (
    HARDWALL,
    NOFRAGMENT,
    THISNODE,
    ZONES_SHIFT,
    alloc_flags_nofragment,
    current_alloc_flags,
    current_gfp_context,
    gfp_migratetype,
    gfp_zone,
    gfp_zone_table,
    is_zeroed,
    next_node_in,
    offset_il_node,
)
from mmoracle.impl.freelist.walk import Context, Page, Walker
from mmoracle.impl.freelist.zone import INTERLEAVE_HIT, Zone

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


# ------------------------------------------------------------------ the page


def zeros_forgotten(*args: Any) -> bool:
    """Leave what somebody else wrote in a page that must be zero."""
    return False


def zeros_twice(gfp: int, on_alloc: bool, on_free: bool, *poison: bool) -> bool:
    """Fill pages with zeros that were filled when they were freed."""
    return is_zeroed(gfp, on_alloc, False, *poison)


def zeros_on_request(gfp: int, on_alloc: bool, on_free: bool, *poison: bool) -> bool:
    """Fill a page only where zeros were asked for."""
    return is_zeroed(gfp, False, on_free, *poison)


def zeros_over_poison(gfp: int, on_alloc: bool, on_free: bool, *poison: bool) -> bool:
    """Fill every page where pages are poisoned as well."""
    return (on_alloc and not on_free) or is_zeroed(gfp, on_alloc, on_free, *poison)


def poison_is_no_zero(
    gfp: int, on_alloc: bool, on_free: bool, poisoned: bool, zero: bool
) -> bool:
    """Fill a page with zeros that is poisoned with zeros."""
    return is_zeroed(gfp, on_alloc, on_free, poisoned, False)


def joined_always(self: Walker, ac: Context, zone: Zone, flags: int) -> Page:
    """Make every block a compound page."""
    at, zeroed, _, pfmemalloc = _prep(self, ac, zone, flags)
    return at, zeroed, ac.order > 0, pfmemalloc


def joined_single(self: Walker, ac: Context, zone: Zone, flags: int) -> Page:
    """Make a single page a compound page."""
    at, zeroed, _, pfmemalloc = _prep(self, ac, zone, flags)
    return at, zeroed, ac.gfp & walk.COMP != 0, pfmemalloc


def never_pfmemalloc(self: Walker, ac: Context, zone: Zone, flags: int) -> Page:
    """Forget to mark a page of the last reserve."""
    return (*_prep(self, ac, zone, flags)[:3], False)


def pfmemalloc_when_eager(self: Walker, ac: Context, zone: Zone, flags: int) -> Page:
    """Mark a page as if no watermark had counted, where one was only lower."""
    eager = flags & (walk.HARDER | walk.NO_WATERMARKS) != 0
    return (*_prep(self, ac, zone, flags)[:3], eager)


_prep = Walker.prep_new_page

# ------------------------------------------------------------------ nodes, turns


def memoryless_is_here(self: FreeLists, node: int) -> int:
    """Take the node on which a task runs for the nearest with memory."""
    return node


def no_node_is_zero(self: FreeLists, asked: Asked) -> Settled:
    """Take no node for node 0."""
    return _settle_node(self, asked._replace(nid=max(asked.nid, 0)))


def no_node_is_bad(self: FreeLists, asked: Asked) -> Settled:
    """Refuse a request that leaves the node open."""
    return alloc.BAD_NODE if asked.nid < 0 else _settle_node(self, asked)


def any_node_number(self: FreeLists, asked: Asked) -> Settled:
    """Take the first node for one that is not there."""
    nid = asked.nid if asked.nid < self.nodes else 0
    return _settle_node(self, asked._replace(nid=nid))


_settle_node = FreeLists.settle_node


def turn_stays(nid: int, mask: int, nodes: int) -> int:
    """Stay on a node as long as it is in the policy."""
    inside = mask >> nid & 1
    return nid if inside else next_node_in(nid, mask, nodes)


def turn_from_the_first(nid: int, mask: int, nodes: int) -> int:
    """Begin with the first node each time."""
    return next_node_in(nodes - 1, mask, nodes)


def turn_ends(nid: int, mask: int, nodes: int) -> int:
    """Stop at the last node of a policy."""
    above = mask >> (nid + 1) << (nid + 1)
    return (above & -above).bit_length() - 1 if above else nodes


def turn_of_all(nid: int, mask: int, nodes: int) -> int:
    """Go round all nodes, in the policy or not."""
    return (nid + 1) % nodes if mask else nodes


def turn_forgotten(self: FreeLists, offset: int | None, nid: int) -> None:
    """Forget whose turn it was."""


def turn_by_offset(self: FreeLists, offset: int | None, nid: int) -> None:
    """Let a page with an offset take a turn, too."""
    if nid < self.nodes:
        self.il_prev = nid


def offset_of_all(offset: int, mask: int, here: int) -> int:
    """Count nodes that are not in the policy."""
    return offset % mask.bit_length() if mask else here


def offset_from_the_second(offset: int, mask: int, here: int) -> int:
    """Begin with the second node of a policy."""
    return offset_il_node(offset + 1, mask, here)


def offset_without_a_policy(offset: int, mask: int, here: int) -> int:
    """Take the first node where a policy has none."""
    return offset_il_node(offset, mask, 0)


def policy_of_interrupts(self: FreeLists, asked: Asked, mode: int) -> int:
    """Let an interrupt follow the policy of the task that it interrupts."""
    return 0 if asked.gfp & THISNODE else mode


def policy_of_one_node(self: FreeLists, asked: Asked, mode: int) -> int:
    """Let a request for one node alone follow a policy."""
    return 0 if asked.task.interrupt else mode


def bound_for_all_zones(self: FreeLists, asked: Asked, nodes: int) -> bool:
    """Bind requests for lower zones as well."""
    return not self.cpusets or nodes & asked.task.mems != 0


def bound_off_the_cpuset(self: FreeLists, asked: Asked, nodes: int) -> bool:
    """Bind a task to nodes that its cpuset has not."""
    task = asked.task._replace(mems=-1)
    return _is_bound(self, asked._replace(task=task), nodes)


def bound_never(self: FreeLists, asked: Asked, nodes: int) -> bool:
    """Bind no request."""
    return False


def bound_unless_movable(self: FreeLists, asked: Asked, nodes: int) -> bool:
    """Take nodes that have movable memory alone for others."""
    return _is_bound(self, asked, nodes | 1) and nodes != 0


def preferred_is_here(self: FreeLists, asked: Asked, mode: int, nodes: int) -> Settled:
    """Prefer the node on which the task runs."""
    return _settle_current(self, asked, mode if mode == alloc.BIND else 0, nodes)


def preferred_is_bound(self: FreeLists, asked: Asked, mode: int, nodes: int) -> Settled:
    """Bind a request to the nodes that it only prefers."""
    asked = asked._replace(mask=nodes, masked=True) if mode == 1 and nodes else asked
    return _settle_current(self, asked, mode, nodes)


_is_bound, _settle_current = FreeLists.is_bound, FreeLists.settle_current


def interleaved_anywhere(self: FreeLists, got: Value, nid: int) -> None:
    """Count a page as interleaved that came from another node."""
    if self.counts and isinstance(got, tuple) and len(got) == 4:
        self.zones[got[0]].stats[INTERLEAVE_HIT] += 1


def interleaved_nowhere(self: FreeLists, got: Value, nid: int) -> None:
    """Count no page as interleaved."""


def interleaved_unserved(self: FreeLists, got: Value, nid: int) -> None:
    """Count a page as interleaved that the slow path has yet to find."""
    _count(self, got, nid)
    if self.counts and isinstance(got, tuple) and len(got) != 4:
        self.zones[nid].stats[INTERLEAVE_HIT] += 1


_count = FreeLists.count_interleaved

# ------------------------------------------------------------------ others


def free_two(self: FreeLists, at: int, order: int, mt: int) -> None:
    """Free a block twice."""
    self.zones[at].add(order, mt, 2)


def free_as_movable(self: FreeLists, at: int, order: int, mt: int) -> None:
    """Free every block as a movable one."""
    self.zones[at].add(order, 1, 1)


def take_none(self: FreeLists, at: int, order: int, mt: int) -> None:
    """Leave a block on its list that somebody takes."""


def take_another(self: FreeLists, at: int, order: int, mt: int) -> None:
    """Take a block of another type."""
    self.zones[at].add(order, (mt + 1) % 3, -1)


def boost_silently(self: FreeLists, at: int, boost: int) -> None:
    """Boost a watermark and leave kswapd asleep."""
    self.zones[at].boost = boost


def boost_ends_the_alarm(self: FreeLists, at: int, boost: int) -> None:
    """Forget that kswapd is to be woken when the boost ends."""
    zone = self.zones[at]
    zone.boost, zone.boosted = boost, boost > 0


def reserve_adds(self: FreeLists, at: int, pages: int) -> None:
    """Add to the high-atomic reserve for ever."""
    self.zones[at].highatomic += pages


# ------------------------------------------------------------------ other policies


def any_zone_fails(self: FreeLists, ac: Context, flags: int) -> list[Zone]:
    """Fail a request although a zone may serve it."""
    return _usable(self, ac, flags)[1:]


def any_mark(self: FreeLists, ac: Context, flags: int) -> list[Zone]:
    """Serve a request from a zone below its mark."""
    return _usable(self, ac, flags | walk.NO_WATERMARKS)


def any_page(self: FreeLists, ac: Context, zone: Zone, flags: int) -> bool:
    """Serve a request from a zone whose pages are gone."""
    lower, ac.lower = ac.lower, ac.lower._replace(lost=0)
    found = _has_page(self, ac, zone, flags)
    ac.lower = lower
    return found


_usable, _has_page = FreeLists.usable, FreeLists.has_page

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
    ("zero-never", "PREP", "tiny-init", walk, "is_zeroed", zeros_forgotten),
    ("zero-twice", "PREP", "tiny-init-on-free", walk, "is_zeroed", zeros_twice),
    ("zero-asked", "PREP", "tiny-init-on-alloc", walk, "is_zeroed", zeros_on_request),
    ("zero-over-poison", "PREP", "tiny-poison", walk, "is_zeroed", zeros_over_poison),
    ("zero-poison", "PREP", "tiny-poison-zero", walk, "is_zeroed", poison_is_no_zero),
    ("comp-always", "PREP", "tiny-init", Walker, "prep_new_page", joined_always),
    ("comp-single", "PREP", "tiny-init", Walker, "prep_new_page", joined_single),
    ("pfmemalloc", "PREP", "tiny-flags", Walker, "prep_new_page", never_pfmemalloc),
    (
        "pfmemalloc-eager",
        "PREP",
        "tiny-flags",
        Walker,
        "prep_new_page",
        pfmemalloc_when_eager,
    ),
    ("node-memoryless", GO, "tiny-nodes", FreeLists, "numa_mem_id", memoryless_is_here),
    ("node-zero", GO, "tiny-nodes", FreeLists, "settle_node", no_node_is_zero),
    ("node-open", GO, "tiny-nodes", FreeLists, "settle_node", no_node_is_bad),
    ("node-number", RET, "tiny-nodes", FreeLists, "settle_node", any_node_number),
    ("turn-stays", GO, "tiny-turns", alloc, NEXT, turn_stays),
    ("turn-first", GO, "tiny-turns", alloc, NEXT, turn_from_the_first),
    ("turn-ends", GO, "tiny-turns", alloc, NEXT, turn_ends),
    ("turn-of-all", GO, "tiny-turns", alloc, NEXT, turn_of_all),
    ("turn-forgotten", STATE, "tiny-turns", FreeLists, "turn", turn_forgotten),
    ("turn-by-offset", STATE, "tiny-turns", FreeLists, "turn", turn_by_offset),
    ("offset-of-all", GO, "tiny-turns", alloc, BY, offset_of_all),
    ("offset-second", GO, "tiny-turns", alloc, BY, offset_from_the_second),
    ("offset-nowhere", GO, "tiny-turns", alloc, BY, offset_without_a_policy),
    (
        "interleaved-anywhere",
        "NUMA-SUM",
        "tiny-counted-turns",
        FreeLists,
        COUNTED,
        interleaved_anywhere,
    ),
    (
        "interleaved-nowhere",
        STATE,
        "tiny-counted-turns",
        FreeLists,
        COUNTED,
        interleaved_nowhere,
    ),
    (
        "interleaved-unserved",
        "ALLOC-ATOMIC",
        "tiny-counted-turns",
        FreeLists,
        COUNTED,
        interleaved_unserved,
    ),
    (
        "policy-interrupt",
        GO,
        "tiny-policies",
        FreeLists,
        "heeded",
        policy_of_interrupts,
    ),
    (
        "policy-one-node",
        "II-N1",
        "tiny-policies",
        FreeLists,
        "heeded",
        policy_of_one_node,
    ),
    ("bound-all", GO, "tiny-policies", FreeLists, "is_bound", bound_for_all_zones),
    ("bound-cpuset", GO, "tiny-policies", FreeLists, "is_bound", bound_off_the_cpuset),
    ("bound-never", "II-N2", "tiny-policies", FreeLists, "is_bound", bound_never),
    ("bound-movable", GO, "tiny-policies", FreeLists, "is_bound", bound_unless_movable),
    ("preferred-here", GO, "tiny-policies", FreeLists, CURRENT, preferred_is_here),
    ("preferred-bound", GO, "tiny-policies", FreeLists, CURRENT, preferred_is_bound),
    ("free-two", "BUD-CONSERVE", "tiny", FreeLists, "free_block", free_two),
    ("free-movable", STATE, "tiny-types", FreeLists, "free_block", free_as_movable),
    ("take-none", "BUD-CONSERVE", "tiny", FreeLists, "take_block", take_none),
    ("take-another", "BUD-COUNT", "tiny-types", FreeLists, "take_block", take_another),
    ("boost-silently", STATE, "tiny-flags", FreeLists, "set_boost", boost_silently),
    ("boost-alarm", STATE, "tiny-flags", FreeLists, "set_boost", boost_ends_the_alarm),
    ("reserve-adds", STATE, "tiny-flags", FreeLists, "set_reserve", reserve_adds),
    ("any-fails", "COMPLETE", "tiny-any", FreeLists, "usable", any_zone_fails),
    ("any-mark", "WM-DECIDE", "tiny-any", FreeLists, "usable", any_mark),
    ("any-page", "ZL-PAGE", "tiny-any", FreeLists, "has_page", any_page),
)
