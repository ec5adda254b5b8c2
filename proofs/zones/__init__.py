"""What is proved about nodes and zones: marks and sizes, spans and orders."""

from .cores import CORES
from .corners import CORNERS
from .explored import EXPLORED
from .files import FILES
from .leaves import LEAVES
from .marks import MARKS
from .nodes import NODES
from .orders import ORDERS
from .sizes import SIZES
from .spans import SPANS
from .walks import WALKS

ZONES = (
    *MARKS,
    *NODES,
    *SPANS,
    *CORES,
    *CORNERS,
    *LEAVES,
    *ORDERS,
    *SIZES,
    *FILES,
    *WALKS,
    *EXPLORED,
)
