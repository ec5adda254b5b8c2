"""What is read beside a trace, and the `trace` command on traces.

/proc/zoneinfo, snapshots of /proc, page pointers, values in JSON, and the options that
go with each kind of record.
"""

import json
import lzma
import os
import shutil
from pathlib import Path

import pytest

from mmoracle.checkers import cli
from mmoracle.checkers.kernel.ftrace import page_events
from mmoracle.checkers.kernel.json_path import At
from mmoracle.checkers.kernel.kmem_pointers import Pointers
from mmoracle.checkers.kernel.snapshots import mark, window
from mmoracle.checkers.kernel.text import BadText
from mmoracle.checkers.kernel.zoneinfo import read_zoneinfo

DATA = Path(__file__).parent / "data"
PAGES = DATA / "pages" / "x86_64-5.10-256M"
TRACE, START = PAGES / "trace.txt.xz", PAGES / "state-t0.json.xz"
DMESG = DATA / "traces" / "x86_64-5.10-256M" / "dmesg.txt.xz"
SHARED = Path(
    os.environ.get("MMORACLE_SHARED", Path(__file__).parents[2] / "shared")
).joinpath("traces")
BASE, OTHER = 0xFFFFEA0000000000, 0xFFFFC00000000000


@pytest.fixture
def shell(capsys):
    """Return a function that runs a command: exit code, output, complaint."""

    def run(*args):
        code = cli.run([str(each) for each in args])
        return (code, *capsys.readouterr())

    return run


# ------------------------------------------------------------------ zoneinfo

ZONEINFO = """\
Node 0, zone      DMA
  per-node stats
      nr_inactive_anon 0
  pages free     3960
        spanned  4095
        present  3998
        managed  3977
  pagesets
    cpu: 0
              count: 0
  start_pfn:           1
Node 0, zone   Normal
  pages free     0
        spanned  0
        present  0
Node 1, zone    DMA32
        spanned  10
  start_pfn:           4096
"""


def test_zones_with_frames_are_read(tmp_path):
    path = tmp_path / "zoneinfo"
    path.write_text(ZONEINFO)
    one, other = read_zoneinfo(path)
    assert (one.node, one.name, one.frames) == (0, "DMA", range(1, 4096))
    assert (other.node, other.name, other.frames) == (1, "DMA32", range(4096, 4106))


@pytest.mark.parametrize("text", ["hello\n", "Node 0, zone DMA\n", "spanned 7\n"])
def test_what_is_no_zoneinfo_is_refused(text, tmp_path):
    path = tmp_path / "zoneinfo"
    path.write_text(text)
    with pytest.raises(BadText, match="no /proc/zoneinfo: no zone has frames"):
        read_zoneinfo(path)


def test_real_zones_are_read():
    path = SHARED / "x86_64-5.10-256M" / "proc" / "s0" / "zoneinfo"
    if not path.exists():
        pytest.skip(f"{path} is not here; MMORACLE_SHARED names where it is")
    assert [(z.name, z.start, z.spanned) for z in read_zoneinfo(path)] == [
        ("DMA", 1, 4095),
        ("DMA32", 4096, 61399),
    ]


# ------------------------------------------------------------------ snapshots

TYPES = """\
Page block order: 9
Pages per block:  512

Free pages count per migrate type at order       0      1
Node    0, zone      DMA, type    Unmovable      4 >100000
Node    0, zone      DMA, type      Isolate      0      0

Number of blocks type     Unmovable      Isolate
Node 0, zone      DMA            1            0
"""


class Lists:
    """States that a window is shown one by one."""

    def __init__(self, counts, cells):
        self.counts, self.cells = counts, cells

    def nr_free(self, node, zone):
        return self.counts.get((node, zone))

    def of_type(self, node, zone, kind, order):
        return self.cells.get((node, zone, kind, order))


@pytest.fixture
def snapshot(tmp_path):
    folder = tmp_path / "s0"
    folder.mkdir()
    (folder / "buddyinfo").write_text("Node 0, zone DMA 4 7\nNode 1, zone DMA 0 0\n")
    (folder / "pagetypeinfo").write_text(TYPES)
    return tmp_path


def test_a_mark_begins_or_ends_a_snapshot():
    assert mark("MARK snap s0 begin") == ("s0", True)
    assert mark(" MARK snap s12 end\n") == ("s12", False)
    assert mark("MARK snap s0 begins") is None
    assert mark("MARK load begin") is None


def test_each_line_must_be_passed_through(snapshot):
    """A zone's line and each number of a type are read at moments of their own."""
    found = window(snapshot, "s0", 7)
    assert (found.begun, found.seen) == (7, 6)
    dma, cell = (0, "DMA"), (0, "DMA", "Unmovable")
    found.look(Lists({dma: [4, 6, 1]}, {(*cell, 0): 3, (*cell, 1): 99_999}))
    assert found.left() == "buddyinfo: node 0 zone DMA shows [4, 7]"
    found.look(Lists({dma: [4, 7, 1]}, {(*cell, 0): 3}))
    where = "node 0 zone DMA type Unmovable order 0"
    assert found.left() == f"pagetypeinfo: {where} shows 4"
    found.look(Lists({}, {(*cell, 0): 4, (*cell, 1): 100_001}))
    assert "type Isolate order 0 shows 0" in found.left()
    isolate = (0, "DMA", "Isolate")
    found.look(Lists({}, {(*isolate, 0): 0, (*isolate, 1): 0}))
    assert found.left() == ""


def test_a_zone_without_free_blocks_may_be_missing(snapshot):
    """A zone whose pages are all reserved is in /proc, and in no image."""
    found = window(snapshot, "s0", 7)
    found.look(Lists({}, {}))
    assert list(found.rows) == [(0, "DMA")]


def test_a_snapshot_that_is_not_there_is_none(snapshot):
    assert window(snapshot, "s1", 7) is None
    (snapshot / "s1").mkdir()
    assert window(snapshot, "s1", 7) is None


# ------------------------------------------------------------------ pointers


def watched(tmp_path, pages, **known):
    """Return what the pointers of a trace say; `pages` are (pfn, address)."""
    path = tmp_path / "trace.txt"
    head = "            init-1       [002] d...     2.260458: mm_page_free: "
    path.write_text("".join(f"{head}page={a:x} pfn={p} order=0\n" for p, a in pages))
    pointers = Pointers(**known)
    for batch in page_events(path):
        pointers.watch(batch)
    return pointers.contradiction()


def real(pfns, base=BASE):
    return [(pfn, base + 64 * pfn) for pfn in pfns]


def test_pointers_that_agree_say_nothing(tmp_path):
    assert watched(tmp_path, real(range(100))) is None
    assert watched(tmp_path, real(range(100)), base=BASE) is None


@pytest.mark.parametrize("at", [0, 1, 50, 99])
@pytest.mark.parametrize("known", [{}, {"base": BASE}])
def test_one_changed_frame_number_is_found(at, known, tmp_path):
    pages = real(range(100))
    pages[at] = (7777, pages[at][1])
    event, frame = watched(tmp_path, pages, **known)
    assert (event[6], event[1], frame) == (at, 7777, at)


@pytest.mark.parametrize("many", [20, 40, 500])
def test_hashed_pointers_never_alarm(many, tmp_path):
    """A hashed address is no place, and the same at each entry of its frame."""
    pages = [(p, (p + 3) * 0x9E3779B1 & 0xFFFFFFFF) for p in range(many)]
    assert watched(tmp_path, pages) is None
    assert watched(tmp_path, [pages[7]] * 900 + pages + [pages[9]] * 50) is None


def test_a_map_of_pieces_does_not_alarm(tmp_path):
    """SPARSEMEM without vmemmap has a map for each section."""
    near, far = real(range(100)), real(range(1 << 15, (1 << 15) + 100), OTHER)
    assert watched(tmp_path, near + far) is None
    mixed = [each for pair in zip(near, far, strict=True) for each in pair]
    assert watched(tmp_path, mixed) is None


# ------------------------------------------------------------------ JSON


def test_a_value_is_found_by_its_way():
    top = At("f", {"a": [{"b": 7, "w": "0x1F"}, 8], "t": "x"})
    first, second = top["a"]
    assert first["b"].number() == 7
    assert first["w"].word() == 31
    assert second.place == "a[1]"
    assert top["t"].text() == "x"
    assert top.has("t") and not top.has("u") and not second.has("b")  # noqa: PT018
    assert At("f", [1, 2]).numbers(1, 3) == (1, 2)


@pytest.mark.parametrize(
    ("ask", "why"),
    [
        (lambda t: t["c"], "c is missing"),
        (lambda t: t["a"][0], "a is not an object"),
        (lambda t: list(t["b"]), "b is not a list"),
        (lambda t: t["b"]["d"]["e"], "b.d.e is missing"),
        (lambda t: t["a"].numbers(), "a[1] is not a whole number"),
        (lambda t: t["n"].number(), "n is -3, a number from 0 to"),
        (lambda t: t["y"].number(), "y is not a whole number"),
        (lambda t: t["n"].text(), "n is not a text"),
        (lambda t: t["w"].word(), "w is not a hexadecimal word"),
        (lambda t: t["m"].number(), "m is 18446744073709551616, a number from"),
        (lambda t: At("f", 7)["x"], "the file is not an object"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(ask, why):
    value = {"a": [1, "2"], "b": {"d": {}}, "n": -3, "y": True, "w": "0x", "m": 1 << 64}
    with pytest.raises(BadText) as no:
        ask(At("f", value))
    assert str(no.value).startswith(f"f: {why}")


# ------------------------------------------------------------------ options


@pytest.mark.parametrize(
    ("args", "why"),
    [
        ((TRACE, "--to", START), "--to needs --from"),
        ((TRACE, "--memblock", DATA), "--memblock means nothing for a trace"),
        ((DMESG, "--from", START), "--from means nothing for a kernel log"),
        ((DMESG, "--proc", DATA), "--proc means nothing for a kernel log"),
        ((TRACE, "--nothing"), "No such option"),
        ((), "Missing argument"),
    ],
)
def test_options_that_mean_nothing_are_refused(args, why, shell):
    code, out, err = shell("trace", *args)
    assert (code, out) == (2, "")
    assert why in err
    code, out, _ = shell("trace", *args, "--json")
    assert code == json.loads(out)["exit"] == 2


def test_a_file_that_is_not_there_is_bad_input(shell):
    code, out, err = shell("trace", "/nothing/here")
    assert (code, out) == (4, "")
    assert "/nothing/here: it cannot be read" in err
    assert shell("trace", TRACE, "--from", "/nothing/here")[0] == 4


def test_an_image_that_is_none_is_bad_input(shell, tmp_path):
    bad = tmp_path / "state-x.json"
    bad.write_text('{"nodes": 7}')
    code, out, _ = shell("trace", TRACE, "--from", bad, "--json")
    assert (code, json.loads(out)["exit"]) == (4, 4)
    assert "nodes is not a list" in json.loads(out)["error"]


# ------------------------------------------------------------------ the command


def test_the_command_says_what_a_trace_shows(shell):
    code, out, err = shell("trace", TRACE)
    assert (code, err) == (0, "")
    assert out.startswith("holds-to-bound: ")
    assert "blocks rightly" in out
    code, out, _ = shell("trace", TRACE, "--from", START, "--alone")
    assert code == 0
    assert "frames      1,094 of 1,094 as predicted" in out
    assert "internal    595 of 595 as predicted" in out


def test_the_answer_is_one_object(shell):
    code, out, err = shell("trace", TRACE, "--from", START, "--alone", "--json")
    found = json.loads(out)
    assert (code, err, out.count("\n")) == (0, "", 1)
    assert (found["verdict"], found["fidelity"]) == ("holds-to-bound", "exact")
    assert found["predicted"] == {"asked": 1094, "exact": 1094}
    assert found["internal"] == {"seen": 595, "exact": 595}
    assert found["first_bad"] is found["failure"] is None


def test_a_wrong_trace_can_be_judged_again(shell, tmp_path):
    path = tmp_path / "trace.txt"
    with lzma.open(TRACE, "rt") as file:
        lines = file.read().splitlines()
    head = sum(line.startswith("#") for line in lines)
    at = next(i for i, x in enumerate(lines) if i > 6000 and " mm_page_alloc:" in x)
    lines[at] = lines[at].replace(" order=0", " order=1")
    path.write_text("\n".join(lines) + "\n")
    code, out, _ = shell("trace", path, "--from", START, "--alone")
    assert code == 1
    assert f"entry {at - head}" in out
    again = f"reproduce: mmoracle trace {path} --from {START} --alone"
    assert out.splitlines()[-1] == again
    code, out, _ = shell("trace", path, "--from", START, "--alone", "--json")
    found = json.loads(out)
    assert (code, found["verdict"]) == (1, "violated")
    assert found["first_bad"]["entry"] == at - head
    assert found["failure"]["rule"] == found["first_bad"]["rule"]
    assert found["failure"]["sentence"]


def test_what_lies_beside_is_told(shell):
    code, out, _ = shell("trace", TRACE, "--from", START)
    assert code == 3
    assert f"beside      the later image {PAGES / 'state-t1.json.xz'}" in out


def test_alone_reads_nothing_beside(shell, tmp_path):
    """What lies beside is unreadable here, and would be bad input."""
    shutil.copyfile(TRACE, tmp_path / "trace.txt.xz")
    shutil.copyfile(START, tmp_path / "state-t0.json.xz")
    (tmp_path / "proc" / "s0").mkdir(parents=True)
    (tmp_path / "proc" / "s0" / "zoneinfo").write_text("nonsense\n")
    trace, start = tmp_path / "trace.txt.xz", tmp_path / "state-t0.json.xz"
    assert shell("trace", trace)[0] == 4
    assert shell("trace", trace, "--alone")[0] == 0
    assert shell("trace", trace, "--from", start)[0] == 0
    shutil.copyfile(PAGES / "state-t1.json.xz", tmp_path / "state-t1.json.xz")
    assert shell("trace", trace, "--from", start)[0] == 3
    assert shell("trace", trace, "--from", start, "--alone")[0] == 0
