"""Nodes and zones of real machines, and what 5.10 computes for them.

The numbers are those of boot logs and of /proc/zoneinfo of Debian's 5.10.223, or follow
from mm/page_alloc.c by hand.  Histories run on the specification and the machine.
"""

from dataclasses import replace

import pytest

from mmoracle.checkers.bind.zones import ZONES
from mmoracle.checkers.bind.zones_real import (
    ARM64,
    LINUX_ARM64,
    LINUX_RISCV,
    LINUX_X86,
    RISCV,
    X86,
)
from mmoracle.checkers.bind.zones_tiny import TINY, mem
from mmoracle.checkers.session import Session
from mmoracle.spec.core import Disallowed
from mmoracle.spec.linux import Errno
from mmoracle.spec.zones import marks, pagesets
from mmoracle.spec.zones.boot import (
    BuildZonelists,
    Built,
    FinishInit,
    FreeReserved,
    MemblockFreeAll,
    SetupPagesets,
)
from mmoracle.spec.zones.layout import Layout
from mmoracle.spec.zones.movable import Movable
from mmoracle.spec.zones.nodes import FreeAreaInit
from mmoracle.spec.zones.tune import (
    Boost,
    InitWmarks,
    StartHugepages,
    Unboost,
    WriteBoostFactor,
    WriteFraction,
    WriteMinFreeKbytes,
    WriteReserveRatio,
    WriteScaleFactor,
)

ONE = ((10,),)
PC = mem((0, 1, 0x9F), (0, 0x100, 0xFFD7))  # 256 MiB in QEMU
PC_ENDS = (4096, 0xFFD7, 0xFFD7, 0, 0)
VIRT = mem((0, 0x40000, 0x60000))  # 512 MiB of arm64 `virt`
PLAIN = replace(
    TINY,
    layout=Layout(("Normal", "Movable")),
    maps=(mem((0, 0, 1 << 16)),),
    ends=((1 << 16, 0),),
    ops=(),
)


@pytest.fixture
def history():
    """Return a function that does operations on both sides and answers."""

    def run(cfg, *ops):
        session = Session(ZONES, cfg)
        for op in ops:
            before = session.state
            answer = session.do(op)
            other = ZONES.load(cfg, before)
            ZONES.accept(other, op, answer)
            assert ZONES.abstract(other) == session.state
        return session

    return run


def answers(session):
    """Return the answers of a history."""
    return [entry.result for entry in session.trace]


def zones(session, nid=0):
    """Return the zones of a node."""
    return next(n for n in session.state.nodes if n.nid == nid).zones


def booted(cfg, ranges, ends, released):
    """Return the operations of a boot on one node."""
    return (
        FreeAreaInit(ranges, ends, Movable()),
        BuildZonelists((0,), ONE),
        MemblockFreeAll(released),
        SetupPagesets(),
        FinishInit(0),
        InitWmarks(),
    )


# ------------------------------------------------------------------ real machines


def test_a_pc_of_256_mib_boots_as_its_log_says(history):
    """The log of x86_64-5.10-256M, and its zoneinfo.

    On node 0 totalpages: 65397
      DMA zone: 64 pages used for memmap
      DMA zone: 21 pages reserved
      DMA zone: 3998 pages, LIFO batch:0
      DMA32 zone: 960 pages used for memmap
      DMA32 zone: 61399 pages, LIFO batch:15
    Built 1 zonelists, mobility grouping on.  Total pages: 64352
    Memory: 201604K/261588K available
    """
    boot = booted(LINUX_X86, PC, PC_ENDS, ((3977, 46424, 0, 0, 0),))
    early = history(LINUX_X86, boot[0])
    dma, dma32, *empty = zones(early)
    assert (dma.start, dma.spanned, dma.present) == (1, 4095, 3998)
    assert (dma32.start, dma32.spanned, dma32.present) == (4096, 61399, 61399)
    assert dma.managed == 3998 - 64 - 21
    assert dma32.managed == 61399 - 960
    batches = [pagesets.zone_batchsize(z.managed) for z in (dma, dma32)]
    assert batches == [0, 15]
    assert {(z.start, z.spanned, z.present) for z in empty} == {(0, 0, 0)}

    run = history(LINUX_X86, *boot, FreeReserved(0, 1, 348))
    assert answers(run)[:3] == [(65397,), Built(1, False, 64352), 201604 // 4]
    dma, dma32, *_ = zones(run)
    assert dma.marks == (35, 43, 51)
    assert dma32.marks == (413, 516, 619)
    assert dma.reserve == (0, 181, 181, 181, 181)
    assert dma32.reserve == (0,) * 5
    assert (dma.limits, dma32.limits) == ((0, 1), (90, 15))
    assert dma32.managed == 46424 + 348


def test_an_arm_machine_has_one_zone_and_counts_cma_before_its_marks(history):
    """The log of arm64-5.10-512M: 396432K available, then 65536K of CMA."""
    ends, released = (0x60000, 0x60000, 0x60000, 0), ((99108, 0, 0, 0),)
    boot = booted(LINUX_ARM64, VIRT, ends, released)
    run = history(LINUX_ARM64, *boot[:-1], FreeReserved(0, 0, 16384), boot[-1])
    dma = zones(run)[0]
    assert answers(run)[1] == Built(1, False, 129024)
    assert (dma.start, dma.spanned, dma.managed) == (262144, 131072, 115492)
    assert dma.marks == (679, 848, 1017)
    assert dma.limits == (186, 31)
    assert ARM64.ratios == (256, 256, 32, 0)


def test_a_riscv_machine_has_dma32_below_4_gib(history):
    """With 8 GiB at 2 GiB, a quarter lies below 4 GiB."""
    ranges = mem((0, 0x80000, 0x280000))
    released = ((0x7F000, 0x17F000, 0),)
    boot = booted(LINUX_RISCV, ranges, (0x100000, 0x280000, 0), released)
    low, normal, _ = zones(history(LINUX_RISCV, *boot))
    assert (low.start, low.spanned) == (0x80000, 0x80000)
    assert (normal.start, normal.spanned) == (0x100000, 0x180000)
    assert low.reserve == (0, 0x17F000 // 256, 0x17F000 // 256)
    assert normal.reserve == (0, 0, 0)
    assert RISCV.count == 3


# ------------------------------------------------------------------ watermarks


@pytest.mark.parametrize(
    ("mib", "kbytes", "least", "low", "high"),
    [
        (16, 512, 128, 160, 192),
        (64, 1024, 256, 320, 384),
        (128, 1448, 362, 452, 542),
        (256, 2048, 512, 640, 768),
        (512, 2896, 724, 905, 1086),
        (1024, 4096, 1024, 1286, 1548),
        (2048, 5792, 1448, 1972, 2496),
        (4096, 8192, 2048, 3096, 4144),
        (16384, 16384, 4096, 8290, 12484),
    ],
)
def test_marks_of_one_lowmem_zone(history, mib, kbytes, least, low, high):
    """Above 1 GiB the gap follows watermark_scale_factor, not the lowest mark."""
    pages = mib * 256
    boot = booted(PLAIN, mem((0, 0, pages)), (pages, 0), ((pages, 0),))
    run = history(PLAIN, *boot)
    assert answers(run)[-1] == kbytes
    assert zones(run)[0].marks == (least, low, high)


@pytest.mark.parametrize(
    ("pages", "kbytes"),
    [(0, 128), (255, 128), (256, 128), (260, 128), (261, 129), (1 << 30, 262144)],
)
def test_min_free_kbytes_has_bounds(pages, kbytes):
    """128 kB are the root of a MiB, 256 MB that of 4 TiB."""
    assert marks.picked_kbytes(marks.root_kbytes(pages), -1, 1024) == kbytes
    assert marks.clamp_kbytes(1 << 40) == 262144


def test_marks_are_picked_again_without_what_the_old_ones_keep(history):
    """The second pick counts the pages above the high marks only."""
    boot = booted(PLAIN, mem((0, 0, 65536)), (65536, 0), ((65536, 0),))
    run = history(PLAIN, *boot, InitWmarks())
    assert answers(run)[-2:] == [2048, marks.square_root((65536 - 768) * 64)]


def test_a_user_keeps_what_is_not_lower(history):
    """A lower value is beaten: by the root of 65536 pages less a high mark of 131."""
    boot = booted(PLAIN, mem((0, 0, 65536)), (65536, 0), ((65536, 0),))
    run = history(
        PLAIN,
        *boot,
        WriteMinFreeKbytes(5000),
        InitWmarks(),
        WriteMinFreeKbytes(0),
        InitWmarks(),
        WriteMinFreeKbytes(-1),
    )
    assert answers(run)[-5:] == [None, 5000, None, 2045, Errno.EINVAL]


def test_a_highmem_zone_keeps_between_32_and_128_pages():
    """Its gaps are those of a lowmem zone of its size."""
    assert marks.zone_marks(512, 1000, 65536, capped=True) == (32, 33, 34)
    assert marks.zone_marks(512, 65536, 65536, capped=True) == (64, 192, 320)
    assert marks.zone_marks(512, 1 << 20, 1 << 16, capped=True)[0] == 128


def test_huge_pages_want_eleven_blocks_a_zone_but_a_twentieth_at_most(history):
    """Khugepaged on one zone of 1 GiB: 5632 pages, not 262144 / 20."""
    pages = 1 << 18
    boot = booted(PLAIN, mem((0, 0, pages)), (pages, 0), ((pages, 0),))
    run = history(PLAIN, *boot, StartHugepages(), InitWmarks())
    assert answers(run)[-2:] == [22528, 22528]
    assert zones(run)[0].marks[0] == 5632
    assert marks.hugepage_kbytes(1000, 1, 512, 128) == 200
    assert marks.hugepage_kbytes(1000, 1, 512, 4096) == 4096


# ------------------------------------------------------------------ reserves


def test_a_zone_keeps_a_share_of_all_zones_up_to_the_requests():
    """Ratio 256: a page of every 256 between it and the request's zone."""
    managed = (4000, 0, 1 << 20, 256, 0)
    row = marks.lowmem_reserve(managed, X86.ratios, 0)
    assert row == (0, 0, 4096, 4097, 4097)
    assert marks.lowmem_reserve(managed, X86.ratios, 1) == (0,) * 5  # no pages itself
    assert marks.lowmem_reserve(managed, X86.ratios, 2) == (0, 0, 0, 8, 8)
    assert marks.lowmem_reserve(managed, X86.ratios, 3) == (0,) * 5  # ratio 0


def test_ratios_below_one_keep_nothing_and_are_no_error(history):
    """lowmem_reserve_ratio takes any number."""
    boot = booted(LINUX_X86, PC, PC_ENDS, ((3977, 46424, 0, 0, 0),))
    run = history(LINUX_X86, *boot, WriteReserveRatio((-3, 0, 1, 1, 1)))
    assert answers(run)[-1] is None
    assert run.state.tunables.ratios == (0, 0, 1, 1, 1)
    assert not any(any(z.reserve) for z in zones(run))


def test_the_page_cache_may_not_have_reserves_and_high_marks(history):
    """By zone: the most that is kept, plus the high mark, at most all of it."""
    boot = booted(LINUX_X86, PC, PC_ENDS, ((3977, 46424, 0, 0, 0),))
    run = history(LINUX_X86, *boot)
    assert run.state.totalreserve == (181 + 51) + 619
    assert marks.kept(100, (0, 90, 80), 0, 50) == 100
    assert marks.kept(100, (0, 30, 20), 1, 50) == 80


# ------------------------------------------------------------------ pagesets


@pytest.mark.parametrize(
    ("managed", "batch", "high"),
    [
        (4096, 0, 0),
        (8191, 0, 0),
        (8192, 1, 6),
        (16384, 3, 18),
        (32768, 7, 42),
        (65536, 15, 90),
        (131072, 31, 186),
        (172 * 1024 - 1, 31, 186),
        (172 * 1024, 63, 378),
        (262144, 63, 378),
        (1 << 30, 63, 378),
    ],
)
def test_batch_and_high_by_the_size_of_a_zone(managed, batch, high):
    """A thousandth, at most a MiB; 2**k - 1."""
    assert pagesets.zone_batchsize(managed) == batch
    assert pagesets.pageset_limits(managed) == (high, max(1, batch))
    assert pagesets.zone_batchsize(managed, mmu=False) == 0


def test_larger_pages_make_a_smaller_batch():
    """A MiB is 16 pages of 64 KiB: a batch of 3."""
    assert pagesets.zone_batchsize(1 << 20, page_shift=16) == 3


def test_a_fraction_of_a_zone_is_at_most_an_eighth(history):
    """percpu_pagelist_fraction: 1 to 7 are EINVAL and change nothing."""
    boot = booted(PLAIN, mem((0, 0, 65536)), (65536, 0), ((65536, 0),))
    run = history(
        PLAIN,
        *boot,
        WriteFraction(7),
        WriteFraction(8),
        WriteFraction(8),
        WriteFraction(-1),
        WriteFraction(1 << 31),
    )
    einval = Errno.EINVAL
    assert answers(run)[-5:] == [einval, None, None, einval, einval]
    assert zones(run)[0].limits == (8192, 96)
    assert pagesets.pageset_limits(100, 9) == (11, 2)
    assert pagesets.pageset_limits(7, 8) == (0, 1)
    back = history(PLAIN, *boot, WriteFraction(8), WriteFraction(0))
    assert zones(back)[0].limits == (90, 15)


# ------------------------------------------------------------------ boosts


def test_a_boost_adds_page_blocks_up_to_half_more_than_the_high_mark(history):
    """Of 4 GiB the high mark is 4144: at most 6216 pages, 512 at a time."""
    pages = 1 << 20
    boot = booted(PLAIN, mem((0, 0, pages)), (pages, 0), ((pages, 0),))
    boosts = (Boost(0, 0),) * 13
    run = history(PLAIN, *boot, *boosts)
    assert zones(run)[0].boost == 6216
    assert answers(run)[-13:] == [True] * 13
    run = history(PLAIN, *boot, *boosts, Unboost(0, 0, 512), Unboost(0, 0, 1 << 30))
    assert zones(run)[0].boost == 0
    run = history(PLAIN, *boot, *boosts[:2], WriteScaleFactor(20), Unboost(0, 0, 512))
    assert zones(run)[0].boost == 0


@pytest.mark.parametrize(("pages", "is_boosted"), [(2047, False), (2048, True)])
def test_a_zone_of_less_than_four_blocks_is_not_boosted(history, pages, is_boosted):
    """Otherwise the boost alone would be a quarter of the zone and more."""
    boot = booted(PLAIN, mem((0, 0, pages)), (pages, 0), ((pages, 0),))
    run = history(PLAIN, *boot, Boost(0, 0))
    assert answers(run)[-1] is is_boosted
    assert zones(run)[0].boost == 512 * is_boosted
    assert marks.boosted(5, pages, 0, 15000, 512) == 5
    assert marks.boosted(0, pages, 192, 15000, 512) == 512 * is_boosted


def test_no_factor_or_no_marks_no_boost(history):
    """Fallbacks before the marks are there do not boost."""
    boot = booted(PLAIN, mem((0, 0, 65536)), (65536, 0), ((65536, 0),))
    early = history(PLAIN, *boot[:4], Boost(0, 0))
    assert answers(early)[-1] is False
    off = history(PLAIN, *boot, WriteBoostFactor(0), Boost(0, 0), WriteBoostFactor(-1))
    assert answers(off)[-3:] == [None, False, Errno.EINVAL]


# ------------------------------------------------------------------ files


@pytest.mark.parametrize(
    ("op", "answer"),
    [
        (WriteScaleFactor(0), Errno.EINVAL),
        (WriteScaleFactor(1), None),
        (WriteScaleFactor(3000), None),
        (WriteScaleFactor(3001), Errno.EINVAL),
        (WriteMinFreeKbytes(1 << 31), Errno.EINVAL),
        (WriteBoostFactor(1 << 31), Errno.EINVAL),
    ],
)
def test_values_out_of_bounds_are_refused(history, op, answer):
    """proc_dointvec_minmax() knows the bounds of each file."""
    boot = booted(PLAIN, mem((0, 0, 65536)), (65536, 0), ((65536, 0),))
    run = history(PLAIN, *boot)
    before = run.state
    assert run.do(op) == answer
    assert (run.state == before) is (answer is not None)


def test_a_wrong_answer_is_refused_by_its_rule(history):
    """Counts, truths and codes have a contract each."""
    boot = booted(PLAIN, mem((0, 0, 65536)), (65536, 0), ((65536, 0),))
    s = history(PLAIN, *boot).state
    for op, wrong, rule in (
        (InitWmarks(), 2048, "RET-PAGES"),
        (FreeReserved(0, 0, 5), 5, "RET-PAGES"),
        (Boost(0, 0), 1, "RET-BOOL"),
        (WriteScaleFactor(0), None, "RET-CODE"),
        (Unboost(0, 0, 1), 0, "RET-CODE"),
    ):
        with pytest.raises(Disallowed) as no:
            op.after(PLAIN, s, wrong)
        assert no.value.rule == rule
