"""Mistakes in nodes and zones, met elsewhere or made up; each names its complaint."""

from __future__ import annotations

from ..zoo import tabled
from . import (
    zones_borders,
    zones_files,
    zones_hotplug,
    zones_lists,
    zones_marks,
    zones_nodes,
)

SOURCES = {
    "P55": "Linux 6.1.82, Fix the sort compare func used in numa_fill_memblks()",
    "P59": "Linux 5.3.15, recalculate pcpu batch and high limits after init completes",
    "P66": "Linux 5.10.113, don't create ZONE_MOVABLE beyond the end of a node",
    "P70": "Linux 5.6.14, limit boost_watermark on small zones",
}

MODULES = (
    zones_nodes,
    zones_lists,
    zones_marks,
    zones_files,
    zones_hotplug,
    zones_borders,
)
ZONES_MUTANTS = tuple(m for x in MODULES for m in tabled("zones", x.TABLE, SOURCES))
