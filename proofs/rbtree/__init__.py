"""What is proved about red-black trees: the two steps that mend them."""

from .steps import RBTREE

__all__ = ["RBTREE"]
