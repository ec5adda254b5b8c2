"""The walk over a zonelist.

Mirrors `spec/freelist/walk.py`; one loop with a restart, as in the kernel.

Source: mm/page_alloc.c:get_page_from_freelist, rmqueue (v5.10).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mmoracle.spec.linux import MIGRATE_MOVABLE, AllocFlags, Gfp, NodeReclaim

from ..watermark import zone_watermark_fast, zone_watermark_ok
from .request import is_zeroed
from .zone import FOREIGN, HIT, LOCAL, MISS, OTHER, Zone

HARDWALL, COMP = int(Gfp.HARDWALL), int(Gfp.COMP)
CPUSET, CMA = int(AllocFlags.CPUSET), int(AllocFlags.CMA)
HARDER, NOFRAGMENT = int(AllocFlags.HARDER), int(AllocFlags.NOFRAGMENT)
NO_WATERMARKS, KSWAPD = int(AllocFlags.NO_WATERMARKS), int(AllocFlags.KSWAPD)
NOSCAN, SOME = int(NodeReclaim.NOSCAN), int(NodeReclaim.SOME)

AGAIN = ("again",)
Event = tuple[object, ...]
Page = tuple[int, bool, bool, bool]  # zone, zeroed, compound, pfmemalloc
Ref = tuple[int, int]


class Task(NamedTuple):
    """Who asks, and from where."""

    node: int
    mems: int
    above: int
    interrupt: bool
    victim: bool
    exiting: bool
    nocma: bool
    noio: bool
    nofs: bool


class Lower(NamedTuple):
    """What the layers below answer; `reclaims[nid]` is (answer, order, blocks)."""

    fails: bool
    dirty: int
    lost: int
    cached: int
    boosts: int
    reclaims: Sequence[tuple[int, int, int]]


class Context:
    """struct alloc_context; `preferred` is a zone, none where none is eligible."""

    __slots__ = (
        "gfp",
        "highest",
        "lower",
        "mask",
        "mt",
        "nid",
        "order",
        "preferred",
        "spread",
        "task",
        "zonelist",
    )

    gfp: int
    order: int
    nid: int
    zonelist: Sequence[Zone]
    mask: int  # -1: every node
    highest: int
    mt: int
    preferred: Zone | None
    spread: bool
    task: Task
    lower: Lower


def candidates(zonelist: Sequence[Zone], highest: int, mask: int) -> Iterator[Zone]:
    """Yield the zones of a list that a request may look at. O(zones)."""
    for zone in zonelist:
        if zone.index <= highest and mask >> zone.nid & 1:
            yield zone


def cpuset_node_allowed(nid: int, gfp: int, task: Task) -> bool:
    """Say whether a task may have memory of a node. O(1)."""
    if task.interrupt or task.victim or task.mems >> nid & 1:
        return True
    if gfp & HARDWALL:
        return False
    return task.exiting or bool(task.above >> nid & 1)


def zone_statistics(preferred: Zone, zone: Zone, here: int) -> None:
    """Count a page by where it was to come from and where it went. O(1)."""
    if zone.nid == preferred.nid:
        zone.stats[HIT] += 1
    else:
        zone.stats[MISS] += 1
        preferred.stats[FOREIGN] += 1
    zone.stats[LOCAL if zone.nid == here else OTHER] += 1


class Walker:
    """Zones, and what there is to know when one is looked for."""

    over: int  # the node that was over its dirty limit last

    def __init__(
        self,
        zones: Sequence[Zone],
        *,
        orders: int,
        pageblock_order: int = 9,
        cma: int = -1,
        most: Sequence[int] = (),
        numa: bool = False,
        counts: bool = False,
        online: int = 1,
        cpusets: bool = False,
        distance: Sequence[Sequence[int]] = (),
        reclaim_distance: int = 30,
        reclaim_mode: int = 0,
        deferred: bool = False,
        unsigned_bits: int = 0,
        init: tuple[bool, bool, bool, bool] = (False, False, False, False),
    ) -> None:
        self.zones = zones
        self.orders, self.pageblock_order = orders, pageblock_order
        self.cma, self.most = cma, most
        self.numa, self.counts, self.online = numa, counts, online
        self.cpusets = cpusets
        self.distance, self.reclaim_distance = distance, reclaim_distance
        self.reclaim_mode = reclaim_mode if numa else 0
        self.deferred = deferred
        self.unsigned_bits = unsigned_bits
        self.init = init  # on alloc, on free, poisoned, poisoned with zeros
        self.events: list[Event] = []

    # -------------------------------------------------------------- taking a block

    def uses_pageset(self, order: int, mt: int, flags: int) -> bool:
        """Say whether a pageset serves a request. O(1)."""
        if order:
            return False
        return self.cma < 0 or flags & CMA != 0 or mt != MIGRATE_MOVABLE

    def rmqueue(self, ac: Context, zone: Zone, flags: int) -> bool:
        """Take a block from a zone; say whether there was one. O(orders)."""
        pageset = self.uses_pageset(ac.order, ac.mt, flags)
        found = self.take(ac, zone, flags, pageset)
        if found and self.counts and ac.preferred is not None:
            zone_statistics(ac.preferred, zone, ac.task.node)
        if zone.boosted and (found or pageset):
            zone.boosted = False
            self.events.append(("woke", zone.at))
        return found

    def take(self, ac: Context, zone: Zone, flags: int, pageset: bool) -> bool:
        """Take a block from a pageset or from the lists. O(orders)."""
        bit = 1 << zone.at
        if pageset and ac.lower.cached & bit:
            self.events.append(("pageset", zone.at))
            return True
        high = of = -1
        if not ac.lower.lost & bit:
            high, of = zone.find_block(ac.order, ac.mt, flags, self.pageblock_order)
        if high < 0:
            self.events.append(("none", zone.at))
            return False
        zone.expand(ac.order, ac.mt, high, of)
        self.events.append(("took", zone.at, high, of))
        if ac.lower.boosts & bit and flags & KSWAPD:
            zone.boosted = True
        return True

    def prep_new_page(self, ac: Context, zone: Zone, flags: int) -> Page:
        """Return a block as its owner gets it. O(1)."""
        compound = ac.order > 0 and ac.gfp & COMP != 0
        zeroed = is_zeroed(ac.gfp, *self.init)
        return zone.at, zeroed, compound, flags & NO_WATERMARKS != 0

    # -------------------------------------------------------------- may it give?

    def watermark_fast(self, ac: Context, zone: Zone, flags: int) -> bool:
        """Say whether a zone's watermark allows a request. O(orders)."""
        return zone_watermark_fast(
            zone.free,
            ac.order,
            zone.marks,
            zone.boost,
            zone.reserve[ac.highest],
            flags,
            ac.gfp,
            zone.bits,
            zone.highatomic,
            zone.free_cma,
            self.cma,
            self.unsigned_bits,
        )

    def watermark_ok(self, ac: Context, zone: Zone, flags: int, mark: int) -> bool:
        """Say so after pages were reclaimed. O(orders)."""
        return zone_watermark_ok(
            zone.free,
            ac.order,
            mark,
            zone.reserve[ac.highest],
            flags,
            zone.bits,
            zone.highatomic,
            zone.free_cma,
            self.cma,
        )

    def zone_allows_reclaim(self, local: Zone, zone: Zone) -> bool:
        """Say whether a zone is near enough to reclaim there. O(1)."""
        far = 10 if local.nid == zone.nid else 20
        if self.distance:
            far = self.distance[local.nid][zone.nid]
        return far <= self.reclaim_distance

    def node_reclaim(self, ac: Context, zone: Zone) -> int:
        """Ask a zone's node to reclaim; free what it found. O(1)."""
        told = ac.lower.reclaims
        answer, order, blocks = NOSCAN, 0, 0
        if zone.nid < len(told):
            answer, order, blocks = told[zone.nid]
        self.events.append(("reclaimed", zone.nid, answer))
        if blocks:
            most = self.most[order] if order < len(self.most) else 0
            left = max(0, most - zone.nr[order][MIGRATE_MOVABLE])
            zone.add(order, MIGRATE_MOVABLE, min(blocks, left))
        return answer

    def grow_zone(self, zone: Zone) -> bool:
        """Initialise a largest block of a zone that was left for later. O(1).

        Source: mm/page_alloc.c:deferred_grow_zone (v5.10).
        """
        if not self.deferred:
            return False
        grows = zone.deferred >= 0
        self.events.append(("grew", zone.at, grows))
        if zone.deferred > 0:
            zone.add(self.orders - 1, MIGRATE_MOVABLE, 1)
        zone.deferred -= grows
        return grows

    def may_give(self, ac: Context, zone: Zone, flags: int) -> bool:
        """Say whether a zone may give a page to a request. O(orders)."""
        ok = self.watermark_fast(ac, zone, flags)
        self.events.append(("mark", zone.at, ok))
        if ok or self.grow_zone(zone) or flags & NO_WATERMARKS:
            return True
        if not self.reclaim_mode or ac.preferred is None:
            return False
        if not self.zone_allows_reclaim(ac.preferred, zone):
            return False
        mark = zone.marks[flags & 3] + zone.boost
        if self.node_reclaim(ac, zone) < SOME:
            return False
        ok = self.watermark_ok(ac, zone, flags, mark)
        self.events.append(("mark", zone.at, ok))
        return ok

    # -------------------------------------------------------------- the walk

    def get_page_from_freelist(self, ac: Context, flags: int) -> Page | None:
        """Return the page of the first zone that gives one. O(zones * orders)."""
        if ac.preferred is None:
            return None
        self.over = -1
        while True:
            page = self.walk(ac, flags)
            if page is not None or not flags & NOFRAGMENT:
                return page
            flags &= ~NOFRAGMENT
            self.events.append(AGAIN)

    def walk(self, ac: Context, flags: int) -> Page | None:
        """Look at each zone once, up to where a walk must begin anew. O(zones)."""
        for zone in candidates(ac.zonelist, ac.highest, ac.mask):
            if self.is_forbidden(ac, zone, flags):
                self.events.append(("skipped", zone.at, "cpuset"))
                continue
            if ac.spread:
                if zone.nid == self.over:
                    self.events.append(("skipped", zone.at, "dirty"))
                    continue
                if not self.node_dirty_ok(ac, zone.nid):
                    self.over = zone.nid
                    continue
            if flags & NOFRAGMENT and self.is_remote(ac, zone):
                return None
            if self.may_give(ac, zone, flags) and self.try_this_zone(ac, zone, flags):
                if ac.order and flags & HARDER:
                    self.reserve_highatomic_pageblock(zone)
                return self.prep_new_page(ac, zone, flags)
        return None

    def try_this_zone(self, ac: Context, zone: Zone, flags: int) -> bool:
        """Take a block from a zone, which may grow for it. O(orders) each time."""
        while not self.rmqueue(ac, zone, flags):
            if not self.grow_zone(zone):
                return False
        return True

    def is_forbidden(self, ac: Context, zone: Zone, flags: int) -> bool:
        """Say whether the task's cpuset keeps the walk from a zone. O(1)."""
        if not self.cpusets or not flags & CPUSET:
            return False
        return not cpuset_node_allowed(zone.nid, ac.gfp, ac.task)

    def node_dirty_ok(self, ac: Context, nid: int) -> bool:
        """Ask whether a node is within its dirty limit. O(1)."""
        ok = not ac.lower.dirty >> nid & 1
        self.events.append(("dirty", nid, ok))
        return ok

    def is_remote(self, ac: Context, zone: Zone) -> bool:
        """Say whether a zone is of another node than the preferred one. O(1)."""
        return (
            self.online > 1
            and ac.preferred is not None
            and zone.nid != ac.preferred.nid
        )

    def reserve_highatomic_pageblock(self, zone: Zone) -> None:
        """Ask for the page block to be kept for requests like this one. O(1)."""
        self.events.append(("reserve", zone.at))
