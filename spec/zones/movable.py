"""Where ZONE_MOVABLE begins on each node: kernelcore, movablecore, movable_node.

kernelcore is memory that is kept out of ZONE_MOVABLE, spread evenly over the nodes; a
node too small for its part leaves the rest to the others, in another pass.

Source: mm/page_alloc.c:find_zone_movable_pfns_for_nodes (v5.10).
"""

from __future__ import annotations

from dataclasses import replace

from ..core import value
from ..linux import MAX_ORDER
from .layout import Layout, Range, memory_nodes, node_range, of_node
from .spans import Limits, zone_for_movable

BELOW_4G = 0x100000  # pfn; mirrored or not, the kernel uses memory below it


@value
class Movable:
    """What the command line asks for; counts are pages, a percentage wins over them."""

    kernelcore: int = 0
    movablecore: int = 0
    kernelcore_percent: int = 0
    movablecore_percent: int = 0
    mirror: bool = False  # kernelcore=mirror
    movable_node: bool = False


@value
class Spread:
    """How far kernel memory is spread: what all nodes and one node still need."""

    required: int  # required_kernelcore
    remaining: int  # kernelcore_remaining of the node
    movable_pfn: int  # of the node: where ZONE_MOVABLE would begin
    done: bool = False  # the node has its part


def round_up(x: int, to: int) -> int:
    """Return x, rounded up to a multiple."""
    return (x + to - 1) // to * to


def less(x: int, y: int) -> int:
    """Return x - y, not below 0."""
    return x - min(x, y)


def required_core(ask: Movable, total: int, max_order_pages: int) -> int:
    """Return the pages of kernel memory that the command line comes to.

    `total` are the pages of all nodes.
    """
    core, movable = ask.kernelcore, ask.movablecore
    if ask.kernelcore_percent:
        core = total * 100 * ask.kernelcore_percent // 10000
    if ask.movablecore_percent:
        movable = total * 100 * ask.movablecore_percent // 10000
    if movable:
        core = max(core, total - min(total, round_up(movable, max_order_pages)))
    return core


def take_low(s: Spread, start: int, end: int, usable: int) -> Spread:
    """Count what ZONE_MOVABLE could not have anyway: frames below `usable`."""
    low = min(end, usable) - start
    s = replace(s, required=less(s.required, low), remaining=less(s.remaining, low))
    return replace(s, movable_pfn=end) if end <= usable else s


def take_range(s: Spread, start: int, end: int, usable: int) -> Spread:
    """Take kernel memory from one range of a node, until the node has its part.

    `usable` is the lowest pfn that ZONE_MOVABLE may have.  Behind what the node has
    given already, nothing counts twice.
    """
    start = max(start, s.movable_pfn)
    if s.done or start >= end:
        return s
    if start < usable:
        s = take_low(s, start, end, usable)
        if end <= usable:
            return s
        start = usable
    size = min(end - start, s.remaining)
    rest = s.remaining - size
    return Spread(less(s.required, size), rest, start + size, done=rest == 0)


def one_pass(
    ranges: tuple[Range, ...],
    starts: tuple[int, ...],
    required: int,
    nodes: int,
    usable: int,
) -> tuple[tuple[int, ...], int]:
    """Give every node an equal part, as far as it has memory: one pass over the nodes.

    `nodes` is how many share what is `required`.  Returns the starts, by node, and what
    is still required.
    """
    part, moved = required // nodes, list(starts)
    for nid in memory_nodes(ranges):
        if required < part:
            part = required // nodes
        s = Spread(required, part, moved[nid])
        for r in of_node(ranges, nid):
            s = take_range(s, r.start, r.end, usable)
        required, moved[nid] = s.required, s.movable_pfn
    return tuple(moved), required


def spread_core(
    ranges: tuple[Range, ...], starts: tuple[int, ...], required: int, usable: int
) -> tuple[int, ...]:
    """Spread kernel memory over the nodes, in passes with one node less each."""
    nodes = len(memory_nodes(ranges))
    while True:
        starts, required = one_pass(ranges, starts, required, nodes, usable)
        nodes -= 1
        if not nodes or required <= nodes:
            return starts


def lowest_of(
    ranges: tuple[Range, ...], starts: tuple[int, ...], mirror: bool, below: int
) -> tuple[int, ...]:
    """Return where the first range of each node begins that is not for the kernel.

    Those are the hotpluggable ranges, or with `mirror` those without one, from the pfn
    `below` on.
    """
    moved = list(starts)
    for r in ranges:
        chosen = not r.mirror and r.start >= below if mirror else r.hotplug
        if chosen:
            at = moved[r.nid]
            moved[r.nid] = min(at, r.start) if at else r.start
    return tuple(moved)


def align_start(pfn: int, node_end: int, block: int, clamped: bool = True) -> int:
    """Return where ZONE_MOVABLE begins: a multiple of `block`, 0 for nowhere.

    Before 5.10.113 the rounded start could lie behind the node: not `clamped`.
    """
    pfn = round_up(pfn, block)
    return 0 if clamped and pfn >= node_end else pfn


def movable_starts(
    layout: Layout,
    limits: Limits,
    ranges: tuple[Range, ...],
    ask: Movable,
    nodes: int,
    max_order_pages: int = 1 << (MAX_ORDER - 1),
    clamped: bool = True,
    below: int = BELOW_4G,
) -> tuple[int, ...]:
    """Return zone_movable_pfn of the nodes 0..nodes-1, 0 where there is none.

    movable_node goes before kernelcore=mirror, and that before the sizes.
    """
    starts = (0,) * nodes
    if ask.movable_node or ask.mirror:
        mirror = not ask.movable_node
        starts = lowest_of(ranges, starts, mirror, below)
    else:
        total = sum(r.end - r.start for r in ranges if r.start < r.end)
        required = required_core(ask, total, max_order_pages)
        if not required or required >= total:
            return starts
        usable = limits[zone_for_movable(layout, limits)][0]
        starts = spread_core(ranges, starts, required, usable)
    return tuple(
        align_start(start, node_range(ranges, nid)[1], max_order_pages, clamped)
        for nid, start in enumerate(starts)
    )
