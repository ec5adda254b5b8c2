"""How a range enters one of memblock's arrays, leaves it, and makes it grow.

A range that is added fills only what is not covered yet; a range that is taken out
first cuts the regions at its borders; an array without room is doubled into memory
that memblock itself finds, which may need room in turn.

Source: mm/memblock.c (v5.10).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..linux import MAX_NUMNODES, Addr, Errno, MemblockFlags
from .regions import (
    DOUBLE_INTO_RANGE,
    FREE_FIRST,
    MEMORY,
    NONE,
    NOT_ZERO,
    RESERVED,
    STATIC,
    Config,
    Done,
    Doubled,
    Event,
    Events,
    LeakFree,
    Memblock,
    Places,
    Range,
    Region,
    Regions,
    Stop,
    Warn,
    array_bytes,
    cap_size,
    page_up,
)


def of(s: Memblock, kind: str) -> Regions:
    """Return one of the two arrays."""
    return s.memory if kind == MEMORY else s.reserved


def with_array(s: Memblock, kind: str, t: Regions) -> Memblock:
    """Return the state with one of its arrays replaced."""
    return replace(s, memory=t) if kind == MEMORY else replace(s, reserved=t)


def holding(cfg: Config, t: Regions, regions: tuple[Region, ...]) -> Regions:
    """Return the array with other regions; the total moves by what they add or lose.

    It wraps as the word does.
    """
    change = sum(r.size for r in regions) - sum(r.size for r in t.regions)
    return replace(
        t, regions=regions, total_size=Addr((t.total_size + change) & cfg.top)
    )


def merged(regions: tuple[Region, ...]) -> tuple[Region, ...]:
    """Join neighbours that touch and agree in node and flags (merge_regions)."""
    out: list[Region] = []
    for r in regions:
        put(out, r)
    return tuple(out)


def put(out: list[Region], r: Region) -> None:
    """Put a region behind others, as a part of the last one where the two can join."""
    if out and out[-1].end == r.base and alike(out[-1], r):
        out[-1] = replace(out[-1], size=Addr(out[-1].size + r.size))
    else:
        out.append(r)


def alike(a: Region, b: Region) -> bool:
    """Say whether two regions have the same node and flags."""
    return (a.nid, a.flags) == (b.nid, b.flags)


def uncovered(t: Regions, base: int, end: int) -> list[Range]:
    """Return the parts of [base, end) that no region covers, as (base, end)."""
    parts: list[Range] = []
    for r in t.regions:
        base = passed(parts, r, base, end)
    return [*parts, (base, end)] if base < end else parts


def passed(parts: list[Range], r: Region, base: int, end: int) -> int:
    """Note what of [base, end) lies below a region; return where to go on."""
    if r.end <= base or end <= r.base:
        return base
    if base < r.base:
        parts.append((base, r.base))
    return min(r.end, end)


def cut(t: Regions, at: int) -> tuple[Region, ...]:
    """Return the regions with the one that crosses `at` split there."""
    return tuple(part for r in t.regions for part in halves(r, at))


def halves(r: Region, at: int) -> tuple[Region, ...]:
    """Return the two parts of a region that crosses an address, or the whole."""
    if not r.base < at < r.end:
        return (r,)
    low = replace(r, size=Addr(at - r.base))
    return low, replace(r, base=Addr(at), size=Addr(r.end - at))


def double_array(
    cfg: Config,
    s: Memblock,
    kind: str,
    hands: tuple[Range, ...],
    kmalloc: bool,
    places: Places,
) -> tuple[Memblock, bool, Events]:
    """Double one array, away from the ranges in hand; return whether it is done.

    5.10 frees the old memory array before it reserves the new one: if the reserved
    array doubles meanwhile, it may take the same place (a quirk).
    """
    if not s.can_resize:
        return s, False, ()
    t = of(s, kind)
    nr_bytes = page_up(cfg, 2 * t.max * cfg.region_bytes)
    addr, events = places.array(cfg, s, kind, hands, nr_bytes)
    if addr is None:
        return s, False, events
    place = Addr(addr)
    grown = replace(t, max=2 * t.max, array=place, in_slab=s.slab_is_up)
    s = with_array(s, kind, grown)
    outer = () if DOUBLE_INTO_RANGE in cfg.quirks else hands
    late = kind == RESERVED or FREE_FIRST in cfg.quirks
    events += (Doubled(kind, grown.max, place),)
    for freeing in (late, not late):
        if freeing and t.array != STATIC:  # not the first array, nor kfree()d
            old = (t.array, Addr(array_bytes(cfg, t)))
            s, _, more = free(cfg, s, old, kmalloc, places, outer)
            events += more
        elif not freeing and not s.slab_is_up:
            new = (place, nr_bytes)
            s, got, more = add_range(
                cfg, s, RESERVED, new, MAX_NUMNODES, NONE, kmalloc, places, outer
            )
            if got is not None:
                raise Stop
            events += more
    return s, True, events


def make_room(
    cfg: Config,
    s: Memblock,
    kind: str,
    slots: int,
    hands: tuple[Range, ...],
    kmalloc: bool,
    places: Places,
) -> tuple[Memblock, bool, Events]:
    """Double until `slots` more regions fit; return the state, success, events."""
    events: Events = ()
    while of(s, kind).cnt + slots > of(s, kind).max:
        s, grown, more = double_array(cfg, s, kind, hands, kmalloc, places)
        events += more
        if not grown:
            return s, False, events
    return s, True, events


def add_range(
    cfg: Config,
    s: Memblock,
    kind: str,
    range_: Range,
    nid: int,
    flags: MemblockFlags,
    kmalloc: bool,
    places: Places,
    outer: tuple[Range, ...] = (),
) -> Done:
    """Cover a range; what is covered already keeps its node and flags.

    `outer` are the ranges of the operations that wait for this one.
    """
    base, size = range_[0], cap_size(cfg, *range_)
    if not size:
        return s, None, ()
    t, end = of(s, kind), base + size
    if not t.regions:  # the dummy's slot is taken without a look at the room
        only = Region(Addr(base), Addr(size), flags, nid)
        events: Events = (NOT_ZERO,) if t.total_size else ()
        t = replace(t, regions=(only,), total_size=Addr(size))
        return with_array(s, kind, t), None, events
    parts = uncovered(t, base, end)
    counting = disagreements(t, parts, end, nid, flags)
    if not parts:
        return s, None, ()
    s, fits, events = make_room(
        cfg, s, kind, len(parts), (*outer, (base, size)), kmalloc, places
    )
    if not fits:
        return s, Errno.ENOMEM, counting + events
    t = of(s, kind)  # the second pass looks again: a new array may have joined in
    parts = uncovered(t, base, end)
    if t.cnt + len(parts) > t.max:
        raise Stop
    together = inserted(t, parts, nid, flags)
    inserting = disagreements(t, parts, end, nid, flags)
    s = with_array(s, kind, holding(cfg, t, merged(together)))
    return s, None, counting + events + inserting


def inserted(
    t: Regions, parts: list[Range], nid: int, flags: MemblockFlags
) -> tuple[Region, ...]:
    """Return the regions with a new one for each part, in order."""
    new = [Region(Addr(a), Addr(b - a), flags, nid) for a, b in parts]
    return tuple(sorted((*t.regions, *new), key=lambda r: r.base))


def disagreements(
    t: Regions, parts: list[Range], end: int, nid: int, flags: MemblockFlags
) -> Events:
    """Return a warning for each overlapped region that ends a part and differs."""
    events: list[Event] = []
    for r in t.regions:
        if r.base < end and any(r.base == stop for _, stop in parts):
            events += [Warn("nid differs")] if r.nid != nid else []
            events += [Warn("flags differ")] if r.flags != flags else []
    return tuple(events)


def isolate_range(
    cfg: Config,
    s: Memblock,
    kind: str,
    range_: Range,
    kmalloc: bool,
    places: Places,
    outer: tuple[Range, ...] = (),
) -> tuple[Memblock, bool, Events]:
    """Cut the regions at both borders of a range; room is made before it is needed."""
    base, size = range_[0], cap_size(cfg, *range_)
    if not size:
        return s, True, ()
    hands = (*outer, (base, size))
    s, fits, events = make_room(cfg, s, kind, 2, hands, kmalloc, places)
    if fits:
        t = replace(of(s, kind), regions=cut(of(s, kind), base))
        t = replace(t, regions=cut(t, base + size))
        s = with_array(s, kind, t)
    return s, fits, events


def inside(cfg: Config, r: Region, base: int, size: int) -> bool:
    """Say whether an isolated region lies inside the range."""
    return base <= r.base and r.end <= base + cap_size(cfg, base, size)


def remove_range(
    cfg: Config,
    s: Memblock,
    kind: str,
    range_: Range,
    kmalloc: bool,
    places: Places,
    outer: tuple[Range, ...] = (),
) -> Done:
    """Uncover a range."""
    s, fits, events = isolate_range(cfg, s, kind, range_, kmalloc, places, outer)
    if not fits:
        return s, Errno.ENOMEM, events
    return keep(cfg, s, kind, events, lambda r: not inside(cfg, r, *range_))


def keep(
    cfg: Config,
    s: Memblock,
    kind: str,
    events: Events,
    wanted: Callable[[Region], bool],
) -> Done:
    """Delete every region that is not wanted (memblock_remove_region)."""
    before = of(s, kind)
    t = holding(cfg, before, tuple(r for r in before.regions if wanted(r)))
    if before.regions and not t.regions and t.total_size:
        events += (NOT_ZERO,)
    return with_array(s, kind, t), None, events


def free(
    cfg: Config,
    s: Memblock,
    range_: Range,
    kmalloc: bool,
    places: Places,
    outer: tuple[Range, ...] = (),
) -> Done:
    """memblock_free(): tell kmemleak, then uncover the range in `reserved`."""
    s, got, events = remove_range(cfg, s, RESERVED, range_, kmalloc, places, outer)
    return s, got, (LeakFree(Addr(range_[0]), Addr(range_[1])), *events)
