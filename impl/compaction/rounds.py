"""The loop of the machine: judge, isolate, find targets, move, and settle.

Source: mm/compaction.c:compact_zone, __compact_finished;
mm/migrate.c:unmap_and_move (v5.10).
"""

from __future__ import annotations

from mmoracle.spec.linux import (
    MIGRATE_MOVABLE,
    MIGRATE_RECLAIMABLE,
    MIGRATE_UNMOVABLE,
    CompactResult,
)

from .control import Control
from .frames import SHIFT, Zone
from .sources import Sources
from .state import State
from .targets import Targets

SUCCESS, CONTINUE = CompactResult.SUCCESS, CompactResult.CONTINUE
FULL = (CompactResult.COMPLETE, CompactResult.PARTIAL_SKIPPED)
OTHERS = {
    MIGRATE_UNMOVABLE: (MIGRATE_RECLAIMABLE, MIGRATE_MOVABLE),
    MIGRATE_MOVABLE: (MIGRATE_RECLAIMABLE, MIGRATE_UNMOVABLE),
    MIGRATE_RECLAIMABLE: (MIGRATE_UNMOVABLE, MIGRATE_MOVABLE),
}


class Rounds(State):
    """A zone's run between its beginning and its end."""

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
