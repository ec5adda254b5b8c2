"""What the page allocator is made of: zones, their lists, and who holds which frame.

A frame is named by its `pfn`; a block is 2**order frames that start at a multiple of
2**order.  `at` is the index of a zone, `mt` a migrate type, list entries stand head
first.  A frame that was never released to the allocator is nowhere in the state.

Source: include/linux/mmzone.h:struct zone, struct free_area (v5.10).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import replace
from operator import attrgetter
from typing import TypeVar

from ..core import value
from ..linux import (
    MAX_ORDER,
    MIGRATE_HIGHATOMIC,
    MIGRATE_MOVABLE,
    MIGRATE_PCPTYPES,
    AllocFlags,
    Bug,
    Errno,
)

T = TypeVar("T")

# Behaviours of real 5.10 that break a rule; each is fixed in a later kernel.
MERGES_RESERVED = "merges-reserved"  # high-atomic and CMA blocks merge with others
KEEPS_PRIVATE = "keeps-private"  # freeing leaves page->private of the tail pages
COUNTS_TAKEN = "counts-taken"  # a page taken off the lists stays in NR_FREE_PAGES
V5_10 = (MERGES_RESERVED, KEEPS_PRIVATE, COUNTS_TAKEN)

first_frame = attrgetter("pfn")  # of a held block

PICKS = ("linux", "any", "lowest", "highest")


@value
class Span:
    """The frames [start, end) of one zone."""

    start: int
    end: int


@value
class Config:
    """The machine, and what another correct allocator declares to do differently.

    `high` and `batch` are those of real pagesets; 0 takes the kernel's formula.  With
    no cpus there are no pagesets.  `min_order`, `merging`, `picks`, `metadata` and
    `fails` are the declared variation.
    """

    zones: tuple[Span, ...] = (Span(0, 8),)
    holes: tuple[Span, ...] = ()  # frames that are not there
    start: tuple[Span, ...] = ()  # what is released before the first operation
    blocks: tuple[int, ...] = ()  # the migrate types of the first page blocks
    orders: int = MAX_ORDER
    pageblock_order: int = 9
    cpus: int = 0
    high: int = 0
    batch: int = 0
    booted: bool = True  # the pagesets are real ones from the start
    types: tuple[int, ...] = (MIGRATE_MOVABLE,)  # of requests
    sizes: tuple[int, ...] = ()  # orders on request; all where none is named
    exact: tuple[int, ...] = (3,)  # page counts of exact-size requests
    flags: tuple[AllocFlags, ...] = (AllocFlags.NONE,)
    compound: tuple[bool, ...] = (False,)
    most_refs: int = 2
    has_cma: bool = False
    has_isolation: bool = True
    guard_minorder: int = 0
    grouping: bool = True  # page_group_by_mobility_disabled is off
    high_wmark: int = 0  # of every zone; 0: not set yet
    boost_factor: int = 15000
    quirks: tuple[str, ...] = ()
    ops: tuple[str, ...] = ()
    min_order: int = 0  # the smallest block there is
    merging: str = "eager"  # or "lazy": free blocks may stay apart
    picks: str = "linux"  # which block: PICKS
    metadata: int = 0  # frames at the start of each zone kept for itself
    fails: str = "full"  # or "freely": None may be answered at any time
    symmetric: bool = False  # states that differ by a swap of halves are one

    @property
    def max_order(self) -> int:
        """Return the greatest order."""
        return self.orders - 1

    @property
    def cma(self) -> int:
        """Return MIGRATE_CMA, or -1 where the kernel is built without."""
        return MIGRATE_HIGHATOMIC + 1 if self.has_cma else -1

    @property
    def isolate(self) -> int:
        """Return MIGRATE_ISOLATE, or -1 where the kernel is built without."""
        return MIGRATE_HIGHATOMIC + 1 + self.has_cma if self.has_isolation else -1

    @property
    def migrate_types(self) -> int:
        """Return MIGRATE_TYPES, the number of lists of each order."""
        return MIGRATE_HIGHATOMIC + 1 + self.has_cma + self.has_isolation

    @property
    def block_pages(self) -> int:
        """Return pageblock_nr_pages."""
        return 1 << self.pageblock_order

    @property
    def first_block(self) -> int:
        """Return the number of the page block that `Memory.types` begins with."""
        return min(z.start for z in self.zones) >> self.pageblock_order

    @property
    def is_linux(self) -> bool:
        """Say whether blocks are picked as Linux does."""
        return self.picks == "linux"


# ------------------------------------------------------------------ state


@value
class Pageset:
    """struct per_cpu_pages; an entry is (pfn, the type it was freed or taken with)."""

    high: int = 0
    batch: int = 1
    count: int = 0
    lists: tuple[tuple[tuple[int, int], ...], ...] = ((),) * MIGRATE_PCPTYPES


@value
class Zone:
    """struct zone: `free[order][mt]` is a list of pfns; counters as in the kernel."""

    free: tuple[tuple[tuple[int, ...], ...], ...]
    nr_free: tuple[int, ...]
    nr_free_pages: int = 0  # NR_FREE_PAGES
    nr_free_cma: int = 0  # NR_FREE_CMA_PAGES
    managed: int = 0
    pagesets: tuple[Pageset, ...] = ()
    nr_isolate: int = 0  # nr_isolate_pageblock
    highatomic: int = 0  # nr_reserved_highatomic
    boost: int = 0  # watermark_boost
    boosted: bool = False  # ZONE_BOOSTED_WATERMARK


@value
class Held:
    """A block that somebody owns; `movable` as it was asked for."""

    pfn: int
    order: int
    refs: int = 1
    compound: bool = False
    movable: bool = False

    @property
    def end(self) -> int:
        """Return the frame behind the block."""
        return self.pfn + (1 << self.order)


@value
class Memory:
    """All zones, the types of the page blocks, and every frame that is not free."""

    zones: tuple[Zone, ...]
    types: tuple[int, ...]  # of page blocks, from Config.first_block on
    held: tuple[Held, ...] = ()  # by rising pfn
    prepared: tuple[tuple[int, int], ...] = ()  # (pfn, mt): freed, not yet in a list
    guards: tuple[tuple[int, int], ...] = ()  # (pfn, order), by rising pfn
    taken: tuple[int, ...] = ()  # frames taken off the lists for good
    private: tuple[tuple[int, int], ...] = ()  # (pfn, word): page->private, not 0


# ------------------------------------------------------------------ answers


@value
class Locked:
    """mm_page_alloc_zone_locked: a block left the lists."""

    pfn: int
    order: int
    mt: int


@value
class Drained:
    """mm_page_pcpu_drain: a page went back to the lists."""

    pfn: int
    mt: int


@value
class Stole:
    """mm_page_alloc_extfrag: a request of one type took a block of another."""

    pfn: int
    alloc_order: int
    fallback_order: int
    alloc_mt: int
    fallback_mt: int
    changed: bool  # the page block now has the type of the request


@value
class Woke:
    """kswapd was woken because a watermark is boosted."""

    at: int


Event = Locked | Drained | Stole | Woke


@value
class Outcome:
    """What an operation returned, and what could be seen on the way."""

    value: int | None | Errno | Bug = None
    events: tuple[Event, ...] = ()


DONE = Outcome()


# ------------------------------------------------------------------ looking


def put(items: tuple[T, ...], i: int, item: T) -> tuple[T, ...]:
    """Return a tuple with one item replaced."""
    return (*items[:i], item, *items[i + 1 :])


def frames_from(start: int, pages: int, *step: int) -> Iterator[int]:
    """Yield the frames of a range, or every so many of them."""
    return (start + offset for offset in range(0, pages, *step))


def zone_of(cfg: Config, pfn: int) -> int | None:
    """Return the zone that a present frame is in, none for a foreign one."""
    if any(hole.start <= pfn < hole.end for hole in cfg.holes):
        return None
    for at, span in enumerate(cfg.zones):
        if span.start <= pfn < span.end:
            return at
    return None


def type_of(cfg: Config, s: Memory, pfn: int) -> int:
    """Return the migrate type of the page block that a frame is in."""
    return s.types[(pfn >> cfg.pageblock_order) - cfg.first_block]


def with_type(cfg: Config, s: Memory, pfn: int, mt: int) -> Memory:
    """Give the page block of a frame a type: set_pageblock_migratetype()."""
    place = (pfn >> cfg.pageblock_order) - cfg.first_block
    return replace(s, types=put(s.types, place, mt))


def with_zone(s: Memory, at: int, zone: Zone) -> Memory:
    """Return the state with one zone replaced."""
    return replace(s, zones=put(s.zones, at, zone))


def held_at(s: Memory, pfn: int) -> Held | None:
    """Return the block that somebody owns and that begins at a frame."""
    block = holder_of(s, pfn)
    return block if block is not None and block.pfn == pfn else None


def holder_of(s: Memory, pfn: int) -> Held | None:
    """Return the block that somebody owns and that a frame is in."""
    place = bisect_right(s.held, pfn, key=first_frame)
    block = s.held[place - 1] if place else None
    return block if block is not None and pfn < block.end else None


def own(s: Memory, *blocks: Held) -> Memory:
    """Return the state with blocks that somebody owns now."""
    return replace(s, held=tuple(sorted((*s.held, *blocks), key=first_frame)))


def disown(s: Memory, pfn: int) -> Memory:
    """Return the state without the held block at a frame."""
    place = bisect_left(s.held, pfn, key=first_frame)
    return replace(s, held=(*s.held[:place], *s.held[place + 1 :]))


def count(cfg: Config, s: Memory, at: int, pages: int, mt: int) -> Memory:
    """Change NR_FREE_PAGES, and its part in CMA: __mod_zone_freepage_state()."""
    z = s.zones[at]
    cma = z.nr_free_cma + (pages if mt == cfg.cma else 0)
    z = replace(z, nr_free_pages=z.nr_free_pages + pages, nr_free_cma=cma)
    return with_zone(s, at, z)


def free_blocks(zone: Zone) -> list[tuple[int, int, int]]:
    """Return (pfn, order, mt) of every block on a zone's lists."""
    return [
        (pfn, order, mt)
        for order, lists in enumerate(zone.free)
        for mt, line in enumerate(lists)
        for pfn in line
    ]


def cached(zone: Zone) -> list[tuple[int, int]]:
    """Return (pfn, type) of every page in a zone's pagesets."""
    return [each for ps in zone.pagesets for line in ps.lists for each in line]
