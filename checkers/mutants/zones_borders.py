"""Mistakes at the borders of formulas."""

from __future__ import annotations

from typing import Any

from mmoracle.impl.zones import marks
from mmoracle.impl.zones.lists import Orders
from mmoracle.impl.zones.nodes import Frames, Pgdat

_limits, _first = marks.pageset_limits, Frames.first_deferred
_total = marks.totalreserve


def batch_of_2_mib(
    managed: int, fraction: int, mmu: bool, page_shift: int
) -> tuple[int, int]:
    """Let a batch go by up to 2 MiB before a quarter is taken."""
    if fraction or not mmu or managed >> 10 <= 1 << 20 - page_shift:
        return _limits(managed, fraction, mmu, page_shift)
    batch = min(managed >> 10, 2 << 20 - page_shift) // 4
    batch = (1 << (batch + batch // 2).bit_length() - 1) - 1
    return 6 * batch, batch


def boosts_subtracted(pgdat: Pgdat) -> int:
    """Take boosts off what is not for the page cache."""
    return _total(pgdat) - sum(2 * zone.boost for zone in pgdat.zones)


def boosts_of_ten_thousand(high: int, factor: int, block: int) -> int:
    """Take a factor for parts of 9,999."""
    most = high * factor // 9999
    return max(most, block) if most else 0


def always_a_border(frames: Frames, start: int, end: int, section: int) -> int:
    """Let a zone's last descriptors wait although they fit into its first section."""
    first = _first(frames, start, end, section)
    return first if first >= 0 or end - start < 2 else end - 1


def load_twice(orders: Orders, local: int) -> list[int]:
    """Load each node by 2 less than the one before."""
    order, weight = [local], orders.online
    left = [n for n in orders.memory if n != local]
    away = orders.distance[local]
    while left:
        weight -= 2
        n = orders.find_next_best_node(local, left)
        if away[n] != away[order[-1]]:
            orders.load[n] = weight
        left.remove(n)
        order.append(n)
    return order


TABLE: tuple[tuple[str, str, str, Any, str, Any], ...] = (
    ("pcp-2-mib", "PCP-LIMIT", "tiny-sizes", marks, "pageset_limits", batch_of_2_mib),
    (
        "res-less-boosts",
        "RES-TOTAL",
        "tiny-factors",
        marks,
        "totalreserve",
        boosts_subtracted,
    ),
    (
        "boost-parts",
        "WM-SANE",
        "tiny-factors",
        marks,
        "most_boost",
        boosts_of_ten_thousand,
    ),
    (
        "defer-always",
        "EXACT-STATE",
        "tiny-borders",
        Frames,
        "first_deferred",
        always_a_border,
    ),
    ("zl-load-twice", "EXACT-STATE", "tiny-numa", Orders, "numa", load_twice),
)
