"""memblock, fast: two sorted arrays, edited only where something changes.

`regions` is one array; `search` finds room; `ranges` adds, cuts out and doubles;
`answers` follows somebody else's choice; `memblock` is the interface that boot uses.
"""

from .answers import Refused
from .memblock import OBJECT, Memblock
from .ranges import HOLDS_ARRAY
from .regions import MemblockType, Row, Stop
from .search import Answer

__all__ = [
    "HOLDS_ARRAY",
    "OBJECT",
    "Answer",
    "Memblock",
    "MemblockType",
    "Refused",
    "Row",
    "Stop",
]
