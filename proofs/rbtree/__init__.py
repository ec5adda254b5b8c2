"""What is proved about red-black trees: the two steps that mend them."""

from .steps import STEPS
from .unlinking import UNLINKING

RBTREE = (*STEPS, *UNLINKING)

__all__ = ["RBTREE"]
