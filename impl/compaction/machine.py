"""The machine: compaction on request and by kcompactd, one step at a time.

Source: mm/compaction.c:try_to_compact_pages, compact_zone, __compact_finished,
__reset_isolation_suitable, kcompactd_do_work; mm/migrate.c:unmap_and_move (v5.10).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import copy

from mmoracle.spec.linux import (
    MIGRATE_MOVABLE,
    MIGRATE_RECLAIMABLE,
    MIGRATE_UNMOVABLE,
    CompactPriority,
    CompactResult,
)

from . import defer
from .control import ASYNC, Control, Request
from .frames import ANON, BUSY, FILE, FREE, HEAD, PINNED, SHIFT, Frames, Zone
from .sources import Sources
from .targets import Targets

SUCCESS, CONTINUE = CompactResult.SUCCESS, CompactResult.CONTINUE
FULL = (CompactResult.COMPLETE, CompactResult.PARTIAL_SKIPPED)
OTHERS = {
    MIGRATE_UNMOVABLE: (MIGRATE_RECLAIMABLE, MIGRATE_MOVABLE),
    MIGRATE_MOVABLE: (MIGRATE_RECLAIMABLE, MIGRATE_UNMOVABLE),
    MIGRATE_RECLAIMABLE: (MIGRATE_UNMOVABLE, MIGRATE_MOVABLE),
}


class Compaction:
    """Memory with a run that may be going on it."""

    def __init__(
        self,
        zones: Iterable[tuple[int, int]],
        marks: Iterable[tuple[int, int, int]],
        reserve: Iterable[tuple[int, ...]],
        *,
        orders: int,
        pageblock_order: int,
        costly_order: int,
        cluster: int,
        defer_max: int,
        threshold: int,
        high: int,
        batch: int,
        cma: int,
        patterns: tuple[str, ...] = (),
        starts_below: bool = False,
        keeps_high_pfn: bool = False,
        loses_captured: bool = False,
    ) -> None:
        made = [
            Zone(start, end, orders, mark, reserved)
            for (start, end), mark, reserved in zip(zones, marks, reserve, strict=True)
        ]
        self.m = Frames(made, orders, pageblock_order, high, batch, cma)
        self.zones = made
        self.costly, self.cluster = costly_order, cluster
        self.defer_max, self.threshold = defer_max, threshold
        self.starts_below, self.keeps_high_pfn = starts_below, keeps_high_pfn
        self.loses_captured = loses_captured
        self.patterns = patterns
        self.request: Request | None = None
        self.cc: Control | None = None
        self.runs = 0
        self.kcompactd_max_order = 0
        self.kcompactd_highest_zoneidx = len(made) - 1
        self.laid = False

    # -------------------------------------------------------------- the beginning

    def fork(self) -> Compaction:
        """Return a machine in the same state, that shares nothing. O(frames)."""
        other = copy(self)
        other.m = self.m.fork()
        other.zones = other.m.zones
        if self.request is not None and self.cc is not None:
            other.request, other.cc = copy(self.request), copy(self.cc)
            other.cc.freepages = self.cc.freepages[:]
            other.cc.migratepages = self.cc.migratepages[:]
            other.cc.zone = other.zones[self.request.at]
            if self.m.capture is not None:
                other.request.zone, other.m.capture = other.cc.zone, other.request
        return other

    def lay(self, layout: int, downwards: bool) -> None:
        """Arrange the frames, and free the free ones from one end on. O(frames)."""
        m, drawn = self.m, bytearray()
        for block in range(len(m.types)):
            layout, digit = divmod(layout, len(self.patterns))
            m.types[block] = "UMRHA".index(self.patterns[digit][0])
            drawn += self.frames_of(self.patterns[digit][1:].encode())
        before = m.first & (m.pageblock - 1)
        pages = bytes(drawn[before : before + len(m.page)])
        m.page[:] = pages.replace(bytes((FREE,)), bytes((PINNED,)))
        there = list(self.whole_blocks(pages))
        for pfn, order in there[::-1] if downwards else there:
            m.free_one_page(m.zone_of(pfn), pfn, order, m.type_of(pfn), False)
        self.laid = True

    def whole_blocks(self, pages: bytes) -> Iterator[tuple[int, int]]:
        """Yield the free frames as the largest blocks in a page block. O(frames)."""
        m, at = self.m, 0
        while at < len(pages):
            run, border = 0, m.zone_of(m.first + at).end - m.first
            while at + run < border and pages[at + run] == FREE:
                run += 1
            end = at + run
            while at < end:
                pfn = m.first + at
                size = min(pfn & -pfn or m.pageblock, m.pageblock)
                while size > end - at:
                    size >>= 1
                yield pfn, size.bit_length() - 1
                at += size
            at = end if end == border and run else end + 1

    def frames_of(self, body: bytes) -> bytes:
        """Return a page block drawn by a pattern, the last frame or all repeated."""
        size = self.m.pageblock
        if body.endswith(b"*"):
            return body[:-1].ljust(size, body[-2:-1])
        return (body * size)[:size]

    # -------------------------------------------------------------- questions

    def compaction_suitable(
        self, zone: Zone, order: int, flags: int, highest: int
    ) -> CompactResult:
        """Return whether to compact a zone now. O(orders)."""
        free = zone.nr_free_pages
        found = defer.suitable_with(
            free,
            free,
            order,
            zone.watermark,
            0,
            zone.lowmem_reserve[highest],
            flags,
            zone.level(),
            zone.nr_free_cma,
            self.m.cma,
            self.costly,
        )
        if found is not CONTINUE or order <= self.costly:
            return found
        wanted = defer.only_fragmented(order, zone.nr_free, self.threshold)
        return CONTINUE if wanted else CompactResult.SKIPPED

    def wakeup_kcompactd(self, order: int, highest: int) -> bool:
        """Remember what kcompactd is wanted for; say whether it wakes. O(zones)."""
        if order == 0:
            return False
        self.kcompactd_max_order = max(order, self.kcompactd_max_order)
        highest = min(highest, self.kcompactd_highest_zoneidx)
        self.kcompactd_highest_zoneidx = highest
        order = self.kcompactd_max_order
        if self.request is not None:
            return False
        return any(
            self.compaction_suitable(zone, order, 0, highest) is CONTINUE
            for zone in self.zones[: highest + 1]
        )

    # -------------------------------------------------------------- the skip hints

    def last_block(self, zone: Zone) -> int:
        """Return the first frame of a zone's last page block. O(1)."""
        return (zone.end - 1) & -self.m.pageblock

    def reset_isolation_pfn(
        self, zone: Zone, pfn: int, source: bool, target: bool
    ) -> bool:
        """Look at samples of a page block, at it again if one is of use. O(pages)."""
        m = self.m
        if m.skip_persistent(pfn):
            return False
        if source and target and not m.get_pageblock_skip(pfn):
            return True
        if not source and m.type_of(pfn) != MIGRATE_MOVABLE:
            return False
        pfn = max(pfn & -m.pageblock, zone.zone_start_pfn)
        end = min((pfn & -m.pageblock) + m.pageblock, zone.end)
        while pfn < end:
            lru = m.at(pfn) in (ANON, FILE, BUSY)
            if (source and lru) or (target and zone.buddy_order(pfn) >= 0):
                m.clear_pageblock_skip(pfn)
                return True
            pfn += 1 << self.costly
        return False

    def reset_isolation_suitable(self, zone: Zone) -> None:
        """Forget which page blocks were useless, if that is due. O(zone)."""
        if not zone.compact_blockskip_flush:
            return
        zone.compact_blockskip_flush = False
        migrate, free = zone.zone_start_pfn, zone.end - 1
        first_source = last_target = -1
        while migrate < free:
            good = self.reset_isolation_pfn(zone, migrate, True, first_source >= 0)
            if good and first_source < 0:
                first_source = zone.compact_init_migrate_pfn = migrate
                zone.compact_cached_migrate_pfn = [migrate, migrate]
            good = self.reset_isolation_pfn(zone, free, last_target >= 0, True)
            if good and last_target < 0:
                last_target = zone.compact_init_free_pfn = free
                zone.compact_cached_free_pfn = free
            migrate += self.m.pageblock
            free -= self.m.pageblock
        if first_source < 0:
            first_source = zone.end - 1
        if last_target < 0:
            last_target = zone.zone_start_pfn
        if first_source >= last_target:
            zone.compact_cached_migrate_pfn = [migrate, migrate]
            zone.compact_cached_free_pfn = free

    # -------------------------------------------------------------- a request

    def try_to_compact_pages(
        self, order: int, mt: int, fs: bool, prio: int, flags: int, highest: int
    ) -> None:
        """Begin with the highest zone of a request. O(1)."""
        self.request = Request(prio, highest, flags, highest)
        self.cc = Control(self.zones[highest], order, mt, fs, prio)
        self.runs += 1

    def kcompactd_do_work(self) -> None:
        """Begin with the lowest zone for kcompactd. O(1)."""
        self.request = Request(None, self.kcompactd_highest_zoneidx, 0, 0)
        order = self.kcompactd_max_order
        self.cc = Control(self.zones[0], order, MIGRATE_UNMOVABLE, True, None)
        self.runs += 1

    def running(self) -> tuple[Request, Control]:
        """Return the run that is going. O(1)."""
        assert self.request is not None
        assert self.cc is not None
        return self.request, self.cc

    def next_zone(self) -> None:
        """Take up the next zone, or return. O(1)."""
        r, cc = self.running()
        at = r.at + 1 if r.prio is None else r.at - 1
        if at < 0 or at > r.highest:
            self.no_more_zones()
            return
        r.at, r.phase = at, "zone"
        if r.prio is None:
            cc.zone = self.zones[at]
        else:
            self.cc = cc.anew(self.zones[at], r.prio)

    def no_more_zones(self) -> None:
        """Look at no further zone. O(1)."""
        r, cc = self.running()
        r.phase = "return"
        self.cc = cc.anew(cc.zone, r.prio)

    def show_capture(self) -> None:
        """Let a block that the task frees be captured for its request. O(1)."""
        r, cc = self.running()
        if r.prio is not None:
            r.zone, r.order, r.page = cc.zone, cc.order, -1
            self.m.capture = r

    def hide_capture(self) -> None:
        """Let nothing be captured any more. O(1)."""
        self.m.capture = None

    def begin_zone(self) -> CompactResult:
        """Take up the zone in turn, unless it is put off or not suitable. O(zone)."""
        r, cc = self.running()
        zone = cc.zone
        hardest = r.prio == CompactPriority.SYNC_FULL
        if not hardest and defer.compaction_deferred(zone, cc.order):
            r.rc = max(r.rc, CompactResult.DEFERRED)
            self.next_zone()
            return CompactResult.DEFERRED
        if r.prio is None:
            found = self.compaction_suitable(zone, cc.order, 0, r.at)
            if found is not CONTINUE:
                self.next_zone()
                return found
        return self.compact_zone()

    def compact_zone(self) -> CompactResult:
        """Set the scanners to where they start. O(zone)."""
        r, cc = self.running()
        zone = cc.zone
        self.show_capture()
        cc.ret = self.compaction_suitable(zone, cc.order, r.flags, r.highest)
        if cc.ret is not CONTINUE:
            r.phase = "end"
            return cc.ret
        if defer.compaction_restarting(zone, cc.order, self.defer_max):
            self.reset_isolation_suitable(zone)
        cc.fast_start_pfn = cc.last_migrated_pfn = 0
        self.place_scanners(cc, zone)
        cached = zone.compact_cached_migrate_pfn
        cc.update_cached = cc.mode == ASYNC and cached[0] == cached[1]
        r.phase = "finished"
        return CONTINUE

    def place_scanners(self, cc: Control, zone: Zone) -> None:
        """Start where the last run ended, or at the ends of the zone. O(1)."""
        start, end = zone.zone_start_pfn, zone.end
        if cc.whole_zone:
            cc.migrate_pfn, cc.free_pfn = start, self.last_block(zone)
            return
        cc.migrate_pfn = zone.compact_cached_migrate_pfn[int(cc.mode != ASYNC)]
        cc.free_pfn = zone.compact_cached_free_pfn
        if cc.free_pfn < start or cc.free_pfn >= end:
            cc.free_pfn = zone.compact_cached_free_pfn = self.last_block(zone)
        if cc.migrate_pfn < start or cc.migrate_pfn >= end:
            cc.migrate_pfn = start
            zone.compact_cached_migrate_pfn = [start, start]
        if cc.migrate_pfn <= zone.compact_init_migrate_pfn:
            cc.whole_zone = True

    # -------------------------------------------------------------- the loop

    def scanners_met(self, cc: Control) -> bool:
        """Say whether the free scanner is not above the migrate scanner. O(1)."""
        shift = self.m.pageblock_order
        return (cc.free_pfn >> shift) <= (cc.migrate_pfn >> shift)

    def can_steal_fallback(self, order: int, mt: int) -> bool:
        """Say whether a request may steal a block of another type. O(1)."""
        if order >= self.m.pageblock_order // 2:
            return True
        return mt in (MIGRATE_RECLAIMABLE, MIGRATE_UNMOVABLE)

    def has_suitable_page(self, zone: Zone, order: int, mt: int) -> bool:
        """Say whether a block for the request is there. O(orders)."""
        for each in range(order, len(zone.nr_free)):
            if zone.nr_free[each] == 0:
                continue
            code = each << SHIFT
            types = [mt]
            if mt == MIGRATE_MOVABLE and self.m.cma > 0:
                types.append(self.m.cma)
            if self.can_steal_fallback(each, mt):
                types += OTHERS[mt]
            if any(zone.lists[code | one] for one in types):
                return True
        return False

    def judge(self, cc: Control) -> CompactResult:
        """Return whether a run is over. O(orders)."""
        zone = cc.zone
        if self.scanners_met(cc):
            zone.compact_cached_migrate_pfn = [zone.zone_start_pfn] * 2
            zone.compact_cached_free_pfn = self.last_block(zone)
            if cc.direct_compaction:
                zone.compact_blockskip_flush = True
            return FULL[not cc.whole_zone]
        if cc.migrate_pfn & (self.m.pageblock - 1):
            return CONTINUE
        if self.has_suitable_page(zone, cc.order, cc.migratetype):
            return SUCCESS
        if cc.contended or cc.fatal:
            return CompactResult.CONTENDED
        return CONTINUE

    def compact_finished(self) -> CompactResult:
        """Decide whether to go on, and begin a round if so. O(orders)."""
        r, cc = self.running()
        cc.ret = self.judge(cc)
        if cc.ret is not CONTINUE:
            r.phase = "end"
            return cc.ret
        shift = self.m.pageblock_order
        cc.rescan = cc.last_migrated_pfn >> shift == cc.migrate_pfn >> shift
        cc.nr_failed, cc.enomem = 0, False
        r.phase = "source"
        return CONTINUE

    def isolate_migratepages(self, crowded: bool, busy: bool) -> tuple[list[int], bool]:
        """Take pages to move; return them, last first, and if to go on. O(zone)."""
        r, cc = self.running()
        start = cc.migrate_pfn
        sources = Sources(self.m, cc, self.costly, self.cluster)
        if not sources.isolate_migratepages(crowded, busy):
            cc.migratepages.clear()
            cc.ret = CompactResult.CONTENDED
            r.phase = "end"
            return [], False
        if not cc.migratepages:
            if cc.update_cached:
                cached = cc.zone.compact_cached_migrate_pfn
                cached[1] = cached[0]
            r.phase = "drain"
            return [], True
        cc.update_cached = False
        cc.last_migrated_pfn = start
        cc.nr_migratepages = len(cc.migratepages)
        r.phase = "move"
        return cc.migratepages[::-1], True

    def isolate_freepages(self, busy: bool) -> list[tuple[int, int]]:
        """Find targets; without any the migration is over: -ENOMEM. O(zone)."""
        r, cc = self.running()
        targets = Targets(
            self.m,
            cc,
            self.cluster,
            starts_below=self.starts_below,
            keeps_high_pfn=self.keeps_high_pfn,
        )
        blocks = targets.isolate_freepages(busy)
        if not blocks:
            cc.enomem = True
            r.phase = "drain"
        return blocks

    def unmap_and_move(self, moves: bool) -> int | None:
        """Move the page in turn to the next target, or let it be. O(batch)."""
        r, cc = self.running()
        pfn = cc.migratepages.pop()
        if not cc.migratepages:
            r.phase = "drain"
        if not moves:
            cc.nr_failed += 1
            return None
        new = cc.freepages.pop()
        self.m.paint(new, 1, self.m.at(pfn))
        self.m.free_unref_page(pfn, True)
        return new

    def check_drain(self) -> CompactResult:
        """End a round; drain behind a block, look at what was captured. O(pages)."""
        r, cc = self.running()
        cc.migratepages.clear()
        cc.nr_migratepages = 0
        if cc.enomem and not self.scanners_met(cc):
            cc.ret = CompactResult.CONTENDED
            r.phase = "end"
            return cc.ret
        if (cc.nr_failed or cc.enomem) and cc.picky:
            mask = (1 << cc.order) - 1
            cc.migrate_pfn = (cc.migrate_pfn + mask) & ~mask
            cc.last_migrated_pfn = 0
        if 0 < cc.last_migrated_pfn < cc.migrate_pfn >> cc.order << cc.order:
            cc.last_migrated_pfn = 0
            self.m.drain_pages_zone(cc.zone, True)
        captured = self.m.capture is not None and r.page >= 0
        cc.ret = SUCCESS if captured else CONTINUE
        r.phase = "end" if captured else "finished"
        return cc.ret

    # -------------------------------------------------------------- the end

    def release_freepages(self, cc: Control) -> None:
        """Give unused targets back, and start there next time. O(pages)."""
        if not cc.freepages:
            return
        high = max(cc.freepages) & -self.m.pageblock
        while cc.freepages:
            self.m.free_unref_page(cc.freepages.pop(), True)
        if high > cc.zone.compact_cached_free_pfn:
            cc.zone.compact_cached_free_pfn = high

    def end_zone(self, resched: bool) -> CompactResult:
        """Note how a zone's run went, and go on or return. O(pages)."""
        r, cc = self.running()
        zone = cc.zone
        self.release_freepages(cc)
        self.hide_capture()
        if r.prio is not None:
            r.captured = r.page
            if r.page >= 0 and not self.loses_captured:
                cc.ret = SUCCESS
            r.page = -1
        status = cc.ret
        if status is SUCCESS:
            defer.compaction_defer_reset(zone, cc.order, False)
        elif status in FULL and r.prio != CompactPriority.ASYNC:
            defer.defer_compaction(zone, cc.order, self.defer_max)
        if r.prio is None:
            if status in FULL:
                self.m.drain_pages_zone(zone, False)
            self.next_zone()
            return status
        r.rc = max(r.rc, status)
        tired = resched and r.prio == CompactPriority.ASYNC
        if status is SUCCESS or tired or cc.fatal:
            self.no_more_zones()
        else:
            self.next_zone()
        return status

    def end_request(self) -> tuple[CompactResult, int]:
        """Return the result and a captured block, which its owner has now. O(pages)."""
        r, cc = self.running()
        self.request = self.cc = None
        if r.prio is None:
            if self.kcompactd_max_order <= cc.order:
                self.kcompactd_max_order = 0
            if self.kcompactd_highest_zoneidx >= r.highest:
                self.kcompactd_highest_zoneidx = len(self.zones) - 1
        elif r.captured >= 0:
            self.served(self.m.zone_of(r.captured), cc.order)
            self.m.hold(r.captured, cc.order)
        return r.rc, r.captured

    def served(self, zone: Zone, order: int) -> None:
        """Note that a request got its block from a zone. O(1)."""
        zone.compact_blockskip_flush = False
        defer.compaction_defer_reset(zone, order, True)

    # -------------------------------------------------------------- meanwhile

    def kill(self) -> None:
        """Let a fatal signal be pending for the task that compacts. O(1)."""
        self.running()[1].fatal = True

    def free(self, pfn: int, ours: bool) -> None:
        """Let an owner free a page or a compound page. O(max_order + pages)."""
        m = self.m
        if m.at(pfn) == HEAD:
            order, mt = m.compound_order(pfn), m.type_of(pfn)
            m.free_one_page(m.zone_of(pfn), pfn, order, mt, ours)
        else:
            m.free_unref_page(pfn, ours)
