"""Nodes and zones: the specification and the machine, side by side."""

from __future__ import annotations

from mmoracle.impl import zones as machine
from mmoracle.impl.zones import fill, marks
from mmoracle.impl.zones.boot import MemRange
from mmoracle.impl.zones.nodes import Pgdat
from mmoracle.impl.zones.nodes import Zone as MachineZone
from mmoracle.spec.core import Op, Result
from mmoracle.spec.linux import Errno
from mmoracle.spec.zones.always import CONTRACTS, INVARIANTS, LAWS
from mmoracle.spec.zones.boot import (
    BuildZonelists,
    Built,
    FinishInit,
    FreeReserved,
    GrowZone,
    MemblockFreeAll,
    SetupPagesets,
)
from mmoracle.spec.zones.fill import Block
from mmoracle.spec.zones.hotplug import OnlinePages
from mmoracle.spec.zones.layout import Range
from mmoracle.spec.zones.movable import Movable
from mmoracle.spec.zones.nodes import FillMemblks, FreeAreaInit
from mmoracle.spec.zones.ops import OPS, initial
from mmoracle.spec.zones.sometimes import WITNESSES
from mmoracle.spec.zones.state import (
    DIVIDES_BY_32,
    MOVABLE_BEYOND,
    Config,
    Node,
    Phase,
    System,
    Tunables,
    Zone,
    same,
)
from mmoracle.spec.zones.tune import (
    Boost,
    InitWmarks,
    StartHugepages,
    Unboost,
    WriteBoostFactor,
    WriteFraction,
    WriteMinFreeKbytes,
    WriteReserveRatio,
    WriteScaleFactor,
)

from ..subsystem import Subsystem
from . import refuse
from .zones_configs import CONFIGS

Move = Op[Config, System]

# ------------------------------------------------------------------ states


def unbooted(cfg: Config) -> machine.System:
    """Return a machine before boot."""
    return machine.System(
        cfg.layout.names,
        cfg.online,
        numa=cfg.numa,
        max_numnodes=cfg.max_numnodes,
        descending=cfg.descending,
        sparsemem=cfg.sparsemem,
        page_struct=cfg.page_struct,
        page_shift=cfg.page_shift,
        mmu=cfg.mmu,
        max_order_pages=cfg.max_order_pages,
        pageblock=cfg.block,
        migrate_types=cfg.migrate_types,
        dma_reserve=cfg.dma_reserve,
        mirror_from=cfg.mirror_from,
        deferred=cfg.deferred,
        section=cfg.section,
        most_scale=cfg.most_scale,
        movable_beyond=MOVABLE_BEYOND in cfg.quirks,
        divides_by_32=DIVIDES_BY_32 in cfg.quirks,
        ratios=cfg.layout.ratios,
        blocks=[[b.start, b.end, b.nid] for b in cfg.blocks],
    )


def build(cfg: Config) -> machine.System:
    """Return a machine as the configuration has it at first."""
    return load(cfg, initial(cfg))


def load(cfg: Config, s: System) -> machine.System:
    """Return a machine that holds this state."""
    m = unbooted(cfg)
    m.phase, m.hugepages = int(s.phase), s.hugepages
    m.blocks = [[b.start, b.end, b.nid] for b in s.blocks]
    m.memory = rows(s.memory)
    m.limits, m.ask = list(s.limits), plain(s.ask)
    m.distance, m.cpus = s.distance, s.cpus
    m.pgdat = {node.nid: pgdat(node) for node in s.nodes}
    m.grouping_off, m.totalreserve = s.grouping_off, s.totalreserve
    t = s.tunables
    m.min_free_kbytes, m.user_kbytes = t.min_free_kbytes, t.user_kbytes
    m.scale, m.fraction, m.factor = t.scale, t.fraction, t.factor
    m.ratios = list(t.ratios)
    return m


def rows(ranges: tuple[Range, ...]) -> tuple[MemRange, ...]:
    """Return ranges of memory as the machine takes them."""
    return tuple((r.nid, r.start, r.end, r.hotplug, r.mirror) for r in ranges)


def plain(ask: Movable) -> tuple[int, int, int, int, bool, bool]:
    """Return the command line's wishes as the machine takes them."""
    return (
        ask.kernelcore,
        ask.movablecore,
        ask.kernelcore_percent,
        ask.movablecore_percent,
        ask.mirror,
        ask.movable_node,
    )


def pgdat(node: Node) -> Pgdat:
    """Return a node for the machine."""
    made = Pgdat(node.nid, node.start, node.end, node.movable_pfn)
    made.zones = [zone(each) for each in node.zones]
    made.deferred, made.totalreserve = node.deferred, node.totalreserve
    made.fallback, made.thisnode = list(node.fallback), list(node.thisnode)
    return made


def zone(told: Zone) -> MachineZone:
    """Return a zone for the machine."""
    made = MachineZone(told.start, told.spanned, told.present, 0)
    made.managed, made.boost = told.managed, told.boost
    made.wmark, made.reserve = list(told.marks), list(told.reserve)
    made.high, made.batch = told.limits
    return made


def read(z: MachineZone) -> Zone:
    """Return a zone of the machine as a value."""
    low, mid, high = z.wmark
    return Zone(
        z.start,
        z.spanned,
        z.present,
        z.managed,
        (low, mid, high),
        z.boost,
        tuple(z.reserve),
        (z.high, z.batch),
    )


def abstract(m: machine.System) -> System:
    """Return the machine's state as a value."""
    return System(
        Phase(m.phase),
        Tunables(
            m.min_free_kbytes,
            m.user_kbytes,
            m.scale,
            tuple(m.ratios),
            m.fraction,
            m.factor,
        ),
        tuple(Block(*each) for each in m.blocks),
        tuple(Range(*each) for each in m.memory),
        tuple(m.limits),
        Movable(*m.ask),
        m.distance,
        m.cpus,
        tuple(
            Node(
                p.nid,
                p.start,
                p.end,
                p.movable_pfn,
                tuple(map(read, p.zones)),
                p.deferred,
                tuple(p.fallback),
                tuple(p.thisnode),
                p.totalreserve,
            )
            for p in m.pgdat.values()
        ),
        m.grouping_off,
        m.totalreserve,
        m.hugepages,
    )


# ------------------------------------------------------------------ operations


def apply(m: machine.System, op: Move) -> Result:
    """Do what Linux does."""
    match op:
        case FillMemblks((start, end)):
            return m.fill_memblks(start, end)
        case FreeAreaInit(ranges, ends, ask):
            return tuple(m.free_area_init(rows(ranges), ends, plain(ask)))
        case BuildZonelists(cpus, distance):
            return Built(*m.build_all_zonelists(cpus, distance))
        case MemblockFreeAll(released):
            return m.memblock_free_all(released)
        case FreeReserved(nid, index, pages):
            return m.free_reserved(nid, index, pages)
        case SetupPagesets():
            return m.setup_per_cpu_pageset()
        case GrowZone(nid, kept):
            return m.deferred_grow_zone(nid, kept)
        case FinishInit(kept):
            return m.page_alloc_init_late(kept)
        case InitWmarks():
            return m.init_per_zone_wmark_min()
        case StartHugepages():
            return m.start_khugepaged()
        case Boost(nid, index):
            return m.boost(nid, index)
        case Unboost(nid, index, pages):
            return m.unboost(nid, index, pages)
    return code(write(m, op))


def write(m: machine.System, op: Move) -> bool:
    """Write a file of /proc/sys/vm, or bring memory; say whether it was taken."""
    match op:
        case OnlinePages(part):
            return m.online_pages(part.nid, part.zone, part.start, part.pages)
        case WriteMinFreeKbytes(kbytes):
            return m.min_free_kbytes_sysctl(kbytes)
        case WriteScaleFactor(scale):
            return m.watermark_scale_factor_sysctl(scale)
        case WriteReserveRatio(ratios):
            m.lowmem_reserve_ratio_sysctl(ratios)
            return True
        case WriteFraction(fraction):
            return m.percpu_pagelist_fraction_sysctl(fraction)
        case WriteBoostFactor(factor):
            return m.watermark_boost_factor_sysctl(factor)
    raise TypeError(op)


def code(taken: bool) -> Errno | None:
    """Return what a write gives."""
    return None if taken else Errno.EINVAL


WHOLE = (FreeAreaInit, BuildZonelists, InitWmarks, StartHugepages)
COUNTS = (*WHOLE, MemblockFreeAll, FreeReserved)
TRUTHS = (FillMemblks, GrowZone, Boost)


def due(m: machine.System, op: Move) -> Result:
    """Return what an operation must answer that does not touch all zones."""
    match op:
        case FillMemblks((start, end)):
            return fill.meets_any(m.blocks, start, end)
        case MemblockFreeAll(released):
            return sum(map(sum, released))
        case FreeReserved(nid, index, pages):
            held = m.held_back(nid, index)
            return min(pages or held, held)
        case GrowZone(nid):
            return m.pgdat[nid].deferred > 0
        case Boost(nid, index):
            zone = m.pgdat[nid].zones[index]
            return marks.may_boost(zone, m.factor, m.pageblock)
        case OnlinePages(part):
            return code(m.takes_pages(part.start, part.pages))
        case WriteMinFreeKbytes(kbytes):
            return code(m.takes_kbytes(kbytes))
        case WriteScaleFactor(scale):
            return code(m.takes_scale(scale))
        case WriteFraction(fraction):
            return code(m.takes_fraction(fraction))
        case WriteBoostFactor(factor):
            return code(m.takes_factor(factor))
    return None  # SetupPagesets, FinishInit, Unboost, WriteReserveRatio


def accept(m: machine.System, op: Move, result: Result) -> None:
    """Take somebody else's answer, or raise `Disallowed` and change nothing."""
    if isinstance(op, WHOLE):
        before = m.saved()
        answer = apply(m, op)
        if not same(result, answer):
            m.restore(before)
    else:
        answer = due(m, op)
        if same(result, answer):
            apply(m, op)
    rule = "RET-BOOL" if isinstance(op, TRUTHS) else "RET-CODE"
    rule = "RET-PAGES" if isinstance(op, COUNTS) else rule
    why = f"the answer is {answer}, not {result}"
    refuse(None if same(result, answer) else (rule, why))


ZONES = Subsystem(
    name="zones",
    about="nodes, zones, zonelists, watermarks, reserves (mm/page_alloc.c)",
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
)
