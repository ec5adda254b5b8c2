"""What must be seen of memblock at least once, or the model says nothing."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from ..linux import Errno
from .ops import (
    Add,
    AllocTryNid,
    CapMemoryRange,
    FindInRange,
    ForEach,
    Free,
    FreeAll,
    PhysAlloc,
    Remove,
    Reserve,
    ReserveDt,
    TrimMemory,
)
from .regions import (
    MIRROR,
    Config,
    Doubled,
    Outcome,
)
from .sets import (
    Moment,
    Paint,
    moved_arrays,
    paint_at,
    span_of,
    spans,
    succeeded,
    without,
)


def cnt_change(step: Moment, name: str) -> int:
    """Return how many regions an array gained."""
    before, after = getattr(step.before, name), getattr(step.after, name)
    return len(after.regions) - len(before.regions)


def joins(step: Moment) -> tuple[bool, bool]:
    """Say whether an added range became one with its neighbours left and right."""
    if not isinstance(step.op, Add | Reserve) or not succeeded(step):
        return False, False
    name = "memory" if isinstance(step.op, Add) else "reserved"
    before, after = getattr(step.before, name), getattr(step.after, name)
    base, end = step.op.base, step.op.base + step.op.size
    if paint_at(before, base) or paint_at(before, end - 1):
        return False, False
    for r in after.regions:
        if r.base <= base and end <= r.end:
            return r.base < base, end < r.end
    return False, False


def a_range_joins_its_left_neighbour(cfg: Config, step: Moment) -> bool:
    """A range that is added becomes one with the region before it."""
    return joins(step) == (True, False)


def a_range_joins_its_right_neighbour(cfg: Config, step: Moment) -> bool:
    """A range that is added becomes one with the region behind it."""
    return joins(step) == (False, True)


def a_range_joins_both_neighbours(cfg: Config, step: Moment) -> bool:
    """A range that is added closes the gap between two regions."""
    return joins(step) == (True, True)


def a_region_is_split(cfg: Config, step: Moment) -> bool:
    """A range is taken out of the middle of a region."""
    name = "memory" if isinstance(step.op, Remove) else "reserved"
    return isinstance(step.op, Remove | Free) and cnt_change(step, name) == 1


def a_node_border_keeps_regions_apart(cfg: Config, step: Moment) -> bool:
    """Two memory regions touch and differ in their node."""
    return any(
        a.end == b.base and a.nid != b.nid
        for a, b in pairwise(step.after.memory.regions)
    )


def a_flag_border_keeps_regions_apart(cfg: Config, step: Moment) -> bool:
    """Two memory regions touch and differ in their flags."""
    return any(
        a.end == b.base and a.flags != b.flags
        for a, b in pairwise(step.after.memory.regions)
    )


def an_array_doubles(cfg: Config, step: Moment, kind: str, in_slab: bool) -> bool:
    """Say whether one array doubled, into memblock's own memory or the slab's."""
    return any(
        isinstance(e, Doubled) and e.kind == kind and (not e.addr) == in_slab
        for e in getattr(step.result, "events", ())
    )


def the_memory_array_doubles(cfg: Config, step: Moment) -> bool:
    """The memory array moves into memory that memblock finds."""
    return an_array_doubles(cfg, step, "memory", False)


def the_reserved_array_doubles(cfg: Config, step: Moment) -> bool:
    """The reserved array moves into memory that memblock finds."""
    return an_array_doubles(cfg, step, "reserved", False)


def an_array_doubles_into_the_slab(cfg: Config, step: Moment) -> bool:
    """An array moves into memory of kmalloc."""
    return any(an_array_doubles(cfg, step, k, True) for k in ("memory", "reserved"))


def a_doubled_array_doubles_again(cfg: Config, step: Moment) -> bool:
    """An array that memblock placed is freed for a larger one."""
    return bool(moved_arrays(cfg, step)[1])


def an_array_is_full(cfg: Config, step: Moment) -> bool:
    """A change fails because the array may not, or cannot, grow."""
    return isinstance(step.result, Outcome) and step.result.value is Errno.ENOMEM


def the_kernel_stops(cfg: Config, step: Moment) -> bool:
    """A doubled array cannot be recorded, which is a BUG_ON."""
    return step.after.stopped and not step.before.stopped


def found(step: Moment) -> bool:
    """Say whether a search returned an address."""
    searches = (PhysAlloc, AllocTryNid, FindInRange)
    return isinstance(step.op, searches) and bool(step.result.value)


def a_block_is_found_from_the_top(cfg: Config, step: Moment) -> bool:
    """A search from the top finds a block."""
    return found(step) and not step.before.bottom_up


def a_block_is_found_from_the_bottom(cfg: Config, step: Moment) -> bool:
    """A search from the bottom finds a block."""
    return found(step) and step.before.bottom_up


def memory_is_exhausted(cfg: Config, step: Moment) -> bool:
    """An allocation finds nothing."""
    searches = (PhysAlloc, AllocTryNid)
    return isinstance(step.op, searches) and step.result.value == 0


def a_lower_bound_is_given_up(cfg: Config, step: Moment) -> bool:
    """An allocation succeeds below the lower bound that it asked for."""
    match step.op, step.result:
        case AllocTryNid(min_addr=low), Outcome(value=int(addr)):
            return 0 < addr < low
    return False


def home_of(step: Moment) -> Paint | None:
    """Return the attributes of the memory that an allocation got."""
    if not isinstance(step.op, PhysAlloc | AllocTryNid):
        return None
    addr = step.result.value
    return paint_at(step.before.memory, addr) if isinstance(addr, int) else None


def another_node_helps_out(cfg: Config, step: Moment) -> bool:
    """An allocation gets memory of another node than it asked for."""
    home = home_of(step)
    nid = getattr(step.op, "nid", -1)
    return home is not None and nid >= 0 and home[1] != nid


def an_exact_node_is_refused(cfg: Config, step: Moment) -> bool:
    """An allocation fails on its node although another one would fit."""
    match step.op:
        case PhysAlloc(nid=nid, exact=True) | AllocTryNid(nid=nid, exact=True):
            elsewhere = replace(step.op, exact=False).choose(cfg, step.before)
            return nid >= 0 and step.result.value == 0 and bool(elsewhere.value)
    return False


def mirrored_memory_is_preferred(cfg: Config, step: Moment) -> bool:
    """An allocation gets mirrored memory."""
    home = home_of(step)
    return home is not None and step.before.has_mirror and MIRROR in home[0]


def mirrored_memory_is_given_up(cfg: Config, step: Moment) -> bool:
    """An allocation gets memory that is not mirrored though there is some that is."""
    home = home_of(step)
    return home is not None and step.before.has_mirror and MIRROR not in home[0]


def a_range_stops_at_the_top(cfg: Config, step: Moment) -> bool:
    """A range that would wrap is cut at the last byte."""
    match step.op:
        case Add(base, size) | Reserve(base, size) | Free(base, size):
            return succeeded(step) and size > cfg.top - base
    return False


def an_empty_range_is_iterated(cfg: Config, step: Moment) -> bool:
    """Two reservations touch unmerged, and a free range of no size shows."""
    walk = isinstance(step.op, ForEach) and step.op.which.startswith("free")
    return walk and any(start == end for start, end, _ in step.result)


def pages_are_handed_over(cfg: Config, step: Moment) -> bool:
    """The buddy allocator gets pages."""
    return isinstance(step.op, FreeAll) and bool(step.result.value)


def a_region_is_trimmed_away(cfg: Config, step: Moment) -> bool:
    """A trim leaves nothing of a region."""
    return isinstance(step.op, TrimMemory) and cnt_change(step, "memory") < 0


def a_nomap_request_is_refused(cfg: Config, step: Moment) -> bool:
    """A device tree may not unmap memory in use."""
    refused = isinstance(step.op, ReserveDt) and step.op.nomap
    return refused and step.result.value is Errno.EBUSY


def a_cut_spares_nomap(cfg: Config, step: Moment) -> bool:
    """A NOMAP region outside a cap survives it."""
    if not isinstance(step.op, CapMemoryRange) or not step.op.size:
        return False
    inside = [span_of(cfg, step.op.base, step.op.size)]
    return bool(without(spans(step.after.memory), inside))


WITNESSES = (
    a_range_joins_its_left_neighbour,
    a_range_joins_its_right_neighbour,
    a_range_joins_both_neighbours,
    a_region_is_split,
    a_node_border_keeps_regions_apart,
    a_flag_border_keeps_regions_apart,
    the_memory_array_doubles,
    the_reserved_array_doubles,
    an_array_doubles_into_the_slab,
    a_doubled_array_doubles_again,
    an_array_is_full,
    the_kernel_stops,
    a_block_is_found_from_the_top,
    a_block_is_found_from_the_bottom,
    memory_is_exhausted,
    a_lower_bound_is_given_up,
    another_node_helps_out,
    an_exact_node_is_refused,
    mirrored_memory_is_preferred,
    mirrored_memory_is_given_up,
    a_range_stops_at_the_top,
    an_empty_range_is_iterated,
    pages_are_handed_over,
    a_region_is_trimmed_away,
    a_nomap_request_is_refused,
    a_cut_spares_nomap,
)
