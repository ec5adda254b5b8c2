"""Boot: pieces of the buffer, and which part of the memory map goes back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mmoracle.checkers.bind.memmodel import load
from mmoracle.checkers.lemma import Lemma, Mistake, Symbolic
from mmoracle.checkers.symbolic import agree, either, every
from mmoracle.checkers.word import Bounded, Whole, one_of
from mmoracle.impl.memmodel import boot as machine
from mmoracle.spec.memmodel import buffer, unused, words
from mmoracle.spec.memmodel.state import SPARSE, Config, Span

from .constants import FRAMES, SIZE
from .states import flat

# ------------------------------------------------------------------ the buffer

PIECES = (12, 21)  # a page, and a large page


class Events:
    """As much of a machine as the buffer needs."""

    def __init__(self, start: Any, end: Any) -> None:
        self.buffer = start, end
        self.events: list[Any] = []


def a_buffer(top: Any, start: Any, size: Any, bits: Any) -> Iterable[Any]:
    """Assume a buffer that does not wrap, and a piece's size."""
    plain = one_of(bits, PIECES)
    known = every(start > 0, size >= 0)
    return (either(*(bits == each for each in PIECES)), known, plain in PIECES)


def a_piece_of_the_buffer_is_the_first_aligned_one(
    top: Any, start: Any, size: Any, bits: Any
) -> Any:
    """A piece is aligned, in the buffer, less than its size away; else none fits."""
    piece, end = 1 << one_of(bits, PIECES), start + size
    at = buffer.first_piece(start, end, piece)
    shipped = Events(start, end)
    same = machine.sparse_buffer_alloc(shipped, piece) == at  # type: ignore[arg-type]
    if at == 0:
        return every(same, start // piece * piece + piece > end - piece)
    rest = buffer.sparse_buffer_alloc(Span(start, end), piece)[2]
    if rest is None:
        return False
    return every(
        same,
        at % piece == 0,
        at >= start,
        at - start < piece,
        at + piece <= end,
        rest.start == at + piece,
        shipped.buffer[0] == rest.start,
    )


def piece_unaligned(start: int, end: int, size: int) -> int:
    """Hand out what comes first."""
    return start if start + size <= end else 0


def piece_too_long(start: int, end: int, size: int) -> int:
    """Ask only whether the piece begins in the buffer."""
    at = words.round_up(start, size)
    return at if at < end else 0


# ------------------------------------------------------------------ what is unused

ARM = Config(model=SPARSE, valid="memory", pageblock_order=9, section_bits=30)


def a_gap(top: Any, end: Any, start: Any, pfn: Any) -> Iterable[Any]:
    """Assume two banks, one behind the other, and a frame between."""
    return (end > 0, end < start, start < FRAMES, pfn < FRAMES)


def what_is_freed_shares_no_page_block_with_memory(
    top: Any, end: Any, start: Any, pfn: Any
) -> Any:
    """A frame whose descriptor goes back is in no page block with memory in it."""
    before = words.align_up(end, unused.unused_unit(ARM))
    behind = unused.unused_start(ARM, start, before)
    freed = every(before <= pfn, pfn < behind)
    block = words.align_down(pfn, ARM.block_pages)
    apart = every(block >= end, block + ARM.block_pages <= start)
    return agree(either(apart, freed), apart)


def start_as_it_is(cfg: Config, start: int, before: int) -> int:
    """Free up to the next bank, wherever it begins: 5.10 before 5.10.92."""
    return min(start, words.align_up(before, cfg.section_pages))


def unit_of_one(cfg: Config) -> int:
    """Free right behind the last frame of a bank."""
    return 1


# ------------------------------------------------------------------ whole pages


def a_gap_of_a_flat_map(top: Any, base: Any, start: Any, end: Any) -> Iterable[Any]:
    """Assume a map that does not wrap, wherever it begins, and a gap in it."""
    return (start > 0, start < end, end < FRAMES, base + end * SIZE <= top)


def of_a_gap_the_descriptors_in_whole_pages_go_back(
    top: Any, base: Any, start: Any, end: Any
) -> Any:
    """Only whole pages go, none with a descriptor of memory in it, and no page less."""
    cfg, s = flat(base, 0, end)
    m = load(cfg, s)
    low, high = unused.freed_bytes(cfg, s, start, end)
    machine.free_memmap(m, start, end)
    if low >= high:
        return not m.events
    first, behind = base + start * SIZE, base + end * SIZE
    return m.events == [("freed", "map", low, high - low)] and every(
        low % 4096 == 0,
        high % 4096 == 0,
        low >= first,
        low - first < 4096,
        high <= behind,
        behind - high < 4096,
    )


def outwards(m: Any, start: Any, end: Any) -> None:
    """Round what is freed outwards to whole pages."""
    low = m.pfn_to_page(start - 1) + m.k.sizeof_page
    high = m.pfn_to_page(end - 1) + m.k.sizeof_page
    low, high = low - low % 4096, high + -high % 4096
    m.events.append(("freed", "map", low, high - low))


def up_to_the_next(cfg: Config, s: Any, start: Any, end: Any) -> tuple[Any, Any]:
    """Free from the descriptor of the frame before a gap on."""
    return right_bytes(cfg, s, start - 1, end)


right_bytes = unused.freed_bytes

# ------------------------------------------------------------------ the lemmas

BOOT = (
    Lemma(
        claim=a_piece_of_the_buffer_is_the_first_aligned_one,
        given=a_buffer,
        provers=(Symbolic(Whole),),
        mistakes=(
            Mistake(buffer, "first_piece", piece_unaligned),
            Mistake(buffer, "first_piece", piece_too_long),
        ),
        size="pieces of 4 KiB and 2 MiB",
    ),
    Lemma(
        claim=what_is_freed_shares_no_page_block_with_memory,
        given=a_gap,
        provers=(Symbolic(),),
        mistakes=(
            Mistake(unused, "unused_start", start_as_it_is, bug="P63"),
            Mistake(unused, "unused_unit", unit_of_one),
        ),
        size="page blocks of 2 MiB, sections of 1 GiB",
    ),
    Lemma(
        claim=of_a_gap_the_descriptors_in_whole_pages_go_back,
        given=a_gap_of_a_flat_map,
        provers=(Symbolic(Bounded),),
        mistakes=(
            Mistake(machine, "free_memmap", outwards),
            Mistake(unused, "freed_bytes", up_to_the_next),
        ),
        size="descriptors of 64 bytes, pages of 4 KiB",
    ),
)
