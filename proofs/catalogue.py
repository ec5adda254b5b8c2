"""Every lemma there is."""

from .buddy import BUDDY
from .memblock import MEMBLOCK
from .rbtree import RBTREE
from .reclaim import RECLAIM

LEMMAS = (*MEMBLOCK, *RBTREE, *BUDDY, *RECLAIM)
