"""The walk where it is rare: zones without a block, distances at the limit, one node.

Most of it compares one small function with its twin, or with a plain sentence; the last
one walks over two zones that have next to nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import product
from typing import Any

from mmoracle.checkers.bind.freelist import FREELIST, load, read
from mmoracle.checkers.lemma import Lemma, Mistake, Sweep, Values
from mmoracle.impl.freelist.alloc import FreeLists
from mmoracle.impl.freelist.walk import Context, Walker
from mmoracle.impl.freelist.zone import Zone as MachineZone
from mmoracle.proofs.sides import both_do_alike
from mmoracle.spec.freelist import walk, zones
from mmoracle.spec.freelist.alloc import GetPageFromFreelist
from mmoracle.spec.freelist.zones import Config, Lower, Memory, Place, Zone
from mmoracle.spec.linux import GFP_KERNEL, AllocFlags, ZoneType

RISCV = (ZoneType.DMA32, ZoneType.NORMAL, ZoneType.MOVABLE)
HARDER, CMA = AllocFlags.HARDER, AllocFlags.CMA
NOFRAGMENT, KSWAPD = AllocFlags.NOFRAGMENT, AllocFlags.KSWAPD

# ------------------------------------------------------------------ a zone alone


def a_zone_begins_with_nothing(top: Any, orders: int, has_cma: bool) -> bool:
    """A new zone has no block, no count and no boost on either side, and finds none."""
    cfg = Config(orders=orders, has_cma=has_cma)
    new = MachineZone(0, 0, 0, (1, 2, 3), (0,), orders, cfg.cma)
    found = {new.smallest(0, mt) for mt in range(cfg.migrate_types)}
    return read(new) == zones.empty(cfg) and found == {-1}


def a_config_numbers_its_lists_as_the_kernel_does(top: Any, has_cma: bool) -> bool:
    """MIGRATE_CMA follows MIGRATE_HIGHATOMIC where it is configured, else it is -1."""
    cfg = Config(has_cma=has_cma)
    return (cfg.cma, cfg.migrate_types) == ((4, 5) if has_cma else (-1, 4))


def a_block_is_found_alike_or_none_is(
    top: Any, has_cma: bool, least: int, row: int, mt: int, order: int, flags: int
) -> bool:
    """One list of two orders has a block: both sides find it, or (-1, -1)."""
    cfg = Config(orders=2, pageblock_order=least, has_cma=has_cma)
    high, of = divmod(row, 5)
    zone = zones.empty(cfg)
    if of < cfg.migrate_types and high < cfg.orders:
        zone = zones.add(cfg, zone, high, of, 1)
    mine = load(cfg, Memory((zone,))).zones[0]
    small = walk.smallest(zone, order, mt) or (-1, mt)
    due = walk.find_block(cfg, zone, order, mt, AllocFlags(flags)) or (-1, -1)
    got = mine.find_block(order, mt, flags, least)
    return (mine.smallest(order, mt), got) == (small[0], due)


def lone_blocks(top: int) -> Iterator[Values]:
    """Yield a kernel, an order of page blocks, a list or none, and a request."""
    flags = [a | b | c for a in (0, HARDER) for b in (0, CMA) for c in (0, NOFRAGMENT)]
    requests = product(range(11), range(3), range(2), flags)
    return (
        (cma, least, *each)
        for each in requests
        for cma in (False, True)
        for least in range(3)
    )


# ------------------------------------------------------------------ near and far

NEAR = Config(
    zones=(Place(0, 0), Place(1, 0)),
    fallback=(((0, 0), (1, 0)), ((1, 0), (0, 0))),
    numa=True,
    reclaim_mode=1,
)
DISTANCES = ((), ((10, 20), (20, 10)), ((9, 22), (21, 11)))
ONLINE = ((True, True), (True, False), (False, True))


def context(m: FreeLists, at: int) -> Context:
    """Return a walk on the machine that prefers a zone."""
    ac = Context()
    ac.preferred = m.zones[at]
    return ac


def reclaim_reaches_as_far_alike(
    top: Any, given: int, limit: int, one: int, other: int
) -> bool:
    """A zone is near enough if its distance is at most the limit, on both sides.

    Where no distances are given a node is 10 from itself and 20 from others.
    """
    cfg = replace(NEAR, distance=DISTANCES[given], reclaim_distance=limit)
    m = load(cfg, zones.initial(cfg))
    far = (DISTANCES[given] or DISTANCES[1])[one][other]
    due = walk.allows_reclaim(cfg, (one, 0), other)
    return due == m.zone_allows_reclaim(m.zones[one], m.zones[other]) == (far <= limit)


def near_the_limit(top: int) -> Iterator[Values]:
    """Yield distances, a limit near one of them, and two nodes."""
    return product(range(len(DISTANCES)), range(8, 24), range(2), range(2))


def a_walk_leaves_its_node_only_where_there_are_two(
    top: Any, online: int, one: int, other: int
) -> bool:
    """Another node is away where more than one is online, on both sides.

    It is so even where a zonelist would name a zone of a node that is not online.
    """
    there = zip(NEAR.fallback, ONLINE[online], strict=True)
    cfg = replace(NEAR, fallback=tuple(each if on else () for each, on in there))
    m, ac = load(cfg, zones.initial(cfg)), walk_of((one, 0))
    due = all(ONLINE[online]) and one != other
    got = m.is_remote(context(m, one), m.zones[other])
    return walk.goes_away(cfg, ac, other) == got == due


def walk_of(preferred: Any) -> walk.Context:
    """Return a walk that prefers a zone."""
    task, lower = zones.Task(), Lower()
    return walk.Context(GFP_KERNEL, 0, (), None, 0, 0, preferred, task, lower, 0)


def two_nodes(top: int) -> Iterator[Values]:
    """Yield which nodes are online, and two of them."""
    return product(range(len(ONLINE)), range(2), range(2))


def memory_of_a_node_without_any_is_the_nearest(
    top: Any, memoryless: bool, first: int, node: int
) -> bool:
    """Where nodes may lack memory, the first zone for kernel memory names the node.

    Where no list has one, or no node lacks memory, a node stands for itself.
    """
    lists = ((), ((0, 1),), ((1, 0),), ((1, 0), (0, 0)))
    cfg = replace(
        NEAR,
        zones=(Place(0, 0), Place(1, 0), Place(0, 1)),
        fallback=(lists[first], lists[first][::-1]),
        memoryless=memoryless,
    )
    told = [nid for nid, index in cfg.fallback[node] if index == 0]
    due = told[0] if memoryless and told else node
    m = load(cfg, zones.initial(cfg))
    return zones.memory_node(cfg, node) == m.numa_mem_id(node) == due


def nodes_without(top: int) -> Iterator[Values]:
    """Yield a kernel, a zonelist and a node."""
    return product((False, True), range(4), range(2))


# ------------------------------------------------------------------ two zones

PAIR = Config(
    kinds=RISCV,
    zones=(
        Place(0, 0, (0, 1, 2), (0, 1, 1)),
        Place(0, 1, (0, 1, 2), (0, 0, 0)),
    ),
    fallback=(((0, 1), (0, 0)),),
    orders=2,
    pageblock_order=1,
)
ROWS = (
    ((0,) * 4, (0,) * 4),
    ((2, 0, 0, 0), (0,) * 4),
    ((0, 0, 1, 0), (0, 1, 0, 0)),
    ((0,) * 4, (0, 0, 0, 1)),
)
FLAGS = (AllocFlags.NONE, KSWAPD, KSWAPD | NOFRAGMENT, KSWAPD | CMA | HARDER)


@cache
def pair(one: int, two: int, boosted: bool) -> Memory:
    """Return two zones with these blocks."""
    places = tuple(
        replace(place, blocks=ROWS[at])
        for place, at in zip(PAIR.zones, (one, two), strict=True)
    )
    s = zones.initial(replace(PAIR, zones=places))
    return replace(s, zones=tuple(replace(z, boosted=boosted) for z in s.zones))


def near_an_edge_two_zones_are_walked_alike(
    top: Any, one: int, two: int, boosted: bool, order: int, flags: int, lower: Lower
) -> Any:
    """With next to no block, a boost or a loss in either zone, both sides do alike."""
    op = GetPageFromFreelist(GFP_KERNEL, order, FLAGS[flags], lower=lower)
    return both_do_alike(FREELIST, PAIR, pair(one, two, boosted), op)


def scarce(top: int) -> Iterator[Values]:
    """Yield blocks of two zones, a request, and what the layers below say."""
    lowers = [Lower(boosts=n) for n in range(4)] + [Lower(lost=2), Lower(cached=1)]
    rows = product(range(4), range(4), (False, True))
    requests = list(product((0, 1), range(len(FLAGS)), lowers))
    return ((*row, *each) for row in rows for each in requests)


# ------------------------------------------------------------------ mistakes


def empty_of_cma(cfg: Config) -> Zone:
    """Leave the lists of CMA out."""
    return right_empty(replace(cfg, has_cma=False))


def nothing_deferred(self: MachineZone, *args: Any) -> None:
    """Take a new zone for one that has yet to notice that nothing is left."""
    right_init(self, *args)
    self.deferred = 0


def isolated(cfg: Config) -> int:
    """Number MIGRATE_CMA as MIGRATE_ISOLATE is."""
    return 5 if cfg.has_cma else -1


def never_harder(self: Any, order: int, mt: int, flags: int, least: int) -> Any:
    """Find no block of the reserve, on the machine."""
    return right_find(self, order, mt, flags & ~HARDER, least)


def strictly_near(cfg: Config, preferred: Any, at: int) -> bool:
    """Reclaim only below the limit."""
    far = zones.distance(cfg, preferred[0], cfg.zones[at].nid)
    return cfg.numa and far < cfg.reclaim_distance


def local_alone(self: Walker, local: MachineZone, zone: MachineZone) -> bool:
    """Reclaim on the same node only, on the machine."""
    return local.nid == zone.nid


def away_at_once(cfg: Config, ac: walk.Context, nid: int) -> bool:
    """Take a node for another whether or not a second one is online."""
    return ac.preferred is not None and nid != ac.preferred[0]


def always_here(self: Walker, ac: Context, zone: MachineZone) -> bool:
    """Never leave a node, on the machine."""
    return False


def itself(cfg: Config, nid: int) -> int:
    """Take every node for one with memory."""
    return nid


def alarm_the_first(s: Memory, ac: Any, at: int, flags: AllocFlags) -> Memory:
    """Note a boost of the first zone alone."""
    return s if at else right_alarmed(s, ac, at, flags)


right_empty, right_alarmed = zones.empty, walk.alarmed
right_init, right_find = MachineZone.__init__, MachineZone.find_block

CORNERS = (
    Lemma(
        claim=a_zone_begins_with_nothing,
        provers=(
            Sweep(
                cases=lambda top: product(range(1, 4), (False, True)),
                scope="up to 3 orders",
            ),
        ),
        mistakes=(
            Mistake(zones, "empty", empty_of_cma),
            Mistake(MachineZone, "__init__", nothing_deferred),
        ),
    ),
    Lemma(
        claim=a_config_numbers_its_lists_as_the_kernel_does,
        provers=(
            Sweep(cases=lambda top: product((False, True)), scope="both kernels"),
        ),
        mistakes=(Mistake(Config, "cma", property(isolated)),),
    ),
    Lemma(
        claim=a_block_is_found_alike_or_none_is,
        provers=(Sweep(cases=lone_blocks, scope="one block, two orders"),),
        mistakes=(Mistake(MachineZone, "find_block", never_harder),),
    ),
    Lemma(
        claim=reclaim_reaches_as_far_alike,
        provers=(Sweep(cases=near_the_limit, scope="two nodes"),),
        mistakes=(
            Mistake(walk, "allows_reclaim", strictly_near),
            Mistake(Walker, "zone_allows_reclaim", local_alone),
        ),
    ),
    Lemma(
        claim=a_walk_leaves_its_node_only_where_there_are_two,
        provers=(Sweep(cases=two_nodes, scope="two nodes"),),
        mistakes=(
            Mistake(walk, "goes_away", away_at_once),
            Mistake(Walker, "is_remote", always_here),
        ),
    ),
    Lemma(
        claim=memory_of_a_node_without_any_is_the_nearest,
        provers=(Sweep(cases=nodes_without, scope="two nodes"),),
        mistakes=(Mistake(zones, "memory_node", itself),),
    ),
    Lemma(
        claim=near_an_edge_two_zones_are_walked_alike,
        provers=(Sweep(cases=scarce, scope="two zones, at most two blocks"),),
        mistakes=(Mistake(walk, "alarmed", alarm_the_first),),
    ),
)
