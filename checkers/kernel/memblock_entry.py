"""What a kernel can say about memblock, as values: calls, requests, whole tables."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Width:
    """The width of an address, given once, before the first entry that has one."""

    line: int
    bits: int
    caller: str = ""


@dataclass(frozen=True)
class Range:
    """One call that changes a region list.

    The kernel prints `base` and `base + size - 1`, both as words. So the size is
    `end - base + 1`, as a word: `end == base - 1` is a call of size 0, and any other
    end below the base is a size that runs past the top of the address space (arm64
    removes `2**64 - 1` bytes from the end of its physical addresses onwards).
    """

    line: int
    what: str  # add, reserve, free, remove, physmem_add or free_late
    base: int
    size: int
    caller: str
    function: str  # the kernel's own name: memblock_phys_free is a free
    nid: int | None = None  # None: not printed
    flags: int | None = None


@dataclass(frozen=True)
class Request:
    """One call that asks for memory; `nid` is -1 and `max_addr` 0 for "any"."""

    line: int
    function: str
    size: int
    align: int
    nid: int
    min_addr: int
    max_addr: int
    caller: str
    exact: bool  # no other node will do
    kind: str  # phys: an address; raw: memory as it is; zeroed: memory set to 0


@dataclass(frozen=True)
class Doubled:
    """The array of a region list moved to a place twice as large: `[base, end]`."""

    line: int
    type: str
    new_max: int
    base: int
    end: int
    caller: str = ""


@dataclass(frozen=True)
class NotDoubled:
    """The array of a region list is full and found no larger place."""

    line: int
    type: str
    max: int
    caller: str = ""


@dataclass(frozen=True)
class Row:
    """One region; `nid` None is no node, `flags` None is flags that are not printed.

    `size` is that of the range; `printed` is the number of bytes printed beside it,
    which a kernel's own line never contradicts.
    """

    line: int
    base: int
    size: int
    nid: int | None
    flags: int | None
    printed: int | None = None


@dataclass(frozen=True)
class Table:
    """Both region lists at one moment; the sizes are the kernel's own running sums."""

    line: int
    memory_size: int
    reserved_size: int
    memory: tuple[Row, ...]
    reserved: tuple[Row, ...]
    physmem: tuple[Row, ...] = ()
    caller: str = ""
    sizes_line: int = 0
    counts: tuple[tuple[int, int], ...] = ()  # (line, the number it gives) of each list


@dataclass(frozen=True)
class State(Table):
    """A table read out of a kernel's memory."""

    bottom_up: bool = False
    current_limit: int = 0


@dataclass(frozen=True)
class Torn:
    """A place where the log lost text: what memblock did here is not known."""

    line: int
    why: str
    caller: str = ""


Entry = Width | Range | Request | Doubled | NotDoubled | Table | Torn
