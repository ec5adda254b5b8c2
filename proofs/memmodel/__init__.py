"""Proofs of the memory models, on 64-bit words with the constants of 5.10."""

from .arrays import ARRAYS
from .boot import BOOT
from .boots import BOOTED
from .explored import EXPLORED
from .flags import FLAGS
from .models import MODEL
from .ranges import RANGES
from .real import REAL
from .sections import SECTIONS

MEMMODEL = (
    *ARRAYS,
    *SECTIONS,
    *FLAGS,
    *MODEL,
    *RANGES,
    *BOOT,
    *BOOTED,
    *REAL,
    *EXPLORED,
)
