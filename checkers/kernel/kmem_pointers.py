"""A trace says each frame twice, as a number and as the address of its `struct page`.

Where the kernel prints real addresses the two must agree; an entry where they do not
was changed after the kernel wrote it, or the memory map has more than one piece.
"""

from __future__ import annotations

from collections import Counter

from .ftrace import LOST, MARK, Event

KEY = b"page="
TRUSTED = 32  # pages that agree before one that does not is believed to be wrong
SECTION = 15  # a piece of the memory map is at least 2**15 frames
MANY = 64  # doubtful entries kept; more bases in one piece mean hashed addresses


class Pointers:
    """Where the memory map is, learned from a trace or known from an image."""

    def __init__(self, base: int | None = None, sizeof_page: int = 64) -> None:
        self.base = base
        self.size = sizeof_page
        self.bases: dict[int, Counter[int]] = {}  # by piece of the map
        self.frames: dict[tuple[int, int], set[int]] = {}  # that agreed: piece, base
        self.usual = 0  # the base that most entries of some piece agreed on last
        self.doubtful: list[tuple[Event, int]] = []  # entries and their pointers
        self.hashed = False  # the kernel does not print real addresses

    def watch(self, batch: list[Event], last: int | None = None) -> None:
        """Look at the pointers of a batch of events, up to entry `last`."""
        if self.hashed:
            return
        for event in batch:
            kind, pfn, _, _, _, _, entry, line = event
            if last is not None and entry > last:
                return
            if pfn < 0 or kind in (MARK, LOST):
                continue
            address = pointer(line)
            base = address - pfn * self.size
            if base == self.base:
                continue
            if self.base is not None or self.unusual(pfn, base):
                self.doubt(event, address)

    def doubt(self, event: Event, address: int) -> None:
        """Remember one of the first entries that may contradict themselves."""
        if len(self.doubtful) < MANY:
            self.doubtful.append((event, address))

    def unusual(self, pfn: int, base: int) -> bool:
        """Count where an entry says that the map begins; say if most say otherwise.

        A frame counts once: a hashed address, too, is the same at each of its entries.
        """
        piece = pfn >> SECTION
        known = self.bases.setdefault(piece, Counter())
        frames = self.frames.setdefault((piece, base), set())
        if len(frames) < MANY:
            known[base] += pfn not in frames
            frames.add(pfn)
        else:
            known[base] += 1
        if len(known) > MANY:
            self.hashed = True
            self.doubtful.clear()
        if known[base] == TRUSTED:
            self.usual = base
        few = known.total() < TRUSTED
        return known[base] * 2 <= known.total() or (few and base != self.usual)

    def base_at(self, pfn: int) -> int | None:
        """Return where the map begins around a frame; none where it is not known."""
        if self.base is not None:
            return self.base
        bases = {piece: trusted(known) for piece, known in self.bases.items()}
        mine = bases.get(pfn >> SECTION)
        all_of_them = {base for base in bases.values() if base is not None}
        return all_of_them.pop() if mine is None and len(all_of_them) == 1 else mine

    def contradiction(self) -> tuple[Event, int] | None:
        """Return the first entry whose number and pointer disagree, if any.

        The result has the frame that the pointer names.  Without a known base the trace
        is its own witness: most entries agree, and the first that does not is returned.
        """
        for event, address in self.doubtful:
            base = self.base_at(event[1])
            if base is None or self.hashed:
                continue
            frame = (address - base) // self.size
            if frame != event[1]:
                return event, frame
        return None


def trusted(known: Counter[int]) -> int | None:
    """Return the base that most entries of a piece agree on, if enough do."""
    for base, many in known.most_common(1):
        if many >= TRUSTED and many * 2 > known.total():
            return base
    return None


def pointer(line: bytes) -> int:
    """Return the address that an entry gives for its page, 0 where there is none."""
    at = line.rfind(KEY) + len(KEY)
    text = line[at : line.find(b" ", at)]
    try:
        return int(text, 16)
    except ValueError:
        return 0
