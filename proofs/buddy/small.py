"""A small zone whose place, free frames and lists' order are any: both sides alike.

The zone is two blocks of the largest order above a base that is any multiple of both.
Whole operations are run on both sides, from what is asked to what is returned.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from typing import Any

from mmoracle.checkers.bind.buddy import abstract, apply, load
from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Symbolic, Values
from mmoracle.checkers.mutants.buddy_lists import (
    forget_nr_free,
    halve_once,
    hand_out_the_upper_half,
    leave_the_child_listed,
    look_above_the_top,
    look_at_the_wrong_buddy,
    merge_once,
    merge_over_the_top,
    merge_to_the_right,
    take_smaller_for_buddy,
    take_the_largest,
    take_the_last,
)
from mmoracle.checkers.mutants.buddy_owners import leave_the_order
from mmoracle.checkers.symbolic import either, every
from mmoracle.checkers.word import Bounded, one_of
from mmoracle.impl.buddy import peek
from mmoracle.impl.buddy.allocator import Blocks as Owners
from mmoracle.impl.buddy.zone import Zone as Machine
from mmoracle.spec.buddy import blocks
from mmoracle.spec.buddy.alloc import AllocPages
from mmoracle.spec.buddy.change import is_reserved
from mmoracle.spec.buddy.free import FreePages
from mmoracle.spec.buddy.zones import (
    Config,
    Held,
    Memory,
    Outcome,
    Span,
    Zone,
    first_frame,
    free_blocks,
)

from . import histories
from .halves import joined_above
from .lists import expand_whole, never_merge
from .places import ALIGN, place, somewhere
from .words import MT

FRAMES = range(1 << ALIGN)
ORDERS = range(ALIGN)  # so that there are two blocks of the largest order
Block = tuple[int, int]  # offset, order

# ------------------------------------------------------------------ states


def zone_at(nth: Any, **more: Any) -> Config:
    """Return one zone of the frames of two largest blocks, of one migrate type."""
    span = Span(place(nth, 0), place(nth, len(FRAMES)))
    kinds = {"orders": len(ORDERS), "pageblock_order": ALIGN, **more}
    return Config(zones=(span,), **kinds)


def is_one(bit: Any) -> bool:
    """Ask a bit."""
    return bool(bit == 1)


def merged(free: set[int], orders: range = ORDERS) -> list[Block]:
    """Return the largest blocks that free frames make up, by rising offset."""
    found, offset = list[Block](), 0
    while offset < len(FRAMES):
        whole = [order for order in orders if is_whole(free, offset, order)]
        if whole:
            found.append((offset, whole[-1]))
        offset += 1 << whole[-1] if whole else 1
    return found


def is_whole(free: set[int], offset: int, order: int) -> bool:
    """Say whether an aligned block is free, all of it."""
    return offset % (1 << order) == 0 and free >= frames_of(offset, order)


def frames_of(offset: int, order: int) -> set[int]:
    """Return the frames of a block."""
    return set(range(offset, offset + (1 << order)))


def listed(nth: Any, free: set[int], falls: Any) -> Memory:
    """Return a zone with these frames free, each list by rising or falling place."""
    lists = ((),) * zone_at(nth).migrate_types
    zone = Zone((lists,) * len(ORDERS), (0,) * len(ORDERS))
    for offset, order in merged(free):
        tail = not (zone.nr_free[order] and is_one(falls))
        zone = blocks.push(zone, place(nth, offset), order, MT, tail=tail)
    zone = replace(zone, nr_free_pages=len(free), managed=len(FRAMES))
    return Memory((zone,), (MT,))


def scene(
    cfg: Config,
    nth: Any,
    listed: Iterable[tuple[int, int, int]],
    owned: Iterable[Held] = (),
    types: Any = MT,
    **more: Any,
) -> Memory:
    """Return a zone with blocks (offset, order, type) on its lists, and their counts.

    All page blocks have one type unless a tuple is given.
    """
    lists = ((),) * cfg.migrate_types
    zone, pages, cma = Zone((lists,) * cfg.orders, (0,) * cfg.orders), 0, 0
    for offset, order, mt in listed:
        zone = blocks.push(zone, place(nth, offset), order, mt, tail=True)
        pages += 1 << order if mt != cfg.isolate else 0
        cma += 1 << order if mt == cfg.cma else 0
    counts = {"nr_free_pages": pages, "nr_free_cma": cma, "managed": 99}
    if not isinstance(types, tuple):
        types = (types,) * (2 * len(FRAMES) >> cfg.pageblock_order)
    owners = tuple(sorted(owned, key=first_frame))
    return Memory((replace(zone, **{**counts, **more}),), types, owners)


def held(nth: Any, free: set[int], whole: Iterable[Block] = ()) -> tuple[Held, ...]:
    """Return the owners of the frames that are not free: single pages, or blocks."""
    kept, parts = free.copy(), list(whole)
    for each in parts:
        kept |= frames_of(*each)
    parts += [(offset, 0) for offset in FRAMES if offset not in kept]
    return tuple(Held(place(nth, offset), order) for offset, order in sorted(parts))


def free_now(nth: Any, s: Memory) -> list[int]:
    """Return the offsets of the frames that are free, each as often as it is listed."""
    rows = enumerate(s.zones[0].free)
    return sorted(
        pfn + i - place(nth, 0)
        for order, lists in rows
        for line in lists
        for pfn in line
        for i in range(1 << order)
    )


# ------------------------------------------------------------------ operations


CRASHES = (IndexError, KeyError, ValueError)


def foretold(machine: Any, op: Any, due: Any) -> bool:
    """Say whether the machine knows beforehand which block it will hand out."""
    if not isinstance(op, AllocPages):
        return True
    pfn = peek(machine, op.cpu, op.at, op.order, op.mt, int(op.flags))
    return bool(due is None and pfn < 0) or (due is not None and bool(pfn == due))


def both_do(
    cfg: Config, s: Memory, op: Any, run: Any, frames: Iterable[Any] = ()
) -> tuple[bool, Memory, Any]:
    """Do an operation on both sides; say whether they agree, and what comes of it.

    They must agree, too, on which of some frames are reserved.  A side that crashes
    agrees with nothing.
    """
    machine = load(cfg, s)
    try:
        after, due = run(cfg, s)
        told = foretold(machine, op, due.value)
        got = apply(machine, op)
    except CRASHES:
        return False, s, None
    same = told and got == due and abstract(machine) == after
    kept = ((machine.frames.is_reserved(f), is_reserved(cfg, after, f)) for f in frames)
    return same and all(one == two for one, two in kept), after, due.value


def both_sides_allocate_alike_whatever_is_free(
    top: Any, nth: Any, falls: Any, order: Any, *bits: Any
) -> Any:
    """The block was free, is aligned, and leaves all others free; lists stay equal.

    It fails only if no free block is large enough; kswapd is woken only if it does not.
    """
    free = {offset for offset in FRAMES if is_one(bits[offset])}
    plain, twist = one_of(order, range(len(ORDERS) + 1)), is_one(falls)
    cfg, s = zone_at(nth), listed(nth, free, falls)
    zone = replace(s.zones[0], boosted=twist)
    heads = {offset for offset, _ in merged(free)}  # hold an order, and no word
    words = tuple((place(nth, f), 7) for f in (1, 6) if f not in heads)
    s = replace(s, zones=(zone,), held=held(nth, free), private=words)
    op = AllocPages(0, 0, plain, MT, compound=twist)
    same, after, got = both_do(cfg, s, op, op.linux if plain in ORDERS else refused)
    if not same or got is None:
        return same and after == s and all(high < plain for _, high in merged(free))
    offset = got - place(nth, 0)
    left = sorted(free - frames_of(offset, plain))
    return is_whole(free, offset, plain) and free_now(nth, after) == left


def refused(cfg: Config, s: Memory) -> tuple[Memory, Outcome]:
    """Refuse a block of an order that there is not."""
    due = AllocPages(0, 0, cfg.orders, MT).choose(cfg, s)
    return AllocPages(0, 0, cfg.orders, MT).after(cfg, s, due), due


def both_sides_free_alike_whatever_is_free(
    top: Any, nth: Any, order: Any, which: Any, *bits: Any
) -> Any:
    """The block's frames are free again, merged as far as any; lists stay equal."""
    plain = one_of(order, ORDERS)
    offset = one_of(which, range(len(FRAMES) >> plain)) << plain
    block = frames_of(offset, plain)
    free = {each for each in FRAMES if each not in block and is_one(bits[each])}
    cfg, s = zone_at(nth), listed(nth, free, 0)
    s = replace(s, held=held(nth, free, [(offset, plain)]))
    op = FreePages(0, (place(nth, offset), plain))
    same, after, _ = both_do(cfg, s, op, op.run)
    lists = [(p - place(nth, 0), o) for p, o, _ in free_blocks(after.zones[0])]
    whole = sorted(lists) == merged(free | block)
    return same and whole and free_now(nth, after) == sorted(free | block)


def a_merge_is_likely_alike_where_zones_meet(
    top: Any, nth: Any, border: Any, order: Any, which: Any, size: Any, other: Any
) -> Any:
    """What two buddies would form may begin in another zone, which is then asked.

    It is likely exactly if the other half of the block two orders up is free there.
    """
    middle, plain = one_of(border, range(1, len(FRAMES))), one_of(order, range(4))
    offset = one_of(which, range(len(FRAMES) >> plain)) << plain
    high = one_of(size, (1, 2))
    there = one_of(other, range(len(FRAMES) >> high)) << high
    first = int(0 not in (offset, there))  # a frame that is in no zone
    spans = place(nth, first), place(nth, middle), place(nth, len(FRAMES))
    zones = tuple(Span(a, b) for a, b in pairwise(spans))
    cfg = Config(zones=zones, orders=4, pageblock_order=ALIGN)
    home, at = int(there >= middle), int(offset >= middle)
    told = scene(cfg, nth, [(there, high, MT)]).zones[0]
    empty = scene(cfg, nth, []).zones[0]
    both = (empty, told) if home else (told, empty)
    s = Memory(both, (MT,))
    parent = offset & ~(1 << plain)
    due = (
        high == plain + 1 < cfg.max_order
        and there == parent ^ (2 << plain)
        and parent >= first
        and home == int(parent >= middle)
    )
    pfn = place(nth, offset)
    return (
        blocks.merge_is_likely(cfg, s, pfn, plain) == due
        and load(cfg, s).zones[at].merge_likely(pfn, plain) == due
    )


def two_blocks_in_two_zones(
    top: Any, nth: Any, border: Any, order: Any, which: Any, size: Any, other: Any
) -> Iterable[Any]:
    """Assume a border, and two blocks, neither of which crosses it."""
    yield from (border >= 1, border < len(FRAMES), order < 4, size >= 1, size <= 2)
    for each in range(4):
        pages = 1 << each
        first = which * pages
        over = either(first + pages <= border, border <= first)
        yield either(order != each, every(first < len(FRAMES), over))
        first = other * pages
        over = either(first + pages <= border, border <= first)
        yield either(size != each, every(first < len(FRAMES), over))


def a_request(top: Any, nth: Any, falls: Any, order: Any, *bits: Any) -> Iterable[Any]:
    """Assume an order, one that there is not at most, and bits."""
    yield from (nth <= top, order <= len(ORDERS))
    yield from (bit <= 1 for bit in (falls, *bits))


def a_held_block(
    top: Any, nth: Any, order: Any, which: Any, *bits: Any
) -> Iterable[Any]:
    """Assume a block of the zone, and bits."""
    yield order < len(ORDERS)
    yield from a_request(top, nth, 0, order, *bits)
    for each in ORDERS:
        yield either(order != each, which < len(FRAMES) >> each)


# ------------------------------------------------------------------ the lemmas


def a_request_of(top: int, values: Values) -> Values:
    """Bend words into a request, and bits."""
    nth, falls, order, *rest = values
    return (
        somewhere(nth),
        falls % 2,
        order % (len(ORDERS) + 1),
        *(word % 2 for word in rest),
    )


def a_block_of(top: int, values: Values) -> Values:
    """Bend words into a held block, and bits."""
    nth, order, which, *rest = values
    order %= len(ORDERS)
    return (
        somewhere(nth),
        order,
        which % (len(FRAMES) >> order),
        *(word % 2 for word in rest),
    )


def two_blocks(top: int, values: Values) -> Values:
    """Bend words into two blocks, the other one often beside the first one's parent."""
    nth, border, order, which, size, other = values
    order, border = order % 4, 1 + border % 7
    which %= len(FRAMES) >> order
    size = max(1, min(2, order + 1)) if size % 4 else 1 + size // 4 % 2
    other = which // 2 ^ 1 if other % 3 else other
    return somewhere(nth), border, order, which, size, other % (len(FRAMES) >> size)


def likely_in_any_zone(cfg: Config, s: Memory, pfn: int, order: int) -> bool:
    """Look for the buddy of what two halves form in the last zone always."""
    whole = blocks.joined(pfn, order)
    above, last = blocks.buddy_of(whole, order + 1), len(cfg.zones) - 1
    small = order < cfg.max_order - 1
    return small and blocks.is_buddy(cfg, s, last, above, order + 1)


BITS = tuple(f"f{offset}" for offset in FRAMES)
EIGHT = "8 frames, any of them free"

SMALL = (
    Lemma(
        claim=both_sides_allocate_alike_whatever_is_free,
        history=histories.allocation,
        given=a_request,
        names=("nth", "falls", "order", *BITS),
        provers=(Symbolic(Bounded), Sampled(a_request_of)),
        mistakes=(
            Mistake(Machine, "rmqueue_smallest", take_the_last),
            Mistake(Machine, "rmqueue_smallest", take_the_largest),
            Mistake(Machine, "rmqueue_smallest", hand_out_the_upper_half),
            Mistake(Machine, "expand", halve_once),
            Mistake(blocks, "expand", expand_whole),
            Mistake(Owners, "own", leave_the_order, bug="P67"),
        ),
        size=f"{EIGHT}, lists by rising or falling place",
        slow=True,
    ),
    Lemma(
        claim=both_sides_free_alike_whatever_is_free,
        history=histories.freeing,
        given=a_held_block,
        names=("nth", "order", "which", *BITS),
        provers=(Symbolic(Bounded), Sampled(a_block_of)),
        mistakes=(
            Mistake(Machine, "merge", merge_over_the_top, bug="P74"),
            Mistake(Machine, "absorb", leave_the_child_listed, bug="P84"),
            Mistake(Machine, "merge", merge_once),
            Mistake(Machine, "merge", merge_to_the_right),
            Mistake(Machine, "absorb", take_smaller_for_buddy),
            Mistake(Machine, "absorb", forget_nr_free),
            Mistake(Machine, "merge_likely", look_at_the_wrong_buddy),
            Mistake(blocks, "merges", never_merge),
            Mistake(blocks, "joined", joined_above),
        ),
        size=EIGHT,
        slow=True,
    ),
    Lemma(
        claim=a_merge_is_likely_alike_where_zones_meet,
        given=two_blocks_in_two_zones,
        provers=(Symbolic(Bounded), Sampled(two_blocks)),
        mistakes=(
            Mistake(Machine, "merge_likely", look_at_the_wrong_buddy),
            Mistake(Machine, "merge_likely", look_above_the_top),
            Mistake(blocks, "merge_is_likely", likely_in_any_zone),
        ),
        size="8 frames in two zones, one free block of order 1 or 2",
    ),
)
