"""Reclaim's machine: mutable, with the kernel's names."""

from .machine import Reclaim

__all__ = ["Reclaim"]
