"""Mistakes in corners of compaction: rare page blocks, rare ends of a run."""

from __future__ import annotations

from mmoracle.impl.compaction import Compaction
from mmoracle.impl.compaction.defer import only_fragmented
from mmoracle.impl.compaction.frames import HEAD, TAIL, Frames, Zone
from mmoracle.impl.compaction.rounds import Rounds
from mmoracle.spec.linux import MIGRATE_MOVABLE, CompactResult

from ..zoo import Line

_free, _end_zone = Compaction.free, Compaction.end_zone
_pull, _bulk = Zone.pull, Frames.free_pcppages_bulk
_suitable = Compaction.compaction_suitable


def any_compound_page(self: Frames, pfn: int) -> bool:
    """Leave a page block for a compound page that fills only a part of it."""
    return self.at(pfn) in (HEAD, TAIL)


def free_as_a_stranger(self: Compaction, pfn: int, ours: bool) -> None:
    """Forget who frees a single page."""
    _free(self, pfn, ours and self.m.at(pfn) == HEAD)


def change_every_type(self: Frames, pfn: int, pages: int) -> None:
    """Let reserves and CMA be ordinary movable memory, too."""
    for block in range(self.block(pfn), self.block(pfn + pages - 1) + 1):
        self.types[block] = MIGRATE_MOVABLE


def die_after_all_zones(self: Compaction, resched: bool) -> CompactResult:
    """Go on with the next zone although a fatal signal is pending."""
    cc = self.running()[1]
    fatal, cc.fatal = cc.fatal, False
    status = _end_zone(self, resched)
    cc.fatal = self.running()[1].fatal = fatal
    return status


def steal_larger_only(self: Rounds, order: int, mt: int) -> bool:
    """Steal only what is more than half a page block's order."""
    return order > self.m.pageblock_order // 2 or mt != MIGRATE_MOVABLE


def index_at_costly(
    self: Compaction, zone: Zone, order: int, flags: int, highest: int
) -> CompactResult:
    """Look at the fragmentation index of the largest order that is not costly."""
    found = _suitable(self, zone, order, flags, highest)
    if found is not CompactResult.CONTINUE or order != self.costly:
        return found
    short = not only_fragmented(order, zone.nr_free, self.threshold)
    return CompactResult.SKIPPED if short else found


def pull_uncounted(self: Zone, pfn: int) -> int:
    """Count a block that left its list as if it stood there."""
    order = _pull(self, pfn)
    self.nr_free[order] += 1
    return order


def bulk_uncounted(self: Frames, zone: Zone, pages: int, ours: bool) -> None:
    """Count pages that left the pageset as if they waited there."""
    _bulk(self, zone, pages, ours)
    zone.pcp_count += pages


STATE, DECIDE = "EXACT-STATE", "CMP-DECIDE"
ONE, TYPES = "tiny-free", "tiny-keeps-types"
PART, DIE = "skip_persistent", "end_zone"
PAIR, STEAL = "tiny-steal-pair", "can_steal_fallback"
SUIT = "compaction_suitable"
TABLE: tuple[Line, ...] = (
    ("pull-count", "CMP-COUNT", "tiny", Zone, "pull", pull_uncounted),
    ("bulk-count", STATE, "tiny-drain", Frames, "free_pcppages_bulk", bulk_uncounted),
    ("part-block", DECIDE, "tiny-part", Frames, PART, any_compound_page),
    ("free-single", STATE, ONE, Compaction, "free", free_as_a_stranger),
    ("take-any-type", STATE, TYPES, Frames, "make_movable", change_every_type),
    ("kill-zones", STATE, "tiny-kill-zones", Compaction, DIE, die_after_all_zones),
    ("steal-larger", DECIDE, PAIR, Rounds, STEAL, steal_larger_only),
    ("index-costly", DECIDE, "tiny-singles", Compaction, SUIT, index_at_costly),
)
