"""Buddies: the two halves of a block, whatever its place and order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Sweep, Symbolic, Values
from mmoracle.checkers.symbolic import agree, denied, either, every
from mmoracle.checkers.word import one_of
from mmoracle.spec.buddy import blocks
from mmoracle.spec.linux import MAX_ORDER

from .words import ELEVEN, able, block, in_block

# ------------------------------------------------------------------ one bit


def any_frame(top: Any, pfn: Any, order: Any) -> Iterable[Any]:
    """Assume a frame, and an order below the width of a word."""
    return (pfn <= top, order < top.bit_length())


def buddies_differ_in_one_bit_and_are_each_others(
    top: Any, pfn: Any, order: Any
) -> Any:
    """A buddy lies one block above or below, equal in all bits but that of the size."""
    plain, pfn = one_of(order, range(top.bit_length())), able(pfn)
    buddy, size = blocks.buddy_of(pfn, plain), 1 << plain
    return every(
        blocks.buddy_of(buddy, plain) == pfn,
        either(buddy == pfn + size, pfn == buddy + size),
        buddy | size == pfn | size,
        buddy >= 0,
        buddy <= top,
    )


def buddy_behind(pfn: int, order: int) -> int:
    """Take the block behind, although the block may be the upper half."""
    return pfn + (1 << order)


def buddy_above(pfn: int, order: int) -> int:
    """Always name the upper half."""
    return pfn | 1 << order


def buddy_by_low_bits(pfn: int, order: int) -> int:
    """Flip the bits inside the block instead of the one above them."""
    return pfn ^ ((1 << order) - 1)


# ------------------------------------------------------------------ the parent


def a_block(top: Any, nth: Any, order: Any, addr: Any) -> Iterable[Any]:
    """Assume a block and any frame."""
    return (nth <= top, order < MAX_ORDER, addr <= top)


def a_block_and_its_buddy_are_exactly_their_parent(
    top: Any, nth: Any, order: Any, addr: Any
) -> Any:
    """Both name the same parent; it is aligned to its size and holds their frames."""
    pfn, plain = block(nth, order)
    buddy, parent = blocks.buddy_of(pfn, plain), blocks.joined(pfn, plain)
    halves = in_block(pfn, plain, addr), in_block(buddy, plain, addr)
    return every(
        blocks.joined(buddy, plain) == parent,
        parent & ((2 << plain) - 1) == 0,
        agree(in_block(parent, plain + 1, addr), either(*halves)),
        denied(every(*halves)),
    )


def joined_here(pfn: int, order: int) -> int:
    """Let the parent start where the block does, although it may be the upper half."""
    return pfn


def joined_above(pfn: int, order: int) -> int:
    """Let the parent start at the upper half."""
    return pfn | 1 << order


def joined_below(pfn: int, order: int) -> int:
    """Clear the bits inside the block and keep the one that differs."""
    return pfn & ~((1 << order) - 1)


def joined_too_far(pfn: int, order: int) -> int:
    """Clear one bit more: the parent's parent."""
    return pfn & ~(3 << order)


# ------------------------------------------------------------------ all the way


def joining_order_by_order_rounds_a_frame_down(top: Any, pfn: Any, order: Any) -> Any:
    """What merges at every order from 0 up starts at the multiple below the frame."""
    plain, pfn = one_of(order, range(top.bit_length())), able(pfn)
    head = pfn
    for each in range(plain):
        head = blocks.joined(head, each)
    return every(head & ((1 << plain) - 1) == 0, in_block(head, plain, pfn))


# ------------------------------------------------------------------ the lemmas


def with_order(top: int, values: Values) -> Values:
    """Make the second word an order."""
    return (values[0], values[1] % top.bit_length(), *values[2:])


def near_block(top: int, values: Values) -> Values:
    """Make the words a block number, an order and a frame not far from the block."""
    nth, order, addr = values
    order %= MAX_ORDER
    nth %= (top >> order) + 1
    around = (nth << order) + addr % (8 << order) - (4 << order)
    return nth, order, max(0, min(around, top))


HALVES = (
    Lemma(
        claim=buddies_differ_in_one_bit_and_are_each_others,
        slow=True,
        given=any_frame,
        provers=(Symbolic(), Sweep(5), Sampled(with_order)),
        mistakes=(
            Mistake(blocks, "buddy_of", buddy_behind),
            Mistake(blocks, "buddy_of", buddy_above),
            Mistake(blocks, "buddy_of", buddy_by_low_bits),
        ),
    ),
    Lemma(
        claim=a_block_and_its_buddy_are_exactly_their_parent,
        slow=True,
        given=a_block,
        provers=(Symbolic(), Sweep(), Sampled(near_block)),
        mistakes=(
            Mistake(blocks, "buddy_of", buddy_behind),
            Mistake(blocks, "joined", joined_here),
            Mistake(blocks, "joined", joined_above),
            Mistake(blocks, "joined", joined_below),
            Mistake(blocks, "joined", joined_too_far),
        ),
        size=ELEVEN,
    ),
    Lemma(
        claim=joining_order_by_order_rounds_a_frame_down,
        given=any_frame,
        provers=(Symbolic(), Sweep(5), Sampled(with_order)),
        mistakes=(
            Mistake(blocks, "joined", joined_here),
            Mistake(blocks, "joined", joined_above),
            Mistake(blocks, "joined", joined_too_far),
        ),
    ),
)
