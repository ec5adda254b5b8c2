"""The machine of red-black trees: nodes, summaries, walks, mending, and the owner."""

from .augment import Augment, GapAugment
from .balance import RbTree
from .node import RbNode
from .root import ABSENT, MISPLACED, NOT_FIRST, PRESENT, RbRoot
from .walks import RbWalks

__all__ = [
    "ABSENT",
    "MISPLACED",
    "NOT_FIRST",
    "PRESENT",
    "Augment",
    "GapAugment",
    "RbNode",
    "RbRoot",
    "RbTree",
    "RbWalks",
]
