"""Operations that lead from boot to what refutes a lemma, and one more.

Values of a lemma about a small zone are shown as a history that anybody may replay.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mmoracle.spec.buddy.alloc import AllocPages
from mmoracle.spec.buddy.free import FreeCore, FreePages, FreeReserved
from mmoracle.spec.buddy.manage import (
    Drain,
    GetPage,
    Isolate,
    SetPrivate,
    SplitPage,
    TakePageOff,
    Unreserve,
)
from mmoracle.spec.buddy.ops import initial
from mmoracle.spec.buddy.zones import COUNTS_TAKEN, KEEPS_PRIVATE, Config, Span
from mmoracle.spec.linux import MIGRATE_UNMOVABLE, AllocFlags

from .places import place
from .words import MT

History = tuple[Config, list[Any]]


def zone_of(nth: int, frames: int, **more: Any) -> Config:
    """Return a zone of so many frames, of which boot released none."""
    first, last = place(nth, 0), place(nth, frames)
    cfg = Config(zones=(Span(first, last),), start=(Span(first, first),))
    return replace(cfg, orders=3, pageblock_order=2, **more)


def releases(nth: int, bits: Any) -> list[Any]:
    """Return operations that make the frames free whose bit is set."""
    return [FreeReserved(0, place(nth, f)) for f, bit in enumerate(bits) if bit]


def allocation(top: int, nth: int, falls: int, order: int, *bits: int) -> History:
    """Free some frames, and ask for a block."""
    return zone_of(nth, len(bits)), [*releases(nth, bits), AllocPages(0, 0, order, MT)]


def freeing(top: int, nth: int, order: int, which: int, *bits: int) -> History:
    """Take a block, free some other frames, and free the block."""
    pfn, size = place(nth, which << order), 1 << order
    block = FreeCore((pfn, pfn + size)), AllocPages(0, 0, order, MT)
    rest = [bit and f >> order != which for f, bit in enumerate(bits)]
    ops = [*block, *releases(nth, rest), FreePages(0, (pfn, order))]
    return zone_of(nth, len(bits)), ops


def dropping(
    top: int,
    nth: int,
    order: int,
    which: int,
    how: int,
    refs: int,
    compound: int,
    rest: int,
    word: int,
    keeps: int,
) -> History:
    """Take a block, leave a word in it, let others hold it, and free it as often."""
    pfn, size = place(nth, which << order), 1 << order
    quirks = (KEEPS_PRIVATE,) if keeps else ()
    others = [f for f in range(4) if rest and f >> order != which]
    ops: list[Any] = [FreeCore((pfn, pfn + size))]
    ops.append(AllocPages(0, 0, order, MT, compound=bool(compound)))
    ops += [FreeReserved(0, place(nth, f)) for f in others]
    ops += [SetPrivate(pfn), *[GetPage(pfn)] * (refs - 1)]
    ops.append(FreePages(0, (pfn, order)))
    return zone_of(nth, 5, quirks=quirks), ops


def taking_off(
    top: int, nth: int, frame: int, apart: int, guards: int, counts: int, *bits: int
) -> History:
    """Free some frames, and take a bad one off the lists."""
    quirks = (COUNTS_TAKEN,) if counts else ()
    cfg = zone_of(nth, len(bits), guard_minorder=guards, quirks=quirks)
    return cfg, [*releases(nth, bits), TakePageOff(place(nth, frame))]


def boot(
    top: int, nth: int, start: int, end: int, border: int, hole: int, before: int
) -> History:
    """Release a range beside what was released before."""
    middle, last = place(nth, border), place(nth, 8)
    cfg = Config(
        zones=(Span(place(nth, 0), middle), Span(middle, last)),
        holes=(Span(place(nth, 1), place(nth, 2)),) if hole else (),
        start=(Span(place(nth, before), middle),),
        orders=3,
        pageblock_order=2,
    )
    return cfg, [FreeCore((place(nth, start), place(nth, end)))]


def one_frame(
    top: int, nth: int, frame: int, border: int, hole: int, before: int
) -> History:
    """Release one frame beside what was released before."""
    cfg, _ = boot(top, nth, 0, 1, border, hole, before)
    return cfg, [FreeReserved(0, place(nth, frame))]


# ------------------------------------------------------------------ as it goes


class Play:
    """Operations that are done one by one, so that the next may name what one gave."""

    def __init__(self, cfg: Config) -> None:
        self.cfg, self.state = cfg, initial(cfg)
        self.ops: list[Any] = []

    def do(self, op: Any) -> Any:
        """Do an operation and return its value."""
        outcome = op.choose(self.cfg, self.state)
        self.state = op.after(self.cfg, self.state, outcome)
        self.ops.append(op)
        return outcome.value

    def told(self) -> History:
        """Return what was done."""
        return self.cfg, self.ops


def joining(top: int, n: int, *words: int) -> History:
    """Free a page beside its buddy, the largest blocks, and one beside an isolated.

    The buddy is a guard if it is one in the values.
    """
    guard, start = words[6], place(n % (1 << 40), 0)
    play = Play(
        Config(
            zones=(Span(start, start + 8),),
            orders=3,
            pageblock_order=1,
            guard_minorder=guard,
        )
    )
    page = play.do(AllocPages(0, 0, 0, MT))
    play.do(FreePages(0, (page, 0)))
    for order in (2, 1):
        blocks = [play.do(AllocPages(0, 0, order, MT)) for _ in range(2)]
        if order == 1:
            play.do(Isolate(blocks[0]))
        for pfn in blocks:
            play.do(FreePages(0, (pfn, order)))
    return play.told()


def boosting(
    top: int, pageblock: int, managed: int, boost: int, high: int, factor: int
) -> History:
    """Take from another type in a zone of one page block."""
    cfg = Config(
        zones=(Span(0, 8),),
        orders=4,
        pageblock_order=3,
        high_wmark=high,
        boost_factor=factor * 7500,
    )
    return cfg, [AllocPages(0, 0, 0, MT), AllocPages(0, 0, 0, MIGRATE_UNMOVABLE)]


def giving_up(top: int, nth: int, *words: int) -> History:
    """Give up a reserve while a page of it waits; then another, where that page is."""
    start, harder = place(nth, 0), AllocFlags.HARDER
    play = Play(
        Config(
            zones=(Span(start, start + 8),),
            orders=3,
            pageblock_order=2,
            cpus=1,
            high=4,
            batch=1,
        )
    )
    first = play.do(AllocPages(0, 0, 1, MT, harder))
    play.do(SplitPage(first))
    play.do(FreePages(0, (first, 0)))
    play.do(Unreserve(0, MT, True))
    play.do(Drain(0, 0, True))
    play.do(AllocPages(0, 0, 1, MT))
    play.do(AllocPages(0, 0, 1, MT, harder))
    play.do(Unreserve(0, MT, True))
    return play.told()
