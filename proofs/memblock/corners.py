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

from mmoracle.checkers.bind import memblock as binding
from mmoracle.checkers.bind.memblock import MEMBLOCK
from mmoracle.checkers.lemma import Lemma, Mistake, Sweep, Values
from mmoracle.impl.memblock import Memblock as Machine
from mmoracle.impl.memblock.answers import Answers
from mmoracle.impl.memblock.regions import MemblockType
from mmoracle.impl.memblock.search import Search
from mmoracle.proofs.alike import alike
from mmoracle.proofs.sides import both_do_alike, both_judge_alike
from mmoracle.spec.linux import MAX_NUMNODES, NUMA_NO_NODE, Addr
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
    Request,
    ReservePages,
)
from mmoracle.spec.memblock.search import find_in_range_node

PAGE, FEW = 4, 2
FEW_SLOTS = "63 bytes, arrays of two slots"
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
    rows((0, 63, HOTPLUG, 0)),
    rows((0, 16, NONE, 0), (61, 63, NONE, 1)),
    rows((4, 10, MIRROR, 0), (12, 18, NONE, 0)),
    rows((0, 1, NONE, 0), (8, 56, MIRROR, 1)),
    rows((4, 28, NONE, 0), (36, 60, NONE, 1), array=48),
    rows((4, 20, NOMAP, 0), (20, 36, NOMAP, 0), (36, 52, NOMAP, 0), slots=4),
    replace(rows(slots=3), total_size=Addr(5)),
)
HELD = (
    rows(slots=3),
    rows((8, 12), (20, 24)),
    rows((8, 12), slots=1),
    rows((16, 24), (44, 52), array=16),
    rows((20, 28), (28, 30, NONE, 0), slots=3),
)


def changes() -> Iterator[Any]:
    """Yield operations on ranges, and limits."""
    for base, size in product(POINTS, (0, 3, 8, 24, 63)):
        a, n = Addr(base), Addr(size)
        yield from (ops.Add(a, n, 1), ops.Reserve(a, n), ops.Remove(a, n))
        yield from (ops.Free(a, n), ops.SetFlag(a, n, "clear_hotplug"))
        yield from (ops.CapMemoryRange(a, n), ops.SetNode(a, n, "reserved", 1))
    for limit in (0, 1, 16, 24, 48):
        yield from (ops.EnforceMemoryLimit(limit), ops.MemLimitRemoveMap(limit))


def searches() -> Iterator[Any]:
    """Yield searches, of every direction and size."""
    for size, align, start in product((0, 1, 4, 8), (1, 3, 8), (0, 12)):
        told = (Addr(size), align, Addr(start), Addr(0))
        yield from (ops.PhysAlloc(*told), ops.PhysAlloc(*told, 0, True))
        yield ops.AllocTryNid(*told, 1)


def questions() -> Iterator[Any]:
    """Yield questions whose answers leave something open."""
    for which in ("memory", "reserved", "free", "free_reverse", "pfn"):
        yield ops.ForEach(which)
    for base, size in product(POINTS, (0, 3)):
        yield ops.IsRegion("memory", Addr(base), Addr(size))
        yield ops.IsRegion("reserved", Addr(base), Addr(size))


def states() -> Iterator[Memblock]:
    """Yield states that are near an edge."""
    for memory, held, grows in product(MEMORIES, HELD, (False, True)):
        mirror = any(MIRROR in r.flags for r in memory.regions)
        yield Memblock(
            memory, held, False, Addr(63), can_resize=grows, has_mirror=mirror
        )


@cache
def operations() -> tuple[Case, ...]:
    """Return every operation in every state; of those with arguments, one in a few."""
    machines = [*product(CONFIGS, states())]
    every = [
        (cfg, replace(s, bottom_up=bool(at & 1)), op)
        for cfg, s in machines
        for at, op in enumerate((*changes(), *searches()))
    ]
    whole = (ops.FreeAll(), ops.InitReservedPages(), ops.TrimMemory(8))
    rest = [(cfg, s, op) for cfg, s in machines for op in whole]
    asked = [(CONFIGS[0], s, op) for s in states() for op in questions()]
    return (*every[::EVERY], *rest, *asked)


EVERY = 29  # of them one is kept; no divisor of how many there are of a kind


def near_an_edge_memblock_changes_alike(top: Any, cfg: Any, s: Any, op: Any) -> Any:
    """One operation gives one answer on both sides, and leads to one state."""
    return both_do_alike(MEMBLOCK, cfg, s, op)


def near_an_edge_memblock_judges_alike(top: Any, cfg: Any, s: Any, op: Any) -> bool:
    """What somebody else might answer is refused by both sides, or taken by both."""
    told = others(cfg, s, op)
    return all(both_judge_alike(MEMBLOCK, cfg, s, op, each) for each in told)


def others(cfg: Config, s: Memblock, op: Any) -> Iterator[Any]:
    """Yield what is due, and what is nearly the same."""
    due = op.choose(cfg, s)
    yield due
    if isinstance(due, bool):
        yield not due
    elif isinstance(due, tuple):
        yield from other_ranges(due)
    elif not isinstance(op, ops.FreeAll):  # what follows a move would be wrong as well
        yield from other_outcomes(op, due)


def other_ranges(due: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """Yield a walk with one range cut, lost, in front, empty, or joined to the next."""
    for at, (start, end, nid) in enumerate(due):
        before, behind = due[:at], due[at + 1 :]
        halves = ((start, start + 1, nid), (start + 1, end, nid))
        yield (*before, *halves, *behind)
        yield (*before, *halves[::-1], *behind)
        yield (*before, *halves, (end, end, nid), *behind)
        yield (*before, (start, start + 1, nid), (start + 1, end, nid + 1), *behind)
        yield (*before, (start, end, nid), (end, start, nid), *behind)
        yield (*before, (start + 1, start, nid), (start, end, nid), *behind)
        yield (*before, *behind)


def other_outcomes(op: Any, due: Outcome) -> Iterator[Outcome]:
    """Yield an outcome with another block, node, or place of an array."""
    for at, event in enumerate(due.events):
        if isinstance(event, Doubled):
            for addr in POINTS:
                told = list(due.events)
                told[at] = replace(event, addr=Addr(addr))
                yield replace(due, events=tuple(told))
            yield replace(due, events=(*due.events[:at], *due.events[at + 1 :]))
        if isinstance(event, ReservePages):
            for nid in (-1, MAX_NUMNODES):
                told = list(due.events)
                told[at] = replace(event, nid=nid)
                yield replace(due, events=tuple(told))
    if isinstance(op, (ops.PhysAlloc, ops.AllocTryNid)):
        yield from (replace(due, value=Addr(addr)) for addr in POINTS)
        yield replace(due, value=None)


# ------------------------------------------------------------------ one after another


def a_border_that_a_cap_left_is_gone_after_the_next_change(
    top: Any, at: Any, base: Any, size: Any
) -> bool:
    """Memory that nothing maps is cut at a cap; what merges next merges it, alike."""
    cfg, memory = CONFIGS[at], rows((4, 52, NOMAP, 0), (56, 60, NOMAP, 0), slots=9)
    s = Memblock(memory, rows(slots=9), False, Addr(63))
    told = (ops.CapMemoryRange(base, size), ops.Add(Addr(54), Addr(1)))
    return alike(MEMBLOCK, cfg, told, s) is not None


def caps(top: int) -> Iterator[Values]:
    """Yield a machine and a range to keep."""
    for at, base, size in product(range(len(CONFIGS)), POINTS, (1, 8, 24)):
        yield at, Addr(base), Addr(size)


def what_follows_a_mark_is_taken_back_and_no_more(
    top: Any, at: Any, base: Any, size: Any
) -> bool:
    """Taking back what followed a mark restores the state there, not an earlier one."""
    m = binding.load(CONFIGS[at], Memblock(MEMORIES[0], rows(slots=9), False, Addr(63)))
    m.follow(None)
    m.memblock_reserve(20, 8)
    there, mark = binding.abstract(m), m.mark()
    m.memblock_reserve(base, size)
    m.memblock_remove(base, size)
    m.take_back(mark)
    return bool(binding.abstract(m) == there)


def a_search_made_again_sees_what_became_of_memory(
    top: Any, length: int, align: int, low: int, up: int, base: int, adds: int
) -> bool:
    """A search finds what a first one would, though memory came or went."""
    cfg = Config(width=6, page_size=1)
    memory = rows((9, 12, NONE, 0), (20, 30, NONE, 0), slots=9)
    m = binding.load(cfg, Memblock(memory, rows((22, 25), slots=9), False, Addr(63)))
    m.bottom_up = bool(up)
    request = Request(length, align, low, 0, NUMA_NO_NODE, NONE)
    asked = (length, align, low, 0, NUMA_NO_NODE, 0)
    for changes in (False, False, True):
        if changes and adds:
            m.memblock_add_node(base, 4, 0)
        elif changes:
            m.memblock_remove(base, 4)
        due = find_in_range_node(cfg, binding.abstract(m), request)
        if m.memblock_find_in_range_node(*asked) != due:
            return False
    return True


def again(top: int) -> Iterator[Values]:
    """Yield a size, an alignment, a border, a direction and a change."""
    sizes, aligns, lows = (0, 1, 3, 6), (1, 3, 6, 8), (0, 8, 21)
    bases = (4, 10, 16, 26, 40)
    return product(sizes, aligns, lows, (0, 1), bases, (0, 1))


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


def remember_for_ever(m: Any, sought: Any) -> tuple[int, int]:
    """Go on where the same search came to, whatever memory became."""
    m.reserved.seen = m.memory.edits
    return right_resume(m, sought)


def take_all_back(m: Any, mark: Any) -> None:
    """Undo every edit there was."""
    right_take_back(m, (0, *mark[1:]))


def cut_without_a_seam(m: Any, base: int, size: int) -> Any:
    """Forget where a cap has cut."""
    got = right_cap(m, base, size)
    m.memory.seams.clear()
    return got


right_resume, right_take_back = Search.resume, Answers.take_back
right_cap = Machine.memblock_cap_memory_range

CORNERS = (
    Lemma(
        claim=a_border_that_a_cap_left_is_gone_after_the_next_change,
        provers=(Sweep(cases=caps, scope="63 bytes, two regions"),),
        mistakes=(Mistake(Machine, "memblock_cap_memory_range", cut_without_a_seam),),
    ),
    Lemma(
        claim=what_follows_a_mark_is_taken_back_and_no_more,
        provers=(Sweep(cases=caps, scope="63 bytes, one region"),),
        mistakes=(Mistake(Answers, "take_back", take_all_back),),
    ),
    Lemma(
        claim=a_search_made_again_sees_what_became_of_memory,
        provers=(Sweep(cases=again, scope="63 bytes, two regions"),),
        mistakes=(Mistake(Search, "resume", remember_for_ever),),
    ),
    Lemma(
        claim=near_an_edge_memblock_changes_alike,
        provers=(Sweep(cases=lambda top: operations(), scope=FEW_SLOTS),),
        mistakes=(
            Mistake(whole, "touches_array", touch_nothing),
            Mistake(MemblockType, "merge_regions", merge_nothing),
        ),
        slow=True,
    ),
    Lemma(
        claim=near_an_edge_memblock_judges_alike,
        provers=(Sweep(cases=lambda top: operations(), scope=FEW_SLOTS),),
        mistakes=(Mistake(Answers, "why_not_array", keep_no_clear),),
        slow=True,
    ),
)
