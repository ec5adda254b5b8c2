"""What must be seen of compaction at least once, or the model would be vacuous."""

from __future__ import annotations

from ..core import Step
from ..linux import CompactResult
from .deferral import Restarting
from .meanwhile import Free
from .parts import (
    NEVER,
    NOBODY,
    Config,
    Control,
    Memory,
    Mode,
    Run,
)
from .requests import WakeupKcompactd
from .rounds import BeginZone, EndZone, Finished, Settle
from .scanners import IsolateFreepages, IsolateMigratepages, MigratePage
from .zone_run import met

Done = Step[Config, Memory]


def run_of(s: Memory) -> Run:
    """Return the run that is going."""
    assert s.run is not None
    return s.run


def cc_of(s: Memory) -> Control:
    """Return the control of the run that is going."""
    return run_of(s).cc


# ------------------------------------------------------------------ how a zone ends


def ends_with(step: Done, op: type, result: CompactResult) -> bool:
    """Say whether a step of a kind had this result."""
    return isinstance(step.op, op) and step.result is result


def a_list_of_the_type_serves(cfg: Config, step: Done) -> bool:
    """A run stops because a block of the type asked for is free."""
    if not ends_with(step, Finished, CompactResult.SUCCESS):
        return False
    run, cc = run_of(step.before), cc_of(step.before)
    areas = step.before.zones[run.at].free[cc.order :]
    return any(area[cc.mt] for area in areas)


def a_block_to_steal_serves(cfg: Config, step: Done) -> bool:
    """A run stops because a block of another type may be stolen."""
    if not ends_with(step, Finished, CompactResult.SUCCESS):
        return False
    return not a_list_of_the_type_serves(cfg, step)


def a_block_is_captured(cfg: Config, step: Done) -> bool:
    """A run stops because draining made the block, which is taken at once."""
    return ends_with(step, Settle, CompactResult.SUCCESS)


def a_block_is_captured_by_an_interrupt(cfg: Config, step: Done) -> bool:
    """A free in an interrupt of the task gives it the block."""
    if not isinstance(step.op, Free) or step.after.run is None:
        return False
    return cc_of(step.after).captured != cc_of(step.before).captured


def a_zone_was_compacted_whole(cfg: Config, step: Done) -> bool:
    """The scanners meet after the whole zone: COMPLETE."""
    return ends_with(step, Finished, CompactResult.COMPLETE)


def a_zone_was_compacted_in_part(cfg: Config, step: Done) -> bool:
    """The scanners meet, but had begun inside the zone: PARTIAL_SKIPPED."""
    return ends_with(step, Finished, CompactResult.PARTIAL_SKIPPED)


def compaction_is_put_off(cfg: Config, step: Done) -> bool:
    """A zone is not tried because the last try was in vain: DEFERRED."""
    return ends_with(step, BeginZone, CompactResult.DEFERRED)


def a_zone_is_short_of_pages(cfg: Config, step: Done) -> bool:
    """A zone has too few free pages to be compacted: SKIPPED."""
    return ends_with(step, BeginZone, CompactResult.SKIPPED)


def a_block_is_there_already(cfg: Config, step: Done) -> bool:
    """A zone needs no compaction: SUCCESS."""
    return ends_with(step, BeginZone, CompactResult.SUCCESS)


def a_lock_is_contended(cfg: Config, step: Done) -> bool:
    """An asynchronous run that met a contended lock ends: CONTENDED."""
    ended = ends_with(step, Finished, CompactResult.CONTENDED)
    return ended and cc_of(step.before).contended and not run_of(step.before).fatal


def a_signal_ends_a_run(cfg: Config, step: Done) -> bool:
    """A run with a fatal signal pending is aborted by the migrate scanner."""
    if not isinstance(step.op, IsolateMigratepages) or not step.result.aborted:
        return False
    return run_of(step.before).fatal and not step.op.crowded


def too_many_are_isolated(cfg: Config, step: Done) -> bool:
    """An asynchronous run gives up because too many pages are isolated."""
    if not isinstance(step.op, IsolateMigratepages) or not step.result.aborted:
        return False
    return step.op.crowded and not run_of(step.before).fatal


def no_target_is_left(cfg: Config, step: Done) -> bool:
    """A run ends because the migration found no free page."""
    return ends_with(step, Settle, CompactResult.CONTENDED)


def another_zone_does_better(cfg: Config, step: Done) -> bool:
    """A zone's result is above what a zone before it gave."""
    if not isinstance(step.op, EndZone) or step.after.run is None:
        return False
    result = run_of(step.before).result
    return bool(CompactResult.SKIPPED < result < step.result)


def an_earlier_zone_did_better(cfg: Config, step: Done) -> bool:
    """A zone's result is below what a zone before it gave."""
    if not isinstance(step.op, EndZone):
        return False
    return bool(run_of(step.before).result > step.result)


# ------------------------------------------------------------------ scanners


def a_page_block_is_scanned_again(cfg: Config, step: Done) -> bool:
    """A round begins in the page block from which the last one migrated."""
    if not isinstance(step.op, Finished) or step.after.run is None:
        return False
    return cc_of(step.after).rescan and cc_of(step.after).last_migrated > 0


def scan(step: Done) -> tuple[Control, Control] | None:
    """Return the controls around a step of the migrate scanner that went on."""
    if not isinstance(step.op, IsolateMigratepages) or step.result.aborted:
        return None
    return cc_of(step.before), cc_of(step.after)


def a_page_block_with_free_pages_is_found(cfg: Config, step: Done) -> bool:
    """The fast search finds a page block to take pages from."""
    around = scan(step)
    return around is not None and around[0].fast_start_pfn < around[
        1
    ].fast_start_pfn < (NEVER)


def the_linear_scan_goes_back(cfg: Config, step: Done) -> bool:
    """Once the fast search fails, the scan begins at the lowest block that it found."""
    around = scan(step)
    return (
        around is not None
        and around[0].fast_start_pfn not in (0, NEVER)
        and (around[1].fast_start_pfn == NEVER)
    )


def a_page_block_is_useless(cfg: Config, step: Done) -> bool:
    """A page block in which nothing was found is passed over from now on."""
    around = scan(step)
    more = step.after.skip.count(True) > step.before.skip.count(True)
    return around is not None and not step.result.pages and more


def a_cluster_is_full(cfg: Config, step: Done) -> bool:
    """The migrate scanner stops inside a page block, with enough pages."""
    if not isinstance(step.op, IsolateMigratepages):
        return False
    full = len(step.result.pages) == cfg.cluster
    return full and step.result.migrate_pfn % cfg.block_pages != 0


def a_target_is_found_at_once(cfg: Config, step: Done) -> bool:
    """The fast search takes a block in the upper quarter."""
    if not isinstance(step.op, IsolateFreepages) or not step.result:
        return False
    before, after = cc_of(step.before), cc_of(step.after)
    return after.free_pfn == before.free_pfn and after.fast_search_fail == 0


def targets_are_found_by_a_scan(cfg: Config, step: Done) -> bool:
    """The fast search finds nothing, the scan of page blocks does."""
    if not isinstance(step.op, IsolateFreepages) or not step.result:
        return False
    before, after = cc_of(step.before), cc_of(step.after)
    return after.fast_search_fail > before.fast_search_fail


def the_mark_forbids_to_take(cfg: Config, step: Done) -> bool:
    """The free scanner stops where it is, because too few pages would stay free."""
    if not isinstance(step.op, IsolateFreepages) or step.result:
        return False
    return not run_of(step.before).fatal and not met(cfg, cc_of(step.after))


def a_page_stays(cfg: Config, step: Done) -> bool:
    """A page does not move, and its target is kept for the next one."""
    return isinstance(step.op, MigratePage) and step.result is None


def an_asynchronous_run_skips_ahead(cfg: Config, step: Done) -> bool:
    """After a failure the rest of an aligned block is left."""
    if not isinstance(step.op, Settle) or step.after.run is None:
        return False
    before, after = cc_of(step.before), cc_of(step.after)
    return before.mode is Mode.ASYNC and after.migrate_pfn > before.migrate_pfn


def pages_are_left_over(cfg: Config, step: Done) -> bool:
    """A run gives back free pages that it did not use."""
    return isinstance(step.op, EndZone) and bool(cc_of(step.before).freepages)


# ------------------------------------------------------------------ what stays behind


def skip_hints_are_forgotten(cfg: Config, step: Done) -> bool:
    """Page blocks that were passed over are looked at again."""
    return step.after.skip.count(True) < step.before.skip.count(True)


def no_page_block_is_of_use(cfg: Config, step: Done) -> bool:
    """After a look at all page blocks the scanners start where they meet."""
    return any(
        was.flush and not now.flush and now.cached_migrate[0] >= now.cached_free
        for was, now in zip(step.before.zones, step.after.zones, strict=True)
    )


def compaction_starts_anew(cfg: Config, step: Done) -> bool:
    """The longest deferral is over."""
    return isinstance(step.op, Restarting) and step.result is True


def deferral_is_at_its_longest(cfg: Config, step: Done) -> bool:
    """As many requests are put off as ever."""
    return any(zone.defer_shift == cfg.defer_max for zone in step.after.zones)


def kcompactd_is_woken(cfg: Config, step: Done) -> bool:
    """The thread kcompactd has something to do."""
    return isinstance(step.op, WakeupKcompactd) and step.result is True


def kcompactd_compacts(cfg: Config, step: Done) -> bool:
    """The thread kcompactd runs over a zone."""
    return isinstance(step.op, Finished) and run_of(step.before).prio is None


def a_page_block_becomes_movable(cfg: Config, step: Done) -> bool:
    """Taking half of a page block or more as a target changes its type."""
    return isinstance(step.op, IsolateFreepages) and step.before.types != (
        step.after.types
    )


def a_captured_block_is_handed_over(cfg: Config, step: Done) -> bool:
    """The request gets the block that was captured for it."""
    if step.before.run is None or step.after.run is not None:
        return False
    return step.before.run.captured != NOBODY


WITNESSES = (
    a_list_of_the_type_serves,
    a_block_to_steal_serves,
    a_block_is_captured,
    a_block_is_captured_by_an_interrupt,
    a_zone_was_compacted_whole,
    a_zone_was_compacted_in_part,
    compaction_is_put_off,
    a_zone_is_short_of_pages,
    a_block_is_there_already,
    a_lock_is_contended,
    a_signal_ends_a_run,
    too_many_are_isolated,
    no_target_is_left,
    another_zone_does_better,
    an_earlier_zone_did_better,
    a_page_block_is_scanned_again,
    a_page_block_with_free_pages_is_found,
    the_linear_scan_goes_back,
    a_page_block_is_useless,
    a_cluster_is_full,
    a_target_is_found_at_once,
    targets_are_found_by_a_scan,
    the_mark_forbids_to_take,
    a_page_stays,
    an_asynchronous_run_skips_ahead,
    pages_are_left_over,
    skip_hints_are_forgotten,
    no_page_block_is_of_use,
    compaction_starts_anew,
    deferral_is_at_its_longest,
    kcompactd_is_woken,
    kcompactd_compacts,
    a_page_block_becomes_movable,
    a_captured_block_is_handed_over,
)
