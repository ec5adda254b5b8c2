"""Following a trace permissively: who holds which frame, and nothing else.

Any correct page allocator passes: no frame is handed out twice, a free gives back a
block as it was handed out, blocks are aligned, and no list holds what somebody holds.
A frame that the trace has not named yet may be held or free.  One that went back to a
zone's lists may be taken from there unseen, by compaction or cma_alloc(), and be freed
by an event; one that waits in a pageset may not.
"""

from __future__ import annotations

from mmoracle.spec.linux import MIGRATE_MOVABLE, Gfp

from .ftrace import ALLOC, BATCHED, DRAIN, FREE, LOCKED, LOST, MARK, Event
from .gfp import known_flags
from .image import KINDS
from .kmem_facts import Tally, Unknown, lost, wrong
from .zoneinfo import ZoneRow

DISJOINT, ALIGN, OWN, ZONE = "BUD-DISJOINT", "BUD-ALIGN", "BUD-OWN", "BUD-ZONE"
LOW = ("DMA", "DMA32")  # a kernel may be built without them
RANKS = {name: int(kind) for kind, name in KINDS.items()}
LARGEST = 16
HUGE = 9  # movable compound blocks of this order and more may be split unseen


class Ledger:
    """The frames that a trace has named: held by whom, or free."""

    def __init__(self, zones: tuple[ZoneRow, ...] = ()) -> None:
        self.tally = Tally()
        self.zones = zones
        self.held: dict[int, int] = {}  # first frame -> order
        self.tails: dict[int, int] = {}  # other frames -> first frame
        self.fixed: dict[int, bool] = {}  # compound blocks: whether movable
        self.waiting: set[int] = set()  # free, in a pageset
        self.listed: set[int] = set()  # free, on a zone's lists
        self.modern = False  # 5.14 and later: pages may be allocated in bulk, unseen

    def follow(self, batch: list[Event], start: int = 0) -> None:
        """Judge a batch of events, from entry `start` on."""
        held, tails, tally = self.held, self.tails, self.tally
        for event in batch:
            kind, pfn, order, _, _, _, entry, _ = event
            if entry < start or kind == MARK:
                continue
            tally.events += 1
            if kind == ALLOC:
                self.alloc(event)
            elif kind == FREE:
                if held.get(pfn) == order:
                    self.release(pfn, order)
                    tally.freed += 1
                else:
                    self.odd_free(event)
            elif kind == LOST:
                raise Unknown(entry, lost(event))
            else:
                tally.seen += kind != BATCHED
                if pfn in held or pfn in tails:
                    first = tails.get(pfn, pfn)
                    why = f"pfn {pfn} is on a list while the block at {first} is held"
                    raise wrong(event, DISJOINT, why, "a frame that nobody holds")
                tally.internal += kind != BATCHED
                if kind == DRAIN:
                    self.waiting.discard(pfn)
                    self.listed.add(pfn)
                elif kind == LOCKED and order == 0:
                    self.listed.discard(pfn)
                    self.waiting.add(pfn)
        if batch:
            tally.entries = batch[-1][6] + 1

    # -------------------------------------------------------------- allocation

    def alloc(self, event: Event) -> None:
        """Judge a block that is handed out, and remember its holder."""
        _, pfn, order, mt, gfp, _, _, line = event
        if pfn < 0:
            self.tally.note("allocations that failed")
            return
        self.tally.asked += 1
        if not self.tally.asked & 1023 and not self.modern:
            self.modern = b"pfn=0x" in line
        self.judge_order(event)
        frames = range(pfn, pfn + (1 << order))
        if pfn % len(frames):
            why = f"pfn {pfn} is not a multiple of {len(frames)}"
            raise wrong(event, ALIGN, why, "an aligned block")
        for frame in frames:
            if frame in self.held or frame in self.tails:
                first = self.tails.get(frame, frame)
                why = f"pfn {frame} is handed out while the block at {first} is held"
                raise wrong(event, DISJOINT, why, "a block that nobody holds")
        if self.zones:
            self.judge_zone(event, frames)
        self.hold(pfn, order)
        if order and isinstance(gfp, bytes) and b"__GFP_COMP" in gfp:
            self.fixed[pfn] = mt == MIGRATE_MOVABLE
        self.waiting.discard(pfn)
        self.listed.difference_update(frames)
        self.tally.exact += 1

    def judge_order(self, event: Event) -> None:
        """Refuse a block that is larger than any allocator's."""
        if event[2] > LARGEST:
            why = f"order {event[2]} is beyond every MAX_ORDER"
            raise wrong(event, ALIGN, why, f"order {LARGEST} at most")

    def judge_zone(self, event: Event, frames: range) -> None:
        """Refuse a block that is not in one zone, or in one that was not asked for."""
        inside = [z for z in self.zones if frames[0] in z.frames]
        if not inside or frames[-1] not in inside[0].frames:
            why = f"pfn {frames[0]} to {frames[-1]} are not in one zone"
            raise wrong(event, ZONE, why, "a block inside a zone")
        text = event[4] if isinstance(event[4], bytes) else b"none"
        top, zone = asked_zone(known_flags(text)), inside[0].name
        if top in LOW and all(row.name != top for row in self.zones):
            return  # the kernel may be built without it
        if RANKS.get(zone, 0) > RANKS[top]:
            why = f"pfn {frames[0]} is in zone {zone}"
            raise wrong(event, ZONE, why, f"a block of zone {top}, or one below")

    def hold(self, pfn: int, order: int) -> None:
        """Remember that somebody holds a block."""
        self.held[pfn] = order
        if order:
            behind = range(pfn + 1, pfn + (1 << order))
            self.tails.update(dict.fromkeys(behind, pfn))

    # -------------------------------------------------------------- freeing

    def drop(self, pfn: int) -> int:
        """Forget the holder of a block; return its order."""
        order = self.held.pop(pfn)
        if order:
            for frame in range(pfn + 1, pfn + (1 << order)):
                del self.tails[frame]
        return order

    def release(self, pfn: int, order: int) -> None:
        """Take a block back from its holder."""
        self.drop(pfn)
        self.fixed.pop(pfn, None)
        self.set_free(pfn, order)

    def set_free(self, pfn: int, order: int) -> None:
        """Remember where a freed block goes: a page to a pageset, more to the zone."""
        if order:
            self.listed.update(range(pfn, pfn + (1 << order)))
        else:
            self.listed.discard(pfn)
            self.waiting.add(pfn)

    def odd_free(self, event: Event) -> None:
        """Judge a free of what is not known to be held as such a block."""
        _, pfn, order, _, _, _, _, _ = event
        self.judge_order(event)
        first = self.tails.get(pfn, pfn)
        if first in self.held:
            self.cut(event, first)
            self.release(pfn, order)
            self.tally.note("blocks freed in parts")
            return
        if pfn in self.listed:
            # its page block may be isolated, and what is freed there waits nowhere
            self.tally.note("frames taken off a zone's lists unseen (compaction, CMA)")
            return
        if pfn in self.waiting:
            self.freed_twice(event)
        self.set_free(pfn, order)

    def cut(self, event: Event, first: int) -> None:
        """Halve a block until a part of it is one of its own, if it may be split."""
        _, pfn, order, _, _, _, _, _ = event
        high = self.held[first]
        name = f"the block of order {high} at {first}"
        if high <= order:
            why = f"pfn {pfn} is freed with order {order}, it is {name}"
            raise wrong(event, OWN, why, f"order {high}")
        movable = self.fixed.get(first)
        if movable is False or (movable and high < HUGE and not self.modern):
            why = f"pfn {pfn} order {order} is a part of {name}, which is compound"
            raise wrong(event, OWN, why, f"pfn {first} order {high}")
        self.drop(first)
        self.fixed.pop(first, None)
        while high > order:
            high -= 1
            upper = first + (1 << high)
            first, rest = (upper, first) if pfn >= upper else (first, upper)
            self.hold(rest, high)
        self.hold(first, order)

    def freed_twice(self, event: Event) -> None:
        """Judge a free of a page that waits in a pageset, as far as the trace shows.

        Later kernels allocate in bulk from there without an event.
        """
        if not self.modern and b"pfn=0x" not in event[7]:
            why = f"pfn {event[1]} is freed twice"
            raise wrong(event, OWN, why, "a block that somebody holds")
        self.modern = True
        self.tally.note("frames that were allocated in bulk, unseen")


def asked_zone(gfp: Gfp) -> str:
    """Return the highest zone that flags name, by its name: gfp_zone()."""
    if gfp & Gfp.DMA:
        return "DMA"
    if gfp & Gfp.DMA32:
        return "DMA32"
    if gfp & Gfp.HIGHMEM:
        return "Movable" if gfp & Gfp.MOVABLE else "HighMem"
    return "Normal"
