"""Comparing what a trace led to with a later memory image of the same kernel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mmoracle.spec.buddy.zones import Memory

from .image import Image


@dataclass
class Comparison:
    """How many lists, page blocks and counters are equal; the first that is not."""

    lists: int = 0
    lists_equal: int = 0
    blocks: int = 0
    blocks_equal: int = 0
    counters: int = 0
    counters_equal: int = 0
    first: str = ""
    expected: str = ""
    got: str = ""


def compare(reached: Memory, image: Image) -> Comparison:
    """Compare a state that was reached with the one that an image shows."""
    c = Comparison()
    for place, due, real in lists_of(reached, image):
        c.lists += 1
        c.lists_equal += due == real
        if due != real and not c.first:
            c.first = f"{place} differs"
            c.expected, c.got = first_difference(due, real)
    for i, (due_type, real_type) in enumerate(
        zip(reached.types, image.state.types, strict=True)
    ):
        c.blocks += 1
        c.blocks_equal += due_type == real_type
        if due_type != real_type and not c.first:
            pfn = i + image.cfg.first_block << image.cfg.pageblock_order
            c.first = f"the type of the page block at pfn {pfn} differs"
            c.expected, c.got = f"type {due_type}", f"type {real_type}"
    for place, due_count, real_count in counters_of(reached, image):
        c.counters += 1
        c.counters_equal += due_count == real_count
        if due_count != real_count and not c.first:
            c.first = f"{place} differs"
            c.expected, c.got = str(due_count), str(real_count)
    return c


def first_difference(due: tuple[int, ...], real: tuple[int, ...]) -> tuple[str, str]:
    """Return what stands at the first place where two lists differ."""
    for i, (one, other) in enumerate(zip(due, real, strict=False)):
        if one != other:
            return f"pfn {one} at place {i}", f"pfn {other}"
    return f"{len(due)} entries", f"{len(real)}"


def lists_of(
    reached: Memory, image: Image
) -> Iterator[tuple[str, tuple[int, ...], tuple[int, ...]]]:
    """Yield (place, what was reached, what is there) for every ordered list."""
    pairs = zip(reached.zones, image.state.zones, image.places, strict=True)
    for mine, other, place in pairs:
        for order, rows in enumerate(zip(mine.free, other.free, strict=True)):
            for mt, (due, real) in enumerate(zip(*rows, strict=True)):
                yield f"zone {place.name}: free list order {order} type {mt}", due, real
        for cpu, sets in enumerate(zip(mine.pagesets, other.pagesets, strict=True)):
            for mt, lines in enumerate(zip(sets[0].lists, sets[1].lists, strict=True)):
                due, real = (tuple(pfn for pfn, _ in line) for line in lines)
                yield f"zone {place.name}: cpu {cpu} list {mt}", due, real


def counters_of(reached: Memory, image: Image) -> Iterator[tuple[str, int, int]]:
    """Yield (place, what was reached, what is there) for every counter."""
    pairs = zip(reached.zones, image.state.zones, image.places, strict=True)
    for mine, other, place in pairs:
        zone = f"zone {place.name}"
        yield f"{zone}: NR_FREE_PAGES", mine.nr_free_pages, other.nr_free_pages
        yield f"{zone}: managed_pages", mine.managed, other.managed
        for cpu, sets in enumerate(zip(mine.pagesets, other.pagesets, strict=True)):
            yield f"{zone}: cpu {cpu} count", sets[0].count, sets[1].count
