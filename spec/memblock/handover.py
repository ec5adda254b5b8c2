"""The hand-over: what becomes of memory when memblock ends.

Source: mm/memblock.c (v5.10; `InitReservedPages` of 6.6).
"""

from __future__ import annotations

from ..core import Domains, OneOf, nothing, require, value
from ..linux import (
    MAX_NUMNODES,
    MAX_ORDER,
    NUMA_NO_NODE,
    Addr,
)
from .change import Change, on_ranges, pfn_down, pfn_up, with_kmalloc
from .ranges import set_flag, set_node
from .regions import (
    HOTPLUG,
    NONE,
    RESERVED,
    Config,
    Done,
    Events,
    FreePages,
    LeakFree,
    Memblock,
    Outcome,
    Places,
    ReservePages,
)
from .search import free_ranges


@value
class FreeLate:
    """memblock_free_late(): whole pages go to the buddy allocator, one by one.

    `reserved` does not change: memblock may be gone already.
    """

    base: Addr
    size: Addr

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        sizes = OneOf(tuple(size for size in cfg.sizes if size < cfg.top))
        return {**on_ranges(cfg, s), "size": sizes}

    def choose(self, cfg: Config, s: Memblock) -> Outcome:
        end = (self.base + self.size) & cfg.top
        pfns = range(pfn_up(cfg, self.base), pfn_down(cfg, end))
        pages = tuple(FreePages(pfn, 0) for pfn in pfns)
        return Outcome(None, (LeakFree(self.base, self.size), *pages))

    def after(self, cfg: Config, s: Memblock, result: Outcome) -> Memblock:
        due = released(self.choose(cfg, s).events)
        require(result.value is None, "RET-CODE", f"nothing is due, got {result}")
        same = sorted(released(result.events)) == sorted(due)
        require(same, "BOOT-HANDOFF", f"pages {due} are due, got {result.events}")
        return s


def released(events: Events) -> list[int]:
    """Return the pages that went to the buddy allocator, in order."""
    return [
        pfn
        for e in events
        if isinstance(e, FreePages)
        for pfn in range(e.pfn, e.pfn + (1 << e.order))
    ]


def blocks(start_pfn: int, end_pfn: int) -> list[FreePages]:
    """Split pages into the largest aligned blocks (__free_pages_memory)."""
    out = []
    while start_pfn < end_pfn:
        aligned = (start_pfn & -start_pfn).bit_length() - 1 if start_pfn else MAX_ORDER
        order = min(MAX_ORDER - 1, aligned, (end_pfn - start_pfn).bit_length() - 1)
        out.append(FreePages(start_pfn, order))
        start_pfn += 1 << order
    return out


def free_page_ranges(cfg: Config, s: Memblock) -> list[tuple[int, int]]:
    """Return the whole free pages below max_low_pfn, range by range."""
    ranges = []
    for start, end, _ in free_ranges(cfg, s, NUMA_NO_NODE, NONE):
        first, last = pfn_up(cfg, start), min(pfn_down(cfg, end), cfg.max_low_pfn)
        if first < last:
            ranges.append((first, last))
    return ranges


@value
class FreeAll(Change):
    """memblock_free_all(): hotplug marks go, reserved pages are noted, the rest freed.

    The value is the number of pages that the buddy allocator got.
    """

    kmalloc: bool = True

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        return nothing() if s.stopped else {"kmalloc": with_kmalloc(s)}

    def run(self, cfg: Config, s: Memblock, places: Places) -> Done:
        everything = (0, cfg.top)
        s, _, events = set_flag(
            cfg, s, everything, HOTPLUG, False, self.kmalloc, places
        )
        noted = tuple(
            ReservePages(pfn_down(cfg, r.base), pfn_up(cfg, r.end))
            for r in s.reserved.regions
        )
        pages = [b for ends in free_page_ranges(cfg, s) for b in blocks(*ends)]
        count = sum(1 << b.order for b in pages)
        return s, Addr(count), (*events, *noted, *pages)

    def judge_events(self, cfg: Config, s: Memblock, result: Outcome) -> None:
        """Require that every whole free page was released just once."""
        got = sorted(released(result.events))
        due = [pfn for ends in free_page_ranges(cfg, s) for pfn in range(*ends)]
        why = f"pages {due} are due, got {got}"
        require(got == due, "BOOT-HANDOFF", why)


@value
class InitReservedPages(Change):
    """memmap_init_reserved_pages() of 6.6: reserved regions get their memory's nodes.

    5.10 has no such pass.  A reservation outside memory belongs to node 0.
    """

    kmalloc: bool = True

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        if s.stopped or cfg.release == "5.10":
            return nothing()
        return {"kmalloc": with_kmalloc(s)}

    def run(self, cfg: Config, s: Memblock, places: Places) -> Done:
        events: Events = ()
        room = 0
        while room != s.reserved.max:  # an array that doubled is reserved, and new
            room = s.reserved.max
            for r in s.memory.regions:
                s, _, more = set_node(
                    cfg, s, RESERVED, (r.base, r.size), r.nid, self.kmalloc, places
                )
                events += more
        noted = tuple(
            ReservePages(
                pfn_down(cfg, r.base),
                pfn_up(cfg, r.end),
                0 if r.nid == MAX_NUMNODES else r.nid,
            )
            for r in s.reserved.regions
        )
        return s, None, events + noted

    def after(self, cfg: Config, s: Memblock, result: Outcome) -> Memblock:
        """Return the next state; every reserved page must have got a real node."""
        s = Change.after(self, cfg, s, result)
        for e in result.events:
            lost = isinstance(e, ReservePages) and not 0 <= e.nid < MAX_NUMNODES
            require(not lost, "MB-NID", f"{e} has no node")
        return s
