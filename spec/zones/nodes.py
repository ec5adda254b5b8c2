"""The first steps of boot: blocks of firmware's memory, then nodes and their zones.

Source: mm/page_alloc.c:free_area_init, free_area_init_node (v5.10).
"""

from __future__ import annotations

from dataclasses import replace

from ..core import Domains, OneOf, nothing, require, value
from . import spans
from .fill import fill_range
from .layout import Range, node_range
from .movable import Movable, movable_starts
from .state import (
    MOVABLE_BEYOND,
    Config,
    Node,
    Phase,
    System,
    Zone,
    highmem,
    last_zone,
    same,
)

# ------------------------------------------------------------------ before the zones


@value
class FillMemblks:
    """numa_fill_memblks(): blocks of nodes grow to cover a window of the firmware.

    Answers whether any block was there to grow.
    """

    window: tuple[int, int]

    @classmethod
    def domain(cls, cfg: Config, s: System) -> Domains:
        """Every window, before nodes are made."""
        if s.phase is not Phase.EMPTY or not cfg.fills:
            return nothing()
        return {"window": OneOf(cfg.fills)}

    def choose(self, cfg: Config, s: System) -> bool:
        """Say whether a block meets the window."""
        return fill_range(s.blocks, *self.window) is not None

    def after(self, cfg: Config, s: System, result: object) -> System:
        """The window is covered, and no block begins in another's place."""
        grown = fill_range(s.blocks, *self.window)
        due = grown is not None
        require(same(result, due), "RET-BOOL", f"filling is {due}, not {result}")
        return s if grown is None else replace(s, blocks=grown)


# ------------------------------------------------------------------ nodes


def make_zone(cfg: Config, s: System, index: int, extent: spans.Extent) -> Zone:
    """Return a zone as it is before any page is free."""
    memmap = spans.memmap_pages(
        extent.spanned, extent.present, cfg.sparsemem, cfg.page_struct, cfg.page_shift
    )
    high = highmem(cfg, s, index)
    managed = spans.provisional(
        extent.present, memmap, index == 0, high, cfg.dma_reserve
    )
    return Zone(
        extent.start,
        extent.spanned,
        extent.present,
        managed,
        reserve=(0,) * cfg.layout.count,
    )


def make_node(cfg: Config, s: System, nid: int, movable_pfn: int) -> Node:
    """Return a node as free_area_init_node() leaves it."""
    start, end = node_range(s.memory, nid)
    mirrored = s.ask.mirror
    extents = spans.node_extents(
        cfg.layout, s.limits, s.memory, nid, movable_pfn, mirrored
    )
    zones = tuple(make_zone(cfg, s, i, each) for i, each in enumerate(extents))
    node = Node(nid, start, end, movable_pfn, zones)
    last = last_zone(node)
    if not cfg.deferred or last < 0:
        return node
    spanned_end = start + sum(each.spanned for each in extents)
    first = spans.first_deferred(s.memory, nid, extents[last], spanned_end, cfg.section)
    if first < 0:
        return node
    top = extents[last].end
    absent = spans.absent_in_range(s.memory, nid, first, top)
    return replace(node, deferred=top - first - absent)


def node_pages(nodes: tuple[Node, ...]) -> tuple[int, ...]:
    """Return the present pages of each node."""
    return tuple(sum(zone.present for zone in node.zones) for node in nodes)


@value
class FreeAreaInit:
    """free_area_init(): nodes and zones follow from a memory map.

    `ends` is max_zone_pfn.  Answers the present pages of each online node.
    """

    ranges: tuple[Range, ...]
    ends: tuple[int, ...]
    ask: Movable

    @classmethod
    def domain(cls, cfg: Config, s: System) -> Domains:
        """Every map with all limits and all command lines, once."""
        if s.phase is not Phase.EMPTY:
            return nothing()
        return {
            "ranges": OneOf(cfg.maps),
            "ends": OneOf(cfg.ends),
            "ask": OneOf(cfg.asks),
        }

    def made(self, cfg: Config, s: System) -> System:
        """Return the state with all nodes."""
        limits = spans.zone_limits(cfg.layout, self.ends, self.ranges, cfg.descending)
        starts = movable_starts(
            cfg.layout,
            limits,
            self.ranges,
            self.ask,
            max(cfg.online) + 1,
            cfg.max_order_pages,
            MOVABLE_BEYOND not in cfg.quirks,
            cfg.mirror_from,
        )
        s = replace(s, memory=self.ranges, limits=limits, ask=self.ask)
        nodes = tuple(make_node(cfg, s, nid, starts[nid]) for nid in cfg.online)
        return replace(s, phase=Phase.MAPPED, nodes=nodes)

    def choose(self, cfg: Config, s: System) -> tuple[int, ...]:
        """Count the pages of each node."""
        nodes = self.made(cfg, s).nodes
        return node_pages(nodes)

    def after(self, cfg: Config, s: System, result: object) -> System:
        """The answer counts the pages of each node."""
        following = self.made(cfg, s)
        due = node_pages(following.nodes)
        require(same(result, due), "RET-PAGES", f"nodes have {due} pages, not {result}")
        return following
