"""The operations: a request begins, and each question is answered.

What a lower layer may answer depends on the zone: pages come only where the watermarks
let them, and where nothing can be reclaimed none is.

Source: mm/page_alloc.c:__alloc_pages_slowpath (v5.10).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import replace

from ..core import Disallowed, Domains, Ints, OneOf, Op, Step, nothing, value
from ..linux import (
    WMARK_HIGH,
    WMARK_MIN,
    AllocFlags,
    CompactPriority,
    CompactResult,
    Gfp,
)
from ..watermark import mark_of, watermark_ok
from . import path
from .path import Turn
from .request import (
    COMPACTS,
    FREELISTS,
    LOOKS,
    At,
    Change,
    Config,
    Event,
    Left,
    Next,
    Nodemask,
    Oom,
    Reclaim,
    Request,
    State,
    Zone,
    level,
)
from .retry import gap, suitability

SCANNED = (  # what compaction may answer where it has room to work
    CompactResult.COMPLETE,
    CompactResult.PARTIAL_SKIPPED,
    CompactResult.CONTENDED,
    CompactResult.SUCCESS,
)
AFTER_COMPACTION = (At.EARLY_FREELIST, At.COMPACTED)
AFTER_NONE: dict[At, Callable[[Config, State], Turn]] = {
    At.FIRST: path.first_failed,
    At.EARLY_FREELIST: path.early_failed,
    At.RETRY: path.retry_failed,
    At.RECLAIMED: path.reclaimed_in_vain,
    At.DRAINED: path.drained_in_vain,
    At.COMPACTED: path.decide,
    At.OOM_FREELIST: path.kill_or_not,
    At.OOM_CPUSET: lambda cfg, s: path.ask(s, At.OOM_ANY),
    At.OOM_ANY: lambda cfg, s: path.after_oom(cfg, s, True),
    At.HARDER_CPUSET: lambda cfg, s: path.ask(s, At.HARDER_ANY),
    At.HARDER_ANY: path.retry,
}


class Answered(ABC):
    """What every answer has in common: one turn of Linux, and those permitted."""

    __slots__ = ()

    @abstractmethod
    def turn(self, cfg: Config, s: State) -> Turn:
        """Return where Linux goes on."""

    def choose(self, cfg: Config, s: State) -> Next:
        """Ask what Linux asks next."""
        return self.turn(cfg, s).next

    def after(self, cfg: Config, s: State, result: Next) -> State:
        """Follow Linux, or an implementation that gives up sooner."""
        for each in permitted(cfg, s, self):
            if each.next == result:
                return each.state
        due = self.choose(cfg, s)
        raise Disallowed("RET-CODE", f"({due}) is due, not ({result})")


def permitted(cfg: Config, s: State, op: Answered) -> tuple[Turn, ...]:
    """Return the turns that may be taken, that of Linux first."""
    if cfg.patience == "linux":
        return (op.turn(cfg, s),)
    return op.turn(cfg, s), op.turn(replace(cfg, patience="none"), s)


def used(cfg: Config, step: Step[Config, State]) -> Iterator[str]:
    """Yield `patience` where a step gives up sooner than Linux does."""
    if cfg.patience == "less" and step.result != step.op.choose(cfg, step.before):
        yield "patience"


# ------------------------------------------------------------------ what may be told


def may_serve(cfg: Config, s: State) -> bool:
    """Say whether the free lists may give a page to the question that waits."""
    if s.nodemask is Nodemask.EMPTY:
        return False
    made = s.at in AFTER_COMPACTION and s.compacted is CompactResult.SUCCESS
    z, flags = level(cfg, s, made), path.flags_of(s)
    if AllocFlags.NO_WATERMARKS not in flags:
        return watermark_ok(z, s.order, mark_of(z, flags), 0, flags, z.free)
    return z.free >= 1 << s.order and (s.order == 0 or z.lists[s.order] > 0)


def compaction_may_say(cfg: Config, s: State) -> tuple[CompactResult, ...]:
    """Return what compaction may answer, by what the zone has and how it is asked."""
    if Gfp.IO not in s.gfp or s.nodemask is Nodemask.EMPTY:
        return (CompactResult.SKIPPED,)
    found = suitability(cfg, s, s.zone.free)
    options = SCANNED if found is CompactResult.CONTINUE else (found,)
    early = s.at is At.EARLY_COMPACT
    if early or s.priority > CompactPriority.SYNC_FULL:
        options = (*options, CompactResult.DEFERRED)
    return options


def reclaim_may_say(cfg: Config, s: State) -> tuple[Reclaim, ...]:
    """Return what reclaim may answer, by what the zone has left."""
    options = [Reclaim.NOTHING]
    if s.nodemask is Nodemask.EMPTY:
        return (Reclaim.NOTHING,)
    if cfg.compaction and s.costly and is_ready(cfg, s):
        options.append(Reclaim.READY)
    if s.left.signals:
        options.append(Reclaim.SIGNAL)
    if s.zone.reclaimable:
        options.append(Reclaim.PAGES)
        if s.order and not s.zone.block:
            options.append(Reclaim.BLOCK)
    return tuple(options)


def is_ready(cfg: Config, s: State) -> bool:
    """Say whether reclaim steps back for compaction: compaction_ready().

    That compaction may not run for the request is asked by compaction only.
    """
    z = level(cfg, s)
    if watermark_ok(z, s.order, z.marks[WMARK_MIN], 0, AllocFlags.NONE, z.free):
        return True
    mark = z.marks[WMARK_HIGH] + gap(s.order)
    return watermark_ok(z, 0, mark, 0, AllocFlags.NONE, z.free)


def changes_may_be(cfg: Config, s: State) -> tuple[Change, ...]:
    """Return what may have changed."""
    options = [Change.NONE]
    if s.left.changes and cfg.cpusets:
        options.append(Change.CPUSET)
        if s.nodemask is not Nodemask.ABSENT:
            options.append(Change.NODEMASK)
    if s.left.changes and cfg.hotremove:
        options.append(Change.ZONELIST)
    return tuple(options)


# ------------------------------------------------------------------ operations


@value
class Begin(Answered):
    """A request enters the slow path, in a zone as it then is."""

    request: Request
    zone: Zone

    @classmethod
    def domain(cls, cfg: Config, s: State) -> Domains:
        """Offer the requests and zones of the configuration, one at a time."""
        if s.at is not At.IDLE:
            return nothing()
        return {"request": OneOf(cfg.requests), "zone": OneOf(cfg.zones)}

    def turn(self, cfg: Config, s: State) -> Turn:
        """Look at the free lists with the flags of the slow path."""
        asked = self.request
        zone = self.zone if asked.order else replace(self.zone, block=False)
        left = Left(cfg.changes, cfg.kills, cfg.signals)
        s = State(
            order=asked.order,
            gfp=asked.gfp,
            context=asked.context,
            nodemask=asked.nodemask,
            zone=zone,
            left=left,
        )
        return path.begin(cfg, s)


@value
class Freelist(Answered):
    """get_page_from_freelist() answers: a page or none."""

    page: bool

    @classmethod
    def domain(cls, cfg: Config, s: State) -> Domains:
        """Offer a page only where the watermarks let the request have one."""
        if s.at not in FREELISTS:
            return nothing()
        return {"page": Ints(0, 2) if may_serve(cfg, s) else Ints(0, 1)}

    def turn(self, cfg: Config, s: State) -> Turn:
        """Return a page to the caller; go on without."""
        if self.page:
            useful = s.at in AFTER_COMPACTION
            return path.end(True, *((Event.DEFER_RESET,) if useful else ()))
        return AFTER_NONE[s.at](cfg, s)


@value
class Compacted(Answered):
    """try_to_compact_pages() answers, without a page."""

    result: CompactResult

    @classmethod
    def domain(cls, cfg: Config, s: State) -> Domains:
        """Offer what compaction may come to."""
        if s.at not in COMPACTS:
            return nothing()
        return {"result": OneOf(compaction_may_say(cfg, s))}

    def turn(self, cfg: Config, s: State) -> Turn:
        """Look at the free lists, whatever it was."""
        return path.compacted(cfg, s, self.result)


@value
class Captured(Answered):
    """try_to_compact_pages() answers with a page that it caught when it became free."""

    @classmethod
    def domain(cls, cfg: Config, s: State) -> Domains:
        """Offer a page where compaction has room to work."""
        works = s.at in COMPACTS and CompactResult.COMPLETE in compaction_may_say(
            cfg, s
        )
        return {} if works else nothing()

    def turn(self, cfg: Config, s: State) -> Turn:
        """Return the page to the caller."""
        return path.end(True, Event.DEFER_RESET)


@value
class Reclaimed(Answered):
    """try_to_free_pages() answers: how much progress it made, and of which kind."""

    progress: Reclaim

    @classmethod
    def domain(cls, cfg: Config, s: State) -> Domains:
        """Offer pages while some are reclaimable."""
        if s.at is not At.RECLAIM:
            return nothing()
        return {"progress": OneOf(reclaim_may_say(cfg, s))}

    def turn(self, cfg: Config, s: State) -> Turn:
        """Look at the free lists after progress."""
        return path.reclaimed(cfg, s, self.progress)


@value
class OomLock(Answered):
    """The lock of the OOM killer is taken, or somebody else has it."""

    busy: bool

    @classmethod
    def domain(cls, cfg: Config, s: State) -> Domains:
        """Offer a busy lock while others may still kill."""
        if s.at is not At.OOM_LOCK:
            return nothing()
        return {"busy": OneOf((False, True)[: 1 + (s.left.kills > 0)])}

    def turn(self, cfg: Config, s: State) -> Turn:
        """Look at the free lists once more, or leave it to the other one."""
        return path.locked(cfg, s, self.busy)


@value
class OutOfMemory(Answered):
    """out_of_memory() answers: nothing to kill, a task killed, or the one that asks."""

    answer: Oom

    @classmethod
    def domain(cls, cfg: Config, s: State) -> Domains:
        """Offer kills while there are any left."""
        if s.at is not At.OOM_KILL:
            return nothing()
        return {"answer": OneOf(tuple(Oom)[: 3 if s.left.kills else 1])}

    def turn(self, cfg: Config, s: State) -> Turn:
        """Go on after a kill."""
        return path.killed(cfg, s, self.answer)


@value
class Looked(Answered):
    """Whether the cpuset, its nodes or the zonelists have changed since the start."""

    change: Change

    @classmethod
    def domain(cls, cfg: Config, s: State) -> Domains:
        """Offer changes while there are any left."""
        if s.at not in LOOKS:
            return nothing()
        return {"change": OneOf(changes_may_be(cfg, s))}

    def turn(self, cfg: Config, s: State) -> Turn:
        """Begin again after a change."""
        return path.looked(cfg, s, self.change)


OPS: tuple[type[Op[Config, State]], ...] = (
    Begin,
    Freelist,
    Compacted,
    Captured,
    Reclaimed,
    OomLock,
    OutOfMemory,
    Looked,
)


def initial(cfg: Config) -> State:
    """Return the slow path while nobody is on it."""
    return State()


def canonical(cfg: Config, s: State) -> State:
    """Count no further than where a counter ceases to matter."""
    loops = min(s.loops, cfg.reclaim_retries + 1)
    return replace(s, loops=loops, retries=min(s.retries, cfg.compact_retries + 1))
