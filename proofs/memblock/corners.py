"""memblock where it is rare: full arrays, arrays that live in memory, wrong totals.

Every case is one operation in one state of a machine of 63 bytes, with four to a page.
Both sides do it alike, and judge alike what somebody else might have answered.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import product
from typing import Any

from mmoracle.checkers.bind.memblock import MEMBLOCK
from mmoracle.checkers.lemma import Lemma, Mistake, Sweep, Values
from mmoracle.impl.memblock.answers import Answers
from mmoracle.impl.memblock.regions import MemblockType
from mmoracle.proofs.sides import both_do_alike, both_judge_alike
from mmoracle.spec.linux import Addr
from mmoracle.spec.memblock import ops, whole
from mmoracle.spec.memblock.regions import (
    DOUBLE_INTO_RANGE,
    FREE_FIRST,
    HOTPLUG,
    MIRROR,
    NOMAP,
    NONE,
    V5_10,
    Config,
    Doubled,
    Memblock,
    Outcome,
    Region,
    Regions,
)

PAGE, FEW = 4, 2
QUIRKS = ((), (DOUBLE_INTO_RANGE,), (FREE_FIRST,), V5_10)
POINTS = (0, 1, 4, 8, 12, 20, 28, 44, 60)
CONFIGS = tuple(
    Config(width=6, page_size=PAGE, region_bytes=4, quirks=each, release=release)
    for each in QUIRKS
    for release in ("5.10", "6.6")
)

Case = tuple[Config, Memblock, Any]


def rows(*told: tuple[Any, ...], slots: int = FEW, array: int = 0) -> Regions:
    """Return an array of (base, end, flags, nid)."""
    held = tuple(Region(Addr(a), Addr(b - a), *rest) for a, b, *rest in told)
    return Regions(held, slots, Addr(sum(r.size for r in held)), Addr(array))


MEMORIES = (
    rows((0, 60, HOTPLUG, 0)),
    rows((0, 1, NONE, 0), (8, 56, MIRROR, 1)),
    rows((4, 28, NONE, 0), (36, 60, NONE, 1), array=48),
    rows((4, 20, NOMAP, 0), (20, 36, NOMAP, 0), (36, 52, NOMAP, 0), slots=4),
    replace(rows(), total_size=Addr(5)),
)
HELD = (
    rows(),
    rows((8, 12), (20, 24)),
    rows((16, 24), (44, 52), array=16),
    rows((20, 28), (28, 30, NONE, 0), slots=3),
)


def changes() -> Iterator[Any]:
    """Yield operations on ranges, and on all memory."""
    for base, size in product(POINTS, (0, 3, 8, 24, 63)):
        a, n = Addr(base), Addr(size)
        yield from (ops.Add(a, n, 1), ops.Reserve(a, n), ops.Remove(a, n))
        yield from (ops.Free(a, n), ops.SetFlag(a, n, "clear_hotplug"))
        yield from (ops.CapMemoryRange(a, n), ops.SetNode(a, n, "reserved", 1))
    for limit in (0, 1, 16, 24, 48):
        yield from (ops.EnforceMemoryLimit(limit), ops.MemLimitRemoveMap(limit))
    yield from (ops.FreeAll(), ops.InitReservedPages(), ops.TrimMemory(8))


def searches() -> Iterator[Any]:
    """Yield searches, of every direction and size."""
    for size, align, start in product((0, 1, 4, 8), (1, 3, 8), (0, 12)):
        told = (Addr(size), align, Addr(start), Addr(0))
        yield from (ops.PhysAlloc(*told), ops.PhysAlloc(*told, 0, True))
        yield ops.AllocTryNid(*told, 1)


def states() -> Iterator[Memblock]:
    """Yield states that are near an edge."""
    for memory, held, grows in product(MEMORIES, HELD, (False, True)):
        mirror = any(MIRROR in r.flags for r in memory.regions)
        yield Memblock(
            memory, held, False, Addr(63), can_resize=grows, has_mirror=mirror
        )


@cache
def operations() -> tuple[Case, ...]:
    """Return every operation in every state, of which one in a few is kept."""
    told = [
        (cfg, replace(s, bottom_up=bool(at & 1)), op)
        for cfg, s in product(CONFIGS, states())
        for at, op in enumerate((*changes(), *searches()))
    ]
    return tuple(told[::EVERY])


EVERY = 7  # a prime, so that no operation or state is left out


def numbers(top: int) -> Iterator[Values]:
    """Yield the number of each operation."""
    return ((at,) for at in range(len(operations())))


def near_an_edge_memblock_changes_alike(top: Any, at: Any) -> Any:
    """One operation gives one answer on both sides, and leads to one state."""
    return both_do_alike(MEMBLOCK, *operations()[at])


def near_an_edge_memblock_judges_alike(top: Any, at: Any) -> bool:
    """What somebody else might answer is refused by both sides, or taken by both."""
    cfg, s, op = operations()[at]
    return all(
        both_judge_alike(MEMBLOCK, cfg, s, op, each)
        for each in others(*operations()[at])
    )


def others(cfg: Config, s: Memblock, op: Any) -> Iterator[Outcome]:
    """Yield what is due, and the same with another block, or an array elsewhere."""
    due = op.choose(cfg, s)
    yield due
    for at, event in enumerate(due.events):
        if isinstance(event, Doubled):
            for addr in POINTS:
                told = list(due.events)
                told[at] = replace(event, addr=Addr(addr))
                yield replace(due, events=tuple(told))
            yield replace(due, events=(*due.events[:at], *due.events[at + 1 :]))
    if isinstance(op, (ops.PhysAlloc, ops.AllocTryNid)):
        yield from (replace(due, value=Addr(addr)) for addr in POINTS)
        yield replace(due, value=None)


# ------------------------------------------------------------------ mistakes


def touch_nothing(cfg: Config, s: Memblock, base: int, end: int) -> bool:
    """Find no array in a range."""
    return False


def merge_nothing(t: MemblockType, i: int, j: int, told: Any) -> None:
    """Leave regions as they are, and seams too."""
    t.splice(i, j, told)


def keep_no_clear(m: Any, t: Any, addr: int, nr_bytes: int) -> str:
    """Accept an array wherever somebody puts it."""
    return ""


CORNERS = (
    Lemma(
        claim=near_an_edge_memblock_changes_alike,
        provers=(Sweep(cases=numbers, scope="63 bytes, arrays of two slots"),),
        mistakes=(
            Mistake(whole, "touches_array", touch_nothing),
            Mistake(MemblockType, "merge_regions", merge_nothing),
        ),
        slow=True,
    ),
    Lemma(
        claim=near_an_edge_memblock_judges_alike,
        provers=(Sweep(cases=numbers, scope="63 bytes, arrays of two slots"),),
        mistakes=(Mistake(Answers, "why_not_array", keep_no_clear),),
        slow=True,
    ),
)
