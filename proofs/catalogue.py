"""Every lemma there is."""

from .buddy import BUDDY
from .memblock import MEMBLOCK
from .rbtree import RBTREE
from .zones import ZONES

LEMMAS = (*MEMBLOCK, *RBTREE, *BUDDY, *ZONES)
