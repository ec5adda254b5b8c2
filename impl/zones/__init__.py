"""Nodes, zones and zonelists as mm/page_alloc.c keeps them, on plain integers."""

from .machine import System

__all__ = ["System"]
