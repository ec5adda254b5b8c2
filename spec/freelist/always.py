"""What holds of every state of the zones, and of every step.

Source: mm/page_alloc.c (v5.10); the rules hold of any zoned allocator.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..core import Complaints, Contract, Invariant, Law, Step
from ..linux import WMARK_MIN, AllocFlags, Gfp
from .alloc import (
    AllocInterleaved,
    AllocOnNode,
    AllocPages,
    GetPageFromFreelist,
    Settled,
)
from .answers import Grew, Page, Reclaimed, Took
from .change import Free, Take
from .policy import AllocCurrent
from .zones import Config, Memory, Stat, Zone

Moment = Step[Config, Memory]
REQUESTS = (
    AllocPages,
    AllocOnNode,
    AllocInterleaved,
    AllocCurrent,
    GetPageFromFreelist,
)


# ------------------------------------------------------------------ states


def counters_are_what_the_lists_add_up_to(cfg: Config, s: Memory) -> Complaints:
    """NR_FREE_PAGES and its part in CMA are the pages of the blocks on the lists."""
    for at, zone in enumerate(s.zones):
        pages = [
            number << order for order, row in enumerate(zone.blocks) for number in row
        ]
        if zone.free != sum(pages):
            yield f"zone {at} counts {zone.free} free pages, its lists {sum(pages)}"
        if not cfg.has_cma:
            continue
        cma = sum(row[cfg.cma] << order for order, row in enumerate(zone.blocks))
        if zone.free_cma != cma:
            yield f"zone {at} counts {zone.free_cma} pages of CMA, its lists {cma}"


def nothing_is_below_zero(cfg: Config, s: Memory) -> Complaints:
    """No list has fewer blocks than none."""
    for at, zone in enumerate(s.zones):
        for order, row in enumerate(zone.blocks):
            for mt, number in enumerate(row):
                if number < 0:
                    yield f"zone {at} has {number} blocks of order {order} type {mt}"


def counters_of_nodes_agree(cfg: Config, s: Memory) -> Complaints:
    """Pages that were hit or missed are local or not; one that missed is foreign."""
    missed = foreign = 0
    for at, zone in enumerate(s.zones):
        hit, miss, away, interleaved, local, other = zone.stats
        missed, foreign = missed + miss, foreign + away
        if hit + miss != local + other:
            yield f"zone {at} gave {hit} + {miss} pages, {local} + {other} to tasks"
        if interleaved > hit:
            yield f"zone {at} has {interleaved} interleaved hits of {hit}"
    if missed != foreign:
        yield f"{missed} pages missed their node, {foreign} came from another"


# ------------------------------------------------------------------ steps


def page_of(cfg: Config, step: Moment) -> Page | None:
    """Return the page that a request was given, if it names a zone at all."""
    if not isinstance(step.op, REQUESTS) or not isinstance(step.result.value, Page):
        return None
    got: Page = step.result.value
    return got if 0 <= got.at < len(cfg.zones) else None


def taken(cfg: Config, step: Moment, at: int, order: int) -> int:
    """Return how many pages a request took off a zone's lists."""
    if cfg.is_linux:
        seen = step.result.events
        return sum(1 << order for each in seen if isinstance(each, Took))
    return step.before.zones[at].free - step.after.zones[at].free


def least(mark: int, flags: int) -> int:
    """Return how many pages a mark keeps from a request, in whole numbers."""
    if flags & AllocFlags.HIGH:
        mark = (mark + 1) // 2
    if flags & AllocFlags.OOM:
        return (mark + 1) // 2
    return (3 * mark + 3) // 4 if flags & AllocFlags.HARDER else mark


def out_of_reach(cfg: Config, zone: Zone, flags: int) -> int:
    """Return the free pages of a zone that a request must leave alone."""
    eager = flags & (AllocFlags.HARDER | AllocFlags.OOM)
    cma = 0 if flags & AllocFlags.CMA or not cfg.has_cma else zone.free_cma
    return cma if eager else cma + zone.highatomic


def a_page_leaves_the_mark_behind(cfg: Config, step: Moment) -> Complaints:
    """A page that leaves leaves more than mark and reserve, in whole numbers.

    What the request must not use does not count; a request with the flag
    NO_WATERMARKS is free to go below, and so is one for which a zone has just grown.
    """
    got = page_of(cfg, step)
    ready = step.op.settled(cfg, step.before) if got else None  # type: ignore[attr-defined]
    if got is None or not isinstance(ready, Settled):
        return
    ac, flags = ready.ac, ready.flags
    if flags & AllocFlags.NO_WATERMARKS or Grew(got.at, True) in step.result.events:
        return
    place, zone = cfg.zones[got.at], step.after.zones[got.at]
    free = zone.free + taken(cfg, step, got.at, ac.order) - (1 << ac.order) + 1
    which = flags & 3
    atomic = not ac.order and ac.gfp & Gfp.ATOMIC and which == WMARK_MIN
    mark = place.marks[which] + (0 if atomic else zone.boost)
    due = least(mark, flags) + place.reserve[ac.highest]
    left = free - out_of_reach(cfg, step.before.zones[got.at], flags)
    if left <= due:
        yield f"zone {got.at} gives a page with {left} usable, {due} must stay"


def pages_come_and_go_one_block_at_a_time(cfg: Config, step: Moment) -> Complaints:
    """A zone loses the block that is handed out, and gains what was reclaimed there."""
    got = page_of(cfg, step)
    for at, (old, new) in enumerate(
        zip(step.before.zones, step.after.zones, strict=True)
    ):
        gone = old.free - new.free
        if isinstance(step.op, Free | Take):
            where, order, _ = step.op.where
            due = 0 if where != at else 1 << order
            due = -due if isinstance(step.op, Free) else due
        else:
            mine = got is not None and got.at == at
            due = taken(cfg, step, at, step.op.order) if mine else 0  # type: ignore[attr-defined]
            due -= gained(cfg, step, at, gone, due)
        if gone != due:
            yield f"zone {at} loses {gone} pages, {due} were taken"


def gained(cfg: Config, step: Moment, at: int, gone: int, due: int) -> int:
    """Return the pages that came free in a zone that grew or whose node reclaimed."""
    nid, seen = cfg.zones[at].nid, step.result.events
    asked = Grew(at, True) in seen or any(
        isinstance(each, Reclaimed) and each.nid == nid for each in seen
    )
    return max(0, due - gone) if asked else 0


def handed_out(step: Moment) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Yield each zone with what its counters rose by."""
    for at, zone in enumerate(step.after.zones):
        old = step.before.zones[at].stats
        yield at, tuple(b - a for a, b in zip(old, zone.stats, strict=True))


def a_page_is_counted_once(cfg: Config, step: Moment) -> Complaints:
    """A page counts once as hit or missed and once as local or not, in its zone."""
    got, counting = page_of(cfg, step), cfg.numa and cfg.counts
    for at, rose in handed_out(step):
        due = int(counting and got is not None and got.at == at)
        ways = rose[Stat.HIT] + rose[Stat.MISS], rose[Stat.LOCAL] + rose[Stat.OTHER]
        if ways != (due, due):
            yield f"zone {at} gave {due} pages, its counters rose by {ways}"


def a_failure_changes_nothing(cfg: Config, step: Moment) -> Complaints:
    """A request that is given no page takes none, and leaves counters as they were."""
    if not isinstance(step.op, REQUESTS) or isinstance(step.result.value, Page):
        return
    for at, zone in enumerate(step.after.zones):
        old = step.before.zones[at]
        if zone.stats != old.stats:
            yield f"zone {at} counts a page that nobody was given"
        if zone.free < old.free:
            yield f"zone {at} lost {old.free - zone.free} pages to a failed request"
        if (zone.boost, zone.highatomic) != (old.boost, old.highatomic):
            yield f"zone {at} has another boost or reserve after a failed request"


INVARIANTS = (
    Invariant("BUD-NRFREE", counters_are_what_the_lists_add_up_to),
    Invariant("BUD-COUNT", nothing_is_below_zero),
    Invariant("NUMA-SUM", counters_of_nodes_agree),
)
LAWS = (
    Law("BUD-CONSERVE", pages_come_and_go_one_block_at_a_time),
    Law("WM-DECIDE", a_page_leaves_the_mark_behind),
    Law("NUMA-ONCE", a_page_is_counted_once),
    Law("ALLOC-ATOMIC", a_failure_changes_nothing),
)
CONTRACTS = (
    Contract("WM-DECIDE", "A zone's watermark decides as whole numbers do."),
    Contract("ZL-ORDER", "Zones are asked in the zonelist's order, as Linux asks."),
    Contract("ZL-RANGE", "A page is of a listed zone, none above the highest due."),
    Contract("ZL-PAGE", "A page is of a zone that has one for the request."),
    Contract("II-N1", "A request for one node alone is served from that node."),
    Contract("II-N2", "A page is of a node of the nodemask."),
    Contract("CPUSET-IN", "A page is of a node that the task's cpuset allows."),
    Contract("PREP", "A block is filled with zeros, joined and marked as it is due."),
    Contract("COMPLETE", "A request does not fail while a zone may serve it."),
    Contract("RET-CODE", "A request without a page answers why, as Linux does."),
)
