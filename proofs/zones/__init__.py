"""What is proved about nodes and zones: marks and sizes, spans and orders."""

from .cores import CORES
from .explored import EXPLORED
from .files import FILES
from .marks import MARKS
from .nodes import NODES
from .orders import ORDERS
from .sizes import SIZES
from .spans import SPANS
from .walks import WALKS

ZONES = (*MARKS, *NODES, *SPANS, *CORES, *ORDERS, *SIZES, *FILES, *WALKS, *EXPLORED)
