"""Mistakes in the walk over a zonelist; each names its complaint.

The mistakes themselves are in modules of their own, by what they are made in.
"""

from __future__ import annotations

from ..zoo import tabled
from . import (
    freelist_lists,
    freelist_marks,
    freelist_pages,
    freelist_requests,
    freelist_walk,
)

SOURCES = {"P09": "Linux 5.10.136, fix invalid watermark check on a negative value"}

MODULES = (
    freelist_marks,
    freelist_walk,
    freelist_lists,
    freelist_requests,
    freelist_pages,
)
FREELIST_MUTANTS = tuple(
    mutant for each in MODULES for mutant in tabled("freelist", each.TABLE, SOURCES)
)
