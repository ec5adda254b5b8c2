"""Questions and walks: they change nothing.

Source: mm/memblock.c, include/linux/memblock.h (v5.10).
"""

from __future__ import annotations

from ..core import Domains, OneOf, nothing, require, value
from ..linux import (
    MAX_NUMNODES,
    NUMA_NO_NODE,
    Addr,
    MemblockFlags,
)
from .change import DUMMY, on_ranges, pfn_down, pfn_up
from .ranges import meets
from .regions import (
    HOTPLUG,
    NOMAP,
    NONE,
    Config,
    Memblock,
    cap_size,
)
from .search import FreeRange, free_ranges, is_skipped


@value
class IsReserved:
    """memblock_is_reserved(), memblock_is_memory(), memblock_is_map_memory()."""

    which: str
    addr: Addr

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        which = OneOf(("reserved", "memory", "map_memory"))
        return nothing() if s.stopped else {"which": which, "addr": OneOf(cfg.bases)}

    def choose(self, cfg: Config, s: Memblock) -> bool:
        t = s.reserved if self.which == "reserved" else s.memory
        return any(
            r.base <= self.addr < r.end
            and not (self.which == "map_memory" and NOMAP in r.flags)
            for r in t.regions
        )

    def after(self, cfg: Config, s: Memblock, result: bool) -> Memblock:
        truth = self.choose(cfg, s)
        why = f"{self.addr:#x} is {self.which}: {truth}, got {result}"
        require(result is truth, "MB-OVERLAP", why)
        return s


@value
class IsRegion:
    """memblock_is_region_memory(), _reserved(), and memblock_overlaps_region(memory).

    Whether a range of no size overlaps anything is left open.
    """

    which: str
    base: Addr
    size: Addr

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        which = OneOf(("memory", "reserved", "overlaps_memory"))
        return {"which": which, **on_ranges(cfg, s)}

    def choose(self, cfg: Config, s: Memblock) -> bool:
        end = self.base + cap_size(cfg, self.base, self.size)
        if self.which == "memory":
            holders = [r for r in s.memory.regions if r.base <= self.base < r.end]
            return any(end <= r.end for r in holders)
        t = s.reserved if self.which == "reserved" else s.memory
        return meets(cfg, t, self.base, self.size)

    def after(self, cfg: Config, s: Memblock, result: bool) -> Memblock:
        truth, end = (
            self.choose(cfg, s),
            self.base + cap_size(cfg, self.base, self.size),
        )
        free_to_say = end == self.base and self.which != "memory"
        why = f"[{self.base:#x}, {end:#x}) {self.which}: {truth}, got {result}"
        right = result is truth or (free_to_say and isinstance(result, bool))
        require(right, "MB-OVERLAP", why)
        return s


@value
class Extent:
    """memblock_start_of_DRAM(), _end_of_DRAM(), _phys_mem_size(), _reserved_size()."""

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        return nothing() if s.stopped else {}

    def choose(self, cfg: Config, s: Memblock) -> tuple[Addr, Addr, Addr, Addr]:
        regions = s.memory.regions or DUMMY
        ends = (regions[0].base, Addr(regions[-1].end))
        return (*ends, s.memory.total_size, s.reserved.total_size)

    def after(
        self, cfg: Config, s: Memblock, result: tuple[Addr, Addr, Addr, Addr]
    ) -> Memblock:
        due = self.choose(cfg, s)
        require(result == due, "MB-SUM", f"{due} are the extents, got {result}")
        return s


@value
class SearchPfnNid:
    """memblock_search_pfn_nid(): the node and page range of the region of a page."""

    pfn: int

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        pfns = sorted({base // cfg.page_size for base in cfg.bases})
        return nothing() if s.stopped else {"pfn": OneOf(tuple(pfns))}

    def choose(self, cfg: Config, s: Memblock) -> tuple[int, int, int] | None:
        addr = self.pfn * cfg.page_size
        for r in s.memory.regions:
            if r.base <= addr < r.end:
                return r.nid, pfn_down(cfg, r.base), pfn_down(cfg, r.end)
        return None

    def after(
        self, cfg: Config, s: Memblock, result: tuple[int, int, int] | None
    ) -> Memblock:
        due = self.choose(cfg, s)
        require(result == due, "MB-NID", f"page {self.pfn} is in {due}, got {result}")
        return s


WALKS = ("free", "free_reverse", "memory", "memory_reverse", "reserved", "pfn")


@value
class ForEach:
    """The iterators: free, free_reverse, memory, memory_reverse, reserved, pfn.

    Ranges are (start, end, nid); `pfn` gives whole pages, the others bytes.  Plain
    memory iteration also shows hot-pluggable regions; NOMAP ones never show.  To `pfn`
    any node is MAX_NUMNODES.  An empty array shows its dummy, a range of no size.
    """

    which: str
    nid: int = NUMA_NO_NODE
    flags: MemblockFlags = NONE

    @classmethod
    def domain(cls, cfg: Config, s: Memblock) -> Domains:
        if s.stopped:
            return nothing()
        flags = OneOf((NONE, *cfg.flags))
        nids = OneOf((*cfg.nids, MAX_NUMNODES))
        return {"which": OneOf(WALKS), "nid": nids, "flags": flags}

    def choose(self, cfg: Config, s: Memblock) -> tuple[FreeRange, ...]:
        match self.which:
            case "free" | "free_reverse":
                ranges = list(free_ranges(cfg, s, self.nid, self.flags))
            case "memory" | "memory_reverse":
                ranges = [
                    (r.base, r.end, r.nid)
                    for r in s.memory.regions or DUMMY
                    if not is_skipped(cfg, r, NUMA_NO_NODE, HOTPLUG)
                ]
            case "pfn":
                ranges = [
                    (pfn_up(cfg, r.base), pfn_down(cfg, r.end), r.nid)
                    for r in s.memory.regions
                    if self.nid in (MAX_NUMNODES, r.nid)
                ]
                ranges = [each for each in ranges if each[0] < each[1]]
            case _:
                regions = s.reserved.regions or DUMMY
                ranges = [(r.base, r.end, r.nid) for r in regions]
        return tuple(reversed(ranges) if self.which.endswith("reverse") else ranges)

    def after(
        self, cfg: Config, s: Memblock, result: tuple[FreeRange, ...]
    ) -> Memblock:
        order = result[::-1] if self.which.endswith("reverse") else result
        due = self.choose(cfg, s)
        due = due[::-1] if self.which.endswith("reverse") else due
        why = f"{self.which} ranges are {list(due)}, got {list(result)}"
        require(joined(order) == joined(due), "MB-ITER", why)
        return s


def joined(ranges: tuple[FreeRange, ...]) -> list[FreeRange]:
    """Return the ranges without the empty ones, touching ones of a node joined."""
    out: list[FreeRange] = []
    for start, end, nid in ranges:
        if start == end:
            continue
        if start < end and out and (out[-1][1], out[-1][2]) == (start, nid):
            out[-1] = (out[-1][0], end, nid)
        else:
            out.append((start, end, nid))
    return out
