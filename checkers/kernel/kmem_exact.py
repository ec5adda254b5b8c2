"""Following a trace exactly: every frame, refill, drain and steal is predicted.

The machine starts as a memory image left it.  What its operations would show waits in
`due`, one queue for each cpu, until the trace shows it; at the first difference the
trace is wrong, or somebody whom it does not show was at work.

What happens between two entries of a cpu may happen before or after what others show
meanwhile.  `kmem_ways` follows every such course; this is one of them.

Source: include/trace/events/kmem.h, mm/page_alloc.c (v5.10).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from mmoracle.spec.linux import MIGRATE_MOVABLE, MIGRATE_PCPTYPES, AllocFlags

from ..bind.buddy import peek
from .ftrace import ALLOC, BATCHED, DRAIN, EXTFRAG, FREE, LOCKED, LOST, MARK, Event
from .kmem_ahead import Ahead, level_of
from .kmem_driven import DRAIN_AT, EXACT_EVENTS, Driven, Flying
from .kmem_facts import Unknown, Violated, lost, wrong

EXACT_ANSWER, ZL_ORDER = "EXACT-ANSWER", "ZL-ORDER"
OVERTAKEN = 3  # requests that others may overtake
INNER = (LOCKED, EXTFRAG)  # shown within a request
PATIENCE = 4096  # entries until an overtaken request must have been shown
NO_TYPE = "no request is of that type", "type 0, 1 or 2"
NOFRAGMENT, CMA = int(AllocFlags.NOFRAGMENT), int(AllocFlags.CMA)


class Exact(Driven):
    """A course through a trace: every event is the one that is due."""

    # -------------------------------------------------------------- following

    def follow(self, batch: Iterable[Event], ahead: Ahead) -> None:
        """Do what some events say."""
        m, due, tally = self.m, self.due, self.tally
        events, cpus = m.events, len(due)
        for event in batch:
            kind, pfn, order, mt, _, cpu, entry, _ = event
            if kind == MARK:
                continue
            if not 0 <= cpu < cpus or kind == LOST:
                self.blind(event)
            if self.drains and self.ends_drain(event):
                self.drain_unasked(cpu)
            self.now, queue = entry, due[cpu]
            tally.events += 1
            if kind == DRAIN:
                tally.seen += 1
                if not queue:
                    self.drains.setdefault(cpu, []).append(event)
                    continue
                first = queue.popleft()
                if first[0] == DRAIN_AT:
                    first = self.drain_due(cpu, first)
                if first != ("drained", pfn, mt) or order:
                    raise self.wrong_event(event, first)
                tally.internal += 1
            elif kind == LOCKED:
                tally.seen += 1
                if not queue:
                    self.begin(event, order, mt)
                first = self.next_due(cpu)
                if first != ("locked", pfn, order, mt):
                    raise self.wrong_event(event, first)
                tally.internal += 1
            elif queue and kind != EXTFRAG:
                raise self.missing(event, self.next_due(cpu))
            elif kind == ALLOC:
                self.alloc(event)
            elif kind == FREE:
                at, listed = self.zone_at(event), entry in ahead.listed
                if entry in ahead.open:
                    level = level_of(event[7])
                    self.flying.append(Flying(event, at, level, listed))
                else:
                    self.free(event, at, listed)
            elif kind == BATCHED:
                self.commit(event)
            else:
                tally.seen += 1
                self.steal(event)
                tally.internal += 1
            if events:
                queue.extend(events)
                events.clear()
            if kind not in INNER:
                self.before[cpu] = event

    def settle(self, entry: int) -> None:
        """Remember how far the trace was followed; what is owed must come in time."""
        self.tally.entries = entry + 1
        for frame, event in self.owed.items():
            if entry - event[6] > PATIENCE:
                raise self.never_shown(frame, event)
        for blocks in self.pending:
            for event in blocks.values():
                if entry - event[6] > PATIENCE:
                    why = "the block was taken, and no mm_page_alloc shows for whom"
                    due = "its mm_page_alloc"
                    raise wrong(event, EXACT_EVENTS, why, due)

    def end(self) -> None:
        """Judge what is left when no event follows."""
        for frame, event in self.owed.items():
            raise self.never_shown(frame, event)

    def blind(self, event: Event) -> None:
        """Say why the record is not enough from here on."""
        if event[0] == LOST:
            raise Unknown(event[6], lost(event))
        raise Unknown(event[6], f"cpu {event[5]} has no pageset in the image")

    # -------------------------------------------------------------- allocation

    def flags_of(self, at: int, order: int, mt: int, event: Event) -> int:
        """Return the flags of a request in a zone.

        A request for a zone with others below it fragments none while that can be
        avoided, and movable requests may use CMA; which pass it is in may be open.
        Source: alloc_flags_nofragment(), get_page_from_freelist() (v5.10).
        """
        place = self.image.places[at]
        lower = [p for p in self.image.places if p.node == place.node]
        flags = CMA if mt == MIGRATE_MOVABLE and self.image.cfg.has_cma else 0
        gentle = flags | NOFRAGMENT
        if place.name == "Normal" and len(lower) > 1:
            first = peek(self.m, event[5], at, order, mt, gentle)
            return gentle if first >= 0 and self.other_flags != event[6] else flags
        return gentle if self.other_flags == event[6] else flags

    def begin(self, event: Event, order: int, mt: int) -> None:
        """Do what an event is the first sign of: a refill, or taking a block."""
        cpu, at = event[5], self.zone_at(event)
        if not 0 <= mt < MIGRATE_PCPTYPES:
            raise wrong(event, EXACT_EVENTS, *NO_TYPE)
        self.remember_types(at, cpu, order, mt)
        self.walk.note(self.m, at, self.now, self.lately)
        flags = self.flags_of(at, order, mt, event)
        if self.m.uses_pageset(at, order, mt, flags):
            waiting = self.m.zones[at].pagesets[cpu].lists[mt]
            if waiting:
                why = f"cpu {cpu} has {len(waiting)} pages of type {mt} waiting"
                due = f"mm_page_alloc of pfn {waiting[0]}"
                raise wrong(event, EXACT_EVENTS, f"{why}, no refill is due", due)
            self.m.refill(cpu, at, mt, flags)
        else:
            got = self.m.rmqueue_zone(at, order, mt, flags)
            if got >= 0:
                self.pending[cpu][got] = event
        if not self.m.events:
            why = f"zone {self.image.places[at].name} has no block for it"
            raise wrong(event, EXACT_EVENTS, why, "a request that fails")
        self.due[cpu].extend(self.m.events)
        self.m.events.clear()

    def alloc(self, event: Event) -> None:
        """Hand out the frame that is due, and compare it with the one that was."""
        if event[1] < 0:
            self.tally.note("allocations that failed")
            return
        self.tally.asked += 1
        at = self.zone_at(event)
        if not 0 <= event[3] < MIGRATE_PCPTYPES:
            raise wrong(event, EXACT_EVENTS, *NO_TYPE)
        self.hand_out(event, at)
        self.fell_into(event, at)

    def hand_out(self, event: Event, at: int) -> None:
        """Give a request its frame, if it is the one that is due."""
        _, pfn, order, mt, gfp, cpu, _, _ = event
        line = self.m.zones[at].pagesets[cpu].lists[mt]
        if order == 0 and line and line[0] == pfn:
            self.m.alloc_pages(cpu, at, 0, mt, 0, False)
            self.tally.exact += 1
            return
        compound = isinstance(gfp, bytes) and b"__GFP_COMP" in gfp
        taken = self.pending[cpu].get(pfn)
        if taken is not None and (order, mt) == request_of(taken):
            del self.pending[cpu][pfn]
            self.m.own(pfn, order, mt, compound)
            if isinstance(gfp, bytes) and b"GFP_ATOMIC" in gfp:
                self.may_reserve(at, order, event[6])
        elif self.early.get(pfn) == event[6]:
            del self.early[pfn]
        elif order:
            self.captured(event, at)
            raise self.wrong_frame(event)
        else:
            self.overtaken(event, line, at, compound)
        self.tally.exact += 1

    def fell_into(self, event: Event, at: int) -> None:
        """Compare the zone of a frame with those that its request may fall into."""
        walk, tally = self.walk, self.tally
        tally.zoned += 1
        usual = walk.usual.get(event[4]) == at
        if usual and self.m.zones[at].nr_free_pages > walk.plenty[at]:
            tally.placed += 1
            return
        request = walk.request(event, at, self.began(event))
        if request is None:
            tally.note("requests whose flags are of no 5.10 kernel")
            return
        walk.note_all(self.m, self.now, self.lately)
        no = walk.why_not(self.m, at, request, self.lately)
        if no:
            raise wrong(event, ZL_ORDER, no, "a frame of that zone")
        tally.placed += no is None

    def began(self, event: Event) -> int:
        """Return an entry after which a request began, the last that is certain."""
        before = self.before[event[5]]
        if before is None or task_of(before[7]) != task_of(event[7]):
            return event[6] - PATIENCE
        same = level_of(before[7]) == level_of(event[7])
        return before[6] if same else event[6] - PATIENCE

    def may_reserve(self, at: int, order: int, entry: int) -> None:
        """Note a request that may have used or made a high-atomic reserve, unseen.

        It does so where it finds memory below a watermark; the highest is looked at,
        as what a zone keeps from requests for others is in no image.  One of early
        boot has no watermarks yet: they come to no more than 7.5 % of a zone.
        Source: gfp_to_alloc_flags(), get_page_from_freelist(),
        set_recommended_min_free_kbytes(), __setup_per_zone_wmarks() (v5.10).
        """
        zone, marks = self.m.zones[at], self.image.places[at].watermarks
        least = (marks[-1] or zone.managed // 8) + zone.boost + (1 << order)
        if self.tally.reserve is None and zone.nr_free_pages < least:
            self.tally.reserve = entry

    def overtaken(
        self, event: Event, line: deque[int], at: int, compound: bool
    ) -> None:
        """Take a frame that another's request got while the one before was on its way.

        A request shows itself only when its page is prepared, with interrupts on, and
        in a preemptible kernel another task may run by then.
        """
        _, pfn, _, mt, _, cpu, _, text = event
        if pfn in self.owed:
            other = self.owed.pop(pfn)
            if task_of(other[7]) == task_of(text) and not level_of(other[7]):
                raise self.never_shown(pfn, other)
            return
        first = [line[i] for i in range(min(OVERTAKEN + 1, len(line)))]
        if pfn not in first[1:]:
            raise self.wrong_frame(event)
        for frame in first[: first.index(pfn)]:
            self.owed[frame] = event
            self.m.alloc_pages(cpu, at, 0, mt, 0, False)
            self.tally.note("requests shown after one that overtook them")
        self.m.alloc_pages(cpu, at, 0, mt, 0, compound)

    def never_shown(self, frame: int, event: Event) -> Violated:
        """Return the verdict on a request that overtook one that nothing shows."""
        why = f"pfn {frame} was before it, and no other task's request shows it"
        return wrong(event, EXACT_ANSWER, why, f"pfn {frame}")

    def captured(self, event: Event, at: int) -> None:
        """Give up where no event shows that a block left the zone, and it cannot have.

        Direct compaction may have kept it for its task: compaction_capture() (v5.10).
        """
        _, pfn, order, mt, _, cpu, entry, _ = event
        shown_otherwise = self.pending[cpu] or pfn in self.m.zones[at].index
        if not shown_otherwise and peek(self.m, cpu, at, order, mt, 0) != pfn:
            why = f"no event shows where the block of order {order} came from"
            raise Unknown(entry, f"{why}: compaction may have captured it")

    def take_early(self, event: Event) -> None:
        """Give a request its page before its event is shown."""
        _, pfn, _, mt, gfp, cpu, entry, _ = event
        if self.due[cpu]:
            raise self.missing(event, self.next_due(cpu))
        compound = isinstance(gfp, bytes) and b"__GFP_COMP" in gfp
        self.m.alloc_pages(cpu, self.zone_at(event), 0, mt, 0, compound)
        self.early[pfn] = entry
        self.tally.note("requests shown after an interrupt that overtook them")

    def steal(self, event: Event) -> None:
        """Compare a steal; whether its page block changed type is the record's to say.

        That depends on how many of its pages are on LRU lists, which no event shows.
        """
        _, pfn, _, _, told, cpu, _, _ = event
        assert isinstance(told, tuple)
        alloc_order, fallback_order, _, alloc_mt, fallback_mt, changed = told
        zone = self.m.zones[self.zone_at(event)]
        if not self.due[cpu]:
            self.begin(event, alloc_order, alloc_mt)
        old, first = self.type_before(pfn, cpu), self.next_due(cpu)
        facts = (pfn, alloc_order, fallback_order, alloc_mt, fallback_mt)
        if first[:6] != ("stole", *facts):
            raise self.wrong_event(event, first)
        if first[6] != bool(changed):
            zone.set_type(pfn, alloc_mt if changed else old)
            self.tally.note("page blocks whose LRU pages decided their type")

    def wrong_frame(self, event: Event) -> Violated:
        """Return the verdict on a request that got another frame than was due."""
        _, pfn, order, mt, _, cpu, _, _ = event
        at = self.zone_at(event)
        zone, name = self.m.zones[at], self.image.places[at].name
        rule, expected = EXACT_ANSWER, "no block"
        if order:
            taken = list(self.pending[cpu])
            why = "no block was taken from the zone for it"
            if taken:
                expected = f"pfn {taken[0]}"
                why = "that is the block taken from the zone for it"
        else:
            line = zone.pagesets[cpu].lists[mt]
            why = f"cpu {cpu} has no page of type {mt} waiting in zone {name}"
            if line:
                expected = f"pfn {line[0]}"
                why = f"it is the head of cpu {cpu}'s list of type {mt} in zone {name}"
        if self.m.frames.holder_of(pfn) >= 0:
            rule, why = "BUD-DISJOINT", f"{why}; pfn {pfn} is held already"
        return wrong(event, rule, why, expected)


def task_of(line: bytes) -> bytes:
    """Return the name and number of the task that an entry was made in."""
    return line[: line.find(b" [", 17)].strip()


def request_of(event: Event) -> tuple[int, int]:
    """Return the order and type of the request that an internal event serves."""
    if event[0] == EXTFRAG and isinstance(event[4], tuple):
        return event[4][0], event[4][3]
    return event[2], event[3]
