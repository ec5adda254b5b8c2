"""Every rule of the page allocator complains, each of something made wrong by hand.

`test_buddy_reach.py` has the witnesses, the arguments and what others may do.
"""

from dataclasses import replace

import pytest

from mmoracle.checkers.bind.buddy import BUDDY
from mmoracle.spec.buddy.alloc import AllocExact, AllocPages
from mmoracle.spec.buddy.blocks import push
from mmoracle.spec.buddy.free import (
    FreeCommit,
    FreePages,
    FreePrepare,
    FreeReserved,
)
from mmoracle.spec.buddy.manage import (
    GetPage,
    SplitPage,
    TakePageOff,
)
from mmoracle.spec.buddy.ops import empty
from mmoracle.spec.buddy.zones import (
    DONE,
    Config,
    Held,
    Outcome,
    Pageset,
    Span,
    count,
    put,
    with_zone,
)
from mmoracle.spec.core import Disallowed, Step
from mmoracle.spec.linux import MIGRATE_HIGHATOMIC as H
from mmoracle.spec.linux import MIGRATE_MOVABLE as M
from mmoracle.spec.linux import MIGRATE_UNMOVABLE as U
from mmoracle.spec.linux import AllocFlags, Bug, Errno

NONE, HARDER, CMA = AllocFlags.NONE, AllocFlags.HARDER, AllocFlags.CMA
KSWAPD, NOFRAGMENT = AllocFlags.KSWAPD, AllocFlags.NOFRAGMENT
EIGHT = Config(zones=(Span(0, 8),), orders=4, pageblock_order=3, cpus=1)
BLOCKS = replace(EIGHT, pageblock_order=1)  # four page blocks of two frames
AREA = replace(BLOCKS, has_cma=True)
C, I = H + 1, BLOCKS.isolate  # noqa: E741  (a migrate type, as in pictures)


def take(order=0, mt=M, flags=NONE, at=0, *, compound=False):
    """Return a request."""
    return AllocPages(0, at, order, mt, flags, compound)


def give(pfn, order=0):
    """Return a free."""
    return FreePages(0, (pfn, order))


def state(free=(), held=(), pages=(), cfg=EIGHT, **more):
    """Return a state of one zone whose counters are right.

    `free` has (pfn, order, type), `held` (pfn, order), `pages` of the pageset have
    (list, pfn, type).
    """
    s = replace(empty(cfg), **more)
    known = 0
    for pfn, order, mt in free:
        s = with_zone(s, 0, push(s.zones[0], pfn, order, mt, tail=True))
        s = count(cfg, s, 0, (mt != cfg.isolate) << order, mt)
        known += 1 << order
    lists = Pageset().lists
    for which, pfn, mt in pages:
        lists = put(lists, which, (*lists[which], (pfn, mt)))
    blocks = tuple(Held(*each) for each in held)
    known += len(pages) + sum(1 << h.order for h in blocks)
    known += len(s.prepared) + len(s.taken) + sum(1 << order for _, order in s.guards)
    sets = (Pageset(high=4, batch=2, count=len(pages), lists=lists),)
    reserved = s.types.count(H) * cfg.block_pages
    zone = replace(s.zones[0], managed=known, pagesets=sets, highatomic=reserved)
    return replace(with_zone(s, 0, zone), held=blocks)


def zone_with(s, **fields):
    """Return a state with fields of its zone changed."""
    return with_zone(s, 0, replace(s.zones[0], **fields))


def counted(s, **fields):
    """Return a state with fields of its pageset changed."""
    return zone_with(s, pagesets=(replace(s.zones[0].pagesets[0], **fields),))


# ------------------------------------------------------------------ states


def complaints(cfg, s):
    """Return (id, complaint) of each invariant that a state breaks."""
    return [(each.id, why) for each in BUDDY.invariants for why in each.check(cfg, s)]


FULL = state([(0, 3, M)])
BORDERS = replace(EIGHT, zones=(Span(0, 4), Span(4, 8)))


@pytest.mark.parametrize(
    ("rule", "why", "s", "cfg"),
    [
        ("BUD-ALIGN", "pfn 1 order 1 is", state([(1, 1, M)]), EIGHT),
        ("BUD-ALIGN", "pfn 2 order 2 is", state(held=[(2, 2)]), EIGHT),
        ("BUD-ALIGN", "pfn 3 order 1 is", state(guards=((3, 1),)), EIGHT),
        (
            "BUD-ZONE",
            "pfn 2 order 1 covers a hole at 3",
            state([(2, 1, M)]),
            replace(EIGHT, holes=(Span(3, 4),)),
        ),
        (
            "BUD-ZONE",
            "pfn 1 order 0 is free in zone 0, [2, 8)",
            state(pages=[(M, 1, M)]),
            replace(EIGHT, zones=(Span(2, 8),)),
        ),
        (
            "BUD-ZONE",
            "pfn 4 order 2 is free in zone 0, [0, 6)",
            state([(4, 2, M)]),
            replace(EIGHT, zones=(Span(0, 6),)),
        ),
        (
            "BUD-DISJOINT",
            "frame 1 is in free block pfn 0 order 1 type 1 and in held block pfn 1",
            state([(0, 1, M)], [(1, 0)]),
            EIGHT,
        ),
        (
            "BUD-DISJOINT",
            "frame 0 is in pageset page 0 and in prepared page 0",
            state(pages=[(M, 0, M)], prepared=((0, M),)),
            EIGHT,
        ),
        (
            "BUD-DISJOINT",
            "frame 3 is in guard pfn 0 order 2 and in taken page 3",
            state(guards=((0, 2),), taken=(1 + 2,)),
            EIGHT,
        ),
        (
            "BUD-CONSERVE",
            "zone 0 manages 9 frames, 8 are accounted for",
            zone_with(FULL, managed=9),
            EIGHT,
        ),
        (
            "BUD-CONSERVE",
            "zone 0 manages 2 frames, 1 are accounted for",
            state(held=[(0, 0), (2, 0)]),
            replace(EIGHT, holes=(Span(2, 3),)),
        ),
        (
            "BUD-COALESCE",
            "pfn 0 order 1 and its buddy 2 are free and apart",
            state([(2, 1, M), (0, 1, M)]),
            EIGHT,
        ),
        (
            "BUD-COALESCE",
            "pfn 0 order 1 and its buddy 2 are free and apart",
            state([(0, 1, U), (2, 1, M)], types=(U, M, M, M)),
            BLOCKS,
        ),
        (
            "BUD-NRFREE",
            "zone 0 order 3: nr_free 2, the lists hold 1",
            zone_with(FULL, nr_free=(0, 0, 0, 2)),
            EIGHT,
        ),
        (
            "BUD-NRFREE",
            "zone 0: NR_FREE_PAGES 7, 8 are free",
            zone_with(FULL, nr_free_pages=7),
            EIGHT,
        ),
        (
            "BUD-NRFREE",
            "zone 0: NR_FREE_CMA_PAGES 1, 0 are free",
            zone_with(FULL, nr_free_cma=1),
            EIGHT,
        ),
        (
            "BUD-MT",
            "pfn 0 order 1 is on the list of type 4, its page block has type 1",
            state([(0, 1, I)], cfg=BLOCKS),
            BLOCKS,
        ),
        (
            "BUD-MT",
            "pfn 2 order 1 is on the list of type 1, its page block has type 4",
            state([(2, 1, M)], cfg=AREA, types=(M, C, M, M)),
            AREA,
        ),
        (
            "PCP-COUNT",
            "zone 0 cpu 0: count 3, the lists hold 1",
            counted(state(pages=[(M, 0, M)]), count=3),
            EIGHT,
        ),
        (
            "PCP-TYPE",
            "page 0 of type 0 waits on list 1",
            state(pages=[(M, 0, U)]),
            EIGHT,
        ),
        (
            "PCP-TYPE",
            "page 0 of type 4 waits on list 1",
            state(pages=[(M, 0, I)]),
            EIGHT,
        ),
        (
            "HA-ACCT",
            "zone 0: 0 frames are counted reserved, 2 are",
            zone_with(state(cfg=BLOCKS, types=(H, M, M, M)), highatomic=0),
            BLOCKS,
        ),
        (
            "WM-SANE",
            "zone 0 is boosted by 3 pages, at most 0 are sane",
            zone_with(FULL, boost=3),
            EIGHT,
        ),
        (
            "WM-SANE",
            "zone 0 is boosted by 4 pages, at most 3 are sane",
            zone_with(state([(0, 3, M)], cfg=BLOCKS), boost=4),
            replace(BLOCKS, high_wmark=2),
        ),
    ],
    ids=lambda x: x if isinstance(x, str) and "-" in x[:4] else "",
)
def test_each_rule_of_states_complains_and_no_other(rule, why, s, cfg):
    found = complaints(cfg, s)
    assert {each for each, _ in found} == {rule}
    assert found[0][1].startswith(why)


@pytest.mark.parametrize(
    ("s", "cfg"),
    [
        (FULL, EIGHT),
        (state([(0, 1, M), (2, 1, M)]), replace(EIGHT, merging="lazy")),
        (state([(0, 1, I), (2, 1, I)], types=(I, I, M, M)), BLOCKS),
        (
            state([(0, 1, H), (2, 1, M)], cfg=BLOCKS, types=(H, M, M, M)),
            BLOCKS,
        ),
        (state(pages=[(M, 0, H), (M, 1, C), (U, 2, U)], cfg=AREA), AREA),
        (
            zone_with(state([(0, 3, M)], cfg=BLOCKS), boost=3),
            replace(BLOCKS, high_wmark=2),
        ),
    ],
)
def test_what_may_be_is_not_complained_of(s, cfg):
    assert complaints(cfg, s) == []


# ------------------------------------------------------------------ steps


def broken(cfg, before, op, result, after):
    """Return (id, complaint) of each law that a step breaks."""
    step = Step(before, op, Outcome(result), after)
    return [(law.id, why) for law in BUDDY.laws for why in law.check(cfg, step)]


ONE = state([(1, 0, M), (2, 1, M), (4, 2, M)], [(0, 0)])
PAIR = state([(2, 1, M), (4, 2, M)], [(0, 1)])
TWICE = state([(2, 1, M), (4, 2, M)], [(0, 1, 2)])
SINGLES = state([(2, 1, M), (4, 2, M)], [(0, 0), (1, 0)])
BOTH = state([(2, 1, M), (4, 2, M)], [(0, 1, 2, True)])


@pytest.mark.parametrize(
    ("before", "op", "result", "after", "odd"),
    [
        (FULL, take(), 0, FULL, (0, 0)),
        (FULL, take(1), 0, ONE, (0, 0)),
        (FULL, take(4), None, ONE, (0, 0)),
        (FULL, AllocExact(0, 0, 2, M), 0, PAIR, (0, 0)),
        (ONE, give(0), None, ONE, (0, 0)),
        (ONE, FreePrepare(0), None, ONE, (0, 0)),
        (TWICE, give(0, 1), None, TWICE, (0, 0)),
        (BOTH, give(0, 1), None, FULL, (0, 1)),
        (FULL, give(0), None, ONE, (0, 0)),
        (ONE, give(0), Bug("no"), FULL, (0, 0)),
        (PAIR, SplitPage(0), None, PAIR, (0, 0)),
        (PAIR, SplitPage(0), Bug("no"), SINGLES, (0, 0)),
        (ONE, GetPage(0), None, FULL, (0, 0)),
    ],
    ids=repr,
)
def test_a_block_that_changes_hands_unasked_is_named(before, op, result, after, odd):
    due = ("BUD-OWN", f"{odd} should not have changed hands, or should have")
    assert broken(EIGHT, before, op, result, after) == [due]


@pytest.mark.parametrize(
    ("before", "op", "result", "after"),
    [
        (FULL, take(), 0, ONE),
        (FULL, AllocExact(0, 0, 2, M), 0, SINGLES),
        (FULL, AllocExact(0, 0, 9, M), None, FULL),
        (ONE, give(0), None, FULL),
        (ONE, FreePrepare(0), None, FULL),
        (TWICE, give(0, 1), None, ONE),
        (BOTH, give(0, 1), None, PAIR),
        (PAIR, SplitPage(0), None, SINGLES),
    ],
    ids=repr,
)
def test_a_step_that_keeps_the_laws_is_not_complained_of(before, op, result, after):
    assert broken(EIGHT, before, op, result, after) == []


def test_a_word_that_the_last_owner_left_is_named():
    unclean = replace(PAIR, private=((1, 7), (5, 7)))
    assert broken(EIGHT, FULL, take(1), 0, unclean) == [
        ("BUD-CLEAN", "pfn 0 is handed out with private 7 in page 1")
    ]


def waits(pages, **fields):
    """Return a state in which so many pages wait."""
    return counted(state(pages=[(M, pfn, M) for pfn in range(pages)]), **fields)


@pytest.mark.parametrize("op", [give(7), FreeCommit(0, 7), FreeReserved(0, 7)])
def test_a_pageset_that_is_too_full_is_named(op):
    found = broken(EIGHT, waits(3), op, Bug("of no matter"), waits(4))
    assert found == [("PCP-LIMIT", "4 pages wait, the mark is 4")]
    assert broken(EIGHT, waits(2), op, Bug("of no matter"), waits(3)) == []
    assert broken(EIGHT, waits(6), op, Bug("of no matter"), waits(5)) == []
    small = (waits(pages, batch=1, high=1) for pages in (3, 3))
    assert broken(EIGHT, next(small), op, Bug("of no matter"), next(small)) == []


def test_a_request_that_fails_for_no_reason_is_named():
    assert broken(EIGHT, ONE, take(1), None, ONE) == [
        ("COMPLETE", "order 1 fails, pfn 2 order 1 is free"),
        ("COMPLETE", "order 1 fails, pfn 4 order 2 is free"),
    ]


@pytest.mark.parametrize(
    ("cfg", "before", "op"),
    [
        (EIGHT, ONE, take(3)),
        (EIGHT, FULL, take(4)),
        (EIGHT, ONE, take(mt=U, flags=NOFRAGMENT)),
        (replace(EIGHT, fails="freely"), FULL, take()),
        (EIGHT, state([(0, 3, I)], types=(I,)), take()),
    ],
)
def test_a_request_may_fail_for_a_reason(cfg, before, op):
    assert broken(cfg, before, op, None, before) == []


# ------------------------------------------------------------------ answers

ANY = replace(EIGHT, picks="any", cpus=0)


@pytest.mark.parametrize(
    ("rule", "why", "cfg", "op", "wrong"),
    [
        ("RET-CODE", "None is no outcome", EIGHT, take(), None),
        ("RET-CODE", "3 is no outcome", EIGHT, give(0), 3),
        ("RET-CODE", "None is no outcome", EIGHT, take(9), None),
        ("RET-CODE", "pfn 1 is due, got pfn 2", EIGHT, take(), Outcome(2)),
        ("RET-CODE", "pfn 2 is due, got None", EIGHT, take(1), Outcome(None)),
        ("RET-CODE", "None is due, got pfn 0", EIGHT, take(4), Outcome(0)),
        ("RET-CODE", "double free is due, got None", EIGHT, give(1), DONE),
        (
            "RET-CODE",
            "None is due, got double free",
            EIGHT,
            give(0),
            Outcome(Bug("double free")),
        ),
        (
            "RET-CODE",
            "Errno.EBUSY is due, got None",
            EIGHT,
            TakePageOff(0),
            DONE,
        ),
        ("RET-CODE", "pfn 1 is due, got pfn True", EIGHT, take(), Outcome(True)),
        ("RET-CODE", "Errno.ENOMEM is no frame", ANY, take(), Outcome(Errno.ENOMEM)),
        ("RET-CODE", "True is no frame", ANY, take(), Outcome(True)),
        ("RET-CODE", "None is due, got pfn 4", ANY, take(9), Outcome(4)),
        ("BUD-ALIGN", "pfn 1 order 1 is not a", ANY, take(1), Outcome(1)),
        ("BUD-ZONE", "pfn 8 order 0 is not in", ANY, take(), Outcome(8)),
        ("BUD-ZONE", "pfn -2 order 1 is not in", EIGHT, take(1), Outcome(-2)),
        ("BUD-DISJOINT", "pfn 0 order 1 has 1 of 2", ANY, take(1), Outcome(0)),
        ("COMPLETE", "order 2 fails, a large", ANY, take(2), DONE),
        (
            "PICK",
            "pfn 1 is lowest, got 2",
            replace(ANY, picks="lowest"),
            take(),
            Outcome(2),
        ),
        (
            "PICK",
            "pfn 7 is highest, got 1",
            replace(ANY, picks="highest"),
            AllocExact(0, 0, 1, M),
            Outcome(1),
        ),
    ],
    ids=lambda x: x if isinstance(x, str) and "-" in x[:4] else "",
)
def test_a_wrong_answer_is_refused_under_its_rule(rule, why, cfg, op, wrong):
    """Page 0 is held, the rest of eight frames is free."""
    here = ONE if cfg.cpus else zone_with(ONE, pagesets=())
    with pytest.raises(Disallowed) as no:
        op.after(cfg, here, wrong)
    assert no.value.rule == rule
    assert no.value.why.startswith(why)
    machine = BUDDY.load(cfg, here)
    with pytest.raises(Disallowed) as no:
        BUDDY.accept(machine, op, wrong)
    assert no.value.rule == rule
    assert BUDDY.abstract(machine) == here


def test_each_rule_was_seen_to_complain():
    seen = set()
    for test in (
        test_each_rule_of_states_complains_and_no_other,
        test_a_wrong_answer_is_refused_under_its_rule,
    ):
        seen |= {row[0] for row in test.pytestmark[0].args[1]}
    seen |= {"BUD-OWN", "BUD-CLEAN", "PCP-LIMIT"}
    assert seen == set(BUDDY.rules)
