"""A machine between power-on and sysctl: its memory map, nodes, zones and tunables.

What other parts of the kernel decide (the memory map, which frames boot keeps, where
processors are) is an argument of the operations, drawn from the configuration.

Source: include/linux/mmzone.h:struct zone, struct pglist_data (v5.10).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import IntEnum

from ..core import value
from ..linux import MAX_NUMNODES, MAX_ORDER
from .fill import Block
from .layout import Layout, Range
from .movable import BELOW_4G, Movable
from .pagesets import BOOT_LIMITS
from .spans import Limits, zone_for_movable
from .zonelists import Ref

Matrix = tuple[tuple[int, ...], ...]

# Behaviours of real 5.10 that break a rule; each is fixed in a later kernel.
MOVABLE_BEYOND = "movable-beyond"  # ZONE_MOVABLE may begin behind its node (P66)
DIVIDES_BY_32 = "divides-by-32"  # marks divide by the low 32 bits of all lowmem
V5_10 = (MOVABLE_BEYOND, DIVIDES_BY_32)


class Phase(IntEnum):
    """How far boot has come; each step is done once, in this order."""

    EMPTY = 0
    MAPPED = 1  # free_area_init()
    LISTED = 2  # build_all_zonelists()
    FREED = 3  # memblock_free_all()
    PAGED = 4  # setup_per_cpu_pageset()
    LATE = 5  # page_alloc_init_late()
    RUNNING = 6  # init_per_zone_wmark_min()


@value
class Part:
    """Frames [start, start + pages) for a zone of a node."""

    nid: int
    zone: int
    start: int
    pages: int

    @property
    def end(self) -> int:
        """Return the frame behind the part."""
        return self.start + self.pages


@value
class Config:
    """The kernel, the machines it may meet, and what may be written to its files.

    Plural names are what the operations choose from.
    """

    maps: tuple[tuple[Range, ...], ...]
    ends: tuple[tuple[int, ...], ...]  # max_zone_pfn, in zone order
    layout: Layout = Layout()
    asks: tuple[Movable, ...] = (Movable(),)
    online: tuple[int, ...] = (0,)  # nodes, rising
    numa: bool = True
    max_numnodes: int = MAX_NUMNODES
    cpus: tuple[tuple[int, ...], ...] = ((0,),)  # the nodes with a processor
    distances: tuple[Matrix, ...] = (((10,),),)
    descending: bool = False  # arch_has_descending_max_zone_pfns()
    sparsemem: bool = True
    page_struct: int = 64
    page_shift: int = 12
    mmu: bool = True
    orders: int = MAX_ORDER
    pageblock_order: int = 9
    migrate_types: int = 5
    dma_reserve: int = 0
    mirror_from: int = BELOW_4G
    deferred: bool = False  # CONFIG_DEFERRED_STRUCT_PAGE_INIT
    section: int = 1 << 15  # PAGES_PER_SECTION
    most_scale: int = 3000  # of watermark_scale_factor; 1000 in v5.10.0
    releases: tuple[tuple[int, ...], ...] = ((100,),)  # per cent of each zone, in turn
    grows: tuple[int, ...] = ()  # pages given up later; 0 is all that are kept
    kbytes: tuple[int, ...] = ()
    scales: tuple[int, ...] = ()
    ratios: tuple[tuple[int, ...], ...] = ()
    fractions: tuple[int, ...] = ()
    factors: tuple[int, ...] = ()
    blocks: tuple[Block, ...] = ()  # numa_meminfo
    fills: tuple[tuple[int, int], ...] = ()
    hot: tuple[Part, ...] = ()  # memory that may come when the machine runs
    booted: bool = False  # begin where the first of each choice leads
    quirks: tuple[str, ...] = ()
    ops: tuple[str, ...] = ()

    @property
    def max_order_pages(self) -> int:
        """Return MAX_ORDER_NR_PAGES."""
        return 1 << (self.orders - 1)

    @property
    def block(self) -> int:
        """Return pageblock_nr_pages."""
        return 1 << self.pageblock_order


@value
class Zone:
    """struct zone: where it lies, and what it keeps back; all but `start` are pages."""

    start: int = 0
    spanned: int = 0
    present: int = 0
    managed: int = 0
    marks: tuple[int, int, int] = (0, 0, 0)
    boost: int = 0
    reserve: tuple[int, ...] = ()  # lowmem_reserve
    limits: tuple[int, int] = BOOT_LIMITS  # high and batch of its pagesets

    @property
    def end(self) -> int:
        """Return zone_end_pfn()."""
        return self.start + self.spanned

    def marked(self, marks: tuple[int, int, int]) -> Zone:
        """Return the zone with other marks and no boost."""
        return Zone(
            self.start,
            self.spanned,
            self.present,
            self.managed,
            marks,
            0,
            self.reserve,
            self.limits,
        )

    def keeping(self, reserve: tuple[int, ...]) -> Zone:
        """Return the zone with another reserve."""
        return replace(self, reserve=reserve) if reserve != self.reserve else self

    def sized(self, limits: tuple[int, int]) -> Zone:
        """Return the zone with other limits of its pagesets."""
        return replace(self, limits=limits) if limits != self.limits else self

    @property
    def populated(self) -> bool:
        """Return populated_zone()."""
        return self.present != 0


@value
class Node:
    """struct pglist_data; `movable_pfn` is 0 where the node has no ZONE_MOVABLE."""

    nid: int
    start: int
    end: int
    movable_pfn: int
    zones: tuple[Zone, ...]
    deferred: int = 0  # frames whose descriptors are not there yet, in the last zone
    fallback: tuple[Ref, ...] = ()
    thisnode: tuple[Ref, ...] = ()  # with NUMA
    totalreserve: int = 0


@value
class Tunables:
    """The files of /proc/sys/vm, and what a user wrote there."""

    min_free_kbytes: int = 1024
    user_kbytes: int = -1  # user_min_free_kbytes
    scale: int = 10
    ratios: tuple[int, ...] = ()
    fraction: int = 0
    factor: int = 15000


@value
class System:
    """The whole state; `memory`, `limits` and `ask` are what the zones follow from."""

    phase: Phase
    tunables: Tunables
    blocks: tuple[Block, ...] = ()
    memory: tuple[Range, ...] = ()
    limits: Limits = ()
    ask: Movable = Movable()
    distance: Matrix = ()
    cpus: tuple[int, ...] = ()
    nodes: tuple[Node, ...] = ()
    grouping_off: bool = False  # page_group_by_mobility_disabled
    totalreserve: int = 0
    hugepages: bool = False  # khugepaged runs


def unbooted(cfg: Config) -> System:
    """Return a machine of which only the kernel's build is known."""
    return System(Phase.EMPTY, Tunables(ratios=cfg.layout.ratios), cfg.blocks)


def node_of(s: System, nid: int) -> Node:
    """Return an online node."""
    return next(node for node in s.nodes if node.nid == nid)


def with_zone(s: System, nid: int, index: int, zone: Zone) -> System:
    """Return the state with one zone replaced."""
    return replace(
        s,
        nodes=tuple(
            replace(n, zones=(*n.zones[:index], zone, *n.zones[index + 1 :]))
            if n.nid == nid
            else n
            for n in s.nodes
        ),
    )


def each_zone(s: System, change: Callable[[Node, int, Zone], Zone]) -> System:
    """Return the state with every zone replaced."""
    nodes = tuple(
        replace(n, zones=tuple(change(n, i, z) for i, z in enumerate(n.zones)))
        for n in s.nodes
    )
    return replace(s, nodes=nodes)


def zones_of(s: System) -> list[tuple[Node, int, Zone]]:
    """Return every zone with its node and index, empty ones too."""
    return [(n, i, z) for n in s.nodes for i, z in enumerate(n.zones)]


def populated(s: System) -> tuple[Ref, ...]:
    """Return the zones that have a page: for_each_populated_zone()."""
    return tuple((n.nid, i) for n, i, z in zones_of(s) if z.populated)


def lowmem_pages(cfg: Config, s: System) -> int:
    """Return the managed pages of all zones that are not highmem."""
    return sum(z.managed for _, i, z in zones_of(s) if not highmem(cfg, s, i))


def highmem(cfg: Config, s: System, index: int) -> bool:
    """Say whether a zone type is highmem on this machine."""
    return cfg.layout.is_highmem(index, zone_for_movable(cfg.layout, s.limits))


def same(result: object, due: object) -> bool:
    """Say whether an answer is the one that is due, of its type too."""
    return type(result) is type(due) and result == due


def last_zone(node: Node) -> int:
    """Return the zone at a node's end, the only one that may be deferred, or -1."""
    spans = [i for i, z in enumerate(node.zones) if z.spanned]
    return max(spans, key=lambda i: node.zones[i].end, default=-1)


def ready(node: Node, index: int) -> int:
    """Return the pages of a zone whose descriptors are there."""
    waiting = node.deferred if index == last_zone(node) else 0
    return node.zones[index].present - waiting


def kept_back(node: Node, index: int) -> int:
    """Return the pages of a zone that boot holds, and may give up later."""
    return ready(node, index) - node.zones[index].managed
