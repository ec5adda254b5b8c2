"""Parts of the state replaced: sections, runs of descriptors, banks, and free places.

Source: mm/sparse.c, mm/memblock.c (v5.10).
"""

from __future__ import annotations

from dataclasses import replace

from ..linux import Addr
from .state import UNSET, Bank, Config, MemMap, Run, Section
from .words import align_down, align_up


def section_at(s: MemMap, nr: int) -> Section | None:
    """Return a section that has something in it."""
    return next((each for each in s.sections if each.nr == nr), None)


def with_section(s: MemMap, section: Section) -> MemMap:
    """Return the state with one section replaced; one with nothing in it goes."""
    rest = [each for each in s.sections if each.nr != section.nr]
    if section.word or section.usage:
        rest.append(section)
    return replace(s, sections=tuple(sorted(rest, key=lambda each: each.nr)))


def covered(memmap: tuple[Run, ...], start: int, end: int) -> tuple[Run, ...]:
    """Return the runs outside a range of addresses."""
    out = list[Run]()
    for run in memmap:
        if run.start < start:
            out.append(replace(run, end=Addr(min(run.end, start))))
        if run.end > end:
            out.append(replace(run, start=Addr(max(run.start, end))))
    return tuple(out)


def with_run(s: MemMap, start: int, end: int, links: int = UNSET) -> MemMap:
    """Return the state with descriptors of these links at a range of addresses."""
    if start >= end:
        return s
    run = Run(Addr(start), Addr(end), links)
    runs = sorted((*covered(s.memmap, start, end), run), key=lambda each: each.start)
    out = list[Run]()
    for each in runs:
        if out and out[-1].end == each.start and out[-1].links == each.links:
            out[-1] = replace(out[-1], end=each.end)
        else:
            out.append(each)
    return replace(s, memmap=tuple(out))


def without_run(s: MemMap, start: int, end: int) -> MemMap:
    """Return the state without descriptors at a range of addresses."""
    return replace(s, memmap=covered(s.memmap, start, end))


def with_memory(
    banks: tuple[Bank, ...], start: int, end: int, *bank: Bank
) -> tuple[Bank, ...]:
    """Return banks in order with a range taken out, and another put in, merged."""
    parts = list(bank)
    for each in banks:
        parts.append(replace(each, end=min(each.end, start)))
        parts.append(replace(each, start=max(each.start, end)))
    out = list[Bank]()
    for each in sorted(parts, key=lambda part: part.start):
        if each.start >= each.end:
            continue
        if out and out[-1] == replace(each, start=out[-1].start, end=each.start):
            out[-1] = replace(out[-1], end=each.end)
        else:
            out.append(each)
    return tuple(out)


def places(cfg: Config, s: MemMap, size: int, align: int) -> tuple[Addr, ...]:
    """Return addresses where an allocation may lie: the lowest, then the highest."""
    low, high = cfg.arena
    used: list[tuple[int, int]] = [(run.start, run.end) for run in s.memmap]
    used += [(x.usage, x.usage + cfg.usage_bytes) for x in s.sections if x.usage]
    if s.buffer is not None:
        used.append((s.buffer.start, s.buffer.end))
    used = sorted(each for each in used if low <= each[0] < high)
    found = list[int]()
    at = int(low)
    for start, end in (*used, (high, high)):
        first, last = align_up(at, align), align_down(start - size, align)
        found += [first, last] if first <= last else []
        at = max(at, end)
    return tuple(Addr(each) for each in {x: x for x in (*found[:1], *found[-1:])})[
        : cfg.places
    ]
