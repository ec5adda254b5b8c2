"""What owners and the kernel do with blocks and lists besides taking and freeing.

Source: mm/page_alloc.c, mm/page_isolation.c (v5.10).
"""

from __future__ import annotations

from dataclasses import replace

from ..core import Domains, OneOf, nothing, value
from ..linux import MIGRATE_HIGHATOMIC, MIGRATE_MOVABLE, Errno
from .blocks import buddy_of, free_one_page, is_free, pull, set_aside
from .change import (
    COMPOUND,
    FOREIGN,
    SATURATED,
    Change,
    Done,
    frames_of,
    known_within,
    some_cpus,
    some_frames,
    some_zones,
)
from .free import mistake, the_zone
from .migrate import move_freepages_block, unreserve_highatomic
from .pcp import drain, real_pageset
from .zones import (
    COUNTS_TAKEN,
    DONE,
    Config,
    Event,
    Memory,
    Outcome,
    count,
    disown,
    frames_from,
    free_blocks,
    held_at,
    own,
    type_of,
    with_type,
    with_zone,
    zone_of,
)

WORD = 7  # what an owner leaves in page->private

# ------------------------------------------------------------------ owners


@value
class GetPage(Change):
    """get_page(): somebody else keeps the first page of a block."""

    pfn: int

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        return {"pfn": some_frames(cfg, s)}

    def run(self, cfg: Config, s: Memory) -> Done:
        no = mistake(cfg, s, self.pfn, None)
        block = held_at(s, self.pfn)
        if no is not None or block is None:
            return s, Outcome(no)
        if block.refs >= cfg.most_refs:
            return s, Outcome(SATURATED)
        block = replace(block, refs=block.refs + 1)
        return own(disown(s, self.pfn), block), DONE


@value
class SplitPage(Change):
    """split_page(): the pages of a block are owned, and freed, one by one."""

    pfn: int

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        return {"pfn": some_frames(cfg, s)}

    def run(self, cfg: Config, s: Memory) -> Done:
        no = mistake(cfg, s, self.pfn, None)
        block = held_at(s, self.pfn)
        if no is not None or block is None:
            return s, Outcome(no)
        if block.compound:
            return s, Outcome(COMPOUND)
        tails = frames_from(block.pfn + 1, (1 << block.order) - 1)
        pages = [replace(block, pfn=pfn, order=0, refs=1) for pfn in tails]
        return own(disown(s, block.pfn), replace(block, order=0), *pages), DONE


@value
class SetPrivate(Change):
    """set_page_private(): an owner leaves a word in the last page of its block."""

    pfn: int

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        return {"pfn": some_frames(cfg, s)}

    def run(self, cfg: Config, s: Memory) -> Done:
        no = mistake(cfg, s, self.pfn, None)
        block = held_at(s, self.pfn)
        if no is not None or block is None:
            return s, Outcome(no)
        words = dict(s.private) | {block.end - 1: WORD}
        return replace(s, private=tuple(sorted(words.items()))), DONE


# ------------------------------------------------------------------ pagesets


@value
class Drain(Change):
    """drain_pages_zone(), or drain_zone_pages() where at most a batch leaves."""

    cpu: int
    at: int
    whole: bool

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        if not cfg.cpus:
            return nothing()
        both = OneOf((True, False))
        return {"cpu": some_cpus(cfg), "at": some_zones(cfg), "whole": both}

    def run(self, cfg: Config, s: Memory) -> Done:
        ps = s.zones[self.at].pagesets[self.cpu]
        pages = ps.count if self.whole else ps.batch
        s, events = drain(cfg, s, self.cpu, self.at, pages)
        return s, Outcome(None, events)


def drain_all(cfg: Config, s: Memory, at: int) -> tuple[Memory, tuple[Event, ...]]:
    """Empty every cpu's pageset of a zone: drain_all_pages()."""
    events: tuple[Event, ...] = ()
    for cpu, ps in enumerate(s.zones[at].pagesets):
        s, seen = drain(cfg, s, cpu, at, ps.count)
        events += seen
    return s, events


@value
class SetupPagesets(Change):
    """setup_per_cpu_pageset(): real pagesets replace those of boot, which are empty."""

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        return {} if cfg.cpus else nothing()

    def run(self, cfg: Config, s: Memory) -> Done:
        for at, zone in enumerate(s.zones):
            real = real_pageset(cfg, zone.managed)
            sets = tuple(
                replace(ps, high=real.high, batch=real.batch) for ps in zone.pagesets
            )
            s = with_zone(s, at, replace(zone, pagesets=sets))
        return s, DONE


# ------------------------------------------------------------------ isolation


def page_blocks(cfg: Config) -> list[int]:
    """Return the first frame of each page block that lies in one zone, all of it."""
    size = cfg.block_pages
    first = [-(-z.start // size) * size for z in cfg.zones]
    spans = zip(first, cfg.zones, strict=True)
    found = [f for start, z in spans for f in range(start, z.end - size + 1, size)]
    return [f for f in found if zone_of(cfg, f) is not None]


def large_blocks(cfg: Config, s: Memory) -> list[tuple[int, int]]:
    """Return the ranges of blocks, free or held, of more than one page block."""
    blocks = [(h.pfn, h.order) for h in s.held]
    blocks += [b[:2] for zone in s.zones for b in free_blocks(zone)]
    large = cfg.pageblock_order + 1
    return [(pfn, pfn + (1 << order)) for pfn, order in blocks if order >= large]


def isolated(cfg: Config, s: Memory, start: int, end: int) -> list[bool]:
    """Say of each page block of a range whether it is isolated."""
    blocks = range(start, end, cfg.block_pages)
    return [type_of(cfg, s, pfn) == cfg.isolate for pfn in blocks]


def has_unmovable_pages(cfg: Config, s: Memory, pfn: int) -> bool:
    """Say whether a page block has frames that cannot be moved away.

    The tail of a block that is not compound counts as free: its pages have no
    references.  Frames that boot reserved never move, nor do holes, which are marked
    reserved, nor those of a CMA block.
    """
    end = pfn + cfg.block_pages
    if type_of(cfg, s, pfn) == cfg.cma or known_within(s, pfn, end) < cfg.block_pages:
        return True
    fixed = [h for h in s.held if not h.movable]
    spans = [(h.pfn, h.end if h.compound else h.pfn + 1) for h in fixed]
    return any(start < end and pfn < stop for start, stop in spans)


@value
class Isolate(Change):
    """set_migratetype_isolate(): nothing of a page block is handed out any more.

    Callers isolate ranges of whole largest blocks from their start on, so that of a
    block the first page block is the first to be isolated.
    """

    pfn: int

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        if not cfg.has_isolation:
            return nothing()
        wrong = {
            pfn
            for start, end in large_blocks(cfg, s)
            for pfn in range(start, end, cfg.block_pages)
            if not all(isolated(cfg, s, start, pfn))
        }
        return {"pfn": OneOf(tuple(f for f in page_blocks(cfg) if f not in wrong))}

    def run(self, cfg: Config, s: Memory) -> Done:
        mt, at = type_of(cfg, s, self.pfn), the_zone(cfg, self.pfn)
        if mt == cfg.isolate or has_unmovable_pages(cfg, s, self.pfn):
            return s, Outcome(Errno.EBUSY)
        s = with_type(cfg, s, self.pfn, cfg.isolate)
        zone = replace(s.zones[at], nr_isolate=s.zones[at].nr_isolate + 1)
        s = with_zone(s, at, zone)
        s, moved = move_freepages_block(cfg, s, at, self.pfn, cfg.isolate)
        s = count(cfg, s, at, -moved, mt)
        s, events = drain_all(cfg, s, at)
        return s, Outcome(None, events)


@value
class Unisolate(Change):
    """unset_migratetype_isolate(): a page block is in use again, as a type.

    Of a block the first page block is here the last one; callers begin with it, but
    nobody else sees the range until they are through.
    """

    pfn: int
    mt: int

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        if not cfg.has_isolation:
            return nothing()
        wrong = {
            pfn
            for start, end in large_blocks(cfg, s)
            for pfn in range(start, end, cfg.block_pages)
            if any(isolated(cfg, s, pfn + cfg.block_pages, end))
        }
        starts = OneOf(tuple(f for f in page_blocks(cfg) if f not in wrong))
        return {"pfn": starts, "mt": OneOf(cfg.types)}

    def run(self, cfg: Config, s: Memory) -> Done:
        pfn, at = self.pfn, the_zone(cfg, self.pfn)
        if type_of(cfg, s, pfn) != cfg.isolate:
            return s, DONE
        order = self.unmerged(cfg, s, at)
        if order is None:
            s, moved = move_freepages_block(cfg, s, at, pfn, self.mt)
            s = with_type(cfg, count(cfg, s, at, moved, self.mt), pfn, self.mt)
        else:
            s = with_zone(s, at, pull(s.zones[at], pfn, order))
            s = isolated_types(cfg, s, pfn, order)
            s = with_type(cfg, s, pfn, self.mt)
            s = free_one_page(cfg, s, at, pfn, order, self.mt, to_tail=True)
        zone = replace(s.zones[at], nr_isolate=s.zones[at].nr_isolate - 1)
        return with_zone(s, at, zone), DONE

    def unmerged(self, cfg: Config, s: Memory, at: int) -> int | None:
        """Return the order of a free block that may merge once it is not isolated."""
        for order in range(cfg.pageblock_order, cfg.orders):
            buddy = buddy_of(self.pfn, order)
            if is_free(s.zones[at], self.pfn, order):
                there = zone_of(cfg, buddy) is not None
                return (
                    order if there and type_of(cfg, s, buddy) != cfg.isolate else None
                )
        return None


def isolated_types(cfg: Config, s: Memory, pfn: int, order: int) -> Memory:
    """Make the page blocks of a block taken off the lists movable ones.

    Source: mm/page_alloc.c:__isolate_free_page (v5.10).
    """
    special = (cfg.isolate, cfg.cma, MIGRATE_HIGHATOMIC)
    for block in frames_from(pfn, 1 << order, cfg.block_pages):
        if type_of(cfg, s, block) not in special:
            s = with_type(cfg, s, block, MIGRATE_MOVABLE)
    return s


# ------------------------------------------------------------------ the rest


@value
class Unreserve(Change):
    """unreserve_highatomic_pageblock(): a reserved page block is for all again."""

    at: int
    mt: int
    force: bool

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        both = OneOf((False, True))
        return {"at": some_zones(cfg), "mt": OneOf(cfg.types), "force": both}

    def run(self, cfg: Config, s: Memory) -> Done:
        s, moved = unreserve_highatomic(cfg, s, self.at, self.mt, self.force)
        return s, Outcome(None if moved else Errno.ENOENT)


@value
class TakePageOff(Change):
    """take_page_off_buddy(): a bad frame leaves the lists for good."""

    pfn: int

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        frames = frames_of(cfg)
        return {"pfn": OneOf(tuple(frames[:64]))}

    def run(self, cfg: Config, s: Memory) -> Done:
        at = zone_of(cfg, self.pfn)
        if at is None:
            return s, Outcome(FOREIGN)
        for pfn, order, _ in free_blocks(s.zones[at]):
            if pfn <= self.pfn < pfn + (1 << order):
                return self.take(cfg, s, at, pfn, order), DONE
        return s, Outcome(Errno.EBUSY)

    def take(self, cfg: Config, s: Memory, at: int, pfn: int, order: int) -> Memory:
        """Split a block around the frame: break_down_buddy_pages()."""
        mt = type_of(cfg, s, pfn)
        s = with_zone(s, at, pull(s.zones[at], pfn, order))
        while order > 0:
            order -= 1
            upper = pfn + (1 << order)
            pfn, rest = (upper, pfn) if self.pfn >= upper else (pfn, upper)
            s = set_aside(cfg, s, at, rest, order, mt)
        if mt != cfg.isolate and COUNTS_TAKEN not in cfg.quirks:
            s = count(cfg, s, at, -1, mt)
        return replace(s, taken=tuple(sorted((*s.taken, self.pfn))))
