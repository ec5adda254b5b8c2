"""The operations: questions, a run step by step, and what others do meanwhile.

What a lower layer decides comes as an argument: whether a lock is contended, whether a
page moves, whether a signal came.  Given these, 5.10 leaves no choice.

Source: mm/compaction.c (v5.10).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from ..core import Domains, Ints, OneOf, nothing, require, value
from ..linux import (
    GFP_KERNEL,
    MIGRATE_UNMOVABLE,
    AllocFlags,
    CompactPriority,
    CompactResult,
    Gfp,
)
from . import blocks, defer, sources, targets, zone_run
from .parts import (
    HEAD,
    PINNED,
    TARGET,
    Config,
    Memory,
    Mode,
    Phase,
    Run,
    Zone,
    compound_order,
    letter,
    type_of,
    with_zone,
    zone_of,
)
from .sources import Isolated
from .targets import Taken
from .zone_run import control

R = TypeVar("R")
DECIDE = "CMP-DECIDE"
BOTH = OneOf((False, True))
NO = OneOf((False,))


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


def told(truth: R, result: R, rule: str = DECIDE) -> None:
    """Require the one answer that 5.10 gives."""
    same = result == truth and type(result) is type(truth)
    require(same, rule, f"the answer is {truth}, got {result}")


def idle(s: Memory) -> bool:
    """Say whether memory is arranged and no run is going."""
    return s.laid and s.run is None


def at_phase(s: Memory, phase: Phase) -> bool:
    """Say whether a run is going and this is its next step."""
    return s.run is not None and s.run.phase is phase


def zones(cfg: Config) -> Ints:
    """Return the indices of the zones."""
    return Ints(0, len(cfg.zones))


def changed(s: Memory, at: int, change: Callable[[Zone], Zone]) -> Memory:
    """Return the state with one zone changed by a function."""
    return with_zone(s, at, change(s.zones[at]))


# ------------------------------------------------------------------ the beginning


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
            s = zone_run.reset_isolation(cfg, s, at)
        return s


# ------------------------------------------------------------------ a run


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


def migratetype(gfp: Gfp) -> int:
    """Return the migrate type of a request: gfp_migratetype()."""
    return int(gfp & (Gfp.MOVABLE | Gfp.RECLAIMABLE)) >> 3


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


# ------------------------------------------------------------------ meanwhile


@value
class Kill:
    """A fatal signal reaches the task that compacts."""

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        running = s.run is not None and s.run.prio is not None
        return {} if running and s.run is not None and not s.run.fatal else nothing()

    def choose(self, cfg: Config, s: Memory) -> None:
        return None

    def after(self, cfg: Config, s: Memory, result: None) -> Memory:
        told(None, result)
        assert s.run is not None
        return replace(s, run=replace(s.run, fatal=True))


@value
class Free:
    """An owner frees a page or a compound page; `ours`: an interrupt of our task."""

    pfn: int
    ours: bool

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        if not s.laid:
            return nothing()
        held = (i for i, each in enumerate(s.pages) if each in (PINNED, HEAD))
        ours = BOTH if s.run is not None and s.run.prio is not None else NO
        return {"pfn": OneOf(tuple(cfg.first + i for i in held)), "ours": ours}

    def choose(self, cfg: Config, s: Memory) -> None:
        return None

    def after(self, cfg: Config, s: Memory, result: None) -> Memory:
        told(None, result)
        order = compound_order(cfg, s, self.pfn)
        if letter(cfg, s, self.pfn) == PINNED:
            return blocks.free_page(cfg, s, self.pfn, self.ours)
        at, mt = zone_of(cfg, self.pfn), type_of(cfg, s, self.pfn)
        return blocks.free_one_page(cfg, s, at, self.pfn, order, mt, self.ours)


@value
class Take:
    """Meanwhile somebody allocates the first block that is enough, of one type."""

    at: int
    order: int
    mt: int

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        if s.run is None:
            return nothing()
        types = tuple(dict.fromkeys(map(migratetype, cfg.gfps)))
        return {"at": zones(cfg), "order": OneOf(cfg.taken), "mt": OneOf(types)}

    def choose(self, cfg: Config, s: Memory) -> int | None:
        return blocks.take(cfg, s, self.at, self.order, self.mt)[1]

    def after(self, cfg: Config, s: Memory, result: int | None) -> Memory:
        following, pfn = blocks.take(cfg, s, self.at, self.order, self.mt)
        told(pfn, result)
        return following


@value
class Drain:
    """drain_all_pages(): another task empties the pageset of a zone."""

    at: int

    @classmethod
    def domain(cls, cfg: Config, s: Memory) -> Domains:
        return {"at": zones(cfg)} if s.laid else nothing()

    def choose(self, cfg: Config, s: Memory) -> None:
        return None

    def after(self, cfg: Config, s: Memory, result: None) -> Memory:
        told(None, result)
        return blocks.drain_all(cfg, s, self.at, ours=False)


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
