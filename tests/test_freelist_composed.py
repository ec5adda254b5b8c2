"""The walk over real free lists: it plays its questions down to the page allocator.

Each zone's level is read from the page allocator's lists, whose pagesets, steals and
boosts change it.  Before every request the specification says from these numbers alone
which zones will be asked and which will give; the page allocator must agree.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from mmoracle.checkers.bind import buddy, freelist
from mmoracle.impl.buddy.allocator import WOKE
from mmoracle.impl.buddy.zone import TYPES
from mmoracle.impl.freelist.alloc import FreeLists
from mmoracle.spec.buddy.zones import Config as BuddyConfig
from mmoracle.spec.buddy.zones import Span
from mmoracle.spec.freelist.alloc import AllocPages, GetPageFromFreelist
from mmoracle.spec.freelist.answers import Mark, NoPage, Page, Pageset, SlowPath, Took
from mmoracle.spec.freelist.zones import Config, Lower, Memory, Place, Task, Zone
from mmoracle.spec.linux import (
    GFP_ATOMIC,
    GFP_HIGHUSER_MOVABLE,
    GFP_KERNEL,
    MIGRATE_HIGHATOMIC,
    AllocFlags,
    Gfp,
    ZoneType,
)

ORDERS, PAGEBLOCK, CPUS = 7, 5, 2
KSWAPD = AllocFlags.KSWAPD
KINDS = (ZoneType.DMA32, ZoneType.NORMAL, ZoneType.MOVABLE)
MARKS = ((16, 24, 32), (30, 45, 60), (10, 15, 20))
RESERVES = ((0, 60, 70), (0, 0, 20), (0, 0, 0))
SPANS = (Span(0, 512), Span(512, 1536), Span(1536, 1792))
GFPS = (
    GFP_KERNEL,
    GFP_KERNEL | Gfp.COMP | Gfp.ZERO,
    GFP_ATOMIC,
    GFP_KERNEL | Gfp.RECLAIMABLE,
    GFP_KERNEL | Gfp.DMA32,
    GFP_HIGHUSER_MOVABLE,
    GFP_HIGHUSER_MOVABLE | Gfp.ZERO,
)
EAGER = AllocFlags.HIGH | AllocFlags.HARDER | KSWAPD


def machines(nids: tuple[int, ...], seed: int):
    """Return the walk's configuration, and a page allocator with the same zones."""
    below = BuddyConfig(
        zones=SPANS,
        orders=ORDERS,
        pageblock_order=PAGEBLOCK,
        cpus=CPUS,
        high=12,
        batch=4,
        high_wmark=60,
        types=(0, 1, 2),
    )
    zones = tuple(Place(nid, i, MARKS[i], RESERVES[i]) for i, nid in enumerate(nids))
    refs = tuple((place.nid, place.index) for place in reversed(zones))
    nodes = sorted(set(nids))
    cfg = Config(
        kinds=KINDS,
        zones=zones,
        fallback=tuple(
            tuple(sorted(refs, key=lambda ref: ref[0] != nid)) for nid in nodes
        ),
        own=tuple(tuple(ref for ref in refs if ref[0] == nid) for nid in nodes),
        numa=len(nodes) > 1,
        orders=ORDERS,
        pageblock_order=PAGEBLOCK,
        most=(1 << 12,) * ORDERS,
    )
    return cfg, buddy.build(below)


def level(zone) -> Zone:
    """Return what the walk may know of one of the page allocator's zones."""
    types = MIGRATE_HIGHATOMIC + 1
    blocks = tuple(
        tuple(len(zone.lists[order * TYPES + mt]) for mt in range(types))
        for order in range(ORDERS)
    )
    words = zone.nr_free_pages, 0, zone.boost, zone.boosted, zone.highatomic
    return Zone(blocks, *words)


class Composed:
    """The walk's machine, whose questions the page allocator answers."""

    def __init__(self, cfg: Config, below) -> None:
        self.cfg, self.below, self.cpu = cfg, below, 0
        self.walk: FreeLists = freelist.load(cfg, self.state())
        self.walk.rmqueue = self.rmqueue
        self.pfn = -1
        self.woke: list[int] = []  # zones for which kswapd was woken

    def state(self) -> Memory:
        """Return the zones as the page allocator has them now."""
        zones = tuple(map(level, self.below.zones))
        return Memory(zones, len(self.cfg.fallback) - 1)

    def refresh(self) -> None:
        """Show the walk what the page allocator has."""
        for zone, told in zip(self.walk.zones, self.state().zones, strict=True):
            for order, row in enumerate(told.blocks):
                for mt, number in enumerate(row):
                    zone.add(order, mt, number - zone.nr[order][mt])
            assert (zone.free, zone.free_cma) == (told.free, told.free_cma)
            zone.boost, zone.boosted = told.boost, told.boosted
            zone.highatomic = told.highatomic

    def rmqueue(self, ac, zone, flags) -> bool:
        """Take a block from the page allocator."""
        compound = bool(ac.gfp & Gfp.COMP)
        args = self.cpu, zone.at, ac.order, ac.mt, flags, compound
        self.pfn = self.below.alloc_pages(*args)
        found = self.pfn >= 0
        self.walk.events.append(("pageset" if found else "none", zone.at))
        self.woke += [each[1] for each in self.below.events if each[0] == WOKE]
        if zone.at in self.woke:
            self.walk.events.append(("woke", zone.at))
        self.below.events.clear()
        return found

    def lower(self, mt: int) -> Lower:
        """Return which pagesets have a page of a type."""
        sets = [zone.pagesets[self.cpu].lists[mt] for zone in self.below.zones]
        return Lower(cached=sum(bool(line) << at for at, line in enumerate(sets)))

    def do(self, op):
        """Do a request; return what the walk answers, and the specification.

        Whether a steal boosts a watermark is the page allocator's to say.
        """
        before = self.state()
        self.refresh()
        self.woke.clear()
        got = freelist.apply(self.walk, op)
        fresh = {at for at in self.woke if not before.zones[at].boosted}
        boosts = sum(1 << at for at in fresh)
        told = replace(op, lower=replace(op.lower, boosts=boosts))
        due = told.choose(self.cfg, before)
        return plain(got), plain(due), due


def plain(result):
    """Return an answer without the order of the block, which is decided below."""
    kinds = Took | Pageset
    seen = [("page", e.at) if isinstance(e, kinds) else e for e in result.events]
    return result.value, tuple(seen)


def asked(dice: Random, m: Composed, slow: bool):
    """Return a random request, as the first attempt or as the slow path makes it."""
    gfp, order = dice.choice(GFPS), dice.choice((0, 0, 0, 0, 1, 2, 4))
    m.cpu = dice.randrange(CPUS)
    lower = m.lower((gfp >> 3) & 3)
    nid = dice.randrange(len(m.cfg.fallback))
    if slow:
        flags = dice.choice((EAGER, KSWAPD, AllocFlags.NO_WATERMARKS, AllocFlags.OOM))
        return GetPageFromFreelist(gfp, order, flags, nid, None, Task(), lower)
    return AllocPages(gfp, order, nid, None, Task(), lower)


@pytest.mark.parametrize("nids", [(0, 0, 0), (0, 0, 1)])
@pytest.mark.parametrize("seed", [1, 2])
def test_zones_are_chosen_by_the_lists_of_a_real_page_allocator(nids, seed):
    cfg, below = machines(nids, seed)
    m, dice, seen = Composed(cfg, below), Random(seed), Counter()
    held: list[tuple[int, int]] = []
    target = 900
    for turn in range(12_000):
        if turn % 1_000 == 0:
            target = dice.choice((300, 1_200, 1_700, 1_900))
        frees = dice.random() < (0.8 if used(m) > target else 0.3)
        if frees and len(held) > 4:
            pfn, order = held.pop(dice.randrange(len(held)))
            assert below.free_pages(m.cpu, pfn, order) is None
            below.events.clear()
            continue
        op = asked(dice, m, slow=dice.random() < 0.3)
        got, right, due = m.do(op)
        assert got == right, (turn, op)
        if isinstance(due.value, Page):
            held.append((m.pfn, op.order))
            span = SPANS[due.value.at]
            assert span.start <= m.pfn <= span.end - (1 << op.order)
        for zone in below.zones:  # kswapd balances, now and then
            if zone.boost and dice.random() < 0.01:
                zone.boost = 0
        seen.update(kinds(due))
    assert seen.keys() >= {
        "Again",
        "Mark yes",
        "Mark no",
        "NoPage",
        "Reserve",
        "SlowPath",
        "Woke",
        "page of 0",
        "page of 1",
        "page of 2",
    }


def used(m: Composed) -> int:
    """Return how many pages are not on the lists."""
    return SPANS[-1].end - sum(zone.nr_free_pages for zone in m.below.zones)


def kinds(due) -> list[str]:
    """Return what a request has met, as words."""
    names = [
        f"Mark {'yes' if e.ok else 'no'}" if isinstance(e, Mark) else type(e).__name__
        for e in due.events
    ]
    if isinstance(due.value, Page):
        names.append(f"page of {due.value.at}")
    if isinstance(due.value, SlowPath):
        names.append("SlowPath")
    return names


def test_a_page_allocator_that_disagrees_is_noticed():
    """Pages that were foretold and do not come, and a count that the lists belie."""
    cfg, below = machines((0, 0, 0), 1)
    m = Composed(cfg, below)
    m.below.alloc_pages = lambda *args: -1
    got, right, _ = m.do(AllocPages(GFP_HIGHUSER_MOVABLE))
    assert got != right
    assert NoPage(2) in got[1]
    below.zones[1].nr_free_pages -= 1
    with pytest.raises(AssertionError):
        m.refresh()
