"""Following a boot log call by call, from one printed table to the next.

Each logged call is done on the specification's state; each request's address is
predicted before the answer is read.  What the log does not say is taken from the next
table, or supposed only if the calls that follow bear it out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from mmoracle.spec.core import Disallowed, Op
from mmoracle.spec.linux import Addr, MemblockFlags
from mmoracle.spec.memblock.ops import (
    Add,
    AllocTryNid,
    Free,
    PhysAlloc,
    Remove,
    Reserve,
)
from mmoracle.spec.memblock.regions import (
    NONE,
    Config,
    Memblock,
    Outcome,
    Region,
    page_up,
)
from mmoracle.spec.memblock.regions import Request as Search
from mmoracle.spec.memblock.search import Linux, lowest_fit
from mmoracle.spec.memblock.sets import paint_at, spans, without

from .memblock_acts import Act, Bad, answer_fault, calls_of
from .memblock_log import Doubled, Range, Request, Table, Torn
from .memblock_tables import (
    difference,
    regions_of,
    show,
    spans_of,
    state_of,
    table_fault,
    was_trimmed,
)

CONFIRMED = 2  # predictions that must come true before a supposition is believed
SUPPOSITIONS = 4  # silent changes that are believed in one log


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
    strange: list[int] = field(default_factory=list)  # frees of what was not reserved
    torn: Torn | None = None
    blind: bool = False
    bad: Bad | None = None
    doubted: Bad | None = None  # an answer that 5.10 would not give as things stand

    def fork(self) -> Course:
        """Return a copy to try a supposition on."""
        return replace(self, notes=list(self.notes), strange=list(self.strange))


# ------------------------------------------------------------------ tables


def compare(course: Course, table: Table, file: str = "") -> None:
    """Compare a table with the state reached, and go on from the table."""
    course.seen += 1
    s, bad = course.s, table_fault(table)
    memory, reserved = spans(s.memory), spans(s.reserved)
    if bad is None and was_trimmed(memory, table.memory):
        if memory != spans_of(table.memory):
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
    note_silent(course, table, file or f"line {table.line}")
    course.s = state_of(course.cfg, table, s)


def note_silent(course: Course, table: Table, place: str) -> None:
    """Note the nodes and flags that changed without a line of their own."""
    for name, rows, old in (
        ("memory", table.memory, course.s.memory),
        ("reserved", table.reserved, course.s.reserved),
    ):
        changed = [r for r in regions_of(rows) if paint_at(old, r.base) != paint(r)]
        if changed:
            some = f"{len(changed)} {name} region{'s' if len(changed) > 1 else ''}"
            course.notes.append(f"{place}: {some} got a node or flag without a line")


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
    span = (call.base, call.base + call.size)
    if call.what == "free" and without([span], spans(course.s.reserved)):
        course.strange.append(call.line)
    course.s = op.after(course.cfg, course.s, op.choose(course.cfg, course.s))


def grow(course: Course, act: Act) -> None:
    """Check where arrays doubled to, and do the calls that the doubling made."""
    for each in act.growth:
        if isinstance(each, Range):
            change(course, each)
            continue
        course.asked += 1
        due = places_due(course, act, each)
        if each.base in due:
            course.exact += 1
            continue
        places = " or ".join(hex(place) for place in due if place is not None)
        why = f"the {each.type} array doubled to {each.base:#x}, not {places}"
        course.doubted = Bad(each.line, "MB-META", why)


def places_due(course: Course, act: Act, each: Doubled) -> set[int | None]:
    """Return where an array may double to: for this call, or for a silent one.

    A silent call, memblock_set_node() or a flag, names a range that is not known: it
    is taken for a region of memory, or for none, before this call or after it.
    """
    hand = act.answer or act.entry
    held = (hand.base, hand.size) if isinstance(hand, Range) else (0, 0)
    later = course.fork()
    if isinstance(hand, Range):
        change(later, replace(hand, caller=""))
    nr_bytes = page_up(course.cfg, each.new_max * course.cfg.region_bytes)
    silent = [(r.base, r.size) for r in later.s.memory.regions]
    looked = [(course.s, held), (course.s, (0, 0)), (later.s, (0, 0))]
    looked += [(later.s, range_) for range_ in silent]
    return {
        Linux(True).array(course.cfg, s, each.type, (range_,), nr_bytes)[0]
        for s, range_ in looked
    }


def wish(request: Request) -> PhysAlloc | AllocTryNid:
    """Return the operation that a request line stands for."""
    bounds = (Addr(request.min_addr), Addr(request.max_addr))
    size = Addr(request.size)
    if request.kind == "phys":
        return PhysAlloc(size, request.align, *bounds, request.nid, request.exact)
    raw = request.kind == "raw"
    return AllocTryNid(size, request.align, *bounds, request.nid, request.exact, raw)


def predict(course: Course, act: Act, request: Request) -> None:
    """Predict the address of a request, then look at the answer."""
    answer, line = act.answer, (act.answer or request).line
    asked = (request.line,)
    course.asked += 1
    course.bad = answer_fault(act)
    if course.bad is not None:
        return
    op, got = wish(request), answer.base if answer is not None else 0
    due = op.choose(course.cfg, course.s).value
    try:
        following = op.after(course.cfg, course.s, Outcome(Addr(got)))
    except Disallowed as no:
        why = f"for line {request.line}: {no.why}"
        found = Bad(line, no.rule, why, addr=got if due else None, suspects=asked)
        if course.s.current_limit == course.cfg.top:
            course.bad = found
        else:  # a limit that was supposed may have moved again
            course.doubted = found
        return
    grow(course, act)
    if due == got:
        course.exact += 1
    else:
        why = (
            f"for line {request.line}: Linux 5.10 gives {due:#x}, the log says {got:#x}"
        )
        course.doubted = Bad(line, "EXACT-ANSWER", why, addr=got, suspects=asked)
    if not act.growth:
        course.s = following
    elif answer is not None:
        change(course, replace(answer, caller=""))


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
        request(course, act, entry)
    else:
        course.bad = answer_fault(act)
        grow(course, act)
        change(course, entry)


def request(course: Course, act: Act, entry: Request) -> None:
    """Follow a request; where none can be satisfied, the next call is another's."""
    due = wish(entry).choose(course.cfg, course.s).value
    if due and act.answer is None:
        course.torn = course.torn or Torn(entry.line, "the request has no answer")
        course.blind = True
    elif due or act.answer is None or act.answer.size == entry.size:
        predict(course, act, entry)
    else:
        course.asked, course.exact = course.asked + 1, course.exact + 1
        other = Act(act.answer, growth=act.growth)
        course.bad = answer_fault(other)
        grow(course, other)
        change(course, act.answer)


def follow(
    course: Course,
    acts: list[Act],
    budget: int = SUPPOSITIONS,
    progress: Callable[[dict[str, int]], None] = lambda tally: None,
) -> Course:
    """Follow the log to its end, to the first fault, or along a supposition."""
    while course.at < len(acts) and course.bad is None:
        progress({"steps": course.events, "of": len(acts)})
        before = course.fork()
        advance(course, acts[course.at])
        if course.doubted is not None and course.bad is None:
            better = suppose(before, acts, budget) if budget else None
            if better is not None:
                return better
            course.bad = course.doubted
    return course


def suppose(before: Course, acts: list[Act], budget: int) -> Course | None:
    """Look for a silent change that explains an answer and what comes after it."""
    act, s, top = acts[before.at], before.s, Addr(before.cfg.top)
    for line, limit in limits(before, act):
        for what, changed in (
            ("the direction was switched", replace(s, bottom_up=not s.bottom_up)),
            ("current_limit was lifted", replace(s, current_limit=top)),
            (f"current_limit was set to {limit:#x}", replace(s, current_limit=limit)),
        ):
            trial = before.fork()
            trial.s = changed
            trial.notes.append(f"line {line}: supposing that {what} silently")
            advance(trial, act)
            if trial.bad is None and trial.doubted is None:
                trial = follow(trial, acts, budget - 1)
                doubtful = trial.bad is not None and before.strange
                if trial.exact - before.exact > CONFIRMED and not doubtful:
                    return trial
    return None


def limits(course: Course, act: Act) -> list[tuple[int, Addr]]:
    """Return (line, limit) for each block of an act: the roundest limit that fits it.

    Every limit from the block's end up to where a higher block would fit gives the
    same answer; the roundest of them is the likeliest.
    """
    found = []
    for block in (act.answer, *act.growth):
        if isinstance(block, Doubled):
            size = page_up(course.cfg, block.end + 1 - block.base)
            align = course.cfg.page_size
        elif block is act.answer and isinstance(block, Range):
            size, align = block.size, getattr(act.entry, "align", 0) or 1
        else:
            continue
        end = block.base + size
        free = replace(course.s, current_limit=Addr(course.cfg.top))
        above = Search(size, align, block.base + 1, course.cfg.top, -1, NONE)
        higher = lowest_fit(course.cfg, free, above)
        stop = higher + size if higher else course.cfg.top
        found.append((block.line, Addr(roundest(end, stop))))
    return found


def roundest(low: int, high: int) -> int:
    """Return the number in [low, high) with the most zero bits at its end."""
    for bit in reversed(range(high.bit_length())):
        number = -(-low >> bit) << bit
        if low <= number < high:
            return number
    return low


def blame(course: Course, acts: list[Act]) -> None:
    """Name what may be the cause: a strange free, or who drew a border at the fault."""
    bad = course.bad
    if bad is None or bad.addr is None:
        return
    regions = (*course.s.memory.regions, *course.s.reserved.regions)
    near = [r for r in regions if r.base <= bad.addr <= r.end]
    borders = {x for r in near for x in (r.base, r.end)}
    why, suspects = bad.why, bad.suspects
    if course.strange:
        line = course.strange[-1]
        why, suspects = f"{why}; line {line} freed what was not", (*suspects, line)
    for call in reversed(calls_of(acts[: course.at])):
        earlier = call.line < bad.line or bad.file
        if earlier and borders & {call.base, call.base + call.size}:
            why = f"{why}; line {call.line} ({call.function}) drew its border"
            suspects = (*suspects, call.line)
            break
    course.bad = replace(bad, why=why, suspects=tuple(dict.fromkeys(suspects)))
