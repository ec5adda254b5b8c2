"""Small machines, to be explored completely.

A zone's size costs nothing here, as states hold numbers and no frames; what is kept
small is the number of choices.  Sizes stand around the borders that formulas have.
"""

from __future__ import annotations

from dataclasses import replace

from mmoracle.spec.zones.fill import Block
from mmoracle.spec.zones.layout import Layout, Range
from mmoracle.spec.zones.movable import Movable
from mmoracle.spec.zones.state import Config, Part

BOOT = ("FreeAreaInit", "BuildZonelists", "MemblockFreeAll", "SetupPagesets")
LATE = (*BOOT, "FinishInit", "InitWmarks")
TWO = Layout(("DMA", "Normal", "Movable"))
PLAIN = Layout(("Normal", "Movable"))
HIGH = Layout(("DMA", "Normal", "HighMem", "Movable"))


def mem(*ranges: tuple[int, int, int]) -> tuple[Range, ...]:
    """Return ranges (nid, start, end) of memory."""
    return tuple(Range(*each) for each in ranges)


# One node, two zones: every step of boot with a few memory maps.
TINY = Config(
    layout=TWO,
    maps=(
        mem((0, 0, 16384)),
        mem((0, 1, 159), (0, 256, 4096)),
        mem((0, 4096, 36864)),
        mem((0, 0, 2048), (0, 40960, 49152)),
    ),
    ends=((4096, 16384, 0), (4096, 49152, 0), (0, 49152, 0)),
    dma_reserve=21,
    releases=((100,), (75, 100), (0, 100)),
    grows=(0,),
    fills=((0, 4),),  # there are no blocks
    ops=(*LATE, "FillMemblks", "FreeReserved", "Boost", "Unboost"),
)
SYSCTL = replace(
    TINY,
    maps=(mem((0, 0, 16384)),),
    ends=((4096, 16384, 0),),
    dma_reserve=0,
    releases=((100,),),
    grows=(),
    kbytes=(-1, 0, 511, 2000, 70000, 1 << 31),
    scales=(0, 1, 3000, 3001),
    ratios=((256, 32, 0), (0, -1, 5), (1, 7, 0)),
    fractions=(-1, 0, 7, 8, 24, 1 << 31),
    ops=(
        *LATE,
        "WriteMinFreeKbytes",
        "WriteScaleFactor",
        "WriteReserveRatio",
        "WriteFraction",
    ),
)
BOOST = replace(
    SYSCTL,
    maps=(
        mem((0, 0, 16384)),
        mem((0, 0, 4096), (0, 4097, 6144)),
        mem((0, 0, 2048), (0, 4096, 8192)),
    ),
    kbytes=(8192,),
    factors=(-1, 0, 15000, 1 << 31),
    ops=(
        *LATE,
        "WriteMinFreeKbytes",
        "WriteBoostFactor",
        "Boost",
        "Unboost",
    ),
)
# Factors that leave a boost of nearly 1,000 pages, or none by the low mark.
FACTORS = replace(
    BOOST,
    maps=(mem((0, 0, 16384)),),
    kbytes=(8192,),
    ends=((0, 16384, 0),),
    factors=(27, 3255),
    ratios=((256, 32, 0),),
    ops=(
        *LATE,
        "WriteMinFreeKbytes",
        "WriteBoostFactor",
        "WriteReserveRatio",
        "Boost",
    ),
)
# The largest numbers that files take, and a 32-bit word of pages.
LIMITS = replace(
    SYSCTL,
    maps=(mem((0, 0, 16384)), mem((0, 0, (1 << 32) + 8192))),
    ends=((4096, 1 << 33, 0),),
    kbytes=((1 << 31) - 1,),
    fractions=((1 << 31) - 1,),
    factors=((1 << 31) - 1,),
    ops=(*LATE, "WriteMinFreeKbytes", "WriteBoostFactor", "WriteFraction"),
)
# All three zones have pages; limits of pagesets around the border of 1 MiB.
SIZES = replace(
    SYSCTL,
    maps=(mem((0, 0, 16384)), mem((0, 0, 149096)), mem((0, 0, 424000))),
    ends=((4096, 424000, 0),),
    asks=(Movable(), Movable(kernelcore=8192)),
    ratios=((256, 32, 5),),
    ops=(*LATE, "WriteReserveRatio", "StartHugepages"),
)
HUGEPAGES = replace(
    SYSCTL,
    maps=(mem((0, 0, 16384)), mem((0, 0, 1 << 20)), mem((0, 4096, 1 << 31))),
    ends=((4096, 1 << 31, 0),),
    kbytes=(0, 100000, 300000),
    ops=(*LATE, "StartHugepages", "WriteMinFreeKbytes"),
)
HIGHMEM = replace(
    TINY,
    layout=HIGH,
    maps=(
        mem((0, 0, 16384), (0, 20480, 40960)),
        mem((0, 0, 300000)),
        mem((0, 0, 90112)),
        mem((0, 0, 20480)),
    ),
    ends=((4096, 24576, 300000, 0), (4096, 300000, 300000, 0)),
    asks=(Movable(), Movable(kernelcore=24000)),
    dma_reserve=0,
    grows=(),
    kbytes=(65536,),
    ops=(*LATE, "WriteMinFreeKbytes"),
)
# Higher zone types at lower addresses.
DESCENDING = replace(
    HIGHMEM,
    maps=(mem((0, 4096, 40960)), mem((0, 0, 2048), (0, 30000, 40960))),
    ends=((40960, 40960, 8192, 0),),
    asks=(Movable(),),
    descending=True,
)
HOLES = replace(
    TINY,
    maps=(
        mem((0, 0, 3), (0, 8, 9), (0, 15, 17), (0, 31, 32)),
        mem((0, 7, 16), (0, 16, 17), (0, 30, 31)),
        mem((0, 0, 1), (0, 9, 10)),
        mem((0, 16, 24), (0, 24, 24), (0, 40, 41)),
        mem((0, 0, 20), (0, 21, 41)),
        mem((0, 0, 16), (0, 18, 34)),
        mem((0, 0, 16), (0, 19, 35)),
        mem((0, 0, 24), (0, 27, 50)),
    ),
    ends=((16, 32, 0), (8, 16, 0), (16, 16, 0), (0, 64, 0)),
    orders=4,
    pageblock_order=0,
    migrate_types=4,
    page_struct=1024,
    dma_reserve=3,
    releases=((100,), (90, 80)),
    grows=(1,),
    ops=(*LATE, "FreeReserved"),
)
NO_SPARSE = replace(HOLES, sparsemem=False, mmu=False, dma_reserve=2, grows=())
# A fraction that is written again after zones have grown.
GROWN = replace(
    HOLES,
    maps=(mem((0, 0, 20), (0, 21, 41)),),
    releases=((60,),),
    grows=(9,),
    fractions=(8,),
    ops=(*LATE, "FreeReserved", "WriteFraction"),
)

NO_MMU = replace(TINY, mmu=False, maps=(mem((0, 0, 16384)),), ops=LATE)

# Several nodes.
NEAR = ((10, 20, 20, 30), (20, 10, 30, 20), (20, 30, 10, 20), (30, 20, 20, 10))
FLAT = tuple(tuple(10 if a == b else 20 for b in range(4)) for a in range(4))
SKEW = ((10, 21, 20, 22), (21, 10, 12, 11), (20, 12, 10, 12), (22, 11, 12, 10))
LAST = ((10, 20, 30, 20), (20, 10, 30, 30), (30, 30, 10, 20), (20, 30, 20, 10))
TURNS = ((10, 40, 20, 20), (40, 10, 20, 20), (20, 20, 10, 30), (20, 20, 30, 10))
FOUR = mem((0, 0, 24576), (1, 24576, 32768), (3, 32768, 49152))
NUMA = replace(
    TINY,
    maps=(
        mem((0, 0, 24576), (1, 24576, 32768), (2, 32768, 36000), (3, 36000, 49152)),
        FOUR,
        mem((2, 0, 4096), (0, 4096, 36000), (2, 36000, 49152)),
    ),
    ends=((4096, 49152, 0), (0, 49152, 0)),
    online=(0, 1, 2, 3),
    cpus=((0,), (0, 1, 2, 3), (1, 2)),
    distances=(NEAR, FLAT, SKEW, TURNS, LAST),
    dma_reserve=0,
    releases=((100,), (0, 100)),
    grows=(),
    ops=LATE,
)
GAPS = replace(NUMA, online=(0, 1, 3), maps=(FOUR, mem((1, 0, 8192))))
FEW = replace(NUMA, max_numnodes=1, maps=(FOUR,))
UMA = replace(NUMA, numa=False, maps=(*NUMA.maps, mem((1, 5000, 5008))))

# ZONE_MOVABLE.
PARTS = (
    Movable(kernelcore=1),
    Movable(kernelcore=7),
    Movable(kernelcore=8),
    Movable(kernelcore=9),
    Movable(kernelcore=16),
    Movable(kernelcore=17),
    Movable(kernelcore=23),
    Movable(kernelcore=31),
    Movable(kernelcore=100),
    Movable(movablecore=1),
    Movable(movablecore=9),
    Movable(movablecore=16),
    Movable(movablecore=100),
    Movable(kernelcore=20, movablecore=16),
    Movable(kernelcore=4, movablecore=16),
    Movable(kernelcore_percent=50),
    Movable(kernelcore=3, kernelcore_percent=33),
    Movable(movablecore_percent=25),
)
MOVABLE = replace(
    TINY,
    maps=(
        mem((0, 0, 32)),
        mem((0, 0, 10)),
        mem((0, 0, 16), (1, 16, 32)),
        mem((0, 0, 6), (1, 8, 12), (1, 14, 40)),
        mem((0, 4, 9), (0, 11, 23), (1, 24, 26), (1, 28, 50)),
        mem((0, 0, 8), (1, 8, 16), (0, 16, 28), (1, 28, 33)),
    ),
    ends=((8, 50, 0), (0, 50, 0), (50, 50, 0)),
    asks=PARTS,
    online=(0, 1),
    distances=(((10, 20), (20, 10)),),
    orders=4,
    dma_reserve=0,
    releases=((100,),),
    grows=(),
    ops=BOOT,
)
HOT = (
    Range(0, 0, 12),
    Range(0, 12, 20, hotplug=True),
    Range(0, 20, 22),
    Range(0, 22, 30, hotplug=True),
    Range(1, 30, 44, hotplug=True),
    Range(1, 44, 60, mirror=True),
)
MIRROR = replace(
    MOVABLE,
    maps=(
        HOT,
        (Range(0, 0, 16, mirror=True), Range(0, 16, 40), *mem((1, 40, 60))),
        (
            Range(0, 4, 9),
            Range(0, 9, 24, mirror=True),
            Range(0, 24, 32),
            Range(0, 32, 48, mirror=True, hotplug=True),
            Range(1, 48, 60, hotplug=True),
        ),
        (
            Range(0, 0, 8),
            Range(0, 8, 24, mirror=True),
            Range(1, 24, 34, mirror=True),
            Range(1, 34, 50),
        ),
        (Range(0, 0, 10, mirror=True), Range(0, 10, 40)),
    ),
    ends=((8, 60, 0), (0, 60, 0)),
    asks=(Movable(mirror=True), Movable(movable_node=True), Movable(5, 9, mirror=True)),
    mirror_from=10,
)

# What a pass leaves is spread further, to the page.
SPREAD = replace(
    MOVABLE,
    maps=(
        mem((0, 1, 12), (0, 12, 30), (1, 31, 39), (2, 40, 53)),
        mem((0, 2, 5), (1, 8, 26)),
        mem((0, 1, 19), (1, 22, 24), (2, 25, 38), (2, 38, 51)),
    ),
    ends=((8, 60, 0), (25, 60, 0)),
    asks=(Movable(3), Movable(5), Movable(7)),
    online=(0, 1, 2),
    distances=(((10, 20, 20), (20, 10, 20), (20, 20, 10)),),
    ops=("FreeAreaInit",),
)
# Hundredths of many pages: a multiple of the largest block, and one more.
PERCENT = replace(
    TINY,
    maps=(mem((0, 0, 320000)), mem((0, 0, 320004))),
    ends=((4096, 330000, 0),),
    asks=(Movable(kernelcore_percent=32), Movable(movablecore_percent=32)),
    dma_reserve=0,
    ops=("FreeAreaInit",),
)

# Descriptors that wait.
DEFERRED = replace(
    TINY,
    maps=(
        mem((0, 0, 70000)),
        mem((0, 5, 33000), (0, 33001, 60000)),
        mem((0, 0, 40000), (1, 40000, 98304), (1, 131072, 140000)),
        mem((0, 0, 36864)),
        mem((0, 0, 16384), (0, 16385, 60000)),
    ),
    ends=((4096, 140000, 0), (16384, 140000, 0)),
    online=(0, 1),
    distances=(((10, 20), (20, 10)),),
    deferred=True,
    section=1 << 14,
    dma_reserve=0,
    releases=((100,), (50,)),
    grows=(),
    ops=(*LATE, "GrowZone"),
)

# Where they begin to wait, if they do.
BORDERS = replace(
    DEFERRED,
    maps=(
        mem((0, 0, 20000)),
        mem((0, 0, 16384), (0, 16385, 17000)),
        mem((0, 0, 32768), (0, 33000, 70000)),
        mem((0, 0, 1000), (0, 16384, 70000)),
        mem((0, 0, 1000), (0, 16384, 20000), (0, 40000, 120000)),
    ),
    grows=(0,),
    releases=((100,),),
    ops=("FreeAreaInit", "BuildZonelists", "MemblockFreeAll", "FreeReserved"),
)

# Memory that comes later, in whole sections.
HOTPLUG = replace(
    DEFERRED,
    maps=(mem((0, 4096, 6144)), mem((0, 0, 6144), (1, 65536, 66560))),
    ends=((4096, 6144, 0),),
    deferred=False,
    section=1024,
    releases=((100,),),
    hot=(
        Part(0, 1, 8192, 2048),
        Part(0, 2, 16384, 1024),
        Part(0, 2, 32768, 16384),
        Part(1, 1, 49152, 9216),
        Part(0, 1, 10240, 1000),
        Part(0, 1, 10241, 1024),
        Part(1, 2, 131072, 0),
    ),
    fractions=(8,),
    ops=(*LATE, "OnlinePages", "WriteFraction"),
)

# Before the zones: blocks whose starts lie a sign bit apart.
FILL = replace(
    TINY,
    maps=(mem((0, 0, 16)),),
    ends=((0, 16, 0),),
    blocks=(Block(8, 10, 1), Block(0, 2, 0), Block(3, 5, 0), Block(12, 14, 1)),
    fills=tuple((a, b) for a in range(0, 16, 2) for b in range(a + 1, 17, 3)),
    releases=((100,),),
    grows=(),
    ops=("FillMemblks", "FreeAreaInit"),
)
