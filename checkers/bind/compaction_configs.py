"""The sizes at which compaction is checked.

A zone of three page blocks of four pages, orders 0 to 3: each configuration gives one
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
STEPS = (
    "Lay",
    "BeginZone",
    "Finished",
    "IsolateMigratepages",
    "IsolateFreepages",
    "MigratePage",
    "Settle",
    "EndZone",
    "Return",
)
RUN = (*STEPS, "TryToCompact")
QUESTIONS = ("Lay", "Suitable", "FragmentationIndex")
DEFERRAL = ("Lay", "Deferred", "Defer", "DeferReset", "Restarting", "Served")
THREAD = (*STEPS, "WakeupKcompactd", "Kcompactd")

LEVELS = (
    AllocFlags.NONE,
    AllocFlags.WMARK_LOW,
    AllocFlags.HARDER | AllocFlags.WMARK_HIGH,
)

TINY = Config(
    zones=(Span(4, 16),),
    orders=4,
    pageblock_order=2,
    costly_order=1,
    cluster=2,
    defer_max=1,
    threshold=0,
    patterns=("Mmf", "Mfum*", "Mm*", "Mu*"),
    gfps=(GFP_HIGHUSER_MOVABLE,),
    prios=(LIGHT,),
    asked=(1,),
    ops=RUN,
)
LARGE = replace(TINY, asked=(2,), cluster=1, patterns=("Mmfff", "Mffmf", "Mffff"))
# The MIN mark stands above the LOW one, as it would if others had taken pages since.
MARKS = replace(
    LARGE, zones=(Span(4, 20),), patterns=("Mmfff", "Muf"), marks=((10, 1, 1),)
)


def pair(first: int, border: int, end: int) -> Config:
    """Return two zones that meet at a frame."""
    return replace(
        TINY,
        zones=(Span(first, border), Span(border, end)),
        marks=((0, 0, 0),) * 2,
        reserve=((0, 0),) * 2,
    )


SMALL = replace(
    TINY,
    zones=(Span(12, 60), Span(60, 140)),
    orders=6,
    pageblock_order=3,
    costly_order=2,
    cluster=4,
    defer_max=6,
    threshold=500,
    marks=((1, 2, 3), (2, 3, 4)),
    reserve=((0, 2), (0, 0)),
    high=6,
    batch=3,
    has_cma=True,
    patterns=("Mmf", "Mfffm", "Umf", "Rmfuz", "Amf", "MCcfm", "Mfmbe", "Mf*", "Mm*"),
    runs=1 << 16,
    asked=(1, 2, 3),
    gfps=(GFP_KERNEL, GFP_NOFS, GFP_HIGHUSER_MOVABLE, RECLAIMABLE),
    prios=(FULL, LIGHT, ASYNC),
    flags=LEVELS,
    taken=(0, 1, 3),
    ops=(),
)
CONFIGS = {
    "tiny": replace(
        TINY, patterns=("Mmf", "Mu*"), ops=(*RUN, *QUESTIONS, "Restarting")
    ),
    "tiny-run": TINY,
    "tiny-large": LARGE,
    "tiny-rescan": replace(LARGE, costly_order=3, patterns=("Mmfff", "Mffmf")),
    "tiny-full": replace(
        TINY, prios=(FULL,), asked=(1, 2), patterns=("Umf", "Mfzue", "Uffmf")
    ),
    "tiny-files": replace(
        TINY,
        gfps=(GFP_NOFS, GFP_NOIO, GFP_HIGHUSER_MOVABLE),
        patterns=("Mefbf", "Mefef", "Mfzfb"),
        batch=1,
        high=2,
    ),
    "tiny-async": replace(TINY, prios=(ASYNC,), patterns=("Mmf", "Mbfmf", "Uuf")),
    "tiny-async-large": replace(
        LARGE,
        prios=(ASYNC,),
        patterns=("Mffmf", "Ufmff"),
        gfps=(GFP_KERNEL, GFP_HIGHUSER_MOVABLE),
    ),
    "tiny-steal": replace(
        TINY, patterns=("Mmf", "Ufm"), gfps=(GFP_KERNEL, RECLAIMABLE)
    ),
    "tiny-again": replace(
        TINY, runs=3, patterns=("Mmf", "Mu*"), ops=(*RUN, "ResetIsolation", "Served")
    ),
    "tiny-again-large": replace(
        LARGE, runs=3, patterns=("Mmfff", "Mffmf"), ops=(*RUN, "ResetIsolation")
    ),
    "tiny-capture": replace(
        TINY,
        patterns=("UCcmf", "Ufm*"),
        gfps=(GFP_KERNEL,),
        high=2,
        ops=(*RUN, "Free"),
    ),
    "tiny-kill": replace(TINY, patterns=("Mmf", "Mm*"), ops=(*RUN, "Kill")),
    "tiny-others": replace(
        TINY,
        zones=(Span(4, 14),),
        prios=(ASYNC,),
        patterns=("Mfm",),
        ops=(*RUN, "Take"),
    ),
    "tiny-drain": replace(TINY, patterns=("Mfm", "Mu*"), ops=(*RUN, "Drain")),
    "tiny-zones": replace(
        pair(4, 14, 24), patterns=("Mmf", "Muf"), layouts=(1, 2, 3, 5, 9, 17)
    ),
    "tiny-edge": replace(
        pair(4, 10, 22), patterns=("Mfm", "Ufm", "Mmf"), layouts=(1, 13, 118, 121, 202)
    ),
    "tiny-kcompactd": replace(
        TINY, runs=2, defer_max=2, patterns=("Mmf", "Umf", "Mu*"), ops=THREAD
    ),
    "tiny-hurry": replace(pair(4, 14, 24), prios=(ASYNC,), patterns=("Muf",)),
    "tiny-kcompactd-zones": replace(
        pair(4, 14, 24), patterns=("Muf",), asked=(1, 2), ops=THREAD
    ),
    "tiny-thick": replace(  # a pair in a page block of 16 is not worth a theft
        TINY,
        zones=(Span(16, 64),),
        orders=6,
        pageblock_order=4,
        patterns=("Umfu*", "Mfu"),
        layouts=(6,),
        ops=(*RUN, "Drain"),
    ),
    "tiny-async-types": replace(
        TINY, zones=(Span(4, 20),), prios=(ASYNC,), patterns=("Mm*", "Ufu")
    ),
    "tiny-whole": replace(  # every other page block is one free block
        TINY,
        zones=(Span(4, 40),),
        costly_order=3,
        prios=(ASYNC,),
        asked=(3,),
        patterns=("Mf*", "Mm*", "Mu*"),
        layouts=(4917,),
    ),
    "tiny-far": replace(
        LARGE,
        zones=(Span(4, 36),),
        patterns=("Mffmf", "Mmfff"),
        layouts=(0, 85, 170, 255),
    ),
    "tiny-async-cma": replace(
        TINY,
        zones=(Span(4, 20),),
        has_cma=True,
        runs=2,
        prios=(LIGHT, ASYNC),
        patterns=("Muum*", "Amf", "Afm"),
        layouts=(48, 66),
    ),
    "tiny-cma": replace(TINY, has_cma=True, patterns=("Amf", "Mfm", "Auf")),
    "tiny-part": replace(  # compound pages that fill half a page block
        TINY,
        zones=(Span(4, 20),),
        patterns=("Mmf", "MCcmf", "MmfCc"),
        layouts=(1, 54),
        runs=2,
        ops=(*RUN, "ResetIsolation"),
    ),
    "tiny-free": replace(  # freed pages go to the lists at once
        TINY,
        zones=(Span(4, 12),),
        patterns=("Umf", "Umfuf"),
        layouts=(1, 2),
        gfps=(GFP_KERNEL,),
        prios=(FULL,),
        high=1,
        ops=(*RUN, "Free"),
    ),
    "tiny-keeps-types": replace(  # only ordinary page blocks become movable
        LARGE,
        has_cma=True,
        prios=(FULL,),
        gfps=(GFP_KERNEL, GFP_HIGHUSER_MOVABLE),
        patterns=("Hfffm", "Afffm", "Mmfff"),
        layouts=(1, 2, 7, 9, 14, 17, 22),
    ),
    "tiny-kill-zones": replace(
        pair(4, 12, 20), patterns=("Mmf", "Muf"), layouts=(1, 4, 5), ops=(*RUN, "Kill")
    ),
    "tiny-steal-pair": replace(  # a pair of another type is worth a theft
        TINY,
        patterns=("Mfu", "Uffum"),
        layouts=(1, 2, 4),
        marks=((0, 0, 40),),
        flags=(AllocFlags.WMARK_HIGH,),
    ),
    "tiny-singles": replace(  # low on fragmentation, yet of no costly order
        TINY,
        zones=(Span(4, 20),),
        patterns=("Mfu",),
        marks=((1, 2, 3),),
        threshold=500,
        asked=(0, 1, 2, 3),
        flags=LEVELS,
        ops=QUESTIONS,
    ),
    "tiny-suitable": replace(
        TINY,
        zones=(Span(4, 20),),
        patterns=("Mffmf", "Ufffu", "Mfum*", "Hf*"),
        layouts=(171, *range(0, 256, 7)),
        marks=((1, 2, 3),),
        reserve=((1,),),
        threshold=500,
        asked=(0, 1, 2, 3),
        flags=LEVELS,
        ops=QUESTIONS,
    ),
    "tiny-deferral": replace(
        TINY,
        zones=(Span(4, 8),),
        patterns=("Mu*",),
        defer_max=6,
        asked=(0, 1, 2),
        ops=DEFERRAL,
    ),
    "tiny-marks": MARKS,
    "tiny-keeps-high-pfn": replace(MARKS, quirks=(KEEPS_HIGH_PFN,)),
    "v5.10-starts-below": replace(
        pair(4, 10, 22), patterns=("Mfm", "Ufm"), layouts=(29,), quirks=(STARTS_BELOW,)
    ),
    "v5.10-loses-captured": replace(
        TINY,
        patterns=("UCcuf",),
        gfps=(GFP_KERNEL,),
        ops=(*RUN, "Free"),
        quirks=(LOSES_CAPTURED,),
    ),
    "small": replace(SMALL, ops=(*DEFERRAL, *QUESTIONS, "Free", "Drain")),
    "small-runs": SMALL,
    "linux": Config(
        zones=(Span(0x1000, 0x9000),),
        marks=((362, 452, 542),),
        high=378,
        batch=63,
        patterns=("M" + "m" * 64 + "f" * 64, "Mf*", "Mm*", "U" + "u" * 32 + "f" * 32),
        runs=1 << 16,
        asked=(4, 9),
        gfps=(GFP_KERNEL, GFP_HIGHUSER_MOVABLE),
        prios=(FULL, LIGHT, ASYNC),
        flags=LEVELS,
    ),
}
