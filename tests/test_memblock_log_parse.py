"""Real kernel logs, and what may happen to one, as the memblock parser sees them."""

import gzip
import json
import lzma
import random
import re
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from mmoracle.checkers.kernel.memblock_log import (
    Doubled,
    NotDoubled,
    Range,
    Request,
    Row,
    Table,
    Torn,
    Width,
    message_of,
    read_debugfs,
    read_log,
    read_state,
    word_width,
)
from mmoracle.checkers.kernel.text import BadText, read_json, read_lines

TRACES = Path(__file__).parent / "data" / "traces"
LOGS = {
    "arm64-5.10-512M": (334, 1),
    "riscv64-6.12-512M": (95, 1),
    "x86_64-5.10-256M": (114, 2),
    "x86_64-5.10-256M-pressure": (114, 2),
    "x86_64-5.10-256M-smp2": (115, 2),
}
BOOT = "[    0.000000] Linux version 5.10.0 (gcc)"
RESERVE = "memblock_reserve: [0x0000000000001000-0x0000000000001fff] f+0x1/0x2"
REQUEST = (
    "memblock_alloc_try_nid: 832 bytes align=0x40 nid=-1 from=0x0000000000000000"
    " max_addr=0x0000000000000000 setup_arch+0x138/0x64e"
)
TABLE = """\
MEMBLOCK configuration:
 memory size = 0x0000000000002000 reserved size = 0x0000000000000010
 memory.cnt  = 0x2
 memory[0x0]\t[0x0000000000001000-0x0000000000001fff], 0x0000000000001000 bytes flags: 0x0
 memory[0x1]\t[0x0000000000003000-0x0000000000003fff], 0x0000000000001000 bytes on node 1 flags: 0x4
 reserved.cnt  = 0x1
 reserved[0x0]\t[0x0000000000001000-0x000000000000100f], 0x0000000000000010 bytes flags: 0x0
""".splitlines()  # noqa: E501


def log(name):
    return list(read_lines(TRACES / name / "dmesg.txt.xz"))


def entries(*lines):
    """The entries of a log that begins at the boot, without the width."""
    found = list(read_log([BOOT, *lines]))
    return [entry for entry in found if not isinstance(entry, Width)]


def one(*lines):
    (entry,) = entries(*lines)
    return entry


def is_torn(*lines):
    found = entries(*lines)
    return any(isinstance(entry, Torn) for entry in found)


@pytest.mark.parametrize(("name", "calls", "tables"), [(n, *LOGS[n]) for n in LOGS])
def test_every_memblock_line_of_a_real_log_is_an_entry(name, calls, tables):
    lines = log(name)
    wanted = [n for n, text in enumerate(lines, 1) if re.search(r"\] memblock_", text)]
    found = list(read_log(lines))
    assert [e.line for e in found if isinstance(e, Range | Request)] == wanted
    assert len(wanted) == calls
    assert sum(isinstance(entry, Table) for entry in found) == tables
    assert sum(isinstance(entry, Width) for entry in found) == 1
    assert len(found) == calls + tables + 1
    assert word_width(lines) == 64


@pytest.mark.parametrize("name", LOGS)
def test_the_entries_of_a_real_log_print_back_to_its_lines(name):
    lines = [message_of(text) for text in log(name)]
    for entry in read_log(lines):
        text = lines[entry.line - 1]
        if isinstance(entry, Range):
            end = (entry.base + entry.size - 1) % 2**64
            span = f"[{entry.base:#018x}-{end:#018x}]"
            assert text == f"{entry.function}: {span} {entry.caller}"
        if isinstance(entry, Request):
            nid = "" if entry.kind == "phys" else f" nid={entry.nid}"
            assert text == (
                f"{entry.function}: {entry.size} bytes align={entry.align:#x}{nid}"
                f" from={entry.min_addr:#018x} max_addr={entry.max_addr:#018x}"
                f" {entry.caller}"
            )


def test_a_size_past_the_top_of_the_address_space_is_a_word():
    width, first, second, *_ = read_log(log("arm64-5.10-512M"))
    assert width == Width(7, 64)
    assert (first.line, first.base, first.size) == (7, 1 << 48, 2**64 - 1)
    assert (second.line, second.base, second.size) == (8, 1 << 47 | 1 << 30, 2**64 - 1)


def test_the_second_table_of_x86_64_has_nodes():
    first, second = (
        entry for entry in read_log(log("x86_64-5.10-256M")) if isinstance(entry, Table)
    )
    assert (first.line, first.memory_size, len(first.reserved)) == (37, 0xFF75C00, 3)
    assert first.memory[0] == Row(40, 0x1000, 0x9E000, None, 0, 0x9E000)
    assert second.memory[0] == Row(87, 0x1000, 0x9E000, 0, 0, 0x9E000)
    assert [row.nid for row in second.reserved] == [0, 0, 0, None, 0, None]


def test_ranges_of_all_kernels_have_one_form():
    span = "[0x0000000000001000-0x0000000000001fff]"
    for function, what in {
        "memblock_add": "add",
        "memblock_reserve": "reserve",
        "memblock_free": "free",
        "memblock_phys_free": "free",
        "memblock_remove": "remove",
        "memblock_physmem_add": "physmem_add",
        "__memblock_free_late": "free_late",
        "memblock_free_late": "free_late",
    }.items():
        entry = one(f"{function}: {span} f+0x1/0x2")
        assert entry == Range(2, what, 0x1000, 0x1000, "f+0x1/0x2", function)
    for extra, nid, flags in (
        (" nid=1", 1, None),
        (" nid=1024 flags=20", 1024, 0x20),
        (" nid=0 flags: 0x0", 0, 0),
        (" flags 0x4", None, 4),
    ):
        entry = one(f"__memblock_reserve: {span}{extra} f.part.0+0x1/0x2 [module]")
        assert (entry.what, entry.nid, entry.flags) == ("reserve", nid, flags)


def test_an_empty_range_has_size_0():
    empty = "memblock_free: [0x0000000000001000-0x0000000000000fff] 0xffffffff81000000"
    assert one(empty).size == 0
    assert one("memblock_add: [0x00000000-0xffffffff] f+0x1/0x2").size == 0


def test_requests_of_all_kernels_have_one_form():
    assert one(REQUEST) == Request(
        *(2, "memblock_alloc_try_nid", 832, 64, -1, 0, 0),
        *("setup_arch+0x138/0x64e", False, "zeroed"),
    )
    raw = one(REQUEST.replace("try_nid", "exact_nid_raw"))
    assert (raw.exact, raw.kind) == (True, "raw")
    phys = REQUEST.replace("_alloc_try_nid", "_phys_alloc_range").replace(" nid=-1", "")
    assert (one(phys).nid, one(phys).kind) == (-1, "phys")


def test_a_log_with_short_addresses_is_of_a_32_bit_kernel():
    short = "memblock_remove: [0x80000000-0x7ffffffe] f+0x1/0x2"
    assert word_width([BOOT, short]) == 32
    assert one(short).size == 2**32 - 1
    assert word_width([BOOT]) == 64
    assert is_torn(short, RESERVE)
    assert is_torn(RESERVE, short)
    assert is_torn("memblock_remove: [0x80000000-0x0000000080000fff] f+0x1/0x2")


@pytest.mark.parametrize(
    "line",
    [
        "[    0.000000] {}",
        "<6>[    0.000000] {}",
        "[    0.000000][    T0] {}\r\n",
        "[    0.000000] [    T0] {}   ",
        "Nov 22 10:00:00 host kernel: {}",
        "Nov 22 10:00:00 host kernel: [    0.000000] {}",
        "2024-11-22T10:00:00.000000+01:00 host kernel: [    0.000000] {}",
        "2024-11-22T10:00:00.1234567Z [    0.000000] {}",
        "kern  :info  : [    0.000000] {}",
        "6,339,5140900,-;{}",
        "[Fri Nov 22 10:00:00 2024] {}",
        "\x1b[32m[    0.000000] \x1b[0m\x1b[33m{}\x1b[0m",
        "\0\0[    0.000000] {}\0",
        "{}",
    ],
)
def test_marks_around_a_message_are_ignored(line):
    assert entries(line.format(RESERVE)) == entries(RESERVE)
    assert entries(line.format(REQUEST)) == entries(REQUEST)
    assert entries(*map(line.format, TABLE)) == entries(*TABLE)
    assert not is_torn(*map(line.format, TABLE))


def test_the_message_of_a_doubled_array_may_have_another_one_glued_to_it():
    text = "memblock: reserved is doubled to 256 at [0x{:016x}-0x{:016x}]"
    text = text.format(0x1000, 0x27FF)
    doubled = Doubled(2, "reserved", 256, 0x1000, 0x27FF)
    assert entries(text) == [doubled]
    assert entries(text + RESERVE) == [doubled, *entries(RESERVE)]
    assert entries(f"{text}[    0.000000] {RESERVE}") == [doubled, *entries(RESERVE)]
    assert entries(text + "Zone ranges:") == [doubled]
    assert is_torn(text + RESERVE[:30])
    assert len(entries(text * 50)) == 50
    failed = "memblock: Failed to double reserved array from 128 to 256 entries !"
    assert entries(failed) == [NotDoubled(2, "reserved", 128)]


def test_a_table_is_whole_or_torn():
    table = one(*TABLE, "Zone ranges:")
    assert table.memory[1] == Row(6, 0x3000, 0x1000, 1, 4, 0x1000)
    assert (table.memory_size, table.reserved_size) == (0x2000, 0x10)
    for lost in range(len(TABLE)):
        rest = TABLE[:lost] + TABLE[lost + 1 :]
        (torn,) = entries(*rest)
        assert isinstance(torn, Torn)
        torn, call = entries(*rest, RESERVE)
        assert isinstance(torn, Torn)
        assert isinstance(call, Range)
        assert is_torn(*TABLE[: lost + 1], *TABLE[lost:])
    for lost, swapped in pairwise(range(len(TABLE))):
        rest = [*TABLE]
        rest[lost], rest[swapped] = rest[swapped], rest[lost]
        assert is_torn(*rest)
    for old, new in (("0x1]", "0x2]"),):
        assert is_torn(*(text.replace(old, new) for text in TABLE))


def test_a_table_may_have_physical_memory_too():
    physmem = [text.strip().replace("reserved", "physmem") for text in TABLE[-2:]]
    table = one(*TABLE, *physmem)
    assert [row.size for row in table.physmem] == [0x10]
    assert is_torn(*TABLE, physmem[0])
    assert is_torn(*TABLE, *physmem, TABLE[2])


@pytest.mark.parametrize(
    "text",
    [
        "memblock_reserve: [0x0000000000001000-0x0000000000001fff]",
        "memblock_reserve: [0x000000000001000-0x0000000000001fff] f+0x1/0x2",
        "memblock_reserve: [0x0000000000001000-0x0000000000001fff] f+0x1/0x2 memblock_",
        "memblock_unheard_of: [0x0000000000001000-0x0000000000001fff] f+0x1/0x2",
        "memblock_res[    0.000000] Booting",
        "Booting Limemblock_reserve: [0x0000000000001000-0x0000000000001fff] f+0x1/0x2",
        "00001000-0x0000000000001fff] f+0x1/0x2",
        "_try_nid: 832 bytes align=0x40 nid=-1 from=0x0000000000000000",
        "memb",
        "MEMBLOCK conf",
        "** 12 printk messages dropped **",
        "systemd-journald[1]: Missed 3 kernel messages",
        " reserved[0x0]\t[0x0000000000001000-0x000000000000100f], 0x00",
        "memblock_reserve: [0x0000000000001000" + "0" * 9000,
    ],
)
def test_text_that_is_not_a_whole_message_is_torn(text):
    assert isinstance(one(text), Torn)


@pytest.mark.parametrize(
    "text",
    [
        "Kernel command line: console=ttyS0 memblock=debug",
        "memblock=debug nokaslr",
        " memblock_alloc_range_nid+0xb4/0x126",
        "Memory: 123K/456K available (1K reserved)",
        "OF: reserved mem: initialized node pool",
        "BIOS-e820: [mem 0x0000000000000000-0x000000000009fbff] usable",
        "panic: sparse_init: Failed to allocate 4096 bytes align=0x40",
        "",
    ],
)
def test_other_lines_are_skipped(text):
    assert entries(text) == []


def test_a_log_without_its_beginning_says_so_once():
    torn, width, *calls = read_log([RESERVE, RESERVE])
    assert isinstance(torn, Torn)
    assert "after the boot" in torn.why
    assert width == Width(1, 64)
    assert [call.line for call in calls] == [1, 2]


def test_a_second_boot_is_reported():
    kinds = [type(entry) for entry in entries(RESERVE, BOOT, RESERVE)]
    assert kinds == [Range, Torn, Range]


@pytest.mark.parametrize("name", LOGS)
def test_a_cut_line_never_becomes_another_call(name):
    rng = random.Random(name)
    lines = log(name)
    whole = {e.line: e for e in read_log(lines) if isinstance(e, Range | Request)}
    for line, entry in whole.items():
        text = lines[line - 1].rstrip("\n")
        begin, end = text.index("memblock_"), text.rindex(entry.caller)
        for _ in range(20):
            cut = rng.randrange(len(text))
            assert all_from([entry], entries(text[:cut]))
            assert all_from([], entries(text[cut:])) or cut <= begin
            cut = rng.randrange(begin + 9, end)
            assert isinstance(one(text[:cut]), Torn)
            other = rng.choice(list(whole.values()))
            assert is_torn(text[:cut] + lines[other.line - 1])


def all_from(calls, found):
    """Each entry is torn or, but for its place and a cut caller, one of the calls."""
    known = [replace(call, line=2, caller="") for call in calls]
    rest = [entry for entry in found if not isinstance(entry, Torn)]
    return all(replace(entry, caller="") in known for entry in rest)


def test_noise_never_crashes():
    rng = random.Random(1)
    lines = [*log("riscv64-6.12-512M")[:120], *TABLE]
    for _ in range(2000):
        text = rng.choice(lines)
        place = rng.randrange(len(text) + 1)
        junk = "".join(chr(rng.choice((0, 27, 32, 48, 91, 93, 255))) for _ in range(3))
        list(read_log([*TABLE[:4], text[:place] + junk + text[place:]]))


def test_the_time_is_linear_in_the_text():
    hostile = ["memblock_" * 900, "[" * 8000, "kernel: " * 1000, "memory[0x" * 800]
    start = time.process_time()
    list(read_log(hostile * 20))
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    ("name", "count", "nid", "flags"),
    [("arm64-5.10-512M", 21, None, None), ("riscv64-6.12-512M", 21, 0, 0)],
)
def test_debugfs_of_two_kernels(name, count, nid, flags):
    files = TRACES / name / "memblock"
    (memory,) = read_debugfs(read_lines(files / "memory"))
    reserved = read_debugfs(read_lines(files / "reserved"))
    assert memory.size == 512 << 20
    assert len(reserved) == count
    assert {(row.nid, row.flags) for row in reserved} == {(nid, flags)}
    assert all(a.base + a.size <= b.base for a, b in pairwise(reserved))


def test_debugfs_flags_are_names():
    form = "   0: 0x0000000000000000..0x0000000000000fff {}"
    for text, nid, flags in (
        ("   x NOMAP", None, 4),
        ("   1 HOTPLUG|DRV_MNG", 1, 9),
        ("   0 RSV_NIT", 0, 16),
        ("   0 UNKNOWN", 0, None),
    ):
        assert read_debugfs([form.format(text)]) == (Row(1, 0, 4096, nid, flags),)


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (["   0: 0x00000000..0x0"], "f:1: no region 'N: 0x..0x..' in"),
        (["   1: 0x00000000..0x00000fff"], "f:1: region 1 stands where 0 should"),
        (["0: 0x00000000..0x00000fff 0 ODD"], "f:1: the flag 'ODD' is not known"),
        (["0: 0x00000000..0x0000000000000fff"], "f:1: an address has not 8 digits"),
    ],
)
def test_bad_debugfs_is_one_sentence(lines, why):
    with pytest.raises(BadText, match=re.escape(why)):
        read_debugfs(lines, "f")


@pytest.mark.parametrize("name", ["x86_64-5.10-256M", "x86_64-5.10-256M-pressure"])
def test_the_state_of_an_image(name):
    state = read_state(TRACES / name / "state-te.json.xz")
    assert (len(state.memory), len(state.reserved)) == (2, 40)
    assert state.memory[0] == Row(0, 0x1000, 0x9E000, 0, 0)
    assert state.reserved[3].nid is None
    assert state.reserved_size == sum(row.size for row in state.reserved)
    assert (state.bottom_up, state.current_limit) == (False, 0xFFD7000)


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ((), [], "the image is not an object"),
        (("memblock",), None, "memblock is not an object"),
        (("memblock", "bottom_up"), 1, "memblock.bottom_up is neither true nor false"),
        (("memblock", "memory", "cnt"), 3, "memblock.memory.cnt is 3, but there are 2"),
        (
            ("memblock", "memory", "regions"),
            {},
            "memblock.memory.regions is not a list",
        ),
        (("memblock", "memory", "regions", 1), [], "memblock.memory.regions[1] is not"),
        (("memblock", "memory", "regions", 1, 0), "4k", "regions[1][0], the base,"),
        (("memblock", "memory", "regions", 1, 2), True, "regions[1][2], the flags,"),
        (("memblock", "reserved", "total_size"), 5, "memblock.reserved.total_size is"),
    ],
)
def test_a_bad_image_is_one_sentence(tmp_path, path, value, why):
    image = read_json(TRACES / "x86_64-5.10-256M" / "state-te.json.xz")
    root = {"image": image}
    *steps, last = ("image", *path)
    place = root
    for step in steps:
        place = place[step]
    place[last] = value
    file = tmp_path / "image.json"
    file.write_text(json.dumps(root["image"]))
    with pytest.raises(BadText, match=re.escape(why)):
        read_state(file)


def test_an_image_without_memblock_is_one_sentence(tmp_path):
    file = tmp_path / "t0.json"
    file.write_text("{}")
    with pytest.raises(BadText, match="the image has no key 'memblock'"):
        read_state(file)


def test_text_is_read_packed_or_not(tmp_path):
    text = "one\ntwo \u00e4\n"
    for name, pack in (("p", bytes), ("g", gzip.compress), ("x", lzma.compress)):
        (tmp_path / name).write_bytes(pack(text.encode()))
        assert list(read_lines(tmp_path / name)) == ["one\n", "two \u00e4\n"]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", ": the file is empty"),
        (b"\x7fELF\x02\x01\x01" + b"\0" * 99, ": it is not a text file"),
        (bytes(range(256)) * 9, ": it is not a text file"),
        ("text\n".encode("utf-16"), ": it is UTF-16 text; only UTF-8 is read"),
        (b"\x28\xb5\x2f\xfd....", ": it is compressed with zstd"),
        (b"BZh91AY", ": it is compressed with bzip2"),
        (b"a\n" + b"b" * (1 << 20) + b"\n", ":2: the line is longer than"),
        (lzma.compress(b"a line\n" * 9)[:-20], "the compressed file is cut short"),
        (gzip.compress(b"a line\n" * 9)[:-9], "the compressed file is cut short"),
        (gzip.compress(b"a line\n")[:-8] + b"\1" * 8, "the compressed file is damaged"),
        (b"\xfd7zXZ\0" + b"\1" * 99, ": the compressed file is damaged"),
        (lzma.compress(b""), ": the file is empty"),
    ],
    ids=range(12),
)
def test_a_file_that_is_no_text_is_one_sentence(tmp_path, data, why):
    file = tmp_path / "log"
    file.write_bytes(data)
    with pytest.raises(BadText) as caught:
        list(read_lines(file))
    assert str(caught.value).startswith(str(file))
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path):
    for path in (tmp_path, tmp_path / "none", f"{tmp_path}/\0"):
        with pytest.raises(BadText, match="it cannot be read: "):
            list(read_lines(path))


def test_a_file_that_is_not_json_is_one_sentence(tmp_path):
    file = tmp_path / "image.json"
    for text, why in (
        ('{"a":\n1,}', "image.json:2: it is not JSON: "),
        ("[" * 100_000, "nested too deeply"),
        ("1" * 5000, "a number is too long"),
    ):
        file.write_text(text)
        with pytest.raises(BadText, match=re.escape(why)):
            read_json(file)


def test_a_row_keeps_the_bytes_that_were_printed_beside_its_range():
    table = one(*(text.replace("1fff", "2fff") for text in TABLE))
    assert isinstance(table, Table)
    row = table.memory[0]
    assert (row.size, row.printed) == (0x2000, 0x1000)


def test_a_count_that_is_wrong_is_kept_where_the_bytes_say_that_all_rows_are_there():
    table = one(*(text.replace("cnt  = 0x2", "cnt  = 0x1") for text in TABLE))
    assert isinstance(table, Table)
    assert (len(table.memory), table.counts[0][1]) == (2, 1)
