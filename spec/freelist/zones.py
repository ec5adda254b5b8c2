"""What the walk over a zonelist sees: zones, a task, and what lower layers answer.

`at` is a zone's place in `Config.zones`; a zonelist names it by (nid, index).  Of the
free lists only the number of blocks counts, by order and migrate type; which frames
they are, and what page blocks they lie in, is the business of a layer below.

Source: include/linux/mmzone.h:struct zone, mm/internal.h:struct alloc_context (v5.10).
"""

from __future__ import annotations

from dataclasses import replace
from enum import IntEnum
from typing import TypeVar

from ..core import value
from ..linux import (
    GFP_BITS_MASK,
    GFP_KERNEL,
    LOCAL_DISTANCE,
    MAX_ORDER,
    MIGRATE_HIGHATOMIC,
    MIGRATE_MOVABLE,
    REMOTE_DISTANCE,
    AllocFlags,
    Gfp,
    NodeReclaim,
    ZoneType,
)
from ..watermark import FAST_UNSIGNED, Level
from .request import Nodemask, Ref, Zonelist, first_zone, gfp_zone

T = TypeVar("T")

V5_10 = (FAST_UNSIGNED,)
PICKS = ("linux", "any")
Row = tuple[int, ...]  # of blocks, by migrate type


class Stat(IntEnum):
    """enum numa_stat_item: include/linux/mmzone.h (v5.10); counted in every zone."""

    HIT = 0  # pages of the node that was preferred
    MISS = 1  # pages that were to come from another node
    FOREIGN = 2  # pages that were to come from here and came from another node
    INTERLEAVE_HIT = 3
    LOCAL = 4  # pages for a task that runs on the node
    OTHER = 5


NO_STATS = (0,) * len(Stat)
NONE_LEFT = -1  # nothing is left to be initialised, and that was noticed


@value
class Place:
    """A zone as it was set up; `blocks[order][mt]` are free at the beginning."""

    nid: int = 0
    index: int = 0
    marks: tuple[int, int, int] = (1, 2, 3)  # MIN, LOW, HIGH
    reserve: tuple[int, ...] = (0, 0, 0, 0, 0, 0)  # lowmem_reserve
    blocks: tuple[Row, ...] = ()
    deferred: int = -1  # blocks to be initialised later, NONE_LEFT without


@value
class Task:
    """Who asks, and from where; the masks have a bit for each node."""

    node: int = 0  # numa_node_id()
    mems: int = -1  # cpuset_current_mems_allowed
    above: int = -1  # what the nearest ancestor with a hard wall allows
    interrupt: bool = False
    victim: bool = False  # of the OOM killer
    exiting: bool = False
    nocma: bool = False  # PF_MEMALLOC_NOCMA
    noio: bool = False
    nofs: bool = False


@value
class Reclaim:
    """What node_reclaim() answers, and how many blocks come free in the zone."""

    answer: NodeReclaim = NodeReclaim.NOSCAN
    order: int = 0
    blocks: int = 0


@value
class Lower:
    """What the layers below answer, should they be asked.

    `lost` are zones in which no page is found although the lists show some: others
    were faster, or pages were bad.  `cached` are zones whose pageset has a page.
    """

    fails: bool = False  # should_fail_alloc_page()
    dirty: int = 0  # nodes over their dirty limit, as bits
    lost: int = 0  # zones, as bits
    cached: int = 0  # zones, as bits
    boosts: int = 0  # zones, as bits
    reclaims: tuple[Reclaim, ...] = ()  # by node; of others nothing is scanned


@value
class Config:
    """The machine, what is asked of it, and how far exploration goes.

    `fallback[nid]` is a node's zonelist, () for a node that is not there; `own[nid]` is
    the one for __GFP_THISNODE.  `picks` is the declared variation.
    """

    kinds: tuple[ZoneType, ...] = (ZoneType.NORMAL, ZoneType.MOVABLE)
    zones: tuple[Place, ...] = (Place(),)
    fallback: tuple[Zonelist, ...] = (((0, 0),),)
    own: tuple[Zonelist, ...] = ()
    numa: bool = False
    counts: bool = False  # numa_stat: the counters are kept
    memoryless: bool = True  # CONFIG_HAVE_MEMORYLESS_NODES
    distance: tuple[tuple[int, ...], ...] = ()
    reclaim_distance: int = 30  # node_reclaim_distance
    reclaim_mode: int = 0  # node_reclaim_mode
    deferred: bool = False  # the key deferred_pages is on
    orders: int = MAX_ORDER
    pageblock_order: int = 9
    has_cma: bool = False
    grouping: bool = True
    cpusets: bool = False  # cpusets_enabled()
    allowed: int = GFP_BITS_MASK  # gfp_allowed_mask
    init_on_alloc: bool = False
    init_on_free: bool = False
    poisoned: bool = False
    poisoned_zero: bool = False
    word_bits: int = 64
    gfps: tuple[Gfp, ...] = (GFP_KERNEL,)
    sizes: tuple[int, ...] = (0,)  # orders of requests
    nids: tuple[int, ...] = (0,)
    masks: tuple[Nodemask, ...] = (None,)
    flags: tuple[AllocFlags, ...] = (AllocFlags.WMARK_LOW,)  # of the slow path
    tasks: tuple[Task, ...] = (Task(),)
    lowers: tuple[Lower, ...] = (Lower(),)
    policies: tuple[int, ...] = ()  # nodes to interleave, as bits
    offsets: tuple[int | None, ...] = (None,)
    listed: tuple[int, ...] = (MIGRATE_MOVABLE,)  # types of blocks that come and go
    most: Row = (4,)  # blocks of each order and type that a zone may have
    boosts: tuple[int, ...] = ()
    reserves: tuple[int, ...] = ()  # nr_reserved_highatomic
    most_counted: int = 0  # a counter ends exploration here; 0: never
    quirks: tuple[str, ...] = ()
    ops: tuple[str, ...] = ()
    picks: str = "linux"  # which zone: PICKS

    @property
    def cma(self) -> int:
        """Return MIGRATE_CMA, or -1 where the kernel is built without."""
        return MIGRATE_HIGHATOMIC + 1 if self.has_cma else -1

    @property
    def migrate_types(self) -> int:
        """Return how many lists of each order there are, those of ISOLATE left out."""
        return MIGRATE_HIGHATOMIC + 1 + self.has_cma

    @property
    def online(self) -> int:
        """Return nr_online_nodes."""
        return sum(each != () for each in self.fallback)

    @property
    def is_linux(self) -> bool:
        """Say whether zones are picked as Linux does."""
        return self.picks == "linux"

    @property
    def unsigned_bits(self) -> int:
        """Return the width of a word where a usable count is taken as unsigned."""
        return self.word_bits if FAST_UNSIGNED in self.quirks else 0


@value
class Zone:
    """struct zone, as far as the walk looks at it; `blocks` by order and type."""

    blocks: tuple[Row, ...]
    free: int = 0  # NR_FREE_PAGES
    free_cma: int = 0  # NR_FREE_CMA_PAGES
    boost: int = 0  # watermark_boost
    boosted: bool = False  # ZONE_BOOSTED_WATERMARK
    highatomic: int = 0  # nr_reserved_highatomic
    stats: tuple[int, ...] = NO_STATS
    deferred: int = -1  # blocks that are still to be initialised, or NONE_LEFT


@value
class Memory:
    """All zones, and the node from which the task that interleaves was served last."""

    zones: tuple[Zone, ...]
    il_prev: int = 0


# ------------------------------------------------------------------ looking


def put(items: tuple[T, ...], i: int, item: T) -> tuple[T, ...]:
    """Return a tuple with one item replaced."""
    return (*items[:i], item, *items[i + 1 :])


def with_zone(s: Memory, at: int, zone: Zone) -> Memory:
    """Return the state with one zone replaced."""
    return replace(s, zones=put(s.zones, at, zone))


def at_of(cfg: Config, ref: Ref) -> int:
    """Return the place of a zone that a zonelist names."""
    return next(
        at for at, each in enumerate(cfg.zones) if (each.nid, each.index) == ref
    )


def has_zone(cfg: Config, ref: Ref) -> bool:
    """Say whether a node has a zone with memory: populated_zone()."""
    return any((each.nid, each.index) == ref for each in cfg.zones)


def is_node(cfg: Config, nid: int) -> bool:
    """Say whether a node is online, so that it has zonelists."""
    return 0 <= nid < len(cfg.fallback) and cfg.fallback[nid] != ()


def distance(cfg: Config, one: int, other: int) -> int:
    """Return how far two nodes are apart: node_distance()."""
    if cfg.distance:
        return cfg.distance[one][other]
    return LOCAL_DISTANCE if one == other else REMOTE_DISTANCE


def memory_node(cfg: Config, nid: int) -> int:
    """Return the node whose memory is the nearest one's: numa_mem_id().

    Source: mm/page_alloc.c:local_memory_node (v5.10).
    """
    highest = gfp_zone(GFP_KERNEL, cfg.kinds)
    assert isinstance(highest, int)
    first = first_zone(cfg.fallback[nid], highest, None)
    return first[0] if cfg.memoryless and first is not None else nid


def level_of(cfg: Config, s: Memory, at: int) -> Level:
    """Return what a watermark test looks at in a zone."""
    zone, place = s.zones[at], cfg.zones[at]
    bits = tuple(
        sum(1 << mt for mt, number in enumerate(row) if number) for row in zone.blocks
    )
    return Level(
        zone.free,
        place.marks,
        place.reserve,
        bits,
        zone.boost,
        zone.highatomic,
        zone.free_cma,
    )


# ------------------------------------------------------------------ blocks


def add(cfg: Config, zone: Zone, order: int, mt: int, number: int) -> Zone:
    """Return a zone with blocks more on a list, or fewer, and counted."""
    row = zone.blocks[order]
    blocks = put(zone.blocks, order, put(row, mt, row[mt] + number))
    pages = number << order
    cma = zone.free_cma + (pages if mt == cfg.cma else 0)
    return replace(zone, blocks=blocks, free=zone.free + pages, free_cma=cma)


def room(cfg: Config, zone: Zone, order: int, mt: int) -> int:
    """Return how many more blocks of an order and type a zone may have."""
    most = cfg.most[order] if order < len(cfg.most) else 0
    return max(0, most - zone.blocks[order][mt])


def empty(cfg: Config) -> Zone:
    """Return a zone without free pages."""
    return Zone(((0,) * cfg.migrate_types,) * cfg.orders)


def filled(cfg: Config, place: Place) -> Zone:
    """Return a zone as it is at the beginning."""
    zone = empty(cfg)
    for order, row in enumerate(place.blocks):
        for mt, number in enumerate(row):
            zone = add(cfg, zone, order, mt, number)
    return replace(zone, deferred=place.deferred)


def initial(cfg: Config) -> Memory:
    """Return the zones at the beginning; the first node is the next to interleave."""
    zones = tuple(filled(cfg, place) for place in cfg.zones)
    return Memory(zones, len(cfg.fallback) - 1)
