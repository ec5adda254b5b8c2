"""The migrate scanner: from the bottom up, it takes movable pages out of page blocks.

It stays below the free scanner, passes over page blocks that were found useless, and
for a large order first looks for a page block that is partly free.

Source: mm/compaction.c:isolate_migratepages, isolate_migratepages_block,
fast_find_migrateblock (v5.10).
"""

from __future__ import annotations

from dataclasses import replace

from ..core import value
from ..linux import MIGRATE_MOVABLE, CompactResult
from .blocks import listed
from .parts import (
    BUSY,
    DRIVER,
    FILE,
    FREE,
    HEAD,
    NEVER,
    ON_LRU,
    Config,
    Control,
    Memory,
    Mode,
    Phase,
    Run,
    block_end,
    block_start,
    compound_order,
    heads,
    letter,
    once,
    persistent,
    skipped,
    type_of,
    with_run,
    with_skip,
    with_zone,
)


@value
class Isolated:
    """What the migrate scanner found: the pages, last one first, and where it stands.

    `aborted` says that the run ends here.
    """

    pages: tuple[int, ...]
    migrate_pfn: int
    aborted: bool = False


# ------------------------------------------------------------------ page blocks


def is_movable(mt: int, cma: int) -> bool:
    """Say whether movable pages belong into page blocks of a type."""
    return mt in (MIGRATE_MOVABLE, cma)


def suitable_source(cfg: Config, s: Memory, cc: Control, pfn: int) -> bool:
    """Say whether to take pages from a page block: suitable_migration_source().

    An asynchronous request cleans page blocks of its own type only.
    """
    if persistent(cfg, s, pfn):
        return False
    if cc.mode is not Mode.ASYNC or not cc.direct:
        return True
    mt = type_of(cfg, s, pfn)
    return is_movable(mt, cfg.cma) if cc.mt == MIGRATE_MOVABLE else mt == cc.mt


def update_cached_migrate(
    cfg: Config, s: Memory, at: int, mode: Mode, pfn: int
) -> Memory:
    """Let later runs begin behind the page block of a frame."""
    pfn = block_end(pfn, cfg.pageblock_order)
    zone = s.zones[at]
    light = pfn if mode is not Mode.ASYNC else 0
    cached = (max(zone.cached_migrate[0], pfn), max(zone.cached_migrate[1], light))
    return with_zone(s, at, replace(zone, cached_migrate=cached))


# ------------------------------------------------------------------ the fast search


def fast_find(cfg: Config, s: Memory, run: Run) -> tuple[Memory, Control, int]:
    """Look for a page block with free pages in it: fast_find_migrateblock().

    Returns where to scan.  The page block found is marked as one to pass over.
    """
    cc, start = run.cc, cfg.zones[run.at].start
    pfn = cc.migrate_pfn
    if cc.ignore_skip or pfn not in (start, block_start(pfn, cfg.pageblock_order)):
        return s, cc, pfn
    if cc.order <= cfg.costly_order or (cc.direct and cc.mt != MIGRATE_MOVABLE):
        return s, cc, pfn
    s, found = search(cfg, s, run, below(cfg, cc, start))
    if found is None:
        cc = replace(cc, fast_search_fail=cc.fast_search_fail + 1)
        if cc.fast_start_pfn not in (0, NEVER):
            cc = replace(cc, migrate_pfn=cc.fast_start_pfn, fast_start_pfn=NEVER)
        return s, cc, cc.migrate_pfn
    cc = replace(cc, fast_search_fail=0, fast_start_pfn=lowest(cc, found))
    s = with_skip(cfg, s, found)
    return s, cc, max(block_start(found, cfg.pageblock_order), start)


def lowest(cc: Control, pfn: int) -> int:
    """Return the lowest frame that the fast search found: update_fast_start_pfn()."""
    return min(cc.fast_start_pfn or pfn, pfn) if cc.fast_start_pfn != NEVER else NEVER


def below(cfg: Config, cc: Control, start: int) -> int:
    """Return below which frame to search: half of the way, later an eighth."""
    shift = 1 if cc.migrate_pfn == start else 3
    distance = (cc.free_pfn - cc.migrate_pfn) >> shift
    return block_start(cc.migrate_pfn + distance, cfg.pageblock_order)


def scan_limit(cluster: int, fails: int) -> int:
    """Return how many list entries to look at: freelist_scan_limit()."""
    return (cluster >> min(63, fails)) + 1


def search(cfg: Config, s: Memory, run: Run, high: int) -> tuple[Memory, int | None]:
    """Look through the lists for a block below a frame, the larger orders first.

    What was looked at goes to the end of its list.
    """
    cc, scanned = run.cc, 0
    limit = scan_limit(cfg.cluster, cc.fast_search_fail)
    for order in range(cc.order - 1, cfg.costly_order - 1, -1):
        if scanned >= limit:
            break
        line = s.zones[run.at].free[order][MIGRATE_MOVABLE]
        for i, pfn in enumerate(line):
            over = scanned >= limit
            scanned += 1
            if over or (pfn < high and not skipped(cfg, s, pfn)):
                turned = (*line[i + 1 :], *line[: i + 1])
                zone = listed(s.zones[run.at], order, MIGRATE_MOVABLE, turned)
                s = with_zone(s, run.at, zone)
                if over:
                    break
                return s, pfn
    return s, None


# ------------------------------------------------------------------ the scan


@value
class Scan:
    """A scan of one page block: where it stopped, and what it took."""

    pfn: int
    pages: tuple[int, ...] = ()
    contended: bool = False
    tested: bool = False  # skip_updated
    looked: bool = False  # the first frame of the page block was reached
    aborted: bool = False


def takes(cc: Control, mark: str) -> bool:
    """Say whether the scanner tries to isolate a page, for which it locks the LRU."""
    return mark in ON_LRU and (mark != FILE or cc.fs)


def scan_block(
    cfg: Config, s: Memory, run: Run, pfn: int, end: int, busy: bool
) -> tuple[Memory, Scan]:
    """Isolate the movable pages of [pfn, end): isolate_migratepages_block().

    `busy` says that the first try to lock the LRU fails, which counts only for an
    asynchronous run.  A direct one gives an aligned block up at the first failure.
    """
    cc = run.cc
    picky = cc.direct and cc.mode is Mode.ASYNC
    border = block_end(pfn, cc.order)  # next_skip_pfn
    there = heads(s.zones[run.at])
    contended, locked, tested, looked = cc.contended, False, False, False
    pages: tuple[int, ...] = ()
    while pfn < end:
        if picky and pfn >= border:
            if pages:
                break
            border = block_end(pfn, cc.order)
        if pfn % cfg.cluster == 0:
            locked = False
            if run.fatal:
                return s, Scan(0, pages, True, aborted=True)
        if pfn % cfg.block_pages == 0 and not looked:
            if not cc.ignore_skip and skipped(cfg, s, pfn):
                return s, Scan(end, pages, contended, tested)
            looked = True
        mark = letter(cfg, s, pfn)
        if mark == FREE and pfn in there:
            pfn += 1 << there[pfn]
            continue
        if takes(cc, mark) and not locked:
            contended = contended or (busy and cc.mode is Mode.ASYNC)
            locked = True
            if not tested:
                tested = True
                if not cc.ignore_skip and pfn % cfg.block_pages == 0:
                    s = with_skip(cfg, s, pfn)
        if mark == DRIVER or (takes(cc, mark) and mark != BUSY):
            locked = locked and mark != DRIVER
            pages = (pfn, *pages)
            pfn += 1
            if len(pages) >= cfg.cluster and not cc.rescan and not contended:
                break
            continue
        pfn += 1 << compound_order(cfg, s, pfn) if mark == HEAD else 1
        if picky:
            locked, pages = locked and not pages, ()
            if pfn <= border:
                pfn, border = border, border + (1 << cc.order)
    return s, Scan(min(pfn, end), pages, contended, tested, looked)


def note_useless(
    cfg: Config, s: Memory, run: Run, scan: Scan, pfn: int, end: int
) -> Memory:
    """Remember a page block in which nothing was found, or found twice."""
    if scan.pfn != end or (scan.pages and not run.cc.rescan):
        return s
    if scan.looked and not scan.tested:
        s = with_skip(cfg, s, end - cfg.block_pages)
    return update_cached_migrate(cfg, s, run.at, run.cc.mode, end)


@once
def isolate(
    cfg: Config, s: Memory, crowded: bool, busy: bool
) -> tuple[Memory, Isolated]:
    """Take the pages of the next page block that is good: isolate_migratepages().

    `crowded` says that too many pages are isolated already.
    """
    run = s.run
    assert run is not None
    at, before = run.at, run.cc
    s, cc, pfn = fast_find(cfg, s, run)
    run = replace(run, cc=cc)
    found = pfn != cc.migrate_pfn and not cc.fast_search_fail
    end, scan = block_end(pfn, cfg.pageblock_order), Scan(pfn)
    while end <= cc.free_pfn:
        unseen = pfn % cfg.block_pages == 0 and not found and not cc.ignore_skip
        first = max(end - cfg.block_pages, cfg.zones[at].start)
        if unseen and skipped(cfg, s, first):
            pass
        elif not suitable_source(cfg, s, cc, first):
            s = update_cached_migrate(cfg, s, at, cc.mode, end)
        else:
            s, scan = try_block(cfg, s, run, pfn, end, crowded, busy)
            pfn = scan.pfn
            break
        found, pfn, end = False, end, end + cfg.block_pages
    if scan.aborted:
        return give_up(s, run, scan)
    cc = replace(cc, migrate_pfn=pfn, contended=cc.contended or scan.contended)
    return arrived(s, replace(run, cc=cc), before.migrate_pfn, scan.pages)


def try_block(
    cfg: Config, s: Memory, run: Run, pfn: int, end: int, crowded: bool, busy: bool
) -> tuple[Memory, Scan]:
    """Scan a page block, unless too many pages are isolated to begin with."""
    if crowded and (run.cc.mode is Mode.ASYNC or run.fatal):
        return s, Scan(0, aborted=True)
    s, scan = scan_block(cfg, s, run, pfn, end, busy)
    if not scan.aborted:
        s = note_useless(cfg, s, run, scan, pfn, end)
    return s, scan


def give_up(s: Memory, run: Run, scan: Scan) -> tuple[Memory, Isolated]:
    """End the run, its pages put back: ISOLATE_ABORT."""
    cc = replace(
        run.cc,
        contended=run.cc.contended or scan.contended,
        status=CompactResult.CONTENDED,
    )
    s = with_run(s, run, cc, Phase.END)
    return s, Isolated((), cc.migrate_pfn, aborted=True)


def arrived(
    s: Memory, run: Run, started: int, pages: tuple[int, ...]
) -> tuple[Memory, Isolated]:
    """Go on with the pages that were found, or without: ISOLATE_SUCCESS, _NONE."""
    cc, zone = run.cc, s.zones[run.at]
    answer = Isolated(pages, cc.migrate_pfn)
    if pages:
        cc = replace(
            cc,
            migratepages=pages,
            nr_migratepages=len(pages),
            last_migrated=started,
            update_cached=False,
        )
        return with_run(s, run, cc, Phase.MOVE), answer
    if cc.update_cached:
        same = (zone.cached_migrate[0], zone.cached_migrate[0])
        s = with_zone(s, run.at, replace(zone, cached_migrate=same))
    return with_run(s, run, cc, Phase.DRAIN), answer
