"""Real machines, and those that show the behaviours of real 5.10 again."""

from __future__ import annotations

from dataclasses import replace

from mmoracle.spec.zones.layout import Layout
from mmoracle.spec.zones.movable import Movable
from mmoracle.spec.zones.state import DIVIDES_BY_32, MOVABLE_BEYOND, Config, Part

from .zones_tiny import BOOT, FLAT, MOVABLE, NEAR, NUMA, SYSCTL, TURNS, mem

X86 = Layout(("DMA", "DMA32", "Normal", "Movable", "Device"))
ARM64 = Layout(("DMA", "DMA32", "Normal", "Movable"))
RISCV = Layout(("DMA32", "Normal", "Movable"))
GIB = 1 << 18  # pages

REAL = (
    "FreeAreaInit",
    "BuildZonelists",
    "MemblockFreeAll",
    "FreeReserved",
    "SetupPagesets",
    "GrowZone",
    "FinishInit",
    "InitWmarks",
    "StartHugepages",
    "WriteMinFreeKbytes",
    "WriteScaleFactor",
    "WriteReserveRatio",
    "WriteFraction",
    "WriteBoostFactor",
    "Boost",
    "Unboost",
)
FILES = Config(
    maps=(),
    ends=(),
    releases=((99, 75, 92), (95, 99), (100,), (60,)),
    grows=(8, 348, 1129, 0),
    kbytes=(-5, 0, 1024, 67584, 1 << 20),
    scales=(0, 1, 10, 150, 1000, 3000, 3001),
    fractions=(-1, 0, 7, 8, 9, 100, 4096),
    factors=(-1, 0, 5000, 15000),
    ops=REAL,
)
LINUX_X86 = replace(
    FILES,
    layout=X86,
    maps=(
        mem((0, 1, 159), (0, 256, 65495)),
        mem((0, 1, 159), (0, 256, 3 * GIB - 41), (0, 4 * GIB, 17 * GIB)),
    ),
    ends=((4096, 65495, 65495, 0, 0), (4096, 4 * GIB, 17 * GIB, 0, 0)),
    dma_reserve=21,
    deferred=True,
    ratios=((256, 256, 32, 0, 0), (1, 0, 9, -2, 4)),
)
LINUX_ARM64 = replace(
    FILES,
    layout=ARM64,
    maps=(mem((0, GIB, GIB + 131072)), mem((0, GIB, 3 * GIB), (0, 34 * GIB, 40 * GIB))),
    ends=((GIB * 2, 4 * GIB, 40 * GIB, 0),),
    migrate_types=6,
    ratios=((256, 256, 32, 0), (2, 3, 5, 7)),
)
LINUX_RISCV = replace(
    FILES,
    layout=RISCV,
    maps=(mem((0, 2 * GIB + 512, 2 * GIB + 131072)), mem((0, 2 * GIB, 10 * GIB))),
    ends=((4 * GIB, 10 * GIB, 0), (4 * GIB, 4 * GIB, 0)),
    numa=False,
    max_numnodes=1,
    migrate_types=4,
    ratios=((256, 32, 0), (0, 0, 0)),
)
DEFERS = ("GrowZone", "FinishInit")
SMALL_BOOT = replace(
    NUMA,
    maps=(*NUMA.maps, mem((0, 3, 70000), (1, 70000, 75000), (3, 80000, 250000))),
    ends=((4096, 250000, 0), (65536, 250000, 0), (0, 300000, 0)),
    asks=(Movable(), Movable(kernelcore=9000), Movable(movablecore_percent=30)),
    deferred=True,
    section=1 << 13,
    releases=((100,), (80, 95), (33, 100, 50)),
    grows=(1, 77, 0),
    kbytes=(-1, 0, 900, 5000, 50000),
    scales=(0, 1, 10, 200, 3000, 3001),
    ratios=((256, 32, 0), (1, 2, 3), (0, -7, 9)),
    fractions=(-1, 0, 1, 7, 8, 50),
    factors=(-1, 0, 15000, 40000),
    ops=REAL,
)
SMALL = replace(
    SMALL_BOOT,
    maps=SMALL_BOOT.maps[-1:],
    ends=((65536, 250000, 0),),
    asks=(Movable(movablecore_percent=30),),
    deferred=False,
    section=1 << 12,
    hot=(Part(2, 1, 1 << 18, 8192), Part(3, 2, 1 << 20, 4096), Part(1, 1, 76000, 4096)),
    booted=True,
    ops=(*(op for op in REAL if op not in (*BOOT, *DEFERS)), "OnlinePages"),
)
SERVER = replace(
    LINUX_X86,
    maps=(
        mem(
            (0, 1, 159),
            (0, 256, 2 * GIB),
            (0, 4 * GIB, 66 * GIB),
            (1, 66 * GIB, 130 * GIB),
            (2, 130 * GIB, 194 * GIB),
            (3, 194 * GIB, 258 * GIB),
        ),
    ),
    ends=((4096, 4 * GIB, 258 * GIB, 0, 0),),
    asks=(Movable(), Movable(kernelcore=32 * GIB), Movable(movablecore_percent=50)),
    online=(0, 1, 2, 3),
    cpus=((0,), (0, 1, 2, 3)),
    distances=(NEAR, FLAT, TURNS),
)

# Behaviours of real 5.10.
BEYOND = replace(
    MOVABLE,
    maps=(mem((0, 0, 32)), mem((0, 0, 10))),
    quirks=(MOVABLE_BEYOND,),
)
TIB16 = replace(
    SYSCTL,
    maps=(mem((0, 0, (1 << 32) + 16384)),),
    ends=((4096, (1 << 32) + 16384, 0),),
    quirks=(DIVIDES_BY_32,),
)
