"""What the kernel does with page blocks and frames besides handing them out.

Mirrors `spec/buddy/manage.py`.

Source: mm/page_isolation.c, mm/page_alloc.c:take_page_off_buddy (v5.10).
"""

from __future__ import annotations

from mmoracle.spec.linux import MIGRATE_HIGHATOMIC, MIGRATE_MOVABLE, Bug, Errno

from .allocator import Blocks
from .held import COMPOUND, FOREIGN, MOVABLE
from .zone import SHIFT, Zone, frames_from


class PageAllocator(Blocks):
    """The whole machine."""

    # -------------------------------------------------------------- isolation

    def has_unmovable_pages(self, pfn: int) -> bool:
        """Say whether a page block has frames that cannot be moved. O(page block)."""
        frames, zone = self.frames, self.zones[self.frames.zone_of(pfn)]
        if zone.type_of(pfn) == zone.cma:
            return True
        head = frames.holder_of(pfn)
        if 0 <= head < pfn and self.held[head] & (COMPOUND | MOVABLE) == COMPOUND:
            return True
        for each in frames_from(pfn, 1 << zone.pageblock_order):
            code = self.held.get(each, MOVABLE)
            if not code & MOVABLE or not frames.is_known(each):
                return True
        return False

    def why_not_isolate(self, pfn: int) -> Errno | None:
        """Return EBUSY where a page block cannot be isolated. O(page block)."""
        zone = self.zones[self.frames.zone_of(pfn)]
        busy = zone.type_of(pfn) == zone.isolate or self.has_unmovable_pages(pfn)
        return Errno.EBUSY if busy else None

    def isolate(self, pfn: int) -> Errno | None:
        """Hand out nothing of a page block any more. O(page block)."""
        no = self.why_not_isolate(pfn)
        if no is not None:
            return no
        at = self.frames.zone_of(pfn)
        zone, mt = self.zones[at], self.zones[at].type_of(pfn)
        zone.set_type(pfn, zone.isolate)
        zone.nr_isolate += 1
        zone.count(-self.mobility[at].move_freepages_block(pfn, zone.isolate), mt)
        for cpu in range(self.cpus):
            self.drain(cpu, at, True)
        return None

    def unisolate(self, pfn: int, mt: int) -> None:
        """Hand out a page block again, as a type. O(page block)."""
        at = self.frames.zone_of(pfn)
        zone = self.zones[at]
        if zone.type_of(pfn) != zone.isolate:
            return
        order = zone.place.get(pfn, -1) >> SHIFT
        buddy = pfn ^ (1 << max(order, 0))
        apart = order >= zone.pageblock_order and self.frames.zone_of(buddy) >= 0
        if apart and zone.type_of(buddy) != zone.isolate:
            self.put_back(zone, pfn, mt)
        else:
            moved = self.mobility[at].move_freepages_block(pfn, mt)
            zone.count(moved, mt)
            zone.set_type(pfn, mt)
        zone.nr_isolate -= 1

    def put_back(self, zone: Zone, pfn: int, mt: int) -> None:
        """Free a block again, so that it merges with its buddy. O(max_order)."""
        order = zone.pull(pfn)
        special = (zone.isolate, zone.cma, MIGRATE_HIGHATOMIC)
        for block in frames_from(pfn, 1 << order, 1 << zone.pageblock_order):
            if zone.type_of(block) not in special:
                zone.set_type(block, MIGRATE_MOVABLE)
        zone.set_type(pfn, mt)
        zone.free_one_page(pfn, order, mt, True)

    # -------------------------------------------------------------- the rest

    def why_not_unreserve(self, at: int, force: bool) -> Errno | None:
        """Return ENOENT where no reserved page block can be given up. O(blocks)."""
        zone, size = self.zones[at], 1 << self.zones[at].pageblock_order
        if not force and zone.highatomic <= size:
            return Errno.ENOENT
        lists = zone.lists[MIGRATE_HIGHATOMIC :: 1 << SHIFT]
        heads = [next(iter(line)) for line in lists if line]
        whole = any(self.mobility[at].block_range(p)[1] <= zone.end for p in heads)
        return None if whole else Errno.ENOENT

    def unreserve(self, at: int, mt: int, force: bool) -> Errno | None:
        """Give a reserved page block to a type. O(page block)."""
        moved = self.mobility[at].unreserve_highatomic(mt, force)
        return None if moved else Errno.ENOENT

    def why_not_take_off(self, pfn: int) -> Errno | Bug | None:
        """Return why a frame cannot leave the lists, if so. O(max_order)."""
        at = self.frames.zone_of(pfn)
        if at < 0:
            return FOREIGN
        return None if self.cover(at, pfn, 0) else Errno.EBUSY

    def take_page_off(self, pfn: int) -> Errno | Bug | None:
        """Take a bad frame off the lists for good. O(max_order)."""
        no = self.why_not_take_off(pfn)
        if no is not None:
            return no
        at = self.frames.zone_of(pfn)
        zone, head = self.zones[at], self.cover(at, pfn, 0)[0]
        mt = zone.type_of(head)
        order = zone.pull(head)
        while order > 0:
            order -= 1
            upper = head + (1 << order)
            head, rest = (upper, head) if pfn >= upper else (head, upper)
            zone.set_aside(rest, order, mt)
        if mt != zone.isolate and not self.counts_taken:
            zone.count(-1, mt)
        self.frames.taken.add(pfn)
        return None
