"""The machine: compaction on request and by kcompactd, one step at a time.

Source: mm/compaction.c:try_to_compact_pages, compact_zone, kcompactd_do_work (v5.10).
"""

from __future__ import annotations

from mmoracle.spec.linux import MIGRATE_UNMOVABLE, CompactPriority, CompactResult

from . import defer
from .control import ASYNC, Control, Request
from .frames import HEAD, Zone
from .hints import Hints
from .rounds import CONTINUE, FULL, SUCCESS, Rounds


class Compaction(Hints, Rounds):
    """What is asked of a machine, and how a zone's run begins and ends."""

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
