"""The machines of several nodes, other policies, and real sizes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mmoracle.spec.freelist.zones import Config, Lower, Place, Reclaim, Task
from mmoracle.spec.linux import (
    GFP_ATOMIC,
    GFP_HIGHUSER_MOVABLE,
    GFP_KERNEL,
    GFP_NOWAIT,
    Gfp,
    NodeReclaim,
)
from mmoracle.spec.watermark import FAST_UNSIGNED

from .freelist_one_node import (
    CMA,
    CPUSET,
    FLAT,
    HARDER,
    HIGH,
    HIGH_MARK,
    LOW,
    MIN,
    MOVABLE,
    NO_WATERMARKS,
    OOM,
    OTHERS,
    PLAIN,
    REQUESTS,
    RISCV,
    WALK,
    X86,
    C,
    H,
    M,
    R,
    U,
    by_distance,
    lists,
    tiny,
)

# ------------------------------------------------------------------ several nodes

TWO_NODES = by_distance(lists((1, 0), (1, 0)), (0, 1), (1, 0))
NUMA = tiny(
    kinds=RISCV,
    zones=tuple(Place(nid, i, (0, 1, 2), FLAT) for nid in (0, 1) for i in (0, 1)),
    **TWO_NODES,
    most=(2,),
    gfps=(GFP_KERNEL, GFP_KERNEL | Gfp.THISNODE, GFP_KERNEL | Gfp.DMA32),
    nids=(0, 1),
    masks=(None, 0b00, 0b01, 0b10),
)
DIRTY = replace(
    NUMA,
    gfps=(GFP_KERNEL | Gfp.WRITE,),
    masks=(None,),
    lowers=tuple(Lower(dirty=nodes) for nodes in range(4)),
)
# Node 0 has ZONE_NORMAL but no ZONE_DMA32, so fragments are not avoided there.
UNEVEN = tiny(
    kinds=RISCV,
    zones=(
        Place(0, 1, FLAT, FLAT),
        Place(1, 0, FLAT, FLAT),
        Place(1, 1, FLAT, FLAT),
    ),
    **by_distance(lists((1,), (1, 0)), (0, 1), (1, 0)),
    pageblock_order=1,
    most=(1,),
    listed=(U, M),
    gfps=(MOVABLE, GFP_KERNEL),
    nids=(0, 1),
)
THREE: dict[str, Any] = {
    "kinds": PLAIN,
    "zones": tuple(Place(nid, 0, (0, 1, 2), (0, 0)) for nid in range(3)),
    **by_distance(lists((0,), (0,), (0,)), (0, 1, 2), (1, 0, 2), (2, 1, 0)),
    "distance": ((10, 30, 31), (30, 10, 20), (31, 20, 10)),
}
GAINS = tuple(
    Lower(reclaims=(each,) * 3)
    for each in (
        Reclaim(NodeReclaim.NOSCAN),
        Reclaim(NodeReclaim.FULL, 0, 2),
        Reclaim(NodeReclaim.SOME, 0, 1),
        Reclaim(NodeReclaim.SUCCESS, 0, 2),
    )
)
RECLAIM = tiny(
    **THREE,
    most=(3,),
    reclaim_mode=1,
    nids=(0, 2),
    lowers=GAINS,
    gfps=(GFP_KERNEL | Gfp.HIGH,),
    flags=(MIN, MIN | NO_WATERMARKS),
    ops=("AllocPages", *WALK),
)
RECLAIM_ONE = tiny(
    kinds=PLAIN,
    zones=(Place(0, 0, (2, 3, 4), (0, 1)),),
    own=(((0, 0),),),
    numa=True,
    most=(5,),
    reclaim_mode=1,
    lowers=GAINS,
    boosts=(0, 1),
    ops=(*REQUESTS, *OTHERS, "SetBoost"),
)
NO_RECLAIM = replace(RECLAIM_ONE, numa=False, own=())
# Without distances given, another node is 20 away.
RECLAIM_NEAR = replace(RECLAIM, distance=(), reclaim_distance=19, lowers=GAINS[2:])
RECLAIM_BLOCKS = tiny(
    kinds=PLAIN,
    zones=(Place(0, 0, (0, 1, 2), (0, 1)),),
    own=(((0, 0),),),
    numa=True,
    reclaim_mode=1,
    orders=2,
    pageblock_order=1,
    has_cma=True,
    most=(2, 1),
    listed=(C,),
    gfps=(MOVABLE,),
    sizes=(0, 1),
    lowers=(
        Lower(reclaims=(Reclaim(NodeReclaim.SOME, 1, 1),)),
        Lower(reclaims=(Reclaim(NodeReclaim.SOME, 0, 2),)),
    ),
    flags=(MIN, MIN | CMA, MIN | HARDER),
    reserves=(0, 2),
    ops=(*WALK, "SetReserve"),
)
DEFERRED = tiny(
    kinds=RISCV,
    zones=(
        Place(0, 0, (0, 1, 2), (0, 1, 1)),
        Place(0, 1, (0, 2, 3), FLAT, (), 2),
    ),
    fallback=(((0, 1), (0, 0)),),
    own=(((0, 1), (0, 0)),),
    numa=True,
    reclaim_mode=1,
    deferred=True,
    orders=2,
    pageblock_order=1,
    most=(2,),
    gfps=(GFP_KERNEL, MOVABLE),
    sizes=(0, 1),
    lowers=(Lower(), Lower(lost=0b10)),
    flags=(NO_WATERMARKS,),
    ops=("AllocPages", *WALK),
)
SETS = tiny(
    kinds=PLAIN,
    zones=tuple(Place(nid, 0, (0, 1, 2), (0, 0)) for nid in (0, 1)),
    **by_distance(lists((0,), (0,)), (0, 1), (1, 0)),
    cpusets=True,
    most=(2,),
    nids=(0, 1),
    masks=(None, 0b10, 0b11),
    gfps=(GFP_KERNEL, GFP_KERNEL | Gfp.HARDWALL),
    flags=(MIN, MIN | CPUSET),
    tasks=(
        Task(),
        Task(mems=0b01),
        Task(mems=0b10, above=0b10),
        Task(mems=0b01, above=0b01, victim=True),
        Task(mems=0b01, above=0b01, exiting=True),
        Task(mems=0b10, above=0b10, interrupt=True),
    ),
    ops=("AllocPages", *WALK),
)
# Node 1 has a cpu and no memory; node 3 is not there.
HOLED: dict[str, Any] = {
    "kinds": PLAIN,
    "zones": (Place(0, 0, (0, 0, 0), (0, 0)), Place(2, 0, (0, 0, 0), (0, 0))),
    "fallback": (((0, 0), (2, 0)), ((2, 0), (0, 0)), ((2, 0), (0, 0)), ()),
    "own": (((0, 0),), (), ((2, 0),), ()),
    "numa": True,
}
NODES = tiny(
    **HOLED,
    most=(1,),
    nids=(0, 1, 2, 3),
    gfps=(GFP_KERNEL, GFP_KERNEL | Gfp.THISNODE),
    tasks=(Task(), Task(node=1), Task(node=2)),
    ops=("AllocOnNode", *OTHERS),
)
NODES_PLAIN = replace(NODES, memoryless=False, gfps=(GFP_KERNEL,), nids=())
TURNS = tiny(
    **{**THREE, "zones": tuple(Place(n, 0, (0, 0, 0), (0, 0)) for n in range(3))},
    most=(1,),
    policies=(0b111, 0b101, 0b010, 0),
    offsets=(None, 0, 1, 5),
    tasks=(Task(node=2),),
    gfps=(GFP_KERNEL, GFP_KERNEL | Gfp.THISNODE),
    ops=("AllocInterleaved", *OTHERS),
)
# Node 1 has ZONE_DMA32 alone, node 2 ZONE_MOVABLE alone.
POLICIES = tiny(
    kinds=RISCV,
    zones=(
        Place(0, 1, FLAT, FLAT),
        Place(1, 0, FLAT, FLAT),
        Place(2, 2, FLAT, FLAT),
    ),
    **by_distance(lists((1,), (0,), (2,)), (0, 1, 2), (1, 0, 2), (2, 0, 1)),
    cpusets=True,
    most=(1,),
    policies=(0b010, 0b100, 0b110, 0),
    gfps=(
        GFP_KERNEL,
        GFP_HIGHUSER_MOVABLE,
        GFP_KERNEL | Gfp.DMA32,
        GFP_KERNEL | Gfp.THISNODE,
        Gfp.DMA | Gfp.DMA32,
    ),
    tasks=(Task(), Task(node=1, mems=0b101), Task(interrupt=True)),
    ops=("AllocCurrent", *OTHERS),
)
ANY_POLICIES = replace(
    POLICIES, picks="any", policies=(0b110, 0), gfps=POLICIES.gfps[:2]
)
COUNTED = tiny(
    kinds=PLAIN,
    zones=tuple(Place(nid, 0, (0, 0, 0), (0, 0)) for nid in (0, 1)),
    **by_distance(lists((0,), (0,)), (0, 1), (1, 0)),
    counts=True,
    most=(1,),
    most_counted=2,
    nids=(0, 1),
    tasks=(Task(), Task(node=1)),
    ops=("AllocPages", "Free"),
)
COUNTED_TURNS = replace(
    COUNTED,
    policies=(0b11,),
    tasks=(Task(),),
    nids=(1,),
    lowers=(Lower(), Lower(cached=0b11)),
    ops=("AllocInterleaved", "AllocOnNode", "Free"),
)

# ------------------------------------------------------------------ other policies

ANY = tiny(
    kinds=RISCV,
    zones=(
        Place(0, 0, (0, 1, 2), (0, 1, 1)),
        Place(0, 1, (0, 1, 2), FLAT),
        Place(1, 1, (0, 0, 1), FLAT),
    ),
    picks="any",
    most=(2,),
    gfps=(GFP_KERNEL, GFP_KERNEL | Gfp.DMA32),
    lowers=(Lower(), Lower(lost=0b10), Lower(cached=0b10)),
    flags=(MIN, NO_WATERMARKS),
    masks=(None, 0b10),
    ops=("AllocPages", *WALK),
)
ANY = replace(
    ANY,
    **by_distance(lists((1, 0), (1,)), (0, 1), (1, 0)),
)
ANY_COUNTED = replace(COUNTED_TURNS, picks="any", policies=(0b11,))
ANY_SETS = replace(SETS, picks="any", most=(2,), tasks=SETS.tasks[:3])

# ------------------------------------------------------------------ quirks

# Free 2, kept for high-order atomic requests 4, mark 3: the smallest setting.
UNSIGNED = tiny(
    kinds=PLAIN,
    zones=(Place(0, 0, (2, 3, 4), (0, 0)),),
    most=(5,),
    reserves=(0, 4),
    word_bits=8,
    quirks=(FAST_UNSIGNED,),
    ops=(*REQUESTS, *OTHERS, "SetReserve"),
)
RESERVED = replace(UNSIGNED, word_bits=64, quirks=())

# ------------------------------------------------------------------ real sizes

TASKS = (Task(), Task(interrupt=True), Task(victim=True), Task(nocma=True))
USUAL = (
    GFP_KERNEL,
    GFP_ATOMIC,
    GFP_NOWAIT,
    GFP_HIGHUSER_MOVABLE,
    GFP_HIGHUSER_MOVABLE | Gfp.ZERO | Gfp.WRITE,
    GFP_KERNEL | Gfp.RECLAIMABLE | Gfp.COMP,
    GFP_KERNEL | Gfp.DMA,
    GFP_KERNEL | Gfp.DMA32,
    GFP_KERNEL | Gfp.THISNODE,
)
SLOW = (
    LOW,
    MIN,
    MIN | HIGH,
    MIN | HIGH | HARDER,
    MIN | HARDER | CPUSET,
    MIN | OOM,
    HIGH_MARK | CPUSET,
    NO_WATERMARKS,
)
ORDERLY: dict[str, Any] = {
    "gfps": USUAL,
    "sizes": (0, 1, 2, 3, 9, 10, 11),
    "flags": SLOW,
    "listed": (U, M, R, H),
    "most": (1 << 12,) * 11,
    "boosts": (0, 512, 1024),
    "reserves": (0, 512, 1024),
}
# What /proc/zoneinfo of a machine of 256 MiB says.
X86_64_256M = Config(
    kinds=X86,
    zones=(
        Place(0, 0, (35, 43, 51), (0, 181, 181, 181), ((1,) * 4,) * 2),
        Place(0, 1, (413, 516, 619), (0, 0, 0, 0), ((1,) * 4,) * 10),
    ),
    fallback=(((0, 1), (0, 0)),),
    lowers=(Lower(), Lower(cached=0b11), Lower(lost=0b10)),
    tasks=TASKS,
    **ORDERLY,
)
FOUR = tuple(
    Place(nid, i, (1000 + i, 1250 + i, 1500 + i), (0, 64, 256, 256)[:4], ((9,) * 5,))
    for nid in range(4)
    for i in ((0, 1, 2) if nid == 0 else (2, 3))
)
NUMA_LISTS = by_distance(
    lists((2, 1, 0), (3, 2), (3, 2), (3, 2)),
    (0, 1, 2, 3),
    (1, 0, 3, 2),
    (2, 3, 0, 1),
    (3, 2, 1, 0),
)
FOUR_NODES = Config(
    kinds=X86,
    zones=FOUR,
    **NUMA_LISTS,
    counts=True,
    has_cma=True,
    cpusets=True,
    reclaim_mode=1,
    distance=((10, 20, 20, 31), (20, 10, 31, 20), (20, 31, 10, 20), (31, 20, 20, 10)),
    nids=(0, 1, 2, 3),
    masks=(None, 0b0001, 0b0110, 0b1111),
    policies=(0b1111, 0b1010, 0b0100),
    offsets=(None, 0, 1, 7),
    lowers=(
        Lower(),
        Lower(dirty=0b0011),
        Lower(cached=0b11111),
        Lower(reclaims=(Reclaim(NodeReclaim.SUCCESS, 0, 64),) * 4),
    ),
    tasks=(*TASKS, Task(node=3, mems=0b1100), Task(node=1, mems=0b0010, exiting=True)),
    **{**ORDERLY, "listed": (U, M, R, H, C)},
)
SMALL = replace(
    FOUR_NODES,
    zones=tuple(
        replace(p, marks=(8, 10, 12), reserve=(0, 2, 3, 3), blocks=()) for p in FOUR
    ),
    orders=4,
    pageblock_order=3,
    sizes=(0, 1, 2, 3, 4),
    most=(8, 4, 2, 1),
    boosts=(0, 4),
    reserves=(0, 8),
)
