"""Traces and snapshots: there and back, and one sentence for whatever is wrong."""

import json
from dataclasses import dataclass
from enum import Enum

import pytest

from mmoracle.checkers.codec import (
    BadInput,
    Header,
    read_snapshot,
    read_trace,
    write_snapshot,
    write_trace,
)
from mmoracle.checkers.registry import SUBSYSTEMS
from mmoracle.checkers.terms import Wrong, decode, encode
from mmoracle.checkers.walk import walked
from mmoracle.spec.linux import Addr, Bug, Errno, MemblockFlags

EVERY = [(sub, name) for sub in SUBSYSTEMS.values() for name in sub.configs]


@pytest.mark.parametrize(("sub", "name"), EVERY, ids=lambda x: getattr(x, "name", x))
def test_traces_and_states_survive_the_round_trip(sub, name, tmp_path):
    cfg = sub.configs[name]
    entries = walked(sub, cfg, steps=200, seed=4)
    state = sub.initial(cfg)
    for entry in entries:
        state = entry.op.after(cfg, state, entry.result)
    header = Header(sub.name, name, seed=4, rule="X")
    write_trace(tmp_path / "a.mmt.jsonl", header, entries, start=state)
    trace = read_trace(tmp_path / "a.mmt.jsonl")
    assert (trace.header, trace.sub, trace.cfg) == (header, sub, cfg)
    assert list(trace.entries) == entries
    assert trace.start == state
    write_snapshot(tmp_path / "a.mms.json", header, state)
    assert read_snapshot(tmp_path / "a.mms.json").state == state


class Colour(Enum):
    """Two colours."""

    RED = 1
    BLACK = 2


@dataclass(frozen=True)
class Range:
    """Half-open addresses."""

    base: Addr
    end: Addr


@dataclass(frozen=True)
class Event:
    """What a result may hold."""

    what: Range | Bug | None
    flags: MemblockFlags = MemblockFlags.NONE


@pytest.mark.parametrize(
    ("hint", "thing", "form"),
    [
        (int, 7, 7),
        (int, 1 << 60, "0x1000000000000000"),
        (Addr, 7, "0x7"),
        (bool, True, True),
        (str | None, None, None),
        (Colour, Colour.RED, "RED"),
        (Errno | int, Errno.ENOMEM, "ENOMEM"),
        (Errno | int, 12, 12),
        (Bug | tuple[int, ...], Bug("no"), {"$": "Bug", "why": "no"}),
        (Bug | tuple[int, ...], (1, 2), [1, 2]),
        (Addr | None, 16, "0x10"),
        (tuple[int, str], (1, "a"), [1, "a"]),
        (tuple[Range, ...], (Range(0, 4096),), [{"base": "0x0", "end": "0x1000"}]),
        (
            tuple[Event | Range, ...],
            (Event(Bug("x"), MemblockFlags.MIRROR | MemblockFlags.HOTPLUG),),
            [{"$": "Event", "what": {"$": "Bug", "why": "x"}, "flags": 3}],
        ),
    ],
)
def test_values_by_their_declared_type(hint, thing, form):
    assert encode(thing, hint) == form
    back = decode(json.loads(json.dumps(form)), hint, "result")
    assert back == thing
    assert type(back) is type(thing)


@pytest.mark.parametrize(
    ("hint", "form", "sentence"),
    [
        (int, True, "x: an integer or a hexadecimal string was expected, got True"),
        (int, "12", "x: an integer or a hexadecimal string was expected, got '12'"),
        (bool, 1, "x: true or false was expected, got 1"),
        (Colour, "GREEN", "x: one of RED, BLACK was expected, got 'GREEN'"),
        (MemblockFlags, 64, "x: bits of 0x7 was expected, got 64"),
        (tuple[int, int], [1], "x: a list of 2 was expected, got [1]"),
        (tuple[int, ...], [1, None], "x[1]: an integer or a hexadecimal string"),
        (Range, {"base": 1}, "x.end: Range needs it, it is missing"),
        (Range, {"base": 1, "end": 2, "no": 3}, "x.no: Range has no such field"),
        (Bug | None, {"$": "Range"}, "x: one of Bug, NoneType was expected"),
        (Bug | None, 5, "x: one of Bug, NoneType was expected, got 5"),
    ],
)
def test_wrong_values_are_named(hint, form, sentence):
    with pytest.raises(Wrong) as wrong:
        decode(form, hint, "x")
    assert str(wrong.value).startswith(sentence)


GOOD = (
    '{"format": "mmoracle-trace", "version": 1, '
    '"subsystem": "rbtree", "config": "tiny"}\n'
)
STEP = '{"op": "Insert", "args": {"key": 1}, "result": []}\n'


def sentence(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(BadInput) as bad:
        list(read_trace(path).entries)
    return str(bad.value).removeprefix(f"{path}:")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "1: the file is empty, a header line was expected"),
        (b"\x7fELF\xff\xfe\x00", "1: byte 4 of the line is not UTF-8 text"),
        ("hello\n", "1: line: not JSON at column 1: Expecting value"),
        ("[]\n", "1: line: a JSON object was expected"),
        ("{}\n", "1: format: 'mmoracle-trace' was expected, got None"),
        (GOOD.replace("1,", "2,"), "1: version: this tool reads version 1, got 2"),
        (
            GOOD.replace("rbtree", "vmscan"),
            "1: subsystem: there is no subsystem 'vmscan', there is ",
        ),
        (GOOD.replace("tiny", "huge"), "1: config: rbtree has no 'huge', it has tiny"),
        (GOOD.replace("config", "konfig"), "1: konfig: Header has no such field"),
        (GOOD.replace('"tiny"', "3"), "1: config: a string was expected, got 3"),
        (GOOD + STEP[:20], "2: line: not JSON at column "),
        (GOOD + STEP + "\n" + STEP[:-4] + "\n", "4: line: not JSON at column "),
        (GOOD + STEP.replace("Insert", "Grow"), "2: op: rbtree has no 'Grow', it has"),
        (GOOD + STEP.replace('"op"', '"po"'), "2: po: is not a field of an entry"),
        (
            GOOD + STEP.replace("key", "kee"),
            "2: args.kee: Insert has no such field",
        ),
        (
            GOOD + STEP.replace('{"key": 1}', "{}"),
            "2: args.key: Insert needs it, it is missing",
        ),
        (
            GOOD + STEP.replace("1", '"one"'),
            "2: args.key: an integer or a hexadecimal string was expected, got 'one'",
        ),
        (GOOD + STEP.replace("[]", "7"), "2: result: one of "),
        (GOOD + STEP.replace(', "result": []', ""), "2: result: is missing"),
        (GOOD + "[" * 200_000 + "\n", "2: line: the JSON is nested too deeply"),
        (
            GOOD + STEP.replace("1", "9" * 5_000),
            "2: line: a number is too long or is not one",
        ),
        (GOOD + STEP.replace("1", "NaN"), "2: line: a number is too long or is not"),
    ],
)
def test_bad_traces_get_one_sentence(tmp_path, text, expected):
    got = sentence(tmp_path / "bad.mmt.jsonl", text)
    assert got.startswith(expected)
    assert "\n" not in got


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BadInput, match=r"none\.jsonl: the file cannot be read"):
        read_trace(tmp_path / "none.jsonl")


def test_entries_before_a_bad_line_are_still_read(tmp_path):
    path = tmp_path / "torn.mmt.jsonl"
    path.write_text(GOOD + STEP + STEP[:9])
    entries = read_trace(path).entries
    assert next(entries).op.key == 1
    with pytest.raises(BadInput):
        next(entries)


def test_bad_snapshots_get_one_sentence(tmp_path):
    path = tmp_path / "bad.mms.json"
    for text, expected in [
        ("", ":1: the file is empty"),
        ('{"format": "mmoracle-snapshot",\n "version": }', ":2: line: not JSON"),
        (GOOD.replace("trace", "snapshot"), ":1: state: is missing"),
    ]:
        path.write_text(text)
        with pytest.raises(BadInput) as bad:
            read_snapshot(path)
        assert str(bad.value).startswith(f"{path}{expected}")
