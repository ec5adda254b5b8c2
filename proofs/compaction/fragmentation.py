"""When a zone is worth compaction: the fragmentation index, and suitability."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Sweep, Symbolic, Values
from mmoracle.checkers.symbolic import either, every
from mmoracle.checkers.word import Whole
from mmoracle.impl.compaction import defer as machine
from mmoracle.spec.compaction import defer
from mmoracle.spec.linux import (
    MAX_ORDER,
    PAGE_ALLOC_COSTLY_ORDER,
    AllocFlags,
    CompactResult,
)
from mmoracle.spec.watermark import Level

from .ranges import among

ORDERS = range(1, MAX_ORDER)
FEW = range(1, 9)


# ------------------------------------------------------------------ the index


def too_small(top: Any, pages: Any, blocks: Any, order: Any) -> Iterable[Any]:
    """Assume a few free blocks, each at most half of what is asked for."""
    few, size = among(blocks, FEW), 1 << among(order, ORDERS)
    return (
        blocks >= 1,
        blocks < FEW.stop,
        order >= 1,
        order < MAX_ORDER,
        few <= pages,
        2 * pages <= few * size,
    )


def the_index_is_the_exact_fraction_rounded_once(
    top: Any, pages: Any, blocks: Any, order: Any
) -> Any:
    """1000 - 1000 (1 + pages / size) / blocks, on both sides, for all its roundings."""
    few, size = among(blocks, FEW), 1 << among(order, ORDERS)
    lack = 1000 - defer.index_of(pages, few, size)
    exact = 1000 * size + pages * 1000
    return every(
        lack * few * size <= exact,
        exact < (lack + 1) * few * size,
        machine.missing_block(pages, few, among(order, ORDERS)) == 1000 - lack,
    )


def the_index_of_a_missing_block_is_at_least_minus_500_and_below_1000(
    top: Any, pages: Any, blocks: Any, order: Any
) -> Any:
    """One small block gives 0 or less: memory is not what is missing."""
    few, size = among(blocks, FEW), 1 << among(order, ORDERS)
    index = defer.index_of(pages, few, size)
    return every(index >= -500, index < 1000, either(few > 1, index <= 0))


def rounded_up(pages: Any, blocks: int, requested: int) -> Any:
    """Round the share of the pages up."""
    share = (pages * 1000 + requested - 1) // requested
    return 1000 - (1000 + share) // blocks


def of_blocks_alone(pages: Any, blocks: int, requested: int) -> Any:
    """Forget the one block that is asked for."""
    return 1000 - (pages * 1000 // requested) // blocks


def in_hundredths(pages: Any, blocks: int, requested: int) -> Any:
    """Give a tenth of the index."""
    return 100 - (100 + pages * 100 // requested) // blocks


def always_fragmented(pages: Any, blocks: int, requested: int) -> int:
    """Blame fragmentation alone."""
    return 1000


def of_all_pages(pages: Any, blocks: int, order: int) -> Any:
    """Divide the pages by the blocks alone."""
    return 1000 - (1000 + pages * 1000) // blocks


def small_blocks(top: int) -> Iterator[Values]:
    """Yield every few blocks up to order 6, with every number of pages in them."""
    for order in range(1, 7):
        for blocks in FEW:
            most = blocks << (order - 1)
            yield from ((pages, blocks, order) for pages in range(blocks, most + 1))


def few_blocks(top: int, values: Values) -> Values:
    """Bend words into a few blocks and the pages in them."""
    order, blocks = values[2] % 10 + 1, values[1] % 8 + 1
    return blocks + values[0] % ((blocks << (order - 1)) - blocks + 1), blocks, order


# ------------------------------------------------------------------ suitability


def some_order(top: Any, free: Any, low: Any, step: Any, order: Any) -> Iterable[Any]:
    """Assume an order of the kernel's."""
    return (order < MAX_ORDER,)


def a_zone_is_compacted_if_and_only_if_pages_are_there_and_no_block_is(
    top: Any, free: Any, low: Any, step: Any, order: Any
) -> Any:
    """CONTINUE needs 2 << order pages above the mark, which is higher for costly ones.

    The zone has single pages only, so that no block is there; both sides agree.
    """
    plain = among(order, range(MAX_ORDER))
    marks = (low, low + step, low + step + step)
    z = Level(free=free, marks=marks, lowmem_reserve=(0,), lists=(1,))
    found = defer.suitable_with(z, plain, AllocFlags.NONE, 0, free)
    mark = marks[plain > PAGE_ALLOC_COSTLY_ORDER]
    if plain == 0 and free > low:
        due = CompactResult.SUCCESS
    elif free > mark + (1 << plain) + (1 << plain):
        due = CompactResult.CONTINUE
    else:
        due = CompactResult.SKIPPED
    other = machine.suitable_with(free, free, plain, marks, 0, 0, 0, (1,))
    return every(found is due, other is due)


def half_the_gap(order: int) -> int:
    """Ask for as many pages as the block has."""
    return 1 << order


def low_for_all(
    z: Level,
    order: int,
    highest: int,
    free: int,
    cma: int = -1,
    costly: int = PAGE_ALLOC_COSTLY_ORDER,
) -> bool:
    """Compare with the low mark, whatever the order."""
    return right_low(z, max(order, 4), highest, free - (2 << order) + 32, cma, costly)


def min_for_all(*told: Any) -> CompactResult:
    """Compare with the MIN mark, whatever the order."""
    return right_suitable(*(*told, 0, -1, 1 << 10))


right_low, right_suitable = defer.low_on_memory, machine.suitable_with


# ------------------------------------------------------------------ the lemmas

FRAGMENTATION = (
    Lemma(
        claim=the_index_is_the_exact_fraction_rounded_once,
        given=too_small,
        size="up to 8 blocks",
        provers=(
            Symbolic(Whole),
            Sweep(cases=small_blocks, scope="up to 8 blocks below order 6"),
            Sampled(few_blocks),
        ),
        mistakes=(
            Mistake(defer, "index_of", rounded_up),
            Mistake(defer, "index_of", of_blocks_alone),
            Mistake(machine, "missing_block", of_all_pages),
        ),
    ),
    Lemma(
        claim=the_index_of_a_missing_block_is_at_least_minus_500_and_below_1000,
        given=too_small,
        size="up to 8 blocks",
        provers=(
            Symbolic(Whole),
            Sweep(cases=small_blocks, scope="up to 8 blocks below order 6"),
            Sampled(few_blocks),
        ),
        mistakes=(
            Mistake(defer, "index_of", of_blocks_alone),
            Mistake(defer, "index_of", always_fragmented),
        ),
    ),
    Lemma(
        claim=a_zone_is_compacted_if_and_only_if_pages_are_there_and_no_block_is,
        given=some_order,
        provers=(Symbolic(Whole), Sweep(3)),
        mistakes=(
            Mistake(defer, "compact_gap", half_the_gap),
            Mistake(machine, "compact_gap", half_the_gap),
            Mistake(defer, "low_on_memory", low_for_all),
            Mistake(machine, "suitable_with", min_for_all),
        ),
    ),
)
