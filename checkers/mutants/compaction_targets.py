"""Mistakes in the free scanner of compaction, and in its fast search."""

from __future__ import annotations

from typing import Any

from mmoracle.impl.compaction.frames import SHIFT, Zone
from mmoracle.impl.compaction.rounds import Rounds
from mmoracle.impl.compaction.targets import Targets
from mmoracle.spec.linux import MIGRATE_MOVABLE

from ..zoo import Line

_init = Targets.__init__
_around = Targets.fast_isolate_around
_block = Targets.isolate_freepages_block
_isolate = Rounds.isolate_freepages
_look = Targets.look_through
_to_end = Zone.to_end


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


def turn_no_list(self: Zone, line: Any, pfn: int, *, itself: bool) -> None:
    """Leave the lists as they are, so that the next search meets the same blocks."""


def turn_with_the_block(self: Zone, line: Any, pfn: int, *, itself: bool) -> None:
    """Move the block that ends a search to the end of the list, too."""
    _to_end(self, line, pfn, itself=True)


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


# ------------------------------------------------------------------ the zoo

BLOCK, AROUND, LOOK = "isolate_freepages_block", "fast_isolate_around", "look_through"
TARGET = "suitable_migration_target"
FREE = "isolate_freepages"
STATE = "EXACT-STATE"
NEXT, SUITS, HINT = "next_search_order", "isolation_suitable", "update_pageblock_skip"
FAST, FALL, NOTE = "fast_search", "fall_back", "note_highest"
T, R = Targets, Rounds
ASYNCS, CMA, TYPES = "tiny-async", "tiny-async-cma", "tiny-async-types"
LARGE = "tiny-large"
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
)
