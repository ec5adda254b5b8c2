"""Mistakes on the slow path, met elsewhere or made up; each names its complaint."""

from __future__ import annotations

from ..zoo import tabled
from . import slowpath_asks, slowpath_retries, slowpath_rounds, slowpath_tries

SOURCES = {
    "P21": "Linux 5.10.216, infinite loop for costly GFP_NOIO | __GFP_RETRY_MAYFAIL",
}
SLOWPATH_MUTANTS = (
    *tabled("slowpath", slowpath_retries.TABLE, SOURCES),
    *tabled("slowpath", slowpath_rounds.TABLE, SOURCES),
    *tabled("slowpath", slowpath_asks.TABLE, SOURCES),
    *tabled("slowpath", slowpath_tries.TABLE, SOURCES),
)
