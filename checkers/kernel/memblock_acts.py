"""The calls in a boot log, as a reader groups them, and what is odd in one alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .memblock_log import Doubled, Entry, Range, Request, Table, Torn

LATE = "the log begins after the boot"


@dataclass(frozen=True)
class Act:
    """One call: a request with its answer, or a change; and what grew for it."""

    entry: Request | Range | Table | Torn
    answer: Range | None = None
    growth: tuple[Doubled | Range, ...] = ()


@dataclass(frozen=True)
class Bad:
    """The first place where the log is not what a kernel can do."""

    line: int
    rule: str
    why: str
    file: str = ""
    addr: int | None = None  # where, for finding the call that drew the border
    suspects: tuple[int, ...] = ()  # lines that may be the cause, likeliest first


def acts_of(entries: list[Entry]) -> Iterator[Act]:
    """Group the entries: a request owns its answer, a call owns the arrays it grew."""
    at = 0
    while at < len(entries):
        entry, answer = entries[at], None
        at += 1
        if not isinstance(entry, Request | Range | Table | Torn):
            continue
        if isinstance(entry, Request) and at < len(entries):
            following = entries[at]
            ours = "memblock_" in following.caller  # else somebody else's reservation
            if isinstance(following, Range) and following.what == "reserve" and ours:
                answer, at = following, at + 1
            elif isinstance(following, Torn):  # the answer is what was torn
                continue
        growth, at = grown(entries, at)
        yield Act(entry, answer, growth)


def grown(entries: list[Entry], at: int) -> tuple[tuple[Doubled | Range, ...], int]:
    """Return the doublings from `at` on, each with the calls that it made itself."""
    growth: list[Doubled | Range] = []
    while at < len(entries):
        entry = entries[at]
        if not isinstance(entry, Doubled | Range):
            break
        if isinstance(entry, Range) and "memblock_double_array" not in entry.caller:
            break
        growth.append(entry)
        at += 1
    return tuple(growth), at


def calls_of(acts: list[Act]) -> list[Range]:
    """Return every call that changes an array, in order."""
    said = [e for act in acts for e in (act.entry, act.answer, *act.growth)]
    return [e for e in said if isinstance(e, Range)]


def torn_in(acts: list[Act]) -> Torn | None:
    """Return the first place where text is lost; a log may begin after the boot."""
    torn = [act.entry for act in acts if isinstance(act.entry, Torn)]
    return next((each for each in torn if not each.why.startswith(LATE)), None)


def answer_fault(act: Act) -> Bad | None:
    """Return what is wrong with a call whatever the state: its range or its answer."""
    request, call = act.entry, act.answer or act.entry
    bounded = isinstance(call, Range) and call.what in ("add", "reserve", "free")
    if isinstance(call, Range) and bounded and call.base + call.size > 1 << 64:
        why = f"the range of {call.what} ends before it begins"
        return Bad(call.line, "MB-SORTED", why)
    if not isinstance(request, Request):
        return None
    if request.align & (request.align - 1):
        why = f"align {request.align:#x} is not a power of two"
        return Bad(request.line, "MB-ALLOC", why)
    asked = (request.line,)
    if isinstance(call, Range) and call.size != request.size:
        why = (
            f"line {request.line} asked for {request.size} bytes, here are {call.size}"
        )
        return Bad(call.line, "MB-ALLOC", why, suspects=asked)
    if isinstance(call, Range) and request.align and call.base % request.align:
        why = f"line {request.line} asked for alignment to {request.align:#x}"
        why = f"{call.base:#x} is not aligned; {why}"
        return Bad(call.line, "MB-ALLOC", why, suspects=asked)
    return None
