"""What the numbers of a snapshot that count use must bear out among themselves.

Free pages, pageset counts and event counters follow from nothing in a boot log. But
some are printed twice, some have bounds, and some never fall from one snapshot to the
next.

Source: mm/vmstat.c:zoneinfo_show_print; mm/page_alloc.c:free_unref_page_commit (v5.10).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from mmoracle.spec.linux import MIGRATE_PCPTYPES

from .proc_course import Bounds
from .proc_machine import Machine
from .proc_row import EQUAL, EXPLAINED, WRONG, Row, shown
from .proc_rows import Snapshot
from .proc_settings import settings_of
from .zoneinfo import Number, Pageset, Zone

DRIFT = 1 << 12  # pages by which two readings may differ while other CPUs run
RISING = (
    "numa_hit",
    "numa_miss",
    "numa_foreign",
    "numa_interleave",
    "numa_local",
    "numa_other",
    "nr_dirtied",
    "nr_written",
    "nr_vmscan_write",
    "nr_vmscan_immediate_reclaim",
)
LISTS = ("inactive_anon", "active_anon", "inactive_file", "active_file", "unevictable")


def own_rows(machine: Machine, shots: Sequence[Snapshot]) -> Iterator[Row]:
    """Yield the rows about numbers that count use.

    Snapshots whose names differ in a number were made in the order of that number.
    """
    series: dict[str, dict[tuple[int, str, str], int]] = {}
    for shot in shots:
        last = series.setdefault(re.sub("[0-9]+", "0", shot.name), {})
        for zone in shot.zones:
            yield from free_rows(machine, shot, zone)
            yield from numa_rows(shot, zone)
            yield from count_rows(machine, shot, zone)
            yield from rising_rows(shot, zone, last)
        yield from list_rows(shot)


def row(
    shot: Snapshot, zone: Zone, fact: str, number: Number, due: int | Bounds, how: str
) -> Row:
    """Return a row: equal, or within its bounds."""
    low, high = due if isinstance(due, tuple) else (due, due)
    good = low <= number.value <= high
    return Row(
        str(shot.path),
        number.line,
        shot.name,
        zone.node,
        zone.name,
        fact,
        number.value,
        due,
        EQUAL if good else WRONG,
        how,
        "" if good else f"it must be {shown(due)}",
    )


def cpus_of(shot: Snapshot) -> int:
    """Return how many CPUs were running."""
    return max((len(zone.pagesets) for zone in shot.zones), default=1)


def free_rows(machine: Machine, shot: Snapshot, zone: Zone) -> Iterator[Row]:
    """Yield that free pages are the same twice, and no more than are managed."""
    free, managed = zone.facts["free"], zone.facts["managed"].value
    if "nr_free_pages" in zone.stats:
        again = zone.stats["nr_free_pages"]
        yield alike(shot, zone, "free", free, again.value, "nr_free_pages")
        yield alike(shot, zone, "nr_free_pages", again, free.value, "pages free")
    yield row(shot, zone, "free", free, (0, managed), "no more than managed")
    if "nr_free_cma" in zone.stats:
        most = machine.cma.get((zone.node, zone.name), 0)
        number = zone.stats["nr_free_cma"]
        yield row(shot, zone, "nr_free_cma", number, (0, most), "areas in the log")
    if "node_unreclaimable" in zone.facts:
        number = zone.facts["node_unreclaimable"]
        yield row(shot, zone, "node_unreclaimable", number, (0, 1), "yes or no")


def alike(
    shot: Snapshot, zone: Zone, fact: str, number: Number, due: int, how: str
) -> Row:
    """Return the row of a number that is read twice; other CPUs may come between."""
    found = row(shot, zone, fact, number, due, how)
    near = cpus_of(shot) > 1 and abs(number.value - due) <= DRIFT
    if found.status == WRONG and near:
        why = "another CPU took or gave pages between the two readings"
        found = replace(found, status=EXPLAINED, why=why)
    return found


def numa_rows(shot: Snapshot, zone: Zone) -> Iterator[Row]:
    """Yield that each allocation is a hit or a miss, and local or not."""
    said = [
        zone.stats.get(f"numa_{name}") for name in ("hit", "miss", "local", "other")
    ]
    if None in said:
        return
    hit, miss, local, other = (each for each in said if each is not None)
    how = "hits and misses are local and other ones together"
    due = local.value + other.value - miss.value
    yield alike(shot, zone, "numa_hit", hit, due, how)
    due = hit.value + miss.value - other.value
    yield alike(shot, zone, "numa_local", local, due, how)


def count_rows(machine: Machine, shot: Snapshot, zone: Zone) -> Iterator[Row]:
    """Yield that no pageset holds more than it may; a smaller high may be news."""
    written = settings_of(machine.log, shot.path).values
    for each in zone.pagesets:
        most = most_in(machine, zone, each)
        most = max(most, zone.facts["managed"].value) if written else most
        fact = f"cpu {each.cpu} count"
        how = "no more than high and a refill of each type"
        yield row(shot, zone, fact, each.facts["count"], (0, most), how)


def most_in(machine: Machine, zone: Zone, each: Pageset) -> int:
    """Return the most pages that a pageset may hold."""
    high, batch = each.facts["high"].value, each.facts["batch"].value
    if machine.release.high_by_low:  # high may have been higher a moment ago
        return max(2 * high, zone.facts["managed"].value // 8) + 64 * batch
    return high + MIGRATE_PCPTYPES * batch  # each type's list is filled by itself


def rising_rows(
    shot: Snapshot, zone: Zone, last: dict[tuple[int, str, str], int]
) -> Iterator[Row]:
    """Yield that no counter of events falls."""
    for fact in RISING:
        if fact in zone.stats:
            number, key = zone.stats[fact], (zone.node, zone.name, fact)
            if key in last:
                how = "no less than in the snapshot before"
                most = max(last[key], (1 << 64) - 1)
                yield row(shot, zone, fact, number, (last[key], most), how)
            last[key] = number.value


def list_rows(shot: Snapshot) -> Iterator[Row]:
    """Yield that a node's lists are its zones' together, where one CPU runs."""
    if cpus_of(shot) > 1:
        return
    for zone in shot.zones:
        own = [each for each in shot.zones if each.node == zone.node]
        for name in LISTS:
            if f"nr_{name}" in zone.stats:
                yield from sum_rows(shot, zone, own, name)


def sum_rows(
    shot: Snapshot, first: Zone, own: Sequence[Zone], name: str
) -> Iterator[Row]:
    """Yield the rows of one list: the node's number, and each zone's part of it."""
    number, part = first.stats[f"nr_{name}"], f"nr_zone_{name}"
    parts = {each.name: each.stats[part] for each in own if part in each.stats}
    total, slack = sum(each.value for each in parts.values()), drift(own)
    bounds = (max(0, total - slack), total + slack)
    how = f"{part} of its zones, as far as counters drift"
    yield row(shot, first, f"nr_{name}", number, bounds, how)
    for zone in own:
        if zone.name in parts:
            rest = number.value - total + parts[zone.name].value
            bounds = (max(0, rest - slack), max(0, rest) + slack)
            how = f"nr_{name} of its node, without other zones"
            yield row(shot, zone, part, parts[zone.name], bounds, how)


def drift(zones: Sequence[Zone]) -> int:
    """Return by how much one CPU's counters may be behind."""
    thresholds = [
        each.facts["vm stats threshold"].value
        for zone in zones
        for each in zone.pagesets
        if "vm stats threshold" in each.facts
    ]
    return sum(thresholds) + max(thresholds, default=0) + 1
