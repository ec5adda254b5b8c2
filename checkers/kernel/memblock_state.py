"""The region lists of a kernel that is past its boot: debugfs, or an image of it.

Kernel: mm/memblock.c (memblock_debug_show, struct memblock).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from os import PathLike

from .memblock_entry import Row, State
from .text import BadText, read_json

NO_NODE = 1024  # MAX_NUMNODES of the kernels that images are taken from

_FLAGS = {
    "NONE": 0,
    "HOTPLUG": 0x1,
    "MIRROR": 0x2,
    "NOMAP": 0x4,
    "DRV_MNG": 0x8,
    "RSV_NIT": 0x10,
    "RSRV_NOINIT": 0x10,
    "RSV_KERN": 0x20,
    "KHO_SCRATCH": 0x40,
}
_ADDRESS = "0x([0-9a-f]{16}|[0-9a-f]{8})"
_REGION = re.compile(
    rf"([0-9]{{1,9}}): {_ADDRESS}\.\.{_ADDRESS}"
    r"(?:\s+(x|-?[0-9]{1,9})\s+([\w|]+))?",
    re.ASCII,
)
_HEX = re.compile("0x[0-9a-f]{1,16}")


def read_debugfs(
    lines: Iterable[str], path: str | PathLike[str] = "debugfs"
) -> tuple[Row, ...]:
    """Return the regions of one file in /sys/kernel/debug/memblock.

    5.10 prints neither nodes nor flags. Later kernels print both, but of the flags
    only the lowest that is set, and UNKNOWN (here None) for one they cannot name.
    """
    rows: list[Row] = []
    digits = 0
    for line, text in enumerate(lines, 1):
        text = text.replace("\0", "").strip()
        if not text:
            continue
        match = _REGION.fullmatch(text)
        if match is None:
            raise BadText(path, line, f"no region 'N: 0x..0x..' in {text[:80]!r}")
        index, base, end, nid, flags = match.groups()
        digits = digits or len(base)
        if int(index) != len(rows):
            raise BadText(path, line, f"region {index} stands where {len(rows)} should")
        if {len(base), len(end)} != {digits}:
            raise BadText(path, line, f"an address has not {digits} digits")
        size = (int(end, 16) - int(base, 16) + 1) % (1 << 4 * digits)
        node = None if nid is None or nid == "x" else int(nid)
        rows.append(Row(line, int(base, 16), size, node, _flags(path, line, flags)))
    return tuple(rows)


def read_state(path: str | PathLike[str]) -> State:
    """Return `memblock` in a state image, a JSON file that may be packed."""
    block = _member(path, read_json(path), "the image", "memblock")
    memory_size, memory = _list(path, block, "memory")
    reserved_size, reserved = _list(path, block, "reserved")
    bottom_up = _member(path, block, "memblock", "bottom_up")
    if not isinstance(bottom_up, bool):
        raise BadText(path, 0, "memblock.bottom_up is neither true nor false")
    limit = _member(path, block, "memblock", "current_limit")
    return State(
        0,
        memory_size,
        reserved_size,
        memory,
        reserved,
        bottom_up=bottom_up,
        current_limit=_word(path, limit, "memblock.current_limit"),
    )


def _flags(path: str | PathLike[str], line: int, names: str | None) -> int | None:
    if names is None or names == "UNKNOWN":
        return None
    flags = 0
    for name in names.split("|"):
        if name not in _FLAGS:
            raise BadText(path, line, f"the flag {name!r} is not known")
        flags |= _FLAGS[name]
    return flags


def _list(
    path: str | PathLike[str], block: object, name: str
) -> tuple[int, tuple[Row, ...]]:
    """Return the total size and the regions of one list."""
    place = f"memblock.{name}"
    value = _member(path, block, "memblock", name)
    total = _word(
        path, _member(path, value, place, "total_size"), f"{place}.total_size"
    )
    count = _number(path, _member(path, value, place, "cnt"), f"{place}.cnt")
    regions = _member(path, value, place, "regions")
    if not isinstance(regions, list):
        raise BadText(path, 0, f"{place}.regions is not a list")
    if count != len(regions):
        why = f"{place}.cnt is {count}, but there are {len(regions)} regions"
        raise BadText(path, 0, why)
    rows = (
        _region(path, region, f"{place}.regions[{index}]")
        for index, region in enumerate(regions)
    )
    return total, tuple(rows)


def _region(path: str | PathLike[str], region: object, place: str) -> Row:
    if not isinstance(region, list) or len(region) != 4:
        raise BadText(path, 0, f"{place} is not [base, size, flags, nid]")
    base = _word(path, region[0], f"{place}[0], the base,")
    size = _word(path, region[1], f"{place}[1], the size,")
    flags = _number(path, region[2], f"{place}[2], the flags,")
    nid = _number(path, region[3], f"{place}[3], the node,")
    return Row(0, base, size, None if nid in (NO_NODE, -1) else nid, flags)


def _member(path: str | PathLike[str], value: object, place: str, key: str) -> object:
    if not isinstance(value, dict):
        raise BadText(path, 0, f"{place} is not an object")
    if key not in value:
        raise BadText(path, 0, f"{place} has no key {key!r}")
    member: object = value[key]
    return member


def _word(path: str | PathLike[str], value: object, place: str) -> int:
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        raise BadText(path, 0, f"{place} is not a hexadecimal string of a word")
    return int(value, 16)


def _number(path: str | PathLike[str], value: object, place: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadText(path, 0, f"{place} is not a whole number")
    return value
