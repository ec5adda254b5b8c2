"""The sections and the memory map in a memory image, as a state of the memory models.

What an image says is put into a state of `spec.memmodel`, whose invariants are asked;
and the same memory is booted by the specification, to compare words and links.

Source: include/linux/mmzone.h:struct mem_section, include/linux/mm.h (v5.10).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from mmoracle.spec.linux import Addr
from mmoracle.spec.memmodel import always, words
from mmoracle.spec.memmodel.agree import booted
from mmoracle.spec.memmodel.layout import page_zonenum, set_page_links
from mmoracle.spec.memmodel.lookup import page_to_nid
from mmoracle.spec.memmodel.state import (
    Bank,
    Config,
    MemMap,
    Phase,
    Run,
    Section,
    layout,
    longs,
)

from .json_path import At

FRAMES = 1 << 36
MOST_SECTIONS = 1 << 14  # that are looked at
LEVEL_BITS = 9  # of a virtual address, for each level of the page table
FIRST_VMEMMAP = 0xFFFF_EA00_0000_0000  # with four levels of page table
RAM = "System RAM"
FLAGS = words.LAST_BIT - 1


class Written(NamedTuple):
    """A section as the file has it."""

    at: str  # where in the file
    nr: int
    word: int
    flags: int  # as the file says beside the word
    parts: int  # subsection_map


class Links(NamedTuple):
    """A run of frames and their page->flags."""

    pfn: int
    end: int
    flags: int


class Zone(NamedTuple):
    """The frames that a zone spans."""

    node: int
    idx: int  # zone_idx()
    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class SectionMap:
    """What an image says of sections and descriptors; empty where it says nothing."""

    sections: tuple[Written, ...]
    links: tuple[Links, ...]
    zones: tuple[Zone, ...]
    ram: tuple[tuple[int, int], ...]  # frames, from the resource tree
    mapped: tuple[tuple[int, int], ...]  # addresses, from the kernel's page table
    deferred: tuple[tuple[int, int], ...]  # frames not initialised yet
    cfg: Config | None  # none of a kernel whose constants are not known

    @cached_property
    def state(self) -> MemMap:
        """Return the state that the image shows; usage records are not in it."""
        return state_of(self)

    @property
    def valid(self) -> Iterator[tuple[Written, range]]:
        """Yield the valid frames, all of a section of boot, else part by part."""
        cfg = self.cfg or Config()
        for each in self.sections:
            if not words.is_set(each.word, words.HAS_MEM_MAP):
                continue
            first = words.section_nr_to_pfn(each.nr, cfg.shift)
            if words.is_set(each.word, words.EARLY):
                yield each, range(first, first + cfg.section_pages)
                continue
            for part in range(1 << (cfg.shift - cfg.sub_shift)):
                if each.parts >> part & 1:
                    start = first + (part << cfg.sub_shift)
                    yield each, range(start, start + (1 << cfg.sub_shift))


# ------------------------------------------------------------------ reading


def read_sections(
    top: At,
    links: Iterator[tuple[int, int, int]],
    deferred: Iterator[tuple[int, int]],
) -> SectionMap:
    """Read what an image says of its sections.

    `links` are (frame, end, flags), `deferred` the frames that have none yet.
    """
    found = list[Written]()
    for each in top["sections"]:
        if each.has("section_mem_map"):
            found.append(written(each))
    if len(found) > MOST_SECTIONS:
        raise top["sections"].wrong(f"has more than {MOST_SECTIONS} sections")
    return SectionMap(
        sections=tuple(sorted(found, key=lambda each: each.nr)),
        links=tuple(Links(*each) for each in links),
        zones=tuple(zones_of(top)),
        ram=tuple(ram_of(top)),
        mapped=tuple(mapped_of(top)),
        deferred=tuple(deferred),
        cfg=constants(top) if found else None,
    )


def written(each: At) -> Written:
    """Return one section."""
    parts = each["subsection_map"].word() if each.has("subsection_map") else 0
    return Written(
        each.place,
        each["nr"].number(0, FRAMES),
        each["section_mem_map"].word(),
        each["flags"].number(0, words.LAST_BIT),
        parts,
    )


def constants(top: At) -> Config | None:
    """Return the constants of an amd64 kernel of Debian; none of any other."""
    base = top["vmemmap_base"].word() if top.has("vmemmap_base") else 0
    pages = top["section_pages"].number(1, FRAMES)
    known = pages & (pages - 1) == 0 and pages >= 1 << 9 and base
    if not top["kernel"].text().endswith("amd64") or not known:
        return None
    return Config(
        section_bits=pages.bit_length() - 1 + 12,
        physmem_bits=46 if base >= FIRST_VMEMMAP else 52,
        sizeof_page=top["sizeof_page"].number(1, 4096),
        vmemmap=Addr(base),
        frames=(top["max_pfn"].number(0, FRAMES),),
        last_cpupid=21,
    )


def zones_of(top: At) -> Iterator[Zone]:
    """Yield the zones that span frames."""
    for node in top["nodes"]:
        for zone in node["zones"]:
            start = zone["zone_start_pfn"].number(0, FRAMES)
            pages = zone["spanned_pages"].number(0, FRAMES)
            if pages:
                nid, index = node["nid"].number(0, 1 << 16), zone["idx"].number(0, 16)
                yield Zone(nid, index, start, start + pages)


def ram_of(top: At) -> Iterator[tuple[int, int]]:
    """Yield the whole frames of memory in the resource tree, where there is one."""
    for each in top["iomem"] if top.has("iomem") else ():
        if each["name"].text() == RAM:
            start, end = each["start"].word(), each["end"].word() + 1
            first, behind = -(-start >> 12), end >> 12
            if first < behind:
                yield first, behind


def mapped_of(top: At) -> Iterator[tuple[int, int]]:
    """Yield the addresses that the kernel's page table maps, where it is told."""
    for each in top["init_mm_page_table"] if top.has("init_mm_page_table") else ():
        cells = list(each)
        if len(cells) != 4:
            raise each.wrong("is not [address, level, entry, run]")
        size = 4096 << LEVEL_BITS * (cells[1].number(1, 6) - 1)
        start = cells[0].word()
        yield start, start + size * cells[3].number(1, FRAMES)


# ------------------------------------------------------------------ the state


def links_of(cfg: Config, flags: int) -> int:
    """Return the links in page->flags alone."""
    lay = layout(cfg)
    zone, nid = page_zonenum(lay, flags), page_to_nid(cfg, MemMap(), flags)
    return set_page_links(lay, 0, zone, nid, 0)


def state_of(m: SectionMap) -> MemMap:
    """Return the state of the memory models that an image shows."""
    cfg = m.cfg or Config()
    runs = list[Run]()
    for each in m.links:
        start, end = (
            Addr(words.page_at(cfg.vmemmap, pfn, cfg.sizeof_page, cfg.width))
            for pfn in (each.pfn, each.end)
        )
        links = links_of(cfg, each.flags)
        if runs and (runs[-1].end, runs[-1].links) == (start, links):
            start = runs.pop().start
        runs.append(Run(start, end, links))
    return MemMap(
        phase=Phase.UP,
        banks=tuple(Bank(0, start, end) for start, end in m.ram),
        root_array=True,
        roots=tuple(sorted({each.nr // cfg.per_root for each in m.sections})),
        sections=tuple(section_of(each) for each in m.sections),
        highest=max((each.nr for each in m.sections), default=0),
        memmap=tuple(runs),
    )


def section_of(each: Written) -> Section:
    """Return a section of an image; a record of its own stands for the unknown one."""
    early = words.is_set(each.word, words.EARLY)
    word = Addr(each.word)
    record = Addr((each.nr + 1) << 12)
    return Section(each.nr, word, record, early, longs(each.parts))


# ------------------------------------------------------------------ the rules

Check = Callable[[SectionMap], Iterator[str]]


def asked(*checks: Callable[[Config, MemMap], Iterator[str]]) -> Check:
    """Return a rule that asks invariants of the specification."""

    def check(m: SectionMap) -> Iterator[str]:
        for each in checks if m.cfg is not None else ():
            yield from each(m.cfg or Config(), m.state)

    return check


def words_are_what_is_told(m: SectionMap) -> Iterator[str]:
    """Compare a section's word with its flags, its number with the others'."""
    seen = set[int]()
    for each in m.sections:
        told = each.word & FLAGS
        if told != each.flags:
            why = f"its word {each.word:#x} has flags {told}, not {each.flags}"
            yield f"{each.at}: section {each.nr}: {why}"
        if each.nr in seen:
            yield f"{each.at}: section {each.nr} is told twice"
        seen.add(each.nr)
    yield from asked(always.section_words_decode)(m)


def valid_frames_have_descriptors(m: SectionMap) -> Iterator[str]:
    """Compare the frames of sections with those described, and with what is mapped."""
    cfg = m.cfg
    if cfg is None:
        return
    described = sorted([*m.deferred, *((each.pfn, each.end) for each in m.links)])
    for _, frames in m.valid:
        for start, end in gaps(frames, described):
            yield f"frames [{start}, {end}) are valid, and have no struct page"
        first, last = (address(cfg, pfn) for pfn in (frames[0], frames[-1]))
        span = range(first, last + cfg.sizeof_page)
        for start, end in gaps(span, sorted(m.mapped)) if m.mapped else ():
            yield f"descriptors at [{start:#x}, {end:#x}) are not mapped"
    for start, end in m.ram:
        for pfn in (start, end - 1):
            if not any(pfn in frames for _, frames in m.valid):
                yield f"frame {pfn} is memory, and not valid"


def gaps(span: range, parts: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield what no part, of parts in order, covers of a span."""
    at = span[0]
    for start, end in parts:
        if end <= at or start >= span[-1] + 1:
            continue
        if start > at:
            yield at, start
        at = max(at, end)
    if at < span[-1] + 1:
        yield at, span[-1] + 1


def address(cfg: Config, pfn: int) -> int:
    """Return the address of a descriptor in the virtual memory map."""
    return words.page_at(cfg.vmemmap, pfn, cfg.sizeof_page, cfg.width)


def every_frame_is_its_own(m: SectionMap) -> Iterator[str]:
    """Go from every valid frame to its descriptor by its section, and back."""
    cfg = m.cfg
    if cfg is None:
        return
    size, width = cfg.sizeof_page, cfg.width
    taken: dict[int, int] = {}
    for section, frames in m.valid:
        base = words.map_of(section.word)
        for pfn in frames:
            page = words.page_at(base, pfn, size, width)
            back = words.index_of(page, cfg.vmemmap, size, width)
            other = taken.setdefault(page, pfn)
            if back != pfn or other != pfn:
                where = f"{section.at}: frame {pfn} has its descriptor at {page:#x}"
                yield f"{where}, which is frame {back if back != pfn else other}"
                break  # the others of this section are alike


def links_name_zone_and_node(m: SectionMap) -> Iterator[str]:
    """Compare the zone and node in page->flags with the zone that spans the frame."""
    cfg = m.cfg
    if cfg is None:
        return
    lay = layout(cfg)
    for zone in m.zones:
        for each in m.links:
            low, high = max(zone.start, each.pfn), min(zone.end, each.end)
            got = page_zonenum(lay, each.flags), page_to_nid(cfg, MemMap(), each.flags)
            if low < high and got != (zone.idx, zone.node):
                due = f"zone {zone.idx}, node {zone.node}"
                yield f"page {low} names zone {got[0]}, node {got[1]}, not {due}"


def boot_makes_this_map(m: SectionMap) -> Iterator[str]:
    """Boot the same memory by the specification, and compare words, parts and links."""
    cfg = m.cfg
    if cfg is None or not m.ram:
        return
    due = booted(cfg, tuple(Bank(0, start, end) for start, end in m.ram))
    for mine, its in zip(m.sections, due.sections, strict=False):
        if (mine.nr, mine.word, mine.parts) != (its.nr, its.word, its.subsections):
            word = f"word {its.word:#x} and parts {its.subsections:#x} are due"
            yield f"{mine.at}: section {mine.nr}: {word}, not {mine.word:#x}"
    if len(m.sections) != len(due.sections):
        yield f"{len(due.sections)} sections are due, {len(m.sections)} are told"
    for told, right in zip(m.state.memmap, due.memmap, strict=False):
        if told != right and not m.deferred:
            alike = (told.start, told.links) == (right.start, right.links)
            at = min(told.end, right.end) if alike else max(told.start, right.start)
            pfn = words.index_of(at, cfg.vmemmap, cfg.sizeof_page, cfg.width)
            yield f"page {pfn} has other links than the {right.links:#x} near it"
            return


CHECKS: tuple[tuple[str, str, Check], ...] = (
    (
        "MM-ENCODE",
        "A section's word is the virtual memory map's base and the flags told beside.",
        words_are_what_is_told,
    ),
    (
        "MM-VALID",
        "Every valid frame has a struct page that is mapped; all memory is valid.",
        valid_frames_have_descriptors,
    ),
    (
        "MM-BIJECTION",
        "Every valid frame leads to its own struct page, and that back to the frame.",
        every_frame_is_its_own,
    ),
    (
        "MM-INIT",
        "page->flags name the zone and node that span the frame.",
        links_name_zone_and_node,
    ),
    (
        "MM-BOOT",
        "Sections and links are those that boot makes of this memory.",
        boot_makes_this_map,
    ),
)


def counts(m: SectionMap) -> dict[str, int]:
    """Return how many sections and valid frames there are."""
    return {"sections": len(m.sections), "valid pfns": sum(len(x) for _, x in m.valid)}
