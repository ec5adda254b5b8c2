"""What follows from the size of a zone: pagesets, shares, and what fits a word."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from mmoracle.checkers.bind.zones import ZONES
from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Sweep, Symbolic, Values
from mmoracle.checkers.mutants.zones_files import (
    batch_of_zero,
    fraction_of_default,
)
from mmoracle.checkers.mutants.zones_nodes import deferred_twice, finish_without_limits
from mmoracle.checkers.symbolic import agree, either, every
from mmoracle.checkers.word import Bounded, Exact, Whole, one_of
from mmoracle.impl.zones import marks as machine
from mmoracle.impl.zones.machine import System as Machine
from mmoracle.impl.zones.nodes import Zone as MachineZone
from mmoracle.spec.zones import boot, marks, pagesets, tune
from mmoracle.spec.zones.boot import FinishInit, FreeReserved, GrowZone
from mmoracle.spec.zones.layout import Layout
from mmoracle.spec.zones.state import (
    Config,
    Node,
    Phase,
    System,
    Zone,
    unbooted,
)

from ..noted import Noted
from ..sides import both_do_alike, equal

TWO = Layout(("Normal", "Movable"))
BASE = Config(maps=(), ends=(), layout=TWO, deferred=True, section=1 << 15)
NONE = Zone(reserve=(0, 0))


def one_node(
    *zones: Zone, phase: Phase = Phase.RUNNING, deferred: Any = 0, cfg: Config = BASE
) -> System:
    """Return a machine of one node with these zones."""
    node = Node(0, 0, zones[-1].end, 0, zones, deferred)
    return replace(unbooted(cfg), phase=phase, nodes=(node,))


def zone(managed: Any, kept: Any = 0, **more: Any) -> Zone:
    """Return a zone from frame 0 on that manages all pages but those that are kept."""
    pages = managed + kept
    return Zone(0, pages, pages, managed, reserve=(0, 0), **more)


# ------------------------------------------------------------------ pagesets

FRACTIONS, SHIFTS = (8, 9, 1000, (1 << 31) - 1), (12, 14, 16)


def a_part_of_a_zone_is_held_in_pagesets_alike(top: Any, managed: Any) -> Any:
    """High is that part; a batch is a quarter of it, 1 at least, and bounded."""
    claims = []
    for fraction in FRACTIONS:
        for shift in SHIFTS:
            high, batch = pagesets.pageset_limits(managed, fraction, True, shift)
            told = machine.pageset_limits(managed, fraction, True, shift)
            claims += [high == told[0], batch == told[1], batch >= 1]
            claims += [high * fraction <= managed, batch <= shift * 8]
            claims += [either(batch == 1, batch * 4 <= high)]
    return every(*claims)


def a_batch_by_size_is_alike_with_pages_of_any_size(
    top: Any, managed: Any, shift: Any, mmu: Any
) -> Any:
    """Both sides hold six batches of up to a MiB; without an MMU single pages."""
    size, has = one_of(shift, SHIFTS), bool(mmu == 1)
    high, batch = pagesets.pageset_limits(managed, 0, has, size)
    told = machine.pageset_limits(managed, 0, has, size)
    return every(
        high == told[0],
        batch == told[1],
        batch << size <= 1 << 20,
        either(high == batch * 6, every(high == 0, batch == 1)),
    )


def a_shift(top: Any, managed: Any, shift: Any, mmu: Any) -> Iterable[Any]:
    """Assume one of the sizes of a page, and a bit."""
    return (either(*(shift == each for each in SHIFTS)), mmu < 2)


def quarter_unbounded(high: int, page_shift: int = 12) -> tuple[int, int]:
    """Move a quarter of what a pageset holds, however much."""
    return high, max(1, high // 4)


def batch_of_pages(managed: int, mmu: bool = True, page_shift: int = 12) -> int:
    """Bound a batch by 256 pages, whatever their size."""
    return right_batch(managed, mmu, 12)


right_batch = pagesets.zone_batchsize

# ------------------------------------------------------------------ boot's end


def limits_follow_all_memory_when_boot_is_done(
    top: Any, managed: Any, waits: Any, kept: Any
) -> Any:
    """The rest of the frames is managed but for what is kept, and limits count it.

    Until then, while memory is deferred, the limits that were set stay.
    """
    last = Zone(0, managed + waits, managed + waits, managed, reserve=(0, 0))
    s = one_node(NONE, last, phase=Phase.PAGED, deferred=waits)
    s = replace(s, tunables=replace(s.tunables, fraction=8))
    op = FinishInit(kept)
    done = op.after(BASE, s, None)
    z = done.nodes[0].zones[1]
    rest = waits - kept if kept < waits else 0
    return every(
        both_do_alike(ZONES, BASE, s, op),
        z.managed == managed + rest,
        equal(z.limits, pagesets.pageset_limits(z.managed, 8)),
    )


def some_pages(top: Any, managed: Any, waits: Any, kept: Any) -> Iterable[Any]:
    """Assume that some descriptors wait."""
    return (waits >= 1,)


def old_limits(cfg: Config, s: System) -> System:
    """Leave pagesets as they were made for a zone of which most was deferred."""
    return s


def pages_that_boot_gives_up_are_managed_alike(
    top: Any, managed: Any, kept: Any, waits: Any, pages: Any
) -> Any:
    """No more than boot holds is given up; a section at a time gets descriptors."""
    last = zone(managed, kept + waits)
    s = one_node(NONE, last, phase=Phase.PAGED, deferred=waits)
    given = FreeReserved(0, 1, pages).given(s)
    return every(
        given <= kept,
        either(pages == 0, given <= pages),
        both_do_alike(ZONES, BASE, s, FreeReserved(0, 1, pages)),
        both_do_alike(ZONES, BASE, s, FreeReserved(0, 0, pages)),
        both_do_alike(ZONES, BASE, s, GrowZone(0, pages)),
    )


def all_with_waiting(node: Node, index: int) -> Any:
    """Give up pages that have no descriptors yet."""
    z = node.zones[index]
    return z.present - z.managed


def section_at_least(self: Machine, nid: int, kept: Any) -> bool:
    """Make a whole section of descriptors where less is left, on the machine."""
    p = self.pgdat[nid]
    if not p.deferred:
        return False
    self.deferred_init(p, self.section, kept)
    return True


# ------------------------------------------------------------------ overflow

PAGES = ((1 << 31) - 1) >> 2  # the most that min_free_kbytes can ask for
WIDEST, HIGHEST = 1 << 35, 1 << 46  # pages of a zone, and of its high mark


def products_of_marks_and_boosts_fit_a_word(top: Any, managed: Any, high: Any) -> Any:
    """The largest share, gap and boost that files allow never leave 64 bits.

    So it is up to zones of 128 TiB; a fraction's quotient is taken first for that.
    """
    sums: list[Any] = []
    told: Any = Noted(managed, sums)
    mark: Any = Noted(high, sums)
    marks.share(PAGES, told, WIDEST)
    for frac in (marks.mult_frac, machine.mult_frac):
        frac(told, 3000, marks.SCALE_UNIT)
        frac(mark, (1 << 31) - 1, marks.SCALE_UNIT)
    row = MachineZone(0, 0, 0, 1)
    row.managed = told
    machine.zone_wmarks(row, PAGES, WIDEST, 3000, False)
    return every(*(every(each >= 0, each <= top) for each in sums))


def real_zones(top: Any, managed: Any, high: Any) -> Iterable[Any]:
    """Assume zones of at most 128 TiB, and marks below 2**46 pages."""
    return (managed <= WIDEST, high <= HIGHEST)


def product_first(x: Any, numerator: int, denominator: int) -> Any:
    """Multiply before the division."""
    return x * numerator // denominator


def share_in_bytes(pages: int, managed: Any, lowmem: int) -> Any:
    """Take a share of bytes."""
    return (managed * pages * 4096) // (lowmem * 4096)


def shares_are_divided_by_all_of_lowmem(top: Any, lowmem: Any) -> Any:
    """As shipped in 5.10 the divisor is right below 16 TiB, and there only."""
    whole, low = tune.divisor(lowmem, False), tune.divisor(lowmem, True)
    return every(
        whole == lowmem,
        machine.divisor(lowmem, False) == lowmem,
        low == machine.divisor(lowmem, True),
        low < 1 << 32,
        agree(low == lowmem, lowmem < 1 << 32),
    )


def low_bits_always(lowmem: Any, low_bits: bool) -> Any:
    """Divide by the low 32 bits in every kernel."""
    return lowmem % (1 << 32)


def low_bits_signed(lowmem: Any, low_bits: bool) -> Any:
    """Divide by the low 31 bits, on the machine."""
    return lowmem & 0x7FFFFFFF if low_bits else lowmem


def a_zones_part_is_its_share_and_no_more_than_all(
    top: Any, pages: Any, managed: Any, others: Any
) -> Any:
    """Shares are in proportion, rounded down: together at most what lowmem keeps."""
    lowmem = managed + others
    rows = [MachineZone(0, 0, 0, 1) for _ in range(2)]
    parts = []
    for row, size in zip(rows, (managed, others), strict=True):
        row.managed = size
        machine.zone_wmarks(row, pages, lowmem, 1, False)
        parts.append(marks.zone_marks(pages, size, lowmem, 1)[0])
    return (
        [row.wmark[0] for row in rows] == parts
        and sum(parts) <= pages <= sum(parts) + 1
        and parts[0] * lowmem <= pages * managed < (parts[0] + 1) * lowmem
    )


def some_lowmem(top: Any, pages: Any, managed: Any, others: Any) -> Iterable[Any]:
    """Assume that there is lowmem."""
    return (managed + others >= 1,)


def rounded_up(pages: int, managed: int, lowmem: int) -> int:
    """Round a share up."""
    return (pages * managed + lowmem - 1) // lowmem


def part_by_rest(row: Any, pages: int, lowmem: int, scale: int, high: bool) -> None:
    """Divide by the other zones, on the machine."""
    right_wmarks(row, pages, max(1, lowmem - 1), scale, high)


right_wmarks = machine.zone_wmarks

# ------------------------------------------------------------------ the lemmas


def as_they_are(top: int, values: Values) -> Values:
    """Leave words as they were drawn."""
    return values


def small(top: int, values: Values) -> Values:
    """Bend words into numbers of some sections."""
    return tuple(word % (3 << 15) for word in values)


def bent_shift(top: int, values: Values) -> Values:
    """Bend words into a size, the size of a page, and a bit."""
    return values[0], SHIFTS[values[1] % 3], values[2] % 2


def real(top: int, values: Values) -> Values:
    """Bend words into a size of a zone and a mark."""
    return values[0] % WIDEST, values[1] % HIGHEST


def fits(top: int, values: Values) -> Values:
    """Bend words into a number of pages, and lowmem."""
    pages, managed, others = values
    return pages % (PAGES + 1), managed % WIDEST, others % WIDEST + 1


SIZES = (
    Lemma(
        claim=a_part_of_a_zone_is_held_in_pagesets_alike,
        size="4 fractions, 3 sizes of a page",
        provers=(Symbolic(Whole), Sampled(as_they_are)),
        mistakes=(
            Mistake(pagesets, "limits_by_high", quarter_unbounded),
            Mistake(machine, "pageset_limits", fraction_of_default),
        ),
    ),
    Lemma(
        claim=a_batch_by_size_is_alike_with_pages_of_any_size,
        given=a_shift,
        size="3 sizes of a page",
        provers=(Symbolic(Exact), Sampled(bent_shift)),
        mistakes=(
            Mistake(pagesets, "zone_batchsize", batch_of_pages),
            Mistake(machine, "pageset_limits", batch_of_zero),
        ),
    ),
    Lemma(
        claim=limits_follow_all_memory_when_boot_is_done,
        given=some_pages,
        size="2 zones",
        provers=(Symbolic(Whole), Sampled(small)),
        mistakes=(
            Mistake(Machine, "page_alloc_init_late", finish_without_limits, bug="P59"),
            Mistake(boot, "with_limits", old_limits, bug="P59"),
            Mistake(Machine, "deferred_init", deferred_twice),
        ),
    ),
    Lemma(
        claim=pages_that_boot_gives_up_are_managed_alike,
        size="2 zones, sections of 32768 pages",
        provers=(Symbolic(Whole), Sampled(small)),
        mistakes=(
            Mistake(boot, "kept_back", all_with_waiting),
            Mistake(Machine, "deferred_grow_zone", section_at_least),
        ),
    ),
    Lemma(
        claim=products_of_marks_and_boosts_fit_a_word,
        given=real_zones,
        provers=(Symbolic(Bounded), Sampled(real)),
        mistakes=(
            Mistake(marks, "mult_frac", product_first),
            Mistake(machine, "mult_frac", product_first),
            Mistake(marks, "share", share_in_bytes),
        ),
    ),
    Lemma(
        claim=shares_are_divided_by_all_of_lowmem,
        provers=(Symbolic(Whole), Sampled(as_they_are)),
        mistakes=(
            Mistake(tune, "divisor", low_bits_always),
            Mistake(machine, "divisor", low_bits_signed),
        ),
    ),
    Lemma(
        claim=a_zones_part_is_its_share_and_no_more_than_all,
        given=some_lowmem,
        provers=(Sweep(4), Sampled(fits)),
        mistakes=(
            Mistake(marks, "share", rounded_up),
            Mistake(machine, "zone_wmarks", part_by_rest),
        ),
    ),
)
