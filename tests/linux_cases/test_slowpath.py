"""The slow path, case by case, as mm/page_alloc.c (v5.10) goes along it.

A course of a request is told in pairs, `question answer`: `FIRST -` is a look at the
free lists without a page, `FIRST +` one with, `RECLAIM PAGES` what reclaim answers.
"""

from dataclasses import replace

import pytest

from mmoracle.checkers.bind.slowpath import SLOWPATH
from mmoracle.checkers.bind.slowpath_configs import CONFIGS, tiny
from mmoracle.checkers.draw import enabled
from mmoracle.checkers.session import Session
from mmoracle.spec.core import Disallowed, Step
from mmoracle.spec.linux import (
    GFP_ATOMIC,
    GFP_HIGHUSER_MOVABLE,
    GFP_KERNEL,
    GFP_NOIO,
    GFP_NOWAIT,
    AllocFlags,
    CompactPriority,
    CompactResult,
    Gfp,
)
from mmoracle.spec.slowpath import flags, ops, replies, retry
from mmoracle.spec.slowpath.ops import Answer, Begin, PfmemallocAllowed
from mmoracle.spec.slowpath.request import (
    COMPACTS,
    COMPACTS_WITHOUT_IO,
    At,
    Context,
    Event,
    Next,
    Nodemask,
    Reclaim,
    Reply,
    Request,
    State,
    Zone,
)

NOFAIL, NORETRY, MAYFAIL = Gfp.NOFAIL, Gfp.NORETRY, Gfp.RETRY_MAYFAIL
EMPTY, CLEAN = Zone(0), Zone(13)


class Course:
    """A request on its way, on both sides at once."""

    def __init__(self, request, zone=EMPTY, cfg=None, **more):
        cfg = cfg or tiny((request,), (zone,), **more)
        self.session = Session(SLOWPATH, cfg)
        self.events = []
        self.do(Begin(request, zone))

    def do(self, op):
        """Do one operation, on both halves of the machine."""
        before = self.state
        domain = op.domain(self.session.cfg, before)
        for name, values in domain.items():
            assert getattr(op, name) in list(values), (op, name)
        self.last = self.session.do(op)
        other = SLOWPATH.load(self.session.cfg, before)
        SLOWPATH.accept(other, op, self.last)
        assert SLOWPATH.abstract(other) == self.state
        self.events += self.last.events
        return self

    def tell(self, text):
        """Answer questions: each is named, so that the course is seen to go there."""
        words = text.split()
        for question, answer in zip(words[::2], words[1::2], strict=True):
            assert self.state.at is At[question]
            self.do(answered(At[question], answer))
        return self

    @property
    def state(self):
        """Return where the request is."""
        return self.session.state

    @property
    def at(self):
        """Return the question that waits."""
        return self.state.at


def answered(at, answer):
    """Return the operation that an answer stands for."""
    page = Reply.CAPTURED if at in COMPACTS else Reply.PAGE
    short = {"+": page, "-": Reply.NO_PAGE}
    return Answer(short.get(answer) or Reply[answer])


IN_VAIN = "RETRY - RECLAIM NO_PROGRESS "
LAST_LOOK = "OOM_LOCK LOCKED OOM_FREELIST - "


# ------------------------------------------------------------------ rights


@pytest.mark.parametrize(
    ("gfp", "who", "due"),
    [
        (GFP_KERNEL, 0, "CPUSET|KSWAPD"),
        (GFP_ATOMIC, 0, "HARDER|HIGH|KSWAPD"),
        (GFP_ATOMIC | Gfp.NOMEMALLOC, 0, "HIGH|KSWAPD"),
        (GFP_NOWAIT, 0, "CPUSET|KSWAPD"),
        (GFP_NOWAIT, Context.REALTIME, "HARDER|CPUSET|KSWAPD"),
        (GFP_NOWAIT, Context.REALTIME | Context.HARDIRQ, "CPUSET|KSWAPD"),
        (GFP_NOWAIT, Context.REALTIME | Context.SOFTIRQ, "CPUSET|KSWAPD"),
        (Gfp.NONE, 0, "CPUSET"),
    ],
)
def test_alloc_flags_follow_from_gfp_flags_and_the_task(gfp, who, due):
    assert AllocFlags(flags.alloc_flags(int(gfp), who)).name == due


@pytest.mark.parametrize(
    ("gfp", "who", "due"),
    [
        (GFP_KERNEL, 0, 0),
        (GFP_KERNEL | Gfp.MEMALLOC, 0, 0x4),
        (GFP_KERNEL | Gfp.MEMALLOC | Gfp.NOMEMALLOC, Context.MEMALLOC, 0),
        (GFP_KERNEL, Context.MEMALLOC, 0x4),
        (GFP_ATOMIC, Context.MEMALLOC | Context.SOFTIRQ, 0x4),
        (GFP_ATOMIC, Context.MEMALLOC | Context.HARDIRQ, 0),
        (GFP_ATOMIC, Context.MEMALLOC | Context.HARDIRQ | Context.SOFTIRQ, 0x4),
        (GFP_KERNEL, Context.VICTIM, 0x8),
        (GFP_KERNEL, Context.VICTIM | Context.MEMALLOC, 0x4),
        (GFP_ATOMIC, Context.VICTIM | Context.SOFTIRQ, 0),
    ],
)
def test_reserves_are_for_those_who_free_memory_and_half_for_victims(gfp, who, due):
    assert flags.reserve_flags(int(gfp), int(who)) == due


def test_movable_requests_may_have_cma_unless_the_task_must_not():
    gfp, more = GFP_ATOMIC | Gfp.MOVABLE, {"cma": True}
    assert AllocFlags.CMA in Course(Request(0, gfp), **more).state.flags
    nocma = Request(0, gfp, Context.NOCMA)
    assert AllocFlags.CMA not in Course(nocma, **more).state.flags
    assert AllocFlags.CMA not in Course(Request(0, GFP_ATOMIC), **more).state.flags


# ------------------------------------------------------------------ atomic requests


@pytest.mark.parametrize(
    ("free", "served"), [(3, False), (4, True), (5, True), (0, False)]
)
def test_an_atomic_request_sees_three_eighths_of_the_mark(free, served):
    course = Course(Request(0, GFP_ATOMIC), Zone(free))
    offered = Answer.domain(course.session.cfg, course.state)["reply"]
    assert (Reply.PAGE in list(offered)) == served


def test_an_atomic_request_looks_twice_and_fails():
    course = Course(Request(0, GFP_ATOMIC)).tell("FIRST - RETRY -")
    assert course.last == Next(At.IDLE, events=(Event.WARN_FAILURE,), page=False)
    assert course.events.count(Event.WAKE_KSWAPD) == 2


def test_a_caller_may_silence_the_log():
    course = Course(Request(0, GFP_ATOMIC | Gfp.NOWARN)).tell("FIRST - RETRY -")
    assert course.last.events == ()


def test_a_request_that_may_sleep_is_not_atomic():
    course = Course(Request(0, GFP_KERNEL | Gfp.ATOMIC))
    assert course.events[0] is Event.WARN_ATOMIC
    assert AllocFlags.HARDER not in course.state.flags


def test_nofail_without_sleep_fails_with_a_warning():
    course = Course(Request(0, GFP_ATOMIC | NOFAIL)).tell("FIRST - RETRY -")
    assert course.last.page is False
    assert Event.WARN_NOWAIT in course.events


# ------------------------------------------------------------------ single pages


def test_single_pages_are_reclaimed_and_never_compacted():
    course = Course(Request(0, GFP_KERNEL), Zone(8, 1))
    course.tell("FIRST - RETRY - RECLAIM PAGES RECLAIMED +")
    assert course.last.page is True


def test_after_reclaim_in_vain_the_pagesets_are_drained_once():
    course = Course(Request(0, GFP_KERNEL), Zone(8, 1))
    course.tell("FIRST - RETRY - RECLAIM PAGES RECLAIMED - DRAINED -")
    assert course.events.count(Event.DRAIN) == 1
    assert course.at is At.RETRY


def test_the_drain_leaves_the_last_page_block_of_the_reserve():
    two = Course(Request(0, GFP_KERNEL), Zone(12, 1, highatomic=2))
    two.tell("FIRST - RETRY - RECLAIM PAGES RECLAIMED -")
    assert two.state.zone.highatomic == 1
    one = Course(Request(0, GFP_KERNEL), Zone(10, 1, highatomic=1))
    one.tell("FIRST - RETRY - RECLAIM PAGES RECLAIMED -")
    assert one.state.zone.highatomic == 1


def test_the_task_is_marked_while_it_reclaims():
    course = Course(Request(0, GFP_KERNEL), Zone(8, 1)).tell("FIRST - RETRY -")
    assert course.state.memalloc
    course.tell("RECLAIM NO_PROGRESS")
    assert not course.state.memalloc


def test_sixteen_rounds_without_progress_are_made_while_there_is_hope():
    course = Course(Request(0, GFP_KERNEL), Zone(9), reclaim_retries=16)
    course.tell("FIRST - " + 16 * IN_VAIN)
    assert (course.at, course.state.loops) == (At.RETRY, 16)
    course.tell(IN_VAIN)
    assert course.at is At.OOM_LOCK
    assert course.events.count(Event.UNRESERVE_ALL) == 1


def test_without_hope_there_is_one_round():
    course = Course(Request(0, GFP_KERNEL), Zone(7, 1)).tell("FIRST - " + IN_VAIN)
    assert course.at is At.OOM_LOCK


def test_progress_begins_the_count_again():
    course = Course(Request(0, GFP_KERNEL), Zone(8, 1)).tell("FIRST - " + IN_VAIN)
    assert course.state.loops == 1
    course.tell("RETRY - RECLAIM PAGES RECLAIMED - DRAINED -")
    assert course.state.loops == 0


def test_before_a_kill_the_whole_reserve_is_given_back():
    course = Course(Request(0, GFP_KERNEL), Zone(10, highatomic=1), reclaim_retries=0)
    course.tell("FIRST - " + IN_VAIN)
    assert (course.at, course.state.zone.highatomic) == (At.RETRY, 0)
    course.tell(IN_VAIN)
    assert course.at is At.OOM_LOCK


@pytest.mark.parametrize(("dirty", "waits"), [(0, False), (1, True)])
def test_a_round_waits_while_most_of_the_rest_is_dirty(dirty, waits):
    course = Course(Request(0, GFP_KERNEL), Zone(8, 1, write_pending=dirty))
    course.tell("FIRST - " + IN_VAIN)
    assert (Event.WAIT in course.events) == waits


@pytest.mark.parametrize(
    ("zone", "counts", "at"),
    [  # the mark is 8
        (Zone(4), True, At.OOM_LOCK),
        (Zone(5), True, At.RETRY),
        (Zone(5), False, At.OOM_LOCK),
        (Zone(5, 3), True, At.OOM_LOCK),
        (Zone(5, 4), False, At.RETRY),
    ],
)
def test_where_nothing_is_reclaimable_free_pages_count_twice(zone, counts, at):
    """From 5.10.233 on: before, such a zone was hopeless."""
    course = Course(Request(0, GFP_KERNEL), zone, counts_free=counts)
    course.tell("FIRST - " + IN_VAIN)
    assert course.at is at


def test_the_last_page_reclaimed_may_bring_hope():
    course = Course(Request(0, GFP_KERNEL), Zone(4, 1))
    round_ = "RETRY - RECLAIM PAGES RECLAIMED - DRAINED - "
    assert not retry.has_hope(course.session.cfg, course.state)
    course.tell("FIRST - " + round_)
    assert (course.at, course.state.zone) == (At.RETRY, Zone(5))


@pytest.mark.parametrize(
    ("zone", "counts", "waits"),
    [
        (Zone(5, write_pending=2), True, False),
        (Zone(5, write_pending=3), True, True),
        (Zone(9, write_pending=4), True, False),
        (Zone(9, write_pending=1), False, True),
    ],
)
def test_what_is_under_writeback_is_compared_with_what_is_free(zone, counts, waits):
    course = Course(Request(0, GFP_KERNEL), zone, counts_free=counts)
    course.tell("FIRST - " + IN_VAIN)
    assert (Event.WAIT in course.events) == waits


def test_a_dying_task_is_told_of_progress_that_there_was_not():
    course = Course(Request(0, GFP_KERNEL), Zone(9), signals=1)
    course.tell("FIRST - RETRY - RECLAIM SIGNAL RECLAIMED - DRAINED -")
    assert course.at is At.RETRY
    assert course.state.left.signals == 0


# ------------------------------------------------------------------ the OOM killer


def test_the_last_look_before_a_kill_is_at_the_high_mark_and_does_not_wait():
    course = Course(Request(0, GFP_KERNEL), Zone(0)).tell(
        "FIRST - " + IN_VAIN + "OOM_LOCK LOCKED"
    )
    assert course.last.flags == AllocFlags.WMARK_HIGH | AllocFlags.CPUSET
    assert Gfp.DIRECT_RECLAIM not in course.last.gfp
    assert Gfp.HARDWALL in course.last.gfp


def test_a_kill_is_progress_and_begins_the_count_again():
    course = Course(Request(0, GFP_KERNEL), kills=1)
    course.tell("FIRST - " + IN_VAIN + LAST_LOOK + "OOM_KILL KILLED")
    assert (course.at, course.state.loops) == (At.RETRY, 0)
    assert course.state.zone.free == 1


def test_with_nothing_to_kill_the_request_fails():
    course = Course(Request(0, GFP_KERNEL))
    course.tell("FIRST - " + IN_VAIN + LAST_LOOK + "OOM_KILL NOBODY")
    assert course.last.page is False


def test_a_busy_lock_is_somebody_elses_progress():
    course = Course(Request(0, GFP_KERNEL), kills=1)
    course.tell("FIRST - " + IN_VAIN + "OOM_LOCK BUSY")
    assert course.at is At.RETRY
    assert Event.SLEEP in course.events


def test_a_victim_has_one_try_at_half_of_the_reserve():
    course = Course(Request(0, GFP_KERNEL), kills=2)
    course.tell("FIRST - " + IN_VAIN + LAST_LOOK + "OOM_KILL CHOSEN")
    assert course.state.flags == AllocFlags.OOM
    course.tell(IN_VAIN + LAST_LOOK + "OOM_KILL KILLED")
    assert course.last.page is False


@pytest.mark.parametrize(
    "request_",
    [
        Request(0, GFP_KERNEL | MAYFAIL),
        Request(0, GFP_KERNEL | Gfp.THISNODE),
        Request(0, GFP_KERNEL | Gfp.DMA),
        Request(0, GFP_KERNEL | Gfp.DMA32),
        Request(0, GFP_KERNEL, Context.DUMPCORE),
        Request(0, GFP_KERNEL, Context.SUSPENDED),
    ],
    ids=repr,
)
def test_nobody_is_killed_for_a_request_that_may_as_well_fail(request_):
    course = Course(request_).tell("FIRST - " + IN_VAIN + LAST_LOOK)
    assert course.last.page is False


# ------------------------------------------------------------------ must not fail


def test_nofail_has_all_reserves_after_the_oom_killer_and_goes_round():
    course = Course(Request(0, GFP_KERNEL | NOFAIL))
    course.tell("FIRST - " + IN_VAIN + LAST_LOOK + "OOM_KILL NOBODY")
    assert course.last.flags == AllocFlags.NO_WATERMARKS | AllocFlags.CPUSET
    assert Event.WARN_OOM in course.events
    course.tell("OOM_CPUSET -")
    assert course.last.flags == AllocFlags.NO_WATERMARKS
    course.tell("OOM_ANY -")
    assert course.at is At.RETRY


def test_nofail_inside_reclaim_has_a_part_of_the_reserve_and_goes_round():
    course = Course(Request(0, GFP_KERNEL | NOFAIL, Context.MEMALLOC))
    course.tell("FIRST - RETRY -")
    assert course.last.flags == AllocFlags.HARDER | AllocFlags.CPUSET
    assert course.last.events == (Event.WARN_RECURSION,)
    course.tell("HARDER_CPUSET - HARDER_ANY -")
    assert course.at is At.RETRY


def test_a_costly_nofail_request_is_warned_of():
    course = Course(Request(4, GFP_KERNEL | NOFAIL))
    course.tell("FIRST - EARLY_COMPACT SKIPPED EARLY_FREELIST - " + IN_VAIN)
    course.tell("COMPACT SKIPPED COMPACTED -")
    assert (course.at, course.last.events) == (
        At.HARDER_CPUSET,
        (Event.WARN_COSTLY,),
    )


def test_a_request_inside_reclaim_fails_where_the_reserves_are_empty():
    course = Course(Request(0, GFP_KERNEL, Context.MEMALLOC)).tell("FIRST -")
    assert course.state.flags == AllocFlags.NO_WATERMARKS
    course.tell("RETRY -")
    assert course.last.page is False


# ------------------------------------------------------------------ blocks

ROOM, BLOCK = Zone(13, 4), Zone(16, block=True)


def test_unmovable_blocks_are_compacted_before_any_reclaim():
    course = Course(Request(1, GFP_KERNEL), ROOM).tell("FIRST -")
    assert course.last.priority is CompactPriority.ASYNC
    course.tell("EARLY_COMPACT SUCCESS EARLY_FREELIST +")
    assert course.last.events == (Event.DEFER_RESET,)


def test_movable_blocks_are_not():
    course = Course(Request(1, GFP_HIGHUSER_MOVABLE), ROOM).tell("FIRST -")
    assert course.at is At.RETRY


def test_those_with_a_right_to_the_reserves_try_these_first():
    course = Course(Request(4, GFP_KERNEL, Context.MEMALLOC), ROOM).tell("FIRST -")
    assert course.at is At.RETRY


def test_compaction_may_catch_a_page():
    course = Course(Request(1, GFP_KERNEL), ROOM).tell("FIRST - EARLY_COMPACT +")
    assert course.last == Next(At.IDLE, events=(Event.DEFER_RESET,), page=True)


def test_reclaim_is_followed_by_compaction_at_the_usual_priority():
    course = Course(Request(1, GFP_HIGHUSER_MOVABLE), ROOM)
    course.tell("FIRST - RETRY - RECLAIM NO_PROGRESS")
    assert course.last.priority is CompactPriority.SYNC_LIGHT
    course.tell("COMPACT COMPLETE COMPACTED -")
    assert course.at is At.OOM_LOCK


def test_after_a_scan_in_vain_compaction_tries_harder_once():
    course = Course(Request(1, GFP_HIGHUSER_MOVABLE), ROOM)
    vain = "RETRY - RECLAIM PAGES RECLAIMED - DRAINED - COMPACT COMPLETE COMPACTED - "
    course.tell("FIRST - " + vain)
    assert course.state.priority is CompactPriority.SYNC_FULL
    course.tell(vain)
    assert course.at is At.OOM_LOCK


def test_compaction_without_room_waits_for_reclaim():
    zone = Zone(11, 2)
    course = Course(Request(1, GFP_HIGHUSER_MOVABLE), zone)
    skipped = "RETRY - RECLAIM PAGES RECLAIMED - DRAINED - COMPACT SKIPPED COMPACTED - "
    course.tell("FIRST - " + skipped)
    assert (course.at, course.state.zone.free) == (At.RETRY, 12)


@pytest.mark.parametrize(("order", "most"), [(3, 16), (4, 4)])
def test_costly_blocks_are_compacted_a_quarter_of_the_times(order, most):
    costly, success = order > 3, int(CompactResult.SUCCESS)
    again = retry.compaction_again(success, 1, most - 1, costly, 16, True)
    assert (again.again, again.priority, again.retries) == (True, 1, most)
    last = retry.compaction_again(success, 1, most, costly, 16, True)
    due = (False, 1, most + 1) if costly else (True, 0, 0)
    assert (last.again, last.priority, last.retries) == due


NOT_GIVEN = (
    CompactResult.NOT_SUITABLE_ZONE,
    CompactResult.NO_SUITABLE_PAGE,
    CompactResult.CONTINUE,
)


@pytest.mark.parametrize("odd", NOT_GIVEN)
@pytest.mark.parametrize(
    ("costly", "retries", "due"),
    [
        (False, 16, (True, 1, 16)),
        (False, 17, (True, 0, 0)),
        (True, 4, (True, 1, 4)),
        (True, 5, (False, 1, 5)),
    ],
)
def test_an_answer_that_compaction_does_not_give_is_not_counted(
    odd, costly, retries, due
):
    """Within the bound it would be tried for ever, above it harder."""
    got = retry.compaction_again(int(odd), 1, retries, costly, 16, False)
    assert (got.again, got.priority, got.retries) == due


@pytest.mark.parametrize(
    ("order", "zone", "counts", "due"),
    [  # above 8 pages and 2 << order, with free / order added
        (1, Zone(6), True, False),
        (1, Zone(7), True, True),
        (1, Zone(7), False, False),
        (1, Zone(7, 5), True, False),
        (1, Zone(7, 6), True, True),
        (3, Zone(18), True, False),
        (3, Zone(19), True, True),
        (3, Zone(19), False, False),
    ],
)
def test_compaction_may_have_room_only_as_free_pages_count_twice(
    order, zone, counts, due
):
    cfg = tiny((), (), counts_free=counts)
    s = State(at=At.COMPACTED, order=order, gfp=GFP_KERNEL, zone=zone)
    assert retry.reclaim_would_help(cfg, s) is due


# ------------------------------------------------------------------ costly blocks

WIDE = Zone(45)


def test_a_costly_request_fails_after_one_round():
    course = Course(Request(4, GFP_KERNEL), WIDE)
    course.tell("FIRST - EARLY_COMPACT COMPLETE EARLY_FREELIST - " + IN_VAIN)
    course.tell("COMPACT COMPLETE COMPACTED -")
    assert course.last.page is False


@pytest.mark.parametrize("answer", ["SKIPPED", "DEFERRED"])
def test_a_costly_one_that_is_not_retried_fails_where_compaction_does_not_begin(answer):
    zone = EMPTY if answer == "SKIPPED" else WIDE
    course = Course(Request(4, GFP_KERNEL | NORETRY), zone)
    course.tell(f"FIRST - EARLY_COMPACT {answer} EARLY_FREELIST -")
    assert course.last.page is False


def test_a_costly_one_of_one_node_is_compacted_and_not_reclaimed():
    huge = GFP_HIGHUSER_MOVABLE | NORETRY | Gfp.THISNODE
    course = Course(Request(9, huge), Zone(2000))
    course.tell("FIRST - EARLY_COMPACT COMPLETE EARLY_FREELIST -")
    assert course.last.page is False


def test_a_costly_one_that_is_not_retried_is_compacted_in_passing_only():
    course = Course(Request(4, GFP_KERNEL | NORETRY), WIDE)
    course.tell("FIRST - EARLY_COMPACT COMPLETE EARLY_FREELIST - " + IN_VAIN)
    assert course.last.priority is CompactPriority.ASYNC
    course.tell("COMPACT COMPLETE COMPACTED -")
    assert course.last.page is False


def test_progress_of_a_costly_request_does_not_count():
    course = Course(Request(4, GFP_KERNEL | MAYFAIL), WIDE)
    course.tell("FIRST - EARLY_COMPACT COMPLETE EARLY_FREELIST - RETRY -")
    course.tell("RECLAIM READY RECLAIMED - DRAINED - COMPACT SUCCESS COMPACTED -")
    assert (course.at, course.state.loops, course.state.retries) == (At.RETRY, 1, 1)


def test_a_costly_request_without_io_fails_as_compaction_must_not_run():
    course = Course(Request(4, GFP_NOIO | MAYFAIL), WIDE)
    course.tell("FIRST - RETRY - RECLAIM READY RECLAIMED - DRAINED -")
    course.tell("COMPACT SKIPPED COMPACTED -")
    assert course.last.page is False


def test_5_10_0_retries_it_for_ever():
    """Reclaim leaves it to compaction, which may not run, and so on.

    Linux 5.10.216 asks first whether compaction may run.
    """
    cfg = replace(CONFIGS["v5.10-costly-noio"], reclaim_retries=99)
    course = Course(Request(4, GFP_NOIO | MAYFAIL), WIDE, cfg)
    course.tell("FIRST - EARLY_COMPACT SKIPPED EARLY_FREELIST -")
    vain = "RETRY - RECLAIM READY RECLAIMED - DRAINED - COMPACT SKIPPED COMPACTED - "
    course.tell(20 * vain)
    assert (course.at, course.state.loops) == (At.RETRY, 20)


# ------------------------------------------------------------------ no compaction


def test_without_compaction_blocks_are_reclaimed_only():
    course = Course(Request(1, GFP_KERNEL), Zone(8, 2), compaction=False)
    course.tell("FIRST - RETRY - RECLAIM PAGES RECLAIMED - DRAINED -")
    assert course.at is At.OOM_LOCK


@pytest.mark.parametrize(("order", "at"), [(1, At.RETRY), (4, At.OOM_LOCK)])
def test_5_10_0_without_compaction_retries_small_blocks_while_pages_are_free(order, at):
    quirks = (COMPACTS_WITHOUT_IO,)
    gfp = GFP_KERNEL | (MAYFAIL if order > 3 else 0)
    course = Course(Request(order, gfp), Zone(8, 1), compaction=False, quirks=quirks)
    course.tell("FIRST - RETRY - RECLAIM PAGES RECLAIMED - DRAINED -")
    assert course.at is at


def test_5_10_0_without_compaction_stops_a_costly_one_that_is_not_retried():
    quirks = (COMPACTS_WITHOUT_IO,)
    gfp = GFP_KERNEL | NORETRY
    course = Course(Request(4, gfp), compaction=False, quirks=quirks).tell("FIRST -")
    assert course.last.page is False


# ------------------------------------------------------------------ changes

MOVING = {"cpusets": True, "hotremove": True, "changes": 1}
FITS, NO_NODE = Nodemask.FITS, Nodemask.EMPTY


@pytest.mark.parametrize("change", ["CPUSET", "ZONELIST", "NODEMASK"])
def test_a_change_makes_the_request_begin_again(change):
    course = Course(Request(0, GFP_KERNEL, nodemask=FITS), Zone(8, 1), **MOVING)
    course.tell("FIRST - LOOK_RETRY UNCHANGED " + IN_VAIN + f"LOOK_RETRY {change}")
    assert (course.at, course.state.loops) == (At.FIRST, 0)
    assert (course.state.nodemask is FITS) == (change != "NODEMASK")


def test_changes_are_looked_for_before_a_kill_and_before_failure():
    course = Course(Request(0, GFP_KERNEL), **MOVING)
    course.tell("FIRST - LOOK_RETRY UNCHANGED " + IN_VAIN)
    course.tell("LOOK_OOM UNCHANGED " + LAST_LOOK)
    course.tell("OOM_KILL NOBODY LOOK_FAIL CPUSET")
    assert course.at is At.FIRST


def test_a_request_for_nodes_without_a_zone_fails_at_once():
    assert Course(Request(0, GFP_KERNEL, nodemask=NO_NODE)).last.page is False


def test_unless_the_nodes_were_stale():
    course = Course(Request(0, GFP_KERNEL, nodemask=NO_NODE), **MOVING)
    course.tell("LOOK_FAIL NODEMASK")
    assert (course.at, course.state.nodemask) == (At.FIRST, Nodemask.ABSENT)


def test_nofail_without_a_zone_finds_nothing_anywhere():
    course = Course(Request(1, GFP_KERNEL | NOFAIL, nodemask=NO_NODE), Zone(99, 9, 2))
    course.tell("HARDER_CPUSET - HARDER_ANY - " + IN_VAIN)
    course.tell("COMPACT SKIPPED COMPACTED -")
    assert course.at is At.OOM_LOCK


def test_atomic_requests_and_victims_ignore_the_nodes():
    for request_ in (
        Request(0, GFP_ATOMIC, nodemask=FITS),
        Request(0, GFP_NOWAIT, Context.VICTIM, FITS),
    ):
        course = Course(request_).tell("FIRST -")
        assert course.state.nodemask is Nodemask.ABSENT


# ------------------------------------------------------------------ insane cpusets

USER, BARRED = GFP_KERNEL | Gfp.HARDWALL, Context.BARRED


@pytest.mark.parametrize(
    ("gfp", "who", "fails"),
    [
        (USER, BARRED, True),
        (USER, BARRED | Context.VICTIM, True),
        (GFP_ATOMIC | Gfp.HARDWALL, BARRED, True),
        (GFP_KERNEL, BARRED, False),
        (USER, Context.NONE, False),
    ],
)
def test_a_request_that_keeps_to_an_insane_cpuset_fails_at_once(gfp, who, fails):
    """However much is free: all of it is on nodes outside of the cpuset."""
    course = Course(Request(0, gfp, who), CLEAN)
    assert (course.last.page is False) == fails
    assert (Event.WARN_FAILURE in course.events) == fails


@pytest.mark.parametrize(("change", "at"), [("CPUSET", "FIRST"), ("ZONELIST", "IDLE")])
def test_unless_the_cpuset_changes_meanwhile(change, at):
    may = {"cpusets": True, "hotremove": True, "changes": 1}
    course = Course(Request(0, USER, BARRED), CLEAN, **may)
    course.tell(f"LOOK_FAIL {change}")
    if course.at is At.LOOK_FAIL:
        course.tell("LOOK_FAIL UNCHANGED")
    assert course.at is At[at]


def test_nofail_gets_a_page_from_outside_of_an_insane_cpuset():
    """No zone of its own can give one, before or after reclaim."""
    course = Course(Request(0, USER | NOFAIL, BARRED), Zone(99, 9), signals=1)
    assert replies.may_say(course.session.cfg, course.state) == (Reply.NO_PAGE,)
    course.tell("HARDER_CPUSET - HARDER_ANY - RETRY -")
    told = replies.may_say(course.session.cfg, course.state)
    assert told == (Reply.NO_PROGRESS, Reply.SIGNAL)
    course.tell("RECLAIM SIGNAL RECLAIMED - DRAINED - " + IN_VAIN + IN_VAIN)
    course.tell(LAST_LOOK + "OOM_KILL NOBODY OOM_CPUSET - OOM_ANY +")
    assert course.last.page is True


@pytest.mark.parametrize(
    ("gfp", "who", "may"),
    [
        (USER, BARRED, False),
        (USER, BARRED | Context.VICTIM, True),
        (USER, BARRED | Context.SOFTIRQ, True),
        (USER, Context.NONE, True),
        (GFP_KERNEL, BARRED, True),
    ],
)
def test_interrupts_and_victims_may_have_memory_of_any_node(gfp, who, may):
    s = State(at=At.FIRST, gfp=gfp, context=who, flags=AllocFlags.CPUSET, zone=CLEAN)
    assert replies.may_serve(CONFIGS["tiny-insane"], s) is may


# ------------------------------------------------------------------ less patience


def test_another_implementation_may_give_up_sooner_and_fails_only_where_it_may():
    cfg = CONFIGS["tiny-less"]
    course = Course(Request(0, GFP_KERNEL), Zone(7, 2), cfg)
    course.tell("FIRST - RETRY - RECLAIM PAGES RECLAIMED -")
    op = Answer(Reply.NO_PAGE)
    linux, sooner = SLOWPATH.permitted(cfg, course.state, op)
    assert (linux.asks, sooner.asks) == (At.RETRY, At.OOM_LOCK)
    after = op.after(cfg, course.state, sooner)
    assert after.at is At.OOM_LOCK
    assert list(ops.used(cfg, Step(course.state, op, sooner, after))) == ["patience"]
    assert list(ops.used(cfg, Step(course.state, op, linux, after))) == []
    with pytest.raises(Disallowed, match="is due"):
        op.after(cfg, course.state, Next(At.IDLE, page=False))
    assert SLOWPATH.permitted(CONFIGS["tiny"], course.state, op) == []


# ------------------------------------------------------------------ what is not legal


def test_while_one_request_is_under_way_no_other_begins():
    cfg = CONFIGS["tiny-blocks"]
    for at in At:
        s = State(at=at, order=1, gfp=GFP_KERNEL, zone=ROOM)
        assert enabled(Begin.domain(cfg, s)) == (at is At.IDLE)
        assert enabled(Answer.domain(cfg, s)) == (at is not At.IDLE)


def test_anybody_may_ask_whether_a_request_may_use_the_reserves():
    cfg = CONFIGS["tiny-blocks"]
    s = ops.initial(cfg)
    assert len(PfmemallocAllowed.domain(cfg, s)["context"]) == len(ops.CONTEXTS)
    for who, due in ((Context.NONE, False), (Context.VICTIM, True)):
        asked = PfmemallocAllowed(GFP_KERNEL, who)
        assert asked.choose(cfg, s) is due
        assert asked.after(cfg, s, due) is s
        with pytest.raises(Disallowed, match="is due"):
            asked.after(cfg, s, not due)
    under_way = State(at=At.FIRST, gfp=GFP_NOIO, context=Context.VICTIM)
    domain = PfmemallocAllowed.domain(cfg, under_way)
    assert [list(each) for each in domain.values()] == [[GFP_NOIO], [Context.VICTIM]]


def test_compaction_is_deferred_at_any_but_the_highest_priority():
    cfg = CONFIGS["tiny-blocks"]
    s = State(at=At.COMPACT, order=1, gfp=GFP_KERNEL, zone=ROOM)
    full = replace(s, priority=CompactPriority.SYNC_FULL)
    assert CompactResult.DEFERRED in replies.compaction_may_say(cfg, s)
    assert CompactResult.DEFERRED not in replies.compaction_may_say(cfg, full)
    assert replies.compaction_may_say(cfg, replace(full, zone=Zone(12))) == (
        CompactResult.SKIPPED,
    )
    assert replies.compaction_may_say(cfg, replace(full, zone=BLOCK)) == (
        CompactResult.SUCCESS,
    )


@pytest.mark.parametrize(("free", "ready"), [(44, False), (45, True)])
def test_reclaim_leaves_a_costly_block_to_compaction_above_the_high_mark(free, ready):
    cfg = CONFIGS["tiny-costly"]
    s = State(at=At.RECLAIM, order=4, gfp=GFP_KERNEL, zone=Zone(free))
    assert (Reclaim.READY in replies.reclaim_may_say(cfg, s)) == ready
    there = replace(s, zone=Zone(24, block=True))
    assert Reclaim.READY in replies.reclaim_may_say(cfg, there)
    small = replace(s, order=3)
    assert Reclaim.READY not in replies.reclaim_may_say(cfg, small)


def test_a_record_is_told_without_its_defaults():
    assert repr(Request(0, GFP_ATOMIC)) == (
        "Request(order=0, gfp=HIGH|ATOMIC|KSWAPD_RECLAIM)"
    )
    assert repr(Request(0, Gfp.NONE)) == "Request(order=0, gfp=NONE)"
    assert repr(Zone(3, block=True)) == "Zone(free=3, block=True)"
    asked = Next(At.COMPACT, priority=CompactPriority.ASYNC)
    assert repr(asked) == "asks=COMPACT, flags=NONE, priority=ASYNC"
    assert repr(Next(At.IDLE, page=True)) == "page=True"
