"""The machines to reclaim on: tiny ones explored completely, real ones at random.

Each tiny one looks at one side: rounds, the walk over the zonelist, compaction, waits,
kswapd and its boosts, a node's own reclaim, and the counts of a scan.  All follow the
`fixed` profile; those named `v5.10` have one of the behaviours of real 5.10 that break
a law, and exploring them finds it again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mmoracle.spec.linux import (
    GFP_ATOMIC,
    GFP_KERNEL,
    GFP_NOFS,
    GFP_NOIO,
    GFP_NOWAIT,
    RECLAIM_UNMAP,
    RECLAIM_WRITE,
    RECLAIM_ZONE,
    Gfp,
)
from mmoracle.spec.reclaim.state import (
    COMPACTS_NOIO,
    LOW_UNNOTED,
    Aim,
    Cache,
    Config,
    Pass,
    Place,
    Request,
    Use,
)

NOTHING = Pass()
ROUNDS = ("TryToFree", "Shrunk")
ASKING = (*ROUNDS, "Suitable")
KSWAPD = ("WakeKswapd", "RunKswapd", "Shrunk")


def zone(node: int, index: int, managed: int, *marks: int) -> Place:
    """Return a zone that keeps nothing back from requests for higher zones."""
    low, mid, high = marks
    return Place(node, index, managed, (low, mid, high), (0,) * 4)


def tiny(*zones: Place, **fields: Any) -> Config:
    """Return zones at small constants, in the order of their indices from the top."""
    usual = {
        "zonelist": tuple(reversed(range(len(zones)))),
        "start": ((0, 0, 0),) * len(zones),
        "priority": 3,
        "local_priority": 1,
        "cluster": 2,
        "retries": 2,
        "pageblock_order": 1,
        "normal": 1,
    }
    return Config(zones=zones, **{**usual, **fields})


# Rounds, how they end, and how often a reclaim begins anew.
DIRECT = tiny(
    zone(0, 1, 6, 0, 1, 2),
    start=((0, 3, 1),),
    laptop=True,
    passes=(
        NOTHING,
        Pass(file=(1,), scanned=1),
        Pass(file=(2,)),
        Pass(anon=(1,)),
        Pass(skipped=True),
        Pass(low=True),
    ),
    requests=(Request(highest=1), Request(highest=1, memalloc=True)),
    ops=ROUNDS,
)

# Two nodes, one with two zones that do not follow each other in the zonelist.
WALK = tiny(
    zone(0, 0, 4, 1, 2, 3),
    zone(0, 1, 4, 1, 2, 3),
    zone(1, 1, 4, 1, 2, 3),
    zone(1, 2, 4, 1, 2, 3),
    zonelist=(1, 3, 2, 0),
    start=((1, 1, 0), (2, 1, 0), (2, 1, 0), (3, 1, 0)),
    priority=1,
    passes=(NOTHING, Pass(file=(1,)), Pass(file=(0, 1))),
    requests=(
        Request(highest=2),
        Request(highest=1),
        Request(highest=0),
        Request(highest=2, nodes=0b10),
        Request(highest=2, allowed=0b01),
        Request(highest=2, nodes=0b10, allowed=0b01),
    ),
    ops=ROUNDS,
)

# Blocks of several pages: compaction is asked before and during scans.  A zone of
# 4 marks its high mark at 3 pages; an order-4 block wants a gap of 32 beside them.
COSTLY = tiny(
    zone(0, 0, 48, 1, 2, 3),
    zone(0, 1, 48, 1, 2, 3),
    start=((35, 1, 0), (34, 2, 0)),
    priority=1,
    passes=(
        NOTHING,
        Pass(file=(1,), inactive=33),
        Pass(file=(0, 1), inactive=32),
        Pass(file=(0, 1), inactive=33),
    ),
    requests=(
        Request(order=4, highest=1),
        Request(order=4, highest=0),
        Request(order=3, highest=1),
        Request(order=4, gfp=GFP_NOIO, highest=1),
    ),
    ops=ASKING,
)
TROUBLE = tiny(
    zone(0, 1, 9, 1, 2, 3),
    start=((2, 2, 0),),
    passes=(
        NOTHING,
        Pass(file=(1,), inactive=4),
        Pass(file=(1,), inactive=5),
    ),
    requests=(
        Request(highest=1),
        Request(order=1, highest=1),
        Request(order=1, gfp=GFP_NOIO, highest=1),
    ),
    cluster=3,
    ops=ASKING,
)

# A task that must wait for kswapd.
THROTTLE = tiny(
    zone(0, 1, 5, 2, 2, 3),
    start=((1, 3, 0),),
    priority=1,
    retries=1,
    cluster=1,
    passes=(NOTHING, Pass(file=(1,), scanned=4)),
    requests=(Request(highest=1), Request(gfp=GFP_NOFS, highest=1)),
    wakes=((0, GFP_NOWAIT),),
    uses=(Use.HELD,),
    ops=("TryToFree", "Resume", *KSWAPD, "Take"),
)
# Which zones count for the reserve: none above normal, none without pages to reclaim.
RESERVE = tiny(
    zone(0, 0, 4, 2, 2, 2),
    zone(0, 1, 5, 2, 2, 2),
    zone(0, 2, 4, 2, 2, 2),
    zone(1, 2, 2, 2, 2, 2),
    zonelist=(3, 2, 1, 0),
    start=((0, 0, 1), (3, 1, 1), (3, 1, 0), (0, 1, 0)),
    priority=0,
    swap=False,
    requests=(
        Request(highest=2),
        Request(highest=2, nodes=0b10),
        Request(),
        Request(highest=2, kthread=True),
        Request(highest=2, fatal=True, memalloc=True),
    ),
    moves=(1,),
    boosts=(1, 2),
    uses=(Use.HELD,),
    ops=("TryToFree", "Resume", "Take", "Boost", "Shrunk"),
)
# With swap, anonymous pages count: as many as there are of cache.
SWAP = replace(RESERVE, swap=True, start=((0, 1, 1), *RESERVE.start[1:]))
# Pages that can only be swapped count where nothing else does.
ANON = replace(RESERVE, swap=True)

# When a kswapd is woken.  The highest zone manages nothing, the lowest is reserved.
WAKE = tiny(
    Place(0, 0, 4, (1, 1, 1), (0, 1, 2, 3)),
    zone(0, 1, 6, 1, 1, 2),
    zone(0, 2, 0, 0, 0, 0),
    zonelist=(1, 0),
    start=((3, 0, 0), (4, 0, 0), (0, 0, 0)),
    wakes=((0, GFP_NOWAIT), (1, GFP_KERNEL), (2, GFP_ATOMIC)),
    moves=(1,),
    blocks=(0, 2),
    boosts=(1,),
    uses=(Use.HELD,),
    ops=("WakeKswapd", "Take", "Boost", "Merge"),
)
# One node's kswapd, for single pages.
BALANCE = tiny(
    zone(0, 0, 3, 1, 1, 1),
    zone(0, 1, 4, 1, 1, 2),
    zonelist=(1, 0),
    start=((1, 1, 0), (2, 2, 0)),
    priority=2,
    passes=(
        NOTHING,
        Pass(scanned=4),
        Pass(file=(1,), scanned=4),
        Pass(file=(0, 1), scanned=3),
        Pass(file=(0, 1), scanned=4),
    ),
    wakes=((0, GFP_NOWAIT),),
    moves=(1,),
    uses=(Use.HELD,),
    ops=(*KSWAPD, "Take"),
)
ORDER = tiny(
    zone(0, 1, 9, 1, 2, 3),
    start=((4, 4, 0),),
    priority=3,
    passes=(NOTHING, Pass(file=(2,), inactive=5), Pass(file=(1,), inactive=5)),
    wakes=((0, GFP_NOWAIT), (1, GFP_ATOMIC)),
    blocks=(0, 1),
    ops=(*KSWAPD, "Suitable", "Merge"),
)
# A kswapd that frees pages for a costly block asks about its zones, too.
GATHER = tiny(
    zone(0, 0, 6, 2, 2, 2),
    zone(0, 1, 60, 1, 2, 3),
    zonelist=(1, 0),
    start=((1, 1, 0), (34, 2, 0)),
    priority=1,
    passes=(
        NOTHING,
        Pass(file=(1,), inactive=32),
        Pass(file=(0, 1), inactive=33),
    ),
    wakes=((4, Gfp.NONE),),
    ops=(*KSWAPD, "Suitable"),
)
# A laptop's kswapd spares the disk until it is late.  Its lowest zone manages nothing.
LAPTOP = tiny(
    zone(0, 0, 0, 0, 0, 0),
    zone(0, 1, 5, 1, 1, 2),
    zonelist=(1, 0),
    start=((0, 0, 0), (1, 2, 0)),
    priority=4,
    retries=1,
    laptop=True,
    passes=(NOTHING, Pass(file=(1,), scanned=2)),
    wakes=((0, Gfp.NONE),),
    ops=KSWAPD,
)
# A zone whose marks are 0: its last block serves.
BARE = tiny(
    zone(0, 1, 4, 0, 0, 0),
    start=((4, 0, 0),),
    wakes=tuple((order, Gfp.NONE) for order in (0, 1, 2)),
    uses=(Use.HELD,),
    blocks=(0, 1, 2),
    ops=("WakeKswapd", "Take", "Merge"),
)
# A request for the lowest zone is noted, nobody woken; later a task must wait.
NOTED = tiny(
    zone(0, 0, 2, 0, 1, 1),
    zone(0, 1, 3, 1, 1, 1),
    start=((2, 0, 0), (1, 2, 0)),
    wakes=((0, GFP_KERNEL),),
    requests=(Request(highest=1),),
    moves=(0, 1),
    steps=(1, 2),
    boosts=(3,),
    uses=(Use.HELD,),
    ops=("TryToFree", "WakeKswapd", "Take"),
)
BOOST = tiny(
    zone(0, 0, 1, 0, 1, 1),
    zone(0, 1, 9, 0, 1, 1),
    start=((0, 0, 0), (6, 3, 0)),
    passes=(NOTHING, Pass(file=(0, 1), scanned=9), Pass(file=(0, 1))),
    moves=(1,),
    steps=(4,),
    retries=1,
    boosts=(4,),
    wakes=((0, Gfp.NONE),),
    uses=(Use.HELD,),
    ops=(*KSWAPD, "Boost", "Take"),
)
# Pages come and go: the only place where all uses are tried.
USES = tiny(
    zone(0, 1, 4, 0, 1, 2),
    start=((2, 1, 0),),
    steps=(1, 3),
    blocks=(0, 1),
    boosts=(1, 2),
    wakes=((1, GFP_KERNEL),),
    ops=("Take", "Free", "Boost", "Merge", "WakeKswapd"),
)

# Reclaim on one's own node.
LOCAL = tiny(
    zone(0, 1, 6, 0, 1, 2),
    start=((1, 4, 1),),
    passes=(NOTHING, Pass(file=(1,)), Pass(file=(2,))),
    requests=(
        Request(highest=1),
        Request(order=2, highest=1),
        Request(gfp=GFP_NOWAIT, highest=1),
        Request(highest=1, memalloc=True),
    ),
    modes=(
        RECLAIM_ZONE,
        RECLAIM_ZONE | RECLAIM_WRITE,
        RECLAIM_ZONE | RECLAIM_UNMAP,
        RECLAIM_ZONE | RECLAIM_WRITE | RECLAIM_UNMAP,
    ),
    caches=(
        Cache(file=6, lru=4, mapped=2, dirty=1, slab=1, min_unmapped=1, min_slab=1),
        Cache(file=6, lru=4, mapped=2, dirty=0, slab=1, min_unmapped=1, min_slab=1),
        Cache(file=6, lru=4, mapped=2, dirty=0, slab=2, min_unmapped=2, min_slab=1),
        Cache(file=2, lru=2, mapped=4, dirty=3, slab=1, min_unmapped=0, min_slab=1),
        Cache(file=2, lru=2, mapped=4, dirty=3, slab=2, min_unmapped=0, min_slab=1),
    ),
    ops=("NodeReclaim", "Shrunk", "Suitable"),
)

# How many pages of a list a scan looks at, in words of 16 bits.
PROTECT = tiny(
    zone(0, 1, 1, 0, 0, 0),
    cluster=32,
    sizes=(4096, 33, 1, 0),
    word=16,
    aims=(Aim(swap=False),),
    priorities=(0,),
    ops=("ScanCount",),
)
EMPTY = replace(PROTECT, sizes=(0, 1))
AGE = replace(PROTECT, sizes=(33, 31, 0), priorities=(12, 1))
COSTS = ((0, 0), (1, 0), (18, 12), (5, 300))
FLAGS = (
    (False, False, False, False),
    (True, True, False, False),
    (True, True, True, False),
    (True, False, True, True),
    (True, False, False, True),
)
AIMS = (
    *(Aim(swappiness, *costs) for swappiness in (60, 0, 200) for costs in COSTS),
    *(Aim(swappiness, 1, 0, *each) for swappiness in (60, 0) for each in FLAGS),
)
WEIGH = replace(PROTECT, aims=AIMS, sizes=(67, 0), cluster=2, priorities=(0, 1))

# Larger machines, at random.
SMALL = tiny(
    zone(0, 0, 200, 8, 10, 12),
    zone(0, 1, 400, 16, 20, 24),
    zone(1, 1, 400, 16, 20, 24),
    zone(1, 2, 100, 4, 5, 6),
    zonelist=(1, 2, 3, 0),
    start=((12, 60, 10), (20, 200, 50), (24, 200, 50), (6, 60, 10)),
    priority=12,
    local_priority=4,
    cluster=32,
    retries=16,
    pageblock_order=5,
    passes=(
        NOTHING,
        Pass(scanned=40),
        Pass(file=(1, 2), scanned=9, inactive=20),
        Pass(file=(0, 16), anon=(0, 4), scanned=64, inactive=40),
        Pass(skipped=True),
        Pass(low=True),
    ),
    requests=(
        Request(highest=2),
        Request(order=1, gfp=GFP_NOFS, highest=1, memalloc=True),
        Request(order=4, highest=1),
        Request(order=4, gfp=GFP_NOIO, highest=1),
        Request(highest=0, fatal=True),
        Request(highest=2, kthread=True, nodes=0b10),
        Request(order=2, highest=2, allowed=0b01),
    ),
    wakes=((0, GFP_NOWAIT), (2, GFP_ATOMIC), (4, GFP_KERNEL)),
    steps=(1, 7, 30),
    boosts=(8, 32),
    blocks=(0, 2, 5),
    modes=LOCAL.modes,
    caches=LOCAL.caches,
)
# /proc/zoneinfo of a machine of 256 MiB without swap: 3,977 and 48,777 pages.
LINUX = Config(
    zones=(
        Place(0, 0, 3977, (35, 43, 51), (0, 181, 181, 181, 181)),
        Place(0, 1, 48777, (413, 516, 619), (0, 0, 0, 0, 0)),
        Place(0, 2, 0, (0, 0, 0), (0, 0, 0, 0, 0)),
        Place(0, 3, 0, (0, 0, 0), (0, 0, 0, 0, 0)),
        Place(0, 4, 0, (0, 0, 0), (0, 0, 0, 0, 0)),
    ),
    zonelist=(1, 0),
    start=((3945, 0, 0), (26472, 9000, 809), (0, 0, 0), (0, 0, 0), (0, 0, 0)),
    max_zones=5,
    swap=False,
    passes=(
        NOTHING,
        Pass(scanned=1238),
        Pass(file=(0, 4), scanned=32, inactive=900),
        Pass(file=(0, 16), scanned=64, inactive=700),
        Pass(file=(0, 512), scanned=700, inactive=20),
        Pass(skipped=True),
        Pass(low=True),
    ),
    requests=(
        Request(highest=2),
        Request(highest=3),
        Request(highest=0, gfp=GFP_KERNEL | Gfp.DMA),
        Request(order=2, highest=2, gfp=GFP_NOFS),
        Request(order=9, highest=3),
        Request(order=4, highest=2, gfp=GFP_NOIO),
    ),
    wakes=((0, GFP_NOWAIT), (3, GFP_ATOMIC), (9, GFP_KERNEL)),
    steps=(1, 512, 9000),
    boosts=(512, 928),
    blocks=(0, 3, 9, 10),
    modes=LOCAL.modes,
    caches=(
        Cache(9500, 9000, 1500, 300, 600, 487, 2438),
        Cache(9500, 9000, 8800, 300, 2600, 487, 2438),
        Cache(9500, 9000, 8800, 300, 600, 487, 2438),
    ),
    aims=(Aim(), Aim(200, 1 << 20, 1 << 30), Aim(0, swap=False), Aim(cgroup=True)),
    priorities=(0, 2, 12),
    widest=32,
)

CONFIGS = {
    "tiny": WAKE,
    "tiny-direct": DIRECT,
    "tiny-walk": WALK,
    "tiny-costly": COSTLY,
    "tiny-trouble": TROUBLE,
    "tiny-throttle": THROTTLE,
    "tiny-reserve": RESERVE,
    "tiny-swap": SWAP,
    "tiny-anon": ANON,
    "tiny-balance": BALANCE,
    "tiny-order": ORDER,
    "tiny-gather": GATHER,
    "tiny-laptop": LAPTOP,
    "tiny-bare": BARE,
    "tiny-noted": NOTED,
    "tiny-boost": BOOST,
    "tiny-uses": USES,
    "tiny-local": LOCAL,
    "tiny-protect": PROTECT,
    "tiny-empty": EMPTY,
    "tiny-age": AGE,
    "tiny-weigh": WEIGH,
    "small": SMALL,
    "linux": LINUX,
    "linux-32bit": replace(LINUX, word=32, widest=20),
    "v5.10-noio": replace(COSTLY, quirks=(COMPACTS_NOIO,)),
    "v5.10-low": replace(PROTECT, quirks=(LOW_UNNOTED,)),
}
