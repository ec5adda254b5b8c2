"""The machine: its memory, its marks, and the files of /proc/sys/vm.

Source: mm/page_alloc.c, mm/memory_hotplug.c (v5.10).
"""

from __future__ import annotations

from bisect import bisect_left

from . import marks
from .boot import FREED, LATE, PAGED, RUNNING, Boot, MemRange
from .fill import numa_fill_memblks
from .nodes import Pgdat, Zone

INT_MAX = (1 << 31) - 1
MIN_FRACTION = 8


class System(Boot):
    """A machine with pages, from the first free one on."""

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
        self.min_free_kbytes = marks.picked_kbytes(
            root, self.user_kbytes, self.min_free_kbytes
        )
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
        lowmem = marks.divisor(lowmem, self.divides_by_32)
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
