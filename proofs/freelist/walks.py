"""The walk over a few zones: whom it asks, who gives, and what is left in each.

Free pages, marks and blocks of the zones are any numbers, and need not fit together;
both sides run as the slow path calls them, through the binding of the subsystem.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mmoracle.checkers.bind.freelist import FREELIST
from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Symbolic, Values
from mmoracle.checkers.word import Bounded, one_of
from mmoracle.impl.freelist import walk as machine
from mmoracle.impl.freelist.zone import Zone as MachineZone
from mmoracle.spec.freelist import request, walk
from mmoracle.spec.freelist.alloc import GetPageFromFreelist
from mmoracle.spec.freelist.zones import Config, Memory, Place, Task, Zone, add
from mmoracle.spec.linux import GFP_KERNEL, AllocFlags, Gfp, ZoneType

from ..sides import both_do_alike

RISCV = (ZoneType.DMA32, ZoneType.NORMAL, ZoneType.MOVABLE)
LOW = AllocFlags.WMARK_LOW


def on(bit: Any, flag: AllocFlags) -> AllocFlags:
    """Return a flag if a bit is 1."""
    return flag if bit == 1 else AllocFlags.NONE


def zone(free: Any, *numbers: Any, boost: Any = 0, high: Any = 0) -> Zone:
    """Return a zone with so many single pages of each type, whatever is counted."""
    row = (*numbers, *(0,) * (4 - len(numbers)))
    return Zone((row,), free, 0, boost, False, high)


# ------------------------------------------------------------------ two zones


def the_walk_over_two_zones_asks_and_takes_alike(
    top: Any,
    free: Any,
    mark: Any,
    pages: Any,
    other: Any,
    below: Any,
    least: Any,
    reserve: Any,
    low_pages: Any,
    *bits: Any,
) -> Any:
    """ZONE_NORMAL, then ZONE_DMA32: one page at most leaves, and both sides agree."""
    high, last, kept = bits
    places = (
        Place(0, 0, (0, least, 0), (0, reserve, reserve)),
        Place(0, 1, (0, mark, 0), (0, 0, 0)),
    )
    cfg = Config(kinds=RISCV, zones=places, fallback=(((0, 1), (0, 0)),), orders=1)
    s = Memory((zone(below, low_pages), zone(free, pages, other)))
    flags = LOW | on(high, AllocFlags.HIGH)
    flags |= on(last, AllocFlags.NO_WATERMARKS) | on(kept, AllocFlags.NOFRAGMENT)
    return both_do_alike(FREELIST, cfg, s, GetPageFromFreelist(GFP_KERNEL, 0, flags))


def bits_at_the_end(number: int) -> Any:
    """Return the hypothesis that so many last words are bits."""

    def given(top: Any, *words: Any) -> Iterable[Any]:
        return (bit < 2 for bit in words[-number:])

    return given


def bent(number: int, below: int = 2) -> Any:
    """Return what bends so many last words below a number, the others less often."""

    def aim(top: int, values: Values) -> Values:
        first, last = values[:-number], values[-number:]
        return (*(x % 5 for x in first), *(x % below for x in last))

    return aim


def from_the_end(zonelist: Any, highest: Any, mask: Any) -> Any:
    """Walk a zonelist from its end."""
    return right_eligible(zonelist[::-1], highest, mask)


def asks_one(zonelist: Any, highest: Any, mask: Any) -> Any:
    """Stop behind the first zone, on the machine."""
    return right_candidates(zonelist[:1], highest, mask)


def takes_two(zone: Any, order: int, mt: int, high: int, of: int) -> None:
    """Take two blocks for one."""
    right_expand(zone, order, mt, high, of)
    zone.add(high, of, -1)


right_eligible, right_candidates = request.eligible, machine.candidates
right_expand = MachineZone.expand

# ------------------------------------------------------------------ nodes

NODES = (((0, 1), (0, 0), (1, 1)), ((1, 1), (0, 1), (0, 0)))
OWN = (((0, 1), (0, 0)), ((1, 1),))


def the_walk_over_nodes_passes_the_same_zones_by(
    top: Any, one: Any, two: Any, three: Any, mask: Any, mems: Any, *bits: Any
) -> Any:
    """Nodemask, cpuset and nearness: both sides skip the same of three zones.

    A page is counted where it was to come from and where it went, on both sides alike.
    """
    kept, cpuset, local = bits
    places = (Place(0, 0, (0, 1, 2)), Place(0, 1, (0, 1, 2)), Place(1, 1, (0, 1, 2)))
    cfg = Config(
        kinds=RISCV,
        zones=places,
        fallback=NODES,
        own=OWN,
        numa=True,
        counts=True,
        cpusets=True,
        orders=1,
    )
    s = Memory((zone(one, 1), zone(two, 1), zone(three, 1)))
    flags = LOW | on(kept, AllocFlags.NOFRAGMENT) | on(cpuset, AllocFlags.CPUSET)
    nid = 1 if local == 1 else 0
    task = Task(node=0, mems=mems, above=0b10)
    op = GetPageFromFreelist(GFP_KERNEL, 0, flags, nid, mask, task)
    return both_do_alike(FREELIST, cfg, s, op)


def two_bits(top: Any, *words: Any) -> Iterable[Any]:
    """Assume two masks of two nodes, and bits."""
    return (*(bit < 2 for bit in words[-3:]), words[-4] < 4, words[-5] < 4)


def bent_masks(top: int, values: Values) -> Values:
    """Bend words into small counts, two masks, and bits."""
    return (*(x % 4 for x in values[:5]), *(x % 2 for x in values[5:]))


def nearness_alone(cfg: Config, ac: Any, nid: int) -> bool:
    """Take another zone of the node for one of another node."""
    return cfg.online > 1 and ac.preferred[1] == 0


def cpuset_for_all(cfg: Config, ac: Any, nid: int, flags: Any) -> bool:
    """Look at the cpuset whether or not the walk is told to."""
    return not walk.cpuset_allows(nid, ac.gfp, ac.task)


def any_node(zonelist: Any, highest: Any, mask: Any) -> Any:
    """Look at the zones of every node, on the machine."""
    return right_candidates(zonelist, highest, -1)


def stays_forgetful(preferred: Any, zone: Any, here: int) -> None:
    """Count no page as missed elsewhere, on the machine."""
    right_statistics(zone, zone, here)


right_statistics = machine.zone_statistics


# ------------------------------------------------------------------ blocks

ORDERS, MOVABLE = 2, 1
HIGHATOMIC = 3


def blocks(*rows: Any) -> Zone:
    """Return a zone with these numbers of blocks, and no page that may be used."""
    return Zone(tuple(rows))


def served(rows: Any, mt: int, order: int, flags: AllocFlags) -> Any:
    """Say that both sides serve a request from these lists alike, marks or no marks."""
    place = Place(0, 0, (0, 0, 0), (0, 0))
    cfg = Config(zones=(place,), orders=ORDERS, pageblock_order=1, has_cma=True)
    s = Memory((blocks(*rows),))
    op = GetPageFromFreelist(Gfp(mt << 3), order, flags | AllocFlags.NO_WATERMARKS)
    return both_do_alike(FREELIST, cfg, s, op)


def a_block_is_found_and_split_alike(
    top: Any,
    own: Any,
    larger: Any,
    reserved: Any,
    cma: Any,
    order: Any,
    harder: Any,
    may_use_cma: Any,
) -> Any:
    """The same list gives, the rest goes to the same list, and all is counted.

    First comes the reserve for those that try harder, then the type, then CMA.
    """
    low, high = (0, own, 0, 0, 0), (0, larger, 0, reserved, cma)
    flags = on(harder, AllocFlags.HARDER) | on(may_use_cma, AllocFlags.CMA)
    return served((low, high), MOVABLE, one_of(order, range(ORDERS)), flags)


def three_bits(top: Any, *words: Any) -> Iterable[Any]:
    """Assume three bits at the end."""
    return (bit < 2 for bit in words[-3:])


def a_block_is_stolen_alike(
    top: Any, one: Any, two: Any, three: Any, four: Any, mt: Any, order: Any, kept: Any
) -> Any:
    """Where its type has none, both sides steal the same: the largest, in one order."""
    type_ = one_of(mt, range(3))
    low, high = [0] * 5, [0] * 5
    low[(type_ + 1) % 3], low[(type_ + 2) % 3] = one, two
    high[(type_ + 1) % 3], high[(type_ + 2) % 3] = three, four
    flags = on(kept, AllocFlags.NOFRAGMENT)
    rows = (tuple(low), tuple(high))
    return served(rows, type_, one_of(order, range(ORDERS)), flags)


def type_and_bits(top: Any, *words: Any) -> Iterable[Any]:
    """Assume a migrate type, and two bits at the end."""
    return (words[-3] < 3, words[-2] < 2, words[-1] < 2)


def bent_type(top: int, values: Values) -> Values:
    """Bend words into small counts, a type, and bits."""
    *counts, mt, order, kept = values
    return (*(x % 3 for x in counts), mt % 3, order % 2, kept % 2)


def smallest_stolen(zone: Zone, least: int, mt: int) -> Any:
    """Steal the smallest block of another type."""
    for high in range(least, len(zone.blocks)):
        for other in walk.FALLBACKS[mt]:
            if zone.blocks[high][other]:
                return high, other
    return None


def rest_is_the_requests(
    cfg: Config, zone: Zone, order: int, mt: int, block: Any
) -> Zone:
    """Leave the rest of a reserved block to the type of the request."""
    high, of = block
    zone = add(cfg, zone, high, of, -1)
    for half in range(order, high):
        zone = add(cfg, zone, half, mt, 1)
    return zone


def first_stolen(self: Any, least: int, mt: int) -> tuple[int, int]:
    """Steal from one other type only, on the machine."""
    for high in range(len(self.bits) - 1, least - 1, -1):
        if self.bits[high] >> (mt + 1) % 3 & 1:
            return high, (mt + 1) % 3
    return -1, -1


def counted_once(self: Any, order: int, mt: int, number: int) -> None:
    """Count a block as one page, on the machine."""
    right_add(self, order, mt, number)
    self.free -= (number << order) - number


right_add = MachineZone.add

# ------------------------------------------------------------------ the lemmas

WALKS = (
    Lemma(
        claim=a_block_is_found_and_split_alike,
        given=three_bits,
        size="2 orders",
        provers=(Symbolic(Bounded), Sampled(bent(3))),
        mistakes=(
            Mistake(walk, "split", rest_is_the_requests),
            Mistake(MachineZone, "add", counted_once),
        ),
    ),
    Lemma(
        claim=a_block_is_stolen_alike,
        given=type_and_bits,
        size="2 orders",
        provers=(Symbolic(Bounded), Sampled(bent_type)),
        mistakes=(
            Mistake(walk, "stolen", smallest_stolen),
            Mistake(MachineZone, "fallback", first_stolen),
        ),
    ),
    Lemma(
        claim=the_walk_over_two_zones_asks_and_takes_alike,
        given=bits_at_the_end(3),
        names=(
            *("free", "mark", "pages", "other", "below", "least", "reserve"),
            *("low_pages", "high", "last", "kept"),
        ),
        size="2 zones, single pages",
        provers=(Symbolic(Bounded), Sampled(bent(3))),
        mistakes=(
            Mistake(walk, "eligible", from_the_end),
            Mistake(machine, "candidates", asks_one),
            Mistake(MachineZone, "expand", takes_two),
        ),
        slow=True,
    ),
    Lemma(
        claim=the_walk_over_nodes_passes_the_same_zones_by,
        given=two_bits,
        names=(
            *("one", "two", "three", "mask", "mems"),
            *("kept", "cpuset", "local"),
        ),
        size="3 zones of 2 nodes",
        provers=(Symbolic(Bounded), Sampled(bent_masks)),
        mistakes=(
            Mistake(walk, "goes_away", nearness_alone),
            Mistake(walk, "is_forbidden", cpuset_for_all),
            Mistake(machine, "candidates", any_node),
            Mistake(machine, "zone_statistics", stays_forgetful),
        ),
        slow=True,
    ),
)
