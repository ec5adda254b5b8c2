"""What memblock's operations share: how one is answered, and their arguments.

An operation on the arrays says once, in `run`, what it does, and is handed where new
things go: `Linux` for what Linux answers, `Told` for what an answer says.  `kmalloc` is
what the slab allocator answers when an array grows after it is up.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from ..core import Domains, Ints, OneOf, nothing, require
from ..linux import Addr, Bug
from .regions import (
    STOPPED,
    Config,
    Done,
    Memblock,
    Outcome,
    Places,
    Region,
    Stop,
    array_bytes,
    overlaps,
)
from .search import Linux, Told

BOTH = (False, True)
DUMMY = (Region(Addr(0), Addr(0)),)  # the one slot of an empty array
BUG_ON = Bug("BUG_ON: the new array cannot be reserved")
HOLDS_ARRAY = Bug("the range holds a region array")


class Change(ABC):
    """An operation on the arrays: it says once, in `run`, what it does."""

    __slots__ = ()
    kmalloc: bool

    @abstractmethod
    def run(self, cfg: Config, s: Memblock, places: Places) -> Done:
        """Return the next state, the value and the events."""
        ...

    def choose(self, cfg: Config, s: Memblock) -> Outcome:
        """Return what Linux answers."""
        try:
            return Outcome(*self.run(cfg, s, Linux(self.kmalloc))[1:])
        except Stop:
            return Outcome(BUG_ON)

    def judge_events(self, cfg: Config, s: Memblock, result: Outcome) -> None:
        """Refuse an answer for what it did; judged before the value, which follows."""
        return

    def after(self, cfg: Config, s: Memblock, result: Outcome) -> Memblock:
        """Return the next state for an answer, if it is one that may be given."""
        require(isinstance(result, Outcome), "RET-CODE", f"{result} is no outcome")
        if isinstance(result.value, Bug):
            due = self.choose(cfg, s)
            require(result == due, "RET-CODE", f"{due} is due, got {result}")
            return STOPPED if result.value == BUG_ON else s
        told = Told(result, self.kmalloc)
        try:
            s, got, _ = self.run(cfg, s, told)
        except Stop:
            got = BUG_ON
        else:
            self.judge_events(cfg, s, result)
        why = f"{shown(got)} is due, got {shown(result.value)}"
        require(result.value == got, "RET-CODE", why)
        told.finish()
        return s


def shown(answer: object) -> str:
    """Write what a call returned as the kernel's reader expects it."""
    if isinstance(answer, int):
        return f"{answer:#x}" if answer else "no address"
    return "success" if answer is None else str(answer)


def on_ranges(cfg: Config, s: Memblock, **more: OneOf | Ints) -> Domains:
    """Return the domains of an operation on a range, while the kernel runs."""
    if s.stopped:
        return nothing()
    return {"base": OneOf(cfg.bases), "size": OneOf(cfg.sizes), **more}


def with_kmalloc(s: Memblock) -> OneOf:
    """Return what kmalloc may answer: only asked once the slab allocator is up."""
    return OneOf(BOTH if s.slab_is_up and s.can_resize else (True,))


def aligned(cfg: Config) -> OneOf:
    """Return the alignments for calls that, unlike allocations, do not accept 0."""
    return OneOf(tuple(align for align in cfg.aligns if align))


def touches_array(cfg: Config, s: Memblock, base: int, end: int) -> bool:
    """Say whether a range meets a region array that memblock itself placed."""
    arrays = [t for t in (s.memory, s.reserved) if t.array]
    blocks = [Region(t.array, Addr(array_bytes(cfg, t))) for t in arrays]
    return any(overlaps(base, end, block) for block in blocks)


def pfn_up(cfg: Config, addr: int) -> int:
    """Return the first page that starts at or above an address."""
    return -(-addr // cfg.page_size)


def pfn_down(cfg: Config, addr: int) -> int:
    """Return the page that holds an address."""
    return addr // cfg.page_size
