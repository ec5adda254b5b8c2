"""What /proc showed while a trace was written must be a state that was passed through.

A snapshot is not made at one moment: each zone's line of buddyinfo, and each number of
pagetypeinfo, is read by itself between two marks of the trace.

Source: mm/vmstat.c:frag_show_print, pagetypeinfo_showfree_print (v5.10).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from .procfs import read_buddyinfo, read_pagetypeinfo

_MARK = re.compile(r"MARK snap (\w+) (begin|end)")
TYPES = {
    "Unmovable": "MIGRATE_UNMOVABLE",
    "Movable": "MIGRATE_MOVABLE",
    "Reclaimable": "MIGRATE_RECLAIMABLE",
    "HighAtomic": "MIGRATE_HIGHATOMIC",
    "CMA": "MIGRATE_CMA",
    "Isolate": "MIGRATE_ISOLATE",
}


class Lists(Protocol):
    """What a window asks of the machine's state."""

    def nr_free(self, node: int, zone: str) -> list[int] | None:
        """Return the free blocks of each order, none for a zone that is not there."""
        ...

    def of_type(self, node: int, zone: str, kind: str, order: int) -> int | None:
        """Return the free blocks of one type and order."""
        ...


@dataclass
class Window:
    """One snapshot: the lines and numbers that no state has matched yet."""

    name: str
    begun: int  # the entry of the mark
    rows: dict[tuple[int, str], list[int]] = field(default_factory=dict)
    cells: dict[tuple[int, str, str, int], tuple[int, bool]] = field(
        default_factory=dict
    )
    seen: int = 0

    def look(self, lists: Lists) -> None:
        """Strike out what the present state matches."""
        for zone, counts in list(self.rows.items()):
            now = lists.nr_free(*zone)
            if now is None:  # present, and all of it reserved
                now = [0] * len(counts)
            if now[: len(counts)] == counts:
                del self.rows[zone]
        for cell, (told, at_least) in list(self.cells.items()):
            real = lists.of_type(*cell)
            if real is not None and (real == told or (at_least and real >= told)):
                del self.cells[cell]

    def left(self) -> str:
        """Return the first line or number that no state matched, if there is one."""
        for (node, zone), counts in self.rows.items():
            return f"buddyinfo: node {node} zone {zone} shows {counts}"
        for (node, zone, kind, order), (told, _) in self.cells.items():
            where = f"node {node} zone {zone} type {kind} order {order}"
            return f"pagetypeinfo: {where} shows {told}"
        return ""


def mark(text: str) -> tuple[str, bool] | None:
    """Return the snapshot that a mark begins (true) or ends, if it does."""
    match = _MARK.fullmatch(text.strip())
    return (match[1], match[2] == "begin") if match else None


def window(folder: Path, name: str, entry: int) -> Window | None:
    """Return what one snapshot shows; none where there is no such snapshot."""
    found = Window(name, entry)
    buddy, types = folder / name / "buddyinfo", folder / name / "pagetypeinfo"
    if buddy.is_file():
        for row in read_buddyinfo(buddy):
            found.rows[row.node, row.zone] = list(row.counts)
    if types.is_file():
        for free in read_pagetypeinfo(types).free:
            for order, cell in enumerate(zip(free.counts, free.at_least, strict=True)):
                if free.type in TYPES:
                    found.cells[free.node, free.zone, free.type, order] = cell
    found.seen = len(found.rows) + len(found.cells)
    return found if found.seen else None
