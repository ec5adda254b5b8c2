"""Judging a kernel's boot by its own log: every memblock call is replayed.

The first printed table is the start.  From there each logged call is done on the
specification's state, each request's address is predicted before the answer is read,
and each later table must be the state that was reached.  What the log does not say
(a node or flag that was set, a limit that moved) is taken from the next table, or
supposed only if the calls that follow bear it out.

Source: mm/memblock.c (v5.10).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import Any

from mmoracle.spec.core import Disallowed, Op
from mmoracle.spec.linux import MAX_NUMNODES, Addr, MemblockFlags
from mmoracle.spec.memblock.always import common, joined, paint_at, spans, without
from mmoracle.spec.memblock.ops import (
    Add,
    AllocTryNid,
    Free,
    PhysAlloc,
    Remove,
    Reserve,
)
from mmoracle.spec.memblock.regions import (
    MIRROR,
    V5_10,
    Config,
    Memblock,
    Outcome,
    Region,
    Regions,
    page_up,
)
from mmoracle.spec.memblock.search import Linux

from ..verdict import Failure, Run, Verdict
from .memblock_log import (
    Doubled,
    Entry,
    Range,
    Request,
    Row,
    Table,
    Torn,
    Width,
    read_debugfs,
    read_log,
    read_state,
)
from .text import read_lines

Span = tuple[int, int]
CONFIRMED = 2  # predictions that must come true before a supposition is believed
SUPPOSITIONS = 4  # silent changes that are believed in one log
LATE = "the log begins after the boot"
UNBOUNDED = 1 << 20  # slots: the log itself says when an array doubles


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
    suspect: int | None = None  # the line of that call


@dataclass
class Course:
    """How far the log has been followed, and what came of it."""

    cfg: Config
    s: Memblock
    at: int = 0
    events: int = 0
    asked: int = 0
    exact: int = 0
    seen: int = 0
    equal: int = 0
    notes: list[str] = field(default_factory=list)
    torn: Torn | None = None
    blind: bool = False
    bad: Bad | None = None
    doubted: Bad | None = None  # an answer that 5.10 would not give as things stand

    def fork(self) -> Course:
        """Return a copy to try a supposition on."""
        return replace(self, notes=list(self.notes))


# ------------------------------------------------------------------ reading


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
            if isinstance(following, Range) and following.what == "reserve":
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


def state_of(cfg: Config, table: Table, before: Memblock | None = None) -> Memblock:
    """Return the state that a table shows."""
    memory = Regions(regions_of(table.memory), UNBOUNDED, Addr(table.memory_size))
    reserved = Regions(regions_of(table.reserved), UNBOUNDED, Addr(table.reserved_size))
    mirror = any(MIRROR in r.flags for r in memory.regions)
    if before is not None:
        return replace(before, memory=memory, reserved=reserved, has_mirror=mirror)
    limit = Addr(cfg.top)
    return Memblock(memory, reserved, current_limit=limit, has_mirror=mirror)


def regions_of(rows: tuple[Row, ...]) -> tuple[Region, ...]:
    """Return the regions of a printed list; the dummy of an empty one goes."""
    return tuple(
        Region(
            Addr(row.base),
            Addr(row.size),
            MemblockFlags(row.flags or 0),
            MAX_NUMNODES if row.nid is None else row.nid,
        )
        for row in rows
        if row.size
    )


def show(ranges: list[Span]) -> str:
    """Write ranges as the log does, the end included."""
    return ", ".join(f"[{a:#x}-{b - 1:#x}]" for a, b in ranges)


# ------------------------------------------------------------------ tables


def table_fault(table: Table) -> Bad | None:
    """Return what contradicts itself in one table."""
    for name, rows, total in (
        ("memory", table.memory, table.memory_size),
        ("reserved", table.reserved, table.reserved_size),
    ):
        for row in rows:
            if row.printed not in (None, row.size):
                why = f"a range of {row.size:#x} bytes is said to have {row.printed:#x}"
                return Bad(row.line, "MB-SUM", why)
        for one, other in pairwise(rows):
            if one.size and one.base + one.size > other.base:
                why = f"{name} region {other.base:#x} begins inside the one before"
                return Bad(other.line, "MB-DISJOINT", why)
        held = sum(row.size for row in rows)
        # memblock_trim_memory() goes on counting what it cuts off memory.
        slack = 2 * 4096 * len(rows) if name == "memory" else 0
        if not held <= total <= held + slack:
            why = f"{name} size is {total:#x}, its regions hold {held:#x}"
            return Bad(table.sizes_line or table.line, "MB-SUM", why)
    return home_fault(table)


def home_fault(table: Table) -> Bad | None:
    """Return a reserved region that is on another node than its memory."""
    homes = regions_of(table.memory)
    for row in table.reserved:
        for r in homes if row.nid is not None else ():
            if r.base <= row.base < r.end and r.nid not in (row.nid, MAX_NUMNODES):
                why = f"{row.base:#x} is reserved on node {row.nid}, but is of {r.nid}"
                return Bad(row.line, "MB-NID", why)
    return None


def difference(
    name: str, due: list[Span], rows: tuple[Row, ...], line: int
) -> Bad | None:
    """Return the first row at which a printed list covers something else."""
    got = joined([(row.base, row.base + row.size) for row in rows])
    if got == due:
        return None
    odd = [*without(got, due), *without(due, got)]
    odd.sort()
    first = odd[0][0]
    at = next((row.line for row in rows if row.base + row.size > first), line)
    extra, lost = show(without(got, due)), show(without(due, got))
    parts = [f"{extra} should not be there"] if extra else []
    parts += [f"{lost} is missing"] if lost else []
    return Bad(at, "MB-SET", f"{name}: " + "; ".join(parts), addr=first)


def was_trimmed(due: list[Span], rows: tuple[Row, ...]) -> bool:
    """Say whether the printed list is the due one cut to whole pages."""
    whole = [(-(-a // 4096) * 4096, b // 4096 * 4096) for a, b in due]
    return joined(whole) == joined([(row.base, row.base + row.size) for row in rows])


def compare(course: Course, table: Table, file: str = "") -> None:
    """Compare a table with the state reached, and go on from the table."""
    course.seen += 1
    s, bad = course.s, table_fault(table)
    memory, reserved = spans(s.memory), spans(s.reserved)
    if bad is None and was_trimmed(memory, table.memory):
        if memory != joined([(row.base, row.base + row.size) for row in table.memory]):
            course.notes.append(f"line {table.line}: memory was trimmed to whole pages")
    elif bad is None:
        bad = difference("memory", memory, table.memory, table.line)
    bad = bad or difference("reserved", reserved, table.reserved, table.line)
    for name, got, due in (
        ("memory", table.memory_size, s.memory.total_size),
        ("reserved", table.reserved_size, s.reserved.total_size),
    ):
        if bad is None and got != due:
            why = f"{name} size is {got:#x}, the calls make it {due:#x}"
            bad = Bad(table.sizes_line or table.line, "MB-SUM", why)
    if bad is not None:
        course.bad = replace(bad, file=file)
        return
    course.equal += 1
    note_silent(course, table)
    course.s = state_of(course.cfg, table, s)


def note_silent(course: Course, table: Table) -> None:
    """Note the nodes and flags that changed without a line of their own."""
    for name, rows, old in (
        ("memory", table.memory, course.s.memory),
        ("reserved", table.reserved, course.s.reserved),
    ):
        changed = [r for r in regions_of(rows) if paint_at(old, r.base) != paint(r)]
        if changed:
            what = f"{len(changed)} {name} regions got a node or flag without a line"
            course.notes.append(f"line {table.line}: {what}")


def paint(r: Region) -> tuple[MemblockFlags, int]:
    """Return the attributes of a region."""
    return r.flags, r.nid


# ------------------------------------------------------------------ calls

CHANGES: dict[str, Callable[[Addr, Addr], Op[Config, Memblock]]] = {
    "add": Add,
    "reserve": Reserve,
    "free": Free,
    "remove": Remove,
}


def change(course: Course, call: Range) -> None:
    """Do one logged call; a block that was allocated must have been free memory."""
    make = CHANGES.get(call.what)
    if make is None or course.bad is not None:
        return
    op = make(Addr(call.base), Addr(call.size))
    if isinstance(op, Add) and call.nid is not None and call.nid >= 0:
        op = replace(op, nid=call.nid)
    if call.what == "reserve" and "memblock_alloc" in call.caller:
        block = [(call.base, call.base + call.size)]
        free = without(spans(course.s.memory), spans(course.s.reserved))
        if without(block, free):
            why = f"{show(without(block, free))} was allocated and is not free memory"
            course.bad = Bad(call.line, "MB-ALLOC", why)
            return
    course.s = op.after(course.cfg, course.s, op.choose(course.cfg, course.s))


def grow(course: Course, act: Act) -> None:
    """Check where arrays doubled to, and do the calls that the doubling made."""
    hand = act.answer or act.entry
    held = (hand.base, hand.size) if isinstance(hand, Range) else (0, 0)
    for each in act.growth:
        if isinstance(each, Range):
            change(course, each)
            continue
        nr_bytes = page_up(course.cfg, each.new_max * course.cfg.region_bytes)
        course.asked += 1
        due = {
            Linux(True).array(course.cfg, course.s, each.type, (range_,), nr_bytes)[0]
            for range_ in (held, (0, 0))
        }
        if each.base not in due:
            places = " or ".join(hex(place) for place in due if place is not None)
            why = f"the {each.type} array doubled to {each.base:#x}, not {places}"
            course.bad = course.bad or Bad(each.line, "MB-META", why)
        else:
            course.exact += 1


def wish(request: Request) -> PhysAlloc | AllocTryNid:
    """Return the operation that a request line stands for."""
    bounds = (Addr(request.min_addr), Addr(request.max_addr))
    size = Addr(request.size)
    if request.kind == "phys":
        return PhysAlloc(size, request.align, *bounds, request.nid, request.exact)
    raw = request.kind == "raw"
    return AllocTryNid(size, request.align, *bounds, request.nid, request.exact, raw)


def answer_fault(act: Act) -> Bad | None:
    """Return what is wrong with a call whatever the state: its range or its answer."""
    request, call = act.entry, act.answer or act.entry
    grows = isinstance(call, Range) and call.what in ("add", "reserve")
    if isinstance(call, Range) and grows and call.base + call.size > 1 << 64:
        why = f"the range of {call.what} ends before it begins"
        return Bad(call.line, "MB-SORTED", why)
    if not isinstance(request, Request):
        return None
    if request.align & (request.align - 1):
        why = f"align {request.align:#x} is not a power of two"
        return Bad(request.line, "MB-ALLOC", why)
    if isinstance(call, Range) and call.size != request.size:
        why = f"{request.size} bytes were asked for, {call.size} were reserved"
        return Bad(call.line, "MB-ALLOC", why)
    return None


def predict(course: Course, act: Act, request: Request) -> None:
    """Predict the address of a request, then look at the answer."""
    answer, line = act.answer, (act.answer or request).line
    course.asked += 1
    course.bad = answer_fault(act)
    if course.bad is not None:
        return
    op, got = wish(request), answer.base if answer is not None else 0
    due = op.choose(course.cfg, course.s).value
    try:
        following = op.after(course.cfg, course.s, Outcome(Addr(got)))
    except Disallowed as no:
        course.bad = Bad(line, no.rule, f"{no.why}; Linux gives {due:#x}", addr=got)
        return
    grow(course, act)
    if due == got:
        course.exact += 1
    else:
        why = f"Linux 5.10 gives {due:#x} here, the log says {got:#x}"
        course.doubted = Bad(line, "EXACT-ANSWER", why, addr=got)
    if act.growth and answer is not None:
        change(course, replace(answer, caller=""))
    else:
        course.s = following


# ------------------------------------------------------------------ following


def advance(course: Course, act: Act) -> None:
    """Follow one act; a place where the log lost text blinds until the next table."""
    entry = act.entry
    course.events += 1
    course.at += 1
    if isinstance(entry, Torn):
        course.torn, course.blind = course.torn or entry, True
    elif isinstance(entry, Table) and course.blind:
        course.blind = False
        course.s = state_of(course.cfg, entry, course.s)
        course.notes.append(f"line {entry.line}: went on from this table")
    elif course.blind:
        return
    elif isinstance(entry, Table):
        compare(course, entry)
    elif isinstance(entry, Request):
        if act.answer is None and may_answer(course, entry):
            course.torn = course.torn or Torn(entry.line, "the request has no answer")
            course.blind = True
        else:
            predict(course, act, entry)
    else:
        course.bad = answer_fault(act)
        grow(course, act)
        change(course, entry)


def may_answer(course: Course, request: Request) -> bool:
    """Say whether the specification finds a block for a request."""
    return bool(wish(request).choose(course.cfg, course.s).value)


def follow(course: Course, acts: list[Act], budget: int = SUPPOSITIONS) -> Course:
    """Follow the log to its end, to the first fault, or along a supposition."""
    while course.at < len(acts) and course.bad is None:
        before = course.fork()
        advance(course, acts[course.at])
        if course.doubted is not None and course.bad is None:
            better = suppose(before, acts, budget) if budget else None
            if better is not None:
                return better
            course.bad = course.doubted
    return course


def blame(course: Course, acts: list[Act]) -> None:
    """Name the last call that drew a border of the region where the fault is."""
    bad = course.bad
    if bad is None or bad.addr is None:
        return
    regions = (*course.s.memory.regions, *course.s.reserved.regions)
    near = [r for r in regions if r.base <= bad.addr <= r.end]
    borders = {x for r in near for x in (r.base, r.end)}
    for call in reversed(calls_of(acts[: course.at])):
        earlier = call.line < bad.line or bad.file
        if earlier and borders & {call.base, call.base + call.size}:
            why = f"{bad.why}; line {call.line} ({call.function}) drew its border"
            course.bad = replace(bad, why=why, suspect=call.line)
            return


def calls_of(acts: list[Act]) -> list[Range]:
    """Return every call that changes an array, in order."""
    said = [e for act in acts for e in (act.entry, act.answer, *act.growth)]
    return [e for e in said if isinstance(e, Range)]


def suppose(before: Course, acts: list[Act], budget: int) -> Course | None:
    """Look for a silent change that explains an answer and what comes after it."""
    act, s, top = acts[before.at], before.s, Addr(before.cfg.top)
    answer = act.answer
    if answer is None:
        return None
    limit = Addr(page_up(before.cfg, answer.base + answer.size))
    for what, changed in (
        ("the direction was switched", replace(s, bottom_up=not s.bottom_up)),
        ("current_limit was lifted", replace(s, current_limit=top)),
        (f"current_limit was set to {limit:#x}", replace(s, current_limit=limit)),
    ):
        trial = before.fork()
        trial.s = changed
        trial.notes.append(f"line {answer.line}: supposing that {what} silently")
        advance(trial, act)
        if trial.bad is None and trial.doubted is None:
            trial = follow(trial, acts, budget - 1)
            if trial.exact - before.exact > CONFIRMED:
                return trial
    return None


def early_fault(acts: list[Act], table: Table) -> Bad | None:
    """Return a call before the first table that the table contradicts."""
    sets = {"memory": spans_of(table.memory), "reserved": spans_of(table.reserved)}
    holding: dict[str, list[Span]] = {"memory": [], "reserved": []}
    lacking: dict[str, list[Span]] = {"memory": [], "reserved": []}
    odd = next((bad for act in acts if (bad := answer_fault(act)) is not None), None)
    if odd is not None:
        return odd
    for call in reversed(calls_of(acts)):
        name = "memory" if call.what in ("add", "remove") else "reserved"
        span = (call.base, call.base + min(call.size, (1 << 64) - 1 - call.base))
        later = joined([*holding[name], *lacking[name]])
        fresh = without([span], later)
        if call.what in ("add", "reserve"):
            fresh = [(a, b) for a, b in fresh if a < b]
            holding[name] += fresh
            whole = [(-(-a // 4096) * 4096, b // 4096 * 4096) for a, b in fresh]
            missing = without(whole if name == "memory" else fresh, sets[name])
        elif call.what in ("free", "remove"):
            lacking[name] += fresh
            missing = common(fresh, sets[name])
        else:
            continue
        if missing:
            why = f"{call.what} of {show(missing)} is not what the first table shows"
            return Bad(call.line, "MB-SET", why)
    return unexplained(calls_of(acts), holding["reserved"], sets["reserved"])


def unexplained(calls: list[Range], said: list[Span], shown: list[Span]) -> Bad | None:
    """Return a hole of less than a page that no call reserved, between two that did.

    What was reserved before the log began is a kernel image, an initrd, a device tree;
    none of them fits between two blocks to the byte.
    """
    edges = {x for span in joined(said) for x in span}
    for start, end in without(shown, said):
        if end - start < 4096 and {start, end} <= edges:
            odd = {x for x in (start, end) if x % 4096}
            for call in calls:
                if odd & {call.base, call.base + call.size}:
                    why = f"[{start:#x}-{end - 1:#x}] is reserved beside it, by no call"
                    return Bad(call.line, "MB-SET", why)
    return None


def spans_of(rows: tuple[Row, ...]) -> list[Span]:
    """Return the addresses of a printed list."""
    return joined([(row.base, row.base + row.size) for row in rows])


# ------------------------------------------------------------------ the whole log


def judge_log(
    path: Path,
    *,
    debugfs: Path | None = None,
    state: Path | None = None,
    progress: Callable[[dict[str, int]], None] | None = None,
) -> Run:
    """Replay one log, and compare its end with the final dumps where they are given."""
    begun = perf_counter()
    entries = list(read_log(read_lines(path)))
    bits = next((e.bits for e in entries if isinstance(e, Width)), 64)
    acts = list(acts_of(entries))
    first = next((i for i, a in enumerate(acts) if isinstance(a.entry, Table)), None)
    cfg = Config(width=bits, quirks=V5_10, init_regions=UNBOUNDED)
    if first is None:
        return without_table(path, acts, perf_counter() - begun)
    table = acts[first].entry
    assert isinstance(table, Table)
    course = Course(cfg, state_of(cfg, table), at=first + 1, events=first + 1)
    course.torn = torn_in(acts[:first])
    if any(isinstance(act.entry, Torn) for act in acts[:first]):
        course.notes.append(f"nothing before the table in line {table.line} counts")
        course.bad = table_fault(table)
    else:
        course.bad = table_fault(table) or early_fault(acts[:first], table)
    course = follow(course, acts)
    if course.bad is None and not course.blind:
        compare_dumps(course, debugfs, state)
    blame(course, acts)
    return run_of(path, course, perf_counter() - begun)


def compare_dumps(course: Course, debugfs: Path | None, state: Path | None) -> None:
    """Compare the end of the log with what the running kernel shows."""
    if debugfs is not None:
        for name in ("memory", "reserved"):
            file = debugfs / name
            rows = read_debugfs(read_lines(file), file)
            due = spans(getattr(course.s, name))
            course.seen += 1
            bad = difference(name, due, rows, 1)
            course.equal += bad is None
            if bad is not None and course.bad is None:
                course.bad = replace(bad, file=str(file))
    if state is not None and course.bad is None:
        compare(course, read_state(state), str(state))


def torn_in(acts: list[Act]) -> Torn | None:
    """Return the first place where text is lost; a log may begin after the boot."""
    torn = [act.entry for act in acts if isinstance(act.entry, Torn)]
    return next((each for each in torn if not each.why.startswith(LATE)), None)


def without_table(path: Path, acts: list[Act], seconds: float) -> Run:
    """Return the verdict on a log that shows no table to start from."""
    torn = torn_in(acts)
    if torn is not None:
        why = f"{path}:{torn.line}: {torn.why}"
        return record(Verdict.INCONCLUSIVE, path, seconds, cut=why)
    if acts:
        why = f"{path}:{acts[0].entry.line}: no MEMBLOCK configuration to start from"
        return record(Verdict.INCONCLUSIVE, path, seconds, cut=why)
    why = f"{path}: no memblock lines; was the kernel booted with memblock=debug?"
    return record(Verdict.NOTHING, path, seconds, cut=why)


def run_of(path: Path, course: Course, seconds: float) -> Run:
    """Return the record of a log that was followed."""
    cut, verdict, failure = "", Verdict.BOUNDED, None
    if course.torn is not None:
        cut = f"{path}:{course.torn.line}: {course.torn.why}"
        verdict = Verdict.INCONCLUSIVE
    bad = course.bad if course.torn is None else None
    if bad is not None:
        place = f"{bad.file or path}:{bad.line}" if bad.line else bad.file
        failure = Failure(bad.rule, f"{place}: {bad.why}", ())
        verdict = Verdict.VIOLATED
    return record(verdict, path, seconds, course, cut=cut, failure=failure)


def record(
    verdict: Verdict,
    path: Path,
    seconds: float,
    course: Course | None = None,
    *,
    cut: str = "",
    failure: Failure | None = None,
) -> Run:
    """Return a run with what a log's report shows."""
    bad = course.bad if course is not None and failure is not None else None
    place = {"file": bad.file or str(path), "line": bad.line} if bad else {}
    hint = {"suspect": bad.suspect} if bad and bad.suspect else {}
    extra: dict[str, Any] = {
        "events": course.events if course else 0,
        "tables": tally(course, "seen", "equal"),
        "predicted": tally(course, "asked", "exact"),
        "first_bad": {**place, "rule": bad.rule, "why": bad.why, **hint}
        if bad
        else None,
        "notes": course.notes if course else [],
    }
    return Run(
        subsystem="memblock",
        engine="trace",
        config="linux",
        fidelity="exact",
        verdict=verdict,
        scope=str(path),
        steps=course.events if course else 0,
        seconds=seconds,
        cut=cut,
        failure=failure,
        extra=extra,
    )


def tally(course: Course | None, of: str, good: str) -> dict[str, int]:
    """Return a pair of counters by name."""
    return {name: getattr(course, name, 0) for name in (of, good)}
