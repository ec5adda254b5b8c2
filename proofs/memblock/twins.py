"""memblock's arrays on both sides: add, reserve, remove, isolate; any node and flags.

Each operation is run whole, by the specification and by the machine, on a few regions
of any place, size, node and flags: what they hold, answer and warn of must be the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations, pairwise
from typing import Any

from mmoracle.checkers.bind import memblock as binding
from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Symbolic, Values
from mmoracle.checkers.mutants import memblock as mutants
from mmoracle.checkers.symbolic import agree, denied, either, every
from mmoracle.checkers.word import Bounded, Wrapping
from mmoracle.spec.linux import MAX_NUMNODES, Addr, MemblockFlags
from mmoracle.spec.memblock import arrays, ops
from mmoracle.spec.memblock.regions import (
    MEMORY,
    NONE,
    RESERVED,
    Config,
    Events,
    Memblock,
    Range,
    Region,
    Regions,
    cap_size,
)
from mmoracle.spec.memblock.search import Linux

from . import histories
from .words import config, owner, twin

MOST, ROOM = 3, 32  # regions, slots
OWN = ("b", "s", "f", "d")  # base, size, flags and node of a region
NAMES = ("n", *(f"{each}{i}" for i in range(MOST) for each in OWN))
ROWS = type(twin(Config()).memory)  # the machine's array
EVERY = int(MemblockFlags.HOTPLUG | MemblockFlags.MIRROR | MemblockFlags.NOMAP)

# ------------------------------------------------------------------ states


def painted(told: Sequence[Any]) -> Regions:
    """Return n regions with the first of these bases, sizes, flags and nodes."""
    n = next((few for few in range(MOST) if told[0] == few), MOST)
    rows = tuple(
        Region(Addr(base), Addr(size), flags, nid)
        for base, size, flags, nid in (told[1 + 4 * i : 5 + 4 * i] for i in range(n))
    )
    return Regions(rows, ROOM, Addr(sum(r.size for r in rows)))


def same_paint(a: Region, b: Region) -> Any:
    """Say whether two regions agree in flags and node, without a path for each."""
    return every(a.flags == b.flags, a.nid == b.nid)


def canonical(top: Any, rows: Sequence[Region]) -> Iterator[Any]:
    """Say that regions follow each other, none empty, none that the next could join."""
    for r in rows:
        yield from (r.size >= 1, r.base <= top, r.size <= top - r.base)
        yield from (r.flags <= EVERY, r.nid <= MAX_NUMNODES)
    for a, b in pairwise(rows):
        yield from (a.end <= b.base, either(a.end < b.base, denied(same_paint(a, b))))


def tied(t: Regions, nid: Any) -> Iterator[Any]:
    """Say that node and flags differ together, in the regions and a new range."""
    paints = [*((r.flags, r.nid) for r in t.regions), (NONE, nid)]
    for a, b in combinations(paints, 2):
        yield agree(a[0] == b[0], a[1] == b[1])


def regions_and_a_new_range(top: Any, *words: Any) -> Iterable[Any]:
    """Assume canonical regions and any range; of three, the attributes are tied."""
    *told, base, size, nid = words
    t = painted(told)
    yield from canonical(top, t.regions)
    yield from (base <= top, size <= top, nid <= MAX_NUMNODES)
    yield len(t.regions) < MOST or every(*tied(t, nid))


def regions_and_a_reservation(top: Any, *words: Any) -> Iterable[Any]:
    """Assume canonical regions and any range; of three, the attributes are tied."""
    return regions_and_a_new_range(top, *words, MAX_NUMNODES)


def regions_and_a_range(top: Any, *words: Any) -> Iterable[Any]:
    """Assume canonical regions and any range."""
    *told, base, size = words
    yield from canonical(top, painted(told).regions)
    yield from (base <= top, size <= top)


def loaded(cfg: Config, s: Memblock) -> Any:
    """Return the machine in this state."""
    m = twin(cfg)
    for t, told in ((m.memory, s.memory), (m.reserved, s.reserved)):
        t.top = cfg.top
        t.splice(0, 0, [(r.base, r.end, r.flags, r.nid) for r in told.regions])
        t.max, t.total_size = told.max, told.total_size
    m.current_limit = s.current_limit
    return m


def same_rows(t: Regions, rows: Any) -> Any:
    """Say whether the machine's array is this one."""
    if len(rows.bases) != len(t.regions):
        return False
    told = zip(t.regions, rows.rows(0, len(rows.bases)), strict=True)
    return every(
        t.total_size == rows.total_size,
        *(
            every(r.base == base, r.end == end, r.flags == flags, r.nid == nid)
            for r, (base, end, flags, nid) in told
        ),
    )


def in_array(kind: str, t: Regions) -> Memblock:
    """Return memblock with one array filled."""
    empty = Regions((), ROOM)
    return Memblock(t, empty) if kind == MEMORY else Memblock(empty, t)


def same(cfg: Config, s: Memblock, op: Any) -> Any:
    """Say whether both sides come to the same arrays, answer and events."""
    after, value, events = op.run(cfg, s, Linux(True))
    m = loaded(cfg, s)
    got = binding.outcome(m, binding.do(m, op))
    if got.value is not value or len(got.events) != len(events):
        return False
    if got.events != events:
        return False
    return every(
        same_rows(after.memory, m.memory), same_rows(after.reserved, m.reserved)
    )


# ------------------------------------------------------------------ the claims


def the_machine_adds_memory_as_specified(top: Any, *words: Any) -> Any:
    """Adding any range with any node gives the same regions, total and warnings."""
    *told, base, size, nid = words
    s = in_array(MEMORY, painted(told))
    return same(config(top), s, ops.Add(base, size, nid))


def the_machine_reserves_as_specified(top: Any, *words: Any) -> Any:
    """Reserving any range gives the same regions, total and warnings."""
    *told, base, size = words
    return same(config(top), in_array(RESERVED, painted(told)), ops.Reserve(base, size))


def the_machine_removes_as_specified(top: Any, *words: Any) -> Any:
    """Removing any range gives the same regions and total."""
    *told, base, size = words
    return same(config(top), in_array(MEMORY, painted(told)), ops.Remove(base, size))


def the_machine_isolates_as_specified(top: Any, *words: Any) -> Any:
    """Both cut the same regions, and the machine's indices are those inside."""
    *told, base, size = words
    return isolated_alike(config(top), in_array(MEMORY, painted(told)), base, size)


def isolated_alike(cfg: Config, s: Memblock, base: Any, size: Any) -> Any:
    """Say whether both sides isolate the same regions."""
    after = arrays.isolate_range(cfg, s, MEMORY, (base, size), True, Linux(True))[0]
    m = loaded(cfg, s)
    i, j = m.memblock_isolate_range(m.memory, base, size)
    within = [bool(arrays.inside(cfg, r, base, size)) for r in after.memory.regions]
    at = [at for at, found in enumerate(within) if found]
    due = (at[0], at[-1] + 1) if at else (0, 0)  # the kernel says none like this
    return (at, (i, j)) == (list(range(i, j)), due) and same_rows(
        after.memory, m.memory
    )


# ------------------------------------------------------------------ mistakes


def merge_by_place(a: Region, b: Region) -> bool:
    """Merge neighbours that touch, whatever their marks."""
    return True


def merge_by_node(a: Region, b: Region) -> bool:
    """Merge neighbours of one node, whatever their flags."""
    return bool(a.nid == b.nid)


def forget_the_upper_half(r: Region, at: int) -> tuple[Region, ...]:
    """Keep only the lower half of a region that is cut."""
    return right_halves(r, at)[:1]


def halve_at_the_border(r: Region, at: int) -> tuple[Region, ...]:
    """Cut at a border as well, and so make an empty region."""
    if not r.base < at <= r.end:
        return (r,)
    low = replace(r, size=Addr(at - r.base))
    return low, replace(r, base=Addr(at), size=Addr(r.end - at))


def inside_below(cfg: Config, r: Region, base: int, size: int) -> bool:
    """Leave the region that ends exactly where the range does."""
    return base <= r.base and r.end < base + cap_size(cfg, base, size)


def cap_nothing(m: Any, base: int, size: int) -> int:
    """Leave the machine's size as it was given, so that a range may pass the top."""
    return size


def warn_once(t: Regions, parts: list[Range], end: int, nid: int, flags: Any) -> Events:
    """Warn of a region that differs in both attributes only once."""
    return right_warnings(t, parts, end, nid, flags)[:1]


right_halves, right_warnings = arrays.halves, arrays.disagreements


# ------------------------------------------------------------------ the lemmas


def canonical_values(top: int, values: Values, rest: int) -> Values:
    """Bend words into canonical regions; the last words stay."""
    n, told = values[0] % (MOST + 1), values[1 : 1 + 4 * MOST]
    points = sorted((*told[::4], *told[1::4]))
    words: list[int] = []
    for i in range(MOST):
        base, end = points[2 * i], points[2 * i + 1]
        words += [base, end - base, told[4 * i + 2] & EVERY, told[4 * i + 3] & 1]
    return (n, *words, *values[-rest:])


def with_range(top: int, values: Values) -> Values:
    """Bend words into canonical regions and a range."""
    return canonical_values(top, values, 2)


def with_new_range(top: int, values: Values) -> Values:
    """Bend words into canonical regions, a range and a node."""
    *words, nid = canonical_values(top, values, 3)
    return (*words, nid & 1)


ROOMY = (
    "memblock arrays: there is room, so that no operation doubles one, and the regions"
    " are sorted, apart, and merged",
)
ANY = "up to 3 regions of any nodes and flags"
TIED = "up to 2 regions of any nodes and flags, 3 where both attributes differ together"

TWINS = (
    Lemma(
        claim=the_machine_adds_memory_as_specified,
        names=(*NAMES, "base", "size", "nid"),
        given=regions_and_a_new_range,
        provers=(Symbolic(Bounded), Sampled(with_new_range)),
        mistakes=(
            Mistake(ROWS, "insert_parts", mutants.sort_by_word, bug="P55"),
            Mistake(arrays, "alike", merge_by_place),
            Mistake(arrays, "disagreements", warn_once),
            Mistake(ROWS, "can_merge", mutants.merge_any_nodes),
            Mistake(ROWS, "uncovered", mutants.end_with_the_next),
            Mistake(
                owner("warn_disagreements"),
                "warn_disagreements",
                mutants.warn_of_nothing,
            ),
        ),
        size=TIED,
        assumes=ROOMY,
        history=histories.added,
        slow=True,
    ),
    Lemma(
        claim=the_machine_reserves_as_specified,
        names=(*NAMES, "base", "size"),
        given=regions_and_a_reservation,
        provers=(Symbolic(Bounded), Sampled(with_range)),
        mistakes=(
            Mistake(ROWS, "insert_parts", mutants.sort_by_word, bug="P55"),
            Mistake(arrays, "alike", merge_by_node),
            Mistake(owner("cap_size"), "cap_size", cap_nothing),
        ),
        size=TIED,
        assumes=ROOMY,
        history=histories.reserved,
        slow=True,
    ),
    Lemma(
        claim=the_machine_removes_as_specified,
        slow=True,
        names=(*NAMES, "base", "size"),
        given=regions_and_a_range,
        provers=(Symbolic(Bounded), Symbolic(Wrapping), Sampled(with_range)),
        mistakes=(
            Mistake(arrays, "inside", inside_below),
            Mistake(arrays, "halves", forget_the_upper_half),
            Mistake(ROWS, "isolate", mutants.cut_below_only),
            Mistake(ROWS, "remove_regions", mutants.keep_the_total),
        ),
        size=ANY,
        assumes=ROOMY,
    ),
    Lemma(
        claim=the_machine_isolates_as_specified,
        names=(*NAMES, "base", "size"),
        given=regions_and_a_range,
        provers=(Symbolic(Bounded), Symbolic(Wrapping), Sampled(with_range)),
        mistakes=(
            Mistake(arrays, "halves", halve_at_the_border),
            Mistake(ROWS, "isolate", mutants.cut_below_only),
            Mistake(ROWS, "split", mutants.split_off_a_stranger),
        ),
        size=ANY,
        assumes=ROOMY,
    ),
)
