"""What a kernel trace says about pages, a million lines in about a second.

The lines of a trace repeat themselves: up to digits there are few ways in which the
front of a line looks, and few texts behind the page frame number. So each of these is
read by `ftrace_plain` once and remembered; a line all of whose parts are known costs a
few slices and look-ups, a line that is not of interest costs one. Whatever is not
known as a whole goes to `ftrace_plain`, which reads it or says what is wrong with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from os import PathLike
from time import monotonic
from typing import TypeAlias, TypeVar

from ..explore import BETWEEN_REPORTS, Progress
from .ftrace_plain import (
    ALLOC,
    BATCHED,
    DRAIN,
    EXTFRAG,
    FREE,
    HEAD,
    KINDS,
    LOCKED,
    LOST,
    MARK,
    CutTrace,
    Entry,
    Event,
    Extra,
    bad_line,
    is_entry,
    parse_line,
    plain_events,
    read_event,
)
from .text import BadText, Chunk, read_chunks

__all__ = [
    "ALLOC",
    "BATCHED",
    "DRAIN",
    "EXTFRAG",
    "FREE",
    "LOCKED",
    "LOST",
    "MARK",
    "CutTrace",
    "Entry",
    "Event",
    "Extra",
    "page_events",
    "parse_line",
    "plain_events",
]

MOST_REMEMBERED = 1 << 16

# What "order=" and all behind it say: order, migrate type, what only this kind has.
_Tails: TypeAlias = dict[bytes, tuple[int, int, Extra]]
# A page event: its kind, its name and where that stands, where the cpu stands, tails.
_Head: TypeAlias = tuple[int, bytes, int, int, int, _Tails]

_TASK = 16  # columns, whatever is in them
_NAME = 16  # so many bytes of an event's name tell the page events apart
_USUAL_START = 50  # of an event's name
_SKIP: _Head = (-1, b"", 0, 0, 0, {})
_DIGITS_ALIKE = bytes.maketrans(b"123456789", b"000000000")
_TAIL = re.compile(
    rb"[0-9]+(?: migratetype=-?[0-9]+(?: gfp_flags=\S+| percpu_refill=[0-9]+)?)?"
)
_INDENT = b"#" * _TASK
_POSITIONAL = {ALLOC, FREE, BATCHED, LOCKED, DRAIN}
_NOTHING = [b"", b"", b"", b""]
_T = TypeVar("_T")


def page_events(
    path: str | PathLike[str],
    *,
    progress: Progress = lambda tally: None,
) -> Iterator[list[Event]]:
    """Yield the page events, marks and losses of a trace, a list for each MiB of text.

    Raises `BadText` at the first line that is none of a trace, or is a page event that
    lacks something, after all events before it were yielded; `CutTrace` if that is the
    last line and has no end.
    """
    reader, told = _Reader(path), monotonic()
    for chunk in read_chunks(path):
        events: list[Event] = []
        try:
            reader.read(chunk.text, events)
        except BadText:
            if events:
                yield events
            raise
        if events:
            yield events
        if monotonic() - told > BETWEEN_REPORTS:
            told = monotonic()
            progress(reader.tally(chunk))
    progress(reader.tally(chunk))


class _Memory(dict[bytes, int]):
    """The numbers in texts of one form, each read once; `KeyError` for another form."""

    def __init__(self, form: bytes) -> None:
        super().__init__()
        self.form = re.compile(form)

    def __missing__(self, text: bytes) -> int:
        match = self.form.fullmatch(text)
        if match is None:
            raise KeyError(text)
        if len(self) >= MOST_REMEMBERED:
            self.clear()
        number = int(match[1], 16 if match[1].startswith(b"0x") else 10)
        self[text] = number
        return number


class _Reader:
    """What is remembered of the lines of a trace, and how many there were."""

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = path
        self.lines = self.entries = 0
        self.ended = True
        self.heads: dict[bytes, _Head] = {}
        self.tails: dict[int, _Tails] = {kind: {} for kind in KINDS.values()}
        self.pfns = _Memory(rb"([1-9][0-9]{0,19}|0x[1-9a-f][0-9a-f]{0,15}) order")
        self.cpus = _Memory(rb"([0-9]{1,5})")

    def tally(self, chunk: Chunk) -> dict[str, int]:
        """Return what a progress line shows."""
        return {"entries": self.entries, "bytes": chunk.done, "of": chunk.of}

    def read(self, text: bytes, events: list[Event]) -> None:
        """Append the events in some lines; look whole only at what is not known."""
        lines = _split(text)
        end = _end_of_name(lines)
        self.ended = text.endswith(b"\n")
        heads = (
            self.heads if self.ended else {}
        )  # what is cut may look like what is not
        pfns, cpus, add = self.pfns, self.cpus, events.append
        gap = self.lines + 1 - self.entries
        for number, line in enumerate(lines, self.lines + 1):
            head = heads.get(line[_TASK:end].translate(_DIGITS_ALIKE))
            if head is _SKIP:
                continue
            if head is not None:
                kind, name, start, at, to, tails = head
                try:
                    _, page, digits, tail = line.split(b"=", 3)
                    order, mt, extra = tails[tail]
                    pfn, cpu = pfns[digits], cpus[line[at:to]]
                except (KeyError, ValueError):
                    pass
                else:
                    if page[-4:] == b" pfn" and line.startswith(name, start):
                        add((kind, pfn, order, mt, extra, cpu, number - gap, line))
                        continue
            gap += not self.unknown(number, line, number - gap, end, events)
        self.lines += len(lines)
        self.entries = self.lines + 1 - gap

    def unknown(
        self, number: int, line: bytes, entry: int, end: int, events: list[Event]
    ) -> bool:
        """Read a line by plain means, remember its parts, say if it is an entry."""
        if line.startswith(b"#"):
            line = line.removeprefix(_INDENT)
        try:
            event = read_event(line, entry, self.ended)
        except ValueError as error:
            raise bad_line(self.path, number, self.ended, error) from None
        if event is not None:
            events.append(event)
        counted = is_entry(line)
        if counted:
            self.remember(line, event, end)
        return counted

    def remember(self, line: bytes, event: Event | None, end: int) -> None:
        """Keep the front of a line and what stands behind its page frame number."""
        match = HEAD.match(line)
        if match is None:
            return
        key = line[_TASK:end].translate(_DIGITS_ALIKE)
        start = match.end("time") + len(": ")
        if event is None:
            if not _may_be_wanted(line[start:end]):
                _keep(self.heads, key, _SKIP)
            return
        name = match["event"] + b": page="
        if event[0] in _POSITIONAL and start < end and line.startswith(name, start):
            tails = self.tails[event[0]]
            _keep(self.heads, key, (event[0], name, start, *match.span("cpu"), tails))
            _, page, digits, tail = (line[start:].split(b"=", 3) + _NOTHING)[:4]
            usual = page.endswith(b" pfn") and digits.endswith(b" order")
            if usual and _TAIL.fullmatch(tail):
                _keep(tails, tail, event[2:5])


def _split(text: bytes) -> list[bytes]:
    """Return lines without ends; comments indented, so none looks like an entry."""
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n")
    lines = text.removesuffix(b"\n").split(b"\n")
    if b"#" in text:
        return [_INDENT + line if line[:1] == b"#" else line for line in lines]
    return lines


def _end_of_name(lines: list[bytes]) -> int:
    """Return the column where the telling part of an event's name usually ends."""
    heads = (HEAD.match(line) for line in lines)
    return next((m.end("time") + 2 for m in heads if m), _USUAL_START) + _NAME


def _may_be_wanted(seen: bytes) -> bool:
    """Say whether an event whose text begins so may be one of those to be read."""
    wanted = (name.encode() + b":" for name in KINDS)
    return any(seen.startswith(name) or name.startswith(seen) for name in wanted)


def _keep(memory: dict[bytes, _T], key: bytes, value: _T) -> None:
    """Remember, and forget all rather than remember without end."""
    if len(memory) >= MOST_REMEMBERED:
        memory.clear()
    memory[key] = value
