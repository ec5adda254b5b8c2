"""Composed exploration: it meets what plain exploration meets, and checks itself."""

from dataclasses import replace
from functools import cache

import pytest

from mmoracle.checkers.compose import compose
from mmoracle.checkers.explore import begin, search
from mmoracle.checkers.judge import Judge
from mmoracle.checkers.registry import SUBSYSTEMS
from mmoracle.checkers.session import COMPOSED
from mmoracle.checkers.subsystem import Fidelity
from mmoracle.checkers.trial import attempt
from mmoracle.checkers.verdict import NOT_SHOWN, Verdict
from mmoracle.impl.buddy import PageAllocator
from mmoracle.spec.buddy import halves
from mmoracle.spec.buddy.alloc import AllocPages
from mmoracle.spec.buddy.free import FreePages
from mmoracle.spec.buddy.ops import initial
from mmoracle.spec.buddy.zones import Span
from mmoracle.spec.core import OneOf

BUDDY = SUBSYSTEMS["buddy"]


def anyone(pages, first=0, **fields):
    """Return one zone of so many pages, in which any free block may be handed out."""
    order = (pages - 1).bit_length()
    return replace(
        BUDDY.configs["tiny-any"],
        zones=(Span(first, first + pages),),
        orders=order + 1,
        pageblock_order=order,
        **fields,
    )


def composed(cfg, sub=BUDDY, **options):
    return compose(sub, cfg, config="tiny", **options)


@cache
def explored(cfg):
    """Return a search of all states of a configuration."""
    found = begin(x := Judge(BUDDY, cfg, Fidelity.ALLOWED))
    search(x, found)
    return found, set(x.reached)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("pages", [2, 4, 8])
def test_it_meets_what_plain_exploration_meets(pages, mirrored):
    cfg = anyone(pages, symmetric=mirrored)
    plain, witnesses = explored(cfg)
    run = composed(cfg, sample=100)
    assert run.failure is None
    assert (run.verdict, run.engine) == (Verdict.COMPLETE, "explore")
    assert (run.states, run.depth) == (len(plain.links), max(plain.depth.values()))
    assert run.extra["compared"] >= min(run.states, 100)
    assert set(run.witnesses) == witnesses


def test_sixteen_pages_up_to_mirror_images():
    """T(16) = 67 * 68 / 2 + 1, which plain exploration meets as well, in a minute."""
    run = composed(anyone(16, symmetric=True), sample=40)
    assert (run.verdict, run.states, run.depth) == (Verdict.COMPLETE, 2279, 16)
    assert run.extra["half"] == 67
    assert 40 <= run.extra["compared"] < 50
    assert f"{run.extra['compared']} states run on both sides" in run.scope
    assert f"{2279 - run.extra['compared']:,} composed" in run.scope


def test_a_zone_need_not_begin_at_nought():
    assert composed(anyone(4, first=8)).states == 26


# ------------------------------------------------------------------ halves


def test_split_undoes_join_and_join_undoes_split():
    cfg = anyone(4, first=8)
    smaller = halves.half(cfg)
    small = list(explored(smaller)[0].links)
    met = {halves.join(cfg, one, other) for one in small for other in small}
    real = {s for s in explored(cfg)[0].links if halves.split(cfg, s) is not None}
    assert met == real
    for s in real:
        assert halves.join(cfg, *halves.split(cfg, s)) == s
    assert halves.join(cfg, initial(smaller), initial(smaller)) == initial(cfg)


def test_the_least_mirror_image_is_one_state_for_all():
    cfg = anyone(8, symmetric=True)
    raw = list(explored(anyone(8))[0].links)
    least = {halves.least(cfg, s) for s in raw}
    assert len(least) == 67
    assert least <= set(raw)
    assert all(halves.least(cfg, s) == s for s in least)


@pytest.mark.parametrize(
    "other",
    [
        {"picks": "linux"},
        {"picks": "lowest"},
        {"cpus": 1},
        {"merging": "lazy"},
        {"min_order": 1},
        {"metadata": 1},
        {"pageblock_order": 1},
        {"zones": (Span(0, 6),)},
        {"zones": (Span(4, 12),)},
        {"zones": (Span(0, 8), Span(8, 16))},
        {"holes": (Span(2, 3),)},
    ],
)
def test_what_is_more_than_two_halves_is_not_composed(other):
    assert halves.half(replace(anyone(8), **other)) is None


def test_one_page_has_no_halves():
    assert halves.half(anyone(1)) is None
    assert not halves.is_large(anyone(8))
    assert halves.is_large(anyone(16))


# ------------------------------------------------------------------ mistakes


def replays(cfg, failure):
    x = Judge(BUDDY, cfg, Fidelity.ALLOWED)
    again = attempt(x, failure.trace, failure.rule)
    return again is not None and again.trace == failure.trace


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_mistake_in_the_half_is_told_as_one_of_the_whole(monkeypatch, mirrored):
    carve = PageAllocator.carve

    def loses_the_upper_half(self, at, pfn, order):
        carve(self, at, pfn, order)
        if self.held and pfn + (1 << order) in self.zones[at].place:
            self.zones[at].pull(pfn + (1 << order))

    monkeypatch.setattr(PageAllocator, "carve", loses_the_upper_half)
    cfg = anyone(16, symmetric=mirrored)
    run = composed(cfg)
    assert run.verdict is Verdict.VIOLATED
    assert run.failure.rule == "BUD-CONSERVE"
    assert len(run.failure.trace) <= 3
    assert replays(cfg, run.failure)


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_mistake_of_the_whole_alone_is_found(monkeypatch, mirrored):
    carve = PageAllocator.carve

    def loses_one_of_many(self, at, pfn, order):
        carve(self, at, pfn, order)
        if len(self.held) == 4 and pfn + 1 in self.zones[at].place:
            self.zones[at].pull(pfn + 1)

    monkeypatch.setattr(PageAllocator, "carve", loses_one_of_many)
    cfg = anyone(8, symmetric=mirrored)
    run = composed(cfg)
    assert run.failure.rule == "BUD-CONSERVE"
    assert run.failure.minimal == NOT_SHOWN
    assert len(run.failure.trace) >= 5
    assert replays(cfg, run.failure)


def with_halves(**parts):
    return replace(BUDDY, halves=replace(BUDDY.halves, **parts))


def test_a_join_that_forgets_to_merge_is_found():
    def apart(cfg, left, right):
        s = halves.join(cfg, left, right)
        return s if left == right == initial(halves.half(cfg)) else halves_swapped(s)

    def halves_swapped(s):
        return replace(s, held=s.held[::-1])

    run = composed(anyone(4), with_halves(join=apart))
    assert run.failure.rule == COMPOSED
    assert run.verdict is Verdict.VIOLATED


def enabled_only(monkeypatch, where):
    """Let blocks be freed in some states only: then halves depend on each other."""
    domain = FreePages.domain.__func__

    def some(cls, cfg, s):
        blocks = domain(cls, cfg, s)
        return blocks if where(cfg, s) else {**blocks, "block": OneOf(())}

    monkeypatch.setattr(FreePages, "domain", classmethod(some))


def test_halves_that_hinder_each_other_are_found(monkeypatch):
    enabled_only(monkeypatch, lambda cfg, s: len(s.held) < 3)
    failure = composed(anyone(4)).failure
    assert failure.rule == COMPOSED
    assert "the whole does not" in failure.why
    assert [type(each.op) for each in failure.trace] == [AllocPages] * 3


def test_halves_that_help_each_other_are_found(monkeypatch):
    enabled_only(monkeypatch, lambda cfg, s: cfg.orders > 1)
    failure = composed(anyone(2)).failure
    assert failure.rule == COMPOSED
    assert "the whole leads to (), no half does" in failure.why


# ------------------------------------------------------------------ cuts


def test_a_cut_says_where():
    cuts = []
    for limit in range(5, 300, 5):
        run = composed(anyone(4, symmetric=True), limit=limit)
        assert run.failure is None
        assert run.steps <= limit
        assert run.verdict is (Verdict.BOUNDED if run.cut else Verdict.COMPLETE)
        assert not run.cut or run.cut.startswith(f"after {limit} steps: ")
        cuts.append(run.cut.partition(": ")[2])
    kinds = ("in a half", "no pairs not run", "pairs not expanded", "not compared")
    places = [[i for i, cut in enumerate(cuts) if kind in cut] for kind in kinds]
    assert all(places)
    assert places == sorted(places)
    assert cuts[-1] == ""
    assert composed(anyone(4), limit=1).states == 0


def test_progress_is_told(monkeypatch):
    monkeypatch.setattr("mmoracle.checkers.compose.BETWEEN_REPORTS", 0.0)
    told = []
    composed(anyone(8, symmetric=True), progress=told.append)
    assert told[-1].keys() == {"states", "steps", "queue", "depth"}
    assert told[-1]["states"] == 67
