"""How much of a list is scanned: protection, weights, shares, priorities."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Symbolic, Values
from mmoracle.checkers.symbolic import either, every
from mmoracle.checkers.word import Whole, one_of
from mmoracle.impl.reclaim import count as machine
from mmoracle.spec.linux import DEF_PRIORITY, SWAP_CLUSTER_MAX
from mmoracle.spec.reclaim import counts

from .ratios import Ratios, is_on

WORD = 64
MASK = (1 << WORD) - 1
PRIORITIES = range(DEF_PRIORITY + 1)
MOST = 200  # swappiness

# ------------------------------------------------------------------ protection


def a_scan_leaves_the_protected_share_of_a_list_and_divides_by_no_zero(
    top: Any, size: Any, protection: Any, usage: Any
) -> Any:
    """What may be scanned is 0 to the list's size; the machine agrees."""
    scan = counts.unprotected(size, protection, usage, WORD)
    return every(
        scan >= 0,
        scan <= size,
        machine.protected_scan(size, protection, usage, MASK) == scan,
    )


def without_one_more(size: Any, protection: Any, usage: Any, word: int) -> Any:
    """Divide by the usage alone, which is 0 for an empty, unprotected group."""
    return size - size * protection % (1 << word) // max(usage, protection)


def without_a_second_look(size: Any, protection: Any, usage: Any, word: int) -> Any:
    """Take the usage for more than the protection, which may have changed."""
    return size - size * protection % (1 << word) // (usage + 1)


def machine_without_one_more(size: Any, protection: Any, usage: Any, mask: int) -> Any:
    """Divide by the usage alone."""
    divisor = protection if protection > usage else usage
    return size - (size * protection & mask) // divisor


def machine_without_words(size: Any, protection: Any, usage: Any, mask: int) -> Any:
    """Compute a product that no word holds."""
    divisor = (protection if protection > usage else usage) + 1
    return size - size * protection // divisor


# ------------------------------------------------------------------ weights


def a_swappiness(top: Any, swappiness: Any, anon: Any, file: Any) -> Iterable[Any]:
    """Assume a swappiness that may be set."""
    return (swappiness <= MOST,)


def the_weights_of_both_sides_are_never_both_0(
    top: Any, swappiness: Any, anon: Any, file: Any
) -> Any:
    """Each is at least its swappiness, 200 together, whatever was paid for a page."""
    ap, fp = counts.fractions(swappiness, anon, file)
    return every(ap >= swappiness, fp >= MOST - swappiness, ap + fp >= MOST)


def the_machine_weighs_alike(top: Any, swappiness: Any, anon: Any, file: Any) -> Any:
    """Both sides compute the same weights."""
    ap, fp = counts.fractions(swappiness, anon, file)
    other_ap, other_fp = machine.weights(swappiness, anon, file)
    return every(ap == other_ap, fp == other_fp)


def divide_by_the_cost(swappiness: Any, anon: Any, file: Any) -> tuple[Any, Any]:
    """Divide by costs that may be 0."""
    total = 3 * (anon + file) + 1
    part = swappiness * total // (2 * anon + file)
    return part, (MOST - swappiness) * total // (2 * file + anon)


def weigh_a_whole_cost(swappiness: Any, anon: Any, file: Any) -> tuple[Any, Any]:
    """Divide a total that is less than what it is divided by."""
    total = anon + file
    part = swappiness * total // (anon + total + 1)
    return part, (MOST - swappiness) * total // (file + total + 1)


def weigh_the_own_cost(swappiness: Any, anon: Any, file: Any) -> tuple[Any, Any]:
    """Let each side bear no share of the other's cost."""
    total = 3 * (anon + file) + 1
    part = total * swappiness // (anon + 1)
    return part, total * (MOST - swappiness) // (file + 1)


# ------------------------------------------------------------------ shares


def a_part(top: Any, scan: Any, part: Any, whole: Any, online: Any) -> Iterable[Any]:
    """Assume a part of something."""
    return (part <= whole, whole > 0, online <= 1)


def a_share_is_no_more_than_the_whole(
    top: Any, scan: Any, part: Any, whole: Any, online: Any
) -> Any:
    """A list's share is 0 to what would be scanned; the machine agrees."""
    is_online = is_on(online)
    share = counts.share(scan, part, whole, is_online)
    return every(
        share >= 0,
        share <= scan,
        either(is_online, scan == 0, part == 0, share > 0),
        machine.fraction(scan, part, whole, is_online) == share,
    )


def rounded_down(scan: Any, part: Any, whole: Any, online: Any) -> Any:
    """Leave the last page of a dead group."""
    return scan * part // whole


def rounded_beyond(scan: Any, part: Any, whole: Any, online: Any) -> Any:
    """Add a page to each share."""
    return scan * part // whole + 1


# ------------------------------------------------------------------ priorities


def a_priority(
    top: Any, scan: Any, size: Any, priority: Any, online: Any
) -> Iterable[Any]:
    """Assume a priority that a scan may have."""
    return (priority <= DEF_PRIORITY, online <= 1)


def a_priority_leaves_no_more_than_there_is(
    top: Any, scan: Any, size: Any, priority: Any, online: Any
) -> Any:
    """All at priority 0, 1/4096 at 12, and a dead group's last pages; both agree."""
    by, is_online = one_of(priority, PRIORITIES), is_on(online)
    left = counts.aged(scan, size, by, is_online, SWAP_CLUSTER_MAX)
    shifted = scan // (1 << by)
    return every(
        either(left == shifted, every(shifted == 0, not is_online)),
        either(left == shifted, left == size, left == SWAP_CLUSTER_MAX),
        either(left == shifted, every(left <= size, left <= SWAP_CLUSTER_MAX)),
        either(is_online, size == 0, left > 0),
        machine.shifted(scan, size, by, is_online, SWAP_CLUSTER_MAX) == left,
    )


def halved(scan: Any, size: Any, priority: int, online: Any, cluster: int) -> Any:
    """Halve the count, whatever the priority."""
    return scan >> 1


def scraped_as_a_whole(
    scan: Any, size: Any, priority: int, online: Any, cluster: int
) -> Any:
    """Scan all of a dead group's list."""
    left = scan >> priority
    return size if not left and not online else left


def kept(scan: Any, size: Any, priority: int, online: Any, cluster: int) -> Any:
    """Leave a dead group's last pages."""
    return scan >> priority


# ------------------------------------------------------------------ the lemmas


NO_WRAP = (
    "a word holds 600 times the costs of both sides: lru_note_cost() halves them when "
    "they exceed a quarter of the lists"
)


def costs(top: int, values: Values) -> Values:
    """Bend words into a swappiness and two costs."""
    return (values[0] % (MOST + 1), *values[1:])


def parts(top: int, values: Values) -> Values:
    """Bend words into a part of a whole."""
    scan, part, whole, online = values
    return (scan, part % (whole + 1), whole or 1, online % 2)


def as_they_are(top: int, values: Values) -> Values:
    """Take words as they are."""
    return values


COUNTS = (
    Lemma(
        claim=a_scan_leaves_the_protected_share_of_a_list_and_divides_by_no_zero,
        provers=(Ratios(), Sampled(as_they_are)),
        mistakes=(
            Mistake(counts, "unprotected", without_one_more, bug="P71"),
            Mistake(counts, "unprotected", without_a_second_look),
            Mistake(machine, "protected_scan", machine_without_one_more, bug="P71"),
            Mistake(machine, "protected_scan", machine_without_words),
        ),
    ),
    Lemma(
        claim=the_weights_of_both_sides_are_never_both_0,
        slow=True,
        given=a_swappiness,
        provers=(Ratios(), Sampled(costs)),
        mistakes=(
            Mistake(counts, "fractions", divide_by_the_cost),
            Mistake(counts, "fractions", weigh_a_whole_cost),
        ),
        assumes=(NO_WRAP,),
    ),
    Lemma(
        claim=the_machine_weighs_alike,
        given=a_swappiness,
        provers=(Ratios(), Sampled(costs)),
        mistakes=(
            Mistake(machine, "weights", divide_by_the_cost),
            Mistake(machine, "weights", weigh_the_own_cost),
        ),
        assumes=(NO_WRAP,),
    ),
    Lemma(
        claim=a_share_is_no_more_than_the_whole,
        given=a_part,
        provers=(Ratios(), Sampled(parts)),
        mistakes=(
            Mistake(counts, "share", rounded_down),
            Mistake(machine, "fraction", rounded_down),
            Mistake(counts, "share", rounded_beyond),
        ),
    ),
    Lemma(
        claim=a_priority_leaves_no_more_than_there_is,
        given=a_priority,
        provers=(Symbolic(Whole),),
        mistakes=(
            Mistake(counts, "aged", halved),
            Mistake(counts, "aged", scraped_as_a_whole),
            Mistake(machine, "shifted", kept),
        ),
    ),
)
