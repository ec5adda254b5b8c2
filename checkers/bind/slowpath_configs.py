"""Requests and zones to try on the slow path, by class of request.

All tiny ones are explored completely.  A zone of a few pages stands for a real one: the
marks are 8, 10 and 12 pages, and requests that are let nearer see 6 (harder), 4 (high,
or a victim's) or 3 (both).  Most have few retries; `tiny` has the kernel's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mmoracle.spec.linux import (
    GFP_ATOMIC,
    GFP_HIGHUSER_MOVABLE,
    GFP_KERNEL,
    GFP_NOIO,
    GFP_NOWAIT,
    MAX_COMPACT_RETRIES,
    Gfp,
)
from mmoracle.spec.slowpath.request import (
    COMPACTS_WITHOUT_IO,
    Config,
    Context,
    Nodemask,
    Request,
    Zone,
)

MAYFAIL, NOFAIL, NORETRY = Gfp.RETRY_MAYFAIL, Gfp.NOFAIL, Gfp.NORETRY
THISNODE, NOMEMALLOC = Gfp.THISNODE, Gfp.NOMEMALLOC
GFP_USER, BARRED = GFP_KERNEL | Gfp.HARDWALL, Context.BARRED
FITS, EMPTY = Nodemask.FITS, Nodemask.EMPTY
SOFTIRQ, HARDIRQ = Context.SOFTIRQ, Context.HARDIRQ
RECLAIMS, REALTIME, VICTIM = Context.MEMALLOC, Context.REALTIME, Context.VICTIM
ATOMIC_MOVABLE = GFP_ATOMIC | Gfp.MOVABLE

EVERY_LEVEL = tuple(Zone(free) for free in (0, 1, 3, 4, 5, 6, 7, 8, 9))
HOPELESS, HOPEFUL, CLEAN = Zone(0), Zone(7, 2), Zone(13)
ONE_RESERVED, TWO_RESERVED = Zone(10, highatomic=1), Zone(12, highatomic=2)
DIRTY, HALF_DIRTY = Zone(8, 1, write_pending=1), Zone(7, 2, write_pending=1)


def tiny(requests: tuple[Request, ...], zones: tuple[Zone, ...], **more: Any) -> Config:
    """Return these requests in these zones, with few retries."""
    usual: dict[str, Any] = {"reclaim_retries": 1, "compact_retries": 4}
    return Config(requests=requests, zones=zones, **{**usual, **more})


ATOMIC = tiny(
    (
        Request(1, GFP_KERNEL & ~Gfp.DIRECT_RECLAIM),
        Request(0, GFP_ATOMIC),
        Request(0, GFP_ATOMIC | Gfp.NOWARN),
        Request(0, GFP_ATOMIC | NOMEMALLOC, RECLAIMS),
        Request(0, GFP_ATOMIC | Gfp.MEMALLOC),
        Request(0, GFP_ATOMIC | NOFAIL),
        Request(0, GFP_NOWAIT, REALTIME),
        Request(0, GFP_NOWAIT, REALTIME | HARDIRQ),
        Request(0, GFP_NOWAIT, REALTIME | SOFTIRQ),
        Request(0, GFP_NOWAIT, VICTIM),
        Request(0, GFP_NOWAIT, VICTIM | SOFTIRQ),
        Request(0, GFP_NOWAIT, RECLAIMS | SOFTIRQ),
        Request(0, GFP_NOWAIT, RECLAIMS | HARDIRQ),
        Request(0, GFP_NOWAIT, RECLAIMS | SOFTIRQ | HARDIRQ),
        Request(0, Gfp.NONE, RECLAIMS | VICTIM),
        Request(0, GFP_NOWAIT, nodemask=EMPTY),
        Request(0, GFP_NOWAIT, VICTIM, FITS),
        Request(0, GFP_ATOMIC, nodemask=FITS),
        Request(0, ATOMIC_MOVABLE),
        Request(0, ATOMIC_MOVABLE, Context.NOCMA),
        Request(0, ATOMIC_MOVABLE | Gfp.MEMALLOC),
        Request(1, GFP_ATOMIC),
    ),
    (*EVERY_LEVEL, Zone(5, block=True), ONE_RESERVED),
    cma=True,
)
KERNEL = tiny(
    (
        Request(0, GFP_KERNEL),
        Request(0, GFP_KERNEL | Gfp.ATOMIC, REALTIME),
        Request(0, GFP_KERNEL, VICTIM),
        Request(0, GFP_KERNEL | NOMEMALLOC, VICTIM),
    ),
    (HOPEFUL, HOPELESS, CLEAN, ONE_RESERVED, TWO_RESERVED, DIRTY, HALF_DIRTY),
    kills=1,
    signals=1,
)
EXCUSED = tiny(
    (
        Request(0, GFP_KERNEL | NORETRY),
        Request(0, GFP_KERNEL | MAYFAIL),
        Request(0, GFP_KERNEL | THISNODE),
        Request(0, GFP_KERNEL | Gfp.DMA),
        Request(0, GFP_KERNEL | Gfp.DMA32),
        Request(0, GFP_KERNEL, Context.DUMPCORE),
        Request(0, GFP_KERNEL, Context.SUSPENDED),
        Request(0, GFP_KERNEL, RECLAIMS),
        Request(0, GFP_KERNEL | NOMEMALLOC, RECLAIMS),
        Request(0, GFP_KERNEL | NOMEMALLOC),
    ),
    (HOPELESS, HOPEFUL, ONE_RESERVED),
    kills=1,
)
MUST = tiny(
    (
        Request(0, GFP_KERNEL | NOFAIL),
        Request(0, GFP_KERNEL | NOFAIL | NORETRY),
        Request(0, GFP_KERNEL | NOFAIL | MAYFAIL),
        Request(0, GFP_KERNEL | NOFAIL, RECLAIMS),
        Request(0, GFP_KERNEL | NOFAIL | NOMEMALLOC, VICTIM),
        Request(4, GFP_KERNEL | NOFAIL),
    ),
    (HOPELESS, Zone(7), Zone(8, 1), Zone(24, block=True)),
    kills=1,
    reclaim_retries=0,
)
BLOCKS = tiny(
    (
        Request(1, GFP_KERNEL),
        Request(1, GFP_HIGHUSER_MOVABLE),
        Request(1, GFP_KERNEL | NORETRY),
        Request(1, GFP_NOIO),
        Request(3, GFP_KERNEL),
    ),
    (Zone(13, 2), Zone(11, 2), Zone(11, 1), Zone(16, block=True)),
    compact_retries=1,
    reclaim_retries=0,
)
AGAIN = tiny(
    (Request(1, GFP_HIGHUSER_MOVABLE),),
    (Zone(13, 4),),
    compact_retries=1,
    reclaim_retries=0,
)
COSTLY = tiny(
    (
        Request(4, GFP_KERNEL),
        Request(4, GFP_KERNEL | NORETRY),
        Request(4, GFP_HIGHUSER_MOVABLE | NORETRY | THISNODE),
        Request(4, GFP_KERNEL, RECLAIMS),
        Request(4, GFP_KERNEL | NOMEMALLOC, RECLAIMS),
        Request(4, GFP_NOIO),
    ),
    (Zone(45), Zone(44), Zone(41, 5), Zone(40, 3), Zone(24, block=True)),
    block_pages=16,
)
PATIENT = replace(
    COSTLY,
    requests=(Request(4, GFP_KERNEL | MAYFAIL), Request(4, GFP_NOIO | MAYFAIL)),
)
WITHOUT = tiny(
    (
        Request(0, GFP_KERNEL),
        Request(1, GFP_KERNEL),
        Request(1, GFP_KERNEL, REALTIME),
        Request(1, GFP_KERNEL | NORETRY),
        Request(4, GFP_KERNEL | MAYFAIL),
    ),
    (
        Zone(0),
        Zone(8, 2),
        Zone(7, 2),
        Zone(10, block=True),
        Zone(12, 1, highatomic=1),
    ),
    compaction=False,
    reserve=1,
    kills=1,
)
CHANGES = tiny(
    (
        Request(0, GFP_KERNEL),
        Request(0, GFP_KERNEL, nodemask=FITS),
        Request(0, GFP_KERNEL, nodemask=EMPTY),
        Request(0, GFP_ATOMIC, nodemask=FITS),
        Request(0, GFP_KERNEL | NOFAIL, nodemask=EMPTY),
        Request(1, GFP_HIGHUSER_MOVABLE),
    ),
    (HOPELESS, HOPEFUL, Zone(13, 1)),
    cpusets=True,
    hotremove=True,
    changes=1,
)
INSANE = tiny(  # the zones of the request are outside of its cpuset
    (
        Request(0, GFP_USER, BARRED),
        Request(0, GFP_USER, BARRED, FITS),
        Request(0, GFP_USER, BARRED | VICTIM),
        Request(0, GFP_USER | NOFAIL, BARRED),
        Request(0, GFP_USER),
        Request(0, GFP_KERNEL, BARRED),
        Request(0, GFP_ATOMIC | Gfp.HARDWALL, BARRED),
    ),
    (HOPELESS, CLEAN, Zone(7, 1)),
    cpusets=True,
    hotremove=True,
    changes=1,
    reclaim_retries=0,
)
FREE = tiny(  # nothing is reclaimable, or is after one reclaim: free pages count twice
    (
        Request(0, GFP_KERNEL),
        Request(1, GFP_HIGHUSER_MOVABLE),
        Request(3, GFP_KERNEL),
    ),
    (
        Zone(4),  # twice 4 is at the mark, twice 5 is above it
        Zone(5),
        Zone(3, 1),
        Zone(4, 1),
        Zone(5, write_pending=2),
        Zone(5, write_pending=3),
        Zone(6, 1),  # compaction of 2 pages needs more than 12
        Zone(17, 1),  # of 8 more than 24, and a 3rd of what is free is added
        Zone(18, 1),
    ),
    compact_retries=1,
)

CLASSES = (
    ATOMIC,
    KERNEL,
    EXCUSED,
    MUST,
    BLOCKS,
    COSTLY,
    PATIENT,
    CHANGES,
    INSANE,
    FREE,
)
EVERYTHING = Config(  # a zone of 512 MiB, and whatever may happen to a request
    requests=(
        Request(0, GFP_ATOMIC),
        Request(0, GFP_KERNEL),
        Request(0, GFP_KERNEL, VICTIM),
        Request(0, GFP_KERNEL, RECLAIMS),
        Request(0, GFP_KERNEL | NOFAIL, nodemask=FITS),
        Request(2, GFP_KERNEL),
        Request(3, GFP_HIGHUSER_MOVABLE),
        Request(9, GFP_HIGHUSER_MOVABLE | Gfp.NOWARN | NORETRY | THISNODE),
        Request(9, GFP_KERNEL | MAYFAIL),
        Request(10, GFP_NOIO | MAYFAIL),
        Request(0, GFP_USER, BARRED),
    ),
    zones=(
        Zone(0),
        Zone(724, 320),
        Zone(1300, 640, highatomic=1),
        Zone(2200, 96, highatomic=2),
        Zone(3300, 96, write_pending=64, block=True),
    ),
    marks=(724, 905, 1086),
    cluster=32,
    block_pages=512,
    cpusets=True,
    hotremove=True,
    cma=True,
    changes=2,
    kills=2,
    signals=1,
)

CONFIGS: dict[str, Config] = {
    "tiny": Config(
        requests=(Request(0, GFP_KERNEL), Request(4, GFP_KERNEL | MAYFAIL)),
        zones=(Zone(8, 1), Zone(45), Zone(24, block=True)),
    ),
    "tiny-atomic": ATOMIC,
    "tiny-kernel": KERNEL,
    "tiny-excused": EXCUSED,
    "tiny-nofail": MUST,
    "tiny-blocks": BLOCKS,
    "tiny-again": AGAIN,
    "tiny-costly": COSTLY,
    "tiny-mayfail": PATIENT,
    "tiny-nocompaction": WITHOUT,
    "tiny-changes": CHANGES,
    "tiny-insane": INSANE,
    "tiny-free": FREE,
    "tiny-free-5.10.232": replace(FREE, counts_free=False),
    "tiny-less": replace(KERNEL, requests=KERNEL.requests[:1], patience="less"),
    "small": replace(
        EVERYTHING,
        requests=tuple(request for each in CLASSES for request in each.requests),
        zones=tuple(zone for each in CLASSES for zone in each.zones),
        marks=ATOMIC.marks,
        cluster=4,
        block_pages=2,
    ),
    "small-nocompaction": replace(EVERYTHING, compaction=False),
    "linux": EVERYTHING,
    "deep-blocks": tiny(  # as often as the kernel compacts at one priority
        (Request(1, GFP_HIGHUSER_MOVABLE),),
        (Zone(13, 20),),
        compact_retries=MAX_COMPACT_RETRIES,
    ),
    "v5.10-costly-noio": tiny(
        (Request(4, GFP_NOIO | MAYFAIL), Request(4, GFP_KERNEL | MAYFAIL)),
        (Zone(45), Zone(40, 3)),
        reclaim_retries=0,
        quirks=(COMPACTS_WITHOUT_IO,),
    ),
}
