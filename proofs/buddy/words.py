"""Words for the page allocator, and a zone on both sides with a few free blocks.

A block is named by its number `nth` and its order, so that it is aligned by its name:
its first frame is nth << order.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mmoracle.checkers.bind.buddy import machine, read
from mmoracle.checkers.symbolic import either, every
from mmoracle.checkers.word import Exact, Whole, Word, one_of
from mmoracle.spec.buddy import blocks
from mmoracle.spec.buddy.zones import Config, Memory, Span, Zone
from mmoracle.spec.linux import MAX_ORDER, MIGRATE_MOVABLE

MT = MIGRATE_MOVABLE
ORDERS = range(MAX_ORDER)
ELEVEN = "11 orders"

# ------------------------------------------------------------------ words


class Bits(Exact):
    """A word that can be xored as well."""

    __slots__ = ()

    def __xor__(self, other: Any) -> Word:
        a, b = self.pair(other)
        return self.like(a ^ b)


class Counted(Whole):
    """An integer whose length in bits is asked for, with a path for each length."""

    __slots__ = ()

    def bit_length(self) -> int:
        """Return how many bits the number has."""
        length = 0
        while self >= 1 << length:
            length += 1
        return length


def able(word: Any) -> Any:
    """Return a word that can do what the page allocator asks; numbers can already."""
    if isinstance(word, Whole):
        return Counted(word.paths, word.term)
    return Bits(word.paths, word.term) if isinstance(word, Word) else word


def block(nth: Any, order: Any, orders: range = ORDERS) -> tuple[Any, int]:
    """Return (pfn, order) of the nth block of an order, with a path for each order."""
    plain = one_of(order, orders)
    return able(nth) << plain, plain


def in_block(pfn: Any, order: int, addr: Any) -> Any:
    """Say whether a frame is in a block."""
    return every(pfn <= addr, addr < pfn + (1 << order))


# ------------------------------------------------------------------ zones


def config(top: Any, orders: int = MAX_ORDER, **more: Any) -> Config:
    """Return one zone with every block whose number is a word, of one migrate type.

    No block is as large as a page block, so no type but that of the request matters.
    """
    zones = (Span(0, (top + 1) << orders),)
    return Config(zones=zones, orders=orders, pageblock_order=orders, **more)


def state(cfg: Config, *free: tuple[Any, int]) -> Memory:
    """Return a zone of the specification with these free blocks."""
    lists = ((),) * cfg.migrate_types
    zone = Zone((lists,) * cfg.orders, (0,) * cfg.orders)
    for pfn, order in free:
        zone = blocks.push(zone, pfn, order, MT, tail=True)
    zone = replace(zone, nr_free_pages=sum(1 << order for _, order in free))
    return Memory((zone,), (MT,))


def twin(cfg: Config, *free: tuple[Any, int]) -> Any:
    """Return the machine's zone with the same free blocks."""
    zone = machine(replace(cfg, zones=(Span(0, 1),)), [MT]).zones[0]
    for pfn, order in free:
        zone.push(pfn, order, MT, True)
        zone.nr_free_pages += 1 << order
    return zone


def is_same(cfg: Config, s: Memory, zone: Any) -> Any:
    """Say whether both sides have the same lists, counters and guards."""
    lists = read(zone, cfg.migrate_types) == s.zones[0]
    return lists and zone.guards == dict(s.guards)


def is_free(s: Memory, addr: Any) -> Any:
    """Say whether a frame is in some free block or guard."""
    rows = s.zones[0].free
    listed = [(pfn, order) for order, row in enumerate(rows) for pfn in row[MT]]
    return either(*(in_block(*each, addr) for each in (*listed, *s.guards)))
