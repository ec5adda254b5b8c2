"""Mistakes in the free lists under compaction: capture, isolation, pagesets."""

from __future__ import annotations

from mmoracle.impl.compaction.frames import Frames, Zone

from ..zoo import Line

_free_one, _isolate = Frames.free_one_page, Frames.isolate_free_page
_capture = Frames.compaction_capture
_unref, _bulk = Frames.free_unref_page, Frames.free_pcppages_bulk
_smallest = Frames.rmqueue_smallest


def capture_any_order(
    self: Frames, zone: Zone, order: int, mt: int, ours: bool
) -> bool:
    """Capture a block of one order less."""
    return _capture(self, zone, order + 1, mt, ours)


def capture_from_movable(
    self: Frames, zone: Zone, order: int, mt: int, ours: bool
) -> bool:
    """Capture small blocks out of movable page blocks."""
    return _capture(self, zone, order, mt and 2, ours)


def capture_from_anybody(
    self: Frames, zone: Zone, order: int, mt: int, ours: bool
) -> bool:
    """Capture what another task frees."""
    return _capture(self, zone, order, mt, True)


def capture_and_list(
    self: Frames, zone: Zone, pfn: int, order: int, mt: int, ours: bool
) -> None:
    """Put a captured block on a list all the same."""
    _free_one(self, zone, pfn, order, mt, ours)
    page = self.capture.page if self.capture is not None else -1
    if self.capture is not None and page >= 0 and zone.buddy_order(page) < 0:
        zone.push(page, self.capture.order, mt, False)


def capture_and_count(
    self: Frames, zone: Zone, pfn: int, order: int, mt: int, ours: bool
) -> None:
    """Count a captured block as free still."""
    page = self.capture.page if self.capture is not None else -1
    _free_one(self, zone, pfn, order, mt, ours)
    if self.capture is not None and self.capture.page != page:
        zone.nr_free_pages += 1 << self.capture.order


def never_capture(self: Frames, zone: Zone, order: int, mt: int, ours: bool) -> bool:
    """Let every block go to the lists."""
    return False


def take_without_a_mark(self: Frames, zone: Zone, pfn: int, order: int) -> int:
    """Take a free block although it leaves less than the mark."""
    marks, zone.watermark = zone.watermark, (-1 << 20,) * 3
    pages = _isolate(self, zone, pfn, order)
    zone.watermark = marks
    return pages


def take_and_keep_counting(self: Frames, zone: Zone, pfn: int, order: int) -> int:
    """Count a target as free still."""
    pages = _isolate(self, zone, pfn, order)
    zone.nr_free_pages += pages
    return pages


def change_no_type(self: Frames, pfn: int, pages: int) -> None:
    """Leave page blocks that were taken as they are."""


def wait_in_line(self: Frames, pfn: int, ours: bool) -> None:
    """Let a page wait behind those that came before it."""
    _unref(self, pfn, ours)
    for line in self.zone_of(pfn).pcp:
        if line and line[0][0] == pfn:
            line.rotate(-1)


def wait_for_ever(self: Frames, pfn: int, ours: bool) -> None:
    """Let the pageset grow beyond its high mark."""
    high, self.high = self.high, 1 << 30
    _unref(self, pfn, ours)
    self.high = high


def drain_all_but_one(self: Frames, zone: Zone, ours: bool) -> None:
    """Leave a page in the pageset."""
    if zone.pcp_count > 1:
        _bulk(self, zone, zone.pcp_count - 1, ours)


def drain_into_the_first_zone(self: Frames, zone: Zone, ours: bool) -> None:
    """Give the pages of a pageset back to another zone."""
    for line in zone.pcp:
        for pfn, mt in [line.pop() for _ in range(len(line))]:
            zone.pcp_count -= 1
            _free_one(self, self.zones[0], pfn, 0, mt, ours)


def take_the_last(self: Frames, zone: Zone, order: int, mt: int) -> int:
    """Allocate from the tail of a list."""
    for line in zone.lists:
        if line:
            line.move_to_end(next(reversed(line)), last=False)
    return _smallest(self, zone, order, mt)


# ------------------------------------------------------------------ the zoo

CAPTURE, FREE_ONE = "compaction_capture", "free_one_page"
TAKE, ALLOC = "isolate_free_page", "rmqueue_smallest"
UNREF, DRAIN = "free_unref_page", "drain_pages_zone"
STATE, DECIDE = "EXACT-STATE", "CMP-DECIDE"
CAUGHT = "tiny-capture"
ZONES, FILES = "tiny-zones", "tiny-files"
OTHERS = "tiny-others"
TABLE: tuple[Line, ...] = (
    ("capture-order", STATE, CAUGHT, Frames, CAPTURE, capture_any_order),
    ("capture-movable", DECIDE, "tiny-run", Frames, CAPTURE, capture_from_movable),
    ("capture-others", STATE, CAUGHT, Frames, CAPTURE, capture_from_anybody),
    ("capture-lists", "CMP-CAPTURE", CAUGHT, Frames, FREE_ONE, capture_and_list),
    ("capture-counts", "CMP-COUNT", CAUGHT, Frames, FREE_ONE, capture_and_count),
    ("capture-never", STATE, CAUGHT, Frames, CAPTURE, never_capture),
    ("take-no-mark", DECIDE, "tiny-marks", Frames, TAKE, take_without_a_mark),
    ("take-counts", "CMP-COUNT", "tiny-run", Frames, TAKE, take_and_keep_counting),
    ("take-no-type", STATE, "tiny-full", Frames, "make_movable", change_no_type),
    ("pcp-tail", STATE, "tiny-run", Frames, UNREF, wait_in_line),
    ("pcp-high", STATE, FILES, Frames, UNREF, wait_for_ever),
    ("drain-leaves", STATE, "tiny-drain", Frames, DRAIN, drain_all_but_one),
    ("drain-zone", "CMP-ZONE", ZONES, Frames, DRAIN, drain_into_the_first_zone),
    ("alloc-tail", DECIDE, OTHERS, Frames, ALLOC, take_the_last),
)
