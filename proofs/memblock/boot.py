"""What boot does with memblock: trims, no-map requests, nodes, pages, larger arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Symbolic
from mmoracle.checkers.mutants import memblock as mutants
from mmoracle.checkers.mutants import memblock_boot as boot_mutants
from mmoracle.checkers.symbolic import agree, either, every
from mmoracle.checkers.word import Bounded
from mmoracle.spec.linux import MAX_NUMNODES, Addr, Bug
from mmoracle.spec.memblock import handover, ops, search, whole
from mmoracle.spec.memblock import ranges as range_ops
from mmoracle.spec.memblock.regions import (
    NONE,
    RESERVED,
    Config,
    Memblock,
    Range,
    Region,
    Regions,
)

from .arrays import NAMES as THREE_WORDS
from .arrays import array, holds, in_order, is_sound
from .finding import in_order as rows_in_order
from .twins import ROOM, loaded, same, same_rows
from .words import MACHINE, config, owner

PAGE = 4096

# ------------------------------------------------------------------ states


def memory_and_held(
    memory: Sequence[Region], reserved: Sequence[Region], top: Any
) -> Memblock:
    """Return memblock with these regions, and totals that are right."""
    one, other = (
        Regions(tuple(rows), ROOM, Addr(sum(r.size for r in rows)))
        for rows in (memory, reserved)
    )
    return Memblock(one, other, current_limit=top)


def sound(top: Any, s: Memblock) -> Iterator[Any]:
    """Say that both arrays are in order."""
    yield from rows_in_order(top, s.memory.regions)
    yield from rows_in_order(top, s.reserved.regions)


# ------------------------------------------------------------------ trimming


def three_to_trim(top: Any, *words: Any) -> Iterable[Any]:
    """Assume up to three regions in order, and an address."""
    *told, addr = words
    yield from in_order(top, told)
    yield addr <= top


def trimming_leaves_the_whole_pages_of_each_region(top: Any, *words: Any) -> Any:
    """An address stays exactly if all its page was in one region; both sides agree."""
    *told, addr = words
    cfg, t = config(top), array(told)
    s = Memblock(t, Regions((), ROOM))
    op = ops.TrimMemory(PAGE)
    after, value, _ = op.run(cfg, s, search.Linux(True))
    page = addr - addr % PAGE
    kept = [every(r.base <= page, page + PAGE <= r.end) for r in t.regions]
    return (
        not isinstance(value, Bug)
        and same(cfg, s, op)
        and agree(holds(after.memory, addr), either(*kept))
        and is_sound(top, after.memory)
    )


def trim_up(addr: int, align: int) -> int:
    """Round the end of a region up."""
    return -(-addr // align) * align


# ------------------------------------------------------------------ no-map


def one_of_each(top: Any, *words: Any) -> Iterable[Any]:
    """Assume a region of memory, a reservation, and any range."""
    *told, base, size = words
    yield from sound(top, one_and_one(told, top))
    yield from (base <= top, size <= top)


def one_and_one(told: Sequence[Any], top: Any) -> Memblock:
    """Return one region of memory and one reservation."""
    base, size, held, length = told
    return memory_and_held([Region(base, size)], [Region(held, length)], top)


def no_map_requests_never_unmap_what_is_in_use(top: Any, *words: Any) -> Any:
    """A range that meets memory and a reservation is refused; both sides agree."""
    *told, base, size = words
    cfg, s = config(top), one_and_one(told, top)
    op = ops.ReserveDt(base, size, True)
    after, value, _ = op.run(cfg, s, search.Linux(True))
    end = base + min(size, top - base)
    both = (*s.memory.regions, *s.reserved.regions)
    meets = [every(base < r.end, r.base < end) for r in both]
    if not agree(value is not None, every(*meets)):
        return False
    return same(cfg, s, op) and (value is None or after == s)


def meet_nothing(cfg: Config, t: Regions, base: int, size: int) -> bool:
    """Find no range in use."""
    return False


# ------------------------------------------------------------------ the hand-over


def two_and_one(top: Any, *words: Any) -> Iterable[Any]:
    """Assume two regions, and a reservation that may hold an array."""
    yield from sound(top, handed(words, top))
    *_, length, has_array = words
    yield from (has_array <= 1, either(has_array == 0, length >= PAGE))
    yield either(has_array == 0, words[4] >= 1)


def handed(words: Sequence[Any], top: Any) -> Memblock:
    """Return two regions of memory and a reservation, where an array may live."""
    b0, s0, b1, s1, held, length, has_array = words
    s = memory_and_held([Region(b0, s0), Region(b1, s1)], [Region(held, length)], top)
    if has_array == 1:
        s = replace(s, reserved=replace(s.reserved, array=held))
    return s


def whole_free_pages_are_handed_over_and_no_others(top: Any, *words: Any) -> Any:
    """Both sides release the same runs of pages, none of them reserved in part."""
    cfg, s = config(top), handed(words, top)
    m = loaded(cfg, s)
    m.reserved.array = s.reserved.array
    told, got = handover.free_page_ranges(cfg, s), list(m.free_page_ranges())
    held = s.reserved.regions[0]
    free = [either(b * PAGE <= held.base, held.end <= a * PAGE) for a, b in told]
    return bool(told == got) and every(*free, *(a < b for a, b in told))


def release_in_part(cfg: Config, addr: int) -> int:
    """Release a page of which only the end is free."""
    return addr // cfg.page_size


# ------------------------------------------------------------------ nodes


def one_with_a_node(top: Any, *words: Any) -> Iterable[Any]:
    """Assume a region of memory on some node, and a reservation without one."""
    yield from sound(top, noded(words, top))
    yield words[2] < MAX_NUMNODES


def noded(words: Sequence[Any], top: Any) -> Memblock:
    """Return a region with a node and a reservation without."""
    base, size, nid, held, length = words
    memory = [Region(base, size, NONE, nid)]
    return memory_and_held(memory, [Region(held, length)], top)


def reservations_get_the_node_of_their_memory_or_node_0(top: Any, *words: Any) -> Any:
    """Both sides note each part of a reservation with the node it lies on, or 0."""
    return same(config(top), noded(words, top), ops.InitReservedPages())


FIRST = (Addr(16 * PAGE), Addr(8 * PAGE), 0)  # base, size, node
SECOND = (Addr(32 * PAGE), Addr(8 * PAGE), 1)


def a_reservation_in_two_nodes(top: Any, held: Any, length: Any) -> Iterable[Any]:
    """Assume that it begins on the first node and ends on the second, or before.

    Beyond, a second doubling may be due for which there is no room.
    """
    yield from (held >= FIRST[0], held < FIRST[0] + FIRST[1])
    yield from (length >= 1, held + length <= SECOND[0] + SECOND[1])


def an_array_that_doubles_meanwhile_gets_its_node_too(
    top: Any, held: Any, length: Any
) -> Any:
    """Giving nodes may move the array into memory that was passed already."""
    cfg, rows = config(top), [Region(b, s, NONE, d) for b, s, d in (FIRST, SECOND)]
    s = memory_and_held(rows, [Region(held, length)], top)
    s = replace(s, can_resize=True, reserved=replace(s.reserved, max=3))
    after = ops.InitReservedPages().run(cfg, s, search.Linux(True))[0]
    inside = [
        agree(r.nid == d, every(b <= r.base, r.end <= b + size))
        for r in after.reserved.regions
        for b, size, d in (FIRST, SECOND)
    ]
    m = loaded(cfg, s)
    m.can_resize = True
    m.memmap_init_reserved_pages()
    return same_rows(after.reserved, m.reserved) and every(*inside)


def node_of_the_first(
    cfg: Config, s: Memblock, kind: str, range_: Range, nid: int, *how: Any
) -> Any:
    """Give every range node 0."""
    return right_set_node(cfg, s, kind, range_, 0, *how)


right_set_node = range_ops.set_node

# ------------------------------------------------------------------ growing


def a_hand_and_memory(top: Any, *words: Any) -> Iterable[Any]:
    """Assume a region of memory, nothing reserved, and a range in hand."""
    b, s, base, size = words
    yield from rows_in_order(top, [Region(b, s)])
    yield from (base >= PAGE, base < top, size >= 1, size <= top - base)


def a_new_array_keeps_clear_of_the_range_in_hand(top: Any, *words: Any) -> Any:
    """A doubled array is a page of memory outside the range; both sides agree."""
    b, s, base, size = words
    cfg, state = config(top), memory_and_held([Region(b, s)], [], top)
    told, _ = search.Linux(True).array(cfg, state, RESERVED, ((base, size),), PAGE)
    m = loaded(cfg, state)
    m.hands.append((base, size))
    got = m.place_array(m.reserved, PAGE)
    if told is None or got is None:
        return told is None and got is None
    return every(
        told == got,
        told % PAGE == 0,
        *(b <= told, told + PAGE <= b + s),
        either(told + PAGE <= base, base + size <= told),
    )


def look_anywhere(cfg: Config, s: Memblock, kind: str, hand: Range) -> list[Range]:
    """Look for a place in all of memory."""
    return [(0, s.current_limit)]


# ------------------------------------------------------------------ the lemmas

ONE_AND_ONE = "1 region and 1 reservation"

BOOT = (
    Lemma(
        claim=trimming_leaves_the_whole_pages_of_each_region,
        slow=True,
        names=(*THREE_WORDS, "addr"),
        given=three_to_trim,
        provers=(Symbolic(Bounded),),
        mistakes=(
            Mistake(
                MACHINE, "memblock_trim_memory", boot_mutants.skip_the_next, bug="P52"
            ),
            Mistake(whole, "round_down", trim_up),
        ),
        size="up to 3 regions, whole pages, the quirks of 5.10 off",
    ),
    Lemma(
        claim=no_map_requests_never_unmap_what_is_in_use,
        names=("b", "s", "held", "length", "base", "size"),
        given=one_of_each,
        provers=(Symbolic(Bounded),),
        mistakes=(
            Mistake(
                MACHINE,
                "early_init_dt_reserve_memory_arch",
                boot_mutants.unmap_what_is_in_use,
                bug="P57",
            ),
            Mistake(range_ops, "meets", meet_nothing, bug="P57"),
        ),
        size=ONE_AND_ONE,
    ),
    Lemma(
        claim=whole_free_pages_are_handed_over_and_no_others,
        names=("b0", "s0", "b1", "s1", "held", "length", "array"),
        given=two_and_one,
        provers=(Symbolic(Bounded),),
        mistakes=(
            Mistake(
                MACHINE, "free_page_ranges", boot_mutants.advance_too_early, bug="P18"
            ),
            Mistake(
                MACHINE, "free_page_ranges", boot_mutants.free_the_arrays, bug="P56"
            ),
            Mistake(handover, "pfn_up", release_in_part),
        ),
        size="2 regions and 1 reservation, where an array may live",
        slow=True,
    ),
    Lemma(
        claim=reservations_get_the_node_of_their_memory_or_node_0,
        names=("b", "s", "d", "held", "length"),
        given=one_with_a_node,
        provers=(Symbolic(Bounded),),
        mistakes=(
            Mistake(
                MACHINE,
                "memmap_init_reserved_pages",
                boot_mutants.trust_every_node,
                bug="P54",
            ),
            Mistake(handover, "set_node", node_of_the_first),
        ),
        size=ONE_AND_ONE,
    ),
    Lemma(
        claim=an_array_that_doubles_meanwhile_gets_its_node_too,
        given=a_reservation_in_two_nodes,
        provers=(Symbolic(Bounded),),
        mistakes=(
            Mistake(
                MACHINE,
                "memmap_init_reserved_pages",
                boot_mutants.give_nodes_once,
                bug="P51",
            ),
            Mistake(handover, "set_node", node_of_the_first),
        ),
        size="2 regions of 8 pages and 1 reservation in an array of 3 slots",
    ),
    Lemma(
        claim=a_new_array_keeps_clear_of_the_range_in_hand,
        names=("b", "s", "base", "size"),
        given=a_hand_and_memory,
        provers=(Symbolic(Bounded),),
        mistakes=(
            Mistake(
                owner("place_array"),
                "place_array",
                mutants.double_into_the_hand,
                bug="P02",
            ),
            Mistake(search, "array_windows", look_anywhere, bug="P02"),
        ),
        size="1 region, nothing reserved yet, an array of one page",
    ),
)
