"""What holds of every memblock state and step.

Source: mm/memblock.c (v5.10).
"""

from __future__ import annotations

from itertools import pairwise

from ..core import Complaints, Contract, Invariant, Law
from ..linux import MAX_NUMNODES
from .arrays import alike
from .ops import (
    HOW,
    Add,
    AllocTryNid,
    CapMemoryRange,
    EnforceMemoryLimit,
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
from .regions import HOTPLUG, NOMAP, NONE, Config, Memblock, Regions
from .sets import (
    Moment,
    Paint,
    Span,
    array_span,
    arrays,
    common,
    hand_of,
    joined,
    moved_arrays,
    paint_at,
    show,
    span_of,
    spans,
    succeeded,
    within,
    without,
)


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
                yield f"{name} at {at:#x} has {worded(got)}, should have {worded(due)}"
                return


def worded(paint: Paint) -> str:
    """Write flags and node."""
    node = "no node" if paint[1] == MAX_NUMNODES else f"node {paint[1]}"
    return f"flags {int(paint[0]):#x} and {node}"


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
