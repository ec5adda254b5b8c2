"""The slow path as a machine: the kernel's labels, and a method for each answer.

`pc` is the question that waits for an answer; a method for each answer goes on to the
next one.  Every answer costs O(1).

Source: mm/page_alloc.c:__alloc_pages_slowpath (v5.10).
"""

from __future__ import annotations

from collections.abc import Callable

from .decisions import (
    ALLOC_OOM,
    ASYNC,
    ATOMIC,
    BARRED,
    CPUSET,
    DEFERRED,
    DUMPCORE,
    NOMEMALLOC,
    PF_MEMALLOC,
    SKIPPED,
    SUSPENDED,
    SYNC_LIGHT,
    VICTIM,
    count_no_progress,
    gfp_pfmemalloc_flags,
    gfp_to_alloc_flags,
    should_compact_retry,
)
from .variables import (
    ANY_NODE,
    BELOW_NORMAL,
    CMA,
    COMPACT,
    COMPACTED,
    DIRECT_RECLAIM,
    DRAINED,
    EARLY_COMPACT,
    EARLY_FREELIST,
    FIRST,
    FREED,
    FREED_A_BLOCK,
    HARDER_ANY,
    HARDER_CPUSET,
    KSWAPD,
    LOOK_FAIL,
    LOOK_OOM,
    LOOK_RETRY,
    MAYFAIL,
    NO_NODE,
    NOFAIL,
    NORETRY,
    NOWARN,
    OOM_ANY,
    OOM_CPUSET,
    OOM_FREELIST,
    OOM_KILL,
    OOM_LOCK,
    RECLAIM,
    RECLAIMED,
    RETRY,
    SIGNALLED,
    THISNODE,
    WMARK_MASK,
    Variables,
)


class SlowPath(Variables):
    """One request at a time, and the zone that it meets."""

    # -------------------------------------------------------------- labels

    def begin(
        self, order: int, gfp: int, who: int, nodemask: int, zone: tuple[int, ...]
    ) -> None:
        """Enter with a zone: free, reclaimable, high-atomic, has a block, dirty."""
        self.order, self.gfp, self.who, self.nodemask = order, gfp, who, nodemask
        self.free, self.reclaimable, self.highatomic, block, self.write_pending = zone
        self.block = bool(block) and order > 0
        self.changes, self.kills, self.signals = self.budget
        if gfp & ATOMIC and gfp & DIRECT_RECLAIM:
            self.events.append("WARN_ATOMIC")
            self.gfp &= ~ATOMIC
        self.restart()

    def restart(self) -> None:
        """Begin again with nothing tried."""
        self.compaction_retries = self.no_progress_loops = self.progress = 0
        self.compact_result, self.compact_priority = SKIPPED, SYNC_LIGHT
        self.alloc_flags = self.current_alloc_flags(
            gfp_to_alloc_flags(self.gfp, self.who)
        )
        if self.nodemask == NO_NODE or self.cpuset_has_no_zone():
            self.nopage()
            return
        self.wake_all_kswapds()
        self.ask(FIRST)

    def wake_all_kswapds(self) -> None:
        """Wake kswapd, if the request may."""
        if self.alloc_flags & KSWAPD:
            self.events.append("WAKE_KSWAPD")

    def retry(self) -> None:
        """Begin a round."""
        self.progress = 0
        self.check_retry(LOOK_RETRY)

    def nopage(self) -> None:
        """Prepare to fail."""
        self.progress = 0
        self.check_retry(LOOK_FAIL)

    def check_retry(self, pc: int) -> None:
        """Ask for changes of cpuset and zonelists where there may be some."""
        self.ask(pc)
        if not self.recheck:
            self.checked(False)

    def checked(self, changed: bool, stale: bool = False, moved: bool = False) -> None:
        """Begin again after a change, without a nodemask that is stale; else go on."""
        if changed:
            if moved:  # the cpuset, to where there is a zone
                self.who &= ~BARRED
            self.changes -= 1
            if stale:
                self.nodemask = ANY_NODE
            self.restart()
        elif self.pc == LOOK_RETRY:
            self.round()
        elif self.pc == LOOK_OOM:
            self.ask(OOM_LOCK)
        else:
            self.fail_or_help()

    def round(self) -> None:
        """Try the free lists, with the reserves if the request may."""
        self.wake_all_kswapds()
        reserves = gfp_pfmemalloc_flags(self.gfp, self.who)
        if reserves:
            self.alloc_flags = self.current_alloc_flags(reserves)
        if reserves or not self.alloc_flags & CPUSET:
            self.nodemask = ANY_NODE
        self.ask(RETRY)

    # -------------------------------------------------------------- free lists

    def freelist(self, page: bool) -> None:
        """get_page_from_freelist() has answered.  O(1)."""
        if page:
            if self.pc in (EARLY_FREELIST, COMPACTED):
                self.events.append("DEFER_RESET")
            self.got_pg(True)
        else:
            AFTER[self.pc](self)

    def try_compaction_early(self) -> None:
        """Compact before reclaim, for costly and for unmovable blocks."""
        wants = self.costly() or (self.order > 0 and not self.is_movable())
        allowed = self.can_direct_reclaim() and self.can_compact()
        if wants and allowed and not gfp_pfmemalloc_flags(self.gfp, self.who):
            if self.compaction:
                self.ask(EARLY_COMPACT)
            else:
                self.after_early()
        else:
            self.retry()

    def after_early(self) -> None:
        """Stop a costly request that is not to be retried."""
        if self.costly() and self.gfp & NORETRY:
            if self.compact_result in (SKIPPED, DEFERRED) or self.gfp & THISNODE:
                self.nopage()
                return
            self.compact_priority = ASYNC
        self.retry()

    def try_reclaim(self) -> None:
        """Reclaim, unless the request cannot sleep or comes from there."""
        if self.can_direct_reclaim() and not self.who & PF_MEMALLOC:
            self.ask(RECLAIM)
        else:
            self.nopage()

    def drain(self) -> None:
        """Drain what others keep, once."""
        self.events += ["UNRESERVE", "DRAIN"]
        if self.highatomic > 1:
            self.unreserve()
        self.ask(DRAINED)

    def unreserve(self) -> bool:
        """Give a page block back from the high-atomic reserve."""
        if not self.highatomic or self.nodemask == NO_NODE:
            return False
        self.highatomic -= 1
        self.block = True
        return True

    def try_compaction(self) -> None:
        """Compact, for a block of several pages."""
        if self.order and self.compaction:
            self.ask(COMPACT)
            return
        if self.order:
            self.compact_result = SKIPPED
        self.decide()

    def oom_or_not(self) -> None:
        """Ask for a kill, unless the request is not worth one."""
        if self.may_kill():
            self.ask(OOM_KILL)
        else:
            self.after_oom(False)

    def try_any_node_at_oom(self) -> None:
        """Ignore the cpuset as well."""
        self.ask(OOM_ANY)

    def try_any_node(self) -> None:
        """Ignore the cpuset as well."""
        self.ask(HARDER_ANY)

    def helped_in_vain(self) -> None:
        """Go on for a request that must not fail."""
        self.after_oom(True)

    def gfp_pfmemalloc_allowed(self, gfp: int, who: int) -> bool:
        """Say whether a request may use any reserve.  O(1)."""
        return gfp_pfmemalloc_flags(gfp, who) != 0

    # -------------------------------------------------------------- other answers

    def reclaimed(self, kind: int) -> None:
        """try_to_free_pages() has answered.  O(1)."""
        if kind == SIGNALLED:
            self.signals -= 1
        if kind >= FREED:
            pages = min(self.cluster, self.reclaimable)
            self.free += pages
            self.reclaimable -= pages
        if kind == FREED_A_BLOCK:
            self.block = True
        self.progress = kind
        if kind:
            self.ask(RECLAIMED)
        else:
            self.try_compaction()

    def compacted(self, result: int) -> None:
        """try_to_compact_pages() has answered without a page.  O(1)."""
        self.compact_result = result
        self.ask(COMPACTED if self.pc == COMPACT else EARLY_FREELIST)

    def captured(self) -> None:
        """try_to_compact_pages() has answered with a page.  O(1)."""
        self.events.append("DEFER_RESET")
        self.got_pg(True)

    def decide(self) -> None:
        """Go on to another round, to the OOM killer, or to failure."""
        if self.gfp & NORETRY or (
            self.costly() and not (self.gfp & MAYFAIL and self.can_compact())
        ):
            self.nopage()
        elif self.retries():
            self.retry()
        else:
            self.progress = 0
            self.check_retry(LOOK_OOM)

    def retries(self) -> bool:
        """Say whether another round is worth it."""
        again = self.should_reclaim_retry()
        if not again and self.progress and self.can_compact():
            again = self.compact_retry()
        return again and self.stubborn

    def should_reclaim_retry(self) -> bool:
        """Say whether reclaim may still help.  O(1)."""
        self.no_progress_loops = count_no_progress(
            self.no_progress_loops, self.progress, self.costly()
        )
        if self.no_progress_loops > self.reclaim_retries:
            self.events.append("UNRESERVE_ALL")
            return self.unreserve()
        pages = self.zone_reclaimable_pages()
        mark, flags = self.marks[0], self.alloc_flags
        if not self.watermark_ok(self.order, mark, flags, self.free + pages):
            return False
        if not self.progress and 2 * self.write_pending > pages:
            self.events.append("WAIT")
        return True

    def compact_retry(self) -> bool:
        """Say whether compaction may still help.  O(1)."""
        if not self.order:
            return False
        if not self.compaction:
            flags = self.alloc_flags
            fine = self.watermark_ok(0, self.marks[0], flags, self.free)
            return fine and not self.costly()
        again, self.compact_priority, self.compaction_retries = should_compact_retry(
            self.compact_result,
            self.compact_priority,
            self.compaction_retries,
            self.costly(),
            self.compact_retries,
            self.compaction_zonelist_suitable(),
        )
        return bool(again)

    def compaction_zonelist_suitable(self) -> bool:
        """Say whether reclaim could make room for compaction.  O(1)."""
        mark = self.marks[self.alloc_flags & WMARK_MASK]
        if self.watermark_ok(self.order, mark, self.alloc_flags, self.free):
            return True
        mark = self.marks[1 if self.costly() else 0] + (2 << self.order)
        available = self.free + self.zone_reclaimable_pages() // self.order
        return self.watermark_ok(0, mark, CMA, available)

    # -------------------------------------------------------------- the OOM killer

    def locked(self, busy: bool) -> None:
        """mutex_trylock() of the OOM lock has answered.  O(1)."""
        if busy:
            self.kills -= 1
            self.events.append("SLEEP")
            self.after_oom(True)
        else:
            self.ask(OOM_FREELIST)

    def may_kill(self) -> bool:
        """Say whether a task may be killed for the request."""
        if self.who & DUMPCORE or self.costly() or self.gfp & (MAYFAIL | THISNODE):
            return False
        return not self.gfp & BELOW_NORMAL and not self.who & SUSPENDED

    def out_of_memory(self, killed: bool, chosen: bool) -> None:
        """Go on after a kill, of the one who asks perhaps, or without one.  O(1)."""
        if killed:
            self.kills -= 1
            self.free += self.cluster
        if chosen:
            self.who |= VICTIM
        if not self.gfp & NOFAIL:
            self.after_oom(killed)
            return
        if not killed:
            self.events.append("WARN_OOM")
        self.ask(OOM_CPUSET)

    def after_oom(self, progress: bool) -> None:
        """Go on as long as there is progress, but victims only with the reserves."""
        served = self.alloc_flags & ALLOC_OOM or self.gfp & NOMEMALLOC
        if self.who & VICTIM and served:
            self.nopage()
        elif progress:
            self.no_progress_loops = 0
            self.retry()
        else:
            self.nopage()

    def fail_or_help(self) -> None:
        """Fail, unless the request must not."""
        if self.gfp & NOFAIL and self.can_direct_reclaim():
            if self.who & PF_MEMALLOC:
                self.events.append("WARN_RECURSION")
            if self.costly():
                self.events.append("WARN_COSTLY")
            self.ask(HARDER_CPUSET)
            return
        if self.gfp & NOFAIL:
            self.events.append("WARN_NOWAIT")
        if not self.gfp & NOWARN:
            self.events.append("WARN_FAILURE")
        self.got_pg(False)


AFTER: dict[int, Callable[[SlowPath], None]] = {
    FIRST: lambda m: m.try_compaction_early(),
    EARLY_FREELIST: lambda m: m.after_early(),
    RETRY: lambda m: m.try_reclaim(),
    RECLAIMED: lambda m: m.drain(),
    DRAINED: lambda m: m.try_compaction(),
    COMPACTED: lambda m: m.decide(),
    OOM_FREELIST: lambda m: m.oom_or_not(),
    OOM_CPUSET: lambda m: m.try_any_node_at_oom(),
    OOM_ANY: lambda m: m.helped_in_vain(),
    HARDER_CPUSET: lambda m: m.try_any_node(),
    HARDER_ANY: lambda m: m.retry(),
}
