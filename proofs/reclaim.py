"""What is proved about reclaim: how much is scanned, who waits, and that it ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from types import SimpleNamespace
from typing import Any

from mmoracle.checkers.lemma import (
    Lemma,
    Mistake,
    Sampled,
    Shapes,
    Symbolic,
    Values,
)
from mmoracle.checkers.symbolic import agree, either, every
from mmoracle.checkers.word import Whole, Word, one_of
from mmoracle.impl.reclaim import count as machine
from mmoracle.impl.reclaim import direct as tasks
from mmoracle.impl.reclaim import kswapd as background
from mmoracle.impl.reclaim import vmscan
from mmoracle.impl.reclaim.direct import Cached, Task
from mmoracle.spec.linux import DEF_PRIORITY, GFP_KERNEL, SWAP_CLUSTER_MAX
from mmoracle.spec.reclaim import counts, direct, kswapd, local
from mmoracle.spec.reclaim.state import Balance, Cache, Config, Control, Place

CFG = Config((Place(0, 0, 1, (0, 0, 0), (0,)),), (0,), ((0, 0, 0),))
WORD = 64
MASK = (1 << WORD) - 1
PRIORITIES = range(DEF_PRIORITY + 1)
MOST = 200  # swappiness

# ------------------------------------------------------------------ words


class Ratio(Whole):
    """An integer that started as a word, and is multiplied and divided by others."""

    __slots__ = ()
    logic = "QF_NIA"

    def __mul__(self, factor: Any) -> Word:
        a, b = self.pair(factor)
        return self.like(a * b)

    __rmul__ = __mul__

    def __floordiv__(self, divisor: Any) -> Word:
        if isinstance(divisor, int):
            return super().__floordiv__(divisor)
        assert divisor > 0, "a divisor is 0"
        return self.like(self.term / divisor.term)  # floor, for these


@dataclass(frozen=True)
class Ratios(Symbolic):
    """Z3 over integers that start as words, with products and quotients of them."""

    kind: type[Word] = Ratio

    @property
    def name(self) -> str:
        """Return the prover's name."""
        return "z3 64-bit integers"


def is_on(word: Any) -> bool:
    """Return a flag that is a word, with a path for each side."""
    return bool(one_of(word, (0, 1)))


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


# ------------------------------------------------------------------ waiting


def more_free(
    top: Any, failures: Any, reserve: Any, free: Any, more: Any
) -> Iterable[Any]:
    """Assume two counts of free pages in order."""
    return (free <= more,)


def more_free_pages_let_no_task_wait(
    top: Any, failures: Any, reserve: Any, free: Any, more: Any
) -> Any:
    """A task that may reclaim may still when pages become free; the machine agrees."""
    may = direct.enough_for_emergencies(failures, CFG.retries, reserve, free)
    still = direct.enough_for_emergencies(failures, CFG.retries, reserve, more)
    it = vmscan.may_reclaim(failures, CFG.retries, reserve, free)
    return every(either(not may, still), agree(it, may))


def reserve_of_plenty(failures: Any, most: int, reserve: Any, free: Any) -> Any:
    """Let tasks wait when much is free."""
    return failures >= most or reserve == 0 or free <= reserve // 2


def wait_for_the_failed(failures: Any, most: int, reserve: Any, free: Any) -> Any:
    """Let tasks wait for a kswapd that has given up."""
    return not reserve or free > reserve >> 1


def half_rounded_up(failures: Any, most: int, reserve: Any, free: Any) -> Any:
    """Round half of the reserve up."""
    return failures >= most or not reserve or free > (reserve + 1) >> 1


# ------------------------------------------------------------------ one's own node


def the_cache_that_may_be_freed_is_part_of_what_is_there(
    top: Any, mode: Any, file: Any, lru: Any, mapped: Any, dirty: Any
) -> Any:
    """It is never below 0, though more pages may be mapped or dirty than are listed."""
    which = one_of(mode, range(8))
    told = (file, lru, mapped, dirty)
    pages = local.pagecache_reclaimable(which, Cache(*told))
    it = tasks.node_pagecache_reclaimable(which, Cached(*told, 0, 0, 0))
    return every(pages >= 0, either(pages <= file, pages <= lru), it == pages)


def a_mode(
    top: Any, mode: Any, file: Any, lru: Any, mapped: Any, dirty: Any
) -> Iterable[Any]:
    """Assume a mode that may be set."""
    return (mode <= 7,)


def less_than_nothing(lru: Any, mapped: Any) -> Any:
    """Subtract more than there is."""
    return lru - mapped


def dirty_pages_too(mode: int, c: Cached) -> Any:
    """Count dirty pages although none may be written."""
    return c.file if mode & 4 else max(0, c.lru - c.mapped)


# ------------------------------------------------------------------ rounds


def a_round(
    top: Any, got: Any, scanned: Any, goal: Any, boost: Any, priority: Any
) -> Iterable[Any]:
    """Assume a priority that a kswapd may have."""
    return (priority <= DEF_PRIORITY,)


def a_round_of_kswapd_frees_pages_or_is_followed_by_a_harder_one(
    top: Any, got: Any, scanned: Any, goal: Any, boost: Any, priority: Any
) -> Any:
    """So the priority, then the pages that are left, fall; the machine agrees."""
    by = one_of(priority, PRIORITIES)
    sc = Control(0, 0, GFP_KERNEL, goal, by, False, scanned=scanned)
    harder = kswapd.raises_priority(CFG, Balance(sc, (), boost), got)
    gentle = DEF_PRIORITY - 2
    it = background.raises_priority(got, scanned, goal, boost, by, gentle)
    return every(either(harder, got > 0), agree(it, harder))


def as_hard_as_before(cfg: Config, b: Balance, got: Any) -> Any:
    """Scan no harder after a scan that was long enough and in vain."""
    return b.sc.scanned < b.sc.goal


def gently_for_ever(
    got: Any, scanned: Any, goal: Any, boost: Any, priority: int, gentle: int
) -> Any:
    """Scan no harder for a boost, even in vain."""
    return not (boost and priority == gentle) and (got == 0 or scanned < goal)


def flags(sc: Control) -> tuple[bool, ...]:
    """Return how hard a reclaim tries, and what it has left out."""
    return (
        sc.force_deactivate,
        sc.skipped_deactivate,
        sc.low_reclaim,
        sc.low_skipped,
    )


def controls() -> Iterator[Values]:
    """Yield every mix of what a reclaim tries and what it may have left out."""
    sc = Control(0, 0, GFP_KERNEL, SWAP_CLUSTER_MAX, 0, False)
    for force, skipped, low, spared in product((False, True), repeat=4):
        if not (force and skipped) and not (low and spared):
            yield (
                0,
                replace(
                    sc,
                    force_deactivate=force,
                    skipped_deactivate=skipped,
                    low_reclaim=low,
                    low_skipped=spared,
                ),
            )


def tries(sc: Control) -> int:
    """Return how hard a reclaim tries."""
    return 2 * sc.low_reclaim + sc.force_deactivate


def a_reclaim_that_begins_anew_tries_harder(top: Any, sc: Control) -> Any:
    """Three times at most, as there are four ways to try; the machine does the same."""
    after = direct.again(CFG, sc)
    it = SimpleNamespace(
        force_deactivate=sc.force_deactivate,
        skipped_deactivate=sc.skipped_deactivate,
        memcg_low_reclaim=sc.low_reclaim,
        memcg_low_skipped=sc.low_skipped,
    )
    again = Task.retry(None, it)  # type: ignore[arg-type]
    if after is None:
        return not again and not sc.skipped_deactivate and not sc.low_skipped
    forced = (it.force_deactivate, it.skipped_deactivate)
    same = (*forced, it.memcg_low_reclaim, it.memcg_low_skipped) == flags(after)
    return again and same and tries(sc) < tries(after) <= 3


def forced_again(cfg: Config, sc: Control) -> Control | None:
    """Try the protected pages by force at once, then without."""
    if sc.low_skipped:
        return replace(sc, low_skipped=False, low_reclaim=True)
    if sc.skipped_deactivate:
        return replace(sc, skipped_deactivate=False, force_deactivate=False)
    return None


def spared_again(self: Any, sc: Any) -> bool:
    """Begin anew for spared pages without trying them."""
    if sc.skipped_deactivate:
        sc.skipped_deactivate, sc.force_deactivate = False, True
        return True
    return bool(sc.memcg_low_skipped)


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


RECLAIM = (
    Lemma(
        claim=a_scan_leaves_the_protected_share_of_a_list_and_divides_by_no_zero,
        provers=(Ratios(), Sampled(as_they_are)),
        mistakes=(
            Mistake(counts, "unprotected", without_one_more),
            Mistake(counts, "unprotected", without_a_second_look),
            Mistake(machine, "protected_scan", machine_without_one_more),
            Mistake(machine, "protected_scan", machine_without_words),
        ),
    ),
    Lemma(
        claim=the_weights_of_both_sides_are_never_both_0,
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
    Lemma(
        claim=more_free_pages_let_no_task_wait,
        given=more_free,
        provers=(Symbolic(Whole),),
        mistakes=(
            Mistake(direct, "enough_for_emergencies", reserve_of_plenty),
            Mistake(vmscan, "may_reclaim", wait_for_the_failed),
            Mistake(vmscan, "may_reclaim", half_rounded_up),
        ),
    ),
    Lemma(
        claim=the_cache_that_may_be_freed_is_part_of_what_is_there,
        given=a_mode,
        provers=(Symbolic(Whole),),
        mistakes=(
            Mistake(local, "unmapped_pages", less_than_nothing),
            Mistake(tasks, "node_pagecache_reclaimable", dirty_pages_too),
        ),
    ),
    Lemma(
        claim=a_round_of_kswapd_frees_pages_or_is_followed_by_a_harder_one,
        given=a_round,
        provers=(Symbolic(Whole),),
        mistakes=(
            Mistake(kswapd, "raises_priority", as_hard_as_before),
            Mistake(background, "raises_priority", gently_for_ever),
        ),
    ),
    Lemma(
        claim=a_reclaim_that_begins_anew_tries_harder,
        names=("sc",),
        provers=(Shapes(controls),),
        mistakes=(
            Mistake(direct, "again", forced_again),
            Mistake(Task, "retry", spared_again),
        ),
    ),
)
