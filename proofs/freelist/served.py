"""Requests of every kind on small machines, from what is asked for to what is left.

What the other lemmas say of words is here tried on plain numbers with all that is
around a request: policies, cpusets, dirty limits, reclaim, deferred memory, counters.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

from mmoracle.checkers.bind.freelist import FREELIST, permitted
from mmoracle.checkers.lemma import Lemma, Mistake, Sweep
from mmoracle.checkers.mutants.freelist_marks import some_is_full
from mmoracle.impl.freelist.alloc import FreeLists
from mmoracle.impl.freelist.walk import Walker
from mmoracle.impl.freelist.walk import candidates as walk_candidates
from mmoracle.spec.core import Disallowed
from mmoracle.spec.freelist import others, walk
from mmoracle.spec.freelist.answers import Mark, Outcome, Page, SlowPath
from mmoracle.spec.freelist.zones import Config, Memory, Place
from mmoracle.spec.linux import Gfp

from ..walked import Walks

TINY = {name: cfg for name, cfg in FREELIST.configs.items() if "tiny" in name}
OTHERS = ("tiny-any", "tiny-any-counted", "tiny-any-cpuset", "tiny-any-policies")
CHANGED = ("tiny-blocks", "tiny-orders", "tiny-cma", "tiny-flags", "tiny-zones")
BLOCKS = TINY["tiny-reclaim-blocks"]
# More blocks than reclaim may add to, and orders of which it may add none.
ODD = (
    replace(BLOCKS, most=(2,)),
    replace(
        BLOCKS,
        zones=(Place(0, 0, (9, 10, 11), (0, 1), ((0, 3, 0, 0, 0), (0, 2, 0, 0, 0))),),
    ),
)
SMALL = Walks(FREELIST, [*TINY.values(), *ODD], 3, 60)
OTHER = Walks(
    FREELIST,
    [TINY[n] for n in OTHERS] + [replace(TINY[n], picks="any") for n in CHANGED],
    3,
    30,
)


def a_request_on_a_small_machine_is_served_alike(top: int, at: int, op: int) -> Any:
    """Answer, questions on the way, and the zones after it are the same."""
    return SMALL.alike(at, op)


def candidates(cfg: Config, state: Memory, op: Any) -> list[Outcome]:
    """Return answers that somebody may give to a request, right or wrong."""
    pages = [Page(at) for at in range(len(cfg.zones) + 1)]
    pages += [Page(0, compound=True), Page(0, pfmemalloc=True)]
    slow = SlowPath(Gfp(op.gfp), 0, 0, 0)
    wrong = [Outcome(each) for each in (None, *pages, slow)]
    return [*wrong, Outcome(None, (Mark(0, True),)), *permitted(cfg, state, op)]


def taken(sides: Any, answer: Outcome) -> tuple[Any, Any]:
    """Return what both sides make of an answer: the state after it, or none."""
    (cfg, state), op = sides
    m = FREELIST.load(cfg, state)
    due = got = None
    with suppress(Disallowed):
        due = op.after(cfg, state, answer)
    with suppress(Disallowed):
        FREELIST.accept(m, op, answer)
        got = FREELIST.abstract(m)
    return due, got


def anothers_answer_is_taken_or_refused_alike(top: int, at: int, which: int) -> Any:
    """Where any zone that may serve will do, both sides take the same answers.

    What is permitted is taken, and what is taken leaves the same state.
    """
    (cfg, state), op = OTHER.states[at], OTHER.ops[at][which]
    if not hasattr(op, "settled"):
        return OTHER.alike(at, which)
    pairs = [taken(((cfg, state), op), each) for each in candidates(cfg, state, op)]
    allowed = {each.value for each in permitted(cfg, state, op)}
    first = FREELIST.apply(FREELIST.load(cfg, state), op).value
    return all(due == got for due, got in pairs) and first in allowed


def any_page(cfg: Any, s: Any, ac: Any, at: int, flags: Any) -> bool:
    """Take any page from another allocator, whether or not it is there."""
    return True


def usable_by_height(self: FreeLists, ac: Any, flags: int) -> Any:
    """Let another allocator take from a zone below its mark, on the machine."""
    found = walk_candidates(ac.zonelist, ac.highest, ac.mask)
    return [zone for zone in found if self.has_page(ac, zone, flags)]


def never_far(cfg: Any, preferred: Any, at: int) -> bool:
    """Reclaim on a node however far it is."""
    return bool(cfg.numa and cfg.reclaim_mode != 0)


SERVED = (
    Lemma(
        claim=a_request_on_a_small_machine_is_served_alike,
        provers=(Sweep(1, SMALL.cases, "three walks of each small machine"),),
        mistakes=(
            Mistake(walk, "allows_reclaim", never_far),
            Mistake(Walker, "node_reclaim", some_is_full),
        ),
    ),
    Lemma(
        claim=anothers_answer_is_taken_or_refused_alike,
        slow=True,
        provers=(Sweep(1, OTHER.cases, "three walks of each small machine"),),
        mistakes=(
            Mistake(others, "has_page", any_page),
            Mistake(FreeLists, "usable", usable_by_height),
        ),
    ),
)
