"""Every lemma there is."""

from .buddy import BUDDY
from .freelist import FREELIST
from .memblock import MEMBLOCK
from .rbtree import RBTREE

LEMMAS = (*MEMBLOCK, *RBTREE, *BUDDY, *FREELIST)
