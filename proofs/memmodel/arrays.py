"""One array of descriptors: frames lead to pointers and back, wrapped or not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Symbolic, Values
from mmoracle.checkers.symbolic import every
from mmoracle.impl.memmodel import words as machine
from mmoracle.spec.memmodel import words

from .constants import FRAMES, MASK, SIZE, WIDTH

# ------------------------------------------------------------------ one array


def some_index(top: Any, base: Any, index: Any) -> Iterable[Any]:
    """Assume any base, and an index that a frame may have."""
    return (base <= top, index < FRAMES)


def a_descriptor_of_an_array_leads_back_to_its_index(
    top: Any, base: Any, index: Any
) -> Any:
    """FLATMEM, DISCONTIGMEM, VMEMMAP: wherever the array lies, wrapped or not."""
    page = words.page_at(base, index, SIZE, WIDTH)
    return every(
        words.index_of(page, base, SIZE, WIDTH) == index,
        machine.pointer_add(base, index, SIZE, MASK) == page,
        machine.pointer_sub(page, base, SIZE, MASK) == index,
        page <= top,
    )


def a_pointer_before_another_is_a_negative_distance(
    top: Any, base: Any, index: Any
) -> Any:
    """The difference of two pointers is signed, and then a word."""
    page = words.page_at(base, index, SIZE, WIDTH)
    back = words.wrapped(0 - index, WIDTH)
    return every(
        words.index_of(base, page, SIZE, WIDTH) == back,
        machine.pointer_sub(base, page, SIZE, MASK) == back,
    )


def two_indices(top: Any, base: Any, index: Any, other: Any) -> Iterable[Any]:
    """Assume two different frames."""
    return (base <= top, index < FRAMES, other < index)


def descriptors_do_not_overlap(top: Any, base: Any, index: Any, other: Any) -> Any:
    """Two frames' descriptors are at least one descriptor apart, both ways round."""
    one = words.page_at(base, index, SIZE, WIDTH)
    two = words.page_at(base, other, SIZE, WIDTH)
    apart = words.wrapped(one - two, WIDTH)
    return every(apart >= SIZE, apart <= MASK + 1 - SIZE)


def page_by_bytes(base: int, index: int, size: int, width: int) -> int:
    """Add an index as if descriptors had one byte."""
    return words.wrapped(base + index, width)


def page_unwrapped(base: int, index: int, size: int, width: int) -> int:
    """Let a pointer grow beyond the largest word."""
    return base + index * size


def page_by_half(base: int, index: int, size: int, width: int) -> int:
    """Count descriptors of half the size."""
    return words.wrapped(base + index * (size // 2), width)


def index_unsigned(page: int, base: int, size: int, width: int) -> int:
    """Divide the difference as an unsigned word."""
    return words.wrapped(page - base, width) // size


def index_in_bytes(page: int, base: int, size: int, width: int) -> int:
    """Return the distance in bytes."""
    return words.wrapped(page - base, width)


def add_bytes(base: int, pages: int, size: int, mask: int) -> int:
    """Add descriptors as if they were bytes."""
    return (base + pages) & mask


def sub_unsigned(page: int, base: int, size: int, mask: int) -> int:
    """Divide the distance of two pointers as an unsigned word."""
    return ((page - base) & mask) // size


# ------------------------------------------------------------------ the lemmas


def few_frames(top: int, values: Values) -> Values:
    """Bend words into a base and an index."""
    return (values[0], *(each % FRAMES for each in values[1:]))


ARRAYS = (
    Lemma(
        claim=a_descriptor_of_an_array_leads_back_to_its_index,
        given=some_index,
        provers=(Symbolic(), Sampled(few_frames)),
        mistakes=(
            Mistake(words, "page_at", page_by_bytes),
            Mistake(words, "page_at", page_unwrapped),
            Mistake(words, "index_of", index_in_bytes),
            Mistake(machine, "pointer_add", add_bytes),
        ),
        size="descriptors of 64 bytes",
    ),
    Lemma(
        claim=a_pointer_before_another_is_a_negative_distance,
        given=some_index,
        provers=(Symbolic(), Sampled(few_frames)),
        mistakes=(
            Mistake(words, "index_of", index_unsigned),
            Mistake(machine, "pointer_sub", sub_unsigned),
        ),
        size="descriptors of 64 bytes",
    ),
    Lemma(
        claim=descriptors_do_not_overlap,
        given=two_indices,
        provers=(Symbolic(),),
        mistakes=(
            Mistake(words, "page_at", page_by_bytes),
            Mistake(words, "page_at", page_by_half),
        ),
        size="descriptors of 64 bytes",
    ),
)
