"""Every lemma there is."""

from .buddy import BUDDY
from .memblock import MEMBLOCK
from .memmodel import MEMMODEL
from .rbtree import RBTREE

LEMMAS = (*MEMBLOCK, *RBTREE, *BUDDY, *MEMMODEL)
