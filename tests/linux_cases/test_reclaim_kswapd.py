"""A node's kswapd, case by case, as mm/vmscan.c (v5.10) has it.

A machine is drawn as its zones, `free/file` with the marks: `3/40 (2 4 6)`.  Every
history runs on the specification and on the machine at once.
"""

from dataclasses import replace

import pytest

from mmoracle.checkers.bind.reclaim import RECLAIM
from mmoracle.checkers.session import Session
from mmoracle.spec.linux import GFP_ATOMIC, GFP_KERNEL, GFP_NOWAIT, CompactResult, Gfp
from mmoracle.spec.reclaim import kswapd
from mmoracle.spec.reclaim.events import (
    Naps,
    Returns,
    Shrink,
    Sleeps,
    Suits,
    Waits,
    WakesKcompactd,
    WakesKswapd,
    WakesThrottled,
)
from mmoracle.spec.reclaim.levels import Boost, Free, Merge, Take
from mmoracle.spec.reclaim.marks import balanced
from mmoracle.spec.reclaim.ops import (
    TASK,
    Cause,
    Resume,
    RunKswapd,
    Shrunk,
    Suitable,
    TryToFree,
    WakeKswapd,
)
from mmoracle.spec.reclaim.state import Config, Label, Pass, Place, Request, Use

NOTHING = Pass()
NOWAIT, ATOMIC, KERNEL = (0, GFP_NOWAIT), (1, GFP_ATOMIC), (0, GFP_KERNEL)


def one_zone(free, file, *marks, **fields):
    """Return a node with one zone, a normal one."""
    zone = Place(0, 2, 4000, marks, (0,) * 4)
    return Config((zone,), (0,), ((free, file, 0),), **fields)


LOW = one_zone(6, 400, 2, 4, 6)
CALM = one_zone(7, 400, 2, 4, 6)


def wake(by=NOWAIT, zone=0, highest=2, allowed=True):
    """Return a call of wakeup_kswapd()."""
    return WakeKswapd(zone, by, highest, allowed)


def running(cfg=LOW, by=NOWAIT):
    """Return a session in which kswapd has its node scanned."""
    session = Session(RECLAIM, cfg)
    session.do(wake(by))
    assert session.do(RunKswapd(0)) == (Shrink(0),)
    return session


def answer(session, told, who=0):
    """Have a scan answer."""
    return session.do(Shrunk((who, told)))


def label(session):
    """Return where the node's kswapd is."""
    return session.state.nodes[0].kswapd.label


# ------------------------------------------------------------------ waking


def test_kswapd_is_woken_unless_a_zone_is_above_its_high_mark():
    """Equal is not above.

    |  6/400 (2 4 6): woken     7/400 (2 4 6): not  |
    """
    assert Session(RECLAIM, LOW).do(wake()) == (WakesKswapd(0),)
    assert Session(RECLAIM, CALM).do(wake()) == (WakesKcompactd(0, 0, 2),)


def test_kcompactd_is_not_woken_for_requests_that_compact_by_themselves():
    assert Session(RECLAIM, CALM).do(wake(KERNEL)) == ()


def test_a_boost_wakes_kswapd_although_the_zone_is_balanced():
    session = Session(RECLAIM, one_zone(90, 400, 2, 4, 6))
    session.do(Boost(0, 8))
    assert session.do(wake((0, Gfp.NONE))) == (WakesKswapd(0),)


def test_a_balanced_zone_without_a_block_of_the_order_wakes_kswapd():
    session = Session(RECLAIM, one_zone(90, 400, 2, 4, 6))
    assert session.do(wake(ATOMIC)) == (WakesKswapd(0),)
    session = Session(RECLAIM, one_zone(90, 400, 2, 4, 6))
    session.do(Merge(0, 1))
    assert session.do(wake(ATOMIC)) == (WakesKcompactd(0, 1, 2),)


def test_nobody_is_woken_for_a_zone_without_pages_or_outside_the_cpuset():
    empty = Place(0, 3, 0, (0, 0, 0), (0,) * 4)
    cfg = replace(LOW, zones=(*LOW.zones, empty), start=(*LOW.start, (0, 0, 0)))
    session = Session(RECLAIM, cfg)
    assert session.do(wake(zone=1)) == ()
    assert session.do(wake(allowed=False)) == ()
    assert session.state.nodes[0].highest == cfg.max_zones
    assert tuple(WakeKswapd.domain(cfg, session.state)["highest"]) == (2, 3)


def test_a_node_without_pages_up_to_a_zone_is_balanced():
    assert balanced(LOW, RECLAIM.initial(LOW), 0, 0, 1)


def test_the_largest_order_and_the_highest_zone_are_kept_for_kswapd():
    session = Session(RECLAIM, LOW)
    seen = []
    for by, highest in ((NOWAIT, 1), (ATOMIC, 2), (NOWAIT, 0)):
        session.do(wake(by, highest=highest))
        seen.append((session.state.nodes[0].order, session.state.nodes[0].highest))
    assert seen == [(0, 1), (1, 2), (1, 2)]


def test_requests_reserve_counts_against_a_zone():
    """A zone of 7 pages keeps 3 from requests for higher zones.

    |  7 > 6     7 <= 6 + 3  |
    """
    dma = Place(0, 0, 99, (2, 4, 6), (0, 3, 3, 3))
    cfg = Config((dma,), (0,), ((7, 0, 0),))
    assert balanced(cfg, RECLAIM.initial(cfg), 0, 0, 0)
    assert not balanced(cfg, RECLAIM.initial(cfg), 0, 0, 1)


# ------------------------------------------------------------------ a run


def test_kswapd_reclaims_until_a_zone_is_balanced_then_naps_and_sleeps():
    """One page makes the difference.

    |  6/400  ->  7/399: balanced  |
    """
    session = running()
    assert answer(session, Pass(file=(1,))) == ()
    assert label(session) is Label.RESTLESS
    assert session.do(RunKswapd(0)) == (WakesKcompactd(0, 0, 2), Naps(0))
    assert session.do(RunKswapd(0)) == (Sleeps(0),)
    assert label(session) is Label.ASLEEP
    assert not len(RunKswapd.domain(LOW, session.state)["node"])


def test_kswapd_wants_the_high_marks_of_all_zones_at_least_a_cluster_each():
    zones = (
        Place(0, 0, 4000, (2, 4, 50), (0,) * 4),
        Place(0, 2, 4000, (2, 4, 6), (0,) * 4),
    )
    session = running(Config(zones, (1, 0), ((0, 0, 0), (0, 99, 0))))
    assert session.state.nodes[0].kswapd.run.sc.goal == 50 + 32


def test_kswapd_scans_harder_unless_it_scanned_enough_and_got_something():
    session = running(one_zone(0, 400, 2, 4, 60))
    seen = []
    for told in (
        Pass(file=(1,), scanned=59),
        Pass(file=(1,), scanned=60),
        Pass(scanned=600),
        NOTHING,
    ):
        answer(session, told)
        seen.append(session.state.nodes[0].kswapd.run.sc.priority)
    assert seen == [11, 11, 10, 9]


def test_twelve_rounds_without_a_page_are_a_failure():
    """Priorities 12 down to 1."""
    session = running()
    for _ in range(11):
        assert answer(session, NOTHING) == (Shrink(0),)
    assert answer(session, NOTHING) == ()
    assert session.state.nodes[0].failures == 1


def test_a_run_that_got_a_page_is_no_failure():
    session = running(one_zone(0, 400, 2, 4, 6))
    answer(session, Pass(file=(1,)))
    for _ in range(11):
        answer(session, NOTHING)
    assert label(session) is Label.RESTLESS
    assert session.state.nodes[0].failures == 0


def hopeless(cfg=LOW):
    """Return a session in which kswapd has failed 16 times."""
    session = running(cfg)
    for failures in range(16):
        for _ in range(12):
            answer(session, NOTHING)
        assert session.state.nodes[0].failures == failures + 1
        if failures < 15:
            assert session.do(RunKswapd(0)) == (Shrink(0),)
    return session


def test_a_node_that_failed_16_times_is_left_to_direct_reclaim():
    session = hopeless()
    assert session.do(RunKswapd(0))[-1] == Naps(0)
    assert session.do(RunKswapd(0)) == (Sleeps(0),)
    assert session.do(wake()) == (WakesKcompactd(0, 0, 2),)
    session.do(TryToFree(Request(highest=2)))
    answer(session, Pass(file=(1,)), TASK)
    assert session.state.nodes[0].failures == 0
    for _ in range(12):
        answer(session, NOTHING, TASK)
    assert session.do(Take(0, 2, Use.HELD)) is None
    assert session.do(wake()) == (WakesKswapd(0),)


def test_nobody_waits_for_a_hopeless_node():
    cfg = one_zone(0, 400, 2, 4, 6)
    session = hopeless(cfg)
    assert session.do(TryToFree(Request(highest=2))) == (Shrink(0),)


# ------------------------------------------------------------------ orders


def test_an_order_is_given_up_when_twice_its_pages_were_reclaimed():
    """Then kswapd sleeps for single pages, and kcompactd works for the order.

    |  order 1: 4 pages  |
    """
    session = running(one_zone(6, 400, 2, 4, 6), ATOMIC)
    assert answer(session, Pass(file=(3,))) == (Shrink(0),)
    assert answer(session, Pass(file=(1,))) == ()
    it = session.state.nodes[0].kswapd
    assert (it.alloc_order, it.reclaim_order) == (1, 0)
    assert session.do(RunKswapd(0)) == (WakesKcompactd(0, 1, 2), Naps(0))


def test_the_order_left():
    assert kswapd.order_left(1, 3, 4) == 1
    assert kswapd.order_left(1, 4, 4) == 0
    assert kswapd.order_left(0, 4, 2) == 0


def test_kswapd_too_scans_on_for_compaction():
    session = running(one_zone(6, 400, 2, 4, 6), (4, GFP_ATOMIC))
    assert answer(session, Pass(file=(1,), inactive=33)) == (Suits(0),)
    assert session.do(Suitable(0, CompactResult.SKIPPED)) == (Shrink(0),)
    assert answer(session, Pass(file=(1,), inactive=33)) == (Suits(0),)
    assert session.do(Suitable(0, CompactResult.CONTINUE)) == (Shrink(0),)
    assert session.state.nodes[0].kswapd.run.sc.priority == 11


# ------------------------------------------------------------------ naps


def test_a_nap_cut_short_is_followed_by_a_run():
    session = running()
    answer(session, Pass(file=(1,)))
    session.do(RunKswapd(0))
    session.do(Take(0, 1, Use.HELD))
    assert session.do(wake()) == (WakesKswapd(0),)
    assert label(session) is Label.ROUSED
    assert session.do(RunKswapd(0)) == (Shrink(0),)


def test_a_kswapd_no_longer_balanced_does_not_go_to_sleep():
    session = running()
    answer(session, Pass(file=(1,)))
    session.do(RunKswapd(0))
    session.do(Take(0, 1, Use.HELD))
    assert session.do(RunKswapd(0)) == (Shrink(0),)


def test_a_running_kswapd_is_told_what_to_do_next():
    session = running()
    assert session.do(wake(ATOMIC)) == ()
    answer(session, Pass(file=(1,)))
    it = session.state.nodes[0].kswapd
    assert (it.alloc_order, it.highest) == (1, 2)
    assert session.do(RunKswapd(0)) == (Shrink(0),)
    assert session.state.nodes[0].order == 0


def test_a_kswapd_that_nobody_told_balances_the_zones_of_its_last_run():
    session = Session(RECLAIM, LOW)
    session.do(wake(highest=2))
    session.do(RunKswapd(0))
    for _ in range(12):
        answer(session, NOTHING)
    assert session.state.nodes[0].highest == LOW.max_zones
    session.do(RunKswapd(0))
    assert session.state.nodes[0].kswapd.highest == 2


# ------------------------------------------------------------------ boosts


def boosted(free, boost=8, file=400):
    """Return a session in which kswapd works a boost off.

    |  20/400 (2 4 6) and 8 of boost: 14 are the high mark  |
    """
    session = Session(RECLAIM, one_zone(free, file, 2, 4, 6))
    session.do(Boost(0, boost))
    session.do(wake((0, Gfp.NONE)))
    assert session.do(RunKswapd(0)) == (Shrink(0),)
    return session


def run_of(session):
    """Return the run of the node's kswapd."""
    return session.state.nodes[0].kswapd.run


def test_a_boost_is_worked_off_without_writing_or_swapping():
    session = boosted(20)
    sc = run_of(session).sc
    assert (sc.may_writepage, sc.may_swap, run_of(session).boost_left) == (
        False,
        False,
        8,
    )
    assert answer(session, Pass(file=(5,))) == (Shrink(0),)
    assert run_of(session).boost_left == 3
    assert answer(session, Pass(file=(3,))) == (WakesKcompactd(0, 9, 2),)
    assert session.state.zones[0].boost == 0


def test_a_boost_that_gets_nothing_is_given_up_and_is_a_failure():
    session = boosted(20)
    assert answer(session, NOTHING) == (WakesKcompactd(0, 9, 2),)
    assert session.state.nodes[0].failures == 1
    assert session.state.zones[0].boost == 0


def test_a_boost_is_scanned_for_no_harder_than_at_priority_10():
    session = boosted(40, boost=30)
    seen = []
    for _ in range(4):
        answer(session, Pass(file=(1,)))
        seen.append(run_of(session).sc.priority)
    assert seen == [11, 10, 10, 10]


def test_need_comes_before_a_boost():
    """An unbalanced node is reclaimed from as usual, from priority 12 on."""
    session = boosted(15)
    session.do(Take(0, 5, Use.HELD))
    assert answer(session, Pass(file=(1,))) == (Shrink(0),)
    run = run_of(session)
    assert (run.boost_left, run.sc.priority, run.sc.may_swap) == (0, 12, True)


def test_a_boost_that_came_during_a_run_stays():
    session = boosted(20, boost=2)
    session.do(Boost(0, 5))
    answer(session, Pass(file=(2,)))
    assert session.state.zones[0].boost == 3


# ------------------------------------------------------------------ who waits


def waiting():
    """Return a session in which a task waits and kswapd scans.

    |  2/400 (4 5 6): more than 2 must be free  |
    """
    session = Session(RECLAIM, one_zone(2, 400, 4, 5, 6))
    assert session.do(TryToFree(Request(highest=2)))[-1] == Waits(0, timed=False)
    session.do(RunKswapd(0))
    return session


def test_kswapd_lets_tasks_go_when_more_than_half_of_the_reserve_is_free():
    session = waiting()
    assert answer(session, NOTHING) == (Shrink(0),)
    assert answer(session, Pass(file=(1,))) == (WakesThrottled(0), Shrink(0))
    assert answer(session, NOTHING) == (Shrink(0),)
    assert session.do(Resume(Cause.WOKEN)) == (Shrink(0),)


def test_a_task_woken_in_vain_waits_again():
    session = waiting()
    answer(session, Pass(file=(1,)))
    session.do(Take(0, 1, Use.HELD))
    assert session.do(Resume(Cause.WOKEN)) == (Waits(0, timed=False),)


def test_a_kswapd_that_goes_to_rest_lets_all_tasks_go():
    session = waiting()
    session.do(Free(0, 5))
    assert answer(session, NOTHING) == (WakesThrottled(0),)
    session = waiting()
    for failures in range(16):
        for _ in range(12):
            answer(session, NOTHING)
        if failures < 15:
            session.do(RunKswapd(0))
            session.do(Resume(Cause.WOKEN))
    events = session.do(RunKswapd(0))
    assert events == (WakesThrottled(0), WakesKcompactd(0, 0, 2), Naps(0))


def test_a_kswapd_about_to_rest_that_is_needed_lets_tasks_go_and_runs():
    session = waiting()
    for _ in range(12):
        answer(session, NOTHING)
    assert session.do(RunKswapd(0)) == (WakesThrottled(0), Shrink(0))


@pytest.mark.parametrize("highest", [2, 3])
def test_a_task_that_waits_asks_for_the_low_zones_only(highest):
    session = Session(RECLAIM, one_zone(2, 400, 4, 5, 6))
    session.do(wake(highest=highest))
    session.do(RunKswapd(0))
    for _ in range(12):
        answer(session, NOTHING)
    session = Session(RECLAIM, one_zone(7, 400, 4, 5, 6))
    session.do(wake(highest=highest))
    assert session.state.nodes[0].highest == highest
    session.do(Take(0, 5, Use.HELD))
    events = session.do(TryToFree(Request(highest=2)))
    assert events == (WakesKswapd(0), Waits(0, timed=False))
    assert session.state.nodes[0].highest == 2
    assert session.do(Resume(Cause.FATAL)) == (Returns(1),)
