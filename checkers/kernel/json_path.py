"""Walk a JSON value by typed steps; whatever is wrong is told with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike

from .text import BadText

_HEX = re.compile(r"0x[0-9a-fA-F]{1,16}")
LARGEST = 1 << 64


@dataclass(frozen=True, slots=True)
class At:
    """A value in a file, and the way that leads to it."""

    path: str | PathLike[str]
    value: object
    place: str = ""

    def wrong(self, why: str) -> BadText:
        """Return the complaint that this value deserves."""
        return BadText(self.path, 0, f"{self.place or 'the file'} {why}")

    def has(self, key: str) -> bool:
        """Say whether this is an object with a member."""
        return isinstance(self.value, dict) and key in self.value

    def __getitem__(self, key: str) -> At:
        """Return a member of an object."""
        if not isinstance(self.value, dict):
            raise self.wrong("is not an object")
        place = f"{self.place}.{key}" if self.place else key
        if key not in self.value:
            raise At(self.path, None, place).wrong("is missing")
        return At(self.path, self.value[key], place)

    def __iter__(self) -> Iterator[At]:
        """Yield the items of a list."""
        if not isinstance(self.value, list):
            raise self.wrong("is not a list")
        for i, item in enumerate(self.value):
            yield At(self.path, item, f"{self.place}[{i}]")

    def number(self, least: int = 0, most: int = LARGEST) -> int:
        """Return a whole number from `least` to below `most`."""
        value = self.value
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.wrong("is not a whole number")
        if not least <= value < most:
            raise self.wrong(f"is {value}, a number from {least} to {most - 1} is due")
        return value

    def numbers(self, least: int = 0, most: int = LARGEST) -> tuple[int, ...]:
        """Return a list of whole numbers."""
        items = self.value if isinstance(self.value, list) else []
        if items and all(type(x) is int and least <= x < most for x in items):
            return tuple(items)
        return tuple(each.number(least, most) for each in self)

    def text(self) -> str:
        """Return a text."""
        if not isinstance(self.value, str):
            raise self.wrong("is not a text")
        return self.value

    def word(self) -> int:
        """Return a word that is written as hexadecimal text."""
        if not isinstance(self.value, str) or not _HEX.fullmatch(self.value):
            raise self.wrong("is not a hexadecimal word")
        return int(self.value, 16)
