"""A failing history in prose: what each operation changed, and what broke at the end.

Generic over dataclasses: a change is a field that differs, a row is known by its first
field, and the objects of a complaint are the rows that its numbers name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

from mmoracle.spec.core import Disallowed, sentence

from .codec import Header, Trace, read_trace
from .plan import sentence_of
from .rerun import judge_file
from .session import Entry
from .subsystem import number, words
from .verdict import Run

MOST = 6  # changes shown for one operation
LAST = 20  # operations shown of a long history
NUMBER = re.compile(r"0x[0-9a-fA-F]+|\d+")


class Crash(str):
    """Stands for the answer of a machine that raised."""

    __slots__ = ()
    __repr__ = str.__str__


@dataclass(frozen=True)
class Told:
    """One operation in words: its place in the history, the answer and the changes."""

    place: int
    op: str
    answer: str
    changes: tuple[str, ...]


@dataclass(frozen=True)
class Account:
    """A whole explanation; `expected` is what the last operation still owes."""

    header: Header
    run: Run
    length: int
    steps: tuple[Told, ...]
    about: str = ""  # what the last operation is
    objects: tuple[str, ...] = ()
    expected: tuple[str, ...] = ()


def explain(path: str | Path, fidelity: str | None = None) -> Account:
    """Explain a trace file; raise `BadInput` where it does not parse."""
    header, run = judge_file(path, fidelity)
    trace = read_trace(path)
    failing = run.failure
    entries = list(failing.trace) if failing else list(trace.entries)
    if not entries:
        return Account(header, run, 0, ())
    *done, last = entries
    state, steps = states(trace, done)
    answer, seen = ending(trace, state, last)
    right = last.op.choose(trace.cfg, state)
    steps.append(told(len(entries), last.op, answer, state, seen))
    owed = [] if answer == right else [f"answer: {number(answer)} -> {number(right)}"]
    owed += changes(seen, last.op.after(trace.cfg, state, right))
    return Account(
        header,
        run,
        len(entries),
        tuple(steps[-LAST:]),
        sentence(type(last.op)).rstrip("."),
        tuple(named(failing.why, seen)) if failing else (),
        tuple(owed) if failing else (),
    )


def told(place: int, op: Any, answer: Any, before: Any, after: Any) -> Told:
    """Return one operation in words."""
    return Told(place, words(op), number(answer), tuple(changes(before, after)))


def states(trace: Trace, entries: list[Entry]) -> tuple[Any, list[Told]]:
    """Return the state that a history leads to, and what each operation changed."""
    cfg = trace.cfg
    state = trace.sub.initial(cfg) if trace.start is None else trace.start
    steps = []
    for i, entry in enumerate(entries):
        before, answer = state, entry.result
        if answer is None:
            answer = entry.op.choose(cfg, state)
        state = entry.op.after(cfg, state, answer)
        if i >= len(entries) - LAST:
            steps.append(told(i + 1, entry.op, answer, before, state))
    return state, steps


def ending(trace: Trace, state: Any, entry: Entry) -> tuple[Any, Any]:
    """Return the last answer, and the state that the machine is in then.

    An answer that the machine does not give by itself is offered to it.
    """
    sub, cfg = trace.sub, trace.cfg
    machine, told = sub.load(cfg, state), entry.result
    try:
        answer = sub.apply(machine, entry.op)
        if told is not None and told != answer:
            answer, machine = told, sub.load(cfg, state)
            sub.accept(machine, entry.op, told)
        return answer, sub.abstract(machine)
    except Disallowed:
        return told, state
    except Exception as crash:
        return Crash(f"an exception, {type(crash).__name__}: {crash}"), state


# ------------------------------------------------------------------ differences


def changes(before: Any, after: Any, place: str = "") -> Iterator[str]:
    """Yield one line for each field, or each row of a table, that differs."""
    if before == after:
        return
    if is_dataclass(before) and type(before) is type(after):
        for each in fields(before):
            one, other = getattr(before, each.name), getattr(after, each.name)
            yield from changes(
                one, other, f"{place}.{each.name}" if place else each.name
            )
    elif is_table(before) and is_table(after):
        yield from row_changes(before, after, place)
    else:
        yield f"{place or 'state'}: {number(before)} -> {number(after)}"


def is_table(thing: Any) -> bool:
    """Say whether a value is a tuple of records known by their first fields."""
    if not isinstance(thing, tuple):
        return False
    if not all(is_dataclass(each) and fields(each) for each in thing):
        return False
    return len({label(each) for each in thing}) == len(thing)


def label(row: Any) -> str:
    """Return what a row is known by: its first field with its value."""
    name = fields(row)[0].name
    return f"{name}={number(getattr(row, name))}"


def row_changes(before: Any, after: Any, place: str) -> Iterator[str]:
    """Yield one line for each row that is gone, is new or differs."""
    old = {label(row): row for row in before}
    new = {label(row): row for row in after}
    for name, row in old.items():
        if name not in new:
            yield f"{place}: {words(row)} is gone"
    for name, row in new.items():
        if name not in old:
            yield f"{place}: {words(row)} is new"
        elif row != old[name]:
            yield f"{place}[{name}]: {', '.join(changes(old[name], row))}"


def named(why: str, state: Any) -> Iterator[str]:
    """Yield the rows of a state whose first fields are numbers in a sentence."""
    numbers = {
        int(each, 0) for each in NUMBER.findall(why) if each.isdigit() or "x" in each
    }
    for row in rows_of(state):
        key = getattr(row, fields(row)[0].name)
        if type(key) is int and key in numbers:
            yield words(row)


def rows_of(thing: Any) -> Iterator[Any]:
    """Yield every record inside tables, at any depth."""
    if is_dataclass(thing):
        for each in fields(thing):
            value = getattr(thing, each.name)
            if isinstance(value, tuple):
                yield from (row for row in value if is_dataclass(row))
                for row in value:
                    yield from rows_of(row)
            else:
                yield from rows_of(value)


# ------------------------------------------------------------------ in words


def prose(account: Account) -> Iterator[str]:
    """Yield the lines of an explanation."""
    head = account.header
    operations = f"{account.length} operation{'s' * (account.length != 1)}"
    yield f"{head.subsystem}, {head.config}, {account.run.fidelity}: {operations}"
    if account.length > len(account.steps):
        yield f"  … {account.length - len(account.steps)} operations before these"
    for step in account.steps:
        yield f"{step.place:>3}. {step.op} was answered {step.answer}"
        yield from few(step.changes)
        if not step.changes:
            yield "       nothing changed"
    found = account.run.failure
    if found is None:
        yield f"{account.run.verdict.value}: no rule is broken"
        return
    yield f"{found.rule} is broken: {sentence_of(head.subsystem, found.rule)}"
    yield f"  {found.why}"
    if account.objects:
        yield "the objects it names:"
        yield from few(account.objects)
    if account.expected:
        yield f"what is still to be done ({account.about}):"
        yield from few(account.expected)


def few(lines: tuple[str, ...]) -> Iterator[str]:
    """Yield the first lines, indented, and how many are left."""
    for line in lines[:MOST]:
        yield f"       {line}"
    if len(lines) > MOST:
        yield f"       … {len(lines) - MOST} more"


def as_json(account: Account) -> dict[str, Any]:
    """Return an explanation as plain data."""
    found = account.run.failure
    return {
        "verdict": account.run.verdict.value,
        "subsystem": account.header.subsystem,
        "config": account.header.config,
        "fidelity": account.run.fidelity,
        "length": account.length,
        "steps": [
            {"place": s.place, "op": s.op, "answer": s.answer, "changes": [*s.changes]}
            for s in account.steps
        ],
        "rule": found.rule if found else None,
        "sentence": sentence_of(account.header.subsystem, found.rule) if found else "",
        "why": found.why if found else "",
        "objects": [*account.objects],
        "expected": [*account.expected],
    }
