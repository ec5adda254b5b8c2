"""Mistakes in when the kswapds wake and sleep."""

from __future__ import annotations

from typing import Any

from mmoracle.impl.reclaim import kswapd
from mmoracle.impl.reclaim.machine import Reclaim
from mmoracle.impl.reclaim.pgdat import (
    ASLEEP,
    NAPPING,
    RESTLESS,
    ROUSED,
    WOKEN,
    Pgdat,
    Zone,
)
from mmoracle.impl.reclaim.vmscan import Nodes

_wakeup, _run = kswapd.wakeup_kswapd, kswapd.run
_prepare = kswapd.prepare_kswapd_sleep


# ------------------------------------------------------------------ waking


def wake_always(m: Nodes, zone: Zone, gfp: int, order: int, highest: int) -> None:
    """Wake a kswapd that has nothing to do."""
    at = len(m.events)
    _wakeup(m, zone, gfp, order, highest)
    pgdat = m.nodes[zone.nid]
    if pgdat.label in (ASLEEP, NAPPING) and pgdat.kswapd_failures < m.retries:
        del m.events[at:]
        m.wake(pgdat)


def wake_the_hopeless(m: Nodes, zone: Zone, gfp: int, order: int, highest: int) -> None:
    """Wake the kswapd of a node that was given up."""
    pgdat = m.nodes[zone.nid]
    failures, pgdat.kswapd_failures = pgdat.kswapd_failures, 0
    _wakeup(m, zone, gfp, order, highest)
    pgdat.kswapd_failures = failures


def wake_nobody(m: Nodes, zone: Zone, gfp: int, order: int, highest: int) -> None:
    """Note what is asked, and leave kswapd asleep."""
    pgdat = m.nodes[zone.nid]
    label, pgdat.label = pgdat.label, WOKEN
    _wakeup(m, zone, gfp, order, highest)
    pgdat.label = label


def wake_for_the_asked(
    m: Nodes, zone: Zone, gfp: int, order: int, highest: int
) -> None:
    """Look at the largest order asked so far, not at this request's."""
    pgdat = m.nodes[zone.nid]
    _wakeup(m, zone, gfp, max(order, pgdat.kswapd_order), highest)


def wake_for_the_zone(m: Nodes, zone: Zone, gfp: int, order: int, highest: int) -> None:
    """Look at zones up to the given one, not to the request's highest."""
    _wakeup(m, zone, gfp, order, zone.index)


def ask_the_last(m: Nodes, zone: Zone, gfp: int, order: int, highest: int) -> None:
    """Note the last order that was asked, though a larger one was before."""
    pgdat = m.nodes[zone.nid]
    _wakeup(m, zone, gfp, order, highest)
    pgdat.kswapd_order = order


def ask_the_last_zone(m: Nodes, zone: Zone, gfp: int, order: int, highest: int) -> None:
    """Note the last zone that was asked, though a higher one was before."""
    _wakeup(m, zone, gfp, order, highest)
    m.nodes[zone.nid].kswapd_highest_zoneidx = highest


def compact_for_all(m: Nodes, zone: Zone, gfp: int, order: int, highest: int) -> None:
    """Wake kcompactd for requests that can compact by themselves."""
    _wakeup(m, zone, gfp & ~kswapd.DIRECT_RECLAIM, order, highest)


def ignore_boosts(pgdat: Pgdat, highest: int) -> bool:
    """Take no notice of boosted marks."""
    return False


def see_all_boosts(pgdat: Pgdat, highest: int) -> bool:
    """See the boosts of zones above those of the request."""
    return any(zone.boost for zone in pgdat.zones)


def balanced_by_all(pgdat: Pgdat, order: int, highest: int) -> bool:
    """Ask that each zone is above its high mark."""
    return all(
        zone.watermark_ok(order, zone.high_wmark_pages(), highest)
        for zone in pgdat.upto(highest)
    )


def balanced_low(pgdat: Pgdat, order: int, highest: int) -> bool:
    """Look at the low marks."""
    zones = pgdat.upto(highest)
    return not zones or any(
        zone.watermark_ok(order, zone.marks[1] + zone.boost, highest) for zone in zones
    )


def balanced_unreserved(pgdat: Pgdat, order: int, highest: int) -> bool:
    """Forget what zones keep back from requests for higher ones."""
    zones = pgdat.upto(highest)
    return not zones or any(
        zone.watermark_ok(order, zone.high_wmark_pages(), zone.index) for zone in zones
    )


def balanced_for_single_pages(pgdat: Pgdat, order: int, highest: int) -> bool:
    """Forget that a block of several pages is wanted."""
    zones = pgdat.upto(highest)
    return not zones or any(
        zone.watermark_ok(0, zone.high_wmark_pages(), highest) for zone in zones
    )


def beyond_cpusets(
    m: Reclaim, at: int, order: int, gfp: int, highest: int, allowed: bool
) -> None:
    """Wake for a node that the cpuset forbids."""
    if m.zones[at].managed:
        kswapd.wakeup_kswapd(m.nodes, m.zones[at], gfp, order, highest)


def for_nothing(
    m: Reclaim, at: int, order: int, gfp: int, highest: int, allowed: bool
) -> None:
    """Wake for a zone that manages nothing."""
    if allowed:
        kswapd.wakeup_kswapd(m.nodes, m.zones[at], gfp, order, highest)


def wake_as_from_sleep(m: Nodes, pgdat: Pgdat) -> None:
    """Take a nap cut short for a sleep."""
    pgdat.label = WOKEN
    m.events.append(("wakes-kswapd", pgdat.nid))


def wake_as_from_nap(m: Nodes, pgdat: Pgdat) -> None:
    """Take a sleep for a nap cut short."""
    pgdat.label = ROUSED
    m.events.append(("wakes-kswapd", pgdat.nid))


# ------------------------------------------------------------------ sleeping


def sleep_anyhow(m: Nodes, pgdat: Pgdat) -> bool:
    """Sleep although no zone is balanced."""
    _prepare(m, pgdat)
    return True


def never_hopeless(m: Nodes, pgdat: Pgdat) -> bool:
    """Go on with a node that gave nothing 16 times."""
    m.wake_throttled(pgdat)
    return pgdat.balanced(pgdat.reclaim_order, pgdat.highest_zoneidx)


def forget_the_waiting(m: Nodes, pgdat: Pgdat) -> bool:
    """Sleep while tasks wait."""
    if pgdat.kswapd_failures >= m.retries:
        return True
    return pgdat.balanced(pgdat.reclaim_order, pgdat.highest_zoneidx)


def sleep_for_the_order(m: Nodes, pgdat: Pgdat) -> bool:
    """Stay awake for an order that was given up."""
    m.wake_throttled(pgdat)
    if pgdat.kswapd_failures >= m.retries:
        return True
    return pgdat.balanced(pgdat.alloc_order, pgdat.highest_zoneidx)


def sleep_at_once(m: Nodes, pgdat: Pgdat, orders: int) -> None:
    """Sleep without a nap."""
    _run(m, pgdat, orders)
    if m.events[-1][0] == "naps":
        pgdat.label = ASLEEP
        m.events[-1] = ("sleeps", pgdat.nid)


def nap_without_compaction(m: Nodes, pgdat: Pgdat, orders: int) -> None:
    """Nap without waking kcompactd."""
    _run(m, pgdat, orders)
    if m.events and m.events[-1][0] == "naps":
        del m.events[-2]


def compact_what_was_reclaimed(m: Nodes, pgdat: Pgdat, orders: int) -> None:
    """Have kcompactd work for the order reclaimed for, not for the one asked."""
    order, pgdat.alloc_order = pgdat.alloc_order, pgdat.reclaim_order
    label = pgdat.label
    _run(m, pgdat, orders)
    if label == RESTLESS and pgdat.label == NAPPING:
        pgdat.alloc_order = order


# ------------------------------------------------------------------ the zoo

WAKE, BALANCE, ORDER = "tiny", "tiny-balance", "tiny-order"
THROTTLE = "tiny-throttle"
STATE, WAKES, SLEEPS, COMPACTS = "EXACT-STATE", "KSW-WAKE", "KSW-SLEEP", "KSW-COMPACT"
UP, PREP = "wakeup_kswapd", "prepare_kswapd_sleep"
TABLE: tuple[tuple[str, str, str, Any, str, Any], ...] = (
    ("wake-always", "KSW-NEEDED", WAKE, kswapd, UP, wake_always),
    ("wake-hopeless", "KSW-NEEDED", THROTTLE, kswapd, UP, wake_the_hopeless),
    ("wake-nobody", WAKES, BALANCE, kswapd, UP, wake_nobody),
    ("wake-for-the-asked", "KSW-NEEDED", WAKE, kswapd, UP, wake_for_the_asked),
    ("wake-for-the-zone", COMPACTS, WAKE, kswapd, UP, wake_for_the_zone),
    ("wake-last-order", STATE, WAKE, kswapd, UP, ask_the_last),
    ("wake-last-zone", STATE, WAKE, kswapd, UP, ask_the_last_zone),
    ("wake-compacts", COMPACTS, WAKE, kswapd, UP, compact_for_all),
    ("wake-no-boosts", WAKES, WAKE, Pgdat, "watermark_boosted", ignore_boosts),
    ("wake-all-boosts", "KSW-NEEDED", WAKE, Pgdat, "watermark_boosted", see_all_boosts),
    ("wake-no-cpuset", COMPACTS, WAKE, Reclaim, UP, beyond_cpusets),
    ("wake-unmanaged", COMPACTS, WAKE, Reclaim, UP, for_nothing),
    ("balanced-by-all", "KSW-NEEDED", WAKE, Pgdat, "balanced", balanced_by_all),
    ("balanced-low", WAKES, WAKE, Pgdat, "balanced", balanced_low),
    ("balanced-unreserved", WAKES, WAKE, Pgdat, "balanced", balanced_unreserved),
    ("balanced-order-0", WAKES, WAKE, Pgdat, "balanced", balanced_for_single_pages),
    ("roused-as-woken", STATE, ORDER, Nodes, "wake", wake_as_from_sleep),
    ("woken-as-roused", STATE, BALANCE, Nodes, "wake", wake_as_from_nap),
    ("sleep-anyhow", "KSW-REST", BALANCE, kswapd, PREP, sleep_anyhow),
    ("sleep-never-hopeless", COMPACTS, THROTTLE, kswapd, PREP, never_hopeless),
    ("sleep-strands", "RCL-STRANDED", THROTTLE, kswapd, PREP, forget_the_waiting),
    ("sleep-for-order", COMPACTS, ORDER, kswapd, PREP, sleep_for_the_order),
    ("sleep-at-once", SLEEPS, BALANCE, kswapd, "run", sleep_at_once),
    ("nap-no-compaction", COMPACTS, BALANCE, kswapd, "run", nap_without_compaction),
    ("nap-small", COMPACTS, ORDER, kswapd, "run", compact_what_was_reclaimed),
)
