"""Adding, cutting out, and doubling an array into memory that it describes itself.

n is the number of regions in the array and k the number that an edit touches; "shift"
is one move of list slots, n at worst.  A doubling may search, free and reserve.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mmoracle.spec.linux import MAX_NUMNODES, Bug, Errno
from mmoracle.spec.linux import MEMBLOCK_ALLOC_KASAN as KASAN

from .regions import MemblockType, Part, Row, Stop
from .search import NONE, Search

NOT_ZERO = "an empty array has a total_size"
HOLDS_ARRAY = Bug("the range holds a region array")


class Ranges(Search):
    """What changes the arrays; where new things go is `place_array`, `place_block`."""

    __slots__ = ()

    # ------------------------------------------------------- choices

    def place_array(self, t: MemblockType, nr_bytes: int) -> int | None:
        """Return the address of a doubled array, 0 in the slab, None for nowhere.

        It is looked for above the range in hand, then below.  5.10 keeps clear of that
        range only for `reserved`, and takes 0 or 1 as an upper bound for "anywhere".
        O(log n + g).
        """
        if self.slab_is_up:
            return 0 if self.kmalloc else None
        base, size = self.hands[-1]
        if t is self.memory and self.double_into_range:
            base = size = 0
        find, limit = self.memblock_find_in_range_node, self.current_limit
        page = self.page_size
        with self.shielding():
            addr = self.find_in_range(find, base + size, limit, nr_bytes, page)
            if not addr and size and (base > KASAN or self.double_into_range):
                below = min(base, limit)
                addr = self.find_in_range(find, 0, below, nr_bytes, page)
        return addr or None

    @contextmanager
    def shielding(self) -> Iterator[None]:
        """Search as if the outer ranges in hand were reserved; 5.10 does not care.

        O(1), and O(n) while one doubling causes another.
        """
        outer = () if self.double_into_range else self.hands[:-1]
        reserved = self.reserved
        if outer:
            self.reserved = MemblockType(reserved.name, 1 << 64, self.top)
            self.reserved.splice(0, 0, reserved.rows(0, len(reserved.bases)))
        for base, size in outer:
            parts = self.reserved.uncovered(base, base + size)
            if parts:
                self.reserved.insert_parts(parts, NONE, MAX_NUMNODES)
        try:
            yield
        finally:
            self.reserved = reserved

    def place_block(
        self, size: int, align: int, start: int, end: int, nid: int, flags: int
    ) -> int:
        """Return the address of a block for one search, 0 for none. O(log n + g)."""
        return self.memblock_find_in_range_node(size, align, start, end, nid, flags)

    # ------------------------------------------------------- growing

    def array_bytes(self, slots: int) -> int:
        """Return how many bytes an array takes, in whole pages. O(1)."""
        nr_bytes = slots * self.region_bytes
        return -(-nr_bytes // self.page_size) * self.page_size

    def free_array(self, old: int, slots: int) -> None:
        """Free the block of an array that has moved; slab and static ones have none.

        O(log n + shift).
        """
        if old:
            self.memblock_free(old, self.array_bytes(slots))

    def reserve_array(self, t: MemblockType) -> None:
        """Note the block of a moved array as in use, or stop. O(log n + shift)."""
        if not t.in_slab:
            nr_bytes = self.array_bytes(t.max)
            if self.memblock_reserve(t.array, nr_bytes) is not None:
                raise Stop("the new array cannot be reserved")

    def memblock_double_array(self, t: MemblockType) -> bool:
        """Double an array, away from the range in hand; return whether it is done.

        5.10 frees the old block first, always. O(log n + g + shift).
        """
        addr = None
        if self.can_resize:
            addr = self.place_array(t, self.array_bytes(2 * t.max))
        if addr is None:
            return False
        old, slots = t.array, t.max
        t.array, t.max, t.in_slab = addr, 2 * slots, self.slab_is_up
        self.events.append(("doubled", t.name, t.max, addr))
        if t is self.reserved or self.free_first:
            self.free_array(old, slots)
            self.reserve_array(t)
        else:
            self.reserve_array(t)
            self.free_array(old, slots)
        return True

    def make_room(self, t: MemblockType, slots: int, base: int, size: int) -> bool:
        """Double until `slots` more regions fit; return whether they do.

        O(1) while there is room.
        """
        self.hands.append((base, size))
        try:
            while t.cnt + slots > t.max:
                if not self.memblock_double_array(t):
                    return False
            return True
        finally:
            self.hands.pop()

    # ------------------------------------------------------- adding

    def warn_disagreements(
        self, t: MemblockType, parts: list[Part], end: int, flags: int, nid: int
    ) -> None:
        """Warn of each region above a new part that differs from it. O(k log n)."""
        for _, stop in parts:
            if stop == end:
                continue
            i = t.first_from(stop)
            if t.nids[i] != nid:
                self.warn("nid differs")
            if t.flags[i] != flags:
                self.warn("flags differ")

    def take_dummy(self, t: MemblockType, row: Row) -> None:
        """Let the first region take the slot of the dummy. O(1)."""
        if t.total_size:
            self.warn(NOT_ZERO)
        t.splice(0, 0, [row])
        t.total_size = row[1] - row[0]

    def memblock_add_range(
        self, t: MemblockType, base: int, size: int, nid: int, flags: int
    ) -> Errno | None:
        """Cover a range; what is covered keeps its node and flags. O(log n + shift).

        The parts are looked for twice: a doubling in between may have taken some.
        """
        size = self.cap_size(base, size)
        end = base + size
        if not size:
            return None
        if not t.bases:
            self.take_dummy(t, (base, end, flags, nid))
            return None
        parts = t.uncovered(base, end)
        self.warn_disagreements(t, parts, end, flags, nid)
        if not parts:
            return None
        if not self.make_room(t, len(parts), base, size):
            return Errno.ENOMEM
        parts = t.uncovered(base, end)
        self.warn_disagreements(t, parts, end, flags, nid)
        if parts:
            t.insert_parts(parts, flags, nid)
        return None

    def memblock_reserve(self, base: int, size: int) -> Errno | None:
        """Note a range as in use. O(log n + shift)."""
        return self.memblock_add_range(self.reserved, base, size, MAX_NUMNODES, NONE)

    # ------------------------------------------------------- cutting out

    def memblock_isolate_range(
        self, t: MemblockType, base: int, size: int
    ) -> tuple[int, int] | None:
        """Cut the regions at the borders; return the indices inside, None without room.

        Room for two more is made before it is needed. O(log n + shift).
        """
        size = self.cap_size(base, size)
        if not size:
            return 0, 0
        if not self.make_room(t, 2, base, size):
            return None
        return t.isolate(base, base + size)

    def memblock_remove_range(
        self, t: MemblockType, base: int, size: int
    ) -> Errno | None:
        """Uncover a range. O(log n + shift)."""
        found = self.memblock_isolate_range(t, base, size)
        if found is None:
            return Errno.ENOMEM
        if t.remove_regions(*found):
            self.warn(NOT_ZERO)
        return None

    def memblock_free(self, base: int, size: int) -> Errno | None:
        """Tell kmemleak, then note a range as free. O(log n + shift)."""
        self.events.append(("leak_free", base, size))
        return self.memblock_remove_range(self.reserved, base, size)
