"""Sections in memory images: real ones decode, one changed bit is found and named.

The memory of each real image is booted by all four memory models, which must say the
same of every frame as the kernel's own descriptors do.
"""

import json
import lzma
import os
from copy import deepcopy
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from mmoracle.checkers.kernel.image import read_image
from mmoracle.checkers.kernel.image_judge import judge_image
from mmoracle.checkers.kernel.image_sections import gaps, words_are_what_is_told
from mmoracle.checkers.kernel.text import BadText
from mmoracle.checkers.verdict import Verdict
from mmoracle.spec.memmodel import words
from mmoracle.spec.memmodel.agree import booted, seen
from mmoracle.spec.memmodel.layout import page_zonenum
from mmoracle.spec.memmodel.lookup import page_to_nid
from mmoracle.spec.memmodel.state import MODELS, Bank, MemMap, layout

PAGES = Path(__file__).parent / "data" / "pages" / "x86_64-5.10-256M"
SHARED = Path(
    os.environ.get("MMORACLE_SHARED", Path(__file__).parents[2] / "shared")
).joinpath("traces")
REAL = [
    *((PAGES, name) for name in ("t0", "t1")),
    *(
        (SHARED / f"x86_64-5.10-256M{tail}", name)
        for tail in ("", "-pressure")
        for name in ("te", "t0", "t1")
    ),
]
VALID = 65536  # frames of two sections of 128 MiB


@cache
def loaded():
    """Return a committed image as plain data; not to be changed."""
    with lzma.open(PAGES / "state-t0.json.xz") as file:
        return json.load(file)


@pytest.fixture
def changed(tmp_path):
    """Return a function that judges the image after a change."""

    def judge(change):
        s = deepcopy(loaded())
        change(s)
        path = tmp_path / "state-x.json"
        path.write_text(json.dumps(s))
        found = judge_image(path)
        return found, {x["rule"]: x["complaints"] for x in found.extra["violated"]}

    return judge


def path_of(machine, name):
    path = machine / f"state-{name}.json.xz"
    if not path.exists():
        pytest.skip(f"{path} is not here; MMORACLE_SHARED names where it is")
    return path


# ------------------------------------------------------------------ real images


@pytest.mark.parametrize(("machine", "name"), REAL, ids=lambda x: getattr(x, "name", x))
def test_sections_of_a_real_image_hold_and_are_counted(machine, name):
    found = judge_image(path_of(machine, name))
    assert found.verdict is Verdict.BOUNDED, found.failure
    assert found.extra["sections"] == 2
    assert found.extra["valid pfns"] == VALID
    assert ("memory map", "2 sections, 65,536 valid pfns") in found.extra["told"]


def test_a_real_section_word_is_the_base_of_all_descriptors_and_four_marks():
    """0xffffea000000000f: present, has a map, online, early; the map of frame 0."""
    image = read_image(PAGES / "state-t0.json.xz")
    for each in image.map.sections:
        assert words.map_of(each.word) == image.vmemmap == 0xFFFF_EA00_0000_0000
        assert each.word & 15 == each.flags == 15
        first = words.decode_mem_map(each.word, each.nr, 15, 64, 64)
        assert first == image.vmemmap + each.nr * (1 << 15) * 64
    assert image.map.ram == ((1, 159), (256, 65495))
    assert (0xFFFF_EA00_0000_0000, 0xFFFF_EA00_0040_0000) in image.map.mapped


@cache
def models(ram):
    """Return every frame of memory as each model sees it."""
    cfg = replace(read_image(PAGES / "state-t0.json.xz").map.cfg, huge=True)
    banks = tuple(Bank(0, start, end) for start, end in ram)
    found = {}
    for model in MODELS:
        one = replace(cfg, model=model)
        s = booted(one, banks)
        found[model] = {
            pfn: seen(one, s, pfn) for start, end in ram for pfn in range(start, end)
        }
    return found


@pytest.mark.parametrize(("machine", "name"), REAL, ids=lambda x: getattr(x, "name", x))
def test_all_four_models_say_of_every_frame_what_the_kernel_says(machine, name):
    """FLATMEM, DISCONTIGMEM, SPARSEMEM and VMEMMAP over the memory of the image."""
    m = read_image(path_of(machine, name)).map
    lay, kernel = layout(m.cfg), {}
    for run in m.links:
        told = page_zonenum(lay, run.flags), page_to_nid(m.cfg, MemMap(), run.flags)
        kernel |= dict.fromkeys(range(run.pfn, run.end), told)
    found = models(m.ram)
    assert found.keys() == set(MODELS)
    for model, frames in found.items():
        assert len(frames) == 65397, model  # node_present_pages
        for pfn, one in frames.items():
            assert (one.pfn, one.zone, one.nid) == (pfn, *kernel[pfn]), (model, pfn)


# ------------------------------------------------------------------ changed images


@pytest.mark.parametrize(("nr", "bit"), [(0, 0), (0, 3), (1, 1), (1, 30), (0, 63)])
def test_a_changed_bit_of_a_section_word_is_found_and_named(changed, nr, bit):
    def change(s):
        word = int(s["sections"][nr]["section_mem_map"], 16) ^ (1 << bit)
        s["sections"][nr]["section_mem_map"] = hex(word)

    found, whys = changed(change)
    assert found.verdict is Verdict.VIOLATED
    assert any(f"section {nr}" in why for why in whys["MM-ENCODE"]), whys


@pytest.mark.parametrize("nr", [0, 1])
def test_every_bit_of_a_section_word_counts(nr):
    m = read_image(PAGES / "state-t0.json.xz").map
    for bit in range(64):
        each = m.sections[nr]
        wrong = each._replace(word=each.word ^ (1 << bit))
        sections = tuple(wrong if x is each else x for x in m.sections)
        whys = list(words_are_what_is_told(replace(m, sections=sections)))
        assert any(f"section {nr}" in why for why in whys), bit


@pytest.mark.parametrize("bit", [0, 1, 31, 63])
def test_a_changed_part_of_a_section_is_found(changed, bit):
    def change(s):
        word = int(s["sections"][1]["subsection_map"], 16) ^ (1 << bit)
        s["sections"][1]["subsection_map"] = hex(word)

    _, whys = changed(change)
    assert "sections[1]: section 1:" in whys["MM-BOOT"][0]


def put(value, *way):
    """Return a change that puts something in."""

    def change(s):
        for step in way[:-1]:
            s = s[step]
        s[way[-1]] = value

    return change


def run_of(s, pfn):
    return next(r for r in s["pages"]["runs"] if r[0] <= pfn < r[0] + r[1])


def flip(pfn, bit):
    """Return a change of one bit of page->flags."""

    def change(s):
        run = run_of(s, pfn)
        run[2] = hex(int(run[2], 16) ^ (1 << bit))

    return change


CHANGES = {
    "flags-beside": (put(11, "sections", 0, "flags"), "MM-ENCODE", "flags 15, not 11"),
    "told-twice": (put(0, "sections", 1, "nr"), "MM-ENCODE", "told twice"),
    "another-base": (
        put("0xffffea0000000040", "vmemmap_base"),
        "MM-ENCODE",
        "not the virtual one",
    ),
    "another-base-moves": (
        put("0xffffea0000000040", "vmemmap_base"),
        "MM-BIJECTION",
        "frame 0 has",
    ),
    "zone-bit": (flip(30000, 51), "MM-INIT", "names zone 0, node 0, not zone 1"),
    "node-bit": (flip(30000, 54), "MM-INIT", "names zone 1, node 1, not zone 1"),
    "hole-zone-bit": (flip(65500, 51), "MM-BOOT", "page 65490 has other links"),
    "no-descriptors": (
        lambda s: s["pages"]["runs"].pop(),
        "MM-VALID",
        "[65490, 65536) are valid",
    ),
    "not-mapped": (
        lambda s: next(
            x for x in s["init_mm_page_table"] if x[0] == "0xffffea0000000000"
        ).__setitem__(3, 1),
        "MM-VALID",
        "[0xffffea0000200000, 0xffffea0000400000) are not mapped",
    ),
    "memory-elsewhere": (
        lambda s: s["iomem"][-1].update(end="0x1ffd6fff"),
        "MM-VALID",
        "frame 131030 is memory, and not valid",
    ),
    "less-memory": (
        lambda s: s["iomem"][-1].update(end="0x7ffffff"),
        "MM-BOOT",
        "1 sections are due, 2 are told",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_found_by_its_rule(changed, name):
    change, rule, part = CHANGES[name]
    _, whys = changed(change)
    assert any(part in why for why in whys[rule]), whys


def test_a_part_of_a_section_that_was_added_is_valid_by_itself(changed):
    """A word without the mark of boot: frames are valid where parts are marked."""

    def change(s):
        one = s["sections"][1]
        one.update(section_mem_map="0xffffea0000000007", flags=7)
        one["subsection_map"] = "0x3"

    found, whys = changed(change)
    assert found.extra["valid pfns"] == (1 << 15) + 2 * 512
    assert any("not marked as one of boot" not in w for w in whys["MM-BOOT"])
    assert any("frame 65494 is memory, and not valid" in w for w in whys["MM-VALID"])


# ------------------------------------------------------------------ less is there


@pytest.mark.parametrize("key", ["iomem", "init_mm_page_table", "vmemmap_base"])
def test_what_an_image_does_not_say_is_not_asked(changed, key):
    found, whys = changed(lambda s: s.pop(key))
    assert found.verdict is Verdict.BOUNDED, whys


def test_another_kernels_sections_are_counted_only(changed):
    found, whys = changed(put("6.12.0-riscv64", "kernel"))
    assert not {rule for rule in whys if rule.startswith("MM-")} - {"MM-ENCODE"}
    assert found.extra["sections"] == 2


def test_sections_may_have_no_words(changed):
    def change(s):
        for each in s["sections"]:
            del each["section_mem_map"]

    found, whys = changed(change)
    assert found.extra["sections"] == 0
    assert whys == {}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (put(5, "sections", 0, "section_mem_map"), "is not a hexadecimal word"),
        (put(16, "sections", 0, "flags"), "sections[0].flags is 16"),
        (put([1], "init_mm_page_table", 0), "is not [address, level, entry, run]"),
        (put("x", "iomem", 0, "start"), "iomem[0]"),
    ],
)
def test_what_does_not_parse_is_named(changed, change, why):
    if why == "iomem[0]":
        change = put("x", "iomem", 1, "start")
        why = "iomem[1].start is not a hexadecimal word"
    with pytest.raises(BadText) as no:
        changed(change)
    assert why in str(no.value)


def test_too_many_sections_are_not_read(changed):
    one = {"nr": 0, "section_mem_map": "0x0", "flags": 0, "pageblock_flags": [1]}
    with pytest.raises(BadText, match="has more than 16384 sections"):
        changed(put([one] * 16385, "sections"))


def test_gaps_are_what_no_part_covers():
    parts = [(0, 2), (4, 6), (5, 7), (9, 30)]
    assert list(gaps(range(1, 12), parts)) == [(2, 4), (7, 9)]
    assert list(gaps(range(40), parts)) == [(2, 4), (7, 9), (30, 40)]
    assert list(gaps(range(3), [])) == [(0, 3)]
