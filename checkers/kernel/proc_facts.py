"""The reserves, pagesets and thresholds of a zoneinfo, for each possible course.

Source: mm/page_alloc.c:setup_per_zone_lowmem_reserve, pageset_set_high_and_batch;
mm/vmstat.c:refresh_zone_stat_thresholds (v5.10), zone_highsize (v6.1, v6.12).
"""

from __future__ import annotations

from collections.abc import Iterator

from mmoracle.spec.zones import marks, pagesets

from .boot_log import PAGE_SHIFT
from .proc_course import Bounds, Candidate, Look, Name
from .proc_machine import Pages
from .proc_marks import choose_marks, mark_candidates, number_of
from .zoneinfo import Zone

MOST_THRESHOLD = 125

# ------------------------------------------------------------------ reserves


def reserve_candidates(x: Look) -> Iterator[Candidate]:
    """Yield the courses that the reserves may have taken."""
    how = "setup_per_zone_lowmem_reserve"
    own = x.machine.layout.ratios
    ratios = x.settings.ratios(own)
    yield reserved(x, x.at.marks, own, f"{how}, managed pages as at the marks")
    if ratios != own:
        what = f"{how}, managed pages of now, ratios as {x.settings.source} says"
        yield reserved(x, x.at.now, ratios, what)
    why = "computed again when lowmem_reserve_ratio was read or written"
    why = "memory was added" if x.hot else why
    yield reserved(x, x.at.now, own, f"{how}, managed pages of now", why)


def reserved(
    x: Look, managed: Pages, ratios: tuple[int, ...], how: str, why: str = ""
) -> Candidate:
    """Return all reserves, by the highest zone of a request."""
    names = x.machine.layout.names
    due: dict[Name, int | Bounds] = {}
    for zone in x.zones:
        row = tuple(managed.get((zone.node, name), 0) for name in names)
        index = x.machine.layout.index(zone.name)
        for at, pages in enumerate(marks.lowmem_reserve(row, ratios, index)):
            due[zone.node, zone.name, f"protection[{at}]"] = pages
    return Candidate(how, why, due)


# ------------------------------------------------------------------ pagesets


def pageset_candidates(x: Look) -> Iterator[Candidate]:
    """Yield the courses that the pagesets' sizes may have taken."""
    if x.machine.release.high_by_low:
        yield from tuned_candidates(x)
        return
    how = "zone_batchsize, managed pages"
    yield sized(x, x.at.pagesets, 0, f"{how} at page_alloc_init_late")
    if x.settings.fraction:
        said = f"percpu_pagelist_fraction {x.settings.fraction}"
        what = f"{said} as {x.settings.source} says, managed pages of now"
        yield sized(x, x.at.now, x.settings.fraction, what)
    if x.hot:
        managed = {k: (x.at.now if k in x.hot else x.at.pagesets)[k] for k in x.at.now}
        yield sized(x, managed, 0, f"{how} when memory was added", "memory was added")
    why = "a kernel without deferred page descriptors"
    yield sized(x, x.at.plain, 0, f"{how} at mem_init", why)
    why = "computed again when percpu_pagelist_fraction was written"
    yield sized(x, x.at.now, 0, f"{how} of now", why)


def sized(x: Look, managed: Pages, fraction: int, how: str, why: str = "") -> Candidate:
    """Return high and batch of every pageset."""
    due: dict[Name, int | Bounds] = {}
    for zone in x.zones:
        pages = managed.get((zone.node, zone.name), 0)
        high, batch = pagesets.pageset_limits(pages, fraction)
        for each in zone.pagesets:
            due[zone.node, zone.name, f"cpu {each.cpu} high"] = high
            due[zone.node, zone.name, f"cpu {each.cpu} batch"] = batch
    return Candidate(how, why, due)


def tuned_candidates(x: Look) -> Iterator[Candidate]:
    """Yield the courses of kernels in which high follows the low mark.

    From 6.7 on it moves by itself between that and an eighth of the zone.
    """
    best, _ = choose_marks(x, list(mark_candidates(x)))
    how = f"zone_highsize and zone_batchsize of {x.machine.release.name}"
    yield tuned(x, best, 0, how)
    if fraction := x.settings.one("percpu_pagelist_high_fraction"):
        said = f"percpu_pagelist_high_fraction {fraction} as {x.settings.source} says"
        yield tuned(x, best, fraction, f"{how}, {said}")


def tuned(x: Look, by: Candidate, fraction: int, how: str) -> Candidate:
    """Return high and batch of every pageset; `by` are the marks they follow."""
    due: dict[Name, int | Bounds] = {}
    for zone in x.zones:
        key = (zone.node, zone.name)
        pages = (x.at.now if fraction or x.hot else x.at.marks).get(key, 0)
        batch = max(1, pagesets.zone_batchsize(pages))
        cpus = x.settings.cpus_of(zone.node, len(zone.pagesets))
        low = number_of(by, key, "low")
        least = max((pages // fraction if fraction else low) // cpus, 4 * batch)
        moves = x.machine.release.high_moves and not fraction
        most = max(pages // pagesets.MIN_FRACTION // cpus, 4 * batch)
        most = most if moves else least
        for each in zone.pagesets:
            name = f"cpu {each.cpu}"
            due[(*key, f"{name} high")] = (least, most) if moves else least
            due[(*key, f"{name} high_min")] = least
            due[(*key, f"{name} high_max")] = most
            due[(*key, f"{name} batch")] = batch
    return Candidate(how, "", due)


def threshold_candidates(x: Look, zone: Zone, gap: int) -> Iterator[Candidate]:
    """Yield the courses of one zone's counter thresholds; `gap` is low - min."""
    cpus = max(1, len(zone.pagesets))
    how = "refresh_zone_stat_thresholds"
    why = "computed again, by kswapd or for added memory, from the pages of now"
    for managed, reason in ((x.at.marks, ""), (x.at.now, why)):
        pages = managed.get((zone.node, zone.name), 0)
        number = normal_threshold(pages, cpus)
        yield Candidate(how, reason, every_cpu(zone, number))
    number = min(MOST_THRESHOLD, max(1, gap // cpus))
    why = "kswapd is awake: calculate_pressure_threshold"
    yield Candidate(how, why, every_cpu(zone, number))


def normal_threshold(managed: int, cpus: int) -> int:
    """Return how far a CPU's counters may drift: calculate_normal_threshold()."""
    blocks = managed >> 27 - PAGE_SHIFT
    return min(MOST_THRESHOLD, 2 * cpus.bit_length() * (1 + blocks.bit_length()))


def every_cpu(zone: Zone, number: int) -> dict[Name, int | Bounds]:
    """Return one number for all pagesets of a zone."""
    return {
        (zone.node, zone.name, f"cpu {each.cpu} vm stats threshold"): number
        for each in zone.pagesets
    }
