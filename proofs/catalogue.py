"""Every lemma there is."""

from .memblock import MEMBLOCK
from .rbtree import RBTREE

LEMMAS = (*MEMBLOCK, *RBTREE)
