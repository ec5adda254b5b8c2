"""Which zone a request may have fallen into: zonelist and low watermarks.

The first look at the zones asks the same of every request: the zone may be used by it,
and more pages stay free than its low watermark and its reserve.  So a zone cannot have
been passed over that certainly had the page, nor used while a later one certainly had
it and itself certainly had not.  What comes after (reclaim, reserves) may use any zone.

Certainty has limits.  Cpus keep a part of NR_FREE_PAGES for themselves, a boost comes
and goes unseen, and an image of early boot has no watermarks yet.

Source: mm/page_alloc.c:get_page_from_freelist, boost_watermark;
mm/vmstat.c:calculate_normal_threshold (v5.10).
"""

from __future__ import annotations

from dataclasses import dataclass

from mmoracle.spec.linux import WMARK_LOW, AllocFlags, Gfp
from mmoracle.spec.watermark import unusable

from ..bind.buddy import Machine
from .ftrace import Event
from .gfp import gfp_of
from .image import Image

MOST_DRIFT = 125  # pages that a cpu keeps to itself of a counter
MANY = 2  # blocks of the greatest order
PATIENCE = 4096  # entries within which a zone's level may have been another
MOST_MARK = 8  # the low watermark is at most so great a part of a zone


@dataclass(frozen=True)
class Marks:
    """The low watermark of a zone with its reserve, by the highest zone of a request.

    `easy` is the least that it may be, `hard` the most, each by all that is known.
    """

    easy: tuple[int, ...]
    hard: tuple[int, ...]
    drift: int  # pages by which the kernel's own count may differ


@dataclass
class Lately:
    """When a zone last had more than little, and last not plenty, by entry."""

    filled: list[int]
    low: list[int]

    @classmethod
    def of(cls, zones: int) -> Lately:
        """Return what is known before the first entry."""
        return cls([-PATIENCE] * zones, [-PATIENCE] * zones)

    def copy(self) -> Lately:
        """Return another of the same."""
        return Lately(self.filled.copy(), self.low.copy())


@dataclass(frozen=True, slots=True)
class Request:
    """What a request asked for; `gentle`: it will not fragment while it can help it."""

    cpu: int
    order: int
    top: int  # highest_zoneidx
    gentle: bool
    line: tuple[int, ...]  # the zones it may use, first choice first


class Walk:
    """How the zones of a machine are tried, one after the other."""

    def __init__(self, image: Image, last: Image | None = None) -> None:
        self.image = image
        self.alone = len({place.node for place in image.places}) == 1
        self.marks = [marks_of(image, last, at) for at in range(len(image.places))]
        self.little = [min(m.easy) + m.drift for m in self.marks]
        self.plenty = [max(m.hard) + m.drift for m in self.marks]
        self.usual: dict[object, int] = {}  # flags -> the zone that comes first
        self.normal = image.kinds.index("Normal")

    def note(self, m: Machine, at: int, entry: int, lately: Lately) -> None:
        """Remember how full a zone is before an entry changes that."""
        free = m.zones[at].nr_free_pages
        if free > self.little[at]:
            lately.filled[at] = entry
        if free <= self.plenty[at]:
            lately.low[at] = entry

    def note_all(self, m: Machine, entry: int, lately: Lately) -> None:
        """Remember how full every zone is."""
        for at in range(len(self.marks)):
            self.note(m, at, entry, lately)

    def line(self, gfp: Gfp, at: int) -> tuple[int, ...]:
        """Return the zones that a request may use of a zone's node, first choice first.

        With several nodes, where a request begins is in no record.
        """
        places, top = self.image.places, highest(self.image.kinds, gfp)
        node = places[at].node
        order = self.image.zonelists.get(node, ())
        line = (z for z in order if places[z].node == node)
        return tuple(z for z in line if places[z].index <= top)

    def request(self, event: Event, at: int) -> Request | None:
        """Return what an allocation asked for, none if its flags are not understood."""
        _, _, order, _, text, cpu, _, _ = event
        gfp = gfp_of(text) if isinstance(text, bytes) else None
        if gfp is None:
            return None
        line = self.line(gfp, at)
        if self.alone and line:
            self.usual[text] = line[0]
        gentle = bool(line) and self.image.places[line[0]].index == self.normal
        return Request(cpu, order, highest(self.image.kinds, gfp), gentle, line)

    def why_not(
        self, m: Machine, at: int, request: Request, since: Lately, entry: int
    ) -> str | None:
        """Return why a request cannot have fallen into a zone, "" if that is open.

        `since` tells what changed meanwhile; none is the answer if it must have.
        """
        line, names = request.line, [p.name for p in self.image.places]
        if at not in line:
            return f"its flags allow zones up to {self.image.kinds[request.top]}"
        steady = entry - PATIENCE
        place, certain = line.index(at), True
        for z in line[:place]:
            if since.low[z] < steady and self.had(m, z, request):
                return (
                    f"zone {names[z]} comes first and has {self.facts(m, z, request)}"
                )
            certain &= self.had_not(m, z, request) and since.filled[z] < steady
        if since.filled[at] < steady and self.had_not(m, at, request):
            certain = place == len(line) - 1
            for z in line[place + 1 :]:
                if since.low[z] < steady and self.had(m, z, request):
                    mine = f"zone {names[at]} has {self.facts(m, at, request)}"
                    return f"{mine}, so zone {names[z]} comes next"
        return None if certain else ""

    def facts(self, m: Machine, at: int, request: Request) -> str:
        """Return a zone's level and what is asked of it, for a reader."""
        marks, free = self.marks[at], m.zones[at].nr_free_pages
        easy, hard = marks.easy[request.top], marks.hard[request.top]
        due = f"{easy}" if easy == hard else f"{easy} to {hard}"
        return f"{free} pages free with {due} to stay"

    def had(self, m: Machine, at: int, request: Request) -> bool:
        """Say whether a zone certainly had the block at the first look.

        A few blocks of the greatest order are not all made since.
        """
        zone, order = m.zones[at], request.order
        free = zone.nr_free_pages - self.marks[at].drift
        cma = zone.nr_free_cma if self.image.cfg.has_cma else 0
        free -= unusable(order, AllocFlags.NONE, zone.highatomic, cma)
        if free <= self.marks[at].hard[request.top]:
            return False
        easy = order == 0 and not request.gentle
        return easy or zone.nr_free[zone.max_order] > MANY + self.image.cfg.cpus

    def had_not(self, m: Machine, at: int, request: Request) -> bool:
        """Say whether a zone certainly had too little at the first look.

        What the request itself took is counted as if it were there.
        """
        zone = m.zones[at]
        taken = max(1 << request.order, zone.pagesets[request.cpu].batch)
        free = zone.nr_free_pages + self.marks[at].drift + taken
        return free <= self.marks[at].easy[request.top]


def marks_of(image: Image, last: Image | None, at: int) -> Marks:
    """Return what the low watermark of a zone may be while a trace lasts."""
    place, zone = image.places[at], image.state.zones[at]
    told = [(place.watermarks, place.lowmem_reserve)]
    if last is not None:
        told.append((last.places[at].watermarks, last.places[at].lowmem_reserve))
    kinds = range(len(image.kinds))
    told = [(marks, reserve or (0,) * len(kinds)) for marks, reserve in told]
    low = [[marks[WMARK_LOW] + reserve[i] for i in kinds] for marks, reserve in told]
    easy = tuple(map(min, *low)) if len(low) > 1 else tuple(low[0])
    hard = list(map(max, *low)) if len(low) > 1 else list(low[0])
    if not any(any(marks) for marks, _ in told):  # not set up yet: they will come
        hard = [zone.managed // MOST_MARK + image.totalram // MOST_MARK for _ in kinds]
    size = image.cfg.block_pages
    high = max(marks[-1] for marks, _ in told) or zone.managed // MOST_MARK
    boost = max(size, high * image.cfg.boost_factor // 10000)
    boost = boost if 4 * size <= zone.managed else 0
    drift = min(MOST_DRIFT, threshold(image.cfg.cpus, zone.managed)) * image.cfg.cpus
    return Marks(easy, tuple(mark + boost for mark in hard), drift)


def threshold(cpus: int, managed: int) -> int:
    """Return how far a cpu's own count may go: calculate_normal_threshold()."""
    return 2 * cpus.bit_length() * (1 + (managed >> 15).bit_length())


def highest(kinds: tuple[str, ...], gfp: Gfp) -> int:
    """Return the highest zone that a request may use."""
    name = "Normal"
    if gfp & Gfp.DMA and "DMA" in kinds:
        name = "DMA"
    elif gfp & Gfp.DMA32 and "DMA32" in kinds:
        name = "DMA32"
    elif gfp & Gfp.HIGHMEM:
        other = "Movable" if gfp & Gfp.MOVABLE else "HighMem"
        name = other if other in kinds else name
    return kinds.index(name)
