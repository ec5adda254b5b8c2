"""Histories of the page allocator and their pictures, which the cases of buddy share.

A picture of free blocks is `0M 1 | 1M 2 6`: frame 1 alone, two pairs at 2 and 6, all on
lists of movable blocks, heads first.  U M R H C I are the migrate types, in pictures
of a pageset too: `U 7 | M 3 4`.
"""

from dataclasses import dataclass, replace

import pytest

from mmoracle.checkers.bind.buddy import BUDDY
from mmoracle.checkers.session import Session
from mmoracle.spec.buddy.blocks import enlist
from mmoracle.spec.buddy.ops import empty
from mmoracle.spec.buddy.zones import Held, count, own, put, with_zone, zone_of


def letter(cfg, mt):
    """Return the letter of a migrate type."""
    return {cfg.cma: "C", cfg.isolate: "I"}.get(mt) or "UMRH"[mt]


def type_named(cfg, name):
    """Return the migrate type of a letter."""
    return {"C": cfg.cma, "I": cfg.isolate}.get(name, "UMRH".find(name))


def cells(picture):
    """Return (first word, numbers) of each cell of a picture."""
    rows = [cell.split() for cell in picture.split("|") if cell.strip()]
    return [(row[0], list(map(int, row[1:]))) for row in rows]


def drawn(rows):
    """Return the picture of rows that are not empty."""
    return " | ".join(" ".join(map(str, (name, *line))) for name, line in rows if line)


def laid(cfg, free, waiting, held, movable):
    """Return a state of one zone: what no picture names is held, page by page."""
    s, known = empty(cfg), set()
    for name, line in cells(held):
        for pfn in line:
            block = Held(pfn, int(name), movable=pfn in movable)
            s = own(s, block)
            known.update(range(pfn, block.end))
    for name, line in cells(free):
        order, mt = int(name[:-1]), type_named(cfg, name[-1])
        for pfn in line:
            s = enlist(s, 0, pfn, order, mt, tail=True)
            s = count(cfg, s, 0, (mt != cfg.isolate) << order, mt)
            known.update(range(pfn, pfn + (1 << order)))
    for name, line in cells(waiting):
        zone, mt = s.zones[0], type_named(cfg, name)
        ps = zone.pagesets[0]
        lists = put(ps.lists, mt, tuple((pfn, mt) for pfn in line))
        ps = replace(ps, lists=lists, count=ps.count + len(line))
        s = with_zone(s, 0, replace(zone, pagesets=put(zone.pagesets, 0, ps)))
        known.update(line)
    span = cfg.zones[0]
    there = [p for p in range(span.start, span.end) if zone_of(cfg, p) == 0]
    rest = (Held(p, 0, movable=p in movable) for p in there if p not in known)
    isolated = s.types.count(cfg.isolate)
    reserved = s.types.count(type_named(cfg, "H")) * cfg.block_pages
    zone = replace(
        s.zones[0], managed=len(there), nr_isolate=isolated, highatomic=reserved
    )
    return own(with_zone(s, 0, zone), *rest)


@dataclass
class History:
    """Operations done by the specification and by both halves of the machine."""

    session: Session

    def do(self, *ops):
        """Do operations; compare answers, states, laws and invariants after each."""
        for op in ops:
            cfg, before = self.session.cfg, self.session.state
            answer = self.session.do(op)
            other = BUDDY.load(cfg, before)
            BUDDY.accept(other, op, answer)
            assert BUDDY.abstract(other) == self.state
        return self

    @property
    def state(self):
        """Return the state that was reached."""
        return self.session.state

    @property
    def last(self):
        """Return the value of the last answer."""
        return self.session.trace[-1].result.value

    @property
    def values(self):
        """Return the values of all answers."""
        return [entry.result.value for entry in self.session.trace]

    @property
    def events(self):
        """Return the events of the last answer."""
        return self.session.trace[-1].result.events

    def zone(self, at=0):
        """Return a zone."""
        return self.state.zones[at]

    def free(self, at=0):
        """Return the picture of a zone's lists."""
        cfg = self.session.cfg
        return drawn(
            (f"{order}{letter(cfg, mt)}", line)
            for order, lists in enumerate(self.zone(at).free)
            for mt, line in enumerate(lists)
        )

    def waiting(self, cpu=0, at=0):
        """Return the picture of a pageset."""
        lists = self.zone(at).pagesets[cpu].lists
        lines = ([pfn for pfn, _ in line] for line in lists)
        return drawn(zip("UMR", lines, strict=True))

    @property
    def held(self):
        """Return (pfn, order) of what is held."""
        return [(h.pfn, h.order) for h in self.state.held]

    @property
    def blocks(self):
        """Return the letters of the page blocks."""
        return "".join(letter(self.session.cfg, mt) for mt in self.state.types)


@pytest.fixture
def buddy():
    """Return a function that does a history of the page allocator.

    It begins with the memory of the configuration; or with these free blocks, these
    pages in the first pageset, these held blocks (`2 4 8`: of order 2 at 4 and 8) and
    all else held page by page, where `movable` says so by movable requests.
    """

    def history(cfg, *ops, free=None, waiting="", held="", movable=(), state=None):
        session = Session(BUDDY, cfg)
        if free is not None:
            state = laid(cfg, free, waiting, held, movable)
            sets = session.state.zones[0].pagesets
            state = with_pagesets(state, sets)
        if state is not None:
            session.state, session.machine = state, BUDDY.load(cfg, state)
        return History(session).do(*ops)

    return history


def with_pagesets(s, like):
    """Return a state whose pagesets have the marks of others."""
    zone = s.zones[0]
    pairs = zip(zone.pagesets, like, strict=True)
    sets = tuple(replace(a, high=b.high, batch=b.batch) for a, b in pairs)
    return with_zone(s, 0, replace(zone, pagesets=sets))
