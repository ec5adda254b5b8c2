"""What freeing and splitting leave behind, at any order.

With the one step of merging this is the whole loop: a block that joins no more is put
on its list and has no free buddy there, and a block that is split gives back one half
of each order, which lie behind one another and together with what is kept are all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Symbolic, Values
from mmoracle.checkers.mutants.buddy_lists import (
    count_guards_as_free,
    free_to_the,
    guard_one_order_more,
    halve_once,
    look_above_the_top,
    look_at_the_wrong_buddy,
    merge_once,
    merge_over_the_top,
    merge_to_the_right,
    set_aside_at_the_tail,
)
from mmoracle.checkers.symbolic import agree, denied, either, every
from mmoracle.checkers.word import Whole, one_of
from mmoracle.impl.buddy.zone import Zone
from mmoracle.spec.buddy import blocks
from mmoracle.spec.buddy.zones import Config, Memory
from mmoracle.spec.linux import MIGRATE_MOVABLE

from .halves import joined_above
from .lists import expand_lower, expand_whole, likely_if_the_buddy, never_merge
from .merging import ANY_LIST, INDUCTION, merges_at_the_top, zone_of_any_size
from .scales import REST, SIGHT, Others, alike, mirror, nth_block, scaled, with_lists

MT = MIGRATE_MOVABLE

# ------------------------------------------------------------------ freeing


def in_sight(order: Any, s: Memory) -> list[tuple[Any, ...]]:
    """Return the lists of the zone's type, of the order at hand and the next ones."""
    rows = s.zones[0].free[order:] if isinstance(order, int) else s.zones[0].free
    return [lists[s.types[0]] for lists in rows]


def told_free(order: Any, s: Memory) -> list[tuple[Any, int]]:
    """Return (first block, size in blocks) of every known block on the lists."""
    return [
        (pfn, up)
        for up, line in enumerate(in_sight(order, s))
        for pfn in line
        if not isinstance(pfn, Others)
    ]


def covers(order: Any, part: tuple[Any, int], q: Any) -> Any:
    """Say whether the q-th block of an order lies in a block of some orders more."""
    pfn, up = part
    return every(
        pfn <= nth_block(q, order),
        nth_block(q, order) < pfn + nth_block(1 << up, order),
    )


def have_buddies(order: Any, s: Memory, highest: Any) -> Any:
    """Say whether two known free blocks of one order are halves of a larger one."""
    told = told_free(order, s)
    return either(
        *(
            every(order + up < highest, one ^ nth_block(1 << up, order) == two)
            for one, up in told
            for two, high in told
            if up == high
        )
    )


def a_freed_block_joins_all_it_can_at_any_order(
    top: Any,
    n: Any,
    order: Any,
    highest: Any,
    b: Any,
    c: Any,
    q: Any,
    tail: Any,
    private: Any,
    cma: Any,
) -> Any:
    """What is free is what was, and the block; no two buddies stay apart.

    It goes to the head of its list, to the tail if its next merge is likely or it is
    told to; the counter rises by its size; the machine does the same.
    """
    cfg = zone_of_any_size(
        order, highest, 0, n + b + c + c + 9, pageblock_order=highest + 1
    )
    mt = cfg.cma if cma == 1 else MT
    pfn, other, above = (nth_block(each, order) for each in (n, b, c + c))
    s = with_lists(
        cfg,
        order,
        ([other], [above], [], []),
        mt,
        nr_free_pages=nth_block(9, order),
        nr_free_cma=nth_block(5, order),
    )
    s = replace(s, private=((nth_block(private, order), 7),))
    zone, at = mirror(cfg, order, s), scaled(order)
    to_tail = bool(tail == 1)
    after = blocks.free_one_page(cfg, s, 0, pfn, at, mt, to_tail=to_tail)
    zone.free_one_page(pfn, at, mt, to_tail)
    was = [(pfn, 0), *told_free(order, s)]
    now = told_free(order, after)
    free = either(*(covers(order, each, q) for each in was))
    return every(
        alike(cfg, after, zone),
        agree(either(*(covers(order, each, q) for each in now)), free),
        sum(1 << up for _, up in now) == sum(1 << up for _, up in was),
        denied(have_buddies(order, after, highest)),
        after.zones[0].nr_free_pages == nth_block(10, order),
        after.zones[0].nr_free_cma == nth_block(6 if mt == cfg.cma else 5, order),
        is_where_due(order, s, after, highest, to_tail),
    )


def is_where_due(order: Any, s: Memory, after: Memory, highest: Any, tail: bool) -> Any:
    """Say whether what is new is at the end of its list that is due."""
    before, now = told_free(order, s), told_free(order, after)
    (new,) = [each for each in now if not any(is_same(each, x) for x in before)]
    pfn, up = new
    line = in_sight(order, after)[up]
    two = pfn ^ nth_block(1 << up, order), nth_block(2 << up, order)
    lower = pfn if bool(pfn < two[0]) else two[0]
    likely = either(
        *(
            every(order + up + 1 < highest, lower ^ two[1] == each)
            for each, high in now
            if high == up + 1
        )
    )
    ends: tuple[Any, Any] = line[0], line[-1]
    return every(
        agree(either(tail, likely), ends[1] is not REST[1]),
        agree(denied(either(tail, likely)), ends[0] is not REST[0]),
    )


def is_same(one: tuple[Any, int], two: tuple[Any, int]) -> bool:
    """Say whether two blocks are one."""
    return one[1] == two[1] and bool(one[0] == two[0])


def three_blocks_apart(
    top: Any,
    n: Any,
    order: Any,
    highest: Any,
    b: Any,
    c: Any,
    q: Any,
    tail: Any,
    private: Any,
    cma: Any,
) -> Iterable[Any]:
    """Assume three blocks apart, the last one of an order more, and bits."""
    yield from (n != b, n // 2 != c, b // 2 != c)
    yield from (order + 1 <= highest, tail <= 1, cma <= 1)


# ------------------------------------------------------------------ splitting


def a_block_gives_back_its_upper_half_at_any_order(
    top: Any, n: Any, order: Any, guards: Any, private: Any, cma: Any
) -> Any:
    """The half is the upper one, on its list's head, or a guard that is not counted.

    What is left is the lower half; the machine takes the same step.
    """
    cfg = zone_of_any_size(
        order, order + 1, 0, n + n + 2, pageblock_order=order + 2, guard_minorder=guards
    )
    mt = cfg.cma if cma == 1 else MT
    pfn, half = nth_block(n + n, order), nth_block(n + n + 1, order)
    counted = nth_block(9, order), nth_block(5, order)
    s = with_lists(
        cfg, order, ([], []), mt, nr_free_pages=counted[0], nr_free_cma=counted[1]
    )
    s = replace(s, private=((nth_block(private, order), 7),))
    zone, at = mirror(cfg, order, s), scaled(order)
    after, left = blocks.split_off(cfg, s, 0, pfn, at + 1, mt)
    low = zone.split_off(pfn, at + 1, mt)
    told = after.zones[0]
    line, was = told.free[at][mt], s.zones[0]
    size = nth_block(1, order)
    if order < guards:
        lost = size if mt == cfg.cma else 0
        right = every(
            after.guards == ((half, at),),
            told.free == was.free,
            told.nr_free == was.nr_free,
            told.nr_free_pages == counted[0] - size,
            told.nr_free_cma == counted[1] - lost,
        )
    else:
        right = every(
            line == (half, *REST),
            told.nr_free[at] == was.nr_free[at] + 1,
            told.free[at + 1] == was.free[at + 1],
            told.nr_free_pages == counted[0],
            told.nr_free_cma == counted[1],
            after.guards == (),
        )
    kept = denied(nth_block(private, order) == half)
    return every(
        right,
        left == order,
        low == order,
        agree(kept, len(after.private) == 1),
        alike(cfg, after, zone),
    )


def a_bit(
    top: Any, n: Any, order: Any, guards: Any, private: Any, cma: Any
) -> Iterable[Any]:
    """Assume a bit."""
    return (cma <= 1,)


def splitting_gives_back_one_half_of_each_order(
    top: Any, n: Any, order: Any, steps: Any, q: Any
) -> Any:
    """From any order down to any: a frame is in what is kept or in just one half."""
    ups = one_of(steps, range(SIGHT))
    cfg = zone_of_any_size(
        order, order + ups, 0, (n + 1) * 8, pageblock_order=order + 4
    )
    pfn = nth_block(n * (1 << ups), order)
    s = with_lists(cfg, order, ([],) * SIGHT, MT)
    zone, at = mirror(cfg, order, s), scaled(order)
    after = blocks.expand(cfg, s, 0, pfn, at, at + ups, MT)
    zone.expand(pfn, at, at + ups, MT)
    parts = [(pfn, 0), *told_free(order, after)]
    inside = [covers(order, each, q) for each in parts]
    return every(
        alike(cfg, after, zone),
        [up for _, up in parts[1:]] == list(range(ups)),
        agree(covers(order, (pfn, ups), q), either(*inside)),
        *(denied(every(a, b)) for i, a in enumerate(inside) for b in inside[:i]),
    )


def a_few_steps(top: Any, n: Any, order: Any, steps: Any, q: Any) -> Iterable[Any]:
    """Assume a number of orders that are in sight."""
    return (steps < SIGHT,)


# ------------------------------------------------------------------ mistakes


def split_lower(
    cfg: Config, s: Memory, at: int, pfn: int, high: int, mt: int
) -> tuple[Memory, int]:
    """Give back the lower half, and keep it as well."""
    return blocks.set_aside(cfg, s, at, pfn, high - 1, mt), high - 1


def count_all(cfg: Config, s: Memory, at: int, pfn: int, order: int, mt: int) -> Memory:
    """Make a guard of what was split off, and count it as free still."""
    if order >= cfg.guard_minorder:
        return blocks.enlist(s, at, pfn, order, mt)
    return blocks.unnamed(replace(s, guards=((pfn, order),)), pfn)


def split_twice(zone: Zone, pfn: int, high: int, mt: int) -> int:
    """Skip an order on the way down."""
    zone.set_aside(pfn + (1 << high - 1), high - 1, mt)
    return high - 2


def name_forever(s: Memory, pfn: int) -> Memory:
    """Keep the word in a page that has to hold an order."""
    return s


# ------------------------------------------------------------------ the lemmas


def three_of(top: int, values: Values) -> Values:
    """Bend words into three blocks near each other, and orders below 64."""
    n, order, highest, b, c, q, tail, private, cma = values
    n, order = n % (1 << 40), order % 50
    b, c = max(0, n + b % 5 - 2), max(0, n // 2 + c % 5 - 2)
    q, private = max(0, n + q % 9 - 4), max(0, n + private % 5 - 2)
    return n, order, order + 1 + highest % 4, b, c, q, tail % 2, private, cma % 2


def half_of(top: int, values: Values) -> Values:
    """Bend words into a block, orders below 64, and a bit."""
    n, order, guards, private, cma = values
    n, order = n % (1 << 40), order % 50
    near = max(0, 2 * n + private % 5 - 2)
    return n, order, max(0, order + guards % 3 - 1), near, cma % 2


def steps_of(top: int, values: Values) -> Values:
    """Bend words into a block, orders below 64, and a frame near the block."""
    n, order, steps, q = values
    n, steps = n % (1 << 40), steps % SIGHT
    return n, order % 50, steps, max(0, (n << steps) + q % 16 - 4)


SPLITTING = (
    Lemma(
        claim=a_freed_block_joins_all_it_can_at_any_order,
        given=three_blocks_apart,
        provers=(Symbolic(Whole), Sampled(three_of)),
        mistakes=(
            Mistake(Zone, "merge", merge_over_the_top, bug="P74"),
            Mistake(blocks, "merges", merges_at_the_top),
            Mistake(Zone, "merge", merge_once),
            Mistake(Zone, "merge", merge_to_the_right),
            Mistake(Zone, "merge_likely", look_at_the_wrong_buddy),
            Mistake(Zone, "merge_likely", look_above_the_top),
            Mistake(Zone, "free_one_page", free_to_the(True)),
            Mistake(Zone, "free_one_page", free_to_the(False)),
            Mistake(blocks, "merges", never_merge),
            Mistake(blocks, "joined", joined_above),
            Mistake(blocks, "merge_is_likely", likely_if_the_buddy),
            Mistake(blocks, "unnamed", name_forever),
        ),
        size="two other known free blocks",
        assumes=(ANY_LIST, INDUCTION),
        slow=True,
    ),
    Lemma(
        claim=a_block_gives_back_its_upper_half_at_any_order,
        given=a_bit,
        provers=(Symbolic(Whole), Sampled(half_of)),
        mistakes=(
            Mistake(Zone, "set_aside", set_aside_at_the_tail),
            Mistake(Zone, "set_aside", count_guards_as_free),
            Mistake(Zone, "set_aside", guard_one_order_more),
            Mistake(Zone, "split_off", split_twice),
            Mistake(blocks, "split_off", split_lower),
            Mistake(blocks, "set_aside", count_all),
            Mistake(blocks, "unnamed", name_forever),
        ),
        size="one step",
        assumes=(ANY_LIST, INDUCTION),
    ),
    Lemma(
        claim=splitting_gives_back_one_half_of_each_order,
        given=a_few_steps,
        provers=(Symbolic(Whole), Sampled(steps_of)),
        mistakes=(
            Mistake(Zone, "expand", halve_once),
            Mistake(Zone, "expand", expand_lower),
            Mistake(Zone, "split_off", split_twice),
            Mistake(blocks, "split_off", split_lower),
            Mistake(blocks, "expand", expand_whole),
        ),
        size="up to 3 steps",
        assumes=(ANY_LIST, INDUCTION),
    ),
)
