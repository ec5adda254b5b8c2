"""The page allocator's machine: fast, mutable, with the kernel's names."""

from .manage import PageAllocator
from .peek import peek

__all__ = ["PageAllocator", "peek"]
