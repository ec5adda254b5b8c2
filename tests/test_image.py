"""Memory images: real ones hold, and one changed field is found by its rule.

Each corruption changes one thing in a real kernel's image; it says which rule must
complain, and what frame the complaint must name.
"""

import json
import lzma
import os
from copy import deepcopy
from functools import cache
from pathlib import Path

import pytest

from mmoracle.checkers import cli
from mmoracle.checkers.kernel.image import read_image
from mmoracle.checkers.kernel.image_judge import complaints, judge_image
from mmoracle.checkers.kernel.text import BadText
from mmoracle.checkers.verdict import Verdict

PAGES = Path(__file__).parent / "data" / "pages" / "x86_64-5.10-256M"
SHARED = Path(
    os.environ.get("MMORACLE_SHARED", Path(__file__).parents[2] / "shared")
).joinpath("traces")
MACHINES = ("x86_64-5.10-256M", "x86_64-5.10-256M-pressure")
FLAGS, KIND, REFS, HEAD = 2, 3, 4, 6  # columns of a run
BUDDY, RESERVED = -129, 1 << 12


@cache
def loaded(name):
    """Return one of the committed images as plain data; not to be changed."""
    with lzma.open(PAGES / f"state-{name}.json.xz") as file:
        return json.load(file)


def zone(s, at=1):
    return s["nodes"][0]["zones"][at]


def lines(s, at=1):
    """Yield (order, type, list) of every list that has blocks."""
    for order, area in enumerate(zone(s, at)["free_area"]):
        for mt, line in enumerate(area["free_list"]):
            if line:
                yield order, mt, line


def line(s, least=4, at=1):
    """Return the first list of at least an order."""
    return next(each for each in lines(s, at) if each[0] >= least)


def run(s, wanted):
    """Return the first run of frames that is as wanted."""
    return next(each for each in s["pages"]["runs"] if wanted(each))


def is_held(each):
    return (
        each[KIND] == -1
        and each[REFS] == 1
        and each[1] > 3
        and each[0] > 4096
        and not int(each[FLAGS], 16) & RESERVED
    )


def is_free(each):
    return each[KIND] == BUDDY


def with_flag(each, mask):
    each[FLAGS] = hex(int(each[FLAGS], 16) ^ mask)
    return each[0]


def block_type(s, mt):
    """Give the page block of the last free block a type."""
    pfn = list(lines(s))[-1][2][0]
    s["sections"][pfn >> 15]["pageblock_flags"][(pfn >> 9) % 64] = mt
    return pfn


def moved(s, mt):
    """Move a whole free page block to the list of another type."""
    order, _, found = list(lines(s))[-1]
    pfn = found.pop()
    zone(s)["free_area"][order]["free_list"][mt].append(pfn)
    return pfn


def two_lists(s):
    pfn = line(s)[2][0]
    zone(s)["free_area"][0]["free_list"][0].append(pfn)
    return pfn


def misaligned(s):
    found = line(s)[2]
    found[0] += 1
    return found[0]


def unmerged(s):
    order, mt, found = line(s)
    pfn = found.pop(0)
    half = pfn + (1 << (order - 1))
    zone(s)["free_area"][order - 1]["free_list"][mt] += [pfn, half]
    return half


def lost_block(s):
    line(s)[2].pop()


def wrong_order(s):
    found = next(each for order, _, each in lines(s) if order == 3)
    pfn = found.pop()
    zone(s)["free_area"][4]["free_list"][0].append(pfn & ~15)
    return pfn & ~15


def isolate_list(s):
    _, _, found = next(lines(s))
    zone(s)["free_area"][0]["free_list"][4].append(found.pop())


def pageset(s, **facts):
    zone(s)["pageset"][0].update(facts)


def waiting(s):
    return zone(s)["pageset"][0]["lists"]


def pageset_twice(s):
    found = waiting(s)[1]
    found.append(found[0])
    return found[0]


def pageset_free(s):
    pfn = line(s)[2][0] + 1
    waiting(s)[0].append(pfn)
    return pfn


def pageset_foreign(s):
    pfn = line(s, at=0)[2][0]
    waiting(s)[0].append(pfn)
    return pfn


def field(at, name, change):
    """Return a corruption of one number of a zone."""

    def corrupt(s):
        zone(s, at)[name] = change(zone(s, at)[name])

    return corrupt


def top(name, change):
    """Return a corruption of one number of the image."""

    def corrupt(s):
        s[name] += change

    return corrupt


def cell(wanted, column, new):
    """Return a corruption of one column of a run of frames."""

    def corrupt(s):
        each = run(s, wanted)
        each[column] = new(each[column])
        return each[0]

    return corrupt


def marks(s):
    zone(s)["watermark"][0] = zone(s)["watermark"][2] + 1


def moved_head(s):
    each = run(s, lambda r: r[HEAD] >= 0 and r[HEAD] != r[0])
    each[HEAD] -= 1
    return each[HEAD]


def slab_is_free(s):
    s["slab_pages"][5]["pfn"] = next(lines(s))[2][0]
    return next(lines(s))[2][0]


def lru_is_free(s):
    pfn = next(lines(s))[2][0]
    next(iter(s["nodes"][0]["lru"].values())).append(pfn)
    return pfn


def lru_twice(s):
    pfn = run(s, is_held)[0]
    next(iter(s["nodes"][0]["lru"].values())).extend([pfn, pfn])


def slab_twice(s):
    s["slab_pages"].append(s["slab_pages"][0])


def unmarked_slab(s):
    pfn = s["slab_pages"][0]["pfn"]
    each = run(s, lambda r: r[0] <= pfn < r[0] + r[1])
    with_flag(each, 1 << s["pageflags"]["PG_slab"])
    return pfn


def number(s, name, change):
    zone(s)["vm_stat"][name] += change


# The corruption, which may return a frame to be named; the rules that must complain.
CORRUPTIONS = {
    "a-frame-on-two-lists": (two_lists, "BUD-DISJOINT"),
    "nr_free": (lambda s: zone(s)["free_area"][3].update(nr_free=1), "BUD-NRFREE"),
    "NR_FREE_PAGES": (lambda s: number(s, "NR_FREE_PAGES", 1), "BUD-NRFREE"),
    "vm_stat_diff": (
        lambda s: zone(s)["pageset"][0]["vm_stat_diff"].__setitem__(0, 9),
        "BUD-NRFREE",
    ),
    "managed": (field(1, "managed_pages", lambda n: n - 1), "BUD-CONSERVE"),
    "managed-is-zero-sum": (
        field(1, "managed_pages", lambda n: n + 1),
        "PAGE-RESERVED",
    ),
    "present": (field(1, "present_pages", lambda n: 1), "ZONE-SPAN"),
    "spanned-more": (field(1, "spanned_pages", lambda n: n + 4096), "PAGE-TYPE"),
    "spanned-less": (field(1, "spanned_pages", lambda n: n - 1), "ZONE-SPAN"),
    "zone-start": (field(1, "zone_start_pfn", lambda n: n - 512), "BUD-ZONE"),
    "zones-overlap": (field(0, "spanned_pages", lambda n: n + 1), "ZONE-SPAN"),
    "misaligned": (misaligned, "BUD-ALIGN"),
    "unmerged": (unmerged, "BUD-COALESCE"),
    "a-block-lost": (lost_block, "BUD-CONSERVE"),
    "wrong-order": (wrong_order, "BUD-DISJOINT BUD-CONSERVE"),
    "type-isolate": (lambda s: block_type(s, 4), "BUD-MT"),
    "type-highatomic": (lambda s: block_type(s, 3) and None, "HA-ACCT"),
    "type-unknown": (lambda s: block_type(s, 7), "PAGE-TYPE"),
    "another-types-list": (lambda s: moved(s, 2), "PAGE-LIST"),
    "the-isolate-list": (isolate_list, "BUD-NRFREE BUD-MT"),
    "nr_reserved_highatomic": (
        field(1, "nr_reserved_highatomic", lambda n: 512),
        "HA-ACCT",
    ),
    "pageset-count": (lambda s: pageset(s, count=3), "PCP-COUNT"),
    "pageset-twice": (pageset_twice, "BUD-DISJOINT"),
    "pageset-free": (pageset_free, "BUD-DISJOINT"),
    "pageset-foreign": (pageset_foreign, "BUD-ZONE"),
    "pageset-high": (lambda s: pageset(s, high=2), "PCP-LIMIT"),
    "pageset-batch": (lambda s: pageset(s, batch=200), "PCP-LIMIT"),
    "totalram": (top("totalram_pages", 1), "ZONE-TOTAL"),
    "max_pfn": (top("max_pfn", -100), "ZONE-SPAN"),
    "watermarks": (marks, "ZONE-SPAN"),
    "boost": (field(1, "watermark_boost", lambda n: 100_000), "WM-SANE"),
    "PageBuddy-cleared": (cell(is_free, KIND, lambda n: -1), "PAGE-BUDDY"),
    "PageBuddy-set": (
        cell(lambda r: is_held(r) and r[0] < 1 << 15, KIND, lambda n: BUDDY),
        "PAGE-BUDDY",
    ),
    "refcount": (cell(is_free, REFS, lambda n: 1), "BUD-CLEAN"),
    "free-and-reserved": (
        lambda s: with_flag(run(s, is_free), RESERVED),
        "BUD-CLEAN",
    ),
    "held-and-reserved": (
        lambda s: with_flag(run(s, is_held), RESERVED) and None,
        "PAGE-RESERVED",
    ),
    "zone-bits": (lambda s: with_flag(run(s, is_free), 1 << 51), "PAGE-LINKS"),
    "a-lost-page": (cell(is_held, REFS, lambda n: 0), "PAGE-LOST"),
    "a-missing-run": (
        lambda s: s["pages"]["runs"].pop(100)[0] and None,
        "PAGE-MAP PAGE-BUDDY",
    ),
    "a-shorter-run": (
        cell(lambda r: r[1] > 100 and r[0] > 4096, 1, lambda n: n - 1),
        "PAGE-MAP",
    ),
    "a-missing-section": (lambda s: s["sections"].pop() and None, "PAGE-MAP"),
    "compound-head": (moved_head, "PAGE-COMPOUND"),
    "slab-is-free": (slab_is_free, "PAGE-OWNER"),
    "slab-twice": (slab_twice, "PAGE-OWNER"),
    "slab-unmarked": (unmarked_slab, "PAGE-SLAB"),
    "lru-is-free": (lru_is_free, "PAGE-OWNER"),
    "lru-twice": (lru_twice, "PAGE-OWNER"),
}
LATER_ROWS = {"a-shorter-run": 1}  # the complaint names the frame behind the run


@pytest.fixture
def written(tmp_path):
    """Return a function that writes an image as a file."""

    def write(value):
        path = tmp_path / "state-x.json"
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        return path

    return write


# ------------------------------------------------------------------ real images


@pytest.mark.parametrize("name", ["t0", "t1"])
def test_a_committed_image_holds(name):
    found = judge_image(PAGES / f"state-{name}.json.xz")
    assert found.verdict is Verdict.BOUNDED, found.failure
    assert found.extra["violated"] == []
    assert found.extra["checked"] > 20


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", ["te", "t0", "t1"])
def test_a_real_image_holds(machine, name):
    path = SHARED / machine / f"state-{name}.json.xz"
    if not path.exists():
        pytest.skip(f"{path} is not here; MMORACLE_SHARED names where it is")
    found = judge_image(path)
    assert found.verdict is Verdict.BOUNDED, found.failure


def test_an_image_says_what_its_zones_hold():
    dma, dma32 = judge_image(PAGES / "state-t1.json.xz").extra["holds"]
    assert (dma["name"], dma32["name"]) == ("DMA", "DMA32")
    assert (dma32["managed"], dma32["free"], dma32["waiting"]) == (48777, 26474, 77)
    assert dma32["held"] == 48777 - 26474 - 77


# ------------------------------------------------------------------ corrupt images


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_changed_field_is_found(name, written):
    corrupt, rules = CORRUPTIONS[name]
    s = deepcopy(loaded("t1"))
    frame = corrupt(s)
    path = written(s)
    found = judge_image(path)
    assert found.verdict is Verdict.VIOLATED
    whys = {each["rule"]: each["complaints"] for each in found.extra["violated"]}
    told = [why for rule in rules.split() for why in whys.get(rule, ())]
    assert set(rules.split()) <= whys.keys(), whys
    if frame is not None:
        frame += LATER_ROWS.get(name, 0) and run_end(s, frame) - frame
        assert any(str(frame) in why for why in told), (frame, told)
    assert found.failure.why.startswith(f"{path}: ")


def run_end(s, pfn):
    return next(r[0] + r[1] for r in s["pages"]["runs"] if r[0] == pfn)


def test_the_corruptions_break_most_rules():
    """What no corruption breaks would not be known to work."""
    broken = {rule for _, rules in CORRUPTIONS.values() for rule in rules.split()}
    assert len(CORRUPTIONS) > 30
    assert len(broken) > 17


def test_a_frame_that_belongs_to_two_rules_is_told_by_both(written):
    s = deepcopy(loaded("t1"))
    zone(s)["free_area"][3]["nr_free"] += 1
    s["totalram_pages"] += 1
    found = dict(complaints(read_image(written(s))))
    assert list(found) == ["BUD-NRFREE", "ZONE-TOTAL"]


# ------------------------------------------------------------------ bad input


def without(*way):
    """Return a function that takes a member out."""

    def change(s):
        for step in way[:-1]:
            s = s[step]
        del s[way[-1]]

    return change


def put(value, *way):
    """Return a function that puts something else in."""

    def change(s):
        for step in way[:-1]:
            s = s[step]
        s[way[-1]] = value

    return change


ZONE = ("nodes", 0, "zones", 1)
BAD = {
    "nodes is missing": without("nodes"),
    "nodes[0].zones is missing": without("nodes", 0, "zones"),
    "nodes[0].zones[1].free_area is missing": without(*ZONE, "free_area"),
    "nodes[0].zones[1].name is not a text": put(3, *ZONE, "name"),
    "kernel is not a text": put(None, "kernel"),
    "nodes is not a list": put({}, "nodes"),
    "nodes[0] is not an object": put([[]], "nodes"),
    "max_pfn is -1, a number": put(-1, "max_pfn"),
    "max_pfn is not a whole number": put("65495", "max_pfn"),
    "totalram_pages is not a whole number": put(1.5, "totalram_pages"),
    "page_size is not a whole number": put(True, "page_size"),
    "nodes[0].zones[1].managed_pages is -7": put(-7, *ZONE, "managed_pages"),
    "nodes[0].zones[1].spanned_pages is": put(1 << 70, *ZONE, "spanned_pages"),
    "nodes[0].zones[1].zone_start_pfn is": put(1 << 40, *ZONE, "zone_start_pfn"),
    "nodes[0].zones[1].free_area[0].free_list has 2 lists": put(
        [[], []], *ZONE, "free_area", 0, "free_list"
    ),
    "nodes[0].zones[1].free_area[0].free_list[0][1] is not": put(
        [7, "8"], *ZONE, "free_area", 0, "free_list", 0
    ),
    "nodes[0].zones[1].pageset[0].lists has 0 lists": put(
        [], *ZONE, "pageset", 0, "lists"
    ),
    "nodes[0].zones[1].watermark is not [min": put([1], *ZONE, "watermark"),
    "nodes has zones with different numbers of pagesets": put([], *ZONE, "pageset"),
    "nodes has no zone with pages": put([], "nodes"),
    "pages.columns has no run_length": put(["pfn"], "pages", "columns"),
    "pages.runs[7] has 1 of 8 columns": put([1], "pages", "runs", 7),
    "pages.runs[0][2] is not a hexadecimal word": put("x", "pages", "runs", 0, 2),
    "pages.runs[5] is empty, or begins before": put(0, "pages", "runs", 5, 0),
    "sections[0].pageblock_flags[0] is 99": put([99], "sections", 0, "pageblock_flags"),
    "section_pages is 0": put(0, "section_pages"),
    "pageflags is not an object": put([], "pageflags"),
    "trace_entries is not a list": put(7, "trace_entries"),
}


@pytest.mark.parametrize("why", BAD)
def test_an_image_that_lacks_something_is_refused(why, written):
    s = deepcopy(loaded("t0"))
    BAD[why](s)
    path = written(s)
    with pytest.raises(BadText) as no:
        judge_image(path)
    assert str(no.value).startswith(f"{path}: {why}")
    assert "\n" not in str(no.value)


def test_absurd_sizes_are_refused_before_memory_is_used(written):
    s = deepcopy(loaded("t0"))
    s["pages"]["runs"] = [[0, 1 << 35, "0x0", -1, 1, 0, -1, "-"]]
    with pytest.raises(BadText, match="beyond the first"):
        judge_image(written(s))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "it is not JSON"),
        ("7", "the file is not an object"),
        ("[]", "the file is not an object"),
        ("{}", "nodes is missing"),
        ("[" * 100_000, "nested too deeply"),
        ("", "the file is empty"),
    ],
)
def test_what_is_no_image_is_refused(text, why, written, capsys):
    path = str(written(text))
    assert cli.run(["state", path]) == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"mmoracle: {path}")
    assert why in err
    assert cli.run(["state", path, "--json"]) == 4
    answer = json.loads(capsys.readouterr().out)
    assert (answer["verdict"], answer["exit"]) == ("nothing-checked", 4)
    assert why in answer["error"]


def test_a_truncated_image_is_refused(tmp_path, capsys):
    path = tmp_path / "state-t0.json.xz"
    path.write_bytes((PAGES / "state-t0.json.xz").read_bytes()[:9000])
    assert cli.run(["state", str(path)]) == 4
    assert "cut short" in capsys.readouterr().err


# ------------------------------------------------------------------ the command


def test_the_command_says_what_holds(capsys):
    assert cli.run(["state", str(PAGES / "state-t1.json.xz")]) == 0
    out = capsys.readouterr().out
    assert out.startswith("holds-to-bound: ")
    assert "zone DMA32" in out
    assert "48,777 frames" in out


def test_the_command_says_what_is_broken(written, capsys):
    s = deepcopy(loaded("t1"))
    s["totalram_pages"] += 1
    path = str(written(s))
    assert cli.run(["state", path]) == 1
    out = capsys.readouterr().out
    assert "ZONE-TOTAL: totalram_pages is the sum" in out
    assert out.splitlines()[-1] == f"reproduce: mmoracle state {path}"
    assert cli.run(["state", path, "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["verdict"] == "violated"
    assert answer["first_bad"]["rule"] == answer["failure"]["rule"] == "ZONE-TOTAL"
    assert [each["rule"] for each in answer["violated"]] == ["ZONE-TOTAL"]
