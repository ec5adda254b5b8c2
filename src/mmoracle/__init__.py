"""An executable, machine-checked reference of Linux 5.10 memory management."""

__version__ = "0.1.0"
