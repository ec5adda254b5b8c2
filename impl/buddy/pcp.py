"""Per-cpu pagesets of one zone: refilled in batches, drained in turn.

Mirrors `spec/buddy/pcp.py`.

Source: mm/page_alloc.c:rmqueue_bulk, free_pcppages_bulk (v5.10).
"""

from __future__ import annotations

from mmoracle.spec.linux import MIGRATE_MOVABLE, MIGRATE_PCPTYPES

from .migrate import DRAINED, Mobility
from .zone import Pageset


def zone_batchsize(managed: int) -> int:
    """Return the batch for a zone of so many pages. O(1)."""
    batch = max(min(managed // 1024, 256) // 4, 1)
    return (1 << ((batch + batch // 2).bit_length() - 1)) - 1


def turn(lengths: list[int], pages: int, mt: int, quota: int) -> tuple[int, int, int]:
    """Go on to the next list; return (mt, its quota, how many pages it gives). O(1)."""
    quota += 1
    mt = (mt + 1) % MIGRATE_PCPTYPES
    if quota == MIGRATE_PCPTYPES and lengths[mt]:
        quota = pages
    return mt, quota, min(quota, lengths[mt], pages)


def round_robin(lengths: list[int], pages: int) -> list[int]:
    """Return which list each of so many pages leaves, in order. O(pages)."""
    order: list[int] = []
    mt = quota = 0
    while pages:
        mt, quota, took = turn(lengths, pages, mt, quota)
        order += [mt] * took
        lengths[mt] -= took
        pages -= took
        quota -= took
    return order


def drain(mobility: Mobility, ps: Pageset, pages: int) -> None:
    """Give pages back from the tails of the lists. O(pages * max_order).

    Source: mm/page_alloc.c:free_pcppages_bulk (v5.10).
    """
    zone, events = mobility.zone, mobility.events
    lists = ps.lists
    pages = min(pages, ps.count)
    ps.count -= pages
    out = [lists[mt].pop() for mt in round_robin([len(x) for x in lists], pages)]
    for pfn in out:
        mt = zone.free_with_type(pfn, 0, zone.index.pop(pfn))
        events.append((DRAINED, pfn, mt))


def commit(mobility: Mobility, ps: Pageset, pfn: int, mt: int) -> None:
    """Put a page on a cpu's list; drain a batch at the high mark. O(batch).

    Source: mm/page_alloc.c:free_unref_page_commit (v5.10).
    """
    zone = mobility.zone
    if mt == zone.isolate:
        zone.free_with_type(pfn, 0, mt)
        return
    zone.index[pfn] = mt
    ps.lists[mt if mt < MIGRATE_PCPTYPES else MIGRATE_MOVABLE].appendleft(pfn)
    ps.count += 1
    if ps.count >= ps.high:
        drain(mobility, ps, ps.batch)


def refill(mobility: Mobility, ps: Pageset, mt: int, flags: int) -> None:
    """Take a batch from the zone to the tail of a cpu's list. O(batch * max_order).

    Source: mm/page_alloc.c:rmqueue_bulk (v5.10).
    """
    zone, line = mobility.zone, ps.lists[mt]
    got = 0
    while got < ps.batch:
        pfn, used = mobility.rmqueue(0, mt, flags)
        if pfn < 0:
            break
        got += 1
        line.append(pfn)
        zone.index[pfn] = used
        if used == zone.cma:
            zone.nr_free_cma -= 1
    zone.nr_free_pages -= got
    ps.count += got


def rmqueue_pcplist(mobility: Mobility, ps: Pageset, mt: int, flags: int) -> int:
    """Take the first page of a cpu's list, filled first if empty, or -1. O(1)."""
    line = ps.lists[mt]
    if not line:
        refill(mobility, ps, mt, flags)
        if not line:
            return -1
    ps.count -= 1
    pfn = line.popleft()
    del mobility.zone.index[pfn]
    return pfn
