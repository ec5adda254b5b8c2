"""Mistakes in when a zone may give: marks, reserves, boosts, and reclaim on a node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mmoracle.impl import watermark
from mmoracle.impl.freelist import walk
from mmoracle.impl.freelist.walk import Context, Walker
from mmoracle.impl.freelist.zone import Zone
from mmoracle.impl.watermark import ATOMIC, CMA, HARDER, HIGH, OOM

_fast: Callable[..., bool] = vars(walk)["zone_watermark_fast"]
_ok: Callable[..., bool] = watermark.zone_watermark_ok
_may_give = Walker.may_give
NO_WATERMARKS = 4

# ------------------------------------------------------------------ the first look


def unsigned(*args: Any) -> bool:
    """Compare a usable count below 0 as an unsigned word."""
    return _fast(*args[:-1], 64)


def at_the_mark(free: int, *args: Any) -> bool:
    """Let a page go that takes a zone down to its mark."""
    return _fast(free + 1, *args)


def above_the_mark(free: int, *args: Any) -> bool:
    """Want one page more than mark and reserve."""
    return _fast(free - 1, *args)


def boost_for_atomic(*args: Any) -> bool:
    """Let an atomic request see the boost."""
    return _fast(*args[:6], args[6] & ~ATOMIC, *args[7:])


def boost_for_nobody(*args: Any) -> bool:
    """Forget the boost."""
    return _fast(*args[:3], 0, *args[4:])


def boost_for_the_lowest(*args: Any) -> bool:
    """Boost the lowest mark only."""
    boost = 0 if args[5] & 3 else args[3]
    return _fast(*args[:3], boost, *args[4:])


def boost_hidden_from_all(*args: Any) -> bool:
    """Hide the boost from every request at the lowest mark."""
    return _fast(*args[:6], args[6] | ATOMIC, *args[7:])


def boost_hidden_at_every_mark(*args: Any) -> bool:
    """Hide the boost from an atomic request at every mark."""
    if _fast(*args):
        return True
    atomic = args[6] & ATOMIC and not args[1]
    return bool(atomic) and _fast(*args[:3], 0, *args[4:])


def low_for_all(*args: Any) -> bool:
    """Look at the low mark, whichever was asked for."""
    return _fast(*args[:5], args[5] & ~3 | 1, *args[6:])


def reserve_of_the_zone(self: Walker, ac: Context, zone: Zone, flags: int) -> bool:
    """Keep the reserve for requests to the zone itself, not for those from above."""
    highest, ac.highest = ac.highest, zone.index
    try:
        return _watermark_fast(self, ac, zone, flags)
    finally:
        ac.highest = highest


def no_reserve(*args: Any) -> bool:
    """Keep nothing for requests of lower zones."""
    return _fast(*args[:4], 0, *args[5:])


_watermark_fast = Walker.watermark_fast


def highatomic_counted(*args: Any) -> bool:
    """Count the high-atomic reserve as free for all."""
    return _fast(*args[:8], 0, *args[9:])


def cma_counted(*args: Any) -> bool:
    """Count the pages of CMA as free for all."""
    return _fast(*args[:9], 0, *args[10:])


# ------------------------------------------------------------------ the close look


def highatomic_for_nobody(
    free: int, order: int, mark: int, reserve: int, flags: int, *rest: Any
) -> bool:
    """Keep the high-atomic reserve from those as well that try harder."""
    kept = rest[1] if flags & (HARDER | OOM) else 0
    return _ok(free - kept, order, mark, reserve, flags, *rest)


def cma_for_nobody(
    free: int, order: int, mark: int, reserve: int, flags: int, *rest: Any
) -> bool:
    """Keep the pages of CMA from those as well that may use them."""
    return _ok(free, order, mark, reserve, flags & ~CMA, *rest)


def harder_before_high(
    free: int, order: int, mark: int, reserve: int, flags: int, *rest: Any
) -> bool:
    """Take a quarter off the mark first, then half of what is left."""
    if flags & (HARDER | HIGH | OOM) != HARDER | HIGH:
        return _ok(free, order, mark, reserve, flags, *rest)
    due = mark - mark // 4
    due -= due // 2
    half = mark - mark // 2
    return _ok(free, order, mark, reserve + due - (half - half // 4), flags, *rest)


def oom_as_harder(
    free: int, order: int, mark: int, reserve: int, flags: int, *rest: Any
) -> bool:
    """Let a victim of the OOM killer come no nearer than others that try harder."""
    flags = flags & ~OOM | HARDER if flags & OOM else flags
    return _ok(free, order, mark, reserve, flags, *rest)


def high_ignored(
    free: int, order: int, mark: int, reserve: int, flags: int, *rest: Any
) -> bool:
    """Let a request of high priority come no nearer to the mark."""
    return _ok(free, order, mark, reserve, flags & ~HIGH, *rest)


def eager_without_a_nearer_mark(
    free: int, order: int, mark: int, reserve: int, flags: int, *rest: Any
) -> bool:
    """Add back what trying harder takes off the mark."""
    if flags & HARDER and not flags & OOM:
        least = mark - mark // 2 if flags & HIGH else mark
        reserve += least // 4
    return _ok(free, order, mark, reserve, flags, *rest)


def reserve_lowered_too(
    free: int, order: int, mark: int, reserve: int, flags: int, *rest: Any
) -> bool:
    """Let a request of high priority come nearer to the reserve as well."""
    reserve -= reserve // 2 if flags & HIGH else 0
    reserve -= 1 if flags & HIGH and reserve == 1 else 0
    return _ok(free, order, mark, reserve, flags, *rest)


def one_page_of_a_block(
    free: int, order: int, mark: int, reserve: int, flags: int, *rest: Any
) -> bool:
    """Reckon as if a block took one page."""
    return _ok(free + (1 << order) - 1, order, mark, reserve, flags, *rest)


def pages_are_blocks(
    free: int, order: int, mark: int, reserve: int, flags: int, *rest: Any
) -> bool:
    """Let a zone give that has pages enough, in whatever blocks."""
    return _ok(free - (1 << order) + 1, 0, mark, reserve, flags, *rest)


def lists_of_all(
    free: int, order: int, mark: int, reserve: int, flags: int, *rest: Any
) -> bool:
    """Take the blocks of the high-atomic reserve for blocks that all may use."""
    lists = [bits | bits >> 3 & 1 for bits in rest[0]]
    return _ok(free, order, mark, reserve, flags, lists, *rest[1:])


def lists_of_none(
    free: int, order: int, mark: int, reserve: int, flags: int, *rest: Any
) -> bool:
    """Keep the blocks of the high-atomic reserve from everybody."""
    lists = [bits & ~8 for bits in rest[0]]
    return _ok(free, order, mark, reserve, flags, lists, *rest[1:])


def lists_without_cma(
    free: int, order: int, mark: int, reserve: int, flags: int, *rest: Any
) -> bool:
    """Overlook blocks of CMA for a request that may use them."""
    lists = [bits & 15 for bits in rest[0]]
    return _ok(free, order, mark, reserve, flags, lists, *rest[1:])


def this_order_only(
    free: int, order: int, mark: int, reserve: int, flags: int, *rest: Any
) -> bool:
    """Look for a block of just the order, not for one that could be split."""
    return _ok(free, order, mark, reserve, flags, rest[0][: order + 1], *rest[1:])


def any_order(
    free: int, order: int, mark: int, reserve: int, flags: int, *rest: Any
) -> bool:
    """Look for a block of any order, smaller ones as well."""
    lists = [max(rest[0])] * len(rest[0])
    return _ok(free, order, mark, reserve, flags, lists, *rest[1:])


# ------------------------------------------------------------------ reclaim


def marks_for_the_last_reserve(
    self: Walker, ac: Context, zone: Zone, flags: int
) -> bool:
    """Refuse at the mark although no watermark counts."""
    return _may_give(self, ac, zone, flags & ~NO_WATERMARKS)


def reclaim_unasked(self: Walker, ac: Context, zone: Zone, flags: int) -> bool:
    """Reclaim on a node although that is switched off."""
    mode, self.reclaim_mode = self.reclaim_mode, 1
    try:
        return _may_give(self, ac, zone, flags)
    finally:
        self.reclaim_mode = mode


def reclaim_never(self: Walker, ac: Context, zone: Zone, flags: int) -> bool:
    """Reclaim on no node."""
    mode, self.reclaim_mode = self.reclaim_mode, 0
    try:
        return _may_give(self, ac, zone, flags)
    finally:
        self.reclaim_mode = mode


def reclaim_without_nodes(self: Walker, local: Zone, zone: Zone) -> bool:
    """Take every other node for a near one where no distances are given."""
    return not self.distance or _allows(self, local, zone)


def grow_never(self: Walker, zone: Zone) -> bool:
    """Leave memory that was deferred for later still."""
    return False


def grow_and_stop(self: Walker, zone: Zone) -> bool:
    """Do not look again once nothing is left."""
    left = zone.deferred
    return _grow_zone(self, zone) and left > 0


def grow_once(self: Walker, ac: Context, zone: Zone, flags: int) -> bool:
    """Give up a zone that may give and has no page, though it could grow."""
    return self.rmqueue(ac, zone, flags)


def reclaim_far(self: Walker, local: Zone, zone: Zone) -> bool:
    """Reclaim on a node however far it is."""
    return True


def reclaim_nearer(self: Walker, local: Zone, zone: Zone) -> bool:
    """Reclaim only on nodes that are nearer than the limit."""
    return self.distance[local.nid][zone.nid] < self.reclaim_distance


def reclaim_from_the_zone(self: Walker, local: Zone, zone: Zone) -> bool:
    """Measure how far a zone's node is from itself."""
    return _allows(self, zone, zone)


def full_is_some(self: Walker, ac: Context, zone: Zone) -> int:
    """Take a node that cannot reclaim anything for one that has tried."""
    answer = _node_reclaim(self, ac, zone)
    return 0 if answer == -1 else answer


def some_is_full(self: Walker, ac: Context, zone: Zone) -> int:
    """Give up on a node that reclaimed less than was asked for."""
    answer = _node_reclaim(self, ac, zone)
    return -1 if answer == 0 else answer


def reclaimed_is_enough(
    self: Walker, ac: Context, zone: Zone, flags: int, mark: int
) -> bool:
    """Take what was reclaimed for enough."""
    return True


def reclaimed_without_boost(
    self: Walker, ac: Context, zone: Zone, flags: int, mark: int
) -> bool:
    """Forget the boost once pages were reclaimed."""
    return _watermark_ok(self, ac, zone, flags, mark - zone.boost)


_grow_zone = Walker.grow_zone
_allows, _node_reclaim = Walker.zone_allows_reclaim, Walker.node_reclaim
_watermark_ok = Walker.watermark_ok

FAST, OK = "zone_watermark_fast", "zone_watermark_ok"
WM, GO, ALLOWS = "WM-DECIDE", "ZL-ORDER", "zone_allows_reclaim"

TABLE = (
    ("P09-unsigned-count", WM, "tiny-reserved", walk, FAST, unsigned),
    ("mark-at", WM, "tiny", walk, FAST, at_the_mark),
    ("mark-above", WM, "tiny", walk, FAST, above_the_mark),
    ("mark-low-for-all", WM, "tiny-flags", walk, FAST, low_for_all),
    ("boost-for-atomic", WM, "tiny-flags", walk, FAST, boost_for_atomic),
    ("boost-for-nobody", WM, "tiny-flags", walk, FAST, boost_for_nobody),
    ("boost-for-the-lowest", WM, "tiny-flags", walk, FAST, boost_for_the_lowest),
    ("boost-hidden", WM, "tiny-flags", walk, FAST, boost_hidden_from_all),
    ("boost-hidden-low", WM, "tiny-flags", walk, FAST, boost_hidden_at_every_mark),
    ("reserve-of-the-zone", WM, "tiny", Walker, "watermark_fast", reserve_of_the_zone),
    ("reserve-none", WM, "tiny", walk, FAST, no_reserve),
    ("highatomic-counted", WM, "tiny-flags", walk, FAST, highatomic_counted),
    ("cma-counted", WM, "tiny-cma", walk, FAST, cma_counted),
    ("highatomic-kept", WM, "tiny-flags", watermark, OK, highatomic_for_nobody),
    ("cma-kept", WM, "tiny-cma", watermark, OK, cma_for_nobody),
    ("harder-first", WM, "tiny-eager", watermark, OK, harder_before_high),
    ("oom-as-harder", WM, "tiny-flags", watermark, OK, oom_as_harder),
    ("high-ignored", WM, "tiny-flags", watermark, OK, high_ignored),
    ("harder-ignored", WM, "tiny-flags", watermark, OK, eager_without_a_nearer_mark),
    ("reserve-lowered", WM, "tiny-flags", watermark, OK, reserve_lowered_too),
    ("order-one-page", WM, "tiny-orders", watermark, OK, one_page_of_a_block),
    ("order-any-block", WM, "tiny-orders", watermark, OK, pages_are_blocks),
    ("list-of-all", WM, "tiny-orders", watermark, OK, lists_of_all),
    ("list-of-none", WM, "tiny-orders", watermark, OK, lists_of_none),
    ("list-without-cma", WM, "tiny-cma", watermark, OK, lists_without_cma),
    ("list-of-the-order", WM, "tiny-blocks", watermark, OK, this_order_only),
    ("list-of-any-order", WM, "tiny-blocks", watermark, OK, any_order),
    ("last-reserve", GO, "tiny-flags", Walker, "may_give", marks_for_the_last_reserve),
    ("reclaim-unasked", GO, "tiny", Walker, "may_give", reclaim_unasked),
    ("reclaim-never", GO, "tiny-reclaim-one", Walker, "may_give", reclaim_never),
    ("reclaim-near", GO, "tiny-reclaim-near", Walker, ALLOWS, reclaim_without_nodes),
    ("grow-never", GO, "tiny-deferred", Walker, "grow_zone", grow_never),
    ("grow-and-stop", GO, "tiny-deferred", Walker, "grow_zone", grow_and_stop),
    ("grow-once", GO, "tiny-deferred", Walker, "try_this_zone", grow_once),
    ("reclaim-far", GO, "tiny-reclaim", Walker, ALLOWS, reclaim_far),
    ("reclaim-nearer", GO, "tiny-reclaim", Walker, ALLOWS, reclaim_nearer),
    (
        "reclaim-from-the-zone",
        GO,
        "tiny-reclaim",
        Walker,
        ALLOWS,
        reclaim_from_the_zone,
    ),
    ("reclaim-full", GO, "tiny-reclaim-one", Walker, "node_reclaim", full_is_some),
    ("reclaim-some", GO, "tiny-reclaim-one", Walker, "node_reclaim", some_is_full),
    (
        "reclaim-enough",
        WM,
        "tiny-reclaim-one",
        Walker,
        "watermark_ok",
        reclaimed_is_enough,
    ),
    (
        "reclaim-boost",
        WM,
        "tiny-reclaim-one",
        Walker,
        "watermark_ok",
        reclaimed_without_boost,
    ),
)
