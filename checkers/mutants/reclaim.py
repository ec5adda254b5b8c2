"""Mistakes in reclaim, met elsewhere or made up; each names its complaint."""

from __future__ import annotations

from dataclasses import replace

from ..zoo import Mutant, tabled
from . import (
    reclaim_balance,
    reclaim_counts,
    reclaim_gather,
    reclaim_kswapd,
    reclaim_local,
    reclaim_scans,
    reclaim_tasks,
    reclaim_waits,
)

SOURCES = {"P71": "Linux 5.10.70, fix divide by zero in get_scan_count"}
MODULES = (
    reclaim_counts,
    reclaim_tasks,
    reclaim_scans,
    reclaim_waits,
    reclaim_local,
    reclaim_kswapd,
    reclaim_balance,
    reclaim_gather,
)


def named(mutant: Mutant) -> Mutant:
    """Return a mutant whose id says that it is reclaim's; public bugs keep theirs."""
    if mutant.id in SOURCES:
        return mutant
    return replace(mutant, id=f"reclaim-{mutant.id}")


RECLAIM_MUTANTS = tuple(
    named(m) for each in MODULES for m in tabled("reclaim", each.TABLE, SOURCES)
)
