"""Where the zones of a machine are, as its /proc/zoneinfo says.

Source: mm/vmstat.c:zoneinfo_show_print (v5.10).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from os import PathLike

from .text import BadText, read_lines

_ZONE = re.compile(r"Node ([0-9]{1,9}), zone +([A-Za-z]\w*)\s*", re.ASCII)
_FACT = re.compile(r"\s+(spanned|start_pfn:) +([0-9]{1,20})\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class ZoneRow:
    """One zone that has frames."""

    node: int
    name: str
    start: int
    spanned: int

    @property
    def frames(self) -> range:
        """Return the frames that the zone spans."""
        return range(self.start, self.start + self.spanned)


def read_zoneinfo(path: str | PathLike[str]) -> tuple[ZoneRow, ...]:
    """Return the zones that have frames; raise `BadText` if the file has none."""
    found: list[tuple[int, str, dict[str, int]]] = []
    for line in read_lines(path):
        zone, fact = _ZONE.fullmatch(line), _FACT.fullmatch(line)
        if zone is not None:
            found.append((int(zone[1]), zone[2], {}))
        elif fact is not None and found:
            found[-1][2].setdefault(fact[1], int(fact[2]))
    rows = [
        ZoneRow(node, name, facts["start_pfn:"], facts["spanned"])
        for node, name, facts in found
        if facts.get("spanned") and "start_pfn:" in facts
    ]
    if not rows:
        raise BadText(path, 0, "it is no /proc/zoneinfo: no zone has frames")
    return tuple(rows)
