"""Mistakes in the rounds of a zone's run of compaction, and at its end."""

from __future__ import annotations

from mmoracle.impl.compaction import defer
from mmoracle.impl.compaction.control import Control
from mmoracle.impl.compaction.frames import PINNED
from mmoracle.impl.compaction.machine import Compaction
from mmoracle.impl.compaction.rounds import FULL, Rounds
from mmoracle.impl.compaction.state import State
from mmoracle.spec.linux import CompactPriority, CompactResult

from ..zoo import Line

_judge, _move = Compaction.judge, Compaction.unmap_and_move
_end = Compaction.end_zone
_settle, _release = Compaction.check_drain, Compaction.release_freepages
_finish = Compaction.compact_finished


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


def release_to_an_owner(self: Compaction, cc: Control) -> None:
    """Give the free pages that were not used to somebody."""
    for pfn in cc.freepages:
        self.m.paint(pfn, 1, PINNED)
    cc.freepages.clear()


# ------------------------------------------------------------------ the zoo

MOVE = "unmap_and_move"
JUDGE, SETTLE, END = "judge", "check_drain", "end_zone"
RELEASE, STEAL = "release_freepages", "can_steal_fallback"
FINISH = "compact_finished"
STATE, DECIDE = "EXACT-STATE", "CMP-DECIDE"
C, R = Compaction, Rounds
CAUGHT = "tiny-capture"
LARGE = "tiny-large"
OTHERS, HURRY = "tiny-others", "tiny-hurry"
TABLE: tuple[Line, ...] = (
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
)
