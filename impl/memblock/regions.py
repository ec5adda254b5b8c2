"""One array of regions: sorted parallel lists, searched by bisection.

n is the number of regions in the array and k the number that an edit touches; "shift"
is one move of list slots, n at worst.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

Row = tuple[int, int, int, int]  # base, end, flags, nid
Part = tuple[int, int]  # base, end
Undo = tuple["MemblockType", int, int, list[Row]]  # array, place, length, old rows
Sought = tuple[bool, int, int, int, int, int, int]  # down, size, align, window, ...
Scalars = tuple[int, int, int, bool, frozenset[int]]


class Stop(Exception):  # noqa: N818  (an outcome of the modelled kernel)
    """BUG_ON(): the kernel stops here."""


class MemblockType:
    """struct memblock_type; an empty one has no row but counts its dummy in `cnt`.

    `seams` holds addresses where two regions of a kind may touch unmerged: the next
    merge, which in the kernel scans the whole array, joins them.
    """

    __slots__ = (
        "array",
        "bases",
        "edits",
        "ends",
        "flags",
        "in_slab",
        "journal",
        "max",
        "name",
        "nids",
        "passed",
        "seams",
        "seen",
        "top",
        "total_size",
    )

    def __init__(self, name: str, slots: int, top: int) -> None:
        self.name = name
        self.max = slots
        self.top = top
        self.total_size = 0
        self.array = 0  # where a doubled array lives; 0 for the static one
        self.in_slab = False
        self.bases: list[int] = []
        self.ends: list[int] = []
        self.flags: list[int] = []
        self.nids: list[int] = []
        self.seams: set[int] = set()
        self.edits = 0  # how often the regions changed
        self.seen = 0  # the edits of the memory that those searches saw
        self.passed: dict[Sought, int] = {}  # how far searches of the gaps came
        self.journal: list[Undo] | None = None

    @property
    def cnt(self) -> int:
        """Return the number of slots in use. O(1)."""
        return len(self.bases) or 1

    # ------------------------------------------------------- looking

    def first_above(self, addr: int) -> int:
        """Return the index of the first region that ends above `addr`. O(log n)."""
        return bisect_right(self.ends, addr)

    def first_from(self, addr: int) -> int:
        """Return the index of the first region that starts at `addr` or above.

        O(log n).
        """
        return bisect_left(self.bases, addr)

    def memblock_search(self, addr: int) -> int:
        """Return the index of the region that holds `addr`, -1 for none. O(log n)."""
        i = self.first_above(addr)
        return i if i < len(self.bases) and self.bases[i] <= addr else -1

    def addrs_overlap(self, base: int, end: int, i: int) -> bool:
        """Say whether [base, end) and a region intersect. O(1)."""
        return base < self.ends[i] and self.bases[i] < end

    def memblock_overlaps_region(self, base: int, end: int) -> bool:
        """Say whether [base, end) meets any region. O(log n)."""
        i = self.first_above(base)
        return i < len(self.bases) and self.addrs_overlap(base, end, i)

    def uncovered(self, base: int, end: int) -> list[Part]:
        """Return the parts of [base, end) that no region covers. O(log n + k)."""
        parts: list[Part] = []
        for i in range(self.first_above(base), self.first_from(end)):
            base = self.pass_region(parts, i, base, end)
        if base < end:
            parts.append((base, end))
        return parts

    def pass_region(self, parts: list[Part], i: int, base: int, end: int) -> int:
        """Note what of [base, end) lies below a region that it meets; go on. O(1)."""
        if base < self.bases[i]:
            parts.append((base, self.bases[i]))
        return min(self.ends[i], end)

    def gaps(self, base: int, end: int) -> tuple[int, int]:
        """Return the indices, half-open, of the gaps that meet [base, end). O(log n).

        Gap i lies before region i; the last one lies behind all regions.
        """
        return bisect_right(self.bases, base), bisect_left(self.ends, end) + 1

    def gap(self, i: int) -> Part:
        """Return one gap between regions, maybe empty. O(1)."""
        start = self.ends[i - 1] if i else 0
        return start, self.bases[i] if i < len(self.bases) else self.top

    def wide_gaps(self, base: int, end: int, size: int, down: bool) -> Iterator[Part]:
        """Yield the gaps in [base, end) of at least `size`, cut to it. O(log n + k)."""
        first, behind = self.gaps(base, end)
        order = range(behind - 1, first - 1, -1) if down else range(first, behind)
        bases, ends, last = self.bases, self.ends, len(self.bases)
        for i in order:
            start = ends[i - 1] if i else 0
            stop = bases[i] if i < last else self.top
            if stop - start >= size:
                yield max(start, base), min(stop, end)

    def rows(self, i: int, j: int) -> list[Row]:
        """Return the regions i to j. O(k)."""
        return list(
            zip(
                self.bases[i:j],
                self.ends[i:j],
                self.flags[i:j],
                self.nids[i:j],
                strict=True,
            )
        )

    # ------------------------------------------------------- editing

    def splice(self, i: int, j: int, rows: list[Row]) -> None:
        """Put `rows` in the place of the regions i to j. O(k + shift)."""
        self.edits += 1
        if self.journal is not None:
            self.journal.append((self, i, len(rows), self.rows(i, j)))
        self.bases[i:j] = [row[0] for row in rows]
        self.ends[i:j] = [row[1] for row in rows]
        self.flags[i:j] = [row[2] for row in rows]
        self.nids[i:j] = [row[3] for row in rows]

    def add_size(self, nr_bytes: int) -> None:
        """Count bytes in or out, wrapping as the word does. O(1)."""
        self.total_size = (self.total_size + nr_bytes) & self.top

    def can_merge(self, this: Row, next_: Row) -> bool:
        """Say whether two neighbours touch and agree in flags and node. O(1)."""
        return this[1] == next_[0] and this[2:] == next_[2:]

    def merged(self, rows: list[Row]) -> list[Row]:
        """Return neighbouring regions with those joined that can be. O(k)."""
        out: list[Row] = []
        for row in rows:
            self.put(out, row)
        return out

    def put(self, out: list[Row], row: Row) -> None:
        """Put a region behind others, as a part of the last if they join. O(1)."""
        if out and self.can_merge(out[-1], row):
            out[-1] = (out[-1][0], *row[1:])
        else:
            out.append(row)

    def merge_regions(self, i: int, j: int, rows: list[Row]) -> None:
        """Put `rows` in the place of i to j, merged among themselves, and every seam.

        The caller takes one neighbour along on each side. O(k + shift).
        """
        self.splice(i, j, self.merged(rows))
        for addr in self.seams:
            at = self.first_from(addr)
            i, j = max(0, at - 1), at + 1
            self.splice(i, j, self.merged(self.rows(i, j)))
        self.seams.clear()

    def insert_parts(self, parts: list[Part], flags: int, nid: int) -> None:
        """Insert uncovered parts of one range and merge around them. O(k + shift)."""
        if self.cnt + len(parts) > self.max:
            raise Stop("no slot is left for the region")
        i = max(0, self.first_above(parts[0][0]) - 1)
        j = self.first_from(parts[-1][1]) + 1
        new = [(base, end, flags, nid) for base, end in parts]
        self.add_size(sum(end - base for base, end in parts))
        self.merge_regions(i, j, sorted(self.rows(i, j) + new))

    def split(self, i: int, at: int) -> None:
        """Cut a region in two at an address inside it. O(shift)."""
        base, end, flags, nid = self.rows(i, i + 1)[0]
        self.splice(i, i + 1, [(base, at, flags, nid), (at, end, flags, nid)])

    def isolate(self, base: int, end: int) -> tuple[int, int]:
        """Cut the regions that cross a border; return the indices inside.

        O(log n + shift).
        """
        i = self.first_above(base)
        if i < len(self.bases) and self.bases[i] < base:
            self.split(i, base)
            i += 1
        j = self.first_from(end)
        if j and self.ends[j - 1] > end:
            self.split(j - 1, end)
        return (i, j) if i < j else (0, 0)

    def remove_regions(self, i: int, j: int) -> bool:
        """Delete the regions i to j; return whether that left a wrong total.

        O(k + shift).
        """
        if i >= j:
            return False
        self.add_size(sum(self.bases[i:j]) - sum(self.ends[i:j]))
        self.splice(i, j, [])
        self.reopen(*self.gap(i))
        return not self.bases and self.total_size != 0

    def reopen(self, start: int, end: int) -> None:
        """Send searches that could use a gap back to it. O(1): searches are few."""
        for sought, at in self.passed.items():
            down, size = sought[0], sought[1]
            if end - start >= size:
                at = max(at, end - size) if down else min(at, start)
                self.passed[sought] = at

    # ------------------------------------------------------- taking back

    def scalars(self) -> Scalars:
        """Return what the journal does not hold. O(seams)."""
        seams = frozenset(self.seams)
        return self.max, self.total_size, self.array, self.in_slab, seams

    def set_scalars(self, saved: Scalars) -> None:
        """Take back what `scalars` returned. O(seams)."""
        self.max, self.total_size, self.array, self.in_slab, seams = saved
        self.seams = set(seams)
