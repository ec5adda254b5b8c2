"""Which frames a boot leaves to the page allocator, and which it gives it later.

memblock's own lines are followed up to the moment when all that is free goes to the
page allocator; what is freed afterwards has lines of its own.

Source: mm/memblock.c:memblock_free_all, __memblock_free_late (v5.10).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mmoracle.spec.linux import MemblockFlags
from mmoracle.spec.memblock.regions import Memblock
from mmoracle.spec.memblock.sets import joined, spans, without

from .boot_log import PAGE_SHIFT, BootLog, Span
from .judge import started
from .memblock_acts import Act, calls_of, torn_in
from .memblock_course import Course, blame, follow
from .memblock_log import Range, Table, Torn, read_log
from .memblock_tables import spans_of
from .text import read_lines

Frames = tuple[int, int]  # half-open
Progress = Callable[[dict[str, int]], None]
LATE = "free_late"


@dataclass
class Early:
    """What memblock had when the page allocator took over; frames, half-open."""

    known: bool = False  # there were lines to follow, up to that moment
    course: Course | None = None
    memory: list[Frames] = field(default_factory=list)
    hotplug: list[Frames] = field(default_factory=list)
    free: list[Frames] = field(default_factory=list)
    reserved: list[Frames] = field(default_factory=list)
    image: list[Frames] = field(default_factory=list)  # reserved from the beginning
    late: list[Span] = field(default_factory=list)  # given to the allocator afterwards
    gigantic: list[Span] = field(default_factory=list)  # huge pages, counted later
    torn: Torn | None = None


def early_of(path: Path, log: BootLog, progress: Progress) -> Early:
    """Follow the log's memblock lines, and say what was free at the end of them."""
    acts, course = started(list(read_log(read_lines(path))))
    before = [a for a in acts if a.entry.line < (log.allocator_up or a.entry.line + 1)]
    early = Early(torn=torn_in(before))
    early.late = late_frees(acts)
    early.gigantic = [late_span(call) for call in gigantic_pages(acts)]
    if course is None:
        return early
    first = next(a.entry for a in acts if isinstance(a.entry, Table))
    if isinstance(first, Table):
        early.image = outward(spans_of(first.reserved))
    course = follow(course, before, progress=progress)
    early.known = course.bad is None and not course.blind and course.torn is None
    take_state(early, course.s)
    early.course = follow(course, acts, progress=progress)
    blame(early.course, acts)
    return early


def take_state(early: Early, s: Memblock) -> None:
    """Take the frames from both lists: all that is memory, mapped and not reserved."""
    reserved = spans(s.reserved)
    for region in s.memory.regions:
        span = (region.base, region.end)
        early.memory += inward([span])
        if MemblockFlags.HOTPLUG in region.flags:
            early.hotplug += inward([span])
        if MemblockFlags.NOMAP not in region.flags:
            near = [r for r in reserved if r[0] < span[1] and span[0] < r[1]]
            early.free += inward(without([span], near))
    early.memory = joined(early.memory)
    early.reserved = outward(reserved)


def late_frees(acts: list[Act]) -> list[Span]:
    """Return the frames that memblock itself gives to the allocator afterwards."""
    calls = [call for call in calls_of(acts) if call.what == LATE]
    return [late_span(call) for call in calls if call.size]


def gigantic_pages(acts: list[Act]) -> list[Range]:
    """Return the huge pages that the command line reserves: managed in hugetlb_init.

    Source: mm/hugetlb.c:gather_bootmem_prealloc (v5.10).
    """
    return [
        act.answer
        for act in acts
        if "bootmem_huge_page" in act.entry.caller and act.answer is not None
    ]


def late_span(call: Range) -> Span:
    """Return the whole frames of a call."""
    ((start, end),) = inward([(call.base, call.base + call.size)]) or [(0, 0)]
    return Span(start, end, call.line)


def inward(ranges: list[tuple[int, int]]) -> list[Frames]:
    """Return the whole frames in ranges of addresses."""
    page = 1 << PAGE_SHIFT
    return [(-(-a // page), b // page) for a, b in ranges if -(-a // page) < b // page]


def outward(ranges: list[tuple[int, int]]) -> list[Frames]:
    """Return the frames that ranges of addresses touch."""
    page = 1 << PAGE_SHIFT
    return joined([(a // page, -(-b // page)) for a, b in ranges])
