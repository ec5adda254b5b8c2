"""Running a history again from the initial state, to see whether it still fails."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, replace

from mmoracle.spec.core import C, Op, Result, S

from .draw import earlier, outside
from .judge import Judge, closely, fresh, sound
from .session import Divergence, Entry, Session
from .shape import answer_of, samples
from .subsystem import M
from .verdict import NOT_SHOWN, Failure

TRIALS = 400  # reruns spent on making arguments smaller


def attempt(
    x: Judge[C, S, M],
    entries: Iterable[Entry],
    rule: str | None = None,
    strict: bool = False,
) -> Failure | None:
    """Run a history and return how it fails; steps that are not legal are left out.

    The last operation is judged closely, with the answer told there and wrong ones.
    With `rule` only a failure of that rule counts.  Arguments that are in no domain,
    as histories from elsewhere have, are remembered; `strict` takes no others.
    """
    session = Session(x.sub, x.cfg, x.fidelity)
    before, last = session.state, None
    trace: tuple[Entry, ...] = ()
    try:
        for entry in entries:
            if legal(x, session.state, entry.op, strict):
                before, last = session.state, entry
                session.follow(entry)
        trace = tuple(session.trace)
        sound(x, session.state)
        fresh(x, session.state)
        if last is not None:
            closely(x, before, last.op, wrong_answers(x, before, last))
    except Divergence as found:
        if found.op is not None and trace:  # found in the close look
            trace = (*trace[:-1], *(found.trace or [Entry(found.op, found.answer)]))
        if rule in (None, found.rule):
            return Failure(found.rule, found.why, trace or found.trace, NOT_SHOWN)
    return None


def legal(x: Judge[C, S, M], state: S, op: Op[C, S], strict: bool) -> bool:
    """Say whether an operation may be done here, remembering arguments if it may."""
    names = outside(x.sub, x.cfg, state, op)
    if names is None:
        return False
    foreign = {(type(op), name, getattr(op, name)) for name in names}
    if not strict:
        x.foreign |= foreign
    return foreign <= x.foreign


def wrong_answers(x: Judge[C, S, M], state: S, last: Entry) -> Iterator[Result]:
    """Yield the answer told with an entry and others that may be wrong there."""
    if last.result is not None or type(None) in map(type, samples_of(last.op)):
        yield last.result
    yield from x.pool.others(last.op, last.op.choose(x.cfg, state))
    yield from samples_of(last.op)


def samples_of(op: Op[C, S]) -> tuple[Result, ...]:
    """Return a few values of the type of an operation's answers."""
    return tuple(samples(answer_of(type(op))))


def lower(x: Judge[C, S, M], failure: Failure) -> Failure:
    """Make the arguments of a failing history smaller while the same rule breaks."""
    left = TRIALS
    changed = True
    while changed and left > 0:
        changed = False
        for entries in smaller(x, failure.trace):
            left -= 1
            found = attempt(x, entries, failure.rule, strict=True)
            if found is not None and weight(found.trace) < weight(failure.trace):
                failure, changed = replace(found, minimal=failure.minimal), True
                break
            if left <= 0:
                break
    return failure


def weight(trace: Sequence[Entry]) -> tuple[int, int]:
    """Return what `lower` makes smaller: the length, then the sum of the numbers."""
    return len(trace), sum(abs(int(each)) for each in integers(trace))


def integers(trace: Iterable[Entry]) -> list[int]:
    """Return every integer argument of a history."""
    given = (getattr(e.op, f.name) for e in trace for f in fields(e.op))
    return [each for each in given if isinstance(each, int)]


def smaller(x: Judge[C, S, M], trace: tuple[Entry, ...]) -> Iterator[tuple[Entry, ...]]:
    """Yield simpler histories: one number renamed throughout, then single arguments."""
    used = sorted({each for each in integers(trace) if type(each) is not bool})
    for i, old in enumerate(used):
        floor = used[i - 1] + 1 if i else 0
        for new in sorted({0, floor, floor + 1, old // 2, old - 1}):
            if 0 <= new < old:
                yield tuple(renamed(entry, old, new) for entry in trace)
    session = Session(x.sub, x.cfg, x.fidelity)
    for i, entry in enumerate(trace):
        domain = entry.op.domain(x.cfg, session.state)
        for name, each in domain.items():
            for thing in earlier(each, getattr(entry.op, name, None)):
                op = replace(entry.op, **{name: thing})
                yield (*trace[:i], Entry(op, entry.result), *trace[i + 1 :])
        if i + 1 < len(trace):
            session.follow(entry)


def renamed(entry: Entry, old: int, new: int) -> Entry:
    """Return an entry with one number replaced wherever it is an argument."""
    given = {f.name: getattr(entry.op, f.name) for f in fields(entry.op)}
    changed = {k: new for k, v in given.items() if type(v) is int and v == old}
    return Entry(replace(entry.op, **changed), entry.result) if changed else entry
