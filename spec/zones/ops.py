"""Every operation on nodes and zones, in the order of boot."""

from __future__ import annotations

from ..core import Op
from .boot import (
    BuildZonelists,
    FillMemblks,
    FinishInit,
    FreeAreaInit,
    FreeReserved,
    GrowZone,
    MemblockFreeAll,
    SetupPagesets,
    released_by,
)
from .hotplug import OnlinePages
from .state import Config, System, unbooted
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
    OnlinePages,
)


def done(cfg: Config, s: System, op: Op[Config, System]) -> System:
    """Return the state after an operation as Linux does it."""
    return op.after(cfg, s, op.choose(cfg, s))


def initial(cfg: Config) -> System:
    """Return a machine before boot, or one that booted by the first of each choice."""
    s = unbooted(cfg)
    if not cfg.booted:
        return s
    s = done(cfg, s, FreeAreaInit(cfg.maps[0], cfg.ends[0], cfg.asks[0]))
    s = done(cfg, s, BuildZonelists(cfg.cpus[0], cfg.distances[0]))
    s = done(cfg, s, MemblockFreeAll(released_by(s, cfg.releases[0])))
    for op in (SetupPagesets(), FinishInit(0), InitWmarks()):
        s = done(cfg, s, op)
    return s
