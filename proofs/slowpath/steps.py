"""Both sides: each answer leads to the same question, and to the same state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

from mmoracle.checkers.bind.slowpath import SLOWPATH as SUBSYSTEM
from mmoracle.checkers.lemma import Lemma, Mistake, Sweep, Values
from mmoracle.checkers.mutants import slowpath_retries as mistakes
from mmoracle.impl.slowpath.machine import SlowPath
from mmoracle.proofs.alike import alike
from mmoracle.spec.linux import (
    GFP_ATOMIC,
    GFP_HIGHUSER_MOVABLE,
    GFP_KERNEL,
    GFP_NOIO,
    AllocFlags,
    CompactPriority,
    CompactResult,
    Gfp,
)
from mmoracle.spec.slowpath import flags, path, retry
from mmoracle.spec.slowpath.ops import Answer, Begin, PfmemallocAllowed
from mmoracle.spec.slowpath.request import (
    COMPACTS,
    COMPACTS_WITHOUT_IO,
    FREELISTS,
    At,
    Config,
    Context,
    Event,
    Left,
    Nodemask,
    Reclaim,
    Reply,
    Request,
    State,
    Zone,
)

from .retries import ANSWERED
from .turns import QUESTIONS, nothing_given_back, replies_to

# ------------------------------------------------------------------ what is tried

USUAL = AllocFlags.CPUSET | AllocFlags.KSWAPD
FEW = Config((), (), reclaim_retries=2, compact_retries=12, cluster=2, reserve=1)
MACHINES = (
    replace(FEW, cpusets=True, hotremove=True, cma=True),
    replace(FEW, compaction=False, counts_free=False),
    replace(FEW, hotremove=True, quirks=(COMPACTS_WITHOUT_IO,)),
    replace(FEW, compaction=False, quirks=(COMPACTS_WITHOUT_IO,)),
)
MAYFAIL = GFP_KERNEL | Gfp.RETRY_MAYFAIL
KINDS: tuple[tuple[int, Gfp, Context, AllocFlags], ...] = (
    (0, GFP_KERNEL, Context.NONE, USUAL),
    (1, GFP_KERNEL, Context.NONE, USUAL),
    (3, GFP_HIGHUSER_MOVABLE, Context.BARRED, USUAL | AllocFlags.CMA),
    (3, GFP_KERNEL | Gfp.RECLAIMABLE, Context.VICTIM, USUAL | AllocFlags.OOM),
    (4, MAYFAIL, Context.NONE, USUAL),
    (4, GFP_NOIO | Gfp.RETRY_MAYFAIL, Context.NONE, USUAL),
    (4, GFP_KERNEL, Context.NONE, USUAL),
    (0, GFP_KERNEL, Context.BARRED, USUAL),
    (0, GFP_KERNEL | Gfp.NOMEMALLOC, Context.NONE, USUAL),
    (5, GFP_KERNEL | Gfp.NORETRY, Context.NOCMA, USUAL),
    (4, GFP_KERNEL | Gfp.NORETRY | Gfp.THISNODE, Context.NONE, USUAL),
    (2, MAYFAIL | Gfp.NOWARN, Context.SUSPENDED, USUAL),
    (0, GFP_KERNEL | Gfp.NOFAIL, Context.MEMALLOC, USUAL | AllocFlags.NO_WATERMARKS),
    (4, MAYFAIL | Gfp.NOFAIL, Context.VICTIM, USUAL),
    (0, GFP_ATOMIC | Gfp.NOFAIL, Context.HARDIRQ, AllocFlags.HARDER | AllocFlags.HIGH),
    (1, GFP_ATOMIC, Context.MEMALLOC | Context.SOFTIRQ, AllocFlags.HIGH),
    (1, GFP_KERNEL | Gfp.ATOMIC | Gfp.HARDWALL, Context.BARRED, USUAL),
    (1, GFP_KERNEL | Gfp.DMA, Context.REALTIME, USUAL | AllocFlags.HARDER),
    (0, GFP_KERNEL | Gfp.NOMEMALLOC, Context.VICTIM, USUAL),
    (0, GFP_KERNEL | Gfp.MEMALLOC, Context.DUMPCORE, AllocFlags.NO_WATERMARKS),
    (1, GFP_HIGHUSER_MOVABLE, Context.MEMALLOC | Context.NOCMA, USUAL),
)
ZONES = (
    Zone(),
    Zone(9, 1, 0, block=True),
    Zone(10, 3, 1, write_pending=2),
    Zone(11, 0, 2),
    Zone(24, 6, 3, block=True, write_pending=9),
    Zone(44, 40, 1, write_pending=20),
)
COUNTS = ((0, 0), (2, 2), (3, 3), (11, 1), (12, 9))  # of compaction, of reclaim
LEFT = Left(changes=2, kills=2, signals=1)
NODES = tuple(Nodemask)
PRIORITIES = tuple(CompactPriority)


def all_replies(at: At) -> tuple[Reply, ...]:
    """Return what may be replied to a question, a page included."""
    if at in FREELISTS:
        return (*replies_to(at), Reply.PAGE)
    return (*replies_to(at), *((Reply.CAPTURED,) if at in COMPACTS else ()))


def state_of(at: int, kind: int, zone: int, mix: int) -> State:
    """Return a request on its way; what is not named differs from case to case."""
    order, gfp, context, rights = KINDS[kind]
    mixed = kind + 5 * zone + 7 * mix
    retries, loops = COUNTS[mixed % len(COUNTS)]
    where = QUESTIONS[at]
    return State(
        at=where,
        order=order,
        gfp=gfp,
        context=context,
        nodemask=NODES[mixed % 3] if mixed % 2 else Nodemask.FITS,
        memalloc=bool(mix & 1),
        flags=rights,
        priority=PRIORITIES[(mixed // 3 + mix) % 3],
        compacted=ANSWERED[(mixed + mix) % len(ANSWERED) if at else 0],
        retries=retries,
        loops=loops,
        gained=tuple(Reclaim)[(mixed // 2 + mix) % 5],
        zone=ZONES[zone],
        left=LEFT,
    )


def every_step(machine: int, top: int) -> Iterator[Values]:
    """Yield every question and reply, with requests and zones of many kinds."""
    for at, where in enumerate(QUESTIONS):
        mixes = range(6 if where in (At.COMPACTED, At.DRAINED) else 2)
        for kind, zone, mix in product(range(len(KINDS)), range(len(ZONES)), mixes):
            if (kind + zone + at + mix) % 4 == machine or len(mixes) > 2:
                replied = range(len(all_replies(where)))
                yield from ((machine, at, kind, zone, mix, each) for each in replied)


def both_sides_go_on_alike_after_any_answer(
    top: Any, machine: int, at: int, kind: int, zone: int, mix: int, reply: int
) -> Any:
    """The next question, its flags and events, and the state are the same."""
    s = state_of(at, kind, zone, mix)
    answer = Answer(all_replies(s.at)[reply])
    return alike(SUBSYSTEM, MACHINES[machine], [answer], s) is not None


FREES = (*range(6, 18), *range(39, 46))
DECIDED = (CompactResult.SKIPPED, CompactResult.SUCCESS, CompactResult.DEFERRED)


def near_marks(machine: int, top: int) -> Iterator[Values]:
    """Yield rounds that end with as many pages as the marks and gaps ask for."""
    kinds, blocks = (1, 4, 5, 11, 13, 15, 20), product(range(3), (0, 1))
    for kind, (highatomic, block), free in product(kinds, [*blocks], FREES):
        for reclaimable in (0, 1, 5):
            loops = (1, 3)[(free + highatomic) % 2]
            at = free + reclaimable
            told = kind, free, reclaimable, highatomic, block, loops
            yield (machine, *told, at % 3)


def both_sides_end_a_round_alike_near_the_marks(
    top: Any,
    machine: int,
    kind: int,
    free: int,
    reclaimable: int,
    highatomic: int,
    block: int,
    loops: int,
    result: int,
) -> Any:
    """Another round, the OOM killer or failure: both sides decide alike to the page."""
    cfg = MACHINES[machine]
    zone = Zone(free, reclaimable, highatomic, bool(block), 1 + highatomic)
    s = replace(
        state_of(QUESTIONS.index(At.COMPACTED), kind, 0, 0),
        nodemask=NODES[free % 2],
        gained=Reclaim.PAGES if loops > 2 else tuple(Reclaim)[free % 5],
        compacted=DECIDED[result],
        loops=loops,
        zone=zone,
    )
    return alike(SUBSYSTEM, cfg, [Answer(Reply.NO_PAGE)], s) is not None


def every_beginning(top: int) -> Iterator[Values]:
    """Yield every request, with every nodemask and a few zones."""
    for machine, kind in product(range(len(MACHINES)), range(len(KINDS))):
        yield from product((machine,), (kind,), range(3), range(0, len(ZONES), 2))


def both_sides_begin_alike(
    top: Any, machine: int, kind: int, nodes: int, zone: int
) -> Any:
    """A request that enters asks the same, and is told the same of the reserves."""
    cfg = MACHINES[machine]
    order, gfp, context, _ = KINDS[kind]
    asked = Request(order, gfp, context, NODES[nodes])
    told = [PfmemallocAllowed(gfp, context), Begin(asked, ZONES[zone])]
    return alike(SUBSYSTEM, cfg, told) is not None


# ------------------------------------------------------------------ mistakes


def wait_for_everything(cfg: Config, s: State) -> Any:
    """Wait for writeback after progress as well."""
    s, again, events = right_again(cfg, s)
    return s, again, (Event.WAIT,) if again else events


def keep_the_gain(s: State) -> State:
    """Remember what the last round gained."""
    return s


def skip_the_drain(self: SlowPath) -> None:
    """Compact at once when reclaim was in vain."""
    self.try_compaction()


def warn_always(s: State, *events: Event) -> Any:
    """Tell the log of a failure whatever the caller asks."""
    return path.end(False, *events, Event.WARN_FAILURE)


def never_warn_of_atomic(
    self: SlowPath, order: int, gfp: int, who: int, nodemask: int, zone: Any
) -> None:
    """Take atomic requests that may sleep as they are."""
    right_begin(self, order, gfp, who, nodemask, zone)
    self.events = [each for each in self.events if each != "WARN_ATOMIC"]


def cma_for_all(cfg: Config, s: State, rights: Any) -> Any:
    """Let every request have CMA."""
    return AllocFlags(rights) | AllocFlags.CMA


def always_suitable(self: SlowPath) -> bool:
    """Trust in reclaim to make room for compaction."""
    return True


def half_the_gap(order: Any) -> Any:
    """Ask for as many pages as the block has."""
    return 1 << order


right_again, right_begin = retry.reclaim_again, SlowPath.begin

# ------------------------------------------------------------------ the lemmas

STEPS = (
    Lemma(
        claim=both_sides_go_on_alike_after_any_answer,
        provers=tuple(
            Sweep(cases=partial(every_step, at), scope=f"requests and zones {at + 1}")
            for at in range(len(MACHINES))
        ),
        mistakes=(
            Mistake(SlowPath, "decide", mistakes.go_on_without_io, bug="P21"),
            Mistake(path, "reclaim_again", wait_for_everything),
            Mistake(path, "spent", keep_the_gain),
            Mistake(SlowPath, "drain", skip_the_drain),
            Mistake(retry, "unreserve", nothing_given_back),
            Mistake(path, "fail", warn_always),
        ),
        size="21 requests, 6 zones",
    ),
    Lemma(
        claim=both_sides_end_a_round_alike_near_the_marks,
        provers=tuple(
            Sweep(cases=partial(near_marks, at), scope=f"requests and zones {at + 1}")
            for at in range(len(MACHINES))
        ),
        mistakes=(
            Mistake(SlowPath, "decide", mistakes.go_on_without_io, bug="P21"),
            Mistake(SlowPath, "compaction_zonelist_suitable", always_suitable),
            Mistake(retry, "gap", half_the_gap),
        ),
        size="7 requests, zones of up to 50 pages",
    ),
    Lemma(
        claim=both_sides_begin_alike,
        provers=(Sweep(cases=every_beginning, scope="requests and zones"),),
        mistakes=(
            Mistake(SlowPath, "begin", never_warn_of_atomic),
            Mistake(flags, "with_cma", cma_for_all),
        ),
        size="21 requests, 3 zones",
    ),
)
