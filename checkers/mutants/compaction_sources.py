"""Mistakes in the migrate scanner of compaction, and in its fast search."""

from __future__ import annotations

from typing import Any

from mmoracle.impl.compaction.control import ULONG_MAX, Control
from mmoracle.impl.compaction.frames import PINNED
from mmoracle.impl.compaction.rounds import Rounds
from mmoracle.impl.compaction.sources import Sources

from ..zoo import Line

_scan = Sources.isolate_migratepages_block
_fast_find = Sources.fast_find_migrateblock
_update = Sources.update_cached_migrate
_searches = Sources.searches
_isolate_migratepages = Rounds.isolate_migratepages


def take_pinned_ones(self: Sources, pfn: int, end: int, busy: bool) -> int:
    """Isolate a page that nobody may move."""
    for each in range(pfn, end):
        if self.m.at(each) == PINNED:
            self.cc.migratepages.append(each)
    return _scan(self, pfn, end, busy)


def ignore_the_skip_hint(self: Sources, pfn: int, first: int, fast: bool) -> bool:
    """Scan page blocks that were found useless before."""
    return False


def stand_still(self: Sources, pfn: int, end: int, busy: bool) -> int:
    """Leave the scanner where it was when nothing was found."""
    found = _scan(self, pfn, end, busy)
    return found if self.cc.migratepages else pfn


def keep_what_failed(self: Sources, pfn: int, end: int, busy: bool) -> int:
    """Keep the pages of an aligned block in which one page cannot move."""
    direct, self.cc.direct_compaction = self.cc.direct_compaction, False
    found = _scan(self, pfn, end, busy)
    self.cc.direct_compaction = direct
    return found


def never_be_full(self: Sources, pfn: int, end: int, busy: bool) -> int:
    """Take all pages of a page block, however many."""
    cluster, self.cluster = self.cluster, 1 << 30
    found = _scan(self, pfn, end, busy)
    self.cluster = cluster
    return found


def be_full_when_rescanning(self: Sources, pfn: int, end: int, busy: bool) -> int:
    """Stop after a cluster although the page block is scanned once more."""
    rescan, self.cc.rescan = self.cc.rescan, False
    found = _scan(self, pfn, end, busy)
    self.cc.rescan = rescan
    return found


def take_files_at_once(self: Sources, pfn: int, end: int, busy: bool) -> int:
    """Take pages of files although the request must not take their locks."""
    fs, self.cc.fs = self.cc.fs, True
    found = _scan(self, pfn, end, busy)
    self.cc.fs = fs
    return found


def note_no_contention(self: Control, busy: bool) -> None:
    """Forget that a lock was contended."""


def all_note_contention(self: Control, busy: bool) -> None:
    """Let every run note a contended lock, whether it waits or not."""
    self.contended = True


def any_source(self: Sources, pfn: int) -> bool:
    """Let an asynchronous request clean page blocks of other types."""
    return not self.m.skip_persistent(pfn)


def not_from_cma(self: Sources, pfn: int) -> bool:
    """Let a movable request clean movable page blocks alone."""
    m = self.m
    return not m.skip_persistent(pfn) and m.type_of(pfn) != m.cma


def remember_for_all(self: Sources, pfn: int) -> None:
    """Let asynchronous runs set the start of the others, too."""
    mode, self.cc.mode = self.cc.mode, 1
    _update(self, pfn)
    self.cc.mode = mode


def remember_nothing(self: Sources, pfn: int) -> None:
    """Begin every run at the same page block."""


def search_for_small_orders(self: Sources) -> bool:
    """Search the free lists for a page block whatever the order."""
    cc, pfn = self.cc, self.cc.migrate_pfn
    inside = pfn & (self.m.pageblock - 1) and pfn != self.zone.zone_start_pfn
    return not (cc.ignore_skip_hint or inside)


def search_for_every_type(self: Sources) -> bool:
    """Let a request that is not movable clear a movable page block as fast."""
    direct, self.cc.direct_compaction = self.cc.direct_compaction, False
    found = _searches(self)
    self.cc.direct_compaction = direct
    return found


def search_everywhere(self: Sources) -> int:
    """Take a page block up to the free scanner as a source."""
    return self.cc.free_pfn


def search_half_way_always(self: Sources) -> int:
    """Search half of the way, not an eighth, once the scanner has moved."""
    cc = self.cc
    return (cc.migrate_pfn + ((cc.free_pfn - cc.migrate_pfn) >> 1)) & -self.m.pageblock


def begin_before_the_zone(self: Sources) -> int:
    """Return the start of the page block found, although the zone begins inside it."""
    pfn = _fast_find(self)
    return pfn & -self.m.pageblock if pfn == self.zone.zone_start_pfn else pfn


def never_go_back(self: Sources) -> int:
    """Do not return to the lowest page block of the fast search."""
    return self.cc.migrate_pfn


def go_back_each_time(self: Sources) -> int:
    """Return to the lowest page block of the fast search after every failure."""
    cc = self.cc
    if cc.fast_start_pfn and cc.fast_start_pfn != ULONG_MAX:
        cc.migrate_pfn = cc.fast_start_pfn
    return cc.migrate_pfn


def sources_in_order(self: Rounds, crowded: bool, busy: bool) -> Any:
    """Migrate the pages in the order in which they were found."""
    pages, on = _isolate_migratepages(self, crowded, busy)
    self.running()[1].migratepages.reverse()
    return pages[::-1], on


def wait_for_others(self: Rounds, crowded: bool, busy: bool) -> Any:
    """Let an asynchronous run wait until fewer pages are isolated."""
    return _isolate_migratepages(self, False, busy)


def forget_where_it_migrated(self: Rounds, crowded: bool, busy: bool) -> Any:
    """Do not remember from where pages were migrated last."""
    found = _isolate_migratepages(self, crowded, busy)
    self.running()[1].last_migrated_pfn = 0
    return found


# ------------------------------------------------------------------ the zoo

SCAN, SOURCE = "isolate_migratepages_block", "suitable_migration_source"
UPDATE, HIGH, PAGES = "update_cached_migrate", "high_pfn", "isolate_migratepages"
REINIT, SEARCH = "reinit_migrate_pfn", "searches"
STATE = "EXACT-STATE"
PASSES = "passes_over"
S, R = Sources, Rounds
ASYNCS = "tiny-async"
LARGE, AGAIN, RESCAN = "tiny-large", "tiny-again-large", "tiny-rescan"
DECIDE = "CMP-DECIDE"
TABLE: tuple[Line, ...] = (
    ("source-pinned", "CMP-SOURCE", "tiny-run", S, SCAN, take_pinned_ones),
    ("source-skip", DECIDE, AGAIN, S, PASSES, ignore_the_skip_hint),
    ("source-stands", "LIVE", "tiny-run", S, SCAN, stand_still),
    ("source-failed", DECIDE, ASYNCS, S, SCAN, keep_what_failed),
    ("source-cluster", DECIDE, "tiny-run", S, SCAN, never_be_full),
    ("source-rescan", STATE, RESCAN, S, SCAN, be_full_when_rescanning),
    ("source-files", DECIDE, "tiny-files", S, SCAN, take_files_at_once),
    ("lock-free", STATE, ASYNCS, Control, "lock", note_no_contention),
    ("lock-all", DECIDE, "tiny-run", Control, "lock", all_note_contention),
    ("source-any-type", DECIDE, ASYNCS, S, SOURCE, any_source),
    ("source-not-cma", DECIDE, "tiny-cma", S, SOURCE, not_from_cma),
    ("cached-for-all", STATE, ASYNCS, S, UPDATE, remember_for_all),
    ("cached-never", STATE, "tiny-run", S, UPDATE, remember_nothing),
    ("fast-small", STATE, "tiny-run", S, SEARCH, search_for_small_orders),
    ("fast-any-type", STATE, "tiny-async-large", S, SEARCH, search_for_every_type),
    ("fast-high", DECIDE, LARGE, S, HIGH, search_everywhere),
    ("fast-eighth", DECIDE, "tiny-far", S, HIGH, search_half_way_always),
    ("fast-back-not", STATE, LARGE, S, REINIT, never_go_back),
    ("fast-back-often", STATE, LARGE, S, REINIT, go_back_each_time),
    ("source-order", DECIDE, "tiny-run", R, PAGES, sources_in_order),
    ("source-crowded", DECIDE, ASYNCS, R, PAGES, wait_for_others),
    ("last-migrated", STATE, "tiny-run", R, PAGES, forget_where_it_migrated),
)
