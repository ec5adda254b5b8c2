"""Mistakes in how a run of compaction begins and returns, and in its skip hints."""

from __future__ import annotations

from mmoracle.impl.compaction import defer
from mmoracle.impl.compaction.control import Control
from mmoracle.impl.compaction.frames import Zone
from mmoracle.impl.compaction.hints import Hints
from mmoracle.impl.compaction.machine import Compaction
from mmoracle.impl.compaction.state import State
from mmoracle.spec.linux import CompactPriority, CompactResult

from ..zoo import Line

_lay = Compaction.lay
_place, _request = Compaction.place_scanners, Compaction.end_request
_try, _wake = Compaction.try_to_compact_pages, Compaction.wakeup_kcompactd
_work = Compaction.kcompactd_do_work
_begin = Compaction.begin_zone
_reset_pfn = Compaction.reset_isolation_pfn
_reset_all = Compaction.reset_isolation_suitable


def served_keeps_the_flush(self: Compaction, zone: Zone, order: int) -> None:
    """Let the skip hints be forgotten although the request was served."""
    defer.compaction_defer_reset(zone, order, True)


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


def kill_nobody(self: Compaction) -> None:
    """Let a signal pass."""


# ------------------------------------------------------------------ the zoo

PLACE = "place_scanners"
WAKE, RETURN, BEGIN = "wakeup_kcompactd", "end_request", "begin_zone"
RESET_ALL, RESET_ONE = "reset_isolation_suitable", "reset_isolation_pfn"
REQUEST, WORK = "try_to_compact_pages", "kcompactd_do_work"
STATE, DECIDE = "EXACT-STATE", "CMP-DECIDE"
C = Compaction
CAUGHT = "tiny-capture"
AGAIN, THREAD = "tiny-again", "tiny-kcompactd"
ZONES = "tiny-zones"
THREADS = "tiny-kcompactd-zones"
TABLE: tuple[Line, ...] = (
    ("flush-served", STATE, AGAIN, C, "served", served_keeps_the_flush),
    ("lay", STATE, "tiny-run", State, "lay", lay_the_other_way),
    ("start-inside", STATE, "tiny-run", C, PLACE, start_inside),
    ("start-whole", STATE, "tiny-run", C, PLACE, whole_if_equal),
    ("start-async", STATE, AGAIN, C, PLACE, one_start_for_both),
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
)
