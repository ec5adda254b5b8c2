"""/proc/buddyinfo and /proc/pagetypeinfo: what they say, what is wrong with one."""

import os
from pathlib import Path

import pytest

from mmoracle.checkers.kernel.procfs import (
    BlocksRow,
    BuddyRow,
    FreeRow,
    read_buddyinfo,
    read_pagetypeinfo,
)
from mmoracle.checkers.kernel.text import BadText

DATA = Path(__file__).parent / "data" / "ftrace"
BUDDY = DATA / "x86_64-5.10-256M.buddyinfo"
TYPES = DATA / "arm64-5.10-512M.pagetypeinfo"
SHARED = Path(os.environ.get("MMORACLE_SHARED", Path(__file__).parents[2] / "shared"))


def test_buddyinfo_counts_blocks():
    assert read_buddyinfo(BUDDY) == (
        BuddyRow(0, "DMA", (1, 0, 0, 1, 2, 0, 1, 0, 1, 1, 3)),
        BuddyRow(0, "DMA32", (110, 109, 86, 75, 63, 46, 39, 28, 19, 7, 8)),
    )


def test_pagetypeinfo_counts_blocks_by_type():
    types = read_pagetypeinfo(TYPES)
    assert (types.pageblock_order, types.pages_per_block) == (9, 512)
    names = ["Unmovable", "Movable", "Reclaimable", "HighAtomic", "CMA", "Isolate"]
    assert [row.type for row in types.free] == names
    counts = (4, 3, 3, 3, 5, 2, 3, 1, 3, 4, 71)
    assert types.free[1] == FreeRow(0, "DMA", "Movable", counts, (False,) * 11)
    blocks = dict(zip(names, (38, 178, 8, 0, 32, 0), strict=True))
    assert types.blocks == (BlocksRow(0, "DMA", blocks),)
    assert types.mixed == ()


def test_a_count_may_be_a_lower_bound(tmp_path):
    path = tmp_path / "pagetypeinfo"
    path.write_text(TYPES.read_text().replace("Movable      4 ", "Movable >100000 "))
    row = read_pagetypeinfo(path).free[1]
    assert (row.counts[0], row.counts[1]) == (100_000, 3)
    assert row.at_least == (True, *[False] * 10)


def test_mixed_blocks_are_kept_apart(tmp_path):
    path = tmp_path / "pagetypeinfo"
    mixed = "\nNumber of mixed blocks    Unmovable      Movable\nNode 0, zone DMA 3 4\n"
    path.write_text(TYPES.read_text() + mixed)
    types = read_pagetypeinfo(path)
    assert types.mixed == (BlocksRow(0, "DMA", {"Unmovable": 3, "Movable": 4}),)
    assert len(types.blocks) == 1


@pytest.mark.parametrize(
    ("old", "new", "line", "why"),
    [
        ("zone      DMA", "zone", 1, "not a row of buddyinfo"),
        ("Node 0, zone    DMA32    110", "Node 0, zone    DMA32", 2, "10 counts stand"),
        ("110", "11x", 2, "not a row of buddyinfo"),
        ("110", "-1", 2, "not a row of buddyinfo"),
    ],
)
def test_a_bad_row_of_buddyinfo_is_named(old, new, line, why, tmp_path):
    path = tmp_path / "buddyinfo"
    path.write_text(BUDDY.read_text().replace(old, new))
    with pytest.raises(BadText, match=why) as caught:
        read_buddyinfo(path)
    assert caught.value.line == line


@pytest.mark.parametrize(
    ("old", "new", "line", "why"),
    [
        ("order: 9", "order: x", 1, "'Page block order: N' should stand here"),
        ("block:  512", "block:  500", 2, "a block of order 9 has not 500 pages"),
        ("Free pages", "Fee pages", 4, "'Free pages count per migrate type'"),
        ("Movable      4 ", "Movable ", 6, "10 counts stand where 11 should"),
        ("Movable      4 ", "Movable  >x ", 6, "not a row"),
        ("type          CMA", "CMA", 9, "not a row"),
        ("Number of", "Numb", 12, "'Number of blocks type' should stand here"),
        ("          178", "", 13, "5 counts stand where 6 should"),
        ("          178", "          xyz", 13, "not a row"),
    ],
)
def test_a_bad_line_of_pagetypeinfo_is_named(old, new, line, why, tmp_path):
    path = tmp_path / "pagetypeinfo"
    text = TYPES.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(BadText, match=why) as caught:
        read_pagetypeinfo(path)
    assert caught.value.line == line


@pytest.mark.parametrize("lines", [1, 2, 3, 4, 10])
def test_a_pagetypeinfo_that_breaks_off_says_where(lines, tmp_path):
    path = tmp_path / "pagetypeinfo"
    path.write_text("".join(TYPES.read_text().splitlines(keepends=True)[:lines]))
    with pytest.raises(BadText, match="it breaks off before"):
        read_pagetypeinfo(path)


def test_blank_files_are_refused(tmp_path):
    path = tmp_path / "blank"
    path.write_text("\n \n")
    with pytest.raises(BadText, match="it has no row"):
        read_buddyinfo(path)
    with pytest.raises(BadText, match="it breaks off before"):
        read_pagetypeinfo(path)


def test_both_files_of_a_real_kernel_count_alike():
    places = sorted(SHARED.glob("traces/*/proc/s?"))
    if not places:
        pytest.skip(f"{SHARED}/traces is not here; MMORACLE_SHARED names where it is")
    for place in places:
        rows = read_buddyinfo(place / "buddyinfo")
        types = read_pagetypeinfo(place / "pagetypeinfo")
        zones = [(row.node, row.zone) for row in rows]
        assert zones == list(dict.fromkeys((row.node, row.zone) for row in types.free))
        assert zones == [(row.node, row.zone) for row in types.blocks]
        assert {len(row.counts) for row in (*rows, *types.free)} == {11}
