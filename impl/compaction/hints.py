"""The skip hints of the machine: when useless page blocks are looked at again.

Source: mm/compaction.c:__reset_isolation_pfn, __reset_isolation_suitable (v5.10).
"""

from __future__ import annotations

from mmoracle.spec.linux import MIGRATE_MOVABLE

from .frames import ANON, BUSY, FILE, Zone
from .state import State


class Hints(State):
    """Which page blocks were useless, and where the scanners start again."""

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
