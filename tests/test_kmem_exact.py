"""Following traces exactly: real ones are predicted, and one changed entry is found."""

import json
import lzma
import os
import re
import shutil
from functools import cache
from itertools import islice
from pathlib import Path

import pytest

from mmoracle.checkers import cli
from mmoracle.checkers.kernel.kmem_judge import judge_trace
from mmoracle.checkers.verdict import Verdict

PAGES = Path(__file__).parent / "data" / "pages" / "x86_64-5.10-256M"
SHARED = Path(
    os.environ.get("MMORACLE_SHARED", Path(__file__).parents[2] / "shared")
).joinpath("traces")
START, KEPT = 1805, 20_000  # the first entry after the image t0; entries in the sample
VMEMMAP = 0xFFFFEA0000000000
PAGE = r"(?<=mm_page_alloc: )page=\w+ pfn=\d+(?= order=0)"


def shared(machine):
    """Return the folder of a machine, or skip."""
    folder = SHARED / machine
    if not (folder / "trace.txt.xz").exists():
        pytest.skip(f"{folder} is not here; MMORACLE_SHARED names where it is")
    return folder


@cache
def sample():
    """Return the header and the entries of the committed sample."""
    with lzma.open(PAGES / "trace.txt.xz", "rt") as file:
        lines = file.read().splitlines()
    head = [line for line in lines if line.startswith("#")]
    return head, lines[len(head) :]


@pytest.fixture
def follow(tmp_path):
    """Return a function that judges entries from the image t0."""

    def judged(entries):
        path = tmp_path / "trace.txt"
        path.write_text("\n".join([*sample()[0], *entries]) + "\n")
        return judge_trace(path, start=PAGES / "state-t0.json.xz", alone=True)

    return judged


def nth(event, skip=20, also=""):
    """Return the place of an event in the sample, after the image."""
    found = [
        i
        for i, line in enumerate(sample()[1])
        if i > START and f" {event}:" in line and also in line
    ]
    return found[min(skip, len(found) - 1)]


# ------------------------------------------------------------------ real traces


def test_the_sample_is_exact():
    trace, start = PAGES / "trace.txt.xz", PAGES / "state-t0.json.xz"
    run = judge_trace(trace, start=start, alone=True)
    assert run.verdict is Verdict.BOUNDED, run.failure
    assert run.extra["predicted"] == {"asked": 1094, "exact": 1094}
    assert run.extra["internal"] == {"seen": 595, "exact": 595}
    assert run.extra["lists"] == {"seen": 0, "equal": 0}
    assert run.extra["first_bad"] is None


def test_a_trace_that_ends_before_the_later_image_says_so():
    """The image t1 lies beside the sample, and was taken 661,288 entries later."""
    trace, start = PAGES / "trace.txt.xz", PAGES / "state-t0.json.xz"
    run = judge_trace(trace, start=start)
    assert run.verdict is Verdict.INCONCLUSIVE
    assert run.extra["inconclusive_from"] == KEPT
    assert "the trace ends before entry 681288" in run.cut
    assert run.extra["predicted"]["exact"] == 1094


def test_a_whole_trace_leads_to_its_later_image():
    folder = shared("x86_64-5.10-256M")
    run = judge_trace(folder / "trace.txt.xz", start=folder / "state-t0.json.xz")
    assert run.verdict is Verdict.BOUNDED, run.failure
    assert run.extra["predicted"] == {"asked": 68_320, "exact": 68_320}
    assert run.extra["internal"] == {"seen": 114_318, "exact": 114_318}
    assert run.extra["lists"] == {"seen": 116, "equal": 116}
    assert run.extra["page_blocks"] == {"seen": 128, "equal": 128}
    assert run.extra["snapshots"] == {"seen": 448, "equal": 448}
    assert run.extra["counters"]["seen"] == run.extra["counters"]["equal"] > 0


def test_compaction_ends_what_a_trace_says(capsys):
    folder = shared("x86_64-5.10-256M-pressure")
    args = [str(folder / "trace.txt.xz"), "--from", str(folder / "state-t0.json.xz")]
    assert cli.run(["trace", *args, "--json"]) == 3
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] == "inconclusive"
    assert found["predicted"] == {"asked": 46_066, "exact": 46_066}
    assert found["inconclusive_from"] == 402_053
    assert "entry 402053: kcompactd0 drains a pageset" in found["cut"]
    assert found["failure"] is found["first_bad"] is None


# ------------------------------------------------------------------ changed entries


def replaced(pattern, new):
    """Return a change of a part of an entry."""
    return lambda line: re.sub(pattern, new, line, count=1)


def by(name, step):
    """Return a change that adds to a number of an entry."""
    return replaced(rf"\b{name}=(\d+)", lambda m: f"{name}={int(m[1]) + step}")


def both(line):
    """Change a frame by its number and its pointer."""
    pfn = int(re.search(r"pfn=(\d+)", line)[1]) ^ 64
    line = re.sub(r"page=\w+", f"page={VMEMMAP + 64 * pfn:016x}", line)
    return re.sub(r"pfn=\d+", f"pfn={pfn}", line)


def other_type(line):
    turn = {"0": "1", "1": "2", "2": "0"}
    return re.sub(r"\bmigratetype=(\d)", lambda m: "migratetype=" + turn[m[1]], line)


ORDERED = by("order", 1)
ALLOC, FREE, BATCHED = "mm_page_alloc", "mm_page_free", "mm_page_free_batched"
LOCKED, DRAIN = "mm_page_alloc_zone_locked", "mm_page_pcpu_drain"
EXTFRAG = "mm_page_alloc_extfrag"
CHANGES = {
    "alloc-pfn": (ALLOC, by("pfn", 1)),
    "alloc-pfn-and-pointer": (ALLOC, both),
    "alloc-order": (ALLOC, ORDERED),
    "alloc-type": (ALLOC, other_type),
    "free-pfn": (FREE, by("pfn", 1)),
    "free-order": (FREE, ORDERED),
    "locked-pfn": (LOCKED, by("pfn", 1)),
    "locked-pfn-and-pointer": (LOCKED, both),
    "locked-order": (LOCKED, ORDERED),
    "locked-type": (LOCKED, other_type),
    "drain-pfn": (DRAIN, by("pfn", 1)),
    "drain-pfn-and-pointer": (DRAIN, both),
    "drain-type": (DRAIN, other_type),
    "steal-pfn": (EXTFRAG, by("pfn", 512)),
    "steal-pfn-and-pointer": (EXTFRAG, both),
    "steal-from-order": (EXTFRAG, by("fallback_order", -1)),
    "steal-from-type": (EXTFRAG, by("fallback_migratetype", 1)),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_entry_is_named(name, follow):
    event, change = CHANGES[name]
    entries, at = list(sample()[1]), nth(event)
    entries[at] = change(entries[at])
    assert entries[at] != sample()[1][at]
    run = follow(entries)
    bad = run.extra["first_bad"]
    assert run.verdict is Verdict.VIOLATED, run.cut
    assert bad["entry"] == at, bad
    assert bad["expected"]
    assert bad["text"] == " ".join(entries[at].split())
    assert run.failure.rule == bad["rule"]
    assert f"entry {at}: " in run.failure.why


def test_a_free_of_another_frame_is_found_when_that_frame_is_freed(follow):
    """Number and pointer changed alike: the entry itself may be true."""
    entries, at = list(sample()[1]), nth(FREE)
    entries[at] = both(entries[at])
    run = follow(entries)
    assert run.verdict is Verdict.VIOLATED
    assert run.extra["first_bad"]["entry"] >= at


def neighbours():
    """Return the place of a request that another of the same task follows."""
    entries = sample()[1]
    for at in range(START, len(entries) - 1):
        pages = [re.search(PAGE, line) for line in entries[at : at + 2]]
        texts = [re.sub(PAGE, "", line).split() for line in entries[at : at + 2]]
        if all(pages) and texts[0][:3] + texts[0][4:] == texts[1][:3] + texts[1][4:]:
            return at
    raise AssertionError("no such pair")


@pytest.mark.parametrize("task", ["", "             cat-4242    "])
def test_only_a_request_of_another_task_overtakes_one(task, follow):
    """Two entries show each other's frames, as if a kernel had changed tasks there."""
    entries, at = list(sample()[1]), neighbours()
    pages = [re.search(PAGE, line)[0] for line in entries[at : at + 2]]
    entries[at] = entries[at].replace(*pages)
    entries[at + 1] = entries[at + 1].replace(*reversed(pages))
    if task:
        entries[at] = task + entries[at][entries[at].index("[") :]
        run = follow(entries)
        assert run.verdict is Verdict.BOUNDED
        assert "overtook" in " ".join(run.extra["notes"])
    else:
        run = follow(entries)
        assert run.verdict is Verdict.VIOLATED
        assert run.extra["first_bad"]["entry"] == at
        assert run.extra["first_bad"]["expected"] in pages[0].replace("=", " ")


@pytest.mark.parametrize("event", [ALLOC, LOCKED, DRAIN])
def test_a_missing_entry_is_found(event, follow):
    entries, at = list(sample()[1]), nth(event)
    del entries[at]
    run = follow(entries)
    assert run.verdict is Verdict.VIOLATED
    assert run.extra["first_bad"]["entry"] >= at
    assert run.extra["first_bad"]["expected"]


@pytest.mark.parametrize("little", [False, True])
def test_after_an_atomic_request_with_little_memory_a_trace_is_not_wrong(
    little, tmp_path
):
    """Such a request may have reserved a page block, which no event shows."""
    with lzma.open(PAGES / "state-t0.json.xz") as file:
        image = json.load(file)
    for zone in image["nodes"][0]["zones"]:
        if little and zone["managed_pages"]:
            zone["watermark"] = [30_000, 40_000, 60_000]
    start = tmp_path / "state-t0.json"
    start.write_text(json.dumps(image))
    entries = list(sample()[1])
    asked = next(
        i
        for i, line in enumerate(entries)
        if i > START and re.search(rf" {ALLOC}: .* order=[1-9].*GFP_ATOMIC", line)
    )
    missing = (i for i, line in enumerate(entries) if f" {LOCKED}:" in line)
    del entries[next(i for i in missing if i > asked)]
    path = tmp_path / "trace.txt"
    path.write_text("\n".join([*sample()[0], *entries]) + "\n")
    run = judge_trace(path, start=start, alone=True)
    if little:
        assert run.verdict is Verdict.INCONCLUSIVE
        assert f"an atomic request at entry {asked} found little memory" in run.cut
    else:
        assert run.verdict is Verdict.VIOLATED


def test_a_steal_for_another_order_is_found_where_a_block_is_taken(follow):
    entries, at = list(sample()[1]), nth(EXTFRAG)
    entries[at] = by("alloc_order", 1)(entries[at])
    run = follow(entries)
    assert run.verdict is Verdict.VIOLATED
    assert run.extra["first_bad"]["entry"] == at + 1


@pytest.mark.parametrize("change", [by("pfn", 1), both, lambda line: ""])
def test_a_changed_entry_of_a_list_is_found(change, follow):
    """The sample has no page that was freed in a list; the whole trace has."""
    folder = shared("x86_64-5.10-256M")
    with lzma.open(folder / "trace.txt.xz", "rt") as file:
        lines = islice((line for line in file if line[0] != "#"), 80_000)
        entries = [line.rstrip() for line in lines]
    at = next(i for i, line in enumerate(entries) if f" {BATCHED}:" in line)
    entries[at] = change(entries[at])
    bad = follow(entries).extra["first_bad"]
    assert bad["rule"] in ("BUD-OWN", "EXACT-EVENTS", "EXACT-ANSWER", "BUD-DISJOINT")
    assert abs(bad["entry"] - at) < 2000  # its mm_page_free may be taken for another's
    assert bad["expected"]


def test_lost_events_end_what_a_trace_says(follow):
    entries, at = list(sample()[1]), nth(ALLOC)
    entries.insert(at, "CPU:0 [LOST 12 EVENTS]")
    run = follow(entries)
    assert run.verdict is Verdict.INCONCLUSIVE
    assert run.extra["inconclusive_from"] == at
    assert "12 events are lost" in run.cut
    assert 0 < run.extra["predicted"]["exact"] < 1094


def test_a_cpu_without_a_pageset_ends_what_a_trace_says(follow):
    entries, at = list(sample()[1]), nth(ALLOC)
    entries[at] = entries[at].replace("[000]", "[001]")
    run = follow(entries)
    assert run.verdict is Verdict.INCONCLUSIVE
    assert run.extra["inconclusive_from"] == at
    assert "cpu 1 has no pageset" in run.cut


def test_a_cut_trace_ends_what_it_says(tmp_path):
    path = tmp_path / "trace.txt"
    head, entries = sample()
    at = nth(ALLOC)
    text = "\n".join([*head, *entries[: at + 1]])
    path.write_text(text[: text.rindex(" order=")])
    run = judge_trace(path, start=PAGES / "state-t0.json.xz", alone=True)
    assert run.verdict is Verdict.INCONCLUSIVE
    assert "the last line is cut" in run.cut


# ------------------------------------------------------------------ what lies beside


def test_the_answer_has_these_keys(follow):
    entries, at = list(sample()[1]), nth(ALLOC)
    entries[at] = both(entries[at])
    extra = follow(entries).extra
    assert extra["predicted"].keys() == {"asked", "exact"}
    assert extra["internal"].keys() == {"seen", "exact"}
    assert extra["lists"].keys() == {"seen", "equal"}
    assert {"entry", "rule", "why", "expected", "got", "text"} == set(
        extra["first_bad"]
    )


def test_another_list_in_the_later_image_is_found(tmp_path):
    folder = shared("x86_64-5.10-256M")
    with lzma.open(PAGES / "state-t1.json.xz") as file:
        image = json.load(file)
    line = image["nodes"][0]["zones"][1]["free_area"][0]["free_list"][0]
    line[0], line[1] = line[1], line[0]
    end = tmp_path / "state-t1.json"
    end.write_text(json.dumps(image))
    trace, start = folder / "trace.txt.xz", PAGES / "state-t0.json.xz"
    run = judge_trace(trace, start=start, end=end, alone=True)
    bad = run.extra["first_bad"]
    assert (run.verdict, bad["rule"]) == (Verdict.VIOLATED, "EXACT-STATE")
    assert run.extra["lists"] == {"seen": 116, "equal": 115}
    assert "zone DMA32: free list order 0 type 0" in bad["why"]
    assert bad["expected"] == f"pfn {line[1]} at place 0"
    assert bad["got"] == f"pfn {line[0]}"


def test_another_number_in_proc_is_found(tmp_path):
    folder = shared("x86_64-5.10-256M")
    proc = tmp_path / "proc"
    for name in ("s0", "s1", "s2", "s3"):
        (proc / name).mkdir(parents=True)
        for file in ("buddyinfo", "pagetypeinfo"):
            shutil.copyfile(folder / "proc" / name / file, proc / name / file)
    wrong = proc / "s1" / "buddyinfo"
    text = wrong.read_text()
    wrong.write_text(re.sub(r"(DMA32 +)(\d+)", r"\g<1>9\2", text))
    trace, start = folder / "trace.txt.xz", folder / "state-t0.json.xz"
    run = judge_trace(trace, start=start, proc=proc, alone=True)
    bad = run.extra["first_bad"]
    assert (run.verdict, bad["rule"]) == (Verdict.VIOLATED, "PROC")
    assert "zone DMA32" in bad["why"]
    assert "snapshot s1" in bad["why"]
    snapshots = run.extra["snapshots"]
    assert snapshots["equal"] == snapshots["seen"] - 1
