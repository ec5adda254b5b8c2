"""The migrate scanner of the machine.

Source: mm/compaction.c:isolate_migratepages, isolate_migratepages_block,
fast_find_migrateblock (v5.10).
"""

from __future__ import annotations

from collections.abc import Iterator

from mmoracle.spec.linux import MIGRATE_MOVABLE

from .control import ASYNC, ULONG_MAX, Control
from .frames import ANON, BUSY, DRIVER, FILE, FREE, HEAD, SHIFT, Frames

ABORTED = -1


class Sources:
    """The migrate scanner at work for one call of isolate_migratepages()."""

    def __init__(self, m: Frames, cc: Control, costly: int, cluster: int) -> None:
        self.m, self.cc, self.zone = m, cc, cc.zone
        self.costly, self.cluster = costly, cluster

    # -------------------------------------------------------------- page blocks

    def pageblock_end(self, pfn: int) -> int:
        """Return the frame behind a frame's page block. O(1)."""
        return (pfn | (self.m.pageblock - 1)) + 1

    def suitable_migration_source(self, pfn: int) -> bool:
        """Say whether pages are taken from a page block. O(pages) for a compound."""
        cc, m = self.cc, self.m
        if m.skip_persistent(pfn):
            return False
        if not cc.picky:
            return True
        mt = m.type_of(pfn)
        if cc.migratetype == MIGRATE_MOVABLE and mt == m.cma:
            return True
        return mt == cc.migratetype

    def update_cached_migrate(self, pfn: int) -> None:
        """Let later runs begin behind a frame's page block. O(1)."""
        pfn = self.pageblock_end(pfn)
        cached = self.zone.compact_cached_migrate_pfn
        for mode in range(1 if self.cc.mode == ASYNC else 2):
            if cached[mode] < pfn:
                cached[mode] = pfn

    # -------------------------------------------------------------- the fast search

    def reinit_migrate_pfn(self) -> int:
        """Go back once to the lowest frame of the fast search. O(1)."""
        cc = self.cc
        if cc.fast_start_pfn and cc.fast_start_pfn != ULONG_MAX:
            cc.migrate_pfn = cc.fast_start_pfn
            cc.fast_start_pfn = ULONG_MAX
        return cc.migrate_pfn

    def freelist_scan_limit(self) -> int:
        """Return how many list entries to look at. O(1)."""
        return (self.cluster >> min(63, self.cc.fast_search_fail)) + 1

    def searches(self) -> bool:
        """Say whether the fast search applies here. O(1)."""
        cc, pfn = self.cc, self.cc.migrate_pfn
        inside = pfn & (self.m.pageblock - 1) and pfn != self.zone.zone_start_pfn
        if cc.ignore_skip_hint or inside or cc.order <= self.costly:
            return False
        return not cc.direct_compaction or cc.migratetype == MIGRATE_MOVABLE

    def high_pfn(self) -> int:
        """Return below which frame the fast search looks. O(1)."""
        cc = self.cc
        distance = (cc.free_pfn - cc.migrate_pfn) >> 1
        if cc.migrate_pfn != self.zone.zone_start_pfn:
            distance >>= 2
        return (cc.migrate_pfn + distance) & -self.m.pageblock

    def listed(self) -> Iterator[tuple[int, int]]:
        """Yield the movable free blocks, the larger orders first, with their lists."""
        for order in range(self.cc.order - 1, self.costly - 1, -1):
            code = order << SHIFT | MIGRATE_MOVABLE
            for pfn in list(self.zone.lists[code]):
                yield code, pfn

    def search(self, high: int) -> int:
        """Look for a block below a frame, -1 without. O(limit + list)."""
        limit, scanned, last = self.freelist_scan_limit(), 0, -1
        for code, pfn in self.listed():
            if scanned >= limit:
                if code == last:
                    self.zone.to_end(self.zone.lists[code], pfn, itself=True)
                break
            scanned, last = scanned + 1, code
            if pfn < high and not self.m.get_pageblock_skip(pfn):
                self.zone.to_end(self.zone.lists[code], pfn, itself=True)
                return pfn
        return -1

    def fast_find_migrateblock(self) -> int:
        """Return where to scan, in a page block with free pages if there is one."""
        if not self.searches():
            return self.cc.migrate_pfn
        cc, found = self.cc, self.search(self.high_pfn())
        if found < 0:
            cc.fast_search_fail += 1
            return self.reinit_migrate_pfn()
        if cc.fast_start_pfn == 0 or found < cc.fast_start_pfn < ULONG_MAX:
            cc.fast_start_pfn = found
        cc.fast_search_fail = 0
        self.m.set_pageblock_skip(found)
        return max(found & -self.m.pageblock, self.zone.zone_start_pfn)

    # -------------------------------------------------------------- the scan

    def isolate_migratepages_block(self, pfn: int, end: int, busy: bool) -> int:
        """Isolate the movable pages of a part of a page block. O(pages)."""
        cc, m = self.cc, self.m
        pages = cc.migratepages
        locked = tested = valid = False
        border = ((pfn >> cc.order) + 1) << cc.order
        while pfn < end:
            if cc.picky and pfn >= border:
                if pages:
                    break
                border = ((pfn >> cc.order) + 1) << cc.order
            if pfn % self.cluster == 0:
                locked = False
                if cc.fatal:
                    cc.contended = True
                    return ABORTED
            if not valid and not pfn & (m.pageblock - 1):
                if not cc.ignore_skip_hint and m.get_pageblock_skip(pfn):
                    self.update_cached_migrate(end)
                    return end
                valid = True
            mark = m.at(pfn)
            if mark == FREE:
                order = self.zone.buddy_order(pfn)
                if order >= 0:
                    pfn += 1 << order
                    continue
            taken = mark == DRIVER
            if taken:
                locked = False
            if mark in (ANON, BUSY) or (mark == FILE and cc.fs):
                if not locked:
                    cc.lock(busy)
                    locked = True
                    if not tested:
                        tested = True
                        self.test_and_set_skip(pfn)
                taken = mark != BUSY
            if taken:
                pages.append(pfn)
                pfn += 1
                if len(pages) >= self.cluster and not (cc.rescan or cc.contended):
                    break
                continue
            pfn += 1 << m.compound_order(pfn) if mark == HEAD else 1
            if cc.picky:
                if pages:
                    locked = False
                    pages.clear()
                if pfn <= border:
                    pfn = border
                    border += 1 << cc.order
        pfn = min(pfn, end)
        if pfn == end and (not pages or cc.rescan):
            if valid and not tested:
                m.set_pageblock_skip(end - 1)
            self.update_cached_migrate(end)
        return pfn

    def test_and_set_skip(self, pfn: int) -> None:
        """Let other scans pass a page block over from its first frame on. O(1)."""
        if not self.cc.ignore_skip_hint and not pfn & (self.m.pageblock - 1):
            self.m.set_pageblock_skip(pfn)

    def isolate_migratepages(self, crowded: bool, busy: bool) -> bool:
        """Take the pages of the next page block that is good; say whether to go on."""
        cc, m = self.cc, self.m
        pfn = self.fast_find_migrateblock()
        fast = pfn != cc.migrate_pfn and cc.fast_search_fail == 0
        end = self.pageblock_end(pfn)
        while end <= cc.free_pfn:
            first = max(end - m.pageblock, self.zone.zone_start_pfn)
            if self.passes_over(pfn, first, fast):
                pass
            elif not self.suitable_migration_source(first):
                self.update_cached_migrate(end)
            else:
                if crowded and (cc.mode == ASYNC or cc.fatal):
                    return False
                pfn = self.isolate_migratepages_block(pfn, end, busy)
                if pfn == ABORTED:
                    return False
                break
            fast = False
            pfn = end
            end += m.pageblock
        cc.migrate_pfn = pfn
        return True

    def passes_over(self, pfn: int, first: int, fast: bool) -> bool:
        """Say whether a page block was found useless before. O(1)."""
        if fast or self.cc.ignore_skip_hint or pfn & (self.m.pageblock - 1):
            return False
        return self.m.get_pageblock_skip(first)
