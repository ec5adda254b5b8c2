"""Sections that are put online and offline: links in their descriptors, and a mark.

Source: mm/memory_hotplug.c:online_pages; mm/sparse.c:online_mem_sections,
offline_mem_sections (v5.10).
"""

from __future__ import annotations

from dataclasses import replace

from ..core import Domains, OneOf, nothing, require, value
from ..linux import Addr
from . import words
from .boot import with_links, zone_parts
from .change import section_at, with_memory, with_section
from .hotplug import is_running
from .lookup import pfn_valid, word_of
from .state import Config, Event, MemMap, Outcome, Section, Warned
from .words import HAS_MEM_MAP, ONLINE, is_set


def has_no_hole(cfg: Config, s: MemMap, nr: int) -> bool:
    """Say whether every frame of a section is memory with a descriptor."""
    at = words.section_nr_to_pfn(nr, cfg.shift)
    end = at + cfg.section_pages
    for bank in s.banks:
        if bank.start <= at < bank.end:
            if not pfn_valid(cfg, s, at):
                return False
            at = bank.end
    return at >= end


@value
class OnlineSection:
    """online_pages() of one section: its descriptors get their links, then its mark.

    A section that is not valid is passed over with a warning; one with holes is not
    put online.
    """

    nr: int

    @classmethod
    def domain(cls, cfg: Config, s: MemMap) -> Domains:
        if not is_running(cfg, s) or not cfg.hot:
            return nothing()
        return {"nr": OneOf(sections_asked(cfg, s))}

    def choose(self, cfg: Config, s: MemMap) -> Outcome:
        return Outcome(None, not_valid(cfg, s, self.nr))

    def after(self, cfg: Config, s: MemMap, result: Outcome) -> MemMap:
        due = self.choose(cfg, s)
        require(result == due, "RET-CODE", f"{due} is due")
        if due.events:
            return s
        first = words.section_nr_to_pfn(self.nr, cfg.shift)
        for bank in s.banks:
            low = max(bank.start, first)
            high = min(bank.end, first + cfg.section_pages)
            for zone, start, end in zone_parts(cfg, low, high):
                s = with_links(cfg, s, start, end, zone, bank.nid)
            if low < high:
                ready = replace(bank, start=low, end=high, fresh=False)
                s = replace(s, banks=with_memory(s.banks, low, high, ready))
        return with_flag(s, self.nr, ONLINE)


@value
class OfflineSection:
    """offline_mem_sections() of one section: its mark goes, its map stays."""

    nr: int

    @classmethod
    def domain(cls, cfg: Config, s: MemMap) -> Domains:
        return OnlineSection.domain(cfg, s)

    def choose(self, cfg: Config, s: MemMap) -> Outcome:
        return Outcome(None, not_valid(cfg, s, self.nr))

    def after(self, cfg: Config, s: MemMap, result: Outcome) -> MemMap:
        due = self.choose(cfg, s)
        require(result == due, "RET-CODE", f"{due} is due")
        return s if due.events else with_flag(s, self.nr, 0)


def sections_asked(cfg: Config, s: MemMap) -> tuple[int, ...]:
    """Return the sections that may be put online or offline: without holes, or none."""
    numbers = {pfn >> cfg.shift for pfn, _ in cfg.hot if pfn < cfg.limit}
    known = {each.nr for each in s.sections if each.word}
    return tuple(
        nr
        for nr in sorted(numbers | known)
        if nr not in known or has_no_hole(cfg, s, nr)
    )


def not_valid(cfg: Config, s: MemMap, nr: int) -> tuple[Event, ...]:
    """Return the warning about a section that has no map, if it has none."""
    word = word_of(cfg, s, words.section_nr_to_pfn(nr, cfg.shift))
    return () if is_set(word, HAS_MEM_MAP) else (Warned("the section is not valid"),)


def with_flag(s: MemMap, nr: int, flag: int) -> MemMap:
    """Return the state with a section online or not."""
    section = section_at(s, nr) or Section(nr)
    word = Addr((section.word & ~ONLINE) | flag)
    return with_section(s, replace(section, word=word))
