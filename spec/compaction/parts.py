"""What compaction works on: frames, free lists, page blocks, and a run that is going.

A frame is named by its `pfn` and is told by one letter in `Memory.pages`; a block on a
free list by its first frame.  Lists stand head first, `at` is the index of a zone.
A page that waits for its migration keeps its letter and stands in `migratepages`.

Source: mm/internal.h:struct compact_control, include/linux/mmzone.h:struct zone
(v5.10).
"""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from functools import lru_cache

from ..buddy.zones import Span, put
from ..core import value
from ..linux import (
    COMPACT_MAX_DEFER_SHIFT,
    GFP_KERNEL,
    MAX_ORDER,
    MIGRATE_HIGHATOMIC,
    MIGRATE_PCPTYPES,
    PAGE_ALLOC_COSTLY_ORDER,
    SWAP_CLUSTER_MAX,
    AllocFlags,
    CompactPriority,
    CompactResult,
    Gfp,
)

# Behaviours of real 5.10 that break a rule; each is fixed in a later kernel.
STARTS_BELOW = "starts-below-the-zone"  # until 5.10.24: a block's start is not clamped
KEEPS_HIGH_PFN = "keeps-high-pfn"  # until 5.10.19: a candidate survives its order
LOSES_CAPTURED = "loses-captured"  # a captured block is not told as success

once = lru_cache(maxsize=16)  # a step is asked for its answer, and for what follows

WORD = (1 << 64) - 1  # an unsigned long wraps
NEVER = WORD  # fast_start_pfn once the linear scan has gone back to it
NOBODY = -1  # no block is captured

FREE, WAITS, TARGET, CAUGHT = "f", "p", "i", "k"  # in a list, pageset, run; captured
ANON, FILE, BUSY, DRIVER = "m", "e", "b", "z"  # movable: plain, with fs locks, ...
PINNED, HEAD, TAIL = "u", "C", "c"  # not movable; a compound page
ON_LRU = (ANON, FILE, BUSY)
MOVABLE = (*ON_LRU, DRIVER)
TYPES = {"U": 0, "M": 1, "R": 2, "H": 3, "A": 4}  # of page blocks in a pattern


class Mode(Enum):
    """enum migrate_mode, as far as compaction on demand uses it."""

    ASYNC = 0
    SYNC_LIGHT = 1


class Phase(Enum):
    """Where the run is in compact_zone(), and so which step is next."""

    ZONE = "zone"
    FINISHED = "finished"
    SOURCE = "source"
    MOVE = "move"
    DRAIN = "drain"
    END = "end"
    RETURN = "return"


@value
class Config:
    """The machine, its tunables, and what may be asked of it.

    `marks` and `reserve` are _watermark and lowmem_reserve of each zone.  A pattern is
    the type of a page block and its frames: the last letter before a `*` fills the
    block, others are repeated.  `runs` bounds the compactions of one history.
    """

    zones: tuple[Span, ...] = (Span(4, 16),)
    orders: int = MAX_ORDER
    pageblock_order: int = 9
    costly_order: int = PAGE_ALLOC_COSTLY_ORDER
    cluster: int = SWAP_CLUSTER_MAX  # COMPACT_CLUSTER_MAX
    defer_max: int = COMPACT_MAX_DEFER_SHIFT
    threshold: int = 500  # sysctl_extfrag_threshold
    marks: tuple[tuple[int, int, int], ...] = ((0, 0, 0),)
    reserve: tuple[tuple[int, ...], ...] = ((0,),)
    high: int = 1 << 10  # of the pagesets
    batch: int = 1
    has_cma: bool = False
    patterns: tuple[str, ...] = ("Mm*",)
    layouts: tuple[int, ...] = ()  # all that the patterns give, if none is named
    runs: int = 1
    asked: tuple[int, ...] = (1,)  # orders
    gfps: tuple[Gfp, ...] = (GFP_KERNEL,)
    prios: tuple[CompactPriority, ...] = (CompactPriority.SYNC_LIGHT,)
    flags: tuple[AllocFlags, ...] = (AllocFlags.NONE,)
    taken: tuple[int, ...] = (0,)  # orders that others allocate
    quirks: tuple[str, ...] = ()
    ops: tuple[str, ...] = ()

    @property
    def first(self) -> int:
        """Return the first frame there is."""
        return self.zones[0].start

    @property
    def end(self) -> int:
        """Return the frame behind the last one."""
        return self.zones[-1].end

    @property
    def block_pages(self) -> int:
        """Return pageblock_nr_pages."""
        return 1 << self.pageblock_order

    @property
    def first_block(self) -> int:
        """Return the number of the first page block."""
        return self.first >> self.pageblock_order

    @property
    def nr_blocks(self) -> int:
        """Return how many page blocks there are, those in part included."""
        return ((self.end - 1) >> self.pageblock_order) - self.first_block + 1

    @property
    def types(self) -> int:
        """Return the number of lists of one order."""
        return MIGRATE_HIGHATOMIC + 2 if self.has_cma else MIGRATE_HIGHATOMIC + 1

    @property
    def cma(self) -> int:
        """Return MIGRATE_CMA, or -1 where the kernel is built without."""
        return MIGRATE_HIGHATOMIC + 1 if self.has_cma else -1


# ------------------------------------------------------------------ state


@value
class Zone:
    """struct zone, as far as compaction reads or writes it.

    `pcp` are the lists of the cpu's pageset; an entry is (pfn, the type it was freed
    with).  The scanners' starts are 0 until something sets them.
    """

    free: tuple[tuple[tuple[int, ...], ...], ...]
    nr_free_pages: int = 0
    nr_free_cma: int = 0
    pcp: tuple[tuple[tuple[int, int], ...], ...] = ((),) * MIGRATE_PCPTYPES
    cached_free: int = 0  # compact_cached_free_pfn
    cached_migrate: tuple[int, int] = (0, 0)  # of asynchronous and other runs
    init_migrate: int = 0  # compact_init_migrate_pfn
    init_free: int = 0
    considered: int = 0  # compact_considered
    defer_shift: int = 0
    order_failed: int = 0
    flush: bool = False  # compact_blockskip_flush


@value
class Control:
    """struct compact_control, and the variables of compact_zone()."""

    order: int
    mt: int
    mode: Mode
    direct: bool  # direct_compaction
    fs: bool  # the request may take the locks of file systems
    whole_zone: bool = False
    ignore_skip: bool = False
    ignore_block: bool = False  # ignore_block_suitable
    migrate_pfn: int = 0
    free_pfn: int = 0
    freepages: tuple[int, ...] = ()
    migratepages: tuple[int, ...] = ()
    nr_migratepages: int = 0  # stays while the pages migrate
    fast_start_pfn: int = 0
    fast_search_fail: int = 0
    search_order: int = 0
    contended: bool = False
    rescan: bool = False
    last_migrated: int = 0
    update_cached: bool = False
    failed: bool = False  # a page did not move
    starved: bool = False  # -ENOMEM: no free page was found
    status: CompactResult = CompactResult.CONTINUE
    captured: int = NOBODY


@value
class Run:
    """try_to_compact_pages(), or kcompactd_do_work() where `prio` is none."""

    cc: Control
    prio: CompactPriority | None
    highest: int  # the highest zone that may be used
    at: int  # the zone in turn
    flags: AllocFlags = AllocFlags.NONE
    phase: Phase = Phase.ZONE
    result: CompactResult = CompactResult.SKIPPED
    captured: int = NOBODY
    fatal: bool = False  # a fatal signal is pending


@value
class Memory:
    """All frames and page blocks, the zones, and the run that is going."""

    pages: str  # a letter for each frame from Config.first on
    types: tuple[int, ...]  # of page blocks
    skip: tuple[bool, ...]  # PB_migrate_skip of page blocks
    zones: tuple[Zone, ...]
    run: Run | None = None
    runs: int = 0  # begun so far
    kcompactd_order: int = 0  # kcompactd_max_order
    kcompactd_highest: int = 0
    laid: bool = False


# ------------------------------------------------------------------ looking


def block_start(pfn: int, order: int) -> int:
    """Return the first frame of the aligned block that a frame is in."""
    return pfn >> order << order


def block_end(pfn: int, order: int) -> int:
    """Return the frame behind the aligned block that a frame is in."""
    return ((pfn >> order) + 1) << order


def letter(cfg: Config, s: Memory, pfn: int) -> str:
    """Return what a frame is."""
    return s.pages[pfn - cfg.first]


def spot(cfg: Config, pfn: int) -> int:
    """Return the place of a frame's page block in the tables."""
    return (pfn >> cfg.pageblock_order) - cfg.first_block


def type_of(cfg: Config, s: Memory, pfn: int) -> int:
    """Return the migrate type of a frame's page block."""
    return s.types[spot(cfg, pfn)]


def skipped(cfg: Config, s: Memory, pfn: int) -> bool:
    """Say whether scanners pass over a frame's page block: get_pageblock_skip()."""
    return s.skip[spot(cfg, pfn)]


def zone_of(cfg: Config, pfn: int) -> int:
    """Return the zone that a frame is in."""
    return next(i for i, z in enumerate(cfg.zones) if z.start <= pfn < z.end)


def heads(zone: Zone) -> dict[int, int]:
    """Return the order of each block on a free list (PageBuddy), by first frame."""
    return {p: o for o, area in enumerate(zone.free) for line in area for p in line}


def compound_order(cfg: Config, s: Memory, pfn: int) -> int:
    """Return the order of the compound page that a head page begins."""
    end = pfn + 1
    while end < cfg.end and letter(cfg, s, end) == TAIL:
        end += 1
    return (end - pfn).bit_length() - 1


def persistent(cfg: Config, s: Memory, pfn: int) -> bool:
    """Say whether a compound page as large as a page block is there."""
    if letter(cfg, s, pfn) not in (HEAD, TAIL):
        return False
    while letter(cfg, s, pfn) != HEAD:
        pfn -= 1
    return compound_order(cfg, s, pfn) >= cfg.pageblock_order


# ------------------------------------------------------------------ changing


def painted(cfg: Config, s: Memory, pfn: int, pages: int, mark: str) -> Memory:
    """Return the state with so many frames being something else."""
    at = pfn - cfg.first
    return replace(s, pages=s.pages[:at] + mark * pages + s.pages[at + pages :])


def with_zone(s: Memory, at: int, zone: Zone) -> Memory:
    """Return the state with one zone replaced."""
    return replace(s, zones=put(s.zones, at, zone))


def with_skip(cfg: Config, s: Memory, pfn: int) -> Memory:
    """Let scanners pass over a frame's page block: set_pageblock_skip()."""
    return replace(s, skip=put(s.skip, spot(cfg, pfn), True))


def without_skip(cfg: Config, s: Memory, pfn: int) -> Memory:
    """Let scanners look at a frame's page block again: clear_pageblock_skip()."""
    return replace(s, skip=put(s.skip, spot(cfg, pfn), False))


def with_run(s: Memory, run: Run, cc: Control, phase: Phase) -> Memory:
    """Return the state with the run at another place."""
    return replace(s, run=replace(run, cc=cc, phase=phase))
