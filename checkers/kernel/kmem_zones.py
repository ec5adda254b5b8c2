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

from collections.abc import Iterator
from dataclasses import dataclass

from mmoracle.spec.freelist.request import avoids_fragments, gfp_zone
from mmoracle.spec.linux import WMARK_HIGH, WMARK_LOW, AllocFlags
from mmoracle.spec.watermark import unusable
from mmoracle.spec.zones.layout import Layout
from mmoracle.spec.zones.marks import (
    clamp_kbytes,
    hugepage_kbytes,
    lowmem_reserve,
    most_boost,
    pages_min,
    root_kbytes,
    zone_marks,
)

from ..bind.buddy import Machine
from .ftrace import Event
from .gfp import gfp_of
from .image import KINDS, Image
from .proc_facts import normal_threshold

MANY = 2  # blocks of the greatest order: they are not all made within a request


@dataclass(frozen=True)
class Marks:
    """The low watermark of a zone with its reserve, by the highest zone of a request.

    `easy` is the least that it may be, `hard` the most, each by all that is known.
    """

    easy: tuple[int, ...]
    hard: tuple[int, ...]
    drift: int  # pages by which the kernel's own count may differ


@dataclass(frozen=True, slots=True)
class Request:
    """What an allocation asked for, and since when its zones were looked at."""

    order: int
    top: int  # highest_zoneidx
    gentle: bool  # it mixes no types in a page block while it can help it
    line: tuple[int, ...]  # the zones it may use, first choice first
    since: int  # the entry behind which it began


@dataclass
class Lately:
    """By zone, the last entry when it had more than little, and not plenty."""

    filled: list[int]
    low: list[int]

    @classmethod
    def of(cls, zones: int) -> Lately:
        """Return what is known before the first entry."""
        return cls([-1] * zones, [-1] * zones)

    def copy(self) -> Lately:
        """Return another of the same."""
        return Lately(self.filled.copy(), self.low.copy())


class Walk:
    """How the zones of a machine are tried, one after the other."""

    def __init__(self, image: Image, last: Image | None = None) -> None:
        self.image = image
        self.alone = len({place.node for place in image.places}) == 1
        self.marks = [marks_of(image, last, at) for at in range(len(image.places))]
        self.little = [min(m.easy) + m.drift for m in self.marks]
        self.plenty = [max(m.hard) + m.drift for m in self.marks]
        self.usual: dict[object, int] = {}  # flags -> the zone that comes first

    # -------------------------------------------------------------- what is asked

    def line(self, top: int, at: int) -> tuple[int, ...]:
        """Return the zones that a request may use of a zone's node, first choice first.

        With several nodes, where a request begins is in no record.
        """
        places = self.image.places
        node = places[at].node
        order = self.image.zonelists.get(node, ())
        line = (z for z in order if places[z].node == node)
        return tuple(z for z in line if places[z].index <= top)

    def request(self, event: Event, at: int, since: int) -> Request | None:
        """Return what an allocation asked for, none if its flags are not understood."""
        text, kinds = event[4], self.image.kinds
        gfp = gfp_of(text) if isinstance(text, bytes) else None
        top = None if gfp is None else gfp_zone(gfp, kinds)
        if not isinstance(top, int):
            return None
        line = self.line(top, at)
        if self.alone and line:
            self.usual[text] = line[0]
        first = self.image.places[line[0]].index if line else None
        return Request(
            event[2], top, avoids_fragments(first, kinds, 1, True), line, since
        )

    # -------------------------------------------------------------- how full zones are

    def note(self, m: Machine, at: int, now: int, lately: Lately) -> None:
        """Remember how full a zone is before something changes that."""
        free = m.zones[at].nr_free_pages
        if free > self.little[at]:
            lately.filled[at] = now
        if free <= self.plenty[at]:
            lately.low[at] = now

    def note_all(self, m: Machine, now: int, lately: Lately) -> None:
        """Remember how full every zone is."""
        for at in range(len(self.marks)):
            self.note(m, at, now, lately)

    def had(self, m: Machine, at: int, request: Request) -> bool:
        """Say whether a zone certainly has the block that is asked for."""
        zone = m.zones[at]
        free = zone.nr_free_pages - self.marks[at].drift
        cma = zone.nr_free_cma if self.image.cfg.has_cma else 0
        free -= unusable(request.order, AllocFlags.NONE, zone.highatomic, cma)
        if free <= self.marks[at].hard[request.top]:
            return False
        easy = request.order == 0 and not request.gentle
        return easy or zone.nr_free[zone.max_order] > MANY + self.image.cfg.cpus

    def had_not(self, m: Machine, at: int, request: Request) -> bool:
        """Say whether a zone certainly has too little, were the block still there."""
        zone = m.zones[at]
        taken = max(1 << request.order, zone.pagesets[0].batch if zone.pagesets else 0)
        free = zone.nr_free_pages + self.marks[at].drift + taken
        return free <= self.marks[at].easy[request.top]

    # -------------------------------------------------------------- judging

    def why_not(
        self, m: Machine, at: int, request: Request, lately: Lately
    ) -> str | None:
        """Return why a request cannot have fallen into a zone, "" if that is open.

        None is the answer if no other zone was possible.
        """
        line, since, certain = request.line, request.since, True
        if at not in line:
            top = KINDS[self.image.kinds[request.top]]
            return f"its flags allow zones up to {top}"
        place = line.index(at)
        for z in line[:place]:
            if lately.low[z] <= since and self.had(m, z, request):
                return f"{self.facts(m, z, request)}, and comes first"
            certain &= self.had_not(m, z, request) and lately.filled[z] <= since
        if self.had_not(m, at, request) and lately.filled[at] <= since:
            certain = place == len(line) - 1
            for z in line[place + 1 :]:
                if lately.low[z] <= since and self.had(m, z, request):
                    mine, other = (self.facts(m, each, request) for each in (at, z))
                    return f"{mine}; {other}, and comes next"
        return None if certain else ""

    def facts(self, m: Machine, at: int, request: Request) -> str:
        """Return a zone's level and what has to stay, for a reader."""
        marks, free = self.marks[at], m.zones[at].nr_free_pages
        easy, hard = marks.easy[request.top], marks.hard[request.top]
        due = f"{easy}" if easy == hard else f"{easy} to {hard}"
        return f"zone {self.image.places[at].name} has {free} pages free, {due} to stay"


# ------------------------------------------------------------------ marks


def marks_of(image: Image, last: Image | None, at: int) -> Marks:
    """Return what the low watermark of a zone may be while a trace lasts."""
    zone, kinds = image.state.zones[at], range(len(image.kinds))
    told = list(told_of(image, last, at))
    low = [[marks[WMARK_LOW] + reserve[i] for i in kinds] for marks, reserve in told]
    easy, hard = map(min, zip(*low, strict=True)), map(max, zip(*low, strict=True))
    high = max(marks[WMARK_HIGH] for marks, _ in told)
    boost = most_boost(high, image.cfg.boost_factor, image.cfg.block_pages)
    boost = boost if 4 * image.cfg.block_pages <= zone.managed else 0
    drift = normal_threshold(zone.managed, image.cfg.cpus) * image.cfg.cpus
    return Marks(tuple(easy), tuple(mark + boost for mark in hard), drift)


def told_of(
    image: Image, last: Image | None, at: int
) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Yield the marks and reserves that a zone may have, as told or as they will be."""
    nothing = (0,) * len(image.kinds)
    for each in (image, last) if last is not None else (image,):
        place = each.places[at]
        yield place.watermarks, place.lowmem_reserve or nothing
    if not any(image.places[at].watermarks):
        yield later_marks(image, at)


def later_marks(image: Image, at: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the highest marks and reserves that a zone will get in boot.

    What boot still keeps may be released before: so all that is present counts.
    Source: init_per_zone_wmark_min(), set_recommended_min_free_kbytes() (v5.10).
    """
    place, kinds = image.places[at], [KINDS[kind] for kind in image.kinds]
    present, now = (sum(p.present for p in image.places), max(1, image.totalram))
    kbytes = clamp_kbytes(root_kbytes(present))
    kbytes = hugepage_kbytes(present, len(kinds), image.cfg.block_pages, kbytes)
    marks = zone_marks(pages_min(kbytes), place.present, min(present, now))
    sizes = [0] * len(kinds)
    for each in image.places:
        sizes[each.index] += each.present
    ratios = Layout(tuple(kinds)).ratios
    return marks, lowmem_reserve(tuple(sizes), ratios, place.index)
