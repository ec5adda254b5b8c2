"""The sizes at which compaction is checked.

A zone of four page blocks of four pages, orders 0 to 3: each configuration gives one
part of compaction room, and the others as little as that part needs.
"""

from __future__ import annotations

from dataclasses import replace

from mmoracle.spec.buddy.zones import Span
from mmoracle.spec.compaction.parts import (
    KEEPS_HIGH_PFN,
    LOSES_CAPTURED,
    STARTS_BELOW,
    Config,
)
from mmoracle.spec.linux import (
    GFP_HIGHUSER_MOVABLE,
    GFP_KERNEL,
    GFP_NOFS,
    GFP_NOIO,
    AllocFlags,
    CompactPriority,
    Gfp,
)

FULL, LIGHT, ASYNC = CompactPriority
RECLAIMABLE = GFP_KERNEL | Gfp.RECLAIMABLE
RUN = (
    "Lay",
    "TryToCompact",
    "BeginZone",
    "Finished",
    "IsolateMigratepages",
    "IsolateFreepages",
    "MigratePage",
    "Settle",
    "EndZone",
    "Return",
)
DEFERRAL = (
    "Lay",
    "Deferred",
    "Defer",
    "DeferReset",
    "Restarting",
    "Served",
)

TINY = Config(
    zones=(Span(4, 20),),
    orders=4,
    pageblock_order=2,
    costly_order=1,
    cluster=2,
    defer_max=1,
    threshold=0,
    patterns=("Mmf", "Mfmmf"),
    gfps=(GFP_HIGHUSER_MOVABLE,),
    prios=(LIGHT,),
    asked=(1,),
    ops=RUN,
)
CONFIGS = {
    "tiny": replace(TINY, patterns=("Mmf", "Mfumm")),
    "tiny-large": replace(TINY, asked=(2,), patterns=("Mmfff", "Mffmf")),
    "tiny-full": replace(TINY, prios=(FULL,), patterns=("Umf", "Mfzue", "Mmb*")),
    "tiny-async": replace(
        TINY,
        prios=(ASYNC,),
        patterns=("Mmf", "Mbfmf"),
        gfps=(GFP_KERNEL, GFP_HIGHUSER_MOVABLE),
    ),
    "tiny-deferral": replace(
        TINY,
        zones=(Span(4, 8),),
        patterns=("Mu*",),
        defer_max=6,
        asked=(0, 1, 2),
        ops=DEFERRAL,
    ),
}
