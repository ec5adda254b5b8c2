"""Blocks of a node's memory that are made to cover a range without gaps.

Firmware may describe a window for memory and only parts of it as memory of a node.
The parts that the window meets are put in order; each gap goes to the part above it,
and the first and the last part grow to the window's ends.

Source: arch/x86/mm/numa.c:numa_fill_memblks, cmp_memblk (newer than v5.10).
"""

from __future__ import annotations

from dataclasses import replace
from functools import cmp_to_key

from ..core import value


@value
class Block:
    """struct numa_memblk: addresses [start, end) of a node."""

    start: int
    end: int
    nid: int = 0


def compare(a: int, b: int) -> int:
    """Return below 0, 0 or above 0 as a is below, at or above b: cmp_memblk()."""
    if a == b:
        return 0
    return 1 if a > b else -1


def meets(block: Block, start: int, end: int) -> bool:
    """Say whether a block and a range share an address."""
    return start < block.end and block.start < end


def in_order(blocks: tuple[Block, ...], start: int, end: int) -> list[int]:
    """Return the places of the blocks that meet a range, by rising start."""
    chosen = [i for i, block in enumerate(blocks) if meets(block, start, end)]

    def by_start(i: int, j: int) -> int:
        return compare(blocks[i].start, blocks[j].start)

    return sorted(chosen, key=cmp_to_key(by_start))


def fill_range(
    blocks: tuple[Block, ...], start: int, end: int
) -> tuple[Block, ...] | None:
    """Return the blocks grown to cover a range, or none where none meets it."""
    order = in_order(blocks, start, end)
    if not order:
        return None
    grown = list(blocks)
    first, last = order[0], order[-1]
    grown[first] = replace(grown[first], start=min(grown[first].start, start))
    grown[last] = replace(grown[last], end=max(grown[last].end, end))
    covered = grown[first].end
    for i in order[1:]:
        if covered < grown[i].start:
            grown[i] = replace(grown[i], start=covered)
        covered = max(covered, grown[i].end)
    return tuple(grown)
