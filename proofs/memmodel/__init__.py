"""Proofs of the memory models, on 64-bit words with the constants of 5.10."""

from .arrays import ARRAYS
from .boot import BOOT
from .boots import BOOTED
from .corners import CORNERS
from .explored import EXPLORED
from .flags import FLAGS
from .leaves import LEAVES
from .models import MODEL
from .plugged import PLUGGED
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
    *LEAVES,
    *CORNERS,
    *PLUGGED,
    *EXPLORED,
)
