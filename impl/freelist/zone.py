"""A zone as the walk sees it: how many blocks each list has, and what that adds up to.

The lists of an order are summed up in one word, a bit for each migrate type.

Source: include/linux/mmzone.h:struct zone, mm/page_alloc.c:__rmqueue (v5.10).
"""

from __future__ import annotations

from mmoracle.spec.linux import MIGRATE_HIGHATOMIC, AllocFlags

HARDER, CMA = int(AllocFlags.HARDER), int(AllocFlags.CMA)
NOFRAGMENT = int(AllocFlags.NOFRAGMENT)
FALLBACKS = ((2, 1), (2, 0), (0, 1))  # by migrate type
STATS = 6
HIT, MISS, FOREIGN, INTERLEAVE_HIT, LOCAL, OTHER = range(STATS)


class Zone:
    """struct zone; `nr[order][mt]` are numbers of blocks."""

    __slots__ = (
        "at",
        "bits",
        "boost",
        "boosted",
        "cma",
        "deferred",
        "free",
        "free_cma",
        "highatomic",
        "index",
        "marks",
        "nid",
        "nr",
        "reserve",
        "stats",
    )

    def __init__(
        self,
        at: int,
        nid: int,
        index: int,
        marks: tuple[int, int, int],
        reserve: tuple[int, ...],
        orders: int,
        cma: int,
    ) -> None:
        self.at, self.nid, self.index = at, nid, index
        self.marks, self.reserve, self.cma = marks, reserve, cma
        self.nr = [[0] * (MIGRATE_HIGHATOMIC + 1 + (cma >= 0)) for _ in range(orders)]
        self.bits = [0] * orders
        self.free = self.free_cma = 0
        self.boost = self.highatomic = 0
        self.boosted = False
        self.deferred = -1  # blocks to be initialised, -1 once none is left
        self.stats = [0] * STATS

    def add(self, order: int, mt: int, number: int) -> None:
        """Put blocks on a list or take them off it, and count the pages. O(1)."""
        row = self.nr[order]
        row[mt] += number
        if row[mt]:
            self.bits[order] |= 1 << mt
        else:
            self.bits[order] &= ~(1 << mt)
        self.free += number << order
        if mt == self.cma:
            self.free_cma += number << order

    def smallest(self, order: int, mt: int) -> int:
        """Return the order of the smallest block of a type, -1 for none. O(orders)."""
        for high in range(order, len(self.bits)):
            if self.bits[high] >> mt & 1:
                return high
        return -1

    def fallback(self, least: int, mt: int) -> tuple[int, int]:
        """Return (order, type) of the largest block of another type. O(orders)."""
        for high in range(len(self.bits) - 1, least - 1, -1):
            for other in FALLBACKS[mt]:
                if self.bits[high] >> other & 1:
                    return high, other
        return -1, -1

    def find_block(
        self, order: int, mt: int, flags: int, pageblock_order: int
    ) -> tuple[int, int]:
        """Return (order, type) of the block that serves a request. O(orders).

        (-1, -1) where there is none.
        """
        lines = [mt]
        if order and flags & HARDER:
            lines.insert(0, MIGRATE_HIGHATOMIC)
        if self.cma >= 0 and flags & CMA:
            lines.append(self.cma)
        for line in lines:
            high = self.smallest(order, line)
            if high >= 0:
                return high, line
        least = order
        if flags & NOFRAGMENT and least < pageblock_order:
            least = pageblock_order
        return self.fallback(least, mt)

    def expand(self, order: int, mt: int, high: int, of: int) -> None:
        """Take a block and put back what is too much of it. O(orders)."""
        self.add(high, of, -1)
        rest = of if of == MIGRATE_HIGHATOMIC or of == self.cma else mt
        while high > order:
            high -= 1
            self.add(high, rest, 1)

    def save(self) -> tuple[object, ...]:
        """Return all that an operation may change. O(orders)."""
        rows = [row[:] for row in self.nr]
        words = (
            self.free,
            self.free_cma,
            self.boost,
            self.boosted,
            self.highatomic,
            self.deferred,
        )
        return rows, self.bits[:], self.stats[:], words

    def restore(self, saved: tuple[object, ...]) -> None:
        """Put back what was saved. O(1)."""
        self.nr, self.bits, self.stats, words = saved  # type: ignore[assignment]
        (
            self.free,
            self.free_cma,
            self.boost,
            self.boosted,
            self.highatomic,
            self.deferred,
        ) = words  # type: ignore[misc]
