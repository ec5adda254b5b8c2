"""Watermark tests at every order, for all flags, and in the words of C.

What decides which way a test goes is one bit each: whether a request tries harder, is
of high priority, is a victim of the OOM killer, may use CMA.  Every combination is a
path of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Symbolic, Values
from mmoracle.checkers.symbolic import either, every
from mmoracle.checkers.word import Bounded, one_of
from mmoracle.impl import watermark as machine
from mmoracle.spec import watermark
from mmoracle.spec.linux import MAX_ORDER, AllocFlags, Gfp
from mmoracle.spec.watermark import Level

from .marks import (
    Decision,
    agrees,
    cma_counts,
    oom_is_harder,
    reserve_counts,
)

CMA_TYPE, TYPES, FEW = 4, 5, 4
BITS = (AllocFlags.HIGH, AllocFlags.HARDER, AllocFlags.OOM)
Flags = tuple[AllocFlags, int]  # and MIGRATE_CMA, or -1


class Row:
    """The lists of an order that are not empty: asked for some, it says any or none."""

    def __init__(self, types: Any) -> None:
        self.types = types

    def __and__(self, usable: int) -> Any:
        asked = [mt for mt in range(TYPES) if usable >> mt & 1]
        return either(*((self.types >> mt) % 2 == 1 for mt in asked))


def flags_by(*bits: Any) -> Flags:
    """Return alloc flags by a bit each, and by 0, 1, 2: no CMA, kept, or usable."""
    *eager, cma = bits
    flags = AllocFlags.NONE
    for flag, bit in zip(BITS, eager, strict=True):
        if bit == 1:
            flags |= flag
    if cma == 0:
        return flags, -1
    return (flags | AllocFlags.CMA if cma == 1 else flags), CMA_TYPE


def chosen(top: Any, *words: Any) -> Iterable[Any]:
    """Assume three bits and a number below 3 at the end."""
    return (*(bit < 2 for bit in words[-4:-1]), words[-1] < 3)


# ------------------------------------------------------------------ every order


def every_order(top: Any, order: Any, *words: Any) -> Iterable[Any]:
    """Assume an order that there is, three bits and a number below 3 at the end."""
    return (order < MAX_ORDER, *chosen(top, *words))


def a_block_of_any_order_leaves_the_same_pages_on_both_sides(
    top: Any,
    order: Any,
    free: Any,
    mark: Any,
    reserve: Any,
    high: Any,
    cma_pages: Any,
    *bits: Any,
) -> Any:
    """Where every list has a block, both sides decide by the same number of pages."""
    size = one_of(order, range(MAX_ORDER))
    flags, cma = flags_by(*bits)
    lists = (31,) * MAX_ORDER
    z = Level(free, (0, 0, 0), (0, reserve), lists, 0, high, cma_pages)
    said = watermark.watermark_ok(z, size, mark, 1, flags, free, cma)
    same = machine.zone_watermark_ok(
        free, size, mark, reserve, int(flags), lists, high, cma_pages, cma
    )
    return same if said else not same


def order_for_pages(order: int, flags: AllocFlags, *rest: Any) -> Any:
    """Leave one page more of a block."""
    return right_unusable(order, flags, *rest) + (1 if order == 10 else 0)


def cma_for_the_eager(order: int, flags: AllocFlags, *rest: Any) -> Any:
    """Let those that try harder use CMA."""
    eager = flags | AllocFlags.CMA if flags & watermark.EAGER else flags
    return right_unusable(order, eager, *rest)


right_unusable = watermark.unusable


def a_list_that_may_be_used_is_found_alike(
    top: Any, order: Any, free: Any, mark: Any, *words: Any
) -> Any:
    """Both sides find a block on the same lists: of what types, and how large."""
    size = one_of(order, range(FEW))
    flags, cma = flags_by(0, *words[FEW:])
    lists = tuple(map(Row, words[:FEW]))
    z = Level(free, (0, 0, 0), (0,), lists)  # type: ignore[arg-type]
    said = watermark.watermark_ok(z, size, mark, 0, flags, free, cma)
    told: Any = lists
    same = machine.zone_watermark_ok(free, size, mark, 0, int(flags), told, 0, 0, cma)
    return same if said else not same


def few_orders(top: Any, order: Any, *words: Any) -> Iterable[Any]:
    """Assume an order of four, lists of five types, two bits and a number below 3."""
    *rest, harder, oom, cma = words
    lists = (row < 1 << TYPES for row in rest[-FEW:])
    return (order < FEW, *lists, harder < 2, oom < 2, cma < 3)


def lists_from_below(lists: Any, order: int, flags: AllocFlags, cma: int) -> bool:
    """Take a block that is too small by one order."""
    return right_block(lists, order - 1, flags, cma)


def isolated_too(lists: Any, order: int, flags: AllocFlags, cma: int) -> bool:
    """Take the lists of CMA for lists that all may use."""
    return right_block(lists, order, flags | AllocFlags.CMA, cma)


def reserve_for_all(*args: Any) -> bool:
    """Take the lists of the high-atomic reserve for all, on the machine."""
    rows: Any = [Row(1) if row & 8 else row for row in args[5]]
    return right_ok(*args[:5], rows, *args[6:])


right_block = watermark.has_block
right_ok: Decision = machine.zone_watermark_ok

# ------------------------------------------------------------------ the first look


def the_first_look_is_alike_for_every_mark_and_flag(
    top: Any,
    free: Any,
    low: Any,
    middle: Any,
    upper: Any,
    boost: Any,
    reserve: Any,
    high: Any,
    cma_pages: Any,
    mark: Any,
    order: Any,
    atomic: Any,
    *bits: Any,
) -> Any:
    """Single pages and blocks, atomic or not, at each of the marks: one decision."""
    (flags, cma), size = flags_by(*bits), one_of(order, (0, 1))
    flags |= AllocFlags(one_of(mark, range(3)))
    gfp = Gfp.ATOMIC if atomic == 1 else Gfp.NONE
    marks, lists = (low, middle, upper), (1, 2)
    z = Level(free, marks, (0, reserve), lists, boost, high, cma_pages)
    said = watermark.watermark_fast(z, size, 1, flags, gfp, cma)
    same = machine.zone_watermark_fast(
        free,
        size,
        marks,
        boost,
        reserve,
        int(flags),
        int(gfp),
        lists,
        high,
        cma_pages,
        cma,
    )
    return bool(said) == bool(same)


def marks_and_flags(top: Any, *words: Any) -> Iterable[Any]:
    """Assume a mark, an order below 2, and bits."""
    mark, order, atomic = words[-7:-4]
    return (mark < 3, order < 2, atomic < 2, *chosen(top, *words))


def marked_low(z: Level, flags: AllocFlags) -> Any:
    """Boost the lowest mark only."""
    return z.marks[flags & 3] + (0 if flags & 3 else z.boost)


def high_for_atomic(*args: Any) -> bool:
    """Hide the boost from an atomic request at every mark."""
    if right_fast(*args):
        return True
    hidden = args[6] & int(Gfp.ATOMIC) and not args[1]
    return bool(hidden) and right_fast(*args[:3], 0, *args[4:])


right_fast: Decision = machine.zone_watermark_fast


def a_count_below_zero_is_compared_alike_as_an_unsigned_word(
    top: Any,
    free: Any,
    mark: Any,
    boost: Any,
    reserve: Any,
    high: Any,
    cma_pages: Any,
    harder: Any,
    oom: Any,
    cma: Any,
) -> Any:
    """With the behaviour of 5.10.0 both sides let go what a word of C lets go."""
    z = Level(free, (0, mark, 0), (reserve,), (), boost, high, cma_pages)
    flags, type_ = flags_by(0, harder, oom, cma)
    flags |= AllocFlags.WMARK_LOW
    said = watermark.watermark_fast(z, 0, 0, flags, Gfp.NONE, type_, 64)
    same = machine.zone_watermark_fast(
        free,
        0,
        z.marks,
        boost,
        reserve,
        int(flags),
        0,
        (),
        high,
        cma_pages,
        type_,
        64,
    )
    left = free - (cma_pages if cma == 2 else 0)
    left -= 0 if flags & watermark.EAGER else high
    due = mark + boost + reserve
    close = left > watermark.lowered(mark + boost, flags) + reserve
    usable = either(close, every(left < 0, left + top + 1 > due))
    return every(bool(said) == bool(same), agrees(bool(said), usable))


def small_reserves(top: Any, *words: Any) -> Iterable[Any]:
    """Assume that what must not count is less than half of a word, and flags."""
    *_, high, cma_pages, harder, oom, cma = words
    fit = (high <= top >> 2, cma_pages <= top >> 2)
    return (*fit, harder < 2, oom < 2, cma < 3)


def signed_for_all(z: Level, mark: Any, highest: int, flags: Any, *rest: Any) -> Any:
    """Compare signed words, as 5.10.136 does."""
    return right_plenty(z, mark, highest, flags, rest[0])


def signed_machine(*args: Any) -> bool:
    """Compare signed words on the machine."""
    return right_fast(*args[:-1])


right_plenty = watermark.plenty

# ------------------------------------------------------------------ the lemmas

FLAG_BITS = ("high_priority", "harder", "oom", "cma")
COUNTS = ("free", "mark", "reserve", "high", "cma_pages")
ROWS = ("none", "one", "two", "three")


def bent(limits: tuple[int, ...]) -> Any:
    """Return what bends the last words below these limits."""

    def aim(top: int, values: Values) -> Values:
        first, last = values[: -len(limits)], values[-len(limits) :]
        return (*first, *(x % n for x, n in zip(last, limits, strict=True)))

    return aim


def bent_order(top: int, values: Values) -> Values:
    """Bend the first word into an order, the last four into bits."""
    order, *rest = values
    return (order % MAX_ORDER, *bent((2, 2, 2, 3))(top, tuple(rest)))


def bent_lists(top: int, values: Values) -> Values:
    """Bend words into an order, lists, and bits."""
    order, free, mark, *rest = values
    return (order % FEW, free, mark, *bent((32,) * FEW + (2, 2, 3))(top, tuple(rest)))


def bent_words(top: int, values: Values) -> Values:
    """Bend the reserves below a quarter of a word, and flags."""
    *counts, high, cma_pages, harder, oom, cma = values
    return (*counts, high >> 2, cma_pages >> 2, harder % 2, oom % 2, cma % 3)


DECISIONS = (
    Lemma(
        claim=a_block_of_any_order_leaves_the_same_pages_on_both_sides,
        given=every_order,
        names=("order", *COUNTS, *FLAG_BITS),
        provers=(Symbolic(Bounded), Sampled(bent_order)),
        mistakes=(
            Mistake(watermark, "unusable", order_for_pages),
            Mistake(watermark, "unusable", cma_for_the_eager),
            Mistake(watermark, "lowered", oom_is_harder),
            Mistake(watermark, "watermark_ok", cma_counts),
            Mistake(machine, "zone_watermark_ok", reserve_counts),
        ),
        slow=True,
    ),
    Lemma(
        claim=a_list_that_may_be_used_is_found_alike,
        given=few_orders,
        names=("order", "free", "mark", *ROWS, "harder", "oom", "cma"),
        size="4 orders",
        provers=(Symbolic(Bounded), Sampled(bent_lists)),
        mistakes=(
            Mistake(watermark, "has_block", lists_from_below),
            Mistake(watermark, "has_block", isolated_too),
            Mistake(machine, "zone_watermark_ok", reserve_for_all),
        ),
    ),
    Lemma(
        claim=the_first_look_is_alike_for_every_mark_and_flag,
        given=marks_and_flags,
        names=(
            *("free", "low", "middle", "upper", "boost", *COUNTS[2:]),
            *("mark", "order", "atomic", *FLAG_BITS),
        ),
        provers=(Symbolic(Bounded), Sampled(bent((3, 2, 2, 2, 2, 2, 3)))),
        mistakes=(
            Mistake(watermark, "mark_of", marked_low),
            Mistake(machine, "zone_watermark_fast", high_for_atomic),
        ),
        slow=True,
    ),
    Lemma(
        claim=a_count_below_zero_is_compared_alike_as_an_unsigned_word,
        given=small_reserves,
        provers=(Symbolic(Bounded), Sampled(bent_words)),
        mistakes=(
            Mistake(watermark, "plenty", signed_for_all),
            Mistake(machine, "zone_watermark_fast", signed_machine),
        ),
    ),
)
