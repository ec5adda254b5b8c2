"""The page allocator in a kernel's memory image, as a state of the specification.

What the image says of each frame (`struct page`) is kept beside it, run by run, for the
checks that compare the two.

Source: include/linux/mmzone.h, include/linux/mm_types.h (v5.10).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, combinations
from os import PathLike, fspath

from mmoracle.spec.buddy.ops import empty
from mmoracle.spec.buddy.zones import (
    MERGES_RESERVED,
    V5_10,
    Config,
    Memory,
    Pageset,
    Span,
    Zone,
)
from mmoracle.spec.linux import MIGRATE_PCPTYPES, ZoneType

from .image_frames import FRAMES, Run, runs_of, with_owners, without
from .image_sections import SectionMap, read_sections
from .json_path import At
from .text import read_json

MOST_ORDERS = 16
KINDS = {
    ZoneType.DMA: "DMA",
    ZoneType.DMA32: "DMA32",
    ZoneType.NORMAL: "Normal",
    ZoneType.HIGHMEM: "HighMem",
    ZoneType.MOVABLE: "Movable",
    ZoneType.DEVICE: "Device",
}
OPTIONAL = (ZoneType.HIGHMEM, ZoneType.DEVICE, ZoneType.DMA32, ZoneType.DMA)
TYPE_BITS = 7  # of the four bits of a page block; the last says "skip it"


@dataclass(frozen=True, kw_only=True)
class Place:
    """What an image says of one zone besides its lists."""

    node: int
    index: int  # zone_idx()
    name: str
    at: str  # where in the file
    spanned: int
    present: int
    watermarks: tuple[int, ...]
    lowmem_reserve: tuple[int, ...]  # by the highest zone of a request


@dataclass(frozen=True, kw_only=True)
class Image:
    """One image: the state, and what is only in images."""

    path: str
    kernel: str
    entries: tuple[int, ...]  # trace entries written before, for each cpu
    cfg: Config
    state: Memory
    places: tuple[Place, ...]
    runs: tuple[Run, ...]
    pageflags: dict[str, int]
    kinds: tuple[ZoneType, ...]  # of all zones, by index
    zonelists: dict[int, tuple[int, ...]]  # node -> zones, first choice first
    totalram: int
    max_pfn: int
    sections: frozenset[int]
    section_pages: int
    lru: tuple[int, ...]
    slabs: tuple[int, ...]
    compacted: int  # pages that compaction has looked at
    map: SectionMap  # its sections and descriptors
    page_size: int = 4096
    vmemmap: int | None = None  # where struct page 0 is
    sizeof_page: int = 64
    lost: tuple[int, ...] = ()  # frames that nobody has
    deferred: tuple[Span, ...] = ()  # frames whose struct page is not initialised yet
    types: dict[str, int] = field(default_factory=dict)  # migrate types by name

    @property
    def entry(self) -> int:
        """Return the first trace entry after this image."""
        return sum(self.entries)


def read_image(path: str | PathLike[str]) -> Image:
    """Read one image; raise `BadText` for a file that is none."""
    top = At(path, read_json(path))
    zones = list(populated(top))
    if not zones:
        raise top["nodes"].wrong("has no zone with pages")
    cfg = config_of(top, zones)
    deferred = tuple(deferred_of(top))
    runs = tuple(without(deferred, runs_of(top["pages"])))
    flags = pageflags_of(top["pageflags"])
    state = replace(empty(cfg), zones=tuple(zone_of(cfg, z) for _, z in zones))
    state, lost = with_owners(cfg, state, runs, flags)
    places = tuple(place_of(node, zone) for node, zone in zones)
    node_zone = [(p.node, p.index) for p in places]
    return Image(
        path=fspath(path),
        kernel=top["kernel"].text(),
        entries=top["trace_entries"].numbers(),
        cfg=cfg,
        state=state,
        places=places,
        runs=runs,
        pageflags=flags,
        kinds=kinds_of(top),
        zonelists=dict(zonelists_of(top, node_zone)),
        totalram=top["totalram_pages"].number(0, FRAMES),
        max_pfn=top["max_pfn"].number(0, FRAMES),
        sections=frozenset(each["nr"].number(0, FRAMES) for each in top["sections"]),
        section_pages=top["section_pages"].number(1, FRAMES),
        lru=tuple(lru_of(top)),
        slabs=tuple(slabs_of(top)),
        compacted=compacted_of(top),
        map=read_sections(
            top,
            ((r.pfn, r.end, r.flags) for r in runs),
            ((gap.start, gap.end) for gap in deferred),
        ),
        page_size=top["page_size"].number(1),
        vmemmap=top["vmemmap_base"].word() if top.has("vmemmap_base") else None,
        sizeof_page=top["sizeof_page"].number(1, 4096),
        lost=lost,
        deferred=deferred,
        types={each.text(): i for i, each in enumerate(top["migratetypes"])},
    )


# ------------------------------------------------------------------ zones


def populated(top: At) -> Iterator[tuple[At, At]]:
    """Yield (node, zone) of every zone that was given pages."""
    for node in top["nodes"]:
        for zone in node["zones"]:
            if zone["managed_pages"].number(0, FRAMES):
                yield node, zone


def config_of(top: At, zones: list[tuple[At, At]]) -> Config:
    """Return the machine that an image was taken of."""
    names = [each.text() for each in top["migratetypes"]]
    orders = max(len(list(zone["free_area"])) for _, zone in zones)
    if not 1 <= orders <= MOST_ORDERS:
        raise zones[0][1]["free_area"].wrong(f"has {orders} orders")
    spans = tuple(span_of(zone) for _, zone in zones)
    pageblock_order = top["pageblock_order"].number(0, MOST_ORDERS)
    cpus = {len(list(zone["pageset"])) for _, zone in zones}
    if len(cpus) > 1:
        raise top["nodes"].wrong("has zones with different numbers of pagesets")
    cfg = Config(
        zones=spans,
        orders=orders,
        pageblock_order=pageblock_order,
        cpus=cpus.pop(),
        has_cma="MIGRATE_CMA" in names,
        has_isolation="MIGRATE_ISOLATE" in names,
        quirks=V5_10 if top["kernel"].text().startswith("5.10") else (MERGES_RESERVED,),
    )
    return replace(cfg, blocks=blocks_of(top, cfg))


def span_of(zone: At) -> Span:
    """Return the frames that a zone spans."""
    start = zone["zone_start_pfn"].number(0, FRAMES)
    return Span(start, start + zone["spanned_pages"].number(1, FRAMES))


def blocks_of(top: At, cfg: Config) -> tuple[int, ...]:
    """Return the type of every page block, -1 where there is no section."""
    per = top["section_pages"].number(1, FRAMES) >> cfg.pageblock_order
    types: dict[int, int] = {}
    for section in top["sections"]:
        first = section["nr"].number(0, FRAMES) * per
        bits = section["pageblock_flags"].numbers(0, 16)
        types |= {first + i: each & TYPE_BITS for i, each in enumerate(bits)}
    ends = [max(z.end for z in cfg.zones) - 1 >> cfg.pageblock_order, *types]
    return tuple(types.get(i, -1) for i in range(cfg.first_block, max(ends) + 1))


def zone_of(cfg: Config, zone: At) -> Zone:
    """Return one zone's lists, pagesets and counters."""
    lists, nr_free = [], []
    for area in zone["free_area"]:
        nr_free.append(area["nr_free"].number())
        lines = [frames_of(line) for line in area["free_list"]]
        if len(lines) < cfg.migrate_types:
            raise area["free_list"].wrong(f"has {len(lines)} lists")
        lists.append(tuple(lines))
    sets = tuple(pageset_of(each) for each in zone["pageset"])
    names = list(vm_stat_of(zone))
    drift = sum(drift_of(each, names) for each in zone["pageset"])
    blocks, span = cfg.blocks, span_of(zone)
    first = (span.start >> cfg.pageblock_order) - cfg.first_block
    behind = (span.end - 1 >> cfg.pageblock_order) - cfg.first_block + 1
    stat = vm_stat_of(zone)
    return Zone(
        tuple(lists),
        tuple(nr_free),
        stat["NR_FREE_PAGES"] + drift,
        stat.get("NR_FREE_CMA_PAGES", 0) if cfg.has_cma else 0,
        zone["managed_pages"].number(0, FRAMES),
        sets,
        blocks[first:behind].count(cfg.isolate) if cfg.has_isolation else 0,
        zone["nr_reserved_highatomic"].number(),
        zone["watermark_boost"].number(),
    )


def frames_of(line: At) -> tuple[int, ...]:
    """Return a list of frames; null is a list that was never initialised."""
    return () if line.value is None else line.numbers(0, FRAMES)


def vm_stat_of(zone: At) -> dict[str, int]:
    """Return a zone's counters by name."""
    stat = zone["vm_stat"]
    if not isinstance(stat.value, dict):
        raise stat.wrong("is not an object")
    return {name: stat[name].number(-FRAMES) for name in stat.value}


def drift_of(pageset: At, names: list[str]) -> int:
    """Return what a cpu has not yet added to NR_FREE_PAGES."""
    diffs = pageset["vm_stat_diff"].numbers(-FRAMES)
    place = names.index("NR_FREE_PAGES") if "NR_FREE_PAGES" in names else -1
    if not 0 <= place < len(diffs):
        raise pageset["vm_stat_diff"].wrong("has no place for NR_FREE_PAGES")
    return diffs[place]


def pageset_of(pageset: At) -> Pageset:
    """Return one pageset; its pages have the type of their list."""
    lines = [frames_of(line) for line in pageset["lists"]]
    if len(lines) != MIGRATE_PCPTYPES:
        raise pageset["lists"].wrong(f"has {len(lines)} lists")
    return Pageset(
        pageset["high"].number(),
        pageset["batch"].number(),
        pageset["count"].number(),
        tuple(tuple((pfn, mt) for pfn in line) for mt, line in enumerate(lines)),
    )


def place_of(node: At, zone: At) -> Place:
    """Return what is said of a zone besides its lists."""
    return Place(
        node=node["nid"].number(0, 1 << 16),
        index=zone["idx"].number(0, 16),
        name=zone["name"].text(),
        at=zone.place,
        spanned=zone["spanned_pages"].number(0, FRAMES),
        present=zone["present_pages"].number(0, FRAMES),
        watermarks=watermarks_of(zone),
        lowmem_reserve=reserve_of(zone),
    )


def watermarks_of(zone: At) -> tuple[int, ...]:
    """Return the minimum, low and high watermarks."""
    marks = zone["watermark"].numbers(0, FRAMES)
    if len(marks) != 3:
        raise zone["watermark"].wrong("is not [min, low, high]")
    return marks


def reserve_of(zone: At) -> tuple[int, ...]:
    """Return what a zone keeps from requests for higher ones; nothing if not told."""
    if not zone.has("lowmem_reserve"):
        return ()
    return zone["lowmem_reserve"].numbers(0, FRAMES)


def kinds_of(top: At) -> tuple[ZoneType, ...]:
    """Return the types of all zones that the kernel was built with, by index.

    Only zones with frames are named; the rest follows from where those stand, and from
    the number of reserves.  Source: include/linux/mmzone.h:enum zone_type (v5.10).
    """
    zones = [zone for node in top["nodes"] for zone in node["zones"]]
    told = {zone["idx"].number(0, 16): zone["name"].text() for zone in zones}
    count = max((len(reserve_of(zone)) for zone in zones), default=0)
    for left_out in chain.from_iterable(combinations(OPTIONAL, n) for n in range(5)):
        kinds = [kind for kind in KINDS if kind not in left_out]
        names = [KINDS[kind] for kind in kinds]
        fits = all(names[i : i + 1] == [name] for i, name in told.items())
        if fits and count in (0, len(kinds)):
            return tuple(kinds)
    raise top["nodes"].wrong(f"has zones {list(told.values())} in no order of Linux's")


def deferred_of(top: At) -> Iterator[Span]:
    """Yield the frames of each node that are left to a thread after boot."""
    for node in top["nodes"]:
        start = node["node_start_pfn"].number(0, FRAMES)
        end = start + node["node_spanned_pages"].number(0, FRAMES)
        first = node["first_deferred_pfn"].number()
        if start <= first < end:
            yield Span(first, end)


def zonelists_of(
    top: At, zones: list[tuple[int, int]]
) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Yield (node, indices of the zones to try in turn)."""
    for node in top["nodes"]:
        pairs = [each.numbers(0, 1 << 16) for each in node["zonelist0"]]
        known = (pair for pair in pairs if pair in zones)
        order = tuple(zones.index((nid, idx)) for nid, idx in known)
        yield node["nid"].number(0, 1 << 16), order


# ------------------------------------------------------------------ frames


def pageflags_of(names: At) -> dict[str, int]:
    """Return the bit of each page flag by name."""
    if not isinstance(names.value, dict):
        raise names.wrong("is not an object")
    return {name: names[name].number(0, 64) for name in names.value}


# ------------------------------------------------------------------ the rest


def lru_of(top: At) -> Iterator[int]:
    """Yield the frames on the nodes' LRU lists."""
    for node in top["nodes"]:
        lists = node["lru"]
        if not isinstance(lists.value, dict):
            raise lists.wrong("is not an object")
        for name in lists.value:
            yield from lists[name].numbers(0, FRAMES)


def slabs_of(top: At) -> Iterator[int]:
    """Yield the first frames of slabs."""
    for slab in top["slab_pages"] if top.has("slab_pages") else ():
        yield slab["pfn"].number(0, FRAMES)


def compacted_of(top: At) -> int:
    """Return how many pages compaction has looked at since boot."""
    events = top["vm_event"] if top.has("vm_event") else At(top.path, {})
    names = ("COMPACTMIGRATE_SCANNED", "COMPACTFREE_SCANNED", "COMPACTISOLATED")
    return sum(events[name].number() for name in names if events.has(name))
