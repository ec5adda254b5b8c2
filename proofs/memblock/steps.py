"""memblock's loops, one step at a time, for arrays of any number of regions.

What lies behind a step in the array is opaque: only the last end, or that an address
is held there, is known of it.  A step keeps its invariant, the first one starts from
it, and the loop is its step on every region in order: so the invariant holds at the
end, however many regions there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from mmoracle.checkers.lemma import (
    Lemma,
    Mistake,
    Sampled,
    Shapes,
    Symbolic,
    Values,
    mistaken,
)
from mmoracle.checkers.symbolic import agree, either, every
from mmoracle.checkers.word import Whole, Wrapping
from mmoracle.spec.linux import Addr
from mmoracle.spec.memblock import arrays
from mmoracle.spec.memblock.regions import Config, Range, Region, Regions

from .twins import ROWS, canonical, same_paint
from .words import config, twin

OPAQUE: Any = object()  # a region, or a part, that nothing looks at


def row(r: Region) -> tuple[Any, ...]:
    """Return a region as the machine keeps it."""
    return r.base, r.end, r.flags, r.nid


def holds_painted(r: Region, addr: Any, flags: Any, nid: Any) -> Any:
    """Say whether an address lies in a region with these flags and this node."""
    place = every(r.base <= addr, addr < r.end)
    return every(place, r.flags == flags, r.nid == nid)


def some_hold(rows: Iterable[Region], addr: Any, flags: Any, nid: Any) -> Any:
    """Say whether an address lies in one of the regions with flags and node."""
    return either(*(holds_painted(r, addr, flags, nid) for r in rows))


# ------------------------------------------------------------------ merging

MERGING = (
    *("n", "b0", "s0", "f0", "d0", "b1", "s1", "f1", "d1", "b2", "s2", "f2", "d2"),
    *("addr", "flags", "nid"),
)


def merging(words: tuple[Any, ...]) -> tuple[list[Region], Region]:
    """Return the last regions that were put, none, one or two, and the next one."""
    told = [Region(*words[at : at + 4]) for at in (1, 5, 9)]
    n = next((few for few in (0, 1) if words[0] == few), 2)
    return told[2 - n : 2], told[2]


def the_next_region_in_order(top: Any, *words: Any) -> Iterable[Any]:
    """Assume that the regions put so far are canonical and the next one is behind."""
    yield words[0] <= 2
    put, new = merging(words)
    yield from canonical(top, put)
    yield from canonical(top, (new,))
    yield every(*(r.end <= new.base for r in put[-1:]))


def a_step_of_the_merge_keeps_canonical_form_and_every_address(
    top: Any, *words: Any
) -> Any:
    """The regions put stay canonical, hold what they and the next held, end as it."""
    put, new = merging(words)
    out = [OPAQUE, *put] if len(put) == 2 else list(put)
    rows = [OPAQUE, *map(row, put)] if len(put) == 2 else list(map(row, put))
    arrays.put(out, new)
    twin(config(top)).memory.put(rows, row(new))
    if len(put) == 2 and (out.pop(0) is not OPAQUE or rows.pop(0) is not OPAQUE):
        return False
    if out[:-2] != put[:-1] and out[:-1] != put[:-1]:
        return False
    if len(rows) != len(out):
        return False
    before, after = (some_hold(each, *words[-3:]) for each in ([*put, new], out))
    sizes = [sum((r.size for r in each), start=0) for each in ([*put, new], out)]
    first = [
        every(a.base == b.base, same_paint(a, b))
        for a, b in zip(put, out, strict=False)
    ]
    return every(
        *canonical(top, out),
        agree(before, after),
        sizes[0] == sizes[1],
        *first,
        out[-1].end == new.end,
        same_paint(out[-1], new),
        *(same_row(r, told) for r, told in zip(out, rows, strict=True)),
    )


def same_row(r: Region, told: tuple[Any, ...]) -> Any:
    """Say whether the machine's row is this region."""
    base, end, flags, nid = told
    return every(r.base == base, r.end == end, r.flags == flags, r.nid == nid)


def put_always(out: list[Region], r: Region) -> None:
    """Join two regions that agree although there is room between them."""
    if out and arrays.alike(out[-1], r):
        out[-1] = replace(out[-1], size=Addr(r.end - out[-1].base))
    else:
        out.append(r)


def put_apart(out: list[Region], r: Region) -> None:
    """Join nothing."""
    out.append(r)


def put_over(m: Any, out: list[Any], told: Any) -> None:
    """Let the machine's joined region begin where the second of the two does."""
    if out and m.can_merge(out[-1], told):
        out[-1] = told
    else:
        out.append(told)


# ------------------------------------------------------------------ a pass

PASSING = ("base", "end", "b", "s", "addr", "earlier", "later")


def a_region_on_the_way(
    top: Any, base: Any, end: Any, b: Any, s: Any, addr: Any, earlier: Any, later: Any
) -> Iterable[Any]:
    """Assume a region of the array, and what else is known of one address.

    It may be in a part noted earlier, and then lies below `base`, or be held by a
    region behind this one, and then lies behind it.
    """
    yield from (base <= end, end <= top, s >= 1, b <= top, s <= top - b, addr <= top)
    yield from (earlier <= 1, later <= 1)
    yield either(earlier == 0, addr < base)
    yield either(later == 0, addr >= b + s)


def a_step_of_the_pass_keeps_what_is_still_uncovered(
    top: Any, base: Any, end: Any, b: Any, s: Any, addr: Any, earlier: Any, later: Any
) -> Any:
    """What is noted or still to come is what neither this nor a later region covers."""
    r, noted = Region(b, s), earlier == 1
    parts: list[Any] = [OPAQUE]
    after = arrays.passed(parts, r, base, end)
    if parts[0] is not OPAQUE or len(parts) > 2:
        return False
    free = every(base <= addr, addr < end, later == 0)
    left = every(after <= addr, addr < end, later == 0)
    new = [every(start <= addr, addr < stop) for start, stop in parts[1:]]
    whole = [
        every(start == base, start < stop, stop == b, stop <= after)
        for start, stop in parts[1:]
    ]
    return every(
        agree(either(noted, every(free, outside(r, addr))), either(noted, *new, left)),
        *whole,
        base <= after,
        after <= end,
        passed_alike(top, r, base, end, parts, after),
    )


def outside(r: Region, addr: Any) -> Any:
    """Say whether an address lies in no byte of a region."""
    return either(addr < r.base, r.end <= addr)


def passed_alike(
    top: Any, r: Region, base: Any, end: Any, parts: list[Any], after: Any
) -> Any:
    """Say whether the machine passes a region of the range in the same way."""
    if r.end <= base or end <= r.base:
        return every(len(parts) == 1, after == base)  # it passes by the others
    t, told = twin(config(top)).memory, [OPAQUE]
    t.splice(0, 0, [(r.base, r.end, 0, 0)])
    got = t.pass_region(told, 0, base, end)
    if told[0] is not OPAQUE or len(told) != len(parts):
        return False
    same = [
        every(a[0] == b[0], a[1] == b[1])
        for a, b in zip(parts[1:], told[1:], strict=True)
    ]
    return every(got == after, *same)


def pass_to_its_end(parts: list[Range], r: Region, base: int, end: int) -> int:
    """Go on behind a region although the range ends before."""
    arrays_passed(parts, r, base, end)
    return max(base, r.end) if r.base < end else base


def pass_too_late(parts: list[Range], r: Region, base: int, end: int) -> int:
    """Note the part below a region as if it ended with the region."""
    if r.end <= base or end <= r.base:
        return base
    if base < r.base:
        parts.append((base, min(r.end, end)))
    return min(r.end, end)


def pass_over(m: Any, parts: list[Range], i: int, base: int, end: int) -> int:
    """Let the machine forget what lies below a region."""
    return min(m.ends[i], end)  # type: ignore[no-any-return]


arrays_passed = arrays.passed

# ------------------------------------------------------------------ the loops


def the_loops_take_their_step_on_every_region_in_order(shape: int) -> bool:
    """Merging, the pass and the cut ask nothing but their step about each region."""
    regions = tuple(object() for _ in range(shape))
    return all(loop(regions) for loop in (merges, machine_merges, passes, cuts))


def merges(regions: tuple[Any, ...]) -> bool:
    """Say whether the specification's merge is its step on every region."""
    met: list[Any] = []

    def put(out: list[Any], r: Any) -> None:
        met.append(r)
        out.append(r)

    with mistaken(Mistake(arrays, "put", put)):
        return arrays.merged(regions) == regions == tuple(met)


def machine_merges(regions: tuple[Any, ...]) -> bool:
    """Say whether the machine's merge is its step on every region."""
    met: list[Any] = []

    def put(m: Any, out: list[Any], told: Any) -> None:
        met.append(told)
        out.append(told)

    with mistaken(Mistake(ROWS, "put", put)):
        told: list[Any] = twin(Config()).memory.merged(list(regions))
    return told == list(regions) == met


def passes(regions: tuple[Any, ...]) -> bool:
    """Say whether a pass is its step on every region, and the rest at the end."""
    met: list[Any] = []

    def passed(parts: list[Any], r: Any, base: int, end: int) -> int:
        met.append(r)
        parts.append((base, base))
        return base + 1

    with mistaken(Mistake(arrays, "passed", passed)):
        n = len(regions)
        told = [(at, at) for at in range(n)]
        t = Regions(regions, n, Addr(0))
        return (
            arrays.uncovered(t, 0, n) == told
            and arrays.uncovered(t, 0, n + 1) == [*told, (n, n + 1)]
            and met == [*regions, *regions]
        )


def cuts(regions: tuple[Any, ...]) -> bool:
    """Say whether a cut is both halves of every region."""

    def halves(r: Any, at: int) -> tuple[Any, ...]:
        return (r, at), (at, r)

    with mistaken(Mistake(arrays, "halves", halves)):
        told: Any = arrays.cut(Regions(regions, len(regions), Addr(0)), 7)
        due = tuple(part for r in regions for part in ((r, 7), (7, r)))
        return bool(told == due)


def lengths() -> Iterator[Values]:
    """Yield how many regions the loops are shown."""
    yield from ((n,) for n in range(7))


def merged_but_the_last(regions: tuple[Region, ...]) -> tuple[Region, ...]:
    """Merge all but the last region, and append that as it is."""
    out: list[Region] = []
    for r in regions[:-1]:
        arrays.put(out, r)
    return (*out, *regions[-1:])


def first_cut_only(t: Regions, at: int) -> tuple[Region, ...]:
    """Stop looking once a region was cut."""
    first = [half for r in t.regions[:1] for half in arrays.halves(r, at)]
    return (*first, *t.regions[1:])


def uncovered_to_the_end(t: Regions, base: int, end: int) -> list[Range]:
    """Note a part behind the last region even if it is empty."""
    parts: list[Range] = []
    for r in t.regions:
        base = arrays.passed(parts, r, base, end)
    return [*parts, (base, end)]


# ------------------------------------------------------------------ the lemmas


def in_order(count: int, at: int, end: int) -> Callable[[int, Values], Values]:
    """Return what bends the bases and sizes of regions at these places."""

    def aim(top: int, values: Values) -> Values:
        words = list(values)
        points = sorted(words[i] for i in range(at, end) if (i - at) % 4 < 2)
        for i in range(count):
            base, stop = points[2 * i : 2 * i + 2]
            words[at + 4 * i : at + 4 * i + 2] = base, stop - base
            for j in (2, 3):
                words[at + 4 * i + j] &= 1
        words[0] = words[0] % 3 if at else words[0]
        return tuple(words)

    return aim


def near(top: int, values: Values) -> Values:
    """Bend a range, a region and what is known of an address."""
    base, end, b, s, addr, earlier, later = values
    base, end = sorted((base, end))
    s = s % max(1, top - b) or 1
    earlier, later = earlier & (addr < base), later & (addr >= b + s)
    return base, end, b, s, addr, earlier & 1, later & 1


ANY_NUMBER = (
    "memblock loops: sorted() sorts and bisect finds; the regions that a loop has"
    " passed or not yet met are opaque; that steps which hold make a loop that holds is"
    " induction, told in proofs/memblock and checked by no solver",
)

STEPS = (
    Lemma(
        claim=a_step_of_the_merge_keeps_canonical_form_and_every_address,
        names=MERGING,
        given=the_next_region_in_order,
        provers=(
            Symbolic(Whole),
            Symbolic(Wrapping),
            Sampled(in_order(3, 1, 13)),
        ),
        mistakes=(
            Mistake(arrays, "put", put_always),
            Mistake(arrays, "put", put_apart),
            Mistake(ROWS, "put", put_over),
        ),
        assumes=ANY_NUMBER,
    ),
    Lemma(
        claim=a_step_of_the_pass_keeps_what_is_still_uncovered,
        names=PASSING,
        given=a_region_on_the_way,
        provers=(Symbolic(Whole), Symbolic(Wrapping), Sampled(near)),
        mistakes=(
            Mistake(arrays, "passed", pass_to_its_end),
            Mistake(arrays, "passed", pass_too_late),
            Mistake(ROWS, "pass_region", pass_over),
        ),
        assumes=ANY_NUMBER,
    ),
    Lemma(
        claim=the_loops_take_their_step_on_every_region_in_order,
        provers=(Shapes(lengths, "every length up to 6 regions", False),),
        mistakes=(
            Mistake(arrays, "merged", merged_but_the_last),
            Mistake(arrays, "cut", first_cut_only),
            Mistake(arrays, "uncovered", uncovered_to_the_end),
        ),
        size="opaque regions",
        assumes=ANY_NUMBER,
    ),
)
