"""What the machine is: frames, zones, tunables, and a run that may be going."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import copy
from typing import Self

from .control import Control, Request
from .frames import FREE, PINNED, Frames, Zone


class State:
    """Memory with a run that may be going on it."""

    def __init__(
        self,
        zones: Iterable[tuple[int, int]],
        marks: Iterable[tuple[int, int, int]],
        reserve: Iterable[tuple[int, ...]],
        *,
        orders: int,
        pageblock_order: int,
        costly_order: int,
        cluster: int,
        defer_max: int,
        threshold: int,
        high: int,
        batch: int,
        cma: int,
        patterns: tuple[str, ...] = (),
        starts_below: bool = False,
        keeps_high_pfn: bool = False,
        loses_captured: bool = False,
    ) -> None:
        made = [
            Zone(start, end, orders, mark, reserved)
            for (start, end), mark, reserved in zip(zones, marks, reserve, strict=True)
        ]
        self.m = Frames(made, orders, pageblock_order, high, batch, cma)
        self.zones = made
        self.costly, self.cluster = costly_order, cluster
        self.defer_max, self.threshold = defer_max, threshold
        self.starts_below, self.keeps_high_pfn = starts_below, keeps_high_pfn
        self.loses_captured = loses_captured
        self.patterns = patterns
        self.request: Request | None = None
        self.cc: Control | None = None
        self.runs = 0
        self.kcompactd_max_order = 0
        self.kcompactd_highest_zoneidx = len(made) - 1
        self.laid = False

    def fork(self) -> Self:
        """Return a machine in the same state, that shares nothing. O(frames)."""
        other = copy(self)
        other.m = self.m.fork()
        other.zones = other.m.zones
        if self.request is not None and self.cc is not None:
            other.request, other.cc = copy(self.request), copy(self.cc)
            other.cc.freepages = self.cc.freepages[:]
            other.cc.migratepages = self.cc.migratepages[:]
            other.cc.zone = other.zones[self.request.at]
            if self.m.capture is not None:
                other.request.zone, other.m.capture = other.cc.zone, other.request
        return other

    def lay(self, layout: int, downwards: bool) -> None:
        """Arrange the frames, and free the free ones from one end on. O(frames)."""
        m, drawn = self.m, bytearray()
        for block in range(len(m.types)):
            layout, digit = divmod(layout, len(self.patterns))
            m.types[block] = "UMRHA".index(self.patterns[digit][0])
            drawn += self.frames_of(self.patterns[digit][1:].encode())
        before = m.first & (m.pageblock - 1)
        pages = bytes(drawn[before : before + len(m.page)])
        m.page[:] = pages.replace(bytes((FREE,)), bytes((PINNED,)))
        there = list(self.whole_blocks(pages))
        for pfn, order in there[::-1] if downwards else there:
            m.free_one_page(m.zone_of(pfn), pfn, order, m.type_of(pfn), False)
        self.laid = True

    def whole_blocks(self, pages: bytes) -> Iterator[tuple[int, int]]:
        """Yield the free frames as the largest blocks in a page block. O(frames)."""
        m, at = self.m, 0
        while at < len(pages):
            run, border = 0, m.zone_of(m.first + at).end - m.first
            while at + run < border and pages[at + run] == FREE:
                run += 1
            end = at + run
            while at < end:
                pfn = m.first + at
                size = min(pfn & -pfn or m.pageblock, m.pageblock)
                while size > end - at:
                    size >>= 1
                yield pfn, size.bit_length() - 1
                at += size
            at = end if end == border and run else end + 1

    def frames_of(self, body: bytes) -> bytes:
        """Return a page block drawn by a pattern, the last frame or all repeated."""
        size = self.m.pageblock
        if body.endswith(b"*"):
            return body[:-1].ljust(size, body[-2:-1])
        return (body * size)[:size]

    def running(self) -> tuple[Request, Control]:
        """Return the run that is going. O(1)."""
        assert self.request is not None
        assert self.cc is not None
        return self.request, self.cc

    def last_block(self, zone: Zone) -> int:
        """Return the first frame of a zone's last page block. O(1)."""
        return (zone.end - 1) & -self.m.pageblock

    def scanners_met(self, cc: Control) -> bool:
        """Say whether the free scanner is not above the migrate scanner. O(1)."""
        shift = self.m.pageblock_order
        return (cc.free_pfn >> shift) <= (cc.migrate_pfn >> shift)
