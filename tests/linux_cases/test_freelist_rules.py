"""The rules of the walk, and what policies other than Linux's may do."""

from dataclasses import replace

import pytest

from mmoracle.checkers.bind.freelist import FREELIST
from mmoracle.checkers.explore import explore
from mmoracle.checkers.session import Session
from mmoracle.checkers.subsystem import Fidelity, moves
from mmoracle.checkers.verdict import Verdict
from mmoracle.spec.core import Disallowed, Step
from mmoracle.spec.freelist.alloc import (
    AllocInterleaved,
    AllocOnNode,
    AllocPages,
    GetPageFromFreelist,
)
from mmoracle.spec.freelist.answers import (
    DONE,
    Mark,
    Outcome,
    Page,
    Reclaimed,
    SlowPath,
    Took,
)
from mmoracle.spec.freelist.change import Free, SetBoost, SetReserve, Take
from mmoracle.spec.freelist.zones import Config, Lower, Place, Task, initial
from mmoracle.spec.linux import (
    GFP_ATOMIC,
    GFP_KERNEL,
    AllocFlags,
    Gfp,
    NodeReclaim,
    ZoneType,
)
from mmoracle.spec.watermark import FAST_UNSIGNED

PLAIN = (ZoneType.NORMAL, ZoneType.MOVABLE)
MOVABLE = GFP_KERNEL | Gfp.MOVABLE
NINE = ((0, 9, 0, 0),)
ONE = Config(kinds=PLAIN, zones=(Place(0, 0, (1, 2, 3), (0, 9), NINE),), most=(9,))
PAIR = Config(
    kinds=PLAIN,
    zones=(Place(0, 0, (1, 2, 3), (0, 0)), Place(1, 0, (1, 2, 3), (0, 0), NINE)),
    fallback=(((0, 0), (1, 0)), ((1, 0), (0, 0))),
    own=(((0, 0),), ((1, 0),)),
    numa=True,
    most=(9,),
)
MIN, LOW = AllocFlags.NONE, AllocFlags.WMARK_LOW


def refused(cfg, op, result):
    """Return the rule under which an answer is refused at the beginning."""
    with pytest.raises(Disallowed) as no:
        op.after(cfg, initial(cfg), result)
    return no.value.rule


def due(cfg, op):
    """Return what Linux answers at the beginning."""
    return op.choose(cfg, initial(cfg))


# ------------------------------------------------------------------ contracts


@pytest.mark.parametrize(
    ("rule", "op", "result"),
    [
        ("RET-CODE", AllocPages(GFP_KERNEL), Page(1)),
        ("RET-CODE", AllocPages(GFP_KERNEL, 11), Outcome(Page(0))),
        ("RET-CODE", Free((0, 0, 1)), Outcome(Page(0))),
        ("ZL-RANGE", AllocPages(GFP_KERNEL), Outcome(Page(2))),
        ("ZL-RANGE", AllocPages(GFP_KERNEL), Outcome(Page(-1))),
        ("II-N1", AllocPages(GFP_KERNEL | Gfp.THISNODE), Outcome(Page(1))),
        ("II-N2", AllocPages(GFP_KERNEL, mask=0b01), Outcome(Page(1))),
        ("ZL-ORDER", AllocPages(GFP_KERNEL), Outcome(Page(1))),
        ("ZL-ORDER", AllocPages(GFP_KERNEL), Outcome(Page(1), (Mark(1, True),))),
        ("WM-DECIDE", AllocPages(GFP_KERNEL), Outcome(Page(0), (Mark(0, True),))),
        (
            "PREP",
            AllocPages(GFP_KERNEL),
            Outcome(Page(1, True), (Mark(0, False), Mark(1, True), Took(1, 0, 1))),
        ),
        (
            "RET-CODE",
            AllocPages(GFP_KERNEL),
            Outcome(None, (Mark(0, False), Mark(1, True), Took(1, 0, 1))),
        ),
    ],
)
def test_a_wrong_answer_breaks_a_rule(rule, op, result):
    assert refused(PAIR, op, result) == rule


def test_a_page_above_the_highest_zone_or_off_the_cpuset_breaks_a_rule():
    zones = (Place(0, 0, (1, 2, 3), (0, 0, 0)), Place(0, 1, (1, 2, 3), (0, 0, 0)))
    kinds = (ZoneType.DMA32, *PLAIN)
    cfg = Config(kinds=kinds, zones=zones, fallback=(((0, 1), (0, 0)),))
    op = AllocPages(GFP_KERNEL | Gfp.DMA32)
    assert refused(cfg, op, Outcome(Page(1))) == "ZL-RANGE"
    sets = replace(PAIR, cpusets=True)
    walk = GetPageFromFreelist(
        GFP_KERNEL, 0, AllocFlags.CPUSET, task=Task(mems=0b01, above=0b01)
    )
    assert refused(sets, walk, Outcome(Page(1))) == "CPUSET-IN"


# ------------------------------------------------------------------ other policies


ANY = replace(
    PAIR,
    zones=(replace(PAIR.zones[0], blocks=NINE), PAIR.zones[1]),
    picks="any",
    lowers=(Lower(), Lower(cached=0b01)),
    counts=True,
)


def test_another_policy_takes_any_zone_that_may_give():
    op = AllocPages(GFP_KERNEL)
    answers = FREELIST.permitted(ANY, initial(ANY), op)
    assert answers == [Outcome(Page(0)), Outcome(Page(1))]
    assert op.choose(ANY, initial(ANY)) == answers[0]
    session = Session(FREELIST, ANY, Fidelity.ALLOWED)
    assert session.do(op) == answers[0]
    for at, each in enumerate(answers):
        after = op.after(ANY, initial(ANY), each)
        assert after.zones[at].free == 8


def test_another_policy_serves_from_pagesets_and_may_fail_only_if_all_are_low():
    cached = Session(FREELIST, ANY, Fidelity.ALLOWED)
    cached.do(AllocPages(GFP_KERNEL, lower=Lower(cached=0b01)))
    assert [zone.free for zone in cached.state.zones] == [9, 9]
    low = replace(ANY, zones=tuple(replace(p, blocks=()) for p in ANY.zones))
    session = Session(FREELIST, low, Fidelity.ALLOWED)
    op = AllocPages(GFP_KERNEL)
    failed = SlowPath(GFP_KERNEL, 0, 0, 0)
    assert op.choose(low, initial(low)) == Outcome(failed)
    assert session.do(op).value == failed
    assert FREELIST.permitted(low, initial(low), op) == [Outcome(failed)]
    assert session.do(GetPageFromFreelist(GFP_KERNEL, 0, MIN)).value is None
    assert session.do(AllocOnNode(GFP_KERNEL, 11)).value is None
    assert session.do(AllocInterleaved(GFP_KERNEL, 0, 0b10)).value.preferred == 1
    assert refused(low, op, Outcome(None)) == "RET-CODE"
    assert FREELIST.permitted(low, initial(low), AllocPages(GFP_KERNEL, 11)) == [
        Outcome(None)
    ]


@pytest.mark.parametrize(
    ("rule", "op", "result"),
    [
        ("RET-CODE", AllocPages(GFP_KERNEL), Outcome(Page(0), (Mark(0, True),))),
        ("COMPLETE", AllocPages(GFP_KERNEL), Outcome(None)),
        ("ZL-PAGE", AllocPages(GFP_KERNEL, lower=Lower(lost=1)), Outcome(Page(0))),
        ("ZL-PAGE", AllocPages(GFP_KERNEL, 1), Outcome(Page(0))),
        ("PREP", AllocPages(GFP_KERNEL), Outcome(Page(0, zeroed=True))),
        ("II-N2", AllocPages(GFP_KERNEL, mask=0b10), Outcome(Page(0))),
    ],
)
def test_another_policy_may_not_do_everything(rule, op, result):
    assert refused(ANY, op, result) == rule


def test_another_policy_leaves_the_mark():
    cfg = replace(ANY, zones=(replace(ANY.zones[0], marks=(8, 9, 9)), ANY.zones[1]))
    assert refused(cfg, AllocPages(GFP_KERNEL), Outcome(Page(0))) == "WM-DECIDE"


# ------------------------------------------------------------------ invariants, laws


def complaints(rules, cfg, thing):
    """Return the ids of the rules that a state or a step breaks."""
    return [each.id for each in rules for _ in each.check(cfg, thing)]


@pytest.mark.parametrize(
    ("rules", "fields"),
    [
        (["BUD-NRFREE"], {"free": 8}),
        (["BUD-NRFREE", "BUD-COUNT"], {"blocks": ((-1, 9, 0, 0, 0),)}),
        (["BUD-NRFREE"], {"free_cma": 1}),
        (["NUMA-SUM"], {"stats": (1, 0, 0, 0, 0, 0)}),
        (["NUMA-SUM"], {"stats": (0, 0, 0, 1, 0, 0)}),
        (["NUMA-SUM"], {"stats": (0, 0, 1, 0, 0, 0)}),
        ([], {"stats": (1, 0, 0, 1, 0, 1)}),
    ],
)
def test_an_invariant_complains(rules, fields):
    cfg = replace(ONE, has_cma=True)
    s = initial(replace(cfg, zones=(replace(ONE.zones[0], blocks=((0, 9, 0, 0, 0),)),)))
    s = replace(s, zones=(replace(s.zones[0], **fields),))
    assert complaints(FREELIST.invariants, cfg, s) == rules


def step(cfg, op, result, **fields):
    """Return a step from the beginning that changes so much in the first zone."""
    before = initial(cfg)
    zone = replace(before.zones[0], **fields)
    return Step(before, op, result, replace(before, zones=(zone, *before.zones[1:])))


PAGE = Outcome(Page(0), (Mark(0, True), Took(0, 0, 1)))
OP = AllocPages(MOVABLE)


@pytest.mark.parametrize(
    ("rules", "op", "result", "fields"),
    [
        ([], OP, PAGE, {"free": 8}),
        (["BUD-CONSERVE"], OP, PAGE, {"free": 7}),
        (["BUD-CONSERVE", "ALLOC-ATOMIC"], OP, DONE, {"free": 8}),
        (["BUD-CONSERVE"], Free((0, 0, 1)), DONE, {}),
        ([], Free((0, 0, 1)), DONE, {"free": 10}),
        ([], Take((0, 0, 1)), DONE, {"free": 8}),
        (["BUD-CONSERVE"], Take((1, 0, 1)), DONE, {"free": 8}),
        ([], OP, Outcome(None, (Reclaimed(0, NodeReclaim.SOME),)), {"free": 11}),
        (["NUMA-ONCE"], OP, PAGE, {"free": 8, "stats": (1, 0, 0, 0, 1, 0)}),
        (
            ["NUMA-ONCE", "ALLOC-ATOMIC"],
            OP,
            DONE,
            {"stats": (1, 0, 0, 0, 1, 0)},
        ),
        (["ALLOC-ATOMIC"], OP, DONE, {"boost": 1}),
        ([], SetBoost(0, 1), DONE, {"boost": 1}),
        ([], SetReserve(0, 1), DONE, {"highatomic": 1}),
        ([], OP, Outcome(Page(7)), {}),
    ],
)
def test_a_law_complains(rules, op, result, fields):
    assert complaints(FREELIST.laws, ONE, step(ONE, op, result, **fields)) == rules


@pytest.mark.parametrize(
    ("left", "op", "fine"),
    [  # zone with marks 1, 2, 3; the page that leaves is one of so many
        (3, AllocPages(MOVABLE), True),
        (2, AllocPages(MOVABLE), False),
        (2, GetPageFromFreelist(MOVABLE, 0, MIN), True),
        (1, GetPageFromFreelist(MOVABLE, 0, MIN), False),
        (1, GetPageFromFreelist(MOVABLE, 0, AllocFlags.NO_WATERMARKS), True),
        (1, GetPageFromFreelist(MOVABLE, 0, AllocFlags.HIGH), False),
        (1, GetPageFromFreelist(MOVABLE, 0, AllocFlags.OOM), False),
        (1, GetPageFromFreelist(MOVABLE, 0, AllocFlags.HARDER), False),
        (1, GetPageFromFreelist(GFP_ATOMIC, 0, MIN), False),
        (2, GetPageFromFreelist(GFP_ATOMIC | Gfp.DMA | Gfp.DMA32, 0, MIN), True),
    ],
)
def test_a_page_that_leaves_too_little_breaks_a_law(left, op, fine):
    cfg = replace(ONE, zones=(replace(ONE.zones[0], blocks=((0, left, 0, 0),)),))
    done = step(cfg, op, PAGE, free=left - 1)
    found = complaints(FREELIST.laws, cfg, done)
    assert found == ([] if fine else ["WM-DECIDE"])


def test_pages_taken_by_another_policy_are_counted_by_what_is_gone():
    cfg = replace(ONE, picks="any")
    done = step(cfg, OP, Outcome(Page(0)), free=8)
    assert complaints(FREELIST.laws, cfg, done) == []


# ------------------------------------------------------------------ quirks, one node


def test_a_count_below_zero_was_unsigned_before_5_10_136():
    """zone_watermark_fast(): 2 free pages less 4 reserved are 2**64 - 2, above 3.

    |  free 2, kept for high-order atomic requests 4, low mark 3  |
    """
    cfg = FREELIST.configs["v5.10-unsigned"]
    old = replace(cfg, zones=(replace(cfg.zones[0], blocks=((0, 2, 0, 0),)),))
    new = replace(old, quirks=())
    for machine, gives in ((old, True), (new, False)):
        assert (FAST_UNSIGNED in machine.quirks) is gives
        s = SetReserve(0, 4).after(machine, initial(machine), DONE)
        got = AllocPages(MOVABLE).choose(machine, s)
        assert isinstance(got.value, Page) is gives


def test_a_machine_without_numa_is_one_with_one_node():
    """II-N4: the same answers and states from every state, THISNODE included."""
    uma = replace(FREELIST.configs["tiny"], gfps=(GFP_KERNEL, Gfp.THISNODE))
    numa = replace(uma, numa=True, own=uma.fallback)
    s, met = initial(uma), set()
    frontier = [s]
    while frontier:
        s = frontier.pop()
        if s in met:
            continue
        met.add(s)
        for op in moves(FREELIST, uma, s):
            result = op.choose(uma, s)
            assert op.choose(numa, s) == result
            after = op.after(uma, s, result)
            assert op.after(numa, s, result) == after
            frontier.append(after)
    assert len(met) == 36


# ------------------------------------------------------------------ every state

SMALL = ("tiny-zones", "tiny-counted-turns", "tiny-reclaim-one", "tiny-nodes")


@pytest.mark.parametrize("name", SMALL)
def test_small_machines_hold_completely(name):
    run = explore(FREELIST, FREELIST.configs[name], config=name)
    assert run.verdict is Verdict.COMPLETE
    states = {"tiny-zones": 32, "tiny-counted-turns": 480, "tiny-nodes": 4}
    assert run.states == states.get(name, 24)


def test_what_a_machine_does_not_do_is_not_offered():
    plain = replace(ONE, boosts=(), reserves=())
    s = initial(plain)
    assert {type(op).__name__ for op in moves(FREELIST, plain, s)} == {
        "AllocPages",
        "AllocOnNode",
        "GetPageFromFreelist",
        "Take",
    }
    able = replace(plain, boosts=(0, 1), reserves=(0, 8))
    more = {type(op) for op in moves(FREELIST, able, s)}
    assert {SetBoost, SetReserve} <= more
    full = replace(plain, numa=True, own=plain.fallback, counts=True, most_counted=1)
    after = AllocPages(MOVABLE).after(full, s, due(full, AllocPages(MOVABLE)))
    assert {type(op) for op in moves(FREELIST, full, after)} == {Free, Take}
