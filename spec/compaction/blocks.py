"""The free lists below compaction: freeing with capture, isolating, the pageset.

A block that is freed by the task that compacts may be caught before it reaches a list.
The pages that a run gives back wait in the cpu's pageset until it is drained.

Source: mm/page_alloc.c:__free_one_page, compaction_capture, __isolate_free_page,
free_unref_page_commit, free_pcppages_bulk (v5.10).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..buddy.blocks import buddy_of, joined
from ..buddy.pcp import round_robin
from ..buddy.zones import put
from ..linux import (
    MIGRATE_MOVABLE,
    MIGRATE_PCPTYPES,
    WMARK_MIN,
    AllocFlags,
)
from ..watermark import Level, watermark_ok
from .parts import (
    CAUGHT,
    FREE,
    HEAD,
    NOBODY,
    PINNED,
    TAIL,
    TARGET,
    TYPES,
    WAITS,
    Config,
    Memory,
    Phase,
    Zone,
    heads,
    once,
    painted,
    type_of,
    with_zone,
    zone_of,
)

# ------------------------------------------------------------------ lists


def put_on(zone: Zone, pfn: int, order: int, mt: int, *, tail: bool) -> Zone:
    """Put a block on a list."""
    line = zone.free[order][mt]
    line = (*line, pfn) if tail else (pfn, *line)
    return listed(zone, order, mt, line)


def listed(zone: Zone, order: int, mt: int, line: tuple[int, ...]) -> Zone:
    """Return a zone with one list replaced."""
    area = put(zone.free[order], mt, line)
    return replace(zone, free=put(zone.free, order, area))


def taken_off(zone: Zone, pfn: int, order: int) -> Zone:
    """Take a block off its list."""
    area = tuple(tuple(p for p in line if p != pfn) for line in zone.free[order])
    return replace(zone, free=put(zone.free, order, area))


def counted(cfg: Config, zone: Zone, pages: int, mt: int) -> Zone:
    """Change NR_FREE_PAGES, and its part in CMA."""
    cma = zone.nr_free_cma + (pages if mt == cfg.cma else 0)
    return replace(zone, nr_free_pages=zone.nr_free_pages + pages, nr_free_cma=cma)


def level_of(cfg: Config, s: Memory, at: int) -> Level:
    """Return what a watermark test looks at in a zone."""
    zone = s.zones[at]
    bits = (sum(1 << mt for mt, line in enumerate(a) if line) for a in zone.free)
    return Level(
        free=zone.nr_free_pages,
        marks=cfg.marks[at],
        lowmem_reserve=cfg.reserve[at],
        lists=tuple(bits),
        free_cma=zone.nr_free_cma,
    )


# ------------------------------------------------------------------ freeing


def may_capture(
    order: int, mt: int, wanted: int, pageblock_order: int, cma: int
) -> bool:
    """Say whether a block just freed may go to the task: compaction_capture().

    Never from CMA, and no small block out of a movable page block.
    """
    if order != wanted or mt == cma:
        return False
    return order >= pageblock_order or mt != MIGRATE_MOVABLE


def catches(cfg: Config, s: Memory, at: int, order: int, mt: int) -> bool:
    """Say whether the task that compacts this zone takes a block: task_capc()."""
    run = s.run
    if run is None or run.prio is None or run.at != at:
        return False
    if run.phase in (Phase.ZONE, Phase.RETURN):
        return False
    if run.cc.captured != NOBODY:
        return False
    return may_capture(order, mt, run.cc.order, cfg.pageblock_order, cfg.cma)


def free_one_page(
    cfg: Config, s: Memory, at: int, pfn: int, order: int, mt: int, ours: bool
) -> Memory:
    """Merge a block as far as it goes, or give it to the task: __free_one_page().

    `ours` says that the task which compacts is the one that frees.
    """
    s = painted(cfg, s, pfn, 1 << order, FREE)
    zone = counted(cfg, s.zones[at], 1 << order, mt)
    there = heads(zone)
    while order < cfg.orders - 1:
        if ours and catches(cfg, s, at, order, mt):
            s = with_zone(s, at, counted(cfg, zone, -(1 << order), mt))
            return caught(cfg, s, pfn, order)
        buddy = buddy_of(pfn, order)
        if there.get(buddy) != order:
            break
        zone = taken_off(zone, buddy, order)
        pfn, order = joined(pfn, order), order + 1
    tail = merge_is_likely(cfg, there, pfn, order)
    return with_zone(s, at, put_on(zone, pfn, order, mt, tail=tail))


def merge_is_likely(cfg: Config, there: dict[int, int], pfn: int, order: int) -> bool:
    """Say whether the buddy one order up is free: buddy_merge_likely()."""
    if order >= cfg.orders - 2:
        return False
    return there.get(buddy_of(joined(pfn, order), order + 1)) == order + 1


def caught(cfg: Config, s: Memory, pfn: int, order: int) -> Memory:
    """Let the task hold a block."""
    run = s.run
    assert run is not None
    s = painted(cfg, s, pfn, 1 << order, CAUGHT)
    return replace(s, run=replace(run, cc=replace(run.cc, captured=pfn)))


def free_page(cfg: Config, s: Memory, pfn: int, ours: bool) -> Memory:
    """Let a page wait in the pageset, drained by a batch at the high mark."""
    at, mt = zone_of(cfg, pfn), type_of(cfg, s, pfn)
    which = mt if mt < MIGRATE_PCPTYPES else MIGRATE_MOVABLE
    pcp = s.zones[at].pcp
    pcp = put(pcp, which, ((pfn, mt), *pcp[which]))
    s = painted(cfg, s, pfn, 1, WAITS)
    s = with_zone(s, at, replace(s.zones[at], pcp=pcp))
    if sum(map(len, pcp)) < cfg.high:
        return s
    return drain(cfg, s, at, cfg.batch, ours)


def drain(cfg: Config, s: Memory, at: int, pages: int, ours: bool) -> Memory:
    """Give pages of the pageset back to the lists: free_pcppages_bulk()."""
    lists = list(s.zones[at].pcp)
    out = []
    for mt in round_robin(tuple(map(len, lists)), pages):
        out.append(lists[mt][-1])
        lists[mt] = lists[mt][:-1]
    s = with_zone(s, at, replace(s.zones[at], pcp=tuple(lists)))
    for pfn, mt in out:
        s = free_one_page(cfg, s, at, pfn, 0, mt, ours)
    return s


def drain_all(cfg: Config, s: Memory, at: int, ours: bool) -> Memory:
    """Empty the pageset of a zone: drain_local_pages()."""
    return drain(cfg, s, at, sum(map(len, s.zones[at].pcp)), ours)


# ------------------------------------------------------------------ taking


def isolate_free_page(cfg: Config, s: Memory, pfn: int, order: int) -> Memory | None:
    """Take a free block off its list as a target, if the mark allows it.

    Page blocks of which at least half is taken become movable.

    Source: mm/page_alloc.c:__isolate_free_page (v5.10).
    """
    at = zone_of(cfg, pfn)
    z = level_of(cfg, s, at)
    mark = z.marks[WMARK_MIN] + (1 << order)
    if not watermark_ok(z, 0, mark, 0, AllocFlags.CMA, z.free, cfg.cma):
        return None
    zone = counted(cfg, s.zones[at], -(1 << order), type_of(cfg, s, pfn))
    zone = taken_off(zone, pfn, order)
    s = painted(cfg, with_zone(s, at, zone), pfn, 1 << order, TARGET)
    if order < cfg.pageblock_order - 1:
        return s
    types = s.types
    for block in range(pfn, pfn + (1 << order), cfg.block_pages):
        place = (block >> cfg.pageblock_order) - cfg.first_block
        if types[place] < MIGRATE_PCPTYPES:
            types = put(types, place, MIGRATE_MOVABLE)
    return replace(s, types=types)


def take(
    cfg: Config, s: Memory, at: int, order: int, mt: int
) -> tuple[Memory, int | None]:
    """Let somebody else allocate the first block that is enough, from its own type."""
    zone = s.zones[at]
    for high in range(order, cfg.orders):
        if zone.free[high][mt]:
            pfn = zone.free[high][mt][0]
            zone = counted(cfg, taken_off(zone, pfn, high), -(1 << order), mt)
            for half in range(high - 1, order - 1, -1):
                zone = put_on(zone, pfn + (1 << half), half, mt, tail=False)
            return held(cfg, with_zone(s, at, zone), pfn, order), pfn
    return s, None


def held(cfg: Config, s: Memory, pfn: int, order: int) -> Memory:
    """Let an owner hold a block, as one page or as a compound page."""
    s = painted(cfg, s, pfn, 1 << order, TAIL)
    return painted(cfg, s, pfn, 1, HEAD if order else PINNED)


# ------------------------------------------------------------------ the beginning


def frames_of(pattern: str, pages: int) -> str:
    """Return the letters of a page block as its pattern draws them."""
    body, star, _ = pattern[1:].partition("*")
    if star:
        return body + body[-1] * (pages - len(body))
    return (body * pages)[:pages]


def drawn(cfg: Config, layout: int) -> tuple[str, tuple[int, ...]]:
    """Return the letters and types of a layout: a digit picks a block's pattern."""
    pages, types = "", list[int]()
    for _ in range(cfg.nr_blocks):
        layout, digit = divmod(layout, len(cfg.patterns))
        pattern = cfg.patterns[digit]
        pages += frames_of(pattern, cfg.block_pages)
        types.append(TYPES[pattern[0]])
    start = cfg.first - (cfg.first_block << cfg.pageblock_order)
    return pages[start : start + cfg.end - cfg.first], tuple(types)


def free_blocks(cfg: Config, pages: str) -> Iterator[tuple[int, int]]:
    """Yield the free frames as blocks (pfn, order) inside a page block and a zone."""
    pfn = cfg.first
    while pfn < cfg.end:
        order, place = 0, pfn - cfg.first
        end = cfg.zones[zone_of(cfg, pfn)].end
        if pages[place] == FREE:
            while order < cfg.pageblock_order and pfn % (2 << order) == 0:
                if pfn + (2 << order) > end:
                    break
                if pages[place : place + (2 << order)] != FREE * (2 << order):
                    break
                order += 1
            yield pfn, order
        pfn += 1 << order


@once
def lay(cfg: Config, s: Memory, layout: int, downwards: bool) -> Memory:
    """Arrange the frames; free blocks are freed one by one from one end on."""
    pages, types = drawn(cfg, layout)
    s = replace(s, pages=pages.replace(FREE, PINNED), types=types, laid=True)
    found = tuple(free_blocks(cfg, pages))
    for pfn, order in reversed(found) if downwards else found:
        at, mt = zone_of(cfg, pfn), type_of(cfg, s, pfn)
        s = free_one_page(cfg, s, at, pfn, order, mt, ours=False)
    return s
