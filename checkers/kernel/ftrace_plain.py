"""The text of a kernel trace, line by line, by the plainest means.

A trace is what tracefs prints in its file `trace`: comment lines that begin with `#`,
and one line for each entry of the ring buffer. Entries are numbered from 0, whatever
their event; blank lines, comments and `CPU:0 [LOST 12 EVENTS]` are none. This module
reads any entry into a dictionary of fields and says which of them are page events;
`ftrace` does the same many times faster and is held to it.

Kernel: kernel/trace/trace_output.c (trace_print_context), include/trace/events/kmem.h.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from os import PathLike
from typing import TypeAlias

from .text import BadText, read_chunks

ALLOC, FREE, BATCHED, LOCKED, DRAIN, EXTFRAG, MARK, LOST = range(8)

Extra: TypeAlias = bytes | int | str | tuple[int, ...] | None

# kind, pfn, order, migrate type, extra, cpu, entry, line
#
# pfn is -1 for a failed allocation; order and migrate type are -1 when there is none.
# extra: ALLOC the gfp flags (bytes); LOCKED whether it refills a per-cpu list (0, 1);
# EXTFRAG the six numbers of `_EXTFRAG`; MARK its text; LOST how many, 0 for unknown.
# entry is the number of the entry; for LOST, of the first entry after the gap.
# line is the whole line as it stands in the file, without its end.
Event: TypeAlias = tuple[int, int, int, int, Extra, int, int, bytes]

KINDS = {
    "mm_page_alloc": ALLOC,
    "mm_page_free": FREE,
    "mm_page_free_batched": BATCHED,
    "mm_page_alloc_zone_locked": LOCKED,
    "mm_page_pcpu_drain": DRAIN,
    "mm_page_alloc_extfrag": EXTFRAG,
    "tracing_mark_write": MARK,
}

# A comm is 16 bytes wide whatever is in it; only its width tells where it ends.
HEAD = re.compile(
    rb"(?P<task>.{16})-(?P<pid>[0-9]{1,10}) +(?:\( *(?:[0-9]+|-+)\) +)?"
    rb"\[(?P<cpu>[0-9]{1,5})\] +(?:(?P<flags>[^\s:]+) +)?"
    rb"(?P<time>[0-9]{1,20}(?:\.[0-9]{1,9})?): (?:(?P<event>[^\s:]+):(?= |$))?",
    re.DOTALL,
)
_LOST = re.compile(rb"CPU:([0-9]{1,5}) \[LOST (?:([0-9]{1,20}) )?EVENTS\]\s*")
_BUFFER = re.compile(
    rb"# *entries-in-buffer/entries-written: ([0-9]{1,20})/([0-9]{1,20})\b"
)
_PFN = re.compile("[0-9]{1,20}|0x[0-9a-f]{1,16}")
_COUNT = re.compile("[0-9]{1,10}")
_SIGNED = re.compile("-?[0-9]{1,10}")
_NO_PAGE = re.compile(r"\(null\)|0+")
_EXTFRAG = (
    "alloc_order",
    "fallback_order",
    "pageblock_order",
    "alloc_migratetype",
    "fallback_migratetype",
    "change_ownership",
)
_WITH_TYPE = {ALLOC, LOCKED, DRAIN}


class CutTrace(BadText):
    """A trace whose last line is cut; all that comes before it is good."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of any event; `flags` and `event` are empty where none is printed."""

    task: str
    pid: int
    cpu: int
    flags: str
    time: str
    event: str
    fields: Mapping[str, str]
    text: str  # all that stands behind the event's name


def parse_line(text: str) -> Entry:
    """Return the entry in a line of a trace; raise `ValueError` if there is none."""
    return _entry(text.encode("utf-8", "surrogateescape"))


def plain_events(path: str | PathLike[str]) -> Iterator[Event]:
    """Yield the page events, marks and losses of a trace; `BadText` if it is none.

    What it yields is what `ftrace.page_events` yields, one event at a time.
    """
    number, entries = 0, 0
    for chunk in read_chunks(path):
        for line in BytesIO(chunk.text):
            number += 1
            ended = line.endswith(b"\n")
            try:
                event = read_event(line, entries, ended)
            except ValueError as error:
                raise bad_line(path, number, ended, error) from None
            if event is not None:
                yield event
            entries += is_entry(line)


def is_entry(line: bytes) -> bool:
    """Say whether a line is to be counted: no comment, not blank, no loss."""
    return bool(line.strip()) and line[:1] != b"#" and not _LOST.fullmatch(line)


def read_event(line: bytes, entry: int, ended: bool) -> Event | None:
    """Return the event in a line, nothing if it is of no interest, or `ValueError`."""
    line = line.rstrip(b"\r\n")
    if not is_entry(line):
        return _loss(line, entry)
    read = _entry(line)
    if not read.event and not ended:
        raise ValueError("it has no event")
    kind = KINDS.get(read.event)
    if kind is None:
        return None
    if kind == MARK:
        return MARK, -1, -1, -1, read.text, read.cpu, entry, line
    pfn, order = _pfn(read.fields), _order(kind, read.fields)
    mt, extra = _mt(kind, read.fields), _extra(kind, order, read.fields)
    return kind, pfn, order, mt, extra, read.cpu, entry, line


def bad_line(
    path: str | PathLike[str], number: int, ended: bool, error: ValueError
) -> BadText:
    """Return what is wrong with a line, which may be so because it has no end."""
    if ended:
        return BadText(path, number, str(error))
    return CutTrace(path, number, f"the last line is cut: {error}")


def _entry(line: bytes) -> Entry:
    line = line.rstrip(b"\r\n")
    head = HEAD.match(line)
    if head is None:
        raise ValueError("not a line of a trace: 'task-pid [cpu] flags time: event:'")
    task, pid, cpu, flags, time, event = (
        _text(group or b"") for group in head.groups()
    )
    text = _text(line[head.end() :]).removeprefix(" " if event else "")
    return Entry(
        task.lstrip(), int(pid), int(cpu), flags, time, event, _fields(text), text
    )


def _fields(text: str) -> dict[str, str]:
    """Return the `name=value` pairs of an event; a value runs to the next name."""
    fields: dict[str, list[str]] = {}
    values: list[str] = []
    for word in text.split(" "):
        name, equals, value = word.partition("=")
        if equals and name.isidentifier():
            values = fields[name] = [value]
        else:
            values.append(word)
    return {name: " ".join(filter(None, words)) for name, words in fields.items()}


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _loss(line: bytes, entry: int) -> Event | None:
    """Return what a line that is no entry says about entries that were lost."""
    if match := _LOST.fullmatch(line):
        return LOST, -1, -1, -1, int(match[2] or 0), int(match[1]), entry, line
    match = _BUFFER.match(line)
    if match is None or int(match[1]) >= int(match[2]):
        return None
    return LOST, -1, -1, -1, int(match[2]) - int(match[1]), -1, entry, line


def _number(fields: Mapping[str, str], name: str, form: re.Pattern[str]) -> int:
    if name not in fields:
        raise ValueError(f"a page event has no {name}")
    if not form.fullmatch(fields[name]):
        raise ValueError(f"the {name} of a page event is no number: {fields[name]!r}")
    return int(fields[name], 16 if fields[name].startswith("0x") else 10)


def _pfn(fields: Mapping[str, str]) -> int:
    """Return the page frame, or -1: the kernel prints 0 and a null page for no page."""
    pfn = _number(fields, "pfn", _PFN)
    return pfn if pfn or not _NO_PAGE.fullmatch(fields.get("page", "")) else -1


def _order(kind: int, fields: Mapping[str, str]) -> int:
    if kind == EXTFRAG:
        return -1
    if kind == BATCHED and "order" not in fields:
        return 0
    return _number(fields, "order", _COUNT)


def _mt(kind: int, fields: Mapping[str, str]) -> int:
    return _number(fields, "migratetype", _SIGNED) if kind in _WITH_TYPE else -1


def _extra(kind: int, order: int, fields: Mapping[str, str]) -> Extra:
    """Return what only one kind has; a refill that is not told is one of order 0."""
    if kind == ALLOC:
        if "gfp_flags" not in fields:
            raise ValueError("a page event has no gfp_flags")
        return fields["gfp_flags"].encode()
    if kind == LOCKED:
        refill = "percpu_refill" in fields
        return _number(fields, "percpu_refill", _COUNT) if refill else int(order == 0)
    if kind == EXTFRAG:
        return tuple(_number(fields, name, _SIGNED) for name in _EXTFRAG)
    return None


def is_trace(lines: Iterable[str]) -> bool:
    """Say whether the first lines of a file are those of a trace."""
    for line in lines:
        if line.startswith("# tracer:"):
            return True
        if line.strip() and not line.startswith("#"):
            return HEAD.match(line.encode()) is not None
    return False
