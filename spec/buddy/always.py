"""What holds of every state of the page allocator, and of every step.

Source: mm/page_alloc.c (v5.10); the first eight hold of any buddy allocator.
"""

from __future__ import annotations

from ..core import Complaints, Contract, Invariant, Law, Step
from ..linux import MIGRATE_HIGHATOMIC, MIGRATE_PCPTYPES, AllocFlags, Bug
from .alloc import AllocExact, AllocPages
from .blocks import buddy_of, keeps_apart
from .change import owned
from .free import FreeCommit, FreePages, FreePrepare, FreeReserved
from .manage import SplitPage
from .others import used_order
from .zones import (
    Config,
    Memory,
    Zone,
    cached,
    free_blocks,
    held_at,
    type_of,
    zone_of,
)

Claim = tuple[int, int, str]  # [start, end) and whose it is


def name(pfn: int, order: int) -> str:
    """Return a block for a reader."""
    return f"pfn {pfn} order {order}"


def claims(s: Memory) -> list[Claim]:
    """Return every range of frames that somebody or something has."""
    found: list[Claim] = []
    for zone in s.zones:
        for pfn, order, mt in free_blocks(zone):
            whose = f"free block {name(pfn, order)} type {mt}"
            found.append((pfn, pfn + (1 << order), whose))
        found += [(pfn, pfn + 1, f"pageset page {pfn}") for pfn, _ in cached(zone)]
    found += [(h.pfn, h.end, f"held block {name(h.pfn, h.order)}") for h in s.held]
    found += [(p, p + 1, f"prepared page {p}") for p, _ in s.prepared]
    found += [(p, p + (1 << o), f"guard {name(p, o)}") for p, o in s.guards]
    found += [(p, p + 1, f"taken page {p}") for p in s.taken]
    return sorted(found)


def blocks_are_aligned(cfg: Config, s: Memory) -> Complaints:
    """A block of order n begins at a multiple of 2**n frames."""
    blocks = [b[:2] for zone in s.zones for b in free_blocks(zone)]
    blocks += [(h.pfn, h.order) for h in s.held]
    for pfn, order in (*blocks, *s.guards):
        if pfn % (1 << order):
            yield f"{name(pfn, order)} is not aligned"


def no_frame_has_two_places(cfg: Config, s: Memory) -> Complaints:
    """A frame is in one free block, one pageset list or one owner's block only."""
    furthest: Claim = (-1, -1, "nothing")
    for claim in claims(s):
        if claim[0] < furthest[1]:
            yield f"frame {claim[0]} is in {furthest[2]} and in {claim[2]}"
        if claim[1] > furthest[1]:
            furthest = claim


def blocks_stay_in_their_zone(cfg: Config, s: Memory) -> Complaints:
    """What is free in a zone is frames of that zone, none of them a hole."""
    for at, zone in enumerate(s.zones):
        span = cfg.zones[at]
        free = [b[:2] for b in free_blocks(zone)]
        for pfn, order in [*free, *((p, 0) for p, _ in cached(zone))]:
            end = pfn + (1 << order)
            if pfn < span.start or end > span.end:
                bounds = f"[{span.start}, {span.end})"
                yield f"{name(pfn, order)} is free in zone {at}, {bounds}"
            for hole in cfg.holes:
                if hole.start < end and pfn < hole.end:
                    yield f"{name(pfn, order)} covers a hole at {hole.start}"


def free_buddies_have_merged(cfg: Config, s: Memory) -> Complaints:
    """No two free buddies of one order and zone lie apart where their types agree.

    Page blocks isolated one after the other stay apart, as isolation moves what is free
    and merges nothing (mm/page_isolation.c:set_migratetype_isolate).
    """
    if cfg.merging == "lazy":
        return
    for at, zone in enumerate(s.zones):
        blocks = {(pfn, order) for pfn, order, _ in free_blocks(zone)}
        for pfn, order in sorted(blocks):
            buddy = buddy_of(pfn, order)
            if order >= cfg.max_order or buddy < pfn or (buddy, order) not in blocks:
                continue
            mine, other = type_of(cfg, s, pfn), type_of(cfg, s, buddy)
            if mine == other == cfg.isolate:
                continue
            if mine == other or not keeps_apart(cfg, s, at, mine, other):
                yield f"{name(pfn, order)} and its buddy {buddy} are free and apart"


def counters_are_sums(cfg: Config, s: Memory) -> Complaints:
    """nr_free, NR_FREE_PAGES and NR_FREE_CMA_PAGES are what the lists hold."""
    for at, zone in enumerate(s.zones):
        for order, lists in enumerate(zone.free):
            real = sum(map(len, lists))
            if zone.nr_free[order] != real:
                told = zone.nr_free[order]
                yield f"zone {at} order {order}: nr_free {told}, the lists hold {real}"
        pages = cma = 0
        for _, order, mt in free_blocks(zone):
            pages += 0 if mt == cfg.isolate else 1 << order
            cma += 1 << order if mt == cfg.cma else 0
        if zone.nr_free_pages != pages:
            yield f"zone {at}: NR_FREE_PAGES {zone.nr_free_pages}, {pages} are free"
        if zone.nr_free_cma != cma:
            yield f"zone {at}: NR_FREE_CMA_PAGES {zone.nr_free_cma}, {cma} are free"


def lists_fit_their_page_blocks(cfg: Config, s: Memory) -> Complaints:
    """Isolated and CMA page blocks, and no others, are on the lists of that name."""
    for zone in s.zones:
        for pfn, order, mt in free_blocks(zone):
            block = type_of(cfg, s, pfn)
            for kind in (cfg.isolate, cfg.cma):
                if kind >= 0 and (mt == kind) != (block == kind):
                    yield (
                        f"{name(pfn, order)} is on the list of type {mt}, "
                        f"its page block has type {block}"
                    )


def every_managed_frame_is_somewhere(cfg: Config, s: Memory) -> Complaints:
    """A zone manages as many frames as are free, waiting or held."""
    sums = [0] * len(s.zones)
    for at, zone in enumerate(s.zones):
        sums[at] += sum(1 << order for _, order, _ in free_blocks(zone))
        sums[at] += len(cached(zone))
    for start, end in owned(s):
        home = zone_of(cfg, start)
        if home is not None:
            sums[home] += end - start
    for at, zone in enumerate(s.zones):
        if zone.managed != sums[at]:
            told = zone.managed
            yield f"zone {at} manages {told} frames, {sums[at]} are accounted for"


def pagesets_count_their_pages(cfg: Config, s: Memory) -> Complaints:
    """A pageset's count is the length of its lists."""
    for at, zone in enumerate(s.zones):
        for cpu, ps in enumerate(zone.pagesets):
            real = sum(map(len, ps.lists))
            if ps.count != real:
                yield f"zone {at} cpu {cpu}: count {ps.count}, the lists hold {real}"


def waiting_pages_are_of_their_list(cfg: Config, s: Memory) -> Complaints:
    """A page waits on the list of its type; one of a special type on any list."""
    for zone in s.zones:
        for ps in zone.pagesets:
            for which, line in enumerate(ps.lists):
                for pfn, mt in line:
                    special = mt >= MIGRATE_PCPTYPES and mt != cfg.isolate
                    if mt != which and not special:
                        yield f"page {pfn} of type {mt} waits on list {which}"


def reserved_page_blocks_are_counted(cfg: Config, s: Memory) -> Complaints:
    """nr_reserved_highatomic counts the frames of the high-atomic page blocks."""
    for at, zone in enumerate(s.zones):
        span, size = cfg.zones[at], cfg.block_pages
        starts = range(span.start - span.start % size, span.end, size)
        types = [type_of(cfg, s, pfn) for pfn in starts]
        due = types.count(MIGRATE_HIGHATOMIC) * size
        if zone.highatomic != due:
            told = zone.highatomic
            yield f"zone {at}: {told} frames are counted reserved, {due} are"


def boosts_are_bounded(cfg: Config, s: Memory) -> Complaints:
    """A watermark is boosted by no more than its share, in small zones not at all."""
    top = cfg.high_wmark * cfg.boost_factor // 10000
    for at, zone in enumerate(s.zones):
        small = 4 * cfg.block_pages > zone.managed or not top
        most = 0 if small else max(cfg.block_pages, top)
        if zone.boost > most:
            yield f"zone {at} is boosted by {zone.boost} pages, at most {most} are sane"


INVARIANTS = (
    Invariant("BUD-ALIGN", blocks_are_aligned),
    Invariant("BUD-ZONE", blocks_stay_in_their_zone),
    Invariant("BUD-DISJOINT", no_frame_has_two_places),
    Invariant("BUD-CONSERVE", every_managed_frame_is_somewhere),
    Invariant("BUD-COALESCE", free_buddies_have_merged),
    Invariant("BUD-NRFREE", counters_are_sums),
    Invariant("BUD-MT", lists_fit_their_page_blocks),
    Invariant("PCP-COUNT", pagesets_count_their_pages),
    Invariant("PCP-TYPE", waiting_pages_are_of_their_list),
    Invariant("HA-ACCT", reserved_page_blocks_are_counted),
    Invariant("WM-SANE", boosts_are_bounded),
)

# ------------------------------------------------------------------ steps

Moment = Step[Config, Memory]


def frames_held(s: Memory) -> dict[int, int]:
    """Return (first frame, order) of what is held."""
    return {h.pfn: h.order for h in s.held}


def only_what_was_asked_changes_hands(cfg: Config, step: Moment) -> Complaints:
    """A request adds its block to those held, a free takes its own away."""
    due, got = frames_held(step.before), step.result.value
    bug = isinstance(got, Bug)
    match step.op:
        case AllocPages(order=order) if isinstance(got, int):
            due[got] = used_order(cfg, order)
        case AllocExact(pages=pages) if isinstance(got, int):
            due |= dict.fromkeys(range(got, got + pages), 0)
        case FreePages(block=(pfn, _)) | FreePrepare(pfn=pfn) if not bug:
            block = held_at(step.before, pfn)
            if block is not None and block.refs == 1:
                due.pop(pfn)
            elif block is not None and not block.compound:
                due[pfn] = 0
        case SplitPage(pfn=pfn) if not bug:
            due |= dict.fromkeys(range(pfn, pfn + (1 << due.get(pfn, 0))), 0)
    if frames_held(step.after) != due:
        odd = sorted(frames_held(step.after).items() ^ due.items())
        yield f"{odd[0]} should not have changed hands, or should have"


def a_new_block_is_clean(cfg: Config, step: Moment) -> Complaints:
    """A block is handed out without words that its last owner left in its pages."""
    got = step.result.value
    if isinstance(step.op, AllocPages) and isinstance(got, int):
        end = got + (1 << used_order(cfg, step.op.order))
        for pfn, word in step.after.private:
            if got <= pfn < end:
                yield f"pfn {got} is handed out with private {word} in page {pfn}"


def a_free_keeps_the_pageset_below_its_mark(cfg: Config, step: Moment) -> Complaints:
    """After a page entered, a pageset is below its high mark or a batch has left it."""
    if not isinstance(step.op, FreePages | FreeCommit | FreeReserved):
        return
    for before, after in zip(step.before.zones, step.after.zones, strict=True):
        for old, new in zip(before.pagesets, after.pagesets, strict=True):
            if new.count > old.count and new.count >= new.high:
                yield f"{new.count} pages wait, the mark is {new.high}"


def a_request_fails_only_for_want(cfg: Config, step: Moment) -> Complaints:
    """A request fails only where no list that it may use has a block large enough."""
    op = step.op
    if not isinstance(op, AllocPages) or step.result.value is not None:
        return
    if op.order > cfg.max_order or AllocFlags.NOFRAGMENT in op.flags:
        return
    if cfg.fails == "freely":
        return
    zone: Zone = step.before.zones[op.at]
    for pfn, order, mt in free_blocks(zone):
        if order >= op.order and mt < MIGRATE_PCPTYPES:
            yield f"order {op.order} fails, {name(pfn, order)} is free"


LAWS = (
    Law("BUD-OWN", only_what_was_asked_changes_hands),
    Law("BUD-CLEAN", a_new_block_is_clean),
    Law("PCP-LIMIT", a_free_keeps_the_pageset_below_its_mark),
    Law("COMPLETE", a_request_fails_only_for_want),
)
CONTRACTS = (
    Contract("RET-CODE", "Every operation returns what is due."),
    Contract("BUD-ALIGN", "A block handed out is aligned to its size."),
    Contract("BUD-ZONE", "A block handed out lies in the zone asked for."),
    Contract("BUD-DISJOINT", "A block handed out was free, every frame of it."),
    Contract("COMPLETE", "A request does not fail while a large enough block is free."),
    Contract("PICK", "The block is the one that the declared policy picks."),
)
