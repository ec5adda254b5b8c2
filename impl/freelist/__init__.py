"""The walk over a zonelist, as a machine: plain integers, the kernel's names."""

from .alloc import FreeLists

__all__ = ["FreeLists"]
