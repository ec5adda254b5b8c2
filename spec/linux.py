"""Words that every subsystem shares: the kernel's constants and ways to fail.

Sizes are bytes unless a name says pages; a `pfn` counts pages of `PAGE_SIZE`.
Values are those of v5.10 for a 64-bit machine with 4 KiB pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntFlag
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


class AllocFlags(IntFlag):
    """ALLOC_*, as far as one zone looks at them: mm/internal.h (v5.10)."""

    NONE = 0
    HARDER = 0x10
    CMA = 0x80
    NOFRAGMENT = 0x100
    KSWAPD = 0x800


class MemblockFlags(IntFlag):
    """enum memblock_flags: include/linux/memblock.h (v5.10)."""

    NONE = 0
    HOTPLUG = 1
    MIRROR = 2
    NOMAP = 4


class Errno(Enum):
    """An error that the kernel returns, as a result."""

    ENOENT = 2
    ENOMEM = 12
    EBUSY = 16
    EEXIST = 17
    EINVAL = 22


@dataclass(frozen=True, slots=True)
class Bug:
    """A caller's mistake that is diagnosed instead of corrupting memory."""

    why: str
