"""Mistakes in migrate types: fallbacks, stealing, watermark boosts."""

from __future__ import annotations

from typing import Any

from mmoracle.impl.buddy.allocator import Blocks
from mmoracle.impl.buddy.migrate import FALLBACKS, KSWAPD, NOFRAGMENT, WOKE, Mobility
from mmoracle.impl.buddy.zone import SHIFT, frames_from
from mmoracle.spec.linux import MIGRATE_MOVABLE

_fallback_block, _steal = Mobility.fallback_block, Mobility.steal
_move_freepages_block, _wake = Mobility.move_freepages_block, Blocks.rmqueue


# ------------------------------------------------------------------ fallbacks


def prefer_the_worse(m: Mobility, order: int, start: int) -> int:
    """Try the types to take from in the opposite order."""
    for mt in reversed(FALLBACKS[start]):
        if m.zone.lists[order << SHIFT | mt]:
            return mt
    return -1


def find_one_type_only(m: Mobility, order: int, start: int) -> int:
    """Try the type that is to be preferred, and no other."""
    mt = FALLBACKS[start][0]
    return mt if m.zone.lists[order << SHIFT | mt] else -1


def steal_above_the_half(m: Mobility, order: int, start: int) -> bool:
    """Take a page block along only for a block of more than half its order."""
    half = m.zone.pageblock_order // 2
    return order > half or start != MIGRATE_MOVABLE or not m.grouping


def steal_as_unmovable_only(m: Mobility, order: int, start: int) -> bool:
    """Forget that reclaimable requests, too, take page blocks along."""
    return order >= m.zone.pageblock_order // 2 or not start or not m.grouping


def group_always(m: Mobility, order: int, start: int) -> bool:
    """Leave movable page blocks whole although grouping is off."""
    return order >= m.zone.pageblock_order // 2 or start != MIGRATE_MOVABLE


def take_the_smallest_always(
    m: Mobility, order: int, start: int, flags: int
) -> tuple[int, int]:
    """Take from another type the smallest block that will do."""
    least = m.zone.pageblock_order if flags & NOFRAGMENT else order
    for low in range(least, m.zone.max_order + 1):
        mt = m.find_suitable_fallback(low, start)
        if mt >= 0:
            return low, mt
    return -1, -1


def take_the_largest_always(
    m: Mobility, order: int, start: int, flags: int
) -> tuple[int, int]:
    """Take the largest block for a movable request that may take that alone."""
    least = m.zone.pageblock_order if flags & NOFRAGMENT else order
    for high in range(m.zone.max_order, least - 1, -1):
        mt = m.find_suitable_fallback(high, start)
        if mt >= 0:
            return high, mt
    return -1, -1


def fragment_freely(m: Mobility, order: int, start: int, flags: int) -> tuple[int, int]:
    """Take less than a page block although the request is not to fragment memory."""
    return _fallback_block(m, order, start, flags & ~NOFRAGMENT)


def fall_back_nowhere(m: Mobility, order: int, start: int, flags: int) -> bool:
    """Fail a request whose own lists are empty."""
    return False


# ------------------------------------------------------------------ stealing


def change_the_first_type(
    m: Mobility, pfn: int, start: int, flags: int, w: bool
) -> None:
    """Give the first page block of a larger block the new type, and no other."""
    zone, kept = m.zone, list(m.zone.types)
    first = (pfn >> zone.pageblock_order) - zone.first_block
    order = zone.place[pfn] >> SHIFT
    _steal(m, pfn, start, flags, w)
    if order >= zone.pageblock_order:
        zone.types[first + 1 :] = kept[first + 1 :]


def steal_alone(m: Mobility, pfn: int, start: int, flags: int, whole: bool) -> None:
    """Take a block alone where its page block may be taken along."""
    _steal(m, pfn, start, flags, False)


def change_by(alike: str, half: str = "at least") -> Any:
    """Return a theft of a page block that counts otherwise what is alike in it."""

    def steal(m: Mobility, pfn: int, start: int, old: int) -> bool:
        free = m.move_freepages_block(pfn, start)
        if not free:
            return False
        size = 1 << m.zone.pageblock_order
        movable = m.movable_in(*m.block_range(pfn))
        fixed = size - (free + movable) if old == MIGRATE_MOVABLE else 0
        own = movable if start == MIGRATE_MOVABLE else fixed
        counts = {"right": own, "none": 0, "others": movable, "free too": own + free}
        total = free + counts[alike]
        if total > size // 2 or (half == "at least" and total == size // 2):
            m.zone.set_type(pfn, start)
        return True

    steal.__doc__ = {
        "right": "Change the type of a page block of which more than half is alike.",
        "none": "Count only free pages when a page block is to change its type.",
        "others": "Count movable pages as alike to an unmovable request.",
        "free too": "Count free pages as free and as alike.",
    }[alike]
    return steal


def move_over_the_border(m: Mobility, pfn: int, mt: int) -> int:
    """Move a page block's free blocks although it ends behind the zone."""
    end, m.zone.end = m.zone.end, 1 << 60
    moved = _move_freepages_block(m, pfn, mt)
    m.zone.end = end
    return moved


def begin_with_the_zone(m: Mobility, pfn: int) -> tuple[int, int]:
    """Let a page block that the zone cuts begin where the zone does."""
    size = 1 << m.zone.pageblock_order
    start = pfn & ~(size - 1)
    return max(start, m.zone.start), start + size


def move_one_block(m: Mobility, pfn: int, mt: int) -> int:
    """Take the first free block of a page block to a type, and no other."""
    start, end = m.block_range(pfn)
    if end > m.zone.end:
        return 0
    for each in frames_from(start, end - start):
        if each in m.zone.place:
            m.zone.move(each, mt)
            return 1 << (m.zone.place[each] >> SHIFT)
    return 0


# ------------------------------------------------------------------ watermark boosts


def boost_small_zones(m: Mobility) -> bool:
    """Raise the watermarks of a zone that has few page blocks."""
    size = 1 << m.zone.pageblock_order
    if not m.boost_top:
        return False
    m.zone.boost = min(m.zone.boost + size, max(size, m.boost_top))
    return True


def boost_without_bound(m: Mobility) -> bool:
    """Raise the watermarks by a page block each time."""
    size = 1 << m.zone.pageblock_order
    if size * 4 > m.zone.managed or not m.boost_top:
        return False
    m.zone.boost += size
    return True


def boost_never(m: Mobility) -> bool:
    """Leave the watermarks as they are when types mix."""
    return False


def wake_for_anybody(
    m: Mobility, pfn: int, start: int, flags: int, whole: bool
) -> None:
    """Wake kswapd although the request may not wake it."""
    _steal(m, pfn, start, flags | KSWAPD, whole)


def wake_again(b: Blocks, cpu: int, at: int, order: int, mt: int, flags: int) -> int:
    """Wake kswapd again with each request once a watermark was boosted."""
    pfn = _wake(b, cpu, at, order, mt, flags)
    b.zones[at].boosted |= (WOKE, at) in b.events
    return pfn


# ------------------------------------------------------------------ the zoo


STEAL, LARGE, BOOST, EDGES = (
    "tiny-steal",
    "tiny-nofragment",
    "tiny-boost",
    "tiny-edges",
)
FIND, CAN, BLOCK = "find_suitable_fallback", "can_steal_fallback", "fallback_block"
PAGES, MOVE, BOOSTS = "steal_page_block", "move_freepages_block", "boost_watermark"
TABLE: tuple[tuple[str, str, str, Any, str, Any], ...] = (
    ("fallback-one-type", "COMPLETE", STEAL, Mobility, FIND, find_one_type_only),
    (
        "fallback-smallest",
        "EXACT-ANSWER",
        STEAL,
        Mobility,
        BLOCK,
        take_the_smallest_always,
    ),
    (
        "fallback-never",
        "COMPLETE",
        STEAL,
        Mobility,
        "rmqueue_fallback",
        fall_back_nowhere,
    ),
    ("fallback-fragments", "EXACT-ANSWER", LARGE, Mobility, BLOCK, fragment_freely),
    ("steal-above-half", "EXACT-ANSWER", STEAL, Mobility, CAN, steal_above_the_half),
    ("steal-unmovable", "EXACT-ANSWER", STEAL, Mobility, CAN, steal_as_unmovable_only),
    ("steal-groups", "EXACT-ANSWER", "tiny-nogroups", Mobility, CAN, group_always),
    (
        "steal-first-type",
        "EXACT-STATE",
        LARGE,
        Mobility,
        "steal",
        change_the_first_type,
    ),
    ("steal-alone", "RET-CODE", STEAL, Mobility, "steal", steal_alone),
    (
        "steal-over-half",
        "EXACT-ANSWER",
        STEAL,
        Mobility,
        PAGES,
        change_by("right", "more than"),
    ),
    ("steal-counts-free", "EXACT-ANSWER", STEAL, Mobility, PAGES, change_by("none")),
    ("steal-counts-other", "EXACT-ANSWER", STEAL, Mobility, PAGES, change_by("others")),
    (
        "steal-counts-twice",
        "EXACT-ANSWER",
        STEAL,
        Mobility,
        PAGES,
        change_by("free too"),
    ),
    ("move-over-border", "EXACT-ANSWER", EDGES, Mobility, MOVE, move_over_the_border),
    ("move-one-block", "EXACT-ANSWER", STEAL, Mobility, MOVE, move_one_block),
    ("boost-unbounded", "WM-SANE", BOOST, Mobility, BOOSTS, boost_without_bound),
    ("boost-never", "EXACT-STATE", BOOST, Mobility, BOOSTS, boost_never),
    ("boost-wakes", "EXACT-ANSWER", BOOST, Mobility, "steal", wake_for_anybody),
    ("boost-wakes-again", "EXACT-STATE", BOOST, Blocks, "rmqueue", wake_again),
)
WALKED: tuple[tuple[str, str, str, Any, str, Any], ...] = (  # for larger page blocks
    ("P70", "WM-SANE", "linux-reserve", Mobility, BOOSTS, boost_small_zones),
    ("fallback-swapped", "EXACT-ANSWER", "small", Mobility, FIND, prefer_the_worse),
    (
        "move-from-zone",
        "EXACT-STATE",
        "small",
        Mobility,
        "block_range",
        begin_with_the_zone,
    ),
    (
        "fallback-largest",
        "EXACT-ANSWER",
        "small",
        Mobility,
        BLOCK,
        take_the_largest_always,
    ),
)
