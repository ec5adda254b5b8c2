"""Printed tables of regions: the states they show, and where they contradict."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from mmoracle.spec.linux import MAX_NUMNODES, Addr, MemblockFlags
from mmoracle.spec.memblock.regions import (
    MIRROR,
    Config,
    Memblock,
    Region,
    Regions,
)
from mmoracle.spec.memblock.sets import common, joined, without

from .memblock_acts import Act, Bad, answer_fault, calls_of
from .memblock_log import Range, Row, Table

Span = tuple[int, int]
PAGE = 4096  # what memblock_trim_memory() cuts to, on the machines we read
UNBOUNDED = 1 << 20  # slots: the log itself says when an array doubles


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


def spans_of(rows: tuple[Row, ...]) -> list[Span]:
    """Return the addresses of a printed list."""
    return joined([(row.base, row.base + row.size) for row in rows])


def show(ranges: list[Span]) -> str:
    """Write ranges as the log does, the end included."""
    return ", ".join(f"[{a:#x}-{b - 1:#x}]" for a, b in ranges)


def table_fault(table: Table) -> Bad | None:
    """Return what contradicts itself in one table."""
    lists = (("memory", table.memory), ("reserved", table.reserved))
    for (name, rows), (line, count) in zip(lists, table.counts[:2], strict=False):
        if count != len(rows):
            why = f"{name}.cnt says {count}, {len(rows)} regions follow"
            return Bad(line, "MB-CAP", why)
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
        slack = 2 * PAGE * len(rows) if name == "memory" else 0
        if not held <= total <= held + slack:
            why = f"{name} size is {total:#x}, its regions hold {held:#x}"
            return Bad(table.sizes_line or table.line, "MB-SUM", why)
    return home_fault(table)


def home_fault(table: Table) -> Bad | None:
    """Return a reserved region that is on another node than its memory."""
    homes = [r for r in regions_of(table.memory) if r.nid != MAX_NUMNODES]
    for row in table.reserved:
        for r in homes if row.nid is not None else ():
            if r.base < row.base + row.size and row.base < r.end and r.nid != row.nid:
                why = f"{row.base:#x} is reserved on node {row.nid}, but is of {r.nid}"
                return Bad(row.line, "MB-NID", why)
    return None


def difference(
    name: str, due: list[Span], rows: tuple[Row, ...], line: int
) -> Bad | None:
    """Return the first row at which a printed list covers something else."""
    got = spans_of(rows)
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
    return whole_pages(due) == spans_of(rows)


def whole_pages(ranges: list[Span]) -> list[Span]:
    """Return the ranges cut to whole pages, as memblock_trim_memory() cuts memory."""
    return joined([(-(-a // PAGE) * PAGE, b // PAGE * PAGE) for a, b in ranges])


def early_fault(acts: list[Act], table: Table) -> Bad | None:
    """Return a call before the first table that the table contradicts."""
    sets = {"memory": spans_of(table.memory), "reserved": spans_of(table.reserved)}
    holding: dict[str, list[Span]] = {"memory": [], "reserved": []}
    lacking: dict[str, list[Span]] = {"memory": [], "reserved": []}
    odd = next((bad for act in acts if (bad := answer_fault(act)) is not None), None)
    odd = odd or twice(calls_of(acts))
    if odd is not None:
        return odd
    for call in reversed(calls_of(acts)):
        name = "memory" if call.what in ("add", "remove") else "reserved"
        span = (call.base, call.base + min(call.size, (1 << 64) - 1 - call.base))
        later = joined([*holding[name], *lacking[name]])
        fresh = without([span], later)
        if call.what in ("add", "reserve"):
            holding[name] += fresh
            due = whole_pages(fresh) if name == "memory" else fresh
            missing = without(due, sets[name])
        elif call.what in ("free", "remove"):
            lacking[name] += fresh
            missing = common(fresh, sets[name])
        else:
            continue
        if missing:
            why = f"{call.what} of {show(missing)} is not what the first table shows"
            return Bad(call.line, "MB-SET", why)
    return unexplained(calls_of(acts), holding["reserved"], sets["reserved"])


def twice(calls: list[Range]) -> Bad | None:
    """Return a block that was allocated although an earlier call had reserved it."""
    live: list[tuple[Span, int]] = []
    for call in calls:
        span = (call.base, call.base + call.size)
        if call.what == "free":
            live = [(part, line) for s, line in live for part in without([s], [span])]
        elif call.what == "reserve":
            for other, line in live if "memblock_alloc" in call.caller else ():
                if hit := common([span], [other]):
                    why = f"{show(hit)} was allocated, but line {line} reserved it"
                    return Bad(call.line, "MB-ALLOC", why, suspects=(line,))
            live.append((span, call.line))
    return None


def unexplained(calls: list[Range], said: list[Span], shown: list[Span]) -> Bad | None:
    """Return a hole of less than a page that no call reserved, between two that did.

    What was reserved before the log began is a kernel image, an initrd, a device tree;
    none of them fits between two blocks to the byte.
    """
    edges = {x for span in joined(said) for x in span}
    for start, end in without(shown, said):
        if end - start < PAGE and {start, end} <= edges:
            odd = {x for x in (start, end) if x % PAGE}
            for call in calls:
                if odd & {call.base, call.base + call.size}:
                    why = f"[{start:#x}-{end - 1:#x}] is reserved beside it, by no call"
                    return Bad(call.line, "MB-SET", why)
    return None
