"""How many pages of a list a scan looks at: plain integers, O(1).

Source: mm/vmscan.c:get_scan_count (v5.10).
"""

from __future__ import annotations

EQUAL, FRACT, ANON, FILE = range(4)


def scan_balance(
    swappiness: int, swap: bool, cgroup: bool, tiny: bool, trim: bool, priority: int
) -> int:
    """Return which lists are scanned.  O(1)."""
    if swap and (swappiness or not cgroup):
        if priority == 0 and swappiness:
            return EQUAL
        if tiny:
            return ANON
        if not trim:
            return FRACT
    return FILE


def weights(swappiness: int, anon_cost: int, file_cost: int) -> tuple[int, int]:
    """Return what counts for anonymous pages and for page cache.  O(1)."""
    total = 3 * (anon_cost + file_cost) + 1
    ap = total * swappiness // (2 * anon_cost + file_cost + 1)
    fp = total * (200 - swappiness) // (2 * file_cost + anon_cost + 1)
    return ap, fp


def protected_scan(size: int, protection: int, usage: int, mask: int) -> int:
    """Return a list's size less its protected share; `mask` is of a word.  O(1)."""
    divisor = (protection if protection > usage else usage) + 1
    return size - (size * protection & mask) // divisor


def shifted(scan: int, size: int, priority: int, online: bool, cluster: int) -> int:
    """Return what a priority leaves of a count.  O(1)."""
    left = scan >> priority
    if left == 0 and not online:
        left = cluster if size > cluster else size
    return left


def fraction(scan: int, part: int, whole: int, online: bool) -> int:
    """Return a share, rounded up for a dead group.  O(1)."""
    product = scan * part
    return product // whole if online else -(-product // whole)


def get_scan_count(
    is_file: bool,
    size: int,
    low: int,
    least: int,
    usage: int,
    online: bool,
    aim: tuple[int, int, int, bool, bool, bool, bool],
    priority: int,
    again: bool,
    *,
    mask: int,
    cluster: int,
    notes_low: bool,
) -> tuple[int, bool]:
    """Return the pages to scan, and whether memory.low has spared some.  O(1)."""
    swappiness, anon_cost, file_cost, swap, cgroup, tiny, trim = aim
    scan, skipped = size, False
    if low or least:
        protection = least
        if low > least and not again:
            protection, skipped = low, notes_low
        scan = max(protected_scan(size, protection, usage, mask), cluster)
    scan = shifted(scan, size, priority, online, cluster)
    kind = scan_balance(swappiness, swap, cgroup, tiny, trim, priority)
    if kind == FRACT:
        both = weights(swappiness, anon_cost, file_cost)
        scan = fraction(scan, both[is_file], both[0] + both[1], online)
    elif (kind == FILE and not is_file) or (kind == ANON and is_file):
        scan = 0
    return scan, skipped
