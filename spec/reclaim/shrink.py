"""One scan of a node: pages become free, and perhaps the node is scanned again.

For a block of several pages the scan goes on as long as it frees pages, compaction has
not enough of them yet and the inactive lists hold more than it needs.

Source: mm/vmscan.c:shrink_node, should_continue_reclaim (v5.10).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..linux import PAGE_ALLOC_COSTLY_ORDER, CompactResult, Gfp
from .events import Shrink, Suits
from .state import COMPACTS_NOIO, Config, Control, Pass, Scan, State, Zone

ENOUGH = (CompactResult.SUCCESS, CompactResult.CONTINUE)
SUITS = (CompactResult.SUCCESS, CompactResult.SKIPPED, CompactResult.CONTINUE)
TROUBLE = 2  # rounds after which reclaim is in trouble


def compact_gap(order: int) -> int:
    """Return the free pages that compaction for an order works with."""
    return 2 << order


def compaction_allowed(cfg: Config, gfp: Gfp) -> bool:
    """Say whether a request may count on compaction: gfp_compaction_allowed()."""
    return COMPACTS_NOIO in cfg.quirks or bool(gfp & Gfp.IO)


def in_trouble(cfg: Config, priority: int) -> bool:
    """Say whether more than two rounds went by."""
    return priority < cfg.priority - TROUBLE


def reclaims_for_compaction(cfg: Config, sc: Control) -> bool:
    """Say whether pages are freed for compaction to work with.

    Source: mm/vmscan.c:in_reclaim_compaction (v5.10).
    """
    hard = sc.order > PAGE_ALLOC_COSTLY_ORDER or in_trouble(cfg, sc.priority)
    return compaction_allowed(cfg, sc.gfp) and sc.order > 0 and hard


def begin(node: int, sc: Control) -> Scan:
    """Begin the scan of a node."""
    return Scan(node, sc.reclaimed)


# ------------------------------------------------------------------ pages


def freed(zone: Zone, file: int, anon: int) -> Zone:
    """Return a zone in which so many pages have become free."""
    return replace(
        zone,
        free=zone.free + file + anon,
        file=zone.file - file,
        anon=zone.anon - anon,
    )


def per_zone(cfg: Config, node: int, got: tuple[int, ...]) -> dict[int, int]:
    """Return a pass's pages by position of the zone."""
    return dict(zip(cfg.zones_of(node, cfg.max_zones), got, strict=False))


def possible(cfg: Config, s: State, scan: Scan, sc: Control, told: Pass) -> bool:
    """Say whether a scan can have answered this.

    It frees what is there, in zones that may serve the request; anonymous pages only
    where they can be swapped.  With all deactivated or unprotected none is skipped.
    """
    usable = cfg.zones_of(scan.node, sc.highest)
    file, anon = (per_zone(cfg, scan.node, got) for got in (told.file, told.anon))
    return (
        all(n <= s.zones[at].file * (at in usable) for at, n in file.items())
        and all(n <= s.zones[at].anon * (at in usable) for at, n in anon.items())
        and ((cfg.swap and sc.may_swap) or not any(told.anon))
        and not (told.skipped and sc.force_deactivate)
        and not (told.low and sc.low_reclaim)
    )


def passed(
    cfg: Config, s: State, scan: Scan, sc: Control, told: Pass
) -> tuple[State, Control]:
    """Turn the pages that a scan freed into free pages, and count them."""
    file, anon = (per_zone(cfg, scan.node, got) for got in (told.file, told.anon))
    zones = tuple(
        freed(zone, file.get(at, 0), anon.get(at, 0)) for at, zone in enumerate(s.zones)
    )
    sc = replace(
        sc,
        reclaimed=sc.reclaimed + sum(told.file) + sum(told.anon),
        scanned=sc.scanned + told.scanned,
        skipped_deactivate=sc.skipped_deactivate or told.skipped,
        low_skipped=sc.low_skipped or told.low,
    )
    return replace(s, zones=zones), sc


# ------------------------------------------------------------------ and again


def worth_going_on(inactive: Any, gap: Any) -> Any:
    """Say whether the inactive lists hold more pages than compaction needs."""
    return inactive > gap


def onwards(cfg: Config, scan: Scan, sc: Control) -> Scan | None:
    """Return where a scan goes after a pass or a zone asked about, none at its end."""
    rest = [at for at in cfg.zones_of(scan.node, sc.highest) if at > scan.asking]
    if rest:
        return replace(scan, asking=rest[0])
    if worth_going_on(scan.inactive, compact_gap(sc.order)):
        return replace(scan, asking=-1, base=sc.reclaimed)
    return None


def after_pass(cfg: Config, scan: Scan, sc: Control, inactive: int) -> Scan | None:
    """Return where a scan goes after a pass."""
    got = sc.reclaimed > scan.base
    scan = replace(scan, progress=scan.progress or got, inactive=inactive)
    if not got or not reclaims_for_compaction(cfg, sc):
        return None
    return onwards(cfg, scan, sc)


def question(scan: Scan) -> Shrink | Suits:
    """Return what a scan asks for next."""
    return Suits(scan.asking) if scan.asking >= 0 else Shrink(scan.node)


def ended(s: State, node: int, progress: bool) -> State:
    """Return the state after a scan; a node that frees pages is no longer hopeless."""
    if not progress:
        return s
    nodes = list(s.nodes)
    nodes[node] = replace(nodes[node], failures=0)
    return replace(s, nodes=tuple(nodes))
