"""What an allocator that is not Linux may do, as far as it declares it.

It may hand out any free block that is aligned and in the zone; the lists kept here are
then only a shadow that says which frames are free.

Source: none; the rules are those that every buddy allocator owes its callers.
"""

from __future__ import annotations

from dataclasses import replace

from ..core import require
from .blocks import pull, push
from .zones import Config, Memory, cached, frames_from, free_blocks, with_zone


def free_pieces(s: Memory, at: int) -> list[tuple[int, int]]:
    """Return (pfn, order) of all that is free, on the zone's lists or in pagesets."""
    zone = s.zones[at]
    return [b[:2] for b in free_blocks(zone)] + [(pfn, 0) for pfn, _ in cached(zone)]


def fits(cfg: Config, s: Memory, at: int, order: int) -> list[int]:
    """Return every place where a block of an order is free, by rising pfn."""
    size = 1 << order
    pieces = free_pieces(s, at)
    free = {f for pfn, high in pieces for f in frames_from(pfn, 1 << high)}
    starts = (f for f in sorted(free) if f % size == 0)
    return [f for f in starts if free.issuperset(frames_from(f, size))]


def must_succeed(cfg: Config, s: Memory, at: int, order: int) -> bool:
    """Say whether a request must not fail: one free block is large enough.

    Where merging is lazy, blocks that were freed apart may still be apart.
    """
    return any(high >= order for _, high, _ in free_blocks(s.zones[at]))


def pick(cfg: Config, s: Memory, at: int, order: int) -> int | None:
    """Return the block that a policy other than Linux's takes first."""
    places = fits(cfg, s, at, order)
    if not places:
        return None
    return places[-1] if cfg.picks == "highest" else places[0]


def judge_block(cfg: Config, s: Memory, at: int, order: int, pfn: int) -> None:
    """Refuse a block that must not be handed out, with the rule that it breaks."""
    size, span = 1 << order, cfg.zones[at]
    block = f"pfn {pfn} order {order}"
    require(pfn % size == 0, "BUD-ALIGN", f"{block} is not a multiple of {size}")
    inside = span.start <= pfn and pfn + size <= span.end
    require(inside, "BUD-ZONE", f"{block} is not in zone {at}")
    end, free = pfn + size, 0
    for piece, high in free_pieces(s, at):
        free += max(0, min(end, piece + (1 << high)) - max(pfn, piece))
    why = f"{block} has {size - free} of {size} frames that are not free"
    require(free == size, "BUD-DISJOINT", why)


def judge_pick(cfg: Config, s: Memory, at: int, order: int, pfn: int) -> None:
    """Refuse a block that is not the one which the declared policy picks."""
    if cfg.picks in ("lowest", "highest"):
        due = pick(cfg, s, at, order)
        require(pfn == due, "PICK", f"pfn {due} is {cfg.picks}, got {pfn}")


def judge_failure(cfg: Config, s: Memory, at: int, order: int) -> None:
    """Refuse that nothing is handed out although a large enough block is free."""
    full = not must_succeed(cfg, s, at, order) or cfg.fails == "freely"
    require(full, "COMPLETE", f"order {order} fails, a large enough block is free")


def carve(cfg: Config, s: Memory, at: int, pfn: int, order: int) -> Memory:
    """Take a block out of whatever free blocks cover it; what is left stays free."""
    end = pfn + (1 << order)
    for block, high, mt in free_blocks(s.zones[at]):
        if block + (1 << high) <= pfn or end <= block:
            continue
        s = with_zone(s, at, pull(s.zones[at], block, high))
        while high > order:
            high -= 1
            upper = block + (1 << high)
            block, rest = (upper, block) if pfn >= upper else (block, upper)
            zone = push(s.zones[at], rest, high, mt, tail=False)
            s = with_zone(s, at, zone)
    zone = s.zones[at]
    left = zone.nr_free_pages - (1 << order)
    return with_zone(s, at, replace(zone, nr_free_pages=left))


def used_order(cfg: Config, order: int) -> int:
    """Return the order that a request takes: at least the smallest there is."""
    return max(order, cfg.min_order)


def view(s: Memory) -> tuple[tuple[int, int], ...]:
    """Return what any allocator must agree on: who holds what."""
    return tuple((h.pfn, h.order) for h in s.held)


def permitted(cfg: Config, s: Memory, at: int, order: int) -> list[int | None]:
    """Return every answer to a request that may be given."""
    places: list[int | None] = list(fits(cfg, s, at, order))
    may_fail = not must_succeed(cfg, s, at, order) or cfg.fails == "freely"
    if cfg.picks in ("lowest", "highest") and places:
        places = [pick(cfg, s, at, order)]
    return [*places, None] if may_fail else places


def in_order(s: Memory) -> Memory:
    """Return the state with every list by rising pfn: only the set of blocks counts."""
    zones = tuple(
        replace(z, free=tuple(tuple(tuple(sorted(x)) for x in row) for row in z.free))
        for z in s.zones
    )
    return replace(s, zones=zones)
