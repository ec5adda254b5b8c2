"""Which descriptors are there, and their links: borders in order, each with a state.

A border holds from its address to the next border; the links of nothing are `ABSENT`.

Source: include/linux/mm_types.h:struct page (v5.10).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

ABSENT = -2
UNSET = -1


class Descriptors:
    """The memory map by address."""

    __slots__ = ("borders", "links")

    def __init__(self) -> None:
        self.borders = [0]
        self.links = [ABSENT]

    def at(self, addr: int) -> int:
        """Return the links at an address, ABSENT where nothing is.  O(log n)."""
        return self.links[bisect_right(self.borders, addr) - 1]

    def fill(self, start: int, end: int, links: int) -> None:
        """Give a range of addresses one state.  O(n) for the borders that move."""
        if start >= end:
            return
        behind = self.at(end)
        low = bisect_left(self.borders, start)
        high = bisect_right(self.borders, end)
        borders, states = [start, end], [links, behind]
        if low and self.links[low - 1] == links:
            del borders[0], states[0]
        if links == behind:
            del borders[-1], states[-1]
        self.borders[low:high] = borders
        self.links[low:high] = states

    def erase(self, start: int, end: int) -> None:
        """Take descriptors away.  O(n) for the borders that move."""
        self.fill(start, end, ABSENT)

    def runs(self) -> Iterator[tuple[int, int, int]]:
        """Yield (start, end, links) of the descriptors that are there.  O(n)."""
        ends = [*self.borders[1:], -1]
        for start, end, links in zip(self.borders, ends, self.links, strict=True):
            if links != ABSENT:
                yield start, end, links
