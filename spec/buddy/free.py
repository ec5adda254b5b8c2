"""Freeing: by the last of its owners, as a list, or as memory that boot gives away.

A caller's mistake is diagnosed and changes nothing.

Source: mm/page_alloc.c:__free_pages, free_unref_page_list, __free_pages_core (v5.10).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from ..core import Domains, OneOf, nothing, value
from ..linux import Bug
from .blocks import free_one_page, unnamed
from .change import (
    DOUBLE_FREE,
    FOREIGN,
    IN_USE,
    NOT_A_HEAD,
    NOT_PREPARED,
    NOT_RESERVED,
    WRONG_ORDER,
    Change,
    Done,
    frames_of,
    free_the_page,
    is_reserved,
    known_within,
    pieces,
    some_blocks,
    some_cpus,
    some_frames,
)
from .others import used_order
from .pcp import commit
from .zones import (
    DONE,
    Config,
    Event,
    Held,
    Memory,
    Outcome,
    disown,
    frames_from,
    held_at,
    holder_of,
    own,
    type_of,
    with_zone,
    zone_of,
)


def mistake(cfg: Config, s: Memory, pfn: int, order: int | None) -> Bug | None:
    """Return why this is no block of this order that somebody holds, if so.

    Without an order any will do.
    """
    block = held_at(s, pfn)
    if block is not None:
        wrong = order is not None and block.order != used_order(cfg, order)
        return WRONG_ORDER if wrong else None
    if holder_of(s, pfn) is not None:
        return NOT_A_HEAD
    foreign = zone_of(cfg, pfn) is None or is_reserved(cfg, s, pfn)
    return FOREIGN if foreign else DOUBLE_FREE


def the_zone(cfg: Config, pfn: int) -> int:
    """Return the zone of a frame that is known to be in one."""
    at = zone_of(cfg, pfn)
    assert at is not None
    return at


@value
class FreePages(Change):
    """__free_pages(): the last reference frees the block.

    While another holds the first page of a block that is not compound, the tail is
    freed all the same, in falling halves.
    """

    cpu: int
    block: tuple[int, int]  # pfn, order

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        return {"cpu": some_cpus(cfg), "block": some_blocks(cfg, s)}

    def run(self, cfg: Config, s: Memory) -> Done:
        pfn, order = self.block
        no = mistake(cfg, s, pfn, order)
        if no is not None:
            return s, Outcome(no)
        block, at = held_at(s, pfn), the_zone(cfg, pfn)
        assert block is not None
        s = disown(s, pfn)
        if block.refs == 1:
            s, events = free_the_page(cfg, s, self.cpu, at, pfn, block.order)
            return s, Outcome(None, events)
        left = replace(block, refs=block.refs - 1)
        if block.compound:
            return own(s, left), DONE
        s = own(s, replace(left, order=0))
        return self.free_tail(cfg, s, at, block)

    def free_tail(self, cfg: Config, s: Memory, at: int, block: Held) -> Done:
        """Free what lies behind the first page, the largest part first."""
        events: tuple[Event, ...] = ()
        for order in range(block.order - 1, -1, -1):
            part = block.pfn + (1 << order)
            s, seen = free_the_page(cfg, s, self.cpu, at, part, order)
            events += seen
        return s, Outcome(None, events)


@value
class FreePrepare(Change):
    """The first half of freeing a list: the page's type is read and remembered.

    page->private serves for that, so that nothing of its owner's stays in it.
    """

    pfn: int

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        return {"pfn": some_frames(cfg, s)} if cfg.cpus else nothing()

    def run(self, cfg: Config, s: Memory) -> Done:
        no = mistake(cfg, s, self.pfn, 0)
        block = held_at(s, self.pfn)
        if no is not None or block is None:
            return s, Outcome(no)
        if block.refs > 1:
            return s, Outcome(IN_USE)
        s = unnamed(disown(s, self.pfn), self.pfn)
        page = (self.pfn, type_of(cfg, s, self.pfn))
        return replace(s, prepared=(*s.prepared, page)), DONE


@value
class FreeCommit(Change):
    """The second half: the page enters a cpu's list with the type remembered."""

    cpu: int
    pfn: int

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        if not cfg.cpus:
            return nothing()
        return {"cpu": some_cpus(cfg), "pfn": some_frames(cfg, s)}

    def run(self, cfg: Config, s: Memory) -> Done:
        mt = dict(s.prepared).get(self.pfn)
        if mt is None:
            return s, Outcome(NOT_PREPARED)
        s = replace(s, prepared=tuple(p for p in s.prepared if p[0] != self.pfn))
        at = the_zone(cfg, self.pfn)
        s, events = commit(cfg, s, self.cpu, at, self.pfn, mt)
        return s, Outcome(None, events)


def blocks_of(cfg: Config, start: int, end: int) -> list[tuple[int, int]]:
    """Return the largest aligned blocks that make up a range: __free_pages_memory()."""
    blocks = []
    while start < end:
        order = cfg.max_order
        while start % (1 << order) or start + (1 << order) > end:
            order -= 1
        blocks.append((start, order))
        start += 1 << order
    return blocks


def release(cfg: Config, s: Memory, start: int, end: int) -> Memory:
    """Give a range of reserved frames to the allocator: __free_pages_core()."""
    for pfn, order in blocks_of(cfg, start, end):
        at = the_zone(cfg, pfn)
        managed = s.zones[at].managed + (1 << order)
        s = with_zone(s, at, replace(s.zones[at], managed=managed))
        mt = type_of(cfg, s, pfn)
        s = free_one_page(cfg, s, at, pfn, order, mt, to_tail=True)
    return s


@value
class FreeCore(Change):
    """memblock hands a range over; its blocks go to the tails of the lists."""

    span: tuple[int, int]  # [start, end)

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        frames = list(islice(frames_reserved(cfg, s), 4))
        odd = [(cfg.zones[0].start, cfg.zones[0].start + 1)]
        spans = [(f, e + 1) for f in frames for e in frames if f <= e]
        return {"span": OneOf(tuple(dict.fromkeys([*spans, *odd])))}

    def run(self, cfg: Config, s: Memory) -> Done:
        start, end = self.span
        frames = frames_from(start, end - start)
        there = all(zone_of(cfg, pfn) is not None for pfn in frames)
        if not there or known_within(s, start, end):
            return s, Outcome(NOT_RESERVED)
        return release(cfg, s, start, end), DONE


def frames_reserved(cfg: Config, s: Memory) -> Iterator[int]:
    """Yield the frames of all zones that were never released."""
    frames = frames_of(cfg)
    last = frames[0]
    for start, end in (*sorted(pieces(s)), (frames[-1], frames[-1])):
        yield from (f for f in range(last, start) if zone_of(cfg, f) is not None)
        last = end


@value
class FreeReserved(Change):
    """free_reserved_page(): one page that boot kept becomes the allocator's."""

    cpu: int
    pfn: int

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        kept = islice(frames_reserved(cfg, s), 1)
        frames = dict.fromkeys([*some_frames(cfg, s), *kept])
        return {"cpu": some_cpus(cfg), "pfn": OneOf(tuple(frames))}

    def run(self, cfg: Config, s: Memory) -> Done:
        if not is_reserved(cfg, s, self.pfn):
            return s, Outcome(NOT_RESERVED)
        at = the_zone(cfg, self.pfn)
        s = with_zone(s, at, replace(s.zones[at], managed=s.zones[at].managed + 1))
        s, events = free_the_page(cfg, s, self.cpu, at, self.pfn, 0)
        return s, Outcome(None, events)
