"""Memory that comes and goes while the kernel runs: sections and parts of them.

Without VMEMMAP whole sections come and go, with it parts of 2 MiB.  The map of a
section of boot is whole, so that parts added to one reuse it.

Source: mm/sparse.c:section_activate, section_deactivate, mm/memory_hotplug.c (v5.10).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..core import Domains, OneOf, nothing, require, value
from ..linux import Addr, Errno
from . import words
from .boot import with_nid, with_root
from .change import (
    places,
    section_at,
    with_memory,
    with_run,
    with_section,
    without_run,
)
from .lookup import links_at, pfn_to_page, word_of
from .state import (
    FREES_NO_MAP,
    SPARSE,
    VMEMMAP,
    Asked,
    Bank,
    Config,
    Event,
    Freed,
    MemMap,
    Outcome,
    Phase,
    Section,
    Warned,
    longs,
)
from .words import EARLY, HAS_MEM_MAP, ONLINE, PRESENT, align_down, align_up, is_set

Part = tuple[int, int]  # first frame, frames
DEACTIVATED = Warned("section already deactivated")


def is_running(cfg: Config, s: MemMap) -> bool:
    """Say whether memory may come and go."""
    return cfg.is_sparse and s.phase is Phase.UP


def parts_of(cfg: Config, pfn: int, pages: int) -> Iterator[Part]:
    """Yield the parts of a range section by section."""
    end = pfn + pages
    while pfn < end:
        pages = min(end - pfn, align_up(pfn + 1, cfg.section_pages) - pfn)
        yield pfn, pages
        pfn += pages


def check_pfn_span(cfg: Config, pfn: int, pages: int) -> Errno | None:
    """Return what is wrong with a range by its alignment, if anything is."""
    return Errno.EINVAL if pfn % cfg.unit or pages % cfg.unit else None


def is_beyond(cfg: Config, pfn: int, pages: int) -> bool:
    """Say whether a range reaches behind the last frame that can have a section."""
    return pfn + pages > cfg.limit


# ------------------------------------------------------------------ one section


def mask_of(cfg: Config, pfn: int, pages: int) -> int:
    """Return the bits of the parts that a range within a section touches."""
    return words.subsection_mask(pfn, pages, cfg.shift, cfg.sub_shift)


def section_deactivate(
    cfg: Config, s: MemMap, pfn: int, pages: int
) -> tuple[MemMap, list[Event]]:
    """Take a part from its section; the last one takes map, word and record along.

    A usage record of boot stays, for other records share its page.
    """
    nr = words.pfn_to_section_nr(pfn, cfg.shift)
    section = section_at(s, nr) or Section(nr)
    left, events = 0, list[Event]()
    if cfg.model == VMEMMAP:
        bits = mask_of(cfg, pfn, pages)
        if not section.usage or section.subsections & bits != bits:
            return s, [DEACTIVATED]
        left = section.subsections ^ bits
    whole = not is_set(section.word, EARLY)
    if not left and not section.bootmem:
        events.append(Freed("usage", section.usage, Addr(cfg.usage_bytes)))
    if whole:
        at, size = pfn_to_page(cfg, s, pfn), pages * cfg.sizeof_page
    else:
        at = pfn_to_page(cfg, s, words.section_nr_to_pfn(nr, cfg.shift))
        size = 0 if left else cfg.section_pages * cfg.sizeof_page
    if size and has_map(cfg, s, section, at):
        events.append(Freed("map", at, Addr(size)))
        s = without_run(s, at, at + size)
    if left:
        return with_section(s, replace(section, subsection_map=longs(left))), events
    kept = section.usage if section.bootmem else Addr(0)
    return with_section(s, Section(nr, Addr(0), kept, section.bootmem)), events


def has_map(cfg: Config, s: MemMap, section: Section, at: int) -> bool:
    """Say whether there is a map to be freed: not where adding has just failed."""
    if cfg.model == VMEMMAP:
        return links_at(s, at) is not None
    return is_set(section.word, HAS_MEM_MAP) or FREES_NO_MAP in cfg.quirks


class Grants:
    """The answers to allocations, in order: so many are granted, the others not."""

    def __init__(self, count: int, events: list[Event]) -> None:
        self.count, self.events = count, events

    def ask(self, what: str, size: int, align: int, nid: int) -> bool:
        """Ask for an allocation; say whether it was granted."""
        self.events.append(Asked(what, Addr(size), align, nid))
        self.count -= 1
        return self.count != -1


def section_activate(
    cfg: Config, s: MemMap, nid: int, part: Part, given: Part, grants: Grants
) -> tuple[MemMap, Errno | None]:
    """Add a part to its section, with a usage record and a map where it has none.

    `given` are the addresses that the record and the map get.
    """
    pfn, pages = part
    nr = words.pfn_to_section_nr(pfn, cfg.shift)
    section = section_at(s, nr) or Section(nr)
    if not section.usage:
        if not grants.ask("usage", cfg.usage_bytes, 1, -1):
            return s, Errno.ENOMEM
        section = replace(section, usage=Addr(given[0]), bootmem=False)
    if cfg.model == VMEMMAP:
        bits = mask_of(cfg, pfn, pages)
        if section.subsections & bits:
            return s, Errno.EEXIST
        bits |= section.subsections
        section = replace(section, subsection_map=longs(bits))
    s = with_section(s, section)
    if pages < cfg.section_pages and is_set(section.word, EARLY):
        return s, None
    size = pages * cfg.sizeof_page
    if not grants.ask("map", size, 1, nid):
        s, events = section_deactivate(cfg, s, pfn, pages)
        grants.events += events
        return s, Errno.ENOMEM
    at = pfn_to_page(cfg, s, pfn) if cfg.model == VMEMMAP else given[1]
    return with_run(s, at, at + size), None


def with_map_again(cfg: Config, s: MemMap, pfn: int, at: int) -> MemMap:
    """Return the state with a section's word written: sparse_init_one_section()."""
    nr = words.pfn_to_section_nr(pfn, cfg.shift)
    section = section_at(s, nr) or Section(nr)
    if cfg.model == VMEMMAP:
        at = pfn_to_page(cfg, s, words.section_nr_to_pfn(nr, cfg.shift))
    coded = words.encode_mem_map(at, nr, cfg.shift, cfg.sizeof_page, cfg.width)
    word = Addr(words.initialised(section.word | PRESENT, coded, 0))
    s = with_section(s, replace(section, word=word))
    return replace(s, highest=max(s.highest, nr))


# ------------------------------------------------------------------ operations


@value
class AddPages:
    """__add_pages(): a range of memory of a node, section by section.

    The first `granted` allocations succeed, all if it is -1; records and maps get the
    addresses from `usage` and `at` on.  What was added before a failure stays.
    """

    nid: int
    part: Part
    usage: Addr
    at: Addr
    granted: int = -1

    @classmethod
    def domain(cls, cfg: Config, s: MemMap) -> Domains:
        if not is_running(cfg, s) or not cfg.hot:
            return nothing()
        parts = [x for x in cfg.hot if cfg.model == VMEMMAP or not is_valid(cfg, s, x)]
        room = align_up(4 * cfg.usage_bytes + cfg.cache_bytes, cfg.map_bytes)
        (low, *_) = places(cfg, s, room + 2 * cfg.map_bytes, cfg.map_bytes) or (0,)
        return {
            "nid": OneOf(cfg.nids),
            "part": OneOf(tuple(parts) if low else ()),
            "usage": OneOf((Addr(low),)),
            "at": OneOf((Addr(low + room if cfg.model == SPARSE else 0),)),
            "granted": OneOf((-1, 0, 1, 2, 3) if cfg.failing else (-1,)),
        }

    def run(self, cfg: Config, s: MemMap) -> tuple[MemMap, Outcome]:
        """Return the next state and what happened."""
        if is_beyond(cfg, *self.part):
            return s, Outcome(Errno.E2BIG)
        wrong = check_pfn_span(cfg, *self.part)
        if wrong:
            return s, Outcome(wrong)
        events = list[Event]()
        grants = Grants(self.granted, events)
        for i, part in enumerate(parts_of(cfg, *self.part)):
            given = self.usage + i * cfg.usage_bytes, self.at + i * cfg.map_bytes
            s, failed = self.add(cfg, s, part, given, grants)
            if failed:
                return s, Outcome(failed, tuple(events))
        return s, Outcome(None, tuple(events))

    def add(
        self, cfg: Config, s: MemMap, part: Part, given: Part, grants: Grants
    ) -> tuple[MemMap, Errno | None]:
        """Add what lies in one section: sparse_add_section()."""
        pfn, pages = part
        nr = words.pfn_to_section_nr(pfn, cfg.shift)
        granted = grants.count != 0
        s, asked = with_root(cfg, s, nr, self.nid, granted=granted)
        grants.events += asked
        grants.count -= len(asked)
        if asked and not granted:
            return s, Errno.ENOMEM
        s, failed = section_activate(cfg, s, self.nid, part, given, grants)
        if failed:
            return s, failed
        s = with_map_again(cfg, with_nid(cfg, s, nr, self.nid), pfn, given[1])
        fresh = Bank(self.nid, pfn, pfn + pages, fresh=True)
        banks = with_memory(s.banks, pfn, pfn + pages, fresh)
        return replace(s, banks=banks), None

    def choose(self, cfg: Config, s: MemMap) -> Outcome:
        return self.run(cfg, s)[1]

    def after(self, cfg: Config, s: MemMap, result: Outcome) -> MemMap:
        following, due = self.run(cfg, s)
        require(result == due, "RET-CODE", f"{due} is due")
        return following


def is_valid(cfg: Config, s: MemMap, part: Part) -> bool:
    """Say whether a range meets a section that has a map."""
    pfn, pages = part
    starts = range(align_down(pfn, cfg.section_pages), pfn + pages, cfg.section_pages)
    return any(is_set(word_of(cfg, s, start), HAS_MEM_MAP) for start in starts)


def is_in_use(cfg: Config, s: MemMap, part: Part) -> bool:
    """Say whether a range has memory that is online."""
    pfn, end = part[0], part[0] + part[1]
    for bank in s.banks:
        low, high = max(bank.start, pfn), min(bank.end, end)
        for start, _ in parts_of(cfg, low, high - low):
            if not bank.fresh and is_set(word_of(cfg, s, start), ONLINE):
                return True
    return False


@value
class RemovePages:
    """__remove_pages(): take a range away, section by section.

    Only memory that is offline, or was never put online.
    """

    part: Part

    @classmethod
    def domain(cls, cfg: Config, s: MemMap) -> Domains:
        if not is_running(cfg, s):
            return nothing()
        parts = [x for x in cfg.hot if not is_beyond(cfg, *x)]
        free = tuple(part for part in parts if not is_in_use(cfg, s, part))
        return {"part": OneOf(free)}

    def run(self, cfg: Config, s: MemMap) -> tuple[MemMap, Outcome]:
        """Return the next state and what happened."""
        if check_pfn_span(cfg, *self.part):
            return s, Outcome(None, (Warned("misaligned __remove_pages"),))
        events = list[Event]()
        for pfn, pages in parts_of(cfg, *self.part):
            if not is_set(word_of(cfg, s, pfn), HAS_MEM_MAP):
                events.append(Warned("the section is not valid"))
                continue
            s, more = section_deactivate(cfg, s, pfn, pages)
            events += more
            if more != [DEACTIVATED]:
                s = replace(s, banks=with_memory(s.banks, pfn, pfn + pages))
        return s, Outcome(None, tuple(events))

    def choose(self, cfg: Config, s: MemMap) -> Outcome:
        return self.run(cfg, s)[1]

    def after(self, cfg: Config, s: MemMap, result: Outcome) -> MemMap:
        following, due = self.run(cfg, s)
        require(result == due, "RET-CODE", f"{due} is due")
        return following
