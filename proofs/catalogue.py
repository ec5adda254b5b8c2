"""Every lemma there is."""

from .buddy import BUDDY
from .memblock import MEMBLOCK
from .rbtree import RBTREE
from .slowpath import SLOWPATH

LEMMAS = (*MEMBLOCK, *RBTREE, *BUDDY, *SLOWPATH)
