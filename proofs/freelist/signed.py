"""Watermark tests in the words of C: nothing wraps, and nothing is taken as unsigned.

A test that compares a usable count below 0 as unsigned lets the reserve go: P09.  What
refutes that is turned into requests of a machine that lead there.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from types import SimpleNamespace
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Sweep, Symbolic, Values
from mmoracle.checkers.mutants.freelist_marks import unsigned
from mmoracle.checkers.symbolic import agree, every
from mmoracle.checkers.word import Bounded
from mmoracle.impl import watermark as machine
from mmoracle.impl.freelist import walk
from mmoracle.impl.freelist.walk import Walker
from mmoracle.impl.freelist.zone import Zone
from mmoracle.spec import watermark
from mmoracle.spec.freelist.alloc import GetPageFromFreelist
from mmoracle.spec.freelist.change import SetReserve
from mmoracle.spec.freelist.zones import Config, Place
from mmoracle.spec.linux import GFP_KERNEL, MAX_ORDER, AllocFlags, Gfp
from mmoracle.spec.watermark import Level

from ..noted import Noted
from .decisions import COUNTS, FLAG_BITS, bent, chosen, flags_by, right_ok
from .marks import agrees, flags_of, reserve_counts, told, wrapped

# ------------------------------------------------------------------ sums


def no_sum_of_counts_leaves_a_signed_word(
    top: Any,
    free: Any,
    mark: Any,
    boost: Any,
    reserve: Any,
    high: Any,
    cma_pages: Any,
    *bits: Any,
) -> Any:
    """Below an eighth of a word, every sum and difference fits a signed long."""
    sums: list[Any] = []
    flags, cma = flags_by(*bits)
    n = [Noted(x, sums) for x in (free, mark, boost, reserve, high, cma_pages)]
    told: Any = n
    size = MAX_ORDER - 1
    z = Level(told[0], (told[1],) * 3, (told[3],), (), told[2], *told[4:])
    watermark.watermark_fast(z, 0, 0, flags, Gfp.NONE, cma)
    watermark.watermark_ok(z, size, told[1], 0, flags, told[0], cma)
    rest: Any = (int(flags), 0, (), *n[4:], cma)
    machine.zone_watermark_fast(told[0], 0, z.marks, told[2], told[3], *rest)
    right_ok(told[0], size, told[1], told[3], int(flags), (), *told[4:], cma)
    half = (top + 1) // 2
    return every(*(every(-half <= each, each < half) for each in sums))


def an_eighth(top: Any, *words: Any) -> Iterable[Any]:
    """Assume counts below an eighth of a word, and flags."""
    return (*(word <= top >> 3 for word in words[:-4]), *chosen(top, *words))


def mark_in_bytes(z: Level, flags: AllocFlags) -> Any:
    """Reckon a mark in bytes."""
    return right_mark(z, flags) * 4096


def machine_in_bytes(free: Any, order: int, mark: Any, *rest: Any) -> bool:
    """Reckon free memory and a mark in bytes, on the machine."""
    return right_ok(free * 4096, order, mark * 4096, *rest)


right_mark = watermark.mark_of

# ------------------------------------------------------------------ the walk's test


def zone_of(free: Any, marks: Any, reserve: Any, high: Any) -> Zone:
    """Return a zone of the machine with these numbers and no blocks."""
    zone = Zone(0, 0, 0, marks, (reserve,), 1, -1)
    zone.free, zone.highatomic = free, high
    return zone


def the_walk_lets_a_page_go_only_above_mark_and_reserve(
    top: Any, free: Any, mark: Any, reserve: Any, high: Any, which: Any
) -> Any:
    """As the walk asks a zone, a page leaves exactly if more than is due may be used.

    It is the close look that decides: the first look alone would keep more.
    """
    flags = flags_of(which)
    walker = Walker((), orders=1)
    ac: Any = SimpleNamespace(order=0, highest=0, gfp=0)
    zone = zone_of(free, (mark,) * 3, reserve, high)
    z = Level(free, (mark,) * 3, (reserve,), (0,), 0, high, 0)
    eager = flags & watermark.EAGER
    due = watermark.lowered(mark, flags) + reserve
    usable = free - (0 if eager else high) > due
    return every(
        agrees(bool(walker.watermark_fast(ac, zone, int(flags))), usable),
        agrees(bool(walker.watermark_ok(ac, zone, int(flags), mark)), usable),
        agree(watermark.watermark_fast(z, 0, 0, flags, Gfp.NONE), usable),
    )


def a_page_below_the_mark(top: int, *words: int) -> Any:
    """Return the machine and the requests at which such a page would leave."""
    free, mark, reserve, high, which = words
    place = Place(0, 0, (mark,) * 3, (reserve,) * 2, ((0, free, 0, 0),))
    cfg = Config(zones=(place,), orders=1, word_bits=top.bit_length())
    flags = flags_of(which)
    return cfg, [SetReserve(0, high), GetPageFromFreelist(GFP_KERNEL, 0, flags)]


# ------------------------------------------------------------------ the lemmas


def bent_counts(top: int, values: Values) -> Values:
    """Bend words into small counts and bits."""
    return (*(x >> 3 for x in values[:-4]), *bent((2, 2, 2, 3))(top, values[-4:]))


def bent_flags(top: int, values: Values) -> Values:
    """Bend the last word into a combination of flags."""
    return (*values[:-1], values[-1] % 8)


def small_counts(top: int) -> Iterable[Values]:
    """Yield a few counts around each other, and all combinations of flags."""
    return product((0, 1, 3, 4, 7), (0, 3, 4), (0, 1), (0, 2, 9), range(8))


SIGNED = (
    Lemma(
        claim=no_sum_of_counts_leaves_a_signed_word,
        given=an_eighth,
        names=("free", "mark", "boost", *COUNTS[2:], *FLAG_BITS),
        provers=(Symbolic(Bounded), Sampled(bent_counts)),
        mistakes=(
            Mistake(watermark, "mark_of", mark_in_bytes),
            Mistake(machine, "zone_watermark_ok", machine_in_bytes),
        ),
    ),
    Lemma(
        claim=the_walk_lets_a_page_go_only_above_mark_and_reserve,
        given=told,
        provers=(
            Symbolic(Bounded),
            Sweep(cases=small_counts, scope="a few counts"),
            Sampled(bent_flags),
        ),
        mistakes=(
            Mistake(walk, "zone_watermark_fast", unsigned, bug="P09"),
            Mistake(watermark, "plenty", wrapped, bug="P09"),
            Mistake(walk, "zone_watermark_ok", reserve_counts),
        ),
        history=a_page_below_the_mark,
    ),
)
