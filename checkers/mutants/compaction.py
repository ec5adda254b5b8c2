"""Mistakes in compaction, met elsewhere or made up; each names its complaint.

Those of the scanners are in a module of their own; here are deferral, suitability, the
free lists, and the run of a zone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmoracle.checkers.bind import compaction as binding
from mmoracle.impl.compaction import defer
from mmoracle.impl.compaction.control import Control
from mmoracle.impl.compaction.frames import PINNED, Frames, Zone
from mmoracle.impl.compaction.hints import Hints
from mmoracle.impl.compaction.machine import Compaction
from mmoracle.impl.compaction.rounds import FULL, Rounds
from mmoracle.impl.compaction.state import State
from mmoracle.spec.linux import CompactPriority, CompactResult

from ..zoo import Line, tabled
from . import compaction_scan

SOURCES = {
    "P16": "Linux 5.10.24, make fast_isolate_freepages() stay within zone",
    "P72": "Linux 5.10.19, move high_pfn to the for loop scope",
}

# ------------------------------------------------------------------ deferral

_deferred, _defer = defer.compaction_deferred, defer.defer_compaction
_reset, _restarting = defer.compaction_defer_reset, defer.compaction_restarting
_suitable = defer.suitable_with


def defer_one_more(zone: Any, order: int) -> bool:
    """Put off as many requests as the limit says, not one less."""
    off = _deferred(zone, order)
    if not off and order >= zone.compact_order_failed:
        zone.compact_considered += 1
    return off


def defer_all_orders(zone: Any, order: int) -> bool:
    """Put off orders that did not fail."""
    return _deferred(zone, max(order, zone.compact_order_failed))


def ask_without_counting(zone: Any, order: int) -> bool:
    """Ask, and count nothing."""
    considered = zone.compact_considered
    off = _deferred(zone, order)
    zone.compact_considered = considered
    return off


def defer_longer_and_longer(zone: Any, order: int, most: int) -> None:
    """Double the deferral after every failure, for ever."""
    _defer(zone, order, most + 1)


def defer_and_count_on(zone: Any, order: int, most: int) -> None:
    """Do not begin to count anew after a failure."""
    considered = zone.compact_considered
    _defer(zone, order, most)
    zone.compact_considered = considered


def defer_the_last_order(zone: Any, order: int, most: int) -> None:
    """Note the order that failed last, not the lowest one."""
    _defer(zone, order, most)
    zone.compact_order_failed = order


def reset_the_order_itself(zone: Any, order: int, alloc_success: bool) -> None:
    """Go on putting off the order that works."""
    _reset(zone, order, alloc_success)
    if zone.compact_order_failed == order + 1:
        zone.compact_order_failed = order


def reset_for_any_success(zone: Any, order: int, alloc_success: bool) -> None:
    """Forget all failures although nobody was served."""
    _reset(zone, order, True)


def restart_early(zone: Any, order: int, most: int) -> bool:
    """Call any deferral the longest one."""
    return _restarting(zone, order, zone.compact_defer_shift)


def served_keeps_the_flush(self: Compaction, zone: Zone, order: int) -> None:
    """Let the skip hints be forgotten although the request was served."""
    defer.compaction_defer_reset(zone, order, True)


# ------------------------------------------------------------------ suitability


def index_without_the_request(pages: int, blocks: int, order: int) -> int:
    """Forget the block that is asked for itself."""
    return 1000 - ((pages * 1000) >> order) // blocks


def index_of_hundreds(pages: int, blocks: int, order: int) -> int:
    """Give the index of nothing but memory, in thousandths above 0."""
    return 1000 + (1000 + ((pages * 1000) >> order)) // blocks


def blame_without_a_look(order: int, nr_free: Sequence[int]) -> int:
    """Call fragmentation the cause although a block is there."""
    blocks = sum(nr_free)
    pages = sum(count << i for i, count in enumerate(nr_free))
    return defer.missing_block(pages, blocks, order) if blocks else 0


def gap_of_one_block(order: int) -> int:
    """Ask for as many free pages as the block has."""
    return 1 << order


def threshold_below(order: int, nr_free: Sequence[int], threshold: int) -> bool:
    """Compact at the threshold itself."""
    index = defer.fragmentation_index(order, nr_free)
    return index < 0 or index >= threshold


def threshold_for_negative(order: int, nr_free: Sequence[int], threshold: int) -> bool:
    """Take an index below 0 for a lack of memory."""
    return defer.fragmentation_index(order, nr_free) > threshold


def min_for_costly_orders(*told: Any) -> CompactResult:
    """Compare with the low mark of no order."""
    told = (*told[:-1], 1 << 10)
    return _suitable(*told)


def low_for_every_order(*told: Any) -> CompactResult:
    """Compare with the low mark for every order."""
    told = (*told[:-1], -1)
    return _suitable(*told)


# ------------------------------------------------------------------ the free lists

_free_one, _isolate = Frames.free_one_page, Frames.isolate_free_page
_capture, _hold = Frames.compaction_capture, Frames.hold
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


# ------------------------------------------------------------------ the run of a zone

_lay, _judge, _move = Compaction.lay, Compaction.judge, Compaction.unmap_and_move
_place, _end, _request = (
    Compaction.place_scanners,
    Compaction.end_zone,
    Compaction.end_request,
)
_settle, _release = Compaction.check_drain, Compaction.release_freepages
_try, _wake, _work = (
    Compaction.try_to_compact_pages,
    Compaction.wakeup_kcompactd,
    Compaction.kcompactd_do_work,
)
_begin, _finish = Compaction.begin_zone, Compaction.compact_finished
_reset_pfn, _reset_all = (
    Compaction.reset_isolation_pfn,
    Compaction.reset_isolation_suitable,
)
_free = Compaction.free


def lay_the_other_way(self: Compaction, layout: int, downwards: bool) -> None:
    """Free the blocks from the other end on."""
    _lay(self, layout, not downwards)


def start_inside(self: Compaction, cc: Control, zone: Zone) -> None:
    """Begin one page block above the start of the zone."""
    _place(self, cc, zone)
    cc.migrate_pfn += self.m.pageblock


def whole_if_equal(self: Compaction, cc: Control, zone: Zone) -> None:
    """Call every run one of the whole zone."""
    _place(self, cc, zone)
    cc.whole_zone = True


def one_start_for_both(self: Compaction, cc: Control, zone: Zone) -> None:
    """Begin where asynchronous runs begin, whatever the mode."""
    cached = zone.compact_cached_migrate_pfn
    kept = cached[1]
    cached[1] = cached[0]
    _place(self, cc, zone)
    zone.compact_cached_migrate_pfn[1] = kept


def go_on_when_met(self: Compaction, cc: Control) -> bool:
    """Stop only once the free scanner is below the migrate scanner."""
    shift = self.m.pageblock_order
    return (cc.free_pfn >> shift) < (cc.migrate_pfn >> shift)


def keep_the_starts(self: Compaction, cc: Control) -> CompactResult:
    """Let the next run begin where the scanners met."""
    zone = cc.zone
    kept = zone.compact_cached_migrate_pfn[:], zone.compact_cached_free_pfn
    found = _judge(self, cc)
    if found in FULL:
        zone.compact_cached_migrate_pfn, zone.compact_cached_free_pfn = kept
    return found


def never_flush(self: Compaction, cc: Control) -> CompactResult:
    """Keep the skip hints after a full run."""
    flush = cc.zone.compact_blockskip_flush
    found = _judge(self, cc)
    cc.zone.compact_blockskip_flush = flush
    return found


def stop_inside_a_block(self: Compaction, cc: Control) -> CompactResult:
    """Stop inside a page block as soon as there is a block."""
    there = self.has_suitable_page(cc.zone, cc.order, cc.migratetype)
    if there and not self.scanners_met(cc):
        return CompactResult.SUCCESS
    return _judge(self, cc)


def contended_first(self: Compaction, cc: Control) -> CompactResult:
    """Give up for a signal before a look whether a block is there."""
    return CompactResult.CONTENDED if cc.fatal else _judge(self, cc)


def steal_nothing(self: Compaction, order: int, mt: int) -> bool:
    """Let no request steal."""
    return False


def steal_everything(self: Compaction, order: int, mt: int) -> bool:
    """Let a movable request steal small blocks."""
    return True


def rescan_never(self: Compaction) -> CompactResult:
    """Scan a page block once more as if for the first time."""
    found = _finish(self)
    self.running()[1].rescan = False
    return found


def move_and_leave_a_copy(self: Compaction, moves: bool) -> int | None:
    """Leave the page in its old frame as well."""
    pfn = self.running()[1].migratepages[-1]
    mark = self.m.at(pfn)
    new = _move(self, moves)
    if new is not None:
        self.m.paint(pfn, 1, mark)
    return new


def move_and_lose(self: Compaction, moves: bool) -> int | None:
    """Lose what was in the page."""
    pfn = self.running()[1].migratepages[-1]
    if moves:
        self.m.paint(pfn, 1, ord("u"))
    return _move(self, moves)


def stay_and_lose_the_target(self: Compaction, moves: bool) -> int | None:
    """Lose the target of a page that does not move."""
    if not moves:
        self.running()[1].freepages.pop()
    return _move(self, moves)


def move_elsewhere(self: Compaction, moves: bool) -> int | None:
    """Say that the page went to the frame behind."""
    new = _move(self, moves)
    return None if new is None else new + 1


def drain_too_late(self: Compaction) -> CompactResult:
    """Leave the pages that were freed in the pageset."""
    self.running()[1].last_migrated_pfn = 0
    return _settle(self)


def overlook_the_capture(self: Compaction) -> CompactResult:
    """Go on although a block was captured."""
    _settle(self)
    r, cc = self.running()
    if cc.ret is CompactResult.SUCCESS:
        cc.ret, r.phase = CompactResult.CONTINUE, "finished"
    return cc.ret


def starve_and_go_on(self: Compaction) -> CompactResult:
    """Go on although no free page is left."""
    self.running()[1].enomem = False
    return _settle(self)


def skip_backwards(self: Compaction) -> CompactResult:
    """Go back to the start of an aligned block after a failure."""
    _, cc = self.running()
    failed = (cc.nr_failed or cc.enomem) and cc.picky
    found = _settle(self)
    if failed:
        cc.migrate_pfn = self.zones[self.running()[0].at].zone_start_pfn
    return found


def release_nothing(self: Compaction, cc: Control) -> None:
    """Keep the free pages that were not used."""
    cc.freepages.clear()


def release_and_forget(self: Compaction, cc: Control) -> None:
    """Let the next run begin below the free pages that were given back."""
    cached = cc.zone.compact_cached_free_pfn
    _release(self, cc)
    cc.zone.compact_cached_free_pfn = cached


def the_last_result(self: Compaction, resched: bool) -> CompactResult:
    """Return what the last zone gave."""
    r, _ = self.running()
    found = _end(self, resched)
    if r.prio is not None:
        r.rc = found
    return found


def lose_the_captured(self: Compaction, resched: bool) -> CompactResult:
    """Look at the next zone although a block was captured."""
    self.loses_captured = True
    found = _end(self, resched)
    self.loses_captured = False
    return found


def defer_in_haste(self: Compaction, resched: bool) -> CompactResult:
    """Put compaction off after an asynchronous run, too."""
    r, cc = self.running()
    zone, order = cc.zone, cc.order
    found = _end(self, resched)
    if found in FULL and r.prio == CompactPriority.ASYNC:
        defer.defer_compaction(zone, order, self.defer_max)
    return found


def never_tire(self: Compaction, resched: bool) -> CompactResult:
    """Look at the next zone although another task should run."""
    return _end(self, False)


def forget_the_result(self: Compaction) -> tuple[CompactResult, int]:
    """Return that nothing was tried."""
    _, captured = _request(self)
    return CompactResult.SKIPPED, captured


def sleep_on(self: Compaction) -> tuple[CompactResult, int]:
    """Remember what kcompactd was woken for after it is done."""
    order = self.kcompactd_max_order
    found = _request(self)
    self.kcompactd_max_order = order
    return found


def begin_with_the_lowest(
    self: Compaction, order: int, mt: int, fs: bool, prio: int, flags: int, highest: int
) -> None:
    """Begin with the lowest zone."""
    _try(self, order, mt, fs, prio, flags, 0)


def wake_for_the_last(self: Compaction, order: int, highest: int) -> bool:
    """Remember the last wish, not the greatest."""
    woken = _wake(self, order, highest)
    if order:
        self.kcompactd_highest_zoneidx = highest
    return woken


def always_wake(self: Compaction, order: int, highest: int) -> bool:
    """Wake the thread whether or not it can do anything."""
    _wake(self, order, highest)
    return order > 0


def work_for_one(self: Compaction) -> None:
    """Let kcompactd compact for a single page."""
    _work(self)
    cc = self.running()[1]
    cc.order = cc.search_order = 1 + cc.order


def ask_for_deferral_always(self: Compaction) -> CompactResult:
    """Put off the hardest request, too."""
    r, _ = self.running()
    prio = r.prio
    if prio == CompactPriority.SYNC_FULL:
        r.prio = int(CompactPriority.SYNC_LIGHT)
    found = _begin(self)
    r.prio = prio
    return found


def sample_every_frame(
    self: Compaction, zone: Zone, pfn: int, source: bool, target: bool
) -> bool:
    """Look at every frame of a page block, not at samples."""
    costly, self.costly = self.costly, 0
    good = _reset_pfn(self, zone, pfn, source, target)
    self.costly = costly
    return good


def forget_nothing(self: Compaction, zone: Zone) -> None:
    """Keep the skip hints for ever."""


def forget_without_need(self: Compaction, zone: Zone) -> None:
    """Look at all page blocks again although no run was full."""
    zone.compact_blockskip_flush = True
    _reset_all(self, zone)


def free_the_first_page(self: Compaction, pfn: int, ours: bool) -> None:
    """Free only the first page of a compound page."""
    self.m.free_unref_page(pfn, ours)


def believe_anything(truth: Any, result: Any) -> None:
    """Believe whatever is answered."""


def release_to_an_owner(self: Compaction, cc: Control) -> None:
    """Give the free pages that were not used to somebody."""
    for pfn in cc.freepages:
        self.m.paint(pfn, 1, PINNED)
    cc.freepages.clear()


def kill_nobody(self: Compaction) -> None:
    """Let a signal pass."""


# ------------------------------------------------------------------ the zoo

RESET, DEFER, ASK = "compaction_defer_reset", "defer_compaction", "compaction_deferred"
CAPTURE, FREE_ONE = "compaction_capture", "free_one_page"
TAKE, ALLOC = "isolate_free_page", "rmqueue_smallest"
UNREF, DRAIN, MOVE = "free_unref_page", "drain_pages_zone", "unmap_and_move"
JUDGE, SETTLE, END = "judge", "check_drain", "end_zone"
RELEASE, PLACE, STEAL = "release_freepages", "place_scanners", "can_steal_fallback"
WAKE, RETURN, BEGIN = "wakeup_kcompactd", "end_request", "begin_zone"
RESET_ALL, RESET_ONE = "reset_isolation_suitable", "reset_isolation_pfn"
INDEX, FRAGMENTED = "missing_block", "fragmentation_index"
SUITABLE, LACKS = "suitable_with", "only_fragmented"
REQUEST, WORK, FINISH = "try_to_compact_pages", "kcompactd_do_work", "compact_finished"
STATE, DECIDE = "EXACT-STATE", "CMP-DECIDE"
C, R = Compaction, Rounds
COUNTS, ASKED, CAUGHT = "tiny-deferral", "tiny-suitable", "tiny-capture"
AGAIN, THREAD, LARGE = "tiny-again", "tiny-kcompactd", "tiny-large"
ASYNC, ZONES, FILES = "tiny-async", "tiny-zones", "tiny-files"
EDGE, OTHERS, HURRY = "tiny-edge", "tiny-others", "tiny-hurry"
THREADS = "tiny-kcompactd-zones"

TABLE: tuple[Line, ...] = (
    ("defer-one-more", "CMP-DEFER", COUNTS, defer, ASK, defer_one_more),
    ("defer-all-orders", STATE, COUNTS, defer, ASK, defer_all_orders),
    ("defer-uncounted", STATE, COUNTS, defer, ASK, ask_without_counting),
    ("defer-for-ever", "CMP-DEFER", COUNTS, defer, DEFER, defer_longer_and_longer),
    ("defer-counts-on", STATE, COUNTS, defer, DEFER, defer_and_count_on),
    ("defer-last-order", STATE, COUNTS, defer, DEFER, defer_the_last_order),
    ("reset-order", STATE, COUNTS, defer, RESET, reset_the_order_itself),
    ("reset-always", STATE, COUNTS, defer, RESET, reset_for_any_success),
    ("restart", DECIDE, COUNTS, defer, "compaction_restarting", restart_early),
    ("flush-served", STATE, AGAIN, C, "served", served_keeps_the_flush),
    ("index-request", "FRAG-IN", ASKED, defer, INDEX, index_without_the_request),
    ("index-above", "FRAG-IN", ASKED, defer, INDEX, index_of_hundreds),
    ("index-block", "FRAG-IN", ASKED, defer, FRAGMENTED, blame_without_a_look),
    ("gap", DECIDE, ASKED, defer, "compact_gap", gap_of_one_block),
    ("threshold-at", DECIDE, ASKED, defer, LACKS, threshold_below),
    ("threshold-sign", DECIDE, ASKED, defer, LACKS, threshold_for_negative),
    ("mark-costly", DECIDE, ASKED, defer, SUITABLE, min_for_costly_orders),
    ("mark-low", DECIDE, ASKED, defer, SUITABLE, low_for_every_order),
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
    ("lay", STATE, "tiny-run", State, "lay", lay_the_other_way),
    ("start-inside", STATE, "tiny-run", C, PLACE, start_inside),
    ("start-whole", STATE, "tiny-run", C, PLACE, whole_if_equal),
    ("start-async", STATE, AGAIN, C, PLACE, one_start_for_both),
    ("met", DECIDE, "tiny-run", State, "scanners_met", go_on_when_met),
    ("anew", "CMP-ANEW", "tiny-drain", R, JUDGE, keep_the_starts),
    ("flush", STATE, "tiny-run", R, JUDGE, never_flush),
    ("stop-inside", DECIDE, "tiny-run", R, JUDGE, stop_inside_a_block),
    ("signal-first", DECIDE, "tiny-kill", R, JUDGE, contended_first),
    ("steal-nothing", DECIDE, "tiny-steal", R, STEAL, steal_nothing),
    ("steal-all", DECIDE, "tiny-thick", R, STEAL, steal_everything),
    ("rescan", STATE, "tiny-rescan", R, FINISH, rescan_never),
    ("move-copies", "CMP-MOVE", "tiny-run", R, MOVE, move_and_leave_a_copy),
    ("move-loses", "CMP-MOVE", "tiny-run", R, MOVE, move_and_lose),
    ("move-target", "CMP-CONSERVE", "tiny-run", R, MOVE, stay_and_lose_the_target),
    ("move-elsewhere", "CMP-CONSERVE", "tiny-run", R, MOVE, move_elsewhere),
    ("drain-late", STATE, "tiny-run", R, SETTLE, drain_too_late),
    ("capture-unseen", DECIDE, LARGE, R, SETTLE, overlook_the_capture),
    ("starved", STATE, OTHERS, R, SETTLE, starve_and_go_on),
    ("skip-back", "CMP-SCAN", "tiny-async-large", R, SETTLE, skip_backwards),
    ("release-not", "CMP-CONSERVE", "tiny-run", C, RELEASE, release_nothing),
    ("release-owned", "CMP-KEEP", "tiny-run", C, RELEASE, release_to_an_owner),
    ("release-start", STATE, "tiny-run", C, RELEASE, release_and_forget),
    ("result-last", "CMP-MAX", HURRY, C, END, the_last_result),
    ("capture-told", "CMP-TOLD", CAUGHT, C, END, lose_the_captured),
    ("defer-async", STATE, HURRY, C, END, defer_in_haste),
    ("resched", STATE, HURRY, C, END, never_tire),
    ("result-lost", "CMP-MAX", "tiny-run", C, RETURN, forget_the_result),
    ("sleep", STATE, THREAD, C, RETURN, sleep_on),
    ("zone-order", STATE, ZONES, C, REQUEST, begin_with_the_lowest),
    ("wake-last", STATE, THREADS, C, WAKE, wake_for_the_last),
    ("wake-always", DECIDE, THREAD, C, WAKE, always_wake),
    ("thread-order", STATE, THREAD, C, WORK, work_for_one),
    ("defer-hardest", STATE, "tiny-full", C, BEGIN, ask_for_deferral_always),
    ("reset-samples", STATE, AGAIN, Hints, RESET_ONE, sample_every_frame),
    ("reset-never", STATE, AGAIN, Hints, RESET_ALL, forget_nothing),
    ("reset-hints", STATE, AGAIN, Hints, RESET_ALL, forget_without_need),
    ("free-first", STATE, CAUGHT, C, "free", free_the_first_page),
    ("kill", STATE, "tiny-kill", C, "kill", kill_nobody),
    (
        "compaction-accept-all",
        "REFUSAL",
        "tiny-run",
        binding,
        "differs",
        believe_anything,
    ),
)

COMPACTION_MUTANTS = (
    *tabled("compaction", TABLE, SOURCES),
    *tabled("compaction", compaction_scan.TABLE, SOURCES),
)
