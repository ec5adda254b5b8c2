"""The page allocator's machine: fast, mutable, with the kernel's names."""

from .fork import fork
from .manage import PageAllocator
from .peek import peek

__all__ = ["PageAllocator", "fork", "peek"]
