"""Memory that boot gives away, frames that leave for good, page blocks set apart.

Ranges, frames and page blocks lie at any place of a small zone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Symbolic, Values
from mmoracle.checkers.mutants.buddy_manage import (
    keep_the_wrong_half,
    take_and_count_on,
    take_heads_only,
    take_the_whole_block,
)
from mmoracle.checkers.mutants.buddy_owners import (
    look_at_the_ends,
    manage_no_more,
    push_without_merging,
    release_both_edges,
    reserve_for_ever,
    span_a_zone_for_all,
)
from mmoracle.checkers.symbolic import either, every
from mmoracle.checkers.word import Bounded, one_of
from mmoracle.impl.buddy.allocator import Blocks
from mmoracle.impl.buddy.held import Frames
from mmoracle.impl.buddy.manage import PageAllocator
from mmoracle.spec.buddy import free
from mmoracle.spec.buddy.change import FOREIGN
from mmoracle.spec.buddy.free import FreeCore, FreeReserved
from mmoracle.spec.buddy.manage import TakePageOff
from mmoracle.spec.buddy.zones import (
    COUNTS_TAKEN,
    Config,
    Memory,
    Span,
    free_blocks,
)
from mmoracle.spec.linux import Errno

from . import histories
from .places import ALIGN, place, somewhere
from .small import FRAMES, ORDERS, both_do, is_one, merged, scene
from .stealing import bent
from .words import MT

# ------------------------------------------------------------------ boot


def two_zones(nth: Any, border: int, hole: bool) -> Config:
    """Return eight frames in two zones, perhaps with a hole at the second frame."""
    middle, end = place(nth, border), place(nth, len(FRAMES))
    zones = (Span(place(nth, 0), middle), Span(middle, end))
    holes = (Span(place(nth, 1), place(nth, 2)),) if hole else ()
    return Config(zones=zones, holes=holes, orders=len(ORDERS), pageblock_order=ALIGN)


def released(nth: Any, cfg: Config, border: int, before: int) -> Memory:
    """Return the frames of the first zone from here on free already."""
    first = scene(cfg, nth, [(f, o, MT) for f, o in merged({*range(before, border)})])
    empty = scene(cfg, nth, [], types=(MT,))
    return replace(empty, zones=(*first.zones, *empty.zones))


def all_free(nth: Any, s: Memory) -> list[int]:
    """Return the offsets of the free frames of all zones."""
    parts = [b for zone in s.zones for b in free_blocks(zone)]
    found = ((p - place(nth, 0), 1 << order) for p, order, _ in parts)
    return sorted(offset + i for offset, size in found for i in range(size))


def no_two_halves(nth: Any, s: Memory, orders: int) -> bool:
    """Say whether no two free buddies stay apart."""
    return all(
        (zone_at, p ^ (1 << order), order) not in told
        for told in [{*placed(s)}]
        for zone_at, p, order in told
        if order < orders - 1
    )


def placed(s: Memory) -> Iterable[tuple[int, Any, int]]:
    """Yield (zone, first frame, order) of every free block."""
    for at, zone in enumerate(s.zones):
        yield from ((at, p, order) for p, order, _ in free_blocks(zone))


def boot_releases_a_range_merged_with_what_is_free(
    top: Any, nth: Any, start: Any, end: Any, border: Any, hole: Any, before: Any
) -> Any:
    """Its frames are free, each once, in their zones, and no two halves stay apart.

    A range with a frame that is not there or free already is refused, and nothing
    changes; the machine does the same.
    """
    middle = one_of(border, (4, 6, 8))
    cfg = two_zones(nth, middle, is_one(hole))
    first = one_of(before, (1, 2, 3, 4, 8))
    s = released(nth, cfg, middle, first)
    low, high = one_of(start, range(9)), one_of(end, range(10))
    op = FreeCore((place(nth, low), place(nth, high)))
    ends = place(nth, low), place(nth, high - 1), place(nth, high)
    same, after, got = both_do(cfg, s, op, op.run, ends)
    span = set(range(low, high))
    gone = span & ({*range(first, middle), 8} | ({1} if cfg.holes else set()))
    if gone:
        return same and got is not None and after == s
    managed = [zone.managed - 99 for zone in after.zones]
    inside = {low for low in span if low < middle}
    return (
        same
        and got is None
        and all_free(nth, after) == sorted([*all_free(nth, s), *span])
        and no_two_halves(nth, after, cfg.orders)
        and managed == [len(inside), len(span) - len(inside)]
    )


def a_range(
    top: Any, nth: Any, start: Any, end: Any, border: Any, hole: Any, before: Any
) -> Iterable[Any]:
    """Assume a range that does not cross the border, and where it lies."""
    yield from (start < end, end <= 9, border >= 4, border <= 8, border != 5)
    yield from (border != 7, hole <= 1, before >= 1, before <= 8)
    yield either(every(before <= 4, border <= 6), every(before == 8, border == 8))
    yield either(hole == 0, every(border == 4, before >= 2))


def a_reserved_page_is_freed_alike(
    top: Any, nth: Any, frame: Any, border: Any, hole: Any, before: Any
) -> Any:
    """It becomes free, merged, and its zone's; all others are refused."""
    middle = one_of(border, (4, 6))
    cfg = two_zones(nth, middle, is_one(hole))
    first = one_of(before, range(1, 5))
    s = released(nth, cfg, middle, first)
    f = one_of(frame, range(10))
    op = FreeReserved(0, place(nth, f))
    same, after, got = both_do(cfg, s, op, op.run, [op.pfn, op.pfn + 1])
    if f in {*range(first, middle), 8, 9} or (cfg.holes and f == 1):
        return same and got is not None and after == s
    merged_now = no_two_halves(nth, after, cfg.orders)
    now = sorted([*all_free(nth, s), f])
    return same and got is None and merged_now and all_free(nth, after) == now


def a_frame(
    top: Any, nth: Any, frame: Any, border: Any, hole: Any, before: Any
) -> Iterable[Any]:
    """Assume a frame, and where it lies."""
    yield from (frame <= 9, border >= 4, border <= 6, border != 5, hole <= 1)
    yield from (before <= 4, before >= 1 + hole)


# ------------------------------------------------------------------ a bad frame


def a_bad_frame_alone_leaves_the_lists(
    top: Any, nth: Any, frame: Any, apart: Any, guards: Any, counts: Any, *bits: Any
) -> Any:
    """Every other frame that was free stays free or becomes a guard.

    The counter falls by one, and by what becomes a guard, unless the page block is
    isolated, or the kernel forgets it; the machine does the same.
    """
    f = one_of(frame, range(5))
    there = {each for each in range(4) if is_one(bits[each])}
    quirks = (COUNTS_TAKEN,) if is_one(counts) else ()
    cfg = Config(
        zones=(Span(place(nth, 0), place(nth, 4)),),
        orders=len(ORDERS),
        pageblock_order=2,
        guard_minorder=2 if is_one(guards) else 0,
        quirks=quirks,
    )
    mt = cfg.isolate if is_one(apart) else MT
    blocks = [(at, order, mt) for at, order in merged(there)]
    s = scene(cfg, nth, blocks, types=mt)
    op = TakePageOff(place(nth, f))
    frames = [place(nth, each) for each in range(4)]
    same, after, got = both_do(cfg, s, op, op.run, frames)
    if f not in there:
        due = FOREIGN if f == 4 else Errno.EBUSY
        return same and got == due and after == s
    rest = [p - place(nth, 0) + i for p, o in after.guards for i in range(1 << o)]
    lost = len(rest) + (0 if mt == cfg.isolate or quirks else 1)
    return (
        same
        and got is None
        and sorted([*all_free(nth, after), *rest, f]) == sorted(there)
        and s.zones[0].nr_free_pages - after.zones[0].nr_free_pages == lost
    )


def free_or_not(
    top: Any, nth: Any, frame: Any, apart: Any, guards: Any, counts: Any, *bits: Any
) -> Iterable[Any]:
    """Assume a frame of five, and bits."""
    yield frame < 5
    yield from (bit <= 1 for bit in (apart, guards, counts, *bits))


# ------------------------------------------------------------------ mistakes


def release_apart(cfg: Config, s: Memory, start: int, end: int) -> Memory:
    """Put the blocks of a range that boot releases on the lists as they are: P75."""
    return right_release(replace(cfg, merging="lazy"), s, start, end)


def in_the_first_zone(cfg: Config, pfn: int) -> int:
    """Take every frame for the first zone's: P73."""
    return 0


def take_and_keep_counting(op: Any, cfg: Config, s: Memory, *block: Any) -> Memory:
    """Take a bad frame off the lists, and count it as free still: P64."""
    return right_take(op, replace(cfg, quirks=(COUNTS_TAKEN,)), s, *block)


right_release, right_take = free.release, TakePageOff.take

# ------------------------------------------------------------------ the lemmas


def ranges(top: int, values: Values) -> Values:
    """Bend words into a range of frames, and where it lies."""
    nth, start, end, border, hole, before = values
    start %= len(FRAMES)
    end = start + 1 + end % (9 - start)
    border = 4 + border % 3 * 2
    hole = hole % 2 if border == 4 else 0
    before = 8 if border == 8 else 1 + hole + before % 3
    return somewhere(nth), start, end, border, hole, before


def frames(top: int, values: Values) -> Values:
    """Bend words into a frame, and where it lies."""
    nth, frame, border, hole, before = values
    return somewhere(nth), frame % 10, 4 + border % 2 * 2, hole % 2, 2 + before % 3


EIGHT = "8 frames in two zones"
BITS = ("f0", "f1", "f2", "f3")

RELEASED = (
    Lemma(
        claim=boot_releases_a_range_merged_with_what_is_free,
        history=histories.boot,
        given=a_range,
        provers=(Symbolic(Bounded), Sampled(ranges)),
        mistakes=(
            Mistake(Blocks, "free_core", push_without_merging, bug="P75"),
            Mistake(free, "release", release_apart, bug="P75"),
            Mistake(Blocks, "free_core", release_both_edges, bug="P76"),
            Mistake(Frames, "zone_of", span_a_zone_for_all, bug="P73"),
            Mistake(free, "the_zone", in_the_first_zone, bug="P73"),
            Mistake(Blocks, "why_not_release", look_at_the_ends),
        ),
        size=EIGHT,
    ),
    Lemma(
        claim=a_reserved_page_is_freed_alike,
        history=histories.one_frame,
        given=a_frame,
        provers=(Symbolic(Bounded), Sampled(frames)),
        mistakes=(
            Mistake(Blocks, "free_reserved", manage_no_more),
            Mistake(Blocks, "free_reserved", reserve_for_ever),
            Mistake(free, "the_zone", in_the_first_zone, bug="P73"),
        ),
        size=EIGHT,
    ),
    Lemma(
        claim=a_bad_frame_alone_leaves_the_lists,
        history=histories.taking_off,
        given=free_or_not,
        names=("nth", "frame", "apart", "guards", "counts", *BITS),
        provers=(Symbolic(Bounded), Sampled(bent(0, 5))),
        mistakes=(
            Mistake(PageAllocator, "take_page_off", take_and_count_on, bug="P64"),
            Mistake(TakePageOff, "take", take_and_keep_counting, bug="P64"),
            Mistake(PageAllocator, "take_page_off", keep_the_wrong_half),
            Mistake(PageAllocator, "take_page_off", take_the_whole_block),
            Mistake(PageAllocator, "why_not_take_off", take_heads_only),
        ),
        size="4 frames, any of them free",
    ),
)
