"""Following traces permissively: real ones hold, each rule is seen to fail.

What is odd and legal holds: split blocks, frees of frames from before the trace, pages
that compaction took off the lists, bulk allocation of later kernels.
"""

import os
from pathlib import Path

import pytest

from mmoracle.checkers.kernel.kmem_judge import judge_trace
from mmoracle.checkers.verdict import Verdict

PAGES = Path(__file__).parent / "data" / "pages"
SHARED = Path(
    os.environ.get("MMORACLE_SHARED", Path(__file__).parents[2] / "shared")
).joinpath("traces")
REAL = {  # machine -> allocations in its whole trace
    "x86_64-5.10-256M": 68_000,
    "x86_64-5.10-256M-smp2": 40_000,
    "arm64-5.10-512M": 19_000,
    "riscv64-6.12-512M": 19_000,
}
ZONEINFO = """\
Node 0, zone      DMA
  pages free     8
        min      1
        spanned  64
        present  64
        managed  64
  start_pfn:           0
Node 0, zone    DMA32
  pages free     8
        spanned  192
        present  192
        managed  192
  start_pfn:           64
Node 0, zone   Normal
  pages free     0
        spanned  0
        present  0
        managed  0
Node 0, zone  Movable
  pages free     8
        spanned  64
        present  64
        managed  64
  start_pfn:           256
"""


class Text:
    """The text of a trace, an entry at a time."""

    def __init__(self, *, modern=False, real=True):
        self.lines, self.modern, self.real = [], modern, real

    def add(self, event, pfn, order=0, **facts):
        number = f"{pfn:#x}" if self.modern else pfn
        page = 0xFFFFEA0000000000 + 64 * pfn if self.real else 7 * pfn ^ 0x5A5A
        rest = "".join(f" {name}={value}" for name, value in facts.items())
        flags = "d...." if self.modern else "d..."
        self.lines.append(
            f"              sh-7       [000] {flags}     0.{len(self.lines):06}: "
            f"{event}: page={page:016x} pfn={number} order={order}{rest}"
        )
        return self

    def alloc(self, pfn, order=0, mt=1, gfp="GFP_KERNEL"):
        return self.add("mm_page_alloc", pfn, order, migratetype=mt, gfp_flags=gfp)

    def free(self, pfn, order=0):
        return self.add("mm_page_free", pfn, order)

    def drain(self, pfn):
        return self.add("mm_page_pcpu_drain", pfn, 0, migratetype=1)

    def locked(self, pfn, order=0):
        return self.add("mm_page_alloc_zone_locked", pfn, order, migratetype=1,
                        percpu_refill=int(order == 0))  # fmt: skip


COMP = "GFP_KERNEL|__GFP_COMP"
VIOLATIONS = {
    "handed out twice": (Text().alloc(8).alloc(8), "BUD-DISJOINT", "pfn 8 is"),
    "handed out inside a block": (
        Text().alloc(8, 3).alloc(13),
        "BUD-DISJOINT",
        "pfn 13 is handed out while the block at 8",
    ),
    "handed out over a block": (
        Text().alloc(13).alloc(8, 3),
        "BUD-DISJOINT",
        "pfn 13 is handed out",
    ),
    "misaligned": (Text().alloc(8).alloc(6, 2), "BUD-ALIGN", "pfn 6 is not a multiple"),
    "freed twice": (Text().alloc(8).free(8).free(8), "BUD-OWN", "pfn 8 is freed twice"),
    "freed twice, unseen before": (
        Text().free(8).free(8),
        "BUD-OWN",
        "pfn 8 is freed twice",
    ),
    "wrong order of a compound block": (
        Text().alloc(8, 2, gfp=COMP).free(8, 1),
        "BUD-OWN",
        "a part of the block of order 2 at 8",
    ),
    "too large an order": (
        Text().alloc(8, 1).free(8, 2),
        "BUD-OWN",
        "freed with order 2",
    ),
    "a part of a compound block": (
        Text().alloc(8, 2, gfp=COMP).free(10),
        "BUD-OWN",
        "which is compound",
    ),
    "a part of a small movable compound block": (
        Text().alloc(16, 4, gfp=COMP).free(18),
        "BUD-OWN",
        "which is compound",
    ),
    "a part of a huge compound block that is not movable": (
        Text().alloc(512, 9, mt=0, gfp=COMP).free(513),
        "BUD-OWN",
        "which is compound",
    ),
    "drained while held": (
        Text().alloc(8).drain(8),
        "BUD-DISJOINT",
        "pfn 8 is on a list",
    ),
    "on a list while inside a held block": (
        Text().alloc(8, 2).locked(11),
        "BUD-DISJOINT",
        "pfn 11 is on a list while the block at 8",
    ),
}
ZONED = {
    "in no zone": (Text().alloc(8).alloc(999), "BUD-ZONE"),
    "GFP_DMA elsewhere": (Text().alloc(8).alloc(70, gfp="GFP_DMA"), "BUD-ZONE"),
    "__GFP_DMA elsewhere": (
        Text().alloc(8).alloc(70, gfp="GFP_KERNEL|__GFP_DMA"),
        "BUD-ZONE",
    ),
    "GFP_DMA32 above": (Text().alloc(8).alloc(300, gfp="GFP_DMA32"), "BUD-ZONE"),
    "unmovable in Movable": (Text().alloc(8).alloc(300), "BUD-ZONE"),
    "user memory in Movable": (
        Text().alloc(8).alloc(300, gfp="GFP_HIGHUSER"),
        "BUD-ZONE",
    ),
}
IN_ZONE = {
    "movable in Movable": Text().alloc(300, gfp="GFP_HIGHUSER_MOVABLE"),
    "any zone below": Text().alloc(8, gfp="GFP_HIGHUSER_MOVABLE").alloc(70),
    "GFP_DMA32 in DMA": Text().alloc(8, gfp="GFP_DMA32"),
    "words of a later kernel": Text().alloc(70, gfp="GFP_KERNEL|__GFP_SKIP_ZERO"),
}
LEGAL = {
    "a frame used again": Text().alloc(8).free(8).alloc(8).free(8),
    "a split block": Text().alloc(8, 2).free(8).free(10, 1).free(9),
    "a huge movable compound block is split": Text()
    .alloc(512, 9, gfp=COMP)
    .free(512)
    .free(1023),
    "a block from before": Text().free(8, 3).alloc(8, 3).free(8, 3),
    "a drained page that compaction took": Text().alloc(8).free(8).drain(8).free(8),
    "a block that cma_alloc took": Text().alloc(8, 2).free(8, 2).free(9).drain(9),
    "a refill and a use": Text().locked(8).alloc(8).free(8).drain(8).locked(8).alloc(8),
    "a bulk allocation": Text(modern=True).alloc(8).free(8).free(8).free(8),
    "bulk, and a folio split": Text(modern=True)
    .alloc(16, 4, gfp=COMP)
    .free(8)
    .free(8)
    .free(18),
    "DMA32 wherever there is no DMA": Text().alloc(70, gfp="GFP_DMA32"),
}


@pytest.fixture
def judge(tmp_path):
    """Return a function that judges a trace, beside zoneinfo if asked."""

    def judged(text, zones=False):
        path = tmp_path / "trace.txt"
        path.write_text("# tracer: nop\n" + "\n".join(text.lines) + "\n")
        proc = tmp_path / "proc"
        if zones:
            (proc / "s0").mkdir(parents=True)
            (proc / "s0" / "zoneinfo").write_text(ZONEINFO)
        return judge_trace(path)

    return judged


@pytest.mark.parametrize("machine", REAL)
def test_a_real_trace_holds(machine):
    folder = SHARED / machine
    if not (folder / "trace.txt.xz").exists():
        pytest.skip(f"{folder} is not here; MMORACLE_SHARED names where it is")
    run = judge_trace(folder / "trace.txt.xz")
    assert run.verdict is Verdict.BOUNDED, run.failure
    assert run.extra["predicted"]["asked"] > REAL[machine]
    assert run.extra["predicted"]["asked"] == run.extra["predicted"]["exact"]
    assert any("snapshots" in each for each in dict(run.extra["told"]).values())


@pytest.mark.parametrize("path", sorted(PAGES.glob("*/trace.txt.xz")), ids=str)
def test_a_sample_holds(path):
    run = judge_trace(path)
    assert run.verdict is Verdict.BOUNDED, run.failure
    assert run.fidelity == "allowed"
    assert run.extra["predicted"]["asked"] > 200
    assert run.extra["frees"] > 50


@pytest.mark.parametrize("name", VIOLATIONS)
def test_a_rule_that_is_broken_is_named(name, judge):
    text, rule, why = VIOLATIONS[name]
    run = judge(text)
    bad = run.extra["first_bad"]
    assert run.verdict is Verdict.VIOLATED
    assert (bad["entry"], bad["rule"]) == (len(text.lines) - 1, rule)
    assert why in bad["why"]
    assert bad["expected"]
    assert "sh-7 [000] d..." in bad["text"]


@pytest.mark.parametrize("name", ZONED)
def test_a_zone_that_is_not_the_one_asked_for_is_named(name, judge):
    text, rules = ZONED[name]
    run = judge(text, zones=True)
    assert run.verdict is Verdict.VIOLATED
    assert run.extra["first_bad"]["rule"] in rules.split()
    assert run.extra["first_bad"]["entry"] == 1


def test_a_block_across_zones_is_named(judge):
    run = judge(Text().alloc(200).alloc(0, 7), zones=True)
    bad = run.extra["first_bad"]
    assert (bad["entry"], bad["rule"]) == (1, "BUD-ZONE")
    assert bad["why"] == "pfn 0 to 127 are not in one zone"


def test_no_zone_is_judged_without_zoneinfo(judge):
    assert judge(Text().alloc(8).alloc(999)).verdict is Verdict.BOUNDED


@pytest.mark.parametrize("name", IN_ZONE)
def test_a_request_may_use_the_zone_it_names_and_those_below(name, judge):
    run = judge(IN_ZONE[name], zones=True)
    assert run.verdict is Verdict.BOUNDED, run.failure


@pytest.mark.parametrize("name", LEGAL)
def test_what_is_odd_and_legal_holds(name, judge):
    run = judge(LEGAL[name])
    assert run.verdict is Verdict.BOUNDED, run.failure
    assert run.extra["events"] == len(LEGAL[name].lines)


def test_odd_things_are_noted(judge):
    notes = judge(LEGAL["a split block"]).extra["notes"]
    assert notes == ["blocks freed in parts: 1"]
    notes = judge(LEGAL["a bulk allocation"]).extra["notes"]
    assert notes == ["frames that were allocated in bulk, unseen: 2"]
    notes = judge(LEGAL["a drained page that compaction took"]).extra["notes"]
    assert notes == ["frames taken off a zone's lists unseen (compaction, CMA): 1"]


def test_lost_events_end_what_a_trace_says(judge):
    text = Text().alloc(8).free(8)
    text.lines.insert(1, "CPU:0 [LOST 3 EVENTS]")
    run = judge(text)
    assert run.verdict is Verdict.INCONCLUSIVE
    assert "3 events are lost" in run.cut


def test_a_failed_allocation_is_noted(judge):
    text = Text().alloc(8)
    text.lines.append(
        text.lines[0].replace("page=ffffea0000000200 pfn=8", "page=(null) pfn=0")
    )
    run = judge(text)
    assert run.verdict is Verdict.BOUNDED
    assert run.extra["notes"] == ["allocations that failed: 1"]


def test_a_trace_without_page_events_says_nothing(judge):
    text = Text()
    text.lines.append("              sh-7       [000] d...     0.000001: kfree: ptr=1")
    assert judge(text).verdict is Verdict.NOTHING
