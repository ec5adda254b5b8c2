"""The memblock machine: growth with its regions, and against two peers.

The layout is one region of memory, free at both ends, with `n` small reservations at
regular distances between; for adding and removing, the memory array has the `n`.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable
from functools import partial
from itertools import count, islice, repeat
from math import log10
from random import Random
from time import perf_counter
from typing import Any

from table import Table, Times, factor, fastest, span, spread

from mmoracle.checkers.bind.memblock import abstract
from mmoracle.impl.memblock import Memblock
from mmoracle.spec.linux import MAX_NUMNODES, NUMA_NO_NODE, Addr
from mmoracle.spec.memblock import ops
from mmoracle.spec.memblock.regions import V5_10, Config

SIZES = (10, 100, 1_000, 10_000, 100_000)
FEASIBLE = (10, 100, 1_000)  # for the specification, which copies its arrays
BASE, ROOM = 1 << 24, 1 << 24  # where memory begins, and what is free at either end
STRIDE, BLOCK = 0x10000, 0x100  # from one reservation to the next, and its size
SLOTS = 1 << 20  # so many that no array doubles
COUNT = 200  # operations of a kind in one repetition
GAPS = 40_000  # gaps that the long searches of one repetition pass
CFG = Config(quirks=V5_10, init_regions=SLOTS)

RESERVE, FREE = "reserve a separate range", "free it again"
QUESTION = "ask whether an address is reserved"
FEW = "ask about 16 addresses in turn"
EASY = "allocate at the free top"
HARD = "allocate below n small gaps, a new request"
AGAIN = "allocate below n small gaps, the same request again"
ADD, REMOVE = "add separate memory", "remove it again"
NAMES = (RESERVE, FREE, QUESTION, FEW, EASY, HARD, AGAIN, ADD, REMOVE)


# ------------------------------------------------------------------ layout


def at(i: int) -> int:
    """Return the address of reservation i."""
    return BASE + ROOM + i * STRIDE


def beside(n: int, times: int) -> list[int]:
    """Return addresses spread at random over the gaps between n regions."""
    dice = Random(n)
    return [at(dice.randrange(n)) + STRIDE // 2 for _ in range(times)]


def crowded(n: int) -> Memblock:
    """Return a machine with n reservations in one region of memory."""
    m = Memblock(init_regions=SLOTS)
    m.memblock_add_node(BASE, 2 * ROOM + n * STRIDE, 0)
    for i in range(n):
        m.memblock_reserve(at(i), BLOCK)
    return m


def scattered(n: int) -> Memblock:
    """Return a machine with n regions of memory and nothing reserved."""
    m = Memblock(init_regions=SLOTS)
    for i in range(n):
        m.memblock_add_node(at(i), BLOCK, 0)
    return m


def searches(n: int) -> int:
    """Return how many long searches fit into one repetition."""
    return max(4, min(COUNT, GAPS // n))


# ------------------------------------------------------------------ our side


def there_and_back(
    m: Memblock,
    addrs: list[int],
    there: Callable[[int], Any],
    back: Callable[[int], Any],
) -> tuple[float, float]:
    """Do and undo one thing at each address; return the mean seconds of both."""
    going = coming = 0.0
    for addr in addrs:
        begun = perf_counter()
        there(addr)
        done = perf_counter()
        back(addr)
        coming += perf_counter() - done
        going += done - begun
        m.events.clear()
    return going / len(addrs), coming / len(addrs)


def allocations(m: Memblock, ends: Iterable[int], times: int) -> float:
    """Return the mean seconds of one allocation below an end, each freed again."""
    took = 0.0
    for end in islice(ends, times):
        begun = perf_counter()
        got = m.memblock_alloc_range_nid(STRIDE, BLOCK, 0, end, NUMA_NO_NODE, False)
        took += perf_counter() - begun
        m.memblock_free(got, STRIDE)
        m.events.clear()
    return took / times


def questions(m: Memblock, addrs: list[int]) -> float:
    """Return the mean seconds to ask whether an address is reserved."""
    search, begun = m.reserved.memblock_search, perf_counter()
    for addr in addrs:
        search(addr)
    return (perf_counter() - begun) / len(addrs)


class Layout:
    """The machines of one size; the request of a new search was never made before."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.reserving, self.searching = crowded(n), crowded(n)
        self.memory = scattered(n)
        self.new_ends = (at(n) - back for back in count(1))

    def searches(self) -> Times:
        """Return the mean seconds for each way to search."""
        m, times = self.searching, searches(self.n)
        return {
            EASY: allocations(m, repeat(0), COUNT),
            HARD: allocations(m, self.new_ends, times),
            AGAIN: allocations(m, repeat(at(self.n)), COUNT),
        }

    def questions(self, addrs: list[int]) -> Times:
        """Return the mean seconds to ask about many addresses, and about few."""
        few = addrs[:16] * (COUNT // 16)
        return {
            QUESTION: questions(self.reserving, addrs),
            FEW: questions(self.reserving, few),
        }

    def repetition(self) -> Times:
        """Return the mean seconds for each operation of the machine."""
        m, memory, addrs = self.reserving, self.memory, beside(self.n, COUNT)
        reserving, freeing = there_and_back(
            m,
            addrs,
            lambda addr: m.memblock_reserve(addr, BLOCK),
            lambda addr: m.memblock_free(addr, BLOCK),
        )
        adding, removing = there_and_back(
            memory,
            addrs,
            lambda addr: memory.memblock_add_node(addr, BLOCK, 0),
            lambda addr: memory.memblock_remove(addr, BLOCK),
        )
        found = {RESERVE: reserving, FREE: freeing, ADD: adding, REMOVE: removing}
        return found | self.searches() | self.questions(addrs)


# ------------------------------------------------------------------ the peers


def steps(state: Any, moves: list[Any]) -> float:
    """Return the mean seconds for one step of the specification: answer, then judge."""
    begun = perf_counter()
    for op in moves:
        op.after(CFG, state, op.choose(CFG, state))
    return (perf_counter() - begun) / len(moves)


def spec_repetition(n: int, state: Any, memory: Any) -> Times:
    """Return the mean seconds for the same operations of the specification."""
    addrs, size = [Addr(each) for each in beside(n, searches(10 * n))], Addr(BLOCK)

    def ask(end: int) -> list[Any]:
        bounds = Addr(0), Addr(end)
        return [ops.PhysAlloc(Addr(STRIDE), BLOCK, *bounds, NUMA_NO_NODE, False)] * 4

    where = [Addr(each - STRIDE // 2) for each in addrs]  # is reserved, so can be freed
    return {
        RESERVE: steps(state, [ops.Reserve(each, size) for each in addrs]),
        FREE: steps(state, [ops.Free(each, size) for each in where]),
        QUESTION: steps(state, [ops.IsReserved("reserved", each) for each in addrs]),
        EASY: steps(state, ask(0)),
        HARD: steps(state, ask(at(n))),
        ADD: steps(memory, [ops.Add(each, size, 0) for each in addrs]),
        REMOVE: steps(memory, [ops.Remove(each, size) for each in where]),
    }


def list_repetition(n: int) -> Times:
    """Return the mean seconds to enter a tuple into a sorted list and to delete it."""
    held = [(at(i), at(i) + BLOCK, 0, MAX_NUMNODES) for i in range(n)]
    going = coming = 0.0
    addrs = beside(n, COUNT)
    for addr in addrs:
        row = (addr, addr + BLOCK, 0, MAX_NUMNODES)
        begun = perf_counter()
        insort(held, row)
        done = perf_counter()
        del held[bisect_left(held, row)]
        coming += perf_counter() - done
        going += done - begun
    return {RESERVE: going / len(addrs), FREE: coming / len(addrs)}


# ------------------------------------------------------------------ tables


def tables(quick: bool) -> list[Table]:
    """Return the growth of the machine and its ratios to the two peers."""
    sizes = SIZES[:-1] if quick else SIZES
    sides: dict[tuple[str, int], Callable[[], Times]] = {}
    for n in sizes:
        layout = Layout(n)
        sides["machine", n] = layout.repetition
        sides["list", n] = partial(list_repetition, n)
        if n in FEASIBLE:
            values = abstract(layout.reserving), abstract(layout.memory)
            sides["spec", n] = partial(spec_repetition, n, *values)
    took = fastest(sides, repeats=3 if quick else 9)
    return [growth(took, sizes), against_spec(took), against_list(took, sizes)]


def growth(took: dict[tuple[str, int], Times], sizes: tuple[int, ...]) -> Table:
    """Return the time for each operation relative to the smallest array."""
    first, last = sizes[0], sizes[-1]
    rows = {
        name: [took["machine", n][name] / took["machine", first][name] for n in sizes]
        for name in NAMES
    }
    ask, few = rows[QUESTION][-1], rows[FEW][-1]
    shifts = max(rows[name][-1] for name in (RESERVE, FREE, ADD, REMOVE))
    gap = rows[HARD][-1] / rows[HARD][-2]
    rows["(log n)"] = [log10(n) / log10(first) for n in sizes]
    note = (
        f"With {last // first:,} times as many regions a question costs {factor(ask)}"
        f" times as much ({factor(few)} where the caches hold the answer), an edit up"
        f" to {factor(shifts)} times, as list slots must move; a new search that finds"
        " no room in any gap looks at each of them, so the last tenfold costs it"
        f" {factor(gap)} times as much, and a request that was made before goes on"
        " where it ended."
    )
    return Table(
        f"Growth of one operation with the regions, relative to n = {first}",
        ["operation", *(f"n = {n:,}" for n in sizes)],
        [[name, *map(factor, row)] for name, row in rows.items()],
        note,
    )


def against_spec(took: dict[tuple[str, int], Times]) -> Table:
    """Return the specification's time divided by the machine's."""
    rows = {
        name: [took["spec", n][name] / took["machine", n][name] for n in FEASIBLE]
        for name in NAMES
        if name in took["spec", FEASIBLE[0]]
    }
    note = (
        f"A step of the specification (`choose`, then `after`: the work twice) takes"
        f" {span(row[-1] for row in rows.values())} times as long at"
        f" {FEASIBLE[-1]:,} regions: it writes whole arrays anew, to be read easily."
    )
    return Table(
        "How many times longer the plain specification takes",
        ["operation", *(f"n = {n:,}" for n in FEASIBLE)],
        [[name, *map(factor, row)] for name, row in rows.items()],
        note,
    )


def against_list(took: dict[tuple[str, int], Times], sizes: tuple[int, ...]) -> Table:
    """Return the machine's time divided by that of a bare sorted list."""
    rows = {
        name: [took["machine", n][name] / took["list", n][name] for n in sizes]
        for name in (RESERVE, FREE)
    }
    cells = [x for row in rows.values() for x in row]
    note = (
        f"The machine is {spread(cells)}: the list neither merges nor splits nor"
        " counts, and has one column to move where the machine has four."
    )
    return Table(
        "Time divided by that of one sorted list (`bisect.insort`, `del`)",
        ["operation", *(f"n = {n:,}" for n in sizes)],
        [[name, *map(factor, row)] for name, row in rows.items()],
        note,
    )
