"""Ranges: of descriptors, of memory, of zones; what is set is set, the rest stays."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise, product
from typing import Any

from mmoracle.checkers.bind.memmodel import constants
from mmoracle.checkers.lemma import Lemma, Mistake, Sweep, Symbolic, Values
from mmoracle.checkers.symbolic import either, every
from mmoracle.checkers.word import Whole, Wrapping, one_of
from mmoracle.impl.memmodel import boot as machine_boot
from mmoracle.impl.memmodel.descriptors import ABSENT, Descriptors
from mmoracle.impl.memmodel.model import MemoryModel
from mmoracle.spec.memmodel import boot, change, lookup, state, words
from mmoracle.spec.memmodel.state import Bank, Config, MemMap, Run

# ------------------------------------------------------------------ descriptors


def two_runs(
    top: Any, at: Any, one: Any, gap: Any, two: Any, start: Any, size: Any, *rest: Any
) -> Iterable[Any]:
    """Assume two runs of descriptors in order, and a range; no empty one is emptied."""
    return (one > 0, two > 0, either(size > 0, rest[0] > 0), rest[0] < 3)


def same_links(a: Any, b: Any) -> Any:
    """Say whether the specification and the machine say the same of an address."""
    return b == ABSENT if a is None else b == a


def filling_a_range_changes_its_addresses_and_no_others(
    top: Any,
    at: Any,
    one: Any,
    gap: Any,
    two: Any,
    start: Any,
    size: Any,
    links: Any,
    where: Any,
) -> Any:
    """It has the links that it was given, or none; borders stay in order and few.

    Both sides are the same at every address.
    """
    far, end, new = at + one + gap, start + size, one_of(links, range(4))
    s = MemMap(memmap=(Run(at, at + one, 1), Run(far, far + two, 2)))
    m = Descriptors()
    m.fill(at, at + one, 1)
    m.fill(far, far + two, 2)
    before = lookup.links_at(s, where)
    if new == 0:
        s = change.without_run(s, start, end)
        m.erase(start, end)
    else:
        s = change.with_run(s, start, end, new)
        m.fill(start, end, new)
    inside = bool(every(start <= where, where < end))
    due = (new or None) if inside else before
    if due != lookup.links_at(s, where) or not same_links(due, m.at(where)):
        return False
    told = list(m.runs())
    return len(told) == len(s.memmap) and every(
        *(a.start < a.end for a in s.memmap),
        *(
            either(a.end < b.start, every(a.end == b.start, a.links != b.links))
            for a, b in pairwise(s.memmap)
        ),
        *(
            every(a.start == low, a.end == high, a.links == state)
            for a, (low, high, state) in zip(s.memmap, told, strict=True)
        ),
    )


def covered_from_the_start(memmap: Any, start: Any, end: Any) -> Any:
    """Forget what lies behind a range in a run that begins before it."""
    out = []
    for run in memmap:
        if run.start < start:
            out.append(replace(run, end=min(run.end, start)))
        elif run.end > end:
            out.append(replace(run, start=max(run.start, end)))
    return tuple(out)


def fill_without_behind(self: Descriptors, start: Any, end: Any, links: int) -> None:
    """Give the range's end the state of the address before it."""
    behind = self.at(end - 1)
    right_fill(self, start, end, links)
    place = self.borders.index(end) if end in self.borders else None
    if place is not None:
        self.links[place] = behind


def at_the_border_before(self: Descriptors, addr: Any) -> int:
    """Take a border for the last address of what is before it."""
    return self.links[max(0, bisect_left(self.borders, addr) - 1)]


right_fill = Descriptors.fill

# ------------------------------------------------------------------ memory


def two_banks(
    top: Any, at: Any, one: Any, gap: Any, two: Any, start: Any, size: Any, *rest: Any
) -> Iterable[Any]:
    """Assume two banks of memory in order, a range, and what is to become of it."""
    return (one > 0, two > 0, size > 0, rest[0] < 3)


def banks_of(m: MemoryModel) -> list[Bank]:
    """Return the machine's banks as the specification has them."""
    return [Bank(nid, low, high, bool(fresh)) for low, high, nid, fresh in m.banks]


def setting_a_range_of_memory_changes_its_frames_and_no_others(
    top: Any,
    at: Any,
    one: Any,
    gap: Any,
    two: Any,
    start: Any,
    size: Any,
    new: Any,
    pfn: Any,
) -> Any:
    """The range becomes memory of a node, fresh or not, or none; banks stay merged.

    Both sides have the same banks, and find each frame in the same one.
    """
    far, end, kind = at + one + gap, start + size, one_of(new, range(4))
    s = MemMap(banks=(Bank(0, at, at + one), Bank(3, far, far + two, fresh=True)))
    m = MemoryModel(constants(Config()))
    m.banks = [[at, at + one, 0, 0], [far, far + two, 3, 1]]
    bank = (Bank((0, 3)[kind % 2], start, end, fresh=kind == 3),) if kind else ()
    before = lookup.bank_of(s, pfn)
    s = replace(s, banks=change.with_memory(s.banks, start, end, *bank))
    m.set_memory(start, end, *([b.start, b.end, b.nid, int(b.fresh)] for b in bank))
    now, there = lookup.bank_of(s, pfn), m.bank(pfn)
    inside = bool(every(start <= pfn, pfn < end))
    due = (bank[0] if bank else None) if inside else before
    told, mine = list(s.banks), banks_of(m)
    if (now is None) != (due is None) or (there is None) != (due is None):
        return False
    if now is not None and due is not None and there is not None:
        alike = (now.nid, now.fresh) == (due.nid, due.fresh) and there[2] == due.nid
        if not alike:
            return False
    return len(told) == len(mine) and every(
        *(a.start < a.end for a in told),
        *(
            either(a.end < b.start, (a.nid, a.fresh) != (b.nid, b.fresh))
            for a, b in pairwise(told)
        ),
        *(a.end <= b.start for a, b in pairwise(told)),
        *(
            every(a.start == b.start, a.end == b.end, a.nid == b.nid)
            for a, b in zip(told, mine, strict=True)
        ),
        [a.fresh for a in told] == [b.fresh for b in mine],
    )


def keep_the_rest_of_a_bank(self: MemoryModel, start: Any, end: Any, *new: Any) -> None:
    """Take away all of a bank that begins within the range."""
    self.banks = [bank for bank in self.banks if not start <= bank[0] < end]
    right_set(self, start, end, *new)


def merge_nothing(
    banks: tuple[Bank, ...], start: Any, end: Any, *bank: Bank
) -> tuple[Bank, ...]:
    """Leave banks that touch apart."""
    parts = [*bank, *(replace(each, end=min(each.end, start)) for each in banks)]
    parts += [replace(each, start=max(each.start, end)) for each in banks]
    kept = [each for each in parts if each.start < each.end]
    return tuple(sorted(kept, key=lambda each: each.start))


def behind_the_last_frame(self: MemoryModel, pfn: Any) -> Any:
    """Count the frame behind a bank as its own."""
    return next((bank for bank in self.banks if bank[0] <= pfn <= bank[1]), None)


right_set = MemoryModel.set_memory

# ------------------------------------------------------------------ zones

CFG = Config()


def the_zones_share_a_range_among_them(
    top: Any, start: Any, size: Any, pfn: Any
) -> Any:
    """Each frame is in the part of its own zone and in no other; both sides agree."""
    end = start + size
    parts = list(boot.zone_parts(CFG, start, end))
    m = MemoryModel(constants(CFG))
    if len(parts) != len(told := machine_boot.zone_parts(m, start, end)):
        return False
    zone = state.zone_of(CFG, pfn)
    mine = [every(low <= pfn, pfn < high) for _, low, high in parts]
    inside = [each for (of, _, _), each in zip(parts, mine, strict=True) if of == zone]
    others = [each for (of, _, _), each in zip(parts, mine, strict=True) if of != zone]
    here = bool(every(start <= pfn, pfn < end))
    return every(
        either(*inside) if here else not either(*inside),
        not either(*others),
        *(
            a == b
            for each in zip(parts, told, strict=True)
            for a, b in zip(*each, strict=True)
        ),
    )


def of_the_zone_before(cfg: Config, pfn: Any) -> int:
    """Take a zone's end for its last frame."""
    return sum(1 for end in cfg.zone_ends if pfn > end)


def parts_from_the_first(m: MemoryModel, start: Any, end: Any) -> Any:
    """Begin each zone's part where the range begins."""
    return [(zone, start, high) for zone, _, high in right_parts(m, start, end)]


right_parts = machine_boot.zone_parts

# ------------------------------------------------------------------ rounding

STEPS = (1, 8, 4096, 3)


def a_step(top: Any, x: Any, step: Any) -> Iterable[Any]:
    """Assume one of the steps."""
    return (step < len(STEPS),)


def rounding_goes_to_the_nearest_multiple(top: Any, x: Any, step: Any) -> Any:
    """Down to the last one not above, up to the first one not below; of any step."""
    plain = STEPS[one_of(step, range(len(STEPS)))]
    up = words.round_up(x, plain)
    near = every(up >= x, up - x < plain, up % plain == 0)
    if plain == 3:
        return near
    down = words.align_down(x, plain)
    same = every(words.align_up(x, plain) == up, down <= x, x - down < plain)
    return every(near, same, down % plain == 0)


def rounding_up_a_word_wraps_to_0_only_behind_its_last_multiple(
    top: Any, x: Any
) -> Any:
    """As C computes: a word above the last multiple of 4096 becomes 0, and no other."""
    up = words.align_up(x, 4096)
    wraps = x > top - 4095
    return up == 0 if wraps else every(up >= x, up - x <= 4095, up % 4096 == 0)


def up_and_beyond(x: Any, align: int) -> Any:
    """Add a step to a multiple as well."""
    return (x + align) & -align


def up_but_for_one(x: Any, align: int) -> Any:
    """Round what is 1 above a multiple down."""
    return (x + align - 2) & -align


def down_to_the_bits(x: Any, align: int) -> Any:
    """Return what is above a multiple."""
    return x & (align - 1)


def round_to_nearest(x: Any, step: int) -> Any:
    """Round to whichever multiple is nearer."""
    return (x + step // 2) // step * step


# ------------------------------------------------------------------ the lemmas

FEW = "addresses below 9"


def few_ranges(top: int) -> Iterator[Values]:
    """Yield short ranges, with every state, and every address near them."""
    for one, gap, two in product((1, 2), (0, 1), (1, 2)):
        for start, size in product(range(7), (0, 1, 2, 3, 6)):
            for links, where in product(range(4), range(9)):
                yield 1, one, gap, two, start, size, links, where


RANGES = (
    Lemma(
        claim=filling_a_range_changes_its_addresses_and_no_others,
        given=two_runs,
        provers=(Symbolic(Whole), Sweep(cases=few_ranges, scope=FEW)),
        mistakes=(
            Mistake(change, "covered", covered_from_the_start),
            Mistake(Descriptors, "fill", fill_without_behind),
            Mistake(Descriptors, "at", at_the_border_before),
        ),
        size="2 runs",
        slow=True,
    ),
    Lemma(
        claim=setting_a_range_of_memory_changes_its_frames_and_no_others,
        given=two_banks,
        provers=(Symbolic(Whole), Sweep(cases=few_ranges, scope=FEW)),
        mistakes=(
            Mistake(MemoryModel, "set_memory", keep_the_rest_of_a_bank),
            Mistake(change, "with_memory", merge_nothing),
            Mistake(MemoryModel, "bank", behind_the_last_frame),
        ),
        size="2 banks",
        slow=True,
    ),
    Lemma(
        claim=the_zones_share_a_range_among_them,
        provers=(Symbolic(Whole),),
        mistakes=(
            Mistake(state, "zone_of", of_the_zone_before),
            Mistake(machine_boot, "zone_parts", parts_from_the_first),
        ),
        size="3 zones with the borders of x86_64",
    ),
    Lemma(
        claim=rounding_goes_to_the_nearest_multiple,
        given=a_step,
        provers=(Symbolic(Whole), Sweep(6)),
        mistakes=(
            Mistake(words, "align_up", up_and_beyond),
            Mistake(words, "align_down", down_to_the_bits),
            Mistake(words, "round_up", round_to_nearest),
        ),
        size="steps of 1, 3, 8 and 4096",
    ),
    Lemma(
        claim=rounding_up_a_word_wraps_to_0_only_behind_its_last_multiple,
        provers=(Symbolic(Wrapping),),
        mistakes=(
            Mistake(words, "align_up", up_and_beyond),
            Mistake(words, "align_up", up_but_for_one),
        ),
    ),
)
