"""Handing out blocks and taking them back, over zones, pagesets and held blocks.

Mirrors `spec/buddy/alloc.py`, `free.py` and the owners' part of `manage.py`.

Source: mm/page_alloc.c (v5.10).
"""

from __future__ import annotations

from mmoracle.spec.linux import (
    MIGRATE_HIGHATOMIC,
    MIGRATE_MOVABLE,
    AllocFlags,
    Bug,
)

from .held import COMPOUND, MOVABLE, ORDER, REF, Frames
from .migrate import LOCKED, WOKE, Events, Mobility
from .pcp import commit, drain, refill, rmqueue_pcplist, zone_batchsize
from .zone import SHIFT, Pageset, Zone, frames_from

HARDER, CMA = int(AllocFlags.HARDER), int(AllocFlags.CMA)
IN_USE = Bug("somebody else holds a reference")
NOT_PREPARED = Bug("not prepared to be freed")
NOT_RESERVED = Bug("not a reserved frame")
COMPOUND_PAGE = Bug("a compound page")
SATURATED = Bug("no room for another reference")
WORD = 7


class Blocks:
    """Blocks that are handed out and come back.

    `events` collects what Linux would show, oldest first.
    """

    def __init__(
        self,
        spans: list[tuple[int, int]],
        holes: list[tuple[int, int]],
        *,
        orders: int,
        pageblock_order: int,
        types: list[int],
        cpus: int = 0,
        high: int = 0,
        batch: int = 0,
        cma: int = -1,
        isolate: int = -1,
        guard_minorder: int = 0,
        grouping: bool = True,
        high_wmark: int = 0,
        boost_factor: int = 15000,
        most_refs: int = 2,
        merges_reserved: bool = True,
        keeps_private: bool = True,
        counts_taken: bool = False,
        min_order: int = 0,
        lazy: bool = False,
        picks: str = "linux",
        fails_freely: bool = False,
    ) -> None:
        self.orders, self.cpus = orders, cpus
        self.high, self.batch = high, batch
        self.most_refs = most_refs
        self.keeps_private, self.counts_taken = keeps_private, counts_taken
        self.picks, self.fails_freely = picks, fails_freely
        self.events: Events = []
        first_block = min(start for start, _ in spans) >> pageblock_order
        self.zones = [
            Zone(
                start,
                end,
                orders=orders,
                pageblock_order=pageblock_order,
                cma=cma,
                isolate=isolate,
                guard_minorder=guard_minorder,
                merges_reserved=merges_reserved,
                lazy=lazy,
                types=types,
                first_block=first_block,
            )
            for start, end in spans
        ]
        self.frames = Frames(self.zones, holes, min_order)
        self.held = self.frames.held
        self.mobility = [
            Mobility(
                zone,
                self.events,
                self.frames.movable_in,
                grouping=grouping,
                high_wmark=high_wmark,
                boost_factor=boost_factor,
            )
            for zone in self.zones
        ]
        for zone in self.zones:
            zone.pagesets = [Pageset() for _ in range(cpus)]

    # -------------------------------------------------------------- allocation

    def uses_pageset(self, at: int, order: int, mt: int, flags: int) -> bool:
        """Say whether a request is served from a cpu's list. O(1)."""
        if order or not self.cpus:
            return False
        free_of_cma = self.zones[at].cma >= 0 and not flags & CMA
        return not (free_of_cma and mt == MIGRATE_MOVABLE)

    def rmqueue(self, cpu: int, at: int, order: int, mt: int, flags: int) -> int:
        """Take a block from a zone, or return -1. O(max_order) without stealing."""
        zone, mobility = self.zones[at], self.mobility[at]
        if self.uses_pageset(at, order, mt, flags):
            pfn = rmqueue_pcplist(mobility, zone.pagesets[cpu], mt, flags)
        else:
            pfn = self.rmqueue_zone(at, order, mt, flags)
            if pfn < 0:
                return -1
        if zone.boosted:
            zone.boosted = False
            self.events.append((WOKE, at))
        return pfn

    def rmqueue_zone(self, at: int, order: int, mt: int, flags: int) -> int:
        """Take a block from a zone's lists, or return -1. O(max_order)."""
        zone, pfn, used = self.zones[at], -1, MIGRATE_HIGHATOMIC
        if order and flags & HARDER:
            pfn = zone.rmqueue_smallest(order, MIGRATE_HIGHATOMIC)
            if pfn >= 0:
                self.events.append((LOCKED, pfn, order, mt))
        if pfn < 0:
            pfn, used = self.mobility[at].rmqueue(order, mt, flags)
        if pfn >= 0:
            zone.count(-(1 << order), used)
        return pfn

    def refill(self, cpu: int, at: int, mt: int, flags: int) -> None:
        """Take a batch to the tail of a cpu's list. O(batch * max_order)."""
        refill(self.mobility[at], self.zones[at].pagesets[cpu], mt, flags)

    def own(self, pfn: int, order: int, mt: int, compound: bool) -> None:
        """Give a block to its owner. O(1)."""
        code = order | REF
        if compound and order:
            code |= COMPOUND
        if mt == MIGRATE_MOVABLE:
            code |= MOVABLE
        self.held[pfn] = code
        if self.frames.private:
            self.frames.private.pop(pfn, None)

    def alloc_pages(
        self, cpu: int, at: int, order: int, mt: int, flags: int, compound: bool
    ) -> int:
        """Allocate a block in a zone, or return -1. O(max_order) without stealing."""
        if order >= self.orders:
            return -1
        if self.picks != "linux":
            return self.alloc_other(at, order, mt, compound)
        pfn = self.rmqueue(cpu, at, order, mt, flags)
        if pfn >= 0:
            self.own(pfn, order, mt, compound)
            if order and flags & HARDER:
                self.mobility[at].reserve_highatomic(pfn)
        return pfn

    def alloc_exact(self, cpu: int, at: int, pages: int, mt: int) -> int:
        """Allocate so many single pages in a row, or return -1. O(pages)."""
        order = (pages - 1).bit_length()
        pfn = self.alloc_pages(cpu, at, order, mt, 0, False)
        if pfn >= 0:
            self.cut(cpu, at, pfn, pages)
        return pfn

    def cut(self, cpu: int, at: int, pfn: int, pages: int) -> None:
        """Make a block single pages, and free those behind so many. O(pages)."""
        end = pfn + (1 << (self.held[pfn] & ORDER))
        self.split_page(pfn)
        for each in frames_from(pfn + pages, end - pfn - pages):
            del self.held[each]
            self.free_the_page(cpu, at, each, 0)

    # -------------------------------------------------------------- others

    def free_runs(self, at: int) -> list[tuple[int, int]]:
        """Return the free frames of a zone as ranges. O(blocks log blocks)."""
        place, runs = self.zones[at].place, list[tuple[int, int]]()
        for pfn in sorted(place):
            end = pfn + (1 << (place[pfn] >> SHIFT))
            if runs and runs[-1][1] == pfn:
                runs[-1] = (runs[-1][0], end)
            else:
                runs.append((pfn, end))
        return runs

    def pick(self, at: int, order: int) -> int:
        """Return the block that the declared policy takes, or -1. O(blocks)."""
        size, places = 1 << order, list[int]()
        for start, end in self.free_runs(at):
            low, high = (start + size - 1) & -size, (end - size) & -size
            if low <= high:
                places += [low, high]
        if not places:
            return -1
        return max(places) if self.picks == "highest" else min(places)

    def alloc_other(self, at: int, order: int, mt: int, compound: bool) -> int:
        """Allocate as the declared policy does, or return -1. O(blocks)."""
        order = max(order, self.frames.min_order)
        pfn = self.pick(at, order)
        if pfn >= 0:
            self.carve(at, pfn, order)
            self.own(pfn, order, mt, compound)
        return pfn

    def cover(self, at: int, pfn: int, order: int) -> list[int]:
        """Return the free blocks that make up a block, none if one frame is not free.

        O(max_order) where one block covers it.
        """
        place = self.zones[at].place
        for high in range(order, self.orders):
            head = pfn & ~((1 << high) - 1)
            if place.get(head, -1) >> SHIFT >= high:
                return [head]
        parts, end = list[int](), pfn + (1 << order)
        while pfn < end:
            if pfn not in place:
                return []
            parts.append(pfn)
            pfn += 1 << (place[pfn] >> SHIFT)
        return parts

    def carve(self, at: int, pfn: int, order: int) -> None:
        """Take a free block out of what covers it; the rest stays free. O(parts)."""
        zone = self.zones[at]
        for block in self.cover(at, pfn, order):
            mt = zone.place[block] & ((1 << SHIFT) - 1)
            high = zone.pull(block)
            while high > order:
                high -= 1
                upper = block + (1 << high)
                block, rest = (upper, block) if pfn >= upper else (block, upper)
                zone.push(rest, high, mt, False)
        zone.nr_free_pages -= 1 << order

    # -------------------------------------------------------------- freeing

    def free_the_page(self, cpu: int, at: int, pfn: int, order: int) -> None:
        """Give a block back, a single page by way of a cpu's list. O(max_order)."""
        zone = self.zones[at]
        if self.frames.private and not self.keeps_private:
            self.frames.clear_private(pfn, order)
        mt = zone.type_of(pfn)
        if order == 0 and self.cpus:
            commit(self.mobility[at], zone.pagesets[cpu], pfn, mt)
        else:
            zone.free_with_type(pfn, order, mt)

    def free_pages(self, cpu: int, pfn: int, order: int) -> Bug | None:
        """Drop a reference to a block; the last one frees it. O(max_order)."""
        no = self.frames.mistake(pfn, order)
        if no is not None:
            return no
        at, code = self.frames.zone_of(pfn), self.held.pop(pfn)
        order = code & ORDER
        if code < 2 * REF:
            self.free_the_page(cpu, at, pfn, order)
        elif code & COMPOUND:
            self.held[pfn] = code - REF
        else:
            self.held[pfn] = code - REF - order
            self.free_tail(cpu, at, pfn, order)
        return None

    def free_tail(self, cpu: int, at: int, pfn: int, order: int) -> None:
        """Free what lies behind the first page of a block. O(max_order ** 2)."""
        while order > 0:
            order -= 1
            self.free_the_page(cpu, at, pfn + (1 << order), order)

    def why_not_prepare(self, pfn: int) -> Bug | None:
        """Return why a page cannot be prepared to be freed, if so. O(1)."""
        no = self.frames.mistake(pfn, 0)
        if no is None and self.held[pfn] >= 2 * REF:
            return IN_USE
        return no

    def free_prepare(self, pfn: int) -> Bug | None:
        """Take a page from its owner and remember its type. O(1)."""
        no = self.why_not_prepare(pfn)
        if no is None:
            del self.held[pfn]
            self.frames.clear_private(pfn, 0)
            zone = self.zones[self.frames.zone_of(pfn)]
            self.frames.prepared[pfn] = zone.type_of(pfn)
        return no

    def why_not_commit(self, pfn: int) -> Bug | None:
        """Return why a page cannot enter a list, if so. O(1)."""
        return None if pfn in self.frames.prepared else NOT_PREPARED

    def free_commit(self, cpu: int, pfn: int) -> Bug | None:
        """Put a prepared page on a cpu's list. O(batch)."""
        no = self.why_not_commit(pfn)
        if no is None:
            mt = self.frames.prepared.pop(pfn)
            at = self.frames.zone_of(pfn)
            commit(self.mobility[at], self.zones[at].pagesets[cpu], pfn, mt)
        return no

    def why_not_release(self, start: int, end: int) -> Bug | None:
        """Return why a range of frames cannot be released, if so. O(pages)."""
        right = all(map(self.frames.is_reserved, frames_from(start, end - start)))
        return None if right else NOT_RESERVED

    def free_core(self, start: int, end: int) -> Bug | None:
        """Release a range of reserved frames, to the tails. O(blocks * max_order)."""
        no = self.why_not_release(start, end)
        if no is not None:
            return no
        while start < end:
            order = self.orders - 1
            while start & ((1 << order) - 1) or start + (1 << order) > end:
                order -= 1
            zone = self.zones[self.frames.zone_of(start)]
            zone.managed += 1 << order
            self.frames.make_known(start, 1 << order)
            zone.free_one_page(start, order, zone.type_of(start), True)
            start += 1 << order
        return None

    def free_reserved(self, cpu: int, pfn: int) -> Bug | None:
        """Release one reserved frame by way of a cpu's list. O(batch)."""
        no = self.why_not_release(pfn, pfn + 1)
        if no is None:
            at = self.frames.zone_of(pfn)
            self.zones[at].managed += 1
            self.frames.make_known(pfn, 1)
            self.free_the_page(cpu, at, pfn, 0)
        return no

    # -------------------------------------------------------------- owners

    def why_not_get(self, pfn: int) -> Bug | None:
        """Return why a block takes no other reference, if so. O(1)."""
        no = self.frames.mistake(pfn, -1)
        if no is None and self.held[pfn] // REF >= self.most_refs:
            return SATURATED
        return no

    def get_page(self, pfn: int) -> Bug | None:
        """Take another reference to a block. O(1)."""
        no = self.why_not_get(pfn)
        if no is None:
            self.held[pfn] += REF
        return no

    def why_not_split(self, pfn: int) -> Bug | None:
        """Return why a block cannot be made single pages, if so. O(1)."""
        no = self.frames.mistake(pfn, -1)
        if no is None and self.held[pfn] & COMPOUND:
            return COMPOUND_PAGE
        return no

    def split_page(self, pfn: int) -> Bug | None:
        """Make a block single pages. O(pages)."""
        no = self.why_not_split(pfn)
        if no is not None:
            return no
        code = self.held[pfn]
        self.held[pfn] = code & ~ORDER
        for each in frames_from(pfn + 1, (1 << (code & ORDER)) - 1):
            self.held[each] = code & MOVABLE | REF
        return None

    def set_private(self, pfn: int) -> Bug | None:
        """Leave a word in the last page of a block. O(1)."""
        no = self.frames.mistake(pfn, -1)
        if no is None:
            last = pfn + (1 << (self.held[pfn] & ORDER)) - 1
            self.frames.private[last] = WORD
        return no

    # -------------------------------------------------------------- pagesets

    def drain(self, cpu: int, at: int, whole: bool) -> None:
        """Empty a pageset, or take a batch from it. O(pages * max_order)."""
        ps = self.zones[at].pagesets[cpu]
        drain(self.mobility[at], ps, ps.count if whole else ps.batch)

    def setup_pagesets(self) -> None:
        """Replace the pagesets of boot by real ones. O(cpus)."""
        for zone in self.zones:
            batch = self.batch or zone_batchsize(zone.managed)
            high = self.high if self.batch else 6 * batch
            for ps in zone.pagesets:
                ps.high, ps.batch = high, max(1, batch)
