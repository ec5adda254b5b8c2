"""What is proved about memblock: its arithmetic, its arrays, its searches."""

from .arrays import ARRAYS
from .searches import SEARCHES
from .words import WORDS

MEMBLOCK = (*WORDS, *SEARCHES, *ARRAYS)
