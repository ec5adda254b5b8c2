"""Where ZONE_MOVABLE begins: find_zone_movable_pfns_for_nodes().

Source: mm/page_alloc.c (v5.10).
"""

from __future__ import annotations

from .nodes import Frames


def wanted_core(
    kernelcore: int,
    movablecore: int,
    core_percent: int,
    movable_percent: int,
    total: int,
    block: int,
) -> int:
    """Return required_kernelcore in pages.  O(1)."""
    if core_percent:
        kernelcore = total * 100 * core_percent // 10000
    if movable_percent:
        movablecore = total * 100 * movable_percent // 10000
    if movablecore:
        movablecore += -movablecore % block
        kernelcore = max(kernelcore, total - min(total, movablecore))
    return kernelcore


def walk_node(
    ranges: list[tuple[int, int]], at: int, part: int, required: int, usable: int
) -> tuple[int, int]:
    """Take a node's part of kernel memory.  Returns (its start, required).  O(ranges).

    `at` is where an earlier pass stopped, `usable` the lowest start of ZONE_MOVABLE.
    """
    for start, end in ranges:
        start = max(start, at)
        if start >= end:
            continue
        if start < usable:
            low = min(end, usable) - start
            part = max(0, part - low)
            required = max(0, required - low)
            at = end
            if end <= usable:
                continue
            start = usable
        size = min(part, end - start)
        at = start + size
        required = max(0, required - size)
        part -= size
        if not part:
            break
    return at, required


def spread(
    frames: dict[int, Frames], starts: dict[int, int], required: int, usable: int
) -> None:
    """Spread kernel memory over the nodes, pass by pass.  O(nodes * ranges)."""
    nodes = [nid for nid in sorted(frames) if frames[nid].starts]
    share = len(nodes)
    while True:
        part = required // share
        for nid in nodes:
            if required < part:
                part = required // share
            ranges = list(zip(frames[nid].starts, frames[nid].ends, strict=True))
            starts[nid], required = walk_node(
                ranges, starts[nid], part, required, usable
            )
        share -= 1
        if not share or required <= share:
            return


def lowest(
    ranges: tuple[tuple[int, int, int, bool, bool], ...],
    starts: dict[int, int],
    mirror: bool,
    below: int,
) -> None:
    """Begin at each node's first range that the kernel must not use.  O(ranges)."""
    for nid, start, _, hotplug, mirrored in ranges:
        if (mirrored or start < below) if mirror else not hotplug:
            continue
        starts[nid] = min(starts[nid] or start, start)


def aligned(pfn: int, node_end: int, block: int, beyond: bool) -> int:
    """Return a start as a multiple of the largest block, 0 for none.  O(1).

    `beyond` keeps one behind the node's end: 5.10 before 5.10.113.
    """
    pfn += -pfn % block
    return pfn if beyond or pfn < node_end else 0
