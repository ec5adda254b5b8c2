"""A request whose lists are empty takes from another type's.

Mirrors `spec/buddy/migrate.py`.

Source: mm/page_alloc.c:__rmqueue_fallback, steal_suitable_fallback (v5.10).
"""

from __future__ import annotations

from collections.abc import Callable

from mmoracle.spec.linux import (
    MIGRATE_HIGHATOMIC,
    MIGRATE_MOVABLE,
    AllocFlags,
)

from .zone import SHIFT, Zone, frames_from

FALLBACKS = ((2, 1), (2, 0), (0, 1))  # by the type that asks
NOFRAGMENT, KSWAPD, CMA = (
    int(AllocFlags.NOFRAGMENT),
    int(AllocFlags.KSWAPD),
    int(AllocFlags.CMA),
)

Events = list[tuple[object, ...]]
LOCKED, DRAINED, STOLE, WOKE = "locked", "drained", "stole", "woke"


class Mobility:
    """What page blocks of different types may do to one another in one zone."""

    def __init__(
        self,
        zone: Zone,
        events: Events,
        movable_in: Callable[[int, int], int],
        *,
        grouping: bool,
        high_wmark: int,
        boost_factor: int,
    ) -> None:
        self.zone = zone
        self.events = events
        self.movable_in = movable_in  # frames of movable requests in a range
        self.grouping = grouping
        self.boost_top = high_wmark * boost_factor // 10000

    def can_steal_fallback(self, order: int, start: int) -> bool:
        """Say whether the rest of the page block may be taken along. O(1)."""
        half = self.zone.pageblock_order // 2
        return order >= half or start != MIGRATE_MOVABLE or not self.grouping

    def find_suitable_fallback(self, order: int, start: int) -> int:
        """Return the first type that has a block of an order, or -1. O(1)."""
        lists = self.zone.lists
        for mt in FALLBACKS[start]:
            if lists[order << SHIFT | mt]:
                return mt
        return -1

    def fallback_block(self, order: int, start: int, flags: int) -> tuple[int, int]:
        """Return (order, type) of the list to take from, or (-1, -1). O(max_order)."""
        top, least = self.zone.max_order, order
        if flags & NOFRAGMENT:
            least = self.zone.pageblock_order
        for high in range(top, least - 1, -1):
            mt = self.find_suitable_fallback(high, start)
            if mt < 0:
                continue
            if self.can_steal_fallback(high, start):
                return high, mt
            for low in range(order, top + 1):
                mt = self.find_suitable_fallback(low, start)
                if mt >= 0:
                    return low, mt
        return -1, -1

    def block_range(self, pfn: int) -> tuple[int, int]:
        """Return the frames of a page block, cut where the zone begins. O(1)."""
        size = 1 << self.zone.pageblock_order
        start = pfn & ~(size - 1)
        return (start if start >= self.zone.start else pfn), start + size

    def move_freepages_block(self, pfn: int, mt: int) -> int:
        """Take a page block's free blocks to a type; return their frames. O(block)."""
        zone = self.zone
        start, end = self.block_range(pfn)
        if end > zone.end:
            return 0
        moved = 0
        while start < end:
            if start in zone.place:
                size = 1 << (zone.place[start] >> SHIFT)
                zone.move(start, mt)
                moved += size
                start += size
            else:
                start += 1
        return moved

    def boost_watermark(self) -> bool:
        """Raise the watermarks; not in a zone that is too small. O(1)."""
        size = 1 << self.zone.pageblock_order
        if size * 4 > self.zone.managed or not self.boost_top:
            return False
        self.zone.boost = min(self.zone.boost + size, max(size, self.boost_top))
        return True

    def steal(self, pfn: int, start: int, flags: int, whole: bool) -> None:
        """Take a block and what goes with it to a type's lists. O(page block).

        Source: mm/page_alloc.c:steal_suitable_fallback (v5.10).
        """
        zone, old = self.zone, self.zone.type_of(pfn)
        order = zone.place[pfn] >> SHIFT
        if old != MIGRATE_HIGHATOMIC:
            if order >= zone.pageblock_order:
                for block in frames_from(pfn, 1 << order, 1 << zone.pageblock_order):
                    zone.set_type(block, start)
            else:
                if self.boost_watermark() and flags & KSWAPD:
                    zone.boosted = True
                if whole and self.steal_page_block(pfn, start, old):
                    return
        zone.move(pfn, start)

    def steal_page_block(self, pfn: int, start: int, old: int) -> bool:
        """Take all free blocks of a page block, and its type if most of it is alike."""
        free = self.move_freepages_block(pfn, start)
        if not free:
            return False
        movable = self.movable_in(*self.block_range(pfn))
        if self.mostly_alike(start, old, free, movable):
            self.zone.set_type(pfn, start)
        return True

    def mostly_alike(self, start: int, old: int, free: int, movable: int) -> bool:
        """Say whether a page block becomes one of a type. O(1)."""
        size, alike = 1 << self.zone.pageblock_order, 0
        if start == MIGRATE_MOVABLE:
            alike = movable
        elif old == MIGRATE_MOVABLE:
            alike = size - (free + movable)
        return free + alike >= size // 2 or not self.grouping

    def rmqueue_fallback(self, order: int, start: int, flags: int) -> bool:
        """Bring another type's block to the lists of `start`. O(page block)."""
        high, mt = self.fallback_block(order, start, flags)
        if high < 0:
            return False
        zone = self.zone
        pfn = next(iter(zone.lists[high << SHIFT | mt]))
        self.steal(pfn, start, flags, self.can_steal_fallback(high, start))
        changed = zone.type_of(pfn) == start
        self.events.append((STOLE, pfn, order, high, start, mt, changed))
        return True

    def rmqueue(self, order: int, mt: int, flags: int) -> tuple[int, int]:
        """Take a block, from another type at need; return (pfn or -1, its list's type).

        O(max_order), and O(page block) where another type is taken from.
        """
        zone = self.zone
        if flags & CMA and zone.nr_free_cma > zone.nr_free_pages // 2:
            pfn = zone.rmqueue_smallest(order, zone.cma)
            if pfn >= 0:
                self.events.append((LOCKED, pfn, order, mt))
                return pfn, zone.cma
        while True:
            used, pfn = mt, zone.rmqueue_smallest(order, mt)
            if pfn < 0 and flags & CMA:
                used, pfn = zone.cma, zone.rmqueue_smallest(order, zone.cma)
            if pfn >= 0:
                self.events.append((LOCKED, pfn, order, mt))
                return pfn, used
            if not self.rmqueue_fallback(order, mt, flags):
                return -1, mt

    # -------------------------------------------------------------- high-atomic

    def reserve_highatomic(self, pfn: int) -> None:
        """Keep the page block of an urgent large request for others. O(page block)."""
        zone, mt = self.zone, self.zone.type_of(pfn)
        size = 1 << zone.pageblock_order
        if zone.highatomic >= zone.managed // 100 + size:
            return
        if mt not in (MIGRATE_HIGHATOMIC, zone.isolate, zone.cma):
            zone.highatomic += size
            zone.set_type(pfn, MIGRATE_HIGHATOMIC)
            self.move_freepages_block(pfn, MIGRATE_HIGHATOMIC)

    def unreserve_highatomic(self, mt: int, force: bool) -> bool:
        """Give one reserved page block to a type, if there is one. O(page block)."""
        zone = self.zone
        size = 1 << zone.pageblock_order
        if not force and zone.highatomic <= size:
            return False
        for order in range(zone.max_order + 1):
            line = zone.lists[order << SHIFT | MIGRATE_HIGHATOMIC]
            if not line:
                continue
            pfn = next(iter(line))
            if zone.type_of(pfn) == MIGRATE_HIGHATOMIC:
                zone.highatomic = max(0, zone.highatomic - size)
            zone.set_type(pfn, mt)
            if self.move_freepages_block(pfn, mt):
                return True
        return False
