"""From values that refute a theorem to a history of memblock at 64 bits.

The state that the values describe is the memory at the beginning, so that replaying
the operations shows on the whole subsystem what the theorem shows on one function.
"""

from __future__ import annotations

from mmoracle.checkers.lemma import Values
from mmoracle.spec.core import Op
from mmoracle.spec.linux import Addr, MemblockFlags
from mmoracle.spec.memblock import ops
from mmoracle.spec.memblock.regions import Config, Memblock, Region

History = tuple[Config, list[Op[Config, Memblock]]]


def machine(top: int, rows: tuple[Region, ...]) -> Config:
    """Return a machine of this width that has this memory from the beginning."""
    return Config(width=top.bit_length(), start=rows)


def overlap(top: int, *words: int) -> History:
    """Return the question whether memory overlaps the range that refutes."""
    n, *told, base, size, _ = words
    rows = tuple(
        Region(Addr(told[2 * i]), Addr(told[2 * i + 1]), nid=0)
        for i in range(min(n, 3))
    )
    asked = ops.IsRegion("overlaps_memory", Addr(base), Addr(size))
    return machine(top, rows), [asked]


def added(top: int, *words: int) -> History:
    """Return the addition of the range that refutes."""
    *told, base, size, nid = words
    return machine(top, painted(told)), [ops.Add(Addr(base), Addr(size), nid)]


def reserved(top: int, *words: int) -> History:
    """Return the reservations of the regions that refute, and of the range."""
    *told, base, size = words
    rows = painted(told)
    held = [ops.Reserve(r.base, r.size) for r in rows]
    nodes = [ops.SetNode(r.base, r.size, "reserved", r.nid) for r in rows]
    return machine(top, ()), [*held, *nodes, ops.Reserve(Addr(base), Addr(size))]


def painted(told: Values | list[int]) -> tuple[Region, ...]:
    """Return the regions that words of a base, a size, flags and a node describe."""
    parts = (told[1 + 4 * i : 5 + 4 * i] for i in range(min(told[0], 3)))
    return tuple(
        Region(Addr(base), Addr(size), MemblockFlags(flags), nid)
        for base, size, flags, nid in parts
    )
