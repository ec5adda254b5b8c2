"""Mistakes in judging others' answers, in being other, and in the binding."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from mmoracle.impl.buddy import answers
from mmoracle.impl.buddy.allocator import Blocks
from mmoracle.impl.buddy.held import COMPOUND
from mmoracle.impl.buddy.manage import PageAllocator
from mmoracle.impl.buddy.migrate import Mobility
from mmoracle.impl.buddy.zone import SHIFT, Zone
from mmoracle.spec.core import Result

from ..bind import buddy as binding

peeking = import_module("mmoracle.impl.buddy.peek")  # a function hides it
Complaint = tuple[str, str]

_carve, _pick = Blocks.carve, Blocks.pick
_fill, _held, _outcome = binding.fill, binding.held, binding.outcome
_why_not_frames, _why_not_block = answers.why_not_frames, answers.why_not_block


# ------------------------------------------------------------------ others' answers


def check_no_frames(
    m: PageAllocator, at: int, order: int, pfn: int
) -> Complaint | None:
    """Believe whoever says that a block was free."""
    return None


def check_no_alignment(
    m: PageAllocator, at: int, order: int, pfn: int
) -> Complaint | None:
    """Take a block that begins anywhere, if its frames are free."""
    complaint = _why_not_frames(m, at, order, pfn)
    unaligned = complaint is not None and complaint[0] == "BUD-ALIGN"
    inside = m.zones[at].start <= pfn <= m.zones[at].end - (1 << order)
    free = inside and all(m.cover(at, pfn + i, 0) for i in range(1 << order))
    return None if unaligned and free else complaint


def check_the_frames_only(
    m: PageAllocator, at: int, order: int, pfn: int
) -> Complaint | None:
    """Take a block of any zone, if it is free there."""
    complaint = _why_not_frames(m, at, order, pfn)
    elsewhere = complaint is not None and complaint[0] == "BUD-ZONE"
    free = any(m.cover(i, pfn, order) for i in range(len(m.zones)))
    return None if elsewhere and free else complaint


def check_the_first_frame(
    m: PageAllocator, at: int, order: int, pfn: int
) -> Complaint | None:
    """Take a block of which the first frame is free."""
    return _why_not_frames(m, at, 0, pfn)


def fail_freely(m: PageAllocator, at: int, order: int) -> Complaint | None:
    """Believe whoever says that nothing was free."""
    return None


def take_any_pick(
    m: PageAllocator, asked: answers.Asked, got: object
) -> Complaint | None:
    """Take any free block from one who declares to pick the lowest."""
    complaint = _why_not_block(m, asked, got)
    return None if complaint is not None and complaint[0] == "PICK" else complaint


def take_what_is_free(
    m: PageAllocator, asked: answers.Asked, got: object
) -> Complaint | None:
    """Take any free block as an answer of Linux."""
    complaint = _why_not_block(m, asked, got)
    picked = complaint is not None and complaint[0] == "RET-CODE"
    return None if picked and type(got) is int else complaint


def refuse_and_take(
    m: PageAllocator, asked: answers.Asked, got: object
) -> Complaint | None:
    """Hand out a block even where somebody's answer is refused."""
    complaint = _why_not_block(m, asked, got)
    if complaint is not None:
        m.alloc_pages(*asked)
    return complaint


def peek_into_own_lists(mobility: Mobility, order: int, mt: int, flags: int) -> int:
    """Foresee nothing for a request whose own lists are empty."""
    return int(peeking.first(mobility.zone, order, mt))


def peek_at_the_block(mobility: Mobility, pfn: int, order: int) -> int:
    """Foresee the block that is stolen, not a smaller one that comes along."""
    return pfn


def see_and_take(complaint: Complaint | None) -> None:
    """See that an answer is wrong, and take it all the same."""


def take_nothing(
    m: PageAllocator, asked: answers.Asked, got: object, pages: int = 0
) -> None:
    """Find an answer right, and forget it."""


def take_without_cutting(
    m: PageAllocator, asked: answers.Asked, got: object, pages: int = 0
) -> None:
    """Take a block for an exact-size request, and leave it whole."""
    answers.take(m, asked, got)


def owe_nothing(m: PageAllocator, op: binding.Move) -> Result:
    """Expect that every operation but a request succeeds."""
    return None


# ------------------------------------------------------------------ other allocators


def carve_uncounted(b: Blocks, at: int, pfn: int, order: int) -> None:
    """Carve a block out of free ones, and count it as free still."""
    _carve(b, at, pfn, order)
    b.zones[at].nr_free_pages += 1 << order


def carve_and_drop(b: Blocks, at: int, pfn: int, order: int) -> None:
    """Carve a block out of free ones, and lose what is left of them."""
    zone = b.zones[at]
    for block in b.cover(at, pfn, order):
        zone.nr_free_pages -= 1 << zone.pull(block)


def pick_the_highest(b: Blocks, at: int, order: int) -> int:
    """Pick the highest block although the lowest is declared."""
    picks, b.picks = b.picks, "highest"
    pfn = _pick(b, at, order)
    b.picks = picks
    return pfn


def pick_unaligned(b: Blocks, at: int, order: int) -> int:
    """Pick the first frames that are free in a row."""
    size = 1 << order
    return next((start for start, end in b.free_runs(at) if end - start >= size), -1)


def pick_from_one_block(b: Blocks, at: int, order: int) -> int:
    """Pick a block out of one free block, never out of two that touch."""
    place = b.zones[at].place
    return min((p for p in place if place[p] >> SHIFT >= order), default=-1)


def merge_at_once(zone: Zone, pfn: int, order: int, mt: int, to_tail: bool) -> None:
    """Merge what is freed although merging is declared to be lazy."""
    zone.count(1 << order, mt)
    pfn, order = zone.merge(pfn, order, mt)
    zone.push(pfn, order, mt, to_tail)


# ------------------------------------------------------------------ the binding


def load_without_counters(m: PageAllocator, zone: Zone, told: Any) -> None:
    """Load a zone, and forget its reserves and boosts."""
    _fill(m, zone, told)
    zone.highatomic = zone.boost = 0


def read_no_flags(pfn: int, code: int) -> Any:
    """Read a held block without the flag that says that it is compound."""
    return _held(pfn, code & ~COMPOUND)


def keep_events(m: PageAllocator, value: Result) -> Any:
    """Show the events of earlier operations again."""
    seen = list(m.events)
    shown = _outcome(m, value)
    m.events.extend(seen)
    return shown


# ------------------------------------------------------------------ the zoo


ANY, LOW, LAZY = "tiny-any", "tiny-lowest", "tiny-lazy"
FRAMES, BLOCK = "why_not_frames", "why_not_block"
TABLE: tuple[tuple[str, str, str, Any, str, Any], ...] = (
    ("accept-frames", "REFUSAL", ANY, answers, FRAMES, check_no_frames),
    ("accept-unaligned", "REFUSAL", ANY, answers, FRAMES, check_no_alignment),
    (
        "accept-other-zone",
        "REFUSAL",
        "small-any",
        answers,
        FRAMES,
        check_the_frames_only,
    ),
    ("accept-first-frame", "REFUSAL", ANY, answers, FRAMES, check_the_first_frame),
    ("accept-failure", "REFUSAL", ANY, answers, "why_not_nothing", fail_freely),
    ("accept-pick", "REFUSAL", LOW, binding, BLOCK, take_any_pick),
    ("accept-free", "REFUSAL", "tiny", binding, BLOCK, take_what_is_free),
    ("accept-refused", "REFUSAL", "tiny", binding, BLOCK, refuse_and_take),
    (
        "accept-own-lists",
        "REFUSAL",
        "tiny-steal",
        peeking,
        "peek_zone",
        peek_into_own_lists,
    ),
    (
        "accept-stolen",
        "REFUSAL",
        "tiny-steal",
        peeking,
        "smallest_moved",
        peek_at_the_block,
    ),
    ("accept-all", "REFUSAL", "tiny", binding, "refuse", see_and_take),
    ("accept-nothing", "EXACT-STATE", "tiny", binding, "take", take_nothing),
    ("accept-whole", "EXACT-STATE", "tiny-held", binding, "take", take_without_cutting),
    ("accept-mistakes", "REFUSAL", "tiny", binding, "due", owe_nothing),
    ("carve-uncounted", "BUD-NRFREE", ANY, Blocks, "carve", carve_uncounted),
    ("carve-drops", "BUD-CONSERVE", ANY, Blocks, "carve", carve_and_drop),
    ("pick-highest", "PICK", LOW, Blocks, "pick", pick_the_highest),
    ("pick-unaligned", "BUD-ALIGN", ANY, Blocks, "pick", pick_unaligned),
    (
        "pick-one-block",
        "EXACT-ANSWER",
        LAZY,
        Blocks,
        "pick",
        pick_from_one_block,
    ),
    ("lazy-merges", "EXACT-STATE", LAZY, Zone, "free_one_page", merge_at_once),
    (
        "load-counters",
        "INVERSE",
        "tiny-reserve",
        binding,
        "fill",
        load_without_counters,
    ),
    ("read-flags", "EXACT-STATE", "tiny-held", binding, "held", read_no_flags),
)
WALKED: tuple[tuple[str, str, str, Any, str, Any], ...] = (  # only in use for long
    ("events-remain", "EXACT-ANSWER", "tiny-pcp", binding, "outcome", keep_events),
)
