"""Mistakes in the per-cpu pagesets."""

from __future__ import annotations

from typing import Any

from mmoracle.impl.buddy import allocator, pcp
from mmoracle.impl.buddy.allocator import Blocks
from mmoracle.impl.buddy.migrate import DRAINED, Mobility
from mmoracle.impl.buddy.zone import Pageset, Zone
from mmoracle.spec.linux import MIGRATE_MOVABLE, MIGRATE_PCPTYPES

_commit, _refill, _round_robin = pcp.commit, pcp.refill, pcp.round_robin
_rmqueue_pcplist = pcp.rmqueue_pcplist

# ------------------------------------------------------------------ leaving


def drain_by_list(mobility: Mobility, ps: Pageset, pages: int) -> None:
    """Give pages back as the type of the list on which they waited."""
    zone, pages = mobility.zone, min(pages, ps.count)
    ps.count -= pages
    turns = pcp.round_robin([len(x) for x in ps.lists], pages)
    for pfn, mt in [(ps.lists[mt].pop(), mt) for mt in turns]:
        del zone.index[pfn]
        used = zone.free_with_type(pfn, 0, mt)
        mobility.events.append((DRAINED, pfn, used))


def drain_from_the_heads(mobility: Mobility, ps: Pageset, pages: int) -> None:
    """Give the pages back that came last."""
    zone, pages = mobility.zone, min(pages, ps.count)
    ps.count -= pages
    turns = pcp.round_robin([len(x) for x in ps.lists], pages)
    for pfn in [ps.lists[mt].popleft() for mt in turns]:
        used = zone.free_with_type(pfn, 0, zone.index.pop(pfn))
        mobility.events.append((DRAINED, pfn, used))


def drain_as_it_is_now(mobility: Mobility, ps: Pageset, pages: int) -> None:
    """Give pages back as the type that their page block has by now."""
    zone, pages = mobility.zone, min(pages, ps.count)
    ps.count -= pages
    turns = pcp.round_robin([len(x) for x in ps.lists], pages)
    for pfn in [ps.lists[mt].pop() for mt in turns]:
        del zone.index[pfn]
        used = zone.free_with_type(pfn, 0, zone.type_of(pfn))
        mobility.events.append((DRAINED, pfn, used))


def drain_and_count_on(mobility: Mobility, ps: Pageset, pages: int) -> None:
    """Give pages back, and count them as waiting still."""
    count = ps.count
    pcp.drain(mobility, ps, pages)
    ps.count = count


def drain_out_of_turn(mobility: Mobility, ps: Pageset, pages: int) -> None:
    """Free each page before the next one is taken, the last one first."""
    zone, pages = mobility.zone, min(pages, ps.count)
    ps.count -= pages
    turns = pcp.round_robin([len(x) for x in ps.lists], pages)
    for pfn in reversed([ps.lists[mt].pop() for mt in turns]):
        used = zone.free_with_type(pfn, 0, zone.index.pop(pfn))
        mobility.events.append((DRAINED, pfn, used))


def believe_the_type(zone: Zone, pfn: int, order: int, mt: int) -> int:
    """Free as the type remembered, although page blocks were isolated meanwhile."""
    zone.free_one_page(pfn, order, mt, False)
    return mt


def begin_with_the_first_list(lengths: list[int], pages: int) -> list[int]:
    """Begin with the unmovable list, not with the one after it."""
    turned = [lengths[-1], *lengths[:-1]]
    return [(mt - 1) % MIGRATE_PCPTYPES for mt in _round_robin(turned, pages)]


def take_one_in_turn(lengths: list[int], pages: int) -> list[int]:
    """Take one page of each list in turn, however many were empty before it."""
    order, mt = list[int](), 0
    while len(order) < pages:
        mt = (mt + 1) % MIGRATE_PCPTYPES
        if lengths[mt]:
            lengths[mt] -= 1
            order.append(mt)
    return order


def empty_one_first(lengths: list[int], pages: int) -> list[int]:
    """Empty one list before the next one is looked at."""
    lists = [mt for mt in (1, 2, 0) for _ in range(lengths[mt])]
    return lists[:pages]


# ------------------------------------------------------------------ entering by free


def commit_above_the_mark(mobility: Mobility, ps: Pageset, pfn: int, mt: int) -> None:
    """Drain a pageset once it is above its high mark."""
    ps.high += 1
    _commit(mobility, ps, pfn, mt)
    ps.high -= 1


def keep_pages_at_boot(mobility: Mobility, ps: Pageset, pfn: int, mt: int) -> None:
    """Keep pages in a pageset that boot made, whose high mark is 0."""
    high = ps.high
    ps.high = high or 1 << 30
    _commit(mobility, ps, pfn, mt)
    ps.high = high


def commit_isolated(mobility: Mobility, ps: Pageset, pfn: int, mt: int) -> None:
    """Let an isolated page wait in a pageset."""
    isolate, mobility.zone.isolate = mobility.zone.isolate, -1
    _commit(mobility, ps, pfn, mt)
    mobility.zone.isolate = isolate


def commit_to_the_tail(mobility: Mobility, ps: Pageset, pfn: int, mt: int) -> None:
    """Put a freed page at the tail of its list."""
    zone = mobility.zone
    if mt == zone.isolate:
        zone.free_with_type(pfn, 0, mt)
        return
    zone.index[pfn] = mt
    ps.lists[mt if mt < MIGRATE_PCPTYPES else MIGRATE_MOVABLE].append(pfn)
    ps.count += 1
    if ps.count >= ps.high:
        pcp.drain(mobility, ps, ps.batch)


def drain_all_at_the_mark(mobility: Mobility, ps: Pageset, pfn: int, mt: int) -> None:
    """Empty a pageset that reaches its high mark."""
    batch, ps.batch = ps.batch, 1 << 30
    _commit(mobility, ps, pfn, mt)
    ps.batch = batch


def list_all_as_movable(mobility: Mobility, ps: Pageset, pfn: int, mt: int) -> None:
    """Let every freed page wait as a movable one."""
    zone = mobility.zone
    if mt == zone.isolate:
        zone.free_with_type(pfn, 0, mt)
        return
    zone.index[pfn] = mt
    ps.lists[MIGRATE_MOVABLE].appendleft(pfn)
    ps.count += 1
    if ps.count >= ps.high:
        pcp.drain(mobility, ps, ps.batch)


# ------------------------------------------------------------------ entering by refill


def refill_at_the_head(mobility: Mobility, ps: Pageset, mt: int, flags: int) -> None:
    """Put the pages of a batch before one another."""
    _refill(mobility, ps, mt, flags)
    ps.lists[mt].reverse()


def refill_one_more(mobility: Mobility, ps: Pageset, mt: int, flags: int) -> None:
    """Take one page more than a batch."""
    ps.batch += 1
    _refill(mobility, ps, mt, flags)
    ps.batch -= 1


def refill_a_single(mobility: Mobility, ps: Pageset, mt: int, flags: int) -> None:
    """Take the page that is asked for, and no other."""
    batch, ps.batch = ps.batch, 1
    _refill(mobility, ps, mt, flags)
    ps.batch = batch


def refill_uncounted(mobility: Mobility, ps: Pageset, mt: int, flags: int) -> None:
    """Take a batch off the zone's lists, and count it as free still."""
    free = mobility.zone.nr_free_pages
    _refill(mobility, ps, mt, flags)
    mobility.zone.nr_free_pages = free


def refill_and_count_cma(mobility: Mobility, ps: Pageset, mt: int, flags: int) -> None:
    """Take a batch, and count what is CMA's of it as free still."""
    cma = mobility.zone.nr_free_cma
    _refill(mobility, ps, mt, flags)
    mobility.zone.nr_free_cma = cma


def refill_as_asked(mobility: Mobility, ps: Pageset, mt: int, flags: int) -> None:
    """Remember a page taken from CMA as one of the type that was asked for."""
    _refill(mobility, ps, mt, flags)
    mobility.zone.index.update(dict.fromkeys(ps.lists[mt], mt))


def take_uncounted(mobility: Mobility, ps: Pageset, mt: int, flags: int) -> int:
    """Take a page off a cpu's list, and count it as waiting still."""
    pfn = _rmqueue_pcplist(mobility, ps, mt, flags)
    ps.count += pfn >= 0
    return pfn


def take_the_coldest(mobility: Mobility, ps: Pageset, mt: int, flags: int) -> int:
    """Take the page at the tail of a cpu's list."""
    ps.lists[mt].rotate(1)
    return _rmqueue_pcplist(mobility, ps, mt, flags)


def lend_cma(b: Blocks, at: int, order: int, mt: int, flags: int) -> bool:
    """Serve a request that must not have CMA's pages from a list with some."""
    return order == 0 and b.cpus > 0


# ------------------------------------------------------------------ as a whole


def keep_the_boot_pagesets(b: Blocks) -> None:
    """Leave the pagesets as they were when little of the zone was there."""


def drain_another(b: Blocks, cpu: int, at: int, whole: bool) -> None:
    """Drain the first cpu's pageset, whichever was meant."""
    ps = b.zones[at].pagesets[0]
    pcp.drain(b.mobility[at], ps, ps.count if whole else ps.batch)


def drain_a_batch(b: Blocks, cpu: int, at: int, whole: bool) -> None:
    """Drain a batch from a pageset that is to be emptied."""
    ps = b.zones[at].pagesets[cpu]
    pcp.drain(b.mobility[at], ps, ps.batch)


# ------------------------------------------------------------------ the zoo


PCP, CPUS, TYPES = "tiny-pcp", "tiny-pcp-cpus", "tiny-types"
CMA, ISOLATED, BOTH = "tiny-cma", "tiny-isolate-pcp", "tiny-isolate-list"
HELD = "tiny-held-pcp"
PCPLIST, TURNS = "rmqueue_pcplist", "round_robin"
TABLE: tuple[tuple[str, str, str, Any, str, Any], ...] = (
    ("P59", "EXACT-STATE", PCP, Blocks, "setup_pagesets", keep_the_boot_pagesets),
    ("drain-heads", "EXACT-ANSWER", HELD, pcp, "drain", drain_from_the_heads),
    ("drain-rereads", "EXACT-ANSWER", TYPES, allocator, "drain", drain_as_it_is_now),
    (
        "drain-believes",
        "BUD-NRFREE",
        ISOLATED,
        Zone,
        "free_with_type",
        believe_the_type,
    ),
    ("drain-counts-on", "PCP-COUNT", PCP, allocator, "drain", drain_and_count_on),
    ("drain-backwards", "EXACT-ANSWER", PCP, allocator, "drain", drain_out_of_turn),
    ("turn-first-list", "EXACT-ANSWER", TYPES, pcp, TURNS, begin_with_the_first_list),
    ("turn-whole-lists", "EXACT-ANSWER", TYPES, pcp, TURNS, empty_one_first),
    ("commit-late", "PCP-LIMIT", PCP, allocator, "commit", commit_above_the_mark),
    ("commit-boot", "PCP-LIMIT", PCP, allocator, "commit", keep_pages_at_boot),
    ("commit-isolated", "PCP-TYPE", BOTH, allocator, "commit", commit_isolated),
    ("commit-tail", "EXACT-ANSWER", HELD, allocator, "commit", commit_to_the_tail),
    ("commit-all", "EXACT-ANSWER", CPUS, allocator, "commit", drain_all_at_the_mark),
    ("commit-movable", "PCP-TYPE", TYPES, allocator, "commit", list_all_as_movable),
    ("refill-head", "RET-CODE", HELD, pcp, "refill", refill_at_the_head),
    ("refill-one-more", "EXACT-ANSWER", HELD, pcp, "refill", refill_one_more),
    ("refill-single", "EXACT-ANSWER", HELD, pcp, "refill", refill_a_single),
    ("refill-uncounted", "BUD-NRFREE", HELD, pcp, "refill", refill_uncounted),
    ("refill-counts-cma", "BUD-NRFREE", CMA, pcp, "refill", refill_and_count_cma),
    ("take-uncounted", "PCP-COUNT", HELD, allocator, PCPLIST, take_uncounted),
    ("take-coldest", "RET-CODE", PCP, allocator, PCPLIST, take_the_coldest),
    ("pageset-lends-cma", "RET-CODE", CMA, Blocks, "uses_pageset", lend_cma),
    ("drain-first-cpu", "EXACT-ANSWER", CPUS, Blocks, "drain", drain_another),
    ("drain-a-batch", "EXACT-ANSWER", TYPES, Blocks, "drain", drain_a_batch),
)
WALKED: tuple[tuple[str, str, str, Any, str, Any], ...] = (  # for larger batches
    ("P69", "BUD-MT", "small-cma", pcp, "drain", drain_by_list),
    ("P69-refill", "EXACT-STATE", "small-cma", pcp, "refill", refill_as_asked),
    ("turn-one-each", "EXACT-ANSWER", "small", pcp, TURNS, take_one_in_turn),
)
