"""Page blocks that are set apart, and in use again: both sides."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from mmoracle.checkers.lemma import Lemma, Mistake, Sampled, Symbolic
from mmoracle.checkers.mutants.buddy_manage import (
    isolate_and_count,
    isolate_reserved_frames,
    isolate_the_type_only,
    isolate_unmovable_pages,
    isolate_unnoticed,
    isolate_without_draining,
    put_back_as_it_was,
    put_back_beside,
    unisolate_in_parts,
    unisolate_uncounted,
    unisolate_unnoticed,
)
from mmoracle.checkers.symbolic import either
from mmoracle.checkers.word import Bounded, one_of
from mmoracle.impl.buddy.manage import PageAllocator
from mmoracle.spec.buddy import manage
from mmoracle.spec.buddy.manage import Isolate, Unisolate
from mmoracle.spec.buddy.zones import (
    Config,
    Held,
    Memory,
    Pageset,
    Span,
)

from .owners import largest
from .places import place
from .small import ORDERS, both_do, free_now, is_one, scene
from .stealing import bent
from .words import MT

# ------------------------------------------------------------------ isolation


def a_page_block_is_isolated_alike(
    top: Any,
    nth: Any,
    old: Any,
    first: Any,
    second: Any,
    upper: Any,
    waits: Any,
) -> Any:
    """Both sides refuse it if a frame cannot move; else no free frame of it counts.

    Its free blocks are on the list of isolated ones, pagesets are empty.
    """
    cfg = Config(
        zones=(Span(place(nth, 0), place(nth, 6)),),
        orders=len(ORDERS),
        pageblock_order=1,
        cpus=1,
        has_cma=True,
    )
    types = (MT, one_of(old, range(cfg.migrate_types)), MT)
    kinds = one_of(first, range(KINDS)), one_of(second, range(KINDS))
    behind, waiting = Held(place(nth, 4), 1), NOBODY  # never moves
    if upper == 1:  # a block of two page blocks, of which this is the upper one
        owner = Held(place(nth, 0), 2, 1, kinds[0] == 1, kinds[1] == 1)
        s = scene(cfg, nth, [], [owner, behind], types=types)
    else:
        before = [Held(place(nth, f), 0) for f in (0, 1)]
        owners = [
            Held(place(nth, at), 0, 1, False, kind == 1)
            for at, kind in enumerate(kinds, 2)
            if kind in (1, 2)
        ]
        free_there = [at for at, kind in enumerate(kinds, 2) if kind == 0]
        listed = [(f, o, types[1]) for f, o in largest({*free_there})]
        s = scene(cfg, nth, listed, [*before, *owners, behind], types=types)
        if is_one(waits) and kinds[0] == 3:
            waiting = ((place(nth, 2), MT),)
    ps = Pageset(9, 1, len(waiting), ((), waiting, ()))
    s = replace(s, zones=(replace(s.zones[0], pagesets=(ps,)),))
    op = Isolate(place(nth, 2))
    same, after, got = both_do(cfg, s, op, op.run)
    zone = after.zones[0]
    if got is not None:
        return same and after == s
    return same and zone.pagesets[0].count == 0 and zone.nr_isolate == 1


NOBODY: tuple[Any, ...] = ()
KINDS = 4  # of a frame: free, movable, unmovable, neither free nor owned


def kinds_of_frames(
    top: Any,
    nth: Any,
    old: Any,
    first: Any,
    second: Any,
    upper: Any,
    waits: Any,
) -> Iterable[Any]:
    """Assume a type, two kinds of frames, and bits."""
    yield from (old < 6, first < KINDS, second < KINDS, upper <= 1, waits <= 1)
    yield either(upper == 0, waits == 0)


def a_page_block_is_in_use_again_alike(
    top: Any,
    nth: Any,
    old: Any,
    mt: Any,
    beside: Any,
    large: Any,
    above: Any,
    *bits: Any,
) -> Any:
    """Its free frames count again, as its new type's, and merge with their buddies."""
    cfg = Config(
        zones=(Span(place(nth, 0), place(nth, 8)),),
        orders=len(ORDERS) + 1,
        pageblock_order=1,
        has_cma=True,
    )
    asks = one_of(mt, (0, 1, 2))
    types = [
        cfg.isolate if is_one(old) else MT,
        one_of(beside, range(cfg.migrate_types)),
    ]
    if is_one(large):
        listed = [(0, 2, types[0])]
    else:
        there = {f for f in range(4) if is_one(bits[min(f, 2)])}
        listed = [(f, o, types[f // 2]) for f, o in halves_of(there)]
    if is_one(above):
        listed.append((4, 2, MT))
    isolated = sum(1 for each in types if each == cfg.isolate)
    s = scene(cfg, nth, listed, types=(*types, MT, MT), nr_isolate=isolated)
    op = Unisolate(place(nth, 0), asks)
    same, after, _ = both_do(cfg, s, op, op.run)
    if types[0] != cfg.isolate:
        return same and after == s
    zone = after.zones[0]
    return (
        same
        and zone.nr_isolate == isolated - 1
        and free_now(nth, after) == free_now(nth, s)
        and after.types[0] == asks
    )


def halves_of(there: set[int]) -> list[tuple[int, int]]:
    """Return free frames as blocks that lie in one page block each."""
    return [*largest(there & {0, 1}), *largest(there & {2, 3})]


def types_and_bits(
    top: Any,
    nth: Any,
    old: Any,
    mt: Any,
    beside: Any,
    large: Any,
    above: Any,
    *bits: Any,
) -> Iterable[Any]:
    """Assume types, and bits."""
    yield from (mt < 3, beside < 6, old <= 1, large <= 1, above <= 1)
    yield from (bit <= 1 for bit in bits)


# ------------------------------------------------------------------ mistakes


def movable_all(cfg: Config, s: Memory, pfn: int) -> bool:
    """Find nothing in a page block that cannot be moved."""
    return False


def merged_or_not(op: Any, cfg: Config, s: Memory, at: int) -> int | None:
    """Leave a page block that is in use again apart from its buddy."""
    return None


# ------------------------------------------------------------------ the lemmas

PAIR = "a page block of 2 frames, with one on each side"
BITS = ("f0", "f1", "f2", "f3")

ISOLATED = (
    Lemma(
        claim=a_page_block_is_isolated_alike,
        given=kinds_of_frames,
        provers=(Symbolic(Bounded), Sampled(bent(0, 6, 4, 4))),
        mistakes=(
            Mistake(PageAllocator, "isolate", isolate_without_draining),
            Mistake(PageAllocator, "isolate", isolate_and_count),
            Mistake(PageAllocator, "isolate", isolate_unnoticed),
            Mistake(PageAllocator, "isolate", isolate_the_type_only),
            Mistake(PageAllocator, "has_unmovable_pages", isolate_unmovable_pages),
            Mistake(PageAllocator, "has_unmovable_pages", isolate_reserved_frames),
            Mistake(manage, "has_unmovable_pages", movable_all),
        ),
        size=PAIR,
    ),
    Lemma(
        claim=a_page_block_is_in_use_again_alike,
        given=types_and_bits,
        names=("nth", "old", "mt", "beside", "large", "above", *BITS[:3]),
        provers=(Symbolic(Bounded), Sampled(bent(0, 2, 3, 6))),
        mistakes=(
            Mistake(PageAllocator, "unisolate", unisolate_in_parts),
            Mistake(PageAllocator, "unisolate", unisolate_unnoticed),
            Mistake(PageAllocator, "unisolate", unisolate_uncounted),
            Mistake(PageAllocator, "put_back", put_back_beside),
            Mistake(PageAllocator, "put_back", put_back_as_it_was),
            Mistake(Unisolate, "unmerged", merged_or_not),
        ),
        size="a zone of four page blocks of 2 frames",
        slow=True,
    ),
)
