"""Every class of requests at once: flag words whose bits are asked for one by one."""

from __future__ import annotations

from typing import Any

FLAGS = 24  # as many bits are read at most


class Bits:
    """The bits of a word; `live` of them are its own, `ones` are set, the rest are 0.

    A path is followed for each answer of a bit that is asked for, and for no other, so
    that a few paths stand for all requests.
    """

    __slots__ = ("live", "ones", "word")

    def __init__(self, word: Any, live: int = -1, ones: int = 0) -> None:
        self.word = word
        self.live = live & ~ones
        self.ones = ones

    def has(self, mask: int) -> bool:
        """Say whether one bit is set."""
        if not self.live & mask:
            return bool(self.ones & mask)
        return bool(self.word // mask % 2 == 1)

    def __and__(self, mask: int) -> Bits:
        return Bits(self.word, self.live & int(mask), self.ones & int(mask))

    __rand__ = __and__

    def __or__(self, mask: int) -> Bits:
        return Bits(self.word, self.live, self.ones | int(mask))

    __ror__ = __or__

    def __contains__(self, flag: int) -> bool:
        return all(self.has(mask) for mask in masks(int(flag)))

    def __bool__(self) -> bool:
        return self.ones != 0 or any(self.has(mask) for mask in masks(self.live))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Bits):
            same = self.word is other.word
            if same and (self.live, self.ones) == (other.live, other.ones):
                return True
            return all(self.has(mask) == other.has(mask) for mask in masks(-1))
        if not isinstance(other, int):
            return NotImplemented
        asked = masks(self.live | self.ones | int(other))
        return all(self.has(mask) == bool(other & mask) for mask in asked)

    def __hash__(self) -> int:
        return 0

    def __index__(self) -> int:
        return sum(mask for mask in masks(self.live | self.ones) if self.has(mask))


def masks(flags: int) -> list[int]:
    """Return the single bits of a mask, as far as they are read."""
    return [1 << at for at in range(FLAGS) if flags >> at & 1]
