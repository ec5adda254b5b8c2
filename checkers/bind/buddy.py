"""The page allocator: the specification and the machine, side by side."""

from __future__ import annotations

from typing import Any

from mmoracle.impl.buddy import PageAllocator, fork, peek
from mmoracle.impl.buddy.answers import Asked, take, why_not_block
from mmoracle.impl.buddy.held import COMPOUND, MOVABLE, ORDER, REF
from mmoracle.impl.buddy.zone import SHIFT, TYPES
from mmoracle.impl.buddy.zone import Zone as MachineZone
from mmoracle.spec.buddy import halves, others, zones
from mmoracle.spec.buddy.alloc import AllocExact, AllocPages
from mmoracle.spec.buddy.always import CONTRACTS, INVARIANTS, LAWS
from mmoracle.spec.buddy.change import judge_value
from mmoracle.spec.buddy.declared import used
from mmoracle.spec.buddy.free import (
    FreeCommit,
    FreeCore,
    FreePages,
    FreePrepare,
    FreeReserved,
)
from mmoracle.spec.buddy.manage import (
    Drain,
    GetPage,
    Isolate,
    SetPrivate,
    SetupPagesets,
    SplitPage,
    TakePageOff,
    Unisolate,
    Unreserve,
)
from mmoracle.spec.buddy.ops import OPS, initial
from mmoracle.spec.buddy.sometimes import WITNESSES
from mmoracle.spec.buddy.zones import (
    Config,
    Held,
    Memory,
    Outcome,
    Pageset,
    Zone,
)
from mmoracle.spec.core import Disallowed, Op, Result

from ..subsystem import Halves, Subsystem
from . import refuse
from .buddy_configs import CONFIGS

Move = Op[Config, Memory]
Machine = PageAllocator  # for judges of real kernels, which drive it by hand

__all__ = ["BUDDY", "SHIFT", "Machine", "fork", "peek"]

EVENTS: dict[object, Any] = {
    "locked": zones.Locked,
    "drained": zones.Drained,
    "stole": zones.Stole,
    "woke": zones.Woke,
}


def machine(cfg: Config, types: list[int]) -> PageAllocator:
    """Return an allocator that was given no frames yet."""
    return PageAllocator(
        [(z.start, z.end) for z in cfg.zones],
        [(z.start, z.end) for z in cfg.holes],
        orders=cfg.orders,
        pageblock_order=cfg.pageblock_order,
        types=types,
        cpus=cfg.cpus,
        high=cfg.high,
        batch=cfg.batch,
        cma=cfg.cma,
        isolate=cfg.isolate,
        guard_minorder=cfg.guard_minorder,
        grouping=cfg.grouping,
        high_wmark=cfg.high_wmark,
        boost_factor=cfg.boost_factor,
        most_refs=cfg.most_refs,
        merges_reserved=zones.MERGES_RESERVED in cfg.quirks,
        keeps_private=zones.KEEPS_PRIVATE in cfg.quirks,
        counts_taken=zones.COUNTS_TAKEN in cfg.quirks,
        min_order=cfg.min_order,
        lazy=cfg.merging == "lazy",
        picks=cfg.picks,
        fails_freely=cfg.fails == "freely",
    )


def build(cfg: Config) -> PageAllocator:
    """Return an allocator with the frames of `cfg.start`."""
    return load(cfg, initial(cfg))


# ------------------------------------------------------------------ states


def load(cfg: Config, s: Memory) -> PageAllocator:
    """Return a machine that holds this state."""
    m = machine(cfg, list(s.types))
    for zone, told in zip(m.zones, s.zones, strict=True):
        fill(m, zone, told)
    for pfn, order in s.guards:
        m.zones[m.frames.zone_of(pfn)].guards[pfn] = order
        m.frames.make_known(pfn, 1 << order)
    for h in s.held:
        flags = COMPOUND * h.compound | MOVABLE * h.movable
        m.held[h.pfn] = h.order | flags | h.refs * REF
        m.frames.make_known(h.pfn, 1 << h.order)
    for pfn in (*dict(s.prepared), *s.taken):
        m.frames.make_known(pfn, 1)
    m.frames.prepared = dict(s.prepared)
    m.frames.taken = set(s.taken)
    m.frames.private.update(s.private)
    return m


def fill(m: PageAllocator, zone: MachineZone, told: Zone) -> None:
    """Put a zone's lists, pagesets and counters into the machine's zone."""
    for pfn, order, mt in zones.free_blocks(told):
        zone.push(pfn, order, mt, True)
        m.frames.make_known(pfn, 1 << order)
    for ps, given in zip(zone.pagesets, told.pagesets, strict=True):
        ps.high, ps.batch, ps.count = given.high, given.batch, given.count
        for line, pages in zip(ps.lists, given.lists, strict=True):
            line.extend(pfn for pfn, _ in pages)
            zone.index.update(pages)
    for pfn in zone.index:
        m.frames.make_known(pfn, 1)
    zone.nr_free = list(told.nr_free)
    zone.nr_free_pages, zone.nr_free_cma = told.nr_free_pages, told.nr_free_cma
    zone.managed, zone.nr_isolate = told.managed, told.nr_isolate
    zone.highatomic = told.highatomic
    zone.boost, zone.boosted = told.boost, told.boosted


def read(zone: MachineZone, types: int) -> Zone:
    """Return a zone of the machine as a value."""
    rows = [zone.lists[i : i + types] for i in range(0, len(zone.lists), TYPES)]
    return Zone(
        tuple(tuple(map(tuple, lists)) for lists in rows),
        tuple(zone.nr_free),
        zone.nr_free_pages,
        zone.nr_free_cma,
        zone.managed,
        tuple(
            Pageset(
                ps.high,
                ps.batch,
                ps.count,
                tuple(tuple((p, zone.index[p]) for p in line) for line in ps.lists),
            )
            for ps in zone.pagesets
        ),
        zone.nr_isolate,
        zone.highatomic,
        zone.boost,
        zone.boosted,
    )


def abstract(m: PageAllocator) -> Memory:
    """Return the machine's state as a value."""
    first = m.zones[0]
    types = 4 + (first.cma >= 0) + (first.isolate >= 0)
    guards = [each for zone in m.zones for each in zone.guards.items()]
    return Memory(
        tuple(read(zone, types) for zone in m.zones),
        tuple(first.types),
        tuple(held(pfn, code) for pfn, code in sorted(m.held.items())),
        tuple(m.frames.prepared.items()),
        tuple(sorted(guards)),
        tuple(sorted(m.frames.taken)),
        tuple(sorted(m.frames.private.items())),
    )


def held(pfn: int, code: int) -> Held:
    """Return a held block of the machine as a value."""
    flags = bool(code & COMPOUND), bool(code & MOVABLE)
    return Held(pfn, code & ORDER, code // REF, *flags)


# ------------------------------------------------------------------ operations


def do(m: PageAllocator, op: Move) -> Result:
    """Do what Linux does; return the value."""
    match op:
        case AllocPages(cpu, at, order, mt, flags, compound):
            return block(m.alloc_pages(cpu, at, order, mt, int(flags), compound))
        case AllocExact(cpu, at, pages, mt):
            return block(m.alloc_exact(cpu, at, pages, mt))
        case FreePages(cpu, (pfn, order)):
            return m.free_pages(cpu, pfn, order)
        case FreePrepare(pfn):
            return m.free_prepare(pfn)
        case FreeCommit(cpu, pfn):
            return m.free_commit(cpu, pfn)
        case FreeReserved(cpu, pfn):
            return m.free_reserved(cpu, pfn)
        case FreeCore((start, end)):
            return m.free_core(start, end)
    return manage(m, op)


def manage(m: PageAllocator, op: Move) -> Result:
    """Do an operation that neither allocates nor frees; return the value."""
    match op:
        case GetPage(pfn):
            return m.get_page(pfn)
        case SplitPage(pfn):
            return m.split_page(pfn)
        case SetPrivate(pfn):
            return m.set_private(pfn)
        case Drain(cpu, at, whole):
            m.drain(cpu, at, whole)
        case SetupPagesets():
            m.setup_pagesets()
        case Isolate(pfn):
            return m.isolate(pfn)
        case Unisolate(pfn, mt):
            m.unisolate(pfn, mt)
        case Unreserve(at, mt, force):
            return m.unreserve(at, mt, force)
        case TakePageOff(pfn):
            return m.take_page_off(pfn)
        case _:
            raise TypeError(op)
    return None


def block(pfn: int) -> int | None:
    """Return a block as an answer."""
    return pfn if pfn >= 0 else None


def outcome(m: PageAllocator, value: Result) -> Outcome:
    """Return a value with the events since the last operation."""
    events = tuple(EVENTS[name](*rest) for name, *rest in m.events)
    m.events.clear()
    return Outcome(value, events)


def apply(m: PageAllocator, op: Move) -> Outcome:
    """Do what Linux does."""
    return outcome(m, do(m, op))


def canonical(cfg: Config, s: Memory) -> Memory:
    """Order each list by frame where the order of lists means nothing."""
    if cfg.symmetric and not cfg.is_linux:
        return halves.least(cfg, s)
    return s if cfg.is_linux else others.in_order(s)


def permitted(cfg: Config, s: Memory, op: Move) -> list[Outcome]:
    """Return every answer to a request that an allocator other than Linux may give."""
    match op:
        case AllocPages(at=at, order=order):
            pass
        case AllocExact(at=at, pages=pages):
            order = (pages - 1).bit_length()
        case _:
            return []
    if cfg.is_linux or order > cfg.max_order:
        return []
    order = others.used_order(cfg, order)
    return [Outcome(pfn) for pfn in others.permitted(cfg, s, at, order)]


# ------------------------------------------------------------------ answers


def accept(m: PageAllocator, op: Move, result: Result) -> None:
    """Take somebody else's answer, or raise `Disallowed` and change nothing."""
    if not isinstance(result, Outcome):
        raise Disallowed("RET-CODE", f"{result} is no outcome")
    match op:
        case AllocPages(cpu, at, order, mt, flags, compound):
            asked = Asked(cpu, at, order, mt, int(flags), compound)
            refuse(why_not_block(m, asked, result.value))
            take(m, asked, result.value)
        case AllocExact(cpu, at, pages, mt):
            asked = Asked(cpu, at, (pages - 1).bit_length(), mt)
            refuse(why_not_block(m, asked, result.value))
            take(m, asked, result.value, pages)
        case _:
            judge_value(result, Outcome(due(m, op)))
            do(m, op)
    m.events.clear()


def due(m: PageAllocator, op: Move) -> Result:
    """Return the value that an operation must have, without doing it."""
    match op:
        case FreePages(_, (pfn, order)):
            return m.frames.mistake(pfn, order)
        case FreePrepare(pfn):
            return m.why_not_prepare(pfn)
        case FreeCommit(_, pfn):
            return m.why_not_commit(pfn)
        case FreeReserved(_, pfn):
            return m.why_not_release(pfn, pfn + 1)
        case FreeCore((start, end)):
            return m.why_not_release(start, end)
        case GetPage(pfn):
            return m.why_not_get(pfn)
        case SplitPage(pfn):
            return m.why_not_split(pfn)
        case SetPrivate(pfn):
            return m.frames.mistake(pfn, -1)
        case Isolate(pfn):
            return m.why_not_isolate(pfn)
        case Unreserve(at, _, force):
            return m.why_not_unreserve(at, force)
        case TakePageOff(pfn):
            return m.why_not_take_off(pfn)
    return None  # Drain, SetupPagesets, Unisolate


BUDDY = Subsystem(
    name="buddy",
    about="the page allocator's core: zones, page blocks, pagesets (mm/page_alloc.c)",
    configs=CONFIGS,
    initial=initial,
    ops=OPS,
    invariants=INVARIANTS,
    laws=LAWS,
    contracts=CONTRACTS,
    witnesses=WITNESSES,
    build=build,
    load=load,
    abstract=abstract,
    apply=apply,
    accept=accept,
    view=others.view,
    declared=used,
    canonical=canonical,
    permitted=permitted,
    faithful=lambda cfg: cfg.is_linux,
    halves=Halves(
        half=halves.half,
        join=halves.join,
        split=halves.split,
        swaps=halves.swaps,
        due=halves.is_large,
    ),
)
