"""What is proved about reclaim: how much is scanned, who waits, and that it ends."""

from .counts import COUNTS
from .explored import EXPLORED
from .rounds import ROUNDS
from .walks import WALKS

RECLAIM = (*COUNTS, *ROUNDS, *WALKS, *EXPLORED)
