"""Every operation on nodes and zones, in the order of boot."""

from __future__ import annotations

from .boot import (
    BuildZonelists,
    FillMemblks,
    FinishInit,
    FreeAreaInit,
    FreeReserved,
    GrowZone,
    MemblockFreeAll,
    SetupPagesets,
)
from .tune import (
    Boost,
    InitWmarks,
    StartHugepages,
    Unboost,
    WriteBoostFactor,
    WriteFraction,
    WriteMinFreeKbytes,
    WriteReserveRatio,
    WriteScaleFactor,
)

OPS = (
    FillMemblks,
    FreeAreaInit,
    BuildZonelists,
    MemblockFreeAll,
    FreeReserved,
    SetupPagesets,
    GrowZone,
    FinishInit,
    InitWmarks,
    StartHugepages,
    WriteMinFreeKbytes,
    WriteScaleFactor,
    WriteReserveRatio,
    WriteFraction,
    WriteBoostFactor,
    Boost,
    Unboost,
)
