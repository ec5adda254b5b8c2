"""memblock's histories at small size: arrays that grow, blocks, limits, cuts.

Both sides live through the same calls; after each their whole states are compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from mmoracle.checkers.bind import memblock as binding
from mmoracle.checkers.lemma import Lemma, Mistake, Sweep, Values
from mmoracle.checkers.mutants import memblock as mutants
from mmoracle.checkers.mutants import memblock_boot as boot_mutants
from mmoracle.spec.core import Op
from mmoracle.spec.linux import MAX_NUMNODES, Addr
from mmoracle.spec.memblock import ops, regions, search, whole
from mmoracle.spec.memblock.regions import (
    HOTPLUG,
    MIRROR,
    NOMAP,
    NONE,
    V5_10,
    Config,
    Doubled,
    Memblock,
    Range,
    Region,
)

from .words import MACHINE, owner

Calls = Sequence[Op[Config, Memblock]]
TOP = 63


def lived_alike(cfg: Config, calls: Calls) -> list[Any]:
    """Return what Linux answers call by call, as long as both sides agree."""
    s, m, told = regions.initial(cfg), binding.build(cfg), []
    for op in calls:
        if s.stopped:
            break
        answer = op.choose(cfg, s)
        assert binding.apply(m, op) == answer, "the machine answers something else"
        s = op.after(cfg, s, answer)
        assert binding.abstract(m) == s, "the machine reaches another state"
        told.append(answer)
    return told


# ------------------------------------------------------------------ growing


def arrays_grow_move_and_are_freed_as_specified(
    top: int, first: int, stride: int, page: int, way: int, quirks: int
) -> bool:
    """Full arrays double into free memory, are reserved there, and free the old one."""
    cfg = Config(
        width=6,
        page_size=page,
        region_bytes=1,
        init_regions=2,
        quirks=tuple(name for i, name in enumerate(V5_10[:2]) if quirks >> i & 1),
        start=(Region(Addr(2), Addr(56), NONE, 0),),
        can_resize=way & 4 == 0,
    )
    places = [first + stride * i for i in range(6)]
    places = places[::-1] if way & 1 else places
    held = [ops.Reserve(Addr(at), Addr(1)) for at in places]
    holes = [ops.Remove(Addr(at + 1), Addr(1)) for at in places[1:5]]
    back = [ops.Free(Addr(at), Addr(2)) for at in places[::2]]
    late = [ops.SlabIsUp()] if way & 2 else []
    resize = [ops.AllowResize()]
    calls: Calls = [
        ops.SetBottomUp(bool(way & 8)),
        *held[:3],
        *resize,
        *held[3:5],
        *holes[:2],
        ops.SetCurrentLimit(Addr(first + 3 * stride)),
        *late,
        *holes[2:],
        held[5],
        *back,
    ]
    told = lived_alike(cfg, calls)
    slots = [e.max for each in told for e in each.events if isinstance(e, Doubled)]
    return all(n in (4, 8, 16, 32) for n in slots)


def growing(top: int) -> Iterator[Values]:
    """Yield where blocks lie, the size of a page, the direction, and the quirks."""
    yield from product((3, 20), (3, 5), (1, 4), range(16), range(4))


def grow_by_one(
    cfg: Config, s: Memblock, kind: str, hand: Range
) -> list[tuple[int, int]]:
    """Look for a new array below the range in hand first."""
    return right_windows(cfg, s, kind, hand)[::-1]


right_windows = search.array_windows

# ------------------------------------------------------------------ boot


def boot_calls_answer_and_end_as_specified(
    top: int, size: int, align: int, low: int, nid: int, way: int
) -> bool:
    """Blocks, marks, nodes, limits, cuts, trims and the hand-over follow each other."""
    start = (
        Region(Addr(2), Addr(14), NONE, 0),
        Region(Addr(16), Addr(9), HOTPLUG, 1),
        Region(Addr(30), Addr(10), NONE, 1),
        Region(Addr(50), Addr(13), NONE, 0),
    )
    cfg = Config(
        width=6,
        page_size=4 if way & 8 else 1,
        region_bytes=1,
        init_regions=16,
        cache_bytes=2,
        movable_node=bool(way & 1),
        quirks=V5_10[2:] if way & 2 else (),
        start=start,
        max_low_pfn=12 if way & 4 else 1 << 64,
        release="6.6",
    )
    exact, end = bool(way & 4), (0, 1, low + 24, 50)[way & 3]
    block = (Addr(size), align, Addr(low), Addr(end), nid, exact)
    place, length = Addr(low + 5), Addr(size + 4)
    calls: Calls = [
        ops.SetBottomUp(bool(way & 2)),
        ops.Reserve(Addr(0), Addr(3)),
        ops.PhysAlloc(*block),
        ops.SetFlag(place, length, "mark_nomap"),
        ops.AllocTryNid(*block, raw=bool(way & 1)),
        ops.ReserveDt(place, length, bool(way & 1)),
        ops.SetFlag(Addr(30), Addr(4), "mark_mirror"),
        ops.PhysAlloc(*block),
        ops.AllocTryNid(*block),
        ops.SetNode(place, length, ("memory", "reserved")[way & 1], 1),
        ops.FindInRange(Addr(low), Addr(end), Addr(size), max(1, align)),
        ops.TrimMemory(max(1, align)),
        ops.SetFlag(place, length, "clear_nomap"),
        ops.EnforceMemoryLimit(33 + low)
        if way & 1
        else ops.MemLimitRemoveMap(20 + low),
        ops.CapMemoryRange(place, Addr(size * 9)),
        ops.SetCurrentLimit(Addr(40)),
        ops.PhysAlloc(*block),
        ops.FreeLate(place, length),
        ops.ForEach("free", nid if nid >= 0 else MAX_NUMNODES, MIRROR & NOMAP),
        ops.ForEach("free_reverse", nid, HOTPLUG),
        ops.IsRegion("memory", place, Addr(size)),
        ops.IsRegion("reserved", place, length),
        ops.Extent(),
        ops.InitReservedPages(),
        ops.FreeAll(),
        ops.SlabIsUp(),
        ops.AllocTryNid(*block),
    ]
    return bool(lived_alike(cfg, calls))


def booting(top: int) -> Iterator[Values]:
    """Yield the size, alignment, bound and node of a block, and the other switches."""
    for way, k in product(range(16), range(12)):
        nid = (-1, 0, 1, MAX_NUMNODES)[(way + k) % 4]
        align, low = (1, 0, 4)[(k + way) % 3], (0, 9, 27)[(k // 3 + way) % 3]
        yield (0, 1, 3)[k % 3], align, low, nid, way


def limit_by_size(cfg: Config, s: Memblock, limit: int) -> int:
    """Take an amount of memory for an address."""
    return min(limit, cfg.top)


# ------------------------------------------------------------------ the lemmas

GROWTH = (
    Lemma(
        claim=arrays_grow_move_and_are_freed_as_specified,
        provers=(Sweep(6, growing, scope="small histories"),),
        mistakes=(
            Mistake(search, "array_windows", grow_by_one),
            Mistake(
                owner("reserve_array"), "reserve_array", mutants.forget_the_new_array
            ),
            Mistake(owner("free_array"), "free_array", mutants.keep_the_old_array),
            Mistake(
                owner("place_array"),
                "place_array",
                mutants.double_into_the_hand,
                bug="P02",
            ),
        ),
        size="arrays of 2 slots at first, 64 bytes",
    ),
    Lemma(
        claim=boot_calls_answer_and_end_as_specified,
        slow=True,
        provers=(Sweep(6, booting, scope="small histories"),),
        mistakes=(
            Mistake(whole, "limit_address", limit_by_size),
            Mistake(MACHINE, "fallback_nodes", mutants.help_out_anyway),
            Mistake(MACHINE, "remove_map", boot_mutants.forget_nomap_too),
            Mistake(MACHINE, "memblock_free_late", boot_mutants.free_partial_pages),
        ),
        size="4 regions in 64 bytes",
    ),
)
