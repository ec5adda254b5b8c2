"""Proofs of the memory models, on 64-bit words with the constants of 5.10."""

from .arrays import ARRAYS
from .boot import BOOT
from .flags import FLAGS
from .sections import SECTIONS

MEMMODEL = (*ARRAYS, *SECTIONS, *FLAGS, *BOOT)
