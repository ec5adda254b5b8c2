"""Boot: pieces of the buffer, and which part of the memory map goes back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Symbolic
from mmoracle.checkers.symbolic import agree, either, every
from mmoracle.checkers.word import Whole, one_of
from mmoracle.impl.memmodel import boot
from mmoracle.spec.memmodel import buffer, unused, words
from mmoracle.spec.memmodel.state import SPARSE, Config, Span

from .constants import FRAMES

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
    same = boot.sparse_buffer_alloc(shipped, piece) == at  # type: ignore[arg-type]
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
)
