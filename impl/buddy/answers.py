"""Somebody else's answer to a request: judged, then taken.

Mirrors `spec/buddy/others.py`.  Nothing changes until the answer is known to be right.
"""

from __future__ import annotations

from typing import NamedTuple

from .manage import PageAllocator
from .peek import peek
from .zone import frames_from

Complaint = tuple[str, str]  # rule, reason


class Asked(NamedTuple):
    """A request for a block."""

    cpu: int
    at: int
    order: int
    mt: int
    flags: int = 0
    compound: bool = False


def why_not_block(m: PageAllocator, asked: Asked, got: object) -> Complaint | None:
    """Return what is wrong with an answer, if anything is. O(max_order), as a rule."""
    if asked.order >= m.orders:
        return None if got is None else ("RET-CODE", f"nothing is due, got {got}")
    order = max(asked.order, m.frames.min_order)
    if type(got) is int:
        complaint = why_not_frames(m, asked.at, order, got)
        if complaint is not None:
            return complaint
    if m.picks == "linux":
        due = peek(m, asked.cpu, asked.at, asked.order, asked.mt, asked.flags)
        right = got == due if type(got) is int else got is None and due < 0
        return None if right else ("RET-CODE", f"pfn {due} is due, got {got}")
    if got is None:
        return why_not_nothing(m, asked.at, order)
    if type(got) is not int:
        return "RET-CODE", f"{got} is no frame"
    if m.picks != "any" and got != m.pick(asked.at, order):
        return "PICK", f"pfn {got} is not the {m.picks}"
    return None


def why_not_frames(m: PageAllocator, at: int, order: int, pfn: int) -> Complaint | None:
    """Return what is wrong with a block's frames, if anything is. O(max_order)."""
    zone, size = m.zones[at], 1 << order
    if pfn % size:
        return "BUD-ALIGN", f"pfn {pfn} is not a multiple of {size}"
    if not zone.start <= pfn or pfn + size > zone.end:
        return "BUD-ZONE", f"pfn {pfn} order {order} is not in zone {at}"
    if m.cover(at, pfn, order):
        return None
    frames = frames_from(pfn, size)
    if all(p in zone.index or m.cover(at, p, 0) for p in frames):  # some are cached
        return None
    return "BUD-DISJOINT", f"pfn {pfn} order {order} is not free"


def why_not_nothing(m: PageAllocator, at: int, order: int) -> Complaint | None:
    """Return what is wrong with failing a request, if anything is. O(max_order)."""
    if m.fails_freely or not any(m.zones[at].nr_free[order:]):
        return None
    return "COMPLETE", f"order {order} fails, a large enough block is free"


def take(m: PageAllocator, asked: Asked, got: object, pages: int = 0) -> None:
    """Take an answer that was judged; with `pages`, as an exact-size request."""
    cpu, at, order, mt, flags, compound = asked
    if m.picks == "linux":
        m.alloc_pages(cpu, at, order, mt, flags, compound)
    elif type(got) is int:
        order = max(order, m.frames.min_order)
        m.carve(at, got, order)
        m.own(got, order, mt, compound)
    if pages and type(got) is int:
        m.cut(cpu, at, got, pages)
