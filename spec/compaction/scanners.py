"""The operations inside a round: pages are isolated, targets are found, pages move.

Source: mm/compaction.c:isolate_migratepages, isolate_freepages;
mm/migrate.c:unmap_and_move (v5.10).
"""

from __future__ import annotations

from ..core import Domains, OneOf, nothing, require, value
from . import sources, targets, zone_run
from .answers import BOTH, NO, at_phase, told
from .parts import TARGET, Config, Memory, Mode, Phase, letter, zone_of
from .sources import Isolated
from .targets import Taken


@value
class IsolateMigratepages:
    """isolate_migratepages(): the migrate scanner takes the pages of a page block."""

    crowded: bool  # too_many_isolated()
    busy: bool  # the LRU lock is contended

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        if not at_phase(s, Phase.SOURCE):
            return nothing()
        return {"crowded": crowding(s), "busy": contention(s)}

    def choose(self, cfg: Config, s: Memory) -> Isolated:
        return sources.isolate(cfg, s, self.crowded, self.busy)[1]

    def after(self, cfg: Config, s: Memory, result: Isolated) -> Memory:
        following, found = sources.isolate(cfg, s, self.crowded, self.busy)
        if result != found:
            for pfn in result.pages:
                judge_range(cfg, s, pfn)
        told(found, result)
        return following


def crowding(s: Memory) -> OneOf:
    """Return whether too many pages may be isolated: other runs wait until it ends."""
    assert s.run is not None
    return BOTH if s.run.cc.mode is Mode.ASYNC or s.run.fatal else NO


def contention(s: Memory) -> OneOf:
    """Return whether a lock may be contended: only an asynchronous run would notice."""
    assert s.run is not None
    cc = s.run.cc
    return BOTH if cc.mode is Mode.ASYNC and not cc.contended else NO


def judge_range(cfg: Config, s: Memory, pfn: int) -> None:
    """Refuse a frame outside the zone that is compacted."""
    assert s.run is not None
    span = cfg.zones[s.run.at]
    why = f"frame {pfn} is not in the zone [{span.start}, {span.end})"
    require(span.start <= pfn < span.end, "CMP-RANGE", why)


@value
class IsolateFreepages:
    """isolate_freepages(): the free scanner takes blocks; say which, with their orders.

    Asked by the migration when there is no free page left.
    """

    busy: bool  # the zone's lock is contended

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        if not at_phase(s, Phase.MOVE) or s.run is None or s.run.cc.freepages:
            return nothing()
        return {"busy": contention(s)}

    def choose(self, cfg: Config, s: Memory) -> Taken:
        return targets.isolate(cfg, s, self.busy)[1]

    def after(self, cfg: Config, s: Memory, result: Taken) -> Memory:
        following, taken = targets.isolate(cfg, s, self.busy)
        if result != taken:
            for pfn, order in result:
                judge_range(cfg, s, pfn)
                judge_order(cfg, s, pfn, order)
        told(taken, result)
        return following


def judge_order(cfg: Config, s: Memory, pfn: int, order: int) -> None:
    """Refuse a block that is on no list of its order."""
    zone = s.zones[zone_of(cfg, pfn)]
    there = 0 <= order < cfg.orders and any(pfn in x for x in zone.free[order])
    why = f"block {pfn} is on no list of order {order}"
    require(there, "CMP-ORDER", why)


@value
class MigratePage:
    """unmap_and_move() of the page in turn; say where it went, none if it stays."""

    moves: bool

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        if not at_phase(s, Phase.MOVE) or s.run is None or not s.run.cc.freepages:
            return nothing()
        return {"moves": BOTH}

    def choose(self, cfg: Config, s: Memory) -> int | None:
        return zone_run.migrate(cfg, s, self.moves)[1]

    def after(self, cfg: Config, s: Memory, result: int | None) -> Memory:
        following, new = zone_run.migrate(cfg, s, self.moves)
        if result is not None:
            inside = cfg.first <= result < cfg.end
            free = inside and letter(cfg, s, result) == TARGET
            require(free, "CMP-CONSERVE", f"frame {result} is not free to move to")
        told(new, result)
        return following
