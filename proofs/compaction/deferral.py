"""Deferral: how often a request is put off after failures, and when it is over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import product
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Sweep, Symbolic, Values
from mmoracle.checkers.symbolic import either, every
from mmoracle.checkers.word import Whole
from mmoracle.impl.compaction import defer as machine
from mmoracle.spec.compaction import defer
from mmoracle.spec.compaction.parts import Zone
from mmoracle.spec.linux import COMPACT_MAX_DEFER_SHIFT

from .ranges import among

SHIFTS = range(COMPACT_MAX_DEFER_SHIFT + 1)
MOST = COMPACT_MAX_DEFER_SHIFT


class Counts:
    """The counters of the machine's zone."""

    def __init__(self, considered: Any, shift: int, failed: Any) -> None:
        self.compact_considered = considered
        self.compact_defer_shift = shift
        self.compact_order_failed = failed


def zone_with(considered: Any, shift: Any, failed: Any) -> Zone:
    """Return a zone of the specification with these counters."""
    return Zone(free=(), considered=considered, defer_shift=shift, order_failed=failed)


def same(zone: Zone, counts: Counts) -> Any:
    """Say whether both sides have the same counters."""
    return every(
        zone.considered == counts.compact_considered,
        zone.defer_shift == counts.compact_defer_shift,
        zone.order_failed == counts.compact_order_failed,
    )


def bounded(
    top: Any, considered: Any, shift: Any, failed: Any, order: Any
) -> Iterable[Any]:
    """Assume counters that the kernel can reach."""
    plain = among(shift, SHIFTS)
    return shift < SHIFTS.stop, considered <= 1 << plain


def a_request_is_put_off_or_lets_the_deferral_end(
    top: Any, considered: Any, shift: Any, failed: Any, order: Any
) -> Any:
    """Each one put off is counted below 2**shift, so there are at most that many."""
    plain = among(shift, SHIFTS)
    zone, off = defer.deferred(zone_with(considered, plain, failed), order)
    counts = Counts(considered, plain, failed)
    told = machine.compaction_deferred(counts, order)
    left = every(
        considered < zone.considered, zone.considered < 1 << plain, order >= failed
    )
    ended = either(order < failed, zone.considered == 1 << plain)
    return every(left if off else ended, told is off, same(zone, counts))


def a_failure_doubles_the_deferral_up_to_64(
    top: Any, considered: Any, shift: Any, failed: Any, order: Any
) -> Any:
    """The count starts again, the shift grows to 6, the order failed falls."""
    plain = among(shift, SHIFTS)
    zone = defer.defer(zone_with(considered, plain, failed), order, MOST)
    counts = Counts(considered, plain, failed)
    machine.defer_compaction(counts, order, MOST)
    return every(
        zone.considered == 0,
        zone.defer_shift == min(plain + 1, MOST),
        zone.order_failed <= order,
        zone.order_failed <= failed,
        either(zone.order_failed == order, zone.order_failed == failed),
        same(zone, counts),
    )


def a_success_lets_the_order_and_all_below_it_through(
    top: Any, considered: Any, shift: Any, failed: Any, order: Any
) -> Any:
    """After a reset no request of the order is put off; it says so on both sides."""
    plain, agreed = among(shift, SHIFTS), []
    for served in (False, True):
        zone = defer.defer_reset(zone_with(considered, plain, failed), order, served)
        counts = Counts(considered, plain, failed)
        machine.compaction_defer_reset(counts, order, served)
        off = defer.deferred(zone, order)[1]
        kept = every(zone.considered == considered, zone.defer_shift == plain)
        gone = every(zone.considered == 0, zone.defer_shift == 0)
        agreed += [not off, gone if served else kept, same(zone, counts)]
    return every(*agreed)


def a_zone_is_restarted_exactly_when_the_longest_deferral_is_over(
    top: Any, considered: Any, shift: Any, failed: Any, order: Any
) -> Any:
    """At the greatest shift, with 64 requests counted, for an order that failed."""
    plain = among(shift, SHIFTS)
    counts = Counts(considered, plain, failed)
    due = bool(every(plain == MOST, considered >= 64, order >= failed))
    here = defer.restarting(zone_with(considered, plain, failed), order, MOST)
    there = machine.compaction_restarting(counts, order, MOST)
    return bool(here) == due and bool(there) == due


def restarted_before(zone: Any, order: Any, most: int) -> Any:
    """Begin anew whatever order has failed."""
    return zone.defer_shift == most and zone.considered >= 1 << most


def restarted_late(zone: Any, order: Any, most: int) -> Any:
    """Wait for one request more."""
    counted = zone.compact_considered > 1 << most
    late = zone.compact_defer_shift == most and counted
    return order >= zone.compact_order_failed and late


def off_by_one(considered: Any, shift: int) -> Any:
    """Put one more request off."""
    return considered <= 1 << shift


def never_ending(zone: Any, order: Any) -> bool:
    """Put off whatever was failed before, without a count."""
    return bool(order >= zone.compact_order_failed)


def without_an_end(zone: Zone, order: Any, most: int) -> Zone:
    """Let the shift grow for ever."""
    return replace(right_defer(zone, order, 64), defer_shift=zone.defer_shift + 1)


def counts_on(zone: Any, order: Any, most: int) -> None:
    """Go on counting after a failure."""
    considered = zone.compact_considered
    right_defer_compaction(zone, order, most)
    zone.compact_considered = considered


def one_order_less(zone: Zone, order: Any, served: bool) -> Zone:
    """Let the orders below through, but not the one that works."""
    reset = right_reset(zone, order, served)
    return replace(reset, order_failed=max(zone.order_failed, order))


def forgives_always(zone: Any, order: Any, alloc_success: bool) -> None:
    """Forget all failures although nobody was served."""
    right_machine_reset(zone, order, True)


right_defer, right_reset = defer.defer, defer.defer_reset
right_defer_compaction = machine.defer_compaction
right_machine_reset = machine.compaction_defer_reset


def counters(top: int) -> Iterator[Values]:
    """Yield every counter with every pair of orders."""
    for shift in SHIFTS:
        for considered in range((1 << shift) + 1):
            for failed, order in product(range(4), repeat=2):
                yield considered, shift, failed, order


def at_reach(top: int, values: Values) -> Values:
    """Bend words into counters that the kernel can reach."""
    shift = values[1] % SHIFTS.stop
    return values[0] % ((1 << shift) + 1), shift, values[2] % 12, values[3] % 11


# ------------------------------------------------------------------ the lemmas

COUNTERS = "every counter up to 64, 4 orders"
DEFERRAL = (
    Lemma(
        claim=a_request_is_put_off_or_lets_the_deferral_end,
        given=bounded,
        provers=(
            Symbolic(Whole),
            Sweep(cases=counters, scope=COUNTERS),
            Sampled(at_reach),
        ),
        mistakes=(
            Mistake(defer, "puts_off", off_by_one),
            Mistake(machine, "compaction_deferred", never_ending),
        ),
    ),
    Lemma(
        claim=a_failure_doubles_the_deferral_up_to_64,
        given=bounded,
        provers=(
            Symbolic(Whole),
            Sweep(cases=counters, scope=COUNTERS),
            Sampled(at_reach),
        ),
        mistakes=(
            Mistake(defer, "defer", without_an_end),
            Mistake(machine, "defer_compaction", counts_on),
        ),
    ),
    Lemma(
        claim=a_success_lets_the_order_and_all_below_it_through,
        given=bounded,
        provers=(
            Symbolic(Whole),
            Sweep(cases=counters, scope=COUNTERS),
            Sampled(at_reach),
        ),
        mistakes=(
            Mistake(defer, "defer_reset", one_order_less),
            Mistake(machine, "compaction_defer_reset", forgives_always),
        ),
    ),
    Lemma(
        claim=a_zone_is_restarted_exactly_when_the_longest_deferral_is_over,
        given=bounded,
        provers=(Symbolic(Whole), Sampled(at_reach)),
        mistakes=(
            Mistake(defer, "restarting", restarted_before),
            Mistake(machine, "compaction_restarting", restarted_late),
        ),
    ),
)
