"""Kernel traces: what a line says, what is wrong with one, and that fast is plain."""

import gzip
import lzma
import os
import tempfile
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmoracle.checkers.kernel.ftrace import (
    ALLOC,
    BATCHED,
    DRAIN,
    EXTFRAG,
    FREE,
    LOCKED,
    LOST,
    MARK,
    CutTrace,
    page_events,
    parse_line,
    plain_events,
)
from mmoracle.checkers.kernel.text import (
    LONGEST_LINE,
    BadText,
    read_chunks,
    read_lines,
)

SAMPLES = sorted((Path(__file__).parent / "data" / "ftrace").glob("*.txt.*"))
SHARED = Path(
    os.environ.get("MMORACLE_SHARED", Path(__file__).parents[2] / "shared")
).joinpath("traces")
MACHINES = (
    "arm64-5.10-512M",
    "riscv64-6.12-512M",
    "x86_64-5.10-256M",
    "x86_64-5.10-256M-pressure",
    "x86_64-5.10-256M-smp2",
)
HEAD = "            init-1       [002] d...     2.260458: "
PAGE = "page=ffffea00001db4c0 pfn=30419"
ALLOCATION = (
    f"mm_page_alloc: {PAGE} order=3 migratetype=1 gfp_flags=GFP_KERNEL|__GFP_ZERO"
)
FREEING = f"mm_page_free: {PAGE} order=0"


def events_of(path, read):
    """Return the events of a trace, and the complaint that ended it, if any."""
    found = []
    try:
        for event in read(path):
            found.append(event)
    except BadText as error:
        return found, (type(error), error.line, error.why)
    return found, None


def fast_events(path):
    for batch in page_events(path):
        yield from batch


def both(path):
    fast, plain = events_of(path, fast_events), events_of(path, plain_events)
    assert fast == plain
    return fast


@pytest.fixture
def told(tmp_path):
    """Return a function from the text of a trace to its events and the complaint."""

    def events(*lines, end="\n"):
        path = tmp_path / "trace.txt"
        path.write_bytes(
            b"\n".join(x.encode() if isinstance(x, str) else x for x in lines)
            + end.encode()
        )
        return both(path)

    return events


def only(outcome):
    events, complaint = outcome
    assert complaint is None
    assert len(events) == 1
    return events[0]


# ------------------------------------------------------------------ one line


def test_a_line_is_taken_apart():
    entry = parse_line(HEAD + ALLOCATION)
    assert (entry.task, entry.pid, entry.cpu) == ("init", 1, 2)
    assert (entry.flags, entry.time, entry.event) == (
        "d...",
        "2.260458",
        "mm_page_alloc",
    )
    assert entry.fields == {
        "page": "ffffea00001db4c0",
        "pfn": "30419",
        "order": "3",
        "migratetype": "1",
        "gfp_flags": "GFP_KERNEL|__GFP_ZERO",
    }


@pytest.mark.parametrize("comm", ["a b", "x-1 [000] d", ": kfree: ", "([-1])", "né"])
def test_a_comm_may_hold_anything(comm):
    padded = comm.encode().rjust(16).decode()
    entry = parse_line(f"{padded}-4194304 [012] d..1.    64: kfree: ptr=1")
    assert entry.task == comm.lstrip()
    assert (entry.pid, entry.cpu, entry.flags) == (4194304, 12, "d..1.")
    assert (entry.time, entry.event, entry.fields) == ("64", "kfree", {"ptr": "1"})


@pytest.mark.parametrize("tgid", ["(-----) ", "(-------) ", "(   12) ", "( 123456) "])
def test_a_column_of_thread_groups_is_passed_over(tgid, told):
    line = HEAD.replace("[", tgid + "[") + FREEING
    assert parse_line(line).cpu == 2
    assert only(told(line))[:3] == (FREE, 30419, 0)


def test_flags_and_the_event_may_not_be_printed():
    entry = parse_line("            init-1       [002]     2.260458: schedule <-worker")
    assert (entry.flags, entry.time, entry.event) == ("", "2.260458", "")
    assert entry.text == "schedule <-worker"


@pytest.mark.parametrize(
    "text", ["", "init-1 [000] d... 1.0: a: b=1", HEAD[:40], "x" * 99]
)
def test_a_line_without_the_columns_is_refused(text):
    with pytest.raises(ValueError, match="not a line of a trace"):
        parse_line(text)


# ------------------------------------------------------------------ page events


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (ALLOCATION, (ALLOC, 30419, 3, 1, b"GFP_KERNEL|__GFP_ZERO")),
        (FREEING, (FREE, 30419, 0, -1, None)),
        (f"mm_page_free_batched: {PAGE} order=0", (BATCHED, 30419, 0, -1, None)),
        (f"mm_page_free_batched: {PAGE} cold=0", (BATCHED, 30419, 0, -1, None)),
        (
            f"mm_page_alloc_zone_locked: {PAGE} order=1 migratetype=0 percpu_refill=1",
            (LOCKED, 30419, 1, 0, 1),
        ),
        (
            f"mm_page_alloc_zone_locked: {PAGE} order=1 migratetype=0",
            (LOCKED, 30419, 1, 0, 0),
        ),
        (
            f"mm_page_pcpu_drain: {PAGE} order=0 migratetype=2",
            (DRAIN, 30419, 0, 2, None),
        ),
        (
            f"mm_page_alloc_extfrag: {PAGE} alloc_order=5 fallback_order=10"
            " pageblock_order=9 alloc_migratetype=0 fallback_migratetype=1"
            " fragmenting=0 change_ownership=1",
            (EXTFRAG, 30419, -1, -1, (5, 10, 9, 0, 1, 1)),
        ),
        (
            "tracing_mark_write: MARK mm_page_free: pfn=x",
            (MARK, -1, -1, -1, "MARK mm_page_free: pfn=x"),
        ),
        (
            "mm_page_free: page=00000000da3a76cb pfn=0x86c4d order=2",
            (FREE, 0x86C4D, 2, -1, None),
        ),
    ],
)
def test_an_event_has_its_numbers(text, wanted, told):
    line = HEAD + text
    assert only(told(line)) == (*wanted, 2, 0, line.encode())


@pytest.mark.parametrize(
    "page",
    ["(null) pfn=0", "          (null) pfn=0", f"{0:016} pfn=0", f"{0:08} pfn=0x0"],
)
def test_a_failed_allocation_has_no_page(page, told):
    text = f"mm_page_alloc: page={page} order=9 migratetype=1 gfp_flags=0x1"
    assert only(told(HEAD + text))[:5] == (ALLOC, -1, 9, 1, b"0x1")


def test_page_frame_0_is_a_page(told):
    assert only(told(HEAD + FREEING.replace("30419", "0")))[1] == 0


def test_entries_are_counted_whatever_their_event(told):
    lines = [
        "# tracer: nop",
        HEAD + "kfree: call_site=f+0x1/0x2 ptr=0",
        "",
        HEAD + "mm_page_alloc_unheard_of: pfn=abc",
        "##### CPU 1 buffer started ####",
        HEAD + "rss_stat: mm_id=1 ) = ( pfn=x",
        "#" + HEAD[1:] + FREEING,
        HEAD + FREEING,
        HEAD + FREEING,
    ]
    events, complaint = told(*lines)
    assert [event[6] for event in events] == [3, 4]
    assert complaint is None


def test_lost_entries_are_told(told):
    lines = [
        "# entries-in-buffer/entries-written: 5/12   #P:1",
        HEAD + FREEING,
        "CPU:3 [LOST 123 EVENTS]",
        "CPU:0 [LOST EVENTS]",
        HEAD + FREEING,
    ]
    events, _ = told(*lines)
    lost = [event for event in events if event[0] == LOST]
    assert [(x[4], x[5], x[6]) for x in lost] == [(7, -1, 0), (123, 3, 1), (0, 0, 1)]
    assert [x[7].decode() for x in lost] == [lines[0], lines[2], lines[3]]
    assert [x[6] for x in events if x[0] == FREE] == [0, 1]


def test_a_whole_buffer_lost_nothing(told):
    assert told("# entries-in-buffer/entries-written: 5/5   #P:1") == ([], None)


def test_lines_may_end_as_they_do_elsewhere(told):
    line = HEAD + FREEING
    events, _ = told(line + "\r", line + "\r", end="")
    assert [event[6:] for event in events] == [(0, line.encode()), (1, line.encode())]


# ------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (FREEING.replace("30419", "abc"), "the pfn of a page event is no number: 'a"),
        (FREEING.replace("30419", "0x"), "the pfn of a page event is no number: '0x'"),
        (FREEING.replace("30419", "3_0"), "the pfn of a page event is no number: '3_"),
        (FREEING.replace("30419", "9" * 99), "the pfn of a page event is no number: "),
        (FREEING.replace(" order=0", ""), "a page event has no order"),
        (FREEING.replace("order=0", "order=-1"), "the order of a page event is no"),
        (ALLOCATION.replace("migratetype=1", ""), "a page event has no migratetype"),
        (ALLOCATION.partition(" gfp")[0], "a page event has no gfp_flags"),
        ("mm_page_alloc_extfrag: " + PAGE, "a page event has no alloc_order"),
        ("mm_page_free:", "a page event has no pfn"),
    ],
)  # fmt: skip
def test_a_page_event_that_lacks_something_is_named(text, why, told):
    good = [HEAD + FREEING, HEAD + ALLOCATION]
    events, (_, line, said) = told("# tracer: nop", *good, HEAD + text, *good)
    assert len(events) == 2
    assert line == 4
    assert said.startswith(why)


def test_a_line_that_is_no_entry_is_named(told):
    events, complaint = told(HEAD + FREEING, "Hello, world", HEAD + FREEING)
    assert len(events) == 1
    assert complaint[1] == 2
    assert complaint[2].startswith("not a line of a trace")


@pytest.mark.parametrize("kept", [20, 51, 62, 70, 89, 94])
def test_a_cut_last_line_is_told_apart(kept, told):
    events, (kind, line, why) = told(HEAD + FREEING, (HEAD + FREEING)[:kept], end="")
    assert len(events) == 1
    assert (kind, line) == (CutTrace, 2)
    assert why.startswith("the last line is cut: ")


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
def test_a_packed_trace_may_be_cut(pack, tmp_path):
    path = tmp_path / "trace"
    packed = pack((HEAD + FREEING + "\n").encode() * 20_000)
    path.write_bytes(packed)
    assert sum(map(len, page_events(path))) == 20_000
    path.write_bytes(packed[:-30])
    with pytest.raises(BadText, match="cut short"):
        list(page_events(path))


@pytest.mark.parametrize(
    ("content", "why"), [(b"", "empty"), (bytes(range(256)) * 9, "not a text")]
)
def test_what_is_no_text_is_refused(content, why, tmp_path):
    path = tmp_path / "trace"
    path.write_bytes(content)
    with pytest.raises(BadText, match=why):
        list(page_events(path))


@pytest.mark.parametrize("before", [0, 1, 20_000])
def test_a_huge_line_is_refused(before, tmp_path):
    path = tmp_path / "trace"
    line = (HEAD + FREEING + "\n").encode()
    path.write_bytes(line * before + HEAD.encode() + b"x" * LONGEST_LINE + b"\n")
    with pytest.raises(BadText, match="longer than") as caught:
        list(page_events(path))
    assert caught.value.line == before + 1


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BadText, match="cannot be read"):
        list(page_events(tmp_path / "nothing"))


def test_chunks_hold_the_lines_of_a_file(tmp_path):
    path = tmp_path / "text"
    lines = [f"{i} " + "x" * (i % 977) + "\n" for i in range(6_000)]
    path.write_text("\ufeff" + "".join(lines) + "end")
    chunks = list(read_chunks(path))
    assert len(chunks) > 2
    assert all(chunk.text.endswith(b"\n") for chunk in chunks[:-1])
    assert b"".join(chunk.text for chunk in chunks).decode() == "".join(
        read_lines(path)
    )
    assert chunks[-1].done == chunks[-1].of == path.stat().st_size


def test_progress_ends_at_the_whole(tmp_path):
    path, tallies = tmp_path / "trace", []
    path.write_text((HEAD + FREEING + "\n") * 30_000)
    list(page_events(path, progress=tallies.append))
    size = path.stat().st_size
    assert tallies[-1] == {"entries": 30_000, "bytes": size, "of": size}


def test_a_cut_line_may_look_like_one_that_is_known(told):
    line = HEAD + "kmem_cache_alloc_node: ptr=0"
    cut = line[: len(HEAD) + len("kmem_cache_alloc")]
    events, (kind, number, why) = told(line, HEAD + FREEING, line, cut, end="")
    assert len(events) == 1
    assert (kind, number) == (CutTrace, 4)
    assert why == "the last line is cut: it has no event"


# ------------------------------------------------------------------ fast is plain


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_fast_is_plain_on_a_sample(path):
    events, complaint = both(path)
    assert complaint is None
    assert {ALLOC, FREE, BATCHED, LOCKED, EXTFRAG} <= {x[0] for x in events}


def test_the_samples_hold_what_they_hold():
    kinds = Counter(event[0] for path in SAMPLES for event in fast_events(path))
    assert kinds == {
        ALLOC: 373, FREE: 205, BATCHED: 39, LOCKED: 244, DRAIN: 15, EXTFRAG: 3, MARK: 2
    }  # fmt: skip


@pytest.mark.parametrize("machine", MACHINES)
def test_fast_is_plain_on_a_real_trace(machine, tmp_path):
    trace = SHARED / machine / "trace.txt.xz"
    if not trace.exists():
        pytest.skip(f"{trace} is not here; MMORACLE_SHARED names where it is")
    path = tmp_path / "trace.txt"
    with lzma.open(trace) as whole, path.open("wb") as file:
        file.writelines(islice(whole, 60_000))
    _, complaint = both(path)
    assert complaint is None


LOCKING = f"mm_page_alloc_zone_locked: {PAGE} order=0 migratetype=0 percpu_refill=1"
BATCH = f"mm_page_free_batched: {PAGE} order=1"
SHORT = "            init-1       [002] 1: a: b"
LONG = "            init-1       [002] d... 12345678.260458: "


@pytest.mark.parametrize(
    ("known", "alike", "wanted"),
    [
        (HEAD + FREEING, HEAD + FREEING.replace(" pfn", " xpfn"), "no pfn"),
        (HEAD + FREEING, HEAD.replace("2.2", "2x2") + FREEING, "not a line"),
        (SHORT + "\n" + LONG + FREEING, LONG[:-3] + "x: " + FREEING, "not a line"),
        (HEAD + FREEING, HEAD.replace("[", "(1) [") + FREEING, FREE),
        (HEAD + FREEING, HEAD + FREEING + " pfn=7", FREE),
        (HEAD + FREEING + " pfn=7", HEAD + FREEING.replace("419", "") + " pfn=7", FREE),
        (HEAD + LOCKING, HEAD + LOCKING.replace("locked", "lockes"), None),
        (HEAD + LOCKING.replace("locked", "lockes"), HEAD + LOCKING, LOCKED),
        (HEAD + BATCH.replace("order", "cold"), HEAD + BATCH, BATCHED),
        (HEAD + FREEING, "#" + (HEAD + FREEING)[1:], None),
        (HEAD + FREEING, HEAD.replace("init", "=1=0") + FREEING, FREE),
    ],
)
def test_what_looks_like_a_known_line_is_read_for_itself(known, alike, wanted, told):
    """`told` has both readers agree; here is what they agree on."""
    before, _ = told(known)
    events, complaint = told(known, alike)
    if isinstance(wanted, str):
        assert events == before
        assert wanted in complaint[2]
    else:
        kinds = [event[0] for event in events[len(before) :]]
        assert kinds == ([] if wanted is None else [wanted])
        assert complaint is None


COMMS = st.one_of(
    st.sampled_from(
        ["init", "a b", "#x", "=1 pfn=5 order=", " mm_page_alloc:", "-1 [0] d. 1: k:"]
    ).map(str.encode),
    st.binary(max_size=15),
    st.text("-[]:=() 019adnx", max_size=15).map(str.encode),
)
NUMBERS = st.one_of(
    st.sampled_from(["0", "1", "0x0", "0x86c4d", "abc", "", "-1", "+1", "1_0", "007"]),
    st.integers(0, 1 << 70).map(str),
    st.integers(0, 1 << 66).map(hex),
)
EVENTS = st.sampled_from(
    [
        "mm_page_alloc",
        "mm_page_free",
        "mm_page_free_batched",
        "mm_page_pcpu_drain",
        "mm_page_alloc_zone_locked",
        "mm_page_alloc_extfrag",
        "tracing_mark_write",
        "mm_page_alloc_zone_lockes",
        "mm_page_free2",
        "mm_page",
        "kfree",
        "func",
    ]
)
NAMES = ["pfn", "order", "migratetype", "gfp_flags", "percpu_refill", "page", "x"]
FIELDS = st.lists(
    st.tuples(st.sampled_from(NAMES), NUMBERS).map("=".join), max_size=6
).map(" ".join)
USUAL = st.builds(
    "page={} pfn={} order={}{}".format,
    st.sampled_from(["ffffea00001db4c0", "(null)", "0" * 16, "        (null)", "a b"]),
    NUMBERS,
    st.sampled_from(["0", "10", "-1", "x"]),
    st.sampled_from(
        [
            "",
            " x",
            " migratetype=1",
            " migratetype=-1",
            " migratetype=0 gfp_flags=GFP_KERNEL",
            " migratetype=1 percpu_refill=1",
            " migratetype=2 percpu_refill=",
        ]
    ),
)


@st.composite
def lines(draw):
    comm = draw(COMMS).replace(b"\n", b"?")
    pid = draw(st.sampled_from([0, 1, 12345, 4194304, 99999999]))
    cpu = draw(st.sampled_from([0, 7, 255, 1023]))
    tgid = draw(st.sampled_from(["", "(-----) ", "(   12) "]))
    flags = draw(st.sampled_from(["d...", ".....", "dNs1", "d..f2", ""]))
    time = draw(st.sampled_from(["    0.000000", "123456.000001", "       64", "1.x"]))
    name, fields = draw(EVENTS), draw(st.one_of(USUAL, USUAL, FIELDS))
    rest = f"-{pid:<7d} {tgid}[{cpu:03d}] {flags} {time}: {name}: {fields}"
    return comm.rjust(16) + rest.encode()


@settings(max_examples=250, deadline=None)
@given(
    st.lists(
        st.one_of(
            lines(), lines(), st.sampled_from([b"", b"# x", b"CPU:1 [LOST EVENTS]"])
        ),
        min_size=1,
        max_size=8,
    ),
    st.sampled_from(["\n", "\r\n", ""]),
)
def test_fast_is_plain_on_any_lines(pool, end):
    """Every line is met at once, and again when all its parts are known."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "trace"
        for some in (pool * 2, *([line] * 2 for line in pool)):
            path.write_bytes(b"\n".join(some) + end.encode() or b"\n")
            both(path)
