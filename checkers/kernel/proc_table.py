"""A verdict on /proc/zoneinfo as a reader likes it: what is equal folded by zone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from .proc_judge import Found
from .proc_row import EQUAL, UNKNOWN, WRONG, Row, shown

SHOWN = 12  # rows of one kind that are shown whole
COLUMNS = ("snapshot", "node", "zone", "fact", "seen", "computed", "")


def lines_of(found: Found, every: bool) -> list[str]:
    """Return the table: every row whole, or what is equal folded."""
    if not found.rows:
        return []
    lines = list(head(found))
    if every:
        return [*lines, *table([whole(row) for row in found.all])]
    lines += table(list(folded(found.rows)))
    lines += ways([row for row in found.rows if row.status == EQUAL])
    for title, rows in groups(found):
        lines.append(f"  {title}:")
        lines += table([whole(row) for row in rows[:SHOWN]], indent=4)
        if len(rows) > SHOWN:
            lines.append(f"    … {len(rows) - SHOWN} more; --rows shows all")
    return lines


def head(found: Found) -> Iterator[str]:
    """Yield what machine it is, and how many numbers were judged."""
    machine = found.machine
    if machine is not None:
        log = machine.log
        pages = sum(extent.present for extent in machine.extents.values())
        nodes = many(len(machine.nids), "node")
        cpus = many(log.cpus.value, "CPU") if log.cpus else "CPUs not said"
        kernel = log.banner.split()[0] if log.banner else "?"
        size = f"{pages >> 8:,} MiB present"
        formulas = f"formulas of Linux {machine.release.name}"
        yield f"  machine     Linux {kernel}, {nodes}, {cpus}, {size}; {formulas}"
    for title, rows in (
        (many(len(found.snapshots), "snapshot"), found.rows),
        ("boot log", found.log),
        ("use", found.own),
    ):
        kinds = (EQUAL, "explained", UNKNOWN, WRONG)
        tally = {kind: sum(row.status == kind for row in rows) for kind in kinds}
        said = ", ".join(f"{n:,} {kind}" for kind, n in tally.items() if n)
        yield f"  {title:<11} {many(len(rows), 'number')}: {said or 'none'}"


def many(count: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


def groups(found: Found) -> Iterator[tuple[str, list[Row]]]:
    """Yield the rows that are not equal, the worst first."""
    for status in (WRONG, UNKNOWN, "explained"):
        rows = [row for row in found.all if row.status == status]
        if rows:
            yield status, rows


# ------------------------------------------------------------------ folding

# What stands in one column, by the fact's name without its CPU and higher zone.
GROUPS = {
    "start_pfn": "start_pfn",
    "spanned": "spanned",
    "present": "present",
    "managed": "managed",
    "cma": "cma",
    "min": "min low high",
    "low": "min low high",
    "high": "min low high",
    "boost": "boost",
    "protection": "protection",
    "pageset high": "pageset",
    "pageset batch": "pageset",
    "pageset high_min": "pageset",
    "pageset high_max": "pageset",
    "promo": "promo",
    "pageset vm stats threshold": "threshold",
}


def folded(rows: Sequence[Row]) -> Iterator[tuple[str, ...]]:
    """Yield a line for each zone with its numbers that are equal throughout.

    Where snapshots or CPUs show different numbers, the least and the greatest stand;
    `*` is where a number is not equal, which is then shown whole.
    """
    names = list(dict.fromkeys(GROUPS.values()))
    known = [name for name in names if any(group_of(row) == name for row in rows)]
    yield ("node", "zone", "equal", *known)
    for key in dict.fromkeys((row.node, row.zone) for row in rows):
        own = [row for row in rows if (row.node, row.zone) == key]
        good = sum(row.status == EQUAL for row in own)
        cells = [cell([row for row in own if group_of(row) == name]) for name in known]
        yield (str(key[0]), key[1], f"{good}/{len(own)}", *cells)


def group_of(row: Row) -> str:
    """Return the column that a row belongs to."""
    return GROUPS.get(kind_of(row), "")


def kind_of(row: Row) -> str:
    """Return what a fact is called for all CPUs and higher zones."""
    if row.fact.startswith("cpu "):
        return f"pageset {row.fact.split(' ', 2)[2]}"
    return row.fact.split("[")[0]


def cell(rows: Sequence[Row]) -> str:
    """Return each number once; a range where it is not always the same."""
    seen: dict[str, list[int]] = {}
    for row in rows:
        if row.status == EQUAL:
            name = kind_of(row) if row.fact.startswith("cpu ") else row.fact
            seen.setdefault(name, []).append(row.seen)
    spans = ((min(each), max(each)) for each in seen.values())
    texts = [str(low) if low == high else f"{low}..{high}" for low, high in spans]
    odd = any(row.status != EQUAL for row in rows)
    return " ".join([*texts, *(["*"] if odd else [])]) or "-"


def ways(rows: Sequence[Row]) -> Iterator[str]:
    """Yield how the numbers of each column are computed."""
    columns: dict[str, dict[str, None]] = {}
    for row in rows:
        if row.how:
            columns.setdefault(row.how, {})[group_of(row)] = None
    for how, names in columns.items():
        yield f"  {', '.join(names)}: {how}"


def whole(row: Row) -> tuple[str, ...]:
    """Return a row with all that is known of it."""
    zone = row.zone or "-"
    said = f"{row.status}: {row.why}" if row.status != EQUAL else row.how
    place = f"  {row.place}" if row.status in (WRONG, UNKNOWN) else ""
    left = (row.snapshot, str(row.node), zone, row.fact)
    return (*left, str(row.seen), shown(row.due), f"{said}{place}")


def table(rows: list[tuple[str, ...]], indent: int = 2) -> list[str]:
    """Return rows as aligned columns."""
    if rows and len(rows[0]) == len(COLUMNS):
        rows = [COLUMNS, *rows]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    widths[-1] = 0
    pad = " " * indent
    return [
        pad + "  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip()
        for r in rows
    ]


def plain(extra: dict[str, Any]) -> dict[str, Any]:
    """Return what a machine reader gets, without the values that only a table needs."""
    return {key: each for key, each in extra.items() if key != "found"}
