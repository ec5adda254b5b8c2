"""Watermark tests: both sides decide alike, more free pages never hurt, nothing wraps.

The two lowest bits of a combination of flags name a mark; each combination is a path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import product
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Sweep, Symbolic, Values
from mmoracle.checkers.symbolic import agree, denied, either, every
from mmoracle.checkers.word import Bounded, one_of
from mmoracle.impl import watermark as machine
from mmoracle.spec import watermark
from mmoracle.spec.linux import AllocFlags, Gfp
from mmoracle.spec.watermark import Level

HIGH, HARDER, OOM = AllocFlags.HIGH, AllocFlags.HARDER, AllocFlags.OOM
EAGERNESS = tuple(
    AllocFlags(high | harder | oom)
    for high, harder, oom in product((0, HIGH), (0, HARDER), (0, OOM))
)
MIGRATE_CMA = 4
ATOMIC = Gfp.ATOMIC


def flags_of(which: Any) -> AllocFlags:
    """Return a combination of the flags that let a request nearer to the mark."""
    place: int = one_of(which, range(len(EAGERNESS)))
    return EAGERNESS[place]


def told(top: Any, *words: Any) -> Iterable[Any]:
    """Assume that the last word names a combination of flags."""
    return (words[-1] < len(EAGERNESS),)


# ------------------------------------------------------------------ the close look


def a_single_page_is_given_above_mark_and_reserve_and_only_there(
    top: Any,
    free: Any,
    mark: Any,
    reserve: Any,
    highatomic: Any,
    cma: Any,
    which: Any,
) -> Any:
    """Both sides give one page exactly if more may be used than is due to stay."""
    flags = flags_of(which)
    z = Level(free, (mark,) * 3, (reserve,), (), 0, highatomic, cma)
    said = watermark.watermark_ok(z, 0, mark, 0, flags, free, MIGRATE_CMA)
    eager = flags & (HARDER | OOM)
    usable = free - cma - (0 if eager else highatomic)
    due = mark - mark // 2 if flags & HIGH else mark
    due -= due // 2 if flags & OOM else due // 4 if flags & HARDER else 0
    same = machine.zone_watermark_ok(
        free, 0, mark, reserve, int(flags), (), highatomic, cma, MIGRATE_CMA
    )
    return every(said == same, agrees(said, usable > due + reserve))


def agrees(said: bool, claim: Any) -> Any:
    """Say that an answer is yes exactly if a claim is true."""
    return claim if said else denied(claim)


def the_mark_itself_is_enough(*args: Any) -> bool:
    """Give a page where exactly mark and reserve are there."""
    z, order, mark, highest, flags, free, cma = args
    return right(z, order, mark, highest, flags, free + 1, cma)


def cma_counts(*args: Any) -> bool:
    """Count the pages of CMA for all."""
    return right(*args[:6], -1)


def oom_is_harder(mark: Any, flags: AllocFlags) -> Any:
    """Take a quarter off for a victim of the OOM killer."""
    return right_lowered(mark, flags & ~OOM | HARDER if flags & OOM else flags)


def quarter_first(mark: Any, flags: AllocFlags) -> Any:
    """Take a quarter off before the half."""
    if flags & HARDER and not flags & OOM:
        mark -= mark // 4
    elif flags & OOM:
        mark -= mark // 2
    return mark - mark // 2 if flags & HIGH else mark


def reserve_counts(*args: Any) -> bool:
    """Count the high-atomic reserve as free."""
    return right_machine(*args[:6], 0, *args[7:])


Decision = Callable[..., bool]
right: Decision = watermark.watermark_ok
right_lowered = watermark.lowered
right_machine: Decision = machine.zone_watermark_ok


def a_block_is_given_alike_on_both_sides(
    top: Any,
    free: Any,
    mark: Any,
    high: Any,
    one: Any,
    two: Any,
    three: Any,
    which: Any,
) -> Any:
    """Both sides want the same pages and the same lists for a block of two pages."""
    flags = flags_of(which)
    z = Level(free, (mark,) * 3, (0,), (0, one, two, three), 0, high, 0)
    lists = (0, one, two, three)
    said = watermark.watermark_ok(z, 1, mark, 0, flags, free)
    same = machine.zone_watermark_ok(free, 1, mark, 0, int(flags), lists, high)
    return said == same


def three_lists(
    top: Any,
    free: Any,
    mark: Any,
    high: Any,
    one: Any,
    two: Any,
    three: Any,
    which: Any,
) -> Iterable[Any]:
    """Assume a combination of flags, and words with a bit for each of four types."""
    return (which < len(EAGERNESS), one < 16, two < 16, three < 16)


def any_list(lists: Any, order: int, flags: AllocFlags, cma: int) -> bool:
    """Take every list for one that may be used."""
    return any(bool(each) for each in lists[order:])


def this_order(lists: Any, order: int, flags: AllocFlags, cma: int) -> bool:
    """Look at the lists of the order only."""
    return right_block(lists[: order + 1], order, flags, cma)


def one_page(order: int, flags: AllocFlags, high: Any, cma: Any, has: bool) -> Any:
    """Reckon as if a block were one page."""
    return right_unusable(0, flags, high, cma, has)


right_block, right_unusable = watermark.has_block, watermark.unusable


# ------------------------------------------------------------------ the first look


def atomic(which: Any) -> Gfp:
    """Return what one bit says of a request."""
    return ATOMIC if one_of(which, (0, 1)) else Gfp.NONE


def both_sides_take_the_same_first_look(
    top: Any,
    free: Any,
    mark: Any,
    boost: Any,
    reserve: Any,
    high: Any,
    eager: Any,
    which: Any,
) -> Any:
    """Both sides give a single page alike, atomic or not, boosted or not."""
    flags, gfp = flags_of(which), atomic(eager)
    z = Level(free, (mark, mark, mark), (reserve,), (), boost, high, 0)
    said = watermark.watermark_fast(z, 0, 0, flags, gfp)
    same = machine.zone_watermark_fast(
        free, 0, (mark,) * 3, boost, reserve, int(flags), int(gfp), (), high
    )
    return said == same


def one_bit(top: Any, *words: Any) -> Iterable[Any]:
    """Assume a combination of flags, and a bit."""
    return (words[-1] < len(EAGERNESS), words[-2] < 2)


def seen_by_all(*args: Any, **more: Any) -> bool:
    """Let an atomic request see the boost."""
    z, order, highest, flags, _, *rest = args
    return right_fast(z, order, highest, flags, Gfp.NONE, *rest, **more)


def unboosted(*args: Any) -> bool:
    """Forget the boost."""
    return right_machine_fast(*args[:3], 0, *args[4:])


def what_a_first_look_lets_go_leaves_mark_and_reserve(
    top: Any, free: Any, mark: Any, reserve: Any, high: Any, which: Any
) -> Any:
    """No page leaves unless more than mark and reserve may be used, as numbers go."""
    flags = flags_of(which)
    z = Level(free, (mark,) * 3, (reserve,), (), 0, high, 0)
    usable = free - (0 if flags & (HARDER | OOM) else high)
    enough = usable > right_lowered(mark, flags) + reserve
    return every(
        either(not watermark.watermark_fast(z, 0, 0, flags, Gfp.NONE), enough),
        either(
            not machine.zone_watermark_fast(
                free, 0, (mark,) * 3, 0, reserve, int(flags), 0, (), high
            ),
            enough,
        ),
    )


def a_first_look_is_enough_exactly_above_mark_and_reserve(
    top: Any, free: Any, mark: Any, reserve: Any, high: Any, which: Any
) -> Any:
    """It subtracts what is reserved from the count, which does not fall below 0."""
    flags = flags_of(which)
    z = Level(free, (mark,) * 3, (reserve,), (), 0, high, 0)
    kept = 0 if flags & (HARDER | OOM) else high
    enough = every(free > kept, free - kept > mark + reserve)
    return agree(watermark.plenty(z, mark, 0, flags), enough)


def without_cma_no_list_of_it_is_looked_at(top: Any, blocks: Any) -> bool:
    """Where no migrate type is MIGRATE_CMA the flag for it opens no list."""
    flags, lists = AllocFlags.CMA | AllocFlags.WMARK_LOW, (blocks, blocks)
    usual = blocks % (1 << 3) != 0
    theirs = machine.zone_watermark_ok(9, 1, 0, 0, int(flags), lists, 0, 0, -1)
    return bool(watermark.has_block(lists, 1, flags, -1) == usual == theirs)


def always_given(*args: Any) -> bool:
    """Give a block that may not be there."""
    return True


def wrapped(z: Level, mark: Any, highest: int, flags: AllocFlags, *rest: Any) -> bool:
    """Compare a usable count below 0 as an unsigned word of 64 bits: P09."""
    return right_plenty(z, mark, highest, flags, -1, 64)


def wrapped_machine(*args: Any) -> bool:
    """Compare a usable count below 0 as an unsigned word, on the machine: P09."""
    return right_machine_fast(*args, unsigned_bits=64)


def never_below_zero(*args: Any) -> bool:
    """Take a usable count below 0 for the whole count."""
    z, mark, highest, flags, *_ = args
    reserved = right_unusable(0, flags, z.highatomic, z.free_cma, False)
    left = z.free if z.free < reserved else z.free - reserved
    return bool(left > mark + z.lowmem_reserve[highest])


right_fast: Decision = watermark.watermark_fast
right_plenty = watermark.plenty
right_machine_fast: Decision = machine.zone_watermark_fast


# ------------------------------------------------------------------ more and less


def more_free_pages_never_make_a_zone_refuse(
    top: Any, free: Any, more: Any, mark: Any, boost: Any, high: Any, which: Any
) -> Any:
    """A zone that gives a page gives it with more free pages, too, on both sides."""
    flags = flags_of(which)
    few = Level(free, (mark,) * 3, (0,), (), boost, high, 0)
    many = Level(free + more, (mark,) * 3, (0,), (), boost, high, 0)
    plain = (mark,) * 3, boost, 0, int(flags), int(ATOMIC), (), high
    return every(
        not watermark.watermark_fast(few, 0, 0, flags, ATOMIC)
        or watermark.watermark_fast(many, 0, 0, flags, ATOMIC),
        not machine.zone_watermark_fast(free, 0, *plain)
        or machine.zone_watermark_fast(free + more, 0, *plain),
    )


def a_higher_mark_never_lets_more_go(
    top: Any, free: Any, mark: Any, more: Any, high: Any, which: Any
) -> Any:
    """A zone that refuses a page refuses it at a higher mark, too, on both sides."""
    flags = flags_of(which)
    near = Level(free, (mark,) * 3, (0,), (), 0, high, 0)
    far = Level(free, (mark + more,) * 3, (0,), (), 0, high, 0)
    plain = 0, 0, int(flags), 0, (), high
    return every(
        watermark.watermark_fast(near, 0, 0, flags, Gfp.NONE)
        or not watermark.watermark_fast(far, 0, 0, flags, Gfp.NONE),
        machine.zone_watermark_fast(free, 0, (mark,) * 3, *plain)
        or not machine.zone_watermark_fast(free, 0, (mark + more,) * 3, *plain),
    )


def half_when_odd(mark: Any, flags: AllocFlags) -> Any:
    """Take a half off a mark that is even, and all of one that is odd."""
    if not flags & HIGH:
        return right_lowered(mark, flags)
    return mark // 2 if mark % 2 == 0 else 0


# ------------------------------------------------------------------ the lemmas


def named(top: int, values: Values) -> Values:
    """Bend the last word into a combination of flags."""
    return (*values[:-1], values[-1] % len(EAGERNESS))


def named_bit(top: int, values: Values) -> Values:
    """Bend the last two words into a bit and a combination of flags."""
    return (*values[:-2], values[-2] % 2, values[-1] % len(EAGERNESS))


def named_lists(top: int, values: Values) -> Values:
    """Bend words into lists of four types and a combination of flags."""
    return (*values[:3], *(word % 16 for word in values[3:6]), values[6] % 8)


NUMBERS = (0, 1, 2, 3, 5, 8)


def few(words: int) -> Any:
    """Return a sweep of a few numbers for each word, and all combinations of flags."""

    def cases(top: int) -> Iterable[Values]:
        return product(*(NUMBERS,) * words, range(len(EAGERNESS)))

    return cases


def few_and_a_bit(top: int) -> Iterable[Values]:
    """Yield a few numbers for each word, a bit, and all combinations of flags."""
    return product((0, 1, 2, 3, 5), (0, 1, 5), (0, 3), (0, 1), (0, 4), (0, 1), range(8))


def few_lists(top: int) -> Iterable[Values]:
    """Yield a few numbers and lists, and all combinations of flags."""
    bits = (0, 1, 8, 15)
    return product((0, 1, 2, 3, 5), (0, 1, 2), (0, 2), bits, bits, bits, range(8))


SMALL = "a few numbers for each word"

MARKS = (
    Lemma(
        claim=a_single_page_is_given_above_mark_and_reserve_and_only_there,
        given=told,
        provers=(Symbolic(Bounded), Sweep(cases=few(5), scope=SMALL), Sampled(named)),
        mistakes=(
            Mistake(watermark, "watermark_ok", the_mark_itself_is_enough),
            Mistake(watermark, "watermark_ok", cma_counts),
            Mistake(watermark, "lowered", oom_is_harder),
            Mistake(watermark, "lowered", quarter_first),
            Mistake(machine, "zone_watermark_ok", reserve_counts),
        ),
    ),
    Lemma(
        claim=a_block_is_given_alike_on_both_sides,
        given=three_lists,
        size="3 orders",
        names=("free", "mark", "high", "one", "two", "three", "which"),
        provers=(
            Symbolic(Bounded),
            Sweep(cases=few_lists, scope=SMALL),
            Sampled(named_lists),
        ),
        mistakes=(
            Mistake(watermark, "has_block", any_list),
            Mistake(watermark, "has_block", this_order),
            Mistake(watermark, "unusable", one_page),
        ),
    ),
    Lemma(
        claim=both_sides_take_the_same_first_look,
        given=one_bit,
        provers=(
            Symbolic(Bounded),
            Sweep(cases=few_and_a_bit, scope=SMALL),
            Sampled(named_bit),
        ),
        mistakes=(
            Mistake(watermark, "watermark_fast", seen_by_all),
            Mistake(machine, "zone_watermark_fast", unboosted),
        ),
    ),
    Lemma(
        claim=what_a_first_look_lets_go_leaves_mark_and_reserve,
        given=told,
        provers=(Symbolic(Bounded), Sweep(cases=few(4), scope=SMALL), Sampled(named)),
        mistakes=(
            Mistake(watermark, "plenty", wrapped),
            Mistake(watermark, "plenty", never_below_zero),
            Mistake(machine, "zone_watermark_fast", wrapped_machine),
        ),
    ),
    Lemma(
        claim=a_first_look_is_enough_exactly_above_mark_and_reserve,
        given=told,
        provers=(Symbolic(Bounded), Sweep(cases=few(4), scope=SMALL), Sampled(named)),
        mistakes=(
            Mistake(watermark, "plenty", wrapped),
            Mistake(watermark, "plenty", never_below_zero),
        ),
    ),
    Lemma(
        claim=without_cma_no_list_of_it_is_looked_at,
        provers=(Sweep(6),),
        size="every set of lists",
        mistakes=(
            Mistake(watermark, "has_block", any_list),
            Mistake(machine, "zone_watermark_ok", always_given),
        ),
    ),
    Lemma(
        claim=more_free_pages_never_make_a_zone_refuse,
        given=told,
        provers=(Symbolic(Bounded), Sweep(cases=few(5), scope=SMALL), Sampled(named)),
        mistakes=(
            Mistake(watermark, "plenty", wrapped),
            Mistake(watermark, "plenty", never_below_zero),
        ),
    ),
    Lemma(
        claim=a_higher_mark_never_lets_more_go,
        given=told,
        provers=(Symbolic(Bounded), Sweep(cases=few(4), scope=SMALL), Sampled(named)),
        mistakes=(Mistake(watermark, "lowered", half_when_odd),),
    ),
)
