"""The operations: the beginning, and all of them in the order of a run.

Source: mm/compaction.c (v5.10).
"""

from __future__ import annotations

from ..core import Domains, Ints, OneOf, nothing, value
from ..linux import MIGRATE_UNMOVABLE
from . import blocks
from .answers import BOTH, told
from .deferral import (
    Defer,
    Deferred,
    DeferReset,
    FragmentationIndex,
    ResetIsolation,
    Restarting,
    Served,
    Suitable,
)
from .meanwhile import Drain, Free, Kill, Take
from .parts import PINNED, Config, Memory, Zone
from .requests import Kcompactd, Return, TryToCompact, WakeupKcompactd
from .rounds import BeginZone, EndZone, Finished, Settle
from .scanners import IsolateFreepages, IsolateMigratepages, MigratePage


def initial(cfg: Config) -> Memory:
    """Return a memory in which nothing is free yet."""
    lists = ((),) * cfg.types
    zone = Zone(free=(lists,) * cfg.orders)
    return Memory(
        pages=PINNED * (cfg.end - cfg.first),
        types=(MIGRATE_UNMOVABLE,) * cfg.nr_blocks,
        skip=(False,) * cfg.nr_blocks,
        zones=(zone,) * len(cfg.zones),
        kcompactd_highest=len(cfg.zones) - 1,
    )


@value
class Lay:
    """The frames as they are when the history begins, one digit for a page block."""

    layout: int
    downwards: bool  # the highest block is freed first

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        if s.laid:
            return nothing()
        every = Ints(0, len(cfg.patterns) ** cfg.nr_blocks)
        layouts = OneOf(cfg.layouts) if cfg.layouts else every
        return {"layout": layouts, "downwards": BOTH}

    def choose(self, cfg: Config, s: Memory) -> None:
        return None

    def after(self, cfg: Config, s: Memory, result: None) -> Memory:
        told(None, result)
        return blocks.lay(cfg, s, self.layout, self.downwards)


OPS = (
    Lay,
    FragmentationIndex,
    Suitable,
    Restarting,
    Deferred,
    Defer,
    DeferReset,
    Served,
    ResetIsolation,
    TryToCompact,
    WakeupKcompactd,
    Kcompactd,
    BeginZone,
    Finished,
    IsolateMigratepages,
    IsolateFreepages,
    MigratePage,
    Settle,
    EndZone,
    Return,
    Kill,
    Free,
    Take,
    Drain,
)
