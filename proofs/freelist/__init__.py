"""What is proved about the walk: watermarks, highest zones, flags, eligible zones."""

from .corners import CORNERS
from .decisions import DECISIONS
from .explored import EXPLORED
from .limits import LIMITS
from .marks import MARKS
from .requests import REQUESTS
from .served import SERVED
from .settled import SETTLED
from .signed import SIGNED
from .walks import WALKS

FREELIST = (
    *MARKS,
    *DECISIONS,
    *SIGNED,
    *REQUESTS,
    *SETTLED,
    *WALKS,
    *SERVED,
    *CORNERS,
    *LIMITS,
    *EXPLORED,
)
