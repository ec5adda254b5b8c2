"""Retries: each leaves less to try, on both sides alike."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Symbolic, Values
from mmoracle.checkers.symbolic import Ruled, either, every
from mmoracle.checkers.word import Whole
from mmoracle.impl.slowpath import decisions as machine
from mmoracle.spec.linux import (
    CompactResult,
)
from mmoracle.spec.slowpath import retry

SUCCESS, SKIPPED = int(CompactResult.SUCCESS), int(CompactResult.SKIPPED)
right_again, right_count = retry.compaction_again, retry.no_progress
right_machine = machine.should_compact_retry
AGAIN, SCR = "compaction_again", "should_compact_retry"


right_reclaimable, ZRP = machine.zone_reclaimable_pages, "zone_reclaimable_pages"
RECLAIMABLE = "reclaimable_pages"


def same(a: Any, b: Any) -> Any:
    """Say whether two truth values agree."""
    return bool(a) == bool(b)


def answers_of_compaction(
    top: Any, result: Any, prio: Any, retries: Any, most: Any, costly: Any, fit: Any
) -> Iterable[Any]:
    """Assume an answer that compaction gives, a priority, and truth values.

    Another one is not counted, so a retry after it would use nothing up.
    """
    answered = either(*(result == int(each) for each in ANSWERED))
    return (answered, prio <= 2, costly <= 1, fit <= 1)


def any_answer(
    top: Any, result: Any, prio: Any, retries: Any, most: Any, costly: Any, fit: Any
) -> Iterable[Any]:
    """Assume truth values, and nothing of the answer or the counters."""
    return (costly <= 1, fit <= 1)


ANSWERED = (
    CompactResult.SKIPPED,
    CompactResult.DEFERRED,
    CompactResult.COMPLETE,
    CompactResult.PARTIAL_SKIPPED,
    CompactResult.CONTENDED,
    CompactResult.SUCCESS,
)


def most_of(most: Any, costly: Any) -> Any:
    """Return how often compaction may succeed in vain."""
    return most // 4 if costly else most


def each_retry_for_compaction_leaves_less_to_try(
    top: Any, result: Any, prio: Any, retries: Any, most: Any, costly: Any, fit: Any
) -> Any:
    """Unless it waits for reclaim, the priority falls, or the retries that are left."""
    got = retry.compaction_again(result, prio, retries, costly, most, fit)
    if not got.again or result == SKIPPED:
        raise Ruled
    bound = most_of(most, costly)
    before = (prio, max(0, bound - retries))
    after = (got.priority, max(0, bound - got.retries))
    return retry.falls(before, after)


def retries_for_compaction_stay_in_range(
    top: Any, result: Any, prio: Any, retries: Any, most: Any, costly: Any, fit: Any
) -> Any:
    """The priority stays above the least; retries end one above their bound at most."""
    got = retry.compaction_again(result, prio, retries, costly, most, fit)
    bound, least = most_of(most, costly), 1 if costly else 0
    return every(
        either(got.priority == prio, got.priority >= least),
        got.priority <= prio,
        either(got.retries == retries, got.retries == 0, got.retries == retries + 1),
        either(retries > bound, got.retries <= bound + 1),
        either(not got.again, result != SUCCESS, got.retries <= bound),
    )


def both_sides_retry_for_compaction_alike(
    top: Any, result: Any, prio: Any, retries: Any, most: Any, costly: Any, fit: Any
) -> Any:
    """should_compact_retry() decides and counts the same, whatever the answer is."""
    got = retry.compaction_again(result, prio, retries, costly, most, fit)
    again, priority, count = machine.should_compact_retry(
        result, prio, retries, costly, most, fit
    )
    alike = same(got.again, again)
    return every(alike, got.priority == priority, got.retries == count)


Verdict = retry.Compaction


def priority_stays(result: Any, prio: Any, retries: Any, *rest: Any) -> Verdict:
    """Try again without trying harder."""
    got = right_again(result, prio, retries, *rest)
    return Verdict(got.again, prio, got.retries)


def retries_forgotten(result: Any, prio: Any, retries: Any, *rest: Any) -> Verdict:
    """Count from 0 each time."""
    return right_again(result, prio, 0, *rest)


def failure_is_progress(result: Any, prio: Any, retries: Any, *rest: Any) -> Verdict:
    """Go on after a scan of everything without a count."""
    if result == int(CompactResult.COMPLETE):
        return Verdict(True, prio, retries)
    return right_again(result, prio, retries, *rest)


def beyond_the_least(result: Any, prio: Any, retries: Any, *rest: Any) -> Verdict:
    """Lower the priority however low it is."""
    got = right_again(result, prio, retries, *rest)
    return got if got.again else Verdict(True, prio - 1, 0)


def one_retry_more(
    result: Any, prio: Any, retries: Any, costly: Any, most: Any, fit: Any
) -> Verdict:
    """Compare with a bound that is one too high."""
    return right_again(result, prio, retries, costly, most + 4, fit)


def others_retry_without_end(
    result: Any, prio: Any, retries: Any, *rest: Any
) -> Verdict:
    """Go on after an answer that compaction never gives, however often."""
    if not any(result == int(each) for each in ANSWERED):
        return Verdict(True, prio, retries)
    return right_again(result, prio, retries, *rest)


def machine_counts_others(
    result: Any, prio: Any, retries: Any, *rest: Any
) -> tuple[Any, Any, Any]:
    """Count an answer that compaction never gives as a success."""
    known = any(result == int(each) for each in ANSWERED)
    return right_machine(result if known else SUCCESS, prio, retries, *rest)


def machine_without_a_quarter(
    result: Any, prio: Any, retries: Any, costly: Any, most: Any, fit: Any
) -> tuple[Any, Any, Any]:
    """Let costly requests retry as often as small ones, but no harder."""
    if result == SUCCESS and retries < most:
        return True, prio, retries + 1
    return right_machine(result, prio, retries, costly, most, fit)


def machine_keeps_its_retries(
    result: Any, prio: Any, retries: Any, *rest: Any
) -> tuple[Any, Any, Any]:
    """Try harder with the retries of the lower effort counted."""
    again, priority, _ = right_machine(result, prio, retries, *rest)
    return again, priority, retries


def a_truth(top: Any, pages: Any, free: Any, counts: Any) -> Iterable[Any]:
    """Assume a truth value."""
    return (counts <= 1,)


def free_pages_are_reclaimable_only_where_nothing_else_is(
    top: Any, pages: Any, free: Any, counts: Any
) -> Any:
    """zone_reclaimable_pages() is the same on both sides, before and from 5.10.233."""
    got = retry.reclaimable_pages(pages, free, counts)
    alike = machine.zone_reclaimable_pages(pages, free, counts) == got
    if pages == 0 and counts:
        return every(alike, got == free)
    return every(alike, got == pages)


def free_always_counts(pages: Any, free: Any, counts: Any) -> Any:
    """Add the free pages to the others."""
    return pages + free if counts else pages


def free_counts_early(pages: Any, free: Any, counts: Any) -> Any:
    """Count free pages in kernels before as well."""
    return right_reclaimable(pages, free, True)


def a_flag(top: Any, loops: Any, most: Any, gained: Any, costly: Any) -> Iterable[Any]:
    """Assume two truth values."""
    return (gained <= 1, costly <= 1)


def rounds_in_vain_are_counted_one_by_one(
    top: Any, loops: Any, most: Any, gained: Any, costly: Any
) -> Any:
    """Only progress of a small request counts from 0; else less is left; both sides."""
    got = retry.no_progress(loops, gained, costly)
    alike = machine.count_no_progress(loops, gained, costly) == got
    if gained and not costly:
        return every(alike, got == 0)
    less = either(got > most, max(0, most - got) < max(0, most - loops))
    return every(alike, got == loops + 1, less)


def costly_progress_counts(loops: Any, gained: Any, costly: Any) -> Any:
    """Count progress of costly requests as well."""
    return right_count(loops, gained, 0)


def rounds_forgotten(loops: Any, gained: Any, costly: Any) -> Any:
    """Count from 0 in every round."""
    return 0


def a_measure_that_falls_twice_has_fallen_and_does_not_come_back(
    top: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any
) -> Any:
    """The measure's order is transitive and asymmetric; none is below itself."""
    one, two, three = (a, b), (c, d), (e, f)
    first, second = bool(retry.falls(one, two)), bool(retry.falls(two, three))
    chained = retry.falls(one, three) if first and second else True
    return every(chained, not (first and retry.falls(two, one)), a >= c or not first)


def any_part_falls(before: tuple[Any, ...], after: tuple[Any, ...]) -> bool:
    """Take it for a fall if any part is less, whatever the greater parts do."""
    return any(new < old for old, new in zip(before, after, strict=True))


def last_part_falls(before: tuple[Any, ...], after: tuple[Any, ...]) -> Any:
    """Look at the last part only."""
    return after[-1] < before[-1]


def equals_fall(before: tuple[Any, ...], after: tuple[Any, ...]) -> Any:
    """Take no change for a fall."""
    return after <= before


def near_bounds(top: int, values: Values) -> Values:
    """Bend words into an answer, a priority, counters around a bound, and two bits."""
    result, prio, retries, most, costly, fit = values
    answer = int(ANSWERED[result % len(ANSWERED)])
    return answer, prio % 3, retries % 20, most % 20, costly % 2, fit % 2


def near_any_bounds(top: int, values: Values) -> Values:
    """Bend words alike, but into any answer there is, and one more."""
    result, *rest = values
    return result % (len(CompactResult) + 1), *near_bounds(top, (0, *rest))[1:]


def none_or_few(top: int, values: Values) -> Values:
    """Bend words into few pages, and a truth value."""
    pages, free, counts = values
    return pages % 3, free % 20, counts % 2


def near_loops(top: int, values: Values) -> Values:
    """Bend words into counters around a bound, and two truth values."""
    loops, most, gained, costly = values
    return loops % 20, most % 20, gained % 2, costly % 2


def small(top: int, values: Values) -> Values:
    """Bend words into small numbers, of which some are equal."""
    return tuple(word % 3 for word in values)


RETRIES = (
    Lemma(
        claim=each_retry_for_compaction_leaves_less_to_try,
        given=answers_of_compaction,
        provers=(Symbolic(Whole), Sampled(near_bounds)),
        mistakes=(
            Mistake(retry, AGAIN, priority_stays),
            Mistake(retry, AGAIN, retries_forgotten),
            Mistake(retry, AGAIN, failure_is_progress),
        ),
    ),
    Lemma(
        claim=retries_for_compaction_stay_in_range,
        given=any_answer,
        provers=(Symbolic(Whole), Sampled(near_any_bounds)),
        mistakes=(
            Mistake(retry, AGAIN, beyond_the_least),
            Mistake(retry, AGAIN, one_retry_more),
        ),
    ),
    Lemma(
        claim=both_sides_retry_for_compaction_alike,
        given=any_answer,
        provers=(Symbolic(Whole), Sampled(near_any_bounds)),
        mistakes=(
            Mistake(retry, AGAIN, others_retry_without_end),
            Mistake(machine, SCR, machine_counts_others),
            Mistake(machine, SCR, machine_without_a_quarter),
            Mistake(machine, SCR, machine_keeps_its_retries),
            Mistake(retry, AGAIN, beyond_the_least),
        ),
    ),
    Lemma(
        claim=free_pages_are_reclaimable_only_where_nothing_else_is,
        given=a_truth,
        provers=(Symbolic(Whole), Sampled(none_or_few)),
        mistakes=(
            Mistake(retry, RECLAIMABLE, free_always_counts),
            Mistake(machine, ZRP, free_counts_early),
            Mistake(machine, ZRP, free_always_counts),
        ),
    ),
    Lemma(
        claim=rounds_in_vain_are_counted_one_by_one,
        given=a_flag,
        provers=(Symbolic(Whole), Sampled(near_loops)),
        mistakes=(
            Mistake(retry, "no_progress", costly_progress_counts),
            Mistake(machine, "count_no_progress", rounds_forgotten),
        ),
    ),
    Lemma(
        claim=a_measure_that_falls_twice_has_fallen_and_does_not_come_back,
        provers=(Symbolic(Whole), Sampled(small)),
        mistakes=(
            Mistake(retry, "falls", any_part_falls),
            Mistake(retry, "falls", last_part_falls),
            Mistake(retry, "falls", equals_fall),
        ),
    ),
)
