"""The page allocators to try: tiny ones explored completely, real sizes at random.

Each tiny one looks at a few operations, so that together they reach every witness while
each stays small.  `tiny-any` and its kin explore every answer that an allocator other
than Linux may give.  All follow the `fixed` profile; those named `v5.10` have one of
the behaviours of real 5.10 that break a law, and exploring them finds it again.

Where page blocks are reserved or are CMA's, a page block is a largest block: areas of
CMA are aligned so, and giving a reserve up merges nothing.  A reserved page block may
be isolated in 5.10, which miscounts the reserve; none of these machines does both.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mmoracle.spec.buddy.zones import (
    COUNTS_TAKEN,
    KEEPS_PRIVATE,
    MERGES_RESERVED,
    Config,
    Span,
)
from mmoracle.spec.linux import (
    MIGRATE_HIGHATOMIC,
    MIGRATE_MOVABLE,
    MIGRATE_RECLAIMABLE,
    MIGRATE_UNMOVABLE,
    AllocFlags,
)

NONE, HARDER, CMA = AllocFlags.NONE, AllocFlags.HARDER, AllocFlags.CMA
NOFRAGMENT, KSWAPD = AllocFlags.NOFRAGMENT, AllocFlags.KSWAPD
UM = (MIGRATE_UNMOVABLE, MIGRATE_MOVABLE)
UMR = (*UM, MIGRATE_RECLAIMABLE)
MIGRATE_CMA = MIGRATE_HIGHATOMIC + 1
BOTH = ("AllocPages", "FreePages")
ISOLATION = (*BOTH, "Isolate", "Unisolate")
LISTED = ("FreePrepare", "FreeCommit")
OWNERS = ("AllocExact", "GetPage", "SplitPage", "SetPrivate")


def tiny(pages: int, **fields: Any) -> Config:
    """Return one zone of so many pages, whose largest block is all of it."""
    order = (pages - 1).bit_length()
    usual = {
        "zones": (Span(0, pages),),
        "orders": order + 1,
        "pageblock_order": order,
        "ops": ("AllocPages", "FreePages"),
    }
    return Config(**{**usual, **fields})


LISTS = tiny(8)
ANY = tiny(8, picks="any")

# Zones, and what owners do.
ZONES = tiny(
    8,
    zones=(Span(1, 5), Span(5, 8)),
    holes=(Span(2, 3),),
    start=(Span(1, 2), Span(5, 7)),
    orders=3,
    pageblock_order=2,
    ops=(*BOTH, "FreeCore", "FreeReserved"),
)
HELD = tiny(
    4, compound=(False, True), ops=(*BOTH, "GetPage", "SplitPage", "AllocExact")
)
HELD_PCP = tiny(4, cpus=1, high=2, batch=2, ops=(*BOTH, "GetPage", "AllocExact"))
PRIVATE = tiny(4, ops=(*BOTH, "SetPrivate"))
TAKEN = tiny(4, ops=(*BOTH, "TakePageOff"))
GUARDS = tiny(8, guard_minorder=1)
GUARDS_TAKEN = tiny(
    4, guard_minorder=1, pageblock_order=1, types=UM, ops=(*BOTH, "TakePageOff")
)

# Pagesets.
PCP = tiny(
    4,
    cpus=1,
    high=3,
    batch=2,
    booted=False,
    sizes=(0, 1),
    ops=(*BOTH, "SetupPagesets", "Drain"),
)
PCP_LIST = tiny(
    4,
    start=(Span(0, 3),),
    cpus=1,
    high=2,
    batch=1,
    sizes=(0, 1),
    ops=(*BOTH, *LISTED, "FreeReserved"),
)
PCP_CPUS = tiny(4, cpus=2, high=2, batch=1, sizes=(0,), ops=(*BOTH, "Drain"))

# Migrate types.
TYPES = tiny(
    4,
    pageblock_order=1,
    types=UM,
    sizes=(0, 1),
    cpus=1,
    high=3,
    batch=2,
    ops=(*BOTH, "Drain"),
)
STEAL = tiny(4, types=UMR, sizes=(0, 1))
NO_FRAGMENT = tiny(
    4, pageblock_order=1, types=UM, sizes=(0, 1, 2), flags=(NONE, NOFRAGMENT)
)
NO_GROUPS = tiny(4, types=UM, sizes=(0, 1), grouping=False)
BOOST = tiny(
    8,
    pageblock_order=1,
    types=UM,
    sizes=(0, 2),
    flags=(NONE, KSWAPD),
    high_wmark=2,
    cpus=1,
    high=2,
    batch=2,
    ops=("AllocPages", "Drain"),
)
RESERVE = tiny(
    8,
    orders=3,
    pageblock_order=2,
    types=UM,
    sizes=(1,),
    flags=(NONE, HARDER),
    ops=(*BOTH, "Unreserve"),
)
RESERVE_PCP = tiny(
    4,
    orders=2,
    pageblock_order=1,
    sizes=(0, 1),
    flags=(NONE, HARDER),
    cpus=1,
    high=2,
    batch=1,
    ops=(*BOTH, "Unreserve"),
)
# No page block lies in the zone as a whole.
EDGES = replace(RESERVE, zones=(Span(2, 6),), sizes=(0, 1))
CMA_HALF = tiny(
    4,
    start=(Span(0, 2), Span(2, 4)),
    orders=2,
    pageblock_order=1,
    has_cma=True,
    blocks=(MIGRATE_MOVABLE, MIGRATE_CMA),
    sizes=(0, 1),
    flags=(NONE, CMA),
    cpus=1,
    high=2,
    batch=1,
    ops=ISOLATION,
)

# Isolation.
ISOLATE = tiny(4, pageblock_order=1, types=UM, ops=ISOLATION)
ISOLATE_LARGE = tiny(8, pageblock_order=1, sizes=(1, 2, 3), ops=ISOLATION)
ISOLATE_HELD = tiny(
    4,
    pageblock_order=1,
    sizes=(1, 2),
    compound=(False, True),
    ops=(*ISOLATION, "GetPage", "SplitPage"),
)
ISOLATE_PCP = tiny(
    4, pageblock_order=1, sizes=(0,), cpus=1, high=2, batch=1, ops=ISOLATION
)
ISOLATE_LIST = replace(ISOLATE_PCP, start=(Span(0, 3),), ops=(*ISOLATION, *LISTED))

# Allocators other than Linux.
LOWEST = tiny(8, picks="lowest")
HIGHEST = tiny(6, picks="highest")
LAZY = tiny(6, picks="any", merging="lazy")
OTHER = tiny(16, picks="any", metadata=2, min_order=1, fails="freely")

# The slow tier: the same, a size larger.
DEEP_TYPES = tiny(
    5,
    orders=3,
    pageblock_order=1,
    types=UM,
    sizes=(0, 1),
    cpus=1,
    high=2,
    batch=2,
)
DEEP_ISOLATE = replace(ISOLATE_PCP, ops=(*ISOLATION, *LISTED))

# Random histories on zones of a few hundred frames, and of real sizes.
SMALL = Config(
    zones=(Span(3, 200), Span(200, 1000)),
    holes=(Span(50, 60), Span(400, 480)),
    start=(Span(3, 50), Span(64, 200), Span(200, 400), Span(512, 960)),
    orders=8,
    pageblock_order=5,
    cpus=2,
    high=4,
    batch=2,
    types=UMR,
    exact=(1, 3, 5, 100),
    flags=(NONE, NOFRAGMENT, KSWAPD),
    high_wmark=64,
    ops=(
        *ISOLATION,
        *LISTED,
        "AllocExact",
        "SplitPage",
        "FreeCore",
        "FreeReserved",
        "Drain",
    ),
)
SMALL_RESERVE = Config(
    zones=(Span(0, 512),),
    orders=6,
    pageblock_order=5,
    cpus=2,
    high=6,
    batch=2,
    types=UMR,
    flags=(NONE, HARDER, HARDER | KSWAPD),
    high_wmark=32,
    most_refs=3,
    compound=(False, True),
    ops=(*BOTH, *OWNERS, "Drain", "SetupPagesets", "Unreserve", "TakePageOff"),
)
SMALL_CMA = Config(
    zones=(Span(0, 256),),
    start=(Span(0, 128), Span(128, 256)),
    blocks=(MIGRATE_MOVABLE,) * 4 + (MIGRATE_CMA,) * 4,
    orders=6,
    pageblock_order=5,
    cpus=1,
    high=6,
    batch=3,
    types=UM,
    has_cma=True,
    flags=(NONE, CMA),
    ops=(*ISOLATION, *LISTED, "AllocExact"),
)
SMALL_ANY = Config(
    zones=(Span(0, 64), Span(64, 128)),
    orders=6,
    pageblock_order=5,
    compound=(False, True),
    picks="any",
    metadata=4,
    min_order=1,
    fails="freely",
    ops=(*BOTH, "AllocExact", "GetPage"),
)
REAL = Config(
    zones=(Span(1, 4096), Span(4096, 1 << 15)),
    holes=(Span(159, 256),),
    start=(Span(1, 159), Span(256, 4096), Span(4096, 32000)),
    cpus=2,
    types=UMR,
    exact=(3, 100),
    flags=(NONE, NOFRAGMENT, KSWAPD),
    compound=(False, True),
    high_wmark=192,
    ops=(*ISOLATION, *LISTED, *OWNERS, "FreeReserved", "Drain"),
)
REAL_RESERVE = replace(
    REAL,
    pageblock_order=10,
    flags=(NONE, HARDER, HARDER | NOFRAGMENT | KSWAPD),
    ops=(*BOTH, *LISTED, *OWNERS, "FreeReserved", "Drain", "Unreserve"),
)


def as_shipped(cfg: Config, quirk: str) -> Config:
    """Return a machine that behaves as real 5.10 in one point."""
    return replace(cfg, quirks=(quirk,))


MERGED = tiny(4, pageblock_order=1, types=UM, sizes=(0, 1), flags=(NONE, HARDER))

CONFIGS = {
    "tiny": LISTS,
    "tiny-any": ANY,
    "tiny-sets": tiny(16, picks="any"),  # 458,330 states, composed of halves
    "tiny-lowest": LOWEST,
    "tiny-highest": HIGHEST,
    "tiny-lazy": LAZY,
    "tiny-other": OTHER,
    "tiny-zones": ZONES,
    "tiny-held": HELD,
    "tiny-held-pcp": HELD_PCP,
    "tiny-private": PRIVATE,
    "tiny-taken": TAKEN,
    "tiny-guards": GUARDS,
    "tiny-guards-taken": GUARDS_TAKEN,
    "tiny-pcp": PCP,
    "tiny-pcp-list": PCP_LIST,
    "tiny-pcp-cpus": PCP_CPUS,
    "tiny-types": TYPES,
    "tiny-steal": STEAL,
    "tiny-nofragment": NO_FRAGMENT,
    "tiny-nogroups": NO_GROUPS,
    "tiny-boost": BOOST,
    "tiny-reserve": RESERVE,
    "tiny-reserve-pcp": RESERVE_PCP,
    "tiny-edges": EDGES,
    "tiny-cma": CMA_HALF,
    "tiny-isolate": ISOLATE,
    "tiny-isolate-large": ISOLATE_LARGE,
    "tiny-isolate-held": ISOLATE_HELD,
    "tiny-isolate-pcp": ISOLATE_PCP,
    "tiny-isolate-list": ISOLATE_LIST,
    "deep-sets": tiny(32, picks="any", symmetric=True),  # 2,598,061, likewise
    "deep-types": DEEP_TYPES,
    "deep-isolate": DEEP_ISOLATE,
    "small": SMALL,
    "small-reserve": SMALL_RESERVE,
    "small-cma": SMALL_CMA,
    "small-any": SMALL_ANY,
    "linux": REAL,
    "linux-reserve": REAL_RESERVE,
    "v5.10-merges-reserved": as_shipped(MERGED, MERGES_RESERVED),
    "v5.10-keeps-private": as_shipped(PRIVATE, KEEPS_PRIVATE),
    "v5.10-counts-taken": as_shipped(TAKEN, COUNTS_TAKEN),
}
