"""The machines of one node on which a request looks for a zone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mmoracle.spec.freelist.request import Zonelist
from mmoracle.spec.freelist.zones import Config, Lower, Place, Task
from mmoracle.spec.linux import (
    GFP_ATOMIC,
    GFP_BOOT_MASK,
    GFP_HIGHUSER_MOVABLE,
    GFP_KERNEL,
    GFP_NOWAIT,
    MIGRATE_HIGHATOMIC,
    MIGRATE_MOVABLE,
    MIGRATE_RECLAIMABLE,
    MIGRATE_UNMOVABLE,
    WMARK_MIN,
    AllocFlags,
    Gfp,
    ZoneType,
)

U, M, R = MIGRATE_UNMOVABLE, MIGRATE_MOVABLE, MIGRATE_RECLAIMABLE
H, C = MIGRATE_HIGHATOMIC, MIGRATE_HIGHATOMIC + 1
LOW, HIGH_MARK = AllocFlags.WMARK_LOW, AllocFlags.WMARK_HIGH
MIN = AllocFlags(WMARK_MIN)
HIGH, HARDER, OOM = AllocFlags.HIGH, AllocFlags.HARDER, AllocFlags.OOM
NO_WATERMARKS, CPUSET = AllocFlags.NO_WATERMARKS, AllocFlags.CPUSET
NOFRAGMENT, CMA = AllocFlags.NOFRAGMENT, AllocFlags.CMA

PLAIN = (ZoneType.NORMAL, ZoneType.MOVABLE)
RISCV = (ZoneType.DMA32, *PLAIN)
X86 = (ZoneType.DMA, *RISCV)
EVERY = (*X86[:3], ZoneType.HIGHMEM, ZoneType.MOVABLE)
FLAT = (0, 0, 0)
MOVABLE = GFP_KERNEL | Gfp.MOVABLE

REQUESTS = ("AllocPages",)
OTHERS = ("Free", "Take")
WALK = ("GetPageFromFreelist", *OTHERS)


def lists(*nodes: tuple[int, ...]) -> tuple[Zonelist, ...]:
    """Return each node's own zonelist from its zones, highest first."""
    return tuple(tuple((nid, i) for i in each) for nid, each in enumerate(nodes))


def by_distance(own: tuple[Zonelist, ...], *order: tuple[int, ...]) -> dict[str, Any]:
    """Return the zonelists of nodes, each with its order of nodes."""
    falls = tuple(tuple(ref for nid in each for ref in own[nid]) for each in order)
    return {"fallback": falls, "own": own, "numa": True}


def tiny(**fields: Any) -> Config:
    """Return a machine with single pages only, whose lists others fill and empty."""
    usual = {"orders": 1, "most": (4,), "ops": (*REQUESTS, *OTHERS)}
    return Config(**{**usual, **fields})


# ------------------------------------------------------------------ one node

TWO_ZONES: dict[str, Any] = {
    "kinds": RISCV,
    "zones": (
        Place(0, 0, (1, 2, 3), (0, 2, 2)),
        Place(0, 1, (1, 2, 3), (0, 0, 1)),
    ),
    "fallback": (((0, 1), (0, 0)),),
}
UMA = tiny(
    **TWO_ZONES,
    most=(5,),
    gfps=(GFP_KERNEL, GFP_KERNEL | Gfp.DMA32, GFP_HIGHUSER_MOVABLE),
    sizes=(0, 1),
    lowers=(Lower(), Lower(fails=True), Lower(lost=0b10), Lower(cached=0b10)),
)

# Marks at which it shows which way to come nearer counts first: HIGH, then HARDER, is 3
# of 5; boosted by 3 it is also less than HIGH alone.
FLAGS = tiny(
    kinds=PLAIN,
    zones=(Place(0, 0, (5, 6, 7), (1, 1), ((0, 7, 0, 0),)),),
    most=(15,),
    gfps=(GFP_KERNEL, GFP_ATOMIC),
    flags=(
        LOW,
        HIGH_MARK,
        MIN,
        MIN | HIGH,
        MIN | HARDER,
        MIN | OOM,
        MIN | HARDER | OOM,
        MIN | HIGH | HARDER,
        MIN | HIGH | OOM,
        MIN | HIGH | HARDER | OOM,
        NO_WATERMARKS,
    ),
    boosts=(0, 3),
    reserves=(0, 3),
    ops=("GetPageFromFreelist", *OTHERS, "SetBoost", "SetReserve"),
)
EAGER = replace(
    FLAGS,
    most=(9,),
    gfps=(GFP_KERNEL,),
    flags=(MIN, MIN | HIGH, MIN | HARDER, MIN | HIGH | HARDER, MIN | HIGH | OOM),
    boosts=(),
    reserves=(),
    ops=WALK,
)
ORDERS = tiny(
    kinds=PLAIN,
    zones=(Place(0, 0, (0, 1, 2), (0, 1)),),
    orders=2,
    pageblock_order=1,
    most=(2, 1),
    listed=(M, H),
    gfps=(GFP_KERNEL | Gfp.COMP, GFP_ATOMIC | Gfp.MOVABLE),
    sizes=(0, 1, 2),
    flags=(LOW, MIN, MIN | HARDER, MIN | OOM),
    reserves=(0, 2),
    ops=("AllocPages", *WALK, "SetReserve"),
)
BLOCKS = tiny(
    kinds=PLAIN,
    zones=(Place(0, 0, (0, 1, 2), (0, 1)),),
    orders=3,
    pageblock_order=2,
    most=(2, 1, 1),
    listed=(M, H),
    gfps=(GFP_ATOMIC | Gfp.MOVABLE,),
    sizes=(1,),
    flags=(MIN, MIN | HARDER),
    ops=WALK,
)
BOOSTED = tiny(
    kinds=PLAIN,
    zones=(Place(0, 0, (0, 0, 0), (0, 1)),),
    orders=2,
    pageblock_order=1,
    most=(2, 1),
    sizes=(0, 1),
    gfps=(GFP_KERNEL, GFP_KERNEL & ~Gfp.KSWAPD_RECLAIM),
    lowers=(Lower(), Lower(lost=1), Lower(cached=1), Lower(boosts=1)),
    boosts=(0, 1),
    ops=(*REQUESTS, *OTHERS, "SetBoost"),
)
TYPES = tiny(
    kinds=PLAIN,
    zones=(Place(0, 0, (0, 0, 0), (0, 1)),),
    orders=2,
    pageblock_order=1,
    most=(1, 1),
    listed=(U, M, R),
    gfps=(GFP_KERNEL, MOVABLE, GFP_KERNEL | Gfp.RECLAIMABLE),
    flags=(MIN, MIN | NOFRAGMENT),
    ops=WALK,
)
FRAGMENTS = tiny(
    **TWO_ZONES,
    orders=2,
    pageblock_order=1,
    most=(1, 1),
    listed=(U, M),
    gfps=(GFP_KERNEL, MOVABLE),
    sizes=(0, 1),
)
FRAGMENTS = replace(
    FRAGMENTS,
    zones=tuple(replace(p, marks=(0, 0, 0), reserve=(0, 0, 1)) for p in UMA.zones),
)
CMA_LISTS = tiny(
    kinds=PLAIN,
    zones=(Place(0, 0, (0, 1, 2), (0, 1)),),
    orders=2,
    pageblock_order=1,
    most=(2, 1),
    listed=(M, C),
    has_cma=True,
    gfps=(GFP_KERNEL, MOVABLE),
    sizes=(0, 1),
    flags=(LOW, MIN | CMA, MIN | HARDER),
    tasks=(Task(), Task(nocma=True)),
    ops=("AllocPages", *WALK),
)
CMA_PAGES = replace(
    CMA_LISTS, orders=1, most=(1,), lowers=(Lower(), Lower(cached=1)), flags=(MIN,)
)

# ------------------------------------------------------------------ gfp masks

ZONE_BITS = tuple(Gfp(bits) for bits in range(32))
FIVE = tiny(
    kinds=EVERY,
    zones=tuple(Place(0, i, (0, 0, 0), (0,) * 5) for i in range(5)),
    fallback=(tuple((0, i) for i in (4, 3, 2, 1, 0)),),
    most=(1,),
    gfps=ZONE_BITS,
    nids=(0, 1),
)
NO_OPTION = tiny(
    kinds=PLAIN,
    zones=tuple(Place(0, i, (0, 0, 0), (0, 0)) for i in range(2)),
    fallback=(((0, 1), (0, 0)),),
    most=(1,),
    gfps=ZONE_BITS,
)
NO_NORMAL = replace(  # all memory is movable: kernel requests have no zone
    NO_OPTION, zones=(Place(0, 1, (0, 0, 0), (0, 0)),), fallback=(((0, 1),),)
)
UNGROUPED = replace(TYPES, grouping=False, listed=(U, M), gfps=(GFP_KERNEL, MOVABLE))
BOOT = tiny(
    **TWO_ZONES,
    most=(3,),
    allowed=int(GFP_BOOT_MASK),
    gfps=(GFP_KERNEL, GFP_NOWAIT, GFP_ATOMIC | Gfp.ZERO, GFP_KERNEL | Gfp.DMA32),
)
SCOPED = tiny(
    most=(3,),
    kinds=PLAIN,
    gfps=(GFP_KERNEL, GFP_KERNEL | Gfp.WRITE, GFP_KERNEL | Gfp.THISNODE),
    tasks=(Task(), Task(noio=True), Task(nofs=True), Task(noio=True, nofs=True)),
)
PREPARED = tiny(
    kinds=PLAIN,
    zones=(Place(0, 0, (0, 0, 0), (0, 0)),),
    orders=2,
    pageblock_order=1,
    most=(1, 1),
    gfps=(GFP_KERNEL, GFP_KERNEL | Gfp.ZERO, GFP_KERNEL | Gfp.COMP | Gfp.ZERO),
    sizes=(0, 1),
)
INITS = {
    "tiny-init": PREPARED,
    "tiny-init-on-alloc": replace(PREPARED, init_on_alloc=True),
    "tiny-init-on-free": replace(PREPARED, init_on_alloc=True, init_on_free=True),
    "tiny-poison": replace(PREPARED, init_on_alloc=True, poisoned=True),
    "tiny-poison-zero": replace(PREPARED, poisoned=True, poisoned_zero=True),
}
