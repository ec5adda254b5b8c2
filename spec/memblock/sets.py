"""Sets of addresses, and what a step did to them: the words of laws and witnesses.

Sets are sorted, joined ranges; attributes are looked up by address, so that no law
depends on how the regions are cut.
"""

from __future__ import annotations

from ..core import Step
from ..linux import MemblockFlags
from .regions import (
    NONE,
    Config,
    Doubled,
    Memblock,
    Outcome,
    Regions,
    array_bytes,
    cap_size,
    page_up,
)

Moment = Step[Config, Memblock]
Span = tuple[int, int]  # half-open
Paint = tuple[MemblockFlags, int]  # flags and nid of one stretch of addresses


def show(span: Span) -> str:
    """Write a range as the kernel's reader expects it."""
    return f"[{span[0]:#x}, {span[1]:#x})"


def arrays(s: Memblock) -> tuple[tuple[str, Regions], ...]:
    """Return both arrays with their names."""
    return ("memory", s.memory), ("reserved", s.reserved)


def joined(ranges: list[Span]) -> list[Span]:
    """Return ranges sorted, touching and overlapping ones joined, empty ones gone."""
    out: list[Span] = []
    for start, end in sorted(ranges):
        if start >= end:
            continue
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out


def without(ranges: list[Span], holes: list[Span]) -> list[Span]:
    """Return the addresses of `ranges` that are in none of `holes`."""
    left = joined(ranges)
    for low, high in holes:
        pieces = [((a, min(b, low)), (max(a, high), b)) for a, b in left]
        left = joined([part for pair in pieces for part in pair])
    return left


def common(ranges: list[Span], others: list[Span]) -> list[Span]:
    """Return the addresses in both."""
    return without(ranges, without(ranges, others))


def spans(t: Regions, wanted: MemblockFlags = NONE) -> list[Span]:
    """Return the addresses of the regions that have these flags."""
    return joined([(r.base, r.end) for r in t.regions if wanted in r.flags])


def span_of(cfg: Config, base: int, size: int) -> Span:
    """Return a range that an operation names, cut at the top."""
    return base, base + cap_size(cfg, base, size)


def within(at: int, span: Span) -> bool:
    """Say whether an address is in a range."""
    return span[0] <= at < span[1]


def hand_of(cfg: Config, step: Moment) -> Span:
    """Return the range that an operation names, an empty one if it names none."""
    base, size = getattr(step.op, "base", 0), getattr(step.op, "size", 0)
    return span_of(cfg, base, size) if hasattr(step.op, "base") else (0, 0)


def paint_at(t: Regions, at: int) -> Paint | None:
    """Return the attributes of one address, None where it is not covered."""
    for r in t.regions:
        if r.base <= at < r.end:
            return r.flags, r.nid
    return None


def succeeded(step: Moment) -> bool:
    """Say whether an operation that changes something was carried out."""
    return isinstance(step.result, Outcome) and (
        step.result.value is None or isinstance(step.result.value, int)
    )


def array_span(cfg: Config, t: Regions) -> Span:
    """Return the block that a doubled array lies in; an empty one for none."""
    return (t.array, t.array + array_bytes(cfg, t)) if t.array else (0, 0)


def moved_arrays(cfg: Config, step: Moment) -> tuple[list[Span], list[Span]]:
    """Return the blocks that region arrays got, and gave back, during a step."""
    got: list[Span] = []
    gave: list[Span] = []
    held = {name: array_span(cfg, t) for name, t in arrays(step.before)}
    for e in getattr(step.result, "events", ()):
        if isinstance(e, Doubled):
            nr_bytes = page_up(cfg, e.max * cfg.region_bytes)
            gave.append(held[e.kind])
            held[e.kind] = (e.addr, e.addr + nr_bytes) if e.addr else (0, 0)
            got.append(held[e.kind])
    return joined(got), joined(gave)
