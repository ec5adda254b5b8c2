"""What a boot log says of zones must follow from its own memory ranges, too.

These rows are about the log's own lines; the rows about zoneinfo are counted apart.

Source: mm/page_alloc.c:free_area_init, free_area_init_core, zone_pcp_init,
build_all_zonelists, mem_init_print_info (v5.10).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from mmoracle.spec.memblock.sets import joined, without
from mmoracle.spec.zones import pagesets, spans

from .boot_log import K, Reckoned
from .proc_free import Frames
from .proc_machine import MARKS, V5_10, Key, Machine, due_starts
from .proc_row import EQUAL, EXPLAINED, UNKNOWN, WRONG, Row
from .proc_rows import Snapshot
from .zoneinfo import Number

LOG = "boot log"
# Pages of page tables that x86_64 takes between memblock_free_all and the line of
# mem_init, with four and with five levels: arch/x86/mm/init_64.c (v5.10).
VMALLOC_TABLES = (64, 50)
INIT_MEMORY = ("unused kernel image (initmem)", "unused kernel")


def log_rows(machine: Machine) -> Iterator[Row]:
    """Yield a row for each number of the log that follows from others."""
    for line, why in machine.log.odd:
        place = (machine.log.path, line, LOG, 0, "")
        yield Row(*place, "line", 0, None, WRONG, "", why)
    yield from range_rows(machine)
    yield from movable_rows(machine)
    yield from total_rows(machine)
    yield from reckoned_rows(machine)
    yield from memory_rows(machine)
    yield from freed_rows(machine)


def row(
    machine: Machine, number: Number, due: int, key: Key, fact: str, how: str
) -> Row:
    """Return a row about a line of the log."""
    status = EQUAL if number.value == due else WRONG if machine.own else UNKNOWN
    why = "" if status == EQUAL else f"it must be {due:#x}" if is_pfn(fact) else ""
    if status != EQUAL and not why:
        why = f"it must be {due}"
    file = machine.log.path
    return Row(file, number.line, LOG, *key, fact, number.value, due, status, how, why)


def is_pfn(fact: str) -> bool:
    """Say whether a fact is a frame number, which reads better in hexadecimal."""
    return fact.endswith(("start", "end"))


def range_rows(machine: Machine) -> Iterator[Row]:
    """Yield that zones and nodes cover the same frames, those that memblock has."""
    zones = [zone for zone in machine.log.zones.values() if zone.pages]
    if not zones or not machine.memory:
        return
    if machine.early.known:
        yield from memory_range_rows(machine)
    for low, high in pairwise(zones):
        how = "where the zone before it ends"
        number = Number(high.start, high.line)
        yield row(machine, number, low.end, (0, ""), "zone start", how)
    how = "the memory of all nodes"
    first = min(zones, key=lambda zone: zone.start)
    last = max(zones, key=lambda zone: zone.end)
    start = min(r.start for r in machine.memory)
    end = max(r.end for r in machine.memory)
    yield row(
        machine, Number(first.start, first.line), start, (0, ""), "first start", how
    )
    yield row(machine, Number(last.end, last.line), end, (0, ""), "last end", how)


def memory_range_rows(machine: Machine) -> Iterator[Row]:
    """Yield the ends of each range of memory, by memblock's list of memory."""
    how = "memblock's list of memory"
    due = sorted(edges(machine.early.memory))
    seen = edges(joined([(r.start, r.end) for r in machine.memory]))
    for nid, span in machine.log.nodes:
        for at, fact in ((span.start, "start"), (span.end, "end")):
            if at in seen:
                close = nearest(due, at)
                yield row(machine, Number(at, span.line), close, (nid, ""), fact, how)


def nearest(due: list[int], at: int) -> int:
    """Return the number that is closest to one."""
    return min(due, key=lambda edge: abs(edge - at), default=0)


def edges(frames: list[Frames]) -> set[int]:
    """Return where ranges begin and end."""
    return {edge for span in frames for edge in span}


def movable_rows(machine: Machine) -> Iterator[Row]:
    """Yield where ZONE_MOVABLE begins, by the command line."""
    due, said = due_starts(machine), machine.log.movable
    how = "find_zone_movable_pfns_for_nodes, by the command line"
    if machine.log.option("kernelcore") == "mirror":
        return
    for nid in sorted({*due, *said}):
        number = said.get(nid) or Number(0, machine.log.words_line)
        key = (nid, "Movable")
        yield row(machine, number, due.get(nid, 0), key, "start", how)


def total_rows(machine: Machine) -> Iterator[Row]:
    """Yield the pages of each node."""
    for nid, number in machine.log.totalpages.items():
        due = sum(e.present for key, e in machine.extents.items() if key[0] == nid)
        yield row(machine, number, due, (nid, ""), "totalpages", "present pages")


def provisional(machine: Machine, key: Key) -> int:
    """Return a zone's managed pages as they are reckoned at first."""
    extent, layout = machine.extent(key), machine.layout
    if not machine.release.memmap_counts:
        return extent.present
    said = machine.log.reckoned.get(key, Reckoned()).reserved
    first = layout.index(key[1]) == 0
    reserve = said.value if said is not None else x86_reserve(machine, key)
    highmem = layout.index(key[1]) in machine.highmem
    pages = memmap(machine, key)
    return spans.provisional(extent.present, pages, first, highmem, reserve)


def x86_reserve(machine: Machine, key: Key) -> int:
    """Return what x86 takes off its first zone: memblock_find_dma_reserve()."""
    if not machine.log.x86_64 or machine.base is None:
        return 0
    return machine.extent(key).present - machine.base.get(key, 0)


def reckoned_rows(machine: Machine) -> Iterator[Row]:
    """Yield what is printed of each zone before any page is free."""
    for key, said in machine.log.reckoned.items():
        extent = machine.extent(key)
        reserve = sum(x86_reserve(machine, (nid, key[1])) for nid in machine.nids)
        numbers = (
            ("used for memmap", said.memmap, memmap(machine, key), "calc_memmap_size"),
            ("reserved", said.reserved, reserve, "dma_reserve: not free below 16 MiB"),
            ("pages", said.present, extent.present, "present pages"),
            ("batch", said.batch, batch(machine, key), "zone_batchsize of its pages"),
        )
        for fact, number, due, how in numbers:
            known = fact != "reserved" or machine.base is not None
            if number is not None and known:
                yield row(machine, number, due, key, fact, how)
    if machine.log.built is not None and (said_all(machine) or machine.base):
        due = sum(provisional(machine, key) for key in machine.extents)
        how = "what is reckoned of all zones"
        yield row(machine, machine.log.built, due, (0, ""), "Total pages", how)


def said_all(machine: Machine) -> bool:
    """Say whether the log tells what is taken off the first zones."""
    return not machine.release.memmap_counts or bool(machine.log.reckoned)


def memmap(machine: Machine, key: Key) -> int:
    """Return the pages that a zone's page descriptors are reckoned to take."""
    extent = machine.extent(key)
    size = machine.log.page_struct
    return spans.memmap_pages(extent.spanned, extent.present, page_struct=size)


def batch(machine: Machine, key: Key) -> int:
    """Return the batch of the pages that are reckoned at first."""
    return pagesets.zone_batchsize(provisional(machine, key))


def memory_rows(machine: Machine) -> Iterator[Row]:
    """Yield the line of mem_init: total, available, reserved, set aside for CMA."""
    said = machine.log.memory
    for span in machine.log.cma if machine.early.known else ():
        if without([(span.start, span.end)], machine.early.reserved):
            place = (machine.log.path, span.line, LOG, 0, "")
            why = "memblock has not reserved all of this area"
            yield Row(*place, "cma area", 0, None, WRONG, "", why)
    if not said:
        return
    total = sum(extent.present for extent in machine.extents.values()) * K
    area = sum(span.pages for span in machine.log.cma) * K
    due = {"total": (total, "present pages"), "cma-reserved": (area, "cma areas")}
    if machine.base is not None and machine.early.known:
        line = said["total"].line
        first = (e for e in machine.later if e.since <= MARKS and e.line < line)
        freed = sum(sum(each.ways[0].values()) for each in first if each.what != "cma")
        free = (sum(machine.base.values()) + freed) * K
        how = "what memblock leaves free"
        due["reserved"] = total - free - area, f"all but {how}"
        if machine.release is V5_10 and not machine.log.deferred:
            tables = [pages * K for pages in VMALLOC_TABLES]
            taken = tables if machine.log.x86_64 else [0]
            left = {free - each for each in taken}
            seen = said["available"].value
            due["available"] = seen if seen in left else max(left), how
    for fact, (kbytes, how) in due.items():
        if fact in said:
            yield row(machine, said[fact], kbytes, (0, ""), f"Memory: {fact}", how)


def cpu_rows(machine: Machine, shots: Sequence[Snapshot]) -> Iterator[Row]:
    """Yield how many CPUs were brought up, by the pagesets of each snapshot."""
    number = machine.log.cpus
    for shot in shots if number is not None else ():
        cpus = max((len(zone.pagesets) for zone in shot.zones), default=0)
        assert number is not None
        found = row(machine, number, cpus, (0, ""), "CPUs", f"pagesets in {shot.name}")
        if found.status != EQUAL:
            why = f"{shot.name} shows {cpus}: CPUs came or went since"
            found = replace(found, status=EXPLAINED, why=why)
        yield found


def freed_rows(machine: Machine) -> Iterator[Row]:
    """Yield what is freed late and has its size in another line, too."""
    log = machine.log
    for freed in log.freed:
        number = Number(freed.pages, freed.line)
        if freed.what == "initrd" and log.ramdisk:
            span = log.ramdisk[-1]
            how = f"the RAMDISK of line {span.line}"
            yield row(machine, number, span.pages, (0, ""), "initrd", how)
        if freed.what in INIT_MEMORY and "init" in log.memory:
            pages = log.memory["init"].value // K
            how = f"the init memory of line {log.memory['init'].line}"
            yield row(machine, number, pages, (0, ""), "init memory", how)
