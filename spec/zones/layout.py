"""Which zones a kernel is built with, and which memory a machine has.

Zones are named by their index in a node, lowest addresses first; ZONE_MOVABLE takes
its frames from the highest of the others.  A pfn counts pages, ranges are half-open.

Source: include/linux/mmzone.h:enum zone_type (v5.10).
"""

from __future__ import annotations

from ..core import value


@value
class Layout:
    """The zone types of a kernel, in their order, by the names /proc/zoneinfo shows."""

    names: tuple[str, ...] = ("DMA", "DMA32", "Normal", "Movable", "Device")

    def index(self, name: str) -> int:
        """Return the index of a zone type, or -1 where the kernel has none of it."""
        return self.names.index(name) if name in self.names else -1

    @property
    def count(self) -> int:
        """Return MAX_NR_ZONES."""
        return len(self.names)

    @property
    def normal(self) -> int:
        """Return ZONE_NORMAL."""
        return self.index("Normal")

    @property
    def highmem(self) -> int:
        """Return ZONE_HIGHMEM, or -1."""
        return self.index("HighMem")

    @property
    def movable(self) -> int:
        """Return ZONE_MOVABLE."""
        return self.index("Movable")

    @property
    def ratios(self) -> tuple[int, ...]:
        """Return sysctl_lowmem_reserve_ratio as it is at boot."""
        default = {"DMA": 256, "DMA32": 256, "Normal": 32}
        return tuple(default.get(name, 0) for name in self.names)

    def is_highmem(self, zone: int, movable_zone: int) -> bool:
        """Say whether the kernel has no fixed mapping of a zone: is_highmem_idx()."""
        if self.highmem < 0:
            return False
        return zone == self.highmem or (
            zone == self.movable and movable_zone == self.highmem
        )


@value
class Range:
    """Frames [start, end) of memory on a node, as memblock.memory has them."""

    nid: int
    start: int
    end: int
    hotplug: bool = False  # may be taken out again
    mirror: bool = False  # is held twice by the hardware


def of_node(ranges: tuple[Range, ...], nid: int) -> tuple[Range, ...]:
    """Return the ranges of a node that hold a frame: for_each_mem_pfn_range()."""
    return tuple(r for r in ranges if r.nid == nid and r.start < r.end)


def node_range(ranges: tuple[Range, ...], nid: int) -> tuple[int, int]:
    """Return first and end pfn of a node, (0, 0) without memory.

    Source: mm/page_alloc.c:get_pfn_range_for_nid (v5.10).
    """
    own = of_node(ranges, nid)
    if not own:
        return 0, 0
    return min(r.start for r in own), max(r.end for r in own)


def memory_nodes(ranges: tuple[Range, ...]) -> tuple[int, ...]:
    """Return the nodes with memory, rising."""
    return tuple(sorted({r.nid for r in ranges if r.start < r.end}))
