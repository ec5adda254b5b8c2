"""Mistakes in the two scanners of compaction, and in their fast searches."""

from __future__ import annotations

from typing import Any

from mmoracle.impl.compaction.control import ULONG_MAX, Control
from mmoracle.impl.compaction.frames import PINNED, SHIFT, Zone
from mmoracle.impl.compaction.rounds import Rounds
from mmoracle.impl.compaction.sources import Sources
from mmoracle.impl.compaction.targets import Targets
from mmoracle.spec.linux import MIGRATE_MOVABLE

from ..zoo import Line

_init = Targets.__init__
_scan = Sources.isolate_migratepages_block
_around = Targets.fast_isolate_around
_block = Targets.isolate_freepages_block
_fast_find = Sources.fast_find_migrateblock
_isolate = Rounds.isolate_freepages
_update = Sources.update_cached_migrate

# ------------------------------------------------------------------ the free scanner


def start_below_the_zone(self: Targets, *told: Any, **flags: Any) -> None:
    """Let a page block begin where it does, although the zone begins inside it."""
    _init(self, *told, **flags | {"starts_below": True})


def search_on_with_a_stale_candidate(self: Targets, low: int, least: int) -> int:
    """Keep the candidate of an order whose block could not be taken for the next."""
    cc, self.keeps_high_pfn = self.cc, True
    cc.search_order = min(cc.order - 1, cc.search_order)
    order, found = cc.search_order, -1
    while found < 0 and order >= 0:
        if self.zone.nr_free[order]:
            found = self.look_through(order, low, least)
            if found >= 0 and not self.take(self.zone, found, order):
                found = -1
        order = self.next_search_order(order)
    return found


def take_as_asked(self: Targets, zone: Zone, pfn: int, order: int) -> bool:
    """Take the first page of a larger block."""
    pages = self.m.isolate_free_page(zone, pfn, order)
    if pages:
        self.cc.nr_freepages += pages
        self.blocks.append((pfn, 0))
    return pages > 0


def scan_all_of_a_block(
    self: Targets, pfn: int, end: int, stride: int, busy: bool
) -> int:
    """Go on in a page block although there are enough free pages."""
    wanted, self.cc.nr_migratepages = self.cc.nr_migratepages, 1 << 30
    end = _block(self, pfn, end, stride, busy)
    self.cc.nr_migratepages = wanted
    return end


def scan_every_frame(self: Targets, pfn: int, end: int, stride: int, busy: bool) -> int:
    """Let an asynchronous run look at every frame."""
    return _block(self, pfn, end, 1, busy)


def heed_no_signal(self: Targets, pfn: int, end: int, stride: int, busy: bool) -> int:
    """Go on taking free pages although a fatal signal is pending."""
    fatal, self.cc.fatal = self.cc.fatal, False
    end = _block(self, pfn, end, stride, busy)
    self.cc.fatal = fatal
    return end


def never_look_around(self: Targets, pfn: int, busy: bool) -> None:
    """Be content with the one block that the fast search found."""


def look_around_in_haste(self: Targets, pfn: int, busy: bool) -> None:
    """Let an asynchronous request scan the page block of the block found, too."""
    mode, self.cc.mode = self.cc.mode, 1
    _around(self, pfn, busy)
    self.cc.mode = mode


def hint_nothing(self: Targets, pfn: int, busy: bool) -> None:
    """Look again at a page block that gave too little."""
    skip = self.m.skip[:]
    _around(self, pfn, busy)
    self.m.skip[:] = skip


def look_from_the_head(self: Targets, order: int, low: int, least: int) -> int:
    """Search the lists from the head on."""
    line = self.zone.lists[order << SHIFT | MIGRATE_MOVABLE]
    for pfn in reversed(list(line)):
        line.move_to_end(pfn)
    return _look(self, order, low, least)


_look = Targets.look_through


def turn_no_list(self: Zone, line: Any, pfn: int, *, itself: bool) -> None:
    """Leave the lists as they are, so that the next search meets the same blocks."""


def turn_with_the_block(self: Zone, line: Any, pfn: int, *, itself: bool) -> None:
    """Move the block that ends a search to the end of the list, too."""
    _to_end(self, line, pfn, itself=True)


_to_end = Zone.to_end


def forget_the_highest(self: Targets, pfn: int) -> None:
    """Remember no page block for the time after a search without success."""


def stay_where_it_is(self: Targets, least: int) -> int:
    """Do not move the scanner after a search without success."""
    return -1


def fall_to_the_end(self: Targets, least: int) -> int:
    """Move the scanner to the last page block of the zone."""
    self.cc.free_pfn = (self.zone.end - 1) & -self.m.pageblock
    return self.cc.free_pfn


def search_downwards_only(self: Targets, order: int) -> int:
    """Search no order above the one that the search began with."""
    return order - 1


def target_any_type(self: Targets, pfn: int) -> bool:
    """Move pages into page blocks of every type."""
    return self.m.zone_of(pfn).buddy_order(pfn) < self.m.pageblock_order


def target_free_blocks(self: Targets, pfn: int) -> bool:
    """Break up free blocks as large as a page block."""
    return self.cc.ignore_block_suitable or self.m.type_of(pfn) in (
        MIGRATE_MOVABLE,
        self.m.cma,
    )


def look_at_all(self: Targets, pfn: int) -> bool:
    """Scan page blocks that were found full before."""
    return True


def hint_and_keep_the_start(self: Targets, pfn: int) -> None:
    """Let the next run begin where this one did."""
    self.m.set_pageblock_skip(pfn)


def split_from_the_first(self: Rounds, busy: bool) -> list[tuple[int, int]]:
    """Use the pages of a block from the first one on."""
    blocks = _isolate(self, busy)
    _, cc = self.running()
    cc.freepages.reverse()
    return blocks


def lose_one(self: Rounds, busy: bool) -> list[tuple[int, int]]:
    """Lose a page when a block is split."""
    blocks = _isolate(self, busy)
    _, cc = self.running()
    if len(cc.freepages) > 1:
        del cc.freepages[0]
    return blocks


def find_all_the_same(self: Rounds, busy: bool) -> list[tuple[int, int]]:
    """Let the migration go on although no free page was found."""
    blocks = _isolate(self, busy)
    r, cc = self.running()
    if not blocks:
        cc.enomem, r.phase = False, "drain"
    return blocks


# ------------------------------------------------------------------ the migrate scanner


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


_searches, _high = Sources.searches, Sources.high_pfn


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


_isolate_migratepages = Rounds.isolate_migratepages

BLOCK, AROUND, LOOK = (
    "isolate_freepages_block",
    "fast_isolate_around",
    "look_through",
)
SCAN, TARGET, SOURCE = (
    "isolate_migratepages_block",
    "suitable_migration_target",
    "suitable_migration_source",
)
UPDATE, HIGH, PAGES = "update_cached_migrate", "high_pfn", "isolate_migratepages"
FREE, REINIT, SEARCH = "isolate_freepages", "reinit_migrate_pfn", "searches"
STATE = "EXACT-STATE"
NEXT, SUITS, HINT = "next_search_order", "isolation_suitable", "update_pageblock_skip"
PASSES, FAST, FALL, NOTE = "passes_over", "fast_search", "fall_back", "note_highest"
T, S, R = Targets, Sources, Rounds
ASYNCS, CMA, TYPES = "tiny-async", "tiny-async-cma", "tiny-async-types"
LARGE, AGAIN, RESCAN = "tiny-large", "tiny-again-large", "tiny-rescan"
DECIDE = "CMP-DECIDE"
TABLE: tuple[Line, ...] = (
    ("P16", "CMP-RANGE", "tiny-edge", T, "__init__", start_below_the_zone),
    ("P72", "CMP-ORDER", "tiny-marks", T, FAST, search_on_with_a_stale_candidate),
    ("target-order", "CMP-ORDER", LARGE, T, "take", take_as_asked),
    ("target-too-many", DECIDE, "tiny-edge", T, BLOCK, scan_all_of_a_block),
    ("target-stride", DECIDE, CMA, T, BLOCK, scan_every_frame),
    ("target-killed", DECIDE, "tiny-kill", T, BLOCK, heed_no_signal),
    ("around-never", DECIDE, "tiny-run", T, AROUND, never_look_around),
    ("around-async", DECIDE, ASYNCS, T, AROUND, look_around_in_haste),
    ("around-no-hint", STATE, "tiny-run", T, AROUND, hint_nothing),
    ("look-from-head", DECIDE, LARGE, T, LOOK, look_from_the_head),
    ("lists-not-turned", STATE, LARGE, Zone, "to_end", turn_no_list),
    ("lists-turned-far", STATE, "tiny-marks", Zone, "to_end", turn_with_the_block),
    ("highest", DECIDE, "tiny-run", T, NOTE, forget_the_highest),
    ("fall-back-not", DECIDE, "tiny-run", T, FALL, stay_where_it_is),
    ("fall-back-up", DECIDE, "tiny-run", T, FALL, fall_to_the_end),
    ("search-order", STATE, "tiny-full", T, NEXT, search_downwards_only),
    ("target-any-type", DECIDE, TYPES, T, TARGET, target_any_type),
    ("target-whole", DECIDE, "tiny-whole", T, TARGET, target_free_blocks),
    ("target-skip", STATE, CMA, T, SUITS, look_at_all),
    ("target-cached", STATE, CMA, T, HINT, hint_and_keep_the_start),
    ("split-order", "CMP-ORDER", LARGE, R, FREE, split_from_the_first),
    ("split-loses", "CMP-ORDER", LARGE, R, FREE, lose_one),
    ("starved-goes-on", STATE, "tiny-others", R, FREE, find_all_the_same),
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
