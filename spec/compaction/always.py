"""What holds of every state and step of compaction.

Source: mm/compaction.c (v5.10); the ids stand in the record of known bugs.
"""

from __future__ import annotations

from collections import Counter

from ..core import Complaints, Contract, Invariant, Law, Step
from ..linux import CompactResult
from .defer import WOULD_SUCCEED
from .deferral import FragmentationIndex
from .meanwhile import Free, Take
from .ops import Lay
from .parts import (
    CAUGHT,
    FREE,
    MOVABLE,
    NEVER,
    NOBODY,
    TARGET,
    WAITS,
    Config,
    Memory,
    Phase,
    Run,
    block_end,
    letter,
)
from .requests import Return
from .rounds import EndZone, Finished
from .scanners import IsolateFreepages, IsolateMigratepages, MigratePage
from .targets import split

Done = Step[Config, Memory]


def listed_frames(s: Memory) -> Counter[int]:
    """Count how often each frame is on a free list."""
    return Counter(
        frame
        for zone in s.zones
        for order, area in enumerate(zone.free)
        for line in area
        for pfn in line
        for frame in range(pfn, pfn + (1 << order))
    )


def places(s: Memory) -> dict[str, Counter[int]]:
    """Count the frames in each place where a frame without an owner may be."""
    waits = Counter(p for z in s.zones for line in z.pcp for p, _ in line)
    targets, caught = Counter[int](), Counter[int]()
    if s.run is not None:
        cc = s.run.cc
        targets.update(cc.freepages)
        for pfn in {cc.captured, s.run.captured} - {NOBODY}:
            caught.update(range(pfn, pfn + (1 << cc.order)))
    return {FREE: listed_frames(s), WAITS: waits, TARGET: targets, CAUGHT: caught}


def every_frame_is_in_one_place(cfg: Config, s: Memory) -> Complaints:
    """A frame without an owner is in one list, pageset or run, or captured, once."""
    found = places(s)
    for i, mark in enumerate(s.pages):
        pfn = cfg.first + i
        there = {kind: count[pfn] for kind, count in found.items() if count[pfn]}
        due = {mark: 1} if mark in found else {}
        if there != due:
            yield f"frame {pfn} is {mark!r}, it is found as {there}"


def counters_count_the_lists(cfg: Config, s: Memory) -> Complaints:
    """NR_FREE_PAGES of a zone counts the pages of its lists."""
    for at, zone in enumerate(s.zones):
        pages = sum(len(x) << o for o, area in enumerate(zone.free) for x in area)
        if zone.nr_free_pages != pages:
            yield f"zone {at} counts {zone.nr_free_pages}, its lists hold {pages}"


def a_run_stays_in_its_zone(cfg: Config, s: Memory) -> Complaints:
    """What a run has isolated lies in the zone that it compacts."""
    if s.run is None:
        return
    span, cc = cfg.zones[s.run.at], s.run.cc
    for pfn in (*cc.freepages, *cc.migratepages):
        if not span.start <= pfn < span.end:
            yield f"frame {pfn} is not in the zone [{span.start}, {span.end})"


def lists_stay_in_their_zone(cfg: Config, s: Memory) -> Complaints:
    """A free block lies in the zone whose list it is on."""
    for span, zone in zip(cfg.zones, s.zones, strict=True):
        for order, area in enumerate(zone.free):
            for pfn in (p for line in area for p in line):
                if not span.start <= pfn <= span.end - (1 << order):
                    yield f"block {pfn} is on a list of [{span.start}, {span.end})"


def what_is_to_move_is_movable(cfg: Config, s: Memory) -> Complaints:
    """A page that waits for its migration is a movable page, and waits once."""
    if s.run is None:
        return
    pages = s.run.cc.migratepages
    for pfn in pages:
        if letter(cfg, s, pfn) not in MOVABLE:
            yield f"frame {pfn} waits to move and is {letter(cfg, s, pfn)!r}"
    if len(set(pages)) < len(pages):
        yield f"a frame waits twice in {pages}"


def deferral_is_bounded(cfg: Config, s: Memory) -> Complaints:
    """At most 2**shift requests are put off, and the shift is at most 6."""
    for at, zone in enumerate(s.zones):
        if not 0 <= zone.defer_shift <= cfg.defer_max:
            yield f"zone {at} has the shift {zone.defer_shift}"
        elif not 0 <= zone.considered <= 1 << zone.defer_shift:
            yield f"zone {at} has considered {zone.considered}"


def a_captured_block_is_as_asked(cfg: Config, s: Memory) -> Complaints:
    """A captured block has the order asked for, its alignment, and is in no list."""
    if s.run is None or s.run.cc.captured == NOBODY:
        return
    pfn, order = s.run.cc.captured, s.run.cc.order
    if pfn % (1 << order):
        yield f"captured block {pfn} is not aligned to order {order}"
    found = listed_frames(s)
    for frame in range(pfn, pfn + (1 << order)):
        if found[frame]:
            yield f"captured frame {frame} is on a list"


# ------------------------------------------------------------------ steps


def movable(s: Memory) -> Counter[str]:
    """Count the movable pages of each kind."""
    return Counter(each for each in s.pages if each in MOVABLE)


def pages_are_kept(cfg: Config, step: Done) -> Complaints:
    """No step loses or makes a movable page; the owned rest stays where it is."""
    before, after = step.before, step.after
    if isinstance(step.op, Lay):
        return
    if movable(before) != movable(after):
        yield f"movable pages were {movable(before)}, are {movable(after)}"
    if isinstance(step.op, Free | Take | Return):
        return
    fixed = "uCc"
    for i, (old, new) in enumerate(zip(before.pages, after.pages, strict=True)):
        if (old in fixed or new in fixed) and old != new:
            yield f"frame {cfg.first + i} was {old!r}, is {new!r}"


def taken_blocks_were_on_their_lists(cfg: Config, step: Done) -> Complaints:
    """A block isolated as a target was on the list of the order it is isolated as."""
    if not isinstance(step.op, IsolateFreepages):
        return
    for pfn, order in step.result:
        if not any(pfn in x for z in step.before.zones for x in z.free[order]):
            yield f"block {pfn} was on no list of order {order}"
    assert step.after.run is not None
    got = step.after.run.cc.freepages
    if got != split(step.result):
        yield f"free pages {got} are not those of the blocks {step.result}"


def scanners_go_one_way(cfg: Config, step: Done) -> Complaints:
    """The migrate scanner only rises and the free scanner only falls in a zone's run.

    The fast searches alone may move them back: to a page block with free pages, and,
    once the scanners have passed each other, to the highest one that was met.
    """
    before, after = step.before.run, step.after.run
    if before is None or after is None or before.at != after.at:
        return
    if before.phase is Phase.ZONE or after.phase is Phase.RETURN:
        return
    old, new = before.cc, after.cc
    fast = isinstance(step.op, IsolateMigratepages) and old.order > cfg.costly_order
    if new.migrate_pfn < old.migrate_pfn and not fast:
        yield f"the migrate scanner went from {old.migrate_pfn} to {new.migrate_pfn}"
    if new.free_pfn > old.free_pfn and new.fast_search_fail <= old.fast_search_fail:
        yield f"the free scanner went from {old.free_pfn} to {new.free_pfn}"


def measure(cfg: Config, s: Memory, run: Run) -> tuple[int, bool, int]:
    """Return what gets less with every round of a run, part by part."""
    end = block_end(cfg.zones[run.at].end - 1, cfg.pageblock_order)
    unspent = run.cc.fast_start_pfn != NEVER
    return s.skip.count(False), unspent, end - run.cc.migrate_pfn


def a_run_ends(cfg: Config, step: Done) -> Complaints:
    """Each round of a run passes a page block over, or brings the scanner forward."""
    before, after = step.before.run, step.after.run
    if not isinstance(step.op, IsolateMigratepages) or before is None or after is None:
        return
    was, now = measure(cfg, step.before, before), measure(cfg, step.after, after)
    if after.phase is not Phase.END and now >= was:
        yield f"the measure of the run was {was}, is {now}"


def the_result_is_the_greatest(cfg: Config, step: Done) -> Complaints:
    """A request is told the best of the results of all zones."""
    before, after = step.before.run, step.after.run
    if not isinstance(step.op, EndZone) or before is None or after is None:
        return
    due = max(before.result, step.result)
    if before.prio is not None and after.result is not due:
        yield f"after {before.result.name} and {step.result.name}: {after.result.name}"


def a_captured_block_is_told(cfg: Config, step: Done) -> Complaints:
    """A request that has captured a block is told so, and looks no further."""
    before, after = step.before.run, step.after.run
    if not isinstance(step.op, EndZone) or before is None or after is None:
        return
    pfn = after.captured if after.phase is Phase.RETURN else before.cc.captured
    if pfn != NOBODY and step.result is not CompactResult.SUCCESS:
        yield f"block {pfn} is captured, the zone's result is {step.result.name}"


def an_index_says_why(cfg: Config, step: Done) -> Complaints:
    """The fragmentation index is -1000, or from -500 to below 1000."""
    if not isinstance(step.op, FragmentationIndex):
        return
    if step.result != WOULD_SUCCEED and not -500 <= step.result < 1000:
        yield f"the index is {step.result}"


def met_scanners_start_anew(cfg: Config, step: Done) -> Complaints:
    """After the scanners met, the next run begins at the ends of the zone."""
    full = (CompactResult.COMPLETE, CompactResult.PARTIAL_SKIPPED)
    if not isinstance(step.op, Finished) or step.result not in full:
        return
    assert step.before.run is not None
    at = step.before.run.at
    zone, span = step.after.zones[at], cfg.zones[at]
    if zone.cached_migrate != (span.start, span.start):
        yield f"the migrate scanner would begin at {zone.cached_migrate}"
    if block_end(zone.cached_free, cfg.pageblock_order) < span.end:
        yield f"the free scanner would begin at {zone.cached_free}"


def a_page_goes_to_a_free_one(cfg: Config, step: Done) -> Complaints:
    """A page that moves takes a free page of the run, and leaves its own frame."""
    if not isinstance(step.op, MigratePage) or step.before.run is None:
        return
    old = step.before.run.cc.migratepages[0]
    if (step.result is None) is step.op.moves:
        yield f"frame {old} went to {step.result}"
    elif step.result is not None:
        if letter(cfg, step.after, step.result) != letter(cfg, step.before, old):
            yield f"frame {step.result} does not hold the page of {old}"
        if letter(cfg, step.after, old) in MOVABLE:
            yield f"frame {old} still holds the page that went to {step.result}"


INVARIANTS = (
    Invariant("CMP-CAPTURE", a_captured_block_is_as_asked),
    Invariant("CMP-CONSERVE", every_frame_is_in_one_place),
    Invariant("CMP-COUNT", counters_count_the_lists),
    Invariant("CMP-RANGE", a_run_stays_in_its_zone),
    Invariant("CMP-ZONE", lists_stay_in_their_zone),
    Invariant("CMP-SOURCE", what_is_to_move_is_movable),
    Invariant("CMP-DEFER", deferral_is_bounded),
)
LAWS = (
    Law("CMP-MOVE", a_page_goes_to_a_free_one),
    Law("CMP-KEEP", pages_are_kept),
    Law("CMP-ORDER", taken_blocks_were_on_their_lists),
    Law("CMP-SCAN", scanners_go_one_way),
    Law("LIVE", a_run_ends),
    Law("CMP-MAX", the_result_is_the_greatest),
    Law("CMP-TOLD", a_captured_block_is_told),
    Law("CMP-ANEW", met_scanners_start_anew),
    Law("FRAG-IN", an_index_says_why),
)
CONTRACTS = (
    Contract("CMP-DECIDE", "Each question and each step has the answer of 5.10."),
    Contract("CMP-CONSERVE", "A page moves to a page that the run has isolated."),
    Contract("CMP-RANGE", "Isolated frames lie in the zone that is compacted."),
    Contract("CMP-ORDER", "A target is on a list of the order it is taken as."),
    Contract("CMP-MAX", "The result is the greatest of all zones."),
    Contract("FRAG-IN", "The fragmentation index is the one of the kernel."),
)
