"""memblock's questions: what the arrays answer about an address, a range or a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from mmoracle.checkers.bind import memblock as binding
from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Symbolic
from mmoracle.checkers.mutants import memblock as mutants
from mmoracle.checkers.mutants import memblock_boot as boot_mutants
from mmoracle.checkers.symbolic import agree, either, every
from mmoracle.checkers.word import Bounded, Wrapping, one_of
from mmoracle.spec.linux import MAX_NUMNODES, Addr, MemblockFlags
from mmoracle.spec.memblock import ops, questions
from mmoracle.spec.memblock.regions import (
    NONE,
    Config,
    Memblock,
    Region,
    Regions,
    overlaps,
)

from . import histories
from .arrays import NAMES, THREE, array, holds, in_order, regions_of
from .twins import ROOM, loaded
from .words import MACHINE, config, owner

# ------------------------------------------------------------------ overlap


def three_and_a_range(top: Any, *words: Any) -> Iterable[Any]:
    """Assume up to three regions in order, and a range that may pass the top."""
    *told, base, size, addr = words
    yield from in_order(top, told)
    yield from (base < top, size >= 1, size <= top, addr <= top)


def a_range_meets_an_array_exactly_if_they_share_an_address(
    top: Any, *words: Any
) -> Any:
    """Both sides find a shared address if there is one, also of a range cut at top."""
    *told, base, size, addr = words
    cfg, t = config(top), array(told)
    found = ops.IsRegion("overlaps_memory", base, size).choose(cfg, only(t))
    m = loaded(cfg, only(t))
    if bool(m.memblock_overlaps(m.memory, base, size)) != found:
        return False

    def in_range(at: Any) -> Any:
        return every(base <= at, either(at - base < size, at < base), at < top)

    shared = [every(holds(t, base), in_range(base))]
    shared += [in_range(r.base) for r in t.regions]
    if not agree(found, either(*shared)):
        return False
    return either(found, denied_both(holds(t, addr), in_range(addr)))


def denied_both(one: Any, other: Any) -> Any:
    """Say that not both are true."""
    return agree(every(one, other), False)


def only(t: Regions) -> Memblock:
    """Return memblock with this memory and nothing in use."""
    return Memblock(t, Regions((), ROOM))


def uncapped(cfg: Config, t: Regions, base: int, size: int) -> bool:
    """Compare a range with the regions without cutting it at the top of the word."""
    end = (base + size) & cfg.top
    return any(overlaps(base, end, r) for r in t.regions)


# ------------------------------------------------------------------ addresses, pages

MARKS = (0, int(MemblockFlags.HOTPLUG), int(MemblockFlags.NOMAP))


def two_marked(top: Any, words: Sequence[Any]) -> Memblock:
    """Return two regions of memory with marks and nodes."""
    rows = tuple(
        Region(Addr(base), Addr(size), MemblockFlags(one_of(marks, MARKS)), nid)
        for base, size, marks, nid in (words[:4], words[4:8])
    )
    return only(Regions(rows, ROOM, Addr(sum(r.size for r in rows))))


def two_with_marks(top: Any, *words: Any) -> Iterable[Any]:
    """Assume two regions in order, with any marks and nodes, a range and an address."""
    b0, s0, f0, _, b1, s1, f1, _, *rest = words
    yield from in_order(top, (2, b0, s0, b1, s1, 0, 0))
    yield from (either(*(f == mark for mark in MARKS)) for f in (f0, f1))
    yield from (word <= top for word in rest)


def plain(top: Any, *words: Any) -> Iterable[Any]:
    """Assume two regions in order with no marks, a range and an address."""
    yield from two_with_marks(top, *words)
    yield from (words[2] == 0, words[6] == 0)


def both_answer(cfg: Config, s: Memblock, op: Any) -> bool:
    """Say whether both sides answer a question alike."""
    told, got = op.choose(cfg, s), binding.ask(loaded(cfg, s), op)
    return bool(got) is told if isinstance(told, bool) else bool(told == got)


def both_sides_answer_alike_about_addresses_and_pages(top: Any, *words: Any) -> Any:
    """What holds an address, a range or a page, and where memory starts and ends."""
    *told, base, size, addr = words
    cfg, s = config(top), two_marked(top, told)
    asked = (
        ops.IsReserved("memory", addr),
        ops.IsRegion("memory", base, size),
        ops.SearchPfnNid(addr // cfg.page_size),
        ops.Extent(),
    )
    holders = [i for i, r in enumerate(s.memory.regions) if r.base <= addr < r.end]
    found = loaded(cfg, s).memory.memblock_search(addr)
    return [found] == (holders or [-1]) and all(both_answer(cfg, s, op) for op in asked)


def walks_show_each_region_that_is_mapped(top: Any, *words: Any) -> Any:
    """Plain walks show every region but the no-map ones, with its node."""
    *told, movable, addr = words
    cfg = replace(Config(), movable_node=bool(movable == 1))
    s = two_marked(top, told)
    shown = [r for r in s.memory.regions if not r.flags & MemblockFlags.NOMAP]
    walk = loaded(cfg, s).walk("memory", -1, 0)
    if walk != tuple((r.base, r.end, r.nid) for r in shown):
        return False
    inside = either(*(every(r.base <= addr, addr < r.end) for r in shown))
    mapped = bool(ops.IsReserved("map_memory", addr).choose(cfg, s))
    return (
        agree(mapped, inside)
        and both_answer(cfg, s, ops.IsReserved("map_memory", addr))
        and both_answer(cfg, s, ops.ForEach("memory"))
        and both_answer(cfg, s, ops.ForEach("memory_reverse"))
    )


def two_and_a_node(top: Any, *words: Any) -> Iterable[Any]:
    """Assume two regions in order with no marks, and a node to walk on."""
    *told, _ = words
    return plain(top, *told)


def walks_by_page_show_whole_pages_of_a_node(top: Any, *words: Any) -> Any:
    """Each region of the node shows the pages that lie in it whole, if it has some."""
    *told, nid = words
    cfg, s = config(top), two_marked(top, told)
    page = cfg.page_size
    borders = [(-(-r.base // page), r.end // page, r.nid) for r in s.memory.regions]
    due = tuple(
        each for each in borders if each[0] < each[1] and nid in (MAX_NUMNODES, each[2])
    )
    walk = ops.ForEach("pfn", nid)
    return bool(walk.choose(cfg, s) == due) and both_answer(cfg, s, walk)


def skip_the_marked(cfg: Config, r: Region, nid: int, flags: Any) -> bool:
    """Pass over every region with any mark."""
    return r.flags is not NONE


def page_up_always(cfg: Config, addr: int) -> int:
    """Round the page of a region's end up."""
    return -(-addr // cfg.page_size)


def page_down(m: Any, addr: int) -> int:
    """Round the page of a region's base down."""
    return addr // int(m.page_size)


# ------------------------------------------------------------------ the lemmas

TWO = ("b0", "s0", "f0", "d0", "b1", "s1", "f1", "d1")

QUESTIONS = (
    Lemma(
        claim=a_range_meets_an_array_exactly_if_they_share_an_address,
        names=(*NAMES, "base", "size", "addr"),
        given=three_and_a_range,
        provers=(Symbolic(Bounded), Symbolic(Wrapping), Sampled(regions_of)),
        mistakes=(
            Mistake(MACHINE, "memblock_overlaps", mutants.wrap_over_the_top, bug="P50"),
            Mistake(questions, "meets", uncapped, bug="P50"),
        ),
        size=THREE,
        history=histories.overlap,
    ),
    Lemma(
        claim=both_sides_answer_alike_about_addresses_and_pages,
        names=(*TWO, "base", "size", "addr"),
        given=plain,
        provers=(Symbolic(Bounded),),
        mistakes=(
            Mistake(questions, "pfn_down", page_up_always),
            Mistake(
                owner("memblock_search_pfn_nid"),
                "memblock_search_pfn_nid",
                boot_mutants.take_the_next_region,
            ),
            Mistake(
                owner("extents"), "extents", boot_mutants.end_where_the_last_begins
            ),
        ),
        size="2 regions",
    ),
    Lemma(
        claim=walks_show_each_region_that_is_mapped,
        names=(*TWO, "movable", "addr"),
        given=two_with_marks,
        provers=(Symbolic(Bounded),),
        mistakes=(
            Mistake(
                owner("for_each_region"),
                "for_each_region",
                boot_mutants.hide_hotplug,
                bug="P53",
            ),
            Mistake(questions, "is_skipped", skip_the_marked),
            Mistake(
                owner("memblock_is_map_memory"),
                "memblock_is_map_memory",
                boot_mutants.map_everything,
            ),
        ),
        size="2 regions",
    ),
    Lemma(
        claim=walks_by_page_show_whole_pages_of_a_node,
        names=(*TWO, "nid"),
        given=two_and_a_node,
        provers=(Symbolic(Bounded),),
        mistakes=(
            Mistake(questions, "pfn_down", page_up_always),
            Mistake(owner("pfn_up"), "pfn_up", page_down),
        ),
        size="2 regions",
    ),
)
