"""What is proved about compaction: fragmentation, suitability, deferral, scanners."""

from .deferral import DEFERRAL
from .fragmentation import FRAGMENTATION
from .scanners import SCANNERS

COMPACTION = (*FRAGMENTATION, *DEFERRAL, *SCANNERS)
