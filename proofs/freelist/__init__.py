"""What is proved about the walk: watermarks, highest zones, flags, eligible zones."""

from .marks import MARKS
from .requests import REQUESTS

FREELIST = (*MARKS, *REQUESTS)
