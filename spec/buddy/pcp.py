"""Per-cpu pagesets: single pages wait on a cpu's lists, off the zone's.

An empty list takes a batch from the zone, to be handed out in that order; a page freed
goes to the head, and when the pageset reaches its high mark a batch leaves from the
tails of the three lists in turn.

Source: mm/page_alloc.c:rmqueue_pcplist, free_pcppages_bulk (v5.10).
"""

from __future__ import annotations

from dataclasses import replace

from ..core import value
from ..linux import MIGRATE_MOVABLE, MIGRATE_PCPTYPES, AllocFlags
from .blocks import free_one_page
from .migrate import Entry, Taken, rmqueue
from .zones import (
    Config,
    Drained,
    Event,
    Memory,
    Pageset,
    put,
    type_of,
    with_zone,
)


def zone_batchsize(managed: int) -> int:
    """Return the batch for a zone of so many pages."""
    batch = min(managed // 1024, (1 << 20) // 4096) // 4
    batch = max(batch, 1)
    batch += batch // 2
    return (1 << (batch.bit_length() - 1)) - 1


def real_pageset(cfg: Config, managed: int) -> Pageset:
    """Return what replaces a pageset of boot: pageset_set_high_and_batch()."""
    batch = cfg.batch or zone_batchsize(managed)
    high = cfg.high if cfg.batch else 6 * batch
    return Pageset(high=high, batch=max(1, batch))


def with_pageset(s: Memory, cpu: int, at: int, ps: Pageset) -> Memory:
    """Return the state with one cpu's pageset of a zone replaced."""
    zone = s.zones[at]
    return with_zone(s, at, replace(zone, pagesets=put(zone.pagesets, cpu, ps)))


def free_with_type(
    cfg: Config, s: Memory, at: int, pfn: int, order: int, mt: int
) -> tuple[Memory, int]:
    """Give a block back as a type, read anew where page blocks are isolated.

    Source: mm/page_alloc.c:free_one_page (v5.10).
    """
    if s.zones[at].nr_isolate or mt == cfg.isolate:
        mt = type_of(cfg, s, pfn)
    return free_one_page(cfg, s, at, pfn, order, mt), mt


# ------------------------------------------------------------------ leaving


@value
class Turn:
    """How far a drain is: the pages left, and the list whose turn it is."""

    left: tuple[int, ...]  # pages on each list
    pages: int  # to be taken
    mt: int = 0
    quota: int = 0  # pages that the list may still give


def next_list(t: Turn) -> Turn:
    """Go on to the next list with pages.

    One that is met after n - 1 empty ones gives up to n pages; when all others were
    empty it gives all.  What is left of n is carried over to the list after it.
    """
    mt, quota = (t.mt + 1) % MIGRATE_PCPTYPES, t.quota + 1
    while not t.left[mt]:
        mt, quota = (mt + 1) % MIGRATE_PCPTYPES, quota + 1
    quota = t.pages if quota == MIGRATE_PCPTYPES else quota
    return Turn(t.left, t.pages, mt, quota)


def take_one(t: Turn) -> Turn:
    """Take one page of the list whose turn it is, or of the next."""
    if not t.quota or not t.left[t.mt]:
        t = next_list(t)
    left = put(t.left, t.mt, t.left[t.mt] - 1)
    return Turn(left, t.pages - 1, t.mt, t.quota - 1)


def round_robin(lengths: tuple[int, ...], pages: int) -> list[int]:
    """Return which list each of so many pages leaves, in order."""
    t, order = Turn(lengths, pages), list[int]()
    while t.pages:
        t = take_one(t)
        order.append(t.mt)
    return order


def drain(
    cfg: Config, s: Memory, cpu: int, at: int, pages: int
) -> tuple[Memory, tuple[Event, ...]]:
    """Give pages back from the tails of a cpu's lists: free_pcppages_bulk()."""
    ps = s.zones[at].pagesets[cpu]
    lists = list(ps.lists)
    out = list[Entry]()
    for mt in round_robin(tuple(map(len, lists)), min(pages, ps.count)):
        out.append(lists[mt][-1])
        lists[mt] = lists[mt][:-1]
    ps = replace(ps, lists=tuple(lists), count=ps.count - len(out))
    s = with_pageset(s, cpu, at, ps)
    events = list[Event]()
    for pfn, mt in out:
        s, used = free_with_type(cfg, s, at, pfn, 0, mt)
        events.append(Drained(pfn, used))
    return s, tuple(events)


def commit(
    cfg: Config, s: Memory, cpu: int, at: int, pfn: int, mt: int
) -> tuple[Memory, tuple[Event, ...]]:
    """Put a page on a cpu's list: free_unref_page_commit().

    Isolated pages go to the zone at once; other special types wait as movable ones.
    """
    if mt == cfg.isolate:
        return free_with_type(cfg, s, at, pfn, 0, mt)[0], ()
    ps = s.zones[at].pagesets[cpu]
    which = mt if mt < MIGRATE_PCPTYPES else MIGRATE_MOVABLE
    lists = put(ps.lists, which, ((pfn, mt), *ps.lists[which]))
    ps = replace(ps, lists=lists, count=ps.count + 1)
    s = with_pageset(s, cpu, at, ps)
    if ps.count < ps.high:
        return s, ()
    return drain(cfg, s, cpu, at, ps.batch)


# ------------------------------------------------------------------ entering


def refill(
    cfg: Config, s: Memory, cpu: int, at: int, mt: int, flags: AllocFlags
) -> tuple[Memory, tuple[Event, ...]]:
    """Take a batch from the zone to the tail of a cpu's list: rmqueue_bulk().

    The counter of the CMA pages falls with each page, that of all pages at the end.
    """
    events, got = list[Event](), list[Entry]()
    while len(got) < s.zones[at].pagesets[cpu].batch:
        s, page, seen = rmqueue(cfg, s, at, 0, mt, flags)
        events += seen
        if page is None:
            break
        got.append(page)
        zone = s.zones[at]
        cma = zone.nr_free_cma - (page[1] == cfg.cma)
        s = with_zone(s, at, replace(zone, nr_free_cma=cma))
    zone = s.zones[at]
    s = with_zone(s, at, replace(zone, nr_free_pages=zone.nr_free_pages - len(got)))
    ps = zone.pagesets[cpu]
    lists = put(ps.lists, mt, (*ps.lists[mt], *got))
    ps = replace(ps, lists=lists, count=ps.count + len(got))
    return with_pageset(s, cpu, at, ps), tuple(events)


def rmqueue_pcplist(
    cfg: Config, s: Memory, cpu: int, at: int, mt: int, flags: AllocFlags
) -> Taken:
    """Take the first page of a cpu's list, filled first if it is empty."""
    events: tuple[Event, ...] = ()
    if not s.zones[at].pagesets[cpu].lists[mt]:
        s, events = refill(cfg, s, cpu, at, mt, flags)
    ps = s.zones[at].pagesets[cpu]
    if not ps.lists[mt]:
        return s, None, events
    first, *rest = ps.lists[mt]
    ps = replace(ps, lists=put(ps.lists, mt, tuple(rest)), count=ps.count - 1)
    return with_pageset(s, cpu, at, ps), first, events
