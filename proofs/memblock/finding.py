"""memblock's searches on both sides: memory and reservations of any place, node, flags.

Both sides look top down and bottom up; the answer must be the same, found or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Sweep, Symbolic
from mmoracle.checkers.mutants import memblock as mutants
from mmoracle.checkers.mutants import memblock_boot as boot_mutants
from mmoracle.checkers.symbolic import agree, either, every
from mmoracle.checkers.word import Bounded, one_of
from mmoracle.spec.linux import MAX_NUMNODES, NUMA_NO_NODE, Addr, MemblockFlags
from mmoracle.spec.memblock import alloc, ops, search
from mmoracle.spec.memblock.regions import (
    HOTPLUG,
    MIRROR,
    NOMAP,
    NONE,
    Config,
    Memblock,
    Region,
    Regions,
    Request,
    Warn,
)

from .twins import EVERY, ROOM, ROWS, loaded
from .words import config, owner, twin

PAGE = 4096

# ------------------------------------------------------------------ states


def in_order(top: Any, rows: Sequence[Region]) -> Iterator[Any]:
    """Say that regions follow each other, and none is empty."""
    low: Any = 0
    for r in rows:
        yield from (low <= r.base, r.size >= 1, r.base <= top, r.size <= top - r.base)
        low = r.end


def memory_of(told: Sequence[Any], held: Sequence[Any], top: Any) -> Memblock:
    """Return memblock with memory of these bases, sizes, nodes, and reservations."""
    memory = tuple(
        Region(Addr(told[at]), Addr(told[at + 1]), NONE, told[at + 2])
        for at in range(0, len(told), 3)
    )
    reserved = tuple(
        Region(Addr(held[at]), Addr(held[at + 1])) for at in range(0, len(held), 2)
    )
    return Memblock(Regions(memory, ROOM), Regions(reserved, ROOM), current_limit=top)


def around_one(top: Any, words: Sequence[Any]) -> tuple[Memblock, Any, Any]:
    """Return two regions of memory and a reservation, a size and a node."""
    return memory_of(words[:6], words[6:8], top), words[8], words[9]


def between_two(top: Any, words: Sequence[Any]) -> tuple[Memblock, Any, Any]:
    """Return a region of memory and two reservations, a size; any node does."""
    s = memory_of((*words[:2], 0), words[2:6], top)
    return s, words[6], NUMA_NO_NODE


def in_order_around_one(top: Any, *words: Any) -> Iterable[Any]:
    """Assume two regions in order, a reservation, a size and a node."""
    yield from an_order(top, *around_one(top, words))


def in_order_between_two(top: Any, *words: Any) -> Iterable[Any]:
    """Assume a region, two reservations in order, and a size."""
    yield from an_order(top, *between_two(top, words))


def an_order(top: Any, s: Memblock, size: Any, nid: Any) -> Iterator[Any]:
    """Say that both arrays are in order and the request one that callers make."""
    yield from in_order(top, s.memory.regions)
    yield from in_order(top, s.reserved.regions)
    yield from (size >= 1, size <= top, nid < MAX_NUMNODES)


def found_alike(
    top: Any, s: Memblock, size: Any, nid: Any, bottom_up: bool = False
) -> Any:
    """Say whether both sides find the same page-aligned block, or none."""
    cfg, s = config(top), replace(s, bottom_up=bottom_up)
    told = search.find_in_range_node(cfg, s, Request(size, PAGE, 0, 0, nid, NONE))
    m = loaded(cfg, s)
    m.bottom_up = bottom_up
    return m.memblock_find_in_range_node(size, PAGE, 0, 0, nid, int(NONE)) == told


def from_above_the_machine_finds_the_same_around_a_reservation(
    top: Any, *words: Any
) -> Any:
    """Top down, both sides find the same block of any size on any one node."""
    return found_alike(top, *around_one(top, words))


def from_below_the_machine_finds_the_same_around_a_reservation(
    top: Any, *words: Any
) -> Any:
    """Bottom up, both sides find the same block of any size on any one node."""
    return found_alike(top, *around_one(top, words), bottom_up=True)


def from_above_the_machine_finds_the_same_between_reservations(
    top: Any, *words: Any
) -> Any:
    """Top down, both sides find the same block before, between and behind two."""
    return found_alike(top, *between_two(top, words))


def from_below_the_machine_finds_the_same_between_reservations(
    top: Any, *words: Any
) -> Any:
    """Bottom up, both sides find the same block before, between and behind two."""
    return found_alike(top, *between_two(top, words), bottom_up=True)


# ------------------------------------------------------------------ filters


def a_region_and_a_wish(
    top: Any, own: Any, nid: Any, flags: Any, wanted: Any, movable: Any
) -> Iterable[Any]:
    """Assume a region's node and flags, and those that a search asks for."""
    return (flags <= EVERY, wanted <= EVERY, movable <= 1)


def a_region_is_looked_at_exactly_if_node_and_flags_allow_it(
    top: Any, own: Any, nid: Any, flags: Any, wanted: Any, movable: Any
) -> Any:
    """Node, hotplug, mirror and no-map decide, each by its own rule; both sides agree.

    A node of top stands for any node.
    """
    marks, asks = (MemblockFlags(one_of(each, range(8))) for each in (flags, wanted))
    node = NUMA_NO_NODE if nid == top else nid
    cfg = Config(movable_node=bool(movable == 1))
    told = search.is_skipped(cfg, Region(Addr(0), Addr(1), marks, own), node, asks)
    m = twin(cfg)
    m.memory.splice(0, 0, [(0, 1, int(marks), own)])
    no = {flag for flag in MemblockFlags if flag in marks and flag not in asks}
    lacks_mirror = MIRROR in asks and MIRROR not in marks
    hidden = NOMAP in no or lacks_mirror or (cfg.movable_node and HOTPLUG in no)
    elsewhere = every(nid != top, nid != own)
    return every(
        bool(told) == bool(m.should_skip_region(0, node, int(asks))),
        agree(told, either(hidden, elsewhere)),
    )


def with_a_mirror(top: Any, *words: Any) -> Iterable[Any]:
    """Assume two regions of memory, mirrored or not, and any size."""
    s, size, _ = mirrored(top, words)
    yield from an_order(top, s, size, 0)


def mirrored(top: Any, words: Sequence[Any]) -> tuple[Memblock, Any, bool]:
    """Return memory with mirrored regions, a size, and the direction."""
    b0, s0, m0, b1, s1, m1, size, up = words
    rows = tuple(
        Region(Addr(base), Addr(length), MIRROR if mark == 1 else NONE)
        for base, length, mark in ((b0, s0, m0), (b1, s1, m1))
    )
    s = Memblock(Regions(rows, ROOM), Regions((), ROOM), current_limit=top)
    return replace(s, has_mirror=True), size, bool(up == 1)


def mirrored_memory_is_taken_first_and_given_up_with_a_warning(
    top: Any, *words: Any
) -> Any:
    """Both sides look in mirrored memory first, warn, and then look everywhere."""
    s, size, up = mirrored(top, words)
    cfg, s = config(top), replace(s, bottom_up=up)
    _, told, events = ops.FindInRange(Addr(0), Addr(0), size, PAGE).run(
        cfg, s, search.Linux(True)
    )
    m = loaded(cfg, s)
    m.bottom_up, m.system_has_some_mirror = up, True
    got = m.memblock_find_in_range(0, 0, size, PAGE)
    warned = [("warn", e.what) for e in events if isinstance(e, Warn)]
    return m.events == warned and got == told


# ------------------------------------------------------------------ mistakes


def look_on_any_node(cfg: Config, r: Region, nid: int, flags: Any) -> bool:
    """Look at regions of every node."""
    return bool(right_skip(cfg, r, NUMA_NO_NODE, flags))


def look_everywhere(m: Any, i: int, nid: int, flags: int) -> bool:
    """Let the machine pass over no region."""
    return False


def gaps_but_the_last(cfg: Config, s: Memblock) -> list[tuple[int, int]]:
    """Forget the room behind the last reservation."""
    return right_gaps(cfg, s)[:-1]


def narrower(m: Any, base: int, end: int, size: int, down: bool) -> Iterator[Any]:
    """Let the machine pass over a gap just as wide as the block."""
    return iter(right_wide(m, base, end, size + 1, down))


def all_flags_at_once(s: Memblock) -> tuple[MemblockFlags, ...]:
    """Look for mirrored memory only."""
    return (MIRROR,) if s.has_mirror else (NONE,)


right_skip, right_gaps, right_wide = search.is_skipped, search.gaps, ROWS.wide_gaps

# ------------------------------------------------------------------ the lemmas

MEMORY_WORDS = ("b0", "s0", "d0", "b1", "s1", "d1")
AROUND = (*MEMORY_WORDS, "held", "length", "size", "nid")
BETWEEN = ("base", "length", "h0", "l0", "h1", "l1", "size")
TWO_AND_ONE = "2 regions and 1 reservation, page alignment, the whole of memory"
ONE_AND_TWO = "1 region and 2 reservations, page alignment, the whole of memory"
SKIPS = (
    Mistake(search, "is_skipped", look_on_any_node),
    Mistake(owner("should_skip_region"), "should_skip_region", look_everywhere),
)
GAPS = (
    Mistake(search, "gaps", gaps_but_the_last),
    Mistake(ROWS, "wide_gaps", narrower),
)

FINDING = (
    Lemma(
        claim=from_above_the_machine_finds_the_same_around_a_reservation,
        names=AROUND,
        given=in_order_around_one,
        provers=(Symbolic(Bounded),),
        mistakes=(
            *SKIPS,
            Mistake(owner("fit_top_down"), "fit_top_down", mutants.take_the_second),
        ),
        size=TWO_AND_ONE,
        slow=True,
    ),
    Lemma(
        claim=from_below_the_machine_finds_the_same_around_a_reservation,
        names=AROUND,
        given=in_order_around_one,
        provers=(Symbolic(Bounded),),
        mistakes=(
            *SKIPS,
            Mistake(owner("fit_bottom_up"), "fit_bottom_up", mutants.want_one_more),
        ),
        size=TWO_AND_ONE,
        slow=True,
    ),
    Lemma(
        claim=from_above_the_machine_finds_the_same_between_reservations,
        names=BETWEEN,
        given=in_order_between_two,
        provers=(Symbolic(Bounded),),
        mistakes=GAPS,
        size=ONE_AND_TWO,
        slow=True,
    ),
    Lemma(
        claim=from_below_the_machine_finds_the_same_between_reservations,
        names=BETWEEN,
        given=in_order_between_two,
        provers=(Symbolic(Bounded),),
        mistakes=GAPS,
        size=ONE_AND_TWO,
        slow=True,
    ),
    Lemma(
        claim=a_region_is_looked_at_exactly_if_node_and_flags_allow_it,
        given=a_region_and_a_wish,
        provers=(Symbolic(Bounded), Sweep(3)),
        mistakes=(
            *SKIPS,
            Mistake(
                owner("should_skip_region"),
                "should_skip_region",
                boot_mutants.hand_over_nomap,
            ),
        ),
    ),
    Lemma(
        claim=mirrored_memory_is_taken_first_and_given_up_with_a_warning,
        slow=True,
        names=("b0", "s0", "m0", "b1", "s1", "m1", "size", "up"),
        given=with_a_mirror,
        provers=(Symbolic(Bounded),),
        mistakes=(
            Mistake(alloc, "flag_choices", all_flags_at_once),
            Mistake(owner("find_in_range"), "find_in_range", mutants.insist_on_mirror),
        ),
        size="2 regions, no reservation, page alignment",
    ),
)
