"""Orders that are any number, and frame numbers told in blocks of such an order.

With n any number, the frame n << order is a `Blocks`: n times a size that is not known
but for being a power of two.  A zone shows its lists of this order and of the next
few; code that asks for any other list is not answered.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import z3  # type: ignore[import-untyped]

from mmoracle.checkers.bind.buddy import read
from mmoracle.checkers.symbolic import Unsupported
from mmoracle.checkers.word import Whole, Word
from mmoracle.impl.buddy.zone import SHIFT, TYPES
from mmoracle.impl.buddy.zone import Zone as Machine
from mmoracle.spec.buddy.zones import Config, Memory, Zone

# ------------------------------------------------------------------ words


class Order(Whole):
    """Some order and a few more; or times TYPES and a few more: the place of a list.

    As an index it is the few more: the lists in sight begin with that order's.
    """

    __slots__ = ("base", "more", "times")

    def __init__(self, base: Word, more: int = 0, times: int = 1) -> None:
        super().__init__(base.paths, base.term * times + more)
        self.base, self.more, self.times = base, more, times

    def __index__(self) -> int:
        if self.more < 0:
            raise Unsupported("a list of a lower order is asked for")
        return self.more

    def moved(self, by: Any) -> Any:
        """Return the order with so many more."""
        return Order(self.base, self.more + by, self.times)

    def __add__(self, other: Any) -> Any:
        return self.moved(other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self.moved(-other) if isinstance(other, int) else super().__sub__(other)

    def __lshift__(self, bits: int) -> Any:
        if (bits, self.times) != (SHIFT, 1):
            raise Unsupported("an order is multiplied by the number of types only")
        return Order(self.base, self.more << SHIFT, TYPES)

    def __or__(self, other: Any) -> Any:
        if self.times != TYPES or self.more % TYPES or not 0 <= other < TYPES:
            raise Unsupported("an order has no bits here")
        return self.moved(other)

    def __rshift__(self, bits: int) -> Any:
        if self.times != 1 << bits:
            return super().__rshift__(bits)
        return Order(self.base, self.more >> bits)

    def __rlshift__(self, number: int) -> Any:
        if self.times != 1 or self.more < 0:
            raise Unsupported("a number of smaller blocks")
        scale = number << self.more
        return Blocks(Whole(self.paths, z3.IntVal(scale)), self.base, scale)


class Blocks(Word):
    """So many blocks of an order that is any, or the first frame of the n-th one.

    It compares as the numbers of blocks do, since all have one size.
    """

    __slots__ = ("n", "order", "plain")
    logic = "QF_LIA"

    def __init__(self, n: Any, order: Word, plain: int = 0) -> None:
        super().__init__(order.paths, n.term)
        self.n, self.order, self.plain = n, order, plain  # plain: n where it is known

    def same(self, other: Any) -> Any:
        """Return the number of blocks of another word of the same order."""
        if isinstance(other, Blocks) and other.order.term.eq(self.order.term):
            return other.n
        if isinstance(other, int) and other == 0:
            return 0  # frames, too
        if isinstance(other, int) and other < 0 and self.n >= 0:
            return -1  # below them all
        raise Unsupported("numbers of frames of different scales meet")

    def pair(self, other: Any, carry: int = 0) -> tuple[Any, Any]:
        """Return both numbers of blocks as integers."""
        n: tuple[Any, Any] = self.n.pair(self.same(other))
        return n

    def like(self, term: Any) -> Word:
        """Return a word of this order."""
        return Blocks(Whole(self.paths, term), self.order)

    def bit(self, other: Any) -> int:
        """Return the power of two that a number of blocks is known to be."""
        plain: int = other.plain if isinstance(other, Blocks) else 0
        if plain <= 0 or plain & (plain - 1):
            raise Unsupported("only single bits are known to be bits")
        return plain

    def has(self, bit: int) -> Any:
        """Say whether a bit of the block number is set, as a term."""
        return (self.n // bit % 2 == 1).term

    def __neg__(self) -> Word:
        return self.like(-self.n.term)

    def __xor__(self, other: Any) -> Word:
        bit = self.bit(other)
        n = self.n.term
        return self.like(z3.If(self.has(bit), n - bit, n + bit))

    def __or__(self, other: Any) -> Word:
        bit = self.bit(other)
        n = self.n.term
        return self.like(z3.If(self.has(bit), n, n + bit))

    def __invert__(self) -> Any:
        return Without(self.bit(self))

    def __and__(self, other: Any) -> Word:
        if not isinstance(other, Without):
            raise Unsupported("only single bits are cleared")
        n = self.n.term
        return self.like(z3.If(self.has(other.bit), n - other.bit, n))

    def __rshift__(self, bits: Any) -> Any:
        return self  # a page block is named by what is asked for

    def __hash__(self) -> int:
        return 0


class Without:
    """All bits but one."""

    __slots__ = ("bit",)

    def __init__(self, bit: int) -> None:
        self.bit = bit


# ------------------------------------------------------------------ zones


class Others:
    """Any number of other blocks on a list."""


class Types:
    """The types of page blocks, of which one is known: nobody may ask for another."""

    def __init__(self, at: Any, mt: Any) -> None:
        self.at, self.mt = at, mt

    def __getitem__(self, at: Any) -> Any:
        assert at == self.at, "the type of the buddy's page block is asked for"
        return self.mt


SIGHT = 4  # orders whose lists are in sight
REST = Others(), Others()  # before and behind on every list of some type


def scaled(order: Any) -> Any:
    """Return an order that lists can be looked up by."""
    return Order(order) if isinstance(order, Word) else order


def nth_block(n: Any, order: Any) -> Any:
    """Return the first frame of the n-th block of an order."""
    if not isinstance(order, Word):
        return n << order
    plain = n if isinstance(n, int) else 0
    n = Whole(order.paths, z3.IntVal(n)) if isinstance(n, int) else n
    return Blocks(n, order, plain)


def rows_of(order: Any, rows: tuple[Any, ...], empty: Any) -> tuple[Any, ...]:
    """Return rows by order, those in sight given; the lower ones are empty."""
    return (*(empty,) * order, *rows) if isinstance(order, int) else rows


def with_lists(cfg: Config, order: Any, lists: Any, mt: int, **more: Any) -> Memory:
    """Return a zone with these lists of one type in sight; others are on them, too."""
    empty = ((),) * cfg.migrate_types
    rows = tuple(
        tuple((REST[0], *line, REST[1]) if t == mt else () for t in range(len(empty)))
        for line in lists
    )
    counts = tuple(7 + len(line) for line in lists)
    zone = Zone(rows_of(order, rows, empty), rows_of(order, counts, 0))
    return Memory((replace(zone, **more),), (mt,))


def mirror(cfg: Config, order: Any, s: Memory) -> Machine:
    """Return the machine's zone with the same lists, counters, guards and words."""
    span, told = cfg.zones[0], s.zones[0]
    zone = Machine(
        span.start,
        span.end,
        orders=len(told.free),
        pageblock_order=cfg.pageblock_order,
        cma=cfg.cma,
        isolate=cfg.isolate,
        guard_minorder=cfg.guard_minorder,
        merges_reserved=bool(cfg.quirks),
        lazy=False,
        types=s.types,  # type: ignore[arg-type]
        first_block=cfg.first_block,
    )
    zone.max_order = cfg.max_order
    for at, lists in enumerate(told.free):
        above = at if isinstance(order, int) else scaled(order) + at
        for mt, line in enumerate(lists):
            code = above << SHIFT | mt
            zone.lists[code].update(dict.fromkeys(line))
            known = (pfn for pfn in line if not isinstance(pfn, Others))
            zone.place.update(dict.fromkeys(known, code))
    zone.nr_free = list(told.nr_free)
    zone.nr_free_pages, zone.nr_free_cma = told.nr_free_pages, told.nr_free_cma
    zone.nr_isolate = told.nr_isolate
    zone.guards, zone.private = dict(s.guards), dict(s.private)
    return zone


def alike(cfg: Config, s: Memory, zone: Machine) -> bool:
    """Say whether both sides have the same lists, counters, guards and words."""
    same = read(zone, cfg.migrate_types) == s.zones[0]
    return same and zone.guards == dict(s.guards) and zone.private == dict(s.private)
