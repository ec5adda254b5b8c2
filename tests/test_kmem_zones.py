"""Which zone a request of a real trace fell into: zonelist, flags and watermarks."""

import json
import lzma
from pathlib import Path

import pytest

from mmoracle.checkers.kernel.gfp import gfp_of
from mmoracle.checkers.kernel.kmem_judge import judge_trace
from mmoracle.checkers.kernel.proc_facts import normal_threshold
from mmoracle.checkers.verdict import Verdict
from mmoracle.spec.linux import GFP_HIGHUSER_MOVABLE, GFP_KERNEL, Gfp

SAMPLE = Path(__file__).parent / "data" / "pages" / "x86_64-5.10-256M"


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        (b"GFP_KERNEL|__GFP_ZERO", GFP_KERNEL | Gfp.ZERO),
        (b"GFP_HIGHUSER_MOVABLE", GFP_HIGHUSER_MOVABLE),
        (b"GFP_KERNEL|GFP_DMA32", GFP_KERNEL | Gfp.DMA32),
        (b"__GFP_IO|0x800000", Gfp.IO),
        (b"none", Gfp.NONE),
        (b"GFP_NEVER_HEARD_OF", None),
    ],
)
def test_flags_are_read_as_the_kernel_prints_them(text, flags):
    assert gfp_of(text) == flags


def test_a_cpu_keeps_few_pages_to_itself():
    """The snapshots of x86_64-5.10-256M print: vm stats threshold 2 and 4."""
    assert [normal_threshold(managed, 1) for managed in (3977, 48777)] == [2, 4]


# ------------------------------------------------------------------ a real trace


@pytest.fixture
def sample(tmp_path):
    """The sample, its images as JSON, and a way to change any of them."""
    trace = lzma.decompress((SAMPLE / "trace.txt.xz").read_bytes()).decode()
    images = {
        name: json.loads(lzma.decompress((SAMPLE / f"{name}.json.xz").read_bytes()))
        for name in ("state-t0", "state-t1")
    }

    def judged(text=trace):
        (tmp_path / "trace.txt").write_text(text)
        for name, image in images.items():
            (tmp_path / f"{name}.json").write_text(json.dumps(image))
        return judge_trace(
            tmp_path / "trace.txt", start=tmp_path / "state-t0.json", alone=True
        )

    judged.trace, judged.images = trace, images
    return judged


def test_every_request_fell_into_the_zone_that_it_had_to(sample):
    zones = sample().extra["zones"]
    assert zones["asked"] == zones["exact"] > 500


def test_a_request_for_dma_cannot_have_got_a_frame_of_dma32(sample):
    lines = sample.trace.splitlines(keepends=True)
    at = max(
        i
        for i, x in enumerate(lines)
        if x.endswith("gfp_flags=GFP_KERNEL\n") and "mm_page_alloc:" in x
    )
    lines[at] = lines[at].replace("GFP_KERNEL", "GFP_KERNEL|GFP_DMA")
    run = sample("".join(lines))
    bad = run.extra["first_bad"]
    assert (run.verdict, bad["rule"]) == (Verdict.VIOLATED, "ZL-ORDER")
    assert "gfp_flags=GFP_KERNEL|GFP_DMA" in bad["text"]
    assert "allow zones up to DMA" in bad["why"]


def test_the_zonelist_says_which_zone_comes_first(sample):
    sample.images["state-t0"]["nodes"][0]["zonelist0"].reverse()
    run = sample()
    bad = run.extra["first_bad"]
    assert (run.verdict, bad["rule"]) == (Verdict.VIOLATED, "ZL-ORDER")
    assert "zone DMA has 3977 pages free" in bad["why"]


@pytest.mark.parametrize("fact", ["watermark", "lowmem_reserve"])
def test_a_zone_below_its_watermark_is_passed_over(sample, fact):
    zone = sample.images["state-t0"]["nodes"][0]["zones"][1]
    zone["watermark"] = [413, 516, 619]
    zone[fact] = [100_000] * len(zone[fact])
    run = sample()
    bad = run.extra["first_bad"]
    assert (run.verdict, bad["rule"]) == (Verdict.VIOLATED, "ZL-ORDER")
    assert "and comes next" in bad["why"]
