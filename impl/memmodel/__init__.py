"""Memory models as the machine has them: sections, maps, and descriptors by address."""

from .descriptors import ABSENT, UNSET, Descriptors
from .model import Constants, MemoryModel, MemSection, Node, fork, take
from .words import PageFlags

__all__ = [
    "ABSENT",
    "UNSET",
    "Constants",
    "Descriptors",
    "MemSection",
    "MemoryModel",
    "Node",
    "PageFlags",
    "fork",
    "take",
]
