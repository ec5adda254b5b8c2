"""Parts of the slow path that few theorems ask alone: measure, counters, kills.

What bounds the retries is counted as the machine counts it, and from 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import product
from typing import Any

from mmoracle.checkers.bind.slowpath import apply, load
from mmoracle.checkers.lemma import (
    Lemma,
    Mistake,
    Sampled,
    Sweep,
    Symbolic,
    Values,
)
from mmoracle.checkers.symbolic import either, every
from mmoracle.checkers.word import Whole, one_of
from mmoracle.impl.slowpath.decisions import should_compact_retry
from mmoracle.impl.slowpath.machine import SlowPath
from mmoracle.spec.core import Step
from mmoracle.spec.linux import (
    GFP_ATOMIC,
    GFP_KERNEL,
    MIGRATE_HIGHATOMIC,
    MIGRATE_UNMOVABLE,
    CompactPriority,
    CompactResult,
    Gfp,
)
from mmoracle.spec.slowpath import ops, path, replies, request, retry
from mmoracle.spec.slowpath.ops import Answer
from mmoracle.spec.slowpath.request import (
    At,
    Config,
    Context,
    Left,
    Reclaim,
    Reply,
    State,
    Zone,
)

CFG = Config((), (), reclaim_retries=2, compact_retries=9, changes=1)
NOFAIL = GFP_KERNEL | Gfp.NOFAIL
PAGES_LEFT, BLOCKS_LEFT, RETRIES_LEFT, LOOPS_LEFT = 3, 4, 6, 7  # parts of the measure

# ------------------------------------------------------------------ the measure


def no_part_of_the_measure_is_below_0(
    top: Any, at: Any, costly: Any, retries: Any, loops: Any, pages: Any, left: Any
) -> Any:
    """However often it was tried, what is left is a count; the tries end at 0."""
    where, order = one_of(at, At), 4 if costly else 1
    zone, budget = Zone(reclaimable=pages, highatomic=left), Left(left, left, left)
    s = State(where, order, GFP_KERNEL, retries=retries, loops=loops)
    parts = retry.rank(CFG, replace(s, zone=zone, left=budget))
    most, tries, rounds = 2 if costly else 9, parts[RETRIES_LEFT], parts[LOOPS_LEFT]
    return every(
        *(part >= 0 for part in parts),
        either(tries == 0, tries + retries == most),
        either(tries > 0, retries >= most),
        either(rounds == 0, rounds + loops == 2),
        either(rounds > 0, loops >= 2),
    )


def a_question(
    top: Any, at: Any, costly: Any, retries: Any, loops: Any, pages: Any, left: Any
) -> Iterable[Any]:
    """Assume a question, and a truth value."""
    return (at < len(At), costly <= 1)


def near_bounds(top: int, values: Values) -> Values:
    """Bend words into a question, a truth value, and counters around their bounds."""
    at, costly, retries, loops, pages, left = values
    return at % len(At), costly % 2, retries % 13, loops % 5, pages, left


def a_page_that_is_reclaimed_counts_once_more_until_the_next_round(
    top: Any, pages: int, cluster: int, block: bool, order: int
) -> bool:
    """Reclaim takes all but one of what its pages count, the next round takes that.

    Nothing is left to take where reclaim has stepped back for compaction.
    """
    cfg = replace(CFG, cluster=cluster)
    zone = Zone(reclaimable=pages, highatomic=1)
    s = State(At.RECLAIM, order, GFP_KERNEL, zone=zone)
    got = replies.follow(cfg, s, Reply.BLOCK if block else Reply.PAGES).state
    freed = min(pages, cluster)
    steps = [retry.rank(cfg, each) for each in (s, got, path.spent(got))]
    first, then, last = (each[PAGES_LEFT] for each in steps)
    same = {each[BLOCKS_LEFT] for each in steps} == {1}
    same &= retry.rank(cfg, replace(s, gained=Reclaim.READY))[PAGES_LEFT] == first
    return (first - then, then - last) == (2 * freed - 1, 1) and same


def reclaims(top: int) -> Iterator[Values]:
    """Yield pages, and how many are reclaimed at once."""
    return product(range(1, 6), range(1, 4), (False, True), (1, 4))


def the_measure_has_as_many_compactions_as_the_machine(
    top: Any, order: int, most: int, retries: int, priority: CompactPriority
) -> bool:
    """Compaction that succeeds in vain is tried again until none is left."""
    cfg, costly = replace(CFG, compact_retries=most), order == 4
    bound = retry.most_compactions(cfg, State(order=order))
    success = int(CompactResult.SUCCESS)
    told = should_compact_retry(success, priority, retries, costly, most, False)
    if retries < bound:
        return told == (True, priority, retries + 1)
    return told[:2] != (True, priority)


def compactions(top: int) -> Iterator[Values]:
    """Yield bounds, and retries around them."""
    return product((0, 1, 3, 4), range(18), range(20), CompactPriority)


def only_the_last_help_for_nofail_goes_round(
    top: Any, at: At, then: At, gfp: Gfp
) -> bool:
    """From free lists of any node it begins again, if it sleeps and must not fail."""
    before, after = State(at, gfp=gfp), State(then, gfp=gfp)
    last = {At.OOM_ANY, At.HARDER_ANY}, {At.LOOK_RETRY, At.RETRY}
    due = at in last[0] and then in last[1] and gfp == NOFAIL
    return retry.may_go_round(before, after) is due


def moves(top: int) -> Iterator[Values]:
    """Yield two questions, and a request."""
    return product(At, At, (NOFAIL, GFP_KERNEL, GFP_ATOMIC | Gfp.NOFAIL))


# ------------------------------------------------------------------ counters


def counters_count_up_to_one_above_their_bounds(
    top: Any, order: int, gained: Reclaim, retries: int, loops: int
) -> bool:
    """From there on they are all one, and lead to the same question and zone."""
    s = State(At.COMPACTED, order, GFP_KERNEL | Gfp.RETRY_MAYFAIL, gained=gained)
    s = replace(s, retries=retries, loops=loops, compacted=CompactResult.SUCCESS)
    named = ops.canonical(CFG, s)
    if named != replace(s, loops=(*range(3), 3, 3)[loops], retries=named.retries):
        return False
    if named.retries != (10 if retries > 10 else retries):
        return False
    one, other = (replies.follow(CFG, each, Reply.NO_PAGE) for each in (s, named))
    ends = [ops.canonical(CFG, each.state) for each in (one, other)]
    return one.next == other.next and ends[0] == ends[1]


def counters(top: int) -> Iterator[Values]:
    """Yield requests that were tried up to their bounds, and beyond."""
    return product((1, 4), Reclaim, range(14), range(5))


def patience_is_used_where_the_machine_would_go_on(
    top: Any, patience: str, gained: Reclaim, loops: int, reply: Reply
) -> bool:
    """A step needs it exactly if it leads elsewhere than the machine's own step."""
    cfg = replace(CFG, patience=patience)
    zone, at = Zone(20, 4, block=True), At.COMPACTED
    s = State(at, 1, GFP_KERNEL, loops=loops, gained=gained, zone=zone)
    op = Answer(reply)
    goes_on = apply(load(cfg, s), op)
    turns = [(each.next, each.state) for each in ops.permitted(cfg, s, op)]
    used = [[*ops.used(cfg, Step(s, op, asked, end))] for asked, end in turns]
    due = [[] if asked == goes_on else ["patience"] for asked, _ in turns]
    again = reply is Reply.NO_PAGE and (gained is Reclaim.PAGES or loops < 2)
    return used == due and (["patience"] in used) is (again and patience == "less")


def impatient(top: int) -> Iterator[Values]:
    """Yield rounds that end, for those who may give up and for those who must not."""
    gains, told = (Reclaim.NO_PROGRESS, Reclaim.PAGES), (Reply.NO_PAGE, Reply.PAGE)
    return product(("linux", "less"), gains, range(3), told)


# ------------------------------------------------------------------ zones


def a_zone_shows_the_lists_that_have_a_block(
    top: Any, order: int, free: int, reserved: int, block: bool, made: bool
) -> bool:
    """Unmovable pages and the reserve are on lists of the order, and nothing below."""
    zone = Zone(free, highatomic=reserved, block=block)
    seen = request.level(CFG, State(order=order, zone=zone), made)
    held = {MIGRATE_UNMOVABLE: block or made, MIGRATE_HIGHATOMIC: reserved > 0}
    due = sum(2**mt for mt, is_there in held.items() if is_there)
    counts = seen.free == free and seen.highatomic == 2 * reserved
    return counts and [*seen.lists] == [0 for _ in range(order)] + [due]


def shown(top: int) -> Iterator[Values]:
    """Yield zones with a few blocks, and orders."""
    return product((0, 1, 4), (0, 9), (0, 1, 3), (False, True), (False, True))


# ------------------------------------------------------------------ kills

SPARED = (
    Gfp.RETRY_MAYFAIL,
    Gfp.THISNODE,
    Gfp.DMA,
    Gfp.DMA32,
    Gfp.RETRY_MAYFAIL | Gfp.THISNODE,
)


def one_reason_is_enough_to_kill_nobody(
    top: Any, order: int, more: Gfp, context: Context
) -> bool:
    """On both sides: a costly order, a flag, a dump, or storage that is suspended."""
    s = State(At.OOM_FREELIST, order, GFP_KERNEL | more, context)
    reasons = [order > 3, more in SPARED]
    reasons += [context in (Context.DUMPCORE, Context.SUSPENDED)]
    kills = load(CFG, s).may_kill()
    return kills is path.may_kill(s) is (reasons == [False] * 3)


def killers(top: int) -> Iterator[Values]:
    """Yield requests with reasons of all kinds, and without."""
    flags = (*SPARED, Gfp.NONE, Gfp.NOFAIL, Gfp.HIGHMEM)
    rest = (Context.NONE, Context.MEMALLOC, Context.VICTIM, Context.NOCMA)
    return product((0, 3, 4), flags, (*rest, Context.DUMPCORE, Context.SUSPENDED))


# ------------------------------------------------------------------ mistakes


def tries_below_0(cfg: Config, s: State) -> tuple[int, ...]:
    """Count on below 0."""
    *parts, at = right_rank(cfg, s)
    return (*parts[:LOOPS_LEFT], cfg.reclaim_retries - s.loops, at)


def nothing_pending(cfg: Config, s: State) -> tuple[int, ...]:
    """Take all away at once that a page counts."""
    return right_rank(cfg, path.spent(s))


def costly_as_often(cfg: Config, s: State) -> int:
    """Let costly requests try as often as small ones."""
    return cfg.compact_retries


def all_go_round(before: State, after: State) -> bool:
    """Let others begin again as well."""
    return before.at in (At.OOM_ANY, At.HARDER_ANY) and after.at is At.RETRY


def counted_to_the_bound(cfg: Config, s: State) -> State:
    """Count no further than to the bound."""
    loops = min(s.loops, cfg.reclaim_retries)
    return replace(s, loops=loops, retries=min(s.retries, cfg.compact_retries))


def whoever_may(cfg: Config, step: Any) -> Iterator[str]:
    """Use patience in every step of those who have it."""
    if cfg.patience == "less":
        yield "patience"


def nothing_reserved(cfg: Config, s: State, made: bool = False) -> Any:
    """Show no block of the reserve."""
    return right_level(cfg, replace(s, zone=replace(s.zone, highatomic=0)), made)


def kill_for_any_flag(s: State) -> bool:
    """Kill for requests that would rather fail."""
    return right_may_kill(replace(s, gfp=s.gfp & ~path.RATHER_FAIL))


def kill_for_dumps(self: SlowPath) -> bool:
    """Kill for a task that dumps core, on the machine."""
    return self.order < 4 and not self.gfp & 0x204005


right_rank, right_may_kill = retry.rank, path.may_kill
right_level = request.level

CORNERS = (
    Lemma(
        claim=no_part_of_the_measure_is_below_0,
        given=a_question,
        size="9 compactions, 2 rounds",
        provers=(Symbolic(Whole), Sampled(near_bounds)),
        mistakes=(Mistake(retry, "rank", tries_below_0),),
    ),
    Lemma(
        claim=a_page_that_is_reclaimed_counts_once_more_until_the_next_round,
        provers=(Sweep(cases=reclaims, scope="up to 5 pages"),),
        mistakes=(Mistake(retry, "rank", nothing_pending),),
    ),
    Lemma(
        claim=the_measure_has_as_many_compactions_as_the_machine,
        provers=(Sweep(cases=compactions, scope="up to 17 compactions"),),
        mistakes=(Mistake(retry, "most_compactions", costly_as_often),),
    ),
    Lemma(
        claim=only_the_last_help_for_nofail_goes_round,
        provers=(Sweep(cases=moves, scope="every two questions"),),
        mistakes=(Mistake(retry, "may_go_round", all_go_round),),
    ),
    Lemma(
        claim=counters_count_up_to_one_above_their_bounds,
        provers=(Sweep(cases=counters, scope="9 compactions, 2 rounds, and more"),),
        mistakes=(Mistake(ops, "canonical", counted_to_the_bound),),
    ),
    Lemma(
        claim=patience_is_used_where_the_machine_would_go_on,
        provers=(Sweep(cases=impatient, scope="2 rounds"),),
        mistakes=(Mistake(ops, "used", whoever_may),),
    ),
    Lemma(
        claim=a_zone_shows_the_lists_that_have_a_block,
        provers=(Sweep(cases=shown, scope="3 orders, few blocks"),),
        mistakes=(Mistake(request, "level", nothing_reserved),),
    ),
    Lemma(
        claim=one_reason_is_enough_to_kill_nobody,
        provers=(Sweep(cases=killers, scope="3 orders, 8 kinds of flags"),),
        mistakes=(
            Mistake(path, "may_kill", kill_for_any_flag),
            Mistake(SlowPath, "may_kill", kill_for_dumps),
        ),
    ),
)
