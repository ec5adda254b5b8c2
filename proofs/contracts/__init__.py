"""Contracts of leaf functions, for CrossHair to break: `pre` and `post` in docstrings.

Each is a sentence about functions as they are shipped; what it does beside calling
them is to build the values that they need from plain numbers and truth values.  `_` is
what the contract returns.
"""

from .memory import MEMORY
from .pages import PAGES
from .steps import STEPS

CONTRACTS = (*MEMORY, *PAGES, *STEPS)
