"""Four allocators that are not Linux's are permitted; each with one mistake is caught.

They are written here, for the test, and know nothing of the oracle that judges them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from mmoracle.checkers.bind.buddy import BUDDY
from mmoracle.spec.buddy.alloc import AllocPages
from mmoracle.spec.buddy.free import FreePages
from mmoracle.spec.buddy.zones import Config, Outcome, Span
from mmoracle.spec.core import Disallowed

PAGES, ORDERS = 1024, 11
OPERATIONS = 100_000
LARGEST = 4  # the order of the largest request
ANY = Config(
    zones=(Span(0, PAGES),), orders=ORDERS, pageblock_order=ORDERS - 1, picks="any"
)


class Lowest:
    """A buddy allocator that takes the lowest frames, and merges at once."""

    def __init__(self, seed: int = 0) -> None:
        self.dice = Random(seed)
        self.free_blocks: dict[int, int] = {0: ORDERS - 1}  # pfn -> order

    def places(self, order: int) -> list[int]:
        return [pfn for pfn, high in self.free_blocks.items() if high >= order]

    def pick(self, order: int) -> tuple[int, int] | None:
        """Return (the free block to split, the part of it to take)."""
        blocks = self.places(order)
        return (min(blocks), min(blocks)) if blocks else None

    def alloc(self, order: int) -> int | None:
        found = self.pick(order)
        if found is None:
            return None
        block, part = found
        high = self.free_blocks.pop(block)
        while high > order:
            high -= 1
            upper = block + (1 << high)
            block, rest = (upper, block) if part >= upper else (block, upper)
            self.set_aside(rest, high)
        return block

    def set_aside(self, pfn: int, order: int) -> None:
        self.free_blocks[pfn] = order

    def buddy(self, pfn: int, order: int) -> int:
        return pfn ^ (1 << order)

    def free(self, pfn: int, order: int) -> None:
        while order < ORDERS - 1:
            buddy = self.buddy(pfn, order)
            if self.free_blocks.get(buddy) != order:
                break
            del self.free_blocks[buddy]
            pfn, order = min(pfn, buddy), order + 1
        self.free_blocks[pfn] = order


class Highest(Lowest):
    """Takes the highest frames that will do."""

    def pick(self, order: int) -> tuple[int, int] | None:
        blocks = self.places(order)
        if not blocks:
            return None
        block = max(blocks)
        return block, block + (1 << self.free_blocks[block]) - (1 << order)


class Dicing(Lowest):
    """Takes any block, and any part of it."""

    def pick(self, order: int) -> tuple[int, int] | None:
        blocks = self.places(order)
        if not blocks:
            return None
        block = self.dice.choice(blocks)
        part = self.dice.randrange(1 << (self.free_blocks[block] - order))
        return block, block + (part << order)


class Lazy(Lowest):
    """Merges nothing until a request would fail, and then only with even odds."""

    def free(self, pfn: int, order: int) -> None:
        self.free_blocks[pfn] = order

    def alloc(self, order: int) -> int | None:
        got = super().alloc(order)
        if got is None and self.dice.random() < 0.5:
            for pfn, high in sorted(self.free_blocks.items()):
                if self.free_blocks.get(pfn) == high:
                    del self.free_blocks[pfn]
                    Lowest.free(self, pfn, high)
            got = super().alloc(order)
        return got


# ------------------------------------------------------------------ mistakes


class LowestForgets(Lowest):
    """Takes a block and leaves it on the list when there was nothing to split."""

    def alloc(self, order: int) -> int | None:
        got = super().alloc(order)
        if got is not None and order == 3:
            self.free_blocks[got] = order
        return got


class HighestUnaligned(Highest):
    """Takes the last frames of a block, one frame too low."""

    def alloc(self, order: int) -> int | None:
        got = super().alloc(order)
        return got - 1 if got is not None and order == 2 else got


class DicingNeighbour(Dicing):
    """Merges with the next block, whether it is the buddy or not."""

    def buddy(self, pfn: int, order: int) -> int:
        return pfn + (1 << order)


class LazyFails(Lazy):
    """Fails a large request although it has a block."""

    def alloc(self, order: int) -> int | None:
        return None if order == LARGEST else super().alloc(order)


def run(policy: Lowest, cfg: Config, operations: int, seed: int = 1) -> int:
    """Let an allocator serve random requests; return how many failed."""
    machine, dice = BUDDY.build(cfg), Random(seed)
    held: list[tuple[int, int]] = []
    failed = 0
    for _ in range(operations):
        if held and (len(held) > PAGES // 4 or dice.random() < 0.45):
            i = dice.randrange(len(held))
            pfn, order = held[i]
            held[i] = held[-1]
            held.pop()
            policy.free(pfn, order)
            BUDDY.accept(machine, FreePages(0, (pfn, order)), Outcome(None))
        else:
            order = dice.randrange(LARGEST + 1)
            got = policy.alloc(order)
            BUDDY.accept(machine, AllocPages(0, 0, order, 1), Outcome(got))
            failed += got is None
            held += [(got, order)] if got is not None else []
    return failed


RIGHT: list[tuple[Callable[[], Lowest], Config]] = [
    (Lowest, ANY),
    (Highest, ANY),
    (Dicing, ANY),
    (Lazy, replace(ANY, merging="lazy")),
]


@pytest.mark.parametrize(("policy", "cfg"), RIGHT)
def test_a_correct_allocator_raises_no_alarm(policy, cfg):
    assert run(policy(), cfg, OPERATIONS) > 0


@pytest.mark.parametrize(
    ("policy", "cfg", "rules"),
    [
        (LowestForgets, ANY, {"BUD-DISJOINT"}),
        (HighestUnaligned, ANY, {"BUD-ALIGN"}),
        (DicingNeighbour, ANY, {"BUD-DISJOINT", "BUD-ALIGN"}),
        (LazyFails, replace(ANY, merging="lazy"), {"COMPLETE"}),
    ],
)
def test_a_mistake_is_caught(policy, cfg, rules):
    with pytest.raises(Disallowed) as no:
        run(policy(), cfg, OPERATIONS)
    assert no.value.rule in rules


@pytest.mark.parametrize(
    ("policy", "picks"), [(Lowest, "lowest"), (Highest, "highest")]
)
def test_a_declared_policy_is_held_to_it(policy, picks):
    cfg = replace(ANY, picks=picks)
    run(policy(), cfg, 3_000)
    with pytest.raises(Disallowed) as no:
        run(Dicing(), cfg, 3_000)
    assert no.value.rule == "PICK"


def test_lazy_merging_must_be_declared():
    with pytest.raises(Disallowed) as no:
        run(Lazy(), ANY, OPERATIONS)
    assert no.value.rule == "COMPLETE"


def test_failing_freely_must_be_declared():
    run(LazyFails(), replace(ANY, merging="lazy", fails="freely"), 3_000)


def test_a_smallest_block_and_metadata_are_declared():
    """Requests below the smallest block take one; its own frames are refused."""
    cfg = replace(ANY, min_order=2, metadata=4)
    machine = BUDDY.build(cfg)
    with pytest.raises(Disallowed) as no:
        BUDDY.accept(machine, AllocPages(0, 0, 0, 1), Outcome(0))
    assert no.value.rule == "BUD-DISJOINT"
    with pytest.raises(Disallowed) as no:
        BUDDY.accept(machine, AllocPages(0, 0, 0, 1), Outcome(6))
    assert no.value.rule == "BUD-ALIGN"
    BUDDY.accept(machine, AllocPages(0, 0, 0, 1), Outcome(8))
    assert machine.held[8] & 15 == 2
    BUDDY.accept(machine, FreePages(0, (8, 0)), Outcome(None))
    assert not machine.held
