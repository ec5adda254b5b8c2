"""What a request asks for: highest zone, alloc flags, eligible zones, and turns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations, product
from types import SimpleNamespace
from typing import Any

from mmoracle.checkers.lemma import (
    Lemma,
    Mistake,
    Sampled,
    Shapes,
    Sweep,
    Symbolic,
    Values,
)
from mmoracle.checkers.symbolic import every
from mmoracle.checkers.word import Bounded, Exact
from mmoracle.impl.freelist import request as machine
from mmoracle.impl.freelist import walk
from mmoracle.spec.freelist import request
from mmoracle.spec.linux import AllocFlags, Bug, Gfp, ZoneType

RISCV = (ZoneType.DMA32, ZoneType.NORMAL, ZoneType.MOVABLE)
OPTIONS = (ZoneType.DMA, ZoneType.DMA32, ZoneType.HIGHMEM, ZoneType.DEVICE)
MACHINES = tuple(
    tuple(sorted((*some, ZoneType.NORMAL, ZoneType.MOVABLE)))
    for number in range(len(OPTIONS) + 1)
    for some in combinations(OPTIONS, number)
)

# ------------------------------------------------------------------ the highest zone


def a_zone_is_named_by_one_bit_at_most(
    top: int, gfp: int, kinds: tuple[ZoneType, ...]
) -> Any:
    """The table and the rule name the same zone, or both none, on every machine."""
    due = request.gfp_zone(gfp, kinds)
    got = machine.gfp_zone(gfp, machine.gfp_zone_table(kinds))
    if (gfp & 7).bit_count() > 1:
        return isinstance(due, Bug) and got == -1
    return due == got and kinds[got] <= ZoneType.MOVABLE


def every_request() -> Iterator[Values]:
    """Yield every combination of zone bits on every machine."""
    return ((15, gfp, kinds) for gfp, kinds in product(range(16), MACHINES))


def movable_alone(gfp: int, kinds: tuple[ZoneType, ...]) -> int | Bug:
    """Take a page that can be moved for one of ZONE_MOVABLE."""
    if gfp & 15 == Gfp.MOVABLE:
        return kinds.index(ZoneType.MOVABLE)
    return right_zone(gfp, kinds)


def dma_for_all(kind: ZoneType, kinds: tuple[ZoneType, ...]) -> int:
    """Take the lowest zone for one that is not configured."""
    return kinds.index(kind) if kind in kinds else 0


def two_at_once(gfp: int, table: int) -> int:
    """Look two bits up as if that were a zone."""
    return table >> (gfp & 15) * machine.ZONES_SHIFT & 7


def only_four_bits_name_a_zone(top: Any, gfp: Any) -> Any:
    """Whatever else a request says, its zone is that of its four lowest bits."""
    return request.gfp_zone(gfp, RISCV) == request.gfp_zone(gfp & 15, RISCV)


def zero_is_normal(gfp: Any, kinds: tuple[ZoneType, ...]) -> int | Bug:
    """Take only a request without any bits for one of ZONE_NORMAL."""
    return request.index_of(ZoneType.NORMAL, kinds) if gfp == 0 else 0


right_zone, right_index = request.gfp_zone, request.index_of


# ------------------------------------------------------------------ flags


def both_sides_begin_with_the_same_flags(top: Any, gfp: Any) -> Any:
    """CMA for what can be moved, KSWAPD as asked, and fragments avoided if told."""
    due = request.current_alloc_flags(gfp, 1, True, False)
    due |= request.alloc_flags_nofragment(gfp, 1, RISCV, 2, True)
    got = machine.current_alloc_flags(gfp, 1, True, False)
    got |= machine.alloc_flags_nofragment(gfp, 1, 1, True, 2, True)
    return due == got


def cma_for_all(gfp: Any, flags: int, has_cma: bool, nocma: bool) -> int:
    """Let every request use CMA."""
    return flags | AllocFlags.CMA


def cma_for_both(gfp: Any, flags: int, has_cma: bool, nocma: bool) -> int:
    """Let a request use CMA that is reclaimable as well."""
    return flags | AllocFlags.CMA if gfp & Gfp.MOVABLE else flags


def kswapd_always(gfp: Any, *rest: Any) -> Any:
    """Let every request wake kswapd."""
    return right_nofragment(gfp | Gfp.KSWAPD_RECLAIM, *rest)


right_nofragment = machine.alloc_flags_nofragment


def a_scope_takes_away_what_it_names_and_no_more(top: Any, gfp: Any) -> Any:
    """Without IO there are no files either; both sides leave all else as it was."""
    io, fs = int(Gfp.IO | Gfp.FS), int(Gfp.FS)
    plain = request.gfp_of_context(gfp, False, False)
    noio = request.gfp_of_context(gfp, True, False)
    nofs = request.gfp_of_context(gfp, False, True)
    return every(
        plain == gfp,
        noio & io == 0,
        noio | gfp & io == gfp,
        nofs & fs == 0,
        nofs | gfp & fs == gfp,
        noio == machine.current_gfp_context(gfp, True, True),
        nofs == machine.current_gfp_context(gfp, False, True),
    )


def scope_of_io_only(gfp: Any, noio: bool, nofs: bool) -> Any:
    """Leave files to a task that must not do IO."""
    return gfp & ~int(Gfp.IO) if noio else gfp & ~int(Gfp.FS) if nofs else gfp


def scope_of_both(gfp: Any, noio: bool, nofs: bool) -> Any:
    """Take IO away where only files are out of bounds."""
    return gfp & ~int(Gfp.IO | Gfp.FS) if noio or nofs else gfp


# ------------------------------------------------------------------ eligible zones


def the_preferred_zone_is_the_first_that_may_be_used(
    top: Any, highest: Any, mask: Any, one: Any, two: Any, three: Any
) -> Any:
    """Both sides skip zones above the highest and nodes off the mask, in order."""
    refs = ((0, one), (1, two), (2, three))
    zones = [SimpleNamespace(nid=nid, index=index) for nid, index in refs]
    met = [nid for nid, _ in request.eligible(refs, highest, mask)]
    seen: Any = zones
    same = [zone.nid for zone in walk.candidates(seen, highest, mask)]
    return every(
        met == same,
        *(refs[nid][1] <= highest for nid in met),
        *(mask >> nid & 1 == 1 for nid in met),
    )


def any_node(nid: int, index: Any, highest: Any, mask: Any) -> bool:
    """Use the zones of every node."""
    return bool(index <= highest)


def any_index(nid: int, index: Any, highest: Any, mask: Any) -> bool:
    """Use zones of every height."""
    return bool(request.in_mask(mask, nid))


def strictly_below(nid: int, index: Any, highest: Any, mask: Any) -> bool:
    """Use only zones below the highest."""
    return bool(index < highest) and bool(request.in_mask(mask, nid))


# ------------------------------------------------------------------ pages and turns


def both_sides_fill_the_same_pages(top: int, *bits: int) -> Any:
    """A page is filled where zeros are asked for and it is not zero already."""
    zero, *flags = bits
    told = [bool(each) for each in flags]
    gfp = int(Gfp.ZERO) if zero else 0
    due = request.is_zeroed(gfp, *told)
    on_alloc, on_free, poisoned, with_zero = told
    there = on_free or (poisoned and with_zero)
    wanted = zero or (on_alloc and not poisoned)
    return due == machine.is_zeroed(gfp, *told) and due == bool(wanted and not there)


def zeros_on_request(gfp: int, *flags: bool) -> bool:
    """Fill only where it was asked for."""
    return right_zeroed(gfp, False, *flags[1:])


def zeros_twice(gfp: int, on_alloc: bool, on_free: bool, *rest: bool) -> bool:
    """Fill what was filled before."""
    return right_zeroed(gfp, on_alloc, False, *rest)


right_zeroed = request.is_zeroed
FIVE = 5  # nodes


def turns_go_round_the_nodes_of_a_policy(top: int, nid: int, mask: int) -> Any:
    """As many turns as nodes meet each node once; offsets name them in order."""
    members = [n for n in range(FIVE) if mask >> n & 1]
    met, at = list[int](), nid
    for _ in members:
        at = request.next_node_in(at, mask, FIVE)
        met.append(at)
    by_offset = [request.offset_il_node(n, mask, FIVE, nid) for n in range(2 * FIVE)]
    return every(
        sorted(met) == members,
        members or request.next_node_in(nid, mask, FIVE) == FIVE,
        by_offset == (members * 2 * FIVE if members else [nid] * 10)[:10],
        request.next_node_in(nid, mask, FIVE) == machine.next_node_in(nid, mask, FIVE),
        by_offset == [machine.offset_il_node(n, mask, nid) for n in range(2 * FIVE)],
    )


def every_policy() -> Iterator[Values]:
    """Yield every policy over five nodes, with each node to begin at."""
    return ((31, nid, mask) for nid, mask in product(range(FIVE), range(1 << FIVE)))


def stays(nid: int, mask: int, nodes: int) -> int:
    """Stay where one is if the policy has the node."""
    return nid if mask >> nid & 1 else right_next(nid, mask, nodes)


def from_zero(nid: int, mask: int, nodes: int) -> int:
    """Begin with the first node each time."""
    return right_next(nodes - 1, mask, nodes)


def by_number(offset: int, mask: int, nodes: int, here: int) -> int:
    """Take an offset for the number of a node."""
    return offset % nodes


def second(offset: int, mask: int, here: int) -> int:
    """Begin with the second node."""
    return right_offset(offset + 1, mask, here)


right_next, right_offset = request.next_node_in, machine.offset_il_node


# ------------------------------------------------------------------ the lemmas


def bits(top: int) -> Iterable[Values]:
    """Yield every combination of five bits."""
    return product((0, 1), repeat=5)


def few_zones(top: int) -> Iterable[Values]:
    """Yield every three zones of up to three in a node, masks and heights."""
    return product(range(3), range(8), range(3), range(3), range(3))


def low_zones(top: int, values: Values) -> Values:
    """Bend words into indices of zones and a nodemask."""
    highest, mask, *rest = values
    return (highest % 4, mask, *(word % 4 for word in rest))


def shapes_of_bits() -> Iterator[Values]:
    """Yield every combination of five bits as a shape."""
    return ((1, *each) for each in bits(1))


REQUESTS = (
    Lemma(
        claim=a_zone_is_named_by_one_bit_at_most,
        provers=(Shapes(every_request, "every case"),),
        mistakes=(
            Mistake(request, "gfp_zone", movable_alone),
            Mistake(request, "index_of", dma_for_all),
            Mistake(machine, "gfp_zone", two_at_once),
        ),
    ),
    Lemma(
        claim=only_four_bits_name_a_zone,
        provers=(Symbolic(Exact), Sweep(8), Sampled(lambda top, values: values)),
        mistakes=(Mistake(request, "gfp_zone", zero_is_normal),),
    ),
    Lemma(
        claim=both_sides_begin_with_the_same_flags,
        provers=(Symbolic(Exact), Sweep(12), Sampled(lambda top, values: values)),
        mistakes=(
            Mistake(request, "current_alloc_flags", cma_for_all),
            Mistake(request, "current_alloc_flags", cma_for_both),
            Mistake(machine, "alloc_flags_nofragment", kswapd_always),
        ),
    ),
    Lemma(
        claim=a_scope_takes_away_what_it_names_and_no_more,
        provers=(Symbolic(Exact), Sweep(9), Sampled(lambda top, values: values)),
        mistakes=(
            Mistake(request, "gfp_of_context", scope_of_io_only),
            Mistake(machine, "current_gfp_context", scope_of_both),
        ),
    ),
    Lemma(
        claim=the_preferred_zone_is_the_first_that_may_be_used,
        size="3 zones",
        provers=(
            Symbolic(Bounded),
            Sweep(cases=few_zones, scope="3 zones in 3 nodes"),
            Sampled(low_zones),
        ),
        mistakes=(
            Mistake(request, "is_eligible", any_node),
            Mistake(request, "is_eligible", any_index),
            Mistake(request, "is_eligible", strictly_below),
        ),
    ),
    Lemma(
        claim=both_sides_fill_the_same_pages,
        names=("zero", "on_alloc", "on_free", "poisoned", "with_zero"),
        provers=(Shapes(shapes_of_bits, "every case"),),
        mistakes=(
            Mistake(request, "is_zeroed", zeros_on_request),
            Mistake(machine, "is_zeroed", zeros_twice),
        ),
    ),
    Lemma(
        claim=turns_go_round_the_nodes_of_a_policy,
        size="5 nodes",
        provers=(Shapes(every_policy, "every case"),),
        mistakes=(
            Mistake(request, "next_node_in", stays),
            Mistake(request, "next_node_in", from_zero),
            Mistake(request, "offset_il_node", by_number),
            Mistake(machine, "offset_il_node", second),
        ),
    ),
)
