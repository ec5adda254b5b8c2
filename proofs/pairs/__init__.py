"""Pairs of a specification's function and the machine's, for CrossHair to tell apart.

`crosshair diffbehavior` looks for values on which two functions of one signature do
not do the same.  Some stand here as they are shipped; where the two take their
configuration in different ways, a function for each side has it in hand, and brings
plain numbers into the range that both are made for.
"""

from .memory import MEMORY
from .pages import PAGES
from .steps import STEPS

PAIRS = (*MEMORY, *PAGES, *STEPS)
