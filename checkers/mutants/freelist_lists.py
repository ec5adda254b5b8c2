"""Mistakes in what a walk takes from a zone, and in what is counted then."""

from __future__ import annotations

from mmoracle.impl.freelist import walk
from mmoracle.impl.freelist.walk import (
    HARDER,
    NOFRAGMENT,
    Context,
    Page,
    Walker,
    zone_statistics,
)
from mmoracle.impl.freelist.zone import FOREIGN, HIT, LOCAL, MISS, OTHER, Zone

# ------------------------------------------------------------------ taking a page


def reserve_for_none(self: Walker, zone: Zone) -> None:
    """Keep no page block for high-order atomic requests."""


def reserve_for_single_pages(self: Walker, ac: Context, flags: int) -> Page | None:
    """Keep a page block for a single page, too."""
    page = _walk(self, ac, flags)
    if page is not None and not ac.order and flags & HARDER:
        self.events.append(("reserve", page[0]))
    return page


def wake_nobody(self: Walker, ac: Context, zone: Zone, flags: int) -> bool:
    """Tell kswapd nothing of a boost."""
    boosted, zone.boosted = zone.boosted, False
    found = _rmqueue(self, ac, zone, flags)
    zone.boosted = boosted
    return found


def wake_again(self: Walker, ac: Context, zone: Zone, flags: int) -> bool:
    """Tell kswapd of a boost each time."""
    boosted = zone.boosted
    found = _rmqueue(self, ac, zone, flags)
    zone.boosted = boosted
    return found


def wake_for_a_page(self: Walker, ac: Context, zone: Zone, flags: int) -> bool:
    """Tell kswapd only if there was a page."""
    boosted, zone.boosted = zone.boosted, False
    found = _rmqueue(self, ac, zone, flags)
    zone.boosted = boosted
    return wake(self, zone) if found else found


def wake_without_a_block(self: Walker, ac: Context, zone: Zone, flags: int) -> bool:
    """Tell kswapd also if a zone's lists had no block."""
    found = _rmqueue(self, ac, zone, flags)
    wake(self, zone)
    return found


def wake(self: Walker, zone: Zone) -> bool:
    """Wake kswapd once."""
    if zone.boosted:
        zone.boosted = False
        self.events.append(("woke", zone.at))
    return True


def steal_silently(
    self: Walker, ac: Context, zone: Zone, flags: int, pcp: bool
) -> bool:
    """Leave kswapd asleep when a steal boosts the watermark."""
    return _take(self, ac, zone, flags & ~walk.KSWAPD, pcp)


def steal_loudly(self: Walker, ac: Context, zone: Zone, flags: int, pcp: bool) -> bool:
    """Wake kswapd for a steal although the request must not."""
    return _take(self, ac, zone, flags | walk.KSWAPD, pcp)


def pageset_with_cma(self: Walker, order: int, mt: int, flags: int) -> bool:
    """Take a movable page from a pageset although it may be CMA's."""
    return order == 0


def pageset_for_blocks(self: Walker, order: int, mt: int, flags: int) -> bool:
    """Take blocks from pagesets, which have single pages."""
    return _uses_pageset(self, 0, mt, flags)


def take_twice(self: Walker, ac: Context, zone: Zone, flags: int, pcp: bool) -> bool:
    """Take a second block off the lists when there is one."""
    found = _take(self, ac, zone, flags, pcp)
    high, of = zone.find_block(ac.order, ac.mt, flags, self.pageblock_order)
    if found and high >= 0:
        zone.expand(ac.order, ac.mt, high, of)
    return found


def take_and_lose(self: Walker, ac: Context, zone: Zone, flags: int, pcp: bool) -> bool:
    """Take a block and say that there was none."""
    found = _take(self, ac, zone, flags, pcp)
    if found and ac.order:
        self.events[-1] = ("none", zone.at)
        return False
    return found


def take_what_is_lost(
    self: Walker, ac: Context, zone: Zone, flags: int, pcp: bool
) -> bool:
    """Take a page that others were faster to take."""
    lower = ac.lower
    ac.lower = lower._replace(lost=0)
    found = _take(self, ac, zone, flags, pcp)
    ac.lower = lower
    return found


_rmqueue, _take, _walk = Walker.rmqueue, Walker.take, Walker.walk
_uses_pageset = Walker.uses_pageset

# ------------------------------------------------------------------ lists


def add_uncounted(self: Zone, order: int, mt: int, number: int) -> None:
    """Put blocks on a list and count no pages."""
    free = self.free
    _add(self, order, mt, number)
    self.free = free


def add_without_cma(self: Zone, order: int, mt: int, number: int) -> None:
    """Forget to count the pages of CMA."""
    free = self.free_cma
    _add(self, order, mt, number)
    self.free_cma = free


def whole(self: Zone, order: int, mt: int, high: int, of: int) -> None:
    """Keep the rest of a block that was too large."""
    self.add(high, of, -1)


def rest_to_the_request(self: Zone, order: int, mt: int, high: int, of: int) -> None:
    """Put the rest of a reserved block on the lists of the request's type."""
    self.add(high, of, -1)
    for half in range(order, high):
        self.add(half, mt, 1)


def rest_to_the_block(self: Zone, order: int, mt: int, high: int, of: int) -> None:
    """Put the rest of a stolen block back on the lists that it came from."""
    self.add(high, of, -1)
    for half in range(order, high):
        self.add(half, of, 1)


def smallest_steal(self: Zone, least: int, mt: int) -> tuple[int, int]:
    """Steal the smallest block of another type."""
    for high in range(least, len(self.bits)):
        for other in ((2, 1), (2, 0), (0, 1))[mt]:
            if self.bits[high] >> other & 1:
                return high, other
    return -1, -1


def other_first(self: Zone, least: int, mt: int) -> tuple[int, int]:
    """Steal from the other types in the wrong order."""
    for high in range(len(self.bits) - 1, least - 1, -1):
        for other in ((1, 2), (0, 2), (1, 0))[mt]:
            if self.bits[high] >> other & 1:
                return high, other
    return -1, -1


def steal_small(
    self: Zone, order: int, mt: int, flags: int, pageblock_order: int
) -> tuple[int, int]:
    """Mix types in a page block in the first walk."""
    return _find_block(self, order, mt, flags & ~NOFRAGMENT, pageblock_order)


def reserve_for_all(
    self: Zone, order: int, mt: int, flags: int, pageblock_order: int
) -> tuple[int, int]:
    """Serve single pages from the high-atomic reserve."""
    high = self.smallest(order, 3) if flags & HARDER else -1
    if high >= 0:
        return high, 3
    return _find_block(self, order, mt, flags, pageblock_order)


_add, _find_block = Zone.add, Zone.find_block

# ------------------------------------------------------------------ counters


def foreign_here(preferred: Zone, zone: Zone, here: int) -> None:
    """Count a foreign page in the zone that it came from."""
    zone_statistics(preferred, zone, here)
    if zone.nid != preferred.nid:
        preferred.stats[FOREIGN] -= 1
        zone.stats[FOREIGN] += 1


def foreign_forgotten(preferred: Zone, zone: Zone, here: int) -> None:
    """Count a page that missed its node in one place only."""
    zone_statistics(preferred, zone, here)
    if zone.nid != preferred.nid:
        preferred.stats[FOREIGN] -= 1


def local_to_the_preferred(preferred: Zone, zone: Zone, here: int) -> None:
    """Take a page of the preferred node for a local one."""
    zone_statistics(preferred, zone, preferred.nid)


def hit_where_it_runs(preferred: Zone, zone: Zone, here: int) -> None:
    """Count a hit where the page is of the node on which the task runs."""
    zone_statistics(preferred, zone, here)
    if zone.nid == preferred.nid and zone.nid != here:
        zone.stats[HIT] -= 1
        zone.stats[MISS] += 1
        preferred.stats[FOREIGN] += 1


def counted_twice(preferred: Zone, zone: Zone, here: int) -> None:
    """Count a page twice."""
    zone_statistics(preferred, zone, here)
    zone_statistics(preferred, zone, here)


def counted_by_halves(preferred: Zone, zone: Zone, here: int) -> None:
    """Forget to count whether a page is local."""
    zone_statistics(preferred, zone, here)
    zone.stats[LOCAL if zone.nid == here else OTHER] -= 1


GO, STATE = "ZL-ORDER", "EXACT-STATE"
COUNT, PAGESET = "zone_statistics", "uses_pageset"
RESERVE = "reserve_highatomic_pageblock"
LISTS = "candidates"
AGAINST = "get_page_from_freelist"
ALLOWED = "cpuset_node_allowed"
PREPARE = "prepare_alloc_pages"

TABLE = (
    ("reserve-never", GO, "tiny-orders", Walker, RESERVE, reserve_for_none),
    ("reserve-single", GO, "tiny-flags", Walker, "walk", reserve_for_single_pages),
    ("wake-nobody", GO, "tiny-flags", Walker, "rmqueue", wake_nobody),
    ("wake-again", STATE, "tiny-flags", Walker, "rmqueue", wake_again),
    ("wake-for-a-page", GO, "tiny-boosted", Walker, "rmqueue", wake_for_a_page),
    ("wake-no-block", GO, "tiny-boosted", Walker, "rmqueue", wake_without_a_block),
    ("steal-silently", GO, "tiny-boosted", Walker, "take", steal_silently),
    ("steal-loudly", GO, "tiny-boosted", Walker, "take", steal_loudly),
    ("pageset-blocks", GO, "tiny-boosted", Walker, PAGESET, pageset_for_blocks),
    ("pageset-cma", GO, "tiny-cma-pageset", Walker, PAGESET, pageset_with_cma),
    ("take-twice", "BUD-CONSERVE", "tiny", Walker, "take", take_twice),
    ("take-lose", "BUD-CONSERVE", "tiny-orders", Walker, "take", take_and_lose),
    ("take-lost", GO, "tiny", Walker, "take", take_what_is_lost),
    ("list-uncounted", "BUD-CONSERVE", "tiny", Zone, "add", add_uncounted),
    ("list-cma", "BUD-NRFREE", "tiny-cma", Zone, "add", add_without_cma),
    ("rest-kept", "BUD-CONSERVE", "tiny-blocks", Zone, "expand", whole),
    ("rest-to-the-request", STATE, "tiny-blocks", Zone, "expand", rest_to_the_request),
    ("rest-to-the-block", STATE, "tiny-types", Zone, "expand", rest_to_the_block),
    ("steal-smallest", GO, "tiny-types", Zone, "fallback", smallest_steal),
    ("steal-order", GO, "tiny-types", Zone, "fallback", other_first),
    ("steal-small", GO, "tiny-fragments", Zone, "find_block", steal_small),
    ("reserve-for-all", GO, "tiny-orders", Zone, "find_block", reserve_for_all),
    ("numa-foreign-here", STATE, "tiny-counted", walk, COUNT, foreign_here),
    ("numa-foreign", "NUMA-SUM", "tiny-counted", walk, COUNT, foreign_forgotten),
    ("numa-local", STATE, "tiny-counted", walk, COUNT, local_to_the_preferred),
    ("numa-hit", STATE, "tiny-counted", walk, COUNT, hit_where_it_runs),
    ("numa-twice", "NUMA-ONCE", "tiny-counted", walk, COUNT, counted_twice),
    ("numa-halves", "NUMA-ONCE", "tiny-counted", walk, COUNT, counted_by_halves),
)
