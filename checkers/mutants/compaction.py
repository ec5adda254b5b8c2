"""Mistakes in compaction, met elsewhere or made up; each names its complaint."""

from __future__ import annotations

from typing import Any

from mmoracle.checkers.bind import compaction as binding

from ..zoo import Line, tabled
from . import (
    compaction_defer,
    compaction_gaps,
    compaction_lists,
    compaction_requests,
    compaction_rounds,
    compaction_sources,
    compaction_targets,
)

SOURCES = {
    "P16": "Linux 5.10.24, make fast_isolate_freepages() stay within zone",
    "P72": "Linux 5.10.19, move high_pfn to the for loop scope",
}


def believe_anything(truth: Any, result: Any) -> None:
    """Believe whatever is answered."""


TABLE: tuple[Line, ...] = (
    (
        "compaction-accept-all",
        "REFUSAL",
        "tiny-run",
        binding,
        "differs",
        believe_anything,
    ),
)
TABLES = (
    compaction_defer.TABLE,
    compaction_gaps.TABLE,
    compaction_lists.TABLE,
    compaction_requests.TABLE,
    compaction_rounds.TABLE,
    TABLE,
    compaction_targets.TABLE,
    compaction_sources.TABLE,
)
COMPACTION_MUTANTS = tuple(
    mutant for table in TABLES for mutant in tabled("compaction", table, SOURCES)
)
