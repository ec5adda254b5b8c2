"""Mistakes in who waits for a kswapd, and for how long."""

from __future__ import annotations

from typing import Any

from mmoracle.impl.reclaim import direct, vmscan
from mmoracle.impl.reclaim.direct import Asked, Task
from mmoracle.impl.reclaim.pgdat import WOKEN, Pgdat, Zone
from mmoracle.impl.reclaim.vmscan import Nodes

_resume = Task.resume
_throttle, _allow = Task.throttle_direct_reclaim, Nodes.allow_direct_reclaim
_wait = Task.wait


def kthreads_wait(task: Task, asked: Asked) -> bool:
    """Let kernel threads wait as well."""
    return _throttle(task, asked._replace(kthread=False))


def the_dying_wait(task: Task, asked: Asked) -> bool:
    """Let tasks wait that are to die."""
    return _throttle(task, asked._replace(fatal=False))


def wait_for_any_zone(task: Task, asked: Asked) -> bool:
    """Look at the reserve of the first node, whichever zones of it are in the list."""
    if asked.kthread or asked.fatal:
        return False
    first = next((z for z in task.zonelist if task.may_use(asked, z)), None)
    return first is not None and task.wait(asked, first.nid)


def wait_for_ever(task: Task, asked: Asked, nid: int) -> bool:
    """Let tasks without FS wait until kswapd wakes them."""
    return _wait(task, asked._replace(gfp=asked.gfp | direct.FS), nid)


def go_on_when_woken(task: Task, woken: bool, fatal: bool) -> None:
    """Go on when woken, without another look at the reserve."""
    _resume(task, False, fatal)


def die_quietly(task: Task, woken: bool, fatal: bool) -> None:
    """Reclaim although a fatal signal has come."""
    _resume(task, woken, False)


def wait_with_a_sleeper(nodes: Nodes, pgdat: Pgdat) -> bool:
    """Leave the kswapd asleep for which a task waits."""
    label = pgdat.label
    pgdat.label = WOKEN
    may = _allow(nodes, pgdat)
    pgdat.label = label
    return may


def ask_kswapd_for_all(nodes: Nodes, pgdat: Pgdat) -> bool:
    """Wake kswapd for the zones that others wanted, above the normal one too."""
    highest = pgdat.kswapd_highest_zoneidx
    may = _allow(nodes, pgdat)
    pgdat.kswapd_highest_zoneidx = highest
    return may


def count_all_zones(pgdat: Pgdat, normal: int, swap: bool) -> tuple[int, int]:
    """Count the reserve of zones without pages to reclaim."""
    low = pgdat.upto(normal)
    return sum(z.min_wmark_pages() for z in low), sum(z.free for z in low)


def count_high_zones(pgdat: Pgdat, normal: int, swap: bool) -> tuple[int, int]:
    """Count the zones above the normal one."""
    low = [z for z in pgdat.upto(9) if z.reclaimable_pages(swap)]
    return sum(z.min_wmark_pages() for z in low), sum(z.free for z in low)


def count_without_boost(pgdat: Pgdat, normal: int, swap: bool) -> tuple[int, int]:
    """Take the marks without their boost."""
    low = [z for z in pgdat.upto(normal) if z.reclaimable_pages(swap)]
    return sum(z.marks[0] for z in low), sum(z.free for z in low)


def count_what_cannot_be_swapped(zone: Zone, swap: bool) -> int:
    """Count anonymous pages where there is no swap."""
    return zone.file + zone.anon or zone.free


def all_of_the_reserve(failures: int, most: int, reserve: int, free: int) -> bool:
    """Let tasks wait unless the whole reserve is free."""
    return failures >= most or not reserve or free > reserve


def just_half(failures: int, most: int, reserve: int, free: int) -> bool:
    """Let tasks go on with just half of the reserve."""
    return failures >= most or not reserve or free >= reserve >> 1


def wait_for_the_hopeless(failures: int, most: int, reserve: int, free: int) -> bool:
    """Let tasks wait for a kswapd that has given up."""
    return not reserve or free > reserve >> 1


def wait_without_reserve(failures: int, most: int, reserve: int, free: int) -> bool:
    """Let tasks wait where there is no reserve."""
    return failures >= most or free > reserve >> 1


def count_the_difference(zone: Zone, swap: bool) -> int:
    """Subtract anonymous pages from the cache."""
    return zone.file - (zone.anon if swap else 0) or zone.free


# ------------------------------------------------------------------ the zoo

TINY = "tiny-direct"
THROTTLE, RESERVE = "tiny-throttle", "tiny-reserve"
STATE, ORDER, RESULT, WAITS = "EXACT-STATE", "RCL-ORDER", "RCL-RESULT", "RCL-THROTTLE"
THR, ALLOW = "throttle_direct_reclaim", "allow_direct_reclaim"
TABLE: tuple[tuple[str, str, str, Any, str, Any], ...] = (
    ("wait-kthread", ORDER, RESERVE, Task, THR, kthreads_wait),
    ("wait-dying", ORDER, RESERVE, Task, THR, the_dying_wait),
    ("wait-any-zone", "KSW-WAKE", RESERVE, Task, THR, wait_for_any_zone),
    ("wait-untimed", WAITS, THROTTLE, Task, "wait", wait_for_ever),
    ("wait-no-look", WAITS, THROTTLE, Task, "resume", go_on_when_woken),
    ("wait-killed", RESULT, THROTTLE, Task, "resume", die_quietly),
    ("wait-sleeper", "RCL-STRANDED", RESERVE, Nodes, ALLOW, wait_with_a_sleeper),
    ("wait-highest", STATE, THROTTLE, Nodes, ALLOW, ask_kswapd_for_all),
    ("reserve-all-zones", ORDER, RESERVE, Pgdat, "reserve", count_all_zones),
    ("reserve-high-zones", "KSW-WAKE", RESERVE, Pgdat, "reserve", count_high_zones),
    ("reserve-unboosted", "KSW-WAKE", RESERVE, Pgdat, "reserve", count_without_boost),
    (
        "reserve-unswappable",
        ORDER,
        RESERVE,
        Zone,
        "reclaimable_pages",
        count_what_cannot_be_swapped,
    ),
    (
        "reserve-difference",
        "KSW-WAKE",
        "tiny-swap",
        Zone,
        "reclaimable_pages",
        count_the_difference,
    ),
    ("reserve-whole", ORDER, RESERVE, vmscan, "may_reclaim", all_of_the_reserve),
    ("reserve-half", "KSW-WAKE", RESERVE, vmscan, "may_reclaim", just_half),
    (
        "reserve-hopeless",
        ORDER,
        THROTTLE,
        vmscan,
        "may_reclaim",
        wait_for_the_hopeless,
    ),
    ("reserve-none", ORDER, TINY, vmscan, "may_reclaim", wait_without_reserve),
)
