"""Whole boots, and memory that comes and goes: both sides alike, on small machines.

Memory is told, maps are asked for and had or not, descriptors get their links, and each
frame is looked up; then parts of sections come and go, online or not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import product
from typing import Any

from mmoracle.checkers.bind.memmodel import MEMMODEL as SUBSYSTEM
from mmoracle.checkers.bind.memmodel import load
from mmoracle.checkers.bind.memmodel_configs import TINY, V5_10
from mmoracle.checkers.lemma import Lemma, Mistake, Sweep, Values
from mmoracle.checkers.mutants import memmodel as mistakes
from mmoracle.checkers.mutants import memmodel_frames as of_frames
from mmoracle.checkers.mutants import memmodel_hotplug as of_hotplug
from mmoracle.impl.memmodel import boot, hotplug
from mmoracle.impl.memmodel.model import MemoryModel
from mmoracle.proofs.alike import alike
from mmoracle.spec.linux import Addr
from mmoracle.spec.memmodel import boot as spec_boot
from mmoracle.spec.memmodel import buffer, lookup, sparse, unused
from mmoracle.spec.memmodel import hotplug as spec_hotplug
from mmoracle.spec.memmodel.boot import AllocNodeMemMap, FreeAreaInit, MemoryPresent
from mmoracle.spec.memmodel.buffer import BufferAlloc, BufferFini, BufferInit
from mmoracle.spec.memmodel.hotplug import (
    AddPages,
    Part,
    RemovePages,
    is_in_use,
    is_valid,
)
from mmoracle.spec.memmodel.online import OfflineSection, OnlineSection, has_no_hole
from mmoracle.spec.memmodel.sparse import SparseInitNid
from mmoracle.spec.memmodel.state import FLAT, VMEMMAP, Bank, Config, MemMap, Phase
from mmoracle.spec.memmodel.unused import FreeUnusedMemmap

ALL = {**TINY, **V5_10}

# ------------------------------------------------------------------ answers

USAGE, LOW, HIGH = Addr(0x40), Addr(0x100), Addr(0x200)
# usage record, buffer, what comes without it, the page that fails
HAD = (USAGE, LOW, HIGH, -1)
ANSWERS = (
    HAD,
    (USAGE, Addr(0), HIGH, -1),
    (Addr(0), LOW, HIGH, -1),
    (USAGE, Addr(0), Addr(0), 0),
    (USAGE, LOW, HIGH, 1),
    (USAGE, LOW, HIGH, 3),
)


def init_maps(cfg: Config, answer: int) -> Any:
    """Return the operation that gives the next run of sections, or node, its map."""
    usage, low, spare, failing = ANSWERS[answer]

    def next_maps(s: MemMap) -> Any:
        if s.phase not in (Phase.MEMORY, Phase.MAPS):
            return None
        if cfg.is_sparse:
            more = 0x200 if s.at else 0
            maps, rest = (Addr(at + 2 * more if at else at) for at in (low, spare))
            record = Addr(usage + more // 2 if usage else usage)
            return SparseInitNid(record, maps, rest, failing)
        todo = sorted({b.nid for b in s.banks} - {node.nid for node in s.nodes})
        return AllocNodeMemMap(todo[0], Addr(low + 0x208 * len(s.nodes) if low else 0))

    return next_maps


def up(s: MemMap) -> Any:
    """Return the operation that initialises the descriptors, once there are maps."""
    return FreeAreaInit() if s.phase is Phase.MAPPED else None


def boot_of(cfg: Config, banks: tuple[Bank, ...], answer: int) -> list[Any]:
    """Return the operations of a boot."""
    told: list[Any] = [MemoryPresent(bank) for bank in banks]
    maps = init_maps(cfg, answer)
    return [*told, maps, maps, maps, up]


# ------------------------------------------------------------------ boots

BOOTS = (
    ("tiny-flat", 4),
    ("tiny-flat-start", 1),
    ("tiny-discontig", 0),
    ("tiny-sparse", 0),
    ("tiny-sparse-narrow", 0),
    ("tiny-sparse-static", 0),
    ("tiny-vmemmap", 0),
    ("tiny-vmemmap-pages", 0),
    ("v5.10-flat", 4),
    ("v5.10-buffer", 0),
)


def banks_of(first: int, one: int, gap: int, two: int, nid: int) -> tuple[Bank, ...]:
    """Return one bank, or two with a gap."""
    end = first + one
    more = (Bank(nid, end + gap, end + gap + two),) if two else ()
    return (Bank(0, first, end), *more)


def small_boots(which: int, top: int) -> Iterator[Values]:
    """Yield memory of one or two banks, and what is had for the maps of a machine."""
    shapes = [(5, 0, 0, 0), (16, 0, 0, 0), (1, 0, 0, 0)]
    shapes += [*product((3, 5), (1, 2, 9), (2, 3), (0, 3))]
    shapes += [(4, 0, 9, 3), (8, 0, 4, 3), (20, 3, 9, 0), (3, 21, 4, 0)]
    name, first = BOOTS[which]
    for (one, gap, two, nid), more in product(shapes, (0, 2)):
        if (nid and ALL[name].model == FLAT) or (more and name == "tiny-flat-start"):
            continue
        if name == "tiny-sparse-narrow" and nid and (one + more) % 8 + gap < 9:
            continue  # two nodes share a section, which a table cannot say
        answers = range(len(ANSWERS)) if (more, one) == (0, 5) else (0, 1)
        shape = (which, first + more, one, gap, two, nid)
        yield from ((*shape, answer) for answer in answers)


def both_sides_boot_alike_and_find_every_frame_alike(
    top: Any, which: int, first: int, one: int, gap: int, two: int, nid: int, had: int
) -> Any:
    """Memory, maps, links, and each lookup are the same, whatever is had for maps."""
    cfg = ALL[BOOTS[which][0]]
    s = alike(SUBSYSTEM, cfg, boot_of(cfg, banks_of(first, one, gap, two, nid), had))
    return s is not None and looked_up_alike(cfg, s, first + one + gap + two)


def looked_up_alike(cfg: Config, s: MemMap, end: int) -> bool:
    """Say whether both sides find the frames up to the next section's end alike."""
    if s.phase is not Phase.UP:
        return True
    m = load(cfg, s)
    for pfn in range(end + 10):
        valid = lookup.pfn_valid(cfg, s, pfn)
        if m.pfn_valid(pfn) is not valid:
            return False
        if valid:
            page = lookup.pfn_to_page(cfg, s, pfn)
            ready = lookup.is_set_up(cfg, s, pfn)
            if m.pfn_to_page(pfn) != page or m.is_set_up(pfn) is not ready:
                return False
            if ready and not linked_alike(cfg, s, m, pfn, page):
                return False
    return True


def linked_alike(cfg: Config, s: MemMap, m: MemoryModel, pfn: int, page: int) -> bool:
    """Say whether a descriptor names the same on both sides, and leads back."""
    links = lookup.PageLinks(pfn).choose(cfg, s)
    back = lookup.page_to_pfn(cfg, s, page)
    return m.page_links(pfn) == links and m.page_to_pfn(page) == back == pfn


# ------------------------------------------------------------------ unused parts

TRIMS = (("tiny-unused", 8), ("tiny-unused-sparse", 0), ("v5.10-unused", 0))


def small_gaps(which: int, top: int) -> Iterator[Values]:
    """Yield banks of every length, with every gap between them."""
    for one, gap in product(range(1, 10), range(1, 15)):
        yield from ((which, one, gap, two) for two in (0, 1, 3))


def unused_descriptors_are_freed_alike_and_no_page_block_is_cut(
    top: Any, which: int, one: int, gap: int, two: int
) -> Any:
    """Both sides free the same parts of the map, and no page block is cut in two."""
    name, first = TRIMS[which]
    cfg = ALL[name]
    told = boot_of(cfg, banks_of(first, one, gap, two, 0), 0)
    s = alike(SUBSYSTEM, cfg, [*told, FreeUnusedMemmap()])
    if s is None or not looked_up_alike(cfg, s, first + one + gap + two):
        return False
    return bool(cfg.quirks) or not list(cut_blocks(cfg, s))


def cut_blocks(cfg: Config, s: MemMap) -> Iterator[int]:
    """Yield the page blocks of memory of which a descriptor is gone."""
    for bank in s.banks:
        for start in range(bank.start & -cfg.block_pages, bank.end, cfg.block_pages):
            for pfn in range(max(start, cfg.pfn_offset), start + cfg.block_pages):
                if lookup.links_at(s, lookup.pfn_to_page(cfg, s, pfn)) is None:
                    yield pfn


# ------------------------------------------------------------------ the buffer


def few_pieces(top: int) -> Iterator[Values]:
    """Yield buffers at a few places, and the sizes of two pieces."""
    sizes = (16, 32, 48, 64)
    yield from product((0, 0x40, 0x48, 0x50), (0, 64, 80), sizes, sizes)


def a_buffer_is_taken_apart_alike(
    top: Any, at: int, size: int, one: int, two: int
) -> Any:
    """Two pieces are taken and the rest goes back: the same bytes on both sides."""
    cfg = ALL["tiny-buffer"]
    pieces = BufferAlloc(Addr(one)), BufferAlloc(Addr(two))
    told = (BufferInit(Addr(at), Addr(size)),) if at else ()
    return alike(SUBSYSTEM, cfg, [*told, *pieces, BufferFini(), *pieces]) is not None


# ------------------------------------------------------------------ hotplug

PLUGS = (
    ("tiny-hotplug", ((8, 2), (10, 6), (8, 8), (9, 2), (6, 2))),
    ("tiny-hotplug", ((12, 8), (28, 4), (30, 4), (64, 2))),
    ("tiny-hotplug-sparse", ((8, 8), (0, 8), (12, 8), (16, 16), (64, 8))),
    ("tiny-hotplug-narrow", ((8, 8), (16, 8), (0, 8), (8, 16), (12, 4))),
    ("v5.10-hotplug-sparse", ((8, 8), (8, 16))),
)
GRANTED = (-1, 0, 1, 2, 3)


def plugs(which: int, top: int) -> Iterator[Values]:
    """Yield memory of boot, and parts that come, go, or are put on- or offline."""
    few = range(len(PLUGS[which][1]))
    for bank, one, two, granted in product((5, 8), few, few, GRANTED):
        yield from ((which, bank, one, two, granted, last) for last in range(2))


def on_each(
    machines: Sequence[tuple[str, Any]], cases: Callable[[int, int], Iterable[Values]]
) -> tuple[Sweep, ...]:
    """Return a sweep for each of some machines."""
    return tuple(
        Sweep(cases=partial(cases, which), scope=f"the machine {name}")
        for which, (name, _) in enumerate(machines)
    )


def added(cfg: Config, part: Part, at: int, granted: int) -> Any:
    """Return the operation that adds a part, where none of it is there already."""

    def told(s: MemMap) -> Any:
        if cfg.model != VMEMMAP and is_valid(cfg, s, part):
            return None
        return AddPages(3, part, Addr(at), Addr(at + 0x100), granted)

    return told


def removed(cfg: Config, part: Part) -> Any:
    """Return the operation that removes a part, unless it is in use."""
    return lambda s: None if is_in_use(cfg, s, part) else RemovePages(part)


def online(cfg: Config, nr: int) -> Any:
    """Return the operation that puts a section without holes online."""
    return lambda s: OnlineSection(nr) if has_no_hole(cfg, s, nr) else None


def memory_comes_and_goes_alike(
    top: Any, which: int, bank: int, one: int, two: int, granted: int, last: int
) -> Any:
    """Both sides add and remove the same, whatever is granted; no section lingers."""
    name, parts = PLUGS[which]
    cfg, first, second = ALL[name], parts[one], parts[two]
    nr = first[0] >> cfg.shift
    told = [added(cfg, first, 0x400, granted), added(cfg, second, 0x800, -1)]
    s = alike(SUBSYSTEM, cfg, [*boot_of(cfg, (Bank(0, 0, bank),), 0), *told])
    if s is None or not looked_up_alike(cfg, s, 16):
        return False
    told = []
    if last:
        told += [online(cfg, nr), OfflineSection(nr), OfflineSection(7)]
        told += [OnlineSection(7), online(cfg, nr)] if granted == 3 else []
    told += [removed(cfg, first), removed(cfg, second), OfflineSection(0)]
    s = alike(SUBSYSTEM, cfg, told, s)
    if s is None or not looked_up_alike(cfg, s, 16):
        return False
    told = [removed(cfg, part) for part in ((0, 8), (8, 16), (3, 8))]
    return alike(SUBSYSTEM, cfg, told, s) is not None


# ------------------------------------------------------------------ mistakes


def not_moved_back(cfg: Config, start: int, node_mem_map: int) -> int:
    """Begin mem_map with the first frame that there is."""
    return node_mem_map


def a_run_of_all_nodes(cfg: Config, s: MemMap) -> Any:
    """Take sections of all nodes for one run."""
    nid, _ = right_run(cfg, s)
    return nid, tuple(x for x in s.sections if x.nr >= s.at and x.word & 1)


def a_frame_at_a_time(cfg: Config) -> int:
    """Free the map right behind a bank's last frame."""
    return 1


def first_piece_as_it_is(start: int, end: int, size: int) -> int:
    """Hand out what comes first."""
    return start if start + size <= end else 0


def one_part_only(cfg: Config, pfn: int, pages: int) -> int:
    """Mark the first part of a range only."""
    return right_mask(cfg, pfn, cfg.unit)


right_run, right_mask = sparse.next_run, spec_hotplug.mask_of

# ------------------------------------------------------------------ the lemmas

BOOTED = (
    Lemma(
        claim=both_sides_boot_alike_and_find_every_frame_alike,
        provers=on_each(BOOTS, small_boots),
        mistakes=(
            Mistake(boot, "sparse_init_nid", mistakes.keep_the_buffer, bug="P61"),
            Mistake(boot, "zone_parts", of_frames.end_zones_late),
            Mistake(boot, "init_unavailable_range", of_frames.leave_holes),
            Mistake(MemoryModel, "sparse_index_init", mistakes.share_a_table),
            Mistake(spec_boot, "flat_base", not_moved_back),
            Mistake(sparse, "next_run", a_run_of_all_nodes),
        ),
        size="10 machines of 4 sections of 8 frames, up to 2 banks",
    ),
    Lemma(
        claim=unused_descriptors_are_freed_alike_and_no_page_block_is_cut,
        provers=on_each(TRIMS, small_gaps),
        mistakes=(
            Mistake(
                boot, "free_unused_memmap", of_frames.round_to_largest_blocks, bug="P63"
            ),
            Mistake(unused, "unused_unit", a_frame_at_a_time),
            Mistake(boot, "free_memmap", of_frames.free_partial_pages),
        ),
        size="3 machines, up to 3 banks",
    ),
    Lemma(
        claim=a_buffer_is_taken_apart_alike,
        provers=(Sweep(cases=few_pieces, scope="small buffers"),),
        mistakes=(
            Mistake(boot, "sparse_buffer_alloc", mistakes.forget_the_gap),
            Mistake(boot, "sparse_buffer_alloc", mistakes.leave_the_last_byte),
            Mistake(buffer, "first_piece", first_piece_as_it_is),
        ),
        size="buffers of up to 80 bytes, 2 pieces",
    ),
    Lemma(
        claim=memory_comes_and_goes_alike,
        slow=True,
        provers=on_each(PLUGS, plugs),
        mistakes=(
            Mistake(hotplug, "reset_section", of_hotplug.keep_the_word, bug="P60"),
            Mistake(hotplug, "add_pages", of_hotplug.add_any_range),
            Mistake(spec_hotplug, "mask_of", one_part_only),
        ),
        size="4 machines, 2 parts",
    ),
)
