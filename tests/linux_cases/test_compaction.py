"""Compaction, case by case, as mm/compaction.c (v5.10) does it.

A picture of a zone has one letter for a frame: `f` free, `p` in the pageset, `m`
movable, `e` of a file, `b` busy, `z` a driver's, `u` not movable, `C c` a compound
page, `i` taken as a target, `k` captured.  Page blocks have four frames, from 4 on.
"""

from dataclasses import replace

import pytest

from mmoracle.checkers.bind.compaction import COMPACTION
from mmoracle.checkers.bind.compaction_configs import ASYNC, CONFIGS, FULL, LIGHT, TINY
from mmoracle.checkers.session import Session
from mmoracle.impl.compaction import defer as machine
from mmoracle.spec.buddy.zones import Span
from mmoracle.spec.compaction import defer
from mmoracle.spec.compaction.blocks import isolate_free_page
from mmoracle.spec.compaction.deferral import (
    Defer,
    Deferred,
    DeferReset,
    FragmentationIndex,
    ResetIsolation,
    Restarting,
    Served,
    Suitable,
)
from mmoracle.spec.compaction.hints import reset_isolation
from mmoracle.spec.compaction.meanwhile import Drain, Free, Kill, Take
from mmoracle.spec.compaction.ops import Lay
from mmoracle.spec.compaction.parts import NOBODY, Run, Zone
from mmoracle.spec.compaction.requests import (
    Compacted,
    Kcompactd,
    Return,
    TryToCompact,
    WakeupKcompactd,
)
from mmoracle.spec.compaction.rounds import BeginZone, EndZone, Finished, Settle
from mmoracle.spec.compaction.scanners import (
    IsolateFreepages,
    IsolateMigratepages,
    MigratePage,
)
from mmoracle.spec.compaction.sources import Isolated, search
from mmoracle.spec.compaction.targets import bounds_of
from mmoracle.spec.compaction.zone_run import control, place_scanners
from mmoracle.spec.linux import (
    GFP_HIGHUSER_MOVABLE,
    GFP_KERNEL,
    GFP_NOFS,
    GFP_NOIO,
    AllocFlags,
    CompactResult,
)
from mmoracle.spec.watermark import Level

CONTINUE, SUCCESS = CompactResult.CONTINUE, CompactResult.SUCCESS
SKIPPED, DEFERRED = CompactResult.SKIPPED, CompactResult.DEFERRED
PARTIAL, COMPLETE = CompactResult.PARTIAL_SKIPPED, CompactResult.COMPLETE
CONTENDED = CompactResult.CONTENDED
NONE = AllocFlags.NONE
SCAN, FIND = IsolateMigratepages(False, False), IsolateFreepages(False)
MOVE, STAY = MigratePage(True), MigratePage(False)


class Case:
    """A history of compaction on the specification and the machine at once."""

    def __init__(self, *patterns, upwards=True, **fields):
        blocks = range(len(patterns))
        cfg = replace(TINY, zones=(Span(4, 4 + 4 * len(patterns)),), ops=(), runs=9)
        cfg = replace(cfg, patterns=patterns, **fields)
        layout = sum(i * len(patterns) ** i for i in blocks)
        self.session = Session(COMPACTION, cfg)
        self.answers = []
        self.do(Lay(layout, not upwards))

    def do(self, *ops):
        """Do operations; remember their answers."""
        self.answers = [self.session.do(op) for op in ops]
        return self.answers[-1]

    def begin(self, order=1, gfp=GFP_HIGHUSER_MOVABLE, prio=LIGHT, highest=0):
        """Begin a request with its first zone."""
        return self.do(TryToCompact(order, gfp, prio, NONE, highest), BeginZone())

    @property
    def pages(self):
        """Return the picture, a word for each page block."""
        letters = self.session.state.pages
        return " ".join(letters[i : i + 4] for i in range(0, len(letters), 4))

    @property
    def zone(self):
        """Return the first zone."""
        return self.session.state.zones[0]

    @property
    def cc(self):
        """Return the control of the run."""
        return self.session.state.run.cc


# ------------------------------------------------------------------ suitability


@pytest.mark.parametrize(("order", "gap"), [(0, 2), (1, 4), (3, 16), (9, 1024)])
def test_compaction_wants_twice_the_block_in_free_pages(order, gap):
    assert defer.compact_gap(order) == machine.compact_gap(order) == gap


@pytest.mark.parametrize(
    ("order", "nr_free", "index"),
    [
        (3, (0, 0, 0, 0), 0),  # nothing is free
        (3, (5, 0, 0, 1), -1000),  # a block is there
        (3, (1, 0, 0, 0), -125),  # one page: memory is not what is missing
        (1, (1, 0, 0, 0), -500),
        (3, (8, 0, 0, 0), 750),
        (9, (1024, 0, 0, 0), 998),
        (9, (4, 0, 0, 0), 749),
        (2, (4, 4, 0, 0), 500),
    ],
)
def test_the_fragmentation_index_tells_lack_of_memory_from_fragmentation(
    order, nr_free, index
):
    """1000 - (1000 + 1000 pages / size) / blocks, in whole numbers."""
    assert defer.fragmentation_index(order, nr_free) == index
    assert machine.fragmentation_index(order, nr_free) == index


@pytest.mark.parametrize(
    ("order", "free", "verdict"),
    [
        (3, 362 + 16, SKIPPED),  # MIN and the gap are not exceeded
        (3, 362 + 17, CONTINUE),
        (4, 452 + 32, SKIPPED),  # a costly order counts from LOW
        (4, 452 + 33, CONTINUE),
        (0, 363, SUCCESS),
    ],
)
def test_a_zone_is_suitable_with_pages_above_its_mark_and_the_gap(order, free, verdict):
    """The marks are those of a zone of 128 MiB: 362, 452, 542."""
    z = Level(
        free=free, marks=(362, 452, 542), lowmem_reserve=(0,), lists=(1,) + (0,) * 10
    )
    singles = (free,) + (0,) * 10
    assert defer.compaction_suitable(z, order, NONE, 0, singles) is verdict


def test_a_costly_order_is_not_tried_where_memory_is_short():
    """Eight free blocks of 12 pages for an order of 4 pages: the index is 500.

    |  mffm f mffm f ...: at the threshold, so reclaim must come first  |
    """
    case = Case(*["Mffmf"] * 4, threshold=500, marks=((1, 2, 3),))
    assert case.do(FragmentationIndex(0, 2)) == 500
    assert case.do(Suitable(0, 2, NONE)) is SKIPPED
    case = Case(*["Mffmf"] * 4, threshold=499, marks=((1, 2, 3),))
    assert case.do(Suitable(0, 2, NONE)) is CONTINUE


def test_a_request_without_leave_for_io_is_not_compacted_for():
    case = Case("Mmf", "Mmf", "Mmf")
    assert case.do(TryToCompact(1, GFP_NOIO, LIGHT, NONE, 0)) is SKIPPED
    assert case.session.state.run is None


# ------------------------------------------------------------------ deferral


def test_failures_put_off_one_request_then_three_then_63():
    zone = Zone(free=())
    for shift in range(1, 9):
        zone = defer.defer(zone, 3, 6)
        put_off = 0
        while True:
            zone, off = defer.deferred(zone, 3)
            if not off:
                break
            put_off += 1
        assert put_off == (1 << min(shift, 6)) - 1
    assert defer.restarting(zone, 3, 6)


def test_orders_below_the_one_that_failed_are_not_put_off():
    case = Case("Mu*", defer_max=6)
    case.do(DeferReset(0, 2, False), Defer(0, 2), Deferred(0, 1), Deferred(0, 2))
    assert case.answers[2:] == [False, True]
    case.do(Served(0, 2))
    assert (case.zone.defer_shift, case.zone.order_failed) == (0, 3)
    assert case.do(Deferred(0, 2)) is False
    assert case.do(Restarting(0, 2)) is False


# ------------------------------------------------------------------ a run


def test_two_pages_move_up_and_a_pair_is_free():
    """The pages of block 4 go to the free pages of block 16, last frame first.

    |  mfmf mfmf uuuu mfmf  ->  pfpf mfmf uuuu mmmm, then the pageset is drained  |
    """
    case = Case("Mmf", "Mmf", "Mu*", "Mmf", upwards=False)
    assert case.begin() is CONTINUE
    assert (case.cc.migrate_pfn, case.cc.free_pfn) == (4, 16)
    case.do(Finished())
    found = case.do(SCAN)
    assert (found.pages, found.migrate_pfn) == ((6, 4), 7)
    assert case.do(FIND) == ((19, 0), (17, 0))
    assert case.pages == "mfmf mfmf uuuu mimi"
    assert case.do(MOVE, MOVE) == 19
    assert case.pages == "pfpf mfmf uuuu mmmm"
    assert case.do(Settle()) is CONTINUE
    assert case.pages == "ffff mfmf uuuu mmmm"
    assert case.do(Finished()) is CONTINUE  # inside a page block
    case.do(SCAN)
    assert case.do(Settle(), Finished()) is SUCCESS
    case.do(EndZone(False))
    assert case.do(Return()) == Compacted(SUCCESS, NOBODY)


def test_a_page_that_stays_leaves_its_target_to_the_next_one():
    case = Case("Mmf", "Mmf", "Mu*", "Mmf", upwards=False)
    case.begin()
    case.do(Finished(), SCAN, FIND, STAY, MOVE)
    assert case.answers[3:] == [None, 17]
    assert case.pages == "pfmf mfmf uuuu mmmi"
    assert case.cc.freepages == (19,)


def test_a_run_in_vain_puts_compaction_off_and_asks_for_new_hints():
    """Nothing but pinned pages: the scanners meet.

    The first run is none of the whole zone, as compact_init_migrate_pfn is still 0.
    """
    case = Case("Muf", "Muf", "Muf", "Mmm*")
    assert case.begin() is CONTINUE
    while case.do(Finished()) is CONTINUE:
        case.do(SCAN, *steps_to_settle(case))
    assert case.answers == [PARTIAL]
    assert case.do(EndZone(False)) is PARTIAL
    assert (case.zone.defer_shift, case.zone.flush) == (1, True)
    assert case.do(Return()) == Compacted(PARTIAL, NOBODY)
    assert case.begin() is DEFERRED
    case.do(Return(), ResetIsolation())
    assert not case.zone.flush


def steps_to_settle(case):
    """Yield what completes a round in which every page stays."""
    while case.session.state.run.phase.value == "move":
        yield STAY if case.cc.freepages else FIND
    yield Settle()


def test_the_hardest_request_scans_all_and_is_not_put_off():
    case = Case("Muf", "Muf", "Muf")
    case.do(Defer(0, 1))
    assert case.begin(prio=FULL) is CONTINUE
    while case.do(Finished()) is CONTINUE:
        case.do(SCAN, Settle())
    assert case.answers == [COMPLETE]


def test_compaction_of_an_asynchronous_request_gives_up_for_others():
    case = Case("Mmf", "Mmf", "Mmf")
    case.begin(prio=ASYNC)
    case.do(Finished())
    assert case.do(IsolateMigratepages(True, False)).aborted
    assert case.do(EndZone(True)) is CONTENDED
    assert case.do(Return()) == Compacted(CONTENDED, NOBODY)
    assert case.zone.defer_shift == 0


def test_a_contended_lock_ends_an_asynchronous_run():
    case = Case("Mum*", "Mmf", "Mmf", "Mmf")
    case.begin(prio=ASYNC)
    case.do(Finished(), IsolateMigratepages(False, True))
    assert case.cc.contended
    assert case.do(Settle(), Finished()) in (CONTENDED, CONTINUE)


def test_a_signal_is_seen_where_the_scanner_drops_its_lock():
    case = Case("Mmf", "Mmf", "Mmf")
    case.begin()
    case.do(Kill(), Finished())
    assert case.answers[-1] is CONTENDED
    case = Case("Mmf", "Mmf", "Mmf")
    case.begin()
    case.do(Finished(), Kill(), SCAN)
    assert case.answers[-1].aborted


def test_files_are_left_alone_without_leave_for_file_systems():
    for gfp, pages in ((GFP_NOFS, ()), (GFP_KERNEL, (6, 4))):
        case = Case("Mef", "Mef", "Mef")
        case.begin(gfp=gfp)
        case.do(Finished())
        assert case.do(SCAN).pages == pages


def test_a_page_block_without_movable_pages_is_passed_over_from_now_on():
    case = Case("Mfu", "Mmf", "Mmf")
    case.begin()
    case.do(Finished(), SCAN)
    assert case.session.state.skip == (True, False, False)
    assert case.zone.cached_migrate == (12, 12)  # one page block further than scanned


def test_a_compound_page_is_stepped_over():
    case = Case("MCcmf", "Mmf", "Mmf", "Mmf")
    case.begin()
    case.do(Finished())
    assert case.do(SCAN).pages == (6,)


def test_a_page_block_that_is_one_compound_page_is_no_source():
    case = Case("MCc*", "Mmf", "Mmf", "Mmf", cluster=4)
    case.begin()
    case.do(Finished())
    assert case.do(SCAN).pages == (10, 8)


# ------------------------------------------------------------------ the fast searches


def test_the_fast_search_for_sources_marks_what_it_finds_and_so_skips_it():
    """5.10 marks the page block that it found, and then finds it marked."""
    case = Case("Mffmf", "Mmfff", "Mmfff", "Mmfff", upwards=False, cluster=1)
    assert case.begin(order=2) is CONTINUE
    case.do(Finished())
    found = case.do(SCAN)
    assert case.cc.fast_start_pfn > 0
    assert any(case.session.state.skip)
    assert found.pages == (8,)


def test_the_first_target_is_the_tail_of_a_list():
    """A list with the highest block at its tail gives a target at once."""
    case = Case("Mmf", "Mmf", "Mmf", "Mmf", upwards=False)
    case.begin()
    case.do(Finished(), SCAN)
    assert case.do(FIND)[0] == (19, 0)
    assert case.cc.free_pfn == 16


def test_a_search_without_success_drops_the_scanner_to_what_it_met():
    """Two entries are looked at; both are in the lowest page block."""
    case = Case("Mmf", "Mmf", "Mmf", "Mmf")
    case.begin()
    case.do(Finished(), SCAN)
    assert case.do(FIND) == ((5, 0), (7, 0))
    assert case.cc.free_pfn == 4
    assert case.cc.fast_search_fail == 1


# ------------------------------------------------------------------ capture


def test_a_block_that_the_task_frees_is_captured():
    """The page block is not movable, so that a pair may be caught.

    |  Ccmf ufuf ufuf  ->  kkmf ...  |
    """
    case = Case("UCcmf", "Ufu", "Ufu", "Ufu")
    assert case.begin(gfp=GFP_KERNEL) is CONTINUE
    case.do(Free(4, True))
    assert case.pages.startswith("kkmf")
    assert case.zone.nr_free_pages == 7
    case.do(Finished(), SCAN, Settle())
    assert case.answers[-1] is SUCCESS
    case.do(EndZone(False))
    assert case.do(Return()) == Compacted(SUCCESS, 4)
    assert case.pages.startswith("Ccmf")
    assert (case.zone.order_failed, case.zone.flush) == (2, False)


@pytest.mark.parametrize(("pattern", "ours"), [("UCcmf", False), ("MCcmf", True)])
def test_no_block_is_captured_from_others_or_out_of_a_movable_page_block(pattern, ours):
    case = Case(pattern, "Ufu", "Ufu", "Ufu")
    case.begin(gfp=GFP_KERNEL)
    case.do(Free(4, ours))
    assert case.cc.captured == NOBODY
    assert case.pages.startswith("ffmf")


# ------------------------------------------------------------------ kcompactd, others


def test_kcompactd_wakes_for_an_order_and_sleeps_when_it_is_done():
    case = Case("Mmf", "Mmf", "Mu*", "Mmf", upwards=False)
    assert case.do(WakeupKcompactd(0, 0)) is False
    assert case.do(WakeupKcompactd(1, 0)) is True
    assert case.session.state.kcompactd_order == 1
    case.do(Kcompactd(), BeginZone(), Finished(), SCAN, FIND, MOVE, MOVE, Settle())
    case.do(Finished(), SCAN, Settle(), Finished(), EndZone(False))
    assert case.answers[-1] is SUCCESS
    case.do(Return())
    assert case.session.state.kcompactd_order == 0


def test_what_others_do_meanwhile_is_seen():
    case = Case("Mmf", "Mmf", "Mmf")
    case.begin()
    assert case.do(Take(0, 0, 1)) == 15
    assert case.do(Free(15, False)) is None
    assert case.do(Take(0, 1, 1)) is None
    case.do(Drain(0))
    assert case.zone.nr_free_pages == 6


def test_every_configuration_begins_with_nothing_free():
    for cfg in CONFIGS.values():
        assert set(COMPACTION.initial(cfg).pages) == {"u"}


# ------------------------------------------------------------------ the edges


def test_an_asynchronous_run_stops_behind_each_aligned_block_with_pages():
    case = Case("Mmmuf", "Mfu", "Mfu", cluster=4)
    case.begin(prio=ASYNC)
    case.do(Finished())
    assert case.do(SCAN) == Isolated((5, 4), 6)


def test_a_compound_page_beyond_the_border_does_not_bring_a_scan_back():
    """Page blocks of eight frames here.

    |  m Cc.. is given up at once, and the next border is behind the compound page  |
    """
    case = Case(
        "MCcccmfuf", "Mfu", zones=(Span(8, 24),), pageblock_order=3, costly_order=3
    )
    case.begin(prio=ASYNC)
    case.do(Finished())
    assert case.do(SCAN) == Isolated((12,), 14)


def test_a_fast_search_ends_between_two_lists_once_it_has_looked_enough():
    case = Case("Mmf", "Mffmf", "Mffmf", "Mffmf", cluster=1)
    s = replace(case.session.state, runs=1)
    cc = replace(control(3, 1, True, LIGHT), migrate_pfn=4, free_pfn=16)
    run = Run(cc, LIGHT, 0, 0)
    cfg = replace(case.session.cfg, costly_order=0)
    assert search(cfg, s, run, 4)[1] is None


def test_a_search_that_does_not_begin_at_the_top_looks_at_one_block():
    cc = replace(control(1, 1, True, LIGHT), migrate_pfn=4, free_pfn=12)
    assert bounds_of(TINY, Zone(free=(), init_free=15), cc).limit == 1
    assert bounds_of(TINY, Zone(free=(), init_free=12), cc).limit == 2
    late = replace(cc, fast_search_fail=6)
    assert bounds_of(TINY, Zone(free=(), init_free=15), late).limit == 0


def test_scanners_that_passed_each_other_leave_nothing_to_wish_for():
    """The distance wraps, so that no frame is high enough for the fast search."""
    cc = replace(control(1, 1, True, LIGHT), migrate_pfn=6, free_pfn=4)
    assert bounds_of(TINY, Zone(free=()), cc).least > 1 << 62


def test_cma_stays_cma_when_half_a_page_block_is_taken():
    case = Case("Aff*", "Uff*", has_cma=True)
    cfg, s = case.session.cfg, case.session.state
    assert isolate_free_page(cfg, s, 8, 2).types == (4, 1)
    assert isolate_free_page(cfg, s, 4, 2).types == (4, 0)


def test_hints_are_forgotten_where_a_sample_is_of_use():
    """A compound page that fills its page block is not, nor an unmovable target."""
    case = Case("MCc*", "Mmf", "Umf", "Ufu", "MCc*")
    cfg, s = case.session.cfg, case.session.state
    zone = replace(s.zones[0], flush=True)
    s = replace(s, zones=(zone,), skip=(True,) * 5)
    after = reset_isolation(cfg, s, 0)
    assert after.skip == (True, False, False, True, True)
    assert after.zones[0].init_migrate == 8
    assert not after.zones[0].flush


def test_kcompactd_is_asked_for_more_while_it_works():
    case = Case("Muf", "Muf", "Muf")
    case.do(WakeupKcompactd(1, 0), Kcompactd(), WakeupKcompactd(2, 0), BeginZone())
    assert case.answers == [True, None, False, CONTINUE]
    while case.do(Finished()) is CONTINUE:
        case.do(SCAN, Settle())
    case.do(EndZone(False), Return())
    assert case.session.state.kcompactd_order == 2


def test_a_pageset_at_its_high_mark_gives_a_batch_back():
    case = Case("Muf", "Mu*", high=2, batch=1)
    case.do(Free(4, False))
    assert case.pages == "pfuf uuuu"
    case.do(Free(6, False))
    assert case.pages == "ffpf uuuu"


def test_what_is_left_of_a_block_goes_back_to_the_lists():
    """A page is taken from four.

    |  ffff  ->  u f ff  |
    """
    case = Case("Mf*", "Mu*")
    assert case.do(Take(0, 0, 1)) == 4
    assert [area[1] for area in case.zone.free] == [(5,), (6,), (), ()]


def test_a_zone_with_a_block_or_too_few_pages_is_not_compacted():
    case = Case("Mf*", "Mf*", "Mu*")
    assert case.begin() is SUCCESS
    case = Case("Mfu*", "Mu*", "Mu*")
    assert case.begin() is SKIPPED


def test_a_start_that_lies_behind_the_zone_is_set_anew():
    case = Case("Mmf", "Mmf", "Mmf")
    zone = replace(case.zone, cached_migrate=(16, 16), cached_free=(1 << 64) - 4)
    cc = control(1, 1, True, LIGHT)
    zone, cc = place_scanners(case.session.cfg, zone, 0, cc)
    assert (cc.migrate_pfn, cc.free_pfn) == (4, 12)
    assert (zone.cached_migrate, zone.cached_free) == ((4, 4), 12)


def test_the_longest_deferral_ends_with_a_look_at_all_page_blocks():
    """Every second frame is a sample, so that the last block shows no free page."""
    case = Case("Mmf", "Mmf", "Mmf", defer_max=1)
    cfg, s = case.session.cfg, case.session.state
    zone = replace(s.zones[0], flush=True, defer_shift=1, considered=1)
    s = replace(s, zones=(zone,), skip=(True,) * 3)
    s = TryToCompact(1, GFP_HIGHUSER_MOVABLE, LIGHT, NONE, 0).after(cfg, s, None)
    s = BeginZone().after(cfg, s, CONTINUE)
    assert s.skip == (False, False, True)


def test_free_blocks_end_with_their_zone():
    """A page block that two zones share is two pairs.

    |  ff|ff  |
    """
    zones = (Span(4, 6), Span(6, 8))
    case = Case("Mf*", zones=zones, marks=((0, 0, 0),) * 2, reserve=((0, 0),) * 2)
    assert [z.free[1][1] for z in case.session.state.zones] == [(4,), (6,)]
