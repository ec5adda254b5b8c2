"""Where memblock finds room: free ranges, the first that fits, and every fallback.

A free range is the overlap of one memory region with one gap between reservations,
so a block never spans two regions.  Linux takes the highest fit, or the lowest when
`bottom_up` is set; `Linux` does that, and `Told` follows somebody else's answer after
looking whether it is allowed.

Source: mm/memblock.c (v5.10).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..core import require
from ..linux import (
    MAX_NUMNODES,
    MEMBLOCK_ALLOC_ACCESSIBLE,
    MEMBLOCK_ALLOC_KASAN,
    NUMA_NO_NODE,
    Addr,
    Errno,
    MemblockFlags,
)
from .arrays import add_range, uncovered
from .regions import (
    DOUBLE_INTO_RANGE,
    HOTPLUG,
    MEMORY,
    MIRROR,
    NO_MIRROR,
    NOMAP,
    NONE,
    RESERVED,
    STATIC,
    Config,
    Done,
    Doubled,
    Events,
    LeakAlloc,
    Memblock,
    Outcome,
    Places,
    Range,
    Region,
    Request,
    Warn,
    overlaps,
    round_down,
    round_up,
)

FreeRange = tuple[int, int, int]  # start, end, nid
SPECIAL = (MEMBLOCK_ALLOC_ACCESSIBLE, MEMBLOCK_ALLOC_KASAN)  # the limit, as an end


def is_skipped(cfg: Config, r: Region, nid: int, flags: MemblockFlags) -> bool:
    """Say whether a memory region is not looked at (should_skip_region)."""
    return (
        (nid not in (NUMA_NO_NODE, r.nid))
        or (cfg.movable_node and HOTPLUG in r.flags and HOTPLUG not in flags)
        or (MIRROR in flags and MIRROR not in r.flags)
        or (NOMAP in r.flags and NOMAP not in flags)
    )


def gaps(cfg: Config, s: Memblock) -> list[tuple[int, int]]:
    """Return the ranges before, between and behind the reserved regions."""
    ends = [0, *(r.end for r in s.reserved.regions)]
    bases = [*(r.base for r in s.reserved.regions), cfg.top]
    return list(zip(ends, bases, strict=True))


def free_ranges(
    cfg: Config, s: Memblock, nid: int, flags: MemblockFlags
) -> Iterator[FreeRange]:
    """Yield the overlaps of memory regions and gaps, ascending (__next_mem_range).

    A range may be empty: where two reservations touch without being one.
    """
    nid = NUMA_NO_NODE if nid == MAX_NUMNODES else nid
    for r in s.memory.regions:
        if not is_skipped(cfg, r, nid, flags):
            for start, end in gaps(cfg, s):
                if start < r.end and r.base < end:
                    yield max(r.base, start), min(r.end, end), r.nid


def window(cfg: Config, s: Memblock, request: Request) -> tuple[int, int]:
    """Return the bounds of a search: the first page is never given away."""
    end = s.current_limit if request.end in SPECIAL else request.end
    start = max(request.start, cfg.page_size)
    return start, max(start, end)


def candidates(cfg: Config, s: Memblock, request: Request) -> Iterator[tuple[int, int]]:
    """Yield the free ranges of a search, cut to its window, ascending."""
    low, high = window(cfg, s, request)
    for start, end, _ in free_ranges(cfg, s, request.nid, request.flags):
        yield min(max(start, low), high), min(max(end, low), high)


def lowest_fit(cfg: Config, s: Memblock, request: Request) -> int:
    """Return the lowest fit (__memblock_find_range_bottom_up), 0 for none."""
    for start, end in candidates(cfg, s, request):
        addr = round_up(cfg, start, request.align)
        if addr < end and end - addr >= request.size:
            return addr
    return 0


def highest_fit(cfg: Config, s: Memblock, request: Request) -> int:
    """Return the highest fit (__memblock_find_range_top_down), 0 for none."""
    for start, end in reversed(list(candidates(cfg, s, request))):
        if end >= request.size:
            addr = round_down(end - request.size, request.align)
            if addr >= start:
                return addr
    return 0


def find_in_range_node(cfg: Config, s: Memblock, request: Request) -> int:
    """Return the address of the first fit in the direction in force, 0 for none."""
    fit = lowest_fit if s.bottom_up else highest_fit
    return fit(cfg, s, request)


def fits(cfg: Config, s: Memblock, request: Request, addr: int) -> bool:
    """Say whether a block at `addr` satisfies the search, wherever Linux would look."""
    if addr == 0 or addr & (request.align - 1):
        return False
    return any(
        start <= addr and addr + request.size <= end
        for start, end in candidates(cfg, s, request)
    )


# ------------------------------------------------------------------ placing


def array_windows(
    cfg: Config, s: Memblock, kind: str, hand: Range
) -> list[tuple[int, int]]:
    """Return where a doubled array is looked for: above the range in hand, then below.

    5.10 keeps clear of that range only for `reserved`, and so may put the memory array
    into memory that is just being removed: a bug, and a quirk here.  So is a range at
    address 0 or 1, which as an upper bound means "anywhere", that range included.
    """
    base, size = hand
    if kind == MEMORY and DOUBLE_INTO_RANGE in cfg.quirks:
        base = size = 0
    above = (base + size, s.current_limit)
    below = (0, min(base, s.current_limit))
    wild = base in SPECIAL and DOUBLE_INTO_RANGE not in cfg.quirks
    return [above, below] if size and not wild else [above]


def shielded(s: Memblock, ranges: tuple[Range, ...]) -> Memblock:
    """Return the state for a search that must keep clear of further ranges."""
    t = s.reserved
    for base, size in ranges:
        held = [
            Region(Addr(start), Addr(end - start))
            for start, end in uncovered(t, base, base + size)
        ]
        regions = tuple(sorted((*t.regions, *held), key=lambda r: r.base))
        t = replace(t, regions=regions)
    return replace(s, reserved=t)


class Linux:
    """Places things where Linux 5.10 does."""

    def __init__(self, kmalloc: bool) -> None:
        self.kmalloc = kmalloc

    def array(
        self,
        cfg: Config,
        s: Memblock,
        kind: str,
        hands: tuple[Range, ...],
        nr_bytes: int,
    ) -> tuple[int | None, Events]:
        """Return the address of a doubled array, 0 in the slab, None for nowhere."""
        events: Events = ()
        if s.slab_is_up:
            return STATIC if self.kmalloc else None, events
        s = shielded(s, hands[:-1])
        for low, high in array_windows(cfg, s, kind, hands[-1]):
            for flags in flag_choices(s):
                request = Request(nr_bytes, cfg.page_size, low, high, -1, flags)
                addr = find_in_range_node(cfg, s, request)
                if addr:
                    return addr, events
                if flags is MIRROR:
                    events += (NO_MIRROR,)
        return None, events

    def block(self, cfg: Config, s: Memblock, request: Request) -> int:
        """Return the address of a block, 0 for none."""
        return find_in_range_node(cfg, s, request)


class Told:
    """Places things where an answer says, and refuses what nobody may answer."""

    def __init__(self, outcome: Outcome, kmalloc: bool) -> None:
        self.value = outcome.value
        self.kmalloc = kmalloc
        self.doubled = [e for e in outcome.events if isinstance(e, Doubled)]

    def array(
        self,
        cfg: Config,
        s: Memblock,
        kind: str,
        hands: tuple[Range, ...],
        nr_bytes: int,
    ) -> tuple[int | None, Events]:
        """Return the place of the next doubling; it must be free, and clear of harm."""
        linux, _ = Linux(self.kmalloc).array(cfg, s, kind, hands, nr_bytes)
        if linux is None:  # nobody finds a place: the next doubling comes later
            return None, ()
        told = bool(self.doubled) and self.doubled[0].kind == kind
        why = f"{kind} is full and was not doubled although there is room"
        require(told, "MB-META", why)
        addr = self.doubled.pop(0).addr
        if s.slab_is_up:
            require(linux == addr, "MB-META", f"{kind} doubled to {addr:#x}")
            return addr, ()
        request = Request(nr_bytes, cfg.page_size, 0, 0, NUMA_NO_NODE, NONE)
        why = f"{kind} doubled to {addr:#x}, which is not {nr_bytes} free bytes"
        require(fits(cfg, s, request, addr), "MB-META", why)
        careless = DOUBLE_INTO_RANGE in cfg.quirks and (
            kind == MEMORY or hands[-1][0] in SPECIAL
        )
        for base, size in () if careless else hands:
            clash = overlaps(addr, addr + nr_bytes, Region(Addr(base), Addr(size)))
            why = f"{kind} doubled to {addr:#x}, into the range in hand"
            require(not clash, "MB-META", why)
        return addr, ()

    def block(self, cfg: Config, s: Memblock, request: Request) -> int:
        """Return the address answered if this search allows it; no fit is passed."""
        told = self.value if isinstance(self.value, int) else 0
        if fits(cfg, s, request, told):
            return told
        passed = self.must_find(cfg, s, request)
        why = f"{told:#x} is not a free, aligned block of {request}"
        require(not (told and passed), "MB-ALLOC", why)
        require(not passed, "MB-COMPLETE", f"none was found for {request}")
        return 0

    def must_find(self, cfg: Config, s: Memblock, request: Request) -> bool:
        """Say whether a block fits and can be recorded; one of no size need not be."""
        addr = find_in_range_node(cfg, s, request)
        if not addr or not request.size:
            return False
        block, linux = (addr, request.size), Linux(self.kmalloc)
        got = add_range(
            cfg, s, RESERVED, block, MAX_NUMNODES, NONE, self.kmalloc, linux
        )[1]
        return got is None

    def finish(self) -> None:
        """Require that every doubling had its reason."""
        why = f"{self.doubled[:1]} without need"
        require(not self.doubled, "MB-META", why)


# ------------------------------------------------------------------ allocating


def flag_choices(s: Memblock) -> tuple[MemblockFlags, ...]:
    """Return the flags to search with: mirrored memory first where there is any."""
    return (MIRROR, NONE) if s.has_mirror else (NONE,)


def alloc_range_nid(
    cfg: Config,
    s: Memblock,
    request: Request,
    exact_nid: bool,
    kmalloc: bool,
    places: Places,
) -> Done:
    """memblock_alloc_range_nid(): mirrored memory, the node, any node; then reserve."""
    events: Events = ()
    nid = request.nid
    if nid == MAX_NUMNODES:
        nid, events = NUMA_NO_NODE, (*events, Warn("MAX_NUMNODES is not a node"))
    align = request.align
    if not align:
        align, events = cfg.cache_bytes, (*events, Warn("no alignment"))
    nodes = (nid, NUMA_NO_NODE) if nid != NUMA_NO_NODE and not exact_nid else (nid,)
    for flags in flag_choices(s):
        for node in nodes:
            search = replace(request, align=align, nid=node, flags=flags)
            addr = Addr(places.block(cfg, s, search))
            if not addr:
                continue
            s, got, more = add_range(
                cfg,
                s,
                RESERVED,
                (addr, request.size),
                MAX_NUMNODES,
                NONE,
                kmalloc,
                places,
            )
            events += more
            if got is not Errno.ENOMEM:
                leak = (LeakAlloc(addr, Addr(request.size)),)
                quiet = request.end == MEMBLOCK_ALLOC_KASAN
                return s, addr, events if quiet else events + leak
        if flags is MIRROR:
            events += (NO_MIRROR,)
    return s, Addr(0), events


def alloc_internal(
    cfg: Config,
    s: Memblock,
    request: Request,
    exact_nid: bool,
    kmalloc: bool,
    places: Places,
) -> Done:
    """memblock_alloc_internal(): within the limit; the lower bound is only a wish."""
    request = replace(request, end=min(request.end, s.current_limit))
    s, addr, events = alloc_range_nid(cfg, s, request, exact_nid, kmalloc, places)
    if addr or not request.start:
        return s, addr, events
    request = replace(request, start=0)
    s, addr, more = alloc_range_nid(cfg, s, request, exact_nid, kmalloc, places)
    return s, addr, events + more
