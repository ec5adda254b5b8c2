"""Every subsystem, by name: the one place where a new one is added."""

from __future__ import annotations

from typing import Any

from .bind.buddy import BUDDY
from .bind.memblock import MEMBLOCK
from .bind.rbtree import RBTREE
from .bind.zones import ZONES
from .subsystem import Subsystem

SUBSYSTEMS: dict[str, Subsystem[Any, Any, Any]] = {
    each.name: each for each in (RBTREE, MEMBLOCK, BUDDY, ZONES)
}
