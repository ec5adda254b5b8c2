"""What is proved about red-black trees of any size, and how the parts add up.

Below, `table` and `grow` turn links into trees and back (`tables`).  An insertion is a
descent (`descents`, `walks`), a new leaf (`linking`) and steps that mend; an erasure
a descent, an unlinking (`unlinking`) and steps that mend (`steps`).  Each part is
proved on opaque surroundings, so on any tree, and hands to the next part what that one
assumes.  Loops go on with what a step returned (`loops`, `walks`), and refreshing one
node leaves at most the one above it stale (`summaries`).  So after any number of steps
order, colours, black heights, links and summaries are right, and both sides the same.
`words` and `numbers` run whole operations on a few symbolic keys; `rules` says that
the rules which are checked speak of the same.
"""

from .answers import ANSWERED
from .descents import DESCENTS
from .linking import LINKING
from .loops import LOOPS
from .numbers import NUMBERS
from .replacing import REPLACING
from .rules import KEPT
from .steps import STEPS
from .summaries import SUMMARIES
from .tables import TABLES
from .unlinking import UNLINKING
from .walks import WALKS
from .words import WORDS

RBTREE = (
    *DESCENTS,
    *TABLES,
    *SUMMARIES,
    *LINKING,
    *UNLINKING,
    *STEPS,
    *REPLACING,
    *LOOPS,
    *WALKS,
    *WORDS,
    *NUMBERS,
    *KEPT,
    *ANSWERED,
)

__all__ = ["RBTREE"]
