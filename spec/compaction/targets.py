"""The free scanner: from the top down, it takes free blocks for the pages that move.

First the free lists are searched for a block far up, then page blocks are scanned.
What is taken is split into pages, the last one first.

Source: mm/compaction.c:isolate_freepages, isolate_freepages_block,
fast_isolate_freepages, fast_isolate_around, split_map_pages (v5.10).
"""

from __future__ import annotations

from dataclasses import replace

from ..core import value
from ..linux import MIGRATE_MOVABLE
from .blocks import isolate_free_page, listed
from .parts import (
    FREE,
    HEAD,
    KEEPS_HIGH_PFN,
    STARTS_BELOW,
    WORD,
    Config,
    Control,
    Memory,
    Mode,
    Phase,
    Run,
    Zone,
    block_end,
    block_start,
    compound_order,
    letter,
    once,
    skipped,
    type_of,
    with_run,
    with_skip,
    with_zone,
    zone_of,
)
from .sources import is_movable, scan_limit

Taken = tuple[tuple[int, int], ...]  # (pfn, order) of blocks, in turn


@value
class Hunt:
    """The free scanner at work: the state, and the blocks it has taken so far."""

    s: Memory
    run: Run
    taken: Taken = ()

    @property
    def cc(self) -> Control:
        """Return the control of the run."""
        return self.run.cc

    @property
    def pages(self) -> int:
        """Return nr_freepages."""
        return sum(1 << order for _, order in self.taken)

    @property
    def enough(self) -> bool:
        """Say whether there is a target for every page that is to move."""
        return self.pages >= self.cc.nr_migratepages


def noted(h: Hunt, cc: Control) -> Hunt:
    """Return the hunt with another control."""
    return replace(h, run=replace(h.run, cc=cc))


def zone_at(h: Hunt) -> Zone:
    """Return the zone that is compacted."""
    return h.s.zones[h.run.at]


# ------------------------------------------------------------------ one page block


def scan_free(
    cfg: Config, h: Hunt, pfn: int, end: int, stride: int, busy: bool
) -> tuple[Hunt, int]:
    """Take the free blocks of [pfn, end) until there are enough; return where it ends.

    Source: mm/compaction.c:isolate_freepages_block (v5.10).
    """
    locked = False
    while pfn < end:
        if pfn % cfg.cluster == 0:
            locked = False
            if h.run.fatal:
                h = noted(h, replace(h.cc, contended=True))
                break
        mark = letter(cfg, h.s, pfn)
        order = order_of(cfg, h.s, pfn) if mark == FREE else None
        if order is None:
            tails = (1 << compound_order(cfg, h.s, pfn)) - 1 if mark == HEAD else 0
            pfn += tails + stride
            continue
        if not locked and busy and h.cc.mode is Mode.ASYNC:
            h = noted(h, replace(h.cc, contended=True))
        locked = True
        s = isolate_free_page(cfg, h.s, pfn, order)
        if s is None:
            break
        h = replace(h, s=s, taken=(*h.taken, (pfn, order)))
        if h.enough:
            pfn += 1 << order
            break
        pfn += (1 << order) - 1 + stride
    return h, min(pfn, end)


def order_of(cfg: Config, s: Memory, pfn: int) -> int | None:
    """Return the order of the free block that a frame begins, if it begins one."""
    areas = s.zones[zone_of(cfg, pfn)].free
    return next((o for o, a in enumerate(areas) if any(pfn in x for x in a)), None)


# ------------------------------------------------------------------ the fast search


@value
class Bounds:
    """Where the fast search would like a block, and where it still takes one."""

    low: int  # the top quarter of the way
    least: int  # min_pfn: the top half
    limit: int
    deep: bool  # scan_start


def bounds_of(cfg: Config, zone: Zone, cc: Control) -> Bounds:
    """Return the limits of a search; the distance wraps where the scanners passed."""
    order, distance = cfg.pageblock_order, (cc.free_pfn - cc.migrate_pfn) & WORD
    low = block_start((cc.free_pfn - (distance >> 2)) & WORD, order)
    least = block_start((cc.free_pfn - (distance >> 1)) & WORD, order)
    deep = cc.free_pfn >= zone.init_free
    limit = min(1, scan_limit(cfg.cluster, cc.fast_search_fail) >> 1)
    if deep:
        limit = cfg.block_pages >> 1
    return Bounds(max(low, least), least, limit, deep)


def orders_in_turn(cc: Control) -> tuple[int, ...]:
    """Return the orders as they are searched: next_search_order(), round robin."""
    first = min(cc.order - 1, cc.search_order)
    return (*range(first, -1, -1), *range(cc.order - 1, first, -1))


@value
class Look:
    """What a look through one list found, or the looks so far."""

    pfn: int | None = None  # the block to take
    far_up: bool = False  # it is where one was wanted
    candidate: int = 0  # high_pfn
    highest: int = 0  # the first frame of the highest page block that was met
    seen: int = 0  # order_scanned
    limit: int = 0


def look_through(
    cfg: Config, line: tuple[int, ...], start: int, b: Bounds, so_far: Look
) -> Look:
    """Look through one list from its tail on, for at most `limit` blocks."""
    candidate = so_far.candidate if KEEPS_HIGH_PFN in cfg.quirks else 0
    highest, limit, seen = so_far.highest, so_far.limit, 0
    for pfn in reversed(line):
        seen += 1
        if pfn >= highest:
            highest = block_start(pfn, cfg.pageblock_order)
            highest = highest if STARTS_BELOW in cfg.quirks else max(highest, start)
        if pfn >= b.low:
            return Look(pfn, True, candidate, highest, seen, limit)
        if pfn >= b.least and pfn > candidate:
            candidate, limit = pfn, limit >> 1
        if seen >= limit:
            break
    return Look(candidate or None, False, candidate, highest, seen, limit)


def turned(line: tuple[int, ...], pfn: int | None) -> tuple[int, ...]:
    """Move what stands before a block to the end of its list: move_freelist_head()."""
    if pfn not in line:
        return line
    i = line.index(pfn)
    return (*line[i:], *line[:i])


def fast_search(cfg: Config, h: Hunt, b: Bounds) -> tuple[Hunt, Look]:
    """Search the lists for a block high up, and take it.

    The list goes on from the block next time.  If the mark forbids to take one, the
    search is over.
    """
    orders = orders_in_turn(h.cc)
    h = noted(h, replace(h.cc, search_order=orders[0]))
    start, look = cfg.zones[h.run.at].start, Look(limit=b.limit)
    for order in orders:
        area = zone_at(h).free[order]
        if not any(area):
            continue
        look = look_through(cfg, area[MIGRATE_MOVABLE], start, b, look)
        if look.far_up:
            h = noted(h, replace(h.cc, fast_search_fail=0, search_order=order))
        line = turned(area[MIGRATE_MOVABLE], stop_of(area[MIGRATE_MOVABLE], look))
        h = replace(
            h,
            s=with_zone(
                h.s, h.run.at, listed(zone_at(h), order, MIGRATE_MOVABLE, line)
            ),
        )
        if look.pfn is not None:
            h, look = take_found(cfg, h, look, order)
            last = order == orders[-1] and not look.far_up
            return (wrapped(h) if last or look.pfn is None else h), look
        if look.seen >= look.limit:
            look = replace(look, limit=min(1, look.limit >> 1))
    return wrapped(h), look


def stop_of(line: tuple[int, ...], look: Look) -> int | None:
    """Return the block before which the list is turned, none at its end."""
    if look.pfn is not None or not line:
        return look.pfn
    return line[-look.seen] if look.seen >= look.limit else None


def take_found(cfg: Config, h: Hunt, look: Look, order: int) -> tuple[Hunt, Look]:
    """Take the block that the fast search found."""
    assert look.pfn is not None
    s = isolate_free_page(cfg, h.s, look.pfn, order)
    if s is None:
        return h, replace(look, pfn=None)
    return replace(h, s=s, taken=((look.pfn, order),)), look


def wrapped(h: Hunt) -> Hunt:
    """Begin the next search one order lower, after one without success."""
    lower = h.cc.search_order - 1
    return noted(h, replace(h.cc, search_order=lower if lower >= 0 else h.cc.order - 1))


def fast_isolate(cfg: Config, h: Hunt, busy: bool) -> Hunt:
    """Try to take a block without a scan: fast_isolate_freepages().

    After a search from the top without success, the scan begins at the highest page
    block that was met, or half way down.
    """
    b = bounds_of(cfg, zone_at(h), h.cc)
    h, look = fast_search(cfg, h, b)
    pfn = look.pfn
    if pfn is None:
        h = noted(h, replace(h.cc, fast_search_fail=h.cc.fast_search_fail + 1))
        if b.deep and look.highest:
            pfn = look.highest
            h = noted(h, replace(h.cc, free_pfn=pfn))
        elif b.deep and h.cc.direct and cfg.first <= b.least < cfg.end:
            pfn = b.least
            h = noted(h, replace(h.cc, free_pfn=pfn))
    zone = zone_at(h)
    if look.highest and look.highest >= zone.cached_free:
        cached = (look.highest - cfg.block_pages) & WORD
        h = replace(h, s=with_zone(h.s, h.run.at, replace(zone, cached_free=cached)))
    return h if pfn is None else isolate_around(cfg, h, pfn, busy)


def isolate_around(cfg: Config, h: Hunt, pfn: int, busy: bool) -> Hunt:
    """Take what else is free in the page block of a frame: fast_isolate_around().

    A page block that gives too little is passed over from now on.
    """
    if h.enough or (h.cc.direct and h.cc.mode is Mode.ASYNC):
        return h
    span = cfg.zones[h.run.at]
    start = max(block_start(pfn, cfg.pageblock_order), span.start)
    if STARTS_BELOW in cfg.quirks:
        start = max(block_start(pfn, cfg.pageblock_order), cfg.first)
    end = min(block_end(pfn, cfg.pageblock_order), span.end)
    h, _ = scan_free(cfg, h, start, end, 1, busy)
    return h if h.enough else replace(h, s=with_skip(cfg, h.s, start))


# ------------------------------------------------------------------ the slow scan


def suitable_target(cfg: Config, s: Memory, cc: Control, pfn: int) -> bool:
    """Say whether pages may move into a page block: suitable_migration_target()."""
    order = order_of(cfg, s, pfn)
    if order is not None and order >= cfg.pageblock_order:
        return False
    return cc.ignore_block or is_movable(type_of(cfg, s, pfn), cfg.cma)


def update_skip(cfg: Config, h: Hunt, pfn: int) -> Hunt:
    """Pass over a page block that was scanned to its end: update_pageblock_skip()."""
    s = with_skip(cfg, h.s, pfn)
    zone = s.zones[h.run.at]
    cached = min(zone.cached_free, pfn)
    zone = replace(zone, cached_free=cached)
    return replace(h, s=with_zone(s, h.run.at, zone))


def slow_isolate(cfg: Config, h: Hunt, busy: bool) -> Hunt:
    """Scan page blocks downwards until there are enough free pages.

    Stops above the page block that the migrate scanner is in.
    """
    pages, cluster = cfg.block_pages, cfg.cluster
    pfn, top = h.cc.free_pfn, cfg.zones[h.run.at].end
    start = block_start(pfn, cfg.pageblock_order)
    end, low = min(start + pages, top), block_end(h.cc.migrate_pfn, cfg.pageblock_order)
    stride = cluster if h.cc.mode is Mode.ASYNC else 1
    while start >= low:
        if suits(cfg, h, start):
            had = h.pages
            h, pfn = scan_free(cfg, h, pfn, end, stride, busy)
            if pfn == end:
                h = update_skip(cfg, h, start)
            if h.enough:
                pfn = start - pages if pfn >= end else pfn
                break
            if pfn < end:
                break
            stride = 1 if h.pages > had else min(cluster, stride << 1)
        end, start = start, start - pages
        pfn = start
    return noted(h, replace(h.cc, free_pfn=pfn))


def suits(cfg: Config, h: Hunt, start: int) -> bool:
    """Say whether the free scanner looks into a page block."""
    if not suitable_target(cfg, h.s, h.cc, start):
        return False
    return h.cc.ignore_skip or not skipped(cfg, h.s, start)


def split(taken: Taken) -> tuple[int, ...]:
    """Return the single pages of blocks, the last one first: split_map_pages()."""
    pages = [p for pfn, order in taken for p in range(pfn, pfn + (1 << order))]
    return tuple(reversed(pages))


@once
def isolate(cfg: Config, s: Memory, busy: bool) -> tuple[Memory, Taken]:
    """Find targets for the pages that are to move: isolate_freepages().

    `busy` says that the zone's lock is contended, which only an asynchronous run notes.
    """
    assert s.run is not None
    h = fast_isolate(cfg, Hunt(s, s.run), busy)
    if not h.taken:
        h = slow_isolate(cfg, h, busy)
    cc = replace(h.cc, freepages=split(h.taken), starved=not h.taken)
    phase = Phase.DRAIN if cc.starved else Phase.MOVE
    return with_run(h.s, h.run, cc, phase), h.taken
