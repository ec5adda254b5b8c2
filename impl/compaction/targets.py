"""The free scanner of the machine.

Source: mm/compaction.c:isolate_freepages, isolate_freepages_block,
fast_isolate_freepages, fast_isolate_around (v5.10).
"""

from __future__ import annotations

from mmoracle.spec.linux import MIGRATE_MOVABLE

from .control import ASYNC, ULONG_MAX, Control
from .frames import FREE, HEAD, SHIFT, Frames, Zone


class Targets:
    """The free scanner at work for one call of isolate_freepages()."""

    def __init__(
        self,
        m: Frames,
        cc: Control,
        cluster: int,
        *,
        starts_below: bool,
        keeps_high_pfn: bool,
    ) -> None:
        self.m, self.cc, self.zone = m, cc, cc.zone
        self.cluster = cluster
        self.starts_below, self.keeps_high_pfn = starts_below, keeps_high_pfn
        self.blocks: list[tuple[int, int]] = []
        self.limit = self.highest = self.candidate = 0
        cc.nr_freepages = 0

    def start_of(self, pfn: int) -> int:
        """Return the first frame of a frame's page block. O(1)."""
        return pfn & -self.m.pageblock

    def take(self, zone: Zone, pfn: int, order: int) -> bool:
        """Take a free block, if the mark allows it. O(orders)."""
        pages = self.m.isolate_free_page(zone, pfn, order)
        if pages:
            self.cc.nr_freepages += pages
            self.blocks.append((pfn, order))
        return pages > 0

    # -------------------------------------------------------------- one page block

    def isolate_freepages_block(
        self, pfn: int, end: int, stride: int, busy: bool
    ) -> int:
        """Take the free blocks of a part of a page block; return its end. O(pages)."""
        cc, m = self.cc, self.m
        locked = False
        while pfn < end:
            if pfn % self.cluster == 0:
                locked = False
                if cc.fatal:
                    cc.contended = True
                    break
            mark, order = m.at(pfn), -1
            if mark == FREE:
                zone = m.zone_of(pfn)
                order = zone.buddy_order(pfn)
            if order < 0:
                if mark == HEAD:
                    pfn += (1 << m.compound_order(pfn)) - 1
                pfn += stride
                continue
            if not locked:
                cc.lock(busy)
                locked = True
            if not self.take(zone, pfn, order):
                break
            pfn += 1 << order
            if cc.nr_freepages >= cc.nr_migratepages:
                break
            pfn += stride - 1
        return min(pfn, end)

    # -------------------------------------------------------------- the fast search

    def next_search_order(self, order: int) -> int:
        """Return the order to search next, -1 after a full turn. O(1)."""
        cc = self.cc
        order -= 1
        if order < 0:
            order = cc.order - 1
        if order != cc.search_order:
            return order
        cc.search_order -= 1
        if cc.search_order < 0:
            cc.search_order = cc.order - 1
        return -1

    def look_through(self, order: int, low: int, least: int) -> int:
        """Look through one list from its tail; return a block or -1. O(limit)."""
        zone, scanned, stop = self.zone, 0, -1
        line = zone.lists[order << SHIFT | MIGRATE_MOVABLE]
        if not self.keeps_high_pfn:
            self.candidate = 0
        found = -1
        for pfn in reversed(line):
            scanned += 1
            self.note_highest(pfn)
            if pfn >= low:
                self.cc.fast_search_fail = 0
                self.cc.search_order = order
                found = stop = pfn
                break
            if pfn >= least and pfn > self.candidate:
                self.candidate = pfn
                self.limit >>= 1
            if scanned >= self.limit:
                stop = pfn
                break
        if found < 0 and self.candidate:
            found = stop = self.candidate
        if stop in line:
            zone.to_end(line, stop, itself=False)
        if found < 0 and scanned >= self.limit:
            self.limit = min(1, self.limit >> 1)
        return found

    def note_highest(self, pfn: int) -> None:
        """Remember the highest page block with a free block in it. O(1)."""
        if pfn >= self.highest:
            self.highest = self.start_of(pfn)
            if not self.starts_below:
                self.highest = max(self.highest, self.zone.zone_start_pfn)

    def fast_search(self, low: int, least: int) -> int:
        """Search the lists for a block high up and take it; -1 without. O(orders)."""
        cc = self.cc
        cc.search_order = min(cc.order - 1, cc.search_order)
        order, found = cc.search_order, -1
        while found < 0 and order >= 0:
            if self.zone.nr_free[order]:
                found = self.look_through(order, low, least)
                if found >= 0 and not self.take(self.zone, found, order):
                    order, found = cc.search_order + 1, -1
            order = self.next_search_order(order)
        return found

    def fast_isolate_freepages(self, busy: bool) -> None:
        """Try to take a block without a scan. O(orders + page block)."""
        cc, zone, m = self.cc, self.zone, self.m
        deep = cc.free_pfn >= zone.compact_init_free_pfn
        fails = min(63, cc.fast_search_fail)
        self.limit = min(1, ((self.cluster >> fails) + 1) >> 1)
        if deep:
            self.limit = m.pageblock >> 1
        distance = (cc.free_pfn - cc.migrate_pfn) & ULONG_MAX
        low = self.start_of((cc.free_pfn - (distance >> 2)) & ULONG_MAX)
        least = self.start_of((cc.free_pfn - (distance >> 1)) & ULONG_MAX)
        found = self.fast_search(max(low, least), least)
        if found < 0:
            cc.fast_search_fail += 1
            if deep:
                found = self.fall_back(least)
        if self.highest and self.highest >= zone.compact_cached_free_pfn:
            zone.compact_cached_free_pfn = (self.highest - m.pageblock) & ULONG_MAX
        if found >= 0:
            self.fast_isolate_around(found, busy)

    def fall_back(self, least: int) -> int:
        """Move the scanner to the highest page block met, or half way. O(1)."""
        if self.highest:
            self.cc.free_pfn = self.highest
            return self.highest
        if self.cc.direct_compaction and self.m.first <= least < self.m.end:
            self.cc.free_pfn = least
            return least
        return -1

    def fast_isolate_around(self, pfn: int, busy: bool) -> None:
        """Take what else is free in a frame's page block. O(page block)."""
        cc, m = self.cc, self.m
        if cc.nr_freepages >= cc.nr_migratepages or cc.picky:
            return
        lowest = m.first if self.starts_below else self.zone.zone_start_pfn
        start = max(self.start_of(pfn), lowest)
        end = min(self.start_of(pfn) + m.pageblock, self.zone.end)
        self.isolate_freepages_block(start, end, 1, busy)
        if cc.nr_freepages < cc.nr_migratepages:
            m.set_pageblock_skip(start)

    # -------------------------------------------------------------- the slow scan

    def suitable_migration_target(self, pfn: int) -> bool:
        """Say whether pages may move into a page block. O(zones)."""
        m = self.m
        if m.zone_of(pfn).buddy_order(pfn) >= m.pageblock_order:
            return False
        if self.cc.ignore_block_suitable:
            return True
        mt = m.type_of(pfn)
        return mt in (MIGRATE_MOVABLE, m.cma)

    def isolation_suitable(self, pfn: int) -> bool:
        """Say whether a page block is not to be passed over. O(1)."""
        return self.cc.ignore_skip_hint or not self.m.get_pageblock_skip(pfn)

    def update_pageblock_skip(self, pfn: int) -> None:
        """Pass over a page block that was scanned to its end. O(1)."""
        self.m.set_pageblock_skip(pfn)
        if pfn < self.zone.compact_cached_free_pfn:
            self.zone.compact_cached_free_pfn = pfn

    def isolate_freepages(self, busy: bool) -> list[tuple[int, int]]:
        """Find targets for the pages that are to move. O(zone)."""
        cc = self.cc
        self.fast_isolate_freepages(busy)
        if not self.blocks:
            self.scan_down(busy)
        for pfn, order in self.blocks:
            cc.freepages += range(pfn, pfn + (1 << order))
        return self.blocks

    def scan_down(self, busy: bool) -> None:
        """Scan page blocks down to the migrate scanner's. O(zone)."""
        cc, m = self.cc, self.m
        pfn, size = cc.free_pfn, m.pageblock
        start = self.start_of(pfn)
        end = min(start + size, self.zone.end)
        low = self.start_of(cc.migrate_pfn) + size
        stride = self.cluster if cc.mode == ASYNC else 1
        while start >= low:
            if self.suitable_migration_target(start) and self.isolation_suitable(start):
                before = cc.nr_freepages
                pfn = self.isolate_freepages_block(pfn, end, stride, busy)
                if pfn == end:
                    self.update_pageblock_skip(start)
                if cc.nr_freepages >= cc.nr_migratepages:
                    if pfn >= end:
                        pfn = start - size
                    break
                if pfn < end:
                    break
                stride = min(self.cluster, stride * 2)
                if cc.nr_freepages > before:
                    stride = 1
            end = start
            start -= size
            pfn = start
        cc.free_pfn = pfn
