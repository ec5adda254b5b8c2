"""Boot with sections: each run of sections of one node gets its maps.

Source: mm/sparse.c:sparse_init_nid, mm/sparse-vmemmap.c (v5.10).
"""

from __future__ import annotations

from dataclasses import replace

from ..core import Domains, Ints, OneOf, nothing, require, value
from ..linux import Addr
from . import words
from .boot import NO_MEMORY
from .buffer import BUFFER, sparse_buffer_alloc, sparse_buffer_fini
from .change import places, with_run, with_section
from .lookup import pfn_to_page
from .state import (
    KEEPS_BUFFER,
    STOPPED,
    VMEMMAP,
    Asked,
    Config,
    Event,
    MemMap,
    Outcome,
    Phase,
    Section,
    Span,
    Warned,
)
from .words import EARLY, PRESENT, is_set


def next_run(cfg: Config, s: MemMap) -> tuple[int, tuple[Section, ...]]:
    """Return the node of the next run of sections to be initialised, and the run.

    A run ends before the first present section of another node.
    """
    todo = [x for x in s.sections if x.nr >= s.at and is_set(x.word, PRESENT)]
    if not todo:
        return 0, ()
    nid = words.early_nid(todo[0].word)
    run = list[Section]()
    for section in todo:
        if words.early_nid(section.word) != nid:
            break
        run.append(section)
    return nid, tuple(run)


@value
class SparseInitNid:
    """sparse_init_nid() for the next run of sections of one node.

    Memblock's answers: `usage` and `buffer` are addresses, 0 for none; where the buffer
    is not had or used up, the maps lie one behind the other from `spare`, 0 for none.
    With VMEMMAP the allocation of page `failing` of the run's map fails, -1 for none.
    """

    usage: Addr
    buffer: Addr
    spare: Addr
    failing: int = -1

    @classmethod
    def domain(cls, cfg: Config, s: MemMap) -> Domains:
        _, run = next_run(cfg, s)
        held = s.buffer is not None and KEEPS_BUFFER not in cfg.quirks
        if s.phase not in (Phase.MEMORY, Phase.MAPS) or not run or held:
            return nothing()
        size, none = len(run) * cfg.map_bytes, (Addr(0),) if cfg.failing else ()
        usage = places(cfg, s, len(run) * cfg.usage_bytes, cfg.cache_bytes)[:1]
        room = words.align_up(
            cfg.cache_bytes + len(run) * cfg.usage_bytes, cfg.map_bytes
        )
        found = places(cfg, s, size + room, cfg.map_bytes)
        buffer = tuple(Addr(at + room) for at in found)
        if cfg.model == VMEMMAP:
            spare, pieces = (Addr(0),), size // cfg.piece if cfg.failing else 0
        else:
            spare, pieces = (*buffer[:1], *none), 0
        return {
            "usage": OneOf((*usage, *none)),
            "buffer": OneOf((*buffer, Addr(0))),
            "spare": OneOf(spare),
            "failing": Ints(-1, pieces),
        }

    def run(self, cfg: Config, s: MemMap) -> tuple[MemMap, Outcome]:
        """Return the next state and what happened."""
        nid, run = next_run(cfg, s)
        usage = Addr(len(run) * cfg.usage_bytes)
        events: list[Event] = [Asked("usage", usage, cfg.cache_bytes, nid)]
        if not self.usage:
            return finished(cfg, dropped(s, run)), Outcome(None, tuple(events))
        if s.buffer is not None:
            events.append(Warned("forgot to call sparse_buffer_fini()?"))
        size = Addr(len(run) * cfg.map_bytes)
        events.append(Asked(BUFFER, size, cfg.map_bytes, nid))
        span = Span(self.buffer, Addr(self.buffer + size)) if self.buffer else None
        maps = Maps(cfg, nid, self.spare, self.failing)
        s = replace(s, buffer=span)
        for i, section in enumerate(run):
            s, page = maps.populate(s, section.nr, events)
            if not page and cfg.model != VMEMMAP:
                return STOPPED, Outcome(NO_MEMORY, tuple(events))
            if not page:
                if KEEPS_BUFFER not in cfg.quirks:
                    events += sparse_buffer_fini(s.buffer)
                    s = replace(s, buffer=None)
                return finished(cfg, dropped(s, run[i:])), Outcome(None, tuple(events))
            record = Addr(self.usage + i * cfg.usage_bytes)
            s = with_section(s, with_map(cfg, section, page, record))
        events += sparse_buffer_fini(s.buffer)
        s = replace(s, buffer=None, at=run[-1].nr + 1)
        return finished(cfg, s), Outcome(None, tuple(events))

    def choose(self, cfg: Config, s: MemMap) -> Outcome:
        return self.run(cfg, s)[1]

    def after(self, cfg: Config, s: MemMap, result: Outcome) -> MemMap:
        following, due = self.run(cfg, s)
        require(result.value == due.value, "RET-CODE", f"{due.value} is due")
        why = f"{due.events} are due, got {result.events}"
        require(result.events == due.events, "BOOT-HANDOFF", why)
        return following


def with_map(cfg: Config, section: Section, page: int, usage: Addr) -> Section:
    """Return a section of boot with its map and its usage record."""
    coded = words.encode_mem_map(
        page, section.nr, cfg.shift, cfg.sizeof_page, cfg.width
    )
    word = Addr(words.initialised(section.word, coded, EARLY))
    return replace(section, word=word, usage=usage, bootmem=True)


def dropped(s: MemMap, run: tuple[Section, ...]) -> MemMap:
    """Return the state without the sections from the first one that got no map on."""
    for section in run:
        s = with_section(s, replace(section, word=Addr(0)))
    return replace(s, at=run[-1].nr + 1)


def finished(cfg: Config, s: MemMap) -> MemMap:
    """Return the state in its phase: whether there is another run."""
    return replace(s, phase=Phase.MAPS if next_run(cfg, s)[1] else Phase.MAPPED)


class Maps:
    """The maps of one run, as they are asked for one section after the other."""

    def __init__(self, cfg: Config, nid: int, spare: int, failing: int) -> None:
        self.cfg, self.nid, self.spare, self.failing = cfg, nid, spare, failing
        self.pages = 0

    def populate(self, s: MemMap, nr: int, events: list[Event]) -> tuple[MemMap, int]:
        """Return the state and the first descriptor: __populate_section_memmap()."""
        if self.cfg.model == VMEMMAP:
            return self.map_pages(s, nr, events)
        size = self.cfg.map_bytes
        at, more, rest = sparse_buffer_alloc(s.buffer, size)
        events += more
        if not at:
            events.append(Asked("map", Addr(size), size, self.nid))
            at, self.spare = self.spare, self.spare + size
        s = replace(s, buffer=rest)
        return (with_run(s, at, at + size), at) if at else (s, 0)

    def map_pages(self, s: MemMap, nr: int, events: list[Event]) -> tuple[MemMap, int]:
        """Return the state and the descriptor of a section, mapped page by page."""
        cfg, size = self.cfg, self.cfg.piece
        first = pfn_to_page(cfg, s, words.section_nr_to_pfn(nr, cfg.shift))
        for at in range(first, first + cfg.section_pages * cfg.sizeof_page, size):
            if self.pages == self.failing:
                events.append(Asked("piece", Addr(size), size, self.nid))
                return s, 0
            got, more, rest = sparse_buffer_alloc(s.buffer, size)
            events += more
            if not got:
                events.append(Asked("piece", Addr(size), size, self.nid))
            s = with_run(replace(s, buffer=rest), at, at + size)
            self.pages += 1
        return s, first
