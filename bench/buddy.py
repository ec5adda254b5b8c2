"""The page allocator's machine: against a C allocator, and growth with the zone.

A zone is filled, and random blocks are freed until half of it is in use, so that what
is free lies scattered; then blocks of random orders come and go, which split and merge.
Requests are drawn before they are timed.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from array import array
from collections.abc import Callable, Iterable
from itertools import product
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TypeAlias

from table import Table, Times, factor, fastest, span

from mmoracle.impl.buddy import PageAllocator
from mmoracle.spec.linux import MAX_ORDER, MIGRATE_MOVABLE

PEER_SOURCE = Path(__file__).with_name("buddy_peer.c")
PAGEBLOCK_ORDER = 9
PAGES = 1 << 16  # of the zone that both sides manage
SIZES = tuple(1 << bits for bits in range(10, 23, 3))
COUNT = 20_000  # requests in one repetition
MIXED = "random blocks of orders 0 to 3"
LADDER = "one page of a free zone: 10 splits, 10 merges"
ORDERS = {
    MIXED: (0, 1, 2, 3),
    "random single pages": (0,),
    "random huge pages, order 9": (PAGEBLOCK_ORDER,),
}
NO_PEER = "No C compiler was found that works (`cc`, `gcc`, `clang`): no peer is shown."

Live = list[tuple[int, int]]  # (pfn, order) of what is handed out
# Requests to warm up with, and then those of each repetition.
Lots: TypeAlias = "list[array[int]]"


# ------------------------------------------------------------------ requests


class Requests:
    """Requests that hold a zone about half in use, drawn without an allocator.

    A negative one allocates a block of order ~request; any other frees the live block
    of that number, whose place the last one takes.
    """

    def __init__(self, pages: int, orders: tuple[int, ...]) -> None:
        self.pages, self.orders = pages, orders
        self.dice = Random(pages)
        self.live: list[int] = []  # orders
        self.used = 0

    def alloc(self) -> int:
        """Return a request for a block of a random order."""
        order = self.dice.choice(self.orders)
        self.live.append(order)
        self.used += 1 << order
        return ~order

    def free(self) -> int:
        """Return a request to free a random block."""
        at = self.dice.randrange(len(self.live))
        self.used -= 1 << self.live[at]
        self.live[at] = self.live[-1]
        self.live.pop()
        return at

    def draw(self) -> int:
        """Return one or the other, so that 3/8 to 5/8 of the zone stay in use."""
        eighths = 8 * self.used / self.pages
        grows = self.dice.random() < 0.5 if 3 < eighths < 5 else eighths <= 3
        return self.alloc() if grows else self.free()

    def warm(self) -> array[int]:
        """Return what fills 7/8 of the zone and frees random blocks down to a half."""
        requests = array("i")
        while self.used < self.pages * 7 // 8:
            requests.append(self.alloc())
        while self.used > self.pages // 2:
            requests.append(self.free())
        return requests

    def lot(self) -> array[int]:
        """Return the requests of one repetition."""
        return array("i", (self.draw() for _ in range(COUNT)))


def lots(mix: str, pages: int, repeats: int) -> Lots:
    """Return what to ask of a zone of so many pages."""
    if mix == LADDER:
        return [array("i"), *[array("i", [~0, 0] * (COUNT // 2))] * repeats]
    requests = Requests(pages, ORDERS[mix])
    return [requests.warm(), *(requests.lot() for _ in range(repeats))]


# ------------------------------------------------------------------ our side


class Machine:
    """The machine with one zone and no pagesets, all of it free at first."""

    def __init__(self, pages: int, lots: Lots) -> None:
        blocks = -(-pages >> PAGEBLOCK_ORDER)
        self.allocator = PageAllocator(
            [(0, pages)],
            [],
            orders=MAX_ORDER,
            pageblock_order=PAGEBLOCK_ORDER,
            types=[MIGRATE_MOVABLE] * blocks,
        )
        self.allocator.free_core(0, pages)
        self.live: Live = []
        self.lots = iter(lots)
        self.play(next(self.lots))

    def play(self, requests: array[int]) -> None:
        """Do each request."""
        alloc, free = self.allocator.alloc_pages, self.allocator.free_pages
        live = self.live
        for request in requests:
            if request < 0:
                pfn = alloc(0, 0, ~request, MIGRATE_MOVABLE, 0, False)
                live.append((pfn, ~request))
            else:
                pfn, order = live[request]
                live[request] = live[-1]
                live.pop()
                free(0, pfn, order)
        self.allocator.events.clear()

    def repetition(self) -> Times:
        """Return the mean seconds for one request of the next repetition."""
        return timed(self.play, next(self.lots))

    def outcome(self) -> tuple[list[int], Live]:
        """Return the free blocks of each order, and what is handed out."""
        return self.allocator.zones[0].nr_free, self.live


def timed(play: Callable[[array[int]], None], requests: array[int]) -> Times:
    """Return the mean seconds for one of these requests."""
    begun = perf_counter()
    play(requests)
    return {"request": (perf_counter() - begun) / len(requests)}


# ------------------------------------------------------------------ the peer


def compiled() -> ctypes.CDLL | None:
    """Compile and load the C allocator, none where no compiler does it."""
    cc = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if cc is None:
        return None
    with TemporaryDirectory() as room:
        built = Path(room, "buddy_peer.so")
        command = [cc, "-O2", "-shared", "-fPIC", "-o", str(built), str(PEER_SOURCE)]
        if subprocess.run(command, check=False).returncode:
            return None
        peer = ctypes.CDLL(str(built))
    zone, size = ctypes.c_void_p, ctypes.c_size_t
    peer.zone_new.argtypes, peer.zone_new.restype = [ctypes.c_uint32], zone
    peer.zone_delete.argtypes, peer.zone_delete.restype = [zone], None
    peer.zone_run.argtypes, peer.zone_run.restype = [zone, zone, size], size
    peer.zone_nr_free.argtypes = [zone, ctypes.c_uint]
    peer.zone_nr_live.argtypes, peer.zone_nr_live.restype = [zone], size
    peer.zone_live.argtypes, peer.zone_live.restype = [zone, size], ctypes.c_int64
    return peer


class Peer:
    """The C allocator with a zone of its own."""

    def __init__(self, peer: ctypes.CDLL, pages: int, lots: Lots) -> None:
        self.peer, self.zone = peer, peer.zone_new(pages)
        if not self.zone:
            raise MemoryError(f"no room for a zone of {pages:,} pages")
        self.lots = iter(lots)
        self.play(next(self.lots))

    def __del__(self) -> None:
        self.peer.zone_delete(self.zone)

    def play(self, requests: array[int]) -> None:
        """Do each request."""
        address, count = requests.buffer_info()
        done = self.peer.zone_run(self.zone, address, count)
        if done != count:
            raise RuntimeError(f"the C allocator fails at request {done:,}")

    def repetition(self) -> Times:
        """Return the mean seconds for one request of the next repetition."""
        return timed(self.play, next(self.lots))

    def outcome(self) -> tuple[list[int], Live]:
        """Return the free blocks of each order, and what is handed out."""
        free = [self.peer.zone_nr_free(self.zone, order) for order in range(MAX_ORDER)]
        codes = (
            self.peer.zone_live(self.zone, at)
            for at in range(self.peer.zone_nr_live(self.zone))
        )
        return free, [(code >> 4, code & 15) for code in codes]


# ------------------------------------------------------------------ tables


def measured(
    mixes: Iterable[str], sizes: Iterable[int], repeats: int
) -> dict[tuple[str, str, int], float]:
    """Return the seconds for one request, by side, mix of requests and pages.

    Both sides must end with the same blocks, free and handed out: the same work.
    """
    library, cases = compiled(), list(product(mixes, sizes))
    sides: dict[tuple[str, str, int], Machine | Peer] = {}
    for mix, pages in cases:
        asked = lots(mix, pages, repeats)
        sides["machine", mix, pages] = Machine(pages, asked)
        if library is not None:
            sides["C", mix, pages] = Peer(library, pages, asked)
    took = fastest({key: side.repetition for key, side in sides.items()}, repeats)
    for case in cases if library is not None else ():
        if sides["machine", *case].outcome() != sides["C", *case].outcome():
            raise RuntimeError(f"{case}: the two allocators end with different blocks")
    return {key: times["request"] for key, times in took.items()}


def against_c(repeats: int) -> Table:
    """Return the machine's rate and the C allocator's for the same requests."""
    mixes = (*ORDERS, LADDER)
    took, rows, ratios = measured(mixes, [PAGES], repeats), [], []
    for mix in mixes:
        ours, theirs = took["machine", mix, PAGES], took.get(("C", mix, PAGES))
        row = [mix, f"{1 / ours:,.0f}"]
        if theirs is not None:
            ratios.append(ours / theirs)
            row += [f"{1 / theirs:,.0f}", factor(ours / theirs)]
        rows.append(row)
    head, note = ["requests", "machine, operations/s"], NO_PEER
    if ratios:
        head += ["C, operations/s", "times as long as C"]
        note = (
            f"Plain Python takes {span(ratios)} times as long as a buddy allocator of"
            f" {lines_of(PEER_SOURCE)} lines of C, `cc -O2`, on the same requests; both"
            " end with the same blocks handed out and as many free ones of each order."
            " The machine also knows types, pagesets, guards and owners, and notes each"
            " event. Random requests split and merge little, as what was freed last is"
            " handed out first; the last row, in a free zone, does both at every order."
        )
    title = f"Allocating and freeing in a zone of {PAGES:,} pages, about half in use"
    return Table(title, head, rows, note)


def lines_of(path: Path) -> int:
    """Return how many lines a file has."""
    return len(path.read_text(encoding="utf-8").splitlines())


def growth(sizes: tuple[int, ...], repeats: int) -> Table:
    """Return the time for one request relative to the smallest zone."""
    took = measured((MIXED, LADDER), sizes, repeats)
    first, last = sizes[0], sizes[-1]
    rows = {
        (side, mix): [took[side, mix, n] / took[side, mix, first] for n in sizes]
        for side, mix, n in took
        if n == first
    }
    ours = rows["machine", MIXED][-1]
    note = (
        f"{last // first:,} times as many pages make a random request {factor(ours)}"
        " times as long, and no step looks at more than one block of each order: the"
        " processor's caches no longer hold the zone, and in a large zone what is free"
        " stays scattered for longer, so that more of it merges."
    )
    if ("C", MIXED) in rows:
        theirs = factor(rows["C", MIXED][-1])
        note += f" The C allocator takes {theirs} times as long, for the same reasons."
    return Table(
        f"Growth of one request with the zone, relative to {first:,} pages",
        ["requests", "side", *(f"{n:,}" for n in sizes)],
        [[mix, side, *map(factor, row)] for (side, mix), row in rows.items()],
        note,
    )


def tables(quick: bool) -> list[Table]:
    """Return the ratios to the peer, and the growth with the zone."""
    repeats = 3 if quick else 9
    return [against_c(repeats), growth(SIZES[:-1] if quick else SIZES, repeats)]
