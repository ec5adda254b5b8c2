"""The operations on what a zone remembers, and questions about a zone.

Source: mm/compaction.c:compaction_suitable, compaction_deferred, defer_compaction,
compaction_defer_reset, reset_isolation_suitable;
mm/vmstat.c:fragmentation_index (v5.10).
"""

from __future__ import annotations

from ..core import Domains, Ints, OneOf, nothing, value
from ..linux import AllocFlags, CompactResult
from . import defer, hints, zone_run
from .answers import BOTH, changed, idle, told, zones
from .parts import Config, Memory, with_zone

# ------------------------------------------------------------------ questions


def questions(cfg: Config, s: Memory) -> Domains:
    """Return the arguments of what may be asked about a zone while nothing runs."""
    if s.run is not None:
        return nothing()
    return {"at": zones(cfg), "order": Ints(0, cfg.orders)}


@value
class Suitable:
    """compaction_suitable(): whether to compact a zone now."""

    at: int
    order: int
    flags: AllocFlags

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        return {**questions(cfg, s), "flags": OneOf(cfg.flags)}

    def choose(self, cfg: Config, s: Memory) -> CompactResult:
        return zone_run.suitable(cfg, s, self.at, self.order, self.flags, self.at)

    def after(self, cfg: Config, s: Memory, result: CompactResult) -> Memory:
        told(self.choose(cfg, s), result)
        return s


@value
class FragmentationIndex:
    """fragmentation_index(): why a block is missing, in thousandths."""

    at: int
    order: int

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        return questions(cfg, s)

    def choose(self, cfg: Config, s: Memory) -> int:
        return defer.fragmentation_index(self.order, zone_run.nr_free(s.zones[self.at]))

    def after(self, cfg: Config, s: Memory, result: int) -> Memory:
        told(self.choose(cfg, s), result, "FRAG-IN")
        return s


@value
class Restarting:
    """compaction_restarting(): whether the longest deferral is over."""

    at: int
    order: int

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        return questions(cfg, s)

    def choose(self, cfg: Config, s: Memory) -> bool:
        return defer.restarting(s.zones[self.at], self.order, cfg.defer_max)

    def after(self, cfg: Config, s: Memory, result: bool) -> Memory:
        told(self.choose(cfg, s), result)
        return s


# ------------------------------------------------------------------ deferral


def deferrals(cfg: Config, s: Memory) -> Domains:
    """Return the arguments of the operations on a zone's deferral."""
    if not idle(s):
        return nothing()
    return {"at": zones(cfg), "order": OneOf(cfg.asked)}


@value
class Deferred:
    """compaction_deferred(): whether to put compaction off; asking counts."""

    at: int
    order: int

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        return deferrals(cfg, s)

    def choose(self, cfg: Config, s: Memory) -> bool:
        return defer.deferred(s.zones[self.at], self.order)[1]

    def after(self, cfg: Config, s: Memory, result: bool) -> Memory:
        zone, off = defer.deferred(s.zones[self.at], self.order)
        told(off, result)
        return with_zone(s, self.at, zone)


@value
class Defer:
    """defer_compaction(): a run was in vain."""

    at: int
    order: int

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        return deferrals(cfg, s)

    def choose(self, cfg: Config, s: Memory) -> None:
        return None

    def after(self, cfg: Config, s: Memory, result: None) -> Memory:
        told(None, result)
        most = cfg.defer_max
        return changed(s, self.at, lambda z: defer.defer(z, self.order, most))


@value
class DeferReset:
    """compaction_defer_reset(): a run went well, or somebody was served."""

    at: int
    order: int
    alloc_success: bool

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        return {**deferrals(cfg, s), "alloc_success": BOTH}

    def choose(self, cfg: Config, s: Memory) -> None:
        return None

    def after(self, cfg: Config, s: Memory, result: None) -> Memory:
        told(None, result)
        well = self.alloc_success
        return changed(s, self.at, lambda z: defer.defer_reset(z, self.order, well))


@value
class Served:
    """The request got a block from a zone's lists: __alloc_pages_direct_compact()."""

    at: int
    order: int

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        return deferrals(cfg, s)

    def choose(self, cfg: Config, s: Memory) -> None:
        return None

    def after(self, cfg: Config, s: Memory, result: None) -> Memory:
        told(None, result)
        return changed(s, self.at, lambda z: defer.served(z, self.order))


@value
class ResetIsolation:
    """reset_isolation_suitable(): kswapd goes to sleep, skip hints are forgotten."""

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        return {} if idle(s) else nothing()

    def choose(self, cfg: Config, s: Memory) -> None:
        return None

    def after(self, cfg: Config, s: Memory, result: None) -> Memory:
        told(None, result)
        for at in range(len(cfg.zones)):
            s = hints.reset_isolation(cfg, s, at)
        return s
