"""memblock's pages: which lie in a range whole, and how they split into blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Sweep, Symbolic, Values
from mmoracle.checkers.symbolic import agree, either, every
from mmoracle.checkers.word import Whole
from mmoracle.spec.linux import MAX_ORDER
from mmoracle.spec.memblock import change, handover
from mmoracle.spec.memblock.regions import Config, FreePages

from .words import as_drawn, config, owner, twin


def page_numbers(top: Any, start: Any, size: Any, pfn: Any) -> Iterable[Any]:
    """Assume nothing but a range."""
    return (start >= 0, size >= 0, pfn >= 0)


def pages_of_a_range_are_those_that_lie_in_it_whole(
    top: Any, start: Any, size: Any, pfn: Any
) -> Any:
    """A page number is between both rounded borders if all its bytes are inside."""
    cfg, end = config((1 << 64) - 1), start + size
    low, high = change.pfn_up(cfg, start), change.pfn_down(cfg, end)
    m, page = twin(cfg), cfg.page_size
    whole = every(start <= pfn * page, (pfn + 1) * page <= end)
    same = every(m.pfn_up(start) == low, m.pfn_down(end) == high)
    return every(same, agree(every(low <= pfn, pfn < high), whole))


def pfn_up_one_more(cfg: Config, addr: int) -> int:
    """Skip a page even when the range starts at its first byte."""
    return addr // cfg.page_size + 1


def pfn_down_up(cfg: Config, addr: int) -> int:
    """Count the last page in although only its first bytes are inside."""
    return -(-addr // cfg.page_size)


# ------------------------------------------------------------------ blocks


def some_pages(top: Any, start: Any, end: Any) -> Iterable[Any]:
    """Assume at least one page."""
    return (start < end,)


def the_next_block_is_the_largest_aligned_one_that_fits(
    top: Any, start: Any, end: Any
) -> Any:
    """The machine's order is in range, aligned, fits, and no greater one would."""
    order = twin(Config()).largest_order(start, end)
    return every(
        0 <= order < MAX_ORDER,
        fits_there(start, end, order),
        *(not_there(start, end, each) for each in range(order + 1, MAX_ORDER)),
    )


def fits_there(start: Any, end: Any, order: int) -> Any:
    """Say whether a block of this order may start here."""
    return every(start % (1 << order) == 0, end - start >= 1 << order)


def not_there(start: Any, end: Any, order: int) -> Any:
    """Say whether no block of this order may start here."""
    return either(start % (1 << order) != 0, end - start < 1 << order)


def blocks_tile_the_pages_and_are_each_the_largest(
    top: Any, start: Any, length: Any
) -> Any:
    """The blocks follow each other from start to end, and none could be larger."""
    end, here = start + length, start
    m = twin(Config())
    m.free_pages_memory(start, end)
    told = handover.blocks(start, end)
    for block in told:
        largest = [k for k in range(MAX_ORDER) if fits_there(here, end, k)][-1]
        if (block.pfn, block.order) != (here, largest):
            return False
        here += 1 << block.order
    events = [("free_pages", block.pfn, block.order) for block in told]
    return here == end and m.events == events


def small_ranges(top: int) -> Iterator[Values]:
    """Yield every range of up to 65 pages, and some around the largest block."""
    for start in range(66):
        yield from ((start, length) for length in range(66))
    largest = 1 << (MAX_ORDER - 1)
    for start in (0, 1, largest - 1, largest, largest + 1, 3 * largest):
        for blocks in (1, 2, 3):
            around = range(blocks * largest - 3, blocks * largest + 4)
            yield from ((start, length) for length in around)


def few_pages(top: int, values: Values) -> Values:
    """Bend words into a page number and a length of up to 16,383 pages."""
    return values[0] % (1 << 52), values[1] % (1 << 14)


def order_by_room(m: Any, start: int, end: int) -> int:
    """Forget that a block must be aligned."""
    order = MAX_ORDER - 1
    while end - start < 1 << order:
        order -= 1
    return order


def order_below(m: Any, start: int, end: int) -> int:
    """Stop one order short of the largest."""
    order = MAX_ORDER - 2
    while start & ((1 << order) - 1) or start + (1 << order) > end:
        order -= 1
    return order


def blocks_of_one(start_pfn: int, end_pfn: int) -> list[FreePages]:
    """Free every page by itself."""
    return [FreePages(pfn, 0) for pfn in range(start_pfn, end_pfn)]


def blocks_beyond(start_pfn: int, end_pfn: int) -> list[FreePages]:
    """Allow an order more than the buddy allocator has."""
    out = []
    while start_pfn < end_pfn:
        room = (end_pfn - start_pfn).bit_length() - 1
        low = (start_pfn & -start_pfn).bit_length() - 1 if start_pfn else room
        order = min(MAX_ORDER, low, room)
        out.append(FreePages(start_pfn, order))
        start_pfn += 1 << order
    return out


# ------------------------------------------------------------------ the lemmas

SMALL = "every start and length below 66 pages"

PAGES = (
    Lemma(
        claim=pages_of_a_range_are_those_that_lie_in_it_whole,
        given=page_numbers,
        provers=(Symbolic(Whole), Symbolic(), Sampled(as_drawn)),
        mistakes=(
            Mistake(change, "pfn_up", pfn_up_one_more),
            Mistake(change, "pfn_down", pfn_down_up),
        ),
        size="pages of 4,096 bytes",
    ),
    Lemma(
        claim=the_next_block_is_the_largest_aligned_one_that_fits,
        given=some_pages,
        provers=(Symbolic(Whole), Sampled(as_drawn)),
        mistakes=(
            Mistake(owner("largest_order"), "largest_order", order_by_room),
            Mistake(owner("largest_order"), "largest_order", order_below),
        ),
    ),
    Lemma(
        claim=blocks_tile_the_pages_and_are_each_the_largest,
        provers=(
            Sweep(cases=small_ranges, scope=SMALL),
            Sampled(few_pages, examples=60),
        ),
        mistakes=(
            Mistake(handover, "blocks", blocks_of_one),
            Mistake(handover, "blocks", blocks_beyond),
        ),
    ),
)
