"""Zonelists: the order of nodes, and of zones inside a node.

Source: mm/page_alloc.c:build_zonelists, find_next_best_node (v5.10).
"""

from __future__ import annotations

from .nodes import Pgdat

WITH_CPUS = 1  # PENALTY_FOR_NODE_WITH_CPUS


def build_zonerefs_node(pgdat: Pgdat) -> list[tuple[int, int]]:
    """Return the populated zones of a node, highest first.  O(zones)."""
    refs = []
    for index in range(len(pgdat.zones) - 1, -1, -1):
        if pgdat.zones[index].present:
            refs.append((pgdat.nid, index))
    return refs


def node_cost(n: int, local: int, away: int, cpus: bool, load: int, unit: int) -> int:
    """Return what find_next_best_node() weighs a node with.  O(1)."""
    away += 1 if n < local else 0
    away += WITH_CPUS if cpus else 0
    return away * unit + load


class Orders:
    """The order of nodes for each node in turn; node_load is carried along."""

    __slots__ = ("cpus", "distance", "load", "memory", "online", "unit")

    def __init__(
        self,
        online: tuple[int, ...],
        memory: list[int],
        cpus: tuple[int, ...],
        distance: tuple[tuple[int, ...], ...],
        max_numnodes: int,
    ) -> None:
        self.online, self.memory, self.cpus = len(online), memory, cpus
        self.distance = distance
        self.unit = self.online * max_numnodes
        self.load = dict.fromkeys(online, 0)

    def find_next_best_node(self, local: int, left: list[int]) -> int:
        """Return the node with the least cost, the first of equals.  O(nodes)."""
        best, least = left[0], -1
        for n in left:
            away = self.distance[local][n]
            cost = node_cost(n, local, away, n in self.cpus, self.load[n], self.unit)
            if least < 0 or cost < least:
                best, least = n, cost
        return best

    def numa(self, local: int) -> list[int]:
        """Return the order for a node, and load those that lead a distance.  O(n^2)."""
        order, weight = [local], self.online
        left = [n for n in self.memory if n != local]
        away = self.distance[local]
        while left:
            weight -= 1
            n = self.find_next_best_node(local, left)
            if away[n] != away[order[-1]]:
                self.load[n] = weight
            left.remove(n)
            order.append(n)
        return order


def uma(online: tuple[int, ...], local: int) -> list[int]:
    """Return the order without NUMA: a circle that begins at the node.  O(nodes)."""
    at = online.index(local)
    return [*online[at:], *online[:at]]
