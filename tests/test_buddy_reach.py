"""What must be seen of the page allocator, what may be asked, what others may do.

With `test_buddy_rules.py` and `linux_cases/` these reach every line of `spec/buddy/`.
"""

from dataclasses import replace
from itertools import islice

import pytest

from mmoracle.checkers.bind.buddy import BUDDY
from mmoracle.checkers.session import Session
from mmoracle.checkers.subsystem import Fidelity, moves
from mmoracle.spec.buddy import halves, others
from mmoracle.spec.buddy.alloc import AllocExact, AllocPages
from mmoracle.spec.buddy.declared import used
from mmoracle.spec.buddy.free import (
    FreeCommit,
    FreeCore,
    FreePages,
    FreePrepare,
    FreeReserved,
)
from mmoracle.spec.buddy.manage import (
    Drain,
    GetPage,
    Isolate,
    SetupPagesets,
    TakePageOff,
    Unisolate,
    Unreserve,
)
from mmoracle.spec.buddy.ops import initial
from mmoracle.spec.buddy.zones import Held, Outcome, Span, free_blocks
from mmoracle.spec.core import Step, nothing
from mmoracle.spec.linux import MIGRATE_MOVABLE as M
from mmoracle.spec.linux import MIGRATE_UNMOVABLE as U
from mmoracle.spec.linux import AllocFlags

NONE, HARDER, CMA = AllocFlags.NONE, AllocFlags.HARDER, AllocFlags.CMA
KSWAPD, NOFRAGMENT = AllocFlags.KSWAPD, AllocFlags.NOFRAGMENT


def take(order=0, mt=M, flags=NONE, at=0, *, compound=False):
    """Return a request."""
    return AllocPages(0, at, order, mt, flags, compound)


def give(pfn, order=0):
    """Return a free."""
    return FreePages(0, (pfn, order))


def session(name, *ops, **fields):
    """Do a history in a configuration that is checked in."""
    cfg = replace(BUDDY.configs[name], **fields)
    fidelity = Fidelity.EXACT if cfg.is_linux else Fidelity.ALLOWED
    found = Session(BUDDY, cfg, fidelity)
    for op in ops:
        found.do(op)
    return found


# ------------------------------------------------------------------ witnesses

P, D = take(), Drain(0, 0, True)
SIX = [P] * 6
HISTORIES = {
    "a_free_block_merges_to_the_top": ("tiny", P, give(0)),
    "the_largest_block_is_split": ("tiny", take(4), P),
    "memory_is_exhausted": ("tiny", take(3), P),
    "fragments_fail_a_request": (
        "tiny",
        *[take(1)] * 4,
        give(0, 1),
        give(4, 1),
        take(2),
    ),
    "a_freed_block_goes_to_the_tail": ("tiny", *SIX, give(0), give(4)),
    "a_double_free_is_diagnosed": ("tiny", P, give(0), give(0)),
    "a_wrong_order_is_diagnosed": ("tiny", take(1), give(0)),
    "a_foreign_frame_is_diagnosed": ("tiny", P, give(8)),
    "a_tail_page_is_diagnosed": ("tiny", take(1), give(1)),
    "a_tail_is_freed_while_the_head_is_kept": (
        "tiny-held",
        take(1),
        GetPage(0),
        give(0, 1),
    ),
    "a_compound_block_is_kept_whole": (
        "tiny-held",
        take(1, compound=True),
        GetPage(0),
        give(0, 1),
    ),
    "an_exact_request_gives_pages_back": (
        "tiny-held",
        P,
        AllocExact(0, 0, 3, M),
        give(0),
        AllocExact(0, 0, 3, M),
    ),
    "a_pageset_is_refilled": ("tiny-pcp", SetupPagesets(), P),
    "a_pageset_reaches_its_mark": (
        "tiny-pcp",
        SetupPagesets(),
        *[P] * 3,
        give(0),
        give(1),
    ),
    "a_drain_takes_from_two_lists": ("tiny-types", P, take(mt=U), D),
    "a_boot_pageset_keeps_nothing": ("tiny-pcp", P, give(0)),
    "a_page_drains_as_another_type": (
        "tiny-types",
        *[P] * 3,
        give(0),
        give(1),
        take(mt=U),
        D,
    ),
    "a_whole_page_block_changes_type": ("tiny-steal", P, give(0), take(mt=U)),
    "most_of_a_page_block_changes_type": ("tiny-steal", take(1), take(mt=U)),
    "a_block_is_stolen_alone": ("tiny-steal", take(1), P, take(mt=U)),
    "no_fragmenting_is_obeyed": (
        "tiny-nofragment",
        P,
        take(1),
        take(mt=U, flags=NOFRAGMENT),
    ),
    "kswapd_is_woken_for_a_boost": (
        "tiny-boost",
        *[P] * 3,
        take(2),
        D,
        take(mt=U, flags=KSWAPD),
    ),
    "a_page_block_is_reserved": ("tiny-reserve", take(1), take(1, flags=HARDER)),
    "a_reserve_serves_a_request": ("tiny-reserve", *[take(1, flags=HARDER)] * 2),
    "a_reserve_is_given_up": (
        "tiny-reserve",
        take(1, flags=HARDER),
        Unreserve(0, M, False),
        Unreserve(0, M, True),
    ),
    "a_page_block_is_isolated": ("tiny-isolate", take(1), Isolate(2)),
    "an_unmovable_page_forbids_isolation": ("tiny-isolate", take(mt=U), Isolate(0)),
    "isolation_keeps_buddies_apart": (
        "tiny-isolate",
        take(1),
        Isolate(2),
        give(0, 1),
    ),
    "the_end_of_isolation_merges": (
        "tiny-isolate",
        take(1),
        Isolate(2),
        give(0, 1),
        Unisolate(2, M),
    ),
    "half_of_what_is_free_is_cma": ("tiny-cma", *[take(flags=CMA)] * 2),
    "cma_is_the_last_resort": ("tiny-cma", *[take(1, flags=CMA)] * 2),
    "a_guard_is_set": ("tiny-guards", take(1), P),
    "a_guard_merges_back": ("tiny-guards", P, give(0)),
    "a_zone_border_forbids_merging": (
        "tiny-zones",
        FreeReserved(0, 4),
        take(at=1),
        give(5),
    ),
    "a_range_is_released_in_parts": ("tiny-zones", FreeCore((3, 4)), FreeCore((7, 8))),
    "a_reserved_page_is_freed": ("tiny-zones", FreeReserved(0, 1), FreeReserved(0, 3)),
    "a_bad_frame_leaves_a_larger_block": (
        "tiny-taken",
        P,
        TakePageOff(0),
        TakePageOff(2),
    ),
}


@pytest.mark.parametrize("witness", BUDDY.witnesses, ids=lambda w: w.__name__)
def test_each_witness_is_seen_at_the_end_of_a_history_and_not_before(witness):
    config, *ops = HISTORIES[witness.__name__]
    found = session(config, *ops[:-1])
    assert witness.__name__ not in found.reached
    found.do(ops[-1])
    assert witness.__name__ in found.reached


# ------------------------------------------------------------------ arguments


@pytest.mark.parametrize("name", BUDDY.configs)
def test_what_linux_answers_is_permitted_at_the_start(name):
    """So it is, in every configuration, after a page and a larger block were taken."""
    cfg = BUDDY.configs[name]
    s = initial(cfg)
    for op in (take(), take(1)):
        s = op.after(cfg, s, op.choose(cfg, s))
    for op in BUDDY.offers(cfg):
        one = replace(cfg, ops=(op.__name__,))
        for move in islice(moves(BUDDY, one, s), 0, 120, 17):
            move.after(cfg, s, move.choose(cfg, s))


def offered(name, op, argument, *ops, **fields):
    """Return what an argument of an operation may be after a history."""
    found = session(name, *ops, **fields)
    return list(op.domain(found.cfg, found.state).get(argument, ()))


def test_in_small_memory_every_frame_may_be_named():
    assert offered("tiny", GetPage, "pfn") == list(range(9))
    assert offered("tiny-taken", TakePageOff, "pfn") == list(range(5))
    assert offered("tiny", FreePages, "block", take(1)) == [
        (0, 1),
        *((pfn, 0) for pfn in range(9)),
        (0, 2),
    ]


def test_in_large_memory_what_is_held_may_be_named_and_a_few_others():
    """Of 128 MiB two blocks are held, at 2 and 4: the rest is seldom worth naming."""
    ops = (take(1), take(2))
    odd = [1, 1 << 15, 3]  # the first frame, the one behind the last, a tail
    assert offered("linux", GetPage, "pfn", *ops) == [2, 4, *odd]
    blocks = offered("linux", FreePages, "block", *ops)
    assert blocks == [(2, 1), (4, 2), (2, 2), *((pfn, 0) for pfn in odd)]
    assert len(offered("linux", TakePageOff, "pfn")) == 64


def test_the_orders_of_requests_go_beyond_the_largest_unless_they_are_named():
    assert offered("tiny", AllocPages, "order") == [0, 1, 2, 3, 4]
    assert offered("tiny-pcp", AllocPages, "order") == [0, 1]


def test_what_boot_kept_may_be_released():
    kept = offered("tiny-zones", FreeReserved, "pfn")
    assert kept == list(range(1, 9))
    spans = offered("tiny-zones", FreeCore, "span")
    assert spans[:4] == [(3, 4), (3, 5), (3, 8), (4, 5)]
    assert spans[-1] == (1, 2)
    assert offered("linux", FreeReserved, "pfn")[-1] == 32000


def test_without_pagesets_there_is_nothing_to_do_with_them():
    cfg = BUDDY.configs["tiny"]
    for op in (Drain, SetupPagesets, FreePrepare, FreeCommit):
        assert op.domain(cfg, initial(cfg)) == nothing()
    assert offered("tiny", AllocPages, "cpu") == [0]
    assert offered("tiny-pcp-cpus", AllocPages, "cpu") == [0, 1]
    assert offered("tiny-pcp-cpus", Drain, "whole") == [True, False]


def test_without_isolation_nothing_can_be_isolated():
    for op in (Isolate, Unisolate):
        assert offered("tiny-isolate", op, "pfn", has_isolation=False) == []
    assert offered("tiny-isolate", Unreserve, "mt") == [U, M]


def test_page_blocks_of_one_block_are_isolated_from_the_first_on():
    """And their isolation is ended from the last on."""
    large = "tiny-isolate-large"  # page blocks of two frames, one block of eight
    assert offered(large, Isolate, "pfn") == [0]
    assert offered(large, Isolate, "pfn", Isolate(0)) == [0, 2]
    assert offered(large, Unisolate, "pfn", Isolate(0)) == [0, 2, 4, 6]
    assert offered(large, Unisolate, "pfn", Isolate(0), Isolate(2)) == [2, 4, 6]


@pytest.mark.parametrize(
    ("fields", "pfns"),
    [
        ({"zones": (Span(1, 7),)}, [2, 4]),
        ({"zones": (Span(0, 3), Span(3, 8))}, [0, 4, 6]),
        ({"holes": (Span(0, 1),), "start": (Span(1, 4),)}, [2]),
    ],
)
def test_page_blocks_lie_in_one_zone_all_of_them(fields, pfns):
    assert offered("tiny-isolate", Isolate, "pfn", orders=2, **fields) == pfns


# ------------------------------------------------------------------ others


def other(name, *ops, **fields):
    """Return (configuration, state) after a history of an allocator not Linux."""
    found = session(name, *ops, **fields)
    return found.cfg, found.state


def test_any_free_block_that_fits_may_be_handed_out():
    """Page 0 is held of eight: pairs at 2 4 6, four at 4, and nothing of eight."""
    cfg, s = other("tiny-any", take())
    assert others.fits(cfg, s, 0, 1) == [2, 4, 6]
    assert others.permitted(cfg, s, 0, 2) == [4]
    assert others.permitted(cfg, s, 0, 3) == [None]
    assert [each.value for each in BUDDY.permitted(cfg, s, take(1))] == [2, 4, 6]
    assert BUDDY.permitted(cfg, s, give(0)) == []
    assert BUDDY.view(s) == ((0, 0),)


@pytest.mark.parametrize(("picks", "pfns"), [("lowest", (0, 1)), ("highest", (7, 6))])
def test_a_declared_policy_permits_one_block(picks, pfns):
    found = session("tiny-any", take(), picks=picks)
    assert found.trace[0].result.value == pfns[0]
    assert others.permitted(found.cfg, found.state, 0, 0) == [pfns[1]]
    assert others.pick(found.cfg, found.state, 0, 3) is None
    assert others.permitted(found.cfg, found.state, 0, 3) == [None]


def test_any_block_may_be_cut_out_of_what_is_free():
    """Frames 6 and 7 of eight; the rest stays free in the largest parts."""
    cfg, s = other("tiny-any")
    after = take(1).after(cfg, s, Outcome(6))
    assert sorted(free_blocks(after.zones[0])) == [(0, 2, M), (4, 1, M)]
    assert after.zones[0].nr_free_pages == 6
    again = take().after(cfg, after, Outcome(1))
    assert sorted(free_blocks(again.zones[0])) == [(0, 0, M), (2, 1, M), (4, 1, M)]


def test_blocks_that_were_freed_apart_may_be_handed_out_as_one():
    """Where merging is lazy they may stay apart, too: the request may fail."""
    cfg, s = other("tiny-lazy", *[take()] * 6, give(0), give(1))
    assert sorted(free_blocks(s.zones[0])) == [(0, 0, M), (1, 0, M)]
    assert others.permitted(cfg, s, 0, 1) == [0, None]
    after = take(1).after(cfg, s, Outcome(0))
    assert free_blocks(after.zones[0]) == []


def test_what_a_zone_keeps_for_itself_is_never_free():
    cfg, s = other("tiny-other")  # two frames of sixteen, blocks of two at least
    assert sorted(free_blocks(s.zones[0])) == [(2, 1, M), (4, 2, M), (8, 3, M)]
    assert take().after(cfg, s, Outcome(2)).held == (Held(2, 1, movable=True),)
    assert others.permitted(cfg, s, 0, 3) == [8, None]


def test_lists_of_others_have_no_order():
    cfg, s = other("tiny-any", *[take()] * 8, give(4), give(0))
    assert s.zones[0].free[0][M] == (0, 4)
    s = other("tiny-any", *[take()] * 8, give(0), give(4), give(2))[1]
    assert BUDDY.canonical(cfg, s).zones[0].free[0][M] == (0, 2, 4)


LAZY = [*[take()] * 6, give(0), give(1)]


@pytest.mark.parametrize(
    ("name", "ops", "op", "got", "due"),
    [
        ("tiny", [], take(), 0, []),
        ("tiny-any", [], take(), 0, []),
        ("tiny-any", [], take(), 3, ["picks"]),
        ("tiny-any", [take()], give(0), None, []),
        ("tiny-any", [], take(9), None, []),
        ("tiny-any", [take(3)], take(), None, []),
        ("tiny-other", [], take(), 2, ["min_order"]),
        ("tiny-other", [], take(), 4, ["min_order", "picks"]),
        ("tiny-other", [], take(), None, ["fails"]),
        ("tiny-lazy", LAZY, take(1), None, ["merging"]),
        ("tiny-lazy", LAZY, take(1), 0, ["picks"]),
    ],
)
def test_a_declaration_is_counted_where_it_is_used(name, ops, op, got, due):
    cfg, s = other(name, *ops)
    step = Step(s, op, Outcome(got), op.after(cfg, s, Outcome(got)))
    assert list(used(cfg, step)) == due


# ------------------------------------------------------------------ halves

WHOLE = BUDDY.configs["tiny-sets"]  # sixteen frames
HALF = halves.half(WHOLE)


def taken(*pfns, cfg=WHOLE):
    """Return a zone in which these pages are held."""
    s = initial(cfg)
    for pfn in pfns:
        s = take().after(cfg, s, Outcome(pfn))
    return others.in_order(s)


def test_half_of_a_zone_has_half_the_frames():
    assert HALF.zones == (Span(0, 8),)
    assert (HALF.orders, HALF.pageblock_order) == (4, 3)
    assert halves.is_large(WHOLE)
    assert not halves.is_large(HALF)
    one = replace(WHOLE, zones=(Span(3, 4),), orders=1, pageblock_order=0)
    assert halves.half(one) is None
    assert not halves.is_large(one)


@pytest.mark.parametrize(
    "fields",
    [
        {"picks": "lowest"},
        {"cpus": 1},
        {"pageblock_order": 2},
        {"zones": (Span(0, 12),)},
        {"zones": (Span(8, 24),)},
    ],
)
def test_a_zone_with_more_to_it_has_no_halves(fields):
    cfg = replace(WHOLE, **fields)
    assert halves.half(cfg) is None
    s = initial(cfg)
    assert halves.least(cfg, s) == others.in_order(s)


@pytest.mark.parametrize("pfns", [(), (0,), (3, 12), (8, 9, 10)])
def test_two_halves_make_the_whole_again(pfns):
    s = taken(*pfns)
    left, right = halves.split(WHOLE, s)
    assert left == taken(*(pfn for pfn in pfns if pfn < 8), cfg=HALF)
    assert right == taken(*(pfn - 8 for pfn in pfns if pfn >= 8), cfg=HALF)
    assert others.in_order(halves.join(WHOLE, left, right)) == s


def test_a_zone_that_one_owner_holds_has_no_halves():
    s = take(4).after(WHOLE, initial(WHOLE), Outcome(0))
    assert halves.split(WHOLE, s) is None


def test_mirror_images_have_one_name():
    """Any page of sixteen is as good as any other, of two the distance counts."""
    cfg = replace(WHOLE, symmetric=True)
    assert (halves.swaps(cfg), halves.swaps(WHOLE)) == (True, False)
    one = {halves.least(cfg, taken(pfn)) for pfn in range(16)}
    assert len(one) == 1
    two = {halves.least(cfg, taken(0, pfn)) for pfn in range(1, 16)}
    assert len(two) == 4
    least = one.pop()
    assert halves.least(cfg, least) == least
    assert BUDDY.canonical(cfg, taken(5)) == least
    assert BUDDY.canonical(WHOLE, taken(5)) == taken(5)


def test_what_overlaps_has_no_mirror_images():
    s = taken(0)
    wrong = replace(s, held=(*s.held, Held(0, 1)))
    assert halves.least(replace(WHOLE, symmetric=True), wrong) == wrong


def test_a_frame_that_is_lost_stays_so_in_the_mirror():
    cfg = replace(WHOLE, symmetric=True)
    for pfn in (0, 5):
        least = halves.least(cfg, replace(taken(pfn), held=()))
        assert least.held == ()
        assert sum(1 << order for _, order, _ in free_blocks(least.zones[0])) == 15
