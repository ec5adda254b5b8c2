"""Traces and snapshots as text: one JSON object a line, typed by the dataclasses.

What a field may hold is read from its annotation, so a subsystem has no codec of its
own.  Addresses are hexadecimal strings, as they exceed what JSON numbers carry.  Bad
input raises `BadInput`, whose text is one sentence with file, line and field.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import mmoracle
from mmoracle.spec.core import Op

from .registry import SUBSYSTEMS
from .session import Entry
from .shape import answer_of
from .subsystem import Fidelity, Subsystem
from .terms import Wrong, decode, decode_fields, encode, encode_fields

TRACE = "mmoracle-trace"
SNAPSHOT = "mmoracle-snapshot"
VERSION = 1
LONGEST = 1 << 24  # bytes of one line


class BadInput(Exception):  # noqa: N818  (the sentence is what counts)
    """Something that does not parse: where, and why, in one sentence."""

    def __init__(self, path: str, line: int, why: str) -> None:
        super().__init__(f"{path}:{line}: {why}" if line else f"{path}: {why}")
        self.path = path
        self.line = line
        self.why = why


@dataclass(frozen=True)
class Header:
    """The first line of a trace: what was run, and how."""

    subsystem: str
    config: str
    fidelity: str = Fidelity.EXACT.value
    seed: int | None = None
    rule: str | None = None  # the rule that the last entry breaks
    tool: str = f"mmoracle {mmoracle.__version__}"


@dataclass(frozen=True)
class Trace:
    """A trace that is being read; `entries` reads on as it is consumed.

    `start` is the state before the first entry where it is not the initial one.
    """

    header: Header
    sub: Subsystem[Any, Any, Any]
    cfg: Any
    entries: Iterator[Entry]
    start: Any = None


@dataclass(frozen=True)
class Snapshot:
    """One state, with the subsystem and configuration that it belongs to."""

    header: Header
    sub: Subsystem[Any, Any, Any]
    cfg: Any
    state: Any


# ------------------------------------------------------------------ writing


def line_of(entry: Entry) -> str:
    """Return one entry as a line of text, without its end."""
    op = entry.op
    record = {
        "op": type(op).__name__,
        "args": encode_fields(op),
        "result": encode_answer(entry),
    }
    return json.dumps(record, ensure_ascii=False)


def encode_answer(entry: Entry) -> Any:
    """Return an answer as JSON; null as well where the answer is not known."""
    if entry.result is None:
        return None
    return encode(entry.result, answer_of(type(entry.op)))


def head(form: str, header: Header, state: Any = None) -> dict[str, Any]:
    """Return the object that stands for a header."""
    record = {"format": form, "version": VERSION} | encode_fields(header)
    record = {name: each for name, each in record.items() if each is not None}
    return record if state is None else record | {"state": encode(state, type(state))}


def trace_lines(
    header: Header, entries: Iterable[Entry], start: Any = None
) -> Iterator[str]:
    """Yield the lines of a trace file, without their ends."""
    yield json.dumps(head(TRACE, header, start), ensure_ascii=False)
    for entry in entries:
        yield line_of(entry)


def write_trace(
    path: str | Path, header: Header, entries: Iterable[Entry], start: Any = None
) -> None:
    """Write a trace file, line by line."""
    with open(path, "w", encoding="utf-8") as out:
        out.writelines(line + "\n" for line in trace_lines(header, entries, start))


def write_snapshot(path: str | Path, header: Header, state: Any) -> None:
    """Write one state as a snapshot file."""
    text = json.dumps(head(SNAPSHOT, header, state), ensure_ascii=False, indent=1)
    Path(path).write_text(text + "\n", encoding="utf-8")


# ------------------------------------------------------------------ reading


def read_trace(path: str | Path) -> Trace:
    """Open a trace file and read its header; `-` is the standard input."""
    lines = numbered(str(path))
    line, text = next(lines, (0, ""))
    if not line:
        raise BadInput(str(path), 1, "the file is empty, a header line was expected")
    with at(str(path), line):
        record = parsed(text)
        header, sub = decode_header(TRACE, record)
        cfg = sub.configs[header.config]
        start = decode_state(sub, cfg, record) if "state" in record else None
    entries = read_entries(str(path), lines, sub)
    return Trace(header, sub, cfg, entries, start)


def read_entries(
    path: str, lines: Iterator[tuple[int, str]], sub: Subsystem[Any, Any, Any]
) -> Iterator[Entry]:
    """Yield the entries of the lines that follow a header."""
    for line, text in lines:
        with at(path, line):
            entry = decode_entry(sub, parsed(text))
        yield entry


def read_snapshot(path: str | Path) -> Snapshot:
    """Read a snapshot file; `-` is the standard input."""
    lines = list(numbered(str(path)))
    if not lines:
        raise BadInput(str(path), 1, "the file is empty, a snapshot was expected")
    with at(str(path), 1):
        record = parsed("\n".join(text for _, text in lines))
        header, sub = decode_header(SNAPSHOT, record)
        cfg = sub.configs[header.config]
        if "state" not in record:
            raise Wrong("state", "is missing")
        state = decode_state(sub, cfg, record)
    return Snapshot(header, sub, cfg, state)


@contextmanager
def at(path: str, line: int) -> Iterator[None]:
    """Turn what is wrong with a value into bad input at this line."""
    try:
        yield
    except Wrong as wrong:
        raise BadInput(path, line + wrong.lines, str(wrong)) from wrong


def numbered(path: str) -> Iterator[tuple[int, str]]:
    """Yield the number and text of each line that is not blank."""
    try:
        with opened(path) as file:
            line = 0
            while raw := file.readline(LONGEST):
                line += 1
                if len(raw) == LONGEST:
                    raise BadInput(path, line, f"a line is over {LONGEST} bytes long")
                try:
                    text = raw.decode("utf-8")
                except UnicodeDecodeError as no:
                    why = f"byte {no.start} of the line is not UTF-8 text"
                    raise BadInput(path, line, why) from no
                if text.strip():
                    yield line, text.rstrip("\r\n")
    except OSError as no:
        why = f"the file cannot be read: {no.strerror or no}"
        raise BadInput(path, 0, why) from no


@contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """Open a file for reading bytes, or lend the standard input."""
    if path == "-":
        yield sys.stdin.buffer
        return
    with open(path, "rb") as file:
        yield file


def parsed(text: str) -> dict[str, Any]:
    """Return the JSON object that a line holds."""
    try:
        record = json.loads(text, parse_constant=refused, object_pairs_hook=once)
    except json.JSONDecodeError as no:
        why = f"not JSON at column {no.colno}: {no.msg}"
        raise Wrong("line", why, no.lineno - 1) from no
    except RecursionError as no:
        raise Wrong("line", "the JSON is nested too deeply") from no
    except ValueError as no:
        raise Wrong("line", "a number is too long or is not one") from no
    if not isinstance(record, dict):
        raise Wrong("line", "a JSON object was expected")
    return record


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object's members; each name stands once."""
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise Wrong(name, "it stands twice in one object")
    return dict(pairs)


def refused(name: str) -> None:
    """Refuse NaN and the infinities, which are no JSON."""
    raise ValueError(name)


def decode_header(
    form: str, record: dict[str, Any]
) -> tuple[Header, Subsystem[Any, Any, Any]]:
    """Return the header that an object stands for, and its subsystem."""
    if record.get("format") != form:
        raise Wrong("format", f"{form!r} was expected, got {record.get('format')!r}")
    given = record.get("version")
    if type(given) is not int or given != VERSION:
        raise Wrong("version", f"this tool reads version {VERSION}, got {given!r}")
    rest = {k: v for k, v in record.items() if k not in ("format", "version", "state")}
    header: Header = decode_fields(rest, Header, "")
    sub = SUBSYSTEMS.get(header.subsystem)
    if sub is None:
        known = ", ".join(SUBSYSTEMS)
        why = f"there is no subsystem {header.subsystem!r}, there is {known}"
        raise Wrong("subsystem", why)
    if header.config not in sub.configs:
        known = ", ".join(sub.configs)
        raise Wrong("config", f"{sub.name} has no {header.config!r}, it has {known}")
    if header.fidelity not in [each.value for each in Fidelity]:
        raise Wrong("fidelity", f"allowed or exact was expected, {header.fidelity!r}")
    return header, sub


def decode_state(
    sub: Subsystem[Any, Any, Any], cfg: Any, record: Mapping[str, Any]
) -> Any:
    """Return the state that an object carries."""
    return decode(record["state"], type(sub.initial(cfg)), "state")


def decode_entry(sub: Subsystem[Any, Any, Any], record: dict[str, Any]) -> Entry:
    """Return the entry that an object stands for."""
    for name in record.keys() - {"op", "args", "result"}:
        raise Wrong(name, "is not a field of an entry")
    asked = record.get("op")
    kind = sub.op_named(asked) if isinstance(asked, str) else None
    if kind is None:
        known = ", ".join(op.__name__ for op in sub.ops)
        raise Wrong("op", f"{sub.name} has no {asked!r}, it has {known}")
    op: Op[Any, Any] = decode_fields(record.get("args", {}), kind, "args")
    if "result" not in record:
        raise Wrong("result", "is missing")
    if record["result"] is None:
        return Entry(op, None)
    return Entry(op, decode(record["result"], answer_of(kind), "result"))
