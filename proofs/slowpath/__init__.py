"""What is proved about the slow path: rights for all flags, and that retries end."""

from .corners import CORNERS
from .explored import EXPLORED
from .lower import LOWER
from .retries import RETRIES
from .rights import RIGHTS
from .steps import STEPS
from .turns import TURNS

SLOWPATH = (*RIGHTS, *RETRIES, *TURNS, *STEPS, *EXPLORED, *LOWER, *CORNERS)
