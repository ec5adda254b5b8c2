"""In which order a request looks at the zones of all nodes.

On a NUMA machine the nodes stand by distance, and of equally distant ones the first
differs from node to node; inside a node the zones go from high to low.  A zone is
named (nid, index), a zone that has no present page is in no list.

Source: mm/page_alloc.c:find_next_best_node, build_zonelists,
build_zonerefs_node (v5.10).
"""

from __future__ import annotations

from collections.abc import Mapping

from ..core import value
from ..linux import MAX_NUMNODES

Ref = tuple[int, int]  # nid, zone index
PENALTY_FOR_NODE_WITH_CPUS = 1


@value
class Machine:
    """The nodes of a machine; `distance[a][b]` is that from node a to node b."""

    online: tuple[int, ...]  # rising
    memory: tuple[int, ...]  # N_MEMORY, rising
    cpus: tuple[int, ...]  # nodes with a processor
    distance: tuple[tuple[int, ...], ...]
    max_numnodes: int = MAX_NUMNODES


def node_cost(
    node: int,
    local: int,
    distance: int,
    has_cpus: bool,
    load: int,
    online: int,
    max_numnodes: int = MAX_NUMNODES,
) -> int:
    """Return what speaks against a node as the next one in a local node's list."""
    cost = distance + (1 if node < local else 0)
    cost += PENALTY_FOR_NODE_WITH_CPUS if has_cpus else 0
    return cost * (online * max_numnodes) + load


def next_best(
    m: Machine, local: int, used: tuple[int, ...], load: tuple[int, ...]
) -> int:
    """Return the node that comes next in a local node's list, -1 at its end.

    `load[n]` is node_load, by node.  The local node comes first, memory or not.
    """
    if local not in used:
        return local

    def cost(n: int) -> int:
        away, has_cpus = m.distance[local][n], n in m.cpus
        return node_cost(
            n, local, away, has_cpus, load[n], len(m.online), m.max_numnodes
        )

    return min((n for n in m.memory if n not in used), key=cost, default=-1)


def node_order(
    m: Machine, local: int, load: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the nodes in a local node's order, and node_load for the nodes after it.

    The first node of each distance gets a load, less with each node of the list.
    """
    order: tuple[int, ...] = ()
    before, weight, loads = local, len(m.online), list(load)
    while (n := next_best(m, local, order, tuple(loads))) >= 0:
        if m.distance[local][n] != m.distance[local][before]:
            loads[n] = weight
        order = (*order, n)
        before, weight = n, weight - 1
    return order, tuple(loads)


def numa_orders(m: Machine) -> tuple[tuple[int, ...], ...]:
    """Return the node order of each online node: __build_all_zonelists()."""
    load = (0,) * len(m.distance)
    orders = []
    for local in m.online:
        order, load = node_order(m, local, load)
        orders.append(order)
    return tuple(orders)


def uma_order(online: tuple[int, ...], local: int) -> tuple[int, ...]:
    """Return the node order without NUMA: the local node, those above, those below."""
    above = tuple(n for n in online if n > local)
    return (local, *above, *(n for n in online if n < local))


def zonerefs(nid: int, present: tuple[int, ...]) -> tuple[Ref, ...]:
    """Return a node's zones with present pages, the highest first."""
    return tuple((nid, z) for z in reversed(range(len(present))) if present[z])


def fallback_list(
    order: tuple[int, ...], present: Mapping[int, tuple[int, ...]]
) -> tuple[Ref, ...]:
    """Return the zones in node order; `present[nid][zone]` are present pages."""
    return tuple(ref for nid in order for ref in zonerefs(nid, present[nid]))


def local_memory_node(zonelist: tuple[Ref, ...], highest: int) -> int:
    """Return the node that a memoryless one takes for its own, -1 if there is none.

    `highest` is gfp_zone(GFP_KERNEL).
    """
    return next((nid for nid, zone in zonelist if zone <= highest), -1)


def grouping_off(total_pages: int, block: int, migrate_types: int) -> bool:
    """Say whether memory is too small to group it: page_group_by_mobility_disabled.

    `total_pages` are those above the high marks in all zones, `block` is
    pageblock_nr_pages.  Source: mm/page_alloc.c:build_all_zonelists (v5.10).
    """
    return total_pages < block * migrate_types
