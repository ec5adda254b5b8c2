"""What a memory image says of each frame, and who holds those that are not free.

Source: include/linux/mm_types.h:struct page (v5.10).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from mmoracle.spec.buddy.zones import Config, Held, Memory, Span, free_blocks

from .json_path import At

FRAMES = 1 << 36  # more than any machine has
MOST_FRAMES = 1 << 26  # that are looked at one by one
PAGE_BUDDY = -129  # page_type of a free block's first page


class Run(NamedTuple):
    """A run of frames whose `struct page` is alike."""

    pfn: int
    length: int
    flags: int
    mapcount: int  # or the page type
    refcount: int
    head: int  # the compound page that a tail belongs to, else -1

    @property
    def end(self) -> int:
        """Return the frame behind the run."""
        return self.pfn + self.length


def runs_of(pages: At) -> Iterator[Run]:
    """Yield the runs of frames, in order."""
    columns = [each.text() for each in pages["columns"]]
    wanted = (
        "pfn",
        "run_length",
        "flags",
        "mapcount_or_page_type",
        "refcount",
        "compound_head_pfn",
    )
    for name in wanted:
        if name not in columns:
            raise pages["columns"].wrong(f"has no {name}")
    at = [columns.index(name) for name in wanted]
    end = total = 0
    for row in pages["runs"]:
        run = run_of(row, at, len(columns))
        if run.pfn < end or run.length < 1:
            raise row.wrong("is empty, or begins before the run before it ends")
        end = run.end
        total += run.length
        if total > MOST_FRAMES:
            raise row.wrong(f"is beyond the first {MOST_FRAMES} frames")
        yield run


def without(gaps: tuple[Span, ...], runs: Iterable[Run]) -> Iterator[Run]:
    """Yield the parts of runs that lie in no gap."""
    for run in runs:
        parts = [(run.pfn, run.end)]
        for gap in gaps:
            cut = [(a, min(b, gap.start)) for a, b in parts]
            cut += [(max(a, gap.end), b) for a, b in parts]
            parts = sorted((a, b) for a, b in cut if a < b)
        for start, end in parts:
            yield run._replace(pfn=start, length=end - start)


def run_of(row: At, at: list[int], columns: int) -> Run:
    """Return one row of the table of frames."""
    cells = list(row)
    if len(cells) != columns:
        raise row.wrong(f"has {len(cells)} of {columns} columns")
    pfn, count, flags, mapcount, refcount, head = (cells[i] for i in at)
    return Run(
        pfn.number(0, FRAMES),
        count.number(0, FRAMES),
        flags.word(),
        mapcount.number(-FRAMES, FRAMES),
        refcount.number(-FRAMES, FRAMES),
        head.number(-1, FRAMES),
    )


def with_owners(
    cfg: Config, s: Memory, runs: tuple[Run, ...], flags: dict[str, int]
) -> tuple[Memory, tuple[int, ...]]:
    """Return the state with every managed frame that is not free held by somebody.

    A page with references owns the pages behind it that have none, as far as an aligned
    block reaches: so are the tails of blocks that are not compound.  What is left over
    is returned: frames that nobody has.
    """
    taken = {p for z in s.zones for ps in z.pagesets for x in ps.lists for p, _ in x}
    for zone in s.zones:
        for pfn, order, _ in free_blocks(zone):
            taken.update(range(pfn, pfn + (1 << order)))
    reserved, lru = 1 << flags.get("PG_reserved", 63), 1 << flags.get("PG_lru", 63)
    held, orphans = dict[int, Held](), set[int]()
    for run in runs:
        if run.flags & reserved:
            continue
        for pfn in range(run.pfn, run.end):
            if pfn in taken or run.head not in (-1, pfn):
                continue
            if run.refcount or run.head == pfn:
                movable = bool(run.flags & lru)
                held[pfn] = Held(pfn, 0, 1, False, movable)
            else:
                orphans.add(pfn)
    compound = compound_orders(runs)
    owners = []
    for pfn, block in held.items():
        order = compound.get(pfn, 0)
        if not order:
            order = tail_order(cfg, pfn, orphans)
            orphans.difference_update(range(pfn, pfn + (1 << order)))
        owners.append(replace(block, order=order, compound=pfn in compound))
    spans = [range(z.start, z.end) for z in cfg.zones]
    lost = tuple(sorted(p for p in orphans if any(p in span for span in spans)))
    owners = [h for h in owners if any(h.pfn in span for span in spans)]
    return replace(s, held=tuple(sorted(owners, key=lambda h: h.pfn))), lost


def compound_orders(runs: tuple[Run, ...]) -> dict[int, int]:
    """Return the order of every compound page by its first frame."""
    tails: dict[int, int] = {}
    for run in runs:
        if run.head not in (-1, run.pfn) and run.head < run.pfn:
            tails[run.head] = tails.get(run.head, 0) + run.length
    return {head: count.bit_length() for head, count in tails.items()}


def tail_order(cfg: Config, pfn: int, orphans: set[int]) -> int:
    """Return the largest order at which the rest of a page's block has no owner."""
    order = 0
    while order < cfg.max_order and pfn % (2 << order) == 0:
        behind = range(pfn + (1 << order), pfn + (2 << order))
        if not orphans.issuperset(behind):
            break
        order += 1
    return order
