"""A machine that a trace drives: what it frees and drains, and what is due meanwhile.

Source: mm/page_alloc.c:free_unref_page, free_pcppages_bulk, drain_pages_zone (v5.10).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence, Sized
from copy import deepcopy
from typing import Any, NamedTuple, Self

from mmoracle.spec.linux import Bug

from ..bind.buddy import SHIFT, Machine, fork
from .ftrace import DRAIN, Event
from .image import Image
from .kmem_facts import Tally, Unknown, Violated, is_actor, shown, wrong
from .kmem_zones import Lately, Walk

EXACT_EVENTS, OWN = "EXACT-EVENTS", "BUD-OWN"
NEVER = 1 << 62  # a high mark that is never reached
DRAIN_AT = "drain"  # due: a batch goes back to a zone when the first page shows

Due = tuple[Any, ...]


class Flying(NamedTuple):
    """A freed block that may not be on a list yet."""

    event: Event
    at: int
    level: int
    listed: bool
    mt: int | None = None  # the type of its page block, once that was read


class Driven:
    """A machine that does what a trace says, and what it owes the trace."""

    def __init__(self, image: Image, machine: Machine, walk: Walk) -> None:
        self.image = image
        self.m = machine
        self.walk = walk
        self.lately = Lately.of(len(machine.zones))
        self.now = 0  # the entry that is followed
        self.tally = Tally()
        cpus = image.cfg.cpus
        self.before: list[Event | None] = [None] * cpus  # the entry before, by cpu
        self.due: list[deque[Due]] = [deque() for _ in range(cpus)]
        self.pending: list[dict[int, Event]] = [{} for _ in range(cpus)]  # taken blocks
        self.owed: dict[int, Event] = {}  # frames whose request was overtaken
        self.other_flags = -1  # an entry whose request has not its zone's usual flags
        self.early: dict[int, int] = {}  # frames taken, and the entry that will say so
        self.flying: list[Flying] = []
        self.types: dict[int, list[int]] = {}  # by cpu: of page blocks, before steals
        self.drains: dict[int, list[Event]] = {}  # by cpu: no freed page explains them

    def fork(self) -> Self:
        """Return another course from here."""
        other = type(self)(self.image, fork(self.m), self.walk)
        other.lately, other.now = self.lately.copy(), self.now
        other.before = list(self.before)
        other.tally = deepcopy(self.tally)
        other.due = [deque(queue) for queue in self.due]
        other.pending = [dict(blocks) for blocks in self.pending]
        other.types = dict(self.types)
        other.owed, other.early = dict(self.owed), dict(self.early)
        other.flying, other.other_flags = list(self.flying), self.other_flags
        other.drains = {cpu: list(group) for cpu, group in self.drains.items()}
        return other

    def key(self) -> object:
        """Return what two courses from here on differ in, if they do."""
        zones = [
            (
                tuple(tuple(line) for line in zone.lists),
                tuple(tuple(map(tuple, ps.lists)) for ps in zone.pagesets),
                tuple(zone.index.values()),
            )
            for zone in self.m.zones
        ]
        queues = tuple(map(tuple, self.due)), tuple(map(tuple, self.pending))
        prepared = frozenset(self.m.frames.prepared.items())
        flying = tuple((free.event[6], self.other_type(free)) for free in self.flying)
        late = flying, tuple(self.early), tuple(self.owed)
        drains = tuple((cpu, len(group)) for cpu, group in self.drains.items())
        types = tuple(self.m.zones[0].types)
        return tuple(zones), types, prepared, queues, late, drains

    def other_type(self, free: Flying) -> int | None:
        """Return the type that was read for a freed block, if it changed since."""
        now = self.shown_type(free.event[1])
        return None if free.mt == now else free.mt

    def zone_at(self, event: Event) -> int:
        """Return the zone of an event's frame."""
        at = self.m.frames.zone_of(event[1])
        if at < 0:
            why = f"pfn {event[1]} is in no zone"
            raise wrong(event, "BUD-ZONE", why, "a frame of a zone")
        return at

    # -------------------------------------------------------------- freeing

    def free(self, event: Event, at: int, listed: bool) -> None:
        """Free a block, or prepare a page that enters its list later."""
        _, pfn, order, _, _, cpu, _, _ = event
        m, zone = self.m, self.m.zones[at]
        self.walk.note(m, at, self.now, self.lately)
        if listed:
            no = m.free_prepare(pfn)
        elif order:
            no = m.free_pages(cpu, pfn, order)
        else:
            ps = zone.pagesets[cpu]
            high, ps.high = ps.high, NEVER
            no = m.free_pages(cpu, pfn, 0)
            ps.high = high
            if no is None and ps.count >= high:
                self.due[cpu].append((DRAIN_AT, at))
        if no is not None:
            self.odd_free(event, no, listed)
        self.tally.freed += 1

    def free_late(self, free: Flying) -> None:
        """Let a freed block come to its list, which its cpu may do only now."""
        cpu = free.event[5]
        if self.due[cpu]:
            raise self.missing(free.event, self.next_due(cpu))
        self.flying.remove(free)
        event, at, _, listed, mt = free
        zone = self.m.zones[at]
        now = zone.type_of(event[1])
        zone.set_type(event[1], self.shown_type(event[1]) if mt is None else mt)
        self.free(event, at, listed)
        zone.set_type(event[1], now)

    def type_before(self, pfn: int, cpu: int) -> int:
        """Return the type of a page block before what a cpu does under a lock."""
        zone = self.m.zones[0]
        types = self.types.get(cpu, zone.types) if self.due[cpu] else zone.types
        return types[(pfn >> zone.pageblock_order) - zone.first_block]

    def shown_type(self, pfn: int) -> int:
        """Return the type of a page block as far as steals were shown."""
        for cpu, queue in enumerate(self.due):
            if cpu in self.types and any(due[0] == "stole" for due in queue):
                before = self.type_before(pfn, cpu)
                if before != self.m.zones[0].type_of(pfn):
                    return before
        return self.m.zones[0].type_of(pfn)

    def remember_types(self, at: int, cpu: int, order: int, mt: int) -> None:
        """Remember the types of page blocks if a request may steal some."""
        zone = self.m.zones[at]
        lists, batch = zone.lists[mt :: 1 << SHIFT], zone.pagesets[cpu].batch
        if any(lists[order:]) if order else pages_of(zone.lists, mt) >= batch:
            self.types.pop(cpu, None)
        else:
            self.types[cpu] = zone.types.copy()

    def read_type(self, free: Flying, mt: int) -> None:
        """Remember the type that a freed block's page block had before it changed."""
        self.flying[self.flying.index(free)] = free._replace(mt=mt)

    def commit(self, event: Event) -> None:
        """Put a page that was prepared on its cpu's list."""
        _, pfn, _, _, _, cpu, _, _ = event
        at = self.zone_at(event)
        ps = self.m.zones[at].pagesets[cpu]
        high, ps.high = ps.high, NEVER
        no = self.m.free_commit(cpu, pfn)
        ps.high = high
        if no is not None:
            why = f"pfn {pfn} is {no.why}"
            raise wrong(event, OWN, why, "a page that was prepared")
        if ps.count >= high:
            self.due[cpu].append((DRAIN_AT, at))

    def odd_free(self, event: Event, no: Bug, listed: bool) -> None:
        """Free what is not held as one block: boot's memory, or a part of a block."""
        _, pfn, order, _, _, cpu, _, _ = event
        if self.m.frames.is_reserved(pfn):
            if order or any(gap.start <= pfn < gap.end for gap in self.image.deferred):
                no_way = self.m.free_core(pfn, pfn + (1 << order))
            else:
                no_way = self.m.free_reserved(cpu, pfn)
            self.tally.note("frames that boot had kept, released")
        elif self.m.frames.cut_loose(pfn, order, self.image.cfg.pageblock_order):
            self.tally.note("blocks freed in parts")
            again = self.m.free_prepare(pfn) if listed else None
            no_way = again if listed else self.m.free_pages(cpu, pfn, order)
        else:
            no_way = no
        if no_way is not None:
            why = f"pfn {pfn} order {order} is freed: {no_way.why}"
            raise wrong(event, OWN, why, "a block that somebody holds")

    # -------------------------------------------------------------- draining

    def next_due(self, cpu: int) -> Due:
        """Return the next event that a cpu owes; a batch is drained when it shows.

        Until then others may take the zone's lock: free_pcppages_bulk() (v5.10).
        """
        first = self.due[cpu].popleft()
        return self.drain_due(cpu, first) if first[0] == DRAIN_AT else first

    def drain_due(self, cpu: int, due: Due) -> Due:
        """Drain the batch that is due, and return the first event of it."""
        self.walk.note(self.m, due[1], self.now, self.lately)
        self.m.drain(cpu, due[1], False)
        self.due[cpu].extend(self.m.events)
        self.m.events.clear()
        return self.due[cpu].popleft()

    def ends_drain(self, event: Event) -> bool:
        """Say whether a cpu goes on after an unasked drain, maybe of another zone."""
        group = self.drains.get(event[5])
        if not group:
            return False
        return event[0] != DRAIN or self.zone_at(event) != self.zone_at(group[0])

    def drain_unasked(self, cpu: int, over: bool = True) -> None:
        """Drain a pageset as somebody asked who is not shown: a timer, a hot-unplug.

        Compaction does so too, but it takes pages off the lists besides.
        """
        group = self.drains.pop(cpu)
        self.drain_zone(self.zone_at(group[0]), group, over)

    def drain_zone(self, at: int, group: list[Event], over: bool) -> None:
        """Drain one zone's pageset whole or by a batch, whichever was shown."""
        first, cpu = group[0], group[0][5]
        if is_actor(first[7]):
            why = f"{shown(first[7][:16])} drains a pageset: compaction is at work"
            raise Unknown(first[6], f"{why}, and takes pages off the lists unseen")
        self.walk.note(self.m, at, self.now, self.lately)
        ps = self.m.zones[at].pagesets[cpu]
        sizes = sorted((ps.count, min(ps.batch, ps.count)))
        fitting = [n for n in sizes if len(group) == n or (len(group) < n and not over)]
        if not fitting:
            why = f"{len(group)} pages leave a pageset of {ps.count}, none was due to"
            right = " or ".join(f"{size} pages" for size in sorted(set(sizes)))
            raise wrong(first, EXACT_EVENTS, why, right)
        self.m.drain(cpu, at, fitting[0] == ps.count)
        for event, due in zip(group, self.m.events, strict=over):
            if due != ("drained", event[1], event[3]):
                raise self.wrong_event(event, due)
            self.tally.internal += 1
        self.m.events.clear()
        self.tally.note("pagesets drained without a page that was freed")

    # -------------------------------------------------------------- differences

    def wrong_event(self, event: Event, due: Due) -> Violated:
        """Return the verdict on an internal event that is another than was due."""
        return wrong(event, EXACT_EVENTS, REASONS[due[0]], said(due))

    def missing(self, event: Event, due: Due) -> Violated:
        """Return the verdict on a trace that does not show what was due."""
        why = f"{REASONS[due[0]]}, the trace goes on without it"
        return wrong(event, EXACT_EVENTS, why, said(due))


def pages_of(lists: Sequence[Sized], mt: int) -> int:
    """Return how many pages are on a zone's lists of a type."""
    lines = enumerate(lists[mt :: 1 << SHIFT])
    return sum(len(line) << order for order, line in lines)


REASONS = {
    "locked": "the lowest list that has a block of the type begins with it",
    "drained": "a full pageset gives a batch back, from the tails in turn",
    "stole": "the request's own lists are empty, and this is the block to fall back to",
}


def said(due: Due) -> str:
    """Return what a machine would have shown, for a reader."""
    name, pfn, *rest = due
    if name == "locked":
        return f"mm_page_alloc_zone_locked of pfn {pfn} order {rest[0]} type {rest[1]}"
    if name == "drained":
        return f"mm_page_pcpu_drain of pfn {pfn} type {rest[0]}"
    facts = f"order {rest[1]} from type {rest[3]} for type {rest[2]}"
    return f"mm_page_alloc_extfrag of pfn {pfn} {facts}"
