"""Mistakes in zonelists, and in the pages that boot releases."""

from __future__ import annotations

from typing import Any

from mmoracle.impl.zones import lists
from mmoracle.impl.zones.boot import FREED, PAGED, Boot
from mmoracle.impl.zones.lists import Orders
from mmoracle.impl.zones.machine import System
from mmoracle.impl.zones.nodes import Pgdat

_free_area_init, _zonerefs = System.free_area_init, lists.build_zonerefs_node
_build, _free_all = System.build_all_zonelists, System.memblock_free_all
_free_reserved = System.free_reserved
_numa = Orders.numa

Ref = tuple[int, int]

# ------------------------------------------------------------------ zonelists


def lowest_first(pgdat: Pgdat) -> list[Ref]:
    """Begin with the lowest zone of a node, which others need more."""
    return _zonerefs(pgdat)[::-1]


def empty_zones_too(pgdat: Pgdat) -> list[Ref]:
    """Name zones that span frames, whether there is a page or not."""
    return [(pgdat.nid, i) for i in reversed(range(len(pgdat.zones)))]


def managed_zones_only(pgdat: Pgdat) -> list[Ref]:
    """Leave a zone out that has one page or less."""
    refs = _zonerefs(pgdat)
    return [(nid, i) for nid, i in refs if pgdat.zones[i].present > 1]


def own_node_anywhere(orders: Orders, local: int) -> list[int]:
    """Let the own node stand by its number."""
    return sorted(_numa(orders, local))


def memoryless_first(orders: Orders, local: int) -> list[int]:
    """Leave the nodes out that are further than the second."""
    return _numa(orders, local)[:2]


def prefer_lower(
    n: int, local: int, away: int, cpus: bool, load: int, unit: int
) -> int:
    """Prefer nodes below the own one."""
    return (away + (n > local) + cpus) * unit + load


def cpus_do_not_matter(
    n: int, local: int, away: int, cpus: bool, load: int, unit: int
) -> int:
    """Give nodes without a processor no preference."""
    return (away + (n < local)) * unit + load


def load_before_distance(
    n: int, local: int, away: int, cpus: bool, load: int, unit: int
) -> int:
    """Weigh load as much as distance."""
    return away + (n < local) + cpus + load


def load_forgotten(orders: Orders, local: int) -> list[int]:
    """Start every node's order with no load."""
    orders.load = dict.fromkeys(orders.load, 0)
    return _numa(orders, local)


def load_on_all(orders: Orders, local: int) -> list[int]:
    """Load every node, not the first of a distance only."""
    order = _numa(orders, local)
    for at, n in enumerate(order):
        orders.load[n] = len(order) - at
    return order


def last_of_equals(orders: Orders, local: int, left: list[int]) -> int:
    """Take the last of nodes that cost the same."""
    best, least = left[0], -1
    for n in left:
        away = orders.distance[local][n]
        cpus = n in orders.cpus
        cost = lists.node_cost(n, local, away, cpus, orders.load[n], orders.unit)
        if least < 0 or cost <= least:
            best, least = n, cost
    return best


def circle_backwards(online: tuple[int, ...], local: int) -> list[int]:
    """Go round the nodes downwards."""
    at = online.index(local)
    return [local, *online[:at][::-1], *online[at + 1 :][::-1]]


def by_number(online: tuple[int, ...], local: int) -> list[int]:
    """Ask the own node, then all others from the first on."""
    return [local, *(n for n in online if n != local)]


def group_to_the_last(m: System, cpus: Any, distance: Any) -> tuple[int, bool, int]:
    """Turn grouping off at the very size that it can do with."""
    count, _, pages = _build(m, cpus, distance)
    m.grouping_off = pages <= m.pageblock * m.migrate_types
    return count, m.grouping_off, pages


def count_of_pages_present(m: System, highest: int) -> int:
    """Count pages that are there, managed or not."""
    return sum(z.present for p in m.pgdat.values() for z in p.zones)


def thisnode_is_all(m: System, cpus: Any, distance: Any) -> tuple[int, bool, int]:
    """Let a request for one node alone go on to others."""
    told = _build(m, cpus, distance)
    for pgdat in m.pgdat.values():
        pgdat.thisnode = pgdat.fallback
    return told


# ------------------------------------------------------------------ pages


def lists_too_early(m: System, memory: Any, ends: Any, ask: Any) -> list[int]:
    """Make the lists of a node along with its zones."""
    told = _free_area_init(m, memory, ends, ask)
    for pgdat in m.pgdat.values():
        pgdat.thisnode = _zonerefs(pgdat)
    return told


def counts_spans(m: System, memory: Any, ends: Any, ask: Any) -> list[int]:
    """Tell spanned pages as those of the node."""
    _free_area_init(m, memory, ends, ask)
    return [sum(z.spanned for z in p.zones) for p in m.pgdat.values()]


def released_on_top(m: System, released: tuple[tuple[int, ...], ...]) -> int:
    """Add what is released to what was reckoned."""
    for pgdat, row in zip(m.pgdat.values(), released, strict=True):
        for zone, pages in zip(pgdat.zones, row, strict=True):
            zone.managed += pages
    m.phase = FREED
    return sum(map(sum, released))


def pagesets_too_early(m: System, released: tuple[tuple[int, ...], ...]) -> int:
    """Make real pagesets as soon as pages are free."""
    told = _free_all(m, released)
    m.zone_pcp_update()
    return told


def present_counted(m: System, released: tuple[tuple[int, ...], ...]) -> int:
    """Tell the present pages as those that were released."""
    _free_all(m, released)
    return sum(z.present for p in m.pgdat.values() for z in p.zones)


def given_up_twice(m: System, nid: int, index: int, pages: int) -> int:
    """Count a page twice that boot gives up."""
    given = _free_reserved(m, nid, index, pages)
    m.pgdat[nid].zones[index].managed += given
    return given


def given_up_anew(m: System, nid: int, index: int, pages: int) -> int:
    """Count pages that boot gives up as present once more."""
    given = _free_reserved(m, nid, index, pages)
    m.pgdat[nid].zones[index].present += given
    return given


def given_from_nothing(m: System, nid: int, index: int, pages: int) -> int:
    """Give up one page more than boot held."""
    given = _free_reserved(m, nid, index, pages)
    m.pgdat[nid].zones[index].managed += 1
    return given + 1


def marks_with_pages(m: System, nid: int, index: int, pages: int) -> int:
    """Compute the marks again whenever boot gives pages up."""
    given = _free_reserved(m, nid, index, pages)
    if m.phase > PAGED:
        m.setup_per_zone_wmarks()
    return given


def pagesets_of_the_first_node(m: System) -> None:
    """Give the first node's zones pagesets of their own, and no others."""
    every = m.pgdat
    m.pgdat = {nid: every[nid] for nid in list(every)[:1]}
    m.zone_pcp_update()
    m.pgdat = every
    m.phase = PAGED


NUMA, HOLES = "tiny-numa", "tiny-holes"
UMA, TINY = "tiny-uma", "tiny"
COST = "node_cost"
BUILD, REFS = "build_all_zonelists", "build_zonerefs_node"
ALL = "memblock_free_all"
FREE, INIT = "free_reserved", "free_area_init"
STATE, SPAN, ZL = "EXACT-STATE", "ZONE-SPAN", "ZL-COMPLETE"

TABLE: tuple[tuple[str, str, str, Any, str, Any], ...] = (
    ("list-lowest-first", ZL, TINY, lists, REFS, lowest_first),
    ("list-empty-zones", ZL, TINY, lists, REFS, empty_zones_too),
    ("list-small-zones", ZL, HOLES, lists, REFS, managed_zones_only),
    ("list-by-number", ZL, NUMA, Orders, "numa", own_node_anywhere),
    ("list-two-nodes", ZL, NUMA, Orders, "numa", memoryless_first),
    ("list-prefers-lower", ZL, NUMA, lists, COST, prefer_lower),
    ("list-no-penalty", ZL, NUMA, lists, COST, cpus_do_not_matter),
    ("list-load-first", ZL, NUMA, lists, COST, load_before_distance),
    ("list-load-forgotten", STATE, NUMA, Orders, "numa", load_forgotten),
    ("list-load-all", STATE, NUMA, Orders, "numa", load_on_all),
    ("list-last-equal", STATE, NUMA, Orders, "find_next_best_node", last_of_equals),
    ("list-backwards", ZL, UMA, lists, "uma", circle_backwards),
    ("list-uma-number", ZL, UMA, lists, "uma", by_number),
    ("list-groups-less", "RET-PAGES", HOLES, Boot, BUILD, group_to_the_last),
    ("list-thisnode-all", ZL, NUMA, Boot, BUILD, thisnode_is_all),
    (
        "boot-pages",
        "RET-PAGES",
        TINY,
        Boot,
        "nr_free_zone_pages",
        count_of_pages_present,
    ),
    ("boot-lists-early", "BOOT-ORDER", TINY, Boot, INIT, lists_too_early),
    ("boot-counts-spans", "RET-PAGES", TINY, Boot, INIT, counts_spans),
    ("boot-managed-sum", "ZONE-MANAGED", TINY, System, ALL, released_on_top),
    ("boot-pagesets-early", "PCP-LIMIT", TINY, System, ALL, pagesets_too_early),
    ("boot-counts-present", "RET-PAGES", TINY, System, ALL, present_counted),
    ("boot-gives-twice", "ZONE-MANAGED", TINY, System, FREE, given_up_twice),
    ("boot-gives-anew", "ZONE-KEPT", TINY, System, FREE, given_up_anew),
    ("boot-gives-nothing", "ZONE-MANAGED", TINY, System, FREE, given_from_nothing),
    ("boot-marks-late", "WM-KEPT", TINY, System, FREE, marks_with_pages),
    (
        "boot-pagesets-one",
        "PCP-LIMIT",
        NUMA,
        System,
        "setup_per_cpu_pageset",
        pagesets_of_the_first_node,
    ),
)
