"""What is proved about nodes and zones: marks and sizes, spans and orders."""

from .marks import MARKS
from .nodes import NODES

ZONES = (*MARKS, *NODES)
