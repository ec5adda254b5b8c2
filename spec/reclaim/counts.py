"""How many pages of a list a scan looks at.

    protected     size - size * protection / (usage + 1), at least a cluster
    all others    size
    then          shifted down by the priority
    then          split between anonymous pages and cache, by what each costs

Where memory.low protects more than memory.min it counts at first, and that is noted: a
reclaim that gets nothing comes back without it.  The divisors are never 0, as 1 is
added to each; words wrap where the kernel's do.

Source: mm/vmscan.c:get_scan_count (v5.10).
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from ..core import value
from .state import LOW_UNNOTED, Aim, Config


class Balance(Enum):
    """enum scan_balance."""

    EQUAL = 0
    FRACT = 1
    ANON = 2
    FILE = 3


@value
class Group:
    """A control group's usage and protection: all 0 for the machine as a whole."""

    low: int = 0  # effective memory.low
    least: int = 0  # effective memory.min
    usage: int = 0  # mem_cgroup_size()
    online: bool = True


@value
class Count:
    """Pages of a list to scan, and whether memory.low spared some."""

    pages: int
    low_skipped: bool = False


def balance(aim: Aim, priority: int) -> Balance:
    """Return which lists are scanned, by what is known before any arithmetic."""
    if not aim.swap or (aim.cgroup and not aim.swappiness):
        return Balance.FILE
    if not priority and aim.swappiness:
        return Balance.EQUAL
    if aim.tiny:
        return Balance.ANON
    return Balance.FILE if aim.trim else Balance.FRACT


def fractions(swappiness: Any, anon_cost: Any, file_cost: Any) -> tuple[Any, Any]:
    """Return the weights of anonymous pages and of page cache.

    Each is scanned the less the more it costs; a third of the cost is shared.
    """
    both = anon_cost + file_cost
    anon, file = both + anon_cost, both + file_cost
    total = anon + file + 1
    return (
        swappiness * total // (anon + 1),
        (200 - swappiness) * total // (file + 1),
    )


def protection_of(low: Any, least: Any, again: Any) -> tuple[Any, Any]:
    """Return the protection that counts, and whether it is the one by memory.low."""
    if not again and low > least:
        return low, True
    return least, False


def unprotected(size: Any, protection: Any, usage: Any, word: int) -> Any:
    """Return the part of a list that may be scanned, by the share that is protected."""
    usage = max(usage, protection)
    return size - size * protection % (1 << word) // (usage + 1)


def aged(scan: Any, size: Any, priority: int, online: Any, cluster: int) -> Any:
    """Return what a round's priority leaves; of a dead group the rest is scraped."""
    scan = scan >> priority
    if not scan and not online:
        return min(size, cluster)
    return scan


def share(scan: Any, part: Any, whole: Any, online: Any) -> Any:
    """Return a list's share, rounded up where a dead group's last page counts."""
    if online:
        return scan * part // whole
    return (scan * part + whole - 1) // whole


def under_pressure(
    cfg: Config, size: int, group: Group, again: bool
) -> tuple[int, bool]:
    """Return the pages of a list that may be scanned, and if memory.low spared any.

    `again` says that the protection by memory.low was to no avail.
    """
    if not group.least and not group.low:
        return size, False
    protection, spared = protection_of(group.low, group.least, again)
    scan = unprotected(size, protection, group.usage, cfg.word)
    return max(scan, cfg.cluster), spared and LOW_UNNOTED not in cfg.quirks


def get_scan_count(
    cfg: Config,
    is_file: bool,
    size: int,
    group: Group,
    aim: Aim,
    priority: int,
    again: bool,
) -> Count:
    """Return how many pages of one list are scanned."""
    which = balance(aim, priority)
    scan, spared = under_pressure(cfg, size, group, again)
    scan = aged(scan, size, priority, group.online, cfg.cluster)
    if which is Balance.FRACT:
        weights = fractions(aim.swappiness, aim.anon_cost, aim.file_cost)
        scan = share(scan, weights[is_file], sum(weights), group.online)
    elif which is not Balance.EQUAL and (which is Balance.FILE) != is_file:
        scan = 0
    return Count(scan, spared)
