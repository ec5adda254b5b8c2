"""The walk over a zonelist: which zone gives a page, and what is asked on the way.

A zone is passed over if the cpuset forbids it or its node has too many dirty pages; it
gives if its watermark allows it, or reclaiming on its node makes it so.  The first walk
may not mix migrate types in a page block where another zone could help; before memory
of another node is touched, and when nothing was found, it begins anew without that.

Source: mm/page_alloc.c:get_page_from_freelist, rmqueue (v5.10).
"""

from __future__ import annotations

from dataclasses import replace

from ..core import value
from ..linux import (
    MIGRATE_HIGHATOMIC,
    MIGRATE_MOVABLE,
    MIGRATE_RECLAIMABLE,
    MIGRATE_UNMOVABLE,
    AllocFlags,
    Gfp,
    NodeReclaim,
)
from ..watermark import mark_of, watermark_fast, watermark_ok
from .answers import (
    Again,
    DirtyLimit,
    Event,
    Grew,
    Mark,
    NoPage,
    Page,
    Pageset,
    Reclaimed,
    Reserve,
    Skipped,
    Took,
    Woke,
)
from .request import Nodemask, Ref, Zonelist, eligible, in_mask, is_zeroed
from .zones import (
    NONE_LEFT,
    Config,
    Lower,
    Memory,
    Reclaim,
    Stat,
    Task,
    Zone,
    add,
    at_of,
    distance,
    level_of,
    put,
    room,
    with_zone,
)

FALLBACKS = {
    MIGRATE_UNMOVABLE: (MIGRATE_RECLAIMABLE, MIGRATE_MOVABLE),
    MIGRATE_MOVABLE: (MIGRATE_RECLAIMABLE, MIGRATE_UNMOVABLE),
    MIGRATE_RECLAIMABLE: (MIGRATE_UNMOVABLE, MIGRATE_MOVABLE),
}
Events = tuple[Event, ...]
Seen = tuple[Memory, Page | None, Events]


@value
class Context:
    """struct alloc_context, with the request, the task and what the layers below say.

    `preferred` is none where no zone is eligible.
    """

    gfp: Gfp
    order: int
    zonelist: Zonelist
    mask: Nodemask
    highest: int
    mt: int
    preferred: Ref | None
    task: Task
    lower: Lower
    nid: int  # the node that was asked for
    spread: bool = False  # spread_dirty_pages


def cpuset_allows(nid: int, gfp: int, task: Task) -> bool:
    """Say whether a task may have memory of a node: __cpuset_node_allowed()."""
    if task.interrupt or in_mask(task.mems, nid) or task.victim:
        return True
    if gfp & Gfp.HARDWALL:
        return False
    return task.exiting or in_mask(task.above, nid)


# ------------------------------------------------------------------ taking a block


def smallest(zone: Zone, order: int, mt: int) -> tuple[int, int] | None:
    """Return (order, type) of the smallest block of a type that is large enough."""
    for high in range(order, len(zone.blocks)):
        if zone.blocks[high][mt]:
            return high, mt
    return None


def stolen(zone: Zone, least: int, mt: int) -> tuple[int, int] | None:
    """Return (order, type) of the largest block of another type, at least of an order.

    Source: mm/page_alloc.c:__rmqueue_fallback (v5.10).
    """
    for high in range(len(zone.blocks) - 1, least - 1, -1):
        for other in FALLBACKS[mt]:
            if zone.blocks[high][other]:
                return high, other
    return None


def find_block(
    cfg: Config, zone: Zone, order: int, mt: int, flags: AllocFlags
) -> tuple[int, int] | None:
    """Return (order, type) of the block that serves a request, if there is one."""
    found = None
    if order and flags & AllocFlags.HARDER:
        found = smallest(zone, order, MIGRATE_HIGHATOMIC)
    found = found or smallest(zone, order, mt)
    if found is None and cfg.has_cma and flags & AllocFlags.CMA:
        found = smallest(zone, order, cfg.cma)
    avoids = flags & AllocFlags.NOFRAGMENT
    least = max(order, cfg.pageblock_order) if avoids else order
    return found or stolen(zone, least, mt)


def split(cfg: Config, zone: Zone, order: int, mt: int, block: tuple[int, int]) -> Zone:
    """Take a block of an order off a zone's lists; put back what is too much of it.

    The rest of a block of another type goes to the lists of the request's.
    """
    high, of = block
    zone = add(cfg, zone, high, of, -1)
    rest = of if of in (MIGRATE_HIGHATOMIC, cfg.cma) else mt
    for half in range(order, high):
        zone = add(cfg, zone, half, rest, 1)
    return zone


def uses_pageset(cfg: Config, order: int, mt: int, flags: AllocFlags) -> bool:
    """Say whether a pageset serves a request; movable pages there may be CMA's."""
    free_of_cma = cfg.has_cma and not flags & AllocFlags.CMA
    return order == 0 and not (free_of_cma and mt == MIGRATE_MOVABLE)


# ------------------------------------------------------------------ counting


def counted(zone: Zone, item: Stat) -> Zone:
    """Return a zone with one more of something."""
    return replace(zone, stats=put(zone.stats, item, zone.stats[item] + 1))


def statistics(cfg: Config, s: Memory, preferred: Ref, at: int, here: int) -> Memory:
    """Count a page by where it was to come from and where it went: zone_statistics().

    `here` is the node on which the task runs.
    """
    if not (cfg.numa and cfg.counts):
        return s
    nid, zone = cfg.zones[at].nid, s.zones[at]
    zone = counted(zone, Stat.HIT if nid == preferred[0] else Stat.MISS)
    zone = counted(zone, Stat.LOCAL if nid == here else Stat.OTHER)
    s = with_zone(s, at, zone)
    if nid == preferred[0]:
        return s
    first = at_of(cfg, preferred)
    return with_zone(s, first, counted(s.zones[first], Stat.FOREIGN))


def alarmed(s: Memory, ac: Context, at: int, flags: AllocFlags) -> Memory:
    """Note that a steal has boosted the watermark, if the request wakes kswapd at all.

    Source: mm/page_alloc.c:steal_suitable_fallback (v5.10).
    """
    if not (ac.lower.boosts >> at & 1 and flags & AllocFlags.KSWAPD):
        return s
    return with_zone(s, at, replace(s.zones[at], boosted=True))


def wake(s: Memory, at: int) -> tuple[Memory, Events]:
    """Wake kswapd once for a watermark that was boosted."""
    zone = s.zones[at]
    if not zone.boosted:
        return s, ()
    return with_zone(s, at, replace(zone, boosted=False)), (Woke(at),)


def rmqueue(
    cfg: Config, s: Memory, ac: Context, at: int, flags: AllocFlags
) -> tuple[Memory, bool, Events]:
    """Take a block from a zone, a single page by way of a pageset where it may.

    kswapd learns of a boosted watermark even where a pageset stays without a page.
    """
    pageset = uses_pageset(cfg, ac.order, ac.mt, flags)
    cached = pageset and ac.lower.cached >> at & 1
    lost = ac.lower.lost >> at & 1
    block = None if lost else find_block(cfg, s.zones[at], ac.order, ac.mt, flags)
    found = bool(cached) or block is not None
    events: Events = (NoPage(at),)
    if cached:
        events = (Pageset(at),)
    elif block is not None:
        events = (Took(at, *block),)
        s = with_zone(s, at, split(cfg, s.zones[at], ac.order, ac.mt, block))
        s = alarmed(s, ac, at, flags)
    if found:
        assert ac.preferred is not None
        s = statistics(cfg, s, ac.preferred, at, ac.task.node)
    if not (found or pageset):
        return s, False, events
    s, woke = wake(s, at)
    return s, found, (*events, *woke)


def prep_new_page(cfg: Config, ac: Context, at: int, flags: AllocFlags) -> Page:
    """Return a block as its owner gets it."""
    zeroed = is_zeroed(
        ac.gfp, cfg.init_on_alloc, cfg.init_on_free, cfg.poisoned, cfg.poisoned_zero
    )
    compound = ac.order > 0 and bool(ac.gfp & Gfp.COMP)
    return Page(at, zeroed, compound, bool(flags & AllocFlags.NO_WATERMARKS))


# ------------------------------------------------------------------ may it give?


def node_reclaim(
    cfg: Config, s: Memory, ac: Context, at: int
) -> tuple[Memory, bool, Events]:
    """Ask a zone's node to reclaim; say whether it has looked for pages at all."""
    nid = cfg.zones[at].nid
    told = ac.lower.reclaims[nid] if nid < len(ac.lower.reclaims) else Reclaim()
    s = gained(cfg, s, at, told)
    looked = told.answer not in (NodeReclaim.NOSCAN, NodeReclaim.FULL)
    return s, looked, (Reclaimed(nid, told.answer),)


def gained(cfg: Config, s: Memory, at: int, told: Reclaim) -> Memory:
    """Free what was reclaimed, as far as the zone has room for it."""
    blocks = min(told.blocks, room(cfg, s.zones[at], told.order, MIGRATE_MOVABLE))
    zone = add(cfg, s.zones[at], told.order, MIGRATE_MOVABLE, blocks)
    return with_zone(s, at, zone) if blocks else s


def grow(cfg: Config, s: Memory, at: int) -> tuple[Memory, bool, Events]:
    """Initialise a largest block of a zone, if memory of it was deferred.

    That nothing is left is noticed once as if it were a success: the retry may find
    what another cpu has freed.

    Source: mm/page_alloc.c:deferred_grow_zone (v5.10).
    """
    if not cfg.deferred:
        return s, False, ()
    zone = s.zones[at]
    if zone.deferred == NONE_LEFT:
        return s, False, (Grew(at, False),)
    if zone.deferred:
        zone = add(cfg, zone, cfg.orders - 1, MIGRATE_MOVABLE, 1)
    zone = replace(zone, deferred=zone.deferred - 1)
    return with_zone(s, at, zone), True, (Grew(at, True),)


def allows_reclaim(cfg: Config, preferred: Ref, at: int) -> bool:
    """Say whether a zone is near enough to reclaim there: zone_allows_reclaim().

    Without NUMA, node_reclaim_mode is 0.
    """
    far = distance(cfg, preferred[0], cfg.zones[at].nid)
    return cfg.numa and cfg.reclaim_mode != 0 and far <= cfg.reclaim_distance


def may_give(
    cfg: Config, s: Memory, ac: Context, at: int, flags: AllocFlags
) -> tuple[Memory, bool, Events]:
    """Say whether a zone may give a page to a request, and what was asked for it."""
    z = level_of(cfg, s, at)
    args = ac.order, ac.highest, flags, ac.gfp, cfg.cma, cfg.unsigned_bits
    if watermark_fast(z, *args):
        return s, True, (Mark(at, True),)
    s, grew, seen = grow(cfg, s, at)
    events: Events = (Mark(at, False), *seen)
    if grew or flags & AllocFlags.NO_WATERMARKS:
        return s, True, events
    assert ac.preferred is not None
    if not allows_reclaim(cfg, ac.preferred, at):
        return s, False, events
    s, looked, asked = node_reclaim(cfg, s, ac, at)
    events += asked
    if not looked:
        return s, False, events
    mark, z = mark_of(z, flags), level_of(cfg, s, at)
    ok = watermark_ok(z, ac.order, mark, ac.highest, flags, z.free, cfg.cma)
    return s, ok, (*events, Mark(at, ok))


# ------------------------------------------------------------------ the walk


def get_page_from_freelist(
    cfg: Config, s: Memory, ac: Context, flags: AllocFlags
) -> Seen:
    """Return the page of the first zone that gives one, and what was asked.

    A walk that may not mix migrate types is followed by one that may.
    """
    if ac.preferred is None:
        return s, None, ()
    s, page, events, over = one_pass(cfg, s, ac, flags, -1)
    if page is not None or not flags & AllocFlags.NOFRAGMENT:
        return s, page, events
    flags &= ~AllocFlags.NOFRAGMENT
    s, page, seen, _ = one_pass(cfg, s, ac, flags, over)
    return s, page, (*events, Again(), *seen)


def one_pass(
    cfg: Config, s: Memory, ac: Context, flags: AllocFlags, over: int
) -> tuple[Memory, Page | None, Events, int]:
    """Look at the eligible zones in order; the dirty limit of a node is asked once.

    `over` is the node that was over its dirty limit last, -1 at first; it is returned
    for the walk that begins anew.
    """
    events: Events = ()
    for ref in eligible(ac.zonelist, ac.highest, ac.mask):
        at, nid = at_of(cfg, ref), ref[0]
        if is_forbidden(cfg, ac, nid, flags):
            events = (*events, Skipped(at, "cpuset"))
            continue
        if ac.spread and over == nid:
            events = (*events, Skipped(at, "dirty"))
            continue
        if ac.spread:
            ok = not ac.lower.dirty >> nid & 1
            events = (*events, DirtyLimit(nid, ok))
            if not ok:
                over = nid
                continue
        if flags & AllocFlags.NOFRAGMENT and goes_away(cfg, ac, nid):
            break
        s, page, seen = try_zone(cfg, s, ac, at, flags)
        events += seen
        if page is not None:
            return s, page, events, over
    return s, None, events, over


def is_forbidden(cfg: Config, ac: Context, nid: int, flags: AllocFlags) -> bool:
    """Say whether the task's cpuset keeps the walk from a node."""
    if not cfg.cpusets or not flags & AllocFlags.CPUSET:
        return False
    return not cpuset_allows(nid, ac.gfp, ac.task)


def goes_away(cfg: Config, ac: Context, nid: int) -> bool:
    """Say whether a node is not that of the preferred zone: nearness counts more."""
    assert ac.preferred is not None
    return cfg.online > 1 and nid != ac.preferred[0]


def try_zone(cfg: Config, s: Memory, ac: Context, at: int, flags: AllocFlags) -> Seen:
    """Take a page from a zone if it may give one and has one."""
    s, gives, events = may_give(cfg, s, ac, at, flags)
    if not gives:
        return s, None, events
    s, found, seen = rmqueue(cfg, s, ac, at, flags)
    events += seen
    while not found:
        s, grew, seen = grow(cfg, s, at)
        events += seen
        if not grew:
            return s, None, events
        s, found, seen = rmqueue(cfg, s, ac, at, flags)
        events += seen
    if ac.order and flags & AllocFlags.HARDER:
        events = (*events, Reserve(at))
    return s, prep_new_page(cfg, ac, at, flags), events
