"""Other policies than Linux's, requests for exact sizes, and zones made of halves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from mmoracle.checkers.bind.buddy import abstract, load
from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Symbolic
from mmoracle.checkers.mutants.buddy_answers import (
    carve_and_drop,
    carve_uncounted,
    pick_from_one_block,
    pick_the_highest,
    pick_unaligned,
)
from mmoracle.checkers.mutants.buddy_owners import keep_one_page_too_many
from mmoracle.checkers.symbolic import either, every
from mmoracle.checkers.word import Bounded, one_of
from mmoracle.impl.buddy.allocator import Blocks
from mmoracle.spec.buddy import halves, others
from mmoracle.spec.buddy.alloc import AllocExact, AllocPages
from mmoracle.spec.buddy.zones import Config, Held, Memory, Span, free_blocks, own

from .owners import known
from .places import place
from .small import (
    FRAMES,
    ORDERS,
    a_request,
    a_request_of,
    both_do,
    frames_of,
    free_now,
    held,
    is_one,
    is_whole,
    listed,
    merged,
    scene,
    zone_at,
)
from .stealing import bent
from .words import MT

# ------------------------------------------------------------------ other policies


def a_block_is_picked_where_one_is_free_on_both_sides(
    top: Any, nth: Any, falls: Any, order: Any, apart: Any, *bits: Any
) -> Any:
    """The lowest or the highest aligned place that is free, whatever covers it.

    It fails only if no place is; the rest of what covered it stays free.
    """
    free = {offset for offset in FRAMES if is_one(bits[offset])}
    plain = one_of(order, ORDERS)
    policy = "highest" if is_one(falls) else "lowest"
    cfg = replace(zone_at(nth), picks=policy)
    s = replace(listed(nth, free, 0), held=held(nth, free))
    if is_one(apart):
        cfg = replace(cfg, merging="lazy")
        s = scene(cfg, nth, [(f, o, MT) for f, o in merged(free, range(2))], s.held)
    machine, op = load(cfg, s), AllocPages(0, 0, plain, MT)
    got: Any = others.pick(cfg, s, 0, plain)
    pfn = machine.alloc_pages(0, 0, plain, MT, 0, False)
    there = [f for f in FRAMES if is_whole(free, f, plain)]
    due = None if not there else there[-1] if policy == "highest" else there[0]
    enough = any(high >= plain for _, high, _ in free_blocks(s.zones[0]))
    if others.must_succeed(cfg, s, 0, plain) != enough:
        return False
    if due is None:
        return got is None and pfn == -1 and abstract(machine) == s
    after = own(others.carve(cfg, s, 0, got, plain), op.block(cfg, got))
    left = sorted(free - frames_of(due, plain))
    return (
        got - place(nth, 0) == due
        and got == pfn
        and others.in_order(abstract(machine)) == others.in_order(after)
        and free_now(nth, after) == left
        and after.zones[0].nr_free_pages == len(left)
    )


def a_policy(
    top: Any, nth: Any, falls: Any, order: Any, apart: Any, *bits: Any
) -> Iterable[Any]:
    """Assume an order that there is, and bits; single pages are the highest.

    Where pages are apart, blocks are large, and the lowest.
    """
    yield from a_request(top, nth, falls, order, apart, *bits)
    yield from (either(order >= 1, falls == 1), order < len(ORDERS))
    yield either(apart == 0, every(falls == 0, order == 2))


# ------------------------------------------------------------------ exact sizes


def so_many_pages_are_handed_out_and_the_rest_is_freed(
    top: Any, nth: Any, falls: Any, order: Any, *bits: Any
) -> Any:
    """An exact request takes the first pages of a block; the others merge again."""
    free = {offset for offset in FRAMES if is_one(bits[offset])}
    cfg, s = zone_at(nth), listed(nth, free, falls)
    s = replace(s, held=held(nth, free))
    op = AllocExact(0, 0, one_of(order, ORDERS) + 2, MT)

    def run(cfg: Config, s: Memory) -> Any:
        whole = op.whole(cfg)
        after, got = whole.linux(cfg, s)
        after, events = op.cut(cfg, after, got)
        return after, replace(got, events=(*got.events, *events))

    same, after, got = both_do(cfg, s, op, run)
    if not same or got is None:
        return same and after == s
    taken = set(range(got - place(nth, 0), got - place(nth, 0) + op.pages))
    parts = [(p - place(nth, 0), o) for p, o, _ in free_blocks(after.zones[0])]
    return taken <= free and sorted(parts) == merged(free - taken)


def exact(top: Any, nth: Any, falls: Any, order: Any, *bits: Any) -> Iterable[Any]:
    """Assume bits, and one of three sizes."""
    yield from a_request(top, nth, falls, order, *bits)
    yield from (falls == 0, order < len(ORDERS))


# ------------------------------------------------------------------ halves


def halves_join_to_what_was_split(top: Any, nth: Any, *bits: Any) -> Any:
    """A zone of one largest block is its two halves, and told alike if they swap.

    Each half has its frames, and what is free in it is merged; the least of all that
    are told alike has the same blocks.
    """
    free = {offset for offset in FRAMES if is_one(bits[offset])}
    cfg = replace(WHOLE, zones=zone_at(nth).zones)
    s, smaller = halved(cfg, nth, free), halves.half(cfg)
    if smaller is None or not all(has_no_half(cfg, nth)):
        return False
    parts = halves.split(cfg, s)
    left, right = ({f - at for f in free if at <= f < at + 4} for at in (0, 4))
    if parts != (halved(smaller, nth, left), halved(smaller, nth, right)):
        return False
    swapped = halved(cfg, nth, {(f + 4) % len(FRAMES) for f in free})
    least = halves.least(cfg, s)
    return (
        halves.join(cfg, *parts) == s
        and halves.join(cfg, *counted(parts)).zones[0].nr_free_cma == 3
        and all(mt == MT for *_, mt in free_blocks(least.zones[0]))
        and least == halves.least(cfg, swapped)
        and least == halves.least(cfg, least)
        and known(nth, least) == [*FRAMES]
        and least.zones[0].nr_free == s.zones[0].nr_free
        and kinds(least) == kinds(s)
        and smaller.zones == (Span(place(nth, 0), place(nth, 4)),)
        and (smaller.max_order, smaller.pageblock_order) == (2, 2)
    )


def has_no_half(cfg: Config, nth: Any) -> list[bool]:
    """Say of zones of other kinds whether they have no half; a pair of frames has."""
    first, plain = place(nth, 0), replace(cfg, orders=2, pageblock_order=1)
    moved = Span(first + 1, first + 9)
    one = replace(plain, orders=1, pageblock_order=0, zones=(Span(first, first + 1),))
    return [
        halves.half(replace(cfg, zones=(moved,))) is None,
        halves.half(replace(cfg, cpus=1)) is None,
        halves.half(replace(cfg, types=(MT, 0))) is None,
        halves.half(one) is None,
        halves.half(replace(plain, zones=(Span(first, first + 2),))) is not None,
    ]


def counted(parts: tuple[Memory, Memory]) -> Iterable[Memory]:
    """Return both halves with some free frames counted as CMA's."""
    for pages, s in enumerate(parts, 1):
        yield replace(s, zones=(replace(s.zones[0], nr_free_cma=pages),))


def kinds(s: Memory) -> list[tuple[Any, ...]]:
    """Return what is told of the owners, but not where their blocks are."""
    return sorted((h.order, h.refs, h.compound, h.movable) for h in s.held)


def bits_alone(top: Any, nth: Any, *bits: Any) -> Iterable[Any]:
    """Assume bits."""
    return (bit <= 1 for bit in bits)


OPS = ("AllocPages", "FreePages")
WHOLE = Config(orders=4, pageblock_order=3, picks="any", ops=OPS)
EMPTY = listed(0, set(), 0).zones[0]


def halved(cfg: Config, nth: Any, free: set[int]) -> Memory:
    """Return a zone with frames free, lists by rising place, the others held.

    Owners differ by the place in their half.
    """
    size = 1 << cfg.max_order
    parts = [each for each in merged(free, range(cfg.orders)) if each[0] < size]
    blocks = [(place(nth, f), o, MT) for f, o in parts]
    zone = replace(halves.with_blocks(cfg, EMPTY, blocks), managed=size)
    used = [f for f in FRAMES if f not in free and f < size]
    owners = tuple(
        Held(place(nth, f), 0, 1 + (f % 4 == 1), False, f % 4 == 2) for f in used
    )
    return Memory((replace(zone, nr_free_pages=len(free)),), (MT,), owners)


# ------------------------------------------------------------------ mistakes


def pick_the_first(cfg: Config, s: Memory, at: int, order: int) -> Any:
    """Pick the lowest place whatever the policy says."""
    return right_pick(replace(cfg, picks="lowest"), s, at, order)


def carve_and_lose(cfg: Config, s: Memory, at: int, pfn: int, order: int) -> Memory:
    """Drop what is left of the blocks that covered a place."""
    after = right_carve(cfg, s, at, pfn, order)
    rows = enumerate(after.zones[0].free)
    lists = tuple(tuple(() if o == order else x for x in row) for o, row in rows)
    return replace(after, zones=(replace(after.zones[0], free=lists),))


def cut_nothing(op: Any, cfg: Config, s: Memory, got: Any) -> Any:
    """Leave the whole block to who asked for an exact size."""
    return s, ()


def join_apart(cfg: Config, left: Memory, right: Memory) -> Memory:
    """Leave two halves apart that are free."""
    return right_join(replace(cfg, orders=cfg.orders + 1), left, right)


def swap_never(cfg: Config, s: Memory) -> Memory:
    """Tell the halves of a zone in the order in which they lie."""
    return others.in_order(s)


right_pick, right_carve, right_join = others.pick, others.carve, halves.join

# ------------------------------------------------------------------ the lemmas

EIGHT = "8 frames, any of them free"
NAMES = ("nth", "falls", "order", *(f"f{offset}" for offset in FRAMES))

POLICIES = (
    Lemma(
        claim=a_block_is_picked_where_one_is_free_on_both_sides,
        given=a_policy,
        names=(*NAMES[:3], "apart", *NAMES[3:]),
        provers=(Symbolic(Bounded), Sampled(a_request_of)),
        mistakes=(
            Mistake(others, "pick", pick_the_first),
            Mistake(others, "carve", carve_and_lose),
            Mistake(Blocks, "carve", carve_uncounted),
            Mistake(Blocks, "carve", carve_and_drop),
            Mistake(Blocks, "pick", pick_the_highest),
            Mistake(Blocks, "pick", pick_unaligned),
            Mistake(Blocks, "pick", pick_from_one_block),
        ),
        size=EIGHT,
        slow=True,
    ),
    Lemma(
        claim=so_many_pages_are_handed_out_and_the_rest_is_freed,
        given=exact,
        names=NAMES,
        provers=(Symbolic(Bounded), Sampled(a_request_of)),
        mistakes=(
            Mistake(AllocExact, "cut", cut_nothing),
            Mistake(Blocks, "cut", keep_one_page_too_many),
        ),
        size=EIGHT,
        slow=True,
    ),
    Lemma(
        claim=halves_join_to_what_was_split,
        given=bits_alone,
        names=("nth", *NAMES[3:]),
        provers=(Symbolic(Bounded), Sampled(bent(0))),
        mistakes=(
            Mistake(halves, "join", join_apart),
            Mistake(halves, "least", swap_never),
        ),
        size=EIGHT,
    ),
)
