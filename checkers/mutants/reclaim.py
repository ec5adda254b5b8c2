"""Mistakes in reclaim, met elsewhere or made up; each names its complaint."""

from __future__ import annotations

from ..zoo import tabled
from . import reclaim_counts, reclaim_kswapd, reclaim_tasks

SOURCES = {"P71": "Linux 5.10.70, fix divide by zero in get_scan_count"}
MODULES = (reclaim_counts, reclaim_tasks, reclaim_kswapd)
RECLAIM_MUTANTS = tuple(
    m for each in MODULES for m in tabled("reclaim", each.TABLE, SOURCES)
)
