"""memblock's cuts, region by region, and why an array is settled by what it holds.

Each region is cut by itself, so that what holds of one holds of any number.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Symbolic, Values
from mmoracle.checkers.symbolic import agree, denied, either, every
from mmoracle.checkers.word import Whole, Wrapping
from mmoracle.spec.linux import Addr
from mmoracle.spec.memblock import arrays
from mmoracle.spec.memblock.regions import Config, Region, cap_size

from .steps import ANY_NUMBER, outside, put_apart, row, some_hold
from .twins import canonical, same_paint
from .words import config

# ------------------------------------------------------------------ cutting

CUTTING = ("b", "s", "f", "d", "at", "addr")


def a_region_and_a_border(
    top: Any, b: Any, s: Any, f: Any, d: Any, at: Any, addr: Any
) -> Iterable[Any]:
    """Assume any region, any border and any address."""
    return (s >= 1, b <= top, s <= top - b, at <= top, addr <= top)


def halves_of_a_region_meet_at_the_border_and_hold_what_it_held(
    top: Any, b: Any, s: Any, f: Any, d: Any, at: Any, addr: Any
) -> Any:
    """A cut region is two that touch, neither empty, and no part crosses the border."""
    r = Region(b, s, f, d)
    parts = arrays.halves(r, at)
    crossing = every(r.base < at, at < r.end)
    touch = [a.end == b.base for a, b in pairwise(parts)]
    return every(
        agree(crossing, len(parts) == 2),
        parts[0].base == r.base,
        parts[-1].end == r.end,
        *touch,
        *(every(each.size >= 1, same_paint(each, r)) for each in parts),
        *(either(at <= each.base, each.end <= at) for each in parts),
        agree(
            denied(outside(r, addr)), either(*(denied(outside(p, addr)) for p in parts))
        ),
    )


LOSING = ("b", "s", "base", "size", "addr")


def a_region_and_a_range(
    top: Any, b: Any, s: Any, base: Any, size: Any, addr: Any
) -> Iterable[Any]:
    """Assume any region, any range that is not empty when capped, and any address."""
    yield from (s >= 1, b <= top, s <= top - b, addr <= top)
    yield from (base < top, size >= 1, size <= top)


def a_region_loses_exactly_what_lies_in_the_range(
    top: Any, b: Any, s: Any, base: Any, size: Any, addr: Any
) -> Any:
    """Of the parts between both borders those outside stay: what was not in range."""
    cfg, r = config(top), Region(b, s)
    end = base + cap_size(cfg, base, size)
    parts = [p for half in arrays.halves(r, base) for p in arrays.halves(half, end)]
    kept = [p for p in parts if not arrays.inside(cfg, p, base, size)]
    left = every(denied(outside(r, addr)), either(addr < base, end <= addr))
    return every(
        agree(left, either(*(denied(outside(p, addr)) for p in kept))),
        *(every(p.size >= 1, r.base <= p.base, p.end <= r.end) for p in kept),
        *(a.end <= b.base for a, b in pairwise(kept)),
    )


def halves_swapped(r: Region, at: int) -> tuple[Region, ...]:
    """Return the upper half first."""
    return right_halves(r, at)[::-1]


def halves_by_base(r: Region, at: int) -> tuple[Region, ...]:
    """Cut every region that begins below the border, if it ends there or not."""
    if not r.base < at <= r.end:
        return (r,)
    low = replace(r, size=Addr(at - r.base))
    return low, replace(r, base=Addr(at), size=Addr(r.end - at))


def inside_by_base(cfg: Config, r: Region, base: int, size: int) -> bool:
    """Take a region for one inside the range by its base alone."""
    return base <= r.base


def inside_by_end(cfg: Config, r: Region, base: int, size: int) -> bool:
    """Take a region for one inside the range by its end alone."""
    return r.end <= base + cap_size(cfg, base, size)


def lower_half_only(r: Region, at: int) -> tuple[Region, ...]:
    """Keep only the lower half of a region that is cut."""
    return right_halves(r, at)[:1]


right_halves = arrays.halves

# ------------------------------------------------------------------ one array for a set


def the_first_regions_differ(top: Any, *words: Any) -> Iterable[Any]:
    """Assume two canonical arrays whose first regions differ, the rest opaque."""
    one, other, rests = firsts(words)
    yield from canonical(top, (one,))
    yield from canonical(top, (other,))
    yield denied(every(*(a == b for a, b in zip(row(one), row(other), strict=True))))
    for first, rest in zip((one, other), rests, strict=True):
        yield from canonical(top, (rest,))
        yield first.end <= rest.base
        out = [first]
        arrays.put(out, rest)
        yield len(out) == 2  # the merge has left them two


def firsts(words: tuple[Any, ...]) -> tuple[Region, Region, list[Region]]:
    """Return the first regions of two arrays, and the ones behind them."""
    one, other, *rests = (Region(*words[at : at + 4]) for at in (0, 4, 8, 12))
    return one, other, rests


def canonical_arrays_that_hold_the_same_are_the_same(top: Any, *words: Any) -> Any:
    """Where the first regions differ, one of two addresses tells the arrays apart."""
    one, other, rests = firsts(words)
    low, high = min(one.base, other.base), min(one.end, other.end)
    found = []
    for at in (low, high):
        for flags, nid in ((r.flags, r.nid) for r in (one, other)):
            held = [
                some_hold(pair, at, flags, nid)
                for pair in zip((one, other), rests, strict=True)
            ]
            found.append(denied(agree(*held)))
    return either(*found)


def never_alike(a: Region, b: Region) -> bool:
    """Take no two regions for alike."""
    return False


# ------------------------------------------------------------------ the lemmas


def within(top: int, values: Values) -> Values:
    """Bend the size of a region so that it ends below the top."""
    b, s, *rest = values
    return (b, s % max(1, top - b) or 1, *rest)


CUTS = (
    Lemma(
        claim=halves_of_a_region_meet_at_the_border_and_hold_what_it_held,
        names=CUTTING,
        given=a_region_and_a_border,
        provers=(Symbolic(Whole), Symbolic(Wrapping), Sampled(within)),
        mistakes=(
            Mistake(arrays, "halves", halves_swapped),
            Mistake(arrays, "halves", halves_by_base),
        ),
        assumes=ANY_NUMBER,
    ),
    Lemma(
        claim=a_region_loses_exactly_what_lies_in_the_range,
        names=LOSING,
        given=a_region_and_a_range,
        provers=(Symbolic(Whole), Symbolic(Wrapping), Sampled(within)),
        mistakes=(
            Mistake(arrays, "inside", inside_by_base),
            Mistake(arrays, "inside", inside_by_end),
            Mistake(arrays, "halves", lower_half_only),
        ),
        assumes=ANY_NUMBER,
    ),
    Lemma(
        claim=canonical_arrays_that_hold_the_same_are_the_same,
        names=tuple(f"{each}{i}" for i in range(4) for each in "bsfd"),
        given=the_first_regions_differ,
        provers=(Symbolic(Whole),),
        mistakes=(
            Mistake(arrays, "put", put_apart),
            Mistake(arrays, "alike", never_alike),
        ),
        assumes=ANY_NUMBER,
    ),
)
