"""Mistakes in how a kswapd balances its node, and in what it does to zones."""

from __future__ import annotations

from typing import Any

from mmoracle.impl.reclaim import kswapd
from mmoracle.impl.reclaim.machine import Reclaim
from mmoracle.impl.reclaim.pgdat import (
    Pgdat,
    ScanControl,
)
from mmoracle.impl.reclaim.vmscan import Nodes

_finish = kswapd.finish
_round, _scanned = kswapd.balance_round, kswapd.balance_scanned
_begin = kswapd.balance_pgdat
_take, _boost = Reclaim.take, Reclaim.boost


# ------------------------------------------------------------------ balancing


def last_zone_again(m: Nodes, pgdat: Pgdat) -> int:
    """Balance for the zones of the run before."""
    return pgdat.highest_zoneidx


def all_zones(m: Nodes, pgdat: Pgdat) -> int:
    """Balance all zones where nobody asks."""
    return min(pgdat.kswapd_highest_zoneidx, m.max_zones - 1)


def keep_what_was_asked(m: Nodes, pgdat: Pgdat, orders: int) -> None:
    """Leave the order as if it were still asked for."""
    order = pgdat.kswapd_order
    _begin(m, pgdat, orders)
    pgdat.kswapd_order = order


def drop_boosts_first(m: Nodes, pgdat: Pgdat, orders: int) -> None:
    """Take the boosts back before the work is done."""
    _begin(m, pgdat, orders)
    for zone in pgdat.upto(pgdat.highest_zoneidx):
        zone.boost = 0


def swap_for_a_boost(m: Nodes, pgdat: Pgdat, sc: ScanControl, orders: int) -> None:
    """Swap to work a boost off."""
    _round(m, pgdat, sc, orders)
    sc.may_swap = True


def write_for_a_boost(m: Nodes, pgdat: Pgdat, sc: ScanControl, orders: int) -> None:
    """Write to work a boost off."""
    _round(m, pgdat, sc, orders)
    sc.may_writepage = True


def go_on_in_need(m: Nodes, pgdat: Pgdat, sc: ScanControl, orders: int) -> None:
    """Go on at the priority of the boost when a zone is in need."""
    priority = sc.priority
    _round(m, pgdat, sc, orders)
    sc.priority = priority


def boost_before_need(m: Nodes, pgdat: Pgdat, sc: ScanControl, orders: int) -> None:
    """Work a boost off although no zone is balanced."""
    left = pgdat.nr_boost_reclaim
    _round(m, pgdat, sc, orders)
    if pgdat.sc is not None and left:
        pgdat.nr_boost_reclaim, sc.may_swap, sc.may_writepage = left, False, False


def end_with_the_boost(m: Nodes, pgdat: Pgdat, sc: ScanControl, orders: int) -> None:
    """Leave a boost when a zone is balanced."""
    if pgdat.balanced(sc.order, pgdat.highest_zoneidx):
        pgdat.nr_boost_reclaim = 0
    _round(m, pgdat, sc, orders)


def want_only_marks(m: Nodes, pgdat: Pgdat, sc: ScanControl, orders: int) -> None:
    """Want no cluster of small zones."""
    cluster, m.cluster = m.cluster, 0
    _round(m, pgdat, sc, orders)
    m.cluster = cluster


def count_rounds_together(m: Nodes, pgdat: Pgdat, sc: ScanControl, orders: int) -> None:
    """Count what all rounds have scanned."""
    scanned = sc.nr_scanned
    _round(m, pgdat, sc, orders)
    sc.nr_scanned = scanned


def fail_with_pages(m: Nodes, pgdat: Pgdat, sc: ScanControl, orders: int) -> None:
    """Count a run as failed that got pages and did not balance."""
    got, before = sc.nr_reclaimed, pgdat.kswapd_failures
    _scanned(m, pgdat, sc, orders)
    if got and pgdat.sc is None and not pgdat.balanced(0, pgdat.highest_zoneidx):
        pgdat.kswapd_failures = before + 1


def never_fail(m: Nodes, pgdat: Pgdat, sc: ScanControl, orders: int) -> None:
    """Never count a failure."""
    failures = pgdat.kswapd_failures
    _scanned(m, pgdat, sc, orders)
    pgdat.kswapd_failures = failures


def fail_twice(m: Nodes, pgdat: Pgdat, sc: ScanControl, orders: int) -> None:
    """Count a failure twice."""
    failures = pgdat.kswapd_failures
    _scanned(m, pgdat, sc, orders)
    pgdat.kswapd_failures += pgdat.kswapd_failures > failures


def forget_who_waits(m: Nodes, pgdat: Pgdat, sc: ScanControl, orders: int) -> None:
    """Do not wake the tasks that may go on."""
    waits, m.waits = m.waits, -1
    _scanned(m, pgdat, sc, orders)
    m.waits = waits


def let_all_go(m: Nodes, pgdat: Pgdat, sc: ScanControl, orders: int) -> None:
    """Wake the tasks that wait after each scan."""
    m.wake_throttled(pgdat)
    _scanned(m, pgdat, sc, orders)


def never_enough(order: int) -> int:
    """Go on for an order however much is reclaimed."""
    return 1 << 30


def half_the_order(order: int) -> int:
    """Give an order up with half of what should be reclaimed for it."""
    return 1 << order


def stick_to_a_boost(m: Nodes, pgdat: Pgdat, sc: ScanControl, orders: int) -> None:
    """Go on for a boost that gets nothing."""
    boost = pgdat.nr_boost_reclaim
    stuck = boost and sc.nr_reclaimed == pgdat.nr_before and sc.priority > 1
    if not stuck:
        _scanned(m, pgdat, sc, orders)
        return
    pgdat.shrink = None
    sc.priority -= 1
    kswapd.balance_round(m, pgdat, sc, orders)


def always_harder(*told: int) -> bool:
    """Scan harder each time."""
    return True


def never_harder(*told: int) -> bool:
    """Scan no harder, even if nothing is got."""
    return False


def harder_when_little(
    got: int, scanned: int, goal: int, boost: int, priority: int, gentle: int
) -> bool:
    """Scan harder although enough was scanned."""
    return not got or not (boost and priority == gentle)


def harder_for_a_boost(
    got: int, scanned: int, goal: int, boost: int, priority: int, gentle: int
) -> bool:
    """Scan for a boost as hard as for need."""
    return got == 0 or scanned < goal


def harder_when_equal(
    got: int, scanned: int, goal: int, boost: int, priority: int, gentle: int
) -> bool:
    """Scan harder although just enough was scanned."""
    return got == 0 or not ((boost and priority == gentle) or scanned > goal)


def drop_all_boosts(m: Nodes, pgdat: Pgdat, sc: ScanControl, orders: int) -> None:
    """Take back boosts that came while kswapd ran."""
    highest = pgdat.highest_zoneidx
    _finish(m, pgdat, sc, orders)
    for zone in pgdat.upto(highest):
        zone.boost = 0


def keep_boosts(m: Nodes, pgdat: Pgdat, sc: ScanControl, orders: int) -> None:
    """Leave marks boosted for ever."""
    boosts = [zone.boost for zone in pgdat.zones]
    _finish(m, pgdat, sc, orders)
    for zone, boost in zip(pgdat.zones, boosts, strict=True):
        zone.boost = boost


def boost_without_compaction(
    m: Nodes, pgdat: Pgdat, sc: ScanControl, orders: int
) -> None:
    """Do not wake kcompactd after a boost."""
    at = len(m.events)
    _finish(m, pgdat, sc, orders)
    del m.events[at:]


def compact_single_pages(m: Nodes, pgdat: Pgdat, sc: ScanControl, orders: int) -> None:
    """Wake kcompactd after a boost for single pages."""
    _finish(m, pgdat, sc, 0)


def rest_for_the_order(m: Nodes, pgdat: Pgdat, sc: ScanControl, orders: int) -> None:
    """Try to sleep for the order that was given up."""
    order = pgdat.alloc_order
    gave_up = sc.order < order
    _finish(m, pgdat, sc, orders)
    if gave_up:
        pgdat.reclaim_order = order


def forget_who_came(m: Nodes, pgdat: Pgdat, sc: ScanControl, orders: int) -> None:
    """Forget who asked while the order that was asked first was given up."""
    _finish(m, pgdat, sc, orders)
    pgdat.alloc_order = pgdat.reclaim_order


# ------------------------------------------------------------------ zones


def take_below_zero(m: Reclaim, at: int, pages: int, file: bool, anon: bool) -> None:
    """Take pages that are not there."""
    zone = m.zones[at]
    zone.free -= pages
    zone.file += pages * file
    zone.anon += pages * anon


def take_anon_as_file(m: Reclaim, at: int, pages: int, file: bool, anon: bool) -> None:
    """Put anonymous pages on the lists of the cache."""
    _take(m, at, pages, file or anon, False)


def free_too_many(m: Reclaim, at: int, pages: int) -> None:
    """Free pages that nobody held."""
    m.zones[at].free += pages


def boost_without_end(m: Reclaim, at: int, pages: int) -> None:
    """Add up boosts without an end."""
    m.zones[at].boost += pages


def boost_with_an_answer(m: Reclaim, at: int, pages: int) -> int:
    """Answer with the boost."""
    _boost(m, at, pages)
    return m.zones[at].boost


def merge_upwards(m: Reclaim, at: int, order: int) -> None:
    """Never let the largest block become smaller."""
    m.zones[at].block = max(m.zones[at].block, order)


# ------------------------------------------------------------------ the zoo

BALANCE, ORDER = "tiny-balance", "tiny-order"
BOOST, THROTTLE, USES = "tiny-boost", "tiny-throttle", "tiny-uses"
STATE, COMPACTS = "EXACT-STATE", "KSW-COMPACT"
ROUND, DONE = "balance_round", "balance_scanned"
TABLE: tuple[tuple[str, str, str, Any, str, Any], ...] = (
    (
        "run-last-zone",
        STATE,
        BALANCE,
        kswapd,
        "kswapd_highest_zoneidx",
        last_zone_again,
    ),
    ("run-all-zones", STATE, BALANCE, kswapd, "kswapd_highest_zoneidx", all_zones),
    ("run-keeps-order", STATE, ORDER, kswapd, "balance_pgdat", keep_what_was_asked),
    ("boost-first", "KSW-BOOST", BOOST, kswapd, "balance_pgdat", drop_boosts_first),
    ("boost-swaps", "KSW-GENTLE", BOOST, kswapd, ROUND, swap_for_a_boost),
    ("boost-writes", "KSW-GENTLE", BOOST, kswapd, ROUND, write_for_a_boost),
    ("boost-in-need", STATE, BOOST, kswapd, ROUND, go_on_in_need),
    ("boost-before-need", STATE, BOOST, kswapd, ROUND, boost_before_need),
    ("boost-is-over", "KSW-BOOST", BOOST, kswapd, ROUND, end_with_the_boost),
    ("boost-sticks", COMPACTS, BOOST, kswapd, DONE, stick_to_a_boost),
    ("goal-only-marks", STATE, BALANCE, kswapd, ROUND, want_only_marks),
    ("goal-all-rounds", STATE, BALANCE, kswapd, ROUND, count_rounds_together),
    ("fail-with-pages", STATE, BALANCE, kswapd, DONE, fail_with_pages),
    ("fail-twice", "KSW-FAILURES", THROTTLE, kswapd, DONE, fail_twice),
    ("fail-never", STATE, BALANCE, kswapd, DONE, never_fail),
    ("let-nobody-go", "RCL-THROTTLE", THROTTLE, kswapd, DONE, forget_who_waits),
    ("let-all-go", "RCL-THROTTLE", THROTTLE, kswapd, DONE, let_all_go),
    ("order-kept", "RCL-ORDER", ORDER, kswapd, "compact_gap", never_enough),
    ("order-half", "RCL-ORDER", ORDER, kswapd, "compact_gap", half_the_order),
    ("harder-always", STATE, BALANCE, kswapd, "raises_priority", always_harder),
    ("harder-never", "LIVE", BALANCE, kswapd, "raises_priority", never_harder),
    ("harder-little", STATE, BALANCE, kswapd, "raises_priority", harder_when_little),
    ("harder-boost", "RCL-ORDER", BOOST, kswapd, "raises_priority", harder_for_a_boost),
    ("harder-equal", STATE, BALANCE, kswapd, "raises_priority", harder_when_equal),
    ("end-all-boosts", "KSW-BOOST", BOOST, kswapd, "finish", drop_all_boosts),
    ("end-keeps-boosts", STATE, BOOST, kswapd, "finish", keep_boosts),
    ("end-no-compaction", COMPACTS, BOOST, kswapd, "finish", boost_without_compaction),
    ("end-compacts-little", COMPACTS, BOOST, kswapd, "finish", compact_single_pages),
    ("end-for-order", STATE, ORDER, kswapd, "finish", rest_for_the_order),
    ("end-forgets", STATE, ORDER, kswapd, "finish", forget_who_came),
    ("take-too-many", "RCL-COUNTS", USES, Reclaim, "take", take_below_zero),
    ("take-as-file", STATE, USES, Reclaim, "take", take_anon_as_file),
    ("give-too-many", "RCL-COUNTS", USES, Reclaim, "free", free_too_many),
    ("boost-no-end", STATE, USES, Reclaim, "boost", boost_without_end),
    ("boost-answers", "RCL-SILENT", USES, Reclaim, "boost", boost_with_an_answer),
    ("merge-upwards", STATE, USES, Reclaim, "merge", merge_upwards),
)
