"""The rows of a verdict on /proc/zoneinfo: each number beside the one it must be."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .proc_course import Bounds, Candidate, Look, choose, fits
from .proc_facts import pageset_candidates, reserve_candidates, threshold_candidates
from .proc_machine import Machine, Moments, Pages, assignments, moments
from .proc_marks import (
    ADDED,
    MARKS,
    choose_marks,
    mark_candidates,
    number_of,
    with_boosts,
)
from .proc_row import (
    EQUAL,
    EXPLAINED,
    UNKNOWN,
    WRONG,
    Row,
    shown,
    with_reason,
)
from .proc_settings import settings_of
from .zoneinfo import Number, Zone, read_zones

MOST_FRAMES = 1 << 52


@dataclass
class Snapshot:
    """One zoneinfo."""

    path: Path
    name: str
    zones: tuple[Zone, ...]


def read_snapshot(path: Path, root: Path) -> Snapshot:
    """Read one zoneinfo; it is called by its folder below the record's."""
    parts = [each for each in path.relative_to(root).parts if each != "proc"]
    if len(parts) > 1 and re.fullmatch(r"zoneinfo(\.(txt|xz|gz))?", parts[-1]):
        parts.pop()
    return Snapshot(path, "/".join(parts), read_zones(path))


# ------------------------------------------------------------------ one snapshot


@dataclass
class Writer:
    """What is the same for all rows of one snapshot."""

    machine: Machine
    shot: Snapshot
    look: Look

    def row(
        self, zone: Zone, fact: str, number: Number, due: int | Bounds | None, how: str
    ) -> Row:
        """Return a row: equal or not, as it stands."""
        good = due is not None and fits(due, number.value)
        status = EQUAL if good else UNKNOWN if due is None else WRONG
        why = "" if good or due is None else f"it must be {shown(due)}"
        if status == WRONG and not self.machine.own:
            status = UNKNOWN
            why = f"{why} on {self.machine.release.name}, and Linux "
            why += f"{self.machine.log.banner[:24]} is not modelled"
        file = str(self.shot.path)
        return Row(
            file,
            number.line,
            self.shot.name,
            zone.node,
            zone.name,
            fact,
            number.value,
            due,
            status,
            how,
            why,
        )

    def judged(
        self,
        zone: Zone,
        fact: str,
        number: Number,
        by: Candidate,
        plain: Candidate,
        why: str = "",
    ) -> Row:
        """Return a row of a course; what `plain`, Linux's own, gives needs none."""
        name = (zone.node, zone.name, fact)
        due = plain.due.get(name)
        if due is not None and fits(due, number.value):
            return self.row(zone, fact, number, due, plain.how)
        row = self.row(zone, fact, number, by.due.get(name), by.how)
        reason = why or by.why
        return with_reason(row, reason) if reason else row


def snapshot_rows(machine: Machine, shot: Snapshot) -> list[Row]:
    """Return the rows of one zoneinfo.

    Where the log does not tell which zone got freed memory, the way that most numbers
    agree with holds.
    """
    odd = list(zone_set_rows(machine, shot))
    known = [zone for zone in shot.zones if zone.name in machine.layout.names]
    shot = Snapshot(shot.path, shot.name, tuple(known))
    settings = settings_of(machine.log, shot.path)
    best: list[Row] | None = None
    for at in managed_then(machine, shot.zones):
        hot = added(machine, shot.zones, at)
        w = Writer(machine, shot, Look(machine, shot.zones, at, settings, hot))
        rows = list(number_rows(w, at))
        if best is None or differing(rows) < differing(best):
            best = rows
    return [*odd, *(best or [])]


def differing(rows: list[Row]) -> int:
    """Return how many numbers are wrong or need a reason, a wrong one counting more."""
    wrong = sum(row.status == WRONG for row in rows)
    return 1000 * wrong + sum(row.status == EXPLAINED for row in rows)


def number_rows(w: Writer, at: Moments) -> Iterator[Row]:
    """Yield the rows of all numbers, managed pages being what they were."""
    yield from place_rows(w)
    yield from managed_rows(w, at)
    yield from mark_rows(w)
    yield from course_rows(w, reserves_seen, list(reserve_candidates(w.look)))
    yield from pageset_rows(w)


def managed_then(machine: Machine, zones: Sequence[Zone]) -> list[Moments]:
    """Return the managed pages at each moment, in the ways that zoneinfo agrees with.

    Where the log does not tell what was free at first, zoneinfo's own count stands in,
    and agrees with all.
    """
    seen = {(z.node, z.name): z.facts["managed"].value for z in zones}
    best, found = -1, list[Moments]()
    for way in assignments(machine):
        base = machine.base if machine.base is not None else backwards(seen, way)
        at = moments(machine, base, way)
        good = sum(at.now.get(key, 0) == pages for key, pages in seen.items())
        found = [*found, at] if good == best else [at] if good > best else found
        best = max(best, good)
    return found


def added(machine: Machine, zones: Sequence[Zone], at: Moments) -> Pages:
    """Return the pages of whole blocks that zones have more than the boot gave them."""
    found: Pages = {}
    for zone in zones:
        key = (zone.node, zone.name)
        extent, facts = machine.extent(key), zone.facts
        more = facts["present"].value - extent.present
        managed = facts["managed"].value - at.now.get(key, 0)
        longer = facts["spanned"].value - extent.spanned
        same = more == managed if machine.base is not None else not managed
        if 0 < more <= longer and same and more % ADDED == 0:
            found[key] = more
            at.now[key] = facts["managed"].value
    return found


def backwards(seen: Pages, way: tuple[Pages, ...]) -> Pages:
    """Return what was managed before later memory was."""
    base = dict(seen)
    for pages in way:
        for key, count in pages.items():
            base[key] = max(0, base.get(key, 0) - count)
    return base


def zone_set_rows(machine: Machine, shot: Snapshot) -> Iterator[Row]:
    """Yield a row for each zone or node that should be there, or should not."""
    nodes: dict[int, list[Zone]] = {}
    for zone in shot.zones:
        nodes.setdefault(zone.node, []).append(zone)
    for own in nodes.values():
        for zone, name in zip(own, machine.layout.names, strict=False):
            if zone.name != name:
                yield odd_row(shot, zone, f"the log's zone ranges have {name} here")
        if len(own) != machine.layout.count:
            why = f"a node has {machine.layout.count} zones by the log's zone ranges"
            yield odd_row(shot, own[-1], why)
    for node in machine.nids:
        if node not in nodes:
            why = f"node {node} has memory by the log, and is not here"
            yield odd_row(shot, shot.zones[-1], why)
    first = next((zone for zone in shot.zones if zone.pagesets), shot.zones[0])
    cpus = [each.cpu for each in first.pagesets]
    if machine.log.cpus is not None and machine.log.cpus.value == len(cpus):
        cpus = list(range(len(cpus)))
    for zone in shot.zones:
        if zone.facts["present"].value and not zone.pagesets:
            line = zone.facts["present"].line
            yield odd_row(shot, zone, "pages are present, but no pagesets shown", line)
        own_cpus = [each.cpu for each in zone.pagesets]
        if zone.pagesets and own_cpus != cpus:
            line = next(
                (
                    p.line
                    for p, c in zip(zone.pagesets, cpus, strict=False)
                    if p.cpu != c
                ),
                zone.line,
            )
            why = f"its CPUs are {own_cpus}, they should be {cpus}"
            yield odd_row(shot, zone, why, line)


def odd_row(shot: Snapshot, zone: Zone, why: str, line: int = 0) -> Row:
    """Return a row about which zones, nodes and CPUs there are."""
    file, at = str(shot.path), line or zone.line
    head = (file, at, shot.name, zone.node, zone.name)
    return Row(*head, "zones", 0, None, WRONG, "", why)


def place_rows(w: Writer) -> Iterator[Row]:
    """Yield where each zone lies and how many frames it has."""
    how = "zone ranges and memory of the nodes, by the log"
    for zone in w.shot.zones:
        key = (zone.node, zone.name)
        extent, hot = w.machine.extent(key), w.look.hot.get(key, 0)
        due: dict[str, int | Bounds] = {
            "start_pfn": extent.start,
            "spanned": extent.spanned,
            "present": extent.present + hot,
        }
        if hot:
            due["start_pfn"] = (0, extent.start or MOST_FRAMES)
            due["spanned"] = (extent.spanned + hot, MOST_FRAMES)
        for fact, number in due.items():
            if fact in zone.facts:
                row = w.row(zone, fact, zone.facts[fact], number, how)
                yield with_reason(row, added_why(hot)) if hot else row


def added_why(pages: int) -> str:
    """Return the reason of a zone's growth."""
    return f"memory was added: {pages // ADDED} blocks of 128 MiB"


def managed_rows(w: Writer, at: Moments) -> Iterator[Row]:
    """Yield the managed pages: free at first, and what was freed since."""
    lines = ", ".join(str(each.line) for each in w.machine.later)
    how = w.machine.base_from
    how += f" and what lines {lines} free" if lines else ""
    for zone in w.shot.zones:
        key = (zone.node, zone.name)
        due = at.now.get(key, 0) if w.machine.base is not None else None
        if not w.look.present(key):
            due = 0
        row = w.row(zone, "managed", zone.facts["managed"], due, how)
        if row.status == UNKNOWN and due is None:
            why = "the log does not say what was free: no memblock=debug"
            row = replace(row, how="zoneinfo's own count", why=why)
        hot = w.look.hot.get(key, 0)
        yield with_reason(row, added_why(hot)) if hot else row
        if "cma" in zone.facts:
            count = w.machine.cma.get(key, 0)
            yield w.row(zone, "cma", zone.facts["cma"], count, "areas in the log")
    if w.machine.base is None and w.machine.free_said is not None:
        yield all_managed_row(w)


def all_managed_row(w: Writer) -> Row:
    """Return the row of all managed pages together, where no zone's alone is known."""
    said, machine = w.machine.free_said, w.machine
    assert said is not None
    later = sum(sum(each.ways[0].values()) for each in machine.later)
    later += sum(w.look.hot.values())
    due, seen = said.value + later, sum(z.facts["managed"].value for z in w.shot.zones)
    zone = max(w.shot.zones, key=lambda zone: zone.facts["managed"].value)
    number = Number(seen, zone.facts["managed"].line)
    how = f"line {said.line} and what was freed since"
    return w.row(zone, "managed in all zones", number, due, how)


def mark_rows(w: Writer) -> Iterator[Row]:
    """Yield the marks; a boost is told, where it may be one."""
    candidates = list(mark_candidates(w.look))
    best, boosts = choose_marks(w.look, candidates)
    lifted, plain = with_boosts(best, boosts), candidates[0]
    for zone in w.shot.zones:
        key = (zone.node, zone.name)
        boost = boosts.get(key, 0)
        printed = "boost" in zone.facts
        why = f"boosted by {boost}" if boost and not printed else best.why
        if boost and printed:
            plain = with_boosts(candidates[0], {key: boost})
        for fact in MARKS:
            if fact in zone.facts:
                yield w.judged(zone, fact, zone.facts[fact], lifted, plain, why)
        if printed:
            yield boost_row(w, zone, boost)
        gap = number_of(best, key, "low") - number_of(best, key, "min")
        yield from threshold_rows(w, zone, gap)


def boost_row(w: Writer, zone: Zone, boost: int) -> Row:
    """Return the row of a boost that is printed: by so much the marks are raised."""
    row = w.row(zone, "boost", zone.facts["boost"], boost, "boost_watermark")
    why = "raised against fragmentation, as far as boost_watermark() may"
    return with_reason(row, why) if boost else row


def threshold_rows(w: Writer, zone: Zone, gap: int) -> Iterator[Row]:
    """Yield the thresholds of the counters of a zone's CPUs."""
    fact = "vm stats threshold"
    seen = {
        (zone.node, zone.name, f"cpu {each.cpu} {fact}"): each.facts[fact].value
        for each in zone.pagesets
        if fact in each.facts
    }
    candidates = list(threshold_candidates(w.look, zone, gap))
    best = choose(candidates, seen)
    for each in zone.pagesets:
        if fact in each.facts:
            name = f"cpu {each.cpu} {fact}"
            yield w.judged(zone, name, each.facts[fact], best, candidates[0])


def reserves_seen(zone: Zone) -> Iterator[tuple[str, Number]]:
    """Yield the reserves of a zone."""
    for at, number in enumerate(zone.protection):
        yield f"protection[{at}]", number


def sizes_seen(zone: Zone) -> Iterator[tuple[str, Number]]:
    """Yield the sizes of a zone's pagesets."""
    for each in zone.pagesets:
        for fact in ("high", "high_min", "high_max", "batch"):
            if fact in each.facts:
                yield f"cpu {each.cpu} {fact}", each.facts[fact]


def course_rows(w: Writer, facts: object, candidates: list[Candidate]) -> Iterator[Row]:
    """Yield the rows of some facts, by the course that most of them agree with."""
    assert callable(facts)
    seen = {
        (zone.node, zone.name, fact): number.value
        for zone in w.shot.zones
        for fact, number in facts(zone)
    }
    best = choose(candidates, seen)
    for zone in w.shot.zones:
        for fact, number in facts(zone):
            yield w.judged(zone, fact, number, best, candidates[0])


def pageset_rows(w: Writer) -> Iterator[Row]:
    """Yield the sizes of the pagesets; a high that moves is explained by its bounds."""
    idle = {
        (zone.node, zone.name, f"cpu {each.cpu} high")
        for zone in w.shot.zones
        for each in zone.pagesets
        if each.facts["high"].value == each.facts["count"].value == 0
    }
    for row in course_rows(w, sizes_seen, list(pageset_candidates(w.look))):
        if w.machine.release.high_moves and (row.node, row.zone, row.fact) in idle:
            why = "it is 0 until the pageset is used for the first time"
            yield replace(row, status=EXPLAINED, why=why)
            continue
        moves = isinstance(row.due, tuple) and row.due[0] < row.due[1]
        why = "nr_pcp_alloc and nr_pcp_free move it between these bounds"
        yield with_reason(row, why) if moves else row
