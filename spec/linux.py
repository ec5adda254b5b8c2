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
