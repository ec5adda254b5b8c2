"""Watermarks, reserves, batches and boosts: shapes, bounds, and both sides alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Sweep, Symbolic, Values
from mmoracle.checkers.mutants.zones_files import small_zones_too
from mmoracle.checkers.symbolic import either, every
from mmoracle.checkers.word import Exact, Whole, one_of
from mmoracle.impl.zones import marks as machine
from mmoracle.impl.zones.nodes import Zone
from mmoracle.spec.zones import marks, pagesets

SCALES = (1, 10, 3000)  # of watermark_scale_factor
FACTOR, BLOCK = 15000, 512
BITS = range(32)  # pairs of bits of a 64-bit word

# ------------------------------------------------------------------ roots


def within(top: Any, root: Any, rest: Any, pair: Any) -> Iterable[Any]:
    """Assume a root so far whose rest is below the square of the next larger one."""
    plain = one_of(pair, BITS)
    if plain not in BITS:
        return (False,)
    unit = 4 ** (plain + 1)
    return (root * 2 * unit + unit > rest,)


def a_step_of_the_root_keeps_the_rest_below_the_next_square(
    top: Any, root: Any, rest: Any, pair: Any
) -> Any:
    """One bit is decided: x - root**2 stays 0 or more, and too little for one more.

    The root so far is root * 2**(pair + 1); the code carries root * 4**(pair + 1).
    """
    bit = 4 ** one_of(pair, BITS)
    left, told = machine.sqrt_step(rest, root * 4 * bit, bit)
    grown = told - root * 2 * bit  # 0 or `bit`: the decision
    taken = rest - left
    return every(
        left >= 0,
        left < 2 * told + bit,
        either(grown == 0, grown == bit),
        either(grown == bit, taken == 0),
        either(grown == 0, taken == root * 4 * bit + bit),
    )


def late_step(x: int, root: int, bit: int) -> tuple[int, int]:
    """Leave a bit out where it fits exactly."""
    tried = root + bit
    root = root // 2
    return (x - tried, root + bit) if x > tried else (x, root)


def bold_step(x: int, root: int, bit: int) -> tuple[int, int]:
    """Take a bit that does not fit."""
    tried = root + bit
    return x - tried, root // 2 + bit


def unhalved_step(x: int, root: int, bit: int) -> tuple[int, int]:
    """Forget to move the root on to the next pair of bits."""
    tried = root + bit
    return (x - tried, root + bit) if x >= tried else (x, root // 2)


def the_machine_finds_the_integer_square_root(top: Any, x: int) -> Any:
    """Bit by bit or at once, the root is the same, and its square is not above x."""
    root = machine.int_sqrt(x)
    return every(
        root == marks.square_root(x), root * root <= x, x < (root + 1) * (root + 1)
    )


def rounded_root(x: int) -> int:
    """Round to the nearest root."""
    root = right_root(x)
    return root + (x - root * root > root)


right_root = marks.square_root

# ------------------------------------------------------------------ marks


def fractions_are_taken_exactly(top: Any, x: Any) -> Any:
    """Quotient first or product first, the fraction is the same on both sides."""
    return every(
        *(
            f(x, scale, marks.SCALE_UNIT) == x * scale // marks.SCALE_UNIT
            for f in (marks.mult_frac, machine.mult_frac)
            for scale in (*SCALES, FACTOR)
        )
    )


def without_rest(x: int, numerator: int, denominator: int) -> int:
    """Drop the remainder."""
    return x // denominator * numerator


def rest_rounded_up(x: int, numerator: int, denominator: int) -> int:
    """Round the remainder's part up."""
    rest = x % denominator * numerator
    return x // denominator * numerator + (rest + denominator - 1) // denominator


def marks_rise_by_equal_steps(top: Any, part: Any, managed: Any) -> Any:
    """MIN, LOW and HIGH are in order for every size of a zone, and both sides agree.

    A gap is a quarter of the part at least, and a highmem zone keeps 32 to 128 pages.
    """
    claims = []
    for scale in SCALES:
        for capped in (False, True):
            least, low, high = marks.marks_by_share(part, managed, scale, capped)
            told = machine.three_marks(part, managed, scale, capped)
            claims += [least <= low, low <= high, high - low == low - least]
            claims += [(low - least) * 4 + 3 >= part]
            claims += [(low - least + 1) * marks.SCALE_UNIT > managed * scale]
            claims += [a == b for a, b in zip((least, low, high), told, strict=True)]
            claims += [least >= 32, least <= 128] if capped else [least == part]
    return every(*claims)


def smaller_gap(part: int, managed: int, scale: int = 10) -> int:
    """Take the smaller distance."""
    return min(part // 4, marks.mult_frac(managed, scale, marks.SCALE_UNIT))


def cap_without_floor(managed: int) -> int:
    """Let a small highmem zone keep nothing."""
    return min(managed // 1024, 128)


def equal_marks(part: int, managed: int, scale: int, highmem: bool) -> list[int]:
    """Leave out the gap between the upper marks."""
    least, low, _ = right_marks(part, managed, scale, highmem)
    return [least, low, low]


right_marks = machine.three_marks

# ------------------------------------------------------------------ reserves


def machines_zones(*managed: Any) -> list[Zone]:
    """Return zones of the machine that manage so many pages."""
    zones = []
    for pages in managed:
        zone = Zone(0, 0, 0, len(managed))
        zone.managed = pages
        zones.append(zone)
    return zones


def a_zone_keeps_more_from_a_higher_request(
    top: Any, low: Any, middle: Any, high: Any
) -> Any:
    """Reserves never fall with the request's zone, and are none without pages or ratio.

    The machine fills the same table from the other side.
    """
    managed, ratios = (low, middle, high), (256, 32, 0)
    rows = [marks.lowmem_reserve(managed, ratios, zone) for zone in range(3)]
    told = machines_zones(*managed)
    machine.lowmem_reserve(told, list(ratios))
    same = [rows[z][j] == told[z].reserve[j] for z in range(3) for j in range(3)]
    return every(
        *same,
        rows[0][0] == 0,
        rows[0][1] <= rows[0][2],
        either(low != 0, rows[0][2] == 0),
        either(low == 0, rows[0][2] * 256 <= middle + high),
        rows[1][1] == 0,
        either(middle == 0, rows[1][2] * 32 + 31 >= high),
        rows[2][2] == 0,
    )


def reserve_without_pages(above: int, ratio: int, managed: int) -> int:
    """Let an empty zone keep pages."""
    return above // ratio if ratio else 0


def reserve_of_the_last(zones: list[Zone], ratios: list[int]) -> None:
    """Count the zone of the request alone."""
    for i, zone in enumerate(zones):
        for j in range(i + 1, len(zones)):
            none = ratios[i] < 1 or not zone.managed
            zone.reserve[j] = 0 if none else zones[j].managed // ratios[i]


def no_zone_keeps_more_than_it_manages(
    top: Any, managed: Any, first: Any, second: Any, high: Any
) -> Any:
    """What is not for the page cache is all of a zone at most, and the high mark."""
    kept = marks.kept(managed, (0, first, second), 1, high)
    return every(
        kept <= managed,
        either(kept == managed, every(kept >= first + high, kept >= second + high)),
    )


def kept_beyond(managed: int, reserves: tuple[int, ...], zone: int, high: int) -> int:
    """Keep more than there is."""
    return max((*reserves[zone:], 0)) + high


def kept_of_the_next(
    managed: int, reserves: tuple[int, ...], zone: int, high: int
) -> int:
    """Look at the next request only."""
    return min(managed, reserves[zone] + high)


# ------------------------------------------------------------------ batches


def the_batch_of_a_zone_has_no_low_zero_bit(top: Any, managed: Any) -> Any:
    """The batch is 2**k - 1, at most 63, and never more than a quarter of what fits."""
    batch = pagesets.zone_batchsize(managed)
    high, moved = pagesets.limits_by_batch(batch)
    return every(
        batch & (batch + 1) == 0,
        batch >= 0,
        batch <= 63,
        batch * 1024 <= managed,
        machine.zone_batchsize(managed, True, 12) == batch,
        moved >= 1,
        either(high == 0, moved * 4 <= high),
    )


def batch_of_a_power(managed: int, mmu: bool = True, page_shift: int = 12) -> int:
    """Forget to go one below the power of two."""
    batch = max(min(managed // 1024, 256) // 4, 1)
    return pagesets.rounddown_pow_of_two(batch + batch // 2)


def batch_unbounded(managed: int, mmu: bool = True, page_shift: int = 12) -> int:
    """Let the batch of a large zone be 127."""
    batch = max(min(managed // 1024, 512) // 4, 1)
    return pagesets.rounddown_pow_of_two(batch + batch // 2) - 1


def batch_without_half(managed: int, mmu: bool, page_shift: int) -> int:
    """Round down without adding half."""
    batch, power = max(min(managed // 1024, 256) // 4, 1), 2
    while power <= batch:
        power *= 2
    return power // 2 - 1


# ------------------------------------------------------------------ boosts


def bounded(top: Any, boost: Any, managed: Any, high: Any) -> Iterable[Any]:
    """Assume a boost that is within its bound."""
    most = marks.most_boost(high, FACTOR, BLOCK)
    return (boost <= most,)


def a_boost_grows_by_a_block_up_to_its_bound(
    top: Any, boost: Any, managed: Any, high: Any
) -> Any:
    """A boost never exceeds a half more than the high mark, or a page block.

    A zone of less than four page blocks, or without marks, is not boosted.
    """
    new = marks.boosted(boost, managed, high, FACTOR, BLOCK)
    zone = machines_zones(managed)[0]
    zone.wmark, zone.boost = [0, 0, high], boost
    told = machine.boost_watermark(zone, FACTOR, BLOCK)
    most = high * FACTOR // marks.SCALE_UNIT
    return every(
        zone.boost == new,
        machine.most_boost(high, FACTOR, BLOCK)
        == marks.most_boost(high, FACTOR, BLOCK),
        bool(told) == bool(marks.may_boost(managed, high, FACTOR, BLOCK)),
        boost <= new,
        new <= boost + BLOCK,
        either(new <= most, new <= BLOCK),
        either(managed >= 4 * BLOCK, new == boost),
        either(high > 0, new == boost),
    )


def boost_small_zones(managed: int, high: int, factor: int, block: int) -> bool:
    """Boost a zone of any size."""
    return factor != 0 and marks.most_boost(high, factor, block) > 0


def boost_by_factor_only(high: int, factor: int, block: int) -> int:
    """Bound a boost below a page block."""
    return machine.mult_frac(high, factor, 10000)


def boost_endlessly(
    boost: int, managed: int, high: int, factor: int, block: int
) -> int:
    """Add a block each time."""
    return boost + block if marks.may_boost(managed, high, factor, block) else boost


# ------------------------------------------------------------------ the lemmas


def around_squares(top: int) -> Iterator[Values]:
    """Yield all small numbers, and those around large squares."""
    yield from ((x,) for x in range(1 << 12))
    for root in (*range(100, 3000, 97), (1 << 16) - 1, 1 << 24, (1 << 32) - 1):
        yield from ((root * root + off,) for off in (-1, 0, 1))


def as_they_are(top: int, values: Values) -> Values:
    """Leave words as they were drawn."""
    return values


SQUARES = "12-bit numbers and those around large squares"

MARKS = (
    Lemma(
        claim=a_step_of_the_root_keeps_the_rest_below_the_next_square,
        given=within,
        provers=(Symbolic(Whole),),
        mistakes=(
            Mistake(machine, "sqrt_step", late_step),
            Mistake(machine, "sqrt_step", bold_step),
            Mistake(machine, "sqrt_step", unhalved_step),
        ),
        assumes=("A root is what is left when no bit is left to decide.",),
    ),
    Lemma(
        claim=the_machine_finds_the_integer_square_root,
        provers=(
            Sweep(cases=around_squares, scope=SQUARES),
            Sampled(as_they_are),
        ),
        mistakes=(
            Mistake(machine, "sqrt_step", late_step),
            Mistake(marks, "square_root", rounded_root),
        ),
    ),
    Lemma(
        claim=fractions_are_taken_exactly,
        provers=(Symbolic(Whole), Sampled(as_they_are)),
        mistakes=(
            Mistake(marks, "mult_frac", without_rest),
            Mistake(machine, "mult_frac", rest_rounded_up),
        ),
    ),
    Lemma(
        claim=marks_rise_by_equal_steps,
        provers=(Symbolic(Whole), Sampled(as_they_are)),
        mistakes=(
            Mistake(marks, "mark_gap", smaller_gap),
            Mistake(marks, "capped_min", cap_without_floor),
            Mistake(machine, "three_marks", equal_marks),
        ),
    ),
    Lemma(
        claim=a_zone_keeps_more_from_a_higher_request,
        provers=(Symbolic(Whole), Sampled(as_they_are)),
        mistakes=(
            Mistake(marks, "reserve", reserve_without_pages),
            Mistake(machine, "lowmem_reserve", reserve_of_the_last),
        ),
    ),
    Lemma(
        claim=no_zone_keeps_more_than_it_manages,
        provers=(Symbolic(Whole), Sweep(3), Sampled(as_they_are)),
        mistakes=(
            Mistake(marks, "kept", kept_beyond),
            Mistake(marks, "kept", kept_of_the_next),
        ),
    ),
    Lemma(
        claim=the_batch_of_a_zone_has_no_low_zero_bit,
        provers=(Symbolic(Exact), Sampled(as_they_are)),
        mistakes=(
            Mistake(pagesets, "zone_batchsize", batch_of_a_power),
            Mistake(pagesets, "zone_batchsize", batch_unbounded),
            Mistake(machine, "zone_batchsize", batch_without_half),
        ),
    ),
    Lemma(
        claim=a_boost_grows_by_a_block_up_to_its_bound,
        given=bounded,
        provers=(Symbolic(Whole), Sampled(as_they_are)),
        mistakes=(
            Mistake(marks, "may_boost", boost_small_zones, bug="P70"),
            Mistake(machine, "may_boost", small_zones_too, bug="P70"),
            Mistake(marks, "boosted", boost_endlessly),
            Mistake(machine, "most_boost", boost_by_factor_only),
        ),
    ),
)
