"""What the slow path decides, on plain numbers: rights, and another round or not.

Source: mm/page_alloc.c:gfp_to_alloc_flags, __gfp_pfmemalloc_flags,
should_reclaim_retry, should_compact_retry,
mm/vmscan.c:zone_reclaimable_pages (v5.10).
"""

from __future__ import annotations

from typing import Any

from mmoracle.spec.linux import AllocFlags, CompactResult, Gfp

# Who asks, as bits.
PF_MEMALLOC, SOFTIRQ, HARDIRQ, REALTIME = 0x1, 0x2, 0x4, 0x8
VICTIM, DUMPCORE, NOCMA, SUSPENDED, BARRED = 0x10, 0x20, 0x40, 0x80, 0x100

NO_WATERMARKS, ALLOC_OOM = int(AllocFlags.NO_WATERMARKS), int(AllocFlags.OOM)
HARDER, CPUSET = int(AllocFlags.HARDER), int(AllocFlags.CPUSET)
ATOMIC, MEMALLOC, NOMEMALLOC = 0x200, 0x20000, 0x80000
SAME_BITS = int(Gfp.HIGH | Gfp.KSWAPD_RECLAIM)  # in gfp flags and in alloc flags

ASYNC, SYNC_LIGHT, SYNC_FULL = 2, 1, 0
SKIPPED, DEFERRED = int(CompactResult.SKIPPED), int(CompactResult.DEFERRED)
COMPLETE, SUCCESS = int(CompactResult.COMPLETE), int(CompactResult.SUCCESS)
PARTIAL_SKIPPED = int(CompactResult.PARTIAL_SKIPPED)
CONTENDED = int(CompactResult.CONTENDED)


def gfp_to_alloc_flags(gfp: Any, who: Any) -> Any:
    """Return the alloc flags of a request, without CMA.  O(1)."""
    flags = CPUSET | (gfp & SAME_BITS)
    if gfp & ATOMIC:
        flags = flags & ~CPUSET
        if not gfp & NOMEMALLOC:
            flags = flags | HARDER
    elif who & REALTIME and not who & (SOFTIRQ | HARDIRQ):
        flags = flags | HARDER
    return flags


def gfp_pfmemalloc_flags(gfp: Any, who: Any) -> int:
    """Return which reserves a request may use.  O(1)."""
    if gfp & NOMEMALLOC:
        return 0
    if gfp & MEMALLOC:
        return NO_WATERMARKS
    if who & SOFTIRQ and who & PF_MEMALLOC:
        return NO_WATERMARKS
    if not who & (SOFTIRQ | HARDIRQ):
        if who & PF_MEMALLOC:
            return NO_WATERMARKS
        if who & VICTIM:
            return ALLOC_OOM
    return 0


def count_no_progress(loops: Any, progress: Any, costly: Any) -> Any:
    """Return no_progress_loops after a round.  O(1)."""
    if costly or not progress:
        return loops + 1
    return 0


def zone_reclaimable_pages(lru: Any, free: Any, counts_free: bool) -> Any:
    """Return the pages on the LRU lists, else perhaps those that are free.  O(1)."""
    nr = lru
    if nr == 0 and counts_free:
        nr = nr + free
    return nr


def should_compact_retry(
    result: Any, priority: Any, retries: Any, costly: Any, most: int, suitable: Any
) -> tuple[Any, Any, Any]:
    """Return (go on, compact_priority, compaction_retries).  O(1)."""
    if result == SUCCESS:
        retries = retries + 1
    if result == SKIPPED:
        return suitable, priority, retries
    failed = result == COMPLETE
    withdrew = result in (DEFERRED, CONTENDED, PARTIAL_SKIPPED)
    if not failed and not withdrew:
        if costly:
            most = most // 4
        if retries <= most:
            return True, priority, retries
    lowest = SYNC_LIGHT if costly else SYNC_FULL
    if priority <= lowest:
        return False, priority, retries
    return True, priority - 1, 0
