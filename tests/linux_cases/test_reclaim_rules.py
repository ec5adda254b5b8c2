"""Each rule about reclaim speaks when it is broken, and names what is wrong."""

from dataclasses import replace

import pytest

from mmoracle.checkers.bind.reclaim import RECLAIM
from mmoracle.checkers.bind.reclaim_configs import (
    BALANCE,
    BOOST,
    COSTLY,
    DIRECT,
    PROTECT,
    WAKE,
    WALK,
)
from mmoracle.checkers.session import Session
from mmoracle.spec.core import Step
from mmoracle.spec.linux import GFP_KERNEL, GFP_NOIO, GFP_NOWAIT, CompactResult, Gfp
from mmoracle.spec.reclaim import always
from mmoracle.spec.reclaim.counts import Count
from mmoracle.spec.reclaim.events import Returns, Shrink, Suits, WakesKswapd
from mmoracle.spec.reclaim.levels import Boost, ScanCount, Take
from mmoracle.spec.reclaim.ops import (
    TASK,
    RunKswapd,
    Shrunk,
    Suitable,
    TryToFree,
    WakeKswapd,
)
from mmoracle.spec.reclaim.state import Aim, Direct, Label, Local, Pass, Request, Use

NOTHING = Pass()
WANTS = Request(highest=1)


def at(cfg, *ops):
    """Return the state that operations lead to."""
    session = Session(RECLAIM, cfg)
    for op in ops:
        session.do(op)
    return session.state


def zone(s, which=0, **fields):
    """Return a state with a zone that is different."""
    zones = list(s.zones)
    zones[which] = replace(zones[which], **fields)
    return replace(s, zones=tuple(zones))


def node(s, **fields):
    """Return a state with a first node that is different."""
    return replace(s, nodes=(replace(s.nodes[0], **fields), *s.nodes[1:]))


def kswapd(s, **fields):
    """Return a state with a first kswapd that is different."""
    return node(s, kswapd=replace(s.nodes[0].kswapd, **fields))


def task(s, **fields):
    """Return a state with a task that is different."""
    return replace(s, task=replace(s.task, **fields))


def control(s, **fields):
    """Return a state with a task that wants something different."""
    return task(s, sc=replace(s.task.sc, **fields))


def told(check, cfg, s):
    """Return the first complaint about a state."""
    return next(iter(check(cfg, s)), None)


def said(law, cfg, before, op, result, after):
    """Return the first complaint about a step."""
    return next(iter(law(cfg, Step(before, op, result, after))), None)


BEGUN = at(DIRECT, TryToFree(WANTS))
RUNS = at(BALANCE, WakeKswapd(1, (0, GFP_NOWAIT), 1, True), RunKswapd(0))
WORKS = at(BOOST, Boost(1, 4), WakeKswapd(1, (0, Gfp.NONE), 1, True), RunKswapd(0))


# ------------------------------------------------------------------ states


@pytest.mark.parametrize("fields", [{"free": -1}, {"boost": -1}, {"file": 7}])
def test_a_zone_with_impossible_counts_is_named(fields):
    assert told(always.pages_are_counted_once, DIRECT, zone(BEGUN, **fields))


@pytest.mark.parametrize("priority", [-1, 4])
def test_a_priority_out_of_range_is_named(priority):
    s = control(BEGUN, priority=priority)
    found = told(always.priorities_are_in_range, DIRECT, s)
    assert found == f"the task has priority {priority}"


def test_a_kswapd_never_has_priority_0():
    run = RUNS.nodes[0].kswapd.run
    s = kswapd(RUNS, run=replace(run, sc=replace(run.sc, priority=0)))
    found = told(always.priorities_are_in_range, BALANCE, s)
    assert found == "kswapd 0 has priority 0"


def test_a_task_without_its_flag_is_named():
    s = replace(BEGUN, memalloc=False)
    assert told(always.whoever_reclaims_may_use_the_reserves, DIRECT, s)


@pytest.mark.parametrize("failures", [-1, 3])
def test_too_many_failures_are_named(failures):
    s = node(BEGUN, failures=failures)
    assert told(always.hopeless_nodes_are_left_alone, DIRECT, s)


@pytest.mark.parametrize("label", [Label.ASLEEP, Label.NAPPING])
def test_a_task_that_waits_for_a_sleeper_is_named(label):
    s = kswapd(task(BEGUN, waits=0), label=label)
    assert told(always.nobody_waits_for_a_kswapd_that_rests, DIRECT, s)


@pytest.mark.parametrize("how", [{"may_swap": True}, {"may_writepage": True}])
def test_a_kswapd_that_is_not_gentle_is_named(how):
    run = WORKS.nodes[0].kswapd.run
    s = kswapd(WORKS, run=replace(run, sc=replace(run.sc, **how)))
    assert told(always.boosts_are_worked_off_gently, BOOST, s)


# ------------------------------------------------------------------ pages


def test_pages_lost_or_made_by_a_scan_are_named():
    law, op = always.only_listed_pages_become_free, Shrunk((TASK, Pass(file=(1,))))
    after = zone(BEGUN, free=3, file=2)
    assert said(law, DIRECT, BEGUN, op, (), after)
    assert said(law, DIRECT, BEGUN, op, (), zone(BEGUN, free=1, file=2)) is None
    assert said(law, DIRECT, BEGUN, op, (), zone(BEGUN, free=1, file=4, anon=-1))


def test_pages_freed_by_what_is_no_scan_are_named():
    law = always.only_listed_pages_become_free
    start = RECLAIM.initial(DIRECT)
    found = said(law, DIRECT, start, TryToFree(WANTS), (), zone(BEGUN, free=1, file=2))
    assert found == "zone 0 lost (1, 0) pages to a scan that may not"
    assert said(
        law, DIRECT, start, Take(0, 1, Use.FILE), None, zone(start, file=4)
    ) is (None)


def test_a_number_that_is_not_what_was_freed_is_named():
    law, op = always.reclaim_returns_what_it_freed, Shrunk((TASK, Pass(file=(2,))))
    done = replace(BEGUN, task=None)
    assert said(law, DIRECT, BEGUN, op, (Returns(1),), done)
    assert said(law, DIRECT, BEGUN, op, (Returns(2),), done) is None
    ready = control(BEGUN, compaction_ready=True)
    op = Shrunk((TASK, NOTHING))
    assert said(law, DIRECT, ready, op, (Returns(1),), done) is None
    assert said(law, DIRECT, ready, op, (Returns(2),), done)
    op = Suitable(TASK, CompactResult.SUCCESS)
    assert said(law, DIRECT, BEGUN, op, (Returns(1),), done) is None


def test_a_flag_that_is_not_put_back_is_named():
    law = always.tasks_keep_their_flag
    done = replace(BEGUN, task=None, memalloc=True)
    assert said(law, DIRECT, BEGUN, Shrunk((TASK, NOTHING)), (), done)
    assert said(law, DIRECT, BEGUN, Shrunk((TASK, NOTHING)), (), BEGUN) is None


# ------------------------------------------------------------------ order


def test_an_answer_that_leads_nowhere_is_named():
    law, op = always.every_reclaim_ends, Shrunk((TASK, NOTHING))
    found = said(law, DIRECT, BEGUN, op, (Shrink(0),), BEGUN)
    assert found == "the task goes from (3, 3, 1, 0, 4, 0) to (3, 3, 1, 0, 4, 0)"
    assert said(law, DIRECT, BEGUN, op, (), control(BEGUN, priority=2)) is None
    assert said(law, DIRECT, BEGUN, op, (), replace(BEGUN, task=None)) is None


def test_a_kswapd_that_stands_still_is_named():
    law, op = always.every_reclaim_ends, Shrunk((0, NOTHING))
    assert said(law, BALANCE, RUNS, op, (), RUNS).startswith("kswapd 0 goes")


def test_a_task_on_its_node_that_stands_still_is_named():
    one = replace(BEGUN, task=Local(WANTS, BEGUN.task.sc, 0, BEGUN.task.scan))
    law, op = always.every_reclaim_ends, Shrunk((TASK, NOTHING))
    assert said(law, DIRECT, one, op, (), one)


def test_asking_about_zones_comes_to_an_end():
    start = at(COSTLY, TryToFree(Request(order=4, highest=1)))
    asks = at(
        COSTLY,
        TryToFree(Request(order=4, highest=1)),
        Suitable(TASK, CompactResult.SKIPPED),
        Shrunk((TASK, Pass(file=(0, 1), inactive=33))),
    )
    assert asks.task.scan.asking == 0
    law, op = always.every_reclaim_ends, Suitable(TASK, CompactResult.SKIPPED)
    assert said(law, COSTLY, asks, op, (), asks)
    further = task(asks, scan=replace(asks.task.scan, asking=1))
    assert said(law, COSTLY, asks, op, (), further) is None
    assert said(law, COSTLY, start, op, (), start)


def test_a_node_scanned_for_two_zones_in_a_row_is_named():
    law = always.a_node_is_scanned_once_in_a_row
    first = at(WALK, TryToFree(Request(highest=2)), Shrunk((TASK, NOTHING)))
    assert (first.task.at, first.task.last) == (1, 1)
    op = Shrunk((TASK, NOTHING))
    found = said(law, WALK, first, op, (), task(first, at=2))
    assert found == "node 1 is scanned for place 1 and for 2"
    later = control(task(first, at=2), priority=0)
    assert said(law, WALK, first, op, (), later) is None
    assert said(law, WALK, first, op, (), task(first, at=2, last=0)) is None


def test_a_node_where_the_task_may_not_allocate_is_named():
    law, op = always.only_usable_nodes_are_scanned, TryToFree(WANTS)
    start = RECLAIM.initial(WALK)
    s = at(WALK, TryToFree(Request(highest=2)))
    for wrong in (Request(highest=2, allowed=0b10), Request(highest=0)):
        assert said(law, WALK, start, op, (), task(s, request=wrong))
    assert said(law, WALK, start, op, (), s) is None


def test_compaction_asked_without_io_is_named():
    law = always.compaction_is_no_help_without_io
    s = at(COSTLY, TryToFree(Request(order=4, highest=1)))
    op = TryToFree(s.task.request)
    start = RECLAIM.initial(COSTLY)
    assert said(law, COSTLY, start, op, (Suits(1),), s) is None
    without = control(s, gfp=GFP_NOIO)
    assert said(law, COSTLY, start, op, (Suits(1),), without)
    assert isinstance(without.task, Direct)
    during = task(without, scan=replace(BEGUN.task.scan, asking=0))
    assert said(law, COSTLY, start, op, (Suits(0),), during)


# ------------------------------------------------------------------ kswapd


def test_a_kswapd_woken_for_nothing_is_named():
    law, s = always.kswapd_is_woken_for_a_reason, RECLAIM.initial(WAKE)
    op = WakeKswapd(1, (0, GFP_KERNEL), 1, True)
    woken = (WakesKswapd(0),)
    assert said(law, WAKE, s, op, woken, s) == "kswapd 0 is woken for nothing"
    assert said(law, WAKE, zone(s, 1, boost=1), op, woken, s) is None
    low = zone(zone(s, 1, free=0), free=0)
    assert said(law, WAKE, low, op, woken, s) is None
    assert said(law, WAKE, node(low, failures=2), op, woken, s)


def test_a_kswapd_that_rests_in_need_is_named():
    law, op = always.kswapd_rests_when_it_may, RunKswapd(0)
    s = kswapd(RUNS, label=Label.NAPPING, run=None)
    assert said(law, BALANCE, RUNS, op, (), s)
    assert said(law, BALANCE, RUNS, op, (), node(s, failures=2)) is None
    assert said(law, BALANCE, s, op, (), s) is None


def test_a_boost_that_is_lost_is_named():
    law, op = always.boosts_end_with_a_run, Shrunk((0, NOTHING))
    gone = zone(WORKS, 1, boost=0)
    assert said(law, BOOST, WORKS, op, (), gone)
    ended = kswapd(gone, label=Label.RESTLESS, run=None)
    assert said(law, BOOST, WORKS, op, (), ended) is None
    assert said(law, BOOST, zone(WORKS, 1, boost=5), op, (), ended)
    assert said(law, BOOST, kswapd(WORKS, run=None), op, (), ended)


# ------------------------------------------------------------------ counts


COUNT = ScanCount(True, 50, 0, 0, 0, True, Aim(swap=False), 0, False)


@pytest.mark.parametrize("pages", [-1, 51])
def test_a_scan_beyond_the_list_is_named(pages):
    law = always.scans_stay_within_the_list
    s = RECLAIM.initial(PROTECT)
    assert said(law, PROTECT, s, COUNT, Count(pages), s)
    assert said(law, PROTECT, s, COUNT, Count(50), s) is None
    small = replace(COUNT, size=1, least=1)
    assert said(law, PROTECT, s, small, Count(32), s) is None
    dead = replace(COUNT, priority=12, online=False)
    assert said(law, PROTECT, s, dead, Count(32), s) is None
    assert said(law, PROTECT, s, dead, Count(33), s)


def test_a_wrong_note_about_memory_low_is_named():
    law, s = always.sparing_for_low_is_noted, RECLAIM.initial(PROTECT)
    spares = replace(COUNT, low=1)
    assert said(law, PROTECT, s, spares, Count(50), s)
    assert said(law, PROTECT, s, COUNT, Count(50, low_skipped=True), s)
