"""What is proved about the page allocator: buddies, free lists and pagesets."""

from .halves import HALVES
from .lists import LISTS
from .pagesets import PAGESETS

BUDDY = (*HALVES, *LISTS, *PAGESETS)
