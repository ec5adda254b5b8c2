"""Requests: what they are walked with, and what is handed to the slow path.

Mirrors `spec/freelist/alloc.py`, `change.py` and `others.py`.

Source: mm/page_alloc.c:__alloc_pages_nodemask, mm/mempolicy.c (v5.10).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mmoracle.spec.linux import GFP_BITS_MASK, GFP_KERNEL, AllocFlags, Bug, Gfp

from .request import (
    BAD_TYPE,
    BAD_ZONE,
    THISNODE,
    alloc_flags_nofragment,
    current_alloc_flags,
    current_gfp_context,
    gfp_migratetype,
    gfp_zone,
    gfp_zone_table,
    next_node_in,
    offset_il_node,
)
from .walk import (
    CPUSET,
    HARDWALL,
    NO_WATERMARKS,
    NOFRAGMENT,
    Context,
    Lower,
    Page,
    Task,
    Walker,
    candidates,
    zone_statistics,
)
from .zone import INTERLEAVE_HIT, Zone

DMA32, NORMAL, MOVABLE = 1, 2, 4  # enum zone_type
PREFERRED, BIND, INTERLEAVE = 1, 2, 3  # MPOL_*
WMARK_LOW, WRITE = int(AllocFlags.WMARK_LOW), int(Gfp.WRITE)
BAD_NODE = Bug("there is no such node")
Slow = tuple[int, int, int, int, str]  # gfp, preferred zone, highest, type, "slow"
Value = Page | Slow | Bug | None
Settled = tuple[Context, int, Value] | Bug | None


class Asked(NamedTuple):
    """A request; `mask` is -1 for every node, `masked` says that one was given."""

    gfp: int
    order: int
    nid: int
    mask: int
    masked: bool
    task: Task
    lower: Lower


class FreeLists(Walker):
    """A machine's zones and zonelists, from which requests are served."""

    def __init__(
        self,
        zones: Sequence[Zone],
        fallback: Sequence[Sequence[tuple[int, int]]],
        own: Sequence[Sequence[tuple[int, int]]],
        kinds: Sequence[int],
        *,
        grouping: bool = True,
        allowed: int = GFP_BITS_MASK,
        memoryless: bool = True,
        linux: bool = True,
        **more: object,
    ) -> None:
        super().__init__(zones, **more)  # type: ignore[arg-type]
        self.by_ref = {(zone.nid, zone.index): zone for zone in zones}
        self.fallback = [[self.by_ref[ref] for ref in refs] for refs in fallback]
        self.own = [[self.by_ref[ref] for ref in refs] for refs in own]
        self.nodes = len(fallback)
        self.online = sum(1 for refs in fallback if refs)
        self.table = gfp_zone_table(kinds)
        self.dma32, self.normal = DMA32 in kinds, list(kinds).index(NORMAL)
        self.movable = list(kinds).index(MOVABLE)
        self.grouping, self.allowed = grouping, allowed
        self.memoryless, self.linux = memoryless, linux
        self.il_prev = self.nodes - 1

    # -------------------------------------------------------------- before the walk

    def node_zonelist(self, nid: int, gfp: int) -> Sequence[Zone]:
        """Return the zonelist that a request walks. O(1)."""
        return (self.own if self.numa and gfp & THISNODE else self.fallback)[nid]

    def prepare(self, asked: Asked, gfp: int) -> Context | Bug:
        """Return the context of a walk. O(zones)."""
        highest = gfp_zone(gfp, self.table)
        if highest < 0:
            return BAD_ZONE
        if not 0 <= asked.nid < self.nodes or not self.fallback[asked.nid]:
            return BAD_NODE
        mt = gfp_migratetype(gfp, self.grouping)
        if mt < 0:
            return BAD_TYPE
        ac = Context()
        ac.gfp, ac.order, ac.nid = gfp, asked.order, asked.nid
        ac.zonelist = self.node_zonelist(asked.nid, gfp)
        ac.mask, ac.highest, ac.mt = asked.mask, highest, mt
        ac.spread, ac.task, ac.lower = False, asked.task, asked.lower
        self.first_zone(ac)
        return ac

    def first_zone(self, ac: Context) -> None:
        """Find the preferred zone. O(zones)."""
        ac.preferred = next(candidates(ac.zonelist, ac.highest, ac.mask), None)

    def prepare_alloc_pages(self, asked: Asked, ac: Context) -> int:
        """Settle a context for the first attempt; return its alloc flags. O(zones)."""
        flags, gfp = WMARK_LOW, ac.gfp
        if self.cpusets:
            ac.gfp |= HARDWALL
            if asked.masked or asked.task.interrupt:
                flags |= CPUSET
            else:
                ac.mask = asked.task.mems
                self.first_zone(ac)
        ac.spread = gfp & WRITE != 0
        flags = current_alloc_flags(gfp, flags, self.cma >= 0, asked.task.nocma)
        return flags | self.nofragment(gfp, ac.preferred)

    def nofragment(self, gfp: int, zone: Zone | None) -> int:
        """Return the flags that the preferred zone asks for. O(1)."""
        index, below = -1, False
        if zone is not None:
            index = zone.index
            below = (zone.nid, index - 1) in self.by_ref
        return alloc_flags_nofragment(
            gfp, index, self.normal, self.dma32, self.online, below
        )

    # -------------------------------------------------------------- requests

    def alloc_pages_nodemask(self, asked: Asked) -> Value:
        """Serve a request, or say what the slow path gets. O(zones * orders)."""
        return self.answer(self.settle(asked))

    def answer(self, settled: Settled) -> Value:
        """Walk with what was settled, unless that is the answer. O(zones * orders)."""
        if not isinstance(settled, tuple):
            return settled
        ac, flags, failed = settled
        if not self.linux:
            return self.first_usable(ac, flags) or failed
        return self.get_page_from_freelist(ac, flags) or failed

    def settle(self, asked: Asked) -> Settled:
        """Return context, flags and what a failure answers; else the answer."""
        if asked.order >= self.orders:
            return None
        gfp = asked.gfp & self.allowed
        ac = self.prepare(asked, gfp)
        if isinstance(ac, Bug):
            return ac
        if asked.lower.fails:
            return None
        flags = self.prepare_alloc_pages(asked, ac)
        return ac, flags, self.slow_path(asked, ac, gfp)

    def slow_path(self, asked: Asked, ac: Context, gfp: int) -> Slow:
        """Return what the slow path is called with. O(1)."""
        at = ac.preferred.at if ac.preferred is not None else -1
        scoped = current_gfp_context(gfp, asked.task.noio, asked.task.nofs)
        return scoped, at, ac.highest, ac.mt, "slow"

    def numa_mem_id(self, node: int) -> int:
        """Return the node whose memory is the nearest one's. O(zones)."""
        if not self.memoryless:
            return node
        highest = gfp_zone(int(GFP_KERNEL), self.table)
        first = next(candidates(self.fallback[node], highest, -1), None)
        return first.nid if first is not None else node

    def alloc_pages_node(self, asked: Asked) -> Value:
        """Serve a request for a node, -1 being the task's. O(zones * orders)."""
        return self.answer(self.settle_node(asked))

    def settle_node(self, asked: Asked) -> Settled:
        """Settle a request for a node, or for the task's. O(zones)."""
        if asked.nid == -1:
            asked = asked._replace(nid=self.numa_mem_id(asked.task.node))
        if not 0 <= asked.nid < self.nodes:
            return BAD_NODE
        return self.settle(asked)

    def interleave_nid(self, policy: int, offset: int | None, here: int) -> int:
        """Return the node whose turn it is. O(nodes)."""
        if offset is not None:
            return offset_il_node(offset, policy, here)
        return next_node_in(self.il_prev, policy, self.nodes)

    def alloc_page_interleave(
        self, asked: Asked, policy: int, offset: int | None
    ) -> Value:
        """Serve a request from the node whose turn it is. O(zones * orders)."""
        nid = self.interleave_nid(policy, offset, asked.task.node)
        self.turn(offset, nid)
        got = self.alloc_pages_nodemask(asked._replace(nid=nid))
        self.count_interleaved(got, nid)
        return got

    def alloc_pages_current(self, asked: Asked, mode: int, nodes: int) -> Value:
        """Serve a request by the policy of the task. O(zones * orders)."""
        mode = self.heeded(asked, mode)
        if mode == INTERLEAVE:
            return self.alloc_page_interleave(asked, nodes, None)
        return self.answer(self.settle_current(asked, mode, nodes))

    def heeded(self, asked: Asked, mode: int) -> int:
        """Return the mode of the policy that counts. O(1)."""
        return 0 if asked.task.interrupt or asked.gfp & THISNODE else mode

    def settle_current(self, asked: Asked, mode: int, nodes: int) -> Settled:
        """Settle a request by a policy without turns. O(zones)."""
        nid, here = asked.task.node, (nodes & -nodes).bit_length() - 1
        if mode == PREFERRED and nodes:
            nid = here
        asked = asked._replace(nid=nid)
        if mode == BIND and self.is_bound(asked, nodes):
            asked = asked._replace(mask=nodes, masked=True)
        return self.settle(asked)

    def is_bound(self, asked: Asked, nodes: int) -> bool:
        """Say whether a policy is about the zones of a request. O(zones)."""
        if self.cpusets and not nodes & asked.task.mems:
            return False
        plain = [zone for zone in self.zones if zone.index < self.movable]
        about = self.movable
        if any(nodes >> zone.nid & 1 for zone in plain):
            about = max(zone.index for zone in plain)
        return gfp_zone(asked.gfp, self.table) >= about

    def turn(self, offset: int | None, nid: int) -> None:
        """Remember whose turn it was. O(1)."""
        if offset is None and nid < self.nodes:
            self.il_prev = nid

    def count_interleaved(self, got: Value, nid: int) -> None:
        """Count a page that came from the node whose turn it was. O(1)."""
        if not self.counts or not isinstance(got, tuple) or len(got) != 4:
            return
        zone = self.zones[got[0]]
        if zone.nid == nid:
            zone.stats[INTERLEAVE_HIT] += 1

    def walk_with(self, asked: Asked, flags: int) -> Value:
        """Serve a request as the slow path asks, with its flags. O(zones * orders)."""
        return self.answer(self.settle_walk(asked, flags))

    def settle_walk(self, asked: Asked, flags: int) -> Settled:
        """Settle a walk with flags that are given. O(zones)."""
        ac = self.prepare(asked, asked.gfp)
        return ac if isinstance(ac, Bug) else (ac, flags, None)

    # -------------------------------------------------------------- other policies

    def usable(self, ac: Context, flags: int) -> list[Zone]:
        """Return the zones that may serve a request. O(zones * orders)."""
        flags &= ~NOFRAGMENT
        return [
            zone
            for zone in candidates(ac.zonelist, ac.highest, ac.mask)
            if not self.is_forbidden(ac, zone, flags)
            and (flags & NO_WATERMARKS or self.watermark_fast(ac, zone, flags))
            and self.has_page(ac, zone, flags)
        ]

    def is_cached(self, ac: Context, zone: Zone, flags: int) -> bool:
        """Say whether a zone's pageset serves a request. O(1)."""
        pageset = self.uses_pageset(ac.order, ac.mt, flags)
        return pageset and bool(ac.lower.cached >> zone.at & 1)

    def has_page(self, ac: Context, zone: Zone, flags: int) -> bool:
        """Say whether a zone has a page for a request. O(orders)."""
        if self.is_cached(ac, zone, flags):
            return True
        found = zone.find_block(ac.order, ac.mt, flags, self.pageblock_order)
        return found[0] >= 0 and not ac.lower.lost >> zone.at & 1

    def serve(self, ac: Context, zone: Zone, flags: int) -> Page:
        """Take a page from a zone without a look at its watermark. O(orders)."""
        flags &= ~NOFRAGMENT
        if not self.is_cached(ac, zone, flags):
            high, of = zone.find_block(ac.order, ac.mt, flags, self.pageblock_order)
            zone.expand(ac.order, ac.mt, high, of)
        if self.counts and ac.preferred is not None:
            zone_statistics(ac.preferred, zone, ac.task.node)
        return self.prep_new_page(ac, zone, flags)

    def first_usable(self, ac: Context, flags: int) -> Page | None:
        """Serve a request from the first zone that may, if there is one."""
        places = self.usable(ac, flags)
        return self.serve(ac, places[0], flags) if places else None

    # -------------------------------------------------------------- what others do

    def free_block(self, at: int, order: int, mt: int) -> None:
        """Put a block on a list. O(1)."""
        self.zones[at].add(order, mt, 1)

    def take_block(self, at: int, order: int, mt: int) -> None:
        """Take a block off a list. O(1)."""
        self.zones[at].add(order, mt, -1)

    def set_boost(self, at: int, boost: int) -> None:
        """Boost a zone's watermarks, or end it. O(1)."""
        zone = self.zones[at]
        zone.boost = boost
        if boost:
            zone.boosted = True

    def set_reserve(self, at: int, pages: int) -> None:
        """Set how many pages are kept for high-order atomic requests. O(1)."""
        self.zones[at].highatomic = pages

    def save(self) -> tuple[object, ...]:
        """Return all that an operation may change. O(zones * orders)."""
        return self.il_prev, [zone.save() for zone in self.zones]

    def restore(self, saved: tuple[object, ...]) -> None:
        """Put back what was saved. O(zones)."""
        self.il_prev, zones = saved  # type: ignore[assignment]
        for zone, words in zip(self.zones, zones, strict=True):  # type: ignore[call-overload]
            zone.restore(words)
