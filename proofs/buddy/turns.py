"""Draining a pageset: one page, and one turn, whatever the lengths of the three lists.

What holds before a page leaves holds after it: no list is below 0, and the lists have
as many pages as are to be taken, or more.  One page less is to be taken after each, so
that a drain of n pages ends after n of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Sweep, Symbolic, Values
from mmoracle.checkers.symbolic import either, every
from mmoracle.checkers.word import Whole, one_of
from mmoracle.impl.buddy import pcp as machine
from mmoracle.spec.buddy import pcp
from mmoracle.spec.buddy.pcp import Turn
from mmoracle.spec.linux import MIGRATE_PCPTYPES

from .merging import INDUCTION

LISTS = range(MIGRATE_PCPTYPES)

# ------------------------------------------------------------------ one page


def turn_of(told: tuple[Any, ...]) -> Turn:
    """Return how far a drain is: three lengths, pages, the list, and its quota."""
    *left, pages, mt, quota = told
    return Turn(tuple(left), pages, one_of(mt, LISTS), quota)


def a_turn(top: Any, *told: Any) -> Iterable[Any]:
    """Assume that pages are to be taken, and that the lists have as many."""
    *left, pages, mt, _ = told[: len(NAMES)]
    return (pages >= 1, pages <= sum(left), mt < len(LISTS))


def each_page_leaves_a_list_that_has_one(top: Any, *told: Any) -> Any:
    """One list is one shorter, the others stay, and one page less is to be taken.

    So the lists still have as many as are to be taken, and the drain comes to its end.
    """
    t = turn_of(told)
    after = pcp.take_one(t)
    others = [mt for mt in LISTS if mt != after.mt]
    return every(
        after.left[after.mt] == t.left[after.mt] - 1,
        after.left[after.mt] >= 0,
        *(after.left[mt] == t.left[mt] for mt in others),
        after.pages == t.pages - 1,
        after.pages <= sum(after.left),
        after.quota >= 0,
    )


def a_list_gives_as_many_pages_as_lists_were_met(top: Any, *told: Any) -> Any:
    """A list goes on until its quota or its pages end; then comes the next with pages.

    Each list met adds one to the quota; if that makes three, the list gives all.
    """
    t = turn_of(told)
    after = pcp.take_one(t)
    if t.quota >= 1 and t.left[t.mt] >= 1:
        return every(after.mt == t.mt, after.quota == t.quota - 1)
    met = (after.mt - t.mt - 1) % len(LISTS) + 1
    between = [(t.mt + step) % len(LISTS) for step in range(1, met)]
    all_of_them = t.quota + met == len(LISTS)
    return every(
        *(t.left[mt] == 0 for mt in between),
        either(all_of_them, after.quota == t.quota + met - 1),
        either(t.quota + met != len(LISTS), after.quota == t.pages - 1),
    )


# ------------------------------------------------------------------ one turn


def the_machine_takes_a_turn_as_page_after_page(top: Any, *told: Any) -> Any:
    """Its turn is the next list's, and each page of it is the specification's next.

    After i pages of a turn both are where the turn has i pages less to give; after the
    last one the list or its quota is empty, or nothing more is to be taken.
    """
    *start, i = told
    t = turn_of(tuple(start))
    mt, quota, took = machine.turn(list(t.left), t.pages, t.mt, t.quota)
    if took == 0:  # it goes on to the list that the specification looks at next
        skipped = pcp.take_one(Turn(t.left, t.pages, mt, quota))
        return every(t.left[mt] == 0, is_same(pcp.take_one(t), skipped))
    if i >= took:
        last = within(t, mt, quota, took)
        return either(last.quota == 0, last.left[mt] == 0, last.pages == 0)
    now = t if i == 0 else within(t, mt, quota, i)
    due = within(t, mt, quota, i + 1)
    return every(is_same(pcp.take_one(now), due), due.pages >= 0)


def is_same(one: Turn, two: Turn) -> Any:
    """Say whether two drains are equally far."""
    left = (a == b for a, b in zip(one.left, two.left, strict=True))
    alike = one.pages == two.pages, one.quota == two.quota
    return every(one.mt == two.mt, *left, *alike)


def within(t: Turn, mt: int, quota: Any, i: Any) -> Turn:
    """Return how far a drain is after i pages of a list's turn."""
    left = tuple(n - i if at == mt else n for at, n in enumerate(t.left))
    return Turn(left, t.pages - i, mt, quota - i)


def a_turn_that_begins(top: Any, *told: Any) -> Iterable[Any]:
    """Assume pages to be taken, and that the list before has none, or no quota."""
    *start, _ = told
    yield from a_turn(top, *start)
    *left, _, mt, quota = start
    for each in LISTS:
        yield either(mt != each, quota == 0, left[each] == 0)


# ------------------------------------------------------------------ mistakes


def take_two(t: Turn) -> Turn:
    """Count two pages for each that leaves."""
    after = right_one(t)
    return Turn(after.left, max(0, after.pages - 1), after.mt, after.quota)


def take_from_the_next(t: Turn) -> Turn:
    """Take pages in turn without a look at the quota."""
    return right_one(Turn(t.left, t.pages, t.mt, 0))


def next_at_all(t: Turn) -> Turn:
    """Go on to the next list whether it has pages or not."""
    return Turn(t.left, t.pages, (t.mt + 1) % MIGRATE_PCPTYPES, 1)


def next_spends(t: Turn) -> Turn:
    """Forget what is left of a quota when a list is empty."""
    return right_next(Turn(t.left, t.pages, t.mt, 0))


def next_one_each(t: Turn) -> Turn:
    """Let each list give one page."""
    after = right_next(t)
    return Turn(after.left, after.pages, after.mt, 1)


def turn_of_one(
    lengths: list[int], pages: int, mt: int, quota: int
) -> tuple[int, int, int]:
    """Let each list of the machine give one page."""
    mt, _, took = right_turn(lengths, pages, mt, quota)
    return mt, 1, min(took, 1)


def turn_for_all(
    lengths: list[int], pages: int, mt: int, quota: int
) -> tuple[int, int, int]:
    """Let the list that is met after two others give two pages more, not all."""
    mt, quota = (mt + 1) % MIGRATE_PCPTYPES, quota + 1
    return mt, quota, min(quota, lengths[mt], pages)


def turn_beyond(
    lengths: list[int], pages: int, mt: int, quota: int
) -> tuple[int, int, int]:
    """Let a list give more than is to be taken."""
    mt, quota, _ = right_turn(lengths, pages, mt, quota)
    return mt, quota, min(quota, lengths[mt])


right_one, right_next, right_turn = pcp.take_one, pcp.next_list, machine.turn

# ------------------------------------------------------------------ the lemmas


def in_a_drain(top: int, values: Values) -> Values:
    """Bend words into three lists, a number of pages of theirs, and a turn."""
    lengths = [word % 7 for word in values[:3]]
    pages = 1 + values[3] % max(1, sum(lengths))
    return (*lengths, pages, values[4] % 3, *(word % 5 for word in values[5:]))


NAMES = ("unmovable", "movable", "reclaimable", "pages", "mt", "quota")

TURNS = (
    Lemma(
        claim=each_page_leaves_a_list_that_has_one,
        given=a_turn,
        names=NAMES,
        provers=(Symbolic(Whole), Sweep(2), Sampled(in_a_drain)),
        mistakes=(
            Mistake(pcp, "take_one", take_two),
            Mistake(pcp, "next_list", next_at_all),
        ),
        size="one step, three lists of any length",
        assumes=(INDUCTION,),
    ),
    Lemma(
        claim=a_list_gives_as_many_pages_as_lists_were_met,
        given=a_turn,
        names=NAMES,
        provers=(Symbolic(Whole), Sweep(2), Sampled(in_a_drain)),
        mistakes=(
            Mistake(pcp, "take_one", take_from_the_next),
            Mistake(pcp, "next_list", next_spends),
            Mistake(pcp, "next_list", next_one_each),
        ),
        size="one step, three lists of any length",
        assumes=(INDUCTION,),
    ),
    Lemma(
        claim=the_machine_takes_a_turn_as_page_after_page,
        given=a_turn_that_begins,
        names=(*NAMES, "i"),
        provers=(Symbolic(Whole), Sampled(in_a_drain)),
        mistakes=(
            Mistake(machine, "turn", turn_of_one),
            Mistake(machine, "turn", turn_for_all),
            Mistake(machine, "turn", turn_beyond),
            Mistake(pcp, "take_one", take_from_the_next),
            Mistake(pcp, "next_list", next_spends),
        ),
        size="one turn, three lists of any length",
        assumes=(INDUCTION,),
    ),
)
