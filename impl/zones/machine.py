"""The machine: boot step by step, and the files of /proc/sys/vm.

Source: mm/page_alloc.c (v5.10).
"""

from __future__ import annotations

from bisect import bisect_left

from . import lists, marks, movable, nodes
from .fill import numa_fill_memblks
from .nodes import Frames, Pgdat, Zone

MemRange = tuple[int, int, int, bool, bool]  # nid, start, end, hotplug, mirror
EMPTY, MAPPED, LISTED, FREED, PAGED, LATE, RUNNING = range(7)
INT_MAX = (1 << 31) - 1
MIN_FRACTION = 8


class System:
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

    # -------------------------------------------------------------- hotplug

    def takes_pages(self, start: int, pages: int) -> bool:
        """Say whether these are whole sections.  O(1)."""
        return pages > 0 and start % self.section == 0 and pages % self.section == 0

    def online_pages(self, nid: int, index: int, start: int, pages: int) -> bool:
        """Give a zone more memory; say whether it may come.  O(nodes^3)."""
        if not self.takes_pages(start, pages):
            return False
        pgdat = self.pgdat[nid]
        zone = pgdat.zones[index]
        self.memory_add((nid, start, start + pages, False, False))
        self.resize(pgdat, zone, start, start + pages)
        empty = zone.present == 0
        zone.present += pages
        zone.managed += pages
        if empty:
            self.build_zonelists()
        zone.high, zone.batch = marks.pageset_limits(
            zone.managed, self.fraction, self.mmu, self.page_shift
        )
        self.init_per_zone_wmark_min()
        return True

    def memory_add(self, new: MemRange) -> None:
        """Put a range into the memory map, by its start.  O(ranges)."""
        at = bisect_left([r[1] for r in self.memory], new[1])
        self.memory = (*self.memory[:at], new, *self.memory[at:])

    def resize(self, pgdat: Pgdat, zone: Zone, start: int, end: int) -> None:
        """Let a node and a zone span a range as well.  O(1)."""
        last = max(zone.end, end)
        if not zone.spanned or start < zone.start:
            zone.start = start
        zone.spanned = last - zone.start
        if pgdat.start == pgdat.end or start < pgdat.start:
            pgdat.start = start
        pgdat.end = max(pgdat.end, end)

    # -------------------------------------------------------------- pages

    def memblock_free_all(self, released: tuple[tuple[int, ...], ...]) -> int:
        """Count what boot releases, from 0.  O(zones)."""
        for pgdat, row in zip(self.pgdat.values(), released, strict=True):
            for zone, pages in zip(pgdat.zones, row, strict=True):
                zone.managed = pages
        self.phase = FREED
        return sum(map(sum, released))

    def free_reserved(self, nid: int, index: int, pages: int) -> int:
        """Give pages up that boot held, all with 0; return how many.  O(zones)."""
        held = self.held_back(nid, index)
        given = min(pages or held, held)
        self.pgdat[nid].zones[index].managed += given
        return given

    def held_back(self, nid: int, index: int) -> int:
        """Return the pages of a zone that boot holds and has descriptors of.  O(z)."""
        pgdat = self.pgdat[nid]
        zone = pgdat.zones[index]
        waiting = pgdat.deferred if index == pgdat.last else 0
        return zone.present - zone.managed - waiting

    def setup_per_cpu_pageset(self) -> None:
        """Give populated zones pagesets of their own.  O(zones)."""
        self.zone_pcp_update()
        self.phase = PAGED

    def zone_pcp_update(self) -> None:
        """Compute high and batch of all populated zones.  O(zones)."""
        for zone in self.all_zones():
            if zone.present:
                zone.high, zone.batch = marks.pageset_limits(
                    zone.managed, self.fraction, self.mmu, self.page_shift
                )

    def deferred_grow_zone(self, nid: int, kept: int) -> bool:
        """Make the descriptors of one more section of a node.  O(zones)."""
        pgdat = self.pgdat[nid]
        if not pgdat.deferred:
            return False
        self.deferred_init(pgdat, min(self.section, pgdat.deferred), kept)
        return True

    def deferred_init(self, pgdat: Pgdat, pages: int, kept: int) -> None:
        """Free deferred pages but those that boot has reserved.  O(zones)."""
        pgdat.deferred -= pages
        pgdat.zones[pgdat.last].managed += max(0, pages - kept)

    def page_alloc_init_late(self, kept: int) -> None:
        """Make the rest of the descriptors, and larger pagesets.  O(zones)."""
        self.phase = LATE
        if not self.defers:
            return
        for pgdat in self.pgdat.values():
            if pgdat.deferred:
                self.deferred_init(pgdat, pgdat.deferred, kept)
        self.zone_pcp_update()

    # -------------------------------------------------------------- watermarks

    def init_per_zone_wmark_min(self) -> int:
        """Pick min_free_kbytes and compute all marks and reserves.  O(zones^2)."""
        pages = self.nr_free_zone_pages(self.normal)
        root = marks.int_sqrt((pages << self.page_shift - 10) * 16)
        if root > self.user_kbytes:
            self.min_free_kbytes = min(max(root, 128), 262144)
        self.setup_per_zone_wmarks()
        self.setup_per_zone_lowmem_reserve()
        if self.hugepages:
            self.set_recommended_min_free_kbytes()
        self.phase = RUNNING
        return self.min_free_kbytes

    def setup_per_zone_wmarks(self) -> None:
        """Compute the marks of all zones.  O(zones^2)."""
        pages = self.min_free_kbytes >> self.page_shift - 10
        highmem = [self.is_highmem(index) for index in range(self.count)]
        lowmem = 0
        for pgdat in self.pgdat.values():
            for index, zone in enumerate(pgdat.zones):
                lowmem += 0 if highmem[index] else zone.managed
        if self.divides_by_32:
            lowmem &= 0xFFFFFFFF
        for pgdat in self.pgdat.values():
            for index, zone in enumerate(pgdat.zones):
                marks.zone_wmarks(zone, pages, lowmem, self.scale, highmem[index])
        self.calculate_totalreserve_pages()

    def setup_per_zone_lowmem_reserve(self) -> None:
        """Compute what lower zones keep.  O(nodes * zones^2)."""
        for pgdat in self.pgdat.values():
            marks.lowmem_reserve(pgdat.zones, self.ratios)
        self.calculate_totalreserve_pages()

    def calculate_totalreserve_pages(self) -> None:
        """Sum up what is not for the page cache.  O(nodes * zones^2)."""
        self.totalreserve = 0
        for pgdat in self.pgdat.values():
            pgdat.totalreserve = marks.totalreserve(pgdat)
            self.totalreserve += pgdat.totalreserve

    def set_recommended_min_free_kbytes(self) -> None:
        """Raise min_free_kbytes for huge pages.  O(zones^2)."""
        zones = 0
        for pgdat in self.pgdat.values():
            for zone in pgdat.zones[: self.normal + 1]:
                zones += zone.present != 0
        free = self.nr_free_zone_pages(self.normal)
        wanted = marks.hugepage_min(free, zones, self.pageblock)
        wanted <<= self.page_shift - 10
        if wanted > self.min_free_kbytes:
            self.min_free_kbytes = wanted
        self.setup_per_zone_wmarks()

    def start_khugepaged(self) -> int:
        """Start the thread, which wants more memory free.  O(zones^2)."""
        self.set_recommended_min_free_kbytes()
        self.hugepages = True
        return self.min_free_kbytes

    # -------------------------------------------------------------- sysctl

    def takes_kbytes(self, kbytes: int) -> bool:
        """Say whether min_free_kbytes may be so.  O(1)."""
        return 0 <= kbytes <= INT_MAX

    def takes_scale(self, scale: int) -> bool:
        """Say whether watermark_scale_factor may be so.  O(1)."""
        return 1 <= scale <= self.most_scale

    def takes_fraction(self, fraction: int) -> bool:
        """Say whether percpu_pagelist_fraction may be so.  O(1)."""
        return fraction == 0 or MIN_FRACTION <= fraction <= INT_MAX

    def takes_factor(self, factor: int) -> bool:
        """Say whether watermark_boost_factor may be so.  O(1)."""
        return 0 <= factor <= INT_MAX

    def min_free_kbytes_sysctl(self, kbytes: int) -> bool:
        """Write min_free_kbytes; say whether the value is taken.  O(zones^2)."""
        if not self.takes_kbytes(kbytes):
            return False
        self.min_free_kbytes = self.user_kbytes = kbytes
        self.setup_per_zone_wmarks()
        return True

    def watermark_scale_factor_sysctl(self, scale: int) -> bool:
        """Write watermark_scale_factor.  O(zones^2)."""
        if not self.takes_scale(scale):
            return False
        self.scale = scale
        self.setup_per_zone_wmarks()
        return True

    def lowmem_reserve_ratio_sysctl(self, ratios: tuple[int, ...]) -> None:
        """Write lowmem_reserve_ratio; what is below 1 becomes 0.  O(zones^2)."""
        self.ratios = [ratio if ratio >= 1 else 0 for ratio in ratios]
        self.setup_per_zone_lowmem_reserve()

    def percpu_pagelist_fraction_sysctl(self, fraction: int) -> bool:
        """Write percpu_pagelist_fraction.  O(zones)."""
        if not self.takes_fraction(fraction):
            return False
        if fraction != self.fraction:
            self.fraction = fraction
            self.zone_pcp_update()
        return True

    def watermark_boost_factor_sysctl(self, factor: int) -> bool:
        """Write watermark_boost_factor.  O(1)."""
        if not self.takes_factor(factor):
            return False
        self.factor = factor
        return True

    # -------------------------------------------------------------- boosts

    def boost(self, nid: int, index: int) -> bool:
        """Boost a zone's marks after a fallback.  O(1)."""
        zone = self.pgdat[nid].zones[index]
        return marks.boost_watermark(zone, self.factor, self.pageblock)

    def unboost(self, nid: int, index: int, pages: int) -> None:
        """Take a boost back that kswapd has served.  O(1)."""
        zone = self.pgdat[nid].zones[index]
        zone.boost -= min(zone.boost, pages)

    # -------------------------------------------------------------- before

    def fill_memblks(self, start: int, end: int) -> bool:
        """Cover a window of the firmware with blocks of nodes.  O(n log n)."""
        return numa_fill_memblks(self.blocks, start, end)
