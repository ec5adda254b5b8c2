"""The skip hints of a zone: when useless page blocks are looked at again.

Source: mm/compaction.c:__reset_isolation_pfn, __reset_isolation_suitable (v5.10).
"""

from __future__ import annotations

from dataclasses import replace

from ..linux import MIGRATE_MOVABLE
from .parts import (
    ON_LRU,
    Config,
    Memory,
    Zone,
    block_end,
    block_start,
    heads,
    letter,
    persistent,
    skipped,
    type_of,
    with_zone,
    without_skip,
)


def last_block(cfg: Config, at: int) -> int:
    """Return the first frame of a zone's last page block."""
    return block_start(cfg.zones[at].end - 1, cfg.pageblock_order)


def reset_block(
    cfg: Config, s: Memory, at: int, pfn: int, source: bool, target: bool
) -> tuple[Memory, bool]:
    """Look at samples of a page block, and at it again if one is of use.

    Source: mm/compaction.c:__reset_isolation_pfn (v5.10).
    """
    if persistent(cfg, s, pfn):
        return s, False
    if source and target and not skipped(cfg, s, pfn):
        return s, True
    if not source and type_of(cfg, s, pfn) != MIGRATE_MOVABLE:
        return s, False
    first = max(block_start(pfn, cfg.pageblock_order), cfg.zones[at].start)
    end = min(block_end(pfn, cfg.pageblock_order), cfg.zones[at].end)
    there = heads(s.zones[at])
    for each in range(first, end, 1 << cfg.costly_order):
        if source and letter(cfg, s, each) in ON_LRU:
            return without_skip(cfg, s, each), True
        if target and each in there:
            return without_skip(cfg, s, each), True
    return s, False


def reset_isolation(cfg: Config, s: Memory, at: int) -> Memory:
    """Forget which page blocks were useless: __reset_isolation_suitable()."""
    if not s.zones[at].flush:
        return s
    s = with_zone(s, at, replace(s.zones[at], flush=False))
    low, high = cfg.zones[at].start, cfg.zones[at].end - 1
    reset_low, reset_high = high, low
    source_set = free_set = False
    while low < high:
        s, good = reset_block(cfg, s, at, low, True, source_set)
        if good and low < reset_low:
            source_set, reset_low = True, low
            s = with_zone(s, at, starts_at(s.zones[at], low))
        s, good = reset_block(cfg, s, at, high, free_set, True)
        if good and high > reset_high:
            free_set, reset_high = True, high
            zone = replace(s.zones[at], init_free=high, cached_free=high)
            s = with_zone(s, at, zone)
        low, high = low + cfg.block_pages, high - cfg.block_pages
    if reset_low < reset_high:
        return s
    zone = replace(s.zones[at], cached_migrate=(low, low), cached_free=high)
    return with_zone(s, at, zone)


def starts_at(zone: Zone, pfn: int) -> Zone:
    """Let the migrate scanner begin at a frame, in this run and after a reset."""
    return replace(zone, init_migrate=pfn, cached_migrate=(pfn, pfn))
