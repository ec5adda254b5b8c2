"""One zone: its free lists, merging and splitting.

Mirrors `spec/buddy/blocks.py`.  A block on a list is a key of `place`, whose value is
the place of its list: order * TYPES + migrate type.  A list is an ordered dictionary,
head first, so that any block leaves it in constant time.

Source: mm/page_alloc.c:__free_one_page, expand (v5.10).
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator

from mmoracle.spec.linux import MIGRATE_PCPTYPES

TYPES = 8  # lists of one order; a power of two above MIGRATE_TYPES
SHIFT = 3


def frames_from(start: int, pages: int, *step: int) -> Iterator[int]:
    """Yield the frames of a range, or every so many of them. O(pages / step)."""
    return (start + offset for offset in range(0, pages, *step))


class Pageset:
    """struct per_cpu_pages: three lists of pfns, the head at the left."""

    __slots__ = ("batch", "count", "high", "lists")

    def __init__(self) -> None:
        self.high = 0
        self.batch = 1
        self.count = 0
        self.lists: tuple[deque[int], ...] = tuple(
            deque() for _ in range(MIGRATE_PCPTYPES)
        )


class Zone:
    """struct zone, as far as the page allocator changes it."""

    def __init__(
        self,
        start: int,
        end: int,
        *,
        orders: int,
        pageblock_order: int,
        cma: int,
        isolate: int,
        guard_minorder: int,
        merges_reserved: bool,
        lazy: bool,
        types: list[int],
        first_block: int,
    ) -> None:
        self.start, self.end = start, end
        self.max_order = orders - 1
        self.pageblock_order = pageblock_order
        self.cma, self.isolate = cma, isolate
        self.guard_minorder = guard_minorder
        self.merges_reserved = merges_reserved
        self.lazy = lazy
        self.types, self.first_block = types, first_block
        self.place: dict[int, int] = {}
        self.lists: list[OrderedDict[int, None]] = [
            OrderedDict() for _ in range(orders * TYPES)
        ]
        self.nr_free = [0] * orders
        self.nr_free_pages = self.nr_free_cma = self.managed = 0
        self.guards: dict[int, int] = {}  # pfn -> order
        self.index: dict[int, int] = {}  # page->index of pages in pagesets: the type
        self.private: dict[int, int] = {}  # of all zones: what owners left
        self.zones: list[Zone] = [self]  # all of the machine
        self.pagesets: list[Pageset] = []
        self.nr_isolate = self.highatomic = self.boost = 0
        self.boosted = False

    # -------------------------------------------------------------- lists

    def push(self, pfn: int, order: int, mt: int, to_tail: bool) -> None:
        """Put a block on a list, at its head or tail. O(1)."""
        code = order << SHIFT | mt
        line = self.lists[code]
        line[pfn] = None
        if not to_tail:
            line.move_to_end(pfn, last=False)
        self.place[pfn] = code
        self.nr_free[order] += 1
        if self.private:  # the order takes its place
            self.private.pop(pfn, None)

    def pull(self, pfn: int) -> int:
        """Take a block off its list and return its order. O(1)."""
        code = self.place.pop(pfn)
        del self.lists[code][pfn]
        order = code >> SHIFT
        self.nr_free[order] -= 1
        return order

    def move(self, pfn: int, mt: int) -> None:
        """Take a block to the tail of another type's list. O(1)."""
        self.push(pfn, self.pull(pfn), mt, True)

    def count(self, pages: int, mt: int) -> None:
        """Change NR_FREE_PAGES, and its part in CMA. O(1)."""
        self.nr_free_pages += pages
        if mt == self.cma:
            self.nr_free_cma += pages

    def type_of(self, pfn: int) -> int:
        """Return the type of a frame's page block. O(1)."""
        return self.types[(pfn >> self.pageblock_order) - self.first_block]

    def set_type(self, pfn: int, mt: int) -> None:
        """Give a frame's page block a type. O(1)."""
        self.types[(pfn >> self.pageblock_order) - self.first_block] = mt

    # -------------------------------------------------------------- freeing

    def keeps_apart(self, mt: int, other: int) -> bool:
        """Say whether page blocks of two types must not share a free block. O(1)."""
        if mt == other:
            return False
        if self.merges_reserved:
            return self.nr_isolate > 0 and (mt == self.isolate or other == self.isolate)
        return mt >= MIGRATE_PCPTYPES or other >= MIGRATE_PCPTYPES

    def absorb(self, buddy: int, order: int, mt: int) -> bool:
        """Take a block's buddy out of where it is free, if it may merge. O(1)."""
        code = self.place.get(buddy, -1)
        guard = code >> SHIFT != order
        if guard and self.guards.get(buddy, -1) != order:
            return False
        if order >= self.pageblock_order and self.keeps_apart(mt, self.type_of(buddy)):
            return False
        if guard:
            self.clear_guard(buddy, order, mt)
        else:
            del self.place[buddy]
            del self.lists[code][buddy]
            self.nr_free[order] -= 1
        return True

    def clear_guard(self, pfn: int, order: int, mt: int) -> None:
        """Make a guard block free again. O(1)."""
        del self.guards[pfn]
        if mt != self.isolate:
            self.count(1 << order, mt)

    def merge(self, pfn: int, order: int, mt: int) -> tuple[int, int]:
        """Join a free block with its buddies as far as it goes. O(max_order)."""
        whole = self.join(pfn, order, mt)
        while whole >= 0:
            pfn, order = whole, order + 1
            whole = self.join(pfn, order, mt)
        return pfn, order

    def join(self, pfn: int, order: int, mt: int) -> int:
        """Join a free block with its buddy; return where they begin, or -1. O(1)."""
        if order < self.max_order and self.absorb(pfn ^ (1 << order), order, mt):
            return pfn & ~(1 << order)
        return -1

    def merge_likely(self, pfn: int, order: int) -> bool:
        """Say whether the buddy one order up is free. O(1), O(zones) at a border."""
        if order >= self.max_order - 1:
            return False
        whole = pfn & ~(1 << order)
        above = whole ^ (2 << order)
        if whole >= self.start:
            return self.is_buddy(above, order + 1)
        homes = (z for z in self.zones if z.start <= whole < z.end)
        return any(home.is_buddy(above, order + 1) for home in homes)

    def is_buddy(self, pfn: int, order: int) -> bool:
        """Say whether a block of exactly this order is free or a guard. O(1)."""
        if self.place.get(pfn, -1) >> SHIFT == order:
            return True
        return self.guards.get(pfn, -1) == order

    def free_one_page(self, pfn: int, order: int, mt: int, to_tail: bool) -> None:
        """Give a block back, merged: __free_one_page(). O(max_order)."""
        if mt != self.isolate:
            self.nr_free_pages += 1 << order
            if mt == self.cma:
                self.nr_free_cma += 1 << order
        if not self.lazy:
            pfn, order = self.merge(pfn, order, mt)
        self.push(pfn, order, mt, to_tail or self.merge_likely(pfn, order))

    def free_with_type(self, pfn: int, order: int, mt: int) -> int:
        """Free as a type, read anew under isolation; return it. O(max_order)."""
        if self.nr_isolate or mt == self.isolate:
            mt = self.type_of(pfn)
        self.free_one_page(pfn, order, mt, False)
        return mt

    # -------------------------------------------------------------- taking

    def set_aside(self, pfn: int, order: int, mt: int) -> None:
        """Put what was split off on a list, or make it a guard. O(1)."""
        if order < self.guard_minorder:
            self.guards[pfn] = order
            self.private.pop(pfn, None)
            self.count(-(1 << order), mt)
        else:
            self.push(pfn, order, mt, False)

    def expand(self, pfn: int, low: int, high: int, mt: int) -> None:
        """Give back the upper halves of a block until `low` is left. O(max_order)."""
        while high > low:
            high = self.split_off(pfn, high, mt)

    def split_off(self, pfn: int, high: int, mt: int) -> int:
        """Give back the upper half of a block; return the order left. O(1)."""
        half = high - 1
        self.set_aside(pfn + (1 << half), half, mt)
        return half

    def rmqueue_smallest(self, order: int, mt: int) -> int:
        """Take the first block of the lowest order that fits, or -1. O(max_order)."""
        lists = self.lists
        for high in range(order, self.max_order + 1):
            line = lists[high << SHIFT | mt]
            if line:
                pfn, _ = line.popitem(last=False)
                del self.place[pfn]
                self.nr_free[high] -= 1
                if high > order:
                    self.expand(pfn, order, high, mt)
                return pfn
        return -1
