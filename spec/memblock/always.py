"""What holds of every memblock state and step, and what must be seen at least once.

Sets of addresses are compared as sorted, joined ranges; attributes as a painting of
the address line, so that no law depends on how the regions are cut.

Source: mm/memblock.c (v5.10).
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from ..core import Complaints, Contract, Invariant, Law, Step
from ..linux import MAX_NUMNODES, Errno, MemblockFlags
from .ops import (
    HOW,
    Add,
    AllocTryNid,
    CapMemoryRange,
    EnforceMemoryLimit,
    FindInRange,
    ForEach,
    Free,
    FreeAll,
    InitReservedPages,
    MemLimitRemoveMap,
    PhysAlloc,
    Remove,
    Reserve,
    ReserveDt,
    SetFlag,
    SetNode,
    TrimMemory,
)
from .regions import (
    HOTPLUG,
    MIRROR,
    NOMAP,
    NONE,
    Config,
    Doubled,
    Memblock,
    Outcome,
    Regions,
    alike,
    array_bytes,
    cap_size,
    page_up,
)

Moment = Step[Config, Memblock]
Span = tuple[int, int]  # half-open
Paint = tuple[MemblockFlags, int]  # flags and nid of one stretch of addresses


def arrays(s: Memblock) -> tuple[tuple[str, Regions], ...]:
    """Return both arrays with their names."""
    return ("memory", s.memory), ("reserved", s.reserved)


def show(span: Span) -> str:
    """Write a range as the kernel's reader expects it."""
    return f"[{span[0]:#x}, {span[1]:#x})"


# ------------------------------------------------------------------ always: states


def regions_are_sorted_and_not_empty(cfg: Config, s: Memblock) -> Complaints:
    """Regions rise, hold at least one byte and end at or below the last byte."""
    for name, t in arrays(s):
        for r in t.regions:
            if not 0 < r.size <= cfg.top - r.base:
                yield f"{name} holds {r}, which is empty or passes the top"
        for a, b in pairwise(t.regions):
            if a.base >= b.base:
                yield f"{name} holds {a} before {b}"


def regions_do_not_overlap(cfg: Config, s: Memblock) -> Complaints:
    """No address is in two regions of one array."""
    for name, t in arrays(s):
        for a, b in pairwise(t.regions):
            if b.base < a.end and a.base < b.end:
                yield f"{name} holds {a} and {b}, which overlap"


def totals_are_sums(cfg: Config, s: Memblock) -> Complaints:
    """total_size is the sum of the sizes of the regions."""
    for name, t in arrays(s):
        total = sum(r.size for r in t.regions)
        if t.total_size != total:
            yield f"{name} counts {t.total_size:#x} bytes, its regions hold {total:#x}"


def arrays_are_not_overfull(cfg: Config, s: Memblock) -> Complaints:
    """An array holds at most as many regions as it has slots."""
    for name, t in arrays(s):
        if t.cnt > t.max:
            yield f"{name} holds {t.cnt} regions in {t.max} slots"


def array_span(cfg: Config, t: Regions) -> Span:
    """Return the block that a doubled array lies in; an empty one for none."""
    return (t.array, t.array + array_bytes(cfg, t)) if t.array else (0, 0)


def arrays_lie_in_reserved_memory(cfg: Config, s: Memblock) -> Complaints:
    """A doubled array lies in reserved memory, apart from the other one."""
    for name, t in arrays(s):
        span = array_span(cfg, t)
        if without([span], spans(s.reserved)):
            yield f"the {name} array at {show(span)} is not reserved"
    one, other = array_span(cfg, s.memory), array_span(cfg, s.reserved)
    if common([one], [other]):
        yield f"the memory array at {show(one)} meets the reserved one at {show(other)}"


INVARIANTS = (
    Invariant("MB-SORTED", regions_are_sorted_and_not_empty),
    Invariant("MB-DISJOINT", regions_do_not_overlap),
    Invariant("MB-SUM", totals_are_sums),
    Invariant("MB-CAP", arrays_are_not_overfull),
    Invariant("MB-META", arrays_lie_in_reserved_memory),
)

# ------------------------------------------------------------------ sets of addresses


def joined(ranges: list[Span]) -> list[Span]:
    """Return ranges sorted, touching and overlapping ones joined, empty ones gone."""
    out: list[Span] = []
    for start, end in sorted(ranges):
        if start >= end:
            continue
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out


def without(ranges: list[Span], holes: list[Span]) -> list[Span]:
    """Return the addresses of `ranges` that are in none of `holes`."""
    left = joined(ranges)
    for low, high in holes:
        pieces = [((a, min(b, low)), (max(a, high), b)) for a, b in left]
        left = joined([part for pair in pieces for part in pair])
    return left


def common(ranges: list[Span], others: list[Span]) -> list[Span]:
    """Return the addresses in both."""
    return without(ranges, without(ranges, others))


def spans(t: Regions, wanted: MemblockFlags = NONE) -> list[Span]:
    """Return the addresses of the regions that have these flags."""
    return joined([(r.base, r.end) for r in t.regions if wanted in r.flags])


def span_of(cfg: Config, base: int, size: int) -> Span:
    """Return a range that an operation names, cut at the top."""
    return base, base + cap_size(cfg, base, size)


# ------------------------------------------------------------------ always: steps


def succeeded(step: Moment) -> bool:
    """Say whether an operation that changes something was carried out."""
    return isinstance(step.result, Outcome) and (
        step.result.value is None or isinstance(step.result.value, int)
    )


def moved_arrays(cfg: Config, step: Moment) -> tuple[list[Span], list[Span]]:
    """Return the blocks that region arrays got, and gave back, during a step."""
    got: list[Span] = []
    gave: list[Span] = []
    held = {name: array_span(cfg, t) for name, t in arrays(step.before)}
    for e in getattr(step.result, "events", ()):
        if isinstance(e, Doubled):
            nr_bytes = page_up(cfg, e.max * cfg.region_bytes)
            gave.append(held[e.kind])
            held[e.kind] = (e.addr, e.addr + nr_bytes) if e.addr else (0, 0)
            got.append(held[e.kind])
    return joined(got), joined(gave)


def sets_due(cfg: Config, step: Moment) -> tuple[list[Span], list[Span]]:
    """Return the addresses that memory and reserved must cover after a step."""
    s = step.before
    memory, reserved = spans(s.memory), spans(s.reserved)
    if not succeeded(step):
        return memory, reserved
    match step.op:
        case Add(base, size):
            memory = joined([*memory, span_of(cfg, base, size)])
        case Remove(base, size):
            memory = without(memory, [span_of(cfg, base, size)])
        case Reserve(base, size) | ReserveDt(base, size, False):
            reserved = joined([*reserved, span_of(cfg, base, size)])
        case Free(base, size):
            reserved = without(reserved, [span_of(cfg, base, size)])
        case PhysAlloc(size) | AllocTryNid(size) if step.result.value:
            reserved = joined([*reserved, span_of(cfg, step.result.value, size)])
        case TrimMemory(align):
            whole = [
                (-(-r.base // align) * align, r.end // align * align)
                for r in s.memory.regions
            ]
            memory = joined(whole)
    return memory, reserved


CUTS = (CapMemoryRange, EnforceMemoryLimit, MemLimitRemoveMap)


def sets_change_as_asked(cfg: Config, step: Moment) -> Complaints:
    """Add and reserve are union, remove and free are difference, nothing else moves."""
    if isinstance(step.op, CUTS) or step.after.stopped:
        return
    memory, reserved = sets_due(cfg, step)
    got, gave = moved_arrays(cfg, step)
    loose = without(gave, got)  # an old array stays reserved where freeing it failed
    for name, covers, due in (
        ("memory", spans(step.after.memory), memory),
        (
            "reserved",
            without(spans(step.after.reserved), loose),
            without([*reserved, *got], loose),
        ),
    ):
        if covers != due:
            is_, should = map(show, covers), map(show, due)
            yield f"{name} covers {' '.join(is_)}, should be {' '.join(should)}"


def cuts_keep_what_is_inside(cfg: Config, step: Moment) -> Complaints:
    """Capping memory keeps what is inside, and NOMAP, and adds nothing."""
    if not isinstance(step.op, CUTS) or not succeeded(step) or step.after.stopped:
        return
    before, after = step.before, step.after
    inside = (0, cfg.top)
    if isinstance(step.op, CapMemoryRange) and step.op.size:
        inside = span_of(cfg, step.op.base, step.op.size)
    elif not isinstance(step.op, CapMemoryRange) and step.op.limit:
        inside = (0, address_of(cfg, before, step.op.limit))
    spared = [] if isinstance(step.op, EnforceMemoryLimit) else [NOMAP]
    kept = common(spans(before.memory), [inside])
    kept = joined([*kept, *(x for f in spared for x in spans(before.memory, f))])
    in_use = common(spans(before.reserved), [inside])
    full = any(t.cnt + 2 > t.max for _, t in arrays(before))
    for name, covers, due in (
        ("memory", spans(after.memory), kept),
        ("reserved", spans(after.reserved), in_use),
    ):
        if covers != due and not full:
            is_, should = map(show, covers), map(show, due)
            yield f"{name} covers {' '.join(is_)}, should be {' '.join(should)}"


def address_of(cfg: Config, s: Memblock, limit: int) -> int:
    """Return where the first `limit` bytes of memory end, the top for want of them."""
    seen = 0
    for start, end in [(r.base, r.end) for r in s.memory.regions]:
        seen += end - start
        if seen >= limit:
            return end - (seen - limit)
    return cfg.top


def paint_at(t: Regions, at: int) -> Paint | None:
    """Return the attributes of one address, None where it is not covered."""
    for r in t.regions:
        if r.base <= at < r.end:
            return r.flags, r.nid
    return None


def memory_paint(cfg: Config, step: Moment, at: int, old: Paint | None) -> Paint:
    """Return the attributes that an address of memory must have after a step."""
    op = step.op
    if old is None:
        return (NONE, op.nid) if isinstance(op, Add) else (NONE, MAX_NUMNODES)
    flags, nid = old
    match op:
        case SetFlag(base, size, how) if within(at, span_of(cfg, base, size)):
            flag, on = HOW[how]
            flags = flags | flag if on else flags & ~flag
        case ReserveDt(base, size, True) if within(at, span_of(cfg, base, size)):
            flags |= NOMAP
        case FreeAll():
            t = step.after.memory
            if t.cnt + 2 > t.max:  # for want of room the marks stay, unsaid
                return paint_at(t, at) or (flags, nid)
            flags &= ~HOTPLUG
        case SetNode(base, size, "memory", new) if within(at, span_of(cfg, base, size)):
            nid = new
    return flags, nid


def reserved_paint(cfg: Config, step: Moment, at: int, old: Paint | None) -> Paint:
    """Return the attributes that an address of reserved must have after a step."""
    flags, nid = old or (NONE, MAX_NUMNODES)
    match step.op:
        case SetNode(base, size, "reserved", new) if within(
            at, span_of(cfg, base, size)
        ):
            nid = new
        case InitReservedPages():
            t, home = step.after.reserved, paint_at(step.before.memory, at)
            if t.cnt + 2 > t.max:  # it may have stopped half way, for want of room
                return paint_at(t, at) or (flags, nid)
            nid = home[1] if home else nid
    return flags, nid


def hand_of(cfg: Config, step: Moment) -> Span:
    """Return the range that an operation names, an empty one if it names none."""
    base, size = getattr(step.op, "base", 0), getattr(step.op, "size", 0)
    return span_of(cfg, base, size) if hasattr(step.op, "base") else (0, 0)


def within(at: int, span: Span) -> bool:
    """Say whether an address is in a range."""
    return span[0] <= at < span[1]


def attributes_change_as_asked(cfg: Config, step: Moment) -> Complaints:
    """Flags and nodes change only where an operation says; old ones win an overlap."""
    if not succeeded(step) or step.after.stopped:
        return
    wishes = (("memory", memory_paint), ("reserved", reserved_paint))
    for name, wish in wishes:
        before, after = getattr(step.before, name), getattr(step.after, name)
        edges = [r for t in (before, after, step.before.memory) for r in t.regions]
        marks = {x for r in edges for x in (r.base, r.end)}
        marks |= set(hand_of(cfg, step))
        for at in sorted(marks):
            got, due = paint_at(after, at), wish(cfg, step, at, paint_at(before, at))
            if got is not None and got != due:
                yield f"{name} at {at:#x} has (flags, nid) {got}, should be {due}"
                return


def seams(t: Regions) -> set[int]:
    """Return where two regions touch that agree in everything."""
    return {b.base for a, b in pairwise(t.regions) if a.end == b.base and alike(a, b)}


def no_new_seam_appears(cfg: Config, step: Moment) -> Complaints:
    """Touching regions that agree are one, unless a cut through NOMAP split them."""
    if isinstance(step.op, CUTS):
        return
    for (name, old), (_, new) in zip(
        arrays(step.before), arrays(step.after), strict=True
    ):
        for at in sorted(seams(new) - seams(old)):
            yield f"{name} has two regions that meet at {at:#x} and agree"


def memory_in_use_stays_mapped(cfg: Config, step: Moment) -> Complaints:
    """A device tree's no-map request never unmaps memory that is reserved."""
    if isinstance(step.op, ReserveDt):
        before = common(spans(step.before.reserved), spans(step.before.memory))
        before = without(before, spans(step.before.memory, NOMAP))
        for lost in common(before, spans(step.after.memory, NOMAP)):
            yield f"{show(lost)} is reserved and became NOMAP"


def trimmed_memory_is_aligned(cfg: Config, step: Moment) -> Complaints:
    """After a trim every memory region begins and ends at a multiple of the unit."""
    if isinstance(step.op, TrimMemory):
        for r in step.after.memory.regions:
            if r.base % step.op.align or r.end % step.op.align:
                yield f"{r} is not aligned to {step.op.align:#x}"


def new_arrays_avoid_the_range_in_hand(cfg: Config, step: Moment) -> Complaints:
    """An array that grows for an operation avoids the operation's own range."""
    if isinstance(step.op, CUTS):
        return
    mine = hand_of(cfg, step)
    got, _ = moved_arrays(cfg, step)
    for hit in common(got, [mine]):
        yield f"a new array takes {show(hit)} of {show(mine)}, which is in hand"


LAWS = (
    Law("MB-META", new_arrays_avoid_the_range_in_hand),
    Law("MB-RESV", memory_in_use_stays_mapped),
    Law("MB-ALIGN", trimmed_memory_is_aligned),
    Law("MB-SET", sets_change_as_asked),
    Law("MB-CUT", cuts_keep_what_is_inside),
    Law("MB-NID", attributes_change_as_asked),
    Law("MB-MINIMAL", no_new_seam_appears),
)

CONTRACTS = (
    Contract("RET-CODE", "A call succeeds or fails as it must, with the right error."),
    Contract("MB-ALLOC", "A block was free, aligned and inside what was asked for."),
    Contract("MB-COMPLETE", "A request that fits somewhere allowed is satisfied."),
    Contract("MB-OVERLAP", "A question about a range is answered as sets answer it."),
    Contract("MB-ITER", "An iterator shows each range of its set once, in order."),
    Contract("BOOT-HANDOFF", "Each whole free page goes to the buddy allocator once."),
)

# ------------------------------------------------------------------ sometimes


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


def view(s: Memblock) -> tuple[object, ...]:
    """Return what any boot allocator must agree on: who covers what, and the switches.

    Not how the regions are cut, nor where the arrays are.
    """
    return (
        tuple(spans(s.memory)),
        tuple(spans(s.memory, NOMAP)),
        tuple(spans(s.reserved)),
        s.current_limit,
        s.bottom_up,
        s.has_mirror,
    )
