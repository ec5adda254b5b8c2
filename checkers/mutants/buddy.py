"""Mistakes in the page allocator, met elsewhere or made up; each names its complaint.

The mistakes themselves are in modules of their own, by what they are made in; here is
where they were met, and what they have in common.
"""

from __future__ import annotations

from ..zoo import tabled
from . import (
    buddy_answers,
    buddy_lists,
    buddy_manage,
    buddy_owners,
    buddy_pcp,
    buddy_reserves,
    buddy_types,
)

SOURCES = {
    "P01": "Linux v5.10-rc, fix freeing non-compound pages",
    "P06": "Linux v4.6, prevent merging between isolated and other pageblocks",
    "P59": "Linux 5.3.15, recalculate pcpu batch and high limits after init completes",
    "P64": "Linux 5.10.46, fix counting of free pages after take off from buddy",
    "P65": "Linux 6.12.117, count guard pages as free again when their buddy merges",
    "P67": "CVE-2026-43303",
    "P68": "Linux v4.10, prevent double decrease of nr_reserved_highatomic",
    "P69": "Linux 6.1.64, fix CMA and HIGHATOMIC landing on the wrong buddy list",
    "P70": "Linux 5.6.14, limit boost_watermark on small zones",
    "P73": "Linux 5.7.17, don't move pages between zones",
    "P74": "rcore buddy_system_allocator issue #14, PR #31",
    "P75": "rcore buddy_system_allocator issues #50, #51",
    "P76": "xv6 fall19 PR #13",
    "P84": "vulkano issue #2832",
}

MODULES = (
    buddy_lists,
    buddy_owners,
    buddy_pcp,
    buddy_types,
    buddy_reserves,
    buddy_manage,
    buddy_answers,
)
BUDDY_MUTANTS = (
    *(m for each in MODULES for m in tabled("buddy", each.TABLE, SOURCES)),
    *(m for each in MODULES for m in tabled("buddy", each.WALKED, SOURCES, "walk")),
)
