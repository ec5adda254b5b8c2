"""What /proc/zoneinfo says of each zone: its place, marks, reserve and pagesets.

`read_zones` reads all of it and refuses what no kernel prints; `read_zoneinfo` looks
only for where the zones are.

Source: mm/vmstat.c:zoneinfo_show_print (v5.10 and v6.12).
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from os import PathLike

from .text import BadText, read_lines

_ZONE = re.compile(r"Node ([0-9]{1,9}), zone +([A-Za-z]\w*)\s*", re.ASCII)
_FACT = re.compile(r"\s+(spanned|start_pfn:) +([0-9]{1,20})\s*", re.ASCII)
_NUMBER = re.compile(r"(?:pages )?([A-Za-z_][\w ]{0,63}?):? +(-?[0-9]+)", re.ASCII)
_RESERVE = re.compile(r"protection: \((-?[0-9]+(?:, -?[0-9]+)*)\)", re.ASCII)

SIZES = ("spanned", "present", "managed")
MARKS = ("min", "low", "high")
_OWED = ("free", *MARKS, *SIZES)
_PAGESET = ("count", "high", "batch")
_HEADINGS = ("per-node stats", "pagesets")
WORD = 1 << 64


@dataclass(frozen=True, slots=True)
class Number:
    """A number and the line that says it."""

    value: int
    line: int


@dataclass(slots=True)
class Pageset:
    """What is printed of one CPU's pageset; the threshold is of its counters."""

    cpu: int
    line: int
    facts: dict[str, Number] = field(default_factory=dict)  # count, high, batch, ...


@dataclass(slots=True)
class Zone:
    """All that is printed of one zone, empty or not.

    `facts` has free, min, low, high, spanned, present, managed, and of a populated zone
    start_pfn; kernels after 5.10 add boost, promo and cma. `stats` are its counters.
    """

    node: int
    name: str
    line: int
    facts: dict[str, Number] = field(default_factory=dict)
    protection: tuple[Number, ...] = ()
    pagesets: list[Pageset] = field(default_factory=list)
    stats: dict[str, Number] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Return the words for this zone."""
        return f"node {self.node} zone {self.name}"

    def missing(self) -> str:
        """Return the first fact of a whole zone that this one lacks, or nothing."""
        for name in _OWED:
            if name not in self.facts:
                return name
        if not self.protection:
            return "protection"
        for each in self.pagesets:
            for name in _PAGESET:
                if name not in each.facts:
                    return f"{name} of cpu {each.cpu}"
        if self.stats and not self.pagesets:
            return "pagesets"
        if self.pagesets and "start_pfn" not in self.facts:
            return "start_pfn"
        return ""


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


# ------------------------------------------------------------------ all of it


def read_zones(path: str | PathLike[str]) -> tuple[Zone, ...]:
    """Return every zone of a /proc/zoneinfo; raise `BadText` if it is not whole."""
    zones: list[Zone] = []
    in_pagesets = False
    number = 0
    for number, line in enumerate(read_lines(path), 1):
        text = line.strip()
        if match := _ZONE.fullmatch(text):
            check_whole(path, zones, number - 1)
            zones.append(Zone(int(match[1]), match[2], number))
            in_pagesets = False
        elif text and not zones:
            raise BadText(path, number, "it is no /proc/zoneinfo: no 'Node N, zone Z'")
        elif text in _HEADINGS:
            in_pagesets = text == "pagesets"
        elif text:
            in_pagesets &= not text.startswith(("node_", "start_pfn"))
            take(path, number, text, zones[-1], in_pagesets)
    check_whole(path, zones, number)
    check_same_zones(path, zones)
    return tuple(zones)


def take(
    path: str | PathLike[str], number: int, text: str, zone: Zone, in_pagesets: bool
) -> None:
    """Take one line of a zone."""
    if match := _RESERVE.fullmatch(text):
        numbers = (small(path, number, each) for each in match[1].split(", "))
        once(path, number, "protection", bool(zone.protection))
        zone.protection = tuple(Number(value, number) for value in numbers)
        return
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise BadText(path, number, f"not a line of zoneinfo: {text[:60]!r}")
    name, value = match[1], small(path, number, match[2])
    if in_pagesets and name == "cpu":
        once(path, number, f"cpu {value}", value in {p.cpu for p in zone.pagesets})
        zone.pagesets.append(Pageset(value, number))
        return
    if in_pagesets and not zone.pagesets:
        raise BadText(path, number, f"{name!r} stands where 'cpu: N' should")
    kept = zone.pagesets[-1].facts if in_pagesets else facts_of(zone, text, name)
    once(path, number, name, name in kept)
    kept[name] = Number(value, number)


def facts_of(zone: Zone, text: str, name: str) -> dict[str, Number]:
    """Return where a number of a zone belongs: to its facts or to its counters."""
    fact = name in _OWED or name in ("boost", "promo", "cma") or ":" in text
    return zone.facts if fact else zone.stats


def small(path: str | PathLike[str], number: int, digits: str) -> int:
    """Return a number that a word can hold."""
    if len(digits) > 20 or not -WORD < int(digits) < WORD:
        raise BadText(path, number, "a number is larger than a word")
    return int(digits)


def once(path: str | PathLike[str], number: int, name: str, again: bool) -> None:
    """Refuse what is said a second time."""
    if again:
        raise BadText(path, number, f"{name} is there a second time")


def check_whole(path: str | PathLike[str], zones: list[Zone], line: int) -> None:
    """Refuse a file whose last zone breaks off."""
    if zones and (missing := zones[-1].missing()):
        raise BadText(path, line, f"{zones[-1].place} breaks off before {missing}")


def check_same_zones(path: str | PathLike[str], zones: list[Zone]) -> None:
    """Refuse nodes that have other zones than the reserves count."""
    if not zones:
        raise BadText(path, 0, "it is no /proc/zoneinfo: no zone is there")
    width = len(zones[0].protection)
    for at in range(0, len(zones), width):
        own = zones[at : at + width]
        usual = Counter(zone.node for zone in own).most_common(1)[0][0]
        for zone in own:
            if zone.node != usual:
                why = f"{zone.place} stands among the zones of node {usual}"
                raise BadText(path, zone.line, why)
            if len(zone.protection) != len(own):
                why = f"{zone.place} has {len(zone.protection)} reserves, its node"
                raise BadText(path, own[-1].line, f"{why} {len(own)} zones")
    place = Counter(zone.place for zone in zones)
    for zone in zones:
        if place[zone.place] > 1:
            raise BadText(path, zone.line, f"{zone.place} is there twice")
