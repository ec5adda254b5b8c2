"""Frames, page blocks and the free lists of zones, with capture on the way there.

A block on a list is a key of `place`, its value order * TYPES + migrate type; a list
is an ordered dictionary, head first.

Source: mm/page_alloc.c:__free_one_page, __isolate_free_page, free_unref_page_commit,
free_pcppages_bulk (v5.10).
"""

from __future__ import annotations

from collections import OrderedDict, deque
from copy import copy
from typing import TYPE_CHECKING

from mmoracle.spec.linux import MIGRATE_MOVABLE, MIGRATE_PCPTYPES

from ..buddy.pcp import round_robin
from ..watermark import CMA, zone_watermark_ok

if TYPE_CHECKING:
    from .control import Request

TYPES, SHIFT = 8, 3
(FREE, WAITS, TARGET, CAUGHT, ANON, FILE, BUSY, DRIVER, PINNED, HEAD, TAIL) = (
    b"fpikmebzuCc"
)


class Zone:
    """struct zone, as far as compaction reads or writes it."""

    def __init__(
        self,
        start: int,
        end: int,
        orders: int,
        marks: tuple[int, int, int],
        reserve: tuple[int, ...],
    ) -> None:
        self.zone_start_pfn, self.end = start, end
        self.watermark, self.lowmem_reserve = marks, reserve
        self.lists: list[OrderedDict[int, None]] = [
            OrderedDict() for _ in range(orders * TYPES)
        ]
        self.place: dict[int, int] = {}
        self.nr_free = [0] * orders
        self.nr_free_pages = self.nr_free_cma = 0
        self.pcp: list[deque[tuple[int, int]]] = [
            deque() for _ in range(MIGRATE_PCPTYPES)
        ]
        self.pcp_count = 0
        self.compact_cached_free_pfn = 0
        self.compact_cached_migrate_pfn = [0, 0]
        self.compact_init_migrate_pfn = self.compact_init_free_pfn = 0
        self.compact_considered = self.compact_defer_shift = 0
        self.compact_order_failed = 0
        self.compact_blockskip_flush = False

    def fork(self) -> Zone:
        """Return a zone in the same state, that shares nothing. O(blocks)."""
        other = copy(self)
        other.lists = [OrderedDict(line) for line in self.lists]
        other.place, other.nr_free = dict(self.place), self.nr_free[:]
        other.pcp = [deque(line) for line in self.pcp]
        other.compact_cached_migrate_pfn = self.compact_cached_migrate_pfn[:]
        return other

    def push(self, pfn: int, order: int, mt: int, to_tail: bool) -> None:
        """Put a block on a list. O(1)."""
        code = order << SHIFT | mt
        line = self.lists[code]
        line[pfn] = None
        if not to_tail:
            line.move_to_end(pfn, last=False)
        self.place[pfn] = code
        self.nr_free[order] += 1

    def pull(self, pfn: int) -> int:
        """Take a block off its list; return its order. O(1)."""
        code = self.place.pop(pfn)
        del self.lists[code][pfn]
        self.nr_free[code >> SHIFT] -= 1
        return code >> SHIFT

    def buddy_order(self, pfn: int) -> int:
        """Return the order of the free block that begins at a frame, or -1. O(1)."""
        return self.place.get(pfn, -1) >> SHIFT

    def to_end(self, line: OrderedDict[int, None], pfn: int, *, itself: bool) -> None:
        """Move the entries up to a block to the end of their list. O(entries)."""
        for each in list(line):
            if each == pfn and not itself:
                return
            line.move_to_end(each)
            if each == pfn:
                return

    def bits(self, order: int) -> int:
        """Return which lists of an order are not empty, as bits. O(1)."""
        code = order << SHIFT
        return sum(1 << mt for mt in range(TYPES) if self.lists[code + mt])

    def level(self) -> list[int]:
        """Return those bits for every order. O(orders)."""
        return [self.bits(order) for order in range(len(self.nr_free))]


class Frames:
    """All frames, page blocks and zones of a machine."""

    def __init__(
        self,
        zones: list[Zone],
        orders: int,
        pageblock_order: int,
        high: int,
        batch: int,
        cma: int,
    ) -> None:
        self.zones = zones
        self.first, self.end = zones[0].zone_start_pfn, zones[-1].end
        self.max_order = orders - 1
        self.pageblock_order = pageblock_order
        self.pageblock = 1 << pageblock_order
        self.high, self.batch, self.cma = high, batch, cma
        self.page = bytearray(self.end - self.first)
        self.first_block = self.first >> pageblock_order
        blocks = ((self.end - 1) >> pageblock_order) - self.first_block + 1
        self.types, self.skip = [0] * blocks, bytearray(blocks)
        self.capture: Request | None = None  # current->capture_control

    def fork(self) -> Frames:
        """Return frames in the same state; nothing is captured there. O(frames)."""
        other = copy(self)
        other.zones = [zone.fork() for zone in self.zones]
        other.page, other.skip = self.page[:], self.skip[:]
        other.types, other.capture = self.types[:], None
        return other

    # -------------------------------------------------------------- looking

    def block(self, pfn: int) -> int:
        """Return the number of a frame's page block. O(1)."""
        return (pfn >> self.pageblock_order) - self.first_block

    def zone_of(self, pfn: int) -> Zone:
        """Return the zone of a frame. O(zones)."""
        for zone in self.zones:
            if pfn < zone.end:
                return zone
        raise IndexError(pfn)

    def get_pageblock_skip(self, pfn: int) -> bool:
        """Say whether a frame's page block is to be passed over. O(1)."""
        return self.skip[self.block(pfn)] != 0

    def set_pageblock_skip(self, pfn: int) -> None:
        """Let a frame's page block be passed over. O(1)."""
        self.skip[self.block(pfn)] = 1

    def clear_pageblock_skip(self, pfn: int) -> None:
        """Let a frame's page block be looked at. O(1)."""
        self.skip[self.block(pfn)] = 0

    def type_of(self, pfn: int) -> int:
        """Return the migrate type of a frame's page block. O(1)."""
        return self.types[self.block(pfn)]

    def at(self, pfn: int) -> int:
        """Return what a frame is. O(1)."""
        return self.page[pfn - self.first]

    def paint(self, pfn: int, pages: int, mark: int) -> None:
        """Say what some frames are. O(pages)."""
        at = pfn - self.first
        self.page[at : at + pages] = bytes((mark,)) * pages

    def compound_order(self, head: int) -> int:
        """Return the order of the compound page that begins at a frame. O(pages)."""
        at = head - self.first
        tails = 0
        while at + tails + 1 < len(self.page) and self.page[at + tails + 1] == TAIL:
            tails += 1
        return (tails + 1).bit_length() - 1

    def skip_persistent(self, pfn: int) -> bool:
        """Say whether a compound page fills the page block: O(pages).

        Source: mm/compaction.c:pageblock_skip_persistent (v5.10).
        """
        if self.at(pfn) not in (HEAD, TAIL):
            return False
        head = self.page.rindex(HEAD, 0, pfn - self.first + 1) + self.first
        return self.compound_order(head) >= self.pageblock_order

    # -------------------------------------------------------------- freeing

    def compaction_capture(self, zone: Zone, order: int, mt: int, ours: bool) -> bool:
        """Say whether the task that compacts takes a block that is freed. O(1)."""
        capc = self.capture
        if not ours or capc is None or capc.zone is not zone or capc.page >= 0:
            return False
        if order != capc.order or mt == self.cma:
            return False
        return not (order < self.pageblock_order and mt == MIGRATE_MOVABLE)

    def count(self, zone: Zone, pages: int, mt: int) -> None:
        """Change NR_FREE_PAGES and its part in CMA. O(1)."""
        zone.nr_free_pages += pages
        if mt == self.cma:
            zone.nr_free_cma += pages

    def free_one_page(
        self, zone: Zone, pfn: int, order: int, mt: int, ours: bool
    ) -> None:
        """Merge a block as far as it goes, unless it is captured. O(max_order)."""
        self.count(zone, 1 << order, mt)
        base, pages = pfn, 1 << order
        while order < self.max_order:
            if self.compaction_capture(zone, order, mt, ours):
                self.count(zone, -(1 << order), mt)
                assert self.capture is not None
                self.capture.page = pfn
                self.paint(pfn, 1 << order, CAUGHT)
                return
            buddy = pfn ^ (1 << order)
            if zone.buddy_order(buddy) != order:
                break
            zone.pull(buddy)
            pfn &= ~(1 << order)
            order += 1
        self.paint(base, pages, FREE)
        above = (pfn & ~(1 << order)) ^ (2 << order)
        likely = order < self.max_order - 1 and zone.buddy_order(above) == order + 1
        zone.push(pfn, order, mt, likely)

    def free_unref_page(self, pfn: int, ours: bool) -> None:
        """Let a page wait in the pageset; drain a batch at the high mark. O(batch)."""
        zone, mt = self.zone_of(pfn), self.type_of(pfn)
        self.paint(pfn, 1, WAITS)
        line = zone.pcp[mt if mt < MIGRATE_PCPTYPES else MIGRATE_MOVABLE]
        line.appendleft((pfn, mt))
        zone.pcp_count += 1
        if zone.pcp_count >= self.high:
            self.free_pcppages_bulk(zone, self.batch, ours)

    def free_pcppages_bulk(self, zone: Zone, pages: int, ours: bool) -> None:
        """Give pages of the pageset back to the lists. O(pages * max_order)."""
        zone.pcp_count -= pages
        turns = round_robin([len(each) for each in zone.pcp], pages)
        for pfn, mt in [zone.pcp[which].pop() for which in turns]:
            self.free_one_page(zone, pfn, 0, mt, ours)

    def drain_pages_zone(self, zone: Zone, ours: bool) -> None:
        """Empty the pageset of a zone. O(pages * max_order)."""
        self.free_pcppages_bulk(zone, zone.pcp_count, ours)

    # -------------------------------------------------------------- taking

    def isolate_free_page(self, zone: Zone, pfn: int, order: int) -> int:
        """Take a free block as a target; return its pages, 0 if forbidden. O(orders).

        Source: mm/page_alloc.c:__isolate_free_page (v5.10).
        """
        mark = zone.watermark[0] + (1 << order)
        reserve, cma = zone.lowmem_reserve[0], zone.nr_free_cma
        told = (zone.nr_free_pages, 0, mark, reserve, CMA, (), 0, cma, self.cma)
        if not zone_watermark_ok(*told):
            return 0
        self.count(zone, -(1 << order), self.type_of(pfn))
        zone.pull(pfn)
        self.paint(pfn, 1 << order, TARGET)
        if order >= self.pageblock_order - 1:
            self.make_movable(pfn, 1 << order)
        return 1 << order

    def make_movable(self, pfn: int, pages: int) -> None:
        """Let page blocks that were taken be movable ones. O(page blocks)."""
        for block in range(self.block(pfn), self.block(pfn + pages - 1) + 1):
            if self.types[block] < MIGRATE_PCPTYPES:
                self.types[block] = MIGRATE_MOVABLE

    def rmqueue_smallest(self, zone: Zone, order: int, mt: int) -> int:
        """Allocate the first block that is enough, or return -1. O(max_order)."""
        for high in range(order, self.max_order + 1):
            line = zone.lists[high << SHIFT | mt]
            if line:
                pfn = next(iter(line))
                zone.pull(pfn)
                self.count(zone, -(1 << order), mt)
                while high > order:
                    high -= 1
                    zone.push(pfn + (1 << high), high, mt, False)
                self.hold(pfn, order)
                return pfn
        return -1

    def hold(self, pfn: int, order: int) -> None:
        """Let somebody own a block, as one page or as a compound page. O(pages)."""
        if order == 0:
            self.paint(pfn, 1, PINNED)
            return
        self.paint(pfn, 1, HEAD)
        self.paint(pfn + 1, (1 << order) - 1, TAIL)
