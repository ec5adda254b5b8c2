"""What is proved about memblock: its arithmetic, pages, searches and arrays."""

from .again import AGAIN
from .arrays import ARRAYS
from .beside import BESIDE
from .boot import BOOT
from .corners import CORNERS
from .cuts import CUTS
from .explored import EXPLORED
from .finding import FINDING
from .growth import GROWTH
from .pages import PAGES
from .questions import QUESTIONS
from .searches import SEARCHES
from .steps import STEPS
from .twins import TWINS
from .words import WORDS

MEMBLOCK = (
    *WORDS,
    *QUESTIONS,
    *PAGES,
    *SEARCHES,
    *FINDING,
    *ARRAYS,
    *STEPS,
    *CUTS,
    *BESIDE,
    *TWINS,
    *BOOT,
    *GROWTH,
    *AGAIN,
    *EXPLORED,
    *CORNERS,
)
