"""The kernel's variables on the slow path, and the question that waits.

Source: mm/page_alloc.c:__alloc_pages_slowpath (v5.10).
"""

from __future__ import annotations

from mmoracle.spec.linux import AllocFlags, Gfp

from ..watermark import zone_watermark_ok
from .decisions import (
    ASYNC,
    BARRED,
    CPUSET,
    HARDER,
    NO_WATERMARKS,
    NOCMA,
    PF_MEMALLOC,
    SKIPPED,
    SYNC_LIGHT,
    zone_reclaimable_pages,
)

(
    IDLE,
    FIRST,
    EARLY_COMPACT,
    EARLY_FREELIST,
    LOOK_RETRY,
    RETRY,
    RECLAIM,
    RECLAIMED,
    DRAINED,
    COMPACT,
    COMPACTED,
    LOOK_OOM,
    OOM_LOCK,
    OOM_FREELIST,
    OOM_KILL,
    OOM_CPUSET,
    OOM_ANY,
    LOOK_FAIL,
    HARDER_CPUSET,
    HARDER_ANY,
) = range(20)

ANY_NODE, SOME_NODES, NO_NODE = range(3)
FREED = 3  # reclaim answers from here on have freed pages
FREED_A_BLOCK = 4
SIGNALLED = 2

CMA, KSWAPD = int(AllocFlags.CMA), int(AllocFlags.KSWAPD)
WMARK_HIGH, WMARK_MASK = 2, 3
NOFAIL, NORETRY, NOWARN = int(Gfp.NOFAIL), int(Gfp.NORETRY), int(Gfp.NOWARN)
MAYFAIL, THISNODE = int(Gfp.RETRY_MAYFAIL), int(Gfp.THISNODE)
DIRECT_RECLAIM, HARDWALL = int(Gfp.DIRECT_RECLAIM), int(Gfp.HARDWALL)
BELOW_NORMAL = int(Gfp.DMA | Gfp.DMA32)
IO, MOBILITY, MOVABLE = 0x40, 0x18, 0x8
HIGHATOMIC_LIST = 0b1000

Question = tuple[int, int, int, int, tuple[str, ...], int]
NOT_ENDED = -1  # in place of a page
NO_PRIORITY = -1


class Variables:
    """One request at a time, and the zone that it meets."""

    def __init__(
        self,
        marks: tuple[int, int, int],
        reserve: int,
        cluster: int,
        block_pages: int,
        reclaim_retries: int,
        compact_retries: int,
        compaction: bool,
        recheck: bool,
        cma: bool,
        may_compact_unasked: bool,
        counts_free: bool,
        budget: tuple[int, int, int],
    ) -> None:
        """Take the numbers of a configuration; the machine is idle.

        `may_compact_unasked` is 5.10.0, which did not ask whether compaction may run;
        `counts_free` is from 5.10.233 on, see zone_reclaimable_pages().
        """
        self.marks, self.reserve, self.cluster = marks, reserve, cluster
        self.block_pages = block_pages
        self.reclaim_retries, self.compact_retries = reclaim_retries, compact_retries
        self.compaction, self.recheck, self.cma = compaction, recheck, cma
        self.counts_free = counts_free
        self.may_compact_unasked, self.budget = may_compact_unasked, budget
        self.stubborn = True  # goes on as long as its predicates say
        self.may_hurry = False  # or may give up before
        self.forget()

    def forget(self) -> None:
        """Become idle.  O(1)."""
        self.pc = IDLE
        self.order = self.gfp = self.who = self.nodemask = self.alloc_flags = 0
        self.noreclaim = False  # PF_MEMALLOC now
        self.compact_priority, self.compact_result = SYNC_LIGHT, SKIPPED
        self.compaction_retries = self.no_progress_loops = self.progress = 0
        self.free = self.reclaimable = self.highatomic = self.write_pending = 0
        self.block = False
        self.changes = self.kills = self.signals = 0
        self.events: list[str] = []
        self.page = NOT_ENDED

    # -------------------------------------------------------------- facts

    def can_direct_reclaim(self) -> bool:
        """Say whether the request may sleep."""
        return self.gfp & DIRECT_RECLAIM != 0

    def can_compact(self) -> bool:
        """Say whether compaction may run for the request."""
        if self.may_compact_unasked:
            return True
        return self.compaction and self.gfp & IO != 0

    def costly(self) -> bool:
        """Say whether the order is above PAGE_ALLOC_COSTLY_ORDER."""
        return self.order >= 4

    def cpuset_has_no_zone(self) -> bool:
        """Say whether the cpuset is insane, for a request that keeps to it."""
        return self.gfp & HARDWALL != 0 and self.who & BARRED != 0

    def is_movable(self) -> bool:
        """Say whether the migrate type is MOVABLE."""
        return self.gfp & MOBILITY == MOVABLE

    def watermark_ok(self, order: int, mark: int, flags: int, free: int) -> bool:
        """Ask __zone_watermark_ok() of the zones that the request may use."""
        if self.nodemask == NO_NODE:
            return False
        bits = (1 if self.block else 0) | (HIGHATOMIC_LIST if self.highatomic else 0)
        lists = [0] * self.order + [bits]
        held = self.highatomic * self.block_pages
        return zone_watermark_ok(free, order, mark, self.reserve, flags, lists, held)

    def zone_reclaimable_pages(self) -> int:
        """Return what reclaim may find in the zone."""
        lru, free = self.reclaimable, self.free
        return int(zone_reclaimable_pages(lru, free, self.counts_free))

    # -------------------------------------------------------------- questions

    def current_alloc_flags(self, flags: int) -> int:
        """Add CMA for movable requests."""
        if self.cma and self.is_movable() and not self.who & NOCMA:
            return flags | CMA
        return flags

    def ask(self, pc: int) -> None:
        """Wait for the answer to a question.  O(1)."""
        self.pc = pc
        self.noreclaim = self.who & PF_MEMALLOC != 0
        if pc in (RECLAIM, COMPACT, EARLY_COMPACT):
            self.noreclaim = True

    def asked(self) -> Question:
        """Return (question, gfp, alloc flags, priority, events, page).  O(events)."""
        gfp, flags, priority = self.gfp, self.alloc_flags, NO_PRIORITY
        if self.pc == OOM_FREELIST:
            gfp, flags = (gfp | HARDWALL) & ~DIRECT_RECLAIM, WMARK_HIGH | CPUSET
        elif self.pc in (OOM_CPUSET, OOM_ANY):
            flags = NO_WATERMARKS
        elif self.pc in (HARDER_CPUSET, HARDER_ANY):
            flags = HARDER
        if self.pc in (OOM_CPUSET, HARDER_CPUSET):
            flags |= CPUSET
        if self.pc == EARLY_COMPACT:
            priority = ASYNC
        elif self.pc == COMPACT:
            priority = self.compact_priority
        events, page = tuple(self.events), self.page
        self.events, self.page = [], NOT_ENDED
        return self.pc, gfp, flags, priority, events, page

    def got_pg(self, page: bool) -> None:
        """Return to the caller."""
        events = self.events
        self.forget()
        self.events, self.page = events, int(page)
