"""Looking ahead in a trace: what an entry's meaning depends on stands behind it.

A cpu works on while it shows nothing: `mm_page_free` stands before the page is on any
list, and `mm_page_alloc` after its page was taken, with interrupts on in between.

Source: mm/page_alloc.c:free_unref_page, free_unref_page_list, rmqueue_pcplist (v5.10).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from .ftrace import ALLOC, BATCHED, EXTFRAG, FREE, LOCKED, LOST, Event

LOOK_AHEAD = 1 << 13  # page events; a list of a few hundred pages is freed at once
MEMORY = 1 << 15  # entries after which what was known of one is forgotten
RECENT = 32  # frees that a steal may have been overtaken by
LEVELS = {b"s": 1, b"h": 2, b"H": 2, b"z": 3, b"Z": 3}  # what an interrupt interrupts


@dataclass
class Ahead:
    """What is known of entries from those that follow."""

    listed: set[int] = field(default_factory=set)  # frees of a page of a list
    open: set[int] = field(default_factory=set)  # frees that others may overtake
    taken: dict[int, list[Event]] = field(default_factory=dict)
    # entry of an interrupt -> the requests that it interrupts, outermost first
    stolen: dict[int, int] = field(default_factory=dict)
    # free -> the type that its page block may have got before the steal shows

    def forget(self, entry: int) -> None:
        """Drop what was known of entries long past."""
        self.listed = {each for each in self.listed if each >= entry}
        self.open = {each for each in self.open if each >= entry}
        self.taken = {at: told for at, told in self.taken.items() if at >= entry}
        self.stolen = {at: mt for at, mt in self.stolen.items() if at >= entry}


@dataclass(slots=True)
class Freed:
    """A free that was seen lately, and the entry where its cpu went on."""

    entry: int
    cpu: int
    level: int
    pfn: int
    until: int | None = None


def level_of(line: bytes) -> int:
    """Return how deep in interrupts an entry was made: 0 for a task."""
    at = line.find(b"]", 17) + 4  # irqs-off, need-resched, then this one
    return LEVELS.get(line[at : at + 1], 0)


def with_ahead(
    batches: Iterable[list[Event]], after: int = LOOK_AHEAD
) -> Iterator[tuple[list[Event], Ahead]]:
    """Yield each batch with what is known from at least `after` events behind it."""
    waiting: deque[list[Event]] = deque()
    looker = Looker()
    ahead, forgotten = 0, 0
    for batch in batches:
        looker.look(batch)
        waiting.append(batch)
        ahead += len(batch)
        while ahead - len(waiting[0]) >= after:
            ahead -= len(waiting[0])
            yield waiting.popleft(), looker.known
        if waiting and waiting[0] and waiting[0][0][6] > forgotten + 2 * MEMORY:
            forgotten = waiting[0][0][6] - MEMORY
            looker.known.forget(forgotten)
    while waiting:
        yield waiting.popleft(), looker.known


class Looker:
    """What was seen so far of a trace that is being read."""

    def __init__(self) -> None:
        self.known = Ahead()
        self.freed: dict[int, int] = {}  # pfn -> entry of its last free of order 0
        self.before = (-1, -1, 0)  # the entry before if it may be overtaken; its place
        self.above: dict[tuple[int, int], list[int]] = {}
        # (cpu, level) -> entries of interrupts since the last entry there
        self.lately: deque[Freed] = deque(maxlen=RECENT)
        self.last: dict[int, int] = {}  # cpu -> its last entry before it took a lock

    def look(self, batch: list[Event]) -> None:
        """Look at a batch of events."""
        known, freed = self.known, self.freed
        for event in batch:
            kind, pfn, order, _, _, cpu, entry, line = event
            if kind == LOST:
                continue
            level = level_of(line)
            before, its_cpu, its_level = self.before
            if before >= 0 and (cpu != its_cpu or level > its_level):
                known.open.add(before)
            self.before = (-1, -1, 0)
            for free in self.lately if len(self.last) > 1 else ():
                if free.until is None and free.cpu == cpu and free.level >= level:
                    free.until = entry
            if kind == FREE:
                self.before = (entry, cpu, level)
                self.lately.append(Freed(entry, cpu, level, pfn))
                if order == 0:
                    freed[pfn] = entry
            elif kind == BATCHED:
                prepared = freed.pop(pfn, None)
                if prepared is not None:
                    known.listed.add(prepared)
            elif kind == EXTFRAG:
                self.steal(event)
            if kind not in (LOCKED, EXTFRAG):
                self.last[cpu] = entry
            if level or self.above:
                self.nest(event, level)

    def steal(self, event: Event) -> None:
        """Note the frees of other cpus that may have read the type that a steal sets.

        The type is set before the steal shows, after its cpu took the zone's lock.
        """
        _, pfn, _, _, told, cpu, _, _ = event
        assert isinstance(told, tuple)
        _, fallback_order, pageblock_order, mt, _, _ = told
        order, since = max(fallback_order, pageblock_order), self.last.get(cpu, -1)
        for free in self.lately:
            late = free.until is None or free.until > since
            if free.cpu != cpu and late and free.pfn >> order == pfn >> order:
                self.known.stolen[free.entry] = mt
                self.known.open.add(free.entry)

    def nest(self, event: Event, level: int) -> None:
        """Remember an interrupt; tell those before which request they interrupted."""
        cpu, entry = event[5], event[6]
        for inner in self.above.pop((cpu, level), ()):
            if event[0] == ALLOC and event[2] == 0 and event[1] >= 0:
                self.known.taken.setdefault(inner, []).insert(0, event)
        for outer in range(level):
            self.above.setdefault((cpu, outer), []).append(entry)
