"""What is proved about the page allocator: buddies, free lists and pagesets."""

from .corners import CORNERS
from .cpus import CPUS
from .explored import EXPLORED
from .halves import HALVES
from .isolated import ISOLATED
from .lists import LISTS
from .merging import MERGING
from .owners import OWNERS
from .pagesets import PAGESETS
from .policies import POLICIES
from .released import RELEASED
from .small import SMALL
from .splitting import SPLITTING
from .stealing import STEALING
from .thefts import THEFTS
from .turns import TURNS

BUDDY = (
    *HALVES,
    *LISTS,
    *MERGING,
    *SPLITTING,
    *SMALL,
    *OWNERS,
    *RELEASED,
    *ISOLATED,
    *POLICIES,
    *PAGESETS,
    *TURNS,
    *CPUS,
    *STEALING,
    *THEFTS,
    *CORNERS,
    *EXPLORED,
)
