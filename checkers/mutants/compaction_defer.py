"""Mistakes in what decides whether to compact: deferral and suitability."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmoracle.impl.compaction import defer
from mmoracle.spec.linux import CompactResult

from ..zoo import Line

_deferred, _defer = defer.compaction_deferred, defer.defer_compaction
_reset, _restarting = defer.compaction_defer_reset, defer.compaction_restarting
_suitable = defer.suitable_with


# ------------------------------------------------------------------ deferral


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


# ------------------------------------------------------------------ the zoo

RESET, DEFER, ASK = "compaction_defer_reset", "defer_compaction", "compaction_deferred"
INDEX, FRAGMENTED = "missing_block", "fragmentation_index"
SUITABLE, LACKS = "suitable_with", "only_fragmented"
STATE, DECIDE = "EXACT-STATE", "CMP-DECIDE"
COUNTS, ASKED = "tiny-deferral", "tiny-suitable"
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
    ("index-request", "FRAG-IN", ASKED, defer, INDEX, index_without_the_request),
    ("index-above", "FRAG-IN", ASKED, defer, INDEX, index_of_hundreds),
    ("index-block", "FRAG-IN", ASKED, defer, FRAGMENTED, blame_without_a_look),
    ("gap", DECIDE, ASKED, defer, "compact_gap", gap_of_one_block),
    ("threshold-at", DECIDE, ASKED, defer, LACKS, threshold_below),
    ("threshold-sign", DECIDE, ASKED, defer, LACKS, threshold_for_negative),
    ("mark-costly", DECIDE, ASKED, defer, SUITABLE, min_for_costly_orders),
    ("mark-low", DECIDE, ASKED, defer, SUITABLE, low_for_every_order),
)
