"""Reclaim by tasks, case by case, as mm/vmscan.c (v5.10) does it.

A machine is drawn as its zones, `free/file` with the marks: `3/40 (2 4 6)`.  Every
history runs on the specification and on the machine at once.
"""

from dataclasses import replace

import pytest

from mmoracle.checkers.bind.reclaim import RECLAIM
from mmoracle.checkers.bind.reclaim_configs import DIRECT, WALK
from mmoracle.checkers.session import Session
from mmoracle.spec.core import Disallowed
from mmoracle.spec.linux import (
    GFP_KERNEL,
    GFP_NOFS,
    GFP_NOIO,
    GFP_NOWAIT,
    RECLAIM_UNMAP,
    RECLAIM_WRITE,
    RECLAIM_ZONE,
    CompactResult,
)
from mmoracle.spec.linux import NodeReclaim as Found
from mmoracle.spec.reclaim import direct, local, shrink
from mmoracle.spec.reclaim.events import (
    Returns,
    Shrink,
    Suits,
    Waits,
    WakesKswapd,
)
from mmoracle.spec.reclaim.levels import Boost, Free, Merge, Take
from mmoracle.spec.reclaim.ops import (
    TASK,
    Cause,
    NodeReclaim,
    Resume,
    Shrunk,
    Suitable,
    TryToFree,
)
from mmoracle.spec.reclaim.state import (
    COMPACTS_NOIO,
    Cache,
    Config,
    Label,
    Pass,
    Place,
    Request,
    Use,
)

SUCCESS, SKIPPED = CompactResult.SUCCESS, CompactResult.SKIPPED
CONTINUE = CompactResult.CONTINUE
NOTHING = Pass()


def one_zone(free, file, *marks, anon=0, **fields):
    """Return a node with one zone, a normal one."""
    zone = Place(0, 2, 4000, marks, (0,) * 4)
    return Config((zone,), (0,), ((free, file, anon),), **fields)


PLENTY = one_zone(3, 400, 2, 4, 6)
WANTS = Request(highest=2)


def begun(cfg, request=WANTS):
    """Return a session in which a task has begun to reclaim."""
    session = Session(RECLAIM, cfg)
    session.do(TryToFree(request))
    return session


def answer(session, told, who=TASK):
    """Have a scan answer."""
    return session.do(Shrunk((who, told)))


def rounds(session, told):
    """Have all scans answer alike until the task returns; return answers and number."""
    count = 0
    while True:
        count += 1
        events = answer(session, told)
        if isinstance(events[-1], Returns):
            return count, events[-1].number


# ------------------------------------------------------------------ rounds


def test_a_reclaim_ends_with_a_cluster_of_pages():
    """32 pages are enough: no second round follows.

    |  3/400  ->  35/368  |
    """
    session = begun(PLENTY)
    assert answer(session, Pass(file=(32,))) == (Returns(32),)
    assert (session.state.zones[0].free, session.state.zones[0].file) == (35, 368)
    assert session.state.task is None


def test_all_that_a_scan_freed_is_returned_though_it_is_more_than_was_wanted():
    session = begun(PLENTY)
    assert answer(session, Pass(file=(31,))) == (Shrink(0),)
    assert answer(session, Pass(file=(100,))) == (Returns(131),)


def test_thirteen_rounds_without_a_page_end_a_reclaim():
    """Priorities 12 down to 0; then there is nothing more to try."""
    session = begun(PLENTY)
    assert session.state.task.sc.priority == 12
    assert rounds(session, NOTHING) == (13, 0)


def test_a_single_page_is_returned_after_thirteen_rounds():
    session = begun(PLENTY)
    answer(session, Pass(file=(1,)))
    assert rounds(session, NOTHING) == (12, 1)


def test_pages_written_in_laptop_mode_come_from_the_third_round_on():
    """may_writepage is set as the round of priority 9 has ended in vain."""
    session = begun(replace(PLENTY, laptop=True))
    writes = []
    for _ in range(6):
        sc = session.state.task.sc
        writes.append((sc.priority, sc.may_writepage))
        answer(session, NOTHING)
    assert [p for p, w in writes if not w] == [12, 11, 10, 9]
    assert begun(PLENTY).state.task.sc.may_writepage


def test_skipped_active_pages_are_forced_out_in_13_more_rounds():
    session = begun(PLENTY)
    answer(session, Pass(skipped=True))
    for _ in range(12):
        answer(session, NOTHING)
    sc = session.state.task.sc
    assert (sc.priority, sc.force_deactivate, sc.skipped_deactivate) == (
        12,
        True,
        False,
    )
    assert rounds(session, NOTHING) == (13, 0)


def test_spared_pages_are_tried_in_13_more_rounds():
    session = begun(PLENTY)
    answer(session, Pass(low=True))
    for _ in range(12):
        answer(session, NOTHING)
    sc = session.state.task.sc
    assert (sc.priority, sc.low_reclaim, sc.low_skipped) == (12, True, False)
    assert rounds(session, NOTHING) == (13, 0)


def test_a_reclaim_may_begin_anew_three_times():
    """By force, then with protected pages, then with these by force: 52 rounds.

    As the second new beginning deactivates by the usual rules, active pages may be
    skipped again.
    """
    session = begun(PLENTY)
    answer(session, Pass(skipped=True, low=True))
    for _ in range(12 + 13):
        answer(session, NOTHING)
    sc = session.state.task.sc
    assert (sc.force_deactivate, sc.low_reclaim) == (False, True)
    answer(session, Pass(skipped=True))
    for _ in range(12):
        answer(session, NOTHING)
    sc = session.state.task.sc
    assert (sc.force_deactivate, sc.low_reclaim) == (True, True)
    assert rounds(session, NOTHING) == (13, 0)


def test_nothing_begins_anew_once_a_page_was_freed():
    session = begun(PLENTY)
    answer(session, Pass(file=(1,), skipped=True, low=True))
    assert rounds(session, NOTHING) == (12, 1)


@pytest.mark.parametrize("memalloc", [False, True])
def test_the_flag_of_the_task_is_put_back(memalloc):
    """PF_MEMALLOC is set meanwhile; __perform_reclaim restores what was there."""
    session = begun(PLENTY, replace(WANTS, memalloc=memalloc))
    assert session.state.memalloc
    answer(session, Pass(file=(32,)))
    assert session.state.memalloc is memalloc


def test_anonymous_pages_are_freed_with_swap_only():
    told = Pass(anon=(2,))
    state = begun(one_zone(3, 9, 2, 4, 6, anon=5)).state
    task = state.task
    cfg = one_zone(3, 9, 2, 4, 6, anon=5)
    assert shrink.possible(cfg, state, task.scan, task.sc, told)
    cfg = replace(cfg, swap=False)
    assert not shrink.possible(cfg, state, task.scan, task.sc, told)


# ------------------------------------------------------------------ the zonelist


def walked(request):
    """Return the nodes scanned in one round of WALK, and what is returned.

    |  zonelist:  0:1  1:2  1:1  0:0  |
    """
    session = Session(RECLAIM, WALK)
    events, nodes = session.do(TryToFree(request)), []
    while isinstance(events[-1], Shrink) and session.state.task.sc.priority == 1:
        nodes.append(events[-1].node)
        events = answer(session, NOTHING)
    return nodes


def test_a_node_is_scanned_once_in_a_row_and_again_after_another():
    assert walked(Request(highest=2)) == [0, 1, 0]


def test_zones_above_the_requests_are_passed_over():
    assert walked(Request(highest=1)) == [0, 1, 0]
    assert walked(Request(highest=0)) == [0]


def test_nodes_outside_the_mask_or_the_cpuset_are_passed_over():
    assert walked(Request(highest=2, nodes=0b10)) == [1]
    assert walked(Request(highest=2, allowed=0b01)) == [0]


def test_with_no_node_left_nothing_is_scanned():
    session = Session(RECLAIM, WALK)
    request = Request(highest=2, nodes=0b10, allowed=0b01)
    assert session.do(TryToFree(request)) == (Returns(0),)


# ------------------------------------------------------------------ compaction


COSTLY = one_zone(40, 400, 2, 4, 6)  # high mark 6, gap of order 4: 32 pages


@pytest.mark.parametrize(
    ("suits", "free", "ends"),
    [
        (SUCCESS, 3, True),
        (SKIPPED, 40, False),
        (CONTINUE, 38, False),
        (CONTINUE, 39, True),
    ],
)
def test_a_costly_request_leaves_zones_to_compaction(suits, free, ends):
    """COMPACT_CONTINUE needs more than the high mark and the gap: 6 + 32 pages."""
    cfg = one_zone(free, 400, 2, 4, 6)
    session = Session(RECLAIM, cfg)
    assert session.do(TryToFree(Request(order=4, highest=2))) == (Suits(0),)
    due = (Returns(1),) if ends else (Shrink(0),)
    assert session.do(Suitable(TASK, suits)) == due


def test_orders_up_to_3_are_not_left_to_compaction():
    session = Session(RECLAIM, COSTLY)
    assert session.do(TryToFree(Request(order=3, highest=2))) == (Shrink(0),)


def test_compaction_is_no_help_without_io_since_5_10_216():
    """Before, in_reclaim_compaction() and compaction_ready() did not look at it."""
    request = Request(order=4, gfp=GFP_NOIO, highest=2)
    session = Session(RECLAIM, COSTLY)
    assert session.do(TryToFree(request)) == (Shrink(0),)
    early = replace(COSTLY, quirks=(COMPACTS_NOIO,))
    assert TryToFree(request).choose(early, RECLAIM.initial(early)) == (Suits(0),)


def test_a_round_goes_on_to_its_end_when_one_zone_is_ready():
    """Another zone is scanned still; then the ready one ends the reclaim."""
    zones = (Place(0, 1, 99, (2, 4, 6), (0,) * 4), Place(1, 1, 99, (2, 4, 6), (0,) * 4))
    cfg = Config(zones, (0, 1), ((50, 9, 0), (3, 9, 0)))
    session = Session(RECLAIM, cfg)
    session.do(TryToFree(Request(order=4, highest=2)))
    assert session.do(Suitable(TASK, SUCCESS)) == (Suits(1),)
    assert session.do(Suitable(TASK, SKIPPED)) == (Shrink(1),)
    assert answer(session, NOTHING) == (Returns(1),)


def test_the_second_zone_of_a_node_is_asked_about_and_not_scanned_again():
    zones = (Place(0, 1, 99, (2, 4, 6), (0,) * 4), Place(0, 0, 99, (2, 4, 6), (0,) * 4))
    cfg = Config(zones, (0, 1), ((3, 9, 0), (3, 9, 0)), priority=0)
    session = Session(RECLAIM, cfg)
    session.do(TryToFree(Request(order=4, highest=2)))
    session.do(Suitable(TASK, SKIPPED))
    assert answer(session, NOTHING) == (Suits(1),)
    assert session.do(Suitable(TASK, SKIPPED)) == (Returns(0),)


def trouble(inactive):
    """Return a scan for order 4 that has freed a page, before compaction was asked."""
    session = begun(COSTLY, Request(order=4, highest=2))
    session.do(Suitable(TASK, SKIPPED))
    assert answer(session, Pass(file=(1,), inactive=inactive)) == (Suits(0),)
    return session


def test_a_scan_goes_on_while_the_inactive_lists_hold_more_than_the_gap():
    session = trouble(33)
    assert session.do(Suitable(TASK, SKIPPED)) == (Shrink(0),)
    assert session.state.task.sc.priority == 12


def test_a_scan_ends_where_the_inactive_lists_hold_no_more_than_the_gap():
    session = trouble(32)
    session.do(Suitable(TASK, SKIPPED))
    assert session.state.task.sc.priority == 11


@pytest.mark.parametrize("suits", [SUCCESS, CONTINUE])
def test_a_scan_ends_where_compaction_has_enough(suits):
    session = trouble(1000)
    session.do(Suitable(TASK, suits))
    assert session.state.task.sc.priority == 11


def test_a_scan_that_frees_nothing_does_not_go_on():
    session = begun(COSTLY, Request(order=4, highest=2))
    session.do(Suitable(TASK, SKIPPED))
    assert answer(session, Pass(inactive=1000)) == (Suits(0),)
    assert session.state.task.scan is None


def test_small_orders_are_scanned_for_again_from_the_fourth_round_on():
    session = begun(PLENTY, Request(order=1, highest=2))
    for _ in range(3):
        assert answer(session, Pass(file=(1,), inactive=99)) == (Shrink(0),)
    assert session.state.task.sc.priority == 9
    assert answer(session, Pass(file=(1,), inactive=99)) == (Suits(0),)


# ------------------------------------------------------------------ waiting


@pytest.mark.parametrize(
    ("free", "reserve", "allowed"),
    [
        (1, 2, False),
        (2, 2, True),
        (1, 3, False),
        (2, 3, True),
        (0, 1, False),
        (1, 1, True),
    ],
)
def test_more_than_half_of_the_reserve_must_be_free(free, reserve, allowed):
    """Free > reserve / 2, rounded down."""
    assert direct.enough_for_emergencies(0, 16, reserve, free) is allowed
    assert direct.enough_for_emergencies(16, 16, reserve, free)
    assert direct.enough_for_emergencies(0, 16, 0, 0)


LOW = one_zone(1, 40, 4, 5, 6)


def test_a_task_waits_while_the_reserve_is_low_and_kswapd_is_woken():
    """More than half of the low mark must be free.

    |  1/40 (4 5 6): 1 page is free, more than 2 must be  |
    """
    session = Session(RECLAIM, LOW)
    events = session.do(TryToFree(WANTS))
    assert events == (WakesKswapd(0), Waits(0, timed=False))
    assert session.state.nodes[0].highest == 2
    assert session.state.nodes[0].kswapd.label is Label.WOKEN


def test_a_task_that_waits_is_not_served_by_a_kswapd_already_running():
    session = begun(LOW)
    session.do(Resume(Cause.FATAL))
    assert session.do(TryToFree(WANTS)) == (Waits(0, timed=False),)


@pytest.mark.parametrize("cause", [Cause.TIMEOUT, Cause.SIGNAL])
def test_a_task_without_fs_waits_a_second_at_most(cause):
    session = Session(RECLAIM, LOW)
    events = session.do(TryToFree(Request(gfp=GFP_NOFS, highest=2)))
    assert events[-1] == Waits(0, timed=True)
    assert set(Resume.domain(LOW, session.state)["cause"]) == {
        Cause.TIMEOUT,
        Cause.SIGNAL,
        Cause.FATAL,
    }
    assert session.do(Resume(cause)) == (Shrink(0),)


def test_a_fatal_signal_ends_a_wait_with_a_claim_of_progress():
    """1 is no count of pages: nothing was freed."""
    session = begun(LOW)
    assert tuple(Resume.domain(LOW, session.state)["cause"]) == (Cause.FATAL,)
    assert session.do(Resume(Cause.FATAL)) == (Returns(1),)


@pytest.mark.parametrize("who", [{"kthread": True}, {"fatal": True}])
def test_kernel_threads_and_the_dying_never_wait(who):
    session = Session(RECLAIM, LOW)
    assert session.do(TryToFree(replace(WANTS, **who))) == (Shrink(0),)


def test_nobody_waits_for_zones_above_the_normal_one():
    movable = Place(0, 3, 99, (4, 5, 6), (0,) * 4)
    cfg = Config((movable,), (0,), ((0, 9, 0),))
    session = Session(RECLAIM, cfg)
    assert session.do(TryToFree(Request(highest=3))) == (Shrink(0),)


def test_zones_without_pages_to_reclaim_do_not_count_for_the_reserve():
    """With no list pages, free ones count: only an empty zone is left out."""
    zones = (
        Place(0, 0, 9, (4, 5, 6), (0,) * 4),
        Place(0, 1, 99, (4, 5, 6), (0,) * 4),
    )
    session = Session(RECLAIM, Config(zones, (1, 0), ((0, 0, 0), (3, 9, 0))))
    assert session.do(TryToFree(Request(highest=1))) == (Shrink(0),)
    session = Session(RECLAIM, Config(zones, (1, 0), ((1, 0, 0), (3, 9, 0))))
    assert isinstance(session.do(TryToFree(Request(highest=1)))[-1], Waits)


def test_no_other_task_begins_meanwhile():
    session = begun(PLENTY)
    assert not len(TryToFree.domain(PLENTY, session.state)[""])
    assert not len(NodeReclaim.domain(PLENTY, session.state)[""])
    assert not len(Resume.domain(PLENTY, session.state)[""])


# ------------------------------------------------------------------ one's own node


CACHE = Cache(file=90, lru=60, mapped=20, dirty=5, slab=3, min_unmapped=10, min_slab=4)


@pytest.mark.parametrize(
    ("mode", "pages"),
    [
        (RECLAIM_ZONE, 35),
        (RECLAIM_ZONE | RECLAIM_WRITE, 40),
        (RECLAIM_ZONE | RECLAIM_UNMAP, 85),
        (RECLAIM_ZONE | RECLAIM_UNMAP | RECLAIM_WRITE, 90),
    ],
)
def test_the_mode_says_which_cache_may_be_freed(mode, pages):
    """Unmapped pages, or all; without the dirty ones, or with them."""
    assert local.pagecache_reclaimable(mode, CACHE) == pages


def test_more_mapped_or_dirty_pages_than_listed_leave_none():
    assert local.unmapped_pages(5, 9) == 0
    assert local.pagecache_reclaimable(1, replace(CACHE, dirty=99)) == 0


def on_node(cache=CACHE, request=WANTS, away=False, locked=False, cfg=PLENTY):
    """Begin to reclaim on the task's own node."""
    session = Session(RECLAIM, cfg)
    op = NodeReclaim(0, request, RECLAIM_ZONE, cache, away, locked)
    return session, session.do(op)


def test_a_node_with_little_cache_and_slab_is_full():
    little = replace(CACHE, min_unmapped=35)
    assert on_node(little)[1] == (Returns(Found.FULL),)
    more = replace(CACHE, min_unmapped=34)
    assert on_node(more)[1] == (Shrink(0),)


def test_slab_alone_makes_a_node_worth_while_and_frees_no_page_here():
    """__node_reclaim() scans only for the cache: it has failed then."""
    cache = replace(CACHE, min_unmapped=35, slab=5)
    assert on_node(cache)[1] == (Returns(Found.SOME),)


@pytest.mark.parametrize(
    "why",
    [
        {"request": replace(WANTS, gfp=GFP_NOWAIT)},
        {"request": replace(WANTS, memalloc=True)},
        {"away": True},
        {"locked": True},
    ],
)
def test_a_node_is_not_scanned_by_who_may_not(why):
    assert on_node(**why)[1] == (Returns(Found.NOSCAN),)


def test_a_node_is_scanned_five_times_at_most():
    """Priorities 4 to 0, until the request's pages are free."""
    session, _ = on_node(request=Request(order=1, gfp=GFP_KERNEL, highest=2))
    assert session.state.task.sc.goal == 32
    assert rounds(session, NOTHING) == (5, Found.SOME)
    session, _ = on_node(request=Request(order=1, highest=2))
    assert answer(session, Pass(file=(1,))) == (Suits(0),)
    assert session.do(Suitable(TASK, SUCCESS)) == (Shrink(0),)
    assert answer(session, Pass(file=(1,))) == (Suits(0),)
    assert session.do(Suitable(TASK, SUCCESS)) == (Returns(Found.SUCCESS),)


# ------------------------------------------------------------------ zones


def test_pages_are_taken_from_those_that_are_free_and_given_back_by_who_holds_them():
    session = Session(RECLAIM, DIRECT)
    zone = DIRECT.zones[0]
    session.do(Take(0, 3, Use.HELD))
    assert session.state.zones[0].free == 0
    session.do(Free(0, 99))
    assert session.state.zones[0].free == zone.managed - 4
    session.do(Take(0, 1, Use.FILE))
    session.do(Take(0, 1, Use.ANON))
    assert (session.state.zones[0].file, session.state.zones[0].anon) == (4, 2)


def test_boosts_grow_and_blocks_change():
    session = Session(RECLAIM, DIRECT)
    for pages in (3, 1):
        session.do(Boost(0, pages))
    assert session.state.zones[0].boost == 3
    for order in (2, 0):
        session.do(Merge(0, order))
    assert session.state.zones[0].block == 0
    assert len(Merge.domain(DIRECT, session.state)["order"]) == 0
    assert tuple(Take.domain(WALK, session.state)["zone"]) == (0, 1, 2, 3)
    assert tuple(Free.domain(replace(WALK, moves=(2,)), session.state)["zone"]) == (2,)


def test_what_happens_to_a_zone_answers_nothing():
    with pytest.raises(Disallowed, match="RCL-SILENT"):
        Boost(0, 1).after(DIRECT, RECLAIM.initial(DIRECT), 0)


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ((Shrink(1),), "RCL-ORDER"),
        ((), "RCL-ORDER"),
        ((Shrink(0), Returns(1)), "RCL-RESULT"),
        ((Shrink(0), Shrink(0)), "RCL-ORDER"),
        ((WakesKswapd(0), Shrink(0)), "RCL-ORDER"),
    ],
)
def test_other_events_are_refused_by_the_rule_of_the_first(given, rule):
    with pytest.raises(Disallowed) as refused:
        TryToFree(WANTS).after(PLENTY, RECLAIM.initial(PLENTY), given)
    assert refused.value.rule == rule


# ------------------------------------------------------------------ what may come


def test_a_scan_may_answer_with_what_is_there_and_usable():
    """In DIRECT 3 pages of cache and an anonymous one are listed."""
    session = begun(DIRECT, Request(highest=1))
    by = tuple(Shrunk.domain(DIRECT, session.state)["by"])
    assert by == tuple((TASK, told) for told in DIRECT.passes)
    session.do(Shrunk((TASK, Pass(skipped=True))))
    sc = replace(session.state.task.sc, force_deactivate=True, low_reclaim=True)
    forced = replace(session.state, task=replace(session.state.task, sc=sc))
    left = [told for _, told in Shrunk.domain(DIRECT, forced)["by"]]
    assert left == [t for t in DIRECT.passes if not t.skipped and not t.low]
    few = replace(session.state, zones=(replace(session.state.zones[0], file=1),))
    left = [told for _, told in Shrunk.domain(DIRECT, few)["by"]]
    assert Pass(file=(2,)) not in left
    below = replace(sc, highest=0)
    nowhere = replace(session.state, task=replace(session.state.task, sc=below))
    left = [told for _, told in Shrunk.domain(DIRECT, nowhere)["by"]]
    assert not any(sum(told.file) + sum(told.anon) for told in left)


def test_compaction_answers_whoever_asks():
    session = Session(RECLAIM, COSTLY)
    session.do(TryToFree(Request(order=4, highest=2)))
    assert tuple(Suitable.domain(COSTLY, session.state)["who"]) == (TASK,)
    assert not len(Shrunk.domain(COSTLY, session.state)["by"])
    session = trouble(33)
    assert tuple(Suitable.domain(COSTLY, session.state)["who"]) == (TASK,)
    assert not len(Shrunk.domain(COSTLY, session.state)["by"])


def test_reclaim_on_a_node_may_be_for_any_request_and_cache():
    domain = NodeReclaim.domain(replace(DIRECT, caches=(CACHE,)), session_start(DIRECT))
    assert tuple(domain["node"]) == (0,)
    assert tuple(domain["cache"]) == (CACHE,)
    boosts = Boost.domain(replace(DIRECT, boosts=(1, 2)), session_start(DIRECT))
    assert tuple(boosts["pages"]) == (1, 2)


def session_start(cfg):
    """Return the first state."""
    return RECLAIM.initial(cfg)
