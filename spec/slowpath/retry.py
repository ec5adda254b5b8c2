"""Whether another round is worth it, and why there cannot be rounds for ever.

The two predicates are arithmetic on plain numbers.  `rank` is the measure that falls
with every question while nobody makes progress for the request.

Source: mm/page_alloc.c:should_reclaim_retry, should_compact_retry,
mm/compaction.c:compaction_zonelist_suitable,
mm/vmscan.c:zone_reclaimable_pages (v5.10).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..core import value
from ..linux import (
    WMARK_LOW,
    WMARK_MIN,
    AllocFlags,
    CompactPriority,
    CompactResult,
)
from ..watermark import mark_of, watermark_ok
from .request import (
    COSTLY_RETRIES,
    At,
    Config,
    Event,
    Nodemask,
    Reclaim,
    State,
    level,
    must_not_fail,
)

SUCCESS, SKIPPED = int(CompactResult.SUCCESS), int(CompactResult.SKIPPED)
HARDER_TRIES_HELP = (  # the scan was not thorough, or gave way
    int(CompactResult.COMPLETE),
    int(CompactResult.DEFERRED),
    int(CompactResult.CONTENDED),
    int(CompactResult.PARTIAL_SKIPPED),
)

# ------------------------------------------------------------------ on numbers


def no_progress(loops: Any, gained: Any, costly: Any) -> Any:
    """Return the rounds in a row without progress; costly ones never make any."""
    return 0 if gained and not costly else loops + 1


def least_priority(costly: Any) -> int:
    """Return the priority at which compaction tries as hard as it may."""
    return int(CompactPriority.SYNC_LIGHT if costly else CompactPriority.SYNC_FULL)


@value
class Compaction:
    """What should_compact_retry() decides, and its two counters afterwards."""

    again: Any
    priority: Any
    retries: Any


def compaction_again(
    result: Any, priority: Any, retries: Any, costly: Any, most: int, suitable: Any
) -> Compaction:
    """Decide on another round for compaction: should_compact_retry().

    `suitable` says whether reclaim could give compaction enough pages to work with.
    """
    if result == SKIPPED:
        return Compaction(suitable, priority, retries)
    if not any(result == each for each in HARDER_TRIES_HELP):
        retries = retries + 1 if result == SUCCESS else retries
        if retries <= (most // COSTLY_RETRIES if costly else most):
            return Compaction(True, priority, retries)
    if priority > least_priority(costly):
        return Compaction(True, priority - 1, 0)
    return Compaction(False, priority, retries)


def reclaimable_pages(pages: Any, free: Any, counts_free: bool) -> Any:
    """Return zone_reclaimable_pages(): the free pages where there are no others.

    Kernels before 5.10.233 return 0 there.
    """
    return free if counts_free and pages == 0 else pages


def gap(order: Any) -> Any:
    """Return the pages that compaction needs to move others to: compact_gap()."""
    return 2 << order


# ------------------------------------------------------------------ on zones


def suitability(cfg: Config, s: State, available: int) -> CompactResult:
    """Say what compaction could do with so many pages: __compaction_suitable()."""
    if s.nodemask is Nodemask.EMPTY:
        return CompactResult.SKIPPED
    z = level(cfg, s)
    if watermark_ok(z, s.order, mark_of(z, s.flags), 0, s.flags, z.free):
        return CompactResult.SUCCESS
    mark = z.marks[WMARK_LOW if s.costly else WMARK_MIN] + gap(s.order)
    if not watermark_ok(z, 0, mark, 0, AllocFlags.CMA, available):
        return CompactResult.SKIPPED
    return CompactResult.CONTINUE


def reclaimable(cfg: Config, s: State) -> Any:
    """Return what the zone may have to reclaim, as the kernel counts it."""
    return reclaimable_pages(s.zone.reclaimable, s.zone.free, cfg.counts_free)


def reclaim_would_help(cfg: Config, s: State) -> bool:
    """Say whether some reclaim makes compaction possible.

    Source: mm/compaction.c:compaction_zonelist_suitable (v5.10).
    """
    available = s.zone.free + reclaimable(cfg, s) // s.order
    return suitability(cfg, s, available) is not CompactResult.SKIPPED


def order_0_is_fine(cfg: Config, s: State) -> bool:
    """Say whether a single page could be had: all that counts without compaction."""
    z = level(cfg, s)
    fine = watermark_ok(z, 0, z.marks[WMARK_MIN], 0, s.flags, z.free)
    return fine and s.nodemask is not Nodemask.EMPTY


def has_hope(cfg: Config, s: State) -> bool:
    """Say whether the request could be served if all were reclaimed.

    Free pages count twice where there is nothing else to reclaim.
    """
    z = level(cfg, s)
    available = z.free + reclaimable(cfg, s)
    hope = watermark_ok(z, s.order, z.marks[WMARK_MIN], 0, s.flags, available)
    return hope and s.nodemask is not Nodemask.EMPTY


def unreserve(s: State, *, keep: int) -> State:
    """Give back one page block that waits for atomic requests, if there are more.

    Source: mm/page_alloc.c:unreserve_highatomic_pageblock (v5.10).
    """
    if s.zone.highatomic <= keep or s.nodemask is Nodemask.EMPTY:
        return s
    zone = replace(s.zone, highatomic=s.zone.highatomic - 1, block=True)
    return replace(s, zone=zone)


# ------------------------------------------------------------------ the predicates


def reclaim_again(cfg: Config, s: State) -> tuple[State, bool, tuple[Event, ...]]:
    """Decide on another round of reclaim: should_reclaim_retry()."""
    s = replace(s, loops=no_progress(s.loops, s.gained > 0, s.costly))
    if s.loops > cfg.reclaim_retries:
        spared = unreserve(s, keep=0)
        return spared, spared != s, (Event.UNRESERVE_ALL,)
    if not has_hope(cfg, s):
        return s, False, ()
    waits = not s.gained and 2 * s.zone.write_pending > reclaimable(cfg, s)
    return s, True, (Event.WAIT,) if waits else ()


def compact_again(cfg: Config, s: State) -> tuple[State, bool]:
    """Decide on another round for compaction, in a configuration with or without it."""
    if s.order == 0:
        return s, False
    if not cfg.compaction:
        return s, not s.costly and order_0_is_fine(cfg, s)
    verdict = compaction_again(
        s.compacted,
        s.priority,
        s.retries,
        s.costly,
        cfg.compact_retries,
        reclaim_would_help(cfg, s),
    )
    tried = verdict.priority  # a word in proofs, which no enumeration has
    priority = CompactPriority(tried) if isinstance(tried, int) else tried
    return replace(s, priority=priority, retries=verdict.retries), verdict.again


# ------------------------------------------------------------------ the measure


def most_compactions(cfg: Config, s: State) -> int:
    """Return how often compaction may succeed in vain at one priority."""
    return cfg.compact_retries // (COSTLY_RETRIES if s.costly else 1)


def rank(cfg: Config, s: State) -> tuple[int, ...]:
    """Return the measure of what is left to try, most significant part first.

    What others may still do for the request; pages that can be reclaimed; page blocks
    to give back; tries of compaction, tries of reclaim; questions left in this round.

    A page that can be reclaimed counts 2.  Reclaiming it takes 1 of them away, and 1 is
    left (`pending`) until the next round begins, which starts with all tries again.
    """
    pending = 1 if s.gained > Reclaim.READY else 0
    early = s.at < At.LOOK_RETRY  # the priority is not settled yet
    return (
        s.left.changes,
        s.left.kills,
        s.left.signals,
        2 * s.zone.reclaimable + pending,
        s.zone.highatomic,
        CompactPriority.ASYNC if early else s.priority,
        max(0, most_compactions(cfg, s) - s.retries),
        max(0, cfg.reclaim_retries - s.loops),
        len(At) - s.at,
    )


def falls(before: tuple[Any, ...], after: tuple[Any, ...]) -> Any:
    """Say whether a measure has become less, in the order of dictionaries."""
    for old, new in zip(before, after, strict=True):
        if old != new:
            return new < old
    return False


def may_go_round(before: State, after: State) -> bool:
    """Say whether a step closes a loop that is meant: a request that must not fail.

    It begins again after the last help, whether the OOM killer had a victim or not.
    """
    closes = before.at in (At.OOM_ANY, At.HARDER_ANY)
    return closes and must_not_fail(before) and after.at in (At.LOOK_RETRY, At.RETRY)
