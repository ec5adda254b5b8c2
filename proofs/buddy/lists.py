"""Free lists: merging, and giving back what is split off, on both sides.

The whole functions are run on a zone with one or two free blocks of any place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Sweep, Symbolic, Values
from mmoracle.checkers.symbolic import agree, denied, either, every
from mmoracle.checkers.word import Whole
from mmoracle.impl.buddy.zone import SHIFT, Zone
from mmoracle.spec.buddy import blocks
from mmoracle.spec.buddy.zones import Config, Memory, count, with_zone
from mmoracle.spec.linux import MAX_ORDER

from .halves import buddy_behind, joined_above
from .words import (
    ELEVEN,
    MT,
    ORDERS,
    block,
    config,
    in_block,
    is_free,
    is_same,
    state,
    twin,
)

FEW = range(4)  # orders of a small zone

# ------------------------------------------------------------------ one merge


def two_of_one_order(top: Any, nth: Any, other: Any, order: Any) -> Iterable[Any]:
    """Assume two different blocks of one order."""
    return (nth <= top, other <= top, nth != other, order < MAX_ORDER)


def the_machine_merges_with_the_buddy_and_no_other(
    top: Any, nth: Any, other: Any, order: Any
) -> Any:
    """A free block of the same order is joined exactly if it is the buddy."""
    pfn, plain = block(nth, order)
    there, _ = block(other, plain)
    zone = twin(config(top), (there, plain))
    head, high = zone.merge(pfn, plain, MT)
    if plain < MAX_ORDER - 1 and blocks.buddy_of(pfn, plain) == there:
        parent = blocks.joined(pfn, plain)
        return every(high == plain + 1, not zone.place, head == parent)
    return every(high == plain, list(zone.place) == [there], head == pfn)


def merge_upwards(zone: Any, pfn: int, order: int, mt: int) -> tuple[int, int]:
    """Join with the block behind only, so that an upper half stays alone."""
    while order < zone.max_order and zone.absorb(pfn + (1 << order), order, mt):
        order += 1
    return pfn, order


def merge_to_the_upper_half(zone: Any, pfn: int, order: int, mt: int) -> Any:
    """Let what is joined start at the upper half."""
    while order < zone.max_order and zone.absorb(pfn ^ (1 << order), order, mt):
        pfn |= 1 << order
        order += 1
    return pfn, order


def merge_beyond_the_top(zone: Any, pfn: int, order: int, mt: int) -> tuple[int, int]:
    """Join blocks of the greatest order too."""
    while zone.absorb(pfn ^ (1 << order), order, mt):
        pfn &= ~(1 << order)
        order += 1
    return pfn, order


# ------------------------------------------------------------------ freeing


def two_blocks_apart(
    top: Any, nth: Any, order: Any, other: Any, size: Any, addr: Any
) -> Iterable[Any]:
    """Assume two blocks of small orders that share no frame, and any frame."""
    yield from (word <= top for word in (nth, other, addr))
    yield from (order < len(FEW), size < len(FEW))
    for one, two in product(FEW, FEW):
        higher = (other >> max(0, one - two)) != (nth >> max(0, two - one))
        yield either(order != one, size != two, higher)


def freeing_a_block_frees_its_frames_and_no_others(
    top: Any, nth: Any, order: Any, other: Any, size: Any, addr: Any
) -> Any:
    """A frame is free if it was or is in the block, and no two buddies stay apart.

    The machine's lists are the same.
    """
    pfn, plain = block(nth, order, FEW)
    free = block(other, size, FEW)
    cfg = config(top, len(FEW))
    zone, s = twin(cfg, free), state(cfg, free)
    s = blocks.free_one_page(cfg, s, 0, pfn, plain, MT)
    zone.free_one_page(pfn, plain, MT, False)
    now = either(in_block(*free, addr), in_block(pfn, plain, addr))
    same = is_same(cfg, s, zone)
    return every(same, agree(is_free(s, addr), now), denied(buddies_apart(cfg, s)))


def buddies_apart(cfg: Config, s: Memory) -> Any:
    """Say whether two halves of one block are both free, below the greatest order."""
    rows = [row[MT] for row in s.zones[0].free[: cfg.max_order]]
    pairs = [(order, *row) for order, row in enumerate(rows) if len(row) == 2]
    return either(*(a & ~(1 << order) == b & ~(1 << order) for order, a, b in pairs))


def never_merge(cfg: Config, s: Memory, at: int, pfn: int, order: int, mt: int) -> bool:
    """Leave every block as it was freed."""
    return False


def free_alone(zone: Any, pfn: int, order: int, mt: int, to_tail: bool) -> None:
    """Let the machine put a block on its list without a look at its buddy."""
    zone.nr_free_pages += 1 << order
    zone.push(pfn, order, mt, to_tail)


# ------------------------------------------------------------------ the tail


def one_order_up(top: Any, nth: Any, other: Any, order: Any) -> Iterable[Any]:
    """Assume a block, and another of the order above it."""
    return (nth <= top, other <= top, order < MAX_ORDER - 1)


def a_merge_is_likely_exactly_if_the_parents_buddy_is_free(
    top: Any, nth: Any, other: Any, order: Any
) -> Any:
    """Both sides look at the other half of the block two orders up."""
    pfn, plain = block(nth, order, range(MAX_ORDER - 1))
    above, _ = block(other, plain + 1)
    cfg = config(top)
    s, zone = state(cfg, (above, plain + 1)), twin(cfg, (above, plain + 1))
    likely = blocks.merge_is_likely(cfg, s, pfn, plain)
    other_half = every(
        plain + 2 < MAX_ORDER,
        (pfn >> plain + 2) == (above >> plain + 2),
        denied(in_block(above, plain + 1, pfn)),
    )
    same = zone.merge_likely(pfn, plain) == likely
    return every(same, agree(other_half, likely))


def likely_if_the_buddy(cfg: Config, s: Memory, pfn: int, order: int) -> bool:
    """Look at the block's own buddy instead of its parent's."""
    if order >= cfg.max_order - 1:
        return False
    return blocks.is_buddy(cfg, s, 0, blocks.buddy_of(pfn, order), order + 1)


def likely_from_the_half(zone: Any, pfn: int, order: int) -> bool:
    """Forget that the parent of an upper half starts below it."""
    if order >= zone.max_order - 1:
        return False
    return bool(zone.place.get(pfn ^ (2 << order), -1) >> SHIFT == order + 1)


def likely_at_the_top(zone: Any, pfn: int, order: int) -> bool:
    """Expect a merge of two blocks of the greatest order."""
    above = (pfn & ~(1 << order)) ^ (2 << order)
    return bool(zone.place.get(above, -1) >> SHIFT == order + 1)


# ------------------------------------------------------------------ splitting


def one_split(top: Any, nth: Any, low: Any, high: Any, addr: Any) -> Iterable[Any]:
    """Assume a block, and an order no greater that is kept of it."""
    return (nth <= top, addr <= top, low <= high, high < MAX_ORDER)


def halves_given_back_are_aligned_disjoint_and_all_but_what_is_kept(
    top: Any, nth: Any, low: Any, high: Any, addr: Any
) -> Any:
    """A frame of the block is in the part kept or in one half; the machine agrees.

    There is one half of each order from `low` up; those of order 0 become guards.
    """
    pfn, plain = block(nth, high)
    _, least = block(0, low, range(plain + 1))
    cfg = config(top, guard_minorder=1)
    zone, s = twin(cfg), state(cfg)
    zone.expand(pfn, least, plain, MT)
    s = blocks.expand(cfg, s, 0, pfn, least, plain, MT)
    rows = enumerate(row[MT] for row in s.zones[0].free)
    parts = [*s.guards, *((head, order) for order, row in rows for head in row)]
    if [order for _, order in parts] != list(range(least, plain)):
        return False
    inside = [in_block(*part, addr) for part in ((pfn, least), *parts)]
    return every(
        is_same(cfg, s, zone),
        *(head % (1 << order) == 0 for head, order in parts),
        agree(in_block(pfn, plain, addr), either(*inside)),
        *(denied(every(a, b)) for i, a in enumerate(inside) for b in inside[:i]),
    )


def expand_lower(zone: Any, pfn: int, low: int, high: int, mt: int) -> None:
    """Give back the lower halves, of which the first is what is kept."""
    while high > low:
        high -= 1
        zone.set_aside(pfn, high, mt)


def expand_whole(
    cfg: Config, s: Memory, at: int, pfn: int, low: int, high: int, mt: int
) -> Memory:
    """Give back as much as was split, which reaches behind the block."""
    for order in range(low, high):
        zone = blocks.push(s.zones[at], pfn + (1 << high), order, mt, tail=False)
        s = with_zone(s, at, zone)
    return s


def set_aside_all(zone: Any, pfn: int, order: int, mt: int) -> None:
    """Make the machine's guards free blocks."""
    zone.push(pfn, order, mt, False)


def a_split_block_is_whole_again_when_it_comes_back(
    top: Any, nth: Any, low: Any, high: Any, addr: Any
) -> Any:
    """Taking a part of a free block and freeing it leaves no trace on either side."""
    free = block(nth, high)
    _, least = block(0, low, range(free[1] + 1))
    cfg = config(top)
    zone, before = twin(cfg, free), state(cfg, free)
    pfn = zone.rmqueue_smallest(least, MT)
    zone.count(-(1 << least), MT)
    s, got = blocks.rmqueue_smallest(cfg, before, 0, least, MT)
    s = count(cfg, s, 0, -(1 << least), MT)
    if got is None or pfn != got or not is_same(cfg, s, zone):
        return False
    s = blocks.free_one_page(cfg, s, 0, got, least, MT)
    zone.free_one_page(pfn, least, MT, False)
    return every(s == before, is_same(cfg, s, zone))


def take_the_last(zone: Any, order: int, mt: int) -> int:
    """Take the last block of the size asked for out of a larger one."""
    for high in range(order, zone.max_order + 1):
        for pfn in zone.lists[high << SHIFT | mt]:
            zone.pull(pfn)
            zone.expand(pfn, order, high, mt)
            last: int = pfn + (1 << high) - (1 << order)
            return last
    return -1


# ------------------------------------------------------------------ the lemmas


def near_buddies(top: int, values: Values) -> Values:
    """Make the second block one of those around the first."""
    nth, other, order = values
    return nth, max(0, min(nth + other % 5 - 2, top)), order % MAX_ORDER


def near_parents(top: int, values: Values) -> Values:
    """Make the second block one of the order above, around the first one's parent."""
    nth, other, order = values
    return nth, max(0, nth // 2 + other % 5 - 2), order % (MAX_ORDER - 1)


def small_pairs(top: int) -> Iterator[Values]:
    """Yield every two blocks of small orders in the first frames, and each of these."""
    named = [(nth, order) for order in FEW for nth in range(top + 1 >> order)]
    for one, two in product(named, named):
        yield from ((*one, *two, addr) for addr in range(top + 1))


def pair_of_blocks(top: int, values: Values) -> Values:
    """Bend words into two blocks of small orders near each other, and a frame there."""
    nth, order, other, size, addr = values
    order, size = order % len(FEW), size % len(FEW)
    there = max(0, min((nth << order >> size) + other % 5 - 2, top))
    return nth, order, there, size, max(0, min((nth << order) + addr % 17 - 4, top))


def small_splits(top: int) -> Iterator[Values]:
    """Yield some blocks of every order, each way to split them, and frames there."""
    for high in ORDERS:
        for nth, low in product((0, 1, 5), range(high + 1)):
            heads = [(nth << high) + (1 << each) for each in range(low, high + 1)]
            near = [nth << high, *(head + off for head in heads for off in (-1, 0))]
            yield from ((nth, low, high, addr) for addr in near)


def split_of(top: int, values: Values) -> Values:
    """Bend words into a block, an order that is kept of it, and a frame of it."""
    nth, low, high, addr = values
    high %= MAX_ORDER
    nth %= (top >> high) + 1
    return nth, low % (high + 1), high, (nth << high) + addr % (1 << high)


PLAIN = (
    "buddy lists: one zone without holes, one migrate type, page blocks larger than"
    " any block",
)
SPLITS = "three blocks of each order, each split"

LISTS = (
    Lemma(
        claim=the_machine_merges_with_the_buddy_and_no_other,
        given=two_of_one_order,
        provers=(Symbolic(), Sweep(), Sampled(near_buddies)),
        mistakes=(
            Mistake(Zone, "merge", merge_upwards),
            Mistake(Zone, "merge", merge_to_the_upper_half),
            Mistake(Zone, "merge", merge_beyond_the_top),
            Mistake(blocks, "buddy_of", buddy_behind),
        ),
        size=ELEVEN,
        assumes=PLAIN,
    ),
    Lemma(
        claim=freeing_a_block_frees_its_frames_and_no_others,
        slow=True,
        given=two_blocks_apart,
        provers=(Symbolic(), Sweep(3, small_pairs), Sampled(pair_of_blocks)),
        mistakes=(
            Mistake(blocks, "merges", never_merge),
            Mistake(blocks, "joined", joined_above),
            Mistake(Zone, "free_one_page", free_alone),
            Mistake(Zone, "merge", merge_upwards),
        ),
        size="4 orders, one other free block",
        assumes=PLAIN,
    ),
    Lemma(
        claim=a_merge_is_likely_exactly_if_the_parents_buddy_is_free,
        given=one_order_up,
        provers=(Symbolic(), Sweep(), Sampled(near_parents)),
        mistakes=(
            Mistake(blocks, "merge_is_likely", likely_if_the_buddy),
            Mistake(Zone, "merge_likely", likely_from_the_half),
            Mistake(Zone, "merge_likely", likely_at_the_top),
        ),
        size=ELEVEN,
        assumes=PLAIN,
    ),
    Lemma(
        claim=halves_given_back_are_aligned_disjoint_and_all_but_what_is_kept,
        given=one_split,
        provers=(
            Symbolic(Whole),
            Sweep(4, small_splits, SPLITS),
            Sampled(split_of),
        ),
        mistakes=(
            Mistake(Zone, "expand", expand_lower),
            Mistake(blocks, "expand", expand_whole),
            Mistake(Zone, "set_aside", set_aside_all),
        ),
        size=ELEVEN,
        assumes=PLAIN,
    ),
    Lemma(
        claim=a_split_block_is_whole_again_when_it_comes_back,
        slow=True,
        given=one_split,
        provers=(
            Symbolic(),
            Sweep(4, small_splits, SPLITS),
            Sampled(split_of),
        ),
        mistakes=(
            Mistake(Zone, "expand", expand_lower),
            Mistake(Zone, "rmqueue_smallest", take_the_last),
            Mistake(Zone, "free_one_page", free_alone),
            Mistake(blocks, "merges", never_merge),
            Mistake(blocks, "joined", joined_above),
        ),
        size=ELEVEN,
        assumes=PLAIN,
    ),
)
