"""Where requests end, what may come and go, and which rule a wrong answer breaks.

All of it is the specification's alone: a machine has no limits, and judges no walk.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product, zip_longest
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Sweep, Values
from mmoracle.spec.core import Disallowed
from mmoracle.spec.freelist import alloc, change, others, zones
from mmoracle.spec.freelist.answers import (
    Again,
    Event,
    Mark,
    NoPage,
    Outcome,
    Page,
    SlowPath,
)
from mmoracle.spec.freelist.ops import OPS
from mmoracle.spec.freelist.zones import Config, Memory, Place, Zone
from mmoracle.spec.linux import Gfp

TWO = Config(zones=(Place(0, 0), Place(0, 1)), fallback=(((0, 1), (0, 0)),))

# ------------------------------------------------------------------ where steps end

COUNTS = ((0,) * 6, (0, 0, 1, 0, 0, 0), (2, 1, 0, 0, 0, 0), (1,) * 6)
REQUESTS = tuple(op for op in OPS if hasattr(op, "settled"))


def requests_end_where_a_counter_is_full(
    top: Any, most: int, one: int, two: int
) -> bool:
    """No request is legal once a counter of any zone is as high as it may be.

    0 sets no end.
    """
    cfg = replace(TWO, policies=(1,), most_counted=most, sizes=(0,))
    s = zones.initial(cfg)
    told = (COUNTS[one], COUNTS[two])
    pairs = zip(s.zones, told, strict=True)
    s = replace(s, zones=tuple(replace(z, stats=stats) for z, stats in pairs))
    due = most == 0 or all(n < most for stats in told for n in stats)
    legal = [all(map(len, op.domain(cfg, s).values())) for op in REQUESTS]
    return legal == [due] * len(REQUESTS)


def counters(top: int) -> Iterator[Values]:
    """Yield an end, and the counters of two zones."""
    return product(range(4), range(len(COUNTS)), range(len(COUNTS)))


MOSTS = ((), (1,), (2, 1), (1, 0, 2))


def blocks_come_and_go_where_there_is_room(
    top: Any, most: int, low: int, high: int
) -> bool:
    """A list of an order with a limit takes one up to it, and gives one if it has one.

    Orders that are not there, or that have no limit, do neither.
    """
    cfg = Config(orders=2, most=MOSTS[most], listed=(0, 1))
    s = Memory((Zone(((0, low, 0, 0), (high, 0, 0, 0))),))
    due: dict[bool, list[Any]] = {True: [], False: []}
    for order, limit in enumerate(MOSTS[most][:2]):
        for mt in (0, 1):
            number = s.zones[0].blocks[order][mt]
            due[True] += [(0, order, mt)] * (number < limit)
            due[False] += [(0, order, mt)] * (number > 0)
    return all(list(change.places(cfg, s, more=it)) == due[it] for it in due)


def few_blocks(top: int) -> Iterator[Values]:
    """Yield limits, and numbers of blocks of two orders."""
    return product(range(len(MOSTS)), range(4), range(4))


# ------------------------------------------------------------------ which rule

VALUES = (None, Page(0), Page(0, True), Page(1), SlowPath(Gfp.NONE, 0, 0, 0))
EVENTS: tuple[Event, ...] = (
    Mark(0, True),
    Mark(0, False),
    Mark(1, True),
    NoPage(0),
    Again(),
)
COURSES: tuple[tuple[Event, ...], ...] = (
    (),
    *((one,) for one in EVENTS),
    *product(EVENTS[:4], EVENTS[2:]),
)
OUTCOMES = (
    *(Outcome(each) for each in VALUES),
    *(Outcome(Page(0), each) for each in COURSES),
)


def rule_due(got: Outcome, due: Outcome) -> str:
    """Return the rule that an answer breaks, "" for none."""
    if got.events != due.events:
        pairs = zip_longest(got.events, due.events)
        seen, right = next((one, two) for one, two in pairs if one != two)
        if isinstance(seen, Mark) and isinstance(right, Mark) and seen.at == right.at:
            return "WM-DECIDE"
        return "ZL-ORDER"
    if got.value == due.value:
        return ""
    pages = isinstance(got.value, Page) and isinstance(due.value, Page)
    return "PREP" if pages else "RET-CODE"


def another_answer_breaks_the_rule_that_it_is_about(
    top: Any, one: int, two: int
) -> bool:
    """Another mark of the same zone is WM-DECIDE, another question is ZL-ORDER.

    With the same questions another page is PREP, and any other value RET-CODE.
    """
    got, due, told = OUTCOMES[one], OUTCOMES[two], ""
    try:
        others.judge_walk(got, due)
    except Disallowed as no:
        told = no.rule
    return told == rule_due(got, due)


def answers(top: int) -> Iterator[Values]:
    """Yield two outcomes."""
    return product(range(len(OUTCOMES)), repeat=2)


# ------------------------------------------------------------------ mistakes


def first_full(cfg: Config, s: Memory) -> bool:
    """Look at the counters of the first zone."""
    return right_full(cfg, replace(s, zones=s.zones[:1]))


def one_more(cfg: Config, zone: Zone, order: int, mt: int) -> int:
    """Let a list have one more than it may."""
    return right_room(cfg, zone, order, mt) + 1


def plain_value(got: object, due: object) -> None:
    """Take a wrong page for any wrong value."""
    if got != due:
        raise Disallowed("RET-CODE", "")


right_room, right_full = zones.room, alloc.is_full

LIMITS = (
    Lemma(
        claim=requests_end_where_a_counter_is_full,
        provers=(Sweep(cases=counters, scope="two zones"),),
        mistakes=(Mistake(alloc, "is_full", first_full),),
    ),
    Lemma(
        claim=blocks_come_and_go_where_there_is_room,
        provers=(Sweep(cases=few_blocks, scope="two orders"),),
        mistakes=(Mistake(change, "room", one_more),),
    ),
    Lemma(
        claim=another_answer_breaks_the_rule_that_it_is_about,
        provers=(Sweep(cases=answers, scope="up to two questions"),),
        mistakes=(Mistake(others, "judge_value", plain_value),),
    ),
)
