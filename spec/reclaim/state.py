"""What reclaim looks at: zones with pages that may be freed, nodes, and who scans.

Page reclaim itself (the scan of the LRU lists) is asked: a scan of a node answers with
the pages that it freed.  Whether compaction has enough free pages is asked as well.  At
most one task reclaims directly; each node has its kswapd.  Counts are pages.

Source: mm/vmscan.c:struct scan_control, include/linux/mmzone.h:pg_data_t (v5.10).
"""

from __future__ import annotations

from enum import Enum

from ..core import value
from ..linux import (
    DEF_PRIORITY,
    MAX_RECLAIM_RETRIES,
    NODE_RECLAIM_PRIORITY,
    SWAP_CLUSTER_MAX,
    Gfp,
)

# Behaviour of 5.10 before 5.10.216: compaction counts as possible for a request that
# may not do IO, which compaction does not help.
COMPACTS_NOIO = "compacts-noio"
# Behaviour of 5.10.0: a list scanned less for the sake of memory.low is not noted, so
# that reclaim gives up without having tried the protected pages.
LOW_UNNOTED = "low-unnoted"


@value
class Place:
    """A zone: where it lies, and what does not change while the machine runs."""

    node: int
    index: int  # zone_idx()
    managed: int
    marks: tuple[int, int, int]  # MIN, LOW, HIGH
    reserve: tuple[int, ...]  # lowmem_reserve, by the highest zone of a request


@value
class Request:
    """Who reclaims, and for what."""

    order: int = 0
    gfp: Gfp = Gfp.RECLAIM | Gfp.IO | Gfp.FS
    highest: int = 0  # gfp_zone(): no zone above it may serve the request
    nodes: int = -1  # nodemask, as bits
    allowed: int = -1  # nodes of the task's cpuset, as bits
    kthread: bool = False  # PF_KTHREAD
    fatal: bool = False  # a fatal signal is pending
    memalloc: bool = False  # PF_MEMALLOC


@value
class Pass:
    """What one scan of a node's lists answers."""

    file: tuple[int, ...] = ()  # page cache freed, by zone of the node from the lowest
    anon: tuple[int, ...] = ()  # the same of anonymous pages: to swap
    scanned: int = 0
    inactive: int = 0  # pages then on the node's inactive lists
    skipped: bool = False  # some active pages were not deactivated
    low: bool = False  # some group was passed over for its memory.low


@value
class Cache:
    """What node_reclaim() looks at: a node's page cache and slab, in pages."""

    file: int = 0  # NR_FILE_PAGES
    lru: int = 0  # on the file lists
    mapped: int = 0
    dirty: int = 0
    slab: int = 0  # NR_SLAB_RECLAIMABLE
    min_unmapped: int = 0
    min_slab: int = 0


@value
class Aim:
    """What decides between anonymous pages and page cache."""

    swappiness: int = 60
    anon_cost: int = 0
    file_cost: int = 0
    swap: bool = True  # may_swap, and there is swap left
    cgroup: bool = False  # a group's limit is enforced, not the machine's
    tiny: bool = False  # file_is_tiny
    trim: bool = False  # cache_trim_mode


class Use(Enum):
    """What free pages become."""

    HELD = "held"  # by somebody who does not give them back to reclaim
    FILE = "file"
    ANON = "anon"


# ------------------------------------------------------------------ what is fixed


@value
class Config:
    """The machine's zones, and what may happen to them."""

    zones: tuple[Place, ...]
    zonelist: tuple[int, ...]  # positions in `zones`, the preferred one first
    start: tuple[tuple[int, int, int], ...]  # free, file, anon at first, by zone
    max_zones: int = 4  # MAX_NR_ZONES
    normal: int = 2  # ZONE_NORMAL
    priority: int = DEF_PRIORITY
    local_priority: int = NODE_RECLAIM_PRIORITY
    cluster: int = SWAP_CLUSTER_MAX
    retries: int = MAX_RECLAIM_RETRIES  # failures until a node is hopeless
    pageblock_order: int = 9
    laptop: bool = False  # laptop_mode
    swap: bool = True  # there is swap left
    word: int = 64  # bits of an unsigned long
    requests: tuple[Request, ...] = (Request(),)
    passes: tuple[Pass, ...] = (Pass(),)
    wakes: tuple[tuple[int, Gfp], ...] = ()  # order and flags of who wakes kswapd
    moves: tuple[int, ...] = ()  # zones that change beside reclaim; all if none
    steps: tuple[int, ...] = (1,)  # pages taken or freed at a time
    uses: tuple[Use, ...] = tuple(Use)  # what they become
    boosts: tuple[int, ...] = ()  # pages by which a mark may be boosted
    blocks: tuple[int, ...] = ()  # largest orders that a zone may have free
    modes: tuple[int, ...] = (0,)  # zone_reclaim_mode
    caches: tuple[Cache, ...] = ()
    aims: tuple[Aim, ...] = ()
    priorities: tuple[int, ...] = ()  # of a scan, with `aims`
    sizes: tuple[int, ...] = ()  # of a list, its group and its protection
    widest: int = 0  # bits of these, where `sizes` does not say which
    quirks: tuple[str, ...] = ()
    ops: tuple[str, ...] = ()

    @property
    def nodes(self) -> int:
        """Return how many nodes there are."""
        return 1 + max(z.node for z in self.zones)

    @property
    def moving(self) -> tuple[int, ...]:
        """Return the zones to which something happens beside reclaim."""
        return self.moves or tuple(range(len(self.zones)))

    def zones_of(self, node: int, highest: int) -> tuple[int, ...]:
        """Return a node's zones up to an index that manage pages, from the lowest."""
        return tuple(
            at
            for at, z in enumerate(self.zones)
            if z.node == node and z.index <= highest and z.managed
        )


# ------------------------------------------------------------------ what changes


@value
class Zone:
    """A zone's pages; those in no count are in use for good."""

    free: int
    file: int
    anon: int = 0
    boost: int = 0  # watermark_boost
    block: int = 0  # the largest order on the free lists, as far as `free` allows


@value
class Control:
    """What a reclaim wants and what it has got: struct scan_control."""

    order: int
    highest: int  # reclaim_idx
    gfp: Gfp
    goal: int  # nr_to_reclaim
    priority: int
    may_writepage: bool
    may_swap: bool = True
    reclaimed: int = 0
    scanned: int = 0
    force_deactivate: bool = False
    skipped_deactivate: bool = False
    low_reclaim: bool = False
    low_skipped: bool = False
    compaction_ready: bool = False


@value
class Scan:
    """A scan of one node that is under way: shrink_node()."""

    node: int
    base: int = 0  # pages reclaimed before this pass
    progress: bool = False  # some pass freed something
    asking: int = -1  # which of the node's zones compaction is asked about
    inactive: int = 0


@value
class Direct:
    """A task in direct reclaim: try_to_free_pages()."""

    request: Request
    sc: Control
    at: int = 0  # place in the zonelist
    last: int = -1  # the node scanned last in this round
    scan: Scan | None = None
    waits: int = -1  # the node on whose pfmemalloc_wait it waits
    woken: bool = False  # it is about to look whether it may go on


@value
class Local:
    """A task in node_reclaim()."""

    request: Request
    sc: Control
    node: int
    scan: Scan | None = None


class Label(Enum):
    """Where a kswapd is."""

    ASLEEP = "asleep"
    NAPPING = "napping"  # for a tenth of a second
    ROUSED = "roused"  # out of the nap
    WOKEN = "woken"  # out of the sleep
    RESTLESS = "restless"  # about to try to sleep
    SCANNING = "scanning"  # waits for a scan of its node


@value
class Balance:
    """A run of balance_pgdat()."""

    sc: Control
    boosts: tuple[int, ...]  # of the node's zones when it began
    boost_left: int  # nr_boost_reclaim
    before: int = 0  # pages reclaimed before this round
    scan: Scan | None = None


@value
class Kswapd:
    """A node's background reclaimer."""

    label: Label = Label.ASLEEP
    alloc_order: int = 0
    reclaim_order: int = 0
    highest: int = 0  # of its last run
    run: Balance | None = None


@value
class Node:
    """What a node remembers for its kswapd."""

    order: int = 0  # kswapd_order
    highest: int = 0  # kswapd_highest_zoneidx; max_zones where nobody asks
    failures: int = 0  # kswapd_failures
    kswapd: Kswapd = Kswapd()


@value
class State:
    """All of it."""

    zones: tuple[Zone, ...]
    nodes: tuple[Node, ...]
    task: Direct | Local | None = None
    memalloc: bool = False  # PF_MEMALLOC of that task


def initial(cfg: Config) -> State:
    """Return the zones as they are at first, all kswapds asleep."""
    zones = tuple(Zone(*each) for each in cfg.start)
    node = Node(highest=cfg.max_zones, kswapd=Kswapd(highest=cfg.max_zones - 1))
    return State(zones, (node,) * cfg.nodes)
