"""Mistakes in how many pages a scan looks at."""

from __future__ import annotations

from typing import Any

from mmoracle.impl.reclaim import count, machine

_balance, _weights = count.scan_balance, count.weights
_counted: Any = count.get_scan_count


def divide_by_usage(size: int, protection: int, usage: int, mask: int) -> int:
    """Divide by the usage, or the protection, without 1 more."""
    return size - (size * protection & mask) // max(usage, protection)


def trust_the_usage(size: int, protection: int, usage: int, mask: int) -> int:
    """Divide by the usage although it may have fallen below the protection."""
    return size - (size * protection & mask) // (usage + 1)


def never_wrap(size: int, protection: int, usage: int, mask: int) -> int:
    """Compute with numbers that do not wrap."""
    return size - size * protection // (max(usage, protection) + 1)


def the_protected(size: int, protection: int, usage: int, mask: int) -> int:
    """Scan the share that is protected."""
    return (size * protection & mask) // (max(usage, protection) + 1)


def all_at_once(scan: int, size: int, priority: int, online: bool, cluster: int) -> int:
    """Scan whole lists at each priority."""
    return scan


def scrape_nothing(
    scan: int, size: int, priority: int, online: bool, cluster: int
) -> int:
    """Leave the last pages of a dead group for ever."""
    return scan >> priority


def scrape_all(scan: int, size: int, priority: int, online: bool, cluster: int) -> int:
    """Scan all of a dead group's list that a priority would leave out."""
    return scan >> priority or (0 if online else size)


def scrape_the_living(
    scan: int, size: int, priority: int, online: bool, cluster: int
) -> int:
    """Scan the last pages of any group, whatever the priority."""
    return scan >> priority or min(size, cluster)


def no_least(*told: Any, cluster: int, **more: Any) -> tuple[int, bool]:
    """Scan no pages of a list that is protected as a whole."""
    pages, spared = _counted(*told, cluster=0, **more)
    return pages, spared


def note_nothing(*told: Any, notes_low: bool, **more: Any) -> tuple[int, bool]:
    """Do not note that memory.low has spared pages."""
    pages, _ = _counted(*told, notes_low=False, **more)
    return pages, False


def spare_again(*told: Any, **more: Any) -> tuple[int, bool]:
    """Spare pages for memory.low when it was to no avail."""
    pages, spared = _counted(*told[:-1], False, **more)
    return pages, spared


def low_or_min(*told: Any, **more: Any) -> tuple[int, bool]:
    """Note pages as spared although memory.min protects as many."""
    pages, skipped = _counted(*told, **more)
    low, least = told[2:4]
    return pages, skipped or (low == least > 0 and not told[-1])


def round_down(scan: int, part: int, whole: int, online: bool) -> int:
    """Leave the last page of a dead group to a rounding error."""
    return scan * part // whole


def round_up(scan: int, part: int, whole: int, online: bool) -> int:
    """Round the shares of all groups up."""
    return -(-scan * part // whole)


def swap_the_sides(swappiness: int, anon: int, file: int) -> tuple[int, int]:
    """Give cache the weight of anonymous pages."""
    ap, fp = _weights(swappiness, anon, file)
    return fp, ap


def share_no_cost(swappiness: int, anon: int, file: int) -> tuple[int, int]:
    """Let each side bear its own cost only."""
    total = anon + file + 1
    return (
        swappiness * total // (anon + 1),
        (200 - swappiness) * total // (file + 1),
    )


def of_a_hundred(swappiness: int, anon: int, file: int) -> tuple[int, int]:
    """Take 100 for the highest swappiness."""
    total = 3 * (anon + file) + 1
    ap = swappiness * total // (2 * anon + file + 1)
    return ap, max(0, 100 - swappiness) * total // (2 * file + anon + 1)


def share_less(swappiness: int, anon: int, file: int) -> tuple[int, int]:
    """Weigh by less than the whole cost, so that more is rounded off."""
    total = anon + file + 1
    ap = swappiness * total // (2 * anon + file + 1)
    return ap, (200 - swappiness) * total // (2 * file + anon + 1)


def swap_without_swap(swappiness: int, swap: bool, *more: Any) -> int:
    """Scan anonymous pages although none can be swapped."""
    return _balance(swappiness, True, *more)


def obey_in_need(
    swappiness: int, swap: bool, cgroup: bool, tiny: bool, trim: bool, priority: int
) -> int:
    """Weigh both sides when the lists are scanned as a whole."""
    return _balance(swappiness, swap, cgroup, tiny, trim, priority or 1)


def trim_first(
    swappiness: int, swap: bool, cgroup: bool, tiny: bool, trim: bool, priority: int
) -> int:
    """Trim the cache although it is tiny."""
    return _balance(swappiness, swap, cgroup, tiny and not trim, trim, priority)


def swap_for_groups(
    swappiness: int, swap: bool, cgroup: bool, tiny: bool, trim: bool, priority: int
) -> int:
    """Swap a group's pages whose swappiness is 0."""
    return _balance(swappiness, swap, False, tiny, trim, priority)


PROTECT, AGE, WEIGH = "tiny-protect", "tiny-age", "tiny-weigh"
COUNT, SCAN, SHIFT, SHARE = "SCAN-COUNT", "protected_scan", "shifted", "fraction"
BALANCE, WHOLE = "scan_balance", "get_scan_count"
TABLE: tuple[tuple[str, str, str, Any, str, Any], ...] = (
    ("P71", "NO-CRASH", "tiny-empty", count, SCAN, divide_by_usage),
    ("protect-usage", COUNT, PROTECT, count, SCAN, trust_the_usage),
    ("protect-no-wrap", COUNT, PROTECT, count, SCAN, never_wrap),
    ("protect-inverse", COUNT, PROTECT, count, SCAN, the_protected),
    ("shift-none", "SCAN-BOUND", AGE, count, SHIFT, all_at_once),
    ("shift-no-scrape", COUNT, AGE, count, SHIFT, scrape_nothing),
    ("shift-scrape-all", "SCAN-BOUND", AGE, count, SHIFT, scrape_all),
    ("shift-scrape-any", "SCAN-BOUND", AGE, count, SHIFT, scrape_the_living),
    ("low-unnoted", "SCAN-LOW", PROTECT, machine, WHOLE, note_nothing),
    ("low-again", "SCAN-LOW", PROTECT, machine, WHOLE, spare_again),
    ("low-or-min", "SCAN-LOW", PROTECT, machine, WHOLE, low_or_min),
    ("protect-no-least", COUNT, PROTECT, machine, WHOLE, no_least),
    ("share-down", COUNT, WEIGH, count, SHARE, round_down),
    ("share-up", COUNT, WEIGH, count, SHARE, round_up),
    ("weigh-swapped", COUNT, WEIGH, count, "weights", swap_the_sides),
    ("weigh-own-cost", COUNT, WEIGH, count, "weights", share_no_cost),
    ("weigh-hundred", COUNT, WEIGH, count, "weights", of_a_hundred),
    ("weigh-less", COUNT, WEIGH, count, "weights", share_less),
    ("balance-no-swap", COUNT, WEIGH, count, BALANCE, swap_without_swap),
    ("balance-in-need", COUNT, WEIGH, count, BALANCE, obey_in_need),
    ("balance-trim-first", COUNT, WEIGH, count, BALANCE, trim_first),
    ("balance-groups", COUNT, WEIGH, count, BALANCE, swap_for_groups),
)
