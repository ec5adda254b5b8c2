"""The part of the memory map that describes no memory goes back, on arm and arm64.

What walks over frames assumes that a page block has all of its descriptors or none.

Source: arch/arm/mm/init.c:free_unused_memmap (5.10.92); arch/arm64 has a copy (v5.10).
"""

from __future__ import annotations

from dataclasses import replace

from ..core import Domains, nothing, require, value
from ..linux import Addr
from .change import without_run
from .lookup import pfn_to_page
from .state import (
    ROUNDS_TO_MAX_ORDER,
    SPARSE,
    VMEMMAP,
    Config,
    Freed,
    MemMap,
    Outcome,
    Phase,
)
from .words import align_down, align_up


def unused_start(cfg: Config, start: int, before: int) -> int:
    """Return the end of the gap before a bank, where the last one ended at `before`.

    Sections behind the first border after `before` are not there at all.
    """
    if cfg.model == SPARSE:
        start = min(start, align_up(before, cfg.section_pages))
        if ROUNDS_TO_MAX_ORDER in cfg.quirks:
            return start
    return align_down(start, unused_unit(cfg))


def unused_unit(cfg: Config) -> int:
    """Return the frames that keep all of their descriptors if one of them is memory."""
    coarse = ROUNDS_TO_MAX_ORDER in cfg.quirks
    return cfg.order_pages if coarse else cfg.block_pages


def unused_ranges(cfg: Config, s: MemMap) -> list[tuple[int, int]]:
    """Return the ranges of frames whose descriptors go back."""
    ranges, before = list[tuple[int, int]](), 0
    for bank in s.banks:
        start = unused_start(cfg, bank.start, before)
        if before and before < start:
            ranges.append((before, start))
        before = align_up(bank.end, unused_unit(cfg))
    if cfg.model == SPARSE and before % cfg.section_pages:
        ranges.append((before, align_up(before, cfg.section_pages)))
    return ranges


def freed_bytes(cfg: Config, s: MemMap, start: int, end: int) -> tuple[int, int]:
    """Return the whole pages of descriptors of a range: free_memmap()."""
    first = pfn_to_page(cfg, s, start - 1) + cfg.sizeof_page
    behind = pfn_to_page(cfg, s, end - 1) + cfg.sizeof_page
    return align_up(first, cfg.page_size), align_down(behind, cfg.page_size)


def freed(cfg: Config, s: MemMap) -> list[tuple[int, int]]:
    """Return the ranges of addresses that go back, none of them empty."""
    found = [freed_bytes(cfg, s, *each) for each in unused_ranges(cfg, s)]
    return [(low, high) for low, high in found if low < high]


@value
class FreeUnusedMemmap:
    """free_unused_memmap(): whole pages of the map between banks go back."""

    @classmethod
    def domain(cls, cfg: Config, s: MemMap) -> Domains:
        asked = cfg.frees_unused and cfg.model != VMEMMAP
        return {} if asked and s.phase is Phase.UP and not s.trimmed else nothing()

    def choose(self, cfg: Config, s: MemMap) -> Outcome:
        events = tuple(
            Freed("map", Addr(low), Addr(high - low)) for low, high in freed(cfg, s)
        )
        return Outcome(None, events)

    def after(self, cfg: Config, s: MemMap, result: Outcome) -> MemMap:
        due = self.choose(cfg, s)
        require(result == due, "RET-CODE", f"{due} is due")
        for low, high in freed(cfg, s):
            s = without_run(s, low, high)
        return replace(s, trimmed=True)
