"""Numbers that note how large their sums and products get."""

from __future__ import annotations

from typing import Any


class Noted:
    """A number whose sums and differences are noted, to see how large they get."""

    def __init__(self, number: Any, sums: list[Any]) -> None:
        self.number, self.sums = number, sums

    def of(self, number: Any) -> Noted:
        """Note a number that was computed."""
        self.sums.append(number)
        return Noted(number, self.sums)

    def __add__(self, other: Any) -> Noted:
        return self.of(self.number + plain(other))

    def __radd__(self, other: Any) -> Noted:
        return self.of(plain(other) + self.number)

    def __sub__(self, other: Any) -> Noted:
        return self.of(self.number - plain(other))

    def __mul__(self, other: int) -> Noted:
        return self.of(self.number * other)

    __rmul__ = __mul__

    def __mod__(self, divisor: int) -> Noted:
        return self.of(self.number % divisor)

    def __rshift__(self, bits: int) -> Noted:
        return self.of(self.number >> bits)

    def __floordiv__(self, divisor: int) -> Noted:
        return self.of(self.number // divisor)

    def __lt__(self, other: Any) -> Any:
        return self.number < plain(other)

    def __gt__(self, other: Any) -> Any:
        return self.number > plain(other)

    def __le__(self, other: Any) -> Any:
        return self.number <= plain(other)

    def __bool__(self) -> bool:
        return bool(self.number != 0)


def plain(number: Any) -> Any:
    """Return a number, noted or not."""
    return number.number if isinstance(number, Noted) else number
