"""The operations of a zone's run: it begins, each round is judged and settled, it ends.

Source: mm/compaction.c:compact_zone, compact_finished (v5.10).
"""

from __future__ import annotations

from ..core import Domains, nothing, value
from ..linux import CompactPriority, CompactResult
from . import zone_run
from .answers import BOTH, NO, at_phase, told
from .parts import Config, Memory, Phase


@value
class BeginZone:
    """The zone in turn is put off, found unsuitable, or begun: CONTINUE."""

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        return {} if at_phase(s, Phase.ZONE) else nothing()

    def choose(self, cfg: Config, s: Memory) -> CompactResult:
        return zone_run.begin_zone(cfg, s)[1]

    def after(self, cfg: Config, s: Memory, result: CompactResult) -> Memory:
        following, verdict = zone_run.begin_zone(cfg, s)
        told(verdict, result)
        return following


@value
class Finished:
    """compact_finished(): whether the run goes on: CONTINUE."""

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        return {} if at_phase(s, Phase.FINISHED) else nothing()

    def choose(self, cfg: Config, s: Memory) -> CompactResult:
        return zone_run.finished(cfg, s)[1]

    def after(self, cfg: Config, s: Memory, result: CompactResult) -> Memory:
        following, verdict = zone_run.finished(cfg, s)
        told(verdict, result)
        return following


@value
class Settle:
    """A round ends: SUCCESS where a block was captured, CONTENDED without room."""

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        return {} if at_phase(s, Phase.DRAIN) else nothing()

    def choose(self, cfg: Config, s: Memory) -> CompactResult:
        return zone_run.settle(cfg, s)[1]

    def after(self, cfg: Config, s: Memory, result: CompactResult) -> Memory:
        following, verdict = zone_run.settle(cfg, s)
        told(verdict, result)
        return following


@value
class EndZone:
    """A zone's run ends: free pages go back; say how it went."""

    resched: bool  # need_resched()

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        if not at_phase(s, Phase.END) or s.run is None:
            return nothing()
        eager = s.run.prio is CompactPriority.ASYNC
        return {"resched": BOTH if eager else NO}

    def choose(self, cfg: Config, s: Memory) -> CompactResult:
        return zone_run.end_zone(cfg, s, self.resched)[1]

    def after(self, cfg: Config, s: Memory, result: CompactResult) -> Memory:
        following, status = zone_run.end_zone(cfg, s, self.resched)
        told(status, result)
        return following
