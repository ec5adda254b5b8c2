"""Every course that a trace leaves open, followed at once.

Linux shows a free before it takes the zone's lock or turns interrupts off, and a
request after both.  So another cpu, or an interrupt, may overtake what an entry says;
how it was shows later, or never.  A trace is right if one course explains all of it.

Source: mm/page_alloc.c:__free_pages_ok, free_unref_page, rmqueue (v5.10).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from ..bind.buddy import Machine
from .ftrace import DRAIN, EXTFRAG, FREE, LOCKED, MARK, Event
from .image import Image
from .kmem_ahead import Ahead, level_of
from .kmem_driven import DRAIN_AT, Flying, pages_of
from .kmem_exact import Exact
from .kmem_facts import Tally, Unknown, Violated
from .kmem_zones import Walk

MOST = 512  # courses followed at once
SPARE, READ, ZONE, PAGESET = range(4)  # ranks of acts: what commutes has one order


class Act(NamedTuple):
    """Something that may have been done; acts of a lower rank come first."""

    rank: int
    do: Callable[[Exact], None]


Choices = Callable[[Exact], tuple[list[Act], list[Act]]]  # what must be done, and may
Failed = tuple[Exact, Violated]


class Ways:
    """All courses from an image to here that the trace leaves open."""

    def __init__(self, image: Image, machine: Machine, walk: Walk) -> None:
        self.ways = [Exact(image, machine, walk)]
        self.start = image.entry
        self.tally = Tally()
        self.passed: Callable[[Exact], None] = lambda way: None
        normal = {place.node for place in image.places if place.name == "Normal"}
        on = [place.node for place in image.places if place.node in normal]
        self.below = len(on) > len(normal)  # a request for Normal may go below it
        self.crowded: int | None = None  # the entry where courses were given up

    def follow(self, batch: list[Event], ahead: Ahead) -> None:
        """Follow a batch of events."""
        batch = [event for event in batch if event[6] >= self.start]
        try:
            done = 0
            while done < len(batch):
                if self.is_settled():
                    end = self.plain(batch, done, ahead)
                    self.ways[0].follow(batch[done:end], ahead)
                    done = end
                if done < len(batch):
                    self.follow_one(batch[done], ahead)
                    done += 1
            if batch:
                last = batch[-1][6]
                self.ways = self.those_that(lambda way: way.settle(last), self.ways, [])
        finally:
            self.tell(self.ways[0])

    def is_settled(self) -> bool:
        """Say whether there is one course, and nothing on its way."""
        only = self.ways[0]
        many_cpus = len(only.due) > 1
        waits = bool(only.flying) or (many_cpus and bool(only.drains))
        return len(self.ways) == 1 and not waits

    def plain(self, batch: list[Event], done: int, ahead: Ahead) -> int:
        """Return the place of the next entry that leaves anything open."""
        many_cpus = len(self.ways[0].due) > 1
        for i in range(done, len(batch)):
            kind, entry = batch[i][0], batch[i][6]
            if entry in ahead.open or entry in ahead.taken:
                return i
            if (many_cpus and kind == DRAIN) or (kind == LOCKED and self.below):
                return i
        return len(batch)

    def follow_one(self, event: Event, ahead: Ahead) -> None:
        """Follow one event by every course that leads to it."""
        if event[0] == MARK:
            return

        for way in self.ways:
            way.now = event[6]

        def step(way: Exact) -> None:
            self.passed(way)
            way.follow((event,), ahead)

        self.go_on(step, lambda way: due_before(way, event, ahead))
        self.thin(event[6])

    def go_on(self, act: Callable[[Exact], None], choices: Choices) -> None:
        """Do something on every course, after what must and what may come first."""
        failures = list[Failed]()
        ways = [each for way in self.ways for each in orders(way, choices, failures)]
        self.ways = self.those_that(act, ways, failures)

    def those_that(
        self, act: Callable[[Exact], None], ways: list[Exact], failures: list[Failed]
    ) -> list[Exact]:
        """Return the courses on which something is possible; raise if there is none."""
        left = list[Exact]()
        for way in ways:
            try:
                act(way)
            except Violated as no:
                failures.append((way, no))
            else:
                left.append(way)
        if left:
            return left
        way, verdict = max(failures, key=lambda failed: failed[1].bad.entry)
        self.ways = [way]
        if self.crowded is not None:
            why = f"too many orders of events are possible from entry {self.crowded} on"
            raise Unknown(verdict.bad.entry, why)
        raise verdict

    def thin(self, entry: int) -> None:
        """Keep one of several equal courses, and no more than can be followed."""
        if len(self.ways) > 1:
            oddest_first = sorted(self.ways, key=oddness, reverse=True)
            self.ways = list({way.key(): way for way in oddest_first}.values())
            self.ways.sort(key=oddness)
        if len(self.ways) > MOST:
            self.crowded = entry if self.crowded is None else self.crowded
            del self.ways[MOST:]

    def end(self) -> list[Exact]:
        """Return the courses that may have come to an end here."""
        try:
            self.go_on(lambda way: way.end(), due_at_end)
        finally:
            self.tell(self.ways[0])
        return self.ways

    def tell(self, way: Exact) -> None:
        """Say what was judged on one course."""
        vars(self.tally).update(vars(way.tally))


def oddness(way: Exact) -> int:
    """Return how much a course supposes that no entry shows."""
    return sum(way.tally.notes.values())


# ------------------------------------------------------------------ orders


def orders(
    way: Exact, choices: Choices, failures: list[Failed], least: int = SPARE
) -> Iterator[Exact]:
    """Yield a course after each order of what must and what may be done now."""
    must, may = choices(way)
    todo = [act for act in must + may if act.rank >= least]
    for act in todo:
        other = way if must and len(todo) == 1 else way.fork()
        try:
            act.do(other)
        except Violated as no:
            failures.append((other, no))
        else:
            yield from orders(other, choices, failures, act.rank)
    if not must:
        yield way


def due_before(way: Exact, event: Event, ahead: Ahead) -> tuple[list[Act], list[Act]]:
    """Return what must be done before an event, and what may be."""
    cpu, level = event[5], level_of(event[7])
    late = [f for f in way.flying if f.event[5] == cpu and level <= f.level]
    zones = locked_by(way, event, ahead) | {f.at for f in late if f.event[2]}
    may = [freeing(f) for f in way.flying if f not in late and races(f, event, zones)]
    if event[0] == EXTFRAG:
        flying = [f for f in way.flying if may_change(way, f, event)]
        may += [typing(f, way.type_before(f.event[1], cpu)) for f in flying]
    for f in way.flying:
        if f.mt is None and f.event[6] in ahead.stolen and (f in late or f.at in zones):
            may.append(typing(f, ahead.stolen[f.event[6]]))
    if may_spare(way, event):
        may.append(sparing(event))
    for other, group in way.drains.items():
        if other != cpu and way.zone_at(group[0]) in zones:
            may.append(draining(other))
    for request in ahead.taken.get(event[6], ()):
        if may_take(way, request):
            may.append(taking(request))
    must = [freeing(f) for f in late]
    if way.drains and way.ends_drain(event):
        must.append(draining(cpu))
    return must, may


def may_spare(way: Exact, event: Event) -> bool:
    """Say whether it matters if a refill spares the zone's small blocks.

    A request for Normal tries all zones so first, and ends rather than take a small
    block of another type; then it tries all zones again.
    """
    cpu = event[5]
    if event[0] != LOCKED or event[2] or way.other_flags == event[6] or way.due[cpu]:
        return False
    at = way.zone_at(event)
    node = way.image.places[at].node
    names = [place.name for place in way.image.places if place.node == node]
    if "Normal" not in names or len(names) < 2:
        return False
    zone = way.m.zones[at]
    return pages_of(zone.lists, event[3]) < zone.pagesets[event[5]].batch


def may_change(way: Exact, free: Flying, event: Event) -> bool:
    """Say whether a steal may change the type of a freed block's page block."""
    order = way.image.cfg.pageblock_order
    if isinstance(event[4], tuple):
        order = max(order, event[4][1])
    pfn, cpu = free.event[1], event[5]
    if free.mt is not None or pfn >> order != event[1] >> order:
        return False
    now = way.m.zones[free.at].type_of(pfn)
    return not way.due[cpu] or way.type_before(pfn, cpu) != now


def races(free: Flying, event: Event, zones: set[int]) -> bool:
    """Say whether it matters if a freed block is on its list before an event."""
    if free.event[5] == event[5]:
        return True
    return free.at in zones and free.event[2] > 0


def locked_by(way: Exact, event: Event, ahead: Ahead) -> set[int]:
    """Return the zones whose lock is taken with or just before an event."""
    kind, _, order, _, _, cpu, entry, _ = event
    zones, queue = set[int](), way.due[cpu]
    if way.drains and way.ends_drain(event):
        zones.add(way.zone_at(way.drains[cpu][0]))
    starts = not queue or (kind == DRAIN and queue[0][0] == DRAIN_AT)
    takes = kind in (LOCKED, EXTFRAG, DRAIN) and starts
    if takes or (kind == FREE and order and entry not in ahead.open):
        zones.add(way.zone_at(event))
    return zones


def freeing(free: Flying) -> Act:
    """Return the act of a freed block that comes to its list."""
    rank = ZONE if free.event[2] else PAGESET
    return Act(rank, lambda way: way.free_late(free))


def typing(free: Flying, mt: int) -> Act:
    """Return the act of a freed block whose page block's type is read."""
    return Act(READ, lambda way: way.read_type(free, mt))


def sparing(event: Event) -> Act:
    """Return the act of a request that has other flags than is usual in its zone."""

    def act(way: Exact) -> None:
        way.other_flags = event[6]

    return Act(SPARE, act)


def draining(cpu: int, over: bool = True) -> Act:
    """Return the act of an unasked drain that is over, or cut by the record's end."""
    return Act(ZONE, lambda way: way.drain_unasked(cpu, over))


def may_take(way: Exact, request: Event) -> bool:
    """Say whether an interrupted request may have been given its page by now."""
    if request[6] in way.early.values():
        return False
    line = way.m.zones[way.zone_at(request)].pagesets[request[5]].lists[request[3]]
    return bool(line) and line[0] == request[1]


def taking(request: Event) -> Act:
    """Return the act of a request that is given its page, and shown later."""
    return Act(PAGESET, lambda way: way.take_early(request))


def due_at_end(way: Exact) -> tuple[list[Act], list[Act]]:
    """Return what must, and what may have been done when the record ends."""
    must = [draining(cpu, over=False) for cpu in way.drains]
    return must, [freeing(free) for free in way.flying]
