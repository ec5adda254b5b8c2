"""Pagesets: how many pages travel at once, and which list each of them leaves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise, product
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Sweep, Symbolic, Values
from mmoracle.checkers.symbolic import either, every
from mmoracle.checkers.word import Whole
from mmoracle.impl.buddy import pcp as machine
from mmoracle.spec.buddy import pcp
from mmoracle.spec.linux import (
    MIGRATE_MOVABLE,
    MIGRATE_PCPTYPES,
    MIGRATE_RECLAIMABLE,
    MIGRATE_UNMOVABLE,
)

from .words import able

TURN = (MIGRATE_MOVABLE, MIGRATE_RECLAIMABLE, MIGRATE_UNMOVABLE)

# ------------------------------------------------------------------ the batch


def the_batch_is_one_below_a_power_of_two_and_at_most_63(top: Any, managed: Any) -> Any:
    """A zone below 32 MiB has none, one of 1 GiB or more 63; the machine agrees."""
    pages = able(managed)
    batch = pcp.zone_batchsize(pages)
    return every(
        batch & (batch + 1) == 0,
        0 <= batch <= 63,
        either(managed >= 8192, batch == 0),
        either(managed < 1 << 18, batch == 63),
        machine.zone_batchsize(pages) == batch,
    )


def batch_without_an_end(managed: int) -> int:
    """Let the batch of a large zone grow for ever."""
    batch = max(managed // 4096, 1)
    return (1 << ((batch + batch // 2).bit_length() - 1)) - 1


def batch_of_a_power(managed: int) -> int:
    """Forget to go one below the power of two."""
    batch = max(min(managed // 1024, 256) // 4, 1)
    return 1 << ((batch + batch // 2).bit_length() - 1)


def batch_without_the_half(managed: int) -> int:
    """Round down without adding half, which is the batch of another zone size."""
    batch = max(min(managed // 1024, 256) // 4, 1)
    return (1 << (batch.bit_length() - 1)) - 1


def two_zones(top: Any, managed: Any, more: Any) -> Iterable[Any]:
    """Assume two sizes of a zone in order."""
    return (managed <= more,)


def a_larger_zone_has_no_smaller_batch(top: Any, managed: Any, more: Any) -> Any:
    """The batch never falls when pages are added, on either side."""
    small, large = able(managed), able(more)
    return every(
        pcp.zone_batchsize(small) <= pcp.zone_batchsize(large),
        machine.zone_batchsize(small) <= machine.zone_batchsize(large),
    )


def batch_modulo_the_end(managed: int) -> int:
    """Start again at 0 where the batch should stay at its greatest."""
    batch = max(managed // 1024 % 257 // 4, 1)
    return (1 << ((batch + batch // 2).bit_length() - 1)) - 1


def batch_halved_when_large(managed: int) -> int:
    """Halve the batch of a zone that would reach the greatest."""
    batch = max(min(managed // 1024, 256) // 4, 1)
    batch = batch // 2 if batch >= 64 else batch
    return (1 << ((batch + batch // 2).bit_length() - 1)) - 1


# ------------------------------------------------------------------ the turns


def pages_there(
    top: Any, unmovable: int, movable: int, reclaimable: int, pages: int
) -> Iterable[Any]:
    """Assume that the three lists have so many pages."""
    return (pages <= unmovable + movable + reclaimable,)


def lists_give_in_turn_what_is_asked_and_no_more_than_they_have(
    top: Any, unmovable: int, movable: int, reclaimable: int, pages: int
) -> Any:
    """Exactly so many pages leave, movable ones first, and full lists take turns."""
    lengths = (unmovable, movable, reclaimable)
    order = pcp.round_robin(lengths, pages)
    turns = order[: MIGRATE_PCPTYPES * min(lengths)]
    first = next((mt for mt in TURN if lengths[mt]), MIGRATE_MOVABLE)
    return every(
        len(order) == pages,
        *(order.count(mt) <= length for mt, length in enumerate(lengths)),
        all(mt == TURN[i % MIGRATE_PCPTYPES] for i, mt in enumerate(turns)),
        order[:1] == [first][:pages],
    )


def the_machine_takes_pages_from_the_same_lists(
    top: Any, unmovable: int, movable: int, reclaimable: int, pages: int
) -> Any:
    """Both sides name the same list for each page; the machine's lengths follow."""
    lengths = (unmovable, movable, reclaimable)
    order, left = pcp.round_robin(lengths, pages), list(lengths)
    same = machine.round_robin(left, pages) == order
    gone = [length - order.count(mt) for mt, length in enumerate(lengths)]
    return same and left == gone


def from_the_first(lengths: tuple[int, ...], pages: int) -> list[int]:
    """Begin with the unmovable list."""
    turned = right((lengths[2], *lengths[:2]), pages)
    return [(mt - 1) % MIGRATE_PCPTYPES for mt in turned]


def whole_lists(lengths: tuple[int, ...], pages: int) -> list[int]:
    """Empty one list before the next."""
    return [mt for mt in TURN for _ in range(lengths[mt])][:pages]


def whatever_there_is(lengths: tuple[int, ...], pages: int) -> list[int]:
    """Take turns without a look at whether a list has pages left."""
    return [TURN[i % MIGRATE_PCPTYPES] for i in range(pages)]


def one_too_few(lengths: tuple[int, ...], pages: int) -> list[int]:
    """Stop before the last page."""
    return right(lengths, pages)[:-1]


def one_each(lengths: list[int], pages: int) -> list[int]:
    """Take one page of each list that has any, however many were empty."""
    order: list[int] = []
    mt = 0
    while pages:
        mt = (mt + 1) % MIGRATE_PCPTYPES
        if lengths[mt]:
            order.append(mt)
            lengths[mt] -= 1
            pages -= 1
    return order


def nothing_spent(lengths: list[int], pages: int) -> list[int]:
    """Let a list give more each time, as if all before it had been empty."""
    order: list[int] = []
    mt = quota = 0
    while pages:
        quota += 1
        mt = (mt + 1) % MIGRATE_PCPTYPES
        took = min(quota, lengths[mt], pages)
        order += [mt] * took
        lengths[mt] -= took
        pages -= took
    return order


def lengths_left(lengths: list[int], pages: int) -> list[int]:
    """Name the lists and leave the lengths as they were."""
    return right_machine(list(lengths), pages)


right, right_machine = pcp.round_robin, machine.round_robin


# ------------------------------------------------------------------ the lemmas


def around_thresholds(top: int) -> Iterator[Values]:
    """Yield the sizes around each multiple of 1,024 pages up to beyond the greatest."""
    for kilo in range(400):
        yield from ((max(0, kilo * 1024 + off),) for off in (-1, 0, 1))


def neighbours(top: int) -> Iterator[Values]:
    """Yield each size around a threshold with the one before it."""
    sizes = [size for (size,) in around_thresholds(top)]
    return pairwise(sizes)


def at_most(top: int, values: Values) -> Values:
    """Bend words into the size of a zone of up to 8 GiB."""
    return tuple(word % (1 << 21) for word in values)


def sizes_in_order(top: int, values: Values) -> Values:
    """Bend words into two sizes in order."""
    return tuple(sorted(at_most(top, values)))


def short_lists(top: int) -> Iterator[Values]:
    """Yield every three lists that are short, with every number of pages there."""
    for lengths in product(range(top + 1), repeat=MIGRATE_PCPTYPES):
        yield from ((*lengths, pages) for pages in range(sum(lengths) + 1))


def long_lists(top: int, values: Values) -> Values:
    """Bend words into three lists of up to 200 pages and a number of them."""
    lengths = [word % 201 for word in values[:3]]
    return (*lengths, values[3] % (sum(lengths) + 1))


THRESHOLDS = "sizes around each threshold"
SHORT = "every three lists of up to 7 pages"

PAGESETS = (
    Lemma(
        claim=the_batch_is_one_below_a_power_of_two_and_at_most_63,
        provers=(
            Symbolic(Whole),
            Sweep(cases=around_thresholds, scope=THRESHOLDS),
            Sampled(at_most),
        ),
        mistakes=(
            Mistake(pcp, "zone_batchsize", batch_without_an_end),
            Mistake(pcp, "zone_batchsize", batch_of_a_power),
            Mistake(machine, "zone_batchsize", batch_without_the_half),
        ),
    ),
    Lemma(
        claim=a_larger_zone_has_no_smaller_batch,
        given=two_zones,
        provers=(
            Symbolic(Whole),
            Sweep(cases=neighbours, scope=THRESHOLDS),
            Sampled(sizes_in_order),
        ),
        mistakes=(
            Mistake(pcp, "zone_batchsize", batch_modulo_the_end),
            Mistake(machine, "zone_batchsize", batch_halved_when_large),
        ),
    ),
    Lemma(
        claim=lists_give_in_turn_what_is_asked_and_no_more_than_they_have,
        given=pages_there,
        provers=(Sweep(3, short_lists, SHORT), Sampled(long_lists)),
        mistakes=(
            Mistake(pcp, "round_robin", from_the_first),
            Mistake(pcp, "round_robin", whole_lists),
            Mistake(pcp, "round_robin", whatever_there_is),
            Mistake(pcp, "round_robin", one_too_few),
        ),
    ),
    Lemma(
        claim=the_machine_takes_pages_from_the_same_lists,
        given=pages_there,
        provers=(Sweep(3, short_lists, SHORT), Sampled(long_lists)),
        mistakes=(
            Mistake(machine, "round_robin", one_each),
            Mistake(machine, "round_robin", nothing_spent),
            Mistake(machine, "round_robin", lengths_left),
            Mistake(pcp, "round_robin", whole_lists),
        ),
    ),
)
