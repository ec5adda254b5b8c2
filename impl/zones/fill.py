"""Blocks of nodes that grow to cover a window: numa_fill_memblks().

Source: arch/x86/mm/numa.c (newer than v5.10).
"""

from __future__ import annotations

from functools import cmp_to_key

Block = list[int]  # start, end, nid


def cmp_memblk(a: Block, b: Block) -> int:
    """Compare two blocks by where they start.  O(1)."""
    if a[0] == b[0]:
        return 0
    return -1 if a[0] < b[0] else 1


def meets_any(blocks: list[Block], start: int, end: int) -> bool:
    """Say whether some block has an address of a range.  O(n)."""
    return any(start < b[1] and b[0] < end for b in blocks)


def numa_fill_memblks(blocks: list[Block], start: int, end: int) -> bool:
    """Grow the blocks that meet a range; say whether one does.  O(n log n)."""
    met = [b for b in blocks if start < b[1] and b[0] < end]
    met.sort(key=cmp_to_key(cmp_memblk))
    if not met:
        return False
    met[0][0] = min(met[0][0], start)
    met[-1][1] = max(met[-1][1], end)
    covered = met[0][1]
    for block in met[1:]:
        if covered < block[0]:
            block[0] = covered
        covered = max(covered, block[1])
    return True
