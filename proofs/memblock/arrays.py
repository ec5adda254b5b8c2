"""memblock's arrays: a range that is added or removed, against the set of addresses.

The whole operation is run, merging and totals and all, on a few regions of any place
and size; only doubling is left out, because the arrays have room.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations, pairwise
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Sweep, Symbolic, Values
from mmoracle.checkers.symbolic import agree, either, every
from mmoracle.checkers.word import Bounded, Whole, Wrapping
from mmoracle.spec.linux import Addr
from mmoracle.spec.memblock import arrays
from mmoracle.spec.memblock.regions import (
    HOTPLUG,
    MEMORY,
    NONE,
    Config,
    Memblock,
    Range,
    Region,
    Regions,
    cap_size,
)
from mmoracle.spec.memblock.search import Linux

from .words import config

FLAGS = (NONE, NONE, HOTPLUG)  # of the regions, in order; a new range has none
MOST = 3  # regions
NODE, ROOM = 0, 32


# ------------------------------------------------------------------ states


def array(told: Sequence[Any]) -> Regions:
    """Return n regions with the first of these bases and sizes, and their total."""
    n = next((few for few in range(MOST) if told[0] == few), MOST)
    words = told[1 : 1 + 2 * n]
    pairs = zip(words[::2], words[1::2], strict=True)
    rows = tuple(
        Region(Addr(base), Addr(size), flags, NODE)
        for (base, size), flags in zip(pairs, FLAGS, strict=False)
    )
    return Regions(rows, ROOM, Addr(sum(words[1::2])))


def in_order(top: Any, words: Sequence[Any], apart: bool = False) -> Iterator[Any]:
    """Say that regions are not empty, follow each other, and end below the top.

    Regions that touch and agree would be one, as every merge leaves them, if `apart`.
    """
    rows = array(words).regions
    for r in rows:
        yield from (r.size >= 1, r.base <= top, r.size <= top - r.base)
    for a, b in pairwise(rows):
        alike = apart and a.flags == b.flags
        yield a.end < b.base if alike else a.end <= b.base


def holds(t: Regions, addr: Any) -> Any:
    """Say whether some region of the array holds an address."""
    return either(*(every(r.base <= addr, addr < r.end) for r in t.regions))


def holds_marked(t: Regions, addr: Any) -> Any:
    """Say whether a region that is marked as hot-pluggable holds an address."""
    return holds(
        replace(t, regions=tuple(r for r in t.regions if HOTPLUG in r.flags)), addr
    )


def is_sound(top: Any, t: Regions) -> Any:
    """Say that the array is in order and its total right."""
    rows = t.regions
    total = sum((r.size for r in rows), start=0)
    order = [a.end <= b.base for a, b in pairwise(rows)]
    sizes = [every(r.size >= 1, r.base <= top, r.size <= top - r.base) for r in rows]
    return every(*order, *sizes, t.total_size == total)


def in_range(top: Any, base: Any, size: Any, addr: Any) -> Any:
    """Say whether an address lies in a range that is cut off at the top."""
    room = top - base
    capped = either(addr - base < size, addr < base)
    return every(base <= addr, capped, addr - base < room, addr <= top)


def changed(change: Any, cfg: Config, t: Regions, range_: Range, *how: Any) -> Regions:
    """Return the memory array after an operation of the specification."""
    s = Memblock(t, Regions((), ROOM))
    after = change(cfg, s, MEMORY, range_, *how, True, Linux(True))[0]
    memory: Regions = after.memory
    return memory


def added(cfg: Config, t: Regions, base: Any, size: Any) -> Regions:
    """Return the array after a range without flags was added."""
    return changed(arrays.add_range, cfg, t, (base, size), NODE, NONE)


def removed(cfg: Config, t: Regions, base: Any, size: Any) -> Regions:
    """Return the array after a range was removed."""
    return changed(arrays.remove_range, cfg, t, (base, size))


# ------------------------------------------------------------------ cutting


def three_regions(top: Any, *words: Any) -> Iterable[Any]:
    """Assume up to three regions in order."""
    return in_order(top, words[:-2])


def cutting_at_a_border_keeps_every_address(top: Any, *words: Any) -> Any:
    """The regions hold the same addresses with the same marks, and none crosses."""
    *told, at, addr = words
    t = array(told)
    after = replace(t, regions=arrays.cut(t, at))
    crossing = [either(at <= r.base, r.end <= at) for r in after.regions]
    return every(
        agree(holds(after, addr), holds(t, addr)),
        agree(holds_marked(after, addr), holds_marked(t, addr)),
        is_sound(top, after),
        len(after.regions) <= len(t.regions) + 1,
        *crossing,
    )


def cut_and_lose(r: Region, at: int) -> tuple[Region, ...]:
    """Keep only the lower half of the region that is cut."""
    return right_halves(r, at)[:1]


def cut_and_unmark(r: Region, at: int) -> tuple[Region, ...]:
    """Forget the marks of the upper half."""
    low, *high = right_halves(r, at)
    return low, *(replace(each, flags=NONE) for each in high)


# ------------------------------------------------------------------ adding, removing


def a_range_and_three(top: Any, *words: Any) -> Iterable[Any]:
    """Assume up to three regions, and a range that may reach beyond the top."""
    yield from in_order(top, words[:-3])
    yield from (word <= top for word in words[-3:])


def adding_a_range_is_union(top: Any, *words: Any) -> Any:
    """An address is held if it was or lies in the range; what was held is unchanged."""
    *told, base, size, addr = words
    t = array(told)
    after = added(config(top), t, base, size)
    now = either(holds(t, addr), in_range(top, base, size, addr))
    return every(
        agree(holds(after, addr), now),
        agree(holds_marked(after, addr), holds_marked(t, addr)),
        is_sound(top, after),
    )


def removing_a_range_is_difference(top: Any, *words: Any) -> Any:
    """An address is held if it was and is not in the range; marks stay."""
    *told, base, size, addr = words
    t = array(told)
    after = removed(config(top), t, base, size)
    outside = either(addr < base, addr - base >= size, addr - base >= top - base)
    return every(
        agree(holds(after, addr), every(holds(t, addr), outside)),
        agree(holds_marked(after, addr), every(holds_marked(t, addr), outside)),
        is_sound(top, after),
    )


def cover_again(t: Regions, base: int, end: int) -> list[Range]:
    """Insert the whole range although a part of it is covered."""
    return [(base, end)]


def forget_the_rest(t: Regions, base: int, end: int) -> list[Range]:
    """Fill the gaps before regions, and forget the one behind the last."""
    return [part for part in right_uncovered(t, base, end) if part[1] != end]


def merge_by_place(a: Region, b: Region) -> bool:
    """Merge neighbours that touch, whatever their marks."""
    return True


def inside_by_base(cfg: Config, r: Region, base: int, size: int) -> bool:
    """Take a region for one inside the range by its base alone."""
    return base <= r.base


def inside_below(cfg: Config, r: Region, base: int, size: int) -> bool:
    """Leave the region that ends exactly where the range does."""
    return base <= r.base and r.end < base + cap_size(cfg, base, size)


right_uncovered, right_halves = arrays.uncovered, arrays.halves


# ------------------------------------------------------------------ two passes


def any_three(top: Any, *words: Any) -> Iterable[Any]:
    """Assume up to three regions in order, and a range that is not empty."""
    *told, base, end = words
    yield from in_order(top, told)
    yield from (base < end, end <= top)


def adding_is_the_kernels_two_passes(top: Any, *words: Any) -> Any:
    """Counting meets as many new regions as inserting inserts, where it finds them."""
    *told, base, end = words
    t = array(told)
    counted, untouched = walk(t, base, end, insert=False)
    again, filled = walk(t, base, end, insert=True)
    parts = arrays.uncovered(t, base, end)
    ours = arrays.inserted(t, parts, NODE, NONE)
    if not counted == again == len(parts) or untouched != list(t.regions):
        return False
    if len(ours) != len(filled):
        return False
    return every(
        *(
            every(a.base == b.base, a.size == b.size, a.flags is b.flags)
            for a, b in zip(ours, filled, strict=True)
        )
    )


def walk(t: Regions, base: Any, end: Any, insert: bool) -> tuple[int, list[Region]]:
    """Go over the array as memblock_add_range() does, by index, once.

    Regions below are passed, the first one above ends the walk; each one in between
    makes the part below it a new region, and the rest makes the last.
    """
    rows, at, new = list(t.regions), 0, 0

    def found(stop: Any) -> int:
        if insert:
            rows.insert(at, Region(base, stop - base, NONE, NODE))
        return 1

    while at < len(rows) and rows[at].base < end:
        r = rows[at]
        if r.end > base:
            if r.base > base:
                new += found(r.base)
                at += insert  # the region has moved up
            base = min(r.end, end)
        at += 1
    return (new + found(end) if base < end else new), rows


def insert_at_the_end(
    t: Regions, parts: list[Range], nid: int, flags: Any
) -> tuple[Region, ...]:
    """Append the new regions."""
    new = [Region(Addr(a), Addr(b - a), flags, nid) for a, b in parts]
    return (*t.regions, *new)


# ------------------------------------------------------------------ the lemmas


def borders(top: int, touching: bool) -> Iterator[tuple[int, ...]]:
    """Yield every three regions in order of a small machine, and fewer."""
    for n in range(MOST + 1):
        for words in borders_of(n, top, touching):
            yield n, *words, *(0 for _ in range(6 - len(words)))


def borders_of(n: int, top: int, touching: bool) -> Iterator[tuple[int, ...]]:
    """Yield every n regions in order."""
    twice = 2 if touching else 1  # a border may be used twice
    found = set()
    for chosen in combinations(range(1, twice * top + 1), 2 * n):
        points = [point // twice for point in chosen]
        pairs = list(zip(points[::2], points[1::2], strict=True))
        if all(a < b for a, b in pairs):
            found.add(tuple(word for a, b in pairs for word in (a, b - a)))
    yield from sorted(found)


def small_cuts(top: int) -> Iterator[Values]:
    """Yield every such regions with every cut and address."""
    for words in borders(top, touching=True):
        for at in range(top + 1):
            yield from ((*words, at, addr) for addr in range(top + 1))


def small_ranges(top: int) -> Iterator[Values]:
    """Yield such regions that do not touch, with every range and address."""
    for words in borders(top, touching=False):
        for base in range(top + 1):
            for size in range(top + 1):
                yield from ((*words, base, size, addr) for addr in range(top + 1))


def regions_of(top: int, values: Values) -> Values:
    """Bend the first words into regions in order; the others stay."""
    points = sorted(values[1:7])
    pairs = zip(points[::2], points[1::2], strict=True)
    words = (word for a, b in pairs for word in (a, b - a))
    return (values[0] % (MOST + 1), *words, *values[7:])


NAMES = ("n", "b0", "s0", "b1", "s1", "b2", "s2")  # bases and sizes
ROOMY = (
    "memblock arrays: there is room, so that no operation doubles one; one node; the"
    " third region alone is marked, and a new range is not",
)
THREE = "up to 3 regions"

ARRAYS = (
    Lemma(
        claim=cutting_at_a_border_keeps_every_address,
        names=(*NAMES, "at", "addr"),
        given=three_regions,
        provers=(
            Symbolic(Whole),
            Symbolic(Wrapping),
            Sweep(3, small_cuts),
            Sampled(regions_of),
        ),
        mistakes=(
            Mistake(arrays, "halves", cut_and_lose),
            Mistake(arrays, "halves", cut_and_unmark),
        ),
        size=THREE,
        assumes=ROOMY,
    ),
    Lemma(
        claim=adding_a_range_is_union,
        names=(*NAMES, "base", "size", "addr"),
        given=a_range_and_three,
        provers=(
            Symbolic(Bounded),
            Symbolic(Wrapping),
            Sweep(3, small_ranges),
            Sampled(regions_of),
        ),
        mistakes=(
            Mistake(arrays, "uncovered", cover_again),
            Mistake(arrays, "uncovered", forget_the_rest),
            Mistake(arrays, "alike", merge_by_place),
        ),
        size=THREE,
        assumes=ROOMY,
        slow=True,
    ),
    Lemma(
        claim=removing_a_range_is_difference,
        slow=True,
        names=(*NAMES, "base", "size", "addr"),
        given=a_range_and_three,
        provers=(
            Symbolic(Bounded),
            Symbolic(Wrapping),
            Sweep(3, small_ranges),
            Sampled(regions_of),
        ),
        mistakes=(
            Mistake(arrays, "inside", inside_by_base),
            Mistake(arrays, "inside", inside_below),
        ),
        size=THREE,
        assumes=ROOMY,
    ),
    Lemma(
        claim=adding_is_the_kernels_two_passes,
        names=(*NAMES, "base", "end"),
        given=any_three,
        provers=(Symbolic(Whole), Symbolic(Wrapping)),
        mistakes=(
            Mistake(arrays, "uncovered", cover_again),
            Mistake(arrays, "inserted", insert_at_the_end),
        ),
        size=THREE,
        assumes=ROOMY,
    ),
)
