"""The page allocator's operations, all in one place, and where a machine begins.

Source: mm/page_alloc.c, mm/page_isolation.c (v5.10).
"""

from __future__ import annotations

from dataclasses import replace

from ..linux import MIGRATE_MOVABLE
from .alloc import AllocExact, AllocPages
from .free import (
    FreeCommit,
    FreeCore,
    FreePages,
    FreePrepare,
    FreeReserved,
    release,
)
from .manage import (
    Drain,
    GetPage,
    Isolate,
    SetPrivate,
    SetupPagesets,
    SplitPage,
    TakePageOff,
    Unisolate,
    Unreserve,
)
from .pcp import real_pageset
from .zones import Config, Memory, Pageset, Zone, with_zone

OPS = (
    AllocPages,
    AllocExact,
    FreePages,
    FreePrepare,
    FreeCommit,
    FreeReserved,
    FreeCore,
    GetPage,
    SplitPage,
    SetPrivate,
    Drain,
    SetupPagesets,
    Isolate,
    Unisolate,
    Unreserve,
    TakePageOff,
)


def empty(cfg: Config) -> Memory:
    """Return the zones before any frame was released to them."""
    lists = ((),) * cfg.migrate_types
    zone = Zone(
        free=(lists,) * cfg.orders,
        nr_free=(0,) * cfg.orders,
        pagesets=(Pageset(),) * cfg.cpus,
    )
    last = max(z.end for z in cfg.zones) - 1
    blocks = (last >> cfg.pageblock_order) - cfg.first_block + 1
    rest = (MIGRATE_MOVABLE,) * (blocks - len(cfg.blocks))
    return Memory(zones=(zone,) * len(cfg.zones), types=(*cfg.blocks, *rest))


def initial(cfg: Config) -> Memory:
    """Return the zones with `cfg.start` released, less what a zone keeps for itself."""
    s = empty(cfg)
    kept = [range(z.start, z.start + cfg.metadata) for z in cfg.zones]
    for span in cfg.start or cfg.zones:
        start = span.start
        while any(start in each for each in kept):
            start += 1
        s = release(cfg, s, start, span.end)
    for at, zone in enumerate(s.zones):
        if cfg.booted:
            real = (real_pageset(cfg, zone.managed),) * cfg.cpus
            s = with_zone(s, at, replace(zone, pagesets=real))
    return s
