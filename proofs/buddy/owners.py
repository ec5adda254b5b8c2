"""Owners: references dropped and taken, blocks split, pages freed one by one.

A block of any order lies at any place of a small zone, and is named rightly or not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from mmoracle.checkers.bind.buddy import load
from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Symbolic, Values
from mmoracle.checkers.mutants.buddy_owners import (
    break_compound_blocks,
    call_it_a_double_free,
    clear_the_first_page,
    forget_other_references,
    free_twice,
    free_what_the_caller_says,
    get_nothing,
    keep_private,
    lose_the_tail,
    mark_the_first_page,
    prepare_and_keep,
    prepare_in_use,
    saturate_never,
    share_the_references,
    split_and_keep_the_order,
    split_compound_blocks,
    take_any_order,
)
from mmoracle.checkers.symbolic import either, every
from mmoracle.checkers.word import Bounded, one_of
from mmoracle.impl.buddy.allocator import Blocks
from mmoracle.impl.buddy.held import Frames
from mmoracle.spec.buddy import change, free, migrate
from mmoracle.spec.buddy.free import FreePages, FreePrepare
from mmoracle.spec.buddy.manage import GetPage, SetPrivate, SplitPage
from mmoracle.spec.buddy.zones import (
    DONE,
    KEEPS_PRIVATE,
    Config,
    Held,
    Memory,
    Pageset,
    Span,
)
from mmoracle.spec.linux import Bug

from . import histories
from .places import ALIGN, place
from .small import both_do, frames_of, free_now, is_one, scene
from .stealing import bent
from .words import MT

FOUR, ORDERS = range(4), range(3)
RIGHT, WRONG_ORDER, INSIDE, BESIDE, OUTSIDE, RESERVED = NAMED = range(6)
WRONG = (change.WRONG_ORDER, change.NOT_A_HEAD, change.DOUBLE_FREE, change.FOREIGN)

# ------------------------------------------------------------------ a held block


def largest(frames: set[int]) -> list[tuple[int, int]]:
    """Return frames as the largest blocks that they make up."""
    found, left = list[tuple[int, int]](), set(frames)
    while left:
        first = min(left)
        whole = [o for o in ORDERS if first % (1 << o) == 0]
        order = max(o for o in whole if frames_of(first, o) <= left)
        found.append((first, order))
        left -= frames_of(first, order)
    return found


def with_owner(
    nth: Any, block: tuple[int, int], rest_is_free: bool, told: Held, **more: Any
) -> tuple[Config, Memory, dict[int, int]]:
    """Return a zone of four frames, then a reserved one, and who holds which order.

    The rest is free, or it is held as well.
    """
    span = Span(place(nth, 0), place(nth, 5))
    cfg = Config(zones=(span,), orders=len(ORDERS), pageblock_order=ALIGN, **more)
    rest = largest(set(FOUR) - frames_of(*block))
    listed = [(f, o, MT) for f, o in rest] if rest_is_free else []
    others = [] if rest_is_free else [Held(place(nth, f), o) for f, o in rest]
    owners = dict([block] if rest_is_free else [block, *rest])
    return cfg, scene(cfg, nth, listed, [told, *others]), owners


def block_of(nth: Any, order: Any, which: Any) -> tuple[int, int]:
    """Return (offset, order) of a block, with a path for each."""
    plain = one_of(order, ORDERS)
    return one_of(which, range(len(FOUR) >> plain)) << plain, plain


def named(block: tuple[int, int], how: int) -> tuple[int, int]:
    """Return what a caller names: the block, or something wrong as a rule."""
    offset, order = block
    behind = (offset + (1 << order)) % len(FOUR)
    ways = {
        RIGHT: block,
        WRONG_ORDER: (offset, order + 1),
        INSIDE: (offset + (1 << order) - 1, order),
        BESIDE: (behind, 0),
        OUTSIDE: (5, 0),
        RESERVED: (4, 0),
    }
    return ways[how]


def dropping_a_reference_frees_what_nobody_holds(
    top: Any,
    nth: Any,
    order: Any,
    which: Any,
    how: Any,
    refs: Any,
    compound: Any,
    rest: Any,
    word: Any,
    keeps: Any,
) -> Any:
    """The last one frees all, another but the first page, or nothing if compound.

    What is named wrongly is diagnosed and changes nothing; no word of an owner stays
    in a freed page unless the kernel keeps it; the machine does the same.
    """
    block = block_of(nth, order, which)
    held = Held(place(nth, block[0]), block[1], one_of(refs, (1, 2)), is_one(compound))
    quirks = (KEEPS_PRIVATE,) if is_one(keeps) else ()
    cfg, s, owners = with_owner(nth, block, is_one(rest), held, quirks=quirks)
    marked = one_of(word, FOUR)
    s = replace(s, private=((place(nth, marked), 7),))
    at, size = named(block, one_of(how, NAMED))
    op = FreePages(0, (place(nth, at), size))
    same, after, got = both_do(cfg, s, op, op.run)
    if owners.get(at) != size:
        return same and got in WRONG and after == s
    freed = frames_of(at, size)
    if at == block[0] and held.refs == 2:
        freed = set() if held.compound else freed - {at}
    clean = bool(quirks) or marked not in freed or not after.private
    now = sorted([*free_now(nth, s), *freed])
    return same and got is None and clean and free_now(nth, after) == now


def a_block_named_in_some_way(
    top: Any,
    nth: Any,
    order: Any,
    which: Any,
    how: Any,
    refs: Any,
    compound: Any,
    rest: Any,
    word: Any,
    keeps: Any,
) -> Iterable[Any]:
    """Assume a block of the zone, a way to name it, references and bits.

    A block that is named wrongly has one owner; no words are asked for.
    """
    yield from a_block(top, nth, order, which)
    yield from (how < len(NAMED), refs >= 1, refs <= 2, word < len(FOUR))
    yield from (bit <= 1 for bit in (compound, rest, keeps))
    yield either(how == RIGHT, refs + compound + keeps + word == 1)


def a_block(top: Any, nth: Any, order: Any, which: Any) -> Iterable[Any]:
    """Assume a block of the zone."""
    yield order < len(ORDERS)
    yield from (either(order != o, which < len(FOUR) >> o) for o in ORDERS)


# ------------------------------------------------------------------ what owners do


def both_sides_let_owners_do_the_same(
    top: Any,
    nth: Any,
    order: Any,
    which: Any,
    how: Any,
    refs: Any,
    compound: Any,
    rest: Any,
    what: Any,
    movable: Any,
) -> Any:
    """References taken, blocks split, words left, pages prepared: all frames stay.

    What is named wrongly is diagnosed, as are a page in use and a compound page.
    """
    block = block_of(nth, order, which)
    pfn, wide = place(nth, block[0]), is_one(compound)
    held = Held(pfn, block[1], one_of(refs, (1, 2)), wide, is_one(movable))
    cfg, s, owners = with_owner(nth, block, is_one(rest), held, cpus=1)
    pages = tuple(replace(z, pagesets=(Pageset(),)) for z in s.zones)
    s = replace(s, zones=pages, private=((place(nth, 1), 7),))
    at, _ = named(block, one_of(how, NAMED))
    op = OPS[one_of(what, range(len(OPS)))](place(nth, at))
    frames = [place(nth, f) for f in (*FOUR, 4)]
    same, after, got = both_do(cfg, s, op, op.run, frames)
    if got is not None:
        return same and after == s
    ends = s if isinstance(op, SetPrivate) else after
    return same and at in owners and known(nth, ends) == known(nth, s)


OPS = (GetPage, SplitPage, SetPrivate, FreePrepare)


def known(nth: Any, s: Memory) -> list[int]:
    """Return the frames that are free, held or prepared, each as often as it is."""
    held = [h.pfn + i - place(nth, 0) for h in s.held for i in range(1 << h.order)]
    ready = [pfn - place(nth, 0) for pfn, _ in s.prepared]
    return sorted([*free_now(nth, s), *held, *ready])


def an_owner(
    top: Any,
    nth: Any,
    order: Any,
    which: Any,
    how: Any,
    refs: Any,
    compound: Any,
    rest: Any,
    what: Any,
    movable: Any,
) -> Iterable[Any]:
    """Assume a block of the zone, a way to name it, references, and bits."""
    yield from a_block(top, nth, order, which)
    yield from (how < len(NAMED), refs >= 1, refs <= 2, what < len(OPS))
    yield from (bit <= 1 for bit in (compound, rest, movable))
    yield either(how == RIGHT, refs + compound + movable == 1)
    yield either(how == RIGHT, how == INSIDE, how == RESERVED, how == BESIDE)


# ------------------------------------------------------------------ movable frames


def movable_frames_of_a_page_block_are_counted_alike(
    top: Any, nth: Any, order: Any, frame: Any, low: Any, pageblock: Any, *kinds: Any
) -> Any:
    """Both sides count the frames of movable blocks within it, however they lie.

    A block may begin before the page block, or end behind it.
    """
    plain, cut = one_of(order, ORDERS), one_of(low, (0, 1))
    span = Span(place(nth, cut), place(nth, 8))
    large = one_of(pageblock, (1, 2))
    cfg = Config(zones=(span,), orders=len(ORDERS), pageblock_order=large)
    parts = [*((f, plain) for f in FOUR if f % (1 << plain) == 0), (4, 2)]
    told = zip(parts, kinds, strict=False)
    found = [(part, one_of(kind, range(3))) for part, kind in told if part[0] >= cut]
    owned = [(part, kind == 2) for part, kind in found if kind > 0]
    held = [Held(place(nth, f), o, movable=is_movable) for (f, o), is_movable in owned]
    s, at = scene(cfg, nth, [], held), one_of(frame, FOUR)
    pfn = place(nth, max(at, cut))
    start = at & -(1 << large)
    start, end = max(at, cut) if start < cut else start, start + (1 << large)
    inside = [f for (f, o), is_movable in owned if is_movable for f in frames_of(f, o)]
    m = load(cfg, s).mobility[0]
    due = sum(1 for f in inside if start <= f < end)
    return (
        m.movable_in(*m.block_range(pfn)) == due
        and migrate.movable_pages(cfg, s, 0, pfn) == due
    )


def kinds_of_blocks(
    top: Any, nth: Any, order: Any, frame: Any, low: Any, pageblock: Any, *kinds: Any
) -> Iterable[Any]:
    """Assume an order of blocks, a frame, and what each block is.

    There are a page block of two, or of four frames, and four blocks, then a large one.
    """
    yield from (order < len(ORDERS), frame < len(FOUR), low <= 1)
    yield from (pageblock >= 1, pageblock <= 2)
    yield from (kind < 3 for kind in kinds)
    yield either(order >= 1, every(frame >= 1, kinds[2] <= 1, kinds[3] == 2))
    yield either(order == 2, low == 0)


# ------------------------------------------------------------------ mistakes


def forget_the_tail(op: Any, cfg: Config, s: Memory, at: int, block: Held) -> Any:
    """Free nothing of a block whose first page somebody else holds: P01."""
    return s, DONE


def leave_words(cfg: Config, s: Memory, pfn: int, order: int) -> Memory:
    """Leave what an owner wrote into its pages for the next one: P67."""
    return s


def any_order(cfg: Config, s: Memory, pfn: int, order: int | None) -> Bug | None:
    """Find nothing wrong with a free of another order than the allocation's."""
    return right_mistake(cfg, s, pfn, None)


def count_whole(cfg: Config, s: Memory, at: int, pfn: int) -> int:
    """Count all frames of the movable blocks of which some are in a page block."""
    blocks = [h for h in s.held if h.movable and h.end > pfn]
    return sum(1 << h.order for h in blocks)


def count_heads(frames: Frames, start: int, end: int) -> int:
    """Count on the machine what begins in the page block, and no other."""
    head = frames.holder_of(start)
    first = end if 0 <= head < start else start
    return right_movable(frames, first, end)


right_mistake, right_movable = free.mistake, Frames.movable_in

# ------------------------------------------------------------------ the lemmas


def bent_block(kept: tuple[int, ...], *sizes: int) -> Any:
    """Return what bends words into a block, and the rest as told.

    Where the block is named wrongly, only some of the rest stay any words.
    """
    aim = bent(0, len(ORDERS), *sizes)

    def bend(top: int, values: Values) -> Values:
        nth, order, which, how, refs, *rest = aim(top, values)
        if how != RIGHT:
            refs, rest = 1, [word if i in kept else 0 for i, word in enumerate(rest)]
        return nth, order, which % (len(FOUR) >> order), how, refs, *rest

    return bend


WAYS = (len(FOUR), len(NAMED), -2, 2, 2, 4)
PLACES = "a block of 1, 2 or 4 frames of 4"

OWNERS = (
    Lemma(
        claim=dropping_a_reference_frees_what_nobody_holds,
        history=histories.dropping,
        given=a_block_named_in_some_way,
        provers=(
            Symbolic(Bounded),
            Sampled(bent_block((1,), *WAYS)),
        ),
        mistakes=(
            Mistake(Blocks, "free_tail", lose_the_tail, bug="P01"),
            Mistake(FreePages, "free_tail", forget_the_tail, bug="P01"),
            Mistake(Frames, "clear_private", keep_private, bug="P67"),
            Mistake(Frames, "clear_private", clear_the_first_page, bug="P67"),
            Mistake(change, "prepare", leave_words, bug="P67"),
            Mistake(Blocks, "free_pages", break_compound_blocks),
            Mistake(Blocks, "free_pages", forget_other_references),
            Mistake(Blocks, "free_pages", free_what_the_caller_says),
            Mistake(Blocks, "free_pages", free_twice),
            Mistake(Frames, "mistake", take_any_order),
            Mistake(Frames, "mistake", call_it_a_double_free),
            Mistake(free, "mistake", any_order),
        ),
        size=PLACES,
        slow=True,
    ),
    Lemma(
        claim=both_sides_let_owners_do_the_same,
        given=an_owner,
        provers=(
            Symbolic(Bounded),
            Sampled(bent_block((1, 2), *WAYS)),
        ),
        mistakes=(
            Mistake(Blocks, "why_not_get", saturate_never),
            Mistake(Blocks, "get_page", get_nothing),
            Mistake(Blocks, "why_not_split", split_compound_blocks),
            Mistake(Blocks, "split_page", split_and_keep_the_order),
            Mistake(Blocks, "split_page", share_the_references),
            Mistake(Blocks, "set_private", mark_the_first_page),
            Mistake(Blocks, "free_prepare", prepare_and_keep),
            Mistake(Blocks, "why_not_prepare", prepare_in_use),
        ),
        size=PLACES,
        slow=True,
    ),
    Lemma(
        claim=movable_frames_of_a_page_block_are_counted_alike,
        given=kinds_of_blocks,
        names=("nth", "order", "frame", "low", "pageblock", "k0", "k1", "k2", "k3"),
        provers=(
            Symbolic(Bounded),
            Sampled(bent(0, 3, 4, 2, -2, 3, 3, 3, 3)),
        ),
        mistakes=(
            Mistake(migrate, "movable_pages", count_whole),
            Mistake(Frames, "movable_in", count_heads),
        ),
        size="page blocks of 2 or 4 frames, blocks of up to 4",
    ),
)
