"""Every lemma there is, and the operator mutants that change nothing."""

from .buddy import BUDDY
from .buddy.equivalent import EQUIVALENT as IN_BUDDY
from .compaction import COMPACTION
from .freelist import FREELIST
from .freelist.equivalent import EQUIVALENT as IN_FREELIST
from .memblock import MEMBLOCK
from .memblock.equivalent import EQUIVALENT as IN_MEMBLOCK
from .memmodel import MEMMODEL
from .memmodel.equivalent import EQUIVALENT as IN_MEMMODEL
from .rbtree import RBTREE
from .rbtree.equivalent import EQUIVALENT as IN_RBTREE
from .reclaim import RECLAIM
from .slowpath import SLOWPATH
from .slowpath.equivalent import EQUIVALENT as IN_SLOWPATH
from .zones import ZONES
from .zones.equivalent import EQUIVALENT as IN_ZONES

LEMMAS = (
    *MEMBLOCK,
    *RBTREE,
    *BUDDY,
    *MEMMODEL,
    *ZONES,
    *FREELIST,
    *SLOWPATH,
    *RECLAIM,
    *COMPACTION,
)

EQUIVALENT: dict[str, str] = {
    **IN_MEMBLOCK,
    **IN_RBTREE,
    **IN_BUDDY,
    **IN_MEMMODEL,
    **IN_ZONES,
    **IN_FREELIST,
    **IN_SLOWPATH,
}
