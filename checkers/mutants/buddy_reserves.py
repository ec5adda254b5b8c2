"""Mistakes in high-atomic reserves and in CMA."""

from __future__ import annotations

from typing import Any

from mmoracle.impl.buddy.allocator import CMA, HARDER, Blocks
from mmoracle.impl.buddy.migrate import LOCKED, Mobility
from mmoracle.impl.buddy.zone import SHIFT, Zone
from mmoracle.spec.linux import MIGRATE_HIGHATOMIC, MIGRATE_MOVABLE

_reserve, _unreserve = Mobility.reserve_highatomic, Mobility.unreserve_highatomic
_rmqueue, _rmqueue_zone = Mobility.rmqueue, Blocks.rmqueue_zone


# ------------------------------------------------------------------ high-atomic


def lower_without_looking(m: Mobility, mt: int, force: bool) -> bool:
    """Lower the reserve's counter, whatever type the page block has by now."""
    zone, size = m.zone, 1 << m.zone.pageblock_order
    if not force and zone.highatomic <= size:
        return False
    for line in zone.lists[MIGRATE_HIGHATOMIC :: 1 << SHIFT]:
        pfn = next(iter(line), -1)
        if pfn >= 0:
            zone.highatomic -= size
            zone.set_type(pfn, mt)
            if m.move_freepages_block(pfn, mt):
                return True
    return False


def lower_never(m: Mobility, mt: int, force: bool) -> bool:
    """Give up a reserved page block, and count it as reserved still."""
    highatomic = m.zone.highatomic
    given = _unreserve(m, mt, force)
    m.zone.highatomic = highatomic
    return given


def keep_the_last_reserve(m: Mobility, mt: int, force: bool) -> bool:
    """Keep the last reserved page block although it is wanted urgently."""
    return _unreserve(m, mt, False)


def give_to_movable(m: Mobility, mt: int, force: bool) -> bool:
    """Give a reserved page block to movable requests, whoever asks."""
    return _unreserve(m, MIGRATE_MOVABLE, force)


def reserve_one_more(m: Mobility, pfn: int) -> None:
    """Reserve another page block when the limit is reached."""
    size = 1 << m.zone.pageblock_order
    m.zone.highatomic -= size
    _reserve(m, pfn)
    m.zone.highatomic += size


def reserve_uncounted(m: Mobility, pfn: int) -> None:
    """Reserve a page block, and do not count it."""
    highatomic = m.zone.highatomic
    _reserve(m, pfn)
    m.zone.highatomic = highatomic


def reserve_the_type_only(m: Mobility, pfn: int) -> None:
    """Reserve a page block, and leave its free blocks on the lists they are on."""
    zone = m.zone
    if zone.highatomic < zone.managed // 100 + (1 << zone.pageblock_order):
        zone.highatomic += 1 << zone.pageblock_order
        zone.set_type(pfn, MIGRATE_HIGHATOMIC)


def pass_the_reserve(b: Blocks, at: int, order: int, mt: int, flags: int) -> int:
    """Serve an urgent request from the lists of all others."""
    return _rmqueue_zone(b, at, order, mt, flags & ~HARDER)


def open_the_reserve(b: Blocks, at: int, order: int, mt: int, flags: int) -> int:
    """Serve every large request from the reserve."""
    return _rmqueue_zone(b, at, order, mt, flags | HARDER)


# ------------------------------------------------------------------ CMA


def spare_cma(m: Mobility, order: int, mt: int, flags: int) -> tuple[int, int]:
    """Take from CMA first where less than half of what is free is CMA's."""
    zone = m.zone
    if flags & CMA and zone.nr_free_cma <= zone.nr_free_pages // 2:
        pfn = zone.rmqueue_smallest(order, zone.cma)
        if pfn >= 0:
            m.events.append((LOCKED, pfn, order, mt))
            return pfn, zone.cma
    return balance_nothing(m, order, mt, flags)


def balance_at_the_half(
    m: Mobility, order: int, mt: int, flags: int
) -> tuple[int, int]:
    """Take from CMA first where just half of what is free is CMA's."""
    m.zone.nr_free_cma += 1
    got = _rmqueue(m, order, mt, flags)
    m.zone.nr_free_cma -= 1
    return got


def balance_nothing(m: Mobility, order: int, mt: int, flags: int) -> tuple[int, int]:
    """Take from CMA only where nothing else is left."""
    cma, m.zone.nr_free_cma = m.zone.nr_free_cma, 0
    got = _rmqueue(m, order, mt, flags)
    m.zone.nr_free_cma += cma
    return got


def spare_cma_always(m: Mobility, order: int, mt: int, flags: int) -> tuple[int, int]:
    """Leave CMA's pages alone, and fail a request that may have them."""
    return _rmqueue(m, order, mt, flags & ~CMA)


def name_the_request(m: Mobility, order: int, mt: int, flags: int) -> tuple[int, int]:
    """Say that a block came from the list of the type that was asked for."""
    return _rmqueue(m, order, mt, flags)[0], mt


def count_no_cma(zone: Zone, pages: int, mt: int) -> None:
    """Change NR_FREE_PAGES, and forget the part of CMA."""
    zone.nr_free_pages += pages


# ------------------------------------------------------------------ the zoo


RESERVE, HALF = "tiny-reserve", "tiny-cma"
KEEP, GIVE, ZONE = "reserve_highatomic", "unreserve_highatomic", "rmqueue_zone"
TABLE: tuple[tuple[str, str, str, Any, str, Any], ...] = (
    ("unreserve-counts", "HA-ACCT", RESERVE, Mobility, GIVE, lower_never),
    (
        "unreserve-keeps-last",
        "RET-CODE",
        RESERVE,
        Mobility,
        GIVE,
        keep_the_last_reserve,
    ),
    ("unreserve-movable", "EXACT-STATE", RESERVE, Mobility, GIVE, give_to_movable),
    ("reserve-one-more", "EXACT-STATE", RESERVE, Mobility, KEEP, reserve_one_more),
    ("reserve-uncounted", "HA-ACCT", RESERVE, Mobility, KEEP, reserve_uncounted),
    (
        "reserve-type-only",
        "EXACT-STATE",
        RESERVE,
        Mobility,
        KEEP,
        reserve_the_type_only,
    ),
    ("reserve-passed", "RET-CODE", RESERVE, Blocks, ZONE, pass_the_reserve),
    ("reserve-open", "RET-CODE", RESERVE, Blocks, ZONE, open_the_reserve),
    ("cma-first", "RET-CODE", HALF, Mobility, "rmqueue", spare_cma),
    ("cma-at-half", "RET-CODE", HALF, Mobility, "rmqueue", balance_at_the_half),
    ("cma-last", "RET-CODE", HALF, Mobility, "rmqueue", balance_nothing),
    ("cma-spared", "RET-CODE", HALF, Mobility, "rmqueue", spare_cma_always),
    ("cma-not-named", "BUD-NRFREE", HALF, Mobility, "rmqueue", name_the_request),
    ("cma-uncounted", "BUD-NRFREE", HALF, Zone, "count", count_no_cma),
)
WALKED: tuple[tuple[str, str, str, Any, str, Any], ...] = (
    ("P68", "HA-ACCT", "small-reserve", Mobility, GIVE, lower_without_looking),
)
