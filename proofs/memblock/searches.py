"""memblock's searches: the fit in one free range, and the search around a reservation.

The whole search is run, window and all, on one memory region with one reservation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Sweep, Symbolic, Values
from mmoracle.checkers.symbolic import agree, denied, either, every
from mmoracle.checkers.word import Bounded, Whole, Wrapping, one_of
from mmoracle.spec.linux import NUMA_NO_NODE, Addr
from mmoracle.spec.memblock import regions, search
from mmoracle.spec.memblock.regions import (
    NONE,
    Config,
    Memblock,
    Region,
    Regions,
    Request,
)

from .words import config, owner, twin

# ------------------------------------------------------------------ one range


def one_range(
    top: Any, start: Any, end: Any, size: Any, bit: Any, addr: Any
) -> Iterable[Any]:
    """Assume a free range, a block of some size, and an alignment of 1 << bit."""
    return (start <= end, end <= top, size >= 1, addr <= top, bit < top.bit_length())


def fits_between(start: Any, end: Any, size: Any, align: Any, addr: Any) -> Any:
    """Say whether an aligned block of this size at `addr` lies in the range."""
    room = every(start <= addr, addr <= end, end - addr >= size)
    return every(room, (addr & (align - 1)) == 0)


def the_highest_fit_is_a_block_and_none_lies_higher(
    top: Any, start: Any, end: Any, size: Any, bit: Any, addr: Any
) -> Any:
    """One range has a fit exactly if an aligned block lies in it; it is the last."""
    align = 1 << one_of(bit, range(top.bit_length()))
    got = twin(config(top)).fit_top_down(start, end, size, align)
    other = fits_between(start, end, size, align, addr)
    if got is None:
        return denied(other)
    found = fits_between(start, end, size, align, got)
    return every(found, either(denied(other), addr <= got))


def the_lowest_fit_is_a_block_and_none_lies_lower_or_it_is_0(
    top: Any, start: Any, end: Any, size: Any, bit: Any, addr: Any
) -> Any:
    """One range has a fit exactly if a block lies in it; rounding may wrap to 0."""
    align = 1 << one_of(bit, range(top.bit_length()))
    got = twin(config(top)).fit_bottom_up(start, end, size, align)
    other = fits_between(start, end, size, align, addr)
    if got is None:
        return denied(other)
    found = fits_between(start, end, size, align, got)
    lowest = every(found, either(denied(other), got <= addr))
    wrapped = every(got == 0, start > 0, start > top - (align - 1), denied(other))
    return either(lowest, wrapped)


def fit_without_room(m: Any, start: int, end: int, size: int, align: int) -> int | None:
    """Forget that the size may be larger than the end, so the difference is negative.

    In a word it wraps.
    """
    addr: int = m.round_down(end - size, align) & m.top
    return addr if addr >= start else None


def fit_rounded_up(m: Any, start: int, end: int, size: int, align: int) -> int | None:
    """Round the highest place up, beyond the end."""
    if end < size:
        return None
    addr: int = m.round_up(end - size, align)
    return addr if addr >= start else None


def fit_strictly(m: Any, start: int, end: int, size: int, align: int) -> int | None:
    """Miss a block that fills the range exactly."""
    addr: int = m.round_up(start, align)
    return addr if addr < end and end - addr > size else None


def fit_by_sum(m: Any, start: int, end: int, size: int, align: int) -> int | None:
    """Compare the end of the block in a word, where it may wrap."""
    addr: int = m.round_up(start, align)
    return addr if addr < end and (addr + size) & m.top <= end else None


# ------------------------------------------------------------------ the search


def one_reservation(top: Any, *words: Any) -> Iterable[Any]:
    """Assume a memory region, a reservation anywhere, and a window above page 0."""
    base, size, held, length, low, high, nr_bytes, _ = words
    yield from (size >= 1, base <= top, size <= top - base)
    yield from (length >= 1, held <= top, length <= top - held)
    yield from (nr_bytes >= 1, low >= PAGE, low <= high, high <= top)


def state(region: Sequence[Any], top: Any) -> Memblock:
    """Return memblock with one region of memory and one reservation."""
    base, size, held, length = region
    memory = Regions((Region(Addr(base), Addr(size)),), 8, Addr(size))
    reserved = Regions((Region(Addr(held), Addr(length)),), 8, Addr(length))
    return Memblock(memory, reserved, current_limit=top)


def loaded(cfg: Config, s: Memblock) -> Any:
    """Return the machine in the same state."""
    m = twin(cfg)
    for t, told in ((m.memory, s.memory), (m.reserved, s.reserved)):
        t.top = cfg.top
        t.splice(0, 0, [(r.base, r.end, 0, r.nid) for r in told.regions])
    m.current_limit = s.current_limit
    return m


def is_free(where: Sequence[Any], addr: Any) -> Any:
    """Say pointwise whether a block is memory, aligned, not held, and in the window."""
    base, size, held, length, low, high, nr_bytes = where
    clear = either(addr + nr_bytes <= held, held + length <= addr)
    memory = every(base <= addr, addr + nr_bytes <= base + size)
    return every(memory, clear, low <= addr, addr + nr_bytes <= high, addr % PAGE == 0)


def asked(top: Any, where: Sequence[Any]) -> tuple[Config, Memblock, Request]:
    """Return a machine, its state, and a search in it."""
    *region, low, high, nr_bytes = where
    request = Request(nr_bytes, PAGE, low, high, NUMA_NO_NODE, NONE)
    return config(top), state(region, top), request


def searching(
    find: Callable[..., Any], bottom_up: bool, top: Any, where: Sequence[Any], addr: Any
) -> Any:
    """Say whether a search is right, misses nothing, and is the machine's as well."""
    cfg, s, request = asked(top, where)
    got = find(cfg, s, request)
    m = loaded(cfg, s)
    m.bottom_up = bottom_up
    args = (request.size, PAGE, request.start, request.end, NUMA_NO_NODE, 0)
    if m.memblock_find_in_range_node(*args) != got:
        return False
    missed = is_free(where, addr)
    if got == 0:
        return denied(missed)
    nearest = got <= addr if bottom_up else got >= addr
    return every(is_free(where, got), either(denied(missed), nearest))


PAGE = 4096


def the_search_from_above_is_sound_complete_and_highest(top: Any, *words: Any) -> Any:
    """Top down, a free page-aligned block is found if there is one, the highest."""
    *where, addr = words
    return searching(search.highest_fit, False, top, where, addr)


def the_search_from_below_is_sound_complete_and_lowest(top: Any, *words: Any) -> Any:
    """Bottom up, a free page-aligned block is found if there is one, the lowest."""
    *where, addr = words
    return searching(search.lowest_fit, True, top, where, addr)


def a_block_is_allowed_exactly_where_it_is_free(top: Any, *words: Any) -> Any:
    """The specification permits an answer, Linux's or not, if it is a free block."""
    *where, addr = words
    cfg, s, request = asked(top, where)
    return agree(search.fits(cfg, s, request, addr), is_free(where, addr))


def first_of_the_last(cfg: Config, s: Memblock, request: Request) -> int:
    """Look at the last free range only."""
    for start, end in list(search.candidates(cfg, s, request))[-1:]:
        if end >= request.size:
            addr = regions.round_down(end - request.size, request.align)
            if addr >= start:
                return addr
    return 0


def no_window(cfg: Config, s: Memblock, request: Request) -> Iterator[tuple[int, int]]:
    """Forget the lower bound of the search."""
    for start, end, _ in search.free_ranges(cfg, s, request.nid, request.flags):
        yield min(start, request.end), min(end, request.end)


def gaps_behind(cfg: Config, s: Memblock) -> list[tuple[int, int]]:
    """Forget the room before the first reservation."""
    return right_gaps(cfg, s)[1:]


right_gaps = search.gaps


# ------------------------------------------------------------------ the lemmas


def sorted_range(top: int, values: Values) -> Values:
    """Put the borders in order, and bound the alignment."""
    start, end, size, bit, addr = values
    low, high = sorted((start, end))
    bit = bit % top.bit_length()
    return low, high, size % (high - low + 2), bit, addr >> bit << bit


NAMES = ("base", "size", "held", "length", "low", "high", "nr_bytes", "addr")
ONE_AND_ONE = "1 region and 1 reservation, page alignment"

PLAIN = ("memblock searches: one node, no flags, and a window above the first page",)

SEARCHES = (
    Lemma(
        claim=the_highest_fit_is_a_block_and_none_lies_higher,
        slow=True,
        given=one_range,
        provers=(
            Symbolic(Bounded),
            Symbolic(Wrapping),
            Sweep(3),
            Sampled(sorted_range),
        ),
        mistakes=(
            Mistake(owner("fit_top_down"), "fit_top_down", fit_without_room),
            Mistake(owner("fit_top_down"), "fit_top_down", fit_rounded_up),
        ),
    ),
    Lemma(
        claim=the_lowest_fit_is_a_block_and_none_lies_lower_or_it_is_0,
        slow=True,
        given=one_range,
        provers=(
            Symbolic(Bounded),
            Symbolic(Wrapping),
            Sweep(3),
            Sampled(sorted_range),
        ),
        mistakes=(
            Mistake(owner("fit_bottom_up"), "fit_bottom_up", fit_strictly),
            Mistake(owner("fit_bottom_up"), "fit_bottom_up", fit_by_sum),
        ),
    ),
    Lemma(
        claim=the_search_from_above_is_sound_complete_and_highest,
        names=NAMES,
        given=one_reservation,
        provers=(Symbolic(Whole),),
        mistakes=(
            Mistake(search, "highest_fit", first_of_the_last),
            Mistake(search, "candidates", no_window),
        ),
        size=ONE_AND_ONE,
        assumes=PLAIN,
    ),
    Lemma(
        claim=a_block_is_allowed_exactly_where_it_is_free,
        names=NAMES,
        given=one_reservation,
        provers=(Symbolic(Whole),),
        mistakes=(
            Mistake(search, "candidates", no_window),
            Mistake(search, "gaps", gaps_behind),
        ),
        size=ONE_AND_ONE,
        assumes=PLAIN,
    ),
    Lemma(
        claim=the_search_from_below_is_sound_complete_and_lowest,
        slow=True,
        names=NAMES,
        given=one_reservation,
        provers=(Symbolic(Bounded),),
        mistakes=(
            Mistake(search, "candidates", no_window),
            Mistake(owner("fit_bottom_up"), "fit_bottom_up", fit_strictly),
        ),
        size=ONE_AND_ONE,
        assumes=PLAIN,
    ),
)
