"""Each rule of the slow path complains of what breaks it, and names it.

The states and steps are built by hand: no history of a correct machine reaches them.
"""

from dataclasses import replace

import pytest

from mmoracle.checkers.bind.slowpath import SLOWPATH
from mmoracle.checkers.bind.slowpath_configs import CONFIGS
from mmoracle.spec.core import Step
from mmoracle.spec.linux import (
    GFP_ATOMIC,
    GFP_KERNEL,
    AllocFlags,
    CompactPriority,
    CompactResult,
    Gfp,
)
from mmoracle.spec.slowpath import ops, replies, retry
from mmoracle.spec.slowpath.ops import Answer, Begin, PfmemallocAllowed
from mmoracle.spec.slowpath.request import (
    At,
    Context,
    Event,
    Left,
    Next,
    Nodemask,
    Reclaim,
    Reply,
    Request,
    State,
    Zone,
)

CFG = CONFIGS["tiny-kernel"]
KERNEL = State(at=At.RETRY, gfp=GFP_KERNEL, flags=AllocFlags.CPUSET | AllocFlags.KSWAPD)
NOFAIL, NORETRY = Gfp.NOFAIL, Gfp.NORETRY
NONE = Answer(Reply.NO_PAGE)


def at(place, s=KERNEL, **more):
    """Return a state at another question."""
    return replace(s, at=place, **more)


# ------------------------------------------------------------------ states


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        ("SP-MEMALLOC", at(At.RECLAIM)),
        ("SP-MEMALLOC", replace(KERNEL, memalloc=True)),
        ("SP-MEMALLOC", replace(KERNEL, context=Context.MEMALLOC)),
        ("SP-PRIORITY", replace(KERNEL, priority=CompactPriority.ASYNC)),
        (
            "SP-PRIORITY",
            replace(KERNEL, order=4, priority=CompactPriority.SYNC_FULL),
        ),
        ("SP-COUNT", replace(KERNEL, loops=99)),
        ("SP-COUNT", replace(KERNEL, loops=-1)),
        ("SP-COUNT", replace(KERNEL, retries=99)),
        ("SP-COUNT", replace(KERNEL, retries=-1)),
        ("SP-RIGHTS", replace(KERNEL, flags=AllocFlags.NO_WATERMARKS)),
        ("SP-RIGHTS", replace(KERNEL, flags=AllocFlags.OOM)),
        ("SP-RIGHTS", replace(KERNEL, flags=AllocFlags.HARDER)),
        ("SP-RIGHTS", replace(KERNEL, flags=AllocFlags.HIGH)),
        ("SP-SLEEP", at(At.OOM_LOCK, gfp=GFP_ATOMIC)),
        ("SP-RECURSE", at(At.RECLAIM, context=Context.MEMALLOC, memalloc=True)),
        ("SP-OOM", at(At.OOM_KILL, gfp=GFP_KERNEL | Gfp.THISNODE)),
        ("SP-OOM", at(At.OOM_KILL, order=4)),
    ],
)
def test_each_rule_of_states_complains(rule, wrong):
    broken = {each.id for each in SLOWPATH.invariants for _ in each.check(CFG, wrong)}
    assert rule in broken


def test_what_must_not_fail_may_count_on():
    s = replace(KERNEL, gfp=GFP_KERNEL | NOFAIL, loops=99, retries=99)
    assert not [each for rule in SLOWPATH.invariants for each in rule.check(CFG, s)]
    saturated = ops.canonical(CFG, s)
    assert (saturated.loops, saturated.retries) == (2, 5)


# ------------------------------------------------------------------ steps


def broken(before, op, after, result=None, cfg=CFG):
    """Return the ids of the laws that a step breaks."""
    result = result or Next(after.at, after.gfp, after.flags)
    step = Step(before, op, result, after)
    return {law.id for law in SLOWPATH.laws for _ in law.check(cfg, step)}


IDLE = State()
FAILS, SERVED = Next(At.IDLE, page=False), Next(At.IDLE, page=True)
HOPE = replace(KERNEL, zone=Zone(9), loops=1)
MUST = replace(KERNEL, gfp=GFP_KERNEL | NOFAIL)
HELPED = AllocFlags.HARDER | AllocFlags.CPUSET


@pytest.mark.parametrize(
    ("rule", "before", "op", "after", "result"),
    [
        ("LIVE", at(At.COMPACTED), NONE, KERNEL, None),
        ("LIVE", at(At.RECLAIM), Answer(Reply.NO_PROGRESS), at(At.RECLAIM), None),
        ("LIVE", at(At.OOM_ANY), NONE, KERNEL, None),
        ("SP-SOURCE", at(At.RETRY), NONE, IDLE, SERVED),
        ("SP-SOURCE", at(At.RETRY), Answer(Reply.PAGE), at(At.RECLAIM), None),
        ("SP-NOFAIL", at(At.LOOK_FAIL, MUST), Answer(Reply.UNCHANGED), IDLE, FAILS),
        ("SP-FAIL", at(At.RETRY), NONE, IDLE, FAILS),
        ("SP-FAIL", at(At.RETRY), NONE, at(At.LOOK_FAIL), None),
        ("SP-FAIL", at(At.OOM_LOCK), Answer(Reply.KILLED), IDLE, FAILS),
        (
            "SP-NORETRY",
            at(At.COMPACTED, gfp=GFP_KERNEL | NORETRY),
            NONE,
            at(At.OOM_LOCK, gfp=GFP_KERNEL | NORETRY),
            None,
        ),
        ("SP-HOPE", at(At.DRAINED, HOPE), NONE, at(At.OOM_LOCK, HOPE), None),
        ("SP-HIGH", at(At.OOM_LOCK), NONE, at(At.OOM_KILL), None),
        ("SP-HIGH", at(At.OOM_LOCK), NONE, at(At.OOM_FREELIST), None),
        (
            "SP-HIGH",
            at(At.OOM_LOCK),
            NONE,
            at(At.OOM_FREELIST),
            Next(At.OOM_FREELIST, GFP_KERNEL, AllocFlags.CPUSET | 2),
        ),
        (
            "SP-RIGHTS",
            at(At.LOOK_FAIL, MUST),
            NONE,
            at(At.HARDER_ANY, MUST),
            Next(At.HARDER_ANY, flags=AllocFlags.NO_WATERMARKS),
        ),
        (
            "SP-RIGHTS",
            at(At.OOM_KILL, MUST),
            NONE,
            at(At.OOM_ANY, MUST),
            Next(At.OOM_ANY, flags=AllocFlags.HARDER),
        ),
        ("SP-RIGHTS", KERNEL, NONE, at(At.OOM_ANY), None),
        ("SP-DRAIN", at(At.RECLAIMED), NONE, at(At.DRAINED), None),
        ("SP-KSWAPD", at(At.FIRST), NONE, KERNEL, None),
        (
            "SP-RESTART",
            at(At.LOOK_RETRY, left=Left(1)),
            Answer(Reply.CPUSET),
            KERNEL,
            None,
        ),
        (
            "SP-RESTART",
            at(At.LOOK_RETRY, left=Left(1)),
            Answer(Reply.CPUSET),
            at(At.FIRST, loops=1),
            None,
        ),
        ("SP-NODES", at(At.FIRST, nodemask=Nodemask.FITS), NONE, KERNEL, None),
    ],
)
def test_each_rule_of_steps_complains(rule, before, op, after, result):
    assert rule in broken(before, op, after, result)


def test_what_is_meant_is_let_be():
    woken = Next(At.RETRY, flags=KERNEL.flags, events=(Event.WAKE_KSWAPD,))
    assert not broken(at(At.HARDER_ANY, MUST), NONE, MUST, woken)
    killer = at(At.OOM_KILL)
    assert not broken(killer, Answer(Reply.NOBODY), IDLE, FAILS)
    victim = at(At.OOM_KILL, context=Context.VICTIM)
    assert not broken(victim, Answer(Reply.KILLED), IDLE, FAILS)
    empty = Request(0, GFP_KERNEL, nodemask=Nodemask.EMPTY)
    assert not broken(IDLE, Begin(empty, Zone()), IDLE, FAILS)
    late = replace(HOPE, loops=2)
    assert not broken(at(At.DRAINED, late), NONE, at(At.OOM_LOCK, late))
    asked = PfmemallocAllowed(GFP_KERNEL, Context.NONE)
    assert not broken(KERNEL, asked, KERNEL, result=True)
    less = CONFIGS["tiny-less"]
    early = at(At.OOM_LOCK, HOPE)
    assert not broken(at(At.DRAINED, HOPE), NONE, early, cfg=less)


# ------------------------------------------------------------------ the measure


def test_the_measure_falls_in_the_order_of_dictionaries():
    assert retry.falls((2, 1), (1, 9))
    assert retry.falls((2, 1), (2, 0))
    assert not retry.falls((2, 1), (2, 1))
    assert not retry.falls((2, 1), (3, 0))


def test_pages_just_reclaimed_are_worth_a_round():
    cfg = CONFIGS["tiny-kernel"]
    before = at(At.RECLAIM, zone=Zone(0, 1))
    gained = at(At.RECLAIMED, zone=Zone(1, 0), gained=Reclaim.PAGES)
    again = at(At.RETRY, zone=Zone(1, 0))
    ranks = [retry.rank(cfg, s) for s in (before, gained, again)]
    assert ranks == sorted(ranks, reverse=True)
    pretended = replace(before, at=At.RECLAIMED, gained=Reclaim.READY)
    assert retry.rank(cfg, pretended)[3] == retry.rank(cfg, before)[3]


def test_single_pages_are_never_compacted_again():
    gained = replace(KERNEL, gained=Reclaim.PAGES)
    assert retry.compact_again(CFG, gained) == (gained, False)


def test_a_zone_outside_the_nodemask_is_no_hope():
    s = replace(KERNEL, zone=Zone(99, 9, 2), nodemask=Nodemask.EMPTY, order=1)
    assert not retry.has_hope(CFG, s)
    assert not retry.order_0_is_fine(CFG, s)
    assert not replies.may_serve(CFG, s)
    assert retry.unreserve(s, keep=0) == s
    assert retry.suitability(CFG, s, 99) is CompactResult.SKIPPED
    assert replies.reclaim_may_say(CFG, s) == (Reclaim.NO_PROGRESS,)


# ------------------------------------------------------------------ lower layers


def test_a_pageset_may_have_a_page_where_the_lists_have_none():
    """rmqueue_pcplist() looks at the pageset only; no mark stops NO_WATERMARKS."""
    marks = replace(KERNEL, zone=Zone(0), left=Left(kills=CFG.kills))
    assert not replies.may_serve(CFG, marks)
    assert replies.may_serve(CFG, replace(marks, flags=AllocFlags.NO_WATERMARKS))
    block = replace(marks, flags=AllocFlags.NO_WATERMARKS, order=1)
    assert not replies.may_serve(CFG, block)
    assert not replies.may_serve(CFG, replace(block, zone=Zone(9)))
    assert replies.may_serve(CFG, replace(block, zone=Zone(2, block=True)))


def test_a_drain_or_a_kill_may_make_a_block():
    """Pages that were apart in pagesets, or a task's, merge on the free lists."""
    alive = replace(KERNEL, order=1, zone=Zone(20), left=Left(kills=CFG.kills))
    assert not replies.may_serve(CFG, at(At.RECLAIMED, alive))
    assert replies.may_serve(CFG, at(At.DRAINED, alive))
    assert not replies.may_serve(CFG, at(At.DRAINED, replace(alive, zone=Zone(8))))
    assert replies.may_serve(CFG, replace(alive, left=Left(kills=CFG.kills - 1)))


def test_compaction_turns_costly_requests_away_where_memory_is_short():
    """fragmentation_index() is asked for them only, and by compaction_ready() too."""
    cfg = CONFIGS["tiny-costly"]
    costly = replace(KERNEL, at=At.COMPACT, order=4, zone=Zone(60))
    small = replace(costly, order=1)
    ready = replace(costly, gained=Reclaim.READY)
    for s, due in ((costly, True), (small, False), (ready, False)):
        said = replies.compaction_may_say(cfg, s)
        assert CompactResult.COMPLETE in said
        assert (CompactResult.SKIPPED in said) == due
