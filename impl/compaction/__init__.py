"""The compaction machine; mirrors `spec/compaction/`."""

from .machine import Compaction

__all__ = ["Compaction"]
