"""Pagesets: pages that enter and leave a cpu's lists, and requests that choose lists.

The lists have a few pages of any type that may wait there; the zone's lists, counters
and page blocks are any.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Symbolic
from mmoracle.checkers.mutants.buddy_pcp import (
    believe_the_type,
    commit_above_the_mark,
    commit_isolated,
    commit_to_the_tail,
    drain_a_batch,
    drain_all_at_the_mark,
    drain_and_count_on,
    drain_as_it_is_now,
    drain_by_list,
    drain_from_the_heads,
    drain_out_of_turn,
    keep_pages_at_boot,
    keep_the_boot_pagesets,
    lend_cma,
    list_all_as_movable,
    refill_a_single,
    refill_and_count_cma,
    refill_as_asked,
    refill_at_the_head,
    refill_one_more,
    refill_uncounted,
    take_the_coldest,
    take_uncounted,
)
from mmoracle.checkers.mutants.buddy_reserves import (
    balance_at_the_half,
    balance_nothing,
    name_the_request,
    open_the_reserve,
    pass_the_reserve,
    spare_cma,
    spare_cma_always,
)
from mmoracle.checkers.symbolic import either, every
from mmoracle.checkers.word import Bounded, one_of
from mmoracle.impl.buddy import allocator
from mmoracle.impl.buddy import pcp as machine
from mmoracle.impl.buddy.allocator import Blocks
from mmoracle.impl.buddy.migrate import Mobility
from mmoracle.impl.buddy.zone import Zone
from mmoracle.spec.buddy import alloc, manage, migrate, pcp
from mmoracle.spec.buddy.alloc import AllocPages
from mmoracle.spec.buddy.free import FreePages
from mmoracle.spec.buddy.manage import Drain, SetupPagesets
from mmoracle.spec.buddy.zones import Config, Event, Held, Memory, Pageset, Span
from mmoracle.spec.linux import (
    MIGRATE_HIGHATOMIC,
    MIGRATE_MOVABLE,
    MIGRATE_PCPTYPES,
    AllocFlags,
)

from .places import ALIGN, place
from .small import ORDERS, both_do, is_one, scene
from .stealing import bent
from .words import able

FRAMES = range(2 << ALIGN)  # two page blocks

# ------------------------------------------------------------------ leaving


def cpu_zone(nth: Any, **more: Any) -> Config:
    """Return a zone of two page blocks, with one cpu."""
    span = Span(place(nth, 0), place(nth, len(FRAMES)))
    cfg = Config(zones=(span,), orders=len(ORDERS), pageblock_order=ALIGN, cpus=1)
    return replace(cfg, has_cma=True, **more)


def waiting(nth: Any, lengths: Iterable[int], odd: int) -> tuple[Any, ...]:
    """Return lists of so many pages; the last movable one waits as an odd type."""
    lists, offset = [], 0
    for mt, length in enumerate(lengths):
        pages = [(place(nth, offset + 2 * i), mt) for i in range(length)]
        offset += 2 * length
        if mt == MIGRATE_MOVABLE and pages:
            pages[-1] = (pages[-1][0], odd)
        lists.append(tuple(pages))
    return tuple(lists)


def pages_leave_a_cpus_lists_alike(
    top: Any,
    nth: Any,
    unmovable: Any,
    movable: Any,
    reclaimable: Any,
    odd: Any,
    block: Any,
    high: Any,
    batch: Any,
    what: Any,
    isolated: Any,
) -> Any:
    """A page freed waits on its list until the high mark; then a batch leaves in turn.

    Each goes back as the type with which it waited, read anew where page blocks are
    isolated; a drain takes a batch, or all.  No page is lost.
    """
    lengths = [one_of(n, range(3)) for n in (unmovable, movable, reclaimable)]
    cfg = cpu_zone(nth)
    types = (one_of(odd, range(6)), one_of(block, range(6)))
    lists = waiting(nth, lengths, MIGRATE_MOVABLE if types[0] < 3 else types[0])
    ps = Pageset(high, one_of(batch, range(1, 4)), sum(lengths), lists)
    freed = place(nth, 8)
    s = scene(cfg, nth, [], [Held(freed, 0)], types=types, pagesets=(ps,))
    s = replace(s, zones=(replace(s.zones[0], nr_isolate=isolated),))
    doing = one_of(what, range(3))
    op = FreePages(0, (freed, 0)) if doing == 2 else Drain(0, 0, doing == 1)
    frames = [place(nth, f) for f in (0, 1, 2, 3, 8)]
    same, after, _ = both_do(cfg, s, op, op.run, frames)
    left, zone = sum(map(len, after.zones[0].pagesets[0].lists)), after.zones[0]
    gone = sum(n << order for order, n in enumerate(zone.nr_free))
    due = min(ps.batch, ps.count) if doing == 0 else ps.count
    if doing == 2:
        stays = types[1] != cfg.isolate
        full = bool(stays and ps.count + 1 >= high)
        due = min(ps.batch, ps.count + 1) if full else 0 if stays else 1
    known = left + gone == ps.count + (doing == 2)
    return same and known and gone == due and left == zone.pagesets[0].count


def lists_and_marks(
    top: Any,
    nth: Any,
    unmovable: Any,
    movable: Any,
    reclaimable: Any,
    odd: Any,
    block: Any,
    high: Any,
    batch: Any,
    what: Any,
    isolated: Any,
) -> Iterable[Any]:
    """Assume up to two pages on a list, at most one on the last, types and a batch."""
    yield from (unmovable <= 1, movable <= 2, reclaimable <= 1, odd < 6, block < 6)
    yield from (batch >= 1, batch <= 3, what < 3, odd >= 2)
    yield either(what == 2, every(block == 1, high == 0))
    yield either(what != 2, every(block != 2, batch <= 2))
    yield either(what != 2, odd <= 3, block == 5)
    yield from (either(movable >= 1, odd == 2), either(what != 1, batch == 1))


# ------------------------------------------------------------------ entering


def a_page_of_a_cpus_list_is_handed_out_alike(
    top: Any,
    nth: Any,
    mt: Any,
    length: Any,
    own: Any,
    cma: Any,
    other: Any,
    batch: Any,
    flags: Any,
    free: Any,
) -> Any:
    """The first of the list, which takes a batch from the zone if it is empty.

    Pages come from the type's own lists, from CMA's if they may, from another type.
    """
    cfg = replace(cpu_zone(nth), has_cma=is_one(cma))
    asks, waits = one_of(mt, (0, 1, 2)), one_of(length, range(3))
    parts = [(8, 1, asks, own), (12, 0, cfg.cma, cma), (14, 1, (asks + 1) % 3, other)]
    listed = [(at, order, t) for at, order, t, bit in parts if is_one(bit)]
    line = tuple((place(nth, 2 * i), asks) for i in range(waits))
    lists = tuple(line if each == asks else () for each in range(MIGRATE_PCPTYPES))
    ps = Pageset(9, one_of(batch, (1, 2, 3)), waits, lists)
    s = scene(cfg, nth, listed, types=(asks, asks), pagesets=(ps,))
    s = replace(s, zones=(replace(s.zones[0], nr_free_pages=free),))
    how = AllocFlags.CMA if is_one(flags) else AllocFlags.NONE
    op = AllocPages(0, 0, 0, asks, how)
    same, after, got = both_do(cfg, s, op, op.linux)
    zone = after.zones[0]
    gone = sum(1 << order for _, order, *_ in listed)
    gone -= sum(n << order for order, n in enumerate(zone.nr_free))
    left = sum(map(len, zone.pagesets[0].lists))
    known = waits + gone == left + (got is not None)
    return every(same, known, zone.nr_free_pages == free - gone)


def lists_and_flags(
    top: Any,
    nth: Any,
    mt: Any,
    length: Any,
    own: Any,
    cma: Any,
    other: Any,
    batch: Any,
    flags: Any,
    free: Any,
) -> Iterable[Any]:
    """Assume a type of requests, up to two pages, a batch, and bits."""
    yield from (mt < 3, length < 3, batch >= 1, batch <= 3)
    yield from (bit <= 1 for bit in (own, cma, other, flags))


# ------------------------------------------------------------------ which list


def a_request_chooses_its_list_alike(
    top: Any,
    nth: Any,
    order: Any,
    own: Any,
    cma: Any,
    high: Any,
    free: Any,
    free_cma: Any,
    may_cma: Any,
    harder: Any,
) -> Any:
    """The reserve's if it is urgent and large, CMA's where more than half is CMA's.

    Then its own, and CMA's if it may.
    """
    cfg = replace(cpu_zone(nth), cpus=0)
    size = one_of(order, (0, 1))
    parts = [(8, 1, MIGRATE_MOVABLE, own), (4, 1, cfg.cma, cma)]
    parts.append((0, 1, MIGRATE_HIGHATOMIC, high))
    listed = [(at, o, t) for at, o, t, bit in parts if is_one(bit)]
    s = scene(cfg, nth, listed, types=(MIGRATE_MOVABLE,) * 2)
    zone = replace(s.zones[0], nr_free_pages=free, nr_free_cma=free_cma)
    s = replace(s, zones=(zone,))
    flags = AllocFlags.CMA if is_one(may_cma) else AllocFlags.NONE
    flags |= AllocFlags.HARDER if is_one(harder) else AllocFlags.NONE
    op = AllocPages(0, 0, size, MIGRATE_MOVABLE, flags)
    same, after, got = both_do(cfg, s, op, op.linux)
    urgent = size > 0 and AllocFlags.HARDER in flags and is_one(high)
    first = is_one(may_cma) and is_one(cma)
    much = first and bool(free_cma > free // 2)
    due = 0 if urgent else 4 if much else 8 if is_one(own) else 4 if first else None
    if due is None:
        return same and got is None
    took = 1 << size
    lost = took if due == 4 else 0
    counts = after.zones[0].nr_free_pages == free - took
    return every(
        same,
        got is not None and got - place(nth, 0) == due,
        counts,
        after.zones[0].nr_free_cma == free_cma - lost,
    )


def counters_and_bits(
    top: Any,
    nth: Any,
    order: Any,
    own: Any,
    cma: Any,
    high: Any,
    free: Any,
    free_cma: Any,
    may_cma: Any,
    harder: Any,
) -> Iterable[Any]:
    """Assume bits; the counters are any numbers."""
    return (bit <= 1 for bit in (order, own, cma, high, may_cma, harder))


# ------------------------------------------------------------------ real pagesets


def pagesets_after_boot_follow_the_size_of_their_zone(
    top: Any, managed: Any, batch: Any, high: Any
) -> Any:
    """The batch is the zone's by the formula, at least one; the high mark six times it.

    Both are as declared where a batch is; the machine does the same.
    """
    cfg = replace(cpu_zone(0), batch=batch, high=high)
    s = scene(cfg, 0, [], types=(1, 1), pagesets=(Pageset(),), managed=able(managed))
    op = SetupPagesets()
    same, after, _ = both_do(cfg, s, op, op.run)
    ps = after.zones[0].pagesets[0]
    if batch > 0:
        return every(same, ps.batch == batch, ps.high == high)
    due = pcp.zone_batchsize(able(managed))
    return every(same, ps.batch == max(1, due), ps.high == 6 * due)


# ------------------------------------------------------------------ mistakes


def drain_as_listed(
    cfg: Config, s: Memory, cpu: int, at: int, pages: int
) -> tuple[Memory, tuple[Event, ...]]:
    """Give pages back as the type of the list on which they waited: P69."""
    ps = s.zones[at].pagesets[cpu]
    lists = tuple(
        tuple((pfn, mt) for pfn, _ in line) for mt, line in enumerate(ps.lists)
    )
    s = pcp.with_pageset(s, cpu, at, replace(ps, lists=lists))
    return right_drain(cfg, s, cpu, at, pages)


def keep_boots(cfg: Config, managed: int) -> Pageset:
    """Leave the pagesets as they were when little of the zone was there: P59."""
    return Pageset()


def cma_last(
    cfg: Config, s: Memory, at: int, order: int, mt: int, flags: AllocFlags
) -> Any:
    """Take from CMA only where nothing else is left."""
    zone = s.zones[at]
    s = replace(s, zones=(replace(zone, nr_free_cma=0),))
    s, page, events = right_rmqueue(cfg, s, at, order, mt, flags)
    due = replace(s.zones[at], nr_free_cma=zone.nr_free_cma)
    return replace(s, zones=(due,)), page, events


right_drain, right_rmqueue = pcp.drain, migrate.rmqueue

# ------------------------------------------------------------------ the lemmas

CPUS = (
    Lemma(
        claim=pages_leave_a_cpus_lists_alike,
        given=lists_and_marks,
        provers=(
            Symbolic(Bounded),
            Sampled(bent(0, 2, 3, 2, 4, 6, 8, -3, 3, 2)),
        ),
        mistakes=(
            Mistake(machine, "drain", drain_by_list, bug="P69"),
            Mistake(pcp, "drain", drain_as_listed, bug="P69"),
            Mistake(machine, "drain", drain_from_the_heads),
            Mistake(allocator, "drain", drain_as_it_is_now),
            Mistake(allocator, "drain", drain_and_count_on),
            Mistake(allocator, "drain", drain_out_of_turn),
            Mistake(Zone, "free_with_type", believe_the_type),
            Mistake(Blocks, "drain", drain_a_batch),
            Mistake(allocator, "commit", commit_above_the_mark),
            Mistake(allocator, "commit", keep_pages_at_boot),
            Mistake(allocator, "commit", commit_isolated),
            Mistake(allocator, "commit", commit_to_the_tail),
            Mistake(allocator, "commit", drain_all_at_the_mark),
            Mistake(allocator, "commit", list_all_as_movable),
        ),
        size="up to 4 pages on the lists",
        slow=True,
    ),
    Lemma(
        claim=a_page_of_a_cpus_list_is_handed_out_alike,
        given=lists_and_flags,
        provers=(Symbolic(Bounded), Sampled(bent(0, 3, 3, 2, 2, 2, -3, 2, 8))),
        mistakes=(
            Mistake(machine, "refill", refill_at_the_head),
            Mistake(machine, "refill", refill_one_more),
            Mistake(machine, "refill", refill_a_single),
            Mistake(machine, "refill", refill_uncounted),
            Mistake(machine, "refill", refill_and_count_cma),
            Mistake(machine, "refill", refill_as_asked, bug="P69"),
            Mistake(allocator, "rmqueue_pcplist", take_uncounted),
            Mistake(allocator, "rmqueue_pcplist", take_the_coldest),
            Mistake(Blocks, "uses_pageset", lend_cma),
        ),
        size="up to 2 pages on a list, up to 3 free blocks",
    ),
    Lemma(
        claim=a_request_chooses_its_list_alike,
        given=counters_and_bits,
        provers=(
            Symbolic(Bounded),
            Sampled(bent(0, 2, 2, 2, 2, 8, 8)),
        ),
        mistakes=(
            Mistake(Mobility, "rmqueue", spare_cma),
            Mistake(Mobility, "rmqueue", balance_at_the_half),
            Mistake(Mobility, "rmqueue", balance_nothing),
            Mistake(Mobility, "rmqueue", spare_cma_always),
            Mistake(Mobility, "rmqueue", name_the_request),
            Mistake(Blocks, "rmqueue_zone", pass_the_reserve),
            Mistake(Blocks, "rmqueue_zone", open_the_reserve),
            Mistake(alloc, "rmqueue", cma_last),
        ),
        size="one block of each type",
    ),
    Lemma(
        claim=pagesets_after_boot_follow_the_size_of_their_zone,
        provers=(Symbolic(Bounded), Sampled(bent(1 << 21, 3, 9))),
        mistakes=(
            Mistake(Blocks, "setup_pagesets", keep_the_boot_pagesets, bug="P59"),
            Mistake(manage, "real_pageset", keep_boots, bug="P59"),
        ),
    ),
)
