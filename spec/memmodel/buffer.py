"""The buffer of early boot from which the memory maps of one node's sections come.

It is taken from memblock at once, handed out in aligned pieces, and what is left goes
back.  `Span` is what is left of it; none without a buffer.

Source: mm/sparse.c:sparse_buffer_init, sparse_buffer_alloc, sparse_buffer_fini (v5.10).
"""

from __future__ import annotations

from dataclasses import replace

from ..core import Domains, OneOf, nothing, require, value
from ..linux import Addr
from .state import Config, Event, Freed, MemMap, Outcome, Phase, Span, Took
from .words import round_up

Piece = tuple[int, tuple[Event, ...], Span | None]  # address or 0, what happened, rest
BUFFER = "buffer"


def first_piece(start: int, end: int, size: int) -> int:
    """Return the address of the first aligned piece in a buffer, 0 if there is none."""
    at = round_up(start, size)
    return at if at + size <= end else 0


def sparse_buffer_alloc(buffer: Span | None, size: int) -> Piece:
    """Return the next piece of a buffer; what is passed over goes back."""
    at = first_piece(buffer.start, buffer.end, size) if buffer is not None else None
    if buffer is None or not at:
        return 0, (), buffer
    gap = Addr(at - buffer.start)
    events: tuple[Event, ...] = ()
    if gap:
        events = (Freed(BUFFER, buffer.start, gap),)
    rest = Span(Addr(at + size), buffer.end)
    return at, (*events, Took(Addr(at), Addr(size))), rest


def sparse_buffer_fini(buffer: Span | None) -> tuple[Event, ...]:
    """Return the event with which what is left of a buffer goes back."""
    if buffer is None or buffer.start == buffer.end:
        return ()
    return (Freed(BUFFER, buffer.start, Addr(buffer.end - buffer.start)),)


# ------------------------------------------------------------------ by itself


def has_buffer(cfg: Config, s: MemMap) -> bool:
    """Say whether the buffer may be tried by itself."""
    return cfg.is_sparse and s.phase is Phase.MEMORY


@value
class BufferInit:
    """sparse_buffer_init() by itself: memblock gave a buffer of so many bytes."""

    at: Addr
    size: Addr

    @classmethod
    def domain(cls, cfg: Config, s: MemMap) -> Domains:
        if not has_buffer(cfg, s) or s.buffer is not None:
            return nothing()
        page, size = cfg.page_size, cfg.map_bytes
        sizes = tuple(Addr(each) for each in (size, size + page, 2 * size))
        low = cfg.arena[0]
        starts = tuple(Addr(low + each) for each in (0, page, size - page))
        return {"at": OneOf(starts), "size": OneOf(sizes)}

    def choose(self, cfg: Config, s: MemMap) -> Outcome:
        return Outcome()

    def after(self, cfg: Config, s: MemMap, result: Outcome) -> MemMap:
        require(result == Outcome(), "RET-CODE", "nothing is due")
        return replace(s, buffer=Span(self.at, Addr(self.at + self.size)))


@value
class BufferAlloc:
    """sparse_buffer_alloc(): a piece aligned to its size, or nothing."""

    size: Addr

    @classmethod
    def domain(cls, cfg: Config, s: MemMap) -> Domains:
        if not has_buffer(cfg, s):
            return nothing()
        page = cfg.page_size
        sizes = sorted({page, 2 * page, 3 * page, cfg.map_bytes})
        return {"size": OneOf(tuple(Addr(size) for size in sizes))}

    def choose(self, cfg: Config, s: MemMap) -> Outcome:
        at, events, _ = sparse_buffer_alloc(s.buffer, self.size)
        return Outcome(Addr(at) if at else None, events)

    def after(self, cfg: Config, s: MemMap, result: Outcome) -> MemMap:
        at, events, rest = sparse_buffer_alloc(s.buffer, self.size)
        require(result.value == (at or None), "RET-CODE", f"{at:#x} is the next piece")
        require(result.events == events, "BOOT-HANDOFF", f"{events} are due")
        return replace(s, buffer=rest)


@value
class BufferFini:
    """sparse_buffer_fini(): what is left goes back."""

    @classmethod
    def domain(cls, cfg: Config, s: MemMap) -> Domains:
        return {} if has_buffer(cfg, s) else nothing()

    def choose(self, cfg: Config, s: MemMap) -> Outcome:
        return Outcome(None, sparse_buffer_fini(s.buffer))

    def after(self, cfg: Config, s: MemMap, result: Outcome) -> MemMap:
        require(result.value is None, "RET-CODE", "nothing is due")
        events = sparse_buffer_fini(s.buffer)
        require(result.events == events, "BOOT-HANDOFF", f"{events} are due")
        return replace(s, buffer=None)
