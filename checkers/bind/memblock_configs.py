"""The memblock machines to boot: tiny ones explored completely, real sizes at random.

Each tiny one looks at a few operations, so that together they reach every witness
while each stays small.  They follow the `fixed` profile; those named `v5.10` have the
behaviours of real 5.10 that break a law, and exploring them finds each again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mmoracle.spec.linux import MAX_NUMNODES, Addr, MemblockFlags
from mmoracle.spec.memblock.regions import (
    CAP_WRAPS,
    DOUBLE_INTO_RANGE,
    FREE_FIRST,
    HOTPLUG,
    MIRROR,
    NOMAP,
    NONE,
    TRIM_KEEPS_TOTAL,
    TRIM_WRAPS,
    Config,
    Region,
)


def ram(
    base: int, size: int, nid: int = MAX_NUMNODES, flags: MemblockFlags = NONE
) -> Region:
    """Return a region of memory."""
    return Region(Addr(base), Addr(size), flags, nid)


def tiny(**fields: Any) -> Config:
    """Return a machine of 16 bytes, with pages of one byte and 8 slots an array."""
    small = {"width": 4, "page_size": 1, "region_bytes": 1, "init_regions": 8}
    return Config(**{**small, "cache_bytes": 2, **fields})


ISLANDS = (ram(1, 2, 0), ram(3, 2, 1), ram(6, 2, 0))
TWO_NODES = (ram(1, 2, 0), ram(3, 2, 1))

SETS = tiny(
    width=3,
    bases=(3, 4, 5, 6, 7),
    sizes=(0, 1, 2, 7),
    ops=("Add", "Remove", "Reserve", "Free", "IsRegion", "IsReserved", "Extent"),
)
NODES = tiny(
    bases=(1, 2, 3),
    sizes=(1, 2),
    nids=(-1, 0, 1),
    ops=("Add", "SetNode", "SearchPfnNid", "ForEach"),
)
HANDOVER = tiny(
    release="6.6",
    start=(ram(1, 5, 0), ram(6, 6, 1)),
    init_regions=2,
    bases=(5, 13),
    sizes=(2,),
    nids=(-1, 1),
    flags=(),
    ops=(
        "Reserve",
        "SetNode",
        "AllowResize",
        "FreeAll",
        "InitReservedPages",
        "ForEach",
    ),
)
FLAGS = tiny(
    start=(ram(1, 3),),
    bases=(1, 2, 3),
    sizes=(1, 2),
    flags=(HOTPLUG, NOMAP),
    movable_node=True,
    ops=("SetFlag", "ForEach", "FreeAll", "IsReserved", "Remove"),
)
NO_MAP = tiny(
    start=(ram(1, 3),),
    bases=(1, 3),
    sizes=(1, 15),
    flags=(NOMAP,),
    limits=(0, 2),
    ops=(
        "ReserveDt",
        "SetFlag",
        "CapMemoryRange",
        "MemLimitRemoveMap",
        "EnforceMemoryLimit",
        "Free",
    ),
)
SEARCH = tiny(
    start=ISLANDS,
    bases=(1, 2, 4, 6),
    sizes=(1, 2),
    aligns=(1, 2),
    nids=(-1, 0, 1),
    limits=(0, 3, 7),
    ops=("PhysAlloc", "Free", "SetBottomUp"),
)
ALLOC = tiny(
    start=TWO_NODES,
    bases=(1, 3),
    sizes=(0, 2),
    aligns=(0, 1),
    nids=(-1, 1),
    limits=(0, 1, 3),
    ops=("AllocTryNid", "Free", "SetBottomUp", "SetCurrentLimit"),
)
MIRRORED = tiny(
    start=(ram(1, 2), ram(4, 2)),
    bases=(1, 2, 4),
    sizes=(1, 2),
    flags=(MIRROR,),
    limits=(0, 4),
    ops=("SetFlag", "PhysAlloc", "FindInRange", "Free", "SetBottomUp"),
)
RESIZE = tiny(
    start=(ram(1, 13),),
    init_regions=2,
    bases=(2, 4, 6),
    sizes=(1,),
    ops=("Reserve", "Free", "AllowResize", "Remove"),
)
DOUBLE = tiny(
    width=5,
    start=(ram(1, 29),),
    init_regions=2,
    can_resize=True,
    bases=(2, 4, 6, 8, 10),
    sizes=(1,),
    ops=("Reserve", "Remove"),
)
SLAB = tiny(
    start=(ram(1, 8),),
    init_regions=2,
    can_resize=True,
    bases=(2, 4, 6),
    sizes=(1,),
    ops=("Reserve", "SlabIsUp", "Remove", "PhysAlloc", "AllocTryNid"),
)
BOOT = tiny(
    width=5,
    page_size=2,
    bases=(4, 9),
    sizes=(1, 3, 4),
    aligns=(2, 4),
    limits=(0, 5, 9),
    ops=(
        "Add",
        "Reserve",
        "TrimMemory",
        "FreeAll",
        "FreeLate",
        "EnforceMemoryLimit",
        "Extent",
    ),
)
TOP = tiny(
    bases=(9, 12, 14),
    sizes=(1, 2, 15),
    aligns=(2, 4, 8),
    ops=("Add", "TrimMemory", "CapMemoryRange", "Reserve"),
)

# The slow tier: the same, a size larger.
DEEP_SETS = replace(SETS, width=4, bases=(10, 11, 12, 13, 14, 15), sizes=(0, 1, 2, 15))
DEEP_NO_MAP = replace(NO_MAP, start=(ram(1, 4),), limits=(0, 3, 9))
DEEP_SEARCH = replace(SEARCH, sizes=(0, 1, 2, 3), aligns=(1, 2, 4), limits=(0, 3, 7))
DEEP_DOUBLE = replace(DOUBLE, bases=(2, 4, 6, 8, 10, 12), ops=("Reserve", "Remove"))

# Random histories on machines of a few hundred pages, with every operation on offer.
SMALL = Config(
    width=20,
    page_size=16,
    region_bytes=8,
    init_regions=8,
    cache_bytes=4,
    movable_node=True,
    start=(ram(16, 4000, 0), ram(4016, 4000, 1), ram(8192, 8192, 0)),
    bases=(*range(0, 16384, 100), (1 << 20) - 2),
    sizes=(0, 1, 7, 16, 100, 333, 1600, (1 << 20) - 1),
    aligns=(0, 1, 4, 16, 64, 256),
    nids=(-1, 0, 1),
    flags=(HOTPLUG, MIRROR, NOMAP),
    limits=(0, 1, 1000, 5000, 12000, (1 << 20) - 1),
)
REAL = Config(
    start=(
        ram(0x1000, 0x9E000, 0),
        ram(0x100000, 0x7FF00000, 0),
        ram(1 << 32, 1 << 31, 1),
    ),
    can_resize=True,
    bases=(*(0x100000 * i + 0x1000 * (i % 7) for i in range(512)), 1 << 32),
    sizes=(0, 8, 73, 4096, 0x10000, 0x400000, (1 << 64) - 1),
    aligns=(0, 8, 64, 4096, 0x200000),
    nids=(-1, 0, 1),
    flags=(HOTPLUG, NOMAP),
    limits=(0, 1, 0x1000000, 1 << 32, (1 << 64) - 1),
    ops=(
        "Reserve",
        "Free",
        "Add",
        "SetNode",
        "PhysAlloc",
        "AllocTryNid",
        "FindInRange",
        "IsReserved",
        "IsRegion",
        "SetBottomUp",
        "ForEach",
    ),
)


def as_shipped(cfg: Config, quirk: str) -> Config:
    """Return a machine that behaves as real 5.10 in one point."""
    return replace(cfg, quirks=(quirk,))


CONFIGS = {
    "tiny": SETS,
    "tiny-nodes": NODES,
    "tiny-handover": HANDOVER,
    "tiny-flags": FLAGS,
    "tiny-nomap": NO_MAP,
    "tiny-search": SEARCH,
    "tiny-alloc": ALLOC,
    "tiny-mirror": MIRRORED,
    "tiny-resize": RESIZE,
    "tiny-double": DOUBLE,
    "tiny-slab": SLAB,
    "tiny-boot": BOOT,
    "tiny-top": TOP,
    "deep": DEEP_SETS,
    "deep-nomap": DEEP_NO_MAP,
    "deep-search": DEEP_SEARCH,
    "deep-double": DEEP_DOUBLE,
    "small": SMALL,
    "linux": REAL,
    "v5.10-double-into-range": as_shipped(DOUBLE, DOUBLE_INTO_RANGE),
    "v5.10-free-first": as_shipped(DOUBLE, FREE_FIRST),
    "v5.10-trim-total": as_shipped(BOOT, TRIM_KEEPS_TOTAL),
    "v5.10-trim-wraps": as_shipped(TOP, TRIM_WRAPS),
    "v5.10-cap-wraps": as_shipped(TOP, CAP_WRAPS),
}
