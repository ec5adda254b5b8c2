"""What is proved about compaction: fragmentation, suitability, deferral, scanners."""

from .deferral import DEFERRAL
from .explored import EXPLORED
from .fragmentation import FRAGMENTATION
from .runs import RUNS
from .scanners import SCANNERS

COMPACTION = (*FRAGMENTATION, *DEFERRAL, *SCANNERS, *RUNS, *EXPLORED)
