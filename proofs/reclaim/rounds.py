"""Who waits, what a node gives, and that reclaim ends or tries harder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import product
from types import SimpleNamespace
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Shapes, Symbolic, Values
from mmoracle.checkers.symbolic import agree, either, every
from mmoracle.checkers.word import Whole, one_of
from mmoracle.impl.reclaim import direct as tasks
from mmoracle.impl.reclaim import kswapd as background
from mmoracle.impl.reclaim import vmscan
from mmoracle.impl.reclaim.direct import Cached, Task
from mmoracle.spec.linux import DEF_PRIORITY, GFP_KERNEL, SWAP_CLUSTER_MAX
from mmoracle.spec.reclaim import direct, kswapd, local
from mmoracle.spec.reclaim.state import Balance, Cache, Config, Control, Place

CFG = Config((Place(0, 0, 1, (0, 0, 0), (0,)),), (0,), ((0, 0, 0),))
PRIORITIES = range(DEF_PRIORITY + 1)

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

ROUNDS = (
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
        provers=(Shapes(controls, "every case"),),
        mistakes=(
            Mistake(direct, "again", forced_again),
            Mistake(Task, "retry", spared_again),
        ),
    ),
)
