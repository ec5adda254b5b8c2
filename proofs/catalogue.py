"""Every lemma there is."""

from .buddy import BUDDY
from .compaction import COMPACTION
from .memblock import MEMBLOCK
from .rbtree import RBTREE

LEMMAS = (*MEMBLOCK, *RBTREE, *BUDDY, *COMPACTION)
