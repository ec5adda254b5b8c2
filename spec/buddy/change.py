"""What the page allocator's operations share: how one is answered, and their arguments.

An operation says once, in `run`, what it does.  Its answer is judged by the value; the
events are what Linux shows on the way, and are compared where Linux is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import replace

from ..core import Disallowed, OneOf, require
from ..linux import Bug, Errno
from .pcp import commit, free_with_type
from .zones import (
    KEEPS_PRIVATE,
    Config,
    Event,
    Memory,
    Outcome,
    cached,
    free_blocks,
    type_of,
    zone_of,
)

FOREIGN = Bug("no frame of the allocator")
DOUBLE_FREE = Bug("double free")
NOT_A_HEAD = Bug("inside a block, not its first frame")
WRONG_ORDER = Bug("not the order it was allocated with")
IN_USE = Bug("somebody else holds a reference")
NOT_PREPARED = Bug("not prepared to be freed")
NOT_RESERVED = Bug("not a reserved frame")
COMPOUND = Bug("a compound page")
SATURATED = Bug("no room for another reference")

MANY = 64  # frames from which on arguments are drawn from what is held
Done = tuple[Memory, Outcome]


class Change(ABC):
    """An operation that says once, in `run`, what it does."""

    __slots__ = ()

    @abstractmethod
    def run(self, cfg: Config, s: Memory) -> Done:
        """Return the next state and the outcome."""
        ...

    def choose(self, cfg: Config, s: Memory) -> Outcome:
        """Return what Linux answers."""
        return self.run(cfg, s)[1]

    def after(self, cfg: Config, s: Memory, result: Outcome) -> Memory:
        """Return the next state for an answer, if it is one that may be given."""
        after, due = self.run(cfg, s)
        judge_value(result, due)
        return after


def judge_value(result: Outcome, due: Outcome) -> None:
    """Refuse an answer whose value is another than the one that is due."""
    require(isinstance(result, Outcome), "RET-CODE", f"{result} is no outcome")
    got = result.value
    if got != due.value or type(got) is not type(due.value):
        why = f"{shown(due.value)} is due, got {shown(got)}"
        raise Disallowed("RET-CODE", why)


def shown(answer: int | None | Errno | Bug) -> str:
    """Write what a call returned as a reader of the kernel expects it."""
    if isinstance(answer, Bug):
        return answer.why
    return str(answer) if isinstance(answer, Errno | None) else f"pfn {answer}"


# ------------------------------------------------------------------ freeing


def prepare(cfg: Config, s: Memory, pfn: int, order: int) -> Memory:
    """Make frames neutral before they are freed: free_pages_prepare()."""
    if KEEPS_PRIVATE in cfg.quirks:
        return s
    end = pfn + (1 << order)
    return replace(s, private=tuple(p for p in s.private if not pfn <= p[0] < end))


def free_the_page(
    cfg: Config, s: Memory, cpu: int, at: int, pfn: int, order: int
) -> tuple[Memory, tuple[Event, ...]]:
    """Give a block back, a single page by way of a cpu's list."""
    s, mt = prepare(cfg, s, pfn, order), type_of(cfg, s, pfn)
    if order == 0 and cfg.cpus:
        return commit(cfg, s, cpu, at, pfn, mt)
    return free_with_type(cfg, s, at, pfn, order, mt)[0], ()


# ------------------------------------------------------------------ arguments


def frames_of(cfg: Config) -> range:
    """Return the numbers of all frames, and of the one behind the last."""
    starts, ends = [z.start for z in cfg.zones], [z.end for z in cfg.zones]
    return range(min(starts), max(ends) + 1)


def pieces(s: Memory) -> Iterator[tuple[int, int]]:
    """Yield the ranges [start, end) that the allocator was given, each once."""
    yield from owned(s)
    for zone in s.zones:
        yield from ((p, p + (1 << order)) for p, order, _ in free_blocks(zone))
        yield from ((p, p + 1) for p, _ in cached(zone))


def owned(s: Memory) -> Iterator[tuple[int, int]]:
    """Yield the ranges of frames that are known and not free."""
    yield from ((h.pfn, h.end) for h in s.held)
    yield from ((p, p + 1) for p, _ in s.prepared)
    yield from ((p, p + (1 << order)) for p, order in s.guards)
    yield from ((p, p + 1) for p in s.taken)


def known_within(s: Memory, start: int, end: int) -> int:
    """Return how many frames of a range the allocator was given."""
    return sum(max(0, min(end, b) - max(start, a)) for a, b in pieces(s))


def is_reserved(cfg: Config, s: Memory, pfn: int) -> bool:
    """Say whether a frame is there and was never released."""
    there = zone_of(cfg, pfn) is not None
    return there and not any(start <= pfn < end for start, end in pieces(s))


def some_frames(cfg: Config, s: Memory) -> OneOf:
    """Return frames to name: all of a few, else those held and some that are not."""
    frames = frames_of(cfg)
    if len(frames) <= MANY:
        return OneOf(tuple(frames))
    heads = [h.pfn for h in s.held]
    return OneOf(tuple(dict.fromkeys([*heads, *odd_frames(cfg, s)])))


def odd_frames(cfg: Config, s: Memory) -> list[int]:
    """Return a few frames that are no held block's first one, as a rule."""
    frames = frames_of(cfg)
    return [frames[0], frames[-1], *(h.pfn + 1 for h in s.held[:1])]


def some_blocks(cfg: Config, s: Memory) -> OneOf:
    """Return (pfn, order) pairs to name, as `some_frames` names frames.

    A block that is held is named with its order, some with one that is wrong.
    """
    few = len(frames_of(cfg)) <= MANY
    wrong = [(pfn, 0) for pfn in some_frames(cfg, s)] if few else []
    wrong += [(h.pfn, h.order + 1) for h in (s.held if few else s.held[:1])]
    odd = [(pfn, 0) for pfn in odd_frames(cfg, s)]
    right = [(h.pfn, h.order) for h in s.held]
    return OneOf(tuple(dict.fromkeys([*right, *wrong, *odd])))


def some_cpus(cfg: Config) -> OneOf:
    """Return the cpus; one that stands for all where there are no pagesets."""
    return OneOf(tuple(range(max(1, cfg.cpus))))


def some_zones(cfg: Config) -> OneOf:
    """Return the indices of the zones."""
    return OneOf(tuple(range(len(cfg.zones))))
