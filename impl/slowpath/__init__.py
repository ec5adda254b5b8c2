"""The slow path as a machine: its decisions, its variables, its labels."""

from .machine import SlowPath
from .variables import Question

__all__ = ["Question", "SlowPath"]
