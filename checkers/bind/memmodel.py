"""Memory models: the specification and the machine, side by side."""

from __future__ import annotations

from typing import Any

from mmoracle.impl.memmodel import (
    Constants,
    MemoryModel,
    MemSection,
    Node,
    PageFlags,
    boot,
    fork,
    hotplug,
    take,
)
from mmoracle.spec.core import Op, Result
from mmoracle.spec.linux import Addr
from mmoracle.spec.memmodel import ops, state
from mmoracle.spec.memmodel.always import INVARIANTS
from mmoracle.spec.memmodel.boot import AllocNodeMemMap, FreeAreaInit, MemoryPresent
from mmoracle.spec.memmodel.buffer import BufferAlloc, BufferFini, BufferInit
from mmoracle.spec.memmodel.hotplug import AddPages, RemovePages
from mmoracle.spec.memmodel.lookup import PageLinks, PageToPfn, PfnToPage, PfnValid
from mmoracle.spec.memmodel.online import OfflineSection, OnlineSection
from mmoracle.spec.memmodel.sometimes import WITNESSES
from mmoracle.spec.memmodel.sparse import SparseInitNid
from mmoracle.spec.memmodel.state import STOPPED, Config, MemMap, Outcome, Phase
from mmoracle.spec.memmodel.steps import CONTRACTS, LAWS
from mmoracle.spec.memmodel.unused import FreeUnusedMemmap

from ..subsystem import Subsystem
from . import refuse
from .memmodel_configs import CONFIGS

Move = Op[Config, MemMap]
PHASES = tuple(Phase)
EVENTS: dict[object, Any] = {
    "asked": state.Asked,
    "took": state.Took,
    "freed": state.Freed,
    "warned": state.Warned,
}


def constants(cfg: Config) -> Constants:
    """Return what the machine was built for."""
    sections = cfg.sections_shift if cfg.model == state.SPARSE else 0
    room = cfg.width - cfg.nr_pageflags
    return Constants(
        model=cfg.model,
        extreme=cfg.extreme,
        width=cfg.width,
        section_shift=cfg.shift,
        sub_shift=cfg.sub_shift,
        sections_shift=cfg.sections_shift,
        page_size=cfg.page_size,
        sizeof_page=cfg.sizeof_page,
        sizeof_section=cfg.sizeof_section,
        per_root=cfg.per_root,
        cache_bytes=cfg.cache_bytes,
        map_bytes=cfg.map_bytes,
        usage_bytes=cfg.usage_bytes,
        piece=cfg.piece,
        order_pages=cfg.order_pages,
        block_pages=cfg.block_pages,
        limit=cfg.limit,
        zone_ends=cfg.zone_ends,
        pfn_offset=cfg.pfn_offset,
        vmemmap=cfg.vmemmap,
        valid=cfg.valid,
        flags=PageFlags(cfg.width, room, sections, cfg.nodes_shift, cfg.nr_zones),
        keeps_buffer=state.KEEPS_BUFFER in cfg.quirks,
        rounds_to_max_order=state.ROUNDS_TO_MAX_ORDER in cfg.quirks,
        frees_no_map=state.FREES_NO_MAP in cfg.quirks,
        mapnr_absolute=state.MAPNR_ABSOLUTE in cfg.quirks,
    )


def build(cfg: Config) -> MemoryModel:
    """Return a machine that was just switched on."""
    return MemoryModel(constants(cfg))


# ------------------------------------------------------------------ states


def load(cfg: Config, s: MemMap) -> MemoryModel:
    """Return a machine that holds this state."""
    m = MemoryModel(
        constants(cfg),
        phase=s.phase.value,
        banks=[[b.start, b.end, b.nid, int(b.fresh)] for b in s.banks],
        root_array=s.root_array,
        roots=set(s.roots),
        sections={each.nr: loaded(each) for each in s.sections},
        highest=s.highest,
        section_to_node_table=dict(s.nids),
        at=s.at,
        buffer=(s.buffer.start, s.buffer.end) if s.buffer is not None else None,
        nodes=[Node(n.nid, n.start, n.end, n.node_mem_map) for n in s.nodes],
        mem_map=s.mem_map,
        max_mapnr=s.max_mapnr,
        trimmed=s.trimmed,
    )
    for run in s.memmap:
        m.memmap.fill(run.start, run.end, run.links)
    return m


def loaded(section: state.Section) -> MemSection:
    """Return a section of the machine."""
    ms = MemSection()
    ms.word, ms.usage = section.word, section.usage
    ms.bootmem, ms.subsection_map = section.bootmem, section.subsections
    return ms


def abstract(m: MemoryModel) -> MemMap:
    """Return the machine's state as a value."""
    if PHASES[m.phase] is Phase.STOPPED:
        return STOPPED
    return MemMap(
        phase=PHASES[m.phase],
        banks=tuple(state.Bank(b[2], b[0], b[1], bool(b[3])) for b in m.banks),
        root_array=m.root_array,
        roots=tuple(sorted(m.roots)),
        sections=tuple(
            state.Section(
                nr,
                Addr(x.word),
                Addr(x.usage),
                x.bootmem,
                state.longs(x.subsection_map),
            )
            for nr, x in sorted(m.sections.items())
        ),
        highest=m.highest,
        nids=tuple(sorted(m.section_to_node_table.items())),
        at=m.at,
        buffer=state.Span(*map(Addr, m.buffer)) if m.buffer is not None else None,
        nodes=tuple(
            state.Node(n.nid, n.start_pfn, n.end_pfn, Addr(n.node_mem_map))
            for n in m.nodes
        ),
        mem_map=Addr(m.mem_map),
        max_mapnr=m.max_mapnr,
        memmap=tuple(
            state.Run(Addr(start), Addr(end), links)
            for start, end, links in m.memmap.runs()
        ),
        trimmed=m.trimmed,
    )


# ------------------------------------------------------------------ operations


def edit(m: MemoryModel, op: Move) -> Result:
    """Do an operation of boot; return its value."""
    match op:
        case MemoryPresent(bank, granted):
            return boot.memory_present(m, bank.nid, bank.start, bank.end, granted)
        case SparseInitNid(usage, buffer, spare, failing):
            return boot.sparse_init_nid(m, usage, buffer, spare, failing)
        case AllocNodeMemMap(nid, at):
            return boot.alloc_node_mem_map(m, nid, at)
        case FreeAreaInit():
            return boot.free_area_init(m)
        case FreeUnusedMemmap():
            boot.free_unused_memmap(m)
        case BufferFini():
            boot.sparse_buffer_fini(m)
        case BufferInit(at, size):
            boot.hold_buffer(m, at, size)
        case BufferAlloc(size):
            return boot.sparse_buffer_alloc(m, size) or None
        case _:
            return plug(m, op)
    return None


def plug(m: MemoryModel, op: Move) -> Result:
    """Do an operation of a running machine; return its value."""
    match op:
        case AddPages(nid, (pfn, pages), usage, at, granted):
            slab = hotplug.Slab(m, granted, usage, at)
            return hotplug.add_pages(m, nid, pfn, pages, slab)
        case RemovePages((pfn, pages)):
            hotplug.remove_pages(m, pfn, pages)
        case OnlineSection(nr):
            hotplug.online_section(m, nr)
        case OfflineSection(nr):
            hotplug.offline_section(m, nr)
        case _:
            raise TypeError(op)
    return None


def ask(m: MemoryModel, op: Move) -> Result:
    """Return the answer to a question."""
    match op:
        case PfnValid(pfn):
            return m.pfn_valid(pfn)
        case PfnToPage(pfn):
            return m.pfn_to_page(pfn)
        case PageToPfn(pfn):
            return m.page_to_pfn(m.pfn_to_page(pfn))
        case PageLinks(pfn):
            return m.page_links(pfn)
    raise TypeError(op)


def apply(m: MemoryModel, op: Move) -> Result:
    """Do what Linux does."""
    if isinstance(op, ops.QUESTIONS):
        return ask(m, op)
    value = edit(m, op)
    events = tuple(EVENTS[name](*rest) for name, *rest in m.events)
    m.events.clear()
    return Outcome(value, events)


def accept(m: MemoryModel, op: Move, result: Result) -> None:
    """Take somebody else's answer, or raise `Disallowed` and change nothing.

    Every answer is due: where allocations lie is an argument.
    """
    if isinstance(op, ops.QUESTIONS):
        due = ask(m, op)
        same = result == due and type(result) is type(due)
        refuse(None if same else ("MM-LOOKUP", f"the answer is {due}, got {result}"))
        return
    twin = fork(m)
    due = apply(twin, op)
    if not isinstance(result, Outcome) or result.value != due.value:
        refuse(("RET-CODE", f"{due} is due, got {result}"))
    elif result.events != due.events:
        buffered = isinstance(op, SparseInitNid | BufferAlloc | BufferFini)
        rule = "BOOT-HANDOFF" if buffered else "RET-CODE"
        refuse((rule, f"{due.events} are due, got {result.events}"))
    take(m, twin)


MEMMODEL = Subsystem(
    name="memmodel",
    about="memory models: FLATMEM, DISCONTIGMEM, SPARSEMEM, VMEMMAP (mm/sparse.c)",
    configs=CONFIGS,
    initial=lambda cfg: ops.EMPTY,
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
    implied={
        "MM-CONTIG": "Each section or node has one array, by MM-LOOKUP.",
        "MM-AGREE": "It follows from MM-INIT and MM-BIJECTION of each model.",
    },
)
