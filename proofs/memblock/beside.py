"""memblock's arrays with any number of regions beside those that a range meets.

The others are opaque: of their addresses only the side is known that they lie on.  So
nothing of them is looked at but that, and one stands for any number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Symbolic
from mmoracle.checkers.mutants import memblock as mutants
from mmoracle.checkers.word import Bounded
from mmoracle.spec.linux import MAX_NUMNODES
from mmoracle.spec.memblock import arrays, ops
from mmoracle.spec.memblock.regions import MEMORY, Region, Regions

from .twins import (
    ROOM,
    ROWS,
    canonical,
    forget_the_upper_half,
    in_array,
    isolated_alike,
    merge_by_place,
    painted,
    same,
    tied,
)
from .words import config


class Beside(Bounded):
    """An address of an opaque region: below (rank < 0) or above all in hand."""

    __slots__ = ("rank",)

    def __init__(self, rank: int) -> None:
        self.rank = rank

    def __add__(self, other: Any) -> Beside:
        return Beside(self.rank)  # the end is on the side of the base

    def __lt__(self, other: Any) -> bool:  # type: ignore[override]
        return self.rank < rank_of(other)

    def __gt__(self, other: Any) -> bool:  # type: ignore[override]
        return self.rank > rank_of(other)

    def __le__(self, other: Any) -> bool:  # type: ignore[override]
        return self.rank <= rank_of(other)

    def __ge__(self, other: Any) -> bool:  # type: ignore[override]
        return self.rank >= rank_of(other)

    def __eq__(self, other: object) -> bool:  # type: ignore[override]
        return self.rank == rank_of(other)

    def __ne__(self, other: object) -> bool:  # type: ignore[override]
        return self.rank != rank_of(other)

    __hash__ = None  # type: ignore[assignment]


def rank_of(address: Any) -> int:
    """Return 0 for every address in hand, and the place of an opaque one."""
    return address.rank if isinstance(address, Beside) else 0


# ------------------------------------------------------------------ states

MOST = 2  # regions in hand
NAMES = ("sides", "total", "rest", "n", "b0", "s0", "f0", "d0", "b1", "s1", "f1", "d1")
OPAQUE: Any = object()  # flags, or a node, that nothing looks at
RANKS = ((-2, -1), (1, 2))  # of those below and above


def opaque(base: Any, size: Any) -> Region:
    """Return a region that nobody looks at."""
    return Region(base, size, OPAQUE, OPAQUE)


def others(words: Sequence[Any]) -> tuple[tuple[Region, ...], tuple[Region, ...]]:
    """Return opaque regions below and above: on one side only, or on both."""
    sides, _, rest = words[:3]
    below, above = (
        tuple(opaque(Beside(rank), rest) for rank in ranks) for ranks in RANKS
    )
    if sides == 0:
        return below, ()
    return ((), above) if sides == 1 else (below, above)


def among(words: Sequence[Any]) -> Regions:
    """Return the regions in hand between the opaque ones; the total may be anything."""
    told = [*words[3:12], *(0, 1, 0, 0)]
    below, above = others(words)
    rows = (*below, *painted(told).regions, *above)
    return Regions(rows, ROOM, words[1])


def in_hand(top: Any, words: Sequence[Any]) -> Iterator[Any]:
    """Say that there are opaque regions and at most two more, in canonical form."""
    yield from (words[0] <= 2, words[1] <= top, words[2] <= top, words[3] <= MOST)
    yield from canonical(top, painted([*words[3:12], 0, 1, 0, 0]).regions)


def a_new_range_beside(top: Any, *words: Any) -> Iterable[Any]:
    """Assume opaque regions on both sides, few in hand, a range, and its node."""
    *told, base, size, nid = words
    yield words[0] == 2
    yield from in_hand(top, told)
    yield from (base < top, size >= 1, size <= top, nid <= MAX_NUMNODES)
    yield from tied(painted([*told[3:12], 0, 1, 0, 0]), nid)


def a_range_beside(top: Any, *words: Any) -> Iterable[Any]:
    """Assume opaque regions beside, few in hand, and a range."""
    *told, base, size = words
    yield from in_hand(top, told)
    yield from (base < top, size >= 1, size <= top)


# ------------------------------------------------------------------ the claims


def adding_beside_any_number_of_regions_is_as_specified(top: Any, *words: Any) -> Any:
    """Only the regions that a new range meets are looked at; both sides agree."""
    *told, base, size, nid = words
    s = in_array(MEMORY, among(told))
    return same(config(top), s, ops.Add(base, size, nid))


def removing_beside_any_number_of_regions_is_as_specified(top: Any, *words: Any) -> Any:
    """Only the regions that a range meets are cut or deleted; both sides agree."""
    *told, base, size = words
    return same(config(top), in_array(MEMORY, among(told)), ops.Remove(base, size))


def isolating_beside_any_number_of_regions_is_as_specified(
    top: Any, *words: Any
) -> Any:
    """Only the regions that a range meets are cut; both sides agree on those inside."""
    *told, base, size = words
    return isolated_alike(config(top), in_array(MEMORY, among(told)), base, size)


# ------------------------------------------------------------------ the lemmas


def cut_the_next(m: Any, base: int, end: int) -> tuple[int, int]:
    """Count in the region behind the range."""
    i, j = right_isolate(m, base, end)
    return i, j + 1


right_isolate = ROWS.isolate
BOTH_SIDES = "up to 2 regions in hand, any number beside"
TIED = f"{BOTH_SIDES}; node and flags differ together"

OPAQUE = (
    "memblock, any number beside: opaque regions touch neither each other nor the range"
    " nor the regions in hand; two on a side stand for any number",
)

BESIDE = (
    Lemma(
        claim=adding_beside_any_number_of_regions_is_as_specified,
        names=(*NAMES, "base", "size", "nid"),
        given=a_new_range_beside,
        provers=(Symbolic(Bounded),),
        mistakes=(
            Mistake(arrays, "alike", merge_by_place),
            Mistake(ROWS, "uncovered", mutants.end_with_the_next),
        ),
        size=TIED,
        assumes=OPAQUE,
        slow=True,
    ),
    Lemma(
        claim=removing_beside_any_number_of_regions_is_as_specified,
        names=(*NAMES, "base", "size"),
        given=a_range_beside,
        provers=(Symbolic(Bounded),),
        mistakes=(
            Mistake(arrays, "halves", forget_the_upper_half),
            Mistake(ROWS, "isolate", mutants.cut_below_only),
        ),
        size=BOTH_SIDES,
        assumes=OPAQUE,
    ),
    Lemma(
        claim=isolating_beside_any_number_of_regions_is_as_specified,
        names=(*NAMES, "base", "size"),
        given=a_range_beside,
        provers=(Symbolic(Bounded),),
        mistakes=(
            Mistake(arrays, "halves", forget_the_upper_half),
            Mistake(ROWS, "isolate", cut_the_next),
        ),
        size=BOTH_SIDES,
        assumes=OPAQUE,
    ),
)
