"""What must hold in a memory image besides the specification's invariants.

An image says many things twice: lists and `struct page`, counters and lists, zones and
sections.  Each rule compares two of them.

Source: include/linux/mm_types.h, include/linux/page-flags.h, mm/page_alloc.c (v5.10).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from mmoracle.spec.buddy.pcp import zone_batchsize
from mmoracle.spec.buddy.zones import cached, free_blocks

from .image import Image
from .image_frames import PAGE_BUDDY, Run
from .image_sections import CHECKS, Check


class Rule(NamedTuple):
    """A rule about images, with what it states."""

    id: str
    sentence: str
    check: Callable[[Image], Iterator[str]]


def bit(image: Image, name: str) -> int:
    """Return the mask of a page flag, 0 where the kernel has none of that name."""
    place = image.pageflags.get(name)
    return 1 << place if place is not None else 0


def inside(image: Image, run: Run) -> bool:
    """Say whether a run touches the span of a zone."""
    return any(z.start < run.end and run.pfn < z.end for z in image.cfg.zones)


def free_heads(image: Image) -> dict[int, int]:
    """Return the order of every free block by its first frame."""
    found: dict[int, int] = {}
    for zone in image.state.zones:
        found |= {pfn: order for pfn, order, _ in free_blocks(zone)}
    return found


def buddy_pages_are_listed(image: Image) -> Iterator[str]:
    """Compare PageBuddy with the free lists, both ways."""
    heads = free_heads(image)
    marked = set[int]()
    for run in image.runs:
        if run.mapcount == PAGE_BUDDY:
            marked.update(range(run.pfn, run.end))
    for pfn in sorted(marked - heads.keys()):
        yield f"page {pfn} is marked free (PageBuddy) and begins no block on a list"
    for pfn in sorted(heads.keys() - marked):
        yield f"the free block at pfn {pfn} is not marked free (PageBuddy)"


def free_pages_are_neutral(image: Image) -> Iterator[str]:
    """Look for flags, references and mappings in pages that nobody holds."""
    fixed = ("PG_reserved", "PG_slab", "PG_lru", "PG_head", "PG_locked", "PG_writeback")
    bad = sum(bit(image, name) for name in fixed)
    free = [(p, p + (1 << o)) for p, o in free_heads(image).items()]
    for zone in image.state.zones:
        free += [(pfn, pfn + 1) for pfn, _ in cached(zone)]
    for start, run in overlaps(sorted(free), image.runs):
        if run.refcount:
            yield f"free page {start} has {run.refcount} references"
        if run.flags & bad:
            yield f"free page {start} has flags {run.flags & bad:#x}"
        if run.mapcount not in (-1, PAGE_BUDDY):
            yield f"free page {start} has mapcount or type {run.mapcount}"
        if run.head not in (-1, start):
            yield f"free page {start} is the tail of compound page {run.head}"


def overlaps(
    ranges: list[tuple[int, int]], runs: tuple[Run, ...]
) -> Iterator[tuple[int, Run]]:
    """Yield (first frame in both, run) where ranges and runs, both sorted, overlap."""
    i = 0
    for start, end in ranges:
        while i < len(runs) and runs[i].end <= start:
            i += 1
        j = i
        while j < len(runs) and runs[j].pfn < end:
            yield max(start, runs[j].pfn), runs[j]
            j += 1


def every_frame_is_described(image: Image) -> Iterator[str]:
    """Look for frames of zones without a `struct page` or a section."""
    described = [(run.pfn, run.end) for run in image.runs]
    described += [(gap.start, gap.end) for gap in image.deferred]
    for place, span in zip(image.places, image.cfg.zones, strict=True):
        at = span.start
        for start, end in sorted(described):
            if end <= at or start >= span.end:
                continue
            if start > at:
                break
            at = end
        if at < span.end:
            yield f"zone {place.name}: frame {at} has no struct page"
        size = image.section_pages
        for nr in range(span.start // size, (span.end - 1) // size + 1):
            if nr not in image.sections:
                yield f"zone {place.name}: section {nr} at pfn {nr * size} is missing"


def managed_frames_are_not_reserved(image: Image) -> Iterator[str]:
    """Count the frames without PG_reserved, and compare with managed_pages."""
    reserved = bit(image, "PG_reserved")
    rows = zip(image.places, image.cfg.zones, image.state.zones, strict=True)
    for place, span, zone in rows:
        real = 0
        for run in image.runs:
            if not run.flags & reserved:
                real += max(0, min(run.end, span.end) - max(run.pfn, span.start))
        if real != zone.managed:
            why = f"{real} frames are not reserved"
            yield f"zone {place.name}: managed_pages {zone.managed}, {why}"


def nobody_is_lost(image: Image) -> Iterator[str]:
    """Look for managed frames that are in no list and that nobody holds."""
    for pfn in image.lost:
        yield f"frame {pfn} is free of owners and in no list: it is lost"


def zones_are_sane(image: Image) -> Iterator[str]:
    """Compare spanned, present and managed pages, watermarks, and zones' spans."""
    rows = zip(image.places, image.cfg.zones, image.state.zones, strict=True)
    end, before = 0, ""
    for place, span, zone in sorted(rows, key=lambda row: row[1].start):
        name = f"zone {place.name}"
        if not zone.managed <= place.present <= place.spanned:
            facts = f"{zone.managed}, {place.present}, {place.spanned}"
            yield f"{name}: managed, present and spanned pages {facts} do not rise"
        if list(place.watermarks) != sorted(place.watermarks):
            yield f"{name}: watermarks {list(place.watermarks)} do not rise"
        if span.start < end:
            yield f"{name} begins at {span.start}, inside zone {before}"
        if span.end > image.max_pfn + 1:
            yield f"{name} ends at {span.end}, behind the last frame {image.max_pfn}"
        end, before = span.end, place.name


def boosts_are_bounded(image: Image) -> Iterator[str]:
    """Compare watermark_boost with the high watermark that bounds it."""
    size = image.cfg.block_pages
    for place, zone in zip(image.places, image.state.zones, strict=True):
        top = place.watermarks[-1] * image.cfg.boost_factor // 10000
        most = max(size, top) if top and 4 * size <= zone.managed else 0
        if zone.boost > most:
            yield f"zone {place.name} is boosted by {zone.boost} pages, at most {most}"


def totals_are_sums(image: Image) -> Iterator[str]:
    """Compare totalram_pages with the sum of managed_pages."""
    total = sum(zone.managed for zone in image.state.zones)
    if image.totalram != total:
        yield f"totalram_pages {image.totalram}, the zones manage {total}"


def links_fit_the_zone(image: Image) -> Iterator[str]:
    """Compare the zone and node in page->flags, its top bits, within each zone."""
    shift = 51  # above LAST_CPUPID where struct page has one; include/linux/mm.h
    if not image.kernel.endswith("amd64"):
        return
    for place, span in zip(image.places, image.cfg.zones, strict=True):
        votes: dict[int, int] = {}
        runs = [r for r in image.runs if r.pfn < span.end and span.start < r.end]
        for run in runs:
            key = run.flags >> shift
            votes[key] = votes.get(key, 0) + run.length
        usual = max(votes, key=lambda k: votes[k], default=0)
        for run in runs:
            if run.flags >> shift != usual and run.pfn >= span.start:
                links = f"its flags name zone and node {run.flags >> shift:#x}"
                yield f"zone {place.name}: page {run.pfn}: {links}, not {usual:#x}"


def pagesets_are_sized(image: Image) -> Iterator[str]:
    """Compare high and batch with the zone's size, and the count with both."""
    for place, zone in zip(image.places, image.state.zones, strict=True):
        for cpu, ps in enumerate(zone.pagesets):
            name = f"zone {place.name} cpu {cpu}"
            if ps.count > ps.high + 2 * ps.batch or (ps.high == 0 and ps.count):
                yield f"{name}: {ps.count} pages wait, high is {ps.high}"
            if not is_sized(zone.managed, ps.high, ps.batch):
                due = zone_batchsize(zone.managed)
                why = f"{zone.managed} pages give {6 * due} and {max(1, due)}"
                yield f"{name}: high {ps.high} and batch {ps.batch}, {why}"


def is_sized(managed: int, high: int, batch: int) -> bool:
    """Say whether a pageset is one of boot, or sized for a zone that may have grown.

    Otherwise its size may follow from percpu_pagelist_fraction, which is at least 8.
    """
    sizes = [zone_batchsize(pages) for pages in (managed, managed * 3 // 4)]
    if (high, batch) in {(0, 1), *((6 * b, max(1, b)) for b in sizes)}:
        return True
    by_fraction = 0 < high <= managed // 8 and high == managed // (managed // high)
    return by_fraction and batch == max(1, min(high // 4, 96))


def compound_pages_are_whole(image: Image) -> Iterator[str]:
    """Compare the tails of compound pages with their heads."""
    head = bit(image, "PG_head")
    heads = {r.pfn for r in image.runs if r.flags & head}
    tails: dict[int, list[tuple[int, int]]] = {}
    for run in image.runs:
        if run.head not in (-1, run.pfn):
            tails.setdefault(run.head, []).append((run.pfn, run.end))
    for first, parts in tails.items():
        frames = 1 + sum(end - start for start, end in parts)
        if first not in heads:
            yield f"page {parts[0][0]} is a tail of {first}, which is no compound page"
        if frames & (frames - 1) or first % frames:
            yield f"the compound page at {first} has {frames} frames"
        if parts[0][0] != first + 1 or parts[-1][1] != first + frames:
            yield f"the tails of the compound page at {first} do not follow it"
    for first in sorted(heads - tails.keys()):
        yield f"compound page {first} has no tails"


def owners_do_not_list_free_pages(image: Image) -> Iterator[str]:
    """Look for pages of slabs and LRU lists that are free."""
    free = set[int]()
    for pfn, order in free_heads(image).items():
        free.update(range(pfn, pfn + (1 << order)))
    for zone in image.state.zones:
        free |= {pfn for pfn, _ in cached(zone)}
    for kind, pages in (("slab", image.slabs), ("LRU", image.lru)):
        for pfn in pages:
            if pfn in free:
                yield f"{kind} page {pfn} is free"
    if len(set(image.lru)) != len(image.lru):
        yield "a page is on the LRU lists twice"
    if len(set(image.slabs)) != len(image.slabs):
        yield "a slab is listed twice"


def slabs_are_marked(image: Image) -> Iterator[str]:
    """Compare PG_slab with the list of slabs."""
    slab = bit(image, "PG_slab")
    marked = {r.pfn + i for r in image.runs if r.flags & slab for i in range(r.length)}
    if not image.slabs:
        return
    for pfn in sorted(set(image.slabs) - marked):
        yield f"slab page {pfn} is not marked so (PG_slab)"
    for pfn in sorted(marked - set(image.slabs)):
        yield f"page {pfn} is marked a slab's (PG_slab) and is none"


def page_block_types_are_known(image: Image) -> Iterator[str]:
    """Look for types that this kernel does not have, and for blocks without one."""
    first, size = image.cfg.first_block, image.cfg.block_pages
    for i, mt in enumerate(image.state.types):
        if not 0 <= mt < image.cfg.migrate_types:
            yield f"the page block at pfn {(i + first) * size} has type {mt}"


def whole_page_blocks_are_on_their_list(image: Image) -> Iterator[str]:
    """Look for free page blocks on the list of a type that nothing near them has.

    A block that merged over two page blocks may be on the list of either, and each half
    of it stays there when it is split.
    """
    cfg, types = image.cfg, image.state.types
    for zone in image.state.zones:
        for pfn, order, mt in free_blocks(zone):
            if order < cfg.pageblock_order:
                continue
            top = pfn & ~((2 << order) - 1)
            blocks = range(top, top + (2 << order), cfg.block_pages)
            near = [(b >> cfg.pageblock_order) - cfg.first_block for b in blocks]
            kinds = {types[i] for i in near if 0 <= i < len(types)}
            if mt not in kinds:
                yield f"pfn {pfn} order {order} is on list {mt}, its types are {kinds}"


def of_map(check: Check) -> Callable[[Image], Iterator[str]]:
    """Return a rule about sections and descriptors as one about images."""
    return lambda image: check(image.map)


RULES = (
    Rule(
        "PAGE-BUDDY",
        "A page is marked free exactly where a free block on a list begins.",
        buddy_pages_are_listed,
    ),
    Rule(
        "BUD-CLEAN",
        "A free page has no references, flags or mappings of an old owner.",
        free_pages_are_neutral,
    ),
    Rule(
        "PAGE-TYPE",
        "Every page block of a zone has a migrate type that this kernel has.",
        page_block_types_are_known,
    ),
    Rule(
        "PAGE-LIST",
        "A free page block is on the list of its type, or of its neighbour's.",
        whole_page_blocks_are_on_their_list,
    ),
    Rule(
        "PAGE-MAP",
        "Every frame of a zone has a section and a struct page.",
        every_frame_is_described,
    ),
    Rule(
        "PAGE-RESERVED",
        "A zone manages the frames that are not reserved.",
        managed_frames_are_not_reserved,
    ),
    Rule(
        "PAGE-LOST",
        "Every managed frame is free, waiting, or held by somebody.",
        nobody_is_lost,
    ),
    Rule(
        "PAGE-LINKS",
        "The flags of every page of a zone name the same zone and node.",
        links_fit_the_zone,
    ),
    Rule(
        "PAGE-COMPOUND",
        "A compound page is an aligned block whose tails follow its head.",
        compound_pages_are_whole,
    ),
    Rule(
        "PAGE-OWNER",
        "Pages of slabs and of LRU lists are not free, and listed once.",
        owners_do_not_list_free_pages,
    ),
    Rule(
        "PAGE-SLAB",
        "A page is marked a slab's exactly where a slab is listed.",
        slabs_are_marked,
    ),
    Rule(
        "ZONE-SPAN",
        "Zones do not overlap, and their sizes and watermarks rise.",
        zones_are_sane,
    ),
    Rule(
        "WM-SANE",
        "A watermark is boosted by no more than its share, in small zones not at all.",
        boosts_are_bounded,
    ),
    Rule(
        "ZONE-TOTAL",
        "totalram_pages is the sum of the zones' managed pages.",
        totals_are_sums,
    ),
    Rule(
        "PCP-LIMIT",
        "A pageset is sized for its zone, and holds no more than that allows.",
        pagesets_are_sized,
    ),
    *(Rule(label, claim, of_map(check)) for label, claim, check in CHECKS),
)
