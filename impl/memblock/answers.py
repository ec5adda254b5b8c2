"""Following somebody else's choices, and taking everything back if one is wrong."""

from __future__ import annotations

from mmoracle.spec.linux import MEMBLOCK_ALLOC_KASAN as KASAN
from mmoracle.spec.linux import NUMA_NO_NODE

from .ranges import Ranges
from .regions import MemblockType, Scalars, Stop
from .search import NONE, Answer

Mark = tuple[int, Scalars, Scalars, tuple[bool, ...], int]


class Refused(Exception):  # noqa: N818  (a verdict, not an error)
    """No correct memblock answers this: the rule that is broken, and the reason."""

    def __init__(self, rule: str, why: str) -> None:
        super().__init__(f"{rule}: {why}")
        self.rule = rule
        self.why = why


class Answers(Ranges):
    """The choices of memblock: made as Linux makes them, or read from an answer."""

    __slots__ = ()

    # ------------------------------------------------------- taking back

    def follow(self, answer: Answer | None) -> Mark:
        """Follow an answer, or Linux, noting how to take it all back. O(1)."""
        self.answer = answer
        self.journal = self.memory.journal = self.reserved.journal = []
        return self.mark()

    def mark(self) -> Mark:
        """Return a place that `take_back` returns to. O(1)."""
        return (
            len(self.journal or ()),
            self.memory.scalars(),
            self.reserved.scalars(),
            (
                self.bottom_up,
                self.can_resize,
                self.slab_is_up,
                self.system_has_some_mirror,
                self.stopped,
            ),
            self.current_limit,
        )

    def take_back(self, mark: Mark) -> None:
        """Undo every edit since the mark. As much as the edits cost."""
        length, memory, reserved, switches, self.current_limit = mark
        journal = self.journal or []
        while len(journal) > length:
            t, i, new, rows = journal.pop()
            t.journal = None
            t.splice(i, i + new, rows)
            t.journal = self.journal
        self.reserved.passed.clear()
        self.memory.set_scalars(memory)
        self.reserved.set_scalars(reserved)
        (
            self.bottom_up,
            self.can_resize,
            self.slab_is_up,
            self.system_has_some_mirror,
            self.stopped,
        ) = switches

    def settle(self) -> None:
        """Choose as Linux does again, and forget how to take back. O(1)."""
        self.answer = None
        self.journal = self.memory.journal = self.reserved.journal = None
        self.events.clear()

    # ------------------------------------------------------- following

    def place_array(self, t: MemblockType, nr_bytes: int) -> int | None:
        """Return where Linux, or the answer, puts a doubled array. O(log n + g)."""
        linux = super().place_array(t, nr_bytes)
        if self.answer is None or linux is None:  # then nobody finds a place
            return linux
        doubled = self.answer.doubled
        if not doubled or doubled[0][0] != t.name:
            why = f"{t.name} is full and was not doubled although there is room"
            raise Refused("MB-META", why)
        addr = doubled.pop(0)[1]
        why = self.why_not_array(t, addr, nr_bytes)
        if why:
            raise Refused("MB-META", f"{t.name} doubled to {addr:#x}, {why}")
        return addr

    def why_not_array(self, t: MemblockType, addr: int, nr_bytes: int) -> str:
        """Return why an array may not be put here, "" if it may. O(log n)."""
        if self.slab_is_up:
            right = self.kmalloc and addr == 0
            return "" if right else "not where the slab allocator put it"
        if not self.fits(addr, nr_bytes, self.page_size, 0, 0, NUMA_NO_NODE, NONE):
            return f"which is not {nr_bytes} free bytes"
        hands = self.hands
        if self.double_into_range:
            careless = t is self.memory or hands[-1][0] <= KASAN
            hands = [] if careless else hands[-1:]
        for base, size in hands:
            if addr < base + size and base < addr + nr_bytes:
                return "into the range in hand"
        return ""

    def place_block(
        self, size: int, align: int, start: int, end: int, nid: int, flags: int
    ) -> int:
        """Return where Linux, or the answer, puts a block. O(log n + g)."""
        if self.answer is None:
            return super().place_block(size, align, start, end, nid, flags)
        value = self.answer.value
        told = value if isinstance(value, int) else 0
        if self.fits(told, size, align, start, end, nid, flags):
            return told
        addr = self.memblock_find_in_range_node(size, align, start, end, nid, flags)
        if addr and size and self.can_record(addr, size):
            what = f"{size} bytes in [{start:#x}, {end:#x}) of node {nid}"
            if told:
                why = f"{told:#x} is not a free, aligned block of {what}"
                raise Refused("MB-ALLOC", why)
            raise Refused("MB-COMPLETE", f"none was found for {what}")
        return 0

    def can_record(self, addr: int, size: int) -> bool:
        """Say whether a free block can be reserved: tried only on a full array.

        O(1) unless the array must double.
        """
        if self.reserved.cnt < self.reserved.max:
            return True
        mark, answer = self.mark(), self.answer
        self.answer = None
        try:
            return self.memblock_reserve(addr, size) is None
        except Stop:
            return False
        finally:
            self.take_back(mark)
            self.answer = answer
