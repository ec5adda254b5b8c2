"""Mistakes in one zone's lists: merging, splitting, guards, the head and the tail."""

from __future__ import annotations

from typing import Any

from mmoracle.impl.buddy.allocator import Blocks
from mmoracle.impl.buddy.zone import SHIFT, Zone
from mmoracle.spec.linux import MIGRATE_PCPTYPES

_absorb, _merge = Zone.absorb, Zone.merge
_free_the_page = Blocks.free_the_page

# ------------------------------------------------------------------ merging


def merge_isolated(zone: Zone, mt: int, other: int) -> bool:
    """Let a free block cover an isolated page block and one that is in use."""
    return mt != other and any(
        MIGRATE_PCPTYPES <= each != zone.isolate for each in (mt, other)
    )


def merge_over_the_top(zone: Zone, pfn: int, order: int, mt: int) -> tuple[int, int]:
    """Go on merging at the largest order."""
    while order <= zone.max_order and zone.absorb(pfn ^ (1 << order), order, mt):
        pfn &= ~(1 << order)
        order += 1
    return pfn, order


def merge_once(zone: Zone, pfn: int, order: int, mt: int) -> tuple[int, int]:
    """Join a block with its buddy, and not what they form with its own buddy."""
    if order < zone.max_order and zone.absorb(pfn ^ (1 << order), order, mt):
        return pfn & ~(1 << order), order + 1
    return pfn, order


def merge_to_the_right(zone: Zone, pfn: int, order: int, mt: int) -> tuple[int, int]:
    """Let what two buddies form begin at the one that was freed last."""
    return pfn, _merge(zone, pfn, order, mt)[1]


def leave_the_child_listed(zone: Zone, buddy: int, order: int, mt: int) -> bool:
    """Merge with a buddy, and leave it on its list."""
    code = zone.place.get(buddy, -1)
    joins = _absorb(zone, buddy, order, mt)
    if joins and code >= 0:
        zone.lists[code][buddy] = None
    return joins


def take_smaller_for_buddy(zone: Zone, buddy: int, order: int, mt: int) -> bool:
    """Merge with whatever is free at the buddy's first frame, if it is not larger."""
    if 0 <= zone.place.get(buddy, -1) >> SHIFT <= order:
        zone.pull(buddy)
        return True
    return False


def forget_nr_free(zone: Zone, buddy: int, order: int, mt: int) -> bool:
    """Merge with a buddy, and count it as free on its own still."""
    joins = _absorb(zone, buddy, order, mt)
    zone.nr_free[order] += joins
    return joins


def merge_across_zones(b: Blocks, cpu: int, at: int, pfn: int, order: int) -> None:
    """Merge a freed block with its buddy although that is another zone's."""
    _free_the_page(b, cpu, at, pfn, order)
    zone, buddy = b.zones[at], pfn ^ (1 << order)
    for other in b.zones:
        apart = other is not zone and zone.place.get(pfn, -1) >> SHIFT == order
        if apart and other.place.get(buddy, -1) >> SHIFT == order:
            other.pull(buddy)
            zone.pull(pfn)
            zone.push(pfn & buddy, order + 1, zone.type_of(pfn), False)


# ------------------------------------------------------------------ head and tail


def look_at_the_wrong_buddy(zone: Zone, pfn: int, order: int) -> bool:
    """Look from the block, not from what it would form, for the buddy one order up."""
    if order >= zone.max_order - 1 or pfn & ~(1 << order) < zone.start:
        return False
    return zone.place.get(pfn ^ (2 << order), -1) >> SHIFT == order + 1


def look_above_the_top(zone: Zone, pfn: int, order: int) -> bool:
    """Expect two largest blocks to merge."""
    whole = pfn & ~(1 << order)
    if order >= zone.max_order or whole < zone.start:
        return False
    return zone.place.get(whole ^ (2 << order), -1) >> SHIFT == order + 1


def free_to_the(tail: bool | None) -> Any:
    """Return a free that goes to one end always; none for the wrong end."""

    def free(zone: Zone, pfn: int, order: int, mt: int, to_tail: bool) -> None:
        if mt != zone.isolate:
            zone.count(1 << order, mt)
        pfn, order = zone.merge(pfn, order, mt)
        right = to_tail or zone.merge_likely(pfn, order)
        zone.push(pfn, order, mt, not right if tail is None else tail)

    free.__doc__ = {
        True: "Put every freed block at the tail.",
        False: "Put every freed block at the head, even if its next merge is likely.",
        None: "Put a freed block at the tail unless its next merge is likely.",
    }[tail]
    return free


def forget_the_tail_for_boot(
    zone: Zone, pfn: int, order: int, mt: int, to_tail: bool
) -> None:
    """Put what boot releases at the head unless its next merge is likely."""
    if mt != zone.isolate:
        zone.count(1 << order, mt)
    pfn, order = zone.merge(pfn, order, mt)
    zone.push(pfn, order, mt, zone.merge_likely(pfn, order))


def move_to_the_head(zone: Zone, pfn: int, mt: int) -> None:
    """Take a block to the head of another type's list."""
    zone.push(pfn, zone.pull(pfn), mt, False)


def take_the_last(zone: Zone, order: int, mt: int) -> int:
    """Take the block at the tail of a list."""
    for high in range(order, zone.max_order + 1):
        line = zone.lists[high << SHIFT | mt]
        if line:
            pfn = next(reversed(line))
            zone.pull(pfn)
            zone.expand(pfn, order, high, mt)
            return pfn
    return -1


# ------------------------------------------------------------------ splitting


def take_the_largest(zone: Zone, order: int, mt: int) -> int:
    """Split the largest block although a smaller one would do."""
    for high in range(zone.max_order, order - 1, -1):
        line = zone.lists[high << SHIFT | mt]
        if line:
            pfn = next(iter(line))
            zone.pull(pfn)
            zone.expand(pfn, order, high, mt)
            return pfn
    return -1


def hand_out_the_upper_half(zone: Zone, order: int, mt: int) -> int:
    """Keep the lower halves of what is split, and hand out the last upper one."""
    for high in range(order, zone.max_order + 1):
        line = zone.lists[high << SHIFT | mt]
        if line:
            pfn = next(iter(line))
            zone.pull(pfn)
            for each in range(high - 1, order - 1, -1):
                zone.set_aside(pfn, each, mt)
                pfn += 1 << each
            return pfn
    return -1


def halve_once(zone: Zone, pfn: int, low: int, high: int, mt: int) -> None:
    """Give back one half of a block that is more than twice too large."""
    if high > low:
        zone.set_aside(pfn + (1 << high - 1), high - 1, mt)


def set_aside_at_the_tail(zone: Zone, pfn: int, order: int, mt: int) -> None:
    """Put what was split off at the tail of its list."""
    zone.push(pfn, order, mt, True)


# ------------------------------------------------------------------ guards


def forget_to_count(zone: Zone, pfn: int, order: int, mt: int) -> None:
    """Make a guard free again without counting it."""
    del zone.guards[pfn]


def count_guards_as_free(zone: Zone, pfn: int, order: int, mt: int) -> None:
    """Make a guard of what was split off, and count it as free still."""
    if order < zone.guard_minorder:
        zone.guards[pfn] = order
    else:
        zone.push(pfn, order, mt, False)


def guard_one_order_more(zone: Zone, pfn: int, order: int, mt: int) -> None:
    """Make a guard of a block that is just large enough to be free."""
    if order <= zone.guard_minorder:
        zone.guards[pfn] = order
        zone.count(-(1 << order), mt)
    else:
        zone.push(pfn, order, mt, False)


def leave_guards_alone(zone: Zone, buddy: int, order: int, mt: int) -> bool:
    """Merge with free blocks only, and leave the guard beside a freed page."""
    return buddy not in zone.guards and _absorb(zone, buddy, order, mt)


# ------------------------------------------------------------------ the zoo


ISOLATE, TOPS, FOUR, EIGHT = "tiny-isolate", "tiny-reserve", "tiny-private", "tiny"
GUARDS, FREE, TAKE = "tiny-guards", "free_one_page", "rmqueue_smallest"
LIKELY, ZONES = "merge_likely", "tiny-zones"
TABLE: tuple[tuple[str, str, str, Any, str, Any], ...] = (
    ("P06", "BUD-NRFREE", ISOLATE, Zone, "keeps_apart", merge_isolated),
    ("P65", "BUD-NRFREE", GUARDS, Zone, "clear_guard", forget_to_count),
    ("P74", "NO-CRASH", TOPS, Zone, "merge", merge_over_the_top),
    ("P84", "BUD-DISJOINT", FOUR, Zone, "absorb", leave_the_child_listed),
    ("merge-once", "BUD-COALESCE", FOUR, Zone, "merge", merge_once),
    ("merge-right", "BUD-ALIGN", FOUR, Zone, "merge", merge_to_the_right),
    ("merge-smaller", "BUD-DISJOINT", FOUR, Zone, "absorb", take_smaller_for_buddy),
    ("merge-miscounts", "BUD-NRFREE", FOUR, Zone, "absorb", forget_nr_free),
    ("merge-zones", "BUD-ZONE", ZONES, Blocks, "free_the_page", merge_across_zones),
    ("likely-wrong-buddy", "EXACT-STATE", EIGHT, Zone, LIKELY, look_at_the_wrong_buddy),
    ("free-always-tail", "EXACT-STATE", EIGHT, Zone, FREE, free_to_the(True)),
    ("free-always-head", "EXACT-STATE", EIGHT, Zone, FREE, free_to_the(False)),
    ("free-wrong-end", "EXACT-STATE", EIGHT, Zone, FREE, free_to_the(None)),
    ("boot-to-head", "EXACT-STATE", ZONES, Zone, FREE, forget_the_tail_for_boot),
    ("move-to-head", "RET-CODE", "tiny-steal", Zone, "move", move_to_the_head),
    ("take-last", "RET-CODE", EIGHT, Zone, TAKE, take_the_last),
    ("take-largest", "RET-CODE", EIGHT, Zone, TAKE, take_the_largest),
    ("take-upper-half", "RET-CODE", FOUR, Zone, TAKE, hand_out_the_upper_half),
    ("split-once", "BUD-CONSERVE", FOUR, Zone, "expand", halve_once),
    (
        "split-to-tail",
        "EXACT-STATE",
        "tiny-taken",
        Zone,
        "set_aside",
        set_aside_at_the_tail,
    ),
    ("guard-counted", "BUD-NRFREE", GUARDS, Zone, "set_aside", count_guards_as_free),
    ("guard-larger", "EXACT-STATE", GUARDS, Zone, "set_aside", guard_one_order_more),
    ("guard-alone", "EXACT-STATE", GUARDS, Zone, "absorb", leave_guards_alone),
)
WALKED: tuple[tuple[str, str, str, Any, str, Any], ...] = (  # for long lists
    ("likely-above-top", "EXACT-STATE", "small-cma", Zone, LIKELY, look_above_the_top),
)
