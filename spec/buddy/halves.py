"""A zone of 2n frames whose top order is all of it is two zones of n frames.

What happens in one half leaves the other alone, except that two wholly free halves
merge, and that the whole may be handed out as one block.  Where order in the lists
means nothing, a state also tells as much as its mirror image, at every level.

Source: none; it follows from page ^ (1 << order) in mm/page_alloc.c:__find_buddy_pfn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, TypeAlias

from .others import in_order
from .zones import Config, Held, Memory, Span, Zone, free_blocks

Block: TypeAlias = tuple[int, int, int]  # pfn, order, mt
Tree: TypeAlias = tuple[Any, ...]  # (0, what is there), or (1, half, half)

PLAINLY = 8  # frames up to which exploring needs no halves
LEAF, NODE = 0, 1


def half(cfg: Config) -> Config | None:
    """Return the zone of half as many frames, none where there is more to a zone."""
    simple = Config(
        zones=cfg.zones,
        orders=cfg.orders,
        pageblock_order=cfg.max_order,
        types=cfg.types[:1],
        compound=cfg.compound,
        fails=cfg.fails,
        picks="any",
        symmetric=cfg.symmetric,
        ops=("AllocPages", "FreePages"),
    )
    start, size = cfg.zones[0].start, 1 << cfg.max_order
    whole = cfg.zones == (Span(start, start + size),) and start % size == 0
    if cfg != simple or not whole or size == 1:
        return None
    return replace(
        cfg,
        zones=(Span(start, start + size // 2),),
        orders=cfg.orders - 1,
        pageblock_order=cfg.max_order - 1,
    )


def is_large(cfg: Config) -> bool:
    """Say whether a zone has more states than can be explored one by one."""
    return half(cfg) is not None and 1 << cfg.max_order > PLAINLY


def swaps(cfg: Config) -> bool:
    """Say whether the two halves of a zone may be told in either order."""
    return cfg.symmetric


# ------------------------------------------------------------------ two and one


def join(cfg: Config, left: Memory, right: Memory) -> Memory:
    """Return the state of a zone whose halves are in these two states."""
    low, high = left.zones[0], right.zones[0]
    size = (1 << cfg.max_order) // 2
    blocks = free_blocks(low) + [(p + size, o, t) for p, o, t in free_blocks(high)]
    if len(blocks) == 2 and all(1 << order == size for _, order, _ in blocks):
        pfn, order, mt = blocks[0]
        blocks = [(pfn, order + 1, mt)]
    zone = replace(
        with_blocks(cfg, low, blocks),
        nr_free_pages=low.nr_free_pages + high.nr_free_pages,
        nr_free_cma=low.nr_free_cma + high.nr_free_cma,
        managed=low.managed + high.managed,
    )
    moved = tuple(replace(h, pfn=h.pfn + size) for h in right.held)
    return replace(left, zones=(zone,), held=(*left.held, *moved))


def split(cfg: Config, s: Memory) -> tuple[Memory, Memory] | None:
    """Return the states of the two halves, none where one owner holds them both."""
    if any(h.order == cfg.max_order for h in s.held):
        return None
    size, smaller = (1 << cfg.max_order) // 2, half(cfg)
    assert smaller is not None
    middle = smaller.zones[0].end
    blocks: list[Block] = []
    for pfn, order, mt in free_blocks(s.zones[0]):
        if order == cfg.max_order:
            blocks += [(pfn, order - 1, mt), (middle, order - 1, mt)]
        else:
            blocks.append((pfn, order, mt))
    left = [b for b in blocks if b[0] < middle]
    right = [(p - size, o, t) for p, o, t in blocks if p >= middle]
    held = [h for h in s.held if h.pfn < middle]
    moved = [replace(h, pfn=h.pfn - size) for h in s.held if h.pfn >= middle]
    return part(smaller, s, left, held), part(smaller, s, right, moved)


def part(cfg: Config, s: Memory, blocks: list[Block], held: list[Held]) -> Memory:
    """Return one half of a state, with these free blocks and owners."""
    zone = replace(
        with_blocks(cfg, s.zones[0], blocks),
        nr_free_pages=sum(1 << order for _, order, _ in blocks),
        nr_free_cma=0,
        managed=s.zones[0].managed // 2,
    )
    return replace(s, zones=(zone,), held=tuple(held))


def with_blocks(cfg: Config, zone: Zone, blocks: list[Block]) -> Zone:
    """Return a zone with these blocks on its lists, by rising pfn."""
    lines: dict[tuple[int, int], list[int]] = {}
    for pfn, order, mt in sorted(blocks):
        lines.setdefault((order, mt), []).append(pfn)
    free = tuple(
        tuple(tuple(lines.get((order, mt), ())) for mt in range(cfg.migrate_types))
        for order in range(cfg.orders)
    )
    nr_free = Counter(order for _, order, _ in blocks)
    return replace(
        zone, free=free, nr_free=tuple(nr_free[order] for order in range(cfg.orders))
    )


# ------------------------------------------------------------------ mirror images


def least(cfg: Config, s: Memory) -> Memory:
    """Return the least of all states that differ by swaps of halves, at any level."""
    if half(cfg) is None:
        return in_order(s)
    start, blocks = cfg.zones[0].start, free_blocks(s.zones[0])
    there: dict[tuple[int, int], tuple[int, ...]] = {
        (pfn, order): (0, mt) for pfn, order, mt in blocks
    }
    for h in s.held:
        there[h.pfn, h.order] = (1, h.refs, h.compound, h.movable)
    tree = sorted_tree(there, start, cfg.max_order)
    found = list(leaves(tree, start, cfg.max_order))
    if len(found) != len(blocks) + len(s.held):
        return in_order(s)  # blocks overlap: whatever this is, it has no halves
    free = [(pfn, order, what[1]) for pfn, order, what in found if not what[0]]
    held = tuple(
        Held(pfn, order, what[1], bool(what[2]), bool(what[3]))
        for pfn, order, what in found
        if what[0]
    )
    return replace(s, zones=(with_blocks(cfg, s.zones[0], free),), held=held)


def sorted_tree(
    there: dict[tuple[int, int], tuple[int, ...]], pfn: int, order: int
) -> Tree:
    """Return what is in a block: one thing, or its two halves with the lesser first."""
    if (pfn, order) in there:
        return LEAF, there[pfn, order]
    if order == 0:
        return (LEAF,)
    one = sorted_tree(there, pfn, order - 1)
    other = sorted_tree(there, pfn + (1 << order - 1), order - 1)
    return (NODE, one, other) if one <= other else (NODE, other, one)


def leaves(
    tree: Tree, pfn: int, order: int
) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """Yield (pfn, order, what is there) of each thing in a tree, by rising pfn."""
    if tree[0] == NODE:
        yield from leaves(tree[1], pfn, order - 1)
        yield from leaves(tree[2], pfn + (1 << order - 1), order - 1)
    elif len(tree) > 1:
        yield pfn, order, tree[1]
