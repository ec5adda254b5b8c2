"""Page blocks have a type; a request whose lists are empty takes from another's.

Taking a large block, or most of a page block, changes its type, so that pages of one
kind stay together.

Source: mm/page_alloc.c:__rmqueue_fallback, steal_suitable_fallback (v5.10).
"""

from __future__ import annotations

from dataclasses import replace

from ..linux import (
    MIGRATE_HIGHATOMIC,
    MIGRATE_MOVABLE,
    MIGRATE_RECLAIMABLE,
    MIGRATE_UNMOVABLE,
    AllocFlags,
)
from .blocks import move, rmqueue_smallest
from .zones import (
    Config,
    Event,
    Locked,
    Memory,
    Stole,
    Zone,
    frames_from,
    free_blocks,
    type_of,
    with_type,
    with_zone,
)

FALLBACKS = {
    MIGRATE_UNMOVABLE: (MIGRATE_RECLAIMABLE, MIGRATE_MOVABLE),
    MIGRATE_MOVABLE: (MIGRATE_RECLAIMABLE, MIGRATE_UNMOVABLE),
    MIGRATE_RECLAIMABLE: (MIGRATE_UNMOVABLE, MIGRATE_MOVABLE),
}

Entry = tuple[int, int]  # a page and the type of the list it was taken from
Taken = tuple[Memory, Entry | None, tuple[Event, ...]]


def can_steal_fallback(cfg: Config, order: int, start: int) -> bool:
    """Say whether the rest of the page block may be taken along."""
    return (
        order >= cfg.pageblock_order // 2
        or start in (MIGRATE_RECLAIMABLE, MIGRATE_UNMOVABLE)
        or not cfg.grouping
    )


def find_suitable_fallback(zone: Zone, order: int, start: int) -> int | None:
    """Return the first type in order of preference that has a block of an order."""
    return next((mt for mt in FALLBACKS[start] if zone.free[order][mt]), None)


def fallback_block(
    cfg: Config, zone: Zone, order: int, start: int, flags: AllocFlags
) -> tuple[int, int] | None:
    """Return (order, type) of the list to take from: the largest, as a rule.

    A movable request that would leave the rest of a page block behind takes the
    smallest one instead.
    """
    least = cfg.pageblock_order if AllocFlags.NOFRAGMENT in flags else order
    for high in range(cfg.max_order, least - 1, -1):
        mt = find_suitable_fallback(zone, high, start)
        if mt is None:
            continue
        if start == MIGRATE_MOVABLE and not can_steal_fallback(cfg, high, start):
            orders = range(order, cfg.orders)
            options = ((o, find_suitable_fallback(zone, o, start)) for o in orders)
            return next((o, mt) for o, mt in options if mt is not None)
        return high, mt
    return None


def move_freepages_block(
    cfg: Config, s: Memory, at: int, pfn: int, mt: int
) -> tuple[Memory, int]:
    """Take the free blocks of a page block to a type's lists; return their frames.

    Nothing moves where the page block ends behind the zone.
    """
    span = cfg.zones[at]
    start = pfn & ~(cfg.block_pages - 1)
    end = start + cfg.block_pages
    if end > span.end:
        return s, 0
    if start < span.start:
        start = pfn
    inside = sorted(b for b in free_blocks(s.zones[at]) if start <= b[0] < end)
    for block, order, _ in inside:
        s = with_zone(s, at, move(s.zones[at], block, order, mt))
    return s, sum(1 << order for _, order, _ in inside)


def movable_pages(cfg: Config, s: Memory, at: int, pfn: int) -> int:
    """Return how many frames of a page block are in movable use.

    The kernel counts pages on an LRU list; here each frame of a movable request is one.
    """
    span = cfg.zones[at]
    start = pfn & ~(cfg.block_pages - 1)
    end = start + cfg.block_pages
    if start < span.start:
        start = pfn
    blocks = [h for h in s.held if h.movable]
    return sum(max(0, min(h.end, end) - max(h.pfn, start)) for h in blocks)


def boost_watermark(cfg: Config, zone: Zone) -> Zone | None:
    """Raise the watermarks because types mix; none where the zone is too small."""
    top = cfg.high_wmark * cfg.boost_factor // 10000
    if cfg.block_pages * 4 > zone.managed or not top:
        return None
    most = max(cfg.block_pages, top)
    return replace(zone, boost=min(zone.boost + cfg.block_pages, most))


def mostly_alike(cfg: Config, start: int, old: int, free: int, movable: int) -> bool:
    """Say whether a page block becomes one of a type, by what is free and in use."""
    alike = 0
    if start == MIGRATE_MOVABLE:
        alike = movable
    elif old == MIGRATE_MOVABLE:
        alike = cfg.block_pages - (free + movable)
    return free + alike >= cfg.block_pages // 2 or not cfg.grouping


def steal_suitable_fallback(
    cfg: Config,
    s: Memory,
    at: int,
    pfn: int,
    order: int,
    start: int,
    flags: AllocFlags,
    whole: bool,
) -> Memory:
    """Take a block, and what else of its page block may be taken, to a type's lists."""
    old = type_of(cfg, s, pfn)
    alone = with_zone(s, at, move(s.zones[at], pfn, order, start))
    if old == MIGRATE_HIGHATOMIC:
        return alone
    if order >= cfg.pageblock_order:
        for block in frames_from(pfn, 1 << order, cfg.block_pages):
            alone = with_type(cfg, alone, block, start)
        return alone
    boosted = boost_watermark(cfg, s.zones[at])
    if boosted is not None:
        woken = s.zones[at].boosted or AllocFlags.KSWAPD in flags
        s = with_zone(s, at, replace(boosted, boosted=woken))
        alone = with_zone(s, at, move(s.zones[at], pfn, order, start))
    if not whole:
        return alone
    after, free = move_freepages_block(cfg, s, at, pfn, start)
    if not free:
        return alone
    if mostly_alike(cfg, start, old, free, movable_pages(cfg, s, at, pfn)):
        return with_type(cfg, after, pfn, start)
    return after


def rmqueue_fallback(
    cfg: Config, s: Memory, at: int, order: int, start: int, flags: AllocFlags
) -> tuple[Memory, Stole | None]:
    """Bring a block of another type to the lists of `start`: __rmqueue_fallback()."""
    place = fallback_block(cfg, s.zones[at], order, start, flags)
    if place is None:
        return s, None
    high, mt = place
    pfn = s.zones[at].free[high][mt][0]
    whole = can_steal_fallback(cfg, high, start)
    s = steal_suitable_fallback(cfg, s, at, pfn, high, start, flags, whole)
    changed = type_of(cfg, s, pfn) == start
    return s, Stole(pfn, order, high, start, mt, changed)


def rmqueue(
    cfg: Config, s: Memory, at: int, order: int, mt: int, flags: AllocFlags
) -> Taken:
    """Take a block for a request, from another type at need: __rmqueue()."""
    zone, events = s.zones[at], list[Event]()
    if AllocFlags.CMA in flags and zone.nr_free_cma > zone.nr_free_pages // 2:
        after, pfn = rmqueue_smallest(cfg, s, at, order, cfg.cma)
        if pfn is not None:
            return after, (pfn, cfg.cma), (Locked(pfn, order, mt),)
    while True:
        used = mt
        after, pfn = rmqueue_smallest(cfg, s, at, order, mt)
        if pfn is None and AllocFlags.CMA in flags:
            used = cfg.cma
            after, pfn = rmqueue_smallest(cfg, s, at, order, used)
        if pfn is not None:
            return after, (pfn, used), (*events, Locked(pfn, order, mt))
        s, stole = rmqueue_fallback(cfg, s, at, order, mt, flags)
        if stole is None:
            return s, None, tuple(events)
        events.append(stole)


# ------------------------------------------------------------------ high-atomic


def reserve_highatomic(cfg: Config, s: Memory, at: int, pfn: int) -> Memory:
    """Keep the page block of an urgent large request for others like it."""
    zone, mt = s.zones[at], type_of(cfg, s, pfn)
    full = zone.highatomic >= zone.managed // 100 + cfg.block_pages
    if full or mt in (MIGRATE_HIGHATOMIC, cfg.isolate, cfg.cma):
        return s
    zone = replace(zone, highatomic=zone.highatomic + cfg.block_pages)
    s = with_type(cfg, with_zone(s, at, zone), pfn, MIGRATE_HIGHATOMIC)
    return move_freepages_block(cfg, s, at, pfn, MIGRATE_HIGHATOMIC)[0]


def unreserve_highatomic(
    cfg: Config, s: Memory, at: int, mt: int, force: bool
) -> tuple[Memory, bool]:
    """Give one reserved page block to a type; say whether anything moved."""
    zone = s.zones[at]
    if not force and zone.highatomic <= cfg.block_pages:
        return s, False
    for order in range(cfg.orders):
        line = s.zones[at].free[order][MIGRATE_HIGHATOMIC]
        if not line:
            continue
        if type_of(cfg, s, line[0]) == MIGRATE_HIGHATOMIC:
            left = max(0, s.zones[at].highatomic - cfg.block_pages)
            s = with_zone(s, at, replace(s.zones[at], highatomic=left))
        s = with_type(cfg, s, line[0], mt)
        s, moved = move_freepages_block(cfg, s, at, line[0], mt)
        if moved:
            return s, True
    return s, False
