"""Every rule of compaction complains, each of something made wrong by hand."""

from dataclasses import replace

import pytest

from mmoracle.checkers.bind.compaction import COMPACTION
from mmoracle.checkers.bind.compaction_configs import CONFIGS, TINY
from mmoracle.checkers.explore import explore
from mmoracle.checkers.subsystem import moves
from mmoracle.checkers.verdict import Verdict
from mmoracle.checkers.walk import walk
from mmoracle.spec.compaction import always
from mmoracle.spec.compaction.deferral import FragmentationIndex
from mmoracle.spec.compaction.meanwhile import Kill
from mmoracle.spec.compaction.ops import Lay, initial
from mmoracle.spec.compaction.parts import NEVER, Phase, Run
from mmoracle.spec.compaction.requests import Compacted, Return
from mmoracle.spec.compaction.rounds import EndZone, Finished
from mmoracle.spec.compaction.scanners import (
    IsolateFreepages,
    IsolateMigratepages,
    MigratePage,
)
from mmoracle.spec.compaction.sources import Isolated
from mmoracle.spec.compaction.zone_run import control
from mmoracle.spec.core import Disallowed, Step
from mmoracle.spec.linux import CompactPriority, CompactResult

LIGHT = CompactPriority.SYNC_LIGHT
CFG = replace(TINY, patterns=("Mmf",), ops=())
LAID = Lay(0, False).after(CFG, initial(CFG), None)  # mfmf mfmf mfmf
INVARIANTS = {each.check.__name__: each for each in COMPACTION.invariants}
LAWS = {each.check.__name__: each for each in COMPACTION.laws}


def running(phase=Phase.FINISHED, result=CompactResult.SKIPPED, pages=None, **cc):
    """Return a run over the zone, with fields of its control."""
    cc = {"migrate_pfn": 4, "free_pfn": 12, **cc}
    run = Run(replace(control(1, 1, True, LIGHT), **cc), LIGHT, 0, 0)
    s = replace(LAID, run=replace(run, phase=phase, result=result))
    return replace(s, pages=pages) if pages else s


def zoned(s=LAID, **fields):
    """Return a state whose zone has other fields."""
    return replace(s, zones=(replace(s.zones[0], **fields),))


def listed(order, *pfns):
    """Return free lists with these blocks alone."""
    lists = [[()] * 4 for _ in range(4)]
    lists[order][1] = pfns
    return tuple(tuple(area) for area in lists)


@pytest.mark.parametrize(
    ("name", "state", "why"),
    [
        (
            "every_frame_is_in_one_place",
            replace(LAID, pages="mfmfmfmfmfmp"),
            "frame 15",
        ),
        ("counters_count_the_lists", zoned(nr_free_pages=5), "counts 5"),
        ("a_run_stays_in_its_zone", running(freepages=(16,)), "frame 16"),
        ("lists_stay_in_their_zone", zoned(free=listed(2, 16)), "block 16"),
        ("what_is_to_move_is_movable", running(migratepages=(5,)), "is 'f'"),
        ("what_is_to_move_is_movable", running(migratepages=(4, 4)), "twice"),
        ("deferral_is_bounded", zoned(defer_shift=2), "shift 2"),
        ("deferral_is_bounded", zoned(considered=2), "considered 2"),
        ("a_captured_block_is_as_asked", running(captured=5), "not aligned"),
        ("a_captured_block_is_as_asked", running(captured=4), "frame 5 is on a list"),
    ],
)
def test_an_invariant_complains_of_a_state(name, state, why):
    assert any(why in each for each in INVARIANTS[name].check(CFG, state))
    assert not list(INVARIANTS[name].check(CFG, LAID))


DONE = CompactResult.SUCCESS
FULL = CompactResult.COMPLETE
MOVED = running(Phase.DRAIN, pages="pmmfmfmfmfmf")
MOVING = running(Phase.MOVE, pages="mimfmfmfmfmf", migratepages=(4,), freepages=(5,))
AT_END = running(Phase.END)
TOLD = running(Phase.RETURN, DONE)


@pytest.mark.parametrize(
    ("name", "before", "op", "answer", "after", "why"),
    [
        (
            "pages_are_kept",
            LAID,
            Kill(),
            None,
            replace(LAID, pages="u" * 12),
            "movable",
        ),
        (
            "pages_are_kept",
            LAID,
            Kill(),
            None,
            replace(LAID, pages="mfmfmfmfmfmu"),
            "frame 15 was 'f'",
        ),
        (
            "taken_blocks_were_on_their_lists",
            running(),
            IsolateFreepages(False),
            ((5, 1),),
            running(),
            "no list of order 1",
        ),
        (
            "taken_blocks_were_on_their_lists",
            running(),
            IsolateFreepages(False),
            ((5, 0),),
            running(),
            "are not those",
        ),
        (
            "scanners_go_one_way",
            running(migrate_pfn=8),
            Kill(),
            None,
            running(),
            "from 8 to 4",
        ),
        (
            "scanners_go_one_way",
            running(free_pfn=8),
            Kill(),
            None,
            running(),
            "from 8 to 12",
        ),
        (
            "a_run_ends",
            running(),
            IsolateMigratepages(False, False),
            Isolated((), 4),
            running(),
            "the measure",
        ),
        (
            "the_result_is_the_greatest",
            AT_END,
            EndZone(False),
            FULL,
            running(Phase.RETURN),
            "COMPLETE",
        ),
        (
            "an_index_says_why",
            LAID,
            FragmentationIndex(0, 1),
            1000,
            LAID,
            "1000",
        ),
        (
            "met_scanners_start_anew",
            running(),
            Finished(),
            FULL,
            zoned(running(Phase.END), cached_migrate=(8, 8), cached_free=4),
            "begin at",
        ),
        (
            "met_scanners_start_anew",
            running(),
            Finished(),
            FULL,
            zoned(running(Phase.END), cached_migrate=(4, 4), cached_free=4),
            "free scanner",
        ),
        (
            "a_captured_block_is_told",
            running(Phase.END, captured=8),
            EndZone(False),
            FULL,
            running(Phase.ZONE),
            "block 8",
        ),
        ("a_page_goes_to_a_free_one", MOVING, MigratePage(True), None, MOVED, "None"),
        (
            "a_page_goes_to_a_free_one",
            MOVING,
            MigratePage(True),
            5,
            running(Phase.DRAIN, pages="pfmfmfmfmfmf"),
            "does not hold",
        ),
        (
            "a_page_goes_to_a_free_one",
            MOVING,
            MigratePage(True),
            5,
            running(Phase.DRAIN, pages="mmmfmfmfmfmf"),
            "still holds",
        ),
    ],
)
def test_a_law_complains_of_a_step(name, before, op, answer, after, why):
    step = Step(before, op, answer, after)
    assert any(why in each for each in LAWS[name].check(CFG, step))


def test_a_run_that_has_spent_its_way_back_goes_on():
    was = running(fast_start_pfn=8)
    now = running(fast_start_pfn=NEVER)
    assert always.measure(CFG, now, now.run) < always.measure(CFG, was, was.run)


@pytest.mark.parametrize(
    ("state", "op", "answer", "rule"),
    [
        (running(Phase.MOVE), IsolateFreepages(False), ((16, 0),), "CMP-RANGE"),
        (running(Phase.MOVE), IsolateFreepages(False), ((5, 1),), "CMP-ORDER"),
        (MOVING, MigratePage(True), 7, "CMP-CONSERVE"),
        (MOVING, MigratePage(True), 99, "CMP-CONSERVE"),
        (TOLD, Return(), Compacted(FULL, -1), "CMP-MAX"),
        (LAID, FragmentationIndex(0, 1), 0, "FRAG-IN"),
        (running(), Finished(), DONE, "CMP-DECIDE"),
    ],
)
def test_a_wrong_answer_is_refused_by_its_rule(state, op, answer, rule):
    with pytest.raises(Disallowed) as refused:
        op.after(CFG, state, answer)
    assert refused.value.rule == rule


# ------------------------------------------------------------------ all of it


@pytest.mark.parametrize("name", [name for name in CONFIGS if name.startswith("tiny")])
def test_a_tiny_configuration_holds_as_far_as_it_is_followed(name):
    run = explore(COMPACTION, CONFIGS[name], config=name, limit=600)
    assert run.failure is None
    assert run.verdict in (Verdict.COMPLETE, Verdict.BOUNDED)


@pytest.mark.parametrize("seed", range(3))
def test_walks_of_a_small_memory_hold(seed):
    run = walk(
        COMPACTION, CONFIGS["small-runs"], config="small-runs", steps=400, seed=seed
    )
    assert run.failure is None


def test_nothing_runs_before_memory_is_laid_out():
    cfg = CONFIGS["small"]
    assert {type(op) for op in moves(COMPACTION, TINY, initial(TINY))} == {Lay}
    assert Lay.domain(cfg, initial(cfg))["layout"].count == 9**17


def test_the_walk_at_real_size_holds():
    run = walk(COMPACTION, CONFIGS["linux"], config="linux", steps=25, seed=1)
    assert run.failure is None


@pytest.mark.parametrize(
    ("name", "rule"),
    [("v5.10-starts-below", "CMP-RANGE"), ("v5.10-loses-captured", "CMP-TOLD")],
)
def test_what_5_10_did_wrong_is_found_again(name, rule):
    run = explore(COMPACTION, CONFIGS[name], config=name)
    assert run.failure.rule == rule
    cfg = replace(CONFIGS[name], quirks=())
    clean = explore(COMPACTION, cfg, config=name, limit=600)
    assert clean.failure is None
