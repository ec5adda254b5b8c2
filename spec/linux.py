"""Words that every subsystem shares: the kernel's constants and ways to fail.

Sizes are bytes unless a name says pages; a `pfn` counts pages of `PAGE_SIZE`.
Values are those of v5.10 for a 64-bit machine with 4 KiB pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum, IntFlag
from typing import NewType

Addr = NewType("Addr", int)  # written in hexadecimal by every codec

PAGE_SHIFT = 12
PAGE_SIZE = 1 << PAGE_SHIFT
MAX_ORDER = 11  # orders 0..10; include/linux/mmzone.h
SMP_CACHE_BYTES = 64
MAX_NUMNODES = 1024  # CONFIG_NODES_SHIFT=10
NUMA_NO_NODE = -1

MEMBLOCK_ALLOC_ACCESSIBLE = 0
MEMBLOCK_ALLOC_KASAN = 1
INIT_MEMBLOCK_REGIONS = 128


# enum migratetype: include/linux/mmzone.h.  MIGRATE_CMA (with CONFIG_CMA) and
# MIGRATE_ISOLATE follow, in this order; a configuration knows their numbers.
MIGRATE_UNMOVABLE = 0
MIGRATE_MOVABLE = 1
MIGRATE_RECLAIMABLE = 2
MIGRATE_PCPTYPES = 3  # as many have lists in a pageset
MIGRATE_HIGHATOMIC = 3


# enum zone_watermarks: include/linux/mmzone.h.
WMARK_MIN = 0
WMARK_LOW = 1
WMARK_HIGH = 2

PAGE_ALLOC_COSTLY_ORDER = 3  # above it the kernel does not try for ever
SWAP_CLUSTER_MAX = 32  # pages that one direct reclaim is after
DEF_PRIORITY = 12  # reclaim begins with 1/4096 of the lists
MAX_RECLAIM_RETRIES = 16
MAX_COMPACT_RETRIES = 16
NODE_RECLAIM_PRIORITY = 4  # reclaim on the local node begins with 1/16 of the lists

# Bits of vm.zone_reclaim_mode: mm/vmscan.c.
RECLAIM_ZONE = 1
RECLAIM_WRITE = 2
RECLAIM_UNMAP = 4
COMPACT_MAX_DEFER_SHIFT = 6

ZONELIST_FALLBACK = 0  # every zone with memory, nearest first
ZONELIST_NOFALLBACK = 1  # those of the node itself: __GFP_THISNODE

LOCAL_DISTANCE = 10  # of a node from itself
REMOTE_DISTANCE = 20  # of another one where the firmware says nothing


class AllocFlags(IntFlag):
    """ALLOC_*: mm/internal.h (v5.10); the two low bits are a WMARK_*."""

    NONE = 0
    WMARK_LOW = 1
    WMARK_HIGH = 2
    NO_WATERMARKS = 0x4
    OOM = 0x8
    HARDER = 0x10
    HIGH = 0x20
    CPUSET = 0x40
    CMA = 0x80
    NOFRAGMENT = 0x100
    KSWAPD = 0x800


class Gfp(IntFlag):
    """__GFP_* and the combinations of them with a name: include/linux/gfp.h (v5.10)."""

    NONE = 0
    DMA = 0x1
    HIGHMEM = 0x2
    DMA32 = 0x4
    MOVABLE = 0x8
    RECLAIMABLE = 0x10
    HIGH = 0x20
    IO = 0x40
    FS = 0x80
    ZERO = 0x100
    ATOMIC = 0x200  # __GFP_ATOMIC alone, not GFP_ATOMIC
    DIRECT_RECLAIM = 0x400
    KSWAPD_RECLAIM = 0x800
    WRITE = 0x1000
    NOWARN = 0x2000
    RETRY_MAYFAIL = 0x4000
    NOFAIL = 0x8000
    NORETRY = 0x10000
    MEMALLOC = 0x20000
    COMP = 0x40000
    NOMEMALLOC = 0x80000
    HARDWALL = 0x100000
    THISNODE = 0x200000
    ACCOUNT = 0x400000
    RECLAIM = DIRECT_RECLAIM | KSWAPD_RECLAIM


GFP_ATOMIC = Gfp.HIGH | Gfp.ATOMIC | Gfp.KSWAPD_RECLAIM
GFP_KERNEL = Gfp.RECLAIM | Gfp.IO | Gfp.FS
GFP_NOWAIT = Gfp.KSWAPD_RECLAIM
GFP_NOIO = Gfp.RECLAIM
GFP_NOFS = Gfp.RECLAIM | Gfp.IO
GFP_USER = GFP_KERNEL | Gfp.HARDWALL
GFP_HIGHUSER = GFP_USER | Gfp.HIGHMEM
GFP_HIGHUSER_MOVABLE = GFP_HIGHUSER | Gfp.MOVABLE


GFP_BITS_MASK = (1 << 23) - 1  # __GFP_BITS_MASK without lockdep
GFP_BOOT_MASK = GFP_BITS_MASK & ~(Gfp.RECLAIM | Gfp.IO | Gfp.FS)  # mm/internal.h


class ZoneType(IntEnum):
    """enum zone_type with every option on; one that is off has no number."""

    DMA = 0
    DMA32 = 1
    NORMAL = 2
    HIGHMEM = 3
    MOVABLE = 4
    DEVICE = 5


class NodeReclaim(IntEnum):
    """NODE_RECLAIM_*: mm/internal.h (v5.10); what node_reclaim() found."""

    NOSCAN = -2
    FULL = -1
    SOME = 0
    SUCCESS = 1


class CompactPriority(IntEnum):
    """enum compact_priority: include/linux/compaction.h (v5.10); 0 tries hardest."""

    SYNC_FULL = 0
    SYNC_LIGHT = 1
    ASYNC = 2


class CompactResult(IntEnum):
    """enum compact_result, in its order: include/linux/compaction.h (v5.10)."""

    NOT_SUITABLE_ZONE = 0
    SKIPPED = 1
    DEFERRED = 2
    NO_SUITABLE_PAGE = 3
    CONTINUE = 4
    COMPLETE = 5
    PARTIAL_SKIPPED = 6
    CONTENDED = 7
    SUCCESS = 8


class MemblockFlags(IntFlag):
    """enum memblock_flags: include/linux/memblock.h (v5.10)."""

    NONE = 0
    HOTPLUG = 1
    MIRROR = 2
    NOMAP = 4


class Errno(Enum):
    """An error that the kernel returns, as a result."""

    ENOENT = 2
    E2BIG = 7
    ENOMEM = 12
    EBUSY = 16
    EEXIST = 17
    EINVAL = 22


@dataclass(frozen=True, slots=True)
class Bug:
    """A caller's mistake that is diagnosed instead of corrupting memory."""

    why: str
