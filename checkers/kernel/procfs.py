"""What /proc/buddyinfo and /proc/pagetypeinfo of a real kernel say, as values.

Both count free blocks by zone and order, the second by migrate type as well. Neither
is read at one moment: the zones are counted one after the other while a kernel works.

Kernel: mm/vmstat.c (frag_show_print, pagetypeinfo_showfree_print,
pagetypeinfo_showblockcount_print).
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import TypeAlias

from .text import BadText, read_lines

_NUMBER = "[0-9]{1,20}"
_ZONE = r"Node +([0-9]{1,9}), zone +([A-Za-z]\w*)"
_BUDDY = re.compile(rf"{_ZONE}((?: +{_NUMBER})+)", re.ASCII)
_ORDER = re.compile(r"Page block order: +([0-9]{1,9})", re.ASCII)
_PAGES = re.compile(rf"Pages per block: +({_NUMBER})", re.ASCII)
_FREE = re.compile(
    r"Free pages count per migrate type at order((?: +[0-9]{1,9})+)", re.ASCII
)
_FREE_ROW = re.compile(rf"{_ZONE}, type +(\S+)((?: +>?{_NUMBER})+)", re.ASCII)
_BLOCKS = re.compile(r"Number of (blocks type|mixed blocks)((?: +\S+)+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class BuddyRow:
    """How many free blocks of each order a zone has, order 0 first."""

    node: int
    zone: str
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FreeRow:
    """How many free blocks of each order a zone has of one migrate type.

    Where `at_least` holds, the kernel stopped counting (it prints `>100000`).
    """

    node: int
    zone: str
    type: str
    counts: tuple[int, ...]
    at_least: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class BlocksRow:
    """How many pageblocks a zone has of each migrate type."""

    node: int
    zone: str
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class PageTypes:
    """A whole /proc/pagetypeinfo; `mixed` is there on kernels with page_owner only."""

    pageblock_order: int
    pages_per_block: int
    free: tuple[FreeRow, ...]
    blocks: tuple[BlocksRow, ...]
    mixed: tuple[BlocksRow, ...] = ()


def read_buddyinfo(path: str | PathLike[str]) -> tuple[BuddyRow, ...]:
    """Return the rows of a /proc/buddyinfo; raise `BadText` if it is none."""
    rows: list[BuddyRow] = []
    for number, line in _filled(path):
        match = _BUDDY.fullmatch(line)
        if match is None:
            raise BadText(
                path, number, "not a row of buddyinfo: 'Node N, zone Z counts'"
            )
        counts = tuple(map(int, match[3].split()))
        wanted = len(rows[0].counts) if rows else len(counts)
        _check_width(path, number, len(counts), wanted)
        rows.append(BuddyRow(int(match[1]), match[2], counts))
    if not rows:
        raise BadText(path, 0, "it has no row")
    return tuple(rows)


def read_pagetypeinfo(path: str | PathLike[str]) -> PageTypes:
    """Return what a /proc/pagetypeinfo says; raise `BadText` if it is none."""
    lines = deque(_filled(path))
    order = int(_expect(path, lines, _ORDER, "Page block order: N")[1])
    number = lines[0][0] if lines else 0
    pages = int(_expect(path, lines, _PAGES, "Pages per block: N")[1])
    if order > 63 or pages != 1 << order:
        raise BadText(path, number, f"a block of order {order} has not {pages} pages")
    orders = _expect(path, lines, _FREE, "Free pages count per migrate type")[1].split()
    free = tuple(_free_rows(path, lines, len(orders)))
    tables: dict[str, tuple[BlocksRow, ...]] = {}
    while lines or not tables:
        match = _expect(path, lines, _BLOCKS, "Number of blocks type")
        tables[match[1]] = tuple(_block_rows(path, lines, match[2].split()))
    blocks, mixed = tables.get("blocks type", ()), tables.get("mixed blocks", ())
    return PageTypes(order, pages, free, blocks, mixed)


_Lines: TypeAlias = deque[tuple[int, str]]


def _filled(path: str | PathLike[str]) -> Iterator[tuple[int, str]]:
    """Yield the lines that are not blank, stripped, with their numbers."""
    for number, line in enumerate(read_lines(path), 1):
        if text := line.strip():
            yield number, text


def _expect(
    path: str | PathLike[str], lines: _Lines, form: re.Pattern[str], what: str
) -> re.Match[str]:
    """Take the next line, which must have a form."""
    if not lines:
        raise BadText(path, 0, f"it breaks off before {what!r}")
    number, line = lines.popleft()
    match = form.fullmatch(line)
    if match is None:
        raise BadText(path, number, f"{what!r} should stand here")
    return match


def _rows(lines: _Lines) -> Iterator[tuple[int, str]]:
    """Take lines as long as they are rows."""
    while lines and lines[0][1].startswith("Node"):
        yield lines.popleft()


def _free_rows(
    path: str | PathLike[str], lines: _Lines, width: int
) -> Iterator[FreeRow]:
    for number, line in _rows(lines):
        match = _FREE_ROW.fullmatch(line)
        if match is None:
            raise BadText(path, number, "not a row 'Node N, zone Z, type T counts'")
        cells = match[4].split()
        _check_width(path, number, len(cells), width)
        counts = tuple(int(cell.lstrip(">")) for cell in cells)
        at_least = tuple(cell.startswith(">") for cell in cells)
        yield FreeRow(int(match[1]), match[2], match[3], counts, at_least)


def _block_rows(
    path: str | PathLike[str], lines: _Lines, types: list[str]
) -> Iterator[BlocksRow]:
    for number, line in _rows(lines):
        match = _BUDDY.fullmatch(line)
        if match is None:
            raise BadText(path, number, "not a row 'Node N, zone Z counts'")
        counts = tuple(map(int, match[3].split()))
        _check_width(path, number, len(counts), len(types))
        named = dict(zip(types, counts, strict=True))
        yield BlocksRow(int(match[1]), match[2], named)


def _check_width(
    path: str | PathLike[str], number: int, found: int, wanted: int
) -> None:
    if found != wanted:
        raise BadText(path, number, f"{found} counts stand where {wanted} should")
