"""The words of the slow path: requests, a zone in the abstract, questions and answers.

A zone is a few numbers: how many pages are free and reclaimable, how many page blocks
are held back for atomic requests, and whether a block of the request's order is free.

Source: mm/page_alloc.c:__alloc_pages_slowpath (v5.10).
"""

from __future__ import annotations

from dataclasses import fields
from enum import Enum, IntEnum, IntFlag
from typing import Any

from ..core import value
from ..linux import (
    MAX_COMPACT_RETRIES,
    MAX_RECLAIM_RETRIES,
    MIGRATE_HIGHATOMIC,
    MIGRATE_UNMOVABLE,
    PAGE_ALLOC_COSTLY_ORDER,
    AllocFlags,
    CompactPriority,
    CompactResult,
    Gfp,
)
from ..watermark import Level

# Behaviour of 5.10 before 5.10.216: whether compaction may run is not asked first.
COMPACTS_WITHOUT_IO = "compacts-without-io"

COSTLY_RETRIES = 4  # a costly request compacts a quarter of the times


class Context(IntFlag):
    """Who asks: what the kernel reads of the running task, and of the machine."""

    NONE = 0
    MEMALLOC = 0x1  # PF_MEMALLOC
    SOFTIRQ = 0x2  # in_serving_softirq()
    HARDIRQ = 0x4  # in_interrupt() otherwise
    REALTIME = 0x8  # rt_task()
    VICTIM = 0x10  # tsk_is_oom_victim()
    DUMPCORE = 0x20  # PF_DUMPCORE
    NOCMA = 0x40  # PF_MEMALLOC_NOCMA
    SUSPENDED = 0x80  # pm_suspended_storage()
    BARRED = 0x100  # cpusets_insane_config(), and no zone of the cpuset fits


INTERRUPT = Context.SOFTIRQ | Context.HARDIRQ


class Nodemask(IntEnum):
    """The nodes that a request names, against those that have a zone for it."""

    ABSENT = 0
    FITS = 1
    EMPTY = 2  # no zone of them may serve the request


class At(IntEnum):
    """The question that waits for its answer, in the order of one round."""

    IDLE = 0
    FIRST = 1  # free lists, with the flags of the slow path
    EARLY_COMPACT = 2  # compaction before any reclaim
    EARLY_FREELIST = 3
    LOOK_RETRY = 4  # have cpuset or zonelists changed?
    RETRY = 5  # free lists, perhaps with the reserves
    RECLAIM = 6
    RECLAIMED = 7  # free lists, after reclaim
    DRAINED = 8  # and once more after a drain
    COMPACT = 9
    COMPACTED = 10  # free lists, after compaction
    LOOK_OOM = 11
    OOM_LOCK = 12
    OOM_FREELIST = 13  # free lists at the high mark
    OOM_KILL = 14
    OOM_CPUSET = 15  # free lists without any mark, for a request that must not fail
    OOM_ANY = 16
    LOOK_FAIL = 17
    HARDER_CPUSET = 18  # free lists with a part of the reserves, likewise
    HARDER_ANY = 19


FREELISTS = (
    At.FIRST,
    At.EARLY_FREELIST,
    At.RETRY,
    At.RECLAIMED,
    At.DRAINED,
    At.COMPACTED,
    At.OOM_FREELIST,
    At.OOM_CPUSET,
    At.OOM_ANY,
    At.HARDER_CPUSET,
    At.HARDER_ANY,
)
LOOKS = (At.LOOK_RETRY, At.LOOK_OOM, At.LOOK_FAIL)
COMPACTS = (At.EARLY_COMPACT, At.COMPACT)
SLEEPS = (At.RECLAIM, *COMPACTS, At.OOM_LOCK, At.OOM_KILL)


class Reclaim(IntEnum):
    """What direct reclaim answers; all but the first count as progress."""

    NO_PROGRESS = 0
    READY = 1  # nothing freed, as a zone is ready for compaction
    SIGNAL = 2  # nothing freed, as the task is to die
    PAGES = 3
    BLOCK = 4  # pages that make a free block of the order


class Reply(Enum):
    """What may be answered, by those who are asked."""

    NO_PAGE = "the free lists have none"
    PAGE = "the free lists give a page"
    SKIPPED = "compaction has no room to work"  # as enum compact_result names it
    DEFERRED = "compaction failed lately"
    COMPLETE = "compaction has scanned everything in vain"
    PARTIAL_SKIPPED = "compaction has scanned a part in vain"
    CONTENDED = "compaction gave way to others"
    SUCCESS = "compaction has made a block, or found one"
    CAPTURED = "compaction has caught a block as it became free"
    NO_PROGRESS = "reclaim has freed nothing"
    READY = "reclaim has freed nothing, as a zone is ready for compaction"
    SIGNAL = "reclaim was not waited for, as the task is to die"
    PAGES = "reclaim has freed pages"
    BLOCK = "reclaim has freed pages that make a block"
    LOCKED = "the OOM killer's lock is taken"
    BUSY = "somebody else has the lock"
    NOBODY = "there is nothing to kill"
    KILLED = "a task is killed"
    CHOSEN = "the task that asks is killed"
    UNCHANGED = "nothing has changed"
    CPUSET = "the cpuset has changed"
    ZONELIST = "the zonelists have changed"
    NODEMASK = "the nodemask has no node that the cpuset still allows"


class Event(Enum):
    """What is done on the way to the next question, for others to act on."""

    WAKE_KSWAPD = "wake kswapd"
    UNRESERVE = "give a high-atomic page block back, but the last one"
    UNRESERVE_ALL = "give a high-atomic page block back"
    DRAIN = "drain all pagesets"
    WAIT = "wait for writeback"
    SLEEP = "sleep for a tick"
    DEFER_RESET = "compaction was good for something"
    WARN_ATOMIC = "warning: atomic, and may sleep"
    WARN_NOWAIT = "warning: must not fail, and may not sleep"
    WARN_RECURSION = "warning: must not fail inside reclaim"
    WARN_COSTLY = "warning: must not fail, and is costly"
    WARN_OOM = "warning: must not fail, and nothing can be killed"
    WARN_FAILURE = "warning: page allocation failure"


def brief(thing: Any) -> str:
    """Return a record for a reader: defaults left out, flags by name."""
    shown = []
    for each in fields(thing):
        one = getattr(thing, each.name)
        if one != each.default:
            named = one.name if isinstance(one, Enum) else one
            shown.append(f"{each.name}={named}")
    return f"{type(thing).__name__}({', '.join(shown)})"


@value
class Request:
    """One request that the free lists have not served."""

    order: int
    gfp: Gfp
    context: Context = Context.NONE
    nodemask: Nodemask = Nodemask.ABSENT

    def __repr__(self) -> str:
        return brief(self)


@value
class Zone:
    """The zones of a request in the abstract; counts are pages unless they say so."""

    free: int = 0
    reclaimable: int = 0
    highatomic: int = 0  # page blocks, all of them free
    block: bool = False  # a block of the order is free, outside of those
    write_pending: int = 0

    def __repr__(self) -> str:
        return brief(self)


@value
class Left:
    """What others may still do for a request: none of it is for ever."""

    changes: int = 0  # of cpusets and zonelists
    kills: int = 0  # by the OOM killer, or by whoever holds its lock
    signals: int = 0  # that end a wait for reclaim


@value
class Config:
    """Which requests meet which zones, and the numbers that bound the retries.

    `patience` "less" lets an implementation give up retrying before Linux does.
    """

    requests: tuple[Request, ...]
    zones: tuple[Zone, ...]
    marks: tuple[int, int, int] = (8, 10, 12)
    reserve: int = 0  # lowmem_reserve
    cluster: int = 1  # pages of one reclaim, or one kill
    block_pages: int = 2  # of a page block
    reclaim_retries: int = MAX_RECLAIM_RETRIES
    compact_retries: int = MAX_COMPACT_RETRIES
    compaction: bool = True  # CONFIG_COMPACTION
    cpusets: bool = False  # cpusets_enabled()
    hotremove: bool = False  # CONFIG_MEMORY_HOTREMOVE
    cma: bool = False  # CONFIG_CMA
    counts_free: bool = True  # where nothing is reclaimable: not before 5.10.233
    changes: int = 0
    kills: int = 0
    signals: int = 0
    patience: str = "linux"
    quirks: tuple[str, ...] = ()
    ops: tuple[str, ...] = ()


@value
class State:
    """The request that is under way, what it has tried, and the zone."""

    at: At = At.IDLE
    order: int = 0
    gfp: Gfp = Gfp.NONE
    context: Context = Context.NONE
    nodemask: Nodemask = Nodemask.ABSENT
    memalloc: bool = False  # PF_MEMALLOC, now
    flags: AllocFlags = AllocFlags.NONE
    priority: CompactPriority = CompactPriority.SYNC_LIGHT
    compacted: CompactResult = CompactResult.SKIPPED  # the last answer
    retries: int = 0  # compaction_retries
    loops: int = 0  # no_progress_loops
    gained: Reclaim = Reclaim.NO_PROGRESS  # did_some_progress, and why
    zone: Zone = Zone()
    left: Left = Left()

    @property
    def costly(self) -> bool:
        """Say whether the request is too large to be tried for ever."""
        return self.order > PAGE_ALLOC_COSTLY_ORDER


@value
class Next:
    """What follows an answer: the next question as it is asked, or the end.

    `page` is set at the end only: whether there is one.
    """

    asks: At
    gfp: Gfp = Gfp.NONE
    flags: AllocFlags = AllocFlags.NONE
    priority: CompactPriority | None = None
    events: tuple[Event, ...] = ()
    page: bool | None = None

    def __repr__(self) -> str:
        if self.page is not None:
            head = f"page={self.page}"
        else:
            head = f"asks={self.asks.name}, flags={self.flags.name}"
            if self.priority is not None:
                head += f", priority={self.priority.name}"
        return ", ".join([head, *(event.name for event in self.events)])


def level(cfg: Config, s: State, made: bool = False) -> Level:
    """Return what a watermark test sees of the zone.

    `made` says that a block may have been made, which others may take at any time.
    """
    lists = 1 << MIGRATE_UNMOVABLE if s.zone.block or made else 0
    if s.zone.highatomic > 0:
        lists |= 1 << MIGRATE_HIGHATOMIC
    return Level(
        free=s.zone.free,
        marks=cfg.marks,
        lowmem_reserve=(cfg.reserve,),
        lists=(0,) * s.order + (lists,),
        highatomic=s.zone.highatomic * cfg.block_pages,
    )


def can_reclaim(s: State) -> bool:
    """Say whether the request may sleep until memory is reclaimed."""
    return Gfp.DIRECT_RECLAIM in s.gfp


def may_compact(cfg: Config, s: State) -> bool:
    """Say whether compaction may run for it: gfp_compaction_allowed()."""
    return cfg.compaction and Gfp.IO in s.gfp


def is_barred(s: State) -> bool:
    """Say whether a request keeps to its cpuset, which has no zone for it."""
    return Context.BARRED in s.context and Gfp.HARDWALL in s.gfp


def is_shut_out(s: State, gfp: Gfp) -> bool:
    """Say whether the cpuset allows no zone to a question: cpuset_zone_allowed().

    Interrupts and victims may have memory anywhere.
    """
    anywhere = s.context & (INTERRUPT | Context.VICTIM)
    return Context.BARRED in s.context and Gfp.HARDWALL in gfp and not anywhere


def tries_compaction(cfg: Config, s: State) -> bool:
    """Say whether the slow path counts on compaction; 5.10.0 always did."""
    return COMPACTS_WITHOUT_IO in cfg.quirks or may_compact(cfg, s)


def must_not_fail(s: State) -> bool:
    """Say whether the request is tried for ever: NOFAIL, if it may sleep."""
    return Gfp.NOFAIL in s.gfp and can_reclaim(s)
