"""Who holds which block, and which frames the allocator was given at all.

Mirrors what `spec/buddy/zones.py` says of frames that are not free.  A held block is a
key of `held`; its value is its order, two flags and its references in one number.
"""

from __future__ import annotations

from mmoracle.spec.linux import Bug

from .zone import Zone, frames_from

ORDER, COMPOUND, MOVABLE, REF = 15, 16, 32, 64
RESERVED, KNOWN = 0, 1
NOWHERE = 255  # in no zone

FOREIGN = Bug("no frame of the allocator")
DOUBLE_FREE = Bug("double free")
NOT_A_HEAD = Bug("inside a block, not its first frame")
WRONG_ORDER = Bug("not the order it was allocated with")


class Frames:
    """Every frame of the machine: reserved, a hole, or known to the allocator."""

    def __init__(
        self, zones: list[Zone], holes: list[tuple[int, int]], min_order: int
    ) -> None:
        self.zones = zones
        self.min_order = min_order
        self.base = min(z.start for z in zones)
        self.state = bytearray(max(z.end for z in zones) - self.base)
        self.home = bytearray([NOWHERE]) * len(self.state)  # the zone of each frame
        for at, zone in enumerate(zones):
            self.fill(self.home, zone.start, zone.end, at)
        for start, end in holes:
            self.fill(self.home, start, end, NOWHERE)
        self.held: dict[int, int] = {}
        self.prepared: dict[int, int] = {}  # pfn -> type
        self.taken: set[int] = set()
        self.private: dict[int, int] = {}
        for zone in zones:
            zone.private = self.private
            zone.zones = zones

    @property
    def top(self) -> int:
        """Return the frame behind the last."""
        return self.base + len(self.state)

    def fill(self, column: bytearray, start: int, end: int, what: int) -> None:
        """Say something of each frame of a range. O(pages)."""
        start, end = max(start, self.base), min(end, self.top)
        if start < end:
            size = end - start
            column[start - self.base : end - self.base] = bytes([what]) * size

    def zone_of(self, pfn: int) -> int:
        """Return the zone that a present frame is in, or -1. O(1)."""
        place = pfn - self.base
        if not 0 <= place < len(self.home):
            return -1
        at = self.home[place]
        return at if at != NOWHERE else -1

    def is_reserved(self, pfn: int) -> bool:
        """Say whether a frame is there and was never released. O(1)."""
        return self.zone_of(pfn) >= 0 and self.state[pfn - self.base] == RESERVED

    def is_known(self, pfn: int) -> bool:
        """Say whether a frame was given to the allocator. O(1)."""
        return self.base <= pfn < self.top and self.state[pfn - self.base] == KNOWN

    def make_known(self, pfn: int, pages: int) -> None:
        """Remember that frames were given to the allocator. O(pages)."""
        self.fill(self.state, pfn, pfn + pages, KNOWN)

    def holder_of(self, pfn: int) -> int:
        """Return the first frame of the held block that a frame is in, or -1. O(1)."""
        for order in range(self.zones[0].max_order + 1):
            head = pfn & ~((1 << order) - 1)
            code = self.held.get(head, -1)
            if code >= 0 and code & ORDER >= order:
                return head
        return -1

    def mistake(self, pfn: int, order: int) -> Bug | None:
        """Return why this is no held block of an order (any, if negative). O(1)."""
        code = self.held.get(pfn, -1)
        if code >= 0:
            wrong = order >= 0 and code & ORDER != max(order, self.min_order)
            return WRONG_ORDER if wrong else None
        if self.zone_of(pfn) < 0 or self.state[pfn - self.base] == RESERVED:
            return FOREIGN
        return NOT_A_HEAD if self.holder_of(pfn) >= 0 else DOUBLE_FREE

    def movable_in(self, start: int, end: int) -> int:
        """Return how many frames of a range movable requests hold. O(range)."""
        head = self.holder_of(start)
        pages, pfn = 0, head if head >= 0 else start  # it may begin before the range
        while pfn < end:
            code = self.held.get(pfn, 0)
            size = 1 << (code & ORDER)
            if code & MOVABLE:
                pages += min(pfn + size, end) - max(pfn, start)
            pfn += size if code else 1
        return pages

    def cut_loose(self, pfn: int, order: int, huge: int) -> bool:
        """Halve a held block until a part of it is a block of its own. O(max_order).

        Compound pages are kept whole, but for movable ones of at least order `huge`.
        """
        head = self.holder_of(pfn)
        code = self.held.get(head, 0)
        high = code & ORDER
        fixed = code & COMPOUND and not (code & MOVABLE and high >= huge)
        if head < 0 or high <= order or fixed or pfn % (1 << order):
            return False
        del self.held[head]
        part = code & MOVABLE | REF
        while high > order:
            high -= 1
            upper = head + (1 << high)
            head, rest = (upper, head) if pfn >= upper else (head, upper)
            self.held[rest] = part | high
        self.held[pfn] = part | order
        return True

    def clear_private(self, pfn: int, order: int) -> None:
        """Forget what owners left in page->private of a block. O(pages)."""
        if self.private:
            for each in frames_from(pfn, 1 << order):
                self.private.pop(each, None)
