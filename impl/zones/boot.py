"""The machine until its lists are built: nodes, zones and zonelists.

Source: mm/page_alloc.c:free_area_init, build_all_zonelists (v5.10).
"""

from __future__ import annotations

from . import lists, movable, nodes
from .nodes import Frames, Pgdat, Zone

MemRange = tuple[int, int, int, bool, bool]  # nid, start, end, hotplug, mirror
EMPTY, MAPPED, LISTED, FREED, PAGED, LATE, RUNNING = range(7)


class Boot:
    """All nodes of a machine and what boot has made of them."""

    def __init__(
        self,
        names: tuple[str, ...],
        online: tuple[int, ...],
        *,
        numa: bool,
        max_numnodes: int,
        descending: bool,
        sparsemem: bool,
        page_struct: int,
        page_shift: int,
        mmu: bool,
        max_order_pages: int,
        pageblock: int,
        migrate_types: int,
        dma_reserve: int,
        mirror_from: int,
        deferred: bool,
        section: int,
        most_scale: int,
        movable_beyond: bool,
        divides_by_32: bool,
        ratios: tuple[int, ...],
        blocks: list[list[int]],
    ) -> None:
        self.count, self.movable = len(names), names.index("Movable")
        self.normal = names.index("Normal")
        self.high = names.index("HighMem") if "HighMem" in names else -1
        self.online, self.numa, self.max_numnodes = online, numa, max_numnodes
        self.descending, self.sparsemem = descending, sparsemem
        self.page_struct, self.page_shift, self.mmu = page_struct, page_shift, mmu
        self.max_order_pages, self.pageblock = max_order_pages, pageblock
        self.migrate_types, self.dma_reserve = migrate_types, dma_reserve
        self.mirror_from, self.defers, self.section = mirror_from, deferred, section
        self.most_scale = most_scale
        self.movable_beyond, self.divides_by_32 = movable_beyond, divides_by_32
        self.phase = EMPTY
        self.blocks = blocks
        self.memory: tuple[MemRange, ...] = ()
        self.limits: list[tuple[int, int]] = []
        self.ask: tuple[int, int, int, int, bool, bool] = (0, 0, 0, 0, False, False)
        self.cpus: tuple[int, ...] = ()
        self.distance: tuple[tuple[int, ...], ...] = ()
        self.pgdat: dict[int, Pgdat] = {}
        self.grouping_off = self.hugepages = False
        self.totalreserve = 0
        self.min_free_kbytes, self.user_kbytes = 1024, -1
        self.scale, self.fraction, self.factor = 10, 0, 15000
        self.ratios = list(ratios)

    def saved(self) -> dict[str, object]:
        """Return what is needed to undo a step that touches all zones.  O(zones)."""
        return {**vars(self), "pgdat": {n: p.copy() for n, p in self.pgdat.items()}}

    def restore(self, saved: dict[str, object]) -> None:
        """Undo such a step.  O(1)."""
        vars(self).update(saved)

    # -------------------------------------------------------------- nodes

    def all_zones(self) -> list[Zone]:
        """Return for_each_zone.  O(zones)."""
        return [zone for pgdat in self.pgdat.values() for zone in pgdat.zones]

    def is_highmem(self, index: int) -> bool:
        """Say whether a zone type has no fixed mapping.  O(zones)."""
        if self.high < 0:
            return False
        if index == self.movable:
            return nodes.movable_source(self.limits, self.movable) == self.high
        return index == self.high

    def free_area_init(
        self,
        memory: tuple[MemRange, ...],
        ends: tuple[int, ...],
        ask: tuple[int, int, int, int, bool, bool],
    ) -> list[int]:
        """Make all nodes; return the present pages of each.  O(nodes * ranges)."""
        there = [r for r in memory if r[1] < r[2]]
        first = min((r[1] for r in there), default=0)
        self.memory, self.ask = memory, ask
        self.limits = nodes.zone_limits(
            self.count, self.movable, ends, first, self.descending
        )
        frames = {
            nid: Frames([r[1:3] for r in there if r[0] == nid])
            for nid in range(self.online[-1] + 1)
        }
        starts = self.find_zone_movable_pfns(frames)
        for nid in self.online:
            self.free_area_init_node(nid, frames[nid], starts[nid])
        self.phase = MAPPED
        return [sum(z.present for z in p.zones) for p in self.pgdat.values()]

    def find_zone_movable_pfns(self, frames: dict[int, Frames]) -> dict[int, int]:
        """Return where ZONE_MOVABLE begins on each node.  O(nodes * ranges)."""
        core, movablecore, core_percent, movable_percent, mirror, by_node = self.ask
        starts = dict.fromkeys(frames, 0)
        if by_node or mirror:
            movable.lowest(self.memory, starts, not by_node, self.mirror_from)
        else:
            total = sum(f.below[-1] for f in frames.values())
            required = movable.wanted_core(
                core,
                movablecore,
                core_percent,
                movable_percent,
                total,
                self.max_order_pages,
            )
            if not 0 < required < total:
                return starts
            source = nodes.movable_source(self.limits, self.movable)
            movable.spread(frames, starts, required, self.limits[source][0])
        for nid, pfn in starts.items():
            starts[nid] = movable.aligned(
                pfn, frames[nid].bounds[1], self.max_order_pages, self.movable_beyond
            )
        return starts

    def free_area_init_node(self, nid: int, frames: Frames, movable_pfn: int) -> None:
        """Make the zones of a node.  O(zones * (zones + ranges))."""
        pgdat = Pgdat(nid, *frames.bounds, movable_pfn)
        self.pgdat[nid] = pgdat
        for index in range(self.count):
            zone = self.calculate_pages(pgdat, frames, index)
            zone.managed = self.free_area_init_core(zone, index)
            pgdat.zones.append(zone)
        if self.defers and pgdat.last >= 0:
            self.defer_init(pgdat, frames)

    def calculate_pages(self, pgdat: Pgdat, frames: Frames, index: int) -> Zone:
        """Return a zone with its spanned and present pages.  O(zones + ranges)."""
        node = pgdat.start, pgdat.end
        if node == (0, 0):
            return Zone(0, 0, 0, self.count)
        mirrored = self.ask[4]
        low, high = nodes.zone_bounds(
            index, self.limits, self.movable, node, pgdat.movable_pfn, mirrored
        )
        absent = frames.absent(low, high)
        if mirrored and pgdat.movable_pfn and index in (self.normal, self.movable):
            absent += self.of_other_kind(index, low, high)
        start, end = nodes.spanned(low, high, node)
        return Zone(start, end - start, end - start - absent, self.count)

    def of_other_kind(self, index: int, low: int, high: int) -> int:
        """Return the frames in a range that are mirrored, or not.  O(ranges)."""
        pages = 0
        for _, start, end, _, mirror in self.memory:
            if mirror is (index == self.movable):
                pages += max(0, min(end, high) - max(start, low))
        return pages

    def free_area_init_core(self, zone: Zone, index: int) -> int:
        """Return the pages that a zone is reckoned to manage.  O(1)."""
        free = zone.present
        if not self.is_highmem(index):
            memmap = nodes.calc_memmap_size(
                zone.spanned,
                zone.present,
                self.sparsemem,
                self.page_struct,
                self.page_shift,
            )
            free -= memmap if memmap <= free else 0
        if index == 0 and free > self.dma_reserve:
            free -= self.dma_reserve
        return free

    def defer_init(self, pgdat: Pgdat, frames: Frames) -> None:
        """Count the frames whose descriptors wait.  O(ranges)."""
        zone = pgdat.zones[pgdat.last]
        if zone.end < pgdat.start + sum(z.spanned for z in pgdat.zones):
            return
        first = frames.first_deferred(zone.start, zone.end, self.section)
        if first >= 0:
            pgdat.deferred = zone.end - first - frames.absent(first, zone.end)

    # -------------------------------------------------------------- zonelists

    def build_all_zonelists(
        self, cpus: tuple[int, ...], distance: tuple[tuple[int, ...], ...]
    ) -> tuple[int, bool, int]:
        """Order the zones for each node, and tell so.  O(nodes^3)."""
        self.cpus, self.distance = cpus, distance
        pages = self.build_zonelists()
        self.phase = LISTED
        return len(self.online), self.grouping_off, pages

    def build_zonelists(self) -> int:
        """Build the lists of all nodes; return the pages above high marks.  O(n^3)."""
        memory = [nid for nid, pgdat in self.pgdat.items() if pgdat.has_memory]
        orders = lists.Orders(
            self.online, memory, self.cpus, self.distance, self.max_numnodes
        )
        refs = {n: lists.build_zonerefs_node(p) for n, p in self.pgdat.items()}
        for nid, pgdat in self.pgdat.items():
            order = orders.numa(nid) if self.numa else lists.uma(self.online, nid)
            pgdat.fallback = [ref for n in order for ref in refs[n]]
            pgdat.thisnode = refs[nid] if self.numa else []
        pages = self.nr_free_zone_pages(self.movable)
        self.grouping_off = pages < self.pageblock * self.migrate_types
        return pages

    def nr_free_zone_pages(self, highest: int) -> int:
        """Return the pages above the high marks, by one node's list.  O(zones)."""
        pages = 0
        for nid, index in self.pgdat[self.online[0]].fallback:
            if index <= highest:
                zone = self.pgdat[nid].zones[index]
                pages += max(0, zone.managed - zone.wmark[2] - zone.boost)
        return pages
