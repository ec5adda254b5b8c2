"""memblock: the specification and the machine, side by side."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from mmoracle.impl.memblock import (
    OBJECT,
    Answer,
    MemblockType,
    Refused,
    Row,
    Stop,
)
from mmoracle.impl.memblock import Memblock as Machine
from mmoracle.spec.core import Disallowed, Op, Result
from mmoracle.spec.linux import MAX_NUMNODES, Addr, Bug, Errno, MemblockFlags
from mmoracle.spec.memblock import ops, regions
from mmoracle.spec.memblock.always import CONTRACTS, INVARIANTS, LAWS, view
from mmoracle.spec.memblock.regions import (
    STOPPED,
    Config,
    Memblock,
    Outcome,
    Region,
    Regions,
    Slab,
)
from mmoracle.spec.memblock.search import FreeRange
from mmoracle.spec.memblock.sometimes import WITNESSES

from ..subsystem import Subsystem
from . import refuse
from .memblock_configs import CONFIGS

Move = Op[Config, Memblock]

EVENTS: dict[object, Any] = {
    "doubled": regions.Doubled,
    "leak_alloc": regions.LeakAlloc,
    "leak_free": regions.LeakFree,
    "warn": regions.Warn,
    "fill": regions.Fill,
    "kzalloc": regions.Kzalloc,
    "free_pages": regions.FreePages,
    "reserve_pages": regions.ReservePages,
}
FLAGS = tuple(MemblockFlags(bits) for bits in range(8))
QUESTIONS = (ops.IsReserved, ops.IsRegion, ops.Extent, ops.SearchPfnNid, ops.ForEach)


def machine(cfg: Config) -> Machine:
    """Return a memblock without memory on the configured machine."""
    return Machine(
        width=cfg.width,
        page_size=cfg.page_size,
        region_bytes=cfg.region_bytes,
        init_regions=cfg.init_regions,
        cache_bytes=cfg.cache_bytes,
        movable_node=cfg.movable_node,
        max_low_pfn=cfg.max_low_pfn,
        double_into_range=regions.DOUBLE_INTO_RANGE in cfg.quirks,
        free_first=regions.FREE_FIRST in cfg.quirks,
        trim_keeps_total=regions.TRIM_KEEPS_TOTAL in cfg.quirks,
        trim_wraps=regions.TRIM_WRAPS in cfg.quirks,
        cap_wraps=regions.CAP_WRAPS in cfg.quirks,
    )


def build(cfg: Config) -> Machine:
    """Return memblock as the kernel image holds it, with the memory of `cfg.start`."""
    return load(cfg, regions.initial(cfg))


# ------------------------------------------------------------------ states


def load(cfg: Config, s: Memblock) -> Machine:
    """Return a machine that holds this state."""
    m = machine(cfg)
    fill(m.memory, s.memory)
    fill(m.reserved, s.reserved)
    m.bottom_up = s.bottom_up
    m.current_limit = s.current_limit
    m.can_resize = s.can_resize
    m.slab_is_up = s.slab_is_up
    m.system_has_some_mirror = s.has_mirror
    m.stopped = s.stopped
    return m


def fill(t: MemblockType, told: Regions) -> None:
    """Put an array's regions and numbers into the machine's array."""
    rows: list[Row] = [(r.base, r.end, int(r.flags), r.nid) for r in told.regions]
    t.splice(0, 0, rows)
    t.seams = {b[0] for a, b in pairwise(rows) if t.can_merge(a, b)}
    t.max, t.total_size = told.max, told.total_size
    t.array, t.in_slab = told.array, told.in_slab


def read(t: MemblockType) -> Regions:
    """Return an array of the machine as a value."""
    rows = tuple(
        Region(Addr(base), Addr(end - base), FLAGS[flags], nid)
        for base, end, flags, nid in t.rows(0, len(t.bases))
    )
    return Regions(rows, t.max, Addr(t.total_size), Addr(t.array), t.in_slab)


def abstract(m: Machine) -> Memblock:
    """Return the machine's state as a value."""
    if m.stopped:
        return STOPPED
    return Memblock(
        read(m.memory),
        read(m.reserved),
        m.bottom_up,
        Addr(m.current_limit),
        m.can_resize,
        m.slab_is_up,
        m.system_has_some_mirror,
    )


# ------------------------------------------------------------------ operations


def edit(m: Machine, op: Move) -> Result:
    """Do an operation on ranges or on the whole memory; return its value."""
    match op:
        case ops.Add(base, size, nid):
            return m.memblock_add_node(base, size, nid)
        case ops.Reserve(base, size):
            return m.memblock_reserve(base, size)
        case ops.Remove(base, size):
            return m.memblock_remove(base, size)
        case ops.Free(base, size):
            return m.memblock_free_early(base, size)
        case ops.SetFlag(base, size, how) if how in ops.HOW:
            flag, on = ops.HOW[how]
            return m.memblock_setclr_flag(base, size, on, int(flag))
        case ops.SetFlag():
            return Errno.EINVAL
        case ops.SetNode(base, size, kind, nid):
            return m.memblock_set_node(base, size, m.array(kind), nid)
        case ops.ReserveDt(base, size, nomap):
            return m.early_init_dt_reserve_memory_arch(base, size, nomap)
        case ops.TrimMemory(align):
            return m.memblock_trim_memory(align)
        case ops.CapMemoryRange(base, size):
            return m.memblock_cap_memory_range(base, size)
        case ops.EnforceMemoryLimit(limit):
            return m.memblock_enforce_memory_limit(limit)
        case ops.MemLimitRemoveMap(limit):
            return m.memblock_mem_limit_remove_map(limit)
    return place(m, op)


def place(m: Machine, op: Move) -> Result:
    """Do an operation that finds or hands over blocks; return its value."""
    match op:
        case ops.FindInRange(start, end, size, align):
            return m.memblock_find_in_range(start, end, size, align)
        case ops.PhysAlloc(size, align, start, end, nid, exact):
            return m.memblock_alloc_range_nid(size, align, start, end, nid, exact)
        case ops.AllocTryNid(size, align, low, high, nid, exact, raw):
            got = m.memblock_alloc_try_nid(size, align, low, high, nid, exact, raw)
            return Slab.OBJECT if got == OBJECT else got
        case ops.FreeLate(base, size):
            return m.memblock_free_late(base, size)
        case ops.FreeAll():
            return m.memblock_free_all()
        case ops.InitReservedPages():
            return m.memmap_init_reserved_pages()
    return switch(m, op)


def switch(m: Machine, op: Move) -> None:
    """Throw one of memblock's switches."""
    match op:
        case ops.SetCurrentLimit(limit):
            m.current_limit = limit
        case ops.SetBottomUp(on):
            m.bottom_up = on
        case ops.AllowResize():
            m.can_resize = True
        case ops.SlabIsUp():
            m.slab_is_up = True
        case _:
            raise TypeError(op)


def ask(m: Machine, op: Move) -> Result:
    """Return the answer to a question."""
    match op:
        case ops.IsReserved("map_memory", addr):
            return m.memblock_is_map_memory(addr)
        case ops.IsReserved(which, addr):
            return m.array(which).memblock_search(addr) >= 0
        case ops.IsRegion("memory", base, size):
            return m.memblock_is_region_memory(base, size)
        case ops.IsRegion(which, base, size):
            kind = "reserved" if which == "reserved" else "memory"
            return m.memblock_overlaps(m.array(kind), base, size)
        case ops.Extent():
            return m.extents()
        case ops.SearchPfnNid(pfn):
            return m.memblock_search_pfn_nid(pfn)
        case ops.ForEach(which, nid, flags):
            return m.walk(which, nid, int(flags))
    raise TypeError(op)


def do(m: Machine, op: Move) -> Result:
    """Do an operation with the choices in force; a BUG_ON stops the machine."""
    m.kmalloc = getattr(op, "kmalloc", True)
    try:
        return edit(m, op)
    except Stop:
        m.stopped = True
        m.events.clear()
        return ops.BUG_ON


def outcome(m: Machine, value: Result) -> Outcome:
    """Return a value with the events since the last operation."""
    events = tuple(EVENTS[name](*rest) for name, *rest in m.events)
    m.events.clear()
    return Outcome(value, events)


def apply(m: Machine, op: Move) -> Result:
    """Do what Linux does."""
    return ask(m, op) if isinstance(op, QUESTIONS) else outcome(m, do(m, op))


# ------------------------------------------------------------------ answers


def accept(m: Machine, op: Move, result: Result) -> None:
    """Take somebody else's answer, or raise `Disallowed` and change nothing."""
    if isinstance(op, QUESTIONS):
        refuse(why_not_truth(m, op, result))
        return
    if not isinstance(result, Outcome):
        raise Disallowed("RET-CODE", f"{result} is no outcome")
    doubled = [e for e in result.events if isinstance(e, regions.Doubled)]
    told = Answer(result.value, [(e.kind, e.addr) for e in doubled])
    linux = isinstance(result.value, Bug) and isinstance(op, ops.Change)
    mark = m.follow(None if linux else told)
    try:
        due = do(m, op)
        if linux:
            due = outcome(m, due)
            why = f"{due} is due, got {result}"
            refuse(None if result == due else ("RET-CODE", why))
        else:
            refuse(why_not_outcome(m, op, result, due, told))
    except (Refused, Disallowed) as no:
        m.take_back(mark)
        raise Disallowed(no.rule, no.why) from no
    finally:
        m.settle()


def why_not_outcome(
    m: Machine, op: Move, result: Outcome, due: Result, told: Answer
) -> tuple[str, str] | None:
    """Return what is wrong with an outcome that was followed, if anything is."""
    match op:
        case (
            ops.SetCurrentLimit()
            | ops.SetBottomUp()
            | ops.AllowResize()
            | (ops.SlabIsUp())
        ):
            if result != Outcome():
                return "RET-CODE", f"nothing is due, got {result}"
        case ops.FreeLate(base, size) if result.value is None:
            ranges = [(m.pfn_up(base), m.pfn_down((base + size) & m.top))]
            return why_not_pages(ranges, result)
    if result.value != due:
        return "RET-CODE", f"{due} is due, got {result.value}"
    if told.doubled:
        return "MB-META", f"{told.doubled[0]} doubled without need"
    if isinstance(op, ops.FreeAll):
        return why_not_pages([] if m.stopped else list(m.free_page_ranges()), result)
    if isinstance(op, ops.InitReservedPages):
        for e in result.events:
            if isinstance(e, regions.ReservePages) and not 0 <= e.nid < MAX_NUMNODES:
                return "MB-NID", f"{e} has no node"
    return None


def why_not_pages(
    ranges: list[tuple[int, int]], result: Outcome
) -> tuple[str, str] | None:
    """Return what is wrong unless exactly these pages were freed, each once."""
    got = sorted(
        (e.pfn, e.pfn + (1 << e.order), 0)
        for e in result.events
        if isinstance(e, regions.FreePages)
    )
    due = [(first, behind, 0) for first, behind in ranges if first < behind]
    if shown(tuple(got)) == shown(tuple(due)):
        return None
    return "BOOT-HANDOFF", f"pages {ranges} are due, got {got}"


def why_not_truth(m: Machine, op: Move, result: Result) -> tuple[str, str] | None:
    """Return what is wrong with an answer to a question, if anything is."""
    truth = ask(m, op)
    why = f"the answer is {truth}, got {result}"
    match op:
        case ops.ForEach(which):
            step = -1 if which.endswith("reverse") else 1
            same = shown(result[::step]) == shown(truth[::step])
            return None if same else ("MB-ITER", why)
        case ops.Extent():
            return None if result == truth else ("MB-SUM", why)
        case ops.SearchPfnNid():
            return None if result == truth else ("MB-NID", why)
        case ops.IsRegion(which, base, size) if which != "memory":
            if not m.cap_size(base, size) and isinstance(result, bool):
                return None  # whether nothing overlaps anything is left open
    return None if result is truth else ("MB-OVERLAP", why)


def shown(ranges: tuple[FreeRange, ...]) -> list[FreeRange]:
    """Return what a walk shows: no empty range, touching ones of a node joined."""
    out: list[FreeRange] = []
    for start, end, nid in ranges:
        if start == end:
            continue
        if start < end and out and (out[-1][1], out[-1][2]) == (start, nid):
            out[-1] = (out[-1][0], end, nid)
        else:
            out.append((start, end, nid))
    return out


MEMBLOCK = Subsystem(
    name="memblock",
    about="memblock: the allocator of early boot (mm/memblock.c)",
    configs=CONFIGS,
    initial=regions.initial,
    ops=ops.OPS,
    invariants=INVARIANTS,
    laws=LAWS,
    contracts=CONTRACTS,
    witnesses=WITNESSES,
    build=build,
    load=load,
    abstract=abstract,
    apply=apply,
    accept=accept,
    view=view,
)
