"""What is proved about the slow path: rights for all flags, and that retries end."""

from .retries import RETRIES
from .rights import RIGHTS
from .rounds import ROUNDS
from .turns import TURNS

SLOWPATH = (*RIGHTS, *RETRIES, *ROUNDS, *TURNS)
