"""The page allocator where it is rare: at the edges of zones, and full or odd lists.

Every case is one operation in one state of a machine of sixteen frames at most.  Both
sides do it alike, and judge alike what somebody else might have answered.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from itertools import product
from typing import Any

from mmoracle.checkers.bind.buddy import BUDDY, abstract, load, machine
from mmoracle.checkers.lemma import Lemma, Mistake, Sweep, Values
from mmoracle.impl.buddy import answers
from mmoracle.impl.buddy.held import ORDER, Frames
from mmoracle.impl.buddy.manage import PageAllocator
from mmoracle.impl.buddy.zone import SHIFT
from mmoracle.impl.buddy.zone import Pageset as MachinePageset
from mmoracle.impl.buddy.zone import Zone as MachineZone
from mmoracle.proofs.sides import both_do_alike, both_judge_alike
from mmoracle.spec.buddy import alloc, change, free, manage, migrate
from mmoracle.spec.buddy.alloc import AllocPages
from mmoracle.spec.buddy.blocks import enlist
from mmoracle.spec.buddy.free import FreePages, FreeReserved, the_zone
from mmoracle.spec.buddy.manage import GetPage, TakePageOff, Unisolate, Unreserve
from mmoracle.spec.buddy.ops import empty
from mmoracle.spec.buddy.zones import (
    Config,
    Held,
    Memory,
    Outcome,
    Pageset,
    Span,
    count,
)
from mmoracle.spec.linux import (
    MIGRATE_HIGHATOMIC,
    MIGRATE_MOVABLE,
    MIGRATE_RECLAIMABLE,
    MIGRATE_UNMOVABLE,
    AllocFlags,
    Errno,
)

UNMOVABLE, MOVABLE = MIGRATE_UNMOVABLE, MIGRATE_MOVABLE
RECLAIMABLE, RESERVED = MIGRATE_RECLAIMABLE, MIGRATE_HIGHATOMIC
ISOLATED = CMA = RESERVED + 1  # no machine here has both
KINDS = (UNMOVABLE, MOVABLE)
FEW = "zones of up to 16 frames"

Scene = tuple[Config, Memory]
Case = tuple[Config, Memory, Any]


def memory(
    cfg: Config,
    listed: Iterable[tuple[int, int, int]],
    owned: Iterable[tuple[int, int]] = (),
    **more: Any,
) -> Memory:
    """Return the zones with blocks (pfn, order, type) on lists, and (pfn, order) held.

    Held blocks are movable.  The counters fit, but for what is told of every zone.
    """
    s = empty(cfg)
    for pfn, order, mt in listed:
        at = the_zone(cfg, pfn)
        s = enlist(s, at, pfn, order, mt, tail=True)
        s = count(cfg, s, at, (1 << order) * (mt != cfg.isolate), mt)
    zones = tuple(replace(z, **{"managed": 8, **more}) for z in s.zones)
    held = tuple(Held(*each, movable=True) for each in owned)
    return replace(s, zones=zones, held=held)


# ------------------------------------------------------------------ states

# Three zones; the frame between the first two is in none of them.
THREE = Config(
    zones=(Span(4, 6), Span(7, 12), Span(12, 16)),
    orders=3,
    pageblock_order=2,
    blocks=(UNMOVABLE, RECLAIMABLE, MOVABLE),
)
# A zone that ends inside a block.
CUT = Config(
    zones=(Span(0, 14), Span(14, 16)), orders=3, pageblock_order=3, cpus=1, high=9
)
ALONE = Config(zones=(Span(0, 8),), orders=4, pageblock_order=3, blocks=(UNMOVABLE,))
# A page block is four frames; of the last one there are but two.
RESERVES = Config(zones=(Span(0, 10),), orders=3, pageblock_order=2)
LENT = Config(
    zones=(Span(0, 4),), orders=2, pageblock_order=1, has_cma=True, blocks=(CMA,)
)
FRAME = Config(zones=(Span(0, 4),), orders=2, pageblock_order=0)  # each a page block
LARGE = Config(zones=(Span(0, 16),), orders=2, pageblock_order=4, blocks=(UNMOVABLE,))
BOOSTED = Config(zones=(Span(0, 8),), orders=2, pageblock_order=1, high_wmark=3)
HOLES = Config(
    zones=(Span(3, 8), Span(8, 15)),
    holes=(Span(4, 5), Span(8, 9)),
    orders=4,
    pageblock_order=1,
)
WHOLE = replace(HOLES, zones=(Span(3, 8), Span(8, 16)), holes=())


def cached(*pages: int) -> Pageset:
    """Return a pageset of movable pages."""
    line = tuple((pfn, MOVABLE) for pfn in pages)
    return Pageset(high=9, batch=1, count=len(line), lists=((), line, ()))


def at_borders() -> Memory:
    """Return blocks at the borders of three zones."""
    listed = ((4, 1, UNMOVABLE), (9, 0, UNMOVABLE), (10, 0, RECLAIMABLE))
    return memory(THREE, (*listed, (14, 1, MOVABLE)), ((7, 0), (8, 0), (12, 1)))


def in_pagesets() -> Memory:
    """Return frames of which some are free, some in a pageset, and some held."""
    listed = ((3, 0, MOVABLE), (5, 0, MOVABLE), (12, 1, MOVABLE), (14, 1, MOVABLE))
    s = memory(CUT, listed, ((4, 0), (8, 2)))
    near = replace(s.zones[0], pagesets=(cached(0, 1, 2, 6, 7),))
    return replace(s, zones=(near, s.zones[1]))


def reserves() -> Iterator[Scene]:
    """Yield zones whose reserved page blocks are few, cut, or no longer reserved."""
    lists = (
        (),
        ((8, 0, RESERVED),),
        ((8, 0, RESERVED), (0, 2, RESERVED)),
        ((0, 0, RESERVED), (4, 0, RESERVED)),
    )
    types = ((RESERVED,) * 3, (MOVABLE, RESERVED), (RESERVED, MOVABLE))
    for listed, kinds, size in product(lists, types, (3, 4, 5, 8, 9)):
        cfg = replace(RESERVES, blocks=kinds)
        yield cfg, memory(cfg, listed, highatomic=size)


def isolated() -> Iterator[Scene]:
    """Yield single frames that are page blocks, the first one isolated."""
    for kinds in product((ISOLATED, MOVABLE), repeat=2):
        cfg = replace(FRAME, blocks=(ISOLATED, *kinds))
        free = [(f, 0, (ISOLATED, *kinds)[f]) for f in range(2)]
        told = {"nr_isolate": 1 + kinds.count(ISOLATED)}
        yield cfg, memory(cfg, free, ((2, 1),), **told)
        yield cfg, memory(cfg, free[1:], ((0, 0), (2, 1)), **told)


def holes() -> Iterator[Scene]:
    """Yield zones with holes, of which some is reserved."""
    free, owned = ((6, 0, MOVABLE), (12, 1, MOVABLE)), ((3, 0), (10, 1))
    for listed, held in product((free, free[:1], ()), (owned, owned[1:], ())):
        yield HOLES, memory(HOLES, listed, held)
    large = ((8, 3, MOVABLE), (4, 2, MOVABLE))
    for listed, held in ((large, ()), (large[:1], ((4, 2),)), (large[1:], ((8, 3),))):
        yield WHOLE, memory(WHOLE, listed, held)


# ------------------------------------------------------------------ operations


def requests(cfg: Config, s: Memory, *flags: AllocFlags) -> Iterator[Case]:
    """Yield requests of every order, and of one more, in each zone."""
    each = product(range(len(cfg.zones)), range(cfg.orders + 1), KINDS)
    for told, more in product(each, flags or (AllocFlags.NONE,)):
        yield cfg, s, AllocPages(0, *told, more)


def boosts() -> Iterator[Case]:
    """Yield requests that raise watermarks to their bound, or just beyond."""
    for factor in (10000, 13333, 15000):
        cfg = replace(BOOSTED, boost_factor=factor)
        yield from requests(cfg, memory(cfg, ((0, 0, MOVABLE),), boost=2))


@cache
def operations() -> tuple[Case, ...]:
    """Return every operation in every state."""
    found = [*requests(THREE, at_borders()), *requests(CUT, in_pagesets())]
    for pfn in (3, 4, 7, 8, 15, 16):
        for op in (FreePages(0, (pfn, 0)), FreeReserved(0, pfn), GetPage(pfn)):
            found.append((THREE, at_borders(), op))
        found.append((THREE, at_borders(), TakePageOff(pfn)))
    for (cfg, s), force in product(reserves(), (False, True)):
        found.append((cfg, s, Unreserve(0, UNMOVABLE, force)))
    found += [(cfg, s, Unisolate(0, MOVABLE)) for cfg, s in isolated()]
    found += boosts()
    apart = memory(ALONE, ((6, 0, UNMOVABLE), (2, 0, UNMOVABLE), (4, 0, RESERVED)))
    plain = replace(ALONE, has_isolation=False)
    far = memory(plain, ((0, 2, UNMOVABLE),))
    lent = memory(LENT, ((0, 1, CMA), (2, 0, MOVABLE)))
    found += [*requests(ALONE, apart), *requests(plain, far)]
    found += requests(LARGE, memory(LARGE, ((2, 1, UNMOVABLE),)))
    found += requests(LENT, lent, AllocFlags.NONE, AllocFlags.CMA)
    return tuple(found)


def near_an_edge_zones_change_alike(top: Any, cfg: Any, s: Any, op: Any) -> Any:
    """One operation gives one answer on both sides, and leads to one state."""
    return both_do_alike(BUDDY, cfg, s, op)


def near_an_edge_zones_judge_alike(top: Any, cfg: Any, s: Any, op: Any) -> bool:
    """What somebody else might answer is refused by both sides, or taken by both."""
    return all(both_judge_alike(BUDDY, cfg, s, op, each) for each in told(cfg, op))


def told(cfg: Config, op: Any) -> Iterator[Outcome]:
    """Yield answers that somebody might give: every frame, and those around."""
    yield from map(Outcome, (None, True, Errno.ENOENT, Errno.EBUSY))
    if isinstance(op, AllocPages):
        yield from (Outcome(pfn) for pfn in range(-1, cfg.zones[-1].end + 2))


# ------------------------------------------------------------------ leaves


@cache
def scenes() -> tuple[Scene, ...]:
    """Return states that differ in what is named there."""
    return (*holes(), (THREE, at_borders()), (CUT, in_pagesets()))


def each_scene(top: int) -> Iterator[Values]:
    """Yield the number of each state."""
    return ((at,) for at in range(len(scenes())))


def frames_that_are_named_are_those_of_the_machine(top: Any, at: Any) -> bool:
    """Arguments name every frame and the one behind, and what is at the edges of use.

    Those that are reserved are the ones that the machine was never given.
    """
    cfg, s = scenes()[at]
    m = load(cfg, s)
    base, last = m.frames.base, m.frames.top
    reserved = [f for f in range(base, last + 1) if m.frames.is_reserved(f)]
    second = [min(m.held) + 1] if m.held else []
    return (
        [*change.frames_of(cfg)] == [*range(base, last + 1)]
        and change.odd_frames(cfg, s) == [base, last, *second]
        and [*free.frames_reserved(cfg, s)] == reserved
    )


def page_blocks_that_are_named_are_whole(top: Any, at: Any) -> bool:
    """Page blocks lie in one zone from the first frame, and larger blocks have more."""
    cfg, s = scenes()[at]
    m, size = load(cfg, s), cfg.block_pages
    whole = [
        pfn
        for zone in m.zones
        for pfn in range(zone.start, zone.end)
        if pfn % size == 0 and pfn + size <= zone.end and m.frames.zone_of(pfn) >= 0
    ]
    blocks = [(pfn, code & ORDER) for pfn, code in m.held.items()]
    blocks += [(p, code >> SHIFT) for z in m.zones for p, code in z.place.items()]
    large = sorted((p, p + (1 << order)) for p, order in blocks if 1 << order > size)
    named = sorted(manage.large_blocks(cfg, s))
    return manage.page_blocks(cfg) == whole and named == large


def zones_without_frames_are_empty(top: Any, at: Any) -> bool:
    """Before any frame is released both sides have empty zones, and boot's pagesets."""
    cfg = scenes()[at][0]
    first = empty(cfg)
    return abstract(machine(cfg, list(first.types))) == first


def movable_frames_of_a_cut_page_block_are_counted(top: Any, at: Any, pfn: Any) -> bool:
    """Both sides count what movable blocks have behind a frame where a zone begins.

    The page block begins before the zone, so that its part begins with that frame.
    """
    cfg = replace(ALONE, zones=(Span(1, 8),))
    owned = (((2, 1), (4, 0)), ((2, 0), (3, 0), (4, 2)), ((1, 0), (6, 1)))[at]
    s = memory(cfg, (), owned)
    mobility = load(cfg, s).mobility[0]
    frames = {f for p, order in owned for f in range(p, p + (1 << order))}
    due = len(frames & set(range(pfn, 8)))
    seen = mobility.movable_in(*mobility.block_range(pfn))
    return seen == due == migrate.movable_pages(cfg, s, 0, pfn)


def cuts(top: int) -> Iterator[Values]:
    """Yield which blocks are held, and a frame."""
    return product(range(3), range(1, 8))


# ------------------------------------------------------------------ mistakes


def ask_a_zone_that_touches(zone: MachineZone, pfn: int, order: int) -> bool:
    """Look for the buddy one order up in a zone that ends where both would begin."""
    if order >= zone.max_order - 1:
        return False
    whole = pfn & ~(1 << order)
    homes = [z for z in zone.zones if z.start <= whole <= z.end]
    return any(home.is_buddy(whole ^ (2 << order), order + 1) for home in homes)


def boost_nothing(cfg: Config, zone: Any) -> None:
    """Leave the watermarks where they are."""


def judge_nothing(m: Any, at: int, order: int, pfn: int) -> None:
    """Find nothing wrong with a block's frames."""


def judge_no_frames(cfg: Config, s: Memory, at: int, order: int, pfn: int) -> None:
    """Find nothing wrong with a block that must not be handed out."""


def owe_the_reserve(m: PageAllocator, at: int, force: bool) -> None:
    """Promise that a reserved page block can always be given up."""


def forget_the_last(cfg: Config) -> range:
    """Name the frames of the first zone only."""
    return range(cfg.zones[0].start, cfg.zones[0].end)


def name_any_frame(cfg: Config, s: Memory) -> Iterator[int]:
    """Name every frame as one that is reserved."""
    yield from change.frames_of(cfg)


def begin_with_the_zone(cfg: Config) -> list[int]:
    """Count page blocks from where a zone begins."""
    size = cfg.block_pages
    return [f for z in cfg.zones for f in range(z.start, z.end - size + 1, size)]


def begin_full(ps: MachinePageset) -> None:
    """Begin with a pageset that has real marks."""
    ps.high, ps.batch, ps.count = 6, 1, 0
    ps.lists = tuple(deque() for _ in range(3))


def count_from_heads(frames: Frames, start: int, end: int) -> int:
    """Count blocks that begin in a range only."""
    inside = [code for pfn, code in frames.held.items() if start <= pfn < end]
    return sum(1 << (code & ORDER) for code in inside)


CORNERS = (
    Lemma(
        claim=near_an_edge_zones_change_alike,
        provers=(Sweep(cases=lambda top: operations(), scope=FEW),),
        mistakes=(
            Mistake(MachineZone, "merge_likely", ask_a_zone_that_touches),
            Mistake(migrate, "boost_watermark", boost_nothing),
        ),
    ),
    Lemma(
        claim=near_an_edge_zones_judge_alike,
        provers=(Sweep(cases=lambda top: operations(), scope=FEW),),
        mistakes=(
            Mistake(answers, "why_not_frames", judge_nothing),
            Mistake(alloc, "judge_block", judge_no_frames),
            Mistake(PageAllocator, "why_not_unreserve", owe_the_reserve),
        ),
    ),
    Lemma(
        claim=frames_that_are_named_are_those_of_the_machine,
        provers=(Sweep(cases=each_scene, scope=FEW),),
        mistakes=(
            Mistake(change, "frames_of", forget_the_last),
            Mistake(free, "frames_reserved", name_any_frame),
        ),
    ),
    Lemma(
        claim=page_blocks_that_are_named_are_whole,
        provers=(Sweep(cases=each_scene, scope=FEW),),
        mistakes=(Mistake(manage, "page_blocks", begin_with_the_zone),),
    ),
    Lemma(
        claim=zones_without_frames_are_empty,
        provers=(Sweep(cases=each_scene, scope=FEW),),
        mistakes=(Mistake(MachinePageset, "__init__", begin_full),),
    ),
    Lemma(
        claim=movable_frames_of_a_cut_page_block_are_counted,
        provers=(Sweep(cases=cuts, scope="a zone of seven frames"),),
        mistakes=(Mistake(Frames, "movable_in", count_from_heads),),
    ),
)
