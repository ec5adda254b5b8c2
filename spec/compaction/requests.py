"""The operations that begin a run and return from it: a request's, or kcompactd's.

Source: mm/compaction.c:try_to_compact_pages, wakeup_kcompactd,
kcompactd_do_work (v5.10).
"""

from __future__ import annotations

from dataclasses import replace

from ..core import Domains, OneOf, nothing, value
from ..linux import GFP_KERNEL, AllocFlags, CompactPriority, CompactResult, Gfp
from . import zone_run
from .answers import at_phase, idle, migratetype, told, zones
from .parts import Config, Memory, Phase, Run
from .zone_run import control


@value
class TryToCompact:
    """try_to_compact_pages() is called; without leave for IO it returns at once."""

    order: int
    gfp: Gfp
    prio: CompactPriority
    flags: AllocFlags
    highest: int

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        if not idle(s) or s.runs >= cfg.runs:
            return nothing()
        return {
            "order": OneOf(cfg.asked),
            "gfp": OneOf(cfg.gfps),
            "prio": OneOf(cfg.prios),
            "flags": OneOf(cfg.flags),
            "highest": zones(cfg),
        }

    def choose(self, cfg: Config, s: Memory) -> CompactResult | None:
        return None if self.gfp & Gfp.IO else CompactResult.SKIPPED

    def after(self, cfg: Config, s: Memory, result: CompactResult | None) -> Memory:
        told(self.choose(cfg, s), result)
        if result is not None:
            return s
        mt, fs = migratetype(self.gfp), bool(self.gfp & Gfp.FS)
        cc = control(self.order, mt, fs, self.prio)
        run = Run(cc, self.prio, self.highest, self.highest, self.flags)
        return replace(s, run=run, runs=s.runs + 1)


@value
class WakeupKcompactd:
    """wakeup_kcompactd(): remember the wish; say whether the thread was woken."""

    order: int
    highest: int

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        works = s.run is not None and s.run.prio is None
        if not works and (not idle(s) or s.runs >= cfg.runs):
            return nothing()
        return {"order": OneOf((0, *cfg.asked)), "highest": zones(cfg)}

    def wished(self, s: Memory) -> Memory:
        """Return the state with the wish noted."""
        if not self.order:
            return s
        return replace(
            s,
            kcompactd_order=max(s.kcompactd_order, self.order),
            kcompactd_highest=min(s.kcompactd_highest, self.highest),
        )

    def choose(self, cfg: Config, s: Memory) -> bool:
        if s.run is not None:  # it does not sleep
            return False
        wish = self.wished(s)
        order, highest = wish.kcompactd_order, wish.kcompactd_highest
        return self.order > 0 and any(
            zone_run.suitable(cfg, s, at, order, AllocFlags.NONE, highest)
            is CompactResult.CONTINUE
            for at in range(highest + 1)
        )

    def after(self, cfg: Config, s: Memory, result: bool) -> Memory:
        told(self.choose(cfg, s), result)
        return self.wished(s)


@value
class Kcompactd:
    """kcompactd_do_work(): the thread begins with the lowest zone."""

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        awake = idle(s) and s.kcompactd_order > 0 and s.runs < cfg.runs
        return {} if awake else nothing()

    def choose(self, cfg: Config, s: Memory) -> None:
        return None

    def after(self, cfg: Config, s: Memory, result: None) -> Memory:
        told(None, result)
        cc = control(s.kcompactd_order, migratetype(GFP_KERNEL), True, None)
        run = Run(cc, None, s.kcompactd_highest, 0)
        return replace(s, run=run, runs=s.runs + 1)


@value
class Compacted:
    """What try_to_compact_pages() returns: the result, and a block or NOBODY."""

    result: CompactResult
    captured: int


@value
class Return:
    """All zones were looked at, or enough of them."""

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        return {} if at_phase(s, Phase.RETURN) else nothing()

    def choose(self, cfg: Config, s: Memory) -> Compacted:
        assert s.run is not None
        return Compacted(s.run.result, s.run.captured)

    def after(self, cfg: Config, s: Memory, result: Compacted) -> Memory:
        told(self.choose(cfg, s), result, "CMP-MAX")
        return zone_run.returned(cfg, s)
